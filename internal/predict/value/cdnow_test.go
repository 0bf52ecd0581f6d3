package value_test

import (
	"bufio"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele/internal/predict/value"
)

// open opens a file of ../shared/data beside the repository.
func open(t testing.TB, name string) *os.File {
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "data", "commerce", name))
	if err != nil {
		t.Skip("the data set is not beside the repository:", name)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func dayOf(t testing.TB, text, layout string) int32 {
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return int32(at.Unix() / 86400)
}

// cdnow is the tenth of the CDNOW customers that the papers use.
func cdnow(t testing.TB) *value.History {
	h := &value.History{}
	lines := bufio.NewScanner(open(t, "cdnow/CDNOW_sample.txt"))
	for lines.Scan() {
		c := strings.Fields(lines.Text())
		amount, err := strconv.ParseFloat(c[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		h.Add(c[1], dayOf(t, c[2], "20060102"), amount)
	}
	h.Close()
	return h
}

var cdnowEnd = int32(time.Date(1997, 9, 30, 0, 0, 0, 0, time.UTC).Unix() / 86400)

func TestCDNOWParameters(t *testing.T) {
	w := cdnow(t).Until(cdnowEnd, 7)
	if len(w.Summaries) != 2357 {
		t.Fatalf("%d customers", len(w.Summaries))
	}
	for name, want := range map[string]map[string]float64{
		value.Plain:  {"r": .384766, "alpha": 12.072023, "ll": -9763.6576},
		value.BG:     {"r": .242595, "alpha": 4.413602, "a": .792922, "b": 2.425907, "ll": -9582.4292},
		value.MBG:    {"r": .524843, "alpha": 6.183085, "a": .891359, "b": 1.614002, "ll": -9582.1357},
		value.Pareto: {"r": .553277, "alpha": 10.577683, "s": .606240, "beta": 11.668733, "ll": -9594.9762},
	} {
		f, err := value.Learn(name, w.Summaries, w.MeanOrder)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+" log-likelihood", f.LogLikelihood, want["ll"], .01)
		for p, got := range f.Model.Parameters() {
			near(t, name+" "+p, got, want[p], 1e-3*want[p])
			if f.Errors[p] <= 0 {
				t.Errorf("%s %s has no standard error", name, p)
			}
		}
		if f.Dropout == (name == value.Plain) {
			t.Errorf("%s: drop-out seen: %v", name, f.Dropout)
		}
	}
}

func TestCDNOWHoldout(t *testing.T) {
	h := cdnow(t)
	w := h.Until(cdnowEnd, 7)
	for name, want := range map[string]struct {
		sum, mae, rmse, pearson, spearman, auc, alive, brier, value, valueMAE, top float64
		classes                                                                    []float64
	}{
		value.Pareto: {1665.5, .7545, 1.6028, .6302, .4597, .7787, .7262, .1938, 60450, 29.45, .503, []float64{.138, .600, 1.196, 1.714, 2.398, 2.907, 3.819, 6.403}},
		value.MBG:    {1576.7, .7648, 1.6072, .6273, .4500, .7728, .6866, .2057, 57128, 29.71, 0, []float64{.185, .551, 1.049, 1.493, 2.104, 2.564, 3.361, 5.849}},
		value.BG:     {1653.4, .7855, 1.6080, .6256, .4493, .7725, .3158, .6083, 59932, 30.41, 0, []float64{.225, .523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157}},
	} {
		f, err := value.Learn(name, w.Summaries, w.MeanOrder)
		if err != nil {
			t.Fatal(err)
		}
		b := f.Test(h, w, cdnowEnd, cdnowEnd+39*7, 7)
		near(t, "actual orders", b.Orders, 1882, 0)
		near(t, "actual value", b.Value, 70976.39, .01)
		m := b.Model
		near(t, name+" sum", m.Orders, want.sum, .6)
		near(t, name+" MAE", m.MAE, want.mae, 2e-4)
		near(t, name+" RMSE", m.RMSE, want.rmse, 2e-4)
		near(t, name+" Pearson", m.Pearson, want.pearson, 2e-4)
		near(t, name+" Spearman", m.Spearman, want.spearman, 5e-4)
		near(t, name+" AUC", m.Separation, want.auc, 2e-4)
		near(t, name+" AUC alive", m.AliveAUC, want.alive, 2e-4)
		near(t, name+" Brier", m.Brier, want.brier, 2e-4)
		near(t, name+" value", m.Value, want.value, want.value*3e-3)
		near(t, name+" value MAE", m.ValueMAE, want.valueMAE, .1)
		if want.top > 0 {
			near(t, name+" top tenth", m.TopTenShare, want.top, 5e-3)
			near(t, "best top tenth", b.Oracle, .762, 2e-3)
		}
		for i, c := range b.Classes {
			near(t, name+" class", c.Predicted, want.classes[i], 2e-3)
		}
		if !b.Better {
			t.Errorf("%s is no better than naive guesses: %+v", name, b.Naive)
		}
	}
}

func TestCDNOWOrderSizes(t *testing.T) {
	lines := bufio.NewScanner(open(t, "cdnow/cdnow_customers_summary_with_transactions.csv"))
	lines.Scan()
	var of []value.Summary
	for lines.Scan() {
		c := strings.Split(lines.Text(), ",")
		var v [4]float64
		for i := range v {
			v[i], _ = strconv.ParseFloat(c[i+1], 64)
		}
		of = append(of, value.Summary{Frequency: int(v[0]), Recency: v[1], Age: v[2], Monetary: v[3]})
	}
	f, err := value.Learn(value.Plain, of, 30)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]float64{"p": 6.2488, "q": 3.7446, "v": 15.4478} {
		near(t, p, f.Spend.Parameters()[p], want, 1e-3*want)
	}
	near(t, "log-likelihood", f.Spending.LogLikelihood, -4055.9232, .01)
	near(t, "mean", f.Spend.Mean(), 35.171, .02)
	near(t, "correlation", f.Spending.Correlation, .1139, 1e-3)
}

// TestLikelihoodsAgree: what a fit goes down by is the sum of the likelihoods of customers.
func TestLikelihoodsAgree(t *testing.T) {
	w := cdnow(t).Until(cdnowEnd, 7)
	for _, name := range []string{value.Plain, value.BG, value.MBG, value.Pareto} {
		f, err := value.Learn(name, w.Summaries, w.MeanOrder)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, s := range w.Summaries {
			sum += f.Model.LogLikelihood(s)
		}
		near(t, name, f.LogLikelihood, sum, 1e-5*math.Abs(sum))
	}
}
