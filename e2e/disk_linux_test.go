package e2e_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clientele"
)

// smallDisk mounts a file system of its own, or skips the test.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a file system of its own is mounted for this test, which only root may do")
	}
	dir := filepath.Join(t.TempDir(), "disk")
	must(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("this machine lets nobody mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	})
	return dir
}

func free(t *testing.T, dir string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	must(t, syscall.Statfs(dir, &s))
	return int64(s.Bavail) * s.Bsize
}

// ballast takes all room that is left.
func ballast(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	defer f.Close()
	block := make([]byte, 1<<20)
	for size := len(block); size >= 4096; {
		if _, err := f.Write(block[:size]); err != nil {
			size /= 2
		}
	}
}

// largest lists the n largest files under dir.
func largest(dir string, n int) string {
	type file struct {
		path string
		kb   int64
	}
	var files []file
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if i, err := e.Info(); err == nil {
				files = append(files, file{strings.TrimPrefix(path, dir), i.Size() >> 10})
			}
		}
		return nil // what is gone meanwhile is left out
	})
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(b.kb, a.kb) })
	var b strings.Builder
	for _, f := range files[:min(n, len(files))] {
		fmt.Fprintf(&b, "%9d %s\n", f.kb, f.path)
	}
	return b.String()
}

// TestDiskFull: a full disk stops intake with 503, not the program, and loses nothing.
func TestDiskFull(t *testing.T) {
	whole(t)
	disk := smallDisk(t, 160)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%d MB free; the largest files, in KB:\n%s", free(t, disk)>>20, largest(disk, 12))
		}
	})
	in := newInstall(t, filepath.Join(disk, "data"), "log: {max_size: 1GB, keep_size: 1GB, reserve: 48MB}\ncolumns: {memory: 128MB}\n")
	l := newLedger()
	in.start()
	halt := crowd(t, in, l, 3, sender{name: "d", people: 20, padding: 12_000, pause: 5 * time.Millisecond})
	// A slow machine could fill the disk before the column store has its first event.
	within(t, 30*time.Second, "the first events can be queried", func() bool {
		r, err := in.api().Query(t.Context(), "SELECT 1 FROM events LIMIT 1", nil, 0)
		return err == nil && len(r.Rows) == 1
	})

	refused := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.answers[http.StatusServiceUnavailable]
	}
	accepts := func(what string) {
		t.Helper()
		goal := l.size() + 200
		took := within(t, 90*time.Second, what+": events are accepted again", func() bool { return l.size() >= goal })
		t.Logf("%s: accepts again after %s, %d events so far", what, took.Round(time.Millisecond), l.size())
	}
	// While the disk is full, everything but intake works.
	reads := func(what string) {
		t.Helper()
		seen := refused() + 3
		within(t, 2*time.Minute, what+": 503 is answered", func() bool { return refused() >= seen })
		body := []byte(`{"event":"Probe","userId":"u-1","messageId":"probe"}`)
		a := in.post(t.Context(), "/v1/track", body)
		if seconds, err := strconv.Atoi(a.RetryAfter); a.Status != http.StatusServiceUnavailable || err != nil || seconds < 1 {
			t.Fatalf("%s: answered %+v", what, a)
		}
		if s := in.get("/healthz"); s != http.StatusOK {
			t.Errorf("%s: healthz answers %d", what, s)
		}
		c := in.api()
		if p, err := c.Profile(t.Context(), clientele.Identifier{Namespace: clientele.UserID, Value: "u-1"}, true); err != nil || p.Events == 0 {
			t.Errorf("%s: the profile: %v", what, err)
		}
		// A query may meet the moment in which a write has ended the column store, or need room on the disk itself.
		within(t, 10*time.Second, what+": SQL is answered", func() bool {
			r, err := c.Query(t.Context(), "SELECT source, count(*) FROM events GROUP BY source", nil, 0)
			if clientele.ErrorCode(err) == clientele.Unavailable {
				return false
			}
			if err != nil || len(r.Rows) != 1 {
				t.Fatalf("%s: SQL: %v", what, err)
			}
			return true
		})
		s, err := c.Status(t.Context())
		if err != nil || !s.Log.Full || s.State != "degraded" {
			t.Errorf("%s: the status does not say so: %+v, %v", what, s, err)
			return
		}
		t.Logf("%s: %d MB free; %d events accepted; %s; state %s, problems %v", what, free(t, disk)>>20, l.size(), a.Body, s.State, s.Problems)
	}

	reads("filled by events")
	must(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=320m"))
	accepts("the file system has grown")

	stone := filepath.Join(disk, "ballast")
	ballast(t, stone) // while events come in: below every reserve, in the middle of whatever is being written
	reads("filled to the last block")
	must(t, os.Remove(stone))
	accepts("the ballast is gone")

	ballast(t, stone)
	reads("filled again")
	in.kill()
	in.spawn() // it may end with a sentence, or wait for room
	select {
	case <-in.process.exited:
		t.Logf("killed while the disk is full, it does not start: exit %d\n%s", in.process.cmd.ProcessState.ExitCode(), in.said())
		if code := in.process.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(in.said(), "hint: ") {
			t.Errorf("started on a full disk: exit %d without a hint", code)
		}
		must(t, os.Remove(stone))
		in.start()
	case <-time.After(5 * time.Second):
		t.Logf("killed while the disk is full, it starts: ready on the full disk: %v", in.up() && in.get("/readyz") == http.StatusOK)
		must(t, os.Remove(stone))
		in.ready()
	}
	accepts("killed while full, started with room")
	// What was accepted takes several times its size in the stores until they have tidied up: a disk as small as this one
	// may be full again, and is given room as the problems say.
	must(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=640m"))
	halt()
	link(in, l, 20)
	in.compare(l)
}
