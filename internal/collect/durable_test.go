package collect_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/collect"
	"clientele/internal/eventlog"
)

func openLog(t testing.TB, dir string) *eventlog.Log {
	l, err := eventlog.Open(t.Context(), eventlog.Options{Dir: dir, Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAcceptedIsInTheLog: what was answered 200 is in the log when it is opened again, in the
// order in which it was sent.
func TestAcceptedIsInTheLog(t *testing.T) {
	dir := t.TempDir()
	log := openLog(t, dir)
	h := newHandler(log)
	var wg sync.WaitGroup
	const clients, requests = 8, 5
	for c := range clients {
		wg.Go(func() {
			for n := range requests {
				body := fmt.Sprintf(`{"batch":[{"messageId":"%d-%d-a"},{"messageId":"%d-%d-b"}]}`, c, n, c, n)
				if w := do(h, request("/v1/batch", body)); w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}

	log = openLog(t, dir)
	defer log.Close()
	var all strings.Builder
	count := 0
	for p := log.First(); p <= log.Last(); p++ {
		encoded, err := log.Frame(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := eventlog.DecodeFrame(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			if f.Kind != clientele.KindEvent || r.Source != "web" || r.ReceivedAt != clientele.MicrosOf(arrival) {
				t.Errorf("record %+v", r)
			}
			all.Write(r.Raw)
			count++
		}
	}
	if count != clients*requests*2 {
		t.Errorf("%d records in the log, want %d", count, clients*requests*2)
	}
	for c := range clients {
		last := -1
		for n := range requests {
			for _, part := range "ab" {
				at := strings.Index(all.String(), fmt.Sprintf(`"%d-%d-%c"`, c, n, part))
				if at <= last {
					t.Errorf("event %d-%d-%c is missing or out of order", c, n, part)
				}
				last = at
			}
		}
	}
}

// BenchmarkDurable is collect over real connections with the real log on the disk of the
// temporary directory, the client's work included, beside what that disk's fsync takes.
func BenchmarkDurable(b *testing.B) {
	for _, c := range []struct{ clients, events int }{{32, 100}, {64, 1}} {
		b.Run(fmt.Sprintf("%dclients/batch%d", c.clients, c.events), func(b *testing.B) {
			dir := b.TempDir()
			log := openLog(b, dir)
			defer log.Close()
			server := httptest.NewServer(collect.New(collect.Options{Log: log, Sources: sources}))
			defer server.Close()
			server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = c.clients
			body := []byte(batchOf(c.events))
			work := make(chan struct{})
			var wg sync.WaitGroup
			for range c.clients {
				wg.Go(func() {
					for range work {
						resp, err := server.Client().Post(server.URL+"/v1/batch", "application/json", bytes.NewReader(body))
						if err != nil {
							b.Error(err)
							continue
						}
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						if resp.StatusCode != 200 {
							b.Errorf("status %d", resp.StatusCode)
						}
					}
				})
			}
			b.ResetTimer()
			for range b.N {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
			b.StopTimer()
			perEvent(b, c.events)
			b.ReportMetric(float64(fsync(b, dir).Microseconds()), "us/fsync")
		})
	}
}

// fsync is the mean of a few synced writes of 4 KB.
func fsync(b *testing.B, dir string) time.Duration {
	f, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const n = 20
	begin := time.Now()
	for range n {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begin) / n
}
