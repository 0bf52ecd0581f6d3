package identity

import (
	"cmp"
	"maps"
	"slices"

	"clientele"
)

// MatchSource is the source of matched evidence.
const MatchSource = "matching"

// Match takes a match as evidence, or what is known of it by now. Evidence of records stays what it is, and so does a match that
// an operator took back. A match is no sight of a value: it makes no value generic.
func (g *Graph) Match(m clientele.MatchPair, at clientele.Stamp) error {
	clear(g.minted)
	p := pairOf(m.A, m.B)
	if p.a == p.b {
		return nil
	}
	have, err := g.edges.Get(p)
	if err != nil {
		return err
	}
	if have != nil {
		if have.Match == nil || have.Retired {
			return nil
		}
		next := *have
		next.Match = &m.Match
		g.edges.Put(p, &next)
		return g.review(p.a, p.b)
	}
	g.edges.Put(p, &edgeRow{First: at, Rule: RuleMatched, Match: &m.Match})
	g.counter.Evidence++
	g.neighbours(p.a, p.b)
	if err := g.join(p.a, p.b); err != nil {
		return err
	}
	a, err := g.anchor(p.a)
	if err != nil {
		return err
	}
	b, err := g.anchor(p.b)
	if err != nil || a.Profile != b.Profile {
		return err
	}
	gr, err := g.group(p.a)
	if err == nil && !gr.Matched {
		next := *gr
		next.Matched = true
		g.groups.Put(a.Profile, &next)
	}
	return err
}

// witness puts what a record says in the place of a match.
func (g *Graph) witness(p pair, have, said edgeRow) error {
	if have.Retired {
		return nil
	}
	said.Refused = have.Refused
	g.edges.Put(p, &said)
	flipped, err := g.count(p.a, p.b, 1)
	if err != nil {
		return err
	}
	if err := g.linkedAgain(p.a, p.b); err != nil {
		return err
	}
	return g.review(append(flipped, p.a, p.b)...)
}

// Unmatch takes a match away that no longer holds; what records say and what an operator took back stays.
func (g *Graph) Unmatch(a, b clientele.Anchor) error {
	clear(g.minted)
	p := pairOf(a, b)
	e, err := g.edges.Get(p)
	if err != nil || e == nil || e.Match == nil || e.Retired {
		return err
	}
	for _, x := range [2][2]clientele.Anchor{{p.a, p.b}, {p.b, p.a}} {
		near, err := g.adjacent(x[0])
		if err != nil {
			return err
		}
		delete(near, x[1])
		g.fresh[x[0]] = slices.DeleteFunc(g.fresh[x[0]], func(o clientele.Anchor) bool { return o == x[1] })
	}
	if e.Refused != "" {
		g.counter.Refused--
	}
	g.counter.Evidence--
	g.edges.Put(p, nil)
	return g.review(p.a, p.b)
}

// Forbid keeps two anchors apart from here on. Where they are of one profile it comes apart: the weakest evidence that joins
// them gives way, and is retired.
func (g *Graph) Forbid(a, b clientele.Anchor, by string, at clientele.Position, now clientele.Micros) error {
	clear(g.minted)
	p := pairOf(a, b)
	x, err := g.Profile(a)
	if err != nil {
		return err
	}
	y, err := g.Profile(b)
	if err != nil {
		return err
	}
	if have, err := g.links.Get(p); err != nil || have != nil && have.Cannot {
		return err
	}
	if x != y {
		g.forbid(p, by, at, now)
		return g.review(a, b)
	}
	gr, err := g.group(a)
	if err != nil {
		return err
	}
	members := slices.Clone(gr.Members)
	if err := g.takeBack(p, members); err != nil {
		return err
	}
	g.forbid(p, by, at, now)
	return g.separate(members, []clientele.Anchor{a, b})
}

// Undo takes back what an operator decided of the pair, whichever way it was.
func (g *Graph) Undo(a, b clientele.Anchor) error {
	clear(g.minted)
	p := pairOf(a, b)
	l, err := g.links.Get(p)
	if err != nil || l == nil {
		return err
	}
	if l.Cannot {
		g.links.Put(p, nil)
		g.counter.Cannot--
		if e, err := g.edges.Get(p); err != nil {
			return err
		} else if e != nil && e.Retired && e.Match != nil {
			next := *e
			next.Retired = false
			g.edges.Put(p, &next)
		}
		return g.review(a, b)
	}
	gr, err := g.group(a)
	if err != nil {
		return err
	}
	if err := g.takeBack(p, slices.Clone(gr.Members)); err != nil {
		return err
	}
	return g.review(a, b)
}

// Unit is what of a profile its records alone make one person, without matches: what linkage compares.
type Unit struct {
	Profile clientele.ProfileID
	Members []clientele.Anchor // ascending
	// First stands for the unit in matches: the strongest identifier, of equal ones the oldest; 0 when none identifies.
	First clientele.Anchor
}

// Units gives the units of every profile, in order.
func (g *Graph) Units(do func(Unit) error) error {
	return g.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		err := g.UnitsOf(clientele.ProfileID(k.Read().Uint()), do)
		return err == nil, err
	})
}

// UnitsOf gives the units of one profile; none when there is no such profile now.
func (g *Graph) UnitsOf(id clientele.ProfileID, do func(Unit) error) error {
	gr, err := g.groups.Get(id)
	if err != nil || gr == nil {
		return err
	}
	parts := [][]member{gr.Members}
	if gr.Matched {
		if parts, err = g.parts(gr.Members); err != nil {
			return err
		}
	}
	for _, part := range parts {
		u := Unit{Profile: id}
		best := member{}
		for _, m := range part {
			u.Members = append(u.Members, m.Anchor)
			if m.NS != clientele.PreviousID && (best.Anchor == 0 || g.rules.Less(m.NS, best.NS)) {
				if row, err := g.anchor(m.Anchor); err != nil {
					return err
				} else if !row.Generic {
					best = m
				}
			}
		}
		u.First = best.Anchor
		if err := do(u); err != nil {
			return err
		}
	}
	return nil
}

// parts divides members into those that records, and an operator, join.
func (g *Graph) parts(members []member) ([][]member, error) {
	of := map[clientele.Anchor]member{}
	for _, m := range members {
		of[m.Anchor] = m
	}
	done := map[clientele.Anchor]bool{}
	var out [][]member
	for _, m := range members {
		if done[m.Anchor] {
			continue
		}
		done[m.Anchor] = true
		part := []member{m}
		for i := 0; i < len(part); i++ {
			next, err := g.beside(part[i].Anchor)
			if err != nil {
				return nil, err
			}
			for _, b := range next {
				if o, ok := of[b]; ok && !done[b] {
					done[b] = true
					part = append(part, o)
				}
			}
		}
		slices.SortFunc(part, byAnchor)
		out = append(out, part)
	}
	return out, nil
}

// beside is the anchors that something other than a match joins to a.
func (g *Graph) beside(a clientele.Anchor) (out []clientele.Anchor, err error) {
	near, err := g.adjacent(a)
	if err != nil {
		return nil, err
	}
	for _, b := range slices.Sorted(maps.Keys(near)) {
		e, err := g.edges.Get(pairOf(a, b))
		if err != nil {
			return nil, err
		}
		if e != nil && e.Match == nil && !e.Retired && e.Refused == "" {
			out = append(out, b)
		}
	}
	tied, err := g.linked(a)
	if err != nil {
		return nil, err
	}
	for _, b := range slices.Sorted(maps.Keys(tied)) {
		l, err := g.links.Get(pairOf(a, b))
		if err != nil {
			return nil, err
		}
		if l != nil && !l.Cannot {
			out = append(out, b)
		}
	}
	return out, nil
}

// Matches gives every match that is in the graph and was not taken back, by its anchors.
func (g *Graph) Matches(do func(m clientele.MatchPair, refused string) error) error {
	return g.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowEdge)), func(k clientele.Key, v []byte) (bool, error) {
		if len(v) == 0 {
			return true, nil // the other direction
		}
		r := k.Read()
		p := pair{r.Anchor(), r.Anchor()}
		e, err := g.edges.Get(p)
		if err != nil || e == nil || e.Match == nil || e.Retired {
			return err == nil, err
		}
		return true, do(clientele.MatchPair{A: p.a, B: p.b, Match: *e.Match}, e.Refused)
	})
}

// Evidenced says whether there is, or was, evidence that the two anchors are of one person: joined, refused or retired.
func (g *Graph) Evidenced(a, b clientele.Anchor) (bool, error) {
	e, err := g.edges.Get(pairOf(a, b))
	return e != nil, err
}

// Apart says whether an operator keeps the profiles of two anchors apart by these anchors.
func (g *Graph) Apart(a, b clientele.Anchor) (bool, error) {
	l, err := g.links.Get(pairOf(a, b))
	return l != nil && l.Cannot, err
}

// Regrouped counts what the changes since the last commit do to profiles.
type Regrouped struct{ Merged, Split, Touched int64 }

// Regrouped says what the changes since the last commit do: profiles that become part of another, profiles that fall into
// several, and profiles there were that have other members now.
func (g *Graph) Regrouped() (Regrouped, error) {
	s := &clientele.Simulation{}
	moved := g.Moved()
	if err := g.simulated(s, moved, 0); err != nil {
		return Regrouped{}, err
	}
	touched := map[clientele.ProfileID]bool{}
	for _, m := range moved {
		touched[g.before[m.Anchor]] = true
		if row, err := g.anchors.Get(clientele.Anchor(m.Profile)); err != nil {
			return Regrouped{}, err
		} else if row != nil {
			if was, ok := g.before[clientele.Anchor(m.Profile)]; !ok || was == m.Profile {
				touched[m.Profile] = true
			}
		}
	}
	return Regrouped{s.Merges, s.Splits, int64(len(touched))}, nil
}

// ByPair orders matches by their anchors.
func ByPair(x, y clientele.MatchPair) int {
	return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B))
}
