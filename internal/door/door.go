// Package door stands between the network and the handlers. It bounds what clients that nobody
// knows yet can hold of this machine: connections and the descriptors under them, the memory of
// bodies on their way in, and time. A flood takes no more than its share: where something runs
// short, the connection that has shown the least for the longest time is closed, so that whoever
// sends a request and reads its answer is served.
package door

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The times a client has, unless Options say otherwise.
const (
	// HeaderTime is for the whole header, from the first byte or from the connection's beginning.
	HeaderTime = 10 * time.Second
	// BodyGrace is how long a body may take to begin; from then on it has to come at BodyRate on
	// the average. 500 KB have 135 s: a telephone on its slowest network (GPRS) makes that.
	BodyGrace = 10 * time.Second
	BodyRate  = 4 << 10 // bytes a second
	// AnswerGrace and AnswerRate are the same for the client's reading of each piece of the answer.
	AnswerGrace = 30 * time.Second
	AnswerRate  = 4 << 10
	// Patience is what each connection has to say something, however many others come: within it
	// none is closed for others, and new ones wait.
	Patience = 500 * time.Millisecond
	// IdleTime is how long a connection may stay open between two requests.
	IdleTime = 2 * time.Minute
	// MaxHeaderBytes is the longest header, the address included.
	MaxHeaderBytes = 32 << 10
)

// The limits that Options have when they say nothing.
const (
	MaxConnections = 4096
	BodyMemory     = 64 << 20
)

// Options are the limits of a Door; a zero is the constant of that name.
type Options struct {
	// MaxConnections are open at once. It is lowered to half of the descriptors that the
	// process may have: the rest is for the stores, whatever clients do.
	MaxConnections int
	// BodyMemory is how many bytes of bodies may be in memory before the bodies that began
	// first, and are not there yet, are given up.
	BodyMemory                                             int64
	HeaderTime, BodyGrace, AnswerGrace, IdleTime, Patience time.Duration
	Logger                                                 *slog.Logger // default: nothing is logged
	// Context is the context of a request with what handlers want to note in it; default: as it is. The door makes a
	// copy of each request anyway.
	Context func(context.Context) context.Context
}

// Reason is why a connection was closed.
type Reason string

// The reasons.
const (
	Crowded Reason = "connections" // others needed the connection
	Heavy   Reason = "body_memory" // others needed the memory of its body
	Refused Reason = "refused"     // it was one too many, and nothing could be closed for it
)

// Counts are how the door is doing.
type Counts struct {
	Open   int   // connections
	Max    int   // of them
	Bodies int64 // bytes of bodies in memory
	Closed map[Reason]uint64
}

// phase is what a connection does. Each phase has a list of its connections, those first that
// have been in it the longest.
type phase int

const (
	fresh  phase = iota // no request of it has come in whole
	idle                // between two requests
	body                // the body of a request comes in
	answer              // a request is being answered
	phases
)

// Door holds the connections of one server.
type Door struct {
	o      Options
	max    int
	logger *slog.Logger

	mu     sync.Mutex
	lists  [phases]list.List // of *conn
	open   int
	bodies int64
	closed map[Reason]uint64
}

// New makes a Door.
func New(o Options) *Door {
	d := &Door{o: o, logger: o.Logger, closed: map[Reason]uint64{}}
	if d.logger == nil {
		d.logger = slog.New(slog.DiscardHandler)
	}
	orElse(&d.o.MaxConnections, MaxConnections)
	orElse(&d.o.BodyMemory, BodyMemory)
	orElse(&d.o.HeaderTime, HeaderTime)
	orElse(&d.o.BodyGrace, BodyGrace)
	orElse(&d.o.AnswerGrace, AnswerGrace)
	orElse(&d.o.IdleTime, IdleTime)
	orElse(&d.o.Patience, Patience)
	if d.o.Context == nil {
		d.o.Context = func(ctx context.Context) context.Context { return ctx }
	}
	d.max = d.o.MaxConnections
	if n := descriptors(); n > 0 && d.max > n/2 {
		d.max = max(n/2, 1)
		d.logger.Warn("connections are limited by the descriptors that the process may have", "connections", d.max, "descriptors", n,
			"hint", "raise the limit of open files (ulimit -n, LimitNOFILE) to twice http.max_connections")
	}
	return d
}

func orElse[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

// Server is a server for the handler that keeps to the door's limits on the listeners that
// Listener gives. It has no time limit of its own for a whole request: the door's are by the
// byte, and operations that take long bound themselves.
func (d *Door) Server(next http.Handler) *http.Server {
	return &http.Server{
		Handler:           d.handler(next),
		ReadHeaderTimeout: d.o.HeaderTime,
		IdleTimeout:       d.o.IdleTime,
		MaxHeaderBytes:    MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(d.logger.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, below(c))
		},
		ConnState: func(c net.Conn, s http.ConnState) {
			if c, ours := below(c).(*conn); ours && s == http.StateIdle {
				d.move(c, idle)
			}
		},
	}
}

// Counts are the counts of now.
func (d *Door) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := Counts{Open: d.open, Max: d.max, Bodies: d.bodies, Closed: make(map[Reason]uint64, len(d.closed))}
	for r, n := range d.closed {
		c.Closed[r] = n
	}
	return c
}

// below is the connection under TLS.
func below(c net.Conn) net.Conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return c
}

type connKey struct{}

// handler tells the door what each connection does, and bounds its body.
func (d *Door) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ours := r.Context().Value(connKey{}).(*conn)
		if !ours {
			next.ServeHTTP(w, r)
			return
		}
		// A copy: the server, which knows by its own body how much is to come, would wait for 256 KB of a
		// stranger's before it lets a refusal out.
		r = r.WithContext(d.o.Context(r.Context()))
		if r.Body == nil || r.Body == http.NoBody {
			d.move(c, answer)
		} else {
			d.begin(c)
			b := &reader{ReadCloser: r.Body, conn: c, began: time.Now()}
			b.extend()
			r.Body = b
		}
		if len(r.TransferEncoding) > 0 {
			// It may have had a length too, which the server has passed over. A proxy that went by
			// the length takes the rest for the body: it must not become a request here.
			w.Header().Set("Connection", "close")
		}
		defer d.release(c)
		next.ServeHTTP(w, r)
	})
}

// atMost is how long a new connection waits when nothing can be closed for it, and again how long
// between two looks when all others wait for this program.
const (
	atMost = 2 * time.Second
	look   = 10 * time.Millisecond
)

// enter takes a new connection in, and closes another for it where there are too many. Otherwise wait is
// how long to wait before the next try, 0 when there is nothing to wait for.
func (d *Door) enter(c *conn) (wait time.Duration, ok bool) {
	now := time.Now()
	d.mu.Lock()
	var out *conn
	if d.open >= d.max {
		if out, wait = d.least(now); out == nil {
			d.mu.Unlock()
			return wait, false
		}
		d.drop(out, Crowded)
	}
	c.since = now
	c.at = d.lists[fresh].PushBack(c)
	d.open++
	d.mu.Unlock()
	if out != nil {
		out.abort()
	}
	return 0, true
}

// least is the connection that is missed least: one that has not sent a request yet, then one
// that is between two requests, then one whose body does not come, then one that does not read its
// answer. nil when there is none now; then wait is when there may be one, 0 when all connections wait
// for this program. The lock is held.
func (d *Door) least(now time.Time) (c *conn, wait time.Duration) {
	for p := fresh; p <= body; p++ {
		e := d.lists[p].Front()
		if e == nil {
			continue
		}
		c := e.Value.(*conn)
		left := d.o.Patience - now.Sub(c.since)
		if left <= 0 {
			return c, 0
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	for e := d.lists[answer].Front(); e != nil; e = e.Next() {
		if c := e.Value.(*conn); c.stuck(now) {
			return c, 0
		}
	}
	return nil, wait
}

// drop forgets a connection that is then to be aborted. The lock is held.
func (d *Door) drop(c *conn, why Reason) {
	d.forget(c)
	d.count(why)
}

// count counts, and logs the 1st, 2nd, 4th, 8th, ... of its kind. The lock is held.
func (d *Door) count(why Reason) {
	d.closed[why]++
	if n := d.closed[why]; n&(n-1) == 0 {
		d.logger.Warn("a connection was closed for others", "reason", string(why), "count", n, "open", d.open, "body_bytes", d.bodies)
	}
}

// forget takes the connection and its body off the books. The lock is held.
func (d *Door) forget(c *conn) {
	if c.at == nil {
		return
	}
	d.lists[c.phase].Remove(c.at)
	c.at = nil
	d.open--
	d.bodies -= c.bytes
	c.bytes = 0
}

// leave is forget for a connection that closes by itself.
func (d *Door) leave(c *conn) {
	d.mu.Lock()
	d.forget(c)
	d.mu.Unlock()
}

func (d *Door) move(c *conn, to phase) {
	d.mu.Lock()
	d.moveLocked(c, to)
	d.mu.Unlock()
}

func (d *Door) moveLocked(c *conn, to phase) {
	if c.at == nil {
		return
	}
	c.since = time.Now()
	if c.phase == to {
		d.lists[to].MoveToBack(c.at)
		return
	}
	d.lists[c.phase].Remove(c.at)
	c.phase = to
	c.at = d.lists[to].PushBack(c)
}

// bodyBase is what a body is booked with before its first byte: a buffer is there to read it into.
const bodyBase = 16 << 10

// begin notes that a request has a body.
func (d *Door) begin(c *conn) {
	d.move(c, body)
	d.took(c, bodyBase, false)
}

// took books n bytes of the connection's body; over says that it was its end. Where bodies are over
// their memory, those that began first and are not whole yet are given up: a body
// that comes as it should is whole long before it is the oldest. Their requests are answered 503.
func (d *Door) took(c *conn, n int, over bool) {
	var out []*conn
	d.mu.Lock()
	if c.at != nil {
		c.bytes += int64(n)
		d.bodies += int64(n)
		if over {
			d.moveLocked(c, answer)
		}
		for d.bodies > d.o.BodyMemory {
			e := d.lists[body].Front()
			if e == nil {
				break // all are whole: they are worked off
			}
			out = append(out, e.Value.(*conn))
			d.drop(e.Value.(*conn), Heavy)
		}
	}
	d.mu.Unlock()
	for _, c := range out {
		c.giveUp()
	}
}

// release takes the body of an answered request off the books.
func (d *Door) release(c *conn) {
	d.mu.Lock()
	d.bodies -= c.bytes
	c.bytes = 0
	d.mu.Unlock()
}

// Listener gives the server connections that the door knows.
func (d *Door) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, door: d, ended: make(chan struct{})}
}

type listener struct {
	net.Listener
	door  *Door
	ended chan struct{}
	end   sync.Once
}

// Close also ends an Accept that waits for room.
func (l *listener) Close() error {
	l.end.Do(func() { close(l.ended) })
	return l.Listener.Close()
}

// Accept waits for a connection that has room.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			if exhausted(err) {
				l.door.spare()
			}
			return nil, err
		}
		c := &conn{Conn: raw, door: l.door}
		if l.admit(c) {
			return c, nil
		}
		c.abort()
	}
}

// admit waits until there is room for the connection; false when there will be none soon.
func (l *listener) admit(c *conn) bool {
	until := time.Now().Add(atMost)
	for {
		wait, ok := l.door.enter(c)
		if ok {
			return true
		}
		left := time.Until(until)
		if left <= 0 {
			l.door.mu.Lock()
			l.door.count(Refused)
			l.door.mu.Unlock()
			return false
		}
		if wait == 0 {
			wait = look // what waits for this program may be done in a moment
		}
		t := time.NewTimer(min(wait, left))
		select {
		case <-t.C:
		case <-l.ended:
			t.Stop()
			return false
		}
	}
}

// spare closes a connection when descriptors have run out all the same. The server tries again.
func (d *Door) spare() {
	d.mu.Lock()
	c, _ := d.least(time.Now())
	if c != nil {
		d.drop(c, Crowded)
	}
	d.mu.Unlock()
	if c != nil {
		c.abort()
	}
}

// errGone is what the owner of a connection sees that the door has closed.
var errGone = errors.New("the connection was closed for others")
