package app

import (
	"sync"

	"clientele"
)

const (
	maxRecent = 40_000  // rows of changes that are held for the follower
	maxTaken  = 8 << 20 // bytes of texts that it takes at once: the column store needs several times as much for them
)

// recent holds changes as the resolver made them, so that the follower need not read them back from the outbox and
// decode them. What it does not hold is there. When it is full it keeps what the follower comes to first.
type recent struct {
	mu      sync.Mutex
	changes map[uint64]*clientele.Change
	rows    int
}

// add takes the change with that number. Nobody may alter it from then on.
func (r *recent) add(number uint64, c *clientele.Change) {
	n := size(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows > 0 && r.rows+n > maxRecent { // the follower is behind: this one it reads from the outbox
		return
	}
	if r.changes == nil {
		r.changes = map[uint64]*clientele.Change{}
	}
	r.changes[number] = c
	r.rows += n
}

// forget lets go of the changes up to the number.
func (r *recent) forget(upTo uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for number, c := range r.changes {
		if number <= upTo {
			delete(r.changes, number)
			r.rows -= size(c)
		}
	}
}

// take gives up to n changes from that number on, as far as they are held without a gap.
func (r *recent) take(first uint64, n int) []clientele.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []clientele.Change
	for rows, bytes := 0, 0; len(out) < n && rows < maxRecent/2; first++ {
		c, ok := r.changes[first]
		if !ok {
			break
		}
		if bytes += weight(c); bytes > maxTaken && len(out) > 0 {
			break
		}
		out = append(out, *c)
		rows += size(c)
	}
	return out
}

// until is how many changes from that number on are not held, at most n.
func (r *recent) until(first uint64, n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for number := range r.changes {
		if number >= first {
			n = min(n, int(number-first))
		}
	}
	return n
}

// size is how many rows are held.
func (r *recent) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows
}

func size(c *clientele.Change) int {
	n := len(c.Moved) + len(c.Seen)
	for _, t := range c.Tables {
		n += len(t.Insert) + len(t.Upsert) + len(t.Delete)
	}
	return n
}

// weight is how many bytes the texts of new rows have.
func weight(c *clientele.Change) (n int) {
	for _, t := range c.Tables {
		for _, rows := range [][][]any{t.Insert, t.Upsert} {
			for _, row := range rows {
				for _, v := range row {
					if s, ok := v.(string); ok {
						n += len(s)
					}
				}
			}
		}
	}
	return n
}
