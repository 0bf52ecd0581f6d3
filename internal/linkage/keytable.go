package linkage

import "slices"

// keyTable finds records by one rule's key, and takes and loses them one by one: entries of a key and a record, probed
// linearly in the order of their keys. A key that too many share is split by the next field, as a run does it (grouping.cut);
// where no field is left it takes no more, and other rules may find who is not in it.
type keyTable struct {
	rule   *rule
	refine []part
	slots  []uint64 // key<<32 | record+1; 0 = free
	used   int
	split  map[uint32]bool
}

// mostNear is how many records share a key before it is split.
const mostNear = 200

// home is where the probing for a key begins.
func (t *keyTable) home(key uint32) int { return int(uint64(key) * uint64(len(t.slots)) >> 32) }

// place is the key under which the record stands, after all splits, and how many there were; 0 when it has none.
func (t *keyTable) place(r *records, rec uint32, nth int) (key uint32, depth int) {
	key = r.key(t.rule, rec, nth)
	return t.descend(r, rec, key, 0)
}

func (t *keyTable) descend(r *records, rec, key uint32, depth int) (uint32, int) {
	for key != 0 && t.split[key] {
		v := r.value(t.refine[depth], rec, 0)
		if v == 0 {
			return 0, depth
		}
		key = mix(key+uint32(depth), v)
		depth++
	}
	return key, depth
}

// each gives the records of a key until do returns false.
func (t *keyTable) each(key uint32, do func(rec uint32) bool) {
	for i := t.home(key); t.slots[i] != 0; {
		if uint32(t.slots[i]>>32) == key && !do(uint32(t.slots[i])-1) {
			return
		}
		if i++; i == len(t.slots) {
			i = 0
		}
	}
}

func (t *keyTable) at(key uint32) (out []uint32) {
	t.each(key, func(rec uint32) bool { out = append(out, rec); return true })
	return out
}

// places calls do with each key of the record.
func (t *keyTable) places(r *records, rec uint32, do func(key uint32, depth int)) {
	values := 1
	if t.rule.multi >= 0 {
		values = max(1, r.fields[t.rule.multi].values(rec))
	}
	for nth := range values {
		if key, depth := t.place(r, rec, nth); key != 0 {
			do(key, depth)
		}
	}
}

func (t *keyTable) add(r *records, rec uint32) {
	t.places(r, rec, func(key uint32, depth int) { t.enter(r, rec, key, depth) })
}

func (t *keyTable) enter(r *records, rec, key uint32, depth int) {
	there := t.at(key)
	switch {
	case slices.Contains(there, rec):
		return
	case len(there) < mostNear:
		t.insert(key, rec)
		return
	case depth >= len(t.refine):
		return
	}
	t.split[key] = true
	for _, x := range there {
		t.delete(key, x)
	}
	for _, x := range append(there, rec) {
		if k, d := t.descend(r, x, key, depth); k != 0 {
			t.enter(r, x, k, d)
		}
	}
}

func (t *keyTable) remove(r *records, rec uint32) {
	t.places(r, rec, func(key uint32, _ int) { t.delete(key, rec) })
}

func (t *keyTable) insert(key, rec uint32) {
	if (t.used+1)*5 > len(t.slots)*4 {
		t.grow(len(t.slots)*5/4 + 64)
	}
	i := t.home(key)
	for t.slots[i] != 0 {
		if i++; i == len(t.slots) {
			i = 0
		}
	}
	t.slots[i] = uint64(key)<<32 | uint64(rec+1)
	t.used++
}

func (t *keyTable) grow(n int) {
	old := t.slots
	t.slots, t.used = make([]uint64, n), 0
	for _, s := range old {
		if s != 0 {
			t.insert(uint32(s>>32), uint32(s)-1)
		}
	}
}

// delete closes the gap that it leaves, so that probing never ends too early.
func (t *keyTable) delete(key, rec uint32) {
	want := uint64(key)<<32 | uint64(rec+1)
	i := t.home(key)
	for t.slots[i] != want {
		if t.slots[i] == 0 {
			return // it had no room, and is not in it
		}
		if i++; i == len(t.slots) {
			i = 0
		}
	}
	for j := i; ; {
		if j++; j == len(t.slots) {
			j = 0
		}
		if t.slots[j] == 0 {
			break
		}
		if h := t.home(uint32(t.slots[j] >> 32)); i <= j && (h <= i || h > j) || i > j && h <= i && h > j {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
	t.used--
}

// fill takes all records of the list at once.
func (t *keyTable) fill(r *records, list []uint32) {
	var entries []uint64
	for _, rec := range list {
		t.places(r, rec, func(key uint32, _ int) { entries = append(entries, uint64(key)<<32|uint64(rec)) })
	}
	radixSort(nil, entries)
	entries = slices.Compact(entries)
	g := &grouping{r: r, rule: t.rule, refine: t.refine, onSplit: func(key uint32) { t.split[key] = true }}
	g.cut(entries, mostNear, 0)
	radixSort(nil, entries)
	t.slots = make([]uint64, len(entries)*5/4+64)
	for _, e := range entries {
		if e>>32 != 0 {
			t.insert(uint32(e>>32), uint32(e))
		}
	}
}
