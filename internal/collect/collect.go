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
	"net/url"
	"runtime"
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
	// Edge is what is taken out of its events; nil for nothing.
	Edge *Edge
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
	// PublicURL is where clients reach this server, such as https://data.shop.example. When empty, the
	// settings that libraries fetch name the host that they asked.
	PublicURL string
	// SDKDir holds the browser library; see sdk. When empty, it is not served.
	SDKDir  string
	Version string // of this program, for those who ask
	// Personal answers browsers that ask what to show; nil: nobody does.
	Personal Personal
	// EdgeKey is the key of the hashes that sources' Edge asks for.
	EdgeKey []byte
	// RateLimit is how many requests a second one source may send, in bursts of a second; 0 is no limit.
	RateLimit int
}

// Handler serves the collect API. It is safe for use by many requests at once.
type Handler struct {
	log      Appender
	sources  func(string) (Source, bool)
	now      func() time.Time
	logger   *slog.Logger
	clientIP func(*http.Request) string
	public   *url.URL // nil when not told
	version  string
	sdk      *sdk
	limit    atomic.Pointer[limiter] // nil for none
	edgeKey  []byte
	personal Personal
	mux      *http.ServeMux
	desks    chan struct{} // holds one for each large request that is being cut
	unpack   sync.Pool     // of *unpacker
	room     *room
	scratch  sync.Pool   // of *scratch
	refusing atomic.Bool // the log took nothing at the last attempt
	refusals refusals
}

// New makes a Handler.
func New(o Options) *Handler {
	h := &Handler{log: o.Log, sources: o.Sources, now: o.Now, logger: o.Logger, clientIP: o.ClientIP, edgeKey: o.EdgeKey, personal: o.Personal, version: o.Version, sdk: &sdk{dir: o.SDKDir}}
	if h.now == nil {
		h.now = time.Now
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.clientIP == nil {
		h.clientIP = peer
	}
	h.SetRateLimit(o.RateLimit)
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		h.public = u
	}
	h.desks, h.room = make(chan struct{}, max(2, runtime.GOMAXPROCS(0))), newRoom()
	h.unpack.New = func() any { return new(unpacker) }
	h.scratch.New = func() any { return new(scratch) }
	h.mux = http.NewServeMux()
	h.Register(h.mux)
	return h
}

// SetRateLimit is Options.RateLimit from now on.
func (h *Handler) SetRateLimit(n int) {
	if n <= 0 {
		h.limit.Store(nil)
		return
	}
	h.limit.Store(&limiter{interval: time.Second / time.Duration(n), due: map[string]time.Time{}})
}

// ServeHTTP serves the same routes without a mux of the caller's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, typ string) {
	if !begin(w, r, http.MethodPost) {
		return
	}
	s := h.scratch.Get().(*scratch)
	if err := h.accept(w, r, typ, s); err != nil {
		h.fail(w, r, "events", err)
	} else {
		accepted(w)
	}
	h.release(s)
}

// release keeps the memory for the next request. The log may still be reading what it did not
// acknowledge: that memory is not used again.
func (h *Handler) release(s *scratch) {
	if !s.handedOver && s.reset() {
		h.scratch.Put(s)
	}
}

// accept takes a request's events to the log.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, typ string, s *scratch) error {
	f, err := h.framer(r, typ, s)
	if err != nil {
		return err
	}
	body, err := s.readBody(w, r)
	if err != nil {
		return err
	}
	return h.keep(r, &f, body, nil)
}

// framer begins a request: what its headers say, its key among them.
func (h *Handler) framer(r *http.Request, typ string, s *scratch) (framer, error) {
	f := framer{s: s, sources: h.sources, limit: h.limit.Load(), edgeKey: h.edgeKey, at: h.now(), typ: typ,
		origin: r.Header.Get("Origin"), gpc: r.Header.Get("Sec-GPC") == "1", ip: cleanIP(h.clientIP(r))}
	f.received = clientele.MicrosOf(f.at)
	return f, f.headerKey(r)
}

// keep cuts the body into records and has the log take them. Once its body is here a request is carried through,
// whether or not its client still listens: one that has closed its side of the connection after
// sending may still read the answer.
func (h *Handler) keep(r *http.Request, f *framer, body []byte, rewrite func([]byte) ([]byte, error)) error {
	taken, err := h.cut(f, body, r.URL.RawQuery, rewrite)
	if err != nil {
		return err
	}
	defer h.room.leave(taken)
	f.s.handedOver = true
	if _, err := h.log.Append(context.WithoutCancel(r.Context()), clientele.KindEvent, f.s.records); err != nil {
		return &appendError{err}
	}
	f.s.handedOver = false
	if h.refusing.Load() && h.refusing.CompareAndSwap(true, false) {
		h.logger.Info("the log takes events again")
	}
	return nil
}

// cut makes the request's records. A small body can become large, packed or with the batch's
// context in each event. Those that do, whatever they looked like, are cut a few at a time, so that
// others do not wait for them; and what they became has to find room, which it then has to leave.
func (h *Handler) cut(f *framer, body []byte, query string, rewrite func([]byte) ([]byte, error)) (taken int, err error) {
	seated := false
	f.large = func() {
		if !seated {
			h.desks <- struct{}{}
			seated = true
		}
	}
	defer func() {
		if seated {
			<-h.desks
		}
	}()
	sent := len(body)
	if sent > roomUnit {
		f.large()
	}
	u := h.unpack.Get().(*unpacker)
	body, err = f.s.unpack(body, u, f.large)
	h.unpack.Put(u)
	if err != nil {
		return 0, err
	}
	if rewrite != nil {
		if body, err = rewrite(body); err != nil {
			return 0, err
		}
	}
	if err := f.frame(body, query); err != nil {
		return 0, err
	}
	return h.room.take(max(len(body)-sent, 0) + f.total), nil
}

// appendError tells the log's errors from those of the request.
type appendError struct{ err error }

func (e *appendError) Error() string { return "append: " + e.err.Error() }
func (e *appendError) Unwrap() error { return e.err }

// fail answers with the error. What is wrong with a request is told to its client alone; what
// is wrong with the log is logged too, once until it has taken something again.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, endpoint string, err error) {
	h.refusals.count(endpoint, err)
	var fromLog *appendError
	if errors.As(err, &fromLog) {
		h.refused(err)
		if clientele.ErrorCode(err) != clientele.Unavailable {
			err = clientele.Errorf(clientele.Internal, "the events could not be stored")
		} else {
			err = clientele.Errorf(clientele.Unavailable, "the events cannot be stored now: send them again later, with the same message ids")
		}
	}
	refuse(w, 0, err)
}

// refused logs that the log took nothing, once until it takes something again.
func (h *Handler) refused(err error) {
	if h.refusing.CompareAndSwap(false, true) {
		h.logger.Error("the log does not take events: clients are told to try again", "error", err.Error(), "hint", clientele.ErrorHint(err))
	}
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
