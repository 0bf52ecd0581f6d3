package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"clientele"
	"clientele/client"
	"clientele/internal/api"
	"clientele/internal/audit"
	"clientele/internal/config"

	"github.com/spf13/cobra"
)

// auditLog is the audit log of a server, or that of a data directory which nobody holds.
type auditLog interface {
	Audit(ctx context.Context, f client.AuditFilter, limit int, cursor string) ([]client.AuditRecord, string, error)
	VerifyAudit(ctx context.Context) (*client.AuditReport, error)
	Close() error
}

func (c *cli) auditCommand() *cobra.Command {
	var f client.AuditFilter
	var limit int
	var asJSON, verify bool
	cmd := c.talks(c.command("audit [--by TOKEN] [--act ACT] [--person NAMESPACE:VALUE|ID] [--verify]", "Who did what and who looked at whom, the newest first",
		"audit --person email:ann@example.com", cobra.NoArgs, func(ctx context.Context, _ []string) (err error) {
			l, err := c.auditLog(ctx, f.Person != "")
			if err != nil {
				return err
			}
			defer func() {
				if closed := l.Close(); err == nil {
					err = closed
				}
			}()
			if verify {
				r, err := l.VerifyAudit(ctx)
				if err != nil {
					return err
				}
				c.printf("whole: records %d to %d\nhead %s\n", r.First, r.Last, r.Head)
				return nil
			}
			records, _, err := l.Audit(ctx, f, limit, "")
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.out, records)
			}
			t := rows("n", "at", "by", "act", "target", "outcome")
			for _, r := range records {
				t.add(strconv.FormatUint(r.N, 10), stamp(r.At), r.By, r.Act, r.Target, r.Outcome)
			}
			return c.sheet(t)
		}))
	cmd.Flags().StringVar(&f.By, "by", "", "only acts of this `TOKEN`")
	cmd.Flags().StringVar(&f.Act, "act", "", "only this `ACT`, such as get-profile")
	cmd.Flags().StringVar(&f.Person, "person", "", "only about this profile id or `NAMESPACE:VALUE`")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most, up to 1000")
	cmd.Flags().BoolVar(&verify, "verify", false, "read the whole log and say whether its chain is whole")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) auditLog(ctx context.Context, person bool) (auditLog, error) {
	if c.server != "" {
		b, err := c.remote()
		if err != nil {
			return nil, err
		}
		return b.(remote), nil
	}
	cfg, err := c.validConfig()
	if err != nil {
		return nil, err
	}
	if r, ok := liveServer(ctx, cfg.Data); ok {
		return r, nil
	}
	if err := existing(cfg.Data); err != nil {
		return nil, err
	}
	if person { // who somebody is, is in the stores
		p, err := openPlatform(ctx, cfg, c.log(slog.LevelWarn), false, false, nil)
		if err != nil {
			return nil, err
		}
		return auditFiles{p.app.Audit(), p}, p.Settle(ctx)
	}
	l, err := openAudit(cfg)
	if err != nil {
		return nil, err
	}
	return auditFiles{l, nil}, nil
}

func openAudit(cfg config.Config) (*audit.Log, error) {
	keys, err := cfg.Secrets.Keys()
	if err != nil {
		return nil, err
	}
	return audit.Open(filepath.Join(cfg.Data, "audit"), audit.Options{Now: time.Now, Keys: keys})
}

type auditFiles struct {
	*audit.Log
	platform *platform // that has it; nil when the log alone is open
}

func (l auditFiles) Close() error {
	if l.platform != nil {
		return l.platform.Close()
	}
	return l.Log.Close()
}

func (l auditFiles) Audit(ctx context.Context, f client.AuditFilter, limit int, _ string) ([]client.AuditRecord, string, error) {
	if limit < 1 || limit > 1000 {
		return nil, "", clientele.Errorf(clientele.Invalid, "--limit is from 1 to 1000")
	}
	filter := audit.Filter{By: f.By, Act: f.Act}
	if f.Person != "" {
		filter.Targets = api.AuditTargets(ctx, l.platform.app, l.Log, f.Person)
	}
	records, _, err := l.List(filter, 0, limit)
	out := make([]client.AuditRecord, len(records))
	for i, r := range records {
		out[i] = client.AuditRecord(r)
	}
	return out, "", err
}

func (l auditFiles) VerifyAudit(ctx context.Context) (*client.AuditReport, error) {
	r, err := l.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := client.AuditReport(*r)
	return &out, nil
}

// outcomeOf is how an act ended, as the audit log says it.
func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	return string(clientele.ErrorCode(err))
}
