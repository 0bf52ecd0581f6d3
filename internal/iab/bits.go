package iab

import (
	"encoding/base64"

	"clientele"
)

// maxString is the longest string that is read: TC strings with all their vendors stay below 4 KB.
const maxString = 16 << 10

// bits reads a base64url segment bit by bit. What is behind its end reads as 0 and sets short.
type bits struct {
	b     []byte
	at    int
	short bool
}

func segment(s string) (*bits, error) {
	// The specifications pad by zero bits to whole characters, so a last character may be too few for a byte.
	for len(s)%4 == 1 {
		s += "A"
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, unreadable("it is not base64url")
	}
	return &bits{b: b}, nil
}

func (r *bits) bit() uint64 {
	if r.at >= 8*len(r.b) {
		r.short = true
		return 0
	}
	v := r.b[r.at/8] >> (7 - r.at%8) & 1
	r.at++
	return uint64(v)
}

func (r *bits) int(n int) (v uint64) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bits) skip(n int) {
	if r.at += n; r.at > 8*len(r.b) {
		r.short = true
	}
}

// letters is text of n letters, 6 bits each.
func (r *bits) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'A' + byte(r.int(6))
	}
	return string(b)
}

// fibonacci is a number as the sum of Fibonacci numbers, the smallest first, ended by two ones.
func (r *bits) fibonacci() int {
	sum, a, b, last := 0, 1, 2, uint64(0)
	for range 24 {
		v := r.bit()
		if r.short {
			return 0
		}
		if v == 1 && last == 1 {
			return sum
		}
		sum += int(v) * a
		a, b, last = b, a+b, v
	}
	r.short = true
	return 0
}

func unreadable(what string) error {
	return clientele.Errorf(clientele.Invalid, "consent string: %s", what)
}
