package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/watch"
)

// event is a row of the table events.
func event(source, id, properties string) []any {
	t := clientele.TableNamed("events")
	row := make([]any, len(t.Columns))
	for name, v := range map[string]any{"event_id": id, "source": source, "type": "track", "name": "Viewed", "ts": int64(5), "received_at": int64(7), "profile_id": int64(9), "properties": properties} {
		row[t.Column(name)] = v
	}
	return row
}

func told(rows ...[]any) *clientele.Change {
	return &clientele.Change{Tables: []clientele.TableRows{{Table: "profiles", Insert: [][]any{{int64(1)}}}, {Table: "events", Insert: rows}}}
}

func next(t *testing.T, w *watch.Watcher) ([]clientele.LiveEvent, int64) {
	t.Helper()
	events, missed, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return events, missed
}

// TestWatch: who watches sees events in their order, those of the source alone that was asked for, and what
// was put aside with its reason.
func TestWatch(t *testing.T) {
	var h watch.Hub
	all, err := h.Watch(clientele.LiveQuery{})
	if err != nil {
		t.Fatal(err)
	}
	web, err := h.Watch(clientele.LiveQuery{Source: "web", Outcome: clientele.OutcomeAccepted})
	if err != nil {
		t.Fatal(err)
	}
	h.Told(1, told(event("web", "a", `{"x":1}`), event("app", "b", "")))
	h.Aside([]clientele.AsideRecord{{ID: "3-0", Source: "web", Code: "violation", Reason: "revenue is no number", ReceivedAt: 8, Raw: []byte("{\xff")}, {Source: "web", Dropped: true}})
	got, missed := next(t, all)
	if len(got) != 4 || missed != 0 || got[0].ID != "a" || got[0].Name != "Viewed" || got[0].Profile != 9 || got[0].At != 5 || got[0].ReceivedAt != 7 || string(got[0].Properties) != `{"x":1}` ||
		got[1].Source != "app" || got[1].Properties != nil || got[2].Outcome != clientele.OutcomeQuarantined || got[2].Reason != "revenue is no number" || got[2].Raw != "{\ufffd" ||
		got[3].Outcome != clientele.OutcomeDropped {
		t.Errorf("%+v, %d missed", got, missed)
	}
	if got, _ := next(t, web); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("of web: %+v", got)
	}
	if s := h.Sources(); len(s) != 2 || s[0] != (clientele.SourcePulse{Source: "app", Events: 1, Last: 7}) || s[1] != (clientele.SourcePulse{Source: "web", Events: 1, Aside: 2, Last: 8}) {
		t.Errorf("counts %+v", s)
	}
	web.Close()
	h.Told(2, told(event("web", "c", "")))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := web.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("closed, it still reads: %v", err)
	}
}

// TestSlow: who does not read loses events, which are counted, and long ones are not kept.
func TestSlow(t *testing.T) {
	var h watch.Hub
	w, err := h.Watch(clientele.LiveQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		h.Told(uint64(i), told(event("web", fmt.Sprint(i), `"`+strings.Repeat("x", 5000)+`"`)))
	}
	got, missed := next(t, w)
	if len(got) != 100 || missed != 900 || got[99].ID != "99" || !got[0].Cut || got[0].Properties != nil {
		t.Errorf("%d events, %d missed", len(got), missed)
	}
	h.Told(1, told(event("web", "again", "")))
	if got, missed := next(t, w); len(got) != 1 || missed != 0 {
		t.Errorf("afterwards: %+v, %d missed", got, missed)
	}
}

// TestBounds: so many may watch at once and no more, and the end of the server ends them.
func TestBounds(t *testing.T) {
	var h watch.Hub
	var last *watch.Watcher
	for range 50 {
		w, err := h.Watch(clientele.LiveQuery{})
		if err != nil {
			t.Fatal(err)
		}
		last = w
	}
	if _, err := h.Watch(clientele.LiveQuery{}); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("the 51st: %v", err)
	}
	last.Close()
	w, err := h.Watch(clientele.LiveQuery{})
	if err != nil {
		t.Errorf("after one has gone: %v", err)
	}
	stopping := h.Stopping()
	h.Close()
	h.Close()
	<-stopping
	if _, _, err := w.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := h.Watch(clientele.LiveQuery{}); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("after the end: %v", err)
	}
	for i := range 2000 {
		h.Aside([]clientele.AsideRecord{{Source: fmt.Sprint("made up ", i)}})
	}
	if n := len(h.Sources()); n != 1001 {
		t.Errorf("%d sources are counted", n)
	}
}

// BenchmarkTold is what the resolver pays for each event.
func BenchmarkTold(b *testing.B) {
	rows := make([][]any, 1000)
	for i := range rows {
		rows[i] = event("web", fmt.Sprint(i), `{"product":"tent","price":12}`)
	}
	for name, n := range map[string]int{"nobody": 0, "five": 5} {
		b.Run(name, func(b *testing.B) {
			var h watch.Hub
			for range n {
				if _, err := h.Watch(clientele.LiveQuery{}); err != nil {
					b.Fatal(err)
				}
			}
			c := told(rows...)
			for range b.N {
				h.Told(1, c)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
		})
	}
}
