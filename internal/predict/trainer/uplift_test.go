package trainer_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/trainer"
	"clientele/internal/race"
)

// treatment is a simulated experiment: n people with orders and visits of 200 days, who see an arm within the 160 days behind; lately is what the
// treatment adds to the chance of an order of those who ordered within 60 days, and others what it adds to that of the rest.
type treatment struct {
	n               int
	lately, others  float64
	treatedShare    float64
	both            int     // of so many the first one sees the other arm, too; 0 for nobody
	lost            float64 // share of the treated whose exposure is lost
	telling, silent bool    // events from behind the exposure, and some that came late, tell who orders because of it; one in ten has no facts at all
}

const began = clientele.Micros(1_700_000_000_000_000)

func dayOf(d float64) clientele.Micros { return began + clientele.Micros(d*float64(feature.Day)) }

// person is the ith: what is known of them, and when they saw which arm; recent is whether they had ordered within 60 days.
func (s treatment) person(i int, facts []feature.Fact) (_ []feature.Fact, at float64, treated, lost, recent bool) {
	r := rand.New(rand.NewPCG(3, uint64(i)))
	at = 200 + 160*r.Float64()
	last := -1e9
	for d, gap := r.Float64()*60, 20+r.Float64()*230; d < at; d += gap * (0.5 + r.Float64()) {
		last = d
		facts = append(facts, feature.Fact{At: dayOf(d), Amount: 20 + 50*r.Float64(), Channel: uint16(1 + r.IntN(2))})
	}
	for range r.IntN(6) {
		facts = append(facts, feature.Fact{At: dayOf(at * r.Float64()), Kind: feature.Event, Name: uint16(1 + r.IntN(2))})
	}
	if s.silent && i%10 == 0 {
		facts, last = facts[:0], -1e9
	}
	treated, recent = r.Float64() < s.treatedShare, at-last < 60
	base, adds := 0.1+0.01*float64(min(len(facts), 15)), 0.0
	if treated {
		adds = s.others
		if recent {
			adds = s.lately
		}
	}
	u := r.Float64()
	if u < base+adds {
		facts = append(facts, feature.Fact{At: dayOf(at + 1 + 40*r.Float64()), Amount: 40})
	}
	if s.telling && treated && u < base+adds && u >= base {
		facts = append(facts, feature.Fact{At: dayOf(at + 0.01), Kind: feature.Event, Name: 3}, feature.Fact{At: dayOf(at - 1), Known: dayOf(at + 2), Kind: feature.Event, Name: 3})
	}
	slices.SortFunc(facts, func(a, b feature.Fact) int { return int(a.At - b.At) })
	return facts, at, treated, treated && r.Float64() < s.lost, recent
}

func (s treatment) run() (e *trainer.Experiment, recent map[int64]bool) {
	recent = map[int64]bool{}
	e = &trainer.Experiment{Facts: &trainer.Facts{Count: s.n, Channels: []string{"web", "store"}, Events: []string{"visit", "cart", "thanks"}, First: began, End: dayOf(400)}, Arms: [2]string{"control", "mail"}}
	for i := range s.n {
		_, at, treated, lost, lately := s.person(i, nil)
		e.Everybody, recent[int64(i)] = append(e.Everybody, int64(i)), lately
		if !lost {
			e.Seen = append(e.Seen, trainer.Exposure{Profile: int64(i), At: dayOf(at), Treated: treated, Both: s.both > 0 && i%s.both == 0})
		}
	}
	e.People = func(yield func(int64, []feature.Fact) bool) {
		var facts []feature.Fact
		for i := range s.n {
			facts, _, _, _, _ = s.person(i, facts[:0])
			if len(facts) > 0 && !yield(int64(i), facts) {
				return
			}
		}
	}
	return e, recent
}

var mailed = clientele.Model{Name: "mail", Kind: "uplift", Experiment: "spring", Horizon: "50d"}

// TestUplift: an experiment whose treatment helps those who ordered lately, and nobody else, teaches to tell them; the scores are those of everybody, in the
// right order and near to what the treatment does, whatever the number of workers.
func TestUplift(t *testing.T) {
	race.Skip(t)
	e, recent := treatment{n: 9000, lately: 0.25, treatedShare: 0.5, both: 50, silent: true}.run()
	v, err := trainer.TrainUplift(context.Background(), &mailed, e, 2)
	if err != nil {
		t.Fatal(err)
	}
	u := v.Report.Uplift
	if v.Hold != "" || !u.Benefit || v.Version.Metrics["qini_low"] < .02 || v.Report.Quality == "poor" || u.Both != 180 || u.Early == 0 || u.Early > 1500 || u.Split < .01 {
		t.Errorf("%q %+v %v", v.Hold, u, v.Report.Summary)
	}
	if len(u.Groups) != 10 || u.Groups[0].Effect < .12 || math.Abs(u.Groups[9].Effect) > .12 || len(u.Curve) != 21 || math.Abs(u.Curve[20].Model-u.Curve[20].Lot) > 1e-9 || u.Curve[10].Model < 1.4*u.Curve[10].Lot {
		t.Errorf("groups %+v curve %+v", u.Groups, u.Curve)
	}
	if d := v.Report.Drivers; !slices.ContainsFunc(d[:3], func(d clientele.ModelDriver) bool { return d.Name == "orders in 90 days" && d.Direction > 0 }) {
		t.Errorf("%+v %v %s", d, v.Version.Parameters, v.Version.Method)
	}
	again, err := trainer.TrainUplift(context.Background(), &mailed, e, 1)
	if err != nil || string(again.Artefact) != string(v.Artefact) || !reflect.DeepEqual(again.Report, v.Report) {
		t.Errorf("with one worker it is something else: %v", err)
	}

	s, err := trainer.ScoreUplift(context.Background(), v.Artefact, e, nil, 2)
	if err != nil || !slices.Equal(s.Profiles, e.Everybody) {
		t.Fatalf("%d people, %v", len(s.Profiles), err)
	}
	// As of the end nearly nobody has ordered lately: as of the moments of the experiment the two groups are apart as the treatment makes them.
	of := map[bool][]float64{}
	var then []int64
	for _, x := range e.Seen {
		if x.Profile%40 != 3 {
			continue
		}
		then = append(then, x.Profile)
		one := *e
		one.Facts = &trainer.Facts{Channels: e.Channels, Events: e.Events, First: e.First, End: x.At, People: walkOnly(e.People, x.Profile)}
		one.Everybody = []int64{x.Profile}
		got, err := trainer.ScoreUplift(context.Background(), v.Artefact, &one, trainer.Ranks(s.By), 1)
		if err != nil {
			t.Fatal(err)
		}
		of[recent[x.Profile]] = append(of[recent[x.Profile]], got.Columns[0].Numbers[0])
	}
	up, rest, share := mean(of[true]), mean(of[false]), float64(len(of[true]))/float64(len(then))
	if all := share*up + (1-share)*rest; up-rest < .1 || math.Abs(all-.25*share) > .03 {
		t.Errorf("of %d people: %.3f for those whom it helps by .25, %.3f for the others", len(then), up, rest)
	}
	for k := range s.Profiles {
		effect, low, high, advice := s.Columns[0].Numbers[k], s.Columns[1].Numbers[k], s.Columns[2].Numbers[k], s.Columns[4].Texts[k]
		if want := map[bool]string{true: trainer.Contact, false: map[bool]string{true: trainer.LeaveAlone, false: trainer.NoDifference}[high < 0]}[low > 0]; low > effect || effect > high || advice != want {
			t.Fatalf("%v to %v to %v: %s", low, effect, high, advice)
		}
	}
	// Some are placed among all.
	some := *e
	some.Everybody = e.Everybody[100:120]
	got, err := trainer.ScoreUplift(context.Background(), v.Artefact, &some, trainer.Ranks(s.By), 2)
	if err != nil {
		t.Fatal(err)
	}
	for k := range got.Profiles {
		if got.Columns[0].Numbers[k] != s.Columns[0].Numbers[100+k] || got.Columns[5].Texts[k] != s.Columns[5].Texts[100+k] || math.Abs(got.Columns[3].Numbers[k]-s.Columns[3].Numbers[100+k]) > 1 {
			t.Errorf("%d alone is %v %v, among all %v %v", got.Profiles[k], got.Columns[0].Numbers[k], got.Columns[3].Numbers[k], s.Columns[0].Numbers[100+k], s.Columns[3].Numbers[100+k])
		}
	}
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

// TestUpliftFindsNothing: where the treatment does nothing, or the same for everybody, no benefit of choosing is found, though what came behind the
// exposure, and what came late, would tell.
func TestUpliftFindsNothing(t *testing.T) {
	race.Skip(t)
	for name, c := range map[string]struct {
		treatment
		says string
	}{
		"A/A":         {treatment{n: 6000, treatedShare: 0.5}, "not shown that the treatment does anything"},
		"for all":     {treatment{n: 6000, lately: .2, others: .2, treatedShare: 0.5, telling: true}, "treat everybody"},
		"harms all":   {treatment{n: 6000, lately: -.1, others: -.1, treatedShare: 0.5}, "treat nobody"},
		"few treated": {treatment{n: 9000, treatedShare: 0.2}, "No benefit"},
	} {
		e, _ := c.run()
		m := mailed
		m.Share, m.Method = c.treatedShare, "t"
		v, err := trainer.TrainUplift(context.Background(), &m, e, 2)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := strings.Join(v.Report.Summary, " "); v.Report.Uplift.Benefit || !strings.Contains(v.Hold, "no benefit found") || v.Report.Quality != "poor" || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q %s", name, v.Hold, said)
		}
		if u := v.Report.Uplift; math.Abs(u.Effect.Effect-(c.lately+c.others)/2) > .04 {
			t.Errorf("%s: the effect is %+v", name, u.Effect)
		}
	}
}

// TestUpliftRefuses: what cannot be learned from is refused, with numbers.
func TestUpliftRefuses(t *testing.T) {
	early := treatment{n: 600, treatedShare: 0.5}
	for _, c := range []struct {
		treatment
		horizon, says string
	}{
		{treatment{n: 6000, treatedShare: 0.5, lost: 0.2}, "50d", "nothing can be read off the experiment spring"},
		{treatment{n: 3000, treatedShare: 0.1}, "50d", "10.0 %"},
		{early, "50d", "100 of each are needed"},
		{early, "300d", "the 300d of none of them are over"},
	} {
		e, _ := c.run()
		m := mailed
		m.Horizon = c.horizon
		if c.treatedShare != 0.5 {
			m.Share = 0.5
			c.says = "were to be treated"
		}
		if _, err := trainer.TrainUplift(context.Background(), &m, e, 2); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.says) || clientele.ErrorHint(err) == "" {
			t.Errorf("%+v: %v", c, err)
		}
	}
	// Who was chosen is not compared.
	e, recent := treatment{n: 6000, treatedShare: 0.5}.run()
	for i := range e.Seen {
		e.Seen[i].Treated = recent[e.Seen[i].Profile]
	}
	m := mailed
	treated := 0
	for _, s := range e.Seen {
		if s.Treated {
			treated++
		}
	}
	m.Share = float64(treated) / float64(len(e.Seen))
	if _, err := trainer.TrainUplift(context.Background(), &m, e, 2); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "not drawn by lot") {
		t.Errorf("chosen people: %v", err)
	}
}

func TestArmsOf(t *testing.T) {
	sizes := func(names ...string) (out []trainer.ArmSize) {
		for i, n := range names {
			out = append(out, trainer.ArmSize{Name: n, People: int64(100 - i)})
		}
		return out
	}
	for _, c := range []struct {
		m     clientele.Model
		sizes []trainer.ArmSize
		arms  [2]string
		says  string
	}{
		{sizes: sizes("Control", "Mail"), arms: [2]string{"Control", "Mail"}},
		{sizes: sizes("b", "a", "c"), arms: [2]string{"a", "b"}},
		{sizes: sizes("Womens E-Mail", "No E-Mail"), arms: [2]string{"No E-Mail", "Womens E-Mail"}},
		{sizes: sizes("red", "blue"), says: "which arm"},
		{m: clientele.Model{Control: "red"}, sizes: sizes("red", "blue"), arms: [2]string{"red", "blue"}},
		{m: clientele.Model{Treated: "blue"}, sizes: sizes("red", "green", "blue"), arms: [2]string{"red", "blue"}},
		{m: clientele.Model{Treated: "blue", Control: "green"}, sizes: sizes("red", "green", "blue"), arms: [2]string{"green", "blue"}},
		{m: clientele.Model{Treated: "white"}, sizes: sizes("red", "blue"), says: "nobody has seen the arm white"},
		{sizes: sizes("red"), says: "everybody who saw"},
		{says: "nobody has seen the experiment"},
	} {
		c.m.Experiment = "x"
		arms, err := trainer.ArmsOf(&c.m, c.sizes)
		if c.says == "" && (err != nil || arms != c.arms) || c.says != "" && (clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%+v of %v: %v, %v", c.m, c.sizes, arms, err)
		}
	}
}

// BenchmarkUplift learns from an experiment and scores everybody who was in it.
func BenchmarkUplift(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				e, _ := treatment{n: n, lately: 0.05, treatedShare: 0.5}.run()
				start := time.Now()
				v, err := trainer.TrainUplift(context.Background(), &mailed, e, 2)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), "s/train")
				start = time.Now()
				if _, err := trainer.ScoreUplift(context.Background(), v.Artefact, e, nil, 2); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), "s/score")
			}
		})
	}
}
