package load_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clientele/bench/load"
)

func TestSchedule(t *testing.T) {
	s := load.Schedule{{Rate: 10, For: time.Second}, {Rate: 1000, For: 500 * time.Millisecond}, {Rate: 0.5, For: 4 * time.Second}}
	if s.Count() != 10+500+2 {
		t.Errorf("%d requests, want 512", s.Count())
	}
	for i, want := range map[int64]time.Duration{0: 0, 1: 100 * time.Millisecond, 9: 900 * time.Millisecond,
		10: time.Second, 11: 1001 * time.Millisecond, 509: 1499 * time.Millisecond,
		510: 1500 * time.Millisecond, 511: 3500 * time.Millisecond} {
		if got, ok := s.At(i); !ok || got != want {
			t.Errorf("request %d is due at %s, %v; want %s", i, got, ok, want)
		}
	}
	if at, ok := s.At(512); ok {
		t.Errorf("a request behind the last is due at %s", at)
	}
	if _, ok := (load.Schedule{}).At(0); ok {
		t.Error("an empty schedule has a request")
	}
}

// TestOpenLoop: a server that stalls once makes every request late that was due meanwhile, and the
// latencies say so although only one request was slow.
func TestOpenLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h load.Histogram
		var made []int64
		p := load.Pace{Workers: 1, Schedule: load.Schedule{{Rate: 100, For: 2 * time.Second}}}
		n := 0
		took := p.Run(t.Context(), func(int) load.Worker {
			return load.Worker{
				Make: func(i int64) { made = append(made, i) },
				Do: func(_ context.Context, due time.Time) {
					if n++; n == 1 {
						time.Sleep(time.Second) // the stall; the clock is the bubble's
					}
					h.Record(time.Since(due))
				},
			}
		})
		if h.Count() != 200 || len(made) != 200 || !slices.IsSorted(made) {
			t.Fatalf("%d requests of 200", h.Count())
		}
		// The requests due in the stalled second wait for 1 s, 0.99 s, 0.98 s, ...
		if got := h.Quantile(.75); got < 490*time.Millisecond || got > 515*time.Millisecond {
			t.Errorf("p75 is %s: the stall is hidden", got)
		}
		if took < 1990*time.Millisecond || took > 2*time.Second {
			t.Errorf("200 requests at 100 a second took %s", took)
		}
	})
}

func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n, ended atomic.Int64
		p := load.Pace{Workers: 4, For: time.Second}
		began := func(int) load.Worker {
			return load.Worker{Make: func(int64) {}, End: func() { ended.Add(1) },
				Do: func(_ context.Context, due time.Time) {
					if !due.Equal(time.Now()) {
						t.Error("a closed loop's request is due when it is sent")
					}
					n.Add(1)
					time.Sleep(30 * time.Millisecond)
				}}
		}
		if took := p.Run(t.Context(), began); took != 1020*time.Millisecond { // what was begun ends
			t.Errorf("a second took %s", took)
		}
		if n.Load() != 4*34 || ended.Load() != 4 {
			t.Errorf("%d requests, %d workers ended; want 136 and 4", n.Load(), ended.Load())
		}
		n.Store(0)
		p.Count = 10
		if p.Run(t.Context(), began); n.Load() != 10 {
			t.Errorf("%d requests, at most 10 were wanted", n.Load())
		}
	})
}

func TestPaceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle := func(int) load.Worker {
			return load.Worker{Make: func(int64) {}, Do: func(ctx context.Context, _ time.Time) {
				if ctx.Err() == nil {
					time.Sleep(10 * time.Millisecond)
				}
			}}
		}
		for name, p := range map[string]load.Pace{
			"a closed loop": {Workers: 3, For: time.Hour},
			"a schedule":    {Workers: 3, Schedule: load.Schedule{{Rate: 1, For: time.Hour}}},
			"held":          {Workers: 3, For: time.Hour, Hold: func(ctx context.Context, _ int64) { <-ctx.Done() }},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if took := p.Run(ctx, idle); took > 1100*time.Millisecond {
				t.Errorf("%s went on for %s after its context", name, took)
			}
			cancel()
			stop := make(chan struct{})
			p.Stop = stop
			var wg sync.WaitGroup
			wg.Go(func() { time.Sleep(time.Second); close(stop) })
			if took := p.Run(t.Context(), idle); took > 1100*time.Millisecond {
				t.Errorf("%s went on for %s after it was stopped", name, took)
			}
			wg.Wait()
		}
	})
}

// TestExact: with exact waits too every request is sent, none before it is due, and the end of the context ends a wait.
func TestExact(t *testing.T) {
	var sent, early atomic.Int64
	p := load.Pace{Workers: 4, Exact: true, Schedule: load.Schedule{{Rate: 400, For: time.Second / 2}}}
	p.Run(t.Context(), func(int) load.Worker {
		return load.Worker{Make: func(int64) {}, Do: func(_ context.Context, due time.Time) {
			sent.Add(1)
			if time.Now().Before(due) {
				early.Add(1)
			}
		}}
	})
	if sent.Load() != 200 || early.Load() > 0 {
		t.Errorf("%d requests of 200, %d before they were due", sent.Load(), early.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.Schedule = load.Schedule{{Rate: 0.001, For: 24 * time.Hour}} // the second one is due in a quarter of an hour
	p.Run(ctx, func(int) load.Worker {
		return load.Worker{Make: func(i int64) {
			if i == 3 {
				cancel()
			}
		}, Do: func(context.Context, time.Time) {}}
	})
}
