package linkage

import (
	"math"
	"sync"

	"github.com/zeebo/xxh3"

	"clientele"
)

// Between the values of a cell that holds several, as lists in JSON do.
const ValueSeparator = "\x1f"

// Table holds the records to link, column by column, each different value once. Rows are numbered from 0
// in the order they were added.
type Table struct {
	columns []*column
	byName  map[string]int
	sources []string
	starts  []int // first row of each source
	rows    int
	space   *space // of columns, and of what Link makes of them; nil = the heap

	open sync.WaitGroup
	work []chan rowBatch
}

// column is one column of the input: an id of each row's value, 0 for the empty one.
type column struct {
	name   string
	ids    []uint32
	values []string
	index  []uint32 // open addressing, ids; nil once the table is complete
	space  *space
	words  words
}

// MaxRows is how many records one table takes.
const MaxRows = math.MaxUint32 >> 2

func newColumn(name string, s *space) *column {
	return &column{name: name, values: add(s, nil, ""), index: grab[uint32](s, 64), space: s}
}

// add appends a row's value.
func (c *column) add(s string) { c.ids = add(c.space, c.ids, c.intern(s)) }

func (c *column) intern(s string) uint32 {
	if s == "" {
		return 0
	}
	mask := uint64(len(c.index) - 1)
	at := xxh3.HashString(s) & mask
	for ; c.index[at] != 0; at = (at + 1) & mask {
		if c.values[c.index[at]] == s {
			return c.index[at]
		}
	}
	id := uint32(len(c.values))
	c.values = add(c.space, c.values, c.words.keep(c.space, s))
	c.index[at] = id
	if len(c.values)*2 > len(c.index) {
		c.grow()
	}
	return id
}

func (c *column) grow() {
	wider := grab[uint32](c.space, 2*len(c.index))
	release(c.space, c.index)
	c.index = wider
	mask := uint64(len(c.index) - 1)
	for id := 1; id < len(c.values); id++ {
		if c.values[id] == "" {
			continue // nobody has it any more
		}
		at := xxh3.HashString(c.values[id]) & mask
		for c.index[at] != 0 {
			at = (at + 1) & mask
		}
		c.index[at] = uint32(id)
	}
}

// rowBatch is rows on their way into columns; a value's column is its place modulo the width.
type rowBatch struct {
	values []string
	width  int
	from   []int // column of the table for each place
	first  int   // row
}

const batchRows = 2048

// Writer adds rows to a table. One goroutine at a time uses it; Close waits for what is under way.
type Writer struct {
	t     *Table
	batch rowBatch
}

// NewTable makes an empty table and who fills it, with as many workers beside the caller. Its columns, and what Link makes of
// them, take about so much memory in bytes, and are in files (of os.TempDir) above it; 0 is no limit. Such a table is to be
// closed.
func NewTable(workers int, memory int64) (*Table, *Writer) {
	t := &Table{byName: map[string]int{}, space: newSpace(memory)}
	for range max(1, workers) {
		t.work = append(t.work, make(chan rowBatch, 4))
	}
	for i, in := range t.work {
		t.open.Add(1)
		go func() {
			defer t.open.Done()
			t.fill(in, i)
		}()
	}
	return t, &Writer{t: t}
}

// fill interns the values of every column that is this worker's.
func (t *Table) fill(in <-chan rowBatch, worker int) {
	for b := range in {
		for place, at := range b.from {
			if at%len(t.work) != worker {
				continue
			}
			c := t.columns[at]
			for len(c.ids) < b.first { // rows of sources without the column
				c.ids = add(c.space, c.ids, 0)
			}
			for i := place; i < len(b.values); i += b.width {
				c.add(b.values[i])
			}
		}
	}
}

// Source begins a file: the rows that follow are its.
func (w *Writer) Source(name string) {
	w.flush()
	w.t.sources = append(w.t.sources, name)
	w.t.starts = append(w.t.starts, w.t.rows)
}

// Columns names the places of the rows that follow. Equal names are one column, in every source.
func (w *Writer) Columns(names []string) {
	w.flush()
	// The workers look columns up: none may be under way while one is added.
	w.drain()
	w.batch.from = nil
	for _, n := range names {
		at, ok := w.t.byName[n]
		if !ok {
			at = len(w.t.columns)
			w.t.byName[n] = at
			w.t.columns = append(w.t.columns, newColumn(n, w.t.space))
		}
		w.batch.from = append(w.batch.from, at)
	}
	w.batch.width = len(names)
}

// Add appends a row. The strings are kept, the slice is not. What is over the columns is left out.
func (w *Writer) Add(values []string) error {
	if w.t.rows+1 > MaxRows {
		return clientele.Errorf(clientele.TooLarge, "there are over %d rows", MaxRows)
	}
	if len(w.batch.values) == 0 {
		w.batch.first = w.t.rows
	}
	n := min(len(values), w.batch.width)
	w.batch.values = append(w.batch.values, values[:n]...)
	for ; n < w.batch.width; n++ {
		w.batch.values = append(w.batch.values, "")
	}
	w.t.rows++
	if len(w.batch.values) >= batchRows*max(1, w.batch.width) {
		w.flush()
	}
	return nil
}

func (w *Writer) flush() {
	if len(w.batch.values) == 0 {
		return
	}
	for _, out := range w.t.work {
		out <- w.batch
	}
	w.batch.values = make([]string, 0, len(w.batch.values))
}

// drain waits until every batch is in, and starts the workers again.
func (w *Writer) drain() {
	for _, out := range w.t.work {
		close(out)
	}
	w.t.open.Wait()
	for i := range w.t.work {
		in := make(chan rowBatch, 4)
		w.t.work[i] = in
		w.t.open.Add(1)
		go func() {
			defer w.t.open.Done()
			w.t.fill(in, i)
		}()
	}
}

// Close waits until every row is in. The table is complete and no longer changes.
func (w *Writer) Close() {
	w.flush()
	for _, out := range w.t.work {
		close(out)
	}
	w.t.open.Wait()
	for _, c := range w.t.columns {
		for len(c.ids) < w.t.rows {
			c.ids = add(c.space, c.ids, 0)
		}
		release(c.space, c.index)
		c.index = nil
	}
}

// Close lets go of the table's memory and files. Neither it nor what was linked of it, nor a text of theirs, is used any more.
func (t *Table) Close() { t.space.close() }

// Files is how many bytes went to files, because memory was short.
func (t *Table) Files() int64 { return t.space.files() }

// Rows is how many records there are.
func (t *Table) Rows() int { return t.rows }

// Columns are the names of the columns, in the order in which they came.
func (t *Table) Columns() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// Sources are the names of the files, in order.
func (t *Table) Sources() []string { return t.sources }

// Source is the number of the file that a row is of, and the row's number in it, from 1.
func (t *Table) Source(row int) (source, number int) {
	for source+1 < len(t.starts) && t.starts[source+1] <= row {
		source++
	}
	if len(t.starts) == 0 {
		return 0, row + 1
	}
	return source, row - t.starts[source] + 1
}

// Value is what a row holds in the column of that number.
func (t *Table) Value(row, column int) string {
	c := t.columns[column]
	return c.values[c.ids[row]]
}

// Ids are a column's values as numbers, equal for equal values, 0 for none. The caller does not change them.
// It is how a column that the matcher must not see is read by who scores it.
func (t *Table) Ids(column string) ([]uint32, bool) {
	at, ok := t.byName[column]
	if !ok {
		return nil, false
	}
	return t.columns[at].ids, true
}
