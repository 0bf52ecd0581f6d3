package value

import (
	"math"
	"sync"
)

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// digamma is the derivative of lgamma for x > 0: recurrence up to 10, then the asymptotic series
// (Abramowitz and Stegun 6.3.5 and 6.3.18), good to 1e-14.
func digamma(x float64) float64 {
	sum := 0.0
	for x < 10 {
		sum -= 1 / x
		x++
	}
	f := 1 / (x * x)
	return sum + math.Log(x) - 0.5/x - f*(1.0/12-f*(1.0/120-f*(1.0/252-f*(1.0/240-f*(1.0/132-f*691.0/32760)))))
}

// logSum is ln(e^a + e^b).
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

func logBeta(a, b float64) float64 { return lgamma(a) + lgamma(b) - lgamma(a+b) }

// logHypergeometric is ln|2F1(a, b; c; z)| and its sign, for a, b > 0, c no whole number at or below 0, and 0 <= z < 1.
// Once c+j is positive all terms have one sign, so that the series loses no digits; it is
// kept in range by a running scale, as 2F1 passes 1e300 for people of a few hundred orders.
func logHypergeometric(a, b, c, z float64) (logAbs, sign float64) {
	const (
		mostTerms = 200_000
		large     = 1e250
	)
	term, sum, scale := 1.0, 1.0, 0.0
	for j := range mostTerms {
		k := float64(j)
		term *= (a + k) * (b + k) / ((c + k) * (1 + k)) * z
		sum += term
		if c+k > 0 && math.Abs(term) < 1e-16*math.Abs(sum) && (a+k)*(b+k)*z < (c+k)*(1+k) {
			break
		}
		if math.Abs(sum) > large {
			term /= large
			sum /= large
			scale += math.Log(large)
		}
	}
	if sum < 0 {
		return scale + math.Log(-sum), -1
	}
	return scale + math.Log(sum), 1
}

// rule is a Gauss-Legendre rule on 0..1.
type rule struct{ at, weight []float64 }

// rules are those of 8, 12, 16, 24, 32 and 48 points.
var rules = sync.OnceValue(func() []rule {
	var out []rule
	for _, n := range []int{8, 12, 16, 24, 32, 48} {
		out = append(out, legendre(n))
	}
	return out
})

// legendre finds the roots of the Legendre polynomial of degree n by Newton's method.
func legendre(n int) rule {
	r := rule{make([]float64, n), make([]float64, n)}
	for i := range n {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var slope float64
		for range 100 {
			p, before := 1.0, 0.0
			for j := range n {
				p, before = ((2*float64(j)+1)*x*p-float64(j)*before)/float64(j+1), p
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			step := p / slope
			x -= step
			if math.Abs(step) < 1e-15 {
				break
			}
		}
		r.at[n-1-i] = (1 + x) / 2
		r.weight[n-1-i] = 1 / ((1 - x*x) * slope * slope)
	}
	return r
}
