//go:build !linux

package duckstore

// writeback does nothing: sync_file_range(2) is Linux's.
func (s *Store) writeback() (stop func()) { return func() {} }
