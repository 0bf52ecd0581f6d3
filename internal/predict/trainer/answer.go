package trainer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
)

// Facts are what is known of people, for models that answer yes or no. People may be walked more than once.
type Facts struct {
	People     iter.Seq2[int64, []feature.Fact] // profiles ascending; the slice is used again
	Count      int                              // of people, about
	Channels   []string
	Events     []string
	Categories []string // of products; none: they are not told
	Target     uint16   // place of the target among Events, from 1; 0 is an order
	Entered    bool     // the target is entering an audience; being put into it and leaving it are the two events behind it
	First      clientele.Micros
	End        clientele.Micros // behind the last fact
	Notes      []string
	Failed     error // why not all people were walked
}

// answerArtefact is what was learned by the kinds churn and propensity.
type answerArtefact struct {
	learn.Saved
	Known
	Groups []string `json:"groups"` // of the columns
	Span   int      `json:"span"`   // days that were known at the first moment
}

// How many days back moments are taken, how many rows are learned from, and how long ago somebody may have ordered whose
// leaving is worth knowing.
const (
	mostMoments = 8
	mostRows    = 400_000
	leavingFrom = 365 * feature.Day
)

// moments are those at which people are described to learn from: a horizon apart, back from the last whose answer is known.
func moments(f *Facts, horizon clientele.Micros) (out []clientele.Micros) {
	for at := f.End - horizon; len(out) < mostMoments && at >= f.First+30*feature.Day; at -= max(horizon, 14*feature.Day) {
		out = append(out, at)
	}
	slices.Reverse(out)
	return out
}

// concerned says whether the model is about somebody at a moment: who has ordered within a year may leave, who was seen in the last
// 90 days may do something, and who is not in an audience may enter it.
func (f *Facts) concerned(kind clientele.ModelKind, facts []feature.Fact, at clientele.Micros) bool {
	if f.Entered {
		inside := false
		for i := range facts {
			if k := &facts[i]; k.At < at && f.member(k) {
				inside = k.Name != f.Target+2
			}
		}
		if inside {
			return false
		}
	}
	for i := range facts {
		switch k := &facts[i]; {
		case k.At >= at, f.Entered && f.member(k):
		case kind == clientele.ModelChurn && k.Kind == feature.Order && at-k.At <= leavingFrom:
			return true
		case kind == clientele.ModelPropensity && k.Kind != feature.Return && k.Kind != feature.Sent && at-k.At <= 90*feature.Day:
			return true
		}
	}
	return false
}

// member says whether the fact is of the audience, where entering one is the target.
func (f *Facts) member(k *feature.Fact) bool {
	return k.Kind == feature.Event && k.Name >= f.Target && k.Name <= f.Target+2
}

// settings are how people are described.
func (f *Facts) settings(kind clientele.ModelKind, horizon clientele.Micros, workers int) feature.Settings {
	return feature.Settings{Channels: f.Channels, Events: f.Events, Workers: workers,
		Target: &feature.Target{Within: horizon, End: f.End, Absent: kind == clientele.ModelChurn, Is: func(x *feature.Fact) bool {
			if f.Target == 0 {
				return x.Kind == feature.Order
			}
			return x.Kind == feature.Event && x.Name == f.Target
		}}}
}

// TrainAnswer makes a version of a model that answers yes or no.
func TrainAnswer(ctx context.Context, m *clientele.Model, f *Facts, workers int) (*Trained, error) {
	days, err := clientele.Days(m.Horizon)
	if err != nil {
		return nil, err
	}
	horizon := clientele.Micros(days) * feature.Day
	at := moments(f, horizon)
	if len(at) < 2 {
		return nil, clientele.Errorf(clientele.Invalid, "too little data: %.0f days are known, and a horizon of %d days is to be learned from and held against what came", float64(f.End-f.First)/float64(feature.Day), days).
			WithHint("a shorter horizon, or wait: %d days are needed", 2*max(days, 14)+30)
	}
	part := max(1, f.Count*len(at)/mostRows) // one person of so many
	used := 0
	people := func(yield func(feature.Person) bool) {
		var own []clientele.Micros
		for profile, facts := range f.People {
			if part > 1 && int(uint64(profile)*2654435761>>7)%part != 0 || ctx.Err() != nil {
				continue
			}
			own = own[:0]
			for _, t := range at {
				if f.concerned(m.Kind, facts, t) {
					own = append(own, t)
				}
			}
			if len(own) == 0 {
				continue
			}
			if used++; !yield(feature.Person{Facts: facts, Moments: own}) {
				return
			}
		}
	}
	table, err := feature.Build(people, f.settings(m.Kind, horizon, workers))
	if err := cmp.Or(err, context.Cause(ctx), f.Failed); err != nil {
		return nil, err
	}
	x, y, times := rowsOf(table)
	fit, err := learn.Fit(x, y, times, learn.Settings{Algorithm: m.Method, Workers: workers})
	if err != nil {
		if clientele.ErrorCode(err) == clientele.Invalid {
			err = clientele.Errorf(clientele.Invalid, "too little data: %w", err).WithHint("%s", clientele.ErrorHint(err))
		}
		return nil, err
	}
	a := answerArtefact{Saved: fit.Save(), Known: Known{Channels: f.Channels, Events: f.Events}, Span: int((at[0] - f.First) / feature.Day)}
	for _, c := range fit.Columns {
		a.Groups = append(a.Groups, table.Group(c))
	}
	t := &Trained{Version: clientele.ModelVersion{From: f.First, Until: f.End, Customers: int64(used), Method: fit.Algorithm, Seed: seed, Settings: *m}}
	t.answer(fit, m, at[len(at)-1], f)
	t.Report.Notes = append(slices.Clone(f.Notes), t.Report.Notes...)
	if part > 1 {
		t.Report.Notes = append(t.Report.Notes, fmt.Sprintf("One person of %d was learned from; everybody is scored.", part))
	}
	t.Version.Quality = t.Report.Quality
	t.Artefact, err = encode(a)
	return t, err
}

// rowsOf are the rows whose answer is known.
func rowsOf(table *feature.Table) (*learn.Matrix, []bool, []int64) {
	var rows []int
	for i, l := range table.Labels {
		if l == feature.Yes || l == feature.No {
			rows = append(rows, i)
		}
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(table.Moment[a], table.Moment[b]) })
	x := &learn.Matrix{}
	for i, c := range table.Columns {
		values := make([]float64, len(rows))
		for k, r := range rows {
			values[k] = table.Values[i][r]
		}
		x.Add(c.Name, "", values)
	}
	y, times := make([]bool, len(rows)), make([]int64, len(rows))
	for k, r := range rows {
		y[k], times[k] = table.Labels[r] == feature.Yes, int64(table.Moment[r])
	}
	return x, y, times
}

// answer writes the report.
func (t *Trained) answer(fit *learn.Model, m *clientele.Model, last clientele.Micros, f *Facts) {
	r, of := &fit.Report, &t.Report
	better, best := true, r.Naive
	for _, n := range r.Naive {
		better = better && r.Result.LogLoss < n.LogLoss && r.Result.AUC > n.AUC
	}
	switch {
	case !better:
		of.Quality = poor
		t.Hold = fmt.Sprintf("a naive guess was as good on rows that it had not seen: AUC %.3f against %.3f", r.Result.AUC, bestAUC(best))
	case r.Result.AUC >= 0.75:
		of.Quality = good
	case r.Result.AUC >= 0.65:
		of.Quality = fair
	default:
		of.Quality = poor
	}
	horizon, _ := clientele.Days(m.Horizon)
	of.Tested = &clientele.ModelTested{From: last, To: min(f.End, last+clientele.Micros(horizon)*feature.Day), Customers: int64(r.Test), Better: better}
	of.Summary = append(of.Summary,
		fmt.Sprintf("Of %d descriptions of people at earlier moments, %d answered yes; the last fifth was only measured.", r.Rows, r.Positives),
		fmt.Sprintf("Of two people, one of whom answers yes, it ranks that one higher in %s (a coin: 50 %%; the best naive guess: %s).", percent(r.Result.AUC), percent(bestAUC(best))),
		fmt.Sprintf("The tenth that it ranks highest has %.1f times as many yes as all; the best fifth holds %s of them.", r.Result.Lift10, percent(r.Result.Capture20)),
		fmt.Sprintf("It said %s on the average, and %s came.", percent(r.Result.Mean), percent(r.Result.Rate)))
	of.Notes = append(of.Notes, r.Warnings...)
	for _, n := range r.LeftOut {
		of.Notes = append(of.Notes, "Left out: "+n.Column+", "+n.Why+".")
	}
	for i, b := range r.Reliability {
		of.Calibration = append(of.Calibration, clientele.ModelBin{Name: fmt.Sprintf("group %d of %d", i+1, len(r.Reliability)), People: int64(b.Rows), Said: Rounded(b.Said), Came: Rounded(b.Came)})
	}
	of.Lift = []clientele.ModelLift{{Share: 0.1, Model: Rounded(r.Result.Lift10 / 10)}, {Share: 0.2, Model: Rounded(r.Result.Capture20)}}
	for _, d := range r.Drivers[:min(len(r.Drivers), 15)] {
		of.Drivers = append(of.Drivers, clientele.ModelDriver{Name: d.Column, Weight: Rounded(d.Weight), Direction: Rounded(d.Direction)})
	}
	for _, c := range r.Candidates {
		of.Measures = append(of.Measures, clientele.ModelMeasure{Name: c.Name + ", to choose", Values: answered(c)})
	}
	of.Measures = append(of.Measures, clientele.ModelMeasure{Name: r.Chosen, Values: answered(r.Result)})
	for _, n := range r.Naive {
		of.Measures = append(of.Measures, clientele.ModelMeasure{Name: n.Name, Naive: true, Values: answered(n)})
	}
	t.Version.Metrics = answered(r.Result)
	t.Version.Metrics["naive_auc"] = Rounded(bestAUC(best))
}

func answered(s learn.Score) map[string]float64 {
	return map[string]float64{"auc": Rounded(s.AUC), "log_loss": Rounded(s.LogLoss), "brier": Rounded(s.Brier), "lift_10": Rounded(s.Lift10), "captured_by_20": Rounded(s.Capture20)}
}

func bestAUC(of []learn.Score) (best float64) {
	for _, s := range of {
		best = max(best, s.AUC)
	}
	return best
}

// ScoreAnswer scores everybody whom the model is about, as of the end of the facts, and says what is other than in the training. The facts are in
// the terms of what was learned (KnownBy).
func ScoreAnswer(kind clientele.ModelKind, artefact []byte, f *Facts, ranks []float64, workers int) (*Scores, []string, error) {
	var a answerArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, nil, err
	}
	fit := a.Model()
	out := &Scores{}
	people := func(yield func(feature.Person) bool) {
		now := []clientele.Micros{f.End}
		for profile, facts := range f.People {
			if !f.concerned(kind, facts, f.End) {
				continue
			}
			out.Profiles = append(out.Profiles, profile)
			if !yield(feature.Person{Facts: facts, Moments: now}) {
				return
			}
		}
	}
	how := f.settings(kind, feature.Day, workers)
	how.Target = nil
	table, err := feature.Build(people, how)
	if err := cmp.Or(err, f.Failed); err != nil {
		return nil, nil, err
	}
	x := &learn.Matrix{}
	for i, c := range table.Columns {
		x.Add(c.Name, "", table.Values[i])
	}
	p, _ := fit.Probability(x, workers)
	reasons := make([]string, len(p))
	for i := range p {
		p[i] = Rounded(p[i])
		reasons[i] = reasonsOf(fit, x, i)
	}
	places := percentiles(p, ranks)
	for i := range places {
		places[i] = Rounded(places[i])
	}
	out.Columns = []Column{{Name: "probability", Numbers: p}, {Name: "percentile", Numbers: places}, {Name: "reasons", Texts: reasons}}
	var moved []string
	if ranks == nil && len(p) > 0 {
		group := map[string]string{}
		for i, c := range a.Columns {
			group[c] = a.Groups[i]
		}
		moved = movedOf(fit.Watch(x, func(column string) string {
			if reaches(column) > a.Span { // it moves while a short history grows
				return feature.Age
			}
			return group[column]
		}))
	}
	return out, moved, nil
}

// reasonsOf are the three columns that move the answer most, with where to.
func reasonsOf(fit *learn.Model, x *learn.Matrix, i int) string {
	_, all := fit.Explain(x, i)
	return said(all)
}

var daysInName = regexp.MustCompile(`([0-9]+) (days|before)`)

// reaches is how many days back a column looks, by its name: what sums up all of a history settles within a year.
func reaches(column string) (days int) {
	for _, m := range daysInName.FindAllStringSubmatch(column, -1) {
		n, _ := strconv.Atoi(m[1])
		days += n
	}
	if days == 0 && !strings.Contains(column, "last") {
		return 365
	}
	return days
}

// movedOf says what has moved; how long people are known moves by itself.
func movedOf(d learn.Drift) (out []string) {
	for _, c := range d.Causes {
		if c.Column == feature.Age || c.PSI < 0.25 || len(out) == 3 {
			continue
		}
		out = append(out, fmt.Sprintf("Since the training %s has moved (stability index %.2f, much above 0.25): train again, and believe the scores less until then.", c.Column, c.PSI))
	}
	return out
}
