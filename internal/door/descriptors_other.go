//go:build !unix

package door

// descriptors is how many the process may have open, 0 when that is not known.
func descriptors() int { return 0 }

// exhausted says whether a connection could not be accepted for want of descriptors.
func exhausted(error) bool { return false }
