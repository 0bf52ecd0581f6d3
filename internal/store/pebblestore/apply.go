package pebblestore

import (
	"bytes"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"clientele"
)

// Apply commits the change set: when it returns nil the set is synced and readers see it.
// Unavailable when the disk is nearly full (nothing was taken; the next try may succeed) or
// when a write failed (the store must be opened again, and then says what it holds).
func (s *Store) Apply(set *clientele.ChangeSet) error {
	now, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(now)
	s.apply.Lock()
	defer s.apply.Unlock()
	size, err := check(set)
	if err != nil {
		return err
	}
	position, number := s.latest()
	if set.After != position {
		return clientele.ErrMoved
	}
	if set.Outbox != nil {
		number++
	}
	if err := s.room(size); err != nil {
		return err
	}
	b := s.batch
	if s.batch = nil; b == nil {
		b = s.db.NewBatchWithSize(int(size), pebble.WithMaxRetainedSizeBytes(maxKeptBatch))
	}
	if err := fill(b, set, number); err != nil {
		_ = b.Close() // err says more
		return clientele.Errorf(clientele.Internal, "make change set: %w", cause(err))
	}
	if err := s.commit(b, !s.opts.NoSync); err != nil {
		return err // the batch is left to the collector: Pebble may still hold it
	}
	if size <= maxKeptBatch {
		b.Reset()
		s.batch = b
	}
	s.publish(set.Position, number, s.metas().after(set))
	return nil
}

// maxKeptBatch is up to which size, in bytes, a batch's memory is used for the next one.
const maxKeptBatch = 8 << 20

func (s *Store) latest() (clientele.Position, uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now.position, s.now.number
}

func (s *Store) metas() *metas {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now.metas
}

// TrimChanges forgets the changes up to and with the number, at most all that there are.
func (s *Store) TrimChanges(upTo uint64) error {
	// Few rows are deleted one by one: a range is dearer for readers until it is compacted away.
	const few = 1000
	v, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(v)
	s.apply.Lock()
	defer s.apply.Unlock()
	position, number := s.latest()
	upTo = min(upTo, number)
	if upTo <= s.trimmed {
		return nil
	}
	if err := s.failure(); err != nil {
		return err
	}
	b := s.db.NewBatch()
	if upTo-s.trimmed > few {
		err = b.DeleteRange(clientele.OutboxKey(s.trimmed+1), clientele.OutboxKey(upTo+1), nil)
	} else {
		for n := s.trimmed + 1; n <= upTo && err == nil; n++ {
			err = b.Delete(clientele.OutboxKey(n), nil)
		}
	}
	if err != nil {
		_ = b.Close() // err says more
		return clientele.Errorf(clientele.Internal, "trim changes: %w", cause(err))
	}
	// Not synced: what a crash brings back is trimmed again.
	if err := s.commit(b, false); err != nil {
		return err
	}
	_ = b.Close() // only gives its memory back
	s.trimmed = upTo
	s.publish(position, number, s.metas())
	return nil
}

// check refuses what would break the store's own rows, and says how large the set is.
func check(set *clientele.ChangeSet) (size int64, err error) {
	if set.Position < set.After {
		return 0, clientele.Errorf(clientele.Invalid, "change set goes back from position %d to %d", set.After, set.Position)
	}
	size = int64(len(set.Outbox)) + 128
	for i := range set.Rows {
		k := set.Rows[i].Key
		if len(k) == 0 || k[0] >= endOfKeys[0] || k[0] == clientele.RowOutbox || k[0] == clientele.RowPosition {
			return 0, clientele.Errorf(clientele.Invalid, "row %d of the change set has a key that is not for callers", i)
		}
		size += int64(len(k)+len(set.Rows[i].Value)) + 16
	}
	for i, r := range set.Drop {
		for _, own := range []byte{clientele.RowOutbox, clientele.RowPosition} {
			if bytes.Compare(r.Start, []byte{own + 1}) < 0 && bytes.Compare(dropEnd(r), []byte{own}) > 0 {
				return 0, clientele.Errorf(clientele.Invalid, "drop %d of the change set covers rows that are not for callers", i)
			}
		}
		size += int64(len(r.Start)+len(r.End)) + 16
	}
	return size, nil
}

func dropEnd(r clientele.Range) []byte {
	if len(r.End) == 0 {
		return endOfKeys
	}
	return r.End
}

// fill makes a batch of the set: drops come first, so that they do not reach the set's rows.
func fill(b *pebble.Batch, set *clientele.ChangeSet, number uint64) error {
	for _, r := range set.Drop {
		if bytes.Compare(r.Start, dropEnd(r)) >= 0 {
			continue
		}
		if err := b.DeleteRange(r.Start, dropEnd(r), nil); err != nil {
			return err
		}
	}
	for i := range set.Rows {
		r := &set.Rows[i]
		var err error
		if r.Value == nil {
			err = b.Delete(r.Key, nil)
		} else {
			err = b.Set(r.Key, r.Value, nil)
		}
		if err != nil {
			return err
		}
	}
	if set.Outbox != nil {
		if err := b.Set(clientele.OutboxKey(number), set.Outbox, nil); err != nil {
			return err
		}
	}
	return b.Set(clientele.NewKey(clientele.RowPosition), positionRow(set.Position, number), nil)
}

// commit writes the batch. Pebble is told that every write succeeds, so the guard is what
// knows whether this one has.
func (s *Store) commit(b *pebble.Batch, sync bool) error {
	s.since += int64(b.Len())
	err := b.Commit(&pebble.WriteOptions{Sync: sync})
	if failure := s.failure(); failure != nil {
		return failure
	}
	if err != nil {
		s.guard.fail(err) // the batch may be half done in memory: nothing may build on it
	}
	return s.failure()
}

// troubleError is of background work that is tried again and again.
func troubleError(t *trouble) error {
	return diskError("flush row store", t.err, ": it then goes on by itself, nothing is lost")
}

// troubled notes how background work goes, and wakes whoever waits for it.
func (s *Store) troubled(err error) {
	if err == nil {
		s.trouble.Store(nil)
	} else {
		s.trouble.Store(&trouble{err: err})
	}
	s.wake()
}

func (s *Store) wake() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// room waits until memtables and level 0 can take the set, and refuses it when the disk
// cannot. Looking is not free, so it looks once in a while.
func (s *Store) room(size int64) error {
	if err := s.failure(); err != nil {
		return err
	}
	if err := s.space(); err != nil {
		return err
	}
	if s.since+size < s.opts.MemTableBytes/4 {
		return nil
	}
	const look = time.Second
	timer := time.NewTimer(look)
	defer timer.Stop()
	for s.crowded() {
		if t := s.trouble.Load(); t != nil {
			return troubleError(t)
		}
		select {
		case <-s.moved:
		case <-timer.C:
			timer.Reset(look)
		}
		if err := s.failure(); err != nil {
			return err
		}
		if s.closed.Load() {
			return errClosed()
		}
	}
	s.since = 0
	return nil
}

func (s *Store) crowded() bool {
	m := s.db.Metrics()
	return m.MemTable.Size > uint64((maxMemTables-1)*s.opts.MemTableBytes) || m.Levels[0].Sublevels >= maxSublevels
}

func (s *Store) space() error {
	if s.opts.MinFreeBytes < 0 {
		return nil
	}
	u, err := s.guard.GetDiskUsage(s.opts.Dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return clientele.Errorf(clientele.Unavailable, "look at free disk space: %w", cause(err))
	}
	if u.AvailBytes >= uint64(s.opts.MinFreeBytes) {
		return nil
	}
	return clientele.Errorf(clientele.Unavailable, "disk is nearly full: %d MB are free, %d MB are kept free",
		u.AvailBytes>>20, s.opts.MinFreeBytes>>20).
		WithHint("free space on the disk of the data directory: it then goes on by itself, nothing is lost")
}
