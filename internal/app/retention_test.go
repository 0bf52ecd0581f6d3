package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"clientele"
)

// A rule deletes what it says from profile, tables, log, archive and files, within seconds and the time of a purge; a
// rebuild and an import of the same events change nothing; what a day more makes too old goes by a tick alone.
func TestRetention(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o, ahead := optionsAhead()
	o.Plain = true
	c := settings(t)
	p := runWith(t, c, o)
	old := []string{
		track("v1", "Looked", "2026-01-05T10:00:00Z", `"userId":"ann"`, `{"page":"goneforever"}`),
		track("v2", "Looked", "2026-01-05T10:00:00Z", `"userId":"bob"`, `{"page":"goneforever`+strings.Repeat(" and more", 40)+`"}`),
		track("v3", "Order Completed", "2026-01-05T10:00:00Z", `"userId":"ann"`, `{"order_id":"O1","revenue":30,"page":"staysforever"}`),
	}
	p.batch(webKey, old...)
	p.batch(webKey, track("v4", "Looked", "2026-02-05T10:00:00Z", `"userId":"ann"`, `{"page":"staysforever"}`),
		`{"type":"track","messageId":"bad","event":"","userId":"ann","properties":{"page":"badforever"}}`)
	p.settle()
	rule := clientele.RetentionRule{Name: "looks", Events: []string{"Looked"}, OlderThan: "30d"}
	preview, err := p.client.PreviewRetention(ctx, rule)
	if err != nil || preview.Count != 2 || preview.Total != 4 || preview.ByEvent["Looked"] != 2 || preview.BySource["web"] != 2 || preview.Oldest.Time().Day() != 5 {
		t.Errorf("preview %+v, %v", preview, err)
	}
	swept := func(name string) bool {
		list, err := p.client.Retention(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.Name == name && r.Deleted > 0 {
				return true
			}
		}
		return false
	}
	if _, err := p.client.SetRetention(ctx, rule); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rule has deleted", func() bool { return swept("looks") })
	p.settle()
	p.tells("select name, count(*) from events group by 1 order by 1", "Looked|1", "Order Completed|1")
	ann := p.profile("user_id", "ann")
	if _, err := p.client.SetRetention(ctx, clientele.RetentionRule{Name: "bad", Delete: clientele.RetainQuarantine, OlderThan: "1d"}); err != nil {
		t.Fatal(err)
	}
	ahead.Add(int64(48 * time.Hour))
	eventually(t, "quarantine is empty", func() bool { return p.status().Counts["quarantined"] == 0 })
	if err := p.app.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	p.batch(webKey, old[:2]...) // again, a day later and more: a new telling of what is too old
	p.settle()
	p.tells("select name, count(*) from events group by 1 order by 1", "Looked|1", "Order Completed|1")
	if got := p.profile("user_id", "ann"); got.FirstSeen != ann.FirstSeen || len(got.Identifiers) != len(ann.Identifiers) {
		t.Errorf("ann was %+v, is %+v", ann, got)
	}
	if err := p.app.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	was := p.digests()
	p.stop()
	for text, there := range map[string]bool{"goneforever": false, "badforever": false, "staysforever": true} {
		if where := inFiles(t, c.Data, []byte(text)); len(where) > 0 != there {
			t.Errorf("%s stands in %v", text, where)
		}
	}
	rebuild(t, c)
	p = runWith(t, c, o)
	same(t, was, p.digests())
	if err := p.client.DeleteRetention(ctx, "looks"); err != nil {
		t.Fatal(err)
	}
	if list, err := p.client.Retention(ctx); err != nil || len(list) != 1 || list[0].Name != "bad" || list[0].Before == 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// The configuration's rules are in force after a start, and gone when it has them no more; over the API they are
// read only.
func TestRetentionOfConfiguration(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Retention = []clientele.RetentionRule{{Name: "all", OlderThan: "400d"}}
	p := run(t, c)
	p.settle()
	if list, err := p.client.Retention(ctx); err != nil || len(list) != 1 || !list[0].Config {
		t.Fatalf("%+v, %v", list, err)
	}
	if code := clientele.ErrorCode(p.client.DeleteRetention(ctx, "all")); code != clientele.Conflict {
		t.Errorf("the configuration's rule can be deleted: %s", code)
	}
	if _, err := p.client.SetRetention(ctx, c.Retention[0]); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("the configuration's rule can be set: %v", err)
	}
	commands := p.status().Counts["commands"]
	p.stop()
	p = run(t, c)
	p.settle()
	if n := p.status().Counts["commands"]; n != commands {
		t.Errorf("the same rule is told %d times again", n-commands)
	}
	p.stop()
	c.Retention = nil
	p = run(t, c)
	p.settle()
	if list, err := p.client.Retention(ctx); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
