package audience

import (
	"math"
	"math/bits"
)

// int128 is a signed whole number of 128 bits in two's complement: sums of billionths.
type int128 struct {
	hi int64
	lo uint64
}

// int128Of is the whole number f, which is below 2^96.
func int128Of(f float64) int128 {
	neg := f < 0
	f = math.Abs(f)
	hi := math.Floor(f / (1 << 64))
	v := int128{int64(hi), uint64(f - hi*(1<<64))}
	if neg {
		return v.negated()
	}
	return v
}

func (a int128) negated() int128 {
	lo, carry := bits.Add64(^a.lo, 1, 0)
	return int128{^a.hi + int64(carry), lo}
}

func (a int128) plus(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return int128{a.hi + b.hi + int64(carry), lo}
}

// times multiplies by n, which is not negative.
func (a int128) times(n int64) int128 {
	neg := a.hi < 0
	if neg {
		a = a.negated()
	}
	hi, lo := bits.Mul64(a.lo, uint64(n))
	v := int128{int64(hi) + a.hi*n, lo}
	if neg {
		return v.negated()
	}
	return v
}

func (a int128) compare(b int128) int {
	switch {
	case a.hi != b.hi:
		if a.hi < b.hi {
			return -1
		}
		return 1
	case a.lo != b.lo:
		if a.lo < b.lo {
			return -1
		}
		return 1
	}
	return 0
}

// units is the number in billionths, rounded half away from zero, of which sums are made so that
// their order cannot change them; not ok at and above 10^15.
func units(f float64) (int128, bool) {
	if math.Abs(f) >= maxUnits {
		return int128{}, false
	}
	return int128Of(math.Round(f * 1e9)), true
}
