package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"clientele/bench/cpu"
	"clientele/bench/load"
)

// sized is the bench at one size of data.
type sized struct {
	*bench
	have     prepared
	dir      string
	s        *server
	m        *meter
	crowd    load.Crowd
	counts   load.Counts
	next     atomic.Int64
	probeIDs atomic.Int64
	f        figures
}

// figures are what was measured at one size; what was not reached is zero or nil.
type figures struct {
	profiles, events int64
	starts           []time.Duration
	sustained        *sustained // people as in a shop
	uniform          *sustained // everybody as often
	half             *half
	entered          *entered
	batches          *ingest
	singles          *ingest
	surge            *surge
	killed           *killed
	exact            *exact
	memoryPeak       int64 // of the process that did all but the last, kernel's high-water mark
}

type sustained struct {
	rate   float64 // events a second, resolved and queryable
	cpu    time.Duration
	client time.Duration // CPU of the generator, an event
	stages stages
}

// stages is what the server's CPU profile says, an event.
type stages struct {
	list []cpu.Stage
	sum  time.Duration
	err  error // why there are none
}

type half struct {
	rate   float64 // events a second
	late   *load.Histogram
	probes *probes
	memory int64         // highest seen meanwhile
	events int64         // at the end
	cpu    time.Duration // of the server, an event
	stages stages
}

type ingest struct {
	events int     // in a request
	rate   float64 // events a second, closed loop
	full   *load.Histogram
	atHalf *load.Histogram // open loop at half of the rate; nil when not measured
	client time.Duration   // CPU of the generator, a request
	stages stages
}

type surge struct {
	before, during *probes
	late           *load.Histogram
	rate           float64 // events a second accepted
	wanted         float64
	d              time.Duration
	gone           time.Duration // until the lag was gone, behind the last event
	backlog        int64         // at the end of the surge
	memory         int64
}

type killed struct {
	again    int64 // requests that were not answered, each time they were sent
	ready    time.Duration
	logBytes int64
	backlog  int64
	drained  time.Duration
}

type exact struct {
	accepted, unclear, found, distinct, quarantined, duplicates, profiles int64
	limited, full                                                         int64 // answers 429 and 503, each followed by the same request again
}

func (e *exact) ok() bool {
	return e.found == e.distinct && e.found >= e.accepted && e.found <= e.accepted+e.unclear && e.quarantined == 0
}

func (z *sized) sender(events int) *load.Sender {
	return &load.Sender{Address: z.s.where, Key: writeKey, Crowd: &z.crowd, Next: &z.next, Events: events, GiveUp: 2 * time.Minute, Counts: &z.counts}
}

// meter starts looking; stop ends it, and may be called twice.
func (z *sized) meter(ctx context.Context) (*meter, func(), error) {
	m := &meter{s: z.s, counts: &z.counts, every: 100 * time.Millisecond}
	if err := m.begin(ctx); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { m.run(ctx) })
	return m, func() { cancel(); wg.Wait() }, nil
}

// hold waits while the backlog is above the limit.
func (z *sized) hold(ctx context.Context, m *meter, limit int64) {
	for m.backlog() > limit && load.Sleep(ctx, 5*time.Millisecond) == nil {
	}
}

// drain waits for what the last measurement left, so that the next begins with none.
func (z *sized) drain(ctx context.Context) error {
	_, err := z.m.drain(ctx, z.o.drain)
	return err
}

// cleanStarts starts and stops the server on the data.
func (z *sized) cleanStarts(ctx context.Context) error {
	for i := range z.o.starts {
		took, err := z.s.start(ctx)
		if err != nil {
			return err
		}
		z.f.starts = append(z.f.starts, took)
		if i == z.o.starts-1 {
			break // this one goes on
		}
		if err := z.s.stop(); err != nil {
			return err
		}
	}
	return nil
}

// sustain feeds so that a backlog always stands: what comes out of the other end is what can be
// sustained, with the work of taking events in included.
func (z *sized) sustain(ctx context.Context, skew load.Skew) (*sustained, error) {
	z.crowd.Skew = skew
	defer func() { z.crowd.Skew = load.Recent }()
	warm := z.o.window / 4
	stopped := make(chan struct{})
	stop := sync.OnceFunc(func() { close(stopped) })
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	z.m.restart()
	wg.Go(func() {
		p := load.Pace{Workers: 16, For: z.o.window + warm + time.Minute, Stop: stopped, Hold: func(ctx context.Context, _ int64) { z.hold(ctx, z.m, z.o.backlog) }}
		z.sender(100).Run(ctx, p, new(load.Histogram))
	})
	if err := load.Sleep(ctx, warm); err != nil {
		return nil, err
	}
	out := &sustained{}
	from, client, accepted := time.Now(), selfCPU(), z.counts.Accepted.Load()
	profiled := z.profile(ctx, z.o.window)
	defer profiled(0) // waits, whatever happens
	if err := load.Sleep(ctx, z.o.window); err != nil {
		return nil, err
	}
	to := time.Now()
	out.client = (selfCPU() - client) / time.Duration(max(z.counts.Accepted.Load()-accepted, 1))
	stop()
	wg.Wait()
	first, last, err := z.m.window(from, to)
	if err != nil {
		return nil, err
	}
	events := last.queryable - first.queryable
	out.rate = float64(events) / last.at.Sub(first.at).Seconds()
	out.cpu = (last.usage.cpu - first.usage.cpu) / time.Duration(events)
	out.stages = profiled(out.rate)
	return out, nil
}

// profile begins a CPU profile within the next d. The answer waits for it, at most once, and divides
// it among the events of the rate, or with none among those that were accepted meanwhile.
func (z *sized) profile(ctx context.Context, d time.Duration) func(rate float64) stages {
	d = min(d-time.Second, 30*time.Second).Truncate(time.Second)
	d = max(d, time.Second)
	var samples []cpu.Sample
	var accepted int64
	var out stages
	var wg sync.WaitGroup
	wg.Go(func() {
		var packed []byte
		before := z.counts.Accepted.Load()
		if packed, out.err = z.s.profile(ctx, d); out.err == nil {
			samples, out.err = cpu.Read(packed)
		}
		if z.o.profileDir != "" && out.err == nil {
			out.err = os.WriteFile(filepath.Join(z.o.profileDir, fmt.Sprintf("cpu-%d-%s.pprof", z.f.profiles, time.Now().Format("150405"))), packed, 0o600)
		}
		accepted = z.counts.Accepted.Load() - before
	})
	return func(rate float64) stages {
		wg.Wait()
		events := rate * d.Seconds()
		if rate == 0 {
			events = max(float64(accepted), 1)
		}
		for _, s := range cpu.Stages(samples) {
			s.Time = time.Duration(float64(s.Time) / events)
			out.list = append(out.list, s)
			out.sum += s.Time
		}
		samples = nil
		return out
	}
}

// atHalf feeds at the rate, whatever the answers, and probes meanwhile.
func (z *sized) atHalf(ctx context.Context, rate float64) (*half, error) {
	const batch = 20 // as a browser's queue or a small backend sends
	out := &half{rate: rate, late: new(load.Histogram), probes: z.probes()}
	z.m.restart()
	before, err := usageOf(z.s.pid())
	if err != nil {
		return nil, err
	}
	accepted := z.counts.Accepted.Load()
	profiled := z.profile(ctx, z.o.half)
	var wg sync.WaitGroup
	wg.Go(func() {
		z.sender(batch).Run(ctx, load.Pace{Workers: 64, Schedule: load.Schedule{{Rate: out.rate / batch, For: z.o.half}}}, out.late)
	})
	wg.Go(func() { out.probes.run(ctx, z.o.half, true) })
	wg.Wait()
	out.stages = profiled(out.rate)
	after, err := usageOf(z.s.pid())
	if err != nil {
		return nil, err
	}
	out.cpu = (after.cpu - before.cpu) / time.Duration(max(z.counts.Accepted.Load()-accepted, 1))
	out.memory = z.m.peak()
	out.events = z.m.now().queryable + z.have.Events
	return out, ctx.Err()
}

func (z *sized) probes() *probes {
	return &probes{s: z.s, crowd: &z.crowd, counts: &z.counts, ids: &z.probeIDs}
}

// warm is how long a thousand connections are opened and used before latencies count: no crowd comes within a tenth of a second.
const warm = 2 * time.Second

// ingest sends for a while, where wanted, at half of the rate that is asked for; then as fast as the
// server answers.
func (z *sized) ingest(ctx context.Context, events, workers int, atHalf time.Duration) (*ingest, error) {
	out := &ingest{events: events, full: new(load.Histogram)}
	if atHalf > 0 {
		out.atHalf = new(load.Histogram)
		z.sender(events).Run(ctx, load.Pace{Workers: 4 * workers, Schedule: load.Schedule{{Rate: floorSingles / 2 / float64(events), For: warm + atHalf}}, Warm: warm}, out.atHalf)
		if err := errors.Join(ctx.Err(), z.drain(ctx)); err != nil {
			return nil, err
		}
	}
	count := z.counts.Accepted.Load()
	client := selfCPU()
	profiled := z.profile(ctx, z.o.flood)
	took := z.sender(events).Run(ctx, load.Pace{Workers: workers, For: z.o.flood, Count: z.o.floodEvents / int64(events)}, out.full)
	accepted := z.counts.Accepted.Load() - count
	out.rate = float64(accepted) / took.Seconds()
	out.stages = profiled(0)
	out.client = (selfCPU() - client) / time.Duration(max(out.full.Count(), 1))
	return out, errors.Join(ctx.Err(), z.drain(ctx))
}

// surged goes from a quiet shop to a rush of new visitors.
func (z *sized) surged(ctx context.Context) (*surge, error) {
	const batch = 20
	crowd := z.crowd
	crowd.New, crowd.Salt = 0.8, 0x7375726765
	sender := z.sender(batch)
	sender.Crowd = &crowd
	out := &surge{before: z.probes(), during: z.probes(), late: new(load.Histogram), wanted: z.o.surgeRate, d: z.o.surge}
	stage := func(rate float64, d time.Duration, p *probes, h *load.Histogram) {
		var wg sync.WaitGroup
		wg.Go(func() {
			sender.Run(ctx, load.Pace{Workers: 128, Schedule: load.Schedule{{Rate: rate / batch, For: d}}}, h)
		})
		wg.Go(func() { p.run(ctx, d, false) })
		wg.Wait()
	}
	stage(500, z.o.surge/4, out.before, new(load.Histogram))
	z.m.restart()
	start, count := time.Now(), z.counts.Accepted.Load()
	stage(z.o.surgeRate, z.o.surge, out.during, out.late)
	out.rate = float64(z.counts.Accepted.Load()-count) / time.Since(start).Seconds()
	out.backlog = z.m.backlog()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var err error
	out.gone, err = z.m.drain(ctx, z.o.drain)
	out.memory = z.m.peak()
	return out, err
}

// kill9 ends the server in the middle of a flood; senders send again what was not answered, and
// the flood goes on for a second behind the next start.
func (z *sized) kill9(ctx context.Context) (*killed, error) {
	stopped := make(chan struct{})
	stop := sync.OnceFunc(func() { close(stopped) })
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		p := load.Pace{Workers: 16, For: time.Hour, Stop: stopped, Hold: func(ctx context.Context, _ int64) { z.hold(ctx, z.m, z.o.floodEvents) }}
		z.sender(100).Run(ctx, p, new(load.Histogram))
	})
	if err := load.Sleep(ctx, z.o.flood/2); err != nil {
		return nil, err
	}
	out := &killed{logBytes: z.m.now().logBytes, backlog: z.m.backlog()}
	broken := z.counts.Broken.Load()
	z.s.kill()
	var err error
	if out.ready, err = z.s.start(ctx); err != nil {
		return nil, err
	}
	if err := load.Sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	stop()
	wg.Wait()
	out.again = z.counts.Broken.Load() - broken
	out.drained, err = z.m.drain(ctx, z.o.drain)
	return out, err
}

// count compares what was accepted with what is there, in SQL. Distinct ids are counted in
// sixteen parts, so that memory is no limit.
func (z *sized) count(ctx context.Context) (*exact, error) {
	e := &exact{accepted: z.have.Events + z.counts.Accepted.Load(), unclear: z.counts.Unclear.Load(),
		limited: z.counts.Limited.Load(), full: z.counts.Full.Load()}
	const digits = "0123456789abcdefg"
	for i := range 16 {
		r, err := z.s.api.Query(ctx, "SELECT count(*), count(DISTINCT event_id) FROM events WHERE source = $1 AND event_id >= $2 AND event_id < $3",
			[]any{sourceName, digits[i : i+1], digits[i+1 : i+2]}, 1)
		if err != nil {
			return nil, fmt.Errorf("count: %w", err)
		}
		n, _ := r.Rows[0][0].(int64)
		d, _ := r.Rows[0][1].(int64)
		e.found, e.distinct = e.found+n, e.distinct+d
	}
	st, err := z.s.api.Status(ctx)
	if err != nil {
		return nil, err
	}
	e.quarantined, e.duplicates, e.profiles = st.Counts["quarantined"], st.Counts["duplicates"], st.Counts["profiles"]
	return e, nil
}

// selfCPU is what this process has used, user and system.
func selfCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
