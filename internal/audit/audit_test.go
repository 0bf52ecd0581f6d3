package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele"
	"clientele/internal/audit"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func open(t *testing.T, dir string, o audit.Options) *audit.Log {
	t.Helper()
	o.Now = now
	l, err := audit.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func record(t *testing.T, l *audit.Log, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := l.Record(audit.Record{By: fmt.Sprintf("t%d", n%2), Act: "get-profile", Target: fmt.Sprintf("p_%d", n), Outcome: "ok"}, n%10 == 0); err != nil {
			t.Fatal(err)
		}
	}
}

// The chain goes on over restarts and files, and old records go without breaking it.
func TestChain(t *testing.T) {
	dir := t.TempDir()
	small := audit.Options{FileBytes: 2000, Files: 3}
	l := open(t, dir, small)
	record(t, l, 1, 30)
	l.Close()
	l = open(t, dir, small)
	record(t, l, 31, 60)
	rep, err := l.Verify(t.Context())
	if err != nil || rep.Last != 60 || rep.First < 20 || rep.Records != 60-rep.First+1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl")); len(files) != 3 || l.Size() > 3*2500 {
		t.Errorf("%d files of %d bytes", len(files), l.Size())
	}
	var got []uint64
	for before := uint64(0); ; {
		page, next, err := l.List(audit.Filter{By: "t1"}, before, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			got = append(got, r.N)
		}
		if before = next; next == 0 {
			break
		}
	}
	want := uint64(59)
	for _, n := range got {
		if n != want {
			t.Fatalf("list gives %v", got)
		}
		want -= 2
	}
	if want+2 > rep.First+1 {
		t.Errorf("the list ends at %d, the chain begins at %d", want+2, rep.First)
	}
	if a, b := l.Hash("ann@example.com"), l.Hash("ann@example.com"); a != b || strings.Contains(a, "ann") || a == l.Hash("bob@example.com") {
		t.Errorf("hashes %s %s", a, b)
	}
}

// Whatever is altered, left out, cut off or put in between is noticed.
func TestTampering(t *testing.T) {
	fill := func(t *testing.T) string {
		dir := t.TempDir()
		l := open(t, dir, audit.Options{FileBytes: 1500, Files: 4})
		record(t, l, 1, 40)
		l.Close()
		return dir
	}
	clean := fill(t)
	files, err := filepath.Glob(filepath.Join(clean, "*"))
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	lines := func(b []byte) [][]byte { return bytes.SplitAfter(b, []byte("\n")) }
	changes := map[string]func([]byte) []byte{
		"altered":   func(b []byte) []byte { return bytes.Replace(b, []byte(`"ok"`), []byte(`"no"`), 1) },
		"left out":  func(b []byte) []byte { l := lines(b); return bytes.Join(append(l[:1:1], l[2:]...), nil) },
		"twice":     func(b []byte) []byte { l := lines(b); return bytes.Join(append(l[:2:2], l[1:]...), nil) },
		"swapped":   func(b []byte) []byte { l := lines(b); l[0], l[1] = l[1], l[0]; return bytes.Join(l, nil) },
		"beginning": func(b []byte) []byte { return bytes.Join(lines(b)[1:], nil) },
		"flipped":   func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b },
	}
	for _, file := range files {
		for what, change := range changes {
			name := filepath.Base(file)
			if name == "lock" || !strings.HasSuffix(name, ".jsonl") && what != "flipped" {
				continue
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(clean)); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := audit.Open(dir, audit.Options{})
			if err == nil {
				_, err = l.Verify(t.Context())
				l.Close()
			}
			if clientele.ErrorCode(err) != clientele.Corrupt {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
	}
	if err := os.Remove(files[0]); err != nil { // the oldest
		t.Fatal(err)
	}
	if _, err := open(t, clean, audit.Options{}).Verify(t.Context()); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("the oldest file is gone: %v", err)
	}
}

// A line that a crash has cut goes, and the chain goes on.
func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	record(t, l, 1, 3)
	l.Close()
	f, err := os.OpenFile(filepath.Join(dir, "00000000000000000001.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"n":4,"at":`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	l = open(t, dir, audit.Options{})
	record(t, l, 4, 5)
	if rep, err := l.Verify(t.Context()); err != nil || rep.Records != 5 {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestTogether(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{FileBytes: 4000})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if err := l.Record(audit.Record{By: "t", Act: "a", Outcome: "ok"}, false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 {
		if _, err := l.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if rep, err := l.Verify(t.Context()); err != nil || rep.Records != 200 {
		t.Errorf("%+v, %v", rep, err)
	}
}

// The key is for its owner alone, and a log without its key is not begun anew in silence.
func TestKey(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	record(t, l, 1, 1)
	l.Close()
	key := filepath.Join(dir, "audit.key")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Open(dir, audit.Options{}); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("without its key: %v", err)
	}
}
