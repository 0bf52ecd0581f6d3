package audience

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"clientele"
)

// Column is a typed column that holds a member of a JSON document: what its cast gives, null for
// what cannot be cast.
type Column struct {
	Name string
	Type clientele.ColumnType
}

// member of a JSON document as SQL: where it lies, and its typed column, if it has one.
type sqlValue struct {
	doc    string  // the document
	path   string  // of the member in it, a literal; "'$'" = the document itself
	column *Column // qualified
}

// valueAt is the member at a path of names.
func valueAt(doc, path string) sqlValue {
	var b strings.Builder
	b.WriteByte('$')
	for _, name := range strings.Split(path, ".") {
		b.WriteString(`."` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`)
	}
	return sqlValue{doc: doc, path: literalSQL(b.String())}
}

// typed gives it its column, which holds members of the document's first level only.
func (v sqlValue) typed(c Column, ok bool, alias string) sqlValue {
	if ok {
		c.Name = alias + "." + quoteSQL(c.Name)
		v.column = &c
	}
	return v
}

func quoteSQL(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literalSQL(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func timeSQL(m clientele.Micros) string { return fmt.Sprintf("make_timestamptz(%d)", int64(m)) }

func numberSQL(f float64) string {
	return "cast('" + strconv.FormatFloat(f, 'g', -1, 64) + "' as double)"
}

// unitsSQL is the number in billionths.
func unitsSQL(f float64) string {
	u, _ := units(f)
	n := new(big.Int).Lsh(big.NewInt(u.hi), 64)
	n.Add(n, new(big.Int).SetUint64(u.lo))
	return "cast('" + n.String() + "' as hugeint)"
}

func (v sqlValue) is(t clientele.ColumnType) bool { return v.column != nil && v.column.Type == t }

// text is the member as text, whatever it is; null when it is missing.
func (v sqlValue) text() string {
	if v.is(clientele.TypeText) {
		return v.column.Name
	}
	return fmt.Sprintf("(%s->>%s)", v.doc, v.path)
}

// kind is the type of the member.
func (v sqlValue) kind() string { return fmt.Sprintf("json_type(%s, %s)", v.doc, v.path) }

// number is the member as a number: null, or not finite, when it is none.
func (v sqlValue) number() string {
	text := "try_cast(" + v.text() + " as double)"
	switch {
	case v.is(clientele.TypeDouble):
		return v.column.Name
	case v.is(clientele.TypeBigint), v.is(clientele.TypeDecimal): // below this size the cast gives the nearest double
		return fmt.Sprintf("(case when abs(%[1]s) < 900000000000 then cast(%[1]s as double) else %[2]s end)", v.column.Name, text)
	}
	return text
}

// finite is the member as a finite number, otherwise null.
func (v sqlValue) finite() string {
	if v.is(clientele.TypeDouble) {
		return v.column.Name
	}
	return fmt.Sprintf("(case when isfinite(%[1]s) then %[1]s end)", v.number())
}

// sql is the test of the value, true or not: null counts as not.
func (t Test) sql(v sqlValue) string {
	op, negated := t.Op.positive()
	s := "(" + t.positiveSQL(op, v) + ")"
	if negated {
		return "(" + s + " is not true)"
	}
	return s
}

func (t Test) positiveSQL(op Op, v sqlValue) string {
	switch op {
	case Exists:
		return v.text() + " is not null"
	case Eq, In:
		return equalSQL(v, t.Values)
	case Contains:
		return containsSQL(v, t.Values[0])
	case StartsWith:
		return fmt.Sprintf("starts_with(%s, %s) and %s = 'VARCHAR'", v.text(), literalSQL(t.Values[0].Text), v.kind())
	case EndsWith:
		return fmt.Sprintf("suffix(%s, %s) and %s = 'VARCHAR'", v.text(), literalSQL(t.Values[0].Text), v.kind())
	}
	if times, ok := t.times(); ok {
		return timesSQL(op, v, times)
	}
	if t.Values[0].Kind == Number {
		with := make([]string, len(t.Values))
		for i, l := range t.Values {
			with[i] = numberSQL(l.Number)
		}
		s := compareSQL(op, v.number(), with)
		if !v.is(clientele.TypeDouble) {
			s += " and isfinite(" + v.number() + ")"
		}
		return s
	}
	with := make([]string, len(t.Values))
	for i, l := range t.Values {
		with[i] = literalSQL(l.Text)
	}
	return compareSQL(op, v.text(), with) + " and " + v.kind() + " = 'VARCHAR'"
}

// compareSQL compares x in the order of its type.
func compareSQL(op Op, x string, with []string) string {
	switch op {
	case Eq:
		return x + " = " + with[0]
	case Gt, After:
		return x + " > " + with[0]
	case Gte:
		return x + " >= " + with[0]
	case Lt, Before:
		return x + " < " + with[0]
	case Lte:
		return x + " <= " + with[0]
	case Between:
		return x + " between " + with[0] + " and " + with[1]
	}
	return "false"
}

// timesSQL compares a time. The column holds the times of more spellings than are taken for one,
// so it only narrows what is read.
func timesSQL(op Op, v sqlValue, times []clientele.Micros) string {
	with := make([]string, len(times))
	for i, m := range times {
		with[i] = timeSQL(m)
	}
	first := ""
	if v.is(clientele.TypeTime) {
		first = compareSQL(op, v.column.Name, with) + " and "
	}
	x := sqlValue{doc: v.doc, path: v.path}.text()
	if v.is(clientele.TypeText) {
		x = v.text()
	}
	at := fmt.Sprintf("(case when regexp_full_match(%s, %s) then try_cast(%[1]s as timestamptz) end)", x, literalSQL(timePattern))
	return fmt.Sprintf("%s%s and %s >= %s and %[3]s < %[5]s", first, compareSQL(op, at, with), at, timeSQL(clientele.MinTime), timeSQL(clientele.MaxTime))
}

// equalSQL is whether the value is one of the literals.
func equalSQL(v sqlValue, values []Literal) string {
	var parts, plain, doubtful, nums []string
	var yes, no bool
	for _, l := range values {
		switch {
		case l.Kind == Number:
			nums = append(nums, numberSQL(l.Number))
		case l.Kind == Bool:
			yes, no = yes || l.Bool, no || !l.Bool
		case alsoOther(l.Text):
			doubtful = append(doubtful, literalSQL(l.Text))
		default:
			plain = append(plain, literalSQL(l.Text))
		}
	}
	if len(plain) > 0 {
		parts = append(parts, oneOf(v.text(), plain))
	}
	if len(doubtful) > 0 {
		parts = append(parts, oneOf(v.text(), doubtful)+" and "+v.kind()+" = 'VARCHAR'")
	}
	if len(nums) > 0 {
		parts = append(parts, oneOf(v.number(), nums))
	}
	if yes {
		parts = append(parts, v.boolSQL(true))
	}
	if no {
		parts = append(parts, v.boolSQL(false))
	}
	return strings.Join(parts, " or ")
}

func oneOf(x string, values []string) string {
	if len(values) == 1 {
		return x + " = " + values[0]
	}
	return x + " in (" + strings.Join(values, ", ") + ")"
}

// alsoOther says whether the text is how something that is no text could be written.
func alsoOther(s string) bool {
	return s == "true" || s == "false" || strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") || numberText.MatchString(s)
}

func (v sqlValue) boolSQL(want bool) string {
	if v.is(clientele.TypeBool) {
		return fmt.Sprintf("%s = %t", v.column.Name, want)
	}
	if want {
		return "lower(" + v.text() + ") in ('true', 't', 'yes', 'y', '1')"
	}
	return "lower(" + v.text() + ") in ('false', 'f', 'no', 'n', '0')"
}

func containsSQL(v sqlValue, l Literal) string {
	element := equalSQL(sqlValue{doc: "q", path: "'$'"}, []Literal{l})
	all := fmt.Sprintf("json_extract(%s, %s)", v.doc, strings.TrimSuffix(v.path, "'")+"[*]'")
	list := fmt.Sprintf("when 'ARRAY' then len(list_filter(%s, lambda q: %s)) > 0", all, element)
	text := ""
	if l.Kind == Text {
		text = fmt.Sprintf("when 'VARCHAR' then contains(%s, %s) ", v.text(), literalSQL(l.Text))
	}
	return fmt.Sprintf("case %s %s%s end", v.kind(), text, list)
}

// key is something that is equal for equal values: of one kind, numbers by what they are. Null for
// lists, objects and what is missing.
func (v sqlValue) key() string {
	return fmt.Sprintf("(case when %[1]s = 'VARCHAR' then 's' || %[2]s when %[1]s = 'BOOLEAN' then 'b' || %[2]s "+
		"when isfinite(try_cast(%[2]s as double)) and %[1]s in ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE') then 'n' || cast(try_cast(%[2]s as double) + 0.0 as varchar) end)",
		v.kind(), fmt.Sprintf("(%s->>%s)", v.doc, v.path))
}

// unitsOf is the value in billionths, of which sums are made.
func (v sqlValue) unitsOf() string {
	return fmt.Sprintf("(case when abs(%[1]s) < %[2]s then cast(round(%[1]s * 1e9) as hugeint) end)", v.number(), numberSQL(maxUnits))
}

// filtersSQL is whether the event of the alias passes all filters.
func (s Schema) filtersSQL(filters []Filter, alias string) string {
	var b strings.Builder
	for _, f := range filters {
		b.WriteString(" and ")
		if f.Each == "" {
			b.WriteString(f.Test.sql(s.property(f.Property, alias)))
			continue
		}
		v := s.property(f.Each, alias)
		var match []string
		for _, m := range f.Match {
			match = append(match, m.Test.sql(valueAt("q", m.Property)))
		}
		// Of a JSON that holds no list there, the path gives none.
		fmt.Fprintf(&b, "(len(list_filter(json_extract(%s, %s), lambda q: %s)) > 0)", v.doc, strings.TrimSuffix(v.path, "'")+"[*]'", strings.Join(match, " and "))
	}
	return b.String()
}

// property is a property of the events row of the alias, or a member of its context.
func (s Schema) property(path, alias string) sqlValue {
	if rest, ok := strings.CutPrefix(path, contextPrefix); ok {
		return valueAt(alias+".context", rest)
	}
	c, ok := s.Properties[path]
	return valueAt(alias+".properties", path).typed(c, ok && !strings.Contains(path, "."), alias)
}

// whole counts as SQL.
func countSQL(t Test, x string) string {
	op, negated := t.Op.positive()
	with := make([]string, len(t.Values))
	for i, l := range t.Values {
		with[i] = strconv.FormatInt(int64(math.Trunc(l.Number)), 10)
	}
	s := compareSQL(op, x, with)
	if negated {
		return "not (" + s + ")"
	}
	return s
}
