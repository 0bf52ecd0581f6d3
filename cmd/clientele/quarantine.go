package main

import (
	"context"
	"fmt"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) quarantineCommand() *cobra.Command {
	return c.group("quarantine", "Records that were accepted but could not be used", c.quarantineListCommand(), c.replayCommand())
}

func (c *cli) quarantineListCommand() *cobra.Command {
	var limit int
	var cursor string
	var asJSON bool
	var find quarantineFlags
	cmd := c.talks(c.command("list [--source S] [--code C] [--search TEXT] [--from T] [--to T] [--dropped] [--limit N] [--cursor C] [--json]", "List them with their reasons, the newest first",
		"quarantine list --limit 20", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if limit < 1 || limit > 1000 {
				return usagef("between 1 and 1000", "--limit is out of range")
			}
			q, err := find.query()
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				items, next, err := b.FindQuarantined(ctx, q, limit, cursor)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, map[string]any{"items": items, "next": next})
				}
				t := rows("id", "source", "kind", "received", "code", "replayed", "by", "reason")
				for _, q := range items {
					t.add(q.ID, q.Source, q.Kind, stamp(q.ReceivedAt), q.Code, stamp(q.ReplayedAt), q.ReplayedBy, q.Reason)
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
	find.register(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "records at most")
	cmd.Flags().StringVar(&cursor, "cursor", "", "where the list before this one ended")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, the records themselves included")
	return cmd
}

func (c *cli) replayCommand() *cobra.Command {
	var all bool
	var find quarantineFlags
	cmd := c.talks(c.command("replay ID... | --all | --source S --code C --search TEXT ...", "Try records again, after the reason is gone",
		"quarantine replay 812-3 812-4", cobra.ArbitraryArgs, func(ctx context.Context, args []string) error {
			q, err := find.query()
			if err != nil {
				return err
			}
			found := q != clientele.QuarantineQuery{}
			if all && found || all && len(args) > 0 || found && len(args) > 0 || !all && !found && len(args) == 0 {
				return usagef("clientele quarantine list shows the ids", "name ids, --all, or what to search for")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				n, err := 0, error(nil)
				if found {
					n, err = b.ReplayFound(ctx, q)
				} else {
					n, err = b.Replay(ctx, args)
				}
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
	find.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "everything in quarantine")
	return cmd
}

// quarantineFlags say which records are meant.
type quarantineFlags struct {
	source, code, text, from, to string
	dropped                      bool
}

func (f *quarantineFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.source, "source", "", "of this `SOURCE`")
	cmd.Flags().StringVar(&f.code, "code", "", "with this `CODE`, for example invalid or violation")
	cmd.Flags().StringVar(&f.text, "search", "", "whose reason holds this `TEXT`")
	cmd.Flags().StringVar(&f.from, "from", "", "received at this `TIME` or later, RFC 3339")
	cmd.Flags().StringVar(&f.to, "to", "", "received before this `TIME`, RFC 3339")
	cmd.Flags().BoolVar(&f.dropped, "dropped", false, "those that a tracking plan dropped, not those in quarantine")
}

func (f *quarantineFlags) query() (clientele.QuarantineQuery, error) {
	q := clientele.QuarantineQuery{Source: f.source, Code: f.code, Text: f.text, Dropped: f.dropped}
	for name, at := range map[string]struct {
		text string
		into *clientele.Micros
	}{"--from": {f.from, &q.From}, "--to": {f.to, &q.To}} {
		if err := at.into.UnmarshalText([]byte(at.text)); err != nil {
			return q, usagef("for example 2026-03-01T00:00:00Z", "%s is not a time", name)
		}
	}
	return q, nil
}
