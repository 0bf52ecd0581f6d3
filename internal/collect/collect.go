// Package collect is the HTTP front door: it finds out who is sending, cuts a request into
// events, checks their size and shape, adds what only it knows (the time of arrival, the type
// in the path, what the batch says of all its events) and appends them to the log. It speaks
// the wire protocol of the Segment and RudderStack libraries. It never reads an event's
// meaning: that is the resolver's work.
//
// A request is answered 200 only after the log has its events on disk. What can be framed is
// never refused: a bad event goes to the log with a verdict and ends in quarantine, and its
// neighbours are not hurt.
package collect

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
)

// Appender is the log. Append returns nil only when every record is on disk, in the order
// given. The records' bytes belong to the caller again once it has returned nil; after an
// error they are the log's to keep. Unavailable means that the same records can be sent again
// later; what was taken nevertheless is recognised by its message ids.
type Appender interface {
	Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error)
}

// Source is who sends events: a site, an app, a server.
type Source struct {
	Name     string
	WriteKey string
	// Server says that no person is behind the connection: its address is not kept.
	Server bool
	// AllowedOrigins are the origins whose pages may use the key (https://shop.example); none means any.
	AllowedOrigins []string
}

// Options are what a Handler needs. Log and Sources are required.
type Options struct {
	Log Appender
	// Sources finds the source of a write key. It must not take longer for a nearly right key.
	Sources func(writeKey string) (Source, bool)
	Now     func() time.Time // default time.Now
	Logger  *slog.Logger     // default: nothing is logged
	// ClientIP is the address of the person behind the request, "" when it is not known. The
	// default is the peer of the connection: forwarding headers are believed only by whoever
	// knows the proxy that writes them.
	ClientIP func(*http.Request) string
}

// Handler serves the collect API. It is safe for use by many requests at once.
type Handler struct {
	log      Appender
	sources  func(string) (Source, bool)
	now      func() time.Time
	logger   *slog.Logger
	clientIP func(*http.Request) string
	mux      *http.ServeMux
	scratch  sync.Pool   // of *scratch
	refusing atomic.Bool // the log took nothing at the last attempt
}

// New makes a Handler.
func New(o Options) *Handler {
	h := &Handler{log: o.Log, sources: o.Sources, now: o.Now, logger: o.Logger, clientIP: o.ClientIP}
	if h.now == nil {
		h.now = time.Now
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.clientIP == nil {
		h.clientIP = peer
	}
	h.scratch.New = func() any { return new(scratch) }
	h.mux = http.NewServeMux()
	h.Register(h.mux)
	return h
}

// endpoint is a path under /v1/. A batch carries many events, anything else is one event
// whose type is in the path.
type endpoint struct {
	names []string // the long name and the letter that browser libraries use
	typ   string   // "" for batches
}

var endpoints = []endpoint{
	{[]string{"track", "t"}, "track"},
	{[]string{"identify", "i"}, "identify"},
	{[]string{"page", "p"}, "page"},
	{[]string{"screen", "s"}, "screen"},
	{[]string{"group", "g"}, "group"},
	{[]string{"alias", "a"}, "alias"},
	{[]string{"batch", "b", "import"}, ""},
}

// Register adds the routes to a mux.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, e := range endpoints {
		for _, name := range e.names {
			mux.HandleFunc("/v1/"+name, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, e.typ) })
		}
	}
}

// ServeHTTP serves the same routes without a mux of the caller's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, typ string) {
	if allowOrigin(w.Header(), r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST, OPTIONS")
		refuse(w, http.StatusMethodNotAllowed, clientele.Errorf(clientele.Invalid, "events are sent with POST"))
		return
	}
	s := h.scratch.Get().(*scratch)
	err := h.accept(w, r, typ, s)
	if err != nil {
		h.fail(w, r, err)
		// The log may still be reading what it did not acknowledge, so the memory is not used again.
		if s.handedOver {
			return
		}
	} else {
		accepted(w)
	}
	if s.reset() {
		h.scratch.Put(s)
	}
}

// accept takes a request's events to the log.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, typ string, s *scratch) error {
	f := framer{s: s, sources: h.sources, received: clientele.MicrosOf(h.now()), typ: typ,
		origin: r.Header.Get("Origin"), ip: cleanIP(h.clientIP(r))}
	if err := f.headerKey(r); err != nil {
		return err
	}
	body, err := s.readBody(w, r)
	if err != nil {
		return err
	}
	if err := f.frame(body, r.URL.RawQuery); err != nil {
		return err
	}
	s.handedOver = true
	if _, err := h.log.Append(r.Context(), clientele.KindEvent, s.records); err != nil {
		return &appendError{err}
	}
	s.handedOver = false
	if h.refusing.Load() && h.refusing.CompareAndSwap(true, false) {
		h.logger.Info("the log takes events again")
	}
	return nil
}

// appendError tells the log's errors from those of the request.
type appendError struct{ err error }

func (e *appendError) Error() string { return "append: " + e.err.Error() }
func (e *appendError) Unwrap() error { return e.err }

// fail answers with the error. What is wrong with a request is told to its client alone; what
// is wrong with the log is logged too, once until it has taken something again.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var fromLog *appendError
	if errors.As(err, &fromLog) {
		if r.Context().Err() != nil {
			return // nobody is there to be answered
		}
		if h.refusing.CompareAndSwap(false, true) {
			h.logger.Error("the log does not take events: clients are told to try again", "err", err, "hint", clientele.ErrorHint(err))
		}
		if clientele.ErrorCode(err) != clientele.Unavailable {
			err = clientele.Errorf(clientele.Internal, "the events could not be stored")
		} else {
			err = clientele.Errorf(clientele.Unavailable, "the events cannot be stored now: send them again later, with the same message ids")
		}
	}
	refuse(w, 0, err)
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
