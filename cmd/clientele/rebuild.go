package main

import (
	"context"
	"log/slog"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) rebuildCommand() *cobra.Command {
	return c.command("rebuild [--config FILE] [--data DIR]", "Build profiles and tables anew from archive and log, beside the old ones, then swap",
		"rebuild --data ./clientele-data", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			cfg, err := c.validConfig()
			if err != nil {
				return err
			}
			if err := existing(cfg.Data); err != nil {
				return err
			}
			if _, ok := liveServer(ctx, cfg.Data); ok {
				return clientele.Errorf(clientele.Conflict, "a server holds the data directory").WithHint("stop it first")
			}
			p := c.newProgress("log frames")
			err = rebuild(ctx, cfg, c.log(slog.LevelWarn), func(done, total clientele.Position) {
				p.update(int64(done), float64(done), float64(total))
			})
			p.end()
			if err != nil {
				return err
			}
			c.printf("rebuilt\n")
			return nil
		})
}
