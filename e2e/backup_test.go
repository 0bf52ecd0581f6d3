package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBackupUnderLoad: a backup is made while events come in, the server is killed, its data is lost, and what
// is restored has everything that was acknowledged before the backup began, once, and rebuilds to the same tables.
func TestBackupUnderLoad(t *testing.T) {
	whole(t)
	in := newInstall(t, "", smallLog)
	l := newLedger()
	in.start()
	halt := crowd(t, in, l, 4, sender{name: "b", people: 200, padding: 200, pause: 5 * time.Millisecond})
	within(t, time.Minute, "events are accepted", func() bool { return l.size() > 5000 })
	l.mu.Lock()
	before := slices.Collect(maps.Keys(l.events))
	l.mu.Unlock()
	out := filepath.Join(t.TempDir(), "backup")
	t.Log(strings.TrimSpace(done(t, "backup", "--config", in.config, "--out", out)))
	during := l.size() - len(before)
	in.kill()
	in.spawn() // so that what the senders have begun ends
	in.ready()
	halt()
	in.kill()
	if during == 0 {
		t.Error("nothing was accepted while the backup was made")
	}
	must(t, os.RemoveAll(in.data))
	t.Log(strings.TrimSpace(done(t, "restore", "--config", in.config, "--from", out)))
	in.start()
	in.settle()
	have := map[string]int{}
	for _, row := range in.pages("select event_id, count(*) from events group by 1 order by 1") {
		have[fmt.Sprint(row[0])]++
		if fmt.Sprint(row[1]) != "1" {
			t.Errorf("%v is there %v times", row[0], row[1])
		}
	}
	missing := 0
	for _, id := range before {
		if have[id] == 0 {
			missing++
		}
	}
	t.Logf("%d events were acknowledged before the backup, %d while it was made; %d are restored, %d missing", len(before), during, len(have), missing)
	if missing > 0 {
		t.Errorf("%d acknowledged events are missing", missing)
	}
	in.stop()
	sums := digests(t, "--config", in.config)
	done(t, "rebuild", "--config", in.config)
	sameDigests(t, "rebuild of what was restored", sums, digests(t, "--config", in.config))
	in.start()
	if a := in.post(t.Context(), "/v1/track", []byte(`{"event":"Still","userId":"u-0","messageId":"still"}`)); a.Status != 200 {
		t.Errorf("the restored server answers %+v", a)
	}
	in.settle()
	if n := in.one("select count(*) from events where event_id = 'still'"); n != "1" {
		t.Errorf("an event after the restore is there %s times", n)
	}
}

// pages is all rows of a query that is ordered, over the limit of one answer.
func (in *install) pages(sql string) (rows [][]any) {
	in.t.Helper()
	const page = 10_000
	for {
		part := in.query(fmt.Sprintf("select * from (%s) q limit %d offset %d", sql, page, len(rows)))
		if rows = append(rows, part...); len(part) < page {
			return rows
		}
	}
}

// TestSoakRebuild: a million events, rebuilt, come to the same tables. CLIENTELE_SOAK=1 asks for it (make soak).
func TestSoakRebuild(t *testing.T) {
	whole(t)
	if os.Getenv("CLIENTELE_SOAK") == "" {
		t.Skip("a million events take minutes: make soak runs it")
	}
	const events, batch, people, senders = 1_000_000, 500, 100_000, 4
	in := newInstall(t, "", "log: {max_size: 512MB, keep_size: 64MB, keep_age: 1d, reserve: 16MB}\n")
	in.start()
	start := time.Now()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for first := s * batch; first < events; first += senders * batch {
				body := soakBatch(first, batch, people)
				for in.post(t.Context(), "/v1/batch", body).Status != 200 {
					if !wait(t.Context(), 50*time.Millisecond) {
						return
					}
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	in.settle()
	t.Logf("%d events accepted in %s, all queryable after %s", events, took.Round(time.Second), time.Since(start).Round(time.Second))
	if n := in.one("select count(*) from events"); n != fmt.Sprint(events) {
		t.Errorf("%s events", n)
	}
	out := filepath.Join(t.TempDir(), "backup")
	t.Log(strings.TrimSpace(done(t, "backup", "--config", in.config, "--out", out)))
	in.stop()
	before := digests(t, "--config", in.config)
	start = time.Now()
	done(t, "rebuild", "--config", in.config)
	t.Logf("rebuilt in %s", time.Since(start).Round(time.Second))
	sameDigests(t, "rebuild", before, digests(t, "--config", in.config))
	other := filepath.Join(t.TempDir(), "restored")
	start = time.Now()
	done(t, "restore", "--config", in.config, "--from", out, "--data", other)
	t.Logf("restored in %s", time.Since(start).Round(time.Second))
	sameDigests(t, "restore", before, digests(t, "--config", in.config, "--data", other))
}

// soakBatch is events first to first+n, of people with two devices, some of them with an order.
func soakBatch(first, n, people int) []byte {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i := first; i < first+n; i++ {
		if i > first {
			b.WriteByte(',')
		}
		person := i * 7919 % people
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second).Format(time.RFC3339)
		switch {
		case i%20 == 0:
			fmt.Fprintf(&b, `{"type":"identify","messageId":"m%d","timestamp":%q,"userId":"u%d","anonymousId":"a%d-%d","traits":{"email":"u%d@example.com","plan":"p%d"}}`, i, at, person, person, i%2, person, i%5)
		case i%25 == 1:
			fmt.Fprintf(&b, `{"type":"track","event":"Order Completed","messageId":"m%d","timestamp":%q,"userId":"u%d","properties":{"order_id":"o%d","total":%d.25,"currency":"USD","products":[{"sku":"s%d","price":%d.25,"quantity":1}]}}`, i, at, person, i, i%300, i%500, i%300)
		default:
			fmt.Fprintf(&b, `{"type":"track","event":"Product Viewed","messageId":"m%d","timestamp":%q,"anonymousId":"a%d-%d","properties":{"sku":"s%d","list":"home","position":%d}}`, i, at, person, i%2, i%500, i%10)
		}
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}
