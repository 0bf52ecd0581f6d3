package learn

import (
	"math"
	"sort"
)

// Calibrator turns a model's log-odds into a probability that comes true as often as it says.
type Calibrator struct {
	Method string // isotonic or platt
	// Isotonic: Level[k] holds from Edge[k] on, and straight lines between.
	Edge, Level []float64
	// Platt: log-odds = A x margin + B.
	A, B float64
}

// isotonicFrom is how many of the rarer class isotonic regression needs not to learn noise;
// with fewer, Platt's two parameters are fitted (Niculescu-Mizil and Caruana 2005).
const isotonicFrom = 500

// Calibrate fits on rows that the model was not trained on.
func Calibrate(margin []float64, y []bool) *Calibrator {
	yes := count(y)
	if min(yes, len(y)-yes) >= isotonicFrom {
		return isotonic(margin, y)
	}
	return platt(margin, y)
}

// isotonic pools adjacent violators (Ayer et al. 1955); the value of a pool stands at the mean of
// its margins, with straight lines between, so that ranks survive inside a pool.
func isotonic(margin []float64, y []bool) *Calibrator {
	type pool struct{ rows, yes, margin float64 }
	var pools []pool
	for _, i := range ascending(margin) {
		p := pool{rows: 1, margin: margin[i]}
		if y[i] {
			p.yes = 1
		}
		pools = append(pools, p)
		for k := len(pools) - 1; k > 0 && pools[k-1].yes*pools[k].rows >= pools[k].yes*pools[k-1].rows; k-- {
			pools[k-1].rows += pools[k].rows
			pools[k-1].yes += pools[k].yes
			pools[k-1].margin += pools[k].margin
			pools = pools[:k]
		}
	}
	c := &Calibrator{Method: "isotonic"}
	for _, p := range pools {
		c.Edge = append(c.Edge, p.margin/p.rows)
		c.Level = append(c.Level, (p.yes+0.5)/(p.rows+1)) // never exactly 0 or 1
	}
	for k := 1; k < len(c.Level); k++ { // the half rows can turn neighbours round
		c.Level[k] = max(c.Level[k], c.Level[k-1])
	}
	return c
}

// platt fits the two parameters to the smoothed targets of Platt (1999).
func platt(margin []float64, y []bool) *Calibrator {
	yes := float64(count(y))
	no := float64(len(y)) - yes
	high, low := (yes+1)/(yes+2), 1/(no+2)
	_, unit := moments(margin)
	if unit == 0 {
		unit = 1
	}
	best, _ := minimise([]float64{0, math.Log((yes + 1) / (no + 1))}, func(w, gradient []float64) (loss float64) {
		clear(gradient)
		for i, z := range margin {
			t := low
			if y[i] {
				t = high
			}
			z /= unit
			at := w[0]*z + w[1]
			loss += softplus(at) - t*at
			gradient[0] += (Sigmoid(at) - t) * z
			gradient[1] += Sigmoid(at) - t
		}
		n := yes + no
		gradient[0], gradient[1] = gradient[0]/n, gradient[1]/n
		return loss / n
	}, 100, 1e-9)
	c := &Calibrator{Method: "platt", A: best[0] / unit, B: best[1]}
	if !(c.A > 0) || math.IsInf(c.A, 0) || math.IsNaN(c.B) { // the ranking was no use: say the rate
		rate := (yes + 1) / (yes + no + 2)
		c.A, c.B = 0, math.Log(rate/(1-rate))
	}
	return c
}

// Probability of one margin.
func (c *Calibrator) Probability(margin float64) float64 {
	if c.Method == "platt" {
		return Sigmoid(c.A*margin + c.B)
	}
	k := sort.SearchFloat64s(c.Edge, margin)
	switch {
	case k == 0:
		return c.Level[0]
	case k == len(c.Edge):
		return c.Level[k-1]
	}
	share := (margin - c.Edge[k-1]) / (c.Edge[k] - c.Edge[k-1])
	return c.Level[k-1] + share*(c.Level[k]-c.Level[k-1])
}
