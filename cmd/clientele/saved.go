package main

import (
	"context"
	"encoding/json"
	"strings"

	"clientele"
	"clientele/internal/api"

	"github.com/spf13/cobra"
)

// savedBackend is what the commands about saved questions, dashboards and goals work with.
type savedBackend interface {
	SavedAll(ctx context.Context, kind clientele.SavedKind) ([]clientele.Saved, error)
	Save(ctx context.Context, s clientele.Saved) (*clientele.Saved, error)
	DeleteSaved(ctx context.Context, kind clientele.SavedKind, name string) error
	AnswerSaved(ctx context.Context, kind clientele.SavedKind, name string) (*clientele.SavedAnswer, error)
}

var savedOperator = api.Reader{Name: operator, Admin: true}

func (p *platform) SavedAll(ctx context.Context, kind clientele.SavedKind) ([]clientele.Saved, error) {
	return p.app.SavedAll(ctx, savedOperator, kind)
}

func (p *platform) Save(ctx context.Context, s clientele.Saved) (*clientele.Saved, error) {
	v, err := p.app.Save(ctx, savedOperator, s)
	return v, p.acted("set-saved", s.Name, err)
}

func (p *platform) DeleteSaved(ctx context.Context, kind clientele.SavedKind, name string) error {
	return p.acted("delete-saved", name, p.app.DeleteSaved(ctx, savedOperator, kind, name))
}

func (p *platform) AnswerSaved(ctx context.Context, kind clientele.SavedKind, name string) (*clientele.SavedAnswer, error) {
	v, err := p.app.AnswerSaved(ctx, savedOperator, kind, name)
	return v, p.acted("answer-saved", name, err)
}

func (c *cli) savedCommand() *cobra.Command {
	return c.group("saved", "Questions, dashboards and goals under a name", c.savedListCommand(), c.savedPutCommand(), c.savedAnswerCommand(), c.savedDeleteCommand())
}

func (c *cli) savedListCommand() *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command("list [question|dashboard|goal] [--json]", "List what is saved", "saved list goal", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			list, err := b.SavedAll(ctx, clientele.SavedKind(strings.Join(args, "")))
			if err != nil {
				return err
			}
			t := rows("kind", "name", "description", "shared", "by", "at")
			for _, s := range list {
				t.add(string(s.Kind), s.Name, s.Description, strings.Join(s.Shared, ", "), s.By, stamp(s.At))
			}
			return c.show(asJSON, list, t)
		})
	})), &asJSON)
}

func (c *cli) savedPutCommand() *cobra.Command {
	return c.talks(c.command("put FILE | -", "Save a question, dashboard or goal", "saved put goal.json", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		text, err := c.readFile(args[0])
		if err != nil {
			return err
		}
		var s clientele.Saved
		if err := json.Unmarshal(text, &s); err != nil {
			return clientele.Errorf(clientele.Invalid, "saved: %w", err).WithHint(`write {"kind":"question","name":"...","question":{...}}`)
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			v, err := b.Save(ctx, s)
			if err == nil {
				c.printf("%s %s is saved\n", v.Kind, v.Name)
			}
			return err
		})
	}))
}

func (c *cli) savedAnswerCommand() *cobra.Command {
	return c.talks(c.command("answer question|dashboard|goal NAME", "Print what it answers now as JSON", "saved answer goal spring", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			v, err := b.AnswerSaved(ctx, clientele.SavedKind(args[0]), args[1])
			if err != nil {
				return err
			}
			return writeJSON(c.out, v)
		})
	}))
}

func (c *cli) savedDeleteCommand() *cobra.Command {
	return c.talks(c.command("delete question|dashboard|goal NAME", "Delete it", "saved delete goal spring", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			err := b.DeleteSaved(ctx, clientele.SavedKind(args[0]), args[1])
			if err == nil {
				c.printf("%s %s is no more\n", printable(args[0]), printable(args[1]))
			}
			return err
		})
	}))
}
