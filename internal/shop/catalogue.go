package shop

import (
	"fmt"
	"slices"
	"strings"

	"clientele"
)

const (
	second clientele.Micros = 1_000_000
	minute                  = 60 * second
	hour                    = 60 * minute
	day                     = 24 * hour
)

// category is a shelf of the shop.
type category struct {
	name, code, article string
	models              string
	cents               int // what its goods cost about
	sizes               string
	step                int // how much more each size costs, in per cent of the first
	wanted              int // how often people look for it
}

var categories = []category{
	{"tents", "TEN", "Tent", "Ridge Valley Summit Meadow Storm Harbour Aurora Nomad Glacier Dune", 24_900, "2P 3P 4P", 18, 17},
	{"hiking boots", "BOO", "Boot", "Granite Marsh Peak Forest Basalt Crag Tarn Fjell Scree Moraine", 15_900, "36 37 38 39 40 41 42 43 44 45 46 47", 0, 20},
	{"hiking shoes", "SHO", "Shoe", "Trail Path Brook Fern Lichen Gravel Heath Moss Pebble Sprint Stride Swift", 11_900, "36 37 38 39 40 41 42 43 44 45 46 47", 0, 19},
	{"jackets", "JAC", "Jacket", "Drizzle Gale Frost Breeze Alpine Coast Cirrus Squall Zephyr Polar Mistral Sleet", 17_900, "XS S M L XL", 0, 14},
	{"trousers", "TRO", "Trousers", "Ramble Strider Canyon Mesa Steppe Prairie Delta Tundra", 8_900, "XS S M L XL", 0, 7},
	{"backpacks", "BAC", "Backpack", "Commuter Weekender Courier Hiker Porter Summiteer Trek Wander Day Expedition", 11_900, "30L 50L", 30, 9},
	{"sleeping bags", "SLE", "Sleeping Bag", "Ember Cocoon Down Nest Polaris Drift Hollow Lull", 14_900, "M L", 8, 5},
	{"stoves", "STO", "Stove", "Spark Flame Kettle Hearth Cinder Kindle Boiler Roaster", 6_900, "", 0, 4},
	{"lamps", "LAM", "Lamp", "Firefly Beacon Comet Moon Lantern Glow Orbit Flare", 3_900, "", 0, 3},
	{"socks", "SOC", "Socks", "Merino Cushion Alpaca Runner Bamboo Winter", 1_790, "S M L", 0, 2},
}

var brands = []string{"Northwind", "Basecamp", "Lumen", "Fellmark"}

// model is a product; its variants differ in size.
type model struct {
	category *category
	code     string
	name     string
	brand    string
	colour   string
	page     string
	variants []int // of Shop.skus
	prices   []price
}

// price is how much of its list price a model costs from one time up to another.
type price struct {
	from, to clientele.Micros // to 0: it still holds
	percent  int
}

// sku is a model in one size: what is bought, priced and stocked.
type sku struct {
	model *model
	index int
	id    string
	size  string
	cents int // list price in the price list's currency
	cost  int
}

// launched is the tent whose launch brings the surge.
const launched = "Aurora"

func (s *Shop) stockShelves() {
	d := roll(s.seed, "catalogue")
	for i := range categories {
		c := &categories[i]
		for n, name := range strings.Fields(c.models) {
			m := &model{category: c, code: fmt.Sprintf("%s-%02d", c.code, n+1), name: name + " " + c.article, brand: one(d, brands),
				colour: one(d, []string{"black", "green", "grey", "blue", "orange"})}
			m.page = "/" + strings.ReplaceAll(c.name, " ", "-") + "/" + strings.ToLower(name)
			cents := c.cents*d.between(70, 150)/100/100*100 + 90
			sizes := strings.Fields(c.sizes)
			if len(sizes) == 0 {
				sizes = []string{"one size"}
			}
			for k, size := range sizes {
				v := &sku{model: m, index: len(s.skus), id: m.code, size: size, cents: cents * (100 + k*c.step) / 100}
				if len(sizes) > 1 {
					v.id += "-" + size
				}
				v.cost = v.cents * d.between(42, 58) / 100
				m.variants = append(m.variants, v.index)
				s.skus = append(s.skus, v)
			}
			m.prices = s.priceTags(m, d)
			s.models = append(s.models, m)
			s.shelves[c.name] = append(s.shelves[c.name], m)
		}
	}
}

// priceTags are the model's prices: the list's, a tenth more from some day on for some, and
// less while a campaign has its category on sale.
func (s *Shop) priceTags(m *model, d *dice) []price {
	rise := clientele.Micros(0)
	if d.chance(300) {
		rise = s.start + clientele.Micros(d.between(60, 300))*day
	}
	var edges []clientele.Micros
	if rise != 0 {
		edges = append(edges, rise)
	}
	for i := range s.campaigns {
		if c := &s.campaigns[i]; c.percent > 0 && c.covers(m.category) {
			edges = append(edges, c.from, c.to)
		}
	}
	edges = append(edges, s.start)
	slices.Sort(edges)
	edges = slices.Compact(edges)
	var tags []price
	for i, from := range edges {
		tag := price{from: from, percent: 100}
		if i+1 < len(edges) {
			tag.to = edges[i+1]
		}
		if rise != 0 && from >= rise {
			tag.percent = 110
		}
		best := 0
		for i := range s.campaigns {
			if c := &s.campaigns[i]; c.percent > best && c.covers(m.category) && c.from <= from && from < c.to {
				best = c.percent
			}
		}
		tag.percent = tag.percent * (100 - best) / 100
		if n := len(tags); n > 0 && tags[n-1].percent == tag.percent {
			tags[n-1].to = tag.to
			continue
		}
		tags = append(tags, tag)
	}
	return tags
}

// priceAt is what the article costs, in hundredths of the price list's currency.
func (v *sku) priceAt(at clientele.Micros) int {
	for _, p := range v.model.prices {
		if at < p.to || p.to == 0 {
			return v.at(p.percent)
		}
	}
	return v.cents
}

func (v *sku) at(percent int) int { return (v.cents*percent + 50) / 100 }

// in is the amount in the country's currency.
func (c *country) in(cents int) int { return (cents*c.factor + 500) / 1000 }

// shortage is a time in which an article is sold out.
type shortage struct{ from, to clientele.Micros }

// shortages are those of an article in the quarter of a year that begins at from: they depend
// on nothing else, so they go on after the history. Middle sizes sell out more often.
func (s *Shop) shortages(v *sku, quarter int) []shortage {
	d := roll(s.seed, "stock", v.index, quarter)
	likely := 30
	if n := len(v.model.variants); n > 1 {
		k := v.index - v.model.variants[0]
		likely = 60 + 200*min(k, n-1-k)/n
	}
	if !d.chance(likely) {
		return nil
	}
	from := s.start + clientele.Micros(quarter)*quarterLength + clientele.Micros(d.between(0, 60))*day + 6*hour
	return []shortage{{from, from + clientele.Micros(d.between(4, 25))*day}}
}

const quarterLength = 91 * day

// soldOut says whether nobody can buy the article at the time.
func (s *Shop) soldOut(v *sku, at clientele.Micros) bool {
	quarter := int((at - s.start) / quarterLength)
	for _, o := range s.shortages(v, quarter) {
		if o.from <= at && at < o.to {
			return true
		}
	}
	return false
}
