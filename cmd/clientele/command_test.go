package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/token"
)

// These tests are inside the package: it is a program, so there is nothing to import.

// call runs the program as a shell would.
func call(t *testing.T, stdin string, env map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, streams{in: strings.NewReader(stdin), out: &o, err: &e,
		env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	return code, o.String(), e.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	wrong := write(t, "wrong.yaml", "lisen: :80\n")
	invalid := write(t, "invalid.yaml", "listen: nowhere\ncurrency: {base: euro}\n")
	for _, tt := range []struct {
		args       string
		code       int
		text, hint string // on standard error
	}{
		{"", 0, "", ""},
		{"--help", 0, "", ""},
		{"version", 0, "", ""},
		{"import --help", 0, "", ""},
		{"serv", 2, "clientele has no command serv", "did you mean clientele serve?"},
		{"nonsense", 2, "no command nonsense", "serve, check"},
		{"--nonsense", 2, "unknown flag", "--help shows the flags"},
		{"serve extra", 2, "unknown command \"extra\"", "clientele serve"},
		{"serve --listen", 2, "flag needs an argument", "--help"},
		{"sql", 2, "accepts 1 arg(s)", "clientele sql"},
		{"sql --format xml x", 2, "there is no format xml", "table, csv or json"},
		{"sql --limit -1 x", 2, "--limit is negative", ""},
		{"sql --limit many x", 2, "invalid argument", ""},
		{"explore", 2, "explore needs a kind of question", "funnel"},
		{"explore metrics", 2, "explore needs a kind", "metric"},
		{"explore metric --format xml", 2, "no format xml", "table"},
		{"explore metric --where country", 1, `"country" is no filter`, "country=TH"},
		{"explore funnel --step A[x", 1, "does not end", "Product Viewed["},
		{"explore metric --question q.json", 2, "do not go together", ""},
		{"explore --question none.json", 1, "question: open none.json", ""},
		{"profile", 2, "accepts 1 arg(s)", "clientele profile email:"},
		{"profile --events 2000 a:b", 2, "--events is out of range", ""},
		{"import", 2, "requires at least 1 arg(s)", "clientele import"},
		{"import x.csv", 2, "--source is missing", "--source shop"},
		{"import --source s x.csv", 2, "--map is missing", ""},
		{"import --source s --map none.yaml x.csv", 1, "mapping: open none.yaml", ""},
		{"identity", 2, "clientele identity needs a command", "explain, merge"},
		{"identity mrge", 2, "no command mrge", "did you mean clientele identity merge?"},
		{"identity merge a:b", 2, "requires at least 2 arg(s)", ""},
		{"identity unmerge a:b", 2, "name a profile and identifiers, or evidence", ""},
		{"identity simulate", 2, "--rules is missing", ""},
		{"identity simulate --rules none.yaml", 1, "rules: open none.yaml", ""},
		{"identity simulate --rules " + wrong, 1, "lisen is not a known key", "did you mean listen?"},
		{"quarantine replay", 2, "name ids, --all", ""},
		{"quarantine replay --all 1-1", 2, "name ids, --all", ""},
		{"quarantine replay --source web 1-1", 2, "name ids, --all", ""},
		{"quarantine list --from yesterday", 2, "--from is not a time", "2026-03-01"},
		{"plan set nothing-there.yaml", 1, "nothing-there.yaml", ""},
		{"quality volumes --hours 0", 2, "--hours is out of range", ""},
		{"quality minimisation --days 0", 2, "--days is out of range", ""},
		{"quality stop web", 2, "accepts between 2 and 3", ""},
		{"quarantine list --limit 0", 2, "--limit is out of range", ""},
		{"token create x", 2, "--scope is missing", "read, write"},
		{"token create x --scope root", 1, `"root" is not a scope`, "read, write"},
		{"token revoke nobody", 1, "no token of that name", "token list"},
		{"status", 1, "there is no data directory ./clientele-data", "clientele serve"},
		{"rebuild", 1, "there is no data directory", ""},
		{"sql --data " + wrong + " x", 1, "there is no data directory", ""},
		{"check --config none.yaml", 1, "none.yaml", "--config"},
		{"serve --config " + wrong, 1, "wrong.yaml:1: lisen is not a known key", "did you mean listen?"},
		{"serve --config " + invalid, 1, "listen is not host:port; currency.base", "clientele check"},
		{"status --server http://127.0.0.1:1", 1, "a token for the server is missing", "CLIENTELE_TOKEN"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, _, errs := call(t, "", nil, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(errs, tt.text) || !strings.Contains(errs, tt.hint) {
				t.Errorf("exit %d and\n%swant %d with %q and %q", code, errs, tt.code, tt.text, tt.hint)
			}
			lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
			if code != 0 && (len(lines) > 2 || !strings.HasPrefix(lines[0], "clientele: ") || len(lines) == 2 && !strings.HasPrefix(lines[1], "hint: ")) {
				t.Errorf("not one line and a hint:\n%s", errs)
			}
			if tt.hint != "" && len(lines) != 2 {
				t.Errorf("no hint:\n%s", errs)
			}
		})
	}
	if code, _, errs := call(t, "", map[string]string{"CLIENTELE_TOKEN": "t"}, "status", "--server", "localhost"); code != 2 || !strings.Contains(errs, "http") {
		t.Errorf("a wrong --server: exit %d, %s", code, errs)
	}
}

// Every command says in one line what it does and gives an example that parses.
func TestHelp(t *testing.T) {
	c := &cli{}
	for _, cmd := range c.root().Commands() {
		for _, below := range append(cmd.Commands(), cmd) {
			if below.Short == "" || strings.Contains(below.Short, "\n") {
				t.Errorf("%s has no help of one line", below.CommandPath())
			}
			if !below.HasSubCommands() && !strings.HasPrefix(strings.TrimSpace(below.Example), below.CommandPath()) {
				t.Errorf("%s has the example %q", below.CommandPath(), below.Example)
			}
		}
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("clientele.yaml", []byte("data: "+filepath.Join(dir, "new")+"\nadmin_token: 0123456789secret\nlisten: nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "", map[string]string{"CLIENTELE_COLUMNS_MEMORY": "1MB"}, "check")
	for _, want := range []string{"listen: nowhere", "WRONG  configuration: listen is not host:port", "WRONG  configuration: columns.memory", "is not there yet", "writable"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if code != 1 || strings.Contains(out, "0123456789secret") || !strings.Contains(errs, "things found wrong: 2") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, err := os.Stat("new"); err == nil {
		t.Error("check made the data directory")
	}
	if code, out, errs = call(t, "", map[string]string{"CLIENTELE_LISTEN": ":0"}, "check"); code != 0 || !strings.HasSuffix(out, "nothing is wrong\n") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	code, secret, _ := call(t, "", nil, "token", "create", "bi", "--scope", "read,write", "--data", dir)
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	s, err := token.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := s.Check(context.Background(), strings.TrimSpace(secret)); err != nil || p.Name != "bi" || !p.May(token.Write) || p.May(token.Admin) {
		t.Errorf("%+v, %v", p, err)
	}
	if code, out, _ := call(t, "", nil, "token", "list", "--data", dir); code != 0 || !strings.Contains(out, "bi") || strings.Contains(out, strings.TrimSpace(secret)) {
		t.Errorf("list: exit %d\n%s", code, out)
	}
	if code, _, errs := call(t, "", nil, "token", "revoke", "bi", "--data", dir); code != 0 {
		t.Errorf("revoke: exit %d %s", code, errs)
	}
}

// product is what the commands are shown: the parts of the API that they ask for.
type product struct {
	asked   []any
	records []clientele.Record
}

func (p *product) Profile(_ context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	p.asked = []any{id, explain}
	if id.Value == "nobody" {
		return nil, clientele.Errorf(clientele.NotFound, "no profile has that identifier").WithHint("look for another")
	}
	return &clientele.Profile{ID: 77, Events: 3, Traits: map[string]any{"city": "Hanoi"},
		Identifiers: []clientele.ProfileIdentifier{{Identifier: clientele.Identifier{Namespace: "email", Value: "ann@example.com"}, Source: "web", Verified: true}},
		Provenance:  map[string]clientele.Provenance{"city": {Source: "crm", Rule: clientele.RuleLatest}}}, nil
}

func (p *product) Search(context.Context, string, int, string) ([]*clientele.Profile, string, error) {
	return nil, "", nil
}

func (p *product) Names(context.Context, []clientele.ProfileID) ([]clientele.ProfileName, error) {
	return nil, nil
}

func (p *product) Summary(context.Context, clientele.Identifier) (*clientele.Summary, error) {
	return &clientele.Summary{}, nil
}

func (p *product) Events(_ context.Context, _ clientele.Identifier, limit int, _ string) ([]clientele.Event, string, error) {
	return []clientele.Event{{ID: "e1", Name: "Order Completed", Properties: clientele.RawJSON(`{"total": 12}`)}}[:min(limit, 1)], "", nil
}

func (*product) IdentityRules(context.Context) (*clientele.IdentityRules, error) {
	return nil, nil
}

func (p *product) IdentityHealth(context.Context) (*clientele.IdentityHealth, error) {
	return &clientele.IdentityHealth{Identifiers: map[clientele.Namespace]int64{"shop:customer_id": 3}}, nil
}

func (p *product) Query(_ context.Context, sql string, _ []any, maxRows int) (*clientele.QueryResult, error) {
	p.asked = []any{sql, maxRows}
	return &clientele.QueryResult{Cut: true, Columns: []clientele.QueryColumn{{Name: "n", Type: "BIGINT"}, {Name: "name", Type: "VARCHAR"}},
		Rows: [][]any{{int64(1), "a,b"}, {nil, "two\nlines"}}}, nil
}

func (p *product) Quarantine(context.Context, clientele.QuarantineQuery, int, string) ([]clientele.Quarantined, string, error) {
	return nil, "", nil
}

func (p *product) ReplayFound(context.Context, string, clientele.QuarantineQuery) (int, error) {
	return 0, nil
}

func (p *product) Replay(context.Context, string, []string) (int, error) { return 0, nil }

func (p *product) Import(_ context.Context, _ string, _ clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	p.records = append(p.records, records...)
	return &clientele.ImportResult{Accepted: len(records)}, nil
}

func (p *product) Status(context.Context) (*clientele.Status, error) {
	return &clientele.Status{State: "ready", Log: clientele.LogStatus{Last: 9}, Resolver: clientele.StageStatus{Position: 9}}, nil
}
func (p *product) Ready() error                                       { return nil }
func (p *product) Digests(context.Context) (map[string]string, error) { return nil, nil }

// live is a server that holds a data directory.
func live(t *testing.T) (p *product, dir, url, secret string) {
	t.Helper()
	dir = t.TempDir()
	store, err := token.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p = &product{}
	a, err := api.New(api.Options{Profiles: p, Identity: identity{p}, Query: p, Quarantine: p, Import: p, Status: p, Tokens: store})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	f := token.ServerFile{Address: srv.URL, Token: store.Local(), Instance: store.Instance(), PID: 4711}
	if err := token.WriteServerFile(dir, f); err != nil {
		t.Fatal(err)
	}
	return p, dir, srv.URL, store.Local()
}

// identity takes the health of the product and nothing else.
type identity struct{ *product }

func (i identity) Identity(context.Context, clientele.Identifier) (*clientele.IdentityView, error) {
	return nil, clientele.Errorf(clientele.Internal, "not here")
}

func (i identity) Merge(context.Context, string, clientele.MergeRequest) (*clientele.MergeResult, error) {
	return nil, clientele.Errorf(clientele.Internal, "not here")
}

func (i identity) Unmerge(context.Context, string, clientele.MergeRequest) (*clientele.MergeResult, error) {
	return nil, clientele.Errorf(clientele.Internal, "not here")
}

func (i identity) Simulate(context.Context, clientele.IdentityRules, int) (*clientele.Simulation, error) {
	return nil, clientele.Errorf(clientele.Internal, "not here")
}

func TestLiveServerIsFound(t *testing.T) {
	p, dir, url, secret := live(t)
	for name, args := range map[string][]string{"by server.json": {"--data", dir}, "by --server": {"--server", url}} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"CLIENTELE_TOKEN": secret}
			code, out, errs := call(t, "", env, append([]string{"sql", "--format", "csv", "SELECT 1"}, args...)...)
			if code != 0 || out != "n,name\n1,\"a,b\"\n,\"two\nlines\"\n" || !strings.Contains(errs, "more rows") {
				t.Errorf("csv: exit %d %q %s", code, out, errs)
			}
			code, out, _ = call(t, "SELECT 2\n", env, append([]string{"sql", "-", "--limit", "5"}, args...)...)
			if code != 0 || out != "   n  name\n----  ----------\n   1  a,b\nnull  two\\nlines\n" || p.asked[0] != "SELECT 2" || p.asked[1] != 5 {
				t.Errorf("table: exit %d, asked %v\n%s", code, p.asked, out)
			}
			code, out, _ = call(t, "", env, append([]string{"sql", "--format", "json", "SELECT 1"}, args...)...)
			var r clientele.QueryResult
			if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || len(r.Rows) != 2 {
				t.Errorf("json: exit %d %v\n%s", code, err, out)
			}
			code, out, _ = call(t, "", env, append([]string{"profile", "email:ann@example.com", "--explain", "--events", "1"}, args...)...)
			for _, want := range []string{"p_0000000002d", "ann@example.com", "verified", "Hanoi", "latest", "crm", "Order Completed", `{"total":12}`} {
				if !strings.Contains(out, want) {
					t.Errorf("%s is missing (exit %d) in\n%s", want, code, out)
				}
			}
			code, out, _ = call(t, "", env, append([]string{"profile", "p_0000000002d", "--json"}, args...)...)
			var profile clientele.Profile
			if err := json.Unmarshal([]byte(out), &profile); code != 0 || err != nil || profile.ID != 77 {
				t.Errorf("profile --json: exit %d %v\n%s", code, err, out)
			}
			if p.asked[0] != (clientele.Identifier{Namespace: "id", Value: "p_0000000002d"}) {
				t.Errorf("asked %v", p.asked)
			}
			call(t, "", env, append([]string{"profile", "shop:customer_id:17"}, args...)...)
			if p.asked[0] != (clientele.Identifier{Namespace: "shop:customer_id", Value: "17"}) {
				t.Errorf("asked %v", p.asked)
			}
			code, _, errs = call(t, "", env, append([]string{"profile", "email:nobody"}, args...)...)
			if code != 1 || errs != "clientele: no profile has that identifier\nhint: look for another\n" {
				t.Errorf("nobody: exit %d %s", code, errs)
			}
			if code, _, errs = call(t, "", env, append([]string{"profile", "nonsense"}, args...)...); code != 2 || !strings.Contains(errs, "NAMESPACE:VALUE") {
				t.Errorf("no identifier: exit %d %s", code, errs)
			}
		})
	}
	if code, out, errs := call(t, "", nil, "check", "--data", dir); code != 0 || !strings.Contains(out, "held by the server with pid 4711") {
		t.Errorf("check: exit %d %s%s", code, out, errs)
	}
	if code, _, errs := call(t, "", nil, "rebuild", "--data", dir); code != 1 || !strings.Contains(errs, "a server holds the data directory") {
		t.Errorf("rebuild: exit %d %s", code, errs)
	}
	if code, _, errs := call(t, "", map[string]string{"CLIENTELE_TOKEN": "wrong"}, "status", "--server", url); code != 1 || !strings.Contains(errs, "the token is not known") {
		t.Errorf("a wrong token: exit %d %s", code, errs)
	}
}

// A server.json that was left behind leads nowhere, and its token goes to nobody else.
func TestStaleServerFile(t *testing.T) {
	var given []string
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given = append(given, r.Header.Get("Authorization"))
		if _, err := w.Write([]byte(`{"status":"ok","instance":"another"}`)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(stranger.Close)
	dir := t.TempDir()
	for _, address := range []string{stranger.URL, "http://127.0.0.1:1", "nonsense"} {
		if err := token.WriteServerFile(dir, token.ServerFile{Address: address, Token: "secret", Instance: "mine"}); err != nil {
			t.Fatal(err)
		}
		if _, ok := liveServer(context.Background(), dir); ok {
			t.Errorf("%s is taken for the server of the directory", address)
		}
	}
	if len(given) != 1 || given[0] != "" {
		t.Errorf("the stranger was given %q", given)
	}
}

func TestImport(t *testing.T) {
	p, dir, _, _ := live(t)
	mapping := write(t, "orders.yaml", "format: csv\nrecords:\n  - table: orders\n    key: [no]\n    fields: {order_id: no, status: state}\n")
	args := []string{"import", "--data", dir, "--source", "shop", "--map", mapping, "-"}
	code, out, errs := call(t, "no,state\n1,paid\n2,paid\n", nil, append(args, "--check")...)
	if code != 0 || !strings.Contains(out, "nothing was imported") || !strings.Contains(out, "orders") || len(p.records) != 0 {
		t.Errorf("check: exit %d, %d records\n%s%s", code, len(p.records), out, errs)
	}
	code, out, errs = call(t, "no,state\n1,paid\n2,paid\n\"3,broken\n", nil, args...)
	if code != 0 || !strings.Contains(out, "orders           2 records") || !strings.Contains(out, "quarantined") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	verdicts := map[clientele.Verdict]int{}
	for _, r := range p.records {
		verdicts[r.Verdict]++
	}
	if verdicts[clientele.Accepted] != 2 || verdicts[clientele.Malformed] != 1 {
		t.Errorf("records = %q", p.records)
	}
	broken := write(t, "broken.yaml", "format: csv\nrecords:\n  - table: order\n")
	if code, _, errs = call(t, "", nil, "import", "--data", dir, "--source", "shop", "--map", broken, "-"); code != 1 || !strings.Contains(errs, "broken.yaml: ") || !strings.Contains(errs, "line 3") {
		t.Errorf("a broken mapping: exit %d %s", code, errs)
	}
}

func (p *product) QueryMasked(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	return p.Query(ctx, sql, params, maxRows)
}
