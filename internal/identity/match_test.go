package identity_test

import (
	"math/rand/v2"
	"testing"

	"clientele"
	"clientele/internal/identity"
)

func (w *world) match(a, b string, weight float64) {
	w.t.Helper()
	x := w.anchors(a, b)
	w.must(w.g.Match(clientele.MatchPair{A: x[0], B: x[1], Match: clientele.Match{Model: "m", Weight: weight}}, clientele.Stamp{At: 100, ID: "run-1", Source: identity.MatchSource}))
}

func (w *world) forbid(a, b string) {
	w.t.Helper()
	x := w.anchors(a, b)
	w.must(w.g.Forbid(x[0], x[1], "op", w.at, 100))
}

// Matches are evidence like any other: the people that records, matches and their taking back give is a function of what is left,
// whatever came first; with every match taken back it is that of the records alone.
func TestMatchesInAnyOrder(t *testing.T) {
	type pair struct {
		a, b   string
		weight float64
	}
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		seen := randomSightings(rnd, 5+rnd.IntN(30))
		known := newWorld(t, tight())
		var names []string
		have := map[string]bool{}
		for _, s := range seen {
			known.see(s)
			for _, id := range s.ids {
				if id = trimmed(id); !have[id] {
					if _, err := known.g.Find(ident(id)); err == nil {
						have[id] = true
						names = append(names, id)
					}
				}
			}
		}
		alone := known.people()
		var pairs []pair
		for range 6 {
			if a, b := names[rnd.IntN(len(names))], names[rnd.IntN(len(names))]; a != b {
				pairs = append(pairs, pair{a, b, float64(rnd.IntN(5))})
			}
		}
		told := map[[2]string]bool{}
		distinct := pairs[:0]
		for _, p := range pairs { // the same pair twice has the last weight, which is order
			if !told[[2]string{p.a, p.b}] {
				told[[2]string{p.a, p.b}], told[[2]string{p.b, p.a}] = true, true
				distinct = append(distinct, p)
			}
		}
		pairs = distinct
		var first string
		for order := range 4 {
			w := newWorld(t, tight())
			cut := len(seen)
			if order > 0 { // some of the records come after the matches, once more
				cut = rnd.IntN(len(seen) + 1)
			}
			for _, s := range seen {
				for _, id := range s.ids { // alone, so that every name is known
					w.see(sighting{ids: []string{trimmed(id)}, at: s.at, id: s.id})
				}
			}
			for _, s := range seen[:cut] {
				w.see(s)
			}
			for _, p := range pairs {
				w.match(p.a, p.b, p.weight)
				if rnd.IntN(3) == 0 {
					w.commit()
				}
				if rnd.IntN(5) == 0 {
					w.commit()
					w.reopen()
				}
			}
			for _, s := range seen[cut:] {
				w.see(s)
			}
			got := w.people()
			w.invariants()
			if order == 0 {
				first = got
			} else if got != first {
				t.Fatalf("seed %d, order %d: other people\n%s\n-- first --\n%s\nfrom %v and %v", seed, order, got, first, seen, pairs)
			}
			for _, p := range pairs {
				x := w.anchors(p.a, p.b)
				w.must(w.g.Unmatch(x[0], x[1]))
				if rnd.IntN(3) == 0 {
					w.commit()
				}
			}
			if got := w.people(); got != alone {
				t.Fatalf("seed %d: without matches\n%s\n-- were --\n%s", seed, got, alone)
			}
			rnd.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
			rnd.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
		}
	}
}

func trimmed(id string) string {
	if n := len(id); n > 0 && id[n-1] == '!' {
		return id[:n-1]
	}
	return id
}

// Records win against matches, limits and separations refuse them, verdicts are taken back, ids stay.
func TestMatches(t *testing.T) {
	w := newWorld(t, clientele.DefaultIdentityRules())
	see := func(ids ...string) { w.see(sighting{ids: ids, at: 1, id: "s" + ids[0]}) }
	see("u:ann", "e:ann")
	see("l:card")
	see("u:bob")
	old, card := w.profile("u:ann"), w.profile("l:card")
	w.match("e:ann", "l:card", 9)
	w.match("u:bob", "l:card", 5)
	w.commit()
	if w.profile("l:card") != old || w.profile("u:bob") == old {
		t.Fatalf("the heavier match does not win:\n%s", w.people())
	}
	v, err := w.g.View(w.profile("u:bob"))
	w.must(err)
	if len(v.Evidence) != 1 || v.Evidence[0].State != "refused" || v.Evidence[0].Reason != "a person has at most 1 user_id" || v.Evidence[0].Match == nil {
		t.Fatalf("no blocked merge: %+v", v.Evidence)
	}
	var units []string
	w.must(w.g.Units(func(u identity.Unit) error {
		id, err := w.g.Identifier(u.First)
		units = append(units, id.String())
		return err
	}))
	if len(units) != 3 {
		t.Errorf("units are %v: matches are part of them", units)
	}
	w.forbid("e:ann", "l:card")
	w.commit()
	if w.profile("l:card") == old {
		t.Fatal("they are not kept apart")
	}
	x := w.anchors("e:ann", "l:card")
	w.must(w.g.Undo(x[0], x[1]))
	w.commit()
	if w.profile("l:card") != old {
		t.Fatalf("undone, they are not together again:\n%s", w.people())
	}
	w.forbid("e:ann", "l:card")
	w.commit()
	w.match("e:ann", "l:card", 12) // never again
	w.commit()
	if w.profile("l:card") == old {
		t.Error("a match joins what is kept apart")
	}
	w.must(w.g.Undo(x[0], x[1]))
	w.must(w.g.Unmatch(x[0], x[1]))
	y := w.anchors("u:bob", "l:card")
	w.must(w.g.Unmatch(y[0], y[1]))
	w.commit()
	if w.profile("l:card") != card || w.profile("u:ann") != old {
		t.Error("ids are not those of before")
	}
	if c := w.g.Count(); c.Refused != 0 || c.Cannot != 0 || c.Profiles != 3 || c.Evidence != 1 {
		t.Errorf("counters are %+v", c)
	}
}
