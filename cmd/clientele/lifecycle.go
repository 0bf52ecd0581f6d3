package main

import (
	"context"
	"encoding/json"
	"time"

	"clientele"

	"github.com/spf13/cobra"
)

// lifecycleBackend is what the commands about the lifecycle work with.
type lifecycleBackend interface {
	Lifecycle(ctx context.Context) (*clientele.LifecycleInForce, error)
	SetLifecycle(ctx context.Context, stages []clientele.LifecycleStage) (*clientele.LifecycleInForce, error)
}

func (p *platform) Lifecycle(ctx context.Context) (*clientele.LifecycleInForce, error) {
	return p.app.Lifecycle(ctx)
}

func (p *platform) SetLifecycle(ctx context.Context, stages []clientele.LifecycleStage) (*clientele.LifecycleInForce, error) {
	_, err := p.app.SetLifecycle(ctx, operator, stages)
	if err == nil { // nobody serves the directory, so nobody else fills them
		err = p.app.FillLifecycle(ctx)
	}
	if err = p.acted("set-lifecycle", "", err); err != nil {
		return nil, err
	}
	return p.app.Lifecycle(ctx)
}

func (c *cli) lifecycleCommand() *cobra.Command {
	return c.group("lifecycle", "The stages on the way of a customer", c.lifecycleShowCommand(), c.lifecycleSetCommand(), c.lifecycleEndCommand())
}

func (c *cli) lifecycleShowCommand() *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command("show [--json]", "Print the stages in their order", "lifecycle show", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			l, err := b.Lifecycle(ctx)
			if err != nil {
				return err
			}
			t := rows("stage", "description", "where", "lost")
			for _, s := range l.Stages {
				lost := ""
				if s.Lost {
					lost = "lost"
				}
				t.add(s.Name, s.Description, string(s.Where), lost)
			}
			return c.show(asJSON, l, t)
		})
	})), &asJSON)
}

func (c *cli) lifecycleSetCommand() *cobra.Command {
	var standard bool
	cmd := c.talks(c.command("set FILE | - | --default", "Bring stages into force, and wait until they are live", "lifecycle set --default", cobra.MaximumNArgs(1),
		func(ctx context.Context, args []string) error {
			stages, err := c.readStages(args, standard)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				l, err := b.SetLifecycle(ctx, stages)
				const look = 200 * time.Millisecond
				for err == nil && l.Filling != nil {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(look):
					}
					l, err = b.Lifecycle(ctx)
				}
				if err == nil {
					c.printf("version %d of the lifecycle is live with %d stages\n", l.Version, len(l.Stages))
				}
				return err
			})
		}))
	cmd.Flags().BoolVar(&standard, "default", false, "awareness, interest, intent, purchase, retention, lapsed, by the events of Segment's specification")
	return cmd
}

// readStages reads a list of stages, or an object that has one, as show --json prints it.
func (c *cli) readStages(args []string, standard bool) ([]clientele.LifecycleStage, error) {
	if standard == (len(args) == 1) {
		return nil, usagef("name a file, or --default", "lifecycle set needs one of a file and --default")
	}
	if standard {
		return clientele.DefaultLifecycle(), nil
	}
	text, err := c.readFile(args[0])
	if err != nil {
		return nil, err
	}
	var list []clientele.LifecycleStage
	if json.Unmarshal(text, &list) == nil {
		return list, nil
	}
	var in clientele.LifecycleInForce
	if err := json.Unmarshal(text, &in); err != nil || len(in.Stages) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "%s has no list of stages", args[0]).WithHint(`write [{"name":"awareness"},{"name":"interest","where":{...}}]`)
	}
	return in.Stages, nil
}

func (c *cli) lifecycleEndCommand() *cobra.Command {
	return c.talks(c.command("end", "End the lifecycle: everybody leaves the stages", "lifecycle end", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			_, err := b.SetLifecycle(ctx, nil)
			if err == nil {
				c.printf("the lifecycle is no more\n")
			}
			return err
		})
	}))
}
