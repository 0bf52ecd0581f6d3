package recommend

import (
	"sync"
	"sync/atomic"
)

// symmetric is the lower triangle of a symmetric matrix, row by row in full rows, so that a row is a slice.
type symmetric struct {
	n int
	a []float64
}

func newSymmetric(n int) *symmetric { return &symmetric{n, make([]float64, n*n)} }

func (s *symmetric) row(i int) []float64 { return s.a[i*s.n : (i+1)*s.n] }

// wide is how many pivots are taken at once.
const wide = 64

// invert turns a positive definite matrix into its inverse, lower triangle for lower triangle, by sweeping blocks of
// pivots (Goodnight 1979): a rank-64 update of the whole for each block, n*n*n/2 multiplications in all. Each element is summed in one
// order, whoever does it.
func (s *symmetric) invert(workers int) {
	panel, scaled := make([]float64, s.n*wide), make([]float64, s.n*wide)
	for k := 0; k < s.n; k += wide {
		s.sweep(k, min(k+wide, s.n), panel, scaled, workers)
	}
	Each(s.n, workers, func(i int) { // sweeping leaves the inverse with the other sign
		r := s.row(i)[:i+1]
		for j := range r {
			r[j] = -r[j]
		}
	})
}

// sweep takes the pivots from k to end.
func (s *symmetric) sweep(k, end int, panel, scaled []float64, workers int) {
	w := end - k
	var pivot [wide * wide]float64
	for i := k; i < end; i++ {
		for j := k; j <= i; j++ {
			pivot[(i-k)*wide+j-k], pivot[(j-k)*wide+i-k] = s.row(i)[j], s.row(i)[j]
		}
	}
	small(&pivot, w)
	Each(s.n, workers, func(i int) { // the panel of the pivots' columns, and the same times the pivots' inverse
		p, q := panel[i*wide:(i+1)*wide], scaled[i*wide:(i+1)*wide]
		clear(p)
		clear(q)
		if i >= k && i < end {
			return
		}
		for c := range w {
			if i < k {
				p[c] = s.row(k + c)[i]
			} else {
				p[c] = s.row(i)[k+c]
			}
		}
		for c := range w {
			v := 0.0
			for d, x := range p[:w] {
				v += x * pivot[d*wide+c]
			}
			q[c] = v
		}
	})
	const tile = 48
	tiles := (s.n + tile - 1) / tile
	Each(tiles, workers, func(t int) {
		t = tiles - 1 - t // the longest rows first
		for j := 0; j <= t; j++ {
			s.update(t*tile, min((t+1)*tile, s.n), j*tile, min((j+1)*tile, s.n), scaled, panel)
		}
	})
	for i := k; i < end; i++ {
		for j := k; j <= i; j++ {
			s.row(i)[j] = -pivot[(i-k)*wide+j-k]
		}
	}
	for i := range s.n {
		for c := range w {
			switch {
			case i < k:
				s.row(k + c)[i] = scaled[i*wide+c]
			case i >= end:
				s.row(i)[k+c] = scaled[i*wide+c]
			}
		}
	}
}

// update takes scaled times panel off the rows and columns of a tile.
func (s *symmetric) update(i0, i1, j0, j1 int, scaled, panel []float64) {
	for i := i0; i < i1; i++ {
		a := (*[wide]float64)(scaled[i*wide:])
		r := s.row(i)
		last := min(j1, i+1)
		j := j0
		for ; j+4 <= last; j += 4 {
			b0, b1 := (*[wide]float64)(panel[j*wide:]), (*[wide]float64)(panel[(j+1)*wide:])
			b2, b3 := (*[wide]float64)(panel[(j+2)*wide:]), (*[wide]float64)(panel[(j+3)*wide:])
			var v0, v1, v2, v3 float64
			for c := range wide {
				x := a[c]
				v0 += x * b0[c]
				v1 += x * b1[c]
				v2 += x * b2[c]
				v3 += x * b3[c]
			}
			r[j] -= v0
			r[j+1] -= v1
			r[j+2] -= v2
			r[j+3] -= v3
		}
		for ; j < last; j++ {
			b := (*[wide]float64)(panel[j*wide:])
			v := 0.0
			for c := range wide {
				v += a[c] * b[c]
			}
			r[j] -= v
		}
	}
}

// small inverts the first w rows and columns of a block in place, pivot by pivot.
func small(m *[wide * wide]float64, w int) {
	for k := range w {
		p := 1 / m[k*wide+k]
		m[k*wide+k] = 1
		for j := range w {
			m[k*wide+j] *= p
		}
		for i := range w {
			if i == k {
				continue
			}
			f := m[i*wide+k]
			m[i*wide+k] = 0
			for j := range w {
				m[i*wide+j] -= f * m[k*wide+j]
			}
		}
	}
}

// Each calls do for 0 to n-1, each once, by a number of workers.
func Each(n, workers int, do func(i int)) {
	if workers <= 1 || n < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(workers, n) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}
