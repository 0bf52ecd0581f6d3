package trainer

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"clientele"
	"clientele/internal/predict/value"
)

// lifetime is the kind ltv.
type lifetime struct{}

// lifetimeArtefact is what was learned of it.
type lifetimeArtefact struct {
	value.Saved
	Horizon float64     `json:"horizon"` // units
	Unit    float64     `json:"unit"`    // days
	Money   value.Money `json:"money"`
	Returns string      `json:"returns"`
}

func history(o *Orders, returns string) *value.History {
	h := &value.History{Returns: value.Returns(returns)}
	o.people(func(lines []Line) {
		name := strconv.FormatInt(lines[0].Profile, 10)
		for _, l := range lines {
			h.Add(name, l.Day, l.Amount)
		}
	})
	h.Close()
	return h
}

// terms are the settings with what they leave out.
func terms(m *clientele.Model) (a lifetimeArtefact, horizon, window int, err error) {
	const step = 30.0
	if horizon, err = clientele.Days(m.Horizon); err != nil {
		return a, 0, 0, err
	}
	if m.Window != "" {
		if window, err = clientele.Days(m.Window); err != nil {
			return a, 0, 0, err
		}
	}
	a.Unit, a.Returns = 7, m.Returns
	if m.Unit == "day" {
		a.Unit = 1
	}
	if a.Returns == "" {
		a.Returns = string(value.Net)
	}
	a.Horizon = float64(horizon) / a.Unit
	a.Money = value.Money{Margin: m.Margin, Discount: math.Pow(1+m.Discount, step/365.25) - 1, Step: step / a.Unit}
	if a.Money.Margin == 0 {
		a.Money.Margin = 1
	}
	return a, horizon, window, nil
}

func (lifetime) learn(ctx context.Context, m *clientele.Model, o *Orders, _ []byte) (*Trained, error) {
	a, horizon, window, err := terms(m)
	if err != nil {
		return nil, err
	}
	h := history(o, a.Returns)
	if len(h.Customers()) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "nobody has an order that was not returned")
	}
	first, last := h.Days()
	learn := func(name string, day int32) (*value.Fit, value.Window, error) {
		w := h.Until(day, a.Unit)
		from := w.Summaries
		if window > 0 {
			from = w.Since(float64(window) / a.Unit)
		}
		if err := context.Cause(ctx); err != nil {
			return nil, w, err
		}
		fit, err := value.Learn(name, from, w.MeanOrder)
		return fit, w, err
	}
	span := min(int32(horizon), (last-first)/3)
	t := &lifetimeTest{h: h, until: last - span, to: last, unit: a.Unit}
	names := []string{m.Method}
	switch m.Method {
	case "":
		names[0] = value.Pareto
	case value.Auto:
		names = []string{value.Pareto, value.MBG, value.BG, value.Plain}
	}
	best := names[0]
	for _, name := range names {
		fit, w, err := learn(name, t.until)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			t.untested = err.Error()
			continue
		}
		if b := fit.Test(h, w, t.until, t.to, a.Unit); t.backtest == nil || b.Model.MAE < t.backtest.Model.MAE-1e-9 {
			t.backtest, t.fit, t.window, best = b, fit, w, name
		}
	}
	fit, w, err := learn(best, last)
	if err != nil {
		return nil, err
	}
	a.Saved = fit.Save()
	out := &Trained{Version: clientele.ModelVersion{From: midnight(first), Customers: int64(fit.Customers), Method: fit.Model.Name(), Parameters: fit.Model.Parameters()}}
	if fit.Spend != nil {
		for name, v := range fit.Spend.Parameters() {
			out.Version.Parameters["spend_"+name] = v
		}
	}
	if out.Artefact, err = encode(a); err != nil {
		return nil, err
	}
	scores := fit.ScoreAll(w.Summaries, a.Horizon, a.Money)
	t.report(&out.Report, m)
	out.Report.Notes = append(out.Report.Notes, fit.Warnings...)
	if 10*int(last-first) < 9*horizon {
		out.Report.Notes = append(out.Report.Notes, fmt.Sprintf("The horizon of %d days is longer than the %d days of orders that were learned from.", horizon, last-first))
	}
	out.Report.Drivers = lifetimeDrivers(w, scores)
	for _, x := range value.Tiers(scores) {
		out.Report.Groups = append(out.Report.Groups, clientele.ModelGroup{Name: x.Name, People: int64(x.Customers), Share: Rounded(x.Share),
			Values: map[string]float64{"expected_value": Rounded(x.Value), "expected_orders": Rounded(x.Orders), "least_value": Rounded(x.Least)}})
	}
	out.Version.Metrics = t.metrics(fit)
	out.Hold = t.hold()
	return out, nil
}

// lifetimeDrivers says which of what is known of customers goes with their value.
func lifetimeDrivers(w value.Window, scores []value.Score) (out []clientele.ModelDriver) {
	n := len(scores)
	worth := make([]float64, n)
	for i, s := range scores {
		worth[i] = s.Value
	}
	for _, c := range []struct {
		name string
		of   func(value.Summary) float64
	}{
		{"orders so far", func(s value.Summary) float64 { return float64(s.Frequency) }},
		{"time since the last order", func(s value.Summary) float64 { return s.Age - s.Recency }},
		{"mean value of repeat orders", func(s value.Summary) float64 { return s.Monetary }},
		{"time since the first order", func(s value.Summary) float64 { return s.Age }},
	} {
		x := make([]float64, n)
		for i, s := range w.Summaries {
			x[i] = c.of(s)
		}
		r := Rounded(value.Correlation(x, worth))
		out = append(out, clientele.ModelDriver{Name: c.name, Weight: math.Abs(r), Direction: r})
	}
	return out
}

func (lifetime) score(artefact []byte, o *Orders, ranks []float64) (*Scores, error) {
	var a lifetimeArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, err
	}
	fit, err := a.Saved.Fit()
	if err != nil {
		return nil, err
	}
	h := history(o, a.Returns)
	w := h.Until(o.Last, a.Unit)
	scores := fit.ScoreAll(w.Summaries, a.Horizon, a.Money)
	n := len(scores)
	out := &Scores{Profiles: make([]int64, n)}
	worth, orders, alive, tiers := make([]float64, n), make([]float64, n), make([]float64, n), make([]string, n)
	names := h.Customers()
	for i, s := range scores {
		if out.Profiles[i], err = strconv.ParseInt(names[w.Customers[i]], 10, 64); err != nil {
			return nil, clientele.Errorf(clientele.Internal, "a customer of no number")
		}
		worth[i], orders[i], alive[i] = Rounded(s.Value), Rounded(s.Orders), Rounded(s.Alive)
	}
	places := make([]float64, n)
	if ranks == nil {
		for i, p := range value.Places(scores) {
			tiers[i], places[i] = p.Tier, Rounded(p.Percentile)
		}
	} else {
		places = percentiles(worth, ranks)
		for i, p := range places {
			places[i], tiers[i] = Rounded(p), tierOf(p)
		}
	}
	out.Columns = []Column{{Name: "expected_value", Numbers: worth}, {Name: "expected_orders", Numbers: orders}, {Name: "p_alive", Numbers: alive},
		{Name: "percentile", Numbers: places}, {Name: "tier", Texts: tiers}}
	return out, nil
}

func tierOf(percentile float64) string {
	for _, t := range []struct {
		name string
		from float64
	}{{"top_1", 99}, {"top_5", 95}, {"top_10", 90}, {"top_25", 75}} {
		if percentile > t.from {
			return t.name
		}
	}
	return "rest"
}
