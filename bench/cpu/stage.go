package cpu

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A rule gives the stacks that hold a function to a stage. The outermost function that a rule
// knows decides: what a stage calls is its cost.
type rule struct{ prefix, stage string }

// The stages, named as in ARCHITECTURE.md.
var (
	rules = []rule{
		{"clientele/internal/collect.", "collect"},
		{"clientele/internal/webhook.", "collect"},
		{"clientele/internal/app.(*App).feed", "feed (read, decode)"},
		{"clientele/internal/app.(*App).resolve", "resolve"},
		{"clientele/internal/app.(*App).follow", "follow (columns)"},
		{"clientele/internal/app.(*App).keep", "keep (archive)"},
		{"clientele/internal/app.(*App).upkeep", "upkeep (columns)"},
		{"clientele/internal/api.Shell", ""}, // around collect too
		{"clientele/internal/api.", "API"},
		{"clientele/internal/eventlog.", "log"},
		{"github.com/nats-io/", "log"},
		{"clientele/internal/archive.", "keep (archive)"},
		{"clientele/internal/resolve.", "resolve"},
		{"clientele/internal/identity.", "resolve"},
		{"clientele/internal/profile.", "resolve"},
		{"clientele/internal/commerce.", "resolve"},
		{"github.com/cockroachdb/pebble", "row store, in the background"},
		{"clientele/internal/store/pebblestore.", "row store, in the background"},
		{"clientele/internal/store/duckstore.", "follow (columns)"},
		{"github.com/duckdb/", "follow (columns)"},
		{"runtime._ExternalCode", "column store's own threads"},
		{"runtime.gcBgMarkWorker", "garbage collection"},
		{"runtime.bgsweep", "garbage collection"},
		{"runtime.bgscavenge", "garbage collection"},
		{"runtime/pprof.", "the profile itself"},
	}
	// otherwise is for stacks in which no function of rules is: the server between requests.
	otherwise = []rule{
		{"net/http.", "HTTP"},
		{"runtime.", "scheduler"},
	}
)

// StageOf is the stage of a stack, the outermost function first.
func StageOf(stack []string) string {
	for _, set := range [][]rule{rules, otherwise} {
		for _, function := range stack {
			if s := match(set, function); s != "" {
				return s
			}
		}
	}
	return "other"
}

func match(set []rule, function string) string {
	for _, r := range set {
		if strings.HasPrefix(function, r.prefix) {
			return r.stage
		}
	}
	return ""
}

// Stage is the time of one stage.
type Stage struct {
	Name string
	Time time.Duration
}

// Stages adds the samples up, the largest first.
func Stages(samples []Sample) []Stage {
	by := map[string]time.Duration{}
	for _, s := range samples {
		by[StageOf(s.Stack)] += s.Time
	}
	out := make([]Stage, 0, len(by))
	for name, d := range by {
		out = append(out, Stage{name, d})
	}
	slices.SortFunc(out, func(a, b Stage) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Name, b.Name))
	})
	return out
}
