package audience

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"clientele"
)

// What a person wants: SKUs that are in the cart, on the wish list, or were viewed twice, in the person's usual
// size. It is read from events of the e-commerce spec; time alone changes nothing of it.
//
//   - In the cart: of the events that put it in or take it out, the last put it in, behind the last order.
//   - On the wish list: likewise, whatever was ordered.
//   - Viewed twice: behind the last order.
//   - The usual size is the one that most order lines of the category have (of several the one bought last). What
//     has no size, and whoever has bought nothing of the category, passes. Category and size of a SKU are those that the
//     last of these events said.
const (
	skuViewed   = "Product Viewed"
	skuAdded    = "Product Added"
	skuRemoved  = "Product Removed"
	skuWished   = "Product Added to Wishlist"
	skuUnwished = "Product Removed from Wishlist"
	skuMoved    = "Wishlist Product Added to Cart"
	skuOrdered  = "Order Completed"
)

// wantedBy are the events that say what a person wants of one SKU.
var wantedBy = []string{skuViewed, skuAdded, skuRemoved, skuWished, skuUnwished, skuMoved}

// viewsWanted is how many views make a SKU wanted.
const viewsWanted = 2

// OrderLine is what the usual size is made of; empty texts where the line says nothing.
type OrderLine struct {
	Category, Size string
	At             clientele.Micros // clientele.MinTime when it has no time
}

// interest is what the events say of one SKU.
type interest struct {
	cart, wish, last *clientele.Stamp
	inCart, wished   bool
	views            []clientele.Stamp
	category, size   string
}

func (e *evaluation) catalog(c *Catalog) (bool, error) {
	wanted, ordered, err := e.interests()
	if err != nil || len(wanted) == 0 {
		return false, err
	}
	var sizes map[string]string
	for _, sku := range sortedKeys(wanted) {
		w := wanted[sku]
		if !w.wanted(ordered) {
			continue
		}
		stock, known, err := e.facts.Stock(sku)
		if err != nil {
			return false, err
		}
		if !known || !c.Holds(stock) {
			continue
		}
		if sizes == nil {
			if sizes, err = e.usualSizes(); err != nil {
				return false, err
			}
		}
		if usual := sizes[w.category]; usual == "" || w.size == "" || w.size == usual {
			return true, nil
		}
	}
	return false, nil
}

// Holds says whether so much that is available passes.
func (c *Catalog) Holds(stock float64) bool {
	op, negated := c.Available.Op.positive()
	return between(op, stock, numbers(c.Available.Values)) != negated
}

func sortedKeys(m map[string]*interest) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// interests are what the events say, by SKU, and when the last order was.
func (e *evaluation) interests() (map[string]*interest, clientele.Micros, error) {
	ordered := clientele.MinTime
	out := map[string]*interest{}
	for _, name := range wantedBy {
		err := e.facts.Events(name, clientele.MinTime, clientele.MaxTime, func(o *Occurrence) error {
			sku := o.text("sku")
			if sku == "" {
				sku = o.text("product_id")
			}
			if sku == "" {
				return nil
			}
			w := out[sku]
			if w == nil {
				w = &interest{}
				out[sku] = w
			}
			w.add(name, o)
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	if len(out) == 0 {
		return nil, 0, nil
	}
	err := e.facts.Events(skuOrdered, clientele.MinTime, clientele.MaxTime, func(o *Occurrence) error {
		ordered = max(ordered, o.At)
		return nil
	})
	return out, ordered, err
}

// text is a property that is a text; "" for anything else.
func (o *Occurrence) text(property string) string {
	v := Member(o.Properties, property)
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	s, _ := textOf(v)
	return s
}

func (w *interest) add(name string, o *Occurrence) {
	at := o.Stamp
	later := func(have *clientele.Stamp) bool { return have == nil || have.Compare(at) < 0 }
	if name == skuViewed {
		w.views = append(w.views, at)
	}
	if (name == skuAdded || name == skuRemoved || name == skuMoved) && later(w.cart) {
		w.cart, w.inCart = &at, name != skuRemoved
	}
	if (name == skuWished || name == skuUnwished || name == skuMoved) && later(w.wish) {
		w.wish, w.wished = &at, name == skuWished
	}
	if later(w.last) {
		w.last, w.category, w.size = &at, o.text("category"), o.text("size")
	}
}

func (w *interest) wanted(ordered clientele.Micros) bool {
	views := 0
	for _, v := range w.views {
		if v.At > ordered {
			views++
		}
	}
	return w.inCart && w.cart.At > ordered || w.wished || views >= viewsWanted
}

// usualSizes are the person's sizes by category.
func (e *evaluation) usualSizes() (map[string]string, error) {
	type tally struct {
		size string
		n    int
		last clientele.Micros
	}
	counts := map[string]map[string]*tally{}
	err := e.facts.OrderLines(func(l OrderLine) error {
		if l.Size == "" {
			return nil
		}
		if counts[l.Category] == nil {
			counts[l.Category] = map[string]*tally{}
		}
		t := counts[l.Category][l.Size]
		if t == nil {
			t = &tally{size: l.Size, last: clientele.MinTime}
			counts[l.Category][l.Size] = t
		}
		t.n++
		t.last = max(t.last, l.At)
		return nil
	})
	out := map[string]string{}
	for category, sizes := range counts {
		var best *tally
		for _, t := range sizes {
			if best == nil || cmp.Or(cmp.Compare(t.n, best.n), cmp.Compare(t.last, best.last), cmp.Compare(best.size, t.size)) > 0 {
				best = t
			}
		}
		out[category] = best.size
	}
	return out, err
}

// textSQL is a property that is a text, otherwise null.
func (s Schema) textSQL(property string) string {
	v := s.property(property, "e")
	return fmt.Sprintf("(case when %s = 'VARCHAR' then nullif(%s, '') end)", v.kind(), v.text())
}

func (s Schema) skuSQL() string {
	return "coalesce(" + s.textSQL("sku") + ", " + s.textSQL("product_id") + ")"
}

func namesSQL(names ...string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = literalSQL(n)
	}
	return "name in (" + strings.Join(list, ", ") + ")"
}

// catalog is who wants something of which so much is available.
func (s Schema) catalog(c *Catalog) string {
	cart, wish := namesSQL(skuAdded, skuRemoved, skuMoved), namesSQL(skuWished, skuUnwished, skuMoved)
	latest := "order by ts desc, source desc, event_id desc"
	events := fmt.Sprintf("select e.profile_id, %s as sku, e.name, e.ts, e.source, e.event_id, coalesce(%s, '') as category, %s as size from events e where e.profile_id is not null and e.%s",
		s.skuSQL(), s.textSQL("category"), s.textSQL("size"), namesSQL(wantedBy...))
	ranked := fmt.Sprintf("select *, row_number() over (partition by profile_id, sku %[1]s) as nth, row_number() over (partition by profile_id, sku, %[2]s %[1]s) as nth_cart, "+
		"row_number() over (partition by profile_id, sku, %[3]s %[1]s) as nth_wish from (%[4]s) a where sku is not null", latest, cart, wish, events)
	wants := fmt.Sprintf("select r.profile_id, sku, max(case when nth = 1 then category end) as category, max(case when nth = 1 then size end) as size from (%s) r "+
		"left join (select profile_id, max(ts) as ordered from events where name = %s and profile_id is not null group by profile_id) o on o.profile_id = r.profile_id group by r.profile_id, sku "+
		"having max(case when %s and nth_cart = 1 and name <> %s and (ordered is null or ts > ordered) then 1 else 0 end) = 1 or max(case when nth_wish = 1 and name = %s then 1 else 0 end) = 1 "+
		"or sum(case when name = %s and (ordered is null or ts > ordered) then 1 else 0 end) >= %d",
		ranked, literalSQL(skuOrdered), cart, literalSQL(skuRemoved), literalSQL(skuWished), literalSQL(skuViewed), viewsWanted)
	op, negated := c.Available.Op.positive()
	with := make([]string, len(c.Available.Values))
	for i, l := range c.Available.Values {
		with[i] = numberSQL(l.Number)
	}
	test := compareSQL(op, "cast(sum(available) as double)", with)
	if negated {
		test = "not (" + test + ")"
	}
	stock := "select sku from (select sku, available, row_number() over (partition by source, sku, location order by as_of desc) as nth from inventory) i where nth = 1 group by sku having sum(available) is not null and " + test
	sizes := fmt.Sprintf("select profile_id, category, size from (select profile_id, coalesce(category, '') as category, size, row_number() over (partition by profile_id, coalesce(category, '') "+
		"order by count(*) desc, max(coalesce(ts, %s)) desc, size) as nth from order_lines where profile_id is not null and size <> '' group by profile_id, coalesce(category, ''), size) l where nth = 1", timeSQL(clientele.MinTime))
	return fmt.Sprintf("select distinct w.profile_id from (%s) w join (%s) k on k.sku = w.sku left join (%s) u on u.profile_id = w.profile_id and u.category = w.category "+
		"where u.size is null or w.size is null or w.size = u.size", wants, stock, sizes)
}

// Wanting is a SELECT of profile_id of everybody of whom an event says that one of the SKUs is wanted, or no longer,
// each once: whom a change of their stock may concern.
func (s Schema) Wanting(skus []string) string {
	list := make([]string, len(skus))
	for i, sku := range skus {
		list[i] = literalSQL(sku)
	}
	return fmt.Sprintf("select distinct e.profile_id from events e where e.profile_id is not null and e.%s and %s in (%s)", namesSQL(wantedBy...), s.skuSQL(), strings.Join(list, ", "))
}
