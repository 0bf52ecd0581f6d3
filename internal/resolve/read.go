package resolve

import (
	"clientele"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// LoadProfile folds the profile from the rows.
func LoadProfile(rows clientele.Rows, g *identity.Graph, rules profile.Rules, p clientele.ProfileID) (*profile.Golden, error) {
	members, err := g.Members(p)
	if err != nil {
		return nil, err
	}
	heads := make([]*profile.Head, len(members))
	for i, a := range members {
		if heads[i], err = loadHead(rows, a); err != nil {
			return nil, err
		}
	}
	golden := profile.Merge(rules, heads)
	if golden.Records == 0 && len(members) > 0 { // identifiers alone
		id, err := g.Identifier(members[0])
		if err != nil {
			return nil, err
		}
		golden.First, golden.Last = clientele.Stamp{At: id.FirstSeen, Source: id.Source}, id.LastSeen
	}
	return golden, nil
}

// LoadTotals are the counts as of the rows.
func LoadTotals(rows clientele.Rows) (Totals, error) {
	t, err := rowcache.Load[Totals](rows, totalsKey)
	if t == nil {
		t = &Totals{}
	}
	return *t, err
}

// loadHead reads both rows of an anchor's head; nil when it has none.
func loadHead(rows clientele.Rows, a clientele.Anchor) (*profile.Head, error) {
	h, err := rowcache.Load[profile.Head](rows, clientele.HeadKey(a))
	if err != nil || h == nil {
		return nil, err
	}
	said, err := rowcache.Load[profile.Said](rows, clientele.SaidKey(a))
	if said != nil {
		h.Said = *said
	}
	return h, err
}

// preloadHeads reads the heads of the anchors at once.
func (r *Resolver) preloadHeads(anchors []clientele.Anchor) error {
	said := make(map[clientele.Anchor]*profile.Said, len(anchors))
	keep := func(a clientele.Anchor, s *profile.Said) { said[a] = s }
	if err := rowcache.Fetch(anchors, clientele.SaidKey, r.o.Store.Load, keep); err != nil {
		return err
	}
	return rowcache.Fetch(anchors, clientele.HeadKey, r.o.Store.Load, func(a clientele.Anchor, h *profile.Head) {
		if h != nil && said[a] != nil {
			h.Said = *said[a]
		}
		r.heads.Fill(a, h)
	})
}
