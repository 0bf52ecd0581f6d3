// Package shop simulates an outdoor shop, its customers and the systems that know of them: web
// shop, app, e-mail platform, points of sale, support desk, ERP, loyalty programme, CRM, a seller
// of attributes and advertising. It tells their records as those systems would, a year of them
// and then what happens next, and keeps apart from them who the true people are, so that identity
// resolution can be scored against the truth.
//
// Everything follows from a seed, a number of people and the history's end: the same ones give
// the same bytes on every machine and with any number of workers. People live in streets of ten
// who have nothing to do with other streets, and are simulated street by street, so that memory
// does not grow with their number. Nobody in it exists.
package shop

import (
	"time"

	"clientele"
)

// The systems that tell of the shop, the names of their sources.
const (
	Web        = "web"
	App        = "app"
	Email      = "email"      // an e-mail, push and SMS platform outside
	Store      = "store"      // points of sale
	Support    = "support"    // chats and calls
	ERP        = "erp"        // catalogue, prices, stock, returns, refunds, rates
	Loyalty    = "loyalty"    // accounts and points
	CRM        = "crm"        // customers
	Enrichment = "enrichment" // attributes that were bought
	Ads        = "ads"        // what advertising cost
)

// Sources are all of them.
var Sources = []string{Web, App, Email, Store, Support, ERP, Loyalty, CRM, Enrichment, Ads}

// Limits of a shop.
const (
	MaxPeople   = 2_000_000
	HistoryDays = 365
)

// Shop is a shop that is planned in full. It does not change, and any number of goroutines may
// use it.
type Shop struct {
	seed       uint64
	people     int
	start, end clientele.Micros
	launch     clientele.Micros
	campaigns  []campaign
	days       []int
	skus       []*sku
	models     []*model
	shelves    map[string][]*model
}

// New plans the shop. Its history is the year before end.
func New(seed uint64, people int, end time.Time) (*Shop, error) {
	if people < 1 || people > MaxPeople {
		return nil, clientele.Errorf(clientele.Invalid, "a shop has 1 to %d people", MaxPeople)
	}
	end = end.UTC().Truncate(time.Second)
	s := &Shop{seed: seed, people: people, end: clientele.MicrosOf(end), start: clientele.MicrosOf(end.AddDate(0, 0, -HistoryDays)), shelves: map[string][]*model{}}
	s.planYear()
	s.weighDays()
	s.stockShelves()
	return s, nil
}

// Record is what one of the shop's systems says.
type Record struct {
	Source string
	Kind   clientele.Kind // event or row
	At     clientele.Micros
	Raw    []byte
	// The truth, which is not in Raw.
	ID          string                 // of the message or the row
	Person      int                    // whose it is, from 1; 0 = nobody's
	Identifiers []clientele.Identifier // that Raw names, normalised
}
