package shop

import (
	"fmt"
	"strings"

	"clientele"
)

// kind is what sort of customer somebody is.
type kind int

const (
	visitor    kind = iota // looks, and never says who they are
	subscriber             // reads the newsletter
	oneTime                // bought once
	occasional
	loyal
	hunter // buys what is reduced
	churned
)

// habit is what people of a kind do in a year.
type habit struct {
	share          int    // of a thousand people
	visits, orders [2]int // from, to
	reads          int    // per mille of campaigns mailed to them, if they agree
	agrees         int    // per mille who agree to e-mail
	member         int    // per mille in the loyalty programme
	account        int    // per mille with an account
	traits         string
}

var habits = []habit{
	visitor:    {share: 560, visits: [2]int{1, 2}},
	subscriber: {share: 90, visits: [2]int{1, 2}, reads: 380, agrees: 1000, traits: "subscriber"},
	oneTime:    {share: 160, visits: [2]int{1, 3}, orders: [2]int{1, 1}, reads: 280, agrees: 520, member: 80, account: 450, traits: "customer"},
	occasional: {share: 75, visits: [2]int{2, 5}, orders: [2]int{2, 3}, reads: 450, agrees: 650, member: 400, account: 750, traits: "customer"},
	loyal:      {share: 40, visits: [2]int{6, 12}, orders: [2]int{3, 9}, reads: 700, agrees: 850, member: 920, account: 950, traits: "customer"},
	hunter:     {share: 40, visits: [2]int{3, 6}, orders: [2]int{2, 4}, reads: 600, agrees: 900, member: 500, account: 850, traits: "customer"},
	churned:    {share: 35, visits: [2]int{3, 6}, orders: [2]int{2, 5}, reads: 400, agrees: 550, member: 450, account: 800, traits: "customer"},
}

// device is a browser, or a telephone with the app.
type device struct {
	cookie, id string
	app        bool
	agent      string
	shared     bool
}

// person is one true customer.
type person struct {
	id           int
	kind         kind
	home         *household
	first, last  string
	email        string // as they write it
	work         string // a second address, "" for most
	phone        string
	account      string // user id
	card         string // loyalty id
	customer     string // number in the CRM
	devices      []*device
	shoe, wear   int // their size among the sizes of a model
	taste        string
	joined, left clientele.Micros
	since        clientele.Micros // customer since
	mail, sms    bool             // what they agreed to
	push         bool
	bounces      bool // the address the shop has is mistyped
	subscribed   bool // to the newsletter, on the web
	messages     int
	orders       int
	points       int              // to spend
	earned       int              // ever
	booked       clientele.Micros // when points were last
}

// household is people who live together.
type household struct {
	country *country
	city    string
	street  string
	postal  string
	phone   string // one for all, in some
	tablet  *device
	people  []*person
}

// streetSize is how many people a street has.
const streetSize = 10

// streets is how many streets the shop's people fill.
func (s *Shop) streets() int { return (s.people + streetSize - 1) / streetSize }

// peopleOf moves people into the street: the same ones whenever it is asked. The last street
// has fewer, and streets behind it have those who come after the history.
func (s *Shop) peopleOf(street int) []*person {
	first := street*streetSize + 1
	last := first + streetSize - 1
	if first <= s.people {
		last = min(last, s.people)
	}
	d := roll(s.seed, "street", street)
	var all []*person
	for id := first; id <= last; {
		n := min(1+d.pick([]int{62, 22, 9, 7}), last-id+1)
		h := s.household(d, id)
		for range n {
			p := s.person(id, h, d)
			h.people, all = append(h.people, p), append(all, p)
			id++
		}
		h.share(d)
	}
	return all
}

func (s *Shop) household(d *dice, id int) *household {
	weights := make([]int, len(countries))
	for i := range countries {
		weights[i] = countries[i].people
	}
	c := &countries[d.pick(weights)]
	return &household{country: c, city: one(d, c.cities), street: fmt.Sprintf("%s Street %d", one(d, streets), d.between(1, 120)),
		postal: fmt.Sprintf("%05d", d.between(10_000, 99_999)), phone: fmt.Sprintf("%s%07d", c.phone, 5_000_000+id)}
}

func (s *Shop) person(id int, h *household, street *dice) *person {
	d := roll(s.seed, "person", id)
	weights := make([]int, len(habits))
	for i := range habits {
		weights[i] = habits[i].share
	}
	p := &person{id: id, home: h, kind: kind(d.pick(weights)), first: one(d, firstNames), last: one(d, lastNames), since: s.start}
	if len(h.people) > 0 && street.chance(700) {
		p.last = h.people[0].last
	}
	p.email = strings.ToLower(fmt.Sprintf("%s.%s%d@%s", p.first, mailName.Replace(strings.ToLower(p.last)), id, one(d, mailHosts)))
	p.phone = fmt.Sprintf("%s%07d", h.country.phone, id)
	likes := make([]int, len(categories))
	for i := range categories {
		likes[i] = categories[i].wanted
	}
	p.taste = categories[d.pick(likes)].name
	p.shoe, p.wear = d.between(1, 5)+d.between(0, 5), d.pick([]int{8, 22, 34, 24, 12})
	s.habits(p, d)
	s.devices(p, d)
	return p
}

// habits decides how long they stay and what they sign.
func (s *Shop) habits(p *person, d *dice) {
	h := &habits[p.kind]
	year := int((s.end - s.start) / hour)
	p.joined, p.left = s.start, s.end
	switch p.kind {
	case visitor, oneTime, subscriber:
		p.joined += clientele.Micros(d.below(year-24)) * hour
	case churned:
		p.left = s.start + clientele.Micros(d.between(90*24, 200*24))*hour
	default:
		if d.chance(400) { // the others were customers before
			p.joined += clientele.Micros(d.below(year*2/3)) * hour
		}
	}
	if p.since = p.joined; p.joined == s.start {
		p.since -= clientele.Micros(d.between(10, 2000)) * day
	}
	if d.chance(h.account) {
		p.account = fmt.Sprintf("u%06d", 100_000+p.id)
	}
	if d.chance(h.member) {
		p.card = fmt.Sprintf("L%08d", 10_000_000+p.id)
	}
	if p.kind > subscriber {
		p.customer = fmt.Sprint(200_000 + p.id)
	}
	p.mail, p.sms = d.chance(h.agrees), p.kind > subscriber && d.chance(180)
	if d.chance(70) && p.kind > subscriber {
		p.work = strings.ToLower(fmt.Sprintf("%s%s@work%d.example", p.first[:1], mailName.Replace(strings.ToLower(p.last)), p.id%97+1))
	}
	p.bounces = p.kind == subscriber && d.chance(30)
}

// devices gives a person a browser, some a second one and the app.
func (s *Shop) devices(p *person, d *dice) {
	n := 1
	if p.kind != visitor && d.chance(350) || d.chance(120) {
		n = 2
	}
	for i := range n {
		p.devices = append(p.devices, &device{cookie: cookie(d), agent: one(d, browsers), id: fmt.Sprint(i)})
	}
	if p.account != "" && d.chance(300) {
		p.push = d.chance(600)
		p.devices = append(p.devices, &device{cookie: cookie(d), id: fmt.Sprintf("D%012x", d.next()>>16), app: true})
	}
}

func cookie(d *dice) string {
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", d.next()>>32, d.next()>>48, d.next()>>52, 0x8000|d.next()>>50, d.next()>>16)
}

// share decides what the household has in common: a tablet, a telephone.
func (h *household) share(d *dice) {
	if len(h.people) < 2 {
		h.phone = ""
		return
	}
	if d.chance(300) {
		h.tablet = &device{cookie: cookie(d), agent: browsers[len(browsers)-1], shared: true}
		for _, p := range h.people {
			p.devices = append(p.devices, h.tablet)
		}
	}
	if !d.chance(120) {
		h.phone = ""
	}
}

// misspelt swaps two letters of an address's name.
func misspelt(email string, d *dice) string {
	name, host, _ := strings.Cut(email, "@")
	at := d.between(1, len(name)-2)
	for i := 0; name[at] == name[at-1] && i < len(name); i++ {
		at = 1 + (at+1)%(len(name)-2)
	}
	return name[:at-1] + name[at:at+1] + name[at-1:at] + name[at+1:] + "@" + host
}
