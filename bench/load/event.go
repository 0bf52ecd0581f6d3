package load

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

// Products is the size of the catalogue.
const Products = 5000

// Generator writes events as browsers and apps send them: 780 bytes on average, each with its own
// message id and time. It is for one goroutine.
type Generator struct {
	c   *Crowd
	pcg rand.PCG
	rnd *rand.Rand
	b   []byte
	now time.Time
	n   int64 // of the event that is written
	p   int64 // its person
}

// Generator makes one.
func (c *Crowd) Generator() *Generator {
	g := &Generator{c: c}
	g.rnd = rand.New(&g.pcg)
	return g
}

// Request appends the body that holds the events from first on: an event alone, or a batch. path
// is its endpoint.
func (g *Generator) Request(b []byte, first int64, events int, now time.Time) (path string, body []byte) {
	g.b, g.now = b, now
	if events == 1 {
		return "/v1/" + g.event(first), g.b
	}
	g.add(`{"batch":[`)
	for i := range events {
		if i > 0 {
			g.add(",")
		}
		g.event(first + int64(i))
	}
	g.add(`],"sentAt":`)
	g.time(now)
	g.add("}")
	return "/v1/batch", g.b
}

// event writes event n and answers its type. Events below the crowd's First introduce the people:
// the n-th is the first of person n modulo the number of people.
func (g *Generator) event(n int64) (typ string) {
	g.n = n
	g.pcg.Seed(g.c.Seed^g.c.Salt, uint64(n))
	if n < g.c.First {
		g.p = n % max(g.c.People, 1)
		if n < g.c.People && known(g.p) {
			return g.identify()
		}
		return g.page(0)
	}
	visit, step := g.c.visit(n)
	var isNew bool
	if g.p, isNew = g.c.person(visit); isNew && step < 2 {
		return g.page(step) // nobody logs in or buys before looking around
	}
	switch roll := g.rnd.IntN(100); {
	case step == 0 || roll < 35:
		return g.page(step)
	case roll < 39 && known(g.p):
		return g.identify()
	case roll < 70:
		return g.track("Product Viewed", true)
	case roll < 84:
		return g.track("Product List Viewed", false)
	case roll < 94:
		return g.track("Product Added", true)
	case roll < 96:
		return g.order()
	}
	return g.track("Products Searched", false)
}

func (g *Generator) page(step int64) string {
	product := g.product()
	g.open("page")
	g.add(`"name":"`).add(pageNames[g.rnd.IntN(len(pageNames))]).add(`","properties":{"title":"`)
	g.title(product)
	g.add(`","category":"`).add(categories[product%int64(len(categories))])
	g.add(`","depth":`).int(step).add(`,"load_ms":`).int(int64(200 + g.rnd.IntN(3000))).add(`,"variant":"`).add(variants[g.rnd.IntN(len(variants))])
	g.add(`"},`)
	g.close(product)
	return "page"
}

func (g *Generator) track(name string, withProduct bool) string {
	product := g.product()
	g.open("track")
	g.add(`"event":"`).add(name).add(`","properties":{`)
	if withProduct {
		g.productFields(product)
		g.add(`,"quantity":`).int(int64(1 + g.rnd.IntN(3))).add(`,"position":`).int(int64(1 + g.rnd.IntN(48)))
	} else {
		g.add(`"query":"`).add(words[g.rnd.IntN(len(words))]).add(" ").add(words[g.rnd.IntN(len(words))])
		g.add(`","results":`).int(int64(g.rnd.IntN(400))).add(`,"sort":"`).add(sorts[g.rnd.IntN(len(sorts))])
		g.add(`","category":"`).add(categories[product%int64(len(categories))]).add(`","in_stock_only":true`)
	}
	g.add(`},`)
	g.close(product)
	return "track"
}

// order is an Order Completed of one to four products.
func (g *Generator) order() string {
	g.open("track")
	g.add(`"event":"Order Completed","properties":{"order_id":"o-`).int(g.n).add(`","products":[`)
	var cents, product int64
	for i := range 1 + g.rnd.IntN(4) {
		if i > 0 {
			g.add(",")
		}
		product = g.product()
		quantity := int64(1 + g.rnd.IntN(3))
		cents += g.price(product) * quantity
		g.add("{")
		g.productFields(product)
		g.add(`,"quantity":`).int(quantity).add("}")
	}
	g.add(`],"currency":"EUR","revenue":`).money(cents).add(`,"shipping":`).money(495).add(`,"tax":`).money(cents / 5).add(`},`)
	g.close(product)
	return "track"
}

func (g *Generator) identify() string {
	r := mix(g.c.Seed, uint64(g.p)^0x7472616974)
	g.open("identify")
	g.add(`"traits":{"email":"`).add(firstNames[r%uint64(len(firstNames))]).add(".").int(g.p).add(`@example.com","firstName":"`).
		add(firstNames[r%uint64(len(firstNames))]).add(`","lastName":"`).add(lastNames[r>>8%uint64(len(lastNames))]).
		add(`","city":"`).add(cities[r>>16%uint64(len(cities))]).add(`","plan":"`).add(plans[r>>24%uint64(len(plans))]).
		add(`","loyalty_points":`).int(int64(g.rnd.IntN(5000))).add(`,"newsletter":`).add(truth(g.rnd.IntN(2) == 0)).add(`},`)
	g.close(int64(r % Products))
	return "identify"
}

// open writes what every event begins with. Who is known says so in most events, and has a second
// device for one in twelve.
func (g *Generator) open(typ string) {
	g.add(`{"type":"`).add(typ).add(`","messageId":"`)
	g.b = MessageID(g.b, g.c.Seed, g.n)
	g.add(`","anonymousId":"`)
	isKnown := known(g.p)
	device := int64(0)
	if isKnown && g.rnd.IntN(12) == 0 {
		device = 1
	}
	g.b = g.c.appendDevice(g.b, g.p, device)
	g.add(`",`)
	if isKnown && (device == 1 || typ == "identify" || g.rnd.IntN(4) > 0) {
		g.add(`"userId":"`)
		g.b = g.c.appendUser(g.b, g.p)
		g.add(`",`)
	}
	at := g.now.Add(-time.Duration(g.rnd.IntN(2000)) * time.Millisecond)
	if g.rnd.IntN(100) == 0 { // an app that was offline
		at = at.Add(-time.Duration(g.rnd.IntN(7200)) * time.Second)
	}
	g.add(`"timestamp":`)
	g.time(at)
	g.add(`,`)
}

// close writes the context. The person's browser, language and place stay the same.
func (g *Generator) close(product int64) {
	r := mix(g.c.Seed, uint64(g.p)^0x636f6e74657874)
	g.add(`"context":{"library":{"name":"analytics.js","version":"npm:next-1.84.3"},"locale":"`).add(locales[r%uint64(len(locales))]).
		add(`","timezone":"`).add(zones[r>>8%uint64(len(zones))]).add(`","page":{"path":"/`)
	start := len(g.b)
	g.add(categories[product%int64(len(categories))]).add("/").add(words[product%int64(len(words))]).add("-").int(product)
	end := len(g.b)
	g.add(`","url":"https://shop.example/`)
	g.b = append(g.b, g.b[start:end]...)
	g.add(`?ref=`).hex(g.rnd.Uint64()).add(`","search":"?ref=`).hex(g.rnd.Uint64()).add(`","referrer":"`).add(referrers[g.rnd.IntN(len(referrers))]).add(`","title":"`)
	g.title(product)
	g.add(`"},`)
	if g.rnd.IntN(10) == 0 {
		g.add(`"campaign":{"source":"newsletter","medium":"email","name":"week-`).int(int64(g.rnd.IntN(52))).add(`"},`)
	}
	g.add(`"screen":{"width":`).int(int64(360 + r>>40%8*200)).add(`,"height":`).int(int64(640 + r>>44%4*180)).add(`},"userAgent":"`).
		add(agents[r>>16%uint64(len(agents))]).int(int64(100 + r>>32%40)).add(`.0.`).int(int64(r >> 48 % 7000)).add(`.0 Safari/537.36"}}`)
}

func (g *Generator) productFields(p int64) {
	g.add(`"product_id":"p`).int(p).add(`","sku":"SKU-`).int(p*7 + 1000).add(`","name":"`)
	g.title(p)
	g.add(`","category":"`).add(categories[p%int64(len(categories))]).add(`","brand":"`).add(brands[p%int64(len(brands))]).add(`","price":`).money(g.price(p))
}

func (g *Generator) product() int64 {
	return rank(g.rnd.Float64(), Products, productOffset, productExponent)
}

// price is in cents.
func (g *Generator) price(p int64) int64 { return 499 + int64(mix(g.c.Seed, uint64(p))%25_000) }

func (g *Generator) title(p int64) {
	g.add(words[p%int64(len(words))]).add(" ").add(categories[p/7%int64(len(categories))]).add(" ").int(p)
}

func (g *Generator) add(s string) *Generator { g.b = append(g.b, s...); return g }

func (g *Generator) int(n int64) *Generator { g.b = strconv.AppendInt(g.b, n, 10); return g }

func (g *Generator) hex(n uint64) *Generator {
	g.b = strconv.AppendUint(g.b, n&0xffffffff|1<<31, 16)
	return g
}

func (g *Generator) money(cents int64) *Generator {
	g.int(cents / 100).add(".")
	g.b = append(g.b, byte('0'+cents/10%10), byte('0'+cents%10))
	return g
}

func (g *Generator) time(t time.Time) {
	g.b = t.UTC().AppendFormat(append(g.b, '"'), "2006-01-02T15:04:05.000Z")
	g.b = append(g.b, '"')
}

func truth(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

// MessageID appends the id of event n, a UUID in form. Its first 16 digits alone differ for every n.
func MessageID(b []byte, seed uint64, n int64) []byte {
	return appendUUID(b, mix(seed, uint64(n)), mix(seed^0x6d657373616765, uint64(n)))
}

func (c *Crowd) appendDevice(b []byte, p, device int64) []byte {
	return appendUUID(b, mix(c.Seed, uint64(p)*2+uint64(device)), mix(c.Seed^0x646576696365, uint64(p)*2+uint64(device)))
}

func (c *Crowd) appendUser(b []byte, p int64) []byte {
	return strconv.AppendInt(append(b, "user-"...), p, 10)
}

func appendUUID(b []byte, high, low uint64) []byte {
	var raw [16]byte
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	for i, end := range []int{4, 6, 8, 10, 16} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, raw[[]int{0, 4, 6, 8, 10}[i]:end])
	}
	return b
}
