package commerce

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"clientele"
)

// MaxText is the longest text of a column.
const MaxText = 8 << 10

// Typed is v as the column holds it, by clientele.TableRows; nil for nil and, but in text
// columns, for the empty text. v is what JSON gives: text, float64, json.Number, bool, list
// or map. Invalid says what was expected.
func Typed(c clientele.Column, v any) (any, error) {
	if s, ok := v.(string); ok {
		if c.Type == clientele.TypeText {
			return checkText(c, s)
		}
		if v = strings.TrimSpace(s); v == "" {
			return nil, nil
		}
	}
	if v == nil {
		return nil, nil
	}
	out, err := convert(c.Type, v)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "%s: %w", c.Name, err)
	}
	return out, nil
}

func checkText(c clientele.Column, s string) (any, error) {
	if len(s) > MaxText {
		return nil, clientele.Errorf(clientele.Invalid, "%s: text is over %d bytes", c.Name, MaxText)
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return nil, clientele.Errorf(clientele.Invalid, "%s: text is not UTF-8, or holds a zero byte", c.Name)
	}
	return s, nil
}

func convert(t clientele.ColumnType, v any) (any, error) {
	switch t {
	case clientele.TypeText:
		return asText(v)
	case clientele.TypeDecimal:
		return asDecimal(v)
	case clientele.TypeBigint:
		d, err := asDecimal(v)
		if err != nil {
			return nil, err
		}
		if d.(int64)%10_000 != 0 {
			return nil, clientele.Errorf(clientele.Invalid, "not a whole number")
		}
		return d.(int64) / 10_000, nil
	case clientele.TypeDouble:
		return asDouble(v)
	case clientele.TypeBool:
		return asBool(v)
	case clientele.TypeTime:
		m, err := Time(v)
		if err != nil || m == 0 { // 0 means unknown
			return nil, err
		}
		return int64(m), nil
	case clientele.TypeDate:
		return asDate(v)
	case clientele.TypeJSON:
		b, err := json.Marshal(v)
		return string(b), err
	}
	return nil, clientele.Errorf(clientele.Internal, "column type %d", t)
}

func asText(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		return v, nil
	}
	b, err := json.Marshal(v)
	if err == nil && len(b) > MaxText {
		err = clientele.Errorf(clientele.Invalid, "text is over %d bytes", MaxText)
	}
	return string(b), err
}

func asDecimal(v any) (any, error) {
	var d clientele.Decimal
	var err error
	switch v := v.(type) {
	case json.Number:
		d, err = clientele.ParseDecimal(v.String())
	case string:
		d, err = clientele.ParseDecimal(v)
	case float64:
		d, err = clientele.DecimalOf(v)
	default:
		err = clientele.Errorf(clientele.Invalid, "not a number")
	}
	return int64(d), err
}

func asDouble(v any) (any, error) {
	var f float64
	var err error
	switch v := v.(type) {
	case json.Number:
		f, err = v.Float64()
	case string:
		f, err = strconv.ParseFloat(v, 64)
	case float64:
		f = v
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, clientele.Errorf(clientele.Invalid, "not a finite number")
	}
	return f, nil
}

func asBool(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(v) {
		case "true", "t", "yes", "y", "1":
			return true, nil
		case "false", "f", "no", "n", "0":
			return false, nil
		}
	case json.Number:
		if v == "1" || v == "0" {
			return v == "1", nil
		}
	case float64:
		if v == 1 || v == 0 {
			return v == 1, nil
		}
	}
	return nil, clientele.Errorf(clientele.Invalid, "not true or false")
}

// layouts are the spellings of an instant that are read besides RFC 3339; without a zone they
// are UTC.
var layouts = []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// Time reads an instant: RFC 3339 and the near spellings of ISO 8601, or a number of seconds
// or, from 10^11 on, milliseconds since 1970. Invalid outside the years 1900 to 2200.
func Time(v any) (clientele.Micros, error) {
	switch v := v.(type) {
	case string:
		t, err := time.Parse(time.RFC3339Nano, v)
		for i := 0; err != nil && i < len(layouts); i++ {
			t, err = time.Parse(layouts[i], v)
		}
		if err != nil {
			return 0, clientele.Errorf(clientele.Invalid, "not a time: write it as 2026-11-21T10:00:00Z")
		}
		// UnixMicro overflows far outside the bounds, so the year decides first.
		if y := t.Year(); y < 1900 || y >= 2200 {
			return 0, clientele.Errorf(clientele.Invalid, "the year %d is not between 1900 and 2200", y)
		}
		if t.UnixMicro() == 0 {
			return 1, nil // 0 means unknown
		}
		return clientele.MicrosOf(t), nil
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0, clientele.Errorf(clientele.Invalid, "not a time")
		}
		return unix(f)
	case float64:
		return unix(v)
	}
	return 0, clientele.Errorf(clientele.Invalid, "not a time")
}

func unix(f float64) (clientele.Micros, error) {
	if math.Abs(f) >= 1e11 {
		f /= 1000
	}
	m := f * 1e6
	if math.IsNaN(m) || m < float64(clientele.MinTime) || m >= float64(clientele.MaxTime) {
		return 0, clientele.Errorf(clientele.Invalid, "time is not between the years 1900 and 2200")
	}
	return clientele.Micros(math.Round(m)), nil
}

func asDate(v any) (any, error) {
	m, err := Time(v)
	if err != nil {
		return nil, err
	}
	const day = 86_400_000_000
	d := int64(m) / day
	if int64(m)%day < 0 {
		d--
	}
	return d, nil
}
