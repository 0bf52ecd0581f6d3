package audience

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// finding is what a change leads to: definitions that have to be evaluated whatever else is so, and
// those that it concerns only if the profile has a certain trait, or is a member. Those are found when
// the profile is at hand. What is passed over is not a member and cannot become one by the change: a
// trait that the definition demands is another one, or the event is one that a sequence does not want.
type finding struct {
	number   int // among the findings of the plan
	entries  []int
	guarded  []*guard
	ifMember map[int]bool
}

// guard are the definitions that demand a value of a trait, by the value.
type guard struct {
	trait, path string
	by          map[string][]int
}

func (p *Plan) condition() *finding {
	f := &finding{number: len(p.conditions), ifMember: map[int]bool{}}
	p.conditions = append(p.conditions, f)
	return f
}

// traitPath divides a trait's name into that of the first level and the path inward.
func traitPath(name string) (first, path string) {
	if _, prefixed := cutPrefix(name, "computed.", "predictions."); prefixed {
		return name, ""
	}
	first, path, _ = strings.Cut(name, ".")
	return first, path
}

// conjunction are conditions that all have to hold.
func conjunction(c Condition) (And, bool) {
	if s, ok := c.(*Suppressed); ok {
		return s.All(), true
	}
	all, ok := c.(And)
	return all, ok
}

// demands says whether the condition holds only where the leaf does.
func demands(c Condition, leaf Condition) bool {
	if c == leaf {
		return true
	}
	all, ok := conjunction(c)
	if !ok {
		return false
	}
	for _, b := range all {
		if b == leaf {
			return true
		}
	}
	return false
}

// demanded is the first test of a trait for values that the condition demands.
func demanded(c Condition) *Trait {
	all, ok := conjunction(c)
	if !ok {
		all = And{c}
	}
	for _, b := range all {
		t, ok := b.(*Trait)
		if !ok || t.Percentile != nil || t.Test.Op != Eq && t.Test.Op != In {
			continue
		}
		plain := true
		for _, l := range t.Test.Values {
			plain = plain && l.Kind != Bool
		}
		if plain {
			return t
		}
	}
	return nil
}

// event adds the definition to what an event leads to.
func (f *finding) event(i int, e Entry, unwanted bool) {
	if unwanted && !e.Filling {
		f.ifMember[i] = true
		return
	}
	if t := demanded(e.Condition); t != nil {
		f.guard(i, t)
		return
	}
	f.entries = put1(f.entries, i)
}

// trait adds the definition to what a changed trait leads to.
func (f *finding) trait(i int, e Entry, name string) {
	t := demanded(e.Condition)
	if t == nil || e.Filling {
		f.entries = put1(f.entries, i)
		return
	}
	if first, _ := traitPath(t.Name); first == name {
		f.ifMember[i] = true
	}
	f.guard(i, t)
}

func (f *finding) guard(i int, t *Trait) {
	first, path := traitPath(t.Name)
	var g *guard
	for _, have := range f.guarded {
		if have.trait == first && have.path == path {
			g = have
		}
	}
	if g == nil {
		g = &guard{first, path, map[string][]int{}}
		f.guarded = append(f.guarded, g)
	}
	for _, l := range t.Test.Values {
		k := l.indexKey()
		g.by[k] = put1(g.by[k], i)
	}
}

// met notes that the change was there.
func (f *finding) met(t Touched) {
	t.add(f.entries)
	if len(f.guarded)+len(f.ifMember) > 0 {
		t[-1-f.number] = true
	}
}

// Find puts the definitions in the place of what has to be found of the profile of the facts, which is
// a member of those whose names and versions members calls its function with.
func (p *Plan) Find(t Touched, f Facts, members func(func(name string, version int))) error {
	var found []*finding
	for i := range t {
		if i < 0 {
			found = append(found, p.conditions[-1-i])
			delete(t, i)
		}
	}
	if len(found) == 0 {
		return nil
	}
	members(func(name string, version int) {
		i, ok := p.places[versionOf{name, version}]
		for _, x := range found {
			if ok && x.ifMember[i] {
				t[i] = true
			}
		}
	})
	for _, x := range found {
		for _, g := range x.guarded {
			v, err := f.Trait(g.trait)
			if err != nil {
				return err
			}
			if g.path != "" {
				v = Member(v, g.path)
			}
			g.find(t, v)
		}
	}
	return nil
}

func (g *guard) find(t Touched, v jsontext.Value) {
	if missing(v) {
		return
	}
	if s, ok := textOf(v); ok {
		t.add(g.by["s"+s])
	}
	if f, ok := numberOf(v); ok {
		t.add(g.by[numberKey(f)])
	}
}
