package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/app"
	"clientele/internal/audit"
	"clientele/internal/backup"
	"clientele/internal/config"
	"clientele/internal/door"
	"clientele/internal/exporter"
	"clientele/internal/importer"
	"clientele/internal/token"
)

// This file is the one place where the command line touches internal/app.

// platform is the whole program, opened and running in this process.
type platform struct {
	cfg  config.Config
	app  *app.App
	stop context.CancelFunc
	done chan struct{}
	err  error             // of Run; to be read when done is closed
	cert *door.Certificate // nil without TLS
	log  *slog.Logger
}

// openPlatform opens the data directory and starts what runs in it. ctx bounds the opening
// only: Close ends the rest. rules puts the configuration's rules in force; serves has exports
// carried out that are due.
func openPlatform(ctx context.Context, cfg config.Config, log *slog.Logger, rules, serves bool, reload func() (config.Config, error)) (*platform, error) {
	a, err := app.Open(ctx, cfg, app.Options{Log: log, Version: version, KeepRules: !rules, Serves: serves, Reload: reload})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &platform{cfg: cfg, app: a, stop: stop, done: make(chan struct{}), log: log}
	go func() {
		defer close(p.done)
		if err := a.Run(running); err != nil && !errors.Is(err, context.Canceled) {
			p.err = err
		}
	}()
	return p, nil
}

// Close stops everything and waits for it.
func (p *platform) Close() error {
	p.stop()
	<-p.done
	return errors.Join(p.err, p.app.Close())
}

// reload reads configuration and certificate again. What is wrong is logged, and nothing is changed then.
func (p *platform) reload(ctx context.Context) {
	_, err := p.app.Reload(ctx)
	if recorded := p.acted("reload", "", err); recorded != nil && err == nil {
		p.log.Error("reload", "error", recorded.Error())
	}
	if p.cert != nil {
		if err := p.cert.Reload(); err != nil {
			p.log.Error("reload: the old certificate stays", "error", err.Error(), "hint", clientele.ErrorHint(err))
		}
	}
}

// Settle returns when everything in the log is resolved and in the tables.
func (p *platform) Settle(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// When Run ends early nothing would ever settle.
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := p.app.Settle(ctx)
	select {
	case <-p.done: // Close tells why
		return clientele.Errorf(clientele.Unavailable, "the resolver has stopped")
	default:
		return err
	}
}

func (p *platform) handler() http.Handler { return p.app.Handler() }

func (p *platform) door() *door.Door { return p.app.Door() }

func (p *platform) tokens() *token.Store { return p.app.Tokens() }

// checkPlans says what is wrong with the configuration's plans and transform rules.
func checkPlans(cfg config.Config) error { return app.CheckPlans(cfg) }

// parquet reads Parquet files without the data directory.
func parquet() importer.ParquetReader { return app.Parquet() }

func rebuild(ctx context.Context, cfg config.Config, log *slog.Logger, progress func(done, total clientele.Position)) error {
	err := app.Rebuild(ctx, cfg, app.Options{Log: log, Version: version}, progress)
	if clientele.ErrorCode(err) == clientele.Conflict { // another process has it, its audit log too
		return err
	}
	return recordAct(cfg, "rebuild", "", err)
}

// operator is who decides when a command runs without a server.
const operator = "cli"

// acted records what a command did without a server: what cannot be recorded is not answered.
func (p *platform) acted(act, target string, err error) error {
	if unrecorded := p.app.Audit().Record(audit.Record{By: operator, Act: act, Target: target, Outcome: outcomeOf(err)}, false); unrecorded != nil {
		return unrecorded
	}
	return err
}

// about is how an identifier stands in the audit log.
func (p *platform) about(id clientele.Identifier) string {
	if id.Namespace == "id" {
		return api.AuditTarget(p.app.Audit(), id.Value)
	}
	return p.app.Audit().Hash(string(id.Namespace) + ":" + id.Value)
}

// recordAct records an act on a data directory that nobody holds.
func recordAct(cfg config.Config, act, target string, err error) error {
	if existing(cfg.Data) != nil { // nothing was done
		return err
	}
	l, failed := openAudit(cfg)
	if failed != nil {
		return errors.Join(err, failed)
	}
	return errors.Join(err, l.Record(audit.Record{By: operator, Act: act, Target: target, Outcome: outcomeOf(err)}, true), l.Close())
}

func (p *platform) Profile(ctx context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	v, err := p.app.Profile(ctx, id, explain)
	return v, p.acted("get-profile", p.about(id), err)
}

func (p *platform) Events(ctx context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error) {
	v, next, err := p.app.Events(ctx, id, limit, cursor)
	return v, next, p.acted("list-profile-events", p.about(id), err)
}

func (p *platform) Identity(ctx context.Context, id clientele.Identifier) (*clientele.IdentityView, error) {
	v, err := p.app.Identity(ctx, id)
	return v, p.acted("get-profile-identity", p.about(id), err)
}

func (p *platform) Merge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	v, err := p.app.Merge(ctx, operator, req)
	return v, p.acted("merge-profiles", api.AuditTarget(p.app.Audit(), req.Profile), err)
}

func (p *platform) Unmerge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	v, err := p.app.Unmerge(ctx, operator, req)
	return v, p.acted("unmerge-profiles", api.AuditTarget(p.app.Audit(), req.Profile), err)
}

func (p *platform) Simulate(ctx context.Context, rules clientele.IdentityRules, sample int) (*clientele.Simulation, error) {
	return p.app.Simulate(ctx, rules, sample)
}

func (p *platform) IdentityHealth(ctx context.Context) (*clientele.IdentityHealth, error) {
	return p.app.IdentityHealth(ctx)
}

func (p *platform) Query(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error) {
	if maxRows <= 0 || maxRows > p.cfg.Query.MaxRows {
		maxRows = p.cfg.Query.MaxRows
	}
	v, err := p.app.Query(ctx, sql, params, maxRows)
	return v, p.acted("query", p.app.Audit().Hash(sql), err)
}

func (p *platform) FindQuarantined(ctx context.Context, q clientele.QuarantineQuery, limit int, cursor string) ([]clientele.Quarantined, string, error) {
	v, next, err := p.app.Quarantine(ctx, q, limit, cursor)
	return v, next, p.acted("list-quarantine", "", err)
}

func (p *platform) ReplayFound(ctx context.Context, q clientele.QuarantineQuery) (int, error) {
	n, err := p.app.ReplayFound(ctx, operator, q)
	return n, p.acted("replay-quarantine", "", err)
}

func (p *platform) Replay(ctx context.Context, ids []string) (int, error) {
	v, err := p.app.Replay(ctx, operator, ids)
	return v, p.acted("replay-quarantine", "", err)
}

func (p *platform) Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	v, err := p.app.Import(ctx, source, kind, records)
	return v, p.acted("import", p.app.Audit().Hash("source:"+source), err)
}

func (p *platform) Status(ctx context.Context) (*clientele.Status, error) { return p.app.Status(ctx) }

func (p *platform) Digests(ctx context.Context) (map[string]string, error) { return p.app.Digests(ctx) }

func (p *platform) StartBackup(ctx context.Context, out string) (*clientele.BackupStatus, error) {
	if err := p.acted("start-backup", "", p.app.StartBackup(ctx, out)); err != nil {
		return nil, err
	}
	return p.app.BackupStatus(ctx)
}

func (p *platform) Backup(ctx context.Context) (*clientele.BackupStatus, error) {
	return p.app.BackupStatus(ctx)
}

// restoreBackup verifies a backup and, unless it is only to be checked, puts it into the data directory.
func restoreBackup(ctx context.Context, cfg config.Config, from string, check, force bool, log *slog.Logger, progress func(done, total int64)) (*backup.Manifest, error) {
	if check {
		return app.VerifyBackup(ctx, from, progress)
	}
	m, err := app.Restore(ctx, cfg, from, app.Options{Log: log, Version: version}, app.RestoreOptions{Force: force, Progress: progress})
	if err != nil {
		return nil, err
	}
	return m, recordAct(cfg, "restore", "", nil)
}

// objectsOf reads objects for imports.
func objectsOf(cfg config.Config) importer.Objects { return app.Objects(cfg.S3) }

// exportPlace is where this user exports to.
func exportPlace(cfg config.Config, to string) (exporter.Place, error) {
	return app.ExportPlace(cfg.S3, to)
}

func (p *platform) Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error {
	return p.app.ExportRows(ctx, operator, sel, head, page)
}

func (p *platform) Exports(ctx context.Context, limit int, cursor string) ([]clientele.Export, []clientele.ScheduledExport, string, error) {
	items, next, err := p.app.Exports(ctx, limit, cursor)
	return items, p.app.ScheduledExports(), next, err
}

func (p *platform) StartExport(context.Context, clientele.ExportRequest) (*clientele.Export, error) {
	return nil, clientele.Errorf(clientele.Unavailable, "no server holds the data directory").WithHint("clientele serve carries exports out; clientele export --out writes one itself")
}

func (p *platform) CancelExport(ctx context.Context, id string) (*clientele.Export, error) {
	return p.app.CancelExport(ctx, id)
}

// lastBackup is the last backup of a data directory that is noted there.
func lastBackup(data string) (clientele.BackupStatus, bool) { return app.LastBackup(data) }

func (p *platform) Erase(ctx context.Context, req clientele.EraseRequest) (*clientele.EraseResult, error) {
	v, err := p.app.Erase(ctx, operator, req)
	return v, p.acted("erase-profile", p.about(clientele.Identifier{Namespace: req.Namespace, Value: req.Value}), err)
}

func (p *platform) Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error) {
	v, err := p.app.Access(ctx, id)
	return v, p.acted("access-profile", p.about(id), err)
}

func (p *platform) AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error) {
	v, err := p.app.AccessPage(ctx, id)
	return v, p.acted("access-profile", p.about(id), err)
}

// servePostgres answers PostgreSQL's protocol on the listener until stop is called, which waits for
// its end and says how it ended. failed gives an error before that.
func (p *platform) servePostgres(ln net.Listener) (failed <-chan error, stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended, failing := make(chan error, 1), make(chan error, 1)
	var config *tls.Config
	if p.cert != nil {
		config = p.cert.Config()
	}
	go func() {
		err := p.app.ServePostgres(ctx, ln, config)
		if err != nil {
			failing <- err
		}
		ended <- err
	}()
	return failing, func() error {
		cancel()
		return <-ended
	}
}
