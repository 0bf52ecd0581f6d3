package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
	"clientele/internal/config"
	deterministic "clientele/internal/identity"
	"clientele/internal/importer"
	"clientele/internal/linkage"
	"clientele/internal/linkage/report"
	"clientele/internal/linkage/truth"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// matchFlags are what the match command is told.
type matchFlags struct {
	out, truth, report, explain, pairs string
	ignore                             []string
	memory                             int64
	asJSON                             bool
}

// matchRules are what a file of rules says.
type matchRules struct {
	Columns   map[string]linkage.Role `yaml:"columns"`
	Ignore    []string                `yaml:"ignore"`
	Threshold *float64                `yaml:"threshold"` // probability
	OneToOne  bool                    `yaml:"one_to_one"`
	Conflict  []string                `yaml:"conflict"`
	Apart     [][]string              `yaml:"apart"`
	Region    string                  `yaml:"region"`
	Memory    int64                   `yaml:"memory"` // MB
	Workers   int                     `yaml:"workers"`
}

func (c *cli) matchCommand() *cobra.Command {
	var f matchFlags
	cmd := c.command("match --out CLUSTERS.csv PATH...", "Find the records of files that are of one person; no server, no data directory",
		"match --out clusters.csv crm.csv shop.csv.gz", cobra.MinimumNArgs(1), func(ctx context.Context, paths []string) error {
			if f.out == "" && f.truth == "" && f.report == "" && f.explain == "" && f.pairs == "" && !f.asJSON {
				return usagef("where the clusters go, for example --out clusters.csv; - is standard output", "--out is missing")
			}
			if f.out == "-" && f.asJSON {
				return usagef("name a file for one of both", "--out - and --json both want standard output")
			}
			return c.match(ctx, f, paths)
		})
	cmd.Flags().StringVar(&f.out, "out", "", "`FILE` for the clusters: cluster_id, source, row, then the columns of the input; - is standard output")
	cmd.Flags().StringVar(&f.pairs, "pairs", "", "`FILE` for the pairs in clusters, each with its probability and reasons")
	cmd.Flags().StringVar(&f.truth, "truth", "", "`COLUMN` that says who it really is: not used for matching, the result is scored by it")
	cmd.Flags().StringSliceVar(&f.ignore, "ignore", nil, "`COLUMNS` that are not looked at")
	cmd.Flags().StringVar(&f.report, "report", "", "`FILE` for a page that shows what was learned and found")
	cmd.Flags().StringVar(&f.explain, "explain", "", "`A,B`: what two records weigh, and why; rows as 12, or file.csv:12")
	cmd.Flags().Int64Var(&f.memory, "memory", 0, "`MB` of memory, about; records and pairs above it lie in temporary files (1000, or what the rules say)")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return cmd
}

// matching is one run of the command.
type matching struct {
	*cli
	f      matchFlags
	rules  matchRules
	table  *linkage.Table
	res    *linkage.Result
	score  *truth.Report
	notes  []string
	memory int64 // bytes
	start  time.Time
	reader linkage.Stage
}

// Memory of the command, in MB. Go's own is garbage-collected eagerly above four fifths of it; the rest is of files.
const (
	matchMemory = 1000
	leastMemory = 50
)

func (c *cli) match(ctx context.Context, f matchFlags, paths []string) (err error) {
	m := &matching{cli: c, f: f, start: time.Now()}
	if err := m.readRules(); err != nil {
		return err
	}
	memory := cmp.Or(f.memory, m.rules.Memory, matchMemory)
	if memory < leastMemory {
		return clientele.Errorf(clientele.Invalid, "memory: %d MB are too few", memory).WithHint("%d is the least", leastMemory)
	}
	m.memory = memory << 20
	if _, set := c.env("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(m.memory / 5 * 4)
	}
	if _, set := c.env("GOGC"); !set {
		debug.SetGCPercent(100)
	}
	if err := m.read(ctx, paths); err != nil {
		return err
	}
	opt, err := m.options()
	if err != nil {
		return err
	}
	a, b, err := m.explained()
	if err != nil {
		return err
	}
	p := c.newProgress("pairs weighed")
	opt.Progress = func(stage string, done, total int64) {
		if stage == "weigh" {
			p.update(done, float64(done), float64(total))
		}
	}
	m.res, err = linkage.Link(ctx, m.table, opt)
	p.end()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.res.Close()) }()
	if err := m.compare(); err != nil {
		return err
	}
	if err := m.write(); err != nil {
		return err
	}
	return m.print(a, b)
}

func (m *matching) readRules() error {
	if m.configPath == "" {
		return nil
	}
	text, err := os.ReadFile(m.configPath)
	if err != nil {
		return clientele.Errorf(clientele.Invalid, "rules: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(text, &m.rules, yaml.DisallowUnknownField()); err != nil {
		return clientele.Errorf(clientele.Invalid, "%s: %s", filepath.Base(m.configPath), strings.ReplaceAll(strings.TrimSpace(yaml.FormatError(err, false, false)), "\n", " ")).
			WithHint("the keys are columns, ignore, threshold, one_to_one, conflict, apart, region, memory and workers; docs/match.md shows them")
	}
	for column, role := range m.rules.Columns {
		if !slices.Contains(linkage.Roles, role) {
			var names []string
			for _, r := range linkage.Roles {
				names = append(names, string(r))
			}
			e := clientele.Errorf(clientele.Invalid, "column %s: there is no role %q", column, string(role))
			if near := config.Nearest(string(role), names); near != "" {
				return e.WithHint("did you mean %s?", near)
			}
			return e.WithHint("the roles are %s", strings.Join(names, ", "))
		}
	}
	if t := m.rules.Threshold; t != nil && (*t <= 0 || *t >= 1) {
		return clientele.Errorf(clientele.Invalid, "threshold: %v is no probability between 0 and 1", *t).WithHint("0.5 is the default; more is stricter")
	}
	return nil
}

// read fills the table.
func (m *matching) read(ctx context.Context, paths []string) error {
	table, w := linkage.NewTable(2, m.memory/5*3)
	p := m.newProgress("rows read")
	file, bad := "", int64(0)
	err := importer.ReadTable(ctx, importer.Options{Paths: paths, Stdin: m.in, Parquet: parquet()}, importer.Table{
		File: func(path string) error {
			file = filepath.Base(path)
			w.Source(file)
			return nil
		},
		Columns: func(names []string) error {
			w.Columns(names)
			return nil
		},
		Row: w.Add,
		Bad: func(line int64, fault string) {
			if bad++; bad <= 5 {
				m.note("%s: the row at line %d is left out: %s", file, line, fault)
			}
		},
		Mended: func(path string, n int64) {
			m.note("%s: %s rows are not UTF-8 and were read as Windows-1252", filepath.Base(path), thousands(n))
		},
		List: linkage.ValueSeparator,
		Tell: func(rows, bytes, whole int64) { p.update(rows, float64(bytes), float64(whole)) },
	})
	p.end()
	w.Close()
	if err != nil {
		return err
	}
	if bad > 5 {
		m.note("%s rows are left out in all", thousands(bad))
	}
	m.table = table
	m.reader = linkage.Stage{Name: "read", Took: time.Since(m.start), Items: int64(table.Rows()), Unit: "records"}
	return nil
}

func (m *matching) note(format string, args ...any) {
	text := printable(fmt.Sprintf(format, args...))
	m.notes = append(m.notes, text)
	fmt.Fprintln(m.err, text)
}

// options are those of the rules and flags; columns that are named must be there.
func (m *matching) options() (linkage.Options, error) {
	opt := linkage.Options{Roles: m.rules.Columns, Ignore: map[string]bool{}, OneToOne: m.rules.OneToOne, Conflict: m.rules.Conflict, Memory: m.memory / 6, Workers: m.rules.Workers}
	names := m.table.Columns()
	for _, c := range slices.Concat(m.rules.Ignore, m.f.ignore) {
		opt.Ignore[c] = true
	}
	if m.f.truth != "" {
		opt.Ignore[m.f.truth] = true
	}
	var named []string
	for c := range opt.Ignore {
		named = append(named, c)
	}
	for c := range m.rules.Columns {
		named = append(named, c)
	}
	named = append(named, m.rules.Conflict...)
	slices.Sort(named)
	for _, c := range named {
		if slices.Contains(names, c) {
			continue
		}
		e := clientele.Errorf(clientele.Invalid, "no file has a column %q", c)
		if near := config.Nearest(c, names); near != "" {
			return opt, e.WithHint("did you mean %s?", near)
		}
		return opt, e.WithHint("there are %s", strings.Join(names[:min(len(names), 30)], ", "))
	}
	if slices.Contains(m.rules.Conflict, m.f.truth) && m.f.truth != "" {
		return opt, clientele.Errorf(clientele.Invalid, "the column %q is the truth and cannot be a conflict too", m.f.truth)
	}
	if m.rules.Threshold != nil {
		opt.Threshold = linkage.Weight(*m.rules.Threshold)
	}
	for _, pair := range m.rules.Apart {
		if len(pair) != 2 {
			return opt, clientele.Errorf(clientele.Invalid, "apart: a pair has two records, not %d", len(pair))
		}
		a, err := m.record(pair[0])
		if err != nil {
			return opt, err
		}
		b, err := m.record(pair[1])
		if err != nil {
			return opt, err
		}
		opt.Apart = append(opt.Apart, [2]int{a, b})
	}
	if m.rules.Region != "" {
		rules, err := deterministic.NewRules(clientele.IdentityRules{Region: m.rules.Region})
		if err != nil {
			return opt, err
		}
		opt.Phone = func(raw string) string {
			if id, ok := rules.Normalise(clientele.Identifier{Namespace: clientele.Phone, Value: raw}); ok {
				return strings.TrimPrefix(id.Value, "+")
			}
			return ""
		}
	}
	return opt, nil
}

// record is the number of a record that is named by its row among all, or by file and row.
func (m *matching) record(name string) (int, error) {
	name = strings.TrimSpace(name)
	row, source := name, -1
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		source = slices.Index(m.table.Sources(), filepath.Base(name[:i]))
		if source < 0 {
			return 0, clientele.Errorf(clientele.Invalid, "there is no file %s", name[:i]).WithHint("the files are %s", strings.Join(m.table.Sources(), ", "))
		}
		row = name[i+1:]
	}
	n, err := strconv.Atoi(row)
	if err == nil && n >= 1 {
		for i := range m.table.Rows() {
			if source < 0 {
				if i == n-1 {
					return i, nil
				}
			} else if s, number := m.table.Source(i); s == source && number == n {
				return i, nil
			}
		}
	}
	return 0, clientele.Errorf(clientele.Invalid, "there is no record %q", name).WithHint("rows are numbered from 1, behind the header: 12 or file.csv:12")
}

// explained are the records of --explain; -1 when it is not asked.
func (m *matching) explained() (a, b int, err error) {
	if m.f.explain == "" {
		return -1, -1, nil
	}
	x, y, ok := strings.Cut(m.f.explain, ",")
	if !ok {
		return 0, 0, usagef("for example --explain 12,40 or --explain crm.csv:12,shop.csv:3", "--explain takes two records")
	}
	if a, err = m.record(x); err != nil {
		return 0, 0, err
	}
	b, err = m.record(y)
	return a, b, err
}

// compare scores the clusters: only now is the truth looked at.
func (m *matching) compare() (err error) {
	if m.f.truth == "" {
		return nil
	}
	ids, _ := m.table.Ids(m.f.truth) // options has seen that it is there
	if m.score, err = truth.Compare(m.res, ids); err == nil && m.score.Records == 0 {
		m.note("the column %s is empty: there is nothing to score by", m.f.truth)
	}
	return err
}

func (m *matching) write() error {
	if m.f.out != "" {
		if err := m.writeFile(m.f.out, m.writeClusters); err != nil {
			return err
		}
	}
	if m.f.pairs != "" {
		if err := m.writeFile(m.f.pairs, m.writePairs); err != nil {
			return err
		}
	}
	if m.f.report == "" {
		return nil
	}
	page, err := report.Make(m.table, m.res, m.score, m.notes)
	if err != nil {
		return err
	}
	return m.writeFile(m.f.report, page.Write)
}
