package audience

import (
	"fmt"
	"strconv"
	"strings"

	"clientele"
)

// Schema is what SQL has to know of the columns: the typed ones of the views events and profiles,
// by the name of the property or trait.
type Schema struct {
	Properties  map[string]Column
	Traits      map[string]Column
	Computed    map[string]Column // of profiles
	Predictions map[string]Column // of profiles
}

// SchemaOf are the columns that the promotions of events and profiles have made. computed are the types of the
// computed traits in force: a column of another type is of an earlier definition, and not read.
func SchemaOf(events, profiles []clientele.Promotion, computed map[string]clientele.ColumnType) Schema {
	s := Schema{Properties: map[string]Column{}, Traits: map[string]Column{}, Computed: map[string]Column{}, Predictions: map[string]Column{}}
	for _, p := range events {
		s.Properties[p.JSON] = Column{p.Column, p.Type}
	}
	for _, p := range profiles {
		if name, ok := strings.CutPrefix(p.JSON, clientele.PredictionJSON("")); ok {
			s.Predictions[name] = Column{p.Column, p.Type}
		} else if name, ok := strings.CutPrefix(p.JSON, clientele.ComputedJSON("")); !ok {
			s.Traits[p.JSON] = Column{p.Column, p.Type}
		} else if computed[name] == p.Type {
			s.Computed[name] = Column{p.Column, p.Type}
		}
	}
	return s
}

// Percentiles are the thresholds as of their last computation; not ok when there is none.
type Percentiles func(trait string, percentile float64) (threshold float64, ok bool)

// At is the moment for which a definition is asked, with what changes by itself.
type At struct {
	Now         clientele.Micros
	Percentiles Percentiles // nil = none is known
}

// TraitPercentile is a percentile of a trait that a definition compares with.
type TraitPercentile struct {
	Trait      string
	Percentile float64
}

// AskedPercentiles are those that the definition compares with.
func AskedPercentiles(c Condition) (out []TraitPercentile) {
	for _, l := range Leaves(c) {
		if t, ok := l.(*Trait); ok && t.Percentile != nil {
			out = append(out, TraitPercentile{t.Name, t.Percentile.Value})
		}
	}
	return out
}

func (at At) threshold(t *Trait) (float64, bool) {
	if at.Percentiles == nil {
		return 0, false
	}
	return at.Percentiles(t.Name, t.Percentile.Value)
}

// Members is a SELECT on the views whose one column is the profile_id of every member, each once.
func (s Schema) Members(c Condition, at At) string {
	return "select p.profile_id from profiles p where " + s.predicate(c, at)
}

// LeafMembers is such a SELECT of one leaf: with those of all leaves the members of any definition
// of them can be put together.
func (s Schema) LeafMembers(leaf Condition, at At) string {
	if set, complement, ok := s.set(leaf, at); ok && !complement {
		return set
	}
	return s.Members(leaf, at)
}

// predicate is the condition about the profiles row p.
func (s Schema) predicate(c Condition, at At) string {
	switch c := c.(type) {
	case *Suppressed:
		return s.predicates(c.All(), at, " and ")
	case And:
		return s.predicates(c, at, " and ")
	case Or:
		return s.predicates(c, at, " or ")
	case Not:
		if set, complement, ok := s.set(c.Of, at); ok {
			return in(set, !complement)
		}
		return "((" + s.predicate(c.Of, at) + ") is not true)"
	case *Trait:
		return s.trait(c, at)
	case *Consent:
		return consentSQL(c, at)
	}
	set, complement, _ := s.set(c, at)
	return in(set, complement)
}

func (s Schema) predicates(list []Condition, at At, word string) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = s.predicate(c, at)
	}
	return "(" + strings.Join(parts, word) + ")"
}

func in(set string, complement bool) string {
	if complement {
		return "p.profile_id not in (" + set + ")"
	}
	return "p.profile_id in (" + set + ")"
}

// set is a leaf as a query of profile ids, none of them null; with complement those that are not
// members. Not ok for what is decided in the profiles row.
func (s Schema) set(c Condition, at At) (query string, complement, ok bool) {
	switch c := c.(type) {
	case *Event:
		query, complement = s.event(c, at)
	case *Message:
		query, complement = messageSQL(c, at)
	case *Sequence:
		query = s.sequence(c, at)
	case *Lifecycle:
		query = fmt.Sprintf("select profile_id from lifecycle where left_at is null and stage = %s and entered_at <= %s",
			literalSQL(c.Stage), timeSQL(at.Now-clientele.Micros(c.For)))
	case *Ref:
		query = fmt.Sprintf("select profile_id from audience_members where exited_at is null and audience = %s", literalSQL(c.Audience))
	case *Listed:
		query = listedSQL(c)
	case *Identifier:
		query = "select profile_id from identifiers where profile_id is not null and namespace = " + literalSQL(string(c.Namespace))
		if c.Verified != nil {
			query += fmt.Sprintf(" and coalesce(verified, false) = %t", *c.Verified)
		}
		complement = !c.Exists
	case *Catalog:
		query = s.catalog(c)
	default:
		return "", false, false
	}
	return query, complement, true
}

func (s Schema) trait(t *Trait, at At) string {
	v := s.traitValue(t.Name)
	if t.Percentile == nil {
		return t.Test.sql(v)
	}
	threshold, ok := at.threshold(t)
	if !ok {
		return "false"
	}
	return Test{t.Percentile.Op, []Literal{NumberOf(threshold)}}.sql(v)
}

// PercentileOf is a SELECT of one row: the value at the percentile of the trait, between the two that are next to it
// where it is no profile's (percentile_cont of SQL:2011), and how many profiles have a number.
func (s Schema) PercentileOf(trait string, percentile float64) string {
	return fmt.Sprintf("select percentile_cont(%s) within group (order by x), count(*) from (select %s as x from profiles p) q where x is not null",
		strconv.FormatFloat(percentile/100, 'f', -1, 64), s.traitValue(trait).finite())
}

// traitValue is a trait, computed trait or prediction of the profiles row p.
func (s Schema) traitValue(name string) sqlValue {
	if rest, ok := strings.CutPrefix(name, "computed."); ok {
		c, known := s.Computed[rest]
		return valueAt("p.computed", rest).typed(c, known, "p")
	}
	if rest, ok := strings.CutPrefix(name, "predictions."); ok {
		c, known := s.Predictions[rest]
		return valueAt("p.predictions", rest).typed(c, known, "p")
	}
	c, ok := s.Traits[name]
	return valueAt("p.traits", name).typed(c, ok && !strings.Contains(name, "."), "p")
}

// consentSQL looks the decision up in the profile's own list: the channel's, otherwise the one for
// every channel.
func consentSQL(c *Consent, at At) string {
	one := func(channel string) string {
		return fmt.Sprintf("list_filter(json_extract(p.consent, '$[*]'), lambda q: (q->>'purpose') = %s and coalesce(q->>'channel', '') = %s)[1]",
			literalSQL(c.Purpose), literalSQL(channel))
	}
	decision := one(c.Channel)
	if c.Channel != "" {
		decision = "coalesce(" + decision + ", " + one("") + ")"
	}
	quoted := string(appendText(nil, c.Purpose))
	// Times in JSON are of one length, so their texts are in their order.
	return fmt.Sprintf("(contains(cast(p.consent as varchar), %s) and (%s->>'granted') = '%t' and coalesce((%[2]s->>'expires_at') > %[4]s, true))",
		literalSQL(quoted), decision, c.Granted, literalSQL(at.Now.String()))
}

// appendText is the text as the JSON of the row has it.
func appendText(b []byte, s string) []byte {
	var w writer
	w.text(s)
	return append(b, w.Bytes()...)
}

// eventTypes are the kinds of events that have no name of their own.
var eventTypes = []string{"identify", "page", "screen", "group", "alias"}

// eventNamed is whether the event is called so: by its name, or, without one, by its type.
func eventNamed(name, alias string) string {
	for _, t := range eventTypes {
		if name == t {
			return fmt.Sprintf("(%[1]s.name = %[2]s or %[1]s.name is null and %[1]s.type = %[2]s)", alias, literalSQL(name))
		}
	}
	return alias + ".name = " + literalSQL(name)
}

// matching is the FROM and WHERE of the events of the leaf that are in its window.
func (s Schema) matching(e *Event, at At) string {
	from, to := e.Bounds(at.Now)
	return fmt.Sprintf("from events e where %s and e.profile_id is not null and e.ts between %s and %s%s",
		eventNamed(e.Name, "e"), timeSQL(from), timeSQL(to), s.filtersSQL(e.Where, "e"))
}

// event is the leaf's set, or its complement where nobody's zero events are enough.
func (s Schema) event(e *Event, at At) (query string, complement bool) {
	matching := s.matching(e, at)
	a := e.Aggregate
	_, negated := a.Test.Op.positive()
	if a.Kind == First || a.Kind == Last {
		return s.extreme(e, matching), negated
	}
	if e.By != "" {
		return fmt.Sprintf("select distinct profile_id from (select e.profile_id, %s k %s) where k is not null group by profile_id, k having %s",
			s.property(e.By, "e").key(), matching, countSQL(a.Test, "count(*)")), false
	}
	if a.Kind == Count && a.Test.Op == Gte && a.Test.Values[0].Number == 1 {
		return "select distinct e.profile_id " + matching, false
	}
	having := s.having(a)
	if a.empty() {
		return fmt.Sprintf("select e.profile_id %s group by e.profile_id having (%s) is not true", matching, having), true
	}
	return fmt.Sprintf("select e.profile_id %s group by e.profile_id having %s", matching, having), false
}

// empty says whether the aggregate of no events passes: a count of nothing is zero, what is made
// of numbers is missing.
func (a Aggregate) empty() bool {
	if a.Kind == Count || a.Kind == Unique {
		return a.Test.Holds([]byte("0"))
	}
	return a.Test.Holds(nil)
}

// having is the test of an aggregate of events.
func (s Schema) having(a Aggregate) string {
	op, negated := a.Test.Op.positive()
	v := s.property(a.Property, "e")
	var test string
	switch a.Kind {
	case Count:
		return countSQL(a.Test, "count(*)")
	case Unique:
		return countSQL(a.Test, "count(distinct "+v.key()+")")
	case Sum, Avg:
		with := make([]string, len(a.Test.Values))
		for i, l := range a.Test.Values {
			with[i] = unitsSQL(l.Number)
			if a.Kind == Avg { // a mean is compared without dividing
				with[i] += " * cast(count(" + v.unitsOf() + ") as hugeint)"
			}
		}
		test = compareSQL(op, "sum("+v.unitsOf()+")", with)
	default:
		with := make([]string, len(a.Test.Values))
		for i, l := range a.Test.Values {
			with[i] = numberSQL(l.Number)
		}
		test = compareSQL(op, fmt.Sprintf("%s(%s)", a.Kind, v.finite()), with)
	}
	if negated {
		return "(" + test + ") is not true"
	}
	return test
}

// extreme is who has the first or last value of the property pass; the complement is the caller's.
func (s Schema) extreme(e *Event, matching string) string {
	v := s.property(e.Aggregate.Property, "e")
	order := "ts, source, event_id"
	if e.Aggregate.Kind == Last {
		order = "ts desc, source desc, event_id desc"
	}
	op, _ := e.Aggregate.Test.Op.positive()
	return fmt.Sprintf("select profile_id from (select e.profile_id, json_extract(%s, %s) v, row_number() over (partition by e.profile_id order by %s) n %s and (%s->>%s) is not null) x where n = 1 and %s",
		v.doc, v.path, order, matching, v.doc, v.path, Test{op, e.Aggregate.Test.Values}.sql(sqlValue{doc: "x.v", path: "'$'"}))
}

func messagesMatching(m *Message, from, to clientele.Micros) string {
	var b strings.Builder
	for _, f := range m.Fields {
		fmt.Fprintf(&b, " and m.%s = %s", quoteSQL(f.Name), literalSQL(f.Value))
	}
	return fmt.Sprintf("from messages m where m.profile_id is not null and m.ts between %s and %s%s", timeSQL(from), timeSQL(to), b.String())
}

func messageSQL(m *Message, at At) (query string, complement bool) {
	from, to := m.Bounds(at.Now)
	having := countSQL(m.Count, "count(*)")
	complement = m.Count.Holds([]byte("0"))
	if complement {
		having = "not (" + having + ")"
	}
	return fmt.Sprintf("select m.profile_id %s group by m.profile_id having %s", messagesMatching(m, from, to), having), complement
}
