package preview

import (
	"container/list"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"clientele/internal/audience"
)

// base is what answers of one commit are made of.
type base struct {
	commit uint64
	people *people
	memory int64

	mu     sync.Mutex
	money  *money
	sets   map[string]*list.Element // of entry, by the leaf's query
	recent list.List                // the latest used first
	held   int64                    // bytes of them
}

type entry struct {
	key string
	set *roaring.Bitmap
}

// baseAt is the base of a commit. It is kept as the latest unless a newer one is.
func (e *Engine) baseAt(commit uint64, numbers Numbers) (*base, error) {
	e.mu.Lock()
	b := e.latest
	e.mu.Unlock()
	if b != nil && b.commit == commit {
		return b, nil
	}
	p, err := loadPeople(numbers)
	if err != nil {
		return nil, err
	}
	b = &base{commit: commit, people: p, memory: e.memory, sets: map[string]*list.Element{}}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.latest == nil || e.latest.commit < commit:
		e.latest = b
	case e.latest.commit == commit:
		return e.latest, nil
	}
	return b, nil
}

// leaf is the members of a leaf. The bitmap may not be changed.
func (v *view) leaf(c audience.Condition) (*roaring.Bitmap, error) {
	if err := v.ctx.Err(); err != nil {
		return nil, err
	}
	query := v.schema.LeafMembers(c, v.at) // it says what a leaf asks at its moment, whole
	b := v.base
	b.mu.Lock()
	if at, there := b.sets[query]; there {
		b.recent.MoveToFront(at)
		b.mu.Unlock()
		return at.Value.(*entry).set, nil
	}
	b.mu.Unlock()
	set, err := b.people.set(v.numbers, query)
	if err != nil {
		return nil, err
	}
	v.computed++
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.sets[query]; there {
		return set, nil
	}
	b.sets[query] = b.recent.PushFront(&entry{query, set})
	b.held += size(query, set)
	for b.held > b.memory && b.recent.Len() > 1 {
		last := b.recent.Remove(b.recent.Back()).(*entry)
		delete(b.sets, last.key)
		b.held -= size(last.key, last.set)
	}
	return set, nil
}

func size(key string, set *roaring.Bitmap) int64 {
	return int64(set.GetSizeInBytes()) + int64(2*len(key)) + 200
}
