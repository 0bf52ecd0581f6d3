package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) qualityCommand() *cobra.Command {
	return c.group("quality", "How fit the data is for use", c.violationsCommand(), c.propertiesCommand(true), c.propertiesCommand(false), c.volumesCommand(), c.freshnessCommand(),
		c.touchpointsCommand(), c.minimisationCommand(), c.stopCommand(), c.actsCommand())
}

func eventFlags(cmd *cobra.Command, source, event *string) {
	cmd.Flags().StringVar(source, "source", "", "of this `SOURCE`")
	cmd.Flags().StringVar(event, "event", "", "of this `EVENT`: a track event's name, or $page, $screen, $identify, $group, $alias")
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func (c *cli) violationsCommand() *cobra.Command {
	var asJSON bool
	var source, event string
	cmd := c.talks(c.command("violations [--source S] [--event E] [--json]", "How often events have broken tracking plans, with examples", "quality violations --source web", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				list, err := b.Violations(ctx, source, event)
				if err != nil {
					return err
				}
				t := rows("source", "event", "rule", "count", "action", "last", "reason", "examples")
				for _, v := range list {
					t.add(v.Source, v.Event, v.Rule, count(v.Count), string(v.Action), stamp(v.Last), v.Reason, strings.Join(v.Examples, " "))
				}
				return c.show(asJSON, list, t)
			})
		}))
	eventFlags(cmd, &source, &event)
	return jsonFlag(cmd, &asJSON)
}

func (c *cli) propertiesCommand(changed bool) *cobra.Command {
	name, short := "properties", "What events hold: types, null rates, first and last sight of each property"
	if changed {
		name, short = "drift", "Properties that are new, have vanished or changed their type in the last 7 days"
	}
	var asJSON bool
	var source, event string
	cmd := c.talks(c.command(name+" [--source S] [--event E] [--json]", short, "quality "+name, cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			list, err := b.Properties(ctx, source, event, changed)
			if err != nil {
				return err
			}
			t := rows("source", "event", "property", "status", "types", "missing", "null", "first", "last day", "note")
			for _, p := range list {
				t.add(p.Source, p.Event, p.Property, p.Status, typesText(p.Types), percent(p.Missing), percent(p.Null), day(p.First), p.LastDay, p.Note)
			}
			return c.show(asJSON, list, t)
		})
	}))
	eventFlags(cmd, &source, &event)
	return jsonFlag(cmd, &asJSON)
}

func typesText(types map[string]int64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(types)) {
		out = append(out, name+" "+count(types[name]))
	}
	return strings.Join(out, ", ")
}

func (c *cli) volumesCommand() *cobra.Command {
	var asJSON bool
	var hours int
	cmd := c.talks(c.command("volumes [--hours N] [--json]", "Events of the last hours against the same hours of the last four weeks", "quality volumes --hours 1", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			if hours < 1 || hours > 168 {
				return usagef("between 1 and 168", "--hours is out of range")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				list, err := b.Volumes(ctx, hours)
				if err != nil {
					return err
				}
				t := rows("source", "event", "count", "expected", "status", "1, 2, 3, 4 weeks ago")
				for _, v := range list {
					event := v.Event
					if event == "" {
						event = "(all)"
					}
					t.add(v.Source, event, count(v.Count), strconv.FormatFloat(v.Expected, 'f', -1, 64), v.Status, strings.Trim(fmt.Sprint(v.Before), "[]"))
				}
				return c.show(asJSON, list, t)
			})
		}))
	cmd.Flags().IntVar(&hours, "hours", 24, "length of the span that ends now")
	return jsonFlag(cmd, &asJSON)
}

func (c *cli) freshnessCommand() *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command("freshness [--json]", "When each source was last heard of", "quality freshness", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			list, err := b.Freshness(ctx)
			if err != nil {
				return err
			}
			t := rows("source", "status", "last", "age", "last hour", "expected")
			for _, f := range list {
				age := ""
				if f.Last != 0 {
					age = (time.Duration(f.Age) * time.Second).String()
				}
				t.add(f.Source, f.Status, stamp(f.Last), age, count(f.Hour), strconv.FormatFloat(f.Expected, 'f', -1, 64))
			}
			return c.show(asJSON, list, t)
		})
	})), &asJSON)
}

func (c *cli) touchpointsCommand() *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command("touchpoints [--json]", "Through which sources and channels people were met, and gaps", "quality touchpoints", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				m, err := b.Touchpoints(ctx)
				if err != nil || asJSON {
					return firstError(err, func() error { return writeJSON(c.out, m) })
				}
				c.printf("%d profiles, %d met through any channel, %d through one alone\n", m.Profiles, m.Met, m.Once)
				t := rows("source", "channel", "profiles", "share", "records", "first", "last")
				for _, p := range m.Items {
					t.add(p.Source, p.Channel, count(p.Profiles), percent(p.Share), count(p.Records), stamp(p.First), stamp(p.Last))
				}
				err = c.sheet(t)
				for _, g := range m.Gaps {
					c.printf("gap: %s\n", printable(g))
				}
				return err
			})
		})), &asJSON)
}

func (c *cli) minimisationCommand() *cobra.Command {
	var asJSON bool
	var days int
	cmd := c.talks(c.command("minimisation [--days N] [--json]", "Events and properties that nothing has read", "quality minimisation", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if days < 1 || days > 400 {
			return usagef("between 1 and 400", "--days is out of range")
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			m, err := b.Minimisation(ctx, days)
			if err != nil || asJSON {
				return firstError(err, func() error { return writeJSON(c.out, m) })
			}
			t := rows("source", "event", "property", "count", "first", "last read")
			for _, u := range m.Items {
				t.add(u.Source, u.Event, u.Property, count(u.Count), day(u.First), u.LastRead)
			}
			if err := c.sheet(t); err != nil {
				return err
			}
			if !m.Sure {
				fmt.Fprintf(c.err, "reads are noted since %s: what was read before that is not known\n", day(m.Since))
			}
			if m.Whole != "" {
				fmt.Fprintf(c.err, "a query has read all properties at once on %s\n", m.Whole)
			}
			return nil
		})
	}))
	cmd.Flags().IntVar(&days, "days", 90, "not read for so many days")
	return jsonFlag(cmd, &asJSON)
}

func (c *cli) stopCommand() *cobra.Command {
	return c.talks(c.command("stop SOURCE EVENT [PROPERTY]", "Take an event, or a property of it, out from now on", "quality stop web \"Video Played\" debug", cobra.RangeArgs(2, 3),
		func(ctx context.Context, args []string) error {
			what := clientele.StopRequest{Source: args[0], Event: args[1]}
			if len(args) == 3 {
				what.Property = args[2]
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				t, err := b.Stop(ctx, what)
				if err == nil {
					c.printf("rule %s is in force; clientele transform delete %s takes it back\n", t.Name, t.Name)
				}
				return err
			})
		}))
}

func (c *cli) actsCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := c.talks(c.command("acts [--limit N] [--json]", "Who replayed what, and who changed which plan or rule", "quality acts", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if limit < 1 || limit > 1000 {
			return usagef("between 1 and 1000", "--limit is out of range")
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			list, err := b.Acts(ctx, 0, limit)
			if err != nil {
				return err
			}
			t := rows("position", "at", "by", "what", "subject", "accepted", "refused")
			for _, a := range list {
				what, accepted, refused := a.What, "", ""
				if a.Ended {
					what += " ended"
				}
				if a.What == string(clientele.CommandReplay) {
					accepted, refused = strconv.Itoa(a.Accepted), strconv.Itoa(a.Refused)
				}
				t.add(strconv.FormatUint(uint64(a.Position), 10), stamp(a.At), a.By, what, a.Subject, accepted, refused)
			}
			return c.show(asJSON, list, t)
		})
	}))
	cmd.Flags().IntVar(&limit, "limit", 50, "acts at most")
	return jsonFlag(cmd, &asJSON)
}
