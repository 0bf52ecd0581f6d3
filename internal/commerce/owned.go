package commerce

import (
	"bytes"
	"slices"

	"clientele"
	"clientele/internal/rowcache"
)

// OwnedBy calls fn for each row of the anchor as it stands, with what the batch has changed, in the order of
// their keys. id is the row's key, which is its own for ever.
func (l *Ledger) OwnedBy(a clientele.Anchor, fn func(id string, row Row) error) error {
	keys := map[string]string{} // key -> table
	err := l.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowOwned).Anchor(a)), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		r.Anchor()
		key := clientele.Key(bytes.Clone(r.Rest()))
		keys[string(key)] = key.Read().Text()
		return true, r.Err()
	})
	if err != nil {
		return err
	}
	for p := range l.was {
		keys[p.key] = p.table
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	for _, k := range sorted {
		r, err := l.as(place{keys[k], k})
		if err != nil {
			return err
		}
		if r.anchor() != a {
			continue
		}
		if err := fn(k, Row{clientele.TableNamed(keys[k]), a, r}); err != nil {
			return err
		}
	}
	return nil
}

// as is the row as it stands, without keeping in memory what was not there.
func (l *Ledger) as(p place) (*row, error) {
	if l.cache.Known(p) {
		return l.cache.Get(p)
	}
	return rowcache.Load[row](l.rows, clientele.Key(p.key))
}

// Owners calls fn for each anchor that has, or had before the batch, a row that the batch has changed.
func (l *Ledger) Owners(fn func(table string, a clientele.Anchor)) error {
	for p, was := range l.was {
		now, err := l.cache.Get(p)
		if err != nil {
			return err
		}
		for _, a := range []clientele.Anchor{was.anchor(), now.anchor()} {
			if a != 0 {
				fn(p.table, a)
			}
		}
	}
	return nil
}
