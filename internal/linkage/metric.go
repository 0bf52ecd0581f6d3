package linkage

import "math/bits"

// maxMetric is how many bytes of a text the metrics look at: one machine word of positions.
const maxMetric = 64

// jaroWinkler is the similarity of two ASCII texts, 0 to 1: Jaro's (1989) share of common
// characters within half the longer length, less half the transpositions, with Winkler's (1990) bonus of
// a tenth for each of up to four first characters in common where it is above 0.7. Positions are
// bits of a word, so it allocates nothing; what is behind the 64th byte does not count.
func jaroWinkler(a, b string) float64 {
	a, b = a[:min(len(a), maxMetric)], b[:min(len(b), maxMetric)]
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		return 0
	}
	window := max(0, len(b)/2-1)
	// Places of each character of b, by its low five bits: letters are apart, others are checked.
	var places [32]uint64
	for i := range len(b) {
		places[b[i]&31] |= 1 << uint(i)
	}
	var inA, inB uint64
	near := uint64(1)<<uint(window+1) - 1
	for i := range len(a) {
		for at := places[a[i]&31] & near &^ inB; at != 0; at &= at - 1 {
			if b[bits.TrailingZeros64(at)] == a[i] {
				inB |= at & -at
				inA |= 1 << uint(i)
				break
			}
		}
		near <<= 1
		if i < window {
			near |= 1
		}
	}
	common := float64(bits.OnesCount64(inA))
	if common == 0 {
		return 0
	}
	moved := 0
	for x, y := inA, inB; x != 0; x, y = x&(x-1), y&(y-1) {
		if a[bits.TrailingZeros64(x)] != b[bits.TrailingZeros64(y)] {
			moved++
		}
	}
	s := (common/float64(len(a)) + common/float64(len(b)) + (common-float64(moved/2))/common) / 3
	if s > 0.7 {
		same := 0
		for same < min(len(a), 4) && a[same] == b[same] {
			same++
		}
		s += float64(same) * 0.1 * (1 - s)
	}
	return s
}

// edits is the number of insertions, deletions, substitutions and swaps of neighbours that turn
// one text into the other, none of them touching the same place twice (optimal string alignment), by
// the bit-parallel recurrence of Hyyrö (2003). What is behind the 64th byte does not count.
func edits(a, b string) int {
	a, b = a[:min(len(a), maxMetric)], b[:min(len(b), maxMetric)]
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	var places [256]uint64
	for i := range len(a) {
		places[a[i]] |= 1 << uint(i)
	}
	return editsBy(&places, len(a), b)
}

func editsBy(places *[256]uint64, n int, b string) int {
	up, down, diagonal, before := ^uint64(0), uint64(0), uint64(0), uint64(0)
	last, distance := uint64(1)<<uint(n-1), n
	for i := range len(b) {
		p := places[b[i]]
		swap := (^diagonal & p) << 1 & before
		diagonal = (p&up + up) ^ up | p | down | swap
		right, left := down|^(diagonal|up), diagonal&up
		if right&last != 0 {
			distance++
		} else if left&last != 0 {
			distance--
		}
		right, left = right<<1|1, left<<1
		up, down, before = left|^(diagonal|right), right&diagonal, p
	}
	return distance
}

// oneEdit says whether two different texts are one edit apart, at the cost of a look at both ends.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) != len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// soundOf is a key that names which sound alike share, for names written in Latin letters of any
// language: the first sound and the next consonants, voiced and voiceless as one, vowels and h left out,
// doubles once. It is coarser than Double Metaphone and needs no table of exceptions.
func soundOf(s string) string {
	var out [6]byte
	n := 0
	var last byte
	for i := 0; i < len(s) && n < len(out); i++ {
		c := s[i]
		next := byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch c {
		case 'p':
			if next == 'h' {
				c = 'f'
			}
		case 'v', 'w':
			c = 'f'
			if s[i] == 'w' && i > 0 {
				c = 0 // as in "dawson"
			}
		case 'b':
			c = 'p'
		case 'd':
			c = 't'
		case 'g', 'q', 'k':
			c = 'k'
			if s[i] == 'k' && i == 0 && next == 'n' {
				c = 0
			}
		case 'c':
			c = 'k'
			if next == 'h' || next == 'e' || next == 'i' || next == 'y' || next == 'z' {
				c = 's'
			}
		case 'z', 'x', 'j':
			c = 's'
		case 'm':
			c = 'n'
		case 'a', 'e', 'i', 'o', 'u', 'y':
			c = 0
			if i == 0 {
				c = 'a'
			}
		case 'h', ' ':
			c = 0
		}
		if c != 0 && c != last {
			out[n] = c
			n++
		}
		if s[i] != 'h' {
			last = c
		}
	}
	return string(out[:n])
}
