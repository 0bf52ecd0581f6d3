package exporter

import (
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"clientele"
)

// A row group is held in memory until it is written: it ends at one of these.
const (
	groupRows  = 100_000
	groupBytes = 24 << 20
	batchRows  = 256 // rows that are handed over at once
)

// parquetEncoder writes Parquet with the types that the SQL schema has, so that no reader has to
// guess: DECIMAL(18,4), TIMESTAMP in microseconds of UTC, DATE, JSON. Pages are packed with zstd.
type parquetEncoder struct {
	w      *parquet.GenericWriter[any]
	types  []clientele.ColumnType
	batch  []parquet.Row
	values []parquet.Value // of all rows of the batch, one behind the other
	rows   int             // of the row group
	bytes  int
}

func newParquet(w io.Writer, columns []clientele.ExportColumn) (*parquetEncoder, error) {
	e := &parquetEncoder{values: make([]parquet.Value, 0, batchRows*len(columns))}
	nodes := columnNodes{Group: parquet.Group{}}
	for _, c := range columns {
		e.types = append(e.types, c.Type)
		nodes.Group[c.Name] = parquet.Optional(parquetNode(c.Type))
	}
	byName := map[string]parquet.Field{}
	for _, f := range nodes.Group.Fields() {
		byName[f.Name()] = f
	}
	for _, c := range columns {
		nodes.fields = append(nodes.fields, byName[c.Name])
	}
	err := guarded(func() error {
		e.w = parquet.NewGenericWriter[any](w, parquet.NewSchema("schema", nodes), parquet.Compression(&zstd.Codec{}),
			parquet.CreatedBy("clientele", "", ""), parquet.DictionaryMaxBytes(1<<20), parquet.MaxRowsPerRowGroup(groupRows))
		return nil
	})
	return e, err
}

// columnNodes is a group whose columns stand in the table's order; the library's own sorts them by name.
type columnNodes struct {
	parquet.Group
	fields []parquet.Field
}

func (n columnNodes) Fields() []parquet.Field { return n.fields }

// GoType is of no struct: names of columns need not be names of fields.
func (n columnNodes) GoType() reflect.Type { return reflect.TypeFor[map[string]any]() }

func parquetNode(t clientele.ColumnType) parquet.Node {
	switch t {
	case clientele.TypeBigint:
		return parquet.Int(64)
	case clientele.TypeDouble:
		return parquet.Leaf(parquet.DoubleType)
	case clientele.TypeBool:
		return parquet.Leaf(parquet.BooleanType)
	case clientele.TypeTime:
		return parquet.Timestamp(parquet.Microsecond)
	case clientele.TypeDate:
		return parquet.Date()
	case clientele.TypeDecimal:
		return parquet.Decimal(4, 18, parquet.Int64Type)
	case clientele.TypeJSON:
		return parquet.JSON()
	}
	return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
}

func (e *parquetEncoder) row(values []any) error {
	first := len(e.values)
	for i, v := range values {
		p, n, err := parquetValue(v, e.types[i])
		if err != nil {
			return err
		}
		level := 1
		if p.IsNull() {
			level = 0
		}
		e.values = append(e.values, p.Level(0, level, i))
		e.bytes += n
	}
	e.batch = append(e.batch, e.values[first:])
	e.rows++
	if e.rows >= groupRows || e.bytes >= groupBytes {
		return e.flush()
	}
	if len(e.batch) >= batchRows {
		return guarded(e.send)
	}
	return nil
}

// parquetValue answers also how many bytes the value takes.
func parquetValue(v any, t clientele.ColumnType) (parquet.Value, int, error) {
	switch v := v.(type) {
	case nil:
		return parquet.NullValue(), 2, nil
	case string:
		if t == clientele.TypeText || t == clientele.TypeJSON {
			return parquet.ByteArrayValue([]byte(v)), len(v) + 26, nil
		}
	case int64:
		switch t {
		case clientele.TypeDate:
			return parquet.Int32Value(int32(v)), 6, nil
		case clientele.TypeBigint, clientele.TypeTime, clientele.TypeDecimal:
			return parquet.Int64Value(v), 10, nil
		}
	case float64:
		if t == clientele.TypeDouble {
			return parquet.DoubleValue(v), 10, nil
		}
	case bool:
		if t == clientele.TypeBool {
			return parquet.BooleanValue(v), 3, nil
		}
	}
	return parquet.Value{}, 0, clientele.Errorf(clientele.Internal, "export: a value of type %T in a %s column", v, t)
}

// send hands the batch over.
func (e *parquetEncoder) send() error {
	_, err := e.w.WriteRows(e.batch)
	clear(e.values)
	e.batch, e.values = e.batch[:0], e.values[:0]
	return err
}

// flush writes a row group.
func (e *parquetEncoder) flush() error {
	e.rows, e.bytes = 0, 0
	return guarded(func() error {
		if err := e.send(); err != nil {
			return err
		}
		return e.w.Flush()
	})
}

func (e *parquetEncoder) close() error {
	return guarded(func() error {
		if err := e.send(); err != nil {
			return err
		}
		return e.w.Close()
	})
}

// guarded does what the library panics in where it finds its own state wrong.
func guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = clientele.Errorf(clientele.Internal, "parquet: %s", fmt.Sprint(v))
		}
	}()
	return do()
}
