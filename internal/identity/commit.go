package identity

import (
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"clientele"
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

// canonical CBOR: the same row is the same bytes, so that digests of two stores can be compared.
var canonical, _ = cbor.CanonicalEncOptions().EncMode()

func encode(put func(clientele.Key, []byte), k clientele.Key, v any, gone bool) error {
	if gone {
		put(k, nil)
		return nil
	}
	b, err := canonical.Marshal(v)
	if err != nil {
		return clientele.Errorf(clientele.Internal, "identity row: %w", err)
	}
	put(k, b)
	return nil
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

// Preload reads at once what Observe will ask for first: the anchors of the identifiers, their
// rows and their profiles.
func (g *Graph) Preload(ids []clientele.Identifier, get func([]clientele.Key) ([][]byte, error)) error {
	ids = slices.DeleteFunc(ids, g.ids.Known)
	anchors, err := fetch(ids, clientele.IdentifierKey, get, g.ids.Fill)
	if err != nil {
		return err
	}
	var want []clientele.Anchor
	for _, a := range anchors {
		if a != nil && !g.anchors.Known(*a) {
			want = append(want, *a)
		}
	}
	rows, err := fetch(want, clientele.AnchorKey, get, g.anchors.Fill)
	if err != nil {
		return err
	}
	var profiles []clientele.ProfileID
	for _, r := range rows {
		if r != nil && !g.groups.Known(r.Profile) {
			profiles = append(profiles, r.Profile)
		}
	}
	_, err = fetch(profiles, clientele.GroupKey, get, g.groups.Fill)
	return err
}

func fetch[K comparable, V any](ks []K, key func(K) clientele.Key, get func([]clientele.Key) ([][]byte, error), fill func(K, *V)) ([]*V, error) {
	if len(ks) == 0 {
		return nil, nil
	}
	keys := make([]clientele.Key, len(ks))
	for i, k := range ks {
		keys[i] = key(k)
	}
	values, err := get(keys)
	if err != nil {
		return nil, err
	}
	out := make([]*V, len(ks))
	for i, b := range values {
		if b != nil {
			out[i] = new(V)
			if err := cbor.Unmarshal(b, out[i]); err != nil {
				return nil, clientele.Errorf(clientele.Corrupt, "identity row: %w", err)
			}
		}
		fill(ks[i], out[i])
	}
	return out, nil
}
