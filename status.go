package clientele

// Status is what the program says of itself: counts, positions and lag of every stage.
type Status struct {
	Version     string           `json:"version"`
	StartedAt   Micros           `json:"started_at"`
	State       string           `json:"state"` // starting, ready, degraded
	Problems    []string         `json:"problems,omitempty"`
	Log         LogStatus        `json:"log"`
	Resolver    StageStatus      `json:"resolver"`
	Columns     StageStatus      `json:"columns"`
	Memberships MembershipStatus `json:"memberships"`
	Counts      map[string]int64 `json:"counts"` // profiles, identifiers, events, quarantined, duplicates, ...
	Sizes       map[string]int64 `json:"sizes"`  // bytes on disk by store
}

// LogStatus is where the log begins and ends.
type LogStatus struct {
	First    Position `json:"first"`
	Last     Position `json:"last"`
	Bytes    int64    `json:"bytes"`
	MaxBytes int64    `json:"max_bytes"`
	Archived Position `json:"archived"`
	Full     bool     `json:"full"`
}

// StageStatus is how far a stage has come.
type StageStatus struct {
	Position Position `json:"position"`
	Commit   uint64   `json:"commit"`
	Lag      uint64   `json:"lag"` // frames or commits still to do
	Error    string   `json:"error,omitempty"`
}

// MembershipStatus is when time alone next changes who is a member of an audience: a window passes, a consent ends.
type MembershipStatus struct {
	Due    Micros `json:"due" doc:"By the domain's clock; 0 for never."`
	LateMS int64  `json:"late_ms" doc:"How late that is; 0 when nothing is overdue."`
}

// QueryResult is the answer to SQL. Rows hold nil, bool, float64, string (times in RFC 3339,
// decimals, integers above 2^53) or int64.
type QueryResult struct {
	Columns []QueryColumn `json:"columns"`
	Rows    [][]any       `json:"rows"`
	Cut     bool          `json:"cut,omitempty"` // there were more rows than the limit
	TookMS  int64         `json:"took_ms"`
}

// QueryTable is a table that queries may read.
type QueryTable struct {
	Name    string        `json:"name"`
	Columns []QueryColumn `json:"columns"`
}

// QueryColumn is a column of an answer.
type QueryColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// ImportResult says what became of the records of an import call.
type ImportResult struct {
	Accepted int `json:"accepted"`
}
