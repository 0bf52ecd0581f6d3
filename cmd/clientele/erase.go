package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) eraseCommand() *cobra.Command {
	var req clientele.EraseRequest
	var yes, asJSON bool
	cmd := c.talks(c.command("erase NAMESPACE:VALUE [--dry-run] [--yes] [--purge]", "Erase a person everywhere, and keep the person erased",
		"erase email:ann@example.com --dry-run", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				id, err := identifier(ctx, b, args[0])
				if err != nil {
					return err
				}
				req.Namespace, req.Value = id.Namespace, id.Value
				dry := req
				dry.DryRun = true
				r, err := b.Erase(ctx, dry)
				if err != nil {
					return err
				}
				if req.DryRun {
					return c.printErase(r, asJSON)
				}
				if !yes {
					if err := c.confirmErase(r); err != nil {
						return err
					}
				}
				if r, err = b.Erase(ctx, req); err != nil {
					return err
				}
				return c.printErase(r, asJSON)
			})
		}))
	cmd.Flags().BoolVar(&req.DryRun, "dry-run", false, "count what would be deleted, and delete nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&req.Purge, "purge", false, "purge log, archive and files now, not within erase.purge_within")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// confirmErase asks, with what it means in numbers. Nobody to ask is a no.
func (c *cli) confirmErase(r *clientele.EraseResult) error {
	if c.errWidth == 0 {
		return usagef("clientele erase NAMESPACE:VALUE --yes", "an erasure cannot be taken back: say --yes where nobody can be asked")
	}
	c.printf("This erases profile %s for ever: %s.\n", r.Profile, countsOf(r.Counts))
	if len(r.Exports) > 0 {
		c.printf("%d exports were made that may hold the person; they stay where they are.\n", len(r.Exports))
	}
	c.printf("Write yes to go on: ")
	line, _ := bufio.NewReader(c.in).ReadString('\n') // no answer is a no
	if strings.TrimSpace(line) != "yes" {
		return clientele.Errorf(clientele.Denied, "nothing was erased")
	}
	return nil
}

func countsOf(counts map[string]int64) string {
	var out []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%d %s", counts[what], strings.ReplaceAll(what, "_", " ")))
	}
	return strings.Join(out, ", ")
}

func (c *cli) printErase(r *clientele.EraseResult, asJSON bool) error {
	if asJSON {
		return writeJSON(c.out, r)
	}
	verb := "erased"
	if r.DryRun {
		verb = "would be erased"
	}
	c.printf("%s %s\n", r.Profile, verb)
	t := rows("what", "deleted")
	for _, what := range slices.Sorted(maps.Keys(r.Counts)) {
		t.add(what, strconv.FormatInt(r.Counts[what], 10))
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	for _, e := range r.Exports {
		c.printf("exported before, to be deleted there: %s\n", e)
	}
	switch {
	case r.DryRun:
	case r.PurgedAt != 0:
		c.printf("erasure %s; log, archive and files are purged\n", r.ID)
	default:
		c.printf("erasure %s; log, archive and files are purged by %s\n", r.ID, stamp(r.PurgeBy))
	}
	return nil
}
