package linkage

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// aspect is what of a field's value a key takes.
type aspect uint8

const (
	whole     aspect = iota
	start            // first three letters
	initial          // first letter
	sound            // how it sounds
	coarse           // postcode: the district; e-mail: before the @; address: the street; date: the year
	monthDay         // date, without the year
	last             // phone: last seven digits
	names            // given name and surname in the order of the alphabet
	firstWord        // first word of a text
)

var aspectNames = map[aspect]string{start: "start of ", initial: "initial of ", sound: "sound of ", coarse: "coarse ", monthDay: "day and month of ", last: "end of ", names: "both names with ", firstWord: "first word of "}

// part is one part of a key.
type part struct {
	field  int
	aspect aspect
}

// rule makes a key of each record, or several where a field has several values; records with equal keys
// are compared.
type rule struct {
	name  string
	parts []part
	uses  uint32 // its fields, as bits
	multi int    // field whose further values make further keys; -1 for none
	order []uint32
	ends  []uint32 // of the blocks in order
	pairs int64    // in its blocks, found by earlier rules or not
	split int      // blocks that were over the limit and were made smaller
}

// blocks say which records are compared.
type blocks struct {
	rules []*rule
	n     int
	keys  []uint32 // by record, then rule; 0 = none
}

// Limits of blocks. A block over maxBlock is split by further fields; a rule whose blocks have more pairs than
// its budget has its largest split until they have not.
const (
	maxBlock      = 400
	budgetRecord  = 2 // pairs a record and rule
	budgetLeast   = 300_000
	deepestRefine = 5
)

// value is a part of a record's key; 0 when there is none.
func (r *records) value(p part, rec uint32, nth int) uint32 {
	f := r.fields[p.field]
	if nth > 0 && (f.more == nil || nth > len(f.more[rec])) {
		return 0
	}
	id := f.nth(rec, nth)
	if id == 0 {
		return 0
	}
	d := f.dict
	switch p.aspect {
	case start:
		return d.start[id] | 1<<31
	case initial:
		return uint32(d.column.values[id][0])
	case sound:
		return d.sound[id]
	case coarse:
		switch f.kind {
		case kindDate:
			return uint32(d.days[id].year())
		case kindAddress:
			return d.rest[id]
		}
		return d.part[id]
	case monthDay:
		return uint32(d.days[id] & 0xffff)
	case last:
		s := d.column.values[id]
		return hash32(s[max(0, len(s)-7):])
	case names:
		other := r.fields[r.surname].ids[rec]
		if other == 0 {
			return 0
		}
		return mix(min(id, other), max(id, other))
	case firstWord:
		word, _, _ := strings.Cut(d.column.values[id], " ")
		return hash32(word)
	}
	return id
}

// mix joins two halves of a key.
func mix(a, b uint32) uint32 {
	x := (uint64(a)<<32 | uint64(b)) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return uint32(x>>32) | 1
}

func (r *records) key(ru *rule, rec uint32, nth int) uint32 {
	key := uint32(len(ru.parts))
	for _, p := range ru.parts {
		n := 0
		if p.field == ru.multi {
			n = nth
		}
		v := r.value(p, rec, n)
		if v == 0 {
			return 0
		}
		key = mix(key, v)
	}
	return key
}

// rulesFor proposes keys by the fields there are: many and narrow, so that every pair of records of one
// person shares some key even if half of its fields differ.
func rulesFor(r *records) []*rule {
	at := map[kind]int{}
	for i, f := range r.fields {
		if _, ok := at[f.kind]; !ok && (f.kind != kindGiven && f.kind != kindSurname) {
			at[f.kind] = i
		}
	}
	if r.given >= 0 {
		at[kindGiven] = r.given
	}
	if r.surname >= 0 {
		at[kindSurname] = r.surname
	}
	var out []*rule
	add := func(parts ...any) {
		ru := &rule{multi: -1}
		var words []string
		for i := 0; i < len(parts); i += 2 {
			f, ok := at[parts[i].(kind)]
			if !ok || parts[i+1] == names && r.surname < 0 {
				return
			}
			p := part{f, parts[i+1].(aspect)}
			if r.fields[f].more != nil {
				ru.multi = f
			}
			ru.parts = append(ru.parts, p)
			words = append(words, aspectNames[p.aspect]+r.fields[f].name)
		}
		ru.name = strings.Join(words, " + ")
		out = append(out, ru)
	}
	add(kindEmail, whole)
	add(kindPhone, whole)
	for i, f := range r.fields {
		if f.kind == kindIdentifier {
			out = append(out, &rule{name: f.name, parts: []part{{i, whole}}, multi: multiOf(r, i)})
		}
	}
	add(kindSurname, whole, kindDate, whole)
	add(kindGiven, whole, kindDate, whole)
	add(kindSurname, whole, kindPostcode, whole)
	add(kindGiven, whole, kindPostcode, whole)
	add(kindDate, whole, kindPostcode, coarse)
	add(kindGiven, names, kindPostcode, coarse)
	add(kindGiven, names, kindDate, coarse)
	add(kindGiven, start, kindSurname, sound, kindDate, coarse)
	add(kindGiven, whole, kindSurname, whole)
	add(kindEmail, coarse)
	add(kindAddress, whole)
	add(kindPhone, last)
	add(kindDate, monthDay, kindPostcode, whole)
	add(kindAddress, coarse, kindGiven, start)
	add(kindSurname, sound, kindGiven, initial, kindPostcode, coarse)
	add(kindDate, whole)
	add(kindGiven, sound, kindSurname, sound)
	for i, f := range r.fields {
		if f.kind == kindText && len(out) < 30 {
			for _, other := range []kind{kindDate, kindSurname, kindGiven} {
				if o, ok := at[other]; ok {
					out = append(out, &rule{name: f.name + " + " + r.fields[o].name, parts: []part{{i, whole}, {o, whole}}, multi: multiOf(r, i)})
				}
			}
			if f.name == "organisation" || r.surname < 0 {
				out = append(out, &rule{name: f.name, parts: []part{{i, whole}}, multi: multiOf(r, i)},
					&rule{name: "first word of " + f.name, parts: []part{{i, firstWord}}, multi: multiOf(r, i)})
			}
		}
	}
	if len(out) == 0 {
		for i, f := range r.fields {
			out = append(out, &rule{name: f.name, parts: []part{{i, whole}}, multi: multiOf(r, i)})
		}
	}
	return out[:min(len(out), 40)]
}

func multiOf(r *records, field int) int {
	if r.fields[field].more != nil {
		return field
	}
	return -1
}

// refinements are the parts by which a block that is too large is split, in this order.
func refinements(r *records, ru *rule) []part {
	var out []part
	used := func(field int) bool {
		return slices.ContainsFunc(ru.parts, func(p part) bool { return p.field == field || p.aspect == names && field == r.surname })
	}
	for _, k := range []kind{kindDate, kindSurname, kindGiven, kindPostcode, kindPhone, kindEmail, kindAddress, kindIdentifier, kindText, kindNumber, kindCategory} {
		for i, f := range r.fields {
			if f.kind == k && !used(i) && len(out) < deepestRefine {
				p := part{i, whole}
				if k == kindGiven {
					p.aspect = start
				}
				out = append(out, p)
			}
		}
	}
	return out
}

// makeBlocks makes the keys of every record of list and groups by them.
func makeBlocks(r *records, list []uint32, workers int) *blocks {
	b := &blocks{rules: rulesFor(r), n: r.n}
	b.keys = grab[uint32](r.space, r.n*len(b.rules))
	for _, ru := range b.rules {
		for _, p := range ru.parts {
			ru.uses |= 1 << p.field
			if p.aspect == names {
				ru.uses |= 1 << r.surname
			}
		}
	}
	parallel(workers, len(b.rules), func(_, i int) { b.group(r, list, i) })
	return b
}

// parallel calls do for 0 to n-1, each once, by as many workers.
func parallel(workers, n int, do func(worker, i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range min(workers, n) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(w, i)
			}
		}()
	}
	wait.Wait()
}

// group fills one rule: entries are a key and a record each, sorted, and cut where keys change.
func (b *blocks) group(r *records, list []uint32, at int) {
	ru := b.rules[at]
	entries := grab[uint64](r.space, len(list))[:0]
	for _, rec := range list {
		if key := r.key(ru, rec, 0); key != 0 {
			entries = add(r.space, entries, uint64(key)<<32|uint64(rec))
		}
		if ru.multi >= 0 {
			f := r.fields[ru.multi]
			for n := 1; f.more[rec] != nil && n <= len(f.more[rec]); n++ {
				if key := r.key(ru, rec, n); key != 0 {
					entries = add(r.space, entries, uint64(key)<<32|uint64(rec))
				}
			}
		}
	}
	radixSort(r.space, entries)
	defer release(r.space, entries)
	entries = onlyShared(slices.Compact(entries))
	g := &grouping{r: r, rule: ru, refine: refinements(r, ru)}
	limit := maxBlock
	budget := max(int64(budgetLeast), int64(budgetRecord*len(list)))
	for g.cut(entries, limit, 0); pairsOf(entries) > budget && limit > 8; {
		limit /= 2
		g.cut(entries, limit, 0)
	}
	ru.split = g.split
	width := len(b.rules)
	for i := 0; i < len(entries); {
		j := sameKey(entries, i)
		if n := int64(j - i); n > 1 {
			ru.pairs += n * (n - 1) / 2
			for _, e := range entries[i:j] {
				ru.order = add(r.space, ru.order, uint32(e))
				b.keys[int(uint32(e))*width+at] = uint32(e >> 32)
			}
			ru.ends = add(r.space, ru.ends, uint32(len(ru.order)))
		}
		i = j
	}
}

// onlyShared keeps the entries whose key another has too.
func onlyShared(entries []uint64) []uint64 {
	n := 0
	for i := 0; i < len(entries); {
		j := sameKey(entries, i)
		if j-i > 1 {
			n += copy(entries[n:], entries[i:j])
		}
		i = j
	}
	return entries[:n]
}

func sameKey(entries []uint64, i int) int {
	j := i + 1
	for j < len(entries) && entries[j]>>32 == entries[i]>>32 {
		j++
	}
	return j
}

func pairsOf(entries []uint64) (pairs int64) {
	for i := 0; i < len(entries); {
		j := sameKey(entries, i)
		pairs += int64(j-i) * int64(j-i-1) / 2
		i = j
	}
	return pairs
}

type grouping struct {
	r      *records
	rule   *rule
	refine []part
	split  int
	// onSplit, where it is set, is told each key that is split. Entries that leave their block, or find no room in one that
	// cannot be split, then lose their key.
	onSplit func(key uint32)
}

// cut splits every block over the limit by the fields that are left; what they cannot split is cut into
// pieces of the limit, so that no block costs its square. Records without the field leave the block: other
// rules may find them.
func (g *grouping) cut(entries []uint64, limit, depth int) {
	for i := 0; i < len(entries); {
		j := sameKey(entries, i)
		if j-i > limit && entries[i]>>32 != 0 {
			if depth == 0 {
				g.split++
			}
			g.splitBlock(entries[i:j], limit, depth)
		}
		i = j
	}
}

func (g *grouping) splitBlock(block []uint64, limit, depth int) {
	switch {
	case g.onSplit == nil:
	case depth >= len(g.refine):
		for i := limit; i < len(block); i++ {
			block[i] &= 0xffffffff
		}
		return
	default:
		g.onSplit(uint32(block[0] >> 32))
	}
	if depth >= len(g.refine) {
		for i := range block {
			block[i] = uint64(mix(uint32(block[i]>>32), uint32(i/limit+1)))<<32 | block[i]&0xffffffff
		}
		return
	}
	for i, e := range block {
		v := g.r.value(g.refine[depth], uint32(e), 0)
		if v == 0 && g.onSplit != nil {
			block[i] &= 0xffffffff
			continue
		}
		if v == 0 {
			v = uint32(e) | 1<<31 // alone
		}
		block[i] = uint64(mix(uint32(e>>32)+uint32(depth), v))<<32 | e&0xffffffff
	}
	radixSort(g.r.space, block)
	g.cut(block, limit, depth+1)
}

// radixSort sorts by the upper halves; entries of equal ones stay in their order.
func radixSort(s *space, a []uint64) {
	if len(a) < 256 {
		slices.SortStableFunc(a, func(x, y uint64) int { return cmp.Compare(x>>32, y>>32) })
		return
	}
	buffer := grab[uint64](s, len(a))
	defer release(s, buffer)
	from, to := a, buffer
	for shift := 32; shift < 64; shift += 11 {
		var count [2048]int
		for _, x := range from {
			count[x>>shift&2047]++
		}
		if count[from[0]>>shift&2047] == len(from) {
			continue
		}
		sum := 0
		for i, n := range count {
			count[i] = sum
			sum += n
		}
		for _, x := range from {
			k := x >> shift & 2047
			to[count[k]] = x
			count[k]++
		}
		from, to = to, from
	}
	if &from[0] != &a[0] {
		copy(a, from)
	}
}

// each calls do for every pair of records that share a key, by as many workers: once for each pair, but for
// pairs that share several values of one field. In which order, and by which worker, is not said.
func (b *blocks) each(workers int, apart func(x, y uint32) bool, do func(worker int, x, y uint32)) {
	type task struct{ rule, from, to int }
	var tasks []task
	const blocksTask, recordsTask = 512, 4096
	for i, ru := range b.rules {
		for from := 0; from < len(ru.ends); {
			to, begin := from, uint32(0)
			if from > 0 {
				begin = ru.ends[from-1]
			}
			for to < len(ru.ends) && to-from < blocksTask && ru.ends[to]-begin < recordsTask {
				to++
			}
			to = max(to, from+1)
			tasks = append(tasks, task{i, from, to})
			from = to
		}
	}
	width := len(b.rules)
	parallel(workers, len(tasks), func(worker, i int) {
		t := tasks[i]
		ru := b.rules[t.rule]
		for block := t.from; block < t.to; block++ {
			begin := uint32(0)
			if block > 0 {
				begin = ru.ends[block-1]
			}
			list := ru.order[begin:ru.ends[block]]
			for m, x := range list {
				kx := b.keys[int(x)*width : int(x)*width+t.rule]
			pairs:
				for _, y := range list[m+1:] {
					if x == y {
						continue
					}
					ky := b.keys[int(y)*width : int(y)*width+t.rule]
					for k, key := range kx {
						if key != 0 && key == ky[k] {
							continue pairs
						}
					}
					if apart == nil || !apart(x, y) {
						do(worker, min(x, y), max(x, y))
					}
				}
			}
		}
	})
}

// shared is which rules two records share a key of, as bits.
func (b *blocks) shared(x, y uint32) (mask uint64) {
	width := len(b.rules)
	for i := range width {
		if k := b.keys[int(x)*width+i]; k != 0 && k == b.keys[int(y)*width+i] {
			mask |= 1 << i
		}
	}
	return mask
}

// free are the fields, as bits, that some key which two records share does not use.
func (b *blocks) free(x, y uint32) (fields uint32) {
	for mask := b.shared(x, y); mask != 0; mask &= mask - 1 {
		fields |= ^b.rules[bits.TrailingZeros64(mask)].uses
	}
	return fields
}
