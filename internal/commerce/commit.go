package commerce

import (
	"cmp"
	"slices"

	"clientele"
	"clientele/internal/rowcache"
)

// Row is a folded row as it stands.
type Row struct {
	Table  *clientele.Table
	Anchor clientele.Anchor // 0 = nobody
	r      *row
}

// Value is the column's value, typed as clientele.TableRows says; nil when it has none. An
// order's revenue is what a source said, otherwise the sum of its lines.
func (r Row) Value(column string) any {
	v := r.r.value(column)
	if v == nil && column == "revenue" && r.Table.Name == "orders" && r.r != nil && r.r.Count > 0 {
		return int64(r.r.Lines)
	}
	return v
}

// Text is a text column's value, "" when it has none.
func (r Row) Text(column string) string {
	s, _ := r.Value(column).(string)
	return s
}

// Time is a time column's value, 0 when it has none.
func (r Row) Time(column string) clientele.Micros {
	v, _ := r.Value(column).(int64)
	return clientele.Micros(v)
}

// Changed calls fn for each row that differs from the last commit, tables in the order of the
// schema, with the row as it was (Exists is false for a new one).
func (l *Ledger) Changed(fn func(before, after Row) error) error {
	if len(l.sorted) != len(l.was) {
		l.sorted = l.sorted[:0]
		for p := range l.was {
			l.sorted = append(l.sorted, p)
		}
		order := map[string]int{}
		for i, t := range clientele.Schema {
			order[t.Name] = i
		}
		slices.SortFunc(l.sorted, func(a, b place) int {
			return cmp.Or(cmp.Compare(order[a.table], order[b.table]), cmp.Compare(a.key, b.key))
		})
	}
	var t *clientele.Table
	for _, p := range l.sorted {
		if t == nil || t.Name != p.table {
			t = clientele.TableNamed(p.table)
		}
		now, err := l.cache.Get(p)
		if err != nil {
			return err
		}
		was := l.was[p]
		if err := fn(Row{t, was.anchor(), was}, Row{t, now.anchor(), now}); err != nil {
			return err
		}
	}
	return nil
}

// Preload reads at once the rows that the facts are about, with the orders of lines.
func (l *Ledger) Preload(facts []Fact, get func([]clientele.Key) ([][]byte, error)) error {
	want := map[place]bool{}
	var places []place
	need := func(p place) {
		if !want[p] && !l.cache.Known(p) {
			want[p] = true
			places = append(places, p)
		}
	}
	for _, f := range facts {
		if p, err := placeOf(f.Table, f.Fields); err == nil {
			need(p)
		}
		if f.Table.Name == "order_lines" {
			if p, err := placeOf(clientele.TableNamed("orders"), f.Fields); err == nil {
				need(p)
			}
		}
	}
	return rowcache.Fetch(places, func(p place) clientele.Key { return clientele.Key(p.key) }, get, l.cache.Fill)
}

// Told says whether an imported row told of it, so that no event stands for it on a timeline.
func (r Row) Told() bool { return r.r != nil && r.r.Told }

// Exists says whether there is such a row.
func (r Row) Exists() bool { return r.r != nil }

// Changes calls put for every row of the row store that has changed.
func (l *Ledger) Changes(put func(k clientele.Key, v []byte)) error {
	for _, k := range l.added {
		put(k, []byte{})
	}
	for p, was := range l.was { // who owns the row, so that a person's rows are found
		now, err := l.cache.Get(p)
		if err != nil {
			return err
		}
		if before, after := was.anchor(), now.anchor(); before != after {
			if before != 0 {
				put(clientele.OwnedKey(before, clientele.Key(p.key)), nil)
			}
			if after != 0 {
				put(clientele.OwnedKey(after, clientele.Key(p.key)), []byte{})
			}
		}
	}
	return l.cache.Changed(func(p place, r *row) error {
		b, err := rowcache.Encode(r)
		put(clientele.Key(p.key), b)
		return err
	})
}

// Committed says that what Changes gave is in the store.
func (l *Ledger) Committed() {
	l.cache.Committed()
	clear(l.was)
	clear(l.owned)
	l.added, l.sorted = nil, l.sorted[:0]
	if len(l.dependents) > cached {
		clear(l.dependents)
	}
}
