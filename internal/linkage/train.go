package linkage

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// How much is looked at for training.
const (
	randomPairs = 400_000 // for u of all levels but the best, which is counted
	trainPairs  = 300_000 // for m and lambda
	emRounds    = 60
	emConverged = 1e-4
	emOuter     = 3
	smoothU     = 0.5
)

// pattern is the levels of all fields, a half byte each: the level + 1, 0 where one has no value.
type pattern [2]uint64

func (p *pattern) set(i int, level int8) { p[i>>4] |= uint64(level+1) << (i & 15 * 4) }

func (p *pattern) level(i int) int8 { return int8(p[i>>4]>>(i&15*4)&15) - 1 }

func (c *comparer) pattern() (p pattern) {
	for i := range c.fields {
		p.set(i, c.levels[i])
	}
	return p
}

// sample is pairs to train on: patterns, and for each pair what its values' frequencies add.
type sample struct {
	patterns []pattern
	levels   [][]int8
	free     []uint32 // by pattern: fields that its pairs may teach
	pairs    []samplePair
	scale    float64 // pairs that one of the sample stands for
}

type samplePair struct {
	a, b    uint32
	pattern uint32
	free    uint32  // fields, as bits, that some key the pair shares does not use
	count   float32 // identical pairs it stands for beside
	adjust  float32 // weight by term frequencies beyond the patterns'
	house   float32 // of it, what a household shares
}

// trainer learns a model.
type trainer struct {
	r       *records
	b       *blocks
	m       *Model
	workers int
	random  map[pattern]float64
	ordered []pattern // keys of random
	same    []float64 // by field: share of the pairs that have equal values
	pairs   float64   // all there are
}

// train learns the model from the candidates of b and from random pairs. Counts are of integers and sums run
// in the order of the pairs, so the result is the same bits whatever the workers.
func train(r *records, b *blocks, apart func(x, y uint32) bool, same [][]uint32, workers int) *Model {
	t := &trainer{r: r, b: b, workers: workers, pairs: math.Max(1, float64(r.n)*float64(r.n-1)/2)}
	t.m = &Model{records: r.n, given: r.given, surname: r.surname}
	for _, f := range r.fields {
		fm := FieldModel{Name: f.name, Columns: f.columns, Filled: float64(f.filled) / math.Max(1, float64(r.n)), kind: f.kind, filled: float64(f.filled), group: f.group, unsure: f.unsure, tfw: tfWeights(f.kind)}
		for i, name := range f.levels() {
			fm.Levels = append(fm.Levels, LevelModel{Name: name, M: priorM[f.kind][i]})
		}
		// Where there are few records, a value that two of them alone have is rarer than one in so many.
		fm.least = math.Min(1, math.Sqrt(usual[f.kind]*fm.filled))
		if f.kind == kindEmail && (r.given >= 0 || r.surname >= 0) {
			fm.alike = make([]float64, len(fm.Levels))
			for l := range fm.Levels {
				fm.Levels[l].Namesake = priorNamesake[l]
			}
		}
		fm.weight, fm.house = make([]float64, len(fm.Levels)), make([]float64, len(fm.Levels))
		t.m.Fields = append(t.m.Fields, fm)
	}
	if r.n < 2 || len(r.fields) == 0 {
		return t.m
	}
	for _, f := range r.fields {
		same := 0.0
		for _, n := range f.count {
			if n > 1 {
				same += float64(n) * float64(n-1)
			}
		}
		t.same = append(t.same, (same+1000*usual[f.kind])/(float64(f.filled)*float64(f.filled-1)+1000))
	}
	t.sampleRandom()
	t.setU(nil)
	for i := range t.m.Fields {
		for l := range t.m.Fields[i].Levels {
			t.m.Fields[i].Levels[l].M = t.m.Fields[i].expected(l)
		}
	}
	s := t.sampleCandidates(apart, same)
	t.m.Lambda = 0.5 * float64(r.n) / t.pairs
	t.m.Household = t.m.Lambda / 4
	t.initHousehold()
	for range emOuter {
		t.adjust(s)
		t.em(s)
		t.setU(t.m)
	}
	return t.m
}

// sampleRandom counts the patterns of random pairs, in pieces with a seed each, or of all pairs when there are few.
func (t *trainer) sampleRandom() {
	n := t.r.n
	const pieces = 64
	all := n*(n-1)/2 <= randomPairs
	counts := make([]map[pattern]int, pieces)
	comparers := make([]*comparer, t.workers)
	parallel(t.workers, pieces, func(worker, piece int) {
		if comparers[worker] == nil {
			comparers[worker] = newComparer(t.r)
		}
		c := comparers[worker]
		count := map[pattern]int{}
		counts[piece] = count
		if all {
			for a := piece; a < n; a += pieces {
				for b := a + 1; b < n; b++ {
					c.compare(uint32(a), uint32(b))
					count[c.pattern()]++
				}
			}
			return
		}
		rnd := rand.New(rand.NewPCG(uint64(piece), 20_261_128))
		for range randomPairs / pieces {
			a, b := rnd.Uint32N(uint32(n)), rnd.Uint32N(uint32(n))
			if a != b {
				c.compare(a, b)
				count[c.pattern()]++
			}
		}
	})
	t.random = map[pattern]float64{}
	for _, count := range counts {
		for p, n := range count {
			t.random[p] += float64(n)
		}
	}
	for p := range t.random {
		t.ordered = append(t.ordered, p)
	}
	slices.SortFunc(t.ordered, func(x, y pattern) int {
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
	})
}

// setU sets u from the random pairs, each counted by how surely it is of two people; all are before there is a model.
func (t *trainer) setU(m *Model) {
	counts := make([][]float64, len(t.r.fields))
	for i := range counts {
		counts[i] = make([]float64, len(t.m.Fields[i].Levels))
	}
	levels := make([]int8, len(t.r.fields))
	for _, p := range t.ordered {
		n := t.random[p]
		if m != nil {
			for i := range m.Fields {
				levels[i] = p.level(i)
			}
			w := m.base(levels)
			n *= 1 - Probability(w)
		}
		for i := range counts {
			if l := p.level(i); l >= 0 {
				counts[i][l] += n
			}
		}
	}
	for i := range t.m.Fields {
		f := &t.m.Fields[i]
		sum := 0.0
		for _, n := range counts[i] {
			sum += n
		}
		for l := range f.Levels {
			f.Levels[l].U = (counts[i][l] + smoothU) / (sum + smoothU*float64(len(f.Levels)))
		}
		// Equal values are counted, not drawn: they may be too rare for a draw.
		top := &f.Levels[len(f.Levels)-1]
		same := t.same[i]
		if m != nil {
			same -= m.Lambda * top.M
		}
		f.topU = math.Max(same, math.Max(t.same[i]*0.02, 1e-12))
		top.U = f.topU
	}
	t.weigh()
}

// weigh works the weights out of m and u.
func (t *trainer) weigh() {
	m := t.m
	m.Lambda = math.Min(math.Max(m.Lambda, 1e-15), 0.5)
	m.Household = math.Min(math.Max(m.Household, 1e-15), 0.5)
	m.prior = math.Log2(m.Lambda / (1 - m.Lambda))
	m.houseOdds = math.Log2(m.Household)
	m.Partners = m.Lambda * float64(m.records)
	for i := range m.Fields {
		f := &m.Fields[i]
		top := f.Levels[len(f.Levels)-1]
		best := math.Log2(top.M / top.U)
		for l := range f.Levels {
			v := &f.Levels[l]
			v.Weight = math.Log2(v.M / v.U)
			if !(f.kind == kindSurname && l == levelSwapped) {
				v.Weight = math.Min(v.Weight, best) // the little that few pairs show must not beat equality
			}
			f.weight[l] = v.Weight
			if f.alike != nil {
				f.alike[l] = math.Min(v.Weight, math.Log2(v.M/v.Namesake))
				if l == len(f.Levels)-1 {
					f.alike[l] = v.Weight // one address is one person's, whatever the name
				}
			}
			f.house[l] = 0
			if f.group {
				f.house[l] = math.Log2(v.Household / v.U)
			}
		}
	}
}

// sampleCandidates compares candidates, a share of them that depends on who they are alone.
func (t *trainer) sampleCandidates(apart func(x, y uint32) bool, same [][]uint32) *sample {
	total := int64(0)
	for _, ru := range t.b.rules {
		total += ru.pairs
	}
	share := min(1, trainPairs/float64(total))
	below := uint32(share * math.MaxUint32)
	lists := make([][]samplePair, t.workers)
	t.b.each(t.workers, apart, func(worker int, x, y uint32) {
		if share < 1 && mix(x, y) > below {
			return
		}
		lists[worker] = append(lists[worker], samplePair{a: x, b: y, count: 1})
	})
	s := &sample{scale: 1 / share}
	s.pairs = slices.Concat(lists...)
	slices.SortFunc(s.pairs, func(x, y samplePair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	s.pairs = slices.CompactFunc(s.pairs, func(x, y samplePair) bool { return x.a == y.a && x.b == y.b })
	t.weighIdentical(s, same)
	patterns := make([]pattern, len(s.pairs))
	t.eachSample(s, func(c *comparer, i int) {
		patterns[i] = c.pattern()
		if s.pairs[i].free == 0 {
			s.pairs[i].free = t.b.free(s.pairs[i].a, s.pairs[i].b)
		}
	})
	type taught struct {
		pattern
		free uint32
	}
	number := map[taught]uint32{}
	for i, p := range patterns {
		key := taught{p, s.pairs[i].free}
		at, ok := number[key]
		if !ok {
			at = uint32(len(s.patterns))
			number[key] = at
			s.patterns = append(s.patterns, p)
			s.free = append(s.free, key.free)
			levels := make([]int8, len(t.r.fields))
			for f := range levels {
				levels[f] = p.level(f)
			}
			s.levels = append(s.levels, levels)
		}
		s.pairs[i].pattern = at
	}
	return s
}

// mostAlike is for how many identical records one of them stands at most, so that a value that somebody
// copied a thousand times does not teach alone.
const mostAlike = 20

// weighIdentical lets a pair stand for the pairs of the records that are identical to its two, and adds pairs for
// those of identical records among themselves.
func (t *trainer) weighIdentical(s *sample, same [][]uint32) {
	alike := map[uint32]float32{}
	for _, group := range same {
		alike[group[0]] = float32(min(len(group), mostAlike))
	}
	for i := range s.pairs {
		for _, x := range [2]uint32{s.pairs[i].a, s.pairs[i].b} {
			if n, ok := alike[x]; ok {
				s.pairs[i].count *= n
			}
		}
	}
	for _, group := range same { // they stand for themselves, not for others that were not drawn
		n := alike[group[0]]
		s.pairs = append(s.pairs, samplePair{a: group[0], b: group[1], free: math.MaxUint32, count: n * (n - 1) / 2 / float32(s.scale)})
	}
}

func (t *trainer) eachSample(s *sample, do func(c *comparer, i int)) {
	const piece = 8192
	comparers := make([]*comparer, t.workers)
	parallel(t.workers, (len(s.pairs)+piece-1)/piece, func(worker, at int) {
		if comparers[worker] == nil {
			comparers[worker] = newComparer(t.r)
		}
		for i := at * piece; i < min(len(s.pairs), (at+1)*piece); i++ {
			comparers[worker].compare(s.pairs[i].a, s.pairs[i].b)
			do(comparers[worker], i)
		}
	})
}

// adjust works out what term frequencies add to each pair of the sample.
func (t *trainer) adjust(s *sample) {
	m := t.m
	t.eachSample(s, func(c *comparer, i int) {
		all, house := 0.0, 0.0
		for n := range m.Fields {
			l := c.levels[n]
			if l < 0 || m.Fields[n].tfw[l] == 0 {
				continue
			}
			count := c.fields[n].count
			x := m.Fields[n].tfw[l] * math.Log2(m.Fields[n].topU/m.frequency(&m.Fields[n], max(count[c.best[n][0]], count[c.best[n][1]])))
			all += x
			if m.Fields[n].group {
				house += x
			}
		}
		s.pairs[i].adjust, s.pairs[i].house = float32(all), float32(house)
	})
}

// initHousehold: before anything is known people of a household share name, address and postcode.
func (t *trainer) initHousehold() {
	for i := range t.m.Fields {
		f := &t.m.Fields[i]
		for l := range f.Levels {
			v := &f.Levels[l]
			v.Household = v.U
			if f.group {
				v.Household = f.expectedHome(l)
			}
		}
	}
	if t.r.given < 0 {
		t.m.Household = 0
	}
	t.weigh()
}

// em learns m, lambda and the household from the sample: expectation by the model at hand, then shares of what was
// expected. u stays. Pairs that were found by a key agree on the key's fields by choice, so a field learns only from
// pairs that share a key without it: the sessions of Fellegi-Sunter training, one for each key, in one pass.
func (t *trainer) em(s *sample) {
	for range emRounds {
		t.m.Rounds++
		if t.expect(s) < emConverged {
			return
		}
	}
}

// base is the weight of a pattern without term frequencies and household.
func (m *Model) base(levels []int8) float64 {
	w := m.prior
	namesakes := m.namesakes(levels)
	for i, l := range levels {
		if l < 0 {
			continue
		}
		if f := &m.Fields[i]; namesakes && f.alike != nil {
			w += f.alike[l]
		} else {
			w += f.weight[l]
		}
	}
	return w
}

// expect is one round; it returns the largest change.
func (t *trainer) expect(s *sample) float64 {
	m := t.m
	base, house := make([]float64, len(s.patterns)), make([]float64, len(s.patterns))
	for p, levels := range s.levels {
		base[p], house[p] = m.base(levels), m.houseOdds
		for i, l := range levels {
			if l >= 0 {
				house[p] += m.Fields[i].house[l]
			}
		}
	}
	// By pattern: expected pairs of one person, and of one household.
	match, home, others := make([]float64, len(s.patterns)), make([]float64, len(s.patterns)), make([]float64, len(s.patterns))
	var matches, homes float64
	for i := range s.pairs {
		p := &s.pairs[i]
		a := math.Exp2(math.Min(base[p.pattern]+float64(p.adjust), 500))
		h := math.Exp2(math.Min(house[p.pattern]+float64(p.house), 500))
		n := float64(p.count)
		sum := 1 + a + h
		match[p.pattern] += n * a / sum
		home[p.pattern] += n * h / sum
		others[p.pattern] += n / sum
		matches += n * a / sum
		homes += n * h / sum
	}
	change := 0.0
	set := func(to *float64, v float64) {
		change = math.Max(change, math.Abs(*to-v))
		*to = v
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		known, there := make([]float64, len(f.Levels)), make([]float64, len(f.Levels))
		sum, sumHome := 0.0, 0.0
		for p, levels := range s.levels {
			if l := levels[i]; l >= 0 && s.free[p]>>i&1 != 0 {
				known[l] += match[p]
				there[l] += home[p]
				sum += match[p]
				sumHome += home[p]
			}
		}
		if f.alike != nil {
			t.namesakes(s, f, i, others)
		}
		for l := range f.Levels {
			v := &f.Levels[l]
			set(&v.M, (known[l]+priorPairs*f.expected(l))/(sum+priorPairs))
			if f.group {
				set(&v.Household, (there[l]+priorPairs*f.expectedHome(l))/(sumHome+priorPairs))
			}
		}
	}
	lambda := matches * s.scale / t.pairs
	change = math.Max(change, math.Abs(lambda-m.Lambda)/math.Max(m.Lambda, 1e-15))
	m.Lambda = lambda
	if t.r.given >= 0 {
		m.Household = homes * s.scale / t.pairs
	}
	t.weigh()
	return change
}

// namesakes learns how alike the e-mail addresses of two people of one name are.
func (t *trainer) namesakes(s *sample, f *FieldModel, field int, others []float64) {
	seen, sum := make([]float64, len(f.Levels)), 0.0
	for p, levels := range s.levels {
		if l := levels[field]; l >= 0 && t.m.namesakes(levels) {
			seen[l] += others[p]
			sum += others[p]
		}
	}
	for l := range f.Levels {
		f.Levels[l].Namesake = (seen[l] + priorPairs*4*f.Levels[l].U) / (sum + priorPairs*4)
	}
}
