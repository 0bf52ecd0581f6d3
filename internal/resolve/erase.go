package resolve

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/rowcache"
)

// EraseBody is of erase. It names the person by anchors, which say nothing of who it was.
type EraseBody struct {
	Anchors    []clientele.Anchor `json:"anchors"`
	Quarantine []string           `json:"quarantine,omitempty"` // records that name the person
	// Again is an erasure of this person that was made before, on a state that is lost: after a
	// restore it holds on.
	Again *clientele.Erasure `json:"again,omitempty"`
}

// erase forgets people: every row that is theirs, and every trace of them in the graph. What
// remains is the Erasure.
func (r *Resolver) erase(b EraseBody, p clientele.Position, now clientele.Micros) error {
	members, err := r.everybody(b.Anchors)
	if err != nil {
		return err
	}
	told := r.gone.ahead[p]
	if len(members) == 0 && told == nil && b.Again == nil {
		return clientele.Errorf(clientele.NotFound, "there is nobody to erase")
	}
	e := &clientele.Erasure{ID: fmt.Sprintf("er_%d", p), Position: p, At: now, Anchors: members, Counts: map[string]int64{"identifiers": int64(len(members))}}
	for _, a := range members {
		if err := r.eraseAnchor(e, a); err != nil {
			return err
		}
		if err := r.eraseMember(a); err != nil {
			return err
		}
		if err := r.unlist(a); err != nil {
			return err
		}
		if err := r.eraseMatches(a); err != nil {
			return err
		}
	}
	if err := r.eraseHeld(members); err != nil {
		return err
	}
	if err := r.graph.Erase(members); err != nil {
		return err
	}
	for _, id := range b.Quarantine {
		if err := r.eraseQuarantined(e, id); err != nil {
			return err
		}
	}
	r.totals.Events -= int64(len(e.Records))
	r.batch.erased = append(r.batch.erased, members...)
	if b.Again != nil {
		again(e, b.Again)
	}
	if told != nil { // the log is resolved anew: what it had to tell is known
		e = told
	}
	tidy(e)
	if err := r.unawaitAll(e.Identifiers); err != nil {
		return err
	}
	v, err := rowcache.Encode(e)
	if err != nil {
		return err
	}
	r.put(clientele.ErasureKey(p), v)
	r.forgotten = true
	return nil
}

// everybody is all anchors of the profiles of the anchors, ascending, of those that there are.
func (r *Resolver) everybody(anchors []clientele.Anchor) ([]clientele.Anchor, error) {
	all := map[clientele.Anchor]bool{}
	for _, a := range anchors {
		there, err := r.graph.Exists(a)
		if err != nil {
			return nil, err
		}
		if !there || all[a] {
			continue
		}
		p, err := r.graph.Profile(a)
		if err != nil {
			return nil, err
		}
		members, err := r.graph.Members(p)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			all[m] = true
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

func (r *Resolver) eraseAnchor(e *clientele.Erasure, a clientele.Anchor) error {
	id, err := r.graph.Identifier(a)
	if err != nil {
		return err
	}
	e.Identifiers = append(e.Identifiers, SealIdentifier(r.gone.seal, id.Identifier))
	for _, form := range id.Hashed() { // as lists of third parties have it
		e.Identifiers = append(e.Identifiers, SealIdentifier(r.gone.seal, form))
	}
	h, err := loadHead(r.o.Store, a)
	if err != nil {
		return err
	}
	if h != nil && h.Said != nil {
		e.Counts["traits"] += int64(len(h.Said.Traits))
		e.Counts["decisions"] += int64(len(h.Said.Consents))
	}
	if err := r.eraseEnrichment(a, id.Identifier, h); err != nil {
		return err
	}
	line := clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(a))
	err = r.o.Store.Scan(line, func(k clientele.Key, v []byte) (bool, error) {
		t, err := ReadTimelineEntry(k, v)
		if err == nil && t.Position != 0 {
			e.Records = append(e.Records, clientele.RecordRef{Position: t.Position, Ordinal: t.Ordinal})
			e.Counts["events"]++
		}
		return true, err
	})
	if err != nil {
		return err
	}
	err = commerce.Owned(r.o.Store, a, func(k commerce.Keyed) error {
		e.Rows = append(e.Rows, SealRow(r.gone.seal, k.Key))
		e.Counts[k.Table.Name]++
		r.put(k.Key, nil)
		r.batch.drops = append(r.batch.drops, commerce.Dependents(k.Key))
		if !k.Table.Person {
			key := make([]any, len(k.Table.Key))
			for i, c := range k.Table.Key {
				key[i] = k.Value(c)
			}
			r.batch.deleted[k.Table.Name] = append(r.batch.deleted[k.Table.Name], key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	states, err := LoadStates(r.o.Store, []clientele.Anchor{a})
	if err != nil {
		return err
	}
	if s := states[0]; s != nil && s.Due != 0 {
		r.put(clientele.ComputedDueKey(s.Due, a), nil)
	}
	r.batch.drops = append(r.batch.drops, line, clientele.Prefix(clientele.HeadKey(a)), clientele.Prefix(clientele.OwnedKey(a, nil)), clientele.Prefix(clientele.ComputedKey(a)), clientele.Prefix(clientele.ScoreKey(a)))
	return nil
}

func (r *Resolver) eraseQuarantined(e *clientele.Erasure, id string) error {
	at, i, err := ParseQuarantineID(id)
	if err != nil {
		return err
	}
	k := clientele.QuarantineKey(at, i)
	v, err := r.o.Store.Get(k)
	if err != nil || v == nil {
		return err
	}
	r.put(k, nil)
	r.totals.Quarantined--
	e.Quarantined = append(e.Quarantined, clientele.RecordRef{Position: at, Ordinal: i})
	e.Counts["quarantined"]++
	return nil
}

// again adds what an earlier erasure of the person kept out. Its anchors and records are not taken:
// those behind the backup were of a log that is lost, and others have their numbers now.
func again(e, before *clientele.Erasure) {
	e.At = max(e.At, before.At)
	e.Identifiers = append(e.Identifiers, before.Identifiers...)
	e.Rows = append(e.Rows, before.Rows...)
}

// tidy puts the lists in order, so that the same erasure is the same bytes.
func tidy(e *clientele.Erasure) {
	slices.Sort(e.Anchors)
	e.Anchors = slices.Compact(e.Anchors)
	for _, s := range []*[]clientele.Seal{&e.Identifiers, &e.Rows} {
		slices.SortFunc(*s, func(a, b clientele.Seal) int { return slices.Compare(a[:], b[:]) })
		*s = slices.Compact(*s)
	}
	for _, s := range []*[]clientele.RecordRef{&e.Records, &e.Quarantined} {
		slices.SortFunc(*s, func(a, b clientele.RecordRef) int {
			return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Ordinal, b.Ordinal))
		})
		*s = slices.Compact(*s)
	}
}
