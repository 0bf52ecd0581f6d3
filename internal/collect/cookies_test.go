package collect_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/collect"
)

// RudderStack's browser library may have its cookies set by the server, and nothing else.
func TestCookies(t *testing.T) {
	h := newHandler(&recorder{})
	const good = `{"reqType":"setCookies","workspaceId":"w","data":{"options":{"maxAge":31536000000,"path":"/","domain":"shop.example","sameSite":"Lax","secure":true},` +
		`"cookies":[{"name":"rl_anonymous_id","value":"RS_ENC_v3_a b+/="},{"name":"rl_session","value":""}]}}`
	w := do(h, request("/rsaRequest", good, "Origin", "https://shop.example"))
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Credentials") != "true" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	got := w.Result().Cookies()
	if len(got) != 2 || got[0].String() != "rl_anonymous_id=RS_ENC_v3_a%20b%2B%2F%3D; Path=/; Domain=shop.example; Max-Age=31536000; Secure; SameSite=Lax" || got[1].Name != "rl_session" {
		t.Errorf("%v", got)
	}
	other := collect.New(collect.Options{Log: &recorder{}, Sources: func(string) (collect.Source, bool) {
		return collect.Source{Name: "web", AllowedOrigins: []string{"https://shop.example"}}, true
	}})
	for _, c := range []struct {
		name   string
		h      http.Handler
		r      *http.Request
		status int
	}{
		{"no key", h, request("/rsaRequest", good, "Authorization", ""), 401},
		{"unknown key", h, request("/rsaRequest", good, "Authorization", basic("nope")), 401},
		{"key in the address", h, request("/rsaRequest?writeKey=WK", good, "Authorization", ""), 200},
		{"another site", other, request("/rsaRequest", good, "Origin", "https://evil.example"), 403},
		{"another name", h, request("/rsaRequest", strings.Replace(good, "rl_session", "session", 1)), 400},
		{"another line", h, request("/rsaRequest", strings.Replace(good, `"path":"/"`, `"path":"/;\\r\\nX: y"`, 1)), 400},
		{"another wish", h, request("/rsaRequest", `{"reqType":"getCookies"}`), 400},
		{"too long", h, request("/rsaRequest", strings.Replace(good, "RS_ENC", strings.Repeat("x", 5000), 1)), 400},
		{"too many", h, request("/rsaRequest", strings.Replace(good, `"cookies":[`, `"cookies":[`+strings.Repeat(`{"name":"rl_a","value":"b"},`, 20), 1)), 400},
		{"not JSON", h, request("/rsaRequest", `{`), 400},
		{"read", h, httptest.NewRequest("GET", "/rsaRequest", nil), 405},
	} {
		w := do(c.h, c.r)
		if w.Code != c.status || c.status != 200 && len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %v", c.name, w.Code, w.Header())
		}
	}
}

// FuzzCookies: whatever is asked, only cookies of the library's own names are set, each in one header.
func FuzzCookies(f *testing.F) {
	f.Add([]byte(`{"reqType":"setCookies","data":{"options":{"maxAge":1e99,"path":"\u0000","domain":"..","sameSite":"none"},"cookies":[{"name":"rl_a","value":"\r\n"}]}}`))
	f.Add([]byte(`{"reqType":"setCookies","data":{"options":{"maxAge":-5},"cookies":[{"name":"rl_;","value":"x"}]}}`))
	h := newHandler(&recorder{})
	f.Fuzz(func(t *testing.T, body []byte) {
		w := do(h, request("/rsaRequest", string(body)))
		if w.Code != 200 && w.Code != 400 && w.Code != 413 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, line := range w.Header()["Set-Cookie"] {
			if !strings.HasPrefix(line, "rl_") || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("%q", line)
			}
		}
	})
}

// FuzzEndpoints sends anything to any endpoint under any headers: the answer is one of the promised, what is
// accepted is in the log, and no answer is without end.
func FuzzEndpoints(f *testing.F) {
	paths := []string{"/v1/track", "/v1/batch", "/beacon/v1/batch", "/batch/", "/capture/", "/e/", "/engage/", "/track/", "/v1/m", "/rsaRequest", "/flags/",
		"/v1/pixel/page", "/pixel/v1/track", "/sourceConfig/", "/v1/projects/WK/settings", "/array/WK/config.js"}
	f.Add(uint8(2), "writeKey=WK", "", "", "", []byte(`{"batch":[{}]}`))
	f.Add(uint8(3), "", "Content-Encoding", "gzip", "null", []byte(zipped(`{"api_key":"WK","batch":[{"event":"E"}]}`)))
	f.Add(uint8(4), "ip=1&_=%zz", "Content-Type", "application/x-www-form-urlencoded", "", []byte("data=eyJhcGlfa2V5IjoiV0sifQ%3D%3D"))
	f.Add(uint8(9), "writeKey=WK", "Access-Control-Request-Headers", "x\r\ny", "https://x", []byte(`{"reqType":"setCookies"}`))
	f.Add(uint8(11), "data=e30", "Sec-Gpc", "1", "", []byte{})
	f.Add(uint8(5), "", "Content-Encoding", "gzip", "", []byte(zipped(strings.Repeat("[", 100_000))))
	log := &recorder{}
	h := newHandler(log)
	f.Fuzz(func(t *testing.T, n uint8, query, name, value, origin string, body []byte) {
		path := paths[int(n)%len(paths)]
		method := http.MethodPost
		if int(n)%len(paths) >= 11 {
			method = http.MethodGet
		}
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.URL.RawQuery = query
		if name != "" {
			r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := do(h, r)
		records := log.take()
		if w.Body.Len() > 64<<10 {
			t.Fatalf("an answer of %d bytes", w.Body.Len())
		}
		switch w.Code {
		case 200:
		case 400, 401, 403, 413:
			var e struct{ Code, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" || e.Message == "" {
				t.Fatalf("answer %q: %v", w.Body, err)
			}
			if len(records) > 0 {
				t.Fatalf("%d, and the log has %d records", w.Code, len(records))
			}
		default:
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		total := 0
		for _, rec := range records {
			total += len(rec.Raw)
			if rec.Source == "" || rec.Verdict == clientele.Accepted && !json.Valid(rec.Raw) {
				t.Fatalf("record %+v", rec)
			}
		}
		if total > 9<<20 {
			t.Fatalf("%d bytes of records", total)
		}
	})
}
