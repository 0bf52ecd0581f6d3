//go:build unix

package eventlog_test

import (
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"clientele"
	"clientele/internal/eventlog"
)

const writeErrorChild = "EVENTLOG_WRITE_ERROR"

// TestWriteError: when the disk takes no more in the middle of a frame, callers are told so
// and readers keep what was acknowledged; when it does again, the log goes on by itself.
func TestWriteError(t *testing.T) {
	if os.Getenv(writeErrorChild) == "" { // in a process of its own: the limit holds for all of it
		child := exec.Command(os.Args[0], "-test.run=^TestWriteError$", "-test.v")
		child.Env = append(os.Environ(), writeErrorChild+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	l := open(t, eventlog.Options{Dir: t.TempDir(), MaxBytes: 16 << 20})
	r, err := l.Read(t.Context(), 0)
	must(t, err)
	acked := 0
	for ; acked < 5; acked++ {
		appendTo(t, l, records("s", acked, 1))
	}

	// The kernel's limit on a file's size stands for the full disk.
	signal.Ignore(unix.SIGXFSZ)
	var old unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(l.Size()) + 3000, Max: old.Max}))
	refused := 0
	for range 100 {
		_, err := l.Append(t.Context(), clientele.KindEvent, records("s", acked, 1))
		switch {
		case err == nil && refused == 0:
			acked++
		case err != nil && clientele.ErrorCode(err) != clientele.Unavailable:
			t.Fatalf("on a full disk: %v", err)
		case err != nil:
			refused++
		}
		if refused == 3 {
			break
		}
	}
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old))
	if refused != 3 || acked < 6 {
		t.Fatalf("%d acknowledged, %d refused", acked, refused)
	}

	for i := range 3 {
		appendTo(t, l, records("after", i, 1))
	}
	if free, known := l.Free(); l.Restarts() < 1 || !known || free == 0 {
		t.Errorf("%d restarts, %d bytes free", l.Restarts(), free)
	}
	_, rs, gaps := readAll(t, l, 0)
	if len(gaps) != 0 {
		t.Errorf("gaps %v", gaps)
	}
	before, after := 0, 0
	for _, r := range rs {
		switch {
		case r.Source == "after":
			after++
		case int(r.ReceivedAt) == before+1:
			before++
		}
	}
	if before < acked || after != 3 {
		t.Errorf("%d of %d from before and %d of 3 from after are there", before, acked, after)
	}
	// A reader from before the fault goes on, and sees all.
	for p := clientele.Position(1); p <= l.Last(); p++ {
		if at, _, err := r.Next(t.Context()); err != nil || at != p {
			t.Fatalf("the old reader at %d: %d, %v", p, at, err)
		}
	}
}
