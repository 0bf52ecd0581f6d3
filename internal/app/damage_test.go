package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// A log that lost its end says so, goes on behind what was resolved, and what comes then is
// resolved exactly once.
func TestLogLostItsEnd(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.batch(webKey, track("m1", "Ping", "2026-02-01T00:00:00Z", `"userId":"ann"`, `{}`))
	p.stop()
	log, kept := filepath.Join(c.Data, "log"), filepath.Join(t.TempDir(), "log")
	if err := os.CopyFS(kept, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	p = run(t, c)
	for i := range 5 {
		p.batch(webKey, track(fmt.Sprint("lost", i), "Ping", "2026-02-02T00:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), `{}`))
	}
	was := p.status()
	p.stop()
	if err := os.RemoveAll(log); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(log, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}

	p = run(t, c)
	s := p.status()
	if s.State != "degraded" || !slices.ContainsFunc(s.Problems, func(x string) bool { return strings.Contains(x, "lost its end") }) {
		t.Errorf("%s, problems %v", s.State, s.Problems)
	}
	if s.Log.Last < was.Log.Last || s.Counts["events"] != 6 {
		t.Errorf("the log is at %d, was at %d; %d events", s.Log.Last, was.Log.Last, s.Counts["events"])
	}
	for i := range 3 {
		p.batch(webKey, track(fmt.Sprint("new", i), "Ping", "2026-02-03T00:00:00Z", fmt.Sprintf(`"userId":"v%d"`, i), `{}`))
	}
	check := func() {
		t.Helper()
		p.tells(`select count(*), count(distinct event_id) from events`, "9|9")
		p.tells(`select count(*), count(distinct profile_id) from profiles`, "9|9")
		for i := range 3 {
			if got := p.profile("user_id", fmt.Sprint("v", i)); got.Events != 1 || clientele.Anchor(got.ID).Position() <= was.Log.Last {
				t.Errorf("v%d: %s with %d events, minted at or before %d", i, got.ID, got.Events, was.Log.Last)
			}
		}
	}
	check()
	p.stop()
	p = run(t, c)
	p.settle()
	check()
}

// The outbox does not grow: what the column store has is forgotten.
func TestOutboxIsTrimmed(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	for i := range 40 {
		p.batch(webKey, track(fmt.Sprint("m", i), "Ping", "2026-02-01T00:00:00Z", `"userId":"ann"`, `{}`))
	}
	if s := p.status(); s.Columns.Commit < 40 || s.Columns.Lag != 0 || s.Resolver.Lag != 0 {
		t.Errorf("columns %+v, resolver %+v", s.Columns, s.Resolver)
	}
	p.stop()
	s := rowStore(t, c)
	defer s.Close()
	n := 0
	err := s.Scan(clientele.Prefix(clientele.NewKey(clientele.RowOutbox)), func(clientele.Key, []byte) (bool, error) { n++; return true, nil })
	if err != nil || n > 1 { // the last may still be there: it was applied as the program ended
		t.Errorf("%d changes are kept, %v", n, err)
	}
}

// A column store that is gone, or older than the outbox reaches back, and a row store that is
// gone are told with what to do; nothing is made up, and a rebuild heals them.
func TestStateDamaged(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(state string, older []byte) error{
		"columns gone": func(state string, _ []byte) error { return os.Remove(filepath.Join(state, "columns.duckdb")) },
		"columns older": func(state string, older []byte) error {
			return os.WriteFile(filepath.Join(state, "columns.duckdb"), older, 0o600)
		},
		"rows gone": func(state string, _ []byte) error { return os.RemoveAll(filepath.Join(state, "rows")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := settings(t)
			state := filepath.Join(c.Data, "state")
			p := run(t, c)
			p.couple()
			p.stop()
			older, err := os.ReadFile(filepath.Join(state, "columns.duckdb"))
			if err != nil {
				t.Fatal(err)
			}
			p = run(t, c)
			for i := range 3 {
				p.batch(webKey, track(fmt.Sprint("later", i), "Ping", "2026-02-05T00:00:00Z", `"userId":"ann"`, `{}`))
			}
			before := p.digests()
			p.stop()
			if err := harm(state, older); err != nil {
				t.Fatal(err)
			}
			err = openAndRun(t, c)
			if clientele.ErrorCode(err) != clientele.Corrupt || !strings.Contains(clientele.ErrorHint(err), "rebuild") {
				t.Errorf("error %v (%s), hint %q", err, clientele.ErrorCode(err), clientele.ErrorHint(err))
			}
			rebuild(t, c)
			p = run(t, c)
			same(t, before, p.digests())
			p.batch(webKey, track("after", "Ping", "2026-02-05T00:00:00Z", `"userId":"ann"`, `{}`))
			p.tells(`select count(*) from events`, "9")
		})
	}
}

// openAndRun is the error with which the program ends by itself.
func openAndRun(t *testing.T, c config.Config) error {
	t.Helper()
	a, err := app.Open(context.Background(), c, options())
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	settled := make(chan error, 1)
	go func() { settled <- a.Settle(ctx) }()
	select {
	case err := <-ran:
		cancel()
		<-settled
		return err
	case err := <-settled:
		cancel()
		t.Errorf("it settled: %v", err)
		return <-ran
	}
}

// Two programs never have one data directory.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	a, err := app.Open(context.Background(), c, options())
	if clientele.ErrorCode(err) != clientele.Conflict || clientele.ErrorHint(err) == "" {
		t.Errorf("a second program: %v", err)
	}
	if err == nil {
		a.Close()
	}
	p.batch(webKey, track("m1", "Ping", "2026-02-01T00:00:00Z", `"userId":"ann"`, `{}`))
}
