package app_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"clientele"
)

const day = clientele.Micros(24 * time.Hour / time.Microsecond)

// TestSubjectRequests: what a person asks for is due a month after receipt, what is due first comes first, an erasure answers
// the request for it under whichever number the person was noted, and the register lasts over restarts and rebuilds without
// saying who it was.
func TestSubjectRequests(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	p.couple()
	ask := func(kind, who string, received clientele.Micros) *clientele.SubjectRequest {
		t.Helper()
		q, err := p.app.EnterRequest(ctx, "ada", clientele.NewSubjectRequest{Namespace: "user_id", Value: who, Kind: kind, Received: received, Reference: " T-1 "})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	late := ask(clientele.RequestAccess, "ann", 0)
	now := late.Received
	bob := p.profile("user_id", "bob")
	erase := ask(clientele.RequestErasure, "bob", now-10*day)
	early := ask(clientele.RequestAccess, "bob", now-40*day)
	if early.Due != early.Received+30*day || early.Due >= now || early.By != "ada" || early.Reference != "T-1" || early.Profile != bob.ID {
		t.Errorf("%+v", early)
	}
	order := func() (ids []string) {
		t.Helper()
		all, err := p.app.SubjectRequests(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range all {
			ids = append(ids, q.ID+q.Outcome)
		}
		return ids
	}
	if got, want := order(), []string{early.ID, erase.ID, late.ID}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	for name, end := range map[string]clientele.SubjectRequestEnd{"no outcome": {}, "a refusal without a reason": {Outcome: clientele.RequestRefused, Reason: " "}} {
		if _, err := p.app.CloseRequest(ctx, "ada", late.ID, end); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for id, code := range map[string]clientele.Code{"rq_999999": clientele.NotFound, "7": clientele.Invalid, "rq_x": clientele.Invalid} {
		if _, err := p.app.CloseRequest(ctx, "ada", id, clientele.SubjectRequestEnd{Outcome: clientele.RequestAnswered}); clientele.ErrorCode(err) != code {
			t.Errorf("%s: %v", id, err)
		}
	}
	for name, in := range map[string]clientele.NewSubjectRequest{
		"no kind":      {Namespace: "user_id", Value: "bob"},
		"not come yet": {Namespace: "user_id", Value: "bob", Kind: clientele.RequestAccess, Received: now + day},
	} {
		if _, err := p.app.EnterRequest(ctx, "ada", in); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.app.EnterRequest(ctx, "ada", clientele.NewSubjectRequest{Namespace: "user_id", Value: "nobody", Kind: clientele.RequestAccess}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("nobody: %v", err)
	}
	if q, err := p.app.CloseRequest(ctx, "bea", early.ID, clientele.SubjectRequestEnd{Outcome: clientele.RequestRefused, Reason: "asked twice"}); err != nil || q.ClosedBy != "bea" || q.Closed == 0 || q.Reason != "asked twice" {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := p.app.CloseRequest(ctx, "bea", early.ID, clientele.SubjectRequestEnd{Outcome: clientele.RequestAnswered}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("closed twice: %v", err)
	}
	r, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "email", Value: "bob@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if w, err := p.app.Waiting(ctx); err != nil || len(w) != 1 || w[0].ID != r.ID || w[0].PurgeBy != r.PurgeBy {
		t.Errorf("waiting for the purge: %+v, %v; said %v", w, err, r.PurgeBy)
	}
	want := []string{late.ID, erase.ID + "answered", early.ID + "refused"}
	if got := order(); !slices.Equal(got, want) {
		t.Errorf("after the erasure %v, want %v", got, want)
	}
	p.stop()
	p = run(t, c)
	if got := order(); !slices.Equal(got, want) {
		t.Errorf("after a restart %v, want %v", got, want)
	}
	p = p.rebuilt(c)
	if got := order(); !slices.Equal(got, want) {
		t.Errorf("after a rebuild %v, want %v", got, want)
	}
}
