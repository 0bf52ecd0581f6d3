package shrink_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"clientele/internal/predict/shrink"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.6g, not %.6g", what, got, want)
	}
}

// TestInterval: quantiles that can be had by hand: Beta(1, 1) is even, Beta(1, n) and Beta(n, 1) have closed forms.
func TestInterval(t *testing.T) {
	even := shrink.Prior{A: 1, B: 1}
	s := even.Of(shrink.Count{}, 0.9)
	near(t, "low", s.Low, .05, 1e-9)
	near(t, "high", s.High, .95, 1e-9)
	s = even.Of(shrink.Count{K: 4, N: 4}, 0.8) // Beta(5, 1): x^5
	near(t, "mean", s.Mean, 5.0/6, 1e-12)
	near(t, "low", s.Low, math.Pow(.1, .2), 1e-9)
	near(t, "high", s.High, math.Pow(.9, .2), 1e-9)
	near(t, "above", even.Above(shrink.Count{K: 0, N: 9}, .2), math.Pow(.8, 10), 1e-9)
}

// TestLearn finds the prior that counts were drawn from.
func TestLearn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	counts := make([]shrink.Count, 20_000)
	for i := range counts {
		// Beta(2, 6) as the second smallest of seven even numbers.
		var u [7]float64
		for k := range u {
			u[k] = r.Float64()
		}
		low, second := 2.0, 2.0
		for _, x := range u {
			if x < low {
				low, second = x, low
			} else if x < second {
				second = x
			}
		}
		n := 1 + r.IntN(6)
		counts[i].N = n
		for range n {
			if r.Float64() < second {
				counts[i].K++
			}
		}
	}
	p := shrink.Learn(counts)
	near(t, "a", p.A, 2, .2)
	near(t, "b", p.B, 6, .6)
}

// TestFew: of a handful that all had or had not, nobody is told apart for certain.
func TestFew(t *testing.T) {
	p := shrink.Learn([]shrink.Count{{0, 3}, {2, 2}, {1, 1}, {0, 2}})
	if s := p.Of(shrink.Count{K: 1, N: 1}, .8); s.Mean > .9 || s.Low > .7 {
		t.Errorf("one of one is %+v under %+v", s, p)
	}
}

func TestEdges(t *testing.T) {
	for name, counts := range map[string][]shrink.Count{"none": nil, "no orders": {{}}, "all": {{3, 3}, {1, 1}}, "never": {{0, 3}, {0, 1}}, "one": {{1, 2}}, "apart": {{0, 50}, {50, 50}}} {
		p := shrink.Learn(counts)
		for _, c := range append(counts, shrink.Count{K: 1, N: 1}) {
			s := p.Of(c, .8)
			if !(0 <= s.Low && s.Low <= s.High && s.High <= 1 && s.Mean >= 0 && s.Mean <= 1) {
				t.Errorf("%s: %+v of %+v under %+v", name, s, c, p)
			}
		}
	}
}
