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
		if heads[i], err = rowcache.Load[profile.Head](rows, clientele.HeadKey(a)); err != nil {
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
