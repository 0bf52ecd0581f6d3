package collect

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"clientele"
)

// codeLimited is the code of answers with status 429.
const codeLimited clientele.Code = "rate_limited"

// limiter spaces the requests of each source: on the average one an interval, a second's worth at
// once. It remembers for each source when all it was let through would have been due.
type limiter struct {
	interval time.Duration
	mu       sync.Mutex
	due      map[string]time.Time // by name of a source
}

// take is 0 when the source may send now, otherwise how long it has to wait.
func (l *limiter) take(source string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := l.due[source]
	if due.Before(now) {
		due = now
	}
	due = due.Add(l.interval)
	if wait := due.Sub(now) - time.Second; wait > 0 {
		return wait
	}
	l.due[source] = due
	return 0
}

// limitedError is what a source over its rate is told.
type limitedError struct {
	err  *clientele.Error
	wait time.Duration
	at   time.Time
}

func (e *limitedError) Error() string { return e.err.Error() }
func (e *limitedError) Unwrap() error { return e.err }

func limited(wait time.Duration, now time.Time) error {
	err := clientele.Errorf(codeLimited, "the write key has sent too many requests in this second").
		WithHint("wait as Retry-After says and send the same again")
	return &limitedError{err, wait, now}
}

// setHeaders says when to come back: in whole seconds, and as seconds since 1970.
func (e *limitedError) setHeaders(h http.Header) {
	seconds := int64((e.wait + time.Second - 1) / time.Second)
	h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(e.at.Unix()+seconds, 10))
}
