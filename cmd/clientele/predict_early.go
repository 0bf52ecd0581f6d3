package main

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/predict/early"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/report"

	"github.com/spf13/cobra"
)

// earlyFlags are what the command is told.
type earlyFlags struct {
	factFlags
	scoreFlags
	until, horizon string
	top            float64
}

func (c *cli) predictEarlyCommand() *cobra.Command {
	var f earlyFlags
	cmd := c.command("early --orders PATH --customer COL --date COL --amount COL --out EARLY.csv", "Which new customers will be among the best, from their first days",
		"predict early --orders orders.csv --customer customer_id --date created_at --amount total --category category --discount discount_amount --out early.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if len(f.orders) == 0 {
				return usagef("for example --orders orders.csv", "--orders is missing")
			}
			return c.early(ctx, &f)
		})
	f.add(cmd)
	cmd.Flags().StringVar(&f.until, "until", "", "`DATE` up to which rows are used; without it the day of the last one")
	cmd.Flags().StringVar(&f.horizon, "horizon", "", "how long value counts from the first order on: 12m; without it half of the time of the orders, a year at most")
	cmd.Flags().Float64Var(&f.top, "top", 0.05, "share of customers that are the best")
	f.addScores(cmd, "customer")
	return cmd
}

func (f *earlyFlags) check() error {
	if !(f.top > 0) || f.top > 0.5 {
		return usagef("a share up to 0.5, as 0.05", "--top %v", f.top)
	}
	if err := f.factFlags.check(); err != nil {
		return err
	}
	return f.checkScores("early.csv")
}

// earlyRun is one run of the command.
type earlyRun struct {
	*cli
	f      *earlyFlags
	facts  *facts
	study  *early.Study
	scores []early.Score
	notes  []string
}

func (c *cli) early(ctx context.Context, f *earlyFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	c.heavyMemory()
	v := &earlyRun{cli: c, f: f}
	var err error
	if v.facts, err = c.readFacts(ctx, &f.factFlags); err != nil {
		return err
	}
	v.notes = v.facts.notes
	if err := v.learn(); err != nil {
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

func (v *earlyRun) learn() error {
	now, err := v.facts.now(v.f.until, &v.f.factFlags)
	if err != nil {
		return err
	}
	span := now - v.facts.first
	set := early.Settings{Top: v.f.top, Now: now, Visits: len(v.f.events) > 0, Horizon: min(span/2/feature.Day, 365) * feature.Day}
	if v.f.horizon != "" {
		days, err := parseSpan("horizon", v.f.horizon)
		if err != nil {
			return err
		}
		set.Horizon = clientele.Micros(days) * feature.Day
	}
	how := v.facts.settings(v.f.zone, now-set.Horizon)
	if v.study, err = early.Learn(v.facts.source(), how, set, learn.Settings{Algorithm: v.f.model, Workers: runtime.GOMAXPROCS(0)}); err != nil {
		return err
	}
	v.judge()
	v.scores, err = v.study.Score(v.facts.source())
	return err
}

// judge says where there is no model, where a guess does as well, and on whom models were tested.
func (v *earlyRun) judge() {
	var same []string
	for _, st := range v.study.Stages {
		if st.Model == nil {
			v.notes = append(v.notes, fmt.Sprintf("Nothing is learned from the %s: %s.", st.Name, st.Why))
			continue
		}
		for _, guess := range st.Found[1:] {
			if guess.Share >= st.Found[0].Share {
				v.notes = append(v.notes, fmt.Sprintf("After the %s, %q found as many of the best as the model, or more: the guess will do.", st.Name, guess.Name))
				break
			}
		}
		if st.By == "people" {
			same = append(same, st.Name)
		}
	}
	if len(same) > 0 {
		v.notes = append(v.notes, fmt.Sprintf("Tested on other customers of the same time (%s): the latest customers hold too few of the best to test on.", strings.Join(same, ", ")))
	}
}

func (v *earlyRun) columns() []clientele.ExportColumn {
	out := []clientele.ExportColumn{{Name: "customer", Type: clientele.TypeText}, {Name: "first", Type: clientele.TypeText}, {Name: "stage", Type: clientele.TypeText},
		{Name: "top_probability", Type: clientele.TypeDouble}, {Name: "percentile", Type: clientele.TypeDouble}}
	if v.f.reasons > 0 {
		out = append(out, clientele.ExportColumn{Name: "reasons", Type: clientele.TypeText})
	}
	return out
}

// table is a row for each customer whose horizon is not over.
func (v *earlyRun) table() iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, s := range v.scores {
			row := []any{v.facts.names[s.Person], v.facts.day(s.First), v.study.Stages[s.Stage].Name, s.Probability, s.Percentile}
			if v.f.reasons > 0 {
				row = append(row, reasonsText(s.Reasons, v.f.reasons))
			}
			if !yield(row) {
				return
			}
		}
	}
}

// earlyOutput is what --json prints.
type earlyOutput struct {
	*early.Study
	Until    string                  `json:"until"`
	Horizon  int                     `json:"horizon_days"`
	Scored   int                     `json:"scored"`
	Models   map[string]learn.Report `json:"models"` // by stage
	Warnings []string                `json:"warnings"`
}

func (v *earlyRun) output() earlyOutput {
	out := earlyOutput{Study: v.study, Until: v.facts.day(v.study.Now - 1), Horizon: v.days(), Scored: len(v.scores), Models: map[string]learn.Report{}, Warnings: append([]string{}, v.notes...)}
	for _, st := range v.study.Stages {
		if st.Model != nil {
			out.Models[st.Name] = st.Model.Report
		}
	}
	return out
}

func (v *earlyRun) days() int { return int(v.study.Horizon / feature.Day) }

// stageRows are the lines of the backtest.
func (v *earlyRun) stageRows() (out [][]string) {
	for _, st := range v.study.Stages {
		for _, f := range st.Found {
			out = append(out, []string{st.Name, f.Name, thousands(int64(st.Tested)), thousands(int64(st.Best)), fmt.Sprintf("%.1f %%", 100*f.Share), fmt.Sprintf("%.3f", f.AUC)})
		}
	}
	return out
}

var stageHead = []string{"known", "ranking", ">tested", ">best of them", ">best found", ">AUC"}

func (v *earlyRun) best() string {
	s := v.study
	return fmt.Sprintf("%s of %s customers are the best %.3g %% by what they bought within %d days of their first order: %.2f and more, %.1f %% of all",
		thousands(int64(s.Best)), thousands(int64(s.Customers)), 100*s.Top, v.days(), s.Least, 100*s.Share)
}

func (v *earlyRun) print() error {
	if v.f.asJSON {
		return writeJSON(v.out, v.output())
	}
	c := *v.cli
	if v.f.out == "-" {
		c.out, c.outWidth = v.err, v.errWidth
	}
	c.printf("%s\n%s newer customers scored as of %s\n\n", v.best(), thousands(int64(len(v.scores))), v.facts.day(v.study.Now-1))
	head := make([]string, len(stageHead))
	for i, h := range stageHead {
		head[i] = strings.TrimPrefix(h, ">")
	}
	t := numbers(rows(head...))
	t.Columns[1].Type = ""
	for _, row := range v.stageRows() {
		t.add(row...)
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	for _, n := range v.notes {
		c.printf("\nnote: %s\n", printable(n))
	}
	return nil
}

// page is the report.
func (v *earlyRun) page() *report.Page {
	var files []string
	for _, f := range slices.Concat(v.f.orders, v.f.events, v.f.stock) {
		files = append(files, filepath.Base(f))
	}
	s := v.study
	p := &report.Page{Title: "Which new customers will be the best", Notes: v.notes, Sub: strings.Join(files, ", ") + "; " + v.best(),
		Facts: []report.Fact{{Number: thousands(int64(s.Customers)), Of: "customers learned from"}, {Number: thousands(int64(s.Best)), Of: "are the best"}, {Number: fmt.Sprintf("%.1f %%", 100*s.Share), Of: "of all value is theirs"}, {Number: thousands(int64(len(v.scores))), Of: "newer customers scored"}}}
	p.Sections = append(p.Sections, report.Section{Title: "How early they are found", Why: "On customers that the model had not seen: as many of the highest scores are taken as there are best customers among those tested, and their share that is among them is shown.", Head: stageHead, Rows: v.stageRows()})
	for _, st := range s.Stages {
		if st.Model == nil {
			continue
		}
		drivers := report.Section{Title: "What tells, " + st.Name, Why: st.Model.Method() + ". Direction: +1 when more means likelier, -1 when less.", Head: []string{"what", ">weight", ">direction"}}
		for _, d := range st.Model.Report.Drivers[:min(len(st.Model.Report.Drivers), 8)] {
			drivers.Rows = append(drivers.Rows, []string{d.Column, fmt.Sprintf("%.3f", d.Weight), fmt.Sprintf("%+.2f", d.Direction)})
		}
		p.Sections = append(p.Sections, drivers)
	}
	return p
}
