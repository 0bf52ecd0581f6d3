// Package preview answers how many would be in an audience while its definition is written: the
// members of each leaf are a bitmap, which is kept for as long as the column store stays at its
// commit, so that an edit asks for one leaf and the rest is set algebra. It is exact: all bitmaps
// of an answer are of one snapshot of the tables.
package preview

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// Numbers answers a query whose columns are whole numbers, row by row; a row may not be kept.
type Numbers func(query string, row func([]int64) error) error

// perWord is how many neighbouring profile ids come in one row of an answer. The ids of profiles
// that came together follow one another, so most words hold several: reading rows is what a set costs.
const perWord = 32

// packed makes of a query of profile ids one of words: the id's part above the lowest five bits,
// and which of the 32 ids there are in the set.
func packed(ids string) string {
	return fmt.Sprintf("select profile_id >> 5, bit_or(cast(1 as bigint) << cast(profile_id & %d as integer)) from (%s) ids group by 1", perWord-1, ids)
}

// people are all profiles of one commit, each with a number of its own from 0: its place among the ids.
type people struct {
	words  []int64 // keys, ascending
	bits   []uint32
	starts []uint32 // number of the first profile of each word
	index  map[int64]uint32
	count  int
}

func loadPeople(numbers Numbers) (*people, error) {
	p := &people{}
	type word struct {
		key  int64
		bits uint32
	}
	var all []word
	if err := numbers(packed("select profile_id from profiles"), func(row []int64) error {
		all = append(all, word{row[0], uint32(row[1])})
		return nil
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b word) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	p.words, p.bits, p.starts, p.index = make([]int64, len(all)), make([]uint32, len(all)), make([]uint32, len(all)), make(map[int64]uint32, len(all))
	for i, w := range all {
		p.words[i], p.bits[i], p.starts[i], p.index[w.key] = w.key, w.bits, uint32(p.count), uint32(i)
		p.count += bits.OnesCount32(w.bits)
	}
	return p, nil
}

// set reads a query of profile ids as a bitmap of the profiles' numbers. An id that is no profile's is
// in none.
func (p *people) set(numbers Numbers, ids string) (*roaring.Bitmap, error) {
	dense := make([]uint64, (p.count+63)/64)
	if err := numbers(packed(ids), func(row []int64) error {
		i, there := p.index[row[0]]
		if !there {
			return nil
		}
		for have := uint32(row[1]) & p.bits[i]; have != 0; have &= have - 1 {
			n := p.number(i, uint(bits.TrailingZeros32(have)))
			dense[n>>6] |= 1 << (n & 63)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	b := roaring.FromDense(dense, true)
	b.RunOptimize()
	return b, nil
}

// number is the number of the profile at a bit of a word that has it.
func (p *people) number(i uint32, bit uint) uint32 {
	return p.starts[i] + uint32(bits.OnesCount32(p.bits[i]&(1<<bit-1)))
}

// find is the number of a profile.
func (p *people) find(id int64) (uint32, bool) {
	i, there := p.index[id>>5]
	bit := uint(id & (perWord - 1))
	if !there || p.bits[i]&(1<<bit) == 0 {
		return 0, false
	}
	return p.number(i, bit), true
}

// id is the profile of a number.
func (p *people) id(n uint32) int64 {
	i, exact := slices.BinarySearch(p.starts, n)
	if !exact {
		i--
	}
	have := p.bits[i]
	for range n - p.starts[i] {
		have &= have - 1
	}
	return p.words[i]<<5 | int64(bits.TrailingZeros32(have))
}
