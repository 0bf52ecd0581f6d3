package e2e_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// sdkKills is how often the server is killed under the libraries.
const sdkKills = 6

// unreported is what sdk/posthog-node.mjs says of a call of which the library says nothing: it is silent
// about all that goes before an error of the network, and keeps what has not been sent.
const unreported = "not reported as sent"

// TestKillsUnderLibraries: whenever the process is killed while libraries send through one
// address and try again by themselves, each call that they report as sent is there, once.
func TestKillsUnderLibraries(t *testing.T) {
	chromium := installed(t)
	in := newInstall(t, "", sources())
	in.start()
	address := stable(t, in)
	var all []*driving
	for _, name := range []string{"next", "analytics-node", "analytics-node-6", "rudder-node", "posthog-node", "analytics-go"} {
		all = append(all, libraryNamed(t, name).drive(t, job{Mode: "stream", Chromium: chromium, Runs: []sendTo{{Name: "stream", Host: address}}}))
	}
	first := map[string]int{}
	for _, d := range all {
		first[d.l.name] = 1
	}
	in.arrive(first, 30*time.Second)
	rnd := rand.New(rand.NewPCG(3, 2026))
	began := time.Now()
	for i := range sdkKills {
		if i%4 == 3 { // while it starts
			wait(t.Context(), time.Duration(rnd.IntN(400))*time.Millisecond)
		} else {
			in.ready()
			wait(t.Context(), time.Duration(500+rnd.IntN(1500))*time.Millisecond)
		}
		in.kill()
		in.spawn()
	}
	in.ready()
	took := time.Since(began)
	for _, d := range all {
		d.stop()
	}
	// What a library has taken it sends when it can: the pages must stay until then.
	waited := time.Now()
	for _, d := range all {
		d.drain(t, in)
	}
	t.Logf("what they had left was sent in %s", time.Since(waited).Round(time.Millisecond))
	for _, d := range all {
		d.finish(t)
	}
	in.settle()
	for _, d := range all {
		compareStream(t, in, d)
	}
	s, err := in.api().Status(t.Context())
	must(t, err)
	if len(s.Problems) > 0 {
		t.Errorf("the server tells of problems: %v", s.Problems)
	}
	t.Logf("%d kills in %s, %d events were sent again and dropped", sdkKills, took.Round(time.Millisecond), s.Counts["duplicates"])
}

// drain waits until the library has sent what it was given, or given up: until each call is
// reported and, where that is not to say that it was sent, there.
func (d *driving) drain(t *testing.T, in *install) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); wait(t.Context(), 100*time.Millisecond) {
		n := 0
		for _, r := range d.all() {
			n = max(n, r.N+1)
		}
		if there := in.query("SELECT count(*) FROM events WHERE source = $1", d.l.name)[0][0].(int64); d.reportedAll(n) && (d.l.page == "" || there >= int64(n)) {
			return
		}
	}
}

// reportedAll says whether the library has reported so many calls, the highest number among them
// being the last that was made.
func (d *driving) reportedAll(calls int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.reports) >= calls
}

// compareStream: what the library sent, or has not given up, is there; nothing is there twice.
func compareStream(t *testing.T, in *install, d *driving) {
	t.Helper()
	there, calls := map[string]bool{}, map[string]int{}
	for after, rows := "", [][]any{nil}; len(rows) > 0; {
		rows = in.query("SELECT event_id, properties ->> 'n' FROM events WHERE source = $1 AND event_id > $2 ORDER BY event_id LIMIT 5000", d.l.name, after)
		for _, r := range rows {
			after = r[0].(string)
			there[after] = true
			calls[fmt.Sprint(r[1])]++
		}
	}
	var lost []string
	sent, gone, failed := 0, 0, map[string]int{}
	for _, r := range d.all() {
		here := calls[fmt.Sprint(r.N)] > 0
		switch {
		case r.Error != "":
			failed[r.Error]++
			if !here {
				gone++
			}
			if !here && r.Error == unreported {
				lost = append(lost, fmt.Sprint("call ", r.N))
			}
		case !there[r.ID]:
			lost = append(lost, r.ID)
		default:
			sent++
		}
	}
	for n, times := range calls {
		if times > 1 {
			t.Errorf("%s: call %s is there %d times", d.l.name, n, times)
		}
	}
	if len(lost) > 0 {
		t.Errorf("%s: %d calls that the library has sent, or has not given up, are not there: %v", d.l.name, len(lost), lost[:min(5, len(lost))])
	}
	if sent == 0 {
		t.Errorf("%s: no call was reported as sent", d.l.name)
	}
	t.Logf("%-16s %5d calls there, %5d of them reported as sent; others %v, of which not there %d", d.l.name, len(calls), sent, failed, gone)
}

// stable is an address that stays while servers come and go behind it. Without a server its
// connections are closed, as by a load balancer.
func stable(t *testing.T, in *install) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	track := func(c net.Conn, here bool) {
		mu.Lock()
		defer mu.Unlock()
		if here {
			open[c] = true
		} else {
			delete(open, c)
			_ = c.Close()
		}
	}
	serve := func(client net.Conn) {
		track(client, true)
		defer track(client, false)
		u, err := url.Parse(*in.url.Load())
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", u.Host)
		if err != nil {
			return
		}
		track(server, true)
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(server, client); track(server, false) })
		_, _ = io.Copy(client, server)
		track(client, false)
		both.Wait()
	}
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}
