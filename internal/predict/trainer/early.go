package trainer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/predict/early"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/rolling"
)

// earlyArtefact is what was learned by the kind early.
type earlyArtefact struct {
	early.Saved
	Known
}

// described are how new customers are told apart.
func (f *Facts) described(workers int) feature.Settings {
	return feature.Settings{Channels: f.Channels, Events: f.Events, Categories: f.Categories, Workers: workers}
}

// numbered hands on people's facts, one person of so many, and notes whose they are.
func (f *Facts) numbered(ctx context.Context, part int, profiles *[]int64) rolling.Source {
	return func() iter.Seq[[]feature.Fact] {
		return func(yield func([]feature.Fact) bool) {
			for profile, facts := range f.People {
				if part > 1 && int(uint64(profile)*2654435761>>7)%part != 0 {
					continue
				}
				*profiles = append(*profiles, profile)
				if ctx.Err() != nil || !yield(facts) {
					return
				}
			}
		}
	}
}

// TrainEarly makes a version of a model that says which new customers will be among the best.
func TrainEarly(ctx context.Context, m *clientele.Model, f *Facts, workers int) (*Trained, error) {
	days, err := clientele.Days(m.Horizon)
	if err != nil {
		return nil, err
	}
	set := early.Settings{Horizon: clientele.Micros(days) * feature.Day, Top: cmp.Or(m.Top, 0.05), Now: f.End, Visits: len(f.Events) > 0}
	part := max(1, f.Count/mostRows)
	var profiles []int64
	study, err := early.Learn(f.numbered(ctx, part, &profiles), f.described(workers), set, learn.Settings{Algorithm: cmp.Or(m.Method, "auto"), Workers: workers})
	if err := cmp.Or(context.Cause(ctx), f.Failed); err != nil {
		return nil, err
	}
	if err != nil {
		if clientele.ErrorCode(err) == clientele.Invalid {
			err = clientele.Errorf(clientele.Invalid, "too little data: %w", err).WithHint("a shorter horizon, or a larger top")
		}
		return nil, err
	}
	t := &Trained{Version: clientele.ModelVersion{From: f.First, Until: f.End, Customers: int64(study.Customers), Seed: seed, Settings: *m}}
	t.early(study, days)
	t.Report.Notes = append(slices.Clone(f.Notes), t.Report.Notes...)
	if part > 1 {
		t.Report.Notes = append(t.Report.Notes, fmt.Sprintf("One person of %d was learned from; everybody is scored.", part))
	}
	t.Version.Quality = t.Report.Quality
	t.Artefact, err = encode(earlyArtefact{study.Save(), Known{Channels: f.Channels, Events: f.Events, Categories: f.Categories}})
	return t, err
}

// early writes the report.
func (t *Trained) early(s *early.Study, days int) {
	r := &t.Report
	r.Summary = append(r.Summary, fmt.Sprintf("%d of %d customers are the best %.3g %% by what they bought within %d days of their first order: %.2f and more each, %s of all.",
		s.Best, s.Customers, 100*s.Top, days, s.Least, percent(s.Share)))
	t.Version.Metrics = map[string]float64{}
	ahead, with := false, false // somewhere more than the best guess; where somebody has ordered
	var last *early.Stage
	var methods, same []string
	for i := range s.Stages {
		st := &s.Stages[i]
		if st.Model == nil {
			r.Notes = append(r.Notes, fmt.Sprintf("Nothing is learned from the %s: %s.", st.Name, st.Why))
			continue
		}
		last = st
		if len(st.Found) == 1 { // as many as there are of the best hold their share of them by chance
			st.Found = append(st.Found, early.Found{Name: "chance", Share: float64(st.Best) / float64(max(st.Tested, 1)), AUC: 0.5})
		}
		best := st.Found[1]
		for k, x := range st.Found {
			r.Measures = append(r.Measures, clientele.ModelMeasure{Name: st.Name + ": " + x.Name, Naive: k > 0, Values: map[string]float64{"share_found": Rounded(x.Share), "auc": Rounded(x.AUC)}})
			if k > 0 && x.Share > best.Share {
				best = x
			}
		}
		r.Summary = append(r.Summary, fmt.Sprintf("From the %s it finds %s of the %d best among %d new customers that it had not seen; the best guess (%s) %s.", st.Name, percent(st.Found[0].Share), st.Best, st.Tested, best.Name, percent(best.Share)))
		key := strings.ReplaceAll(st.Name, " ", "_")
		t.Version.Metrics[key+"_found"], t.Version.Metrics[key+"_naive"] = Rounded(st.Found[0].Share), Rounded(best.Share)
		if st.Found[0].Share > best.Share {
			ahead = ahead || st.Days > 0
		} else {
			r.Notes = append(r.Notes, fmt.Sprintf("After the %s %q finds as many of the best, or more: the guess will do.", st.Name, best.Name))
		}
		with = with || st.Days > 0
		if !slices.Contains(methods, st.Model.Algorithm) {
			methods = append(methods, st.Model.Algorithm)
		}
		for _, w := range st.Model.Report.Warnings {
			r.Notes = append(r.Notes, fmt.Sprintf("From the %s: %s.", st.Name, w))
		}
		for _, x := range st.Model.Report.LeftOut {
			r.Notes = append(r.Notes, fmt.Sprintf("From the %s, left out: %s, %s.", st.Name, x.Column, x.Why))
		}
		if st.By == "people" {
			same = append(same, st.Name)
		}
		for _, d := range st.Model.Report.Drivers[:min(len(st.Model.Report.Drivers), 3)] {
			r.Drivers = append(r.Drivers, clientele.ModelDriver{Name: st.Name + ": " + d.Column, Weight: Rounded(d.Weight), Direction: Rounded(d.Direction)})
		}
	}
	if len(same) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("Tested on other customers of the same time (%s): the latest hold too few of the best to test on.", strings.Join(same, ", ")))
	}
	fit := &last.Model.Report
	t.Version.Method = strings.Join(methods, ", ")
	r.Tested = &clientele.ModelTested{From: last.From, To: last.To - clientele.Micros(last.Days)*feature.Day + s.Horizon, Customers: int64(last.Tested), Better: ahead}
	switch {
	case !with:
		r.Quality, t.Hold = poor, "it could only be learned from first visits"
	case !ahead:
		r.Quality, t.Hold = poor, "naive guesses found as many of the best"
	case last.Found[0].AUC >= 0.75:
		r.Quality = good
	case last.Found[0].AUC >= 0.65:
		r.Quality = fair
	default:
		r.Quality = poor
	}
	for i, b := range fit.Reliability {
		r.Calibration = append(r.Calibration, clientele.ModelBin{Name: fmt.Sprintf("group %d of %d", i+1, len(fit.Reliability)), People: int64(b.Rows), Said: Rounded(b.Said), Came: Rounded(b.Came)})
	}
	r.Lift = []clientele.ModelLift{{Share: 0.1, Model: Rounded(fit.Result.Lift10 / 10)}, {Share: 0.2, Model: Rounded(fit.Result.Capture20)}}
	r.Notes = append(r.Notes, fmt.Sprintf("Calibration and what the highest ranked hold are of the %s.", last.Name))
}

// ScoreEarly scores who is new, by the last stage that they have reached, and says what is other than in the training. The facts are
// in the terms of what was learned (KnownBy).
func ScoreEarly(artefact []byte, f *Facts, ranks []float64, workers int) (*Scores, []string, error) {
	var a earlyArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, nil, err
	}
	study := a.Study(f.described(workers), f.End)
	var profiles []int64
	scores, err := study.Score(f.numbered(context.Background(), 1, &profiles))
	if err := cmp.Or(err, f.Failed); err != nil {
		return nil, nil, err
	}
	n := len(scores)
	out := &Scores{Profiles: make([]int64, n)}
	p, stages, reasons := make([]float64, n), make([]string, n), make([]string, n)
	for i, s := range scores {
		out.Profiles[i], p[i], stages[i], reasons[i] = profiles[s.Person], Rounded(s.Probability), study.Stages[s.Stage].Name, said(s.Reasons)
	}
	places := percentiles(p, ranks)
	for i := range places {
		places[i] = Rounded(places[i])
	}
	out.Columns = []Column{{Name: "probability", Numbers: p}, {Name: "percentile", Numbers: places}, {Name: "stage", Texts: stages}, {Name: "reasons", Texts: reasons}}
	var moved []string
	if last := study.Stages[len(study.Stages)-1]; ranks == nil && last.Drift != nil {
		moved = movedOf(*last.Drift)
	}
	return out, moved, nil
}
