package linkage

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEdgesSpill: edges come back in order, each once, from memory and files together.
func TestEdgesSpill(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, memory := range []int64{1 << 30, 1} {
		s := newEdgeStore(3, memory)
		var want []edge
		for i := range 20_000 {
			e := edge{rnd.Uint32N(500), 500 + rnd.Uint32N(500), float32(rnd.IntN(40)) - 12}
			e.weight += float32(e.a)/1000 + float32(e.b)/1e6 // as in life, the same pair weighs the same
			want = append(want, e)
			for range 1 + i%2 {
				if err := s.add(i%3, e); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.finish()
		if spilled := s.runs[0] != nil; spilled != (memory == 1) {
			t.Errorf("memory %d: spilled %v", memory, spilled)
		}
		slices.SortFunc(want, heavier)
		want = slices.Compact(want)
		var got []edge
		for range 2 { // it can be read again
			got = got[:0]
			if err := s.each(func(e edge) bool {
				got = append(got, e)
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("memory %d: %d edges, want %d", memory, len(got), len(want))
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRadixSort(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 7, 300, 5000} {
		a := make([]uint64, n)
		for i := range a {
			a[i] = uint64(rnd.Uint32N(1000)*4_000_000)<<32 | uint64(i)
		}
		want := slices.Clone(a)
		slices.Sort(want) // the lower halves rise already
		radixSort(nil, a)
		if !slices.Equal(a, want) {
			t.Errorf("%d entries are not in order", n)
		}
	}
}
