package console

import (
	"strconv"
	"sync"
	"time"
)

// After failuresMost failures within lockOut an address waits until lockOut has passed since the last one.
const (
	failuresMost  = 5
	lockOut       = 15 * time.Minute
	addressesMost = 10_000
)

type failed struct {
	times int
	last  time.Time
}

// failures counts failures to sign in by address.
type failures struct {
	mu sync.Mutex
	by map[string]failed
}

func newFailures() *failures { return &failures{by: map[string]failed{}} }

// wait is how long the address has to wait; 0 = not at all.
func (f *failures) wait(address string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.by[address]
	if one.times < failuresMost {
		return 0
	}
	return max(0, lockOut-now.Sub(one.last))
}

func (f *failures) add(address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.by) >= addressesMost {
		f.makeRoom(now)
	}
	one := f.by[address]
	if now.Sub(one.last) >= lockOut {
		one.times = 0
	}
	f.by[address] = failed{one.times + 1, now}
}

// makeRoom forgets addresses whose time is over, or all: a flood from so many addresses is not held up by counting.
func (f *failures) makeRoom(now time.Time) {
	for address, one := range f.by {
		if now.Sub(one.last) >= lockOut {
			delete(f.by, address)
		}
	}
	if len(f.by) >= addressesMost {
		clear(f.by)
	}
}

func (f *failures) forget(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.by, address)
}

// seconds is the duration for Retry-After, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
