package duckstore_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

// A copy made while changes arrive and queries run is the store as of the commit that it names:
// its rows are those of a store that has applied just these commits.
func TestCopyWhileWritten(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s := fresh(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := uint64(1); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Apply(ctx, n, []clientele.Change{crashChange(n)}); err != nil {
				t.Error(err)
				return
			}
			if n%37 == 0 { // checkpoints, so that copies fall before and behind them
				if err := s.Maintain(ctx); err != nil {
					t.Error(err)
				}
			}
		}
	})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := s.Query(ctx, "select count(*) from events", nil, duckstore.Limits{}); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	var copies []string
	var commits []uint64
	for len(copies) < 4 {
		path := filepath.Join(dir, string(rune('a'+len(copies)))+".duckdb")
		commit, pos, err := s.Copy(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if pos != clientele.Position(commit*10) {
			t.Errorf("commit %d at position %d", commit, pos)
		}
		if len(commits) > 0 && commit < commits[len(commits)-1]+10 { // let something happen in between
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(path + ".wal")
			continue
		}
		copies, commits = append(copies, path), append(commits, commit)
	}
	close(stop)
	wg.Wait()
	for i, path := range copies {
		c, want := open(t, path), fresh(t)
		for n := uint64(1); n <= commits[i]; n++ {
			apply(t, want, n, crashChange(n))
		}
		if commit, _, err := c.Position(ctx); err != nil || commit != commits[i] {
			t.Errorf("the copy of commit %d is at %d (%v)", commits[i], commit, err)
		}
		if got, want := digests(t, c), digests(t, want); !maps.Equal(got, want) {
			t.Errorf("the copy of commit %d has %v, want %v", commits[i], got, want)
		}
		apply(t, c, commits[i]+1, crashChange(commits[i]+1)) // and it goes on
	}
	if _, _, err := s.Copy(ctx, copies[0]); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("over another file: %v", err)
	}
}

// TestCopyKeepsLock: reading the file must not let another process open it.
func TestCopyKeepsLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	s := open(t, path)
	for _, name := range []string{"a", "b"} {
		if _, _, err := s.Copy(t.Context(), filepath.Join(t.TempDir(), name)); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "DUCKSTORE_TEST_CHILD="+path)
	if out, err := child.CombinedOutput(); err == nil || len(out) == 0 {
		t.Errorf("another process has opened the file: %v %s", err, out)
	}
}
