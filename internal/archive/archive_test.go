package archive_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/archive"
)

var update = flag.Bool("update", false, "write the golden part anew: only for a new format version")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *archive.Archive {
	t.Helper()
	a, err := archive.Open(dir)
	if err != nil {
		t.Fatalf("open: %v (%s)", err, clientele.ErrorHint(err))
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// item is a position with its frame; without one it says that what is up to it is missing.
type item struct {
	p clientele.Position
	b []byte
}

func seq(items []item) iter.Seq2[clientele.Position, []byte] {
	return func(yield func(clientele.Position, []byte) bool) {
		for _, i := range items {
			if !yield(i.p, i.b) {
				return
			}
		}
	}
}

func frame(p clientele.Position) []byte { return fmt.Appendf(nil, "frame %d", p) }

func frames(from, to clientele.Position) (items []item) {
	for p := from; p <= to; p++ {
		items = append(items, item{p, frame(p)})
	}
	return items
}

func write(t *testing.T, a *archive.Archive, items ...item) {
	t.Helper()
	last, err := a.Write(seq(items))
	if err != nil || last != items[len(items)-1].p {
		t.Fatalf("wrote to %d: %v", last, err)
	}
}

// readAll reads everything; a missing range is an item without bytes at its end.
func readAll(t *testing.T, a *archive.Archive, after clientele.Position) (items []item) {
	t.Helper()
	r := a.Read(after)
	defer r.Close()
	for {
		p, b, err := r.Next()
		var missing *archive.Missing
		switch {
		case errors.Is(err, io.EOF):
			return items
		case errors.As(err, &missing):
			items = append(items, item{missing.To, nil})
		case err != nil:
			t.Fatal(err)
		default:
			items = append(items, item{p, b})
		}
	}
}

func same(a, b []item) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].p != b[i].p || !bytes.Equal(a[i].b, b[i].b) || (a[i].b == nil) != (b[i].b == nil) {
			return false
		}
	}
	return true
}

// TestGolden: the layout of version 1, byte by byte.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	write(t, a, item{7, []byte("one")}, item{8, []byte("two!")}, item{10, nil}, item{11, []byte("x")})
	const name = "00000000000000000007-00000000000000000011.part"
	got, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	golden := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("part is\n%s, was\n%s", hex.Dump(got), hex.Dump(want))
	}
	layout := "636c617263680001" + hex.EncodeToString([]byte("onetwo!x")) +
		"0900000000000000" + "0a00000000000000" + // missing 9 to 10
		"0700000000000000" + "0800000000000000" + "03000000"
	if !strings.HasPrefix(hex.EncodeToString(got), layout) || !bytes.HasSuffix(got, []byte("clarchEN")) || len(got) != 8+8+16+3*24+48 {
		t.Errorf("layout is\n%s", hex.Dump(got))
	}
	copied := t.TempDir()
	must(t, os.WriteFile(filepath.Join(copied, name), want, 0o644))
	old := open(t, copied)
	if items := readAll(t, old, 6); !same(items, []item{{7, []byte("one")}, {8, []byte("two!")}, {10, nil}, {11, []byte("x")}}) {
		t.Errorf("golden part reads as %v", items)
	}
}

// TestSplits: however the frames are split into calls of Write, and with whatever ranges
// missing, reading gives the same, from any position, before and after a reopen.
func TestSplits(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		dir := t.TempDir()
		a := open(t, dir)
		var all []item
		p := clientele.Position(r.IntN(3) * 40)
		for range 1 + r.IntN(8) {
			var part []item
			for range 1 + r.IntN(30) {
				p++
				switch {
				case r.IntN(10) > 0:
					b := make([]byte, 1+r.IntN(200))
					for i := range b {
						b[i] = byte(r.Uint32())
					}
					part = append(part, item{p, b})
				default:
					p += clientele.Position(r.IntN(1000))
					part = append(part, item{p, nil})
				}
			}
			write(t, a, part...)
			all = append(all, part...)
		}
		first := all[0].p
		if all[0].b == nil {
			first = 1
		}
		for _, x := range []*archive.Archive{a, open(t, dir)} {
			if x.First() != first || x.Last() != p {
				t.Fatalf("seed %d: %d to %d, want %d to %d", seed, x.First(), x.Last(), first, p)
			}
			got, want := readAll(t, x, first-1), all
			if !same(merged(got), merged(want)) {
				t.Fatalf("seed %d: read\n%v, wrote\n%v", seed, got, want)
			}
			at := r.IntN(len(all))
			if got := readAll(t, x, all[at].p); !same(merged(got), merged(all[at+1:])) {
				t.Fatalf("seed %d: other frames after %d", seed, all[at].p)
			}
			for range 20 {
				i := all[r.IntN(len(all))]
				b, err := x.Frame(i.p)
				if i.b == nil {
					var missing *archive.Missing
					if !errors.As(err, &missing) || clientele.ErrorCode(err) != clientele.Corrupt || missing.From > i.p || missing.To < i.p {
						t.Fatalf("seed %d: missing frame: %v", seed, err)
					}
				} else if err != nil || !bytes.Equal(b, i.b) {
					t.Fatalf("seed %d: frame %d: %v", seed, i.p, err)
				}
			}
			must(t, x.Verify(t.Context()))
		}
	}
}

// merged makes one of missing ranges that follow one another: where parts meet, or where the
// writer was told of them one by one, they may be several.
func merged(items []item) (out []item) {
	for _, i := range items {
		if n := len(out); i.b == nil && n > 0 && out[n-1].b == nil {
			out[n-1] = i
			continue
		}
		out = append(out, i)
	}
	return out
}

// TestLargeParts: a part is closed at about 64 MB.
func TestLargeParts(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	big := make([]byte, 700<<10)
	const n = 200
	last, err := a.Write(func(yield func(clientele.Position, []byte) bool) {
		for p := clientele.Position(1); p <= n; p++ {
			big[0] = byte(p)
			if !yield(p, big) {
				return
			}
		}
	})
	if err != nil || last != n {
		t.Fatalf("%d: %v", last, err)
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 3 {
		t.Errorf("%d parts", len(entries))
	}
	var size int64
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		size += info.Size()
		if info.Size() > 66<<20 {
			t.Errorf("%s has %d bytes", e.Name(), info.Size())
		}
	}
	if a.Size() != size {
		t.Errorf("size %d, on disk %d", a.Size(), size)
	}
	for _, p := range []clientele.Position{1, 94, 95, n} {
		if b, err := a.Frame(p); err != nil || b[0] != byte(p) {
			t.Errorf("frame %d: %v", p, err)
		}
	}
	must(t, a.Verify(t.Context()))
}

// TestWriteOrder: positions that do not follow are refused, and nothing of that call stays
// but whole parts.
func TestWriteOrder(t *testing.T) {
	tests := []struct {
		name  string
		items []item
	}{
		{"gap", []item{{4, frame(4)}, {6, frame(6)}}},
		{"gap at the start", []item{{5, frame(5)}}},
		{"again", []item{{3, frame(3)}}},
		{"twice", []item{{4, frame(4)}, {4, frame(4)}}},
		{"missing behind", []item{{2, nil}}},
		{"empty frame", []item{{4, []byte{}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			a := open(t, dir)
			write(t, a, frames(1, 3)...)
			if last, err := a.Write(seq(test.items)); clientele.ErrorCode(err) != clientele.Invalid || last != 3 || a.Last() != 3 {
				t.Errorf("%d: %v", last, err)
			}
			write(t, a, frames(4, 5)...)
			if got := readAll(t, open(t, dir), 0); !same(got, frames(1, 5)) {
				t.Errorf("read %v", got)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// TestEmpty: an archive without parts answers.
func TestEmpty(t *testing.T) {
	a := open(t, t.TempDir())
	if a.First() != 0 || a.Last() != 0 || a.Size() != 0 || readAll(t, a, 0) != nil {
		t.Error("it is not empty")
	}
	if _, err := a.Frame(1); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("frame: %v", err)
	}
	must(t, a.Verify(t.Context()))
	if last, err := a.Write(seq(nil)); last != 0 || err != nil {
		t.Errorf("nothing: %d, %v", last, err)
	}
}

// TestBegin: a reader from before the first part is told so.
func TestBegin(t *testing.T) {
	a := open(t, t.TempDir())
	write(t, a, frames(10, 12)...)
	_, _, err := a.Read(0).Next()
	var missing *archive.Missing
	if !errors.As(err, &missing) || *missing != (archive.Missing{From: 1, To: 9}) {
		t.Errorf("from the beginning: %v", err)
	}
	if got := readAll(t, a, 9); !same(got, frames(10, 12)) {
		t.Errorf("from its first: %v", got)
	}
}

// TestHalfWritten: a part whose writing was cut off is thrown away and written again.
func TestHalfWritten(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	write(t, a, frames(1, 5)...)
	whole, err := os.ReadFile(filepath.Join(dir, "00000000000000000001-00000000000000000005.part"))
	must(t, err)
	for cut := range len(whole) {
		must(t, os.WriteFile(filepath.Join(dir, "00000000000000000006.tmp"), whole[:cut], 0o644))
		a = open(t, dir)
		if a.Last() != 5 {
			t.Fatalf("cut at %d: last %d", cut, a.Last())
		}
	}
	write(t, a, frames(6, 9)...)
	if got := readAll(t, open(t, dir), 0); !same(got, frames(1, 9)) {
		t.Errorf("read %v", got)
	}
}

// TestParts: parts that are missing, double, cut, or of another version are refused at Open.
func TestParts(t *testing.T) {
	const second = "00000000000000000004-00000000000000000006.part"
	tests := []struct {
		name   string
		damage func(t *testing.T, dir, second string)
		says   string
	}{
		{"gone", func(t *testing.T, _, second string) { must(t, os.Remove(second)) }, "missing"},
		{"overlap", func(t *testing.T, dir, _ string) {
			a, err := archive.Open(filepath.Join(dir, "other"))
			must(t, err)
			write(t, a, frames(5, 8)...)
			const name = "00000000000000000005-00000000000000000008.part"
			must(t, os.Rename(filepath.Join(dir, "other", name), filepath.Join(dir, name)))
		}, "overlap"},
		{"cut", func(t *testing.T, _, second string) { must(t, os.Truncate(second, 100)) }, "foot"},
		{"empty", func(t *testing.T, _, second string) { must(t, os.Truncate(second, 0)) }, "cut off"},
		{"longer", func(t *testing.T, _, second string) {
			b, err := os.ReadFile(second)
			must(t, err)
			must(t, os.WriteFile(second, append(b, 0), 0o644))
		}, "foot"},
		{"renamed", func(t *testing.T, dir, second string) {
			must(t, os.Rename(second, filepath.Join(dir, "00000000000000000004-00000000000000000007.part")))
		}, "differ"},
		{"odd name", func(t *testing.T, dir, second string) {
			must(t, os.Rename(second, filepath.Join(dir, "4-6.part")))
		}, "name"},
		{"newer version", func(t *testing.T, _, second string) {
			b, err := os.ReadFile(second)
			must(t, err)
			b[7] = 2
			must(t, os.WriteFile(second, b, 0o644))
		}, "version"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			a := open(t, dir)
			for p := clientele.Position(1); p < 10; p += 3 {
				write(t, a, frames(p, p+2)...)
			}
			test.damage(t, dir, filepath.Join(dir, second))
			_, err := archive.Open(dir)
			if clientele.ErrorCode(err) != clientele.Corrupt || !strings.Contains(err.Error(), test.says) || clientele.ErrorHint(err) == "" {
				t.Errorf("open: %v", err)
			}
		})
	}
}

// TestFlips: no flipped byte of a part passes: it is found when the part is opened, or read.
func TestFlips(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	write(t, a, item{1, frame(1)}, item{2, frame(2)}, item{4, nil}, item{5, frame(5)})
	path := filepath.Join(dir, "00000000000000000001-00000000000000000005.part")
	whole, err := os.ReadFile(path)
	must(t, err)
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		must(t, os.WriteFile(path, bad, 0o644))
		a, err := archive.Open(dir)
		if err == nil {
			err = a.Verify(t.Context())
		}
		if clientele.ErrorCode(err) != clientele.Corrupt {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	// One damaged frame does not hide the others.
	bad := bytes.Clone(whole)
	bad[8] ^= 1
	must(t, os.WriteFile(path, bad, 0o644))
	a = open(t, dir)
	if _, err := a.Frame(1); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("the damaged frame: %v", err)
	}
	r := a.Read(0)
	defer r.Close()
	if _, _, err := r.Next(); clientele.ErrorCode(err) != clientele.Corrupt {
		t.Errorf("reading the damaged frame: %v", err)
	}
	if p, b, err := r.Next(); p != 2 || err != nil || !bytes.Equal(b, frame(2)) {
		t.Errorf("then: %d, %v", p, err)
	}
}

// FuzzPart: whatever a part's bytes are, opening and reading it ends with frames or an error.
func FuzzPart(f *testing.F) {
	const name = "00000000000000000007-00000000000000000011.part"
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, name), b, 0o644))
		a, err := archive.Open(dir)
		if err == nil {
			err = a.Verify(t.Context())
			_, _ = a.Frame(9)
			_ = a.Close()
		}
		if err != nil && clientele.ErrorCode(err) != clientele.Corrupt {
			t.Fatalf("error %v", err)
		}
	})
}
