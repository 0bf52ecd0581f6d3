package collect_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"clientele"
)

var eventPaths = []string{"/v1/track", "/v1/t", "/v1/identify", "/v1/i", "/v1/page", "/v1/p", "/v1/screen", "/v1/s", "/v1/group", "/v1/g", "/v1/alias", "/v1/a",
	"/v1/batch", "/v1/b", "/v1/import"}

// FuzzRequest sends any body under any headers: the answer is always one of the promised, an
// accepted request leaves records, a refused one none, and what was accepted is JSON that an
// independent parser reads, with an id.
func FuzzRequest(f *testing.F) {
	batch := `{"batch":[` + track + `,{"context":{"a":1},"writeKey":"SK"},7,"x"],"context":{"ip":null,"a":2},"integrations":{"All":true},"sentAt":"2026-01-01T00:00:00Z"}`
	f.Add("/v1/batch", basic("WK"), "application/json", "", "", []byte(batch))
	f.Add("/v1/b", "", "text/plain", "", "https://x.example", []byte(`{"writeKey":"WK","batch":[{}]}`))
	f.Add("/v1/import", "Bearer SK", "application/x-www-form-urlencoded", "gzip", "", []byte(zipped(batch)))
	f.Add("/v1/track?writeKey=AK", "", "application/x-www-form-urlencoded", "", "", []byte(`data=eyJhIjoxfQ==`))
	f.Add("/v1/t", "Basic Og==", "", "", "", []byte("{\"type\":\"\",\"writeKey\":\"WK\",\"context\":{\"a\":\"\xff\"}}"))
	f.Add("/v1/identify", basic("WK"), "a/b; \x00", "identity", "null", []byte(`{"\u0074ype":null,"context":[],"messageId":"\ud800"}`))
	f.Fuzz(func(t *testing.T, target, auth, contentType, encoding, origin string, body []byte) {
		// Only the path chooses the route, so the parts of the target that are of use are kept.
		if len(target) > 256 || !bytes.HasPrefix([]byte(target), []byte("/v1/")) || bytes.ContainsAny([]byte(target), " \r\n\t\x00#%\x7f") {
			t.Skip("not a path that reaches the handler")
		}
		for _, c := range []byte(target) {
			if c < 0x21 || c > 0x7e {
				t.Skip("not a path that reaches the handler")
			}
		}
		if name, _, _ := strings.Cut(target, "?"); !slices.Contains(eventPaths, name) {
			t.Skip("another endpoint, with another promise")
		}
		log := &recorder{}
		r := httptest.NewRequest("POST", target, bytes.NewReader(body))
		for name, value := range map[string]string{"Authorization": auth, "Content-Type": contentType, "Content-Encoding": encoding, "Origin": origin} {
			if value != "" {
				r.Header[name] = []string{value}
			}
		}
		w := do(newHandler(log), r)
		records := log.take()
		switch w.Code {
		case 200:
			if len(records) == 0 {
				t.Fatal("accepted, and nothing is in the log")
			}
		case 400, 401, 413:
			var e struct{ Code, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" || e.Message == "" {
				t.Fatalf("answer %q: %v", w.Body, err)
			}
			fallthrough
		case 301, 307, 404: // of the mux
			if len(records) > 0 {
				t.Fatalf("%d, and the log has %d records", w.Code, len(records))
			}
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		for _, rec := range records {
			if rec.Source == "" || rec.ReceivedAt == 0 {
				t.Fatalf("record of nobody: %+v", rec)
			}
			if rec.Verdict != clientele.Accepted {
				continue
			}
			var got map[string]json.RawMessage
			if err := json.Unmarshal(rec.Raw, &got); err != nil {
				t.Fatalf("accepted %q: %v", rec.Raw, err)
			}
			if id := got["messageId"]; len(id) == 0 || string(id) == "null" || string(id) == `""` {
				t.Fatalf("no message id in %q", rec.Raw)
			}
			if key, has := got["writeKey"]; has && string(key) != "null" {
				t.Fatalf("a key in %q", rec.Raw)
			}
		}
	})
}

// FuzzEvent compares with a plain decoder: all members of an event reach the log unchanged,
// except those that said nothing and the write key.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{`{}`, track, `{"context":{"ip":1,"b":[{"c":"]}\""}]},"integrations":[]}`, `{"a":1,"a":2,"messageId":null,"type":""}`, `{"\u0063ontext":{"x":"\\"}}`} {
		f.Add(seed, `{"library":{"name":"analytics-go"},"b":1}`)
	}
	f.Fuzz(func(t *testing.T, event, shared string) {
		var sent, both map[string]any
		if json.Unmarshal([]byte(event), &sent) != nil || sent == nil || json.Unmarshal([]byte(shared), &both) != nil {
			t.Skip("not objects")
		}
		log := &recorder{}
		w := do(newHandler(log), request("/v1/batch", `{"batch":[`+event+`],"context":`+shared+`}`))
		records := log.take()
		if w.Code != 200 || len(records) != 1 {
			return // FuzzRequest looks at refusals
		}
		if records[0].Verdict != clientele.Accepted {
			return
		}
		var got map[string]any
		if err := json.Unmarshal(records[0].Raw, &got); err != nil {
			t.Fatalf("%q: %v", records[0].Raw, err)
		}
		for name, want := range sent {
			if name == "writeKey" {
				want = nil
			}
			have := got[name]
			if name == "context" || name == "messageId" || name == "integrations" {
				object, isObject := want.(map[string]any)
				if list, ok := want.([]any); want == nil || want == "" || ok && len(list) == 0 {
					continue // said nothing: collect may have set it
				}
				if isObject && name == "context" {
					merged := have.(map[string]any)
					for k := range both {
						if _, own := object[k]; !own {
							if !equalJSON(merged[k], both[k]) {
								t.Fatalf("context.%s is %v, the batch said %v", k, merged[k], both[k])
							}
							delete(merged, k)
						}
					}
					if _, own := object["ip"]; !own {
						delete(merged, "ip")
					}
				}
			}
			if !equalJSON(have, want) {
				t.Fatalf("%s is %v, was %v, in %s", name, have, want, records[0].Raw)
			}
		}
	})
}

func equalJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
