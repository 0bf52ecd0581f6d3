package observe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele"
	"clientele/internal/observe"
)

func newObserver(t testing.TB, o observe.Options) *observe.Observer {
	t.Helper()
	ob, err := observe.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := ob.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return ob
}

func scrape(t *testing.T, o *observe.Observer) string {
	t.Helper()
	w := httptest.NewRecorder()
	o.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
}

// TestGuide: docs/operate.md names every metric, and nothing else.
func TestGuide(t *testing.T) {
	o := newObserver(t, observe.Options{Traces: observe.Traces{Endpoint: "http://127.0.0.1:1"}})
	o.Read(func(context.Context) observe.State { return observe.State{} })
	guide, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(clientele_[a-z_]+)").FindAllSubmatch(guide, -1) {
		named = append(named, string(m[1]))
	}
	for _, name := range o.Names() {
		if !slices.Contains(named, name) {
			t.Errorf("docs/operate.md does not name %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`clientele_[a-z_]+`).FindAllString(string(guide), -1) {
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(m, "")
		if !slices.Contains(o.Names(), m) && !slices.Contains(o.Names(), base) {
			t.Errorf("docs/operate.md names %s, which is not there", m)
		}
	}
	if len(o.Names()) < 50 || len(named) != len(slices.Compact(slices.Sorted(slices.Values(named)))) {
		t.Errorf("%d metrics, %d rows in the guide", len(o.Names()), len(named))
	}
}

func TestHTTP(t *testing.T) {
	o := newObserver(t, observe.Options{Version: "v1"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/people/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("/tree/{name}/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic(http.ErrAbortHandler)
	})
	var pattern atomic.Value
	h := o.HTTP(mux)
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { _ = recover(); pattern.Store(r.Pattern) }()
		h.ServeHTTP(w, r)
	})
	for _, r := range [][2]string{{"GET", "/api/v1/people/ann"}, {"GET", "/api/v1/people/bob"}, {"POST", "/silent"}, {"GET", "/early"}, {"GET", "/panic"}, {"GET", "/cut"}, {"GET", "/ann"}, {"ANN", "/silent"}, {"CONNECT", "/tree/ann"}} {
		outer.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(r[0], r[1], nil))
		if r[1] == "/api/v1/people/bob" && pattern.Load() != "GET /api/v1/people/{id}" {
			t.Errorf("who is outside sees the pattern %v", pattern.Load())
		}
	}
	text := scrape(t, o)
	has(t, text, `clientele_http_requests_total{method="GET",route="/api/v1/people/{id}",status="202"} 2`,
		`clientele_http_requests_total{method="POST",route="/silent",status="200"} 1`,
		`clientele_http_requests_total{method="other",route="/silent",status="200"} 1`,
		`clientele_http_requests_total{method="GET",route="/early",status="200"} 1`,
		`clientele_http_requests_total{method="GET",route="/panic",status="500"} 1`,
		`clientele_http_requests_total{method="GET",route="/cut",status="500"} 1`,
		`clientele_http_requests_total{method="GET",route="other",status="404"} 1`,
		`clientele_http_requests_total{method="other",route="other",status="307"} 1`,
		`clientele_http_request_duration_seconds_count{route="/silent"} 2`,
		`clientele_http_requests_in_flight 0`)
	if strings.Contains(strings.ToLower(text), "ann") || !strings.Contains(text, `version="v1"`) {
		t.Error("the metrics hold what a client has sent, or no version")
	}
}

// someLog answers with what it is told.
type someLog struct{ err error }

func (l *someLog) Append(context.Context, clientele.Kind, []clientele.Record) (clientele.Position, error) {
	return 7, l.err
}

func TestIntake(t *testing.T) {
	o := newObserver(t, observe.Options{Sources: []string{"web", "shop"}})
	log := &someLog{}
	in := o.Intake("collect", log)
	rec := func(source string, v clientele.Verdict, raw string) clientele.Record {
		return clientele.Record{Source: source, Verdict: v, Raw: []byte(raw)}
	}
	p, err := in.Append(context.Background(), clientele.KindEvent, []clientele.Record{rec("web", 0, "12"), rec("web", 0, "345"), rec("web", clientele.Oversize, "6"), rec("shop", 0, "7"), rec("web", 0, "8"),
		rec("elsewhere", clientele.Malformed, "9")})
	if p != 7 || err != nil {
		t.Fatal(p, err)
	}
	log.err = errors.New("full")
	if _, err := in.Append(context.Background(), clientele.KindEvent, []clientele.Record{rec("web", 0, "12")}); !errors.Is(err, log.err) {
		t.Fatal(err)
	}
	has(t, scrape(t, o), `clientele_intake_records_total{intake="collect",source="web",verdict="accepted"} 3`,
		`clientele_intake_records_total{intake="collect",source="web",verdict="oversize"} 1`,
		`clientele_intake_records_total{intake="collect",source="shop",verdict="accepted"} 1`,
		`clientele_intake_records_total{intake="collect",source="other",verdict="malformed"} 1`,
		`clientele_intake_bytes_total{intake="collect",source="web"} 7`,
		`clientele_log_append_duration_seconds_count{intake="collect"} 2`,
		`clientele_log_append_failures_total{intake="collect"} 1`,
		`clientele_intake_request_records_sum{intake="collect"} 6`,
		`clientele_intake_request_records_count{intake="collect"} 1`)
}

func TestStage(t *testing.T) {
	o := newObserver(t, observe.Options{})
	s := o.Stage("resolve")
	for _, err := range []error{nil, errors.New("full"), nil} {
		s.Begin(context.Background())
		ended := s.Part("commit")
		s.Part("write")()
		ended()
		s.End(observe.Round{Size: 40, From: 1, To: 2, Err: err})
	}
	s.Took("decode", time.Second)
	o.Resolved(observe.Outcomes{Events: 5, Quarantined: 2}.Since(observe.Outcomes{Events: 1}))
	o.Resolved(observe.Outcomes{Events: -1})
	has(t, scrape(t, o), `clientele_stage_batch_duration_seconds_count{stage="resolve"} 2`,
		`clientele_stage_batch_size_sum{stage="resolve"} 80`,
		`clientele_stage_retries_total{stage="resolve"} 1`,
		`clientele_stage_part_duration_seconds_count{part="write",stage="resolve"} 3`,
		`clientele_stage_part_duration_seconds_sum{part="decode",stage="resolve"} 1`,
		`clientele_resolve_records_total{outcome="event"} 4`,
		`clientele_resolve_records_total{outcome="quarantined"} 2`,
		`clientele_resolve_records_total{outcome="replayed"} 0`)
}

// TestUnknown: a number that cannot be read is left out, the others are shown.
func TestUnknown(t *testing.T) {
	o := newObserver(t, observe.Options{})
	o.Read(func(context.Context) observe.State {
		return observe.State{Ready: true, Rows: observe.UnknownRows(), Log: observe.LogState{Last: 12, Free: observe.Unknown()},
			WebhookRefusals: []observe.Refusal{{Where: "", Reason: "not_found", Count: 3}}}
	})
	text := scrape(t, o)
	has(t, text, "clientele_ready 1", "clientele_log_last_position 12", `clientele_webhook_refusals_total{reason="not_found",source=""} 3`)
	for _, name := range []string{"clientele_log_disk_free_bytes", "clientele_rows_size_bytes"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is shown", name)
		}
	}
}

// TestCollectorIsGone: a collector that is not there costs nothing but the traces, is told once,
// and keeps nobody from stopping.
func TestCollectorIsGone(t *testing.T) {
	var said lines
	o, err := observe.New(observe.Options{Log: said.logger(), Traces: observe.Traces{Endpoint: gone(t), Sample: 1}})
	if err != nil {
		t.Fatal(err)
	}
	h := o.HTTP(http.NotFoundHandler())
	for range 600 { // more than one export
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := o.Close(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if n := said.count("traces cannot be sent"); n > 1 {
		t.Errorf("it was told %d times", n)
	}
}

// TestRefusedTraces: what the collector refuses is counted as lost, what it takes as sent.
func TestRefusedTraces(t *testing.T) {
	var refuse atomic.Bool
	var said lines
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer collector.Close()
	for _, bad := range []bool{true, false} {
		refuse.Store(bad)
		o := newObserver(t, observe.Options{Log: said.logger(), Traces: observe.Traces{Endpoint: collector.URL, Sample: 1}})
		h := o.HTTP(http.NotFoundHandler())
		for range 3 {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}
		if err := o.Close(context.Background()); err != nil {
			t.Error(err)
		}
		want := map[bool][]string{true: {`clientele_traces_spans_total{outcome="lost"} 3`, `clientele_traces_spans_total{outcome="sent"} 0`},
			false: {`clientele_traces_spans_total{outcome="lost"} 0`, `clientele_traces_spans_total{outcome="sent"} 3`}}
		has(t, scrape(t, o), want[bad]...)
	}
	if said.count("traces cannot be sent") != 1 {
		t.Errorf("it was told %d times", said.count("traces cannot be sent"))
	}
}

// TestSample: a share of 0 keeps no trace but those that a caller keeps.
func TestSample(t *testing.T) {
	var got atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	defer collector.Close()
	for parent, want := range map[string]int64{"": 0, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00": 0, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": 1} {
		got.Store(0)
		o := newObserver(t, observe.Options{Traces: observe.Traces{Endpoint: collector.URL}})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Traceparent", parent)
		o.HTTP(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
		if err := o.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if got.Load() != want {
			t.Errorf("traceparent %q: %d exports, want %d", parent, got.Load(), want)
		}
	}
}

func TestBadEndpoint(t *testing.T) {
	for _, endpoint := range []string{"127.0.0.1:4318", "grpc://x", "http://", "::"} {
		if _, err := observe.New(observe.Options{Traces: observe.Traces{Endpoint: endpoint}}); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
