package linkage

import "math"

// levelNames are the levels of agreement of each kind, the worst first. The last is that of equal values.
var levelNames = [...][]string{
	kindGiven:      {"different", "somewhat alike", "initial or part", "sounds alike", "typing error", "nickname", "same"},
	kindSurname:    {"different", "somewhat alike", "part or other name", "sounds alike", "typing error", "swapped with given name", "same"},
	kindDate:       {"different", "up to two years and one part apart", "same year", "two of three parts", "day and month swapped", "typing error", "same"},
	kindEmail:      {"different", "alike before the @", "typing error", "same before the @", "same"},
	kindPhone:      {"different", "one digit", "same last seven digits", "same"},
	kindPostcode:   {"different", "same area", "same district", "typing error", "same"},
	kindAddress:    {"different", "same number or alike street", "same street", "same number, alike street", "same"},
	kindIdentifier: {"different, both known from others", "different", "typing error", "same"},
	kindCategory:   {"different", "same"},
	kindNumber:     {"different", "within five percent", "same"},
	kindText:       {"different", "shares a word or alike", "typing error", "same"},
}

// Levels of names that take part in more than one field.
const (
	levelPart    = 2
	levelSwapped = 5
)

const unknown = int8(-1) // one of both has no value

func (f *field) levels() []string { return levelNames[f.kind] }

func (f *field) top() int8 { return int8(len(levelNames[f.kind]) - 1) }

// comparer compares records; each worker has its own. It remembers what it found for pairs of values.
type comparer struct {
	*records
	memo   []memo
	levels [maxFields]int8
	// best are the values that gave the level, for term frequencies; the same in both when equal.
	best [maxFields][2]uint32
}

type memo struct {
	key   uint64 // both values; 0 is no entry
	field int8
	level int8
}

const memoSize = 1 << 15

func newComparer(r *records) *comparer { return &comparer{records: r, memo: make([]memo, memoSize)} }

// compare fills levels and best for two records.
func (c *comparer) compare(a, b uint32) {
	width := len(c.fields)
	as, bs := c.rows[int(a)*width:int(a+1)*width], c.rows[int(b)*width:int(b+1)*width]
	for i, f := range c.fields {
		x, y := as[i], bs[i]
		switch {
		case x == 0 || y == 0:
			c.levels[i] = unknown
		case f.more != nil && (f.more[a] != nil || f.more[b] != nil):
			c.several(i, f, a, b)
		default:
			c.levels[i], c.best[i] = c.level(i, f, x, y), [2]uint32{x, y}
		}
	}
	switch {
	case c.surname < 0:
	case c.levels[c.surname] < 0:
		c.loneName(a, b)
	case c.levels[c.surname] <= levelPart:
		c.otherNames(a, b)
	}
}

// several is the best level that two values of one field have.
func (c *comparer) several(i int, f *field, a, b uint32) {
	level := unknown
	for m := range f.values(a) {
		x := f.nth(a, m)
		for n := range f.values(b) {
			y := f.nth(b, n)
			if l := c.level(i, f, x, y); l > level {
				level, c.best[i] = l, [2]uint32{x, y}
			}
		}
	}
	c.levels[i] = level
}

func (c *comparer) level(i int, f *field, x, y uint32) int8 {
	if x == y {
		return f.top()
	}
	switch f.kind {
	case kindCategory:
		return 0
	case kindDate:
		return dateLevel(f.dict.days[x], f.dict.days[y])
	case kindNumber:
		return numberLevel(f.dict.value[x], f.dict.value[y])
	}
	if x > y {
		x, y = y, x
	}
	key := uint64(x)<<32 | uint64(y)
	at := &c.memo[(key*0x9e3779b97f4a7c15+uint64(i)*0xbf58476d1ce4e5b9)>>(64-15)]
	if at.key != key || at.field != int8(i) {
		*at = memo{key, int8(i), f.textLevel(x, y)}
	}
	return at.level
}

func (f *field) textLevel(x, y uint32) int8 {
	d := f.dict
	a, b := d.column.values[x], d.column.values[y]
	switch f.kind {
	case kindGiven, kindSurname:
		return nameLevel(d, x, y, a, b, f.kind == kindGiven)
	case kindEmail:
		return emailLevel(d, x, y, a, b)
	case kindPhone:
		return phoneLevel(a, b)
	case kindPostcode:
		switch {
		case oneEdit(a, b):
			return 3
		case d.part[x] == d.part[y]:
			return 2
		case d.rest[x] == d.rest[y]:
			return 1
		}
	case kindAddress:
		return addressLevel(d, x, y, a, b)
	case kindIdentifier:
		switch {
		case len(a) >= 4 && len(b) >= 4 && oneEdit(a, b):
			return 2
		case f.count[x] < 2 || f.count[y] < 2: // who types it wrong does so once
			return 1
		}
	case kindText:
		return wordsLevel(a, b)
	}
	return 0
}

func nameLevel(d *dictionary, x, y uint32, a, b string, given bool) int8 {
	if given && sharesGroup(d.nick[x], d.nick[y]) && !(min(len(a), len(b)) >= 5 && oneEdit(a, b)) {
		return 5
	}
	short := min(len(a), len(b))
	s := jaroWinkler(a, b)
	switch {
	case short == 1 || isPart(a, b):
		if isPart(a, b) {
			return levelPart
		}
		return 0
	case given && d.nick[x][0] != 0 && d.nick[y][0] != 0 && !sharesGroup(d.nick[x], d.nick[y]) && (d.sound[x] != d.sound[y] || s < 0.88): // known names, and not for one another
		if oneEdit(a, b) {
			return 1
		}
		return 0
	case short >= 4 && oneEdit(a, b) || s >= 0.92 && (short < 4 || edits(a, b) <= 2):
		return 4
	case s >= 0.88 || d.sound[x] == d.sound[y] && short > 2:
		return 3
	case s >= 0.7:
		return 1
	}
	return 0
}

// isPart says whether one name is an initial of the other, or one or more of its words.
func isPart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 1 {
		return a[0] == b[0]
	}
	for from := 0; ; {
		if len(b)-from >= len(a) && b[from:from+len(a)] == a && (from+len(a) == len(b) || b[from+len(a)] == ' ') {
			return true
		}
		for from < len(b) && b[from] != ' ' {
			from++
		}
		if from++; from >= len(b) {
			return false
		}
	}
}

// otherNames looks past surnames that differ: given name and surname swapped, or the surname among the
// other's further names.
func (c *comparer) otherNames(a, b uint32) {
	f := c.fields[c.surname]
	x, y := f.ids[a], f.ids[b]
	if c.given >= 0 && c.levels[c.given] >= 0 {
		g := c.fields[c.given]
		p, q := g.ids[a], g.ids[b]
		if p == y && (x == q || c.level(c.surname, f, x, q) >= 3) || q == x && c.level(c.surname, f, y, p) >= 3 {
			c.levels[c.surname], c.levels[c.given] = levelSwapped, unknown
			return
		}
	}
	if c.aliases == nil || c.levels[c.surname] == levelPart {
		return
	}
	for _, w := range c.aliases[a] {
		if w == y {
			c.levels[c.surname] = levelPart
		}
	}
	for _, w := range c.aliases[b] {
		if w == x {
			c.levels[c.surname] = levelPart
		}
	}
}

// loneName: where one record has one name alone, in whichever column, it may be either of the other's.
func (c *comparer) loneName(a, b uint32) {
	if c.given < 0 || c.levels[c.given] < 0 || c.levels[c.given] > 1 {
		return
	}
	g, s := c.fields[c.given], c.fields[c.surname]
	x, y := g.ids[a], s.ids[b]
	if s.ids[a] != 0 {
		x, y = g.ids[b], s.ids[a]
	}
	if y == 0 {
		return
	}
	if l := c.level(c.surname, s, x, y); l > 2 {
		c.levels[c.given], c.levels[c.surname], c.best[c.surname] = unknown, l, [2]uint32{y, y}
	}
}

func dateLevel(a, b day) int8 {
	if a&0xffff == 0 || b&0xffff == 0 || a.month() == 0 || b.month() == 0 { // a year alone
		switch gap := a.year().decimal() - b.year().decimal(); {
		case gap == 0:
			return 2
		case gap >= -2 && gap <= 2:
			return 1
		}
		return 0
	}
	digits := 0
	x := a ^ b
	for shift := 0; shift < 32; shift += 4 {
		if x>>shift&15 != 0 {
			digits++
		}
	}
	if digits == 1 || digits == 2 && neighboursSwapped(a, b) {
		return 5
	}
	y, m, d := a.year() == b.year(), a.month() == b.month(), a.date() == b.date()
	switch {
	case y && a.month() == b.date() && a.date() == b.month():
		return 4
	case y && (m || d), m && d:
		return 3
	case y:
		return 2
	}
	gap := a.year().decimal() - b.year().decimal()
	if gap >= -2 && gap <= 2 && (m || d || a.month() == b.date() && a.date() == b.month()) {
		return 1
	}
	return 0
}

// neighboursSwapped says whether two dates differ by two digits beside each other that changed places.
func neighboursSwapped(a, b day) bool {
	for shift := 0; shift < 28; shift += 4 {
		if a>>shift&15 == b>>(shift+4)&15 && b>>shift&15 == a>>(shift+4)&15 && a>>shift&15 != b>>shift&15 {
			return true
		}
	}
	return false
}

func emailLevel(d *dictionary, x, y uint32, a, b string) int8 {
	if d.part[x] == d.part[y] {
		return 3
	}
	if oneEdit(a, b) {
		return 2
	}
	p, q := a[:d.split[x]], b[:d.split[y]]
	if a[d.split[x]:] == b[d.split[y]:] && min(len(p), len(q)) > 4 && edits(p, q) <= 2 {
		return 2
	}
	if jaroWinkler(p, q) >= 0.88 {
		return 1
	}
	return 0
}

func phoneLevel(a, b string) int8 {
	if len(a) >= 7 && len(b) >= 7 && a[len(a)-7:] == b[len(b)-7:] {
		return 2
	}
	if oneEdit(a, b) {
		return 1
	}
	return 0
}

func addressLevel(d *dictionary, x, y uint32, a, b string) int8 {
	sameNumber := d.part[x] == d.part[y] && d.part[x] != 0
	p, q := a[d.split[x]+1:], b[d.split[y]+1:]
	if d.rest[x] == d.rest[y] && p != "" {
		if d.part[x] == 0 || d.part[y] == 0 {
			return 3
		}
		return 2
	}
	alike := p != "" && q != "" && (jaroWinkler(p, q) >= 0.9 || sharesWords(p, q))
	switch {
	case alike && sameNumber:
		return 3
	case alike || sameNumber:
		return 1
	}
	return 0
}

func numberLevel(a, b float64) int8 {
	switch {
	case a == b:
		return 2
	case math.Abs(a-b) <= 0.05*math.Max(math.Abs(a), math.Abs(b)):
		return 1
	}
	return 0
}

func wordsLevel(a, b string) int8 {
	s := jaroWinkler(a, b)
	switch {
	case s >= 0.92 || min(len(a), len(b)) >= 4 && oneEdit(a, b):
		return 2
	case s >= 0.8 || sharesWords(a, b):
		return 1
	}
	return 0
}

// sharesWords says whether half of the words of the shorter text, of more than two letters, are in the longer.
func sharesWords(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	words, both := 0, 0
	for from := 0; from < len(a); {
		to := from
		for to < len(a) && a[to] != ' ' {
			to++
		}
		if to-from > 2 {
			words++
			if isPart(a[from:to], b) {
				both++
			}
		}
		from = to + 1
	}
	return both > 0 && 2*both >= words
}
