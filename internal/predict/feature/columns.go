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

// Names of features that stand for others like them.
const (
	sinceLast      = "days since the last order"
	ordersRecently = "orders in 90 days"
	spentRecently  = "spent in 90 days"
	ordersTrend    = "orders in 90 days against the 90 before"
	orderSize      = "mean size of an order"
	usualGap       = "usual days between orders"
	discountDepth  = "depth of discounts"
	pricePaid      = "price paid against the reference"
)

// catalog lists the features. The order is that of the table.
func (w *settings) catalog() []column {
	var out []column
	add := func(group, lead, name string, of func(s *snapshot) float64) {
		if lead == "" {
			lead = name
		}
		out = append(out, column{Column{name, group, lead}, of})
	}
	w.behaviour(add)
	w.prices(add)
	w.mix(add)
	w.supply(add)
	w.activity(add)
	return out
}

type adder func(group, lead, name string, of func(s *snapshot) float64)

func (w *settings) behaviour(add adder) {
	add(Behaviour, "", sinceLast, func(s *snapshot) float64 { return s.sinceOrder() })
	add(Age, "", "days since the first order", func(s *snapshot) float64 {
		if len(s.orders) == 0 {
			return nan
		}
		return s.days(s.orders[0].at)
	})
	for i, days := range windows {
		add(Behaviour, ordersRecently, fmt.Sprintf("orders in %d days", days), func(s *snapshot) float64 { return s.count[i] })
		add(Behaviour, spentRecently, fmt.Sprintf("spent in %d days", days), func(s *snapshot) float64 { return s.spent[i] })
	}
	add(Age, "", "orders ever", func(s *snapshot) float64 { return float64(len(s.orders)) })
	add(Age, "", "spent ever", func(s *snapshot) float64 { return s.spentEver })
	add(Behaviour, ordersRecently, "orders in 30 days of being a customer", func(s *snapshot) float64 {
		if len(s.orders) == 0 {
			return nan
		}
		return 30 * float64(len(s.orders)) / max(s.days(s.orders[0].at), 30)
	})
	add(Behaviour, ordersTrend, "orders in 30 days against the 30 before", func(s *snapshot) float64 { return trend(s.count[last30], s.before30) })
	add(Behaviour, "", ordersTrend, func(s *snapshot) float64 { return trend(s.count[last90], s.before90) })
	add(Behaviour, ordersTrend, "spent in 90 days against the 90 before", func(s *snapshot) float64 { return moneyTrend(s.spent[last90], s.spentBefore90) })
	add(Behaviour, orderSize, "size of the last order", func(s *snapshot) float64 { return s.last().amount })
	add(Behaviour, "", orderSize, func(s *snapshot) float64 { return ratio(s.spentEver, float64(len(s.orders))) })
	add(Behaviour, orderSize, "size of the last order against the mean", func(s *snapshot) float64 {
		return ratio(s.last().amount*float64(len(s.orders)), s.spentEver)
	})
	add(Behaviour, orderSize, "size of the first order", func(s *snapshot) float64 { return s.first().amount })
	add(Behaviour, orderSize, "lines of the first order", func(s *snapshot) float64 { return s.first().lines })
	add(Behaviour, orderSize, "mean lines of an order", func(s *snapshot) float64 { return ratio(s.linesEver, float64(len(s.orders))) })
	add(Behaviour, "", usualGap, func(s *snapshot) float64 { return s.medianGap() })
	add(Behaviour, usualGap, "last days between orders", func(s *snapshot) float64 { return s.lastGap() })
	add(Behaviour, sinceLast, "days since the last order against the usual gap", func(s *snapshot) float64 { return s.sinceOrder() / s.ownGap(w.typical) })
	add(Behaviour, usualGap, "spread of the days between orders", func(s *snapshot) float64 { return s.gapSpread() })
	add(Behaviour, "", "share of orders at weekends", func(s *snapshot) float64 { return ratio(s.weekend, float64(len(s.orders))) })
	for i, name := range [...]string{"at night", "in the morning", "in the afternoon", "in the evening"} {
		add(Behaviour, "hours of orders", "share of orders "+name, func(s *snapshot) float64 { return ratio(s.dayPart[i], float64(len(s.orders))) })
	}
	add(Returns, "share of money given back", "share of money given back", func(s *snapshot) float64 { return ratio(s.returned, s.spentEver) })
	add(Returns, "share of money given back", "returns in 90 days", func(s *snapshot) float64 { return s.returns90 })
	add(Returns, "share of money given back", "returns ever", func(s *snapshot) float64 { return s.returnsEver })
	add(Returns, "share of money given back", "days since the last return", func(s *snapshot) float64 { return s.since(s.lastReturn) })
}

func (w *settings) prices(add adder) {
	add(Price, discountDepth, "share of lines with a discount", func(s *snapshot) float64 { return ratio(s.discounted, s.linesEver) })
	add(Price, discountDepth, "share of orders at full price", func(s *snapshot) float64 { return ratio(s.fullPrice, float64(len(s.orders))) })
	add(Price, "", discountDepth, func(s *snapshot) float64 { return ratio(s.discountEver, s.discountEver+s.spentEver) })
	add(Price, discountDepth, "depth of discounts in 90 days", func(s *snapshot) float64 { return ratio(s.discount90, s.discount90+s.spent[last90]) })
	add(Price, discountDepth, "discount of the last order", func(s *snapshot) float64 { return s.last().depth() })
	add(Price, discountDepth, "discount of the first order", func(s *snapshot) float64 { return s.first().depth() })
	add(Price, "", pricePaid, func(s *snapshot) float64 { return ratio(s.against, s.compared) })
	add(Price, pricePaid, "price paid against the reference, last order", func(s *snapshot) float64 { return ratio(s.last().against, s.last().compared) })
	add(Price, pricePaid, "price now of the last product against what was paid", func(s *snapshot) float64 {
		l := s.last()
		if l.price <= 0 {
			return nan
		}
		return w.Prices.At(l.product, s.moment) / l.price
	})
}

func (w *settings) mix(add adder) {
	for i, name := range w.Categories {
		add(Mix, "categories", "share of spending on "+name, func(s *snapshot) float64 { return ratio(s.category[i+1], s.spentEver) })
		add(Mix, "categories", "first order in "+name, func(s *snapshot) float64 { return s.isFirst(s.first().category, i+1) })
	}
	for i, name := range w.Channels {
		add(Mix, "channels", "share of orders through "+name, func(s *snapshot) float64 { return ratio(s.channel[i+1], float64(len(s.orders))) })
		add(Mix, "channels", "first order through "+name, func(s *snapshot) float64 { return s.isFirst(s.first().channel, i+1) })
	}
	add(Age, "", "different products ever", func(s *snapshot) float64 { return s.different })
	add(Mix, "", "share of lines that buy a product again", func(s *snapshot) float64 {
		if s.different == 0 {
			return nan
		}
		return 1 - s.different/s.productLines
	})
}

func (w *settings) supply(add adder) {
	add(Supply, "stock-outs met in 90 days", "stock-outs met in 30 days", func(s *snapshot) float64 { return s.out30 })
	add(Supply, "stock-outs met in 90 days", "stock-outs met in 90 days", func(s *snapshot) float64 { return s.out90 })
	add(Supply, "stock-outs met in 90 days", "stock-outs met since the last order", func(s *snapshot) float64 { return s.outSince })
	add(Supply, "last product is to be had in its size", "last product is to be had in its size", func(s *snapshot) float64 {
		available, known := w.Stock.Available(s.last().product, s.moment)
		if !known {
			return nan
		}
		return oneIf(available)
	})
	add(Supply, "last product is to be had in its size", "share of the time since the last order without stock", func(s *snapshot) float64 { return s.absent(w.Stock) })
}

func (w *settings) activity(add adder) {
	for i, days := range [...]int{30, 90} {
		add(Contact, "messages and responses", fmt.Sprintf("messages in %d days", days), func(s *snapshot) float64 { return s.sent[i] })
		add(Contact, "messages and responses", fmt.Sprintf("responses in %d days", days), func(s *snapshot) float64 { return s.responded[i] })
	}
	add(Contact, "messages and responses", "responses by message in 90 days", func(s *snapshot) float64 { return ratio(s.responded[1], s.sent[1]) })
	add(Contact, "messages and responses", "days since the last response", func(s *snapshot) float64 { return s.since(s.lastResponse) })
	add(Activity, "days since anything but orders", "days since anything but orders", func(s *snapshot) float64 { return s.since(s.lastSeen) })
	add(Activity, "days since anything but orders", "days with anything but orders in 30 days", func(s *snapshot) float64 { return s.activeDays })
	add(Age, "", "events before the first order", func(s *snapshot) float64 { return s.before })
	for i, name := range w.Events {
		for k, days := range windows[:last365] {
			add(Activity, name, fmt.Sprintf("%s in %d days", name, days), func(s *snapshot) float64 { return s.events[i+1].count[k] })
		}
		add(Activity, name, "days since the last "+name, func(s *snapshot) float64 { return s.since(s.events[i+1].last) })
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
