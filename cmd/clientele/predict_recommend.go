package main

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/predict/recommend"
	"clientele/internal/predict/report"

	"github.com/spf13/cobra"
)

// recommendFlags are what the command is told.
type recommendFlags struct {
	orders, catalog, include, exclude                       []string
	customer, date, item, order, quantity, segment          string
	name, category, available                               string
	zone, dateOrder, holdout, report, out, beside, sessions string
	top, perCategory, head                                  int
	lambda                                                  float64
	asJSON                                                  bool
}

func (c *cli) predictRecommendCommand() *cobra.Command {
	var f recommendFlags
	cmd := c.command("recommend --orders PATH --customer COL --date COL --item COL --out PICKS.csv", "What to offer each customer: new products, and apart from them what is bought again",
		"predict recommend --orders lines.csv --customer customer_id --date created_at --item sku --out picks.csv --report picks.html", cobra.NoArgs,
		func(ctx context.Context, _ []string) error { return c.recommend(ctx, &f) })
	fl := cmd.Flags()
	fl.StringSliceVar(&f.orders, "orders", nil, "`PATH` of lines of orders: CSV, TSV, JSONL, Parquet, packed ones too; - is standard input")
	fl.StringVar(&f.customer, "customer", "", "`COLUMN` of the customer; lines without one teach only what is bought together")
	fl.StringVar(&f.date, "date", "", "`COLUMN` of the date or time")
	fl.StringVar(&f.item, "item", "", "`COLUMN` of the product")
	fl.StringVar(&f.order, "order", "", "`COLUMN` of the order's number; without it a customer's day is an order")
	fl.StringVar(&f.quantity, "quantity", "", "`COLUMN` of the quantity: lines of 0 and below (returns) are left out")
	fl.StringVar(&f.segment, "segment", "", "`COLUMN` of the customer's segment or country, for what is popular there")
	fl.StringSliceVar(&f.catalog, "catalog", nil, "`PATH` of a table of products, with the column of --item; products that are not in it are not offered")
	fl.StringVar(&f.name, "name", "", "`COLUMN` of the product's name, in the catalog or else in the orders")
	fl.StringVar(&f.category, "category", "", "`COLUMN` of the product's category, likewise")
	fl.StringVar(&f.available, "available", "", "`COLUMN` of the catalog with the number in stock: products of 0 and below are not offered")
	fl.StringSliceVar(&f.include, "include", nil, "offer these `CATEGORIES` only")
	fl.StringSliceVar(&f.exclude, "exclude", nil, "offer none of these `CATEGORIES`")
	fl.IntVar(&f.perCategory, "per-category", 0, "at most so many new products of one category for a customer; 0: as many as come")
	fl.IntVar(&f.top, "top", 10, "how many of each list are written for a customer")
	fl.IntVar(&f.head, "head", 3000, "products that the linear model covers at most; it takes 8 bytes by its square, and time by its cube")
	fl.Float64Var(&f.lambda, "lambda", 0, "how strongly the model is drawn to nothing; 0: up to 800 products what was best at an earlier day, else 300")
	fl.StringVar(&f.holdout, "holdout", "", "length of the time at the end that is kept for the backtest: 60d, 3m; without it a fifth of the files' time")
	fl.StringVar(&f.zone, "zone", "UTC", "time `ZONE` whose days count")
	fl.StringVar(&f.dateOrder, "date-order", "", "dmy or mdy, where dates do not begin with the year")
	fl.StringVar(&f.sessions, "sessions", "", "recommend to visitors instead: `PATH` of a file whose column session names them, with the column of --item in the order in which they looked")
	fl.StringVar(&f.beside, "beside", "", "`FILE` for what is bought together with each product")
	fl.StringVar(&f.report, "report", "", "`FILE` for a page that shows how far to believe it")
	fl.StringVar(&f.out, "out", "", "`FILE` for the recommendations: .csv, .jsonl or .parquet; - is standard output")
	fl.BoolVar(&f.asJSON, "json", false, "print the summary as JSON")
	return cmd
}

func (f *recommendFlags) check() error {
	const example = "clientele predict recommend --orders lines.csv --customer customer_id --date created_at --item sku --out picks.csv"
	for _, need := range []struct{ name, value string }{{"orders", strings.Join(f.orders, "")}, {"customer", f.customer}, {"date", f.date}, {"item", f.item}} {
		if need.value == "" {
			return usagef(example, "--%s is missing", need.name)
		}
	}
	switch {
	case f.out == "" && f.beside == "" && f.report == "" && !f.asJSON:
		return usagef("where the recommendations go, for example --out picks.csv", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	case f.top < 1 || f.top > 100:
		return usagef("1 to 100", "--top %d", f.top)
	case f.head < 10 || f.head > 10_000:
		return usagef("10 to 10000", "--head %d", f.head)
	case f.perCategory < 0 || !(f.lambda >= 0):
		return usagef("0 or more", "--per-category %d, --lambda %v", f.perCategory, f.lambda)
	case f.available != "" && len(f.catalog) == 0:
		return usagef("--catalog products.csv --available stock", "--available is a column of the catalog, and there is none")
	case (len(f.include) > 0 || len(f.exclude) > 0 || f.perCategory > 0) && f.category == "":
		return usagef("--category COLUMN", "rules by category need to know where the category is")
	}
	return nil
}

// fewProducts is up to how many products strengths are tried.
const fewProducts = 800

// recommending is one run of the command.
type recommending struct {
	*cli
	f        *recommendFlags
	book     recommend.Book
	offered  map[string]bool // of the catalog; nil: all
	visitors []visitor
	model    *recommend.Model
	backtest *recommend.Backtest
	notes    []string
	noted    faults
	last     int32
	rows     int64
	settings recommend.Settings
}

// visitor is a session with what was looked at.
type visitor struct {
	name  string
	items []string
}

func (c *cli) recommend(ctx context.Context, f *recommendFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	v := &recommending{cli: c, f: f, settings: recommend.Settings{Head: f.head, Lambda: f.lambda, Workers: runtime.GOMAXPROCS(0)}}
	for _, step := range []func(context.Context) error{v.readLines, v.readCatalog, v.readSessions, v.learn, v.write} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return v.print()
}

func (v *recommending) readLines(ctx context.Context) error {
	f := v.f
	reading, err := importer.NewReading(f.zone, f.dateOrder)
	if err != nil {
		return err
	}
	wanted := []string{f.customer, f.date, f.item, f.order, f.quantity, f.segment, "", ""}
	if len(f.catalog) == 0 {
		wanted[6], wanted[7] = f.name, f.category
	}
	days := map[string]int32{}
	err = v.eachRow(ctx, f.orders, wanted, func(where, fault string) { v.noted.add(fault, where) }, func(r []string) error {
		v.rows++
		if r[2] == "" {
			v.noted.add("they have no product", "")
			return nil
		}
		day, known := days[r[1]]
		if !known {
			var err error
			if day, err = reading.Day(r[1]); importer.NeedsOrder(err) {
				return clientele.Errorf(clientele.Invalid, "the date %q begins with day or month", r[1]).WithHint("say which: --date-order dmy or --date-order mdy")
			} else if err != nil {
				v.noted.add("the date cannot be read", fmt.Sprintf("%q", r[1]))
				return nil
			}
			if len(days) < 100_000 {
				days[r[1]] = day
			}
		}
		if f.quantity != "" {
			if n, err := reading.Number(r[4]); err != nil || n <= 0 {
				v.noted.add("the quantity is not above 0 (a return, or no number)", "")
				return nil
			}
		}
		v.book.Add(r[0], r[3], r[2], day)
		v.book.Segment(r[0], r[5])
		if r[6] != "" || r[7] != "" {
			v.book.Describe(r[2], recommend.Item{Name: r[6], Category: r[7]})
		}
		return nil
	})
	if err == nil && v.book.Lines() == 0 {
		err = clientele.Errorf(clientele.Invalid, "no row of the files can be used").WithHint("rows need a date and a product")
	}
	return err
}

func (v *recommending) readCatalog(ctx context.Context) error {
	f := v.f
	if len(f.catalog) == 0 {
		return nil
	}
	reading, err := importer.NewReading("", "")
	if err != nil {
		return err
	}
	v.offered = map[string]bool{}
	return v.eachRow(ctx, f.catalog, []string{f.item, f.name, f.category, f.available}, func(where, fault string) { v.noted.add(fault, where) }, func(r []string) error {
		if r[0] == "" {
			return nil
		}
		v.book.Describe(r[0], recommend.Item{Name: r[1], Category: r[2]})
		v.offered[r[0]] = true
		if f.available != "" {
			n, err := reading.Number(r[3])
			v.offered[r[0]] = err == nil && n > 0
		}
		return nil
	})
}

func (v *recommending) readSessions(ctx context.Context) error {
	if v.f.sessions == "" {
		return nil
	}
	at := map[string]int{}
	return v.eachRow(ctx, []string{v.f.sessions}, []string{"session", v.f.item}, func(where, fault string) { v.noted.add(fault, where) }, func(r []string) error {
		k, ok := at[r[0]]
		if !ok {
			k = len(v.visitors)
			at[r[0]] = k
			v.visitors = append(v.visitors, visitor{name: r[0]})
		}
		v.visitors[k].items = append(v.visitors[k].items, r[1])
		return nil
	})
}

func (v *recommending) learn(context.Context) (err error) {
	first, last := v.book.Days()
	v.last = last
	span := (last - first) / 5
	if v.f.holdout != "" {
		days, err := parseSpan("holdout", v.f.holdout)
		if err != nil {
			return err
		}
		span = int32(days)
	}
	from := last + 1 - span
	untested := ""
	if v.f.lambda == 0 && v.book.Products() <= fewProducts {
		v.settings.Lambda = recommend.Tune(&v.book, from-span, from, v.settings)
	}
	if v.backtest, _, err = recommend.Test(&v.book, from, last+1, v.settings); err != nil {
		untested = err.Error()
	}
	if v.model, err = recommend.Learn(&v.book, last+1, v.settings); err != nil {
		return err
	}
	v.notes = v.noted.notes()
	switch {
	case untested != "":
		v.notes = append(v.notes, fmt.Sprintf("There is no backtest, as before %s there was %s. Nothing says whether these lists are any good.", dayText(from), untested))
	case v.backtest.New[0].People < 50:
		v.notes = append(v.notes, fmt.Sprintf("Only %d known customers bought something new in the time of the backtest: it says little.", v.backtest.New[0].People))
	case !v.backtest.Better:
		v.notes = append(v.notes, "In the backtest the popular products did better than the recommended ones: offer those, and do not build on these lists yet.")
	}
	return nil
}

func (v *recommending) rules() recommend.Rules {
	r := recommend.Rules{Include: v.f.include, Exclude: v.f.exclude, PerCategory: v.f.perCategory}
	if v.offered != nil {
		r.Allow = func(item string) bool { return v.offered[item] }
	}
	return r
}

func (v *recommending) write(context.Context) error {
	if v.f.out != "" {
		if err := v.writeRows(v.f.out, v.columns(), v.table()); err != nil {
			return err
		}
	}
	if v.f.beside != "" {
		columns := []clientele.ExportColumn{{Name: "item", Type: clientele.TypeText}, {Name: "rank", Type: clientele.TypeBigint}, {Name: "other", Type: clientele.TypeText}, {Name: "name", Type: clientele.TypeText},
			{Name: "together", Type: clientele.TypeBigint}, {Name: "score", Type: clientele.TypeDouble}, {Name: "reason", Type: clientele.TypeText}}
		err := v.writeRows(v.f.beside, columns, func(yield func([]any) bool) {
			for _, item := range v.model.Products() {
				for k, p := range v.model.With(item, v.f.top, v.rules()) {
					if p.Kind == recommend.Together && !yield([]any{item, int64(k + 1), p.Item, p.Name, int64(p.Times), p.Score, p.Reason}) {
						return
					}
				}
			}
		})
		if err != nil {
			return err
		}
	}
	if v.f.report != "" {
		return v.writeFile(v.f.report, v.page().Write)
	}
	return nil
}

func (v *recommending) columns() []clientele.ExportColumn {
	first := "customer"
	if v.f.sessions != "" {
		first = "session"
	}
	return []clientele.ExportColumn{{Name: first, Type: clientele.TypeText}, {Name: "list", Type: clientele.TypeText}, {Name: "rank", Type: clientele.TypeBigint}, {Name: "item", Type: clientele.TypeText},
		{Name: "name", Type: clientele.TypeText}, {Name: "kind", Type: clientele.TypeText}, {Name: "score", Type: clientele.TypeDouble}, {Name: "reason", Type: clientele.TypeText}}
}

// chunk is how many people are answered at once.
const chunk = 2048

// table is the lists, in the order in which customers or visitors came.
func (v *recommending) table() iter.Seq[[]any] {
	people := len(v.book.Customers())
	answer := func(i int) (string, []recommend.Pick, []recommend.Pick) {
		name := v.book.Customers()[i]
		if !v.model.Knows(name) {
			return name, nil, nil
		}
		return name, v.model.New(name, v.f.top, v.rules()), v.model.Again(name, v.f.top, v.rules())
	}
	if v.f.sessions != "" {
		people = len(v.visitors)
		answer = func(i int) (string, []recommend.Pick, []recommend.Pick) {
			return v.visitors[i].name, v.model.Session(v.visitors[i].items, "", v.f.top, v.rules()), nil
		}
	}
	return func(yield func([]any) bool) {
		type lists struct {
			name       string
			new, again []recommend.Pick
		}
		for from := 0; from < people; from += chunk {
			part := make([]lists, min(chunk, people-from))
			recommend.Each(len(part), v.settings.Workers, func(k int) {
				name, fresh, again := answer(from + k)
				part[k] = lists{name, fresh, again}
			})
			for _, l := range part {
				for _, list := range []struct {
					name  string
					picks []recommend.Pick
				}{{"new", l.new}, {"again", l.again}} {
					for k, p := range list.picks {
						if !yield([]any{l.name, list.name, int64(k + 1), p.Item, p.Name, string(p.Kind), p.Score, p.Reason}) {
							return
						}
					}
				}
			}
		}
	}
}

// recommendOutput is what --json prints.
type recommendOutput struct {
	recommend.Report
	Rows     int64              `json:"rows"`
	Until    string             `json:"until"`
	Backtest *recommendBacktest `json:"backtest"`
	Warnings []string           `json:"warnings"`
}

type recommendBacktest struct {
	*recommend.Backtest
	Until string `json:"until"`
	To    string `json:"to"`
}

func (v *recommending) output() recommendOutput {
	o := recommendOutput{Report: v.model.Report, Rows: v.rows, Until: dayText(v.last), Warnings: append([]string{}, v.notes...)}
	if v.backtest != nil {
		o.Backtest = &recommendBacktest{v.backtest, dayText(v.backtest.From - 1), dayText(v.backtest.To - 1)}
	}
	return o
}

var measureHead = []string{"list", ">people", ">of ten bought", ">bought one", ">NDCG", ">products shown"}

func measureRow(list string, m recommend.Measure) []string {
	return []string{list + ": " + m.Name, thousands(int64(m.People)), fmt.Sprintf("%.4f", m.Precision), fmt.Sprintf("%.1f %%", 100*m.Hit), fmt.Sprintf("%.4f", m.NDCG), fmt.Sprintf("%.1f %%", 100*m.Coverage)}
}

func (v *recommending) measures() (out [][]string) {
	if v.backtest == nil {
		return nil
	}
	for _, m := range v.backtest.New {
		out = append(out, measureRow("new", m))
	}
	for _, m := range v.backtest.Again {
		out = append(out, measureRow("again", m))
	}
	return out
}

func (v *recommending) print() error {
	if v.f.asJSON {
		return writeJSON(v.out, v.output())
	}
	c := *v.cli
	if v.f.out == "-" {
		c.out, c.outWidth = v.err, v.errWidth
	}
	r := v.model.Report
	c.printf("%s customers, %s products, %s orders of several; linear model of %s products (lambda %g), %.0f %% of what people have they bought again\n",
		thousands(int64(r.Customers)), thousands(int64(r.Products)), thousands(int64(r.Orders)), thousands(int64(r.Head)), r.Lambda, 100*r.Repurchase)
	if v.backtest != nil {
		c.printf("backtest: learned up to %s, held against what was bought up to %s; %.0f %% of that people had bought before\n\n", dayText(v.backtest.From-1), dayText(v.backtest.To-1), 100*v.backtest.Share)
		head := slices.Clone(measureHead)
		for i := range head {
			head[i] = strings.TrimPrefix(head[i], ">")
		}
		t := numbers(rows(head...))
		for _, row := range v.measures() {
			t.add(row...)
		}
		if err := c.sheet(t); err != nil {
			return err
		}
	}
	for _, n := range v.notes {
		c.printf("\nnote: %s\n", printable(n))
	}
	return nil
}

func (v *recommending) page() *report.Page {
	r := v.model.Report
	p := &report.Page{Title: "What to offer", Notes: v.notes, Sub: fmt.Sprintf("learned up to %s; linear model of %d products (lambda %g, products of %d buyers and more), nearest products for the others", dayText(v.last), r.Head, r.Lambda, r.MinBuyers),
		Facts: []report.Fact{{Number: thousands(int64(r.Customers)), Of: "customers"}, {Number: thousands(int64(r.Products)), Of: "products"}, {Number: thousands(int64(r.Orders)), Of: "orders of two products and more"}, {Number: fmt.Sprintf("%.0f %%", 100*r.Repurchase), Of: "of what people have they bought again"}}}
	if v.backtest != nil {
		p.Sections = append(p.Sections, report.Section{Title: "How good it is", Head: measureHead, Rows: v.measures(),
			Why: fmt.Sprintf("Learned up to %s, and lists of ten held against what the same people bought up to %s. New products are those that the person had not bought; %.0f %% of what was bought had been bought before. NDCG is 1 when what was bought stands first.", dayText(v.backtest.From-1), dayText(v.backtest.To-1), 100*v.backtest.Share)})
	}
	pairs := report.Section{Title: "What is bought together", Why: "The products with most buyers, and what is in the same orders.", Head: []string{"product", "with", "why"}}
	called := func(item string) string {
		if n := v.book.Described(item).Name; n != "" {
			return n
		}
		return item
	}
	for _, item := range v.model.Products()[:min(20, len(v.model.Products()))] {
		for _, w := range v.model.With(item, 2, v.rules()) {
			if w.Kind == recommend.Together {
				pairs.Rows = append(pairs.Rows, []string{called(item), called(w.Item), w.Reason})
			}
		}
	}
	p.Sections = append(p.Sections, pairs)
	return p
}
