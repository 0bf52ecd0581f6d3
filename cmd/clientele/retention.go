package main

import (
	"bufio"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

// retentionBackend is what the commands about retention work with.
type retentionBackend interface {
	Retention(ctx context.Context) ([]clientele.RetentionInForce, error)
	SetRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionInForce, error)
	DeleteRetention(ctx context.Context, name string) error
	PreviewRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionPreview, error)
}

func (p *platform) Retention(ctx context.Context) ([]clientele.RetentionInForce, error) {
	return p.app.Retention(ctx)
}

func (p *platform) SetRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionInForce, error) {
	v, err := p.app.SetRetention(ctx, operator, r)
	return v, p.acted("set-retention", r.Name, err)
}

func (p *platform) DeleteRetention(ctx context.Context, name string) error {
	return p.acted("delete-retention", name, p.app.DeleteRetention(ctx, operator, name))
}

func (p *platform) PreviewRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionPreview, error) {
	v, err := p.app.PreviewRetention(ctx, r)
	return v, p.acted("preview-retention", r.Name, err)
}

func (c *cli) retentionCommand() *cobra.Command {
	return c.group("retention", "Rules that delete events by their age", c.retentionListCommand(), c.retentionPreviewCommand(), c.retentionSetCommand(),
		deleteCommand(c, "retention", "rule", "End a rule; what it has deleted is gone", "views", backend.DeleteRetention))
}

func (c *cli) retentionListCommand() *cobra.Command {
	return listCommand(c, "retention", "List the rules in force and what they have deleted", backend.Retention, []string{"rule", "deletes", "events", "sources", "older than", "before", "deleted", "by", "at"},
		func(r clientele.RetentionInForce) []string {
			return []string{r.Name, string(orEvents(r.Delete)), orAll(r.Events), orAll(r.Sources), r.OlderThan, stamp(r.Before), strconv.FormatInt(r.Deleted, 10), r.By, stamp(r.At)}
		})
}

func orEvents(t clientele.RetentionTarget) clientele.RetentionTarget {
	if t == "" {
		return clientele.RetainEvents
	}
	return t
}

// retentionFlags say what a rule is about.
func retentionFlags(cmd *cobra.Command, r *clientele.RetentionRule, quarantine *bool) *cobra.Command {
	cmd.Flags().StringVar(&r.OlderThan, "older-than", "", "age in days, such as 400d")
	cmd.Flags().StringArrayVar(&r.Events, "event", nil, "only events of this name ($page, $identify, ...); may be repeated")
	cmd.Flags().StringArrayVar(&r.Sources, "source", nil, "only of this source; may be repeated")
	cmd.Flags().BoolVar(quarantine, "quarantine", false, "records in quarantine, not events")
	return cmd
}

func (c *cli) retentionPreviewCommand() *cobra.Command {
	var r clientele.RetentionRule
	var quarantine, asJSON bool
	return jsonFlag(retentionFlags(c.talks(c.command("preview --older-than DAYS [--event E]... [--source S]... [--quarantine] [--json]",
		"Say what a rule would delete, and delete nothing", "retention preview --older-than 400d --event 'Product Viewed'", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			r.Name = "preview"
			if quarantine {
				r.Delete = clientele.RetainQuarantine
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				p, err := b.PreviewRetention(ctx, r)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, p)
				}
				return c.printRetention(p, "would be deleted")
			})
		})), &r, &quarantine), &asJSON)
}

func (c *cli) printRetention(p *clientele.RetentionPreview, verb string) error {
	c.printf("%d of %d %s: those before %s", p.Count, p.Total, verb, stamp(p.Before))
	if p.Oldest != 0 {
		c.printf(", the oldest of %s", stamp(p.Oldest))
	}
	c.printf("\n")
	t := rows("of", "name", "records")
	for _, group := range []struct {
		of     string
		counts map[string]int64
	}{{"event", p.ByEvent}, {"source", p.BySource}} {
		for _, name := range slices.Sorted(maps.Keys(group.counts)) {
			t.add(group.of, name, strconv.FormatInt(group.counts[name], 10))
		}
	}
	if p.Count == 0 {
		return nil
	}
	return c.sheet(t)
}

func (c *cli) retentionSetCommand() *cobra.Command {
	var r clientele.RetentionRule
	var quarantine, yes bool
	cmd := retentionFlags(c.talks(c.command("set NAME --older-than DAYS [--event E]... [--source S]... [--quarantine] [--yes]",
		"Bring a rule into force, in the place of one of its name", "retention set views --older-than 400d --event 'Product Viewed' --yes", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			r.Name = args[0]
			if quarantine {
				r.Delete = clientele.RetainQuarantine
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				p, err := b.PreviewRetention(ctx, r)
				if err != nil {
					return err
				}
				if !yes {
					if err := c.confirmRetention(p); err != nil {
						return err
					}
				}
				in, err := b.SetRetention(ctx, r)
				if err != nil {
					return err
				}
				c.printf("rule %s is in force from log position %d on\n", in.Name, in.Position)
				return c.printRetention(p, "will be deleted")
			})
		})), &r, &quarantine)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirmRetention asks, with what it means in numbers. Nobody to ask is a no.
func (c *cli) confirmRetention(p *clientele.RetentionPreview) error {
	if c.errWidth == 0 {
		return usagef("clientele retention set NAME --older-than DAYS --yes", "what a rule deletes does not come back: say --yes where nobody can be asked")
	}
	if err := c.printRetention(p, "will be deleted for ever"); err != nil {
		return err
	}
	c.printf("Write yes to go on: ")
	line, _ := bufio.NewReader(c.in).ReadString('\n') // no answer is a no
	if strings.TrimSpace(line) != "yes" {
		return clientele.Errorf(clientele.Denied, "the rule is not in force")
	}
	return nil
}
