package pgwire

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"clientele"
)

// typ is what the protocol says of a column: PostgreSQL's number for the type, its size in bytes, -1 when
// that varies, and what the type is made of beside that.
type typ struct {
	oid  uint32
	size int16
	mod  int32
	list uint32 // of what it is a list; 0 = it is none
}

var scalars = map[string]typ{
	"boolean": {pgtype.BoolOID, 1, -1, 0}, "tinyint": {pgtype.Int2OID, 2, -1, 0}, "smallint": {pgtype.Int2OID, 2, -1, 0}, "utinyint": {pgtype.Int2OID, 2, -1, 0},
	"integer": {pgtype.Int4OID, 4, -1, 0}, "usmallint": {pgtype.Int4OID, 4, -1, 0}, "bigint": {pgtype.Int8OID, 8, -1, 0}, "uinteger": {pgtype.Int8OID, 8, -1, 0},
	"ubigint": {pgtype.NumericOID, -1, -1, 0}, "hugeint": {pgtype.NumericOID, -1, -1, 0}, "uhugeint": {pgtype.NumericOID, -1, -1, 0}, "decimal": {pgtype.NumericOID, -1, -1, 0},
	"float": {pgtype.Float4OID, 4, -1, 0}, "double": {pgtype.Float8OID, 8, -1, 0}, "varchar": {pgtype.TextOID, -1, -1, 0}, "json": {pgtype.JSONOID, -1, -1, 0},
	"date": {pgtype.DateOID, 4, -1, 0}, "time": {pgtype.TimeOID, 8, -1, 0}, "timestamp": {pgtype.TimestampOID, 8, -1, 0}, "timestamp_s": {pgtype.TimestampOID, 8, -1, 0},
	"timestamptz": {pgtype.TimestamptzOID, 8, -1, 0}, "timestamp_ms": {pgtype.TimestampOID, 8, -1, 0}, "timestamp_ns": {pgtype.TimestampOID, 8, -1, 0}, "timestamp with time zone": {pgtype.TimestamptzOID, 8, -1, 0},
	"interval": {pgtype.IntervalOID, 16, -1, 0}, "uuid": {pgtype.UUIDOID, 16, -1, 0}, "blob": {pgtype.ByteaOID, -1, -1, 0},
}

var lists = map[uint32]uint32{
	pgtype.BoolOID: pgtype.BoolArrayOID, pgtype.Int2OID: pgtype.Int2ArrayOID, pgtype.Int4OID: pgtype.Int4ArrayOID, pgtype.Int8OID: pgtype.Int8ArrayOID, pgtype.Float4OID: pgtype.Float4ArrayOID,
	pgtype.Float8OID: pgtype.Float8ArrayOID, pgtype.TextOID: pgtype.TextArrayOID, pgtype.NumericOID: pgtype.NumericArrayOID, pgtype.DateOID: pgtype.DateArrayOID,
	pgtype.TimestampOID: pgtype.TimestampArrayOID, pgtype.TimestamptzOID: pgtype.TimestamptzArrayOID, pgtype.UUIDOID: pgtype.UUIDArrayOID,
}

// typeOf is the type for a column of the engine's. Lists of lists, structures and maps are JSON; what
// PostgreSQL has no type for is text.
func typeOf(name string) typ {
	if t, ok := scalars[name]; ok {
		return t
	}
	if elem, ok := strings.CutSuffix(name, "[]"); ok {
		e := typeOf(elem)
		if oid, ok := lists[e.oid]; ok && e.list == 0 {
			return typ{oid, -1, -1, e.oid}
		}
		return scalars["json"]
	}
	if inner, ok := strings.CutPrefix(name, "decimal("); ok {
		t := scalars["decimal"]
		precision, scale, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		p, perr := strconv.Atoi(precision)
		s, serr := strconv.Atoi(strings.TrimSpace(scale))
		if perr == nil && serr == nil {
			t.mod = int32(p<<16|s) + 4
		}
		return t
	}
	for _, p := range []string{"struct(", "map(", "union("} {
		if strings.HasPrefix(name, p) {
			return scalars["json"]
		}
	}
	return scalars["varchar"]
}

// Formats of a value.
const (
	textFormat   int16 = 0
	binaryFormat int16 = 1
)

// encoder writes values of one column. It is for one goroutine.
type encoder struct {
	typ    typ
	format int16
	types  *pgtype.Map
}

// append adds a value, as clientele.QueryResult has it, to b. A nil value must not come here.
func (e *encoder) append(b []byte, v any) ([]byte, error) {
	if e.format == textFormat || e.typ.oid == pgtype.TextOID || e.typ.oid == pgtype.JSONOID {
		if e.typ.list != 0 {
			if list, ok := v.([]any); ok {
				return appendList(b, list, typ{oid: e.typ.list, mod: -1}), nil
			}
		}
		return append(b, textOf(v, e.typ)...), nil
	}
	value, err := e.binary(v)
	if err != nil {
		return b, err
	}
	out, err := e.types.Encode(e.typ.oid, binaryFormat, value, b)
	if err != nil || out == nil {
		return b, changed(err)
	}
	return out, nil
}

func changed(err error) error {
	return &fault{state: "0A000", err: clientele.Errorf(clientele.Invalid, "a value is not of the type that was described for its column: %w", err).
		WithHint("give parameters a type in the text: $1::bigint")}
}

// binary is a value as the library that writes it takes it.
func (e *encoder) binary(v any) (any, error) {
	if list, ok := v.([]any); ok {
		one := encoder{typ: typ{oid: e.typ.list, mod: -1}}
		out := make(pgtype.FlatArray[any], len(list))
		for i, x := range list {
			if x == nil {
				continue
			}
			value, err := one.binary(x)
			if err != nil {
				return nil, err
			}
			out[i] = value
		}
		return out, nil
	}
	text := textOf(v, e.typ)
	var into any
	switch e.typ.oid {
	case pgtype.BoolOID, pgtype.UUIDOID:
		if _, ok := v.(bool); ok {
			return v, nil
		}
		into = &pgtype.UUID{}
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, changed(err)
		}
		return n, nil
	case pgtype.Float4OID, pgtype.Float8OID:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, changed(err)
		}
		return f, nil
	case pgtype.ByteaOID:
		raw, err := hex.DecodeString(strings.TrimPrefix(text, `\x`))
		if err != nil {
			return nil, changed(err)
		}
		return raw, nil
	case pgtype.TextOID:
		return text, nil
	case pgtype.NumericOID:
		into = &pgtype.Numeric{}
	case pgtype.DateOID:
		into = &pgtype.Date{}
	case pgtype.TimeOID:
		into = &pgtype.Time{}
	case pgtype.TimestampOID:
		into = &pgtype.Timestamp{}
	case pgtype.TimestamptzOID:
		into = &pgtype.Timestamptz{}
	case pgtype.IntervalOID:
		into = &pgtype.Interval{}
	default:
		return text, nil
	}
	scanner, ok := into.(interface{ Scan(any) error })
	if !ok {
		return nil, changed(nil)
	}
	if err := scanner.Scan(text); err != nil {
		return nil, changed(err)
	}
	return into, nil
}

// textOf is a value as PostgreSQL writes it.
func textOf(v any, t typ) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "t"
		}
		return "f"
	case int64:
		return padded(strconv.FormatInt(v, 10), t)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		switch t.oid {
		case pgtype.TimestamptzOID:
			if rest, utc := strings.CutSuffix(v, "Z"); utc {
				return fraction(strings.Replace(rest, "T", " ", 1)) + "+00"
			}
		case pgtype.TimestampOID:
			return fraction(strings.Replace(v, "T", " ", 1))
		case pgtype.TimeOID:
			return fraction(v)
		case pgtype.IntervalOID:
			return fraction(strings.Replace(v, " months", " mons", 1))
		case pgtype.NumericOID:
			return padded(v, t)
		}
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// fraction is a time without the zeros at the end of its seconds, as PostgreSQL writes it.
func fraction(s string) string {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// padded is a number with all the decimals of its type.
func padded(s string, t typ) string {
	if t.oid != pgtype.NumericOID || t.mod < 4 || strings.ContainsAny(s, "eEN") {
		return s
	}
	scale := int(t.mod-4) & 0xffff
	if scale == 0 {
		return s
	}
	whole, part, _ := strings.Cut(s, ".")
	return whole + "." + part + strings.Repeat("0", max(0, scale-len(part)))
}

func appendList(b []byte, list []any, elem typ) []byte {
	b = append(b, '{')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if v == nil {
			b = append(b, "NULL"...)
			continue
		}
		s := textOf(v, elem)
		if s != "" && !strings.ContainsAny(s, "{}\",\\ \t\r\n\v\f") && !strings.EqualFold(s, "null") {
			b = append(b, s...)
			continue
		}
		b = append(b, '"')
		b = append(b, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)...)
		b = append(b, '"')
	}
	return append(b, '}')
}

// parameterOID is the type that a parameter of the engine's type is asked for in.
func parameterOID(name string) uint32 { return typeOf(name).oid }

// engineType is the engine's name for a type that a client has declared; "" when it leaves it open.
func engineType(oid uint32) string {
	switch oid {
	case 0, pgtype.UnknownOID:
		return ""
	case pgtype.BoolOID:
		return "boolean"
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		return "bigint"
	case pgtype.Float4OID, pgtype.Float8OID:
		return "double"
	case pgtype.NumericOID:
		return "decimal"
	case pgtype.DateOID:
		return "date"
	case pgtype.TimestampOID:
		return "timestamp"
	case pgtype.TimestamptzOID:
		return "timestamp with time zone"
	case pgtype.Int2ArrayOID, pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.OIDArrayOID:
		return "bigint[]"
	case pgtype.Float4ArrayOID, pgtype.Float8ArrayOID, pgtype.NumericArrayOID:
		return "double[]"
	case pgtype.TextArrayOID, pgtype.VarcharArrayOID, pgtype.BPCharArrayOID, pgtype.NameArrayOID:
		return "varchar[]"
	}
	return "varchar"
}

// decode reads a parameter. The answer is nil, bool, int64, float64, string, time.Time or a list.
func decode(types *pgtype.Map, oid uint32, format int16, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	var err error
	scan := func(into any) error { return types.Scan(oid, format, raw, into) }
	switch engineType(oid) {
	case "boolean":
		var v bool
		err = scan(&v)
		return v, err
	case "bigint":
		var v int64
		err = scan(&v)
		return v, err
	case "double":
		var v float64
		err = scan(&v)
		return v, err
	case "decimal":
		var v pgtype.Numeric
		if err = scan(&v); err != nil {
			return nil, err
		}
		return number64(v)
	case "date", "timestamp", "timestamp with time zone":
		var v time.Time
		if err = scan(&v); err != nil && format == textFormat {
			return anyTime(string(raw))
		}
		return v.UTC(), err
	case "bigint[]":
		var v []int64
		err = scan(&v)
		return v, err
	case "double[]":
		var v []float64
		err = scan(&v)
		return v, err
	case "varchar[]":
		var v []string
		err = scan(&v)
		return v, err
	}
	if format == binaryFormat && oid != pgtype.TextOID && oid != pgtype.VarcharOID && oid != pgtype.BPCharOID && oid != pgtype.NameOID && oid != pgtype.JSONOID && oid != 0 && oid != pgtype.UnknownOID {
		var v string
		err = scan(&v)
		return v, err
	}
	return string(raw), nil
}

// number64 is a number as the engine can be given one.
func number64(n pgtype.Numeric) (any, error) {
	if i, err := n.Int64Value(); err == nil && i.Valid {
		return i.Int64, nil
	}
	f, err := n.Float64Value()
	if err != nil || math.IsNaN(f.Float64) {
		return nil, clientele.Errorf(clientele.Invalid, "it is not a number")
	}
	return f.Float64, nil
}

// anyTime reads the ways in which drivers write times.
func anyTime(s string) (any, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 Z07:00", time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return nil, clientele.Errorf(clientele.Invalid, "it is not a time")
}
