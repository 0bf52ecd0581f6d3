package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// plainEvery is how often progress is a line of its own where there is no terminal.
const plainEvery = 10 * time.Second

// progress shows how far long work has come: one line that changes on a terminal, else a plain
// line now and then. It writes to standard error.
type progress struct {
	c    *cli
	unit string

	mu      sync.Mutex
	start   time.Time
	shown   time.Time
	drawn   int // width of the line on the terminal
	stopped bool
}

func (c *cli) newProgress(unit string) *progress {
	now := time.Now()
	return &progress{c: c, unit: unit, start: now, shown: now}
}

// update says that count units are done, which is part of whole; whole 0 is not known.
func (p *progress) update(count int64, part, whole float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	every := plainEvery
	if p.c.errWidth > 0 {
		every = 100 * time.Millisecond
	}
	if p.stopped || now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	elapsed := now.Sub(p.start)
	text := fmt.Sprintf("%s %s, %.0f/s", thousands(count), p.unit, float64(count)/elapsed.Seconds())
	if whole > 0 && part > 0 {
		share := min(1, part/whole)
		text += fmt.Sprintf(", %.0f %%", 100*share)
		if left := time.Duration(float64(elapsed) * (1 - share) / share); left >= time.Second {
			text += ", " + left.Round(time.Second).String() + " left"
		}
	}
	if p.c.errWidth == 0 {
		fmt.Fprintln(p.c.err, text)
		return
	}
	text = cut(text, p.c.errWidth)
	fmt.Fprintf(p.c.err, "\r%s%s", text, strings.Repeat(" ", max(0, p.drawn-len(text))))
	p.drawn = len(text)
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.drawn > 0 {
		fmt.Fprintf(p.c.err, "\r%s\r", strings.Repeat(" ", p.drawn))
	}
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
