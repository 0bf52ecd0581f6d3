package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clientele/bench/load"
)

// prepared is what is written beside a prepared data directory.
type prepared struct {
	Format   int    `json:"format"` // of the events: others are made anew
	Version  string `json:"version"`
	Seed     uint64 `json:"seed"`
	Profiles int64  `json:"profiles"`
	Events   int64  `json:"events"` // accepted, all of them
	Next     int64  `json:"next"`   // the number of the next event
	TookMS   int64  `json:"took_ms"`
	// Open says that a run has begun to measure on it and has not ended in order: Events and Next are too low.
	Open bool `json:"open,omitempty"`
}

// eventFormat changes with what the generator makes.
const eventFormat = 1

const preparedFile = "prepared.json"

// firstProbe is how far the numbers of probe events are behind those of the crowd.
const firstProbe = 1 << 40

func (b *bench) preparedDir(profiles int64) string {
	return filepath.Join(b.o.data, fmt.Sprintf("profiles-%d-history-%d-seed-%d", profiles, b.o.history, b.o.seed))
}

// prepare makes a data directory with so many people through the front door, unless it is there
// from an earlier run, and a copy to measure on (or none: -in-place). It answers a bench for it.
func (b *bench) prepare(ctx context.Context, profiles int64) (*sized, error) {
	dir := b.preparedDir(profiles)
	var have prepared
	text, err := os.ReadFile(filepath.Join(dir, preparedFile))
	if err == nil {
		err = json.Unmarshal(text, &have)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if err != nil || have.Format != eventFormat || b.o.fresh {
		if have, err = b.introduce(ctx, dir, profiles); err != nil {
			return nil, err
		}
	} else {
		b.say("%d profiles and %d events are prepared in %s", have.Profiles, have.Events, dir)
	}
	run := dir
	if !b.o.inPlace {
		run = filepath.Join(b.o.data, "run")
		b.say("copying the data")
		if err := copyDir(dir, run); err != nil {
			return nil, err
		}
	}
	settle()
	return b.sized(run, have), nil
}

func (b *bench) sized(dir string, have prepared) *sized {
	z := &sized{bench: b, have: have, dir: dir, s: &server{program: b.o.program, last: b.o.first, dir: dir, listen: b.o.listen}}
	z.crowd = load.Crowd{Seed: b.o.seed, People: have.Profiles, First: b.first(have.Profiles), New: b.o.newShare, Visit: b.o.visit, Skew: load.Recent}
	z.next.Store(have.Next)
	z.probeIDs.Store(have.Next + firstProbe)
	return z
}

// first is the number of events that introduce people: one for each, and the history.
func (b *bench) first(profiles int64) int64 { return profiles * (1 + b.o.history) }

// introduce feeds an empty server with everybody's first events.
func (b *bench) introduce(ctx context.Context, dir string, profiles int64) (have prepared, err error) {
	if err := os.RemoveAll(dir); err != nil {
		return have, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return have, err
	}
	z := b.sized(dir, prepared{Profiles: profiles})
	if _, err := z.s.start(ctx); err != nil {
		return have, err
	}
	defer z.s.kill()
	m, stop, err := z.meter(ctx)
	if err != nil {
		return have, err
	}
	defer stop()
	total := b.first(profiles)
	b.say("preparing %d profiles and %d events through the front door", profiles, total)
	start := time.Now()
	told := start
	const batch = 100
	sender := z.sender(batch)
	p := load.Pace{Workers: 8, For: 24 * time.Hour, Count: (total + batch - 1) / batch}
	p.Hold = func(ctx context.Context, i int64) {
		if i%1000 == 0 && time.Since(told) > 10*time.Second {
			told = time.Now()
			b.say("  %d of %d events, %.0f/s", i*batch, total, float64(i*batch)/time.Since(start).Seconds())
		}
		z.hold(ctx, m, 400_000)
	}
	// The last batch may reach into the visits: those numbers are then used.
	sender.Run(ctx, p, new(load.Histogram))
	if _, err := m.drain(ctx, time.Hour); err != nil {
		return have, err
	}
	took := time.Since(start)
	have = prepared{Format: eventFormat, Version: b.version, Seed: b.o.seed, Profiles: profiles, Events: z.counts.Accepted.Load(), Next: z.next.Load(), TookMS: took.Milliseconds()}
	b.say("prepared in %s, %.0f events/s", took.Round(time.Second), float64(have.Events)/took.Seconds())
	if ctx.Err() != nil || z.counts.Unclear.Load() > 0 || z.counts.Refused.Load() > 0 {
		return have, fmt.Errorf("preparing: %d events unclear, %d refused: %w", z.counts.Unclear.Load(), z.counts.Refused.Load(), ctx.Err())
	}
	stop()
	if err := z.s.stop(); err != nil {
		return have, err
	}
	return have, b.remember(dir, have)
}

func (b *bench) remember(dir string, have prepared) error {
	text, err := json.MarshalIndent(have, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, preparedFile), append(text, '\n'), 0o600)
}

// beyond is how many numbers are passed over when it is not known which were used.
const beyond = 1 << 32

// occupy notes, where the data is measured on in place, that it changes from here on. What an
// earlier run that did not end has left is found out from the server, which has drained it.
func (z *sized) occupy(ctx context.Context) error {
	if !z.o.inPlace {
		return nil
	}
	if z.have.Open {
		st, err := z.s.api.Status(ctx)
		if err != nil {
			return err
		}
		z.have.Events = st.Counts["events"]
		z.have.Next += beyond
		z.next.Store(z.have.Next)
		z.probeIDs.Store(z.have.Next + firstProbe)
		z.say("an earlier run did not end: it left %d events", z.have.Events)
	}
	z.have.Open = true
	return z.remember(z.dir, z.have)
}

// leave notes what is there now, or removes the copy.
func (z *sized) leave() error {
	if !z.o.inPlace {
		return os.RemoveAll(z.dir)
	}
	have := z.have
	have.Events, have.Next, have.Open = have.Events+z.counts.Accepted.Load(), z.next.Load(), false
	return z.remember(z.dir, have)
}

// settled waits until all that is in the log can be queried: the meter begins at rest.
func (z *sized) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, z.o.drain)
	defer cancel()
	for {
		st, err := z.s.api.Status(ctx)
		if err != nil {
			return err
		}
		if st.Resolver.Lag == 0 && st.Columns.Lag == 0 {
			return nil
		}
		if err := load.Sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the server is %d frames and %d commits behind before anything is measured", st.Resolver.Lag, st.Columns.Lag)
		}
	}
}
