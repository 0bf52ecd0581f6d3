package feature

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"clientele"
)

// Prices are what a piece of each product was sold for, to tell what its price was at a moment: the median of
// the 90 days before, by weeks. The zero value is ready; Close comes before At.
type Prices struct {
	sold  []sold
	from  []int // by product, into weeks
	weeks []week
}

type sold struct {
	product uint32
	week    int32
	price   float32
}

// week is the median price that was known at the week's start.
type week struct {
	week  int32
	price float32
}

// recentWeeks is how long a price counts.
const recentWeeks = 13

// longWeek is seven days.
const longWeek = 7 * Day

func weekOf(at clientele.Micros) int32 {
	w := at / longWeek
	if at%longWeek < 0 {
		w--
	}
	return int32(w)
}

// Add adds the price of a line of an order; others are left out.
func (p *Prices) Add(f *Fact) {
	if price := f.price(); f.Kind == Order && f.Product != 0 && price > 0 {
		p.sold = append(p.sold, sold{f.Product, weekOf(f.known()), float32(price)})
	}
}

// Close works the medians out.
func (p *Prices) Close() {
	slices.SortFunc(p.sold, func(a, b sold) int {
		return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.week, b.week), cmp.Compare(a.price, b.price))
	})
	last := uint32(0)
	if n := len(p.sold); n > 0 {
		last = p.sold[n-1].product
	}
	p.from = make([]int, int(last)+2)
	var window []float32
	for from := 0; from < len(p.sold); {
		to := from
		for to < len(p.sold) && p.sold[to].product == p.sold[from].product {
			to++
		}
		old := from
		for i := from; i < to; {
			this := p.sold[i].week
			for i < to && p.sold[i].week == this {
				i++
			}
			for p.sold[old].week <= this-recentWeeks {
				old++
			}
			window = window[:0]
			for _, s := range p.sold[old:i] {
				window = append(window, s.price)
			}
			slices.Sort(window)
			p.weeks = append(p.weeks, week{this + 1, window[len(window)/2]})
		}
		p.from[p.sold[from].product+1] = len(p.weeks)
		from = to
	}
	for i := 1; i < len(p.from); i++ { // products without sales
		p.from[i] = max(p.from[i], p.from[i-1])
	}
	p.sold = nil
}

// At is the price of a product that was known before a moment; NaN where none was.
func (p *Prices) At(product uint32, moment clientele.Micros) float64 {
	if p == nil || int(product)+1 >= len(p.from) {
		return math.NaN()
	}
	of := p.weeks[p.from[product]:p.from[product+1]]
	now := weekOf(moment)
	k := sort.Search(len(of), func(i int) bool { return of[i].week > now })
	if k == 0 {
		return math.NaN()
	}
	return float64(of[k-1].price)
}

// Stock is when each product was to be had. The zero value is ready; Close comes before the questions.
type Stock struct {
	changes []change
	from    []int // by product
}

type change struct {
	product   uint32
	at        clientele.Micros
	available bool
}

// Add says that from an instant on, known at another one (zero: at once), a product was to be had or not.
func (s *Stock) Add(product uint32, at, known clientele.Micros, available bool) {
	if product != 0 {
		if known != 0 {
			at = max(at, known)
		}
		s.changes = append(s.changes, change{product, at, available})
	}
}

// Close puts the changes in order. Of several at one instant, a product that is to be had wins: it lies somewhere.
func (s *Stock) Close() {
	slices.SortFunc(s.changes, func(a, b change) int {
		if c := cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.at, b.at)); c != 0 || a.available == b.available {
			return c
		}
		if b.available {
			return -1
		}
		return 1
	})
	last := uint32(0)
	if n := len(s.changes); n > 0 {
		last = s.changes[n-1].product
	}
	s.from = make([]int, int(last)+2)
	for i, c := range s.changes {
		s.from[c.product+1] = i + 1
	}
	for i := 1; i < len(s.from); i++ {
		s.from[i] = max(s.from[i], s.from[i-1])
	}
}

func (s *Stock) of(product uint32) []change {
	if s == nil || int(product)+1 >= len(s.from) {
		return nil
	}
	return s.changes[s.from[product]:s.from[product+1]]
}

// Available says whether a product was to be had just before a moment; known is false where nothing was said of it yet.
func (s *Stock) Available(product uint32, moment clientele.Micros) (available, known bool) {
	of := s.of(product)
	k := sort.Search(len(of), func(i int) bool { return of[i].at >= moment })
	if k == 0 {
		return false, false
	}
	return of[k-1].available, true
}

// Out is how long a product was not to be had between two instants, as far as is known.
func (s *Stock) Out(product uint32, from, to clientele.Micros) (out clientele.Micros) {
	of := s.of(product)
	for i := max(0, sort.Search(len(of), func(i int) bool { return of[i].at >= from })-1); i < len(of) && of[i].at < to; i++ {
		end := to
		if i+1 < len(of) {
			end = min(end, of[i+1].at)
		}
		if begin := max(of[i].at, from); !of[i].available && end > begin {
			out += end - begin
		}
	}
	return out
}
