package load

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram divides each power of two into this many buckets, so a quantile is at most 0.8 %
// above the truth.
const (
	bucketBits = 7
	perOctave  = 1 << bucketBits
	octaves    = 32 // up to 2^39 us, six days
)

// Histogram counts durations in fixed memory. It is safe for use by several goroutines; the zero
// value is empty.
type Histogram struct {
	buckets [perOctave * (octaves + 1)]atomic.Uint64
	n       atomic.Uint64
	max     atomic.Int64
}

// Record counts one duration; a negative one counts as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucket(uint64(d/time.Microsecond))].Add(1)
	h.n.Add(1)
	for {
		have := h.max.Load()
		if int64(d) <= have || h.max.CompareAndSwap(have, int64(d)) {
			return
		}
	}
}

// bucket is where a number of microseconds is counted: one for each up to perOctave, then
// perOctave for each power of two.
func bucket(us uint64) int {
	octave := max(bits.Len64(us)-bucketBits-1, 0)
	if octave >= octaves {
		return perOctave*(octaves+1) - 1
	}
	return octave*perOctave + int(us>>octave)
}

// top is the largest number of microseconds of a bucket.
func top(i int) uint64 {
	octave := max(i/perOctave-1, 0)
	return (uint64(i-octave*perOctave)+1)<<octave - 1
}

// Count is how many were recorded.
func (h *Histogram) Count() int64 { return int64(h.n.Load()) }

// Max is the longest, 0 for none.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Quantile is the duration that the share q of all do not exceed, 0 for none; never above Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.n.Load()
	if n == 0 {
		return 0
	}
	rank := uint64(q*float64(n) + 0.999999)
	rank = min(max(rank, 1), n)
	var seen uint64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen >= rank {
			return min(time.Duration(top(i))*time.Microsecond+time.Microsecond-1, h.Max())
		}
	}
	return h.Max()
}
