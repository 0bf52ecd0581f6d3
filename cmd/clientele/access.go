package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"clientele"

	"github.com/spf13/cobra"
)

func (c *cli) accessCommand() *cobra.Command {
	var out string
	cmd := c.talks(c.command("access NAMESPACE:VALUE --out DIR", "Write everything that is known of a person, with sources, as JSON and as a readable page",
		"access email:ann@example.com --out ./ann", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			if out == "" {
				return usagef("clientele access NAMESPACE:VALUE --out DIR", "name the directory to write into with --out")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				id, err := identifier(ctx, b, args[0])
				if err != nil {
					return err
				}
				d, err := b.Access(ctx, id)
				if err != nil {
					return err
				}
				page, err := b.AccessPage(ctx, id)
				if err != nil {
					return err
				}
				return c.writeAccess(out, d, page)
			})
		}))
	cmd.Flags().StringVar(&out, "out", "", "`DIR`ectory to write access.json and access.html into; made when it is not there")
	return cmd
}

func (c *cli) writeAccess(dir string, d *clientele.Access, page []byte) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	for name, b := range map[string][]byte{"access.json": append(text, '\n'), "access.html": page} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "access: %w", err).WithHint("name another directory with --out")
	}
	c.printf("%s: %d identifiers, %d traits, %d decisions, %d events, %d tables\nwritten to %s\n", d.Profile.ID, len(d.Profile.Identifiers), len(d.Profile.Traits),
		len(d.Consents), len(d.Events), len(d.Tables), dir)
	return nil
}
