package forecast_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"clientele/internal/predict/forecast"
)

// year is n months of a seasonal series that grows.
func year(n int, noise float64) []float64 {
	r := rand.New(rand.NewPCG(1, 2))
	y := make([]float64, n)
	for i := range y {
		y[i] = (1000 + 5*float64(i)) * (1 + 0.4*math.Sin(2*math.Pi*float64(i)/12)) * (1 + noise*r.NormFloat64())
	}
	return y
}

func TestSeason(t *testing.T) {
	y := year(72, 0.03)
	r, err := forecast.Make(y[:60], 12, 12, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	if r.Skill < 0.1 || r.Naive.Method != "season before" {
		t.Errorf("%+v", r)
	}
	off, inside := 0.0, 0
	for k, p := range r.Points {
		off += math.Abs(p.Expected-y[60+k]) / y[60+k] / 12
		if p.Low <= y[60+k] && y[60+k] <= p.High {
			inside++
		}
	}
	if off > 0.06 || inside < 8 {
		t.Errorf("off by %.3f, %d of 12 inside", off, inside)
	}
	again, err := forecast.Make(y[:60], 12, 12, 0.8)
	if err != nil || !reflect.DeepEqual(r, again) {
		t.Error("equal series, different forecasts")
	}
}

// TestNoise: without season or trend, no method is far from the mean, and the interval holds what it says.
func TestNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	y := make([]float64, 200)
	for i := range y {
		y[i] = 100 + 10*r.NormFloat64()
	}
	f, err := forecast.Make(y[:120], 7, 6, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Points {
		if math.Abs(p.Expected-100) > 15 {
			t.Errorf("%+v", p)
		}
	}
	if f.Coverage < 0.6 || f.Covered < 20 {
		t.Errorf("coverage %.2f of %d", f.Coverage, f.Covered)
	}
}

func TestEdges(t *testing.T) {
	for name, y := range map[string][]float64{"zeros": make([]float64, 20), "constant": {5, 5, 5, 5, 5, 5, 5, 5}, "spike": {0, 0, 0, 0, 0, 0, 1e12, 0, 0, 0}, "six": {1, 2, 3, 4, 5, 6}} {
		f, err := forecast.Make(y, 12, 30, 0.8)
		if err != nil || len(f.Points) != 30 {
			t.Fatal(name, err)
		}
		for _, p := range f.Points {
			if !(p.Low >= 0 && p.Low <= p.Expected && p.Expected <= p.High) || math.IsInf(p.High, 0) {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
	if _, err := forecast.Make([]float64{1, 2, 3}, 12, 3, 0.8); err == nil {
		t.Error("three periods are enough")
	}
}
