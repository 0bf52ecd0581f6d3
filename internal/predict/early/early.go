// Package early finds the best customers of later among the new ones: from their first visit, and from 1, 7 and 30
// days behind their first order. Each stage has a model of its own, held against the size of the first order and
// against what was spent so far.
package early

import (
	"cmp"
	"math"
	"slices"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/rolling"
)

// Settings say who is among the best.
type Settings struct {
	Horizon clientele.Micros `json:"-"`   // value counts that long from the first order on
	Top     float64          `json:"top"` // share of customers that are the best: 0.05
	Now     clientele.Micros `json:"-"`   // end of what is known: later facts are not looked at
	Visits  bool             `json:"-"`   // events are known too: the first visit is a stage
}

// days behind the first order at which people are described.
var days = [...]int{1, 7, 30}

// visitEnds is how long nothing happens behind a visit.
const visitEnds = 30 * 60 * 1_000_000

// Study is what was learned.
type Study struct {
	Settings
	Customers int     `json:"customers"`    // whose time is over
	Best      int     `json:"best"`         // of them
	Least     float64 `json:"least_value"`  // value of the least of the best
	Share     float64 `json:"share_of_all"` // of all value, by the best
	Stages    []Stage `json:"stages"`

	how feature.Settings
}

// Stage is what is known of new customers at one time.
type Stage struct {
	Name   string       `json:"stage"`
	Days   int          `json:"days"` // behind the first order; 0 is the first visit
	People int          `json:"people"`
	Tested int          `json:"tested"`
	Best   int          `json:"tested_best"` // the best among those tested
	By     string       `json:"split"`       // cohort: later customers than those learned from; people: others of the same time
	Found  []Found      `json:"found"`       // the model first
	Model  *learn.Model `json:"-"`
	Why    string       `json:"not_learned,omitempty"` // why there is no model

	From, To clientele.Micros `json:"-"` // when those tested were described
	Drift    *learn.Drift     `json:"-"` // how people who were scored differ from those learned from; nil: too few
}

// Found is the share of the best that a ranking has among as many people of its top.
type Found struct {
	Name  string  `json:"name"`
	Share float64 `json:"share_found"`
	AUC   float64 `json:"auc"`
}

// start is when a customer began, and what came of it.
type start struct {
	visit, order clientele.Micros // the first; zero: none
	sessionEnd   clientele.Micros
	value        float64 // within the horizon of the first order, returns taken off
}

// Learn learns all stages, and walks the people once. Where a stage has too little, it says why; an error means that no stage could be learned.
func Learn(people rolling.Source, how feature.Settings, set Settings, learning learn.Settings) (*Study, error) {
	how.Workers, how.Target = learning.Workers, nil
	s := &Study{Settings: set, how: how}
	if set.Visits {
		s.Stages = append(s.Stages, Stage{Name: "first visit"})
	}
	if set.Horizon < 2*feature.Day {
		return nil, clientele.Errorf(clientele.Invalid, "what is bought within %d days of the first order is known when its day is over", set.Horizon/feature.Day).WithHint("make the time longer")
	}
	for _, d := range days {
		if clientele.Micros(d)*feature.Day < set.Horizon { // else the answer would be known
			s.Stages = append(s.Stages, Stage{Name: map[int]string{1: "first day", 7: "first 7 days", 30: "first 30 days"}[d], Days: d})
		}
	}
	known, err := s.describe(people, func(b *start, st *Stage) bool {
		m := st.moment(b)
		return s.over(b) || st.Days == 0 && m != 0 && m+s.Horizon <= s.Now
	})
	if err != nil {
		return nil, err
	}
	best, err := s.best(known.starts)
	if err != nil {
		return nil, err
	}
	for i := range s.Stages {
		if err = s.learn(&s.Stages[i], known.rows(i), best, learning); err != nil {
			s.Stages[i].Why = err.Error()
		}
	}
	if !slices.ContainsFunc(s.Stages, func(st Stage) bool { return st.Model != nil }) {
		return nil, err
	}
	return s, nil
}

// startOf looks at all of a person's facts: it makes labels, never features.
func (s *Study) startOf(facts []feature.Fact) (b start) {
	facts = slices.SortedStableFunc(slices.Values(facts), func(a, b feature.Fact) int { return cmp.Compare(a.At, b.At) })
	for i := range facts {
		f := &facts[i]
		if !f.Before(s.Now) || f.Kind == feature.Sent {
			continue
		}
		if f.Before(f.At + visitEnds) { // what came late says nothing of when somebody is described
			if b.visit == 0 {
				b.visit, b.sessionEnd = f.At, f.At
			}
			if f.At-b.sessionEnd <= visitEnds {
				b.sessionEnd = max(b.sessionEnd, f.At)
			}
		}
		if f.Kind == feature.Order && b.order == 0 {
			b.order = f.At
		}
		if b.order != 0 && f.At < b.order+s.Horizon {
			switch f.Kind {
			case feature.Order:
				b.value += f.Amount
			case feature.Return:
				b.value -= f.Amount
			}
		}
	}
	return b
}

// over says whether all of somebody's horizon is known.
func (s *Study) over(b *start) bool { return b.order != 0 && b.order+s.Horizon <= s.Now }

// best says who of the people are the best customers.
func (s *Study) best(starts []start) ([]bool, error) {
	var order []int
	whole := 0.0
	for i := range starts {
		if s.over(&starts[i]) {
			order = append(order, i)
			whole += starts[i].value
		}
	}
	s.Customers, s.Best = len(order), int(math.Round(s.Top*float64(len(order))))
	if s.Best < learn.MinClass {
		return nil, clientele.Errorf(clientele.Invalid, "%d customers had their first order %d days ago and more, so that %d are the best %.3g %%; at least %d are needed", s.Customers, s.Horizon/feature.Day, s.Best, 100*s.Top, learn.MinClass).
			WithHint("make the time shorter (--horizon) or the share larger (--top)")
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(starts[b].value, starts[a].value) })
	out := make([]bool, len(starts))
	top := 0.0
	for _, i := range order[:s.Best] {
		out[i] = true
		s.Least = starts[i].value
		top += s.Least
	}
	if whole > 0 {
		s.Share = top / whole
	}
	return out, nil
}

// moment at which somebody is described in a stage; 0 where they are not.
func (st *Stage) moment(b *start) clientele.Micros {
	switch {
	case st.Days > 0 && b.order != 0:
		return b.order + clientele.Micros(st.Days)*feature.Day
	case st.Days == 0 && b.visit != 0 && (b.order == 0 || b.visit < b.order):
		end := b.sessionEnd + 1
		if b.order != 0 && b.order < end { // what was bought in the first visit would say much of the answer
			end = b.order
		}
		return end
	}
	return 0
}

// described are people, a row for each stage in which they are described.
type described struct {
	starts []start // by person
	table  *feature.Table
	stage  []int // of each row
}

// describe describes people in the stages that choose names. No fact that was not known by Now tells anything.
func (s *Study) describe(people rolling.Source, choose func(b *start, st *Stage) bool) (*described, error) {
	d := &described{}
	var err error
	d.table, err = feature.Build(func(yield func(feature.Person) bool) {
		var moments []clientele.Micros
		for facts := range people() {
			b := s.startOf(facts)
			d.starts = append(d.starts, b)
			moments = moments[:0]
			for k := range s.Stages {
				if m := s.Stages[k].moment(&b); m != 0 && choose(&b, &s.Stages[k]) {
					moments, d.stage = append(moments, m), append(d.stage, k)
					if m > s.Now {
						facts = slices.DeleteFunc(slices.Clone(facts), func(f feature.Fact) bool { return !f.Before(s.Now) })
					}
				}
			}
			if !yield(feature.Person{Facts: facts, Moments: moments}) {
				return
			}
		}
	}, s.how)
	return d, err
}

// rows of a stage: who they are, when they are described, and what is known of any of them.
type rows struct {
	person []int32
	moment []clientele.Micros
	x      *learn.Matrix
	groups map[string]string // by lead
}

func (d *described) rows(stage int) *rows {
	r := &rows{x: &learn.Matrix{}, groups: map[string]string{}}
	var of []int
	for i, k := range d.stage {
		if k == stage {
			of = append(of, i)
			r.person, r.moment = append(r.person, d.table.Person[i]), append(r.moment, d.table.Moment[i])
		}
	}
	for j, c := range d.table.Columns {
		values := make([]float64, len(of))
		for k, i := range of {
			values[k] = d.table.Values[j][i]
		}
		r.x.Add(c.Name, c.Lead, values)
		r.groups[c.Lead] = c.Group
	}
	return r
}

// said leaves out columns of which nothing is known.
func said(x *learn.Matrix) *learn.Matrix {
	out := &learn.Matrix{}
	for j, column := range x.Columns {
		if slices.ContainsFunc(column, func(v float64) bool { return !math.IsNaN(v) }) {
			out.Add(x.Names[j], x.Sources[j], column)
		}
	}
	return out
}

func (s *Study) learn(st *Stage, r *rows, best []bool, learning learn.Settings) (err error) {
	st.People = len(r.person)
	x := said(r.x)
	y := make([]bool, st.People)
	for i, who := range r.person {
		y[i] = best[who]
	}
	parts := split(r, y)
	learning.Parts = &parts
	if st.Model, err = learn.Fit(x, y, nil, learning); err != nil {
		return err
	}
	st.By, st.Tested = parts.By, len(parts.Test)
	answers := make([]bool, len(parts.Test))
	for k, i := range parts.Test {
		st.From, st.To = min(cmp.Or(st.From, r.moment[i]), r.moment[i]), max(st.To, r.moment[i])
		if answers[k] = y[i]; y[i] {
			st.Best++
		}
	}
	rank := func(name string, score []float64) {
		st.Found = append(st.Found, Found{name, found(score, answers, st.Best), learn.AUC(score, answers)})
	}
	rank("model", st.Model.Margin(x.Pick(parts.Test), learning.Workers))
	for _, n := range []struct{ name, column string }{{"size of the first order", "size of the first order"}, {"spent so far", "spent ever"}} {
		j := slices.Index(x.Names, n.column)
		if st.Days == 0 || j < 0 {
			continue // nobody has ordered
		}
		score := make([]float64, len(parts.Test))
		for k, row := range parts.Test {
			score[k] = x.Columns[j][row]
		}
		rank(n.name, score)
	}
	return nil
}

// split takes the first 60 % of customers to train, the next 20 % to choose and the last 20 % to test, by when they came; where
// one of these has too few of the best, by a hash of their number.
func split(r *rows, y []bool) learn.Parts {
	order := make([]int, len(r.person))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.moment[a], r.moment[b]) })
	n := len(order)
	p := learn.Parts{Train: order[:n*6/10], Validation: order[n*6/10 : n*8/10], Test: order[n*8/10:], By: "cohort"}
	const enough = 20
	few := func(rows []int) bool {
		yes := 0
		for _, i := range rows {
			if y[i] {
				yes++
			}
		}
		return yes < enough
	}
	if !few(p.Validation) && !few(p.Test) {
		return p
	}
	p = learn.Parts{By: "people"}
	for i := range order {
		switch h := learn.Hash01(int(r.person[i])); {
		case h < 0.6:
			p.Train = append(p.Train, i)
		case h < 0.8:
			p.Validation = append(p.Validation, i)
		default:
			p.Test = append(p.Test, i)
		}
	}
	return p
}

// found is the share of the best among the n highest scores; equal scores at the end of them count in part.
func found(score []float64, best []bool, n int) float64 {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	hits := 0.0
	for from := 0; from < n && from < len(order); {
		to, yes := from, 0.0
		for to < len(order) && score[order[to]] == score[order[from]] || to == from {
			if best[order[to]] {
				yes++
			}
			to++
		}
		hits += yes * min(1, float64(n-from)/float64(to-from))
		from = to
	}
	return hits / float64(max(n, 1))
}

// Score is a new customer's chance to be among the best.
type Score struct {
	Person      int // number in the source
	Stage       int // of the study
	First       clientele.Micros
	Probability float64
	Percentile  float64 // among those of the stage
	Reasons     []learn.Contribution
}

// Score predicts for everybody whose horizon is not over, by the last stage that they have reached. Who has just ordered is
// described as of the end of their first day, as if nothing else came: that day need not be waited for.
func (s *Study) Score(people rolling.Source) ([]Score, error) {
	known, err := s.describe(people, func(b *start, st *Stage) bool { return st == s.stageOf(b) })
	if err != nil {
		return nil, err
	}
	var out []Score
	for k := range s.Stages {
		st, r := &s.Stages[k], known.rows(k)
		if len(r.person) == 0 {
			continue
		}
		p, margin := st.Model.Probability(r.x, s.how.Workers)
		place := learn.Percentiles(margin)
		if len(p) >= fewestWatched {
			d := st.Model.Watch(r.x, func(lead string) string { return r.groups[lead] })
			st.Drift = &d
		}
		for i, who := range r.person {
			_, reasons := st.Model.Explain(r.x, i)
			first := known.starts[who].order
			if st.Days == 0 {
				first = known.starts[who].visit
			}
			out = append(out, Score{int(who), k, first, p[i], place[i], reasons})
		}
	}
	slices.SortStableFunc(out, func(a, b Score) int { return cmp.Compare(a.Person, b.Person) })
	return out, nil
}

// fewestWatched is how many people of a stage say whether the times have changed.
const fewestWatched = 200

// stageOf is the stage by which somebody is scored; nil for whom the time is over, or of whom nothing is known.
func (s *Study) stageOf(b *start) (of *Stage) {
	for k := range s.Stages {
		st := &s.Stages[k]
		if m := st.moment(b); st.Model != nil && m != 0 && (m <= s.Now || st.Days == days[0]) && m+s.Horizon > s.Now && !s.over(b) {
			of = st
		}
	}
	return of
}

// Saved is what is needed of a study to score later, as JSON.
type Saved struct {
	Horizon clientele.Micros `json:"horizon"`
	Top     float64          `json:"top"`
	Stages  []SavedStage     `json:"stages"`
}

// SavedStage is a stage that was learned.
type SavedStage struct {
	Name  string      `json:"stage"`
	Days  int         `json:"days"`
	Model learn.Saved `json:"model"`
}

// Save keeps what Score needs.
func (s *Study) Save() Saved {
	out := Saved{Horizon: s.Horizon, Top: s.Top}
	for _, st := range s.Stages {
		if st.Model != nil {
			out.Stages = append(out.Stages, SavedStage{st.Name, st.Days, st.Model.Save()})
		}
	}
	return out
}

// Study is the study that was saved, to score as of now with people described in the terms of its training.
func (s Saved) Study(how feature.Settings, now clientele.Micros) *Study {
	out := &Study{Settings: Settings{Horizon: s.Horizon, Top: s.Top, Now: now}, how: how}
	for _, st := range s.Stages {
		out.Stages = append(out.Stages, Stage{Name: st.Name, Days: st.Days, Model: st.Model.Model()})
	}
	return out
}
