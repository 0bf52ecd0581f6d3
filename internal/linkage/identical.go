package linkage

import (
	"slices"

	"github.com/zeebo/xxh3"
)

// identical finds records that are equal in every field: they are compared once. list are one of each and all
// others, same the groups of more than one.
func identical(r *records) (list []uint32, same [][]uint32) {
	entries := grab[uint64](r.space, r.n)
	defer release(r.space, entries)
	buf := make([]byte, 0, 4*len(r.fields))
	for i := range entries {
		buf = buf[:0]
		for _, f := range r.fields {
			for n := range f.values(uint32(i)) {
				id := f.nth(uint32(i), n)
				buf = append(buf, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
			}
			buf = append(buf, 0)
		}
		if r.generation != nil {
			buf = append(buf, r.generation[i])
		}
		entries[i] = xxh3.Hash(buf)&^0xffffffff | uint64(i)
	}
	radixSort(r.space, entries)
	for i := 0; i < len(entries); {
		j := sameKey(entries, i)
		first := uint32(entries[i])
		list = add(r.space, list, first)
		group := []uint32{first}
		for _, e := range entries[i+1 : j] {
			if x := uint32(e); equal(r, first, x) {
				group = append(group, x)
			} else {
				list = add(r.space, list, x)
			}
		}
		if len(group) > 1 {
			same = append(same, group)
		}
		i = j
	}
	slices.Sort(list)
	slices.SortFunc(same, func(a, b []uint32) int { return int(a[0]) - int(b[0]) })
	return list, same
}

func equal(r *records, x, y uint32) bool {
	if r.generation != nil && r.generation[x] != r.generation[y] {
		return false
	}
	for _, f := range r.fields {
		if f.values(x) != f.values(y) {
			return false
		}
		for n := range f.values(x) {
			if f.nth(x, n) != f.nth(y, n) {
				return false
			}
		}
	}
	return true
}

// complete says whether a record has a whole name and something to reach or tell the person by: records that are equal
// in so much are copies, however often there is one.
func (r *records) complete(x uint32) bool {
	if r.given < 0 || r.surname < 0 || r.fields[r.given].ids[x] == 0 || r.fields[r.surname].ids[x] == 0 {
		return false
	}
	for _, f := range r.fields {
		switch f.kind {
		case kindDate, kindEmail, kindPhone, kindAddress, kindIdentifier:
			if f.ids[x] != 0 {
				return true
			}
		}
	}
	return false
}
