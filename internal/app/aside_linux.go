package app

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// aside makes the calling goroutine give way to intake and to reads of profiles, for good: it keeps
// its thread, and the kernel lets the threads of others go first. What it works on is safe on the
// log, so it may wait.
func aside(niceness int) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, as nobody may raise it again
	// Should the kernel refuse, all are equal, as elsewhere.
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness)
}
