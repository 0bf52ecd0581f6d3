package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"

	"clientele"
	"clientele/internal/shop"
)

// numbers prints the shop's numbers as SQL answers them beside what the simulator knows. A
// difference is an error.
func (d *demo) numbers(ctx context.Context, t shop.Totals) error {
	wrong := 0
	d.printf("%-20s %18s %18s\n", "", "SQL", "the shop's own")
	for _, c := range t.Checks() {
		got, err := d.number(ctx, c.SQL)
		if err != nil {
			return err
		}
		verdict := "equal"
		if got != c.Want {
			verdict = "DIFFERENT"
			wrong++
		}
		d.printf("%-20s %18s %18s  %s\n", c.Name, grouped(got), grouped(c.Want), verdict)
	}
	q, _, err := d.api.Quarantine(ctx, 1, "")
	if err != nil {
		return err
	}
	if len(q) > 0 {
		return clientele.Errorf(clientele.Internal, "the shop's records are in quarantine: %s", q[0].Reason)
	}
	if wrong > 0 {
		return clientele.Errorf(clientele.Internal, "%d numbers are not what the shop knows", wrong)
	}
	return nil
}

func (d *demo) number(ctx context.Context, sql string) (string, error) {
	r, err := d.api.Query(ctx, sql, nil, 0)
	if err != nil {
		return "", err
	}
	if len(r.Rows) != 1 || len(r.Rows[0]) != 1 {
		return "", clientele.Errorf(clientele.Internal, "%s: not one value", sql)
	}
	return fmt.Sprint(r.Rows[0][0]), nil
}

// grouped writes thousands with commas, decimals or not.
func grouped(n string) string {
	whole, frac := n, ""
	for i := range n {
		if n[i] == '.' {
			whole, frac = n[:i], n[i:]
		}
	}
	i, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return n
	}
	return thousands(i) + frac
}

// identities prints how well deterministic matching has found the true people.
func (d *demo) identities(ctx context.Context, t shop.Totals, truth *shop.Truth) error {
	profiles, err := d.number(ctx, "SELECT count(*) FROM profiles")
	if err != nil {
		return err
	}
	d.printf("\n%s people are %s profiles.\n", thousands(int64(t.People)), grouped(profiles))
	if truth == nil {
		d.printf("Identity is scored for shops of up to %s people.\n", thousands(maxScored))
		return nil
	}
	found, err := d.profiles(ctx)
	if err != nil {
		return err
	}
	got, most := truth.Score(found), truth.Connected()
	d.printf("Deterministic matching, scored over pairs of %s identifiers against the true people:\n", thousands(int64(truth.Identifiers())))
	d.printf("  precision %.4f, recall %.4f   (joining whatever records name together: %.4f and %.4f)\n", got.Precision(), got.Recall(), most.Precision(), most.Recall())
	d.printf("  %s people are in several profiles, %s profiles hold several people\n", thousands(int64(got.Split)), thousands(int64(got.Mixed)))
	return nil
}

// matched runs matching, whatever it changes, and prints how well people are found with it.
func (d *demo) matched(ctx context.Context, truth *shop.Truth) error {
	run, err := d.api.StartMatching(ctx, clientele.MatchRunRequest{})
	if err == nil && run.State == clientele.MatchWaiting {
		run, err = d.api.EndMatchRun(ctx, run.ID, true)
	}
	if err != nil {
		return err
	}
	d.printf("\nMatching, %.1f s: %s people compared, %s merged, %s matches (%s blocked), %s pairs to review; %s profiles.\n", float64(run.TookMS)/1000,
		thousands(run.Records), thousands(run.Before-run.After), thousands(run.Matched), thousands(run.Blocked), thousands(run.Review), thousands(run.After))
	if truth == nil {
		return nil
	}
	found, err := d.profiles(ctx)
	if err != nil {
		return err
	}
	got := truth.Score(found)
	d.printf("  precision %.4f, recall %.4f\n", got.Precision(), got.Recall())
	return nil
}

// profiles are the profile of every identifier, read page by page.
func (d *demo) profiles(ctx context.Context) (map[clientele.Identifier]int64, error) {
	found := map[clientele.Identifier]int64{}
	names, err := d.api.Query(ctx, "SELECT DISTINCT namespace FROM identifiers", nil, 0)
	if err != nil {
		return nil, err
	}
	const page = 10_000
	for _, n := range names.Rows {
		ns, _ := n[0].(string)
		for last := ""; ; {
			r, err := d.api.Query(ctx, fmt.Sprintf("SELECT value, profile_id FROM identifiers WHERE namespace = $1 AND value > $2 ORDER BY value LIMIT %d", page), []any{ns, last}, page)
			if err != nil {
				return nil, err
			}
			for _, row := range r.Rows {
				last, _ = row[0].(string)
				if profile, ok := row[1].(int64); ok {
					found[clientele.Identifier{Namespace: clientele.Namespace(ns), Value: last}] = profile
				}
			}
			if len(r.Rows) < page && !r.Cut {
				break
			}
		}
	}
	return found, nil
}

// watcher takes note of the truth beside the records.
type watcher struct {
	truth *shop.Truth // nil: the shop is too large
	file  *os.File
	buf   *bufio.Writer
	out   *csv.Writer
	known map[clientele.Identifier]int // identifiers of the people told of last
}

func (d *demo) watch() (*watcher, error) {
	w := &watcher{}
	if d.known.People <= maxScored {
		w.truth = shop.NewTruth()
	}
	if d.f.truth == "" {
		return w, nil
	}
	var err error
	if w.file, err = os.Create(d.f.truth); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "truth: %w", err).WithHint("name a file that can be written with --truth")
	}
	w.buf = bufio.NewWriterSize(w.file, 1<<20)
	w.out, w.known = csv.NewWriter(w.buf), map[clientele.Identifier]int{}
	return w, w.out.Write([]string{"person", "what", "value"})
}

func (w *watcher) record(r *shop.Record) {
	if w.truth != nil {
		w.truth.Watch(r)
	}
	if w.out == nil || r.Person == 0 {
		return
	}
	person := strconv.Itoa(r.Person)
	for _, i := range r.Identifiers {
		if w.known[i] != r.Person {
			_ = w.out.Write([]string{person, string(i.Namespace), i.Value}) // close tells
			w.known[i] = r.Person
		}
	}
	if len(w.known) > 10_000 {
		clear(w.known) // a line may then come twice
	}
	_ = w.out.Write([]string{person, "record:" + r.Source, r.ID})
}

func (w *watcher) close() error {
	if w.file == nil {
		return nil
	}
	w.out.Flush()
	err := w.out.Error()
	if e := w.buf.Flush(); err == nil {
		err = e
	}
	if e := w.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "truth: %w", err)
	}
	return nil
}
