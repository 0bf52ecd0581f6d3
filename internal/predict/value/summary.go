package value

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Summary is all that the models know of a customer. Orders of one day are one.
type Summary struct {
	Frequency int     // orders behind the first
	Recency   float64 // from the first order to the last, units of time
	Age       float64 // from the first order to the end of what was seen, units of time
	Monetary  float64 // mean value of the orders behind the first; 0 when there is none
}

// group is customers that look alike to a model.
type group struct {
	x        int
	tx, t, w float64 // recency, age, how many
}

// sample is what a fit is made from: groups in a fixed order.
type sample struct {
	groups []group
	total  float64 // customers
	most   int     // the largest frequency
	mean   float64 // age
}

// gather groups customers of the same frequency, recency and age.
func gather(of []Summary) *sample {
	rows := make([]group, 0, len(of))
	for _, s := range of {
		rows = append(rows, group{s.Frequency, s.Recency, s.Age, 1})
	}
	slices.SortFunc(rows, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.tx, b.tx), cmp.Compare(a.t, b.t))
	})
	out := &sample{total: float64(len(of))}
	for _, g := range rows {
		out.mean += g.t / float64(len(rows))
		out.most = max(out.most, g.x)
		if n := len(out.groups); n > 0 && out.groups[n-1].x == g.x && out.groups[n-1].tx == g.tx && out.groups[n-1].t == g.t {
			out.groups[n-1].w++
			continue
		}
		out.groups = append(out.groups, g)
	}
	return out
}

// thin is a sample of about n customers, spread evenly over the order of groups, for a first look.
func (s *sample) thin(n int) *sample {
	if len(s.groups) <= n {
		return s
	}
	out := &sample{most: s.most, mean: s.mean, total: s.total}
	step := s.total / float64(n)
	sum, next := 0.0, step/2
	for _, g := range s.groups {
		sum += g.w
		hits := 0.0
		for ; next < sum; next += step {
			hits++
		}
		if hits > 0 {
			g.w = hits * step
			out.groups = append(out.groups, g)
		}
	}
	return out
}

// chunk is how many items are summed by one worker at a time. Sums are added in the order of chunks, so
// that they do not depend on who was faster.
const chunk = 2048

// each calls fn for the chunks of n items on all processors and returns when all are done.
func each(n int, fn func(number, from, to int)) {
	chunks := (n + chunk - 1) / chunk
	workers := min(runtime.GOMAXPROCS(0), runtime.NumCPU(), chunks)
	if workers <= 1 {
		for i := range chunks {
			fn(i, i*chunk, min(n, (i+1)*chunk))
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < chunks; i += workers {
				fn(i, i*chunk, min(n, (i+1)*chunk))
			}
		})
	}
	wg.Wait()
}

// total adds up fn over n items: a value and its derivatives.
func total(n int, fn func(from, to int) [5]float64) [5]float64 {
	parts := make([][5]float64, (n+chunk-1)/chunk)
	each(n, func(number, from, to int) { parts[number] = fn(from, to) })
	var sum [5]float64
	for _, p := range parts {
		for i, v := range p {
			sum[i] += v
		}
	}
	return sum
}

// finite says that a number can be counted with.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
