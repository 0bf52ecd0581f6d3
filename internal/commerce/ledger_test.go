package commerce_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/commerce"
	"clientele/internal/store/storetest"
)

// book is a ledger over a store, as the resolver drives it.
type book struct {
	*testing.T
	store  clientele.RowStore
	ledger *commerce.Ledger
	at     clientele.Position
}

func newBook(t *testing.T) *book {
	b := &book{T: t, store: storetest.NewMemory()}
	b.ledger = commerce.NewLedger(b.store)
	return b
}

func (b *book) record(facts ...commerce.Fact) {
	b.Helper()
	for _, f := range facts {
		if err := b.ledger.Record(f); err != nil {
			b.Fatal(err)
		}
	}
}

func (b *book) commit() {
	b.Helper()
	set := &clientele.ChangeSet{After: b.at, Position: b.at + 1}
	err := b.ledger.Changes(func(k clientele.Key, v []byte) {
		set.Rows = append(set.Rows, clientele.RowChange{Key: slices.Clone(k), Value: bytes.Clone(v)})
	})
	if err == nil {
		err = b.store.Apply(set)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.at++
	b.ledger.Committed()
}

func (b *book) reopen() { b.commit(); b.ledger = commerce.NewLedger(b.store) }

// rows are the stored rows of the tables.
func (b *book) rows() map[string]string {
	b.Helper()
	b.commit()
	out := map[string]string{}
	err := b.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowTable)), func(k clientele.Key, v []byte) (bool, error) {
		out[string(k)] = string(v)
		return true, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// changed are the rows that differ from the last commit, as text.
func (b *book) changed(columns ...string) []string {
	b.Helper()
	var out []string
	err := b.ledger.Changed(func(_, after commerce.Row) error {
		s := after.Table.Name
		for _, c := range columns {
			if v := after.Value(c); v != nil {
				s += fmt.Sprintf(" %s=%v", c, v)
			}
		}
		if after.Anchor != 0 {
			s += fmt.Sprintf(" anchor=%d", after.Anchor)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// fact is what one record of a shop says; fields are column, value, column, value ...
func fact(table string, at clientele.Micros, a clientele.Anchor, fields ...any) commerce.Fact {
	f := commerce.Fact{Table: clientele.TableNamed(table), Fields: map[string]any{"source": "shop"}, Anchor: a,
		Stamp: clientele.Stamp{At: at, Source: "shop", ID: fmt.Sprintf("%s-%d", table, at)}}
	for i := 0; i < len(fields); i += 2 {
		f.Fields[fields[i].(string)] = fields[i+1]
	}
	return f
}

const unit = int64(10_000) // of a decimal

// randomFact is of few orders, lines and returns, so that they meet.
func randomFact(rnd *rand.Rand, n int) commerce.Fact {
	order := fmt.Sprintf("O%d", rnd.IntN(3))
	at := clientele.Micros(1 + rnd.IntN(8)) // often the same
	var anchor clientele.Anchor
	if rnd.IntN(2) == 0 {
		anchor = clientele.Anchor(1 + rnd.IntN(4))
	}
	pick := func(f commerce.Fact, column string, v any) {
		switch rnd.IntN(5) {
		case 0: // not told
		case 1:
			f.Fields[column] = nil // taken back
		default:
			f.Fields[column] = v
		}
	}
	f := fact("orders", at, anchor, "order_id", order)
	switch rnd.IntN(4) {
	case 0:
		pick(f, "revenue", int64(rnd.IntN(100))*unit)
		pick(f, "status", []string{"completed", "paid", "refunded"}[rnd.IntN(3)])
		pick(f, "ts", int64(1+rnd.IntN(50)))
	case 1, 2:
		f = fact("order_lines", at, anchor, "order_id", order, "line", fmt.Sprintf("L%d", rnd.IntN(3)))
		pick(f, "price", int64(rnd.IntN(100))*unit+5)
		pick(f, "quantity", int64(rnd.IntN(5)-1)*unit)
		pick(f, "discount", int64(rnd.IntN(3))*unit)
		pick(f, "ts", int64(1+rnd.IntN(50)))
	case 3:
		id := rnd.IntN(3)
		f = fact("returns", at, anchor, "return_id", fmt.Sprintf("R%d", id), "order_id", fmt.Sprintf("O%d", id))
		pick(f, "amount", int64(rnd.IntN(100))*unit)
	}
	f.Stamp.ID = fmt.Sprint(rnd.IntN(2))
	f.Row = n%2 == 0
	return f
}

// The same facts in any order, cut into batches anywhere, leave the same rows byte for byte.
func TestFoldsCommute(t *testing.T) {
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		facts := make([]commerce.Fact, 2+rnd.IntN(14))
		for i := range facts {
			facts[i] = randomFact(rnd, i)
		}
		first := newBook(t)
		first.record(facts...)
		want := first.rows()
		for range 6 {
			rnd.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
			b := newBook(t)
			for _, f := range facts {
				b.record(f)
				switch rnd.IntN(4) {
				case 0:
					b.commit()
				case 1:
					b.reopen()
				}
			}
			if got := b.rows(); !maps.Equal(got, want) {
				var s strings.Builder
				for _, f := range facts {
					fmt.Fprintf(&s, "\n  %s %v anchor %d at %d/%s", f.Table.Name, f.Fields, f.Anchor, f.Stamp.At, f.Stamp.ID)
				}
				for k, v := range want {
					if got[k] != v {
						fmt.Fprintf(&s, "\n%q\n first %x\n now   %x", k, v, got[k])
					}
				}
				t.Fatalf("seed %d: another order gives other rows:%s", seed, s.String())
			}
		}
	}
}

// Lines and returns that name nobody are their order's customer's, whatever is told first, and
// follow when the order turns out to be another's. What is told of a row itself holds.
func TestDependentsInherit(t *testing.T) {
	order := fact("orders", 1, 7, "order_id", "O1")
	line := fact("order_lines", 2, 0, "order_id", "O1", "line", "1", "price", 3*unit)
	own := fact("order_lines", 0, 9, "order_id", "O1", "line", "2", "price", unit)
	back := fact("returns", 3, 0, "return_id", "R1", "order_id", "O1", "amount", unit)
	want := []string{"orders revenue=40000 anchor=7", "order_lines line=1 anchor=7", "order_lines line=2 anchor=9", "returns anchor=7"}
	for name, facts := range map[string][]commerce.Fact{
		"order first": {order, line, own, back},
		"order last":  {back, own, line, order},
		"in between":  {line, back, order, own},
	} {
		for _, cut := range []bool{false, true} {
			b := newBook(t)
			all := map[string]string{}
			for _, f := range facts {
				b.record(f)
				if cut {
					for _, s := range b.changed("revenue", "line") {
						all[strings.Join(strings.Fields(s)[:1], "")+keyOf(s)] = s
					}
					b.reopen()
				}
			}
			got := b.changed("revenue", "line")
			if cut {
				got = nil
				for _, s := range want {
					got = append(got, all[strings.Fields(s)[0]+keyOf(s)])
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, cut %v:\n got %v\nwant %v", name, cut, got, want)
			}
			b.commit()
			b.record(fact("orders", 5, 8, "order_id", "O1")) // the order was another's
			if got, want := b.changed(), []string{"orders anchor=8", "order_lines anchor=8", "returns anchor=8"}; !slices.Equal(got, want) {
				t.Errorf("%s: a corrected customer changes %v, want %v", name, got, want)
			}
		}
	}
}

// keyOf is the line of a changed row.
func keyOf(s string) string {
	if _, after, ok := strings.Cut(s, "line="); ok {
		return after[:1]
	}
	return ""
}

// A line that names its own customer after it had the order's keeps them.
func TestOwnCustomerHolds(t *testing.T) {
	for _, cut := range []bool{false, true} {
		b := newBook(t)
		step := func(f commerce.Fact) {
			b.record(f)
			if cut {
				b.reopen()
			}
		}
		step(fact("returns", 1, 0, "return_id", "R1", "order_id", "O1"))
		step(fact("orders", 2, 7, "order_id", "O1"))
		step(fact("returns", 3, 9, "return_id", "R1"))
		b.reopen()
		b.record(fact("orders", 4, 8, "order_id", "O1"))
		if got, want := b.changed(), []string{"orders anchor=8"}; !slices.Equal(got, want) {
			t.Errorf("cut %v: changed %v, want %v", cut, got, want)
		}
	}
}

// What does not fit is Invalid, and nothing of it stays.
func TestOutOfRange(t *testing.T) {
	most := int64(clientele.MaxDecimal)
	for name, f := range map[string]commerce.Fact{
		"no order id":       fact("orders", 1, 0, "revenue", unit),
		"an empty order id": fact("orders", 1, 0, "order_id", ""),
		"no line":           fact("order_lines", 1, 0, "order_id", "O1", "price", unit),
		"no return id":      fact("returns", 1, 0, "order_id", "O1"),
		"quantity x price":  fact("order_lines", 1, 0, "order_id", "O1", "line", "1", "price", most, "quantity", 2*unit),
		"the order's sum":   fact("order_lines", 1, 0, "order_id", "O1", "line", "1", "price", most),
	} {
		b := newBook(t)
		b.record(fact("order_lines", 1, 5, "order_id", "O1", "line", "0", "price", 2*unit))
		b.commit()
		before := b.rows()
		if err := b.ledger.Record(f); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if got := b.changed(); len(got) != 0 {
			t.Errorf("%s: changed %v", name, got)
		}
		if after := b.rows(); !maps.Equal(before, after) {
			t.Errorf("%s: something stays", name)
		}
	}
}

// An order that no record told of has its lines' sum, earliest time and customer; what a source
// says of the revenue holds over the sum.
func TestOrderOfLines(t *testing.T) {
	b := newBook(t)
	b.record(fact("order_lines", 1, 0, "order_id", "O1", "line", "1", "price", 10*unit, "quantity", 3*unit, "discount", 5*unit, "ts", int64(70)),
		fact("order_lines", 2, 4, "order_id", "O1", "line", "2", "price", unit/2, "ts", int64(60)),
		fact("order_lines", 3, 0, "order_id", "O1", "line", "3", "price", -unit, "quantity", 2*unit, "ts", int64(80)))
	if got, want := b.changed("revenue", "ts")[0], "orders revenue=235000 ts=60 anchor=4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.commit()
	b.record(fact("order_lines", 4, 0, "order_id", "O1", "line", "1", "quantity", unit)) // corrected
	if got, want := b.changed("revenue", "ts")[0], "orders revenue=35000 ts=60 anchor=4"; got != want {
		t.Errorf("corrected: got %s, want %s", got, want)
	}
	b.commit()
	b.record(fact("orders", 5, 0, "order_id", "O1", "revenue", int64(0)))
	if got, want := b.changed("revenue", "ts")[0], "orders revenue=0 ts=60 anchor=4"; got != want {
		t.Errorf("told: got %s, want %s", got, want)
	}
}

// What is not committed can be forgotten.
func TestResetForgets(t *testing.T) {
	b := newBook(t)
	b.record(fact("orders", 1, 7, "order_id", "O1", "revenue", unit))
	before := b.rows()
	b.record(fact("orders", 2, 8, "order_id", "O1", "revenue", 2*unit), fact("order_lines", 2, 0, "order_id", "O1", "line", "1"))
	b.ledger.Reset()
	if got := b.changed(); len(got) != 0 {
		t.Errorf("changed %v", got)
	}
	if after := b.rows(); !maps.Equal(before, after) {
		t.Error("something stays")
	}
	b.record(fact("returns", 3, 0, "return_id", "R1", "order_id", "O1"))
	if got, want := b.changed("revenue"), []string{"returns anchor=7"}; !slices.Equal(got, want) {
		t.Errorf("changed %v, want %v", got, want)
	}
}
