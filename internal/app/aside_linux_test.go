package app

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTurns: threads take short turns, also those that come later, and the one that gives way long ones.
func TestTurns(t *testing.T) {
	look := func(begin func()) *unix.SchedAttr {
		is := make(chan *unix.SchedAttr)
		go func() {
			runtime.LockOSThread() // for good: the thread ends with the goroutine
			begin()
			a, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				t.Error(err)
				a = new(unix.SchedAttr)
			}
			is <- a
		}()
		return <-is
	}
	if before := look(func() {}); before.Runtime == 0 || before.Policy != unix.SCHED_NORMAL || before.Nice != 0 {
		t.Skip("this kernel has no turns of single threads, or the tests were started with another priority")
	}
	promptly()
	for range 20 {
		if a := look(func() {}); a.Runtime != uint64(turn) || a.Policy != unix.SCHED_NORMAL || a.Nice != 0 {
			t.Fatalf("a thread has turns of %s, policy %d, niceness %d", time.Duration(a.Runtime), a.Policy, a.Nice)
		}
	}
	if a := look(func() { aside(4) }); a.Runtime != uint64(longTurn) || a.Policy != unix.SCHED_BATCH || a.Nice != 4 {
		t.Errorf("a thread that gives way has turns of %s, policy %d, niceness %d", time.Duration(a.Runtime), a.Policy, a.Nice)
	}
}
