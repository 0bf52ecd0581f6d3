package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"clientele"
	"clientele/bench/load"
)

// sample is how far everything was at a time. Events are counted from the start of the meter.
type sample struct {
	at                  time.Time
	resolved, queryable int64
	usage               usage
	logBytes            int64
}

// meter asks the server every now and then how far it is.
type meter struct {
	s      *server
	counts *load.Counts
	every  time.Duration

	mu      sync.Mutex
	base    int64  // events that were there before
	marks   []mark // not yet in the column store
	last    sample
	samples []sample
	rssPeak int64 // the highest since the last lowest
	status  *clientele.Status
}

// mark says that with this commit so many events are in the row store.
type mark struct {
	commit uint64
	events int64
}

// begin takes what is there now as zero. Everything must be drained.
func (m *meter) begin(ctx context.Context) error {
	st, err := m.s.api.Status(ctx)
	if err != nil {
		return err
	}
	m.base = st.Counts["events"] - m.counts.Accepted.Load()
	return m.look(ctx)
}

// run looks until the context ends. A server that is down is looked at again later.
func (m *meter) run(ctx context.Context) {
	for load.Sleep(ctx, m.every) == nil {
		_ = m.look(ctx) // whoever waits for progress fails by its own limit
	}
}

func (m *meter) look(ctx context.Context) error {
	st, err := m.s.api.Status(ctx)
	if err != nil {
		return err
	}
	u, err := usageOf(m.s.pid())
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := sample{at: time.Now(), resolved: st.Counts["events"] - m.base, queryable: m.last.queryable, usage: u, logBytes: st.Log.Bytes}
	m.marks = append(m.marks, mark{st.Resolver.Commit, now.resolved})
	done := 0
	for _, k := range m.marks {
		if k.commit > st.Columns.Commit {
			break
		}
		now.queryable = max(now.queryable, k.events)
		done++
	}
	m.marks = m.marks[done:]
	m.last, m.status = now, st
	m.rssPeak = max(m.rssPeak, u.rss)
	m.samples = append(m.samples, now)
	return nil
}

func (m *meter) now() sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// backlog is how many accepted events cannot be queried yet.
func (m *meter) backlog() int64 { return m.counts.Accepted.Load() - m.now().queryable }

// restart forgets the samples and the peak so far.
func (m *meter) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples, m.rssPeak = nil, 0
}

// peak is the highest resident memory since restart.
func (m *meter) peak() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rssPeak
}

// window is the time between two samples, both taken when the column store had just moved:
// it moves by thousands of events at once.
func (m *meter) window(from, to time.Time) (first, last sample, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := 1; i < len(m.samples); i++ {
		s := m.samples[i]
		if s.queryable == m.samples[i-1].queryable || s.at.Before(from) || s.at.After(to) {
			continue
		}
		if first.at.IsZero() {
			first = s
		}
		last = s
	}
	if !last.at.After(first.at) {
		return first, last, fmt.Errorf("too short: the column store moved less than twice in %s", to.Sub(from).Round(time.Millisecond))
	}
	return first, last, nil
}

// drain waits until every accepted event can be queried, and answers how long that took.
func (m *meter) drain(ctx context.Context, within time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	start := time.Now()
	for m.backlog() > 0 {
		if err := load.Sleep(ctx, m.every/2); err != nil {
			return 0, fmt.Errorf("%d events are not queryable after %s", m.backlog(), time.Since(start).Round(time.Second))
		}
	}
	return time.Since(start), nil
}
