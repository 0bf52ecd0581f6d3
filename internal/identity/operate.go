package identity

import (
	"slices"

	"clientele"
)

// Find is the anchor of an identifier, normalised here; NotFound when it was never seen. The
// namespace "id" takes a profile id, former ids included.
func (g *Graph) Find(id clientele.Identifier) (clientele.Anchor, error) {
	if id.Namespace == "id" {
		p, err := clientele.ParseProfileID(id.Value)
		if err != nil {
			return 0, err
		}
		row, err := g.anchors.Get(clientele.Anchor(p))
		if err != nil {
			return 0, err
		}
		if row == nil {
			return 0, clientele.Errorf(clientele.NotFound, "there is no profile %s", p)
		}
		return clientele.Anchor(p), nil
	}
	norm, ok := g.rules.Normalise(id)
	if !ok {
		norm = id // blocked or malformed: it may have been seen before the rules changed
	}
	a, err := g.ids.Get(norm)
	if err != nil {
		return 0, err
	}
	if a == nil {
		return 0, clientele.Errorf(clientele.NotFound, "no profile has that %s", id.Namespace)
	}
	return *a, nil
}

// Profile is the profile of the anchor; 0 for anchor 0.
func (g *Graph) Profile(a clientele.Anchor) (clientele.ProfileID, error) {
	if a == 0 {
		return 0, nil
	}
	row, err := g.anchor(a)
	if err != nil {
		return 0, err
	}
	return row.Profile, nil
}

// Members are the anchors of the profile, ascending; nil when there is no such profile now.
func (g *Graph) Members(p clientele.ProfileID) ([]clientele.Anchor, error) {
	gr, err := g.groups.Get(p)
	if err != nil || gr == nil {
		return nil, err
	}
	out := make([]clientele.Anchor, len(gr.Members))
	for i, m := range gr.Members {
		out[i] = m.Anchor
	}
	return out, nil
}

// Merge makes the profiles of all the anchors one by a manual link, which no limit refuses.
// Cannot-links between them are taken back: the later decision holds.
func (g *Graph) Merge(anchors []clientele.Anchor, by string, at clientele.Position, now clientele.Micros) error {
	clear(g.minted)
	if len(anchors) < 2 {
		return clientele.Errorf(clientele.Invalid, "a merge needs two identifiers")
	}
	for _, a := range anchors { // all before any: a merge is done whole or not at all
		row, err := g.anchor(a)
		if err != nil {
			return err
		}
		if row.Generic {
			return clientele.Errorf(clientele.Invalid, "a %s of the merge is a blocked identifier: it identifies nobody", row.NS)
		}
	}
	first := anchors[0]
	for _, a := range anchors[1:] {
		if a == first {
			continue
		}
		if err := g.unforbid(first, a); err != nil {
			return err
		}
		both, err := g.beyond(first, a)
		if err != nil {
			return err
		}
		for _, b := range append(both, a) {
			if err := g.unlink(pairOf(first, b)); err != nil { // not counted twice
				return err
			}
			g.link(pairOf(first, b), &linkRow{At: at, By: by, Time: now})
			g.counter.Manual++
		}
		if err := g.review(first, a); err != nil {
			return err
		}
	}
	return nil
}

// beyond is the members of b's group of which the union with a's would have too many: an
// operator's decision holds for them too, so each needs a link of its own.
func (g *Graph) beyond(a, b clientele.Anchor) ([]clientele.Anchor, error) {
	ga, err := g.group(a)
	if err != nil {
		return nil, err
	}
	gb, err := g.group(b)
	if err != nil || ga == gb {
		return nil, err
	}
	count := map[clientele.Namespace]int{}
	for _, m := range slices.Concat(ga.Members, gb.Members) {
		count[m.NS]++
	}
	var out []clientele.Anchor
	for _, m := range gb.Members {
		if m.Anchor != b && count[m.NS] > g.rules.Rule(m.NS).Limit {
			out = append(out, m.Anchor)
		}
	}
	return out, nil
}

// unforbid takes back the cannot-links between the groups of two anchors.
func (g *Graph) unforbid(a, b clientele.Anchor) error {
	ga, err := g.group(a)
	if err != nil {
		return err
	}
	gb, err := g.group(b)
	if err != nil {
		return err
	}
	for _, x := range ga.Members {
		tied, err := g.linked(x.Anchor)
		if err != nil {
			return err
		}
		for y := range tied {
			if !slices.ContainsFunc(gb.Members, func(m member) bool { return m.Anchor == y }) {
				continue
			}
			p := pairOf(x.Anchor, y)
			l, err := g.links.Get(p)
			if err != nil {
				return err
			}
			if l != nil && l.Cannot {
				g.links.Put(p, nil)
				g.counter.Cannot--
			}
		}
	}
	return nil
}

func (g *Graph) link(p pair, l *linkRow) {
	g.links.Put(p, l)
	for _, e := range [2][2]clientele.Anchor{{p.a, p.b}, {p.b, p.a}} {
		if n, ok := g.tied[e[0]]; ok {
			n[e[1]] = true
		} else if _, err := g.linked(e[0]); err == nil {
			g.tied[e[0]][e[1]] = true
		}
	}
}

// Unmerge takes the anchors out of the profile they share with others: each is kept apart from
// the strongest identifier that stays, what else belongs to whom is decided by the evidence,
// and the evidence between the two sides is retired, so that the same records do not merge
// them again. Invalid when nothing would stay.
func (g *Graph) Unmerge(out []clientele.Anchor, by string, at clientele.Position, now clientele.Micros) error {
	clear(g.minted)
	if len(out) == 0 {
		return clientele.Errorf(clientele.Invalid, "name the identifiers to take out of the profile")
	}
	gr, err := g.group(out[0])
	if err != nil {
		return err
	}
	var stays *member
	for i, m := range gr.Members {
		if slices.Contains(out, m.Anchor) {
			continue
		}
		if stays == nil || g.rules.Less(m.NS, stays.NS) {
			stays = &gr.Members[i]
		}
	}
	for _, a := range out {
		if !slices.ContainsFunc(gr.Members, func(m member) bool { return m.Anchor == a }) {
			return clientele.Errorf(clientele.Invalid, "the identifiers are not all of one profile")
		}
	}
	if stays == nil {
		return clientele.Errorf(clientele.Invalid, "nothing would stay in the profile").WithHint("name only the identifiers of the other person")
	}
	members := slices.Clone(gr.Members)
	for _, a := range out {
		for _, m := range members {
			if !slices.Contains(out, m.Anchor) {
				if err := g.takeBack(pairOf(a, m.Anchor), members); err != nil {
					return err
				}
			}
		}
	}
	for _, a := range out {
		g.forbid(pairOf(a, stays.Anchor), by, at, now)
	}
	return g.separate(members, append(slices.Clone(out), stays.Anchor))
}

// Retire retires pieces of evidence, named by their pairs of anchors, and keeps each pair apart.
func (g *Graph) Retire(pairs [][2]clientele.Anchor, by string, at clientele.Position, now clientele.Micros) error {
	clear(g.minted)
	for _, e := range pairs { // all before any: a command is done whole or not at all
		row, err := g.edges.Get(pairOf(e[0], e[1]))
		if err != nil {
			return err
		}
		if row == nil {
			return clientele.Errorf(clientele.NotFound, "there is no such evidence").WithHint("its id is in the identity view of the profile")
		}
	}
	for _, e := range pairs {
		p := pairOf(e[0], e[1])
		gr, err := g.group(p.a)
		if err != nil {
			return err
		}
		members := slices.Clone(gr.Members)
		if err := g.takeBack(p, members); err != nil {
			return err
		}
		g.forbid(p, by, at, now)
		if err := g.retire(p); err != nil {
			return err
		}
		if err := g.separate(members, []clientele.Anchor{p.a, p.b}); err != nil {
			return err
		}
	}
	return nil
}

// separate weighs the evidence anew and retires what joins members that are not together any more.
func (g *Graph) separate(members []member, starts []clientele.Anchor) error {
	g.counter.Unmerges++
	if err := g.review(starts...); err != nil {
		return err
	}
	var flipped []clientele.Anchor
	for i, x := range members {
		near, err := g.adjacent(x.Anchor)
		if err != nil {
			return err
		}
		for _, y := range members[i+1:] {
			if !near[y.Anchor] {
				continue
			}
			px, err := g.Profile(x.Anchor)
			if err != nil {
				return err
			}
			py, err := g.Profile(y.Anchor)
			if err != nil {
				return err
			}
			if px != py {
				flipped = append(flipped, x.Anchor, y.Anchor)
				if err := g.retire(pairOf(x.Anchor, y.Anchor)); err != nil {
					return err
				}
			}
		}
	}
	if len(flipped) == 0 {
		return nil
	}
	return g.review(flipped...)
}

func (g *Graph) forbid(p pair, by string, at clientele.Position, now clientele.Micros) {
	g.link(p, &linkRow{Cannot: true, At: at, By: by, Time: now})
	g.counter.Cannot++
}

// takeBack takes the whole manual merge back of which the link is a part.
func (g *Graph) takeBack(p pair, members []member) error {
	l, err := g.links.Get(p)
	if err != nil || l == nil || l.Cannot {
		return err
	}
	at := l.At
	for _, m := range members {
		tied, err := g.linked(m.Anchor)
		if err != nil {
			return err
		}
		for b := range tied {
			if l, err := g.links.Get(pairOf(m.Anchor, b)); err != nil {
				return err
			} else if l != nil && !l.Cannot && l.At == at {
				if err := g.unlink(pairOf(m.Anchor, b)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// unlink takes a manual link back.
func (g *Graph) unlink(p pair) error {
	l, err := g.links.Get(p)
	if err != nil || l == nil || l.Cannot {
		return err
	}
	g.links.Put(p, nil)
	g.counter.Manual--
	return nil
}

func (g *Graph) retire(p pair) error {
	e, err := g.edges.Get(p)
	if err != nil || e == nil || e.Retired {
		return err
	}
	next := *e
	next.Retired = true
	if next.Refused != "" {
		next.Refused = ""
		g.counter.Refused--
	}
	g.edges.Put(p, &next)
	if next.Match != nil { // never counted
		return nil
	}
	_, err = g.count(p.a, p.b, -1)
	return err
}

// SetRules puts other rules in force for all stored evidence: it weighs anew every profile that
// they can touch. The cost is one pass over the anchors and the profiles.
func (g *Graph) SetRules(rules *Rules) error {
	clear(g.minted)
	g.rules = rules
	var starts []clientele.Anchor
	err := g.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowAnchor)), func(k clientele.Key, _ []byte) (bool, error) {
		a := k.Read().Anchor()
		row, err := g.anchor(a)
		if err != nil {
			return false, err
		}
		id := clientele.Identifier{Namespace: row.NS, Value: row.Value}
		if generic := rules.Blocked(id) || rules.Generic(row.NS, row.Degree); generic != row.Generic {
			next := *row
			g.setGeneric(&next, generic)
			g.anchors.Put(a, &next)
			starts = append(starts, a)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	err = g.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		gr, err := g.groups.Get(clientele.ProfileID(k.Read().Uint()))
		if err != nil || gr == nil {
			return err == nil, err
		}
		if gr.Complex || !g.within(gr) {
			starts = append(starts, gr.Members[0].Anchor)
		}
		return true, nil
	})
	if err != nil || len(starts) == 0 {
		return err
	}
	// One at a time, so that what is held at once is one neighbourhood.
	done := map[clientele.Anchor]bool{}
	for _, a := range starts {
		if done[a] {
			continue
		}
		done[a] = true
		if err := g.review(a); err != nil {
			return err
		}
	}
	return nil
}
