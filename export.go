package clientele

import (
	"slices"
	"strings"
	"time"
)

// Selection is what an export takes: the rows of one table of the SQL schema, or some of them; or the profiles of
// an audience's members.
type Selection struct {
	Table   string   `json:"what"`              // the table's name, or audience:NAME
	Columns []string `json:"columns,omitempty"` // none: all, promoted ones included
	Source  string   `json:"source,omitempty"`  // of this source alone
	Since   Micros   `json:"since,omitzero"`    // at it or later, by the table's TimeColumn, of an audience by when they entered
	Until   Micros   `json:"until,omitzero"`    // before it
	// Behind leaves out the rows that were the same at that log position already. After a rebuild
	// or a merge a row may come that has not changed; one that has changed always comes.
	Behind Position `json:"behind,omitempty"`
	// After goes on behind the row with this key; see ExportPage.
	After []string `json:"-"`
}

// ParseSelection reads what an export is to take: profiles, events, another table of the schema, audience:NAME.
func ParseSelection(what string) (Selection, error) {
	s := Selection{Table: what}
	return s, s.Check()
}

// EnteredColumn is the column of an audience's export that says since when the profile is a member. It stands behind
// those of profiles.
const EnteredColumn = "audience_entered_at"

// Audience is the name of the audience whose members are selected; ok is false for a table.
func (s *Selection) Audience() (name string, ok bool) { return strings.CutPrefix(s.Table, "audience:") }

// Of is the table whose rows are selected, which for an audience is profiles; nil when there is none of that name.
func (s *Selection) Of() *Table {
	if _, ok := s.Audience(); ok {
		return TableNamed("profiles")
	}
	return TableNamed(s.Table)
}

// ParseInstant reads RFC 3339 or a day, whose beginning in UTC it is; 0 for "".
func ParseInstant(s string) (Micros, error) {
	if s == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return MicrosOf(t), nil
		}
	}
	return 0, Errorf(Invalid, "not a time").WithHint("write it like 2026-03-01 or 2026-03-01T10:00:00Z")
}

// TimeColumn is the column that Since and Until of a selection compare, or "" for a table that
// knows no time: ts where there is one, else the last time something was heard of the row.
func (t *Table) TimeColumn() string {
	for _, name := range []string{"ts", "last_seen", "as_of", "started_at", "entered_at", "valid_from", "date"} {
		if t.Column(name) >= 0 {
			return name
		}
	}
	return ""
}

// Check says what is wrong with a selection. NotFound for a table that the schema does not have.
func (s *Selection) Check() error {
	t := s.Of()
	if name, ok := s.Audience(); ok && name == "" {
		return Errorf(Invalid, "the audience has no name").WithHint("name it like audience:vip")
	}
	if t == nil {
		var names []string
		for _, t := range Schema {
			names = append(names, t.Name)
		}
		return Errorf(NotFound, "there is no table of that name to export").WithHint("there are %s, and audience:NAME", strings.Join(names, ", "))
	}
	if (s.Since != 0 || s.Until != 0) && t.TimeColumn() == "" {
		return Errorf(Invalid, "%s has no time to compare since and until with", t.Name).WithHint("export all of it")
	}
	if s.Since != 0 && s.Until != 0 && s.Since >= s.Until {
		return Errorf(Invalid, "since is not before until")
	}
	for i, c := range s.Columns {
		if c == "" || slices.Contains(s.Columns[:i], c) {
			return Errorf(Invalid, "a column is empty or named twice")
		}
	}
	return nil
}

// ExportColumn is a column of an export.
type ExportColumn struct {
	Name string     `json:"name"`
	Type ColumnType `json:"type"`
}

// ExportHead is what is known before the first row. All rows are as of Commit and Position.
type ExportHead struct {
	Columns  []ExportColumn `json:"columns"`
	Commit   uint64         `json:"commit"`
	Position Position       `json:"position"`
	Rows     int64          `json:"rows"` // how many will come
}

// ExportPage are neighbouring rows in the order of the table's key. Values are as in TableRows.
// First and Last are the keys of its ends as text, null as "": a selection with After = Last goes
// on behind the page. Keys may hold personal data.
type ExportPage struct {
	Rows        [][]any
	First, Last []string
}

// ExportState is where an export stands.
type ExportState string

// The states. One that is interrupted goes on by itself when the server is there again.
const (
	ExportWaiting   ExportState = "waiting"
	ExportRunning   ExportState = "running"
	ExportDone      ExportState = "done"
	ExportFailed    ExportState = "failed"
	ExportCancelled ExportState = "cancelled"
)

// Ended says whether nothing more will happen to the export.
func (s ExportState) Ended() bool {
	return s == ExportDone || s == ExportFailed || s == ExportCancelled
}

// ExportRequest asks for an export.
type ExportRequest struct {
	Selection
	Format      string `json:"format"`                // csv, jsonl or parquet
	Compression string `json:"compression,omitempty"` // of csv and jsonl: none (""), gzip or zstd
	To          string `json:"to,omitempty"`          // a folder, or s3://BUCKET/PREFIX
}

// Export is the record of an export: what left, when, to where, on whose word. It holds no rows
// and no keys.
type Export struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // of the scheduled export that it is a run of
	By   string `json:"by"`             // name of the token, "schedule" or "cli"
	ExportRequest
	State    ExportState `json:"state"`
	Rows     int64       `json:"rows"`
	Total    int64       `json:"total,omitempty"` // rows there will be, while it runs
	Bytes    int64       `json:"bytes"`
	Parts    int         `json:"parts,omitempty"`
	Position Position    `json:"position,omitempty"` // of the log: what it holds is as of it
	Asked    Micros      `json:"asked"`
	Started  Micros      `json:"started,omitzero"`
	Ended    Micros      `json:"ended,omitzero"`
	Tries    int         `json:"tries,omitempty"`
	Error    string      `json:"error,omitempty"`
	Hint     string      `json:"hint,omitempty"`
}

// ScheduledExport is an export that the configuration repeats.
type ScheduledExport struct {
	Name string  `json:"name"`
	What string  `json:"what"`
	Next Micros  `json:"next"`           // when its next run begins, at the earliest
	Last *Export `json:"last,omitempty"` // its last run
}
