package app_test

import (
	"context"
	"testing"

	"clientele"
)

// TestWatchEvents: who watches sees an event with the person it became part of, and one that is not used with
// the reason, of the source alone that was asked for. The pulse counts all. The stop ends the streams.
func TestWatchEvents(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	began := make(chan struct{})
	came := make(chan clientele.LiveEvent, 10)
	ended := make(chan error, 2)
	go func() {
		first := true
		ended <- p.client.WatchEvents(context.Background(), clientele.LiveQuery{Source: "backend"}, func(events []clientele.LiveEvent, missed int64) error {
			if first {
				first = false
				close(began)
			}
			if missed > 0 {
				t.Errorf("%d missed", missed)
			}
			for _, e := range events {
				came <- e
			}
			return nil
		})
	}()
	<-began
	p.batch(webKey, `{"type":"track","event":"Elsewhere","anonymousId":"x"}`)
	p.batch(serverKey, `{"type":"track","event":"Order Completed","userId":"ann","messageId":"m1","properties":{"revenue":5}}`, `{"type":"track","userId":"ann","messageId":"m2"}`)
	good, bad := <-came, <-came
	if good.Outcome != clientele.OutcomeAccepted {
		good, bad = bad, good
	}
	if good.ID != "m1" || good.Name != "Order Completed" || good.Source != "backend" || good.Profile != p.profile("user_id", "ann").ID || string(good.Properties) != `{"revenue":5}` || good.ReceivedAt == 0 {
		t.Errorf("accepted %+v", good)
	}
	entries := p.allQuarantined(10)
	if len(entries) != 1 || bad.Outcome != clientele.OutcomeQuarantined || bad.ID != entries[0].ID || bad.Reason != entries[0].Reason || bad.Code != entries[0].Code || bad.Raw != entries[0].Raw {
		t.Errorf("not used %+v, in quarantine %+v", bad, entries)
	}
	pulses := make(chan clientele.Pulse, 10)
	go func() {
		ended <- p.client.WatchPulse(context.Background(), func(now clientele.Pulse) error { pulses <- now; return nil })
	}()
	now := <-pulses
	if len(now.Sources) != 2 || now.Sources[0].Source != "backend" || now.Sources[0].Events != 1 || now.Sources[0].Aside != 1 || now.Sources[1].Events != 1 || now.Counts["events"] != 2 || now.State != "ready" || now.Lag != 0 {
		t.Errorf("pulse %+v", now)
	}
	p.app.EndStreams()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := p.client.WatchEvents(context.Background(), clientele.LiveQuery{}, nil); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}
