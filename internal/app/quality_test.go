package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

const orderPlan = `
name: shop
sources: [web]
on_violation: quarantine
unplanned: ignore
events:
  Order:
    schema:
      type: object
      required: [total]
      properties:
        total: {type: number}
`

func order(n int, total string) string {
	return track(fmt.Sprintf("q%d", n), "Order", "2026-02-01T00:00:00Z", `"userId":"u"`, fmt.Sprintf(`{"total":%s,"card":"4111-%d"}`, total, n))
}

// What the configuration says of plans and rules is told to the log once, ends when it goes from there, and is not
// to be changed over the API; a rebuild comes to the same rows and tables.
func TestPlansOfTheConfiguration(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(orderPlan), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Plans = []string{file}
	c.Transforms = []clientele.TransformRule{{Name: "card", Events: []string{"Order"}, Steps: []clientele.TransformStep{{Op: clientele.TransformHash, Path: "properties.card"}}}}
	p := run(t, c)
	p.batch(webKey, order(1, "5"), order(2, `"6"`))
	p.tells(`select count(*) from events where length(properties->>'$.card') = 64`, "1")
	if s := p.status(); s.Counts["quarantined"] != 1 || s.Counts["plan_violations"] != 1 {
		t.Errorf("counts %v", s.Counts)
	}
	plan, err := p.client.Plan(ctx, "shop")
	if err != nil || !plan.Config || plan.By != "config" {
		t.Fatalf("%+v %v", plan, err)
	}
	for what, err := range map[string]error{"delete": p.client.DeletePlan(ctx, "shop"), "delete a rule": p.client.DeleteTransform(ctx, "card")} {
		if clientele.ErrorCode(err) != clientele.Conflict {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := p.client.SetPlan(ctx, plan.Plan); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("set: %v", err)
	}
	last, commands := p.status().Log.Last, p.status().Counts["commands"]
	p.stop()
	p = run(t, c)
	p.settle()
	if s := p.status(); s.Log.Last != last || s.Counts["commands"] != commands {
		t.Errorf("told again: %d commands, were %d", s.Counts["commands"], commands)
	}
	p.stop()
	c.Plans = nil
	p = run(t, c)
	p.settle()
	if n, err := p.client.Replay(ctx, nil); err != nil || n != 1 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if plans, err := p.client.Plans(ctx); err != nil || len(plans) != 0 {
		t.Errorf("plans %v %v", plans, err)
	}
	before := p.digests()
	p.stop()
	rows := rowDigest(t, c)
	rebuild(t, c)
	if got := rowDigest(t, c); got != rows {
		t.Errorf("the rows' digest after a rebuild is %s, was %s", got, rows)
	}
	p = run(t, c)
	same(t, before, p.digests())
}

func TestWrongPlansOfTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", orderPlan)
	for name, change := range map[string]func(*config.Config){
		"no file": func(c *config.Config) { c.Plans = []string{filepath.Join(dir, "none.yaml")} },
		"no plan": func(c *config.Config) { c.Plans = []string{file("bad.yaml", "nme: x")} },
		"twice":   func(c *config.Config) { c.Plans = []string{good, good} },
		"no rule": func(c *config.Config) { c.Transforms = []clientele.TransformRule{{Name: "x"}} },
		"a wrong one": func(c *config.Config) {
			c.Transforms = []clientele.TransformRule{{Name: "x", When: "now()", Steps: []clientele.TransformStep{{Op: clientele.TransformFilter}}}}
		},
	} {
		c := settings(t)
		change(&c)
		if a, err := openApp(c); err == nil || clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" && name != "no rule" && name != "twice" && name != "no plan" {
			t.Errorf("%s: %v", name, err)
			if a != nil {
				_ = a.Close()
			}
		}
	}
}

// From what was seen to a plan, from violations to a rule, from quarantine to profiles: all of it over the API.
func TestMendingOverTheAPI(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	var events []string
	for i := range 60 {
		events = append(events, order(i, fmt.Sprint(i)))
	}
	p.batch(webKey, events...)
	plan, err := p.client.ProposePlan(ctx, "web", "")
	if err != nil || plan.Name != "web" || !strings.Contains(string(plan.Events["Order"].Schema), `"required":["card","total"]`) {
		t.Fatalf("%+v %v", plan, err)
	}
	plan.OnViolation = clientele.PlanQuarantine
	if r, err := p.client.TestPlan(ctx, *plan, clientele.RuleTrial{}); err != nil || r.Events != 60 || r.Matched != 60 || r.Violated != 0 {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := p.client.SetPlan(ctx, *plan); err != nil {
		t.Fatal(err)
	}
	p.batch(webKey, order(100, `"7"`), order(101, `"8"`), order(102, `9`))
	find := clientele.QuarantineQuery{Source: "web", Code: "violation", Text: "TOTAL", From: clientele.MicrosOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	items, next, err := p.client.FindQuarantined(ctx, find, 1, "")
	if err != nil || len(items) != 1 || next == "" || !strings.Contains(items[0].Raw, "q101") {
		t.Fatalf("%+v %s %v", items, next, err)
	}
	if more, end, err := p.client.FindQuarantined(ctx, find, 1, next); err != nil || len(more) != 1 || end != "" || more[0].ID == items[0].ID {
		t.Errorf("%+v %s %v", more, end, err)
	}
	for _, none := range []clientele.QuarantineQuery{{Source: "app"}, {Code: "invalid"}, {Text: "price"}, {To: find.From}, {Dropped: true}} {
		if items, _, err := p.client.FindQuarantined(ctx, none, 10, ""); err != nil || len(items) != 0 {
			t.Errorf("%+v: %+v %v", none, items, err)
		}
	}
	v, err := p.client.Violations(ctx, "web", "Order")
	if err != nil || len(v) != 1 || v[0].Count != 2 || v[0].Rule != "/properties/total/type" || !slices.Contains(v[0].Examples, items[0].ID) {
		t.Errorf("%+v %v", v, err)
	}
	rule := clientele.TransformRule{Name: "total", Events: []string{"Order"}, Steps: []clientele.TransformStep{{Op: clientele.TransformSet, Path: "properties.total", Value: "float(properties.total)"}}}
	r, err := p.client.TestTransform(ctx, rule, clientele.RuleTrial{Recent: 3, Samples: 3})
	if err != nil || r.Events != 3 || r.Changed != 3 || len(r.Samples) != 3 || !strings.Contains(string(r.Samples[1].Before), `"total":"8"`) || !strings.Contains(string(r.Samples[1].After), `"total":8`) {
		t.Errorf("%+v %v", r, err)
	}
	if n, err := p.client.ReplayFound(ctx, find); err != nil || n != 0 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if items, _, _ := p.client.FindQuarantined(ctx, find, 9, ""); len(items) != 2 || items[0].ReplayedBy == "" || items[0].ReplayedAt == 0 {
		t.Errorf("replayed in vain: %+v", items)
	}
	if _, err := p.client.SetTransform(ctx, rule); err != nil {
		t.Fatal(err)
	}
	if n, err := p.client.ReplayFound(ctx, find); err != nil || n != 2 {
		t.Errorf("replayed %d, %v", n, err)
	}
	if n, err := p.client.ReplayFound(ctx, find); err != nil || n != 0 {
		t.Errorf("replayed nothing: %d, %v", n, err)
	}
	p.tells(`select count(*), max(total) from events where total > 6 and event_id in ('q100', 'q101', 'q102')`, "3|9")
	acts, err := p.client.Acts(ctx, 0, 2)
	if err != nil || len(acts) != 2 || acts[0].What != "replay" || acts[0].Accepted != 2 || acts[0].By == "" || acts[1].What != "transform" || acts[1].Subject != "total" {
		t.Errorf("%+v %v", acts, err)
	}
	if older, err := p.client.Acts(ctx, acts[1].Position, 9); err != nil || len(older) != 2 || older[1].What != "tracking_plan" {
		t.Errorf("%+v %v", older, err)
	}
	rules, err := p.client.Transforms(ctx)
	if err != nil || len(rules) != 1 || rules[0].Applied != 2 {
		t.Errorf("%+v %v", rules, err)
	}
	if err := p.client.DeleteTransform(ctx, "total"); err != nil {
		t.Error(err)
	}
	if err := p.client.DeletePlan(ctx, "web"); err != nil {
		t.Error(err)
	}
	if err := p.client.DeletePlan(ctx, "web"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("twice: %v", err)
	}
}

// Volumes, freshness and touchpoints tell of a source that has gone quiet, and of one that never spoke.
func TestQualityReports(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	now := clock()
	var events []string
	n := 0
	send := func(source string, at time.Time, count int) {
		for range count {
			n++
			events = append(events, fmt.Sprintf(`{"type":"track","event":%q,"userId":"u%d","messageId":"v%d","timestamp":%q,"properties":{}}`, "Viewed "+source, n%7, n, at.Format(time.RFC3339)))
		}
		key := map[string]string{"web": webKey, "backend": serverKey}[source]
		p.batch(key, events...)
		events = nil
	}
	for week := 1; week <= 4; week++ {
		send("web", now.AddDate(0, 0, -7*week).Add(-30*time.Minute), 30)
		send("backend", now.AddDate(0, 0, -7*week).Add(-30*time.Minute), 30)
	}
	send("backend", now.Add(-20*time.Minute), 31)
	send("web", now.Add(-20*time.Minute), 3)
	volumes, err := p.client.Volumes(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range volumes {
		got[v.Source+" "+v.Event] = fmt.Sprint(v.Status, v.Count, v.Before)
	}
	for name, want := range map[string]string{"web ": "low3[30 30 30 30]", "web Viewed web": "low3[30 30 30 30]", "backend Viewed backend": "normal31[30 30 30 30]"} {
		if strings.ReplaceAll(got[name], " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
	fresh, err := p.client.Freshness(ctx)
	if err != nil || len(fresh) != 3 || fresh[0].Source != "backend" || fresh[0].Status != "fresh" || fresh[0].Expected != 30 || fresh[1].Source != "crm" || fresh[1].Status != "never" || fresh[1].Last != 0 {
		t.Errorf("%+v %v", fresh, err)
	}
	p.rows("crm", `{"table":"orders","id":"o1","ts":"2026-01-05T00:00:00Z","ids":[{"ns":"user_id","v":"only-in-crm"}],"fields":{"order_id":"o1","ts":"2026-01-05T00:00:00Z","sales_channel":"store","revenue":5}}`)
	// Visits and orders of one site are one touchpoint.
	p.rows("web", `{"table":"orders","id":"o2","ts":"2026-01-05T00:00:00Z","ids":[{"ns":"user_id","v":"only-in-crm"}],"fields":{"order_id":"o2","ts":"2026-01-05T00:00:00Z","sales_channel":"web","revenue":5}}`)
	m, err := p.client.Touchpoints(ctx)
	if err != nil {
		t.Fatal(err)
	}
	points := []string{}
	for _, i := range m.Items {
		points = append(points, fmt.Sprintf("%s %s %d %.3f", i.Source, i.Channel, i.Profiles, i.Share))
	}
	if want := "web web 8 1.000; backend server 7 0.875; crm store 1 0.125"; strings.Join(points, "; ") != want || m.Profiles != 8 || m.Met != 8 || m.Once != 0 {
		t.Errorf("%s of %d, %d met, %d once", strings.Join(points, "; "), m.Profiles, m.Met, m.Once)
	}
	if !slices.ContainsFunc(m.Gaps, func(g string) bool { return strings.Contains(g, "crm, store has met nobody since 2026-01-05") }) {
		t.Errorf("gaps %q", m.Gaps)
	}
}

// What a query, a plan or a rule reads is not listed; what nothing reads can be stopped by one call, from then on.
func TestMinimisation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	send := func(from int) {
		var events []string
		for i := range 12 {
			events = append(events, track(fmt.Sprintf("m%d", from+i), "Article Read", "2026-02-01T00:00:00Z", `"userId":"u"`, `{"title":"a","depth":5,"debug":"x"}`),
				track(fmt.Sprintf("n%d", from+i), "Noise", "2026-02-01T00:00:00Z", `"userId":"u"`, `{"x":1}`))
		}
		p.batch(webKey, events...)
	}
	send(0)
	unread := func() string {
		t.Helper()
		m, err := p.client.Minimisation(ctx, 90)
		if err != nil || m.Sure || m.Days != 90 {
			t.Fatalf("%+v %v", m, err)
		}
		var out []string
		for _, i := range m.Items {
			out = append(out, strings.TrimSuffix(i.Event+"."+i.Property, "."))
		}
		return strings.Join(out, " ")
	}
	if got := unread(); got != "Article Read Noise" {
		t.Errorf("at first %q", got)
	}
	p.sql(`select depth, count(*) from events where name = 'Article Read' group by 1`)
	if got := unread(); got != "Article Read.title Article Read.debug Noise" {
		t.Errorf("after a query %q", got)
	}
	if _, err := p.client.SetPlan(ctx, clientele.Plan{Name: "p", Unplanned: clientele.PlanIgnore, Events: map[string]clientele.PlanEvent{"Article Read": {Schema: clientele.RawJSON(`{"properties":{"title":{}}}`)}}}); err != nil {
		t.Fatal(err)
	}
	if got := unread(); got != "Article Read.debug Noise" {
		t.Errorf("after a plan %q", got)
	}
	for _, what := range []clientele.StopRequest{{Source: "web", Event: "Noise"}, {Source: "web", Event: "Article Read", Property: "debug"}} {
		if _, err := p.client.Stop(ctx, what); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.client.Stop(ctx, clientele.StopRequest{Source: "web"}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("nothing named: %v", err)
	}
	send(100)
	p.tells(`select name, count(*), count(debug) from events group by 1 order by 1`, "Article Read|24|12", "Noise|12|0")
	if s := p.status(); s.Counts["filtered"] != 12 {
		t.Errorf("counts %v", s.Counts)
	}
	if got := unread(); got != "Noise" { // the query has read debug
		t.Errorf("in the end %q", got)
	}
}

func openApp(c config.Config) (*app.App, error) {
	return app.Open(context.Background(), c, options())
}
