package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"clientele"
	"clientele/internal/exporter"

	"github.com/spf13/cobra"
)

// exportFlags are those of every command that asks for an export.
type exportFlags struct {
	what, format, compression string
	columns                   []string
	source, since, until      string
}

func (f *exportFlags) on(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.what, "what", "", "profiles, events, another table of the SQL schema, or audience:NAME")
	cmd.Flags().StringVar(&f.format, "format", "", "csv, jsonl or parquet; without it what the name of the file says, else csv")
	cmd.Flags().StringVar(&f.compression, "compression", "", "of csv and jsonl: none, gzip or zstd; without it what the name of the file says")
	cmd.Flags().StringSliceVar(&f.columns, "columns", nil, "columns, in this order, by commas; without it all")
	cmd.Flags().StringVar(&f.source, "source", "", "rows of this `SOURCE` alone")
	cmd.Flags().StringVar(&f.since, "since", "", "of the table's time, at `TIME` or later: 2026-03-01, or RFC 3339")
	cmd.Flags().StringVar(&f.until, "until", "", "before `TIME`")
}

// request is what the flags ask for; name is a file's name, or "".
func (f *exportFlags) request(name string) (req clientele.ExportRequest, err error) {
	if f.what == "" {
		return req, usagef("clientele export --what profiles --format csv --out profiles.csv", "--what is missing")
	}
	if req.Selection, err = clientele.ParseSelection(f.what); err != nil {
		return req, err
	}
	req.Columns, req.Source = f.columns, f.source
	for flag, t := range map[string]struct {
		text string
		into *clientele.Micros
	}{"--since": {f.since, &req.Since}, "--until": {f.until, &req.Until}} {
		if *t.into, err = clientele.ParseInstant(t.text); err != nil {
			return req, usagef(clientele.ErrorHint(err), "%s: %w", flag, err)
		}
	}
	said, packed := exporter.FormatOf(name)
	if said != "" && (f.format != "" && f.format != said || f.compression != "" && f.compression != packed && f.compression != "none") {
		return req, usagef("leave --format and --compression out, or name the file accordingly", "the file's name says another format or compression")
	}
	if req.Format, req.Compression = said, packed; said == "" {
		req.Format, req.Compression = f.format, f.compression
	}
	if req.Format == "" {
		req.Format = exporter.CSV
	}
	if req.Compression == "none" {
		req.Compression = ""
	}
	if err := exporter.CheckFormat(req.Format, req.Compression); err != nil {
		return req, usagef(clientele.ErrorHint(err), "%w", err)
	}
	return req, req.Check()
}

func (c *cli) exportCommand() *cobra.Command {
	var f exportFlags
	var out string
	var partRows int64
	cmd := c.talks(c.command("export --what TABLE|audience:NAME [--format csv|jsonl|parquet] --out FOLDER|FILE|s3://BUCKET/PREFIX|-", "Write profiles, events, another table or the members of an audience to files",
		"export --what profiles --format parquet --out ./profiles", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if out == "" {
				return usagef("a folder, a file, s3://BUCKET/PREFIX, or - for standard output", "--out is missing")
			}
			if partRows < 0 {
				return usagef("for example 1000000", "--part-rows is negative")
			}
			name := ""
			if st, err := os.Stat(out); err != nil || !st.IsDir() {
				name = path.Base(filepath.ToSlash(out))
			}
			req, err := f.request(name)
			if err != nil {
				return err
			}
			if f, _ := exporter.FormatOf(name); f == "" {
				name = ""
			}
			return c.with(ctx, func(ctx context.Context, b backend) error { return c.export(ctx, b, req, out, name, partRows) })
		}))
	f.on(cmd)
	cmd.Flags().StringVar(&out, "out", "", "where to: a folder or s3://BUCKET/PREFIX (parts and a manifest; an interrupted export goes on), a file named .csv, .jsonl or .parquet, or -")
	cmd.Flags().Int64Var(&partRows, "part-rows", 0, "rows of a part at most; 0 = 1,000,000")
	return cmd
}

// export writes to standard output, to the one file of that name, or to parts.
func (c *cli) export(ctx context.Context, b backend, req clientele.ExportRequest, out, name string, partRows int64) error {
	p := c.newProgress("rows")
	show := func(now exporter.Progress) { p.update(now.Rows, float64(now.Rows), float64(now.Total)) }
	start := time.Now()
	var done exporter.Progress
	err := func() (err error) {
		defer p.end()
		if out == "-" {
			done, err = exporter.Stream(ctx, b, req, c.out, show)
			return err
		}
		cfg, err := c.config()
		if err != nil {
			return err
		}
		where := out
		if name != "" {
			where = strings.TrimSuffix(strings.TrimSuffix(out, name), "/")
		}
		if where == "" {
			where = "."
		}
		place, err := exportPlace(cfg, where)
		if err != nil {
			return err
		}
		if name != "" {
			done, err = exportFile(ctx, b, req, place, name, show)
			return err
		}
		done, err = exporter.Run(ctx, exporter.Options{Request: req, Source: b, Place: place, PartRows: partRows, Now: time.Now, Progress: show})
		return err
	}()
	switch {
	case err == nil:
	case ctx.Err() != nil && name == "" && out != "-":
		return clientele.Errorf(clientele.Unavailable, "interrupted: %s rows are written", thousands(done.Rows)).WithHint("the same command goes on behind them")
	default:
		return err
	}
	if out != "-" {
		seconds := time.Since(start).Seconds()
		c.printf("%s rows in %.1f s (%s/s), %s bytes\n", thousands(done.Rows), seconds, thousands(int64(float64(done.Rows)/max(seconds, 0.001))), thousands(done.Bytes))
		if name == "" {
			c.printf("  %s parts and %s in %s\n", thousands(int64(done.Parts)), exporter.ManifestName, out)
		}
	}
	return nil
}

// exportFile writes one file, which is there whole or not at all.
func exportFile(ctx context.Context, b backend, req clientele.ExportRequest, place exporter.Place, name string, show func(exporter.Progress)) (exporter.Progress, error) {
	file, err := place.Create(ctx, name)
	if err != nil {
		return exporter.Progress{}, err
	}
	done, err := exporter.Stream(ctx, b, req, file, show)
	if err != nil {
		return done, errors.Join(err, file.Abort())
	}
	return done, file.Commit()
}

func (c *cli) exportsCommand() *cobra.Command {
	return c.group("exports", "What was exported; have the server export", c.exportsList(), c.exportsStart(), c.exportsCancel())
}

func (c *cli) exportsList() *cobra.Command {
	var limit int
	cmd := c.talks(c.command("list [--limit N]", "Exports, the newest first, and those that the configuration repeats", "exports list", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if limit < 1 || limit > 1000 {
			return usagef("1 to 1000", "--limit is out of range")
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			items, scheduled, _, err := b.Exports(ctx, limit, "")
			if err != nil {
				return err
			}
			t := rows("id", "what", "to", "by", "state", "rows", "bytes", "asked", "error")
			for _, e := range items {
				by := e.By
				if e.Name != "" {
					by = e.Name
				}
				t.add(e.ID, e.Table, e.To, by, string(e.State), thousands(e.Rows), thousands(e.Bytes), e.Asked.String(), e.Error)
			}
			if err := c.sheet(t); err != nil {
				return err
			}
			if len(scheduled) == 0 {
				return nil
			}
			c.printf("\nScheduled\n")
			t = rows("name", "what", "next", "last", "state")
			for _, s := range scheduled {
				last, state := "", ""
				if s.Last != nil {
					last, state = s.Last.Asked.String(), string(s.Last.State)
				}
				t.add(s.Name, s.What, s.Next.String(), last, state)
			}
			return c.sheet(t)
		})
	}))
	cmd.Flags().IntVar(&limit, "limit", 20, "exports at most")
	return cmd
}

func (c *cli) exportsStart() *cobra.Command {
	var f exportFlags
	var to string
	cmd := c.talks(c.command("start --what TABLE|audience:NAME [--format csv|jsonl|parquet] --to PLACE", "Have the server export to one of its own places; it answers at once",
		"exports start --what events --format parquet --to events", cobra.NoArgs, func(ctx context.Context, _ []string) error {
			if to == "" {
				return usagef("a folder below exports of the data directory, or a place below one of export_to", "--to is missing")
			}
			req, err := f.request("")
			if err != nil {
				return err
			}
			req.To = to
			return c.with(ctx, func(ctx context.Context, b backend) error {
				e, err := b.StartExport(ctx, req)
				if err != nil {
					return err
				}
				c.printf("%s\n", e.ID)
				return nil
			})
		}))
	f.on(cmd)
	cmd.Flags().StringVar(&to, "to", "", "`PLACE` on the server")
	return cmd
}

func (c *cli) exportsCancel() *cobra.Command {
	return c.talks(c.command("cancel ID", "End an export; what it has written stays", "exports cancel 20260301T020000Z-1a2b3c4d", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			e, err := b.CancelExport(ctx, args[0])
			if err != nil {
				return err
			}
			c.printf("%s is %s\n", e.ID, e.State)
			return nil
		})
	}))
}
