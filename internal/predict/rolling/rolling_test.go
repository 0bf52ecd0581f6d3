package rolling_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/rolling"
	"clientele/internal/race"
)

const day = feature.Day

func date(t testing.TB, s string) clientele.Micros {
	t.Helper()
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return clientele.MicrosOf(at)
}

func source(people [][]feature.Fact) rolling.Source {
	return func() iter.Seq[[]feature.Fact] { return slices.Values(people) }
}

// retail is the facts of the Online Retail data: lines of orders and of what was sent back.
func retail(t testing.TB) (people [][]feature.Fact) {
	f, err := os.Open("../../../../shared/data/commerce/online_retail/online_retail.csv.gz")
	if err != nil {
		t.Skip("the Online Retail data are not here")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.ReuseRecord = true
	who, what := map[string]int{}, map[string]uint32{}
	for {
		c, err := r.Read()
		if err != nil {
			return people
		}
		quantity, _ := strconv.ParseFloat(c[3], 64)
		price, _ := strconv.ParseFloat(c[5], 64)
		if c[6] == "" || price <= 0 {
			continue
		}
		at, err := time.Parse(time.DateTime, c[4])
		if err != nil {
			t.Fatal(err)
		}
		k, ok := who[c[6]]
		if !ok {
			k = len(people)
			who[strings.Clone(c[6])] = k
			people = append(people, nil)
		}
		if what[c[1]] == 0 {
			what[strings.Clone(c[1])] = uint32(len(what) + 1)
		}
		fact := feature.Fact{At: clientele.MicrosOf(at), Amount: quantity * price, Quantity: float32(quantity), Price: float32(price), Product: what[c[1]]}
		if quantity <= 0 {
			fact.Kind, fact.Amount = feature.Return, -fact.Amount
		}
		people[k] = append(people[k], fact)
	}
}

// TestOnlineRetail: who does not order again within 45 days, learned up to the summer and tested on the autumn: nearer
// than how long ago the last order was and than a Pareto/NBD model, and said as often as it comes.
func TestOnlineRetail(t *testing.T) {
	race.Skip(t)
	people := retail(t)
	plan, err := rolling.PlanOf(date(t, "2010-12-01"), date(t, "2011-12-10"), 45*day, 365*day)
	if err != nil {
		t.Fatal(err)
	}
	study, err := rolling.Learn(source(people), plan, feature.Settings{Target: &feature.Target{Absent: true}}, learn.Settings{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	r := study.Model.Report
	t.Logf("%s: AUC %.4f log-loss %.4f, said %.3f came %.3f; %+v", r.Chosen, r.Result.AUC, r.Result.LogLoss, r.Result.Mean, r.Result.Rate, study.Moments)
	if r.Result.AUC < 0.74 || r.Result.LogLoss > 0.585 {
		t.Errorf("AUC %.4f, log-loss %.4f", r.Result.AUC, r.Result.LogLoss)
	}
	for _, n := range r.Naive {
		t.Logf("%s: AUC %.4f log-loss %.4f", n.Name, n.AUC, n.LogLoss)
		if n.AUC >= r.Result.AUC || n.LogLoss <= r.Result.LogLoss {
			t.Errorf("%s is nearer: AUC %.4f, log-loss %.4f", n.Name, n.AUC, n.LogLoss)
		}
	}
	for _, d := range r.Drivers {
		t.Logf("%s %.3f %+.2f", d.Column, d.Weight, d.Direction)
	}
	scores, err := study.Score(source(people))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", scores.Drift)
	if len(scores.Person) < 4000 || len(scores.Reasons(0)) == 0 {
		t.Errorf("%d scored", len(scores.Person))
	}
}

// shop is made-up people who order at a pace of their own, dearer ones from the day of a rise on, and leave.
// The records begin in the middle of it.
func shop(n int, from float64, rise float64, mixed bool) (people [][]feature.Fact) {
	r := rand.New(rand.NewPCG(7, 7))
	start := clientele.Micros(1_700_000_000_000_000) / day * day
	for range n {
		var facts []feature.Fact
		pace := 8 + 30*r.ExpFloat64()
		for now := 1120*r.Float64() - 400; now < 720; now += pace * r.ExpFloat64() {
			if r.Float64() < 0.08 {
				break
			}
			if now < 0 {
				continue // before the records begin
			}
			f := feature.Fact{At: start + clientele.Micros(now*float64(day)), Quantity: 1, Price: 20, Reference: 20, Product: uint32(1 + r.IntN(20)), Category: uint16(1 + r.IntN(2))}
			if now > from {
				f.Price = float32(20 * rise)
				if mixed {
					f.Category = 1
				}
			}
			f.Amount = float64(f.Price)
			facts = append(facts, f)
		}
		people = append(people, facts)
	}
	return people
}

// shelf has all products from the beginning, and half of them no more from a day on.
func shelf(from float64) *feature.Stock {
	start := clientele.Micros(1_700_000_000_000_000) / day * day
	s := &feature.Stock{}
	for product := range uint32(21) {
		s.Add(product, start, 0, true)
		if product > 10 {
			s.Add(product, start+clientele.Micros(from*float64(day)), 0, false)
		}
	}
	s.Close()
	return s
}

func study(t *testing.T, people [][]feature.Fact, stock *feature.Stock, workers int) (*rolling.Study, *rolling.Scores) {
	t.Helper()
	start := clientele.Micros(1_700_000_000_000_000) / day * day
	plan, err := rolling.PlanOf(start, start+720*day, 60*day, 365*day)
	if err != nil {
		t.Fatal(err)
	}
	s, err := rolling.Learn(source(people), plan, feature.Settings{Categories: []string{"tents", "boots"}, Stock: stock, Target: &feature.Target{Absent: true}}, learn.Settings{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	scores, err := s.Score(source(people))
	if err != nil {
		t.Fatal(err)
	}
	return s, scores
}

// TestDriftNamesTheCause: the same shop, whose prices rise or whose mix changes after the training.
func TestDriftNamesTheCause(t *testing.T) {
	race.Skip(t)
	for name, c := range map[string]struct {
		rise  float64
		mixed bool
		empty float64
		want  string
	}{"nothing": {1, false, 1e6, ""}, "dearer": {1.4, false, 1e6, feature.Price}, "one category alone": {1, true, 1e6, feature.Mix}, "empty shelves": {1, false, 700, feature.Supply}} {
		_, scores := study(t, shop(2000, 500, c.rise, c.mixed), shelf(c.empty), 2)
		if d := scores.Drift; d.Cause != c.want || (d.Sentence == "") != (c.want == "") {
			t.Errorf("%s: %q, %s (%v)", name, d.Cause, d.Sentence, d.Causes)
		}
	}
}

// TestStudy: windows do not overlap, rows are of who is active, and workers do not matter.
func TestStudy(t *testing.T) {
	people := shop(1000, 1e9, 1, false)
	s, scores := study(t, people, nil, 1)
	p := s.Plan
	if p.Test+p.Within != p.Now || p.Choose+p.Within != p.Test || p.Train[len(p.Train)-1]+p.Within > p.Choose || !slices.IsSorted(p.Train) {
		t.Errorf("windows overlap: %+v", p)
	}
	if n := len(s.Moments); n < 4 || s.Moments[n-1].For != "test" || s.Moments[n-2].For != "choose" {
		t.Errorf("%+v", s.Moments)
	}
	if r := s.Model.Report; r.Result.AUC < 0.7 || r.Split != "time" || len(r.Naive) < 4 {
		t.Errorf("AUC %.3f, %+v", r.Result.AUC, r.Naive)
	}
	for k, who := range scores.Person {
		last := people[who][len(people[who])-1].At
		if p.Now-last > 365*day {
			t.Fatalf("person %d left %d days ago and is scored", who, (p.Now-last)/day)
		}
		if k > 50 {
			break
		}
	}
	_, many := study(t, people, nil, 4)
	if !reflect.DeepEqual(scores.Probability, many.Probability) {
		t.Error("four workers give other scores than one")
	}
}

// TestStockOutIsNoChurn: people whose product was out of stock for the whole window are not learned from as churned.
func TestStockOutIsNoChurn(t *testing.T) {
	race.Skip(t)
	people := shop(2000, 1e9, 1, false)
	start := clientele.Micros(1_700_000_000_000_000) / day * day
	plan, err := rolling.PlanOf(start, start+720*day, 60*day, 365*day)
	if err != nil {
		t.Fatal(err)
	}
	stock := &feature.Stock{}
	for product := range uint32(21) {
		stock.Add(product, start, 0, product != 3)
	}
	stock.Close()
	how := feature.Settings{Stock: stock, Target: &feature.Target{Absent: true, Excused: 0.5}}
	s, err := rolling.Learn(source(people), plan, how, learn.Settings{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	rows, gone := 0, 0
	for _, m := range s.Moments {
		rows, gone = rows+m.Rows, gone+m.Yes
	}
	if share := float64(s.Excused) / float64(gone+s.Excused); share < 0.02 || share > 0.08 { // one product of twenty
		t.Errorf("%d of %d absent people are excused", s.Excused, gone+s.Excused)
	}
}

// TestTooLittle: the refusal says how much is there and how much is needed.
func TestTooLittle(t *testing.T) {
	start := date(t, "2025-01-01")
	_, err := rolling.PlanOf(start, start+100*day, 60*day, 365*day)
	if err == nil || !strings.Contains(err.Error(), "100 days of orders are too few to learn what comes within 60 days") {
		t.Errorf("%v", err)
	}
	plan, err := rolling.PlanOf(start, start+300*day, 60*day, 365*day)
	if err != nil {
		t.Fatal(err)
	}
	few := make([][]feature.Fact, 20)
	for i := range few {
		for k := range 10 {
			few[i] = append(few[i], feature.Fact{At: start + clientele.Micros(i+29*k)*day, Amount: 5})
		}
	}
	_, err = rolling.Learn(source(few), plan, feature.Settings{Target: &feature.Target{Absent: true}}, learn.Settings{})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("at least %d of each are needed", learn.MinClass)) {
		t.Errorf("%v", err)
	}
}

func TestHorizon(t *testing.T) {
	for _, c := range []struct {
		gaps   []float64
		span   float64
		days   int
		capped bool
	}{{[]float64{5, 10, 20, 30, 40, 50, 60, 70, 80, 90}, 720, 84, false}, {[]float64{1, 1, 1, 1, 1}, 720, 14, false}, {[]float64{200, 200}, 400, 100, true}, {nil, 400, 100, true}} {
		if days, capped := rolling.Horizon(c.gaps, c.span); days != c.days || capped != c.capped {
			t.Errorf("%v: %d %v, not %d %v", c.gaps, days, capped, c.days, c.capped)
		}
	}
}
