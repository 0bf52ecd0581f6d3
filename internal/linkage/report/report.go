// Package report makes one page, complete in itself, of what a linkage learned and found: the fields and what
// their agreement weighs, how weights are spread, what another threshold would give, the sizes of clusters, and
// examples of each kind of decision.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"clientele/internal/linkage"
	"clientele/internal/linkage/truth"
)

//go:embed report.html
var text string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"thousands": func(n any) string { return grouped(fmt.Sprint(n)) }, "percent": func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) },
	"bits": bits, "share": share, "oneIn": oneIn,
	"fixed":    func(x float64) string { return fmt.Sprintf("%.4f", x) },
	"width":    func(x float64) string { return fmt.Sprintf("%.1f", math.Min(100, math.Abs(x)*4)) },
	"less":     func(x float64) float64 { return -x },
	"negative": func(x float64) bool { return x < 0 },
	"long":     func(x float64) string { return fmt.Sprintf("%.1f", 100*math.Min(1, x)) },
}).Parse(text))

// Page is the report, made and not yet written.
type Page struct {
	Records, Clusters, Identical int
	Pairs, Edges                 int64
	Refused                      int
	Threshold                    float64
	Sources                      []string
	Notes                        []string
	Choices                      []linkage.Choice
	Keys                         []linkage.Key
	Stages                       []stage
	Model                        *linkage.Model
	Truth                        *truth.Report
	Histogram, Curve             template.HTML
	Sizes                        []size
	Examples                     []kind

	top int // bits at the right end of the scale
}

type stage struct {
	Name, Took, Items string
}

type size struct {
	Records, Clusters int
	Width             float64
}

// kind is a kind of decision with pairs of it.
type kind struct {
	Title, Why string
	Pairs      []example
}

type example struct {
	A, B string // file and row
	linkage.Explanation
}

// Limits of a page.
const (
	mostExamples = 5
	mostSizes    = 30
	least, most  = -12, 40 // bits of the histogram
)

// Make reads what the page needs from the result; score may be nil.
func Make(t *linkage.Table, res *linkage.Result, score *truth.Report, notes []string) (*Page, error) {
	p := &Page{Records: t.Rows(), Clusters: res.Count, Identical: res.Identical, Pairs: res.Pairs, Edges: res.Edges, Refused: res.Refused, Threshold: linkage.Probability(res.Threshold),
		Sources: t.Sources(), Notes: notes, Choices: res.Choices, Keys: res.Keys, Model: res.Model, Truth: score}
	for _, s := range res.Stages {
		p.Stages = append(p.Stages, stage{s.Name, s.Took.Round(time.Millisecond).String(), thousands(s.Items) + " " + s.Unit})
	}
	counts := res.Sizes()
	sizes := slices.Sorted(maps.Keys(counts))
	top := 1
	for _, n := range counts {
		top = max(top, n)
	}
	for i, n := range sizes {
		if i < mostSizes || i == len(sizes)-1 {
			p.Sizes = append(p.Sizes, size{n, counts[n], math.Max(0.5, 100*float64(counts[n])/float64(top))})
		}
	}
	if err := p.look(t, res, score); err != nil {
		return nil, err
	}
	if score != nil {
		p.Curve = curve(score.Curve, p.top)
	}
	return p, nil
}

// look goes through the weighed pairs once.
func (p *Page) look(t *linkage.Table, res *linkage.Result, score *truth.Report) error {
	surest := kind{Title: "Surely one person", Why: "the heaviest pairs that are not equal"}
	barely := kind{Title: "Just one person", Why: "in one cluster, and their own weight is near the threshold"}
	hardly := kind{Title: "Just not one person", Why: "in different clusters, and their weight is near the threshold"}
	carried := kind{Title: "Together by others", Why: "in one cluster although the pair alone is below the threshold"}
	kept := kind{Title: "Kept apart", Why: "heavy, but their clusters do not fit together, or a conflict is between them"}
	explain := res.Explainer()
	add := func(k *kind, a, b int) {
		if len(k.Pairs) < mostExamples {
			k.Pairs = append(k.Pairs, example{name(t, a), name(t, b), explain(a, b)})
		}
	}
	bins := make([]int64, most-least+1)
	var last float64
	err := res.EachEdge(func(a, b int, w float64) bool {
		bins[max(0, min(len(bins)-1, int(math.Floor(w))-least))]++
		together := res.Clusters[a] == res.Clusters[b]
		far := w - res.Threshold
		switch {
		case together && far > 4:
			if last == 0 || last-w > 1 { // not five of one cluster
				add(&surest, a, b)
				last = w
			}
		case together && far >= 0 && far < 2:
			add(&barely, a, b)
		case together && far < 0:
			add(&carried, a, b)
		case !together && far > 4:
			add(&kept, a, b)
		case !together && far > -2 && far < 2:
			add(&hardly, a, b)
		}
		return true
	})
	p.top = least
	for i, n := range bins {
		if n > 0 {
			p.top = max(p.top, least+i+1)
		}
	}
	p.top = min(most, max(4, p.top+3)&^3) // whole steps of the scale
	p.Histogram = histogram(bins[:p.top-least], p.top, res.Threshold)
	p.Examples = []kind{surest, barely, carried, hardly, kept}
	if score != nil {
		wrong := kind{Title: "Wrong: two people together", Why: "by the column of the truth"}
		lost := kind{Title: "Lost: one person apart", Why: "by the column of the truth; the heaviest"}
		for _, m := range score.Worst {
			if m.Same {
				add(&lost, m.A, m.B)
			} else {
				add(&wrong, m.A, m.B)
			}
		}
		p.Examples = append(p.Examples, wrong, lost)
	}
	return err
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error { return page.Execute(w, p) }

func name(t *linkage.Table, row int) string {
	s, n := t.Source(row)
	if s >= len(t.Sources()) {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s:%d", t.Sources()[s], n)
}

// bits writes a weight; what is nothing has no sign.
func bits(x float64) string {
	if math.Abs(x) < 0.05 {
		return "0.0"
	}
	return fmt.Sprintf("%+.1f", x)
}

// share writes how often something is: in percent, or, when that is rare, as one in so many.
func share(x float64) string {
	switch {
	case x <= 0:
		return "never"
	case x < 0.001:
		return "1 in " + thousands(int64(math.Round(1/x)))
	case x < 0.1:
		return fmt.Sprintf("%.2f %%", 100*x)
	}
	return fmt.Sprintf("%.1f %%", 100*x)
}

// oneIn begins a sentence.
func oneIn(x float64) string {
	if x <= 0 {
		return "None of the"
	}
	return "One in " + thousands(max(1, int64(math.Round(1/x))))
}

func thousands(n int64) string { return grouped(fmt.Sprint(n)) }

// grouped writes 1234567 as 1,234,567.
func grouped(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

const (
	plotWidth, plotHeight = 720, 180
	plotLeft, plotBottom  = 40, 22
)

func x(w float64, top int) float64 {
	return plotLeft + (w-least)/float64(top-least)*(plotWidth-plotLeft-10)
}

// axis draws the scale of weights.
func axis(b *strings.Builder, top int) {
	for w := least; w <= top; w += 4 {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`, x(float64(w), top), plotHeight-6, w)
	}
	fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%d" y2="%d" class="axis"/>`, plotLeft, plotWidth-10, plotHeight-plotBottom, plotHeight-plotBottom)
}

// histogram draws counts by bit, the height by their logarithm: a hundred matches and a million others both show.
func histogram(bins []int64, top int, threshold float64) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="pairs by weight">`, plotWidth, plotHeight)
	highest := 1.0
	for _, n := range bins {
		highest = math.Max(highest, math.Log10(float64(n)+1))
	}
	for i, n := range bins {
		h := math.Log10(float64(n)+1) / highest * (plotHeight - plotBottom - 10)
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s pairs of %d to %d bits</title></rect>`, x(float64(least+i), top)+1, plotHeight-plotBottom-h, x(1, top)-x(0, top)-2, h, thousands(n), least+i, least+i+1)
	}
	if cut := x(threshold, top); threshold > least && threshold < float64(top) {
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="4" y2="%d" class="cut"/>`, cut, cut, plotHeight-plotBottom)
	}
	axis(&b, top)
	b.WriteString("</svg>")
	return template.HTML(b.String()) // numbers alone
}

// curve draws precision, recall and F1 of pairs by threshold.
func curve(points []truth.Point, top int) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="precision, recall and F1 by threshold">`, plotWidth, plotHeight)
	y := func(v float64) float64 { return 8 + (1-v)*(plotHeight-plotBottom-8) }
	for _, v := range []float64{0, 0.25, 0.5, 0.75, 1} {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/><text x="4" y="%.1f">%.2f</text>`, plotLeft, plotWidth-10, y(v), y(v), y(v)+4, v)
	}
	for _, c := range []struct {
		class string
		of    func(truth.Point) float64
	}{{"precision", func(p truth.Point) float64 { return p.Precision }}, {"recall", func(p truth.Point) float64 { return p.Recall }}, {"f1", func(p truth.Point) float64 { return p.F1 }}} {
		fmt.Fprintf(&b, `<polyline class="%s" points="`, c.class)
		for _, p := range points {
			if p.Weight <= float64(top) {
				fmt.Fprintf(&b, "%.1f,%.1f ", x(p.Weight, top), y(c.of(p)))
			}
		}
		b.WriteString(`"/>`)
	}
	axis(&b, top)
	b.WriteString("</svg>")
	return template.HTML(b.String()) // numbers alone
}
