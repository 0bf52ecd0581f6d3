package app

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// slice is how long a thread that gives way works in one go. A thread that wakes up with a shorter
// one, which all others have, takes the processor from it at once instead of waiting for its end
// (Linux 6.12 and later: sched_setattr(2), sched_runtime of SCHED_OTHER; earlier ones keep their own).
// One that has had more than its share waits all the same, so that a long slice is a long wait.
const slice = 3 * time.Millisecond

// aside makes the calling goroutine give way to intake and to reads of profiles, for good: it keeps
// its thread, and the kernel lets the threads of others go first. What it works on is safe on the
// log, so it may wait.
func aside(niceness int) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, as nobody may raise it again
	// Should the kernel refuse, all are equal, as elsewhere.
	err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_BATCH, Nice: int32(niceness), Runtime: uint64(slice)}, 0)
	if err != nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness)
	}
}
