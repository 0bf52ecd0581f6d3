package profile_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"clientele"
	"clientele/internal/profile"
)

var rules = profile.Rules{
	"first": {Rule: clientele.RuleFirst}, "often": {Rule: clientele.RuleMostFrequent}, "tags": {Rule: clientele.RuleUnion},
	"ranked": {Rule: clientele.RuleSourcePriority, Sources: []string{"erp", "crm"}},
}

type fact struct {
	trait, json string
	at          clientele.Stamp
}

func TestSurvivorship(t *testing.T) {
	s := func(at int, source string) clientele.Stamp {
		return clientele.Stamp{At: clientele.Micros(at), Source: source, ID: fmt.Sprint(at)}
	}
	facts := []fact{
		{"city", `"Hanoi"`, s(5, "web")}, {"city", `"Hue"`, s(3, "crm")},
		{"first", `"a"`, s(5, "web")}, {"first", `"b"`, s(3, "crm")}, {"first", `null`, s(1, "crm")},
		{"often", `"x"`, s(1, "web")}, {"often", `"x"`, s(2, "web")}, {"often", `"y"`, s(9, "web")},
		{"tags", `["b","a"]`, s(1, "web")}, {"tags", `"c"`, s(2, "web")}, {"tags", `["a"]`, s(3, "web")},
		{"ranked", `1`, s(9, "web")}, {"ranked", `2`, s(1, "crm")}, {"ranked", `3`, s(2, "crm")},
		{"gone", `1`, s(1, "web")}, {"gone", `null`, s(2, "web")},
	}
	want := map[string]string{"city": `"Hanoi"`, "first": `"b"`, "often": `"x"`, "tags": `["a","b","c"]`, "ranked": `3`}
	var h profile.Head
	for _, f := range facts {
		h.Set(rules, f.trait, []byte(f.json), f.at)
	}
	g := profile.Merge(rules, []*profile.Head{&h})
	for name, w := range want {
		if got := string(g.Traits[name]); got != w {
			t.Errorf("%s is %s, want %s", name, got, w)
		}
	}
	if len(g.Traits) != len(want) {
		t.Errorf("traits %v", g.Traits)
	}
	if p := g.Provenance["ranked"]; p.Source != "crm" || p.Event != "2" || p.Rule != clientele.RuleSourcePriority {
		t.Errorf("provenance %+v", p)
	}
}

// TestFoldCommutes: any order, any division into anchors, stored or not in between, gives the
// same profile.
func TestFoldCommutes(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		var facts []fact
		names := []string{"city", "first", "often", "tags", "ranked"}
		values := []string{`1`, `"a"`, `null`, `["a","b"]`, `["b"]`, `2.5`, `true`}
		for range 1 + rnd.IntN(30) {
			facts = append(facts, fact{names[rnd.IntN(len(names))], values[rnd.IntN(len(values))],
				clientele.Stamp{At: clientele.Micros(rnd.IntN(6)), Source: []string{"web", "crm", "erp"}[rnd.IntN(3)], ID: fmt.Sprint(rnd.IntN(4))}})
		}
		var first *profile.Golden
		for range 4 {
			heads := []*profile.Head{{}, nil, {}, {}}
			for _, f := range facts {
				i := []int{0, 2, 3}[rnd.IntN(3)]
				heads[i].Set(rules, f.trait, []byte(f.json), f.at)
				heads[i].Saw(f.trait, f.at, true)
				heads[i].Decide(profile.ConsentKey{Purpose: f.trait}, &profile.Consent{Granted: f.json == "1", Stamp: f.at})
				if rnd.IntN(3) == 0 {
					back := &profile.Head{}
					back.Said = &profile.Said{}
					for from, to := range map[any]any{heads[i]: back, heads[i].Said: back.Said} {
						b, err := cbor.Marshal(from)
						if err != nil {
							t.Fatal(err)
						}
						if err := cbor.Unmarshal(b, to); err != nil {
							t.Fatal(err)
						}
					}
					heads[i] = back
				}
			}
			rnd.Shuffle(len(heads), func(i, j int) { heads[i], heads[j] = heads[j], heads[i] })
			rnd.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
			g := profile.Merge(rules, heads)
			if first == nil {
				first = g
			} else if !reflect.DeepEqual(g, first) {
				t.Fatalf("seed %d:\n%+v\n%+v", seed, g, first)
			}
		}
	}
}

func TestConsent(t *testing.T) {
	var h profile.Head
	key := profile.ConsentKey{Purpose: "marketing", Channel: "email"}
	at := func(n int) clientele.Stamp { return clientele.Stamp{At: clientele.Micros(n)} }
	for i, c := range []struct {
		granted bool
		at      int
		changed bool
	}{{true, 5, true}, {true, 6, false}, {false, 3, true}, {false, 8, true}, {true, 8, true}} {
		if got := h.Decide(key, &profile.Consent{Granted: c.granted, Stamp: at(c.at)}); got != c.changed {
			t.Errorf("decision %d: changed is %v", i, got)
		}
	}
	g, err := profile.Consents([]clientele.Anchor{1}, []*profile.Head{&h}, nil)
	if err != nil || len(g) != 1 || g[0].Granted || g[0].At != 8 {
		t.Errorf("consent is %+v, %v: at the same moment the refusal holds", g, err)
	}
}

func TestRulesCheck(t *testing.T) {
	if err := rules.Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []clientele.TraitRule{{Rule: "best"}, {Rule: clientele.RuleSourcePriority}} {
		if (profile.Rules{"x": bad}).Check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
