package pebblestore_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clientele/internal/store/pebblestore"
)

// compacting is a database with compactions that wait.
type compacting struct {
	mu      sync.Mutex
	allowed int
	waiting int
	running []pebble.CompactionGrantHandle
	most    int // that ran at once
}

func (c *compacting) GetAllowedWithoutPermission() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.allowed
}

func (c *compacting) GetWaitingCompaction() (bool, pebble.WaitingCompaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting > 0, pebble.WaitingCompaction{}
}

func (c *compacting) Schedule(h pebble.CompactionGrantHandle) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == 0 {
		return false
	}
	c.waiting--
	c.run(h)
	return true
}

func (c *compacting) run(h pebble.CompactionGrantHandle) {
	c.running = append(c.running, h)
	c.most = max(c.most, len(c.running))
}

// end ends a compaction; false when none runs.
func (c *compacting) end() bool {
	c.mu.Lock()
	if len(c.running) == 0 {
		c.mu.Unlock()
		return false
	}
	h := c.running[0]
	c.running = c.running[1:]
	c.mu.Unlock()
	h.Done()
	return true
}

func (c *compacting) count() (waiting, running int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting, len(c.running)
}

// TestScheduler: no compaction runs before the store is open; from then on all that wait do, as many at once as are allowed.
func TestScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &compacting{allowed: 2, waiting: 5}
		s := pebblestore.NewScheduler()
		s.Register(2, db)
		s.UpdateGetAllowedWithoutPermission()
		time.Sleep(time.Second)
		if ok, _ := s.TrySchedule(); ok {
			t.Error("a compaction is allowed before the store is open")
		}
		if waiting, running := db.count(); waiting != 5 || running != 0 {
			t.Errorf("%d wait and %d run before the store is open", waiting, running)
		}
		pebblestore.BeginScheduler(s)
		synctest.Wait()
		if waiting, running := db.count(); waiting != 3 || running != 2 {
			t.Errorf("%d wait and %d run when it is open", waiting, running)
		}
		if ok, _ := s.TrySchedule(); ok {
			t.Error("a third one is allowed")
		}
		for db.end() {
			synctest.Wait()
		}
		if waiting, _ := db.count(); waiting != 0 || db.most != 2 {
			t.Errorf("%d still wait, %d ran at once", waiting, db.most)
		}
		ok, h := s.TrySchedule()
		if !ok {
			t.Fatal("nothing runs, and none is allowed")
		}
		h.Done()
		db.mu.Lock()
		db.waiting, db.allowed = 3, 3 // without a word
		db.mu.Unlock()
		time.Sleep(time.Second)
		if _, running := db.count(); running != 3 {
			t.Errorf("%d run, 3 are allowed", running)
		}
		s.Unregister()
		for db.end() {
		}
		if ok, _ := s.TrySchedule(); ok {
			t.Error("a compaction is allowed when the store is closing")
		}
	})
}
