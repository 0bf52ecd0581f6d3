package audience

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// Plan is definitions made ready for evaluation: an index says which of them a change of a profile
// can touch, so that what an event costs does not grow with how many there are. Definitions are
// numbered in the order in which they have to be evaluated: each behind those it refers to.
type Plan struct {
	entries    []Entry
	events     map[string]*eventIndex
	traits     map[string]*finding // that it has changed; by the name of the first level, prefix included
	conditions []*finding          // those whose definitions are found at the end of a frame only
	purposes   map[string][]int
	namespaces []int
	messages   []int
	lifecycle  []int
	refs       map[string][]int // by the audience referred to
	lists      map[string][]int // by the audience whose list it is
	places     map[versionOf]int
	lastStage  int   // the last that is a lifecycle stage; -1 when none is
	vacuous    []int // those that a profile of which nothing is known belongs to
	catalogs   []int // those that ask for what is available of what is wanted
	stocks     []*Catalog
	computed   bool // some definition asks for a computed trait
}

// Entry is a definition of a plan. Several may have one name: versions of an audience.
type Entry struct {
	Name      string
	Version   int
	Condition Condition
	Filling   bool // it is not live yet: what is skipped below may be told of it by SQL
}

// eventIndex finds the conditions that an event of one name can meet. Most compare a property with
// a value: those are found by the value.
type eventIndex struct {
	equal map[string]map[string][]int // property -> key of the value -> conditions
	rest  []int
	all   []counted
}

type counted struct {
	where []Filter
	*finding
}

// NewPlan makes a plan. Conflict when definitions refer to each other in a circle.
func NewPlan(entries []Entry) (*Plan, error) {
	byName := map[string]Condition{}
	for _, e := range entries {
		if have, ok := byName[e.Name]; ok { // both versions come behind what either refers to
			byName[e.Name] = And{have, e.Condition}
		} else {
			byName[e.Name] = e.Condition
		}
	}
	order, err := Order(byName)
	if err != nil {
		return nil, err
	}
	p := &Plan{entries: slices.Clone(entries), events: map[string]*eventIndex{}, traits: map[string]*finding{}, purposes: map[string][]int{}, refs: map[string][]int{}, lists: map[string][]int{}, places: map[versionOf]int{}, lastStage: -1}
	slices.SortStableFunc(p.entries, func(a, b Entry) int {
		if i, j := slices.Index(order, a.Name), slices.Index(order, b.Name); i != j {
			return i - j
		}
		return a.Version - b.Version
	})
	wheres := map[string]int{} // event and filters -> place in the event's index
	for i, e := range p.entries {
		p.places[versionOf{e.Name, e.Version}] = i
		if IsStage(e.Name) {
			p.lastStage = i
		}
		for _, l := range Leaves(e.Condition) {
			p.add(i, l, wheres)
		}
		if member, by, _, err := Decide(e.Condition, nobody{}, At{}); err == nil && (member || by != 0) {
			p.vacuous = append(p.vacuous, i)
		}
	}
	return p, nil
}

func (p *Plan) add(i int, l Condition, wheres map[string]int) {
	switch l := l.(type) {
	case *Trait:
		name, _ := traitPath(l.Name)
		p.computed = p.computed || strings.HasPrefix(name, "computed.")
		if p.traits[name] == nil {
			p.traits[name] = p.condition()
		}
		p.traits[name].trait(i, p.entries[i], name)
	case *Event:
		p.addEvent(i, l.Name, l.Where, wheres, false)
	case *Sequence:
		for _, s := range l.Steps {
			p.addEvent(i, s.Name, s.Where, wheres, s.Not && demands(p.entries[i].Condition, l))
		}
	case *Message:
		p.messages = put1(p.messages, i)
	case *Catalog:
		p.catalogs, p.stocks = put1(p.catalogs, i), append(p.stocks, l)
		for _, name := range append([]string{skuOrdered}, wantedBy...) {
			p.addEvent(i, name, nil, wheres, false)
		}
	case *Lifecycle:
		p.lifecycle = put1(p.lifecycle, i)
	case *Ref:
		p.refs[l.Audience] = put1(p.refs[l.Audience], i)
	case *Listed:
		p.lists[l.Audience] = put1(p.lists[l.Audience], i)
	case *Consent:
		p.purposes[l.Purpose] = put1(p.purposes[l.Purpose], i)
	case *Identifier:
		p.namespaces = put1(p.namespaces, i)
	}
}

func put1(list []int, i int) []int {
	if len(list) > 0 && list[len(list)-1] == i {
		return list
	}
	return append(list, i)
}

func (p *Plan) addEvent(i int, name string, where []Filter, wheres map[string]int, unwanted bool) {
	x := p.events[name]
	if x == nil {
		x = &eventIndex{equal: map[string]map[string][]int{}}
		p.events[name] = x
	}
	key := (&Counted{Name: name, Where: where}).Key()
	n, ok := wheres[key]
	if !ok {
		n = len(x.all)
		wheres[key] = n
		x.all = append(x.all, counted{where, p.condition()})
		x.index(n, where)
	}
	x.all[n].event(i, p.entries[i], unwanted)
}

// index puts a condition where an event that meets it looks.
func (x *eventIndex) index(n int, where []Filter) {
	for _, f := range where {
		if f.Each != "" || f.Test.Op != Eq && f.Test.Op != In || slices.ContainsFunc(f.Test.Values, func(l Literal) bool { return l.Kind == Bool }) {
			continue
		}
		by := x.equal[f.Property]
		if by == nil {
			by = map[string][]int{}
			x.equal[f.Property] = by
		}
		for _, l := range f.Test.Values {
			k := l.indexKey()
			by[k] = put1(by[k], n)
		}
		return
	}
	x.rest = append(x.rest, n)
}

func (l Literal) indexKey() string {
	if l.Kind == Number {
		return numberKey(l.Number)
	}
	return "s" + l.Text
}

func numberKey(f float64) string { return "n" + strconv.FormatFloat(f+0, 'g', -1, 64) }

// Entry is the definition of the number.
func (p *Plan) Entry(i int) Entry { return p.entries[i] }

// Len is how many definitions there are; a nil plan has none.
func (p *Plan) Len() int {
	if p == nil {
		return 0
	}
	return len(p.entries)
}

// LastStage is the number of the last definition that is a lifecycle stage, -1 when none is. Those
// that ask for the stage come behind it.
func (p *Plan) LastStage() int { return p.lastStage }

// Messages says whether messages touch any definition.
func (p *Plan) Messages() bool { return len(p.messages) > 0 }

// AsksComputed says whether any definition asks for a computed trait.
func (p *Plan) AsksComputed() bool { return p.computed }

// AsksCatalog says whether any definition asks for what is available.
func (p *Plan) AsksCatalog() bool { return len(p.catalogs) > 0 }

// Catalog adds those that ask for what is available of what is wanted.
func (p *Plan) Catalog(t Touched) { t.add(p.catalogs) }

// StockDecides says whether a SKU's stock, before and now, is another answer to any definition; nil for a stock that is
// not known.
func (p *Plan) StockDecides(before, now *float64) bool {
	return slices.ContainsFunc(p.stocks, func(c *Catalog) bool {
		return (before != nil && c.Holds(*before)) != (now != nil && c.Holds(*now))
	})
}

// Heard says whether events of the name touch any definition.
func (p *Plan) Heard(name string) bool { return p.events[name] != nil }

// Touched is a set of definitions by number.
type Touched map[int]bool

func (t Touched) add(list []int) {
	for _, i := range list {
		t[i] = true
	}
}

// All adds every definition: for profiles that were put together or taken apart.
func (p *Plan) All(t Touched) {
	for i := range p.entries {
		t[i] = true
	}
}

// Vacuous adds those that a profile belongs to of which nothing is known, for one that is new.
func (p *Plan) Vacuous(t Touched) { t.add(p.vacuous) }

// Event adds the definitions that the event can touch.
func (p *Plan) Event(t Touched, name string, o *Occurrence) {
	x := p.events[name]
	if x == nil {
		return
	}
	meets := func(list []int) {
		for _, n := range list {
			if c := &x.all[n]; passes(c.where, o) {
				c.met(t)
			}
		}
	}
	for property, by := range x.equal {
		v := o.property(property)
		if missing(v) {
			continue
		}
		if s, ok := textOf(v); ok {
			meets(by["s"+s])
		}
		if f, ok := numberOf(v); ok {
			meets(by[numberKey(f)])
		}
	}
	meets(x.rest)
}

// Trait adds those that ask for the trait.
func (p *Plan) Trait(t Touched, name string) {
	if c := p.traits[name]; c != nil {
		c.met(t)
	}
}

// Consent adds those that ask for the purpose.
func (p *Plan) Consent(t Touched, purpose string) { t.add(p.purposes[purpose]) }

// Consents adds those that ask for any purpose.
func (p *Plan) Consents(t Touched) {
	for _, list := range p.purposes {
		t.add(list)
	}
}

// Identifiers adds those that ask for identifiers.
func (p *Plan) Identifiers(t Touched) { t.add(p.namespaces) }

// Message adds those that ask for messages.
func (p *Plan) Message(t Touched) { t.add(p.messages) }

// Stage adds those that ask for the lifecycle stage.
func (p *Plan) Stage(t Touched) { t.add(p.lifecycle) }

// Membership adds those that refer to the audience.
func (p *Plan) Membership(t Touched, name string) { t.add(p.refs[name]) }

// nobody is a profile of which nothing is known.
type nobody struct{}

func (nobody) Trait(string) (jsontext.Value, error)                             { return nil, nil }
func (nobody) Consent(string, string) (*clientele.Consent, error)               { return nil, nil }
func (nobody) Identifiers() ([]clientele.ProfileIdentifier, error)              { return nil, nil }
func (nobody) InAudience(string) (bool, error)                                  { return false, nil }
func (nobody) Listed(string) (bool, error)                                      { return false, nil }
func (nobody) Lifecycle() (string, clientele.Micros, error)                     { return "", 0, nil }
func (nobody) Hits(*Counted, clientele.Micros, clientele.Micros) ([]Hit, error) { return nil, nil }
func (nobody) Stock(string) (float64, bool, error)                              { return 0, false, nil }
func (nobody) OrderLines(func(OrderLine) error) error                           { return nil }
func (nobody) Events(string, clientele.Micros, clientele.Micros, func(*Occurrence) error) error {
	return nil
}
func (nobody) Messages(clientele.Micros, clientele.Micros, func(*Occurrence) error) error { return nil }

// Version adds the definition of that name and version, and says whether there is one.
func (p *Plan) Version(t Touched, name string, version int) bool {
	i, ok := p.places[versionOf{name, version}]
	if ok {
		t[i] = true
	}
	return ok
}

type versionOf struct {
	name    string
	version int
}
