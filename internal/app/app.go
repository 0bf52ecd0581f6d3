// Package app is the program: it opens every part, runs the stages and closes them. It is the
// only place that knows everything.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/archive"
	"clientele/internal/audience/preview"
	"clientele/internal/audit"
	"clientele/internal/collect"
	"clientele/internal/config"
	"clientele/internal/console"
	"clientele/internal/door"
	"clientele/internal/eventlog"
	"clientele/internal/exporter"
	"clientele/internal/identity"
	"clientele/internal/importer"
	"clientele/internal/observe"
	"clientele/internal/pgwire"
	"clientele/internal/privacy"
	"clientele/internal/quality"
	"clientele/internal/rawzstd"
	"clientele/internal/resolve"
	"clientele/internal/role"
	"clientele/internal/sourcebook"
	"clientele/internal/store/duckstore"
	"clientele/internal/store/pebblestore"
	"clientele/internal/token"
	"clientele/internal/watch"
	"clientele/internal/webhook"
)

// Guards: the parts fit the interfaces that their users declare.
var (
	_ clientele.RowStore     = (*pebblestore.Store)(nil)
	_ collect.Appender       = (*eventlog.Log)(nil)
	_ webhook.Appender       = (*eventlog.Log)(nil)
	_ observe.Appender       = (*eventlog.Log)(nil)
	_ webhook.Mapper         = (*importer.Documents)(nil)
	_ archive.Log            = (*eventlog.Log)(nil)
	_ api.Tokens             = (*token.Store)(nil)
	_ importer.ParquetReader = duckstore.ParquetFiles{}
	_ api.Exports            = (*App)(nil)
	_ api.Profiles           = (*App)(nil)
	_ api.Identity           = (*App)(nil)
	_ api.Querier            = (*App)(nil)
	_ api.Explorer           = (*App)(nil)
	_ api.Quarantine         = (*App)(nil)
	_ api.Importer           = (*App)(nil)
	_ api.Stater             = (*App)(nil)
	_ api.Backups            = (*App)(nil)
	_ api.Audit              = (*audit.Log)(nil)
	_ api.Plans              = (*App)(nil)
	_ api.Quality            = (*App)(nil)
	_ api.Reloader           = (*App)(nil)
)

// Options are what the configuration does not say.
type Options struct {
	Log     *slog.Logger
	Version string
	Now     func() time.Time // nil = time.Now
	// KeepRules leaves the identity and trait rules of the data directory in force, where there
	// are some, whatever the configuration says: a command that only reads must not regroup people.
	KeepRules bool
	// Reload reads the configuration again; nil: Reload is Unavailable.
	Reload func() (config.Config, error)
	// Serves has exports carried out that are asked for or due, and the API in Handler: a command that opens
	// the directory for a moment has none of it.
	Serves bool
	// Plain has every store keep its bytes without compression, for tests that look for bytes.
	Plain bool
}

// App is the open program. Run must run for anything to be resolved.
type App struct {
	cfg     config.Config
	o       Options
	started time.Time
	lock    *os.File

	log     *eventlog.Log
	archive *archive.Archive
	rows    *pebblestore.Store
	columns *duckstore.Store
	tokens  *token.Store
	// personal are the fields that some roles do not see.
	personal *role.Personal
	made     *sourcebook.Book // sources made over the API
	door     *door.Door
	hooks    *webhook.Handler
	ledger   *exporter.Ledger
	exports  *exporter.Service
	handler  http.Handler

	observer *observe.Observer
	imports  *observe.Intake // the log as imports over the API see it
	collect  *collect.Handler
	place    string // of row store and column store in the data directory
	commits  commitTimes
	domain   atomic.Int64 // the domain's clock: the latest received time of what is resolved, in microseconds
	dueAt    atomic.Int64 // when by that clock a tick has something to do; 0 for never
	windowAt atomic.Int64 // when by that clock time alone may next change a membership; 0 for never

	ruled plansAndRules
	filed atomic.Pointer[segments] // audiences and lifecycle of the configuration
	reads *quality.Ledger
	rules *identity.Rules // of the configuration that it was started with

	resolved  progress // log position
	committed progress // commit number of the last change set
	applied   progress // commit number in the column store
	recent    recent
	watch     watch.Hub
	pulse     pulse
	failed    lastErrors
	trouble   troubles
	backups   backups
	audit     *audit.Log
	live      atomic.Pointer[live]
	postgres  atomic.Pointer[pgwire.Server] // nil while it does not serve
	previews  *preview.Engine
	names     names
	modeling  *modeling
	listing   sync.Mutex // one change of a list of an audience at a time
	failures  failures
	limits    limits
	reloading sync.Mutex
	// Held by who must not have the log or the outbox trimmed meanwhile: those who trim try again later.
	logTrim, outboxTrim sync.Mutex
	ready               atomic.Bool
	stored              resolve.RulesInForce
	computedBook        resolve.ComputedBooks
	percentiles         sync.Mutex // held while they are computed
	matching            sync.Mutex // held while a run of matching is made or ended
	online              online
	health              healths
	recommends          recommending
	decides             deciding
	inForce             atomic.Pointer[resolve.Rules] // of the resolver, for reading ahead
	register            *privacy.Book
	seal                func(parts ...string) clientele.Seal
	purging             sync.Mutex                   // one purge at a time
	jobs                chan func(*resolve.Resolver) // what is to be done between two micro-batches
	told                chan struct{}                // closed when the configuration's rules are in the log
}

// The places of a data directory.
const (
	logDir     = "log"            // the embedded log
	archiveDir = "archive"        // what has left it
	stateDir   = "state"          // what a rebuild makes anew:
	rowsDir    = "rows"           //   the row store
	columnFile = "columns.duckdb" //   the column store
	auditDir   = "audit"          // who did what
	readsFile  = "reads.json"     // when events and properties were last read
)

// Open opens the data directory, which it makes when it is not there. Conflict when another
// process has it.
func Open(ctx context.Context, cfg config.Config, o Options) (*App, error) {
	if o.Serves {
		promptly()
	}
	a, err := begin(cfg, o)
	if err != nil {
		return nil, err
	}
	if err = finishRestore(cfg.Data); err == nil {
		err = finishSwap(cfg.Data)
	}
	if err == nil {
		err = a.open(ctx, stateDir)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// begin checks the configuration and takes the lock of the data directory.
func begin(cfg config.Config, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &App{cfg: cfg, o: o, started: o.Now(), personal: role.NewPersonal(cfg.Privacy.Personal), decides: newDeciding()}
	var err error
	if a.rules, err = identity.NewRules(cfg.Identity); err != nil {
		return nil, err
	}
	a.inForce.Store(&resolve.Rules{Identity: a.rules}) // until the resolver knows better
	a.told, a.jobs, a.modeling = make(chan struct{}), make(chan func(*resolve.Resolver)), newModeling()
	a.health.want = make(chan struct{}, 1)
	if err := a.readRules(); err != nil {
		return nil, err
	}
	a.live.Store(newLive(cfg, nil))
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "data directory: %w", err).WithHint("choose another with --data")
	}
	a.lock, err = lockDir(cfg.Data)
	return a, err
}

func (a *App) open(ctx context.Context, state string) error {
	data := func(name ...string) string { return filepath.Join(append([]string{a.cfg.Data}, name...)...) }
	var err error
	if a.observer, err = newObserver(a.cfg, a.o); err != nil {
		return err
	}
	if err := os.MkdirAll(data(state), 0o700); err != nil {
		return clientele.Errorf(clientele.Unavailable, "data directory: %w", err)
	}
	a.place = state
	if err := a.openStores(ctx, data); err != nil {
		return err
	}
	keys, err := a.cfg.Secrets.Keys()
	if err != nil {
		return err
	}
	if a.made, err = sourcebook.Open(a.cfg.Data, keys); err != nil {
		return err
	}
	a.live.Store(newLive(a.cfg, a.made.List()))
	for _, s := range a.live.Load().sources {
		a.observer.KnowSource(s.Name)
	}
	if a.tokens, err = token.Open(a.cfg.Data, a.o.Now); err != nil {
		return fmt.Errorf("open tokens: %w", err)
	}
	if a.audit, err = audit.Open(data(auditDir), audit.Options{Now: a.o.Now, Keys: keys}); err != nil {
		return fmt.Errorf("open audit log: %w", err)
	}
	if a.reads, err = quality.OpenLedger(data(readsFile), clientele.MicrosOf(a.o.Now())); err != nil {
		return err
	}
	a.loadBackup()
	a.previews = preview.New(a.columns, 0)
	if err := a.openExports(); err != nil {
		return fmt.Errorf("open exports: %w", err)
	}
	if a.register, err = privacy.OpenBook(a.cfg.Data, keys); err != nil {
		return err
	}
	a.seal = resolve.NewSeal(a.register.Key())
	if err := a.enterErasures(); err != nil {
		return err
	}
	if err := a.positions(ctx); err != nil {
		return err
	}
	a.openOnline()
	a.handler, err = a.routes()
	return err
}

// openStores opens the stores beside each other: after a crash each has a log of its own to read again.
func (a *App) openStores(ctx context.Context, data func(...string) string) error {
	dir := a.cfg.Archive.Dir
	if dir == "" {
		dir = data(archiveDir)
	}
	open := []func() error{
		func() (err error) {
			a.log, err = eventlog.Open(ctx, eventlog.Options{Dir: data(logDir), URL: a.cfg.Log.URL, MaxBytes: int64(a.cfg.Log.MaxSize),
				Reserve: int64(a.cfg.Log.Reserve), Log: a.o.Log, Pack: a.pack()})
			return prefixed("open log", err)
		},
		func() (err error) {
			a.archive, err = archive.Open(dir)
			return prefixed("open archive", err)
		},
		func() (err error) {
			a.rows, err = pebblestore.Open(pebblestore.Options{Dir: data(a.place, rowsDir), MinFreeBytes: floor(int64(a.cfg.Log.Reserve) / 4), Log: a.o.Log,
				Background: func() { aside(niceness["rows"]) }, Plain: a.o.Plain})
			return prefixed("open rows", err)
		},
		func() (err error) {
			a.columns, err = duckstore.Open(ctx, duckstore.Options{Path: data(a.place, columnFile), Memory: int64(a.cfg.Columns.Memory), Threads: a.cfg.Columns.Threads,
				BaseCurrency: a.cfg.Currency.Base, Log: a.o.Log, Plain: a.o.Plain})
			return prefixed("open columns", err)
		},
	}
	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, f := range open {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	a.imports = a.observer.Intake("import", a.log)
	for _, err := range errs { // one is enough to read, in the order of the flow
		if err != nil {
			return err
		}
	}
	return nil
}

func prefixed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// pack is how frames are packed; nil = as the log does it.
func (a *App) pack() func(body, out []byte) []byte {
	if !a.o.Plain {
		return nil
	}
	return func(body, out []byte) []byte { return rawzstd.Append(out, body) }
}

// floor keeps the row store's own floor when the log's reserve asks for none.
func floor(n int64) int64 {
	if n <= 0 {
		return -1
	}
	return n
}

// positions finds out how far each part has come, and that they belong together.
func (a *App) positions(ctx context.Context) error {
	p, commit, err := a.rows.Position()
	if err != nil {
		return err
	}
	applied, _, err := a.columns.Position(ctx)
	if err != nil {
		return err
	}
	a.resolved.set(uint64(p))
	a.committed.set(commit)
	a.applied.set(applied)
	if applied < commit {
		a.commits.add(commit) // late since now at least
	}
	if applied > commit {
		return clientele.Errorf(clientele.Corrupt, "the column store is at commit %d, the row store at %d: they are not of one time", applied, commit).
			WithHint("run: clientele rebuild")
	}
	if d := a.log.Damage(); len(d.Gaps) > 0 {
		a.trouble.add("log", fmt.Sprintf("the log's files were damaged: %d ranges of positions are lost, the first from %d to %d", len(d.Gaps), d.Gaps[0].From, d.Gaps[0].To))
	}
	if last := max(p, a.archive.Last()); a.log.Last() < last {
		a.o.Log.Warn("the log ends before what was resolved; it goes on behind it", "log", a.log.Last(), "resolved", p)
		a.trouble.add("log", fmt.Sprintf("the log lost its end: it held positions up to %d, what was resolved goes to %d", a.log.Last(), last))
		return a.log.Raise(ctx, last)
	}
	return nil
}

// routes is the whole HTTP surface.
func (a *App) routes() (http.Handler, error) {
	proxies, err := door.ParseProxies(a.cfg.HTTP.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("http.trusted_proxies: %w", err)
	}
	a.door = door.New(door.Options{MaxConnections: a.cfg.HTTP.MaxConnections, BodyMemory: int64(a.cfg.HTTP.BodyMemory), Logger: a.o.Log, Context: api.WithRequest})
	mux := http.NewServeMux()
	if a.o.Serves { // to describe every request takes longer than many a command
		h, err := api.New(api.Options{Profiles: a, Identity: a, Query: a, Explore: a, Quarantine: a, Import: a, Status: a, Privacy: a, Plans: a, Audiences: a, Lifecycle: a, Saved: a, Recommend: a, Decide: a, Matching: a, Enriching: a, Quality: a, Computed: a, Models: a, Exports: a, Tokens: a.tokens, Users: a.tokens, Personal: a.personal, Work: a, Approval: a.cfg.Approval, Log: a.o.Log, Version: a.o.Version,
			Backups: a, Audit: a.audit, Reload: a, Live: a, Sources: a, Limit: a.limits.apiToken.Take,
			Now: a.o.Now, QueryTimeout: time.Duration(a.cfg.Query.Timeout), QueryMaxRows: a.cfg.Query.MaxRows})
		if err != nil {
			return nil, err
		}
		mux.Handle("/", h)
	}
	a.collect = collect.New(collect.Options{Log: a.observer.Intake("collect", a.log), Sources: func(key string) (collect.Source, bool) { s, ok := a.live.Load().keys[key]; return s, ok }, Now: a.o.Now, Logger: a.o.Log,
		ClientIP: door.ClientIP(proxies), PublicURL: a.cfg.Collect.PublicURL, SDKDir: a.cfg.Collect.SDKDir, Version: a.o.Version, RateLimit: a.cfg.Collect.RateLimit,
		EdgeKey: a.register.Key(), Personal: a})
	a.collect.Register(mux)
	hooks, err := webhooks(a.cfg.Sources)
	if err != nil {
		return nil, err
	}
	a.hooks, err = webhook.New(webhook.Options{Log: a.observer.Intake("webhook", a.log), Sources: hooks, Now: a.o.Now, Logger: a.o.Log})
	if err != nil {
		return nil, err
	}
	a.hooks.Register(mux)
	a.lookInside(mux)
	pages := console.New(console.Options{Tokens: a.tokens, Problem: api.WriteProblem, ClientIP: door.ClientIP(proxies), Record: a.recordSignIn, Log: a.o.Log, Now: a.o.Now})
	pages.Register(mux)
	a.setLimits(a.cfg)
	return a.observer.HTTP(a.limited(door.ClientIP(proxies), pages.Sessions(mux))), nil
}

// recordSignIn keeps that somebody has come in to the console.
func (a *App) recordSignIn(by string) error {
	return a.audit.Record(audit.Record{By: by, Act: "sign-in", Outcome: "ok"}, false)
}

// webhooks are the sources that other systems call, their mappings read.
func webhooks(sources []config.Source) ([]webhook.Source, error) {
	var out []webhook.Source
	for _, s := range sources {
		w := s.Webhook
		if w.Scheme == "" {
			continue
		}
		hook := webhook.Source{Name: s.Name, Event: w.Event, EventHeader: w.EventHeader, EventField: w.EventField, IDHeader: w.IDHeader, IDField: w.IDField,
			Signature: webhook.Signature{Scheme: webhook.Scheme(w.Scheme), Secrets: w.Secrets, Header: w.Header, Encoding: w.Encoding, Prefix: w.Prefix,
				Tolerance: time.Duration(w.Tolerance)}}
		if w.Mapping != "" {
			text, err := os.ReadFile(w.Mapping)
			if err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "source %s: webhook.mapping: %w", s.Name, err).WithHint("name a readable mapping file; a relative name begins where the server was started")
			}
			m, err := importer.ParseMapping(text)
			if err != nil {
				return nil, clientele.Errorf(clientele.Invalid, "source %s: %s: %w", s.Name, w.Mapping, err).WithHint("%s", clientele.ErrorHint(err))
			}
			if hook.Mapper, err = importer.NewDocuments(m, s.Name); err != nil {
				return nil, err
			}
		}
		out = append(out, hook)
	}
	return out, nil
}

// Door bounds what clients can hold of this machine: the server is made by it.
func (a *App) Door() *door.Door { return a.door }

// Handler serves collect and API.
func (a *App) Handler() http.Handler { return a.handler }

// Audit is the log of who did what.
func (a *App) Audit() *audit.Log { return a.audit }

// Tokens are the API's tokens.
func (a *App) Tokens() *token.Store { return a.tokens }

// Parquet reads Parquet files.
func Parquet() importer.ParquetReader { return duckstore.ParquetFiles{} }

// flushTime is how long the last traces may take to leave.
const flushTime = 3 * time.Second

// Close closes the stores; the log first, so that nothing more is acknowledged.
func (a *App) Close() error {
	var errs []error
	if a.log != nil {
		errs = append(errs, a.log.Close())
	}
	if a.reads != nil && a.rows != nil {
		errs = append(errs, a.flushReads())
	}
	if a.previews != nil {
		a.previews.Close()
	}
	if a.columns != nil {
		errs = append(errs, a.columns.Close())
	}
	if a.ledger != nil {
		errs = append(errs, a.ledger.Close())
	}
	if a.rows != nil {
		errs = append(errs, a.rows.Close())
	}
	if a.archive != nil {
		errs = append(errs, a.archive.Close())
	}
	if a.audit != nil {
		errs = append(errs, a.audit.Close())
	}
	if a.observer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		errs = append(errs, a.observer.Close(ctx))
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}

// source is what the resolver must know of a source. One that the configuration does not name
// came through an import by somebody with a write token.
func (a *App) source(name string) resolve.Source {
	if s, ok := a.live.Load().trust[name]; ok {
		return s
	}
	return resolve.Source{Trusted: true}
}
