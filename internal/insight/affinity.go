package insight

import (
	"cmp"
	"slices"
	"strconv"

	"clientele"
	"clientele/internal/sqlq"
)

// Affinity: which items are in the same basket. Of N baskets, with a and b the baskets that hold each item and ab
// those that hold both: support = ab / N, confidence of the second item given the first = ab / a, lift = ab N / (a b)
// (Agrawal, Imielinski, Swami: Mining association rules between sets of items in large databases, 1993). A lift above
// 1 says that they are together more often than by chance.

func answerAffinity(a *asking) (*clientele.Answer, error) {
	b, err := a.baskets()
	if err != nil {
		return nil, err
	}
	items := "select item, count(*) as n from (\n" + b.items + "\n) x group by item having count(*) >= " + strconv.Itoa(b.least)
	counts, err := a.query(items+" order by n desc, item", MaxRows)
	if err != nil {
		return nil, err
	}
	if counts.Cut {
		return nil, clientele.Errorf(clientele.TooLarge, "over %d items are in %d baskets each", MaxRows, b.least).WithHint("raise min_support, or take a coarser item")
	}
	size, err := a.query("select count(distinct basket) from (\n"+b.items+"\n) x", 1)
	if err != nil {
		return nil, err
	}
	pairs, err := a.query(b.pairs("select x.item as a, y.item as b, count(*) as n", items)+"\ngroup by x.item, y.item having count(*) >= "+strconv.Itoa(b.least)+"\norder by n desc, a, b", MaxRows)
	if err != nil {
		return nil, err
	}
	if pairs.Cut {
		return nil, clientele.Errorf(clientele.TooLarge, "over %d pairs are in %d baskets each", MaxRows, b.least).WithHint("raise min_support, take a coarser item, or a focus")
	}
	in := map[any]int64{}
	for _, row := range counts.Rows {
		in[row[0]], _ = row[1].(int64)
	}
	total, _ := size.Rows[0][0].(int64)
	r := &clientele.Answer{Columns: []clientele.AnswerColumn{{Name: "a", Role: "dimension"}, {Name: "b", Role: "dimension"}, {Name: "baskets", Role: "measure"}, {Name: "support", Role: "measure", Unit: "percent"},
		{Name: "confidence", Role: "measure", Unit: "percent"}, {Name: "confidence_back", Role: "measure", Unit: "percent"}, {Name: "lift", Role: "measure"}}}
	for _, row := range pairs.Rows {
		n, _ := row[2].(int64)
		x, y := in[row[0]], in[row[1]]
		r.Rows = append(r.Rows, []any{row[0], row[1], n, percent(n, total), percent(n, x), percent(n, y), float64(n) * float64(total) / (float64(x) * float64(y))})
	}
	slices.SortStableFunc(r.Rows, func(x, y []any) int { return cmp.Compare(y[6].(float64), x[6].(float64)) })
	if limit := a.limit(); len(r.Rows) > limit {
		r.Rows, r.Cut = r.Rows[:limit], true
	}
	for _, row := range r.Rows {
		r.Cells = append(r.Cells, clientele.Cell{"a": row[0], "b": row[1]})
	}
	return r, nil
}

// baskets are what items are looked for in.
type baskets struct {
	items string // basket, item, once each
	who   string // basket, profile_id
	least int
	focus string
}

func (a *asking) baskets() (*baskets, error) {
	b := &baskets{least: a.q.MinSupport, focus: a.q.Focus}
	if b.least == 0 {
		b.least = 3
	}
	st := clientele.Step{Table: "order_lines"}
	switch len(a.q.Steps) {
	case 0:
	case 1:
		st = a.q.Steps[0]
	default:
		return nil, clientele.Errorf(clientele.Invalid, "steps: affinity looks at the items of one").WithHint(`"steps":[{"event":"Product Viewed"}], or none for what was bought`)
	}
	s, err := a.one(0, st, a.from)
	if err != nil {
		return nil, err
	}
	basket := a.q.Basket
	if basket == "" {
		basket = "order"
		if s.f.table != "order_lines" {
			basket = "customer"
		}
	}
	by := "f.profile_id"
	if basket == "order" {
		if s.f.table != "order_lines" && s.f.table != "returns" {
			return nil, clientele.Errorf(clientele.Invalid, "basket: %s are in no order", s.f.table).WithHint(`"basket":"customer"`)
		}
		by = "f.source || ' ' || f.order_id"
		s.wheres = slices.DeleteFunc(s.wheres, func(w string) bool { return w == "f.profile_id is not null" }) // a guest's basket is one
	}
	if s.f.table == "order_lines" {
		s.join("order")
		s.where(lineStatus)
		s.where("f.quantity > 0")
	}
	item := a.q.Item
	if item == "" {
		item = "product"
	}
	e, err := s.dimension("item", item)
	if err != nil {
		return nil, plainError(err)
	}
	s.where(e.sql + " is not null")
	b.items = "select distinct " + by + " as basket, " + e.shown() + " as item\n" + s.from()
	b.who = "select distinct " + by + " as basket, f.profile_id\n" + s.from()
	return b, nil
}

// pairs joins baskets with themselves. frequent is a query of the items that are in enough baskets: no others can be
// in a pair that is. Each pair comes once, the focus first where there is one.
func (b *baskets) pairs(list, frequent string) string {
	order := "x.item < y.item"
	first, second := b.items, b.items
	if frequent != "" {
		keep := func(q string) string {
			return "select basket, item from (\n" + q + "\n) i where item in (select item from (\n" + frequent + "\n) n)"
		}
		first, second = keep(first), keep(second)
	}
	if b.focus != "" {
		order = "x.item <> y.item"
		first = "select basket, item from (\n" + first + "\n) fo where item = " + sqlq.Text(b.focus)
	}
	return list + "\nfrom (\n" + first + "\n) x\njoin (\n" + second + "\n) y on y.basket = x.basket and " + order
}

func peopleOfAffinity(a *asking, cell clientele.Cell) (string, error) {
	b, err := a.baskets()
	if err != nil {
		return "", err
	}
	x, ok := cell["a"].(string)
	y, ok2 := cell["b"].(string)
	if !ok || !ok2 || len(cell) != 2 {
		return "", clientele.Errorf(clientele.Invalid, `cell: write {"a":"TEN-01","b":"SLE-02"}`)
	}
	both := "select x.basket from (\n" + b.items + "\n) x where x.item in (" + quoted([]string{x, y}) + ") group by x.basket having count(*) = 2"
	return "select distinct w.profile_id as profile_id\nfrom (\n" + b.who + "\n) w\nwhere w.profile_id is not null and w.basket in (\n" + both + "\n)", nil
}
