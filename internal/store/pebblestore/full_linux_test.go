package pebblestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"clientele"
	"clientele/internal/store/pebblestore"
)

// smallDisk mounts a file system of so many megabytes.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		for _, name := range openIn(t, dir) {
			t.Errorf("%s is still open", name)
		}
		// Not a plain unmount: a child that another test is starting has copies of all files for a moment.
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// openIn are the files under the directory that this process has open.
func openIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	const fds = "/proc/self/fd"
	list, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if name, err := os.Readlink(filepath.Join(fds, f.Name())); err == nil && strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	return names
}

// fill leaves so many bytes free.
func fill(t *testing.T, file string, leave int64) {
	t.Helper()
	if n := free(t, filepath.Dir(file)) - leave; n > 0 {
		if err := os.WriteFile(file, make([]byte, n), 0o644); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

func free(t *testing.T, dir string) int64 {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return int64(fs.Bavail) * fs.Bsize
}

// noise is a set of rows that do not compress.
func noise(at clientele.Position) *clientele.ChangeSet {
	rng := rand.NewChaCha8([32]byte{byte(at), byte(at >> 8)})
	set := &clientele.ChangeSet{After: at - 1, Position: at, Outbox: fmt.Append(nil, at)}
	for i := range 10 {
		v := make([]byte, 2000)
		_, _ = rng.Read(v) // never fails
		set.Rows = append(set.Rows, clientele.RowChange{Key: fmt.Appendf(nil, "k%05d-%d", at, i), Value: v})
	}
	return set
}

// acknowledged demands sets 1 to at, whole, and says where the store is.
func acknowledged(t *testing.T, s *pebblestore.Store, at clientele.Position) clientele.Position {
	t.Helper()
	now, number, err := s.Position()
	if err != nil || now < at || now > at+1 || number != uint64(now) {
		t.Fatalf("store is at set %d, change %d (%v), acknowledged was %d", now, number, err, at)
	}
	for p := clientele.Position(1); p <= now; p++ {
		rows := noise(p).Rows
		keys := make([]clientele.Key, len(rows))
		for i := range rows {
			keys[i] = rows[i].Key
		}
		got, err := s.Load(keys)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if !bytes.Equal(got[i], rows[i].Value) {
				t.Fatalf("row %s is not as acknowledged", rows[i].Key)
			}
		}
	}
	if c, err := s.Changes(0, int(now)+1); err != nil || len(c) != int(now) {
		t.Fatalf("%d changes of %d: %v", len(c), now, err)
	}
	return now
}

// TestFullDisk fills the disk to the last byte: by the store itself, and by others at once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fill clientele.Position // when others fill the disk
	}{{"by its own rows", 1 << 20}, {"by others at once", 30}, {"by others before flushes", 150}} {
		t.Run(tt.name, func(t *testing.T) {
			disk := smallDisk(t, 24)
			other := filepath.Join(disk, "other")
			o := pebblestore.Options{Dir: filepath.Join(disk, "rows"), MemTableBytes: 1 << 20, CacheBytes: 1 << 20, MinFreeBytes: -1}
			s := open(t, o)
			if err := os.WriteFile(other, make([]byte, 18<<20), 0o644); err != nil {
				t.Fatal(err)
			}
			var at clientele.Position
			var err error
			for err == nil {
				if at == tt.fill {
					fill(t, filepath.Join(disk, "more"), 0)
				}
				if err = s.Apply(noise(at + 1)); err == nil {
					at++
				}
				if at > 3000 {
					t.Fatal("a disk of 24 MB takes 60 MB")
				}
			}
			wantCode(t, "apply", err, clientele.Unavailable)
			if clientele.ErrorHint(err) == "" {
				t.Error("no hint")
			}
			if now, _, err := s.Position(); err != nil || now != at {
				t.Errorf("readers are at %d (%v), acknowledged was %d", now, err, at)
			}
			acknowledged(t, s, at)
			_ = s.Close() // says again that the disk is full
			for _, name := range []string{other, filepath.Join(disk, "more")} {
				if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			s = open(t, o)
			at = acknowledged(t, s, at)
			for range 10 {
				at++
				if err := s.Apply(noise(at)); err != nil {
					t.Fatal(err)
				}
			}
			acknowledged(t, s, at)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNearlyFull: with the floor nothing is broken, and it goes on by itself.
func TestNearlyFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 24)
	s := open(t, pebblestore.Options{Dir: filepath.Join(disk, "rows"), MemTableBytes: 1 << 20, CacheBytes: 1 << 20, MinFreeBytes: 8 << 20})
	var at clientele.Position
	for range 20 {
		at++
		if err := s.Apply(noise(at)); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(disk, "other")
	for range 3 {
		fill(t, other, 7<<20)
		err := s.Apply(noise(at + 1))
		wantCode(t, "apply", err, clientele.Unavailable)
		if clientele.ErrorHint(err) == "" {
			t.Error("no hint")
		}
		if err := s.TrimChanges(0); err != nil {
			t.Errorf("trimming, which frees space: %v", err)
		}
		if err := os.Remove(other); err != nil {
			t.Fatal(err)
		}
		for free(t, disk) < 8<<20 { // the kernel may take a moment to give the pages back
			runtime.Gosched()
		}
		at++
		if err := s.Apply(noise(at)); err != nil {
			t.Fatalf("with space again: %v", err)
		}
	}
	acknowledged(t, s, at)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestTakesWhatItHolds: the store takes no room on the disk for rows that are yet to come. What it
// set aside would be missing to the log, which then takes no events.
func TestTakesWhatItHolds(t *testing.T) {
	t.Parallel()
	const size = 512
	disk := smallDisk(t, size)
	s := open(t, pebblestore.Options{Dir: filepath.Join(disk, "rows"), MinFreeBytes: -1})
	written := int64(0)
	for at := clientele.Position(1); at <= 200; at++ {
		if err := s.Apply(noise(at)); err != nil {
			t.Fatal(err)
		}
		written += 20_000
	}
	if used := size<<20 - free(t, disk); used > 3*written {
		t.Errorf("%d KB of rows take %d KB on the disk", written>>10, used>>10)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
