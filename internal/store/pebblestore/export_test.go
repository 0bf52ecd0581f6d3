package pebblestore

import "github.com/cockroachdb/pebble/v2/vfs"

// OpenOn opens a store on a file system of the test's.
func OpenOn(o Options, fs vfs.FS) (*Store, error) { return open(o, fs) }

// Scheduler is what says when compactions run.
type Scheduler = scheduler

var (
	NewScheduler   = newScheduler
	BeginScheduler = (*scheduler).begin
)
