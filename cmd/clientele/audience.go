package main

import (
	"context"
	"strconv"
	"time"

	"clientele"

	"github.com/spf13/cobra"
)

// audienceBackend is what the commands about audiences work with.
type audienceBackend interface {
	listBackend
	workBackend
	Audiences(ctx context.Context) ([]clientele.AudienceInForce, error)
	Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error)
	SetAudience(ctx context.Context, a clientele.Audience) (*clientele.AudienceInForce, error)
	DeleteAudience(ctx context.Context, name string) error
	AudienceMembers(ctx context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error)
	PreviewAudience(ctx context.Context, where clientele.RawJSON) (*clientele.AudiencePreview, error)
	Percentiles(ctx context.Context) ([]clientele.PercentileThreshold, error)
	RefreshPercentiles(ctx context.Context) ([]clientele.PercentileThreshold, error)
}

func (p *platform) Audiences(ctx context.Context) ([]clientele.AudienceInForce, error) {
	return p.app.Audiences(ctx)
}

func (p *platform) Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	return p.app.Audience(ctx, name)
}

func (p *platform) SetAudience(ctx context.Context, a clientele.Audience) (*clientele.AudienceInForce, error) {
	v, err := p.app.SetAudience(ctx, operator, a)
	if err == nil { // nobody serves the directory, so nobody else fills it
		err = p.app.FillAudience(ctx, v)
	}
	return v, p.acted("set-audience", a.Name, err)
}

func (p *platform) DeleteAudience(ctx context.Context, name string) error {
	return p.acted("delete-audience", name, p.app.DeleteAudience(ctx, operator, name))
}

func (p *platform) AudienceMembers(ctx context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error) {
	list, next, err := p.app.AudienceMembers(ctx, name, limit, cursor)
	return list, next, p.acted("audience-members", name, err)
}

func (p *platform) PreviewAudience(ctx context.Context, where clientele.RawJSON) (*clientele.AudiencePreview, error) {
	v, err := p.app.PreviewAudience(ctx, "", where)
	return v, p.acted("preview-audience", "", err)
}

func (p *platform) Percentiles(ctx context.Context) ([]clientele.PercentileThreshold, error) {
	return p.app.Percentiles(ctx)
}

func (p *platform) RefreshPercentiles(ctx context.Context) ([]clientele.PercentileThreshold, error) {
	list, err := p.app.RefreshPercentiles(ctx, operator)
	return list, p.acted("refresh-percentiles", "", err)
}

func (c *cli) audienceCommand() *cobra.Command {
	return c.group("audience", "Who to act on", append(c.workCommands(), c.audienceListCommand(),
		showCommand(c, "audience", "Print an audience as JSON", "vip", backend.Audience), c.audienceCreateCommand(), c.audiencePreviewCommand(),
		c.audienceMembersCommand(), c.audienceUploadCommand(), c.audienceRefreshCommand(), c.audienceSuppressedCommand(), c.audiencePercentilesCommand(),
		deleteCommand(c, "audience", "audience", "End an audience: its members leave it", "vip", backend.DeleteAudience))...)
}

func (c *cli) audienceListCommand() *cobra.Command {
	return listCommand(c, "audience", "List audiences with their sizes", backend.Audiences, []string{"audience", "kind", "members", "version", "reads", "by", "at"},
		func(a clientele.AudienceInForce) []string {
			return []string{a.Name, string(a.Kind), strconv.FormatInt(a.Members, 10), versionText(&a), a.Reads, a.By, stamp(a.At)}
		})
}

// versionText is the live version, and the one that is being filled.
func versionText(a *clientele.AudienceInForce) string {
	s := strconv.Itoa(a.Version)
	if a.Draft != nil {
		s += ", draft of " + a.Draft.By
	}
	if a.Filling != nil {
		s += ", " + strconv.Itoa(a.Filling.Version) + " at " + strconv.FormatInt(a.Filling.Filled, 10) + "/" + strconv.FormatInt(a.Filling.Profiles, 10)
	}
	return s
}

// creation is an audience as the command line names it: by a definition, a file of identifiers or a query.
type creation struct {
	clientele.Audience
	file     string // of identifiers
	rules    string // file of suppress rules
	identify clientele.AudienceUpload
}

// read fills in the kind, and reads the definition or the list.
func (n *creation) read(c *cli, args []string) (list []byte, err error) {
	n.Name = args[0]
	if n.rules != "" {
		if n.Suppress, err = c.readFile(n.rules); err != nil {
			return nil, err
		}
	}
	ways := len(args) - 1
	for _, way := range []string{n.file, n.Query} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, clientele.Errorf(clientele.Invalid, "an audience is made of one thing").WithHint("give a definition FILE, or --file with identifiers, or --sql with a query")
	case n.file != "":
		n.Kind = clientele.AudienceStatic
		n.identify.Mode = clientele.ListReplace
		return c.readList(n.file)
	case n.Query != "":
		n.Kind = clientele.AudienceSQL
		return nil, nil
	}
	n.Where, err = c.readFile(args[1])
	return nil, err
}

func (c *cli) audienceCreateCommand() *cobra.Command {
	var n creation
	cmd := c.talks(c.command("create NAME FILE | - | --file LIST | --sql QUERY", "Bring an audience into force, or a new version of it, and wait until it is live", "audience create vip vip.json", cobra.RangeArgs(1, 2),
		func(ctx context.Context, args []string) error {
			list, err := n.read(c, args)
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				before := int64(-1)
				if was, err := b.Audience(ctx, n.Name); err == nil && was.Version > 0 {
					before = was.Members
				}
				a, err := b.SetAudience(ctx, n.Audience)
				if err != nil {
					return err
				}
				if list != nil {
					return c.upload(ctx, b, n.Name, n.identify, list)
				}
				if a, err = c.awaitLive(ctx, b, a); err != nil {
					return err
				}
				c.printf("audience %s: version %d is live with %d members", a.Name, a.Version, a.Members)
				if before >= 0 {
					c.printf("; before it had %d", before)
				}
				c.printf("\n")
				if a.List != nil && a.List.Error != "" {
					return clientele.Errorf(clientele.Invalid, "its query failed: %s", a.List.Error)
				}
				return nil
			})
		}))
	cmd.Flags().StringVar(&n.Description, "description", "", "what it is for")
	cmd.Flags().StringVar(&n.file, "file", "", "a file of identifiers: the audience is static")
	cmd.Flags().StringVar(&n.Query, "sql", "", "a SELECT of profile_id: the audience is refreshed by it")
	cmd.Flags().StringVar(&n.Every, "every", "", "how often the query is asked, 6h; once a day unless said otherwise")
	cmd.Flags().StringVar(&n.rules, "suppress", "", "a file of rules that leave people out")
	uploadFlags(cmd, &n.identify)
	return cmd
}

// awaitLive waits until all profiles have been looked at, and shows how far it is.
func (c *cli) awaitLive(ctx context.Context, b backend, a *clientele.AudienceInForce) (*clientele.AudienceInForce, error) {
	const look = 200 * time.Millisecond
	p := c.newProgress("profiles")
	defer p.end()
	var err error
	for a.Filling != nil {
		p.update(a.Filling.Filled, float64(a.Filling.Filled), float64(a.Filling.Profiles))
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(look):
		}
		if a, err = b.Audience(ctx, a.Name); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (c *cli) audiencePreviewCommand() *cobra.Command {
	var asJSON bool
	var rules string
	cmd := jsonFlag(c.talks(c.command("preview FILE | - [--json]", "Count who would be in an audience; nothing is changed", "audience preview vip.json", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			where, err := c.readFile(args[0])
			if err != nil {
				return err
			}
			if rules != "" {
				suppress, err := c.readFile(rules)
				if err != nil {
					return err
				}
				where = clientele.WithSuppress(where, suppress)
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				p, err := b.PreviewAudience(ctx, where)
				if err != nil || asJSON {
					return firstError(err, func() error { return writeJSON(c.out, p) })
				}
				c.printf("%s\n%d of %d profiles\n", p.Reads, p.Count, p.Total)
				for _, x := range p.Percentiles {
					if x.Value != nil {
						c.printf("percentile %g of %s: %g, of %d profiles, as of %s\n", x.Percentile, x.Trait, *x.Value, x.Profiles, stamp(x.At))
					}
				}
				for _, x := range p.Suppressed {
					c.printf("suppressed by %s: %d, %d of them by no rule before it\n", x.Name, x.Alone, x.Removed)
				}
				for _, x := range p.Problems {
					c.printf("note: %s: %s (%s)\n", x.At, x.What, x.Hint)
				}
				return nil
			})
		})), &asJSON)
	cmd.Flags().StringVar(&rules, "suppress", "", "a file of rules that leave people out")
	return cmd
}

func (c *cli) audiencePercentilesCommand() *cobra.Command {
	var asJSON, refresh bool
	cmd := jsonFlag(c.talks(c.command("percentiles [--refresh] [--json]", "Show the values at percentiles that audiences compare with", "audience percentiles --refresh", cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				read := b.Percentiles
				if refresh {
					read = b.RefreshPercentiles
				}
				list, err := read(ctx)
				if err != nil {
					return err
				}
				t := rows("trait", "percentile", "value", "profiles", "at")
				for _, x := range list {
					value, at := "", ""
					if x.Value != nil {
						value = strconv.FormatFloat(*x.Value, 'f', -1, 64)
					}
					if x.At != 0 {
						at = stamp(x.At)
					}
					t.add(x.Trait, strconv.FormatFloat(x.Percentile, 'f', -1, 64), value, strconv.FormatInt(x.Profiles, 10), at)
				}
				return c.show(asJSON, list, t)
			})
		})), &asJSON)
	cmd.Flags().BoolVar(&refresh, "refresh", false, "compute them now")
	return cmd
}

func (c *cli) audienceMembersCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := jsonFlag(c.talks(c.command("members NAME [--limit N] [--json]", "List the members of an audience", "audience members vip --limit 1000", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return c.with(ctx, func(ctx context.Context, b backend) error {
				list, err := pages(ctx, limit, func(ctx context.Context, n int, cursor string) ([]clientele.Membership, string, error) {
					return b.AudienceMembers(ctx, args[0], n, cursor)
				})
				if err != nil {
					return err
				}
				t := rows("profile", "entered", "reason")
				for _, m := range list {
					t.add(m.Profile.String(), stamp(m.EnteredAt), m.Reason)
				}
				return c.show(asJSON, list, t)
			})
		})), &asJSON)
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

// pages reads pages until there are limit items, or no more.
func pages[T any](ctx context.Context, limit int, read func(context.Context, int, string) ([]T, string, error)) (out []T, err error) {
	const most = 1000
	for cursor := ""; len(out) < limit; {
		var list []T
		if list, cursor, err = read(ctx, min(most, limit-len(out)), cursor); err != nil {
			return nil, err
		}
		if out = append(out, list...); cursor == "" {
			break
		}
	}
	return out, nil
}
