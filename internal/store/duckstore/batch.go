package duckstore

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
)

// batch is what a call of Apply amounts to: for each key the last thing said of it.
type batch struct {
	tables  map[string]*tableBatch
	moved   map[int64]int64
	erased  []int64            // anchors of persons who are gone
	expired []clientele.Expiry // events that go before the batch's are written
	seen    map[int64]int64    // profiles whose row is not in the batch: when they were last seen
}

type tableBatch struct {
	rows     []stagedRow
	keys     []int            // columns of the key
	index    map[uint64]int32 // hash of a key -> the last row that has it, by its number; others of the hash follow by stagedRow.other
	replaces bool             // some row may replace one of the table
	nullKeys bool
	deletes  bool
}

// stagedRow holds values in the order of the columns; a deleted row has its key columns only. The values may be those of
// the change itself, which others read too.
type stagedRow struct {
	values  []any
	deleted bool
	replace bool  // the table may hold a row of the same key
	other   int32 // one more than the number of another row whose key has the same hash; 0 = none
}

// gather checks and coalesces the changes.
func gather(changes []clientele.Change) (*batch, error) {
	b := &batch{tables: map[string]*tableBatch{}, moved: map[int64]int64{}, seen: map[int64]int64{}}
	for _, ch := range changes {
		b.expire(ch.Expired)
		for _, tr := range ch.Tables {
			t := clientele.TableNamed(tr.Table)
			if t == nil {
				return nil, clientele.Errorf(clientele.Invalid, "column store: there is no table %q", tr.Table)
			}
			tb := b.tables[t.Name]
			if tb == nil {
				tb = newTableBatch(t)
				b.tables[t.Name] = tb
			}
			if err := tb.add(t, tr); err != nil {
				return nil, err
			}
		}
		for _, m := range ch.Moved {
			if m.Anchor <= 0 {
				return nil, clientele.Errorf(clientele.Invalid, "column store: anchor %d cannot move", m.Anchor)
			}
			b.moved[int64(m.Anchor)] = int64(m.Profile)
		}
		for _, a := range ch.Erased {
			b.erased = append(b.erased, int64(a))
		}
		if err := b.see(ch); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// profilesTable is the table whose rows Change.Seen speaks of.
const profilesTable = "profiles"

// see takes what the change says of profiles that were seen again. A row that it tells in full
// holds over what was said of the profile before.
func (b *batch) see(ch clientele.Change) error {
	for _, tr := range ch.Tables {
		if tr.Table != profilesTable {
			continue
		}
		for _, rows := range [][][]any{tr.Insert, tr.Upsert, tr.Delete} {
			for _, row := range rows {
				if id, ok := integer(row[0]); ok {
					delete(b.seen, id)
				}
			}
		}
	}
	t := clientele.TableNamed(profilesTable)
	last := t.Column("last_seen")
	tb := b.tables[profilesTable]
	for _, s := range ch.Seen {
		id, at := int64(s.Profile), int64(s.Last)
		if !inRange(clientele.TypeTime, at) {
			return clientele.Errorf(clientele.Invalid, "column store: a profile cannot have been seen at %d", at)
		}
		if row := tb.at(id); row == nil {
			b.seen[id] = max(b.seen[id], at)
		} else if have, ok := row.values[last].(int64); ok && !row.deleted {
			if at > have {
				row.values = slices.Clone(row.values)
				row.values[last] = at
			}
		}
	}
	return nil
}

// at is the row of the key, of a table that has one integer for a key; nil when there is none.
func (tb *tableBatch) at(key int64) *stagedRow {
	if tb == nil {
		return nil
	}
	var buf [16]byte
	k := binary.AppendVarint(append(buf[:0], 'i'), key)
	if i := tb.find(k, maphash.Bytes(seed, k)); i >= 0 {
		return &tb.rows[i]
	}
	return nil
}

func newTableBatch(t *clientele.Table) *tableBatch {
	tb := &tableBatch{index: map[uint64]int32{}, keys: make([]int, len(t.Key))}
	for i, k := range t.Key {
		tb.keys[i] = t.Column(k)
	}
	return tb
}

func (tb *tableBatch) add(t *clientele.Table, tr clientele.TableRows) error {
	keys := tb.keys
	for i, row := range slices.Concat(tr.Insert, tr.Upsert) {
		if len(row) > len(t.Columns) || len(row) < len(t.Columns)-t.Added {
			return clientele.Errorf(clientele.Invalid, "column store: a row of %s has %d values instead of %d", t.Name, len(row), len(t.Columns))
		}
		values, err := stagedValues(t, row)
		if err != nil {
			return err
		}
		tb.put(stagedRow{values: values, replace: i >= len(tr.Insert)})
	}
	for _, key := range tr.Delete {
		if len(key) != len(keys) {
			return clientele.Errorf(clientele.Invalid, "column store: a key of %s has %d values instead of %d", t.Name, len(key), len(keys))
		}
		values := make([]any, len(t.Columns))
		for i, v := range key {
			var err error
			if values[keys[i]], err = stagedValue(t, keys[i], v); err != nil {
				return err
			}
		}
		tb.put(stagedRow{values: values, deleted: true, replace: true})
		tb.deletes = true
	}
	return nil
}

// seed is of the hashes of keys: there are as many keys as rows, and a text for each would be garbage.
var seed = maphash.MakeSeed()

// put takes a row; of several of a key the last one holds.
func (tb *tableBatch) put(row stagedRow) {
	var buf [128]byte
	k := tb.key(buf[:0], row.values)
	tb.insert(k, maphash.Bytes(seed, k), row)
}

func (tb *tableBatch) insert(key []byte, hash uint64, row stagedRow) {
	if at := tb.find(key, hash); at >= 0 {
		row.replace, row.other = tb.rows[at].replace, tb.rows[at].other // what the table holds has not changed since
		tb.rows[at] = row
		return
	}
	if at, ok := tb.index[hash]; ok {
		row.other = at + 1
	}
	tb.replaces = tb.replaces || row.replace
	tb.index[hash] = int32(len(tb.rows))
	tb.rows = append(tb.rows, row)
}

// find is the number of the row whose key that is, with its hash; -1 when there is none.
func (tb *tableBatch) find(key []byte, hash uint64) int {
	at, ok := tb.index[hash]
	if !ok {
		return -1
	}
	var buf [128]byte
	for {
		row := &tb.rows[at]
		if bytes.Equal(tb.key(buf[:0], row.values), key) {
			return int(at)
		}
		if row.other == 0 {
			return -1
		}
		at = row.other - 1
	}
}

// key appends the values of the row's key, each so that it cannot be taken for another.
func (tb *tableBatch) key(k []byte, values []any) []byte {
	for _, i := range tb.keys {
		switch v := values[i].(type) {
		case nil:
			k, tb.nullKeys = append(k, 'n'), true
		case string:
			k = binary.AppendUvarint(append(k, 's'), uint64(len(v)))
			k = append(k, v...)
		case int64:
			k = binary.AppendVarint(append(k, 'i'), v)
		case float64:
			k = binary.BigEndian.AppendUint64(append(k, 'f'), math.Float64bits(v))
		case bool:
			k = append(k, 'f')
			if v {
				k[len(k)-1] = 't'
			}
		}
	}
	return k
}

// stagedValues checks the values of a row. It is the row itself where it is whole and nothing is to be written otherwise,
// as nearly always.
func stagedValues(t *clientele.Table, row []any) ([]any, error) {
	values, own := row, false
	if len(row) < len(t.Columns) {
		values, own = append(slices.Clone(row), make([]any, len(t.Columns)-len(row))...), true
	}
	for c, v := range row {
		staged, err := stagedValue(t, c, v)
		if err != nil {
			return nil, err
		}
		if staged == v {
			continue
		}
		if !own {
			values, own = slices.Clone(row), true
		}
		values[c] = staged
	}
	return values, nil
}

// stagedValue checks a value against its column. Integers may come as any integer type,
// because encodings tell them apart by sign and size.
func stagedValue(t *clientele.Table, column int, v any) (any, error) {
	c := t.Columns[column]
	wrong := func() (any, error) {
		return nil, clientele.Errorf(clientele.Invalid, "column store: %s.%s cannot hold this value of type %T", t.Name, c.Name, v)
	}
	switch c.Type {
	case clientele.TypeText, clientele.TypeJSON:
		s, ok := v.(string)
		if v == nil {
			return nil, nil
		}
		if !ok {
			return wrong()
		}
		if utf8.ValidString(s) && (c.Type != clientele.TypeJSON || !hasSurrogates(s)) {
			return v, nil // as it came: nearly all do, and to box one anew takes memory
		}
		s = strings.ToValidUTF8(s, "\uFFFD")
		if c.Type == clientele.TypeJSON {
			s = fixSurrogates(s)
		}
		return s, nil
	case clientele.TypeBool:
		if _, ok := v.(bool); ok || v == nil {
			return v, nil
		}
		return wrong()
	case clientele.TypeDouble:
		switch f := v.(type) {
		case nil:
			return nil, nil
		case float64:
			if !math.IsNaN(f) && !math.IsInf(f, 0) {
				return v, nil
			}
		default:
			if i, ok := integer(v); ok {
				return float64(i), nil
			}
		}
		return wrong()
	}
	if v == nil {
		return nil, nil
	}
	i, ok := integer(v)
	if !ok || !inRange(c.Type, i) {
		return wrong()
	}
	if _, same := v.(int64); same {
		return v, nil
	}
	return i, nil
}

// inRange keeps out what the engine could not convert.
func inRange(t clientele.ColumnType, i int64) bool {
	const day = 86_400_000_000
	switch t {
	case clientele.TypeTime:
		return i >= int64(clientele.MinTime) && i <= int64(clientele.MaxTime)
	case clientele.TypeDate:
		return i >= int64(clientele.MinTime)/day && i <= int64(clientele.MaxTime)/day
	case clientele.TypeDecimal:
		return i >= -int64(clientele.MaxDecimal) && i <= int64(clientele.MaxDecimal)
	}
	return true
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case clientele.Micros:
		return int64(v), true
	case clientele.Decimal:
		return int64(v), true
	case clientele.ProfileID:
		return int64(v), true
	case clientele.Anchor:
		return int64(v), true
	}
	return 0, false
}

// fixSurrogates replaces the escapes of half a UTF-16 pair, which Go's JSON accepts and
// DuckDB's does not, by that of the replacement character.
func fixSurrogates(s string) string {
	if !hasSurrogates(s) {
		return s
	}
	out := []byte(s)
	for i := 0; i+1 < len(out); i++ {
		if out[i] != '\\' {
			continue
		}
		high, ok := surrogate(out, i)
		if !ok {
			i++ // the escaped character is not an escape itself
			continue
		}
		if low, ok := surrogate(out, i+6); high && ok && !low {
			i += 11
			continue
		}
		copy(out[i+2:], "fffd")
		i += 5
	}
	return string(out)
}

// hasSurrogates says whether the text may have escapes of surrogates.
func hasSurrogates(s string) bool { return strings.Contains(s, `\ud`) || strings.Contains(s, `\uD`) }

// surrogate says whether an escape of a surrogate begins at i, and whether it is the high one.
func surrogate(b []byte, i int) (high, ok bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' || b[i+2]|0x20 != 'd' {
		return false, false
	}
	switch c := b[i+3] | 0x20; {
	case c == '8' || c == '9' || c == 'a' || c == 'b':
		return true, true
	case c >= 'c' && c <= 'f':
		return false, true
	}
	return false, false
}

const long = 64 // bytes from which on a text is worth the trouble

// stage appends the rows to the temporary table "staged".
func stage(conn *sql.Conn, columns int, rows *tableBatch) error {
	return appending(conn, func(a *duckdb.Appender) error {
		line := make([]driver.Value, columns+2)
		for _, r := range rows.rows {
			for i, v := range r.values {
				if s, ok := v.(string); ok && len(s) > long {
					v = unsafe.Slice(unsafe.StringData(s), len(s)) // the driver copies a text twice, bytes once, and keeps neither
				}
				line[i] = v
			}
			line[columns], line[columns+1] = r.deleted, r.replace
			if err := a.AppendRow(line...); err != nil {
				return err
			}
		}
		return nil
	})
}

func stagePairs(conn *sql.Conn, pairs map[int64]int64) error {
	return appending(conn, func(a *duckdb.Appender) error {
		for key, value := range pairs {
			if err := a.AppendRow(key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

func appending(conn *sql.Conn, fn func(a *duckdb.Appender) error) error {
	return conn.Raw(func(dc any) error {
		a, err := duckdb.NewAppender(dc.(driver.Conn), "temp", "main", "staged")
		if err != nil {
			return err
		}
		return errors.Join(fn(a), a.Close())
	})
}
