package observe_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/collect"
	"clientele/internal/observe"
)

// lines is a log that a test reads.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// gone is an address where nobody listens.
func gone(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

// BenchmarkCollect is what observing adds to collect: bare, with metrics, with metrics and traces.
// There is no network and the log costs nothing.
func BenchmarkCollect(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	for _, n := range []int{1, 100} {
		event := `{"type":"track","event":"Product Viewed","messageId":"%d","anonymousId":"b79e269e","properties":{"product_id":"p1","name":"Trail tent for two","price":129.9,"x":"` + strings.Repeat("x", 500) + `"}}`
		events := make([]string, n)
		for i := range events {
			events[i] = fmt.Sprintf(event, i)
		}
		body := []byte(`{"batch":[` + strings.Join(events, ",") + `]}`)
		for _, how := range []string{"bare", "metrics", "traces"} {
			b.Run(fmt.Sprintf("%s%d", how, n), func(b *testing.B) {
				o := observe.Options{Sources: []string{"web"}}
				if how == "traces" {
					o.Traces = observe.Traces{Endpoint: collector.URL, Sample: 1}
				}
				ob := newObserver(b, o)
				var log collect.Appender = &someLog{}
				mux := http.NewServeMux()
				h := http.Handler(mux)
				if how != "bare" {
					log, h = ob.Intake("collect", log), ob.HTTP(mux)
				}
				collect.New(collect.Options{Log: log, Sources: func(string) (collect.Source, bool) { return collect.Source{Name: "web"}, true }}).Register(mux)
				r := httptest.NewRequest("POST", "/v1/batch", nil)
				r.SetBasicAuth("KEY", "")
				w := discard{http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
					h.ServeHTTP(w, r)
				}
			})
		}
	}
}

// BenchmarkObserved is the same alone: what one request costs in metrics, and in traces on top.
func BenchmarkObserved(b *testing.B) {
	records := make([]clientele.Record, 100)
	for i := range records {
		records[i] = clientele.Record{Source: "web", Raw: []byte("{}")}
	}
	o := newObserver(b, observe.Options{Sources: []string{"web"}})
	b.Run("request", func(b *testing.B) {
		mux := http.NewServeMux()
		mux.HandleFunc("/v1/batch", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
		h, w, r := o.HTTP(mux), discard{http.Header{}}, httptest.NewRequest("POST", "/v1/batch", nil)
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("append%d", n), func(b *testing.B) {
			in := o.Intake("collect", &someLog{})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := in.Append(context.Background(), clientele.KindEvent, records[:n]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("scrape", func(b *testing.B) {
		h, r := o.Metrics(), httptest.NewRequest("GET", "/metrics", nil)
		for b.Loop() {
			h.ServeHTTP(discard{http.Header{}}, r)
		}
	})
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
