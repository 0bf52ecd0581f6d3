package app_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// backup makes a backup of the running program and answers where it is.
func (p *program) backup(name string) (string, *clientele.BackupStatus) {
	p.Helper()
	path := filepath.Join(p.TempDir(), name)
	s, err := p.app.Backup(context.Background(), path)
	if err != nil {
		p.Fatal(err)
	}
	return path, s
}

// restored is the configuration of a new data directory with the backup in it.
func restored(t *testing.T, c config.Config, from string) config.Config {
	t.Helper()
	c.Data = t.TempDir()
	if _, err := app.Restore(context.Background(), c, from, options(), app.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// The drill: what a backup brings back is what was there, in every table, row and position, and
// life goes on in it; a rebuild of it comes to the same.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"b", "b.tar.zst"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			c := settings(t)
			p := run(t, c)
			p.live(rand.New(rand.NewPCG(3, 7)), 12)
			secret, err := p.client.CreateToken(context.Background(), "kept", []string{"read"})
			if err != nil {
				t.Fatal(err)
			}
			c.Log.KeepSize = 1 // a part of the history leaves the log
			p.stop()
			p = run(t, c)
			eventually(t, "the log was trimmed", func() bool { return p.status().Log.First > 1 })
			p.live(rand.New(rand.NewPCG(3, 8)), 12)
			before, waiting, counts := p.digests(), fmt.Sprint(p.allQuarantined(100)), p.status().Counts
			from, s := p.backup(form)
			if st := p.status(); s.Log != st.Log.Last || s.Rows != st.Resolver.Position || s.Columns != st.Columns.Position {
				t.Errorf("the backup is of %+v, the program at %+v", s, st)
			}
			p.stop()
			rows := rowDigest(t, c)

			c = restored(t, c, from)
			if got := rowDigest(t, c); got != rows {
				t.Errorf("the rows' digest is %s, was %s", got, rows)
			}
			p = run(t, c)
			same(t, before, p.digests())
			st := p.status()
			if st.Log.Last != s.Log || st.Log.First != s.Log+1 || st.Log.Archived != s.Log || st.Resolver.Position != s.Rows || len(st.Problems) > 0 {
				t.Errorf("restored at %+v, the backup was of %+v", st, s)
			}
			if !maps.Equal(counts, st.Counts) || fmt.Sprint(p.allQuarantined(100)) != waiting {
				t.Errorf("counts %v, were %v, or the quarantine is another", st.Counts, counts)
			}
			if who, err := p.app.Tokens().Check(context.Background(), secret); err != nil || who.Name != "kept" {
				t.Errorf("the token made before: %v", err)
			}
			p.live(rand.New(rand.NewPCG(3, 9)), 6)
			before = p.digests()
			p.stop()
			rebuild(t, c)
			p = run(t, c)
			same(t, before, p.digests())
		})
	}
}

// While events come in and are trimmed, a backup is of one moment: nothing that was acknowledged
// before it began is missing, each event is there once, and a rebuild comes to the same tables.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Log.KeepSize = 1
	p := run(t, c)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var acknowledged [2]atomic.Int64
	for w := range acknowledged {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				event := track(fmt.Sprintf("w%d-%d", w, n), "Product Viewed", "2026-02-01T00:00:00Z", fmt.Sprintf(`"anonymousId":"a%d"`, n%50), fmt.Sprintf(`{"w":%d,"n":%d}`, w, n))
				if status, body := p.post("/v1/track", webKey, event); status != 200 {
					t.Errorf("%d %s", status, body)
					return
				}
				acknowledged[w].Store(n + 1)
			}
		})
	}
	var paths []string
	var least [][2]int64
	for i := range 3 {
		eventually(t, "events come in", func() bool { return acknowledged[0].Load() > int64(100*(i+1)) && acknowledged[1].Load() > 0 })
		least = append(least, [2]int64{acknowledged[0].Load(), acknowledged[1].Load()})
		path, s := p.backup("b")
		if s.Columns > s.Rows || s.Rows > s.Log {
			t.Errorf("a follower is ahead: %+v", s)
		}
		paths = append(paths, path)
	}
	close(stop)
	wg.Wait()
	p.stop()
	for i, path := range paths {
		r := restored(t, c, path)
		q := run(t, r)
		q.settle()
		for w := range acknowledged {
			got := q.sql(fmt.Sprintf("select count(*), count(distinct event_id), max(cast(properties->>'n' as bigint)) + 1 from events where event_id like 'w%d-%%'", w))
			var n, distinct, next int64
			if _, err := fmt.Sscanf(got[0], "%d|%d|%d", &n, &distinct, &next); err != nil {
				t.Fatal(got, err)
			}
			if n != distinct || n != next || n < least[i][w] {
				t.Errorf("backup %d, sender %d: %d events, %d ids, up to %d; %d were acknowledged before", i, w, n, distinct, next, least[i][w])
			}
		}
		before := q.digests()
		q.stop()
		rebuild(t, r)
		q = run(t, r)
		same(t, before, q.digests())
		q.stop()
	}
}

func TestBackupRefusals(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	ctx := context.Background()
	there := filepath.Join(t.TempDir(), "there")
	if err := os.Mkdir(there, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]clientele.Code{"relative": clientele.Invalid, filepath.Join(c.Data, "b"): clientele.Invalid, there: clientele.Conflict,
		"/dev/null/b": clientele.Unavailable} {
		if _, err := p.app.Backup(ctx, path); clientele.ErrorCode(err) != code {
			t.Errorf("%s: %v", path, err)
		}
	}
	if s, err := p.app.BackupStatus(ctx); err != nil || s.State != clientele.BackupFailed && s.Error == "" {
		t.Errorf("status %+v, %v", s, err)
	}
}

// What is there is only replaced when that is asked for, and only by a backup that is whole.
func TestRestoreOverData(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.batch(webKey, track("old", "Once", "2026-01-01T00:00:00Z", `"userId":"old"`, `{}`))
	from, _ := p.backup("b")
	before := p.digests()
	p.batch(webKey, track("new", "Once", "2026-01-02T00:00:00Z", `"userId":"new"`, `{}`))
	ctx := context.Background()
	if _, err := app.Restore(ctx, c, from, options(), app.RestoreOptions{Force: true}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("beside a running program: %v", err)
	}
	p.stop()
	if _, err := app.Restore(ctx, c, from, options(), app.RestoreOptions{}); clientele.ErrorCode(err) != clientele.Conflict || !strings.Contains(clientele.ErrorHint(err), "--force") {
		t.Errorf("over data: %v (%s)", err, clientele.ErrorHint(err))
	}
	part, err := filepath.Glob(filepath.Join(from, "archive", "*.part"))
	if err != nil || len(part) == 0 {
		t.Fatal(part, err)
	}
	whole, err := os.ReadFile(part[0])
	if err != nil {
		t.Fatal(err)
	}
	damage := append([]byte{}, whole...)
	damage[len(damage)/2]++
	put := func(b []byte) {
		if err := os.WriteFile(part[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(damage)
	if _, err := app.Restore(ctx, c, from, options(), app.RestoreOptions{Force: true}); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("a damaged backup: %v", err)
	}
	p = run(t, c)
	p.settle()
	p.tells("select count(*) from events", "2")
	p.stop()
	put(whole)
	if err := os.WriteFile(filepath.Join(c.Data, "stranger"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Restore(ctx, c, from, options(), app.RestoreOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"stranger", ".restore"} {
		if _, err := os.Stat(filepath.Join(c.Data, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", gone, err)
		}
	}
	p = run(t, c)
	same(t, before, p.digests())
}

// A crash while what was restored is put in its place is made good by the next start, wherever it came.
func TestRestoreCrash(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.live(rand.New(rand.NewPCG(4, 4)), 5)
	from, _ := p.backup("b")
	before := p.digests()
	p.stop()
	for crashAfter := range 4 {
		c := c
		c.Data = t.TempDir()
		if err := os.WriteFile(filepath.Join(c.Data, "tokens.json"), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		app.RestoreUpTo(t, c, from, crashAfter)
		p := run(t, c)
		same(t, before, p.digests())
		p.stop()
		if _, err := os.Stat(filepath.Join(c.Data, ".restore")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after %d moves: the rest of the restore is left", crashAfter)
		}
	}
}

// An archive of its own place is restored there.
func TestRestoreArchiveElsewhere(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Archive.Dir = t.TempDir()
	p := run(t, c)
	p.live(rand.New(rand.NewPCG(6, 6)), 5)
	from, _ := p.backup("b")
	before := p.digests()
	p.stop()
	c.Archive.Dir = t.TempDir()
	c = restored(t, c, from)
	parts, err := filepath.Glob(filepath.Join(c.Archive.Dir, "*.part"))
	if err != nil || len(parts) == 0 {
		t.Errorf("parts %v, %v", parts, err)
	}
	p = run(t, c)
	same(t, before, p.digests())
	if s := p.status(); len(s.Problems) > 0 {
		t.Errorf("problems %v", s.Problems)
	}
}
