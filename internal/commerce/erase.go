package commerce

import (
	"bytes"

	"clientele"
	"clientele/internal/rowcache"
)

// Keyed is a row that was found by its key: its table and its values by column.
type Keyed struct {
	Table *clientele.Table
	Key   clientele.Key
	r     *row
}

// Value is the column's value.
func (k Keyed) Value(column string) any { return k.r.value(column) }

// Owned calls fn for each row of the anchor, and for the rows of tables without a person that hang
// on those: payments of orders, entries of loyalty accounts.
func Owned(rows clientele.Rows, a clientele.Anchor, fn func(Keyed) error) error {
	var keys []clientele.Key
	err := rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowOwned).Anchor(a)), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		r.Anchor()
		keys = append(keys, bytes.Clone(r.Rest()))
		return true, r.Err()
	})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := owned(rows, k, fn); err != nil {
			return err
		}
		t := k.Read().Text()
		if t != "orders" && t != "loyalty_accounts" {
			continue
		}
		var hanging []clientele.Key
		err := rows.Scan(Dependents(k), func(d clientele.Key, _ []byte) (bool, error) {
			r := d.Read()
			r.Text()
			if !clientele.TableNamed(r.Text()).Person {
				hanging = append(hanging, bytes.Clone(r.Rest()))
			}
			return true, r.Err()
		})
		if err != nil {
			return err
		}
		for _, h := range hanging {
			if err := owned(rows, h, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// Dependents is the range of what hangs on the order or account of the key.
func Dependents(k clientele.Key) clientele.Range {
	return clientele.Prefix(clientele.NewKey(clientele.RowDependent).Text(string(k)))
}

func owned(rows clientele.Rows, k clientele.Key, fn func(Keyed) error) error {
	r, err := rowcache.Load[row](rows, k)
	if err != nil || r == nil {
		return err
	}
	return fn(Keyed{Table: clientele.TableNamed(k.Read().Text()), Key: k, r: r})
}

// KeyOf is the key of the row that the fact is of; nil when it names none.
func KeyOf(f Fact) clientele.Key {
	p, err := placeOf(f.Table, f.Fields)
	if err != nil {
		return nil
	}
	return clientele.Key(p.key)
}

// hang notes that a new row of a table without a person hangs on an order or a loyalty account.
func (l *Ledger) hang(p place, f Fact) {
	table, column := "orders", "order_id"
	if f.Table.Name == "loyalty_ledger" {
		table, column = "loyalty_accounts", "loyalty_id"
	}
	src, _ := f.Fields["source"].(string)
	if id, _ := f.Fields[column].(string); id != "" {
		l.added = append(l.added, dependent(clientele.TableKey(table, src, id), p))
	}
}

func dependent(on clientele.Key, p place) clientele.Key {
	return append(clientele.NewKey(clientele.RowDependent).Text(string(on)).Text(p.table), p.key...)
}

// Indexed makes the index rows of a stored row of a directory that has none yet.
func Indexed(k clientele.Key, value []byte, put func(clientele.Key)) error {
	r, err := rowcache.Decode[row](value)
	if err != nil || r == nil {
		return err
	}
	if a := r.anchor(); a != 0 {
		put(clientele.OwnedKey(a, k))
	}
	p := place{k.Read().Text(), string(k)}
	if p.table == "payments" || p.table == "loyalty_ledger" {
		l := &Ledger{}
		fields := map[string]any{}
		for name, c := range r.Cells {
			fields[name] = c.Value
		}
		l.hang(p, Fact{Table: clientele.TableNamed(p.table), Fields: fields})
		for _, k := range l.added {
			put(k)
		}
	}
	return nil
}
