package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/api"

	"github.com/spf13/cobra"
)

func (c *cli) profileCommand() *cobra.Command {
	var explain, asJSON bool
	var events int
	cmd := c.talks(c.command("profile NAMESPACE:VALUE [--explain] [--events N] [--json]", "Show everything that is known of one person",
		"profile email:ann@example.com --explain --events 10", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			if events < 0 || events > 1000 {
				return usagef("between 0 and 1000", "--events is out of range")
			}
			return c.with(ctx, func(ctx context.Context, b backend) error {
				id, err := identifier(ctx, b, args[0])
				if err != nil {
					return err
				}
				return c.showProfile(ctx, b, id, explain, events, asJSON)
			})
		}))
	cmd.Flags().BoolVar(&explain, "explain", false, "say where each trait came from")
	cmd.Flags().IntVar(&events, "events", 0, "show the last `N` events")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// identifier reads NAMESPACE:VALUE, or a profile id alone. Which namespaces there are is asked
// only when there is more than one way to read it.
func identifier(ctx context.Context, b backend, text string) (clientele.Identifier, error) {
	if _, err := clientele.ParseProfileID(text); err == nil {
		return clientele.Identifier{Namespace: "id", Value: text}, nil
	}
	var known func(clientele.Namespace) bool
	if strings.Count(text, ":") > 1 {
		h, err := b.IdentityHealth(ctx)
		if err != nil {
			return clientele.Identifier{}, err
		}
		known = func(ns clientele.Namespace) bool { _, ok := h.Identifiers[ns]; return ok }
	}
	id, err := clientele.ParseIdentifier(text, known)
	if err != nil {
		return id, &usageError{err.(*clientele.Error)}
	}
	return id, nil
}

func (c *cli) showProfile(ctx context.Context, b backend, id clientele.Identifier, explain bool, events int, asJSON bool) error {
	p, err := b.Profile(ctx, id, explain)
	if err != nil {
		return err
	}
	var timeline []clientele.Event
	if events > 0 {
		own := clientele.Identifier{Namespace: "id", Value: p.ID.String()}
		if timeline, _, err = b.Events(ctx, own, events, ""); err != nil {
			return err
		}
	}
	if asJSON {
		out := struct {
			*clientele.Profile
			Timeline []clientele.Event `json:"timeline,omitempty"`
		}{p, timeline}
		return writeJSON(c.out, out)
	}
	return c.printProfile(p, timeline)
}

func (c *cli) printProfile(p *clientele.Profile, timeline []clientele.Event) error {
	c.printf("%s   %d events and records, %s to %s\n", p.ID, p.Events, day(p.FirstSeen), day(p.LastSeen))
	if len(p.FormerIDs) > 0 {
		former := make([]string, len(p.FormerIDs))
		for i, f := range p.FormerIDs {
			former[i] = f.String()
		}
		c.printf("former ids: %s\n", strings.Join(former, ", "))
	}
	c.printf("\nIdentifiers\n")
	ids := rows("namespace", "value", "source", "first_seen", "last_seen", "")
	for _, i := range p.Identifiers {
		var notes []string
		if i.Verified {
			notes = append(notes, "verified")
		}
		if i.Blocked {
			notes = append(notes, "blocked")
		}
		ids.add(string(i.Namespace), i.Value, i.Source, stamp(i.FirstSeen), stamp(i.LastSeen), strings.Join(notes, ", "))
	}
	if err := c.sheet(ids); err != nil {
		return err
	}
	for _, part := range []struct {
		name   string
		values map[string]any
	}{{"Traits", p.Traits}, {"Computed", p.Computed}, {"Predictions", p.Predictions}} {
		if err := c.printValues(part.name, part.values, p.Provenance); err != nil {
			return err
		}
	}
	if len(p.Enrichment) > 0 {
		c.printf("\nEnrichment\n")
		t := rows("trait", "value", "source", "at", "expires")
		for _, e := range p.Enrichment {
			text, err := api.Text(e.Value)
			if err != nil {
				return err
			}
			t.add(e.Trait, text, e.Source, stamp(e.At), stamp(e.ExpiresAt))
		}
		if err := c.sheet(t); err != nil {
			return err
		}
	}
	if p.Lifecycle != nil {
		c.printf("\nLifecycle\n  %s, since %s\n", printable(p.Lifecycle.Stage), stamp(p.Lifecycle.Since))
	}
	if len(p.Audiences) > 0 {
		c.printf("\nAudiences\n  %s\n", printable(strings.Join(p.Audiences, ", ")))
	}
	if len(p.Consent) > 0 {
		c.printf("\nConsent\n")
		t := rows("purpose", "channel", "granted", "source", "at")
		for _, k := range p.Consent {
			channel, granted := k.Channel, "no"
			if channel == "" {
				channel = "(all)"
			}
			if k.Granted {
				granted = "yes"
			}
			t.add(k.Purpose, channel, granted, k.Source, stamp(k.At))
		}
		if err := c.sheet(t); err != nil {
			return err
		}
	}
	return c.printTimeline(timeline)
}

func (c *cli) printValues(name string, values map[string]any, why map[string]clientele.Provenance) error {
	if len(values) == 0 {
		return nil
	}
	c.printf("\n%s\n", name)
	t := rows("name", "value")
	if name == "Traits" && len(why) > 0 {
		t = rows("name", "value", "rule", "source", "at", "event")
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		text, err := api.Text(values[k])
		if err != nil {
			return err
		}
		line := []string{k, text}
		if len(t.Columns) > 2 {
			p := why[k]
			line = append(line, string(p.Rule), p.Source, stamp(p.At), p.Event)
		}
		t.add(line...)
	}
	return c.sheet(t)
}

func (c *cli) printTimeline(events []clientele.Event) error {
	if len(events) == 0 {
		return nil
	}
	c.printf("\nEvents\n")
	t := rows("ts", "type", "name", "source", "properties")
	for _, e := range events {
		t.add(stamp(e.TS), e.Type, e.Name, e.Source, compact(e.Properties))
	}
	return c.sheet(t)
}

func compact(raw clientele.RawJSON) string {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "{}" {
		return ""
	}
	b, err := json.Marshal(raw)
	if err != nil {
		return string(raw)
	}
	return string(b)
}

// textTable is a table of texts.
type textTable struct{ clientele.QueryResult }

func rows(columns ...string) *textTable {
	t := &textTable{}
	for _, name := range columns {
		t.Columns = append(t.Columns, clientele.QueryColumn{Name: name})
	}
	return t
}

func (t *textTable) add(cells ...string) {
	row := make([]any, len(cells))
	for i, s := range cells {
		row[i] = s
	}
	t.Rows = append(t.Rows, row)
}

// sheet prints a table of a sheet.
func (c *cli) sheet(t *textTable) error { return writeTable(c.out, &t.QueryResult, c.outWidth) }

// sheets prints those tables that have rows, a line apart.
func (c *cli) sheets(tables ...*textTable) error {
	for _, t := range tables {
		if len(t.Rows) == 0 {
			continue
		}
		c.printf("\n")
		if err := c.sheet(t); err != nil {
			return err
		}
	}
	return nil
}

// stamp is an instant to the second.
func stamp(m clientele.Micros) string {
	if m == 0 {
		return ""
	}
	return m.Time().Format("2006-01-02 15:04:05")
}

func day(m clientele.Micros) string {
	if m == 0 {
		return "?"
	}
	return m.Time().Format("2006-01-02")
}
