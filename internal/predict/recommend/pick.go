package recommend

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is where a recommendation comes from.
type Kind string

// The kinds.
const (
	Together Kind = "together" // bought together with something that the person has
	Again    Kind = "again"    // bought before
	Popular  Kind = "popular"
)

// Pick is one recommendation.
type Pick struct {
	Item     string   `json:"item"`
	Name     string   `json:"name,omitempty"`
	Category string   `json:"category,omitempty"`
	Kind     Kind     `json:"kind"`
	Score    float64  `json:"score"` // to be compared within one list and kind only
	Reason   string   `json:"reason"`
	Because  []string `json:"because,omitempty"` // products that it goes together with
	Times    int      `json:"times,omitempty"`   // days on which the person bought it; orders that have both
}

// Rules say what may be offered.
type Rules struct {
	Include     []string               // categories: only these
	Exclude     []string               // categories: none of these
	PerCategory int                    // at most so many of a category; 0: as many as come
	Allow       func(item string) bool // in stock, and whatever else the caller knows; nil: all
	Owned       bool                   // new products may be ones that the person has
}

func (m *Model) allowed(i int32, r *Rules) bool {
	if c := m.about[i].Category; len(r.Include) > 0 && !slices.Contains(r.Include, c) || slices.Contains(r.Exclude, c) {
		return false
	}
	return r.Allow == nil || r.Allow(m.items[i])
}

// chooser keeps the best of what it is shown, apart from what may not be.
type chooser struct {
	m     *Model
	rules *Rules
	mine  []held // not offered
	n     int    // wanted
	best  []ranked
}

// offer shows a product. Those of equal score come in the order of their numbers.
func (c *chooser) offer(i int32, score float32) {
	n := c.n
	if c.rules.PerCategory > 0 {
		n *= 20
	}
	if score <= 0 || len(c.best) == n && !(score > c.best[n-1].score) || has(c.mine, i) || !c.m.allowed(i, c.rules) {
		return
	}
	at, _ := slices.BinarySearchFunc(c.best, score, func(r ranked, s float32) int {
		if r.score >= s {
			return -1
		}
		return 1
	})
	if len(c.best) == n {
		c.best = c.best[:n-1]
	}
	c.best = slices.Insert(c.best, at, ranked{i, score})
}

func has(mine []held, i int32) bool {
	_, found := slices.BinarySearchFunc(mine, i, func(h held, i int32) int { return cmp.Compare(h.item, i) })
	return found
}

// weighted is a product that speaks for others, and how loudly.
type weighted struct {
	item   int32
	weight float32
}

// given are a customer's products; of very many, those bought last.
func (m *Model) given(mine []held) []weighted {
	items := latest(mine)
	out := make([]weighted, len(items))
	for i, item := range items {
		out[i] = weighted{item, 1}
	}
	return out
}

// listing collects picks of one list.
type listing struct {
	m     *Model
	rules *Rules
	n     int
	picks []Pick
	taken map[int32]bool
	per   map[string]int
}

func (l *listing) add(i int32, score float64, p Pick) {
	if len(l.picks) >= l.n || l.taken[i] {
		return
	}
	about := l.m.about[i]
	if l.rules.PerCategory > 0 && about.Category != "" {
		if l.per[about.Category] >= l.rules.PerCategory {
			return
		}
		l.per[about.Category]++
	}
	l.taken[i] = true
	p.Item, p.Name, p.Category, p.Score = l.m.items[i], about.Name, about.Category, score
	l.picks = append(l.picks, p)
}

func (m *Model) listing(n int, r *Rules) *listing {
	return &listing{m: m, rules: r, n: n, taken: map[int32]bool{}, per: map[string]int{}}
}

// Knows says whether the model has purchases of a customer.
func (m *Model) Knows(customer string) bool {
	c, ok := m.customers[customer]
	return ok && int(c) < len(m.histories) && len(m.histories[c]) > 0
}

func (m *Model) historyOf(customer string) (mine []held, group int) {
	if c, ok := m.customers[customer]; ok && int(c) < len(m.histories) {
		return m.histories[c], int(m.segmentOf[c])
	}
	return nil, len(m.popular) - 1
}

// Bought is a product that somebody bought, on how many days, and when last (days since 1970).
type Bought struct {
	Item  string
	Times int
	Last  int32
}

// held are purchases in the model's numbers, without products that it does not know.
func (m *Model) held(bought []Bought) []held {
	out := make([]held, 0, len(bought))
	for _, b := range bought {
		if i, ok := m.index[b.Item]; ok {
			out = append(out, held{item: i, times: int32(b.Times), last: b.Last})
		}
	}
	slices.SortFunc(out, func(a, b held) int { return cmp.Compare(a.item, b.item) })
	return slices.CompactFunc(out, func(a, b held) bool { return a.item == b.item })
}

// For recommends to somebody who is known by purchases alone, whoever it is: new products, and what is bought again. now is the day from which
// times count back.
func (m *Model) For(bought []Bought, now int32, n int, r Rules) (fresh, again []Pick) {
	mine := m.held(bought)
	return m.beyond(m.given(mine), mine, len(m.popular)-1, n, &r), m.repeat(mine, now, n, &r)
}

// Forget lets go of the histories that were learned from: the model then answers For, Session and With alone.
func (m *Model) Forget() {
	m.histories, m.segmentOf, m.customers = nil, nil, nil
}

// New recommends products that a customer has not bought, as far as the rules let it. Somebody unknown gets what is popular.
func (m *Model) New(customer string, n int, r Rules) []Pick {
	mine, group := m.historyOf(customer)
	exclude := mine
	if r.Owned {
		exclude = nil
	}
	return m.beyond(m.given(mine), exclude, group, n, &r)
}

// fading is how much less each earlier product of a session counts.
const fading = 0.8

// Session recommends to a visitor of whom only the products looked at or put into the cart are known, the last one last. Products
// of the session are not recommended; segment may be empty.
func (m *Model) Session(items []string, segment string, n int, r Rules) []Pick {
	var given []weighted
	var mine []held
	w := float32(1)
	for _, name := range slices.Backward(items) {
		if i, ok := m.index[name]; ok && !slices.ContainsFunc(given, func(g weighted) bool { return g.item == i }) {
			given = append(given, weighted{i, w})
			mine = append(mine, held{item: i})
			w *= fading
		}
	}
	slices.SortFunc(mine, func(a, b held) int { return cmp.Compare(a.item, b.item) })
	group, ok := m.segments[segment]
	if !ok {
		group = len(m.popular) - 1
	}
	return m.beyond(given, mine, group, n, &r)
}

// beyond goes from what is known to what is likely: the linear model, then nearest products, then what is popular.
func (m *Model) beyond(given []weighted, mine []held, group, n int, r *Rules) []Pick {
	l := m.listing(n, r)
	for _, b := range m.linear(given, mine, n, r) {
		l.add(b.item, float64(b.score), m.because(given, func(g weighted) float32 {
			if int(g.item) >= m.head {
				return 0
			}
			return g.weight * m.weights[int(g.item)*m.head+int(b.item)]
		}))
	}
	if len(l.picks) < n {
		for _, b := range m.closest(given, mine, n, r) {
			l.add(b.item, float64(b.score), m.because(given, func(g weighted) float32 { return g.weight * m.closeness(g.item, b.item) }))
		}
	}
	if len(l.picks) < n {
		c := chooser{m: m, rules: r, mine: mine, n: n}
		for _, p := range m.popular[group] {
			c.offer(p.item, p.score)
		}
		reason := "popular"
		if group < len(m.popular)-1 {
			reason = "popular in the segment"
		}
		for _, b := range c.best {
			l.add(b.item, float64(b.score), Pick{Kind: Popular, Reason: reason})
		}
	}
	return l.picks
}

// linear is EASE's order.
func (m *Model) linear(given []weighted, mine []held, n int, r *Rules) []ranked {
	score := make([]float32, m.head)
	for _, g := range given {
		if int(g.item) >= m.head {
			continue
		}
		from := m.weights[int(g.item)*m.head : (int(g.item)+1)*m.head]
		for j, w := range from {
			score[j] += g.weight * w
		}
	}
	c := chooser{m: m, rules: r, mine: mine, n: n}
	for j, s := range score {
		c.offer(int32(j), s)
	}
	return c.best
}

// closest is the order by nearness to what is given.
func (m *Model) closest(given []weighted, mine []held, n int, r *Rules) []ranked {
	sum := map[int32]float32{}
	var seen []int32
	for _, g := range given {
		for _, o := range m.near[g.item] {
			if _, ok := sum[o.item]; !ok {
				seen = append(seen, o.item)
			}
			sum[o.item] += g.weight * o.score
		}
	}
	slices.Sort(seen)
	c := chooser{m: m, rules: r, mine: mine, n: n}
	for _, i := range seen {
		c.offer(i, sum[i])
	}
	return c.best
}

func (m *Model) closeness(from, to int32) float32 {
	for _, o := range m.near[from] {
		if o.item == to {
			return o.score
		}
	}
	return 0
}

// because names the two given products that speak most for a pick.
func (m *Model) because(given []weighted, adds func(weighted) float32) Pick {
	var two [2]ranked
	for _, g := range given {
		switch v := adds(g); {
		case v > two[0].score:
			two[0], two[1] = ranked{g.item, v}, two[0]
		case v > two[1].score:
			two[1] = ranked{g.item, v}
		}
	}
	p := Pick{Kind: Together}
	var said []string
	for _, t := range two {
		if t.score > 0 {
			p.Because = append(p.Because, m.items[t.item])
			if name := m.called(t.item); !slices.Contains(said, name) { // sizes of one article have one name
				said = append(said, name)
			}
		}
	}
	p.Reason = "often bought with " + strings.Join(said, " and ")
	return p
}

func (m *Model) called(i int32) string { return cmp.Or(m.about[i].Name, m.items[i]) }

// Again lists what a customer is likely to buy again: the days on which it was bought, faded with time, by how many of the product's buyers
// bought it again.
func (m *Model) Again(customer string, n int, r Rules) []Pick {
	mine, _ := m.historyOf(customer)
	return m.repeat(mine, m.until, n, &r)
}

func (m *Model) repeat(mine []held, now int32, n int, r *Rules) []Pick {
	l := m.listing(n, r)
	order := slices.Clone(mine)
	worth := func(h held) float64 { return float64(h.times) * half(now-h.last, pastNews) * m.returning[h.item] }
	slices.SortFunc(order, func(a, b held) int { return cmp.Or(cmp.Compare(worth(b), worth(a)), cmp.Compare(a.item, b.item)) })
	for _, h := range order {
		if !m.allowed(h.item, r) {
			continue
		}
		times := "once"
		if h.times > 1 {
			times = fmt.Sprintf("on %d days", h.times)
		}
		l.add(h.item, worth(h), Pick{Kind: Again, Times: int(h.times), Reason: fmt.Sprintf("bought %s, last on %s", times, time.Unix(int64(h.last)*86400, 0).UTC().Format(time.DateOnly))})
	}
	return l.picks
}

// With lists what is bought together with a product: in the same orders, then by the same people, then what is popular.
func (m *Model) With(item string, n int, r Rules) []Pick {
	l := m.listing(n, &r)
	i, known := m.index[item]
	mine := []held{{item: i}}
	if known {
		for k, lists := range [][][]neighbour{m.with, m.near} {
			by := "orders"
			if k > 0 {
				by = "people"
			}
			for _, o := range lists[i] {
				if m.allowed(o.item, &r) {
					l.add(o.item, float64(o.score), Pick{Kind: Together, Because: []string{item}, Times: int(o.together), Reason: fmt.Sprintf("%d %s have both", o.together, by)})
				}
			}
		}
	} else {
		mine = nil
	}
	c := chooser{m: m, rules: &r, mine: mine, n: n}
	for _, p := range m.popular[len(m.popular)-1] {
		c.offer(p.item, p.score)
	}
	for _, b := range c.best {
		l.add(b.item, float64(b.score), Pick{Kind: Popular, Reason: "popular"})
	}
	return l.picks
}

// Products are all that the model knows, those with most buyers first.
func (m *Model) Products() []string { return m.items }

// Has says whether the model knows a product.
func (m *Model) Has(item string) bool { _, ok := m.index[item]; return ok }
