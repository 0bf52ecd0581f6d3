package storetest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"clientele"
)

func testSnapshot(t *testing.T, s *store) {
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("a", "1"), row("b", "1"), row("c", "1")}})
	old, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("a", fmt.Sprint(i)), gone("b"), row(fmt.Sprint("d", i), "x")},
			Drop: []clientele.Range{span("c", "d")}})
	}
	young, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s.apply(clientele.ChangeSet{Drop: []clientele.Range{span("a", "f")}})
	sameList(t, listed(t, old, clientele.Range{}), "a=1", "b=1", "c=1")
	sameList(t, listed(t, old, clientele.Range{Start: clientele.Key("b"), Reverse: true}), "c=1", "b=1")
	want(t, old, "d1", "-")
	want(t, old, "b", "1")
	want(t, young, "a", "49")
	want(t, young, "b", "-")
	if got := listed(t, young, clientele.Range{}); len(got) != 51 {
		t.Errorf("second snapshot has %d rows, want 51", len(got))
	}
	sameList(t, listed(t, s, clientele.Range{}))
	for _, snap := range []clientele.Snapshot{old, old, young} { // closing again is nothing
		if err := snap.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := old.Get(clientele.Key("a")); err == nil {
		t.Error("a closed snapshot answers")
	}
}

// testWhole: every set writes its number into all of its rows, and readers who see two numbers
// have seen half of a set. One row of each set is made by a range drop and a new write.
func testWhole(t *testing.T, s *store) {
	const sets, width = 150, 40
	set := func(i int) clientele.ChangeSet {
		c := clientele.ChangeSet{Drop: []clientele.Range{clientele.Prefix(clientele.Key("w"))}, Outbox: binary.BigEndian.AppendUint64(nil, uint64(i))}
		for j := range width {
			c.Rows = append(c.Rows, row(fmt.Sprintf("w%02d", (i+j)%width), fmt.Sprint(i)))
		}
		return c
	}
	s.apply(set(0))
	var keys []clientele.Key
	for j := range width {
		keys = append(keys, clientele.Key(fmt.Sprintf("w%02d", j)))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	readers := []func() ([]string, error){
		func() (got []string, err error) {
			b, err := s.Load(keys)
			for _, v := range b {
				got = append(got, string(v))
			}
			return got, err
		},
		func() (got []string, err error) { return values(s) },
		func() ([]string, error) {
			snap, err := s.Snapshot()
			if err != nil {
				return nil, err
			}
			first, err := snap.Get(keys[0])
			if err != nil {
				return nil, err
			}
			got, err := values(snap)
			if err == nil {
				err = snap.Close()
			}
			return append(got[:width-1:width-1], string(first)), err
		},
	}
	for _, read := range readers {
		wg.Go(func() {
			for last := -1; ; {
				got, err := read()
				if err != nil || len(got) != width || slices.ContainsFunc(got, func(v string) bool { return v != got[0] }) {
					t.Errorf("half of a set: %q, %v", got, err)
					return
				}
				var now int
				if fmt.Sscan(got[0], &now); now < last {
					t.Errorf("set %d after %d", now, last)
					return
				}
				last = now
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	wg.Go(func() { followOutbox(t, s, sets, done) })
	for i := 1; i <= sets; i++ {
		s.apply(set(i))
	}
	close(done)
	wg.Wait()
}

func values(rows clientele.Rows) (got []string, err error) {
	err = rows.Scan(clientele.Prefix(clientele.Key("w")), func(_ clientele.Key, v []byte) (bool, error) {
		got = append(got, string(v))
		return true, nil
	})
	return got, err
}

// followOutbox reads changes while they are written, and what it has seen is in the rows.
func followOutbox(t *testing.T, s *store, sets int, done <-chan struct{}) {
	for after := uint64(0); after < uint64(sets); {
		got, err := s.Changes(after, 10)
		if err != nil {
			t.Errorf("changes: %v", err)
			return
		}
		for _, e := range got {
			if after++; e.Number != after || binary.BigEndian.Uint64(e.Bytes) != after-1 {
				t.Errorf("change %d after %d", e.Number, after-1)
				return
			}
		}
		if len(got) == 0 {
			select {
			case <-done:
				return
			default:
				continue
			}
		}
		var now uint64
		b, err := s.Get(clientele.Key("w00"))
		if fmt.Sscan(string(b), &now); err != nil || now+1 < after {
			t.Errorf("change %d is there, its rows are those of %d: %v", after, now, err)
			return
		}
	}
}

func testReopen(t *testing.T, s *store) {
	for i := range 40 {
		s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row(fmt.Sprintf("k%02d", i%25), fmt.Sprint(i)), gone(fmt.Sprintf("k%02d", (i*7)%25))},
			Outbox: fmt.Append(nil, i)})
		if i == 20 {
			s.apply(clientele.ChangeSet{Drop: []clientele.Range{span("k05", "k10")}})
		}
	}
	before := listed(t, s, clientele.Range{})
	for range 3 {
		s.reopen()
		sameList(t, listed(t, s, clientele.Range{}), before...)
		s.at(41, 40)
		if got, err := s.Changes(0, 100); err != nil || len(got) != 40 || string(got[39].Bytes) != "39" {
			t.Errorf("changes: %d, %v", len(got), err)
		}
	}
}

// testModel compares the store with a plain map through random sets, and from time to time
// opens it again.
func testModel(t *testing.T, s *store) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := &model{rng: rand.New(rand.NewPCG(seed, 2)), rows: map[string]string{}}
			own := &store{t: t, dir: t.TempDir(), open: s.open}
			own.RowStore = s.open(t, own.dir)
			m.run(t, own)
		})
	}
}

type model struct {
	rng      *rand.Rand
	rows     map[string]string
	position clientele.Position
	changes  []string
	trimmed  int
}

// key is short and of few letters, so that keys meet, are prefixes of each other and hold the
// bytes that sort specially.
func (m *model) key() string {
	const letters = "ab\x00\xff"
	b := []byte{"ahry"[m.rng.IntN(4)]}
	for range m.rng.IntN(4) {
		b = append(b, letters[m.rng.IntN(len(letters))])
	}
	return string(b)
}

func (m *model) span() clientele.Range {
	// Within one letter's keys, as the store's own rows lie between some of them.
	a := m.key()
	b := a[:1] + m.key()[1:]
	if m.rng.IntN(4) == 0 {
		return clientele.Prefix(clientele.Key(a))
	}
	return span(a, b)
}

func within(k string, r clientele.Range) bool {
	return k >= string(r.Start) && (len(r.End) == 0 || k < string(r.End))
}

func (m *model) step(t *testing.T, s *store) {
	set := clientele.ChangeSet{After: m.position, Position: m.position + clientele.Position(m.rng.IntN(3))}
	if m.rng.IntN(10) == 0 { // refused, so that nothing may change
		set.After++
		set.Position++
	}
	moved := set.After != m.position
	for range m.rng.IntN(3) {
		r := m.span()
		set.Drop = append(set.Drop, r)
		if !moved {
			maps.DeleteFunc(m.rows, func(k, _ string) bool { return within(k, r) })
		}
	}
	for range m.rng.IntN(30) {
		k := m.key()
		if m.rng.IntN(4) == 0 {
			set.Rows = append(set.Rows, gone(k))
			if !moved {
				delete(m.rows, k)
			}
			continue
		}
		v := strings.Repeat("v", m.rng.IntN(30)) + fmt.Sprint(m.rng.IntN(100))
		set.Rows = append(set.Rows, row(k, v))
		if !moved {
			m.rows[k] = v
		}
	}
	if m.rng.IntN(3) > 0 {
		set.Outbox = fmt.Appendf(nil, "c%d", m.rng.IntN(1000))
	}
	err := s.Apply(&set)
	if moved {
		wantCode(t, err, clientele.Conflict)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.position = set.Position
	if set.Outbox != nil {
		m.changes = append(m.changes, string(set.Outbox))
	}
}

func (m *model) run(t *testing.T, s *store) {
	defer s.close()
	for i := range 200 {
		m.step(t, s)
		switch {
		case i%100 == 60:
			s.reopen()
		case i%37 == 5:
			m.trimmed = max(m.trimmed, m.rng.IntN(len(m.changes)+1))
			if err := s.TrimChanges(uint64(m.trimmed)); err != nil {
				t.Fatal(err)
			}
		}
		if i%5 == 0 {
			m.compare(t, s)
		}
		if t.Failed() {
			t.Fatalf("after %d sets", i+1)
		}
	}
}

func (m *model) compare(t *testing.T, s *store) {
	t.Helper()
	s.at(m.position, uint64(len(m.changes)))
	ranges := []clientele.Range{{}, {Reverse: true}, m.span(), m.span()}
	ranges[3].Reverse = true
	for _, r := range ranges {
		var expect []string
		for _, k := range slices.Sorted(maps.Keys(m.rows)) {
			if within(k, r) {
				expect = append(expect, k+"="+m.rows[k])
			}
		}
		if r.Reverse {
			slices.Reverse(expect)
		}
		sameList(t, listed(t, s, r), expect...)
	}
	for range 10 {
		k := m.key()
		v, ok := m.rows[k]
		if !ok {
			v = "-"
		}
		want(t, s, k, v)
	}
	got, err := s.Changes(uint64(m.trimmed), 1000)
	if err != nil || len(got) != len(m.changes)-m.trimmed {
		t.Fatalf("%d changes, %v; want %d", len(got), err, len(m.changes)-m.trimmed)
	}
	for i, e := range got {
		if e.Number != uint64(m.trimmed+i+1) || string(e.Bytes) != m.changes[m.trimmed+i] {
			t.Fatalf("change %d is %q, want %q", e.Number, e.Bytes, m.changes[m.trimmed+i])
		}
	}
}
