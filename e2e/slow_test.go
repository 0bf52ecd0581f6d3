package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowClients: who sends nothing, or stops in the middle, is let go within seconds and told
// where that is possible; who sends slowly but steadily is taken.
func TestSlowClients(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	in.start()
	r := newRaw(t, in)
	halt := honest(t, in, "slow")
	var wg sync.WaitGroup
	closes := func(name, text string) {
		c := r.dial(text)
		wg.Go(func() {
			start := time.Now()
			_ = c.SetReadDeadline(start.Add(14 * time.Second))
			_, err := bufio.NewReader(c).ReadByte()
			var slow net.Error
			if took := time.Since(start); err == nil || errors.As(err, &slow) && slow.Timeout() || took < 8*time.Second {
				t.Errorf("%s: %v after %s", name, err, took)
			}
		})
	}
	closes("silent", "")
	wg.Go(func() { // a header that ends early is told so, if at all
		start := time.Now()
		status, _ := r.exchange("POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Slo")
		if took := time.Since(start); status != 0 && status != 408 && status != 400 || took < 8*time.Second || took > 14*time.Second {
			t.Errorf("half a header: %d after %s", status, took)
		}
	})
	for name, text := range map[string]string{
		"a body that stops":         post("/v1/track", strings.Repeat(" ", 1000), auth)[:300],
		"a chunked body that stops": "POST /v1/batch HTTP/1.1\r\nHost: x\r\n" + auth + "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"b",
		"a PostHog body that stops": post("/capture/", strings.Repeat(" ", 1000))[:200],
		"a body that never begins":  strings.TrimRight(post("/beacon/v1/batch?writeKey="+writeKey, strings.Repeat(" ", 1000)), " "),
	} {
		wg.Go(func() {
			start := time.Now()
			status, body := r.exchange(text)
			if took := time.Since(start); status != http.StatusServiceUnavailable || !strings.Contains(body, "too slowly") || took < 8*time.Second || took > 14*time.Second {
				t.Errorf("%s: %d %s after %s", name, status, body, took)
			}
		})
	}
	wg.Go(func() { // 8 KB a second, for longer than a body may take to begin
		const piece, pieces = 2048, 46
		event := `{"event":"Slow","userId":"u","messageId":"slow"}`
		body := event + strings.Repeat(" ", piece*pieces-len(event))
		c := r.dial(post("/v1/track", body, auth)[:len(post("/v1/track", body, auth))-len(body)])
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		_ = c.SetWriteDeadline(time.Now().Add(20 * time.Second))
		for i := range pieces {
			if _, err := c.Write([]byte(body[i*piece : (i+1)*piece])); err != nil {
				t.Errorf("a steady body: %v after %d pieces", err, i)
				return
			}
			<-tick.C
		}
		if status, body := readAnswer(bufio.NewReader(c)); status != http.StatusOK {
			t.Errorf("a steady body: %d %s", status, body)
		}
	})
	wg.Wait()
	requests, slowest := halt()
	in.settle()
	if n := in.one("SELECT count(*) FROM events"); n != fmt.Sprint(requests+1) {
		t.Errorf("%s events are there, %d were accepted", n, requests+1)
	}
	t.Logf("%d honest requests meanwhile, the slowest %s", requests, slowest.Round(time.Millisecond))
}
