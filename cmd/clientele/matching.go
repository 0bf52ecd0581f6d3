package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

// matchingBackend is what the commands about matching work with.
type matchingBackend interface {
	StartMatching(ctx context.Context, req clientele.MatchRunRequest) (*clientele.MatchRun, error)
	MatchRuns(ctx context.Context) ([]clientele.MatchRun, error)
	EndMatchRun(ctx context.Context, id clientele.Position, approve bool) (*clientele.MatchRun, error)
	MatchReviews(ctx context.Context, q clientele.MatchReviewQuery, limit int, cursor string) ([]clientele.MatchReview, string, error)
	DecideMatches(ctx context.Context, d clientele.MatchDecision) (*clientele.MatchDecided, error)
}

func (p *platform) StartMatching(ctx context.Context, req clientele.MatchRunRequest) (*clientele.MatchRun, error) {
	r, err := p.app.StartMatching(ctx, operator, req)
	return r, p.acted("start-matching", "", err)
}

func (p *platform) MatchRuns(ctx context.Context) ([]clientele.MatchRun, error) {
	return p.app.MatchRuns(ctx)
}

func (p *platform) EndMatchRun(ctx context.Context, id clientele.Position, approve bool) (*clientele.MatchRun, error) {
	act := "discard-matching-run"
	if approve {
		act = "approve-matching-run"
	}
	r, err := p.app.EndMatchRun(ctx, operator, id, approve)
	return r, p.acted(act, "", err)
}

func (p *platform) MatchReviews(ctx context.Context, q clientele.MatchReviewQuery, limit int, cursor string) ([]clientele.MatchReview, string, error) {
	list, next, err := p.app.MatchReviews(ctx, q, limit, cursor)
	return list, next, p.acted("list-match-reviews", "", err)
}

func (p *platform) DecideMatches(ctx context.Context, d clientele.MatchDecision) (*clientele.MatchDecided, error) {
	done, err := p.app.DecideMatches(ctx, operator, d)
	return done, p.acted("decide-match-reviews", "", err)
}

func (c *cli) matchRunCommand() *cobra.Command {
	var dry, asJSON bool
	cmd := jsonFlag(c.talks(c.command("match [--dry] [--json]", "Find people who share no identifier: merge the sure ones, queue the others", "identity match --dry", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				r, err := b.StartMatching(ctx, clientele.MatchRunRequest{Dry: dry})
				if err != nil || asJSON {
					return firstError(err, func() error { return writeJSON(c.out, r) })
				}
				c.printMatchRun(r)
				return nil
			})
		})), &asJSON)
	cmd.Flags().BoolVar(&dry, "dry", false, "tell the numbers and change nothing")
	return cmd
}

func (c *cli) printMatchRun(r *clientele.MatchRun) {
	for _, name := range sortedNames(r.Roles) {
		c.printf("  %-22s %s\n", printable(name), r.Roles[name])
	}
	c.printf("people compared      %d\npairs weighed        %d\n", r.Records, r.Pairs)
	c.printf("matches              %d (%d new, %d taken back, %d blocked)\n", r.Matched, r.New, r.Retracted, r.Blocked)
	c.printf("to review            %d\n", r.Review)
	c.printf("profiles             %d -> %d (%d merged, %d split, %d unchanged)\n", r.Before, r.After, r.Merged, r.Split, r.Unchanged)
	c.printf("churn                %.2f %% (limit %.2f %%)\n", 100*r.Churn, 100*r.MaxChurn)
	switch r.State {
	case clientele.MatchDry:
		c.printf("nothing was changed\n")
	case clientele.MatchWaiting:
		c.printf("run %d waits: it changes more than the limit\n  clientele identity approve %d, or discard %d\n", r.ID, r.ID, r.ID)
	default:
		c.printf("run %d is %s\n", r.ID, r.State)
	}
}

// online is how many a run's model has matched since, as people came.
func online(r clientele.MatchRun) string {
	if r.OnlineClosed != 0 {
		return fmt.Sprintf("%d, closed", r.Online)
	}
	return fmt.Sprint(r.Online)
}

func sortedNames(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (c *cli) matchRunsCommand() *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command("runs [--json]", "List the latest runs of matching", "identity runs", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			list, err := b.MatchRuns(ctx)
			if err != nil {
				return err
			}
			t := rows("run", "at", "by", "state", "compared", "matches", "review", "merged", "split", "churn", "online")
			for _, r := range list {
				t.add(strconv.FormatUint(uint64(r.ID), 10), stamp(r.At), r.By, r.State, fmt.Sprint(r.Records), fmt.Sprint(r.Matched), fmt.Sprint(r.Review), fmt.Sprint(r.Merged), fmt.Sprint(r.Split),
					fmt.Sprintf("%.2f %%", 100*r.Churn), online(r))
			}
			return c.show(asJSON, list, t)
		})
	})), &asJSON)
}

func (c *cli) matchEndCommand(name, short string, approve bool) *cobra.Command {
	return c.talks(c.command(name+" RUN", short, "identity "+name+" 4711", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		id, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return usagef("clientele identity runs lists them", "%q is not a run", args[0])
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			r, err := b.EndMatchRun(ctx, clientele.Position(id), approve)
			if err == nil {
				c.printf("run %d is %s\n", r.ID, r.State)
			}
			return err
		})
	}))
}

func (c *cli) reviewsCommand() *cobra.Command {
	var asJSON bool
	var q clientele.MatchReviewQuery
	var state, cursor string
	var limit int
	cmd := jsonFlag(c.talks(c.command("reviews [--state STATE] [--search TEXT] [--limit N] [--cursor C] [--json]", "List pairs that may be one person, side by side", "identity reviews --search miller", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			q.State = clientele.MatchVerdict(state)
			return c.with(ctx, func(ctx context.Context, b backend) error {
				list, next, err := b.MatchReviews(ctx, q, limit, cursor)
				if err != nil || asJSON {
					return firstError(err, func() error { return writeJSON(c.out, map[string]any{"items": list, "next": next}) })
				}
				for _, r := range list {
					if err := c.printReview(r); err != nil {
						return err
					}
				}
				switch {
				case next != "":
					c.printf("more: --cursor %s\n", next)
				case len(list) == 0:
					c.printf("no pairs\n")
				}
				return nil
			})
		})), &asJSON)
	cmd.Flags().StringVar(&state, "state", "open", "`STATE`: open, same, different or unsure")
	cmd.Flags().StringVar(&q.Text, "search", "", "only pairs of which one has the `TEXT` in a value")
	cmd.Flags().IntVar(&limit, "limit", 20, "pairs at most")
	cmd.Flags().StringVar(&cursor, "cursor", "", "where the page before ended")
	return cmd
}

func (c *cli) printReview(r clientele.MatchReview) error {
	c.printf("%s   %.1f %%   %s\n", r.ID, 100*r.Probability, r.State)
	t := rows("", r.Profiles[0].String(), r.Profiles[1].String(), "", "bits")
	for _, f := range r.Fields {
		bits := ""
		if f.Level != "" {
			bits = fmt.Sprintf("%+.1f", f.Weight)
		}
		t.add(f.Field, f.A, f.B, f.Level, bits)
	}
	err := c.sheet(t)
	c.printf("\n")
	return err
}

func (c *cli) decideCommand() *cobra.Command {
	return c.talks(c.command("decide same | different | unsure | undo PAIR...", "Decide pairs of the review queue, or take a decision back", "identity decide same e_00000000008000000000010000", cobra.MinimumNArgs(2),
		func(ctx context.Context, args []string) error {
			verdict := strings.ToLower(args[0])
			if verdict == "undo" {
				verdict = string(clientele.MatchOpen)
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				done, err := b.DecideMatches(ctx, clientele.MatchDecision{IDs: args[1:], Verdict: clientele.MatchVerdict(verdict)})
				if err != nil {
					return err
				}
				c.printf("%d pairs decided\n", done.Changed)
				for _, r := range done.Refused {
					c.printf("%s is not decided: %s\n", r.ID, r.Reason)
				}
				return nil
			})
		}))
}
