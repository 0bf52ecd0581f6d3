package app

import (
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// turn and longTurn are how long a thread works in one go, that of intake and of reads, and that of one that gives way. A
// thread that wakes up with a shorter turn takes the processor from one with a longer one at once instead of waiting for its end, and
// of those that wait the one that asks for less goes first
// (Linux 6.12 and later: sched_setattr(2), sched_runtime of SCHED_OTHER; earlier ones keep their own).
// One that has had more than its share waits all the same, so that a long turn is a long wait. What
// the kernel gives who asks for nothing grows with the processors (sched_base_slice): 1.4 ms with two, 2.8 with eight.
const (
	turn     = 500 * time.Microsecond
	longTurn = 3 * time.Millisecond
)

// promptly makes all threads of this process, and those that they will make, take short turns, but for those that
// aside changes. Where the kernel knows no turns of threads, it does nothing.
func promptly() {
	changed := true
	for pass := 0; changed && pass < 3; pass++ { // a thread may be made meanwhile by one whose turn is still to come
		changed = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if is, err := unix.SchedGetAttr(tid, 0); err == nil && is.Policy == unix.SCHED_NORMAL && is.Runtime != uint64(turn) {
				is.Runtime = uint64(turn)
				changed = unix.SchedSetAttr(tid, is, 0) == nil || changed
			}
		}
	}
}

// aside makes the calling goroutine give way to intake and to reads of profiles, for good: it keeps
// its thread, and the kernel lets the threads of others go first. What it works on is safe on the
// log, so it may wait.
func aside(niceness int) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, as nobody may raise it again
	// Should the kernel refuse, all are equal, as elsewhere.
	err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: int32(niceness), Runtime: uint64(longTurn)}, 0)
	if err != nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness)
	}
}
