package app

import (
	"context"
	"sync"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/resolve"
)

var _ api.Live = (*App)(nil)

// resolvedChange is told of each change that is committed.
func (a *App) resolvedChange(number uint64, c *clientele.Change) {
	a.recent.add(number, c)
	a.watch.Told(number, c)
}

// Watch begins to watch events as they are resolved.
func (a *App) Watch(q clientele.LiveQuery) (api.Watcher, error) { return a.watch.Watch(q) }

// Stopping is closed when streams have to end.
func (a *App) Stopping() <-chan struct{} { return a.watch.Stopping() }

// EndStreams ends the answers that would go on for ever.
func (a *App) EndStreams() { a.watch.Close() }

// pulseFor is how old a pulse may be: many who look cost no more than one.
const pulseFor = 900 * time.Millisecond

type pulse struct {
	mu   sync.Mutex
	read time.Time
	last *clientele.Pulse
}

// Pulse is whether data comes in, and how large things are.
func (a *App) Pulse(ctx context.Context) (*clientele.Pulse, error) {
	a.pulse.mu.Lock()
	defer a.pulse.mu.Unlock()
	if now := time.Now(); a.pulse.last == nil || now.Sub(a.pulse.read) >= pulseFor {
		p, err := a.readPulse(ctx)
		if err != nil {
			return nil, err
		}
		a.pulse.last, a.pulse.read = p, now
	}
	return a.pulse.last, nil
}

func (a *App) readPulse(ctx context.Context) (*clientele.Pulse, error) {
	s, err := a.Status(ctx)
	if err != nil {
		return nil, err
	}
	p := &clientele.Pulse{At: clientele.MicrosOf(a.o.Now()), State: s.State, Problems: s.Problems, Sources: a.watch.Sources(), Lag: s.Resolver.Lag, Counts: s.Counts,
		Audiences: map[string]int64{}, Filling: []string{}}
	if p.Problems == nil {
		p.Problems = []string{}
	}
	list, err := resolve.LoadAudiences(a.rows)
	for _, v := range list {
		p.Audiences[v.Name] = v.Members
		if v.Filling != nil {
			p.Filling = append(p.Filling, v.Name)
		}
	}
	return p, err
}
