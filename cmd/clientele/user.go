package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"clientele"
	"clientele/client"
	"clientele/internal/role"
	"clientele/internal/token"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// userBackend is a server, or the file of users where none runs.
type userBackend interface {
	Users(ctx context.Context) ([]client.User, error)
	AddUser(ctx context.Context, name, role, password string) error
	SetUserRole(ctx context.Context, name, role string) error
	DisableUser(ctx context.Context, name string, disabled bool) error
	SetUserPassword(ctx context.Context, name, password string) error
	DeleteUser(ctx context.Context, name string) error
}

func (f tokenFile) Users(ctx context.Context) ([]client.User, error) {
	users, err := f.ListUsers(ctx)
	out := []client.User{}
	for _, u := range users {
		out = append(out, client.User{Name: u.Name, Role: string(u.Role), Created: u.Created, PasswordSince: u.Password, Disabled: u.Disabled, SignedIn: u.SignedIn})
	}
	return out, err
}

func (f tokenFile) AddUser(ctx context.Context, name, as, password string) error {
	_, err := f.Store.AddUser(ctx, name, role.Role(as), password)
	return recordAct(f.cfg, "add-user", name, err)
}

func (f tokenFile) SetUserRole(ctx context.Context, name, as string) error {
	r := role.Role(as)
	return f.changeUser(ctx, name, token.UserChange{Role: &r})
}

func (f tokenFile) DisableUser(ctx context.Context, name string, disabled bool) error {
	return f.changeUser(ctx, name, token.UserChange{Disabled: &disabled})
}

func (f tokenFile) changeUser(ctx context.Context, name string, c token.UserChange) error {
	_, err := f.ChangeUser(ctx, name, c)
	return recordAct(f.cfg, "change-user", name, err)
}

func (f tokenFile) SetUserPassword(ctx context.Context, name, password string) error {
	return recordAct(f.cfg, "set-password", name, f.SetPassword(ctx, name, password))
}

func (f tokenFile) DeleteUser(ctx context.Context, name string) error {
	return recordAct(f.cfg, "delete-user", name, f.Store.DeleteUser(ctx, name))
}

func (c *cli) userBackend(ctx context.Context) (userBackend, error) {
	b, err := c.tokenBackend(ctx)
	if err != nil {
		return nil, err
	}
	return b.(userBackend), nil
}

// on does something with the server's users, or those of the directory.
func (c *cli) on(done string, do func(ctx context.Context, b userBackend, args []string) error) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		b, err := c.userBackend(ctx)
		if err == nil {
			err = do(ctx, b, args)
		}
		if err == nil {
			c.printf(done+"\n", args[0])
		}
		return err
	}
}

func (c *cli) userCommand() *cobra.Command {
	as := ""
	add := c.talks(c.command("add NAME --role ROLE", "Let somebody sign in to the console; asks for the password, or reads it from standard input",
		"user add ann --role marketer", cobra.ExactArgs(1), c.on("%s can sign in", func(ctx context.Context, b userBackend, args []string) error {
			if !role.Role(as).Known() {
				return usagef("--role "+roleNames(), "--role is missing, or there is no such role")
			}
			password, err := c.newPassword(args[0])
			if err != nil {
				return err
			}
			return b.AddUser(ctx, args[0], as, password)
		})))
	add.Flags().StringVar(&as, "role", "", roleNames())
	return c.group("user", "People who sign in to the console", add, c.userListCommand(),
		c.talks(c.command("role NAME ROLE", "Give somebody another role, from the next request on", "user role ann analyst", cobra.ExactArgs(2),
			c.on("%s has another role", func(ctx context.Context, b userBackend, args []string) error {
				return b.SetUserRole(ctx, args[0], args[1])
			}))),
		c.talks(c.command("password NAME", "Give somebody another password and end their sessions; asks for it, or reads it from standard input", "user password ann", cobra.ExactArgs(1),
			c.on("%s has another password", func(ctx context.Context, b userBackend, args []string) error {
				password, err := c.newPassword(args[0])
				if err != nil {
					return err
				}
				return b.SetUserPassword(ctx, args[0], password)
			}))),
		c.talks(c.command("disable NAME", "End somebody's sessions and let them in no longer", "user disable ann", cobra.ExactArgs(1),
			c.on("%s is disabled", func(ctx context.Context, b userBackend, args []string) error {
				return b.DisableUser(ctx, args[0], true)
			}))),
		c.talks(c.command("enable NAME", "Let somebody in again", "user enable ann", cobra.ExactArgs(1),
			c.on("%s can sign in again", func(ctx context.Context, b userBackend, args []string) error {
				return b.DisableUser(ctx, args[0], false)
			}))),
		c.talks(c.command("delete NAME", "Delete somebody; what they did stays in the audit log", "user delete ann", cobra.ExactArgs(1),
			c.on("%s is deleted", func(ctx context.Context, b userBackend, args []string) error { return b.DeleteUser(ctx, args[0]) }))))
}

func (c *cli) userListCommand() *cobra.Command {
	return c.talks(c.command("list", "List who can sign in, and as what", "user list", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			b, err := c.userBackend(ctx)
			if err != nil {
				return err
			}
			users, err := b.Users(ctx)
			if err != nil {
				return err
			}
			t := rows("name", "role", "created", "password since", "disabled")
			for _, u := range users {
				t.add(u.Name, u.Role, stamp(u.Created), stamp(u.PasswordSince), stamp(u.Disabled))
			}
			return c.sheet(t)
		}))
}

func roleNames() string {
	var names []string
	for _, r := range role.All() {
		names = append(names, string(r))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// newPassword asks for a password twice, without showing it, on a terminal; otherwise it is the first line of standard
// input. It is no argument: those can be read by others on the machine.
func (c *cli) newPassword(name string) (string, error) {
	in, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(c.in).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" && err != nil {
			return "", clientele.Errorf(clientele.Invalid, "there is no password on standard input").WithHint("run it on a terminal, or give the password as a line of standard input")
		}
		return line, nil
	}
	typed := [2]string{}
	for i, question := range []string{"password for " + name + ": ", "the same again: "} {
		fmt.Fprint(c.err, question)
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(c.err)
		if err != nil {
			return "", clientele.Errorf(clientele.Unavailable, "the terminal cannot be read: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", clientele.Errorf(clientele.Invalid, "these are two passwords").WithHint("type the same twice")
	}
	return typed[0], nil
}
