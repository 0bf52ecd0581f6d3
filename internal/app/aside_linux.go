package app

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// niceness of threads that give way: a third of the processor time of the others when both want all.
const niceness = 5

// aside makes the calling goroutine give way to intake and to reads of profiles, for good: it keeps
// its thread, and the kernel lets the thread of others go first. Nobody waits for it that matters
// in milliseconds, and what it works on is safe on the log.
func aside() {
	runtime.LockOSThread()                                           // never unlocked: the thread ends with the goroutine, as nobody may raise it again
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness) // without it, it is only slower for others
}
