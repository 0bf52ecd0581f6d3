package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (c *cli) quarantineCommand() *cobra.Command {
	return c.group("quarantine", "Records that were accepted but could not be used", c.quarantineListCommand(), c.replayCommand())
}

func (c *cli) quarantineListCommand() *cobra.Command {
	var limit int
	var cursor string
	var asJSON bool
	cmd := c.talks(c.command("list [--limit N] [--cursor C] [--json]", "List them with their reasons, the newest first",
		"quarantine list --limit 20", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if limit < 1 || limit > 1000 {
				return usagef("between 1 and 1000", "--limit is out of range")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				items, next, err := b.Quarantine(ctx, limit, cursor)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, map[string]any{"items": items, "next": next})
				}
				t := rows("id", "source", "kind", "received", "code", "replayed", "reason")
				for _, q := range items {
					t.add(q.ID, q.Source, q.Kind, stamp(q.ReceivedAt), q.Code, stamp(q.ReplayedAt), q.Reason)
				}
				if err := c.sheet(t); err != nil {
					return err
				}
				if next != "" {
					fmt.Fprintf(c.err, "there are more: --cursor %s\n", next)
				}
				return nil
			})
		}))
	cmd.Flags().IntVar(&limit, "limit", 50, "records at most")
	cmd.Flags().StringVar(&cursor, "cursor", "", "where the list before this one ended")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, the records themselves included")
	return cmd
}

func (c *cli) replayCommand() *cobra.Command {
	var all bool
	cmd := c.talks(c.command("replay ID... | --all", "Try records again, after the reason is gone",
		"quarantine replay 812-3 812-4", cobra.ArbitraryArgs, func(ctx context.Context, args []string) error {
			if all == (len(args) > 0) {
				return usagef("clientele quarantine list shows the ids", "name ids, or --all")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				n, err := b.Replay(ctx, args)
				if err != nil {
					return err
				}
				if err := b.Settle(ctx); err != nil {
					return err
				}
				c.printf("%d records tried again\n", n)
				return nil
			})
		}))
	cmd.Flags().BoolVar(&all, "all", false, "everything in quarantine")
	return cmd
}
