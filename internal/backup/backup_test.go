package backup_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/backup"
)

var files = map[string]string{"state/rows/000001.sst": strings.Repeat("rows", 50_000), "state/columns.duckdb": "columns", "archive/1-2.part": "part", "tokens.json": "{}", "empty": ""}

// make makes a backup of files at out.
func make(t *testing.T, out string) *backup.Manifest {
	t.Helper()
	w, err := backup.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	from := t.TempDir()
	for path, text := range files {
		source := filepath.Join(from, filepath.Base(path))
		write(t, source, text)
		take := w.Copy
		if strings.HasSuffix(path, ".part") {
			take = w.Link
		}
		if err := take(source, path); err != nil {
			t.Fatal(err)
		}
	}
	m := &backup.Manifest{Version: "v1", CreatedAt: 5, Positions: backup.Positions{Log: 9, Rows: 8}}
	if err := w.Finish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.Abandon() // does nothing any more
	return m
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var forms = []string{"b", "b.tar.zst"}

func TestThereAndBack(t *testing.T) {
	for _, form := range forms {
		out := filepath.Join(t.TempDir(), "below", form)
		m := make(t, out)
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), "*partial*")); len(left) > 0 {
			t.Errorf("%s: %v is left", form, left)
		}
		if read, err := backup.Read(out); err != nil || read.Sum != m.Sum || read.Positions != m.Positions {
			t.Errorf("%s: read %+v, %v", form, read, err)
		}
		to := t.TempDir()
		var done, total int64
		got, err := backup.Extract(t.Context(), out, func(path string) string { return filepath.Join(to, path) }, func(d, n int64) { done, total = d, n })
		if err != nil || got.Sum != m.Sum || done != total || done != m.Bytes() || len(got.Files) != len(files) {
			t.Fatalf("%s: %+v, %v; %d of %d bytes", form, got, err, done, total)
		}
		for path, text := range files {
			if b, err := os.ReadFile(filepath.Join(to, path)); err != nil || string(b) != text {
				t.Errorf("%s: %s has %d bytes, %v", form, path, len(b), err)
			}
		}
		if _, err := backup.Create(out); clientele.ErrorCode(err) != clientele.Conflict {
			t.Errorf("%s: over another backup: %v", form, err)
		}
	}
}

// Every byte that is altered, every file that is missing or cut is noticed.
func TestDamage(t *testing.T) {
	check := func(path string) error {
		_, err := backup.Extract(context.Background(), path, func(string) string { return "" }, nil)
		return err
	}
	folder := filepath.Join(t.TempDir(), "b")
	make(t, folder)
	if err := check(folder); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"manifest.json": ""}
	for path := range files {
		all[path] = ""
	}
	for path := range all {
		full := filepath.Join(folder, path)
		text, err := os.ReadFile(full)
		if err != nil {
			t.Fatal(err)
		}
		for name, other := range map[string][]byte{"longer": append(bytes.Clone(text), 'x'), "flipped": flipped(text, len(text)/2), "cut": text[:max(len(text)-3, 0)]} {
			if bytes.Equal(other, text) {
				continue
			}
			write(t, full, string(other))
			if err := check(folder); clientele.ErrorCode(err) != clientele.Corrupt {
				t.Errorf("%s %s: %v", path, name, err)
			}
		}
		if err := os.Remove(full); err != nil {
			t.Fatal(err)
		}
		if code := clientele.ErrorCode(check(folder)); code != clientele.Corrupt && code != clientele.NotFound {
			t.Errorf("without %s: %v", path, code)
		}
		write(t, full, string(text))
	}
	write(t, filepath.Join(folder, "stranger"), "is passed over")
	if err := check(folder); err != nil {
		t.Error(err)
	}

	packed := filepath.Join(t.TempDir(), "b.tar.zst")
	make(t, packed)
	text, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(text); i += max(1, len(text)/50) {
		write(t, packed, string(flipped(text, i)))
		if err := check(packed); err == nil {
			t.Errorf("byte %d of %d flipped: nobody has noticed", i, len(text))
		}
		write(t, packed, string(text[:i]))
		if err := check(packed); err == nil {
			t.Errorf("cut at %d: nobody has noticed", i)
		}
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	if len(b) > 0 {
		b[i] ^= 0x10
	}
	return b
}

func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "manifest.json"), `{"format":2,"version":"v9","files":[]}`)
	_, err := backup.Read(dir)
	if clientele.ErrorCode(err) != clientele.Conflict || !strings.Contains(clientele.ErrorHint(err), "v9") {
		t.Errorf("%v (%s)", err, clientele.ErrorHint(err))
	}
}

// A manifest cannot name a file outside of the backup.
func TestPathsOutside(t *testing.T) {
	for _, path := range []string{"../x", "/etc/x", ""} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "manifest.json"), backup.ManifestOf(path))
		if _, err := backup.Read(dir); clientele.ErrorCode(err) != clientele.Corrupt {
			t.Errorf("%q: %v", path, err)
		}
	}
}
