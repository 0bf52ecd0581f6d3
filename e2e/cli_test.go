package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
)

// shownProfile is what clientele profile --json says.
func shownProfile(t *testing.T, in *install, who string) clientele.Profile {
	t.Helper()
	var p clientele.Profile
	must(t, json.Unmarshal([]byte(done(t, "profile", "--config", in.config, who, "--json")), &p))
	return p
}

// csv is the rows of clientele sql without the header.
func csv(t *testing.T, in *install, sql string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(done(t, "sql", "--config", in.config, "--format", "csv", sql)), "\n")
	return lines[1:]
}

// beforeAfter reads what merge and unmerge print.
func beforeAfter(t *testing.T, out string) (before, after []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		switch f := strings.Fields(line); {
		case len(f) == 3 && f[0] == "before":
			before = append(before, f[1]+" "+f[2])
		case len(f) == 3 && f[0] == "after":
			after = append(after, f[1]+" "+f[2])
		}
	}
	if len(before) == 0 || len(after) == 0 {
		t.Fatalf("a merge printed:\n%s", out)
	}
	return before, after
}

// Of the events, ann has 3, bob 2, and cat's telephone cannot be understood without a country.
var mergeEvents = []string{
	`{"type":"identify","userId":"ann","messageId":"a1","traits":{"email":"ann@example.com","city":"Hue"},"timestamp":"2026-01-01T10:00:00Z"}`,
	`{"type":"track","event":"Product Viewed","userId":"ann","messageId":"a2","timestamp":"2026-01-02T10:00:00Z"}`,
	`{"type":"track","event":"Order Completed","userId":"ann","messageId":"a3","timestamp":"2026-01-03T10:00:00Z","properties":{"order_id":"1","revenue":20,"currency":"EUR"}}`,
	`{"type":"track","event":"Product Viewed","anonymousId":"bob-phone","messageId":"b1","timestamp":"2026-01-04T10:00:00Z"}`,
	`{"type":"identify","anonymousId":"bob-phone","messageId":"b2","traits":{"phone":"+66812345678","city":"Chiang Mai"},"timestamp":"2026-01-05T10:00:00Z"}`,
	`{"type":"identify","userId":"dan","anonymousId":"d","messageId":"d1","traits":{"email":"dan@example.com"}}`,
	`{"type":"identify","userId":"dan","messageId":"d2","traits":{"email":"dan@work.example.com"}}`,
}

const catRow = `{"table":"profiles","id":"cat","ids":[{"ns":"phone","v":"081 234 5679"}],"traits":{"city":"Trang"}}`

// TestOperate: what an operator does to identities, quarantine and tokens, on the command line,
// with a server and without one.
func TestOperate(t *testing.T) {
	whole(t)
	for _, served := range []bool{true, false} {
		name := map[bool]string{true: "with a server", false: "without a server"}[served]
		t.Run(name, func(t *testing.T) {
			in := newInstall(t, "", "")
			in.start()
			for range 2 { // said twice: counted once
				if a := in.post(t.Context(), "/v1/batch", []byte(`{"batch":[`+strings.Join(mergeEvents, ",")+`]}`)); a.Status != 200 {
					t.Fatalf("batch: %+v", a)
				}
			}
			_, err := in.api().Import(t.Context(), "crm", clientele.KindRow, []clientele.Record{{Raw: []byte(catRow)}})
			must(t, err)
			in.settle()
			again := func(more string) {
				if in.process != nil {
					in.stop()
				}
				in.configure(more)
				if served {
					in.start()
				}
			}
			if !served {
				again("")
			}
			start := time.Now()
			checkMerge(t, in)
			checkSimulate(t, in)
			checkReplay(t, in, again)
			checkRebuild(t, in, again)
			t.Logf("%s: done in %s", name, time.Since(start).Round(time.Millisecond))
		})
	}
}

func checkMerge(t *testing.T, in *install) {
	ann, bob := shownProfile(t, in, "user_id:ann"), shownProfile(t, in, "phone:+66812345678")
	if ann.Events != 3 || bob.Events != 2 || ann.ID == bob.ID {
		t.Fatalf("ann has %d events, bob %d", ann.Events, bob.Events)
	}
	perProfile := "SELECT count(DISTINCT profile_id), max(n) FROM (SELECT profile_id, count(*) AS n FROM events WHERE user_id = 'ann' OR anonymous_id = 'bob-phone' GROUP BY profile_id) AS p"
	sums := digests(t, "--config", in.config)

	before, after := beforeAfter(t, done(t, "identity", "merge", "--config", in.config, "user_id:ann", "phone:+66812345678"))
	want := []string{ann.ID.String() + " 3", bob.ID.String() + " 2"}
	if slices.Sort(want); !slices.Equal(before, want) || !slices.Equal(after, []string{min(ann.ID, bob.ID).String() + " 5"}) {
		t.Errorf("merge: before %q, after %q", before, after)
	}
	t.Logf("merge: before %q, after %q", before, after)
	for _, who := range []string{"email:ann@example.com", "anonymous_id:bob-phone", ann.ID.String(), bob.ID.String()} {
		if p := shownProfile(t, in, who); p.ID != min(ann.ID, bob.ID) || p.Events != 5 || !slices.Equal(p.FormerIDs, []clientele.ProfileID{max(ann.ID, bob.ID)}) || p.Traits["city"] != "Chiang Mai" {
			t.Errorf("after the merge %s is %s with %d events, former ids %v, of %v", who, p.ID, p.Events, p.FormerIDs, p.Traits["city"])
		}
	}
	if got := csv(t, in, perProfile); got[0] != "1,5" {
		t.Errorf("SQL after the merge: %q", got)
	}
	if code, _, errs := cli(t, nil, "identity", "merge", "--config", in.config, "user_id:ann", "phone:+66812345678"); code != 1 {
		t.Errorf("merged twice: exit %d, %s", code, errs)
	}

	before, after = beforeAfter(t, done(t, "identity", "unmerge", "--config", in.config, "user_id:ann", "phone:+66812345678", "anonymous_id:bob-phone"))
	if !slices.Equal(after, want) || len(before) != 1 {
		t.Errorf("unmerge: before %q, after %q, not %q", before, after, want)
	}
	t.Logf("unmerge: before %q, after %q", before, after)
	for who, old := range map[string]clientele.Profile{"user_id:ann": ann, "anonymous_id:bob-phone": bob} {
		if p := shownProfile(t, in, who); p.ID != old.ID || p.Events != old.Events || p.Traits["city"] != old.Traits["city"] || len(p.FormerIDs) != 0 {
			t.Errorf("after the unmerge %s is %s with %d events, of %v; it was %s with %d, of %v", who, p.ID, p.Events, p.Traits["city"], old.ID, old.Events, old.Traits["city"])
		}
	}
	if got := csv(t, in, perProfile); got[0] != "2,3" {
		t.Errorf("SQL after the unmerge: %q", got)
	}
	now := digests(t, "--config", in.config)
	for _, table := range []string{"events", "profiles", "orders"} {
		if now[table] != sums[table] {
			t.Errorf("merge and unmerge have changed the digest of %s", table)
		}
	}
	if out := done(t, "identity", "explain", "--config", in.config, "user_id:ann"); !strings.Contains(out, "Kept apart") {
		t.Errorf("the unmerge is not explained:\n%s", out)
	}
}

func checkSimulate(t *testing.T, in *install) {
	sums := digests(t, "--config", in.config)
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	simulate := func(text string) clientele.Simulation {
		t.Helper()
		must(t, os.WriteFile(rules, []byte(text), 0o600))
		var s clientele.Simulation
		must(t, json.Unmarshal([]byte(done(t, "identity", "simulate", "--config", in.config, "--rules", rules, "--json")), &s))
		t.Logf("simulate %s: %d -> %d profiles, %d merges, %d splits, %d identifiers moved", strings.TrimSpace(text), s.ProfilesBefore, s.ProfilesAfter, s.Merges, s.Splits, s.Affected)
		return s
	}
	if s := simulate("identity: {namespaces: {email: {priority: 2, limit: 1}}}\n"); s.Splits != 1 || s.ProfilesAfter != s.ProfilesBefore+1 || len(s.Sample) != 1 {
		t.Errorf("one address each: %+v", s)
	}
	if s := simulate("identity: {}\n"); s.Merges+s.Splits+s.Affected != 0 || s.ProfilesAfter != s.ProfilesBefore {
		t.Errorf("the same rules: %+v", s)
	}
	sameDigests(t, "simulate", sums, digests(t, "--config", in.config))
}

func checkReplay(t *testing.T, in *install, again func(more string)) {
	list := func() (items []clientele.Quarantined) {
		t.Helper()
		var p struct{ Items []clientele.Quarantined }
		must(t, json.Unmarshal([]byte(done(t, "quarantine", "list", "--config", in.config, "--json")), &p))
		return p.Items
	}
	bad := list()
	if len(bad) != 1 || bad[0].Raw != catRow {
		t.Fatalf("in quarantine: %+v", bad)
	}
	done(t, "quarantine", "replay", "--config", in.config, bad[0].ID)
	if now := list(); len(now) != 1 || now[0].ReplayedAt == 0 {
		t.Errorf("replayed while the reason stands: %+v", now)
	}
	again("identity: {region: TH}\n") // now the number can be understood
	out := done(t, "quarantine", "replay", "--config", in.config, "--all")
	if now := list(); len(now) != 0 {
		t.Errorf("replayed: %s; still there: %+v", out, now)
	}
	if p := shownProfile(t, in, "phone:+66812345679"); p.Traits["city"] != "Trang" {
		t.Errorf("the replayed record made %+v", p)
	}
	t.Logf("replay: %s, %s", bad[0].Reason, strings.TrimSpace(out))
}

func checkRebuild(t *testing.T, in *install, again func(more string)) {
	more := "identity: {region: TH}\n"
	ids := "SELECT namespace, value, profile_id FROM identifiers ORDER BY namespace, value"
	sums, people := digests(t, "--config", in.config), csv(t, in, ids)
	if in.process != nil {
		if code, _, errs := cli(t, nil, "rebuild", "--config", in.config); code != 1 || !strings.Contains(errs, "stop") {
			t.Errorf("rebuild beside a server: exit %d, %s", code, errs)
		}
		in.stop()
	}
	done(t, "rebuild", "--config", in.config)
	again(more)
	sameDigests(t, "rebuild", sums, digests(t, "--config", in.config))
	if got := csv(t, in, ids); !slices.Equal(got, people) || len(people) < 8 {
		t.Errorf("the identifiers were\n%q\nand are\n%q", people, got)
	}
}

// TestTokens: what a token allows holds from the moment it is made to the moment it is revoked.
func TestTokens(t *testing.T) {
	whole(t)
	in := newInstall(t, "", "")
	offline := strings.Fields(done(t, "token", "create", "offline", "--scope", "read", "--config", in.config))[0]
	in.start()
	reader := strings.TrimSpace(done(t, "token", "create", "reader", "--scope", "read", "--config", in.config))
	writer := strings.TrimSpace(done(t, "token", "create", "writer", "--scope", "write", "--config", in.config))
	admin := regexp.MustCompile(`admin +(clt_\S+)`).FindStringSubmatch(in.process.out.String())
	if admin == nil {
		t.Fatalf("the first start prints no admin token:\n%s", in.process.out.String())
	}
	empty := t.TempDir()
	must(t, os.WriteFile(filepath.Join(empty, "rows.csv"), []byte("id\n1\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(empty, "map.yaml"), []byte("records:\n  - table: products\n    key: [id]\n    fields: {product_id: id}\n"), 0o600))
	query := []string{"sql", "SELECT count(*) FROM profiles"}
	load := []string{"import", "--source", "s", "--map", filepath.Join(empty, "map.yaml"), "--no-wait", filepath.Join(empty, "rows.csv")}
	list := []string{"token", "list"}
	check := func(when, token string, args []string, code int, said string) {
		t.Helper()
		got, out, errs := cli(t, []string{"CLIENTELE_TOKEN=" + token}, append(slices.Clone(args), "--server", *in.url.Load())...)
		if got != code || !strings.Contains(out+errs, said) || token != "" && strings.Contains(errs, token) {
			t.Errorf("%s, %s: exit %d, not %d with %q\n%s%s", when, args[0], got, code, said, out, errs)
		}
	}
	check("reader", reader, query, 0, "count")
	check("made without a server", offline, query, 0, "count")
	check("reader", reader, load, 1, "write")
	check("reader", reader, list, 1, "admin")
	check("writer", writer, load, 0, "1 rows")
	check("writer", writer, query, 1, "read")
	check("admin", admin[1], list, 0, "reader")
	check("nobody", "clt_nobody", query, 1, "token")
	check("none", "", query, 1, "CLIENTELE_TOKEN")
	done(t, "token", "revoke", "reader", "--config", in.config)
	check("revoked", reader, query, 1, "token")
	in.kill()
	in.start()
	check("revoked, after a kill", reader, query, 1, "token")
	check("writer, after a kill", writer, load, 0, "rows")
	out := done(t, "token", "list", "--config", in.config)
	for _, secret := range []string{reader, writer, offline, admin[1]} {
		b, err := os.ReadFile(filepath.Join(in.data, "tokens.json"))
		must(t, err)
		if strings.Contains(out+string(b)+in.said(), secret) {
			t.Error("a secret is listed, stored or logged")
		}
	}
	t.Logf("tokens:\n%s", fmt.Sprint(out))
}
