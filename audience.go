package clientele

// Audience is a named group of people: what it is made of, and how it stands.
type Audience struct {
	Name        string       `json:"name" yaml:"name"`
	Kind        AudienceKind `json:"kind,omitempty" yaml:"kind,omitempty"`
	Description string       `json:"description,omitempty" yaml:"description,omitempty"`
	Where       RawJSON      `json:"where" yaml:"-"` // the definition
}

// AudienceKind is what an audience is made of.
type AudienceKind string

// The kinds.
const (
	AudienceRule AudienceKind = "rule" // a definition
)

// AudienceInForce is an audience with how it stands. While a version is filled the one before is
// live.
type AudienceInForce struct {
	Audience
	Reads   string           `json:"reads"`             // the definition in one line
	Version int              `json:"version,omitempty"` // that is live; 0 = none is yet
	Members int64            `json:"members"`           // of the live version
	By      string           `json:"by"`
	At      Micros           `json:"at"` // since when the latest version is in force
	Filling *AudienceFilling `json:"filling,omitempty"`

	Percentiles []PercentileThreshold `json:"percentiles,omitempty"` // that the definition compares with
}

// PercentileThreshold is the value that stands at a percentile of a trait, of all profiles whose trait is a
// number, as of its last computation.
type PercentileThreshold struct {
	Trait      string   `json:"trait" cbor:"1,keyasint"`
	Percentile float64  `json:"percentile" cbor:"2,keyasint"`
	Value      *float64 `json:"value" cbor:"3,keyasint"` // null: nobody has a number, or it is not computed yet
	Profiles   int64    `json:"profiles" cbor:"4,keyasint"`
	At         Micros   `json:"at" cbor:"5,keyasint"`
}

// AudienceFilling is a version that is not live yet.
type AudienceFilling struct {
	Version  int      `json:"version"`
	Position Position `json:"position"` // of the log, from which on changes are evaluated by it
	Members  int64    `json:"members"`  // found so far
	Filled   int64    `json:"filled"`   // profiles looked at
	Profiles int64    `json:"profiles"` // to be looked at
}

// Why somebody entered or left an audience.
const (
	ReasonEvent      = "event"      // what was told of the person
	ReasonTime       = "time"       // a window passed
	ReasonStage      = "stage"      // the lifecycle stage is another
	ReasonMerge      = "merge"      // profiles became one, or were taken apart
	ReasonDefinition = "definition" // a version went live
	ReasonDeleted    = "deleted"    // the audience was
)

// Membership is a member of an audience.
type Membership struct {
	Profile   ProfileID `json:"profile"`
	EnteredAt Micros    `json:"entered_at"`
	Reason    string    `json:"reason"`
}

// AudiencePreview is who would be in an audience.
type AudiencePreview struct {
	Reads        string            `json:"reads"`
	Count        int64             `json:"count"`
	Total        int64             `json:"total"`         // profiles there are
	Share        float64           `json:"share"`         // of all profiles, 0 to 1
	Revenue      string            `json:"revenue"`       // of its members, in the base currency
	RevenueShare float64           `json:"revenue_share"` // of the revenue of all profiles
	Sample       []ProfileID       `json:"sample"`
	Breakdown    []AudiencePart    `json:"breakdown,omitempty"` // of the first level, where there are several conditions
	Commit       uint64            `json:"commit"`              // of the tables that it is exact for
	Leaves       int               `json:"leaves"`              // conditions that test something
	Computed     int               `json:"computed"`            // of them, those that were not known already
	Problems     []AudienceProblem `json:"problems,omitempty"`  // names that the data does not have

	Percentiles []PercentileThreshold `json:"percentiles,omitempty"` // that it compares with

	TookMS int64 `json:"took_ms"`
}

// AudienceProblem is something that a definition names and the data does not have.
type AudienceProblem struct {
	At   string `json:"at"` // JSON pointer into the definition
	What string `json:"what"`
	Hint string `json:"hint"`
}
