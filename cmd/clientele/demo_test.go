package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// said is output that is read while it is written.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestDemo: the shop is loaded once and checked, stays where --data says, and goes on live.
func TestDemo(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, truth := filepath.Join(t.TempDir(), "shop"), filepath.Join(t.TempDir(), "truth.csv")
	demo := func(more ...string) []string {
		return append([]string{"demo", "--listen", "127.0.0.1:0", "--data", dir}, more...)
	}
	code, out, errs := call(t, "", nil, demo("--once", "--people", "60", "--seed", "4", "--truth", truth)...)
	if code != 0 || strings.Count(out, "  equal\n") < 20 || strings.Contains(out, "DIFFERENT") || !strings.Contains(out, "60 people are") || !strings.Contains(out, "precision ") {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	b, err := os.ReadFile(truth)
	if err != nil || !bytes.HasPrefix(b, []byte("person,what,value\n")) || !bytes.Contains(b, []byte(",email,")) || !bytes.Contains(b, []byte(",record:web,")) {
		t.Errorf("truth: %v, %.200s", err, b)
	}

	code, _, errs = call(t, "", nil, demo("--once", "--people", "61")...)
	if code != 1 || !strings.Contains(errs, "--people 60 --seed 4") {
		t.Errorf("another shop in the same place: exit %d, %s", code, errs)
	}
	if code, out, _ = call(t, "", nil, demo("--once")...); code != 0 || !strings.Contains(out, "already") {
		t.Errorf("the same shop again: exit %d, %s", code, out)
	}

	ctx, stop := context.WithCancel(t.Context())
	var live, liveErrs said
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, demo("--events-per-second", "200"), streams{in: strings.NewReader(""), out: &live, err: &liveErrs, env: func(string) (string, bool) { return "", false }})
	}()
	count := []string{"sql", "--data", dir, "--format", "csv", "SELECT count(*) FROM events WHERE context ->> '$.library.name' = 'analytics.js'"}
	deadline := time.Now().Add(time.Minute)
	for n := "0"; n == "0"; {
		if time.Now().After(deadline) {
			t.Fatalf("no live event comes in:\n%s%s", live.String(), liveErrs.String())
		}
		if !strings.Contains(live.String(), "Ctrl-C stops") {
			select {
			case <-ended:
				t.Fatalf("the demo has ended: %s", liveErrs.String())
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		if code, out, errs = call(t, "", nil, count...); code != 0 {
			t.Fatal(errs)
		}
		n = strings.TrimSpace(strings.TrimPrefix(out, strings.SplitN(out, "\n", 2)[0]))
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("stopped: exit %d, %s", code, liveErrs.String())
	}
}

// TestDemoInterrupted: a load that was stopped is made whole by the next start. The shop is of the
// smallest size, where most sums are of nothing.
func TestDemoInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	args := []string{"demo", "--once", "--people", "1", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "shop")}
	ctx, stop := context.WithCancel(t.Context())
	var out stopper
	out.at, out.stop = "A shop of", stop
	var errs bytes.Buffer
	if code := run(ctx, args, streams{in: strings.NewReader(""), out: &out, err: &errs, env: func(string) (string, bool) { return "", false }}); code != 0 {
		t.Fatalf("stopped: exit %d, %s", code, errs.String())
	}
	code, again, said := call(t, "", nil, args...)
	if code != 0 || strings.Count(again, "  equal\n") < 13 || strings.Contains(again, "DIFFERENT") || strings.Contains(out.String(), "  equal") {
		t.Errorf("exit %d\n%s%s", code, again, said)
	}
}

// stopper is output that calls stop when a text is written.
type stopper struct {
	said
	at   string
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.at)) {
		s.stop()
	}
	return s.said.Write(p)
}

func TestDemoUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	other := filepath.Dir(write(t, "something", "else"))
	for _, c := range []struct {
		args string
		code int
		text string
	}{
		{"demo --events-per-second 1001", 2, "not between 0 and 1,000"},
		{"demo --people 0", 2, "a shop has 1 to 2000000 people"},
		{"demo --data " + other, 1, "holds data, and not a demo shop"},
		{"demo extra", 2, "unknown command"},
	} {
		if code, _, errs := call(t, "", nil, strings.Fields(c.args)...); code != c.code || !strings.Contains(errs, c.text) {
			t.Errorf("%s: exit %d, %s", c.args, code, errs)
		}
	}
}
