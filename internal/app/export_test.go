package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/resolve"
)

// Recent is what holds changes for the follower.
type Recent = recent

// MaxRecent is how many rows it holds.
const MaxRecent = maxRecent

var (
	RecentAdd    = (*recent).add
	RecentTake   = (*recent).take
	RecentUntil  = (*recent).until
	RecentForget = (*recent).forget
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

// Pace is how a stage rests between its rounds.
type Pace = pace

// NewPace makes one.
func NewPace(share float64, most, within time.Duration) *Pace {
	return &pace{share: share, most: most, within: within}
}

// The methods of Pace.
var (
	PaceEnded = (*pace).ended
	PaceTimer = (*pace).timer
)

// Progress is a number that others wait for.
type Progress = progress

// The methods of Progress.
var (
	ProgressSet   = (*progress).set
	ProgressReach = (*progress).reach
	ProgressUrged = (*progress).urged
)

// Purge purges now.
func (a *App) Purge(ctx context.Context) error { return a.purge(ctx) }

// PurgeLogOnly is the first step of a purge.
func (a *App) PurgeLogOnly(ctx context.Context) error {
	_, err := a.purgeLog(ctx, nil, nil, nil)
	return err
}

// TickDue says when the domain's clock needs a tick.
var TickDue = tickDue

// DomainLag is how far the domain's clock is behind.
func DomainLag(a *App) time.Duration {
	return a.o.Now().Sub(time.UnixMicro(a.domain.Load()))
}

// LookedOnline waits until matching of people as they come has looked at all there is, what it found itself included.
func (a *App) LookedOnline(ctx context.Context) error {
	for {
		if err := a.Settle(ctx); err != nil {
			return err
		}
		commit := a.committed.get()
		if err := a.online.looked.reach(ctx, commit); err != nil {
			return err
		}
		if a.committed.get() == commit && a.log.Last() <= clientele.Position(a.resolved.get()) {
			return nil
		}
	}
}

// ApproveAlone approves a run of matching and stops as a crash would before any of its parts is carried out.
func (a *App) ApproveAlone(ctx context.Context, id clientele.Position) error {
	_, err := a.command(ctx, clientele.CommandMatchRun, "test", resolve.MatchRunBody{Of: id, State: clientele.MatchApplied})
	return err
}

// Bundle is what hands decoded frames on.
var Bundle = bundle

// The bounds of a bundle.
const (
	AheadRecords = aheadRecords
	AheadBytes   = aheadBytes
)
