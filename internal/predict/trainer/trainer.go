// Package trainer makes versions of the platform's models: it learns from everybody's orders, holds what it has
// learned against what came behind an earlier day, says in sentences how far it can be believed, and scores with it.
// It knows neither clock nor store: what it is given is what it learns from, and what it has learned is JSON.
package trainer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"clientele"
)

// Line is an order of somebody, or what was returned of one.
type Line struct {
	Profile    int64
	Day        int32   // since 1970-01-01
	Amount     float64 // in the currency; of a return below 0
	Discounted bool    // an order with a discount
}

// Orders are lines by profile, then day.
type Orders struct {
	Lines []Line
	Last  int32 // the last day of any order, of people who are not in Lines too
	Notes []string
}

// Trained is what came of a training.
type Trained struct {
	Artefact []byte // JSON; what Score needs
	Report   clientele.ModelReport
	Version  clientele.ModelVersion // what is known of it but number, code and who asked
	Hold     string                 // why it should not take over by itself; empty when it may
}

// Column is one output of everybody who is scored: numbers, NaN where there is none, or texts.
type Column struct {
	Name    string
	Numbers []float64
	Texts   []string
}

// Scores are the outputs of people.
type Scores struct {
	Profiles []int64 // ascending
	Columns  []Column
	By       []float64    // what people are placed by, where that is not the first column
	Ladder   [][2]float64 // of the kind lookalike: places of those outside, with the score of who has it
}

// Ranked is what people are placed by; nil where nobody is.
func (s *Scores) Ranked() []float64 {
	switch {
	case s.By != nil:
		return s.By
	case slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Name == "percentile" }):
		return s.Columns[0].Numbers
	}
	return nil
}

// The seed of what is drawn by lot.
const seed = 1

// learner is one kind of model.
type learner interface {
	// learn reads nothing but what it is given. before is the artefact that is promoted, nil for none.
	learn(ctx context.Context, m *clientele.Model, o *Orders, before []byte) (*Trained, error)
	// score scores everybody in the orders. ranks are those of the last time that everybody was scored, nil when it is
	// everybody now.
	score(artefact []byte, o *Orders, ranks []float64) (*Scores, error)
}

func learnerOf(kind clientele.ModelKind) (learner, error) {
	switch kind {
	case clientele.ModelLTV:
		return lifetime{}, nil
	case clientele.ModelDiscount:
		return discounts{}, nil
	case clientele.ModelSegments:
		return groups{}, nil
	}
	return nil, clientele.Errorf(clientele.Invalid, "there is no kind %q of models", string(kind))
}

// Train makes a version. Invalid says in numbers why there is nothing to learn from.
func Train(ctx context.Context, m *clientele.Model, o *Orders, before []byte) (*Trained, error) {
	l, err := learnerOf(m.Kind)
	if err != nil {
		return nil, err
	}
	if len(o.Lines) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "too little data: nobody has ordered").WithHint("import orders, or send events of completed orders; a model in one currency sees only orders in it")
	}
	t, err := l.learn(ctx, m, o, before)
	if err != nil {
		if clientele.ErrorCode(err) == clientele.Invalid {
			err = clientele.Errorf(clientele.Invalid, "too little data: %w", err).WithHint("%s", clientele.ErrorHint(err))
		}
		return nil, err
	}
	t.Version.Seed, t.Version.Settings = seed, *m
	t.Version.Until = midnight(o.Last)
	t.Version.Quality = t.Report.Quality
	t.Report.Notes = append(slices.Clone(o.Notes), t.Report.Notes...)
	t.Artefact, err = withWatch(t.Artefact, o)
	return t, err
}

// Score scores everybody in the orders with what was learned.
func Score(kind clientele.ModelKind, artefact []byte, o *Orders, ranks []float64) (*Scores, error) {
	l, err := learnerOf(kind)
	if err != nil {
		return nil, err
	}
	return l.score(artefact, o, ranks)
}

// Ranks are the values at each half percent, the least first; nil where nobody is.
func Ranks(values []float64) []float64 {
	const steps = 200
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(sorted) == 0 {
		return nil
	}
	slices.Sort(sorted)
	out := make([]float64, steps+1)
	for i := range out {
		at := float64(i) / steps * float64(len(sorted)-1)
		low := int(at)
		high := min(low+1, len(sorted)-1)
		out[i] = Rounded(sorted[low] + (at-float64(low))*(sorted[high]-sorted[low]))
	}
	return out
}

// percentiles are where each value stands, 0 to 100: by the others, or by the ranks of everybody where they are given.
func percentiles(values, ranks []float64) []float64 {
	out := make([]float64, len(values))
	sorted := ranks
	if ranks == nil {
		sorted = slices.Clone(values)
		slices.Sort(sorted)
	}
	for i, v := range values {
		n, _ := slices.BinarySearchFunc(sorted, v, func(x, v float64) int {
			if x <= v {
				return -1
			}
			return 1
		})
		out[i] = 100 * float64(n) / float64(max(len(sorted), 1))
	}
	return out
}

// Rounded keeps six digits: more would say what no model knows.
func Rounded(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	scale := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(x))))
	if math.IsInf(scale, 0) || scale == 0 {
		return x
	}
	return math.Round(x*scale) / scale
}

// people calls fn for each person's lines, the days ascending.
func (o *Orders) people(fn func(lines []Line)) {
	for from := 0; from < len(o.Lines); {
		to := from + 1
		for to < len(o.Lines) && o.Lines[to].Profile == o.Lines[from].Profile {
			to++
		}
		fn(o.Lines[from:to])
		from = to
	}
}

func midnight(day int32) clientele.Micros { return clientele.Micros(int64(day) * 86400 * 1_000_000) }

func dayText(day int32) string { return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly) }

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "what was learned cannot be kept: %w", err)
	}
	return b, nil
}

func decode(b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return clientele.Errorf(clientele.Corrupt, "what was learned cannot be read: %w", err).WithHint("train it again")
	}
	return nil
}

// percent writes a share.
func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// The verdicts on a version.
const (
	good    = "good"
	fair    = "fair"
	poor    = "poor"
	unknown = "unknown"
)
