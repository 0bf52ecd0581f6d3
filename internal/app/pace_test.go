package app_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"clientele/internal/app"
)

// TestPace: a stage rests in proportion to its last round, up to a limit, and not at all before
// its first one or when the rest has gone by.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		what                      string
		within, took, since, rest time.Duration
	}{
		{"a short round", 0, 10 * time.Millisecond, 0, 30 * time.Millisecond},
		{"a long one", 0, time.Second, 0, 400 * time.Millisecond},
		{"a part of the rest is over", 0, 100 * time.Millisecond, 120 * time.Millisecond, 180 * time.Millisecond},
		{"all of it", 0, 10 * time.Millisecond, 30 * time.Millisecond, 0},
		{"a short round and its rest are within", 600 * time.Millisecond, 100 * time.Millisecond, 0, 300 * time.Millisecond},
		{"a longer one leaves less to rest", 600 * time.Millisecond, 450 * time.Millisecond, 0, 150 * time.Millisecond},
		{"one that took as long leaves nothing", 600 * time.Millisecond, 700 * time.Millisecond, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := app.NewPace(3, 400*time.Millisecond, c.within)
			if app.PaceTimer(p) != nil {
				t.Error("it rests before its first round")
			}
			began := time.Now()
			<-time.After(c.took)
			app.PaceEnded(p, began)
			<-time.After(c.since)
			from := time.Now()
			if over := app.PaceTimer(p); over != nil {
				<-over
			} else if c.rest > 0 {
				t.Errorf("%s: no rest", c.what)
			}
			if got := time.Since(from); got != c.rest {
				t.Errorf("%s: rests for %s, want %s", c.what, got, c.rest)
			}
		})
	}
}

// TestUrged: whoever waits for a number hurries the stage that makes it grow, and no longer than
// that.
func TestUrged(t *testing.T) {
	urged := func(p *app.Progress) bool {
		select {
		case <-app.ProgressUrged(p):
			return true
		default:
			return false
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var p app.Progress
		app.ProgressSet(&p, 4)
		if err := app.ProgressReach(&p, context.Background(), 4); err != nil || urged(&p) {
			t.Errorf("what is reached already urges nobody: %v", err)
		}
		before := app.ProgressUrged(&p)
		for range 2 {
			go func() { _ = app.ProgressReach(&p, context.Background(), 6) }()
		}
		synctest.Wait()
		<-before // a rest that has begun ends
		if !urged(&p) {
			t.Error("nobody is urged while two wait")
		}
		app.ProgressSet(&p, 5)
		synctest.Wait()
		if !urged(&p) {
			t.Error("nobody is urged any more, though nobody has what he waits for")
		}
		app.ProgressSet(&p, 6)
		synctest.Wait()
		if urged(&p) {
			t.Error("urged still, though nobody waits")
		}
	})
}
