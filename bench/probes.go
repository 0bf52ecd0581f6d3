package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/bench/load"
)

// Rates of the probes, a second, and how often they look whether an event has arrived. They are
// slow on purpose: what they cost is the server's too.
const (
	readRate      = 50
	profileRate   = 10
	sqlRate       = 0.5
	profileLook   = 10 * time.Millisecond
	sqlLook       = 100 * time.Millisecond
	visibleWithin = 2 * time.Minute
)

// probes read and look while others write.
type probes struct {
	s       *server
	crowd   *load.Crowd
	counts  *load.Counts
	ids     *atomic.Int64 // numbers of probe events
	reads   load.Histogram
	profile load.Histogram // accepted -> on the profile API
	sql     load.Histogram // accepted -> counted by SQL
	failed  atomic.Int64   // reads and looks that failed
	reason  atomic.Pointer[string]
}

func (p *probes) fail(err error) {
	p.failed.Add(1)
	text := err.Error()
	p.reason.CompareAndSwap(nil, &text)
}

// run probes for d: reads always, the ways of an event only when fresh is true.
func (p *probes) run(ctx context.Context, d time.Duration, fresh bool) {
	var wg sync.WaitGroup
	wg.Go(func() {
		pace(8, readRate, d).Run(ctx, p.reader)
	})
	if fresh {
		wg.Go(func() { pace(32, profileRate, d).Run(ctx, p.profileProbe) })
		wg.Go(func() { pace(8, sqlRate, d).Run(ctx, p.sqlProbe) })
	}
	wg.Wait()
}

func pace(workers int, rate float64, d time.Duration) load.Pace {
	return load.Pace{Workers: workers, Exact: true, Schedule: load.Schedule{{Rate: rate, For: d}}}
}

// reader reads the profiles that the crowd visits.
func (p *probes) reader(worker int) load.Worker {
	pick := p.crowd.Reader(worker)
	var id clientele.Identifier
	return load.Worker{
		Make: func(int64) {
			namespace, value := pick()
			id = clientele.Identifier{Namespace: clientele.Namespace(namespace), Value: value}
		},
		Do: func(ctx context.Context, due time.Time) {
			if _, err := p.s.api.Profile(ctx, id, false); err != nil {
				p.fail(fmt.Errorf("read a profile: %w", err))
				return
			}
			p.reads.Record(time.Since(due))
		},
	}
}

// profileProbe tells a trait of somebody and looks until the profile has it.
func (p *probes) profileProbe(worker int) load.Worker {
	pick := p.crowd.Reader(1000 + worker)
	return p.probe(&p.profile, profileLook, func(n int64) (string, func(context.Context) (bool, error)) {
		namespace, value := pick()
		body := fmt.Sprintf(`{"type":"identify","messageId":%q,%q:%q,"traits":{"bench_probe":%d}}`,
			load.MessageID(nil, p.crowd.Seed, n), map[string]string{"user_id": "userId", "anonymous_id": "anonymousId"}[namespace], value, n)
		id := clientele.Identifier{Namespace: clientele.Namespace(namespace), Value: value}
		return body, func(ctx context.Context) (bool, error) {
			got, err := p.s.api.Profile(ctx, id, false)
			if err != nil {
				return false, err
			}
			have, _ := got.Traits["bench_probe"].(float64)
			return int64(have) >= n, nil // of two probes of one person the later one stays
		}
	})
}

// sqlProbe sends an event and looks until it is counted.
func (p *probes) sqlProbe(int) load.Worker {
	return p.probe(&p.sql, sqlLook, func(n int64) (string, func(context.Context) (bool, error)) {
		id := string(load.MessageID(nil, p.crowd.Seed, n))
		since := time.Now().Add(-time.Minute).UTC().Format("2006-01-02 15:04:05")
		body := fmt.Sprintf(`{"type":"track","event":"Bench Probe","messageId":%q,"anonymousId":"probe-%d"}`, id, n%100)
		return body, func(ctx context.Context) (bool, error) {
			r, err := p.s.api.Query(ctx, "SELECT count(*) FROM events WHERE received_at >= CAST($1 AS TIMESTAMP) AND event_id = $2", []any{since, id}, 1)
			if err != nil {
				return false, err
			}
			return len(r.Rows) == 1 && r.Rows[0][0] == int64(1), nil
		}
	})
}

// probe sends what plan makes, and then looks until its question is answered with yes.
func (p *probes) probe(h *load.Histogram, every time.Duration, plan func(n int64) (body string, seen func(context.Context) (bool, error))) load.Worker {
	var body string
	var seen func(context.Context) (bool, error)
	return load.Worker{
		Make: func(int64) { body, seen = plan(p.ids.Add(1)) },
		Do: func(ctx context.Context, _ time.Time) {
			conn := load.NewConn(p.s.where(), writeKey)
			defer conn.Close()
			a, err := conn.Post(ctx, "/v1/track", []byte(body))
			if err != nil || a.Status != http.StatusOK {
				if err == nil && a.Status >= 500 { // told to come later: nothing was accepted
					return
				}
				p.counts.Unclear.Add(1)
				p.fail(fmt.Errorf("send a probe: status %d, %w", a.Status, err))
				return
			}
			accepted := time.Now()
			p.counts.Accepted.Add(1)
			for {
				ok, err := seen(ctx)
				if ok {
					h.Record(time.Since(accepted))
					return
				}
				// Looking costs the server work: the longer it takes, the less often it looks, so that a lag
				// is not made longer by who measures it. What is found is late by a quarter at most.
				if err != nil || time.Since(accepted) > visibleWithin || load.Sleep(ctx, max(every, time.Since(accepted)/4)) != nil {
					p.fail(fmt.Errorf("look for a probe: %w", err))
					return
				}
			}
		},
	}
}
