// Package commerce keeps the tables of the SQL schema that hold what people bought, returned,
// asked and were told: it folds imported rows and commerce events into them.
//
// A row is told of by many records: columns fold one by one, by the stamp of what was said, so
// that the same records in any order leave the same row.
package commerce

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"clientele"
	"clientele/internal/rowcache"
)

// Fact is what one record says of one row.
type Fact struct {
	Table  *clientele.Table
	Fields map[string]any // by column, typed as clientele.TableRows says; nil takes a value back
	Anchor clientele.Anchor
	Stamp  clientele.Stamp
	Row    bool // an imported row, not a reading of an event
}

// cell is a column's value and which of the row's stamps it was said under.
type cell struct {
	_     struct{} `cbor:",toarray"`
	Stamp int
	Value any
}

// row is a folded row. Field numbers are on disk.
type row struct {
	Stamps []clientele.Stamp `cbor:"1,keyasint"`
	Cells  map[string]cell   `cbor:"2,keyasint"`           // by column; "" is the anchor
	Lines  clientele.Decimal `cbor:"3,keyasint,omitempty"` // orders: sum of quantity x price - discount of its lines
	Count  int64             `cbor:"4,keyasint,omitempty"` // orders: how many lines
	Told   bool              `cbor:"5,keyasint,omitempty"` // by an imported row: no event tells the same
}

// place addresses a row.
type place struct {
	table string
	key   string // the row's clientele.Key
}

// Ledger folds facts into rows. It reads through a view of the row store and keeps what it
// changes until it has been committed. Not safe for concurrent use.
type Ledger struct {
	rows       clientele.Rows
	cache      *rowcache.Cache[place, row]
	was        map[place]*row                       // rows as of the last commit, of those that changed
	dependents map[string]map[place]bool            // by order key; what is in memory of RowDependent
	added      []clientele.Key                      // RowDependent rows that are not in the store yet
	sorted     []place                              // the keys of was, in order, when it has as many
	watched    map[string]bool                      // tables whose owners are noted
	owners     map[clientele.Anchor]map[string]bool // since they were last taken: anchors that have, or had, a row of the table that has changed
	owned      map[clientele.Anchor]map[place]bool  // of the batch: watched rows that are, or were, the anchor's
}

const cached = 6_000

// NewLedger opens the ledger over the rows.
func NewLedger(rows clientele.Rows) *Ledger {
	l := &Ledger{rows: rows}
	l.cache = rowcache.New(cached, func(p place) (*row, error) { return rowcache.Load[row](rows, clientele.Key(p.key)) })
	l.Reset()
	return l
}

// Reset forgets what was not committed.
func (l *Ledger) Reset() {
	l.cache.Reset()
	l.was, l.dependents, l.added, l.sorted = map[place]*row{}, map[string]map[place]bool{}, nil, nil
	l.owners, l.owned = map[clientele.Anchor]map[string]bool{}, map[clientele.Anchor]map[place]bool{}
}

// Record folds the fact. Invalid when a column of the key is missing.
func (l *Ledger) Record(f Fact) error {
	p, err := placeOf(f.Table, f.Fields)
	if err != nil {
		return err
	}
	have, err := l.cache.Get(p)
	if err != nil {
		return err
	}
	next := have.clone()
	next.Told = next.Told || f.Row
	if f.Anchor != 0 {
		next.fold("", int64(f.Anchor), f.Stamp, clientele.Latest)
	}
	for _, c := range f.Table.Columns {
		v, ok := f.Fields[c.Name]
		switch {
		case !ok:
		case have == nil && slices.Contains(f.Table.Key, c.Name): // what identifies the row never changes
			next.Cells[c.Name] = cell{Stamp: unstamped, Value: v}
		case !slices.Contains(f.Table.Key, c.Name):
			next.fold(c.Name, v, f.Stamp, c.Fold)
		}
	}
	switch f.Table.Name {
	case "order_lines":
		err = l.recordLine(f, have, next)
	case "returns":
		err = l.inherit(p, f, next)
	case "payments", "loyalty_ledger":
		l.hang(p, f)
	}
	if err != nil {
		return err
	}
	l.put(p, have, next)
	if f.Table.Name == "orders" && have.anchor() != next.anchor() {
		return l.bequeath(p, next)
	}
	return nil
}

func placeOf(t *clientele.Table, fields map[string]any) (place, error) {
	parts := make([]string, len(t.Key))
	for i, name := range t.Key {
		switch v := fields[name].(type) {
		case string:
			parts[i] = v
		case int64:
			parts[i] = strconv.FormatInt(v, 10)
		}
		if parts[i] == "" && !optional(t.Name, name) {
			return place{}, clientele.Errorf(clientele.Invalid, "%s: %s is missing, and it identifies the row", t.Name, name)
		}
	}
	return place{t.Name, string(clientele.TableKey(t.Name, parts...))}, nil
}

// optional columns of keys may be empty: spend that names no country, a consent for every channel.
func optional(table, column string) bool {
	switch column {
	case "campaign", "country", "channel", "location", "platform":
		return true
	}
	return table == "consents" && column == "event_id"
}

func (l *Ledger) put(p place, have, next *row) {
	if _, ok := l.was[p]; !ok {
		l.was[p] = have
	}
	next.tidy()
	l.cache.Put(p, next)
	if l.watched[p.table] {
		l.note(have.anchor(), p)
		l.note(next.anchor(), p)
	}
}

// recordLine adds the line to its order, which exists from then on, and gives it the order's
// customer when it names none.
func (l *Ledger) recordLine(f Fact, have, next *row) error {
	order := clientele.TableNamed("orders")
	fields := map[string]any{"source": f.Fields["source"], "order_id": f.Fields["order_id"]}
	op, err := placeOf(order, fields)
	if err != nil {
		return err
	}
	was, err := l.cache.Get(op)
	if err != nil {
		return err
	}
	o := was.clone()
	if was == nil {
		o.Cells["source"], o.Cells["order_id"] = cell{Stamp: unstamped, Value: fields["source"]}, cell{Stamp: unstamped, Value: fields["order_id"]}
	}
	if ts := f.Fields["ts"]; ts != nil { // not what won in the line: that depends on the order of arrival
		o.fold("ts", ts, f.Stamp, clientele.Earliest)
	}
	if f.Anchor != 0 {
		o.fold("", int64(f.Anchor), f.Stamp, clientele.Latest)
	}
	before, err := have.amount()
	if err != nil {
		return err
	}
	after, err := next.amount()
	if err != nil {
		return err
	}
	if o.Lines, err = o.Lines.Add(after - before); err != nil {
		return clientele.Errorf(clientele.Invalid, "order_lines: the order's sum is out of range")
	}
	if have == nil {
		o.Count++
	}
	l.put(op, was, o)
	if was.anchor() != o.anchor() {
		if err := l.bequeath(op, o); err != nil {
			return err
		}
	}
	lp, err := placeOf(f.Table, f.Fields)
	if err != nil {
		return err
	}
	return l.inherit(lp, f, next)
}

// inherit gives a row without a customer that of its order, now or when it becomes known.
func (l *Ledger) inherit(p place, f Fact, next *row) error {
	if next.anchor() != 0 && next.Cells[""].Stamp != borrowed {
		return nil
	}
	id, _ := f.Fields["order_id"].(string)
	if id == "" {
		id, _ = next.value("order_id").(string)
	}
	src, _ := f.Fields["source"].(string)
	if id == "" {
		return nil
	}
	order := clientele.TableKey("orders", src, id)
	set, err := l.waiting(string(order))
	if err != nil {
		return err
	}
	if !set[p] {
		set[p] = true
		l.added = append(l.added, dependent(order, p))
	}
	o, err := l.cache.Get(place{"orders", string(order)})
	if err != nil || o == nil {
		return err
	}
	next.borrow(o.anchor())
	return nil
}

// bequeath gives the order's customer to the rows that have none of their own.
func (l *Ledger) bequeath(order place, o *row) error {
	set, err := l.waiting(order.key)
	if err != nil {
		return err
	}
	for _, p := range sorted(set) {
		have, err := l.cache.Get(p)
		if err != nil || have == nil || have.anchor() == o.anchor() {
			if err != nil {
				return err
			}
			continue
		}
		if have.anchor() != 0 && have.Cells[""].Stamp != borrowed {
			continue // it has named one since
		}
		next := have.clone()
		next.borrow(o.anchor())
		l.put(p, have, next)
	}
	return nil
}

// waiting is the rows without a customer of their own that name the order.
func (l *Ledger) waiting(order string) (map[place]bool, error) {
	if set, ok := l.dependents[order]; ok {
		return set, nil
	}
	set := map[place]bool{}
	prefix := clientele.NewKey(clientele.RowDependent).Text(order)
	err := l.rows.Scan(clientele.Prefix(prefix), func(k clientele.Key, _ []byte) (bool, error) {
		r := k.Read()
		r.Text()
		p := place{table: r.Text()}
		p.key = string(bytes.Clone(r.Rest()))
		if clientele.TableNamed(p.table).Person { // payments hang on the order and have no customer of their own
			set[p] = true
		}
		return true, r.Err()
	})
	l.dependents[order] = set
	return set, err
}

func sorted(set map[place]bool) []place {
	out := make([]place, 0, len(set))
	for p := range set {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Compare(a.key, b.key) })
	return out
}

func (r *row) clone() *row {
	if r == nil {
		return &row{Cells: map[string]cell{}}
	}
	c := &row{Stamps: slices.Clone(r.Stamps), Cells: make(map[string]cell, len(r.Cells)+2), Lines: r.Lines, Count: r.Count, Told: r.Told}
	for k, v := range r.Cells {
		c.Cells[k] = v
	}
	return c
}

// Cells without a stamp.
const (
	borrowed  = -1 // an anchor that comes from the order: any of the row's own wins
	unstamped = -2 // folded by value alone
)

func (r *row) borrow(a clientele.Anchor) {
	if a == 0 {
		return
	}
	r.Cells[""] = cell{Stamp: borrowed, Value: int64(a)}
}

func (r *row) anchor() clientele.Anchor {
	if r == nil {
		return 0
	}
	v, _ := r.Cells[""].Value.(int64)
	return clientele.Anchor(v)
}

func (r *row) value(column string) any {
	if r == nil {
		return nil
	}
	return r.Cells[column].Value
}

// amount is quantity x price - discount of an order line; a missing quantity is 1.
func (r *row) amount() (clientele.Decimal, error) {
	price, ok := r.value("price").(int64)
	if !ok {
		return 0, nil
	}
	quantity, ok := r.value("quantity").(int64)
	if !ok {
		quantity = 10_000
	}
	sum, err := clientele.Decimal(quantity).Mul(clientele.Decimal(price))
	if err != nil {
		return 0, clientele.Errorf(clientele.Invalid, "order_lines: quantity x price is out of range")
	}
	discount, _ := r.value("discount").(int64)
	return sum - clientele.Decimal(discount), nil
}

// fold keeps the value that the column's fold chooses.
func (r *row) fold(column string, v any, at clientele.Stamp, f clientele.Fold) {
	have, ok := r.Cells[column]
	if f == clientele.Earliest {
		a, okA := have.Value.(int64)
		if b, okB := v.(int64); okB && (!okA || b < a) {
			r.Cells[column] = cell{Stamp: unstamped, Value: v}
		}
		return
	}
	if ok && have.Stamp >= 0 {
		if c := at.Compare(r.Stamps[have.Stamp]); c < 0 || c == 0 && compareValues(v, have.Value) <= 0 {
			return
		}
	}
	i := slices.Index(r.Stamps, at)
	if i < 0 {
		i = len(r.Stamps)
		r.Stamps = append(r.Stamps, at)
	}
	r.Cells[column] = cell{Stamp: i, Value: v}
}

// tidy forgets stamps that no cell uses any more and puts the rest in order, so that the same
// row always has the same bytes.
func (r *row) tidy() {
	if len(r.Stamps) < 2 {
		return
	}
	used := make([]bool, len(r.Stamps))
	for _, c := range r.Cells {
		if c.Stamp >= 0 {
			used[c.Stamp] = true
		}
	}
	var kept []clientele.Stamp
	for i, s := range r.Stamps {
		if used[i] {
			kept = append(kept, s)
		}
	}
	slices.SortFunc(kept, clientele.Stamp.Compare)
	for name, c := range r.Cells {
		if c.Stamp >= 0 {
			c.Stamp = slices.Index(kept, r.Stamps[c.Stamp])
			r.Cells[name] = c
		}
	}
	r.Stamps = kept
}

// compareValues breaks the tie of two values said under one stamp.
func compareValues(a, b any) int {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Compare(x, y)
}
