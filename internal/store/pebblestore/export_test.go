package pebblestore

import "github.com/cockroachdb/pebble/v2/vfs"

// OpenOn opens a store on a file system of the test's.
func OpenOn(o Options, fs vfs.FS) (*Store, error) { return open(o, fs) }

// Views is how many states are kept readable.
func (s *Store) Views() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.views)
}

// Scheduler is what says when compactions run.
type Scheduler = scheduler

var (
	NewScheduler   = newScheduler
	BeginScheduler = (*scheduler).begin
)
