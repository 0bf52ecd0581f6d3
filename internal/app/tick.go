package app

import (
	"context"
	"time"

	"clientele"
	"clientele/internal/resolve"
)

// The clock of the domain is the latest received time of what is resolved. Where nothing moves it, a
// tick does: a record that says the time and nothing else, once in tickEvery, so that an idle log
// grows by 1,440 records a day. What time alone changes waits for a tick, so there is one as well when
// the resolver has something due, at most one in tickLook, which is how often the stage looks.
const (
	tickEvery = time.Minute
	tickLook  = time.Second
)

// clockSource is the source of ticks.
const clockSource = "clock"

// tick moves the domain's clock while nothing else does. A command that opens the directory for a
// moment writes no tick: what time brings about is the server's to do.
func (a *App) tick(ctx context.Context) error {
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	for last := clientele.Position(0); pause(ctx, tickLook) == nil; {
		now, domain, due := clientele.MicrosOf(a.o.Now()), clientele.Micros(a.domain.Load()), clientele.Micros(a.dueAt.Load())
		resolved := clientele.Position(a.resolved.get())
		// What is on its way moves the clock itself, and a resolver that is behind needs no second tick.
		stands := a.log.Last() <= resolved && tickDue(now, domain)
		if !stands && !(due != 0 && due <= now && last <= resolved) {
			continue
		}
		// A log that takes nothing now is somebody else's to report; the next look tries again.
		if p, err := a.log.Append(ctx, clientele.KindTick, []clientele.Record{{Source: clockSource, ReceivedAt: now, Raw: []byte("{}")}}); err == nil {
			last = p
		}
	}
	return nil
}

// timeOf notes the resolver's clock for the stage.
func (a *App) timeOf(r *resolve.Resolver) {
	a.domain.Store(int64(r.Totals().Now))
	a.dueAt.Store(int64(r.Due()))
	a.windowAt.Store(int64(r.MembershipDue()))
}

// memberships is when time alone next changes who is a member of what, and how late that is.
func (a *App) memberships() clientele.MembershipStatus {
	s := clientele.MembershipStatus{Due: clientele.Micros(a.windowAt.Load())}
	if s.Due != 0 {
		s.LateMS = max(0, int64(clientele.MicrosOf(a.o.Now())-s.Due)/1000)
	}
	return s
}

// tickDue says whether the domain's clock has stood still for too long. Before the first record there is
// nothing that time could change.
func tickDue(now, domain clientele.Micros) bool {
	return domain != 0 && now-domain >= clientele.Micros(tickEvery.Microseconds())
}
