package shop

import (
	"fmt"
	"maps"
	"slices"

	"clientele"
)

// Money is amounts by currency, in hundredths.
type Money map[string]int64

func (m *Money) add(currency string, cents int) {
	if *m == nil {
		*m = Money{}
	}
	(*m)[currency] += int64(cents)
}

// Totals are the shop's own sums of what it told.
type Totals struct {
	People        int
	Events        int
	Orders        int
	Lines         int
	Revenue       Money
	Returns       int
	Returned      Money
	Payments      int
	Messages      int
	Conversations int
	Complaints    int
	ServiceCost   int64 // hundredths of a US dollar
	Members       int
	Points        int64
	Products      int
	Stock         int   // rows of inventory
	AdCost        int64 // hundredths of a US dollar
}

// Add adds what another part of the shop told.
func (t *Totals) Add(o Totals) {
	t.People += o.People
	t.Events += o.Events
	t.Orders += o.Orders
	t.Lines += o.Lines
	t.Returns += o.Returns
	t.Payments += o.Payments
	t.Messages += o.Messages
	t.Conversations += o.Conversations
	t.Complaints += o.Complaints
	t.ServiceCost += o.ServiceCost
	t.Members += o.Members
	t.Points += o.Points
	t.Products += o.Products
	t.Stock += o.Stock
	t.AdCost += o.AdCost
	for c, n := range o.Revenue {
		t.Revenue.add(c, int(n))
	}
	for c, n := range o.Returned {
		t.Returned.add(c, int(n))
	}
}

// Check is a number that SQL must give exactly as the shop knows it.
type Check struct {
	Name string
	SQL  string // one row, one column
	Want string
}

// Checks are the numbers of the shop.
func (t *Totals) Checks() []Check {
	count := func(name string, n int, from string) Check {
		return Check{name, "SELECT count(*) FROM " + from, fmt.Sprint(n)}
	}
	all := []Check{
		count("events", t.Events, "events"),
		count("orders", t.Orders, "orders"),
		count("order lines", t.Lines, "order_lines"),
	}
	for _, c := range slices.Sorted(maps.Keys(t.Revenue)) {
		all = append(all, Check{"revenue " + c, "SELECT sum(revenue) FROM orders WHERE currency = '" + c + "'", cents(t.Revenue[c])})
	}
	all = append(all, count("returns", t.Returns, "returns"))
	for _, c := range slices.Sorted(maps.Keys(t.Returned)) {
		all = append(all, Check{"returned " + c, "SELECT sum(r.amount) FROM returns r JOIN orders o ON o.order_id = r.order_id WHERE o.currency = '" + c + "'", cents(t.Returned[c])})
	}
	return append(all,
		count("payments", t.Payments, "payments"),
		count("messages", t.Messages, "messages"),
		count("conversations", t.Conversations, "conversations"),
		count("complaints", t.Complaints, "conversations WHERE topic = 'complaint'"),
		Check{"service cost USD", "SELECT coalesce(sum(cost), 0) FROM conversations", cents(t.ServiceCost)},
		count("loyalty members", t.Members, "loyalty_accounts"),
		Check{"loyalty points", "SELECT coalesce(sum(points), 0) FROM loyalty_ledger", fmt.Sprint(t.Points)},
		count("articles", t.Products, "products WHERE source = '"+ERP+"'"),
		count("stock counts", t.Stock, "inventory"),
		Check{"advertising USD", "SELECT sum(cost) FROM ad_spend", cents(t.AdCost)},
	)
}

// cents is an amount as SQL answers it.
func cents(n int64) string { return clientele.Decimal(n * 100).String() }
