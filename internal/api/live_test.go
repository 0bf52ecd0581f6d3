package api_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/token"
)

// What follows is the product's stream: two events and three for which there was no room, then the end.

type twoEvents struct{ told bool }

func (w *twoEvents) Next(context.Context) ([]clientele.LiveEvent, int64, error) {
	if w.told {
		return nil, 0, io.EOF
	}
	w.told = true
	return []clientele.LiveEvent{{Outcome: clientele.OutcomeAccepted, ID: "a", Name: "two\nlines"}, {Outcome: clientele.OutcomeDropped, ID: "b"}}, 3, nil
}

func (w *twoEvents) Close() {}

func (p *product) Watch(q clientele.LiveQuery) (api.Watcher, error) {
	return &twoEvents{}, p.did(context.Background(), q)
}

func (p *product) Pulse(ctx context.Context) (*clientele.Pulse, error) {
	return &clientele.Pulse{At: 5, State: "ready"}, p.did(ctx)
}

func (p *product) Stopping() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// TestStreams: what comes is sent as messages, each one line of JSON; the stop of the server ends them.
func TestStreams(t *testing.T) {
	s := newSite(t)
	w := s.do("GET", "/api/v1/events/stream?source=web&outcome=accepted", s.tokens[token.Read], "")
	body := w.Body.String()
	if w.Header().Get("Content-Type") != "text/event-stream" || !strings.Contains(body, "event: events\ndata: []\n\nevent: events\ndata: [{\"outcome\":\"accepted\",\"id\":\"a\",") ||
		!strings.Contains(body, `two\nlines`) || !strings.HasSuffix(body, "event: missed\ndata: {\"missed\":3}\n\n") {
		t.Errorf("%v\n%s", w.Header(), body)
	}
	if q, ok := s.asked[0].(clientele.LiveQuery); !ok || q != (clientele.LiveQuery{Source: "web", Outcome: "accepted"}) {
		t.Errorf("asked %+v", s.asked)
	}
	if body := s.do("GET", "/api/v1/status/stream", s.tokens[token.Read], "").Body.String(); strings.Count(body, "event: pulse\ndata: {") != 1 {
		t.Errorf("pulse: %s", body)
	}
	if w := s.do("GET", "/api/v1/events/stream?outcome=lost", s.tokens[token.Read], ""); w.Code != 400 {
		t.Errorf("an outcome that there is not: %d", w.Code)
	}
	s.err = clientele.Errorf(clientele.Unavailable, "50 others watch already")
	if w := s.do("GET", "/api/v1/events/stream", s.tokens[token.Read], ""); w.Code != 503 || problem(t, w).Code != clientele.Unavailable {
		t.Errorf("when it cannot be watched: %d %s", w.Code, w.Body)
	}
}
