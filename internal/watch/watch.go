// Package watch shows events to people while they come. The resolver hands it what it has committed;
// with nobody watching that costs a count for each event. Who reads slowly loses events, which are
// counted, and never holds up anything.
package watch

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"clientele"
)

// Bounds. A watcher's events are copies: at most waiting times shown bytes.
const (
	watchers = 50       // at once
	waiting  = 100      // events that a watcher has not read yet
	shown    = 4 << 10  // bytes of properties, or of a record that was not used
	sources  = 1000     // that are counted by name
	others   = "others" // what the rest is counted under
)

// Hub is where events come in and watchers look. The zero value is ready.
type Hub struct {
	mu      sync.Mutex
	by      map[*Watcher]bool
	sources map[string]*clientele.SourcePulse
	closed  bool
	closing chan struct{}
}

// columns of the table events.
var columns = func() (c struct{ id, profile, ts, received, source, typ, name, properties int }) {
	t := clientele.TableNamed("events")
	c.id, c.profile, c.ts, c.received = t.Column("event_id"), t.Column("profile_id"), t.Column("ts"), t.Column("received_at")
	c.source, c.typ, c.name, c.properties = t.Column("source"), t.Column("type"), t.Column("name"), t.Column("properties")
	return c
}()

// Told takes the events of a change. It keeps nothing of it.
func (h *Hub) Told(_ uint64, c *clientele.Change) {
	for i := range c.Tables {
		if c.Tables[i].Table == "events" {
			h.events(c.Tables[i].Insert)
		}
	}
}

func (h *Hub) events(rows [][]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var of *clientele.SourcePulse
	for _, row := range rows {
		source, _ := row[columns.source].(string)
		if of == nil || of.Source != source {
			of = h.source(source)
		}
		of.Events++
		received, _ := row[columns.received].(int64)
		of.Last = max(of.Last, clientele.Micros(received))
		for w := range h.by {
			w.offer(source, clientele.OutcomeAccepted, func() clientele.LiveEvent { return eventOf(row) })
		}
	}
}

// Aside takes the records that a change set has put aside.
func (h *Hub) Aside(records []clientele.AsideRecord) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range records {
		of := h.source(r.Source)
		of.Aside++
		of.Last = max(of.Last, r.ReceivedAt)
		outcome := clientele.OutcomeQuarantined
		if r.Dropped {
			outcome = clientele.OutcomeDropped
		}
		for w := range h.by {
			w.offer(r.Source, outcome, func() clientele.LiveEvent {
				return clientele.LiveEvent{Outcome: outcome, ID: r.ID, Source: r.Source, ReceivedAt: r.ReceivedAt, Code: r.Code, Reason: r.Reason,
					Raw: strings.ToValidUTF8(string(r.Raw[:min(len(r.Raw), shown)]), string(utf8.RuneError)), Cut: len(r.Raw) > shown}
			})
		}
	}
}

// eventOf is the row's event, in memory of its own: the row's texts are parts of a frame.
func eventOf(row []any) clientele.LiveEvent {
	text := func(i int) string { s, _ := row[i].(string); return strings.Clone(s) }
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	e := clientele.LiveEvent{Outcome: clientele.OutcomeAccepted, ID: text(columns.id), Source: text(columns.source), Type: text(columns.typ), Name: text(columns.name),
		At: clientele.Micros(number(columns.ts)), ReceivedAt: clientele.Micros(number(columns.received)), Profile: clientele.ProfileID(number(columns.profile))}
	if p, _ := row[columns.properties].(string); len(p) <= shown {
		e.Properties = clientele.RawJSON(strings.Clone(p))
	} else {
		e.Cut = true
	}
	if len(e.Properties) == 0 {
		e.Properties = nil
	}
	return e
}

// source is the count of that name. Names that imports make up do not fill the memory.
func (h *Hub) source(name string) *clientele.SourcePulse {
	if h.sources == nil {
		h.sources = map[string]*clientele.SourcePulse{}
	}
	s := h.sources[name]
	if s == nil && len(h.sources) >= sources {
		name = others
		s = h.sources[name]
	}
	if s == nil {
		name = strings.Clone(name)
		s = &clientele.SourcePulse{Source: name}
		h.sources[name] = s
	}
	return s
}

// Sources are the counts since the start, by name.
func (h *Hub) Sources() []clientele.SourcePulse {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]clientele.SourcePulse, 0, len(h.sources))
	for _, name := range slices.Sorted(maps.Keys(h.sources)) {
		out = append(out, *h.sources[name])
	}
	return out
}

// Watch begins to watch. Unavailable when too many do, or when the server stops.
func (h *Hub) Watch(q clientele.LiveQuery) (*Watcher, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, clientele.Errorf(clientele.Unavailable, "the server stops")
	}
	if len(h.by) >= watchers {
		return nil, clientele.Errorf(clientele.Unavailable, "%d others watch already", watchers).WithHint("close a page that shows events as they come")
	}
	w := &Watcher{hub: h, query: q, news: make(chan struct{}, 1), done: h.stopping()}
	if h.by == nil {
		h.by = map[*Watcher]bool{}
	}
	h.by[w] = true
	return w, nil
}

// Stopping is closed when the server stops.
func (h *Hub) Stopping() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopping()
}

func (h *Hub) stopping() chan struct{} {
	if h.closing == nil {
		h.closing = make(chan struct{})
	}
	return h.closing
}

// Close ends all watching.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.stopping())
	}
}

// Watcher is one who watches. It is for one goroutine.
type Watcher struct {
	hub    *Hub
	query  clientele.LiveQuery
	events []clientele.LiveEvent
	missed int64
	news   chan struct{} // holds one when there is something to read
	done   chan struct{}
}

// offer is called with the hub's lock.
func (w *Watcher) offer(source, outcome string, event func() clientele.LiveEvent) {
	if w.query.Source != "" && w.query.Source != source || w.query.Outcome != "" && w.query.Outcome != outcome {
		return
	}
	if len(w.events) >= waiting {
		w.missed++
		return
	}
	w.events = append(w.events, event())
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// Next waits for events and answers all that wait, in their order, and how many more came that there was no
// room for. io.EOF when the server stops.
func (w *Watcher) Next(ctx context.Context) (events []clientele.LiveEvent, missed int64, err error) {
	select {
	case <-w.news:
	case <-w.done:
		return nil, 0, io.EOF
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	events, missed = w.events, w.missed
	w.events, w.missed = nil, 0
	return events, missed, nil
}

// Close ends the watching.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	delete(w.hub.by, w)
}
