package linkage

import (
	"cmp"
	"math"
	"slices"

	"clientele"
)

// Index holds records in memory and finds, for any one of them, those that may be of the same person: by the keys and the
// model of a run. Records come, change and go one by one. One goroutine at a time uses it.
type Index struct {
	learned *learned
	r       *records
	model   *Model
	c       *comparer
	keys    []*keyTable
	ids     []uint64          // by place in r: whose record it is
	places  map[uint64]uint32 // of ids
	free    []uint32          // places that nobody has
	refs    map[*dictionary][]uint32
	dicts   []*dictionary // each once
	seen    []uint32      // by place: the last search that looked at it
	search  uint32
}

// Near is a record that may be of the same person as another.
type Near struct {
	ID     uint64
	Weight float64
	Equal  bool // in all that is compared, and in enough to be a copy whatever it weighs
}

// mostLooked is how many records one search weighs: those of the narrowest keys.
const mostLooked = 2000

// OpenIndex makes an index of what a run learned (Result.Learned) and of the records that there are: the table's row i is of
// ids[i], which are different and not 0.
func OpenIndex(what []byte, t *Table, ids []uint64, workers int) (*Index, error) {
	l, err := readLearned(what)
	if err != nil {
		return nil, err
	}
	if len(ids) != t.rows {
		return nil, clientele.Errorf(clientele.Internal, "an index of %d records has %d ids", t.rows, len(ids))
	}
	x := &Index{learned: l, r: l.records(t), model: l.model(), ids: ids, places: make(map[uint64]uint32, len(ids)), seen: make([]uint32, len(ids)), refs: map[*dictionary][]uint32{}}
	x.c = newComparer(x.r)
	for i, id := range ids {
		x.places[id] = uint32(i)
	}
	for _, f := range x.r.fields {
		if (f.kind == kindEmail || f.kind == kindPhone) && f.more == nil {
			f.more = make([][]uint32, x.r.n) // so that every further value has a key
		}
		if x.refs[f.dict] == nil {
			x.dicts = append(x.dicts, f.dict)
			x.refs[f.dict] = make([]uint32, len(f.dict.column.values))
		}
		for id, n := range f.count {
			x.refs[f.dict][id] += n
		}
	}
	if names := x.names(); names != nil {
		for _, list := range x.r.aliases {
			for _, id := range list {
				x.refs[names][id]++
			}
		}
	}
	for _, d := range x.dicts { // forms on the way to others
		for id, n := range x.refs[d] {
			if n == 0 {
				d.column.values[id] = ""
			}
		}
	}
	all := make([]uint32, len(ids))
	for i := range all {
		all[i] = uint32(i)
	}
	for _, ru := range rulesFor(x.r) {
		x.keys = append(x.keys, &keyTable{rule: ru, refine: refinements(x.r, ru), split: map[uint32]bool{}})
	}
	parallel(max(1, workers), len(x.keys), func(_, i int) { x.keys[i].fill(x.r, all) })
	return x, nil
}

// names is the dictionary of names; nil when none are compared.
func (x *Index) names() *dictionary {
	for _, f := range x.r.fields {
		if f.kind == kindGiven || f.kind == kindSurname {
			return f.dict
		}
	}
	return nil
}

// Len is how many records there are.
func (x *Index) Len() int { return len(x.places) }

// Has says whether there is a record of that id.
func (x *Index) Has(id uint64) bool { _, ok := x.places[id]; return ok }

// Put takes a record, or what it says by now, as columns of the run's tables. It answers whether anything that is compared
// has changed; a record that says nothing is not kept.
func (x *Index) Put(id uint64, says map[string]string) bool {
	rec := x.encode(says)
	at, there := x.places[id]
	if rec.empty() {
		x.Remove(id)
		return there
	}
	if there && x.equals(at, rec) {
		return false
	}
	x.retain(rec) // before the record as it was lets go of values that it still has
	switch {
	case there:
		x.unlink(at)
	case len(x.free) > 0:
		at = x.free[len(x.free)-1]
		x.free = x.free[:len(x.free)-1]
	default:
		at = x.extend()
	}
	x.ids[at], x.places[id] = id, at
	x.write(at, rec)
	for _, k := range x.keys {
		k.add(x.r, at)
	}
	return true
}

// Remove forgets a record, and the values that nobody else has.
func (x *Index) Remove(id uint64) {
	at, there := x.places[id]
	if !there {
		return
	}
	x.unlink(at)
	delete(x.places, id)
	x.ids[at] = 0
	x.free = append(x.free, at)
}

// single is one record, its values as numbers of the index's dictionaries: the first by field, and all.
type single struct {
	values     [][]uint32
	aliases    []uint32
	generation uint8
}

func (s single) empty() bool {
	return !slices.ContainsFunc(s.values, func(v []uint32) bool { return len(v) > 0 })
}

// encode normalises one record by the same code as tables, and makes numbers of its values.
func (x *Index) encode(says map[string]string) single {
	t := &Table{rows: 1, byName: map[string]int{}}
	for name, v := range says {
		t.byName[name] = len(t.columns)
		c := &column{name: name, values: []string{""}, ids: []uint32{0}}
		if v != "" {
			c.values, c.ids[0] = append(c.values, v), 1
		}
		t.columns = append(t.columns, c)
	}
	r := x.learned.records(t)
	out := single{values: make([][]uint32, len(x.r.fields))}
	for i, f := range r.fields {
		own := x.r.fields[i]
		for n := range min(f.values(0), maxValues) {
			if n > 0 && own.more == nil {
				break // in no record of the run did it have several
			}
			if id := x.intern(own.dict, f.dict.column.values[f.nth(0, n)]); id != 0 {
				out.values[i] = append(out.values[i], id)
			}
		}
	}
	if names := x.names(); names != nil && r.aliases != nil {
		for _, f := range r.fields {
			if f.kind == kindGiven || f.kind == kindSurname {
				for _, id := range r.aliases[0] {
					out.aliases = append(out.aliases, x.intern(names, f.dict.column.values[id]))
				}
				break
			}
		}
	}
	if r.generation != nil {
		out.generation = r.generation[0]
	}
	return out
}

// intern is the number of a normal form. One that is not used in the end is let go with the next record that had it.
func (x *Index) intern(d *dictionary, s string) uint32 {
	id := d.id(s)
	for len(x.refs[d]) < len(d.column.values) {
		x.refs[d] = append(x.refs[d], 0)
	}
	return id
}

func (x *Index) equals(at uint32, rec single) bool {
	for i, f := range x.r.fields {
		if f.values(at) != len(rec.values[i]) {
			return false
		}
		for n, id := range rec.values[i] {
			if f.nth(at, n) != id {
				return false
			}
		}
	}
	var aliases []uint32
	if x.r.aliases != nil {
		aliases = x.r.aliases[at]
	}
	return slices.Equal(aliases, rec.aliases) && (x.r.generation == nil && rec.generation == 0 || x.r.generation != nil && x.r.generation[at] == rec.generation)
}

// extend makes room for one more record.
func (x *Index) extend() uint32 {
	r := x.r
	at := uint32(r.n)
	r.n++
	r.rows = append(r.rows, make([]uint32, len(r.fields))...)
	for _, f := range r.fields {
		f.ids = append(f.ids, 0)
		if f.more != nil {
			f.more = append(f.more, nil)
		}
	}
	if r.aliases != nil {
		r.aliases = append(r.aliases, nil)
	}
	if r.generation != nil {
		r.generation = append(r.generation, 0)
	}
	x.ids, x.seen = append(x.ids, 0), append(x.seen, 0)
	return at
}

func (x *Index) write(at uint32, rec single) {
	r := x.r
	width := len(r.fields)
	for i, f := range r.fields {
		for len(f.count) < len(f.dict.column.values) {
			f.count = append(f.count, 0)
		}
		for n, id := range rec.values[i] {
			f.count[id]++
			if n == 0 {
				f.ids[at], r.rows[int(at)*width+i] = id, id
			}
		}
		if len(rec.values[i]) > 1 {
			f.more[at] = rec.values[i][1:]
		}
	}
	if len(rec.aliases) > 0 {
		if r.aliases == nil {
			r.aliases = make([][]uint32, r.n)
		}
		r.aliases[at] = rec.aliases
	}
	if rec.generation != 0 {
		if r.generation == nil {
			r.generation = make([]uint8, r.n)
		}
		r.generation[at] = rec.generation
	}
}

// unlink takes a record's keys and values out.
func (x *Index) unlink(at uint32) {
	r := x.r
	for _, k := range x.keys {
		k.remove(r, at)
	}
	width := len(r.fields)
	for i, f := range r.fields {
		for n := range f.values(at) {
			id := f.nth(at, n)
			f.count[id]--
			x.release(f.dict, id)
		}
		f.ids[at], r.rows[int(at)*width+i] = 0, 0
		if f.more != nil {
			f.more[at] = nil
		}
	}
	if r.aliases != nil {
		for _, id := range r.aliases[at] {
			x.release(x.names(), id)
		}
		r.aliases[at] = nil
	}
	if r.generation != nil {
		r.generation[at] = 0
	}
}

// retain counts the record's values as had by one more.
func (x *Index) retain(rec single) {
	for i, f := range x.r.fields {
		for _, id := range rec.values[i] {
			x.refs[f.dict][id]++
		}
	}
	for _, id := range rec.aliases {
		x.refs[x.names()][id]++
	}
}

// release lets go of a value that nobody has any more. Its number is not given again.
func (x *Index) release(d *dictionary, id uint32) {
	if x.refs[d][id]--; x.refs[d][id] == 0 {
		d.column.values[id] = ""
	}
}

// Near are the records that share a key with that of the id and weigh at least so much, the heaviest first; what
// keeps two apart whatever they weigh does so here.
func (x *Index) Near(id uint64, least float64) []Near {
	at, there := x.places[id]
	if !there {
		return nil
	}
	if x.search++; x.search == 0 {
		clear(x.seen)
		x.search = 1
	}
	x.seen[at] = x.search
	var out []Near
	looked := 0
	for _, k := range x.keys {
		k.places(x.r, at, func(key uint32, _ int) {
			k.each(key, func(y uint32) bool {
				if x.seen[y] == x.search {
					return true
				}
				x.seen[y] = x.search
				if n, ok := x.weigh(at, y, least); ok {
					out = append(out, n)
				}
				looked++
				return looked < mostLooked
			})
		})
	}
	slices.SortFunc(out, func(a, b Near) int {
		if a.Equal != b.Equal {
			return map[bool]int{true: -1, false: 1}[a.Equal]
		}
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (x *Index) weigh(at, y uint32, least float64) (Near, bool) {
	if x.apart(at, y) {
		return Near{}, false
	}
	n := Near{ID: x.ids[y], Weight: x.score(at, y)}
	if n.Weight < least && !x.r.complete(at) {
		return n, false
	}
	n.Equal = x.r.complete(at) && equal(x.r, at, y)
	return n, n.Equal || n.Weight >= least
}

func (x *Index) score(a, b uint32) float64 {
	x.c.compare(min(a, b), max(a, b))
	return x.model.score(x.c, nil)
}

// apart says whether something keeps two records apart whatever they weigh: one is the senior and one the junior.
func (x *Index) apart(a, b uint32) bool {
	g := x.r.generation
	return g != nil && g[a] != 0 && g[b] != 0 && g[a] != g[b]
}

// One says whether the records of as and those of bs are one person, by the rule of a run's clusters: the mean weight between
// them reaches the threshold, and nothing keeps two of them apart. Ids without a record say nothing.
func (x *Index) One(as, bs []uint64, threshold float64) bool {
	as, bs = as[:min(len(as), mostMembers)], bs[:min(len(bs), mostMembers)]
	sum, n := 0.0, 0
	for _, a := range as {
		for _, b := range bs {
			p, ok := x.places[a]
			q, also := x.places[b]
			if !ok || !also {
				continue
			}
			if x.apart(p, q) {
				return false
			}
			sum += math.Min(math.Max(x.score(p, q), -clipLow), clip)
			n++
		}
	}
	return n > 0 && sum/float64(n) >= threshold
}

// Explain says of what the weight of two records is made, as Result.Explain does; A and B are not set.
func (x *Index) Explain(a, b uint64) Explanation {
	p, q := x.places[a], x.places[b]
	return waterfall(x.c, x.model, p, q)
}

// Bytes is about how much memory the index takes.
func (x *Index) Bytes() int64 {
	const header, entry = 16, 40 // of a text, and of the map of ids
	n := int64(cap(x.r.rows)+cap(x.seen)+len(x.free))*4 + int64(cap(x.ids))*8 + int64(len(x.places))*entry
	for _, f := range x.r.fields {
		n += int64(cap(f.ids)+cap(f.count))*4 + int64(cap(f.more))*24
	}
	n += int64(cap(x.r.aliases))*24 + int64(cap(x.r.generation))
	for _, k := range x.keys {
		n += int64(cap(k.slots))*8 + int64(len(k.split))*entry
	}
	for _, d := range x.dicts {
		n += int64(cap(d.column.index)+cap(d.sound)+cap(d.start)+cap(d.part)+cap(d.rest)+cap(d.days)+cap(x.refs[d]))*4 + int64(cap(d.split))*2 + int64(cap(d.value))*8 +
			int64(cap(d.nick))*maxGroups*2 + int64(cap(d.column.values))*header
		for _, s := range d.column.values {
			n += int64(len(s))
		}
	}
	return n
}
