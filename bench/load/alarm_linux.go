package load

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes one worker when it asks to be. A timer of Go's does so up to a millisecond late, for it is the
// time-out of the wait for the network, and that counts whole milliseconds (runtime, netpoll_epoll.go). A timerfd(2) is one
// more thing that the same wait looks at, and the kernel's timers are exact to some 0.05 ms.
type alarm struct {
	f  *os.File // nil: the kernel gave none, Go's timers have to do
	fd int
}

// newAlarm is an alarm that rings until the context ends, and at once from then on.
func newAlarm(ctx context.Context) *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &alarm{}
	}
	a := &alarm{f: os.NewFile(uintptr(fd), "timer"), fd: fd}
	context.AfterFunc(ctx, func() { _ = a.f.SetReadDeadline(time.Unix(1, 0)) })
	return a
}

func (a *alarm) close() {
	if a.f != nil {
		_ = a.f.Close()
	}
}

// sleep waits; its error is the context's.
func (a *alarm) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	var rang [8]byte // how often
	if a.f == nil || unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil) != nil {
		return Sleep(ctx, d)
	}
	if _, err := a.f.Read(rang[:]); err != nil && ctx.Err() == nil {
		return Sleep(ctx, d)
	}
	return ctx.Err()
}
