package shop

import (
	"fmt"
	"strconv"

	"clientele"
)

// order is what somebody bought. Amounts are hundredths of the country's currency.
type order struct {
	id, source string
	at         clientele.Micros
	person     *person
	guest      bool // nobody knows whose it is
	lines      []line
	coupon     string
	shipping   int
	method     string // of payment
}

type line struct {
	sku                   *sku
	quantity, price, list int
	discount              int
}

func (o *order) country() *country { return o.person.home.country }

func (o *order) discount() (sum int) {
	for _, l := range o.lines {
		sum += l.discount
	}
	return sum
}

// revenue is goods after discount, without tax and shipping.
func (o *order) revenue() (sum int) {
	for _, l := range o.lines {
		sum += l.quantity*l.price - l.discount
	}
	return sum
}

func (o *order) tax() int { return (o.revenue()*o.country().vat + 500) / 1000 }

func (o *order) total() int { return o.revenue() + o.tax() + o.shipping }

// newOrder prices the cart at the prices in force.
func (w *writer) newOrder(p *person, d *dice, source string, at clientele.Micros, cart []*sku) *order {
	c := p.home.country
	p.orders++
	b := &order{id: w.orderID(p, source), source: source, at: at, person: p, method: []string{"card", "card", "paypal", "invoice"}[d.below(4)]}
	if k := w.shop.running(at); k != nil && k.coupon != "" && (p.kind == hunter || d.chance(250)) {
		b.coupon = k.coupon
	}
	for _, a := range cart {
		l := line{sku: a, quantity: 1, price: c.in(a.priceAt(at)), list: c.in(a.cents)}
		if a.model.category.name == "socks" {
			l.quantity = d.between(1, 4)
		}
		if b.coupon != "" {
			l.discount = (l.quantity*l.price + 5) / 10
		}
		b.lines = append(b.lines, l)
	}
	if source != Store && b.revenue() < c.free {
		b.shipping = c.shipping
	}
	return b
}

func (w *writer) orderID(p *person, source string) string {
	letter := map[string]string{Web: "W", App: "A", Store: "S"}[source]
	if w.live {
		return letter + w.nextID()
	}
	return letter + strconv.Itoa(p.id) + "-" + strconv.Itoa(p.orders)
}

// properties are those of Order Completed.
func (o *order) properties(out *object) {
	out.text("order_id", o.id)
	o.amounts(out)
	out.money("total", o.total())
	out.text("sales_channel", o.source)
	out.text("payment_method", o.method)
	out.text("shipping_method", "standard")
	out.list("products")
	for _, l := range o.lines {
		out.begin("")
		out.text("product_id", l.sku.id)
		l.columns(out)
		out.end()
	}
	out.endList()
}

func (o *order) amounts(out *object) {
	out.money("revenue", o.revenue())
	out.money("discount", o.discount())
	out.money("shipping", o.shipping)
	out.money("tax", o.tax())
	out.text("currency", o.country().currency)
	out.text("coupon", o.coupon)
}

func (l *line) columns(out *object) {
	out.text("sku", l.sku.id)
	out.text("name", l.sku.model.name)
	out.text("category", l.sku.model.category.name)
	out.text("size", l.sku.size)
	out.text("colour", l.sku.model.colour)
	out.int("quantity", l.quantity)
	out.money("price", l.price)
	out.money("list_price", l.list)
	out.money("discount", l.discount)
}

// sell is a purchase at a point of sale: the card, an address for the receipt, or nobody's.
func (w *writer) sell(p *person, d *dice, at clientele.Micros) {
	branch := branchOf[p.home.country.code]
	models := w.shop.shelves[p.taste]
	var cart []*sku
	for range d.between(1, 2) {
		m := models[d.power(len(models))]
		if a := w.shop.skus[m.variants[p.sizeOf(m, d)]]; !w.shop.soldOut(a, at) && !contains(cart, a) {
			cart = append(cart, a)
		}
	}
	if len(cart) == 0 {
		return
	}
	b := w.newOrder(p, d, Store, at, cart)
	var who []named
	switch {
	case p.card != "" && d.chance(850):
		who = []named{sure(loyaltyID, p.card)}
	case d.chance(600):
		mail := p.email
		if d.chance(50) { // typed by the clerk
			mail = misspelt(mail, d)
		}
		who = []named{id(clientele.Email, mail)}
	default:
		b.guest = true
	}
	w.row(Store, "orders", b.id, at, p, who, func(o *object) {
		o.text("order_id", b.id)
		o.time("ts", at)
		o.text("status", "completed")
		b.amounts(o)
		o.text("sales_channel", Store)
		o.text("store", branch)
		o.text("agent", fmt.Sprintf("%s %d", branch, d.between(1, 6)))
	})
	for _, l := range b.lines {
		w.row(Store, "order_lines", b.id+"/"+l.sku.id, at, p, who, func(o *object) {
			o.text("order_id", b.id)
			o.text("line", l.sku.id)
			o.time("ts", at)
			o.text("product_id", l.sku.id)
			l.columns(o)
		})
	}
	w.row(Store, "payments", b.id, at, nil, nil, func(o *object) {
		o.text("payment_id", b.id)
		o.text("order_id", b.id)
		o.time("ts", at)
		o.text("method", []string{"card", "cash"}[d.below(2)])
		o.money("amount", b.total())
		o.text("status", "paid")
	})
	w.completed(b)
}

// completed is what an order brings with it: points, parcels that come back, calls.
func (w *writer) completed(b *order) {
	if b.at > w.until {
		return
	}
	currency := b.country().currency
	w.totals.Orders++
	w.totals.Lines += len(b.lines)
	w.totals.Payments++
	w.totals.Revenue.add(currency, b.revenue())
	if w.live || b.guest {
		return
	}
	d := roll(w.shop.seed, "after", b.person.id, b.person.orders)
	if b.person.card != "" {
		w.earn(b, d)
	}
	for _, l := range b.lines {
		risk := 60
		switch l.sku.model.category.name {
		case "hiking boots", "hiking shoes", "jackets", "trousers":
			risk = 160
		}
		if b.person.kind == hunter {
			risk += 80
		}
		if b.source != Store && d.chance(risk) {
			w.takeBack(b, l, d)
		}
	}
	if d.chance(90) {
		w.talk(b.person, b.id, d, b.at+clientele.Micros(d.between(2, 12*24))*hour)
	}
}

// takeBack is an article that comes back to the warehouse, and the money that goes back.
func (w *writer) takeBack(b *order, l line, d *dice) {
	at := b.at + clientele.Micros(d.between(4*24, 21*24))*hour
	if at > w.until {
		return
	}
	amount := l.quantity*l.price - l.discount
	rid := "R" + b.id + "/" + l.sku.id
	why := one(d, returnWhys)
	if len(l.sku.model.variants) < 5 && (why == "too small" || why == "too large") {
		why = "changed mind"
	}
	w.row(ERP, "returns", rid, at, b.person, []named{id(clientele.Email, b.person.address())}, func(o *object) {
		o.text("return_id", rid)
		o.text("order_id", b.id)
		o.text("line", l.sku.id)
		o.time("ts", at)
		o.text("sku", l.sku.id)
		o.int("quantity", l.quantity)
		o.money("amount", amount)
		o.text("method", one(d, returnWays))
		o.text("reason", why)
	})
	w.totals.Returns++
	w.totals.Returned.add(b.country().currency, amount)
	at += 2 * day
	if at > w.until {
		return
	}
	w.row(ERP, "payments", rid, at, nil, nil, func(o *object) {
		o.text("payment_id", rid)
		o.text("order_id", b.id)
		o.time("ts", at)
		o.text("method", b.method)
		o.money("amount", -amount)
		o.text("status", "refunded")
	})
	w.totals.Payments++
}
