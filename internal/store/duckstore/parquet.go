package duckstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"clientele"
)

// ParquetFiles reads Parquet files with a DuckDB of its own, in memory: the one that holds the
// data can open no files at all. The zero value is ready.
type ParquetFiles struct {
	MemoryLimit string // as DuckDB writes it; "" = 256MB
}

// A result is held in memory as a whole, so a file is read in pages by row number, which DuckDB
// finds without reading the row groups before it.
const (
	parquetPageRows  = 50_000
	parquetPageBytes = 16 << 20 // unpacked, as the file's metadata has it
	parquetRowsLeast = 256
)

// ReadParquet calls columns once with the names, then row for every row in file order, until
// one of them returns an error, which it returns. A value is nil, bool, int64, float64, string
// (text, decimals, and dates and times without a zone as SQL writes them), time.Time, or, from
// nested columns, []any or map[string]any with numbers as json.Number. The slice is reused for
// the next row. NotFound or Invalid when the file cannot be opened or read.
func (p ParquetFiles) ReadParquet(ctx context.Context, path string, columns func(names []string) error, row func(values []any) error) (err error) {
	db, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f := parquetFile{db: db, from: "read_parquet(" + literal(globEscape(path)) + ", file_row_number = true, union_by_name = false, hive_partitioning = false)"}
	if err := f.describe(ctx, path); err != nil {
		return err
	}
	if err := columns(f.names); err != nil {
		return err
	}
	for at := int64(0); at < f.rows; at += f.page {
		if err := f.readPage(ctx, at, row); err != nil {
			return err
		}
	}
	return nil
}

func (p ParquetFiles) open(ctx context.Context) (*sql.DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "parquet reader: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	limit := p.MemoryLimit
	if limit == "" {
		limit = "256MB"
	}
	for _, q := range []string{
		"set global memory_limit = " + literal(limit), "set global threads = 1", "set global temp_directory = ''", "set global TimeZone = 'UTC'",
		"set global autoinstall_known_extensions = false", "set global autoload_known_extensions = false",
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return nil, errors.Join(clientele.Errorf(clientele.Internal, "parquet reader: %w", err), db.Close())
		}
	}
	return db, nil
}

// globEscape makes of a path a glob that matches it alone.
func globEscape(path string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(path)
}

// parquetFile is a file that is being read.
type parquetFile struct {
	db     *sql.DB
	from   string
	names  []string
	list   string // select list
	nested []bool
	rows   int64
	page   int64
}

// describe finds columns, row count and page size.
func (f *parquetFile) describe(ctx context.Context, path string) error {
	rows, err := f.db.QueryContext(ctx, "select column_name, column_type from (describe select * from "+f.from+")")
	if err != nil {
		return parquetError(err)
	}
	var list []string
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return errors.Join(parquetError(err), rows.Close())
		}
		if name == "file_row_number" {
			continue
		}
		expr, nested := parquetColumn(name, typ)
		f.names, list, f.nested = append(f.names, name), append(list, expr), append(f.nested, nested)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return parquetError(err)
	}
	if len(list) == 0 {
		return clientele.Errorf(clientele.Invalid, "parquet file has no columns")
	}
	f.list = strings.Join(list, ", ")
	if err := f.db.QueryRowContext(ctx, "select count(*) from "+f.from).Scan(&f.rows); err != nil {
		return parquetError(err)
	}
	var bytes int64
	err = f.db.QueryRowContext(ctx, "select coalesce(sum(total_uncompressed_size), 0)::bigint from parquet_metadata("+literal(globEscape(path))+")").Scan(&bytes)
	if err != nil {
		return parquetError(err)
	}
	width := max(1, bytes/max(1, f.rows))
	f.page = min(parquetPageRows, max(parquetRowsLeast, parquetPageBytes/width))
	return nil
}

// parquetColumn is what to select so that the driver gives one of the promised types.
func parquetColumn(name, typ string) (expr string, nested bool) {
	col := quote(name)
	base, _, _ := strings.Cut(typ, "(")
	switch {
	case strings.HasSuffix(typ, "]") || base == "STRUCT" || base == "MAP" || base == "UNION" || base == "VARIANT":
		return "to_json(" + col + ")::varchar", true
	case base == "BOOLEAN" || base == "VARCHAR" || base == "DOUBLE" || base == "TIMESTAMP WITH TIME ZONE":
		return col, false
	case base == "FLOAT": // through text: 1.1 stays 1.1
		return col + "::varchar::double", false
	case base == "BIGINT" || base == "INTEGER" || base == "SMALLINT" || base == "TINYINT" || base == "UINTEGER" || base == "USMALLINT" || base == "UTINYINT":
		return col + "::bigint", false
	}
	return col + "::varchar", false
}

func (f *parquetFile) readPage(ctx context.Context, at int64, row func([]any) error) (err error) {
	rows, err := f.db.QueryContext(ctx, fmt.Sprintf("select %s from %s where file_row_number >= %d and file_row_number < %d order by file_row_number",
		f.list, f.from, at, at+f.page))
	if err != nil {
		return parquetError(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values, into := make([]any, len(f.names)), make([]any, len(f.names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return parquetError(err)
		}
		for i, v := range values {
			if t, ok := v.(time.Time); ok {
				values[i] = t.UTC()
			}
			if s, ok := v.(string); ok && f.nested[i] {
				if values[i], err = nestedValue(s); err != nil {
					return err
				}
			}
		}
		if err := row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return parquetError(err)
	}
	return nil
}

func nestedValue(s string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "parquet reader: nested value: %w", err)
	}
	return v, nil
}

func parquetError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	switch {
	case strings.Contains(text, "No files found"):
		return clientele.Errorf(clientele.NotFound, "parquet file is not there")
	case strings.Contains(text, "Out of Memory"):
		return clientele.Errorf(clientele.TooLarge, "parquet file does not fit the reader's memory").
			WithHint("write it with smaller row groups, 100,000 rows for example")
	}
	e := clientele.Errorf(clientele.Invalid, "parquet file cannot be read: %s", text)
	e.Err = err
	return e
}
