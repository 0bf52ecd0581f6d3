package feature

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"clientele"
)

// chunkFacts is how many facts, about, one worker takes at a time.
const chunkFacts = 1 << 13

// chunk is some people, copied, and what is made of them.
type chunk struct {
	number  int
	first   int32 // number of the first person
	facts   []Fact
	moments []clientele.Micros
	people  []person

	columns [][]float64
	who     []int32
	labels  []Label
}

// person is where somebody's facts and moments end.
type person struct{ facts, moments int }

// Build makes a row for each moment of each person, in the order in which they come. It reads people in the
// goroutine that calls it and is back once all workers are.
func Build(people iter.Seq[Person], how Settings) (*Table, error) {
	w := &settings{Settings: how, typical: how.TypicalGap}
	var err error
	if w.zone, err = time.LoadLocation(how.Zone); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "there is no time zone %q", how.Zone).WithHint("as Europe/Berlin or UTC")
	}
	if !(w.typical > 0) {
		w.typical = 30
	}
	catalog := w.catalog()
	t := &Table{Values: make([][]float64, len(catalog))}
	for i, c := range catalog {
		t.Columns = append(t.Columns, c.Column)
		t.Values[i] = make([]float64, 0, how.Rows)
	}
	workers := max(how.Workers, 1)
	full, done, free := make(chan *chunk, workers), make(chan *chunk, workers), make(chan *chunk, 4*workers)
	for range cap(free) {
		free <- &chunk{columns: make([][]float64, len(catalog))}
	}
	var working, collecting sync.WaitGroup
	for range workers {
		working.Go(func() {
			s := newSnapshot(w)
			for c := range full {
				c.work(s, catalog)
				done <- c
			}
		})
	}
	collecting.Go(func() { t.collect(done, free) })
	fill(people, full, free)
	close(full)
	working.Wait()
	close(done)
	collecting.Wait()
	return t, nil
}

// fill copies people into chunks.
func fill(people iter.Seq[Person], full chan<- *chunk, free <-chan *chunk) {
	number, seen := 0, int32(0)
	next := func() *chunk {
		c := <-free
		c.number, c.first = number, seen
		c.facts, c.moments, c.people = c.facts[:0], c.moments[:0], c.people[:0]
		number++
		return c
	}
	c := next()
	for p := range people {
		c.facts = append(c.facts, p.Facts...)
		c.moments = append(c.moments, p.Moments...)
		c.people = append(c.people, person{len(c.facts), len(c.moments)})
		seen++
		if len(c.facts)+len(c.moments) >= chunkFacts {
			full <- c
			c = next()
		}
	}
	full <- c
}

// collect appends the rows of chunks in the order of their numbers.
func (t *Table) collect(done <-chan *chunk, free chan<- *chunk) {
	waiting := map[int]*chunk{}
	next := 0
	for c := range done {
		waiting[c.number] = c
		for ; waiting[next] != nil; next++ {
			c := waiting[next]
			delete(waiting, next)
			for i, values := range c.columns {
				t.Values[i] = append(t.Values[i], values...)
			}
			t.Person = append(t.Person, c.who...)
			t.Moment = append(t.Moment, c.moments...)
			t.Labels = append(t.Labels, c.labels...)
			free <- c
		}
	}
}

// work makes the rows of a chunk.
func (c *chunk) work(s *snapshot, catalog []column) {
	rows := len(c.moments)
	for i := range c.columns {
		c.columns[i] = slices.Grow(c.columns[i][:0], rows)[:rows]
	}
	c.who, c.labels = c.who[:0], c.labels[:0]
	from := person{}
	row := 0
	for k, to := range c.people {
		facts := c.facts[from.facts:to.facts]
		if byTime := func(a, b Fact) int { return cmp.Compare(a.At, b.At) }; !slices.IsSortedFunc(facts, byTime) {
			slices.SortStableFunc(facts, byTime)
		}
		for _, moment := range c.moments[from.moments:to.moments] {
			s.take(facts, moment)
			for i := range catalog {
				v := catalog[i].of(s)
				if math.IsInf(v, 0) {
					v = nan
				}
				c.columns[i][row] = v
			}
			c.who = append(c.who, c.first+int32(k))
			c.labels = append(c.labels, s.label(facts))
			row++
		}
		from = to
	}
}

// label looks behind the moment. What is known of a late record in the end counts: it did happen.
func (s *snapshot) label(facts []Fact) Label {
	t := s.w.Target
	if t == nil || s.moment+t.Within > t.End {
		return Open
	}
	from, _ := slices.BinarySearchFunc(facts, s.moment, func(f Fact, m clientele.Micros) int { return cmp.Compare(f.At, m) })
	for i := from; i < len(facts) && facts[i].At < s.moment+t.Within; i++ {
		if f := &facts[i]; t.Is == nil && f.Kind == Order || t.Is != nil && t.Is(f) {
			if t.Absent {
				return No
			}
			return Yes
		}
	}
	if t.Excused > 0 && len(s.orders) > 0 {
		out := s.w.Stock.Out(s.last().product, s.moment, s.moment+t.Within)
		if float64(out) >= t.Excused*float64(t.Within) {
			return Excused
		}
	}
	if t.Absent {
		return Yes
	}
	return No
}
