package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/quality"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// This file answers questions about the data's quality from the row store and by SQL.

// Properties are what events hold; changed leaves out what is as it was.
func (a *App) Properties(_ context.Context, source, event string, changed bool) ([]clientele.PropertySeen, error) {
	snap, err := a.rows.Snapshot()
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	totals, err := resolve.LoadTotals(snap)
	if err != nil {
		return nil, err
	}
	all, err := quality.Properties(snap, totals.Now, source, event)
	if changed {
		all = slices.DeleteFunc(all, func(p clientele.PropertySeen) bool { return p.Status == "steady" || p.Status == "idle" })
	}
	return all, err
}

// weeks is how many earlier weeks a volume is compared with.
const weeks = 4

// Bounds of a volume that is told to be out of the ordinary.
const (
	fewEvents = 20 // expected: below it chance alone makes large differences
	lowShare  = 0.5
	highShare = 2
)

// eventLabel is the name of an event as plans and tallies have it.
const eventLabel = `case when type = 'track' then name else concat('$', type) end`

// Volumes compares the span of so many hours that ends now with those one to four weeks earlier.
func (a *App) Volumes(ctx context.Context, hours int) ([]clientele.EventVolume, error) {
	now, length := a.o.Now(), time.Duration(hours)*time.Hour
	events, err := a.volumes(ctx, "source, "+eventLabel, now, length)
	if err != nil {
		return nil, err
	}
	sources, err := a.volumes(ctx, "source, ''", now, length)
	if err != nil {
		return nil, err
	}
	// A week without anything of the source says nothing of its events: it was not there yet.
	there := map[string][]int64{}
	for _, s := range sources {
		there[s.Source] = s.Before
	}
	out := append(sources, events...)
	for i := range out {
		judge(&out[i], there[out[i].Source])
	}
	slices.SortFunc(out, func(x, y clientele.EventVolume) int {
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Event, y.Event))
	})
	return out, nil
}

// volumes counts the events of the spans, by two columns.
func (a *App) volumes(ctx context.Context, by string, now time.Time, length time.Duration) ([]clientele.EventVolume, error) {
	text, where, params := "select "+by, "", []any{}
	for week := range weeks + 1 {
		to := now.AddDate(0, 0, -7*week)
		params = append(params, to.Add(-length), to)
		in := fmt.Sprintf("ts > $%d and ts <= $%d", len(params)-1, len(params))
		text += fmt.Sprintf(", cast(sum(case when %s then 1 else 0 end) as bigint)", in)
		if where != "" {
			where += " or "
		}
		where += in
	}
	r, err := a.columns.Query(ctx, text+" from events where "+where+" group by 1, 2", params, duckstore.Limits{Rows: -1})
	if err != nil {
		return nil, err
	}
	var out []clientele.EventVolume
	for _, row := range r.Rows {
		v := clientele.EventVolume{Source: word(row[0]), Event: word(row[1]), Count: whole(row[2])}
		for _, n := range row[3:] {
			v.Before = append(v.Before, whole(n))
		}
		out = append(out, v)
	}
	return out, nil
}

// judge compares with the weeks in which the source was there.
func judge(v *clientele.EventVolume, there []int64) {
	var before []int64
	for i, n := range v.Before {
		if i < len(there) && there[i] > 0 {
			before = append(before, n)
		}
	}
	v.Expected = median(before)
	n := float64(v.Count)
	switch {
	case len(before) == 0 || v.Expected == 0 && slices.Max(before) == 0:
		v.Status = "new"
	case v.Expected < fewEvents && n < highShare*fewEvents:
		v.Status = "few"
	case v.Count == 0:
		v.Status = "silent"
	case n < lowShare*v.Expected:
		v.Status = "low"
	case n > highShare*v.Expected:
		v.Status = "high"
	default:
		v.Status = "normal"
	}
}

func median(list []int64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return float64(list[(len(list)-1)/2]+list[len(list)/2]) / 2
}

// Freshness says when each source, of the configuration or with events, was last heard of.
func (a *App) Freshness(ctx context.Context) ([]clientele.Freshness, error) {
	now := a.o.Now()
	r, err := a.columns.Query(ctx, "select source, max(received_at) from events group by source", nil, duckstore.Limits{Rows: -1})
	if err != nil {
		return nil, err
	}
	hours, err := a.volumes(ctx, "source, ''", now, time.Hour)
	if err != nil {
		return nil, err
	}
	by := map[string]*clientele.Freshness{}
	for _, s := range a.live.Load().sources {
		by[s.Name] = &clientele.Freshness{Source: s.Name, Status: "never"}
	}
	for _, row := range r.Rows {
		f := &clientele.Freshness{Source: word(row[0]), Status: "fresh"}
		if err := f.Last.UnmarshalText([]byte(word(row[1]))); err != nil {
			return nil, err
		}
		f.Age = max(0, now.Sub(f.Last.Time()).Seconds())
		by[f.Source] = f
	}
	for _, h := range hours {
		f := by[h.Source]
		if f == nil {
			continue
		}
		var before []int64
		for _, n := range h.Before {
			if n > 0 {
				before = append(before, n)
			}
		}
		f.Hour, f.Expected = h.Count, median(before)
	}
	out := []clientele.Freshness{}
	for _, f := range by {
		switch {
		case f.Status == "never" || f.Age <= 3600:
		case f.Expected >= fewEvents:
			f.Status = "late"
		default:
			f.Status = "quiet" // nothing is expected at this hour
		}
		out = append(out, *f)
	}
	slices.SortFunc(out, func(x, y clientele.Freshness) int { return cmp.Compare(x.Source, y.Source) })
	return out, nil
}

// Minimisation is what came in the last days and nothing has read in them.
func (a *App) Minimisation(_ context.Context, days int) (*clientele.Minimisation, error) {
	if err := a.flushReads(); err != nil {
		return nil, err
	}
	snap, err := a.rows.Snapshot()
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	totals, err := resolve.LoadTotals(snap)
	if err != nil {
		return nil, err
	}
	book, err := quality.LoadBook(snap)
	if err != nil {
		return nil, err
	}
	return quality.Minimise(snap, book, a.reads, max(totals.Now, clientele.MicrosOf(a.o.Now())), days, commerce.Touches)
}

// flushReads writes down what was read since it was called last.
func (a *App) flushReads() error {
	return a.reads.Flush(func() (*quality.Names, error) {
		columns, err := resolve.Promoted(a.rows, "events")
		if err != nil {
			return nil, err
		}
		return quality.KnownNames(a.rows, columns)
	})
}

// Stop takes an event, or a property of it, out from now on.
func (a *App) Stop(ctx context.Context, by string, what clientele.StopRequest) (*clientele.TransformInForce, error) {
	if what.Source == "" || what.Event == "" {
		return nil, clientele.Errorf(clientele.Invalid, "source and event are needed")
	}
	return a.SetTransform(ctx, by, quality.StopRule(what))
}

// maxProposed is how many of the log's events a proposal is made of.
const maxProposed = 50_000

// ProposePlan makes a plan of the source's latest events. It is not in force.
func (a *App) ProposePlan(ctx context.Context, source, name string) (*clientele.Plan, error) {
	book, err := a.book()
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = quality.PlanName(source)
	}
	p, left := quality.NewProposal(book, source), maxProposed
	err = a.latestEvents(ctx, func(_ string, rec *clientele.Record) bool {
		if rec.Source == source {
			p.Add(rec.Raw)
			left--
		}
		return left > 0
	})
	if err != nil {
		return nil, err
	}
	return p.Plan(name)
}

// word and whole read values of an answer.
func word(v any) string {
	s, _ := v.(string)
	return s
}

func whole(v any) int64 {
	n, err := integer(v)
	if err != nil {
		return 0
	}
	return n
}
