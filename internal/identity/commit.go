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
			put(clientele.EdgeKey(p.b, p.a), []byte{})
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
	if len(g.near) > cached {
		clear(g.near)
	}
	if len(g.tied) > cached {
		clear(g.tied)
	}
}

// Preload reads at once what Observe will ask for: of each record's identifiers the anchors,
// their rows, profiles and edges. It answers the anchors of all those profiles.
func (g *Graph) Preload(records [][]clientele.Identifier, get func([]clientele.Key) ([][]byte, error)) ([]clientele.Anchor, error) {
	var ids []clientele.Identifier
	wanted := map[clientele.Identifier]bool{}
	for _, rec := range records {
		for _, id := range rec {
			if !wanted[id] && !g.ids.Known(id) {
				wanted[id] = true
				ids = append(ids, id)
			}
		}
	}
	if err := rowcache.Fetch(ids, clientele.IdentifierKey, get, g.ids.Fill); err != nil {
		return nil, err
	}
	var anchors []clientele.Anchor
	var pairs []pair
	for _, rec := range records {
		var of []clientele.Anchor
		for _, id := range rec {
			if a, err := g.ids.Get(id); err != nil {
				return nil, err
			} else if a != nil {
				of = append(of, *a)
			}
		}
		for i, a := range of {
			for _, b := range of[i+1:] {
				pairs = append(pairs, pairOf(a, b))
			}
		}
		anchors = append(anchors, of...)
	}
	if err := rowcache.Fetch(unknown(anchors, g.anchors.Known), clientele.AnchorKey, get, g.anchors.Fill); err != nil {
		return nil, err
	}
	if err := rowcache.Fetch(unknown(pairs, g.edges.Known), func(p pair) clientele.Key { return clientele.EdgeKey(p.a, p.b) }, get, g.edges.Fill); err != nil {
		return nil, err
	}
	var profiles []clientele.ProfileID
	for _, a := range anchors {
		p, err := g.Profile(a)
		if err != nil {
			return nil, err
		}
		profiles = append(profiles, p)
	}
	if err := rowcache.Fetch(unknown(profiles, g.groups.Known), clientele.GroupKey, get, g.groups.Fill); err != nil {
		return nil, err
	}
	for _, p := range unknown(profiles, func(clientele.ProfileID) bool { return false }) {
		members, err := g.Members(p)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, members...)
	}
	return anchors, nil
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
