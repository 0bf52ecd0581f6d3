package e2e_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// raw is connections that speak for themselves.
type raw struct {
	t    *testing.T
	in   *install
	mu   sync.Mutex
	open []net.Conn
}

func newRaw(t *testing.T, in *install) *raw {
	r := &raw{t: t, in: in}
	t.Cleanup(r.close)
	return r
}

func (r *raw) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		_ = c.Close()
	}
	r.open = nil
}

// dial connects and says the text; what the server then does with it is not looked at.
func (r *raw) dial(text string) *net.TCPConn {
	r.t.Helper()
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(*r.in.url.Load(), "http://"), 5*time.Second)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.open = append(r.open, c)
	r.mu.Unlock()
	_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(c, text) // it may be closed already
	return c.(*net.TCPConn)
}

// many dials n times, a few at once.
func (r *raw) many(n int, text string) {
	r.t.Helper()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				r.dial(text)
			}
		})
	}
	wg.Wait()
}

// drip writes a byte on every connection, again and again, until the context ends.
func (r *raw) drip(ctx context.Context) {
	for wait(ctx, 200*time.Millisecond) {
		r.mu.Lock()
		for _, c := range r.open {
			_ = c.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, _ = io.WriteString(c, "a")
		}
		r.mu.Unlock()
	}
}

// exchange says the text and reads one answer; status 0 when there is none.
func (r *raw) exchange(text string) (status int, body string) {
	r.t.Helper()
	return readAnswer(bufio.NewReader(r.dial(text)))
}

func readAnswer(b *bufio.Reader) (int, string) {
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// honest sends batches one after the other, from keepAlive connections or from new ones, and
// fails the test when one of them is not taken at the first attempt. halt answers how many there
// were and how long the slowest took.
func honest(t *testing.T, in *install, name string) (halt func() (int, time.Duration)) {
	t.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var slowest time.Duration
	count := 0
	for w := range 4 {
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: w%2 == 1}}
		wg.Go(func() {
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				body := fmt.Sprintf(`{"writeKey":%q,"batch":[{"type":"track","event":"Honest","userId":"h-%d","messageId":"%s-%d-%d"}]}`, writeKey, w, name, w, n)
				start := time.Now()
				resp, err := client.Post(*in.url.Load()+"/v1/batch", "application/json", strings.NewReader(body))
				took := time.Since(start)
				status := 0
				if err == nil {
					status = resp.StatusCode
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				mu.Lock()
				count++
				slowest = max(slowest, took)
				mu.Unlock()
				if status != http.StatusOK {
					t.Errorf("%s: honest request %d of sender %d is answered %d after %s: %v", name, n, w, status, took, err)
					return
				}
				if s := in.get("/healthz"); n%20 == 0 && s != http.StatusOK {
					t.Errorf("%s: healthz answers %d", name, s)
				}
				wait(t.Context(), 10*time.Millisecond)
			}
		})
	}
	return func() (int, time.Duration) {
		close(stop)
		wg.Wait()
		return count, slowest
	}
}

// usage is what the server's process takes: its largest memory so far in bytes, and descriptors of now.
func (in *install) usage() (peak int64, descriptors int) {
	in.t.Helper()
	if runtime.GOOS != "linux" {
		in.t.Skip("what a process takes is read from /proc")
	}
	dir := fmt.Sprintf("/proc/%d/", in.process.cmd.Process.Pid)
	b, err := os.ReadFile(dir + "status")
	must(in.t, err)
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	must(in.t, err)
	list, err := os.ReadDir(dir + "fd")
	must(in.t, err)
	return kb << 10, len(list)
}

// goroutines is how many the server has, by its metrics.
func (in *install) goroutines() int {
	in.t.Helper()
	resp, err := browser.Get(*in.url.Load() + "/metrics")
	must(in.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(in.t, err)
	_, rest, found := strings.Cut(string(b), "\ngo_goroutines ")
	n, err := strconv.Atoi(strings.Fields(rest + " x")[0])
	if err != nil || !found {
		in.t.Fatalf("/metrics says nothing of goroutines: %d", resp.StatusCode)
	}
	return n
}

// givenBack waits until the server has given back its descriptors, but for a few.
func (in *install) givenBack(before int) {
	in.t.Helper()
	within(in.t, 20*time.Second, "descriptors are given back", func() bool { _, n := in.usage(); return n <= before+20 })
}

func post(path, body string, header ...string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s", path, len(body), strings.Join(append(header, ""), "\r\n"), body)
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	must(t, err)
	_, err = io.WriteString(z, text)
	must(t, err)
	must(t, z.Close())
	return b.String()
}

const auth = "Authorization: Basic V0VCX0tFWTo=" // writeKey and no password

// TestFlood: two thousand connections that do nothing, or nothing good, take neither the place
// nor the memory of those who send events.
func TestFlood(t *testing.T) {
	whole(t)
	// Garbage may take what the program allows it, whatever comes; with less of it allowed, memory
	// above that is memory that the flood holds.
	const collected, bound = 256 << 20, 300 << 20
	for _, c := range []struct {
		name, config string
		n            int
	}{
		{"all fit", "", 2000},
		{"most do not fit", "http: {max_connections: 200, body_memory: 16MB}\n", 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := newInstall(t, "", c.config)
			in.wrap = []string{"env", fmt.Sprint("GOMEMLIMIT=", collected)}
			in.start()
			halt := honest(t, in, "before")
			wait(t.Context(), 500*time.Millisecond)
			halt()
			base, descriptors := in.usage()
			goroutines := in.goroutines()

			r, slow := newRaw(t, in), newRaw(t, in)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			halt = honest(t, in, "flood")
			go slow.drip(ctx)
			// Small ones that become large: 50 MB packed into 50 KB, a batch whose context stands in each event.
			bomb := packed(t, `{"a":"`+strings.Repeat("x", 50<<20)+`"}`)
			wide := packed(t, `{"context":{"a":"`+strings.Repeat("x", 30_000)+`"},"batch":[`+strings.Repeat("{},", 2000)+`{}]}`)
			r.many(c.n/8, "")                                                                 // silent
			slow.many(c.n/8, "POST /v1/batch HTTP/1.1\r\nHost: x\r\nX-Slow: ")                // a header without end
			slow.many(c.n/8, post("/v1/track", strings.Repeat(" ", 512_000), auth)[:200_000]) // a large body that stops to come
			slow.many(c.n/8, "POST /v1/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n")
			r.many(c.n/8, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 500)) // answers that nobody reads
			r.many(c.n/8, post("/v1/batch", bomb, auth))
			r.many(c.n/8, post("/v1/batch", wide, auth))
			r.many(c.n/8, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") // and then idle
			wait(t.Context(), 2*time.Second)
			requests, slowest := halt()
			peak, held := in.usage()
			if peak-base > bound {
				t.Errorf("memory grew from %d MB to %d MB", base>>20, peak>>20)
			}
			cancel()
			r.close()
			slow.close()
			in.givenBack(descriptors)
			within(t, 20*time.Second, "goroutines end", func() bool { return in.goroutines() <= goroutines+50 })
			t.Logf("%d connections: %d honest requests, the slowest %s; memory from %d MB to %d MB at most; %d descriptors held", c.n, requests, slowest.Round(time.Millisecond), base>>20, peak>>20, held)
			if a := in.post(t.Context(), "/v1/track", []byte(`{"event":"After","userId":"u","messageId":"after"}`)); a.Status != http.StatusOK {
				t.Errorf("afterwards: %+v", a)
			}
		})
	}
}

// TestFewDescriptors: where the process may open few files, clients get half of them and no more:
// the stores go on, and so do those who send.
func TestFewDescriptors(t *testing.T) {
	whole(t)
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell to lower a limit with")
	}
	in := newInstall(t, "", "")
	in.wrap = []string{"sh", "-c", `ulimit -n 256 && exec "$0" "$@"`}
	in.start()
	_, before := in.usage()
	halt := honest(t, in, "few")
	r := newRaw(t, in)
	r.many(1000, "GET /")
	_, held := in.usage()
	if held > 256-32 {
		t.Errorf("%d of 256 descriptors are taken", held)
	}
	wait(t.Context(), time.Second)
	requests, slowest := halt()
	r.close()
	in.givenBack(before)
	in.settle()
	if n := in.one("SELECT count(*) FROM events WHERE source = 'web'"); n != fmt.Sprint(requests) {
		t.Errorf("%s events are there, %d were sent", n, requests)
	}
	if s, err := in.api().Status(t.Context()); err != nil || len(s.Problems) > 0 {
		t.Errorf("the server tells of problems: %+v, %v", s, err)
	}
	t.Logf("%d descriptors before, %d with 1000 connections; %d honest requests, the slowest %s", before, held, requests, slowest.Round(time.Millisecond))
}

// TestHalfClosed: a client that closes its side after sending still gets its answer, and what is
// answered with 200 is there.
func TestHalfClosed(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	in.start()
	r := newRaw(t, in)
	n := 100
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c := r.dial(post("/v1/track", fmt.Sprintf(`{"event":"Half","userId":"u","messageId":"half-%d"}`, i), auth))
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
				return
			}
			if status, body := readAnswer(bufio.NewReader(c)); status != http.StatusOK || body != `{"success":true}` {
				t.Errorf("half-closed client %d is answered %d %s", i, status, body)
			}
		})
	}
	wg.Wait()
	// One that ends in the middle of its body is told, not believed.
	c := r.dial(post("/v1/track", `{"event":"Half","userId":"u","messageId":"cut"}`+strings.Repeat(" ", 100), auth)[:150])
	must(t, c.CloseWrite())
	if status, _ := readAnswer(bufio.NewReader(c)); status != http.StatusBadRequest {
		t.Errorf("a body that ends early is answered %d", status)
	}
	in.settle()
	if got := in.one("SELECT count(DISTINCT event_id) FROM events"); got != fmt.Sprint(n) {
		t.Errorf("%s events of %d are there", got, n)
	}
}

// TestOddRequests: what is not one plain request is refused or read the one way that all others read it.
func TestOddRequests(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	in.start()
	r := newRaw(t, in)
	event := func(id string) string { return fmt.Sprintf(`{"event":"Odd","userId":"u","messageId":%q}`, id) }
	head := "POST /v1/track HTTP/1.1\r\nHost: x\r\n" + auth + "\r\n"
	chunked := func(b string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(b), b) }
	for _, c := range []struct {
		name, text string
		status     int
	}{
		{"two lengths", head + "Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + event("bad1"), 400},
		{"two lengths in one", head + "Content-Length: 5, 50\r\n\r\n" + event("bad2"), 400},
		{"a signed length", head + "Content-Length: +5\r\n\r\n" + event("bad3"), 400},
		{"a negative length", head + "Content-Length: -5\r\n\r\n" + event("bad4"), 400},
		{"a length that is none", head + "Content-Length: 0x20\r\n\r\n" + event("bad5"), 400},
		{"chunked twice", head + "Transfer-Encoding: chunked, chunked\r\n\r\n" + chunked(event("bad6")), 501},
		{"another coding", head + "Transfer-Encoding: xchunked\r\n\r\n" + chunked(event("bad7")), 501},
		{"a hidden coding", head + "Transfer-Encoding : chunked\r\n\r\n" + chunked(event("bad8")), 400},
		{"a folded header", head + "Content-Length:\r\n 5\r\n\r\n" + event("bad9"), 400},
		{"a chunk that is no number", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"no host", "POST /v1/track HTTP/1.1\r\n" + auth + "\r\nContent-Length: 2\r\n\r\n{}", 400},
		{"two hosts", head + "Host: y\r\nContent-Length: 2\r\n\r\n{}", 400},
		{"a zero in the address", "GET /healthz\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"a header too large", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", 431},
		{"an address too large", "GET /v1/pixel/track?writeKey=WEB_KEY&event=" + strings.Repeat("x", 40<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		{"many headers", "GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 8000) + "\r\n", 431},
		{"another version", "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", 505},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"expecting what there is not", head + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417},
		{"chunked", head + "Transfer-Encoding: chunked\r\n\r\n" + chunked(event("good1")), 200},
		{"an HTTP/1.0 client", "POST /v1/track HTTP/1.0\r\n" + auth + "\r\nContent-Length: 2\r\n\r\n{}", 200},
	} {
		if status, body := r.exchange(c.text); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, status, body, c.status)
		}
	}

	// A length beside chunks: the chunks are read, and what follows them is not taken for a request.
	smuggled := post("/v1/track", event("smuggled"), auth)
	b := chunked(event("good2"))
	c := r.dial(head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s", len(b)+len(smuggled), b) + smuggled)
	read := bufio.NewReader(c)
	if status, body := readAnswer(read); status != http.StatusOK {
		t.Errorf("a length beside chunks: %d %s", status, body)
	}
	if status, body := readAnswer(read); status != 0 {
		t.Errorf("what follows a request with two lengths is answered %d %s", status, body)
	}

	// Requests in a row, their answers in the same order.
	var row strings.Builder
	for i := range 50 {
		row.WriteString(post("/v1/track", event(fmt.Sprintf("row-%d", i)), auth))
		row.WriteString("GET /cluster-info HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	read = bufio.NewReader(r.dial(row.String()))
	for i := range 100 {
		want := `{"success":true}`
		if i%2 == 1 {
			want = `{"nodeCount":1}`
		}
		if status, body := readAnswer(read); status != 200 || body != want {
			t.Fatalf("answer %d of a row: %d %s", i, status, body)
		}
	}
	in.settle()
	if n := in.one("SELECT count(*) FROM events WHERE name = 'Odd' AND event_id LIKE 'row-%'"); n != "50" {
		t.Errorf("%s events of the row", n)
	}
	if n := in.one("SELECT count(*) FROM events WHERE event_id LIKE 'bad%' OR event_id = 'smuggled'"); n != "0" {
		t.Errorf("%s events of requests that were refused", n)
	}
}
