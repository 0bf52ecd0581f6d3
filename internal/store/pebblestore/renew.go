package pebblestore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clientele"
)

// renewPatience is how long Renew waits for a moment in which nobody reads.
const renewPatience = time.Minute

// The names that the store's directory has in between, besides its own.
const (
	renewing = ".renewing" // being written
	renewed  = ".renewed"  // whole
	replaced = ".replaced" // the old one, when the new one takes its place
)

// Renew writes all rows into a new directory and puts it in the place of the old one, so that
// nothing of what was deleted or replaced is left: not in table files, which Pebble moves between
// levels as they are, not in write-ahead logs, which it keeps for later use, and not in the
// manifest, which holds keys of files that are gone. Changes wait meanwhile, readers for the moment
// of the exchange. Unavailable when there was no moment without readers: try again later. A crash
// leaves the old rows or the new ones.
func (s *Store) Renew(ctx context.Context) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	if err := s.failure(); err != nil {
		return err
	}
	if err := s.space(); err != nil {
		return err
	}
	if err := s.copyRows(ctx); err != nil {
		_ = os.RemoveAll(s.opts.Dir + renewing) // err says more
		return clientele.Errorf(clientele.Unavailable, "renew row store: %w", cause(err)).
			WithHint("the disk needs room for a second row store: it is tried again later")
	}
	return s.alone(ctx, s.exchange)
}

func (s *Store) copyRows(ctx context.Context) (err error) {
	for _, left := range []string{renewing, renewed} {
		if err := os.RemoveAll(s.opts.Dir + left); err != nil {
			return err
		}
	}
	v, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(v)
	db, err := s.openEngine(s.opts.Dir+renewing, true)
	if err != nil {
		return err
	}
	b := db.NewBatch()
	err = v.scan(clientele.Range{}, func(k clientele.Key, value []byte) (bool, error) {
		if err := b.Set(k, value, nil); err != nil {
			return false, err
		}
		if b.Len() < 1<<20 {
			return true, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		err := b.Commit(pebble.NoSync)
		b = db.NewBatch()
		return true, err
	})
	if err == nil {
		err = b.Commit(pebble.NoSync)
	}
	if err == nil {
		err = db.Flush()
	}
	if err = errors.Join(err, db.Close()); err == nil {
		err = writeFormat(s.guard, s.opts.Dir+renewing)
	}
	if err == nil {
		err = os.Rename(s.opts.Dir+renewing, s.opts.Dir+renewed)
	}
	return err
}

// alone calls fn with the lock held, in a moment in which nobody is in.
func (s *Store) alone(ctx context.Context, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, renewPatience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		switch {
		case s.closed.Load():
			s.mu.Unlock()
			return errClosed()
		case s.ops.Load() == 0 && len(s.views) == 1 && s.now.refs.Load() == 1:
			defer s.mu.Unlock()
			return fn()
		}
		s.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return clientele.Errorf(clientele.Unavailable, "renew row store: it is being read all the time").WithHint("it is tried again later")
		}
	}
}

// exchange puts the renewed directory in the place of the old one. The lock is held and nobody is in.
func (s *Store) exchange() error {
	old := s.now
	_ = old.snap.Close() // only unlinks it
	delete(s.views, old)
	s.batch = nil // it belongs to the store that is closed
	err := s.db.Close()
	if err == nil {
		err = finishExchange(s.opts.Dir)
	}
	var db *pebble.DB
	if err == nil {
		db, err = s.openEngine(s.opts.Dir, false)
	}
	if err != nil {
		s.closed.Store(true) // there is no database: whoever asks is told so
		s.guard.fail(err)
		return openError(err)
	}
	s.db, s.since = db, 0
	s.now = &view{snap: db.NewSnapshot(), position: old.position, number: old.number, metas: &metas{}}
	s.now.refs.Store(1)
	s.views[s.now] = true
	return nil
}

// finishExchange carries an exchange through, wherever it was interrupted.
func finishExchange(dir string) error {
	there := func(name string) bool { _, err := os.Stat(name); return !errors.Is(err, fs.ErrNotExist) }
	if there(dir+renewed) && there(dir) {
		if err := os.RemoveAll(dir + replaced); err != nil {
			return err
		}
		if err := os.Rename(dir, dir+replaced); err != nil {
			return err
		}
	}
	if there(dir+renewed) && !there(dir) {
		if err := os.Rename(dir+renewed, dir); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(dir+replaced), os.RemoveAll(dir+renewing))
}

// beforeOpen ends an exchange that a crash has interrupted: a directory that is there holds, what
// was renewed beside it is older than it may be by now.
func beforeOpen(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return finishExchange(dir)
	}
	return errors.Join(os.RemoveAll(dir+renewing), os.RemoveAll(dir+renewed), os.RemoveAll(dir+replaced))
}
