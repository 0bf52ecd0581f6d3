package collect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/collect"
)

// get is a GET of a page's, from 203.0.113.7, to data.shop.example.
func get(target string, header ...string) *http.Request {
	r := httptest.NewRequest("GET", target, nil)
	r.Host, r.RemoteAddr = "data.shop.example", "203.0.113.7:4711"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func guarded(key string) (collect.Source, bool) {
	if key == "BOUND" {
		return collect.Source{Name: "bound", AllowedOrigins: []string{"https://shop.example"}}, true
	}
	return sources(key)
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		public string
		r      *http.Request
		status int
		host   string
		scheme string
	}{
		{"as asked", "", get("/v1/projects/WK/settings"), 200, "data.shop.example/v1", "http"},
		{"behind a proxy with TLS", "", get("/v1/projects/WK/settings", "X-Forwarded-Proto", "https"), 200, "data.shop.example/v1", "https"},
		{"as configured", "https://t.shop.example/cdp", get("/v1/projects/WK/settings"), 200, "t.shop.example/cdp/v1", "https"},
		{"allowed origin", "", get("/v1/projects/BOUND/settings", "Origin", "https://shop.example"), 200, "data.shop.example/v1", "http"},
		{"other origin", "", get("/v1/projects/BOUND/settings", "Origin", "https://evil.example"), 403, "", ""},
		{"unknown key", "", get("/v1/projects/nope/settings"), 401, "", ""},
		{"POST", "", httptest.NewRequest("POST", "/v1/projects/WK/settings", nil), 405, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := collect.New(collect.Options{Log: &recorder{}, Sources: guarded, PublicURL: c.public})
			w := do(h, c.r)
			if w.Code != c.status {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if c.status != 200 {
				isError(t, w)
				return
			}
			var s struct {
				Integrations map[string]struct{ APIKey, APIHost, Protocol string }
				Metrics      struct{ SampleRate float64 }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
				t.Fatal(err)
			}
			own := s.Integrations["Segment.io"]
			if len(s.Integrations) != 1 || own.APIHost != c.host || own.Protocol != c.scheme || own.APIKey == "" || s.Metrics.SampleRate != 0 {
				t.Errorf("%s", w.Body)
			}
			if cc := w.Header().Get("Cache-Control"); !strings.Contains(cc, "private") {
				t.Errorf("a shared cache may keep it: %q", cc)
			}
		})
	}
}

func isError(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var e struct{ Code, Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" || e.Message == "" {
		t.Errorf("answer %s: %v", w.Body, err)
	}
}

func TestSourceConfig(t *testing.T) {
	h := newHandler(&recorder{})
	for _, c := range []struct {
		r      *http.Request
		status int
	}{
		{get("/sourceConfig/?p=npm&v=3.34.1&writeKey=WK"), 200},
		{get("/sourceConfig?writeKey=WK"), 200},
		{get("/sourceConfig/", "Authorization", basic("WK")), 200},
		{get("/sourceConfig/?writeKey=WK", "Authorization", basic("nope")), 401},
		{get("/sourceConfig/?writeKey=nope"), 401},
		{get("/sourceConfig/"), 401},
	} {
		w := do(h, c.r)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", c.r.URL, w.Code, w.Body)
			continue
		}
		if c.status != 200 {
			isError(t, w)
			continue
		}
		// What RudderStack's library requires before it goes on.
		var s struct {
			Source struct {
				ID           string
				Enabled      bool
				Config       map[string]any
				Destinations []any
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || s.Source.ID != "web" || !s.Source.Enabled || s.Source.Config == nil || s.Source.Destinations == nil {
			t.Errorf("%s: %v", w.Body, err)
		}
	}
}

const taken = `{"success":true}`

func TestSmallEndpoints(t *testing.T) {
	log := &recorder{}
	h := newHandler(log)
	post := func(target, body string) *http.Request {
		return httptest.NewRequest("POST", target, strings.NewReader(body))
	}
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
		body   string
		events int
	}{
		{"metrics", post("/v1/m", `{"series":[]}`), 200, taken, 0},
		{"metrics of any kind", post("/v1/m", `{{{`), 200, `{"success":true}`, 0},
		{"metrics without end", post("/v1/m", strings.Repeat("x", 2*clientele.MaxBatchBytes)), 200, `{"success":true}`, 0},
		{"metrics of RudderStack's", post("/rsaMetrics", `{}`), 200, `{"success":true}`, 0},
		{"metrics read", get("/v1/m"), 405, "", 0},
		{"nodes", get("/cluster-info"), 200, `{"nodeCount":1}`, 0},
		{"the place itself", get("/"), 200, "", 0},
		{"RudderStack's health", get("/health"), 200, `{"server":"UP"}`, 0},
		{"robots", get("/robots.txt"), 200, "User-agent: *\nDisallow: /\n", 0},
		{"version", get("/version"), 200, `{"Version":""}`, 0},
		{"recordings", post("/s/?compression=gzip", "\x1f\x8b"), 200, taken, 0},
		{"flags", post("/flags/?v=2", `{"api_key":"WK","distinct_id":"d"}`), 200, "", 0},
		{"flags of old", post("/decide/?v=3", `data=e30=`), 200, "", 0},
		{"flags read", get("/flags"), 405, "", 0},
		{"PostHog's settings", get("/array/WK/config?ip=0"), 200, "", 0},
		{"PostHog's settings as a script", get("/array/WK/config.js"), 200, "", 0},
		{"PostHog's settings, unknown key", get("/array/nope/config"), 401, "", 0},
		{"PostHog's settings, key that breaks out", get("/array/%22%3B/config.js"), 401, "", 0},
		{"who somebody is", post("/engage/", `{"$token":"WK","$distinct_id":"u1","$set":{"email":"a@example.com"}}`), 200, `{"status":"Ok","success":true}`, 1},
		{"nothing of the kind", get("/v1/nothing"), 404, "", 0},
		{"beacon", post("/beacon/v1/batch?writeKey=WK", `{"batch":[`+track+`],"sentAt":"2026-01-01T00:00:00Z"}`), 200, `{"success":true}`, 1},
		{"beacon without a key", post("/beacon/v1/batch", `{"batch":[`+track+`]}`), 401, "", 0},
		{"beacon read", get("/beacon/v1/batch?writeKey=WK"), 405, "", 0},
	} {
		w := do(h, c.r)
		if w.Code != c.status || c.body != "" && w.Body.String() != c.body {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if n := len(log.take()); n != c.events {
			t.Errorf("%s: %d events", c.name, n)
		}
	}
}

// TestPreflight: each endpoint that a browser's library calls lets its headers through.
func TestPreflight(t *testing.T) {
	h := newHandler(&recorder{})
	for _, target := range []string{"/v1/t", "/v1/batch", "/v1/m", "/beacon/v1/batch", "/v1/projects/WK/settings", "/sourceConfig/", "/sourceConfig", "/v1/pixel/track",
		"/pixel/v1/page", "/rsaMetrics", "/cluster-info", "/analytics.js/v1/WK/analytics.min.js", "/analytics-next/bundles/a.js", "/e/", "/batch/"} {
		r := httptest.NewRequest("OPTIONS", target, nil)
		r.Header.Set("Origin", "https://shop.example")
		r.Header.Set("Access-Control-Request-Method", "GET")
		r.Header.Set("Access-Control-Request-Headers", "authorization,x-new")
		w := do(h, r)
		if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.example" || w.Header().Get("Access-Control-Allow-Headers") != "authorization,x-new" ||
			w.Header().Get("Access-Control-Expose-Headers") != "Retry-After" {
			t.Errorf("%s: %d %v", target, w.Code, w.Header())
		}
	}
}

func TestPixel(t *testing.T) {
	event := `{"writeKey":"WK","userId":"u1","event":"Opened ?>","properties":{"n":1.50}}`
	std, raw := base64.StdEncoding.EncodeToString([]byte(event)), base64.RawURLEncoding.EncodeToString([]byte(event))
	for _, c := range []struct {
		name, target string
		want         map[string]any // nil when the event is lost
		code         string
	}{
		{"base64url", "/v1/pixel/track?data=" + raw, map[string]any{"type": "track", "userId": "u1", "event": "Opened ?>", "properties": map[string]any{"n": 1.5}}, ""},
		{"base64 whose plus signs became blanks", "/v1/pixel/track?data=" + std, map[string]any{"type": "track", "userId": "u1", "event": "Opened ?>", "properties": map[string]any{"n": 1.5}}, ""},
		{"plain members", "/v1/pixel/track?writeKey=WK&userId=u1&event=Opened&properties.plan=pro&properties.a.b=1&context.page.url=https%3A%2F%2Fx.example%2F",
			map[string]any{"type": "track", "userId": "u1", "event": "Opened", "properties": map[string]any{"plan": "pro", "a": map[string]any{"b": "1"}},
				"context": map[string]any{"page": map[string]any{"url": "https://x.example/"}, "ip": "203.0.113.7"}}, ""},
		{"a name twice", "/v1/pixel/identify?writeKey=WK&anonymousId=a&anonymousId=b", map[string]any{"type": "identify", "anonymousId": "b"}, ""},
		{"value and object", "/v1/pixel/page?writeKey=WK&properties=x&properties.a=1", map[string]any{"type": "page", "properties": map[string]any{"a": "1"}}, ""},
		{"RudderStack's path", "/pixel/v1/page?writeKey=WK&anonymousId=a", map[string]any{"type": "page", "anonymousId": "a"}, ""},
		{"every type", "/v1/pixel/alias?writeKey=WK&userId=u&previousId=p", map[string]any{"type": "alias", "userId": "u", "previousId": "p"}, ""},
		{"key beside data", "/v1/pixel/screen?writeKey=WK&data=" + base64.URLEncoding.EncodeToString([]byte(`{"name":"S"}`)), map[string]any{"type": "screen", "name": "S"}, ""},

		{"unknown key", "/v1/pixel/track?writeKey=nope&event=E", nil, "unauthorized"},
		{"no key", "/v1/pixel/track?event=E", nil, "unauthorized"},
		{"no event", "/v1/pixel/track", nil, "invalid"},
		{"not base64", "/v1/pixel/track?data=%21", nil, "invalid"},
		{"not JSON", "/v1/pixel/track?data=aGVsbG8", nil, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			var logged bytes.Buffer
			h := collect.New(collect.Options{Log: log, Sources: sources, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
			w := do(h, get(c.target))
			if w.Code != 200 || w.Header().Get("Content-Type") != "image/gif" || !strings.HasPrefix(w.Body.String(), "GIF89a") || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v %q", w.Code, w.Header(), w.Body)
			}
			records := log.take()
			if c.want == nil {
				if len(records) > 0 || h.Refusals()[collect.Refusal{Endpoint: "pixel", Code: clientele.Code(c.code)}] != 1 || !strings.Contains(logged.String(), "lost") {
					t.Errorf("%d records, counted %v, logged %q", len(records), h.Refusals(), &logged)
				}
				return
			}
			if len(records) != 1 || records[0].Source != "web" || records[0].Verdict != clientele.Accepted {
				t.Fatalf("%+v", records)
			}
			var got map[string]any
			if err := json.Unmarshal(records[0].Raw, &got); err != nil {
				t.Fatal(err)
			}
			if id, _ := got["messageId"].(string); id == "" || got["writeKey"] != nil {
				t.Errorf("no id, or a key: %s", records[0].Raw)
			}
			for name, want := range c.want {
				if !reflect.DeepEqual(got[name], want) {
					t.Errorf("%s is %v, want %v", name, got[name], want)
				}
			}
		})
	}
	log := &recorder{}
	r := get("/v1/pixel/track?writeKey=WK&event=E")
	r.Method = "HEAD"
	if w := do(newHandler(log), r); w.Code != 200 || len(log.take()) > 0 {
		t.Error("HEAD sends an event")
	}
}

// TestPixelLogs: anybody can ask for pictures, so the log does not grow with them.
func TestPixelLogs(t *testing.T) {
	var logged bytes.Buffer
	h := collect.New(collect.Options{Log: &recorder{}, Sources: sources, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	for range 1000 {
		do(h, get("/v1/pixel/track?writeKey=secret-nope&event=E"))
	}
	if n := strings.Count(logged.String(), "\n"); n != 10 || strings.Contains(logged.String(), "secret-nope") {
		t.Errorf("%d lines:\n%s", n, &logged)
	}
	if n := h.Refusals()[collect.Refusal{Endpoint: "pixel", Code: clientele.Unknown}]; n != 1000 {
		t.Errorf("%d counted", n)
	}
}

func TestGlobalPrivacyControl(t *testing.T) {
	for _, c := range []struct {
		name, header, body string
		want               any
	}{
		{"signal", "1", `{}`, true},
		{"no signal", "", `{}`, nil},
		{"off", "0", `{}`, nil},
		{"beside a context", "1", `{"context":{"a":1}}`, true},
		{"the event's own", "1", `{"context":{"gpc":false}}`, false},
	} {
		log := &recorder{}
		// Without an address too: the signal does not depend on it.
		h := collect.New(collect.Options{Log: log, Sources: sources, ClientIP: func(*http.Request) string { return "" }})
		for _, h := range []*collect.Handler{h, newHandler(log)} {
			do(h, request("/v1/track", c.body, "Sec-GPC", c.header))
			var got struct{ Context map[string]any }
			records := log.take()
			if len(records) != 1 || json.Unmarshal(records[0].Raw, &got) != nil || got.Context["gpc"] != c.want {
				t.Errorf("%s: %s", c.name, records[0].Raw)
			}
		}
	}
	log := &recorder{}
	do(newHandler(log), request("/v1/batch", `{"context":{"gpc":false},"batch":[{},{"context":{"gpc":null}}]}`, "Sec-GPC", "1"))
	for _, r := range log.take() {
		if bytes.Count(r.Raw, []byte(`"gpc"`)) != 1 || bytes.Contains(r.Raw, []byte("true")) {
			t.Errorf("the batch's own word is not kept: %s", r.Raw)
		}
	}
}

func TestRateLimit(t *testing.T) {
	now := arrival
	log := &recorder{}
	h := collect.New(collect.Options{Log: log, Sources: sources, Now: func() time.Time { return now }, RateLimit: 4})
	send := func(key string) *httptest.ResponseRecorder {
		return do(h, request("/v1/track", track, "Authorization", basic(key)))
	}
	for i := range 4 {
		if w := send("WK"); w.Code != 200 {
			t.Fatalf("request %d: %d %s", i, w.Code, w.Body)
		}
	}
	w := send("WK")
	if w.Code != 429 || w.Header().Get("Retry-After") != "1" || w.Header().Get("X-RateLimit-Reset") != "1795262401" || !strings.Contains(w.Body.String(), `"rate_limited"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := send("SK"); w.Code != 200 {
		t.Errorf("another source pays for it: %d", w.Code)
	}
	now = now.Add(250 * time.Millisecond)
	if a, b := send("WK"), send("WK"); a.Code != 200 || b.Code != 429 {
		t.Errorf("after a quarter of a second %d and %d", a.Code, b.Code)
	}
	now = now.Add(time.Hour)
	passed := 0
	for range 10 {
		if send("WK").Code == 200 {
			passed++
		}
	}
	if passed != 4 {
		t.Errorf("%d at once after an hour", passed)
	}
	if n := h.Refusals()[collect.Refusal{Endpoint: "events", Code: "rate_limited"}]; n != 8 {
		t.Errorf("%d counted", n)
	}
}

// sdkDir is a folder as npm leaves it.
func sdkDir(t *testing.T, flat bool) string {
	dir := t.TempDir()
	umd := dir
	if !flat {
		umd = filepath.Join(dir, "node_modules", "@segment", "analytics-next", "dist", "umd")
	}
	if err := os.MkdirAll(umd, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"standalone.js": `window.analyticsWriteKey="__WRITE_KEY__";`, "407.bundle.abc.js": "407", "notes.txt": "no"} {
		if err := os.WriteFile(filepath.Join(umd, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "..", "outside.js"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "..", "outside.js"), filepath.Join(umd, "link.js")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBrowserLibrary(t *testing.T) {
	for _, flat := range []bool{false, true} {
		h := collect.New(collect.Options{Log: &recorder{}, Sources: guarded, SDKDir: sdkDir(t, flat)})
		for _, c := range []struct {
			target, has, caching string
			status               int
		}{
			{"/analytics.js/v1/WK/analytics.min.js", `window.analyticsWriteKey="WK";`, "max-age=300", 200},
			{"/analytics.js/v1/BOUND/analytics.min.js", `window.analyticsWriteKey="BOUND";`, "max-age=300", 200},
			{"/analytics-next/bundles/407.bundle.abc.js", "407", "immutable", 200},
			{"/analytics.js/v1/nope/analytics.min.js", "", "", 401},
			{"/analytics-next/bundles/408.bundle.abc.js", "", "", 404},
			{"/analytics-next/bundles/notes.txt", "", "", 404},
			{"/analytics-next/bundles/..%2f..%2foutside.js", "", "", 404},
			{"/analytics-next/bundles/link.js", "", "", 500},
		} {
			w := do(h, get(c.target))
			if w.Code != c.status {
				t.Errorf("%s: %d %s", c.target, w.Code, w.Body)
				continue
			}
			if c.status != 200 {
				isError(t, w)
				continue
			}
			if !strings.Contains(w.Body.String(), c.has) || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") || !strings.Contains(w.Header().Get("Cache-Control"), c.caching) {
				t.Errorf("%s: %v %s", c.target, w.Header(), w.Body)
			}
			packed := do(h, get(c.target, "Accept-Encoding", "gzip, br"))
			z, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil || string(plain) != w.Body.String() || packed.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("%s packed: %v %v", c.target, packed.Header(), err)
			}
			again := do(h, get(c.target, "If-Modified-Since", w.Header().Get("Last-Modified")))
			if again.Code != 304 {
				t.Errorf("%s again: %d", c.target, again.Code)
			}
		}
	}
	for _, dir := range []string{"", t.TempDir(), filepath.Join(t.TempDir(), "nothing")} {
		h := collect.New(collect.Options{Log: &recorder{}, Sources: sources, SDKDir: dir})
		for _, target := range []string{"/analytics.js/v1/WK/analytics.min.js", "/analytics-next/bundles/407.bundle.abc.js"} {
			if w := do(h, get(target)); w.Code != 404 || !strings.Contains(w.Body.String(), "npm ci") {
				t.Errorf("not installed: %d %s", w.Code, w.Body)
			}
		}
	}
}

// TestInstalledLibrary serves the real package where npm has installed it.
func TestInstalledLibrary(t *testing.T) {
	dir := filepath.Join("..", "..", "web-sdk")
	bundles, err := filepath.Glob(filepath.Join(dir, "node_modules", "@segment", "analytics-next", "dist", "umd", "*.bundle.*.js"))
	if err != nil || len(bundles) == 0 {
		t.Skip("the browser library is not installed: run npm ci in web-sdk")
	}
	h := collect.New(collect.Options{Log: &recorder{}, Sources: sources, SDKDir: dir})
	w := do(h, get("/analytics.js/v1/WK/analytics.min.js"))
	if w.Code != 200 || bytes.Contains(w.Body.Bytes(), []byte("__WRITE_KEY__")) || !bytes.Contains(w.Body.Bytes(), []byte(`analyticsWriteKey="WK"`)) {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	for _, b := range bundles {
		if w := do(h, get("/analytics-next/bundles/"+filepath.Base(b))); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d", filepath.Base(b), w.Code)
		}
	}
}

func TestCapture(t *testing.T) {
	one := `{"event":"Paid","distinct_id":"u1","uuid":"m1","timestamp":"2026-11-21T12:00:00Z","properties":{"token":"WK","amount":1.50,"$lib":"posthog-node","$lib_version":"5"}}`
	web := `{"event":"$pageview","uuid":"m2","properties":{"token":"WK","distinct_id":"d1","$device_id":"d1","$lib":"web","$current_url":"https://x.example/a","title":"A"}}`
	identify := `{"event":"$identify","uuid":"m3","properties":{"distinct_id":"u1","$device_id":"d1","$anon_distinct_id":"d1"},"$set":{"email":"a@b.c"}}`
	for _, c := range []struct {
		name, target, body string
		want               []string
	}{
		{"batch", "/batch/", `{"api_key":"WK","sent_at":"2026-11-21T12:00:01Z","batch":[` + one + `,` + web + `,` + identify + `]}`,
			[]string{`track Paid u1  m1`, `page A  d1 m2`, `identify  u1 d1 m3`}},
		{"packed and not said so", "/e/", zipped(one), []string{`track Paid u1  m1`}},
		{"list", "/i/v0/e/", `[` + web + `]`, []string{`page A  d1 m2`}},
		{"form", "/capture/", "data=" + strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(one)), "+", "%2B"), []string{`track Paid u1  m1`}},
		{"alias of a user", "/batch/", `{"api_key":"WK","batch":[{"event":"$create_alias","distinct_id":"u1","uuid":"m4","properties":{"distinct_id":"u1","alias":"old"}}]}`,
			[]string{`alias  u1  m4 <- old`}},
		{"alias of a visitor", "/e/", `{"event":"$create_alias","uuid":"m5","properties":{"token":"WK","distinct_id":"d1","$device_id":"d1","alias":"u1"}}`,
			[]string{`alias  u1 d1 m5 <- d1`}},
		{"group of nobody", "/batch/", `{"api_key":"WK","batch":[{"event":"$groupidentify","distinct_id":"$company_acme","uuid":"m6","properties":{"$group_type":"company","$group_key":"acme"}}]}`,
			[]string{`group    m6 of acme`}},
		{"group of a user", "/batch/", `{"api_key":"WK","batch":[{"event":"$groupidentify","distinct_id":"u1","uuid":"m7","properties":{"$group_type":"company","$group_key":"acme"}}]}`,
			[]string{`group  u1  m7 of acme`}},
		{"without a slash", "/capture", `{"api_key":"WK","event":"E","distinct_id":7}`, []string{`track E 7  `}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			w := do(newHandler(log), httptest.NewRequest("POST", c.target, strings.NewReader(c.body)))
			if w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"Ok"`) {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			var got []string
			for _, r := range log.take() {
				var e struct{ Type, Event, Name, UserID, AnonymousID, MessageID, PreviousID, GroupID string }
				if err := json.Unmarshal(r.Raw, &e); err != nil || r.Source != "web" || bytes.Contains(r.Raw, []byte(`"WK"`)) {
					t.Fatalf("%s: %v", r.Raw, err)
				}
				if c.name == "without a slash" {
					e.MessageID = ""
				}
				line := strings.Join([]string{e.Type, e.Event + e.Name, e.UserID, e.AnonymousID, e.MessageID}, " ")
				if e.PreviousID != "" {
					line += " <- " + e.PreviousID
				}
				if e.GroupID != "" {
					line += " of " + e.GroupID
				}
				got = append(got, line)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		body   string
		status int
	}{{`{"batch":[]}`, 400}, {`{"api_key":"WK","batch":[]}`, 400}, {`{"api_key":"nope","event":"E"}`, 401}, {`{"event":"E"}`, 401}, {`7`, 400}, {``, 400}, {`data=%21`, 400}} {
		if w := do(newHandler(&recorder{}), httptest.NewRequest("POST", "/batch/", strings.NewReader(c.body))); w.Code != c.status {
			t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
		}
	}
	log := &recorder{}
	do(newHandler(log), httptest.NewRequest("POST", "/batch/", strings.NewReader(`{"api_key":"WK","batch":[7,`+one+`,{"event":5}]}`)))
	if records := log.take(); len(records) != 3 || records[0].Verdict != clientele.Malformed || records[1].Verdict != clientele.Accepted {
		t.Errorf("bad neighbours: %+v", records)
	}
}

// FuzzPixel: any query gives the picture, and an event that is kept is JSON.
func FuzzPixel(f *testing.F) {
	f.Add("writeKey=WK&event=E&properties.a.b=1&properties=2")
	f.Add("data=eyJ3cml0ZUtleSI6IldLIn0=&x=%zz")
	f.Add("writeKey=WK&" + strings.Repeat("a.", 100) + "=1")
	f.Fuzz(func(t *testing.T, query string) {
		r := get("/v1/pixel/track")
		r.URL.RawQuery = query
		log := &recorder{}
		if w := do(newHandler(log), r); w.Code != 200 || w.Header().Get("Content-Type") != "image/gif" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		for _, rec := range log.take() {
			if rec.Verdict == clientele.Accepted && !json.Valid(rec.Raw) {
				t.Fatalf("%q", rec.Raw)
			}
		}
	})
}

// FuzzCapture: what is rewritten is a batch that the rest of the package reads.
func FuzzCapture(f *testing.F) {
	f.Add([]byte(`{"api_key":"WK","batch":[{"event":"$create_alias","properties":{"alias":1}},7]}`))
	f.Add([]byte(`data=eyJldmVudCI6IkUifQ&x=1`))
	f.Add([]byte(`[{"event":"$groupidentify","$set":{},"distinct_id":{}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := collect.CapturedBatch(body)
		if err != nil {
			return
		}
		var got struct{ Batch []any }
		if err := json.Unmarshal(b, &got); err != nil || got.Batch == nil {
			t.Fatalf("%q: %v", b, err)
		}
	})
}
