package clientele

// Audience is a named group of people: what it is made of, and how it stands.
type Audience struct {
	Name        string       `json:"name" yaml:"name"`
	Kind        AudienceKind `json:"kind,omitempty" yaml:"kind,omitempty"`
	Description string       `json:"description,omitempty" yaml:"description,omitempty"`
	Where       RawJSON      `json:"where,omitempty" yaml:"-"`               // the definition, of the kind definition
	Query       string       `json:"query,omitempty" yaml:"query,omitempty"` // a SELECT of profile_id, of the kind sql
	Suppress    RawJSON      `json:"suppress,omitempty" yaml:"-"`            // rules that leave people out: [{"name":"no consent","when":{…}}]
	Every       string       `json:"every,omitempty" yaml:"every,omitempty"` // how often the query is asked again, "6h"; "" = once a day
}

// WithSuppress is a definition with suppress rules as one condition.
func WithSuppress(where, suppress RawJSON) RawJSON {
	if len(suppress) == 0 || string(suppress) == "null" || string(suppress) == "[]" {
		return where
	}
	out := append(RawJSON(`{"of":`), where...)
	if len(where) == 0 {
		out = append(out, "null"...)
	}
	out = append(append(out, `,"suppress":`...), suppress...)
	return append(out, '}')
}

// SuppressCount is what a suppress rule takes out of those whom the definition means.
type SuppressCount struct {
	Name    string `json:"name"`
	Reads   string `json:"reads"`   // the rule in one line
	Alone   int64  `json:"alone"`   // whom it holds for
	Removed int64  `json:"removed"` // of them, those that no rule before it has taken out
}

// SuppressedProfile is somebody whom the definition means and a rule leaves out.
type SuppressedProfile struct {
	Profile ProfileID `json:"profile"`
	By      string    `json:"by"`    // the first rule that holds
	Rules   []string  `json:"rules"` // all that hold
}

// AudienceKind is what an audience is made of.
type AudienceKind string

// The kinds.
const (
	AudienceDefinition AudienceKind = "definition"
	AudienceStatic     AudienceKind = "static" // a list of people, from files of identifiers
	AudienceSQL        AudienceKind = "sql"    // the people that a query names, as of its last refresh
)

// Listed says whether the audience is a list that others fill, not a definition.
func (k AudienceKind) Listed() bool { return k == AudienceStatic || k == AudienceSQL }

// AudienceList is how the list of a static or SQL audience stands.
type AudienceList struct {
	Revision  int     `json:"revision"`        // of the list: files and refreshes so far
	At        Micros  `json:"at,omitempty"`    // of the latest
	Matched   int64   `json:"matched"`         // identifiers, of an SQL audience profiles, that are on it
	Waiting   int64   `json:"waiting"`         // identifiers that nobody has yet; who has one later joins
	Dropped   int64   `json:"dropped"`         // identifiers that nobody had, and that were not kept
	MatchRate float64 `json:"match_rate"`      // Matched of all three
	Error     string  `json:"error,omitempty"` // of the latest refresh: the members are those of the one before
	ErrorAt   Micros  `json:"error_at,omitempty"`
	Due       Micros  `json:"due,omitempty"` // when the query is asked again
}

// ListMode is what a file does to a static audience.
type ListMode string

// The modes.
const (
	ListReplace ListMode = "replace" // the list is the file's
	ListAppend  ListMode = "append"
	ListRemove  ListMode = "remove"
)

// AudienceUpload says what the identifiers of a file are.
type AudienceUpload struct {
	Mode      ListMode
	Namespace Namespace // of the identifiers; their hashes (SHA-256) are recognised for email and phone
	Column    string    // that holds them; "" = the only one, or the one that is called like the namespace
	Keep      bool      // keyed hashes of those that nobody has, so that who has one later joins
}

// AudienceUploaded is what a file has done.
type AudienceUploaded struct {
	Audience    string   `json:"audience"`
	Mode        ListMode `json:"mode"`
	Identifiers int64    `json:"identifiers"` // different ones in the file
	Matched     int64    `json:"matched"`     // that somebody has
	Unmatched   int64    `json:"unmatched"`
	Kept        int64    `json:"kept"` // of those, as keyed hashes
	MatchRate   float64  `json:"match_rate"`
	Members     int64    `json:"members"` // of the audience now
}

// AudienceInForce is an audience with how it stands. While a version is filled the one before is
// live.
type AudienceInForce struct {
	Audience
	Reads      string           `json:"reads"`             // the definition in one line
	Version    int              `json:"version,omitempty"` // that is live; 0 = none is yet
	Members    int64            `json:"members"`           // of the live version
	By         string           `json:"by"`
	Owner      string           `json:"owner,omitempty"`       // who answers for it
	Approved   string           `json:"approved_by,omitempty"` // who approved what is in force
	Draft      *AudienceDraft   `json:"draft,omitempty"`       // what waits for approval
	At         Micros           `json:"at"`                    // since when the latest version is in force
	Filling    *AudienceFilling `json:"filling,omitempty"`
	Suppressed []SuppressCount  `json:"suppressed,omitempty"` // by each suppress rule of the live version, in the order given
	List       *AudienceList    `json:"list,omitempty"`       // of the kinds static and sql

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
	ReasonList       = "list"       // the list of a static or SQL audience
	ReasonSuppressed = "suppressed" // a suppress rule holds
	ReasonDefinition = "definition" // a version went live
	ReasonDeleted    = "deleted"    // the audience was
	ReasonStock      = "stock"      // what is available of what the person wants
	ReasonPrediction = "prediction" // a model scored the person anew
)

// Membership is a member of an audience.
type Membership struct {
	Profile   ProfileID `json:"profile"`
	EnteredAt Micros    `json:"entered_at"`
	Reason    string    `json:"reason"`
}

// AudienceMove is that somebody came into an audience or left it.
type AudienceMove struct {
	Profile ProfileID `json:"profile"`
	At      Micros    `json:"at"`
	Move    string    `json:"move" enum:"entered,left"`
	Reason  string    `json:"reason"`
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
	Breakdown    []AudiencePart    `json:"breakdown,omitempty"`  // of the first level, where there are several conditions
	Meant        int64             `json:"meant,omitempty"`      // by the definition, where suppress rules take some out
	Suppressed   []SuppressCount   `json:"suppressed,omitempty"` // by each of them, in the order given
	Commit       uint64            `json:"commit"`               // of the tables that it is exact for
	Leaves       int               `json:"leaves"`               // conditions that test something
	Computed     int               `json:"computed"`             // of them, those that were not known already
	Problems     []AudienceProblem `json:"problems,omitempty"`   // names that the data does not have

	Percentiles []PercentileThreshold `json:"percentiles,omitempty"` // that it compares with

	TookMS int64 `json:"took_ms"`
}

// PreviewProgress is how far a preview is that somebody waits for.
type PreviewProgress struct {
	Running bool `json:"running"`
	Done    int  `json:"done"` // conditions that are counted
	Of      int  `json:"of"`
}

// AudienceProblem is something that a definition names and the data does not have.
type AudienceProblem struct {
	At   string `json:"at"` // JSON pointer into the definition
	What string `json:"what"`
	Hint string `json:"hint"`
}
