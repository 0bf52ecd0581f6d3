package collect

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"clientele"
)

const (
	// maxDepth is how deeply an event may nest, itself counted.
	maxDepth = 64
	// maxRecordBytes is what a request's records may come to once the batch's context stands in
	// each of them: a small request must not become a large one.
	maxRecordBytes = 8 << 20
	maxSentAtBytes = 64
)

// framer cuts one request into records.
type framer struct {
	s        *scratch
	sources  func(string) (Source, bool)
	received clientele.Micros
	typ      string // the type in the path; "" for a batch
	ip       string // of the client, as JSON text without quotes; "" when not known
	origin   string // of the page that sends; "" when it is no page
	gpc      bool   // the browser says that its user wants nothing sold or shared
	limit    *limiter
	edgeKey  []byte
	large    func()    // to be called before the request takes much memory; it may wait
	at       time.Time // of arrival

	base    Source // whose key the request has
	hasBase bool
	unicode bool // all text of the request is Unicode
	shared  shared
	total   int // bytes of records

	// An event may have a key of its own.
	lastKey   string
	last      Source
	lastKnown bool
	first     string // the source of the first event with a key of its own
	sawKey    bool   // an unknown key was among those tried

	library       string // the last library name seen
	libraryClient bool   // and whether it runs in people's hands
}

// headerKey takes the request's key from the Authorization header, if there is one. The user name
// of Basic is a write key and nothing else, so an unknown one ends the request. A Bearer token
// may also be a login of the library's own, beside a write key in the body.
func (f *framer) headerKey(r *http.Request) error {
	auth := r.Header.Get("Authorization")
	if auth == "" {
		return nil
	}
	if user, _, ok := r.BasicAuth(); ok && user != "" {
		return f.take(user)
	}
	if scheme, token, _ := strings.Cut(auth, " "); strings.EqualFold(scheme, "Bearer") {
		err := f.take(strings.TrimSpace(token))
		if clientele.ErrorCode(err) != clientele.Unknown {
			return err
		}
		f.sawKey = true
	}
	return nil
}

// noKey is the answer to a request in which no key is known.
func (f *framer) noKey() error {
	if f.sawKey {
		return unknownKey()
	}
	return clientele.Errorf(clientele.Unknown, "the request has no write key").
		WithHint("send it as the user name of Basic authorization, as writeKey in the body or as ?writeKey=")
}

func unknownKey() error {
	return clientele.Errorf(clientele.Unknown, "the write key is not known").WithHint("use the write key of a source of this server")
}

// frame fills s.records. The write key is looked for in the header, the body, the query and,
// in a batch, the events; what the request itself says must be right.
func (f *framer) frame(body []byte, query string) error {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	body = bytes.Trim(body, " \t\r\n")
	if len(body) == 0 {
		return clientele.Errorf(clientele.Invalid, "the body is empty")
	}
	valid, unicode, at := checkJSON(body)
	switch {
	case !valid:
		return clientele.Errorf(clientele.Invalid, "the body is not JSON from byte %d on", at)
	case !isObject(body):
		return clientele.Errorf(clientele.Invalid, "the body is JSON but not an object")
	}
	f.unicode = unicode
	if f.typ != "" {
		return f.single(body, query)
	}
	return f.batch(body, query)
}

func (f *framer) single(body []byte, query string) error {
	e := f.look(body)
	if err := f.requestKey(body[e.writeKey.start:e.writeKey.end], query); err != nil {
		return err
	}
	if !f.hasBase {
		return f.noKey()
	}
	return f.add(&e)
}

func (f *framer) batch(body []byte, query string) error {
	var events, key []byte
	for w := walk(body); w.next(true); {
		switch string(w.name(&f.s.names)) {
		case "batch":
			events = w.value()
		case "context":
			f.shared.context.text = w.value()
		case "integrations":
			f.shared.integrations.text = w.value()
		case "sentAt":
			f.shared.sentAt = w.value()
		case "writeKey":
			key = w.value()
		}
	}
	if err := f.requestKey(key, query); err != nil {
		return err
	}
	if len(events) == 0 || events[0] != '[' {
		return clientele.Errorf(clientele.Invalid, "the body has no list named batch")
	}
	if err := f.shared.prepare(f); err != nil {
		return err
	}
	for w := walk(events); w.next(false); {
		if len(f.s.records) == clientele.MaxBatchEvents {
			return clientele.Errorf(clientele.TooLarge, "a batch holds at most %d events", clientele.MaxBatchEvents).WithHint("send smaller batches")
		}
		if err := f.element(w.value()); err != nil {
			return err
		}
	}
	if len(f.s.records) == 0 {
		return clientele.Errorf(clientele.Invalid, "the batch is empty")
	}
	return f.settle()
}

// requestKey takes the request's own key from the body or the query when the header had none.
func (f *framer) requestKey(inBody []byte, query string) error {
	if f.hasBase {
		return nil
	}
	key := string(unquote(inBody, &f.s.names))
	if key == "" && strings.Contains(query, "writeKey") {
		values, _ := url.ParseQuery(query) // what can be read of it is enough
		key = values.Get("writeKey")
	}
	if key == "" {
		return nil
	}
	return f.take(key)
}

// take makes the key the request's.
func (f *framer) take(key string) error {
	source, known := f.sources(key)
	if !known {
		return unknownKey()
	}
	if !source.admits(f.origin) {
		return otherOrigin()
	}
	if f.limit != nil {
		if wait := f.limit.take(source.Name, f.at); wait > 0 {
			return limited(wait, f.at)
		}
	}
	f.base, f.hasBase = source, true
	return nil
}

// admits says whether a page of the origin may use the source's key; "" is no page.
func (s *Source) admits(origin string) bool {
	return origin == "" || len(s.AllowedOrigins) == 0 || slices.ContainsFunc(s.AllowedOrigins, func(allowed string) bool {
		return allowed == "*" || strings.EqualFold(strings.TrimSuffix(allowed, "/"), origin)
	})
}

func otherOrigin() error {
	return clientele.Errorf(clientele.Denied, "pages of this origin may not use this write key").
		WithHint("add the origin to the source's allowed_origins")
}

// element adds one element of a batch, whatever it is.
func (f *framer) element(raw []byte) error {
	if !isObject(raw) {
		return f.quarantine(f.base.Name, clientele.Malformed, raw)
	}
	e := f.look(raw)
	return f.add(&e)
}

// add makes a record of an event.
func (f *framer) add(e *event) error {
	source, known := f.sourceOf(e)
	e.server = source.Server
	switch {
	case len(e.raw) > clientele.MaxEventBytes:
		return f.quarantine(source.Name, clientele.Oversize, e.raw)
	case !known || e.depth > maxDepth || !f.unicode && !isUnicode(e.raw):
		return f.quarantine(source.Name, clientele.Malformed, e.raw)
	}
	raw := f.complete(e)
	if source.Edge != nil {
		raw = source.Edge.apply(raw, f.edgeKey)
	}
	return f.keep(clientele.Record{Source: source.Name, ReceivedAt: f.received, Raw: raw})
}

func (f *framer) quarantine(source string, verdict clientele.Verdict, raw []byte) error {
	if len(raw) > clientele.MaxEventBytes {
		verdict, raw = clientele.Oversize, raw[:clientele.OversizeKept]
	}
	return f.keep(clientele.Record{Source: source, ReceivedAt: f.received, Verdict: verdict, Raw: raw})
}

func (f *framer) keep(r clientele.Record) error {
	if f.total += len(r.Raw); f.total > roomUnit {
		f.large()
	}
	if f.total > maxRecordBytes {
		return clientele.Errorf(clientele.TooLarge, "with the batch's context in each event the batch is over %d MB", maxRecordBytes>>20).
			WithHint("send smaller batches")
	}
	f.s.records = append(f.s.records, r)
	return nil
}

// sourceOf is whose the event is: that of its own write key, otherwise the request's. An event
// of a batch with an unknown key of its own, or in a request where only other events have
// one, belongs to nobody: known is false and the source is the one whose quarantine shows it,
// "" when that is to be settled at the end.
func (f *framer) sourceOf(e *event) (source Source, known bool) {
	if f.typ != "" {
		return f.base, true // the request's key is the event's own, or stronger
	}
	if e.writeKey.end == 0 || isNothing(e.raw[e.writeKey.start:e.writeKey.end]) {
		return f.base, f.hasBase
	}
	key := unquote(e.raw[e.writeKey.start:e.writeKey.end], &f.s.names)
	if f.lastKey == "" || string(key) != f.lastKey {
		f.lastKey = string(key)
		f.last, f.lastKnown = f.sources(f.lastKey)
		f.lastKnown = f.lastKnown && f.last.admits(f.origin)
	}
	if !f.lastKnown {
		f.sawKey = true
		return f.base, false
	}
	if f.first == "" {
		f.first = f.last.Name
	}
	return f.last, true
}

// settle gives the events that belong to nobody to the first source of the request, so that
// somebody sees them. With no known key at all the request is refused.
func (f *framer) settle() error {
	if f.hasBase {
		return nil
	}
	if f.first == "" {
		return f.noKey()
	}
	for i := range f.s.records {
		if r := &f.s.records[i]; r.Source == "" {
			r.Source = f.first
		}
	}
	return nil
}
