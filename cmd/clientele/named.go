package main

import (
	"context"

	"github.com/spf13/cobra"
)

// What the commands about things with names share: plans, rules, audiences, computed traits, models.

// listCommand prints all of a kind: row fills the cells of one under the columns.
func listCommand[T any](c *cli, kind, short string, all func(backend, context.Context) ([]T, error), columns []string, row func(T) []string) *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command("list [--json]", short, kind+" list", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			list, err := all(b, ctx)
			if err != nil {
				return err
			}
			t := rows(columns...)
			for _, v := range list {
				t.add(row(v)...)
			}
			return c.show(asJSON, list, t)
		})
	})), &asJSON)
}

// showCommand prints one of a kind as JSON.
func showCommand[T any](c *cli, kind, short, example string, one func(backend, context.Context, string) (T, error)) *cobra.Command {
	return c.talks(c.command("show NAME", short, kind+" show "+example, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			v, err := one(b, ctx, args[0])
			if err != nil {
				return err
			}
			return writeJSON(c.out, v)
		})
	}))
}

// deleteCommand ends one of a kind, which the answer calls by noun.
func deleteCommand(c *cli, kind, noun, short, example string, end func(backend, context.Context, string) error) *cobra.Command {
	return c.talks(c.command("delete NAME", short, kind+" delete "+example, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			err := end(b, ctx, args[0])
			if err == nil {
				c.printf("%s %s is no more\n", noun, printable(args[0]))
			}
			return err
		})
	}))
}
