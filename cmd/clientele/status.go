package main

import (
	"context"
	"maps"
	"slices"

	"clientele"
	"clientele/internal/config"

	"github.com/spf13/cobra"
)

func (c *cli) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := c.talks(c.command("status [--json]", "Counts, positions and lag of every stage, sizes", "status", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				s, err := b.Status(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, s)
				}
				c.printStatus(s)
				return nil
			})
		}))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) printStatus(s *clientele.Status) {
	c.printf("state      %s (version %s, since %s)\n", s.State, s.Version, stamp(s.StartedAt))
	for _, p := range s.Problems {
		c.printf("problem    %s\n", p)
	}
	full := ""
	if s.Log.Full {
		full = "   FULL: nothing is accepted"
	}
	c.printf("log        %d to %d, archived to %d, %s of %s%s\n", s.Log.First, s.Log.Last, s.Log.Archived,
		config.Size(s.Log.Bytes).Short(), config.Size(s.Log.MaxBytes).Short(), full)
	for _, stage := range []struct {
		name string
		clientele.StageStatus
	}{{"resolver", s.Resolver}, {"columns", s.Columns}} {
		c.printf("%-10s position %d, commit %d, lag %d\n", stage.name, stage.Position, stage.Commit, stage.Lag)
		if stage.Error != "" {
			c.printf("           %s\n", stage.Error)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.Counts)) {
		c.printf("%-20s %12d\n", k, s.Counts[k])
	}
	for _, k := range slices.Sorted(maps.Keys(s.Sizes)) {
		c.printf("%-20s %12s on disk\n", k, config.Size(s.Sizes[k]).Short())
	}
}
