package clientele

// Profile is what is known of one person: the answer of the profile API.
type Profile struct {
	ID          ProfileID             `json:"id"`
	Identifiers []ProfileIdentifier   `json:"identifiers"`
	Traits      map[string]any        `json:"traits"`
	Computed    map[string]any        `json:"computed"`
	Predictions map[string]any        `json:"predictions"`
	Audiences   []string              `json:"audiences"`
	Lifecycle   *ProfileStage         `json:"lifecycle,omitempty"`
	Consent     []Consent             `json:"consent"`
	FirstSeen   Micros                `json:"first_seen"`
	LastSeen    Micros                `json:"last_seen"`
	FormerIDs   []ProfileID           `json:"former_ids"`
	Events      int64                 `json:"events"` // how many events and imported records are its own
	Provenance  map[string]Provenance `json:"provenance,omitempty"`
	Enrichment  []Enriched            `json:"enrichment,omitempty"` // traits of third parties, with their source and expiry
}

// ProfileName is of a profile what says who it is.
type ProfileName struct {
	ID         ProfileID      `json:"id"`      // as it was asked for
	Profile    ProfileID      `json:"profile"` // today's, where that one was merged
	Traits     map[string]any `json:"traits"`  // name, first_name and last_name
	Identifier *Identifier    `json:"identifier,omitempty" doc:"What is best known of them: an e-mail address, else a phone number, else a user id."`
}

// ProfileIdentifier is an identifier of a profile.
type ProfileIdentifier struct {
	Identifier
	Source    string `json:"source"`
	Verified  bool   `json:"verified"`
	Blocked   bool   `json:"blocked,omitempty"`
	FirstSeen Micros `json:"first_seen"`
	LastSeen  Micros `json:"last_seen"`
}

// Provenance says where the value of a trait came from and why it was chosen.
type Provenance struct {
	Source string        `json:"source"`
	Event  string        `json:"event"`
	At     Micros        `json:"at"`
	Rule   TraitRuleKind `json:"rule"`
	// ExpiresAt is when the value goes, of enrichment.
	ExpiresAt Micros `json:"expires_at,omitempty"`
}

// TraitRuleKind is how a trait is chosen among what the sources said (survivorship rule).
type TraitRuleKind string

// The survivorship rules.
const (
	RuleLatest         TraitRuleKind = "latest"          // the last by event time (default)
	RuleFirst          TraitRuleKind = "first"           // the first by event time
	RuleMostFrequent   TraitRuleKind = "most_frequent"   // said most often; ties by the latest
	RuleSourcePriority TraitRuleKind = "source_priority" // the latest of the best source
	RuleUnion          TraitRuleKind = "union"           // a list of all values said
)

// TraitRule is the survivorship rule of one trait.
type TraitRule struct {
	Rule    TraitRuleKind `json:"rule" yaml:"rule"`
	Sources []string      `json:"sources,omitempty" yaml:"sources,omitempty"` // best first, for source_priority
}

// Event is an event on a profile's timeline.
type Event struct {
	ID         string   `json:"event_id"`
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	TS         Micros   `json:"ts"`
	ReceivedAt Micros   `json:"received_at"`
	Source     string   `json:"source"`
	Position   Position `json:"position"` // of its frame in the log
	Properties RawJSON  `json:"properties"`
	Context    RawJSON  `json:"context,omitempty"`
}

// Quarantined is a record that was accepted but could not be used, with the reason.
type Quarantined struct {
	ID         string `json:"id"` // position-ordinal
	Source     string `json:"source"`
	Kind       string `json:"kind"`
	ReceivedAt Micros `json:"received_at"`
	Code       string `json:"code"`   // machine-readable reason
	Reason     string `json:"reason"` // what is wrong and what to do
	Raw        string `json:"raw,omitempty"`
	ReplayedAt Micros `json:"replayed_at,omitempty"` // the last time, in vain
	ReplayedBy string `json:"replayed_by,omitempty"`
}
