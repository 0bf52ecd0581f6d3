package shop

import (
	"cmp"
	"slices"

	"clientele"
)

// tellStreet is the history of the people of a street, in the order of time.
func (s *Shop) tellStreet(street int) ([]Record, Totals) {
	w := &writer{shop: s, library: importLibrary, prefix: "h" + itoa(street) + "-", until: s.end}
	for _, p := range s.peopleOf(street) {
		w.totals.People++
		w.life(p)
	}
	slices.SortStableFunc(w.records, func(a, b Record) int { return cmp.Compare(a.At, b.At) })
	return w.records, w.totals
}

// importLibrary is what history says it came through: the product remembers ids of imports for
// ever, so history that is loaded twice is there once.
const importLibrary = "clientele-import"

// life is one person's year.
func (w *writer) life(p *person) {
	s, d := w.shop, roll(w.shop.seed, "life", p.id)
	// On launch day most are people whom nobody has seen before.
	rushes := p.kind == visitor && d.chance(100)
	if rushes {
		p.joined = s.launch
	}
	w.register(p, d)
	plans := w.mailings(p, d)
	h := &habits[p.kind]
	for range d.between(h.visits[0], h.visits[1]) {
		plans = append(plans, outing{at: s.moment(d, p.joined, p.left, p.home.country)})
	}
	for range d.between(h.orders[0], h.orders[1]) {
		plans = append(plans, w.purchase(p, d))
	}
	if rushes {
		plans[0] = outing{at: s.rush(d), launch: true}
	} else if p.joined < s.launch && s.launch < p.left && p.kind > subscriber && d.chance(35) {
		plans = append(plans, outing{at: s.rush(d), launch: true, buys: d.chance(120)})
	}
	slices.SortStableFunc(plans, func(a, b outing) int { return cmp.Compare(a.at, b.at) })
	for _, o := range plans {
		switch {
		case o.at > w.until:
		case o.buys && !o.launch && branchOf[p.home.country.code] != "" && d.chance(220):
			w.sell(p, d, o.at)
		default:
			w.visit(p, d, o)
		}
	}
	if p.booked != 0 {
		w.account(p, p.booked+minute) // how it stands since
	}
}

// purchase is a visit with the purpose of buying. Hunters come when something is reduced.
func (w *writer) purchase(p *person, d *dice) outing {
	s := w.shop
	o := outing{at: s.moment(d, p.joined, p.left, p.home.country), buys: true}
	for i := 0; p.kind == hunter && i < 20; i++ {
		if c := s.running(o.at); c != nil && (c.percent > 0 || c.coupon != "") {
			break
		}
		o.at = s.moment(d, p.joined, p.left, p.home.country)
	}
	if c := s.running(o.at); c != nil && d.chance(300) {
		o.campaign, o.medium = c, mediums[d.below(len(mediums))]
	}
	return o
}

// mediums of paid campaigns.
var mediums = []string{"cpc", "social", "display"}

// rush is a time in the two hours after the launch, most of them at its beginning.
func (s *Shop) rush(d *dice) clientele.Micros {
	return s.launch + clientele.Micros(d.power(7200))*second
}

func (w *writer) visit(p *person, d *dice, o outing) {
	v := visit{w: w, d: d, p: p, dev: one(d, p.devices), at: o.at, outing: o}
	v.walk()
}
