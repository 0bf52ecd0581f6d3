package app

import (
	"context"
	"slices"
	"sync"
)

// progress is a number that grows, and that others can wait for.
type progress struct {
	mu      sync.Mutex
	n       uint64
	changed chan struct{}
	waiting int           // in reach
	urge    chan struct{} // closed when somebody begins to wait in reach
}

func (p *progress) get() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

func (p *progress) set(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n = n
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// next is the number, and a channel that closes when it is set again.
func (p *progress) next() (uint64, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.n, p.changed
}

// urged is a channel that is closed while somebody waits in reach.
func (p *progress) urged() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.urge == nil {
		p.urge = make(chan struct{})
		if p.waiting > 0 {
			close(p.urge)
		}
	}
	return p.urge
}

// hurry says that somebody waits. What it answers takes that back.
func (p *progress) hurry() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting++; p.waiting == 1 && p.urge != nil {
		close(p.urge)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiting--; p.waiting == 0 {
			p.urge = nil
		}
	}
}

// reach waits until the number is at least n. Whoever makes it grow is in a hurry meanwhile.
func (p *progress) reach(ctx context.Context, n uint64) error {
	if p.get() >= n {
		return nil
	}
	defer p.hurry()()
	for {
		have, changed := p.next()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// troubles are what is wrong now, by the part it is wrong with.
type troubles struct {
	mu sync.Mutex
	by map[string]string
}

func (t *troubles) add(part, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[string]string{}
	}
	t.by[part] = what
}

func (t *troubles) clear(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, part)
}

func (t *troubles) of(part string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.by[part]
}

func (t *troubles) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for part, what := range t.by {
		out = append(out, part+": "+what)
	}
	slices.Sort(out)
	return out
}
