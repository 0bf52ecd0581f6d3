package identity

import (
	"cmp"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/rowcache"
)

// The rows of the graph, as CBOR in the row store. Field numbers are on disk for ever.
type (
	anchorRow struct {
		NS       clientele.Namespace         `cbor:"1,keyasint"`
		Value    string                      `cbor:"2,keyasint"`
		Profile  clientele.ProfileID         `cbor:"3,keyasint"`
		Degree   map[clientele.Namespace]int `cbor:"4,keyasint,omitempty"` // distinct live neighbours
		Generic  bool                        `cbor:"5,keyasint,omitempty"`
		Was      bool                        `cbor:"6,keyasint,omitempty"` // has been the id of a profile that became part of another
		Verified bool                        `cbor:"7,keyasint,omitempty"`
		First    clientele.Stamp             `cbor:"8,keyasint"`
		Last     clientele.Micros            `cbor:"9,keyasint"` // cut to the hour, so that not every event rewrites the row
	}
	member struct {
		Anchor clientele.Anchor    `cbor:"1,keyasint"`
		NS     clientele.Namespace `cbor:"2,keyasint"`
	}
	groupRow struct {
		Members []member `cbor:"1,keyasint"`           // ascending by anchor
		Complex bool     `cbor:"2,keyasint,omitempty"` // something near was refused or decided by hand: weigh anew, never just unite
		Frozen  bool     `cbor:"3,keyasint,omitempty"`
		Matched bool     `cbor:"4,keyasint,omitempty"` // matches join members
	}
	edgeRow struct {
		First    clientele.Stamp  `cbor:"1,keyasint"`
		Verified bool             `cbor:"2,keyasint,omitempty"`
		Rule     string           `cbor:"3,keyasint,omitempty"`
		Retired  bool             `cbor:"4,keyasint,omitempty"`
		Refused  string           `cbor:"5,keyasint,omitempty"`
		Match    *clientele.Match `cbor:"6,keyasint,omitempty"` // of matched evidence
	}
	linkRow struct {
		Cannot bool               `cbor:"1,keyasint,omitempty"`
		At     clientele.Position `cbor:"2,keyasint"`
		By     string             `cbor:"3,keyasint,omitempty"`
		Time   clientele.Micros   `cbor:"4,keyasint"`
	}
	pair struct{ a, b clientele.Anchor } // a < b
)

func pairOf(a, b clientele.Anchor) pair { return pair{min(a, b), max(a, b)} }

// The kinds of evidence.
const (
	RuleObserved = "observed" // the identifiers stood in one record
	RuleAlias    = "alias"    // a source said that the two are one person
	RuleMatched  = "matched"  // linkage weighed what the two say of themselves
)

// Observed is an identifier as a record showed it, normalised and usable.
type Observed struct {
	ID       clientele.Identifier
	Verified bool
}

// Graph is the identity graph of one resolver. It reads rows through a view of the row store
// and keeps what it changes until Changes has been committed. Not safe for concurrent use.
type Graph struct {
	rules   *Rules
	rows    clientele.Rows
	anchors *rowcache.Cache[clientele.Anchor, anchorRow]
	ids     *rowcache.Cache[clientele.Identifier, clientele.Anchor]
	groups  *rowcache.Cache[clientele.ProfileID, groupRow]
	edges   *rowcache.Cache[pair, edgeRow]
	links   *rowcache.Cache[pair, linkRow]
	near    map[clientele.Anchor]map[clientele.Anchor]bool // edge neighbours, of the anchors that were asked for
	tied    map[clientele.Anchor]map[clientele.Anchor]bool // the same for links
	fresh   map[clientele.Anchor][]clientele.Anchor        // edges that are not in the store yet
	minted  map[clientele.Anchor]bool                      // in the record at hand
	before  map[clientele.Anchor]clientele.ProfileID       // profile before this batch, of the anchors that moved
	stirred []Stir                                         // moves since TakeStirred
	counter Counters

	asking []clientele.Identifier // memory for Preload
	asked  map[clientele.Identifier]bool
}

// Counters are totals since the beginning, kept with the graph.
type Counters struct {
	Profiles int64                         `cbor:"1,keyasint"`
	ByNS     map[clientele.Namespace]int64 `cbor:"2,keyasint,omitempty"`
	Merges   int64                         `cbor:"3,keyasint,omitempty"`
	Unmerges int64                         `cbor:"4,keyasint,omitempty"`
	Generic  int64                         `cbor:"5,keyasint,omitempty"`
	Refused  int64                         `cbor:"6,keyasint,omitempty"`
	Manual   int64                         `cbor:"7,keyasint,omitempty"`
	Cannot   int64                         `cbor:"8,keyasint,omitempty"`
	Frozen   int64                         `cbor:"9,keyasint,omitempty"`
	Evidence int64                         `cbor:"10,keyasint,omitempty"`
}

var countersKey = clientele.MetaKey("identity_counters")

// cached is how many rows of a kind stay in memory between batches.
const cached = 6_000

// NewGraph opens the graph over the rows.
func NewGraph(rules *Rules, rows clientele.Rows) (*Graph, error) {
	g := &Graph{rules: rules, rows: rows}
	g.anchors = rowcache.New(cached, func(a clientele.Anchor) (*anchorRow, error) {
		return rowcache.Load[anchorRow](rows, clientele.AnchorKey(a))
	})
	g.ids = rowcache.New(cached, func(id clientele.Identifier) (*clientele.Anchor, error) {
		return rowcache.Load[clientele.Anchor](rows, clientele.IdentifierKey(id))
	})
	g.groups = rowcache.New(cached, func(p clientele.ProfileID) (*groupRow, error) {
		return rowcache.Load[groupRow](rows, clientele.GroupKey(p))
	})
	g.edges = rowcache.New(cached, func(p pair) (*edgeRow, error) { return rowcache.Load[edgeRow](rows, clientele.EdgeKey(p.a, p.b)) })
	g.links = rowcache.New(1000, func(p pair) (*linkRow, error) { return rowcache.Load[linkRow](rows, clientele.LinkKey(p.a, p.b)) })
	return g, g.Reset()
}

// Reset forgets what was not committed and reads anew.
func (g *Graph) Reset() error {
	g.anchors.Reset()
	g.ids.Reset()
	g.groups.Reset()
	g.edges.Reset()
	g.links.Reset()
	g.asked = map[clientele.Identifier]bool{}
	g.near, g.tied = map[clientele.Anchor]map[clientele.Anchor]bool{}, map[clientele.Anchor]map[clientele.Anchor]bool{}
	g.fresh = map[clientele.Anchor][]clientele.Anchor{}
	g.stirred = nil
	g.minted, g.before = map[clientele.Anchor]bool{}, map[clientele.Anchor]clientele.ProfileID{}
	c, err := rowcache.Load[Counters](g.rows, countersKey)
	if err != nil {
		return err
	}
	if g.counter = (Counters{}); c != nil {
		g.counter = *c
	}
	if g.counter.ByNS == nil {
		g.counter.ByNS = map[clientele.Namespace]int64{}
	}
	return nil
}

// Rules are the rules in force.
func (g *Graph) Rules() *Rules { return g.rules }

// Keys are the rows that Observe will read first for an identifier: for loading many at once.
func Keys(id clientele.Identifier) clientele.Key { return clientele.IdentifierKey(id) }

// Observe takes a record's identifiers as evidence that they are of one person. They must be
// normalised, usable, without repeats and the strongest first (Rules.Usable makes them so).
// mint gives the next anchor of the log frame. The answer is the record's anchor for ever: that
// of its strongest identifier that is not generic; 0 when there is none.
func (g *Graph) Observe(ids []Observed, rule string, at clientele.Stamp, mint func() (clientele.Anchor, error)) (clientele.Anchor, error) {
	clear(g.minted)
	anchors := make([]clientele.Anchor, len(ids))
	for i, o := range ids {
		a, err := g.sight(o, at, mint)
		if err != nil {
			return 0, err
		}
		anchors[i] = a
	}
	for i := range anchors {
		for j := i + 1; j < len(anchors); j++ {
			r := rule
			if ids[i].ID.Namespace == clientele.PreviousID || ids[j].ID.Namespace == clientele.PreviousID {
				r = RuleAlias
			}
			if err := g.evidence(anchors[i], anchors[j], edgeRow{First: at, Verified: ids[i].Verified && ids[j].Verified, Rule: r}); err != nil {
				return 0, err
			}
		}
	}
	for _, a := range anchors {
		row, err := g.anchor(a)
		if err != nil {
			return 0, err
		}
		if !row.Generic && row.NS != clientele.PreviousID {
			return a, nil
		}
	}
	return 0, nil
}

// sight is the anchor of the identifier, minted at its first sight.
func (g *Graph) sight(o Observed, at clientele.Stamp, mint func() (clientele.Anchor, error)) (clientele.Anchor, error) {
	const hour = 3_600_000_000
	last := at.At - ((at.At%hour)+hour)%hour
	known, err := g.ids.Get(o.ID)
	if err != nil {
		return 0, err
	}
	if known != nil {
		row, err := g.anchor(*known)
		if err != nil {
			return 0, err
		}
		if at.Compare(row.First) < 0 || last > row.Last || o.Verified && !row.Verified {
			next := *row
			if at.Compare(row.First) < 0 {
				next.First = at
			}
			next.Last, next.Verified = max(row.Last, last), row.Verified || o.Verified
			g.anchors.Put(*known, &next)
		}
		return *known, nil
	}
	a, err := mint()
	if err != nil {
		return 0, err
	}
	g.minted[a] = true
	g.ids.Put(o.ID, &a)
	g.anchors.Put(a, &anchorRow{NS: o.ID.Namespace, Value: o.ID.Value, Profile: clientele.ProfileID(a), First: at, Last: last, Verified: o.Verified})
	g.groups.Put(clientele.ProfileID(a), &groupRow{Members: []member{{a, o.ID.Namespace}}})
	g.near[a], g.tied[a] = map[clientele.Anchor]bool{}, map[clientele.Anchor]bool{}
	g.counter.Profiles++
	g.counter.ByNS[o.ID.Namespace]++
	return a, g.implied(a, o.ID, at)
}

// implied adds the edges that hold between a previousId of an alias and whatever user_id or
// anonymous_id has its value, whichever is seen first.
func (g *Graph) implied(a clientele.Anchor, id clientele.Identifier, at clientele.Stamp) error {
	for _, ns := range impliedBy(id.Namespace) {
		b, err := g.ids.Get(clientele.Identifier{Namespace: ns, Value: id.Value})
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		// No time of its own: which of the two was seen first must not matter.
		if err := g.evidence(a, *b, edgeRow{Rule: RuleAlias}); err != nil {
			return err
		}
	}
	return nil
}

// impliedBy is the namespaces in which the same value is the same person's.
func impliedBy(ns clientele.Namespace) []clientele.Namespace {
	switch ns {
	case clientele.PreviousID:
		return []clientele.Namespace{clientele.AnonymousID, clientele.UserID}
	case clientele.AnonymousID, clientele.UserID:
		return []clientele.Namespace{clientele.PreviousID}
	}
	return nil
}

// evidence adds an edge, or betters what is known of it, and joins what it joins.
func (g *Graph) evidence(a, b clientele.Anchor, e edgeRow) error {
	if a == b {
		return nil
	}
	p := pairOf(a, b)
	if g.minted[a] || g.minted[b] {
		g.edges.Fill(p, nil) // the store need not be asked
	}
	have, err := g.edges.Get(p)
	if err != nil {
		return err
	}
	if have == nil {
		g.edges.Put(p, &e)
		g.counter.Evidence++
		g.neighbours(a, b)
		flipped, err := g.count(a, b, 1)
		if err != nil {
			return err
		}
		if len(flipped) > 0 {
			return g.review(append(flipped, a, b)...)
		}
		if err := g.linkedAgain(a, b); err != nil {
			return err
		}
		return g.join(a, b)
	}
	if have.Rule == RuleMatched {
		return g.witness(p, *have, e)
	}
	better := e.Verified && !have.Verified || e.Verified == have.Verified && e.First.Compare(have.First) < 0
	if !better || have.Retired {
		return nil
	}
	next := *have
	next.First, next.Verified, next.Rule = e.First, e.Verified, e.Rule
	g.edges.Put(p, &next)
	if err := g.linkedAgain(a, b); err != nil {
		return err
	}
	// Better evidence can win against what was taken before it.
	ga, err := g.group(a)
	if err != nil {
		return err
	}
	gb, err := g.group(b)
	if err != nil || !ga.Complex && !gb.Complex {
		return err
	}
	return g.review(a, b)
}

// linkedAgain notes that two anchors of one profile are joined by other evidence than before.
func (g *Graph) linkedAgain(a, b clientele.Anchor) error {
	x, err := g.Profile(a)
	if err != nil {
		return err
	}
	y, err := g.Profile(b)
	if err == nil && x == y && x != 0 {
		g.stirred = append(g.stirred, Stir{x, x})
	}
	return err
}

// neighbours enters a new edge into the neighbourhoods that are, or will be, in memory.
func (g *Graph) neighbours(a, b clientele.Anchor) {
	for _, e := range [2][2]clientele.Anchor{{a, b}, {b, a}} {
		if n, ok := g.near[e[0]]; ok {
			n[e[1]] = true
		}
		g.fresh[e[0]] = append(g.fresh[e[0]], e[1])
	}
}

// count changes the number of distinct neighbours of both ends and answers which of the two
// thereby became generic, or stopped being it.
func (g *Graph) count(a, b clientele.Anchor, by int) (flipped []clientele.Anchor, err error) {
	ends := [2]clientele.Anchor{a, b}
	var rows [2]anchorRow
	for i, x := range ends {
		row, err := g.anchor(x)
		if err != nil {
			return nil, err
		}
		rows[i] = *row
	}
	for i := range ends {
		row, other := rows[i], rows[1-i].NS
		degree := make(map[clientele.Namespace]int, len(row.Degree)+1)
		for ns, n := range row.Degree {
			degree[ns] = n
		}
		if degree[other] += by; degree[other] <= 0 {
			delete(degree, other)
		}
		row.Degree = degree
		if generic := g.rules.Generic(row.NS, degree) || g.rules.Blocked(clientele.Identifier{Namespace: row.NS, Value: row.Value}); generic != row.Generic {
			g.setGeneric(&row, generic)
			flipped = append(flipped, ends[i])
		}
		g.anchors.Put(ends[i], &row)
	}
	return flipped, nil
}

func (g *Graph) setGeneric(row *anchorRow, generic bool) {
	row.Generic = generic
	if generic {
		g.counter.Generic++
	} else {
		g.counter.Generic--
	}
}

// join unites the groups of an edge's ends when nothing stands in the way, which is nearly
// always; otherwise the whole neighbourhood is weighed anew.
func (g *Graph) join(a, b clientele.Anchor) error {
	ra, err := g.anchor(a)
	if err != nil {
		return err
	}
	rb, err := g.anchor(b)
	if err != nil {
		return err
	}
	if ra.Generic || rb.Generic {
		return nil
	}
	ga, err := g.group(a)
	if err != nil {
		return err
	}
	gb, err := g.group(b)
	if err != nil {
		return err
	}
	if ga.Frozen || gb.Frozen {
		return nil
	}
	if ga.Complex || gb.Complex || !g.fits(ga, gb) {
		return g.review(a, b)
	}
	if ra.Profile == rb.Profile {
		return nil
	}
	return g.unite(ra.Profile, rb.Profile, ga, gb)
}

// unite makes two simple groups one: the smaller id stays, and only the others' rows change.
func (g *Graph) unite(keep, gone clientele.ProfileID, gk, gg *groupRow) error {
	if gone < keep {
		keep, gone, gk, gg = gone, keep, gg, gk
	}
	for _, m := range gg.Members {
		if err := g.move(m.Anchor, keep); err != nil {
			return err
		}
	}
	big, small := gk.Members, gg.Members
	if len(big) < len(small) {
		big, small = small, big
	}
	members := append(make([]member, 0, len(big)+len(small)), big...)
	for _, m := range small {
		i, _ := slices.BinarySearchFunc(members, m, byAnchor)
		members = slices.Insert(members, i, m)
	}
	g.groups.Put(keep, &groupRow{Members: members, Matched: gk.Matched || gg.Matched})
	g.counter.Profiles--
	return g.dissolve(gone)
}

func byAnchor(a, b member) int { return cmp.Compare(a.Anchor, b.Anchor) }

// dissolve takes away a group that has become part of others.
func (g *Graph) dissolve(id clientele.ProfileID) error {
	g.groups.Put(id, nil)
	a := clientele.Anchor(id)
	if g.minted[a] {
		return nil // nobody has seen this id
	}
	g.counter.Merges++
	row, err := g.anchor(a)
	if err == nil && !row.Was {
		next := *row
		next.Was = true
		g.anchors.Put(a, &next)
	}
	return err
}

// fits says whether the union of two groups keeps every limit.
func (g *Graph) fits(x, y *groupRow) bool {
	if x == y {
		return true
	}
	if len(x.Members) < len(y.Members) {
		x, y = y, x
	}
	for i, m := range y.Members { // the few
		if slices.ContainsFunc(y.Members[:i], func(o member) bool { return o.NS == m.NS }) {
			continue
		}
		if n := count(x.Members, m.NS) + count(y.Members, m.NS); n > 1 && n > g.rules.Rule(m.NS).Limit {
			return false
		}
	}
	return true
}

func count(members []member, ns clientele.Namespace) (n int) {
	for i := range members {
		if members[i].NS == ns {
			n++
		}
	}
	return n
}

// within says whether a group keeps every limit.
func (g *Graph) within(x *groupRow) bool {
	seen := map[clientele.Namespace]int{}
	for _, m := range x.Members {
		if seen[m.NS]++; seen[m.NS] > g.rules.Rule(m.NS).Limit {
			return false
		}
	}
	return true
}

// regroup replaces whole groups by others made of the same anchors.
func (g *Graph) regroup(old []clientele.ProfileID, groups []groupRow) error {
	ids := map[clientele.ProfileID]bool{}
	for i := range groups {
		next := &groups[i]
		slices.SortFunc(next.Members, byAnchor)
		id := clientele.ProfileID(next.Members[0].Anchor)
		ids[id] = true
		have, err := g.groups.Get(id)
		if err != nil {
			return err
		}
		if have == nil || have.Complex != next.Complex || have.Frozen != next.Frozen || have.Matched != next.Matched || !slices.Equal(have.Members, next.Members) {
			if next.Frozen && (have == nil || !have.Frozen) {
				g.counter.Frozen++
			}
			g.groups.Put(id, next)
		}
		for _, m := range next.Members {
			if err := g.move(m.Anchor, id); err != nil {
				return err
			}
		}
	}
	for _, id := range old {
		if ids[id] {
			continue
		}
		if err := g.dissolve(id); err != nil {
			return err
		}
	}
	g.counter.Profiles += int64(len(groups) - len(old))
	return nil
}

// move makes the anchor part of the profile.
func (g *Graph) move(a clientele.Anchor, to clientele.ProfileID) error {
	row, err := g.anchor(a)
	if err != nil || row.Profile == to {
		return err
	}
	if _, ok := g.before[a]; !ok {
		g.before[a] = row.Profile
	}
	g.stirred = append(g.stirred, Stir{row.Profile, to})
	next := *row
	next.Profile = to
	if to == clientele.ProfileID(a) {
		next.Was = false // an id again, not a former one
	}
	g.anchors.Put(a, &next)
	return nil
}

func (g *Graph) anchor(a clientele.Anchor) (*anchorRow, error) {
	row, err := g.anchors.Get(a)
	if err == nil && row == nil {
		err = clientele.Errorf(clientele.Corrupt, "anchor %d is missing from the identity graph", a).WithHint("run: clientele rebuild")
	}
	return row, err
}

func (g *Graph) group(a clientele.Anchor) (*groupRow, error) {
	row, err := g.anchor(a)
	if err != nil {
		return nil, err
	}
	gr, err := g.groups.Get(row.Profile)
	if err == nil && gr == nil {
		err = clientele.Errorf(clientele.Corrupt, "profile %s is missing from the identity graph", row.Profile).WithHint("run: clientele rebuild")
	}
	return gr, err
}

// Usable is the identifiers that can identify, normalised, without repeats, the strongest
// first; at most MaxRecordIdentities of them.
func (r *Rules) Usable(ids []Observed) []Observed {
	out := make([]Observed, 0, len(ids))
	for _, o := range ids {
		id, ok := r.Normalise(o.ID)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(out, func(x Observed) bool { return x.ID == id }); i >= 0 {
			out[i].Verified = out[i].Verified || o.Verified
			continue
		}
		out = append(out, Observed{id, o.Verified})
	}
	slices.SortFunc(out, func(a, b Observed) int {
		if a.ID.Namespace != b.ID.Namespace {
			if r.Less(a.ID.Namespace, b.ID.Namespace) {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID.Value, b.ID.Value)
	})
	return out[:min(len(out), clientele.MaxRecordIdentities)]
}
