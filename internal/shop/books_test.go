package shop_test

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"clientele"
	"clientele/internal/race"
	"clientele/internal/shop"
)

// books are what a shop's records say of goods and money, read back from the records alone.
type books struct {
	orders    map[string]*bought
	lines     int
	prices    map[string][]tag
	stock     map[string][]level
	list      map[string]float64
	returned  []taken
	refunds   map[string]float64
	earned    map[string]int
	standing  map[string]int
	lastTold  map[string]clientele.Micros
	inventory int
}

type bought struct {
	at       clientele.Micros
	revenue  float64
	currency string
	person   int
	lines    map[string]article
}

type article struct {
	SKU                       string
	Quantity, Price, Discount float64
	ListPrice                 float64 `json:"list_price"`
}

type tag struct {
	price    float64
	from, to clientele.Micros
}

type level struct {
	at        clientele.Micros
	available int
}

type taken struct {
	ReturnID string `json:"return_id"`
	OrderID  string `json:"order_id"`
	Line     string
	Quantity float64
	Amount   float64
	at       clientele.Micros
	person   int
}

func keepBooks(t *testing.T, records []shop.Record) *books {
	t.Helper()
	b := &books{orders: map[string]*bought{}, prices: map[string][]tag{}, stock: map[string][]level{}, list: map[string]float64{}, refunds: map[string]float64{},
		earned: map[string]int{}, standing: map[string]int{}, lastTold: map[string]clientele.Micros{}}
	for i := range records {
		r := &records[i]
		var x struct {
			Event, Table string
			Properties   json.RawMessage
			Fields       json.RawMessage
		}
		read(t, r.Raw, &x)
		switch {
		case x.Event == "Order Completed":
			var p struct {
				OrderID  string `json:"order_id"`
				Revenue  float64
				Currency string
				Products []article
			}
			read(t, x.Properties, &p)
			o := b.order(t, p.OrderID, r)
			o.revenue, o.currency = p.Revenue, p.Currency
			for _, a := range p.Products {
				o.lines[a.SKU] = a
				b.lines++
			}
		case x.Table != "":
			b.row(t, r, x.Table, x.Fields)
		}
	}
	for _, levels := range b.stock {
		slices.SortStableFunc(levels, func(x, y level) int { return int(x.at - y.at) })
	}
	return b
}

func read(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}

func (b *books) order(t *testing.T, id string, r *shop.Record) *bought {
	t.Helper()
	if id == "" || b.orders[id] != nil {
		t.Fatalf("the order %q is there twice, or nameless: %s", id, r.Raw)
	}
	o := &bought{at: r.At, person: r.Person, lines: map[string]article{}}
	b.orders[id] = o
	return o
}

func (b *books) row(t *testing.T, r *shop.Record, table string, fields json.RawMessage) {
	t.Helper()
	var f struct {
		article
		taken
		SKU       string
		Revenue   float64
		Currency  string
		ValidFrom clientele.Micros `json:"valid_from"`
		ValidTo   clientele.Micros `json:"valid_to"`
		AsOf      clientele.Micros `json:"as_of"`
		Available int
		Price     float64
		ListPrice float64 `json:"list_price"`
		OrderID   string  `json:"order_id"`
		Quantity  float64
		Amount    float64
		PaymentID string `json:"payment_id"`
		LoyaltyID string `json:"loyalty_id"`
		Points    int
	}
	if table == "profiles" {
		return
	}
	read(t, fields, &f)
	switch table {
	case "orders":
		o := b.order(t, f.OrderID, r)
		o.revenue, o.currency = f.Revenue, f.Currency
	case "order_lines":
		o := b.orders[f.OrderID]
		if o == nil {
			t.Fatalf("a line without its order: %s", r.Raw)
		}
		o.lines[f.SKU] = article{SKU: f.SKU, Quantity: f.Quantity, Price: f.Price, Discount: f.Discount, ListPrice: f.ListPrice}
		b.lines++
	case "prices":
		b.prices[f.SKU] = append(b.prices[f.SKU], tag{f.Price, f.ValidFrom, f.ValidTo})
	case "products":
		b.list[f.SKU] = f.ListPrice
	case "inventory":
		b.stock[f.SKU] = append(b.stock[f.SKU], level{f.AsOf, f.Available})
		b.inventory++
	case "returns":
		f.taken.OrderID, f.taken.Quantity, f.taken.Amount = f.OrderID, f.Quantity, f.Amount
		f.taken.at, f.taken.person = r.At, r.Person
		b.returned = append(b.returned, f.taken)
	case "payments":
		if r.Source == shop.ERP {
			b.refunds[f.PaymentID] = f.Amount
		}
	case "loyalty_ledger":
		b.earned[f.LoyaltyID] += f.Points
	case "loyalty_accounts":
		if r.At >= b.lastTold[f.LoyaltyID] {
			b.standing[f.LoyaltyID], b.lastTold[f.LoyaltyID] = f.Points, r.At
		}
	}
}

// factors are what prices in each currency are of the price list's, as docs/demo.md says.
var factors = map[string]float64{"EUR": 1, "USD": 1.1, "GBP": 0.88, "CHF": 0.98, "SEK": 11.4, "THB": 38.5}

func cents(f float64) int { return int(math.Round(f * 100)) }

// TestBooks: what the records say of goods and money fits together.
func TestBooks(t *testing.T) {
	race.Skip(t)
	records, totals := history(t, plan(t, 5, 2500), 2)
	b := keepBooks(t, records)
	if len(b.orders) != totals.Orders || b.lines != totals.Lines || len(b.returned) != totals.Returns || b.inventory != totals.Stock || len(b.orders) < 1500 {
		t.Errorf("%d orders, %d lines, %d returns, %d counts; the totals say %+v", len(b.orders), b.lines, len(b.returned), b.inventory, totals)
	}
	revenue := map[string]int{}
	reduced, discounted := 0, 0
	for id, o := range b.orders {
		sum := 0
		for sku, l := range o.lines {
			sum += cents(l.Quantity*l.Price - l.Discount)
			b.inForce(t, id, o, sku, l)
			if l.Price < l.ListPrice {
				reduced++
			}
			if l.Discount > 0 {
				discounted++
			}
		}
		if len(o.lines) == 0 || sum != cents(o.revenue) {
			t.Errorf("order %s has %d lines of %d in all, its revenue is %d", id, len(o.lines), sum, cents(o.revenue))
		}
		revenue[o.currency] += cents(o.revenue)
	}
	for c, n := range revenue {
		if totals.Revenue[c] != int64(n) {
			t.Errorf("revenue in %s: %d, the totals say %d", c, n, totals.Revenue[c])
		}
	}
	if len(revenue) != len(factors) || reduced == 0 || discounted == 0 {
		t.Errorf("revenue %v, %d lines at a sale's price, %d with a coupon", revenue, reduced, discounted)
	}
	b.returns(t)
	for card, points := range b.earned {
		if b.standing[card] != points || points < 0 {
			t.Errorf("an account says %d points, %d were booked", b.standing[card], points)
		}
	}
	if len(b.standing) != totals.Members {
		t.Errorf("%d accounts, the totals say %d", len(b.standing), totals.Members)
	}
}

// inForce: the line has the price of the moment, and the article was there to be sold.
func (b *books) inForce(t *testing.T, id string, o *bought, sku string, l article) {
	t.Helper()
	price := -1.0
	for _, p := range b.prices[sku] {
		if p.from <= o.at && (o.at < p.to || p.to == 0) {
			if price >= 0 {
				t.Fatalf("%s has two prices at %s", sku, o.at)
			}
			price = p.price
		}
	}
	if want := cents(price * factors[o.currency]); cents(l.Price) < want-1 || cents(l.Price) > want+1 || price < 0 {
		t.Errorf("order %s: %s costs %v %s at %s, the price in force is %v", id, sku, l.Price, o.currency, o.at, price)
	}
	available := -1
	for _, s := range b.stock[sku] {
		if s.at <= o.at {
			available = s.available
		}
	}
	if available == 0 {
		t.Errorf("order %s: %s was sold out at %s", id, sku, o.at)
	}
}

func (b *books) returns(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range b.returned {
		o := b.orders[r.OrderID]
		if o == nil {
			t.Fatalf("return %s is of an order that is not there", r.ReturnID)
		}
		l, ok := o.lines[r.Line]
		if !ok || r.at <= o.at || r.person != o.person || r.Quantity != l.Quantity || cents(r.Amount) != cents(l.Quantity*l.Price-l.Discount) || seen[r.OrderID+r.Line] {
			t.Errorf("return %s does not fit the line that was bought", r.ReturnID)
		}
		seen[r.OrderID+r.Line] = true
		if back, ok := b.refunds[r.ReturnID]; ok && cents(back) != -cents(r.Amount) {
			t.Errorf("return %s of %v, %v went back", r.ReturnID, r.Amount, back)
		}
	}
}

// TestShortages: articles sell out in the middle sizes, and come in again.
func TestShortages(t *testing.T) {
	records, _ := history(t, plan(t, 5, 10), 1)
	b := keepBooks(t, records)
	bySize := map[int]int{}
	for sku, levels := range b.stock {
		for i, l := range levels {
			if l.available != 0 {
				continue
			}
			if n, err := strconv.Atoi(sku[len(sku)-2:]); err == nil && n >= 36 && n <= 47 {
				bySize[n]++
			}
			if i+1 < len(levels) && levels[i+1].at-l.at > clientele.Micros(31*24*time.Hour/time.Microsecond) {
				t.Errorf("%s is sold out for longer than a month", sku)
			}
		}
	}
	if bySize[41]+bySize[42] <= bySize[36]+bySize[47] || len(bySize) < 6 {
		t.Errorf("sold out by size: %v", bySize)
	}
}
