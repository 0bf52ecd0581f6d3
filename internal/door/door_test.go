package door_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele/internal/door"
)

// patience is how long a test waits for what must come, on a machine that is busy with other things too.
const patience = time.Minute

// served is a door with a server behind it that answers with the length of the body, or 503 when
// it came too slowly. /wait answers when told to, /much with 8 MB.
type served struct {
	t    *testing.T
	door *door.Door
	addr string
	hold chan struct{}
}

func serve(t *testing.T, o door.Options) *served {
	t.Helper()
	s := &served{t: t, door: door.New(o), hold: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var slow net.Error
		switch {
		case errors.As(err, &slow) && slow.Timeout():
			w.WriteHeader(http.StatusServiceUnavailable)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			fmt.Fprint(w, len(b))
		}
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-s.hold
		fmt.Fprint(w, "waited")
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	mux.HandleFunc("/much", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 8<<20)) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	srv := s.door.Server(mux)
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(s.door.Listener(l)) })
	t.Cleanup(func() {
		select {
		case <-s.hold:
		default:
			close(s.hold)
		}
		_ = srv.Close()
		wg.Wait()
	})
	return s
}

// dial opens a connection and says something on it.
func (s *served) dial(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// answer reads one answer; status 0 when the connection ended instead.
func answer(c net.Conn) (status int, text string) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// until waits for the counts to be as wanted.
func (s *served) until(what string, ok func(door.Counts) bool) door.Counts {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		c := s.door.Counts()
		if ok(c) {
			return c
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: still %+v", what, c)
		}
		<-tick.C
	}
}

func open(n int) func(door.Counts) bool { return func(c door.Counts) bool { return c.Open == n } }

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// closedBy says whether the other side has closed the connection.
func closedBy(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, err := c.Read(make([]byte, 1))
	var slow net.Error
	return err != nil && !(errors.As(err, &slow) && slow.Timeout())
}

// Over the cap goes first who has sent nothing, then who is between requests, then whose body
// does not come; who waits for an answer of this program stays.
func TestWhoGoesFirst(t *testing.T) {
	t.Parallel()
	s := serve(t, door.Options{MaxConnections: 4, Patience: 10 * time.Millisecond})
	in := func(what string, want [4]int) {
		t.Helper()
		s.until(what, func(door.Counts) bool { return door.Phases(s.door) == want })
	}
	waiting := s.dial("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
	in("it waits", [4]int{0, 0, 0, 1})
	between := s.dial(get)
	if status, text := answer(between); status != 200 {
		t.Fatal(status, text)
	}
	half := s.dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n123")
	in("half a body", [4]int{0, 1, 1, 1})
	silent := s.dial("GET /")
	in("four", [4]int{1, 1, 1, 1})

	left := [4]int{1, 1, 1, 1}
	for i, out := range []struct {
		name string
		conn net.Conn
	}{{"the silent one", silent}, {"the one between requests", between}, {"the half body", half}} {
		<-time.After(30 * time.Millisecond) // all have had their time
		s.dial("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
		if !closedBy(out.conn) {
			t.Errorf("%s is still open", out.name)
		}
		left[i]--
		left[3]++
		in("the new one waits instead", left)
	}
	s.until("all wait", func(c door.Counts) bool { return c.Closed[door.Crowded] == 3 && c.Bodies >= 4*(16<<10+2) })
	one := s.dial("")
	if !closedBy(one) {
		t.Error("one too many, and nobody could go: it should be refused")
	}
	if c := s.door.Counts(); c.Closed[door.Refused] != 1 || c.Open != 4 || c.Max != 4 {
		t.Errorf("%+v", c)
	}
	close(s.hold)
	if status, text := answer(waiting); status != 200 || text != "waited" {
		t.Errorf("who waited is answered %d %s", status, text)
	}
	if status, text := answer(s.dial(get)); status != 200 {
		t.Errorf("afterwards: %d %s", status, text)
	}
}

// A body has to come at a rate: one that stops is told so, one that comes slowly but steadily is
// taken.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := serve(t, door.Options{BodyGrace: 300 * time.Millisecond})
	start := time.Now()
	status, text := answer(s.dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n123"))
	if took := time.Since(start); status != 503 || took < 250*time.Millisecond || took > 5*time.Second {
		t.Errorf("a body that stops: %d %s after %s", status, text, took)
	}
	// A body whose request was refused before it was read does not hold the connection either.
	c := s.dial("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n123")
	if status, text := answer(c); status != 401 {
		t.Errorf("refused: %d %s", status, text)
	}
	s.until("it is closed", open(0))

	// 40 KB in pieces over more than the grace: the rate allows for it.
	slow := s.dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40960\r\n\r\n")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 10 {
		if _, err := slow.Write(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	if status, text := answer(slow); status != 200 || text != "40960" {
		t.Errorf("a steady body: %d %s", status, text)
	}
}

// After its body a request has the time it needs: the limit was the body's.
func TestSlowHandlerKeepsItsClient(t *testing.T) {
	t.Parallel()
	gone := make(chan bool, 1)
	d := door.New(door.Options{BodyGrace: 50 * time.Millisecond, HeaderTime: 50 * time.Millisecond})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := d.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			gone <- true
		case <-time.After(300 * time.Millisecond):
			gone <- false
		}
	}))
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(d.Listener(l)) })
	defer wg.Wait()
	defer srv.Close()
	for _, body := range []string{"", "hello"} {
		resp, err := http.Post("http://"+l.Addr().String(), "text/plain", strings.NewReader(body))
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("body %q: %v", body, err)
		}
		resp.Body.Close()
		if <-gone {
			t.Errorf("body %q: the request was given up", body)
		}
	}
}

// Bodies over their memory: those that began first are given up, whoever comes whole is served.
func TestBodyMemory(t *testing.T) {
	var logged bytes.Buffer
	s := serve(t, door.Options{BodyMemory: 1 << 20, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	var slow []net.Conn
	for range 20 {
		slow = append(slow, s.dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"+strings.Repeat("x", 200_000)))
	}
	c := s.until("the first are given up", func(c door.Counts) bool { return c.Closed[door.Heavy] >= 15 })
	if c.Bodies > 1<<20+64<<10 {
		t.Errorf("%d bytes of bodies", c.Bodies)
	}
	for i := range 5 {
		if status, text := answer(s.dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + strings.Repeat("x", 400_000))); status != 200 || text != "400000" {
			t.Errorf("honest body %d: %d %s", i, status, text)
		}
	}
	if status, text := answer(slow[0]); status != 503 {
		t.Errorf("the first is answered %d %s", status, text)
	}
	for _, c := range slow {
		_ = c.Close()
	}
	s.until("all is given back", func(c door.Counts) bool { return c.Bodies == 0 })
}

// A client that never reads loses its connection when others need it.
func TestNeverReading(t *testing.T) {
	t.Parallel()
	s := serve(t, door.Options{MaxConnections: 2, AnswerGrace: time.Minute})
	for range 2 {
		s.dial("GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	s.until("both are open", open(2))
	deadline := time.Now().Add(patience)
	for {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, get)
		status, _ := answer(c)
		_ = c.Close()
		if status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("two clients that never read keep all others out")
		}
	}
	// And without need after its time.
	s = serve(t, door.Options{AnswerGrace: 100 * time.Millisecond})
	s.dial("GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
	s.until("open", open(1))
	// 8 MB at the slowest rate would be half an hour: only what is written piece by piece is cut soon.
	s.dial("GET /much HTTP/1.1\r\nHost: x\r\n\r\n").Close()
	s.until("the other one is gone", open(1))
}

// Many requests at once over a small door: everything is booked back.
func TestBooks(t *testing.T) {
	s := serve(t, door.Options{MaxConnections: 8})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}, Timeout: patience}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				resp, err := client.Post("http://"+s.addr, "text/plain", strings.NewReader(strings.Repeat("x", 1000*i+j)))
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(b) != fmt.Sprint(1000*i+j) {
					t.Errorf("answered %s", b)
				}
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	s.until("all is given back", func(c door.Counts) bool { return c.Bodies == 0 && c.Open == 0 })
	if c := s.door.Counts(); len(c.Closed) > 0 {
		t.Errorf("%+v", c)
	}
}
