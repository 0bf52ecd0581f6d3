package main

import (
	"context"

	"clientele"

	"github.com/spf13/cobra"
)

// requestBackend is what the commands about requests of persons work with.
type requestBackend interface {
	SubjectRequests(ctx context.Context) ([]clientele.SubjectRequest, error)
	EnterRequest(ctx context.Context, in clientele.NewSubjectRequest) (*clientele.SubjectRequest, error)
	CloseRequest(ctx context.Context, id string, end clientele.SubjectRequestEnd) (*clientele.SubjectRequest, error)
}

func (p *platform) SubjectRequests(ctx context.Context) ([]clientele.SubjectRequest, error) {
	return p.app.SubjectRequests(ctx)
}

func (p *platform) EnterRequest(ctx context.Context, in clientele.NewSubjectRequest) (*clientele.SubjectRequest, error) {
	v, err := p.app.EnterRequest(ctx, operator, in)
	return v, p.acted("enter-request", p.about(clientele.Identifier{Namespace: in.Namespace, Value: in.Value}), err)
}

func (p *platform) CloseRequest(ctx context.Context, id string, end clientele.SubjectRequestEnd) (*clientele.SubjectRequest, error) {
	v, err := p.app.CloseRequest(ctx, operator, id, end)
	target := ""
	if err == nil {
		target = v.ID
	}
	return v, p.acted("close-request", target, err)
}

func (c *cli) requestCommand() *cobra.Command {
	return c.group("request", "What persons have asked for, and by when it is due", c.requestListCommand(), c.requestEnterCommand(), c.requestCloseCommand())
}

func (c *cli) requestListCommand() *cobra.Command {
	return listCommand(c, "request", "List what persons have asked for: what waits first, by when it is due", backend.SubjectRequests,
		[]string{"request", "kind", "profile", "received", "due", "outcome", "closed", "reference", "reason"},
		func(r clientele.SubjectRequest) []string {
			profile := r.Profile.String()
			if r.Profile == 0 {
				profile = ""
			}
			return []string{r.ID, r.Kind, profile, stamp(r.Received), stamp(r.Due), r.Outcome, stamp(r.Closed), r.Reference, r.Reason}
		})
}

func (c *cli) requestEnterCommand() *cobra.Command {
	var in clientele.NewSubjectRequest
	var received string
	cmd := c.talks(c.command("enter NAMESPACE:VALUE --kind access|erasure [--received DAY] [--reference TEXT]", "Note that a person asks for access or erasure",
		"request enter email:ann@example.com --kind access --received 2026-02-20 --reference 'letter 12'", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			if in.Kind == "" {
				return usagef("clientele request enter NAMESPACE:VALUE --kind access", "say with --kind what the person asks for: access or erasure")
			}
			var err error
			if in.Received, err = clientele.ParseInstant(received); err != nil {
				return clientele.Errorf(clientele.Invalid, "--received: %w", err).WithHint("%s", clientele.ErrorHint(err))
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				id, err := identifier(ctx, b, args[0])
				if err != nil {
					return err
				}
				in.Namespace, in.Value = id.Namespace, id.Value
				r, err := b.EnterRequest(ctx, in)
				if err != nil {
					return err
				}
				c.printf("request %s for %s of %s is due on %s\n", r.ID, r.Kind, r.Profile, stamp(r.Due))
				return nil
			})
		}))
	cmd.Flags().StringVar(&in.Kind, "kind", "", "access or erasure")
	cmd.Flags().StringVar(&received, "received", "", "when the person asked: a day such as 2026-02-20, or RFC 3339; now when it is left out")
	cmd.Flags().StringVar(&in.Reference, "reference", "", "of the letter or the ticket; no personal data")
	return cmd
}

func (c *cli) requestCloseCommand() *cobra.Command {
	var answered bool
	var refused string
	cmd := c.talks(c.command("close REQUEST --answered | --refused REASON", "Note how a request ended; an erasure closes those for it by itself",
		"request close rq_17 --answered", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			end := clientele.SubjectRequestEnd{Outcome: clientele.RequestAnswered}
			if refused != "" {
				end = clientele.SubjectRequestEnd{Outcome: clientele.RequestRefused, Reason: refused}
			}
			if answered == (refused != "") {
				return usagef("clientele request close REQUEST --answered, or --refused REASON", "say how it ended: either --answered, or --refused with what the person was told")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				r, err := b.CloseRequest(ctx, args[0], end)
				if err != nil {
					return err
				}
				c.printf("request %s is closed: %s\n", r.ID, r.Outcome)
				return nil
			})
		}))
	cmd.Flags().BoolVar(&answered, "answered", false, "the person has the answer")
	cmd.Flags().StringVar(&refused, "refused", "", "it was refused, for this reason, as the person was told")
	return cmd
}
