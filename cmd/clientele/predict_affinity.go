package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/predict/shrink"

	"github.com/spf13/cobra"
)

// affinityFlags are what the commands affinity and discount are told.
type affinityFlags struct {
	orders                      []string
	customer, date, column, out string
	zone, dateOrder             string
	sendTime, asJSON, discount  bool
	top                         int
	interval                    float64
}

func (f *affinityFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.orders, "orders", nil, "`PATH` of the orders, opens or visits: CSV, TSV, JSONL, Parquet, packed ones too; - is standard input")
	cmd.Flags().StringVar(&f.customer, "customer", "", "`COLUMN` of the customer")
	cmd.Flags().StringVar(&f.date, "date", "", "`COLUMN` of the date or time")
	cmd.Flags().StringVar(&f.zone, "zone", "UTC", "time `ZONE` whose days and hours count")
	cmd.Flags().StringVar(&f.dateOrder, "date-order", "", "dmy or mdy, where dates do not begin with the year")
	cmd.Flags().Float64Var(&f.interval, "interval", 0.8, "chance with which the interval holds the share")
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` for the result: .csv, .jsonl or .parquet; - is standard output")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the summary as JSON")
}

func (c *cli) predictAffinityCommand() *cobra.Command {
	var f affinityFlags
	cmd := c.command("affinity --orders PATH --customer COL --date COL --choice COL --out AFFINITY.csv", "Which product, channel or hour each customer prefers",
		"predict affinity --orders orders.csv --customer customer_id --date created_at --choice category --out affinity.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if f.sendTime == (f.column != "") {
				return usagef("--choice category, or --send-time for hours of the day", "one of --choice and --send-time is needed")
			}
			return c.affinity(ctx, &f)
		})
	f.add(cmd)
	cmd.Flags().StringVar(&f.column, "choice", "", "`COLUMN` of what was chosen: a product, a category, a channel")
	cmd.Flags().BoolVar(&f.sendTime, "send-time", false, "the choice is the hour of the day of --date")
	cmd.Flags().IntVar(&f.top, "top", 3, "how many choices of a customer are written, the highest shares first")
	return cmd
}

func (c *cli) predictDiscountCommand() *cobra.Command {
	f := affinityFlags{discount: true}
	cmd := c.command("discount --orders PATH --customer COL --date COL --discount COL --out DISCOUNT.csv", "Who waits for discounts and who pays the full price",
		"predict discount --orders orders.csv --customer customer_id --date created_at --discount discount_amount --out discount.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if f.column == "" {
				return usagef("the column that holds a discount above 0", "--discount is missing")
			}
			return c.affinity(ctx, &f)
		})
	f.add(cmd)
	cmd.Flags().StringVar(&f.column, "discount", "", "`COLUMN` of the discount: a line with a number above 0, or yes, was discounted")
	return cmd
}

func (f *affinityFlags) check() error {
	switch {
	case len(f.orders) == 0 || f.customer == "" || f.date == "":
		return usagef("--orders, --customer and --date", "the files, and the columns of customer and date, are needed")
	case f.out == "" && !f.asJSON:
		return usagef("where the result goes, for example --out affinity.csv", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	case !(f.interval > 0) || f.interval >= 1:
		return usagef("as 0.8", "--interval %v is no share", f.interval)
	case !f.discount && (f.top < 1 || f.top > 100):
		return usagef("1 to 100", "--top %d", f.top)
	}
	return nil
}

// chosen is a line: a customer's choice of a day.
type chosen struct {
	customer uint32
	shrink.Chosen
}

// interned numbers texts in the order in which they come.
type interned struct {
	names []string
	index map[string]uint32
}

func (n *interned) id(s string) uint32 {
	if n.index == nil {
		n.index = map[string]uint32{}
	}
	id, ok := n.index[s]
	if !ok {
		id = uint32(len(n.names))
		n.names = append(n.names, s)
		n.index[s] = id
	}
	return id
}

// preference is a choice of a customer.
type preference struct {
	customer uint32
	shrink.Preference
	tier string // of discount
}

// choosing is the summary of a choice.
type choosing struct {
	Choice string  `json:"choice"`
	Orders int     `json:"orders"`           // days of customers with it
	Share  float64 `json:"share"`            // of people, on the average
	A      float64 `json:"a"`                // of the beta distribution of people's shares
	B      float64 `json:"b"`                //
	Tier   string  `json:"tier,omitempty"`   // of discount
	People int     `json:"people,omitempty"` // in the tier
}

// most choices that are told apart.
const mostChoices = 500

func (c *cli) affinity(ctx context.Context, f *affinityFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	lines, customers, choices, notes, err := c.readChoices(ctx, f)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(c.err, n)
	}
	all, summary := f.prefer(lines, choices.names)
	if f.out != "" {
		columns, rows := f.affinityRows(all, customers.names, choices.names)
		if err := c.writeRows(f.out, columns, rows); err != nil {
			return err
		}
	}
	if f.asJSON {
		return writeJSON(c.out, map[string]any{"customers": len(customers.names), "choices": summary, "warnings": append([]string{}, notes...)})
	}
	d := *c
	if f.out == "-" {
		d.out, d.outWidth = c.err, c.errWidth
	}
	t := numbers(rows("choice", "orders", "share of people", "a", "b"))
	for _, s := range summary {
		if s.Tier != "" {
			continue
		}
		t.add(printable(s.Choice), thousands(int64(s.Orders)), fmt.Sprintf("%.1f %%", 100*s.Share), fmt.Sprintf("%.3g", s.A), fmt.Sprintf("%.3g", s.B))
	}
	for _, s := range summary {
		if s.Tier != "" {
			d.printf("%s: %s customers\n", s.Tier, thousands(int64(s.People)))
		}
	}
	return d.sheet(t)
}

func (c *cli) readChoices(ctx context.Context, f *affinityFlags) (lines []chosen, customers, choices interned, notes []string, err error) {
	reading, err := importer.NewReading(f.zone, f.dateOrder)
	if err != nil {
		return nil, customers, choices, nil, err
	}
	var left faults
	err = c.eachRow(ctx, f.orders, []string{f.customer, f.date, f.column}, func(where, fault string) { left.add(fault, where) }, func(v []string) error {
		if v[0] == "" {
			left.add("they have no customer", "")
			return nil
		}
		day, hour, err := reading.Hour(v[1])
		if importer.NeedsOrder(err) {
			return clientele.Errorf(clientele.Invalid, "the date %q begins with day or month", v[1]).WithHint("say which: --date-order dmy or --date-order mdy")
		} else if err != nil {
			left.add("the date cannot be read", fmt.Sprintf("%q", v[1]))
			return nil
		}
		choice := v[2]
		switch {
		case f.sendTime:
			choice = fmt.Sprintf("%02d", hour)
		case f.discount:
			choice = discounted(reading, v[2])
		case choice == "":
			left.add("they have no choice", "")
			return nil
		}
		lines = append(lines, chosen{customers.id(v[0]), shrink.Chosen{Choice: int32(choices.id(choice)), Day: day}})
		return nil
	})
	if err == nil && len(lines) == 0 {
		err = clientele.Errorf(clientele.Invalid, "no row of the files can be used").WithHint("rows need a customer, a date and a choice")
	}
	return lines, customers, choices, left.notes(), err
}

// The choices of discount.
const (
	withDiscount = "discount"
	fullPrice    = "full price"
)

func discounted(r *importer.Reading, s string) string {
	if v, err := r.Number(s); err == nil {
		if v > 0 {
			return withDiscount
		}
		return fullPrice
	}
	switch s {
	case "yes", "true", "TRUE", "True", "y", "Y", "t":
		return withDiscount
	}
	return fullPrice
}

// prefer counts days of customers by choice, learns how people differ in each, and shrinks. A day counts once for each choice of it.
func (f *affinityFlags) prefer(lines []chosen, choices []string) ([]preference, []choosing) {
	slices.SortStableFunc(lines, func(a, b chosen) int { return cmp.Compare(a.customer, b.customer) })
	orders := make([]int, len(choices))
	var pairs []preference
	var scratch []shrink.Chosen
	for from := 0; from < len(lines); {
		to := from
		scratch = scratch[:0]
		for ; to < len(lines) && lines[to].customer == lines[from].customer; to++ {
			scratch = append(scratch, lines[to].Chosen)
		}
		days, own := shrink.Days(scratch)
		for _, o := range own {
			orders[o.Choice] += o.Days
			pairs = append(pairs, preference{customer: lines[from].customer, Preference: shrink.Preference{Choice: o.Choice, Count: shrink.Count{K: o.Days, N: days}}})
		}
		from = to
	}
	common := f.common(orders)
	place := make([]int32, len(choices)) // among the common ones, from 1
	for i, c := range common {
		place[c] = int32(i + 1)
	}
	priors := tallied(pairs, place, len(common)).Learn(1)
	var summary []choosing
	for i, c := range common {
		summary = append(summary, choosing{Choice: choices[c], Orders: orders[c], Share: priors[i].Mean(), A: priors[i].A, B: priors[i].B})
	}
	if f.discount {
		return f.tiered(pairs, slices.Index(choices, withDiscount), place, priors, summary)
	}
	taste := shrink.NewTaste(priors, f.interval)
	var out []preference
	for _, p := range pairs {
		if at := place[p.Choice]; at > 0 {
			choice := p.Choice
			p.Preference = taste.Of(at-1, p.Count)
			p.Choice = choice
			out = append(out, p)
		}
	}
	return out, summary
}

// tallied counts customers, whose pairs stand together, by what they chose of the common.
func tallied(pairs []preference, place []int32, common int) *shrink.Tally {
	t := shrink.NewTally(common)
	var own []shrink.Own
	for i, p := range pairs {
		if at := place[p.Choice]; at > 0 {
			own = append(own, shrink.Own{Choice: at - 1, Days: p.K})
		}
		if i+1 == len(pairs) || pairs[i+1].customer != p.customer {
			t.Add(p.N, own)
			own = own[:0]
		}
	}
	return t
}

// common are the choices that are told apart, the most frequent first.
func (f *affinityFlags) common(orders []int) []uint32 {
	out := make([]uint32, len(orders))
	for i := range out {
		out[i] = uint32(i)
	}
	slices.SortStableFunc(out, func(a, b uint32) int { return cmp.Compare(orders[b], orders[a]) })
	return out[:min(len(out), mostChoices)]
}

// The tiers of discount.
const (
	waits   = "waits for discounts"
	between = "between"
	pays    = "pays the full price"
	surely  = 0.8 // chance that the share is above, or below, that of all
)

// tiered has a row for every customer. id is the choice of a discount; below 0 where nothing was discounted.
func (f *affinityFlags) tiered(pairs []preference, id int, place []int32, priors []shrink.Prior, summary []choosing) (out []preference, _ []choosing) {
	prior := shrink.Prior{A: 1e-6, B: 1} // nothing was discounted
	if id >= 0 {
		prior = priors[place[id]-1]
	}
	for _, p := range pairs {
		if len(out) == 0 || out[len(out)-1].customer != p.customer {
			out = append(out, preference{customer: p.customer, Preference: shrink.Preference{Count: shrink.Count{N: p.N}}})
		}
		if int(p.Choice) == id {
			out[len(out)-1].K = p.K
		}
	}
	taste := shrink.NewTaste([]shrink.Prior{prior}, f.interval)
	count := map[string]int{}
	for i := range out {
		p := &out[i]
		p.Preference = taste.Of(0, p.Count)
		switch above := prior.Above(p.Count, prior.Mean()); {
		case above >= surely:
			p.tier = waits
		case above <= 1-surely:
			p.tier = pays
		default:
			p.tier = between
		}
		count[p.tier]++
	}
	for _, t := range []string{waits, between, pays} {
		summary = append(summary, choosing{Tier: t, People: count[t]})
	}
	return out, summary
}

func (f *affinityFlags) affinityRows(all []preference, customers, choices []string) ([]clientele.ExportColumn, iter.Seq[[]any]) {
	column := func(name string, t clientele.ColumnType) clientele.ExportColumn {
		return clientele.ExportColumn{Name: name, Type: t}
	}
	out := []clientele.ExportColumn{column("customer", clientele.TypeText)}
	if !f.discount {
		out = append(out, column("choice", clientele.TypeText), column("rank", clientele.TypeBigint))
	}
	out = append(out, column("orders", clientele.TypeBigint), column("with_it", clientele.TypeBigint))
	for _, name := range []string{"share", "low", "high", "index"} {
		out = append(out, column(name, clientele.TypeDouble))
	}
	if f.discount {
		out = append(out, column("tier", clientele.TypeText))
	}
	return out, func(yield func([]any) bool) {
		for from := 0; from < len(all); {
			to := from + 1
			for to < len(all) && all[to].customer == all[from].customer {
				to++
			}
			own := all[from:to]
			slices.SortStableFunc(own, func(a, b preference) int { return cmp.Compare(b.Mean, a.Mean) })
			for rank, p := range own {
				row := []any{customers[p.customer]}
				if !f.discount {
					if rank == f.top {
						break
					}
					row = append(row, choices[p.Choice], int64(rank+1))
				}
				row = append(row, int64(p.N), int64(p.K), p.Mean, p.Low, p.High, p.Index)
				if f.discount {
					row = append(row, p.tier)
				}
				if !yield(row) {
					return
				}
			}
			from = to
		}
	}
}
