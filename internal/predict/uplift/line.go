package uplift

import (
	"math"
	"slices"
)

// Line is the effect by score, as people of the test had it: the best linear prediction of effects by scores (Chernozhukov, Demirer, Duflo and
// Fernández-Val 2018). What a model says too much or too little of is put right by it.
type Line struct {
	Middle float64    `json:"middle"` // mean of the scores
	Level  float64    `json:"level"`  // effect there
	Slope  float64    `json:"slope"`  // effect by score; 1: what was said came
	Var    [3]float64 `json:"var"`    // of level and slope: variance, covariance, variance
	Low    float64    `json:"low"`    // scores below this one and above High count as them: there were too few in the test
	High   float64    `json:"high"`
}

// Fitted is the line through the rows of a test. Errors are robust (White 1980): each arm has a regression of its own.
func Fitted(score []float64, treated []bool, outcome []float64) Line {
	sorted := slices.Sorted(slices.Values(score))
	l := Line{Low: sorted[len(sorted)/100], High: sorted[len(sorted)-1-len(sorted)/100]}
	clamped := make([]float64, len(score))
	for i, s := range score {
		clamped[i] = min(max(s, l.Low), l.High)
		l.Middle += clamped[i] / float64(len(score))
	}
	for a, sign := range []float64{-1, 1} {
		var n, u1, u2, y0, y1 float64
		for i, s := range clamped {
			if arm(treated[i]) == a {
				u := s - l.Middle
				n, u1, u2, y0, y1 = n+1, u1+u, u2+u*u, y0+outcome[i], y1+u*outcome[i]
			}
		}
		level, slope := y0/max(n, 1), 0.0
		det := n*u2 - u1*u1
		flat := !(det > 1e-12*n*u2) // all scores are one
		if !flat {
			level, slope = (u2*y0-u1*y1)/det, (n*y1-u1*y0)/det
		}
		var m0, m1, m2 float64
		for i, s := range clamped {
			if arm(treated[i]) == a {
				u := s - l.Middle
				e := outcome[i] - level - slope*u
				m0, m1, m2 = m0+e*e, m1+e*e*u, m2+e*e*u*u
			}
		}
		l.Level += sign * level
		l.Slope += sign * slope
		if flat {
			l.Var[0] += m0 / max(n*n, 1)
			continue
		}
		a, b, c := u2/det, -u1/det, n/det // the inverse of the products
		l.Var[0] += a*a*m0 + 2*a*b*m1 + b*b*m2
		l.Var[1] += a*b*m0 + (a*c+b*b)*m1 + b*c*m2
		l.Var[2] += b*b*m0 + 2*b*c*m1 + c*c*m2
	}
	if !(l.Slope > 0) { // the order is of no use: everybody has the effect of all
		l.Slope, l.Var[1], l.Var[2] = 0, 0, 0
	}
	return l
}

// Effect of people with a score, with an interval of 95 % for their mean.
func (l Line) Effect(score float64) (value, low, high float64) {
	u := min(max(score, l.Low), l.High) - l.Middle
	value = l.Level + l.Slope*u
	half := z95 * math.Sqrt(max(l.Var[0]+2*l.Var[1]*u+l.Var[2]*u*u, 0))
	return value, value - half, value + half
}

// z95 is the quantile that 95 % of a normal distribution lie within, both sides.
const z95 = 1.959963984540054
