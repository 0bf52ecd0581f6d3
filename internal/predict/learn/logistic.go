package learn

import (
	"math"
)

// Logistic is a regression of the log-odds on standardised features. A missing value counts as
// the mean of its column.
type Logistic struct {
	Intercept float64
	Weights   []float64 // one a column, per standard deviation
	Mean, SD  []float64 // of the training rows
	Steps     int       // of the optimiser
}

// FitLogistic minimises the sum of log-losses plus penalty/2 x the squared length of the
// weights; the intercept is free. A constant column gets the weight 0.
func FitLogistic(x *Matrix, y []bool, penalty float64, workers int) *Logistic {
	n, p := x.Rows(), len(x.Columns)
	m := &Logistic{Weights: make([]float64, p), Mean: make([]float64, p), SD: make([]float64, p)}
	rows := make([]float64, n*p)
	parallel(p, workers, func(j int) {
		m.Mean[j], m.SD[j] = moments(x.Columns[j])
		for i, v := range x.Columns[j] {
			rows[i*p+j] = m.standard(j, v)
		}
	})
	rate := min(max(Rate(y), 1e-9), 1-1e-9)
	start := make([]float64, p+1)
	start[p] = math.Log(rate / (1 - rate))
	best, steps := minimise(start, logisticLoss(rows, y, p, penalty, workers), 500, 1e-8)
	copy(m.Weights, best[:p])
	m.Intercept, m.Steps = best[p], steps
	return m
}

// logisticLoss is the mean loss and its gradient at w (the intercept last), over rows that lie
// one behind the other.
func logisticLoss(rows []float64, y []bool, p int, penalty float64, workers int) func(w, gradient []float64) float64 {
	n := len(y)
	parts := make([][]float64, pieces(n)) // gradient and, last, the loss
	for k := range parts {
		parts[k] = make([]float64, p+2)
	}
	return func(w, gradient []float64) float64 {
		parallel(len(parts), workers, func(k int) {
			part := parts[k]
			clear(part)
			from, to := pieceOf(k, n)
			for i := from; i < to; i++ {
				row := rows[i*p : i*p+p]
				z := w[p]
				for j, v := range row {
					z += w[j] * v
				}
				d := Sigmoid(z)
				if y[i] {
					d--
					part[p+1] += softplus(-z)
				} else {
					part[p+1] += softplus(z)
				}
				for j, v := range row {
					part[j] += d * v
				}
				part[p] += d
			}
		})
		clear(gradient)
		var loss float64
		for _, part := range parts {
			for j := range gradient {
				gradient[j] += part[j]
			}
			loss += part[p+1]
		}
		for j := range p {
			loss += penalty / 2 * w[j] * w[j]
			gradient[j] += penalty * w[j]
		}
		for j := range gradient {
			gradient[j] /= float64(n)
		}
		return loss / float64(n)
	}
}

// moments are mean and standard deviation (of the population) of the values that are there; a
// constant column has the deviation 0.
func moments(values []float64) (mean, sd float64) {
	n := 0
	for _, v := range values {
		if !math.IsNaN(v) {
			mean += v
			n++
		}
	}
	if n == 0 {
		return 0, 0
	}
	mean /= float64(n)
	for _, v := range values {
		if !math.IsNaN(v) {
			sd += (v - mean) * (v - mean)
		}
	}
	sd = math.Sqrt(sd / float64(n))
	if sd <= 1e-12*math.Abs(mean) {
		sd = 0
	}
	return mean, sd
}

func (m *Logistic) standard(j int, v float64) float64 {
	if math.IsNaN(v) || m.SD[j] == 0 {
		return 0
	}
	return (v - m.Mean[j]) / m.SD[j]
}

// Margin is the log-odds of each row.
func (m *Logistic) Margin(x *Matrix) []float64 {
	out := make([]float64, x.Rows())
	for i := range out {
		out[i] = m.Intercept
	}
	for j, column := range x.Columns {
		if m.Weights[j] == 0 {
			continue
		}
		for i, v := range column {
			out[i] += m.Weights[j] * m.standard(j, v)
		}
	}
	return out
}

// contribute adds to out what each column of row i adds to the log-odds of the average row.
// Exact: the intercept and the contributions sum to the margin.
func (m *Logistic) contribute(x *Matrix, i int, out []float64) (base float64) {
	for j, column := range x.Columns {
		out[j] += m.Weights[j] * m.standard(j, column[i])
	}
	return m.Intercept
}

// minimise is L-BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.5) with ten pairs
// and a search along the line that halves and doubles until the weak Wolfe conditions hold. It
// ends when the largest part of the gradient is below tolerance.
func minimise(x []float64, f func(x, gradient []float64) float64, maxSteps int, tolerance float64) ([]float64, int) {
	const memory = 10
	n := len(x)
	gradient, next, nextGradient := make([]float64, n), make([]float64, n), make([]float64, n)
	value := f(x, gradient)
	var s, t [][]float64 // steps, and the changes of the gradient over them
	for step := range maxSteps {
		if largest(gradient) < tolerance {
			return x, step
		}
		direction := descent(gradient, s, t)
		slope := dot(direction, gradient)
		if slope >= 0 { // rounding: forget the past
			s, t = nil, nil
			direction = descent(gradient, nil, nil)
			slope = dot(direction, gradient)
		}
		rate, low, high := 1.0, 0.0, math.Inf(1)
		if len(s) == 0 {
			rate = min(1, 1/math.Sqrt(-slope))
		}
		var nextValue float64
		for range 60 {
			for j := range next {
				next[j] = x[j] + rate*direction[j]
			}
			nextValue = f(next, nextGradient)
			switch {
			case !(nextValue <= value+1e-4*rate*slope):
				high = rate
			case dot(direction, nextGradient) < 0.9*slope:
				low = rate
			default:
				low, high = rate, rate
			}
			if low == high {
				break
			}
			if math.IsInf(high, 1) {
				rate *= 2
			} else {
				rate = (low + high) / 2
			}
		}
		if !(nextValue < value) { // nothing more to gain at this precision
			return x, step
		}
		ds, dt := make([]float64, n), make([]float64, n)
		for j := range next {
			ds[j], dt[j] = next[j]-x[j], nextGradient[j]-gradient[j]
		}
		if dot(ds, dt) > 0 {
			if len(s) == memory {
				s, t = s[1:], t[1:]
			}
			s, t = append(s, ds), append(t, dt)
		}
		x, next = next, x
		gradient, nextGradient = nextGradient, gradient
		value = nextValue
	}
	return x, maxSteps
}

// descent is the quasi-Newton direction from the last steps s and gradient changes t.
func descent(gradient []float64, s, t [][]float64) []float64 {
	q := make([]float64, len(gradient))
	for j, g := range gradient {
		q[j] = -g
	}
	alpha := make([]float64, len(s))
	for k := len(s) - 1; k >= 0; k-- {
		alpha[k] = dot(s[k], q) / dot(s[k], t[k])
		addTo(q, -alpha[k], t[k])
	}
	if k := len(s) - 1; k >= 0 {
		scale := dot(s[k], t[k]) / dot(t[k], t[k])
		for j := range q {
			q[j] *= scale
		}
	}
	for k := range s {
		addTo(q, alpha[k]-dot(t[k], q)/dot(s[k], t[k]), s[k])
	}
	return q
}

func addTo(to []float64, factor float64, v []float64) {
	for j := range to {
		to[j] += factor * v[j]
	}
}

func dot(a, b []float64) (sum float64) {
	for j := range a {
		sum += a[j] * b[j]
	}
	return sum
}

func largest(v []float64) (m float64) {
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}
