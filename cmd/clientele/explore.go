package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

// explorer is what the command works with.
type explorer interface {
	Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error)
	Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error)
	ExploreAudience(ctx context.Context, req clientele.SegmentRequest) (*clientele.AudienceInForce, error)
	ExploreFields(ctx context.Context) (*clientele.ExploreFields, error)
}

func (p *platform) Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error) {
	v, err := p.app.Explore(ctx, q)
	return v, p.acted("explore", "", err)
}

func (p *platform) Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	v, err := p.app.Behind(ctx, req)
	return v, p.acted("explore-people", "", err)
}

func (p *platform) ExploreAudience(ctx context.Context, req clientele.SegmentRequest) (*clientele.AudienceInForce, error) {
	v, err := p.app.ExploreAudience(ctx, operator, req)
	if err == nil { // nobody serves the directory, so nobody else fills it
		err = p.app.FillAudience(ctx, v)
	}
	return v, p.acted("explore-audience", req.Name, err)
}

func (p *platform) ExploreFields(ctx context.Context) (*clientele.ExploreFields, error) {
	return p.app.ExploreFields(ctx)
}

var questionKinds = []string{"metric", "funnel", "retention", "paths", "rfm", "concentration", "affinity", "leaks", "lifecycle", "insight"}

// exploring are the flags of the command.
type exploring struct {
	q            clientele.Question
	where, steps []string
	behind, name string
	people       string
	format, file string
	sql          bool
}

func (c *cli) exploreCommand() *cobra.Command {
	var x exploring
	cmd := c.talks(c.command("explore metric|funnel|retention|paths|rfm|concentration|affinity|leaks|lifecycle|insight|fields | explore --question FILE.json", "Ask a question without SQL, and name the people behind the answer",
		"explore metric --measure customers --measure revenue --by country", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
			return c.explore(ctx, args, &x)
		}))
	f := cmd.Flags()
	f.StringVar(&x.file, "question", "", "read the question from a JSON `FILE`, - for standard input, instead of the other flags")
	f.StringArrayVar(&x.q.Measures, "measure", nil, `what is counted: revenue, "avg(conversations.csat)", "events[Product Viewed]", "contacts per 100 orders"; may be repeated`)
	f.StringSliceVar(&x.q.By, "by", nil, "up to three dimensions, by commas: country,month")
	f.StringArrayVar(&x.where, "where", nil, `a condition: country=TH, "page~/help", "size in S|M", "coupon exists"; may be repeated`)
	f.StringVar(&x.q.Who, "who", "", "only people that this SELECT of profile_id gives, as --behind with --sql prints it")
	f.StringSliceVar(&x.q.Audiences, "audience", nil, "only people in each of these audiences")
	f.StringSliceVar(&x.q.NotAudiences, "not-audience", nil, "only people in none of these audiences")
	f.StringVar(&x.q.From, "from", "", "first day, or RFC 3339")
	f.StringVar(&x.q.Until, "until", "", "the day after the last, or RFC 3339; now without it")
	f.StringVar(&x.q.Last, "last", "", "instead of --from: 24h, 30d, 12w")
	f.StringVar(&x.q.TimeZone, "zone", "", "time zone of days, weeks and months, UTC without it")
	f.StringVar(&x.q.Currency, "currency", "", "currency of money, the configured base currency without it")
	f.StringVar(&x.q.Order, "order", "", "of metric: column to order by, - before it for the largest first")
	f.IntVar(&x.q.Limit, "limit", 0, "rows at most, 100 without it")
	f.BoolVar(&x.q.Compare, "compare", false, "of metric: beside the span of the same length before")
	f.BoolVar(&x.q.Total, "total", false, "of metric: a last row over everything")
	f.IntVar(&x.q.Ahead, "ahead", 0, "of metric by day, week or month: a forecast of so many periods to come")
	f.StringArrayVar(&x.steps, "step", nil, `of funnel, retention, affinity: an event, or table:orders; conditions in brackets, "Product Viewed[category=tents]"; may be repeated`)
	f.StringVar(&x.q.Within, "within", "", "of funnel and paths: from the first step to the last, 30d without it")
	f.StringVar(&x.q.Grain, "grain", "", "of retention: day, week, month or quarter")
	f.StringVar(&x.q.Label, "label", "", "of paths: dimension that names a step, event without it")
	f.StringVar(&x.q.Start, "start", "", "of paths: where they begin")
	f.StringVar(&x.q.End, "end", "", "of paths: where they lead to")
	f.IntVar(&x.q.Depth, "depth", 0, "of paths: steps behind the first, 4 without it")
	f.StringVar(&x.q.Item, "item", "", "of affinity: product, category or another dimension")
	f.StringVar(&x.q.Focus, "focus", "", "of affinity: pairs with this item alone")
	f.StringVar(&x.q.Basket, "basket", "", "of affinity: order or customer")
	f.IntVar(&x.q.MinSupport, "min-support", 0, "of affinity: baskets that a pair is in at least, 3 without it")
	f.StringVar(&x.q.Against, "against", "", "of insight: the audience that the people are compared with, everybody without it")
	f.StringVar(&x.q.Ties, "ties", "", "of rfm: namespace of identifiers that orders equals")
	f.StringVar(&x.behind, "behind", "", `the people behind a cell instead: '{"country":"TH"}', as --format json shows it`)
	f.StringVar(&x.name, "as-audience", "", "with --behind: make an audience of that `NAME` of those people")
	f.StringVar(&x.people, "people", "", "only people of the definition of an audience in this JSON `FILE`, - for standard input")
	f.StringVar(&x.format, "format", "table", "table, csv or json")
	f.BoolVar(&x.sql, "sql", false, "print the SQL that was run instead of the answer")
	return cmd
}

func (c *cli) explore(ctx context.Context, args []string, x *exploring) error {
	if !slices.Contains([]string{"table", "csv", "json"}, x.format) {
		return usagef("table, csv or json", "there is no format %s", x.format)
	}
	if len(args) == 1 && args[0] == "fields" {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			fields, err := b.ExploreFields(ctx)
			if err != nil {
				return err
			}
			return c.printFields(fields, x.format)
		})
	}
	if err := c.question(args, x); err != nil {
		return err
	}
	if x.people != "" {
		where, err := c.readFile(x.people)
		if err != nil {
			return err
		}
		x.q.People = where
	}
	if x.name != "" && x.behind == "" {
		return usagef(`--behind '{"country":"TH"}' says whom`, "--as-audience needs --behind")
	}
	return c.with(ctx, func(ctx context.Context, b backend) error {
		if x.behind != "" {
			if x.name != "" {
				return c.audienceOf(ctx, b, x)
			}
			return c.printBehind(ctx, b, x)
		}
		r, err := b.Explore(ctx, x.q)
		if err != nil {
			return err
		}
		switch {
		case x.sql:
			c.printf("%s\n", strings.Join(r.SQL, ";\n\n"))
			return nil
		case x.format == "json":
			return writeJSON(c.out, r)
		}
		return c.printAnswer(r, x.format)
	})
}

// question makes the question of the flags, or reads it.
func (c *cli) question(args []string, x *exploring) error {
	if x.file != "" {
		if len(args) > 0 {
			return usagef("the file says what is asked", "--question and %s do not go together", args[0])
		}
		var text string
		var err error
		if x.file == "-" {
			text, err = c.statement("-")
		} else {
			var b []byte
			b, err = os.ReadFile(x.file)
			text = string(b)
		}
		if err != nil {
			return clientele.Errorf(clientele.Invalid, "question: %w", err)
		}
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&x.q); err != nil {
			return clientele.Errorf(clientele.Invalid, "question: %w", err).WithHint("clientele explore fields shows what it can name; docs/explore.md has examples")
		}
		return nil
	}
	if len(args) == 0 || !slices.Contains(questionKinds, args[0]) {
		return usagef(strings.Join(questionKinds, ", ")+" or fields", "explore needs a kind of question")
	}
	x.q.Kind = args[0]
	for _, typed := range x.where {
		f, err := clientele.ParseFilter(typed)
		if err != nil {
			return err
		}
		x.q.Where = append(x.q.Where, f)
	}
	for _, typed := range x.steps {
		st, err := clientele.ParseStep(typed)
		if err != nil {
			return err
		}
		x.q.Steps = append(x.q.Steps, st)
	}
	return nil
}

// printAhead prints what is to come, in the place of what was.
func (c *cli) printAhead(r *clientele.Answer, format string) error {
	res := &clientele.QueryResult{}
	var dims []string
	for _, col := range r.Columns {
		if _, is := r.Ahead[0].Cell[col.Name]; is {
			dims = append(dims, col.Name)
		}
	}
	for _, name := range slices.Concat(dims, []string{"measure", "from"}) {
		res.Columns = append(res.Columns, clientele.QueryColumn{Name: name, Type: "varchar"})
	}
	for _, name := range []string{"expected", "low", "high", "mae", "naive_mae"} {
		res.Columns = append(res.Columns, clientele.QueryColumn{Name: name, Type: "double"})
	}
	res.Columns = append(res.Columns, clientele.QueryColumn{Name: "method", Type: "varchar"})
	for _, f := range r.Ahead {
		for _, p := range f.Periods {
			var row []any
			for _, d := range dims {
				row = append(row, f.Cell[d])
			}
			row = append(row, f.Measure, p.From, p.Expected, p.Low, p.High, f.Error, f.NaiveErr, f.Method)
			if format == "table" {
				row = rounded(row)
			}
			res.Rows = append(res.Rows, row)
		}
	}
	return c.printRows(res, format)
}

// printAnswer prints the table; the total, where there is one, as its last row.
func (c *cli) printAnswer(r *clientele.Answer, format string) error {
	res := &clientele.QueryResult{Rows: r.Rows, Cut: false}
	for _, col := range r.Columns {
		typ, name := "varchar", col.Name
		if col.Role == "measure" {
			typ = "double"
		}
		if format == "table" && col.Unit != "" {
			name += " (" + col.Unit + ")"
		}
		res.Columns = append(res.Columns, clientele.QueryColumn{Name: name, Type: typ})
	}
	if r.Total != nil {
		res.Rows = append(slices.Clone(res.Rows), r.Total)
	}
	if len(r.Ahead) > 0 {
		return c.printAhead(r, format)
	}
	if format == "table" {
		for i, row := range res.Rows {
			res.Rows[i] = rounded(row)
		}
	}
	if err := c.printRows(res, format); err != nil {
		return err
	}
	if r.Cut {
		fmt.Fprintf(c.err, "there are more rows than these %d: raise --limit, or narrow the question\n", len(r.Rows))
	}
	return nil
}

// rounded has two decimals at most, which are enough for people to read.
func rounded(row []any) []any {
	out := slices.Clone(row)
	for i, v := range out {
		if f, ok := v.(float64); ok {
			out[i] = json.Number(strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), "."))
		}
	}
	return out
}

// audienceOf makes an audience of the people behind the cell, and waits until it is live.
func (c *cli) audienceOf(ctx context.Context, b backend, x *exploring) error {
	req := clientele.SegmentRequest{Question: x.q, Name: x.name}
	if err := json.Unmarshal([]byte(x.behind), &req.Cell); err != nil {
		return usagef(`--behind '{"country":"TH"}'`, "--behind is no cell: %w", err)
	}
	a, err := b.ExploreAudience(ctx, req)
	if err == nil {
		a, err = c.awaitLive(ctx, b, a)
	}
	if err == nil {
		c.printf("audience %s is live with %d members: %s\n", a.Name, a.Members, a.Reads)
	}
	return err
}

func (c *cli) printBehind(ctx context.Context, b backend, x *exploring) error {
	req := clientele.BehindRequest{Question: x.q, Limit: x.q.Limit}
	req.Question.Limit = 0
	if err := json.Unmarshal([]byte(x.behind), &req.Cell); err != nil {
		return usagef(`--behind '{"country":"TH"}'`, "--behind is no cell: %w", err)
	}
	r, err := b.Behind(ctx, req)
	switch {
	case err != nil:
		return err
	case x.sql:
		c.printf("%s\n", r.SQL)
		return nil
	case x.format == "json":
		return writeJSON(c.out, r)
	}
	c.printf("%d people\n", r.Count)
	for _, id := range r.Items {
		c.printf("%s\n", id)
	}
	if r.Next != "" {
		fmt.Fprintf(c.err, "these are the first %d: raise --limit, or take --sql for the query of all\n", len(r.Items))
	}
	return nil
}

func (c *cli) printFields(fields *clientele.ExploreFields, format string) error {
	if format == "json" {
		return writeJSON(c.out, fields)
	}
	res := &clientele.QueryResult{Columns: []clientele.QueryColumn{{Name: "what", Type: "varchar"}, {Name: "name", Type: "varchar"}, {Name: "is", Type: "varchar"}}}
	for _, m := range fields.Measures {
		res.Rows = append(res.Rows, []any{"measure", m.Name, m.Doc})
	}
	for _, d := range fields.Dimensions {
		res.Rows = append(res.Rows, []any{"dimension", d.Name, d.Doc})
	}
	for _, t := range fields.Tables {
		res.Rows = append(res.Rows, []any{"table", t.Name, strings.Join(t.Columns, " ")})
	}
	return c.printRows(res, format)
}
