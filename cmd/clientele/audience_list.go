package main

import (
	"context"
	"io"
	"os"
	"strings"

	"clientele"
	"clientele/internal/api"

	"github.com/spf13/cobra"
)

// listBackend is what the commands about static and SQL audiences work with.
type listBackend interface {
	UploadAudience(ctx context.Context, name string, up clientele.AudienceUpload, text []byte) (*clientele.AudienceUploaded, error)
	RefreshAudience(ctx context.Context, name string) (*clientele.AudienceInForce, error)
	SuppressedProfiles(ctx context.Context, name string, limit int, cursor string) ([]clientele.SuppressedProfile, string, error)
}

func (p *platform) UploadAudience(ctx context.Context, name string, up clientele.AudienceUpload, text []byte) (*clientele.AudienceUploaded, error) {
	out, err := p.app.UploadAudience(ctx, operator, name, up, text)
	return out, p.acted("upload-audience", name, err)
}

func (p *platform) RefreshAudience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	v, err := p.app.RefreshAudience(ctx, operator, name)
	return v, p.acted("refresh-audience", name, err)
}

func (p *platform) SuppressedProfiles(ctx context.Context, name string, limit int, cursor string) ([]clientele.SuppressedProfile, string, error) {
	list, next, err := p.app.SuppressedProfiles(ctx, name, limit, cursor)
	return list, next, p.acted("audience-suppressed", name, err)
}

func (c *cli) audienceSuppressedCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := jsonFlag(c.talks(c.command("suppressed NAME [--limit N] [--json]", "List whom an audience's suppress rules leave out, and by which", "audience suppressed vip", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				list, err := pages(ctx, limit, func(ctx context.Context, n int, cursor string) ([]clientele.SuppressedProfile, string, error) {
					return b.SuppressedProfiles(ctx, args[0], n, cursor)
				})
				if err != nil {
					return err
				}
				t := rows("profile", "rule", "all rules")
				for _, p := range list {
					t.add(p.Profile.String(), p.By, strings.Join(p.Rules, ", "))
				}
				return c.show(asJSON, list, t)
			})
		})), &asJSON)
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

// uploadFlags are those that say what the identifiers of a file are.
func uploadFlags(cmd *cobra.Command, up *clientele.AudienceUpload) {
	cmd.Flags().StringVar((*string)(&up.Namespace), "namespace", string(clientele.Email), "of the file's identifiers; SHA-256 hashes are recognised for email and phone")
	cmd.Flags().StringVar(&up.Column, "column", "", "that holds them, where the file has several")
	cmd.Flags().BoolVar(&up.Keep, "keep-unmatched", false, "keep keyed hashes of those that nobody has, so that who has one later joins")
}

func (c *cli) audienceUploadCommand() *cobra.Command {
	var up clientele.AudienceUpload
	cmd := c.talks(c.command("upload NAME FILE | - [--mode replace|append|remove]", "Change the list of a static audience by a file of identifiers", "audience upload partners list.csv --namespace email", cobra.ExactArgs(2),
		func(ctx context.Context, args []string) error {
			text, err := c.readList(args[1])
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error { return c.upload(ctx, b, args[0], up, text) })
		}))
	uploadFlags(cmd, &up)
	cmd.Flags().StringVar((*string)(&up.Mode), "mode", string(clientele.ListReplace), "replace, append or remove")
	return cmd
}

// upload sends a file of identifiers, and says what it has done.
func (c *cli) upload(ctx context.Context, b backend, name string, up clientele.AudienceUpload, text []byte) error {
	r, err := b.UploadAudience(ctx, name, up, text)
	if err != nil {
		return err
	}
	c.printf("audience %s: %d of %d identifiers are somebody's (%.1f %%)", printable(r.Audience), r.Matched, r.Identifiers, 100*r.MatchRate)
	switch {
	case r.Kept > 0:
		c.printf(", %d are awaited", r.Kept)
	case r.Unmatched > 0:
		c.printf(", %d are not kept", r.Unmatched)
	}
	c.printf("; it has %d members\n", r.Members)
	return nil
}

// readList reads a file of identifiers, standard input for -.
func (c *cli) readList(name string) ([]byte, error) {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "%w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, api.MaxListText+1))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "%w", err)
	}
	if len(b) > api.MaxListText {
		return nil, clientele.Errorf(clientele.TooLarge, "the file is over %d MB", api.MaxListText>>20).WithHint("divide it, and append the parts with --mode append")
	}
	return b, nil
}

func (c *cli) audienceRefreshCommand() *cobra.Command {
	return c.talks(c.command("refresh NAME", "Ask the query of an SQL audience now", "audience refresh big-spenders", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			a, err := b.RefreshAudience(ctx, args[0])
			if err == nil {
				c.printf("audience %s has %d members\n", printable(a.Name), a.Members)
			}
			return err
		})
	}))
}
