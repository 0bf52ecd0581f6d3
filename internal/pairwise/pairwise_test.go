package pairwise_test

import (
	"iter"
	"math"
	"math/rand/v2"
	"testing"

	"clientele/internal/pairwise"
)

type thing struct{ entity, cluster int }

func all(things []thing) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for _, t := range things {
			if !yield(t.entity, t.cluster) {
				return
			}
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name                  string
		things                []thing
		precision, recall, f1 float64
		mixed, split          int
	}{
		{"nothing", nil, 1, 1, 1, 0, 0},
		{"all right", []thing{{1, 7}, {1, 7}, {2, 8}}, 1, 1, 1, 0, 0},
		{"all together", []thing{{1, 7}, {1, 7}, {2, 7}, {2, 7}}, 2.0 / 6, 1, 0.5, 1, 0},
		{"all apart", []thing{{1, 7}, {1, 8}, {1, 9}}, 1, 0, 0, 0, 1},
		{"one astray", []thing{{1, 7}, {1, 7}, {1, 8}, {2, 8}}, 0.5, 1.0 / 3, 0.4, 1, 1},
	} {
		s := pairwise.Compare(all(c.things))
		if s.Precision() != c.precision || s.Recall() != c.recall || math.Abs(s.F1()-c.f1) > 1e-12 || s.Mixed != c.mixed || s.Split != c.split || s.Items != len(c.things) {
			t.Errorf("%s: %+v precision %v recall %v f1 %v", c.name, s, s.Precision(), s.Recall(), s.F1())
		}
	}
}

// TestAgainstDefinition: the counts are those of looking at every pair.
func TestAgainstDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		things := make([]thing, rnd.IntN(40))
		for i := range things {
			things[i] = thing{rnd.IntN(8), rnd.IntN(8)}
		}
		var same, found, right int64
		for i, a := range things {
			for _, b := range things[:i] {
				if a.entity == b.entity {
					same++
				}
				if a.cluster == b.cluster {
					found++
				}
				if a == b {
					right++
				}
			}
		}
		if s := pairwise.Compare(all(things)); s.True != same || s.Found != found || s.Right != right {
			t.Fatalf("%v: %+v, want %d %d %d", things, s, same, found, right)
		}
	}
}
