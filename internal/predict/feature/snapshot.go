package feature

import (
	"math"
	"slices"
	"time"

	"clientele"
)

// settings are what rows are made with.
type settings struct {
	Settings
	typical float64
	zone    *time.Location
}

// order is all lines of one.
type order struct {
	at                clientele.Micros
	number            uint32
	day               int32 // local, since 1970-01-01
	amount, discount  float64
	lines             float64
	against, compared float64 // prices by their references, summed; how many
	product           uint32  // of the dearest line
	dearest, price    float64
	category, channel uint16 // of the dearest line
}

// depth is the share of the price that was taken off; not known of no order.
func (o *order) depth() float64 { return ratio(o.discount, o.discount+o.amount) }

var noOrder = order{amount: nan, lines: nan, discount: nan}

// eventCount is how often an event came, by window.
type eventCount struct {
	count [last365]float64
	last  clientele.Micros
}

// snapshot is one person as of a moment. It is used again for the next.
type snapshot struct {
	w      *settings
	moment clientele.Micros
	orders []order

	count, spent                      [len(windows)]float64
	before30, before90, spentBefore90 float64
	spentEver, linesEver              float64
	weekend                           float64
	dayPart                           [4]float64
	returned, returns90, returnsEver  float64
	lastReturn                        clientele.Micros

	discounted, fullPrice, discountEver, discount90 float64
	against, compared                               float64

	category, channel       []float64
	different, productLines float64
	out30, out90, outSince  float64

	sent, responded        [2]float64
	lastResponse, lastSeen clientele.Micros
	activeDays, before     float64
	events                 []eventCount

	products []uint32
	gaps     []float64
	seenDay  int32
}

func newSnapshot(w *settings) *snapshot {
	return &snapshot{w: w, category: make([]float64, len(w.Categories)+1), channel: make([]float64, len(w.Channels)+1), events: make([]eventCount, len(w.Events)+1)}
}

// take makes the snapshot of facts, in the order of their time, as of a moment.
func (s *snapshot) take(facts []Fact, moment clientele.Micros) {
	*s = snapshot{w: s.w, moment: moment, orders: s.orders[:0], category: s.category, channel: s.channel, events: s.events,
		products: s.products[:0], gaps: s.gaps[:0], seenDay: math.MinInt32}
	clear(s.category)
	clear(s.channel)
	clear(s.events)
	for i := range facts {
		f := &facts[i]
		if f.At >= moment {
			break
		}
		if f.Before(moment) {
			s.add(f)
		}
	}
	s.finish()
}

func (s *snapshot) add(f *Fact) {
	ago := s.moment - f.At
	switch f.Kind {
	case Order:
		s.addLine(f)
	case Return:
		s.returned += f.Amount
		s.returnsEver++
		s.returns90 += oneIf(ago <= 90*Day)
		s.lastReturn = f.At
		return // what the shop books is no sign of life
	case Sent:
		s.sent[0] += oneIf(ago <= 30*Day)
		s.sent[1] += oneIf(ago <= 90*Day)
		return
	case Response:
		s.responded[0] += oneIf(ago <= 30*Day)
		s.responded[1] += oneIf(ago <= 90*Day)
		s.lastResponse = f.At
	case StockOut:
		s.addOut(ago)
	case Event:
		if int(f.Name) < len(s.events) {
			e := &s.events[f.Name]
			for k := range e.count {
				e.count[k] += oneIf(ago <= clientele.Micros(windows[k])*Day)
			}
			e.last = f.At
		}
		if available, known := s.w.Stock.Available(f.Product, f.At); known && !available {
			s.addOut(ago)
		}
	}
	if f.Kind == Order {
		return
	}
	s.lastSeen = f.At
	if len(s.orders) == 0 {
		s.before++
	}
	if ago <= 30*Day {
		if day := int32(f.At / Day); day != s.seenDay {
			s.seenDay = day
			s.activeDays++
		}
	}
}

func (s *snapshot) addOut(ago clientele.Micros) {
	s.out30 += oneIf(ago <= 30*Day)
	s.out90 += oneIf(ago <= 90*Day)
	s.outSince++ // an order sets it back
}

func (s *snapshot) addLine(f *Fact) {
	n := len(s.orders)
	day, weekday, hour := s.w.local(f.At)
	if n == 0 || f.Order != s.orders[n-1].number || f.Order == 0 && day != s.orders[n-1].day {
		s.orders = append(s.orders, order{at: f.At, number: f.Order, day: day})
		n++
		s.weekend += oneIf(weekday == time.Saturday || weekday == time.Sunday)
		s.dayPart[hour/6]++
		if int(f.Channel) < len(s.channel) {
			s.channel[f.Channel]++
		}
	}
	o := &s.orders[n-1]
	o.amount += f.Amount
	o.discount += f.Discount
	o.lines++
	price := f.price()
	if o.lines == 1 || f.Amount > o.dearest {
		o.product, o.category, o.channel, o.dearest, o.price = f.Product, f.Category, f.Channel, f.Amount, price
	}
	reference := float64(f.Reference)
	if reference <= 0 {
		reference = s.w.Prices.At(f.Product, f.At)
	}
	if reference > 0 && price > 0 {
		o.against += price / reference
		o.compared++
	}
	s.discounted += oneIf(f.Discount > 0)
	if int(f.Category) < len(s.category) {
		s.category[f.Category] += f.Amount
	}
	if f.Product != 0 {
		s.products = append(s.products, f.Product)
	}
	s.outSince = 0
}

// finish sums orders up, once all of them are there.
func (s *snapshot) finish() {
	for i := range s.orders {
		o := &s.orders[i]
		ago := s.moment - o.at
		for k, days := range windows {
			if ago <= clientele.Micros(days)*Day {
				s.count[k]++
				s.spent[k] += o.amount
			}
		}
		s.before30 += oneIf(ago > 30*Day && ago <= 60*Day)
		if ago > 90*Day && ago <= 180*Day {
			s.before90++
			s.spentBefore90 += o.amount
		}
		if ago <= 90*Day {
			s.discount90 += o.discount
		}
		s.spentEver += o.amount
		s.linesEver += o.lines
		s.discountEver += o.discount
		s.fullPrice += oneIf(o.discount <= 0)
		s.against += o.against
		s.compared += o.compared
		if i > 0 {
			s.gaps = append(s.gaps, float64(o.at-s.orders[i-1].at)/float64(Day))
		}
	}
	s.productLines = float64(len(s.products))
	slices.Sort(s.products)
	s.different = float64(len(slices.Compact(s.products)))
}

// local is the day, weekday and hour of an instant in the zone of the settings.
func (w *settings) local(at clientele.Micros) (day int32, weekday time.Weekday, hour int) {
	if w.zone != time.UTC {
		_, offset := time.UnixMicro(int64(at)).In(w.zone).Zone()
		at += clientele.Micros(offset) * 1_000_000
	}
	d, rest := at/Day, at%Day
	if rest < 0 {
		d, rest = d-1, rest+Day
	}
	return int32(d), time.Weekday(((d+4)%7 + 7) % 7), int(rest / (Day / 24)) // 1970-01-01 was a Thursday
}

func (s *snapshot) days(since clientele.Micros) float64 {
	return float64(s.moment-since) / float64(Day)
}

// since is the days since an instant; not known where there was none.
func (s *snapshot) since(at clientele.Micros) float64 {
	if at == 0 {
		return nan
	}
	return s.days(at)
}

func (s *snapshot) first() *order {
	if len(s.orders) == 0 {
		return &noOrder
	}
	return &s.orders[0]
}

func (s *snapshot) last() *order {
	if len(s.orders) == 0 {
		return &noOrder
	}
	return &s.orders[len(s.orders)-1]
}

func (s *snapshot) sinceOrder() float64 {
	if len(s.orders) == 0 {
		return nan
	}
	return s.days(s.last().at)
}

func (s *snapshot) lastGap() float64 {
	if len(s.gaps) == 0 {
		return nan
	}
	return s.gaps[len(s.gaps)-1]
}

func (s *snapshot) medianGap() float64 {
	if len(s.gaps) == 0 {
		return nan
	}
	sorted := slices.Sorted(slices.Values(s.gaps))
	return sorted[len(sorted)/2]
}

// ownGap is the mean days between a person's orders, drawn towards most people's as if two gaps of those were theirs.
func (s *snapshot) ownGap(typical float64) float64 {
	sum := 2 * typical
	for _, g := range s.gaps {
		sum += g
	}
	return sum / float64(len(s.gaps)+2)
}

// gapSpread is the standard deviation of the gaps by their mean; it needs two of them.
func (s *snapshot) gapSpread() float64 {
	if len(s.gaps) < 2 {
		return nan
	}
	mean, square := 0.0, 0.0
	for _, g := range s.gaps {
		mean += g / float64(len(s.gaps))
	}
	for _, g := range s.gaps {
		square += (g - mean) * (g - mean) / float64(len(s.gaps))
	}
	return ratio(math.Sqrt(square), mean)
}

func (s *snapshot) isFirst(is uint16, wanted int) float64 {
	if len(s.orders) == 0 {
		return nan
	}
	return oneIf(int(is) == wanted)
}

// absent is the share of the time since the last order in which its dearest product was not to be had.
func (s *snapshot) absent(stock *Stock) float64 {
	l := s.last()
	if len(stock.of(l.product)) == 0 || s.moment <= l.at {
		return nan
	}
	return float64(stock.Out(l.product, l.at, s.moment)) / float64(s.moment-l.at)
}
