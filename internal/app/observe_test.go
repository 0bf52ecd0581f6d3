package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/token"
)

// scrape is what /metrics says: the value of each line by its name and labels in order, of
// histograms the count.
type scrape struct {
	*testing.T
	values   map[string]float64
	families map[string]*dto.MetricFamily
	text     []byte
}

func (p *program) scrape() scrape {
	p.Helper()
	resp, err := http.Get(p.url + "/metrics")
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	s := scrape{T: p.T, values: map[string]float64{}}
	if s.text, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		p.Fatalf("/metrics: %d, %v\n%s", resp.StatusCode, err, s.text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if s.families, err = parser.TextToMetricFamilies(bytes.NewReader(s.text)); err != nil {
		p.Fatal(err)
	}
	for name, f := range s.families {
		for _, m := range f.Metric {
			labels := []string{}
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			key := name
			if len(labels) > 0 {
				key += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case m.Histogram != nil:
				s.values[key] = float64(m.Histogram.GetSampleCount())
			case m.Counter != nil:
				s.values[key] = m.Counter.GetValue()
			default:
				s.values[key] = m.Gauge.GetValue()
			}
		}
	}
	return s
}

// is checks values; what is 0 may be missing.
func (s scrape) is(want map[string]float64) {
	s.Helper()
	for key, n := range want {
		if got := s.values[key]; got != n {
			s.Errorf("%s is %v, want %v", key, got, n)
		}
	}
}

// sum adds up the lines of a metric.
func (s scrape) sum(name string) (n float64) {
	for key, v := range s.values {
		if key == name || strings.HasPrefix(key, name+"{") {
			n += v
		}
	}
	return n
}

func observed(t *testing.T) config.Config {
	c := settings(t)
	c.Collect.RateLimit = 10
	c.Sources = append(c.Sources, config.Source{Name: "eager", WriteKey: "EAGER_KEY", Kind: config.KindServer},
		config.Source{Name: "hooks", Kind: config.KindServer, Webhook: config.Webhook{Scheme: config.WebhookToken, Secrets: []string{"long-secret"}, Header: "X-Token", Encoding: "hex", Event: "Called"}})
	return c
}

// call sends any request and answers the status.
func (p *program) call(method, path, body string, header ...string) int {
	p.Helper()
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		p.Fatal(err)
	}
	return resp.StatusCode
}

// TestMetrics: after known traffic the counters have exactly the known values.
func TestMetrics(t *testing.T) {
	p := run(t, observed(t))
	p.settle()
	before := p.scrape()
	rules := before.values["clientele_resolve_records_total{outcome=command}"] // the configuration's own

	good := func(id, who string) string {
		return `{"type":"track","event":"Seen","messageId":"` + id + `","anonymousId":"` + who + `"}`
	}
	oversize := `{"type":"track","event":"Seen","messageId":"big","anonymousId":"a","properties":{"x":"` + strings.Repeat("y", clientele.MaxEventBytes) + `"}}`
	p.batch(webKey, good("1", "ann"), good("2", "bob"), good("3", "cem"), `"no object"`, oversize, `{"type":"nonsense","messageId":"4","anonymousId":"ann"}`)
	p.batch(webKey, good("2", "bob"), good("3", "cem"))                                                                      // told again
	p.batch(serverKey, `{"type":"identify","messageId":"5","anonymousId":"ann","userId":"u1"}`, good("6", "ann"))            // and one merge:
	p.batch(serverKey, `{"type":"identify","messageId":"7","anonymousId":"bob","userId":"u1","traits":{"name":"Bob Hope"}}`) // ann is bob
	row := `{"table":"orders","id":"o-1","ids":[{"ns":"user_id","v":"u1"}],"fields":{"order_id":"1","status":"completed","revenue":"12.50","currency":"USD","ts":"2026-03-01T10:00:00Z"}}`
	p.rows("crm", row)
	p.rows("crm", row)
	p.rows("not-configured", `{"table":"profiles","id":"p-1","ids":[{"ns":"email","v":"dee@shop.example"}],"traits":{"city":"Bonn"}}`)
	for range 2 {
		if s := p.call("POST", "/webhooks/hooks", `{"paid":true}`, "X-Token", "wrong"); s != http.StatusUnauthorized {
			t.Fatalf("webhook: %d", s)
		}
	}
	if s := p.call("POST", "/webhooks/hooks", `{"paid":true}`, "X-Token", "long-secret", "Content-Type", "application/json"); s != http.StatusOK {
		t.Fatalf("webhook: %d", s)
	}
	for path, body := range map[string]string{"/v1/track": good("8", "x"), "/v1/batch": `{"batch":[` + good("9", "x") + `]}`, "/v1/identify": "{}"} {
		if s, _ := p.post(path, "NO_KEY", body); s != http.StatusUnauthorized {
			t.Fatalf("%s without a key: %d", path, s)
		}
	}
	p.post("/v1/batch", webKey, `{"batch":[`)
	p.post("/v1/batch", webKey, strings.Repeat(" ", clientele.MaxBatchBytes+1))
	p.call("GET", "/v1/pixel/track?event=x", "")
	limited, taken := 0.0, 0.0
	for i := range 15 {
		switch s, _ := p.post("/v1/track", "EAGER_KEY", good(fmt.Sprint("e", i), "eve")); s {
		case http.StatusTooManyRequests:
			limited++
		case http.StatusOK:
			taken++
		}
	}
	if limited == 0 || limited+taken != 15 {
		t.Fatalf("%v of 15 were limited, %v taken", limited, taken)
	}
	if _, err := p.client.Profile(context.Background(), id("user_id", "u1"), false); err != nil {
		t.Fatal(err)
	}
	p.call("GET", "/nowhere/ann@shop.example", "")
	p.call("BREW", "/v1/batch", "")
	p.settle()

	s := p.scrape()
	s.is(map[string]float64{
		"clientele_intake_records_total{intake=collect,source=web,verdict=accepted}":     6,
		"clientele_intake_records_total{intake=collect,source=web,verdict=malformed}":    1,
		"clientele_intake_records_total{intake=collect,source=web,verdict=oversize}":     1,
		"clientele_intake_records_total{intake=collect,source=backend,verdict=accepted}": 3,
		"clientele_intake_records_total{intake=collect,source=eager,verdict=accepted}":   taken,
		"clientele_intake_records_total{intake=import,source=crm,verdict=accepted}":      2,
		"clientele_intake_records_total{intake=import,source=other,verdict=accepted}":    1,
		"clientele_intake_records_total{intake=webhook,source=hooks,verdict=accepted}":   1,
		"clientele_intake_request_records{intake=collect}":                               4 + taken,
		"clientele_log_append_duration_seconds{intake=import}":                           3,
		"clientele_log_append_failures_total{intake=collect}":                            0,

		"clientele_resolve_records_total{outcome=event}":       3 + 3 + 1 + taken,
		"clientele_resolve_records_total{outcome=row}":         2,
		"clientele_resolve_records_total{outcome=duplicate}":   2 + 1,
		"clientele_resolve_records_total{outcome=quarantined}": 3,
		"clientele_resolve_records_total{outcome=replayed}":    0,
		"clientele_resolve_records_total{outcome=command}":     rules,
		"clientele_quarantine_records":                         3,
		"clientele_profiles":                                   4, // ann and bob, cem, eve, dee, the webhook has none
		"clientele_identity_merges_total":                      1,

		"clientele_collect_refusals_total{endpoint=events,reason=unauthorized}": 3,
		"clientele_collect_refusals_total{endpoint=events,reason=invalid}":      1,
		"clientele_collect_refusals_total{endpoint=events,reason=too_large}":    1,
		"clientele_collect_refusals_total{endpoint=events,reason=rate_limited}": limited,
		"clientele_collect_refusals_total{endpoint=pixel,reason=unauthorized}":  1,
		"clientele_webhook_refusals_total{reason=unauthorized,source=hooks}":    2,

		"clientele_http_requests_total{method=POST,route=/v1/batch,status=200}":          4,
		"clientele_http_requests_total{method=POST,route=/v1/batch,status=401}":          1,
		"clientele_http_requests_total{method=POST,route=/v1/batch,status=400}":          1,
		"clientele_http_requests_total{method=POST,route=/v1/batch,status=413}":          1,
		"clientele_http_requests_total{method=other,route=/v1/batch,status=405}":         1,
		"clientele_http_requests_total{method=POST,route=/v1/track,status=429}":          limited,
		"clientele_http_requests_total{method=GET,route=other,status=404}":               1,
		"clientele_http_request_duration_seconds{route=/v1/batch}":                       8,
		"clientele_http_requests_total{method=GET,route=/metrics,status=200}":            1,
		"clientele_http_requests_in_flight":                                              1, // this scrape
		"clientele_ready":                                                                1,
		"clientele_problems":                                                             0,
		"clientele_log_full":                                                             0,
		"clientele_log_last_position":                                                    float64(p.status().Log.Last),
		"clientele_resolve_position":                                                     float64(p.status().Resolver.Position),
		"clientele_resolve_lag_positions":                                                0,
		"clientele_resolve_lag_seconds":                                                  0,
		"clientele_columns_lag_commits":                                                  0,
		"clientele_columns_lag_seconds":                                                  0,
		"clientele_rows_commit":                                                          float64(p.status().Resolver.Commit),
		"clientele_columns_commit":                                                       float64(p.status().Columns.Commit),
		"clientele_stage_retries_total{stage=resolve}":                                   0,
		"clientele_http_requests_total{method=POST,route=/webhooks/{source},status=200}": 1,
	})
	if n := s.sum("clientele_intake_records_total"); n != s.sum("clientele_resolve_records_total")-rules {
		t.Errorf("%v records came in, %v were resolved", n, s.sum("clientele_resolve_records_total")-rules)
	}
	for _, name := range []string{"clientele_log_disk_free_bytes", "clientele_log_limit_bytes", "clientele_rows_size_bytes", "clientele_rows_memtable_bytes", "clientele_rows_written_bytes_total",
		"clientele_columns_size_bytes", "clientele_intake_bytes_total", "clientele_log_size_bytes", "clientele_stage_batch_duration_seconds", "clientele_stage_part_duration_seconds",
		"clientele_log_frame_records", "go_goroutines", "process_resident_memory_bytes"} {
		if s.sum(name) <= 0 {
			t.Errorf("%s is %v", name, s.sum(name))
		}
	}
	for _, personal := range []string{"ann", "Bob", "dee", "u1", "eve", "not-configured", "BREW", "nowhere"} {
		if regexp.MustCompile(`\b` + personal + `\b`).Match(s.text) {
			t.Errorf("the metrics hold %s", personal)
		}
	}
	problems, err := promlint.New(bytes.NewReader(s.text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	s.documented()
}

// documented checks that the guide names what was scraped, and that what it names was scraped
// or is only there when something goes wrong or traces are on.
func (s scrape) documented() {
	s.Helper()
	guide, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		s.Fatal(err)
	}
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(clientele_[a-z_]+)").FindAllSubmatch(guide, -1) {
		named = append(named, string(m[1]))
	}
	for name := range s.families {
		if strings.HasPrefix(name, "clientele_") && !slices.Contains(named, name) {
			s.Errorf("docs/operate.md does not name %s", name)
		}
	}
	rare := []string{"clientele_traces_spans_total", "clientele_http_connections_closed_total", "clientele_export_last_done_timestamp_seconds"}
	for _, name := range named {
		if s.families[name] == nil && !slices.Contains(rare, name) {
			s.Errorf("docs/operate.md names %s, which was not scraped", name)
		}
	}
}

// TestLag: what the resolver has not reached is seen, with its age.
func TestLag(t *testing.T) {
	c := settings(t)
	p := run(t, c)
	p.batch(webKey, `{"type":"track","event":"Seen","messageId":"1","anonymousId":"ann"}`)
	p.cancel() // the stages end, the front door goes on
	if err := <-p.ran; err != nil {
		t.Fatal(err)
	}
	p.ran <- nil
	first := clock()
	for i := range 3 {
		if s, body := p.post("/v1/track", webKey, fmt.Sprintf(`{"type":"track","event":"Seen","messageId":"l%d","anonymousId":"ann"}`, i)); s != http.StatusOK {
			t.Fatalf("%d %s", s, body)
		}
	}
	ticks.Add(60_000) // a minute passes
	s := p.scrape()
	age := clock().Sub(first).Seconds()
	if lag := s.values["clientele_resolve_lag_seconds"]; lag < 60 || lag > age {
		t.Errorf("the oldest record waits for %v s, not between 60 and %v", lag, age)
	}
	s.is(map[string]float64{"clientele_resolve_lag_positions": 3, "clientele_ready": 0})
}

// TestInside: who may see metrics and profiles.
func TestInside(t *testing.T) {
	secret := func(p *program, name string, scope token.Scope) string {
		s, _, err := p.app.Tokens().CreateToken(context.Background(), name, []token.Scope{scope})
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + s
	}
	far, closed := settings(t), settings(t)
	far.Listen = "0.0.0.0:8080"
	closed.Telemetry.Metrics = config.MetricsToken
	for name, c := range map[string]config.Config{"local": settings(t), "far": far, "token": closed} {
		t.Run(name, func(t *testing.T) {
			p := run(t, c)
			read, write, admin := secret(p, "r", token.Read), secret(p, "w", token.Write), secret(p, "a", token.Admin)
			without := map[string]int{"local": 200, "far": 401, "token": 401}[name]
			lesser := map[string]int{"local": 200, "far": 403, "token": 403}[name]
			for _, tt := range []struct {
				path, auth string
				forwarded  string
				want       int
			}{
				{"/metrics", "", "", without},
				{"/metrics", "", "192.0.2.1", 401}, // through a proxy it is never from here
				{"/metrics", write, "", lesser},
				{"/metrics", read, "192.0.2.1", 200},
				{"/metrics", read, "", 200},
				{"/metrics", admin, "", 200},
				{"/debug/pprof/", "", "", 401},
				{"/debug/pprof/", "Bearer nonsense", "", 401},
				{"/debug/pprof/", read, "", 403},
				{"/debug/pprof/heap", write, "", 403},
				{"/debug/pprof/profile?seconds=1", read, "", 403},
				{"/debug/pprof/", admin, "", 200},
				{"/debug/pprof/goroutine?debug=1", admin, "", 200},
				{"/debug/pprof/heap", admin, "", 200},
				{"/debug/pprof/nothing", admin, "", 404},
			} {
				header := []string{}
				if tt.auth != "" {
					header = append(header, "Authorization", tt.auth)
				}
				if tt.forwarded != "" {
					header = append(header, "X-Forwarded-For", tt.forwarded)
				}
				if got := p.call("GET", tt.path, "", header...); got != tt.want {
					t.Errorf("%s with %q: %d, want %d", tt.path, tt.auth, got, tt.want)
				}
			}
		})
	}
	// What the standard library registers by itself is not what this program serves.
	rec := httptest.NewRecorder()
	p := run(t, settings(t))
	p.app.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/debug/pprof/cmdline", nil))
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("%d", rec.Code)
	}
}

// TestScrapeUnderLoad: a scrape is cheap and safe while everything moves.
func TestScrapeUnderLoad(t *testing.T) {
	p := run(t, settings(t))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				p.post("/v1/track", webKey, fmt.Sprintf(`{"type":"track","event":"Seen","messageId":"s%d","anonymousId":"a%d"}`, i, i))
			}
		}
	}()
	last := 0.0
	for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
		s := p.scrape()
		if n := s.sum("clientele_resolve_records_total"); n < last {
			t.Errorf("a counter went from %v to %v", last, n)
		} else {
			last = n
		}
	}
	close(stop)
	<-done
}
