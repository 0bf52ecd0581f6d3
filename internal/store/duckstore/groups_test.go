package duckstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

// inside asks the closed file itself.
func inside(t *testing.T, path string, queries ...string) (n int) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, q := range queries {
		if i == len(queries)-1 {
			err = db.QueryRow(q).Scan(&n)
		} else {
			_, err = db.Exec(q)
		}
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return n
}

// many events from the number first on.
func many(first, n int) clientele.Change {
	tr := clientele.TableRows{Table: "events"}
	for i := range n {
		tr.Insert = append(tr.Insert, row("events", map[string]any{"source": "w", "event_id": fmt.Sprint(first + i), "properties": `{"n":1}`}))
	}
	return clientele.Change{Tables: []clientele.TableRows{tr}}
}

// TestRowGroups: new files have small groups. A file of large ones, which DuckDB would break at the next promotion if it
// were opened with small, stays as it is, and has small ones when it is written anew.
func TestRowGroups(t *testing.T) {
	const groups = "select max(count) from pragma_storage_info('base.events')"
	const version = "select version from base.format"
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	closing := func(s *duckstore.Store) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	promote := func(s *duckstore.Store, commit uint64, column string, have int64) {
		t.Helper()
		c := many(int(commit)*1_000_000, 10)
		c.Promoted = []clientele.Promotion{{Table: "events", JSON: "n", Column: column, Type: clientele.TypeBigint}}
		apply(t, s, commit, c)
		if got := query(t, s, "select count(*), count(distinct event_id), sum("+column+") from events"); fmt.Sprint(got) != fmt.Sprintf("[[%[1]d %[1]d %[1]d]]", have) {
			t.Errorf("%s: %v, want %d events", column, got, have)
		}
	}
	s := open(t, path)
	apply(t, s, 1, many(0, 40_000), many(40_000, 40_000), many(80_000, 40_000)) // in one transaction
	closing(s)
	if v := inside(t, path, version); v != 2 {
		t.Errorf("a new file has format %d", v)
	}
	if n := inside(t, path, groups); n > 30_720 {
		t.Errorf("a new file has groups of %d rows", n)
	}
	s = open(t, path)
	promote(s, 4, "small", 120_010)
	closing(s)

	inside(t, path, "create table base.copy as from base.events order by rowid", "drop table base.events", "alter table base.copy rename to events", "update base.format set version = 1", "checkpoint", "select 1")
	if n := inside(t, path, groups); n < 100_000 {
		t.Fatalf("the old file has groups of %d rows", n)
	}
	s = open(t, path)
	promote(s, 5, "old", 120_020)
	apply(t, s, 6, many(200_000, 40_000))
	promote(s, 7, "older", 160_030)
	s.Break() // opened anew, with the groups it has
	promote(s, 8, "oldest", 160_040)
	closing(s)
	if v := inside(t, path, version); v != 1 {
		t.Errorf("the old file has format %d", v)
	}
	s = open(t, path)
	if err := s.Rewrite(context.Background()); err != nil {
		t.Fatal(err)
	}
	promote(s, 9, "anew", 160_050)
	closing(s)
	if v := inside(t, path, version); v != 2 {
		t.Errorf("written anew it has format %d", v)
	}
	if n := inside(t, path, groups); n > 30_720 {
		t.Errorf("written anew it has groups of %d rows", n)
	}
	s = open(t, path)
	promote(s, 10, "last", 160_060)
}

// TestEase: much log is brought into the file, little is left where it is.
func TestEase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	s := open(t, path)
	ease := func() (before, after int64) {
		t.Helper()
		size := func() int64 {
			i, err := os.Stat(path + ".wal")
			if err != nil {
				return 0
			}
			return i.Size()
		}
		before = size()
		if err := s.Ease(context.Background()); err != nil {
			t.Fatal(err)
		}
		return before, size()
	}
	apply(t, s, 1, many(0, 10))
	if before, after := ease(); before == 0 || after != before {
		t.Errorf("little log: %d bytes before, %d after", before, after)
	}
	large := many(10, 2000)
	for i := range large.Tables[0].Insert {
		large.Tables[0].Insert[i][clientele.TableNamed("events").Column("properties")] = fmt.Sprintf(`{"n":"%s"}`, strings.Repeat(fmt.Sprint(i, " "), 8000))
	}
	apply(t, s, 2, large)
	if before, after := ease(); before < 64e6 || after > 1e6 {
		t.Errorf("much log: %d bytes before, %d after", before, after)
	}
	if got := query(t, s, "select count(*) from events"); got[0][0] != int64(2010) {
		t.Errorf("%v events", got)
	}
}
