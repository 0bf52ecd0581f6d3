package trainer

import (
	"fmt"
	"math"
	"strconv"

	"clientele"
	"clientele/internal/predict/value"
)

// lifetimeTest is a model that was learned at an earlier day, and what came behind it.
type lifetimeTest struct {
	h         *value.History
	until, to int32
	unit      float64
	fit       *value.Fit
	window    value.Window
	backtest  *value.Backtest
	untested  string // why there is none
}

// hold says why the version should not take over by itself.
func (t *lifetimeTest) hold() string {
	switch b := t.backtest; {
	case b == nil:
		return "it could not be held against what came: " + t.untested
	case !b.Better:
		return fmt.Sprintf("a naive guess was nearer in the backtest: its error is %.3g orders a customer (root of the mean square), that of the model %.3g", t.naive().RMSE, b.Model.RMSE)
	}
	return ""
}

// naive is the nearer one of the naive guesses that are held against the model.
func (t *lifetimeTest) naive() value.Measure {
	best := t.backtest.Naive[0]
	for _, m := range t.backtest.Naive[1:2] {
		if m.RMSE < best.RMSE {
			best = m
		}
	}
	return best
}

// quality is good where the model's error is at most nine tenths of the naive guesses'.
func (t *lifetimeTest) quality() string {
	switch b := t.backtest; {
	case b == nil:
		return unknown
	case !b.Better:
		return poor
	case b.Model.RMSE <= 0.9*t.naive().RMSE:
		return good
	}
	return fair
}

func (t *lifetimeTest) metrics(fit *value.Fit) map[string]float64 {
	out := map[string]float64{"log_likelihood": Rounded(fit.LogLikelihood)}
	if b := t.backtest; b != nil {
		for name, v := range measured(b.Model) {
			out[name] = v
		}
		out["naive_rmse"], out["actual_orders"], out["actual_value"] = Rounded(t.naive().RMSE), Rounded(b.Orders), Rounded(b.Value)
	}
	return out
}

func measured(m value.Measure) map[string]float64 {
	out := map[string]float64{"orders": m.Orders, "mae": m.MAE, "rmse": m.RMSE, "auc_active": m.Separation, "value": m.Value, "value_mae": m.ValueMAE, "top_10_share": m.TopTenShare}
	if m.AliveAUC > 0 {
		out["auc_alive"], out["brier_alive"] = m.AliveAUC, m.Brier
	}
	for name, v := range out {
		out[name] = Rounded(v)
	}
	return out
}

func (t *lifetimeTest) report(r *clientele.ModelReport, m *clientele.Model) {
	r.Quality = t.quality()
	b := t.backtest
	if b == nil {
		r.Summary = append(r.Summary, "It was not held against anything: "+t.untested+".")
		return
	}
	r.Tested = &clientele.ModelTested{From: midnight(t.until + 1), To: midnight(t.to), Customers: int64(b.Customers), Better: b.Better}
	say := func(format string, args ...any) { r.Summary = append(r.Summary, fmt.Sprintf(format, args...)) }
	off := "just as many"
	if b.Orders > 0 {
		off = percent(math.Abs(b.Model.Orders-b.Orders)/b.Orders) + " too many"
		if b.Model.Orders < b.Orders {
			off = percent((b.Orders-b.Model.Orders)/b.Orders) + " too few"
		}
	}
	say("Learned from orders up to %s, it predicted %.0f orders of %d customers until %s; %.0f came: %s.", dayText(t.until), b.Model.Orders, b.Customers, dayText(t.to), b.Orders, off)
	naive := t.naive()
	if b.Better {
		say("Its error for a customer is %.3g orders (root of the mean square); the best naive guess (%s) is wrong by %.3g.", b.Model.RMSE, naive.Name, naive.RMSE)
	} else {
		say("A naive guess (%s) was nearer: wrong by %.3g orders for a customer (root of the mean square), the model by %.3g. Do not build on it yet.", naive.Name, naive.RMSE, b.Model.RMSE)
	}
	say("The tenth of customers that it ranks highest brought %s of the revenue; ranking by what they had spent, %s; with hindsight, %s.",
		percent(b.Model.TopTenShare), percent(b.Naive[3].TopTenShare), percent(b.Oracle))
	if horizon, _ := clientele.Days(m.Horizon); int(t.to-t.until) < horizon {
		r.Notes = append(r.Notes, fmt.Sprintf("The orders are too few days for a backtest of %s: it was done over %d days.", m.Horizon, t.to-t.until))
	}
	for _, c := range b.Classes {
		if c.Customers == 0 {
			continue
		}
		name := strconv.Itoa(c.Frequency) + " repeat orders"
		if c.Frequency == len(b.Classes)-1 {
			name += " or more"
		}
		r.Calibration = append(r.Calibration, clientele.ModelBin{Name: name, People: int64(c.Customers), Said: Rounded(c.Predicted), Came: Rounded(c.Actual)})
	}
	r.Measures = append(r.Measures, clientele.ModelMeasure{Name: b.Model.Name, Values: measured(b.Model)})
	for _, n := range b.Naive {
		r.Measures = append(r.Measures, clientele.ModelMeasure{Name: n.Name, Naive: true, Values: measured(n)})
	}
	t.lift(r)
}

// lift is the share of the revenue behind the day that those hold who are ranked highest.
func (t *lifetimeTest) lift(r *clientele.ModelReport) {
	_, came := t.h.Came(t.window, t.until, t.to)
	before := t.h.Spent(t.window, t.until)
	worth := make([]float64, len(came))
	for i, s := range t.fit.ScoreAll(t.window.Summaries, float64(t.to-t.until)/t.unit, value.Money{Margin: 1}) {
		worth[i] = s.Value
	}
	for _, share := range []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.5} {
		r.Lift = append(r.Lift, clientele.ModelLift{Share: share, Model: Rounded(value.Captured(worth, came, share)), Naive: Rounded(value.Captured(before, came, share)),
			Best: Rounded(value.Captured(came, came, share))})
	}
}
