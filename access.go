package clientele

// Access is everything that is known of a person, with where it came from: the answer to a data
// subject request.
type Access struct {
	MadeAt      Micros           `json:"made_at"`
	Profile     *Profile         `json:"profile"` // with the provenance of each trait
	Identity    *IdentityView    `json:"identity"`
	Consents    []map[string]any `json:"consents"` // the history of decisions, with their proof
	Events      []Event          `json:"events"`   // all of them, the oldest first
	Tables      []AccessTable    `json:"tables"`   // orders, returns, messages, ... that are the person's
	Quarantined []Quarantined    `json:"quarantined"`
	Exports     []string         `json:"exports"` // that were made, and may hold the person
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
