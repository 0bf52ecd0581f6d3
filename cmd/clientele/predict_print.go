package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"clientele/internal/predict/report"
	"clientele/internal/predict/value"
)

// ltvOutput is what --json prints.
type ltvOutput struct {
	Model         string             `json:"model"`       // that the scores are of
	ModelAsked    string             `json:"model_asked"` // nbd takes its place when no drop-out is seen
	Parameters    map[string]float64 `json:"parameters"`
	Errors        map[string]float64 `json:"standard_errors"`
	LogLikelihood float64            `json:"log_likelihood"`
	PlainLikely   float64            `json:"log_likelihood_nbd"`
	Dropout       bool               `json:"dropout_seen"`
	Spend         map[string]float64 `json:"order_size_parameters"`
	Spending      *value.Spending    `json:"order_size"`
	Unit          string             `json:"unit"`
	Until         string             `json:"until"`
	HorizonDays   int                `json:"horizon_days"`
	Currency      string             `json:"currency"`
	Margin        float64            `json:"margin"`
	Discount      float64            `json:"discount_per_year"`
	Rows          int64              `json:"rows"`
	Customers     int                `json:"customers"`
	Repeaters     int                `json:"repeat_customers"`
	LearnedFrom   int                `json:"customers_learned_from"`
	Orders        float64            `json:"expected_orders"`
	Value         float64            `json:"expected_value"`
	Tiers         []value.Tier       `json:"tiers"`
	Backtest      *ltvBacktest       `json:"backtest"`
	Lines         value.Cleaning     `json:"lines"`
	Warnings      []string           `json:"warnings"`
	Seconds       map[string]float64 `json:"seconds"`
}

type ltvBacktest struct {
	Until string `json:"until"`
	To    string `json:"to"`
	*value.Backtest
}

func (v *valuing) output() ltvOutput {
	out := ltvOutput{Model: v.fit.Model.Name(), ModelAsked: v.fit.Asked, Parameters: v.fit.Model.Parameters(), Errors: v.fit.Errors, LogLikelihood: v.fit.LogLikelihood,
		PlainLikely: v.fit.PlainLikely, Dropout: v.fit.Dropout, Spending: v.fit.Spending, Unit: v.f.unit, Until: dayText(v.until), HorizonDays: v.horizon,
		Currency: v.f.currency, Margin: v.f.margin, Discount: v.f.discount, Rows: v.rows, Customers: len(v.scores), LearnedFrom: v.fit.Customers,
		Tiers: value.Tiers(v.scores), Lines: v.history.Told, Warnings: v.notes, Seconds: v.took}
	if v.fit.Spend != nil {
		out.Spend = v.fit.Spend.Parameters()
	}
	for i, s := range v.scores {
		out.Orders += s.Orders
		out.Value += s.Value
		if v.window.Summaries[i].Frequency > 0 {
			out.Repeaters++
		}
	}
	if v.backtest != nil {
		out.Backtest = &ltvBacktest{dayText(v.backtest.Until), dayText(v.backtest.To), v.backtest}
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	return out
}

// money shows an amount with its currency.
func (o ltvOutput) money(x float64) string {
	return strings.TrimSpace(thousands(int64(x+0.5)) + " " + o.Currency)
}

func (v *valuing) print() error {
	o := v.output()
	if v.f.asJSON {
		return writeJSON(v.out, o)
	}
	c := *v.cli
	if v.f.out == "-" {
		c.out, c.outWidth = v.err, v.errWidth
	}
	c.printf("%s customers up to %s, %s with repeat orders\n", thousands(int64(o.Customers)), o.Until, thousands(int64(o.Repeaters)))
	c.printf("model %s (unit: %s):%s\n", o.Model, o.Unit, parameters(o))
	c.printf("next %d days: %.1f orders, worth %s\n\n", o.HorizonDays, o.Orders, o.money(o.Value))
	t := numbers(rows("tier", "customers", "least value", "orders", "value", "share"))
	for _, x := range o.Tiers {
		t.add(x.Name, thousands(int64(x.Customers)), fmt.Sprintf("%.2f", x.Least), fmt.Sprintf("%.1f", x.Orders), o.money(x.Value), fmt.Sprintf("%.1f %%", 100*x.Share))
	}
	if err := c.sheet(t); err != nil || o.Backtest == nil {
		return err
	}
	b := o.Backtest
	c.printf("\nbacktest: learned up to %s, held against %s to %s: %s orders, worth %s\n", b.Until, b.Until, b.To, thousands(int64(b.Orders)), o.money(b.Value))
	t = numbers(rows("guess", "orders", "MAE", "RMSE", "AUC", "value", "value MAE", "top tenth finds"))
	for _, m := range append([]value.Measure{b.Model}, b.Naive...) {
		t.add(m.Name, fmt.Sprintf("%.0f", m.Orders), fmt.Sprintf("%.4f", m.MAE), fmt.Sprintf("%.4f", m.RMSE), fmt.Sprintf("%.4f", m.Separation), o.money(m.Value), fmt.Sprintf("%.2f", m.ValueMAE), fmt.Sprintf("%.1f %%", 100*m.TopTenShare))
	}
	return c.sheet(t)
}

// numbers puts all columns but the first to the right.
func numbers(t *textTable) *textTable {
	for i := range t.Columns[1:] {
		t.Columns[i+1].Type = "DOUBLE"
	}
	return t
}

func parameters(o ltvOutput) string {
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(o.Parameters)) {
		fmt.Fprintf(&b, " %s %.6g", n, o.Parameters[n])
		if e, ok := o.Errors[n]; ok {
			fmt.Fprintf(&b, " (+-%.2g)", e)
		}
	}
	fmt.Fprintf(&b, ", log-likelihood %.4f", o.LogLikelihood)
	return b.String()
}

// page is the report.
func (v *valuing) page() *report.Page {
	o := v.output()
	var files []string
	for _, f := range v.f.orders {
		files = append(files, filepath.Base(f))
	}
	worth := "value"
	if o.Margin < 1 {
		worth = "margin"
	}
	p := &report.Page{Title: "What customers will be worth", Notes: v.notes,
		Sub:   fmt.Sprintf("%s; orders up to %s, predicted %d days ahead; amounts in %s, %.0f %% of them count, discounted by %.3g %% a year", strings.Join(files, ", "), o.Until, o.HorizonDays, orElse(o.Currency, "the currency of the file"), 100*o.Margin, 100*o.Discount),
		Facts: []report.Fact{{Number: thousands(int64(o.Customers)), Of: "customers"}, {Number: thousands(int64(o.Repeaters)), Of: "with repeat orders"}, {Number: report.Short(o.Orders), Of: "orders to come"}, {Number: o.money(o.Value), Of: worth + " to come"}}}
	tiers := report.Section{Title: "Where the value is", Why: "Customers by expected value, the best first: how much of all value the best share of customers holds.", Head: []string{"tier", ">customers", ">least value", ">orders", ">value", ">share"}}
	for _, x := range o.Tiers {
		tiers.Rows = append(tiers.Rows, []string{x.Name, thousands(int64(x.Customers)), fmt.Sprintf("%.2f", x.Least), fmt.Sprintf("%.1f", x.Orders), o.money(x.Value), fmt.Sprintf("%.1f %%", 100*x.Share)})
	}
	at, share := value.Concentration(v.scores)
	percent := func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }
	tiers.Chart = report.Lines([]report.Line{{Name: "share of expected value", X: at, Y: share}, {Name: "if all were worth the same", X: []float64{0, 1}, Y: []float64{0, 1}}}, percent)
	p.Sections = append(p.Sections, tiers)
	if o.Backtest != nil {
		p.Sections = append(p.Sections, backtestSections(o)...)
	}
	learned := report.Section{Title: "What was learned", Why: fmt.Sprintf("Model %s from %s customers; times in %ss. Log-likelihood %.4f; without drop-out %.4f.", o.Model, thousands(int64(o.LearnedFrom)), o.Unit, o.LogLikelihood, o.PlainLikely), Head: []string{"parameter", ">value", ">standard error"}}
	add := func(of, errs map[string]float64, what string) {
		for _, n := range slices.Sorted(maps.Keys(of)) {
			e := ""
			if x, ok := errs[n]; ok {
				e = fmt.Sprintf("%.4g", x)
			}
			learned.Rows = append(learned.Rows, []string{n + what, fmt.Sprintf("%.6g", of[n]), e})
		}
	}
	add(o.Parameters, o.Errors, "")
	if o.Spending != nil {
		add(o.Spend, o.Spending.Errors, " (size of orders)")
	}
	p.Sections = append(p.Sections, learned)
	return p
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func backtestSections(o ltvOutput) []report.Section {
	b := o.Backtest
	test := report.Section{Title: "How near it was", Why: fmt.Sprintf("Learned from orders up to %s alone and held against those up to %s: %s orders, worth %s; %.1f %% of the customers ordered. Lower errors are better; AUC is the chance that somebody who ordered has a higher score than somebody who did not (0.5 is a coin). The best possible top tenth holds %.1f %% of the value.",
		b.Until, b.To, thousands(int64(b.Orders)), o.money(b.Value), 100*b.Active, 100*b.Oracle),
		Head: []string{"guess", ">orders", ">MAE", ">RMSE", ">AUC", ">value", ">value MAE", ">top tenth finds"}}
	for _, m := range append([]value.Measure{b.Model}, b.Naive...) {
		test.Rows = append(test.Rows, []string{m.Name, fmt.Sprintf("%.0f", m.Orders), fmt.Sprintf("%.4f", m.MAE), fmt.Sprintf("%.4f", m.RMSE), fmt.Sprintf("%.4f", m.Separation), o.money(m.Value), fmt.Sprintf("%.2f", m.ValueMAE), fmt.Sprintf("%.1f %%", 100*m.TopTenShare)})
	}
	groups := report.Section{Title: "By repeat orders before", Why: "Mean orders in the time behind, of customers with so many repeat orders until then.", Head: []string{"repeat orders", ">customers", ">actual", ">predicted"}}
	var x, actual, predicted []float64
	for i, c := range b.Classes {
		name := fmt.Sprint(c.Frequency)
		if i == len(b.Classes)-1 {
			name += " and more"
		}
		groups.Rows = append(groups.Rows, []string{name, thousands(int64(c.Customers)), fmt.Sprintf("%.3f", c.Actual), fmt.Sprintf("%.3f", c.Predicted)})
		x, actual, predicted = append(x, float64(c.Frequency)), append(actual, c.Actual), append(predicted, c.Predicted)
	}
	groups.Chart = report.Lines([]report.Line{{Name: "predicted", X: x, Y: predicted}, {Name: "actual", X: x, Y: actual}}, func(x float64) string { return fmt.Sprintf("%.2g", x) })
	return []report.Section{test, groups}
}
