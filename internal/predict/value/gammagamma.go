package value

import (
	"math"
	"sort"
)

// GammaGamma is the size of orders: a person's orders are gamma (P, nu), and nu is gamma (Q, V) over people.
// V is in the currency of the orders.
type GammaGamma struct{ P, Q, V float64 }

// Parameters by name.
func (g GammaGamma) Parameters() map[string]float64 {
	return map[string]float64{"p": g.P, "q": g.Q, "v": g.V}
}

// LogLikelihood of a mean value m of x orders, both above 0.
func (g GammaGamma) LogLikelihood(x int, m float64) float64 {
	n := float64(x)
	px := g.P * n
	return lgamma(px+g.Q) - lgamma(px) - lgamma(g.Q) + g.Q*math.Log(g.V) + (px-1)*math.Log(m) + px*math.Log(n) - (px+g.Q)*math.Log(n*m+g.V)
}

// Mean is that of all people's mean values; NaN when it has none (Q at or below 1).
func (g GammaGamma) Mean() float64 {
	if g.Q <= 1 {
		return math.NaN()
	}
	return g.P * g.V / (g.Q - 1)
}

// Expected is the mean value of a customer's orders to come: their own mean, shrunk to that of all.
func (g GammaGamma) Expected(s Summary) float64 {
	x := float64(s.Frequency)
	if s.Frequency == 0 || s.Monetary <= 0 {
		return g.Mean()
	}
	return g.P * (g.V + x*s.Monetary) / (g.P*x + g.Q - 1)
}

// spends are the customers that the size of orders is learned from.
func spends(of []Summary) (x, m []float64) {
	for _, s := range of {
		if s.Frequency > 0 && s.Monetary > 0 && finite(s.Monetary) {
			x = append(x, float64(s.Frequency))
			m = append(m, s.Monetary)
		}
	}
	return x, m
}

func spending(x, m []float64) objective {
	n := float64(len(x))
	return func(at, gradient []float64) float64 {
		p, q, v := math.Exp(at[0]), math.Exp(at[1]), math.Exp(at[2])
		lq, lv, dq := lgamma(q), math.Log(v), digamma(q)
		sum := total(len(x), func(from, to int) (out [5]float64) {
			for i := from; i < to; i++ {
				px, z := p*x[i], x[i]*m[i]
				ls, lm, lx := math.Log(z+v), math.Log(m[i]), math.Log(x[i])
				psi := digamma(px + q)
				out[0] -= lgamma(px+q) - lgamma(px) - lq + q*lv + (px-1)*lm + px*lx - (px+q)*ls
				out[1] -= x[i] * (psi - digamma(px) + lm + lx - ls)
				out[2] -= psi - dq + lv - ls
				out[3] -= q/v - (px+q)/(z+v)
			}
			return out
		})
		for i, value := range []float64{p, q, v} {
			gradient[i] = sum[i+1] * value / n
		}
		return sum[0] / n
	}
}

// fewestSpends is how many repeat customers the size of orders is learned from at least.
const fewestSpends = 10

// fitSpending learns the size of orders.
func fitSpending(of []Summary) (*GammaGamma, *Spending) {
	x, m := spends(of)
	out := &Spending{Customers: len(x)}
	if len(x) < fewestSpends {
		return nil, out
	}
	middle := median(m)
	f, look := spending(x, m), spending(every(x, firstLook), every(m, firstLook))
	found := minimum{value: math.Inf(1)}
	for _, start := range [][2]float64{{1, 2}, {6, 3}, {2, 10}} {
		at := []float64{math.Log(start[0]), math.Log(start[1]), math.Log(middle * start[1] / start[0])}
		if m := minimise(look, at, nil, 1e-6); m.value < found.value {
			found = m
		}
	}
	if found.at == nil {
		return nil, out
	}
	found = minimise(f, found.at, found.inverse, 1e-7)
	best, lowestValue := found.at, found.value
	g := &GammaGamma{math.Exp(best[0]), math.Exp(best[1]), math.Exp(best[2])}
	out.LogLikelihood = -lowestValue * float64(len(x))
	out.Errors = errorsOf([]string{"p", "q", "v"}, best, deviations(f, best, float64(len(x))))
	out.Correlation = correlation(x, m)
	for _, p := range best {
		out.AtEdge = out.AtEdge || p <= lowest+1 || p >= highest-1
	}
	return g, out
}

func median(v []float64) float64 {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	return s[len(s)/2]
}

// every keeps about n values, spread evenly.
func every(v []float64, n int) []float64 {
	if len(v) <= n {
		return v
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = v[i*len(v)/n]
	}
	return out
}
