package identity

import (
	"slices"

	"clientele"
)

// review weighs anew the whole evidence around the anchors: everything that is connected with
// them, or with anybody they are grouped with now, refused edges included.
func (g *Graph) review(starts ...clientele.Anchor) error {
	seen := map[clientele.Anchor]bool{}
	old := map[clientele.ProfileID]bool{}
	var order []clientele.ProfileID
	var groups []groupRow
	for len(starts) > 0 {
		start := starts[0]
		starts = starts[1:]
		if seen[start] {
			continue
		}
		c, err := g.component(start, seen)
		if err != nil {
			return err
		}
		part, err := g.divide(c, seen)
		if err != nil {
			return err
		}
		groups = append(groups, part...)
		// Whoever shares a group with these must be placed as well, for groups are replaced whole.
		for _, n := range c.nodes {
			row, err := g.anchor(n.Anchor)
			if err != nil {
				return err
			}
			if old[row.Profile] {
				continue
			}
			old[row.Profile] = true
			order = append(order, row.Profile)
			gr, err := g.group(n.Anchor)
			if err != nil {
				return err
			}
			for _, m := range gr.Members {
				starts = append(starts, m.Anchor)
			}
		}
	}
	return g.regroup(order, groups)
}

// component is connected evidence.
type component struct {
	nodes []Node
	edges []Edge
	pairs []pair // of the edges
	links []Link
	large bool // more edges than are weighed
}

// component collects what is connected with the anchor by live edges between identifiers that
// identify, and by links. A generic anchor is alone.
func (g *Graph) component(start clientele.Anchor, seen map[clientele.Anchor]bool) (*component, error) {
	c := &component{}
	queue := []clientele.Anchor{start}
	seen[start] = true
	edges, links := map[pair]bool{}, map[pair]bool{}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		row, err := g.anchor(a)
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, Node{a, clientele.Identifier{Namespace: row.NS, Value: row.Value}})
		if row.Generic {
			continue
		}
		near, err := g.adjacent(a)
		if err != nil {
			return nil, err
		}
		for b := range near {
			ok, err := g.connect(c, pairOf(a, b), edges)
			if err != nil {
				return nil, err
			}
			if ok && !seen[b] {
				seen[b] = true
				queue = append(queue, b)
			}
		}
		tied, err := g.linked(a)
		if err != nil {
			return nil, err
		}
		for b := range tied {
			p := pairOf(a, b)
			l, err := g.links.Get(p)
			if err != nil {
				return nil, err
			}
			other, err := g.anchor(b)
			if err != nil {
				return nil, err
			}
			if l == nil || other.Generic {
				continue
			}
			if !links[p] {
				links[p] = true
				c.links = append(c.links, Link{p.a, p.b, l.Cannot, l.At})
			}
			if !seen[b] {
				seen[b] = true
				queue = append(queue, b)
			}
		}
	}
	return c, nil
}

// connect enters the edge into the component when it is live and both ends identify.
func (g *Graph) connect(c *component, p pair, have map[pair]bool) (bool, error) {
	if have[p] {
		return true, nil
	}
	e, err := g.edges.Get(p)
	if err != nil || e == nil || e.Retired {
		return false, err
	}
	for _, x := range [2]clientele.Anchor{p.a, p.b} {
		row, err := g.anchor(x)
		if err != nil || row.Generic {
			return false, err
		}
	}
	have[p] = true
	if len(c.edges) >= MaxComponentEdges {
		c.large = true
		return false, nil // seen enough: it will not be weighed
	}
	c.edges = append(c.edges, Edge{p.a, p.b, e.Verified, e.First, e.Match})
	c.pairs = append(c.pairs, p)
	return true, nil
}

// divide is the component's people, and notes on the edges which of them were refused.
func (g *Graph) divide(c *component, seen map[clientele.Anchor]bool) ([]groupRow, error) {
	if c.large {
		return g.freeze(c, seen)
	}
	profile, refused := g.rules.Partition(c.nodes, c.edges, c.links)
	why := make(map[pair]string, len(refused))
	for _, f := range refused {
		why[pairOf(f.A, f.B)] = f.Reason
	}
	for _, p := range c.pairs {
		if err := g.refuse(p, why[p]); err != nil {
			return nil, err
		}
	}
	out := rows(c, profile, len(refused) > 0 || len(c.links) > 0)
	matched := map[clientele.ProfileID]bool{}
	for _, e := range c.edges {
		if p := profile[e.A]; e.Match != nil && p == profile[e.B] {
			matched[p] = true
		}
	}
	for i := range out {
		out[i].Matched = matched[profile[out[i].Members[0].Anchor]]
	}
	return out, nil
}

// freeze leaves a component that is too large as it is, group by whole group.
func (g *Graph) freeze(c *component, seen map[clientele.Anchor]bool) ([]groupRow, error) {
	var out []groupRow
	done := map[clientele.ProfileID]bool{}
	for _, n := range c.nodes {
		row, err := g.anchor(n.Anchor)
		if err != nil {
			return nil, err
		}
		if done[row.Profile] {
			continue
		}
		done[row.Profile] = true
		gr, err := g.group(n.Anchor)
		if err != nil {
			return nil, err
		}
		for _, m := range gr.Members {
			seen[m.Anchor] = true
		}
		out = append(out, groupRow{Members: slices.Clone(gr.Members), Complex: true, Frozen: true, Matched: gr.Matched})
	}
	return out, nil
}

func rows(c *component, profile map[clientele.Anchor]clientele.ProfileID, complicated bool) []groupRow {
	by := map[clientele.ProfileID]*groupRow{}
	var order []clientele.ProfileID
	for _, n := range c.nodes {
		id := profile[n.Anchor]
		if by[id] == nil {
			by[id] = &groupRow{Complex: complicated}
			order = append(order, id)
		}
		by[id].Members = append(by[id].Members, member{n.Anchor, n.ID.Namespace})
	}
	out := make([]groupRow, 0, len(order))
	for _, id := range order {
		out = append(out, *by[id])
	}
	return out
}

// refuse notes why the edge does not join; "" when it does.
func (g *Graph) refuse(p pair, reason string) error {
	e, err := g.edges.Get(p)
	if err != nil || e == nil || e.Refused == reason {
		return err
	}
	switch {
	case reason == "":
		g.counter.Refused--
	case e.Refused == "":
		g.counter.Refused++
	}
	next := *e
	next.Refused = reason
	g.edges.Put(p, &next)
	return nil
}

// adjacent is the anchors with which there is an edge, retired ones included.
func (g *Graph) adjacent(a clientele.Anchor) (map[clientele.Anchor]bool, error) {
	return g.around(g.near, clientele.NewKey(clientele.RowEdge).Anchor(a), a, g.fresh[a])
}

// linked is the anchors with which there is, or was, a link.
func (g *Graph) linked(a clientele.Anchor) (map[clientele.Anchor]bool, error) {
	return g.around(g.tied, clientele.NewKey(clientele.RowLink).Anchor(a), a, nil)
}

func (g *Graph) around(known map[clientele.Anchor]map[clientele.Anchor]bool, prefix clientele.Key, a clientele.Anchor, fresh []clientele.Anchor) (map[clientele.Anchor]bool, error) {
	if n, ok := known[a]; ok {
		return n, nil
	}
	n := map[clientele.Anchor]bool{}
	err := g.rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		r.Anchor()
		n[r.Anchor()] = true
		return true, r.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, b := range fresh {
		n[b] = true
	}
	known[a] = n
	return n, nil
}
