package clientele

// Access is everything that is known of a person, with where it came from: the answer to a data
// subject request.
type Access struct {
	MadeAt   Micros           `json:"made_at"`
	Profile  *Profile         `json:"profile"` // with the provenance of each trait
	Identity *IdentityView    `json:"identity"`
	Consents []map[string]any `json:"consents"` // the history of decisions, with their proof
	Events   []AccessEvent    `json:"events"`   // all of them, the oldest first
	// RawLeftOut is how many events are without their record: it has left log and archive, or the
	// answer holds as many as it may.
	RawLeftOut  int           `json:"raw_left_out,omitempty"`
	Tables      []AccessTable `json:"tables"` // orders, returns, messages, ... that are the person's
	Quarantined []Quarantined `json:"quarantined"`
	Exports     []string      `json:"exports"` // that were made, and may hold the person
}

// AccessEvent is an event with the whole record that told of it, as it was accepted.
type AccessEvent struct {
	Event
	Raw RawJSON `json:"raw,omitempty"`
}

// AccessTable are the person's rows of one table.
type AccessTable struct {
	Table string           `json:"table"`
	Rows  []map[string]any `json:"rows"`
}

// AccessRequest names whose data is asked for.
type AccessRequest struct {
	Namespace Namespace `json:"namespace"`
	Value     string    `json:"value"`
	HTML      bool      `json:"html,omitempty"` // answer a readable page instead of JSON
}
