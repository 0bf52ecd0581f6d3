package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"clientele"
	"clientele/internal/audit"
	"clientele/internal/observe"
	"clientele/internal/pgwire"
	"clientele/internal/ratelimit"
	"clientele/internal/store/duckstore"
)

var (
	_ pgwire.Engine    = columnsEngine{}
	_ pgwire.Catalogue = catalogueEngine{}
)

// columnsEngine answers BI tools from the column store as the API's queries are answered.
type columnsEngine struct{ a *App }

func (e columnsEngine) limits() duckstore.Limits {
	return duckstore.Limits{Rows: e.a.cfg.Query.MaxRows, Time: time.Duration(e.a.cfg.Query.Timeout)}
}

func (e columnsEngine) Describe(ctx context.Context, text string, declared []string) ([]clientele.QueryColumn, []string, error) {
	return e.a.columns.Describe(ctx, text, declared)
}

// Stream runs in a goroutine of the caller's, which nothing else uses.
func (e columnsEngine) Stream(ctx context.Context, text string, params []any, head func([]clientele.QueryColumn) error, row func([]any) error) (bool, error) {
	aside(niceness["sql"])
	cut, err := e.a.columns.Stream(ctx, text, params, e.limits(), head, row)
	if err == nil {
		e.a.reads.NoteSQL(text, clientele.MicrosOf(e.a.o.Now()))
	}
	return cut, err
}

// catalogueEngine answers what clients ask of PostgreSQL's catalogue.
type catalogueEngine struct{ *duckstore.Scratch }

func (e catalogueEngine) Stream(ctx context.Context, text string, params []any, head func([]clientele.QueryColumn) error, row func([]any) error) (bool, error) {
	return e.Scratch.Stream(ctx, text, params, duckstore.Limits{Time: catalogueTime, Rows: 100_000}, head, row)
}

const catalogueTime = 10 * time.Second

// ServePostgres answers PostgreSQL's protocol on the listener until the context ends. config is nil where
// the server has no TLS.
func (a *App) ServePostgres(ctx context.Context, ln net.Listener, config *tls.Config) error {
	ddl, rules := pgwire.Catalog()
	catalogue, err := duckstore.OpenScratch(ctx, ddl, rules)
	if err != nil {
		return fmt.Errorf("pg_listen: %w", err)
	}
	s := pgwire.New(pgwire.Options{Data: columnsEngine{a}, Tables: a.columns.Tables, Catalogue: catalogueEngine{catalogue}, Tokens: a.tokens, TLS: config,
		MaxConnections: a.cfg.PGClients, Log: a.o.Log,
		Allow: func(name string) time.Duration { return a.limits.apiToken.Take(name, a.o.Now()) },
		AllowAddress: func(host string) time.Duration {
			if a.live.Load().cfg.API.AddressRateLimit == 0 {
				return 0
			}
			return a.limits.apiAddress.Take(ratelimit.Client(host), a.o.Now())
		},
		Record: a.recordBI})
	a.postgres.Store(s)
	defer a.postgres.Store(nil)
	served := s.Serve(ctx, ln)
	if err := catalogue.Close(); served == nil {
		served = err
	}
	return served
}

// recordBI keeps what was asked as the API does: the text as a keyed hash, and without waiting for the disk.
func (a *App) recordBI(by, act, sql string, err error) error {
	r := audit.Record{By: by, Act: act, Outcome: "ok"}
	if err != nil {
		r.Outcome = string(clientele.ErrorCode(err))
	}
	if sql != "" {
		r.Target = a.audit.Hash(sql)
	}
	return a.audit.Record(r, false)
}

func (a *App) postgresState() observe.PostgresState {
	s := a.postgres.Load()
	if s == nil {
		return observe.PostgresState{}
	}
	c := s.Counts()
	return observe.PostgresState{Connections: float64(c.Connections), Max: float64(c.MaxConnections), Rows: float64(c.Rows), Bytes: float64(c.Bytes), Logins: c.Logins, Queries: c.Queries}
}
