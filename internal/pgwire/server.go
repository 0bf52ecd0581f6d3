package pgwire

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/internal/token"
)

// Engine answers queries that its gate lets through, within its limits.
type Engine interface {
	// Describe answers the columns of a text and the types of its parameters, by the engine's names,
	// without running it. declared are those types that are known; "" for the others.
	Describe(ctx context.Context, text string, declared []string) ([]clientele.QueryColumn, []string, error)
	// Stream runs a text: head is called once, then row for each row, whose values are as in
	// clientele.QueryResult and which it may keep. cut says that there were more rows than the limit.
	Stream(ctx context.Context, text string, params []any, head func([]clientele.QueryColumn) error, row func([]any) error) (cut bool, err error)
}

// Catalogue is the engine of the database that Catalog has made.
type Catalogue interface {
	Engine
	Replace(ctx context.Context, statements string) error
}

// Tokens says who a password stands for; token.Store is one.
type Tokens interface {
	Check(ctx context.Context, secret string) (token.Principal, error)
}

// Options are what a Server is made of.
type Options struct {
	Data      Engine
	Tables    func() []clientele.QueryTable // as they are now
	Catalogue Catalogue
	Tokens    Tokens
	// Allow takes a query of a token from its rate: how long it has to wait instead, 0 for not at all.
	Allow func(name string) time.Duration
	// AllowAddress does the same for a login from an address.
	AllowAddress func(host string) time.Duration
	// Record keeps who asked what and how it ended. A query whose record fails is not answered.
	Record         func(by, act, sql string, err error) error
	TLS            *tls.Config   // nil: none; else connections without it are refused
	MaxConnections int           // of logged in clients
	LoginTime      time.Duration // for a connection to log in; 0 = 10 s
	WriteTime      time.Duration // for a client to take a piece of its answer; 0 = 30 s
	Log            *slog.Logger  // nil = discard
}

// Counts are how the endpoint is doing, since the start where they are totals.
type Counts struct {
	Connections, MaxConnections int64
	Logins                      map[string]uint64 // by outcome: ok, password, scope, tls, connections, rate
	Queries                     map[string]uint64 // by outcome: ok, cancelled, cut, error
	Rows, Bytes                 uint64
}

// Server is one endpoint.
type Server struct {
	o        Options
	log      *slog.Logger
	logins   chan struct{} // one token per connection that has not logged in
	open     atomic.Int64
	lastPID  atomic.Uint32
	rows     atomic.Uint64
	bytes    atomic.Uint64
	mu       sync.Mutex
	sessions map[uint32]*session
	counts   struct{ logins, queries map[string]uint64 }

	catalogue struct {
		sync.Mutex
		functions map[string]bool
		entries   string
	}
}

// maxLogins is how many connections may be on their way in: they hold little, and not for long.
const maxLogins = 64

// New makes a server.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LoginTime == 0 {
		o.LoginTime = 10 * time.Second
	}
	if o.WriteTime == 0 {
		o.WriteTime = 30 * time.Second
	}
	s := &Server{o: o, log: o.Log, logins: make(chan struct{}, maxLogins), sessions: map[uint32]*session{}}
	s.counts.logins, s.counts.queries = map[string]uint64{}, map[string]uint64{}
	_, rules := Catalog()
	s.catalogue.functions = rules.Functions
	return s
}

// Counts are the counts of now.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Connections: s.open.Load(), MaxConnections: int64(s.o.MaxConnections), Rows: s.rows.Load(), Bytes: s.bytes.Load(), Logins: map[string]uint64{}, Queries: map[string]uint64{}}
	for k, n := range s.counts.logins {
		c.Logins[k] = n
	}
	for k, n := range s.counts.queries {
		c.Queries[k] = n
	}
	return c
}

func (s *Server) countLogin(outcome string) {
	s.mu.Lock()
	s.counts.logins[outcome]++
	s.mu.Unlock()
}

func (s *Server) countQuery(outcome string) {
	s.mu.Lock()
	s.counts.queries[outcome]++
	s.mu.Unlock()
}

// errStopping ends the sessions when the server stops.
var errStopping = faultf("57P01", clientele.Unavailable, "the server is stopping").end()

func (f *fault) end() *fault {
	f.fatal = true
	return f
}

// Serve answers connections until the context ends, and returns when all of them are closed. It closes
// the listener.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(outer)) // which tells why it ends
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(errStopping)
	stop := context.AfterFunc(outer, func() {
		cancel(errStopping)
		_ = ln.Close() // Accept then fails, which is what it is for
	})
	defer stop()
	for {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			var temporary net.Error
			if errors.As(err, &temporary) && temporary.Timeout() {
				continue
			}
			if !again(ctx) { // descriptors may have run out
				return nil
			}
			s.log.Warn("accept", "error", err.Error())
			if errors.Is(err, net.ErrClosed) {
				return clientele.Errorf(clientele.Internal, "pgwire: %w", err)
			}
			continue
		}
		select {
		case s.logins <- struct{}{}:
		default:
			_ = conn.Close()
			s.countLogin("connections")
			continue
		}
		wg.Go(func() { s.serve(ctx, conn) })
	}
}

// again waits a moment; false when the context has ended.
func again(ctx context.Context) bool {
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve is one connection, from its first byte to its last.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	c := &session{s: s, conn: conn, status: idle, statements: map[string]*statement{}, portals: map[string]*portal{}, vars: map[string]string{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// What waits for the client's next message ends with the server.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	waiting := true
	admitted := func() {
		if waiting {
			<-s.logins
			waiting = false
		}
	}
	defer func() {
		if fault := recover(); fault != nil {
			s.log.Error("a connection failed", "error", fault, "pid", c.pid)
		}
		admitted()
		s.leave(c)
		c.closeAll()
		_ = c.conn.Close()
	}()
	if c.login(ctx) {
		admitted()
		c.loop(ctx)
	}
}

// enter counts a session in; false when there are too many.
func (s *Server) enter(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= s.o.MaxConnections {
		return false
	}
	for {
		c.pid = s.lastPID.Add(1) & 0x7fffffff
		if _, taken := s.sessions[c.pid]; !taken && c.pid != 0 {
			break
		}
	}
	s.sessions[c.pid] = c
	s.open.Store(int64(len(s.sessions)))
	return true
}

func (s *Server) leave(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[c.pid] == c {
		delete(s.sessions, c.pid)
	}
	s.open.Store(int64(len(s.sessions)))
}

// errCancelled is what a query ends with that its client has cancelled.
var errCancelled = faultf("57014", clientele.Unavailable, "the query was cancelled")

// cancelQuery ends the query of the session that has the key. A wrong key does nothing, and is told nothing.
func (s *Server) cancelQuery(pid uint32, key []byte) {
	s.mu.Lock()
	c := s.sessions[pid]
	s.mu.Unlock()
	if c != nil && subtle.ConstantTimeCompare(key, c.key) == 1 {
		c.interrupt(errCancelled)
	}
}
