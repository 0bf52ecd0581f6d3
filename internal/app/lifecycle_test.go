package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// A lifecycle over a history gives everybody a stage, keeps it by events and time, is asked about, survives a rebuild
// and ends.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	send := func(id, event, who, properties string) {
		p.batch(webKey, track(id, event, "2026-02-28T11:00:00Z", fmt.Sprintf(`"userId":%q`, who), properties))
	}
	for i := range 5 {
		send(fmt.Sprint("v", i), "Product Viewed", fmt.Sprint("u", i), `{"product_id":"P1"}`)
	}
	send("o", "Order Completed", "u4", `{"order_id":"O1","revenue":10}`)
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.SetLifecycle(ctx, clientele.DefaultLifecycle()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lifecycle is live", func() bool {
		l, err := p.client.Lifecycle(ctx)
		return err == nil && l.Filling == nil && l.Version == 1
	})
	stage := func(who string) string {
		if at := p.profile("user_id", who).Lifecycle; at != nil {
			return at.Stage
		}
		return ""
	}
	if got := stage("u0") + " " + stage("u4"); got != "interest purchase" {
		t.Fatalf("stages are %s", got)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "buyers", Where: clientele.RawJSON(`{"lifecycle":"purchase"}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("buyers")
	send("c", "Product Added", "u0", `{"product_id":"P1"}`)
	send("o2", "Order Completed", "u1", `{"order_id":"O2","revenue":10}`)
	eventually(t, "u0 has gone on", func() bool { return stage("u0") == "intent" && stage("u1") == "purchase" })
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.membersOf("buyers"); got != "u1 u4" {
		t.Errorf("in the audience of a stage are %s", got)
	}
	q := clientele.Question{Kind: "lifecycle", Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)}
	r, err := p.client.Explore(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	var sizes, moves []string
	for _, row := range r.Rows {
		sizes = append(sizes, fmt.Sprint(row[0], " ", row[1], " ", row[10]))
	}
	for _, l := range r.Links {
		moves = append(moves, fmt.Sprint(l.From, ">", l.To, " ", l.People))
	}
	if got := strings.Join(sizes, ", ") + "; " + strings.Join(moves, ", "); got != "awareness 0 <nil>, interest 2 <nil>, intent 1 <nil>, purchase 2 bottleneck, retention 0 <nil>, lapsed 0 <nil>; interest>intent 1, interest>purchase 1" {
		t.Errorf("the lifecycle is %s", got)
	}
	for _, cell := range []struct {
		cell clientele.Cell
		n    int64
	}{{clientele.Cell{"stage": "interest"}, 2}, {clientele.Cell{"stage": "interest", "to": "intent"}, 1}} {
		if b, err := p.client.Behind(ctx, clientele.BehindRequest{Question: q, Cell: cell.cell}); err != nil || b.Count != cell.n || int64(len(b.Items)) != cell.n {
			t.Errorf("behind %v are %+v, %v", cell.cell, b, err)
		}
	}
	rows := p.sql("select profile_id, stage, entered_at, left_at from lifecycle order by all")
	before := p.digests()
	p.stop()
	if err := app.Rebuild(ctx, c, options(), nil); err != nil {
		t.Fatal(err)
	}
	again := run(t, c)
	if err := again.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if got := again.sql("select profile_id, stage, entered_at, left_at from lifecycle order by all"); fmt.Sprint(got) != fmt.Sprint(rows) || len(rows) != 7 {
		t.Errorf("after a rebuild the stays are\n%v\nwere\n%v", got, rows)
	}
	for name, d := range again.digests() {
		if before[name] != d {
			t.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
	if _, err := again.client.SetLifecycle(ctx, nil); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a lifecycle that an audience asks for ends: %v", err)
	}
	if err := again.client.DeleteAudience(ctx, "buyers"); err != nil {
		t.Fatal(err)
	}
	if l, err := again.client.SetLifecycle(ctx, nil); err != nil || len(l.Stages) != 0 {
		t.Errorf("ended: %+v, %v", l, err)
	}
	if got := again.sql("select count(*) from lifecycle where left_at is null"); fmt.Sprint(got) != "[0]" {
		t.Errorf("after the end %v are in a stage", got)
	}
}

// The configuration's stages and audiences come into force together, whichever refers to which, and end with it.
func TestLifecycleOfTheConfiguration(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Lifecycle = config.Lifecycle{Stages: []config.Stage{{Name: "new"}, {Name: "known", Where: map[string]any{"audience": "z named"}}}}
	c.Audiences = []config.Audience{{Name: "a known", Where: map[string]any{"lifecycle": "known"}}, {Name: "z named", Where: map[string]any{"identifier": "user_id"}}}
	p := run(t, c)
	p.batch(webKey, identify("i1", "2026-02-27T11:00:00Z", `"userId":"mia"`, `{"city":"Hue"}`))
	eventually(t, "mia is known", func() bool {
		v := p.profile("user_id", "mia")
		return v.Lifecycle != nil && v.Lifecycle.Stage == "known" && len(v.Audiences) == 2
	})
	if _, err := p.client.SetLifecycle(ctx, clientele.DefaultLifecycle()); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("the configuration's lifecycle can be changed: %v", err)
	}
	p.stop()
	c.Lifecycle, c.Audiences = config.Lifecycle{}, nil
	q := run(t, c)
	eventually(t, "it has ended", func() bool {
		v := q.profile("user_id", "mia")
		return v.Lifecycle == nil && len(v.Audiences) == 0
	})
}
