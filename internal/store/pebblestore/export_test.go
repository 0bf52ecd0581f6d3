package pebblestore

import "github.com/cockroachdb/pebble/v2/vfs"

// OpenOn opens a store on a file system of the test's.
func OpenOn(o Options, fs vfs.FS) (*Store, error) { return open(o, fs) }
