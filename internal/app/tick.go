package app

import (
	"context"
	"time"

	"clientele"
)

// The clock of the domain is the latest received time of what is resolved. Where nothing moves it, a
// tick does: a record that says the time and nothing else, once in tickEvery, so that an idle log
// grows by 1,440 records a day. tickLook is how often the stage looks.
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
	for pause(ctx, tickLook) == nil {
		// What is on its way moves the clock itself, and a resolver that is behind needs no more records.
		if uint64(a.log.Last()) > a.resolved.get() {
			continue
		}
		now := clientele.MicrosOf(a.o.Now())
		if !tickDue(now, clientele.Micros(a.domain.Load())) {
			continue
		}
		// A log that takes nothing now is somebody else's to report; the next look tries again.
		_, _ = a.log.Append(ctx, clientele.KindTick, []clientele.Record{{Source: clockSource, ReceivedAt: now, Raw: []byte("{}")}})
	}
	return nil
}

// tickDue says whether the domain's clock has stood still for too long. Before the first record there is
// nothing that time could change.
func tickDue(now, domain clientele.Micros) bool {
	return domain != 0 && now-domain >= clientele.Micros(tickEvery.Microseconds())
}
