//go:build unix

package audit

import (
	"os"
	"path/filepath"
	"syscall"

	"clientele"
)

// lockDir keeps a second process out: two would write two histories into one.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, failed(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, clientele.Errorf(clientele.Conflict, "another process has the audit log").WithHint("let the command talk to the server, or wait until the other command has ended")
	}
	return f, nil
}
