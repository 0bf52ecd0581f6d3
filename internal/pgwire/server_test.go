package pgwire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"clientele"
	"clientele/internal/pgwire"
	"clientele/internal/store/duckstore"
	"clientele/internal/token"
)

// endpoint is a server over a real column store, with what its audit log was told.
type endpoint struct {
	address       string
	read, collect string // tokens
	tokens        *token.Store
	server        *pgwire.Server
	columns       *duckstore.Store

	mu      sync.Mutex
	records []string
}

type data struct {
	*duckstore.Store
	limits duckstore.Limits
}

func (d data) Stream(ctx context.Context, text string, params []any, head func([]clientele.QueryColumn) error, row func([]any) error) (bool, error) {
	return d.Store.Stream(ctx, text, params, d.limits, head, row)
}

type catalogue struct{ *duckstore.Scratch }

func (c catalogue) Stream(ctx context.Context, text string, params []any, head func([]clientele.QueryColumn) error, row func([]any) error) (bool, error) {
	return c.Scratch.Stream(ctx, text, params, duckstore.Limits{}, head, row)
}

// serve starts an endpoint; change alters its options.
func serve(t testing.TB, limits duckstore.Limits, change func(*pgwire.Options)) *endpoint {
	t.Helper()
	ctx := context.Background()
	columns, err := duckstore.Open(ctx, duckstore.Options{Path: filepath.Join(t.TempDir(), "columns.duckdb"), BaseCurrency: "EUR"})
	must(t, err)
	t.Cleanup(func() { must(t, columns.Close()) })
	must(t, columns.Apply(ctx, 1, []clientele.Change{seed()}))
	ddl, rules := pgwire.Catalog()
	scratch, err := duckstore.OpenScratch(ctx, ddl, rules)
	must(t, err)
	t.Cleanup(func() { must(t, scratch.Close()) })
	e := &endpoint{columns: columns}
	e.tokens, err = token.Open(t.TempDir(), time.Now)
	must(t, err)
	e.read, _, err = e.tokens.CreateToken(ctx, "bi", []token.Scope{token.Read})
	must(t, err)
	e.collect, _, err = e.tokens.CreateToken(ctx, "shop", []token.Scope{token.Collect})
	must(t, err)
	o := pgwire.Options{Data: data{columns, limits}, Tables: columns.Tables, Catalogue: catalogue{scratch}, Tokens: e.tokens, MaxConnections: 5, Record: e.record}
	if change != nil {
		change(&o)
	}
	e.server = pgwire.New(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	e.address = ln.Addr().String()
	running, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- e.server.Serve(running, ln) }()
	t.Cleanup(func() {
		stop()
		must(t, <-served)
	})
	return e
}

func (e *endpoint) record(by, act, sql string, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records = append(e.records, fmt.Sprintf("%s %s %q %s", by, act, sql, clientele.ErrorCode(err)))
	return nil
}

func (e *endpoint) recorded() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.records, "\n")
}

func seed() clientele.Change {
	table := func(name string, rows ...map[string]any) clientele.TableRows {
		def := clientele.TableNamed(name)
		out := clientele.TableRows{Table: name}
		for _, r := range rows {
			row := make([]any, len(def.Columns))
			for k, v := range r {
				row[def.Column(k)] = v
			}
			out.Upsert = append(out.Upsert, row)
		}
		return out
	}
	return clientele.Change{Position: 1, Promoted: []clientele.Promotion{{Table: "profiles", Column: "city", JSON: "city", Type: clientele.TypeText}}, Tables: []clientele.TableRows{
		table("events",
			map[string]any{"source": "w", "event_id": "e1", "anchor_id": int64(1), "profile_id": int64(1), "ts": int64(1_700_000_000_123_456), "name": "Signed Up", "properties": `{"b":1,  "a":[1,2]}`},
			map[string]any{"source": "w", "event_id": "e2", "anchor_id": int64(2), "profile_id": int64(2), "ts": int64(1_700_000_001_000_000), "name": "Order Completed", "properties": `{"revenue":12.5}`}),
		table("profiles", map[string]any{"profile_id": int64(1), "traits": `{"city":"Hanoi"}`}, map[string]any{"profile_id": int64(2), "traits": `{}`}),
		table("orders", map[string]any{"source": "s", "order_id": "1", "profile_id": int64(1), "anchor_id": int64(1), "ts": int64(1_700_000_000_000_000), "revenue": int64(125_000), "currency": "EUR"}),
		table("ad_spend", map[string]any{"source": "s", "date": int64(19_000), "platform": "p", "campaign": "c", "country": "TH", "clicks": int64(9007199254740993), "cost": int64(5)}),
	}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (e *endpoint) url(secret, more string) string {
	return fmt.Sprintf("postgres://any:%s@%s/clientele?sslmode=disable%s", secret, e.address, more)
}

func (e *endpoint) connect(t testing.TB, more string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), e.url(e.read, more))
	must(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// stateOf is the SQLSTATE of an error.
func stateOf(err error) string {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestLogin(t *testing.T) {
	e := serve(t, duckstore.Limits{}, func(o *pgwire.Options) { o.MaxConnections = 2 })
	ctx := context.Background()
	for name, c := range map[string]struct{ secret, state string }{
		"wrong token": {"nonsense", "28P01"}, "no token": {"", "28P01"}, "no scope": {e.collect, "28000"},
	} {
		if _, err := pgx.Connect(ctx, e.url(c.secret, "")); stateOf(err) != c.state {
			t.Errorf("%s: %v", name, err)
		}
	}
	one := e.connect(t, "")
	two := e.connect(t, "")
	if _, err := pgx.Connect(ctx, e.url(e.read, "")); stateOf(err) != "53300" {
		t.Errorf("a third connection of two: %v", err)
	}
	if n := e.server.Counts(); n.Connections != 2 || n.Logins["ok"] != 2 || n.Logins["password"] != 2 || n.Logins["scope"] != 1 || n.Logins["connections"] != 1 {
		t.Errorf("counts %+v", n)
	}
	if r := e.recorded(); !strings.Contains(r, `shop pg-login "" denied`) || !strings.Contains(r, `bi pg-login "" `) {
		t.Errorf("records:\n%s", r)
	}
	// A token that is revoked ends its connections at their next query.
	must(t, e.tokens.RevokeToken(ctx, "bi"))
	if _, err := one.Exec(ctx, "select count(*) from orders"); stateOf(err) != "57P01" {
		t.Errorf("a revoked token: %v", err)
	}
	if !one.IsClosed() {
		t.Error("the connection of a revoked token stays open")
	}
	must(t, two.Close(ctx))
}

func TestTLS(t *testing.T) {
	cert := certificate(t)
	e := serve(t, duckstore.Limits{}, func(o *pgwire.Options) {
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	})
	ctx := context.Background()
	if _, err := pgx.Connect(ctx, e.url(e.read, "")); stateOf(err) != "28000" {
		t.Errorf("without TLS: %v", err)
	}
	for _, negotiation := range []string{"postgres", "direct"} {
		c, err := pgx.Connect(ctx, fmt.Sprintf("postgres://any:%s@%s/clientele?sslmode=require&sslnegotiation=%s", e.read, e.address, negotiation))
		if err != nil {
			t.Errorf("%s: %v", negotiation, err)
			continue
		}
		var n int64
		if err := c.QueryRow(ctx, "select count(*) from events").Scan(&n); err != nil || n != 2 {
			t.Errorf("%s: %d, %v", negotiation, n, err)
		}
		must(t, c.Close(ctx))
	}
}

func TestQueries(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	ctx := context.Background()
	c := e.connect(t, "")
	var id int64
	var at time.Time
	var name string
	var revenue string
	must(t, c.QueryRow(ctx, `select profile_id, ts, name from "public"."events" where name = $1 and ts >= $2 limit $3`, "Signed Up", time.Unix(1_600_000_000, 0), 5).Scan(&id, &at, &name))
	if id != 1 || at.UnixMicro() != 1_700_000_000_123_456 || name != "Signed Up" {
		t.Errorf("%d %s %s", id, at, name)
	}
	must(t, c.QueryRow(ctx, `select revenue::text from clientele.public.orders where "public"."orders"."revenue" > $1 and profile_id = any($2::bigint[])`, "12.4", []int64{1, 7}).Scan(&revenue))
	if revenue != "12.5000" {
		t.Errorf("revenue %s", revenue)
	}
	// The same statement again, by its name.
	for range 2 {
		must(t, c.QueryRow(ctx, "select city from profiles where profile_id = $1", int64(1)).Scan(&name))
	}
	// Simple protocol, many statements, in and out of a transaction.
	results, err := c.PgConn().Exec(ctx, "begin; set local statement_timeout = 1000; select 1 as one; select 'a;b' as two, null; commit; ").ReadAll()
	must(t, err)
	var tags []string
	for _, r := range results {
		tags = append(tags, r.CommandTag.String())
	}
	if got := strings.Join(tags, ","); got != "BEGIN,SET,SELECT 1,SELECT 1,COMMIT" || string(results[3].Rows[0][0]) != "a;b" || results[3].Rows[0][1] != nil {
		t.Errorf("%s: %q", got, results[3].Rows)
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead})
	must(t, err)
	if _, err := tx.Exec(ctx, "select nonsense from orders"); stateOf(err) != "42703" {
		t.Errorf("%v", err)
	}
	if _, err := tx.Exec(ctx, "select 1"); stateOf(err) != "25P02" {
		t.Errorf("in a failed transaction: %v", err)
	}
	must(t, tx.Rollback(ctx))
	must(t, c.Ping(ctx))
	if n := e.server.Counts(); n.Queries["ok"] < 6 || n.Queries["error"] != 1 || n.Rows < 6 || n.Bytes == 0 {
		t.Errorf("counts %+v", n)
	}
	if r := e.recorded(); !strings.Contains(r, `bi query "select city from profiles where profile_id = $1" `) {
		t.Errorf("records:\n%s", r)
	}
}

// TestNames: what PostgreSQL would call a column.
func TestNames(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	c := e.connect(t, "")
	rows, err := c.Query(context.Background(), `select count(*), sum(revenue), count(*) as n, max(ts) as "max(ts)", order_id, current_date from orders group by order_id`, pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	var names []string
	for _, f := range rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	rows.Close()
	if got := strings.Join(names, ","); !strings.HasPrefix(got, "count,sum,n,max(ts),order_id,") {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	c := e.connect(t, "")
	for _, q := range []struct {
		sql, state, at string // at begins where the error is
	}{
		{"selekt 1", "42601", "selekt"},
		{"select 1 frm orders x", "42601", "orders"},
		{"select 'ä', nope from orders", "42703", "nope"},
		{"select 1;\n  select 'é',\n nope + 1 from orders", "42703", "nope"},
		{"select '日本', nope from orders", "42703", "nope"},
		{"select '', nope from orders where order_id = '" + strings.Repeat("ü", 200) + "' and x = 1", "42703", "x = 1"},
		{"select * from\n nope", "42P01", "nope"},
		{"select * from public.nope", "42P01", "public.nope"},
		{"select * from base.events", "42501", "base.events"},
		{"select 1, lowerx('a')", "42883", "lowerx"},
		{"select getenv('HOME')", "42883", "getenv"},
		{"select * from read_csv('/etc/passwd')", "42883", ""},
		{"select order_id, count(*) from orders", "42803", "order_id"},
		{"select cast('x' as integer)", "22P02", ""},
		{"delete from orders", "25006", ""},
		{"insert into orders values (1)", "25006", ""},
		{"copy orders to stdout", "25006", ""},
		{"explain analyze select 1", "0A000", ""},
		{"attach 'x.db'", "25006", ""},
		{"select version(), count(*) from orders", "0A000", ""},
		{"select setting from duckdb_settings()", "42883", ""},
		{"set client_encoding = 'LATIN1'", "22023", ""},
		{"show nonsense", "42704", ""},
		{"fetch 1 from nowhere", "34000", ""},
		{"(select 1", "42601", ""},
		{"select 'x", "42601", ""},
	} {
		_, err := c.PgConn().Exec(context.Background(), q.sql).ReadAll()
		var p *pgconn.PgError
		if !errors.As(err, &p) || p.Code != q.state {
			t.Errorf("%s: %v", q.sql, err)
			continue
		}
		if q.at == "" {
			continue
		}
		if want := len([]rune(q.sql[:strings.Index(q.sql, q.at)])) + 1; int(p.Position) != want {
			t.Errorf("%s: at %d, want %d: %s", q.sql, p.Position, want, p.Message)
		}
	}
	// The extended protocol gives places too.
	_, err := c.Prepare(context.Background(), "", "select nope from orders where revenue > $1")
	var p *pgconn.PgError
	if !errors.As(err, &p) || p.Code != "42703" || p.Position != 8 {
		t.Errorf("%v", err)
	}
}

func TestLimits(t *testing.T) {
	e := serve(t, duckstore.Limits{Rows: 1000, Bytes: 1 << 20, Time: 2 * time.Second}, nil)
	ctx := context.Background()
	c := e.connect(t, "")
	for sql, state := range map[string]string{
		"select range from range(1001)": "54000",
		"select repeat from (select md5(r::varchar) || md5(r::varchar) || lpad('', 1000, 'x') as repeat from range(999) t(r), range(2))": "54000",
		"select count(*) from range(10000000) a, range(10000000) b":                                                                      "54000",
		"select " + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500):                                                            "54000",
		"select '" + strings.Repeat("x", 200<<10) + "'":                                                                                  "54000",
	} {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); stateOf(err) != state {
			t.Errorf("%.60s: %v", sql, err)
		}
	}
	if _, err := c.Exec(ctx, "set statement_timeout = 50"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, "select count(*) from range(10000000) a, range(10000000) b"); stateOf(err) != "57014" {
		t.Errorf("statement_timeout: %v", err)
	}
	if _, err := c.Exec(ctx, "set statement_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	r, err := c.PgConn().Exec(ctx, "select range from range(1000)").ReadAll()
	if err != nil || len(r[0].Rows) != 1000 {
		t.Errorf("exactly the limit: %v", err)
	}
	// A message over the limit ends the connection, with the reason.
	if _, err := c.PgConn().Exec(ctx, "select '"+strings.Repeat("x", 5<<20)+"'").ReadAll(); stateOf(err) != "54000" && !c.IsClosed() {
		t.Errorf("5 MB of SQL: %v", err)
	}
}

// endless runs until it is stopped.
const endless = "select count(*) from range(10000000) a, range(10000000) b where (a.range + b.range) % 7 = 3"

func TestCancel(t *testing.T) {
	e := serve(t, duckstore.Limits{Time: time.Hour}, nil)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeCacheStatement} {
		c := e.connect(t, "")
		begun := make(chan error, 1)
		go func() {
			_, err := c.Exec(context.Background(), endless, mode)
			begun <- err
		}()
		// The request comes again until a query runs that it can end.
		for ended := false; !ended; {
			must(t, c.PgConn().CancelRequest(context.Background()))
			select {
			case err := <-begun:
				if ended = true; stateOf(err) != "57014" {
					t.Errorf("%v: %v", mode, err)
				}
			case <-time.After(20 * time.Millisecond):
			}
		}
		var one int
		if err := c.QueryRow(context.Background(), "select 1").Scan(&one); err != nil {
			t.Errorf("after it: %v", err)
		}
	}
	if n := e.server.Counts().Queries["cancelled"]; n != 2 {
		t.Errorf("%d cancelled", n)
	}
}

// TestGone: the query of a client that has gone is ended, which frees its place.
func TestGone(t *testing.T) {
	e := serve(t, duckstore.Limits{Time: time.Hour}, nil)
	for i := range 4 { // more than run at once
		c, err := pgx.Connect(context.Background(), e.url(e.read, ""))
		must(t, err)
		go func() { _, _ = c.PgConn().Exec(context.Background(), endless).ReadAll() }()
		within(t, func() bool { return strings.Count(e.recorded(), "bi query") > i })
		_ = c.PgConn().Conn().Close()
	}
	c := e.connect(t, "")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var n int64
	if err := c.QueryRow(ctx, "select count(*) from orders").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

// within waits for something that another goroutine brings about.
func within(t testing.TB, what func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !what(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}
