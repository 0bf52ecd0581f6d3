//go:build unix

package door

import (
	"errors"
	"syscall"
)

// descriptors is how many the process may have open, 0 when that is not known.
func descriptors() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return int(min(uint64(l.Cur), 1<<30))
}

// exhausted says whether a connection could not be accepted for want of descriptors.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
