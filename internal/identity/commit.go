package identity

import (
	"maps"
	"slices"

	"clientele"
	"clientele/internal/rowcache"
)

// Moved is the anchors whose profile is not the one of the last commit, ascending.
func (g *Graph) Moved() []clientele.Moved {
	var out []clientele.Moved
	for _, a := range slices.Sorted(maps.Keys(g.before)) {
		if row, err := g.anchor(a); err == nil && row.Profile != g.before[a] {
			out = append(out, clientele.Moved{Anchor: a, Profile: row.Profile})
		}
	}
	return out
}

// Stir says that an anchor went from one profile to another; from one to the same, that its anchors are
// joined by other evidence, so perhaps since another time.
type Stir struct{ From, To clientele.ProfileID }

// TakeStirred are the moves since it was last asked, or since Committed.
func (g *Graph) TakeStirred() []Stir {
	out := slices.Clone(g.stirred)
	g.stirred = g.stirred[:0]
	return out
}

// Before is the profile that the anchor had at the last commit.
func (g *Graph) Before(a clientele.Anchor) (clientele.ProfileID, bool) {
	p, ok := g.before[a]
	return p, ok
}

// Changes calls put for every row that has changed; a nil value deletes.
func (g *Graph) Changes(put func(k clientele.Key, v []byte)) error {
	err := g.anchors.Changed(func(a clientele.Anchor, row *anchorRow) error {
		return encode(put, clientele.AnchorKey(a), row, row == nil)
	})
	if err == nil {
		err = g.ids.Changed(func(id clientele.Identifier, a *clientele.Anchor) error {
			return encode(put, clientele.IdentifierKey(id), a, a == nil)
		})
	}
	if err == nil {
		err = g.groups.Changed(func(p clientele.ProfileID, row *groupRow) error {
			return encode(put, clientele.GroupKey(p), row, row == nil)
		})
	}
	if err == nil {
		err = g.edges.Changed(func(p pair, row *edgeRow) error {
			if row == nil {
				put(clientele.EdgeKey(p.b, p.a), nil)
			} else {
				put(clientele.EdgeKey(p.b, p.a), []byte{})
			}
			return encode(put, clientele.EdgeKey(p.a, p.b), row, row == nil)
		})
	}
	if err == nil {
		err = g.links.Changed(func(p pair, row *linkRow) error {
			if row == nil {
				put(clientele.LinkKey(p.b, p.a), nil)
			} else {
				put(clientele.LinkKey(p.b, p.a), []byte{})
			}
			return encode(put, clientele.LinkKey(p.a, p.b), row, row == nil)
		})
	}
	if err == nil && (g.anchors.Dirty() > 0 || g.edges.Dirty() > 0) {
		err = encode(put, countersKey, &g.counter, false)
	}
	return err
}

func encode(put func(clientele.Key, []byte), k clientele.Key, v any, gone bool) error {
	if gone {
		put(k, nil)
		return nil
	}
	b, err := rowcache.Encode(v)
	put(k, b)
	return err
}

// Committed says that what Changes gave is in the store.
func (g *Graph) Committed() {
	g.anchors.Committed()
	g.ids.Committed()
	g.groups.Committed()
	g.edges.Committed()
	g.links.Committed()
	clear(g.before)
	clear(g.fresh)
	g.stirred = g.stirred[:0]
	if len(g.near) > cached {
		clear(g.near)
	}
	if len(g.tied) > cached {
		clear(g.tied)
	}
}

// Sight is what of a record Preload must know.
type Sight struct {
	IDs    []Observed
	Spoken bool // it says something of the person: the whole profile will be asked for
}

// PreloadAnchors reads at once the anchors that are not in memory.
func (g *Graph) PreloadAnchors(anchors []clientele.Anchor, get func([]clientele.Key) ([][]byte, error)) error {
	return rowcache.Fetch(unknown(anchors, g.anchors.Known), clientele.AnchorKey, get, g.anchors.Fill)
}

// PreloadGroups reads at once the groups of the profiles that are not in memory, and answers the anchors of all.
func (g *Graph) PreloadGroups(profiles []clientele.ProfileID, get func([]clientele.Key) ([][]byte, error)) (anchors []clientele.Anchor, err error) {
	if err := rowcache.Fetch(unknown(profiles, g.groups.Known), clientele.GroupKey, get, g.groups.Fill); err != nil {
		return nil, err
	}
	for _, p := range profiles {
		members, err := g.Members(p)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, members...)
	}
	return anchors, nil
}

// Preload reads at once the rows that Observe will ask for: many rows in one sorted pass cost a
// fraction of as many single reads. It answers the anchors that the records will be put under as
// far as they are known, and all anchors of the profiles that will be asked for as a whole.
func (g *Graph) Preload(records []Sight, get func([]clientele.Key) ([][]byte, error)) (anchors, whole []clientele.Anchor, err error) {
	if err := g.preloadIdentifiers(records, get); err != nil {
		return nil, nil, err
	}
	of := make([][]clientele.Anchor, len(records))
	var all []clientele.Anchor
	var pairs []pair
	for i, rec := range records {
		start := len(all)
		for _, o := range rec.IDs {
			if a, err := g.ids.Get(o.ID); err != nil {
				return nil, nil, err
			} else if a != nil {
				all = append(all, *a)
			}
		}
		of[i] = all[start:len(all):len(all)]
		for j, a := range of[i] {
			for _, b := range of[i][j+1:] {
				pairs = append(pairs, pairOf(a, b))
			}
		}
	}
	if err := rowcache.Fetch(unknown(all, g.anchors.Known), clientele.AnchorKey, get, g.anchors.Fill); err != nil {
		return nil, nil, err
	}
	if err := rowcache.Fetch(unknown(pairs, g.edges.Known), func(p pair) clientele.Key { return clientele.EdgeKey(p.a, p.b) }, get, g.edges.Fill); err != nil {
		return nil, nil, err
	}
	var profiles []clientele.ProfileID
	for i, rec := range records {
		news, err := g.news(rec, of[i])
		if err != nil {
			return nil, nil, err
		}
		for _, a := range of[i] {
			row, err := g.anchor(a)
			if err != nil {
				return nil, nil, err
			}
			if !row.Generic && row.NS != clientele.PreviousID {
				anchors = append(anchors, a)
				if !news {
					break
				}
			}
			if news {
				profiles = append(profiles, row.Profile)
			}
		}
	}
	profiles = unknown(profiles, func(clientele.ProfileID) bool { return false })
	if err := rowcache.Fetch(unknown(profiles, g.groups.Known), clientele.GroupKey, get, g.groups.Fill); err != nil {
		return nil, nil, err
	}
	for _, p := range profiles {
		members, err := g.Members(p)
		if err != nil {
			return nil, nil, err
		}
		whole = append(whole, members...)
	}
	return anchors, whole, nil
}

// news says whether the record will change more than counters: it says something of the person,
// or its identifiers were not seen together before.
func (g *Graph) news(rec Sight, of []clientele.Anchor) (bool, error) {
	if rec.Spoken || len(of) < len(rec.IDs) {
		return true, nil
	}
	for i, a := range of {
		for _, b := range of[i+1:] {
			if e, err := g.edges.Get(pairOf(a, b)); err != nil || e == nil && a != b {
				return true, err
			}
		}
	}
	return false, nil
}

// preloadIdentifiers reads which anchors the identifiers have, and for those that have none, which
// the identifiers have that an alias may have told of them.
func (g *Graph) preloadIdentifiers(records []Sight, get func([]clientele.Key) ([][]byte, error)) error {
	ids := g.asking[:0]
	for _, rec := range records {
		for _, o := range rec.IDs {
			if !g.ids.Known(o.ID) && !g.asked[o.ID] {
				g.asked[o.ID] = true
				ids = append(ids, o.ID)
			}
		}
	}
	defer func() {
		if clear(ids); len(ids) <= cached {
			g.asking = ids[:0]
			clear(g.asked)
		} else {
			g.asking, g.asked = nil, map[clientele.Identifier]bool{}
		}
	}()
	if err := rowcache.Fetch(ids, clientele.IdentifierKey, get, g.ids.Fill); err != nil {
		return err
	}
	var implied []clientele.Identifier
	for _, id := range ids {
		if a, err := g.ids.Get(id); err != nil {
			return err
		} else if a == nil {
			for _, ns := range impliedBy(id.Namespace) {
				implied = append(implied, clientele.Identifier{Namespace: ns, Value: id.Value})
			}
		}
	}
	return rowcache.Fetch(unknown(implied, g.ids.Known), clientele.IdentifierKey, get, g.ids.Fill)
}

// unknown is the distinct keys that are not in memory.
func unknown[K comparable](ks []K, known func(K) bool) []K {
	seen := make(map[K]bool, len(ks))
	var out []K
	for _, k := range ks {
		if !seen[k] && !known(k) {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
