package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/quality"

	"github.com/spf13/cobra"
)

func (c *cli) planCommand() *cobra.Command {
	return c.group("plan", "Tracking plans: what events must look like", c.planListCommand(),
		showCommand(c, "plan", "Print a plan as JSON", "shop", backend.Plan), c.planSetCommand(),
		deleteCommand(c, "plan", "plan", "End a plan", "shop", backend.DeletePlan),
		c.planTestCommand(), c.planProposeCommand())
}

// jsonFlag gives the command --json.
func jsonFlag(cmd *cobra.Command, asJSON *bool) *cobra.Command {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON")
	return cmd
}

// show prints the value as JSON or as the sheet.
func (c *cli) show(asJSON bool, v any, t *textTable) error {
	if asJSON {
		return writeJSON(c.out, v)
	}
	return c.sheet(t)
}

func (c *cli) planListCommand() *cobra.Command {
	return listCommand(c, "plan", "List the plans in force", backend.Plans, []string{"plan", "sources", "events", "on violation", "unplanned", "by", "at"},
		func(p clientele.PlanInForce) []string {
			return []string{p.Name, orAll(p.Sources), strconv.Itoa(len(p.Events)), orAllow(p.OnViolation), orAllow(p.Unplanned), p.By, stamp(p.At)}
		})
}

func orAll(list []string) string {
	if len(list) == 0 {
		return "(all)"
	}
	return strings.Join(list, ", ")
}

func orAllow(a clientele.PlanAction) string {
	if a == "" {
		a = clientele.PlanAllow
	}
	return string(a)
}

func (c *cli) planSetCommand() *cobra.Command {
	return c.talks(c.command("set FILE | -", "Bring a plan (YAML or JSON) into force, in the place of one of its name", "plan set shop.yaml", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			text, err := c.readFile(args[0])
			if err != nil {
				return err
			}
			p, err := quality.ParsePlan(text)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				in, err := b.SetPlan(ctx, p)
				if err == nil {
					c.printf("plan %s with %d events is in force from log position %d on\n", in.Name, len(in.Events), in.Position)
				}
				return err
			})
		}))
}

// readFile reads what the argument names, standard input for -.
func (c *cli) readFile(name string) ([]byte, error) {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "%w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 1<<20))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "%w", err)
	}
	return b, nil
}

// trialFlags say by which events a plan or rule is tried.
type trialFlags struct {
	events, source  string
	recent, samples int
	asJSON          bool
}

func (f *trialFlags) register(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&f.events, "events", "", "`FILE` with messages, one a line; without it the log's latest events")
	cmd.Flags().StringVar(&f.source, "source", "", "the `SOURCE` that the messages of --events are of")
	cmd.Flags().IntVar(&f.recent, "recent", 1000, "how many of the log's latest events to try")
	cmd.Flags().IntVar(&f.samples, "samples", 5, "events to show")
	return jsonFlag(cmd, &f.asJSON)
}

func (f *trialFlags) trial(c *cli) (clientele.RuleTrial, error) {
	by := clientele.RuleTrial{Recent: f.recent, Samples: f.samples}
	if f.recent < 1 || f.recent > 10_000 || f.samples < 1 || f.samples > 100 {
		return by, usagef("--recent 1 to 10000, --samples 1 to 100", "a number is out of range")
	}
	if f.events == "" {
		return by, nil
	}
	text, err := c.readFile(f.events)
	if err != nil {
		return by, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if !json.Valid([]byte(line)) {
			return by, clientele.Errorf(clientele.Invalid, "%s holds a line that is not JSON", f.events).WithHint("one message of the tracking API a line")
		}
		by.Events = append(by.Events, clientele.TrialEvent{Source: f.source, Message: clientele.RawJSON(line)})
	}
	if len(by.Events) > 100 {
		return by, usagef("send them and try the log's latest events", "--events takes 100 messages at most")
	}
	return by, nil
}

func (c *cli) planTestCommand() *cobra.Command {
	var f trialFlags
	return f.register(c.talks(c.command("test FILE [--events FILE --source S] [--recent N] [--json]", "Show what a plan would find, before it is in force",
		"plan test shop.yaml --recent 5000", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			text, err := c.readFile(args[0])
			if err != nil {
				return err
			}
			p, err := quality.ParsePlan(text)
			if err != nil {
				return err
			}
			by, err := f.trial(c)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				r, err := b.TestPlan(ctx, p, by)
				if err != nil || f.asJSON {
					return firstError(err, func() error { return writeJSON(c.out, r) })
				}
				c.printf("%d events tried, %d of them of the plan's sources, %d would break it\n", r.Events, r.Matched, r.Violated)
				t := rows("source", "event", "rule", "count", "reason", "examples")
				for _, v := range r.Rules {
					t.add(v.Source, v.Event, v.Rule, strconv.FormatInt(v.Count, 10), v.Reason, strings.Join(v.Examples, " "))
				}
				return c.sheet(t)
			})
		})))
}

func firstError(err error, otherwise func() error) error {
	if err != nil {
		return err
	}
	return otherwise()
}

func (c *cli) planProposeCommand() *cobra.Command {
	var name string
	cmd := c.talks(c.command("propose SOURCE [--name NAME]", "Print a plan made of what a source has sent, to be looked over and set",
		"plan propose web > web.json", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				p, err := b.ProposePlan(ctx, args[0], name)
				if err != nil {
					return err
				}
				return writeJSON(c.out, p)
			})
		}))
	cmd.Flags().StringVar(&name, "name", "", "of the plan; without it the source's")
	return cmd
}
