package main

import (
	"slices"
	"testing"
)

func TestLimitFor(t *testing.T) {
	const mb = 1 << 20
	often := func(n int, live int64) []int64 { return slices.Repeat([]int64{live}, n) }
	for _, c := range []struct {
		name string
		seen []int64
		want int64
	}{
		{"at the start", nil, softLimit},
		{"a busy hour", often(forLong, 150*mb), softLimit},
		{"a training has just begun", often(forLong-1, 1000*mb), softLimit},
		{"a training goes on", often(forLong, 1000*mb), 1300 * mb},
		{"a flood of requests", append(often(forLong-3, 120*mb), often(3, 400*mb)...), softLimit},
		{"a training has ended", append(often(forLong-1, 1000*mb), 120*mb), softLimit},
		{"what is held for long, beside a flood", append(often(forLong-3, 400*mb), often(3, 900*mb)...), 700 * mb},
	} {
		if got := limitFor(c.seen); got != c.want {
			t.Errorf("%s: %d MB, not %d", c.name, got/mb, c.want/mb)
		}
	}
}
