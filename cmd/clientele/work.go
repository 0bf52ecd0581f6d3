package main

import (
	"context"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

// workBackend is what people do about audiences together.
type workBackend interface {
	ApproveAudience(ctx context.Context, name string) (*clientele.AudienceInForce, error)
	WithdrawDraft(ctx context.Context, name string) error
	SetAudienceOwner(ctx context.Context, name, owner string) (*clientele.AudienceInForce, error)
	AudienceComments(ctx context.Context, name string) ([]clientele.AudienceComment, error)
	CommentAudience(ctx context.Context, name, text string) (*clientele.AudienceComment, error)
}

func (p *platform) ApproveAudience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	v, err := p.app.ApproveAudience(ctx, operator, name, 0)
	if err == nil {
		err = p.app.FillAudience(ctx, v)
	}
	return v, p.acted("approve-audience", name, err)
}

func (p *platform) WithdrawDraft(ctx context.Context, name string) error {
	return p.acted("withdraw-draft", name, p.app.WithdrawDraft(ctx, operator, name, true))
}

func (p *platform) SetAudienceOwner(ctx context.Context, name, owner string) (*clientele.AudienceInForce, error) {
	v, err := p.app.SetAudienceOwner(ctx, operator, name, owner)
	return v, p.acted("set-audience-owner", name, err)
}

func (p *platform) AudienceComments(ctx context.Context, name string) ([]clientele.AudienceComment, error) {
	return p.app.AudienceComments(ctx, name)
}

func (p *platform) CommentAudience(ctx context.Context, name, text string) (*clientele.AudienceComment, error) {
	v, err := p.app.CommentAudience(ctx, operator, name, text)
	return v, p.acted("comment-audience", name, err)
}

// workCommands are those of the group audience that people work together by.
func (c *cli) workCommands() []*cobra.Command {
	simple := func(use, short, example string, args cobra.PositionalArgs, done string, do func(ctx context.Context, b backend, args []string) error) *cobra.Command {
		return c.talks(c.command(use, short, example, args, func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				if err := do(ctx, b, args); err != nil {
					return err
				}
				c.printf(done+"\n", args[0])
				return nil
			})
		}))
	}
	return []*cobra.Command{
		simple("approve NAME", "Bring the draft of an audience into force", "audience approve vip", cobra.ExactArgs(1), "%s is approved", func(ctx context.Context, b backend, args []string) error {
			_, err := b.ApproveAudience(ctx, args[0])
			return err
		}),
		simple("withdraw NAME", "Take the draft of an audience back, or refuse it", "audience withdraw vip", cobra.ExactArgs(1), "the draft of %s is gone", func(ctx context.Context, b backend, args []string) error {
			return b.WithdrawDraft(ctx, args[0])
		}),
		simple("owner NAME OWNER", "Say who answers for an audience", "audience owner vip ann", cobra.ExactArgs(2), "%s has another owner", func(ctx context.Context, b backend, args []string) error {
			_, err := b.SetAudienceOwner(ctx, args[0], args[1])
			return err
		}),
		simple("comment NAME TEXT...", "Say something of an audience", "audience comment vip \"for the spring letter\"", cobra.MinimumNArgs(2), "said of %s", func(ctx context.Context, b backend, args []string) error {
			_, err := b.CommentAudience(ctx, args[0], strings.Join(args[1:], " "))
			return err
		}),
		c.talks(c.command("comments NAME", "List what was said of an audience, the oldest first", "audience comments vip", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				list, err := b.AudienceComments(ctx, args[0])
				if err != nil {
					return err
				}
				t := rows("at", "by", "comment")
				for _, x := range list {
					t.add(stamp(x.At), x.By, x.Text)
				}
				return c.sheet(t)
			})
		})),
	}
}
