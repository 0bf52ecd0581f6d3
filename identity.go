package clientele

// NamespaceRule says how identifiers of one namespace make people one.
type NamespaceRule struct {
	Priority int      `json:"priority" yaml:"priority"`                   // 1 is the strongest
	Limit    int      `json:"limit" yaml:"limit"`                         // how many one person can have
	Unique   bool     `json:"unique,omitempty" yaml:"unique,omitempty"`   // the same as limit 1
	Generic  int      `json:"generic,omitempty" yaml:"generic,omitempty"` // joined to more people than this, a value stops identifying; 0 = the default
	Blocked  []string `json:"blocked,omitempty" yaml:"blocked,omitempty"` // values that never identify; /regexp/ allowed
}

// IdentityRules are the rules of identity resolution. Namespaces that are not named have Default.
type IdentityRules struct {
	Namespaces map[Namespace]NamespaceRule `json:"namespaces" yaml:"namespaces"`
	Default    NamespaceRule               `json:"default" yaml:"default"`
	Region     string                      `json:"region,omitempty" yaml:"region,omitempty"` // of phone numbers without a country code, "TH"; none: such numbers do not identify
}

// DefaultIdentityRules are the rules for what a configuration does not name.
func DefaultIdentityRules() IdentityRules {
	return IdentityRules{
		Namespaces: map[Namespace]NamespaceRule{
			UserID:      {Priority: 1, Limit: 1},
			Email:       {Priority: 2, Limit: 5},
			Phone:       {Priority: 3, Limit: 5},
			DeviceID:    {Priority: 8, Limit: 100},
			AnonymousID: {Priority: 9, Limit: 100},
			PreviousID:  {Priority: 9, Limit: 100},
		},
		Default: NamespaceRule{Priority: 5, Limit: 5},
	}
}

// Evidence is why two identifiers are held to be of one person.
type Evidence struct {
	ID       string     `json:"id"` // names the pair; unmerge takes it
	A        Identifier `json:"a"`
	B        Identifier `json:"b"`
	Event    string     `json:"event"` // the message or record id, or the command's position
	Source   string     `json:"source"`
	At       Micros     `json:"at"`
	Rule     string     `json:"rule"` // observed, alias, manual, matched
	Verified bool       `json:"verified"`
	State    string     `json:"state"`            // joined, refused, retired, blocked
	Reason   string     `json:"reason,omitempty"` // of a refusal
	Match    *Match     `json:"match,omitempty"`  // of matched evidence: why
}

// Separation is a cannot-link: two identifiers an operator keeps apart.
type Separation struct {
	A  Identifier `json:"a"`
	B  Identifier `json:"b"`
	By string     `json:"by"`
	At Micros     `json:"at"`
}

// IdentityView explains a profile: all evidence that joins it and all that was refused.
type IdentityView struct {
	Profile     ProfileID           `json:"profile"`
	FormerIDs   []ProfileID         `json:"former_ids"`
	Identifiers []ProfileIdentifier `json:"identifiers"`
	Evidence    []Evidence          `json:"evidence"`
	Separations []Separation        `json:"separations"`
	Frozen      bool                `json:"frozen,omitempty"` // too large to be recomputed
}

// MergeRequest names what to merge with, or take out of, a profile: identifiers, or for
// unmerge the ids of evidence to retire.
type MergeRequest struct {
	Profile     string       `json:"profile"` // id, or NAMESPACE:VALUE
	Identifiers []Identifier `json:"identifiers,omitempty"`
	Evidence    []string     `json:"evidence,omitempty"`
}

// ProfileCount is a profile and how many events and records are its own.
type ProfileCount struct {
	ID     ProfileID `json:"id"`
	Events int64     `json:"events"`
}

// MergeResult is what a merge or unmerge did.
type MergeResult struct {
	Before []ProfileCount `json:"before"`
	After  []ProfileCount `json:"after"`
}

// Simulation is what other rules would do to the stored evidence.
type Simulation struct {
	ProfilesBefore int64              `json:"profiles_before"`
	ProfilesAfter  int64              `json:"profiles_after"`
	Merges         int64              `json:"merges"`   // profiles that would become part of another
	Splits         int64              `json:"splits"`   // profiles that would fall into several
	Affected       int64              `json:"affected"` // identifiers whose profile would change
	BlockedMerges  int64              `json:"blocked_merges"`
	BlockedValues  int64              `json:"blocked_values"`
	Sample         []SimulationChange `json:"sample"`
	TookMS         int64              `json:"took_ms"`
}

// SimulationChange is one group of profiles that would be regrouped.
type SimulationChange struct {
	Before [][]Identifier `json:"before"`
	After  [][]Identifier `json:"after"`
}

// IdentityHealth is how the identity graph is doing.
type IdentityHealth struct {
	AsOf          Micros              `json:"as_of"` // of many profiles it is not made for every question
	Profiles      int64               `json:"profiles"`
	Identifiers   map[Namespace]int64 `json:"identifiers"`
	Known         int64               `json:"known"` // profiles with an identifier other than anonymous_id and device_id
	Rate          float64             `json:"identification_rate"`
	Largest       []ProfileSize       `json:"largest"`
	BlockedValues int64               `json:"blocked_values"`
	BlockedMerges int64               `json:"blocked_merges"`
	Frozen        int64               `json:"frozen"`
	Merges        int64               `json:"merges"` // since the beginning
	Unmerges      int64               `json:"unmerges"`
	ManualLinks   int64               `json:"manual_links"`
	CannotLinks   int64               `json:"cannot_links"`

	PerPerson   float64             `json:"identifiers_per_person"`
	EmailRate   float64             `json:"email_rate"`   // share of profiles with an e-mail address, likewise below
	PhoneRate   float64             `json:"phone_rate"`   // a telephone number
	ConsentRate float64             `json:"consent_rate"` // a consent that is granted today
	Suspicious  []SuspiciousProfile `json:"suspicious"`   // of the 1,000 largest and 1,000 that matches join, those that look like several people
	Matching    MatchTrust          `json:"matching"`
}

// SuspiciousProfile is a profile whose parts say different things of one person.
type SuspiciousProfile struct {
	ID          ProfileID `json:"id"`
	Identifiers int       `json:"identifiers"`
	GivenNames  int       `json:"given_names"` // different ones
	BirthDates  int       `json:"birth_dates"`
}

// MatchTrust is how far matching can be trusted.
type MatchTrust struct {
	Matches int64 `json:"matches"` // pairs that are joined, or would be
	Blocked int64 `json:"blocked"` // of them, refused by a limit or a cannot-link
	// OverMerge is the share of the matches that are of two people, by their own probabilities, which verdicts have set right.
	OverMerge float64 `json:"over_merge"`
	Open      int64   `json:"open"` // pairs that wait for a verdict
	Decided   int64   `json:"decided"`
	Same      int64   `json:"same"` // of the decided
	// UnderMerge is how many of the open pairs are one person, by the share among the decided, with a 95 % interval (Wilson, 1927).
	UnderMerge     float64 `json:"under_merge"`
	UnderMergeLow  float64 `json:"under_merge_low"`
	UnderMergeHigh float64 `json:"under_merge_high"`

	Online OnlineMatching `json:"online"`
}

// ProfileSize is a profile and how many identifiers it has.
type ProfileSize struct {
	ID          ProfileID `json:"id"`
	Identifiers int       `json:"identifiers"`
}
