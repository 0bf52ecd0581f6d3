package audience

import (
	"math"
	"slices"
	"strings"

	"clientele"
)

func (p *parser) trait(at place, m map[string]any) Condition {
	t := &Trait{Name: p.path(at.in("trait"), m["trait"])}
	if v, ok := m["percentile"]; ok {
		p.only(at, m, "trait", "percentile")
		test := p.test(at.in("percentile"), v, numeric)
		if len(test.Values) == 1 {
			t.Percentile = &Percentile{test.Op, test.Values[0].Number}
			if f := t.Percentile.Value; f < 0 || f > 100 {
				p.fail(at.in("percentile").in("value"), "95 is the value that 95 % are below", "a percentile is between 0 and 100")
			}
		}
		if !slices.Contains([]Op{Gt, Gte, Lt, Lte}, test.Op) {
			p.fail(at.in("percentile").in("op"), "write gt, gte, lt or lte", "a percentile is not compared with %s", test.Op)
		}
		return t
	}
	p.only(at, m, "trait", "op", "value")
	t.Test = p.testOf(at, m, anything)
	return t
}

func cutPrefix(s string, prefixes ...string) (string, bool) {
	for _, x := range prefixes {
		if rest, ok := strings.CutPrefix(s, x); ok {
			return rest, true
		}
	}
	return s, false
}

var aggregateNames = func() (out []string) {
	for _, k := range aggregates {
		out = append(out, string(k))
	}
	return out
}()

func (p *parser) event(at place, m map[string]any) Condition {
	p.only(at, m, append([]string{"event", "where", "within", "from", "to", "older_than", "by"}, aggregateNames...)...)
	e := &Event{Name: p.name(at.in("event"), m["event"]), Where: p.filters(at, m), Window: p.window(at, m)}
	for _, kind := range aggregates {
		v, ok := m[string(kind)]
		if !ok {
			continue
		}
		if e.Aggregate.Kind != "" {
			p.fail(at.in(string(kind)), "write a condition for each and put them into and", "%s beside %s", kind, e.Aggregate.Kind)
		}
		e.Aggregate = p.aggregate(at.in(string(kind)), kind, v)
	}
	if e.Aggregate.Kind == "" {
		e.Aggregate = once()
	}
	if v, ok := m["by"]; ok {
		e.By = p.path(at.in("by"), v)
		if e.Aggregate.Kind != Count || !slices.Contains([]Op{Eq, Gt, Gte}, e.Aggregate.Test.Op) || e.Aggregate.Test.Holds([]byte("0")) {
			p.fail(at.in("by"), `write "count":{"op":"gte","value":3}`, "by needs a count that one value has to reach (eq, gt or gte)")
		}
	}
	return e
}

// once is the aggregate of an event leaf that has none: at least one.
func once() Aggregate {
	return Aggregate{Kind: Count, Test: Test{Gte, []Literal{NumberOf(1)}}}
}

func (p *parser) aggregate(at place, kind AggregateKind, v any) Aggregate {
	m, ok := v.(map[string]any)
	if !ok {
		p.fail(at, `write {"op":"gte","value":2}`, "a comparison is needed, not %s", describe(v))
		return Aggregate{}
	}
	a := Aggregate{Kind: kind}
	what := numeric
	switch kind {
	case Count:
		p.only(at, m, "op", "value")
		what = whole
	case Unique:
		p.only(at, m, "property", "op", "value")
		what = whole
	case First, Last:
		p.only(at, m, "property", "op", "value")
		what = anything
	default:
		p.only(at, m, "property", "op", "value")
	}
	if kind != Count {
		a.Property = p.path(at.in("property"), m["property"])
	}
	a.Test = p.testOf(at, m, what)
	if kind == Sum || kind == Avg {
		for _, l := range a.Test.Values {
			if math.Abs(l.Number) >= maxUnits {
				p.fail(at.in("value"), "sums are compared with numbers below 10^15", "the number is too large for a sum")
			}
		}
	}
	return a
}

// window reads when events count. A day without an hour is from its first moment, to its last.
func (p *parser) window(at place, m map[string]any) Window {
	w := Window{Within: p.duration(at, m, "within"), OlderThan: p.duration(at, m, "older_than")}
	for _, name := range []string{"from", "to"} {
		v, ok := m[name]
		if !ok {
			continue
		}
		s, _ := v.(string)
		t, ok := parseTime(s)
		if !ok {
			p.fail(at.in(name), "write 2026-11-21 or 2026-11-21T10:00:00Z", "%q is no time", clip(s))
		}
		switch {
		case name == "from":
			w.From = t
		case len(s) == 10:
			w.To = t + clientele.Micros(Day) - 1
		default:
			w.To = t
		}
	}
	switch {
	case w.From != 0 && w.To != 0 && w.From > w.To:
		p.fail(at.in("to"), "exchange the two", "to lies before from")
	case w.Within != 0 && w.OlderThan > w.Within:
		p.fail(at.in("older_than"), "within has to be the longer of the two", "nothing is older than %s and within %s", w.OlderThan, w.Within)
	}
	if _, ok := m["within"]; ok && w.Within == 0 {
		p.fail(at.in("within"), durationHint, "within is zero")
	}
	return w
}

func (p *parser) filters(at place, m map[string]any) (out []Filter) {
	v, ok := m["where"]
	if !ok {
		return nil
	}
	at = at.in("where")
	list, ok := v.([]any)
	if !ok {
		p.fail(at, `write [{"property":"revenue","op":"gt","value":100}]`, "a list of filters is needed, not %s", describe(v))
		return nil
	}
	if len(list) > MaxWhere {
		p.fail(at, "use in for many values of one property", "over %d filters", MaxWhere)
		return nil
	}
	for i, e := range list {
		out = append(out, p.filter(at.at(i), e, true))
	}
	return out
}

func (p *parser) filter(at place, v any, outer bool) Filter {
	m, ok := v.(map[string]any)
	if !ok {
		p.fail(at, `write {"property":"revenue","op":"gt","value":100}`, "a filter is an object, not %s", describe(v))
		return Filter{}
	}
	if _, ok := m["each"]; ok && outer {
		p.only(at, m, "each", "match")
		f := Filter{Each: p.path(at.in("each"), m["each"])}
		list, ok := m["match"].([]any)
		if !ok || len(list) == 0 || len(list) > MaxWhere {
			p.fail(at.in("match"), `write [{"property":"category","op":"eq","value":"tents"}]`, "a list of 1 to %d filters is needed, not %s", MaxWhere, describe(m["match"]))
			return f
		}
		for i, e := range list {
			f.Match = append(f.Match, p.filter(at.in("match").at(i), e, false))
		}
		return f
	}
	p.only(at, m, "property", "op", "value")
	return Filter{Property: p.path(at.in("property"), m["property"]), Test: p.testOf(at, m, anything)}
}

// messageColumns are the columns that a message leaf can name.
var messageColumns = []string{"campaign", "channel", "direction", "journey", "platform", "reason", "source", "status", "step", "template"}

func (p *parser) message(at place, m map[string]any) Condition {
	p.only(at, m, "message", "count", "within", "from", "to", "older_than")
	c := &Message{Window: p.window(at, m), Count: once().Test}
	fields, ok := m["message"].(map[string]any)
	if !ok {
		p.fail(at.in("message"), `write {"channel":"email","status":"sent"}`, "an object of columns is needed, not %s", describe(m["message"]))
		return c
	}
	p.only(at.in("message"), fields, messageColumns...)
	for _, name := range messageColumns {
		if v, ok := fields[name]; ok {
			c.Fields = append(c.Fields, Field{name, p.name(at.in("message").in(name), v)})
		}
	}
	if _, ok := m["count"]; ok {
		c.Count = p.nested(at, m, "count", whole)
	}
	return c
}

func (p *parser) sequence(at place, m map[string]any) Condition {
	p.only(at, m, "sequence", "within", "from", "to", "older_than")
	s := &Sequence{Window: p.window(at, m)}
	at = at.in("sequence")
	list, ok := m["sequence"].([]any)
	if !ok || len(list) < 2 || len(list) > MaxSteps {
		p.fail(at, `write [{"event":"Product Viewed"},{"event":"Order Completed"}]`, "a list of 2 to %d steps is needed, not %s", MaxSteps, describe(m["sequence"]))
		return s
	}
	for i, e := range list {
		s.Steps = append(s.Steps, p.step(at.at(i), e, i == 0))
	}
	return s
}

func (p *parser) step(at place, v any, first bool) Step {
	m, ok := v.(map[string]any)
	if !ok {
		p.fail(at, `write {"event":"Product Viewed"}`, "a step is an object, not %s", describe(v))
		return Step{}
	}
	s := Step{After: p.duration(at, m, "after"), Before: p.duration(at, m, "before")}
	_, s.Bound = m["before"]
	where, whereAt := m, at
	if n, ok := m["not"]; ok {
		p.only(at, m, "not", "after", "before")
		s.Not = true
		whereAt = at.in("not")
		if where, ok = n.(map[string]any); !ok {
			p.fail(whereAt, `write {"event":"Order Completed"}`, "an event is needed, not %s", describe(n))
			return s
		}
		p.only(whereAt, where, "event", "where")
	} else {
		p.only(at, m, "event", "where", "after", "before")
	}
	s.Name, s.Where = p.name(whereAt.in("event"), where["event"]), p.filters(whereAt, where)
	switch {
	case first && s.Not:
		p.fail(at, `begin with an event; "never did" is {"not":{"event":…}}`, "the first step is a not")
	case first && (s.After != 0 || s.Bound):
		p.fail(at, "within says when the first event has to be", "the first step has nothing to be after")
	case s.Bound && s.After > s.Before:
		p.fail(at.in("before"), "exchange the two", "before is shorter than after")
	}
	return s
}

// What a test may compare with.
type allowed uint8

const (
	anything allowed = iota
	numeric          // numbers only
	whole            // numbers of things
)

// nested reads a comparison that is a member.
func (p *parser) nested(at place, m map[string]any, name string, what allowed) Test {
	return p.test(at.in(name), m[name], what)
}

func (p *parser) test(at place, v any, what allowed) Test {
	m, ok := v.(map[string]any)
	if !ok {
		p.fail(at, `write {"op":"gte","value":2}`, "a comparison is needed, not %s", describe(v))
		return Test{}
	}
	p.only(at, m, "op", "value")
	return p.testOf(at, m, what)
}

var opNames = func() (out []string) {
	for _, o := range ops {
		out = append(out, string(o))
	}
	return out
}()

// testOf reads op and value of an object.
func (p *parser) testOf(at place, m map[string]any, what allowed) Test {
	s, _ := m["op"].(string)
	op := Op(s)
	if !slices.Contains(ops, op) {
		hint := "comparisons are " + strings.Join(opNames, ", ")
		if near := Nearest(s, opNames); len(near) > 0 {
			hint = "did you mean " + near[0] + "?"
		} else if other := map[string]Op{"=": Eq, "==": Eq, "!=": Ne, "<>": Ne, ">": Gt, ">=": Gte, "<": Lt, "<=": Lte, "equals": Eq, "is": Eq}[s]; other != "" {
			hint = "write " + string(other)
		}
		p.fail(at.in("op"), hint, "%q is no comparison", clip(s))
		return Test{}
	}
	if what != anything && !slices.Contains([]Op{Eq, Ne, Gt, Gte, Lt, Lte, Between}, op) {
		p.fail(at.in("op"), "write eq, ne, gt, gte, lt, lte or between", "numbers are not compared with %s", op)
		return Test{}
	}
	v, given := m["value"]
	t := Test{Op: op}
	at = at.in("value")
	switch op {
	case Exists, NotExists:
		if given {
			p.fail(at, "leave value out", "%s compares with nothing", op)
		}
		return t
	case In, NotIn, Between:
		list, ok := v.([]any)
		if !ok || len(list) == 0 || op == Between && len(list) != 2 {
			p.fail(at, map[Op]string{Between: "write [1, 10]: the least and the most, both included"}[op]+map[Op]string{In: `write ["a","b"]`, NotIn: `write ["a","b"]`}[op],
				"%s needs a list, not %s", op, describe(v))
			return t
		}
		if len(list) > MaxValues {
			p.fail(at, "name them in a trait, or upload them as a static audience", "over %d values", MaxValues)
			return t
		}
		for i, e := range list {
			t.Values = append(t.Values, p.literal(at.at(i), e))
		}
	default:
		t.Values = []Literal{p.literal(at, v)}
	}
	p.fits(at, t, what)
	return t
}

// literal reads a value.
func (p *parser) literal(at place, v any) Literal {
	switch v := v.(type) {
	case string:
		switch {
		case len(v) > MaxText:
			p.fail(at, "no value is that long", "the text is over %d bytes", MaxText)
		case strings.IndexByte(v, 0) >= 0:
			p.fail(at, "take it out", "the text holds a zero byte")
		}
		return TextOf(v)
	case float64:
		if v == 0 {
			v = 0 // not the negative one
		}
		return NumberOf(v)
	case bool:
		return BoolOf(v)
	}
	p.fail(at, "exists and not_exists ask whether there is a value", "a text, a number, or true or false is needed, not %s", describe(v))
	return Literal{}
}

// fits says whether the values are of what the comparison compares.
func (p *parser) fits(at place, t Test, what allowed) {
	if p.err != nil {
		return
	}
	for _, l := range t.Values {
		switch {
		case what != anything && l.Kind != Number:
			p.fail(at, "write the number without quotes", "a number is needed")
		case what == whole && (l.Number != math.Trunc(l.Number) || l.Number < 0 || l.Number > 1e9):
			p.fail(at, "things are counted 0, 1, 2, …", "a whole number up to 10^9 is needed")
		case t.Op.orders() && l.Kind == Bool:
			p.fail(at, "write eq", "true and false have no order")
		case (t.Op == StartsWith || t.Op == EndsWith) && l.Kind != Text:
			p.fail(at, "write the text in quotes", "%s compares texts", t.Op)
		}
	}
	first := t.Values[0]
	if t.Op == Before || t.Op == After {
		if _, ok := first.asTime(); !ok {
			p.fail(at, "write 2026-11-21 or 2026-11-21T10:00:00Z", "%s compares with a time", t.Op)
		}
	}
	if t.Op == Between {
		p.range2(at, t, first, t.Values[1])
	}
}

func (p *parser) range2(at place, t Test, low, high Literal) {
	_, lowTime := low.asTime()
	_, highTime := high.asTime()
	const hint = "write the least first, and both as numbers, as times or as texts"
	switch times, ok := t.times(); {
	case low.Kind != high.Kind || lowTime != highTime:
		p.fail(at, hint, "the two ends are not of one kind")
	case ok && times[0] > times[1], low.Kind == Number && low.Number > high.Number, !ok && low.Text > high.Text:
		p.fail(at, hint, "nothing lies between the two")
	}
}

// path reads the name of a property or trait; dots lead inward.
func (p *parser) path(at place, v any) string {
	s := p.name(at, v)
	for _, name := range strings.Split(s, ".") {
		if s != "" && (name == "" || name == "*") {
			p.fail(at, "dots lead inward: address.city is the city in address", "%q has no name between two dots, or a star for one", clip(s))
		}
	}
	if rest, ok := strings.CutPrefix(s, contextPrefix); ok {
		if first, _, _ := strings.Cut(rest, "."); slices.Contains(Unkept, first) {
			p.fail(at, "send what you need of it as a property of the event", "context.%s is not kept for audiences", first)
		}
	}
	return s
}

// Unkept are the members of an event's context that nobody is chosen by: they are large, or say
// who somebody is, and are not kept on the timeline that evaluation reads.
var Unkept = []string{"consent", "consentManagement", "externalIds", "gpc", "ip", "library", "traits", "userAgent", "userAgentData"}
