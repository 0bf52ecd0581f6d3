package audience

import (
	"bytes"
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// Kind is the type of a value in a definition.
type Kind uint8

// The kinds. A Text that is a time is compared as a time by the comparisons of order.
const (
	Number Kind = iota + 1
	Text
	Bool
)

// Literal is a value in a definition.
type Literal struct {
	Kind   Kind
	Number float64
	Text   string
	Bool   bool
}

// NumberOf, TextOf and BoolOf make literals.
func NumberOf(f float64) Literal { return Literal{Kind: Number, Number: f} }

// TextOf is a literal of the text.
func TextOf(s string) Literal { return Literal{Kind: Text, Text: s} }

// BoolOf is a literal of true or false.
func BoolOf(b bool) Literal { return Literal{Kind: Bool, Bool: b} }

// What a JSON value is, is decided here, once for both executions:
//
//   - as a number: a JSON number, or a text that reads as one, when it is finite;
//   - as a text: a JSON string;
//   - as a truth value: true and false, and the words for them;
//   - as a time: a text that is RFC 3339 or a date, between the years 1900 and 2200;
//   - null and what is not there is missing.
//
// The texts that read as numbers and as truth values are those that the column store's cast
// reads: typed columns hold what it gives. A test compares the two over millions of texts.
var (
	numberText = regexp.MustCompile(`^[ \t\n\v\f\r]*\+?-?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?[ \t\n\v\f\r]*$`)
	timeText   = regexp.MustCompile(timePattern)
)

// timePattern is the texts that are times, in a form that both engines' regular expressions read.
const timePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?)?$`

// missing says whether the value is not there or null.
func missing(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }

// textOf is the value as a text.
func textOf(v jsontext.Value) (string, bool) {
	if len(v) == 0 || v.Kind() != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}

// numberOf is the value as a number.
func numberOf(v jsontext.Value) (float64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	switch v.Kind() {
	case '0':
		return finite(string(v))
	case '"':
		s, ok := textOf(v)
		if !ok || len(s) > 400 || !numberText.MatchString(s) {
			return 0, false
		}
		s = strings.ReplaceAll(strings.Trim(s, " \t\n\v\f\r"), "_", "")
		return finite(strings.TrimPrefix(s, "+"))
	}
	return 0, false
}

func finite(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// boolOf is the value as a truth value.
func boolOf(v jsontext.Value) (value, ok bool) {
	if len(v) == 0 {
		return false, false
	}
	s := string(v)
	switch v.Kind() {
	case 't', 'f':
		return v.Kind() == 't', true
	case '"':
		if s, ok = textOf(v); !ok {
			return false, false
		}
	case '0':
		s = strings.TrimPrefix(s, "-") // -0 is 0, and of -1 nothing comes
		if s != "0" && len(v) > len(s) {
			return false, false
		}
	default:
		return false, false
	}
	switch strings.ToLower(s) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}

// timeOf is the value as a time.
func timeOf(v jsontext.Value) (clientele.Micros, bool) {
	s, ok := textOf(v)
	if !ok {
		return 0, false
	}
	return parseTime(s)
}

// parseTime reads a time; finer than microseconds is cut off, and without a zone it is UTC.
func parseTime(s string) (clientele.Micros, bool) {
	if len(s) < 10 || len(s) > 35 || !timeText.MatchString(s) {
		return 0, false
	}
	layout := "2006-01-02"
	if len(s) > 10 {
		layout += s[10:11] + "15:04:05"
		if last := s[len(s)-1]; last == 'Z' {
			layout += "Z"
		} else if at := len(s) - 6; at > 18 && (s[at] == '+' || s[at] == '-') {
			layout += "-07:00"
		}
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return 0, false
	}
	m := clientele.Micros(t.UnixMicro())
	return m, m >= clientele.MinTime && m < clientele.MaxTime
}

// asTime is the literal as a time, when the comparison is one of order and it is one.
func (l Literal) asTime() (clientele.Micros, bool) {
	if l.Kind != Text {
		return 0, false
	}
	return parseTime(l.Text)
}

// orders says whether the comparison is one of order.
func (o Op) orders() bool {
	switch o {
	case Gt, Gte, Lt, Lte, Between, Before, After:
		return true
	}
	return false
}

// Holds says whether the JSON value passes the test. nil is a missing value.
func (t Test) Holds(v jsontext.Value) bool {
	op, negated := t.Op.positive()
	return t.holds(op, v) != negated
}

func (t Test) holds(op Op, v jsontext.Value) bool {
	if missing(v) {
		return false
	}
	switch op {
	case Exists:
		return true
	case Eq, In:
		for _, l := range t.Values {
			if l.equals(v) {
				return true
			}
		}
		return false
	case Contains:
		return contains(v, t.Values[0])
	case StartsWith, EndsWith:
		s, ok := textOf(v)
		if op == StartsWith {
			return ok && strings.HasPrefix(s, t.Values[0].Text)
		}
		return ok && strings.HasSuffix(s, t.Values[0].Text)
	}
	return t.ordered(op, v)
}

// equals says whether the value is the literal.
func (l Literal) equals(v jsontext.Value) bool {
	switch l.Kind {
	case Number:
		f, ok := numberOf(v)
		return ok && f == l.Number
	case Text:
		s, ok := textOf(v)
		return ok && s == l.Text
	}
	b, ok := boolOf(v)
	return ok && b == l.Bool
}

// contains is membership of a list, or a part of a text.
func contains(v jsontext.Value, l Literal) bool {
	if v.Kind() != '[' {
		s, ok := textOf(v)
		return ok && l.Kind == Text && strings.Contains(s, l.Text)
	}
	found := false
	elements(v, func(e jsontext.Value) bool {
		found = !missing(e) && l.equals(e)
		return !found
	})
	return found
}

// ordered compares numbers, times or texts: what the literals are decides.
func (t Test) ordered(op Op, v jsontext.Value) bool {
	if from, ok := t.times(); ok {
		m, ok := timeOf(v)
		return ok && between(op, m, from)
	}
	if t.Values[0].Kind == Number {
		f, ok := numberOf(v)
		return ok && between(op, f, numbers(t.Values))
	}
	s, ok := textOf(v)
	texts := make([]string, len(t.Values))
	for i, l := range t.Values {
		texts[i] = l.Text
	}
	return ok && between(op, s, texts)
}

func numbers(values []Literal) []float64 {
	out := make([]float64, len(values))
	for i, l := range values {
		out[i] = l.Number
	}
	return out
}

// times are the literals as times, when they all are.
func (t Test) times() ([]clientele.Micros, bool) {
	if !t.Op.orders() {
		return nil, false
	}
	out := make([]clientele.Micros, len(t.Values))
	for i, l := range t.Values {
		var ok bool
		if out[i], ok = l.asTime(); !ok {
			return nil, false
		}
	}
	return out, true
}

// between compares v in the order of its type; texts byte by byte.
func between[T cmp.Ordered](op Op, v T, with []T) bool {
	switch op {
	case Eq:
		return v == with[0]
	case Gt, After:
		return v > with[0]
	case Gte:
		return v >= with[0]
	case Lt, Before:
		return v < with[0]
	case Lte:
		return v <= with[0]
	case Between:
		return v >= with[0] && v <= with[1]
	}
	return false
}

// elements calls fn for each element of a JSON list until it answers false.
func elements(v jsontext.Value, fn func(jsontext.Value) bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '[' {
		return
	}
	for dec.PeekKind() != ']' {
		e, err := dec.ReadValue()
		if err != nil || !fn(e) {
			return
		}
	}
}

// Member is the value at the path in a JSON object, its names divided by dots; nil when there is none.
func Member(object []byte, path string) jsontext.Value {
	v := jsontext.Value(object)
	for more := true; more; {
		var name string
		name, path, more = strings.Cut(path, ".")
		if v = member(v, name); v == nil {
			return nil
		}
	}
	return v
}

// member is the last member of that name.
func member(object jsontext.Value, name string) (found jsontext.Value) {
	if len(object) == 0 || object.Kind() != '{' {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	for dec.PeekKind() == '"' {
		n, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		same := string(n[1:len(n)-1]) == name
		if !same && bytes.IndexByte(n, '\\') >= 0 {
			s, _ := textOf(n)
			same = s == name
		}
		v, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		if same {
			found = bytes.Clone(v)
		}
	}
	return found
}

// maxUnits bounds the numbers that sums take, and those they are compared with.
const maxUnits = 1e15
