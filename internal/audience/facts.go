package audience

import (
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// Facts are what is known of one profile. Evaluate asks for no more than it needs.
type Facts interface {
	// Trait is the JSON of a trait, computed trait (computed.name) or prediction (predictions.name);
	// nil when there is none. The name holds no further dots.
	Trait(name string) (jsontext.Value, error)
	// Consent is the decision that holds for the purpose on the channel; nil when there is none.
	Consent(purpose, channel string) (*clientele.Consent, error)
	// Identifiers are all that the profile has.
	Identifiers() ([]clientele.ProfileIdentifier, error)
	// InAudience says whether the profile is a member of the audience.
	InAudience(name string) (bool, error)
	// Listed says whether the profile is on the list of the audience.
	Listed(name string) (bool, error)
	// Lifecycle is the stage that the profile is in, and since when; "" for none.
	Lifecycle() (stage string, since clientele.Micros, err error)
	// Events calls fn for the events of the name between from and to, both included, in whatever
	// order, until fn returns an error. What fn is given is its own.
	Events(name string, from, to clientele.Micros, fn func(*Occurrence) error) error
	// Hits are what Match finds in Events between from and to, both included, in the order of
	// their stamps. A caller that keeps them need not read the events.
	Hits(c *Counted, from, to clientele.Micros) ([]Hit, error)
	// Stock is how much of the SKU is available, all places together; not known when nobody has said it.
	Stock(sku string) (available float64, known bool, err error)
	// OrderLines calls fn for the lines of the profile's orders, in whatever order.
	OrderLines(fn func(OrderLine) error) error
	// Messages calls fn likewise for the messages.
	Messages(from, to clientele.Micros, fn func(*Occurrence) error) error
}

// Occurrence is an event, or a message with its columns as properties.
type Occurrence struct {
	clientele.Stamp
	Properties []byte // a JSON object, or nothing
	Context    []byte // likewise
}

// Counted is what an event leaf counts: events of the name that pass the filters, and of each the
// value of one property. Leaves that differ in window and test only have the same.
type Counted struct {
	Name     string
	Where    []Filter
	Property string // "" = none
}

// Hit is an event that is counted.
type Hit struct {
	clientele.Stamp `cbor:"1,keyasint"`
	// Value is the property's JSON; nil when it is missing, or none is asked for.
	Value jsontext.Value `cbor:"2,keyasint,omitempty"`
}

// Counted is what the leaf counts.
func (e *Event) Counted() *Counted {
	c := &Counted{Name: e.Name, Where: e.Where, Property: e.Aggregate.Property}
	if e.By != "" {
		c.Property = e.By
	}
	return c
}

// Key is equal for what counts the same.
func (c *Counted) Key() string {
	var w writer
	w.begin('{')
	w.member("event", c.Name)
	w.where(c.Where)
	if c.Property != "" {
		w.member("property", c.Property)
	}
	w.end('}')
	return w.String()
}

// Match says whether the occurrence is counted.
func (c *Counted) Match(o *Occurrence) (Hit, bool) {
	if !passes(c.Where, o) {
		return Hit{}, false
	}
	h := Hit{Stamp: o.Stamp}
	if c.Property != "" {
		if v := o.property(c.Property); !missing(v) {
			h.Value = v
		}
	}
	return h, true
}

func (o *Occurrence) property(path string) jsontext.Value {
	if len(path) > len(contextPrefix) && path[:len(contextPrefix)] == contextPrefix {
		return Member(o.Context, path[len(contextPrefix):])
	}
	return Member(o.Properties, path)
}

// passes says whether the occurrence passes all filters.
func passes(filters []Filter, o *Occurrence) bool {
	for i := range filters {
		f := &filters[i]
		if f.Each == "" {
			if !f.Test.Holds(o.property(f.Property)) {
				return false
			}
			continue
		}
		found := false
		elements(o.property(f.Each), func(e jsontext.Value) bool {
			found = true
			for _, m := range f.Match {
				found = found && m.Test.Holds(Member(e, m.Property))
			}
			return !found
		})
		if !found {
			return false
		}
	}
	return true
}
