package shop

import (
	"clientele"
)

// mailings are the campaigns as they reach a person who agreed: sent, delivered or bounced,
// opened, clicked, and now and then the end of it. Clicks become visits.
func (w *writer) mailings(p *person, d *dice) (visits []outing) {
	if !p.mail {
		w.texts(p, d)
		return nil
	}
	for i := range w.shop.campaigns {
		c := &w.shop.campaigns[i]
		at := c.from + 3*hour + clientele.Micros(d.below(240))*minute
		if at < p.joined+day || at > w.until || !d.chance(habits[p.kind].reads) {
			continue
		}
		p.messages++
		w.totals.Messages++
		m := message{w: w, p: p, id: w.prefix + "m" + itoa(p.id) + "-" + itoa(p.messages), campaign: c, channel: "email"}
		m.status("Email Sent", at, "")
		at += clientele.Micros(d.between(2, 90)) * second
		if p.bounces {
			m.status("Email Bounced", at, "mailbox does not exist")
			return visits
		}
		m.status("Email Delivered", at, "")
		gone := p.kind == churned && at > p.left
		if gone && !d.chance(150) || !gone && !d.chance(420) {
			continue
		}
		at += clientele.Micros(d.between(1, 2000)) * minute
		m.status("Email Opened", at, "")
		switch {
		case !gone && d.chance(220):
			at += clientele.Micros(d.between(5, 90)) * second
			m.status("Email Link Clicked", at, "")
			if at < p.left {
				visits = append(visits, outing{at: at + 3*second, campaign: c, medium: "email"})
			}
		case d.chance(12) || gone && d.chance(250):
			m.status("Unsubscribed", at+minute, "")
			w.refuse(p, at+minute)
			return visits
		case d.chance(2):
			m.status("Email Marked as Spam", at+minute, "")
			return visits
		}
	}
	w.texts(p, d)
	return visits
}

// texts are what reaches telephones: push for the app, SMS for who agreed to it.
func (w *writer) texts(p *person, d *dice) {
	for i := range w.shop.campaigns {
		c := &w.shop.campaigns[i]
		at := c.from + 10*hour
		if c.percent == 0 && !c.launch || at < p.joined+day || at > p.left {
			continue
		}
		if p.push && d.chance(600) && at <= w.until {
			p.messages++
			w.totals.Messages++
			m := message{w: w, p: p, id: w.prefix + "n" + itoa(p.id) + "-" + itoa(p.messages), campaign: c, channel: "push"}
			m.status("Push Notification Sent", at, "")
			m.status("Push Notification Received", at+2*second, "")
			if d.chance(80) {
				m.status("Push Notification Tapped", at+clientele.Micros(d.between(1, 300))*minute, "")
			}
		}
		if p.sms && d.chance(350) && at <= w.until {
			p.messages++
			w.totals.Messages++
			mid := w.prefix + "s" + itoa(p.id) + "-" + itoa(p.messages)
			status := []string{"delivered", "delivered", "delivered", "delivered", "bounced"}[d.below(5)]
			w.row(Email, "messages", mid, at, p, []named{id(clientele.Phone, p.phone)}, func(o *object) {
				o.text("message_id", mid)
				o.text("platform", "postbird")
				o.text("channel", "sms")
				o.text("direction", "outbound")
				o.text("campaign", c.name)
				o.time("ts", at)
				o.text("status", status)
				o.money("cost", 6)
			})
		}
	}
}

// message is one that the outside platform sends.
type message struct {
	w        *writer
	p        *person
	id       string
	campaign *campaign
	channel  string
}

func (m *message) status(name string, at clientele.Micros, reason string) {
	c := call{source: Email, typ: "track", name: name, at: at, person: m.p, properties: func(o *object) {
		o.text("message_id", m.id)
		o.text("platform", "postbird")
		o.text("campaign_name", m.campaign.name)
		o.text("template", "campaign")
		o.text("reason", reason)
	}}
	if m.channel == "push" {
		c.user = m.p.account
	} else {
		c.email = m.p.address()
	}
	m.w.event(c)
}

// refuse is a decision taken back.
func (w *writer) refuse(p *person, at clientele.Micros) {
	w.row(Email, "consents", "c"+itoa(p.id)+"-off", at, p, []named{id(clientele.Email, p.address())}, func(o *object) {
		o.text("purpose", "marketing")
		o.text("channel", "email")
		o.bool("granted", false)
		o.time("ts", at)
		o.text("legal_basis", "consent")
		o.text("jurisdiction", p.home.country.code)
		o.text("text_version", "2026-1")
	})
}
