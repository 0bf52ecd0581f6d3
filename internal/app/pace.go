package app

import "time"

// pace lets work gather between two rounds of a stage. A round has a cost of its own (a commit, a
// transaction, the processor's caches) that is the same for one record and for a thousand: a stage
// that took up each record as it came would need twice the processor at half of the load, and what
// it takes is missed by intake and by reads. So it rests in proportion to what the last round took,
// which is next to nothing while little happens, and never while somebody waits for it. A round that
// took long has let as much gather itself: it is not followed by a rest, which would make the next one longer.
type pace struct {
	share  float64       // of the last round's time
	most   time.Duration // a rest is never longer
	within time.Duration // nor does it, with the round before it, last longer; 0 = it may
	until  time.Time
}

// ended notes a round.
func (p *pace) ended(began time.Time) {
	now := time.Now()
	took := now.Sub(began)
	rest := min(time.Duration(p.share*float64(took)), p.most)
	if p.within > 0 {
		rest = min(rest, max(p.within-took, 0))
	}
	p.until = now.Add(rest)
}

// timer tells when the rest is over; nil when it is over already.
func (p *pace) timer() <-chan time.Time {
	rest := time.Until(p.until)
	if rest <= 0 {
		return nil
	}
	return time.After(rest)
}
