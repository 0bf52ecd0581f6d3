package resolve

import (
	"clientele"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// LoadProfile folds the profile from the rows.
func LoadProfile(rows clientele.Rows, g *identity.Graph, rules profile.Rules, p clientele.ProfileID) (*profile.Golden, error) {
	members, heads, err := loadHeads(rows, g, p)
	if err != nil {
		return nil, err
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

// LoadConsents are the decisions of the profile, by purpose and channel.
func LoadConsents(rows clientele.Rows, g *identity.Graph, p clientele.ProfileID) ([]clientele.Consent, error) {
	members, heads, err := loadHeads(rows, g, p)
	if err != nil {
		return nil, err
	}
	return profile.Consents(members, heads, links(g, p))
}

// LoadConsent is the decision of the profile that holds for the purpose on the channel; nil when
// there is none.
func LoadConsent(rows clientele.Rows, g *identity.Graph, p clientele.ProfileID, purpose, channel string) (*clientele.Consent, error) {
	members, heads, err := loadHeads(rows, g, p)
	if err != nil {
		return nil, err
	}
	return profile.Effective(members, heads, links(g, p), profile.ConsentKey{Purpose: purpose, Channel: channel})
}

func links(g *identity.Graph, p clientele.ProfileID) func() ([]profile.Link, error) {
	return func() (out []profile.Link, err error) {
		err = g.Links(p, func(a, b clientele.Anchor, at clientele.Micros) { out = append(out, profile.Link{A: a, B: b, At: at}) })
		return out, err
	}
}

func loadHeads(rows clientele.Rows, g *identity.Graph, p clientele.ProfileID) ([]clientele.Anchor, []*profile.Head, error) {
	members, err := g.Members(p)
	if err != nil {
		return nil, nil, err
	}
	heads := make([]*profile.Head, len(members))
	for i, a := range members {
		if heads[i], err = loadHead(rows, a); err != nil {
			return nil, nil, err
		}
	}
	return members, heads, nil
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
	h, err := loadCounters(rows, a)
	if err != nil || h == nil {
		return nil, err
	}
	return h, listen(rows, a, h)
}

// loadCounters reads the head without what was said under the anchor.
func loadCounters(rows clientele.Rows, a clientele.Anchor) (*profile.Head, error) {
	return rowcache.Load[profile.Head](rows, clientele.HeadKey(a))
}

// listen reads what was said under the anchor, unless the head has it.
func listen(rows clientele.Rows, a clientele.Anchor, h *profile.Head) (err error) {
	if h != nil && h.Unread() {
		if h.Said, err = rowcache.Load[profile.Said](rows, clientele.SaidKey(a)); err == nil && h.Said == nil {
			return clientele.Errorf(clientele.Corrupt, "what was said under an anchor is missing").WithHint("run: clientele rebuild")
		}
	}
	return err
}

// preloadHeads reads the counters of the anchors at once, and what was said under those of which
// spoken says so.
func (r *Resolver) preloadHeads(anchors []clientele.Anchor, spoken map[clientele.Anchor]bool) error {
	var want []clientele.Anchor
	for _, a := range anchors {
		if !r.heads.Known(a) {
			want = append(want, a)
		}
	}
	if err := rowcache.Fetch(want, clientele.HeadKey, r.o.Store.Load, r.heads.Fill); err != nil {
		return err
	}
	want = want[:0]
	for a := range spoken {
		if h, err := r.heads.Get(a); err != nil {
			return err
		} else if h != nil && h.Unread() {
			want = append(want, a)
		}
	}
	return rowcache.Fetch(want, clientele.SaidKey, r.o.Store.Load, func(a clientele.Anchor, s *profile.Said) {
		if h, err := r.heads.Get(a); err == nil && h != nil {
			h.Said = s
		}
	})
}
