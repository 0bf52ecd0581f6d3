package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// filled waits until the audience has no version to be filled.
func (p *program) filled(name string) *clientele.AudienceInForce {
	p.Helper()
	var v *clientele.AudienceInForce
	eventually(p.T, "audience "+name+" is live", func() bool {
		var err error
		if v, err = p.client.Audience(context.Background(), name); err != nil {
			p.Fatal(err)
		}
		return v.Filling == nil
	})
	return v
}

// membersOf are the user ids of the audience's members.
func (p *program) membersOf(name string) string {
	p.Helper()
	list, _, err := p.client.AudienceMembers(context.Background(), name, 100, "")
	if err != nil {
		p.Fatal(err)
	}
	var out []string
	for _, m := range list {
		found, err := p.client.Profile(context.Background(), clientele.Identifier{Namespace: "id", Value: m.Profile.String()}, false)
		if err != nil {
			p.Fatal(err)
		}
		for _, id := range found.Identifiers {
			if id.Namespace == clientele.UserID {
				out = append(out, id.Value)
			}
		}
	}
	return strings.Join(out, " ")
}

// An audience made over a history is filled by SQL, then kept by events; a new version replaces the
// old one when it is filled; a rebuild comes to the same memberships, their times included.
func TestAudienceFromPreviewToMembers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	for i := range 12 {
		p.batch(webKey, track(fmt.Sprint("o", i), "Order Completed", "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"order_id":"O%d","revenue":%d}`, i, i*10)))
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	where := clientele.RawJSON(`{"event":"Order Completed","where":[{"property":"revenue","op":"gte","value":90}],"within":"30d"}`)
	preview, err := p.client.PreviewAudience(ctx, where)
	if err != nil || preview.Count != 3 || preview.Total != 12 || len(preview.Problems) != 0 {
		t.Fatalf("preview: %+v, %v", preview, err)
	}
	preview, err = p.client.PreviewAudience(ctx, clientele.RawJSON(`{"event":"Order Complete"}`))
	if err != nil || len(preview.Problems) != 1 || !strings.Contains(preview.Problems[0].Hint, "Order Completed") {
		t.Fatalf("preview of a wrong name: %+v, %v", preview, err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "big", Where: where}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("big"); v.Members != 3 || v.Version != 1 || p.membersOf("big") != "u9 u10 u11" {
		t.Fatalf("filled: %+v with %s", v, p.membersOf("big"))
	}
	p.batch(webKey, track("late", "Order Completed", "2026-02-28T11:00:00Z", `"userId":"u1"`, `{"order_id":"O99","revenue":500}`))
	if got := p.profile("user_id", "u1").Audiences; len(got) != 1 || got[0] != "big" {
		eventually(t, "u1 is in the audience", func() bool { return len(p.profile("user_id", "u1").Audiences) == 1 })
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "big", Where: clientele.RawJSON(strings.Replace(string(where), "90", "100", 1))}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("big"); v.Members != 3 || v.Version != 2 || p.membersOf("big") != "u1 u10 u11" {
		t.Errorf("the second version: %+v with %s", v, p.membersOf("big"))
	}
	_, err = p.client.SetAudience(ctx, clientele.Audience{Name: "circle", Where: clientele.RawJSON(`{"audience":"circle"}`)})
	if clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a circle gives %v", err)
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	rows := p.sql("select audience, profile_id, entered_at, exited_at, entered_reason, exited_reason from audience_members order by all")
	before := p.digests()
	p.stop()
	if err := app.Rebuild(ctx, c, options(), nil); err != nil {
		t.Fatal(err)
	}
	q := run(t, c)
	if err := q.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if got := q.sql("select audience, profile_id, entered_at, exited_at, entered_reason, exited_reason from audience_members order by all"); fmt.Sprint(got) != fmt.Sprint(rows) || len(rows) != 4 {
		t.Errorf("after a rebuild the memberships are\n%v\nwere\n%v", got, rows)
	}
	after := q.digests()
	for name, d := range before {
		if after[name] != d {
			t.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
	if err := q.client.DeleteAudience(ctx, "big"); err != nil {
		t.Fatal(err)
	}
	if got := q.profile("user_id", "u1").Audiences; len(got) != 0 {
		t.Errorf("after the audience was deleted, u1 is in %v", got)
	}
}

// Audiences of the configuration come into force at the start, in the order of their references, and end
// when they are no longer there.
func TestAudiencesOfTheConfiguration(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Audiences = []config.Audience{
		{Name: "a", Where: map[string]any{"and": []any{map[string]any{"audience": "b"}, map[string]any{"trait": "city", "op": "eq", "value": "Hue"}}}},
		{Name: "b", Where: map[string]any{"identifier": "user_id"}}}
	p := run(t, c)
	p.batch(webKey, identify("i1", "2026-02-27T11:00:00Z", `"userId":"mia"`, `{"city":"Hue"}`))
	p.filled("b")
	p.filled("a")
	eventually(t, "mia is in both", func() bool { return len(p.profile("user_id", "mia").Audiences) == 2 })
	if err := p.client.DeleteAudience(ctx, "a"); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("an audience of the configuration can be deleted: %v", err)
	}
	p.stop()
	c.Audiences = c.Audiences[1:]
	q := run(t, c)
	eventually(t, "mia is in one", func() bool { return len(q.profile("user_id", "mia").Audiences) == 1 })
	c.Audiences = []config.Audience{{Name: "x", Where: map[string]any{"trait": "city", "op": "egal", "value": 1}}}
	if err := app.CheckPlans(c); err == nil || !strings.Contains(err.Error(), "audiences[0]: /op") {
		t.Errorf("a wrong definition gives %v", err)
	}
}
