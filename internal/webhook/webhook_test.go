package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/webhook"
)

var _ webhook.Mapper = (*importer.Documents)(nil)

type kept struct {
	kind clientele.Kind
	clientele.Record
}

// recorder is a log that keeps copies, or refuses.
type recorder struct {
	mu      sync.Mutex
	records []kept
	err     error
}

func (r *recorder) Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, clientele.Errorf(clientele.Unavailable, "append: %w", err)
	}
	if r.err != nil {
		return 0, r.err
	}
	for _, rec := range records {
		rec.Raw = bytes.Clone(rec.Raw)
		r.records = append(r.records, kept{kind, rec})
	}
	return 1, nil
}

func handler(t testing.TB, log webhook.Appender, sources ...webhook.Source) *webhook.Handler {
	t.Helper()
	h, err := webhook.New(webhook.Options{Log: log, Sources: sources, Now: func() time.Time { return time.Unix(specTime, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(h *webhook.Handler, path, body string, header map[string]string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	h.Register(mux)
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	for name, value := range header {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

var signed = webhook.Signature{Scheme: webhook.Token, Secrets: []string{"open sesame"}}

const path = "/webhooks/s?token=open+sesame"

// TestEvents: without a mapping a document is a track event.
func TestEvents(t *testing.T) {
	form := "application/x-www-form-urlencoded"
	type event struct {
		Type, Event, MessageID string
		Properties             any
	}
	for _, c := range []struct {
		name   string
		s      webhook.Source
		body   string
		header map[string]string
		want   []string // name, id when it is the sender's, properties
	}{
		{"object", webhook.Source{}, ` {"a":1} `, nil, []string{`Webhook Received|{"a":1}`}},
		{"byte order mark", webhook.Source{}, "\xef\xbb\xbf{}", nil, []string{`Webhook Received|{}`}},
		{"name of the source", webhook.Source{Event: "Paid"}, `{}`, nil, []string{`Paid|{}`}},
		{"name in a header", webhook.Source{EventHeader: "x-event"}, `{}`, map[string]string{"X-Event": "push"}, []string{`push|{}`}},
		{"name in a member", webhook.Source{EventField: "data.type"}, `{"data":{"type":"paid"}}`, nil, []string{`paid|{"data":{"type":"paid"}}`}},
		{"no name where it should be", webhook.Source{EventField: "data.type", Event: "Paid"}, `{"data":7}`, nil, []string{`Paid|{"data":7}`}},
		{"id in a member", webhook.Source{IDField: "id"}, `{"id":12345678901234567890}`, nil, []string{`Webhook Received|12345678901234567890|{"id":12345678901234567890}`}},
		{"id in a header", webhook.Source{IDHeader: "x-id"}, `[{"a":1},{"a":2}]`, map[string]string{"X-Id": "d1"}, []string{`Webhook Received|d1|{"a":1}`, `Webhook Received|d1-1|{"a":2}`}},
		{"list", webhook.Source{}, `[{"a":1},{"b":[]}]`, nil, []string{`Webhook Received|{"a":1}`, `Webhook Received|{"b":[]}`}},
		{"form", webhook.Source{EventField: "e"}, "e=paid&x=1&x=2&y=%C3%A9", map[string]string{"Content-Type": form + "; charset=utf-8"}, []string{`paid|{"e":"paid","x":["1","2"],"y":"é"}`}},
		{"form with JSON", webhook.Source{}, "payload=" + url.QueryEscape(`{"a":1}`), map[string]string{"Content-Type": form}, []string{`Webhook Received|{"a":1}`}},
		{"form with a list of JSON", webhook.Source{}, "payload=" + url.QueryEscape(`[{"a":1}]`), map[string]string{"Content-Type": form}, []string{`Webhook Received|{"a":1}`}},
		{"JSON that says it is a form", webhook.Source{}, `{"a":1}`, map[string]string{"Content-Type": form}, []string{`Webhook Received|{"a":1}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Name, c.s.Signature = "s", signed
			log := &recorder{}
			if w := post(handler(t, log, c.s), path, c.body, c.header); w.Code != 200 || w.Body.String() != `{"success":true}` {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			var got []string
			for _, r := range log.records {
				var e event
				d := json.NewDecoder(bytes.NewReader(r.Raw))
				d.UseNumber()
				if err := d.Decode(&e); err != nil || e.Type != "track" || e.MessageID == "" || r.kind != clientele.KindEvent ||
					r.Verdict != clientele.Accepted || r.Source != "s" || r.ReceivedAt != clientele.MicrosOf(time.Unix(specTime, 0)) {
					t.Fatalf("%+v %s: %v", r, r.Raw, err)
				}
				p, _ := json.Marshal(e.Properties)
				line := e.Event + "|"
				if c.s.IDField != "" || c.s.IDHeader != "" {
					line += e.MessageID + "|"
				}
				got = append(got, line+string(p))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func ids(t *testing.T, records []kept) (out []string) {
	t.Helper()
	for _, r := range records {
		var e struct{ MessageID, ID string }
		if err := json.Unmarshal(r.Raw, &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e.MessageID+e.ID)
	}
	return out
}

// TestRepeatedDelivery: the same call again makes the same ids, and two equal documents of one
// call are two.
func TestRepeatedDelivery(t *testing.T) {
	log := &recorder{}
	h := handler(t, log, webhook.Source{Name: "s", Signature: signed}, webhook.Source{Name: "other", Signature: signed})
	body := `[{"a":1},{"a":1},7,7]`
	post(h, path, body, nil)
	first := ids(t, log.records)
	log.records = nil
	post(h, path, body, nil)
	if again := ids(t, log.records); !reflect.DeepEqual(first, again) || len(again) != 4 {
		t.Errorf("%v, then %v", first, again)
	}
	for i, id := range first {
		for _, other := range first[:i] {
			if id == other {
				t.Errorf("%s twice", id)
			}
		}
	}
	log.records = nil
	post(h, "/webhooks/other?token=open+sesame", body, nil)
	if elsewhere := ids(t, log.records); elsewhere[0] == first[0] {
		t.Error("two sources share an id")
	}
}

// TestMapped: real mapping, rows before events, a document that cannot be mapped in quarantine
// and its neighbours not hurt.
func TestMapped(t *testing.T) {
	m, err := importer.ParseMapping([]byte(`
records:
  - table: profiles
    identifiers: {email: email}
    traits: {name: name, age: {column: age, type: integer}}
  - event: {const: Signed Up}
    identifiers: {email: email}
    key: [id]
`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := importer.NewDocuments(m, "s")
	if err != nil {
		t.Fatal(err)
	}
	log := &recorder{}
	h := handler(t, log, webhook.Source{Name: "s", Signature: signed, Mapper: d})
	if w := post(h, path, `[{"id":1,"email":"ann@example.com","name":"Ann"},{"id":2,"email":"bob@example.com","age":"old"},5,{"email":"x@example.com"}]`, nil); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var got []string
	for _, r := range log.records {
		var row struct {
			Table, Event, Error string
			Line                int
		}
		if err := json.Unmarshal(r.Raw, &row); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join([]string{r.kind.String(), row.Table + row.Event, []string{"", "oversize", "malformed"}[r.Verdict], row.Error}, "|"))
	}
	want := []string{"row|profiles||", "row||malformed|column age: not a number", "row||malformed|the document is not a JSON object", "row||malformed|column id: the key is empty", "event|Signed Up||"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestQuarantine(t *testing.T) {
	log := &recorder{}
	h := handler(t, log, webhook.Source{Name: "s", Signature: signed})
	for _, c := range []struct{ name, contentType, body, reason string }{
		{"empty", "", "", "the body is empty"},
		{"not JSON", "", "hello", "the body is not JSON in UTF-8"},
		{"half a surrogate pair", "", `{"a":"\ud83d"}`, "the body is not JSON in UTF-8"},
		{"not UTF-8", "", "{\"a\":\"\xff\"}", "the body is not JSON in UTF-8"},
		{"two documents", "", `{}{}`, "the body is not JSON in UTF-8"},
		{"a number", "", `7`, "the document is not a JSON object"},
		{"an empty list", "", `[]`, "the list is empty"},
		{"a broken form", "application/x-www-form-urlencoded", "a=%zz", "the form cannot be read"},
	} {
		log.records = nil
		w := post(h, path, c.body, map[string]string{"Content-Type": c.contentType})
		if w.Code != 200 || len(log.records) != 1 {
			t.Errorf("%s: %d, %d records", c.name, w.Code, len(log.records))
			continue
		}
		r := log.records[0]
		var row struct {
			ID, Error, Row string
			Line           int
		}
		err := json.Unmarshal(r.Raw, &row)
		if err != nil || r.Verdict != clientele.Malformed || r.kind != clientele.KindRow || row.ID == "" || row.Line != 1 || row.Error != c.reason || row.Row != strings.ToValidUTF8(c.body, "\uFFFD") {
			t.Errorf("%s: %s: %v", c.name, r.Raw, err)
		}
	}
	log.records = nil
	post(h, path, `{"a":"`+strings.Repeat("x", clientele.MaxEventBytes)+`"}`, nil)
	if len(log.records) != 1 || log.records[0].Verdict != clientele.Oversize || len(log.records[0].Raw) != clientele.OversizeKept {
		t.Errorf("an oversize document: %+v", log.records)
	}
}

// A form in parts is a document of its fields; of a file there is the name.
func TestMultipart(t *testing.T) {
	part := func(head, text string) string {
		return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + text + "\r\n"
	}
	const kind = "multipart/form-data; boundary=b"
	for _, c := range []struct{ name, kind, body, want string }{
		{"fields", kind, part(`name="from"`, "ann@example.com") + part(`name="to"`, "a") + part(`name="to"`, "b") + "--b--\r\n", `{"from":"ann@example.com","to":["a","b"]}`},
		{"a file", kind, part(`name="subject"`, "Hi") + part(`name="attachment1"; filename="cat.png"`, "\x89PNG\xff") + "--b--\r\n", `{"attachment1":"cat.png","subject":"Hi"}`},
		{"JSON in payload", kind, part(`name="payload"`, ` {"a":1} `) + "--b--\r\n", `{"a":1}`},
		{"without the last line", kind, part(`name="a"`, "1") + "--b--", `{"a":"1"}`},
		{"JSON that says it is a form", kind, `{"a":1}`, `{"a":1}`},
		{"cut off", kind, part(`name="a"`, "1") + part(`name="b"`, "2")[:30], ""},
		{"no boundary", "multipart/form-data", part(`name="a"`, "1") + "--b--", ""},
		{"no fields", kind, part(`x="a"`, "1") + "--b--", ""},
		{"too many", kind, strings.Repeat(part(`name="a"`, ""), 1001) + "--b--", ""},
	} {
		log := &recorder{}
		w := post(handler(t, log, webhook.Source{Name: "s", Signature: signed}), path, c.body, map[string]string{"Content-Type": c.kind})
		if w.Code != 200 || len(log.records) != 1 {
			t.Errorf("%s: %d %s, %d records", c.name, w.Code, w.Body, len(log.records))
			continue
		}
		var e struct {
			Properties json.RawMessage
			Error, Row string
		}
		err := json.Unmarshal(log.records[0].Raw, &e)
		if err != nil || string(e.Properties) != c.want || (c.want == "") != (e.Error == "the form cannot be read") {
			t.Errorf("%s: %s: %v", c.name, log.records[0].Raw, err)
		}
	}
}

// A quarantined document is kept whole where that is possible, and mapped again on demand.
func TestReplay(t *testing.T) {
	log := &recorder{}
	broken := &mapper{err: clientele.Errorf(clientele.Invalid, "column id: missing")}
	h := handler(t, log, webhook.Source{Name: "s", Signature: signed, Mapper: broken})
	body := `{"a":"` + strings.Repeat("x", 300<<10) + `"}`
	for _, b := range []string{body, `{"a":"` + strings.Repeat(`\"`, 400<<10) + `"}`} {
		if w := post(h, path, b, nil); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	ctx := context.Background()
	aside := log.records
	log.records = nil
	if len(aside) != 2 || len(aside[1].Raw) > 20<<10 || !webhook.IsDocument(&aside[0].Record) {
		t.Fatalf("%d records", len(aside))
	}
	if err := h.Replay(ctx, &aside[0].Record); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "column id") {
		t.Errorf("mapping as before: %v", err)
	}
	broken.err = nil
	if err := h.Replay(ctx, &aside[0].Record); err != nil || broken.last != body {
		t.Errorf("mended: %v, mapped %d bytes", err, len(broken.last))
	}
	if len(log.records) != 2 || log.records[0].kind != clientele.KindRow || log.records[1].kind != clientele.KindEvent || log.records[1].Source != "s" || log.records[1].ReceivedAt == 0 {
		t.Errorf("records %+v", log.records)
	}
	if err := h.Replay(ctx, &aside[1].Record); clientele.ErrorCode(err) != clientele.TooLarge {
		t.Errorf("kept in part: %v", err)
	}
	gone := aside[0].Record
	gone.Source = "nobody"
	if err := h.Replay(ctx, &gone); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("a source that is gone: %v", err)
	}
	log.err = clientele.Errorf(clientele.Unavailable, "the log is full")
	if err := h.Replay(ctx, &aside[0].Record); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("a full log: %v", err)
	}
	for _, r := range []clientele.Record{{}, {Verdict: clientele.Malformed, Raw: []byte(`{"id":"1","file":"orders.csv","error":"x","row":"{}"}`)}, {Raw: aside[0].Raw}} {
		if err := h.Replay(ctx, &r); webhook.IsDocument(&r) || clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s is no document: %v", r.Raw, err)
		}
	}
}

// mapper makes one row and one event of everything, or fails.
type mapper struct {
	err  error
	last string
}

func (m *mapper) MapDocument(document []byte) (rows, events [][]byte, err error) {
	if m.err != nil {
		return nil, nil, m.err
	}
	m.last = string(document)
	return [][]byte{[]byte(`{"table":"orders","id":"1"}`)}, [][]byte{[]byte(`{"type":"track"}`)}, nil
}

// A caller that hangs up after its body is served to the end: half-closed it still reads the answer.
func TestHalfClosedCall(t *testing.T) {
	log := &recorder{}
	mux := http.NewServeMux()
	handler(t, log, webhook.Source{Name: "s", Signature: signed}).Register(mux)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(`{}`)).WithContext(ctx))
	if w.Code != 200 || w.Body.String() != `{"success":true}` || len(log.records) != 1 {
		t.Errorf("%d %s, %d records", w.Code, w.Body, len(log.records))
	}
}

func TestRefusals(t *testing.T) {
	log := &recorder{}
	var logged bytes.Buffer
	h, err := webhook.New(webhook.Options{Log: log, Sources: []webhook.Source{{Name: "s", Signature: signed}}, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	big := `{"a":"` + strings.Repeat("x", webhook.MaxBodyBytes) + `"}`
	for _, c := range []struct {
		name, path, body string
		header           map[string]string
		log              error
		status           int
		code, retry      string
	}{
		{"unknown source", "/webhooks/nobody?token=open+sesame", `{}`, nil, nil, 404, "not_found", ""},
		{"no token", "/webhooks/s", `{}`, nil, nil, 401, "unauthorized", ""},
		{"too large", path, big, nil, nil, 413, "too_large", ""},
		{"too many", path, `[` + strings.Repeat("1,", 2500) + `1]`, nil, nil, 413, "too_large", ""},
		{"packed", path, `{}`, map[string]string{"Content-Encoding": "gzip"}, nil, 400, "invalid", ""},
		{"the log is full", path, `{}`, nil, clientele.Errorf(clientele.Unavailable, "the log is full"), 503, "unavailable", "5"},
		{"the log is broken", path, `{}`, nil, errors.New("disk on fire"), 500, "internal", ""},
		{"a fault of ours", path, `{}`, nil, clientele.Errorf(clientele.Invalid, "wrong"), 500, "internal", ""},
	} {
		log.err = c.log
		before := h.Refusals()
		w := post(h, c.path, c.body, c.header)
		var e struct{ Code, Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != c.status || e.Code != c.code || e.Message == "" || w.Header().Get("Retry-After") != c.retry {
			t.Errorf("%s: %d %v %s", c.name, w.Code, w.Header(), w.Body)
		}
		if c.log != nil && strings.Contains(w.Body.String(), c.log.Error()) {
			t.Errorf("%s: the inner error is shown", c.name)
		}
		if reflect.DeepEqual(before, h.Refusals()) {
			t.Errorf("%s: not counted", c.name)
		}
	}
	if len(log.records) > 0 {
		t.Errorf("%d records", len(log.records))
	}
	log.err = nil
	mux := http.NewServeMux()
	h.Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	logged.Reset()
	for range 100 {
		post(h, "/webhooks/s", `{}`, nil)
	}
	if n := strings.Count(logged.String(), "\n"); n > 8 {
		t.Errorf("%d lines for 100 forged calls", n)
	}
}

// FuzzBody: a signed call is always taken, or over a limit; what is accepted is JSON with an id.
func FuzzBody(f *testing.F) {
	f.Add("application/json", []byte(`[{"a":1},2,{"b":"\ud800"}]`))
	f.Add("application/x-www-form-urlencoded", []byte(`a=1&a=2&payload=%7B%7D`))
	f.Add("application/x-www-form-urlencoded", []byte("payload=%5B%7B%7D%5D"))
	f.Add("text/plain", []byte("\xef\xbb\xbf {} "))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n[{}]\r\n--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n\x00\xff\r\n--b--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		log := &recorder{}
		w := post(handler(t, log, webhook.Source{Name: "s", Signature: signed, EventField: "a.b", IDField: "id"}), path, string(body), map[string]string{"Content-Type": contentType})
		if w.Code == 413 && len(log.records) == 0 {
			return
		}
		if w.Code != 200 || len(log.records) == 0 {
			t.Fatalf("%d, %d records", w.Code, len(log.records))
		}
		for _, r := range log.records {
			if r.Verdict == clientele.Oversize {
				continue
			}
			var m struct{ MessageID, ID string }
			if err := json.Unmarshal(r.Raw, &m); err != nil || m.MessageID+m.ID == "" || r.Source != "s" {
				t.Fatalf("%s: %v", r.Raw, err)
			}
		}
	})
}
