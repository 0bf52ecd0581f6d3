package app

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"clientele/internal/config"
)

// Recent is what holds changes for the follower.
type Recent = recent

// MaxRecent is how many rows it holds.
const MaxRecent = maxRecent

var (
	RecentAdd  = (*recent).add
	RecentTake = (*recent).take
)

// RestoreUpTo restores and stops as a crash would, after that many moves.
func RestoreUpTo(t *testing.T, c config.Config, from string, moves int) {
	t.Helper()
	m, err := unpackBackup(t.Context(), c, from, nil)
	if err == nil {
		err = madeWhole(t.Context(), c, m)
	}
	if err == nil {
		err = writePlan(c, true)
	}
	var p plan
	if err == nil {
		var b []byte
		if b, err = os.ReadFile(filepath.Join(c.Data, restoring, restorePlan)); err == nil {
			err = json.Unmarshal(b, &p)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, move := range p.Move[:min(moves, len(p.Move))] {
		to := filepath.Join(c.Data, move[1])
		if err := errors.Join(os.RemoveAll(to), os.Rename(filepath.Join(c.Data, move[0]), to)); err != nil {
			t.Fatal(err)
		}
	}
}
