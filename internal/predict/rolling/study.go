package rolling

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
)

// Source hands on the facts of each person, the same people in the same order each time it is asked.
type Source func() iter.Seq[[]feature.Fact]

// Study is a model, and what it was learned from.
type Study struct {
	Plan    Plan
	Model   *learn.Model
	Moments []Described
	Excused int // rows that were left out: absence through stock-out

	how    feature.Settings
	groups map[string]string // by lead
}

// Described is the people of one moment.
type Described struct {
	At  clientele.Micros `json:"at"`
	For string           `json:"for"` // train, choose or test
	// Rows are people whose outcome is known; Yes those of them for whom it came true.
	Rows int `json:"people"`
	Yes  int `json:"yes"`
}

// Learn describes people at the plan's moments, trains, and measures on those of the last moment. how.Target says what is
// foretold; its window and end are the plan's.
func Learn(people Source, plan Plan, how feature.Settings, learning learn.Settings) (*Study, error) {
	target := *how.Target
	target.Within, target.End = plan.Within, plan.Now
	how.Target, how.Workers = &target, learning.Workers
	s := &Study{Plan: plan, how: how, groups: map[string]string{}}
	at := append(slices.Clone(plan.Train), plan.Choose, plan.Test)
	table, err := feature.Build(plan.people(people, at), how)
	if err != nil {
		return nil, err
	}
	for _, c := range table.Columns {
		s.groups[c.Lead] = c.Group
	}
	rows, y, parts := s.split(table, at)
	x := matrixOf(table, nil).Pick(rows)
	x = x.Without(unknown(x))
	learning.Parts = &parts
	if s.Model, err = learn.Fit(x, y, nil, learning); err != nil {
		return nil, err
	}
	s.compare(people, table, rows, y, parts)
	return s, nil
}

// people gives each person the moments to be described at.
func (p *Plan) people(people Source, at []clientele.Micros) iter.Seq[feature.Person] {
	return func(yield func(feature.Person) bool) {
		var moments []clientele.Micros
		for facts := range people() {
			moments = p.moments(moments[:0], facts, at...)
			if !yield(feature.Person{Facts: facts, Moments: moments}) {
				return
			}
		}
	}
}

// split sorts the rows whose outcome is known by what they are for; parts number the rows that are kept.
func (s *Study) split(table *feature.Table, at []clientele.Micros) (rows []int, y []bool, parts learn.Parts) {
	parts.By = "time"
	for _, m := range at {
		d := Described{At: m, For: "train"}
		to := &parts.Train
		switch m {
		case s.Plan.Choose:
			d.For, to = "choose", &parts.Validation
		case s.Plan.Test:
			d.For, to = "test", &parts.Test
		}
		for i, label := range table.Labels {
			if table.Moment[i] != m || label == feature.Open {
				continue
			}
			if label == feature.Excused {
				s.Excused++
				continue
			}
			*to = append(*to, len(rows))
			rows, y = append(rows, i), append(y, label == feature.Yes)
			d.Rows++
			if label == feature.Yes {
				d.Yes++
			}
		}
		s.Moments = append(s.Moments, d)
	}
	return rows, y, parts
}

// matrixOf are the features that are learned from: not how long somebody is known, which later moments have more of than
// any that was learned from. only names those to take; nil takes all.
func matrixOf(table *feature.Table, only []string) *learn.Matrix {
	x := &learn.Matrix{}
	for i, c := range table.Columns {
		if c.Group != feature.Age && (only == nil || slices.Contains(only, c.Name)) {
			x.Add(c.Name, c.Lead, table.Values[i])
		}
	}
	return x
}

// unknown are the sources of which nothing is known in any row. What is the same in all rows stays: when it
// no longer is, the times have changed.
func unknown(x *learn.Matrix) (out []string) {
	known := map[string]bool{}
	for j, column := range x.Columns {
		known[x.Sources[j]] = known[x.Sources[j]] || slices.ContainsFunc(column, func(v float64) bool { return !math.IsNaN(v) })
	}
	for _, source := range x.Sources {
		if !known[source] {
			out = append(out, source)
		}
	}
	return out
}

// Scores are predictions as of the plan's Now, of those who are active then.
type Scores struct {
	Person      []int32 // number of the person in the source
	Probability []float64
	Percentile  []float64 // 100 is the likeliest
	Drift       Drift

	model *learn.Model
	x     *learn.Matrix
}

// Score predicts for everybody who is active now, and watches whether they are like those that were learned from.
func (s *Study) Score(people Source) (*Scores, error) {
	how := s.how
	how.Target = nil
	table, err := feature.Build(s.Plan.people(people, []clientele.Micros{s.Plan.Now}), how)
	if err != nil {
		return nil, err
	}
	out := &Scores{Person: table.Person, model: s.Model, x: matrixOf(table, s.Model.Columns)}
	var margin []float64
	out.Probability, margin = s.Model.Probability(out.x, how.Workers)
	out.Percentile = learn.Percentiles(margin)
	out.Drift = Watch(s.Model, out.x, func(lead string) string { return s.groups[lead] })
	return out, nil
}

// Reasons are what moved the score of a row most.
func (s *Scores) Reasons(row int) []learn.Contribution {
	_, all := s.model.Explain(s.x, row)
	return all
}

// Value of a feature of a row; NaN where it is not learned from or not known.
func (s *Scores) Value(row int, name string) float64 {
	if j := slices.Index(s.x.Names, name); j >= 0 {
		return s.x.Columns[j][row]
	}
	return math.NaN()
}

// Drift is how people of now differ from those that were learned from, and what that says.
type Drift struct {
	learn.Drift
	Sentence string `json:"sentence,omitempty"` // for people; empty when nothing moved
}

// causes are the groups that a shop or its suppliers move; behaviour is what they move.
var causes = []string{feature.Price, feature.Supply, feature.Mix, feature.Contact}

// Watch compares people with those of the training. A change of prices, stock, mix or messages is named as the cause
// even where behaviour moved more: it moved by them.
func Watch(m *learn.Model, x *learn.Matrix, group func(lead string) string) Drift {
	d := Drift{Drift: m.Watch(x, group)}
	if !d.Moved {
		return d
	}
	for _, c := range d.Causes { // the largest first
		if c.PSI >= learn.DriftAlarm && slices.Contains(causes, c.Column) {
			d.Cause = c.Column
			break
		}
	}
	var most learn.Shift
	for _, s := range d.Shifts {
		if j := slices.Index(x.Names, s.Column); j >= 0 && group(x.Sources[j]) == d.Cause {
			most = s
			break
		}
	}
	what := map[string]string{feature.Price: "prices or discounts are unlike those of the training", feature.Supply: "more or less is out of stock than in the training",
		feature.Mix: "the mix of products, categories or channels is unlike that of the training", feature.Contact: "more or fewer messages are sent than in the training"}[d.Cause]
	if what == "" {
		what = "people behave unlike those of the training (they are customers for longer, or the season is another); neither prices, stock, mix nor messages moved as much"
	}
	d.Sentence = fmt.Sprintf("The times have changed: %s: %s (stability index %.2f; 0.25 and more is much).", what, most.Column, most.PSI)
	return d
}
