package trainer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/predict/experiment"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/uplift"
)

// Exposure is the first time that somebody saw an experiment.
type Exposure struct {
	Profile int64
	At      clientele.Micros
	Treated bool
	Both    bool // they saw another arm, too
}

// Experiment is who saw which of two arms, and what is known of people.
type Experiment struct {
	*Facts
	Arms      [2]string  // the names of the untreated and the treated
	Seen      []Exposure // by profile, ascending: to learn from
	Everybody []int64    // profiles, ascending: to score
}

// ArmSize is how many people saw an arm.
type ArmSize struct {
	Name   string
	People int64
}

// By what names the untreated arm goes, where nobody says which it is.
var (
	controlNames = []string{"a", "0", "off", "none", "false", "original", "default", "placebo", "untreated"}
	controlWords = []string{"control", "holdout", "hold-out", "hold out", "baseline"}
)

func isControl(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return slices.Contains(controlNames, name) || strings.HasPrefix(name, "no ") || slices.ContainsFunc(controlWords, func(w string) bool { return strings.Contains(name, w) })
}

// ArmsOf are the names of the untreated and the treated: those that the model names, otherwise the two that most people saw, of which the name tells the
// untreated one.
func ArmsOf(m *clientele.Model, sizes []ArmSize) (arms [2]string, err error) {
	if len(sizes) == 0 {
		return arms, clientele.Errorf(clientele.Invalid, "too little data: nobody has seen the experiment %s", m.Experiment).
			WithHint("events %q with the property experiment_name or experiment_id %q, and variation_name or variation_id, say who saw which arm", clientele.ExperimentViewed, m.Experiment)
	}
	sizes = slices.Clone(sizes)
	slices.SortFunc(sizes, func(a, b ArmSize) int { return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Name, b.Name)) })
	var names []string
	for _, s := range sizes {
		names = append(names, s.Name)
	}
	there := "there are " + strings.Join(names[:min(len(names), 10)], ", ")
	for _, said := range []string{m.Control, m.Treated} {
		if said != "" && !slices.Contains(names, said) {
			return arms, clientele.Errorf(clientele.Invalid, "too little data: nobody has seen the arm %s of %s", said, m.Experiment).WithHint("%s", there)
		}
	}
	if arms = [2]string{m.Control, m.Treated}; arms[0] != "" && arms[1] != "" {
		return arms, nil
	}
	rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == m.Control || n == m.Treated })
	wanted := 2
	if arms[0]+arms[1] != "" {
		wanted = 1
	}
	if len(rest) < wanted {
		return arms, clientele.Errorf(clientele.Invalid, "too little data: everybody who saw %s saw the arm %s", m.Experiment, names[0]).WithHint("an experiment has people who were not treated; they need the event %q, too", clientele.ExperimentViewed)
	}
	switch rest = rest[:wanted]; {
	case arms[0] != "":
		arms[1] = rest[0]
	case arms[1] != "":
		arms[0] = rest[0]
	case isControl(rest[0]) != isControl(rest[1]):
		arms = [2]string{rest[0], rest[1]}
		if isControl(rest[1]) {
			arms = [2]string{rest[1], rest[0]}
		}
	default:
		return arms, clientele.Errorf(clientele.Invalid, "which arm of %s is the untreated one is not said, and the names %s and %s do not tell", m.Experiment, rest[0], rest[1]).WithHint("say it in control; %s", there)
	}
	return arms, nil
}

// upliftArtefact is what was learned by the kind uplift.
type upliftArtefact struct {
	Known
	Model *uplift.Model `json:"model"`
	Line  uplift.Line   `json:"line"`
	Leads []string      `json:"leads"` // what each column is called in reasons
}

// fewestEach is how many people each arm needs with the outcome, and without.
const fewestEach = 100

// splitLimit is how unlikely sizes of arms may be before nothing is read off the experiment (Fabijan et al. 2019).
const splitLimit = 0.001

// counted is who of an experiment is learned from.
type counted struct {
	seen        []Exposure // whose horizon is over, and who saw one arm
	size        [2]float64 // of those who saw one arm
	both, early int        // people left out: of both arms; whose horizon is not over
	split       float64    // chance of sizes as far apart, when they are as meant
}

func (e *Experiment) count(m *clientele.Model, horizon clientele.Micros) (*counted, error) {
	c := &counted{}
	last := clientele.Micros(0)
	for _, s := range e.Seen {
		if s.Both {
			c.both++
			continue
		}
		c.size[side(s.Treated)]++
		if s.At+horizon > e.End {
			c.early++
			last = max(last, s.At)
			continue
		}
		c.seen = append(c.seen, s)
	}
	share := cmp.Or(m.Share, 0.5)
	chi2, p := experiment.Split(c.size[:], []float64{1 - share, share})
	if c.split = p; p < splitLimit {
		return nil, clientele.Errorf(clientele.Invalid, "nothing can be read off the experiment %s: %.0f people saw %s and %.0f saw %s where %s of both were to be treated; by lot sizes come as far apart in one of %.0f experiments (chi-square %.1f)",
			m.Experiment, c.size[1], e.Arms[1], c.size[0], e.Arms[0], percent(share), 1/max(p, 1e-12), chi2).
			WithHint("something decides who is counted in which arm: a redirect that loses people, an event that one arm does not send; or another share was meant: say it in treated_share")
	}
	if len(c.seen) == 0 && c.early > 0 {
		return nil, clientele.Errorf(clientele.Invalid, "too little data: %d people saw the experiment %s, and the %s of none of them are over", c.early, m.Experiment, m.Horizon).
			WithHint("wait until there are records of %s, or take a shorter horizon", dayText(int32((last+horizon)/feature.Day)+1))
	}
	return c, nil
}

func side(treated bool) int {
	if treated {
		return 1
	}
	return 0
}

// told are n people, whose profiles ascend, by their place, those of whom there is no fact, too.
func (f *Facts) told(n int, profile func(place int) int64) iter.Seq2[int, []feature.Fact] {
	return func(yield func(int, []feature.Fact) bool) {
		place := 0
		silent := func(until int64) bool {
			for ; place < n && profile(place) < until; place++ {
				if !yield(place, nil) {
					return false
				}
			}
			return place < n
		}
		for who, facts := range f.People {
			if !silent(who) {
				return
			}
			if profile(place) == who {
				if !yield(place, facts) {
					return
				}
				place++
			}
		}
		silent(math.MaxInt64)
	}
}

// learned are the people of an experiment as they were when they first saw it, and what came.
type learned struct {
	x          *learn.Matrix
	number     []int
	treated, y []bool
	value      []float64 // revenue, returns taken off; nil when nobody ordered
}

// learned describes one person of so many.
func (e *Experiment) learned(ctx context.Context, m *clientele.Model, c *counted, horizon clientele.Micros, part, workers int) (*learned, error) {
	seen := c.seen
	if part > 1 {
		seen = slices.DeleteFunc(slices.Clone(seen), func(s Exposure) bool { return int(uint64(s.Profile)*2654435761>>7)%part != 0 })
	}
	how := e.settings(m.Kind, horizon, workers)
	is := how.Target.Is
	how.Target, how.Rows = nil, len(seen)
	l := &learned{number: make([]int, len(seen)), treated: make([]bool, len(seen)), y: make([]bool, len(seen)), value: make([]float64, len(seen))}
	ordered := false
	people := func(yield func(feature.Person) bool) {
		moment := make([]clientele.Micros, 1)
		for k, facts := range e.told(len(seen), func(k int) int64 { return seen[k].Profile }) {
			at := seen[k].At
			l.number[k], l.treated[k] = int(seen[k].Profile), seen[k].Treated
			for i := range facts {
				x := &facts[i]
				if x.At < at || x.At >= at+horizon {
					continue
				}
				l.y[k] = l.y[k] || is(x)
				switch x.Kind {
				case feature.Order:
					l.value[k] += x.Amount
					ordered = true
				case feature.Return:
					l.value[k] -= x.Amount
				}
			}
			moment[0] = at
			if ctx.Err() != nil || !yield(feature.Person{Facts: facts, Moments: moment}) {
				return
			}
		}
	}
	table, err := feature.Build(people, how)
	if err := cmp.Or(err, context.Cause(ctx), e.Failed); err != nil {
		return nil, err
	}
	if !ordered {
		l.value = nil
	}
	l.x = &learn.Matrix{}
	for i, column := range table.Columns {
		if varies(table.Values[i]) {
			l.x.Add(column.Name, column.Lead, table.Values[i])
		}
		table.Values[i] = nil
	}
	return l, nil
}

func varies(column []float64) bool {
	first := math.NaN()
	for _, v := range column {
		switch {
		case math.IsNaN(v), v == first:
		case math.IsNaN(first):
			first = v
		default:
			return true
		}
	}
	return false
}

// TrainUplift makes a version of a model that says whom a treatment helps, by an experiment.
func TrainUplift(ctx context.Context, m *clientele.Model, e *Experiment, workers int) (*Trained, error) {
	days, err := clientele.Days(m.Horizon)
	if err != nil {
		return nil, err
	}
	horizon := clientele.Micros(days) * feature.Day
	c, err := e.count(m, horizon)
	if err != nil {
		return nil, err
	}
	part := max(1, len(c.seen)/mostRows)
	l, err := e.learned(ctx, m, c, horizon, part, workers)
	if err != nil {
		return nil, err
	}
	if err := l.enough(m, e, c); err != nil {
		return nil, err
	}
	trial, err := uplift.Try(l.x, l.number, l.treated, l.y, l.value, uplift.Terms{Learner: uplift.Learner(m.Method), Penalties: uplift.Penalties, Gain: 1, Workers: workers})
	if err := cmp.Or(context.Cause(ctx), err); err != nil {
		return nil, err
	}
	first := c.seen[0].At
	for _, s := range c.seen {
		first = min(first, s.At)
	}
	t := &Trained{Version: clientele.ModelVersion{From: first, Until: e.End, Customers: int64(len(c.seen)), Method: string(trial.Learner), Seed: seed, Settings: *m,
		Parameters: map[string]float64{"penalty": trial.Model.How.Penalty}}}
	t.uplift(trial, m, e, c, l, days)
	t.Report.Notes = append(slices.Clone(e.Notes), t.Report.Notes...)
	if part > 1 {
		t.Report.Notes = append(t.Report.Notes, fmt.Sprintf("One person of %d was learned from and measured; everybody is scored.", part))
	}
	t.Version.Quality = t.Report.Quality
	t.Artefact, err = encode(upliftArtefact{Known{Channels: e.Channels, Events: e.Events}, trial.Model, trial.Line, l.x.Sources})
	return t, err
}

// enough says in numbers what is missing of people with the outcome, or without.
func (l *learned) enough(m *clientele.Model, e *Experiment, c *counted) error {
	var n, yes [2]int
	for i, t := range l.treated {
		n[side(t)]++
		yes[side(t)] += side(l.y[i])
	}
	more := "more people in the experiment"
	if c.early > 0 {
		more += fmt.Sprintf(" (the %s of %d more are not over yet)", m.Horizon, c.early)
	}
	for a := range n {
		if no := n[a] - yes[a]; yes[a] < fewestEach || no < fewestEach {
			return clientele.Errorf(clientele.Invalid, "too little data: of %d people of the arm %s whose %s are over, %d did %s and %d did not; %d of each are needed",
				n[a], e.Arms[a], m.Horizon, yes[a], outcomeOf(m), no, fewestEach).WithHint("%s, a longer horizon, or a target that more people reach", more)
		}
	}
	if len(l.x.Columns) == 0 {
		return clientele.Errorf(clientele.Invalid, "too little data: nothing is known of people from before they saw the experiment").WithHint("orders and events of a few weeks before tell people apart")
	}
	return nil
}

// outcomeOf is what the outcome is called in a sentence.
func outcomeOf(m *clientele.Model) string {
	if m.Target == "" || m.Target == clientele.TargetOrder {
		return "order"
	}
	return m.Target
}

// points writes a difference of shares.
func points(x float64) string { return fmt.Sprintf("%+.1f", 100*x) }

// uplift writes the report.
func (t *Trained) uplift(trial *uplift.Trial, m *clientele.Model, e *Experiment, c *counted, l *learned, days int) {
	r, v, all := &t.Report, trial.Verdict, trial.Effect
	r.Tested = &clientele.ModelTested{From: t.Version.From, To: t.Version.Until, Customers: int64(trial.Test), Better: v.Benefit}
	r.Summary = append(r.Summary,
		fmt.Sprintf("%.0f people first saw %s of the experiment %s and %.0f saw %s; by lot, sizes are as far apart in %s of experiments.", c.size[1], e.Arms[1], m.Experiment, c.size[0], e.Arms[0], percent(c.split)),
		fmt.Sprintf("Of the treated %s did %s within %d days, of the others %s: the treatment makes %s points on the average (%s to %s).", percent(all.Treated), outcomeOf(m), days, percent(all.Untreated), points(all.Difference), points(all.Low), points(all.High)))
	if w := trial.Worth; w != nil {
		r.Summary = append(r.Summary, fmt.Sprintf("Revenue of a person within %d days is %.2f with the treatment and %.2f without: %+.2f (%+.2f to %+.2f).", days, w.Treated, w.Untreated, w.Difference, w.Low, w.High))
	}
	qini := fmt.Sprintf("Qini %.3f, %.3f to %.3f, on %d people that it had not seen", v.Qini, v.Low, v.High, trial.Test)
	if v.Benefit {
		best, least := trial.Groups[0], trial.Groups[len(trial.Groups)-1]
		r.Summary = append(r.Summary, fmt.Sprintf("Choosing people by it pays (%s): the tenth that it ranks highest gained %s points (%s to %s), the lowest %s (%s to %s).", qini,
			points(best.Difference), points(best.Low), points(best.High), points(least.Difference), points(least.Low), points(least.High)))
		if r.Quality = fair; v.Low > v.Qini/2 {
			r.Quality = good
		}
	} else {
		r.Quality, t.Hold = poor, fmt.Sprintf("no benefit found: choosing people by it is not shown to be better than by lot (%s)", qini)
		advice := "it is not shown that the treatment does anything on the average either: treat nobody, or go on with the experiment"
		switch {
		case all.Low > 0:
			advice = "the treatment helps on the average: treat everybody, if that is worth its cost"
		case all.High < 0:
			advice = "the treatment harms on the average: treat nobody"
		}
		r.Summary = append(r.Summary, fmt.Sprintf("No benefit of choosing was found (%s), and %s.", qini, advice))
	}
	if c.both > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d people saw more than one arm, and are left out.", c.both))
	}
	if c.early > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d people saw it less than %d days ago, and are not learned from yet.", c.early, days))
	}
	if trial.Assignment.Suspect {
		r.Notes = append(r.Notes, fmt.Sprintf("From what was known before one can tell a little who was treated (AUC %.3f): if the arms were not drawn by lot, the differences are those of the choice.", trial.Assignment.AUC))
	}
	if !v.Benefit && trial.Likely.Benefit {
		r.Notes = append(r.Notes, fmt.Sprintf("Ranking people by how likely they are without the treatment does better here (Qini %.3f, %.3f to %.3f): a model of the kind propensity may choose.", trial.Likely.Qini, trial.Likely.Low, trial.Likely.High))
	}
	if v.Benefit && trial.Likely.Qini >= v.Qini {
		r.Notes = append(r.Notes, "Ranking people by how likely they are without the treatment does as well on them.")
	}
	switch s := trial.Line.Slope; {
	case s == 0:
		r.Notes = append(r.Notes, "Whom it ranked higher gained no more: everybody's effect is that of all.")
	case s < 0.7 || s > 1.4:
		r.Notes = append(r.Notes, fmt.Sprintf("The differences between people that came were %.2f of those that it said; scores are put right by that.", s))
	}
	r.Uplift = upliftTold(trial, e, c)
	others := []string{}
	for _, l := range uplift.Learners {
		if x := trial.Others[l]; l != trial.Learner {
			others = append(others, fmt.Sprintf("%s %.3f (%.3f to %.3f)", l, x.Qini, x.Low, x.High))
		}
	}
	r.Notes = append(r.Notes, "The Qini of the other ways to learn: "+strings.Join(others, ", ")+".")
	r.Measures = []clientele.ModelMeasure{{Name: string(trial.Learner) + "-learner", Values: judged(v)}, {Name: "who is likely without the treatment", Naive: true, Values: judged(trial.Likely)},
		{Name: "by lot", Naive: true, Values: map[string]float64{"qini": 0}}}
	drivers := trial.Model.Drivers(l.x)
	for _, d := range drivers[:min(len(drivers), 15)] {
		r.Drivers = append(r.Drivers, clientele.ModelDriver{Name: d.Column, Weight: Rounded(d.Weight), Direction: Rounded(d.Direction)})
	}
	t.Version.Metrics = map[string]float64{"qini": Rounded(v.Qini), "qini_low": Rounded(v.Low), "qini_high": Rounded(v.High), "effect": Rounded(all.Difference), "effect_low": Rounded(all.Low), "effect_high": Rounded(all.High)}
}

func judged(v uplift.Verdict) map[string]float64 {
	return map[string]float64{"qini": Rounded(v.Qini), "low": Rounded(v.Low), "high": Rounded(v.High)}
}

// upliftTold is what the page of a version shows of the experiment.
func upliftTold(trial *uplift.Trial, e *Experiment, c *counted) *clientele.UpliftReport {
	all := trial.Effect
	u := &clientele.UpliftReport{Qini: Rounded(trial.Verdict.Qini), Low: Rounded(trial.Verdict.Low), High: Rounded(trial.Verdict.High), Benefit: trial.Verdict.Benefit, Split: Rounded(c.split), Both: int64(c.both), Early: int64(c.early),
		Arms:   []clientele.UpliftArm{{Name: e.Arms[1], Treated: true, People: int64(c.size[1]), Learned: int64(all.N), Rate: Rounded(all.Treated)}, {Name: e.Arms[0], People: int64(c.size[0]), Learned: int64(all.M), Rate: Rounded(all.Untreated)}},
		Effect: effectOf(all)}
	for i, g := range trial.Groups {
		u.Groups = append(u.Groups, clientele.UpliftGroup{Name: fmt.Sprintf("group %d of %d", i+1, len(trial.Groups)), People: int64(g.N + g.M), Said: Rounded(g.Said), UpliftEffect: effectOf(g.Effect)})
	}
	for _, g := range trial.Curve {
		u.Curve = append(u.Curve, clientele.UpliftGain{Share: Rounded(g.Share), Model: Rounded(g.Model), Lot: Rounded(g.Chance)})
	}
	return u
}

func effectOf(x uplift.Effect) clientele.UpliftEffect {
	e := clientele.UpliftEffect{Effect: Rounded(x.Difference)}
	if !math.IsInf(x.High, 0) && !math.IsNaN(x.High) {
		low, high := Rounded(x.Low), Rounded(x.High)
		e.Low, e.High = &low, &high
	}
	return e
}

// Advice on a person.
const (
	Contact      = "contact"
	LeaveAlone   = "leave alone"
	NoDifference = "no difference"
)

// scoredTogether is how many people are described at once.
const scoredTogether = 20_000

// ScoreUplift says of everybody what the treatment would do, as of the end of the facts, which are in the terms of what was learned (KnownBy).
func ScoreUplift(ctx context.Context, artefact []byte, e *Experiment, ranks []float64, workers int) (*Scores, error) {
	var a upliftArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, err
	}
	n := len(e.Everybody)
	score := make([]float64, 0, n)
	effect, low, high, advice, reasons := make([]float64, n), make([]float64, n), make([]float64, n), make([]string, n), make([]string, n)
	next, stop := iter.Pull2(e.told(n, func(k int) int64 { return e.Everybody[k] }))
	defer stop()
	now := []clientele.Micros{e.End}
	for len(score) < n {
		want := min(scoredTogether, n-len(score))
		some := func(yield func(feature.Person) bool) {
			for range want {
				if _, facts, more := next(); !more || ctx.Err() != nil || !yield(feature.Person{Facts: facts, Moments: now}) {
					return
				}
			}
		}
		table, err := feature.Build(some, feature.Settings{Channels: e.Channels, Events: e.Events, Workers: workers, Rows: want})
		if err := cmp.Or(err, context.Cause(ctx), e.Failed); err != nil {
			return nil, err
		}
		all := &learn.Matrix{}
		for i, column := range table.Columns {
			all.Add(column.Name, column.Lead, table.Values[i])
		}
		x := all.Aligned(a.Model.Columns)
		x.Sources = a.Leads
		why := a.Model.Reasons(x)
		for i, s := range a.Model.Uplift(x) {
			k := len(score)
			score = append(score, Rounded(s))
			value, least, most := a.Line.Effect(s)
			effect[k], low[k], high[k], reasons[k] = Rounded(value), Rounded(least), Rounded(most), said(why(i))
			switch advice[k] = NoDifference; {
			case least > 0:
				advice[k] = Contact
			case most < 0:
				advice[k] = LeaveAlone
			}
		}
	}
	places := percentiles(score, ranks)
	for i := range places {
		places[i] = Rounded(places[i])
	}
	return &Scores{Profiles: e.Everybody, By: score, Columns: []Column{{Name: "effect", Numbers: effect}, {Name: "low", Numbers: low}, {Name: "high", Numbers: high}, {Name: "percentile", Numbers: places},
		{Name: "advice", Texts: advice}, {Name: "reasons", Texts: reasons}}}, nil
}
