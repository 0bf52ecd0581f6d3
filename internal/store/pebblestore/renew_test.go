package pebblestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"clientele"
	"clientele/internal/store/pebblestore"
)

// A renewed store has the same rows and goes on; what was deleted is in none of its files.
func TestRenew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rows")
	o := pebblestore.Options{Dir: dir, MinFreeBytes: -1}
	s, err := pebblestore.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	key := func(i int) clientele.Key { return clientele.MetaKey(fmt.Sprintf("somebody-secret-%d", i)) }
	set := func(after clientele.Position, rows []clientele.RowChange, drop ...clientele.Range) {
		t.Helper()
		if err := s.Apply(&clientele.ChangeSet{After: after, Position: after + 1, Rows: rows, Drop: drop, Outbox: []byte("change")}); err != nil {
			t.Fatal(err)
		}
	}
	var rows []clientele.RowChange
	for i := range 1000 {
		rows = append(rows, clientele.RowChange{Key: key(i), Value: []byte("a secret")}, clientele.RowChange{Key: clientele.MetaKey(fmt.Sprintf("kept-%d", i)), Value: []byte{byte(i)}})
	}
	set(0, rows)
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	rows = rows[:0]
	for i := range 500 {
		rows = append(rows, clientele.RowChange{Key: key(i)})
	}
	set(1, rows, clientele.Prefix(clientele.NewKey(clientele.RowMeta).Text("somebody-secret-7")[:len(clientele.NewKey(clientele.RowMeta).Text("somebody-secret-7"))-2]))
	set(2, nil, clientele.Range{Start: key(0), End: clientele.MetaKey("somebody-secret-a")})
	found := func() (n int) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // Pebble deletes files that it has done with whenever it likes
			}
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte("somebody-secret")) {
				n++
			}
		}
		return n
	}
	if found() == 0 {
		t.Fatal("the search finds nothing before")
	}
	before, err := s.Digest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := found(); n > 0 {
		t.Errorf("%d files still have it", n)
	}
	if after, err := s.Digest(context.Background()); err != nil || after != before {
		t.Errorf("digest %s, %v; was %s", after, err, before)
	}
	if p, n, err := s.Position(); err != nil || p != 3 || n != 3 {
		t.Errorf("position %d, %d, %v", p, n, err)
	}
	if c, err := s.Changes(0, 10); err != nil || len(c) != 3 {
		t.Errorf("changes %v, %v", c, err)
	}
	set(3, []clientele.RowChange{{Key: key(1), Value: []byte("new")}})
	// A crash between the two renames is made good by the next Open.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+".renewed"); err != nil {
		t.Fatal(err)
	}
	if s, err = pebblestore.Open(o); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Get(key(1)); err != nil || string(v) != "new" {
		t.Errorf("after the crash: %q, %v", v, err)
	}
	if p, _, _ := s.Position(); p != 4 {
		t.Errorf("after the crash: position %d", p)
	}
}
