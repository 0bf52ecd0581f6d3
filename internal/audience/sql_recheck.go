package audience

import (
	"fmt"
	"strings"

	"clientele"
)

// Rechecks is a SELECT of profile_id and recheck (microseconds): when, after now, time alone may
// first change whether the profile is a member. "" when it never does. It may name a moment too
// early, never one too late; who has none is not in it.
func (s Schema) Rechecks(c Condition, at At) string {
	var parts []string
	for _, l := range Leaves(c) {
		parts = append(parts, s.recheck(l, at)...)
	}
	if len(parts) == 0 {
		return ""
	}
	return "select profile_id, min(recheck) as recheck from (" + strings.Join(parts, " union all ") + ") group by profile_id"
}

func (s Schema) recheck(c Condition, at At) (out []string) {
	switch c := c.(type) {
	case *Event:
		return moments(c.Window, at.Now, "e.profile_id", "e.ts", func(from, to clientele.Micros) string {
			w := *c
			w.Window = Window{From: from, To: to}
			return s.matching(&w, At{Now: clientele.MaxTime})
		})
	case *Message:
		return moments(c.Window, at.Now, "m.profile_id", "m.ts", func(from, to clientele.Micros) string { return messagesMatching(c, from, to) })
	case *Sequence:
		for i, st := range c.Steps {
			e := &Event{Name: st.Name, Where: st.Where}
			if st.Not {
				continue
			}
			out = append(out, moments(c.Window, at.Now, "e.profile_id", "e.ts", func(from, to clientele.Micros) string {
				e.Window = Window{From: from, To: to}
				return s.matching(e, At{Now: clientele.MaxTime})
			})...)
			for _, n := range c.Steps[i+1:] {
				if !n.Not {
					break
				}
				if n.Bound {
					e.Window = Window{From: at.Now - clientele.Micros(n.Before)}
					out = append(out, fmt.Sprintf("select e.profile_id, epoch_us(min(e.ts)) + %d as recheck %s group by e.profile_id", int64(n.Before)+1, s.matching(e, At{Now: clientele.MaxTime})))
				}
			}
		}
	case *Lifecycle:
		if c.For > 0 {
			out = append(out, fmt.Sprintf("select profile_id, epoch_us(entered_at) + %d as recheck from lifecycle where left_at is null and stage = %s and entered_at > %s",
				int64(c.For), literalSQL(c.Stage), timeSQL(at.Now-clientele.Micros(c.For))))
		}
	case *Consent:
		out = append(out, fmt.Sprintf("select profile_id, epoch_us(x) as recheck from (select profile_id, unnest(list_transform(json_extract(consent, '$[*]'), lambda q: try_cast(q->>'expires_at' as timestamptz))) as x from profiles where contains(cast(consent as varchar), '\"expires_at\"')) where x > %s", timeSQL(at.Now)))
	}
	return out
}

// moments are when events enter or leave a window that moves: query gives what happened in a
// range of times.
func moments(w Window, now clientele.Micros, id, ts string, query func(from, to clientele.Micros) string) (out []string) {
	add := func(from, to clientele.Micros, shift Duration) {
		if from <= to {
			out = append(out, fmt.Sprintf("select %s as profile_id, epoch_us(min(%s)) + %d as recheck %s group by %[1]s", id, ts, int64(shift), query(from, to)))
		}
	}
	first, last := clientele.MinTime, clientele.MaxTime-1
	if w.From != 0 {
		first = w.From
	}
	if w.To != 0 {
		last = w.To
	}
	if w.Within != 0 { // leaves a moment after it is as old as that
		add(max(first, now-clientele.Micros(w.Within)), last, w.Within+1)
	}
	if w.OlderThan != 0 {
		add(max(first, now-clientele.Micros(w.OlderThan)+1), last, w.OlderThan)
	} else { // what lies ahead of now enters when its time comes
		add(max(first, now+1), last, 0)
	}
	return out
}
