package main

import (
	"context"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/quality"

	"github.com/spf13/cobra"
)

func (c *cli) transformCommand() *cobra.Command {
	return c.group("transform", "Rules that change events on their way in", c.transformListCommand(),
		showCommand(c, "transform", "Print a rule as JSON", "fix-currency", backend.Transform), c.transformSetCommand(),

		deleteCommand(c, "transform", "rule", "End a rule", "fix-currency", backend.DeleteTransform), c.transformTestCommand())
}

func (c *cli) transformListCommand() *cobra.Command {
	return listCommand(c, "transform", "List the rules in force, in the order in which they apply", backend.Transforms, []string{"rule", "sources", "events", "when", "steps", "applied", "filtered", "failed", "by", "at"},
		func(r clientele.TransformInForce) []string {
			return []string{r.Name, orAll(r.Sources), orAll(r.Events), r.When, stepsText(r.Steps), strconv.FormatInt(r.Applied, 10), strconv.FormatInt(r.Filtered, 10),
				strconv.FormatInt(r.Failed, 10), r.By, stamp(r.At)}
		})
}

func stepsText(steps []clientele.TransformStep) string {
	texts := make([]string, len(steps))
	for i, s := range steps {
		texts[i] = strings.TrimSpace(string(s.Op) + " " + s.Path)
		if s.To != "" {
			texts[i] += " to " + s.To
		}
		if s.Value != "" {
			texts[i] += " = " + s.Value
		}
	}
	return strings.Join(texts, "; ")
}

func (c *cli) readTransform(name string) (clientele.TransformRule, error) {
	text, err := c.readFile(name)
	if err != nil {
		return clientele.TransformRule{}, err
	}
	return quality.ParseTransform(text)
}

func (c *cli) transformSetCommand() *cobra.Command {
	return c.talks(c.command("set FILE | -", "Bring a rule (YAML or JSON) into force, in the place of one of its name", "transform set fix-currency.yaml", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			rule, err := c.readTransform(args[0])
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				in, err := b.SetTransform(ctx, rule)
				if err == nil {
					c.printf("rule %s is in force from log position %d on\n", in.Name, in.Position)
				}
				return err
			})
		}))
}

func (c *cli) transformTestCommand() *cobra.Command {
	var f trialFlags
	return f.register(c.talks(c.command("test FILE [--events FILE --source S] [--recent N] [--json]", "Show events before and after a rule, before it is in force",
		"transform test fix-currency.yaml --recent 5000", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			rule, err := c.readTransform(args[0])
			if err != nil {
				return err
			}
			by, err := f.trial(c)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				r, err := b.TestTransform(ctx, rule, by)
				if err != nil || f.asJSON {
					return firstError(err, func() error { return writeJSON(c.out, r) })
				}
				c.printf("%d events tried: %d would change, %d would be filtered, %d expressions could not be evaluated\n", r.Events, r.Changed, r.Filtered, r.Failed)
				for _, s := range r.Samples {
					after := string(s.After)
					if after == "" || after == "null" {
						after = "(filtered)"
					}
					c.printf("\n%s %s %s\n  before  %s\n  after   %s\n", s.ID, printable(s.Source), printable(s.Event), printable(string(s.Before)), printable(after))
					if s.Problem != "" {
						c.printf("  problem %s\n", s.Problem)
					}
				}
				return nil
			})
		})))
}
