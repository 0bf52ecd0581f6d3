package value

import "math"

// objective is a function of the logarithms of parameters, with its gradient.
type objective func(at, gradient []float64) float64

// Bounds of the logarithm of a parameter: beyond, a model is at its edge and moves no more.
const (
	lowest  = -14.0
	highest = 16.0

	mostSteps = 300
)

// minimum is where a search ended.
type minimum struct {
	at      []float64
	value   float64
	inverse [][]float64 // of the second derivatives, as far as the search has seen them
}

// minimise goes down from a point by BFGS with backtracking (Nocedal and Wright 2006, chapter 6). inverse may be that of
// a like search that ended near by; nil is none.
func minimise(f objective, start []float64, inverse [][]float64, tolerance float64) minimum {
	n := len(start)
	at := append([]float64(nil), start...)
	g, next, ng := make([]float64, n), make([]float64, n), make([]float64, n)
	value := f(at, g)
	fresh := inverse == nil
	if fresh {
		inverse = identity(n)
	}
	for range mostSteps {
		if !finite(value) || norm(g) < tolerance {
			break
		}
		direction := times(inverse, g)
		slope := 0.0
		for i := range direction {
			direction[i] = -direction[i]
			slope += direction[i] * g[i]
		}
		if slope >= 0 {
			inverse, fresh = identity(n), true
			for i := range direction {
				direction[i] = -g[i]
			}
			slope = -norm2(g)
		}
		length := math.Min(1, 2/maxAbs(direction))
		if fresh {
			length = math.Min(1, 0.5/maxAbs(direction))
		}
		was, moved := value, false
		for range 40 {
			for i := range next {
				next[i] = math.Max(lowest, math.Min(highest, at[i]+length*direction[i]))
			}
			if v := f(next, ng); finite(v) && v <= value+1e-4*length*slope {
				value, moved = v, true
				break
			}
			length /= 3
		}
		if !moved {
			if fresh {
				break
			}
			inverse, fresh = identity(n), true
			continue
		}
		update(inverse, at, next, g, ng)
		fresh = false
		copy(at, next)
		copy(g, ng)
		if was-value < 1e-14*(1+math.Abs(value)) {
			break
		}
	}
	return minimum{at, value, inverse}
}

// update is the BFGS formula for the inverse of the second derivatives.
func update(h [][]float64, at, next, g, ng []float64) {
	n := len(at)
	s, y := make([]float64, n), make([]float64, n)
	sy := 0.0
	for i := range s {
		s[i], y[i] = next[i]-at[i], ng[i]-g[i]
		sy += s[i] * y[i]
	}
	if sy < 1e-14 {
		return
	}
	hy := times(h, y)
	yhy := 0.0
	for i := range y {
		yhy += y[i] * hy[i]
	}
	for i := range h {
		for j := range h {
			h[i][j] += (1+yhy/sy)*s[i]*s[j]/sy - (hy[i]*s[j]+s[i]*hy[j])/sy
		}
	}
}

// deviations are the standard errors of the logarithms of parameters, from the second derivatives of the mean
// of n customers; nil when the likelihood has no peak there.
func deviations(f objective, at []float64, n float64) []float64 {
	const h = 1e-4
	k := len(at)
	hessian := identity(k)
	up, down := make([]float64, k), make([]float64, k)
	for i := range k {
		p := append([]float64(nil), at...)
		p[i] += h
		f(p, up)
		p[i] -= 2 * h
		f(p, down)
		for j := range k {
			hessian[i][j] = (up[j] - down[j]) / (2 * h)
		}
	}
	for i := range k {
		for j := range i {
			m := (hessian[i][j] + hessian[j][i]) / 2
			hessian[i][j], hessian[j][i] = m, m
		}
	}
	inverse, ok := invert(hessian)
	if !ok {
		return nil
	}
	out := make([]float64, k)
	for i := range k {
		if inverse[i][i] <= 0 || !finite(inverse[i][i]) {
			return nil
		}
		out[i] = math.Sqrt(inverse[i][i] / n)
	}
	return out
}

// invert inverts a positive definite matrix by Gauss and Jordan.
func invert(m [][]float64) ([][]float64, bool) {
	n := len(m)
	a, out := identity(n), identity(n)
	for i := range m {
		copy(a[i], m[i])
	}
	for i := range n {
		pivot := a[i][i]
		if !(pivot > 1e-12) {
			return nil, false
		}
		for j := range n {
			a[i][j] /= pivot
			out[i][j] /= pivot
		}
		for k := range n {
			if k == i {
				continue
			}
			by := a[k][i]
			for j := range n {
				a[k][j] -= by * a[i][j]
				out[k][j] -= by * out[i][j]
			}
		}
	}
	return out, true
}

func identity(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		m[i][i] = 1
	}
	return m
}

func times(m [][]float64, v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range m {
		for j, x := range v {
			out[i] += m[i][j] * x
		}
	}
	return out
}

func norm2(v []float64) (sum float64) {
	for _, x := range v {
		sum += x * x
	}
	return sum
}

func norm(v []float64) float64 { return math.Sqrt(norm2(v)) }

func maxAbs(v []float64) (most float64) {
	for _, x := range v {
		most = math.Max(most, math.Abs(x))
	}
	return most
}
