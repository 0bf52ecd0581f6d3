package app_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/api"
)

// This file walks the OWASP API Security Top 10 (2023) over the whole program. What it asks for is read from
// the OpenAPI description, so a new route is walked without anybody thinking of it.

// operation is one that the program describes.
type operation struct {
	Method, Path, ID string
	Scope            string
	HasBody          bool
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

func (o operation) filled() string { return parameter.ReplaceAllString(o.Path, "x") }

func (p *program) operations() (out []operation, doc map[string]any) {
	p.Helper()
	resp, err := http.Get(p.url + "/api/openapi.json")
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		p.Fatal(err)
	}
	for path, methods := range doc["paths"].(map[string]any) {
		for method, v := range methods.(map[string]any) {
			op := v.(map[string]any)
			o := operation{Method: strings.ToUpper(method), Path: path, ID: op["operationId"].(string), HasBody: op["requestBody"] != nil}
			security, _ := op["security"].([]any)
			if len(security) != 1 {
				p.Errorf("%s has no scope: give it one, or take it out of the description", o.ID)
				continue
			}
			scopes, _ := security[0].(map[string]any)["token"].([]any)
			if len(scopes) != 1 {
				p.Fatalf("%s has scopes %v", o.ID, scopes)
			}
			o.Scope = scopes[0].(string)
			out = append(out, o)
		}
	}
	if len(out) < 20 {
		p.Fatalf("%d operations are described", len(out))
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.ID, b.ID) })
	return out, doc
}

// ask is one request to the API; status and body.
func (p *program) ask(method, path, secret, body string) (int, http.Header, string) {
	p.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, p.url+path, r)
	if err != nil {
		p.Fatal(err)
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", "https://evil.example")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		p.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func (p *program) secrets() map[string]string {
	p.Helper()
	out := map[string]string{}
	for _, scope := range []string{"read", "write", "collect", "admin"} {
		secret, err := p.client.CreateToken(context.Background(), "the-"+scope, []string{scope})
		if err != nil {
			p.Fatal(err)
		}
		out[scope] = secret
	}
	return out
}

func TestOWASP(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	p.batch(serverKey, identify("m1", "2026-01-01T00:00:00Z", `"userId":"ann"`, `{"email":"ann@example.com"}`))
	secrets := p.secrets()
	operations, doc := p.operations()
	admin := secrets["admin"]

	// API1, API5: without a token, with a wrong one and with one of another scope nothing is done, on any
	// route, whatever it is asked about; the answer does not tell whether that is there.
	t.Run("scopes", func(t *testing.T) {
		for _, o := range operations {
			for name, secret := range map[string]string{"no token": "", "a guessed token": "clt_" + strings.Repeat("A", 43), "a write key": webKey} {
				if status, _, _ := p.ask(o.Method, o.filled(), secret, "{}"); status != 401 {
					t.Errorf("%s with %s: %d", o.ID, name, status)
				}
			}
			for scope, secret := range secrets {
				if scope == o.Scope || scope == "admin" {
					continue
				}
				if status, _, _ := p.ask(o.Method, o.filled(), secret, "{}"); status != 403 {
					t.Errorf("%s wants %s; with %s: %d", o.ID, o.Scope, scope, status)
				}
			}
		}
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap"} {
			if status, _, _ := p.ask("GET", path, secrets["read"], ""); status != 403 {
				t.Errorf("%s with read: %d", path, status)
			}
		}
	})
	// API1: ids cannot be tried out: neighbours of a real one are nobody's, or of the same person.
	t.Run("guessed ids", func(t *testing.T) {
		real := p.profile("user_id", "ann").ID
		for d := int64(-3); d <= 3; d++ {
			id := clientele.ProfileID(int64(real) + d)
			status, _, body := p.ask("GET", "/api/v1/profiles/id/"+id.String(), secrets["read"], "")
			if same := strings.Contains(body, `"id":"`+real.String()+`"`); status != 404 && !(status == 200 && same) || d == 0 && !same {
				t.Errorf("%+d: %d %s", d, status, body)
			}
		}
	})
	// API2: a scheme or a place for the token that is not the header's is none.
	t.Run("authentication", func(t *testing.T) {
		if status, _, _ := p.ask("GET", "/api/v1/status?token="+admin, "", ""); status != 401 {
			t.Errorf("a token in the address: %d", status)
		}
		req, _ := http.NewRequest("GET", p.url+"/api/v1/status", nil)
		req.SetBasicAuth("admin", admin)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != 401 {
			t.Errorf("basic authentication: %v", err)
		}
		resp.Body.Close()
	})
	// API3: no request has members that its description does not name.
	t.Run("mass assignment", func(t *testing.T) {
		schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
		for _, o := range operations {
			op := doc["paths"].(map[string]any)[o.Path].(map[string]any)[strings.ToLower(o.Method)].(map[string]any)
			if !o.HasBody {
				continue
			}
			content := op["requestBody"].(map[string]any)["content"].(map[string]any)
			body, ok := content["application/json"].(map[string]any)
			if !ok {
				continue
			}
			schema := body["schema"].(map[string]any)
			if ref, ok := schema["$ref"].(string); ok {
				schema = schemas[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
			}
			if open := schema["additionalProperties"]; open != false {
				t.Errorf("%s takes members that it does not name: %v", o.ID, open)
			}
			if status, _, _ := p.ask(o.Method, o.filled(), admin, `{"is_admin":true}`); status/100 != 4 {
				t.Errorf("%s takes is_admin: %d", o.ID, status)
			}
		}
		if status, _, body := p.ask("POST", "/api/v1/tokens", admin, `{"name":"sly","scopes":["read"],"sha256":"00","created":"2020-01-01T00:00:00Z"}`); status != 400 {
			t.Errorf("a token with a hash of my own: %d %s", status, body)
		}
	})
	// API4: input has a size, lists have a length, answers have rows.
	t.Run("resources", func(t *testing.T) {
		huge := `{"x":"` + strings.Repeat("a", 20<<20) + `"}`
		for _, o := range operations {
			if !o.HasBody {
				continue
			}
			if status, _, _ := p.ask(o.Method, o.filled(), admin, huge); status != 413 && status != 400 && status != 415 {
				t.Errorf("%s with 20 MB: %d", o.ID, status)
			}
		}
		for _, path := range []string{"/api/v1/profiles?limit=100000", "/api/v1/quarantine?limit=-1", "/api/v1/audit?limit=99999999", "/api/v1/profiles?q=" + strings.Repeat("a", 600)} {
			if status, _, _ := p.ask("GET", path, admin, ""); status != 400 {
				t.Errorf("%.40s: %d", path, status)
			}
		}
		r, err := p.client.Query(context.Background(), "select * from range(10000000)", nil, 1<<30)
		if err != nil || !r.Cut || len(r.Rows) > 10_000 {
			t.Errorf("ten million rows: %v", err)
		}
	})
	// API7: nothing that a request names is fetched or written outside of what the configuration allows.
	t.Run("server side requests", func(t *testing.T) {
		called := false
		trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
		defer trap.Close()
		outside := filepath.Join(t.TempDir(), "out")
		for _, to := range []string{trap.URL, "http://169.254.169.254/latest", "file:///etc/passwd", "/etc/passwd", "../../out", outside, "s3://bucket/key", "gopher://x"} {
			body, _ := json.Marshal(map[string]any{"what": "profiles", "format": "csv", "to": to})
			if status, _, answer := p.ask("POST", "/api/v1/exports", admin, string(body)); status/100 != 4 {
				t.Errorf("export to %s: %d %s", to, status, answer)
			}
			body, _ = json.Marshal(map[string]any{"name": to})
			if status, _, answer := p.ask("POST", "/api/v1/backups", admin, string(body)); status/100 != 4 {
				t.Errorf("backup to %s: %d %s", to, status, answer)
			}
		}
		if _, err := os.Stat(outside); err == nil || called {
			t.Error("something was fetched or written")
		}
	})
	t.Run("SQL", func(t *testing.T) { p.escapes(t) })
	// API8: answers are not kept by anybody, are what they say, and say nothing of the inside.
	t.Run("configuration", func(t *testing.T) {
		for _, o := range operations {
			_, h, body := p.ask(o.Method, o.filled(), secrets["collect"], "{}")
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: headers %v", o.ID, h)
			}
			if h.Get("Access-Control-Allow-Origin") != "" || h.Get("Server") != "" || strings.Contains(body, ".go:") {
				t.Errorf("%s tells of the inside or lets pages of others read: %v %s", o.ID, h, body)
			}
		}
		for _, method := range []string{"TRACE", "PATCH", "CONNECT"} {
			req, _ := http.NewRequest(method, p.url+"/api/v1/status", nil)
			if resp, err := http.DefaultClient.Do(req); err == nil {
				if resp.StatusCode/100 != 4 {
					t.Errorf("%s: %d", method, resp.StatusCode)
				}
				resp.Body.Close()
			}
		}
	})
	// API9: every route is documented.
	t.Run("inventory", func(t *testing.T) {
		var docs []byte
		guides, err := filepath.Glob("../../docs/*.md")
		if err != nil || len(guides) == 0 {
			t.Fatal(guides, err)
		}
		for _, guide := range guides {
			text, err := os.ReadFile(guide)
			if err != nil {
				t.Fatal(err)
			}
			docs = append(docs, text...)
		}
		for _, o := range operations {
			last := o.Path[strings.LastIndex(o.Path, "/"):]
			fixed, _, _ := strings.Cut(strings.TrimPrefix(o.Path, "/api/v1"), "{")
			if !strings.Contains(string(docs), o.Path) && !strings.Contains(string(docs), "$API"+fixed) && (strings.Contains(last, "{") || !strings.Contains(string(docs), "`"+last+"`")) {
				t.Errorf("no guide tells of %s %s", o.Method, o.Path)
			}
		}
	})
}

// escapes tries to get out of what SQL may read.
func (p *program) escapes(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("a,b\n1,hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	before := p.digests()
	for _, sql := range []string{
		"select * from '" + secret + "'", "select * from read_csv('" + secret + "')", "select * from read_csv_auto('" + secret + "')", "select * from read_text('" + secret + "')",
		"select * from read_blob('/etc/passwd')", "select * from glob('/*')", "select * from sniff_csv('" + secret + "')", "select * from parquet_scan('x')", "select * from read_json('" + secret + "')",
		"copy (select 1) to '" + out + "'", "copy profiles to '" + out + "'", "export database '" + out + "'", "import database '" + dir + "'", "attach '" + out + "' as x",
		"install httpfs", "load httpfs", "select 1; drop table base.events", "drop view profiles", "delete from base.events", "update profiles set traits = null", "insert into base.events default values",
		"create table t (a int)", "create or replace view profiles as select 1", "create macro f() as 1", "pragma database_list", "set enable_external_access = true", "reset lock_configuration",
		"select * from base.events", "select * from main.base.events", "select * from duckdb_settings()", "select * from duckdb_secrets()", "select * from information_schema.tables", "select * from pragma_table_info('profiles')",
		"select getenv('HOME')", "select current_setting('temp_directory')", "select checkpoint()", "call pragma_version()", "explain analyze delete from base.events", "select * from query('select 1')", "select * from query_table('base.events')",
		"with x as (delete from base.events returning *) select * from x", "select (select content from read_text('/etc/passwd'))", "from '/etc/passwd'", "table '" + secret + "'", "select * from profiles where exists (from read_csv('" + secret + "'))",
		"vacuum", "begin", "commit", "checkpoint", "prepare x as select 1", "execute x", "detach memory", "use memory", "select pg_sleep(100)", "select version() from profiles, read_text('/etc/hostname')",
	} {
		body, _ := json.Marshal(map[string]any{"sql": sql})
		status, _, answer := p.ask("POST", "/api/v1/query", p.app.Tokens().Local(), string(body))
		if status/100 != 4 || strings.Contains(answer, "hidden") {
			t.Errorf("%s: %d %.200s", sql, status, answer)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("something was written: %v", left)
	}
	same(t, before, p.digests())
}

// buffer is a log that tests read.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Marked personal data goes in at every endpoint, in paths, queries, bodies and headers, rightly and wrongly; no
// log line of any level, no span, no metric and no record of the audit log has it.
func TestNoPersonalDataInLogs(t *testing.T) {
	t.Parallel()
	const mark = "zq7mark"
	spans := &buffer{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		_, _ = io.Copy(spans, body)
	}))
	defer collector.Close()
	logs := &buffer{}
	c := settings(t)
	c.Telemetry.Traces.Endpoint, c.Telemetry.Traces.Sample = collector.URL, 1
	c.Backup.Dir = t.TempDir()
	o := options()
	o.Log = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := runWith(t, c, o)
	shell := httptest.NewServer(api.Shell(o.Log, p.app.Handler()))
	p.url = shell.URL

	email := mark + "@example.com"
	p.batch(serverKey, identify("m1", "2026-01-01T00:00:00Z", `"userId":"`+mark+`"`, `{"email":"`+email+`","name":"`+mark+`","phone":"+4915112345678"}`),
		`{"type":"track","messageId":"m2","event":"","userId":"`+mark+`"}`, `{"type":"`+mark+`"}`, `{"type":"track","timestamp":"`+mark+`","event":"E","userId":"`+mark+`"}`)
	for _, path := range []string{"/v1/track", "/v1/identify", "/v1/batch", "/v1/" + mark, "/capture", "/batch", "/webhooks/" + mark, "/v1/projects/" + mark + "/settings", "/v1/pixel/track?data=" + mark, "/sourceConfig?writeKey=" + mark} {
		for _, body := range []string{`{"event":"E","userId":"` + mark + `"}`, `{"batch":[{"` + mark + `":`, mark, `{"type":"` + mark + `","userId":{"` + mark + `":1}}`} {
			for _, key := range []string{webKey, mark} {
				p.post(path, key, body)
			}
		}
	}
	p.rows("crm", `{"table":"profiles","id":"1","ids":[{"ns":"user_id","v":"`+mark+`"}],"traits":{"city":"`+mark+`"}}`, `{"table":"`+mark+`","id":"2","fields":{"`+mark+`":1}}`)
	operations, _ := p.operations()
	p.app.EndStreams() // they begin and end at once, instead of going on for an hour
	local := p.app.Tokens().Local()
	bodies := []string{"", "{}", mark, `{"namespace":"email","value":"` + email + `"}`, `{"sql":"select '` + mark + `' from profiles"}`, `{"sql":"select ` + mark + ` from nowhere"}`,
		`{"sql":"select cast('` + mark + `' as int) from profiles"}`, `{"profile":"email:` + email + `","identifiers":[{"namespace":"phone","value":"` + mark + `"}]}`, `{"name":"` + mark + `!","scopes":["` + mark + `"]}`,
		`{"ids":["` + mark + `"]}`, `{"what":"` + mark + `","format":"csv","to":"` + mark + `"}`, `{"namespace":"email","value":"` + email + `","consents":[{"purpose":"` + mark + `","granted":true}]}`}
	for _, op := range operations {
		var paths []string
		for _, fill := range []string{email, "user_id", mark} {
			paths = append(paths, parameter.ReplaceAllString(strings.Replace(op.Path, "{namespace}", "email", 1), fill))
		}
		said := bodies
		if op.Method == http.MethodGet { // which has none
			said = []string{"", mark}
		}
		for _, path := range slices.Compact(paths) {
			for _, body := range said {
				p.ask(op.Method, path, local, body)
			}
		}
		p.ask(op.Method, op.filled()+"?q="+mark+"&cursor="+mark+"&"+mark+"=1", local, "")
		p.ask(op.Method, op.filled(), mark, "")
	}
	for _, path := range []string{"/" + mark, "/api/v1/" + mark, "/api/v1/profiles?q=" + mark, "/metrics?" + mark, "/debug/pprof/" + mark} {
		p.ask("GET", path, local, "")
	}
	metrics := p.scrape()
	p.settle()
	shell.Close()
	p.stop()
	find := func(where, text string) {
		t.Helper()
		for line := range strings.Lines(text) {
			if strings.Contains(line, mark) || strings.Contains(line, "4915112345678") {
				t.Errorf("%s: a personal datum: %.300q", where, line)
			}
		}
	}
	if !strings.Contains(logs.String(), "msg=request") || !strings.Contains(spans.String(), "/api/v1/profiles") {
		t.Errorf("there are no logs (%d bytes) or no spans (%d bytes) to look at", len(logs.String()), len(spans.String()))
	}
	find("log", logs.String())
	find("spans", spans.String())
	find("metrics", string(metrics.text))
	records, err := filepath.Glob(filepath.Join(c.Data, "audit", "*"))
	if err != nil || len(records) == 0 {
		t.Fatal(records, err)
	}
	for _, path := range records {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		find("audit", string(b))
	}
}
