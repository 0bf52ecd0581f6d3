package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/predict/report"
	"clientele/internal/predict/segments"

	"github.com/spf13/cobra"
)

// segmentsFlags are what the command is told.
type segmentsFlags struct {
	tables, columns                   []string
	key, previous, model, report, out string
	k                                 int
	seed                              uint64
	asJSON                            bool
}

func (c *cli) predictSegmentsCommand() *cobra.Command {
	var f segmentsFlags
	cmd := c.command("segments --table PATH --key COL --columns COL,... --out SEGMENTS.csv", "Groups of customers that are alike, as many as come back when half of the people are left out",
		"predict segments --table scores.csv --key customer --columns frequency,recency,age,monetary --out segments.csv --model segments.json", cobra.NoArgs,
		func(ctx context.Context, _ []string) error { return c.segments(ctx, &f) })
	cmd.Flags().StringSliceVar(&f.tables, "table", nil, "`PATH` of a table with a row for each customer: CSV, TSV, JSONL, Parquet, packed ones too")
	cmd.Flags().StringVar(&f.key, "key", "", "`COLUMN` of the customer")
	cmd.Flags().StringSliceVar(&f.columns, "columns", nil, "`COLUMNS` of numbers to group by; an empty cell counts as the mean")
	cmd.Flags().IntVar(&f.k, "k", 0, "how many groups; 0: stability decides, 2 to 8")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "of what is drawn by lot: the same seed and rows give the same groups")
	cmd.Flags().StringVar(&f.model, "model", "", "`FILE` of JSON for what was learned")
	cmd.Flags().StringVar(&f.previous, "previous", "", "`FILE` of an earlier --model: groups that are near to one of it keep its id")
	cmd.Flags().StringVar(&f.report, "report", "", "`FILE` for a page that shows the groups")
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` for the customers with their groups: .csv, .jsonl or .parquet; - is standard output")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print what was learned as JSON")
	return cmd
}

func (f *segmentsFlags) check() error {
	switch {
	case len(f.tables) == 0 || f.key == "" || len(f.columns) == 0:
		return usagef("--table, --key and --columns", "the files, and the columns of the customer and of numbers, are needed")
	case f.out == "" && f.model == "" && f.report == "" && !f.asJSON:
		return usagef("where the groups go, for example --out segments.csv", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	}
	return nil
}

func (c *cli) segments(ctx context.Context, f *segmentsFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	keys, values, notes, err := c.readNumbers(ctx, f)
	if err != nil {
		return err
	}
	m, labels, err := segments.Learn(values, f.columns, f.k, f.seed)
	if err != nil {
		return err
	}
	if f.previous != "" {
		if err := keepSegments(m, f.previous); err != nil {
			return err
		}
	}
	if !m.Stable {
		notes = append(notes, "No number of groups is stable: they are cuts through one cloud of customers, and will shift when learned again.")
	}
	for _, n := range notes {
		fmt.Fprintln(c.err, n)
	}
	if err := c.writeSegments(f, m, keys, labels, notes); err != nil {
		return err
	}
	if f.asJSON {
		return writeJSON(c.out, m)
	}
	d := *c
	if f.out == "-" {
		d.out, d.outWidth = c.err, c.errWidth
	}
	t := numbers(rows(append([]string{"id", "customers", "share"}, append(usedColumns(m), "name")...)...))
	t.Columns[len(t.Columns)-1].Type = ""
	for _, s := range m.Segments {
		t.add(segmentLine(s)...)
	}
	return d.sheet(t)
}

func usedColumns(m *segments.Model) (out []string) {
	for _, x := range m.Columns {
		out = append(out, x.Name)
	}
	return out
}

func segmentLine(s segments.Segment) []string {
	out := []string{fmt.Sprint(s.ID), thousands(int64(s.People)), fmt.Sprintf("%.1f %%", 100*s.Share)}
	for _, v := range s.Means {
		out = append(out, fmt.Sprintf("%.4g", v))
	}
	return append(out, s.Name)
}

// readNumbers reads the table; a cell that is no number is NaN.
func (c *cli) readNumbers(ctx context.Context, f *segmentsFlags) (keys []string, values [][]float64, notes []string, err error) {
	reading, err := importer.NewReading("", "")
	if err != nil {
		return nil, nil, nil, err
	}
	var left faults
	odd := int64(0)
	err = c.eachRow(ctx, f.tables, append([]string{f.key}, f.columns...), func(where, fault string) { left.add(fault, where) }, func(v []string) error {
		if v[0] == "" {
			left.add("they have no customer", "")
			return nil
		}
		row := make([]float64, len(f.columns))
		for i, s := range v[1:] {
			x, err := reading.Number(s)
			if err != nil {
				x = math.NaN()
				if s != "" {
					odd++
				}
			}
			row[i] = x
		}
		keys = append(keys, v[0])
		values = append(values, row)
		return nil
	})
	notes = left.notes()
	if odd > 0 {
		notes = append(notes, fmt.Sprintf("%s cells are no numbers and count as the mean.", thousands(odd)))
	}
	return keys, values, notes, err
}

// keepSegments gives the groups their earlier ids.
func keepSegments(m *segments.Model, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "earlier groups: %w", err)
	}
	var earlier segments.Model
	if err := json.Unmarshal(text, &earlier); err != nil || len(earlier.Segments) == 0 {
		return clientele.Errorf(clientele.Invalid, "%s holds no groups", path).WithHint("--previous takes what --model wrote")
	}
	return m.Keep(&earlier)
}

func (c *cli) writeSegments(f *segmentsFlags, m *segments.Model, keys []string, labels []int, notes []string) error {
	if f.out != "" {
		columns := []clientele.ExportColumn{{Name: "customer", Type: clientele.TypeText}, {Name: "segment_id", Type: clientele.TypeBigint}, {Name: "segment", Type: clientele.TypeText}}
		err := c.writeRows(f.out, columns, func(yield func([]any) bool) {
			for i, k := range keys {
				if s := m.Segments[labels[i]]; !yield([]any{k, int64(s.ID), s.Name}) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
	}
	if f.model != "" {
		if err := c.writeFile(f.model, func(w io.Writer) error { return writeJSON(w, m) }); err != nil {
			return err
		}
	}
	if f.report == "" {
		return nil
	}
	return c.writeFile(f.report, segmentsPage(m, notes, len(keys)).Write)
}

func segmentsPage(m *segments.Model, notes []string, people int) *report.Page {
	p := &report.Page{Title: "Groups of customers", Notes: notes, Sub: "by " + strings.Join(usedColumns(m), ", "),
		Facts: []report.Fact{{Number: thousands(int64(people)), Of: "customers"}, {Number: fmt.Sprint(len(m.Segments)), Of: "groups"}}}
	table := report.Section{Title: "The groups", Why: "Means of the columns, the largest group first. The name says what a group has more or less of than all: much is a standard deviation and over.", Head: []string{"id", ">customers", ">share"}}
	for _, n := range usedColumns(m) {
		table.Head = append(table.Head, ">"+n)
	}
	table.Head = append(table.Head, "name")
	for _, s := range m.Segments {
		table.Rows = append(table.Rows, segmentLine(s))
	}
	why := report.Section{Title: "Why so many", Why: "Agreement of groups that were learned from two halves of the customers: 1 is the same groups, 0 is chance. From 0.8 groups are held to be stable.", Head: []string{">groups", ">agreement"}}
	for _, s := range m.Stability {
		why.Rows = append(why.Rows, []string{fmt.Sprint(s.K), fmt.Sprintf("%.3f", s.Rand)})
	}
	p.Sections = []report.Section{table, why}
	return p
}
