package main

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/importer"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/rolling"

	"github.com/spf13/cobra"
)

// factFlags say where orders, events and stock are in files, for commands that describe people as of moments.
type factFlags struct {
	orderFlags
	product, category, channel, listPrice, discount, quantity, order, received string
	events, stock                                                              []string
	eventName, eventProduct, eventReceived, stockDate, stockAvailable          string
}

func (f *factFlags) add(cmd *cobra.Command) {
	f.orderFlags.add(cmd)
	for _, x := range []struct {
		to         *string
		name, what string
	}{
		{&f.product, "product", "`COLUMN` of the product, its size included (SKU)"},
		{&f.category, "category", "`COLUMN` of the category"},
		{&f.channel, "channel", "`COLUMN` of the channel"},
		{&f.listPrice, "list-price", "`COLUMN` of a piece's price by the list; without it the product's recent median is compared"},
		{&f.discount, "discount", "`COLUMN` of the money taken off a line; without it the list price tells"},
		{&f.quantity, "quantity", "`COLUMN` of the number of pieces"},
		{&f.order, "order", "`COLUMN` of the order; without it the lines of a day are one order"},
		{&f.received, "received", "`COLUMN` of the time at which a row became known, where that is later than its date"},
		{&f.eventName, "event-name", "`COLUMN` of the event's name in --events; customer and date have the columns of the orders"},
		{&f.eventProduct, "event-product", "`COLUMN` of the product in --events"},
		{&f.eventReceived, "event-received", "`COLUMN` of the time at which a row of --events became known"},
	} {
		cmd.Flags().StringVar(x.to, x.name, "", x.what)
	}
	cmd.Flags().StringSliceVar(&f.events, "events", nil, "`PATH` of events: visits, carts, messages")
	cmd.Flags().StringSliceVar(&f.stock, "stock", nil, "`PATH` of stock: a row for each change, with the column of --product")
	cmd.Flags().StringVar(&f.stockDate, "stock-date", "as_of", "`COLUMN` of the date or time in --stock")
	cmd.Flags().StringVar(&f.stockAvailable, "stock-available", "available", "`COLUMN` of the pieces that were to be had in --stock")
}

func (f *factFlags) check() error {
	switch {
	case f.customer == "" || f.date == "":
		return usagef("the columns that hold them, for example --customer customer_id --date created_at", "--customer and --date are needed")
	case len(f.events) > 0 && f.eventName == "":
		return usagef("the column that holds the event's name", "--event-name is missing")
	case len(f.stock) > 0 && f.product == "":
		return usagef("the column that orders and stock have in common", "--stock needs --product")
	case len(f.orders) > 0 && f.amount == "":
		return usagef("the column that holds what was paid", "--amount is missing")
	}
	return nil
}

// facts are what files say of customers.
type facts struct {
	names                                  []string // of customers, in the order in which they come
	all                                    []feature.Fact
	ends                                   []int // of each customer's facts
	first, last                            clientele.Micros
	zone                                   *time.Location
	products, categories, channels, events interned
	prices                                 *feature.Prices
	stock                                  *feature.Stock
	rows                                   int64
	notes                                  []string
}

// of are the facts of a customer.
func (h *facts) of(customer int) []feature.Fact {
	from := 0
	if customer > 0 {
		from = h.ends[customer-1]
	}
	return h.all[from:h.ends[customer]]
}

// source hands customers on.
func (h *facts) source() rolling.Source {
	return func() iter.Seq[[]feature.Fact] {
		return func(yield func([]feature.Fact) bool) {
			for i := range h.names {
				if !yield(h.of(i)) {
					return
				}
			}
		}
	}
}

// factReader fills facts from files.
type factReader struct {
	*facts
	f         *factFlags
	reading   *importer.Reading
	customers interned
	numbers   interned // of orders
	owner     []uint32
	moments   map[string]clientele.Micros
	left      faults
}

func (c *cli) readFacts(ctx context.Context, f *factFlags) (*facts, error) {
	reading, err := importer.NewReading(f.zone, f.dateOrder)
	if err != nil {
		return nil, err
	}
	r := &factReader{facts: &facts{}, f: f, reading: reading, moments: map[string]clientele.Micros{}}
	if r.zone, err = time.LoadLocation(f.zone); err != nil {
		return nil, err
	}
	bad := func(where, fault string) { r.left.add(fault, where) }
	columns := []string{f.customer, f.date, f.received, f.product, f.amount, f.category, f.channel, f.listPrice, f.discount, f.quantity, f.order}
	if len(f.orders) > 0 {
		if err := c.eachRow(ctx, f.orders, columns, bad, r.addOrder); err != nil {
			return nil, err
		}
	}
	if len(f.events) > 0 {
		if err := c.eachRow(ctx, f.events, []string{f.customer, f.date, f.eventReceived, f.eventProduct, f.eventName}, bad, r.addEvent); err != nil {
			return nil, err
		}
	}
	if len(f.stock) > 0 {
		r.stock = &feature.Stock{}
		if err := c.eachRow(ctx, f.stock, []string{f.product, f.stockDate, f.stockAvailable}, bad, r.addStock); err != nil {
			return nil, err
		}
		r.stock.Close()
	}
	r.notes = r.left.notes()
	if len(r.all) == 0 {
		e := clientele.Errorf(clientele.Invalid, "no row of the files is an order or an event")
		if len(r.notes) > 0 {
			return nil, e.WithHint("%s", r.notes[0])
		}
		return nil, e.WithHint("the files have no rows behind their header")
	}
	r.close()
	return r.facts, nil
}

// at reads a date or time; files have few different ones.
func (r *factReader) at(s string) (at clientele.Micros, ok bool, err error) {
	if at, ok = r.moments[s]; ok {
		return at, true, nil
	}
	at, err = r.reading.Time(s)
	if importer.NeedsOrder(err) {
		return 0, false, clientele.Errorf(clientele.Invalid, "the date %q begins with day or month", s).WithHint("say which: --date-order dmy or --date-order mdy")
	} else if err != nil {
		r.left.add("the date cannot be read", fmt.Sprintf("%q", s))
		return 0, false, nil
	}
	if len(r.moments) < 100_000 {
		r.moments[strings.Clone(s)] = at
	}
	return at, true, nil
}

// begin reads what rows of orders and events have in common: customer, date, time of receipt and product.
func (r *factReader) begin(v []string) (f feature.Fact, ok bool, err error) {
	r.rows++
	if v[0] == "" {
		r.left.add("they have no customer", "")
		return f, false, nil
	}
	if f.At, ok, err = r.at(v[1]); !ok {
		return f, false, err
	}
	if v[2] != "" {
		if f.Known, ok, err = r.at(v[2]); !ok {
			return f, false, err
		}
	}
	if v[3] != "" {
		f.Product = r.products.id(v[3]) + 1
	}
	return f, true, nil
}

func (r *factReader) end(customer string, f feature.Fact) {
	r.owner = append(r.owner, r.customers.id(customer))
	r.all = append(r.all, f)
	if f.Kind != feature.Return && f.Kind != feature.Sent {
		if r.first == 0 || f.At < r.first {
			r.first = f.At
		}
		r.last = max(r.last, f.At)
	}
}

func (r *factReader) addOrder(v []string) error {
	f, ok, err := r.begin(v)
	if !ok {
		return err
	}
	if f.Amount, err = r.reading.Number(v[4]); err != nil {
		r.left.add("the amount is no number", fmt.Sprintf("%q", v[4]))
		return nil
	}
	number := func(s string) float64 { // what is not there is not known
		x, err := r.reading.Number(s)
		if err != nil || x < 0 {
			return 0
		}
		return x
	}
	f.Category, f.Channel = short(&r.categories, v[5]), short(&r.channels, v[6])
	list, off, pieces := number(v[7]), number(v[8]), number(v[9])
	f.Reference, f.Discount, f.Quantity = float32(list), off, float32(pieces)
	if r.f.discount == "" && list > 0 && pieces > 0 {
		if f.Discount = list*pieces - f.Amount; f.Discount < 0.005*list*pieces {
			f.Discount = 0
		}
	}
	if v[10] != "" {
		f.Order = r.numbers.id(v[10]) + 1
	}
	if f.Amount < 0 {
		f.Kind, f.Amount, f.Discount = feature.Return, -f.Amount, 0
	}
	r.end(v[0], f)
	return nil
}

// short numbers a text from 1; the 65,535th different one and later are not told apart.
func short(n *interned, s string) uint16 {
	if s == "" || len(n.names) >= 1<<16-2 && n.index[s] == 0 {
		return 0
	}
	return uint16(n.id(s) + 1)
}

func (r *factReader) addEvent(v []string) error {
	f, ok, err := r.begin(v)
	if !ok {
		return err
	}
	if v[4] == "" {
		r.left.add("they have no event name", "")
		return nil
	}
	f.Name, f.Kind = short(&r.events, v[4]), kindOf(v[4])
	r.end(v[0], f)
	return nil
}

// kindOf tells messages, responses and stock-outs from other events, by their usual names.
func kindOf(name string) feature.Kind {
	s := strings.ToLower(name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
	}
	switch {
	case has("out of stock", "out_of_stock", "stockout", "stock-out", "notify me", "back in stock requested"):
		return feature.StockOut
	case has("email", "message", "sms", "push", "newsletter") && has("open", "click", "repl"):
		return feature.Response
	case has("email", "message", "sms", "push", "newsletter") && has("sent", "deliver", "received"):
		return feature.Sent
	}
	return feature.Event
}

func (r *factReader) addStock(v []string) error {
	if v[0] == "" {
		r.left.add("they have no product", "")
		return nil
	}
	at, ok, err := r.at(v[1])
	if !ok {
		return err
	}
	pieces, err := r.reading.Number(v[2])
	if err != nil {
		r.left.add("what is available is no number", fmt.Sprintf("%q", v[2]))
		return nil
	}
	if id, sold := r.products.index[v[0]]; sold {
		r.stock.Add(id+1, at, 0, pieces > 0)
	}
	return nil
}

// close puts facts by customer, each customer's in the order of the files, and works prices out.
func (r *factReader) close() {
	r.names = r.customers.names
	at := make([]int, len(r.names)+1)
	for _, who := range r.owner {
		at[who+1]++
	}
	for i := 1; i < len(at); i++ {
		at[i] += at[i-1]
	}
	r.ends = slices.Clone(at[1:])
	sorted := make([]feature.Fact, len(r.all))
	for i, who := range r.owner {
		sorted[at[who]] = r.all[i]
		at[who]++
	}
	r.all, r.owner = sorted, nil
	if r.f.product != "" {
		r.prices = &feature.Prices{}
		for i := range r.all {
			r.prices.Add(&r.all[i])
		}
		r.prices.Close()
	}
}

// now is the first instant of the day behind a date, or behind the last fact.
func (h *facts) now(until string, f *factFlags) (clientele.Micros, error) {
	at := h.last
	if until != "" {
		reading, err := importer.NewReading(f.zone, f.dateOrder)
		if err != nil {
			return 0, err
		}
		if at, err = reading.Time(until); err != nil {
			return 0, usagef("a date as 2025-12-31", "--until %q: %w", until, err)
		}
		if at <= h.first {
			return 0, clientele.Errorf(clientele.Invalid, "there is nothing to learn from up to %s: the first row is of %s", h.day(at), h.day(h.first))
		}
	}
	y, m, d := at.Time().In(h.zone).Date()
	return clientele.MicrosOf(time.Date(y, m, d+1, 0, 0, 0, 0, h.zone)), nil
}

// day is an instant's date in the zone of the files.
func (h *facts) day(at clientele.Micros) string { return at.Time().In(h.zone).Format(time.DateOnly) }

// told is how many categories, channels and events get features of their own.
const told = 12

// tell keeps the most common of the texts that a field numbers, as seen before a moment, and renumbers the facts. Events that are
// wanted are always kept.
func (h *facts) tell(names []string, before clientele.Micros, field func(f *feature.Fact) *uint16, keep ...string) []string {
	counts := make([]int, len(names)+1)
	for i := range h.all {
		if f := &h.all[i]; f.At < before {
			counts[*field(f)]++
		}
	}
	for i, name := range names {
		if slices.Contains(keep, name) {
			counts[i+1] = len(h.all) + 1
		}
	}
	order := make([]int, len(names))
	for i := range order {
		order[i] = i + 1
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
	number := make([]uint16, len(names)+1)
	var out []string
	for _, k := range order[:min(len(order), told)] {
		if counts[k] > 0 {
			out = append(out, printable(names[k-1]))
			number[k] = uint16(len(out))
		}
	}
	for i := range h.all {
		to := field(&h.all[i])
		*to = number[*to]
	}
	return out
}

// settings tell apart what is common before a moment, and know most people's pace by then.
func (h *facts) settings(zone string, before clientele.Micros, keep ...string) feature.Settings {
	how := feature.Settings{Zone: zone, Prices: h.prices, Stock: h.stock, Rows: len(h.names)}
	how.Categories = h.tell(h.categories.names, before, func(f *feature.Fact) *uint16 { return &f.Category })
	how.Channels = h.tell(h.channels.names, before, func(f *feature.Fact) *uint16 { return &f.Channel })
	how.Events = h.tell(h.events.names, before, func(f *feature.Fact) *uint16 { return &f.Name }, keep...)
	var gaps []float64
	for i := range h.names {
		gaps = rolling.Gaps(gaps, h.of(i), before, h.zone)
	}
	if len(gaps) > 0 {
		slices.Sort(gaps)
		how.TypicalGap = gaps[len(gaps)/2]
	}
	return how
}
