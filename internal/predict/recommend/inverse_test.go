package recommend

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestInvert: a matrix times its inverse is one, whatever the blocks; and the workers change no bit.
func TestInvert(t *testing.T) {
	for _, n := range []int{1, 5, 64, 65, 131} {
		random := rand.New(rand.NewPCG(uint64(n), 1))
		x := make([][]float64, 2*n)
		for i := range x {
			x[i] = make([]float64, n)
			for j := range x[i] {
				x[i][j] = random.NormFloat64()
			}
		}
		whole := make([][]float64, n)
		for i := range whole {
			whole[i] = make([]float64, n)
			whole[i][i] = 3
			for j := range n {
				for k := range x {
					whole[i][j] += x[k][i] * x[k][j]
				}
			}
		}
		a, b := newSymmetric(n), newSymmetric(n)
		for i := range n {
			for j := 0; j <= i; j++ {
				a.row(i)[j] = whole[i][j]
				b.row(i)[j] = a.row(i)[j]
			}
		}
		a.invert(1)
		b.invert(3)
		at := func(i, j int) float64 { return a.row(max(i, j))[min(i, j)] }
		for i := range n {
			for j := range n {
				v, want := 0.0, 0.0
				if i == j {
					want = 1
				}
				for k := range n {
					v += whole[i][k] * at(k, j)
				}
				if math.Abs(v-want) > 1e-9 || j <= i && a.row(i)[j] != b.row(i)[j] {
					t.Fatalf("%d: at %d, %d: %v, by three workers %v", n, i, j, v, b.row(i)[j])
				}
			}
		}
	}
}

func BenchmarkInvert3000(b *testing.B) {
	for b.Loop() {
		s := newSymmetric(3000)
		random := rand.New(rand.NewPCG(1, 1))
		for i := range s.n {
			for range 40 {
				s.row(i)[random.IntN(i+1)] += random.Float64()
			}
			s.row(i)[i] = 500
		}
		s.invert(2)
	}
}
