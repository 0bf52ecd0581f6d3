package clientele

// MatchReason is what one field says about a pair of people: its level of agreement, and by how many bits it raises or
// lowers the odds that they are one.
type MatchReason struct {
	Field  string  `json:"field" cbor:"1,keyasint"`
	Level  string  `json:"level" cbor:"2,keyasint"`
	Weight float64 `json:"weight" cbor:"3,keyasint"`
}

// Match is what linkage found out about a pair of people who share no identifier. It holds no value of theirs.
type Match struct {
	Model       string        `json:"model" cbor:"1,keyasint"`       // version of what weighed them
	Weight      float64       `json:"weight" cbor:"2,keyasint"`      // bits: log2 of the odds
	Probability float64       `json:"probability" cbor:"3,keyasint"` // that they are one person, as labels have set it right
	Reasons     []MatchReason `json:"reasons" cbor:"4,keyasint,omitempty"`
}

// MatchPair is a match of two anchors, A before B.
type MatchPair struct {
	A     Anchor `json:"a"`
	B     Anchor `json:"b"`
	Match Match  `json:"match"`
}

// Verdict of a person on a pair in the review queue.
type MatchVerdict string

// The verdicts. Open is none: what waits, or what was taken back.
const (
	MatchOpen      MatchVerdict = "open"
	MatchSame      MatchVerdict = "same"
	MatchDifferent MatchVerdict = "different"
	MatchUnsure    MatchVerdict = "unsure"
)

// MatchReview is a pair in the review queue, side by side.
type MatchReview struct {
	ID       string       `json:"id"`
	Profiles [2]ProfileID `json:"profiles"` // of today; equal when they are one by now
	State    MatchVerdict `json:"state"`
	Run      Position     `json:"run"`
	Match
	Fields    []MatchField `json:"fields"`
	By        string       `json:"by,omitempty"`
	DecidedAt Micros       `json:"decided_at,omitempty"`
}

// MatchField is one field of a pair: what each of both has, and what their agreement weighs.
type MatchField struct {
	Field  string  `json:"field"`
	A      string  `json:"a"`
	B      string  `json:"b"`
	Level  string  `json:"level"` // empty when one of both has no value
	Weight float64 `json:"weight"`
}

// The states of a matching run.
const (
	MatchDry       = "dry"       // numbers alone; nothing was written
	MatchApplied   = "applied"   // its matches are in the graph
	MatchWaiting   = "waiting"   // more churn than the limit: somebody approves it or discards it
	MatchDiscarded = "discarded" // somebody did not want it, or a later run took its place
)

// MatchRun is what one run of matching found, and what it changed or would change.
type MatchRun struct {
	ID        Position `json:"id"` // 0 of a dry run
	State     string   `json:"state"`
	By        string   `json:"by"`
	At        Micros   `json:"at"`
	TookMS    int64    `json:"took_ms"`
	Model     string   `json:"model"`
	Records   int64    `json:"records"`    // people that say something to compare
	Pairs     int64    `json:"pairs"`      // that were weighed
	Matched   int64    `json:"matched"`    // matches there are with this run
	New       int64    `json:"new"`        // of them, new ones
	Retracted int64    `json:"retracted"`  // former matches that no longer hold
	Review    int64    `json:"review"`     // pairs that wait for somebody
	Blocked   int64    `json:"blocked"`    // matches that a limit or a cannot-link refuses
	Before    int64    `json:"before"`     // profiles
	After     int64    `json:"after"`      // profiles
	Merged    int64    `json:"merged"`     // profiles that become part of another
	Split     int64    `json:"split"`      // profiles that fall into several
	Unchanged int64    `json:"unchanged"`  // profiles with the same identifiers as before
	Churn     float64  `json:"churn"`      // share of the people compared whose profile id changes
	MaxChurn  float64  `json:"max_churn"`  // above it the run waits
	Merge     float64  `json:"merge"`      // probability from which people are merged
	ReviewMin float64  `json:"review_min"` // probability from which they wait for somebody
	Labels    int64    `json:"labels"`     // decided pairs that the probabilities were set right by
	// Online is how many pairs were matched by this run's model since, as people came; OnlineClosed when that ended because they
	// were too many: whom it would match waits for somebody until the next run.
	Online       int64  `json:"online"`
	OnlineClosed Micros `json:"online_closed,omitempty"`
	// Roles says what each column was taken for.
	Roles  map[string]string   `json:"roles,omitempty"`
	Fields map[string][]string `json:"fields,omitempty"` // the columns of each field that was compared
}

// MatchRunRequest says how to run.
type MatchRunRequest struct {
	Dry bool `json:"dry,omitempty"` // numbers alone
}

// MatchDecision is a verdict on pairs of the review queue. Open takes the former verdict back.
type MatchDecision struct {
	IDs     []string     `json:"ids"`
	Verdict MatchVerdict `json:"verdict"`
}

// MatchDecided is what became of a decision.
type MatchDecided struct {
	Changed int            `json:"changed"` // pairs that have another verdict than before
	Refused []MatchRefused `json:"refused,omitempty"`
}

// MatchRefused is a pair that cannot have the verdict, and why.
type MatchRefused struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// MatchReviewQuery asks for pairs of the review queue.
type MatchReviewQuery struct {
	State MatchVerdict // empty: open
	Text  string       // a part of a value of one of both
}

// OnlineMatching is how matching of people as they come is doing.
type OnlineMatching struct {
	State  string `json:"state"`  // off, no run, building, on, closed, full
	People int64  `json:"people"` // in the index
	Bytes  int64  `json:"bytes"`  // of memory that it takes, about
	Behind int64  `json:"behind"` // commits that it has not looked at
}

// The states of online matching.
const (
	OnlineOff      = "off"      // not configured
	OnlineNoRun    = "no run"   // no applied run has learned anything yet
	OnlineBuilding = "building" // the index, from a snapshot
	OnlineOn       = "on"
	OnlineClosed   = "closed" // too many matches since the last run: they wait for review
	OnlineFull     = "full"   // the index would take more memory than it may
)
