package exporter

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"clientele"
)

// A row group is held in memory until it is written: it ends at one of these.
const (
	groupRows  = 100_000
	groupBytes = 24 << 20
)

// parquetEncoder writes Parquet with the types that the SQL schema has, so that no reader has to
// guess: DECIMAL(18,4), TIMESTAMP in microseconds of UTC, DATE, JSON. Pages are packed with zstd.
type parquetEncoder struct {
	w       *file.Writer
	columns []parquetColumn
	rows    int
	bytes   int
}

// parquetColumn holds the values of a row group that are not null, and which are.
type parquetColumn struct {
	typ    clientele.ColumnType
	levels []int16 // 1: there is a value
	ints   []int64
	days   []int32
	floats []float64
	bools  []bool
	texts  []parquet.ByteArray
}

func newParquet(w io.Writer, columns []clientele.ExportColumn) (*parquetEncoder, error) {
	e := &parquetEncoder{}
	var fields schema.FieldList
	for _, c := range columns {
		logical, physical := parquetType(c.Type)
		f, err := schema.NewPrimitiveNodeLogical(c.Name, parquet.Repetitions.Optional, logical, physical, -1, -1)
		if err != nil {
			return nil, clientele.Errorf(clientele.Internal, "parquet: %w", err)
		}
		fields = append(fields, f)
		e.columns = append(e.columns, parquetColumn{typ: c.Type})
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "parquet: %w", err)
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("clientele"))
	// Only the writing of w: who gave it closes it.
	e.w = file.NewParquetWriter(struct{ io.Writer }{w}, root, file.WithWriterProps(props))
	return e, nil
}

func parquetType(t clientele.ColumnType) (schema.LogicalType, parquet.Type) {
	switch t {
	case clientele.TypeBigint:
		return schema.NewIntLogicalType(64, true), parquet.Types.Int64
	case clientele.TypeDouble:
		return schema.NoLogicalType{}, parquet.Types.Double
	case clientele.TypeBool:
		return schema.NoLogicalType{}, parquet.Types.Boolean
	case clientele.TypeTime:
		return schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), parquet.Types.Int64
	case clientele.TypeDate:
		return schema.DateLogicalType{}, parquet.Types.Int32
	case clientele.TypeDecimal:
		return schema.NewDecimalLogicalType(18, 4), parquet.Types.Int64
	case clientele.TypeJSON:
		return schema.JSONLogicalType{}, parquet.Types.ByteArray
	}
	return schema.StringLogicalType{}, parquet.Types.ByteArray
}

func (e *parquetEncoder) row(values []any) error {
	for i, v := range values {
		n, err := e.columns[i].add(v)
		if err != nil {
			return err
		}
		e.bytes += n
	}
	if e.rows++; e.rows >= groupRows || e.bytes >= groupBytes {
		return e.flush()
	}
	return nil
}

// add answers how many bytes the value takes.
func (c *parquetColumn) add(v any) (int, error) {
	if v == nil {
		c.levels = append(c.levels, 0)
		return 2, nil
	}
	c.levels = append(c.levels, 1)
	switch v := v.(type) {
	case string:
		if c.typ == clientele.TypeText || c.typ == clientele.TypeJSON {
			c.texts = append(c.texts, parquet.ByteArray(v))
			return len(v) + 26, nil
		}
	case int64:
		switch c.typ {
		case clientele.TypeDate:
			c.days = append(c.days, int32(v))
			return 6, nil
		case clientele.TypeBigint, clientele.TypeTime, clientele.TypeDecimal:
			c.ints = append(c.ints, v)
			return 10, nil
		}
	case float64:
		if c.typ == clientele.TypeDouble {
			c.floats = append(c.floats, v)
			return 10, nil
		}
	case bool:
		if c.typ == clientele.TypeBool {
			c.bools = append(c.bools, v)
			return 3, nil
		}
	}
	return 0, clientele.Errorf(clientele.Internal, "export: a value of type %T in a %s column", v, c.typ)
}

// flush writes a row group, column by column.
func (e *parquetEncoder) flush() (err error) {
	// The library panics where it finds its own state wrong.
	defer func() {
		if v := recover(); v != nil {
			err = clientele.Errorf(clientele.Internal, "parquet: %s", fmt.Sprint(v))
		}
	}()
	if e.rows == 0 {
		return nil
	}
	group := e.w.AppendRowGroup()
	for i := range e.columns {
		next, err := group.NextColumn()
		if err != nil {
			return err
		}
		if err := e.columns[i].write(next); err != nil {
			return err
		}
	}
	e.rows, e.bytes = 0, 0
	return group.Close()
}

// write writes the column's values and forgets them.
func (c *parquetColumn) write(to file.ColumnChunkWriter) (err error) {
	switch w := to.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(c.ints, c.levels, nil)
	case *file.Int32ColumnChunkWriter:
		_, err = w.WriteBatch(c.days, c.levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(c.floats, c.levels, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(c.bools, c.levels, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(c.texts, c.levels, nil)
	}
	if err != nil {
		return err
	}
	clear(c.texts)
	c.levels, c.ints, c.days, c.floats, c.bools, c.texts = c.levels[:0], c.ints[:0], c.days[:0], c.floats[:0], c.bools[:0], c.texts[:0]
	return to.Close()
}

func (e *parquetEncoder) close() error {
	if err := e.flush(); err != nil {
		return err
	}
	return e.w.Close()
}
