package shop

import (
	"strconv"

	"clientele"
)

func itoa(n int) string { return strconv.Itoa(n) }

// talk is a chat or a call, about an order or about nothing they bought yet.
func (w *writer) talk(p *person, orderID string, d *dice, at clientele.Micros) {
	if at > w.until {
		return
	}
	k := d.pick([]int{34, 20, 12, 10, 14, 4, 6})
	channel, cost, length := "chat", d.between(180, 420), d.between(3, 25)
	who := id(clientele.Email, p.address())
	if d.chance(400) {
		channel, cost, length = "phone", d.between(450, 1400), d.between(2, 30)
		if p.customer != "" {
			who = id(clientele.Phone, p.phone)
		}
	}
	cid := "C" + orderID
	if orderID == "" {
		cid += w.nextID()
	}
	w.row(Support, "conversations", cid, at, p, []named{who}, func(o *object) {
		o.text("conversation_id", cid)
		o.text("channel", channel)
		o.text("direction", "inbound")
		o.time("started_at", at)
		o.time("ended_at", at+clientele.Micros(length)*minute)
		o.text("queue", p.home.country.language[:2])
		o.text("agent", "agent-"+itoa(d.between(1, 14)))
		o.text("topic", topics[k])
		o.text("page", helpPages[k])
		o.text("order_id", orderID)
		o.bool("resolved", d.chance(820))
		o.int("csat", d.between(2, 5)-d.below(2))
		o.money("cost", cost)
	})
	w.totals.Conversations++
	w.totals.ServiceCost += int64(cost)
	if topics[k] != "complaint" {
		return
	}
	w.totals.Complaints++
	w.event(call{source: Support, typ: "track", name: "Complaint Filed", at: at, person: p, email: p.address(), properties: func(o *object) {
		o.text("conversation_id", cid)
		o.text("order_id", orderID)
		o.text("reason", one(d, complaintsOf))
	}})
}

// tiers of the loyalty programme, by points earned in the history.
var tiers = []struct {
	name string
	from int
}{{"gold", 900}, {"silver", 350}, {"bronze", 0}}

func tierOf(points int) string {
	for _, t := range tiers {
		if points >= t.from {
			return t.name
		}
	}
	return ""
}

// earn books an order's points, one for each of the price list's currency. Some are spent again.
func (w *writer) earn(b *order, d *dice) {
	p := b.person
	points := b.revenue() * 10 / b.country().factor
	if points == 0 {
		return
	}
	at := b.at + hour
	if at > w.until-hour {
		return
	}
	before := tierOf(p.earned)
	p.earned += points
	w.points(p, points, "order "+b.id, at)
	if tierOf(p.earned) != before {
		w.account(p, at)
	}
	if at += clientele.Micros(d.between(1, 20)) * day; p.points >= voucher && at <= w.until-hour && d.chance(250) {
		w.points(p, -voucher, "voucher", at)
	}
}

// voucher is how many points are one.
const voucher = 500

func (w *writer) points(p *person, points int, reason string, at clientele.Micros) {
	p.points += points
	p.booked = max(p.booked, at)
	w.totals.Points += int64(points)
	w.row(Loyalty, "loyalty_ledger", p.card+"-"+w.nextID(), at, p, nil, func(o *object) {
		o.text("loyalty_id", p.card)
		o.time("ts", at)
		o.int("points", points)
		o.text("reason", reason)
	})
}

// account tells how a loyalty account stands.
func (w *writer) account(p *person, at clientele.Micros) {
	who := []named{sure(loyaltyID, p.card), id(clientele.Email, p.email)}
	if p.account != "" {
		who = append(who, id(clientele.UserID, p.account))
	}
	w.row(Loyalty, "loyalty_accounts", p.card+"-"+w.nextID(), at, p, who, func(o *object) {
		o.text("loyalty_id", p.card)
		o.text("tier", tierOf(p.earned))
		o.int("points", p.points)
	})
}

// register is what the back office knows of a customer: CRM, loyalty account, bought attributes.
func (w *writer) register(p *person, d *dice) {
	at := p.joined + 2*hour
	if p.customer != "" {
		phone := ""
		if d.chance(550) {
			phone = p.phone
		} else if p.home.phone != "" {
			phone = p.home.phone
		}
		w.customer(p, p.customer, p.first, p.email, phone, at)
		if d.chance(45) { // somebody typed them in a second time
			again, first := p.email, p.first
			if d.chance(500) {
				again = misspelt(p.email, d)
			}
			if d.chance(400) {
				first = first[:1] + "."
			}
			if phone != p.phone || d.chance(500) {
				phone = ""
			}
			w.customer(p, p.customer+"B", first, again, phone, at+clientele.Micros(d.between(20, 90))*day)
		}
	}
	if p.card != "" && at <= w.until {
		w.totals.Members++
		w.account(p, at)
	}
	if p.kind > visitor && d.chance(300) {
		w.enrich(p, d, at+40*day)
	}
}

func (w *writer) customer(p *person, number, first, mail, phone string, at clientele.Micros) {
	who := []named{id(customerID, number), id(clientele.Email, mail), id(clientele.Phone, phone)}
	if p.account != "" && number == p.customer {
		who = append(who, id(clientele.UserID, p.account))
	}
	h := p.home
	w.row(CRM, "profiles", "crm-"+number, at, p, who, func(o *object) {
		o.begin("traits")
		o.text("first_name", first)
		o.text("last_name", p.last)
		o.text("street", h.street)
		o.text("postal_code", h.postal)
		o.text("city", h.city)
		o.text("country", h.country.code)
		o.text("language", h.country.language[:2])
		o.date("customer_since", p.since)
		o.text("segment", habits[p.kind].traits)
		o.end()
		o.list("consents")
		for _, c := range []struct {
			channel string
			granted bool
		}{{"email", p.mail}, {"sms", p.sms}} {
			o.begin("")
			o.text("purpose", "marketing")
			o.text("channel", c.channel)
			o.bool("granted", c.granted)
			o.text("legal_basis", "consent")
			o.text("jurisdiction", h.country.code)
			o.text("text_version", "2025-2")
			o.end()
		}
		o.endList()
	})
}

// enrich is what was bought about a person; its traits say so by their names.
func (w *writer) enrich(p *person, d *dice, at clientele.Micros) {
	w.row(Enrichment, "profiles", "x"+itoa(p.id), at, p, []named{id(clientele.Email, p.email)}, func(o *object) {
		o.begin("traits")
		o.text("ext_income", one(d, incomeBands))
		o.text("ext_household", one(d, livingAs))
		o.text("ext_region", one(d, regionKinds))
		o.int("ext_outdoor_affinity", d.between(1, 100))
		o.end()
	})
}
