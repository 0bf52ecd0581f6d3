package linkage

import "math"

// Label is a pair that somebody decided, with what it weighed.
type Label struct {
	Weight float64
	Same   bool
}

// Calibration sets weights right by decided pairs: the log-odds of a pair, in bits, are Shift + Scale * weight. It is logistic
// regression on the weight alone (Platt, 1999), so it does not matter that pairs were chosen for review by their weight.
type Calibration struct {
	Shift float64 `json:"shift"`
	Scale float64 `json:"scale"`
}

// Of the prior of a calibration, in bits: the model is taken to be right until labels say otherwise.
const (
	shiftSpread = 4.0
	scaleSpread = 0.5
	leastScale  = 0.1
)

// LeastLabels is how many labels it takes: two or three verdicts of one kind would empty a review queue.
const LeastLabels = 10

// Calibrate finds the most likely calibration: with fewer labels than LeastLabels the weights as they are.
func Calibrate(labels []Label) Calibration {
	c := Calibration{Scale: 1}
	if len(labels) < LeastLabels {
		return c
	}
	const rounds = 50
	for range rounds {
		// Newton's step on log posterior in natural units.
		ga, gb := -c.Shift/(shiftSpread*shiftSpread), -(c.Scale-1)/(scaleSpread*scaleSpread)
		haa, hab, hbb := 1/(shiftSpread*shiftSpread), 0.0, 1/(scaleSpread*scaleSpread)
		for _, l := range labels {
			w := math.Max(-clip, math.Min(clip, l.Weight))
			p, y := Probability(c.Shift+c.Scale*w), 0.0
			if l.Same {
				y = 1
			}
			ga += math.Ln2 * (y - p)
			gb += math.Ln2 * (y - p) * w
			v := math.Ln2 * math.Ln2 * p * (1 - p)
			haa, hab, hbb = haa+v, hab+v*w, hbb+v*w*w
		}
		det := haa*hbb - hab*hab
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		// A step of more than a few bits overshoots where all labels agree.
		most := math.Max(1, math.Max(math.Abs(da)/2, math.Abs(db)/0.5))
		c.Shift, c.Scale = c.Shift+da/most, math.Max(leastScale, c.Scale+db/most)
		if math.Abs(da) < 1e-9 && math.Abs(db) < 1e-9 {
			break
		}
	}
	return c
}

// Probability is that of a pair of the weight.
func (c Calibration) Probability(weight float64) float64 {
	return Probability(c.Shift + c.Scale*weight)
}

// Weight is the weight from which a pair has the probability.
func (c Calibration) Weight(probability float64) float64 {
	return (Weight(probability) - c.Shift) / c.Scale
}

// Named says whether the column's name, or a configuration, says what it holds, and not its values alone.
func (c Choice) Named() bool { return !c.unsure }
