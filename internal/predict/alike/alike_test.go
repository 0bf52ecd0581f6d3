package alike_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"clientele/internal/predict/alike"
	"clientele/internal/predict/learn"
)

// crowd is n people of two traits; the more of both, the likelier on the list.
func crowd(n int, seed uint64) (*learn.Matrix, []bool, []float64) {
	random := rand.New(rand.NewPCG(seed, 9))
	a, b, noise := make([]float64, n), make([]float64, n), make([]float64, n)
	truth, listed := make([]float64, n), make([]bool, n)
	for i := range n {
		a[i], b[i], noise[i] = random.NormFloat64(), random.NormFloat64(), random.NormFloat64()
		truth[i] = learn.Sigmoid(2*a[i] + b[i] - 3.5)
		listed[i] = random.Float64() < truth[i]
	}
	x := &learn.Matrix{}
	x.Add("a", "", a)
	x.Add("b", "", b)
	x.Add("noise", "", noise)
	return x, listed, truth
}

func TestAlike(t *testing.T) {
	x, listed, truth := crowd(8000, 1)
	m, err := alike.Learn(x, listed, 2)
	if err != nil {
		t.Fatal(err)
	}
	q := m.Quality
	if q.AUC < .85 || q.Seeds < 100 || q.People < 1400 || q.Found[3].Share != .1 || q.Found[3].Lift < 4 || q.Found[4].Found < .6 {
		t.Errorf("%+v", q)
	}
	ranked := m.Rank(x)
	best := alike.Choose(ranked, listed, 300, 0)
	inside, outside := 0.0, 0.0
	for _, p := range best {
		if listed[p.Row] {
			t.Fatal("somebody of the list is found")
		}
		inside += truth[p.Row] / 300
	}
	for i := range truth {
		outside += truth[i] / float64(len(truth))
	}
	if len(best) != 300 || inside < 4*outside {
		t.Errorf("%d people, %.3f of whom would be on the list; %.3f of all", len(best), inside, outside)
	}
	half, most := alike.Choose(ranked, listed, 0, .5), alike.Choose(ranked, listed, 0, .9)
	if len(most) == 0 || len(most) >= len(half) || half[len(half)-1].Similarity < .5 {
		t.Errorf("%d at half, %d at nine tenths", len(half), len(most))
	}
	others, _, _ := crowd(100, 2)
	again, err := alike.Learn(x, listed, 1)
	if err != nil || !reflect.DeepEqual(again.Rank(others), m.Rank(others)) {
		t.Errorf("the number of workers changes the order: %v", err)
	}
}

func TestTooFew(t *testing.T) {
	x, listed, _ := crowd(500, 3)
	n := 0
	for i := range listed {
		if listed[i] {
			n++
		}
		listed[i] = listed[i] && n < 20
	}
	if _, err := alike.Learn(x, listed, 1); err == nil || !strings.Contains(err.Error(), "too few people") {
		t.Error(err)
	}
}
