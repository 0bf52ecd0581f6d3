package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"
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

// TestKeepRoom: the limit rises above what is held for long, falls again, and is left alone where the environment sets it.
func TestKeepRoom(t *testing.T) {
	before := debug.SetMemoryLimit(softLimit)
	defer debug.SetMemoryLimit(before)
	keep := func(set bool, while func()) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			c := &cli{streams: streams{env: func(string) (string, bool) { return "", set }}}
			go c.keepRoom(ctx)
			while()
			cancel()
			synctest.Wait()
		})
	}
	limit := func() int64 { return debug.SetMemoryLimit(-1) }
	const held = 260 << 20
	index := make([]byte, held)
	runtime.GC()
	keep(true, func() {
		if time.Sleep(2 * forLong * looksEvery); limit() != softLimit { // the bubble's clock
			t.Errorf("the limit is %d MB, though the environment has set it", limit()>>20)
		}
	})
	keep(false, func() {
		if time.Sleep((forLong - 1) * looksEvery); limit() != softLimit {
			t.Errorf("the limit is %d MB before anything was held for long", limit()>>20)
		}
		time.Sleep(2 * looksEvery)
		if limit() < held+garbageRoom {
			t.Errorf("the limit is %d MB beside %d MB in use", limit()>>20, held>>20)
		}
		runtime.KeepAlive(index)
		index = nil
		runtime.GC()
		time.Sleep(2 * looksEvery)
		if limit() != softLimit {
			t.Errorf("the limit is %d MB when nothing is held any more", limit()>>20)
		}
	})
}
