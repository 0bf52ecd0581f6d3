package pebblestore_test

import (
	"path/filepath"
	"testing"

	"clientele"
	"clientele/internal/store/pebblestore"
)

func TestStats(t *testing.T) {
	s := open(t, pebblestore.Options{Dir: filepath.Join(t.TempDir(), "rows"), MinFreeBytes: -1})
	before, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	for at := clientele.Position(1); at <= 10; at++ {
		set := &clientele.ChangeSet{After: at - 1, Position: at, Rows: []clientele.RowChange{{Key: clientele.Key{200, byte(at)}, Value: make([]byte, 10_000)}}}
		if err := s.Apply(set); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	after, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	_, commit, err := s.Position()
	if err != nil || after.Commit != commit {
		t.Errorf("commit %d, the position says %d, %v", after.Commit, commit, err)
	}
	if after.BytesIn-before.BytesIn < 10*10_000 || after.BytesOut == before.BytesOut || after.Flushes != before.Flushes+1 || after.DiskBytes <= before.DiskBytes || after.ReadAmplification < 1 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stats(); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("of a closed store: %v", err)
	}
}
