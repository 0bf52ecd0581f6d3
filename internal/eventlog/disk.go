package eventlog

import (
	"sync"
	"time"

	"clientele"
)

const diskMaxAge = 250 * time.Millisecond

// disk watches the free space. NATS stops writing for good at its first failed write, so the
// log must stop before the disk is full, not when it is.
type disk struct {
	dir     string // "" = not ours to watch
	reserve int64
	now     func() time.Time

	mu   sync.Mutex
	at   time.Time
	free uint64
	err  error
}

// forget makes the next check look for itself.
func (d *disk) forget() {
	d.mu.Lock()
	d.at = time.Time{}
	d.mu.Unlock()
}

// check is Unavailable when less than the reserve is free.
func (d *disk) check() error {
	if d.dir == "" || d.reserve <= 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.now(); d.at.IsZero() || now.Sub(d.at) >= diskMaxAge || now.Before(d.at) {
		d.at = now
		d.free, d.err = freeBytes(d.dir)
	}
	switch {
	case d.err != nil:
		return clientele.Errorf(clientele.Unavailable, "log: free disk space: %w", d.err).WithHint("check the log's disk; nothing was taken: try again later")
	case d.free < uint64(d.reserve):
		return clientele.Errorf(clientele.Unavailable, "the log's disk has %d MB free, its reserve is %d MB", d.free>>20, d.reserve>>20).
			WithHint("nothing was taken: try again later; free disk space, or lower log.reserve")
	}
	return nil
}
