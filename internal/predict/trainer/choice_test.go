package trainer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/predict/shrink"
	"clientele/internal/predict/trainer"
)

// choosers are n people who choose on some days over 300: a choice of their own with a chance of their own, otherwise by lot,
// where the first is common; by lot alone where they have no taste.
func choosers(n int, tasteful bool) *trainer.Choices {
	random := rand.New(rand.NewPCG(7, 8))
	c := &trainer.Choices{ChoiceTerms: trainer.ChoiceTerms{Names: []string{"tents", "boots", "rope", "maps"}, Of: "category", Behind: "orders"}}
	for p := range n {
		own, loyal := int32(random.IntN(4)), random.Float64()
		for day := int32(20_000 + random.IntN(60)); day < 20_300; day += 1 + int32(random.ExpFloat64()*60) {
			x := trainer.Chosen{Profile: int64(100 + p), Chosen: shrink.Chosen{Day: day, Choice: own}}
			if !tasteful || random.Float64() > loyal {
				x.Choice = int32(max(0, random.IntN(6)-2))
			}
			c.Chosen, c.Last = append(c.Chosen, x), max(c.Last, day)
		}
	}
	return c
}

func learned(t *testing.T, m clientele.Model, c *trainer.Choices) *trainer.Trained {
	t.Helper()
	v, err := trainer.TrainChoice(context.Background(), &m, c, 2)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// columnsOf are the columns by name, which the kind has to have.
func columnsOf(t *testing.T, kind clientele.ModelKind, s *trainer.Scores) map[string]trainer.Column {
	t.Helper()
	out := map[string]trainer.Column{}
	for i, c := range s.Columns {
		out[c.Name] = c
		if n := max(len(c.Numbers), len(c.Texts)); n != len(s.Profiles) || kind.Outputs()[i].Name != c.Name {
			t.Errorf("column %d of %s is %s with %d values of %d people", i, kind, c.Name, n, len(s.Profiles))
		}
	}
	return out
}

// TestAffinity: where people have tastes, what they prefer is right more often than the most common of all; what is said of them is what came, one
// order says little, and some are placed as among all.
func TestAffinity(t *testing.T) {
	m := clientele.Model{Name: "likes", Kind: clientele.ModelAffinity, Of: "category"}
	c := choosers(2000, true)
	v := learned(t, m, c)
	r := v.Report
	if v.Hold != "" || !r.Tested.Better || v.Version.Metrics["hit_rate"] < 1.1*v.Version.Metrics["naive_hit_rate"] || v.Version.Customers != 2000 {
		t.Fatalf("%+v %q", v.Version, v.Hold)
	}
	if len(r.Groups) != 4 || len(r.Measures) != 3 || len(r.Summary) != 2 || !r.Measures[1].Naive || !strings.Contains(r.Summary[1], "tents") {
		t.Errorf("%+v", r)
	}
	people := int64(0)
	for _, b := range r.Calibration {
		people += b.People
		if b.Said < b.Came-0.12 || b.Said > b.Came+0.12 {
			t.Errorf("said %.3f, came %.3f of %d", b.Said, b.Came, b.People)
		}
	}
	if people != r.Tested.Customers {
		t.Errorf("%d people in the calibration, %d in the test", people, r.Tested.Customers)
	}
	s, moved, err := trainer.ScoreChoice(v.Artefact, c, nil)
	if err != nil || len(moved) > 0 {
		t.Fatal(err, moved)
	}
	all := columnsOf(t, m.Kind, s)
	if len(s.Columns) != len(m.Kind.Outputs()) {
		t.Errorf("%d columns", len(s.Columns))
	}
	for i := range s.Profiles {
		if all["choice"].Texts[i] == all["second"].Texts[i] || !(all["low"].Numbers[i] <= all["share"].Numbers[i] && all["share"].Numbers[i] <= all["high"].Numbers[i]) {
			t.Fatalf("%d: %v", s.Profiles[i], s.Columns)
		}
	}
	// One with one order of maps, one with ten of them, and one of something that is not told apart.
	some := &trainer.Choices{ChoiceTerms: c.ChoiceTerms, Last: c.Last, Chosen: []trainer.Chosen{{Profile: 1, Chosen: shrink.Chosen{Choice: 3, Day: 20_100}}}}
	for day := range int32(10) {
		some.Chosen = append(some.Chosen, trainer.Chosen{Profile: 2, Chosen: shrink.Chosen{Choice: 3, Day: 20_100 + day}})
	}
	some.Chosen = append(some.Chosen, trainer.Chosen{Profile: 3, Chosen: shrink.Chosen{Choice: -1, Day: 20_100}})
	s, moved, err = trainer.ScoreChoice(v.Artefact, some, trainer.Ranks(s.Ranked()))
	if err != nil || moved != nil {
		t.Fatal(err, moved)
	}
	of := columnsOf(t, m.Kind, s)
	share, index := of["share"].Numbers, of["index"].Numbers
	if of["choice"].Texts[1] != "maps" || share[1] < share[0]+.1 || index[1] < 2 || of["low"].Numbers[1] < of["low"].Numbers[0] || of["choice"].Texts[2] != "tents" || of["percentile"].Numbers[1] < 70 {
		t.Errorf("%+v", s)
	}
}

// TestAffinityOfNobody: where people choose by lot, the most common is as good; with few there is no verdict, and with fewer nothing is learned.
func TestAffinityOfNobody(t *testing.T) {
	m := clientele.Model{Name: "likes", Kind: clientele.ModelAffinity, Of: "category"}
	if v := learned(t, m, choosers(2000, false)); v.Hold == "" || v.Report.Quality != "poor" || v.Report.Tested.Better {
		t.Errorf("%+v %q", v.Report, v.Hold)
	}
	c := choosers(70, true)
	for i := range c.Chosen { // nobody comes back behind the day up to which is learned
		c.Chosen[i].Day = min(c.Chosen[i].Day, 20_150)
	}
	c.Chosen[len(c.Chosen)-1].Day = 20_299
	if v := learned(t, m, c); v.Report.Quality != "unknown" || !strings.Contains(v.Hold, "held against") {
		t.Errorf("%+v %q", v.Report, v.Hold)
	}
	for _, c := range []*trainer.Choices{{}, choosers(20, true)} {
		if _, err := trainer.TrainChoice(context.Background(), &m, c, 1); clientele.ErrorCode(err) != clientele.Invalid || !strings.HasPrefix(err.Error(), "too little data: ") || clientele.ErrorHint(err) == "" {
			t.Errorf("%v", err)
		}
	}
	if _, _, err := trainer.ScoreChoice([]byte("{"), c, nil); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("what was learned is broken: %v", err)
	}
}

// responders are n people with an hour of their own, most often within their own day of the week where they have one.
func responders(n int, onOwnDay bool) *trainer.Choices {
	random := rand.New(rand.NewPCG(9, 10))
	c := &trainer.Choices{ChoiceTerms: trainer.ChoiceTerms{Hours: true, Told: "messages", Of: "hour", Behind: "opens and clicks"}}
	for hour := range 24 {
		c.Names = append(c.Names, fmt.Sprintf("%02d", hour))
	}
	for p := range n {
		hour, weekday := int32(7+random.IntN(14)), int32(p%7)
		for day := int32(20_000); day < 20_200; day++ {
			if own := day%7 == weekday; random.IntN(40) > 0 && !(onOwnDay && own && random.IntN(3) > 0) {
				continue
			}
			h := hour
			if random.IntN(3) == 0 {
				h = int32(random.IntN(24))
			}
			c.Chosen, c.Last = append(c.Chosen, trainer.Chosen{Profile: int64(1 + p), Chosen: shrink.Chosen{Day: day, Choice: h}}), max(c.Last, day)
		}
	}
	return c
}

// TestSendTime: hours of people are found, and the day of the week is told only where people have one.
func TestSendTime(t *testing.T) {
	m := clientele.Model{Name: "hour", Kind: clientele.ModelSendTime}
	for _, own := range []bool{true, false} {
		c := responders(1500, own)
		v := learned(t, m, c)
		if v.Hold != "" || v.Version.Metrics["hit_rate"] < 3*v.Version.Metrics["naive_hit_rate"] || len(v.Report.Groups) != 24 || len(v.Report.Summary) != 3 || strings.Contains(v.Report.Summary[2], "is told") != own {
			t.Fatalf("own day %t: %+v %q %v", own, v.Version.Metrics, v.Hold, v.Report.Summary)
		}
		s, _, err := trainer.ScoreChoice(v.Artefact, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		columns := columnsOf(t, m.Kind, s)
		if days, told := columns["weekday"]; told != own || own && days.Texts[0] != "Thursday" { // the first of the days is Friday, 2024-10-04, and has the remainder 1
			t.Errorf("own day %t: %v", own, days.Texts[:min(9, len(days.Texts))])
		}
		if h := columns["hour"].Numbers; h[0] < 0 || h[0] > 23 {
			t.Errorf("%v", h[:9])
		}
	}
}

// TestChoicesMove: what is chosen otherwise than at the training is told when everybody is scored.
func TestChoicesMove(t *testing.T) {
	m := clientele.Model{Name: "likes", Kind: clientele.ModelAffinity, Of: "category"}
	c := choosers(1000, true)
	v := learned(t, m, c)
	for i := range c.Chosen {
		if c.Chosen[i].Day > c.Last-60 {
			c.Chosen[i].Choice = -1
		}
	}
	if _, moved, err := trainer.ScoreChoice(v.Artefact, c, nil); err != nil || len(moved) != 1 || !strings.Contains(moved[0], "category") {
		t.Errorf("%v %v", moved, err)
	}
}

// BenchmarkChoices learns, tests and scores what a million people prefer of 20 categories.
func BenchmarkChoices(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	c := &trainer.Choices{ChoiceTerms: trainer.ChoiceTerms{Of: "category", Behind: "orders"}}
	for i := range 20 {
		c.Names = append(c.Names, fmt.Sprintf("c%d", i))
	}
	for p := range 1_000_000 {
		own := int32(random.IntN(20))
		for day := int32(random.IntN(200)); day < 365; day += 1 + int32(random.ExpFloat64()*60) {
			x := trainer.Chosen{Profile: int64(1 + p), Chosen: shrink.Chosen{Day: day, Choice: own}}
			if random.IntN(2) == 0 {
				x.Choice = int32(random.IntN(20))
			}
			c.Chosen, c.Last = append(c.Chosen, x), max(c.Last, day)
		}
	}
	m := clientele.Model{Name: "likes", Kind: clientele.ModelAffinity, Of: "category"}
	for b.Loop() {
		began := time.Now()
		v, err := trainer.TrainChoice(context.Background(), &m, c, 2)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "train-s")
		began = time.Now()
		if _, _, err := trainer.ScoreChoice(v.Artefact, c, nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "score-s")
	}
	b.ReportMetric(float64(len(c.Chosen)), "days")
}
