package main

import (
	"context"
	"fmt"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) modelBaselineCommand() *cobra.Command {
	var version int
	var since, by string
	var asJSON bool
	cmd := jsonFlag(c.talks(c.command("baseline NAME [--version N] [--since DAY] [--by category|product] [--json]", "Hold an older baseline of value against the present one: who moved tiers, and because of what", "model baseline ltv", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				r, err := b.ModelBaseline(ctx, args[0], version, since, by)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, r)
				}
				return c.printBaseline(r)
			})
		})), &asJSON)
	cmd.Flags().IntVar(&version, "version", 0, "the older baseline is of `N`; without it of the version that was promoted before, or where there is none of the present one")
	cmd.Flags().StringVar(&since, "since", "", "last `DAY` that it knows; without it that of its version, or 90 days ago")
	cmd.Flags().StringVar(&by, "by", "", "what is to weigh: category (without it) or product")
	return cmd
}

// printBaseline prints the summary, then what weighs otherwise, where people moved, and why.
func (c *cli) printBaseline(r *clientele.ModelBaseline) error {
	for _, s := range r.Summary {
		c.printf("%s\n", printable(s))
	}
	for _, s := range r.Notes {
		c.printf("note: %s\n", printable(s))
	}
	share := func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }
	money := func(x float64) string { return thousands(int64(x + 0.5)) }
	mix := numbers(rows(r.By, "share before", "share now"))
	for _, m := range r.Mix {
		mix.add(printable(m.Name), share(m.Before), share(m.After))
	}
	moves := rows("from", "to", "people", "value before", "value now")
	for _, m := range r.Moves {
		moves.add(m.From, m.To, thousands(m.People), money(m.Before), money(m.After))
	}
	why := rows("moved", "because", "people", "value before", "value now")
	for _, w := range r.Why {
		why.add(w.Direction, w.Why, thousands(w.People), money(w.Before), money(w.After))
	}
	return c.sheets(mix, moves, why)
}
