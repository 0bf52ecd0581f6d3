package clientele

import (
	"slices"
	"strconv"
	"strings"
)

// RetentionTarget is what a retention rule deletes.
type RetentionTarget string

// The targets.
const (
	RetainEvents     RetentionTarget = "events"     // events, by when they happened (default)
	RetainQuarantine RetentionTarget = "quarantine" // records in quarantine, and those that plans dropped, by when they were received
)

// RetentionRule deletes what has become too old. What events have left on people stays: identifiers, traits,
// decisions about consent, counts, first and last seen, and the rows of orders and other tables.
type RetentionRule struct {
	Name      string          `json:"name" yaml:"name"`
	Delete    RetentionTarget `json:"delete,omitempty" yaml:"delete,omitempty" enum:"events,quarantine" doc:"Empty: events."`
	Events    []string        `json:"events,omitempty" yaml:"events,omitempty" doc:"Names of track events, or $page, $screen, $identify, $group, $alias; empty: every event. Not of quarantine."`
	Sources   []string        `json:"sources,omitempty" yaml:"sources,omitempty" doc:"Empty: every source."`
	OlderThan string          `json:"older_than" yaml:"older_than" doc:"Whole days, from 1d to 36500d. A day is one of UTC: what is deleted happened before the day that many days ago."`
}

// The limits of retention rules.
const (
	MaxRetentionRules = 100
	maxRetentionDays  = 36_500
	maxRetentionNames = 1000
)

// Days is OlderThan in days; 0 when it is none.
func (r *RetentionRule) Days() int {
	digits, ok := strings.CutSuffix(r.OlderThan, "d")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > maxRetentionDays {
		return 0
	}
	return n
}

// Check says what is wrong with the rule.
func (r *RetentionRule) Check() error {
	switch {
	case r.Name == "" || len(r.Name) > 64:
		return Errorf(Invalid, "a retention rule's name has 1 to 64 bytes")
	case r.Days() == 0:
		return Errorf(Invalid, "retention rule %s: older_than is not a number of days", r.Name).WithHint("write it like 90d, from 1d to 36500d")
	case r.Delete != "" && r.Delete != RetainEvents && r.Delete != RetainQuarantine:
		return Errorf(Invalid, "retention rule %s: delete is not known", r.Name).WithHint("events or quarantine")
	case r.Delete == RetainQuarantine && len(r.Events) > 0:
		return Errorf(Invalid, "retention rule %s: what is in quarantine has no event's name", r.Name).WithHint("leave events out")
	case len(r.Events)+len(r.Sources) > maxRetentionNames || slices.Contains(r.Events, "") || slices.Contains(r.Sources, ""):
		return Errorf(Invalid, "retention rule %s: events and sources are names, at most %d", r.Name, maxRetentionNames)
	}
	return nil
}

// RetentionInForce is a retention rule with where it came from and what it has done.
type RetentionInForce struct {
	RetentionRule
	RuleOrigin
	Before  Micros `json:"before"`  // what happened before is gone, or goes in the sweep under way; empty until the first sweep
	Deleted int64  `json:"deleted"` // of events that are somebody's, and of quarantine: so many since the rule was made
}

// RetentionPreview is what a rule that is not in force would delete at its first sweep.
type RetentionPreview struct {
	Before   Micros           `json:"before"`
	Count    int64            `json:"count"`
	Total    int64            `json:"total"`                       // of events, or in quarantine
	Oldest   Micros           `json:"oldest,omitempty"`            // of those that would go
	ByEvent  map[string]int64 `json:"by_event,omitempty"`          // the most frequent
	BySource map[string]int64 `json:"by_source"`                   // the most frequent
	PurgeBy  Micros           `json:"purge_by" format:"date-time"` // when their bytes would be out of log, archive and files at the latest
}

// Expiry says which events a retention rule deletes: those that match all of it.
type Expiry struct {
	Before  Micros   `cbor:"1,keyasint"`           // they happened before
	Events  []string `cbor:"2,keyasint,omitempty"` // as in RetentionRule; empty: every
	Sources []string `cbor:"3,keyasint,omitempty"` // empty: every
}

// Matches says whether it deletes the event of that name (RetentionRule.Events says how it is written).
func (x *Expiry) Matches(event, source string, at Micros) bool {
	return at < x.Before && (len(x.Events) == 0 || slices.Contains(x.Events, event)) && (len(x.Sources) == 0 || slices.Contains(x.Sources, source))
}
