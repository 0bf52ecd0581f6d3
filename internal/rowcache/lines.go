package rowcache

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"clientele"
)

// Lines are timelines (rows of RowTimeline) as their one writer sees them: the rows of the store, with those that the batch at
// hand writes. A line is what an anchor did under one name. Lines that were looked at stay in memory, for to find the place in
// the store costs more than to read what is there, and who did something is looked at with each frame of the visit.
//
// They belong to one writer: they are not safe for concurrent use.
type Lines struct {
	rows    clientele.Rows
	pending map[string]map[string][]byte // of the batch: line -> keys -> rows, nil for deleted ones

	// Lines in memory, in two generations: when the young ones take half of the room, they are the old ones, and what was
	// old and not looked at since is forgotten.
	young, old map[string]*page
	size       int // of young, in bytes
}

// page is a part of a line as the store has it: all from a time on, and more of what was committed since it is held.
type page struct {
	from clientele.Micros
	rows []byte // lengths of key and row, key and row, one behind the other: nothing in it is a pointer
}

const (
	keptLines = 16 << 20 // bytes of lines in memory
	keptLine  = 32 << 10 // bytes of one: a longer one is read from the store each time
	pageCosts = 150      // bytes of a page without rows: its name, and its places in memory and in the map
)

// NewLines are the lines of the store.
func NewLines(rows clientele.Rows) *Lines {
	return &Lines{rows: rows, pending: map[string]map[string][]byte{}, young: map[string]*page{}, old: map[string]*page{}}
}

// LineKey begins the keys of what the anchor did under the name.
func LineKey(a clientele.Anchor, name string) clientele.Key {
	return clientele.NewKey(clientele.RowTimeline).Anchor(a).Text(name)
}

// LineRange is where the line's rows from one time to another are, both included.
func LineRange(a clientele.Anchor, name string, from, to clientele.Micros) clientele.Range {
	line := LineKey(a, name)
	rg := clientele.Range{Start: slices.Clone(line).Time(from), End: clientele.Prefix(line).End}
	if to < math.MaxInt64 {
		rg.End = line.Time(to + 1)
	}
	return rg
}

// Put says what the batch writes; nil deletes the row. True when the line has it otherwise.
func (l *Lines) Put(a clientele.Anchor, name string, key clientele.Key, row []byte) bool {
	line := string(LineKey(a, name))
	rows := l.pending[line]
	if rows == nil {
		rows = map[string][]byte{}
		l.pending[line] = rows
	}
	have, known := rows[string(key)]
	rows[string(key)] = row
	return !known || !bytes.Equal(have, row)
}

// Get is what the batch writes under the key, and whether it does.
func (l *Lines) Get(a clientele.Anchor, name string, key clientele.Key) ([]byte, bool) {
	row, is := l.pending[string(LineKey(a, name))][string(key)]
	return row, is
}

// Scan calls fn for the rows of the line from one time to another, both included, in no order. No more than most rows were ever
// put on it, those of the batch included; AnyMany when that is not known. Where the batch has them all, the store is not asked.
func (l *Lines) Scan(a clientele.Anchor, name string, from, to clientele.Micros, most int64, fn func(clientele.Key, []byte) error) error {
	line, rg := LineKey(a, name), LineRange(a, name, from, to)
	in := func(k clientele.Key) bool { return bytes.Compare(k, rg.Start) >= 0 && bytes.Compare(k, rg.End) < 0 }
	pending := l.pending[string(line)]
	stored := func(k clientele.Key, row []byte) error {
		if _, again := pending[string(k)]; again || !in(k) {
			return nil
		}
		return fn(k, row)
	}
	var err error
	switch p := l.page(string(line)); {
	case p != nil && p.from <= from:
		err = p.each(stored)
	case most <= written(pending):
		l.hold(string(line), &page{from: math.MinInt64})
	default:
		err = l.read(line, from, rg.End, stored)
	}
	if err != nil {
		return err
	}
	for k, row := range pending {
		if row != nil && in(clientele.Key(k)) {
			if err := fn(clientele.Key(k), row); err != nil {
				return err
			}
		}
	}
	return nil
}

// AnyMany is for lines of which nobody has counted the rows.
const AnyMany = math.MaxInt64

// written is how many rows the batch has put on a line.
func written(pending map[string][]byte) (n int64) {
	for _, row := range pending {
		if row != nil {
			n++
		}
	}
	return n
}

// read reads the line from a time on, and holds it when it is short. Of a long one it reads no further than to end.
func (l *Lines) read(line clientele.Key, from clientele.Micros, end clientele.Key, fn func(clientele.Key, []byte) error) error {
	p := &page{from: from}
	err := l.rows.Scan(clientele.Range{Start: slices.Clone(line).Time(from), End: clientele.Prefix(line).End}, func(k clientele.Key, row []byte) (bool, error) {
		if p != nil {
			if p.add(k, row); len(p.rows) > keptLine {
				p = nil
			}
		}
		if bytes.Compare(k, end) >= 0 {
			return p != nil, nil
		}
		err := fn(k, row)
		return err == nil, err
	})
	if err == nil && p != nil {
		l.hold(string(line), p)
	}
	return err
}

// page is the line as it is in memory; nil when it is not.
func (l *Lines) page(line string) *page {
	p := l.young[line]
	if p == nil {
		if p = l.old[line]; p != nil {
			delete(l.old, line)
			l.hold(line, p)
		}
	}
	return p
}

func (l *Lines) hold(line string, p *page) {
	if before := l.young[line]; before != nil {
		l.size -= before.size()
	}
	if l.size += p.size(); l.size > keptLines/2 {
		l.young, l.old, l.size = map[string]*page{}, l.young, p.size()
	}
	l.young[line] = p
}

// Committed takes over what the batch has written.
func (l *Lines) Committed() {
	for line, rows := range l.pending {
		p := l.page(line)
		if p == nil {
			continue
		}
		before := p.size()
		for k, row := range rows {
			if p.remove(clientele.Key(k)); row != nil {
				p.add(clientele.Key(k), row)
			}
		}
		if l.size += p.size() - before; len(p.rows) > keptLine {
			delete(l.young, line)
			l.size -= p.size()
		}
	}
	l.pending = map[string]map[string][]byte{}
}

// Forget drops what is in memory: rows were deleted by whole ranges.
func (l *Lines) Forget() {
	clear(l.young)
	clear(l.old)
	l.size = 0
}

func (p *page) size() int { return cap(p.rows) + pageCosts }

func (p *page) add(k clientele.Key, row []byte) {
	p.rows = binary.AppendUvarint(p.rows, uint64(len(k)))
	p.rows = binary.AppendUvarint(p.rows, uint64(len(row)))
	p.rows = append(append(p.rows, k...), row...)
}

// next is the first row of b, and what is behind it.
func next(b []byte) (k clientele.Key, row, behind []byte) {
	keyed, n := binary.Uvarint(b)
	size, m := binary.Uvarint(b[n:])
	b = b[n+m:]
	return clientele.Key(b[:keyed]), b[keyed : keyed+size], b[keyed+size:]
}

func (p *page) each(fn func(clientele.Key, []byte) error) error {
	for b := p.rows; len(b) > 0; {
		var k clientele.Key
		var row []byte
		k, row, b = next(b)
		if err := fn(k, row); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) remove(key clientele.Key) {
	for b := p.rows; len(b) > 0; {
		k, _, behind := next(b)
		if bytes.Equal(k, key) {
			from := len(p.rows) - len(b)
			p.rows = append(p.rows[:from], behind...)
			return
		}
		b = behind
	}
}
