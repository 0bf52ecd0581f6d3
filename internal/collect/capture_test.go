package collect_test

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clientele"
)

// shared is a file of the folder beside the project; the test is skipped where there is none.
func shared(t testing.TB, pattern string) []string {
	root := os.Getenv("CLIENTELE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no %s in %s: set CLIENTELE_SHARED to the folder of shared data to run this", pattern, root)
	}
	return files
}

// TestCapturedRequests replays what unmodified libraries sent, headers included.
func TestCapturedRequests(t *testing.T) {
	total := 0
	for _, file := range shared(t, "data/sdk/*.jsonl") {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			var c struct {
				Method, URL, Body string
				Headers           []string
			}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			if filepath.Base(file) == "posthog.jsonl" {
				continue // packed bodies that were captured as text, so they cannot be sent again
			}
			headers := map[string]string{}
			for i := 0; i+1 < len(c.Headers); i += 2 {
				headers[c.Headers[i]] = c.Headers[i+1]
			}
			body := c.Body // captured unpacked
			if headers["Content-Encoding"] == "gzip" {
				body = zipped(body)
			}
			r := httptest.NewRequest("POST", c.URL, strings.NewReader(body))
			r.RemoteAddr = "203.0.113.7:1"
			for name, value := range headers {
				if name != "Content-Length" && name != "content-length" {
					r.Header.Set(name, value)
				}
			}
			r.Method = c.Method
			log := &recorder{}
			w := do(newHandler(log), r)
			if c.Method != "POST" {
				if w.Code != 200 && w.Code != 204 {
					t.Errorf("%s:%d %s %s: %d %s", filepath.Base(file), n, c.Method, c.URL, w.Code, w.Body)
				}
				continue
			}
			if w.Code != 200 {
				t.Errorf("%s:%d %s: %d %s", filepath.Base(file), n, c.URL, w.Code, w.Body)
				continue
			}
			if c.URL == "/batch/" {
				total += rewritten(t, c.Body, log.take())
				continue
			}
			total += compare(t, filepath.Base(file), c.Body, log.take())
		}
	}
	if total < 20 {
		t.Errorf("only %d events were replayed", total)
	}
}

// rewritten checks what became of a batch of PostHog's.
func rewritten(t *testing.T, body string, records []clientele.Record) int {
	var sent struct {
		Batch []struct {
			Event, UUID string
			DistinctID  string `json:"distinct_id"`
		}
	}
	if err := json.Unmarshal([]byte(body), &sent); err != nil || len(sent.Batch) != len(records) {
		t.Fatalf("%d records of %d events: %v", len(records), len(sent.Batch), err)
	}
	for i, r := range records {
		var got struct{ Type, Event, MessageID, UserID string }
		if err := json.Unmarshal(r.Raw, &got); err != nil || got.UserID != sent.Batch[i].DistinctID || got.MessageID != sent.Batch[i].UUID ||
			got.Type == "track" && got.Event != sent.Batch[i].Event {
			t.Errorf("%s of %+v: %v", r.Raw, sent.Batch[i], err)
		}
	}
	return len(records)
}

// compare checks that each event of the body is a record that says all that the event said.
func compare(t *testing.T, name, body string, records []clientele.Record) int {
	var sent map[string]any
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	events, isBatch := sent["batch"].([]any)
	if !isBatch {
		events = []any{sent}
	}
	if len(records) != len(events) {
		t.Errorf("%s: %d records of %d events", name, len(records), len(events))
		return 0
	}
	for i, r := range records {
		var got map[string]any
		if err := json.Unmarshal(r.Raw, &got); err != nil || r.Verdict != clientele.Accepted || r.Source != "web" {
			t.Errorf("%s: record %+v: %v", name, r, err)
			continue
		}
		for _, required := range []string{"type", "messageId", "sentAt"} {
			if s, _ := got[required].(string); s == "" {
				t.Errorf("%s: no %s in %s", name, required, r.Raw)
			}
		}
		for key, want := range events[i].(map[string]any) {
			switch key {
			case "writeKey":
				want = nil
			case "context":
				own, _ := got["context"].(map[string]any)
				for k, v := range want.(map[string]any) {
					if !reflect.DeepEqual(own[k], v) {
						t.Errorf("%s: context.%s is %v, was %v", name, k, own[k], v)
					}
				}
				continue
			}
			if !reflect.DeepEqual(got[key], want) {
				t.Errorf("%s: %s is %v, was %v", name, key, got[key], want)
			}
		}
	}
	return len(records)
}
