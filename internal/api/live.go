package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"

	"clientele"
	"clientele/internal/token"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Watcher is one who watches events come.
type Watcher interface {
	// Next waits for events and answers those that wait, and how many more there was no room for. io.EOF when
	// the server stops.
	Next(ctx context.Context) (events []clientele.LiveEvent, missed int64, err error)
	Close()
}

// Live tells of what happens while it does.
type Live interface {
	// Watch is Unavailable when too many watch.
	Watch(q clientele.LiveQuery) (Watcher, error)
	Pulse(ctx context.Context) (*clientele.Pulse, error)
	// Stopping is closed when the server stops.
	Stopping() <-chan struct{}
}

// Times of a stream. What it shows is gathered, so that no reader is sent more than four messages a
// second. A token that was revoked ends its streams at the next beat.
const (
	liveTimeout = time.Hour // a browser then connects again by itself
	beat        = 15 * time.Second
	liveGather  = 250 * time.Millisecond
	pulseEvery  = time.Second
)

func (a *API) liveRoutes() {
	describe := func(what string, data reflect.Type) map[string]*huma.Response {
		schema := a.huma.OpenAPI().Components.Schemas.Schema(data, true, "")
		return map[string]*huma.Response{"200": {Description: what + " A stream of server-sent events, which ends after an hour or with the token. The schema is that of a message's data.",
			Content: map[string]*huma.MediaType{"text/event-stream": {Schema: schema}}}}
	}
	type watchInput struct {
		Source  string `query:"source" maxLength:"128" doc:"Of this source alone."`
		Outcome string `query:"outcome" enum:"accepted,quarantined,dropped" doc:"Of this outcome alone."`
	}
	route(a, operation{id: "stream-events", method: http.MethodGet, path: "/api/v1/events/stream", scope: token.Read, tag: "operate", timeout: liveTimeout,
		summary:   "Events as they come, accepted or not",
		responses: describe("Messages called events are lists of events; messages called missed say how many there was no room for.", reflect.TypeFor[[]clientele.LiveEvent]())},
		func(_ context.Context, in *watchInput) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				w, err := a.o.Live.Watch(clientele.LiveQuery{Source: in.Source, Outcome: in.Outcome})
				if err != nil {
					r, out := humago.Unwrap(hc)
					writeProblem(out, r, err)
					return
				}
				defer w.Close()
				a.streamEvents(a.begin(hc), w)
			}}, nil
		})
	route(a, operation{id: "get-pulse", method: http.MethodGet, path: "/api/v1/status/pulse", scope: token.Read, tag: "operate", quiet: true,
		summary: "Whether data comes in, by source, and how large things are"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.Pulse], error) {
			return one(a.o.Live.Pulse(ctx))
		})
	route(a, operation{id: "stream-pulse", method: http.MethodGet, path: "/api/v1/status/stream", scope: token.Read, tag: "operate", timeout: liveTimeout, quiet: true,
		summary: "The pulse, once a second when it has changed", responses: describe("Messages called pulse are what GET /api/v1/status/pulse answers.", reflect.TypeFor[clientele.Pulse]())},
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(hc huma.Context) { a.streamPulse(a.begin(hc)) }}, nil
		})
}

// messages is an answer of server-sent events.
type messages struct {
	hc      huma.Context // its context ends with the client, and with the time
	w       http.ResponseWriter
	control *http.ResponseController
	beat    time.Time // the last one
	show    func(any) any
}

func (a *API) begin(hc huma.Context) *messages {
	_, w := humago.Unwrap(hc)
	m := &messages{hc: hc, w: w, control: http.NewResponseController(w), beat: time.Now(), show: a.showing(principalOf(hc.Context()))}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies would gather it
	w.WriteHeader(http.StatusOK)
	return m
}

func (m *messages) write(text string) error {
	_ = m.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's recorder has none
	if _, err := io.WriteString(m.w, text); err != nil {
		return err
	}
	return m.control.Flush()
}

func (m *messages) send(name string, v any) error {
	b, err := json.Marshal(m.show(v))
	if err != nil {
		return err
	}
	return m.write("event: " + name + "\ndata: " + string(b) + "\n\n")
}

// beats says now and then that the stream lives, as long as the token does; an error ends it.
func (a *API) beats(m *messages) error {
	if time.Since(m.beat) < beat {
		return nil
	}
	m.beat = time.Now()
	p, err := a.principal(m.hc)
	if err != nil {
		return err
	}
	m.show = a.showing(p)
	return m.write(": beat\n\n")
}

func (a *API) streamEvents(m *messages, w Watcher) {
	if m.send("events", []clientele.LiveEvent{}) != nil { // from now on nothing is missed in silence
		return
	}
	for {
		waiting, cancel := context.WithTimeout(m.hc.Context(), beat)
		events, missed, err := w.Next(waiting)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && m.hc.Context().Err() == nil {
			err = nil // nothing came
		}
		if err == nil && len(events) > 0 {
			err = m.send("events", events)
		}
		if err == nil && missed > 0 {
			err = m.send("missed", map[string]int64{"missed": missed})
		}
		if err == nil {
			err = a.beats(m)
		}
		if err != nil || !rested(m.hc.Context(), liveGather) {
			return
		}
	}
}

func (a *API) streamPulse(m *messages) {
	var before clientele.Pulse
	for {
		p, err := a.o.Live.Pulse(m.hc.Context())
		if err == nil && changed(before, *p) {
			err, before = m.send("pulse", p), *p
		}
		if err == nil {
			err = a.beats(m)
		}
		if err != nil {
			return
		}
		select {
		case <-a.o.Live.Stopping():
			return
		case <-time.After(pulseEvery):
		case <-m.hc.Context().Done():
			return
		}
	}
}

// changed says whether anything but the time differs.
func changed(before, now clientele.Pulse) bool {
	before.At, now.At = 0, 0
	b, err1 := json.Marshal(before)
	n, err2 := json.Marshal(now)
	return err1 != nil || err2 != nil || string(b) != string(n)
}

// rested waits, unless the context ends before.
func rested(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
