package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) sqlCommand() *cobra.Command {
	var format string
	var limit int
	cmd := c.talks(c.command(`sql [--format table|csv|json] [--limit N] "SELECT ..." | -`, "Run one SELECT over profiles, events and orders",
		`sql "SELECT source, count(*) AS orders FROM orders GROUP BY source"`, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			if format != "table" && format != "csv" && format != "json" {
				return usagef("table, csv or json", "there is no format %s", format)
			}
			if limit < 0 {
				return usagef("0 takes the configured query.max_rows", "--limit is negative")
			}
			text, err := c.statement(args[0])
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				r, err := b.Query(ctx, text, nil, limit)
				if err != nil {
					return err
				}
				return c.printRows(r, format)
			})
		}))
	cmd.Flags().StringVar(&format, "format", "table", "table, csv or json")
	cmd.Flags().IntVar(&limit, "limit", 0, "rows at most, if below the configured query.max_rows")
	return cmd
}

// statement is the argument, or what stands on standard input when it is -.
func (c *cli) statement(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	b, err := io.ReadAll(io.LimitReader(c.in, 1<<20))
	if err != nil {
		return "", clientele.Errorf(clientele.Invalid, "standard input: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func (c *cli) printRows(r *clientele.QueryResult, format string) error {
	var err error
	switch format {
	case "csv":
		err = writeCSV(c.out, r)
	case "json":
		err = writeJSON(c.out, r)
	default:
		err = writeTable(c.out, r, c.outWidth)
	}
	if err == nil && r.Cut {
		fmt.Fprintf(c.err, "there are more rows than these %d: narrow the SELECT, or raise query.max_rows\n", len(r.Rows))
	}
	return err
}
