package exporter_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"clientele"
	"clientele/internal/store/duckstore"
)

// TestParquetTypes: another engine finds the types of the SQL schema in the file, and the values.
func TestParquetTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kinds.parquet")
	if err := os.WriteFile(path, stream(t, kinds(), "parquet", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("set TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	lines := func(q string) (out []string) {
		t.Helper()
		rows, err := db.Query(strings.ReplaceAll(q, "FILE", "read_parquet('"+path+"')"))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return out
	}
	types := lines("select column_name || ' ' || column_type from (describe select * from FILE)")
	want := []string{"text VARCHAR", "bigint BIGINT", "double DOUBLE", "boolean BOOLEAN", "timestamp TIMESTAMP WITH TIME ZONE", "date DATE", "decimal DECIMAL(18,4)", "json JSON"}
	if !reflect.DeepEqual(types, want) {
		t.Errorf("types %q", types)
	}
	got := lines(`select concat_ws('|', text, bigint, double, boolean, epoch_us(timestamp), date, decimal, json, count(*) over ()) from FILE`)
	wantRows := []string{
		`a|1|1.5|true|1700000000123456|2024-10-04|12.5000|{"a":[1,"x"]}|5`,
		`5`,
		`|9223372036854775807|1e+300|false|-1|1969-12-31|-0.0001|null|5`,
		"a \"quoted\", text\nof two lines\r|-9007199254740992|-0.1|true|0|1970-01-01|99999999999999.9999|{\n \"a\": \"b\\nc\"}|5",
		` ünï |9007199254740993|inf|false|7258118400000000|2189-01-12|-1.0000|"x"|5`,
	}
	if !reflect.DeepEqual(got, wantRows) {
		t.Errorf("rows\n%q\nwant\n%q", got, wantRows)
	}
	if codec := lines("select distinct compression from parquet_metadata('" + path + "')"); !reflect.DeepEqual(codec, []string{"ZSTD"}) {
		t.Errorf("packed with %v", codec)
	}
}

// TestParquetGroups: a file of several row groups has all rows, in order.
func TestParquetGroups(t *testing.T) {
	s := plain(250_000)
	s.page = 10_000
	path := filepath.Join(t.TempDir(), "many.parquet")
	if err := os.WriteFile(path, stream(t, s, "parquet", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := duckstore.ParquetFiles{}.ReadParquet(context.Background(), path, func(names []string) error {
		if !reflect.DeepEqual(names, []string{"profile_id", "source"}) {
			return fmt.Errorf("columns %v", names)
		}
		return nil
	}, func(v []any) error {
		if v[0] != int64(n) || v[1] != fmt.Sprintf("row %d", n) {
			return fmt.Errorf("row %d is %v", n, v)
		}
		n++
		return nil
	})
	if err != nil || n != 250_000 {
		t.Errorf("%d rows: %v", n, err)
	}
	none := filepath.Join(t.TempDir(), "none.parquet")
	if err := os.WriteFile(none, stream(t, &numbered{page: 1, columns: []clientele.ExportColumn{{Name: "a", Type: clientele.TypeDate}}}, "parquet", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (duckstore.ParquetFiles{}).ReadParquet(context.Background(), none, func([]string) error { return nil }, func([]any) error { return fmt.Errorf("a row") }); err != nil {
		t.Errorf("no rows: %v", err)
	}
}
