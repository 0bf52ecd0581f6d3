package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// How much of each list a summary has, and how far it looks back for what was viewed.
const (
	summaryRows = 5
	summarySpan = 60 * 24 * time.Hour
)

// Summary is what who serves the person has at hand. It is read from the row store, so it takes the same time however many
// people there are, and has what came a moment ago; rates of other currencies and the sizes of a product are small tables of SQL.
func (a *App) Summary(ctx context.Context, id clientele.Identifier) (*clientele.Summary, error) {
	v, p, err := a.viewOf(id)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	members, err := v.graph.Members(p)
	if err != nil {
		return nil, err
	}
	owned := map[string][]commerce.Row{}
	tables := map[string]bool{"orders": true, "order_lines": true, "returns": true, "conversations": true, "loyalty_accounts": true}
	ledger := commerce.NewLedger(v)
	for _, m := range members {
		err := ledger.OwnedBy(m, tables, func(_ string, row commerce.Row) error {
			owned[row.Table.Name] = append(owned[row.Table.Name], row)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := &clientele.Summary{Profile: p, Currency: a.cfg.Currency.Base, Conversations: conversationsOf(owned["conversations"]), Loyalty: loyaltyOf(owned["loyalty_accounts"]), Sizes: sizesOf(owned["order_lines"]),
		Returns: int64(len(owned["returns"])), Contacts: int64(len(owned["conversations"]))}
	if err := a.summaryMoney(ctx, out, owned["orders"], owned["returns"]); err != nil {
		return nil, err
	}
	out.LastOrders = ordersOf(owned["orders"], owned["order_lines"])
	if out.Viewed, err = a.viewedBy(v, p, owned["order_lines"]); err != nil {
		return nil, err
	}
	return out, a.sizesInStock(ctx, v, out.Viewed)
}

// latest are the rows with the latest times of the column, at most so many.
func latest(rows []commerce.Row, column, id string) []commerce.Row {
	rows = slices.SortedFunc(slices.Values(rows), func(x, y commerce.Row) int {
		return cmp.Or(cmp.Compare(y.Time(column), x.Time(column)), strings.Compare(x.Text(id), y.Text(id)))
	})
	return rows[:min(len(rows), summaryRows)]
}

func decimalOf(row commerce.Row, column string) (clientele.Decimal, bool) {
	n, ok := row.Value(column).(int64)
	return clientele.Decimal(n), ok
}

// orderKey tells an order from those of other sources.
func orderKey(row commerce.Row) string { return row.Text("source") + "\x00" + row.Text("order_id") }

func ordersOf(orders, lines []commerce.Row) []clientele.SummaryOrder {
	items := map[string][]commerce.Row{}
	for _, l := range lines {
		items[orderKey(l)] = append(items[orderKey(l)], l)
	}
	out := []clientele.SummaryOrder{}
	for _, row := range latest(orders, "ts", "order_id") {
		o := clientele.SummaryOrder{ID: row.Text("order_id"), TS: row.Time("ts"), Status: row.Text("status"), Currency: row.Text("currency"), Channel: row.Text("sales_channel"), Store: row.Text("store"), Items: []string{}}
		if d, ok := decimalOf(row, "revenue"); ok {
			f := d.Float()
			o.Revenue = &f
		}
		for _, l := range items[orderKey(row)] {
			if name := cmp.Or(l.Text("name"), l.Text("product_id"), l.Text("sku")); name != "" {
				o.Items = append(o.Items, name)
			}
		}
		out = append(out, o)
	}
	return out
}

func conversationsOf(rows []commerce.Row) []clientele.SummaryConversation {
	out := []clientele.SummaryConversation{}
	for _, row := range latest(rows, "started_at", "conversation_id") {
		c := clientele.SummaryConversation{ID: row.Text("conversation_id"), Started: row.Time("started_at"), Channel: row.Text("channel"), Topic: row.Text("topic"), Agent: row.Text("agent"), OrderID: row.Text("order_id")}
		if yes, said := row.Value("resolved").(bool); said {
			c.Resolved = &yes
		}
		out = append(out, c)
	}
	return out
}

func loyaltyOf(rows []commerce.Row) []clientele.SummaryLoyalty {
	out := []clientele.SummaryLoyalty{}
	for _, row := range rows {
		points, _ := decimalOf(row, "points")
		out = append(out, clientele.SummaryLoyalty{ID: row.Text("loyalty_id"), Tier: row.Text("tier"), Points: points.Float()})
	}
	slices.SortFunc(out, func(x, y clientele.SummaryLoyalty) int {
		return cmp.Or(cmp.Compare(y.Points, x.Points), strings.Compare(x.ID, y.ID))
	})
	return out[:min(len(out), summaryRows)]
}

func sizesOf(lines []commerce.Row) []clientele.SummarySize {
	counts := map[clientele.SummarySize]int64{}
	for _, l := range lines {
		if size := l.Text("size"); size != "" {
			counts[clientele.SummarySize{Category: l.Text("category"), Size: size}]++
		}
	}
	out := []clientele.SummarySize{}
	for s, n := range counts {
		s.Bought = n
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y clientele.SummarySize) int {
		return cmp.Or(cmp.Compare(y.Bought, x.Bought), strings.Compare(x.Category, y.Category), strings.Compare(x.Size, y.Size))
	})
	return out[:min(len(out), summaryRows+1)]
}

// summaryMoney adds up as the measures of the explorer do (orders, revenue, returned, net_revenue).
func (a *App) summaryMoney(ctx context.Context, out *clientele.Summary, orders, returns []commerce.Row) error {
	currencies := map[string]string{} // by the order's id, of whatever source: returns are told by other systems than orders
	for _, o := range orders {
		currencies[o.Text("order_id")] = max(currencies[o.Text("order_id")], o.Text("currency"))
	}
	rate, err := a.ratesOf(ctx, slices.Collect(maps.Values(currencies)))
	if err != nil {
		return err
	}
	var revenue, returned clientele.Decimal
	for _, o := range orders {
		if o.Text("status") == "cancelled" {
			continue
		}
		out.Orders++
		if ts := o.Time("ts"); ts != 0 {
			if out.LastOrder = max(out.LastOrder, ts); out.FirstOrder == 0 || ts < out.FirstOrder {
				out.FirstOrder = ts
			}
		}
		if d, ok := decimalOf(o, "revenue"); ok {
			revenue += rate(d, o.Text("currency"), o.Time("ts"))
		}
	}
	for _, r := range returns {
		if d, ok := decimalOf(r, "amount"); ok {
			returned += rate(d, currencies[r.Text("order_id")], r.Time("ts"))
		}
	}
	out.Revenue, out.Returned, out.Net = revenue.Float(), returned.Float(), (revenue - returned).Float()
	return nil
}

// ratesOf converts amounts of the currencies to the base currency by the rate of the UTC day, as orders.revenue_base is;
// 0 where there is no rate.
func (a *App) ratesOf(ctx context.Context, currencies []string) (func(d clientele.Decimal, currency string, at clientele.Micros) clientele.Decimal, error) {
	base := a.cfg.Currency.Base
	foreign := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(currencies))), func(c string) bool { return c == "" || c == base })
	rates := map[string]float64{}
	if len(foreign) > 0 {
		params, marks := make([]any, len(foreign)), make([]string, len(foreign))
		for i, c := range foreign {
			params[i], marks[i] = c, fmt.Sprintf("$%d", i+1)
		}
		r, err := a.columns.Query(ctx, `select cast(date as varchar), currency, arg_min(rate, source) from fx_rates
			where rate is not null and currency in (`+strings.Join(marks, ", ")+`) group by 1, 2`, params, duckstore.Limits{Rows: -1})
		if err != nil {
			return nil, err
		}
		for _, row := range r.Rows {
			rates[word(row[0])+word(row[1])] = amountOf(row[2])
		}
	}
	return func(d clientele.Decimal, currency string, at clientele.Micros) clientele.Decimal {
		if currency == "" || currency == base {
			return d
		}
		there, err := clientele.DecimalOf(d.Float() * rates[at.Time().UTC().Format("2006-01-02")+currency])
		if err != nil {
			return 0
		}
		return there
	}, nil
}

// looked is what an event says of a product.
type looked struct {
	Name      any `json:"name"`
	Product   any `json:"product_name"`
	ProductID any `json:"product_id"`
	SKU       any `json:"sku"`
	Size      any `json:"size"`
}

// told is a text or number of JSON as text.
func told(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return fmt.Sprint(v)
	}
	return ""
}

// viewedBy are the products that the person looked at or put into a cart, and has not bought since then.
func (a *App) viewedBy(v *view, p clientele.ProfileID, lines []commerce.Row) ([]clientele.SummaryViewed, error) {
	facts, err := resolve.LoadFacts(v, v.graph, v.traits, p)
	if err != nil {
		return nil, err
	}
	now := a.o.Now()
	from := clientele.MicrosOf(now.Add(-summarySpan))
	bought := map[string]bool{}
	for _, l := range lines {
		if l.Time("ts") >= from {
			bought[l.Text("product_id")], bought[l.Text("sku")] = true, true
		}
	}
	delete(bought, "")
	found := map[string]*clientele.SummaryViewed{}
	look := func(o *audience.Occurrence) error {
		var e looked
		if len(o.Properties) == 0 || json.Unmarshal(o.Properties, &e) != nil {
			return nil
		}
		sku, product := told(e.SKU), told(e.ProductID)
		name := cmp.Or(told(e.Name), told(e.Product), product, sku)
		if name == "" || bought[sku] || bought[product] {
			return nil
		}
		x := found[name] // in several sizes it is one, in the size that was looked at last
		if x == nil {
			x = &clientele.SummaryViewed{Name: name}
			found[name] = x
		}
		if x.Times++; o.At >= x.Last {
			x.Item, x.Size, x.Last = cmp.Or(sku, product), told(e.Size), o.At
		}
		return nil
	}
	for _, name := range []string{"Product Viewed", "Product Added"} {
		if err := facts.Events(name, from, clientele.MicrosOf(now), look); err != nil {
			return nil, err
		}
	}
	out := []clientele.SummaryViewed{}
	for _, x := range found {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(x, y clientele.SummaryViewed) int {
		return cmp.Or(cmp.Compare(y.Times, x.Times), cmp.Compare(y.Last, x.Last), strings.Compare(x.Name, y.Name))
	})
	return out[:min(len(out), summaryRows)], nil
}

// sizesInStock adds what there is of each product: variants are articles of one product id, or of one name and brand.
func (a *App) sizesInStock(ctx context.Context, v *view, list []clientele.SummaryViewed) error {
	for i := range list {
		x := &list[i]
		if x.Item == "" {
			continue
		}
		r, err := a.columns.Query(ctx, `select q.sku, max(q.size) from products q join products p on q.product_id = p.product_id or q.name = p.name and q.brand is not distinct from p.brand
			where (p.sku = $1 or p.product_id = $1) and q.sku is not null group by q.sku order by q.sku limit 50`, []any{x.Item}, duckstore.Limits{})
		if err != nil {
			return err
		}
		for _, row := range r.Rows {
			n, err := resolve.Available(v, word(row[0]))
			if err != nil {
				return err
			}
			if n != nil && *n > 0 {
				x.InStock = append(x.InStock, clientele.SummaryStock{SKU: word(row[0]), Size: word(row[1]), Available: *n})
			}
		}
	}
	return nil
}
