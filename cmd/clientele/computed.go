package main

import (
	"context"
	"fmt"

	"clientele"
	"clientele/internal/app"
	"clientele/internal/computed"

	"github.com/spf13/cobra"
)

// computedBackend is what the commands about computed traits work with.
type computedBackend interface {
	ComputedTraits(ctx context.Context) ([]clientele.ComputedInForce, error)
	SetComputedTrait(ctx context.Context, t clientele.ComputedTrait) (*clientele.ComputedInForce, error)
	DeleteComputedTrait(ctx context.Context, name string) error
	PreviewComputedTrait(ctx context.Context, t clientele.ComputedTrait, id clientele.Identifier) (*clientele.ComputedPreview, error)
}

func (p *platform) ComputedTraits(ctx context.Context) ([]clientele.ComputedInForce, error) {
	return p.app.ComputedTraits(ctx)
}

func (p *platform) SetComputedTrait(ctx context.Context, t clientele.ComputedTrait) (*clientele.ComputedInForce, error) {
	v, err := p.app.SetComputedTrait(ctx, operator, t)
	return v, p.acted("set-computed-trait", t.Name, err)
}

func (p *platform) DeleteComputedTrait(ctx context.Context, name string) error {
	return p.acted("delete-computed-trait", name, p.app.DeleteComputedTrait(ctx, operator, name))
}

func (p *platform) PreviewComputedTrait(ctx context.Context, t clientele.ComputedTrait, id clientele.Identifier) (*clientele.ComputedPreview, error) {
	v, err := p.app.PreviewComputedTrait(ctx, t, id)
	return v, p.acted("preview-computed-trait", p.about(id), err)
}

func (c *cli) computedCommand() *cobra.Command {
	return c.group("computed", "Traits that are made of what events and orders add up to", c.computedListCommand(), c.computedSetCommand(), c.computedPreviewCommand(),
		c.computedPackCommand(),
		deleteCommand(c, "computed", "computed trait", "End a computed trait", "margin", backend.DeleteComputedTrait))
}

func (c *cli) computedListCommand() *cobra.Command {
	return listCommand(c, "computed", "List computed traits and how far they are filled", backend.ComputedTraits, []string{"trait", "type", "filled", "definition", "by", "at"},
		func(x clientele.ComputedInForce) []string {
			return []string{x.Name, x.Type.String(), fmt.Sprintf("%.0f %%", 100*x.Progress), string(x.Definition), x.By, stamp(x.At)}
		})
}

func (c *cli) computedSetCommand() *cobra.Command {
	return c.talks(c.command("set FILE... | pack:commerce", "Have computed traits (YAML or JSON lists) filled, in the place of those of their names", "computed set pack:commerce",
		cobra.MinimumNArgs(1), func(ctx context.Context, args []string) error {
			traits, err := app.ReadComputed(args)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				for _, t := range traits {
					in, err := b.SetComputedTrait(ctx, t)
					if err != nil {
						return err
					}
					c.printf("computed trait %s is being filled since log position %d\n", in.Name, in.Position)
				}
				return nil
			})
		}))
}

func (c *cli) computedPreviewCommand() *cobra.Command {
	return c.talks(c.command("preview FILE NAMESPACE:VALUE", "Show what definitions would give for one profile", "computed preview pack:commerce email:ann@example.com", cobra.ExactArgs(2),
		func(ctx context.Context, args []string) error {
			traits, err := app.ReadComputed(args[:1])
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				id, err := identifier(ctx, b, args[1])
				if err != nil {
					return err
				}
				t := rows("trait", "value")
				for _, x := range traits {
					p, err := b.PreviewComputedTrait(ctx, x, id)
					if err != nil {
						return err
					}
					value := string(p.Value)
					if value == "null" {
						value = ""
					}
					t.add(x.Name, value)
				}
				return c.sheet(t)
			})
		}))
}

func (c *cli) computedPackCommand() *cobra.Command {
	return c.command("pack NAME", "Print a ready-made pack as JSON", "computed pack commerce", cobra.ExactArgs(1), func(_ context.Context, args []string) error {
		traits, err := computed.Pack(args[0])
		if err != nil {
			return err
		}
		return writeJSON(c.out, traits)
	})
}
