package identity

import (
	"cmp"
	"encoding/base32"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"clientele"
	"clientele/internal/rowcache"
)

// Identifiers are the identifiers of the profile, the strongest namespace first.
func (g *Graph) Identifiers(p clientele.ProfileID) ([]clientele.ProfileIdentifier, error) {
	anchors, err := g.Members(p)
	if err != nil {
		return nil, err
	}
	out := make([]clientele.ProfileIdentifier, 0, len(anchors))
	for _, a := range anchors {
		pi, err := g.Identifier(a)
		if err != nil {
			return nil, err
		}
		out = append(out, pi)
	}
	slices.SortFunc(out, func(a, b clientele.ProfileIdentifier) int {
		return cmp.Or(cmp.Compare(g.rules.Rule(a.Namespace).Priority, g.rules.Rule(b.Namespace).Priority), compareIDs(a.Identifier, b.Identifier))
	})
	return out, nil
}

// Identifier is what is known of the anchor's identifier.
func (g *Graph) Identifier(a clientele.Anchor) (clientele.ProfileIdentifier, error) {
	row, err := g.anchor(a)
	if err != nil {
		return clientele.ProfileIdentifier{}, err
	}
	return clientele.ProfileIdentifier{
		Identifier: clientele.Identifier{Namespace: row.NS, Value: row.Value}, Source: row.First.Source,
		Verified: row.Verified, Blocked: row.Generic, FirstSeen: row.First.At, LastSeen: max(row.Last, row.First.At),
	}, nil
}

// ChangedIdentifiers are the anchors whose identifier row differs from that of the last commit.
func (g *Graph) ChangedIdentifiers(fn func(a clientele.Anchor) error) error {
	return g.anchors.Changed(func(a clientele.Anchor, row *anchorRow) error {
		if row == nil { // erased
			return nil
		}
		return fn(a)
	})
}

// FormerIDs are the ids of profiles that have become part of this one.
func (g *Graph) FormerIDs(p clientele.ProfileID) ([]clientele.ProfileID, error) {
	anchors, err := g.Members(p)
	if err != nil {
		return nil, err
	}
	out := []clientele.ProfileID{}
	for _, a := range anchors {
		row, err := g.anchor(a)
		if err != nil {
			return nil, err
		}
		if row.Was && clientele.ProfileID(a) != p {
			out = append(out, clientele.ProfileID(a))
		}
	}
	return out, nil
}

// Links calls fn for everything that joins two of the profile's anchors, with since when: the
// earliest evidence, or an operator's decision. Evidence that has no time of its own, that of an
// alias, joins since both its identifiers are known.
func (g *Graph) Links(p clientele.ProfileID, fn func(a, b clientele.Anchor, at clientele.Micros)) error {
	gr, err := g.groups.Get(p)
	if err != nil || gr == nil {
		return err
	}
	for i, m := range gr.Members {
		near, err := g.adjacent(m.Anchor)
		if err != nil {
			return err
		}
		tied, err := g.linked(m.Anchor)
		if err != nil {
			return err
		}
		for _, o := range gr.Members[i+1:] {
			if near[o.Anchor] {
				if err := g.joined(m.Anchor, o.Anchor, fn); err != nil {
					return err
				}
			}
			if !tied[o.Anchor] {
				continue
			}
			if l, err := g.links.Get(pairOf(m.Anchor, o.Anchor)); err != nil {
				return err
			} else if l != nil && !l.Cannot {
				fn(m.Anchor, o.Anchor, l.Time)
			}
		}
	}
	return nil
}

func (g *Graph) joined(a, b clientele.Anchor, fn func(a, b clientele.Anchor, at clientele.Micros)) error {
	e, err := g.edges.Get(pairOf(a, b))
	if err != nil || e == nil || e.Retired || e.Refused != "" {
		return err
	}
	at := e.First.At
	for _, x := range []clientele.Anchor{a, b} {
		row, err := g.anchor(x)
		if err != nil || row.Generic {
			return err
		}
		if e.First == (clientele.Stamp{}) {
			at = max(at, row.First.At)
		}
	}
	fn(a, b, at)
	return nil
}

var evidenceText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// evidenceID names a pair of anchors.
func evidenceID(p pair) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(p.a))
	binary.BigEndian.PutUint64(b[8:], uint64(p.b))
	return "e_" + evidenceText.EncodeToString(b[:])
}

// EvidenceID names a pair of anchors.
func EvidenceID(a, b clientele.Anchor) string { return evidenceID(pairOf(a, b)) }

// ParseEvidenceID reads the id of an Evidence back into its two anchors.
func ParseEvidenceID(s string) ([2]clientele.Anchor, error) {
	if len(s) > 2 && s[:2] == "e_" {
		if b, err := evidenceText.DecodeString(s[2:]); err == nil && len(b) == 16 {
			return [2]clientele.Anchor{clientele.Anchor(binary.BigEndian.Uint64(b[:8])), clientele.Anchor(binary.BigEndian.Uint64(b[8:]))}, nil
		}
	}
	return [2]clientele.Anchor{}, clientele.Errorf(clientele.Invalid, "an evidence id is e_ and 26 letters or digits")
}

// maxViewEvidence bounds one view: a profile with more evidence shows that much of it.
const maxViewEvidence = 2000

// View explains the profile: the evidence at its identifiers, joined, refused, retired or
// blocked, and who keeps what apart.
func (g *Graph) View(p clientele.ProfileID) (*clientele.IdentityView, error) {
	ids, err := g.Identifiers(p)
	if err != nil {
		return nil, err
	}
	former, err := g.FormerIDs(p)
	if err != nil {
		return nil, err
	}
	v := &clientele.IdentityView{Profile: p, FormerIDs: former, Identifiers: ids, Evidence: []clientele.Evidence{}, Separations: []clientele.Separation{}}
	gr, err := g.groups.Get(p)
	if err != nil || gr == nil {
		return v, err
	}
	v.Frozen = gr.Frozen
	seen, tied := map[pair]bool{}, map[pair]bool{}
	for _, m := range gr.Members {
		if err := g.viewLinks(v, m.Anchor, tied); err != nil {
			return nil, err
		}
		near, err := g.adjacent(m.Anchor)
		if err != nil {
			return nil, err
		}
		for _, b := range slices.Sorted(maps.Keys(near)) {
			if q := pairOf(m.Anchor, b); !seen[q] && len(v.Evidence) < maxViewEvidence {
				seen[q] = true
				if err := g.viewEdge(v, q); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.SortStableFunc(v.Evidence, func(a, b clientele.Evidence) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	return v, nil
}

func (g *Graph) viewEdge(v *clientele.IdentityView, p pair) error {
	e, err := g.edges.Get(p)
	if err != nil || e == nil {
		return err
	}
	a, err := g.anchor(p.a)
	if err != nil {
		return err
	}
	b, err := g.anchor(p.b)
	if err != nil {
		return err
	}
	ev := clientele.Evidence{
		ID: evidenceID(p), A: clientele.Identifier{Namespace: a.NS, Value: a.Value}, B: clientele.Identifier{Namespace: b.NS, Value: b.Value},
		Event: e.First.ID, Source: e.First.Source, At: e.First.At, Rule: e.Rule, Verified: e.Verified, State: "joined", Match: e.Match,
	}
	switch {
	case e.Retired:
		ev.State, ev.Reason = "retired", "an operator took it back"
	case a.Generic || b.Generic:
		ev.State, ev.Reason = "blocked", "one of the two is a blocked identifier: it belongs to too many people, or the rules block it"
	case a.Profile != b.Profile && e.Refused == "":
		ev.State, ev.Reason = "refused", "too much evidence in one place: this neighbourhood is frozen"
	case e.Refused != "":
		ev.State, ev.Reason = "refused", e.Refused
	}
	v.Evidence = append(v.Evidence, ev)
	return nil
}

func (g *Graph) viewLinks(v *clientele.IdentityView, a clientele.Anchor, seen map[pair]bool) error {
	tied, err := g.linked(a)
	if err != nil {
		return err
	}
	for _, b := range slices.Sorted(maps.Keys(tied)) {
		p := pairOf(a, b)
		l, err := g.links.Get(p)
		if err != nil {
			return err
		}
		ra, err := g.anchor(p.a)
		if err != nil {
			return err
		}
		rb, err := g.anchor(p.b)
		if err != nil {
			return err
		}
		x, y := clientele.Identifier{Namespace: ra.NS, Value: ra.Value}, clientele.Identifier{Namespace: rb.NS, Value: rb.Value}
		switch {
		case l == nil || seen[p]:
		case l.Cannot:
			seen[p] = true
			v.Separations = append(v.Separations, clientele.Separation{A: x, B: y, By: l.By, At: l.Time})
		default:
			seen[p] = true
			v.Evidence = append(v.Evidence, clientele.Evidence{ID: evidenceID(p), A: x, B: y, Event: "command", Source: l.By, At: l.Time, Rule: "manual", State: "joined"})
		}
	}
	return nil
}

// Count is the totals of the graph.
func (g *Graph) Count() Counters { return g.counter }

// maxSuspects is how many profiles of a kind are looked into.
const maxSuspects = 1000

// Health looks at every profile. suspects are the largest, and such as matches join, which are worth a look.
func Health(rules *Rules, rows clientele.Rows) (h *clientele.IdentityHealth, suspects []clientele.ProfileSize, err error) {
	g, err := NewGraph(rules, rows)
	if err != nil {
		return nil, nil, err
	}
	c, emails, phones := g.counter, 0, 0
	h = &clientele.IdentityHealth{Profiles: c.Profiles, Identifiers: c.ByNS, BlockedValues: c.Generic, BlockedMerges: c.Refused,
		Frozen: c.Frozen, Merges: c.Merges, Unmerges: c.Unmerges, ManualLinks: c.Manual, CannotLinks: c.Cannot, Largest: []clientele.ProfileSize{},
		Suspicious: []clientele.SuspiciousProfile{}}
	floor := 0 // identifiers of the smallest of the largest
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, row []byte) (bool, error) {
		id := clientele.ProfileID(k.Read().Uint())
		gr, err := rowcache.Decode[groupRow](row)
		if err != nil || gr == nil {
			return false, err
		}
		if slices.ContainsFunc(gr.Members, func(m member) bool {
			return m.NS != clientele.AnonymousID && m.NS != clientele.DeviceID && m.NS != clientele.PreviousID
		}) {
			h.Known++
		}
		emails += min(1, count(gr.Members, clientele.Email))
		phones += min(1, count(gr.Members, clientele.Phone))
		size := clientele.ProfileSize{ID: id, Identifiers: len(gr.Members)}
		if gr.Matched && len(suspects) < maxSuspects {
			suspects = append(suspects, size)
		}
		if size.Identifiers > floor {
			h.Largest = append(h.Largest, size)
		}
		if len(h.Largest) > 4*maxSuspects {
			h.Largest = largest(h.Largest, maxSuspects)
			floor = h.Largest[maxSuspects-1].Identifiers
		}
		return true, nil
	})
	h.Largest = largest(h.Largest, maxSuspects)
	suspects = append(suspects, h.Largest...)
	slices.SortFunc(suspects, func(a, b clientele.ProfileSize) int { return cmp.Compare(a.ID, b.ID) })
	suspects = slices.Compact(suspects)
	h.Largest = slices.Clone(h.Largest[:min(len(h.Largest), 10)])
	if h.Profiles > 0 {
		n := float64(h.Profiles)
		h.Rate, h.EmailRate, h.PhoneRate = float64(h.Known)/n, float64(emails)/n, float64(phones)/n
		for _, of := range h.Identifiers {
			h.PerPerson += float64(of) / n
		}
	}
	return h, suspects, err
}

func largest(all []clientele.ProfileSize, most int) []clientele.ProfileSize {
	slices.SortFunc(all, func(a, b clientele.ProfileSize) int {
		return cmp.Or(cmp.Compare(b.Identifiers, a.Identifiers), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), most)]
}

// Simulate is what the rules would do to the evidence in the view; nothing is written. At most
// sample changes are told in full.
func Simulate(now, then *Rules, rows clientele.Rows, sample int, clock func() time.Time) (*clientele.Simulation, error) {
	start := clock()
	g, err := NewGraph(now, rows)
	if err != nil {
		return nil, err
	}
	was := g.counter
	if err := g.SetRules(then); err != nil {
		return nil, err
	}
	moved := g.Moved()
	s := &clientele.Simulation{ProfilesBefore: was.Profiles, ProfilesAfter: g.counter.Profiles, Affected: int64(len(moved)),
		BlockedMerges: g.counter.Refused, BlockedValues: g.counter.Generic, Sample: []clientele.SimulationChange{}}
	if err := g.simulated(s, moved, sample); err != nil {
		return nil, err
	}
	s.TookMS = clock().Sub(start).Milliseconds()
	return s, nil
}

// simulated counts merges and splits among the moved, and tells the first of them in full.
func (g *Graph) simulated(s *clientele.Simulation, moved []clientele.Moved, sample int) error {
	into, outOf := map[clientele.ProfileID]map[clientele.ProfileID]bool{}, map[clientele.ProfileID]map[clientele.ProfileID]bool{}
	add := func(m map[clientele.ProfileID]map[clientele.ProfileID]bool, k, v clientele.ProfileID) {
		if m[k] == nil {
			m[k] = map[clientele.ProfileID]bool{}
		}
		m[k][v] = true
	}
	fresh, err := NewGraph(g.rules, g.rows) // the stored grouping
	if err != nil {
		return err
	}
	touched := map[clientele.ProfileID]bool{}
	for _, m := range moved {
		touched[g.before[m.Anchor]], touched[m.Profile] = true, true
	}
	// Every member of a touched group takes part, those too that stay where they are.
	anchors := map[clientele.Anchor]bool{}
	for p := range touched {
		for _, gr := range []*Graph{g, fresh} {
			members, err := gr.Members(p)
			if err != nil {
				return err
			}
			for _, a := range members {
				anchors[a] = true
			}
		}
	}
	for a := range anchors {
		before, err := fresh.Profile(a)
		if err != nil {
			return err
		}
		after, err := g.Profile(a)
		if err != nil {
			return err
		}
		add(into, after, before)
		add(outOf, before, after)
	}
	for _, from := range into {
		s.Merges += int64(len(from) - 1)
	}
	for _, to := range outOf {
		if len(to) > 1 {
			s.Splits++
		}
	}
	done := map[clientele.ProfileID]bool{}
	for _, after := range slices.Sorted(maps.Keys(into)) {
		if len(s.Sample) >= sample {
			break
		}
		if done[after] || len(into[after]) == 1 && len(outOf[one(into[after])]) == 1 {
			continue
		}
		c, err := g.change(fresh, after, into, outOf, done)
		if err != nil {
			return err
		}
		s.Sample = append(s.Sample, c)
	}
	return nil
}

func one(m map[clientele.ProfileID]bool) clientele.ProfileID {
	for p := range m {
		return p
	}
	return 0
}

// change is one connected regrouping: the profiles before and after that share anchors.
func (g *Graph) change(fresh *Graph, start clientele.ProfileID, into, outOf map[clientele.ProfileID]map[clientele.ProfileID]bool, done map[clientele.ProfileID]bool) (clientele.SimulationChange, error) {
	var c clientele.SimulationChange
	befores := map[clientele.ProfileID]bool{}
	queue := []clientele.ProfileID{start}
	done[start] = true
	for len(queue) > 0 {
		after := queue[0]
		queue = queue[1:]
		ids, err := g.names(after)
		if err != nil {
			return c, err
		}
		c.After = append(c.After, ids)
		for _, b := range slices.Sorted(maps.Keys(into[after])) {
			if befores[b] {
				continue
			}
			befores[b] = true
			ids, err := fresh.names(b)
			if err != nil {
				return c, err
			}
			c.Before = append(c.Before, ids)
			for _, next := range slices.Sorted(maps.Keys(outOf[b])) {
				if !done[next] {
					done[next] = true
					queue = append(queue, next)
				}
			}
		}
	}
	return c, nil
}

func (g *Graph) names(p clientele.ProfileID) ([]clientele.Identifier, error) {
	ids, err := g.Identifiers(p)
	out := make([]clientele.Identifier, len(ids))
	for i := range ids {
		out[i] = ids[i].Identifier
	}
	return out, err
}
