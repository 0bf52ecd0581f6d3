package clientele

// PropertySeen is what was seen of one property of an event, by the days of receipt.
type PropertySeen struct {
	Source   string           `json:"source"`
	Event    string           `json:"event"`
	Property string           `json:"property"`
	First    Micros           `json:"first"`     // ever
	LastDay  string           `json:"last_day"`  // in UTC; empty: not in the last 35 days
	Events   int64            `json:"events"`    // of the last 7 days
	Seen     int64            `json:"seen"`      // in how many of them
	Missing  float64          `json:"missing"`   // share of them without it
	Null     float64          `json:"null"`      // share of them with null
	Types    map[string]int64 `json:"types"`     // in them: null, boolean, number, string, array, object
	WasTypes map[string]int64 `json:"was_types"` // in the 28 days before
	WasShare float64          `json:"was_share"` // share of the events of those days that had it
	Status   string           `json:"status" enum:"steady,new,vanished,retyped,idle"`
	Note     string           `json:"note,omitempty"` // what has changed, in words
}

// EventVolume is how often an event came in a span of time that ends now, and in the spans of the
// same length one to four weeks earlier.
type EventVolume struct {
	Source   string  `json:"source"`
	Event    string  `json:"event"` // "" = all events of the source
	Count    int64   `json:"count"`
	Before   []int64 `json:"before"`   // one, two, three and four weeks ago
	Expected float64 `json:"expected"` // the median of those with any event of the source
	Status   string  `json:"status" enum:"normal,low,high,silent,new,few"`
}

// Freshness is when a source was last heard of.
type Freshness struct {
	Source   string  `json:"source"`
	Last     Micros  `json:"last"` // receipt of its latest event; 0: never
	Age      float64 `json:"age_seconds"`
	Hour     int64   `json:"hour"`     // events of the last hour
	Expected float64 `json:"expected"` // events of the same hour of the last four weeks, the median
	Status   string  `json:"status" enum:"fresh,late,quiet,never"`
}

// Touchpoint is a channel of a source through which people were met.
type Touchpoint struct {
	Source   string  `json:"source"`
	Channel  string  `json:"channel"`
	Profiles int64   `json:"profiles"`
	Share    float64 `json:"share"` // of all profiles
	Records  int64   `json:"records"`
	First    Micros  `json:"first"`
	Last     Micros  `json:"last"`
}

// TouchpointMap is where people were met, and where they were not.
type TouchpointMap struct {
	Profiles int64        `json:"profiles"`
	Met      int64        `json:"met"`  // profiles with any touchpoint
	Once     int64        `json:"once"` // profiles with exactly one: a channel more would tell more of them
	Items    []Touchpoint `json:"items"`
	Gaps     []string     `json:"gaps"` // in words
}

// UnreadData is an event, or a property of one, that nothing has read.
type UnreadData struct {
	Source   string `json:"source"`
	Event    string `json:"event"`
	Property string `json:"property,omitempty"` // "" = the event as a whole
	First    Micros `json:"first"`
	Count    int64  `json:"count"`     // in the span of the report
	LastRead string `json:"last_read"` // day in UTC; empty: never since reads are noted
}

// Minimisation is what is collected and not used.
type Minimisation struct {
	Days  int          `json:"days"`
	Since Micros       `json:"since"`           // reads are noted since
	Sure  bool         `json:"sure"`            // they have been for as long as the report looks back
	Whole string       `json:"whole,omitempty"` // day of the latest query that read all properties of events at once
	Items []UnreadData `json:"items"`
}

// StopRequest names what is not to be collected any more.
type StopRequest struct {
	Source   string `json:"source"`
	Event    string `json:"event"`
	Property string `json:"property,omitempty" doc:"Empty: the event as a whole."`
}

// QuarantineQuery says which records to list or to replay. What is empty asks nothing.
type QuarantineQuery struct {
	Source  string `json:"source,omitempty"`
	Code    string `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`    // a part of the reason, in any letter case
	From    Micros `json:"from,omitempty"`    // received at or after
	To      Micros `json:"to,omitempty"`      // received before
	Dropped bool   `json:"dropped,omitempty"` // those that a tracking plan dropped, not those in quarantine
}
