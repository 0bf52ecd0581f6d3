package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/predict/attribution"

	"github.com/spf13/cobra"
)

// attributionFlags are what the command is told.
type attributionFlags struct {
	paths                                         []string
	path, conversions, nulls, value, between, out string
	asJSON                                        bool
}

func (c *cli) predictAttributionCommand() *cobra.Command {
	var f attributionFlags
	cmd := c.command("attribution --paths PATH --path COL --conversions COL --out CHANNELS.csv", "What each channel is credited with for conversions, by seven methods side by side",
		"predict attribution --paths paths.csv --path path --conversions conversions --nulls nulls --value revenue --out channels.csv", cobra.NoArgs,
		func(ctx context.Context, _ []string) error { return c.attribution(ctx, &f) })
	fl := cmd.Flags()
	fl.StringSliceVar(&f.paths, "paths", nil, "`FILES` of paths, a row for each: CSV, TSV, JSONL, Parquet, packed ones too; - is standard input")
	fl.StringVar(&f.path, "path", "", "`COLUMN` of the channels that were met, the first one first")
	fl.StringVar(&f.between, "between", ">", "what stands between the channels of a path")
	fl.StringVar(&f.conversions, "conversions", "", "`COLUMN` of how many times the path ended in a conversion")
	fl.StringVar(&f.nulls, "nulls", "", "`COLUMN` of how many times it ended without one; without it markov knows conversions only")
	fl.StringVar(&f.value, "value", "", "`COLUMN` of what the conversions brought")
	fl.StringVar(&f.out, "out", "", "`FILE` for the result: .csv, .jsonl or .parquet; - is standard output")
	fl.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return cmd
}

func (f *attributionFlags) check() error {
	switch {
	case len(f.paths) == 0 || f.path == "" || f.conversions == "":
		return usagef("--paths, --path and --conversions", "the files, and the columns of the path and of its conversions, are needed")
	case f.between == "":
		return usagef("for example --between '>'", "--between is empty")
	case f.out == "" && !f.asJSON:
		return usagef("where the result goes, for example --out channels.csv", "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	}
	return nil
}

func (c *cli) attribution(ctx context.Context, f *attributionFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	paths, notes, err := c.readPaths(ctx, f)
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(c.err, n)
	}
	r, err := attribution.Share(paths)
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := c.writeRows(f.out, attributionColumns(f), attributionRows(f, r)); err != nil {
			return err
		}
	}
	if f.asJSON {
		return writeJSON(c.out, struct {
			*attribution.Result
			Warnings []string `json:"warnings"`
		}{r, append([]string{}, notes...)})
	}
	d := *c
	if f.out == "-" {
		d.out, d.outWidth = c.err, c.errWidth
	}
	head := []string{"channel"}
	for _, m := range attribution.Methods {
		head = append(head, string(m))
	}
	t := numbers(rows(append(head, "removal effect")...))
	for _, ch := range r.Channels {
		line := []string{printable(ch.Name)}
		for _, m := range attribution.Methods {
			line = append(line, fmt.Sprintf("%.1f", ch.By[m].Conversions))
		}
		t.add(append(line, fmt.Sprintf("%.4f", ch.Removal))...)
	}
	if err := d.sheet(t); err != nil {
		return err
	}
	d.printf("\n%s conversions, %s paths without one\nnote: The methods describe paths, and differ; none says what a channel caused. An experiment does.\n", thousands(int64(r.Conversions)), thousands(int64(r.Nulls)))
	return nil
}

func (c *cli) readPaths(ctx context.Context, f *attributionFlags) ([]attribution.Path, []string, error) {
	reading, err := importer.NewReading("UTC", "")
	if err != nil {
		return nil, nil, err
	}
	var left faults
	var out []attribution.Path
	err = c.eachRow(ctx, f.paths, []string{f.path, f.conversions, f.nulls, f.value}, func(where, fault string) { left.add(fault, where) }, func(v []string) error {
		var p attribution.Path
		for _, name := range strings.Split(v[0], f.between) {
			if name = strings.TrimSpace(name); name != "" {
				p.Channels = append(p.Channels, name)
			}
		}
		for i, to := range []*float64{&p.Conversions, &p.Nulls, &p.Value} {
			if v[i+1] == "" {
				continue
			}
			x, err := reading.Number(v[i+1])
			if err != nil || i < 2 && !(x >= 0) {
				left.add("a number cannot be read", fmt.Sprintf("%q", v[i+1]))
				return nil
			}
			*to = x
		}
		if len(p.Channels) == 0 {
			left.add("they have no path", "")
			return nil
		}
		out = append(out, p)
		return nil
	})
	return out, left.notes(), err
}

func attributionColumns(f *attributionFlags) []clientele.ExportColumn {
	out := []clientele.ExportColumn{{Name: "channel", Type: clientele.TypeText}}
	for _, m := range attribution.Methods {
		out = append(out, clientele.ExportColumn{Name: string(m), Type: clientele.TypeDouble})
	}
	out = append(out, clientele.ExportColumn{Name: "removal_effect", Type: clientele.TypeDouble})
	if f.value != "" {
		for _, m := range attribution.Methods {
			out = append(out, clientele.ExportColumn{Name: string(m) + "_value", Type: clientele.TypeDouble})
		}
	}
	return out
}

func attributionRows(f *attributionFlags, r *attribution.Result) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, ch := range r.Channels {
			row := []any{ch.Name}
			for _, m := range attribution.Methods {
				row = append(row, ch.By[m].Conversions)
			}
			row = append(row, ch.Removal)
			if f.value != "" {
				for _, m := range attribution.Methods {
					row = append(row, ch.By[m].Value)
				}
			}
			if !yield(slices.Clip(row)) {
				return
			}
		}
	}
}
