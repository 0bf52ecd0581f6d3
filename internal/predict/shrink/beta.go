package shrink

import (
	"cmp"
	"math"
	"slices"
)

// weighted is equal counts of several people.
type weighted struct {
	Count
	w float64
}

// sortGroups puts them into an order, so that sums are equal in every run.
func sortGroups(g []weighted) {
	slices.SortFunc(g, func(a, b weighted) int { return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.K, b.K)) })
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

func logBeta(a, b float64) float64 { return lgamma(a) + lgamma(b) - lgamma(a+b) }

// What is held likely before any data: A+B around 4, within a factor of 3.3 or so, and no share of exactly 0 or 1. It is worth
// about one person; of a handful it keeps the fit from "everybody is all or nothing" and "everybody is alike".
const (
	usualSize = 4.0
	spread    = 1.2
)

// likelihood of counts under Beta(mean*size, (1-mean)*size), in logarithms, without what does not depend on both.
func likelihood(groups []weighted, mean, size float64) float64 {
	a, b := mean*size, (1-mean)*size
	away := math.Log(size/usualSize) / spread
	base, sum := logBeta(a, b), math.Log(mean*(1-mean))/2-away*away/2
	for _, g := range groups {
		sum += g.w * (logBeta(a+float64(g.K), b+float64(g.N-g.K)) - base)
	}
	return sum
}

// BetaRegularised is the share of Beta(a, b) at or below x, by its continued fraction (Lentz's method; Abramowitz and Stegun 26.5.8).
func BetaRegularised(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) {
		return 1 - BetaRegularised(b, a, 1-x)
	}
	const tiny = 1e-300
	front := math.Exp(a*math.Log(x)+b*math.Log1p(-x)-logBeta(a, b)) / a
	f, c, d := 1.0, 1.0, 0.0
	for i := range 1000 {
		m := float64(i / 2)
		var step float64
		switch {
		case i == 0:
			step = 1
		case i%2 == 0:
			step = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			step = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 + step*d
		if math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		c = 1 + step/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-13 {
			break
		}
	}
	return front * (f - 1)
}
