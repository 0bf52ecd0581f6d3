package pebblestore

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"clientele"
)

// endOfKeys is behind every key: keys begin with a table's byte, which is lower.
var endOfKeys = []byte{0xff}

// view is the state as of one change set. refs counts who uses it: the store, as long as it
// is the latest, calls under way, and snapshots.
type view struct {
	snap     *pebble.Snapshot
	position clientele.Position
	number   uint64
	refs     atomic.Int64
	metas    *metas
}

func (s *Store) newView(p clientele.Position, number uint64, m *metas) *view {
	v := &view{snap: s.db.NewSnapshot(), position: p, number: number, metas: m}
	v.refs.Store(1)
	s.mu.Lock()
	s.views[v] = true
	s.mu.Unlock()
	return v
}

// publish makes the view of the store as it is now what readers see.
func (s *Store) publish(p clientele.Position, number uint64, m *metas) {
	v := s.newView(p, number, m)
	s.mu.Lock()
	old := s.now
	s.now = v
	s.mu.Unlock()
	s.release(old)
}

func (s *Store) release(v *view) {
	if v.refs.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	delete(s.views, v)
	s.mu.Unlock()
	_ = v.snap.Close() // only unlinks it
}

// acquire is for who finds the view elsewhere than in the store: false when nobody uses it any more.
func (v *view) acquire() bool {
	for {
		n := v.refs.Load()
		if n == 0 {
			return false
		}
		if v.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func errClosed() error { return clientele.Errorf(clientele.Unavailable, "row store is closed") }

// enter starts a call on the latest view; leave ends it.
func (s *Store) enter() (*view, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed.Load() {
		return nil, errClosed()
	}
	s.ops.Add(1)
	s.now.refs.Add(1)
	return s.now, nil
}

func (s *Store) leave(v *view) {
	s.release(v)
	if s.ops.Add(-1) == 0 && s.closed.Load() {
		s.mu.Lock()
		s.idle.Broadcast()
		s.mu.Unlock()
	}
}

// Get reads one row of the latest change set.
func (s *Store) Get(k clientele.Key) ([]byte, error) {
	v, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave(v)
	return v.get(k)
}

// Scan reads a range of the latest change set.
func (s *Store) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	v, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave(v)
	return v.scan(r, fn)
}

// Load reads many rows of one change set.
func (s *Store) Load(keys []clientele.Key) ([][]byte, error) {
	v, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave(v)
	return v.load(keys)
}

// Position is the log position and commit number of the latest change set.
func (s *Store) Position() (clientele.Position, uint64, error) {
	v, err := s.enter()
	if err != nil {
		return 0, 0, err
	}
	defer s.leave(v)
	return v.position, v.number, nil
}

// Changes returns the next changes for a follower that has those up to after. Corrupt also
// when the follower has numbers that this store has not given: it follows another history.
func (s *Store) Changes(after uint64, n int) ([]clientele.OutboxEntry, error) {
	v, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.leave(v)
	if after > v.number {
		return nil, clientele.Errorf(clientele.Corrupt, "follower has change %d, the row store only %d", after, v.number).
			WithHint("rebuild the follower")
	}
	if after == v.number || n <= 0 {
		return nil, nil
	}
	var out []clientele.OutboxEntry
	next := after + 1
	r := clientele.Range{Start: clientele.OutboxKey(next), End: clientele.NewKey(clientele.RowOutbox + 1)}
	err = v.scan(r, func(k clientele.Key, b []byte) (bool, error) {
		kr := k.Read()
		if number := kr.Uint(); kr.Err() != nil || number != next {
			return false, trimmedError(next)
		}
		out = append(out, clientele.OutboxEntry{Number: next, Bytes: bytes.Clone(b)})
		next++
		return len(out) < n, nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) < n && next <= v.number {
		return nil, trimmedError(next)
	}
	return out, nil
}

func trimmedError(number uint64) error {
	return clientele.Errorf(clientele.Corrupt, "change %d is no longer kept", number).WithHint("rebuild the follower")
}

// Snapshot keeps the latest change set readable until it is closed.
func (s *Store) Snapshot() (clientele.Snapshot, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed.Load() {
		return nil, errClosed()
	}
	s.now.refs.Add(1)
	return &snapshot{store: s, view: s.now}, nil
}

type snapshot struct {
	store  *Store
	view   *view
	closed atomic.Bool
}

func (p *snapshot) enter() error {
	p.store.mu.RLock()
	in := !p.store.closed.Load() && p.view.acquire()
	if in {
		p.store.ops.Add(1)
	}
	p.store.mu.RUnlock()
	if in && p.closed.Load() { // and kept only by another call
		p.store.leave(p.view)
		in = false
	}
	if !in {
		return clientele.Errorf(clientele.Unavailable, "snapshot is closed")
	}
	return nil
}

func (p *snapshot) Get(k clientele.Key) ([]byte, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.store.leave(p.view)
	return p.view.get(k)
}

func (p *snapshot) Scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.store.leave(p.view)
	return p.view.scan(r, fn)
}

// Close may be called again.
func (p *snapshot) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	p.store.mu.RLock()
	open := !p.store.closed.Load()
	if open {
		p.store.ops.Add(1) // so that the store is not closed meanwhile
	}
	p.store.mu.RUnlock()
	if open {
		p.store.leave(p.view)
	}
	return nil
}

func (v *view) get(k clientele.Key) ([]byte, error) {
	if len(k) == 0 {
		return nil, nil
	}
	if k[0] != clientele.RowMeta {
		return v.read(k)
	}
	if b, known := v.metas.get(k); known {
		return b, nil
	}
	b, err := v.read(k)
	if err == nil {
		v.metas.keep(k, b)
	}
	return b, err
}

func (v *view) read(k clientele.Key) ([]byte, error) {
	b, done, err := v.snap.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, readError(err)
	}
	out := append(make([]byte, 0, len(b)), b...)
	if err := done.Close(); err != nil {
		return nil, readError(err)
	}
	return out, nil
}

// load seeks the keys in order with one iterator that may use the filters of the last level
// too: for absent keys that is four times as fast as Gets, which leave those filters out, and
// for present ones no slower.
func (v *view) load(keys []clientele.Key) ([][]byte, error) {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	it, err := v.snap.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, readError(err)
	}
	out := make([][]byte, len(keys))
	for _, i := range order {
		if len(keys[i]) == 0 || !it.SeekPrefixGE(keys[i]) {
			if it.Error() != nil {
				break
			}
			continue
		}
		b, err := it.ValueAndErr()
		if err != nil {
			break // Close says it too
		}
		out[i] = append(make([]byte, 0, len(b)), b...)
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return nil, readError(err)
	}
	return out, nil
}

func (v *view) scan(r clientele.Range, fn func(clientele.Key, []byte) (bool, error)) error {
	o := &pebble.IterOptions{UpperBound: r.End}
	if len(r.Start) > 0 { // Pebble wants no bound rather than an empty one
		o.LowerBound = r.Start
	}
	if len(r.End) == 0 {
		o.UpperBound = endOfKeys
	}
	if bytes.Compare(o.LowerBound, o.UpperBound) >= 0 {
		return nil
	}
	it, err := v.snap.NewIter(o)
	if err != nil {
		return readError(err)
	}
	err = scan(it, r.Reverse, fn)
	if closed := it.Close(); err == nil && closed != nil {
		err = readError(closed)
	}
	return err
}

func scan(it *pebble.Iterator, reverse bool, fn func(clientele.Key, []byte) (bool, error)) error {
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for ok := start(); ok; ok = step() {
		b, err := it.ValueAndErr()
		if err != nil {
			return readError(err)
		}
		more, err := fn(it.Key(), b)
		if !more || err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return readError(err)
	}
	return nil
}
