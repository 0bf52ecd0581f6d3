package app_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/config"
)

// live does what may happen to a program in its life: events, imports, merges, unmerges,
// replays, in random order, of few people so that they meet.
func (p *program) live(rnd *rand.Rand, steps int) {
	p.Helper()
	ctx := context.Background()
	who := func() string { return fmt.Sprintf("u%d", rnd.IntN(8)) }
	anon := func() string { return fmt.Sprintf("a%d", rnd.IntN(20)) }
	for step := range steps {
		switch rnd.IntN(8) {
		default:
			var events []string
			for range 1 + rnd.IntN(12) {
				message, at := fmt.Sprintf("m%d", rnd.IntN(400)), fmt.Sprintf("2026-02-%02dT%02d:00:00Z", 1+rnd.IntN(28), rnd.IntN(24))
				switch rnd.IntN(6) {
				case 0:
					events = append(events, identify(message, at, fmt.Sprintf(`"userId":%q,"anonymousId":%q`, who(), anon()),
						fmt.Sprintf(`{"email":"%s@example.com","plan":"p%d","score":%d,"consent":{"marketing":%v}}`, who(), rnd.IntN(3), rnd.IntN(50), rnd.IntN(2) == 0)))
				case 1:
					order := rnd.IntN(10)
					events = append(events, track(message, "Order Completed", at, fmt.Sprintf(`"userId":%q`, who()),
						fmt.Sprintf(`{"order_id":"O%d","total":%d,"products":[{"sku":"S%d","price":%d.5,"quantity":2}]}`, order, rnd.IntN(90), rnd.IntN(9), rnd.IntN(30))))
				case 2:
					events = append(events, fmt.Sprintf(`{"type":"track","messageId":%q,"event":"","userId":%q}`, message, who())) // quarantine
				default:
					events = append(events, track(message, "Product Viewed", at, fmt.Sprintf(`"anonymousId":%q`, anon()), fmt.Sprintf(`{"sku":"S%d","n":%d,"list":"%s"}`, rnd.IntN(9), rnd.IntN(5), strings.Repeat("x", rnd.IntN(200)))))
				}
			}
			p.batch([]string{webKey, serverKey}[rnd.IntN(2)], events...)
		case 0, 1:
			n := rnd.IntN(60)
			p.rows("crm",
				fmt.Sprintf(`{"table":"profiles","id":"c%d","ts":"2026-01-%02dT00:00:00Z","ids":[{"ns":"user_id","v":%q},{"ns":"crm:no","v":"%d"}],"traits":{"city":"C%d"}}`, n, 1+rnd.IntN(28), who(), n, n),
				fmt.Sprintf(`{"table":"profiles","id":"d%d","ids":[{"ns":"email","v":"desk@example.com"}],"traits":{"city":"C%d"}}`, n, n), // blocked: quarantine
				fmt.Sprintf(`{"table":"order_lines","id":"l%d","fields":{"order_id":"C%d","line":"%d","ts":"2026-01-02T10:00:00Z","sku":"S1","quantity":1,"price":"%d"}}`, n, n%7, n, n),
				fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"crm:no","v":"%d"}],"fields":{"order_id":"C%d","status":"s%d"}}`, n, step, n, n%7, n))
		case 2:
			_, err := p.client.Merge(ctx, clientele.MergeRequest{Profile: "user_id:" + who(), Identifiers: []clientele.Identifier{id("anonymous_id", anon())}})
			p.mayRefuse(err)
		case 3:
			_, err := p.client.Unmerge(ctx, clientele.MergeRequest{Profile: "user_id:" + who(), Identifiers: []clientele.Identifier{id("anonymous_id", anon())}})
			p.mayRefuse(err)
		case 4:
			if v, err := p.client.Identity(ctx, id("user_id", who())); err == nil && len(v.Evidence) > 0 {
				_, err := p.client.Unmerge(ctx, clientele.MergeRequest{Evidence: []string{v.Evidence[rnd.IntN(len(v.Evidence))].ID}})
				p.mayRefuse(err)
			}
		case 5:
			if rnd.IntN(4) == 0 {
				if _, err := p.client.Replay(ctx, nil); err != nil {
					p.Fatal(err)
				}
			}
		}
	}
}

// mayRefuse lets pass what an operator may get as an answer.
func (p *program) mayRefuse(err error) {
	p.Helper()
	switch clientele.ErrorCode(err) {
	case "", clientele.Invalid, clientele.NotFound, clientele.Conflict:
	default:
		p.Fatal(err)
	}
}

// rulesOfYear are the configuration's rules as they change over time.
func rulesOfYear(c config.Config, year int) config.Config {
	c = withLimit(c, clientele.AnonymousID, 3+year)
	c = withLimit(c, clientele.Email, []int{5, 1, 2}[year])
	if r := c.Identity.Namespaces[clientele.Email]; year < 2 {
		r.Blocked = []string{"desk@example.com"}
		c.Identity.Namespaces[clientele.Email] = r
	} else {
		r.Blocked = nil
		c.Identity.Namespaces[clientele.Email] = r
		c.Traits = map[string]clientele.TraitRule{"plan": {Rule: clientele.RuleMostFrequent}}
	}
	return c
}

// Whatever happened, a rebuild from archive and log comes to the same tables and rows.
func TestRebuild(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 4))
			c := settings(t)
			var p *program
			for year := range 3 {
				c = rulesOfYear(c, year)
				p = run(t, c)
				p.settle()
				p.live(rnd, 14)
				if year < 2 {
					p.stop()
				}
			}
			if _, err := p.client.Replay(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			s := p.status().Counts
			for _, what := range []string{"events", "duplicates", "quarantined", "replayed", "imported_orders", "evidence", "blocked_merges"} {
				if s[what] == 0 {
					t.Errorf("no %s: this life says little", what)
				}
			}
			before, waiting := p.digests(), fmt.Sprint(p.allQuarantined(100))
			p.stop()
			rows := rowDigest(t, c)
			rebuild(t, c)
			if got := rowDigest(t, c); got != rows {
				t.Errorf("the rows' digest is %s, was %s", got, rows)
			}
			p = run(t, c)
			same(t, before, p.digests())
			if got := fmt.Sprint(p.allQuarantined(100)); got != waiting {
				t.Errorf("quarantine\n got %s\n was %s", got, waiting)
			}
			if got := p.status().Counts; fmt.Sprint(got) != fmt.Sprint(s) {
				t.Errorf("counts\n got %v\n was %v", got, s)
			}
			p.live(rnd, 5) // and life goes on
		})
	}
}

// An interrupted rebuild changes nothing, and the next one is whole.
func TestRebuildInterrupted(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.live(rand.New(rand.NewPCG(9, 9)), 12)
	before := p.digests()
	if err := app.Rebuild(context.Background(), c, options(), nil); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a rebuild beside a running program: %v", err)
	}
	p.stop()
	ctx, cancel := context.WithCancel(context.Background())
	err := app.Rebuild(ctx, c, options(), func(_, total clientele.Position) {
		if total == 0 {
			t.Error("nothing to do")
		}
		cancel()
	})
	if err == nil {
		t.Fatal("the rebuild was not interrupted")
	}
	p = run(t, c)
	same(t, before, p.digests())
	p.stop()
	last := clientele.Position(0)
	if err := app.Rebuild(context.Background(), c, options(), func(done, total clientele.Position) {
		if done < last || done > total {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	}); err != nil {
		t.Fatal(err)
	}
	p = run(t, c)
	same(t, before, p.digests())
}

// A crash between the two renames that put a rebuilt state in its place is made good by whoever
// opens next; a crash before them leaves the old state.
func TestRebuildCrash(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.live(rand.New(rand.NewPCG(8, 8)), 8)
	before := p.digests()
	p.stop()
	state := filepath.Join(c.Data, "state")
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(dir string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "mark"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	marked := func() bool { _, err := os.Stat(filepath.Join(state, "mark")); return err == nil }

	if err := os.CopyFS(state+".next", os.DirFS(state)); err != nil {
		t.Fatal(err)
	}
	mark(state + ".next")
	p = run(t, c)
	same(t, before, p.digests())
	p.stop()
	if marked() {
		t.Error("an unfinished rebuild took the place of the state")
	}

	move(state, state+".old") // and here it crashed
	p = run(t, c)
	same(t, before, p.digests())
	p.stop()
	if !marked() {
		t.Error("the rebuilt state is not in its place")
	}
	rebuild(t, c)
	if marked() {
		t.Error("the rebuild left the old state")
	}
	for _, left := range []string{state + ".old", state + ".next"} {
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", filepath.Base(left), err)
		}
	}
	p = run(t, c)
	same(t, before, p.digests())
}

// What has left the log is read from the archive: by a rebuild, by a start without any state,
// and by the timeline of old events.
func TestTrimmed(t *testing.T) {
	t.Parallel()
	c := settings(t)
	p := run(t, c)
	p.live(rand.New(rand.NewPCG(5, 5)), 15)
	long := `{"story":"` + strings.Repeat("long ago ", 40) + `"}`
	p.batch(webKey, track("old", "Once", "2026-01-01T00:00:00Z", `"userId":"elder"`, long), `{"type":"track","messageId":"bad","userId":"elder"}`)
	p.stop()

	c.Log.KeepSize = 1
	p = run(t, c)
	eventually(t, "the log was trimmed", func() bool { s := p.status().Log; return s.First > 1 && s.Archived > 1 })
	p.batch(webKey, track("new", "Once", "2026-02-01T00:00:00Z", `"userId":"elder"`, `{}`))
	check := func(p *program) {
		t.Helper()
		events, _, err := p.client.Events(context.Background(), id("user_id", "elder"), 10, "")
		if err != nil || len(events) != 2 || !jsonEqual(t, string(events[1].Properties), long) {
			t.Errorf("timeline: %v, %v", events, err)
		}
		var raw string
		for _, q := range p.allQuarantined(100) {
			if strings.Contains(q.Raw, "elder") {
				raw = q.Raw
			}
		}
		if raw == "" {
			t.Error("the quarantined event's text is gone")
		}
		if problems := p.status().Problems; len(problems) > 0 {
			t.Errorf("problems %v", problems)
		}
	}
	check(p)
	before := p.digests()
	p.stop()
	rows := rowDigest(t, c)
	for _, how := range []string{"rebuilt", "without state", "without trimming more"} {
		switch how {
		case "rebuilt":
			rebuild(t, c)
		case "without trimming more":
			c.Log.KeepSize = config.GB
			fallthrough
		default:
			if err := os.RemoveAll(filepath.Join(c.Data, "state")); err != nil {
				t.Fatal(err)
			}
		}
		p = run(t, c)
		p.settle()
		if first := p.status().Log.First; first < 2 {
			t.Errorf("%s: the log begins at %d", how, first)
		}
		same(t, before, p.digests())
		check(p)
		p.stop()
		if got := rowDigest(t, c); got != rows {
			t.Errorf("%s: the rows' digest is %s, was %s", how, got, rows)
		}
	}
}
