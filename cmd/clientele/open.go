package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"clientele"
	"clientele/internal/app"
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
	err  error // of Run; to be read when done is closed
}

// openPlatform opens the data directory and starts what runs in it. ctx bounds the opening
// only: Close ends the rest. rules puts the configuration's rules in force; serves has exports
// carried out that are due.
func openPlatform(ctx context.Context, cfg config.Config, log *slog.Logger, rules, serves bool) (*platform, error) {
	a, err := app.Open(ctx, cfg, app.Options{Log: log, Version: version, KeepRules: !rules, Serves: serves})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &platform{cfg: cfg, app: a, stop: stop, done: make(chan struct{})}
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

// parquet reads Parquet files without the data directory.
func parquet() importer.ParquetReader { return app.Parquet() }

func rebuild(ctx context.Context, cfg config.Config, log *slog.Logger, progress func(done, total clientele.Position)) error {
	return app.Rebuild(ctx, cfg, app.Options{Log: log, Version: version}, progress)
}

// operator is who decides when a command runs without a server.
const operator = "cli"

func (p *platform) Profile(ctx context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error) {
	return p.app.Profile(ctx, id, explain)
}

func (p *platform) Events(ctx context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error) {
	return p.app.Events(ctx, id, limit, cursor)
}

func (p *platform) Identity(ctx context.Context, id clientele.Identifier) (*clientele.IdentityView, error) {
	return p.app.Identity(ctx, id)
}

func (p *platform) Merge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	return p.app.Merge(ctx, operator, req)
}

func (p *platform) Unmerge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	return p.app.Unmerge(ctx, operator, req)
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
	return p.app.Query(ctx, sql, params, maxRows)
}

func (p *platform) Quarantine(ctx context.Context, limit int, cursor string) ([]clientele.Quarantined, string, error) {
	return p.app.Quarantine(ctx, limit, cursor)
}

func (p *platform) Replay(ctx context.Context, ids []string) (int, error) {
	return p.app.Replay(ctx, operator, ids)
}

func (p *platform) Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error) {
	return p.app.Import(ctx, source, kind, records)
}

func (p *platform) Status(ctx context.Context) (*clientele.Status, error) { return p.app.Status(ctx) }

func (p *platform) Digests(ctx context.Context) (map[string]string, error) { return p.app.Digests(ctx) }

func (p *platform) StartBackup(ctx context.Context, out string) (*clientele.BackupStatus, error) {
	if err := p.app.StartBackup(ctx, out); err != nil {
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
	return app.Restore(ctx, cfg, from, app.Options{Log: log, Version: version}, app.RestoreOptions{Force: force, Progress: progress})
}

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
