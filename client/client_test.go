package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/client"
	"clientele/internal/api"
	"clientele/internal/token"
)

// product answers for the program behind the API.
type product struct {
	err     error
	asked   []any
	batches [][]clientele.Record
}

func (p *product) did(args ...any) error {
	p.asked = args
	return p.err
}

var ann = clientele.Identifier{Namespace: "email", Value: "ann@example.com"}

func (p *product) Profile(_ context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	return &clientele.Profile{ID: 77, FirstSeen: clientele.MicrosOf(now()), Traits: map[string]any{"age": 31.5},
		Identifiers: []clientele.ProfileIdentifier{{Identifier: ann, Source: "web"}}, FormerIDs: []clientele.ProfileID{99}}, p.did(id, explain)
}

func (p *product) Search(_ context.Context, q string, limit int, cursor string) ([]*clientele.Profile, string, error) {
	return []*clientele.Profile{{ID: 77}}, "more", p.did(q, limit, cursor)
}

func (p *product) Names(_ context.Context, ids []clientele.ProfileID) ([]clientele.ProfileName, error) {
	return nil, p.did(ids)
}

func (p *product) Events(_ context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error) {
	return []clientele.Event{{ID: "e1", TS: 5, Properties: clientele.RawJSON(`{"a":1}`)}}, "more", p.did(id, limit, cursor)
}

func (p *product) Summary(_ context.Context, id clientele.Identifier) (*clientele.Summary, error) {
	return &clientele.Summary{Profile: 77, LastOrders: []clientele.SummaryOrder{{ID: "o1"}}}, p.did(id)
}

func (p *product) Identity(_ context.Context, id clientele.Identifier) (*clientele.IdentityView, error) {
	return &clientele.IdentityView{Profile: 77, Evidence: []clientele.Evidence{{ID: "x", A: ann}}}, p.did(id)
}

func (p *product) Merge(_ context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	return &clientele.MergeResult{After: []clientele.ProfileCount{{ID: 77, Events: 4}}}, p.did(by, req)
}

func (p *product) Unmerge(_ context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	return &clientele.MergeResult{Before: []clientele.ProfileCount{{ID: 77, Events: 4}}}, p.did(by, req)
}

func (p *product) Simulate(_ context.Context, rules clientele.IdentityRules, sample int) (*clientele.Simulation, error) {
	return &clientele.Simulation{Merges: 3}, p.did(rules, sample)
}

func (*product) IdentityRules(context.Context) (*clientele.IdentityRules, error) {
	return nil, nil
}

func (p *product) IdentityHealth(context.Context) (*clientele.IdentityHealth, error) {
	return &clientele.IdentityHealth{Identifiers: map[clientele.Namespace]int64{"email": 3}}, p.did()
}

func (p *product) Query(_ context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	return &clientele.QueryResult{Columns: []clientele.QueryColumn{{Name: "a", Type: "BIGINT"}},
		Rows: [][]any{{int64(1 << 52), 2.5, "x", nil, true}}}, p.did(sql, params, maxRows)
}

func (p *product) Quarantine(_ context.Context, _ clientele.QuarantineQuery, limit int, cursor string) ([]clientele.Quarantined, string, error) {
	return []clientele.Quarantined{{ID: "5-1"}}, "more", p.did(limit, cursor)
}

func (p *product) ReplayFound(_ context.Context, by string, q clientele.QuarantineQuery) (int, error) {
	return 2, p.did(by, q)
}

func (p *product) Replay(_ context.Context, by string, ids []string) (int, error) {
	return 4, p.did(by, ids)
}

func (p *product) Import(_ context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	p.batches = append(p.batches, records)
	return &clientele.ImportResult{Accepted: len(records)}, p.did(source, kind)
}

func (p *product) Status(context.Context) (*clientele.Status, error) {
	return &clientele.Status{State: "ready", StartedAt: 7}, p.did()
}
func (p *product) Ready() error { return nil }
func (p *product) Digests(context.Context) (map[string]string, error) {
	return map[string]string{"orders": "abc"}, p.did()
}

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// paths are the request lines a server or proxy could log.
type paths struct {
	mu   sync.Mutex
	seen []string
}

func start(t *testing.T) (*product, *client.Client, *paths, *token.Store) {
	t.Helper()
	store, err := token.Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	p := &product{}
	a, err := api.New(api.Options{Profiles: p, Identity: p, Query: p, Explore: p, Quarantine: p, Import: p, Status: p, Tokens: store, Now: now, QueryMaxRows: 100})
	if err != nil {
		t.Fatal(err)
	}
	log := &paths{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.mu.Lock()
		log.seen = append(log.seen, r.RequestURI)
		log.mu.Unlock()
		a.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL+"/", store.Local())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return p, c, log, store
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %+v, want %+v", what, got, want)
	}
}

func TestMethods(t *testing.T) {
	ctx := context.Background()
	p, c, log, store := start(t)
	got, err := c.Profile(ctx, ann, true)
	must(t, got, err)
	same(t, "profile", []any{got.ID, got.FirstSeen, got.Traits["age"], got.Identifiers[0].Identifier, got.FormerIDs[0]},
		[]any{clientele.ProfileID(77), clientele.MicrosOf(now()), 31.5, ann, clientele.ProfileID(99)})
	same(t, "asked", p.asked, []any{ann, true})

	own := clientele.Identifier{Namespace: "id", Value: "p_0000000002d"}
	events, next, err := c.Events(ctx, ann, 7, "c")
	must(t, events, err)
	same(t, "events", []any{events[0].ID, string(events[0].Properties), next}, []any{"e1", `{"a":1}`, "more"})
	same(t, "asked", p.asked, []any{own, 7, "c"})

	sum, err := c.Summary(ctx, ann)
	must(t, sum, err)
	same(t, "summary", []any{sum.Profile, sum.LastOrders[0].ID}, []any{clientele.ProfileID(77), "o1"})
	same(t, "asked", p.asked, []any{own})

	view, err := c.Identity(ctx, ann)
	must(t, view, err)
	same(t, "evidence", view.Evidence[0].A, ann)
	same(t, "asked", p.asked, []any{own})

	req := clientele.MergeRequest{Profile: "p_0000000002d", Identifiers: []clientele.Identifier{ann}}
	merged, err := c.Merge(ctx, req)
	must(t, merged, err)
	same(t, "merge", merged.After, []clientele.ProfileCount{{ID: 77, Events: 4}})
	same(t, "asked", p.asked, []any{"local", req})
	req = clientele.MergeRequest{Evidence: []string{"x"}}
	must(t, 0, func() error { _, err := c.Unmerge(ctx, req); return err }())
	same(t, "asked", p.asked, []any{"local", req})

	rules := clientele.IdentityRules{Namespaces: map[clientele.Namespace]clientele.NamespaceRule{"email": {Priority: 1, Limit: 2, Blocked: []string{"x"}}},
		Default: clientele.NamespaceRule{Priority: 5, Limit: 5}, Region: "TH"}
	s, err := c.Simulate(ctx, rules, 3)
	same(t, "simulate", must(t, s, err).Merges, int64(3))
	same(t, "asked", p.asked, []any{rules, 3})

	h, err := c.IdentityHealth(ctx)
	same(t, "health", must(t, h, err).Identifiers["email"], int64(3))

	r, err := c.Query(ctx, "select $1", []any{"x"}, 9)
	same(t, "rows", must(t, r, err).Rows, [][]any{{int64(1 << 52), 2.5, "x", nil, true}})
	same(t, "asked", p.asked, []any{"select $1", []any{"x"}, 9})

	q, next, err := c.Quarantine(ctx, 0, "")
	same(t, "quarantine", []any{must(t, q, err)[0].ID, next}, []any{"5-1", "more"})
	n, err := c.Replay(ctx, []string{"5-1"})
	same(t, "replay", must(t, n, err), 4)
	same(t, "asked", p.asked, []any{"local", []string{"5-1"}})
	must(t, 0, func() error { _, err := c.Replay(ctx, nil); return err }())
	same(t, "asked", p.asked, []any{"local", []string(nil)})

	st, err := c.Status(ctx)
	same(t, "status", must(t, st, err).StartedAt, clientele.Micros(7))
	d, err := c.Digests(ctx)
	same(t, "digests", must(t, d, err), map[string]string{"orders": "abc"})
	instance, err := c.Health(ctx)
	same(t, "instance", must(t, instance, err), store.Instance())

	for _, path := range log.seen {
		if strings.Contains(path, "ann") || strings.Contains(path, "example.com") {
			t.Errorf("a person is in the path %s", path)
		}
	}
	found, next, err := c.Search(ctx, "ann & co", 5, "c")
	same(t, "search", []any{must(t, found, err)[0].ID, next}, []any{clientele.ProfileID(77), "more"})
	same(t, "asked", p.asked, []any{"ann & co", 5, "c"})
}

func TestTokens(t *testing.T) {
	ctx := context.Background()
	_, c, _, store := start(t)
	secret, err := c.CreateToken(ctx, "bi", []string{"read"})
	must(t, secret, err)
	if who, err := store.Check(ctx, secret); err != nil || who.Name != "bi" {
		t.Errorf("the token is of %q, %v", who.Name, err)
	}
	must(t, 0, c.RevokeToken(ctx, "bi"))
	list, err := c.Tokens(ctx)
	same(t, "tokens", must(t, list, err), []client.Token{{Name: "bi", Scopes: []string{"read"}, Created: clientele.MicrosOf(now()), Revoked: clientele.MicrosOf(now())}})
	if err := c.RevokeToken(ctx, "bi"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("twice: %v", err)
	}
}

func TestErrorsComeBack(t *testing.T) {
	p, c, _, _ := start(t)
	for _, code := range []clientele.Code{clientele.Invalid, clientele.NotFound, clientele.Conflict, clientele.Denied, clientele.Unknown, clientele.TooLarge, clientele.Unavailable} {
		p.err = clientele.Errorf(code, "what is wrong").WithHint("what to do")
		got, err := c.Profile(context.Background(), ann, false)
		var e *clientele.Error
		if got != nil || !errors.As(err, &e) || e.Code != code || e.Message != "what is wrong" || e.Hint != "what to do" {
			t.Errorf("%s comes back as %+v", code, err)
		}
	}
	p.err = errors.New("secret cause")
	if _, err := c.Status(context.Background()); clientele.ErrorCode(err) != clientele.Internal || strings.Contains(err.Error(), "secret") {
		t.Errorf("a fault comes back as %v", err)
	}
}

func TestNotAClienteleServer(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		status int
		body   string
		code   clientele.Code
	}{
		{502, "<html>", clientele.Unavailable}, {404, "nothing", clientele.NotFound}, {401, "", clientele.Unknown},
		{500, "{}", clientele.Internal}, {405, `{"a":1}`, clientele.Invalid}, {200, "<html>", clientele.Unavailable},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			if _, err := w.Write([]byte(tt.body)); err != nil {
				t.Error(err)
			}
		}))
		c, err := client.New(srv.URL, "t")
		must(t, c, err)
		_, err = c.Status(ctx)
		if clientele.ErrorCode(err) != tt.code || clientele.ErrorHint(err) == "" {
			t.Errorf("%d %s: %v (%s)", tt.status, tt.body, err, clientele.ErrorHint(err))
		}
		c.Close()
		srv.Close()
		if _, err = c.Profile(ctx, ann, false); clientele.ErrorCode(err) != clientele.Unavailable || strings.Contains(err.Error(), "ann") {
			t.Errorf("nobody listens: %v", err)
		}
	}
	for _, address := range []string{"", "localhost:8080", "ftp://x", "http://"} {
		if _, err := client.New(address, ""); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%q: %v", address, err)
		}
	}
	_, c, _, _ := start(t)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Status(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func TestImport(t *testing.T) {
	ctx := context.Background()
	p, c, _, _ := start(t)
	r, err := c.Import(ctx, "shop", clientele.KindRow, []clientele.Record{
		{Raw: []byte(`{"table":"orders","id":"1"}`)},
		{Raw: []byte("{\n \"table\": \"orders\"\n}")},
		{Raw: []byte("line 3: \xff no date\n"), Verdict: clientele.Malformed},
		{Raw: []byte("ab"), Verdict: clientele.Oversize},
	})
	same(t, "accepted", must(t, r, err).Accepted, 4)
	same(t, "asked", p.asked, []any{"shop", clientele.KindRow})
	at := clientele.MicrosOf(now())
	same(t, "records", p.batches[0], []clientele.Record{
		{Source: "shop", ReceivedAt: at, Raw: []byte(`{"table":"orders","id":"1"}`)},
		{Source: "shop", ReceivedAt: at, Raw: []byte(`{"table":"orders"}`)},
		{Source: "shop", ReceivedAt: at, Raw: []byte("line 3: \xff no date\n"), Verdict: clientele.Malformed},
		{Source: "shop", ReceivedAt: at, Raw: []byte("ab"), Verdict: clientele.Oversize},
	})
	if _, err := c.Import(ctx, "shop", clientele.KindCommand, nil); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("commands: %v", err)
	}
}

// However much is imported in one call, no request is over the server's limits.
func TestImportCutsRequests(t *testing.T) {
	p, c, _, _ := start(t)
	big := []byte(`{"id":"` + strings.Repeat("x", 30_000) + `"}`)
	var records []clientele.Record
	for range 200 {
		records = append(records, clientele.Record{Raw: big})
	}
	for range 25_000 {
		records = append(records, clientele.Record{Raw: []byte(`{"id":"1"}`)})
	}
	r, err := c.Import(context.Background(), "shop", clientele.KindEvent, records)
	same(t, "accepted", must(t, r, err).Accepted, len(records))
	total := 0
	for _, b := range p.batches {
		total += len(b)
	}
	if total != len(records) || len(p.batches) < 6 {
		t.Errorf("%d records in %d requests", total, len(p.batches))
	}
}

func (p *product) ExploreAudience(_ context.Context, _ string, req clientele.SegmentRequest) (*clientele.AudienceInForce, error) {
	return &clientele.AudienceInForce{Audience: clientele.Audience{Name: req.Name}}, nil
}

func (p *product) QueryMasked(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	return p.Query(ctx, sql, params, maxRows)
}
