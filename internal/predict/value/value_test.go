package value_test

import (
	"math"
	"testing"

	"clientele/internal/predict/value"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.10g, not %.10g (within %g)", what, got, want, tolerance)
	}
}

func modelsOf() (bg, mbg, pareto value.Model) {
	return value.BGNBD{R: .243, Alpha: 4.414, A: .793, B: 2.426}, value.MBGNBD{R: .525, Alpha: 6.183, A: .891, B: 1.614},
		value.ParetoNBD{R: .553, Alpha: 10.578, S: .606, Beta: 11.669}
}

// TestGolden: log-likelihood, chance of being alive and orders of 39 weeks, to 1e-6.
func TestGolden(t *testing.T) {
	bg, mbg, pareto := modelsOf()
	for _, c := range []struct {
		x     int
		tx, t float64
		want  [3][3]float64 // by model
	}{
		{0, 0, 38.86, [3][3]float64{{-.55471328, 1, .19509805}, {-.53983746, .38973508, .15401275}, {-.52104629, .29528660, .10708147}}},
		{2, 30.43, 38.86, [3][3]float64{{-9.45860631, .72657857, 1.22602817}, {-9.48555131, .70620227, 1.26296062}, {-9.55428325, .86916756, 1.45512319}}},
		{7, 29.43, 38.86, [3][3]float64{{-21.86327627, .64175635, 3.33705327}, {-21.77652225, .62272381, 3.16757243}, {-21.59464322, .74950141, 3.71225138}}},
		{26, 30.857142857, 31, [3][3]float64{{-37.72651333, .96885156, 20.74835369}, {-38.32205643, .96549805, 19.44935103}, {-39.13162698, .99787426, 20.11612960}}},
		{200, 38, 40, [3][3]float64{{98.80417493, .02438523, 3.29402732}, {91.76555936, .03059607, 3.89271838}, {76.30260921, .09211184, 11.88027861}}},
	} {
		s := value.Summary{Frequency: c.x, Recency: c.tx, Age: c.t}
		for i, m := range []value.Model{bg, mbg, pareto} {
			near(t, m.Name()+" log-likelihood", m.LogLikelihood(s), c.want[i][0], 1e-6)
			near(t, m.Name()+" alive", m.Alive(s), c.want[i][1], 1e-6)
			near(t, m.Name()+" expected", m.Expected(s, 39), c.want[i][2], 1e-6)
		}
	}
}

// TestExtremes: where naive formulas overflow or jump.
func TestExtremes(t *testing.T) {
	m := value.MBGNBD{R: .25, Alpha: 4, A: .8, B: 2.5}
	near(t, "many orders", m.LogLikelihood(value.Summary{Frequency: 200, Recency: 38, Age: 40}), 100.7869098, 1e-6)
	near(t, "one order", m.LogLikelihood(value.Summary{Age: 40}), -.4179283, 1e-6)
	p := value.ParetoNBD{R: 10.465, Alpha: .00798565, S: 3.0516, Beta: 2.82}
	for _, s := range []value.Summary{{Frequency: 400, Recency: 5, Age: 6}, {Frequency: 500, Recency: 1, Age: 37}, {Frequency: 500, Recency: 4, Age: 37}} {
		if l := p.LogLikelihood(s); math.IsNaN(l) || math.IsInf(l, 0) {
			t.Errorf("%+v: log-likelihood %v", s, l)
		}
		if a := p.Alive(s); !(a >= 0 && a <= 1) {
			t.Errorf("%+v: alive %v", s, a)
		}
	}
	bg, _, pareto := modelsOf()
	if a := bg.Alive(value.Summary{Frequency: 1000, Recency: 10, Age: 100}); a != 0 && a > 1e-100 {
		t.Errorf("alive is %v", a)
	}
	near(t, "x = 132", pareto.Expected(value.Summary{Frequency: 132, Recency: 200, Age: 200}, 10), 6.2061, 2e-3)
	near(t, "x = 133", pareto.Expected(value.Summary{Frequency: 133, Recency: 200, Age: 200}, 10), 6.2529, 2e-3)
}

func TestNewCustomers(t *testing.T) {
	bg := value.BGNBD{R: .242595, Alpha: 4.413602, A: .792922, B: 2.425907}
	for at, want := range map[float64]float64{1.0 / 7: .0078, 1: .0532, 3: .1506, 31.857: 1.0405, 32: 1.0437, 78: 1.8576, 39: 1.195, 52: 1.444} {
		near(t, "bg", bg.New(at), want, 6e-4)
	}
	pareto := value.ParetoNBD{R: .553277, Alpha: 10.577683, S: .606240, Beta: 11.668733}
	near(t, "pareto", pareto.New(52), 1.473434, 1e-4)
	s := value.Summary{Frequency: 26, Recency: 30.857142857, Age: 31}
	near(t, "1516", pareto.Expected(s, 52), 25.456, 2e-3)
	near(t, "1516 bg", bg.Expected(s, 52), 25.757, 2e-3)
}

func TestOrderSizes(t *testing.T) {
	g := value.GammaGamma{P: 6.25, Q: 3.74, V: 15.44}
	for i, want := range []float64{24.65, 18.91, 35.17} {
		s := []value.Summary{{Frequency: 2, Monetary: 22.35}, {Frequency: 1, Monetary: 11.77}, {}}[i]
		near(t, "expected order", g.Expected(s), want, .1)
	}
}

// TestUnits: one customer's value for one to 24 months; a slip of units gives thirty times less.
func TestUnits(t *testing.T) {
	f := value.Fit{Model: value.BGNBD{R: .8265, Alpha: 68.905, A: .0034, B: 6.7451}, Spend: &value.GammaGamma{P: 2.1034, Q: 3.4512, V: 485.889}}
	s := value.Summary{Frequency: 6, Recency: 365, Age: 367, Monetary: 599.70}
	near(t, "order", f.Order(s), 569.98, .1)
	for months, want := range map[float64]float64{1: 265, 3: 787, 6: 1551, 12: 3011, 24: 5680} {
		near(t, "value", f.Score(s, 30*months, value.Money{Margin: 1, Discount: .01, Step: 30}).Value, want, want/100)
	}
}
