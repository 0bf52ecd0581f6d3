package identity

import (
	"maps"
	"slices"

	"clientele"
)

// Erase takes whole profiles out of the graph: their identifiers, groups, evidence and links, as if
// they had never been. anchors must be all members of their profiles. Who remains is weighed
// anew, for a value that these people had made too common may identify again.
func (g *Graph) Erase(anchors []clientele.Anchor) error {
	clear(g.minted)
	gone := make(map[clientele.Anchor]bool, len(anchors))
	for _, a := range anchors {
		gone[a] = true
	}
	others := map[clientele.Anchor]bool{}
	for _, a := range anchors {
		if err := g.forgetEdges(a, gone, others); err != nil {
			return err
		}
		if err := g.forgetLinks(a, gone, others); err != nil {
			return err
		}
	}
	for _, a := range anchors {
		row, err := g.anchor(a)
		if err != nil {
			return err
		}
		if gr, err := g.groups.Get(row.Profile); err != nil {
			return err
		} else if gr != nil {
			if gr.Frozen {
				g.counter.Frozen--
			}
			g.counter.Profiles--
			g.groups.Put(row.Profile, nil)
		}
		if row.Generic {
			g.counter.Generic--
		}
		if g.counter.ByNS[row.NS]--; g.counter.ByNS[row.NS] <= 0 {
			delete(g.counter.ByNS, row.NS)
		}
		g.ids.Put(clientele.Identifier{Namespace: row.NS, Value: row.Value}, nil)
		g.anchors.Put(a, nil)
		delete(g.near, a)
		delete(g.tied, a)
		delete(g.fresh, a)
		delete(g.before, a)
	}
	if len(others) == 0 {
		return nil
	}
	return g.review(slices.Sorted(maps.Keys(others))...)
}

func (g *Graph) forgetEdges(a clientele.Anchor, gone, others map[clientele.Anchor]bool) error {
	near, err := g.adjacent(a)
	if err != nil {
		return err
	}
	for _, b := range slices.Sorted(maps.Keys(near)) {
		p := pairOf(a, b)
		e, err := g.edges.Get(p)
		if err != nil {
			return err
		}
		if !gone[b] {
			others[b] = true
			n, err := g.adjacent(b) // read now: the store knows of a until the commit
			if err != nil {
				return err
			}
			delete(n, a)
		}
		if e == nil {
			continue
		}
		if !e.Retired && e.Match == nil {
			if _, err := g.count(a, b, -1); err != nil {
				return err
			}
		}
		if e.Refused != "" {
			g.counter.Refused--
		}
		g.counter.Evidence--
		g.edges.Put(p, nil)
	}
	return nil
}

func (g *Graph) forgetLinks(a clientele.Anchor, gone, others map[clientele.Anchor]bool) error {
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
		if !gone[b] {
			others[b] = true
			n, err := g.linked(b) // read now: the store knows of a until the commit
			if err != nil {
				return err
			}
			delete(n, a)
		}
		if l == nil {
			continue
		}
		if l.Cannot {
			g.counter.Cannot--
		} else {
			g.counter.Manual--
		}
		g.links.Put(p, nil)
	}
	return nil
}

// Known is the anchor of a normalised identifier and whether it identifies; 0 when it was never seen.
func (g *Graph) Known(id clientele.Identifier) (a clientele.Anchor, identifies bool, err error) {
	known, err := g.ids.Get(id)
	if err != nil || known == nil {
		return 0, false, err
	}
	row, err := g.anchor(*known)
	if err != nil {
		return 0, false, err
	}
	return *known, !row.Generic && row.NS != clientele.PreviousID, nil
}

// Exists says whether there is such an anchor.
func (g *Graph) Exists(a clientele.Anchor) (bool, error) {
	row, err := g.anchors.Get(a)
	return row != nil, err
}
