package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHangup: SIGHUP puts a changed file in force while events come in, and a bad file changes nothing.
func TestHangup(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	l := newLedger()
	in.start()
	halt := crowd(t, in, l, 2, sender{name: "h", people: 20, padding: 50, pause: time.Millisecond})
	key := func(key string) int {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, *in.url.Load()+"/v1/track", bytes.NewReader([]byte(`{"event":"E","userId":"u-1"}`)))
		must(t, err)
		req.SetBasicAuth(key, "")
		resp, err := browser.Do(req)
		must(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	hup := func() { must(t, in.process.cmd.Process.Signal(syscall.SIGHUP)) }
	if s := key("OTHER_KEY"); s != 401 {
		t.Fatal(s)
	}
	in.configure("  - {name: other, write_key: OTHER_KEY}\n")
	hup()
	within(t, 10*time.Second, "the new key is taken", func() bool { return key("OTHER_KEY") == 200 })
	in.configure("  - {name: other, write_key: " + writeKey + "}\n")
	hup()
	within(t, 10*time.Second, "the server says what is wrong", func() bool { return strings.Contains(in.said(), "nothing is changed") })
	if s := key("OTHER_KEY"); s != 200 {
		t.Errorf("after a bad file: %d", s)
	}
	halt()
	l.mu.Lock()
	defer l.mu.Unlock()
	for status, n := range l.answers {
		if status != 200 {
			t.Errorf("%d requests were answered %d", n, status)
		}
	}
}
