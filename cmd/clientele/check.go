package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/token"

	"github.com/spf13/cobra"
)

func (c *cli) checkCommand() *cobra.Command {
	var digests bool
	cmd := c.command("check [--config FILE] [--data DIR] [--digests]", "Show the effective configuration, what is wrong with it, and how the data directory is",
		"check --config clientele.yaml", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			cfg, err := c.config()
			if err != nil {
				return err
			}
			text, err := cfg.Redacted().YAML()
			if err != nil {
				return err
			}
			c.printf("# effective configuration, secrets hidden\n%s\n", text)
			d := &doctor{cli: c, cfg: cfg, digests: digests}
			for _, p := range cfg.Problems() {
				d.wrong("configuration: "+p.Message, p.Hint)
			}
			if err := checkPlans(cfg); err != nil {
				d.fault("configuration", err)
			}
			d.surroundings(c.configPath)
			d.examine(ctx)
			if d.found > 0 {
				return clientele.Errorf(clientele.Invalid, "things found wrong: %d", d.found).WithHint("each stands above with what to do")
			}
			c.printf("nothing is wrong\n")
			return nil
		})
	cmd.Flags().BoolVar(&digests, "digests", false, "also checksums of every table, of the archive's parts and of the audit log; reads all of it")
	return cmd
}

// doctor examines the data directory and goes on after each thing it finds wrong.
type doctor struct {
	*cli
	cfg     config.Config
	digests bool
	found   int
}

func (d *doctor) wrong(what, hint string) {
	d.found++
	d.printf("WRONG  %s\n", printable(what))
	if hint != "" {
		d.printf("       %s\n", printable(hint))
	}
}

func (d *doctor) fault(what string, err error) {
	d.wrong(what+": "+err.Error(), clientele.ErrorHint(err))
}

func (d *doctor) examine(ctx context.Context) {
	dir := d.cfg.Data
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.printf("data directory %s is not there yet: the first start makes it\n", dir)
		d.writable(filepath.Dir(filepath.Clean(dir)))
		return
	case err != nil:
		d.fault("data directory", err)
		return
	case !st.IsDir():
		d.wrong("data directory: "+dir+" is no directory", "name another one with --data")
		return
	}
	d.printf("data directory %s\n", dir)
	if st.Mode().Perm()&0o007 != 0 {
		d.printf("  note: every user of this machine can look into it: chmod 0750 %s\n", dir)
	}
	d.writable(dir)
	d.space(dir)
	d.syncs(dir)
	d.secrets(dir)
	d.clock(dir)
	d.backups(dir)
	d.open(ctx, dir)
}

// writable tries: permissions, read-only mounts and quotas all show.
func (d *doctor) writable(dir string) {
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		d.wrong("not writable: "+err.Error(), "run as the user that owns it, or name another directory with --data")
		return
	}
	_, err = f.Write(make([]byte, 4096))
	if err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name())); err != nil {
		d.fault("not writable", err)
		return
	}
	d.printf("  writable\n")
}

func (d *doctor) space(dir string) {
	free, ok := freeBytes(dir)
	if !ok {
		return
	}
	d.printf("  free disk %s; below %s nothing is accepted\n", config.Size(free).Short(), d.cfg.Log.Reserve)
	if config.Size(free) < d.cfg.Log.Reserve {
		d.wrong("the disk is nearly full", "make room, or move the data directory")
	} else if config.Size(free) < d.cfg.Log.Reserve+d.cfg.Log.MaxSize/4 {
		d.printf("  little room: log.max_size is %s\n", d.cfg.Log.MaxSize)
	}
}

// open asks the server that holds the directory, or opens it.
func (d *doctor) open(ctx context.Context, dir string) {
	var b backend
	if r, ok := liveServer(ctx, dir); ok {
		f, _ := token.ReadServerFile(dir)
		d.printf("  held by the server with pid %d at %s\n", f.PID, f.Address)
		b = r
	} else {
		if len(d.cfg.Problems()) > 0 {
			d.printf("  not opened, because of the configuration\n")
			return
		}
		d.port()
		var err error
		if b, err = openLocal(ctx, d.cfg, d.log(slog.LevelWarn), false); err != nil {
			d.fault("open", err)
			return
		}
		d.printf("  not held by any process; formats are readable\n")
	}
	d.report(ctx, b)
	if p, ok := b.(*platform); ok && d.digests {
		d.verify(ctx, p)
	}
	if err := b.Close(); err != nil {
		d.fault("close", err)
	}
}

func (d *doctor) report(ctx context.Context, b backend) {
	s, err := b.Status(ctx)
	if err != nil {
		d.fault("status", err)
		return
	}
	d.printStatus(s)
	d.quarantine(s)
	for _, p := range s.Problems {
		d.wrong(p, "")
	}
	if s.Log.Full {
		d.wrong("the log is full: nothing is accepted", "see that the resolver moves, raise log.max_size, or make room on the disk")
	}
	if !d.digests {
		return
	}
	if err := b.Settle(ctx); err != nil {
		d.fault("settle", err)
		return
	}
	sums, err := b.Digests(ctx)
	if err != nil {
		d.fault("digests", err)
		return
	}
	d.printf("digests\n")
	for _, t := range slices.Sorted(maps.Keys(sums)) {
		d.printf("  %-18s %s\n", t, sums[t])
	}
}

// verify reads archive and audit log.
func (d *doctor) verify(ctx context.Context, p *platform) {
	if err := p.app.VerifyArchive(ctx); err != nil {
		d.fault("archive", err)
	}
	if _, err := p.app.Audit().Verify(ctx); err != nil {
		d.fault("audit", err)
	}
}
