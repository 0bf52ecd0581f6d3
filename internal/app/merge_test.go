package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"clientele"
)

// couple sends two people with events, an order and traits each, who share nothing.
func (p *program) couple() (ann, bob *clientele.Profile) {
	p.batch(webKey,
		identify("a1", "2026-02-01T10:00:00Z", `"userId":"ann","anonymousId":"anon-ann"`, `{"email":"ann@example.com","name":"Ann","city":"Hanoi"}`),
		track("a2", "Order Completed", "2026-02-01T11:00:00Z", `"userId":"ann"`, `{"order_id":"O1","revenue":30,"products":[{"sku":"S1","price":30}]}`),
		track("a3", "Order Refunded", "2026-02-02T11:00:00Z", `"userId":"ann"`, `{"order_id":"O1","total":30}`),
		identify("b1", "2026-02-03T10:00:00Z", `"userId":"bob","anonymousId":"anon-bob"`, `{"email":"bob@example.com","name":"Bob","consent":{"marketing":true}}`),
		track("b2", "Order Completed", "2026-02-03T11:00:00Z", `"userId":"bob"`, `{"order_id":"O2","revenue":5,"products":[{"sku":"S2","price":5}]}`))
	return p.profile("user_id", "ann"), p.profile("user_id", "bob")
}

func counts(of []clientele.ProfileCount) string {
	s := ""
	for _, c := range of {
		s += fmt.Sprintf("%s:%d ", c.ID, c.Events)
	}
	return s
}

// whose are the rows of every table that names a profile, as SQL has them.
func (p *program) whose(id clientele.ProfileID) string {
	p.Helper()
	s := ""
	for _, table := range []string{"events", "orders", "order_lines", "returns", "identifiers", "consents", "profiles"} {
		s += table + p.sql(fmt.Sprintf(`select count(*) from %s where profile_id = %d`, table, int64(id)))[0] + " "
	}
	return s
}

// A merge makes two histories one at once, an unmerge gives back exactly what was before, and
// what the two do next does not merge them again.
func TestMergeAndUnmerge(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	ann, bob := p.couple()
	before := p.digests()
	const annHas, bobHas = "events3 orders1 order_lines1 returns1 identifiers3 consents0 profiles1 ", "events2 orders1 order_lines1 returns0 identifiers3 consents1 profiles1 "
	if got := p.whose(ann.ID) + p.whose(bob.ID); got != annHas+bobHas {
		t.Fatalf("before: %s", got)
	}

	r, err := p.client.Merge(ctx, clientele.MergeRequest{Profile: "email:ann@example.com", Identifiers: []clientele.Identifier{id("user_id", "bob")}})
	if err != nil {
		t.Fatal(err)
	}
	// No settling: SQL, profile and timeline follow when the call has returned.
	if got := p.whose(ann.ID) + p.whose(bob.ID); got != "events5 orders2 order_lines2 returns1 identifiers6 consents1 profiles1 events0 orders0 order_lines0 returns0 identifiers0 consents0 profiles0 " {
		t.Errorf("merged: %s", got)
	}
	if got, want := counts(r.Before)+"-> "+counts(r.After), fmt.Sprintf("%s:3 %s:2 -> %s:5 ", ann.ID, bob.ID, ann.ID); got != want {
		t.Errorf("merge answered %s, want %s", got, want)
	}
	one := p.profile("id", bob.ID.String())
	if one.ID != ann.ID || !slices.Equal(one.FormerIDs, []clientele.ProfileID{bob.ID}) || one.Traits["name"] != "Bob" || one.Traits["city"] != "Hanoi" || one.Events != 5 {
		t.Errorf("merged: %+v", one)
	}
	names, err := p.client.Names(ctx, []clientele.ProfileID{bob.ID, 12345, ann.ID})
	if err != nil || len(names) != 2 || names[0].ID != bob.ID || names[0].Profile != ann.ID || names[1].Profile != ann.ID || fmt.Sprint(names[1].Traits) != "map[name:Bob]" || names[1].Identifier.Namespace != "email" {
		t.Errorf("names: %+v, %v", names, err)
	}
	if events, _, err := p.client.Events(ctx, id("user_id", "bob"), 50, ""); err != nil || len(events) != 5 || events[0].ID != "b2" || events[4].ID != "a1" {
		t.Errorf("merged timeline: %v, %v", events, err)
	}
	merged := p.digests()
	for _, table := range []string{"events", "orders", "order_lines", "identifiers", "consents", "profiles"} {
		if merged[table] == before[table] {
			t.Errorf("the merge did not change the digest of %s", table)
		}
	}

	r, err = p.client.Unmerge(ctx, clientele.MergeRequest{Profile: ann.ID.String(), Identifiers: []clientele.Identifier{id("user_id", "bob")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.whose(ann.ID) + p.whose(bob.ID); got != annHas+bobHas {
		t.Errorf("unmerged: %s", got)
	}
	if got, want := counts(r.Before)+"-> "+counts(r.After), fmt.Sprintf("%s:5 -> %s:3 %s:2 ", ann.ID, ann.ID, bob.ID); got != want {
		t.Errorf("unmerge answered %s, want %s", got, want)
	}
	same(t, before, p.digests()) // every table: the decision itself stands in none of them
	for _, was := range []*clientele.Profile{ann, bob} {
		got := p.profile("id", was.ID.String())
		if got.ID != was.ID || len(got.FormerIDs) != 0 || got.Events != was.Events || fmt.Sprint(got.Traits) != fmt.Sprint(was.Traits) ||
			fmt.Sprint(got.Identifiers) != fmt.Sprint(was.Identifiers) || got.FirstSeen != was.FirstSeen || got.LastSeen != was.LastSeen {
			t.Errorf("unmerged %+v\nwas %+v", got, was)
		}
	}

	// A device that both use now is evidence that they are one; the operator said otherwise.
	p.batch(webKey, track("x1", "Ping", "2026-02-04T00:00:00Z", `"userId":"ann","anonymousId":"anon-bob"`, `{}`),
		track("x2", "Ping", "2026-02-04T00:01:00Z", `"userId":"bob","anonymousId":"anon-ann"`, `{}`))
	if a, b := p.profile("user_id", "ann"), p.profile("user_id", "bob"); a.ID == b.ID {
		t.Error("the next event merged them again")
	}
}

// Evidence that is retired by its id splits what it joined, and only that.
func TestUnmergeByEvidence(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	p.batch(webKey, track("m1", "Ping", "2026-02-01T00:00:00Z", `"userId":"ann","anonymousId":"phone"`, `{}`),
		track("m2", "Ping", "2026-02-02T00:00:00Z", `"userId":"ann","anonymousId":"kiosk"`, `{}`),
		track("m3", "Ping", "2026-02-03T00:00:00Z", `"anonymousId":"kiosk"`, `{}`))
	view, err := p.client.Identity(ctx, id("user_id", "ann"))
	if err != nil {
		t.Fatal(err)
	}
	var kiosk string
	for _, e := range view.Evidence {
		if e.State != "joined" {
			t.Errorf("evidence %+v", e)
		}
		if e.A.Value == "kiosk" || e.B.Value == "kiosk" {
			kiosk = e.ID
		}
	}
	if kiosk == "" || len(view.Evidence) != 2 {
		t.Fatalf("evidence %+v", view.Evidence)
	}
	r, err := p.client.Unmerge(ctx, clientele.MergeRequest{Profile: "user_id:ann", Evidence: []string{kiosk}})
	if err != nil {
		t.Fatal(err)
	}
	ann, other := p.profile("user_id", "ann"), p.profile("anonymous_id", "kiosk")
	if ann.ID == other.ID || p.profile("anonymous_id", "phone").ID != ann.ID || ann.Events != 2 || other.Events != 1 {
		t.Errorf("ann has %d events, the kiosk %d", ann.Events, other.Events)
	}
	if got, want := counts(r.Before)+"-> "+counts(r.After), fmt.Sprintf("%s:3 -> %s:2 %s:1 ", ann.ID, ann.ID, other.ID); got != want {
		t.Errorf("unmerge answered %s, want %s", got, want)
	}
	p.tells(fmt.Sprintf(`select event_id from events where profile_id = %d`, int64(other.ID)), "m3")
	// The same evidence again stays retired, and the view says who decided so.
	p.batch(webKey, track("m4", "Ping", "2026-02-04T00:00:00Z", `"userId":"ann","anonymousId":"kiosk"`, `{}`))
	if p.profile("anonymous_id", "kiosk").ID != other.ID {
		t.Error("the next event merged the kiosk again")
	}
	if view, err = p.client.Identity(ctx, id("user_id", "ann")); err != nil || len(view.Separations) != 1 || view.Separations[0].By == "" {
		t.Errorf("separations %+v, %v", view.Separations, err)
	}
	for _, e := range view.Evidence {
		if (e.ID == kiosk) != (e.State == "retired") {
			t.Errorf("evidence %+v", e)
		}
	}
	p.evidenceAlone()
}

// evidenceAlone retires by an evidence id without naming the profile, as the API allows.
func (p *program) evidenceAlone() {
	p.Helper()
	view, err := p.client.Identity(context.Background(), id("user_id", "ann"))
	if err != nil {
		p.Fatal(err)
	}
	for _, e := range view.Evidence {
		if e.State != "joined" {
			continue
		}
		if _, err := p.client.Unmerge(context.Background(), clientele.MergeRequest{Evidence: []string{e.ID}}); err != nil {
			p.Errorf("unmerge by evidence alone: %v", err)
			return
		}
		if p.profile("user_id", "ann").ID == p.profile("anonymous_id", "phone").ID {
			p.Error("the evidence still joins")
		}
	}
}

// What cannot be done is told, and changes nothing.
func TestMergeErrors(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	r := c.Identity.Namespaces[clientele.UserID]
	r.Blocked = []string{"shared-desk"}
	c.Identity.Namespaces[clientele.UserID] = r
	p := run(t, c)
	ann, bob := p.couple()
	before := p.digests()
	one := func(ns, value string) []clientele.Identifier { return []clientele.Identifier{id(ns, value)} }
	for name, x := range map[string]struct {
		do   func(context.Context, clientele.MergeRequest) (*clientele.MergeResult, error)
		req  clientele.MergeRequest
		want clientele.Code
	}{
		"merge an unknown profile":      {p.client.Merge, clientele.MergeRequest{Profile: "user_id:nobody", Identifiers: one("user_id", "bob")}, clientele.NotFound},
		"merge an id never given":       {p.client.Merge, clientele.MergeRequest{Profile: "p_0000000zzzz", Identifiers: one("user_id", "bob")}, clientele.NotFound},
		"merge no id":                   {p.client.Merge, clientele.MergeRequest{Profile: "ann", Identifiers: one("user_id", "bob")}, clientele.Invalid},
		"merge with an unknown":         {p.client.Merge, clientele.MergeRequest{Profile: ann.ID.String(), Identifiers: one("user_id", "nobody")}, clientele.NotFound},
		"merge with itself":             {p.client.Merge, clientele.MergeRequest{Profile: ann.ID.String(), Identifiers: one("email", "ann@example.com")}, clientele.Conflict},
		"merge with a blocked value":    {p.client.Merge, clientele.MergeRequest{Profile: ann.ID.String(), Identifiers: one("user_id", "shared-desk")}, clientele.NotFound},
		"merge with nothing":            {p.client.Merge, clientele.MergeRequest{Profile: ann.ID.String()}, clientele.Invalid},
		"merge by evidence":             {p.client.Merge, clientele.MergeRequest{Profile: ann.ID.String(), Identifiers: one("user_id", "bob"), Evidence: []string{"e_x"}}, clientele.Invalid},
		"unmerge an unknown profile":    {p.client.Unmerge, clientele.MergeRequest{Profile: "email:nobody@example.com", Identifiers: one("user_id", "bob")}, clientele.NotFound},
		"unmerge what is another's":     {p.client.Unmerge, clientele.MergeRequest{Profile: ann.ID.String(), Identifiers: one("user_id", "bob")}, clientele.Invalid},
		"unmerge all there is":          {p.client.Unmerge, clientele.MergeRequest{Profile: bob.ID.String(), Identifiers: []clientele.Identifier{id("user_id", "bob"), id("email", "bob@example.com"), id("anonymous_id", "anon-bob")}}, clientele.Invalid},
		"unmerge no evidence id":        {p.client.Unmerge, clientele.MergeRequest{Profile: ann.ID.String(), Evidence: []string{"e_nonsense"}}, clientele.Invalid},
		"unmerge evidence of no anchor": {p.client.Unmerge, clientele.MergeRequest{Profile: ann.ID.String(), Evidence: []string{"e_00000000000000000000000000"}}, clientele.Invalid},
	} {
		if r, err := x.do(ctx, x.req); clientele.ErrorCode(err) != x.want {
			t.Errorf("%s: %+v, %v; want %s", name, r, err, x.want)
		}
	}
	same(t, before, p.digests())
	if n := p.status().Counts["quarantined"]; n != 0 {
		t.Errorf("%d commands reached the log", n)
	}
}
