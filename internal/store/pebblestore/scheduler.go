package pebblestore

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// scheduler allows as many compactions at once as Pebble asks for, as its own does, but none before the store is open: opening
// would wait for those that the flush of what a crash left in the write-ahead log brings about, seconds for a flood's.
type scheduler struct {
	db      pebble.DBForCompaction
	look    chan struct{} // there may be room for another one
	end     func()        // closes ends
	ends    chan struct{}
	granted sync.WaitGroup

	mu      sync.Mutex
	open    bool
	closing bool
	running int
}

func newScheduler() *scheduler {
	s := &scheduler{look: make(chan struct{}, 1), ends: make(chan struct{})}
	s.end = sync.OnceFunc(func() { close(s.ends) })
	return s
}

// begin lets compactions run: the store is open.
func (s *scheduler) begin() {
	s.mu.Lock()
	s.open = true
	s.mu.Unlock()
	s.UpdateGetAllowedWithoutPermission()
}

// Register is called once, while the store is opened.
func (s *scheduler) Register(_ int, db pebble.DBForCompaction) {
	s.db = db
	s.granted.Go(s.grant)
}

// Unregister returns when nothing calls the database any more.
func (s *scheduler) Unregister() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.end()
	s.granted.Wait()
}

// opened says whether the store is open.
func (s *scheduler) opened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// take takes room for a compaction, if there is any.
func (s *scheduler) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || s.closing || s.running >= s.db.GetAllowedWithoutPermission() {
		return false
	}
	s.running++
	return true
}

// TrySchedule is called with the database's locks held.
func (s *scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	if !s.take() {
		return false, nil // it waits, and grant will ask for it
	}
	return true, s
}

// UpdateGetAllowedWithoutPermission is called with the database's locks held, too.
func (s *scheduler) UpdateGetAllowedWithoutPermission() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// grant starts what waits, in a goroutine of its own. What may run also grows without a word: it looks now and then.
func (s *scheduler) grant() {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-s.look:
		case <-t.C:
		case <-s.ends:
			return
		}
		for s.take() {
			waits, _ := s.db.GetWaitingCompaction()
			if !waits || !s.db.Schedule(s) {
				s.give()
				break
			}
		}
	}
}

func (s *scheduler) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
}

// Done ends a compaction.
func (s *scheduler) Done() {
	s.give()
	s.UpdateGetAllowedWithoutPermission()
}

// Started, MeasureCPU and CumulativeStats are for schedulers that count what a compaction takes.
func (s *scheduler) Started()                                          {}
func (s *scheduler) MeasureCPU(pebble.CompactionGoroutineKind)         {}
func (s *scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}
