// Shop writes a small, made-up shop: 2,000 rows of customers, products, orders and web events,
// the same ones every time. It is what "make run" imports, so that there is something to see.
// Nobody in it exists.
//
//	go run ./examples/shop examples/generated
package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: shop FOLDER")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

// How many rows each file has: 2,000 in all.
const (
	customerRows = 300
	productRows  = 60
	orderRows    = 840
	eventRows    = 800
	people       = 270 // the other customer rows are people who are there twice
)

// generate writes the four files into the folder, which it makes.
func generate(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	s := newShop()
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{"customers.csv", s.customers}, {"products.csv", s.products}, {"orders.csv", s.orders}, {"web_events.jsonl", s.events}} {
		file, err := os.Create(filepath.Join(dir, f.name))
		if err != nil {
			return err
		}
		if err := f.write(file); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

// shop is the world the files tell of. One stream of random numbers, drawn in one order, makes
// it the same every time.
type shop struct {
	rnd    *rand.Rand
	people []person
	goods  []good
}

type person struct {
	id            int
	first, last   string
	email, phone  string
	country, city string
	joined        time.Time
	tier          string
	points        int
	mailOK, smsOK bool
	cookie        string
	appetite      float64 // how much more than others they buy
}

type good struct {
	sku, name, category, brand string
	cents                      int
}

// now is when the story ends.
var now = time.Date(2026, 10, 31, 18, 0, 0, 0, time.UTC)

var (
	firstNames = strings.Fields("Ann Ben Chloe David Emma Felix Grace Hugo Iris Jonas Kim Linh Mai Nok Olga Ploy Quinn Rosa Somchai Thu Uma Viktor Wanda Yuki Zoe")
	lastNames  = strings.Fields("Adams Berg Chen Dubois Evans Fischer Garcia Hansen Ito Jensen Kowalski Larsen Müller Nguyen Okafor Petrov Quiroga Rossi Saetang Tran Usman Vega Weber Young Zhang")
	// The numbers are of ranges kept free for fiction where a country has one.
	places = []struct {
		country, city, prefix string
		digits                int
	}{{"TH", "Bangkok", "+66810", 6}, {"VN", "Hanoi", "+84910", 6}, {"DE", "Berlin", "+4915100", 6}, {"GB", "Leeds", "+447700900", 3}, {"US", "Boston", "+1617555", 4}, {"FR", "Lyon", "+3363998", 4}}
	categories = []struct {
		name  string
		goods []string
		cents int
	}{
		{"tents", strings.Fields("Ridge Valley Summit Meadow Storm Harbour"), 18900},
		{"jackets", strings.Fields("Drizzle Gale Frost Breeze Alpine Coast"), 12900},
		{"boots", strings.Fields("Trail Granite Marsh Dune Peak Forest"), 9900},
		{"bags", strings.Fields("Commuter Nomad Weekender Courier Hiker Tote"), 6900},
		{"lamps", strings.Fields("Firefly Beacon Ember Comet Moon Spark"), 2900},
	}
)

func newShop() *shop {
	s := &shop{rnd: rand.New(rand.NewPCG(20261031, 2000))}
	for i := range people {
		place := places[s.rnd.IntN(len(places))]
		p := person{id: 1001 + i, first: firstNames[s.rnd.IntN(len(firstNames))], last: lastNames[s.rnd.IntN(len(lastNames))],
			country: place.country, city: place.city, joined: now.AddDate(0, 0, -30-s.rnd.IntN(900)).Truncate(24 * time.Hour),
			mailOK: s.rnd.IntN(3) > 0, smsOK: s.rnd.IntN(4) == 0, cookie: fmt.Sprintf("anon-%08x", s.rnd.Uint32()), appetite: s.rnd.ExpFloat64()}
		p.email = fmt.Sprintf("%s.%s%d@example.com", strings.ToLower(p.first), plain(p.last), i)
		p.phone = place.prefix + fmt.Sprintf("%0*d", place.digits, i+100)
		p.points = s.rnd.IntN(4000)
		p.tier = []string{"", "bronze", "silver", "gold"}[min(3, p.points/1000)]
		s.people = append(s.people, p)
	}
	for i := range productRows {
		c := categories[i%len(categories)]
		n := i / len(categories)
		size := []string{"small", "large"}[n/len(c.goods)]
		s.goods = append(s.goods, good{sku: fmt.Sprintf("%s-%03d", strings.ToUpper(c.name[:3]), i+1), name: c.goods[n%len(c.goods)] + " " + size, category: c.name,
			brand: []string{"Northwind", "Basecamp", "Lumen"}[s.rnd.IntN(3)], cents: c.cents + 100*(s.rnd.IntN(60)-20)})
	}
	return s
}

// plain writes a name as it stands in a mail address.
func plain(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "ü", "ue"))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func money(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// customers are those of the CRM. Some people are in it a second time: they came in again
// through the web shop, with the same mail address in capitals or the same phone number.
func (s *shop) customers(w io.Writer) error {
	c := csv.NewWriter(w)
	row := func(id string, p person, email, phone string) {
		c.Write([]string{id, p.first + " " + p.last, email, phone, p.country, p.city, p.joined.Format(time.DateOnly), yes(p.mailOK), yes(p.smsOK), p.tier, strconv.Itoa(p.points)})
	}
	c.Write([]string{"customer_id", "name", "email", "phone", "country", "city", "joined", "newsletter", "sms", "loyalty_tier", "points"})
	for _, p := range s.people {
		phone := p.phone
		if p.id%5 == 0 {
			phone = ""
		}
		row(strconv.Itoa(p.id), p, p.email, phone)
	}
	for i := range customerRows - people {
		p := s.people[i*7]
		p.tier, p.points = "", 0
		p.joined = p.joined.AddDate(0, 0, 20)
		email, phone := strings.ToUpper(p.email), ""
		if i%2 == 1 && p.id%5 != 0 {
			email, phone = "", p.phone
			p.first = p.first[:1] + "."
		}
		row(fmt.Sprintf("W%d", 1+i), p, email, phone)
	}
	c.Flush()
	return c.Error()
}

func (s *shop) products(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"sku", "name", "category", "brand", "price", "cost"})
	for _, g := range s.goods {
		c.Write([]string{g.sku, g.name, g.category, g.brand, money(g.cents), money(g.cents * 45 / 100)})
	}
	c.Flush()
	return c.Error()
}

// buyer draws a person, those with a large appetite more often.
func (s *shop) buyer() person {
	for {
		if p := s.people[s.rnd.IntN(len(s.people))]; s.rnd.Float64()*4 < p.appetite {
			return p
		}
	}
}

// orders has one row for each line of an order. One order in twelve is a guest's, and one line
// in twenty comes back.
func (s *shop) orders(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"order_id", "placed_at", "customer_id", "email", "channel", "sku", "quantity", "price", "discount", "returned_at"})
	for rows, order := 0, 50001; rows < orderRows; order++ {
		p := s.buyer()
		at := p.joined.Add(time.Duration(s.rnd.Int64N(int64(now.Sub(p.joined)))))
		id, email, channel := strconv.Itoa(p.id), p.email, "web"
		switch {
		case s.rnd.IntN(12) == 0:
			id, email = "", ""
		case s.rnd.IntN(4) == 0:
			id, channel = "", "app" // the app knows the mail address only
		}
		for n := min(1+s.rnd.IntN(4), orderRows-rows); n > 0; n-- {
			g := s.goods[s.rnd.IntN(len(s.goods))]
			discount, back := "", ""
			if s.rnd.IntN(6) == 0 {
				discount = money(g.cents / 10)
			}
			if s.rnd.IntN(20) == 0 {
				back = at.AddDate(0, 0, 3+s.rnd.IntN(11)).Format("2006-01-02 15:04:05")
			}
			c.Write([]string{strconv.Itoa(order), at.Format("2006-01-02 15:04:05"), id, email, channel, g.sku, strconv.Itoa(1 + s.rnd.IntN(2)), money(g.cents), discount, back})
			rows++
		}
	}
	c.Flush()
	return c.Error()
}

// event is a line of web_events.jsonl.
type event struct {
	Type       string         `json:"type"`
	Event      string         `json:"event,omitempty"`
	Cookie     string         `json:"anonymous_id"`
	Email      string         `json:"email,omitempty"`
	At         string         `json:"timestamp"`
	Properties map[string]any `json:"properties,omitempty"`
}

// events are visits: somebody unknown looks at products, and in most visits at last signs in,
// so that all they looked at is theirs.
func (s *shop) events(w io.Writer) error {
	enc := json.NewEncoder(w)
	for rows := 0; rows < eventRows; {
		p := s.buyer()
		at := now.Add(-time.Duration(s.rnd.Int64N(int64(60 * 24 * time.Hour))))
		views := 1 + s.rnd.IntN(6)
		visit := make([]event, 0, views+2)
		for range views {
			g := s.goods[s.rnd.IntN(len(s.goods))]
			name := "Product Viewed"
			if s.rnd.IntN(5) == 0 {
				name = "Product Added"
			}
			visit = append(visit, event{Type: "track", Event: name, Cookie: p.cookie,
				Properties: map[string]any{"sku": g.sku, "name": g.name, "category": g.category, "price": float64(g.cents) / 100, "quantity": 1}})
		}
		if s.rnd.IntN(4) > 0 {
			visit = append(visit, event{Type: "identify", Cookie: p.cookie, Email: p.email})
		}
		for _, e := range visit[:min(len(visit), eventRows-rows)] {
			at = at.Add(time.Duration(10+s.rnd.IntN(170)) * time.Second)
			e.At = at.UTC().Format(time.RFC3339)
			if err := enc.Encode(e); err != nil {
				return err
			}
			rows++
		}
	}
	return nil
}
