package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"clientele/internal/predict/learn"
	"clientele/internal/predict/report"
	"clientele/internal/predict/rolling"
)

// aheadOutput is what --json prints.
type aheadOutput struct {
	rowsOutput
	Until   string              `json:"until"`
	Within  int                 `json:"within_days"`
	Why     string              `json:"within_why,omitempty"`
	Active  string              `json:"active"`
	Gone    int                 `json:"customers_gone"`
	Excused int                 `json:"absent_through_stock_out"`
	Moments []rolling.Described `json:"moments"`
	Drift   rolling.Drift       `json:"drift"`
	Mean    float64             `json:"mean_probability"`
}

func (v *aheadRun) output() aheadOutput {
	m := v.study.Model
	out := aheadOutput{rowsOutput: rowsOutput{Report: m.Report, Method: m.Method(), Scored: len(v.scores.Person), LeftOut: []learn.Note{}, Warnings: append([]string{}, v.notes...)},
		Until: v.facts.day(v.plan.Now - 1), Within: v.days(), Why: v.why, Active: v.f.active, Gone: v.gone, Excused: v.study.Excused, Moments: v.study.Moments, Drift: v.scores.Drift}
	for _, p := range v.scores.Probability {
		out.Mean += p / float64(len(v.scores.Probability))
	}
	return out
}

// days of the window.
func (v *aheadRun) days() int { return int((v.plan.Within + 43_200_000_000) / 86_400_000_000) }

// question is what was learned, in words.
func (v *aheadRun) question() string {
	s := fmt.Sprintf("churn is no order within %d days", v.days())
	if v.f.target != "" {
		s = fmt.Sprintf("%s within %d days", printable(v.f.target), v.days())
	}
	if v.why != "" {
		s += " (" + v.why + ")"
	}
	return s
}

func (v *aheadRun) print() error {
	o := v.output()
	if v.f.asJSON {
		return writeJSON(v.out, o)
	}
	c := *v.cli
	if v.f.out == "-" {
		c.out, c.outWidth = v.err, v.errWidth
	}
	c.printf("%s\n%s customers scored as of %s, mean probability %.3f\n", v.question(), thousands(int64(o.Scored)), o.Until, o.Mean)
	t := numbers(rows("moment", "for", "customers", "came true"))
	for _, m := range o.Moments {
		t.add(v.facts.day(m.At), m.For, thousands(int64(m.Rows)), share(m.Yes, m.Rows))
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	c.printf("\n")
	if err := c.printLearned(o.rowsOutput); err != nil {
		return err
	}
	for _, n := range o.Warnings {
		c.printf("\nnote: %s\n", printable(n))
	}
	return nil
}

func share(part, whole int) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(whole, 1)))
}

// page is the report.
func (v *aheadRun) page() *report.Page {
	o := v.output()
	title := "Who will not order again"
	if v.f.target != "" {
		title = "Who is likely to: " + v.f.target
	}
	var files []string
	for _, f := range slices.Concat(v.f.orders, v.f.events, v.f.stock) {
		files = append(files, filepath.Base(f))
	}
	p := &report.Page{Title: title, Notes: v.notes,
		Sub:   fmt.Sprintf("%s; %s; as of %s; model %s, calibrated (%s)", strings.Join(files, ", "), v.question(), o.Until, o.Chosen, o.Calibration),
		Facts: []report.Fact{{Number: thousands(int64(o.Scored)), Of: "customers scored"}, {Number: fmt.Sprintf("%.1f %%", 100*o.Mean), Of: "mean probability"}, {Number: fmt.Sprintf("%.3f", o.Result.AUC), Of: "AUC on a later time"}, {Number: fmt.Sprintf("%.1f x", o.Result.Lift10), Of: "in the likeliest tenth"}}}
	moments := report.Section{Title: "What it was learned from", Why: fmt.Sprintf("Customers as they were known at each moment, and what came within %d days. No window of the training reaches into that of the choice, nor that into the test's.", o.Within), Head: []string{"moment", "for", ">customers", ">came true"}}
	for _, m := range o.Moments {
		moments.Rows = append(moments.Rows, []string{v.facts.day(m.At), m.For, thousands(int64(m.Rows)), share(m.Yes, m.Rows)})
	}
	drift := report.Section{Title: "Are the times the same", Why: "How far customers of now differ from those of the training, by what it is about: below 0.1 nothing, above 0.25 much (population stability index).", Head: []string{"what", ">index"}}
	for _, d := range o.Drift.Causes {
		drift.Rows = append(drift.Rows, []string{d.Column, fmt.Sprintf("%.3f", d.PSI)})
	}
	p.Sections = slices.Concat(o.sections(), []report.Section{moments, drift})
	return p
}
