package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele/client"
	"clientele/internal/config"
	"clientele/internal/role"
	"clientele/internal/token"

	"github.com/spf13/cobra"
)

// tokenBackend is a server, or the token file where none runs.
type tokenBackend interface {
	CreateToken(ctx context.Context, name string, scopes []string) (secret string, err error)
	CreateRoleToken(ctx context.Context, name, role string) (secret string, err error)
	Tokens(ctx context.Context) ([]client.Token, error)
	RevokeToken(ctx context.Context, name string) error
}

// tokenFile needs no lock on the data directory: the file is replaced whole, and a running
// server, which would not see the change, is asked instead.
type tokenFile struct {
	*token.Store
	cfg config.Config
}

func (f tokenFile) RevokeToken(ctx context.Context, name string) error {
	return recordAct(f.cfg, "revoke-token", name, f.Store.RevokeToken(ctx, name))
}

func (f tokenFile) CreateToken(ctx context.Context, name string, scopes []string) (string, error) {
	typed := make([]token.Scope, len(scopes))
	for i, s := range scopes {
		typed[i] = token.Scope(s)
	}
	secret, _, err := f.Store.CreateToken(ctx, name, typed)
	return secret, recordAct(f.cfg, "create-token", name, err)
}

func (f tokenFile) CreateRoleToken(ctx context.Context, name, r string) (string, error) {
	secret, _, err := f.Store.CreateRoleToken(ctx, name, role.Role(r))
	return secret, recordAct(f.cfg, "create-token", name, err)
}

func (f tokenFile) Tokens(ctx context.Context) ([]client.Token, error) {
	infos, err := f.ListTokens(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]client.Token, len(infos))
	for i, t := range infos {
		out[i] = client.Token{Name: t.Name, Role: string(t.Role), Created: t.Created, Revoked: t.Revoked}
		for _, s := range t.Scopes {
			out[i].Scopes = append(out[i].Scopes, string(s))
		}
	}
	return out, nil
}

func (c *cli) tokenBackend(ctx context.Context) (tokenBackend, error) {
	if c.server != "" {
		b, err := c.remote()
		if err != nil {
			return nil, err
		}
		return b.(remote), nil
	}
	cfg, err := c.validConfig()
	if err != nil {
		return nil, err
	}
	if r, ok := liveServer(ctx, cfg.Data); ok {
		return r, nil
	}
	s, err := token.Open(cfg.Data, time.Now)
	if err != nil {
		return nil, err
	}
	return tokenFile{s, cfg}, nil
}

func (c *cli) tokenCommand() *cobra.Command {
	return c.group("token", "Tokens of the HTTP API", c.tokenCreateCommand(), c.tokenListCommand(), c.tokenRevokeCommand())
}

func (c *cli) tokenCreateCommand() *cobra.Command {
	var scopes []string
	var as string
	cmd := c.talks(c.command("create NAME (--scope read,write,collect,admin | --role ROLE)", "Make a token and print its secret, this once",
		"token create dashboards --scope read", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			switch {
			case len(scopes) == 0 && as == "":
				return usagef("read, write, collect or admin, with commas; or --role viewer instead", "--scope is missing")
			case len(scopes) > 0 && as != "":
				return usagef("leave one out", "a token has scopes or a role, not both")
			}
			b, err := c.tokenBackend(ctx)
			if err != nil {
				return err
			}
			var secret string
			if as != "" {
				secret, err = b.CreateRoleToken(ctx, args[0], as)
			} else {
				secret, err = b.CreateToken(ctx, args[0], scopes)
			}
			if err != nil {
				return err
			}
			c.printf("%s\n", secret)
			fmt.Fprintln(c.err, "this is the only time it is shown; use it as CLIENTELE_TOKEN or as Authorization: Bearer")
			return nil
		}))
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what it allows: read, write, collect, admin")
	cmd.Flags().StringVar(&as, "role", "", "instead: what it may do and sees is what the role does and sees")
	return cmd
}

func (c *cli) tokenListCommand() *cobra.Command {
	return c.talks(c.command("list", "List tokens, revoked ones included, without their secrets", "token list", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			b, err := c.tokenBackend(ctx)
			if err != nil {
				return err
			}
			tokens, err := b.Tokens(ctx)
			if err != nil {
				return err
			}
			t := rows("name", "scopes", "created", "revoked")
			for _, k := range tokens {
				t.add(k.Name, strings.Join(append(k.Scopes, roleOf(k)...), ","), stamp(k.Created), stamp(k.Revoked))
			}
			return c.sheet(t)
		}))
}

func roleOf(k client.Token) []string {
	if k.Role == "" {
		return nil
	}
	return []string{"role " + k.Role}
}

func (c *cli) tokenRevokeCommand() *cobra.Command {
	return c.talks(c.command("revoke NAME", "End a token, at once", "token revoke dashboards", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			b, err := c.tokenBackend(ctx)
			if err != nil {
				return err
			}
			if err := b.RevokeToken(ctx, args[0]); err != nil {
				return err
			}
			c.printf("%s is revoked\n", args[0])
			return nil
		}))
}
