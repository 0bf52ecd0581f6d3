package linkage

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A model that is too sure by three bits is set right by decided pairs: the error of its probabilities falls with the labels, and
// what is taken at the threshold becomes as precise as the threshold says.
func TestCalibrate(t *testing.T) {
	if c := Calibrate(nil); c.Shift != 0 || c.Scale != 1 {
		t.Fatalf("without labels: %+v", c)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) []Label {
		out := make([]Label, n)
		for i := range out {
			w := -2 + 10*rng.Float64()
			out[i] = Label{w, rng.Float64() < Probability(w-3)}
		}
		return out
	}
	test := draw(20_000)
	precision := func(c Calibration) float64 {
		taken, right := 0.0, 0.0
		for _, l := range test {
			if c.Probability(l.Weight) >= 0.9 {
				taken++
				if l.Same {
					right++
				}
			}
		}
		return right / taken
	}
	errorOf := func(c Calibration) float64 {
		sum := 0.0
		for w := -2.0; w <= 8; w += 0.5 {
			sum += math.Abs(c.Probability(w) - Probability(w-3))
		}
		return sum / 21
	}
	before, last := precision(Calibrate(nil)), errorOf(Calibrate(nil))
	for _, n := range []int{30, 300, 3000} {
		c := Calibrate(draw(n))
		t.Logf("%d labels: %+v, precision %.3f (%.3f without), error %.4f", n, c, precision(c), before, errorOf(c))
		if precision(c) < before+0.03 || errorOf(c) >= last {
			t.Errorf("%d labels do not better it", n)
		}
		last = errorOf(c)
	}
	for _, same := range []bool{true, false} { // one-sided labels end somewhere
		labels := make([]Label, LeastLabels)
		for i := range labels {
			labels[i] = Label{3 + float64(i%3), same}
		}
		if c := Calibrate(labels[1:]); c.Shift != 0 || c.Scale != 1 {
			t.Errorf("too few labels teach: %+v", c)
		}
		c := Calibrate(labels)
		if math.IsNaN(c.Shift) || math.Abs(c.Shift) > 10 || c.Scale < leastScale {
			t.Errorf("all %v: %+v", same, c)
		}
		if got := c.Probability(c.Weight(0.9)); math.Abs(got-0.9) > 1e-9 {
			t.Errorf("the weight of 0.9 has probability %v", got)
		}
	}
}
