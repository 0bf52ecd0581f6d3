package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"clientele"
	"clientele/client"
	"clientele/internal/config"
	"clientele/internal/token"
)

// backend is what a command works with: a server, or the data directory opened here.
type backend interface {
	Profile(ctx context.Context, id clientele.Identifier, explain bool) (*clientele.Profile, error)
	Events(ctx context.Context, id clientele.Identifier, limit int, cursor string) ([]clientele.Event, string, error)
	Identity(ctx context.Context, id clientele.Identifier) (*clientele.IdentityView, error)
	Merge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error)
	Unmerge(ctx context.Context, req clientele.MergeRequest) (*clientele.MergeResult, error)
	Simulate(ctx context.Context, rules clientele.IdentityRules, sample int) (*clientele.Simulation, error)
	IdentityHealth(ctx context.Context) (*clientele.IdentityHealth, error)
	Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error)
	AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error)
	Erase(ctx context.Context, req clientele.EraseRequest) (*clientele.EraseResult, error)
	Query(ctx context.Context, sql string, params []any, maxRows int) (*clientele.QueryResult, error)
	qualityBackend
	audienceBackend
	lifecycleBackend
	matchingBackend
	enrichBackend
	savedBackend
	decideBackend
	recommendBackend
	retentionBackend
	requestBackend
	computedBackend
	modelBackend
	explorer
	FindQuarantined(ctx context.Context, q clientele.QuarantineQuery, limit int, cursor string) ([]clientele.Quarantined, string, error)
	ReplayFound(ctx context.Context, q clientele.QuarantineQuery) (int, error)
	Replay(ctx context.Context, ids []string) (int, error)
	Import(ctx context.Context, source string, kind clientele.Kind, records []clientele.Record) (*clientele.ImportResult, error)
	Export(ctx context.Context, sel clientele.Selection, head func(clientele.ExportHead) error, page func(clientele.ExportPage) error) error
	Exports(ctx context.Context, limit int, cursor string) ([]clientele.Export, []clientele.ScheduledExport, string, error)
	StartExport(ctx context.Context, req clientele.ExportRequest) (*clientele.Export, error)
	CancelExport(ctx context.Context, id string) (*clientele.Export, error)
	Status(ctx context.Context) (*clientele.Status, error)
	Digests(ctx context.Context) (map[string]string, error)
	// StartBackup begins a backup; Backup is how it goes.
	StartBackup(ctx context.Context, out string) (*clientele.BackupStatus, error)
	Backup(ctx context.Context) (*clientele.BackupStatus, error)
	// Settle returns when everything that was in the log at the call is in the tables.
	Settle(ctx context.Context) error
	Close() error
}

// remote is a server.
type remote struct{ *client.Client }

func (r remote) Close() error {
	r.Client.Close()
	return nil
}

func (r remote) Settle(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var goal clientele.Position
	for first := true; ; first = false {
		s, err := r.Status(ctx)
		if err != nil {
			return err
		}
		if first {
			goal = s.Log.Last
		}
		if s.Resolver.Error != "" || s.Columns.Error != "" {
			return clientele.Errorf(clientele.Unavailable, "the server has stopped resolving").WithHint("clientele status says why")
		}
		if s.Resolver.Position >= goal && s.Columns.Lag == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return clientele.Errorf(clientele.Unavailable, "settle: %w", ctx.Err())
		}
	}
}

// with calls do with the server of --server, else with the one that holds the data directory,
// else with the directory itself, settled.
func (c *cli) with(ctx context.Context, do func(context.Context, backend) error) (err error) {
	b, err := c.connect(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if p, ok := b.(*platform); ok {
		if err := p.Settle(ctx); err != nil {
			return err
		}
	}
	return do(ctx, b)
}

// connect opens a data directory that is not there only when create says so.
func (c *cli) connect(ctx context.Context, create bool) (backend, error) {
	if c.server != "" {
		return c.remote()
	}
	cfg, err := c.validConfig()
	if err != nil {
		return nil, err
	}
	if r, ok := liveServer(ctx, cfg.Data); ok {
		return r, nil
	}
	if !create {
		if err := existing(cfg.Data); err != nil {
			return nil, err
		}
	}
	return openLocal(ctx, cfg, c.log(slog.LevelWarn), c.configPath != "")
}

// openLocal opens the data directory in this process. The rules in force there stay, unless a
// configuration was named.
func openLocal(ctx context.Context, cfg config.Config, log *slog.Logger, rules bool) (backend, error) {
	p, err := openPlatform(ctx, cfg, log, rules, false, nil)
	if err != nil {
		return nil, err // not p: a nil platform is no nil backend
	}
	return p, nil
}

func (c *cli) remote() (backend, error) {
	secret, _ := c.env("CLIENTELE_TOKEN")
	if secret == "" {
		return nil, clientele.Errorf(clientele.Unknown, "a token for the server is missing").
			WithHint("put one into CLIENTELE_TOKEN; on the server: clientele token create NAME --scope read")
	}
	r, err := client.New(c.server, secret)
	if err != nil {
		return nil, &usageError{err.(*clientele.Error)}
	}
	return remote{r}, nil
}

// liveServer is the server that holds the directory, if one answers where server.json says and
// is the one that wrote it.
func liveServer(ctx context.Context, dir string) (remote, bool) {
	f, ok := token.ReadServerFile(dir)
	if !ok {
		return remote{}, false
	}
	r, err := client.New(f.Address, f.Token)
	if err != nil {
		return remote{}, false
	}
	var pinned []byte
	if f.Cert != "" {
		if pinned, err = os.ReadFile(f.Cert); err != nil || r.Pin(pinned) != nil {
			return remote{}, false
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	anonymous, err := client.New(f.Address, "") // the token goes to nobody else
	if err != nil {
		return remote{}, false
	}
	defer anonymous.Close()
	if pinned != nil && anonymous.Pin(pinned) != nil {
		return remote{}, false
	}
	if instance, err := anonymous.Health(ctx); err != nil || instance != f.Instance {
		return remote{}, false
	}
	return remote{r}, true
}

// existing says whether a data directory is there: reading commands do not make one.
func existing(dir string) error {
	st, err := os.Stat(dir)
	if err != nil || !st.IsDir() {
		return clientele.Errorf(clientele.NotFound, "there is no data directory %s", dir).
			WithHint("clientele serve or clientele import makes it; another one is named with --data")
	}
	return nil
}
