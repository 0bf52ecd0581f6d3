package collect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/collect"
)

// nowhere is a log that costs nothing.
type nowhere struct{}

func (nowhere) Append(context.Context, clientele.Kind, []clientele.Record) (clientele.Position, error) {
	return 1, nil
}

// event is what a browser library sends, about 800 bytes.
func event(i int) string {
	return fmt.Sprintf(`{"timestamp":"2026-11-21T21:09:05.313Z","integrations":{"Segment.io":true},"type":"track","event":"Product Viewed",`+
		`"properties":{"product_id":"p%d","sku":"S-%d","name":"Trail tent for two","category":"tents","price":129.90,"currency":"EUR","url":"https://shop.example/p/%d"},`+
		`"context":{"page":{"path":"/p/%d","referrer":"","search":"?x=1","title":"Trail tent","url":"https://shop.example/p/%d"},`+
		`"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36","locale":"en-US",`+
		`"library":{"name":"analytics.js","version":"npm:next-1.84.3"},"campaign":{},"timezone":"UTC"},`+
		`"messageId":"ajs-next-1795295345313-%08d-9e95-45f1-91ff-7afb07a336c9","anonymousId":"b79e269e-9545-4111-bf7a-%012d","writeKey":"WK","userId":null}`, i, i, i, i, i, i, i)
}

func batchOf(n int) string {
	events := make([]string, n)
	for i := range events {
		events[i] = event(i)
	}
	return `{"writeKey":"WK","batch":[` + strings.Join(events, ",") + `],"sentAt":"2026-11-21T21:09:05.400Z","context":{"app":{"name":"shop"}}}`
}

// BenchmarkHandler is the cost of collect alone: no network, no log.
func BenchmarkHandler(b *testing.B) {
	for _, c := range []struct {
		name   string
		path   string
		body   string
		events int
	}{
		{"batch100", "/v1/batch", batchOf(100), 100},
		{"batch100gzip", "/v1/batch", zipped(batchOf(100)), 100},
		{"single", "/v1/track", event(1), 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := newHandler(nowhere{})
			r := request(c.path, "")
			w := discard{http.Header{}}
			body := []byte(c.body)
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				clear(w.header)
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				h.ServeHTTP(w, r)
			}
			perEvent(b, c.events)
		})
	}
}

// BenchmarkServer is the same over real connections, the client's work included.
func BenchmarkServer(b *testing.B) {
	for _, n := range []int{100, 1} {
		b.Run(fmt.Sprintf("batch%d", n), func(b *testing.B) {
			server := httptest.NewServer(collect.New(collect.Options{Log: nowhere{}, Sources: sources}))
			defer server.Close()
			server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			body := []byte(batchOf(n))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := server.Client().Post(server.URL+"/v1/batch", "application/json", bytes.NewReader(body))
					if err != nil {
						b.Error(err)
						return
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					if resp.StatusCode != 200 {
						b.Errorf("status %d", resp.StatusCode)
						return
					}
				}
			})
			perEvent(b, n)
		})
	}
}

func perEvent(b *testing.B, events int) {
	n := float64(b.N) * float64(events)
	b.ReportMetric(n/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/n, "us/event")
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
