package value

import (
	"cmp"
	"math"
	"slices"
)

// History is every customer's orders. The zero value is ready.
type History struct {
	Returns Returns // what a line below 0 does; before Close

	names []string
	index map[string]uint32
	lines []line
	ends  []int // of each customer's lines, once closed
	Told  Cleaning
}

// Returns says what a line with a negative amount does.
type Returns string

// A return lowers the orders before it, or is left out.
const (
	Net    Returns = "net"
	Ignore Returns = "ignore"
)

// Cleaning counts what happened to lines of orders.
type Cleaning struct {
	Lines     int64   `json:"lines"`
	Negative  int64   `json:"negative_lines"`
	Copies    int64   `json:"equal_lines"`   // of a customer, day and amount that an earlier line has; they are kept
	Cancelled int64   `json:"orders_undone"` // days whose orders were returned whole
	Unmatched float64 `json:"returned_more"` // returned without an order before it, currency
	Undone    int64   `json:"customers_without_orders"`
}

// line is a line of an order, and once closed all of a customer's day.
type line struct {
	customer uint32
	day      int32 // since 1970-01-01
	amount   float64
}

// Add adds a line of an order; the amount must be finite. The text is kept.
func (h *History) Add(customer string, day int32, amount float64) {
	if h.index == nil {
		h.index = map[string]uint32{}
	}
	id, ok := h.index[customer]
	if !ok {
		id = uint32(len(h.names))
		h.names = append(h.names, customer)
		h.index[customer] = id
	}
	h.lines = append(h.lines, line{id, day, amount})
	h.Told.Lines++
	if amount < 0 {
		h.Told.Negative++
	}
}

// Close puts the lines in order: a customer's lines of a day are one order, a return is taken off the orders before it.
func (h *History) Close() {
	h.index = nil
	slices.SortFunc(h.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.day, b.day), cmp.Compare(a.amount, b.amount))
	})
	for i := 1; i < len(h.lines); i++ {
		if h.lines[i] == h.lines[i-1] {
			h.Told.Copies++
		}
	}
	out := h.lines[:0]
	names := h.names[:0]
	h.ends = h.ends[:0]
	for from := 0; from < len(h.lines); {
		to := from
		for to < len(h.lines) && h.lines[to].customer == h.lines[from].customer {
			to++
		}
		name := h.names[h.lines[from].customer]
		begin := len(out)
		out = h.days(out, h.lines[from:to])
		if len(out) == begin {
			h.Told.Undone++
		} else {
			for i := begin; i < len(out); i++ {
				out[i].customer = uint32(len(names))
			}
			names = append(names, name)
			h.ends = append(h.ends, len(out))
		}
		from = to
	}
	h.lines, h.names = out, names
}

// days adds a customer's orders to out, which may lie in front of the same memory.
func (h *History) days(out, lines []line) []line {
	begin := len(out)
	for i := 0; i < len(lines); {
		day, sum, bought := lines[i], 0.0, false
		for i < len(lines) && lines[i].day == day.day {
			if a := lines[i].amount; a >= 0 {
				sum += a
				bought = true
			} else if h.Returns != Ignore {
				sum += a
			}
			i++
		}
		if bought && sum >= 0 {
			out = append(out, line{day.customer, day.day, sum})
			continue
		}
		if bought {
			h.Told.Cancelled++
		}
		for k := len(out) - 1; k >= begin && sum < 0; k-- {
			taken := math.Min(out[k].amount, -sum)
			out[k].amount -= taken
			sum += taken
			if out[k].amount <= 1e-9 && taken > 0 {
				out = slices.Delete(out, k, k+1)
				h.Told.Cancelled++
			}
		}
		if sum < -1e-9 {
			h.Told.Unmatched -= sum
		}
	}
	return out
}

// Customers in the order of their first line.
func (h *History) Customers() []string { return h.names }

// Days are the first and the last of all orders.
func (h *History) Days() (first, last int32) {
	first, last = math.MaxInt32, math.MinInt32
	for _, l := range h.lines {
		first, last = min(first, l.day), max(last, l.day)
	}
	return first, last
}

func (h *History) of(customer int) []line {
	from := 0
	if customer > 0 {
		from = h.ends[customer-1]
	}
	return h.lines[from:h.ends[customer]]
}

// Window is customers as they were seen at a day.
type Window struct {
	Customers []int // by number, those who had ordered by then
	Summaries []Summary
	MeanOrder float64 // of all orders
}

// Until summarises the orders up to a day, that day included. unit is the days of a unit of time.
func (h *History) Until(day int32, unit float64) Window {
	var w Window
	value, count := 0.0, 0.0
	for c := range h.names {
		s, spent, n := Summary{}, 0.0, 0
		var first, last int32
		for _, l := range h.of(c) {
			if l.day > day {
				break
			}
			if n == 0 {
				first = l.day
			} else {
				spent += l.amount
			}
			last = l.day
			n++
			value += l.amount
			count++
		}
		if n == 0 {
			continue
		}
		s.Frequency = n - 1
		s.Recency = float64(last-first) / unit
		s.Age = float64(day-first) / unit
		if s.Frequency > 0 {
			s.Monetary = spent / float64(s.Frequency)
		}
		w.Customers = append(w.Customers, c)
		w.Summaries = append(w.Summaries, s)
	}
	if count > 0 {
		w.MeanOrder = value / count
	}
	return w
}

// Since are the customers of a window whose first order lies at most age units before its end.
func (w Window) Since(age float64) []Summary {
	var out []Summary
	for _, s := range w.Summaries {
		if s.Age <= age {
			out = append(out, s)
		}
	}
	return out
}

// between is how many orders a customer made behind one day up to another, and their value.
func (h *History) between(customer int, after, upTo int32) (orders, value float64) {
	for _, l := range h.of(customer) {
		if l.day > after && l.day <= upTo {
			orders++
			value += l.amount
		}
	}
	return orders, value
}

// before is the value of a customer's orders up to a day.
func (h *History) before(customer int, day int32) (value float64) {
	for _, l := range h.of(customer) {
		if l.day <= day {
			value += l.amount
		}
	}
	return value
}
