package importer

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/zeebo/xxh3"
)

// hash128 is the 128-bit xxh3 of b. Record ids are made of it, so it is fixed for ever.
type hash128 [16]byte

func hashOf(b []byte) hash128 { return xxh3.Hash128(b).Bytes() }

func (h hash128) low() uint64 { return binary.BigEndian.Uint64(h[8:]) }

// appendHex writes the first n hex digits.
func (h hash128) appendHex(dst []byte, n int) []byte {
	var text [32]byte
	hex.Encode(text[:], h[:])
	return append(dst, text[:n]...)
}

// The first byte of what is hashed keeps the two ways of making an id apart.
const (
	idOfKey byte = 'k'
	idOfRow byte = 'r'
	idOfBad byte = 'q'
)

// appendPart adds a text to what is hashed, its length first, so that no two lists of texts
// look the same.
func appendPart(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// ordinal is the hash of the k-th identical row; the first one keeps its own.
func (h hash128) ordinal(k uint32) hash128 {
	if k == 0 {
		return h
	}
	return hashOf(binary.AppendUvarint(h[:len(h):len(h)], uint64(k)))
}

// counter counts identical rows by their hash: an open-addressing table of 8 bytes a slot, at
// most three quarters full, and a map for the few rows that come more than once. That is 11 to
// 21 bytes for each distinct row. Two different rows whose 64-bit hashes are equal share a
// count, which is harmless: their ids stay different and stay the same on the next import.
type counter struct {
	slots []uint64
	used  int
	again map[uint64]uint32
}

// next is how often h was counted before.
func (c *counter) next(h uint64) uint32 {
	if h == 0 {
		h = 1 // 0 marks a free slot
	}
	if c.used*4 >= len(c.slots)*3 {
		c.grow()
	}
	mask := uint64(len(c.slots) - 1)
	i := h & mask
	for c.slots[i] != 0 {
		if c.slots[i] == h {
			if c.again == nil {
				c.again = map[uint64]uint32{}
			}
			c.again[h]++
			return c.again[h]
		}
		i = (i + 1) & mask
	}
	c.slots[i] = h
	c.used++
	return 0
}

func (c *counter) grow() {
	old := c.slots
	c.slots = make([]uint64, max(1024, 2*len(old)))
	mask := uint64(len(c.slots) - 1)
	for _, h := range old {
		if h == 0 {
			continue
		}
		i := h & mask
		for c.slots[i] != 0 {
			i = (i + 1) & mask
		}
		c.slots[i] = h
	}
}

// recent remembers, for a bounded number of keys, the last content that was sent: four keys to
// a set, the one used longest ago gives way. Forgetting only costs sending a record again.
type recent struct {
	sets [][recentWays]recentEntry
}

type recentEntry struct{ key, content uint64 }

const (
	recentSets = 1 << 16 // 4 MB
	recentWays = 4
)

// same says whether content is what was last noted for the key, and notes it.
func (r *recent) same(key, content uint64) bool {
	if r.sets == nil {
		r.sets = make([][recentWays]recentEntry, recentSets)
	}
	set := &r.sets[key%recentSets]
	i := 0
	for i < recentWays-1 && set[i].key != key {
		i++
	}
	hit := set[i].key == key && set[i].content == content
	copy(set[1:i+1], set[:i]) // to the front
	set[0] = recentEntry{key, content}
	return hit
}
