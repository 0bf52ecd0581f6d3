package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/config"

	"github.com/spf13/cobra"
)

func (c *cli) identityCommand() *cobra.Command {
	return c.group("identity", "Why identifiers are one person, and what to do when they are not",
		c.explainCommand(), c.mergeCommand(), c.unmergeCommand(), c.simulateCommand(), c.healthCommand(), c.matchRunCommand(), c.matchRunsCommand(),
		c.matchEndCommand("approve", "Carry out a run of matching that waits", true), c.matchEndCommand("discard", "Drop a run of matching that waits", false),
		c.reviewsCommand(), c.decideCommand())
}

func (c *cli) explainCommand() *cobra.Command {
	var asJSON bool
	cmd := c.talks(c.command("explain NAMESPACE:VALUE [--json]", "Show all evidence that joins a profile, and what was refused",
		"identity explain email:ann@example.com", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				id, err := identifier(ctx, b, args[0])
				if err != nil {
					return err
				}
				v, err := b.Identity(ctx, id)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, v)
				}
				return c.printIdentity(v)
			})
		}))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) printIdentity(v *clientele.IdentityView) error {
	c.printf("%s   %d identifiers, %d pieces of evidence\n", v.Profile, len(v.Identifiers), len(v.Evidence))
	if v.Frozen {
		c.printf("frozen: too large to be recomputed\n")
	}
	t := rows("state", "a", "b", "rule", "source", "at", "evidence", "reason")
	for _, e := range v.Evidence {
		rule := e.Rule
		if e.Verified {
			rule += " (verified)"
		}
		t.add(e.State, e.A.String(), e.B.String(), rule, e.Source, stamp(e.At), e.ID, e.Reason)
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	if len(v.Separations) == 0 {
		return nil
	}
	c.printf("\nKept apart\n")
	t = rows("a", "b", "by", "at")
	for _, s := range v.Separations {
		t.add(s.A.String(), s.B.String(), s.By, stamp(s.At))
	}
	return c.sheet(t)
}

func (c *cli) mergeCommand() *cobra.Command {
	return c.talks(c.command("merge PROFILE NAMESPACE:VALUE...", "Say that a profile and other identifiers are one person",
		"identity merge email:ann@example.com phone:+6621234567", cobra.MinimumNArgs(2), func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				req, err := mergeRequest(ctx, b, args, nil)
				if err != nil {
					return err
				}
				r, err := b.Merge(ctx, req)
				return c.printMerge(r, err)
			})
		}))
}

func (c *cli) unmergeCommand() *cobra.Command {
	var evidence []string
	cmd := c.talks(c.command("unmerge PROFILE NAMESPACE:VALUE... | --evidence ID,...", "Take identifiers out of a profile and keep them apart",
		"identity unmerge email:ann@example.com phone:+6621234567", cobra.ArbitraryArgs, func(ctx context.Context, args []string) error {
			if len(evidence) > 0 && len(args) > 1 || len(evidence) == 0 && len(args) < 2 {
				return usagef("clientele identity unmerge PROFILE NAMESPACE:VALUE, or --evidence ID of clientele identity explain",
					"name a profile and identifiers, or evidence")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				req, err := mergeRequest(ctx, b, args, evidence)
				if err != nil {
					return err
				}
				r, err := b.Unmerge(ctx, req)
				return c.printMerge(r, err)
			})
		}))
	cmd.Flags().StringSliceVar(&evidence, "evidence", nil, "`ID`s of evidence to retire")
	return cmd
}

func mergeRequest(ctx context.Context, b backend, args, evidence []string) (clientele.MergeRequest, error) {
	req := clientele.MergeRequest{Evidence: evidence}
	for i, text := range args {
		id, err := identifier(ctx, b, text)
		if err != nil {
			return req, err
		}
		if i == 0 {
			req.Profile = id.String()
			if id.Namespace == "id" {
				req.Profile = id.Value
			}
			continue
		}
		req.Identifiers = append(req.Identifiers, id)
	}
	return req, nil
}

func (c *cli) printMerge(r *clientele.MergeResult, err error) error {
	if err != nil {
		return err
	}
	t := rows("", "profile", "events")
	for _, side := range []struct {
		name     string
		profiles []clientele.ProfileCount
	}{{"before", r.Before}, {"after", r.After}} {
		for _, p := range side.profiles {
			t.add(side.name, p.ID.String(), strconv.FormatInt(p.Events, 10))
		}
	}
	return c.sheet(t)
}

func (c *cli) simulateCommand() *cobra.Command {
	var file string
	var sample int
	var asJSON bool
	cmd := c.talks(c.command("simulate --rules FILE.yaml [--sample N] [--json]", "Show what other identity rules would change, before they apply",
		"identity simulate --rules new-rules.yaml", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if file == "" {
				return usagef("a configuration file whose identity section holds the rules to try", "--rules is missing")
			}
			rules, err := readRules(file)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				s, err := b.Simulate(ctx, rules, sample)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, s)
				}
				c.printSimulation(s)
				return nil
			})
		}))
	cmd.Flags().StringVar(&file, "rules", "", "configuration `FILE` with the identity section to try")
	cmd.Flags().IntVar(&sample, "sample", 10, "changed groups to show")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// readRules are the identity rules a configuration file would have.
func readRules(file string) (clientele.IdentityRules, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return clientele.IdentityRules{}, clientele.Errorf(clientele.Invalid, "rules: %w", err)
	}
	cfg, err := config.Parse(file, b)
	if err != nil {
		return clientele.IdentityRules{}, err
	}
	return cfg.Identity, cfg.Validate()
}

func (c *cli) printSimulation(s *clientele.Simulation) {
	c.printf("profiles            %d -> %d\n", s.ProfilesBefore, s.ProfilesAfter)
	c.printf("would merge         %d\nwould split         %d\nidentifiers moved   %d\n", s.Merges, s.Splits, s.Affected)
	c.printf("blocked merges      %d\nblocked values      %d\ntook                %d ms\n", s.BlockedMerges, s.BlockedValues, s.TookMS)
	for i, change := range s.Sample {
		c.printf("\nchange %d\n", i+1)
		for _, g := range change.Before {
			c.printf("  before  %s\n", groupText(g))
		}
		for _, g := range change.After {
			c.printf("  after   %s\n", groupText(g))
		}
	}
}

func groupText(ids []clientele.Identifier) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = printable(id.String())
	}
	return strings.Join(texts, ", ")
}

func (c *cli) healthCommand() *cobra.Command {
	var asJSON bool
	cmd := c.talks(c.command("health [--json]", "How the identity graph is doing",
		"identity health", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				h, err := b.IdentityHealth(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.out, h)
				}
				c.printHealth(h)
				return nil
			})
		}))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) printHealth(h *clientele.IdentityHealth) {
	c.printf("profiles             %d\nknown                %d\nidentification rate  %s\n", h.Profiles, h.Known, fmt.Sprintf("%.1f %%", 100*h.Rate))
	for _, ns := range slices.Sorted(maps.Keys(h.Identifiers)) {
		c.printf("  %-18s %d\n", printable(string(ns)), h.Identifiers[ns])
	}
	c.printf("merges               %d\nunmerges             %d\nblocked merges       %d\nblocked values       %d\n", h.Merges, h.Unmerges, h.BlockedMerges, h.BlockedValues)
	c.printf("manual links         %d\ncannot-links         %d\nfrozen               %d\n", h.ManualLinks, h.CannotLinks, h.Frozen)
	c.printf("identifiers a person %.2f\nwith e-mail          %.1f %%\nwith phone           %.1f %%\nwith consent         %.1f %%\n", h.PerPerson, 100*h.EmailRate, 100*h.PhoneRate, 100*h.ConsentRate)
	if m := h.Matching; m.Matches+m.Open+m.Decided > 0 {
		c.printf("matches              %d (%d blocked, some %.1f %% of the others wrong)\n", m.Matches, m.Blocked, 100*m.OverMerge)
		c.printf("review queue         %d open, %d of %d decided were one person\n", m.Open, m.Same, m.Decided)
		if m.Decided > 0 {
			c.printf("  so of the open     %.0f are one person (%.0f to %.0f)\n", m.UnderMerge, m.UnderMergeLow, m.UnderMergeHigh)
		}
	}
	if o := h.Matching.Online; o.State != clientele.OnlineOff && o.State != "" {
		c.printf("matching as they come %s, %d people in %d MB, %d commits behind\n", o.State, o.People, o.Bytes>>20, o.Behind)
	}
	if len(h.Suspicious) > 0 {
		c.printf("perhaps several people\n")
	}
	for _, p := range h.Suspicious {
		c.printf("  %s      %d identifiers, %d given names, %d birth dates\n", p.ID, p.Identifiers, p.GivenNames, p.BirthDates)
	}
	if len(h.Largest) > 0 {
		c.printf("largest profiles\n")
	}
	for _, p := range h.Largest {
		c.printf("  %s      %d identifiers\n", p.ID, p.Identifiers)
	}
}
