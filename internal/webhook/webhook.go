// Package webhook takes what other systems call in: it checks who signed a call, cuts its body
// into JSON documents, has each mapped to rows and events, and appends them to the log. Without a
// mapping a document becomes one track event as it is.
//
// A call is answered 200 only after the log has its records on disk. A call that is rightly signed
// is never refused for what it says: a document that cannot be mapped goes to quarantine.
package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
)

// Appender is the log. Append returns nil only when every record is on disk. Unavailable means
// that the same records can be sent again later.
type Appender interface {
	Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) (clientele.Position, error)
}

// Mapper says what a document becomes: the Raw of KindRow and of KindEvent records, all of
// them or an error. The same document must give the same ids. Many calls at once must be safe.
type Mapper interface {
	MapDocument(document []byte) (rows, events [][]byte, err error)
}

// Source is a system that calls.
type Source struct {
	Name      string
	Signature Signature
	Mapper    Mapper // nil: each document is one track event, and the fields below say more of it

	Event       string // its name when nothing else says it
	EventHeader string // the header that holds its name,
	EventField  string // or the member of the document, such as data.type
	IDHeader    string // what tells a delivery from its repetition: a header,
	IDField     string // or a member; without both the document itself
}

// Options are what a Handler needs. Log is required.
type Options struct {
	Log     Appender
	Sources []Source
	Now     func() time.Time // default time.Now
	Logger  *slog.Logger     // default: nothing is logged
}

// Limits of a call.
const (
	MaxBodyBytes   = 1 << 20
	maxRecordBytes = 16 << 20 // of what it becomes
	maxBusy        = 32       // calls that are mapped and stored at once; others wait
)

// Handler serves POST /webhooks/{source}. It is safe for use by many requests at once.
type Handler struct {
	log     Appender
	sources atomic.Pointer[map[string]*source]
	now     func() time.Time
	logger  *slog.Logger
	busy    chan struct{} // holds one for each call that is mapped and stored

	mu       sync.Mutex
	refusals map[Refusal]uint64
}

type source struct {
	Source
	verifier *verifier
}

// New makes a Handler. Invalid when a source's signature cannot be checked as it is told.
func New(o Options) (*Handler, error) {
	h := &Handler{log: o.Log, now: o.Now, logger: o.Logger, busy: make(chan struct{}, maxBusy), refusals: map[Refusal]uint64{}}
	if h.now == nil {
		h.now = time.Now
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if err := h.SetSources(o.Sources); err != nil {
		return nil, err
	}
	return h, nil
}

// SetSources is Options.Sources from now on; calls under way end as they began. Invalid, and nothing
// changed, when a source's signature cannot be checked as it is told.
func (h *Handler) SetSources(list []Source) error {
	sources := map[string]*source{}
	for _, s := range list {
		v, err := newVerifier(s.Signature)
		if err != nil {
			return clientele.Errorf(clientele.Invalid, "source %s: webhook: %w", s.Name, err).WithHint("%s", clientele.ErrorHint(err))
		}
		if s.Event == "" {
			s.Event = "Webhook Received"
		}
		sources[s.Name] = &source{s, v}
	}
	h.sources.Store(&sources)
	return nil
}

// Register adds the route to a mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("/webhooks/{source}", h.serve)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		answer(w, http.StatusMethodNotAllowed, clientele.Invalid, "webhooks are sent with POST")
		return
	}
	s, ok := (*h.sources.Load())[r.PathValue("source")]
	if !ok {
		h.refuse(w, "", clientele.Errorf(clientele.NotFound, "there is no source of this name that takes webhooks"))
		return
	}
	if err := h.accept(w, r, s); err != nil {
		h.refuse(w, s.Name, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"success":true}`)
}

// accept takes what the call brings to the log.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, s *source) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	now := h.now()
	if err := s.verifier.verify(r.Header, r.URL.RawQuery, body, now); err != nil {
		return err
	}
	h.busy <- struct{}{}
	defer func() { <-h.busy }()
	b := batch{source: s, header: r.Header, at: clientele.MicrosOf(now), seen: map[string]int{}}
	list, err := documents(r.Header.Get("Content-Type"), body)
	switch {
	case clientele.ErrorCode(err) == clientele.TooLarge:
		return err
	case err != nil:
		b.quarantine(0, body, err)
	}
	for i, document := range list {
		b.add(i, document)
	}
	// Once its body is here a call is carried through, whether or not its sender still listens.
	return h.keep(context.WithoutCancel(r.Context()), &b)
}

// keep appends what a call has become. Rows go first: when the events then cannot be stored the
// sender comes again, and the rows are known by their ids.
func (h *Handler) keep(ctx context.Context, b *batch) error {
	if b.size > maxRecordBytes {
		return clientele.Errorf(clientele.TooLarge, "what the call becomes is over %d MB", maxRecordBytes>>20).WithHint("let the sender make smaller batches")
	}
	for _, part := range []struct {
		kind    clientele.Kind
		records []clientele.Record
	}{{clientele.KindRow, b.rows}, {clientele.KindEvent, b.events}} {
		if len(part.records) == 0 {
			continue
		}
		if _, err := h.log.Append(ctx, part.kind, part.records); err != nil {
			return &appendError{err}
		}
	}
	return nil
}

// readBody is the body as it came: what is signed is these bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	default:
		return nil, clientele.Errorf(clientele.Invalid, "the body is packed").WithHint("let the sender send it unpacked")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	var over *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &over):
		return nil, clientele.Errorf(clientele.TooLarge, "a call holds at most %d MB", MaxBodyBytes>>20)
	case errors.As(err, &slow) && slow.Timeout():
		return nil, errSlow
	case err != nil:
		return nil, clientele.Errorf(clientele.Invalid, "the body could not be read to its end")
	}
	return b, nil
}

var errSlow = errors.New("the body came too slowly")

// appendError tells the log's errors from those of the call.
type appendError struct{ err error }

func (e *appendError) Error() string { return "append: " + e.err.Error() }
func (e *appendError) Unwrap() error { return e.err }

// batch gathers the records of one call.
type batch struct {
	source       *source
	header       http.Header
	at           clientele.Micros
	rows, events []clientele.Record
	size         int
	seen         map[string]int // ids made of documents: equal ones of one call are told apart
}

// add makes records of a document; one that cannot be used goes to quarantine.
func (b *batch) add(i int, document []byte) {
	if err := b.use(i, document); err != nil {
		b.quarantine(i, document, err)
	}
}

// use makes records of a document, all of them or, with an error, none.
func (b *batch) use(i int, document []byte) error {
	if document[0] != '{' {
		return clientele.Errorf(clientele.Invalid, "the document is not a JSON object")
	}
	if b.source.Mapper == nil {
		return b.event(i, document)
	}
	rows, events, err := b.source.Mapper.MapDocument(document)
	if err != nil {
		return err
	}
	for _, raw := range rows {
		b.rows = append(b.rows, b.record(clientele.Accepted, raw))
	}
	for _, raw := range events {
		b.events = append(b.events, b.record(clientele.Accepted, raw))
	}
	return nil
}

func (b *batch) record(verdict clientele.Verdict, raw []byte) clientele.Record {
	if len(raw) > clientele.MaxEventBytes && verdict == clientele.Accepted {
		verdict, raw = clientele.Oversize, raw[:clientele.OversizeKept]
	}
	b.size += len(raw)
	return clientele.Record{Source: b.source.Name, ReceivedAt: b.at, Verdict: verdict, Raw: raw}
}

// event makes a track event of a document.
func (b *batch) event(i int, document []byte) error {
	s := b.source
	name := s.Event
	if v := b.header.Get(s.EventHeader); s.EventHeader != "" && v != "" {
		name = v
	} else if s.EventField != "" {
		if v := member(document, s.EventField); v != "" {
			name = v
		}
	}
	raw, err := json.Marshal(struct {
		Type       string          `json:"type"`
		Event      string          `json:"event"`
		MessageID  string          `json:"messageId"`
		Properties json.RawMessage `json:"properties"`
		Context    json.RawMessage `json:"context"`
	}{"track", name, b.id(i, document), document, json.RawMessage(`{"library":{"name":"clientele-webhook"}}`)})
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "the document is not JSON")
	}
	b.events = append(b.events, b.record(clientele.Accepted, raw))
	return nil
}

// maxID is the longest id of a sender's that is used as it is.
const maxID = 200

// id tells the document from all others of the source, and is the same when it is sent again.
func (b *batch) id(i int, document []byte) string {
	s := b.source
	if s.IDField != "" {
		if id := member(document, s.IDField); id != "" && len(id) <= maxID {
			return id
		}
	}
	name := s.IDHeader
	if name == "" && s.Signature.Scheme == Standard {
		name = "webhook-id"
		if b.header.Get(name) == "" {
			name = "svix-id"
		}
	}
	if id := b.header.Get(name); name != "" && id != "" && len(id) <= maxID {
		if i > 0 {
			id += "-" + strconv.Itoa(i)
		}
		return id
	}
	return b.hash("", document)
}

func (b *batch) hash(kind string, document []byte) string {
	sum := sha256.Sum256([]byte(kind + b.source.Name + "\x00" + string(document)))
	id := hex.EncodeToString(sum[:16])
	n := b.seen[id]
	b.seen[id]++
	if n > 0 {
		id += "-" + strconv.Itoa(n)
	}
	return id
}

// Refusal is a way in which calls are not taken.
type Refusal struct {
	Source string // "" for an unknown one
	Code   clientele.Code
}

// Refusals are how many calls were not taken since the start.
func (h *Handler) Refusals() map[Refusal]uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.refusals)
}

// count counts a refusal, and says whether to log it: the 1st, 2nd, 4th, 8th, ... of its kind, as
// anybody can send as many as he likes.
func (h *Handler) count(source string, code clientele.Code) (n uint64, tell bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := Refusal{source, code}
	h.refusals[k]++
	n = h.refusals[k]
	return n, n&(n-1) == 0
}

// retryAfter is what a sender is told to wait, in seconds, when the log takes nothing now.
const retryAfter = "5"

// refuse answers with the error, and logs it: the operator of this server is who can help, the
// sender's screens mostly show no more than a status.
func (h *Handler) refuse(w http.ResponseWriter, source string, err error) {
	code, status, text := clientele.ErrorCode(err), http.StatusInternalServerError, err.Error()
	var fromLog *appendError
	switch {
	case errors.As(err, &fromLog):
		text = "the call cannot be stored now: send it again later"
		if code == clientele.Unavailable {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", retryAfter)
		} else {
			code = clientele.Internal
		}
	case errors.Is(err, errSlow):
		status, code = http.StatusServiceUnavailable, clientele.Unavailable
		w.Header().Set("Retry-After", retryAfter)
	default:
		statuses := map[clientele.Code]int{clientele.Invalid: http.StatusBadRequest, clientele.Unknown: http.StatusUnauthorized,
			clientele.NotFound: http.StatusNotFound, clientele.TooLarge: http.StatusRequestEntityTooLarge}
		if s, ok := statuses[code]; ok {
			status = s
		}
		if hint := clientele.ErrorHint(err); hint != "" {
			text += ": " + hint
		}
	}
	if n, tell := h.count(source, code); tell {
		h.logger.Warn("a webhook call was not taken", "source", source, "error", err.Error(), "status", status, "count", n)
	}
	answer(w, status, code, text)
}

func answer(w http.ResponseWriter, status int, code clientele.Code, text string) {
	body, err := json.Marshal(struct {
		Code    clientele.Code `json:"code"`
		Message string         `json:"message"`
	}{code, text})
	if err != nil {
		body = []byte(`{"code":"internal","message":"the error cannot be shown"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
