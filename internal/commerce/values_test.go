package commerce_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/commerce"
)

const day = 24 * 3600 * 1_000_000

func TestTyped(t *testing.T) {
	const bad = "invalid"
	num := func(s string) any { return json.Number(s) }
	for _, x := range []struct {
		of   clientele.ColumnType
		in   any
		want any // bad: refused
	}{
		{clientele.TypeText, "  as it is ", "  as it is "},
		{clientele.TypeText, "", ""},
		{clientele.TypeText, num("1e2"), "1e2"},
		{clientele.TypeText, 1234567.5, "1234567.5"},
		{clientele.TypeText, true, "true"},
		{clientele.TypeText, []any{"a", num("1")}, `["a",1]`},
		{clientele.TypeText, nil, nil},
		{clientele.TypeText, "a\x00b", bad},
		{clientele.TypeText, "a\xffb", bad},
		{clientele.TypeText, strings.Repeat("x", commerce.MaxText), strings.Repeat("x", commerce.MaxText)},
		{clientele.TypeText, strings.Repeat("x", commerce.MaxText+1), bad},
		{clientele.TypeText, []any{strings.Repeat("x", commerce.MaxText)}, bad},
		{clientele.TypeDecimal, num("12.34565"), int64(123456)}, // half to even
		{clientele.TypeDecimal, num("-0.00015"), int64(-2)},
		{clientele.TypeDecimal, " 1e3 ", int64(10_000_000)},
		{clientele.TypeDecimal, 0.1, int64(1000)},
		{clientele.TypeDecimal, "", nil},
		{clientele.TypeDecimal, "  ", nil},
		{clientele.TypeDecimal, num("99999999999999.9999"), int64(clientele.MaxDecimal)},
		{clientele.TypeDecimal, num("100000000000000"), bad},
		{clientele.TypeDecimal, 1e14, bad},
		{clientele.TypeDecimal, num("1e999999"), bad},
		{clientele.TypeDecimal, math.NaN(), bad},
		{clientele.TypeDecimal, math.Inf(-1), bad},
		{clientele.TypeDecimal, "NaN", bad},
		{clientele.TypeDecimal, "12,5", bad},
		{clientele.TypeDecimal, "$5", bad},
		{clientele.TypeDecimal, true, bad},
		{clientele.TypeDecimal, []any{}, bad},
		{clientele.TypeBigint, num("12"), int64(12)},
		{clientele.TypeBigint, "12.0", int64(12)},
		{clientele.TypeBigint, num("12.5"), bad},
		{clientele.TypeDouble, num("1e300"), 1e300},
		{clientele.TypeDouble, "2.5", 2.5},
		{clientele.TypeDouble, num("1e400"), bad},
		{clientele.TypeDouble, "inf", bad},
		{clientele.TypeDouble, "nan", bad},
		{clientele.TypeDouble, false, bad},
		{clientele.TypeBool, "YES", true},
		{clientele.TypeBool, num("0"), false},
		{clientele.TypeBool, 1.0, true},
		{clientele.TypeBool, "perhaps", bad},
		{clientele.TypeBool, num("2"), bad},
		{clientele.TypeTime, "1970-01-02", int64(day)},
		{clientele.TypeTime, "2026-02-30", bad},
		{clientele.TypeDate, "1970-01-03T23:59:59Z", int64(2)},
		{clientele.TypeDate, "1969-12-31T23:00:00Z", int64(-1)},
		{clientele.TypeDate, "1970-01-01T01:00:00+02:00", int64(-1)},
		{clientele.TypeDate, "9999-12-31", bad},
		{clientele.TypeJSON, map[string]any{"b": num("1"), "a": nil}, `{"a":null,"b":1}`},
	} {
		got, err := commerce.Typed(clientele.Column{Name: "column", Type: x.of}, x.in)
		if x.want == bad {
			if clientele.ErrorCode(err) != clientele.Invalid || !strings.HasPrefix(err.Error(), "column: ") {
				t.Errorf("%s of %.40v: %v, %v; want it refused by the column's name", x.of, x.in, got, err)
			}
			continue
		}
		if err != nil || got != x.want {
			t.Errorf("%s of %.40v: %#v, %v; want %#v", x.of, x.in, got, err, x.want)
		}
	}
}

func TestTime(t *testing.T) {
	const refused = ""
	for in, want := range map[any]string{
		"2026-11-21T10:00:00Z":             "2026-11-21T10:00:00.000000Z",
		"2026-11-21T10:00:00.1234567Z":     "2026-11-21T10:00:00.123456Z",
		"2026-11-21T10:00:00+07:00":        "2026-11-21T03:00:00.000000Z",
		"2026-11-21T10:00:00+0700":         "2026-11-21T03:00:00.000000Z",
		"2026-11-21 10:00:00":              "2026-11-21T10:00:00.000000Z",
		"2026-11-21 10:00":                 "2026-11-21T10:00:00.000000Z",
		"2026-11-21T10:00":                 "2026-11-21T10:00:00.000000Z",
		"2026-11-21":                       "2026-11-21T00:00:00.000000Z",
		"1970-01-01T00:00:00Z":             "1970-01-01T00:00:00.000001Z", // 0 means that it is not known
		"1900-01-01":                       "1900-01-01T00:00:00.000000Z",
		"2199-12-31T23:59:59Z":             "2199-12-31T23:59:59.000000Z",
		"1899-12-31T23:59:59Z":             refused,
		"2200-01-01":                       refused,
		"9999-12-31T00:00:00Z":             refused,
		"0000-00-00":                       refused,
		"2026-13-01":                       refused,
		"21.11.2026":                       refused,
		"yesterday":                        refused,
		json.Number("1700000000"):          "2023-11-14T22:13:20.000000Z",
		json.Number("1700000000123"):       "2023-11-14T22:13:20.123000Z",
		json.Number("1700000000.5"):        "2023-11-14T22:13:20.500000Z",
		json.Number("1e30"):                refused,
		json.Number("9999999999999999999"): refused,
		1700000000.0:                       "2023-11-14T22:13:20.000000Z",
		math.Inf(1):                        refused,
		math.NaN():                         refused,
		true:                               refused,
	} {
		got, err := commerce.Time(in)
		if want == refused {
			if clientele.ErrorCode(err) != clientele.Invalid {
				t.Errorf("%v: %s, %v; want it refused", in, got, err)
			}
		} else if err != nil || got.String() != want {
			t.Errorf("%v: %s, %v; want %s", in, got, err, want)
		}
	}
	if _, err := commerce.Time(nil); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("nothing: %v", err)
	}
	if got, err := commerce.Typed(clientele.Column{Name: "ts", Type: clientele.TypeTime}, json.Number("0")); err != nil || got != nil {
		t.Errorf("the number 0, which means that a time is not known: %v, %v", got, err)
	}
}

// Whatever comes, a value has the column's type and bounds, or is refused as Invalid.
func FuzzTyped(f *testing.F) {
	for _, s := range []string{"1", "-1.5e3", `"2026-01-01T00:00:00Z"`, `"NaN"`, "[1,{}]", "null", "true", `""`, "1e999", `"0x1p-2"`, `"9999-01-01"`, `"1/3"`} {
		for typ := clientele.TypeText; typ <= clientele.TypeJSON; typ++ {
			f.Add(uint8(typ), s)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, text string) {
		c := clientele.Column{Name: "c", Type: clientele.ColumnType(1 + typ%8)}
		values := []any{text}
		for _, numbers := range []bool{false, true} {
			var v any
			dec := json.NewDecoder(strings.NewReader(text))
			if numbers {
				dec.UseNumber()
			}
			if dec.Decode(&v) == nil {
				values = append(values, v)
			}
		}
		for _, in := range values {
			got, err := commerce.Typed(c, in)
			if err != nil {
				if clientele.ErrorCode(err) != clientele.Invalid {
					t.Fatalf("%s of %v: %v", c.Type, in, err)
				}
				continue
			}
			if got == nil {
				continue
			}
			var fits bool
			switch c.Type {
			case clientele.TypeText, clientele.TypeJSON:
				_, fits = got.(string)
			case clientele.TypeDecimal, clientele.TypeBigint:
				n, ok := got.(int64)
				fits = ok && n <= int64(clientele.MaxDecimal) && n >= -int64(clientele.MaxDecimal)
			case clientele.TypeDouble:
				n, ok := got.(float64)
				fits = ok && !math.IsNaN(n) && !math.IsInf(n, 0)
			case clientele.TypeBool:
				_, fits = got.(bool)
			case clientele.TypeTime:
				n, ok := got.(int64)
				fits = ok && n != 0 && n >= int64(clientele.MinTime) && n <= int64(clientele.MaxTime)
			case clientele.TypeDate:
				n, ok := got.(int64)
				fits = ok && n >= int64(clientele.MinTime)/day && n <= int64(clientele.MaxTime)/day
			}
			if !fits {
				t.Fatalf("%s of %v: %#v", c.Type, in, got)
			}
		}
	})
}
