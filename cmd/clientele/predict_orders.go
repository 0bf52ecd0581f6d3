package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele"
	"clientele/internal/importer"

	"github.com/spf13/cobra"
)

// orderFlags say where orders are in files.
type orderFlags struct {
	orders                 []string
	customer, date, amount string
	zone, dateOrder        string
}

// ordersFlags gives a command the flags of those that read orders.
func (f *orderFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.orders, "orders", nil, "`PATH` of the orders: CSV, TSV, JSONL, Parquet, packed ones too; again for more files; - is standard input")
	cmd.Flags().StringVar(&f.customer, "customer", "", "`COLUMN` of the customer")
	cmd.Flags().StringVar(&f.date, "date", "", "`COLUMN` of the date or time")
	cmd.Flags().StringVar(&f.amount, "amount", "", "`COLUMN` of the amount; below 0 is a return")
	cmd.Flags().StringVar(&f.zone, "zone", "UTC", "time `ZONE` whose days count")
	cmd.Flags().StringVar(&f.dateOrder, "date-order", "", "dmy or mdy, where dates do not begin with the year")
}

func (f *orderFlags) check() error {
	for _, need := range []struct{ name, value string }{{"orders", strings.Join(f.orders, "")}, {"customer", f.customer}, {"date", f.date}, {"amount", f.amount}} {
		if need.value == "" {
			return usagef("clientele predict ltv --orders orders.csv --customer customer_id --date created_at --amount total --horizon 39w --out scores.csv", "--%s is missing", need.name)
		}
	}
	return nil
}

// faults counts the rows that are left out, by reason, with where the first of each was.
type faults struct {
	count map[string]int64
	first map[string]string
	order []string
}

func (f *faults) add(reason, where string) {
	if f.count == nil {
		f.count, f.first = map[string]int64{}, map[string]string{}
	}
	if f.count[reason]++; f.count[reason] == 1 {
		f.first[reason] = where
		f.order = append(f.order, reason)
	}
}

// notes are sentences about them.
func (f *faults) notes() (out []string) {
	for _, r := range f.order {
		s := fmt.Sprintf("%s rows are left out: %s", thousands(f.count[r]), r)
		if f.first[r] != "" {
			s += " (the first: " + f.first[r] + ")"
		}
		out = append(out, printable(s)+".")
	}
	return out
}

// readOrders hands on each line of an order, with further columns behind the first three: the slice is reused.
func (c *cli) readOrders(ctx context.Context, f *orderFlags, further []string, left *faults, add func(customer string, day int32, amount float64, more []string)) (rows int64, err error) {
	reading, err := importer.NewReading(f.zone, f.dateOrder)
	if err != nil {
		return 0, err
	}
	days := map[string]int32{} // files have few dates
	wanted := append([]string{f.customer, f.date, f.amount}, further...)
	err = c.eachRow(ctx, f.orders, wanted, func(where, fault string) { left.add(fault, where) }, func(v []string) error {
		rows++
		if v[0] == "" {
			left.add("they have no customer", "")
			return nil
		}
		day, known := days[v[1]]
		if !known {
			var err error
			if day, err = reading.Day(v[1]); importer.NeedsOrder(err) {
				return clientele.Errorf(clientele.Invalid, "the date %q begins with day or month", v[1]).WithHint("say which: --date-order dmy or --date-order mdy")
			} else if err != nil {
				left.add("the date cannot be read", fmt.Sprintf("%q", v[1]))
				return nil
			}
			if len(days) < 100_000 {
				days[v[1]] = day
			}
		}
		amount, err := reading.Number(v[2])
		if err != nil {
			left.add("the amount is no number", fmt.Sprintf("%q", v[2]))
			return nil
		}
		add(v[0], day, amount, v[3:])
		return nil
	})
	if err != nil {
		return rows, err
	}
	lost := int64(0)
	for _, n := range left.count {
		lost += n
	}
	if rows == 0 || lost >= rows && lost > 0 {
		e := clientele.Errorf(clientele.Invalid, "no row of the files is an order")
		if n := left.notes(); len(n) > 0 {
			return rows, e.WithHint("%s", n[0])
		}
		return rows, e.WithHint("the files have no rows behind their header")
	}
	return rows, nil
}

// dayText is a day as a date.
func dayText(day int32) string { return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly) }
