package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/report"
	"clientele/internal/predict/uplift"

	"github.com/spf13/cobra"
)

// upliftFlags are what the command is told.
type upliftFlags struct {
	rows, ignore                []string
	treatment, treated, control string
	outcome, yes, value, id     string
	learner, report, out        string
	gain, cost                  float64
	randomised, asJSON          bool
}

func (c *cli) predictUpliftCommand() *cobra.Command {
	var f upliftFlags
	cmd := c.command("uplift --rows PATH --treatment COL --outcome COL --out UPLIFT.csv", "Whom a treatment helps, learned from an experiment's arms, and whether choosing people pays",
		"predict uplift --rows experiment.csv --treatment segment --treated mail --control none --outcome visit --id customer_id --out uplift.csv --report uplift.html", cobra.NoArgs,
		func(ctx context.Context, _ []string) error { return c.uplift(ctx, &f) })
	fl := cmd.Flags()
	fl.StringSliceVar(&f.rows, "rows", nil, "`FILES` of the experiment, a row for each person: CSV, TSV, JSONL, Parquet, packed ones too")
	fl.StringVar(&f.treatment, "treatment", "", "`COLUMN` of the arm that was drawn by lot")
	fl.StringVar(&f.treated, "treated", "", "`VALUE` of the arm that was treated; 1, true, yes, treatment and treated do without")
	fl.StringVar(&f.control, "control", "", "`VALUE` of the arm that was not; without it all others. Rows of further arms are left out")
	fl.StringVar(&f.outcome, "outcome", "", "`COLUMN` of what came of it: yes or no")
	fl.StringVar(&f.yes, "yes", "", "`VALUE` of the outcome that means yes; 1, true, yes and y do without")
	fl.StringVar(&f.value, "value", "", "`COLUMN` of money that came of it: the effect on it is told too")
	fl.StringVar(&f.id, "id", "", "`COLUMN` that names a row; it is written and not learned from")
	fl.StringSliceVar(&f.ignore, "ignore", nil, "`COLUMNS` that are not learned from: everything that came after the treatment")
	fl.StringVar(&f.learner, "learner", string(uplift.T), "t: a model for each arm; s: one with the arm in it; x: differences that the arms guess of each other. All are judged, this one scores")
	fl.Float64Var(&f.gain, "gain", 1, "worth of one outcome, in money")
	fl.Float64Var(&f.cost, "cost", 0, "of treating one person, in the same money")
	fl.BoolVar(&f.randomised, "randomised", false, "the arms were drawn by lot, though they do not look like it")
	fl.StringVar(&f.report, "report", "", "`FILE` for a page that shows it")
	fl.StringVar(&f.out, "out", "", "`FILE` for the scores: .csv, .jsonl or .parquet; - is standard output")
	fl.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return cmd
}

func (f *upliftFlags) check() error {
	const example = "clientele predict uplift --rows experiment.csv --treatment segment --outcome visit --out uplift.csv"
	switch {
	case len(f.rows) == 0:
		return usagef(example, "--rows is missing")
	case f.treatment == "":
		return usagef(example, "--treatment is missing")
	case f.outcome == "":
		return usagef(example, "--outcome is missing")
	case f.out == "" && f.report == "" && !f.asJSON:
		return usagef("where the scores go, for example --out uplift.csv", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	case !uplift.Known(uplift.Learner(f.learner)):
		return usagef("t, s or x", "there is no --learner %q", f.learner)
	case !(f.gain > 0) || !(f.cost >= 0):
		return usagef("--gain 40 --cost 0.5", "--gain %v and --cost %v are no money", f.gain, f.cost)
	}
	return nil
}

// experiment is one run of the command.
type experiment struct {
	*cli
	f          *upliftFlags
	table      *rowTable
	rows       []int // of the two arms
	treated, y []bool
	value      []float64
	x          *learn.Matrix
	trial      *uplift.Trial
	score      []float64
	leftOut    []learn.Note
	notes      []string
}

func (c *cli) uplift(ctx context.Context, f *upliftFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	v := &experiment{cli: c, f: f}
	var left faults
	if v.table, err = c.readRows(ctx, f.rows, &left); err != nil {
		return err
	}
	v.notes = left.notes()
	if err := v.arms(); err != nil {
		return err
	}
	if err := v.features(); err != nil {
		return err
	}
	v.trial, err = uplift.Try(v.x, v.rows, v.treated, v.y, v.value, uplift.Terms{Learner: uplift.Learner(f.learner), Gain: f.gain, Cost: f.cost, Trust: f.randomised, Workers: runtime.GOMAXPROCS(0)})
	if err != nil {
		return err
	}
	v.score = v.trial.Uplift(v.x)
	v.advise()
	if f.out != "" {
		if err := v.writeRows(f.out, v.columns(), v.lines()); err != nil {
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

// arms reads who was treated, and what came.
func (v *experiment) arms() error {
	treatment, err := v.table.find(v.f.treatment)
	if err != nil {
		return err
	}
	outcome, err := v.table.find(v.f.outcome)
	if err != nil {
		return err
	}
	var money []string
	if v.f.value != "" {
		if money, err = v.table.find(v.f.value); err != nil {
			return err
		}
	}
	reading, err := importer.NewReading("", "")
	if err != nil {
		return err
	}
	is := func(value string, words ...string) func(string) bool {
		if value != "" {
			return func(s string) bool { return s == value }
		}
		return func(s string) bool { return slices.Contains(words, strings.ToLower(s)) }
	}
	isTreated, isYes, isControl := is(v.f.treated, "1", "1.0", "true", "yes", "y", "treatment", "treated"), is(v.f.yes, "1", "1.0", "true", "yes", "y"), func(string) bool { return true }
	if v.f.control != "" {
		isControl = is(v.f.control)
	}
	other := 0
	for i, arm := range treatment {
		t := isTreated(arm)
		if learn.Missing(arm) || !t && !isControl(arm) || learn.Missing(outcome[i]) {
			other++
			continue
		}
		v.rows, v.treated, v.y = append(v.rows, i), append(v.treated, t), append(v.y, isYes(outcome[i]))
		if money != nil {
			x, err := reading.Number(money[i])
			if err != nil {
				x = 0
			}
			v.value = append(v.value, x)
		}
	}
	if !slices.Contains(v.treated, true) || !slices.Contains(v.treated, false) {
		values := slices.Compact(slices.Sorted(slices.Values(treatment)))
		return clientele.Errorf(clientele.Invalid, "%s does not hold two arms", v.f.treatment).WithHint("say which is which with --treated and --control; there are %s", strings.Join(values[:min(10, len(values))], ", "))
	}
	if other > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%s rows of other arms, or without arm or outcome, are left out.", thousands(int64(other))))
	}
	return nil
}

// features turns the other columns into numbers, without those that can only have come after the outcome.
func (v *experiment) features() error {
	for _, name := range v.f.ignore {
		if _, err := v.table.find(name); err != nil {
			return err
		}
	}
	skip := append([]string{v.f.treatment, v.f.outcome, v.f.value, v.f.id}, v.f.ignore...)
	var columns []learn.Text
	for _, c := range v.table.columns {
		if slices.Contains(skip, c.Name) {
			continue
		}
		if v.after(c) {
			v.leftOut = append(v.leftOut, learn.Note{Column: c.Name, Why: "whoever has a value above 0 has the outcome: it came after it"})
			continue
		}
		columns = append(columns, c)
	}
	e := learn.NewEncoder(columns)
	v.leftOut = append(v.leftOut, e.LeftOut...)
	v.x = e.Encode(columns, v.table.rows, runtime.GOMAXPROCS(0)).Pick(v.rows)
	if len(v.x.Columns) == 0 {
		return clientele.Errorf(clientele.Invalid, "there is no column to tell people apart by").WithHint("the file needs what was known of people before the treatment")
	}
	for _, n := range v.leftOut {
		v.notes = append(v.notes, fmt.Sprintf("Column %s is left out: %s.", n.Column, n.Why))
	}
	return nil
}

// after says that a column of numbers is above 0 for people with the outcome alone.
func (v *experiment) after(c learn.Text) bool {
	above := 0
	for k, i := range v.rows {
		x, err := strconv.ParseFloat(c.Values[i], 64)
		if err != nil && !learn.Missing(c.Values[i]) {
			return false
		}
		if err == nil && x > 0 {
			if above++; !v.y[k] {
				return false
			}
		}
	}
	return above >= 30
}

func (v *experiment) advise() {
	t := v.trial
	v.notes = append(v.notes, fmt.Sprintf("The effect is %+.1f %% of what comes without the treatment (%+.1f to %+.1f %%); the chance that it helps is %.1f %%. If somebody looks at an experiment that goes on, the interval that holds at every look is %.6f to %.6f.",
		100*t.Relative.Value, 100*t.Relative.Low, 100*t.Relative.High, 100*t.Chance, t.Always.Low, t.Always.High))
	if t.Assignment.Suspect {
		v.notes = append(v.notes, fmt.Sprintf("From the columns one can tell a little who was treated (AUC %.3f): if the arms were not drawn by lot, the differences are those of the choice.", t.Assignment.AUC))
	}
	words := map[string]string{
		"some": fmt.Sprintf("Choosing pays: treat people whose uplift is above %.4g.", t.Cut),
		"all":  "No benefit of choosing was found; the treatment is worth it on the average: treat everybody.",
		"none": "No benefit of choosing was found, and it is not shown that the treatment is worth its cost on the average: treat nobody, or go on with the experiment.",
	}
	v.notes = append(v.notes, words[t.Advice])
}

func (v *experiment) columns() []clientele.ExportColumn {
	first := v.f.id
	if first == "" {
		first = "row"
	}
	return []clientele.ExportColumn{{Name: first, Type: clientele.TypeText}, {Name: "uplift", Type: clientele.TypeDouble}, {Name: "percentile", Type: clientele.TypeDouble}, {Name: "treat", Type: clientele.TypeBool}}
}

func (v *experiment) lines() iter.Seq[[]any] {
	var ids []string
	if v.f.id != "" {
		ids, _ = v.table.find(v.f.id)
	}
	place := learn.Percentiles(v.score)
	return func(yield func([]any) bool) {
		for k, i := range v.rows {
			name := strconv.Itoa(i + 1)
			if ids != nil {
				name = ids[i]
			}
			if !yield([]any{name, v.score[k], place[k], v.trial.Treat(v.score[k])}) {
				return
			}
		}
	}
}

func effectRow(what string, e uplift.Effect) []string {
	return []string{what, thousands(int64(e.N)), thousands(int64(e.M)), fmt.Sprintf("%.6f", e.Treated), fmt.Sprintf("%.6f", e.Untreated), fmt.Sprintf("%.6f", e.Difference), fmt.Sprintf("%.6f", e.Error),
		fmt.Sprintf("%.6f to %.6f", e.Low, e.High), fmt.Sprintf("%.2g", e.P)}
}

var effectHead = []string{"outcome", ">treated", ">untreated", ">mean treated", ">mean untreated", ">difference", ">error", ">95 %", ">p"}

func (v *experiment) effects() [][]string {
	out := [][]string{effectRow(v.f.outcome, v.trial.Effect)}
	if v.trial.Worth != nil {
		out = append(out, effectRow(v.f.value, *v.trial.Worth))
	}
	return out
}

func (v *experiment) verdicts() (out [][]string) {
	for _, l := range uplift.Learners {
		j := v.trial.Others[l]
		found := "no benefit found"
		if j.Benefit {
			found = "choosing pays"
		}
		out = append(out, []string{string(l), fmt.Sprintf("%.4f", j.Qini), fmt.Sprintf("%.4f to %.4f", j.Low, j.High), found})
	}
	return out
}

func plain(head []string) []string {
	out := make([]string, len(head))
	for i, h := range head {
		out[i] = strings.TrimPrefix(h, ">")
	}
	return out
}

var verdictHead = []string{"learner", ">Qini", ">95 %", "verdict"}

func (v *experiment) print() error {
	t := v.trial
	if v.f.asJSON {
		return writeJSON(v.out, struct {
			*uplift.Trial
			LeftOut  []learn.Note `json:"left_out"`
			Warnings []string     `json:"warnings"`
		}{t, append([]learn.Note{}, v.leftOut...), append([]string{}, v.notes...)})
	}
	c := *v.cli
	if v.f.out == "-" {
		c.out, c.outWidth = v.err, v.errWidth
	}
	c.printf("%s rows: %s to learn, %s to judge\n\n", thousands(int64(t.Rows)), thousands(int64(t.Train)), thousands(int64(t.Test)))
	for k, part := range []struct {
		head []string
		rows [][]string
	}{{effectHead, v.effects()}, {verdictHead, v.verdicts()}} {
		if k > 0 {
			c.printf("\n")
		}
		sheet := numbers(rows(plain(part.head)...))
		for _, r := range part.rows {
			sheet.add(r...)
		}
		if err := c.sheet(sheet); err != nil {
			return err
		}
	}
	for _, n := range v.notes {
		c.printf("\nnote: %s\n", printable(n))
	}
	return nil
}

func (v *experiment) page() *report.Page {
	t := v.trial
	p := &report.Page{Title: "Whom it helps: " + v.f.outcome, Notes: v.notes, Sub: fmt.Sprintf("learner %s; %d rows to learn, %d to judge", t.Learner, t.Train, t.Test),
		Facts: []report.Fact{{Number: thousands(int64(t.Rows)), Of: "people"}, {Number: fmt.Sprintf("%+.4f", t.Effect.Difference), Of: "effect on the average"}, {Number: fmt.Sprintf("%.3f", t.Verdict.Qini), Of: fmt.Sprintf("Qini (%.3f to %.3f)", t.Verdict.Low, t.Verdict.High)}}}
	groups := report.Section{Title: "Does it come true", Why: "People of the test in ten groups by their score: the difference that was said, and what came, with its interval.", Head: []string{">group", ">treated", ">untreated", ">said", ">came", ">95 %"}}
	var x, said, came, low, high []float64
	for i, g := range t.Groups {
		groups.Rows = append(groups.Rows, []string{fmt.Sprint(i + 1), thousands(int64(g.N)), thousands(int64(g.M)), fmt.Sprintf("%.4f", g.Said), fmt.Sprintf("%.4f", g.Difference), fmt.Sprintf("%.4f to %.4f", g.Low, g.High)})
		if !math.IsInf(g.High, 0) {
			x, said, came, low, high = append(x, float64(i+1)), append(said, g.Said), append(came, g.Difference), append(low, g.Low), append(high, g.High)
		}
	}
	groups.Chart = report.Lines([]report.Line{{Name: "came", X: x, Y: came, Low: low, High: high}, {Name: "said", X: x, Y: said}}, func(x float64) string { return fmt.Sprintf("%.0f", x) })
	policies := report.Section{Title: "What choosing is worth", Why: "Mean outcome of a person of the test when the best so many are treated, by weighting; net is that by the worth of an outcome, less the cost.", Head: []string{">treated", ">mean outcome", ">error", ">net a person"}}
	for _, q := range t.Policies {
		policies.Rows = append(policies.Rows, []string{fmt.Sprintf("%.0f %%", 100*q.Share), fmt.Sprintf("%.5f", q.Mean), fmt.Sprintf("%.5f", q.Error), fmt.Sprintf("%.4f", q.Net)})
	}
	p.Sections = []report.Section{
		{Title: "What the treatment did", Why: "Of all people; the errors let the arms differ in variance (Welch).", Head: effectHead, Rows: v.effects()},
		{Title: "Whether choosing pays", Why: "Qini is the area between the curve of a learner's order and that of chance, over that of a perfect order: 0 is chance, 1 perfect. The interval is of 200 resamples. When it holds 0, no benefit was found.", Head: verdictHead, Rows: v.verdicts()},
		groups, policies,
	}
	return p
}
