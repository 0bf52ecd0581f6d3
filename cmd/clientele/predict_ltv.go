package main

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/importer"
	"clientele/internal/predict/value"

	"github.com/spf13/cobra"
)

// ltvFlags are what the command is told.
type ltvFlags struct {
	orderFlags
	until, horizon, model, unit, window string
	returns, currency, report, out      string
	margin, discount                    float64
	tiers, asJSON                       bool
}

func (c *cli) predictLTVCommand() *cobra.Command {
	var f ltvFlags
	cmd := c.command("ltv --orders PATH --customer COL --date COL --amount COL --horizon 39w --out SCORES.csv", "What each customer will order and be worth",
		"predict ltv --orders orders.csv --customer customer_id --date created_at --amount total --horizon 39w --out scores.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return c.ltv(ctx, &f)
		})
	f.add(cmd)
	cmd.Flags().StringVar(&f.until, "until", "", "`DATE` up to which orders are learned from; without it the day of the last order")
	cmd.Flags().StringVar(&f.horizon, "horizon", "", "how far to predict: 39w, 90d, 12m, 1y")
	cmd.Flags().StringVar(&f.model, "model", value.Pareto, "pareto, mbg, bg, nbd, or auto: the one that is nearest in the backtest")
	cmd.Flags().StringVar(&f.unit, "unit", "week", "unit of time of recency, age and parameters: week or day")
	cmd.Flags().StringVar(&f.window, "window", "", "learn from customers alone whose first order is at most that long ago: 2y; all are scored")
	cmd.Flags().StringVar(&f.returns, "returns", string(value.Net), "net: a return is taken off the orders before it; ignore: it is left out")
	cmd.Flags().StringVar(&f.currency, "currency", "", "`CODE` that values are shown with; nothing is converted")
	cmd.Flags().Float64Var(&f.margin, "margin", 1, "share of an order's amount that counts as value")
	cmd.Flags().Float64Var(&f.discount, "discount", 0, "yearly rate by which money to come is worth less: 0.1 is ten in a hundred")
	cmd.Flags().BoolVar(&f.tiers, "tiers", false, "add the columns tier and percentile to the scores")
	cmd.Flags().StringVar(&f.report, "report", "", "`FILE` for a page that shows what was learned and how far to believe it")
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` for the scores: .csv, .jsonl or .parquet; - is standard output")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return cmd
}

func (f *ltvFlags) check() error {
	if err := f.orderFlags.check(); err != nil {
		return err
	}
	switch {
	case f.horizon == "":
		return usagef("for example --horizon 39w", "--horizon is missing")
	case f.out == "" && f.report == "" && !f.asJSON:
		return usagef("where the scores go, for example --out scores.csv; - is standard output", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	case f.unit != "week" && f.unit != "day":
		return usagef("week or day", "there is no --unit %q", f.unit)
	case f.returns != string(value.Net) && f.returns != string(value.Ignore):
		return usagef("net or ignore", "there is no --returns %q", f.returns)
	case !(f.margin > 0) || f.margin > 1:
		return usagef("a share above 0 and up to 1", "--margin %v is no share", f.margin)
	case !(f.discount >= 0) || f.discount >= 10:
		return usagef("a rate by year, as 0.1", "--discount %v is no rate", f.discount)
	case !slices.Contains(value.Names, f.model):
		hint := "pareto, mbg, bg, nbd or auto"
		if near := config.Nearest(f.model, value.Names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usagef(hint, "there is no --model %q", f.model)
	}
	return nil
}

// valuing is one run of the command.
type valuing struct {
	*cli
	f        *ltvFlags
	history  value.History
	unit     float64 // days
	horizon  int     // days
	until    int32
	window   value.Window
	fit      *value.Fit
	backtest *value.Backtest
	untested string // why there is no backtest
	scores   []value.Score
	notes    []string
	rows     int64
	start    time.Time
	took     map[string]float64 // seconds of a step
}

func (c *cli) ltv(ctx context.Context, f *ltvFlags) error {
	c.heavyMemory()
	v := &valuing{cli: c, f: f, unit: 7, start: time.Now(), took: map[string]float64{}}
	if f.unit == "day" {
		v.unit = 1
	}
	var err error
	if v.horizon, err = parseSpan("horizon", f.horizon); err != nil {
		return err
	}
	if err := v.read(ctx); err != nil {
		return err
	}
	if err := v.learn(); err != nil {
		return err
	}
	return v.write()
}

func (v *valuing) step(name string, since time.Time) {
	v.took[name] = math.Round(time.Since(since).Seconds()*1000) / 1000
}

func (v *valuing) read(ctx context.Context) (err error) {
	begin := time.Now()
	v.history.Returns = value.Returns(v.f.returns)
	var left faults
	v.rows, err = v.readOrders(ctx, &v.f.orderFlags, nil, &left, func(customer string, day int32, amount float64, _ []string) {
		v.history.Add(customer, day, amount)
	})
	if err != nil {
		return err
	}
	v.history.Close()
	v.notes = append(v.notes, left.notes()...)
	t := v.history.Told
	if t.Negative > 0 {
		if v.f.returns == string(value.Net) {
			v.note("%s lines are below 0: they were taken off the orders before them; %s orders and %s customers are gone by it.", thousands(t.Negative), thousands(t.Cancelled), thousands(t.Undone))
		} else {
			v.note("%s lines are below 0 and were left out.", thousands(t.Negative))
		}
	}
	if t.Copies > 0 {
		v.note("%s lines have the customer, day and amount of another line; they were counted, as orders may hold equal lines. If the file holds lines twice, values are too high.", thousands(t.Copies))
	}
	if len(v.history.Customers()) == 0 {
		return clientele.Errorf(clientele.Invalid, "no customer has an order that was not returned").WithHint("--returns ignore leaves lines below 0 out")
	}
	first, last := v.history.Days()
	v.until = last
	if v.f.until != "" {
		reading, err := importer.NewReading(v.f.zone, v.f.dateOrder)
		if err != nil {
			return err
		}
		if v.until, err = reading.Day(v.f.until); err != nil {
			return usagef("a date as 2025-12-31", "--until %q: %w", v.f.until, err)
		}
		if v.until <= first {
			return clientele.Errorf(clientele.Invalid, "there is nothing to learn from up to %s: the first order is of %s", dayText(v.until), dayText(first))
		}
	}
	v.step("read", begin)
	return nil
}

func (v *valuing) note(format string, args ...any) {
	m := matching{cli: v.cli}
	m.note(format, args...)
	v.notes = append(v.notes, m.notes...)
}

// learnAt learns what was known at a day.
func (v *valuing) learnAt(model string, day int32) (*value.Fit, value.Window, error) {
	w := v.history.Until(day, v.unit)
	from := w.Summaries
	if v.f.window != "" {
		days, err := parseSpan("window", v.f.window)
		if err != nil {
			return nil, w, err
		}
		from = w.Since(float64(days) / v.unit)
	}
	fit, err := value.Learn(model, from, w.MeanOrder)
	return fit, w, err
}

// testDay is the day at which the backtest learns: until, when orders of the whole horizon behind it are in the files,
// else one horizon earlier, or as late as leaves two thirds of the time to learn from.
func (v *valuing) testDay() (from, to int32) {
	first, last := v.history.Days()
	if int(last-v.until) >= v.horizon {
		return v.until, v.until + int32(v.horizon)
	}
	span := min(int32(v.horizon), (v.until-first)/3)
	return v.until - span, v.until
}

func (v *valuing) learn() (err error) {
	begin := time.Now()
	from, to := v.testDay()
	models := []string{v.f.model}
	if v.f.model == value.Auto {
		models = []string{value.Pareto, value.MBG, value.BG, value.Plain}
	}
	best := models[0]
	var tested *value.Fit
	for _, name := range models {
		fit, w, err := v.learnAt(name, from)
		if err != nil {
			v.untested = err.Error()
			continue
		}
		if b := fit.Test(&v.history, w, from, to, v.unit); v.backtest == nil || b.Model.MAE < v.backtest.Model.MAE-1e-9 {
			v.backtest, tested, best = b, fit, name
		}
	}
	v.step("backtest", begin)
	begin = time.Now()
	if from == v.until && tested != nil {
		v.fit, v.window = tested, v.history.Until(v.until, v.unit)
	} else if v.fit, v.window, err = v.learnAt(best, v.until); err != nil {
		return err
	}
	v.step("fit", begin)
	for _, w := range v.fit.Warnings {
		v.note("%s", w)
	}
	switch {
	case v.backtest == nil:
		v.note("There is no backtest: %s. The scores are not held against anything.", v.untested)
	case to-from < int32(v.horizon):
		v.note("The files are too short to hold a backtest of %s: it was done over %d days.", v.f.horizon, to-from)
	}
	if v.backtest != nil && !v.backtest.Better {
		v.note("In the backtest a naive guess was nearer than the model: do not build on these scores yet.")
	}
	if first, _ := v.history.Days(); 10*int(v.until-first) < 9*v.horizon {
		v.note("The horizon of %d days is longer than the %d days of orders that were learned from.", v.horizon, v.until-first)
	}
	begin = time.Now()
	v.scores = v.fit.ScoreAll(v.window.Summaries, float64(v.horizon)/v.unit, v.money())
	v.step("score", begin)
	return nil
}

// money turns the yearly rate into that of steps of 30 days.
func (v *valuing) money() value.Money {
	const step = 30.0
	return value.Money{Margin: v.f.margin, Discount: math.Pow(1+v.f.discount, step/365.25) - 1, Step: step / v.unit}
}

func (v *valuing) write() error {
	if v.f.out != "" {
		if err := v.writeRows(v.f.out, v.columns(), v.table()); err != nil {
			return err
		}
	}
	if v.f.report != "" {
		if err := v.writeFile(v.f.report, v.page().Write); err != nil {
			return err
		}
	}
	return v.print()
}

func (v *valuing) columns() []clientele.ExportColumn {
	out := []clientele.ExportColumn{{Name: "customer", Type: clientele.TypeText}, {Name: "frequency", Type: clientele.TypeBigint}}
	for _, name := range []string{"recency", "age", "monetary", "p_alive", "expected_orders", "expected_value"} {
		out = append(out, clientele.ExportColumn{Name: name, Type: clientele.TypeDouble})
	}
	if v.f.tiers {
		out = append(out, clientele.ExportColumn{Name: "tier", Type: clientele.TypeText}, clientele.ExportColumn{Name: "percentile", Type: clientele.TypeDouble})
	}
	return out
}

// table is the scores, a customer a row, in the order of the file.
func (v *valuing) table() iter.Seq[[]any] {
	var places []value.Place
	if v.f.tiers {
		places = value.Places(v.scores)
	}
	return func(yield func([]any) bool) {
		names := v.history.Customers()
		row := make([]any, 0, 10)
		for i, s := range v.window.Summaries {
			score := v.scores[i]
			var alive any
			if !math.IsNaN(score.Alive) {
				alive = score.Alive
			}
			row = append(row[:0], names[v.window.Customers[i]], int64(s.Frequency), s.Recency, s.Age, s.Monetary, alive, score.Orders, score.Value)
			if v.f.tiers {
				row = append(row, places[i].Tier, places[i].Percentile)
			}
			if !yield(row) {
				return
			}
		}
	}
}
