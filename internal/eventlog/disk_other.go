//go:build !unix

package eventlog

import (
	"math"
	"os"
	"path/filepath"

	"clientele"
)

// freeBytes is not known here: only the stream's own limit holds.
func freeBytes(string) (uint64, error) { return math.MaxUint64, nil }

// lockDir only marks the directory: there is no lock that a dying process lets go of.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, clientele.Errorf(clientele.Internal, "log lock: %w", err)
	}
	return f, nil
}
