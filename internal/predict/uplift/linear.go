package uplift

import (
	"math"

	"clientele/internal/predict/learn"
)

// linear is a regression on standardised features, its weights drawn to 0. A missing value counts as the mean.
type linear struct {
	intercept         float64
	weights, mean, sd []float64
}

// fitLinear minimises the squares of errors plus penalty x the squared length of the weights.
func fitLinear(x *learn.Matrix, y []float64, penalty float64) *linear {
	n, p := len(y), len(x.Columns)
	m := &linear{weights: make([]float64, p), mean: make([]float64, p), sd: make([]float64, p)}
	for _, v := range y {
		m.intercept += v / float64(n)
	}
	z := make([][]float64, p)
	for j, column := range x.Columns {
		sum, squares, there := 0.0, 0.0, 0.0
		for _, v := range column {
			if !math.IsNaN(v) {
				sum, there = sum+v, there+1
			}
		}
		m.mean[j] = sum / max(there, 1)
		for _, v := range column {
			if !math.IsNaN(v) {
				squares += (v - m.mean[j]) * (v - m.mean[j])
			}
		}
		m.sd[j] = math.Sqrt(squares / max(there, 1))
		z[j] = make([]float64, n)
		for i, v := range column {
			z[j][i] = m.standard(j, v)
		}
	}
	a := make([][]float64, p) // the normal equations, with their right side last
	for j := range a {
		a[j] = make([]float64, p+1)
		for k := range p {
			if k < j {
				a[j][k] = a[k][j]
				continue
			}
			for i, v := range z[j] {
				a[j][k] += v * z[k][i]
			}
		}
		a[j][j] += penalty
		for i, v := range z[j] {
			a[j][p] += v * (y[i] - m.intercept)
		}
	}
	solve(a)
	for j := range a {
		m.weights[j] = a[j][p]
	}
	return m
}

func (m *linear) standard(j int, v float64) float64 {
	if math.IsNaN(v) || m.sd[j] == 0 {
		return 0
	}
	return (v - m.mean[j]) / m.sd[j]
}

func (m *linear) at(x *learn.Matrix) []float64 {
	out := make([]float64, x.Rows())
	for i := range out {
		out[i] = m.intercept
		for j, w := range m.weights {
			out[i] += w * m.standard(j, x.Columns[j][i])
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
