package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/importer"

	"github.com/spf13/cobra"
)

// importFlags are what the import command is told.
type importFlags struct {
	source, mapping      string
	check, asJSON, async bool
	rows                 int
}

func (c *cli) importCommand() *cobra.Command {
	var f importFlags
	cmd := c.talks(c.command("import --source NAME --map FILE.yaml PATH... [--check]", "Bring in CSV, TSV, JSONL and Parquet files, packed ones too; - is standard input",
		"import --source shop --map orders.yaml orders.csv.gz", cobra.MinimumNArgs(1), func(ctx context.Context, paths []string) error {
			switch {
			case f.source == "":
				return usagef("where the rows come from, for example --source shop; it is part of every record's identity", "--source is missing")
			case f.mapping == "":
				return usagef("the YAML file that says what a row becomes", "--map is missing")
			case f.rows < 1:
				return usagef("how many rows --check reads", "--rows is below 1")
			}
			return c.doImport(ctx, f, paths)
		}))
	cmd.Flags().StringVar(&f.source, "source", "", "`NAME` of the source")
	cmd.Flags().StringVar(&f.mapping, "map", "", "mapping `FILE`")
	cmd.Flags().BoolVar(&f.check, "check", false, "show what would happen with the first rows, and change nothing")
	cmd.Flags().IntVar(&f.rows, "rows", 1000, "rows that --check reads")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	cmd.Flags().BoolVar(&f.async, "no-wait", false, "return when the rows are durable, before they are resolved")
	return cmd
}

func (c *cli) doImport(ctx context.Context, f importFlags, paths []string) error {
	text, err := os.ReadFile(f.mapping)
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "mapping: %w", err)
	}
	mapping, err := importer.ParseMapping(text)
	if err != nil {
		return mappingError(f.mapping, err)
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	opt := importer.Options{Objects: objectsOf(cfg), Source: f.source, Mapping: mapping, Paths: paths, Stdin: c.in, Check: f.rows,
		Now: time.Now, Parquet: parquet(), Log: c.log(slog.LevelWarn)}
	if f.check {
		report, err := importer.Preview(ctx, opt)
		if err != nil {
			return err
		}
		if f.asJSON {
			return writeJSON(c.out, report)
		}
		return c.printCheck(report)
	}
	return c.runImport(ctx, f, opt)
}

// mappingError says which file the mapping is.
func mappingError(path string, err error) error {
	e := clientele.Errorf(clientele.ErrorCode(err), "%s: %w", filepath.Base(path), err)
	e.Hint = clientele.ErrorHint(err)
	return e
}

func (c *cli) runImport(ctx context.Context, f importFlags, opt importer.Options) (err error) {
	b, err := c.connect(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	opt.Sink = sink{b, f.source}
	if c.server == "" {
		// A server far away may have lost what a checkpoint here says it has. Without one an
		// import that is repeated sends the rows again, which changes nothing.
		cfg, err := c.validConfig()
		if err != nil {
			return err
		}
		opt.Checkpoint = importer.DirCheckpoints{Dir: filepath.Join(cfg.Data, "imports")}
	}
	p := c.newProgress("rows")
	opt.Progress = func(at importer.Progress) { p.update(at.Rows, float64(at.Bytes), float64(at.TotalBytes)) }
	r, err := importer.Run(ctx, opt)
	p.end()
	if err != nil {
		if r.Records > 0 {
			fmt.Fprintf(c.err, "%s records are in; the same command goes on from there\n", thousands(r.Records))
		}
		return err
	}
	if !f.async {
		if err := c.settle(ctx, b); err != nil {
			return err
		}
	}
	if f.asJSON {
		return writeJSON(c.out, r)
	}
	c.printImport(r)
	return nil
}

// settle waits until what was imported can be queried, and shows how far that is.
func (c *cli) settle(ctx context.Context, b backend) error {
	done := make(chan error, 1)
	go func() { done <- b.Settle(ctx) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var p *progress
	var from, to clientele.Position
	for {
		select {
		case err := <-done:
			if p != nil {
				p.end()
			}
			return err
		case <-tick.C:
		}
		s, err := b.Status(ctx)
		if err != nil {
			continue // Settle meets it too, and says so
		}
		if p == nil {
			fmt.Fprintln(c.err, "everything is on disk; resolving ...")
			p, from, to = c.newProgress("log frames resolved"), s.Resolver.Position, s.Log.Last
		}
		at := max(from, min(to, s.Resolver.Position))
		p.update(int64(at-from), float64(at-from), float64(to-from))
	}
}

// sink appends through the backend.
type sink struct {
	backend
	source string
}

// Append answers Unavailable when nothing was taken: the importer tries again then.
func (s sink) Append(ctx context.Context, kind clientele.Kind, records []clientele.Record) error {
	_, err := s.Import(ctx, s.source, kind, records)
	return err
}

func (c *cli) printImport(r importer.Result) {
	c.printf("%s rows in %s", thousands(r.Rows), r.Duration.Round(time.Millisecond))
	if s := r.Duration.Seconds(); s > 0 {
		c.printf(" (%s/s)", thousands(int64(float64(r.Rows-r.Skipped)/s)))
	}
	c.printf("\n")
	for _, t := range slices.Sorted(maps.Keys(r.Tables)) {
		if r.Tables[t] > 0 {
			c.printf("  %-16s %s records\n", t, thousands(r.Tables[t]))
		}
	}
	for _, line := range []struct {
		name  string
		count int64
		note  string
	}{
		{"events", r.Events, "events"},
		{"skipped", r.Skipped, "rows an earlier run had brought in"},
		{"unchanged", r.Unchanged, "records that said nothing new"},
		{"quarantined", r.Quarantined, "rows; clientele quarantine list tells why"},
	} {
		if line.count > 0 {
			c.printf("  %-16s %s %s\n", line.name, thousands(line.count), line.note)
		}
	}
}

func (c *cli) printCheck(r importer.CheckReport) error {
	rest := "the first rows; nothing was imported"
	if r.Whole {
		rest = "all there are; nothing was imported"
	}
	c.printf("%s rows read (%s)\n\nColumns\n", thousands(r.Rows), rest)
	t := rows("column", "used", "empty", "examples")
	for _, k := range r.Columns {
		used, empty := "no", ""
		if k.Used {
			used, empty = "yes", thousands(k.Empty)
		}
		t.add(k.Name, used, empty, strings.Join(k.Examples, ", "))
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	c.printf("\nRecords\n")
	t = rows("table", "records")
	for _, name := range slices.Sorted(maps.Keys(r.Records)) {
		t.add(name, thousands(r.Records[name]))
	}
	if err := c.sheet(t); err != nil {
		return err
	}
	for _, part := range []struct {
		name  string
		items []importer.CountedExample
	}{{"Identifiers", r.Identifiers}, {"Traits and properties", r.Traits}, {"Fields", r.Fields}} {
		if len(part.items) == 0 {
			continue
		}
		c.printf("\n%s\n", part.name)
		t = rows("name", "records", "examples")
		for _, e := range part.items {
			t.add(e.Name, thousands(e.Count), strings.Join(e.Examples, ", "))
		}
		if err := c.sheet(t); err != nil {
			return err
		}
	}
	for _, line := range []struct {
		count int64
		note  string
	}{{r.Nobody, "profiles left out: the row has no identifier"}, {r.Unchanged, "records that say nothing new"}, {r.Bad, "rows would go to quarantine"}} {
		if line.count > 0 {
			c.printf("\n%s %s\n", thousands(line.count), line.note)
		}
	}
	for _, p := range r.Problems {
		c.printf("  %s  %s\n", thousands(p.Count), printable(p.Reason))
		for _, e := range p.Examples {
			c.printf("      %s:%d  %s\n", e.File, e.Line, printable(e.Row))
		}
	}
	return nil
}
