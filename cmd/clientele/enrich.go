package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/importer"
	"clientele/internal/linkage"

	"github.com/spf13/cobra"
)

// enrichBackend is what the command about enrichment works with.
type enrichBackend interface {
	Enrich(ctx context.Context, req clientele.EnrichmentRequest) (*clientele.Enrichment, error)
	Enrichments(ctx context.Context) ([]clientele.Enrichment, error)
	EndEnrichment(ctx context.Context, source string) error
}

func (p *platform) Enrich(ctx context.Context, req clientele.EnrichmentRequest) (*clientele.Enrichment, error) {
	e, err := p.app.Enrich(ctx, operator, req)
	return e, p.acted("enrich", req.Source, err)
}

func (p *platform) Enrichments(ctx context.Context) ([]clientele.Enrichment, error) {
	return p.app.Enrichments(ctx)
}

func (p *platform) EndEnrichment(ctx context.Context, source string) error {
	return p.acted("end-enrichment", source, p.app.EndEnrichment(ctx, operator, source))
}

// enrichFlags say what a file of attributes is.
type enrichFlags struct {
	source, key, expires string
	text, ignore         []string
	drop, list, end      bool
	json                 bool
}

func (c *cli) enrichCommand() *cobra.Command {
	var f enrichFlags
	cmd := jsonFlag(c.talks(c.command("enrich --source NAME --key NAMESPACE[=COLUMN] --expires 90d FILE... | --source NAME --end | --list", "Attributes from third parties, by hashed or plain identifiers: traits with source and expiry",
		"enrich --source acme --key email_sha256 --expires 90d acme.csv", cobra.ArbitraryArgs,
		func(ctx context.Context, args []string) error {
			if f.list {
				return c.with(ctx, func(ctx context.Context, b backend) error { return c.listEnrichment(ctx, b, f.json) })
			}
			if f.end && f.source != "" && len(args) == 0 {
				return c.with(ctx, func(ctx context.Context, b backend) error {
					if err := b.EndEnrichment(ctx, f.source); err != nil {
						return err
					}
					c.printf("what %s has said goes\n", f.source)
					return nil
				})
			}
			if f.end || len(args) == 0 || f.source == "" || f.key == "" || f.expires == "" {
				return usagef("clientele enrich --source acme --key email_sha256 --expires 90d acme.csv", "name the files, --source, --key and --expires")
			}
			until, err := f.until(time.Now())
			if err != nil {
				return err
			}
			return c.with(ctx, func(ctx context.Context, b backend) error { return c.enrich(ctx, b, &f, until, args) })
		})), &f.json)
	cmd.Flags().StringVar(&f.source, "source", "", "`NAME` of the third party: attributes become traits ext_NAME_COLUMN")
	cmd.Flags().StringVar(&f.key, "key", "", "`NAMESPACE` of the key, email_sha256, email, phone_sha256, user_id, ..., and its column where that is called otherwise")
	cmd.Flags().StringVar(&f.expires, "expires", "", "how long the attributes hold, `90d`, or until which day")
	cmd.Flags().StringSliceVar(&f.text, "text", nil, "`COLUMNS` whose numbers are words: postcodes, codes")
	cmd.Flags().StringSliceVar(&f.ignore, "ignore", nil, "`COLUMNS` that are left out")
	cmd.Flags().BoolVar(&f.drop, "drop-unmatched", false, "keep nothing of people nobody knows yet")
	cmd.Flags().BoolVar(&f.end, "end", false, "take away what the source has said, before it expires")
	cmd.Flags().BoolVar(&f.list, "list", false, "what the last imports came to")
	return cmd
}

// until reads a duration or a day.
func (f *enrichFlags) until(now time.Time) (clientele.Micros, error) {
	if day, err := time.Parse(time.DateOnly, f.expires); err == nil {
		return clientele.MicrosOf(day), nil
	}
	d, err := config.ParseDuration(f.expires)
	if err != nil || d <= 0 {
		return 0, usagef("--expires 90d, or --expires 2027-06-30", "%q is no length of time and no day", f.expires)
	}
	return clientele.MicrosOf(now.Add(time.Duration(d))), nil
}

func (c *cli) listEnrichment(ctx context.Context, b backend, asJSON bool) error {
	list, err := b.Enrichments(ctx)
	if err != nil {
		return err
	}
	t := rows("source", "at", "expires", "ended", "rows", "matched", "held", "match rate", "traits")
	for _, e := range list {
		t.add(e.Source, stamp(e.At), stamp(e.ExpiresAt), stamp(e.EndedAt), strconv.FormatInt(e.Rows, 10), strconv.FormatInt(e.Matched, 10), strconv.FormatInt(e.Held, 10), fmt.Sprintf("%.1f %%", 100*e.MatchRate), strings.Join(e.Traits, ", "))
	}
	return c.show(asJSON, list, t)
}

// enrichPart is how many rows go at once.
const enrichPart = 10_000

// enrich sends files part by part.
func (c *cli) enrich(ctx context.Context, b backend, f *enrichFlags, until clientele.Micros, paths []string) error {
	ns, column, _ := strings.Cut(f.key, "=")
	req := clientele.EnrichmentRequest{Source: f.source, Revision: strconv.FormatInt(time.Now().UnixMicro(), 36), Namespace: clientele.Namespace(ns), ExpiresAt: until, Keep: !f.drop}
	var done *clientele.Enrichment
	p := c.newProgress("rows")
	defer p.end()
	sent := int64(0)
	flush := func() (err error) {
		if len(req.Rows) == 0 {
			return nil
		}
		if done, err = b.Enrich(ctx, req); err == nil {
			sent += int64(len(req.Rows))
			p.update(sent, 0, 0)
		}
		req.Rows = nil
		return err
	}
	bad := int64(0)
	var columns []string
	at := -1
	err := importer.ReadTable(ctx, importer.Options{Paths: paths, Stdin: c.in, Parquet: parquet()}, importer.Table{
		List: linkage.ValueSeparator,
		File: func(string) error { return nil },
		Columns: func(names []string) error {
			columns = slices.Clone(names)
			if at = importer.KeyColumn(names, clientele.Namespace(ns), column); at < 0 {
				return clientele.Errorf(clientele.Invalid, "no column is called like %s", f.key).WithHint("name it: --key %s=COLUMN", ns)
			}
			return nil
		},
		Row: func(values []string) error {
			if at >= len(values) || values[at] == "" {
				bad++
				return nil
			}
			row := clientele.EnrichmentRow{Key: values[at], Traits: map[string]any{}}
			for i, v := range values[:min(len(values), len(columns))] {
				if i != at && v != "" && !slices.Contains(f.ignore, columns[i]) {
					row.Traits[attributeName(columns[i])] = attribute(v, slices.Contains(f.text, columns[i]))
				}
			}
			if req.Rows = append(req.Rows, row); len(req.Rows) == enrichPart {
				return flush()
			}
			return nil
		},
		Bad: func(int64, string) { bad++ },
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	if done == nil {
		return clientele.Errorf(clientele.Invalid, "the files hold no row with a key")
	}
	if f.json {
		return writeJSON(c.out, done)
	}
	c.printf("rows       %d\nmatched    %d (%.1f %%)\nheld       %d\nexpires    %s\ntraits     %s\n", done.Rows, done.Matched, 100*done.MatchRate, done.Held, stamp(done.ExpiresAt), strings.Join(done.Traits, ", "))
	if bad > 0 {
		c.printf("left out   %d rows without a key or that cannot be read\n", bad)
	}
	return nil
}

// attributeName is a column's name as a part of a trait's: lower-case letters, digits and _.
func attributeName(column string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(column)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	return strings.TrimSuffix(b.String(), "_")
}

// attribute is a cell as JSON has it: a number or a truth value where it is written as one, a list where it is one.
func attribute(v string, text bool) any {
	if parts := strings.Split(v, linkage.ValueSeparator); len(parts) > 1 {
		return parts
	}
	if text {
		return v
	}
	switch strings.ToLower(v) {
	case "true":
		return true
	case "false":
		return false
	}
	var n json.Number
	if len(v) <= 15 && (v[0] == '-' || v[0] >= '0' && v[0] <= '9') && json.Unmarshal([]byte(v), &n) == nil && n.String() == v { // 00501 is no number of JSON
		return n
	}
	return v
}
