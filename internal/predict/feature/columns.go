package feature

import (
	"fmt"
	"math"
)

// windows are the lengths of time that sums are made over, in days.
var windows = [...]int{7, 30, 90, 365}

const (
	last7 = iota
	last30
	last90
	last365
)

// column is a feature: its name and how it is read off a snapshot.
type column struct {
	Column
	of func(s *snapshot) float64
}

var nan = math.NaN()

// ratio is a/b, not known where b is nothing.
func ratio(a, b float64) float64 {
	if b <= 0 {
		return nan
	}
	return a / b
}

// trend compares two equal lengths of time: 0 is the same, 0.7 twice as much.
func trend(now, before float64) float64 { return math.Log((now + 0.5) / (before + 0.5)) }

// moneyTrend is trend for amounts, of which one is little.
func moneyTrend(now, before float64) float64 {
	return math.Log1p(max(now, 0)) - math.Log1p(max(before, 0))
}

// catalog lists the features. The order is that of the table.
func (w *settings) catalog() []column {
	var out []column
	add := func(group, name string, of func(s *snapshot) float64) {
		out = append(out, column{Column{name, group}, of})
	}
	w.behaviour(add)
	w.prices(add)
	w.mix(add)
	w.supply(add)
	w.activity(add)
	return out
}

type adder func(group, name string, of func(s *snapshot) float64)

func (w *settings) behaviour(add adder) {
	add(Behaviour, "days since the last order", func(s *snapshot) float64 { return s.sinceOrder() })
	add(Age, "days since the first order", func(s *snapshot) float64 {
		if len(s.orders) == 0 {
			return nan
		}
		return s.days(s.orders[0].at)
	})
	for i, days := range windows {
		add(Behaviour, fmt.Sprintf("orders in %d days", days), func(s *snapshot) float64 { return s.count[i] })
		add(Behaviour, fmt.Sprintf("spent in %d days", days), func(s *snapshot) float64 { return s.spent[i] })
	}
	add(Age, "orders ever", func(s *snapshot) float64 { return float64(len(s.orders)) })
	add(Age, "spent ever", func(s *snapshot) float64 { return s.spentEver })
	add(Behaviour, "orders in 30 days of being a customer", func(s *snapshot) float64 {
		if len(s.orders) == 0 {
			return nan
		}
		return 30 * float64(len(s.orders)) / max(s.days(s.orders[0].at), 30)
	})
	add(Behaviour, "orders in 30 days against the 30 before", func(s *snapshot) float64 { return trend(s.count[last30], s.before30) })
	add(Behaviour, "orders in 90 days against the 90 before", func(s *snapshot) float64 { return trend(s.count[last90], s.before90) })
	add(Behaviour, "spent in 90 days against the 90 before", func(s *snapshot) float64 { return moneyTrend(s.spent[last90], s.spentBefore90) })
	add(Behaviour, "size of the last order", func(s *snapshot) float64 { return s.last().amount })
	add(Behaviour, "mean size of an order", func(s *snapshot) float64 { return ratio(s.spentEver, float64(len(s.orders))) })
	add(Behaviour, "size of the last order against the mean", func(s *snapshot) float64 {
		return ratio(s.last().amount*float64(len(s.orders)), s.spentEver)
	})
	add(Behaviour, "size of the first order", func(s *snapshot) float64 { return s.first().amount })
	add(Behaviour, "lines of the first order", func(s *snapshot) float64 { return s.first().lines })
	add(Behaviour, "mean lines of an order", func(s *snapshot) float64 { return ratio(s.linesEver, float64(len(s.orders))) })
	add(Behaviour, "usual days between orders", func(s *snapshot) float64 { return s.medianGap() })
	add(Behaviour, "last days between orders", func(s *snapshot) float64 { return s.lastGap() })
	add(Behaviour, "days since the last order against the usual gap", func(s *snapshot) float64 { return s.sinceOrder() / s.ownGap(w.typical) })
	add(Behaviour, "days since the last order against most people's gap", func(s *snapshot) float64 { return s.sinceOrder() / w.typical })
	add(Behaviour, "spread of the days between orders", func(s *snapshot) float64 { return s.gapSpread() })
	add(Behaviour, "share of orders at weekends", func(s *snapshot) float64 { return ratio(s.weekend, float64(len(s.orders))) })
	for i, name := range [...]string{"at night", "in the morning", "in the afternoon", "in the evening"} {
		add(Behaviour, "share of orders "+name, func(s *snapshot) float64 { return ratio(s.dayPart[i], float64(len(s.orders))) })
	}
	add(Returns, "share of money given back", func(s *snapshot) float64 { return ratio(s.returned, s.spentEver) })
	add(Returns, "returns in 90 days", func(s *snapshot) float64 { return s.returns90 })
	add(Returns, "returns ever", func(s *snapshot) float64 { return s.returnsEver })
	add(Returns, "days since the last return", func(s *snapshot) float64 { return s.since(s.lastReturn) })
}

func (w *settings) prices(add adder) {
	add(Price, "share of lines with a discount", func(s *snapshot) float64 { return ratio(s.discounted, s.linesEver) })
	add(Price, "share of orders at full price", func(s *snapshot) float64 { return ratio(s.fullPrice, float64(len(s.orders))) })
	add(Price, "depth of discounts", func(s *snapshot) float64 { return ratio(s.discountEver, s.discountEver+s.spentEver) })
	add(Price, "depth of discounts in 90 days", func(s *snapshot) float64 { return ratio(s.discount90, s.discount90+s.spent[last90]) })
	add(Price, "discount of the last order", func(s *snapshot) float64 { return s.last().depth() })
	add(Price, "discount of the first order", func(s *snapshot) float64 { return s.first().depth() })
	add(Price, "price paid against the reference", func(s *snapshot) float64 { return ratio(s.against, s.compared) })
	add(Price, "price paid against the reference, last order", func(s *snapshot) float64 { return ratio(s.last().against, s.last().compared) })
	add(Price, "price now of the last product against what was paid", func(s *snapshot) float64 {
		l := s.last()
		if l.price <= 0 {
			return nan
		}
		return w.Prices.At(l.product, s.moment) / l.price
	})
}

func (w *settings) mix(add adder) {
	for i, name := range w.Categories {
		add(Mix, "share of spending on "+name, func(s *snapshot) float64 { return ratio(s.category[i+1], s.spentEver) })
		add(Mix, "first order in "+name, func(s *snapshot) float64 { return s.isFirst(s.first().category, i+1) })
	}
	for i, name := range w.Channels {
		add(Mix, "share of orders through "+name, func(s *snapshot) float64 { return ratio(s.channel[i+1], float64(len(s.orders))) })
		add(Mix, "first order through "+name, func(s *snapshot) float64 { return s.isFirst(s.first().channel, i+1) })
	}
	add(Mix, "different products", func(s *snapshot) float64 { return s.different })
	add(Mix, "share of lines that buy a product again", func(s *snapshot) float64 {
		if s.different == 0 {
			return nan
		}
		return 1 - s.different/s.productLines
	})
}

func (w *settings) supply(add adder) {
	add(Supply, "stock-outs met in 30 days", func(s *snapshot) float64 { return s.out30 })
	add(Supply, "stock-outs met in 90 days", func(s *snapshot) float64 { return s.out90 })
	add(Supply, "stock-outs met since the last order", func(s *snapshot) float64 { return s.outSince })
	add(Supply, "last product is to be had in its size", func(s *snapshot) float64 {
		available, known := w.Stock.Available(s.last().product, s.moment)
		if !known {
			return nan
		}
		return oneIf(available)
	})
	add(Supply, "share of the time since the last order without stock", func(s *snapshot) float64 { return s.absent(w.Stock) })
}

func (w *settings) activity(add adder) {
	for i, days := range [...]int{30, 90} {
		add(Contact, fmt.Sprintf("messages in %d days", days), func(s *snapshot) float64 { return s.sent[i] })
		add(Contact, fmt.Sprintf("responses in %d days", days), func(s *snapshot) float64 { return s.responded[i] })
	}
	add(Contact, "responses by message in 90 days", func(s *snapshot) float64 { return ratio(s.responded[1], s.sent[1]) })
	add(Contact, "days since the last response", func(s *snapshot) float64 { return s.since(s.lastResponse) })
	add(Activity, "days since anything", func(s *snapshot) float64 { return s.since(s.lastSeen) })
	add(Activity, "days with anything in 30 days", func(s *snapshot) float64 { return s.activeDays })
	add(Activity, "events before the first order", func(s *snapshot) float64 { return s.before })
	for i, name := range w.Events {
		for k, days := range windows[:last365] {
			add(Activity, fmt.Sprintf("%s in %d days", name, days), func(s *snapshot) float64 { return s.events[i+1].count[k] })
		}
		add(Activity, "days since the last "+name, func(s *snapshot) float64 { return s.since(s.events[i+1].last) })
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
