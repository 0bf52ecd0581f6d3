package shop

import "math/bits"

// dice are a stream of numbers that depends on nothing but how it was made: SplitMix64 (Steele,
// Lea, Flood 2014). Everything in the shop is decided with whole numbers, so that no processor's
// way of rounding can change a byte of it.
type dice struct{ state uint64 }

// roll makes dice for one purpose. Those of another purpose, or of the same of somebody else,
// are independent of them.
func roll(seed uint64, purpose string, numbers ...int) *dice {
	d := &dice{seed}
	for _, c := range []byte(purpose) {
		d.state = d.next() ^ uint64(c)
	}
	for _, n := range numbers {
		d.state = d.next() ^ uint64(n)
	}
	d.next()
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is from 0 up to n-1.
func (d *dice) below(n int) int {
	high, _ := bits.Mul64(d.next(), uint64(n))
	return int(high)
}

// between is from low up to and with high.
func (d *dice) between(low, high int) int { return low + d.below(high-low+1) }

// chance is true so many times in a thousand.
func (d *dice) chance(perMille int) bool { return d.below(1000) < perMille }

// pick is one of the list; weights say how often each, all alike without them.
func (d *dice) pick(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := d.below(sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// power is from 0 up to n-1, small numbers more often: the smaller of two throws of the smaller of two.
func (d *dice) power(n int) int { return min(d.below(n), d.below(n), d.below(n)) }

func one[T any](d *dice, list []T) T { return list[d.below(len(list))] }
