package duckstore

import (
	"testing"

	"clientele"
)

// Keys that share a hash are told apart, and the last row of each is kept.
func TestKeysOfOneHash(t *testing.T) {
	table := clientele.TableNamed("identifiers")
	tb := newTableBatch(table)
	row := func(value string, first int64) stagedRow {
		values := make([]any, len(table.Columns))
		values[table.Column("namespace")], values[table.Column("value")], values[table.Column("first_seen")] = "email", value, first
		return stagedRow{values: values, replace: first > 3}
	}
	for i, value := range []string{"a", "b", "c", "b", "a", "c", "c"} {
		r := row(value, int64(i))
		tb.insert(tb.key(nil, r.values), 7, r)
	}
	if len(tb.rows) != 3 {
		t.Fatalf("%d rows of three keys", len(tb.rows))
	}
	for value, want := range map[string]int64{"a": 4, "b": 3, "c": 6} {
		r := row(value, 0)
		at := tb.find(tb.key(nil, r.values), 7)
		if at < 0 || tb.rows[at].values[table.Column("first_seen")] != want {
			t.Errorf("%s is row %d, not the one of %d", value, at, want)
		} else if tb.rows[at].replace {
			t.Errorf("%s replaces a row of the table: the first of its rows said that there is none", value)
		}
	}
	r := row("d", 0)
	if at := tb.find(tb.key(nil, r.values), 7); at >= 0 {
		t.Errorf("d, which was never put, is row %d", at)
	}
}
