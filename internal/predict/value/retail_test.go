package value_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/predict/value"
	"clientele/internal/race"
)

// retail is the Online Retail data without cancellations and without what has no customer or price.
func retail(t *testing.T) *value.History {
	z, err := gzip.NewReader(open(t, "online_retail/online_retail.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.ReuseRecord = true
	h := &value.History{}
	days := map[string]int32{}
	for {
		c, err := r.Read()
		if err != nil {
			break
		}
		quantity, _ := strconv.ParseFloat(c[3], 64)
		price, _ := strconv.ParseFloat(c[5], 64)
		if c[6] == "" || quantity <= 0 || price <= 0 || strings.HasPrefix(c[0], "C") {
			continue
		}
		day, ok := days[c[4][:10]]
		if !ok {
			day = dayOf(t, c[4][:10], "2006-01-02")
			days[c[4][:10]] = day
		}
		h.Add(strings.Clone(c[6]), day, quantity*price)
	}
	h.Close()
	return h
}

// TestNoDropoutSeen: nine months of a wholesaler show nobody leaving; all models become NBD, and say so.
func TestNoDropoutSeen(t *testing.T) {
	race.Skip(t)
	h := retail(t)
	until := dayOf(t, "2011-08-31", "2006-01-02")
	w := h.Until(until, 7)
	if len(w.Summaries) != 3317 {
		t.Fatalf("%d customers", len(w.Summaries))
	}
	for _, name := range []string{value.Pareto, value.MBG, value.BG} {
		f, err := value.Learn(name, w.Summaries, w.MeanOrder)
		if err != nil {
			t.Fatal(err)
		}
		if f.Dropout || f.Model.Name() != value.Plain || !strings.Contains(strings.Join(f.Warnings, " "), "No drop-out") {
			t.Errorf("%s: dropout %v, model %s, warnings %q", name, f.Dropout, f.Model.Name(), f.Warnings)
		}
		if s := f.Score(w.Summaries[0], 10, value.Money{Margin: 1}); !math.IsNaN(s.Alive) {
			t.Errorf("%s: alive %v although no drop-out is seen", name, s.Alive)
		}
		near(t, "gain over NBD", f.LogLikelihood-f.PlainLikely, 0, .05)
		p := f.Model.Parameters()
		near(t, "r", p["r"], .7226, 1e-3*.7226)
		near(t, "alpha", p["alpha"], 9.4245, 1e-3*9.4245)
		near(t, name+" log-likelihood", f.LogLikelihood, -21755.348, .05)
		b := f.Test(h, w, until, until+100, 7)
		near(t, "orders", b.Model.Orders, 3633.4, 2)
		near(t, "MAE", b.Model.MAE, .9970, 1e-3)
		near(t, "Pearson", b.Model.Pearson, .8036, 1e-3)
		near(t, "top tenth", b.Model.TopTenShare, .526, 5e-3)
	}
}

// TestUnitsOfRetail: one customer's value for one to 24 months from the orders themselves, at 1 % a month. A slip of units gives thirty times less.
func TestUnitsOfRetail(t *testing.T) {
	race.Skip(t)
	h := retail(t)
	_, last := h.Days()
	w := h.Until(last, 1)
	if len(w.Summaries) != 4338 {
		t.Fatalf("%d customers", len(w.Summaries))
	}
	f, err := value.Learn(value.BG, w.Summaries, w.MeanOrder)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log-likelihood", f.LogLikelihood, -61823.47, .5)
	for p, want := range map[string]float64{"p": 2.1034, "q": 3.4512, "v": 485.889} {
		near(t, p, f.Spend.Parameters()[p], want, 2e-3*want)
	}
	names := h.Customers()
	for i, s := range w.Summaries {
		if names[w.Customers[i]] != "12347" && names[w.Customers[i]] != "12347.0" {
			continue
		}
		if s.Frequency != 6 || s.Recency != 365 || s.Age != 367 {
			t.Errorf("%+v", s)
		}
		near(t, "mean order", s.Monetary, 599.70, .01)
		for months, want := range map[float64]float64{1: 265, 3: 787, 6: 1551, 12: 3011, 24: 5680} {
			near(t, "value", f.Score(s, 30*months, value.Money{Margin: 1, Discount: .01, Step: 30}).Value, want, want/100)
		}
		return
	}
	t.Error("customer 12347 is not there")
}
