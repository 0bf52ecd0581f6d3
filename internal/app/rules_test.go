package app_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"clientele"
	"clientele/internal/config"
)

// withLimit is the configuration with another limit of a namespace.
func withLimit(c config.Config, ns clientele.Namespace, limit int) config.Config {
	c.Identity.Namespaces = maps.Clone(c.Identity.Namespaces)
	r := c.Identity.Namespaces[ns]
	r.Limit = limit
	c.Identity.Namespaces[ns] = r
	return c
}

// households sends people with two e-mail addresses each, which the default rules allow, and
// pairs of users who share an address, which they refuse.
func (p *program) households() {
	var events []string
	for i := range 8 {
		events = append(events,
			identify(fmt.Sprintf("i%d", i), "2026-02-01T00:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"email":"u%d@work.example"}`, i)),
			identify(fmt.Sprintf("j%d", i), "2026-02-02T00:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"email":"u%d@home.example"}`, i)),
			track(fmt.Sprintf("k%d", i), "Ping", "2026-02-03T00:00:00Z", fmt.Sprintf(`"userId":"u%d","context":{"traits":{"email":"u%d@home.example"}}`, i/2*2, i), `{}`),
			track(fmt.Sprintf("l%d", i), "Ping", "2026-02-03T00:00:00Z", fmt.Sprintf(`"anonymousId":"a%d","context":{"traits":{"email":"u%d@work.example"}}`, i, i), `{}`))
	}
	p.batch(webKey, events...)
}

// What simulate promises is what happens when the configuration has the rules at the next
// start; a rebuild from the log comes to the same.
func TestSimulateThenApply(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(config.Config) config.Config{
		"stricter": func(c config.Config) config.Config { return withLimit(c, clientele.Email, 1) },
		"looser":   func(c config.Config) config.Config { return withLimit(c, clientele.UserID, 2) },
		"blocking": func(c config.Config) config.Config {
			c = withLimit(c, clientele.Email, 5)
			r := c.Identity.Namespaces[clientele.Email]
			r.Blocked = []string{"/@home[.]example$/"}
			c.Identity.Namespaces[clientele.Email] = r
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := settings(t)
			p := run(t, c)
			p.households()
			before, commands := p.digests(), p.status().Counts["commands"]
			then := change(c)
			s, err := p.client.Simulate(context.Background(), then.Identity, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if s.ProfilesBefore != p.status().Counts["profiles"] || s.Affected == 0 || len(s.Sample) == 0 || s.Merges+s.Splits == 0 {
				t.Fatalf("simulation %+v of %d profiles", s, p.status().Counts["profiles"])
			}
			same(t, before, p.digests()) // it changed nothing
			p.stop()

			p = run(t, then)
			p.settle()
			status := p.status()
			if status.Counts["profiles"] != s.ProfilesAfter {
				t.Errorf("%d profiles, simulated %d", status.Counts["profiles"], s.ProfilesAfter)
			}
			p.tells(`select count(*) from profiles`, fmt.Sprint(s.ProfilesAfter))
			if status.Counts["commands"] != commands+1 {
				t.Errorf("%d commands, before %d: the rules are to be one", status.Counts["commands"], commands)
			}
			for _, g := range s.Sample {
				p.grouped(g.After)
			}
			if testing.Short() && name != "stricter" {
				return
			}
			after := p.digests()
			p.stop()
			rows := rowDigest(t, then)
			rebuild(t, then)
			if got := rowDigest(t, then); got != rows {
				t.Errorf("the rows' digest after a rebuild is %s, was %s", got, rows)
			}
			p = run(t, then)
			same(t, after, p.digests())
			if got := p.status().Counts["commands"]; got != commands+1 {
				t.Errorf("%d commands after a rebuild, want %d", got, commands+1)
			}
		})
	}
}

// grouped checks that the identifiers of each group are one profile's and those of two are not.
func (p *program) grouped(groups [][]clientele.Identifier) {
	p.Helper()
	whose := map[clientele.ProfileID]int{}
	for n, ids := range groups {
		for _, i := range ids {
			got := p.profile(string(i.Namespace), i.Value).ID
			if have, ok := whose[got]; ok && have != n {
				p.Errorf("%s of group %d is of the profile of group %d", i, n, have)
			}
			whose[got] = n
		}
	}
	if len(whose) != len(groups) {
		p.Errorf("%d profiles, simulated %d groups: %v", len(whose), len(groups), groups)
	}
}

// Rules that the configuration no longer changes are not told to the log again and again.
func TestRulesAreToldOnce(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Traits = map[string]clientele.TraitRule{"plan": {Rule: clientele.RuleFirst}}
	p := run(t, c)
	p.batch(webKey, identify("m1", "2026-02-01T00:00:00Z", `"userId":"u"`, `{"plan":"a"}`), identify("m2", "2026-02-02T00:00:00Z", `"userId":"u"`, `{"plan":"b"}`))
	if got := p.profile("user_id", "u").Traits["plan"]; got != "a" {
		t.Errorf("plan is %v", got)
	}
	want := p.status()
	p.stop()
	for range 2 {
		p = run(t, c)
		p.settle()
		if got := p.status(); got.Log.Last != want.Log.Last || got.Counts["commands"] != want.Counts["commands"] {
			t.Errorf("the log went from %d to %d, commands from %d to %d", want.Log.Last, got.Log.Last, want.Counts["commands"], got.Counts["commands"])
		}
		p.stop()
	}
}

// A survivorship rule that comes later, or goes, is folded by a rebuild as it was.
func TestTraitRulesOverTime(t *testing.T) {
	t.Parallel()
	c := settings(t)
	say := func(p *program, n int, at string) {
		for i, plan := range []string{"a", "b", "b", "c"} {
			p.batch(webKey, identify(fmt.Sprintf("m%d-%d", n, i), at+fmt.Sprintf("T0%d:00:00Z", i), `"userId":"u"`, fmt.Sprintf(`{"plan":%q,"tags":[%q]}`, plan, plan)))
		}
	}
	p := run(t, c)
	say(p, 1, "2026-02-01")
	p.stop()
	c.Traits = map[string]clientele.TraitRule{"plan": {Rule: clientele.RuleMostFrequent}, "tags": {Rule: clientele.RuleUnion}}
	p = run(t, c)
	say(p, 2, "2026-02-02")
	p.stop()
	c.Traits = map[string]clientele.TraitRule{"plan": {Rule: clientele.RuleFirst}}
	p = run(t, c)
	say(p, 3, "2026-02-03")
	before, was := p.digests(), fmt.Sprint(p.profile("user_id", "u").Traits)
	p.stop()
	rows := rowDigest(t, c)
	rebuild(t, c)
	if got := rowDigest(t, c); got != rows {
		t.Errorf("the rows' digest after a rebuild is %s, was %s", got, rows)
	}
	p = run(t, c)
	same(t, before, p.digests())
	if got := fmt.Sprint(p.profile("user_id", "u").Traits); got != was {
		t.Errorf("traits after a rebuild %s, before %s", got, was)
	}
}

// A rule that comes holds for SQL as for the profile API, also for people of whom nothing new
// is heard.
func TestTraitRulesInSQL(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.batch(webKey, identify("m1", "2026-02-01T00:00:00Z", `"userId":"u"`, `{"plan":"a"}`), identify("m2", "2026-02-02T00:00:00Z", `"userId":"u"`, `{"plan":"b"}`))
	p.stop()
	c.Traits = map[string]clientele.TraitRule{"plan": {Rule: clientele.RuleSourcePriority, Sources: []string{"crm", "web"}}}
	p = run(t, c)
	p.rows("crm", `{"table":"profiles","id":"r1","ts":"2026-01-01T00:00:00Z","ids":[{"ns":"user_id","v":"u"}],"traits":{"plan":"c"}}`)
	p.stop()
	c.Traits = map[string]clientele.TraitRule{}
	p = run(t, c)
	p.settle()
	p.tells(`select plan from profiles`, fmt.Sprint(p.profile("user_id", "u").Traits["plan"]))
}
