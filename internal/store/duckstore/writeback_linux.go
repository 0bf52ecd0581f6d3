package duckstore

import (
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// writebackEvery is how long a checkpoint's blocks lie in memory before the disk is given them.
const writebackEvery = 20 * time.Millisecond

// writeback has the kernel write the file's new blocks while they are made, until the answer is
// called. A checkpoint writes hundreds of megabytes and syncs them at its end: left to themselves they
// reach the disk in one burst, and for its length every sync of the event log waits behind it.
func (s *Store) writeback() (stop func()) {
	fd, ok := s.descriptor()
	if !ok {
		return func() {} // it only costs smoothness
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(writebackEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE) != nil {
					return
				}
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// descriptor is DuckDB's own: one opened here would, when closed, take DuckDB's lock on the file with
// it (fcntl(2), F_SETLK). Should it be another file's by the time it is used, that one is written early.
func (s *Store) descriptor() (fd int, ok bool) {
	s.fdOnce.Do(func() {
		s.fd = -1
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return
		}
		for _, e := range all {
			n, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && to == s.o.Path {
				s.fd = n
				return
			}
		}
	})
	return s.fd, s.fd >= 0
}
