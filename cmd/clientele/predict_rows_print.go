package main

import (
	"fmt"
	"strings"

	"clientele/internal/predict/learn"
	"clientele/internal/predict/report"
)

// rowsOutput is what --json prints.
type rowsOutput struct {
	learn.Report
	Method   string       `json:"reasons_method"`
	Scored   int          `json:"rows_scored"`
	LeftOut  []learn.Note `json:"left_out"`
	Without  *learn.Score `json:"without_enrichment,omitempty"`
	Drift    *learn.Drift `json:"drift,omitempty"`
	Warnings []string     `json:"warnings"`
}

func (v *rowsRun) output() rowsOutput {
	out := rowsOutput{Report: v.model.Report, Method: v.model.Method(), Scored: len(v.p), LeftOut: v.leftOut, Drift: v.drift, Warnings: v.notes}
	if v.plain != nil {
		out.Without = &v.plain.Report.Result
	}
	if out.LeftOut == nil {
		out.LeftOut = []learn.Note{}
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	return out
}

var scoreHead = []string{"guess", ">AUC", ">log-loss", ">Brier", ">lift of best 10 %", ">found in best 20 %"}

// scoreRows are the lines of a table of scores: the model on the test rows, then what needs none, then both kinds on the validation rows.
func (o rowsOutput) scoreRows() (out [][]string) {
	add := func(s learn.Score, where string) {
		out = append(out, []string{s.Name + where, fmt.Sprintf("%.4f", s.AUC), fmt.Sprintf("%.5f", s.LogLoss), fmt.Sprintf("%.5f", s.Brier), fmt.Sprintf("%.2f", s.Lift10), fmt.Sprintf("%.1f %%", 100*s.Capture20)})
	}
	add(o.Result, " (test)")
	if o.Without != nil {
		add(*o.Without, " without enrichment (test)")
	}
	for _, s := range o.Naive {
		add(s, " (test)")
	}
	for _, s := range o.Candidates {
		add(s, " (validation)")
	}
	return out
}

func (v *rowsRun) print() error {
	o := v.output()
	if v.f.asJSON {
		return writeJSON(v.out, o)
	}
	c := *v.cli
	if v.f.out == "-" {
		c.out, c.outWidth = v.err, v.errWidth
	}
	c.printf("%s rows with an answer, %s yes; %s scored\n", thousands(int64(o.Rows)), thousands(int64(o.Positives)), thousands(int64(o.Scored)))
	if err := c.printLearned(o); err != nil {
		return err
	}
	for _, n := range o.Warnings {
		c.printf("\nnote: %s\n", printable(n))
	}
	return nil
}

// page is the report.
func (v *rowsRun) page() *report.Page {
	o := v.output()
	title := "Who is likely to: " + v.f.target
	if v.f.target == "" {
		title = "Who is like the list"
	}
	p := &report.Page{Title: title, Notes: v.notes,
		Sub:   fmt.Sprintf("model %s, calibrated (%s); parts by %s: %d rows to train, %d to choose, %d to test", o.Chosen, o.Calibration, o.Split, o.Train, o.Validation, o.Test),
		Facts: []report.Fact{{Number: thousands(int64(o.Rows)), Of: "rows with an answer"}, {Number: thousands(int64(o.Positives)), Of: "yes"}, {Number: fmt.Sprintf("%.3f", o.Result.AUC), Of: "AUC on rows not seen"}, {Number: fmt.Sprintf("%.1f x", o.Result.Lift10), Of: "yes in the best tenth"}}}
	p.Sections = append(p.Sections, o.sections()...)
	if len(o.LeftOut) > 0 {
		s := report.Section{Title: "What was left out", Head: []string{"column", "why"}}
		for _, n := range o.LeftOut {
			s.Rows = append(s.Rows, []string{n.Column, n.Why})
		}
		p.Sections = append(p.Sections, s)
	}
	return p
}

// printLearned shows how a model was made, how good it is and what moves it.
func (c *cli) printLearned(o rowsOutput) error {
	c.printf("model %s, calibrated (%s); parts by %s: %s to train, %s to choose, %s to test\n\n", o.Chosen, o.Calibration, o.Split, thousands(int64(o.Train)), thousands(int64(o.Validation)), thousands(int64(o.Test)))
	head := make([]string, len(scoreHead))
	for i, h := range scoreHead {
		head[i] = strings.TrimPrefix(h, ">")
	}
	t := numbers(rows(head...))
	for _, row := range o.scoreRows() {
		t.add(row...)
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	c.printf("\n")
	t = numbers(rows("driver", "weight", "direction"))
	for _, d := range o.Drivers[:min(len(o.Drivers), 10)] {
		t.add(printable(d.Column), fmt.Sprintf("%.3f", d.Weight), fmt.Sprintf("%+.2f", d.Direction))
	}
	return c.sheet(t)
}

// sections are those of the report that every model of yes or no has.
func (o rowsOutput) sections() []report.Section {
	good := report.Section{Title: "How good it is", Why: "On rows that the model had not seen. AUC is the chance that a yes has a higher score than a no (0.5 is a coin); log-loss and Brier are errors of the probability, lower is better.", Head: scoreHead, Rows: o.scoreRows()}
	calibration := report.Section{Title: "Does it come true", Why: "Test rows in ten groups by probability: what was said, and what came.", Head: []string{">rows", ">said", ">came"}}
	var x, said, came []float64
	for i, b := range o.Reliability {
		calibration.Rows = append(calibration.Rows, []string{thousands(int64(b.Rows)), fmt.Sprintf("%.4f", b.Said), fmt.Sprintf("%.4f", b.Came)})
		x, said, came = append(x, float64(i+1)), append(said, b.Said), append(came, b.Came)
	}
	percent := func(x float64) string { return fmt.Sprintf("%.3g %%", 100*x) }
	calibration.Chart = report.Lines([]report.Line{{Name: "said", X: x, Y: said}, {Name: "came", X: x, Y: came}}, percent)
	drivers := report.Section{Title: "What moves it", Why: "Mean size of each column's contribution: " + o.Method + ". Direction: +1 when more means likelier, -1 when less.", Head: []string{"column", ">weight", ">direction"}}
	for _, d := range o.Drivers[:min(len(o.Drivers), 20)] {
		drivers.Rows = append(drivers.Rows, []string{d.Column, fmt.Sprintf("%.3f", d.Weight), fmt.Sprintf("%+.2f", d.Direction)})
	}
	return []report.Section{good, calibration, drivers}
}
