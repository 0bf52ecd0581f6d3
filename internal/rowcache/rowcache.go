// Package rowcache keeps decoded rows of the row store in memory between micro-batches, so
// that a hot row is decoded once, and remembers which of them a batch has changed.
//
// A cache belongs to one writer: it is not safe for concurrent use.
package rowcache

// Cache is a read-through, write-back cache of decoded rows. It holds at most about twice max
// clean rows; changed rows are never dropped before Flush.
type Cache[K comparable, V any] struct {
	load       func(K) (*V, error)
	max        int
	young, old map[K]*V
	dirty      map[K]*V
	order      []K
}

// New makes a cache. load reads and decodes a row; nil when there is none.
func New[K comparable, V any](max int, load func(K) (*V, error)) *Cache[K, V] {
	c := &Cache[K, V]{load: load, max: max}
	c.Reset()
	return c
}

// Get is the row, nil when there is none. The row is shared: after changing it call Put.
func (c *Cache[K, V]) Get(k K) (*V, error) {
	if v, ok := c.dirty[k]; ok {
		return v, nil
	}
	if v, ok := c.young[k]; ok {
		return v, nil
	}
	v, ok := c.old[k]
	if !ok {
		var err error
		if v, err = c.load(k); err != nil {
			return nil, err
		}
	}
	c.keep(k, v)
	return v, nil
}

// Known says whether the row, or its absence, is in memory.
func (c *Cache[K, V]) Known(k K) bool {
	if _, ok := c.dirty[k]; ok {
		return true
	}
	if _, ok := c.young[k]; ok {
		return true
	}
	_, ok := c.old[k]
	return ok
}

// Fill puts a row that was read by other means into memory; nil says that there is none.
func (c *Cache[K, V]) Fill(k K, v *V) {
	if !c.Known(k) {
		c.keep(k, v)
	}
}

func (c *Cache[K, V]) keep(k K, v *V) {
	if len(c.young) >= c.max {
		c.old, c.young = c.young, make(map[K]*V, c.max/4)
	}
	c.young[k] = v
}

// Put says that the row is now v and must be written; nil deletes it.
func (c *Cache[K, V]) Put(k K, v *V) {
	if _, ok := c.dirty[k]; !ok {
		c.order = append(c.order, k)
	}
	c.dirty[k] = v
}

// Dirty is how many rows wait to be written.
func (c *Cache[K, V]) Dirty() int { return len(c.dirty) }

// Changed calls fn for each changed row in the order in which they were first changed.
func (c *Cache[K, V]) Changed(fn func(k K, v *V) error) error {
	for _, k := range c.order {
		if err := fn(k, c.dirty[k]); err != nil {
			return err
		}
	}
	return nil
}

// Committed says that the changed rows are in the store now.
func (c *Cache[K, V]) Committed() {
	for _, k := range c.order {
		delete(c.old, k)
		c.keep(k, c.dirty[k])
	}
	clear(c.dirty)
	c.order = c.order[:0]
}

// Reset forgets everything: what is in memory no longer is what the store holds.
func (c *Cache[K, V]) Reset() {
	c.young, c.old, c.dirty, c.order = map[K]*V{}, nil, map[K]*V{}, nil
}
