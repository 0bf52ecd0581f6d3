package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/predict/forecast"
	"clientele/internal/predict/report"

	"github.com/spf13/cobra"
)

// forecastFlags are what the command is told.
type forecastFlags struct {
	orderFlags
	by, period, out, report string
	ahead                   int
	interval                float64
	asJSON                  bool
}

func (c *cli) predictForecastCommand() *cobra.Command {
	var f forecastFlags
	cmd := c.command("forecast --orders PATH --customer COL --date COL --amount COL --ahead N --out FORECAST.csv", "Customers, orders and revenue of the weeks or months to come, with an interval",
		"predict forecast --orders orders.csv --customer customer_id --date created_at --amount total --by channel --period month --ahead 6 --out forecast.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return c.forecast(ctx, &f)
		})
	f.add(cmd)
	cmd.Flags().StringVar(&f.by, "by", "", "`COLUMN` of a segment or channel: each value of it is forecast too, the 20 of most revenue")
	cmd.Flags().StringVar(&f.period, "period", "month", "month, week (from Monday) or day")
	cmd.Flags().IntVar(&f.ahead, "ahead", 6, "how many periods")
	cmd.Flags().Float64Var(&f.interval, "interval", 0.8, "share of periods that the interval is to hold")
	cmd.Flags().StringVar(&f.report, "report", "", "`FILE` for a page that shows it")
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` for the forecast: .csv, .jsonl or .parquet; - is standard output")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return cmd
}

func (f *forecastFlags) check() error {
	if err := f.orderFlags.check(); err != nil {
		return err
	}
	switch {
	case seasons[f.period] == 0:
		return usagef("month, week or day", "there is no --period %q", f.period)
	case f.ahead < 1 || f.ahead > 1000:
		return usagef("1 to 1000", "--ahead %d periods cannot be forecast", f.ahead)
	case !(f.interval > 0) || f.interval >= 1:
		return usagef("as 0.8", "--interval %v is no share", f.interval)
	case f.out == "" && f.report == "" && !f.asJSON:
		return usagef("where the forecast goes, for example --out forecast.csv", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	}
	return nil
}

// seasons are the periods of a season.
var seasons = map[string]int{"month": 12, "week": 52, "day": 7}

// The measures of a period.
var measures = []string{"customers", "orders", "revenue"}

// Their places.
const (
	customersOf = iota
	ordersOf
	revenueOf
)

// periodOf numbers the periods; startOf is the first day of one.
func periodOf(period string, day int32) int {
	switch period {
	case "day":
		return int(day)
	case "week":
		return (int(day) + 3) / 7 // 1970-01-01 was a Thursday
	}
	at := time.Unix(int64(day)*86400, 0).UTC()
	return at.Year()*12 + int(at.Month()) - 1
}

func startOf(period string, n int) int32 {
	switch period {
	case "day":
		return int32(n)
	case "week":
		return int32(n*7 - 3)
	}
	return int32(time.Date(n/12, time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// bought is a line of an order.
type bought struct {
	group, customer uint32
	day             int32
	amount          float64
}

// forecasting is a group and measure with what it was and will be.
type forecasting struct {
	Group   string           `json:"group"` // "" is all
	Measure string           `json:"measure"`
	From    string           `json:"from"` // first day of the first period to come
	Result  *forecast.Result `json:"forecast,omitempty"`

	actual []float64

	firstAct int // number of the first period
}

const mostGroups = 20

func (c *cli) forecast(ctx context.Context, f *forecastFlags) error {
	c.heavyMemory()
	var left faults
	groups, customers := map[string]uint32{}, map[string]uint32{}
	var names []string
	var lines []bought
	_, err := c.readOrders(ctx, &f.orderFlags, []string{f.by}, &left, func(customer string, day int32, amount float64, more []string) {
		g, ok := groups[more[0]]
		if !ok {
			g = uint32(len(names))
			groups[more[0]] = g
			names = append(names, more[0])
		}
		id, ok := customers[customer]
		if !ok {
			id = uint32(len(customers))
			customers[customer] = id
		}
		lines = append(lines, bought{g, id, day, amount})
	})
	if err != nil {
		return err
	}
	notes := left.notes()
	all, told, err := f.forecasts(lines, names)
	if err != nil {
		return err
	}
	notes = append(notes, told...)
	for _, n := range notes {
		fmt.Fprintln(c.err, n)
	}
	return c.writeForecast(f, all, notes)
}

// whole are the first and last period that the orders fill: a first or last one that has just begun or not ended is left out.
func (f *forecastFlags) whole(lines []bought) (first, last int, notes []string) {
	low, high := lines[0].day, lines[0].day
	for _, l := range lines {
		low, high = min(low, l.day), max(high, l.day)
	}
	first, last = periodOf(f.period, low), periodOf(f.period, high)
	if startOf(f.period, first) < low-2 && first < last {
		first++
		notes = append(notes, fmt.Sprintf("The first %s is left out: orders begin on %s.", f.period, dayText(low)))
	}
	if next := startOf(f.period, last+1); next > high+2 && first < last {
		notes = append(notes, fmt.Sprintf("The last %s is left out and forecast: orders end on %s.", f.period, dayText(high)))
		last--
	}
	return first, last, notes
}

func (f *forecastFlags) forecasts(lines []bought, names []string) ([]forecasting, []string, error) {
	first, last, notes := f.whole(lines)
	n := last - first + 1
	revenue := make([]float64, len(names))
	series := f.count(lines, first, last, revenue)
	order := f.largest(revenue)
	if f.by != "" && len(names) > mostGroups {
		notes = append(notes, fmt.Sprintf("%s has %s values: the %d of most revenue are forecast.", printable(f.by), thousands(int64(len(names))), mostGroups))
	}
	var out []forecasting
	for _, g := range order {
		for i, m := range measures {
			x := forecasting{Measure: m, From: dayText(startOf(f.period, last+1)), actual: series[[2]int{g, i}], firstAct: first}
			if x.actual == nil {
				x.actual = make([]float64, n)
			}
			if g >= 0 {
				x.Group = names[g]
			}
			r, err := forecast.Make(x.actual, seasons[f.period], f.ahead, f.interval)
			if err != nil {
				return nil, nil, err
			}
			x.Result = r
			out = append(out, x)
		}
	}
	return out, notes, nil
}

// count adds lines up by group (-1 is all), measure and period. Orders are days of a customer; a line below 0 is none, and lowers the revenue.
func (f *forecastFlags) count(lines []bought, first, last int, revenue []float64) map[[2]int][]float64 {
	series := map[[2]int][]float64{}
	slices.SortFunc(lines, func(a, b bought) int {
		return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.day, b.day), cmp.Compare(a.group, b.group), cmp.Compare(a.amount, b.amount))
	})
	seen := map[[2]int]int32{}        // group, measure -> day or period of this customer that was counted last
	customer := lines[0].customer + 1 // none yet
	for _, l := range lines {
		if l.customer != customer {
			customer = l.customer
			clear(seen)
		}
		p := periodOf(f.period, l.day)
		if p < first || p > last {
			continue
		}
		revenue[l.group] += l.amount
		for _, g := range []int{-1, int(l.group)} {
			if g >= 0 && f.by == "" {
				continue
			}
			add := func(measure int, v float64) {
				key := [2]int{g, measure}
				if series[key] == nil {
					series[key] = make([]float64, last-first+1)
				}
				series[key][p-first] += v
			}
			add(revenueOf, l.amount)
			if l.amount < 0 {
				continue
			}
			if d, ok := seen[[2]int{g, 0}]; !ok || d != l.day {
				seen[[2]int{g, 0}] = l.day
				add(ordersOf, 1)
			}
			if d, ok := seen[[2]int{g, 1}]; !ok || d != int32(p) {
				seen[[2]int{g, 1}] = int32(p)
				add(customersOf, 1)
			}
		}
	}
	return series
}

// largest are all (-1), and the groups of most revenue.
func (f *forecastFlags) largest(revenue []float64) []int {
	order := []int{-1}
	if f.by == "" {
		return order
	}
	groups := make([]int, len(revenue))
	for i := range groups {
		groups[i] = i
	}
	slices.SortStableFunc(groups, func(a, b int) int { return cmp.Compare(revenue[b], revenue[a]) })
	return append(order, groups[:min(len(groups), mostGroups)]...)
}

func (c *cli) writeForecast(f *forecastFlags, all []forecasting, notes []string) error {
	if f.out != "" {
		columns := []clientele.ExportColumn{{Name: "group", Type: clientele.TypeText}, {Name: "measure", Type: clientele.TypeText}, {Name: "period", Type: clientele.TypeDate}, {Name: "actual", Type: clientele.TypeDouble},
			{Name: "expected", Type: clientele.TypeDouble}, {Name: "low", Type: clientele.TypeDouble}, {Name: "high", Type: clientele.TypeDouble}, {Name: "method", Type: clientele.TypeText}}
		if err := c.writeRows(f.out, columns, forecastRows(f, all)); err != nil {
			return err
		}
	}
	if f.report != "" {
		if err := c.writeFile(f.report, forecastPage(f, all, notes).Write); err != nil {
			return err
		}
	}
	if f.asJSON {
		return writeJSON(c.out, map[string]any{"period": f.period, "ahead": f.ahead, "interval": f.interval, "by": f.by, "series": all, "warnings": append([]string{}, notes...)})
	}
	d := *c
	if f.out == "-" {
		d.out, d.outWidth = c.err, c.errWidth
	}
	t := numbers(rows("group", "measure", "last "+f.period, "next "+f.period, "low", "high", "method", "MAE", "naive MAE"))
	t.Columns[1].Type, t.Columns[6].Type = "", ""
	for _, x := range all {
		t.add(forecastLine(x)...)
	}
	return d.sheet(t)
}

func forecastLine(x forecasting) []string {
	r, n := x.Result, func(v float64) string { return thousands(int64(v + 0.5)) }
	return []string{printable(orElse(x.Group, "(all)")), x.Measure, n(x.actual[len(x.actual)-1]), n(r.Points[0].Expected), n(r.Points[0].Low), n(r.Points[0].High), r.Method, fmt.Sprintf("%.1f", bestMAE(r)), fmt.Sprintf("%.1f", r.Naive.MAE)}
}

func bestMAE(r *forecast.Result) float64 {
	for _, t := range r.Trials {
		if t.Method == r.Method {
			return t.MAE
		}
	}
	return 0
}

// forecastRows are what was, without expectation, and what is to come, without actual value.
func forecastRows(f *forecastFlags, all []forecasting) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, x := range all {
			for i, v := range x.actual {
				if !yield([]any{x.Group, x.Measure, int64(startOf(f.period, x.firstAct+i)), v, nil, nil, nil, nil}) {
					return
				}
			}
			for i, p := range x.Result.Points {
				if !yield([]any{x.Group, x.Measure, int64(startOf(f.period, x.firstAct+len(x.actual)+i)), nil, p.Expected, p.Low, p.High, x.Result.Method}) {
					return
				}
			}
		}
	}
}

func forecastPage(f *forecastFlags, all []forecasting, notes []string) *report.Page {
	var files []string
	for _, path := range f.orders {
		files = append(files, filepath.Base(path))
	}
	p := &report.Page{Title: "What is to come", Sub: fmt.Sprintf("%s; %d periods of a %s; the interval is to hold %.0f %% of them", strings.Join(files, ", "), f.ahead, f.period, 100*f.interval), Notes: notes}
	table := report.Section{Title: "The next " + f.period, Why: "Each series takes the method that was nearest when tried at earlier ends of the same series. Naive is the season before, or the last period where there is no season yet.",
		Head: []string{"group", "measure", ">last", ">next", ">low", ">high", "method", ">MAE", ">naive MAE"}}
	label := func(x float64) string { return dayText(startOf(f.period, int(x))) }
	charts := map[string]report.Section{}
	for _, x := range all {
		table.Rows = append(table.Rows, forecastLine(x))
		if x.Group != "" {
			continue
		}
		was, will := report.Line{Name: "so far"}, report.Line{Name: "forecast"}
		for i, v := range x.actual {
			was.X, was.Y = append(was.X, float64(x.firstAct+i)), append(was.Y, v)
		}
		for i, q := range x.Result.Points {
			will.X, will.Y = append(will.X, float64(x.firstAct+len(x.actual)+i)), append(will.Y, q.Expected)
			will.Low, will.High = append(will.Low, q.Low), append(will.High, q.High)
		}
		why := fmt.Sprintf("Method: %s, tried at %d earlier ends.", x.Result.Method, x.Result.Origins)
		if x.Result.Covered > 0 {
			why += fmt.Sprintf(" An interval made from the earlier half of them held %.0f %% of %d later periods.", 100*x.Result.Coverage, x.Result.Covered)
		}
		charts[x.Measure] = report.Section{Title: "All: " + x.Measure, Why: why, Chart: report.Lines([]report.Line{was, will}, label)}
	}
	p.Sections = append(p.Sections, table)
	for _, m := range slices.Sorted(maps.Keys(charts)) {
		p.Sections = append(p.Sections, charts[m])
	}
	return p
}
