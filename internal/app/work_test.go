package app_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/role"
)

// What a marketer makes waits where approval is asked for: it can be looked at and fills nothing, until somebody who may
// approves the very draft that was looked at.
func TestApproval(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Approval = true
	p := run(t, c)
	p.batch(serverKey, identify("m1", "2026-01-01T00:00:00Z", `"userId":"u1"`, `{"country":"VN"}`), identify("m2", "2026-01-01T00:00:00Z", `"userId":"u2"`, `{"country":"TH"}`))
	p.settle()
	secrets := p.roleSecrets()
	ask := func(r role.Role, want int, method, path, body string) clientele.AudienceInForce {
		t.Helper()
		status, _, answer := p.ask(method, "/api/v1/audiences/vip"+path, secrets[r], body)
		if status != want {
			t.Fatalf("%s %s %s: %d %s, want %d", r, method, path, status, answer, want)
		}
		var a clientele.AudienceInForce
		if status == 200 {
			_ = json.Unmarshal([]byte(answer), &a) // a list of comments is no audience
		}
		return a
	}
	in := func(country string) string {
		return `{"name":"vip","where":{"trait":"country","op":"eq","value":"` + country + `"}}`
	}
	a := ask(role.Marketer, 200, "PUT", "", in("VN"))
	if a.Draft == nil || a.Version != 0 || a.Members != 0 || a.Draft.By != "a-marketer" {
		t.Fatalf("a marketer's audience is %+v", a)
	}
	p.settle()
	if got := p.profile("user_id", "u1").Audiences; len(got) != 0 {
		t.Errorf("a draft has members: %v", got)
	}
	if rows := p.sql("select * from audience_members"); len(rows) != 0 {
		t.Errorf("a draft has members: %v", rows)
	}
	list, err := p.client.Audiences(context.Background())
	if err != nil || len(list) != 1 || list[0].Draft == nil {
		t.Errorf("the list shows %+v, %v", list, err)
	}
	ask(role.Marketer, 403, "POST", "/approve", "{}")
	ask(role.Analyst, 403, "POST", "/approve", "{}")
	ask(role.Analyst, 403, "DELETE", "/draft", "") // another's
	// Another draft meanwhile: what was looked at is no longer there to be approved.
	seen := a.Draft.Position
	a = ask(role.Marketer, 200, "PUT", "", in("TH"))
	body := func(at clientele.Position) string {
		b, _ := json.Marshal(map[string]any{"draft": at})
		return string(b)
	}
	ask(role.Executive, 409, "POST", "/approve", body(seen))
	a = ask(role.Executive, 200, "POST", "/approve", body(a.Draft.Position))
	if a.Draft != nil || a.By != "a-marketer" || a.Owner != "a-marketer" || a.Approved != "a-executive" {
		t.Errorf("approved: %+v", a)
	}
	p.filled("vip")
	if got := p.profile("user_id", "u2").Audiences; len(got) != 1 {
		t.Errorf("approved, u2 is in %v", got)
	}
	// A change of a live audience waits, too, and the live one stays as it was; deleting it is not for a marketer.
	a = ask(role.Marketer, 200, "PUT", "", in("VN"))
	if a.Draft == nil || a.Version != 1 || !strings.Contains(string(a.Where), "TH") || !strings.Contains(string(a.Draft.Audience.Where), "VN") {
		t.Errorf("a change: %+v", a)
	}
	ask(role.Marketer, 403, "DELETE", "", "")
	ask(role.Executive, 204, "DELETE", "/draft", "")
	if a = ask(role.Marketer, 200, "GET", "", ""); a.Draft != nil || a.Version != 1 {
		t.Errorf("refused: %+v", a)
	}
	// Who may approve needs no draft, nor does a program's token.
	if a = ask(role.Admin, 200, "PUT", "", in("VN")); a.Draft != nil {
		t.Errorf("an admin's audience waits: %+v", a)
	}
	p.filled("vip")
	if a, err := p.client.SetAudienceOwner(context.Background(), "vip", "nok"); err != nil || a.Owner != "nok" || a.By != "a-admin" {
		t.Errorf("the owner is %+v, %v", a, err)
	}
	ask(role.Marketer, 200, "PUT", "", in("US"))
	ask(role.Marketer, 200, "POST", "/comments", `{"text":"for the spring letter"}`)
	ask(role.Viewer, 403, "POST", "/comments", `{"text":"x"}`)
	comments, err := p.client.AudienceComments(context.Background(), "vip")
	if err != nil || len(comments) != 1 || comments[0].By != "a-marketer" || comments[0].Text != "for the spring letter" {
		t.Fatalf("comments = %+v, %v", comments, err)
	}
	if status, _, answer := p.ask("DELETE", "/api/v1/audiences/vip/comments/1", secrets[role.Marketer], ""); status != 404 {
		t.Errorf("a comment that is not there: %d %s", status, answer)
	}
	mine, _ := json.Marshal(comments[0].ID)
	ask(role.Analyst, 403, "DELETE", "/comments/"+string(mine), "")
	// The log has it all: a rebuild says the same.
	want, before := ask(role.Admin, 200, "GET", "", ""), p.digests()
	p.stop()
	if err := app.Rebuild(context.Background(), c, options(), nil); err != nil {
		t.Fatal(err)
	}
	p = run(t, c)
	same(t, before, p.digests())
	if got := ask(role.Admin, 200, "GET", "", ""); got.Owner != want.Owner || got.Draft == nil || got.Draft.Position != want.Draft.Position || got.By != want.By || got.Members != want.Members {
		t.Errorf("after a rebuild:\n%+v\n%+v", got, want)
	}
	if again, err := p.client.AudienceComments(context.Background(), "vip"); err != nil || len(again) != 1 || again[0] != comments[0] {
		t.Errorf("after a rebuild the comments are %+v, %v", again, err)
	}
	ask(role.Admin, 204, "DELETE", "", "")
	ask(role.Admin, 404, "GET", "", "")
	ask(role.Admin, 404, "GET", "/comments", "")
}
