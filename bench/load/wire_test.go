package load_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele/bench/load"
)

func TestLoopback(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "127.9.9.9:1": "127.9.9.9:1", "[::1]:80": "[::1]:80",
		"http://127.0.0.1:8080": "127.0.0.1:8080", "http://127.0.0.1:8080/api": "127.0.0.1:8080",
		"[::ffff:127.0.0.1]:80": "[::ffff:127.0.0.1]:80",
		"10.0.0.1:80":           "", "0.0.0.0:80": "", "[::]:80": "", ":80": "", "localhost:80": "", "shop.example:80": "", "192.168.1.1:80": "",
		"http://203.0.113.7:80": "", "https://127.0.0.1:80": "", "127.0.0.1": "", "": "", "http://": "", "http://127.0.0.1@203.0.113.7:80": "",
		"127.0.0.1.shop.example:80": "", "[fe80::1]:80": "", "2130706433:80": "",
	} {
		got, err := load.Loopback(address)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	for _, c := range []struct {
		text string
		want load.Answer
		keep bool
		ok   bool
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"success\":true}", load.Answer{Status: 200}, true, true},
		{"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n", load.Answer{Status: 503, RetryAfter: 5 * time.Second}, true, true},
		{"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", load.Answer{Status: 429, RetryAfter: time.Hour}, false, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", load.Answer{Status: 200}, false, true},
		{"HTTP/1.1 200 OK\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", load.Answer{Status: 200}, true, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nshort", load.Answer{}, false, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", load.Answer{}, false, false},
		{"HTTP/1.1 200 OK\r\nContent-", load.Answer{}, false, false},
		{"HTTP/1.1 2x0 OK\r\n\r\n", load.Answer{}, false, false},
		{"220 smtp.example\r\n", load.Answer{}, false, false},
		{"\n", load.Answer{}, false, false},
		{"", load.Answer{}, false, false},
	} {
		r := bufio.NewReader(strings.NewReader(c.text))
		got, keep, err := load.ReadAnswer(r)
		if (err == nil) != c.ok || c.ok && (got != c.want || keep != c.keep) {
			t.Errorf("%q: %+v, keep %v, %v", c.text, got, keep, err)
		}
		if rest, _ := io.ReadAll(r); c.ok && keep && len(rest) > 0 {
			t.Errorf("%q: %q is left for the next answer", c.text, rest)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
	f.Add("HTTP/1.1 429 No\r\nRetry-After: 1\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, keep, err := load.ReadAnswer(bufio.NewReader(strings.NewReader(text)))
		if err == nil && (a.Status < 100 || a.RetryAfter < 0 || a.RetryAfter > time.Hour) {
			t.Errorf("%+v of %q", a, text)
		}
		if keep && err != nil {
			t.Errorf("a broken connection is kept: %v", err)
		}
	})
}

// TestSenderRepeats: what is refused for now is sent again, the same bytes, after the time that the
// server says; what is refused for good is not; latencies include the waiting.
func TestSenderRepeats(t *testing.T) {
	var mu sync.Mutex
	bodies := map[string]int{}
	var n, broken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if user, _, _ := r.BasicAuth(); user != "KEY" || r.URL.Path != "/v1/batch" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s as %q", r.Method, r.URL, user)
		}
		mu.Lock()
		bodies[string(b)]++
		mu.Unlock()
		switch i := n.Add(1); {
		case i == 1:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case i == 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case i == 3:
			broken.Add(1)
			panic(http.ErrAbortHandler) // the connection is cut
		case i == 4:
			w.WriteHeader(http.StatusBadRequest)
		default:
			_, _ = io.WriteString(w, `{"success":true}`)
		}
	}))
	defer server.Close()
	address, err := load.Loopback(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &load.Sender{Address: func() string { return address }, Key: "KEY", Crowd: &load.Crowd{Seed: 1, People: 100, First: 100, Visit: 5},
		Next: new(atomic.Int64), Events: 10, GiveUp: time.Minute, Counts: new(load.Counts)}
	var h load.Histogram
	s.Run(t.Context(), load.Pace{Workers: 1, For: time.Minute, Count: 5}, &h)
	// The first body: 429, 503, cut, 400 and so never accepted. The other four are.
	c := s.Counts
	if c.Limited.Load() != 1 || c.Full.Load() != 1 || c.Broken.Load() != 1 || c.Refused.Load() != 10 || c.Accepted.Load() != 40 || c.Requests.Load() != 4 || c.Unclear.Load() != 0 {
		t.Errorf("429: %d, 503: %d, cut: %d, refused: %d, accepted: %d", c.Limited.Load(), c.Full.Load(), c.Broken.Load(), c.Refused.Load(), c.Accepted.Load())
	}
	if len(bodies) != 5 || h.Count() != 4 || s.Next.Load() != 50 {
		t.Errorf("%d bodies, %d latencies, %d numbers used; want 5, 4, 50", len(bodies), h.Count(), s.Next.Load())
	}
	most := 0
	for _, times := range bodies {
		most = max(most, times)
	}
	if most != 4 {
		t.Errorf("a body was sent %d times, want 4 times unchanged", most)
	}
}

func TestSenderWaits(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"success":true}`)
	}))
	defer server.Close()
	address, _ := load.Loopback(server.URL)
	s := &load.Sender{Address: func() string { return address }, Crowd: &load.Crowd{People: 10, First: 10, Visit: 1}, Next: new(atomic.Int64), Events: 1, GiveUp: time.Minute, Counts: new(load.Counts)}
	var h load.Histogram
	s.Run(t.Context(), load.Pace{Workers: 1, Schedule: load.Schedule{{Rate: 1000, For: time.Millisecond}}}, &h)
	if h.Count() != 1 || h.Max() < time.Second {
		t.Errorf("accepted after %s, although the server said to come back in a second", h.Max())
	}
	// A server that is not there: the events are unclear, not accepted.
	server.Close()
	s.GiveUp = 0
	s.Run(t.Context(), load.Pace{Workers: 1, For: time.Minute, Count: 1}, &h)
	if s.Counts.Unclear.Load() != 1 || s.Counts.Accepted.Load() != 1 || s.Counts.Broken.Load() != 1 {
		t.Errorf("unclear %d, accepted %d, broken %d; want 1 each", s.Counts.Unclear.Load(), s.Counts.Accepted.Load(), s.Counts.Broken.Load())
	}
	// An address elsewhere is never dialled.
	s.Address = func() string { return "203.0.113.7:80" }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s.Run(ctx, load.Pace{Workers: 1, For: time.Minute, Count: 1}, &h)
	if s.Counts.Broken.Load() != 2 || ctx.Err() != nil {
		t.Errorf("broken %d, %v: another machine was tried", s.Counts.Broken.Load(), ctx.Err())
	}
}

// TestWarm: what is due while connections are opened is sent and counted, but its latency is not.
func TestWarm(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"success":true}`)
	}))
	defer server.Close()
	address, _ := load.Loopback(server.URL)
	s := &load.Sender{Address: func() string { return address }, Crowd: &load.Crowd{People: 10, First: 10, Visit: 1}, Next: new(atomic.Int64), Events: 1, GiveUp: time.Minute, Counts: new(load.Counts)}
	var h load.Histogram
	// The first ten are due within the second, the others long behind it.
	s.Run(t.Context(), load.Pace{Workers: 2, Warm: time.Second, Schedule: load.Schedule{{Rate: 1000, For: 10 * time.Millisecond}, {Rate: 0.1, For: 1200 * time.Millisecond}, {Rate: 1000, For: 5 * time.Millisecond}}}, &h)
	if h.Count() != 5 || s.Counts.Accepted.Load() != 15 {
		t.Errorf("%d latencies of %d accepted events, want 5 of 15", h.Count(), s.Counts.Accepted.Load())
	}
}
