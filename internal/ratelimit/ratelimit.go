// Package ratelimit spaces requests by a key: on the average so many a second, a second's worth at once
// (GCRA, which a token bucket is). What it remembers is bounded however many keys there are.
package ratelimit

import (
	"net/netip"
	"sync"
	"time"
)

// maxKeys is how many keys are remembered, twice.
const maxKeys = 1 << 15

// Limiter is safe for use by several goroutines. The zero value limits nothing.
type Limiter struct {
	mu       sync.Mutex
	interval time.Duration // 0 = no limit
	// When all that a key was let through would have been due. A key moves from old to now when it comes
	// again; when now is full, old is forgotten: keys that have not come for long.
	now, old map[string]time.Time
}

// SetRate is from now on how many requests a second each key may make; 0 is no limit.
func (l *Limiter) SetRate(perSecond int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	interval := time.Duration(0)
	if perSecond > 0 {
		interval = time.Second / time.Duration(perSecond)
	}
	if interval != l.interval { // the same rate again forgets nobody
		l.interval, l.now, l.old = interval, nil, nil
	}
}

// Take is 0 when the key may go on now, otherwise how long it has to wait.
func (l *Limiter) Take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interval == 0 {
		return 0
	}
	due, ok := l.now[key]
	if !ok {
		due = l.old[key]
	}
	if due.Before(now) {
		due = now
	}
	due = due.Add(l.interval)
	if wait := due.Sub(now) - max(time.Second, l.interval); wait > 0 {
		return wait
	}
	if !ok && len(l.now) >= maxKeys || l.now == nil {
		l.old, l.now = l.now, map[string]time.Time{}
	}
	l.now[key] = due
	return 0
}

// Client is the key of a client's address: the address, or of IPv6 the network of 64 bits, which one
// client has to itself.
func Client(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
