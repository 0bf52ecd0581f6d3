//go:build unix

package app

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"clientele"
)

// lockDir takes the data directory for this process until the file is closed or it dies.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 64))
		_ = f.Close()
		return nil, clientele.Errorf(clientele.Conflict, "another process (%s) has the data directory %s", strings.TrimSpace(string(holder)), dir).
			WithHint("stop it, or let the command talk to it with --server")
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "pid %d\n", os.Getpid()), 0)
		if err != nil {
			return f, clientele.Errorf(clientele.Unavailable, "data directory: %w", err)
		}
	}
	return f, nil
}
