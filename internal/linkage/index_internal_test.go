package linkage

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"clientele/internal/linkage/people"
)

// madeUp is a table of n people's records, those from first on, with their ids from 1 and their columns by name.
func madeUp(n int, seed uint64) (t *Table, ids []uint64, says []map[string]string) {
	t, w := NewTable(1, 0)
	w.Source("people")
	w.Columns(people.Header[2:])
	people.Each(n, seed, func(r people.Row) bool {
		_ = w.Add(r[2:])
		m := map[string]string{}
		for i, name := range people.Header[2:] {
			m[name] = r[2+i]
		}
		says, ids = append(says, m), append(ids, uint64(len(ids)+1))
		return true
	})
	w.Close()
	return t, ids, says
}

func learn(t testing.TB, tab *Table) (*Result, []byte) {
	t.Helper()
	res, err := Link(context.Background(), tab, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Close() })
	what, err := res.Learned()
	if err != nil {
		t.Fatal(err)
	}
	return res, what
}

func open(t testing.TB, what []byte, tab *Table, ids []uint64) *Index {
	t.Helper()
	x, err := OpenIndex(what, tab, ids, 2)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// An index finds what the run found, and weighs it alike.
func TestIndexLikeRun(t *testing.T) {
	tab, ids, _ := madeUp(4000, 5)
	res, what := learn(t, tab)
	x := open(t, what, tab, ids)
	found, missed := 0, 0
	err := res.EachEdge(func(a, b int, weight float64) bool {
		if weight < 0 {
			return false
		}
		at := slices.IndexFunc(x.Near(ids[a], 0), func(n Near) bool { return n.ID == ids[b] })
		if at < 0 {
			missed++
			return true
		}
		found++
		if n := x.Near(ids[a], 0)[at]; math.Abs(n.Weight-weight) > 1e-4 || math.Abs(n.Weight-x.Explain(ids[a], ids[b]).Weight) > 1e-9 {
			t.Fatalf("records %d and %d weigh %v, in the run %v", a, b, n.Weight, weight)
		}
		return true
	})
	t.Logf("%d of the run's pairs, %d missed", found+missed, missed)
	if err != nil || found < 1000 || missed*200 > found {
		t.Errorf("%d pairs of the run are found and %d are not, %v", found, missed, err)
	}
}

// Records that come one by one, change, go and come again leave the index that a table of them makes.
func TestIndexChanges(t *testing.T) {
	tab, ids, says := madeUp(3000, 7)
	_, what := learn(t, tab)
	whole := open(t, what, tab, ids)
	empty, w := NewTable(1, 0)
	w.Close()
	x := open(t, what, empty, nil)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, i := range rnd.Perm(len(ids)) {
		if rnd.IntN(3) == 0 {
			x.Put(ids[i], says[rnd.IntN(len(says))])
		}
		x.Put(ids[i], says[i])
		if j := rnd.IntN(len(ids)); rnd.IntN(4) == 0 && x.Has(ids[j]) {
			x.Remove(ids[j])
			x.Put(ids[j], says[j])
		}
		if x.Put(ids[i], says[i]) {
			t.Fatal("a record that says the same has changed")
		}
	}
	if x.Len() != whole.Len() {
		t.Fatalf("%d records, not %d", x.Len(), whole.Len())
	}
	for _, id := range ids {
		a, b := whole.Near(id, 0), x.Near(id, 0)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("near %d are %v, and of records that came one by one %v", id, a, b)
		}
	}
	for _, id := range ids {
		x.Remove(id)
	}
	for _, d := range x.dicts {
		for _, v := range d.column.values {
			if v != "" {
				t.Fatalf("%q is left of nobody", v)
			}
		}
	}
	for _, k := range x.keys {
		if k.used != 0 || slices.ContainsFunc(k.slots, func(s uint64) bool { return s != 0 }) {
			t.Fatalf("keys are left of nobody: %s", k.rule.name)
		}
	}
}

// However many share a key, each record is found by it or those that are fill it.
func TestKeysInAnyOrder(t *testing.T) {
	tab, ids, says := madeUp(3000, 9)
	for _, m := range says {
		m["last_name"], m["postcode"] = "Miller", "10115" // keys that thousands share
	}
	_, what := learn(t, tab)
	empty, w := NewTable(1, 0)
	w.Close()
	x := open(t, what, empty, nil)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 3 * len(ids) {
		if i := rnd.IntN(len(ids)); rnd.IntN(3) == 0 {
			x.Remove(ids[i])
		} else {
			x.Put(ids[i], says[i])
		}
	}
	split := 0
	for _, k := range x.keys {
		split += len(k.split)
		n := 0
		for _, s := range k.slots {
			if s != 0 {
				n++
			}
		}
		if n != k.used {
			t.Fatalf("%s: %d entries, counted %d", k.rule.name, n, k.used)
		}
		for _, at := range x.places {
			k.places(x.r, at, func(key uint32, depth int) {
				if there := k.at(key); !slices.Contains(there, at) && len(there) < mostNear && depth < len(k.refine) || len(there) > mostNear {
					t.Fatalf("%s: a record is not where its key is: %d others are, after %d splits", k.rule.name, len(there), depth)
				}
			})
		}
	}
	if split == 0 {
		t.Error("no key was split")
	}
	for id := range x.places {
		if n := len(x.Near(id, -100)); n > mostLooked+len(x.keys) {
			t.Fatalf("a search looked at %d records", n)
		}
	}
}

func TestLearnedIsChecked(t *testing.T) {
	tab, w := NewTable(1, 0)
	w.Close()
	for _, what := range []string{``, `{}`, `{"fields":[{"kind":99}]}`, `{"fields":[{"kind":1,"weight":[1]}]}`} {
		if _, err := OpenIndex([]byte(what), tab, nil, 1); err == nil {
			t.Errorf("%q is taken", what)
		}
	}
}
