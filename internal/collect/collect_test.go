package collect_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/collect"
)

// recorder is a log that keeps copies, or refuses.
type recorder struct {
	mu      sync.Mutex
	records []clientele.Record
	appends int
	err     error
}

func (r *recorder) Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kind != clientele.KindEvent {
		return 0, errors.New("not the kind of events")
	}
	if err := ctx.Err(); err != nil {
		return 0, clientele.Errorf(clientele.Unavailable, "append: %w", err)
	}
	if r.err != nil {
		return 0, r.err
	}
	r.appends++
	for _, rec := range records {
		rec.Raw = bytes.Clone(rec.Raw)
		r.records = append(r.records, rec)
	}
	return clientele.Position(r.appends), nil
}

func (r *recorder) take() []clientele.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	records := r.records
	r.records = nil
	return records
}

var arrival = time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)

func sources(key string) (collect.Source, bool) {
	name, ok := map[string]string{"WK": "web", "SK": "server", "AK": "app"}[key]
	return collect.Source{Name: name, WriteKey: key}, ok
}

func newHandler(log collect.Appender) *collect.Handler {
	return collect.New(collect.Options{Log: log, Sources: sources, Now: func() time.Time { return arrival }})
}

// request is a POST with the web source's key, from 203.0.113.7.
func request(path, body string, header ...string) *http.Request {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.RemoteAddr = "203.0.113.7:4711"
	r.SetBasicAuth("WK", "")
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func basic(user string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, "")
	return r.Header.Get("Authorization")
}

const track = `{"type":"track","event":"E","userId":"u","messageId":"m1"}`

func TestStatuses(t *testing.T) {
	long := strings.Repeat("x", clientele.MaxBatchBytes)
	for _, c := range []struct {
		name    string
		r       *http.Request
		status  int
		code    string
		records int
	}{
		{"one event", request("/v1/track", track), 200, "", 1},
		{"letter path", request("/v1/t", track), 200, "", 1},
		{"batch", request("/v1/batch", `{"batch":[`+track+`,`+track+`]}`), 200, "", 2},
		{"batch letter", request("/v1/b", `{"batch":[`+track+`]}`), 200, "", 1},
		{"import", request("/v1/import", `{"batch":[`+track+`]}`), 200, "", 1},
		{"text", request("/v1/batch", `{"batch":[`+track+`]}`, "Content-Type", "text/plain"), 200, "", 1},
		{"form type", request("/v1/batch", `{"batch":[`+track+`]}`, "Content-Type", "application/x-www-form-urlencoded"), 200, "", 1},
		{"byte order mark and space", request("/v1/track", "\xef\xbb\xbf \r\n"+track+"\n"), 200, "", 1},
		{"gzip", request("/v1/track", zipped(track), "Content-Encoding", "gzip"), 200, "", 1},
		{"gzip unannounced", request("/v1/track", zipped(track), "Content-Type", "text/plain"), 200, "", 1},
		{"gzip announced but not so", request("/v1/track", track, "Content-Encoding", "gzip"), 200, "", 1},
		{"a body of exactly the limit", request("/v1/track", track+long[len(track):][:0]+strings.Repeat(" ", clientele.MaxBatchBytes-len(track))), 200, "", 1},

		{"empty body", request("/v1/track", ""), 400, "invalid", 0},
		{"empty batch", request("/v1/batch", `{"batch":[]}`), 400, "invalid", 0},
		{"no batch", request("/v1/batch", track), 400, "invalid", 0},
		{"batch not a list", request("/v1/batch", `{"batch":{"a":[1]}}`), 400, "invalid", 0},
		{"not JSON", request("/v1/track", `{"event":`), 400, "invalid", 0},
		{"NaN", request("/v1/track", `{"event":NaN}`), 400, "invalid", 0},
		{"two values", request("/v1/track", track+track), 400, "invalid", 0},
		{"not an object", request("/v1/track", `[`+track+`]`), 400, "invalid", 0},
		{"one bad element is not JSON", request("/v1/batch", `{"batch":[`+track+`,{x}]}`), 400, "invalid", 0},
		{"gzip cut off", request("/v1/track", zipped(track)[:20]), 400, "invalid", 0},
		{"gzip damaged", request("/v1/track", "\x1f\x8b\x08garbage"), 400, "invalid", 0},
		{"brotli", request("/v1/track", track, "Content-Encoding", "br"), 400, "invalid", 0},
		{"deeper than any parser goes", request("/v1/track", `{"a":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`), 400, "invalid", 0},
		{"bad text in the batch's context", request("/v1/batch", `{"batch":[{}],"context":{"a":"\ud83d"}}`), 400, "invalid", 0},
		{"deep batch context", request("/v1/batch", `{"batch":[{}],"context":{"a":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+`}}`), 400, "invalid", 0},

		{"no key", request("/v1/track", track, "Authorization", ""), 401, "unauthorized", 0},
		{"unknown key", request("/v1/track", track, "Authorization", basic("nope")), 401, "unauthorized", 0},
		{"unknown key with a body that has one", request("/v1/track", `{"writeKey":"WK"}`, "Authorization", basic("nope")), 401, "unauthorized", 0},
		{"unknown key in the body", request("/v1/track", `{"writeKey":"nope"}`, "Authorization", ""), 401, "unauthorized", 0},
		{"unknown key in the query", request("/v1/track?writeKey=nope", track, "Authorization", ""), 401, "unauthorized", 0},
		{"unknown bearer", request("/v1/track", track, "Authorization", "Bearer nope"), 401, "unauthorized", 0},
		{"garbage authorization", request("/v1/track", track, "Authorization", "Basic !!"), 401, "unauthorized", 0},
		{"only unknown event keys", request("/v1/batch", `{"batch":[{"writeKey":"nope"},{}]}`, "Authorization", ""), 401, "unauthorized", 0},
		{"key of a wrong type", request("/v1/track", `{"writeKey":["WK"]}`, "Authorization", ""), 401, "unauthorized", 0},

		{"GET", httptest.NewRequest("GET", "/v1/track", nil), 405, "invalid", 0},
		{"PUT", httptest.NewRequest("PUT", "/v1/batch", nil), 405, "invalid", 0},
		{"too large", request("/v1/track", `{"a":"`+long+`"}`), 413, "too_large", 0},
		{"too large without a length", unsized(request("/v1/track", `{"a":"`+long+`"}`)), 413, "too_large", 0},
		{"bomb", request("/v1/track", zipped(`{"a":"`+strings.Repeat(long, 40)+`"}`)), 413, "too_large", 0},
		{"too many events", request("/v1/batch", `{"batch":[`+strings.Repeat("{},", clientele.MaxBatchEvents)+`{}]}`), 413, "too_large", 0},
		{"most events", request("/v1/batch", `{"batch":[`+strings.Repeat("{},", clientele.MaxBatchEvents-1)+`{}]}`), 200, "", clientele.MaxBatchEvents},
		{"large batch context", request("/v1/batch", `{"batch":[{}],"context":{"a":"`+long[:clientele.MaxEventBytes]+`"}}`), 413, "too_large", 0},
		{"batch context that multiplies", request("/v1/batch", `{"batch":[`+strings.Repeat("{},", 999)+`{}],"context":{"a":"`+long[:30_000]+`"}}`), 413, "too_large", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			w := do(newHandler(log), c.r)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if c.status == 200 {
				if w.Body.String() != `{"success":true}` {
					t.Errorf("answer %s", w.Body)
				}
			} else {
				var e struct{ Code, Message string }
				if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code != c.code || e.Message == "" {
					t.Errorf("answer %s: %v", w.Body, err)
				}
			}
			if got := log.take(); len(got) != c.records {
				t.Errorf("%d records, want %d", len(got), c.records)
			}
		})
	}
}

func unsized(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

func TestLogRefuses(t *testing.T) {
	var logged bytes.Buffer
	log := &recorder{}
	h := collect.New(collect.Options{Log: log, Sources: sources, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	for _, c := range []struct {
		err    error
		status int
		code   string
		retry  string
	}{
		{clientele.Errorf(clientele.Unavailable, "the log is full"), 503, "unavailable", "5"},
		{errors.New("disk on fire"), 500, "internal", ""},
		{clientele.Errorf(clientele.Invalid, "a fault of ours"), 500, "internal", ""},
	} {
		log.err = c.err
		w := do(h, request("/v1/track", track, "Origin", "https://shop.example"))
		if w.Code != c.status || w.Header().Get("Retry-After") != c.retry || !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) {
			t.Errorf("%v: %d %v %s", c.err, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), c.err.Error()) {
			t.Errorf("the inner error is shown: %s", w.Body)
		}
		if w.Header().Get("Access-Control-Expose-Headers") != "Retry-After" {
			t.Error("a browser cannot see Retry-After")
		}
	}
	if n := strings.Count(logged.String(), "\n"); n != 1 || !strings.Contains(logged.String(), "the log is full") {
		t.Errorf("logged %d lines:\n%s", n, &logged)
	}
	log.err = nil
	do(h, request("/v1/track", track))
	do(h, request("/v1/track", track))
	if n := strings.Count(logged.String(), "\n"); n != 2 {
		t.Errorf("logged %d lines:\n%s", n, &logged)
	}
}

func TestCORS(t *testing.T) {
	h := newHandler(&recorder{})
	r := httptest.NewRequest("OPTIONS", "/v1/batch", nil)
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,x-retry-count,anonymousid,rsa-recovered")
	w := do(h, r)
	want := map[string]string{
		"Access-Control-Allow-Origin":      "https://shop.example",
		"Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods":     "GET, POST, OPTIONS",
		"Access-Control-Allow-Headers":     "authorization,x-retry-count,anonymousid,rsa-recovered",
		"Access-Control-Max-Age":           "86400",
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("preflight answered %d %s", w.Code, w.Body)
	}
	for _, r := range []*http.Request{
		request("/v1/t", track, "Origin", "null"),
		request("/v1/t", "{", "Origin", "null"),
		request("/v1/t", track, "Origin", "null", "Authorization", basic("nope")),
	} {
		w := do(h, r)
		if w.Header().Get("Access-Control-Allow-Origin") != "null" || w.Header().Get("Access-Control-Expose-Headers") != "Retry-After" {
			t.Errorf("%d lacks CORS headers: %v", w.Code, w.Header())
		}
	}
}

func TestWriteKeys(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *http.Request
		want []string // source, with ! in front when quarantined
	}{
		{"basic", request("/v1/track", `{}`), []string{"web"}},
		{"basic before body", request("/v1/track", `{"writeKey":"SK"}`), []string{"web"}},
		{"bearer", request("/v1/track", `{}`, "Authorization", "Bearer SK"), []string{"server"}},
		{"bearer of another kind", request("/v1/batch", `{"writeKey":"SK","batch":[{}]}`, "Authorization", "Bearer eyJhbGciOi"), []string{"server"}},
		{"body", request("/v1/track", `{"writeKey":"SK"}`, "Authorization", ""), []string{"server"}},
		{"body with escapes", request("/v1/track", `{"write\u004bey":"S\u004b"}`, "Authorization", ""), []string{"server"}},
		{"body before query", request("/v1/track?writeKey=AK", `{"writeKey":"SK"}`, "Authorization", ""), []string{"server"}},
		{"query", request("/v1/track?x=%zz&writeKey=AK", `{}`, "Authorization", ""), []string{"app"}},
		{"empty basic user", request("/v1/track", `{"writeKey":"SK"}`, "Authorization", basic("")), []string{"server"}},
		{"events of several sources", request("/v1/batch", `{"batch":[{},{"writeKey":"SK"},{"writeKey":"AK"},{"writeKey":null},{"writeKey":""}]}`), []string{"web", "server", "app", "web", "web"}},
		{"one unknown among the request's own", request("/v1/batch", `{"batch":[{},{"writeKey":"nope"},{"writeKey":5}]}`), []string{"web", "!web", "!web"}},
		{"keys in the events alone", request("/v1/batch", `{"batch":[{},{"writeKey":"nope"},{"writeKey":"SK"},7,{"writeKey":"AK"}]}`, "Authorization", ""), []string{"!server", "!server", "server", "!server", "app"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			if w := do(newHandler(log), c.r); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			var got []string
			for _, r := range log.take() {
				name := r.Source
				if r.Verdict != clientele.Accepted {
					name = "!" + name
				} else if bytes.Contains(r.Raw, []byte(`"SK"`)) || bytes.Contains(r.Raw, []byte(`"AK"`)) {
					t.Errorf("the key stands in the log: %s", r.Raw)
				}
				got = append(got, name)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestSourceSettings: a source may be bound to the origins of its pages, and be a server.
func TestSourceSettings(t *testing.T) {
	log := &recorder{}
	h := collect.New(collect.Options{Log: log, Sources: func(key string) (collect.Source, bool) {
		switch key {
		case "WK":
			return collect.Source{Name: "web", AllowedOrigins: []string{"https://shop.example/", "https://www.shop.example"}}, true
		case "SK":
			return collect.Source{Name: "server", Server: true}, true
		}
		return collect.Source{}, false
	}})
	for _, c := range []struct {
		auth, origin, body string
		status             int
		verdict            clientele.Verdict
		hasIP              bool
	}{
		{basic("WK"), "https://shop.example", `{"batch":[{}]}`, 200, clientele.Accepted, true},
		{basic("WK"), "https://WWW.shop.example", `{"batch":[{}]}`, 200, clientele.Accepted, true},
		{basic("WK"), "", `{"batch":[{}]}`, 200, clientele.Accepted, true},
		{basic("WK"), "https://evil.example", `{"batch":[{}]}`, 403, 0, false},
		{basic("WK"), "null", `{"batch":[{}]}`, 403, 0, false},
		{"Bearer WK", "https://evil.example", `{"batch":[{}]}`, 403, 0, false},
		{"", "https://evil.example", `{"writeKey":"WK","batch":[{}]}`, 403, 0, false},
		{basic("SK"), "https://evil.example", `{"batch":[{"writeKey":"WK"}]}`, 200, clientele.Malformed, false},
		{basic("SK"), "", `{"batch":[{}]}`, 200, clientele.Accepted, false},
	} {
		w := do(h, request("/v1/batch", c.body, "Authorization", c.auth, "Origin", c.origin))
		records := log.take()
		if w.Code != c.status || (w.Code == 200) != (len(records) == 1) {
			t.Errorf("%+v: %d %s, %d records", c, w.Code, w.Body, len(records))
			continue
		}
		for _, r := range records {
			if hasIP := bytes.Contains(r.Raw, []byte("203.0.113.7")); r.Verdict != c.verdict || hasIP != c.hasIP {
				t.Errorf("%+v: verdict %d of %s", c, r.Verdict, r.Raw)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	big := `{"event":"` + strings.Repeat("x", clientele.MaxEventBytes) + `"}`
	fits := `{"event":"` + strings.Repeat("x", clientele.MaxEventBytes-12) + `"}`
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }
	for _, c := range []struct {
		name, raw string
		verdict   clientele.Verdict
		kept      string
	}{
		{"number", `17`, clientele.Malformed, `17`},
		{"text", `"a, ]}"`, clientele.Malformed, `"a, ]}"`},
		{"null", `null`, clientele.Malformed, `null`},
		{"list", `[{"type":"track"}]`, clientele.Malformed, `[{"type":"track"}]`},
		{"oversize", big, clientele.Oversize, big[:clientele.OversizeKept]},
		{"oversize text", big[9 : len(big)-1], clientele.Oversize, big[9:][:clientele.OversizeKept]},
		{"just fits", fits, clientele.Accepted, ""},
		{"not UTF-8", "{\"a\":\"\xff\"}", clientele.Malformed, "{\"a\":\"\xff\"}"},
		{"lone surrogate", `{"a":"cut \ud83d"}`, clientele.Malformed, `{"a":"cut \ud83d"}`},
		{"lone surrogate in a name", `{"\udc00":1}`, clientele.Malformed, `{"\udc00":1}`},
		{"whole surrogates", `{"a":"\ud83d\ude00"}`, clientele.Accepted, ""},
		{"deepest", deep(64), clientele.Accepted, ""},
		{"too deep", deep(65), clientele.Malformed, deep(65)},
		{"too deep, then shallow", `{"a":[` + deep(65) + `,[]],"b":1}`, clientele.Malformed, ""},
		{"brackets in text", `{"a":"` + strings.Repeat("[", 100) + `"}`, clientele.Accepted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			if w := do(newHandler(log), request("/v1/batch", `{"batch":[`+track+`,`+c.raw+`, `+track+`]}`)); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			got := log.take()
			if len(got) != 3 || got[0].Verdict != clientele.Accepted || got[2].Verdict != clientele.Accepted {
				t.Fatalf("the neighbours were hurt: %+v", got)
			}
			if got[1].Verdict != c.verdict || c.kept != "" && string(got[1].Raw) != c.kept {
				t.Errorf("verdict %d of %.100s", got[1].Verdict, got[1].Raw)
			}
			if got[1].Source != "web" || got[1].ReceivedAt != clientele.MicrosOf(arrival) {
				t.Errorf("from %q at %v", got[1].Source, got[1].ReceivedAt)
			}
		})
	}
}

var uuid4 = regexp.MustCompile(`"messageId":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`)

// TestComplete says byte for byte what becomes of an event; random ids are written ID.
func TestComplete(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		want             []string
	}{
		{"nothing to add", "/v1/batch", `{"batch":[{ "messageId" : "m", "context":{"ip":"1.2.3.4"} , "x":1.50 }]}`,
			[]string{`{ "messageId" : "m", "context":{"ip":"1.2.3.4"} , "x":1.50 }`}},
		{"type from the path", "/v1/i", `{"messageId":"m","context":{"ip":null}}`, []string{`{"type":"identify","messageId":"m","context":{"ip":null}}`}},
		{"its own type stays", "/v1/track", `{"type":"page","messageId":"m","context":{"ip":"::1"}}`, []string{`{"type":"page","messageId":"m","context":{"ip":"::1"}}`}},
		{"no type in a batch", "/v1/b", `{"batch":[{"messageId":"m","channel":"server"}]}`, []string{`{"messageId":"m","channel":"server"}`}},
		{"empty values are replaced where they stand", "/v1/track", `{"type":null,"messageId":"","a":1,"context":[ ]}`,
			[]string{`{"type":"track","messageId":"ID","a":1,"context":{"ip":"203.0.113.7"}}`}},
		{"empty event", "/v1/batch", `{"batch":[{},{ }]}`, []string{`{"messageId":"ID","context":{"ip":"203.0.113.7"}}`, `{"messageId":"ID","context":{"ip":"203.0.113.7"} }`}},
		{"batch time", "/v1/batch", `{"sentAt":"2026-01-01T00:00:00Z","batch":[{"messageId":"m","channel":"server"},{"messageId":"m","channel":"server","sentAt":"x"}]}`,
			[]string{`{"sentAt":"2026-01-01T00:00:00Z","messageId":"m","channel":"server"}`, `{"messageId":"m","channel":"server","sentAt":"x"}`}},
		{"batch time of a wrong type", "/v1/batch", `{"sentAt":17,"batch":[{"messageId":"m","channel":"server"}]}`, []string{`{"messageId":"m","channel":"server"}`}},
		{"batch context", "/v1/batch", `{"batch":[{"messageId":"m"},{"messageId":"m","context":{"os":"x","app":{"v":2}}},{"messageId":"m","context":{}}],"context":{"library":{"name":"analytics-go"},"app":{"v":1}}}`,
			[]string{`{"context":{"library":{"name":"analytics-go"},"app":{"v":1}},"messageId":"m"}`,
				`{"messageId":"m","context":{"library":{"name":"analytics-go"},"os":"x","app":{"v":2}}}`,
				`{"messageId":"m","context":{"library":{"name":"analytics-go"},"app":{"v":1}}}`}},
		{"batch integrations", "/v1/batch", `{"batch":[{"messageId":"m","channel":"server","integrations":{"A":true}},{"messageId":"m","channel":"server"}],"integrations":{"All":false,"A":false}}`,
			[]string{`{"messageId":"m","channel":"server","integrations":{"All":false,"A":true}}`, `{"integrations":{"All":false,"A":false},"messageId":"m","channel":"server"}`}},
		{"a batch context that says nothing", "/v1/batch", `{"batch":[{"messageId":"m","channel":"server"}],"context":[],"integrations":null}`, []string{`{"messageId":"m","channel":"server"}`}},
		{"address for a browser", "/v1/t", `{"type":"track","messageId":"m","context":{"library":{"version":"1","name":"analytics.js"}}}`,
			[]string{`{"type":"track","messageId":"m","context":{"ip":"203.0.113.7","library":{"version":"1","name":"analytics.js"}}}`}},
		{"none for a server", "/v1/t", `{"type":"track","messageId":"m","context":{"library":{"name":"@segment/analytics-node"}}}`,
			[]string{`{"type":"track","messageId":"m","context":{"library":{"name":"@segment/analytics-node"}}}`}},
		{"unless it says so", "/v1/t", `{"type":"track","messageId":"m","context":{"direct":true,"library":{"name":"x"}}}`,
			[]string{`{"type":"track","messageId":"m","context":{"ip":"203.0.113.7","direct":true,"library":{"name":"x"}}}`}},
		{"a context that is no object stays", "/v1/t", `{"type":"track","messageId":"m","context":"web"}`, []string{`{"type":"track","messageId":"m","context":"web"}`}},
		{"escaped names", "/v1/batch", `{"batch":[{"m\u0065ssageId":"m","c\u006fntext":{"\u0069p":""}}],"context":{"\u0069p":"9.9.9.9","x":1}}`,
			[]string{`{"m\u0065ssageId":"m","c\u006fntext":{"x":1,"\u0069p":""}}`}},
		{"the last of two counts", "/v1/batch", `{"batch":[{"messageId":"m","messageId":"","channel":"server"}]}`, []string{`{"messageId":"m","messageId":"ID","channel":"server"}`}},
		{"write key in the middle", "/v1/batch", `{"batch":[{"messageId":"m","writeKey":"WK","channel":"server","writeKey":"WK"}]}`, []string{`{"messageId":"m","writeKey":null,"channel":"server","writeKey":null}`}},
		{"odd members and numbers stay", "/v1/batch", `{"batch":[{"messageId":"m","channel":"server","n":12345678901234567890.10,"e":1E+2,"s":"\/é\u00e9\"}{","l":[1, 2 ,{"a":"]"}]}]}`,
			[]string{`{"messageId":"m","channel":"server","n":12345678901234567890.10,"e":1E+2,"s":"\/é\u00e9\"}{","l":[1, 2 ,{"a":"]"}]}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			if w := do(newHandler(log), request(c.path, c.body)); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			got := log.take()
			if len(got) != len(c.want) {
				t.Fatalf("%d records", len(got))
			}
			for i, r := range got {
				if raw := uuid4.ReplaceAllString(string(r.Raw), `"messageId":"ID"`); raw != c.want[i] || r.Verdict != clientele.Accepted {
					t.Errorf("record %d, verdict %d:\n %s, want\n %s", i, r.Verdict, raw, c.want[i])
				}
			}
		})
	}
}

func TestRandomIDsDiffer(t *testing.T) {
	log := &recorder{}
	do(newHandler(log), request("/v1/batch", `{"batch":[`+strings.Repeat("{},", 99)+`{}]}`))
	seen := map[string]bool{}
	for _, r := range log.take() {
		seen[string(r.Raw)] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different ids of 100", len(seen))
	}
}

// TestManyAtOnce sends from many clients over real connections: the memory that requests share
// must not mix them up.
func TestManyAtOnce(t *testing.T) {
	log := &recorder{}
	server := httptest.NewServer(newHandler(log))
	defer server.Close()
	var wg sync.WaitGroup
	const clients, rounds, events = 16, 20, 50
	for c := range clients {
		wg.Go(func() {
			var body strings.Builder
			body.WriteString(`{"writeKey":"WK","batch":[`)
			for e := range events {
				if e > 0 {
					body.WriteByte(',')
				}
				body.WriteString(`{"userId":"` + strings.Repeat(string(rune('a'+c)), 100+e) + `"}`)
			}
			body.WriteString(`]}`)
			for range rounds {
				text := body.String()
				if c%2 == 0 {
					text = zipped(text)
				}
				resp, err := http.Post(server.URL+"/v1/batch", "text/plain", strings.NewReader(text))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	count := map[string]int{}
	for _, r := range log.take() {
		var e struct{ UserID, MessageID string }
		if err := json.Unmarshal(r.Raw, &e); err != nil || e.MessageID == "" {
			t.Fatalf("%s: %v", r.Raw, err)
		}
		count[e.UserID]++
	}
	if len(count) != clients*events {
		t.Fatalf("%d different events, want %d", len(count), clients*events)
	}
	for id, n := range count {
		if n != rounds {
			t.Errorf("%.8s... of length %d arrived %d times, want %d", id, len(id), n, rounds)
		}
	}
}

// TestHalfClosed: a client that has closed its side after sending is served to the end, and is
// never told 200 for what is not there.
func TestHalfClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log := &recorder{}
	for _, r := range []*http.Request{request("/v1/track", track), request("/batch/", `{"api_key":"WK","batch":[{"event":"E"}]}`), httptest.NewRequest("GET", "/v1/pixel/track?writeKey=WK&event=E", nil)} {
		w := do(newHandler(log), r.WithContext(ctx))
		if records := log.take(); w.Code != 200 || w.Body.Len() == 0 || len(records) != 1 {
			t.Errorf("%s: %d %q, %d records", r.URL.Path, w.Code, w.Body, len(records))
		}
	}
	log.err = clientele.Errorf(clientele.Unavailable, "the log is full")
	if w := do(newHandler(log), request("/v1/track", track).WithContext(ctx)); w.Code != 503 {
		t.Errorf("a full log: %d %q", w.Code, w.Body)
	}
}

// TestSlowClient: a client that stops sending is told 503, after which all libraries send again; 408 not all.
func TestSlowClient(t *testing.T) {
	w := httptest.NewRecorder()
	r := request("/v1/track", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"a":`), timeouts{}))
	r.ContentLength = 100
	newHandler(&recorder{}).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

type timeouts struct{}

func (timeouts) Read([]byte) (int, error) { return 0, timeoutErr{} }

type timeoutErr struct{}

func (timeoutErr) Error() string   { return "too slow" }
func (timeoutErr) Timeout() bool   { return true }
func (timeoutErr) Temporary() bool { return true }

// keeper is a log that keeps the memory it is given and acknowledges nothing.
type keeper struct{ records []clientele.Record }

func (k *keeper) Append(_ context.Context, _ clientele.Kind, records []clientele.Record) (clientele.Position, error) {
	k.records = append(k.records, records...)
	return 0, clientele.Errorf(clientele.Unavailable, "the outcome is unknown")
}

// TestUnacknowledgedMemory: what the log did not acknowledge it may still be writing, so the
// next requests must leave those bytes alone.
func TestUnacknowledgedMemory(t *testing.T) {
	log := &keeper{}
	h := newHandler(log)
	var want []string
	for i := range 50 {
		do(h, request("/v1/batch", strings.Repeat(" ", i)+`{"batch":[{"messageId":"m","channel":"server","n":`+strings.Repeat("7", 1+i)+`},{"n":`+strings.Repeat("8", 50-i)+`}]}`))
		for _, r := range log.records[2*i:] {
			want = append(want, string(r.Raw))
		}
	}
	for i, r := range log.records {
		if string(r.Raw) != want[i] {
			t.Fatalf("record %d became %s, was %s", i, r.Raw, want[i])
		}
	}
}
