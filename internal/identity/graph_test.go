package identity_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/identity"
)

// world is a graph over rows in memory, with a log position that moves on.
type world struct {
	t     *testing.T
	rows  memory
	g     *identity.Graph
	next  clientele.Anchor
	at    clientele.Position
	rules clientele.IdentityRules
}

type memory map[string][]byte

func (m memory) Get(k clientele.Key) ([]byte, error) { return bytes.Clone(m[string(k)]), nil }

func (m memory) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	var keys []string
	for k := range m {
		if k >= string(r.Start) && (len(r.End) == 0 || k < string(r.End)) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if more, err := fn(clientele.Key(k), m[k]); err != nil || !more {
			return err
		}
	}
	return nil
}

func newWorld(t *testing.T, rules clientele.IdentityRules) *world {
	w := &world{t: t, rows: memory{}, next: 8192, at: 1, rules: rules}
	w.reopen()
	return w
}

func (w *world) reopen() {
	rules, err := identity.NewRules(w.rules)
	w.must(err)
	w.g, err = identity.NewGraph(rules, w.rows)
	w.must(err)
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) commit() {
	w.must(w.g.Changes(func(k clientele.Key, v []byte) {
		if v == nil {
			delete(w.rows, string(k))
		} else {
			w.rows[string(k)] = v
		}
	}))
	w.g.Committed()
	w.at++
}

// sighting is one record: identifiers as "ns:value", a trailing ! for verified.
type sighting struct {
	ids []string
	at  clientele.Micros
	id  string
}

func (w *world) see(s sighting) clientele.Anchor {
	var ids []identity.Observed
	for _, text := range s.ids {
		verified := strings.HasSuffix(text, "!")
		ids = append(ids, identity.Observed{ID: ident(strings.TrimSuffix(text, "!")), Verified: verified})
	}
	a, err := w.g.Observe(w.g.Rules().Usable(ids), identity.RuleObserved, clientele.Stamp{At: s.at, ID: s.id, Source: "s"}, func() (clientele.Anchor, error) {
		w.next++
		return w.next, nil
	})
	w.must(err)
	return a
}

func ident(s string) clientele.Identifier {
	ns, v, _ := strings.Cut(s, ":")
	names := map[string]clientele.Namespace{"u": clientele.UserID, "a": clientele.AnonymousID, "e": clientele.Email, "p": clientele.PreviousID, "l": "loyalty_id"}
	if names[ns] == clientele.Email {
		v += "@example.com"
	}
	return clientele.Identifier{Namespace: names[ns], Value: v}
}

func (w *world) profile(id string) clientele.ProfileID {
	w.t.Helper()
	a, err := w.g.Find(ident(id))
	w.must(err)
	p, err := w.g.Profile(a)
	w.must(err)
	return p
}

func (w *world) anchors(ids ...string) (out []clientele.Anchor) {
	w.t.Helper()
	for _, id := range ids {
		a, err := w.g.Find(ident(id))
		w.must(err)
		out = append(out, a)
	}
	return out
}

// people is the partition as text: each group's identifiers, sorted.
func (w *world) people() string {
	w.commit()
	var out []string
	w.must(w.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		ids, err := w.g.Identifiers(clientele.ProfileID(k.Read().Uint()))
		var names []string
		for _, id := range ids {
			names = append(names, id.String())
		}
		slices.Sort(names)
		out = append(out, strings.Join(names, " "))
		return true, err
	}))
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestScenarios(t *testing.T) {
	for _, c := range []struct {
		name string
		seen []sighting
		one  []string // these are one person
		not  []string // the first of these is none of the others
	}{
		{"anonymous becomes known", []sighting{{ids: []string{"a:1"}, at: 1}, {ids: []string{"a:1", "u:ann"}, at: 2}}, []string{"a:1", "u:ann"}, nil},
		{"an anonymous id stays with its first person", []sighting{{ids: []string{"a:1", "u:ann"}, at: 1}, {ids: []string{"a:1", "u:bob"}, at: 2}},
			[]string{"a:1", "u:ann"}, []string{"u:bob", "a:1"}},
		{"first by event time, not by arrival", []sighting{{ids: []string{"a:1", "u:bob"}, at: 2}, {ids: []string{"a:1", "u:ann"}, at: 1}},
			[]string{"a:1", "u:ann"}, []string{"u:bob", "a:1"}},
		{"two users never become one by a shared address", []sighting{{ids: []string{"u:ann", "e:x"}, at: 1}, {ids: []string{"u:bob", "e:x"}, at: 2}},
			[]string{"u:ann", "e:x"}, []string{"u:bob", "u:ann"}},
		{"a typed address never outranks a verified one", []sighting{{ids: []string{"u:ann", "e:x"}, at: 1}, {ids: []string{"u:bob!", "e:x!"}, at: 2}},
			[]string{"u:bob", "e:x"}, []string{"u:ann", "e:x"}},
		{"a value of too many people identifies nobody", []sighting{{ids: []string{"a:1", "u:1"}, at: 1}, {ids: []string{"a:1", "u:2"}, at: 2},
			{ids: []string{"a:1", "u:3"}, at: 3}, {ids: []string{"a:1", "u:4"}, at: 4}}, nil, []string{"a:1", "u:1", "u:2", "u:3", "u:4"}},
		{"alias joins an anonymous id seen before", []sighting{{ids: []string{"a:7"}, at: 1}, {ids: []string{"p:7", "u:ann"}, at: 2}}, []string{"a:7", "u:ann"}, nil},
		{"alias joins an anonymous id seen after", []sighting{{ids: []string{"p:7", "u:ann"}, at: 2}, {ids: []string{"a:7"}, at: 1}}, []string{"a:7", "u:ann"}, nil},
		{"alias of two user ids is refused by the limit", []sighting{{ids: []string{"u:old"}, at: 1}, {ids: []string{"p:old", "u:new"}, at: 2}}, nil, []string{"u:old", "u:new"}},
		{"values that name nobody", []sighting{{ids: []string{"u:ann", "a:null"}, at: 1}, {ids: []string{"u:bob", "a:00000000-0000-0000-0000-000000000000", "a:null"}, at: 2}}, nil, []string{"u:ann", "u:bob"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, clientele.DefaultIdentityRules())
			for _, s := range c.seen {
				w.see(s)
			}
			for _, id := range c.one {
				if w.profile(id) != w.profile(c.one[0]) {
					t.Errorf("%s is not %s:\n%s", id, c.one[0], w.people())
				}
			}
			for i, id := range c.not {
				if i > 0 && w.profile(id) == w.profile(c.not[0]) {
					t.Errorf("%s is %s:\n%s", id, c.not[0], w.people())
				}
			}
		})
	}
}

// tight are rules under which random evidence is refused, blocked and limited all the time.
func tight() clientele.IdentityRules {
	r := clientele.DefaultIdentityRules()
	r.Namespaces[clientele.Email] = clientele.NamespaceRule{Priority: 2, Limit: 2, Generic: 3}
	r.Namespaces[clientele.AnonymousID] = clientele.NamespaceRule{Priority: 9, Limit: 3, Generic: 2}
	r.Default = clientele.NamespaceRule{Priority: 5, Limit: 2, Generic: 4}
	return r
}

func randomSightings(rnd *rand.Rand, n int) (out []sighting) {
	for i := range n {
		s := sighting{at: clientele.Micros(rnd.Int64N(50)), id: fmt.Sprint(i)}
		for _, ns := range []string{"u", "e", "l", "a", "p"} {
			if rnd.IntN(5) < 2 && (ns != "p" || rnd.IntN(4) == 0) {
				id := fmt.Sprintf("%s:%d", ns, rnd.IntN(8))
				if rnd.IntN(3) == 0 {
					id += "!"
				}
				s.ids = append(s.ids, id)
			}
		}
		if len(s.ids) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// TestAnyOrderGivesTheSamePeople is the rule of the design: the partition is a function of the
// set of evidence. Orders, batch cuts, repeats and restarts change nothing, and the answer is
// that of weighing everything at once.
func TestAnyOrderGivesTheSamePeople(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		seen := randomSightings(rnd, 5+rnd.IntN(40))
		var first string
		for order := range 4 {
			w := newWorld(t, tight())
			for _, s := range seen {
				w.see(s)
				if rnd.IntN(4) == 0 {
					w.commit()
				}
				if rnd.IntN(10) == 0 {
					w.commit()
					w.reopen()
				}
				if rnd.IntN(5) == 0 {
					w.see(s) // told twice
				}
			}
			got := w.people()
			w.invariants()
			if order == 0 {
				first = got
			} else if got != first {
				t.Fatalf("seed %d: another order gives other people\n%s\n-- first --\n%s\nfrom %v", seed, got, first, seen)
			}
			rebuilt := newWorld(t, clientele.DefaultIdentityRules())
			for _, s := range seen {
				rebuilt.see(s)
			}
			rebuilt.people()
			rules, err := identity.NewRules(tight())
			w.must(err)
			w.must(rebuilt.g.SetRules(rules))
			if again := rebuilt.people(); again != first {
				t.Fatalf("seed %d: rules that come later give other people\n%s\n-- first --\n%s", seed, again, first)
			}
			rnd.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
		}
	}
}

// invariants: no limit is broken (these worlds have no manual links), what is blocked is alone,
// and the totals are right.
func (w *world) invariants() {
	w.t.Helper()
	profiles := int64(0)
	w.must(w.rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		profiles++
		ids, err := w.g.Identifiers(clientele.ProfileID(k.Read().Uint()))
		count := map[clientele.Namespace]int{}
		for _, id := range ids {
			count[id.Namespace]++
			if id.Blocked && len(ids) > 1 {
				w.t.Errorf("%s is blocked and not alone", id.Identifier)
			}
			if limit := w.g.Rules().Rule(id.Namespace).Limit; count[id.Namespace] > limit {
				w.t.Errorf("more than %d %s", limit, id.Namespace)
			}
		}
		return true, err
	}))
	if c := w.g.Count(); c.Profiles != profiles {
		w.t.Errorf("%d profiles are counted, %d are there", c.Profiles, profiles)
	}
}

// TestUnmergeRestores: whatever two profiles a manual link made one, unmerge gives both their
// ids, identifiers and former ids back, and seeing the same records again merges nothing.
func TestUnmergeRestores(t *testing.T) {
	for seed := range uint64(80) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		w := newWorld(t, clientele.DefaultIdentityRules())
		w.see(sighting{ids: []string{"u:ann", "e:1", "a:1"}, at: 1, id: "1"})
		w.see(sighting{ids: []string{"l:9", "e:2"}, at: 2, id: "2"})
		for _, s := range randomSightings(rnd, rnd.IntN(20)) {
			w.see(s)
		}
		before := w.people()
		ann, card := w.profile("u:ann"), w.profile("l:9")
		if ann == card {
			continue
		}
		w.must(w.g.Merge(w.anchors("u:ann", "l:9"), "op", w.at, 5))
		w.commit()
		if w.profile("u:ann") != w.profile("l:9") || w.profile("u:ann") != min(ann, card) {
			t.Fatalf("seed %d: merge gave %v and %v", seed, w.profile("u:ann"), w.profile("l:9"))
		}
		former, err := w.g.FormerIDs(min(ann, card))
		w.must(err)
		if !slices.Contains(former, max(ann, card)) {
			t.Fatalf("seed %d: former ids are %v, %v %v\n%s", seed, former, ann, card, before)
		}
		w.must(w.g.Unmerge(w.anchors("l:9"), "op", w.at, 6))
		if got := w.people(); got != before {
			t.Fatalf("seed %d: unmerge of the merge gave\n%s\n-- before --\n%s", seed, got, before)
		}
		if w.profile("u:ann") != ann || w.profile("l:9") != card {
			t.Fatalf("seed %d: ids changed", seed)
		}
		w.see(sighting{ids: []string{"l:9", "u:ann"}, at: 9, id: "again"})
		if w.profile("u:ann") == w.profile("l:9") {
			t.Fatalf("seed %d: the next record merged them again", seed)
		}
	}
}

func TestUnmergeOfObservedEvidence(t *testing.T) {
	w := newWorld(t, clientele.DefaultIdentityRules())
	w.see(sighting{ids: []string{"l:1", "e:x"}, at: 1, id: "1"})
	w.commit()
	w.see(sighting{ids: []string{"l:2"}, at: 2, id: "2"})
	w.commit()
	second := w.profile("l:2")
	w.see(sighting{ids: []string{"l:2", "e:x"}, at: 3, id: "3"})
	w.see(sighting{ids: []string{"l:2", "a:5"}, at: 4, id: "4"})
	if w.profile("l:1") != w.profile("l:2") {
		t.Fatal("a shared address did not merge two cards")
	}
	w.must(w.g.Unmerge(w.anchors("l:2"), "op", w.at, 9))
	w.commit()
	if w.profile("l:2") != second || w.profile("a:5") != second || w.profile("e:x") != w.profile("l:1") || w.profile("l:1") == second {
		t.Errorf("unmerge gave\n%s", w.people())
	}
	w.see(sighting{ids: []string{"l:2", "e:x", "l:1"}, at: 10, id: "10"})
	if w.profile("l:1") == w.profile("l:2") {
		t.Error("they merged again")
	}
	view, err := w.g.View(w.profile("l:1"))
	w.must(err)
	states := map[string]int{}
	for _, e := range view.Evidence {
		states[e.State]++
	}
	if states["retired"] == 0 || states["joined"] == 0 || states["refused"] == 0 || len(view.Separations) != 1 {
		t.Errorf("view tells %v and %d separations", states, len(view.Separations))
	}
	// By evidence: retire the piece that joins the address.
	for _, e := range view.Evidence {
		if e.State == "joined" && e.A == ident("e:x") && e.B == ident("l:1") {
			pair, err := identity.ParseEvidenceID(e.ID)
			w.must(err)
			w.must(w.g.Retire([][2]clientele.Anchor{pair}, "op", w.at, 11))
		}
	}
	if w.profile("e:x") == w.profile("l:1") {
		t.Error("retired evidence still joins")
	}
	// A later decision to merge holds over the earlier to keep apart.
	w.must(w.g.Merge(w.anchors("l:1", "l:2"), "op", w.at, 12))
	if w.profile("l:1") != w.profile("l:2") {
		t.Error("a merge after an unmerge did nothing")
	}
	if err := w.g.Unmerge(w.anchors("l:1", "l:2", "a:5"), "op", w.at, 13); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("taking everything out: %v", err)
	}
}

func TestSimulate(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 13))
		w := newWorld(t, clientele.DefaultIdentityRules())
		for _, s := range randomSightings(rnd, 30) {
			w.see(s)
		}
		before := w.people()
		then, err := identity.NewRules(tight())
		w.must(err)
		sim, err := identity.Simulate(w.g.Rules(), then, w.rows, 1000, func() time.Time { return time.Unix(0, 0) })
		w.must(err)
		if w.people() != before {
			t.Fatal("the simulation wrote something")
		}
		w.must(w.g.SetRules(then))
		moved := len(w.g.Moved())
		after := w.people()
		if int64(strings.Count(after, "\n")+1) != sim.ProfilesAfter || sim.ProfilesBefore != int64(strings.Count(before, "\n")+1) || sim.Affected != int64(moved) {
			t.Fatalf("seed %d: simulated %+v, happened\n%s", seed, sim, after)
		}
		if sim.BlockedMerges != w.g.Count().Refused || sim.BlockedValues != w.g.Count().Generic {
			t.Fatalf("seed %d: simulated %+v, counted %+v", seed, sim, w.g.Count())
		}
		b, a := int64(0), int64(0)
		for _, c := range sim.Sample {
			b, a = b+int64(len(c.Before)), a+int64(len(c.After))
		}
		if a-b != sim.ProfilesAfter-sim.ProfilesBefore {
			t.Fatalf("seed %d: the sample tells %d -> %d, the totals %+v", seed, b, a, sim)
		}
	}
}

func TestFrozen(t *testing.T) {
	rules := clientele.DefaultIdentityRules()
	rules.Namespaces[clientele.AnonymousID] = clientele.NamespaceRule{Priority: 9, Limit: 10_000, Generic: 1000}
	w := newWorld(t, rules)
	for i := range identity.MaxComponentEdges + 5 { // a chain within all limits is only ever united
		w.see(sighting{ids: []string{fmt.Sprintf("a:%d", i), "e:hub"}, at: clientele.Micros(i), id: fmt.Sprint(i)})
		if i%3000 == 0 {
			w.commit()
		}
	}
	w.commit()
	w.see(sighting{ids: []string{"u:1", "e:hub"}, at: 1, id: "u1"})
	w.see(sighting{ids: []string{"u:2", "e:hub"}, at: 2, id: "u2"})
	if got, _, err := identity.Health(w.g.Rules(), w.rows); err != nil || got.Profiles == 0 {
		t.Fatal(err)
	}
	w.commit()
	h, _, err := identity.Health(w.g.Rules(), w.rows)
	w.must(err)
	if h.Frozen == 0 {
		t.Errorf("nothing was frozen: %+v", h)
	}
	w.see(sighting{ids: []string{"u:3", "e:hub"}, at: 3, id: "u3"})
	if w.profile("u:3") == w.profile("e:hub") {
		t.Error("a frozen neighbourhood grew")
	}
}

func TestNormalise(t *testing.T) {
	in := clientele.DefaultIdentityRules()
	in.Region = "TH"
	in.Namespaces["loyalty_id"] = clientele.NamespaceRule{Priority: 4, Limit: 1, Blocked: []string{"9999", "/^TEST/"}}
	rules, err := identity.NewRules(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ ns, in, want string }{
		{"email", " Ann.B+x@Example.COM ", "ann.b+x@example.com"}, {"email", "ann@bücher.example", "ann@xn--bcher-kva.example"},
		{"email", "ann", ""}, {"email", "a@b@c.com", ""}, {"email", "ann@localhost", ""},
		{"phone", "081 234 5678", "+66812345678"}, {"phone", "+44 20 7946 0958", "+442079460958"}, {"phone", "0044 20 7946 0958", "+442079460958"}, {"phone", "12", ""},
		{"user_id", "null", ""}, {"user_id", "0", ""}, {"user_id", "000-000", ""}, {"user_id", "Unknown", ""}, {"user_id", "7", "7"}, {"user_id", "a\x00b", ""}, {"user_id", "\xff", ""},
		{"user_id", strings.Repeat("x", 513), ""}, {"user_id", "  ", ""}, {"loyalty_id", "9999", ""}, {"loyalty_id", "TEST1", ""}, {"loyalty_id", "1", "1"},
	} {
		got, ok := rules.Normalise(clientele.Identifier{Namespace: clientele.Namespace(c.ns), Value: c.in})
		if ok != (c.want != "") || ok && got.Value != c.want {
			t.Errorf("%s %q is %q, %v; want %q", c.ns, c.in, got.Value, ok, c.want)
		}
	}
	if _, err := identity.NewRules(clientele.IdentityRules{Namespaces: map[clientele.Namespace]clientele.NamespaceRule{"x": {Limit: 1, Blocked: []string{"/(/"}}}}); err == nil {
		t.Error("a bad pattern was taken")
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add("email", "Ann@Example.com")
	f.Add("phone", "+66 81 234 5678")
	f.Fuzz(func(t *testing.T, ns, v string) {
		rules, err := identity.NewRules(clientele.DefaultIdentityRules())
		if err != nil {
			t.Fatal(err)
		}
		once, ok := rules.Normalise(clientele.Identifier{Namespace: clientele.Namespace(ns), Value: v})
		if !ok {
			return
		}
		twice, ok := rules.Normalise(once)
		if !ok || twice != once {
			t.Fatalf("%s %q: %q, then %q, %v", ns, v, once.Value, twice.Value, ok)
		}
	})
}

// TestWholeOrNotAtAll: a merge or an unmerge of which a part cannot be done changes nothing.
func TestWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t, clientele.DefaultIdentityRules())
	w.see(sighting{ids: []string{"u:ann", "e:x"}, at: 1})
	w.see(sighting{ids: []string{"u:bob"}, at: 1})
	for i, u := range []string{"u:1", "u:2", "u:3", "u:4"} { // too many people for one anonymous id
		w.see(sighting{ids: []string{"a:shared", u}, at: clientele.Micros(i)})
	}
	before := w.people()
	if err := w.g.Merge(w.anchors("u:ann", "u:bob", "a:shared"), "op", w.at, 10); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("merge with a blocked identifier: %v", err)
	}
	a := w.anchors("u:ann", "e:x", "u:bob")
	if err := w.g.Retire([][2]clientele.Anchor{{a[0], a[1]}, {a[0], a[2]}}, "op", w.at, 11); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("unmerge with evidence that is not there: %v", err)
	}
	if after := w.people(); after != before {
		t.Errorf("people were\n%s\nand are\n%s", before, after)
	}
}
