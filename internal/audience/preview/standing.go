package preview

import (
	"context"
	"errors"
	"time"

	"clientele"
	"clientele/internal/audience"
)

// Under live traffic the store is at another commit many times a second, and what answers are made of would be read
// anew at each keystroke. So all editors together look at one snapshot that is held open for a while, and renewed
// behind their backs while they go on.
const (
	StandsFor  = 5 * time.Second // the longest that an editor's answer is behind
	renewAfter = 2 * time.Second
)

// standing is a snapshot that is held open, with its base. One goroutine asks it, question by question.
type standing struct {
	base  *base
	began time.Time
	now   clientele.Micros // what is asked of a moment is kept, too: the moment stands still with the rest
	asks  chan ask
	over  chan struct{} // closed when it answers no more
}

type ask struct {
	fn   func(Numbers) error
	done chan error
}

// withinStill gives fn a view of the commit that stands.
func (e *Engine) withinStill(ctx context.Context, schema audience.Schema, at audience.At, fn func(*view) error) error {
	for {
		s, err := e.stand(ctx, at.Now)
		if err != nil {
			return err
		}
		at.Now = s.now
		question := ask{func(numbers Numbers) error {
			return fn(&view{base: s.base, ctx: ctx, numbers: numbers, schema: schema, at: at})
		}, make(chan error, 1)}
		select {
		case s.asks <- question:
			// It is waited for even when ctx ends: fn writes to what is the caller's, and looks at ctx before each leaf.
			err := <-question.done
			if cause := context.Cause(ctx); err != nil && cause != nil {
				return cause
			}
			return err
		case <-s.over: // its time was up
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stand is what stands now, else what is opened for this question.
func (e *Engine) stand(ctx context.Context, now clientele.Micros) (*standing, error) {
	for {
		e.mu.Lock()
		s := e.still
		age := time.Duration(0)
		if s != nil {
			age = time.Since(s.began)
		}
		var failed chan error
		if (s == nil || age > renewAfter) && e.opening == nil && e.ctx.Err() == nil {
			e.opening, failed = make(chan struct{}), make(chan error, 1)
			opening := e.opening
			e.held.Go(func() { e.hold(now, opening, failed) })
		}
		opening := e.opening
		e.mu.Unlock()
		switch {
		case s != nil && age <= StandsFor:
			return s, nil
		case opening == nil:
			return nil, clientele.Errorf(clientele.Unavailable, "previews are closed")
		}
		select {
		case <-opening:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		select {
		case err := <-failed:
			return nil, err
		default:
		}
	}
}

// hold opens a snapshot, puts it in the place of the one that stands, and answers until its time is up, another has
// taken its place, or a query has failed, behind which a transaction may answer no more.
func (e *Engine) hold(now clientele.Micros, opening chan struct{}, failed chan<- error) {
	opened := false
	done := func(s *standing) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if s != nil {
			e.still = s
		}
		e.opening, opened = nil, true
		close(opening)
	}
	s := &standing{began: time.Now(), now: now, asks: make(chan ask), over: make(chan struct{})}
	err := e.columns.Snapshot(e.ctx, func(commit uint64, numbers func(string, func([]int64) error) error) (err error) {
		if s.base, err = e.baseAt(commit, numbers); err != nil {
			return err
		}
		if _, err = s.base.purse(numbers); err != nil {
			return err
		}
		done(s)
		defer e.leave(s)
		up := time.NewTimer(StandsFor)
		defer up.Stop()
		for {
			select {
			case q := <-s.asks:
				err := q.fn(numbers)
				q.done <- err
				if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
					return err // the asker's own end is no query's
				}
			case <-up.C:
				return nil
			case <-e.ctx.Done():
				return nil
			}
			if !e.stands(s) {
				return nil
			}
		}
	})
	if !opened {
		failed <- err
		done(nil)
	}
}

func (e *Engine) stands(s *standing) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.still == s
}

// leave ends what stands.
func (e *Engine) leave(s *standing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.still == s {
		e.still = nil
	}
	close(s.over)
}
