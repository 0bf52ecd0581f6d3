package load_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"clientele/bench/load"
)

func TestQuantiles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"uniform":   func() time.Duration { return time.Duration(rnd.Int64N(int64(time.Second))) },
		"a tail":    func() time.Duration { return time.Duration(rnd.ExpFloat64() * float64(3*time.Millisecond)) },
		"short":     func() time.Duration { return time.Duration(rnd.Int64N(int64(50 * time.Microsecond))) },
		"all equal": func() time.Duration { return 12345 * time.Microsecond },
		"days":      func() time.Duration { return time.Duration(rnd.Int64N(int64(100 * time.Hour))) },
	} {
		var h load.Histogram
		all := make([]time.Duration, 10_000)
		for i := range all {
			all[i] = draw()
			h.Record(all[i])
		}
		slices.Sort(all)
		for _, q := range []float64{0, .01, .5, .9, .99, .999, 1} {
			exact := all[min(max(int(q*float64(len(all))+0.999999), 1), len(all))-1]
			got := h.Quantile(q)
			if got < exact-time.Microsecond || float64(got) > float64(exact)*1.008+float64(time.Microsecond) {
				t.Errorf("%s: quantile %g is %s, want %s", name, q, got, exact)
			}
		}
		if h.Max() != all[len(all)-1] || h.Count() != int64(len(all)) || h.Quantile(1) != h.Max() {
			t.Errorf("%s: max %s of %d, want %s of %d", name, h.Max(), h.Count(), all[len(all)-1], len(all))
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	var h load.Histogram
	if h.Quantile(.99) != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("an empty histogram has something in it")
	}
	h.Record(-time.Second)
	if h.Quantile(.5) != 0 || h.Count() != 1 {
		t.Errorf("a negative duration counts as %s", h.Quantile(.5))
	}
	h.Record(365 * 24 * time.Hour) // beyond the last bucket: the longest is still exact
	if h.Max() != 365*24*time.Hour || h.Quantile(1) < 6*24*time.Hour {
		t.Errorf("a year is %s, the last quantile %s", h.Max(), h.Quantile(1))
	}
}

func TestHistogramTogether(t *testing.T) {
	var h load.Histogram
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				h.Record(time.Duration(w*1000+i) * time.Microsecond)
			}
		})
	}
	wg.Wait()
	if h.Count() != 8000 || h.Max() != 7999*time.Microsecond {
		t.Errorf("%d recorded, the longest %s", h.Count(), h.Max())
	}
}
