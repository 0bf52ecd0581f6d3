package app_test

import (
	"context"
	"fmt"
	"slices"
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
	moves, err := p.app.AudienceMoves(ctx, "big", 2)
	if err != nil || len(moves) != 2 || moves[0].At < moves[1].At || moves[0].Profile == 0 || moves[0].Reason == "" {
		t.Fatalf("moves: %+v, %v", moves, err)
	}
	all, err := p.app.AudienceMoves(ctx, "big", 100)
	if err != nil || len(all) != 5 || all[0] != moves[0] || !slices.ContainsFunc(all, func(m clientele.AudienceMove) bool { return m.Move == "left" }) {
		t.Fatalf("all moves: %+v, %v", all, err)
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
	if _, err := q.app.AudienceMoves(ctx, "big", 5); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("moves of an audience that is no more: %v", err)
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

// rebuilt is the program on a data directory that was made anew from its log.
func (p *program) rebuilt(c config.Config) *program {
	p.Helper()
	p.stop()
	if err := app.Rebuild(context.Background(), c, options(), nil); err != nil {
		p.Fatal(err)
	}
	q := run(p.T, c)
	if err := q.app.Settle(context.Background()); err != nil {
		p.Fatal(err)
	}
	return q
}

// A static audience is filled by files, plain identifiers and hashes; who is not there yet joins later; it combines
// with others; a rebuild comes to the same.
func TestStaticAudienceOfFiles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	for i := range 4 {
		p.batch(webKey, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"email":"u%d@example.com","city":"Hue"}`, i)))
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "partners", Kind: clientele.AudienceStatic}); err != nil {
		t.Fatal(err)
	}
	hash := func(email string) string {
		return clientele.Identifier{Namespace: clientele.Email, Value: email}.Hashed()[0].Value
	}
	upload := func(mode clientele.ListMode, keep bool, lines ...string) *clientele.AudienceUploaded {
		t.Helper()
		r, err := p.client.UploadAudience(ctx, "partners", clientele.AudienceUpload{Mode: mode, Namespace: clientele.Email, Keep: keep}, []byte(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := upload(clientele.ListReplace, true, "email", "U0@Example.com", strings.ToUpper(hash("u1@example.com")), hash("u9@example.com"), "u8@example.com")
	if r.Identifiers != 4 || r.Matched != 2 || r.Kept != 2 || r.MatchRate != 0.5 || r.Members != 2 {
		t.Errorf("the file did %+v", r)
	}
	if got := p.membersOf("partners"); got != "u0 u1" {
		t.Errorf("members are %s", got)
	}
	p.batch(webKey, identify("late", "2026-02-28T11:00:00Z", `"userId":"u9"`, `{"email":"u9@example.com"}`))
	eventually(t, "u9 has joined", func() bool { return p.membersOf("partners") == "u0 u1 u9" })
	if r = upload(clientele.ListAppend, false, "u2@example.com", "u7@example.com"); r.Members != 4 || r.Kept != 0 {
		t.Errorf("appended: %+v", r)
	}
	if r = upload(clientele.ListRemove, false, "u0@example.com"); r.Members != 3 {
		t.Errorf("removed: %+v", r)
	}
	v, err := p.client.Audience(ctx, "partners")
	if err != nil || v.Kind != clientele.AudienceStatic || v.List == nil || v.List.Matched != 3 || v.List.Waiting != 1 || v.List.Dropped != 1 {
		t.Errorf("the audience is %+v %+v, %v", v, v.List, err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "both", Where: clientele.RawJSON(`{"and":[{"audience":"partners"},{"trait":"city","op":"eq","value":"Hue"}]}`)}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("both"); v.Members != 2 || p.membersOf("both") != "u1 u2" {
		t.Errorf("combined: %+v", v)
	}
	if r = upload(clientele.ListReplace, false, "u3@example.com", "u1@example.com"); r.Members != 2 || p.membersOf("both") != "u1 u3" {
		t.Errorf("replaced: %+v", r)
	}
	if rows := p.sql("select count(*) from audience_lists where audience = 'partners'"); fmt.Sprint(rows) != "[2]" {
		t.Errorf("the list in SQL has %v", rows)
	}
	before, rows := p.digests(), fmt.Sprint(p.sql("select * from audience_members order by all"), p.sql("select * from audience_lists order by all"))
	p = p.rebuilt(c)
	if after := fmt.Sprint(p.sql("select * from audience_members order by all"), p.sql("select * from audience_lists order by all")); after != rows {
		t.Errorf("after a rebuild the lists are\n%s\nwere\n%s", after, rows)
	}
	for name, d := range p.digests() {
		if before[name] != d {
			t.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
	if _, err := p.client.UploadAudience(ctx, "both", clientele.AudienceUpload{Mode: clientele.ListAppend, Namespace: clientele.Email}, []byte("x@example.com")); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a file for a definition: %v", err)
	}
}

// An SQL audience is who its query names, as of the last refresh; a query that fails leaves its members.
func TestSQLAudience(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	order := func(i int, revenue string) {
		t.Helper()
		p.batch(webKey, track(fmt.Sprint("o", i), "Order Completed", "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"order_id":"O%d","revenue":%s}`, i, revenue)))
	}
	order(1, "10")
	order(2, "90")
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	const query = "select profile_id from orders group by profile_id having sum(100 / (cast(revenue as integer) - 7)) < 30"
	for what, q := range map[string]string{"no profile_id": "select 1", "two statements": "select 1; select 2", "not a SELECT": "delete from orders", "no such table": "select profile_id from nowhere"} {
		if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "big", Kind: clientele.AudienceSQL, Query: q}); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	v, err := p.client.SetAudience(ctx, clientele.Audience{Name: "big", Kind: clientele.AudienceSQL, Query: query + " -- a remark", Every: "1h"})
	if err != nil || v.Members != 1 || v.List.Revision != 1 || v.List.Due <= v.List.At || p.membersOf("big") != "u2" {
		t.Fatalf("made: %+v, %v", v, err)
	}
	order(3, "80")
	if v, err = p.client.RefreshAudience(ctx, "big"); err != nil || v.Members != 2 || p.membersOf("big") != "u2 u3" {
		t.Fatalf("refreshed: %+v, %v", v, err)
	}
	order(4, "3000000000") // beyond an integer: the query fails
	if _, err = p.client.RefreshAudience(ctx, "big"); err == nil {
		t.Error("the query that fails has no error")
	}
	if v, err = p.client.Audience(ctx, "big"); err != nil || v.Members != 2 || v.List.Error == "" || v.List.ErrorAt == 0 {
		t.Errorf("after the failure: %+v, %v", v.List, err)
	}
	before := p.digests()
	p = p.rebuilt(c)
	if got := p.membersOf("big"); got != "u2 u3" {
		t.Errorf("after a rebuild the members are %s", got)
	}
	for name, d := range p.digests() {
		if before[name] != d {
			t.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
}
