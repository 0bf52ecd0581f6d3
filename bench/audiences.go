package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/bench/load"
)

// Rates of what is asked of audiences while events come in, a second.
const (
	enteredRate = 10
	previewRate = 0.5
)

// enteredName is the audience that people are seen to enter.
const enteredName = "bench_entered"

// entered is how soon people are members, and what previews take, while events come in at half load.
type entered struct {
	rate      float64 // events a second
	audiences int
	filled    time.Duration // until all of the audiences were live
	cpu       time.Duration // of the server, an event, probes included
	probes    *probes
	late      load.Histogram // accepted -> a member on the profile API
	preview   load.Histogram // a definition that was not asked before
	edit      load.Histogram // the same with one condition more
}

// benchAudiences are the audience that is probed and nine as a shop has them, of what the crowd does.
func benchAudiences() map[string]string {
	return map[string]string{
		enteredName: `{"event":"Bench Entered","where":[{"property":"value","op":"gte","value":1}],"within":"1d"}`,
		"viewers":   `{"event":"Product Viewed","count":{"op":"gte","value":3},"within":"7d"}`,
		"of_a_kind": `{"event":"Product Viewed","by":"product_id","count":{"op":"gte","value":2},"within":"14d"}`,
		"carts":     `{"sequence":[{"event":"Product Added"},{"not":{"event":"Order Completed"},"before":"24h"}],"within":"7d"}`,
		"buyers":    `{"event":"Order Completed","within":"90d"}`,
		"spenders":  `{"event":"Order Completed","sum":{"property":"revenue","op":"gte","value":500},"within":"365d"}`,
		"no_order":  `{"and":[{"event":"Product Viewed","within":"30d"},{"event":"Order Completed","count":{"op":"eq","value":0}}]}`,
		"mailed":    `{"and":[{"identifier":"email","exists":true},{"trait":"newsletter","op":"eq","value":true}]}`,
		"points":    `{"trait":"loyalty_points","op":"gte","value":4000}`,
		"searchers": `{"event":"Products Searched","where":[{"property":"results","op":"lt","value":5}],"within":"7d"}`,
	}
}

// enters defines the audiences, lets people enter one while events come in, then has definitions
// previewed under the same load, and ends the audiences: what is measured behind it has none.
func (z *sized) enters(ctx context.Context) (*entered, error) {
	out := &entered{rate: floorSustained / 2, probes: z.probes(), audiences: len(benchAudiences())}
	began := time.Now()
	for name, where := range benchAudiences() {
		_, err := z.s.api.SetAudience(ctx, clientele.Audience{Name: name, Where: clientele.RawJSON(where)})
		if err != nil && clientele.ErrorCode(err) != clientele.Unavailable { // else it is accepted, and done in a while
			return nil, fmt.Errorf("audience %s: %w", name, err)
		}
	}
	if err := z.audiencesLive(ctx); err != nil {
		return nil, err
	}
	out.filled = time.Since(began)
	before, err := usageOf(z.s.pid())
	if err != nil {
		return nil, err
	}
	accepted := z.counts.Accepted.Load()
	var next atomic.Int64
	z.underLoad(ctx, out.rate, z.o.half, func() {
		pace(32, enteredRate, z.o.half).Run(ctx, func(int) load.Worker { return out.probes.enteredProbe(&next, &out.late) })
	})
	if err := z.drain(ctx); err != nil {
		return nil, err
	}
	after, err := usageOf(z.s.pid())
	if err != nil {
		return nil, err
	}
	out.cpu = (after.cpu - before.cpu) / time.Duration(max(z.counts.Accepted.Load()-accepted, 1))
	z.underLoad(ctx, out.rate, z.o.half, func() {
		pace(1, previewRate, z.o.half).Run(ctx, func(int) load.Worker { return out.probes.previewer(&out.preview, &out.edit) })
	})
	for name := range benchAudiences() {
		if err := z.s.api.DeleteAudience(ctx, name); err != nil && clientele.ErrorCode(err) != clientele.Unavailable {
			return nil, fmt.Errorf("audience %s: %w", name, err)
		}
	}
	return out, ctx.Err()
}

// underLoad sends events at the rate for d, in requests of 20 as at half load, while do goes on.
func (z *sized) underLoad(ctx context.Context, rate float64, d time.Duration, do func()) {
	const batch = 20
	var wg sync.WaitGroup
	wg.Go(func() {
		z.sender(batch).Run(ctx, load.Pace{Workers: 64, Schedule: load.Schedule{{Rate: rate / batch, For: d}}}, new(load.Histogram))
	})
	wg.Go(do)
	wg.Wait()
}

// audiencesLive waits until no audience is being filled.
func (z *sized) audiencesLive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, z.o.drain)
	defer cancel()
	for {
		list, err := z.s.api.Audiences(ctx)
		if err != nil {
			return err
		}
		filling := max(0, len(benchAudiences())-len(list)) // those that are not resolved yet
		for _, a := range list {
			if a.Version == 0 || a.Filling != nil {
				filling++
			}
		}
		if filling == 0 {
			return nil
		}
		if err := load.Sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%d audiences are not filled after %s", filling, z.o.drain)
		}
	}
}

// enteredProbe sends somebody's first event of its kind and looks until the profile names the audience.
// Nobody is taken twice, and people come from all over the base: the worst case for what is in memory.
func (p *probes) enteredProbe(next *atomic.Int64, h *load.Histogram) load.Worker {
	return p.probe(h, profileLook, func(n int64) (string, func(context.Context) (bool, error)) {
		namespace, value := p.crowd.Identifier(next.Add(1) * 7919 % p.crowd.People)
		body := fmt.Sprintf(`{"type":"track","event":"Bench Entered","messageId":%q,%q:%q,"properties":{"value":1}}`,
			load.MessageID(nil, p.crowd.Seed, n), map[string]string{"user_id": "userId", "anonymous_id": "anonymousId"}[namespace], value)
		id := clientele.Identifier{Namespace: clientele.Namespace(namespace), Value: value}
		return body, func(ctx context.Context) (bool, error) {
			got, err := p.s.api.Profile(ctx, id, false)
			if err != nil {
				return false, err
			}
			for _, a := range got.Audiences {
				if a == enteredName {
					return true, nil
				}
			}
			return false, nil
		}
	})
}

// previewer asks how many a definition means that nobody has asked before, and then the same with one
// condition more, as who edits it does.
func (p *probes) previewer(first, edit *load.Histogram) load.Worker {
	n := 0
	ask := func(ctx context.Context, h *load.Histogram, where string) {
		began := time.Now()
		if _, err := p.s.api.PreviewAudience(ctx, clientele.RawJSON(where)); err != nil {
			p.fail(fmt.Errorf("preview: %w", err))
			return
		}
		h.Record(time.Since(began))
	}
	return load.Worker{
		Make: func(int64) { n++ },
		Do: func(ctx context.Context, _ time.Time) {
			where := fmt.Sprintf(`{"event":"Product Viewed","where":[{"property":"price","op":"gt","value":%d}],"within":"7d"}`, n)
			ask(ctx, first, where)
			ask(ctx, edit, fmt.Sprintf(`{"and":[%s,{"trait":"loyalty_points","op":"gte","value":%d}]}`, where, n))
		},
	}
}
