package pebblestore_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"clientele"
	"clientele/internal/store/pebblestore"
	"clientele/internal/store/storetest"
)

// TestCrash kills the process. Memtables are small, so that flushes and compactions are cut too.
func TestCrash(t *testing.T) {
	t.Parallel()
	storetest.Crash(t, 20, func(t *testing.T, dir string) clientele.RowStore {
		return open(t, pebblestore.Options{Dir: dir, MemTableBytes: 256 << 10, CacheBytes: 1 << 20, MinFreeBytes: -1})
	})
}

// history applies sets whose rows can be told from any mixture, until one fails.
type history struct {
	acked clientele.Position
}

func (h *history) set(at clientele.Position) *clientele.ChangeSet {
	set := &clientele.ChangeSet{After: at - 1, Position: at, Outbox: fmt.Append(nil, "change ", at)}
	for j := range 10 {
		set.Rows = append(set.Rows, clientele.RowChange{Key: fmt.Appendf(nil, "r%02d", j),
			Value: fmt.Appendf(nil, "%d %s", at, strings.Repeat("x", 1500))})
	}
	// Rows that stay, so that the tree grows.
	set.Rows = append(set.Rows, clientele.RowChange{Key: fmt.Appendf(nil, "s%05d", at), Value: []byte(strings.Repeat("y", 2000))})
	return set
}

func (h *history) apply(s *pebblestore.Store) error {
	err := s.Apply(h.set(h.acked + 1))
	if err == nil {
		h.acked++
	}
	return err
}

// check demands the acknowledged sets, whole, and at most the one after them.
func (h *history) check(t *testing.T, s *pebblestore.Store) {
	t.Helper()
	at, number, err := s.Position()
	if err != nil || at < h.acked || at > h.acked+1 || number != uint64(at) {
		t.Fatalf("store is at set %d, change %d (%v), acknowledged was %d", at, number, err, h.acked)
	}
	h.acked = at
	h.checkRows(t, s, at)
	changes, err := s.Changes(0, int(at)+1)
	if err != nil || len(changes) != int(at) {
		t.Fatalf("%d changes of %d: %v", len(changes), at, err)
	}
}

func (h *history) checkRows(t *testing.T, s *pebblestore.Store, at clientele.Position) {
	t.Helper()
	if at == 0 {
		return
	}
	for _, r := range h.set(at).Rows {
		if b, err := s.Get(r.Key); err != nil || string(b) != string(r.Value) {
			t.Fatalf("row %s of set %d: %.20q, %v", r.Key, at, b, err)
		}
	}
	rows := 0
	err := s.Scan(clientele.Prefix(clientele.Key("s")), func(clientele.Key, []byte) (bool, error) { rows++; return true, nil })
	if err != nil || rows != int(at) {
		t.Fatalf("%d of %d rows that stay: %v", rows, at, err)
	}
}

// TestPowerCut keeps of the files only what was synced and a random part of the rest.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for cut := range 15 {
		fs := vfs.NewCrashableMem()
		h := &history{}
		s, err := pebblestore.OpenOn(small("/store"), fs)
		if err != nil {
			t.Fatal(err)
		}
		for range rng.IntN(80) {
			if err := h.apply(s); err != nil {
				t.Fatal(err)
			}
		}
		left := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: (cut % 3) * 40, RNG: rng})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, err = pebblestore.OpenOn(small("/store"), left)
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		h.check(t, s)
		if err := h.apply(s); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskErrors lets the disk fail at one write after the other: once, or from then on. The
// process lives, readers go on, and what was acknowledged is there after a power cut.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	const steps = 16
	var broken, lived, opening int
	for step := range int64(steps) {
		for _, forEver := range []bool{false, true} {
			// Closer together at the start, where the files are made.
			at := 3*step + step*step*4/3
			switch failAt(t, at, forEver) {
			case "opening":
				opening++
			case "broken":
				broken++
			case "lived":
				lived++
			}
		}
	}
	t.Logf("failed while opening: %d; stopped writing: %d; went on: %d", opening, broken, lived)
	if opening == 0 || broken == 0 || lived == 0 {
		t.Error("the failures do not reach all parts")
	}
}

func failAt(t *testing.T, at int64, forEver bool) (outcome string) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var writes atomic.Int64
	failing := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		if n := writes.Add(1); n == at || forEver && n > at {
			return syscall.ENOSPC
		}
		return nil
	}))
	h := &history{}
	s, err := pebblestore.OpenOn(small("/store"), failing)
	if err != nil {
		if clientele.ErrorHint(err) == "" || clientele.ErrorCode(err) != clientele.Unavailable {
			t.Errorf("write %d fails: open says %v (%s)", at, err, clientele.ErrorHint(err))
		}
		outcome = "opening"
	} else {
		outcome = applyUntilBroken(t, s, h, at, forEver)
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	s, err = pebblestore.OpenOn(small("/store"), left)
	if err != nil {
		t.Fatalf("write %d failed, for ever %v: open again: %v", at, forEver, err)
	}
	h.check(t, s)
	for range 5 {
		if err := h.apply(s); err != nil {
			t.Fatalf("write %d failed, for ever %v: apply again: %v", at, forEver, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return outcome
}

func applyUntilBroken(t *testing.T, s *pebblestore.Store, h *history, at int64, forEver bool) (outcome string) {
	t.Helper()
	outcome = "lived"
	for range 120 {
		err := h.apply(s)
		if err == nil {
			continue
		}
		outcome = "broken"
		if clientele.ErrorCode(err) != clientele.Unavailable || !strings.Contains(clientele.ErrorHint(err), "disk is full") {
			t.Errorf("write %d fails: apply says %v (%s)", at, err, clientele.ErrorHint(err))
		}
		if err := h.apply(s); err == nil && forEver {
			t.Errorf("write %d fails: the next apply is taken", at)
		}
		break
	}
	// Readers see the last acknowledged set, and no more.
	if p, _, err := s.Position(); err != nil || p != h.acked {
		t.Errorf("write %d fails: readers are at %d (%v), acknowledged was %d", at, p, err, h.acked)
	}
	h.checkRows(t, s, h.acked)
	if err := s.Close(); err != nil && clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("write %d fails: close says %v", at, err)
	}
	return outcome
}
