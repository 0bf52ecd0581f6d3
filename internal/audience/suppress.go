package audience

import (
	"clientele"
)

// MaxSuppress is how many suppress rules an audience can have.
const MaxSuppress = 16

// Suppressed holds for whom Of holds and no rule does: who is left out of an action though the definition means
// them. It stands at the top of a definition only.
type Suppressed struct {
	Of    Condition
	Rules []SuppressRule
}

// SuppressRule leaves out whom When holds for.
type SuppressRule struct {
	Name string
	When Condition
}

func (*Suppressed) condition() {}

// All is the same as one condition: those of the definition, and that no rule holds.
func (s *Suppressed) All() And {
	out, ok := s.Of.(And)
	if !ok {
		out = And{s.Of}
	}
	out = out[:len(out):len(out)]
	for _, r := range s.Rules {
		out = append(out, Not{r.When})
	}
	return out
}

// By is whom the i-th rule holds for, of those that the definition means.
func (s *Suppressed) By(i int) And { return And{s.Of, s.Rules[i].When} }

// Mask has a bit for each rule that holds for somebody whom the definition means.
type Mask uint32

// First is the rule, in the order given, that takes somebody out; -1 for none.
func (m Mask) First() int {
	for i := range MaxSuppress {
		if m&(1<<i) != 0 {
			return i
		}
	}
	return -1
}

// Decide is Evaluate with the rules that hold, where the definition holds: who has any is suppressed, and no member.
func Decide(c Condition, f Facts, at At) (member bool, by Mask, recheck clientele.Micros, err error) {
	s, ok := c.(*Suppressed)
	if !ok {
		member, recheck, err = Evaluate(c, f, at)
		return member, 0, recheck, err
	}
	e := evaluation{f, at}
	member, recheck, err = e.condition(s.Of)
	if err != nil || !member {
		return false, 0, recheck, err
	}
	for i, r := range s.Rules {
		holds, next, err := e.condition(r.When)
		if err != nil {
			return false, 0, 0, err
		}
		if holds {
			by |= 1 << i
		}
		recheck = min(recheck, next)
	}
	return by == 0, by, recheck, nil
}

func (p *parser) suppressed(at place, m map[string]any, depth int) Condition {
	p.only(at, m, "of", "suppress")
	if depth != 1 {
		p.fail(at, "put the rules beside the whole definition", "suppress stands at the top of a definition only")
		return nil
	}
	s := &Suppressed{Of: p.condition(at.in("of"), m["of"], depth+1)}
	list, ok := m["suppress"].([]any)
	if !ok || len(list) == 0 || len(list) > MaxSuppress {
		p.fail(at.in("suppress"), `write [{"name":"…","when":{…}}]`, "a list of 1 to %d rules is needed", MaxSuppress)
		return nil
	}
	seen := map[string]bool{}
	for i, v := range list {
		here := at.in("suppress").at(i)
		rule, ok := v.(map[string]any)
		if !ok {
			p.fail(here, `write {"name":"…","when":{…}}`, "a rule is an object, not %s", describe(v))
			return nil
		}
		p.only(here, rule, "name", "when")
		r := SuppressRule{Name: p.name(here.in("name"), rule["name"]), When: p.condition(here.in("when"), rule["when"], depth+1)}
		if seen[r.Name] {
			p.fail(here.in("name"), "give each rule a name of its own", "two rules are called %q", clip(r.Name))
		}
		seen[r.Name] = true
		s.Rules = append(s.Rules, r)
	}
	return s
}

func (w *writer) suppressed(s *Suppressed) {
	w.name("of").condition(s.Of)
	w.name("suppress")
	w.rules(s.Rules)
}

func (w *writer) rules(rules []SuppressRule) {
	w.begin('[')
	for _, r := range rules {
		w.next()
		w.begin('{')
		w.member("name", r.Name)
		w.name("when").condition(r.When)
		w.end('}')
	}
	w.end(']')
}

// RulesJSON is the canonical form of suppress rules.
func RulesJSON(rules []SuppressRule) []byte {
	var w writer
	w.rules(rules)
	return w.Bytes()
}

func (s *Suppressed) String() string {
	out := bracket(s.Of) + " unless "
	for i, r := range s.Rules {
		if i > 0 {
			out += ", "
		}
		out += r.Name + ": " + String(r.When)
	}
	return out
}
