package trainer

import (
	"context"
	"fmt"
	"math"

	"clientele"
	"clientele/internal/predict/segments"
	"clientele/internal/predict/shrink"
)

// discounts is the kind discount: the share of orders with a discount, shrunk to that of all.
type discounts struct{}

// discountArtefact is how shares are spread over people.
type discountArtefact struct {
	Prior shrink.Prior `json:"prior"`
}

// interval is the chance with which the interval holds the share; surely that with which somebody is above or below all.
const (
	interval = 0.8
	surely   = 0.8
)

// counted are each person's days with orders, and those with a discount, from one day to another.
func (o *Orders) counted(from, to int32) (profiles []int64, counts []shrink.Count) {
	o.people(func(lines []Line) {
		var c shrink.Count
		last, discounted := int32(math.MinInt32), false
		for _, l := range lines {
			if l.Day < from || l.Day > to || l.Amount < 0 {
				continue
			}
			if l.Day != last {
				c.N++
				last, discounted = l.Day, false
			}
			if l.Discounted && !discounted {
				c.K++
				discounted = true
			}
		}
		if c.N > 0 {
			profiles, counts = append(profiles, lines[0].Profile), append(counts, c)
		}
	})
	return profiles, counts
}

func (o *Orders) days() (first, last int32) {
	first, last = math.MaxInt32, math.MinInt32
	for _, l := range o.Lines {
		first, last = min(first, l.Day), max(last, l.Day)
	}
	return first, last
}

// Fewest people, and orders with and without a discount, that shares are learned from.
const fewest = 50

func (discounts) learn(_ context.Context, m *clientele.Model, o *Orders, _ []byte) (*Trained, error) {
	first, last := o.days()
	_, counts := o.counted(first, last)
	with, all := 0, 0
	for _, c := range counts {
		with, all = with+c.K, all+c.N
	}
	if len(counts) < fewest || with < fewest || all-with < fewest {
		return nil, clientele.Errorf(clientele.Invalid, "%d customers, %d orders with a discount and %d without", len(counts), with, all-with).
			WithHint("at least %d of each are needed", fewest)
	}
	a := discountArtefact{shrink.Learn(counts)}
	mean := a.Prior.A / (a.Prior.A + a.Prior.B)
	t := &Trained{Version: clientele.ModelVersion{From: midnight(first), Customers: int64(len(counts)), Method: "beta-binomial", Parameters: map[string]float64{"a": a.Prior.A, "b": a.Prior.B}}}
	t.Report.Summary = append(t.Report.Summary, fmt.Sprintf("%s of %d orders had a discount; people's own shares spread as Beta(%.3g, %.3g) around %s.", percent(float64(with)/float64(all)), all, a.Prior.A, a.Prior.B, percent(mean)))
	t.test(o, first, last)
	var err error
	t.Artefact, err = encode(a)
	return t, err
}

// test learns from the first two thirds of the days and is held against the last third, beside two naive guesses: that of
// all people, and everybody's own share as it was.
func (t *Trained) test(o *Orders, first, last int32) {
	until := last - (last-first)/3
	learned, before := o.counted(first, until)
	later, behind := o.counted(until+1, last)
	if len(before) < fewest || len(behind) < fewest {
		t.Report.Quality, t.Hold = unknown, fmt.Sprintf("it could not be held against what came: %d customers before %s, %d behind", len(before), dayText(until+1), len(behind))
		return
	}
	prior := shrink.Learn(before)
	known := make(map[int64]shrink.Count, len(learned))
	for i, p := range learned {
		known[p] = before[i]
	}
	mean := prior.A / (prior.A + prior.B)
	sum := [3]float64{} // squared errors of the model, the mean, the own share
	n, people := 0.0, 0
	for i, p := range later {
		c, ok := known[p]
		if !ok {
			continue
		}
		came, weight := float64(behind[i].K)/float64(behind[i].N), float64(behind[i].N)
		for k, said := range []float64{prior.Of(c, interval).Mean, mean, float64(c.K) / float64(c.N)} {
			sum[k] += weight * (said - came) * (said - came)
		}
		n += weight
		people++
	}
	if people < fewest {
		t.Report.Quality, t.Hold = unknown, fmt.Sprintf("it could not be held against what came: %d customers ordered before %s and again", people, dayText(until+1))
		return
	}
	var rmse [3]float64
	for k := range sum {
		rmse[k] = Rounded(math.Sqrt(sum[k] / n))
	}
	better := rmse[0] < rmse[1] && rmse[0] < rmse[2]
	r := &t.Report
	r.Tested = &clientele.ModelTested{From: midnight(until + 1), To: midnight(last), Customers: int64(people), Better: better}
	for k, name := range []string{"shrunken share", "the share of all", "everybody's own share"} {
		r.Measures = append(r.Measures, clientele.ModelMeasure{Name: name, Naive: k > 0, Values: map[string]float64{"rmse": rmse[k]}})
	}
	t.Version.Metrics = map[string]float64{"rmse": rmse[0], "naive_rmse": min(rmse[1], rmse[2])}
	r.Summary = append(r.Summary, fmt.Sprintf("Learned from orders up to %s, it is wrong by %.3g about a customer's share behind that day (root of the mean square); the share of all by %.3g, their own share so far by %.3g.",
		dayText(until), rmse[0], rmse[1], rmse[2]))
	switch {
	case !better:
		r.Quality, t.Hold = poor, "a naive guess was nearer in the backtest"
	case rmse[0] <= 0.95*min(rmse[1], rmse[2]):
		r.Quality = good
	default:
		r.Quality = fair
	}
}

func (discounts) score(artefact []byte, o *Orders, ranks []float64) (*Scores, error) {
	var a discountArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, err
	}
	first, last := o.days()
	profiles, counts := o.counted(first, last)
	n := len(profiles)
	mean := a.Prior.A / (a.Prior.A + a.Prior.B)
	share, low, high, tiers := make([]float64, n), make([]float64, n), make([]float64, n), make([]string, n)
	type said struct {
		shrink.Share
		above float64
	}
	seen := map[shrink.Count]said{}
	for i, c := range counts {
		s, ok := seen[c]
		if !ok {
			s = said{a.Prior.Of(c, interval), a.Prior.Above(c, mean)}
			seen[c] = s
		}
		share[i], low[i], high[i] = Rounded(s.Mean), Rounded(s.Low), Rounded(s.High)
		switch {
		case s.above >= surely:
			tiers[i] = "waits for discounts"
		case s.above <= 1-surely:
			tiers[i] = "pays the full price"
		default:
			tiers[i] = "between"
		}
	}
	places := percentiles(share, ranks)
	for i := range places {
		places[i] = Rounded(places[i])
	}
	return &Scores{Profiles: profiles, Columns: []Column{{Name: "share", Numbers: share}, {Name: "low", Numbers: low}, {Name: "high", Numbers: high}, {Name: "percentile", Numbers: places}, {Name: "tier", Texts: tiers}}}, nil
}

// groups is the kind segments: people who are alike in how they order.
type groups struct{}

var groupColumns = []string{"orders", "days since the last order", "days since the first order", "value of an order", "share with a discount"}

// described is how each person orders.
func (o *Orders) described() (profiles []int64, rows [][]float64) {
	o.people(func(lines []Line) {
		orders, spent, discounted := 0.0, 0.0, 0.0
		first, last := int32(math.MaxInt32), int32(math.MinInt32)
		for _, l := range lines {
			spent += l.Amount
			if l.Amount < 0 {
				continue
			}
			orders++
			first, last = min(first, l.Day), max(last, l.Day)
			if l.Discounted {
				discounted++
			}
		}
		if orders > 0 {
			profiles = append(profiles, lines[0].Profile)
			rows = append(rows, []float64{orders, float64(o.Last - last), float64(o.Last - first), math.Max(0, spent) / orders, discounted / orders})
		}
	})
	return profiles, rows
}

func (groups) learn(_ context.Context, m *clientele.Model, o *Orders, before []byte) (*Trained, error) {
	first, _ := o.days()
	_, rows := o.described()
	g, _, err := segments.Learn(rows, groupColumns, m.Groups, seed)
	if err != nil {
		return nil, err
	}
	t := &Trained{Version: clientele.ModelVersion{From: midnight(first), Customers: int64(len(rows)), Method: "k-means"}}
	if before != nil {
		var earlier segments.Model
		if err := decode(before, &earlier); err == nil {
			if err := g.Keep(&earlier); err != nil { // other columns vary now
				t.Report.Notes = append(t.Report.Notes, "The groups have new ids: "+err.Error()+".")
			}
		}
	}
	rand := 0.0
	for _, s := range g.Stability {
		t.Report.Measures = append(t.Report.Measures, clientele.ModelMeasure{Name: fmt.Sprintf("%d groups", s.K), Values: map[string]float64{"adjusted_rand": Rounded(s.Rand)}})
		if s.K == len(g.Segments) {
			rand = s.Rand
		}
	}
	t.Version.Metrics = map[string]float64{"groups": float64(len(g.Segments)), "adjusted_rand": Rounded(rand)}
	for _, s := range g.Segments {
		means := map[string]float64{}
		for j, c := range g.Columns {
			means[c.Name] = Rounded(s.Means[j])
		}
		t.Report.Groups = append(t.Report.Groups, clientele.ModelGroup{Name: fmt.Sprintf("%d: %s", s.ID, s.Name), People: int64(s.People), Share: Rounded(s.Share), Values: means})
	}
	t.Report.Summary = append(t.Report.Summary, fmt.Sprintf("%d groups; learned from two halves of the people they agree to %.2f (1 is the same groups, 0 is chance).", len(g.Segments), rand))
	if t.Report.Quality = good; !g.Stable {
		t.Report.Quality = poor
		t.Hold = "no number of groups is stable: they are cuts through one cloud of customers, and will shift when learned again"
	}
	t.Artefact, err = encode(g)
	return t, err
}

func (groups) score(artefact []byte, o *Orders, _ []float64) (*Scores, error) {
	var g segments.Model
	if err := decode(artefact, &g); err != nil {
		return nil, err
	}
	profiles, rows := o.described()
	ids, names := make([]float64, len(rows)), make([]string, len(rows))
	row := map[string]float64{}
	for i, r := range rows {
		for j, name := range groupColumns {
			row[name] = r[j]
		}
		s := g.Place(row)
		ids[i], names[i] = float64(s.ID), s.Name
	}
	return &Scores{Profiles: profiles, Columns: []Column{{Name: "segment_id", Numbers: ids}, {Name: "segment", Texts: names}}}, nil
}
