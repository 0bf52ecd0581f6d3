package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Step is a rate for a while.
type Step struct {
	Rate float64 // a second
	For  time.Duration
}

func (s Step) count() int64 { return int64(s.Rate * s.For.Seconds()) }

// Schedule says when each request is due, whatever became of those before it.
type Schedule []Step

// At is how long after the start request i is due; false behind the last.
func (s Schedule) At(i int64) (time.Duration, bool) {
	var from time.Duration
	for _, step := range s {
		if n := step.count(); i >= n {
			i -= n
			from += step.For
			continue
		}
		return from + time.Duration(float64(i)/step.Rate*float64(time.Second)), true
	}
	return 0, false
}

// Count is how many requests it holds.
func (s Schedule) Count() (n int64) {
	for _, step := range s {
		n += step.count()
	}
	return n
}

// Worker is one of those that send. Make prepares request i before it is due; Do sends it.
type Worker struct {
	Make func(i int64)
	Do   func(ctx context.Context, due time.Time)
	End  func() // called at the end; nil for nothing
}

// Pace says how often, by how many at once, and until when. With a Schedule a request that no
// worker is free for is sent late, and its latency counts from when it was due: a server that
// stalls cannot hide it by stalling the generator. Without one every worker sends as fast as it is
// answered (a closed loop), for the time For; due is then when it was sent.
type Pace struct {
	Workers  int
	Schedule Schedule
	For      time.Duration
	Exact    bool                               // for few requests a second: each wakes its worker when it is due, not up to a millisecond later with others
	Warm     time.Duration                      // requests due in this time from the start are sent, but their latencies are not recorded
	Count    int64                              // at most; 0 = as the schedule says, or no limit
	Stop     <-chan struct{}                    // ends it when closed; nil for never
	Hold     func(ctx context.Context, i int64) // called before each request; nil for none
}

// Run sends until the pace or the context ends and all workers are done; it answers how long that
// took. begin is called once for each worker.
func (p Pace) Run(ctx context.Context, begin func(worker int) Worker) time.Duration {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, p.longest())
	var stopping sync.WaitGroup
	defer stopping.Wait()
	defer cancel()
	stopping.Go(func() {
		select {
		case <-p.Stop:
			cancel()
		case <-limited.Done():
		}
	})
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range p.Workers {
		wg.Go(func() {
			worker := begin(w)
			if worker.End != nil {
				defer worker.End()
			}
			sleep := Sleep
			if p.Exact {
				alarm := newAlarm(limited)
				defer alarm.close()
				sleep = alarm.sleep
			}
			for limited.Err() == nil {
				i := next.Add(1) - 1
				if p.Count > 0 && i >= p.Count {
					return
				}
				if p.Hold != nil {
					if p.Hold(limited, i); limited.Err() != nil {
						return
					}
				}
				due, ok := p.due(start, i)
				if !ok {
					return
				}
				worker.Make(i)
				if sleep(limited, time.Until(due)) != nil {
					return
				}
				if p.Schedule == nil {
					due = time.Now()
				}
				worker.Do(ctx, due) // what was begun is brought to its end
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// longest is after which time no request begins. A schedule ends by itself, late where the server is.
func (p Pace) longest() time.Duration {
	if p.Schedule == nil {
		return p.For
	}
	return 24 * time.Hour
}

func (p Pace) due(start time.Time, i int64) (time.Time, bool) {
	if p.Schedule == nil {
		return start, true
	}
	at, ok := p.Schedule.At(i)
	return start.Add(at), ok
}

// Sleep waits; its error is the context's.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
