// Package feature describes people as they were at a moment, in numbers that a model can learn from: how recently,
// how often and for how much they ordered, at which prices, what they returned, what they could not get, what was sent
// to them and what they did.
//
// Only what was known strictly before the moment enters: a fact counts once it has happened and has been
// received, so that a record that came late describes nobody as of a day on which it had not come yet. Labels
// come from the moment on. The package reads no files and no database, and knows no clock: its callers hand it facts.
//
// Equal facts give equal bits, whatever the number of workers: a row is made of one person's facts, in their order.
package feature

import "clientele"

// Kind says what a fact is.
type Kind uint8

// The kinds. A line of an order is a fact; so is a return, with what was given back as its amount.
const (
	Order    Kind = iota // a line of an order
	Return               // Amount was given back
	StockOut             // the person met something that was not to be had
	Sent                 // a message was sent to them
	Response             // a message was opened, clicked or answered
	Event                // anything else, told apart by Name: a visit, a cart
)

// Fact is something that happened to one person. What is not known is zero.
type Fact struct {
	At    clientele.Micros // when it happened
	Known clientele.Micros // when it was received; zero: at once

	// Amount is money: of an order's line what was paid, discount taken off; of a return what was given back.
	Amount    float64
	Discount  float64 // money that was taken off
	Quantity  float32 // pieces
	Price     float32 // of a piece; zero: Amount by Quantity
	Reference float32 // what a piece costs by the list; zero: the recent median of the product, see Prices

	Order    uint32 // number of the order; zero: the lines of a day are one order
	Product  uint32 // number of the product, its size included
	Category uint16 // place in Settings.Categories from 1; zero: another, or not known
	Channel  uint16 // place in Settings.Channels from 1
	Name     uint16 // place in Settings.Events from 1; of an Event
	Kind     Kind
}

// known is when the fact had both happened and been received.
func (f *Fact) known() clientele.Micros {
	if f.Known == 0 {
		return f.At
	}
	return max(f.At, f.Known)
}

// Before says whether the fact had happened and been received before a moment.
func (f *Fact) Before(moment clientele.Micros) bool { return f.known() < moment }

// price of a piece of an order's line; 0 where it is not known.
func (f *Fact) price() float64 {
	if f.Price > 0 {
		return float64(f.Price)
	}
	if f.Quantity > 0 && f.Amount > 0 {
		return f.Amount / float64(f.Quantity)
	}
	return 0
}

// Person is all that is known of somebody, and the moments to describe them at. Facts may be in any order, and both
// slices may be used again by the caller when the next person is asked for.
type Person struct {
	Facts   []Fact
	Moments []clientele.Micros
}

// Settings say what is told apart. The zero value is of use.
type Settings struct {
	Categories, Channels, Events []string // names of those that get features of their own
	Zone                         string   // time zone of days, weekdays and hours; "" is UTC
	TypicalGap                   float64  // days between two orders of most people, known beforehand; zero: 30
	Prices                       *Prices  // nil: only the prices of the list are compared
	Stock                        *Stock   // nil: what was in stock is not known
	Target                       *Target  // nil: no labels
	Workers                      int
	Rows                         int // how many there will be, about; saves memory
}

// Target is what is to be foretold.
type Target struct {
	Is     func(f *Fact) bool // which facts are it; nil: lines of orders
	Within clientele.Micros   // from the moment on, that instant excluded
	Absent bool               // yes means that none came: churn
	End    clientele.Micros   // up to which facts are whole: where the window ends later, the label is not known
	// Excused leaves the label of somebody open for whom nothing came, and whose last product was out of stock for
	// at least this share of the window: absence through stock-out is not churn. Zero excuses nobody.
	Excused float64
}

// Day is a day's length.
const Day clientele.Micros = 86_400_000_000

// Label is what came of a row.
type Label int8

// The labels.
const (
	No Label = iota
	Yes
	Open    // the window ends behind what is known, or there is no target
	Excused // nothing came, and what the person buys was not to be had
)

// Column names a feature in plain language.
type Column struct {
	Name  string
	Group string // one of the groups
	// Lead is the feature, or the word, that stands for several like this one where reasons are given: their parts of a
	// score are summed, as "orders in 30 days" and "in 90 days" say much the same.
	Lead string
}

// The groups of features: what they are about, and what a drift watch can name.
const (
	Behaviour = "behaviour" // how recently, how often, for how much
	Price     = "price"     // discounts, prices against the reference
	Supply    = "stock"     // what was not to be had
	Mix       = "mix"       // categories, channels, products
	Returns   = "returns"
	Contact   = "messages"
	Activity  = "activity" // what people do besides ordering
	Age       = "age"      // how long somebody is known: grows by itself
)

// Table is the features of all people at all their moments, a row each, in the order in which they came.
type Table struct {
	Columns []Column
	Values  [][]float64 // by column, then by row; NaN is not known
	Person  []int32     // of each row, from 0
	Moment  []clientele.Micros
	Labels  []Label
}

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.Person) }

// Group of the column of that name; "" where there is none.
func (t *Table) Group(name string) string {
	for _, c := range t.Columns {
		if c.Name == name {
			return c.Group
		}
	}
	return ""
}
