package trainer_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/trainer"
	"clientele/internal/race"
)

// buyers are orders of n people over 420 days: each has a pace, a size and a leaving of their own, and the higher the number the more of the orders have
// a discount.
func buyers(n int) *trainer.Orders {
	random := rand.New(rand.NewPCG(3, 4))
	o := &trainer.Orders{Notes: []string{"made up"}}
	for p := range n {
		day, pace, size := 100*random.Float64(), 5+40*random.ExpFloat64(), 20+60*random.ExpFloat64()
		for k, end := 0, day+30+200*random.ExpFloat64(); day < 420 && (k == 0 || day < end); k++ {
			l := trainer.Line{Profile: int64(100 + p), Day: 20_000 + int32(day), Amount: size * (0.5 + random.Float64()), Discounted: random.IntN(n) < p}
			o.Lines, o.Last = append(o.Lines, l), max(o.Last, l.Day)
			day += 1 + pace*random.ExpFloat64()
		}
	}
	return o
}

func trained(t *testing.T, m clientele.Model, o *trainer.Orders, before []byte) *trainer.Trained {
	t.Helper()
	v, err := trainer.Train(context.Background(), &m, o, before)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func scored(t *testing.T, kind clientele.ModelKind, artefact []byte, o *trainer.Orders, ranks []float64) map[string]trainer.Column {
	t.Helper()
	s, err := trainer.Score(kind, artefact, o, ranks)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]trainer.Column{}
	for i, c := range s.Columns {
		out[c.Name] = c
		if n := max(len(c.Numbers), len(c.Texts)); n != len(s.Profiles) || i < len(kind.Outputs()) && kind.Outputs()[i].Name != c.Name {
			t.Errorf("column %d of %s is %s with %d values of %d people", i, kind, c.Name, n, len(s.Profiles))
		}
	}
	if !slices.IsSorted(s.Profiles) || len(slices.Compact(slices.Clone(s.Profiles))) != len(s.Profiles) {
		t.Errorf("%s: profiles are not ascending", kind)
	}
	return out
}

// TestTooLittle: each kind says in numbers what is missing.
func TestTooLittle(t *testing.T) {
	few := &trainer.Orders{Lines: []trainer.Line{{Profile: 1, Day: 20_000, Amount: 5}, {Profile: 2, Day: 20_010, Amount: 5}}, Last: 20_010}
	for _, m := range []clientele.Model{{Kind: clientele.ModelLTV, Horizon: "90d"}, {Kind: clientele.ModelDiscount}, {Kind: clientele.ModelSegments}} {
		for _, o := range []*trainer.Orders{{}, few} {
			_, err := trainer.Train(context.Background(), &m, o, nil)
			if clientele.ErrorCode(err) != clientele.Invalid || !strings.HasPrefix(err.Error(), "too little data: ") || clientele.ErrorHint(err) == "" {
				t.Errorf("%s of %d lines: %v (%s)", m.Kind, len(o.Lines), err, clientele.ErrorHint(err))
			}
		}
	}
	if _, err := trainer.Train(context.Background(), &clientele.Model{Kind: "magic"}, few, nil); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a kind that there is not: %v", err)
	}
	if _, err := trainer.Score(clientele.ModelLTV, []byte("{"), few, nil); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("what was learned is broken: %v", err)
	}
}

// TestValue: the same orders give the same bytes; value goes with horizon and margin; a single person is scored as among all.
func TestValue(t *testing.T) {
	o := buyers(500)
	m := clientele.Model{Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"}
	v := trained(t, m, o, nil)
	if again := trained(t, m, o, nil); string(again.Artefact) != string(v.Artefact) {
		t.Error("learned again it is something else")
	}
	if v.Version.Customers != 500 || v.Hold != "" || !v.Report.Tested.Better || v.Report.Notes[0] != "made up" || v.Version.Until != clientele.Micros(o.Last)*86_400_000_000 {
		t.Errorf("%+v, %q", v.Version, v.Hold)
	}
	all := scored(t, m.Kind, v.Artefact, o, nil)
	worth := all["expected_value"].Numbers
	m.Horizon = "180d"
	longer := scored(t, m.Kind, trained(t, m, o, nil).Artefact, o, nil)["expected_value"].Numbers
	m.Horizon, m.Margin = "90d", 0.5
	half := scored(t, m.Kind, trained(t, m, o, nil).Artefact, o, nil)["expected_value"].Numbers
	for i := range worth {
		if worth[i] > 0 && (longer[i] <= worth[i] || math.Abs(half[i]-worth[i]/2) > 1e-4*worth[i]) {
			t.Fatalf("person %d: %v over 90 days, %v over 180, %v with half the margin", i, worth[i], longer[i], half[i])
		}
	}
	top := 0
	for i, p := range all["percentile"].Numbers {
		if p > 95 {
			top++
		}
		if tier := all["tier"].Texts[i]; p > 99 != (tier == "top_1") || p <= 75 != (tier == "rest") {
			t.Errorf("percentile %v is in %s", p, tier)
		}
	}
	if top != 25 {
		t.Errorf("%d of 500 are in the top 5 %%", top)
	}
	ranks := trainer.Ranks(worth)
	for _, i := range []int{0, 137, 499} {
		var own []trainer.Line
		for _, l := range o.Lines {
			if l.Profile == int64(100+i) {
				own = append(own, l)
			}
		}
		one := scored(t, m.Kind, v.Artefact, &trainer.Orders{Lines: own, Last: o.Last}, ranks)
		if one["expected_value"].Numbers[0] != worth[i] || math.Abs(one["percentile"].Numbers[0]-all["percentile"].Numbers[i]) > 1 {
			t.Errorf("person %d alone: %v at %v, among all %v at %v", i, one["expected_value"].Numbers[0], one["percentile"].Numbers[0], worth[i], all["percentile"].Numbers[i])
		}
	}
}

// TestDiscounts: shares are drawn together the more, the fewer orders there are, and tiers follow what people do.
func TestDiscounts(t *testing.T) {
	o := buyers(400)
	v := trained(t, clientele.Model{Name: "d", Kind: clientele.ModelDiscount}, o, nil)
	if v.Report.Tested == nil || !v.Report.Tested.Better {
		t.Errorf("%+v %q", v.Report, v.Hold)
	}
	var lines []trainer.Line
	add := func(profile int64, orders, discounted int) {
		for k := range orders {
			lines = append(lines, trainer.Line{Profile: profile, Day: 20_000 + int32(k), Amount: 9, Discounted: k < discounted})
		}
	}
	add(1, 1, 1)
	add(2, 30, 30)
	add(3, 30, 0)
	s := scored(t, clientele.ModelDiscount, v.Artefact, &trainer.Orders{Lines: lines, Last: 20_100}, nil)
	share, tier := s["share"].Numbers, s["tier"].Texts
	if !(share[0] < share[1] && share[0] > share[2] && share[1] > .9 && share[2] < .1) || tier[0] != "between" || tier[1] != "waits for discounts" || tier[2] != "pays the full price" {
		t.Errorf("%v %v", share, tier)
	}
}

// TestSegments: groups that are far apart come back with their ids when learned again from the model before.
func TestSegments(t *testing.T) {
	o := &trainer.Orders{Last: 20_400}
	for p := range 300 {
		orders, size := 1, 10.0
		if p%3 == 0 {
			orders, size = 12, 300
		}
		for k := range orders {
			o.Lines = append(o.Lines, trainer.Line{Profile: int64(p), Day: 20_000 + int32(30*k+p%7), Amount: size + float64(p%5)})
		}
	}
	m := clientele.Model{Name: "g", Kind: clientele.ModelSegments, Groups: 2}
	v := trained(t, m, o, nil)
	ids := scored(t, m.Kind, v.Artefact, o, nil)["segment_id"].Numbers
	for p := range 300 {
		if (ids[p] == ids[0]) != (p%3 == 0) {
			t.Fatalf("person %d is in group %v, the first in %v", p, ids[p], ids[0])
		}
	}
	turned := strings.NewReplacer(`"id":1`, `"id":5`, `"id":2`, `"id":9`).Replace(string(v.Artefact))
	again := scored(t, m.Kind, trained(t, m, o, []byte(turned)).Artefact, o, nil)["segment_id"].Numbers
	if ids[0] == again[0] || again[0] != 5 && again[0] != 9 || again[0] == again[1] {
		t.Errorf("ids %v and %v, after learning from a model with 5 and 9: %v and %v", ids[0], ids[1], again[0], again[1])
	}
}

// TestNobodyIsScored: people who have merged into others meanwhile have no orders of their own; that is no trouble.
func TestNobodyIsScored(t *testing.T) {
	o := buyers(400)
	for _, m := range []clientele.Model{{Kind: clientele.ModelLTV, Horizon: "90d"}, {Kind: clientele.ModelDiscount}, {Kind: clientele.ModelSegments, Groups: 3}} {
		v := trained(t, m, o, nil)
		s, err := trainer.Score(m.Kind, v.Artefact, &trainer.Orders{Last: o.Last}, []float64{})
		if err != nil || len(s.Profiles) != 0 || len(s.Columns) == 0 {
			t.Errorf("%s: %+v, %v", m.Kind, s, err)
		}
	}
	f := facts(400)
	m := clientele.Model{Name: "churn", Kind: clientele.ModelChurn, Horizon: "45d"}
	v, err := trainer.TrainAnswer(context.Background(), &m, f, 2)
	if err != nil {
		t.Fatal(err)
	}
	f.People = walk(nil)
	if s, _, err := trainer.ScoreAnswer(m.Kind, v.Artefact, f, []float64{}, 2); err != nil || len(s.Profiles) != 0 {
		t.Errorf("churn: %+v, %v", s, err)
	}
}

// facts are of n people over 400 days: those of even numbers order at a pace of their own and look before, the others do so for a while and then
// not for a while, in turn.
func facts(n int) *trainer.Facts {
	random := rand.New(rand.NewPCG(8, 1))
	const begin = clientele.Micros(1_700_000_000_000_000)
	all := make([][]feature.Fact, n)
	for p := range all {
		pace, spell, size := 3+20*random.Float64(), 70+60*random.Float64(), 10+50*random.Float64()
		phase := 2 * spell * random.Float64()
		for day := pace * random.Float64(); day < 400; day += pace * (.5 + random.Float64()) {
			if p%2 == 1 && math.Mod(day+phase, 2*spell) > spell {
				continue
			}
			at := begin + clientele.Micros(day*float64(feature.Day))
			all[p] = append(all[p], feature.Fact{At: at - feature.Day/2, Kind: feature.Event, Name: 1}, feature.Fact{At: at, Kind: feature.Order, Amount: size * (.9 + random.Float64()/5), Channel: 1})
		}
	}
	f := &trainer.Facts{Count: n, Channels: []string{"web"}, Events: []string{"Viewed"}, First: begin, End: begin + 400*feature.Day}
	f.People = walk(all)
	return f
}

// walkOnly keeps some people.
func walkOnly(people iter.Seq2[int64, []feature.Fact], only ...int64) iter.Seq2[int64, []feature.Fact] {
	return func(yield func(int64, []feature.Fact) bool) {
		for p, facts := range people {
			if slices.Contains(only, p) && !yield(p, facts) {
				return
			}
		}
	}
}

func walk(all [][]feature.Fact) iter.Seq2[int64, []feature.Fact] {
	return func(yield func(int64, []feature.Fact) bool) {
		for p, facts := range all {
			if !yield(int64(10+p), facts) {
				return
			}
		}
	}
}

var churn = clientele.Model{Name: "churn", Kind: clientele.ModelChurn, Horizon: "45d"}

// whoStops is learned once, of 400 people.
var whoStops = sync.OnceValues(func() (*trainer.Trained, error) {
	return trainer.TrainAnswer(context.Background(), &churn, facts(400), 2)
})

// TestAnswers: who stops is told from who goes on; what was learned comes back from JSON; workers change nothing; a walk that broke is no training.
func TestAnswers(t *testing.T) {
	race.Skip(t)
	f, m := facts(400), churn
	v, err := whoStops()
	if err != nil {
		t.Fatal(err)
	}
	if v.Hold != "" || v.Version.Metrics["auc"] < .8 || len(v.Report.Calibration) == 0 || len(v.Report.Drivers) == 0 || v.Report.Tested.To > f.End {
		t.Errorf("%+v %q", v.Version, v.Hold)
	}
	again, err := trainer.TrainAnswer(context.Background(), &m, f, 1)
	if err != nil || string(again.Artefact) != string(v.Artefact) {
		t.Errorf("with one worker it is something else: %v", err)
	}
	known, err := trainer.KnownBy(v.Artefact)
	if err != nil || !slices.Equal(known.Channels, f.Channels) || !slices.Equal(known.Events, f.Events) {
		t.Errorf("%+v, %v", known, err)
	}
	s, moved, err := trainer.ScoreAnswer(m.Kind, v.Artefact, f, nil, 2)
	if err != nil || len(s.Profiles) != 400 || len(moved) > 0 {
		t.Fatalf("%d people, moved %v, %v", len(s.Profiles), moved, err)
	}
	stops, goes := 0.0, 0.0
	for i, p := range s.Profiles {
		chance := s.Columns[0].Numbers[i]
		if s.Columns[2].Texts[i] == "" || chance < 0 || chance > 1 {
			t.Fatalf("%v %q", chance, s.Columns[2].Texts[i])
		}
		if p%2 == 1 {
			stops += chance / 200
		} else {
			goes += chance / 200
		}
	}
	if stops < goes+.25 {
		t.Errorf("those who stop have %.2f, the others %.2f", stops, goes)
	}
	f.Failed = clientele.Errorf(clientele.Unavailable, "the walk broke")
	if _, err := trainer.TrainAnswer(context.Background(), &m, f, 2); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("a walk that broke: %v", err)
	}
	short := facts(40)
	short.First = short.End - 50*feature.Day
	if _, err := trainer.TrainAnswer(context.Background(), &m, short, 2); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "50 days are known") {
		t.Errorf("fifty days: %v", err)
	}
}

// TestDriftIsTold: when all of the people behave otherwise than in the training, the scoring says what has moved.
func TestDriftIsTold(t *testing.T) {
	race.Skip(t)
	f, m := facts(400), churn
	v, err := whoStops()
	if err != nil {
		t.Fatal(err)
	}
	var dearer [][]feature.Fact
	for _, own := range f.People {
		own = slices.Clone(own)
		for i := range own {
			own[i].Amount *= 9
		}
		dearer = append(dearer, own)
	}
	f.People = walk(dearer)
	_, moved, err := trainer.ScoreAnswer(m.Kind, v.Artefact, f, nil, 2)
	if err != nil || len(moved) == 0 || !strings.Contains(strings.Join(moved, " "), "has moved") {
		t.Errorf("%v, %v", moved, err)
	}
}

// TestOrdersAreWatched: what moved in the orders since a training is named, and nothing where nothing did.
func TestOrdersAreWatched(t *testing.T) {
	o := buyers(1200)
	for _, m := range []clientele.Model{{Kind: clientele.ModelLTV, Horizon: "90d"}, {Kind: clientele.ModelDiscount}, {Kind: clientele.ModelSegments, Groups: 3}} {
		v := trained(t, m, o, nil)
		for _, c := range []struct {
			change func(*trainer.Line)
			names  string
		}{
			{func(*trainer.Line) {}, ""},
			{func(l *trainer.Line) { l.Amount *= 3 }, "the value of an order"},
			{func(l *trainer.Line) { l.Discounted = true }, "the share of orders with a discount"},
		} {
			later := &trainer.Orders{Lines: slices.Clone(o.Lines), Last: o.Last}
			for i := range later.Lines {
				c.change(&later.Lines[i])
			}
			moved, err := trainer.Moved(v.Artefact, later)
			if err != nil || len(moved) != min(1, len(c.names)) || len(moved) > 0 && !strings.Contains(moved[0], c.names) {
				t.Errorf("%s, %q moved: %v, %v", m.Kind, c.names, moved, err)
			}
		}
	}
	if moved, err := trainer.Moved([]byte(`{"prior":{}}`), o); err != nil || moved != nil {
		t.Errorf("a version from before: %v, %v", moved, err)
	}
}

// TestEntering: of an audience only those outside are asked about, and being put into it by a definition is no entering.
func TestEntering(t *testing.T) {
	f := facts(400)
	f.Events = append(f.Events, "entered A", "put into A", "left A")
	f.Target, f.Entered = 2, true
	var all [][]feature.Fact
	for p, own := range f.People {
		own = slices.Clone(own)
		switch {
		case p%4 == 0: // enters some time after the 160th day; every other one leaves again
			at := f.First + clientele.Micros(160+p*7%240)*feature.Day
			own = append(own, feature.Fact{At: at, Kind: feature.Event, Name: 2})
			if p%8 == 0 {
				own = append(own, feature.Fact{At: at + 20*feature.Day, Kind: feature.Event, Name: 4})
			}
		case p%4 == 1: // was put into it at the start
			own = append(own, feature.Fact{At: f.First, Kind: feature.Event, Name: 3})
		}
		slices.SortStableFunc(own, func(a, b feature.Fact) int { return int((a.At - b.At) / 1000) })
		all = append(all, own)
	}
	f.People = walk(all)
	m := clientele.Model{Name: "enters", Kind: clientele.ModelPropensity, Horizon: "30d", Audience: "A"}
	v, err := trainer.TrainAnswer(context.Background(), &m, f, 2)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := trainer.ScoreAnswer(m.Kind, v.Artefact, f, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Profiles {
		if p%4 == 1 || p%4 == 0 && p%8 != 0 {
			t.Fatalf("%d is inside, and asked about", p)
		}
	}
	if !slices.Contains(s.Profiles, 16) || !slices.Contains(s.Profiles, 14) {
		t.Errorf("who left, or never entered, is not asked about: %v", s.Profiles)
	}
}

// TestAlike: people are found by what they did and by traits; with a bought one it is told how good it is without; the silent are ranked too.
func TestAlike(t *testing.T) {
	f := facts(400)
	c := &trainer.Crowd{Facts: f, Traits: []trainer.Trait{{Name: "country", Categories: []string{"TH", "VN"}}, {Name: "ext_band", Bought: true}}, Values: make([][]float64, 2)}
	for i := range 600 { // the last two hundred never did anything
		member := i%2 == 0 && i%5 > 0 && i < 400
		c.Everybody, c.Listed = append(c.Everybody, int64(10+i)), append(c.Listed, member && i%4 == 0)
		band := learn.Hash01(i*13) * 5
		if member && i%7 > 0 {
			band += 3
		}
		c.Values[0], c.Values[1] = append(c.Values[0], float64(i%3)), append(c.Values[1], band)
	}
	m := clientele.Model{Name: "like", Kind: clientele.ModelLookalike, Audience: "club"}
	v, err := trainer.TrainAlike(context.Background(), &m, c, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(v.Report.Summary, " "), "Without what third parties say") || v.Version.Metrics["auc"] < .75 || v.Report.Measures[1].Values["auc"] >= v.Version.Metrics["auc"] {
		t.Errorf("%v %+v", v.Report.Summary, v.Report.Measures)
	}
	s, err := trainer.ScoreAlike(v.Artefact, c, nil, 2)
	if err != nil || len(s.Profiles) != 600 {
		t.Fatalf("%d people, %v", len(s.Profiles), err)
	}
	ranks := map[float64]bool{}
	for i, r := range s.Columns[1].Numbers {
		if math.IsNaN(r) != c.Listed[i] {
			t.Fatalf("person %d, listed %v, has rank %v", i, c.Listed[i], r)
		}
		if !c.Listed[i] {
			ranks[r] = true
		}
		if r <= 30 && i >= 400 {
			t.Errorf("somebody who never did anything has rank %v", r)
		}
	}
	for r := 1; r <= len(ranks); r++ {
		if !ranks[float64(r)] {
			t.Fatalf("nobody has rank %d of %d", r, len(ranks))
		}
	}
	// Some alone are placed by the ladder of everybody: at or beside the place that they had.
	f.People = walkOnly(f.People, 10, 11, 13, 200, 401)
	some := &trainer.Crowd{Facts: f, Traits: c.Traits, Values: make([][]float64, 2), Ladder: s.Ladder}
	var was []float64
	for i, profile := range c.Everybody {
		if slices.Contains([]int64{10, 11, 13, 200, 401, 605}, profile) {
			some.Everybody, some.Listed, was = append(some.Everybody, profile), append(some.Listed, c.Listed[i]), append(was, s.Columns[1].Numbers[i])
			some.Values[0], some.Values[1] = append(some.Values[0], c.Values[0][i]), append(some.Values[1], c.Values[1][i])
		}
	}
	part, err := trainer.ScoreAlike(v.Artefact, some, trainer.Ranks(s.By), 1)
	if err != nil || len(part.Profiles) != 6 || part.Ladder != nil {
		t.Fatalf("%+v, %v", part, err)
	}
	for i, r := range part.Columns[1].Numbers {
		if math.IsNaN(r) != math.IsNaN(was[i]) || math.Abs(r-was[i]) > 2+was[i]/10 {
			t.Errorf("person %d is at %v, was at %v", part.Profiles[i], r, was[i])
		}
	}
	few := *c
	few.Listed = make([]bool, 600)
	few.Listed[3] = true
	if _, err := trainer.TrainAlike(context.Background(), &m, &few, 2); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "1 people are in the audience club") {
		t.Errorf("one person: %v", err)
	}
}

// TestRanks: what stands at each half percent is in order and holds the ends; six digits are kept.
func TestRanks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for n := range 40 {
		values := []float64{math.NaN()}
		for range n {
			values = append(values, random.NormFloat64())
		}
		r := trainer.Ranks(values)
		if n == 0 && r != nil || n > 0 && (len(r) != 201 || !slices.IsSorted(r) || r[0] != trainer.Rounded(slices.Min(values[1:])) || r[200] != trainer.Rounded(slices.Max(values[1:]))) {
			t.Fatalf("%d values: %v", n, r)
		}
	}
	for x, want := range map[float64]float64{0: 0, 1234567: 1234570, -0.000123456789: -0.000123457, 1e-310: 1e-310} {
		if got := trainer.Rounded(x); math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%v is rounded to %s", x, fmt.Sprint(got))
		}
	}
}
