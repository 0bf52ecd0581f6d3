package identity

import (
	"cmp"
	"slices"
	"strings"

	"clientele"
)

// MaxComponentEdges is the size up to which connected evidence is weighed anew when something
// in it is refused. Above it the component is frozen as it is, and reported.
const MaxComponentEdges = 10_000

// Node is an identifier with its anchor.
type Node struct {
	Anchor clientele.Anchor
	ID     clientele.Identifier
}

// Edge is the best evidence that two identifiers are of one person: the verified before the
// typed, then the earliest.
type Edge struct {
	A, B     clientele.Anchor
	Verified bool
	First    clientele.Stamp
	Match    *clientele.Match // of matched evidence; nil when records say it
}

// Link is what an operator decided about two identifiers.
type Link struct {
	A, B   clientele.Anchor
	Cannot bool // keep apart; otherwise: one person
	At     clientele.Position
}

// Refusal is an edge that did not join, with the reason.
type Refusal struct {
	A, B   clientele.Anchor
	Reason string
}

// Partition divides the nodes into people. It is a function of the sets alone: no argument's
// order, and no order of arrival, changes the answer.
//
//  1. Manual links unite, the oldest first, except across a cannot-link.
//  2. Edges are taken strongest first: what records say before what linkage found, which goes by weight; verified, then by the priorities of the pair of
//     namespaces, then the earliest event time, then source and event id, then the
//     identifiers' text. Each unites two groups unless their union would break a namespace's
//     limit or hold a cannot-link; then the edge is refused.
//
// Edges at generic (blocked) values must have been left out. The answer gives each anchor the
// smallest anchor of its group.
func (r *Rules) Partition(nodes []Node, edges []Edge, links []Link) (map[clientele.Anchor]clientele.ProfileID, []Refusal) {
	p := newForest(nodes)
	var cannot, manual []Link
	for _, l := range links {
		if l.Cannot {
			cannot = append(cannot, l)
		} else {
			manual = append(manual, l)
		}
	}
	for _, l := range cannot {
		p.forbid(l.A, l.B)
	}
	slices.SortFunc(manual, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(min(a.A, a.B), min(b.A, b.B)), cmp.Compare(max(a.A, a.B), max(b.A, b.B)))
	})
	for _, l := range manual {
		if x, y := p.find(l.A), p.find(l.B); x != y && x >= 0 && y >= 0 && !p.apart(x, y) {
			p.unite(x, y)
		}
	}
	ranked := slices.Clone(edges)
	slices.SortFunc(ranked, func(a, b Edge) int { return r.compareEdges(p, a, b) })
	var refused []Refusal
	for _, e := range ranked {
		x, y := p.find(e.A), p.find(e.B)
		if x < 0 || y < 0 || x == y {
			continue
		}
		if reason := r.refuse(p, x, y); reason != "" {
			refused = append(refused, Refusal{e.A, e.B, reason})
			continue
		}
		p.unite(x, y)
	}
	// A refused edge whose ends met later by other evidence has done no harm.
	refused = slices.DeleteFunc(refused, func(f Refusal) bool { return p.find(f.A) == p.find(f.B) })
	return p.groups(), refused
}

func (r *Rules) compareEdges(p *forest, a, b Edge) int {
	if (a.Match == nil) != (b.Match == nil) {
		if a.Match == nil {
			return -1
		}
		return 1
	}
	if a.Match != nil && a.Match.Weight != b.Match.Weight {
		return cmp.Compare(b.Match.Weight, a.Match.Weight)
	}
	if a.Verified != b.Verified {
		if a.Verified {
			return -1
		}
		return 1
	}
	a1, a2 := p.pair(r, a)
	b1, b2 := p.pair(r, b)
	return cmp.Or(
		cmp.Compare(r.Rule(a1.Namespace).Priority, r.Rule(b1.Namespace).Priority),
		cmp.Compare(r.Rule(a2.Namespace).Priority, r.Rule(b2.Namespace).Priority),
		cmp.Compare(a.First.At, b.First.At),
		strings.Compare(a.First.ID, b.First.ID),
		strings.Compare(a.First.Source, b.First.Source),
		compareIDs(a1, b1), compareIDs(a2, b2))
}

func compareIDs(a, b clientele.Identifier) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), strings.Compare(a.Value, b.Value))
}

// refuse is why two groups may not become one; "" when they may.
func (r *Rules) refuse(p *forest, x, y int) string {
	if p.apart(x, y) {
		return "an operator keeps them apart"
	}
	worst := ""
	for ns, n := range p.count[x] {
		if limit := r.Rule(ns).Limit; n+p.count[y][ns] > limit && p.count[y][ns] > 0 {
			if reason := limitReason(ns, limit); worst == "" || reason < worst {
				worst = reason
			}
		}
	}
	return worst
}

// forest is a union-find over the nodes that knows, for each root, how many identifiers of
// each namespace it has and from which roots it is kept apart.
type forest struct {
	nodes  []Node
	index  map[clientele.Anchor]int
	parent []int
	count  []map[clientele.Namespace]int
	never  []map[int]bool // nodes a root is kept apart from
}

func newForest(nodes []Node) *forest {
	p := &forest{nodes: nodes, index: make(map[clientele.Anchor]int, len(nodes)), parent: make([]int, len(nodes)),
		count: make([]map[clientele.Namespace]int, len(nodes)), never: make([]map[int]bool, len(nodes))}
	for i, n := range nodes {
		p.index[n.Anchor], p.parent[i] = i, i
		p.count[i] = map[clientele.Namespace]int{n.ID.Namespace: 1}
	}
	return p
}

func (p *forest) find(a clientele.Anchor) int {
	i, ok := p.index[a]
	if !ok {
		return -1
	}
	return p.root(i)
}

func (p *forest) root(i int) int {
	for p.parent[i] != i {
		p.parent[i] = p.parent[p.parent[i]]
		i = p.parent[i]
	}
	return i
}

func (p *forest) forbid(a, b clientele.Anchor) {
	x, okx := p.index[a]
	y, oky := p.index[b]
	if !okx || !oky {
		return
	}
	for _, e := range [][2]int{{x, y}, {y, x}} {
		if p.never[e[0]] == nil {
			p.never[e[0]] = map[int]bool{}
		}
		p.never[e[0]][e[1]] = true
	}
}

func (p *forest) apart(x, y int) bool {
	for i := range p.never[x] {
		if p.root(i) == y {
			return true
		}
	}
	return false
}

func (p *forest) unite(x, y int) {
	if p.nodes[x].Anchor > p.nodes[y].Anchor {
		x, y = y, x
	}
	p.parent[y] = x
	for ns, n := range p.count[y] {
		p.count[x][ns] += n
	}
	for i := range p.never[y] {
		if p.never[x] == nil {
			p.never[x] = map[int]bool{}
		}
		p.never[x][i] = true
	}
}

// pair is the edge's identifiers, the stronger first.
func (p *forest) pair(r *Rules, e Edge) (clientele.Identifier, clientele.Identifier) {
	a, b := p.nodes[p.index[e.A]].ID, p.nodes[p.index[e.B]].ID
	if r.Less(b.Namespace, a.Namespace) || a.Namespace == b.Namespace && b.Value < a.Value {
		return b, a
	}
	return a, b
}

func (p *forest) groups() map[clientele.Anchor]clientele.ProfileID {
	out := make(map[clientele.Anchor]clientele.ProfileID, len(p.nodes))
	for i, n := range p.nodes {
		out[n.Anchor] = clientele.ProfileID(p.nodes[p.root(i)].Anchor) // unite keeps the smallest at the root
	}
	return out
}
