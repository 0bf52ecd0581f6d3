package app_test

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"clientele/internal/api"
)

// otlp is a collector that takes traces over HTTP.
type otlp struct {
	*testing.T
	*httptest.Server
	mu       sync.Mutex
	requests []*collector.ExportTraceServiceRequest
	auth     []string
}

func newCollector(t *testing.T) *otlp {
	c := &otlp{T: t}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		b, err := io.ReadAll(body)
		req := &collector.ExportTraceServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(b, req)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests = append(c.requests, req)
		c.auth = append(c.auth, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

type span struct {
	*tracepb.Span
	trace, id, parent string
	attributes        map[string]string
}

func (c *otlp) spans() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []span
	for _, req := range c.requests {
		for _, r := range req.ResourceSpans {
			resource := fmt.Sprint(r.Resource.Attributes)
			if !strings.Contains(resource, "service.name") || !strings.Contains(resource, "shop-cdp") {
				c.Errorf("the resource is %s", resource)
			}
			for _, scope := range r.ScopeSpans {
				for _, s := range scope.Spans {
					x := span{s, hex.EncodeToString(s.TraceId), hex.EncodeToString(s.SpanId), hex.EncodeToString(s.ParentSpanId), map[string]string{}}
					for _, a := range s.Attributes {
						x.attributes[a.Key] = a.Value.GetStringValue()
						if x.attributes[a.Key] == "" {
							x.attributes[a.Key] = fmt.Sprint(a.Value.GetIntValue())
						}
					}
					out = append(out, x)
				}
			}
		}
	}
	return out
}

func (s span) number(name string) int {
	n, _ := strconv.Atoi(s.attributes[name])
	return n
}

func named(all []span, name string) (out []span) {
	for _, s := range all {
		if s.Name == name {
			out = append(out, s)
		}
	}
	return out
}

// TestTraces: one trace for each request and each micro-batch, below the caller's where it names
// one, and nothing about people in them.
func TestTraces(t *testing.T) {
	collector := newCollector(t)
	c := settings(t)
	c.Telemetry.Traces.Endpoint = collector.URL
	c.Telemetry.Traces.Headers = map[string]string{"Authorization": "Bearer of-the-collector"}
	c.Telemetry.Traces.Service = "shop-cdp"
	p := run(t, c)
	p.settle()

	const traceID, parentID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	events := make([]string, 100)
	for i := range events {
		events[i] = fmt.Sprintf(`{"type":"identify","messageId":"m%d","anonymousId":"anon%d","userId":"user%d","traits":{"email":"dora%d@shop.example","name":"Dora Diaz"}}`, i, i, i, i)
	}
	status := p.call("POST", "/v1/batch?writeKey="+webKey+"&email=dora0@shop.example", `{"batch":[`+strings.Join(events, ",")+`]}`,
		"Traceparent", "00-"+traceID+"-"+parentID+"-01", "Tracestate", "who=dora", "Baggage", "email=dora0@shop.example", "User-Agent", "Dorabrowser/1.0", "X-Forwarded-For", "192.0.2.77")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	p.settle()
	p.call("GET", "/api/v1/profiles/email/dora7@shop.example", "", "Authorization", "Bearer "+p.app.Tokens().Local())
	p.call("GET", "/api/v1/profiles/email/dora8@shop.example", "", "Traceparent", "00-"+traceID+"-"+parentID+"-00") // not to be kept
	p.call("GET", "/dora/diaz", "", "Traceparent", "garbage")
	p.post("/v1/track", "WRONG_KEY", events[0])
	shelled := httptest.NewRecorder() // as serve has it: the shell names the request
	api.Shell(slog.New(slog.DiscardHandler), p.app.Handler()).ServeHTTP(shelled, httptest.NewRequest("GET", "/healthz", nil))
	p.stop() // sends what waits

	all := collector.spans()
	batch := named(all, "POST /v1/batch")
	if len(batch) != 1 {
		t.Fatalf("%d spans of the batch", len(batch))
	}
	if b := batch[0]; b.trace != traceID || b.parent != parentID || b.Kind != tracepb.Span_SPAN_KIND_SERVER || b.TraceState != "" || b.attributes["http.response.status_code"] != "200" ||
		b.attributes["http.route"] != "/v1/batch" || b.attributes["clientele.records"] != "100" || b.attributes["clientele.log.position"] == "0" {
		t.Errorf("the batch's span is %s below %s, with %v", b.trace, b.parent, b.attributes)
	}
	if s := named(all, "GET /api/v1/profiles/{namespace}/{value}"); len(s) != 1 || s[0].parent != "" || s[0].trace == traceID {
		t.Errorf("%d spans of the read", len(s))
	}
	if s := named(all, "GET other"); len(s) != 1 || s[0].parent != "" || s[0].attributes["http.response.status_code"] != "404" {
		t.Errorf("%d spans of the unknown path", len(s))
	}
	if s := named(all, "POST /v1/track"); len(s) != 1 || s[0].attributes["http.response.status_code"] != "401" {
		t.Errorf("%d spans of the refusal", len(s))
	}

	if s := named(all, "GET /healthz"); len(s) != 1 || s[0].attributes["clientele.request_id"] == "" || s[0].attributes["clientele.request_id"] != shelled.Header().Get("X-Request-Id") {
		t.Errorf("%d spans of a request that has an id", len(s))
	}

	// The micro-batch that holds the request's records: its positions say so.
	var found *span
	rounds := named(all, "resolve")
	for _, r := range rounds {
		if r.parent != "" || r.trace == traceID {
			t.Errorf("a micro-batch is in the trace of another")
		}
		if at := batch[0].number("clientele.log.position"); r.number("clientele.batch.from") <= at && at <= r.number("clientele.batch.to") {
			found = &r
		}
	}
	if found == nil || found.attributes["clientele.batch.size"] != "100" {
		t.Fatalf("no micro-batch of %d is that of the request", len(rounds))
	}
	for _, part := range []string{"load", "fold", "commit"} {
		if s := named(all, "resolve "+part); len(s) < len(rounds) || !slices.ContainsFunc(s, func(x span) bool { return x.parent == found.id && x.trace == found.trace }) {
			t.Errorf("%d spans of %s in %d micro-batches, none below the right one", len(s), part, len(rounds))
		}
	}
	for _, s := range named(all, "resolve write") {
		if i := slices.IndexFunc(all, func(x span) bool { return x.id == s.parent }); i < 0 || all[i].Name != "resolve commit" || all[i].trace != s.trace {
			t.Errorf("a write is not in a commit")
		}
	}
	if s := named(all, "follow"); len(s) == 0 || s[0].parent != "" {
		t.Errorf("%d spans of the column store", len(s))
	}
	if len(all) > 50 { // 100 events: no span is an event's
		t.Errorf("%d spans", len(all))
	}
	private(t, collector, all)
}

// private checks that nothing of what people sent is in the spans.
func private(t *testing.T, c *otlp, all []span) {
	t.Helper()
	known := []string{"http.request.method", "http.route", "http.response.status_code", "clientele.request_id", "clientele.records", "clientele.log.position",
		"clientele.batch.size", "clientele.batch.from", "clientele.batch.to"}
	for _, s := range all {
		for name := range maps.Keys(s.attributes) {
			if !slices.Contains(known, name) {
				t.Errorf("span %s has an attribute %s", s.Name, name)
			}
		}
	}
	for _, req := range c.requests {
		text := strings.ToLower(prototext.Format(req))
		for _, personal := range []string{"dora", "diaz", "user7", "anon7", "192.0.2", "127.0.0.1", "wrong_key", strings.ToLower(webKey), "shop.example"} {
			if strings.Contains(text, personal) {
				t.Errorf("the traces hold %s", personal)
			}
		}
	}
	for _, a := range c.auth {
		if a != "Bearer of-the-collector" {
			t.Errorf("the collector was sent the authorization %q", a)
		}
	}
}
