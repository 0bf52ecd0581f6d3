package audience

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"clientele"
)

// Naming is a kind of name that a definition refers to by.
type Naming string

// The kinds of names.
const (
	NameTrait      Naming = "trait"
	NameComputed   Naming = "computed trait"
	NamePrediction Naming = "prediction"
	NameEvent      Naming = "event"
	NameProperty   Naming = "property" // of an event
	NamePurpose    Naming = "consent purpose"
	NameNamespace  Naming = "identifier namespace"
	NameAudience   Naming = "audience"
	NameStage      Naming = "lifecycle stage"
)

// Catalogue knows what the data holds.
type Catalogue interface {
	// Names are the known names of the kind; of is the event whose properties are asked for. known is
	// false when the catalogue cannot say: then nothing is held against it.
	Names(kind Naming, of string) (names []string, known bool)
}

// Problem is something that a definition refers to and the data does not have.
type Problem struct {
	At   string // JSON pointer
	What string
	Hint string
}

// Error is the problem as an error.
func (p Problem) Error() error {
	return clientele.Errorf(clientele.Invalid, "%s: %s", p.At, p.What).WithHint("%s", p.Hint)
}

// Check holds the definition against what the data has: a name that is in none of it is most
// often a typing error, and the condition holds for nobody.
func Check(c Condition, known Catalogue) []Problem {
	ch := checker{known: known}
	ch.condition(place{}, c)
	return ch.found
}

type checker struct {
	known Catalogue
	found []Problem
}

func (ch *checker) name(at place, kind Naming, name, of string) {
	names, known := ch.known.Names(kind, of)
	if !known || slices.Contains(names, name) {
		return
	}
	p := Problem{At: at.String(), What: fmt.Sprintf("there is no %s %q", kind, clip(name))}
	if of != "" {
		p.What = fmt.Sprintf("%q has no %s %q", clip(of), kind, clip(name))
	}
	switch near := Nearest(name, names); {
	case len(near) > 0:
		p.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	case len(names) == 0:
		p.Hint = fmt.Sprintf("no %s is known yet", kind)
	default:
		slices.Sort(names)
		p.Hint = "there are " + strings.Join(names[:min(len(names), 10)], ", ")
		if len(names) > 10 {
			p.Hint += fmt.Sprintf(" and %d more", len(names)-10)
		}
	}
	ch.found = append(ch.found, p)
}

func (ch *checker) condition(at place, c Condition) {
	switch c := c.(type) {
	case And:
		for i, b := range c {
			ch.condition(at.in("and").at(i), b)
		}
	case Or:
		for i, b := range c {
			ch.condition(at.in("or").at(i), b)
		}
	case Not:
		ch.condition(at.in("not"), c.Of)
	case *Suppressed:
		ch.condition(at.in("of"), c.Of)
		for i, r := range c.Rules {
			ch.condition(at.in("suppress").at(i).in("when"), r.When)
		}
	case *Trait:
		ch.trait(at.in("trait"), c.Name)
	case *Event:
		ch.event(at, c.Name, c.Where)
		if c.Aggregate.Property != "" {
			ch.property(at.in(string(c.Aggregate.Kind)).in("property"), c.Name, c.Aggregate.Property)
		}
		if c.By != "" {
			ch.property(at.in("by"), c.Name, c.By)
		}
	case *Sequence:
		for i, s := range c.Steps {
			step := at.in("sequence").at(i)
			if s.Not {
				step = step.in("not")
			}
			ch.event(step, s.Name, s.Where)
		}
	case *Lifecycle:
		ch.name(at.in("lifecycle"), NameStage, c.Stage, "")
	case *Ref:
		ch.name(at.in("audience"), NameAudience, c.Audience, "")
	case *Consent:
		ch.name(at.in("consent"), NamePurpose, c.Purpose, "")
	case *Identifier:
		ch.name(at.in("identifier"), NameNamespace, string(c.Namespace), "")
	}
}

func (ch *checker) trait(at place, name string) {
	kind := NameTrait
	if rest, ok := strings.CutPrefix(name, "computed."); ok {
		kind, name = NameComputed, rest
	} else if rest, ok := strings.CutPrefix(name, "predictions."); ok {
		ch.name(at, NamePrediction, rest, "")
		return
	}
	name, _, _ = strings.Cut(name, ".")
	ch.name(at, kind, name, "")
}

func (ch *checker) event(at place, name string, where []Filter) {
	before := len(ch.found)
	ch.name(at.in("event"), NameEvent, name, "")
	if len(ch.found) > before {
		return // nothing is known of the properties of an event that is not
	}
	for i, f := range where {
		here := at.in("where").at(i)
		if f.Each != "" {
			ch.property(here.in("each"), name, f.Each)
		} else {
			ch.property(here.in("property"), name, f.Property)
		}
	}
}

func (ch *checker) property(at place, event, name string) {
	if strings.HasPrefix(name, contextPrefix) {
		return
	}
	name, _, _ = strings.Cut(name, ".")
	ch.name(at, NameProperty, name, event)
}

// contextPrefix leads a filter from the properties into the event's context.
const contextPrefix = "context."

// References are the audiences that the definition refers to, sorted.
func References(c Condition) []string {
	set := map[string]bool{}
	for _, l := range Leaves(c) {
		if r, ok := l.(*Ref); ok {
			set[r.Audience] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Order are the names of the definitions, each behind those it refers to; names that are equal in
// that by the alphabet. Conflict names a cycle.
func Order(definitions map[string]Condition) ([]string, error) {
	var out []string
	state := map[string]int{} // 1 = its references are being walked, 2 = done
	var path []string
	var visit func(name string) error
	visit = func(name string) error {
		c, ok := definitions[name]
		if !ok || state[name] == 2 {
			return nil
		}
		path = append(path, name)
		if state[name] == 1 {
			from := slices.Index(path, name)
			return clientele.Errorf(clientele.Conflict, "audiences refer to each other in a circle: %s", strings.Join(path[from:], " → ")).
				WithHint("take the reference out of one of them")
		}
		state[name] = 1
		for _, r := range precedes(definitions, c) {
			if err := visit(r); err != nil {
				return err
			}
		}
		state[name] = 2
		path = path[:len(path)-1]
		out = append(out, name)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}
