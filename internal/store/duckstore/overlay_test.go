package duckstore_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

// model is what the views must show: rows by key, and the profile of each anchor.
type model struct {
	profile map[int64]int64            // anchor -> profile of today, 0 = none
	orders  map[string][2]int64        // order id -> anchor, revenue
	events  map[string]int64           // event id -> anchor
	lines   map[string]map[int64]int64 // order id -> line -> anchor
}

func (m *model) of(anchor int64) any {
	if p := m.profile[anchor]; anchor != 0 && p != 0 {
		return p
	}
	return nil
}

func (m *model) check(t *testing.T, s *duckstore.Store, when string) {
	t.Helper()
	var want []string
	for id, o := range m.orders {
		want = append(want, fmt.Sprint("orders ", id, " ", m.of(o[0]), " ", clientele.Decimal(o[1])))
	}
	for id, anchor := range m.events {
		want = append(want, fmt.Sprint("events ", id, " ", m.of(anchor), " ", nil))
	}
	for id, lines := range m.lines {
		for line, anchor := range lines {
			want = append(want, fmt.Sprint("order_lines ", id, "/", line, " ", m.of(anchor), " ", nil))
		}
	}
	var got []string
	for _, r := range query(t, s, "select 'orders', order_id, profile_id, revenue from orders union all "+
		"select 'events', event_id, profile_id, null from events union all "+
		"select 'order_lines', order_id || '/' || line, profile_id, null from order_lines") {
		got = append(got, fmt.Sprint(r[0], " ", r[1], " ", r[2], " ", r[3]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: views hold %d rows, model %d\n%v\n%v", when, len(got), len(want), got, want)
	}
}

// change makes a random commit and brings the model there. Rows carry the profile that their
// anchor has after the commit, as the resolver's do.
func (m *model) change(rnd *rand.Rand, n int) clientele.Change {
	ch := clientele.Change{Position: clientele.Position(n * 3)}
	for range rnd.IntN(4) {
		anchor := 1 + rnd.Int64N(12)
		p := rnd.Int64N(13) // 0: nobody's any more
		m.profile[anchor] = p
		ch.Moved = append(ch.Moved, clientele.Moved{Anchor: clientele.Anchor(anchor), Profile: clientele.ProfileID(p)})
	}
	person := func(anchor int64, v map[string]any) map[string]any {
		v["source"], v["profile_id"] = "s", nil
		if v["anchor_id"] = anchor; anchor == 0 && rnd.IntN(2) == 0 {
			v["anchor_id"] = nil
		}
		if p := m.profile[anchor]; anchor != 0 && (p != 0 || rnd.IntN(2) == 0) {
			v["profile_id"] = p // none is written as null or as 0
		}
		return v
	}
	for range rnd.IntN(5) {
		anchor, id, revenue := rnd.Int64N(13), fmt.Sprint("o", rnd.IntN(20)), rnd.Int64N(1e6)
		if anchor > 0 && m.profile[anchor] == 0 {
			m.profile[anchor] = 0
		}
		switch rnd.IntN(5) {
		case 0:
			delete(m.orders, id)
			ch.Tables = append(ch.Tables, clientele.TableRows{Table: "orders", Delete: [][]any{{"s", id}}})
		case 1:
			line := rnd.Int64N(3)
			if m.lines[id] == nil {
				m.lines[id] = map[int64]int64{}
			}
			m.lines[id][line] = anchor
			ch.Tables = append(ch.Tables, rows("order_lines", person(anchor, map[string]any{"order_id": id, "line": fmt.Sprint(line)})))
		case 2:
			event := fmt.Sprint("e", n, "-", len(ch.Tables))
			m.events[event] = anchor
			ch.Tables = append(ch.Tables, rows("events", person(anchor, map[string]any{"event_id": event})))
		default:
			m.orders[id] = [2]int64{anchor, revenue}
			ch.Tables = append(ch.Tables, rows("orders", person(anchor, map[string]any{"order_id": id, "revenue": revenue})))
		}
	}
	return ch
}

// TestOverlayEqualsModel: whatever is merged, unmerged, replaced, folded and reopened, the
// views show every row once with the profile that its anchor has now.
func TestOverlayEqualsModel(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(2) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		path := filepath.Join(t.TempDir(), "columns.duckdb")
		s := open(t, path)
		m := &model{profile: map[int64]int64{}, orders: map[string][2]int64{}, events: map[string]int64{}, lines: map[string]map[int64]int64{}}
		for n := 1; n <= 36; {
			var changes []clientele.Change
			first := n
			for range 1 + rnd.IntN(4) {
				changes = append(changes, m.change(rnd, n))
				n++
			}
			apply(t, s, uint64(first), changes...)
			switch rnd.IntN(6) {
			case 0:
				m.check(t, s, "before folding")
				before := digests(t, s)
				if err := s.Fold(ctx); err != nil {
					t.Fatal(err)
				}
				if after := digests(t, s); !maps.Equal(before, after) {
					t.Fatalf("folding changed %v to %v", before, after)
				}
				if c, err := s.Counts(ctx); err != nil || c["moved"] != 0 {
					t.Fatalf("after folding %d anchors stand in the overlay, %v", c["moved"], err)
				}
			case 1:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = open(t, path)
			case 2:
				if err := s.Maintain(ctx); err != nil {
					t.Fatal(err)
				}
			case 3:
				s.Break()
			}
			m.check(t, s, fmt.Sprintf("seed %d, commit %d", seed, n-1))
		}
	}
}

func TestMaintainFolds(t *testing.T) {
	s := fresh(t)
	ctx := context.Background()
	moved := func() int64 {
		c, err := s.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return c["moved"]
	}
	maintain := func() {
		if err := s.Maintain(ctx); err != nil {
			t.Fatal(err)
		}
	}
	change := func(from, n int) (ch clientele.Change) {
		for i := range n {
			ch.Moved = append(ch.Moved, clientele.Moved{Anchor: clientele.Anchor(from + i), Profile: 3})
		}
		return ch
	}
	apply(t, s, 1, change(1, 5))
	maintain()
	if moved() != 5 {
		t.Error("folded while changes arrive")
	}
	maintain()
	if moved() != 0 {
		t.Error("not folded when idle")
	}
	apply(t, s, 2, change(1, 10_001))
	maintain()
	if moved() != 0 {
		t.Error("a large overlay was not folded")
	}
}

// TestMaintainCompacts: rows replaced many times do not keep their space.
func TestMaintainCompacts(t *testing.T) {
	s := fresh(t)
	ctx := context.Background()
	var ch clientele.Change
	for i := range 35_000 {
		ch.Tables = append(ch.Tables, rows("profiles", map[string]any{"profile_id": int64(i + 1), "traits": fmt.Sprintf(`{"name":"n%d"}`, i)}))
	}
	apply(t, s, 1, ch)
	if err := s.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	before, size := digests(t, s), s.Size()
	for n := range uint64(4) {
		apply(t, s, n+2, ch)
	}
	for range 2 {
		if err := s.Maintain(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if after := digests(t, s); !maps.Equal(before, after) {
		t.Error("compaction changed the data")
	}
	if s.Size() > 4*size {
		t.Errorf("the file grew from %d to %d bytes", size, s.Size())
	}
}
