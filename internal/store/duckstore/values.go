package duckstore

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// typeName is a type as DuckDB prints it, in lower case.
func typeName(driver string) string {
	switch driver {
	case "TIMESTAMPTZ":
		return "timestamp with time zone"
	case "TIMETZ":
		return "time with time zone"
	}
	return strings.ToLower(driver)
}

const exact = 1 << 53 // integers up to it are exact in every JSON reader

// normal gives a value of the driver the form that clientele.QueryResult promises: nil, bool,
// int64 up to 2^53, float64, text; lists and structs keep their shape.
func normal(v any, typ string) any {
	switch v := v.(type) {
	case nil, bool, string:
		return v
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case int64:
		return safeInt(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		if v > exact {
			return fmt.Sprint(v)
		}
		return int64(v)
	case *big.Int:
		if v.IsInt64() {
			return safeInt(v.Int64())
		}
		return v.String()
	case float32:
		return finite(float64(v))
	case float64:
		return finite(v)
	case duckdb.Decimal:
		return decimalText(v)
	case time.Time:
		return timeText(v, typ)
	case duckdb.Interval:
		return intervalText(v)
	case []byte:
		if typ == "uuid" && len(v) == 16 {
			h := hex.EncodeToString(v)
			return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		}
		return `\x` + hex.EncodeToString(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normal(e, strings.TrimSuffix(typ, "[]"))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = normal(e, "")
		}
		return out
	case duckdb.OrderedMap:
		out := make(map[string]any, v.Len())
		for i, k := range v.Keys() {
			out[fmt.Sprint(normal(k, ""))] = normal(v.Values()[i], "")
		}
		return out
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

func safeInt(v int64) any {
	if v > exact || v < -exact {
		return fmt.Sprint(v)
	}
	return v
}

func finite(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

// decimalText is the shortest exact form: 12.5 for 12.5000.
func decimalText(d duckdb.Decimal) string {
	if d.Value == nil {
		return ""
	}
	s := new(big.Int).Abs(d.Value).String()
	if d.Scale > 0 {
		if missing := int(d.Scale) + 1 - len(s); missing > 0 {
			s = strings.Repeat("0", missing) + s
		}
		at := len(s) - int(d.Scale)
		s = strings.TrimRight(strings.TrimRight(s[:at]+"."+s[at:], "0"), ".")
	}
	if d.Value.Sign() < 0 {
		s = "-" + s
	}
	return s
}

func timeText(t time.Time, typ string) string {
	t = t.UTC()
	switch typ {
	case "date":
		return t.Format("2006-01-02")
	case "time", "time with time zone":
		return t.Format("15:04:05.000000")
	case "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns":
		return t.Format("2006-01-02T15:04:05.000000")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

func intervalText(i duckdb.Interval) string {
	var parts []string
	if i.Months != 0 {
		parts = append(parts, fmt.Sprintf("%d months", i.Months))
	}
	if i.Days != 0 {
		parts = append(parts, fmt.Sprintf("%d days", i.Days))
	}
	if i.Micros != 0 || len(parts) == 0 {
		sign, us := "", i.Micros
		if us < 0 {
			sign, us = "-", -us
		}
		s := us / 1_000_000
		parts = append(parts, fmt.Sprintf("%s%02d:%02d:%02d.%06d", sign, s/3600, s/60%60, s%60, us%1_000_000))
	}
	return strings.Join(parts, " ")
}

// weight is about how many bytes a value takes as text.
func weight(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v)) + 2
	case []any:
		n := int64(2)
		for _, e := range v {
			n += weight(e)
		}
		return n
	case map[string]any:
		n := int64(2)
		for k, e := range v {
			n += int64(len(k)) + weight(e)
		}
		return n
	}
	return 8
}
