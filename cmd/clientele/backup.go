package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"clientele"
	"clientele/internal/config"

	"github.com/spf13/cobra"
)

func (c *cli) backupCommand() *cobra.Command {
	var out string
	cmd := c.talks(c.command("backup --out PATH", "Copy everything to a new folder or a .tar.zst file, while a server goes on",
		"backup --out /backups/2026-03-01", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if out == "" {
				return usagef("a folder that is not there yet, or a file that ends with .tar.zst", "--out is missing")
			}
			if c.server == "" { // the server on this machine may have another working directory
				abs, err := filepath.Abs(out)
				if err != nil {
					return clientele.Errorf(clientele.Invalid, "backup: %w", err)
				}
				out = abs
			}
			b, err := c.connect(ctx, false)
			if err != nil {
				return err
			}
			s, err := c.backUp(ctx, b)(out)
			if err = errors.Join(err, b.Close()); err != nil {
				return err
			}
			c.printf("backup   %s, %d files, %s in %s\n", s.Path, s.Files, config.Size(s.Bytes).Short(), time.Duration(s.TookMS)*time.Millisecond)
			c.printf("holds    all that was accepted up to position %d; profiles of %d, tables of %d\n", s.Log, s.Rows, s.Columns)
			c.printf("waited   tables %s, profiles %s; events were accepted all the time\n", time.Duration(s.ColumnsHeldMS)*time.Millisecond, time.Duration(s.RowsHeldMS)*time.Millisecond)
			return nil
		}))
	cmd.Flags().StringVar(&out, "out", "", "`PATH` of a new folder, or of a new file ending with .tar.zst; with --server a name in the server's backup.dir")
	return cmd
}

// backUp starts a backup and waits for it.
func (c *cli) backUp(ctx context.Context, b backend) func(out string) (*clientele.BackupStatus, error) {
	return func(out string) (*clientele.BackupStatus, error) {
		s, err := b.StartBackup(ctx, out)
		for err == nil && s.State == clientele.BackupRunning {
			select {
			case <-time.After(200 * time.Millisecond):
				s, err = b.Backup(ctx)
			case <-ctx.Done():
				err = clientele.Errorf(clientele.Unavailable, "backup: %w", ctx.Err()).WithHint("a server makes it to its end all the same")
			}
		}
		if err == nil && s.State == clientele.BackupFailed {
			err = clientele.Errorf(clientele.Unavailable, "%s", s.Error)
		}
		return s, err
	}
}

func (c *cli) restoreCommand() *cobra.Command {
	var from string
	var force, check bool
	cmd := c.command("restore --from PATH [--config FILE] [--data DIR] [--force] [--check]", "Put a backup into a new data directory",
		"restore --from /backups/2026-03-01 --data ./restored", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if from == "" {
				return usagef("what clientele backup has made", "--from is missing")
			}
			cfg, err := c.validConfig()
			if err != nil {
				return err
			}
			p := c.newProgress("MB")
			m, err := restoreBackup(ctx, cfg, from, check, force, c.log(slog.LevelWarn), func(done, total int64) {
				p.update(done/int64(config.MB), float64(done), float64(total))
			})
			p.end()
			if err != nil {
				return err
			}
			what := "restored into " + cfg.Data
			if check {
				what = "whole: every file is as it was written"
			}
			c.printf("%s\nbackup   of %s by version %s, %d files, %s\nholds    all that was accepted up to position %d\n", what, stamp(m.CreatedAt), m.Version,
				len(m.Files), config.Size(m.Bytes()).Short(), m.Positions.Log)
			return nil
		})
	cmd.Flags().StringVar(&from, "from", "", "`PATH` of the backup")
	cmd.Flags().BoolVar(&force, "force", false, "replace what is in the data directory")
	cmd.Flags().BoolVar(&check, "check", false, "only compare the backup with its checksums")
	return cmd
}
