package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/importer"
	"clientele/internal/predict/learn"

	"github.com/spf13/cobra"
)

// rowsFlags are what propensity and lookalike are told.
type rowsFlags struct {
	scoreFlags
	rows, score, seeds, ignore, keep, enrich []string
	target, yes, id, time                    string
	size                                     int
}

func (c *cli) predictPropensityCommand() *cobra.Command {
	var f rowsFlags
	var events aheadFlags
	cmd := c.command("propensity --rows PATH --target COL --out SCORES.csv", "How likely each row's answer is yes, or an event comes, learned from those whose answer is known",
		"predict propensity --rows customers.csv --target bought --id customer_id --time seen_at --out scores.csv --report report.html", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if events.target != "" {
				if len(f.rows) > 0 || f.target != "" {
					return usagef("rows with answers, or events", "--target-event does not go with --rows and --target")
				}
				return c.propensityOfEvent(ctx, &events, &f)
			}
			if f.target == "" {
				return usagef("the column that holds the answer, for example --target bought", "--target is missing")
			}
			return c.learnRows(ctx, &f)
		})
	cmd.Flags().StringVar(&f.target, "target", "", "`COLUMN` of the answer; rows where it is empty are scored only")
	cmd.Flags().StringVar(&f.yes, "yes", "", "`VALUE` of the target that means yes; 1, true, yes and y do without")
	cmd.Flags().StringVar(&f.time, "time", "", "`COLUMN` of the moment that a row is of: training comes before test")
	f.add(cmd)
	events.addEvents(cmd)
	return cmd
}

func (c *cli) predictLookalikeCommand() *cobra.Command {
	var f rowsFlags
	cmd := c.command("lookalike --rows PATH --id COL --seeds PATH --out SCORES.csv", "Who is most like the people of a list",
		"predict lookalike --rows customers.csv --id customer_id --seeds best.csv --size 5000 --out alike.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if f.id == "" || len(f.seeds) == 0 {
				return usagef("for example --id customer_id --seeds best.csv", "--id and --seeds are needed")
			}
			return c.learnRows(ctx, &f)
		})
	cmd.Flags().StringSliceVar(&f.seeds, "seeds", nil, "`FILES` of the list, with a column of the name of --id")
	cmd.Flags().IntVar(&f.size, "size", 0, "write that many people alone, the most alike ones; 0 = everybody")
	cmd.Flags().StringSliceVar(&f.enrich, "enrich", nil, "`COLUMNS` that were bought or added: the quality is shown with and without them")
	f.add(cmd)
	return cmd
}

func (f *rowsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.rows, "rows", nil, "`FILES` of features, a row for each person: CSV, TSV, JSONL, Parquet, packed ones too")
	cmd.Flags().StringSliceVar(&f.score, "score", nil, "`FILES` of other rows to score instead")
	cmd.Flags().StringVar(&f.id, "id", "", "`COLUMN` that names a row; it is written and not learned from")
	cmd.Flags().StringSliceVar(&f.ignore, "ignore", nil, "`COLUMNS` that are not learned from")
	cmd.Flags().StringSliceVar(&f.keep, "keep", nil, "`COLUMNS` that are learned from although they look like the answer")
	f.addScores(cmd, "row")
}

func (f *rowsFlags) check() error {
	switch {
	case len(f.rows) == 0:
		return usagef("for example --rows customers.csv", "--rows is missing")
	case f.size < 0:
		return usagef("0 or more", "--size %d", f.size)
	}
	return f.checkScores("scores.csv")
}

// rowTable is a file of rows, by column.
type rowTable struct {
	columns []learn.Text
	rows    int
}

func (t *rowTable) find(name string) ([]string, error) {
	var names []string
	for _, c := range t.columns {
		if c.Name == name {
			return c.Values, nil
		}
		names = append(names, c.Name)
	}
	e := clientele.Errorf(clientele.Invalid, "there is no column %q", name)
	if near := config.Nearest(name, names); near != "" {
		return nil, e.WithHint("did you mean %s?", near)
	}
	return nil, e.WithHint("there are %s", strings.Join(names[:min(len(names), 30)], ", "))
}

// internAt is how many different texts of a column are kept once; columns of more are mostly different.
const internAt = 1 << 14

// readRows reads whole files. Columns of one name are told apart by a number behind the later ones.
func (c *cli) readRows(ctx context.Context, paths []string, left *faults) (*rowTable, error) {
	p := c.newProgress("rows read")
	defer p.end()
	t := &rowTable{}
	at := map[string]int{}
	var place []int
	var known []map[string]string
	file := ""
	err := importer.ReadTable(ctx, importer.Options{Paths: paths, Stdin: c.in, Parquet: parquet()}, importer.Table{
		File: func(path string) error { file = filepath.Base(path); return nil },
		Columns: func(names []string) error {
			place = place[:0]
			seen := map[string]int{}
			for _, name := range names {
				if seen[name]++; seen[name] > 1 {
					name += "_" + strconv.Itoa(seen[name])
				}
				k, ok := at[name]
				if !ok {
					k = len(t.columns)
					at[name] = k
					t.columns = append(t.columns, learn.Text{Name: name, Values: make([]string, t.rows)})
					known = append(known, map[string]string{})
				}
				place = append(place, k)
			}
			return nil
		},
		Row: func(values []string) error {
			t.rows++
			for i, v := range values[:min(len(values), len(place))] {
				k := place[i]
				if old, ok := known[k][v]; ok {
					v = old
				} else if len(known[k]) < internAt {
					v = strings.Clone(v)
					known[k][v] = v
				} else {
					v = strings.Clone(v)
				}
				t.columns[k].Values = append(t.columns[k].Values, v)
			}
			for k := range t.columns {
				if len(t.columns[k].Values) < t.rows {
					t.columns[k].Values = append(t.columns[k].Values, "")
				}
			}
			return nil
		},
		Bad:  func(line int64, fault string) { left.add(fault, file+":"+strconv.FormatInt(line, 10)) },
		List: "; ",
		Tell: func(rows, bytes, whole int64) { p.update(rows, float64(bytes), float64(whole)) },
	})
	return t, err
}

// rowsRun is one run of propensity or lookalike.
type rowsRun struct {
	*cli
	f       *rowsFlags
	model   *learn.Model
	plain   *learn.Model // without the columns of --enrich
	drift   *learn.Drift // of --score
	encoder *learn.Encoder
	scored  *rowTable
	x       *learn.Matrix
	seed    []bool // of the scored rows; lookalike only
	p       []float64
	place   []float64 // percentiles
	notes   []string
	leftOut []learn.Note
}

func (c *cli) learnRows(ctx context.Context, f *rowsFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	v := &rowsRun{cli: c, f: f}
	var left faults
	known, err := c.readRows(ctx, f.rows, &left)
	if err != nil {
		return err
	}
	if err := v.learn(ctx, known, &left); err != nil {
		return err
	}
	v.scored = known
	if len(f.score) > 0 {
		if v.scored, err = c.readRows(ctx, f.score, &left); err != nil {
			return err
		}
	}
	v.notes = append(v.notes, left.notes()...)
	if err := v.rank(); err != nil {
		return err
	}
	if f.out != "" {
		if err := v.writeRows(f.out, v.columns(), v.table()); err != nil {
			return err
		}
	}
	if f.report != "" {
		if err := v.writeFile(f.report, v.page().Write); err != nil {
			return err
		}
	}
	return v.print()
}

// learn trains on the rows whose answer is known.
func (v *rowsRun) learn(ctx context.Context, known *rowTable, left *faults) error {
	rows, y, err := v.answers(ctx, known, left)
	if err != nil {
		return err
	}
	var columns []learn.Text
	for _, name := range slices.Concat(v.f.ignore, v.f.keep, v.f.enrich) {
		if _, err := known.find(name); err != nil {
			return err
		}
	}
	for _, c := range known.columns {
		if c.Name != v.f.target && c.Name != v.f.id && c.Name != v.f.time && !slices.Contains(v.f.ignore, c.Name) {
			columns = append(columns, c)
		}
	}
	v.encoder = learn.NewEncoder(columns)
	x := v.encoder.Encode(columns, known.rows, runtime.GOMAXPROCS(0))
	if len(rows) < known.rows {
		x = x.Pick(rows)
	}
	var times []int64
	if v.f.time != "" {
		values, err := known.find(v.f.time)
		if err != nil {
			return err
		}
		for _, i := range rows {
			m := learn.Moment(values[i])
			if math.IsNaN(m) {
				return clientele.Errorf(clientele.Invalid, "row %d has no time that can be read in %s", i+1, v.f.time).WithHint("as 2026-11-29 or 2026-11-29T12:00:00Z, or a number")
			}
			if math.Abs(m) < 1e12 { // days or a number of seconds or milliseconds keep their parts; nanoseconds have none
				m *= 86400
			}
			times = append(times, int64(m))
		}
	}
	how := learn.Settings{Algorithm: v.f.model, Keep: v.f.keep, Workers: runtime.GOMAXPROCS(0)}
	if v.model, err = learn.Fit(x, y, times, how); err != nil {
		return err
	}
	if len(v.f.enrich) > 0 {
		if v.plain, err = learn.Fit(x.Without(v.f.enrich), y, times, how); err != nil {
			return err
		}
	}
	v.leftOut = slices.Concat(v.encoder.LeftOut, v.model.Report.LeftOut)
	for _, n := range v.encoder.Notes {
		v.notes = append(v.notes, "column "+n.Column+": "+n.Why)
	}
	v.notes = append(v.notes, v.model.Report.Warnings...)
	return nil
}

// answers are the rows to learn from, and what they say.
func (v *rowsRun) answers(ctx context.Context, known *rowTable, left *faults) (rows []int, y []bool, err error) {
	if v.f.target == "" {
		y, err = v.seedsIn(ctx, known, left)
		for i := range y {
			rows = append(rows, i)
		}
		return rows, y, err
	}
	values, err := known.find(v.f.target)
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]int{}
	for _, s := range values {
		if !learn.Missing(s) {
			seen[s]++
		}
	}
	yes := func(s string) bool { return s == v.f.yes }
	if v.f.yes == "" {
		words := []string{"1", "true", "yes", "y", "1.0"}
		yes = func(s string) bool { return slices.Contains(words, strings.ToLower(s)) }
		no := []string{"0", "false", "no", "n", "0.0"}
		for s := range seen {
			if !yes(s) && !slices.Contains(no, strings.ToLower(s)) {
				return nil, nil, usagef("say which value means yes: --yes VALUE", "%s holds %d different values, not only yes and no", v.f.target, len(seen))
			}
		}
	} else if seen[v.f.yes] == 0 {
		return nil, nil, clientele.Errorf(clientele.Invalid, "no row has the value %q in %s", v.f.yes, v.f.target)
	}
	for i, s := range values {
		if !learn.Missing(s) {
			rows, y = append(rows, i), append(y, yes(s))
		}
	}
	return rows, y, nil
}

// seedsIn says which rows are in the list of seeds.
func (v *rowsRun) seedsIn(ctx context.Context, of *rowTable, left *faults) ([]bool, error) {
	seeds, err := v.readRows(ctx, v.f.seeds, left)
	if err != nil {
		return nil, err
	}
	ids, err := seeds.find(v.f.id)
	if err != nil {
		return nil, err
	}
	in := map[string]bool{}
	for _, id := range ids {
		in[id] = id != ""
	}
	all, err := of.find(v.f.id)
	if err != nil {
		return nil, err
	}
	v.seed = make([]bool, len(all))
	found := map[string]bool{}
	for i, id := range all {
		if v.seed[i] = in[id]; v.seed[i] {
			found[id] = true
		}
	}
	if len(found) < len(in) {
		v.notes = append(v.notes, fmt.Sprintf("%s of the %s people of the list have no row", thousands(int64(len(in)-len(found))), thousands(int64(len(in)))))
	}
	return v.seed, nil
}

// rank scores the rows.
func (v *rowsRun) rank() error {
	if v.f.id != "" {
		if _, err := v.scored.find(v.f.id); err != nil {
			return err
		}
	}
	v.x = v.encoder.Encode(v.scored.columns, v.scored.rows, runtime.GOMAXPROCS(0))
	var margin []float64
	v.p, margin = v.model.Probability(v.x, runtime.GOMAXPROCS(0))
	v.place = learn.Percentiles(margin)
	if len(v.f.score) > 0 {
		v.seed = nil
		d := v.model.Watch(v.x, func(column string) string { return column })
		v.drift = &d
		if d.Moved {
			v.notes = append(v.notes, fmt.Sprintf("the rows of --score are unlike those of the training: column %s moved most (stability index %.2f)", d.Cause, d.Causes[0].PSI))
		}
	}
	return nil
}

func (v *rowsRun) columns() []clientele.ExportColumn {
	first := v.f.id
	if first == "" {
		first = "row"
	}
	out := []clientele.ExportColumn{{Name: first, Type: clientele.TypeText}, {Name: "probability", Type: clientele.TypeDouble}, {Name: "percentile", Type: clientele.TypeDouble}}
	if v.f.target == "" {
		out[1].Name = "similarity"
		out = append(out, clientele.ExportColumn{Name: "seed", Type: clientele.TypeBool})
	}
	if v.f.reasons > 0 {
		out = append(out, clientele.ExportColumn{Name: "reasons", Type: clientele.TypeText})
	}
	return out
}

// chosen are the rows that are written: all, in their order, or the best of --size that are no seeds.
func (v *rowsRun) chosen() []int {
	var rows []int
	for i := range v.scored.rows {
		if v.f.size == 0 || v.seed == nil || !v.seed[i] {
			rows = append(rows, i)
		}
	}
	if v.f.size > 0 {
		slices.SortStableFunc(rows, func(a, b int) int {
			switch {
			case v.place[a] > v.place[b]:
				return -1
			case v.place[a] < v.place[b]:
				return 1
			}
			return 0
		})
		rows = rows[:min(len(rows), v.f.size)]
	}
	return rows
}

func (v *rowsRun) table() iter.Seq[[]any] {
	var ids []string
	if v.f.id != "" {
		ids, _ = v.scored.find(v.f.id) // rank has looked
	}
	return func(yield func([]any) bool) {
		row := make([]any, 0, 5)
		for _, i := range v.chosen() {
			name := strconv.Itoa(i + 1)
			if ids != nil {
				name = ids[i]
			}
			row = append(row[:0], name, v.p[i], v.place[i])
			if v.f.target == "" {
				row = append(row, v.seed != nil && v.seed[i])
			}
			if v.f.reasons > 0 {
				row = append(row, v.reasons(i))
			}
			if !yield(row) {
				return
			}
		}
	}
}

// reasons are the columns that moved a row most.
func (v *rowsRun) reasons(i int) string {
	_, all := v.model.Explain(v.x, i)
	return reasonsText(all, v.f.reasons)
}

// reasonsText names the first of some contributions to the log-odds: "orders +0.81; age -0.20".
func reasonsText(all []learn.Contribution, most int) string {
	var b strings.Builder
	for k, c := range all[:min(len(all), most)] {
		if c.Adds == 0 {
			break
		}
		if k > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %+.2f", c.Column, c.Adds)
	}
	return b.String()
}
