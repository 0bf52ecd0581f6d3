package clientele

// What became of an event that came in.
const (
	OutcomeAccepted    = "accepted"
	OutcomeQuarantined = "quarantined"
	OutcomeDropped     = "dropped" // by a tracking plan
)

// LiveEvent is an event as those who watch see it come. What is not known of a record that could
// not be used stays empty.
type LiveEvent struct {
	Outcome    string    `json:"outcome"` // accepted, quarantined, dropped
	ID         string    `json:"id"`      // the event's, or of the quarantine's entry
	Source     string    `json:"source"`
	ReceivedAt Micros    `json:"received_at"`
	At         Micros    `json:"ts,omitempty"` // when it happened
	Type       string    `json:"type,omitempty"`
	Name       string    `json:"name,omitempty"`
	Profile    ProfileID `json:"profile,omitempty"`
	Properties RawJSON   `json:"properties,omitempty"`
	Code       string    `json:"code,omitempty"`   // of the reason
	Reason     string    `json:"reason,omitempty"` // why it was not used, and what to do
	Raw        string    `json:"raw,omitempty"`    // the beginning of a record that was not used
	Cut        bool      `json:"cut,omitempty"`    // properties or raw were too long to show
}

// LiveQuery says which events to watch. What is empty asks nothing.
type LiveQuery struct {
	Source  string
	Outcome string
}

// AsideRecord is a record that a change set has put aside. Raw is not to be kept.
type AsideRecord struct {
	ID, Source, Code, Reason string
	ReceivedAt               Micros
	Dropped                  bool // by a tracking plan; else it is in quarantine
	Raw                      []byte
}

// SourcePulse is what came from a source since the server has started.
type SourcePulse struct {
	Source string `json:"source"`
	Events int64  `json:"events"`         // accepted
	Aside  int64  `json:"aside"`          // quarantined and dropped
	Last   Micros `json:"last,omitempty"` // receipt of the latest
}

// Pulse is whether data comes in, and how large things are at this moment.
type Pulse struct {
	At        Micros           `json:"at"`
	State     string           `json:"state"`
	Problems  []string         `json:"problems"`
	Sources   []SourcePulse    `json:"sources"` // by name
	Lag       uint64           `json:"lag"`     // frames of the log that are not resolved
	Counts    map[string]int64 `json:"counts"`  // those of Status
	Audiences map[string]int64 `json:"audiences"`
	Filling   []string         `json:"filling"` // audiences that are being filled
}
