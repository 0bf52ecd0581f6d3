// Package report makes one page, complete in itself, of what a model learned, how far it can be believed and what it
// predicts: facts, notes, and sections of a sentence, a table and a chart each.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

//go:embed report.html
var text string

var page = template.Must(template.New("report").Parse(text))

// Page is a report.
type Page struct {
	Title    string
	Sub      string // under the title: files, dates, units
	Facts    []Fact
	Notes    []string // warnings, in sentences
	Sections []Section
}

// Fact is a number with what it counts.
type Fact struct{ Number, Of string }

// Section is a part of a page.
type Section struct {
	Title, Why string
	Head       []string // of the table; names with a leading > are numbers, to the right
	Rows       [][]string
	Chart      template.HTML
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error { return page.Execute(w, p) }

// Name of a column without its mark.
func (Section) Name(head string) string { return strings.TrimPrefix(head, ">") }

// Right says that the column of that number holds numbers.
func (s Section) Right(i int) bool { return i < len(s.Head) && strings.HasPrefix(s.Head[i], ">") }

const (
	width, height       = 720, 220
	left, right, bottom = 56, 10, 24
)

// Line is a series of a chart: points of equal number of x and y.
type Line struct {
	Name string
	X, Y []float64
	Low  []float64 // a band around it, when given with High
	High []float64
}

// Lines draws series over one axis; label names a value of x.
func Lines(lines []Line, label func(x float64) string) template.HTML {
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), 0.0, math.Inf(-1)
	for _, l := range lines {
		for i := range l.X {
			x0, x1 = math.Min(x0, l.X[i]), math.Max(x1, l.X[i])
			y0, y1 = math.Min(y0, l.Y[i]), math.Max(y1, l.Y[i])
			if i < len(l.High) {
				y1 = math.Max(y1, l.High[i])
			}
		}
	}
	if !(x1 > x0) || !(y1 > y0) {
		return ""
	}
	px := func(x float64) float64 { return left + (x-x0)/(x1-x0)*(width-left-right) }
	py := func(y float64) float64 { return height - bottom - (y-y0)/(y1-y0)*(height-bottom-10) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img">`, width, height)
	for i := range 5 {
		y := y0 + (y1-y0)*float64(i)/4
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/><text x="2" y="%.1f">%s</text>`, left, width-right, py(y), py(y), py(y)+4, Short(y))
		x := x0 + (x1-x0)*float64(i)/4
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, math.Min(width-30, px(x)), height-6, template.HTMLEscapeString(label(x)))
	}
	for k, l := range lines {
		if len(l.High) == len(l.X) && len(l.Low) == len(l.X) {
			fmt.Fprintf(&b, `<polygon class="band c%d" points="`, k%4)
			for i := range l.X {
				fmt.Fprintf(&b, "%.1f,%.1f ", px(l.X[i]), py(l.High[i]))
			}
			for i := len(l.X) - 1; i >= 0; i-- {
				fmt.Fprintf(&b, "%.1f,%.1f ", px(l.X[i]), py(math.Max(y0, l.Low[i])))
			}
			b.WriteString(`"/>`)
		}
		fmt.Fprintf(&b, `<polyline class="c%d" points="`, k%4)
		for i := range l.X {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(l.X[i]), py(l.Y[i]))
		}
		b.WriteString(`"/>`)
	}
	b.WriteString(`</svg><p class="key">`)
	for k, l := range lines {
		fmt.Fprintf(&b, `<b class="c%d">%s</b> `, k%4, template.HTMLEscapeString(l.Name))
	}
	b.WriteString("</p>")
	return template.HTML(b.String()) // numbers, and names that are escaped
}

// Short writes a number in at most five signs or so: 1.2M, 35k, 0.12.
func Short(x float64) string {
	switch a := math.Abs(x); {
	case a >= 1e6:
		return fmt.Sprintf("%.3gM", x/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.3gk", x/1e3)
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}
