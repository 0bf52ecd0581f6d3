package uplift

import (
	"math"

	"clientele/internal/predict/learn"
)

// linear is a regression on standardised features, its weights drawn to 0. A missing value counts as the mean.
type linear struct {
	Intercept         float64
	Weights, Mean, SD []float64
}

// piece is how many rows are summed together: what stays in the cache.
const piece = 2048

// fitLinear minimises the squares of errors plus penalty x the squared length of the weights.
func fitLinear(x *learn.Matrix, y []float64, penalty float64) *linear {
	n, p := len(y), len(x.Columns)
	m := &linear{Weights: make([]float64, p), Mean: make([]float64, p), SD: make([]float64, p)}
	for _, v := range y {
		m.Intercept += v / float64(n)
	}
	for j, column := range x.Columns {
		m.Mean[j] = meanOf(column)
		squares, there := 0.0, 0.0
		for _, v := range column {
			if !math.IsNaN(v) {
				squares, there = squares+(v-m.Mean[j])*(v-m.Mean[j]), there+1
			}
		}
		m.SD[j] = math.Sqrt(squares / max(there, 1))
	}
	a := make([][]float64, p) // the normal equations, with their right side last
	z := make([][]float64, p)
	for j := range a {
		a[j], z[j] = make([]float64, p+1), make([]float64, piece)
	}
	for from := 0; from < n; from += piece {
		rest := y[from:min(from+piece, n)]
		for j := range z {
			for i, v := range x.Columns[j][from : from+len(rest)] {
				z[j][i] = m.standard(j, v)
			}
		}
		for j := range a {
			own := z[j][:len(rest)]
			for k := j; k < p; k++ {
				sum := 0.0
				for i, v := range z[k][:len(rest)] {
					sum += own[i] * v
				}
				a[j][k] += sum
			}
			for i, v := range rest {
				a[j][p] += own[i] * (v - m.Intercept)
			}
		}
	}
	for j := range a {
		for k := range j {
			a[j][k] = a[k][j]
		}
		a[j][j] += penalty
	}
	solve(a)
	for j := range a {
		m.Weights[j] = a[j][p]
	}
	return m
}

func (m *linear) standard(j int, v float64) float64 {
	if math.IsNaN(v) || m.SD[j] == 0 {
		return 0
	}
	return (v - m.Mean[j]) / m.SD[j]
}

func (m *linear) at(x *learn.Matrix) []float64 {
	out := make([]float64, x.Rows())
	for i := range out {
		out[i] = m.Intercept
	}
	for j, w := range m.Weights {
		if w == 0 {
			continue
		}
		for i, v := range x.Columns[j] {
			out[i] += w * m.standard(j, v)
		}
	}
	return out
}

// solve turns the equations of a positive definite matrix into their solution, which it leaves in the last column.
func solve(a [][]float64) {
	for k, pivot := range a {
		f := 1 / pivot[k]
		for j := k; j < len(pivot); j++ {
			pivot[j] *= f
		}
		for i, row := range a {
			if i == k || row[k] == 0 {
				continue
			}
			f := row[k]
			for j := k; j < len(row); j++ {
				row[j] -= f * pivot[j]
			}
		}
	}
}
