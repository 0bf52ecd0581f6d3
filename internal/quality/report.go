package quality

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/rowcache"
)

// The spans that a report compares: the days up to today against those before them.
const (
	recentDays = 7
	beforeDays = 28
)

// Bounds below which a difference is no news.
const (
	steadyFor   = dayLength // how long an event must have been there for a property to be new
	enoughShare = 0.05      // of events that had a property for its absence to be told
	enoughTimes = 10        // that it would be expected
)

// span are the counts of an event over some days.
type span struct {
	events int64
	counts [][len(kinds)]int64
	last   []int64 // by property: the latest day
}

func (s *span) add(day int64, d *dayRow) {
	s.events += d.Events
	for len(s.counts) < len(d.Counts) {
		s.counts, s.last = append(s.counts, [len(kinds)]int64{}), append(s.last, 0)
	}
	for i, c := range d.Counts {
		for k, n := range c {
			if s.counts[i][k] += n; n > 0 {
				s.last[i] = max(s.last[i], day)
			}
		}
	}
}

func (s *span) of(property int) (c [len(kinds)]int64, seen int64, last int64) {
	if property < len(s.counts) {
		c, last = s.counts[property], s.last[property]
	}
	for _, n := range c {
		seen += n
	}
	return c, seen, last
}

// Properties tells what the events hold, as of now, of one source and event where they are given.
func Properties(rows clientele.Rows, now clientele.Micros, source, event string) ([]clientele.PropertySeen, error) {
	out := []clientele.PropertySeen{}
	err := eachEvent(rows, func(k eventKey, row *eventRow) error {
		if source != "" && source != k.source || event != "" && event != k.event {
			return nil
		}
		recent, before, err := spans(rows, k, now)
		if err != nil {
			return err
		}
		for i := range row.Properties {
			out = append(out, describe(k, row, i, recent, before, now))
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b clientele.PropertySeen) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Property, b.Property))
	})
	return out, err
}

func spans(rows clientele.Rows, k eventKey, now clientele.Micros) (recent, before span, err error) {
	today := int64(now / dayLength)
	err = eachDay(rows, k, today-recentDays-beforeDays+1, func(day int64, d *dayRow) {
		if day > today-recentDays {
			recent.add(day, d)
		} else {
			before.add(day, d)
		}
	})
	return recent, before, err
}

func eachDay(rows clientele.Rows, k eventKey, from int64, fn func(int64, *dayRow)) error {
	all := clientele.Prefix(clientele.QualityKey("day", k.source, k.event))
	all.Start = k.day(max(from, 0))
	return rows.Scan(all, func(key clientele.Key, v []byte) (bool, error) {
		d, err := rowcache.Decode[dayRow](v)
		if err != nil {
			return false, err
		}
		r := key.Read()
		r.Text()
		r.Text()
		r.Text()
		fn(int64(r.Uint()), d)
		return true, r.Err()
	})
}

func describe(k eventKey, row *eventRow, i int, recent, before span, now clientele.Micros) clientele.PropertySeen {
	p := &row.Properties[i]
	is, seen, last := recent.of(i)
	was, wasSeen, wasLast := before.of(i)
	out := clientele.PropertySeen{Source: k.source, Event: k.event, Property: p.Name, First: p.First, Events: recent.events, Seen: seen,
		Types: named(is), WasTypes: named(was), WasShare: share(wasSeen, before.events), Status: "steady"}
	out.Missing, out.Null = share(recent.events-seen, recent.events), share(is[0], recent.events)
	if last = max(last, wasLast); last > 0 {
		out.LastDay = clientele.Micros(last * int64(dayLength)).Time().Format("2006-01-02")
	}
	since := now - recentDays*dayLength
	switch {
	case recent.events == 0:
		out.Status = "idle"
	case p.First >= since && p.First > row.First+steadyFor:
		out.Status, out.Note = "new", "first seen "+day(p.First)
	case seen == 0 && wasSeen > 0 && out.WasShare >= enoughShare && out.WasShare*float64(recent.events) >= enoughTimes:
		out.Status, out.Note = "vanished", fmt.Sprintf("in %.0f %% of the events before, last on %s", 100*out.WasShare, out.LastDay)
	default:
		if note := retyped(p, is, was, since); note != "" {
			out.Status, out.Note = "retyped", note
		}
	}
	return out
}

// retyped says which kind of value is new, or which one most have now instead of another.
func retyped(p *propertyRow, is, was [len(kinds)]int64, since clientele.Micros) string {
	var came []string
	for kind := 1; kind < len(kinds); kind++ { // null is no type
		if at := p.Kinds[kind]; at >= since && at > p.First+steadyFor && is[kind] > 0 {
			came = append(came, fmt.Sprintf("%s since %s", kinds[kind], day(at)))
		}
	}
	if len(came) > 0 {
		return strings.Join(came, ", ")
	}
	if a, b := most(was), most(is); a > 0 && b > 0 && a != b {
		return fmt.Sprintf("mostly %s, was mostly %s", kinds[b], kinds[a])
	}
	return ""
}

// most is the kind that most values have; 0 when all are null or there are none.
func most(c [len(kinds)]int64) int {
	best := 0
	for kind := 1; kind < len(kinds); kind++ {
		if c[kind] > 0 && (best == 0 || c[kind] > c[best]) {
			best = kind
		}
	}
	return best
}

func named(c [len(kinds)]int64) map[string]int64 {
	out := map[string]int64{}
	for kind, n := range c {
		if n > 0 {
			out[kinds[kind]] = n
		}
	}
	return out
}

func share(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func day(at clientele.Micros) string { return at.Time().Format("2006-01-02") }
