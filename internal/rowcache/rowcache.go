// Package rowcache keeps decoded rows of the row store in memory between micro-batches, so
// that a hot row is decoded once, and remembers which of them a batch has changed.
//
// A cache belongs to one writer: it is not safe for concurrent use.
package rowcache

// Cache is a read-through, write-back cache of decoded rows. It holds at most about twice max
// clean rows; changed rows are never dropped before Committed.
//
// Rows live in one array, found by one map: a look-up is the most frequent thing the resolver
// does. Time is counted in rounds, each of which ends when max rows have been used in it; rows
// that were not used for a whole round are dropped then.
type Cache[K comparable, V any] struct {
	load  func(K) (*V, error)
	max   int
	index map[K]int32
	rows  []cached[K, V]
	free  []int32 // places in rows that hold nothing
	order []int32 // changed rows, in the order of their first change
	round uint32
	used  int // rows used in this round
}

type cached[K comparable, V any] struct {
	key   K
	row   *V
	round uint32 // in which it was last used
	dirty bool
	held  bool
}

// New makes a cache. load reads and decodes a row; nil when there is none.
func New[K comparable, V any](max int, load func(K) (*V, error)) *Cache[K, V] {
	c := &Cache[K, V]{load: load, max: max}
	c.Reset()
	return c
}

// Get is the row, nil when there is none. The row is shared: after changing it call Put.
func (c *Cache[K, V]) Get(k K) (*V, error) {
	if i, ok := c.index[k]; ok {
		e := &c.rows[i]
		if e.round != c.round {
			e.round = c.round
			c.used++
		}
		return e.row, nil
	}
	v, err := c.load(k)
	if err != nil {
		return nil, err
	}
	c.hold(k, v)
	return v, nil
}

// Known says whether the row, or its absence, is in memory.
func (c *Cache[K, V]) Known(k K) bool {
	_, ok := c.index[k]
	return ok
}

// Fill puts a row that was read by other means into memory; nil says that there is none.
func (c *Cache[K, V]) Fill(k K, v *V) {
	if _, ok := c.index[k]; !ok {
		c.hold(k, v)
	}
}

// hold finds a place for a row that has none.
func (c *Cache[K, V]) hold(k K, v *V) int32 {
	if c.used >= c.max {
		c.sweep()
	}
	c.used++
	e := cached[K, V]{key: k, row: v, round: c.round, held: true}
	i := int32(len(c.rows))
	if n := len(c.free); n > 0 {
		i = c.free[n-1]
		c.free = c.free[:n-1]
		c.rows[i] = e
	} else {
		c.rows = append(c.rows, e)
	}
	c.index[k] = i
	return i
}

// sweep ends the round and drops the clean rows that were not used in it.
func (c *Cache[K, V]) sweep() {
	for i := range c.rows {
		if e := &c.rows[i]; e.held && !e.dirty && e.round != c.round {
			delete(c.index, e.key)
			*e = cached[K, V]{}
			c.free = append(c.free, int32(i))
		}
	}
	c.round++
	c.used = 0
}

// Put says that the row is now v and must be written; nil deletes it.
func (c *Cache[K, V]) Put(k K, v *V) {
	i, ok := c.index[k]
	if !ok {
		i = c.hold(k, v)
	}
	e := &c.rows[i]
	e.row = v
	if !e.dirty {
		e.dirty = true
		c.order = append(c.order, i)
	}
}

// Dirty is how many rows wait to be written.
func (c *Cache[K, V]) Dirty() int { return len(c.order) }

// Changed calls fn for each changed row in the order in which they were first changed.
func (c *Cache[K, V]) Changed(fn func(k K, v *V) error) error {
	for _, i := range c.order {
		if err := fn(c.rows[i].key, c.rows[i].row); err != nil {
			return err
		}
	}
	return nil
}

// Committed says that the changed rows are in the store now.
func (c *Cache[K, V]) Committed() {
	for _, i := range c.order {
		c.rows[i].dirty = false
	}
	c.order = c.order[:0]
}

// Reset forgets everything: what is in memory no longer is what the store holds.
func (c *Cache[K, V]) Reset() {
	c.index, c.rows, c.free, c.order, c.round, c.used = map[K]int32{}, nil, nil, nil, 1, 0
}
