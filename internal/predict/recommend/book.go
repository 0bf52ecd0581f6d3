package recommend

import (
	"cmp"
	"slices"
)

// none is the customer of a line without one.
const none = ^uint32(0)

// line is a product in an order.
type line struct {
	customer, item, basket uint32
	day                    int32
}

// names numbers texts in the order in which they come.
type names struct {
	of    []string
	index map[string]uint32
}

func (n *names) id(s string) uint32 {
	id, ok := n.index[s]
	if !ok {
		if n.index == nil {
			n.index = map[string]uint32{}
		}
		id = uint32(len(n.of))
		n.of = append(n.of, s)
		n.index[s] = id
	}
	return id
}

// Item is what is known of a product.
type Item struct {
	Name, Category string
}

// Book is who bought what, and when.
type Book struct {
	lines                               []line
	customers, items, baskets, segments names
	segment                             map[uint32]uint32 // of customers
	about                               map[string]Item
	sorted                              bool
}

// Add adds a product that was bought. Products of one basket are an order; without a basket, those of a customer's day are. A line without a
// customer teaches only what is bought together.
func (b *Book) Add(customer, basket, item string, day int32) {
	l := line{customer: none, item: b.items.id(item), basket: none, day: day}
	if customer != "" {
		l.customer = b.customers.id(customer)
	}
	if basket != "" {
		l.basket = b.baskets.id(basket)
	}
	b.lines = append(b.lines, l)
	b.sorted = false
}

// Segment puts a customer into a segment, for what is popular there. The last word counts.
func (b *Book) Segment(customer, segment string) {
	if segment == "" || customer == "" {
		return
	}
	if b.segment == nil {
		b.segment = map[uint32]uint32{}
	}
	b.segment[b.customers.id(customer)] = b.segments.id(segment)
}

// Describe says what a product is. What is empty stays as it was.
func (b *Book) Describe(item string, about Item) {
	if b.about == nil {
		b.about = map[string]Item{}
	}
	old := b.about[item]
	b.about[item] = Item{cmp.Or(about.Name, old.Name), cmp.Or(about.Category, old.Category)}
}

// Described is what was said of a product.
func (b *Book) Described(item string) Item { return b.about[item] }

// Customers in the order in which they came.
func (b *Book) Customers() []string { return b.customers.of }

// Products is how many there are.
func (b *Book) Products() int { return len(b.items.of) }

// Lines is how many were added.
func (b *Book) Lines() int { return len(b.lines) }

// Days are the first and the last.
func (b *Book) Days() (first, last int32) {
	for i, l := range b.lines {
		if i == 0 || l.day < first {
			first = l.day
		}
		if i == 0 || l.day > last {
			last = l.day
		}
	}
	return first, last
}

// sort brings lines into the order customer, item, day.
func (b *Book) sort() {
	if b.sorted {
		return
	}
	slices.SortFunc(b.lines, func(x, y line) int {
		return cmp.Or(cmp.Compare(x.customer, y.customer), cmp.Compare(x.item, y.item), cmp.Compare(x.day, y.day), cmp.Compare(x.basket, y.basket))
	})
	b.sorted = true
}

// owned is a product that a customer bought.
type owned struct {
	item        uint32
	times       int32 // days
	first, last int32
}

// histories is what each customer bought on days from (inclusive) to (exclusive), by product.
func (b *Book) histories(from, to int32) [][]owned {
	b.sort()
	out := make([][]owned, len(b.customers.of))
	all := make([]owned, 0, len(b.lines)/2)
	for i := 0; i < len(b.lines) && b.lines[i].customer != none; {
		c, begin := b.lines[i].customer, len(all)
		for ; i < len(b.lines) && b.lines[i].customer == c; i++ {
			l := b.lines[i]
			if l.day < from || l.day >= to {
				continue
			}
			if n := len(all); n > begin && all[n-1].item == l.item {
				if all[n-1].last != l.day {
					all[n-1].times++
					all[n-1].last = l.day
				}
				continue
			}
			all = append(all, owned{l.item, 1, l.day, l.day})
		}
		out[c] = all[begin:len(all):len(all)]
	}
	return out
}

// orders are the products of each basket of days before to, each once, of baskets with two and more.
func (b *Book) orders(to int32) [][]uint32 {
	type in struct {
		basket uint64
		item   uint32
	}
	all := make([]in, 0, len(b.lines))
	for _, l := range b.lines {
		switch {
		case l.day >= to:
		case l.basket != none:
			all = append(all, in{uint64(l.basket), l.item})
		case l.customer != none:
			all = append(all, in{1<<63 | uint64(l.customer)<<24 | uint64(uint32(l.day))&0xffffff, l.item})
		}
	}
	slices.SortFunc(all, func(x, y in) int { return cmp.Or(cmp.Compare(x.basket, y.basket), cmp.Compare(x.item, y.item)) })
	all = slices.Compact(all)
	items := make([]uint32, len(all))
	var out [][]uint32
	for i := 0; i < len(all); {
		from := i
		for ; i < len(all) && all[i].basket == all[from].basket; i++ {
			items[i] = all[i].item
		}
		if i-from > 1 {
			out = append(out, items[from:i:i])
		}
	}
	return out
}
