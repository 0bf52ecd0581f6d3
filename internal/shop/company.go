package shop

import (
	"strconv"

	"clientele"
)

// platforms are where the shop advertises.
var platforms = []string{"search_ads", "social_ads", "display_ads"}

// tellCompany is what the head office's systems say: nobody's records. what is one of its parts,
// so that no part is larger than a street's few thousand records.
func (s *Shop) tellCompany(part int) ([]Record, Totals) {
	w := &writer{shop: s, library: importLibrary, prefix: "k" + itoa(part) + "-", until: s.end}
	if part < len(s.models) {
		w.model(s.models[part])
	} else {
		from := s.start + clientele.Micros(part-len(s.models))*companyDays*day
		for at := from; at < from+companyDays*day && at <= s.end+ratesAhead; at += day {
			w.rates(at)
			if at <= s.end {
				w.advertising(at)
			}
		}
	}
	return w.records, w.totals
}

// ratesAhead is how far ahead rates are set, so that what is bought after the history has one.
const ratesAhead = 30 * day

// companyDays is how many days a part of the head office's records has.
const companyDays = 31

func (s *Shop) companyParts() int {
	return len(s.models) + (HistoryDays+int(ratesAhead/day))/companyDays + 1
}

// model is a model's articles, their prices and their stock.
func (w *writer) model(m *model) {
	s := w.shop
	for _, i := range m.variants {
		a := s.skus[i]
		w.totals.Products++
		w.row(ERP, "products", a.id, s.start, nil, nil, func(o *object) {
			o.text("product_id", a.id)
			o.text("sku", a.id)
			o.text("name", m.name)
			o.text("brand", m.brand)
			o.text("category", m.category.name)
			o.text("size", a.size)
			o.text("colour", m.colour)
			o.money("list_price", a.cents)
			o.money("unit_cost", a.cost)
			o.text("status", "active")
		})
		for k, p := range m.prices {
			w.row(ERP, "prices", a.id+"-p"+itoa(k), p.from, nil, nil, func(o *object) {
				o.text("sku", a.id)
				o.money("price", a.at(p.percent))
				o.time("valid_from", p.from)
				if p.to != 0 {
					o.time("valid_to", p.to)
				}
			})
		}
		w.stock(a)
	}
}

// stock is counted once a month, and whenever an article sells out and comes in again.
func (w *writer) stock(a *sku) {
	s, d := w.shop, roll(w.shop.seed, "counts", a.index)
	for at := s.start + 5*hour; at <= s.end; at += 30 * day {
		n := d.between(4, 160)
		if !s.soldOut(a, at) {
			w.count(a, at, n, 0)
		} else {
			w.count(a, at, 0, at+7*day)
		}
	}
	for quarter := 0; quarter*int(quarterLength/day) < HistoryDays; quarter++ {
		for _, o := range s.shortages(a, quarter) {
			w.count(a, o.from, 0, o.to)
			w.count(a, o.to, d.between(40, 200), 0)
		}
	}
}

func (w *writer) count(a *sku, at clientele.Micros, available int, expected clientele.Micros) {
	if at > w.until {
		return
	}
	w.totals.Stock++
	w.row(ERP, "inventory", a.id+"-"+strconv.FormatInt(int64(at/second), 36), at, nil, nil, func(o *object) {
		o.text("sku", a.id)
		o.text("location", "central")
		o.int("available", available)
		o.time("as_of", at)
		if expected != 0 {
			o.time("expected_at", expected)
		}
	})
}

// rates are the currencies' prices in US dollars on a day: they wander by a per cent or two.
func (w *writer) rates(at clientele.Micros) {
	s := w.shop
	n := int((at - s.start) / day)
	var done []string
	for i := range countries {
		c := &countries[i]
		if c.currency == "USD" || c.currency == "EUR" && len(done) > 0 {
			continue
		}
		done = append(done, c.currency)
		week := func(k int) int { return roll(s.seed, c.currency, k).between(-18, 18) }
		wobble := (week(n/7)*(7-n%7) + week(n/7+1)*(n%7)) / 7 // thousandths
		rate := c.rate + c.rate*wobble/1000
		w.row(ERP, "fx_rates", c.currency+"-"+itoa(n), min(at, s.end), nil, nil, func(o *object) {
			o.date("date", at)
			o.text("currency", c.currency)
			o.key("rate")
			*o = append(*o, "0."...)
			if rate >= 1_000_000 {
				(*o)[len(*o)-2] = '1'
			}
			frac := strconv.Itoa(1_000_000 + rate%1_000_000)
			*o = append(*o, frac[1:]...)
		})
	}
}

// advertising is what a day's campaigns cost.
func (w *writer) advertising(at clientele.Micros) {
	s := w.shop
	for i := range countries {
		c := &countries[i]
		for k, platform := range platforms {
			if platform == "display_ads" && c.people < 10 {
				continue
			}
			d := roll(s.seed, platform, i, int((at-s.start)/day))
			name := "Always On"
			if r := s.running(at + 12*hour); r != nil {
				name = r.name
			}
			clicks := 1 + s.people*c.people*d.between(60, 140)*(3-k)/9_000_000
			cost := clicks * d.between(35, 90)
			w.totals.AdCost += int64(cost)
			w.row(Ads, "ad_spend", platform+"-"+c.code+"-"+itoa(int((at-s.start)/day)), at, nil, nil, func(o *object) {
				o.date("date", at)
				o.text("platform", platform)
				o.text("campaign", name)
				o.text("country", c.code)
				o.int("impressions", clicks*d.between(30, 70))
				o.int("clicks", clicks)
				o.money("cost", cost)
				o.text("currency", "USD")
			})
		}
	}
}
