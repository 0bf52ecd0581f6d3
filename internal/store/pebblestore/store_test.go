package pebblestore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/store/pebblestore"
	"clientele/internal/store/storetest"
)

func open(t *testing.T, o pebblestore.Options) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // tests that care have closed it before
	return s
}

func small(dir string) pebblestore.Options {
	return pebblestore.Options{Dir: dir, MemTableBytes: 256 << 10, CacheBytes: 1 << 20, MinFreeBytes: -1}
}

func apply(t *testing.T, s *pebblestore.Store, set clientele.ChangeSet) {
	t.Helper()
	at, _, err := s.Position()
	if err != nil {
		t.Fatal(err)
	}
	set.After, set.Position = at, at+1
	if err := s.Apply(&set); err != nil {
		t.Fatal(err)
	}
}

func row(k, v string) clientele.RowChange {
	return clientele.RowChange{Key: clientele.Key(k), Value: []byte(v)}
}

func digest(t *testing.T, s *pebblestore.Store, skip ...byte) string {
	t.Helper()
	d, err := s.Digest(t.Context(), skip...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantCode(t *testing.T, what string, err error, code clientele.Code) {
	t.Helper()
	if clientele.ErrorCode(err) != code {
		t.Errorf("%s: error %q (%v), want code %q", what, clientele.ErrorCode(err), err, code)
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string) clientele.RowStore {
		return open(t, pebblestore.Options{Dir: dir, CacheBytes: 1 << 20, MemTableBytes: 1 << 20})
	})
}

func TestNoSync(t *testing.T) {
	o := small(t.TempDir())
	o.NoSync = true
	s := open(t, o)
	for i := range 300 {
		apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row(fmt.Sprintf("k%03d", i), strings.Repeat("v", 5000))}})
	}
	before := digest(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, small(o.Dir)); digest(t, again) != before {
		t.Error("rows are lost by an orderly close")
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		code          clientele.Code
	}{
		{"the same", "clientele rows 1\n", ""},
		{"newer", "clientele rows 2\n", clientele.Conflict},
		{"damaged", "clientele ro", clientele.Corrupt},
		{"empty", "", clientele.Corrupt},
		{"zero", "clientele rows 0\n", clientele.Corrupt},
		{"missing", "-", clientele.Corrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := small(t.TempDir())
			s := open(t, o)
			apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row("a", "1")}})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(o.Dir, "FORMAT")
			err := os.WriteFile(file, []byte(tt.content), 0o644)
			if tt.content == "-" {
				err = os.Remove(file)
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err = pebblestore.Open(o)
			wantCode(t, "open", err, tt.code)
			if err != nil && clientele.ErrorHint(err) == "" {
				t.Error("no hint")
			}
			if err == nil {
				if b, err := s.Get(clientele.Key("a")); err != nil || string(b) != "1" {
					t.Errorf("row: %q, %v", b, err)
				}
				_ = s.Close() // it was only read
			}
		})
	}
}

func TestInUse(t *testing.T) {
	o := small(t.TempDir())
	s := open(t, o)
	_, err := pebblestore.Open(o)
	wantCode(t, "second open", err, clientele.Conflict)
	if clientele.ErrorHint(err) == "" {
		t.Error("no hint")
	}
	apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row("a", "1")}}) // the first is unharmed
}

// TestDigest: the same rows have the same digest, however they came to be, and others another.
func TestDigest(t *testing.T) {
	a, b := open(t, small(t.TempDir())), open(t, small(t.TempDir()))
	empty := digest(t, a)
	const n = 500
	for i := range n {
		apply(t, a, clientele.ChangeSet{Rows: []clientele.RowChange{row(fmt.Sprintf("r%03d", i), fmt.Sprint(i))}, Outbox: []byte("x")})
	}
	for i := n - 1; i >= 0; i-- {
		apply(t, b, clientele.ChangeSet{Rows: []clientele.RowChange{row(fmt.Sprintf("r%03d", i), "old"), row(fmt.Sprintf("z%03d", i), "old")}})
	}
	set := clientele.ChangeSet{Drop: []clientele.Range{clientele.Prefix(clientele.Key("z"))}}
	for i := range n {
		set.Rows = append(set.Rows, row(fmt.Sprintf("r%03d", i), fmt.Sprint(i)))
	}
	apply(t, b, set)
	for _, step := range []func() error{b.Flush, func() error { return b.Compact(t.Context()) }, func() error { return a.TrimChanges(100) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	same := digest(t, a)
	if same != digest(t, b) || same == empty {
		t.Error("the same rows have different digests")
	}
	apply(t, b, clientele.ChangeSet{Rows: []clientele.RowChange{row("r0001", ""), row("d1", "")}})
	if digest(t, b) == same || digest(t, b, 'd', 'r') != empty || digest(t, b, 'r') == empty {
		t.Error("different rows have the same digest")
	}
	apply(t, a, clientele.ChangeSet{Rows: []clientele.RowChange{row("r000", "10")}})
	apply(t, b, clientele.ChangeSet{Rows: []clientele.RowChange{row("r000", "1"), {Key: clientele.Key("r0001")}, {Key: clientele.Key("d1")}}})
	if digest(t, a) == digest(t, b) {
		t.Error("another value has the same digest")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	set.Rows = nil
	for i := range 2000 {
		set.Rows = append(set.Rows, row(fmt.Sprintf("r%06d", i), "x"))
	}
	apply(t, b, set)
	if _, err := b.Digest(ctx); err == nil {
		t.Error("a cancelled digest has a result")
	}
}

func TestCheckpoint(t *testing.T) {
	s := open(t, small(t.TempDir()))
	for i := range 200 {
		apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row(fmt.Sprintf("k%03d", i), strings.Repeat("v", 3000))}, Outbox: []byte("c")})
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if p, n, err := s.Checkpoint(dir); err != nil || p != 200 || n != 200 {
		t.Fatal(p, n, err)
	}
	before := digest(t, s)
	apply(t, s, clientele.ChangeSet{Drop: []clientele.Range{clientele.Prefix(clientele.Key("k"))}})
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := open(t, small(dir))
	if p, n, err := c.Position(); err != nil || p != 200 || n != 200 || digest(t, c) != before {
		t.Errorf("the copy is at %d, %d (%v) or has other rows", p, n, err)
	}
	// A copy that cannot be made does the store no harm.
	if _, _, err := s.Checkpoint(dir); err == nil {
		t.Error("copied over a copy")
	}
	apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row("k", "1")}})
}

func TestSize(t *testing.T) {
	dir := t.TempDir()
	s := open(t, small(dir))
	for i := range 100 {
		noise := make([]byte, 20_000)
		_, _ = rand.Read(noise) // never fails
		apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{{Key: fmt.Appendf(nil, "k%03d", i), Value: noise}}})
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	full := s.Size()
	if full < 2_000_000 {
		t.Errorf("2 MB of noise take %d bytes", full)
	}
	apply(t, s, clientele.ChangeSet{Drop: []clientele.Range{clientele.Prefix(clientele.Key("k"))}})
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := digest(t, s)
	if err := s.Close(); err != nil { // waits until old files are gone
		t.Fatal(err)
	}
	s = open(t, small(dir))
	if s.Size() > full/2 || digest(t, s) != d {
		t.Errorf("after everything was dropped %d of %d bytes are in use", s.Size(), full)
	}
}

func TestClosed(t *testing.T) {
	s := open(t, small(t.TempDir()))
	apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row("a", "1"), row("b", "2"), row("c", "3")}})
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	// A scan under way is finished first.
	inside, closed := make(chan struct{}), make(chan error)
	go func() {
		<-inside
		closed <- s.Close()
	}()
	var seen []byte
	var once sync.Once
	err = s.Scan(clientele.Range{}, func(k clientele.Key, v []byte) (bool, error) {
		once.Do(func() { close(inside) })
		if k[0] != clientele.RowPosition {
			seen = append(seen, v...)
		}
		return true, nil
	})
	if err != nil || string(seen) != "123" {
		t.Errorf("scan: %q, %v", seen, err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	for what, call := range map[string]func() error{
		"get":           func() error { _, err := s.Get(clientele.Key("a")); return err },
		"load":          func() error { _, err := s.Load(nil); return err },
		"scan":          func() error { return s.Scan(clientele.Range{}, nil) },
		"apply":         func() error { return s.Apply(&clientele.ChangeSet{After: 1, Position: 2}) },
		"position":      func() error { _, _, err := s.Position(); return err },
		"changes":       func() error { _, err := s.Changes(0, 1); return err },
		"trim":          func() error { return s.TrimChanges(1) },
		"snapshot":      func() error { _, err := s.Snapshot(); return err },
		"snapshot get":  func() error { _, err := snap.Get(clientele.Key("a")); return err },
		"snapshot scan": func() error { return snap.Scan(clientele.Range{}, nil) },
		"flush":         s.Flush,
		"compact":       func() error { return s.Compact(t.Context()) },
		"digest":        func() error { _, err := s.Digest(t.Context()); return err },
		"checkpoint":    func() error { _, _, err := s.Checkpoint(filepath.Join(t.TempDir(), "c")); return err },
	} {
		wantCode(t, what, call(), clientele.Unavailable)
	}
	for what, call := range map[string]func() error{"snapshot": snap.Close, "again": s.Close} {
		if err := call(); err != nil {
			t.Errorf("close %s: %v", what, err)
		}
	}
}

// TestDamaged: bytes that rot on the disk are noticed, stop the writing, and no row's key gets
// into the log or an error.
func TestDamaged(t *testing.T) {
	const secret = "ann@example.com"
	o := small(t.TempDir())
	s := open(t, o)
	for i := range 200 {
		apply(t, s, clientele.ChangeSet{Rows: []clientele.RowChange{row(fmt.Sprintf("i%s%03d", secret, i), strings.Repeat(fmt.Sprint(i, " "), 300))}})
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(o.Dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no table files: %v", err)
	}
	for _, name := range tables {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 64 { // in the data, not in the footer
			b[len(b)/10+i] ^= 0x55
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s = open(t, o)
	err = s.Scan(clientele.Range{}, func(clientele.Key, []byte) (bool, error) { return true, nil })
	wantCode(t, "scan", err, clientele.Corrupt)
	if clientele.ErrorHint(err) == "" {
		t.Error("no hint")
	}
	at, _, _ := s.Position()
	wantCode(t, "apply", s.Apply(&clientele.ChangeSet{After: at, Position: at + 1}), clientele.Corrupt)
	wantCode(t, "close", s.Close(), clientele.Corrupt)
	if !strings.Contains(log.String(), "damaged") || strings.Contains(log.String()+err.Error(), secret) {
		t.Errorf("log:\n%s\nerror: %v", &log, err)
	}
}

// TestSnapshotClosedWhileItIsRead: whoever reads a snapshot that another closes gets the row or is told that it is closed; so is
// who reads while the store is closed. The views are all given back.
func TestSnapshotClosedWhileItIsRead(t *testing.T) {
	for range 20 {
		s := open(t, small(t.TempDir()))
		position := clientele.Position(0)
		apply := func() {
			position++
			err := s.Apply(&clientele.ChangeSet{After: position - 1, Position: position, Rows: []clientele.RowChange{{Key: clientele.Key("k"), Value: []byte("v")}}})
			if err != nil {
				t.Error(err)
			}
		}
		apply()
		snap, err := s.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		begin := make(chan struct{})
		read := func(get func(clientele.Key) ([]byte, error)) {
			<-begin
			for range 30 {
				b, err := get(clientele.Key("k"))
				if err == nil && string(b) != "v" || err != nil && clientele.ErrorCode(err) != clientele.Unavailable {
					t.Errorf("%q, %v", b, err)
				}
			}
		}
		for range 3 {
			wg.Go(func() { read(snap.Get) })
			wg.Go(func() { read(s.Get) })
		}
		for range 2 {
			wg.Go(func() {
				<-begin
				if err := snap.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() { <-begin; apply(); apply() })
		close(begin)
		wg.Wait()
		latest, err := s.Snapshot() // of a view that the store itself keeps
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := latest.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := latest.Get(clientele.Key("k")); clientele.ErrorCode(err) != clientele.Unavailable {
			t.Errorf("a closed snapshot answers %v", err)
		}
		if n := s.Views(); n != 1 {
			t.Fatalf("%d views are left, want the latest alone", n)
		}
		for range 3 {
			wg.Go(func() {
				for open := true; open; {
					_, err := s.Get(clientele.Key("k"))
					open = err == nil
				}
			})
		}
		wg.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
	}
}
