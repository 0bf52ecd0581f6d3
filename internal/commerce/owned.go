package commerce

import (
	"bytes"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/rowcache"
)

// Watch has the ledger note whose rows of the tables change.
func (l *Ledger) Watch(tables map[string]bool) { l.watched = tables }

func (l *Ledger) note(a clientele.Anchor, p place) {
	if a == 0 {
		return
	}
	if l.owners[a] == nil {
		l.owners[a] = map[string]bool{}
	}
	if l.owned[a] == nil {
		l.owned[a] = map[place]bool{}
	}
	l.owners[a][p.table], l.owned[a][p] = true, true
}

// TakeOwners are the anchors that have, or had, a row of a watched table that has changed since this was
// last asked, with the tables.
func (l *Ledger) TakeOwners() map[clientele.Anchor]map[string]bool {
	out := l.owners
	if len(out) > 0 {
		l.owners = map[clientele.Anchor]map[string]bool{}
	}
	return out
}

// OwnedBy calls fn for each row of the tables that is the anchor's as it stands, with what the batch has
// changed in watched tables, in the order of their keys. id is the row's key, which is its own for ever.
func (l *Ledger) OwnedBy(a clientele.Anchor, tables map[string]bool, fn func(id string, row Row) error) error {
	var places []place
	err := l.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowOwned).Anchor(a)), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		r.Anchor()
		key := clientele.Key(bytes.Clone(r.Rest()))
		if p := (place{key.Read().Text(), string(key)}); tables[p.table] && !l.owned[a][p] {
			places = append(places, p)
		}
		return true, r.Err()
	})
	if err != nil {
		return err
	}
	for p := range l.owned[a] {
		if tables[p.table] {
			places = append(places, p)
		}
	}
	slices.SortFunc(places, func(p, q place) int { return strings.Compare(p.key, q.key) })
	for _, p := range places {
		r, err := l.as(p)
		if err != nil {
			return err
		}
		if r.anchor() != a {
			continue
		}
		if err := fn(p.key, Row{clientele.TableNamed(p.table), a, r}); err != nil {
			return err
		}
	}
	return nil
}

// Standing is the row that the fact is of, as it stands. Invalid when a column of the key is missing.
func (l *Ledger) Standing(f Fact) (Row, error) {
	p, err := placeOf(f.Table, f.Fields)
	if err != nil {
		return Row{}, err
	}
	r, err := l.cache.Get(p)
	return Row{f.Table, r.anchor(), r}, err
}

// ReadRow is a row of the table as the store has it.
func ReadRow(t *clientele.Table, v []byte) (Row, error) {
	r, err := rowcache.Decode[row](v)
	return Row{t, r.anchor(), r}, err
}

// as is the row as it stands, without keeping in memory what was not there.
func (l *Ledger) as(p place) (*row, error) {
	if l.cache.Known(p) {
		return l.cache.Get(p)
	}
	return rowcache.Load[row](l.rows, clientele.Key(p.key))
}
