package rowcache_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"clientele"
	"clientele/internal/rowcache"
	"clientele/internal/store/storetest"
)

// timelines are the lines of a store, with what they should be beside them.
type timelines struct {
	t        *testing.T
	store    clientele.RowStore
	looks    int
	lines    *rowcache.Lines
	want     map[string][]byte
	changes  []clientele.RowChange
	position clientele.Position
}

func newTimelines(t *testing.T) *timelines {
	l := &timelines{t: t, store: storetest.NewMemory(), want: map[string][]byte{}}
	l.lines = rowcache.NewLines(looked{l.store, &l.looks})
	return l
}

// looked counts how often a store is asked.
type looked struct {
	clientele.Rows
	n *int
}

func (l looked) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	*l.n++
	return l.Rows.Scan(r, fn)
}

func (l *timelines) put(a clientele.Anchor, name string, at clientele.Micros, id string, row []byte) {
	key := clientele.TimelineKey(a, name, at, "web", id)
	l.lines.Put(a, name, key, row)
	if got, is := l.lines.Get(a, name, key); !is || !bytes.Equal(got, row) {
		l.t.Fatalf("%q is %q, %v", key, got, is)
	}
	l.changes = append(l.changes, clientele.RowChange{Key: key, Value: bytes.Clone(row)})
	if l.want[string(key)] = row; row == nil {
		delete(l.want, string(key))
	}
}

func (l *timelines) commit() {
	l.t.Helper()
	l.position++
	if err := l.store.Apply(&clientele.ChangeSet{After: l.position - 1, Position: l.position, Rows: l.changes}); err != nil {
		l.t.Fatal(err)
	}
	l.changes = nil
	l.lines.Committed()
}

// check compares what is on the line with what should be.
func (l *timelines) check(a clientele.Anchor, name string, from, to clientele.Micros, most int64) {
	l.t.Helper()
	got, want := map[string][]byte{}, map[string][]byte{}
	err := l.lines.Scan(a, name, from, to, most, func(k clientele.Key, row []byte) error {
		if _, twice := got[string(k)]; twice {
			l.t.Errorf("%q is there twice", k)
		}
		got[string(k)] = bytes.Clone(row)
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	for k, row := range l.want {
		r := clientele.Key(k).Read()
		if r.Anchor() == a && r.Text() == name {
			if at := r.Time(); from <= at && at <= to {
				want[k] = row
			}
		}
	}
	if !maps.EqualFunc(got, want, bytes.Equal) {
		l.t.Fatalf("%d %s from %d to %d: %q, want %q (or other rows of them)", a, name, from, to, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestLinesAreTheStores: whatever is written, taken back, committed and looked at, in any order, the rows are those of the
// store and of the batch.
func TestLinesAreTheStores(t *testing.T) {
	for seed := range uint64(5) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		l := newTimelines(t)
		when := func() clientele.Micros { return clientele.Micros(rnd.IntN(40)) - 20 }
		for range 4000 {
			a, name := clientele.Anchor(1+rnd.IntN(4)), []string{"View", "Order", "View again"}[rnd.IntN(3)]
			switch at := when(); rnd.IntN(20) {
			case 0, 1, 2, 3, 4, 5:
				size := 1 + rnd.IntN(20)
				if rnd.IntN(4) == 0 {
					size = rnd.IntN(9000) // several make a line that is not held
				}
				l.put(a, name, at, fmt.Sprint(rnd.IntN(3)), bytes.Repeat([]byte{byte(size)}, size))
			case 6, 7:
				l.put(a, name, at, fmt.Sprint(rnd.IntN(3)), nil)
			case 8, 9:
				l.commit()
			case 10:
				if rnd.IntN(20) == 0 {
					l.lines.Forget()
				}
			case 11:
				l.check(a, name, math.MinInt64, math.MaxInt64, rowcache.AnyMany)
			default:
				l.check(a, name, at, max(at, when()), rowcache.AnyMany)
			}
		}
	}
}

// TestLinesAreReadOnce: what was looked at is not asked of the store again, further back it is; nor is a line of which the
// batch has all rows.
func TestLinesAreReadOnce(t *testing.T) {
	l := newTimelines(t)
	asks := func(what string, want int, look func()) {
		t.Helper()
		l.looks = 0
		if look(); l.looks != want {
			t.Errorf("%s: the store was asked %d times, want %d", what, l.looks, want)
		}
	}
	for at := range clientele.Micros(10) {
		l.put(1, "View", at, "", []byte("x"))
	}
	l.commit()
	asks("first", 1, func() { l.check(1, "View", 5, 20, rowcache.AnyMany) })
	asks("again", 0, func() { l.check(1, "View", 5, 9, rowcache.AnyMany); l.check(1, "View", 7, 100, rowcache.AnyMany) })
	l.put(1, "View", 8, "new", []byte("y"))
	l.commit()
	asks("with a new row", 0, func() { l.check(1, "View", 6, 20, rowcache.AnyMany) })
	asks("further back", 1, func() { l.check(1, "View", 4, 20, rowcache.AnyMany) })
	asks("another name", 1, func() { l.check(1, "Order", 0, 20, rowcache.AnyMany) })
	l.put(2, "View", 1, "", []byte("z"))
	asks("all in the batch", 0, func() { l.check(2, "View", 0, 20, 1) })
	l.commit()
	asks("which is committed", 0, func() { l.check(2, "View", math.MinInt64, 20, rowcache.AnyMany) })
	l.put(1, "Order", 3, "", []byte("z"))
	asks("not all in the batch", 0, func() { l.check(1, "Order", 0, 20, 2) })
	l.lines.Forget()
	asks("forgotten", 1, func() { l.check(1, "View", 5, 9, rowcache.AnyMany) })
	asks("forgotten, and not all in the batch", 1, func() { l.check(1, "Order", 0, 20, 2) })
}

// TestLinesAreBounded: a long line is read each time, and of many short ones the oldest go.
func TestLinesAreBounded(t *testing.T) {
	l := newTimelines(t)
	for at := range clientele.Micros(40) {
		l.put(1, "View", at, "", make([]byte, 1000))
	}
	l.commit()
	for range 2 {
		l.looks = 0
		if l.check(1, "View", 0, 100, rowcache.AnyMany); l.looks != 1 {
			t.Errorf("the store was asked %d times for a line of 40 KB", l.looks)
		}
	}
	row := make([]byte, 10_000)
	const people = 3000 // 30 MB
	for a := range clientele.Anchor(people) {
		l.put(100+a, "View", 1, "", row)
	}
	l.commit()
	scan := func(a clientele.Anchor) {
		if err := l.lines.Scan(a, "View", 0, 10, rowcache.AnyMany, func(clientele.Key, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for a := range clientele.Anchor(people) {
		scan(100 + a)
	}
	l.looks = 0
	for a := range clientele.Anchor(400) {
		scan(100 + people - 400 + a)
	}
	if l.looks != 0 {
		t.Errorf("of the last 400 lines %d were asked for again", l.looks)
	}
	for a := range clientele.Anchor(400) {
		scan(100 + a)
	}
	if l.looks != 400 {
		t.Errorf("of the first 400 lines %d were asked for again", l.looks)
	}
}
