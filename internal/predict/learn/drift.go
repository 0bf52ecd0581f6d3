package learn

import (
	"cmp"
	"math"
	"slices"
)

// profile is how the columns of the training rows were spread, to tell later rows by.
type profile struct {
	edges  [][]float64 // at the most ten bins a column; one more for missing values
	shares [][]float64
}

const driftBins = 10

// Spread is how rows are spread now, to watch later ones by: its Model watches, and knows nothing else.
func Spread(x *Matrix) Saved {
	p := profileOf(x)
	return Saved{Columns: x.Names, Edges: p.edges, Shares: p.shares}
}

func profileOf(x *Matrix) profile {
	p := profile{edges: make([][]float64, len(x.Columns)), shares: make([][]float64, len(x.Columns))}
	for j, column := range x.Columns {
		var values []float64
		for i := 0; i < len(column); i += max(1, len(column)/100_000) {
			if !math.IsNaN(column[i]) {
				values = append(values, column[i])
			}
		}
		slices.Sort(values)
		p.edges[j] = driftEdges(values)
		p.shares[j] = spread(p.edges[j], column)
	}
	return p
}

// driftEdges are tenths of sorted values. Where a tenth and more have the lowest one, as of discounts that are mostly 0, it has
// a bin of its own; where all do, so have values below it.
func driftEdges(values []float64) (edges []float64) {
	if len(values) == 0 {
		return nil
	}
	if lowest := values[0]; values[len(values)/driftBins] == lowest {
		edges = append(edges, math.Nextafter(lowest, math.Inf(1)))
		if values[len(values)-1] == lowest {
			return []float64{lowest, edges[0]}
		}
	}
	for k := 1; k < driftBins; k++ {
		if q := values[k*len(values)/driftBins]; q > values[0] && (len(edges) == 0 || q > edges[len(edges)-1]) {
			edges = append(edges, q)
		}
	}
	return edges
}

func spread(edges, column []float64) []float64 {
	shares := make([]float64, len(edges)+2)
	for _, v := range column {
		shares[binOf(edges, v)]++
	}
	for k := range shares {
		shares[k] /= float64(max(len(column), 1))
	}
	return shares
}

// Shift is how one column moved between the training and later rows.
type Shift struct {
	Column string  `json:"column"`
	PSI    float64 `json:"psi"` // population stability index: below 0.1 nothing, above 0.25 much
}

// Drift compares rows with those of the training.
type Drift struct {
	Moved  bool    `json:"moved"`
	Cause  string  `json:"cause,omitempty"` // the cause that moved most, when something moved
	Shifts []Shift `json:"shifts"`          // the largest first
	Causes []Shift `json:"causes"`          // the largest shift within each cause
}

// DriftAlarm is the stability index from which a column has moved.
const DriftAlarm = 0.25

// Watch compares later rows with the training's; cause names what a column is about ("price",
// "stock", "mix"). A column's index above 0.25 counts as moved.
func (m *Model) Watch(x *Matrix, cause func(column string) string) Drift {
	x = m.align(x)
	var d Drift
	largest := map[string]float64{}
	for j, column := range x.Columns {
		now := spread(m.trained.edges[j], column)
		var psi float64
		for k, then := range m.trained.shares[j] {
			a, b := max(now[k], 1e-4), max(then, 1e-4)
			psi += (a - b) * math.Log(a/b)
		}
		d.Shifts = append(d.Shifts, Shift{x.Names[j], psi})
		c := cause(x.Sources[j])
		largest[c] = max(largest[c], psi)
	}
	bySize := func(a, b Shift) int { return cmp.Or(cmp.Compare(b.PSI, a.PSI), cmp.Compare(a.Column, b.Column)) }
	slices.SortFunc(d.Shifts, bySize)
	for c, psi := range largest {
		d.Causes = append(d.Causes, Shift{c, psi})
	}
	slices.SortFunc(d.Causes, bySize)
	if len(d.Causes) > 0 && d.Causes[0].PSI >= DriftAlarm {
		d.Moved, d.Cause = true, d.Causes[0].Column
	}
	return d
}
