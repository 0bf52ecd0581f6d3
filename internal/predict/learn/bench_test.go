package learn_test

import (
	"math/rand/v2"
	"testing"

	"clientele/internal/predict/learn"
)

// BenchmarkTrees grows 100 trees of 31 leaves on a million rows of 30 columns, 255 bins each, on two workers.
func BenchmarkTrees(b *testing.B) {
	const n, p = 1_000_000, 30
	r := rand.New(rand.NewPCG(1, 1))
	x, y := &learn.Matrix{}, make([]bool, n)
	for range p {
		column := make([]float64, n)
		for i := range column {
			column[i] = r.Float64()
		}
		x.Add("c", "", column)
	}
	for i := range y {
		y[i] = r.Float64() < 0.02+0.1*x.Columns[0][i]*x.Columns[1][i]
	}
	for b.Loop() {
		learn.FitForest(x, y, learn.Growth{Trees: 100, Leaves: 31, Rate: 0.1, MinLeaf: 100, L2: 1, Workers: 2})
	}
}
