package collect

import "sync"

const (
	roomUnit  = 64 << 10
	roomUnits = 64 << 20 / roomUnit
)

// room is the memory of records on their way to the log: 64 MB of them, and then requests wait
// for others to be done. What is smaller than a unit goes for nothing: the log's own queue
// bounds it.
type room struct {
	mu    sync.Mutex // one request takes its units at a time, so that none waits with half of them
	taken chan struct{}
}

func newRoom() *room { return &room{taken: make(chan struct{}, roomUnits)} }

// take waits until there is room for the bytes; the answer is what to leave.
func (r *room) take(bytes int) (units int) {
	if units = min(bytes/roomUnit, roomUnits); units == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for range units {
		r.taken <- struct{}{}
	}
	return units
}

func (r *room) leave(units int) {
	for range units {
		<-r.taken
	}
}
