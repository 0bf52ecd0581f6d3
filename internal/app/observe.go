package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/config"
	"clientele/internal/observe"
	"clientele/internal/resolve"
	"clientele/internal/token"
)

// This file puts what the parts say into the words of package observe: the parts know nothing of it.

// newObserver makes the observer. A command that only reads leaves no traces.
func newObserver(cfg config.Config, o Options) (*observe.Observer, error) {
	names := make([]string, len(cfg.Sources))
	for i, s := range cfg.Sources {
		names[i] = s.Name
	}
	oo := observe.Options{Version: o.Version, Sources: names, Log: o.Log}
	if t := cfg.Telemetry.Traces; !o.KeepRules {
		oo.Traces = observe.Traces{Endpoint: t.Endpoint, Headers: t.Headers, Service: t.Service, Sample: float64(t.Sample)}
	}
	return observe.New(oo)
}

// lookInside adds the routes that show the program's inside.
func (a *App) lookInside(mux *http.ServeMux) {
	a.observer.Read(a.state)
	mux.Handle("GET /metrics", a.metrics())
	mux.Handle("/debug/pprof/", api.Guard(a.tokens, token.Admin, observe.Profiles()))
}

// metrics is open to whom telemetry.metrics says.
func (a *App) metrics() http.Handler {
	open := a.observer.Metrics()
	guarded := api.Guard(a.tokens, token.Read, open)
	local := loopback(a.cfg.Listen)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case a.cfg.Telemetry.Metrics == config.MetricsOpen, a.cfg.Telemetry.Metrics == config.MetricsAuto && local && !forwarded(r.Header):
			open.ServeHTTP(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

// loopback says whether an address can be reached from this machine alone.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// forwarded says whether a proxy has passed the request on: who sent it is then not on this machine.
func forwarded(h http.Header) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// state is everything that is read for a scrape.
func (a *App) state(ctx context.Context) observe.State {
	problems := len(a.trouble.list()) + len(a.standing())
	s := observe.State{Ready: a.ready.Load(), Problems: problems, Log: a.logState(), Resolve: a.resolveState(ctx), Columns: a.columnsState(), Rows: a.rowsState(),
		Archive: observe.ArchiveState{Last: float64(a.archive.Last()), Bytes: float64(a.archive.Size())}, Exports: a.exportsState(), Postgres: a.postgresState()}
	if s.Log.Full {
		s.Problems++ // as in Status
	}
	for r, n := range a.collect.Refusals() {
		s.CollectRefusals = append(s.CollectRefusals, observe.Refusal{Where: r.Endpoint, Reason: string(r.Code), Count: n})
	}
	for r, n := range a.hooks.Refusals() {
		s.WebhookRefusals = append(s.WebhookRefusals, observe.Refusal{Where: r.Source, Reason: string(r.Code), Count: n})
	}
	d := a.door.Counts()
	s.Door = observe.DoorState{Open: float64(d.Open), Max: float64(d.Max), BodyBytes: float64(d.Bodies)}
	for reason, n := range d.Closed {
		s.DoorClosed = append(s.DoorClosed, observe.Refusal{Reason: string(reason), Count: n})
	}
	return s
}

func (a *App) logState() observe.LogState {
	l := a.log.Status()
	s := observe.LogState{First: float64(l.First), Last: float64(l.Last), Bytes: float64(l.Bytes), MaxBytes: float64(l.MaxBytes), Full: l.Full,
		Restarts: float64(a.log.Restarts()), LostRanges: float64(len(a.log.Damage().Gaps)), Free: observe.Unknown()}
	if free, known := a.log.Free(); known {
		s.Free = float64(free)
	}
	return s
}

func (a *App) resolveState(ctx context.Context) observe.ResolveState {
	position := clientele.Position(a.resolved.get())
	u := observe.Unknown()
	s := observe.ResolveState{Position: float64(position), Lag: float64(behind(uint64(a.log.Last()), uint64(position))), LagSeconds: a.oldestWaits(ctx, position), LateSeconds: float64(a.memberships().LateMS) / 1000,
		Quarantine: u, Profiles: u, Identifiers: u, Evidence: u, BlockedMerges: u, BlockedIdentifiers: u, Merges: u, Unmerges: u}
	v, err := a.view()
	if err != nil {
		return s // the store is closed: what is known is shown
	}
	defer v.Close()
	if totals, err := resolve.LoadTotals(v); err == nil {
		s.Quarantine = float64(totals.Quarantined)
	}
	g := v.graph.Count()
	s.Profiles, s.Evidence, s.BlockedMerges, s.BlockedIdentifiers = float64(g.Profiles), float64(g.Evidence), float64(g.Refused), float64(g.Generic)
	s.Merges, s.Unmerges, s.Identifiers = float64(g.Merges), float64(g.Unmerges), 0
	for _, n := range g.ByNS {
		s.Identifiers += float64(n)
	}
	return s
}

// oldestWaits is the age in seconds of the oldest record behind the position; 0 when there is none.
func (a *App) oldestWaits(ctx context.Context, resolved clientele.Position) float64 {
	if a.log.Last() <= resolved {
		return 0
	}
	f, err := a.frame(ctx, resolved+1)
	if err != nil || len(f.Records) == 0 {
		return observe.Unknown()
	}
	if clientele.Position(a.resolved.get()) > resolved { // it has caught up meanwhile
		return 0
	}
	return max(0, a.o.Now().Sub(f.Records[0].ReceivedAt.Time()).Seconds())
}

func (a *App) columnsState() observe.ColumnsState {
	commit, applied := a.committed.get(), a.applied.get()
	s := observe.ColumnsState{Commit: float64(applied), Lag: float64(behind(commit, applied)), Bytes: observe.Unknown(), WALBytes: 0}
	if since, waits := a.commits.behind(applied); waits {
		s.LagSeconds = time.Since(since).Seconds()
	}
	file := filepath.Join(a.cfg.Data, a.place, columnFile)
	if info, err := os.Stat(file); err == nil {
		s.Bytes = float64(info.Size())
	}
	if info, err := os.Stat(file + ".wal"); err == nil { // not there behind a checkpoint
		s.WALBytes = float64(info.Size())
	}
	return s
}

func (a *App) rowsState() observe.RowsState {
	r, err := a.rows.Stats()
	if err != nil {
		return observe.UnknownRows()
	}
	return observe.RowsState{Commit: float64(r.Commit), Bytes: float64(r.DiskBytes), WALBytes: float64(r.WALBytes), MemTableBytes: float64(r.MemTableBytes),
		CacheBytes: float64(r.CacheBytes), CacheHits: float64(r.CacheHits), CacheMisses: float64(r.CacheMisses), CompactionDebt: float64(r.CompactionDebt),
		ReadAmplification: float64(r.ReadAmplification), Compactions: float64(r.Compactions), Flushes: float64(r.Flushes),
		BytesIn: float64(r.BytesIn), BytesOut: float64(r.BytesOut)}
}

// outcomesOf are what became of records, since the beginning. What was replayed has been in
// quarantine before.
func outcomesOf(t resolve.Totals) observe.Outcomes {
	out := observe.Outcomes{Events: t.Events, Commands: t.Commands, Duplicates: t.Duplicates, Quarantined: t.Quarantined + t.Replayed - t.Returned, Replayed: t.Replayed,
		Filtered: t.Filtered, Dropped: t.Dropped + t.Returned, Violations: t.Violations}
	for _, n := range t.Rows {
		out.Rows += n
	}
	return out
}

// roundOf is what a micro-batch of the resolver was.
func roundOf(batch []resolve.Decoded, err error) observe.Round {
	r := observe.Round{Err: err}
	for i := range batch {
		r.Size += len(batch[i].Records)
	}
	if len(batch) > 0 {
		r.From, r.To = uint64(batch[0].Position), uint64(batch[len(batch)-1].Position)
	}
	return r
}

// rowsOf is how many rows of tables the changes hold.
func rowsOf(changes []clientele.Change) int {
	n := 0
	for i := range changes {
		for _, t := range changes[i].Tables {
			n += len(t.Insert) + len(t.Upsert) + len(t.Delete)
		}
	}
	return n
}

// maxCommitTimes is how many commits have their time remembered: behind more than these the
// lag is said too small, and still grows.
const maxCommitTimes = 1024

// commitTimes remembers when change sets were committed, until they are in the column store.
type commitTimes struct {
	mu   sync.Mutex
	list []commitTime
}

type commitTime struct {
	commit uint64
	at     time.Time
}

func (c *commitTimes) add(commit uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) > 0 && c.list[len(c.list)-1].commit == commit {
		return // a batch that changed nothing
	}
	if len(c.list) == maxCommitTimes { // the oldest stays: it says how late it is
		c.list = append(c.list[:1], c.list[2:]...)
	}
	c.list = append(c.list, commitTime{commit, time.Now()})
}

// behind is when the oldest change set was committed that is above applied; false for none.
func (c *commitTimes) behind(applied uint64) (since time.Time, waits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.list) > 0 && c.list[0].commit <= applied {
		c.list = c.list[1:]
	}
	if len(c.list) == 0 {
		return time.Time{}, false
	}
	return c.list[0].at, true
}
