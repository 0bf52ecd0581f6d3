package main

import (
	"context"
	"io"
	"iter"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/exporter"
	"clientele/internal/importer"

	"github.com/spf13/cobra"
)

// predictCommand has a command for each kind of model. All work on files, without a server or a data directory.
func (c *cli) predictCommand() *cobra.Command {
	return c.group("predict", "Learn from files what customers will do; no server, no data directory",
		c.predictLTVCommand(), c.predictForecastCommand(), c.predictSegmentsCommand(), c.predictAffinityCommand(), c.predictDiscountCommand(),
		c.predictPropensityCommand(), c.predictLookalikeCommand(), c.predictRecommendCommand(), c.predictUpliftCommand(),
		c.predictChurnCommand(), c.predictEarlyCommand(), c.predictAttributionCommand(),
	)
}

// scoreFlags are what every command is told that learns a model and writes scores.
type scoreFlags struct {
	model, report, out string
	reasons            int
	asJSON             bool
}

// addScores adds the flags of scores, a line for each of what is named.
func (f *scoreFlags) addScores(cmd *cobra.Command, each string) {
	cmd.Flags().StringVar(&f.model, "model", "auto", "auto (the better one), logistic or trees")
	cmd.Flags().IntVar(&f.reasons, "reasons", 3, "how many reasons each "+each+" gets")
	cmd.Flags().StringVar(&f.report, "report", "", "`FILE` for a page that shows it")
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` for the scores: .csv, .jsonl or .parquet; - is standard output")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
}

// checkScores checks the flags of scores, which would go to the file of the example.
func (f *scoreFlags) checkScores(example string) error {
	switch {
	case f.out == "" && f.report == "" && !f.asJSON:
		return usagef("where the scores go, for example --out "+example, "--out is missing")
	case f.out == "-" && f.asJSON:
		return usagef("name a file for one of both", "--out - and --json both want standard output")
	case f.reasons < 0 || f.reasons > 20:
		return usagef("0 to 20", "--reasons %d", f.reasons)
	case !slices.Contains([]string{"auto", "logistic", "trees"}, f.model):
		return usagef("auto, logistic or trees", "there is no --model %q", f.model)
	}
	return nil
}

// predictMemory is the memory of Go's above which it is garbage-collected eagerly.
const predictMemory = 1500 << 20

// heavyMemory lets a command that computes have memory, where the environment does not say how much.
func (c *cli) heavyMemory() {
	if _, set := c.env("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(predictMemory)
	}
	if _, set := c.env("GOGC"); !set {
		debug.SetGCPercent(100)
	}
}

// eachRow streams files and hands on, for each row, the values of the wanted columns. A wanted column of no name
// is empty. bad is called for rows that cannot be read. The slice is reused, the texts may be kept.
func (c *cli) eachRow(ctx context.Context, paths, wanted []string, bad func(where, fault string), row func(values []string) error) error {
	p := c.newProgress("rows read")
	defer p.end()
	file := ""
	at, values := make([]int, len(wanted)), make([]string, len(wanted))
	return importer.ReadTable(ctx, importer.Options{Paths: paths, Stdin: c.in, Parquet: parquet()}, importer.Table{
		File: func(path string) error {
			file = filepath.Base(path)
			for i := range at {
				at[i] = -1
			}
			return nil
		},
		Columns: func(names []string) error {
			for i, w := range wanted {
				if w == "" {
					continue
				}
				if at[i] = slices.Index(names, w); at[i] < 0 {
					e := clientele.Errorf(clientele.Invalid, "%s has no column %q", file, w)
					if near := config.Nearest(w, names); near != "" {
						return e.WithHint("did you mean %s?", near)
					}
					return e.WithHint("there are %s", strings.Join(names[:min(len(names), 30)], ", "))
				}
			}
			return nil
		},
		Row: func(all []string) error {
			for i, k := range at {
				values[i] = ""
				if k >= 0 && k < len(all) {
					values[i] = all[k]
				}
			}
			return row(values)
		},
		Bad:  func(line int64, fault string) { bad(file+":"+strconv.FormatInt(line, 10), fault) },
		List: "; ",
		Tell: func(rows, bytes, whole int64) { p.update(rows, float64(bytes), float64(whole)) },
	})
}

// writeRows writes a file of the format that its name says: CSV, JSONL or Parquet, packed or not; - is CSV to standard
// output, and so is a name that says nothing.
func (c *cli) writeRows(path string, columns []clientele.ExportColumn, rows iter.Seq[[]any]) error {
	name, compression := exporter.FormatOf(path)
	if name == "" {
		name = exporter.CSV
	}
	return c.writeFile(path, func(w io.Writer) error { return exporter.WriteRows(w, name, compression, columns, rows) })
}

// parseSpan reads a length of time as 39w, 90d, 12m or 1y and answers its days; a month is a twelfth of 365.25 days.
func parseSpan(flag, s string) (days int, err error) {
	units := map[byte]float64{'d': 1, 'w': 7, 'm': 365.25 / 12, 'y': 365.25}
	if s != "" {
		if per, ok := units[s[len(s)-1]]; ok {
			if n, err := strconv.ParseFloat(s[:len(s)-1], 64); err == nil && n > 0 && n*per >= 1 && n*per < 36525 {
				return int(n*per + 0.5), nil
			}
		}
	}
	return 0, usagef("a number with d, w, m or y: 39w, 90d, 12m, 1y", "--%s %q is no length of time", flag, s)
}
