package trainer

import (
	"context"
	"fmt"
	"slices"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
)

// Given is a score that somebody else gave a person, as of a moment.
type Given struct {
	Profile int64
	At      clientele.Micros
	Score   float64
}

// outsideArtefact is all that there is to a version whose scores come from elsewhere.
type outsideArtefact struct {
	Known
	Outside bool `json:"outside"`
}

// held are the latest scores of people whose outcome is known, with it, and what naive guesses go by at that moment.
type held struct {
	score, recency, orders []float64
	y                      []bool
	first, last            clientele.Micros
}

// TestOutside makes a version of scores that were given elsewhere (by profile, then time): each person's latest one whose horizon is over is held
// against what came.
func TestOutside(ctx context.Context, m *clientele.Model, f *Facts, given []Given) (*Trained, error) {
	days, err := clientele.Days(m.Horizon)
	if err != nil {
		return nil, err
	}
	if len(given) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "too little data: there is no score").WithHint("import events called %q with a property score", clientele.ScoredEvent(m.Name))
	}
	h, err := f.hold(ctx, m, given, clientele.Micros(days)*feature.Day)
	if err != nil {
		return nil, err
	}
	t := &Trained{Version: clientele.ModelVersion{From: given[0].At, Until: f.End, Method: "outside", Settings: *m, Metrics: map[string]float64{}}}
	people := map[int64]bool{}
	for _, g := range given {
		people[g.Profile] = true
		t.Version.From = min(t.Version.From, g.At)
	}
	t.Version.Customers = int64(len(people))
	t.Report.Summary = append(t.Report.Summary, fmt.Sprintf("%d scores of %d people were given elsewhere; of %d people the %d days behind a score are over.", len(given), len(people), len(h.y), days))
	t.outside(h, days)
	t.Report.Notes = slices.Clone(f.Notes)
	t.Version.Quality = t.Report.Quality
	t.Artefact, err = encode(outsideArtefact{Outside: true})
	return t, err
}

// hold looks what came behind each person's latest score whose horizon is over.
func (f *Facts) hold(ctx context.Context, m *clientele.Model, given []Given, horizon clientele.Micros) (*held, error) {
	latest := map[int64]Given{}
	for _, g := range given {
		if g.At+horizon <= f.End {
			latest[g.Profile] = g
		}
	}
	h := &held{}
	is := f.settings(m.Kind, horizon, 1).Target.Is
	add := func(g Given, facts []feature.Fact) {
		came, last, orders := false, f.First, 0.0
		for i := range facts {
			switch k := &facts[i]; {
			case k.At < g.At && k.Kind == feature.Order:
				last = max(last, k.At)
				if g.At-k.At <= 90*feature.Day {
					orders++
				}
			case k.At >= g.At && k.At < g.At+horizon && is(k):
				came = true
			}
		}
		if h.y == nil {
			h.first, h.last = g.At, g.At
		}
		h.first, h.last = min(h.first, g.At), max(h.last, g.At)
		h.score, h.y = append(h.score, g.Score), append(h.y, came != (m.Target == clientele.TargetNoOrder))
		h.recency, h.orders = append(h.recency, float64(g.At-last)/float64(feature.Day)), append(h.orders, orders)
	}
	for profile, facts := range f.People {
		if g, is := latest[profile]; is {
			add(g, facts)
			delete(latest, profile)
		}
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
	}
	for _, g := range given { // in their order: people of whom nothing else is known
		if latest[g.Profile] == g {
			add(g, nil)
		}
	}
	return h, f.Failed
}

// outside writes the report.
func (t *Trained) outside(h *held, days int) {
	r := &t.Report
	yes := 0
	for _, y := range h.y {
		if y {
			yes++
		}
	}
	if yes < fewest || len(h.y)-yes < fewest {
		r.Quality = unknown
		t.Hold = fmt.Sprintf("it could not be held against what came: of %d people whose %d days behind a score are over %d answered yes, and %d of each answer are needed", len(h.y), days, yes, fewest)
		return
	}
	chances := slices.Min(h.score) >= 0 && slices.Max(h.score) <= 1
	own := learn.Guess("the scores", h.score, h.y, h.score, h.y)
	own.AUC, own.Lift10, own.Capture20 = learn.AUC(h.score, h.y), learn.Captured(h.score, h.y, 0.1)/0.1, learn.Captured(h.score, h.y, 0.2)
	if chances {
		own = learn.Measure("the scores", h.score, nil, h.y)
	}
	naive := []learn.Score{learn.Guess("days since the last order", h.recency, h.y, h.recency, h.y), learn.Guess("orders in 90 days", h.orders, h.y, h.orders, h.y)}
	better := own.AUC > bestAUC(naive)
	r.Tested = &clientele.ModelTested{From: h.first, To: h.last + clientele.Micros(days)*feature.Day, Customers: int64(len(h.y)), Better: better}
	switch {
	case !better:
		r.Quality, t.Hold = poor, fmt.Sprintf("a naive guess was as good: AUC %.3f against %.3f", own.AUC, bestAUC(naive))
	case own.AUC >= 0.75:
		r.Quality = good
	case own.AUC >= 0.65:
		r.Quality = fair
	default:
		r.Quality = poor
	}
	r.Summary = append(r.Summary,
		fmt.Sprintf("Of two people, one of whom answers yes, they rank that one higher in %s (a coin: 50 %%; the best naive guess: %s).", percent(own.AUC), percent(bestAUC(naive))),
		fmt.Sprintf("The tenth that they rank highest has %.1f times as many yes as all; the best fifth holds %s of them.", own.Lift10, percent(own.Capture20)))
	if chances {
		r.Summary = append(r.Summary, fmt.Sprintf("Read as chances they say %s on the average, and %s came.", percent(own.Mean), percent(own.Rate)))
		bins := learn.Reliability(h.score, h.y, 10)
		for i, b := range bins {
			r.Calibration = append(r.Calibration, clientele.ModelBin{Name: fmt.Sprintf("group %d of %d", i+1, len(bins)), People: int64(b.Rows), Said: Rounded(b.Said), Came: Rounded(b.Came)})
		}
	}
	for _, share := range []float64{0.01, 0.05, 0.1, 0.2, 0.5} {
		r.Lift = append(r.Lift, clientele.ModelLift{Share: share, Model: Rounded(learn.Captured(h.score, h.y, share)), Naive: share, Best: Rounded(min(1, share*float64(len(h.y))/float64(yes)))})
	}
	r.Measures = []clientele.ModelMeasure{{Name: own.Name, Values: answered(own)}}
	for _, n := range naive {
		r.Measures = append(r.Measures, clientele.ModelMeasure{Name: n.Name, Naive: true, Values: answered(n)})
	}
	t.Version.Metrics = answered(own)
	t.Version.Metrics["naive_auc"] = Rounded(bestAUC(naive))
}

// ScoreOutside takes each person's latest score (by profile, then time). ranks are those of everybody when it is some.
func ScoreOutside(given []Given, ranks []float64) *Scores {
	s := &Scores{}
	var score []float64
	for i, g := range given {
		if i+1 < len(given) && given[i+1].Profile == g.Profile {
			continue
		}
		s.Profiles, score = append(s.Profiles, g.Profile), append(score, Rounded(g.Score))
	}
	places := percentiles(score, ranks)
	for i := range places {
		places[i] = Rounded(places[i])
	}
	s.Columns = []Column{{Name: "score", Numbers: score}, {Name: "percentile", Numbers: places}}
	return s
}
