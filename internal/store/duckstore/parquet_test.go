package duckstore_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"clientele"
	"clientele/internal/store/duckstore"
)

// writeParquet writes what a query gives.
func writeParquet(t *testing.T, path, query, options string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{"set TimeZone = 'Asia/Bangkok'", "copy (" + query + ") to '" + path + "' (format parquet" + options + ")"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParquetTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd [1] name's*.parquet")
	plain := filepath.Join(t.TempDir(), "x.parquet")
	writeParquet(t, plain, `select 1::tinyint as i, 9007199254740993 as big, 18446744073709551615::ubigint as huge, 1.1::float as f, 2.5::double as d,
		12.3450::decimal(10,4) as amount, 'é' as s, true as b, date '2024-02-29' as day, timestamp '2024-02-29 10:00:00.5' as local,
		timestamptz '2024-02-29 10:00:00+07' as at, ['a', 'b'] as tags, {'city': 'Hanoi', 'n': 1.50::decimal(4,2)} as "address", null::varchar as nothing`, "")
	if err := os.Rename(plain, path); err != nil {
		t.Fatal(err)
	}
	// A file that a glob of the odd name would match too.
	writeParquet(t, filepath.Join(filepath.Dir(path), "odd 1 name.parquet"), "select 2 as i", "")
	var names []string
	var rows [][]any
	err := duckstore.ParquetFiles{}.ReadParquet(context.Background(), path, func(n []string) error { names = n; return nil },
		func(v []any) error { rows = append(rows, append([]any(nil), v...)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := []any{int64(1), int64(9007199254740993), "18446744073709551615", 1.1, 2.5, "12.3450", "é", true, "2024-02-29", "2024-02-29 10:00:00.5",
		time.Date(2024, 2, 29, 3, 0, 0, 0, time.UTC), []any{"a", "b"}, map[string]any{"city": "Hanoi", "n": json.Number("1.50")}, nil}
	if len(rows) != 1 || len(names) != len(want) {
		t.Fatalf("%d rows, columns %v", len(rows), names)
	}
	for i, v := range rows[0] {
		if n, ok := want[i].(map[string]any); ok {
			if got, ok := v.(map[string]any); !ok || got["city"] != n["city"] {
				t.Errorf("%s = %#v", names[i], v)
			}
			continue
		}
		if !reflect.DeepEqual(v, want[i]) {
			t.Errorf("%s = %#v, want %#v", names[i], v, want[i])
		}
	}
}

func TestParquetPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.parquet")
	const n = 130_001 // three pages, row groups that do not end with them
	writeParquet(t, path, "select i, 'text ' || i as s from range(130001) t(i)", ", row_group_size 20000")
	next := int64(0)
	err := duckstore.ParquetFiles{MemoryLimit: "64MB"}.ReadParquet(context.Background(), path, func([]string) error { return nil }, func(v []any) error {
		if v[0] != next {
			t.Fatalf("row %d holds %v", next, v[0])
		}
		next++
		return nil
	})
	if err != nil || next != n {
		t.Fatalf("%d rows, %v", next, err)
	}
	stop := errors.New("stop")
	calls := 0
	err = duckstore.ParquetFiles{}.ReadParquet(context.Background(), path, func([]string) error { return nil }, func([]any) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = duckstore.ParquetFiles{}.ReadParquet(ctx, path, func([]string) error { cancel(); return nil }, func([]any) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestParquetBad(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.parquet")
	if err := os.WriteFile(bad, []byte("PAR1 this is not one PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := func([]string) error { return nil }
	row := func([]any) error { return nil }
	if err := (duckstore.ParquetFiles{}).ReadParquet(context.Background(), bad, none, row); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a broken file: %v", err)
	}
	if err := (duckstore.ParquetFiles{}).ReadParquet(context.Background(), filepath.Join(dir, "none.parquet"), none, row); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("no file: %v", err)
	}
	empty := filepath.Join(dir, "empty.parquet")
	writeParquet(t, empty, "select 1 as a where false", "")
	var names []string
	err := duckstore.ParquetFiles{}.ReadParquet(context.Background(), empty, func(n []string) error { names = n; return nil }, func([]any) error { t.Error("a row of nothing"); return nil })
	if err != nil || len(names) != 1 {
		t.Errorf("an empty file: %v, %v", names, err)
	}
}
