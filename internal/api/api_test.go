package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/token"
)

// product stands for the rest of the program: it remembers what it was asked and answers with
// what the test put there.
type product struct {
	mu      sync.Mutex
	err     error
	ready   error
	asked   []any
	by      string
	records []clientele.Record
	panics  bool
	blocks  bool
}

func (p *product) did(ctx context.Context, args ...any) error {
	if p.panics {
		panic("ann@example.com is in the message of a panic")
	}
	if p.blocks {
		<-ctx.Done()
		return clientele.Errorf(clientele.Internal, "query: %w", ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = args
	return p.err
}

func (p *product) Profile(ctx context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	return &clientele.Profile{ID: 77}, p.did(ctx, id, explain)
}

func (p *product) Names(ctx context.Context, ids []clientele.ProfileID) ([]clientele.ProfileName, error) {
	return []clientele.ProfileName{{ID: 77, Profile: 77}, {ID: 78, Profile: 78}}[:len(ids)], p.did(ctx, ids)
}

func (p *product) Search(ctx context.Context, q string, limit int, cursor string) ([]*clientele.Profile, string, error) {
	return []*clientele.Profile{{ID: 77}}, "more", p.did(ctx, q, limit, cursor)
}

func (p *product) Events(ctx context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error) {
	return []clientele.Event{{ID: "e1", Properties: clientele.RawJSON(`{"a":1}`)}}, "", p.did(ctx, id, limit, cursor)
}

func (p *product) Summary(ctx context.Context, id clientele.Identifier) (*clientele.Summary, error) {
	return &clientele.Summary{Profile: 7}, p.did(ctx, id)
}

func (p *product) Query(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	return &clientele.QueryResult{
		Columns: []clientele.QueryColumn{{Name: "n", Type: "BIGINT"}, {Name: "t", Type: "VARCHAR"}},
		Rows:    [][]any{{int64(1), "a,b"}, {nil, nil}, {2.5, true}}, Cut: true,
	}, p.did(ctx, sql, params, maxRows)
}

func (p *product) Quarantine(ctx context.Context, _ clientele.QuarantineQuery, limit int, cursor string) ([]clientele.Quarantined, string, error) {
	return nil, "", p.did(ctx, limit, cursor)
}

func (p *product) Replay(ctx context.Context, by string, ids []string) (int, error) {
	p.by = by
	return len(ids), p.did(ctx, ids)
}

func (p *product) ReplayFound(ctx context.Context, by string, q clientele.QuarantineQuery) (int, error) {
	p.by = by
	return 1, p.did(ctx, q)
}

func (p *product) Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	p.records = records
	return &clientele.ImportResult{Accepted: len(records)}, p.did(ctx, source, kind)
}

func (p *product) Status(ctx context.Context) (*clientele.Status, error) {
	return &clientele.Status{State: "ready"}, p.did(ctx)
}
func (p *product) Ready() error { return p.ready }
func (p *product) Digests(ctx context.Context) (map[string]string, error) {
	return map[string]string{"orders": "abc"}, p.did(ctx)
}

func (p *product) Reload(ctx context.Context) (*clientele.ReloadResult, error) {
	return &clientele.ReloadResult{}, p.did(ctx)
}

func (p *product) StartBackup(ctx context.Context, path string) error { return p.did(ctx, path) }

func (p *product) BackupPath(name string) (string, error) { return "/backups/" + name, nil }

func (p *product) BackupStatus(context.Context) (*clientele.BackupStatus, error) {
	return &clientele.BackupStatus{State: clientele.BackupRunning}, nil
}

// site is the API with one token of each scope.
type site struct {
	*product
	handler http.Handler
	tokens  map[token.Scope]string
	store   *token.Store
	log     *bytes.Buffer
	audit   ledger

	operations map[string]map[string]string // ids by path and method, once they are asked for
}

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := token.Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{product: &product{}, tokens: map[token.Scope]string{}, store: store, log: &bytes.Buffer{}}
	for _, scope := range token.Scopes() {
		s.tokens[scope], _, err = store.CreateToken(context.Background(), "the-"+string(scope), []token.Scope{scope})
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := api.New(api.Options{Profiles: s.product, Identity: s.product, Query: s.product, Explore: s.product, Quarantine: s.product, Import: s.product,
		Status: s.product, Exports: s.product, Backups: s.product, Audit: &s.audit, Reload: s.product, Live: s.product, Sources: s.product, Users: people{s.product}, Work: people{s.product}, Privacy: s.product, Computed: s.product, Plans: rulebook{s.product}, Audiences: groups{s.product}, Lifecycle: groups{s.product}, Saved: groups{s.product}, Models: models{s.product}, Recommend: offers{s.product}, Decide: offers{s.product}, Matching: matches{s.product}, Enriching: matches{s.product}, Quality: rulebook{s.product}, Tokens: store, Log: log, Version: "test", Now: now, QueryMaxRows: 100, QueryTimeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a.Register(mux)
	s.handler = api.Shell(log, mux)
	return s
}

// again is the site with nothing asked and nothing logged, for one more case; a new one where the route changes tokens.
func (s *site) again(t *testing.T, method, path string) *site {
	t.Helper()
	if method != "GET" && strings.HasPrefix(path, "/api/v1/tokens") {
		return newSite(t)
	}
	s.asked, s.by, s.records, s.err = nil, "", nil, nil
	s.log.Reset()
	s.audit.records = nil
	return s
}

func (s *site) do(method, target, secret, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func problem(t *testing.T, w *httptest.ResponseRecorder) api.Problem {
	t.Helper()
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type = %q", ct)
	}
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if p.Status != w.Code || p.Title == "" || p.Detail == "" || p.Code == "" {
		t.Errorf("problem %+v with status %d", p, w.Code)
	}
	if p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("request id = %q, header %q", p.RequestID, w.Header().Get("X-Request-Id"))
	}
	return p
}

func TestScopes(t *testing.T) {
	all := newSite(t)
	for _, rt := range routes {
		t.Run(rt.method+" "+rt.path, func(t *testing.T) {
			s := all.again(t, rt.method, rt.path)
			w := s.do(rt.method, rt.path, "", rt.body)
			if p := problem(t, w); w.Code != 401 || p.Code != clientele.Unknown || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("without a token: %d %+v", w.Code, p)
			}
			w = s.do(rt.method, rt.path, "clt_wrong", rt.body)
			if p := problem(t, w); w.Code != 401 || p.Code != clientele.Unknown {
				t.Errorf("with a wrong token: %d %+v", w.Code, p)
			}
			for _, scope := range token.Scopes() {
				if scope == rt.scope || scope == token.Admin {
					continue
				}
				w = s.do(rt.method, rt.path, s.tokens[scope], rt.body)
				if p := problem(t, w); w.Code != 403 || p.Code != clientele.Denied || !strings.Contains(p.Hint, string(rt.scope)) {
					t.Errorf("with %s: %d %+v", scope, w.Code, p)
				}
			}
			if s.asked != nil {
				t.Errorf("a refused request reached the program: %v", s.asked)
			}
			if w = s.do(rt.method, rt.path, s.tokens[rt.scope], rt.body); w.Code/100 != 2 {
				t.Errorf("with %s: %d %s", rt.scope, w.Code, w.Body)
			}
			if rt.method == "GET" {
				if w = s.do(rt.method, rt.path, s.tokens[token.Admin], ""); w.Code != 200 {
					t.Errorf("with admin: %d %s", w.Code, w.Body)
				}
			}
		})
	}
}

func TestStatusTable(t *testing.T) {
	secret := errors.New("open /var/lib/clientele/rows: input/output error")
	all := newSite(t)
	for _, tt := range []struct {
		err    error
		status int
		code   clientele.Code
	}{
		{clientele.Errorf(clientele.Invalid, "line 3 is wrong").WithHint("fix it"), 400, clientele.Invalid},
		{clientele.Errorf(clientele.NotFound, "no such profile"), 404, clientele.NotFound},
		{clientele.Errorf(clientele.Conflict, "it is there"), 409, clientele.Conflict},
		{clientele.Errorf(clientele.Denied, "not yours"), 403, clientele.Denied},
		{clientele.Errorf(clientele.Unknown, "who are you"), 401, clientele.Unknown},
		{clientele.Errorf(clientele.TooLarge, "too much"), 413, clientele.TooLarge},
		{clientele.Errorf(clientele.Unavailable, "the log is full"), 503, clientele.Unavailable},
		{clientele.Errorf(clientele.Corrupt, "row: %w", secret), 500, clientele.Corrupt},
		{clientele.Errorf(clientele.Internal, "row: %w", secret), 500, clientele.Internal},
		{fmt.Errorf("wrapped: %w", clientele.Errorf(clientele.NotFound, "no such profile")), 404, clientele.NotFound},
		{secret, 500, clientele.Internal},
	} {
		t.Run(string(tt.code), func(t *testing.T) {
			s := all.again(t, "GET", "/api/v1/status")
			s.err = tt.err
			w := s.do("GET", "/api/v1/status", s.tokens[token.Read], "")
			p := problem(t, w)
			if w.Code != tt.status || p.Code != tt.code {
				t.Fatalf("%d %+v, want %d %s", w.Code, p, tt.status, tt.code)
			}
			fault := tt.status == 500
			if shown := strings.Contains(w.Body.String(), "/var/lib"); shown {
				t.Errorf("the cause is shown: %s", w.Body)
			}
			if fault != strings.Contains(s.log.String(), "/var/lib") {
				t.Errorf("fault %v, log %s", fault, s.log)
			}
			if !fault && p.Detail != tt.err.Error() || p.Hint != "" && p.Hint != clientele.ErrorHint(tt.err) {
				t.Errorf("problem = %+v", p)
			}
			if after := w.Header().Get("Retry-After"); (tt.status == 503) != (after != "") {
				t.Errorf("Retry-After = %q", after)
			}
		})
	}
}

func TestReadableRefusals(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		detail                   string
	}{
		{"unknown field", "POST", "/api/v1/query", `{"sql":"select 1","parms":[]}`, 400, "body.parms: unexpected property"},
		{"missing field", "POST", "/api/v1/query", `{"params":[]}`, 400, "sql"},
		{"wrong type", "POST", "/api/v1/query", `{"sql":5}`, 400, "body.sql: expected string"},
		{"broken JSON", "POST", "/api/v1/query", `{"sql":`, 400, "body: unexpected end of JSON input"},
		{"two values", "POST", "/api/v1/query", `{"sql":"a"} {}`, 400, "body: invalid character"},
		{"no body", "POST", "/api/v1/query", "", 400, "request body is required"},
		{"limit 0", "GET", "/api/v1/profiles?limit=0", "", 400, "query.limit: expected number >= 1"},
		{"limit large", "GET", "/api/v1/profiles?limit=1001", "", 400, "query.limit: expected number <= 1000"},
		{"limit word", "GET", "/api/v1/profiles?limit=all", "", 400, "query.limit: invalid integer"},
		{"unknown parameter", "GET", "/api/v1/profiles?query=ann", "", 400, "query.query: unknown query parameter"},
		{"replay nothing", "POST", "/api/v1/quarantine/replay", `{}`, 400, "one of ids"},
		{"replay both", "POST", "/api/v1/quarantine/replay", `{"all":true,"ids":["1"]}`, 400, "one of ids"},
		{"merge nothing", "POST", "/api/v1/profiles/merge", `{"profile":"p_1"}`, 400, "profile and identifiers"},
		{"merge evidence", "POST", "/api/v1/profiles/merge", `{"profile":"p_1","identifiers":[{"namespace":"a","value":"b"}],"evidence":["x"]}`, 400, "evidence is for unmerge"},
		{"empty lookup", "POST", "/api/v1/profiles/lookup", `{"namespace":"email","value":""}`, 400, "body.value"},
		{"token scope", "POST", "/api/v1/tokens", `{"name":"x","scopes":["root"]}`, 400, "not a scope"},
		{"revoke nobody", "DELETE", "/api/v1/tokens/nobody", "", 404, "no token of that name"},
		{"kind", "POST", "/api/v1/import/shop?kind=command", "{}", 400, "query.kind"},
		{"import nothing", "POST", "/api/v1/import/shop", "\n\n", 400, "no record"},
		{"path", "GET", "/api/v1/nothing", "", 404, "no such path"},
		{"method", "PUT", "/api/v1/query", "", 405, "the path has no PUT"},
		{"large body", "POST", "/api/v1/query", `{"sql":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too large"},
		{"large import", "POST", "/api/v1/import/shop", strings.Repeat("{}\n", 1<<20), 413, "too large"},
		{"many lines", "POST", "/api/v1/import/shop", strings.Repeat("{}\n", api.MaxImportRecords+1), 413, "more than 10000 lines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.again(t, tt.method, tt.path)
			w := s.do(tt.method, tt.path, s.tokens[token.Admin], tt.body)
			p := problem(t, w)
			if w.Code != tt.status || !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("%d %+v, want %d with %q", w.Code, p, tt.status, tt.detail)
			}
			if s.asked != nil {
				t.Errorf("it reached the program: %v", s.asked)
			}
		})
	}
	if w := s.do("POST", "/api/v1/query", s.tokens[token.Read], `sql: select 1`, "Content-Type", "application/yaml"); w.Code != 415 || problem(t, w).Code != clientele.Invalid {
		t.Errorf("YAML: %d %s", w.Code, w.Body)
	}
	if w := s.do("PUT", "/api/v1/tokens", "", ""); w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("Allow = %q", w.Header().Get("Allow"))
	}
}

func TestBrokenBodyIsTheClientsFault(t *testing.T) {
	s := newSite(t)
	r := httptest.NewRequest("POST", "/api/v1/query", io.MultiReader(strings.NewReader(`{"sql"`), failing{}))
	r.Header.Set("Authorization", "Bearer "+s.tokens[token.Read])
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if p := problem(t, w); w.Code != 400 || p.Code != clientele.Invalid {
		t.Errorf("%d %+v", w.Code, p)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestPathValuesAreDecoded(t *testing.T) {
	for path, want := range map[string]clientele.Identifier{
		"/api/v1/profiles/email/ann%40example.com":     {Namespace: "email", Value: "ann@example.com"},
		"/api/v1/profiles/email/ann+shop@example.com":  {Namespace: "email", Value: "ann+shop@example.com"},
		"/api/v1/profiles/url/https%3A%2F%2Fx.com%2Fa": {Namespace: "url", Value: "https://x.com/a"},
		"/api/v1/profiles/shop:customer_id/17":         {Namespace: "shop:customer_id", Value: "17"},
		"/api/v1/profiles/name/%E0%B8%AD%20a%25b":      {Namespace: "name", Value: "อ a%b"},
		"/api/v1/profiles/a%2Fb/%2E%2E":                {Namespace: "a/b", Value: ".."},
		"/api/v1/profiles/id/p_0000000000k?explain=1":  {Namespace: "id", Value: "p_0000000000k"},
	} {
		s := newSite(t)
		w := s.do("GET", path, s.tokens[token.Read], "")
		if w.Code != 200 || len(s.asked) != 2 || s.asked[0] != want || s.asked[1] != strings.Contains(path, "explain") {
			t.Errorf("%s: %d, asked %v", path, w.Code, s.asked)
		}
		if w = s.do("GET", strings.TrimSuffix(path, "?explain=1")+"/events?limit=7&cursor=c", s.tokens[token.Read], ""); w.Code != 200 ||
			!slices.Equal(s.asked, []any{want, 7, "c"}) {
			t.Errorf("%s events: %d, asked %v", path, w.Code, s.asked)
		}
	}
}

func TestLogsHoldNoPersonalData(t *testing.T) {
	s := newSite(t)
	s.do("GET", "/api/v1/profiles/email/ann@example.com", s.tokens[token.Read], "")
	s.do("GET", "/api/v1/profiles?q=ann@example.com", s.tokens[token.Read], "")
	s.do("POST", "/api/v1/profiles/lookup", s.tokens[token.Read], `{"namespace":"email","value":"ann@example.com"}`)
	s.panics = true
	s.do("GET", "/api/v1/profiles/email/ann@example.com", s.tokens[token.Read], "")
	log := s.log.String()
	if strings.Contains(log, "ann") || strings.Contains(log, s.tokens[token.Read]) {
		t.Errorf("the log shows a person or a token:\n%s", log)
	}
	for _, want := range []string{`route="GET /api/v1/profiles/{namespace}/{value}"`, "status=200", "token=the-read", "status=500", "msg=panic"} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is missing in the log:\n%s", want, log)
		}
	}
}

func TestPanic(t *testing.T) {
	s := newSite(t)
	s.panics = true
	w := s.do("GET", "/api/v1/status", s.tokens[token.Read], "")
	if p := problem(t, w); w.Code != 500 || p.Code != clientele.Internal || strings.Contains(w.Body.String(), "ann@") {
		t.Errorf("%d %+v", w.Code, p)
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.blocks = true
		start := time.Now()
		w := s.do("POST", "/api/v1/query", s.tokens[token.Read], `{"sql":"select slow"}`)
		if p := problem(t, w); w.Code != 503 || p.Code != clientele.Unavailable || time.Since(start) != 3*time.Second {
			t.Errorf("%d %+v after %s", w.Code, p, time.Since(start))
		}
	})
}

func TestListsAndEmptyFields(t *testing.T) {
	s := newSite(t)
	read := s.tokens[token.Read]
	w := s.do("GET", "/api/v1/profiles?q=ann%20b", read, "")
	if !slices.Equal(s.asked, []any{"ann b", 50, ""}) || !strings.HasPrefix(w.Body.String(), `{"items":[{"id":"p_0000000002d"`) ||
		!strings.HasSuffix(strings.TrimSpace(w.Body.String()), `],"next":"more"}`) {
		t.Errorf("asked %v, got %s", s.asked, w.Body)
	}
	w = s.do("GET", "/api/v1/quarantine?limit=3&cursor=x", read, "")
	if !slices.Equal(s.asked, []any{3, "x"}) || strings.TrimSpace(w.Body.String()) != `{"items":[],"next":""}` {
		t.Errorf("asked %v, got %s", s.asked, w.Body)
	}
	for _, path := range []string{"/api/v1/profiles/a/b", "/api/v1/profiles/a/b/identity", "/api/v1/identity/health"} {
		w = s.do("GET", path, read, "")
		if strings.Contains(strings.ReplaceAll(w.Body.String(), `"identifiers":null`, ""), "null") && path != "/api/v1/identity/health" {
			t.Errorf("%s has null: %s", path, w.Body)
		}
	}
}

func TestWhoAsks(t *testing.T) {
	s := newSite(t)
	s.do("POST", "/api/v1/profiles/merge", s.tokens[token.Write], `{"profile":"p_1","identifiers":[{"namespace":"a","value":"b"}]}`)
	if s.by != "the-write" || s.asked[0] != "merge" {
		t.Errorf("by %q, asked %v", s.by, s.asked)
	}
	s.do("POST", "/api/v1/profiles/unmerge", s.tokens[token.Admin], `{"profile":"p_1","identifiers":[{"namespace":"a","value":"b"}]}`)
	if s.by != "the-admin" || s.asked[0] != "unmerge" {
		t.Errorf("by %q, asked %v", s.by, s.asked)
	}
	s.do("POST", "/api/v1/quarantine/replay", s.tokens[token.Write], `{"ids":["5-0","5-1"]}`)
	if s.by != "the-write" || !reflect.DeepEqual(s.asked, []any{[]string{"5-0", "5-1"}}) {
		t.Errorf("by %q, asked %v", s.by, s.asked)
	}
}

func TestQuery(t *testing.T) {
	s := newSite(t)
	read := s.tokens[token.Read]
	w := s.do("POST", "/api/v1/query", read, `{"sql":"select $1","params":[1.5,"x",null],"max_rows":1000000}`)
	want := `{"columns":[{"name":"n","type":"BIGINT"},{"name":"t","type":"VARCHAR"}],"rows":[[1,"a,b"],[null,null],[2.5,true]],"cut":true,"took_ms":0}`
	if strings.TrimSpace(w.Body.String()) != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s", w.Header().Get("Content-Type"), w.Body)
	}
	if !reflect.DeepEqual(s.asked, []any{"select $1", []any{1.5, "x", nil}, 100}) {
		t.Errorf("asked %v: the server's limit is 100", s.asked)
	}
	w = s.do("POST", "/api/v1/query", read, `{"sql":"select 1","max_rows":7}`, "Accept", "text/csv")
	if w.Body.String() != "n,t\n1,\"a,b\"\n,\n2.5,true\n" || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" || w.Header().Get("X-Cut") != "true" {
		t.Errorf("CSV: %v %q", w.Header(), w.Body)
	}
	if s.asked[2] != 7 {
		t.Errorf("max_rows = %v", s.asked[2])
	}
}

func TestImport(t *testing.T) {
	s := newSite(t)
	long := `{"table":"orders","id":"` + strings.Repeat("x", clientele.MaxEventBytes) + `"}`
	body := "{\"table\":\"orders\",\"id\":\"1\"}\r\n\n  {\"table\":\"orders\",\"id\":\"2\"}\n[1]\nnot json\n" + long + "\n" +
		`{"$rejected":2,"$raw":"bGluZSAzOiBubyBkYXRl"}` + "\n" + `{"$rejected":1,"$raw":"YWI="}`
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	_, err := zw.Write([]byte(body))
	if err = errors.Join(err, zw.Close()); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"plain": s.do("POST", "/api/v1/import/shop?kind=event", s.tokens[token.Write], body, "Content-Type", "application/x-ndjson"),
		"gzip":  s.do("POST", "/api/v1/import/shop?kind=event", s.tokens[token.Write], zipped.String(), "Content-Encoding", "gzip"),
	} {
		if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"accepted":7}` {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		if !slices.Equal(s.asked, []any{"shop", clientele.KindEvent}) {
			t.Errorf("%s: asked %v", name, s.asked)
		}
		at := clientele.MicrosOf(now())
		want := []clientele.Record{
			{Raw: []byte(`{"table":"orders","id":"1"}`)}, {Raw: []byte(`{"table":"orders","id":"2"}`)},
			{Raw: []byte("[1]"), Verdict: clientele.Malformed}, {Raw: []byte("not json"), Verdict: clientele.Malformed},
			{Raw: []byte(long[:clientele.OversizeKept]), Verdict: clientele.Oversize},
			{Raw: []byte("line 3: no date"), Verdict: clientele.Malformed}, {Raw: []byte("ab"), Verdict: clientele.Oversize},
		}
		for i := range want {
			want[i].Source, want[i].ReceivedAt = "shop", at
		}
		if !reflect.DeepEqual(s.records, want) {
			t.Errorf("%s: records %q", name, s.records)
		}
	}
	if w := s.do("POST", "/api/v1/import/shop", s.tokens[token.Write], "{}", "Content-Encoding", "gzip"); w.Code != 400 {
		t.Errorf("not gzip: %d", w.Code)
	}
	if w := s.do("POST", "/api/v1/import/shop", s.tokens[token.Write], "{}", "Content-Encoding", "br"); w.Code != 400 {
		t.Errorf("br: %d", w.Code)
	}
	zipped.Reset()
	zw = gzip.NewWriter(&zipped)
	_, err = zw.Write(bytes.Repeat([]byte(" "), api.MaxImportText+1))
	if err = errors.Join(err, zw.Close()); err != nil {
		t.Fatal(err)
	}
	if w := s.do("POST", "/api/v1/import/shop", s.tokens[token.Write], zipped.String(), "Content-Encoding", "gzip"); w.Code != 413 {
		t.Errorf("a bomb: %d %s", w.Code, w.Body)
	}
}

func FuzzParseImport(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n[]\n{\"$rejected\":2,\"$raw\":\"YQ==\"}"))
	f.Add([]byte("{\"$rejected\":9}\n\x00\xff\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := api.ParseImport(text, "s", 1)
		if (err == nil) != (len(records) > 0) {
			t.Fatalf("%d records, %v", len(records), err)
		}
		for _, r := range records {
			if r.Verdict == clientele.Accepted && (!json.Valid(r.Raw) || r.Raw[0] != '{') || len(r.Raw) == 0 || len(r.Raw) > clientele.MaxEventBytes {
				t.Fatalf("record %q is %d", r.Raw, r.Verdict)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	s := newSite(t)
	admin := s.tokens[token.Admin]
	w := s.do("POST", "/api/v1/tokens", admin, `{"name":"bi","scopes":["read"]}`)
	var made api.CreatedToken
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 200 || made.Name != "bi" || made.Token == "" {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if w = s.do("GET", "/api/v1/status", made.Token, ""); w.Code != 200 {
		t.Errorf("the new token: %d", w.Code)
	}
	if w = s.do("GET", "/api/v1/tokens", admin, ""); strings.Contains(w.Body.String(), made.Token) || strings.Contains(w.Body.String(), "sha256") || !strings.Contains(w.Body.String(), `"name":"bi"`) {
		t.Errorf("list = %s", w.Body)
	}
	if w = s.do("DELETE", "/api/v1/tokens/bi", admin, ""); w.Code != 204 {
		t.Errorf("revoke: %d", w.Code)
	}
	if w = s.do("GET", "/api/v1/status", made.Token, ""); w.Code != 401 {
		t.Errorf("the revoked token: %d", w.Code)
	}
}

func TestOpenAPIListsEveryRoute(t *testing.T) {
	s := newSite(t)
	w := s.do("GET", "/api/openapi.json", "", "")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Summary     string                `json:"summary"`
			Security    []map[string][]string `json:"security"`
			Responses   map[string]struct {
				Content map[string]any `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("%v %s", err, doc.OpenAPI)
	}
	template := strings.NewReplacer("/saved/goal/x", "/saved/{kind}/{name}", "email/ann@example.com", "{namespace}/{value}", "import/shop", "import/{source}", "tokens/the-collect", "tokens/{name}", "?q=ann", "", "?namespace=email&keep_unmatched=true", "", "?of=trait&name=tier&prefix=g", "",
		"plans/shop", "plans/{name}", "sources/till", "sources/{name}", "audiences/vip", "audiences/{name}", "transforms/r", "transforms/{name}", "retention/r", "retention/{name}", "computed-traits/r", "computed-traits/{name}", "?source=web", "", "?hours=1", "", "?days=30", "", "?limit=2&cursor=9", "", "?what=orders", "", "exports/x", "exports/{id}",
		"erasures/er_7", "erasures/{id}", "requests/rq_7/", "requests/{id}/", "enrichment/acme", "enrichment/{source}", "actions/offer", "actions/{name}", "models/worth", "models/{name}", "decide/d_7/", "decide/{id}/", "items/B-42", "items/{sku}", "runs/7/", "runs/{id}/", "users/x", "users/{name}", "previews/tab-1", "previews/{editor}", "comments/7", "comments/{id}", "?state=same&q=ann", "", "?outcome=accepted", "")
	count := 0
	for _, rt := range routes {
		op, ok := doc.Paths[template.Replace(rt.path)][strings.ToLower(rt.method)]
		if !ok || op.Summary == "" || op.OperationID == "" {
			t.Errorf("%s %s is not described", rt.method, rt.path)
			continue
		}
		if len(op.Security) != 1 || !slices.Equal(op.Security[0]["token"], []string{string(rt.scope)}) {
			t.Errorf("%s: security %v", op.OperationID, op.Security)
		}
		for _, status := range []string{"400", "401", "403", "default"} {
			if _, ok := op.Responses[status].Content["application/problem+json"]; !ok {
				t.Errorf("%s: response %s is no problem", op.OperationID, status)
			}
		}
	}
	for _, methods := range doc.Paths {
		count += len(methods)
	}
	if count != len(routes) {
		t.Errorf("%d operations are described, %d tested: add the new ones to routes", count, len(routes))
	}
	// Every reference leads somewhere.
	for _, part := range strings.Split(w.Body.String(), `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if _, ok := doc.Components.Schemas[name]; !ok {
			t.Errorf("schema %s is missing", name)
		}
	}
	for _, name := range []string{"Profile", "IdentityView", "MergeRequest", "QueryResult", "Problem", "Status"} {
		if _, ok := doc.Components.Schemas[name]; !ok {
			t.Errorf("schema %s is missing", name)
		}
	}
}
