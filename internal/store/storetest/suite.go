package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"clientele"
)

// Run proves a driver. open opens the store that lies in dir, or makes it. It is called again
// for the same dir after the store before was closed; a store that has to be closed is an
// io.Closer.
func Run(t *testing.T, open func(t *testing.T, dir string) clientele.RowStore) {
	tests := []struct {
		name string
		run  func(*testing.T, *store)
	}{
		{"empty", testEmpty},
		{"rows", testRows},
		{"load", testLoad},
		{"scan", testScan},
		{"drop", testDrop},
		{"values", testValues},
		{"copies", testCopies},
		{"keys of callers", testReserved},
		{"moved", testMoved},
		{"position", testPosition},
		{"changes", testChanges},
		{"trim", testTrim},
		{"snapshot", testSnapshot},
		{"small values", testMetas},
		{"whole sets only", testWhole},
		{"reopen", testReopen},
		{"due", testDue},
		{"timeline", testTimeline},
		{"model", testModel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &store{t: t, dir: t.TempDir(), open: open}
			s.RowStore = open(t, s.dir)
			t.Cleanup(s.close)
			tt.run(t, s)
		})
	}
}

// store is a store under test with the steps that all tests take.
type store struct {
	clientele.RowStore
	t    *testing.T
	dir  string
	open func(*testing.T, string) clientele.RowStore
}

func (s *store) close() {
	s.t.Helper()
	if c, ok := s.RowStore.(io.Closer); ok {
		if err := c.Close(); err != nil {
			s.t.Errorf("close: %v", err)
		}
	}
	s.RowStore = nil
}

func (s *store) reopen() {
	s.t.Helper()
	s.close()
	s.RowStore = s.open(s.t, s.dir)
}

// apply commits rows at the next position.
func (s *store) apply(set clientele.ChangeSet) {
	s.t.Helper()
	at, _, err := s.Position()
	if err != nil {
		s.t.Fatal(err)
	}
	set.After, set.Position = at, at+1
	if err := s.Apply(&set); err != nil {
		s.t.Fatalf("apply at %d: %v", at, err)
	}
}

func (s *store) at(position clientele.Position, number uint64) {
	s.t.Helper()
	p, n, err := s.Position()
	if err != nil || p != position || n != number {
		s.t.Errorf("position %d, commit number %d, %v; want %d, %d", p, n, err, position, number)
	}
}

func row(k, v string) clientele.RowChange {
	return clientele.RowChange{Key: clientele.Key(k), Value: []byte(v)}
}

func gone(k string) clientele.RowChange { return clientele.RowChange{Key: clientele.Key(k)} }

func span(start, end string) clientele.Range {
	return clientele.Range{Start: clientele.Key(start), End: clientele.Key(end)}
}

// want checks what Get says; "-" is no row.
func want(t *testing.T, rows clientele.Rows, k, v string) {
	t.Helper()
	b, err := rows.Get(clientele.Key(k))
	if err != nil {
		t.Errorf("get %q: %v", k, err)
	} else if b == nil != (v == "-") || b != nil && string(b) != v {
		t.Errorf("get %q = %q, want %q", k, b, v)
	}
}

// listed is the range as "k=v" in the order of the scan, without the store's own rows.
func listed(t *testing.T, rows clientele.Rows, r clientele.Range) []string {
	t.Helper()
	out := []string{}
	err := rows.Scan(r, func(k clientele.Key, v []byte) (bool, error) {
		if k[0] != clientele.RowOutbox && k[0] != clientele.RowPosition {
			out = append(out, fmt.Sprintf("%s=%s", k, v))
		}
		return true, nil
	})
	if err != nil {
		t.Errorf("scan: %v", err)
	}
	return out
}

func sameList(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

func wantCode(t *testing.T, err error, code clientele.Code) {
	t.Helper()
	if clientele.ErrorCode(err) != code {
		t.Errorf("error %q (%v), want code %q", clientele.ErrorCode(err), err, code)
	}
}

func testEmpty(t *testing.T, s *store) {
	s.at(0, 0)
	want(t, s, "a", "-")
	sameList(t, listed(t, s, clientele.Range{}))
	if got, err := s.Load([]clientele.Key{clientele.Key("a")}); err != nil || len(got) != 1 || got[0] != nil {
		t.Errorf("load: %q, %v", got, err)
	}
	if got, err := s.Load(nil); err != nil || len(got) != 0 {
		t.Errorf("load nothing: %q, %v", got, err)
	}
	if got, err := s.Changes(0, 10); err != nil || len(got) != 0 {
		t.Errorf("changes: %v, %v", got, err)
	}
	if err := s.TrimChanges(5); err != nil {
		t.Errorf("trim: %v", err)
	}
	if err := s.Apply(&clientele.ChangeSet{Position: 1}); err != nil {
		t.Errorf("apply nothing: %v", err)
	}
	s.at(1, 0)
}

func testRows(t *testing.T, s *store) {
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("b", "1"), row("a", "2"), row("a\x00", "3"), row("c", "x"), row("c", "4")}})
	sameList(t, listed(t, s, clientele.Range{}), "a=2", "a\x00=3", "b=1", "c=4")
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("a", "5"), gone("b"), gone("never"), row("d", "6"), gone("d"), gone("c"), row("c", "7")}})
	for k, v := range map[string]string{"a": "5", "b": "-", "never": "-", "d": "-", "c": "7", "a\x00": "3", "": "-"} {
		want(t, s, k, v)
	}
	sameList(t, listed(t, s, clientele.Range{}), "a=5", "a\x00=3", "c=7")
}

func testLoad(t *testing.T, s *store) {
	var rows []clientele.RowChange
	var keys []clientele.Key
	for i := range 3000 {
		k := fmt.Sprintf("k%06d", (i*7919)%6000)
		keys = append(keys, clientele.Key(k))
		if i%3 != 0 {
			rows = append(rows, row(k, "v"+k))
		}
	}
	keys = append(keys, keys[1], keys[0]) // the same again
	s.apply(clientele.ChangeSet{Rows: rows})
	before := slices.Clone(keys)
	got, err := s.Load(keys)
	if err != nil || len(got) != len(keys) {
		t.Fatalf("load: %d of %d, %v", len(got), len(keys), err)
	}
	if !slices.EqualFunc(keys, before, func(a, b clientele.Key) bool { return bytes.Equal(a, b) }) {
		t.Error("load changed the order of the caller's keys")
	}
	for i, k := range keys {
		missing := i%3 == 0 && i < 3000 || i == 3001
		if missing && got[i] != nil || !missing && string(got[i]) != "v"+string(k) {
			t.Fatalf("load %q (%d) = %q", k, i, got[i])
		}
	}
}

func testScan(t *testing.T, s *store) {
	s.apply(clientele.ChangeSet{Outbox: []byte("o"), Rows: []clientele.RowChange{
		row("a1", "1"), row("a2", "2"), row("b1", "3"), row("b2", "4"), row("z\xff\xff", "5")}})
	for _, tt := range []struct {
		r       clientele.Range
		forward []string
	}{
		{span("", ""), []string{"a1=1", "a2=2", "b1=3", "b2=4", "z\xff\xff=5"}},
		{span("a2", "b2"), []string{"a2=2", "b1=3"}},
		{span("a2\x00", ""), []string{"b1=3", "b2=4", "z\xff\xff=5"}},
		{span("", "b"), []string{"a1=1", "a2=2"}},
		{span("b1", "b1"), nil},
		{span("b2", "a1"), nil},
		{span("c", "d"), nil},
		{clientele.Prefix(clientele.Key("b")), []string{"b1=3", "b2=4"}},
		{clientele.Prefix(clientele.Key("z\xff")), []string{"z\xff\xff=5"}},
	} {
		sameList(t, listed(t, s, tt.r), tt.forward...)
		tt.r.Reverse = true
		slices.Reverse(tt.forward)
		sameList(t, listed(t, s, tt.r), tt.forward...)
	}
	for _, reverse := range []bool{false, true} {
		var got []string
		r := clientele.Range{Start: clientele.Key("a"), End: clientele.Key("c"), Reverse: reverse}
		err := s.Scan(r, func(k clientele.Key, _ []byte) (bool, error) {
			got = append(got, string(k))
			return len(got) < 2, nil
		})
		if err != nil || len(got) != 2 {
			t.Errorf("scan that stops: %q, %v", got, err)
		}
		stop, calls := errors.New("stop"), 0
		err = s.Scan(r, func(clientele.Key, []byte) (bool, error) { calls++; return true, stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("scan with an error: %v after %d calls", err, calls)
		}
	}
}

func testDrop(t *testing.T, s *store) {
	s.apply(clientele.ChangeSet{Outbox: []byte("kept"), Rows: []clientele.RowChange{
		row("d1", "1"), row("d2", "2"), row("d3", "3"), row("e", "4"), row("y1", "5"), row("z", "6")}})
	// Drops come before the rows of the same set, wherever they stand.
	s.apply(clientele.ChangeSet{
		Drop: []clientele.Range{clientele.Prefix(clientele.Key("d")), span("m", "m"), span("z", "a")},
		Rows: []clientele.RowChange{row("d2", "new"), row("d4", "new")}})
	sameList(t, listed(t, s, clientele.Range{}), "d2=new", "d4=new", "e=4", "y1=5", "z=6")
	s.apply(clientele.ChangeSet{Drop: []clientele.Range{span("y", ""), span("d2", "d4")}})
	sameList(t, listed(t, s, clientele.Range{}), "d4=new", "e=4")
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("y1", "again")}})
	want(t, s, "y1", "again")
	if got, err := s.Changes(0, 9); err != nil || len(got) != 1 || string(got[0].Bytes) != "kept" {
		t.Errorf("changes after drops: %v, %v", got, err)
	}
}

// testMetas: what a driver keeps of the values that everybody reads is never older or newer than its change set.
func testMetas(t *testing.T, s *store) {
	k, other := clientele.MetaKey("rules"), clientele.MetaKey("other")
	of := func(rows clientele.Rows, k clientele.Key) string {
		t.Helper()
		b, err := rows.Get(k)
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return "none"
		}
		text := string(b)
		clear(b) // it is the caller's
		return text
	}
	check := func(rows clientele.Rows, rules, others string) {
		t.Helper()
		for range 2 {
			if a, b := of(rows, k), of(rows, other); a != rules || b != others {
				t.Errorf("%s and %s, want %s and %s", a, b, rules, others)
			}
		}
	}
	snapshot := func() clientele.Snapshot {
		t.Helper()
		v, err := s.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		return v
	}
	unread := snapshot()
	check(s, "none", "none")
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{{Key: k, Value: []byte("1")}, {Key: other, Value: []byte{}}}})
	check(s, "1", "")
	before := snapshot()
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{{Key: k, Value: []byte("2")}}, Outbox: []byte("c")})
	check(before, "1", "") // read first when others have come
	check(unread, "none", "none")
	check(s, "2", "")
	if err := s.TrimChanges(1); err != nil {
		t.Fatal(err)
	}
	check(s, "2", "")
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{{Key: k}}})
	check(s, "none", "")
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{{Key: k, Value: []byte("3")}}})
	check(s, "3", "")
	second := snapshot()
	check(second, "3", "")
	s.apply(clientele.ChangeSet{Drop: []clientele.Range{clientele.Prefix(clientele.NewKey(clientele.RowMeta))}})
	check(s, "none", "none")
	check(second, "3", "")
}

func testValues(t *testing.T, s *store) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	long := string(bytes.Repeat([]byte("k"), 2000))
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{
		{Key: clientele.Key("empty"), Value: []byte{}}, {Key: clientele.Key("large"), Value: large},
		row("zero", "\x00\x00"), row(long, "long")}, Outbox: []byte{}})
	for range 2 {
		want(t, s, "empty", "")
		want(t, s, "large", string(large))
		want(t, s, "zero", "\x00\x00")
		want(t, s, long, "long")
		got, err := s.Load([]clientele.Key{clientele.Key("large"), clientele.Key("nil"), clientele.Key("empty")})
		if err != nil || !bytes.Equal(got[0], large) || got[1] != nil || got[2] == nil || len(got[2]) != 0 {
			t.Errorf("load of large, absent and empty: %d bytes, %v, %v; %v", len(got[0]), got[1], got[2], err)
		}
		// An outbox that is empty is one: only nil uses no number.
		if ch, err := s.Changes(0, 5); err != nil || len(ch) != 1 || ch[0].Number != 1 || len(ch[0].Bytes) != 0 {
			t.Errorf("changes: %v, %v", ch, err)
		}
		s.reopen()
	}
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{{Key: clientele.Key("empty"), Value: nil}}})
	want(t, s, "empty", "-")
}

// testCopies: what is given stays the caller's to change, what is returned is the caller's to keep.
func testCopies(t *testing.T, s *store) {
	k, v, o := clientele.Key("key1"), []byte("value1"), []byte("change1")
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{{Key: k, Value: v}}, Outbox: o})
	k[3], v[5], o[6] = '9', '9', '9'
	want(t, s, "key1", "value1")
	want(t, s, "key9", "-")
	got, err := s.Get(clientele.Key("key1"))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := s.Load([]clientele.Key{clientele.Key("key1")})
	if err != nil {
		t.Fatal(err)
	}
	changes, err := s.Changes(0, 1)
	if err != nil || len(changes) != 1 || string(changes[0].Bytes) != "change1" {
		t.Fatalf("changes: %v, %v", changes, err)
	}
	got[0], loaded[0][0], changes[0].Bytes[0] = 'X', 'X', 'X'
	want(t, s, "key1", "value1")
	if again, err := s.Changes(0, 1); err != nil || string(again[0].Bytes) != "change1" {
		t.Errorf("a reader changed the store: %v, %v", again, err)
	}
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("key1", "later1")}})
	if string(got[1:]) != "alue1" {
		t.Errorf("what Get returned became %q", got)
	}
}

// testReserved: the fence and the outbox cannot be written over.
func testReserved(t *testing.T, s *store) {
	s.apply(clientele.ChangeSet{Rows: []clientele.RowChange{row("a", "1")}, Outbox: []byte("x")})
	for name, set := range map[string]clientele.ChangeSet{
		"outbox row":     {Rows: []clientele.RowChange{row("b", "2"), {Key: clientele.OutboxKey(1)}}},
		"position row":   {Rows: []clientele.RowChange{{Key: clientele.NewKey(clientele.RowPosition), Value: []byte("x")}}},
		"no key":         {Rows: []clientele.RowChange{{Value: []byte("x")}}},
		"last byte":      {Rows: []clientele.RowChange{row("\xff", "x")}},
		"drop of outbox": {Drop: []clientele.Range{clientele.Prefix(clientele.NewKey(clientele.RowOutbox))}},
		"drop of all":    {Drop: []clientele.Range{{}}},
		"drop across":    {Drop: []clientele.Range{span("N", "Q")}},
	} {
		set.After, set.Position = 1, 2
		if err := s.Apply(&set); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantCode(t, s.Apply(&clientele.ChangeSet{After: 1, Position: 0}), clientele.Invalid)
	s.at(1, 1)
	sameList(t, listed(t, s, clientele.Range{}), "a=1")
}

func testMoved(t *testing.T, s *store) {
	first := &clientele.ChangeSet{After: 0, Position: 7, Rows: []clientele.RowChange{row("a", "1")}, Outbox: []byte("one")}
	if err := s.Apply(first); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]*clientele.ChangeSet{
		"the same again": first,
		"too early":      {After: 3, Position: 9, Rows: []clientele.RowChange{row("a", "2")}, Outbox: []byte("two")},
		"too late":       {After: 8, Position: 9, Drop: []clientele.Range{span("a", "b")}},
	} {
		if err := s.Apply(set); !errors.Is(err, clientele.ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.at(7, 1)
	want(t, s, "a", "1")
	s.reopen()
	if err := s.Apply(first); !errors.Is(err, clientele.ErrMoved) {
		t.Errorf("the same again after opening: %v", err)
	}
	if err := s.Apply(&clientele.ChangeSet{After: 7, Position: 8, Rows: []clientele.RowChange{row("a", "2")}}); err != nil {
		t.Error(err)
	}
	want(t, s, "a", "2")
}

func testPosition(t *testing.T, s *store) {
	high := clientele.Position(1) << 50
	steps := []struct {
		to     clientele.Position
		outbox []byte
		number uint64
	}{{5, []byte("a"), 1}, {6, nil, 1}, {6, []byte("same position"), 2}, {9, nil, 2}, {high, []byte("b"), 3}, {high + 1, nil, 3}}
	var at clientele.Position
	for _, st := range steps {
		if err := s.Apply(&clientele.ChangeSet{After: at, Position: st.to, Outbox: st.outbox}); err != nil {
			t.Fatalf("to %d: %v", st.to, err)
		}
		at = st.to
		s.at(at, st.number)
	}
	s.reopen()
	s.at(at, 3)
}

func testChanges(t *testing.T, s *store) {
	for i := range 25 {
		set := clientele.ChangeSet{Rows: []clientele.RowChange{row("r", fmt.Sprint(i))}}
		if i%5 != 4 { // 20 of 25 have a change
			set.Outbox = fmt.Appendf(nil, "change after set %d", i)
		}
		s.apply(set)
	}
	s.at(25, 20)
	var all []string
	for after := uint64(0); ; {
		got, err := s.Changes(after, 7)
		if err != nil || len(got) > 7 {
			t.Fatalf("changes after %d: %d, %v", after, len(got), err)
		}
		if len(got) == 0 {
			break
		}
		for _, e := range got {
			if e.Number != after+1 {
				t.Fatalf("change %d after %d", e.Number, after)
			}
			after = e.Number
			all = append(all, string(e.Bytes))
		}
	}
	if len(all) != 20 || all[3] != "change after set 3" || all[4] != "change after set 5" || all[19] != "change after set 23" {
		t.Errorf("changes %q", all)
	}
	if got, err := s.Changes(3, 0); err != nil || len(got) != 0 {
		t.Errorf("no changes asked: %v, %v", got, err)
	}
	_, err := s.Changes(21, 5)
	wantCode(t, err, clientele.Corrupt) // a follower of another history
}

func testTrim(t *testing.T, s *store) {
	const sets = 1500 // more than any driver deletes one by one
	for range sets {
		s.apply(clientele.ChangeSet{Outbox: []byte("c")})
	}
	check := func(after uint64, first, count int) {
		t.Helper()
		got, err := s.Changes(after, 10)
		if err != nil || len(got) != count || count > 0 && got[0].Number != uint64(first) {
			t.Errorf("changes after %d: %d of %d, %v", after, len(got), count, err)
		}
	}
	trim := func(upTo uint64) {
		t.Helper()
		if err := s.TrimChanges(upTo); err != nil {
			t.Errorf("trim %d: %v", upTo, err)
		}
	}
	for _, upTo := range []uint64{3, 3, 1} { // again and back is nothing
		trim(upTo)
		for after := range uint64(3) {
			_, err := s.Changes(after, 10)
			wantCode(t, err, clientele.Corrupt)
		}
		check(3, 4, 10)
		check(sets-2, sets-1, 2)
	}
	s.reopen()
	_, err := s.Changes(2, 10)
	wantCode(t, err, clientele.Corrupt)
	check(3, 4, 10)
	trim(1400)
	_, err = s.Changes(1399, 10)
	wantCode(t, err, clientele.Corrupt)
	check(1400, 1401, 10)
	trim(math.MaxUint64)
	_, err = s.Changes(sets-1, 10)
	wantCode(t, err, clientele.Corrupt)
	check(sets, 0, 0)
	s.reopen()
	_, err = s.Changes(0, 1)
	wantCode(t, err, clientele.Corrupt)
	s.apply(clientele.ChangeSet{Outbox: []byte("after all")})
	s.at(sets+1, sets+1)
	check(sets, sets+1, 1)
}
