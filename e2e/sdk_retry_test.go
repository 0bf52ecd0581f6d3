package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
)

// wrongs is how many requests with events go wrong before the others are served.
const wrongs = 2

// faults are what happens to them.
var faults = []string{
	"429",         // by a server with a rate limit
	"503",         // by a server whose disk is full
	"500",         // as a fault of the server would be answered
	"408",         // by something before the server, which itself has no such answer
	"lost-answer", // the server takes the events, and the connection is reset before its answer
	"no-answer",   // the server takes the events, and its answer never comes
	"cut-body",    // half of the body reaches the server, then the connection is reset
}

// retrying are the libraries that send again. Those not among them are the same as one of these;
// beacons are sent by the browser, and nobody learns what became of them.
var retrying = []string{"next", "next-batching", "rudder-js", "analytics-node", "analytics-node-6", "rudder-node", "posthog-node", "analytics-go"}

// givesUp says by library and fault which events a library loses by its own design.
var givesUp = map[string]string{
	"rudder-js 408":        "it sends no 4xx again but 429; Chromium by itself does, on a connection that was used before",
	"analytics-node-6 408": "it sends no 4xx again but 429",
	"rudder-node 408":      "it sends no 4xx again but 429",
}

// faulty stands between one library and the server.
type faulty struct {
	t             *testing.T
	fault         string
	good          *url.URL
	proxy, toFail *httputil.ReverseProxy

	mu   sync.Mutex
	left int // of the requests to go wrong
	last time.Time
	seen []int // statuses answered to requests with events, 0 for none
}

func newFaulty(t *testing.T, fault, good, bad string) (f *faulty, address string) {
	t.Helper()
	f = &faulty{t: t, fault: fault, left: wrongs, good: parsed(t, good)}
	f.proxy, f.toFail = through(f.good), through(parsed(t, bad))
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return f, server.URL
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u
}

// through leaves the host as the library asked for it: the settings name it.
func through(to *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}}
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	events := r.Method == http.MethodPost && r.URL.Path != "/v1/m" && r.URL.Path != "/rsaMetrics"
	if !events {
		f.proxy.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	f.left--
	wrong := f.left >= 0
	f.mu.Unlock()
	answered := &status{ResponseWriter: w}
	if wrong {
		f.fail(answered, r, body)
	} else {
		f.proxy.ServeHTTP(answered, r)
	}
	f.mu.Lock()
	f.seen, f.last = append(f.seen, answered.code), time.Now()
	f.mu.Unlock()
}

func (f *faulty) fail(w *status, r *http.Request, body []byte) {
	switch f.fault {
	case "429":
		// The first request of a second is taken, by a server that nobody asks afterwards.
		answer := httptest.NewRecorder()
		for range 10 {
			answer = again(f.toFail, r, body)
			if answer.Code == http.StatusTooManyRequests {
				break
			}
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		if w.code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			f.t.Errorf("the server with a rate limit answers %d", w.code)
		}
	case "503":
		f.toFail.ServeHTTP(w, r)
		if w.code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			f.t.Errorf("the server with a full disk answers %d", w.code)
		}
	case "500", "408":
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(map[string]int{"500": 500, "408": 408}[f.fault])
		_, _ = io.WriteString(w, `{"code":"internal","message":"made by the test"}`)
	case "lost-answer", "no-answer":
		quiet := again(f.proxy, r, body)
		if quiet.Code != http.StatusOK {
			f.t.Errorf("the server has not taken the events: %d %s", quiet.Code, quiet.Body)
		}
		if f.fault == "no-answer" {
			wait(r.Context(), 5*time.Second) // the drivers wait 3 s, if their libraries have a time-out
		}
		reset(w)
	case "cut-body":
		f.cut(r, body)
		reset(w)
	}
}

// again has the request served to its end, whether or not its client waits.
func again(by http.Handler, r *http.Request, body []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r = r.Clone(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	by.ServeHTTP(w, r)
	return w
}

// cut sends the server the head of the request and half of its body.
func (f *faulty) cut(r *http.Request, body []byte) {
	conn, err := net.Dial("tcp", f.good.Host)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer conn.Close()
	var head bytes.Buffer
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if err := r.Write(&head); err != nil {
		f.t.Error(err)
		return
	}
	b := head.Bytes()
	if _, err := conn.Write(b[:len(b)-len(body)/2]); err != nil {
		f.t.Error(err)
		return
	}
	// The server's answer to half a request, if it has one, is nobody's.
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, _ = bufio.NewReader(conn).ReadByte()
}

// reset ends the client's connection without an answer.
func reset(w *status) {
	conn, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// status takes note of what is answered.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (f *faulty) story() (seen []int, quiet time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen), time.Since(f.last)
}

// TestRetries: whatever goes wrong between a library and the server, each event that the library
// sends again is there once.
func TestRetries(t *testing.T) {
	chromium := installed(t)
	in := newInstall(t, "", sources())
	in.start()
	limited := newInstall(t, "", strings.Replace(sources(), "collect: {", "collect: {rate_limit: 1, ", 1))
	limited.start()
	full := newInstall(t, "", sources()+"log: {reserve: 1000000GB}\n")
	full.start()

	between := map[string]*faulty{}
	var all []*driving
	for _, name := range retrying {
		l := libraryNamed(t, name)
		j := job{Mode: "burst", Chromium: chromium}
		for _, fault := range faults {
			bad := limited
			if fault == "503" {
				bad = full
			}
			f, address := newFaulty(t, fault, *in.url.Load(), *bad.url.Load())
			between[name+" "+fault] = f
			j.Runs = append(j.Runs, sendTo{Name: fault, Host: address})
		}
		all = append(all, l.drive(t, j))
	}
	sent := awaitRetries(t, in, all, between)
	for _, d := range all {
		d.finish(t)
	}
	in.settle()
	for _, d := range all {
		compareRetries(t, in, d, between)
	}
	t.Logf("after %s nobody sends any more", sent.Round(time.Millisecond))
	s, err := in.api().Status(t.Context())
	must(t, err)
	if s.Counts["duplicates"] == 0 {
		t.Error("answers were lost, and nothing was sent twice")
	}
	if items, _, err := in.api().Quarantine(t.Context(), 10, ""); err != nil || len(items) > 0 {
		t.Errorf("in quarantine: %v %v", items, err)
	}
	t.Logf("%d events were sent again and dropped", s.Counts["duplicates"])
}

// awaitRetries waits until all that is not given up is there and nobody sends any more.
func awaitRetries(t *testing.T, in *install, all []*driving, between map[string]*faulty) time.Duration {
	t.Helper()
	began := time.Now()
	for deadline := began.Add(60 * time.Second); time.Now().Before(deadline); wait(t.Context(), 200*time.Millisecond) {
		found := map[string]int{}
		for _, r := range in.query("SELECT source || ' ' || (properties ->> 'run'), count(*) FROM events GROUP BY 1") {
			found[r[0].(string)] = int(r[1].(int64))
		}
		ready := true
		for what, f := range between {
			seen, quiet := f.story()
			lost := givesUp[what] != ""
			ready = ready && (lost || found[what] >= burst) && len(seen) > 0 && quiet > 2*time.Second
		}
		if ready {
			return time.Since(began)
		}
	}
	return time.Since(began) // what is missing is said by compareRetries
}

func compareRetries(t *testing.T, in *install, d *driving, between map[string]*faulty) {
	t.Helper()
	there := map[string]int{} // by run and call
	for _, r := range in.query("SELECT properties ->> 'run', properties ->> 'n' FROM events WHERE source = $1", d.l.name) {
		there[fmt.Sprint(r[0], " ", r[1])]++
	}
	total := 0
	failed := map[string]string{}
	for _, r := range d.all() {
		if r.Error != "" {
			failed[fmt.Sprint(r.Run, " ", r.N)] = r.Error
		}
	}
	for _, fault := range faults {
		what := d.l.name + " " + fault
		var missing, twice, silent int
		for n := range burst {
			call := fmt.Sprint(fault, " ", n)
			total += min(1, there[call])
			switch there[call] {
			case 1:
			case 0:
				missing++
				if failed[call] == "" {
					silent++
				}
			default:
				twice++
			}
		}
		seen, _ := between[what].story()
		t.Logf("%-28s missing %2d, twice %d, answered %v; %s", what, missing, twice, seen, givesUp[what])
		if twice > 0 || missing > 0 && givesUp[what] == "" {
			t.Errorf("%s: of %d calls %d are missing and %d are there twice; it was answered %v", what, burst, missing, twice, seen)
		}
		if givesUp[what] != "" && d.l.page == "" && silent > 0 {
			t.Errorf("%s: %d calls are missing, and the library has not said so", what, silent)
		}
	}
	if d.l.page != "" {
		return // each page has been another visitor
	}
	p, err := in.api().Profile(t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: d.l.user()}, false)
	must(t, err)
	if p.Events != int64(total) {
		t.Errorf("%s: the profile counts %d events, %d are there", d.l.name, p.Events, total)
	}
}
