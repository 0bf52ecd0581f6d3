package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"clientele"
	"clientele/internal/config"
)

// Rebuild makes row store and column store anew from archive and log, beside the old ones, and
// puts them in their place when they are complete. An interrupted rebuild changes nothing.
func Rebuild(ctx context.Context, cfg config.Config, o Options, progress func(done, total clientele.Position)) error {
	a, err := begin(cfg, o)
	if err != nil {
		return err
	}
	if err := errors.Join(finishRestore(cfg.Data), finishSwap(cfg.Data)); err != nil {
		return errors.Join(err, a.Close())
	}
	if err := os.RemoveAll(filepath.Join(cfg.Data, stateDir+next)); err != nil {
		return errors.Join(clientele.Errorf(clientele.Unavailable, "rebuild: %w", err), a.Close())
	}
	if err := a.open(ctx, stateDir+next); err != nil {
		return errors.Join(err, a.Close())
	}
	if err := a.rebuild(ctx, progress); err != nil {
		return errors.Join(err, a.Close())
	}
	lock := a.lock
	a.lock = nil // held until the new stores are in place
	if err := a.Close(); err != nil {
		return errors.Join(err, lock.Close())
	}
	return errors.Join(swap(cfg.Data), lock.Close())
}

// rebuild runs the stages until all of the log has passed.
func (a *App) rebuild(ctx context.Context, progress func(done, total clientele.Position)) error {
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(running) }()
	total := a.log.Last()
	settled := make(chan error, 1)
	go func() { settled <- a.Settle(running) }()
	for {
		n, changed := a.resolved.next()
		if progress != nil {
			progress(clientele.Position(n), total)
		}
		select {
		case <-changed:
			continue
		case err := <-settled:
			stop()
			return errors.Join(err, <-done)
		case err := <-done:
			stop()
			<-settled
			if err == nil {
				err = ctx.Err()
			}
			return err
		}
	}
}

const (
	next = ".next"
	old  = ".old"
)

// swap puts the new state in the place of the old one. A crash between the two renames leaves
// no state directory; finishSwap ends what was begun.
func swap(data string) error {
	state := filepath.Join(data, stateDir)
	err := os.RemoveAll(state + old)
	if err == nil {
		err = os.Rename(state, state+old)
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.Rename(state+next, state)
	}
	if err == nil {
		err = os.RemoveAll(state + old)
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "rebuild: %w", err)
	}
	return nil
}

func finishSwap(data string) error {
	state := filepath.Join(data, stateDir)
	if _, err := os.Stat(state); err == nil || !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(state + old); err != nil {
		return nil // a new data directory
	}
	err := os.Rename(state+next, state)
	if err == nil {
		err = os.RemoveAll(state + old)
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "rebuild: %w", err)
	}
	return nil
}
