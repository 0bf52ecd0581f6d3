package shop

import (
	"iter"
	"math"
	"strconv"

	"clientele"
)

// together is how many visits are under way at once in the live shop.
const together = 8

// Live is the shop from then on, without end: what people of the history, and some who come for the
// first time, do in web shop, app and points of sale, and when they call. The n-th record is told
// at from + n gaps; what it tells of happened then, or as long before as a till needs to tell all
// of a sale. Another from makes other ids, so a shop that is stopped and started again never
// repeats itself.
func (s *Shop) Live(from, gap clientele.Micros) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		d := roll(s.seed, "live", int(from))
		w := &writer{shop: s, library: "analytics.js", prefix: "v" + strconv.FormatInt(int64(from/1000), 36) + "-", until: math.MaxInt64, live: true}
		var under [together][]Record
		for n := 0; ; n++ {
			at := from + clientele.Micros(n)*gap
			slot := &under[n%together]
			for len(*slot) == 0 {
				*slot = s.stroll(w, d, at, together*gap)
			}
			r := (*slot)[0]
			*slot = (*slot)[1:]
			if !yield(r) {
				return
			}
		}
	}
}

// stroll is what somebody does: most of the time a visit, with so much time between its calls.
func (s *Shop) stroll(w *writer, d *dice, at, gap clientele.Micros) []Record {
	street := d.below(s.streets())
	if d.chance(300) {
		street = s.streets() + d.below(1_000_000)
	}
	p := one(d, s.peopleOf(street))
	w.records = nil
	switch {
	case p.kind > subscriber && branchOf[p.home.country.code] != "" && d.chance(150):
		w.sell(p, d, at)
	case p.kind > visitor && d.chance(80):
		w.talk(p, "", d, at)
	default:
		v := visit{w: w, d: d, p: p, dev: one(d, p.devices), at: at, gap: gap, outing: outing{buys: p.kind > subscriber && d.chance(180)}}
		v.walk()
	}
	return w.records
}
