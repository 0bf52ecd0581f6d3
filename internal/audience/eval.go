package audience

import (
	"math"
	"slices"
	"strings"

	"clientele"
)

// Never is the recheck of what time alone does not change.
const Never clientele.Micros = math.MaxInt64

// Evaluate says whether the profile of the facts is a member, and when, after now, time alone may
// first change that: a moment too early perhaps, never one too late; Never when it does not.
func Evaluate(c Condition, f Facts, at At) (member bool, recheck clientele.Micros, err error) {
	e := evaluation{f, at}
	return e.condition(c)
}

type evaluation struct {
	facts Facts
	at    At
}

func (e *evaluation) condition(c Condition) (bool, clientele.Micros, error) {
	switch c := c.(type) {
	case And:
		return e.list(c, true)
	case Or:
		return e.list(c, false)
	case *Suppressed:
		member, _, recheck, err := Decide(c, e.facts, e.at)
		return member, recheck, err
	case Not:
		member, recheck, err := e.condition(c.Of)
		return !member, recheck, err
	case *Trait:
		member, err := e.trait(c)
		return member, Never, err
	case *Event:
		return e.event(c)
	case *Message:
		return e.message(c)
	case *Sequence:
		return e.sequence(c)
	case *Lifecycle:
		return e.lifecycle(c)
	case *Ref:
		member, err := e.facts.InAudience(c.Audience)
		return member, Never, err
	case *Listed:
		member, err := e.facts.Listed(c.Audience)
		return member, Never, err
	case *Catalog:
		member, err := e.catalog(c)
		return member, Never, err
	case *Consent:
		return e.consent(c)
	case *Identifier:
		member, err := e.identifier(c)
		return member, Never, err
	}
	return false, Never, nil
}

// list is all of them, or one of them. One that decides it, decides it for as long as it stays as
// it is; until the decision falls, what changes first may change it.
func (e *evaluation) list(list []Condition, all bool) (bool, clientele.Micros, error) {
	soonest, longest, decided := Never, clientele.Micros(0), false
	for _, c := range list {
		member, recheck, err := e.condition(c)
		if err != nil {
			return false, 0, err
		}
		if member != all {
			if recheck == Never {
				return !all, Never, nil
			}
			decided, longest = true, max(longest, recheck)
		}
		soonest = min(soonest, recheck)
	}
	if decided {
		return !all, longest, nil
	}
	return all, soonest, nil
}

func (e *evaluation) trait(t *Trait) (bool, error) {
	test := t.Test
	if t.Percentile != nil {
		threshold, ok := e.at.threshold(t)
		if !ok {
			return false, nil
		}
		test = Test{t.Percentile.Op, []Literal{NumberOf(threshold)}}
	}
	name, path := t.Name, ""
	rest, prefixed := cutPrefix(name, "computed.", "predictions.")
	if !prefixed {
		name, path, _ = strings.Cut(name, ".")
	} else if rest == "" {
		return false, nil
	}
	v, err := e.facts.Trait(name)
	if path != "" {
		v = Member(v, path)
	}
	return test.Holds(v), err
}

func (e *evaluation) consent(c *Consent) (bool, clientele.Micros, error) {
	d, err := e.facts.Consent(c.Purpose, c.Channel)
	if err != nil || d == nil || d.ExpiresAt != 0 && d.ExpiresAt <= e.at.Now {
		return false, Never, err
	}
	if d.Granted == c.Granted && d.ExpiresAt != 0 {
		return true, d.ExpiresAt, nil
	}
	return d.Granted == c.Granted, Never, nil
}

func (e *evaluation) identifier(c *Identifier) (bool, error) {
	all, err := e.facts.Identifiers()
	for _, id := range all {
		if id.Namespace == c.Namespace && (c.Verified == nil || id.Verified == *c.Verified) {
			return c.Exists, err
		}
	}
	return !c.Exists, err
}

func (e *evaluation) lifecycle(c *Lifecycle) (bool, clientele.Micros, error) {
	stage, since, err := e.facts.Lifecycle()
	if err != nil || stage != c.Stage {
		return false, Never, err
	}
	if from := since + clientele.Micros(c.For); from > e.at.Now {
		return false, from, nil
	}
	return true, Never, nil
}

// span is the range of times of which anything may matter from now on: what is in the window, what
// has left it for good aside.
func (w Window) span(now clientele.Micros) (from, to clientele.Micros) {
	from, to = clientele.MinTime, clientele.MaxTime
	if w.From != 0 {
		from = w.From
	}
	if w.Within != 0 {
		from = max(from, now-clientele.Micros(w.Within))
	}
	if w.To != 0 {
		to = w.To
	}
	return from, to
}

// moment is when, after now, something that happened at ts next enters or leaves the window.
func (w Window) moment(ts, now clientele.Micros) clientele.Micros {
	enters := ts
	if w.OlderThan != 0 {
		enters += clientele.Micros(w.OlderThan)
	}
	if enters > now {
		return enters
	}
	if w.Within != 0 {
		if leaves := ts + clientele.Micros(w.Within) + 1; leaves > now {
			return leaves
		}
	}
	return Never
}

func (e *evaluation) event(c *Event) (bool, clientele.Micros, error) {
	now := e.at.Now
	from, to := c.span(now)
	hits, err := e.facts.Hits(c.Counted(), from, to)
	if err != nil {
		return false, 0, err
	}
	member := c.holds(within(hits, c.Window, now))
	if c.Within == 0 && c.OlderThan == 0 && (len(hits) == 0 || hits[len(hits)-1].At <= now) {
		return member, Never, nil
	}
	// The window goes on from one event to the next, until the answer is another.
	const steps = 64
	at := now
	for range steps {
		next := Never
		for _, h := range hits {
			next = min(next, c.moment(h.At, at))
		}
		if next == Never || c.holds(within(hits, c.Window, next)) != member {
			return member, next, nil
		}
		at = next
	}
	return member, at, nil
}

// within are the hits in the window at now.
func within(hits []Hit, w Window, now clientele.Micros) []Hit {
	from, to := w.Bounds(now)
	first, _ := slices.BinarySearchFunc(hits, from, func(h Hit, t clientele.Micros) int { return compareTimes(h.At, t) })
	last, _ := slices.BinarySearchFunc(hits, to+1, func(h Hit, t clientele.Micros) int { return compareTimes(h.At, t) })
	return hits[first:max(first, last)]
}

func compareTimes(a, b clientele.Micros) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// holds says whether what is made of the hits passes.
func (e *Event) holds(hits []Hit) bool {
	a := e.Aggregate
	op, negated := a.Test.Op.positive()
	if e.By != "" {
		counts := map[string]int{}
		for _, h := range hits {
			if k, ok := keyOf(h.Value); ok {
				if counts[k]++; a.Test.counts(counts[k]) && op != Eq {
					return true
				}
			}
		}
		for _, n := range counts {
			if a.Test.counts(n) {
				return true
			}
		}
		return false
	}
	switch a.Kind {
	case Count:
		return a.Test.counts(len(hits))
	case Unique:
		seen := map[string]bool{}
		for _, h := range hits {
			if k, ok := keyOf(h.Value); ok {
				seen[k] = true
			}
		}
		return a.Test.counts(len(seen))
	case Sum, Avg:
		return a.sum(op, hits) != negated
	case Min, Max:
		return a.least(op, hits) != negated
	}
	if a.Kind == Last {
		hits = slices.Clone(hits)
		slices.Reverse(hits)
	}
	for _, h := range hits {
		if h.Value != nil {
			return a.Test.Holds(h.Value)
		}
	}
	return negated
}

// counts says whether a count passes.
func (t Test) counts(n int) bool {
	op, negated := t.Op.positive()
	return between(op, float64(n), numbers(t.Values)) != negated
}

func (a Aggregate) sum(op Op, hits []Hit) bool {
	var sum int128
	var n int64
	for _, h := range hits {
		if f, ok := numberOf(h.Value); ok {
			if u, ok := units(f); ok {
				sum, n = sum.plus(u), n+1
			}
		}
	}
	if n == 0 {
		return false
	}
	with := make([]int, len(a.Test.Values))
	for i, l := range a.Test.Values {
		u, _ := units(l.Number)
		if a.Kind == Avg {
			u = u.times(n)
		}
		with[i] = sum.compare(u)
	}
	// with is how the sum lies to each bound.
	if op == Between {
		return with[0] >= 0 && with[1] <= 0
	}
	return between(op, with[0], []int{0})
}

func (a Aggregate) least(op Op, hits []Hit) bool {
	best, found := 0.0, false
	for _, h := range hits {
		f, ok := numberOf(h.Value)
		if ok && (!found || a.Kind == Min && f < best || a.Kind == Max && f > best) {
			best, found = f, true
		}
	}
	return found && between(op, best, numbers(a.Test.Values))
}

// keyOf is something that is equal for equal values of one kind.
func keyOf(v []byte) (string, bool) {
	if missing(v) {
		return "", false
	}
	switch v[0] {
	case '"':
		s, ok := textOf(v)
		return "s" + s, ok
	case 't', 'f':
		return "b" + string(v[0]), true
	case '{', '[':
		return "", false
	}
	f, ok := numberOf(v)
	if f == 0 {
		f = 0
	}
	return "n" + number(f), ok
}

func (e *evaluation) message(c *Message) (bool, clientele.Micros, error) {
	now := e.at.Now
	from, to := c.span(now)
	var hits []Hit
	err := e.facts.Messages(from, to, func(o *Occurrence) error {
		for _, f := range c.Fields {
			if f.Name == "source" {
				if o.Source != f.Value {
					return nil
				}
				continue
			}
			if s, ok := textOf(member(o.Properties, f.Name)); !ok || s != f.Value {
				return nil
			}
		}
		hits = append(hits, Hit{Stamp: o.Stamp})
		return nil
	})
	if err != nil {
		return false, 0, err
	}
	slices.SortFunc(hits, func(a, b Hit) int { return a.Compare(b.Stamp) })
	member := c.Count.counts(len(within(hits, c.Window, now)))
	recheck := Never
	for _, h := range hits {
		recheck = min(recheck, c.moment(h.At, now))
	}
	return member, recheck, nil
}
