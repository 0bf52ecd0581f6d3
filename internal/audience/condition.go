package audience

import (
	"clientele"
)

// Condition is a node of a definition: And, Or, Not or a leaf. Every leaf is two-valued: what is
// missing is false.
type Condition interface{ condition() }

// And holds when all of its conditions do.
type And []Condition

// Or holds when one of its conditions does.
type Or []Condition

// Not holds when its condition does not.
type Not struct{ Of Condition }

// Trait tests a trait, or with the prefixes computed. and predictions. one of those. Dots lead
// inward: address.city is the member city of the trait address.
type Trait struct {
	Name string
	Test Test
	// Percentile compares with the value below which so many percent of all profiles that have
	// one lie, as of its last computation; Test is empty then.
	Percentile *Percentile
}

// Percentile is a comparison with a percentile of a trait: gt, gte, lt or lte one between 0 and 100.
type Percentile struct {
	Op    Op
	Value float64
}

// Event tests the events of one name: how many of those that Where lets through lie in Window, or
// what a property of theirs adds up to.
type Event struct {
	Name  string
	Where []Filter
	Window
	Aggregate Aggregate
	By        string // one value of this property has to reach the count; "" = all events together
}

// Message tests the messages to and from a person, ours and other platforms'.
type Message struct {
	Fields []Field // columns of the messages table with the text they must have, by name
	Window
	Count Test
}

// Field is a column with the text that it must have.
type Field struct{ Name, Value string }

// Sequence tests whether events came after each other.
type Sequence struct {
	Steps []Step
	Window
}

// Step is one step of a sequence. An event of a step comes behind the event of the step before,
// and between After and Before (0 = whenever) later. A Not step says that no such event came: up
// to the next step's event, or, at the end, until Before has passed.
type Step struct {
	Not    bool
	Name   string
	Where  []Filter
	After  Duration
	Before Duration
	Bound  bool // Before was given: it may be zero
}

// Lifecycle tests the lifecycle stage, and for how long the profile has been in it.
type Lifecycle struct {
	Stage string
	For   Duration
}

// Catalog tests the stock of what a person wants.
type Catalog struct {
	List      string // wanted_skus
	Available Test
}

// Ref is membership of another audience.
type Ref struct{ Audience string }

// Consent tests the decision that holds for a purpose on a channel ("" = the one for every
// channel). One whose hour has passed is none.
type Consent struct {
	Purpose, Channel string
	Granted          bool
}

// Identifier tests whether a profile has an identifier of the namespace; Verified restricts it to
// those that are, or are not.
type Identifier struct {
	Namespace clientele.Namespace
	Exists    bool
	Verified  *bool
}

func (And) condition()         {}
func (Or) condition()          {}
func (Not) condition()         {}
func (*Trait) condition()      {}
func (*Event) condition()      {}
func (*Message) condition()    {}
func (*Sequence) condition()   {}
func (*Lifecycle) condition()  {}
func (*Catalog) condition()    {}
func (*Ref) condition()        {}
func (*Consent) condition()    {}
func (*Identifier) condition() {}

// Filter tests a property of an event, or, with Each, whether one element of a list of objects
// passes all of Match. A property's dots lead inward, and context. leads into the event's context.
type Filter struct {
	Property string
	Test     Test
	Each     string
	Match    []Filter
}

// AggregateKind is what is made of the events of a leaf.
type AggregateKind string

// The aggregates. All but count are of a property: sum, avg, min and max of its numbers, unique of
// how many different values, first and last of the earliest and latest event that has it.
const (
	Count  AggregateKind = "count"
	Sum    AggregateKind = "sum"
	Avg    AggregateKind = "avg"
	Min    AggregateKind = "min"
	Max    AggregateKind = "max"
	Unique AggregateKind = "unique"
	First  AggregateKind = "first"
	Last   AggregateKind = "last"
)

var aggregates = []AggregateKind{Count, Sum, Avg, Min, Max, Unique, First, Last}

// Aggregate is what is made of events, and the test it has to pass.
type Aggregate struct {
	Kind     AggregateKind
	Property string
	Test     Test
}

// Duration is a length of time in microseconds. A day has 24 hours.
type Duration int64

// The units of durations.
const (
	Second Duration = 1_000_000
	Minute          = 60 * Second
	Hour            = 60 * Minute
	Day             = 24 * Hour
)

// Window says which events count: Within back from now, OlderThan before now, From and To. Zero
// values do not restrict; all bounds are inclusive; what lies after now never counts.
type Window struct {
	Within    Duration
	OlderThan Duration
	From, To  clientele.Micros
}

// Bounds are the first and last moment of the window at now.
func (w Window) Bounds(now clientele.Micros) (from, to clientele.Micros) {
	from, to = clientele.MinTime, now
	if w.From != 0 {
		from = w.From
	}
	if w.Within != 0 {
		from = max(from, now-clientele.Micros(w.Within))
	}
	if w.To != 0 {
		to = min(to, w.To)
	}
	if w.OlderThan != 0 {
		to = min(to, now-clientele.Micros(w.OlderThan))
	}
	return from, to
}

// Op is a comparison.
type Op string

// The comparisons. Ne, NotIn, NotContains and NotExists are the opposite of Eq, In, Contains and
// Exists, and so hold for what is missing.
const (
	Eq          Op = "eq"
	Ne          Op = "ne"
	Gt          Op = "gt"
	Gte         Op = "gte"
	Lt          Op = "lt"
	Lte         Op = "lte"
	Between     Op = "between"
	In          Op = "in"
	NotIn       Op = "not_in"
	Contains    Op = "contains"
	NotContains Op = "not_contains"
	StartsWith  Op = "starts_with"
	EndsWith    Op = "ends_with"
	Exists      Op = "exists"
	NotExists   Op = "not_exists"
	Before      Op = "before"
	After       Op = "after"
)

var ops = []Op{Eq, Ne, Gt, Gte, Lt, Lte, Between, In, NotIn, Contains, NotContains, StartsWith, EndsWith, Exists, NotExists, Before, After}

// positive is the comparison of which the op is the opposite, or itself.
func (o Op) positive() (op Op, negated bool) {
	switch o {
	case Ne:
		return Eq, true
	case NotIn:
		return In, true
	case NotContains:
		return Contains, true
	case NotExists:
		return Exists, true
	}
	return o, false
}

// Test is a comparison with what it compares with: none for exists, two for between, many for in,
// otherwise one.
type Test struct {
	Op     Op
	Values []Literal
}

// Walk calls fn for the condition and all below it, until fn answers false.
func Walk(c Condition, fn func(Condition) bool) bool {
	if !fn(c) {
		return false
	}
	var below []Condition
	switch c := c.(type) {
	case And:
		below = c
	case Or:
		below = c
	case Not:
		below = []Condition{c.Of}
	case *Suppressed:
		below = c.All()
	}
	for _, b := range below {
		if !Walk(b, fn) {
			return false
		}
	}
	return true
}

// Leaves are the leaves of the condition, in their order.
func Leaves(c Condition) (out []Condition) {
	Walk(c, func(c Condition) bool {
		switch c.(type) {
		case And, Or, Not, *Suppressed:
		default:
			out = append(out, c)
		}
		return true
	})
	return out
}
