package profile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"clientele"
)

// Golden is the fold of all of a profile's anchors.
type Golden struct {
	First      clientele.Stamp
	Last       clientele.Micros
	Records    int64
	Traits     map[string]json.RawMessage
	Provenance map[string]clientele.Provenance
	Names      map[string]int64
}

// Merge is the profile of the heads, in whatever order they come. nil heads are passed over.
// What was decided is merged by Consents, which must know when the anchors became one person.
func Merge(r Rules, heads []*Head) *Golden {
	g := &Golden{Traits: map[string]json.RawMessage{}, Provenance: map[string]clientele.Provenance{}, Names: map[string]int64{}}
	traits := map[string]*Trait{}
	seen := false
	for _, h := range heads {
		if h == nil {
			continue
		}
		if h.Records > 0 {
			if !seen || h.First.Compare(g.First) < 0 {
				g.First = h.First
			}
			if !seen || h.Last > g.Last {
				g.Last = h.Last
			}
			seen = true
		}
		g.Records += h.Records
		for n, c := range h.Names {
			g.Names[n] += c
		}
		if h.Said == nil {
			continue
		}
		for name, t := range h.Said.Traits {
			if have, ok := traits[name]; ok {
				t = merge(r.rule(name), have, t)
			}
			traits[name] = t
		}
	}
	for name, t := range traits {
		rule := r.rule(name)
		value, stamp := t.choose(rule)
		if value == nil || null(value) {
			continue
		}
		g.Traits[name] = value
		g.Provenance[name] = clientele.Provenance{Source: stamp.Source, Event: stamp.ID, At: stamp.At, Rule: rule.Rule, ExpiresAt: t.Expires}
	}
	return g
}

// choose is the trait's value under the rule and where it came from; nil when it has none. A
// trait that was folded under another rule is chosen from what was kept.
func (t *Trait) choose(rule clientele.TraitRule) ([]byte, clientele.Stamp) {
	if len(t.Values) == 0 {
		return t.JSON, t.Stamp
	}
	switch rule.Rule {
	case clientele.RuleMostFrequent:
		best := slices.MaxFunc(t.Values, func(a, b Value) int {
			return cmp.Or(-cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Count, b.Count), a.Latest.Compare(b.Latest), bytes.Compare(a.JSON, b.JSON))
		})
		return best.JSON, best.Latest
	case clientele.RuleSourcePriority:
		place := func(v Value) int {
			if i := slices.Index(rule.Sources, v.Latest.Source); i >= 0 {
				return i
			}
			return len(rule.Sources)
		}
		best := slices.MinFunc(t.Values, func(a, b Value) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(place(a), place(b)), -a.Latest.Compare(b.Latest), bytes.Compare(a.JSON, b.JSON))
		})
		return best.JSON, best.Latest
	case clientele.RuleUnion:
		var list [][]byte
		for _, v := range t.Values {
			if !null(v.JSON) {
				list = append(list, v.JSON)
			}
		}
		slices.SortFunc(list, bytes.Compare)
		if list == nil {
			return nil, t.Stamp
		}
		return slices.Concat([]byte{'['}, bytes.Join(list, []byte{','}), []byte{']'}), t.Stamp
	}
	return t.JSON, t.Stamp
}

// rank puts nulls behind values: no rule but latest lets a null win over a value.
func rank(v Value) int {
	if null(v.JSON) {
		return 1
	}
	return 0
}

// JSON is the traits as one object, its names sorted.
func (g *Golden) JSON() string {
	b, err := json.Marshal(g.Traits)
	if err != nil { // every value was checked when it came in
		return "{}"
	}
	return string(b)
}

// elements is the members of a JSON list, each canonical; another value is a list of itself.
func elements(value []byte) [][]byte {
	var list []json.RawMessage
	if len(value) == 0 || value[0] != '[' || json.Unmarshal(value, &list) != nil {
		return [][]byte{value}
	}
	out := make([][]byte, 0, len(list))
	for _, e := range list[:min(len(list), MaxValues)] {
		out = append(out, e)
	}
	return out
}
