//go:build unix

package eventlog

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"clientele"
)

// freeBytes is what this user may still write on dir's disk.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// lockDir keeps a second process out: two servers on the same files destroy them. The kernel
// lets go of the lock when the process dies, however it dies.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "log lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, clientele.Errorf(clientele.Conflict, "the log's directory is in use by another process").
			WithHint("stop the other process, or give this one its own data directory")
	}
	return f, nil
}
