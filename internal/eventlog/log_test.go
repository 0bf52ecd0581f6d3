package eventlog_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/eventlog"
)

// open opens a log under dir that is closed with the test.
func open(t testing.TB, o eventlog.Options) *eventlog.Log {
	t.Helper()
	if o.Reserve == 0 {
		o.Reserve = -1
	}
	l, err := eventlog.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open: %v (%s)", err, clientele.ErrorHint(err))
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

func records(source string, from, n int) []clientele.Record {
	rs := make([]clientele.Record, n)
	for i := range rs {
		rs[i] = clientele.Record{Source: source, ReceivedAt: clientele.Micros(from + i + 1), Raw: fmt.Appendf(nil, `{"n":%d}`, from+i)}
	}
	return rs
}

func appendTo(t testing.TB, l *eventlog.Log, rs []clientele.Record) clientele.Position {
	t.Helper()
	p, err := l.Append(t.Context(), clientele.KindEvent, rs)
	if err != nil {
		t.Fatalf("append: %v (%s)", err, clientele.ErrorHint(err))
	}
	return p
}

// readAll reads what is there after the position; the gaps it is told of are returned apart.
func readAll(t testing.TB, l *eventlog.Log, after clientele.Position) (positions []clientele.Position, rs []clientele.Record, gaps []eventlog.Gap) {
	t.Helper()
	r, err := l.Read(t.Context(), after)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	defer r.Close()
	for {
		p, b, err := r.TryNext(t.Context())
		var gap *eventlog.Gap
		switch {
		case errors.As(err, &gap):
			if clientele.ErrorCode(err) != clientele.Corrupt {
				t.Fatalf("a gap has the code %s", clientele.ErrorCode(err))
			}
			gaps = append(gaps, *gap)
			continue
		case err != nil:
			t.Fatalf("next: %v", err)
		case b == nil:
			if n := r.Pending(); n != 0 {
				t.Fatalf("at the end %d are pending", n)
			}
			return positions, rs, gaps
		}
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, p)
		rs = append(rs, f.Records...)
	}
}

// TestAppendRead: everything that concurrent callers append is read back once, the records of
// each caller in their order and not after the position it was told, and a reopened log has
// the same.
func TestAppendRead(t *testing.T) {
	dir := t.TempDir()
	l := open(t, eventlog.Options{Dir: dir})
	const callers, calls, per = 16, 20, 7
	var mu sync.Mutex
	told := map[string]clientele.Position{}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				source := fmt.Sprintf("s%d", c)
				p, err := l.Append(t.Context(), clientele.KindEvent, records(source, i*per, per))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				if p < told[source] {
					t.Errorf("%s: position %d after %d", source, p, told[source])
				}
				told[source] = p
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	check := func(l *eventlog.Log) {
		t.Helper()
		positions, rs, gaps := readAll(t, l, 0)
		if len(gaps) != 0 || len(rs) != callers*calls*per {
			t.Fatalf("%d records, gaps %v", len(rs), gaps)
		}
		if len(positions) >= callers*calls {
			t.Errorf("%d frames for %d calls: nothing was coalesced", len(positions), callers*calls)
		}
		for i, p := range positions {
			if p != clientele.Position(i+1) {
				t.Fatalf("frame %d has position %d", i+1, p)
			}
		}
		next := map[string]clientele.Micros{}
		for _, r := range rs {
			if r.ReceivedAt != next[r.Source]+1 {
				t.Fatalf("%s: record %d after %d", r.Source, r.ReceivedAt, next[r.Source])
			}
			next[r.Source] = r.ReceivedAt
		}
		if l.First() != 1 || l.Last() != positions[len(positions)-1] || l.Size() == 0 {
			t.Errorf("first %d, last %d, size %d", l.First(), l.Last(), l.Size())
		}
		_, tail, _ := readAll(t, l, l.Last()-1)
		if len(tail) == 0 || tail[len(tail)-1].Source != rs[len(rs)-1].Source {
			t.Errorf("the last frame alone has %d records", len(tail))
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), clientele.KindEvent, records("s", 0, 1)); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("append to a closed log: %v", err)
	}
	l = open(t, eventlog.Options{Dir: dir})
	if d := l.Damage(); len(d.Gaps) != 0 || d.CutBytes != 0 {
		t.Errorf("a clean log is damaged: %+v", d)
	}
	check(l)
}

// TestFrameSizes: a call that is too large for one frame becomes several; its records keep
// their order, and the position told is that of the last.
func TestFrameSizes(t *testing.T) {
	noise := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return b
	}
	tests := []struct {
		name    string
		records int
		size    int
		frames  int // at least
	}{
		{"one", 1, 100, 1},
		{"a thousand", clientele.MaxFrameRecords, 10, 1},
		{"one more", clientele.MaxFrameRecords + 1, 10, 2},
		{"full batch", clientele.MaxBatchEvents, 10, 3},
		{"incompressible", 150, 32 << 10, 6},
		{"largest record", 2, clientele.MaxFrameBytes - 100, 2},
	}
	l := open(t, eventlog.Options{Dir: t.TempDir()})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rs := records(test.name, 0, test.records)
			for i := range rs {
				rs[i].Raw = noise(test.size)
			}
			before := l.Last()
			p := appendTo(t, l, rs)
			positions, got, _ := readAll(t, l, before)
			if len(positions) < test.frames || p != positions[len(positions)-1] || l.Last() != p {
				t.Errorf("frames %v, told %d", positions, p)
			}
			if len(got) != len(rs) {
				t.Fatalf("%d records", len(got))
			}
			for i := range got {
				if got[i].ReceivedAt != rs[i].ReceivedAt || string(got[i].Raw) != string(rs[i].Raw) {
					t.Fatalf("record %d is another", i)
				}
			}
		})
	}
	last := l.Last()
	big := []clientele.Record{{Raw: noise(10)}, {Raw: noise(clientele.MaxFrameBytes + 1)}}
	if _, err := l.Append(t.Context(), clientele.KindRow, big); clientele.ErrorCode(err) != clientele.TooLarge || l.Last() != last {
		t.Errorf("a record larger than a frame: %v, last %d", err, l.Last())
	}
	if _, err := l.Append(t.Context(), 9, records("s", 0, 1)); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := l.Append(t.Context(), clientele.KindEvent, nil); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("no records: %v", err)
	}
}

// TestKinds: records of different kinds never share a frame.
func TestKinds(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir(), Linger: 20 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			kind := clientele.Kind(i%4 + 1)
			if _, err := l.Append(t.Context(), kind, records(kind.String(), 0, 3)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for p := l.First(); p <= l.Last(); p++ {
		b, err := l.Frame(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			if r.Source != f.Kind.String() {
				t.Fatalf("a %s in a frame of %s", r.Source, f.Kind)
			}
		}
	}
}

// TestNextWaits: a reader at the end gets the next frame when it comes, and ends with its
// context and with the log.
func TestNextWaits(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir()})
	r, err := l.Read(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		p   clientele.Position
		err error
	}
	answers := make(chan answer)
	next := func(ctx context.Context) {
		go func() {
			p, _, err := r.Next(ctx)
			answers <- answer{p, err}
		}()
	}
	for i := range 3 {
		next(t.Context())
		p := appendTo(t, l, records("s", i, 1))
		if a := <-answers; a.err != nil || a.p != p {
			t.Fatalf("appended %d, read %+v", p, a)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	next(ctx)
	cancel()
	if a := <-answers; !errors.Is(a.err, context.Canceled) {
		t.Errorf("cancelled: %+v", a)
	}
	next(t.Context())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if a := <-answers; clientele.ErrorCode(a.err) != clientele.Unavailable {
		t.Errorf("closed: %+v", a)
	}
}

// TestFull: a log at its limit answers Unavailable, loses nothing, and goes on after a purge.
func TestFull(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir(), MaxBytes: 4 << 20})
	taken := 0
	var refused error
	for refused == nil && taken < 100 {
		rs := records("s", taken*20, 20)
		for i := range rs {
			rs[i].Raw = make([]byte, 20<<10)
			_, _ = rand.Read(rs[i].Raw)
		}
		if _, refused = l.Append(t.Context(), clientele.KindEvent, rs); refused == nil {
			taken++
		}
	}
	if clientele.ErrorCode(refused) != clientele.Unavailable || !strings.Contains(clientele.ErrorHint(refused), "nothing was taken") {
		t.Fatalf("full: %v (%s)", refused, clientele.ErrorHint(refused))
	}
	if taken < 5 || !l.Status().Full {
		t.Errorf("taken %d, status %+v", taken, l.Status())
	}
	if _, rs, gaps := readAll(t, l, 0); len(rs) != taken*20 || len(gaps) != 0 {
		t.Errorf("%d of %d records, gaps %v", len(rs), taken*20, gaps)
	}
	size := l.Size()
	if err := l.Purge(t.Context(), l.Last()-2); err != nil {
		t.Fatal(err)
	}
	if l.Size() >= size || l.First() != l.Last()-1 {
		t.Errorf("after the purge: first %d, last %d, size %d of %d", l.First(), l.Last(), l.Size(), size)
	}
	appendTo(t, l, records("s", 0, 1))
	if l.Status().Full {
		t.Error("still full after an append")
	}
}

// TestReserve: the log stops before its disk is full.
func TestReserve(t *testing.T) {
	l := open(t, eventlog.Options{Dir: t.TempDir(), Reserve: 1 << 60})
	_, err := l.Append(t.Context(), clientele.KindEvent, records("s", 0, 1))
	if clientele.ErrorCode(err) != clientele.Unavailable || !strings.Contains(err.Error(), "reserve") || !l.Status().Full {
		t.Errorf("over the reserve: %v, %+v", err, l.Status())
	}
}

// TestPurge: what was purged is NotFound for Frame and told to a reader that wanted it; the
// rest stays, also after a reopen, and positions go on.
func TestPurge(t *testing.T) {
	dir := t.TempDir()
	l := open(t, eventlog.Options{Dir: dir})
	for i := range 10 {
		appendTo(t, l, records("s", i, 1))
	}
	behind, err := l.Read(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Purge(t.Context(), 6); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Purge(t.Context(), 11); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("purge beyond the end: %v", err)
	}
	check := func(l *eventlog.Log) {
		t.Helper()
		if l.First() != 7 || l.Last() != 10 {
			t.Errorf("first %d, last %d", l.First(), l.Last())
		}
		if _, err := l.Frame(t.Context(), 6); clientele.ErrorCode(err) != clientele.NotFound {
			t.Errorf("purged frame: %v", err)
		}
		if _, err := l.Frame(t.Context(), 11); clientele.ErrorCode(err) != clientele.NotFound {
			t.Errorf("future frame: %v", err)
		}
		if b, err := l.Frame(t.Context(), 7); err != nil || b == nil {
			t.Errorf("kept frame: %v", err)
		}
		if p, _, gaps := readAll(t, l, 6); len(p) != 4 || p[0] != 7 || gaps != nil {
			t.Errorf("read %v, gaps %v", p, gaps)
		}
	}
	check(l)
	if _, _, err := behind.Next(t.Context()); clientele.ErrorCode(err) != clientele.NotFound || !strings.Contains(err.Error(), "3 to 6") {
		t.Errorf("a reader that was overtaken: %v", err)
	}
	if p, _, err := behind.Next(t.Context()); err != nil || p != 7 {
		t.Errorf("then: %d, %v", p, err)
	}
	_ = l.Close()
	l = open(t, eventlog.Options{Dir: dir})
	check(l)
	if err := l.Purge(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	if l.First() != 11 || l.Last() != 10 {
		t.Errorf("emptied: first %d, last %d", l.First(), l.Last())
	}
	_ = l.Close()
	l = open(t, eventlog.Options{Dir: dir})
	if p := appendTo(t, l, records("s", 0, 1)); p != 11 {
		t.Errorf("after emptying and a reopen the next position is %d", p)
	}
}

// TestRaise: the next append gets a position above; what was skipped is told as a gap, what
// was there is still there.
func TestRaise(t *testing.T) {
	tests := []struct {
		name          string
		frames        int
		purged        clientele.Position
		to            clientele.Position
		next          clientele.Position
		gaps, frames2 int
	}{
		{"empty", 0, 0, 1_000_000, 1_000_001, 0, 0},
		{"emptied", 5, 5, 9, 10, 0, 0},
		{"with frames", 5, 0, 300, 301, 1, 5},
		{"nothing to do", 5, 0, 5, 6, 0, 5},
		{"below", 5, 2, 3, 6, 0, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, eventlog.Options{Dir: dir})
			for i := range test.frames {
				appendTo(t, l, records("s", i, 1))
			}
			if err := l.Purge(t.Context(), test.purged); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Read(t.Context(), max(test.to, l.Last())+1); clientele.ErrorCode(err) != clientele.Conflict {
				t.Errorf("reading behind the end: %v", err)
			}
			for range 2 {
				if err := l.Raise(t.Context(), test.to); err != nil {
					t.Fatal(err)
				}
			}
			_ = l.Close()
			l = open(t, eventlog.Options{Dir: dir})
			if got := l.Last() + 1; got != test.next {
				t.Fatalf("next is %d, want %d", got, test.next)
			}
			if p := appendTo(t, l, records("s", 0, 1)); p != test.next {
				t.Fatalf("appended at %d", p)
			}
			positions, _, gaps := readAll(t, l, l.First()-1)
			if len(positions) != test.frames2+1 || positions[len(positions)-1] != test.next {
				t.Errorf("positions %v", positions)
			}
			if len(gaps) != test.gaps {
				t.Fatalf("gaps %v", gaps)
			}
			if test.gaps > 0 {
				if want := (eventlog.Gap{From: 6, To: test.to}); gaps[0] != want {
					t.Errorf("gap %v, want %v", gaps[0], want)
				}
				if _, err := l.Frame(t.Context(), 7); clientele.ErrorCode(err) != clientele.Corrupt {
					t.Errorf("a frame in the gap: %v", err)
				}
			}
		})
	}
}

// TestOneProcess: a second log on the same directory is refused, also within one process.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	l := open(t, eventlog.Options{Dir: dir})
	if _, err := eventlog.Open(t.Context(), eventlog.Options{Dir: dir}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("second open: %v", err)
	}
	appendTo(t, l, records("s", 0, 1))
}
