package audience

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"clientele"
)

// JSON is the canonical form: members in a fixed order, defaults left out. Parse reads the same
// condition back.
func JSON(c Condition) []byte {
	var w writer
	w.condition(c)
	return w.Bytes()
}

// writer writes objects member by member.
type writer struct {
	bytes.Buffer
	open []bool // of each open object or list: something stands in it
}

func (w *writer) begin(b byte) { w.WriteByte(b); w.open = append(w.open, false) }
func (w *writer) end(b byte)   { w.WriteByte(b); w.open = w.open[:len(w.open)-1] }

func (w *writer) next() {
	if last := len(w.open) - 1; last >= 0 {
		if w.open[last] {
			w.WriteByte(',')
		}
		w.open[last] = true
	}
}

func (w *writer) name(s string) *writer {
	w.next()
	w.text(s)
	w.WriteByte(':')
	return w
}

func (w *writer) text(s string) {
	enc := json.NewEncoder(&w.Buffer)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text can always be written
	w.Truncate(w.Len() - 1)
}

func (w *writer) member(name, value string) { w.name(name).text(value) }

func (w *writer) literal(l Literal) {
	switch l.Kind {
	case Number:
		b, _ := json.Marshal(l.Number) // finite
		w.Write(b)
	case Text:
		w.text(l.Text)
	default:
		w.WriteString(strconv.FormatBool(l.Bool))
	}
}

func (w *writer) test(t Test) {
	w.member("op", string(t.Op))
	switch t.Op {
	case Exists, NotExists:
	case In, NotIn, Between:
		w.name("value").begin('[')
		for _, l := range t.Values {
			w.next()
			w.literal(l)
		}
		w.end(']')
	default:
		w.name("value").literal(t.Values[0])
	}
}

func (w *writer) condition(c Condition) {
	w.begin('{')
	switch c := c.(type) {
	case And:
		w.list("and", c)
	case Or:
		w.list("or", c)
	case Not:
		w.name("not").condition(c.Of)
	case *Suppressed:
		w.suppressed(c)
	case *Trait:
		w.member("trait", c.Name)
		if c.Percentile == nil {
			w.test(c.Test)
			break
		}
		w.name("percentile").begin('{')
		w.test(Test{c.Percentile.Op, []Literal{NumberOf(c.Percentile.Value)}})
		w.end('}')
	case *Event:
		w.event(c)
	case *Message:
		w.name("message").begin('{')
		for _, f := range c.Fields {
			w.member(f.Name, f.Value)
		}
		w.end('}')
		w.aggregate(Aggregate{Kind: Count, Test: c.Count})
		w.window(c.Window)
	case *Sequence:
		w.sequence(c)
	case *Lifecycle:
		w.member("lifecycle", c.Stage)
		if c.For != 0 {
			w.member("for", c.For.String())
		}
	case *Catalog:
		w.member("catalog", c.List)
		w.name("available").begin('{')
		w.test(c.Available)
		w.end('}')
	case *Ref:
		w.member("audience", c.Audience)
	case *Listed:
		w.member("listed", c.Audience)
	case *Consent:
		w.member("consent", c.Purpose)
		if c.Channel != "" {
			w.member("channel", c.Channel)
		}
		w.name("granted").WriteString(strconv.FormatBool(c.Granted))
	case *Identifier:
		w.member("identifier", string(c.Namespace))
		w.name("exists").WriteString(strconv.FormatBool(c.Exists))
		if c.Verified != nil {
			w.name("verified").WriteString(strconv.FormatBool(*c.Verified))
		}
	}
	w.end('}')
}

func (w *writer) list(name string, list []Condition) {
	w.name(name).begin('[')
	for _, c := range list {
		w.next()
		w.condition(c)
	}
	w.end(']')
}

func (w *writer) event(e *Event) {
	w.member("event", e.Name)
	w.where(e.Where)
	w.aggregate(e.Aggregate)
	if e.By != "" {
		w.member("by", e.By)
	}
	w.window(e.Window)
}

// aggregate is left out when it is the default.
func (w *writer) aggregate(a Aggregate) {
	if d := once(); a.Kind == Count && a.Test.Op == d.Test.Op && a.Test.Values[0] == d.Test.Values[0] {
		return
	}
	w.name(string(a.Kind)).begin('{')
	if a.Property != "" {
		w.member("property", a.Property)
	}
	w.test(a.Test)
	w.end('}')
}

func (w *writer) where(filters []Filter) {
	if len(filters) > 0 {
		w.filters("where", filters)
	}
}

func (w *writer) filters(name string, filters []Filter) {
	w.name(name).begin('[')
	for _, f := range filters {
		w.next()
		w.begin('{')
		if f.Each != "" {
			w.member("each", f.Each)
			w.filters("match", f.Match)
		} else {
			w.member("property", f.Property)
			w.test(f.Test)
		}
		w.end('}')
	}
	w.end(']')
}

func (w *writer) window(v Window) {
	if v.Within != 0 {
		w.member("within", v.Within.String())
	}
	if v.From != 0 {
		w.member("from", instant(v.From))
	}
	if v.To != 0 {
		w.member("to", instant(v.To))
	}
	if v.OlderThan != 0 {
		w.member("older_than", v.OlderThan.String())
	}
}

// instant is the time in a form that Parse reads, as short as it is exact.
func instant(m clientele.Micros) string {
	return m.Time().Format("2006-01-02T15:04:05.999999Z")
}

func (w *writer) sequence(s *Sequence) {
	w.name("sequence").begin('[')
	for _, st := range s.Steps {
		w.next()
		w.begin('{')
		if st.Not {
			w.name("not").begin('{')
		}
		w.member("event", st.Name)
		w.where(st.Where)
		if st.Not {
			w.end('}')
		}
		if st.After != 0 {
			w.member("after", st.After.String())
		}
		if st.Bound {
			w.member("before", st.Before.String())
		}
		w.end('}')
	}
	w.end(']')
	w.window(s.Window)
}

// String is the condition in one line for people.
func String(c Condition) string {
	switch c := c.(type) {
	case And:
		return joined(c, " and ")
	case Or:
		return joined(c, " or ")
	case Not:
		return "not " + bracket(c.Of)
	case *Suppressed:
		return c.String()
	case *Trait:
		if c.Percentile != nil {
			return quoteName(c.Name) + " " + words[c.Percentile.Op] + " its percentile " + number(c.Percentile.Value)
		}
		return quoteName(c.Name) + " " + c.Test.String()
	case *Event:
		return c.String()
	case *Message:
		return c.String()
	case *Sequence:
		return c.String()
	case *Lifecycle:
		s := "in lifecycle stage " + quoteName(c.Stage)
		if c.For != 0 {
			s += " for " + c.For.String()
		}
		return s
	case *Catalog:
		return "a wanted SKU has available " + c.Available.String()
	case *Ref:
		return "in audience " + quoteName(c.Audience)
	case *Listed:
		return "on the list of " + quoteName(c.Audience)
	case *Consent:
		s := "consent to "
		if !c.Granted {
			s = "refusal of "
		}
		s += quoteName(c.Purpose)
		if c.Channel != "" {
			s += " by " + quoteName(c.Channel)
		}
		return s
	case *Identifier:
		s := "has "
		if !c.Exists {
			s = "has no "
		}
		if c.Verified != nil {
			s += map[bool]string{true: "verified ", false: "unverified "}[*c.Verified]
		}
		return s + quoteName(string(c.Namespace))
	}
	return ""
}

func bracket(c Condition) string {
	switch c.(type) {
	case And, Or, Not:
		return "(" + String(c) + ")"
	}
	return String(c)
}

func joined(list []Condition, word string) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = bracket(c)
	}
	return strings.Join(parts, word)
}

var words = map[Op]string{Eq: "=", Ne: "is not", Gt: ">", Gte: "at least", Lt: "<", Lte: "at most", Between: "between", In: "in", NotIn: "not in",
	Contains: "contains", NotContains: "does not contain", StartsWith: "starts with", EndsWith: "ends with", Exists: "is there", NotExists: "is missing",
	Before: "before", After: "after"}

// String is the test as people read it.
func (t Test) String() string {
	var parts []string
	for i, l := range t.Values {
		if i == 5 && len(t.Values) > 7 {
			parts = append(parts, "… "+strconv.Itoa(len(t.Values)-5)+" more")
			break
		}
		parts = append(parts, l.String())
	}
	switch t.Op {
	case Exists, NotExists:
		return words[t.Op]
	case Between:
		return "between " + strings.Join(parts, " and ")
	case In, NotIn:
		return words[t.Op] + " (" + strings.Join(parts, ", ") + ")"
	}
	return words[t.Op] + " " + parts[0]
}

// String is the literal as it is written.
func (l Literal) String() string {
	switch l.Kind {
	case Number:
		return number(l.Number)
	case Text:
		return strconv.Quote(l.Text)
	}
	return strconv.FormatBool(l.Bool)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// quoteName is the name, in quotes when it is not plain words.
func quoteName(s string) string {
	for _, r := range s {
		if !(r == '_' || r == '.' || r == ' ' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f) {
			return strconv.Quote(s)
		}
	}
	return s
}

// String is the window with a blank before it, "" when it is not bound.
func (v Window) String() string {
	var s string
	if v.Within != 0 {
		s += " in the last " + v.Within.String()
	}
	if v.From != 0 {
		s += " from " + instant(v.From)
	}
	if v.To != 0 {
		s += " to " + instant(v.To)
	}
	if v.OlderThan != 0 {
		s += " more than " + v.OlderThan.String() + " ago"
	}
	return s
}

func filtersText(filters []Filter) string {
	if len(filters) == 0 {
		return ""
	}
	parts := make([]string, len(filters))
	for i, f := range filters {
		if f.Each != "" {
			parts[i] = "one of " + quoteName(f.Each) + " has" + filtersText(f.Match)
		} else {
			parts[i] = quoteName(f.Property) + " " + f.Test.String()
		}
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (e *Event) String() string {
	s := "did " + quoteName(e.Name) + filtersText(e.Where)
	switch a := e.Aggregate; a.Kind {
	case Count:
		s += times(a.Test)
		if e.By != "" {
			s += " with one " + quoteName(e.By)
		}
	case Unique:
		s += " with different " + quoteName(a.Property) + " " + a.Test.String()
	default:
		s += " with " + string(a.Kind) + " of " + quoteName(a.Property) + " " + a.Test.String()
	}
	return s + e.Window.String()
}

// times says how often, nothing for at least once.
func times(t Test) string {
	if t.Op == Gte && t.Values[0].Number == 1 {
		return ""
	}
	return " " + t.String() + " times"
}

func (m *Message) String() string {
	s := "has a message"
	for i, f := range m.Fields {
		s += map[bool]string{true: " with ", false: ", "}[i == 0] + f.Name + " " + quoteName(f.Value)
	}
	return s + times(m.Count) + m.Window.String()
}

func (q *Sequence) String() string {
	var b strings.Builder
	for i, st := range q.Steps {
		if i == 0 {
			b.WriteString("did ")
		} else if b.WriteString(" then "); st.Not {
			b.WriteString("not ")
		}
		b.WriteString(quoteName(st.Name) + filtersText(st.Where))
		if st.After != 0 {
			b.WriteString(" after " + st.After.String())
		}
		if st.Bound {
			b.WriteString(" within " + st.Before.String())
		}
	}
	return b.String() + q.Window.String()
}
