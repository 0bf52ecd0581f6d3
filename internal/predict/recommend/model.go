package recommend

import (
	"cmp"
	"math"
	"slices"

	"clientele"
)

// Settings of learning. The zero value means what is said at each.
type Settings struct {
	Head      int     // products that the linear model covers at most: 3000. Its memory is 4 bytes by Head squared, its time by Head cubed
	MinBuyers int     // of a product of the head: a 300th of the customers, 2 to 10
	Lambda    float64 // how strongly weights are drawn to nothing: 300
	Workers   int
}

// What learning needs at least.
const (
	MinCustomers = 20 // with two products and more
	MinProducts  = 5
)

const (
	nearest  = 50  // neighbours of a product that are kept
	popular  = 300 // products of a segment that are kept
	fresh    = 60. // days after which a purchase counts half for what is popular
	longest  = 2000
	pastNews = 365. // days after which a purchase counts half for what is bought again
)

// held is a product of a customer, by the model's number.
type held struct {
	item        int32
	times       int32
	first, last int32
}

// Model recommends. It is safe for concurrent use.
type Model struct {
	items     []string
	about     []Item
	index     map[string]int32
	buyers    []int32
	head      int
	weights   []float32
	near      [][]neighbour // by what people have
	with      [][]neighbour // by what is in an order
	popular   [][]ranked    // by segment, that of all last
	segments  map[string]int
	segmentOf []int32
	customers map[string]uint32
	histories [][]held
	returning []float64 // share of a product's buyers who bought it again, shrunk
	until     int32
	Report    Report
}

// Report says what was learned from.
type Report struct {
	Customers  int     `json:"customers"`  // with a purchase
	Products   int     `json:"products"`   // bought by somebody
	Purchases  int     `json:"purchases"`  // pairs of customer and product
	Orders     int     `json:"orders"`     // of two products and more
	Head       int     `json:"head"`       // products in the linear model
	Lambda     float64 `json:"lambda"`     //
	MinBuyers  int     `json:"min_buyers"` //
	Repurchase float64 `json:"repurchase"` // share of pairs that were bought on more than one day
}

// Learn learns from the purchases of days before until.
func Learn(b *Book, until int32, how Settings) (*Model, error) {
	histories := b.histories(math.MinInt32, until)
	m := &Model{until: until, customers: b.customers.index, index: map[string]int32{}}
	to := m.number(b, histories)
	m.take(histories, to)
	several := 0
	for _, h := range m.histories {
		if len(h) > 1 {
			several++
		}
	}
	if several < MinCustomers || len(m.items) < MinProducts {
		return nil, clientele.Errorf(clientele.Invalid, "too little to learn from: %d customers bought two products and more, and there are %d products; at least %d and %d are needed", several, len(m.items), MinCustomers, MinProducts)
	}
	m.settle(&how)
	people := make([][]int32, 0, len(m.histories))
	for _, h := range m.histories {
		if len(h) > 0 {
			people = append(people, latest(h))
		}
	}
	m.weights = ease(people, m.head, how.Lambda, how.Workers)
	m.near = neighbours(people, len(m.items), nearest, how.Workers)
	var orders [][]int32
	for _, o := range b.orders(until) {
		if len(o) > longest {
			continue
		}
		items := make([]int32, 0, len(o))
		for _, i := range o {
			if to[i] >= 0 {
				items = append(items, to[i])
			}
		}
		orders = append(orders, items)
	}
	m.Report.Orders = len(orders)
	m.with = neighbours(orders, len(m.items), nearest, how.Workers)
	m.rankPopular(b)
	return m, nil
}

// number gives products that somebody bought their numbers: those with most buyers first.
func (m *Model) number(b *Book, histories [][]owned) (to []int32) {
	buyers := make([]int32, len(b.items.of))
	for _, h := range histories {
		for _, o := range h {
			buyers[o.item]++
		}
	}
	var order []uint32
	to = make([]int32, len(buyers))
	for i := range to {
		if to[i] = -1; buyers[i] > 0 {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(buyers[y], buyers[x]), cmp.Compare(b.items.of[x], b.items.of[y]))
	})
	for k, i := range order {
		name := b.items.of[i]
		to[i] = int32(k)
		m.items = append(m.items, name)
		m.index[name] = int32(k)
		m.about = append(m.about, b.about[name])
		m.buyers = append(m.buyers, buyers[i])
	}
	return to
}

// take keeps the customers' histories in the model's numbers.
func (m *Model) take(histories [][]owned, to []int32) {
	m.histories = make([][]held, len(histories))
	m.returning = make([]float64, len(m.items))
	again := 0
	for c, h := range histories {
		if len(h) == 0 {
			continue
		}
		m.Report.Customers++
		mine := make([]held, len(h))
		for i, o := range h {
			mine[i] = held{to[o.item], o.times, o.first, o.last}
			if o.times > 1 {
				again++
				m.returning[to[o.item]]++
			}
		}
		slices.SortFunc(mine, func(a, b held) int { return cmp.Compare(a.item, b.item) })
		m.histories[c] = mine
		m.Report.Purchases += len(h)
	}
	m.Report.Products = len(m.items)
	if m.Report.Purchases > 0 {
		m.Report.Repurchase = float64(again) / float64(m.Report.Purchases)
	}
	for i, n := range m.returning { // as if twenty more had bought it, and bought again like all
		m.returning[i] = (n + 20*m.Report.Repurchase) / (float64(m.buyers[i]) + 20)
	}
}

// latest are the products of a history in order, of a very long one those bought last.
func latest(h []held) []int32 {
	if len(h) > longest {
		h = slices.Clone(h)
		slices.SortFunc(h, func(a, b held) int { return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(a.item, b.item)) })
		h = h[:longest]
	}
	out := make([]int32, len(h))
	for i, o := range h {
		out[i] = o.item
	}
	slices.Sort(out)
	return out
}

func (m *Model) settle(how *Settings) {
	how.Head = cmp.Or(how.Head, 3000)
	how.Lambda = cmp.Or(how.Lambda, 300)
	how.MinBuyers = cmp.Or(how.MinBuyers, max(2, min(10, m.Report.Customers/300)))
	for m.head < min(how.Head, len(m.items)) && int(m.buyers[m.head]) >= how.MinBuyers {
		m.head++
	}
	m.Report.Head, m.Report.Lambda, m.Report.MinBuyers = m.head, how.Lambda, how.MinBuyers
}

// ranked is a product with a score.
type ranked struct {
	item  int32
	score float32
}

// rankPopular finds what is popular with all and in each segment: purchases count half after some time, and a segment's share is
// drawn to that of all as if a hundred more of its people had bought like all.
func (m *Model) rankPopular(b *Book) {
	groups := len(b.segments.of)
	weight := make([][]float64, groups+1)
	sum := make([]float64, groups+1)
	for g := range weight {
		weight[g] = make([]float64, len(m.items))
	}
	m.segmentOf = make([]int32, len(m.histories))
	for c, h := range m.histories {
		g := groups
		if s, ok := b.segment[uint32(c)]; ok {
			g = int(s)
		}
		m.segmentOf[c] = int32(g)
		for _, o := range h {
			w := half(m.until-o.last, fresh)
			weight[g][o.item] += w
			sum[g] += w
			if g != groups {
				weight[groups][o.item] += w
				sum[groups] += w
			}
		}
	}
	m.segments = map[string]int{}
	m.popular = make([][]ranked, groups+1)
	for g := groups; g >= 0; g-- {
		list := make([]ranked, len(m.items))
		for i := range list {
			score := weight[groups][i] / max(sum[groups], 1e-9)
			if g != groups {
				score = (weight[g][i] + 100*score) / (sum[g] + 100)
				m.segments[b.segments.of[g]] = g
			}
			list[i] = ranked{int32(i), float32(score)}
		}
		slices.SortFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.item, b.item)) })
		m.popular[g] = list[:min(len(list), popular)]
	}
}

// half is the weight of something that is days old.
func half(days int32, life float64) float64 { return math.Exp2(-float64(days) / life) }
