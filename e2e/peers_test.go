package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
)

// wire is one request and what has to come of it.
type wire struct {
	name   string
	method string // default POST
	target string
	header map[string]string
	body   string

	status  int               // default 200
	answer  []string          // parts of the answer
	headers map[string]string // parts of its headers

	stored []string          // source, type and message id of each event that it leaves
	bad    []string          // a part of each record in quarantine
	sql    map[string]string // one value each
}

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func basic(key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"))
}

var (
	webKey   = map[string]string{"Authorization": basic(writeKey)}
	ok       = []string{`{"success":true}`}
	longID   = strings.Repeat("0123456789", 8)
	theRoute = map[string]string{"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
)

// with are headers besides the key.
func with(pairs ...string) map[string]string {
	h := map[string]string{"Authorization": basic(writeKey)}
	for i := 0; i+1 < len(pairs); i += 2 {
		h[pairs[i]] = pairs[i+1]
	}
	return h
}

// peerCases are requests that RudderStack's gateway, Jitsu's ingest or Segment answer in a way
// that loses events or breaks a library. Each names where that was read: the source code of
// rudder-server f2655fbbe, of jitsucom/bulker c5548cf (its ingest), or an issue.
func peerCases() []wire {
	oneBad := `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"one-bad-1"},` +
		`{"type":"trak","event":"one-bad-typo","userId":"u1","messageId":"one-bad-2"},"one-bad-text",` +
		`{"type":"track","event":"E","messageId":"one-bad-3"},` +
		`{"type":"track","event":"E","userId":"u1","messageId":"one-bad-4"}]}`
	big := strings.Repeat("x", 40<<10)
	cases := []wire{
		// rudder-server#80, open since 2019: a key in the body is not looked for (gateway/handle_http_auth.go).
		{name: "key in the body", target: "/v1/track", body: `{"writeKey":"WEB_KEY","event":"E","userId":"u1","messageId":"body-key"}`,
			answer: ok, stored: []string{"web track body-key"}},
		// rudder-server#80: Segment lets each event of a batch have a key of its own.
		{name: "key of each event", target: "/v1/batch",
			body:   `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"own-key-1","writeKey":"WEB_KEY"},{"type":"track","event":"E","userId":"u1","messageId":"own-key-2","writeKey":"APP_KEY"}]}`,
			answer: ok, stored: []string{"web track own-key-1", "app track own-key-2"}},
		// analytics-node with OAuth: a Bearer token that is its own login, the key in the body (publisher.ts).
		{name: "Bearer beside the key", target: "/v1/batch", header: map[string]string{"Authorization": "Bearer eyJhbGciOi.J9"},
			body: `{"writeKey":"WEB_KEY","batch":[{"type":"track","event":"E","userId":"u1","messageId":"bearer"}]}`, answer: ok, stored: []string{"web track bearer"}},
		// Neither has a route for batches of the browser library in RudderStack's gateway (gateway/handle_lifecycle.go).
		{name: "short batch", target: "/v1/b", header: map[string]string{"Content-Type": "text/plain"},
			body: `{"writeKey":"WEB_KEY","sentAt":"2026-01-01T00:00:00Z","batch":[{"type":"page","anonymousId":"a1","messageId":"short-b"}]}`, answer: ok, stored: []string{"web page short-b"}},
		// rudder-server has neither settings nor metrics for Segment's browser library, and without settings it does not start.
		{name: "settings", method: "GET", target: "/v1/projects/WEB_KEY/settings", answer: []string{`"apiKey":"WEB_KEY"`, `"apiHost":"127.0.0.1:`}},
		{name: "metrics", target: "/v1/m", header: map[string]string{"Content-Type": "text/plain"}, body: `{"series":[]}`, answer: ok},
		// rudder-server leaves /sourceConfig to a control plane (rudder-sdk-js#1639, #1705).
		{name: "source configuration", method: "GET", target: "/sourceConfig/?p=npm&v=3.34.1&writeKey=WEB_KEY", header: webKey, answer: []string{`"enabled":true`, `"destinations":[]`}},
		// Jitsu: "invalid content type" (ingest/router_batch_handler.go); rudder-sdk-node sends this by default.
		{name: "packed as a form", target: "/v1/batch", header: with("Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "gzip"),
			body: gzipped(`{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"form-gzip"}]}`), answer: ok, stored: []string{"web track form-gzip"}},
		{name: "no content type", target: "/v1/track", header: webKey, body: `{"event":"E","userId":"u1","messageId":"no-type"}`, answer: ok, stored: []string{"web track no-type"}},
		{name: "content type of nothing", target: "/v1/track", header: with("Content-Type", "x"), body: `{"event":"E","userId":"u1","messageId":"odd-type"}`, answer: ok, stored: []string{"web track odd-type"}},
		// posthog-js packs and says so nowhere; proxies unpack and leave the header.
		{name: "packed and not said", target: "/v1/batch", header: with("Content-Type", "text/plain"),
			body: gzipped(`{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"magic"}]}`), answer: ok, stored: []string{"web track magic"}},
		{name: "said and not packed", target: "/v1/track", header: with("Content-Encoding", "gzip"), body: `{"event":"E","userId":"u1","messageId":"liar"}`, answer: ok, stored: []string{"web track liar"}},
		{name: "old name of gzip", target: "/v1/track", header: with("Content-Encoding", "x-gzip"), body: gzipped(`{"event":"E","userId":"u1","messageId":"x-gzip"}`), answer: ok, stored: []string{"web track x-gzip"}},
		// Half a packed body is refused whole, with a status that is not sent again for ever.
		{name: "half a packed body", target: "/v1/track", header: with("Content-Encoding", "gzip"), body: gzipped(`{"event":"E","userId":"u1","messageId":"half"}`)[:30], status: 400, answer: []string{`"code":"invalid"`, `"message":"`}},
		// rudder-server: one event without userId and anonymousId fails the batch with 400 (gateway/handle.go,
		// getJobDataFromRequest). Jitsu: 200 with {"ok":false,"errors":[...]}, and libraries forget the rest (ingest/router_batch_handler.go).
		{name: "one bad event", target: "/v1/batch", header: webKey, body: oneBad, answer: ok,
			stored: []string{"web track one-bad-1", "web track one-bad-3", "web track one-bad-4"}, bad: []string{"one-bad-typo", "one-bad-text"}},
		{name: "only bad events", target: "/v1/batch", header: webKey, body: `{"batch":[{"type":"nothing","messageId":"all-bad"},[1,2,"all-bad-list"]]}`, answer: ok, bad: []string{`"all-bad"`, "all-bad-list"}},
		// Segment, and RudderStack behind a proxy of theirs, answer 200 and forget (analytics-go#205, analytics-ruby#136).
		{name: "unknown key", target: "/v1/batch", header: map[string]string{"Authorization": basic("NOBODY")}, body: `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"lost"}]}`,
			status: 401, answer: []string{`"code":"unauthorized"`, `"message":"`}},
		{name: "no key", target: "/v1/track", body: `{"event":"E","userId":"u1","messageId":"lost"}`, status: 401, answer: []string{`"code":"unauthorized"`, `"message":"`}},
		{name: "unknown key of one event", target: "/v1/batch", header: webKey, answer: ok, stored: []string{"web track mixed-2"}, bad: []string{"mixed-1"},
			body: `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"mixed-1","writeKey":"NOBODY"},{"type":"track","event":"E","userId":"u1","messageId":"mixed-2"}]}`},
		// analytics-python raises KeyError on a JSON error without code or message, and sends again ten times (analytics-python request.py).
		{name: "not JSON", target: "/v1/batch", header: webKey, body: `{"batch":[`, status: 400, answer: []string{`"code":"invalid"`, `"message":"`}},
		// rudder-server has no limit for one event, Segment refuses the batch: here the neighbours stay.
		{name: "one event too large", target: "/v1/batch", header: webKey, answer: ok, stored: []string{"web track large-2"}, bad: []string{"large-1"},
			body: `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"large-1","properties":{"x":"` + big + `"}},{"type":"track","event":"E","userId":"u1","messageId":"large-2"}]}`},
		// Jitsu cuts message ids at 64 and makes other letters "_", so that ids that differ become one (ingest/utils.go).
		{name: "long ids", target: "/v1/batch", header: webKey, answer: ok,
			body:   `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"` + longID + `:a"},{"type":"track","event":"E","userId":"u1","messageId":"` + longID + `/a"}]}`,
			stored: []string{"web track " + longID + ":a", "web track " + longID + "/a"}},
		// RudderStack keeps a supplied timestamp as it is (processor.go, enhanceWithTimeFields), Jitsu never uses sentAt.
		{name: "wrong clock", target: "/v1/batch", header: webKey, answer: ok, stored: []string{"web track clock"},
			body: `{"sentAt":"2020-01-01T00:01:00.000000001Z","batch":[{"type":"track","event":"E","userId":"u1","messageId":"clock","timestamp":"2020-01-01T00:00:00.123456789Z"}]}`,
			sql:  map[string]string{"SELECT date_diff('microsecond', ts, received_at) FROM events WHERE event_id = 'clock'": "59876544"}},
		// rudder-server stores the first address of X-Forwarded-For, whoever wrote it (gateway/handle.go).
		{name: "forged address", target: "/v1/track", header: with("X-Forwarded-For", "203.0.113.9"), body: `{"event":"E","anonymousId":"a1","messageId":"forged"}`, answer: ok,
			stored: []string{"web track forged"}, sql: map[string]string{"SELECT context ->> 'ip' FROM events WHERE event_id = 'forged'": "127.0.0.1"}},
		// segmentio/analytics-go: the library stands in the batch's context alone.
		{name: "the batch's context", target: "/v1/batch", header: webKey, answer: ok, stored: []string{"web track context"},
			body: `{"context":{"library":{"name":"analytics-go"},"app":{"name":"shop"}},"batch":[{"type":"track","event":"E","userId":"u1","messageId":"context","context":{"app":{"name":"own"}}}]}`,
			sql:  map[string]string{"SELECT (context -> 'library' ->> 'name') || ' ' || (context -> 'app' ->> 'name') FROM events WHERE event_id = 'context'": "analytics-go own"}},
		// Jitsu's list of headers is fixed (ingest/router.go, CorsMiddleware): retries of Segment's library and
		// all calls of RudderStack's fail their preflight. Nobody else exposes Retry-After.
		{name: "preflight", method: "OPTIONS", target: "/v1/t", status: 204,
			header: map[string]string{"Origin": "https://shop.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,x-retry-count,anonymousid,sentat,rsa-recovered,rsa-retry-attempt,x-of-tomorrow"},
			headers: map[string]string{"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "POST",
				"Access-Control-Allow-Headers": "authorization,content-type,x-retry-count,anonymousid,sentat,rsa-recovered,rsa-retry-attempt,x-of-tomorrow", "Access-Control-Max-Age": "86400"}},
		{name: "errors are shown to pages", target: "/v1/t", header: map[string]string{"Origin": "https://shop.example", "Authorization": basic("NOBODY")}, body: `{"event":"E","userId":"u1"}`, status: 401,
			headers: map[string]string{"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Expose-Headers": "Retry-After"}},
		// RudderStack's beacon: no header but the page's, the key in the address.
		{name: "beacon", target: "/beacon/v1/batch?writeKey=WEB_KEY", header: map[string]string{"Content-Type": "text/plain;charset=UTF-8"},
			body: `{"sentAt":"2026-01-01T00:00:00Z","batch":[{"type":"page","anonymousId":"a1","messageId":"beacon"}]}`, answer: ok, stored: []string{"web page beacon"}},
		// Segment's pixel is a picture whatever happens; its answer cannot be acted on.
		{name: "pixel", method: "GET", target: "/v1/pixel/track?writeKey=WEB_KEY&userId=u1&event=E&messageId=pixel", answer: []string{"GIF89a"}, stored: []string{"web track pixel"}},
		{name: "pixel of nobody", method: "GET", target: "/v1/pixel/track?writeKey=NOBODY&userId=u1&event=E&messageId=lost", answer: []string{"GIF89a"}},
		// No peer reads Global Privacy Control (a search of all their sources finds nothing).
		{name: "privacy control", target: "/v1/t", header: with("Sec-GPC", "1"), body: `{"event":"E","anonymousId":"a1","messageId":"gpc"}`, answer: ok,
			stored: []string{"web track gpc"}, sql: map[string]string{"SELECT context ->> 'gpc' FROM events WHERE event_id = 'gpc'": "true"}},
		// De-duplication is off in RudderStack (Dedup.enableDedup), and Jitsu leaves it to the warehouse.
		{name: "twice in one batch", target: "/v1/batch", header: webKey, answer: ok, stored: []string{"web track twice"},
			body: `{"batch":[{"type":"track","event":"E","userId":"u1","messageId":"twice"},{"type":"track","event":"E","userId":"u1","messageId":"twice"}]}`},
		{name: "and again", target: "/v1/track", header: webKey, answer: ok, body: `{"event":"E","userId":"u1","messageId":"twice"}`},
		{name: "the same id of another source", target: "/v1/track", header: map[string]string{"Authorization": basic("APP_KEY")}, body: `{"event":"E","userId":"u1","messageId":"twice"}`, answer: ok, stored: []string{"app track twice"}},
	}
	// rudder-server has none of the browser library's routes (gateway/handle_lifecycle.go), Jitsu's ingest neither (ingest/router.go).
	for short, typ := range theRoute {
		cases = append(cases, wire{name: "route " + short, target: "/v1/" + short, header: map[string]string{"Content-Type": "text/plain"}, answer: ok,
			body:   fmt.Sprintf(`{"writeKey":"WEB_KEY","type":%q,"event":"E","userId":"u1","groupId":"g","previousId":"p1","messageId":"short-%s"}`, typ, short),
			stored: []string{"web " + typ + " short-" + short}})
	}
	return cases
}

// TestPeers: each case in which RudderStack, Jitsu or Segment fail is answered so that nothing is lost.
func TestPeers(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "  - {name: app, write_key: APP_KEY}\n")
	in.start()
	var stored, bad []string
	cases := peerCases()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.send(t, *in.url.Load()) })
		stored, bad = append(stored, c.stored...), append(bad, c.bad...)
	}
	t.Run("announced too large", func(t *testing.T) { announced(t, *in.url.Load()) })

	// What was sent before the server was killed is known afterwards.
	in.kill()
	in.start()
	again := wire{target: "/v1/track", header: webKey, answer: ok, body: `{"event":"E","userId":"u1","messageId":"twice"}`}
	t.Run("again after a kill", func(t *testing.T) { again.send(t, *in.url.Load()) })

	in.settle()
	var there []string
	for _, r := range in.query("SELECT source || ' ' || type || ' ' || event_id FROM events") {
		there = append(there, r[0].(string))
	}
	slices.Sort(stored)
	slices.Sort(there)
	if !slices.Equal(stored, there) {
		t.Errorf("stored are\n%s\nwant\n%s", strings.Join(there, "\n"), strings.Join(stored, "\n"))
	}
	for _, c := range cases {
		for sql, want := range c.sql {
			if got := in.one(sql); got != want {
				t.Errorf("%s: %s, want %s", c.name, got, want)
			}
		}
	}
	compareBad(t, in, bad)
}

// compareBad: each bad event is in quarantine, once, with a reason, and nothing else is.
func compareBad(t *testing.T, in *install, want []string) {
	t.Helper()
	items, _, err := in.api().Quarantine(t.Context(), 100, "")
	must(t, err)
	found := map[string]int{}
	for _, q := range items {
		if q.Reason == "" || q.Code == "" || len(q.Raw) > clientele.OversizeKept {
			t.Errorf("in quarantine: %q %q, %d bytes kept", q.Code, q.Reason, len(q.Raw))
		}
		for _, part := range want {
			if strings.Contains(q.Raw, part) {
				found[part]++
			}
		}
	}
	for _, part := range want {
		if found[part] != 1 {
			t.Errorf("%s is %d times in quarantine", part, found[part])
		}
	}
	if len(items) != len(want) {
		t.Errorf("%d records are in quarantine, %d belong there", len(items), len(want))
	}
}

func (c wire) send(t *testing.T, server string) {
	method, status := c.method, c.status
	if method == "" {
		method = http.MethodPost
	}
	if status == 0 {
		status = http.StatusOK // and no other: analytics-python takes 202 and 204 for errors
	}
	req, err := http.NewRequestWithContext(t.Context(), method, server+c.target, strings.NewReader(c.body))
	must(t, err)
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	resp, err := browser.Do(req)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != status {
		t.Errorf("answered %d %s, want %d", resp.StatusCode, b, status)
	}
	for _, part := range c.answer {
		if !bytes.Contains(b, []byte(part)) {
			t.Errorf("answered %s, without %s", b, part)
		}
	}
	for name, part := range c.headers {
		if got := strings.Join(resp.Header.Values(name), ", "); !strings.Contains(got, part) {
			t.Errorf("%s: %q, want %q", name, got, part)
		}
	}
}

// announced: rudder-server reads 4 MB before it compares (gateway/handle.go). Here the length that
// the client announces is enough.
func announced(t *testing.T, server string) {
	u, err := url.Parse(server)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err = fmt.Fprintf(conn, "POST /v1/batch HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Length: 1000000000\r\n\r\n{", u.Host, basic(writeKey))
	must(t, err)
	b := make([]byte, 12)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 413" {
		t.Errorf("answered %q, %v", b, err)
	}
}
