package importer

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"clientele"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// evaluate is the cell that the spec makes of a row, transforms done.
func (v *valueSpec) evaluate(f *fileSpec, r *row) (cell, error) {
	c := v.source(f, r)
	for i := range v.transforms {
		if c.kind == cellNull {
			break
		}
		if err := v.transforms[i].apply(&c, f, r); err != nil {
			return cell{}, err
		}
	}
	if c.kind == cellNull && v.fallback != nil {
		return *v.fallback, nil
	}
	return c, nil
}

// source is the constant, the column, or several columns put together.
func (v *valueSpec) source(f *fileSpec, r *row) cell {
	if v.constant != nil {
		return *v.constant
	}
	if len(v.needs) == 1 {
		return f.column(r, v.needs[0])
	}
	var parts []string
	for _, n := range v.needs {
		if c := f.column(r, n); c.kind != cellNull && c.text != "" {
			parts = append(parts, c.text)
		}
	}
	if len(parts) == 0 {
		return cell{}
	}
	return textCell(strings.Join(parts, v.join))
}

// column is a column's value, null when it is one of the null values.
func (f *fileSpec) column(r *row, need int) cell {
	c := r.at(need)
	if len(f.nulls) > 0 && c.text != "" && f.nulls[c.text] {
		return cell{}
	}
	return c
}

// What can be wrong with the kind of a value.
var (
	errNotScalar = clientele.Errorf(clientele.Invalid, "a list or an object does not go into this place")
	errNotList   = clientele.Errorf(clientele.Invalid, "not a list")
	errNotJSON   = clientele.Errorf(clientele.Invalid, "not JSON")
)

// appendJSON writes the value as the type wants it. The cell is not null.
func (v *valueSpec) appendJSON(dst []byte, c cell, r *row) ([]byte, error) {
	if (c.kind == cellList || c.kind == cellObject) && v.typ != asFound && v.typ != asList && v.typ != asJSON {
		return dst, errNotScalar
	}
	switch v.typ {
	case asFound:
		return appendFound(dst, c)
	case asText:
		return appendText(dst, c.text), nil
	case asBool:
		b, err := boolOf(c.text)
		return strconv.AppendBool(dst, b), err
	case asTime, asDate:
		return v.appendTime(dst, c, r)
	case asList:
		if c.kind != cellList {
			return dst, errNotList
		}
		return appendAny(dst, c.val)
	case asJSON:
		if c.kind != cellText {
			return appendFound(dst, c)
		}
		x, err := decodeJSON(c.text)
		if err != nil {
			return dst, err
		}
		return appendAny(dst, x)
	}
	return v.appendNumber(dst, c)
}

func appendFound(dst []byte, c cell) ([]byte, error) {
	switch c.kind {
	case cellNumber:
		if f, err := strconv.ParseFloat(c.text, 64); err != nil || math.IsInf(f, 0) {
			return dst, errRange
		}
		return append(dst, c.text...), nil
	case cellBool:
		return append(dst, c.text...), nil
	case cellList, cellObject:
		return appendAny(dst, c.val)
	}
	return appendText(dst, c.text), nil
}

func (v *valueSpec) appendNumber(dst []byte, c cell) ([]byte, error) {
	numbers, s := v.numbers.of(c), c.text
	switch v.typ {
	case asDecimal:
		d, err := numbers.decimalOf(s)
		if err != nil {
			return dst, err
		}
		dst = append(dst, '"')
		dst = append(dst, d.String()...)
		return append(dst, '"'), nil
	case asInteger:
		t, err := numbers.wholeOf(s)
		if err != nil {
			return dst, err
		}
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return dst, errRange
		}
		if n > 1<<53 || n < -1<<53 {
			return appendText(dst, t), nil
		}
		return append(dst, t...), nil
	}
	f, err := numbers.doubleOf(s)
	if err != nil {
		return dst, err
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(dst, int64(f), 10), nil
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64), nil
}

// instant reads the cell as a time, the same text as before without work.
func (v *valueSpec) instant(c cell, r *row) (clientele.Micros, error) {
	if c.kind == cellTime {
		return checkTime(int64(c.at))
	}
	if c.kind == cellList || c.kind == cellObject {
		return 0, errNotScalar
	}
	m := &r.memos[v.memoAt]
	if m.ok && m.in == c.text {
		return m.at, nil
	}
	at, err := v.times.read(c.text)
	if err != nil {
		return 0, err
	}
	*m = memo{in: strings.Clone(c.text), at: at, ok: true}
	return at, nil
}

func (v *valueSpec) appendTime(dst []byte, c cell, r *row) ([]byte, error) {
	at, err := v.instant(c, r)
	if err != nil {
		return dst, err
	}
	if v.typ == asTime {
		return r.appendMicros(dst, at), nil
	}
	t := at.Time()
	if v.times.zone != nil && c.kind != cellTime {
		t = t.In(v.times.zone)
	}
	return t.AppendFormat(dst, `"2006-01-02"`), nil
}

// decodeJSON reads one JSON value, numbers as they are written.
func decodeJSON(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil || strings.TrimSpace(s[d.InputOffset():]) != "" {
		return nil, errNotJSON
	}
	return x, nil
}

// hold says whether all conditions are true of the row.
func (cs conditions) hold(f *fileSpec, r *row) (bool, error) {
	for i := range cs {
		ok, err := cs[i].holds(f.column(r, cs[i].need))
		if err != nil {
			return false, columnError(cs[i].column, err)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// holds answers the question. A missing value fails every comparison but not and not_in.
func (q *condition) holds(c cell) (bool, error) {
	missing := c.kind == cellNull
	switch q.op {
	case "empty":
		return missing, nil
	case "not_empty":
		return !missing, nil
	case "in":
		return !missing && q.texts[c.text], nil
	case "not_in":
		return missing || !q.texts[c.text], nil
	case "matches":
		return !missing && q.pattern.MatchString(c.text), nil
	case "not_matches":
		return missing || !q.pattern.MatchString(c.text), nil
	}
	if missing {
		return false, nil
	}
	f, err := q.numbers.of(c).doubleOf(c.text)
	if err != nil {
		return false, err
	}
	switch q.op {
	case "gt":
		return f > q.number, nil
	case "gte":
		return f >= q.number, nil
	case "lt":
		return f < q.number, nil
	}
	return f <= q.number, nil
}

// columnError says which column a reason is about.
func columnError(column string, err error) error {
	return clientele.Errorf(clientele.Invalid, "column %s: %w", column, err)
}

// label names the columns of a value for messages.
func (v *valueSpec) label() string {
	if len(v.columns) == 0 {
		return "constant"
	}
	return strings.Join(v.columns, "+")
}
