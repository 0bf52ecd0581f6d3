package trainer_test

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/trainer"
	"clientele/internal/race"
)

// newcomers are people of two years, one in ten of whom comes back for much; their first category mostly tells who when telling. Of the good ones
// something else has happened before their first order that only became known long after.
func newcomers(n int, telling bool) *trainer.Facts {
	r := rand.New(rand.NewPCG(5, 6))
	const begin = clientele.Micros(1_700_000_000_000_000)
	var all [][]feature.Fact
	for i := range n {
		at := begin + clientele.Micros(float64(i)/float64(n)*719*float64(feature.Day))
		good := r.Float64() < 0.1
		category := uint16(1 + r.IntN(2))
		if tell := r.Float64(); telling && (good && tell < .85 || tell < .03) {
			category = 3
		}
		facts := []feature.Fact{{At: at, Kind: feature.Event, Name: uint16(1 + r.IntN(2))}, {At: at + feature.Day, Amount: 20 + 80*r.Float64(), Channel: 1, Category: category}}
		if good {
			facts = append(facts, feature.Fact{At: at + 1, Known: at + 250*feature.Day, Kind: feature.Event, Name: 3})
			for k := range 6 {
				facts = append(facts, feature.Fact{At: at + clientele.Micros(40+20*k)*feature.Day, Amount: 50 + 100*r.Float64(), Channel: 1})
			}
		}
		end := begin + 720*feature.Day
		facts = slices.DeleteFunc(facts, func(f feature.Fact) bool { return f.At >= end || f.Known >= end })
		slices.SortFunc(facts, func(a, b feature.Fact) int { return int((a.At - b.At) / 1000) })
		all = append(all, facts)
	}
	f := &trainer.Facts{Count: n, Channels: []string{"web"}, Events: []string{"ad", "friend", "vip"}, Categories: []string{"socks", "books", "tents"}, First: begin, End: begin + 720*feature.Day}
	f.People = walk(all)
	return f
}

// TestEarly: the best are found from their first day where something tells them, and are not where nothing but what came later does; what was
// learned comes back from JSON; who has just ordered is scored at once.
func TestEarly(t *testing.T) {
	race.Skip(t)
	f := newcomers(6000, true)
	m := clientele.Model{Name: "stars", Kind: clientele.ModelEarly, Horizon: "200d", Top: 0.1}
	v, err := trainer.TrainEarly(context.Background(), &m, f, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Version.Metrics; v.Hold != "" || got["first_day_found"] < .6 || got["first_day_naive"] > .35 || got["first_30_days_found"] < .6 || v.Report.Tested.To > f.End || len(v.Report.Calibration) < 2 {
		t.Errorf("%v %q %+v", got, v.Hold, v.Report)
	}
	again, err := trainer.TrainEarly(context.Background(), &m, f, 1)
	if err != nil || string(again.Artefact) != string(v.Artefact) {
		t.Errorf("with one worker it is something else: %v", err)
	}
	known, err := trainer.KnownBy(v.Artefact)
	if err != nil || !slices.Equal(known.Categories, f.Categories) {
		t.Errorf("%+v, %v", known, err)
	}
	s, moved, err := trainer.ScoreEarly(v.Artefact, f, nil, 2)
	if err != nil || len(moved) > 0 || len(s.Profiles) < 1000 {
		t.Fatalf("%d people, moved %v, %v", len(s.Profiles), moved, err)
	}
	stages := map[string]int{}
	for _, stage := range s.Columns[2].Texts {
		stages[stage]++
	}
	if stages["first day"] == 0 || stages["first 7 days"] == 0 || stages["first 30 days"] < stages["first 7 days"] {
		t.Errorf("%v", stages)
	}

	// What came behind the moment at which somebody is described tells nothing.
	days := map[string]clientele.Micros{"first day": 1, "first 7 days": 7, "first 30 days": 30}
	var cut [][]feature.Fact
	for profile, own := range f.People {
		own = slices.Clone(own)
		if i, is := slices.BinarySearch(s.Profiles, profile); is {
			first := slices.IndexFunc(own, func(f feature.Fact) bool { return f.Kind == feature.Order })
			if behind := days[s.Columns[2].Texts[i]]; first >= 0 && behind > 0 {
				end := own[first].At + behind*feature.Day
				own = slices.DeleteFunc(own, func(f feature.Fact) bool { return f.At >= end })
			}
		}
		cut = append(cut, own)
	}
	whole := *f
	whole.People = walk(cut)
	if same, _, err := trainer.ScoreEarly(v.Artefact, &whole, nil, 2); err != nil || !reflect.DeepEqual(same, s) {
		t.Errorf("scores are of what came later: %v", err)
	}

	// Who ordered an hour ago is scored by the first day, and what comes behind the end of what is known is not looked at.
	fresh := []feature.Fact{{At: f.End - feature.Day/24, Amount: 30, Channel: 1, Category: 3}}
	one := *f
	one.People = walk([][]feature.Fact{fresh, append(slices.Clone(fresh), feature.Fact{At: f.End + feature.Day/2, Amount: 1e6, Channel: 1, Category: 1})})
	got, _, err := trainer.ScoreEarly(v.Artefact, &one, trainer.Ranks(s.Columns[0].Numbers), 1)
	if err != nil || len(got.Profiles) != 2 || got.Columns[2].Texts[0] != "first day" || got.Columns[0].Numbers[0] < .5 || got.Columns[0].Numbers[0] != got.Columns[0].Numbers[1] || got.Columns[1].Numbers[0] < 85 {
		t.Errorf("who has just ordered: %+v, %v", got, err)
	}

	// Nothing that was known in time tells: a fact that came late does not.
	v, err = trainer.TrainEarly(context.Background(), &m, newcomers(6000, false), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range v.Report.Measures {
		if strings.HasPrefix(x.Name, "first day") && x.Values["auc"] > .6 {
			t.Errorf("it looks ahead: %+v", x)
		}
	}
	m.Top = 0.01
	if _, err := trainer.TrainEarly(context.Background(), &m, newcomers(2000, true), 2); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "at least 50 are needed") {
		t.Errorf("too few: %v", err)
	}
}
