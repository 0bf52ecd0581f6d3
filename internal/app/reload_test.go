package app_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/client"
	"clientele/internal/config"
)

// reloadable is a running program whose configuration is the file it answers.
func reloadable(t *testing.T, more string) (*program, string) {
	t.Helper()
	c := settings(t)
	path := filepath.Join(t.TempDir(), "clientele.yaml")
	head := fmt.Sprintf("data: %s\nlog: {reserve: 64MB}\ncolumns: {memory: 128MB, threads: 1}\n", c.Data)
	write := func(text string) {
		if err := os.WriteFile(path, []byte(head+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(more)
	load := func() (config.Config, error) { return config.Load(path, nil) }
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Reload = load
	p := runWith(t, c, o)
	p.Cleanup(func() { p.stop() })
	return p, path
}

func rewrite(t *testing.T, path, from, to string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), from) {
		t.Fatal(err, from)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

const reloadSources = "sources:\n  - {name: web, write_key: WEB_KEY}\n  - {name: pos, kind: server, webhook: {scheme: token, header: X-Token, secrets: [OLD_SECRET_OF_16_CHARS]}}\n"

// A reload changes keys, origins, webhooks and limits at once, and a bad file nothing; no request is lost.
func TestReload(t *testing.T) {
	t.Parallel()
	p, path := reloadable(t, reloadSources)
	ctx := context.Background()
	hook := func(secret string) int {
		req, err := http.NewRequest(http.MethodPost, p.url+"/webhooks/pos", strings.NewReader(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Token", secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	send := func(key string) int {
		status, _ := p.post("/v1/track", key, `{"event":"E","userId":"u"}`)
		return status
	}
	if a, b, c := send("WEB_KEY"), send("NEW_KEY"), hook("OLD_SECRET_OF_16_CHARS"); a != 200 || b != 401 || c != 200 {
		t.Fatal(a, b, c)
	}
	// Requests go on while it is reloaded again and again: all of a source that stays are taken.
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if s := send("WEB_KEY"); s != 200 {
						t.Errorf("a request under reloads: %d", s)
						return
					}
				}
			}
		})
	}
	for range 20 {
		if _, err := p.app.Reload(ctx); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()

	rewrite(t, path, "OLD_SECRET", "NEW_SECRET")
	rewrite(t, path, "  - {name: pos", "  - {name: shop, write_key: NEW_KEY, allowed_origins: [https://shop.example]}\n  - {name: pos")
	rewrite(t, path, "reserve: 64MB", "reserve: 65MB")
	r, err := p.client.Reload(ctx)
	if err != nil || r.Sources != 3 || !slices.Equal(r.Changed, []string{"sources"}) || !slices.Equal(r.NeedRestart, []string{"log"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if a, b, c, d := send("WEB_KEY"), send("NEW_KEY"), hook("OLD_SECRET_OF_16_CHARS"), hook("NEW_SECRET_OF_16_CHARS"); a != 200 || b != 200 || c != 401 || d != 200 {
		t.Error(a, b, c, d)
	}

	for from, to := range map[string]string{"name: web": "name: 'no name'", "write_key: NEW_KEY": "write_key: WEB_KEY", "sources:": "sorces:", "scheme: token": "scheme: nonsense"} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, path, from, to)
		if _, err := p.client.Reload(ctx); clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
			t.Errorf("%s: %v (%s)", to, err, clientele.ErrorHint(err))
		}
		if a, b := send("NEW_KEY"), hook("NEW_SECRET_OF_16_CHARS"); a != 200 || b != 200 {
			t.Errorf("%s: a bad file has changed something: %d %d", to, a, b)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.app.Audit().Verify(ctx); err != nil {
		t.Error(err)
	}
}

// Rates are kept by token and by address, with 429 and when to come again; what is not limited goes on.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	p, path := reloadable(t, reloadSources+"api: {rate_limit: 3}\n")
	ctx := context.Background()
	secret, err := p.client.CreateToken(ctx, "busy", []string{"read"})
	if err != nil {
		t.Fatal(err)
	}
	get := func(secret string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, p.url+"/api/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	limited := 0
	for range 20 { // the clock of the test moves by milliseconds
		status, after := get(secret)
		if status == 429 {
			if limited++; after != "1" {
				t.Errorf("Retry-After %q", after)
			}
		}
	}
	if limited < 10 {
		t.Errorf("%d of 20 were limited", limited)
	}
	for range 20 {
		if status, _ := get(p.app.Tokens().Local()); status != 200 {
			t.Fatalf("a command on this machine: %d", status)
		}
	}
	rewrite(t, path, "api: {rate_limit: 3}", "api: {address_rate_limit: 2}\ncollect: {address_rate_limit: 2}")
	if _, err := p.app.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	byAPI, byCollect := 0, 0
	for range 20 {
		if status, _ := get("clt_wrong"); status == 429 { // guessing is slowed down, too
			byAPI++
		}
		if status, _ := p.post("/v1/track", "WEB_KEY", `{"event":"E","userId":"u"}`); status == 429 {
			byCollect++
		}
	}
	if byAPI < 10 || byCollect < 10 {
		t.Errorf("of 20 each, %d and %d were limited", byAPI, byCollect)
	}
	if resp, err := http.Get(p.url + "/readyz"); err != nil || resp.StatusCode != 200 {
		t.Errorf("readiness is limited: %v", err)
	}
}

// Whoever looked at a person is found by each of the person's identifiers and ids.
func TestAuditOfPerson(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	ctx := context.Background()
	p.batch(serverKey, identify("m1", "2026-01-01T00:00:00Z", `"userId":"ann"`, `{"email":"ann@example.com"}`), identify("m2", "2026-01-01T00:00:00Z", `"userId":"bob"`, `{}`))
	who := p.profile("email", "ann@example.com").ID
	p.profile("user_id", "bob")
	if _, err := p.client.Profile(ctx, id("email", "nobody@example.com"), false); clientele.ErrorCode(err) != clientele.NotFound {
		t.Fatal(err)
	}
	for person, want := range map[string]int{"email:ann@example.com": 1, "user_id:ann": 1, who.String(): 1, "email:nobody@example.com": 1, "user_id:bob": 1, "email:other@example.com": 0} {
		records, _, err := p.client.Audit(ctx, client.AuditFilter{Act: "lookup-profile", Person: person}, 10, "")
		if err != nil || len(records) != want {
			t.Errorf("%s: %v, %v", person, records, err)
		}
	}
	if r, err := p.client.VerifyAudit(ctx); err != nil || r.Records < 4 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A reload puts plans, transform rules and retention rules into the log where they differ; a file of them that is wrong changes nothing.
func TestReloadRules(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	writePlan := func(text string) {
		t.Helper()
		if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writePlan("name: shop\nsources: [web]\nevents:\n  Looked: {}\n")
	p, path := reloadable(t, reloadSources+"plans: ["+plan+"]\ntransforms:\n  - {name: one, steps: [{op: drop, path: properties.secret}]}\nretention:\n  - {name: old, older_than: 400d}\n")
	in := func() string {
		t.Helper()
		plans, err1 := p.client.Plans(ctx)
		transforms, err2 := p.client.Transforms(ctx)
		retention, err3 := p.client.Retention(ctx)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		var out []string
		for _, x := range plans {
			out = append(out, fmt.Sprintf("%s %d", x.Name, len(x.Events)))
		}
		for _, x := range transforms {
			out = append(out, x.Name)
		}
		for _, x := range retention {
			out = append(out, x.Name+" "+x.OlderThan)
		}
		return strings.Join(out, ", ")
	}
	reload := func(changed ...string) {
		t.Helper()
		r, err := p.client.Reload(ctx)
		if err != nil || !slices.Equal(r.Changed, changed) || len(r.NeedRestart) > 0 {
			t.Errorf("%+v %v, want %v", r, err, changed)
		}
	}
	p.settle() // what the start has put into the log is in force
	if got := in(); got != "shop 1, one, old 400d" {
		t.Fatal(got)
	}
	before := p.status().Log.Last
	reload([]string{}...)
	if last := p.status().Log.Last; last != before {
		t.Errorf("a reload of the same wrote %d to %d", before, last)
	}
	writePlan("name: shop\nsources: [web]\nevents:\n  Looked: {}\n  Bought: {}\n")
	rewrite(t, path, "{name: one, steps: [{op: drop, path: properties.secret}]}", "{name: two, steps: [{op: drop, path: properties.secret}]}")
	rewrite(t, path, "400d", "200d")
	reload("plans", "retention", "transforms")
	if got := in(); got != "shop 2, two, old 200d" {
		t.Error(got)
	}
	p.batch(webKey, track("m1", "Looked", "2026-02-01T00:00:00Z", `"userId":"u"`, `{"secret":"x","kept":"y"}`))
	p.settle()
	if q, err := p.client.Query(ctx, "SELECT properties FROM events WHERE name = 'Looked'", nil, 0); err != nil || len(q.Rows) != 1 || strings.Contains(fmt.Sprint(q.Rows), "secret") {
		t.Errorf("%+v %v", q, err)
	}
	for _, text := range []string{"name: shop\nsorces: [web]\n", "name: shop\nevents:\n  Looked: {schema: {type: nonsense}}\n"} {
		writePlan(text)
		if _, err := p.client.Reload(ctx); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got := in(); got != "shop 2, two, old 200d" {
		t.Error("a wrong file changed", got)
	}
	rewrite(t, path, "plans: ["+plan+"]", "plans: []")
	rewrite(t, path, "  - {name: old, older_than: 200d}\n", "")
	reload("plans", "retention")
	if got := in(); got != "two" {
		t.Error(got)
	}
}

// A reload puts audiences, lifecycle, computed traits and identity rules of the file in force and ends those that it has no longer;
// what the resolver refuses is said, and what is wrong in the file changes nothing.
func TestReloadSegments(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	traits := filepath.Join(t.TempDir(), "traits.yaml")
	writeTraits := func(text string) {
		t.Helper()
		if err := os.WriteFile(traits, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeTraits("- {name: looks, definition: {event: Looked, count: true}}\n")
	p, path := reloadable(t, reloadSources+"computed_traits: ["+traits+"]\naudiences:\n  - {name: curious, where: {trait: computed.looks, op: gte, value: 2}}\n  - {name: old, where: {trait: x, op: exists}}\n")
	reload := func(changed ...string) {
		t.Helper()
		r, err := p.client.Reload(ctx)
		if err != nil || !slices.Equal(r.Changed, changed) || len(r.NeedRestart) > 0 {
			t.Errorf("%+v %v, want %v", r, err, changed)
		}
	}
	names := func() string {
		t.Helper()
		list, err := p.client.Audiences(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, a := range list {
			p.filled(a.Name)
			out = append(out, a.Name)
		}
		return strings.Join(out, " ")
	}
	for i := range 3 {
		p.batch(webKey, track(fmt.Sprint("m", i), "Looked", "2026-02-01T00:00:00Z", `"userId":"ann"`, `{}`))
	}
	p.batch(webKey, track("m9", "Looked", "2026-02-01T00:00:00Z", `"userId":"bob"`, `{}`))
	p.settle()
	if got := names(); got != "curious old" {
		t.Fatal(got)
	}
	reload([]string{}...)

	rewrite(t, path, "value: 2", "value: 1")
	rewrite(t, path, "  - {name: old, where: {trait: x, op: exists}}\n", "  - {name: both, where: {and: [{audience: curious}, {lifecycle: interest}]}}\nlifecycle:\n  stages: [{name: awareness}, {name: interest, where: {event: Looked}}]\n")
	rewrite(t, path, "computed_traits:", "identity: {namespaces: {user_id: {priority: 1, limit: 1}, email: {priority: 2, limit: 1}, anonymous_id: {priority: 9, limit: 50}}}\ntraits: {city: {rule: first}}\ncomputed_traits:")
	reload("audiences", "identity", "lifecycle", "traits")
	if got := names(); got != "both curious" {
		t.Errorf("audiences are %q", got)
	}
	for _, name := range []string{"curious", "both"} {
		eventually(t, name+" has both people", func() bool { return p.filled(name).Members == 2 })
	}
	if r, err := p.client.IdentityRules(ctx); err != nil || r.Namespaces["email"].Limit != 1 {
		t.Errorf("identity rules are %+v, %v", r, err)
	}
	if l, err := p.client.Lifecycle(ctx); err != nil || len(l.Stages) != 2 || l.By != "config" {
		t.Errorf("the lifecycle is %+v, %v", l, err)
	}

	writeTraits("- {name: looks, definition: {event: Looked, within: 7d, count: true}}\n")
	reload("computed_traits")
	if list, err := p.client.ComputedTraits(ctx); err != nil || len(list) != 1 || !strings.Contains(string(list[0].Definition), "7d") {
		t.Errorf("computed traits are %+v, %v", list, err)
	}

	// Wrong: nothing changes. Refused by what is in force: it is said.
	rewrite(t, path, "op: gte, value: 1", "op: gtte, value: 1")
	if _, err := p.client.Reload(ctx); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a wrong definition: %v", err)
	}
	rewrite(t, path, "op: gtte, value: 1", "op: gte, value: 1")
	rewrite(t, path, "{audience: curious}, {lifecycle: interest}", "{audience: nobody has made}")
	if _, err := p.client.Reload(ctx); err == nil || !strings.Contains(err.Error(), "nobody has made") {
		t.Errorf("an audience that refers to none: %v", err)
	}
	if got := names(); got != "both curious" {
		t.Errorf("audiences are %q", got)
	}
}
