// Package profile folds what records say of a person into the golden record: traits by
// survivorship rules with their provenance, consent, counters, first and last seen.
//
// Everything folds per anchor, and the folds of several anchors merge into one profile. All
// of it commutes: the same facts in any order, on any division into anchors, give the same
// profile.
package profile

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"clientele"
)

// Limits of one anchor's head.
const (
	MaxTraits     = 1000
	MaxTraitBytes = 8 << 10
	MaxValues     = 500 // different values kept of a trait whose rule needs them all
	MaxNames      = 500 // event names counted one by one
	MaxNameBytes  = 256
	MaxConsents   = 200
)

// Head is the fold of everything under one anchor. Field numbers are on disk. It is stored in
// two rows, because every event changes the counters and few what was said.
type Head struct {
	First   clientele.Stamp  `cbor:"1,keyasint"` // of the first record, with its source
	Last    clientele.Micros `cbor:"2,keyasint"`
	Records int64            `cbor:"3,keyasint"`
	Names   map[string]int64 `cbor:"6,keyasint,omitempty"` // timeline names, with how many records
	Spoke   bool             `cbor:"7,keyasint,omitempty"` // something was said under the anchor
	Said    *Said            `cbor:"-"`                    // nil when nothing was said, or when it was not read
	news    bool             // Said is not what the store has
}

// Said is what was said under one anchor.
type Said struct {
	Traits   map[string]*Trait       `cbor:"1,keyasint,omitempty"`
	Consents map[ConsentKey]*Consent `cbor:"2,keyasint,omitempty"`
}

// Unread says that Said has to be read from its row before it is used or added to.
func (h *Head) Unread() bool { return h.Spoke && h.Said == nil }

// say is Said, ready to be added to.
func (h *Head) say() *Said {
	if h.Said == nil {
		h.Said = &Said{}
	}
	h.Spoke, h.news = true, true
	return h.Said
}

// News says whether Said has changed since Stored.
func (h *Head) News() bool { return h.news }

// Stored says that the head is in the store as it is.
func (h *Head) Stored() { h.news = false }

// Trait is what was said of one trait. Values is filled by the rules that need more than the
// winner.
type Trait struct {
	JSON   []byte          `cbor:"1,keyasint"` // the winner by latest or first; null takes a trait back
	Stamp  clientele.Stamp `cbor:"2,keyasint"`
	Values []Value         `cbor:"3,keyasint,omitempty"`
	// Expires is when the trait goes again, of enrichment; 0 for never.
	Expires clientele.Micros `cbor:"4,keyasint,omitempty"`
}

// Value is one value that was said of a trait: how often, and when last.
type Value struct {
	JSON   []byte          `cbor:"1,keyasint"`
	Count  int64           `cbor:"2,keyasint"`
	Latest clientele.Stamp `cbor:"3,keyasint"`
}

// ConsentKey is a purpose and a channel; no channel means every one.
type ConsentKey struct {
	_       struct{} `cbor:",toarray"`
	Purpose string
	Channel string
}

// Consent is the latest decision about a key, with its proof.
type Consent struct {
	Granted      bool             `cbor:"1,keyasint"`
	Stamp        clientele.Stamp  `cbor:"2,keyasint"`
	Expires      clientele.Micros `cbor:"3,keyasint,omitempty"`
	TextVersion  string           `cbor:"4,keyasint,omitempty"`
	LegalBasis   string           `cbor:"5,keyasint,omitempty"`
	Jurisdiction string           `cbor:"6,keyasint,omitempty"`
}

// says tells whether two decisions say the same, whenever they were made.
func (c *Consent) says(d *Consent) bool {
	return c.Granted == d.Granted && c.Expires == d.Expires && c.TextVersion == d.TextVersion && c.LegalBasis == d.LegalBasis && c.Jurisdiction == d.Jurisdiction
}

// Rules are the survivorship rules by trait; a trait without one is chosen by latest.
type Rules map[string]clientele.TraitRule

// Check says what is wrong with the rules.
func (r Rules) Check() error {
	for name, rule := range r {
		switch rule.Rule {
		case clientele.RuleLatest, clientele.RuleFirst, clientele.RuleMostFrequent, clientele.RuleUnion:
		case clientele.RuleSourcePriority:
			if len(rule.Sources) == 0 {
				return clientele.Errorf(clientele.Invalid, "traits.%s: source_priority needs sources, the best first", name)
			}
		default:
			return clientele.Errorf(clientele.Invalid, "traits.%s: there is no rule %q", name, rule.Rule).
				WithHint("rules are latest, first, most_frequent, source_priority, union")
		}
	}
	return nil
}

func (r Rules) rule(name string) clientele.TraitRule {
	if rule, ok := r[name]; ok {
		return rule
	}
	return clientele.TraitRule{Rule: clientele.RuleLatest}
}

// Saw notes a record of that name (at most MaxNameBytes) at that time; count says that it is
// another one, and not another telling of one that was counted.
func (h *Head) Saw(name string, at clientele.Stamp, count bool) {
	if h.Records == 0 || at.Compare(h.First) < 0 {
		h.First = at
	}
	if h.Records == 0 || at.At > h.Last {
		h.Last = at.At
	}
	if !count {
		return
	}
	h.Records++
	h.Listed(name)
}

// Listed counts a record of that name; beyond MaxNames different ones, new names are not told apart.
func (h *Head) Listed(name string) {
	if _, ok := h.Names[name]; name == "" || !ok && len(h.Names) >= MaxNames {
		return
	}
	if h.Names == nil {
		h.Names = map[string]int64{}
	}
	h.Names[name]++
}

// Set folds one value of a trait, canonical JSON, into the head.
func (h *Head) Set(r Rules, name string, json []byte, at clientele.Stamp) {
	s := h.say()
	if s.Traits == nil {
		s.Traits = map[string]*Trait{}
	}
	said := &Trait{JSON: json, Stamp: at}
	switch rule := r.rule(name); rule.Rule {
	case clientele.RuleMostFrequent, clientele.RuleSourcePriority:
		said.Values = []Value{{json, 1, at}}
	case clientele.RuleUnion:
		for _, e := range elements(json) {
			said.Values = append(said.Values, Value{e, 1, at})
		}
	}
	if have, ok := s.Traits[name]; ok {
		said = merge(r.rule(name), have, said)
	}
	s.Traits[name] = said
}

// Full says whether a trait of that name would be one too many.
func (h *Head) Full(name string) bool {
	if h.Said == nil {
		return false
	}
	_, ok := h.Said.Traits[name]
	return !ok && len(h.Said.Traits) >= MaxTraits
}

// merge is both of what was said of a trait, in either order the same.
func merge(rule clientele.TraitRule, a, b *Trait) *Trait {
	win := a
	later := b.Stamp.Compare(a.Stamp) > 0 || b.Stamp == a.Stamp && bytes.Compare(b.JSON, a.JSON) > 0
	if rule.Rule == clientele.RuleFirst {
		earlier := b.Stamp.Compare(a.Stamp) < 0 || b.Stamp == a.Stamp && bytes.Compare(b.JSON, a.JSON) < 0
		if null(a.JSON) != null(b.JSON) {
			earlier = null(a.JSON)
		}
		later = earlier
	}
	if later {
		win = b
	}
	out := &Trait{JSON: win.JSON, Stamp: win.Stamp, Expires: win.Expires}
	if len(a.Values)+len(b.Values) == 0 {
		return out
	}
	// One entry for each value, for source_priority for each source.
	key := func(v Value) string {
		if rule.Rule == clientele.RuleSourcePriority {
			return v.Latest.Source
		}
		return string(v.JSON)
	}
	by := make(map[string]Value, len(a.Values)+len(b.Values))
	for _, v := range slices.Concat(a.Values, b.Values) {
		k := key(v)
		have, ok := by[k]
		if !ok {
			by[k] = v
			continue
		}
		have.Count += v.Count
		if c := v.Latest.Compare(have.Latest); c > 0 || c == 0 && bytes.Compare(v.JSON, have.JSON) > 0 {
			have.JSON, have.Latest = v.JSON, v.Latest
		}
		by[k] = have
	}
	for _, k := range slices.Sorted(maps.Keys(by)) {
		out.Values = append(out.Values, by[k])
	}
	if len(out.Values) > MaxValues { // keep those said last
		slices.SortFunc(out.Values, func(a, b Value) int {
			return cmp.Or(b.Latest.Compare(a.Latest), bytes.Compare(a.JSON, b.JSON))
		})
		out.Values = out.Values[:MaxValues]
	}
	return out
}

// Decide folds a decision into the head and says whether it is news for the history: the first
// about its key, or another one than the head held.
func (h *Head) Decide(key ConsentKey, said *Consent) (news bool) {
	var have *Consent
	ok := false
	if h.Said != nil {
		have, ok = h.Said.Consents[key]
		if !ok && len(h.Said.Consents) >= MaxConsents {
			return false
		}
	}
	news = !ok || !have.says(said)
	if ok {
		if said = latest(have, said); said == have {
			return news
		}
	}
	s := h.say()
	if s.Consents == nil {
		s.Consents = map[ConsentKey]*Consent{}
	}
	s.Consents[key] = said
	return news
}

// latest is the later of two decisions; of two in the same record the refusal, and of two equal
// ones the one whose proof sorts first, so that their order does not matter.
func latest(a, b *Consent) *Consent {
	c := b.Stamp.Compare(a.Stamp)
	if c == 0 && a.Granted != b.Granted {
		c = -1
		if !b.Granted {
			c = 1
		}
	}
	if c == 0 {
		c = cmp.Or(cmp.Compare(a.TextVersion, b.TextVersion), cmp.Compare(a.LegalBasis, b.LegalBasis),
			cmp.Compare(a.Jurisdiction, b.Jurisdiction), cmp.Compare(a.Expires, b.Expires))
	}
	if c > 0 {
		return b
	}
	return a
}

func null(json []byte) bool { return string(json) == "null" }
