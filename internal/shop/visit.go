package shop

import (
	"clientele"
)

// call is a message of the tracking API.
type call struct {
	source, typ, name string
	at                clientele.Micros
	person            *person
	device            *device // whose cookie it carries; nil for the calls of servers
	user              string  // userId
	email             string  // whom a server means
	page, referrer    string
	campaign          *campaign
	medium            string
	properties        func(*object)
	traits            func(*object)
	trait             string // address among the traits
}

// event writes the call.
func (w *writer) event(c call) {
	o := make(object, 0, 640)
	messageID := w.nextID()
	o.begin("")
	o.text("type", c.typ)
	o.text("messageId", messageID)
	o.time("timestamp", c.at)
	var ids []clientele.Identifier
	if c.user != "" {
		o.text("userId", c.user)
		ids = append(ids, clientele.Identifier{Namespace: clientele.UserID, Value: c.user})
	}
	if c.device != nil {
		o.text("anonymousId", c.device.cookie)
		ids = append(ids, clientele.Identifier{Namespace: clientele.AnonymousID, Value: c.device.cookie})
	}
	if c.typ == "track" {
		o.text("event", c.name)
	} else {
		o.text("name", c.name)
	}
	if c.properties != nil {
		o.begin("properties")
		c.properties(&o)
		o.end()
	}
	if c.traits != nil {
		o.begin("traits")
		o.text("email", c.trait)
		c.traits(&o)
		o.end()
	}
	o.begin("context")
	o.begin("library")
	o.text("name", w.library)
	o.end()
	w.context(&o, &c)
	o.end()
	o.end()
	if c.device != nil && c.device.app {
		ids = append(ids, clientele.Identifier{Namespace: clientele.DeviceID, Value: c.device.id})
	}
	if e := c.email + c.trait; e != "" { // one of them
		ids = append(ids, normal(clientele.Identifier{Namespace: clientele.Email, Value: e}))
	}
	w.tell(Record{Source: c.source, Kind: clientele.KindEvent, At: c.at, ID: messageID, Raw: o, Identifiers: ids}, c.person)
}

func (w *writer) context(o *object, c *call) {
	if c.email != "" {
		o.begin("traits")
		o.text("email", c.email)
		o.end()
	}
	if c.device == nil {
		return
	}
	if c.device.app {
		o.begin("device")
		o.text("id", c.device.id)
		o.end()
	} else {
		o.text("userAgent", c.device.agent)
		o.begin("page")
		o.text("path", c.page)
		o.text("url", "https://shop.example"+c.page)
		o.text("referrer", c.referrer)
		o.end()
	}
	o.text("locale", c.person.home.country.language)
	if c.campaign != nil {
		o.begin("campaign")
		o.text("name", c.campaign.name)
		o.text("medium", c.medium)
		o.text("source", linkedFrom[c.medium])
		o.end()
	}
}

// linkedFrom is what a campaign's links say of where they stand, by medium.
var linkedFrom = map[string]string{"email": "newsletter", "cpc": "search_ads", "social": "social_ads", "display": "display_ads"}

// outing is a visit that a person will make.
type outing struct {
	at       clientele.Micros
	buys     bool
	launch   bool // comes for the launch
	campaign *campaign
	medium   string
}

// visit is one under way.
type visit struct {
	w    *writer
	d    *dice
	p    *person
	dev  *device
	at   clientele.Micros
	gap  clientele.Micros // between two calls; 0 = as people do
	user string
	outing
	landed bool
}

// walk makes the visit: somebody looks at articles, may sign in, fill a cart and buy.
func (v *visit) walk() {
	if v.dev.app {
		v.signIn()
	}
	v.look("Home", "/")
	if v.d.chance(160) {
		v.track("Products Searched", "/search", func(o *object) { o.text("query", v.p.taste) })
	}
	if v.p.kind == subscriber && !v.p.subscribed {
		v.subscribe()
	}
	n := v.d.between(1, 3)
	if v.p.kind == visitor {
		n = v.d.between(1, 2)
	}
	var cart []*sku
	for i := range n {
		if a := v.view(); a != nil && (v.buys || v.d.chance(160)) && !contains(cart, a) {
			if i > 0 && v.buys && len(cart) > 0 && v.d.chance(450) {
				continue
			}
			v.add(a)
			cart = append(cart, a)
		}
	}
	if v.user == "" && v.p.account != "" && (v.buys || v.d.chance(400)) {
		v.signIn()
	}
	if v.buys && len(cart) > 0 {
		v.checkOut(cart)
	}
}

func contains(cart []*sku, a *sku) bool {
	for _, b := range cart {
		if a == b {
			return true
		}
	}
	return false
}

func (v *visit) system() string {
	if v.dev.app {
		return App
	}
	return Web
}

// send writes a call of this visit and lets time go by.
func (v *visit) send(c call) {
	c.source, c.at, c.person, c.device, c.user = v.system(), v.at, v.p, v.dev, v.user
	if !v.landed {
		c.campaign, c.medium = v.campaign, v.medium
		if c.campaign == nil {
			c.referrer = one(v.d, referrers)
		}
		v.landed = true
	}
	v.w.event(c)
	if v.gap != 0 {
		v.at += v.gap
	} else {
		v.at += clientele.Micros(v.d.between(6, 150)) * second
	}
}

func (v *visit) track(name, page string, properties func(*object)) {
	v.send(call{typ: "track", name: name, page: page, properties: properties})
}

func (v *visit) look(name, page string) {
	typ := "page"
	if v.dev.app {
		typ = "screen"
	}
	v.send(call{typ: typ, name: name, page: page})
}

// signIn is what joins the cookie to the account.
func (v *visit) signIn() {
	v.user = v.p.account
	v.send(call{typ: "identify", page: "/login", trait: v.p.address(), traits: func(o *object) {
		o.text("first_name", v.p.first)
		o.text("last_name", v.p.last)
		o.text("country", v.p.home.country.code)
	}})
}

// address is the one the shop knows: they may have mistyped it.
func (p *person) address() string {
	if p.bounces {
		return misspelt(p.email, &dice{uint64(p.id)})
	}
	return p.email
}

func (v *visit) subscribe() {
	v.p.subscribed = true
	v.send(call{typ: "identify", page: "/newsletter", trait: v.p.address(), traits: func(o *object) {
		o.begin("consent")
		o.begin("marketing")
		o.bool("email", true)
		o.end()
		o.end()
	}})
	v.track("Newsletter Subscribed", "/newsletter", func(o *object) { o.text("form", "footer") })
}

// view is a look at an article in the person's size; nil when it is sold out.
func (v *visit) view() *sku {
	shelf := v.p.taste
	if v.campaign != nil && v.campaign.category != "" {
		shelf = v.campaign.category
	} else if v.d.chance(350) {
		shelf = one(v.d, categories).name
	}
	models := v.w.shop.shelves[shelf]
	m := models[v.d.power(len(models))]
	if v.launch {
		m = v.w.shop.launchModel()
	}
	a := v.w.shop.skus[m.variants[v.p.sizeOf(m, v.d)]]
	out := v.w.shop.soldOut(a, v.at)
	v.track("Product Viewed", m.page, func(o *object) {
		v.article(o, a)
		o.bool("available", !out)
	})
	if !out {
		return a
	}
	if v.d.chance(250) {
		v.track("Back In Stock Requested", m.page, func(o *object) { o.text("sku", a.id); o.text("size", a.size) })
	}
	return nil
}

// sizeOf is the person's size among the model's; once in a while they look at another.
func (p *person) sizeOf(m *model, d *dice) int {
	n := len(m.variants)
	switch n {
	case 12:
		return p.shoe
	case 5:
		return p.wear
	}
	return d.below(n)
}

func (s *Shop) launchModel() *model {
	for _, m := range s.shelves["tents"] {
		if m.name == launched+" Tent" {
			return m
		}
	}
	return s.models[0]
}

func (v *visit) article(o *object, a *sku) {
	c := v.p.home.country
	o.text("product_id", a.id)
	o.text("sku", a.id)
	o.text("name", a.model.name)
	o.text("category", a.model.category.name)
	o.text("brand", a.model.brand)
	o.text("size", a.size)
	o.text("colour", a.model.colour)
	o.money("price", c.in(a.priceAt(v.at)))
	o.text("currency", c.currency)
}

func (v *visit) add(a *sku) {
	v.track("Product Added", "/cart", func(o *object) {
		v.article(o, a)
		o.int("quantity", 1)
	})
}

// checkOut buys the cart. Who has no account gives an address.
func (v *visit) checkOut(cart []*sku) {
	if v.user == "" {
		mail := v.p.address()
		if v.p.work != "" && v.d.chance(400) {
			mail = v.p.work
		}
		v.send(call{typ: "identify", page: "/checkout", trait: mail, traits: func(o *object) {
			o.text("first_name", v.p.first)
			o.text("last_name", v.p.last)
			o.text("city", v.p.home.city)
			o.text("country", v.p.home.country.code)
		}})
	}
	v.track("Checkout Started", "/checkout", func(o *object) { o.int("items", len(cart)) })
	b := v.w.newOrder(v.p, v.d, v.system(), v.at, cart)
	v.track("Order Completed", "/thanks", b.properties)
	v.w.completed(b)
}
