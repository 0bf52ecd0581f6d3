package insight

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// leaf is a measure that one query can take of one fact.
type leaf struct {
	id      string // the text it was written as
	of      []reading
	column  string // of the table's, of AGG(table.column): put for {column} in the reading
	numbers bool   // and has to be a number
	filters []clientele.Filter
	unit    string
}

// node is a measure: a leaf, or two nodes that are divided or subtracted.
type node struct {
	*leaf
	a, b *node
	op   string
	per  float64
	unit string
}

// leaves are those of the node, in order.
func (n *node) leaves() []*leaf {
	if n.leaf != nil {
		return []*leaf{n.leaf}
	}
	return append(n.a.leaves(), n.b.leaves()...)
}

// main is the leaf whose people are those behind the measure.
func (n *node) main() *leaf { return n.leaves()[0] }

var aggText = regexp.MustCompile(`^([a-z]+[0-9]*)\(([a-z_]+)(?:\.([A-Za-z0-9_.]+))?\)$`)

// measure reads the text of a measure.
func (a *asking) measure(place, typed string) (*node, error) {
	typed = strings.TrimSpace(typed)
	if first, per, second, ok := splitPer(typed); ok {
		x, err := a.measure(place, first)
		if err != nil {
			return nil, err
		}
		y, err := a.measure(place, second)
		if err != nil {
			return nil, err
		}
		unit := ""
		if x.unit == "money" && y.unit != "money" {
			unit = "money"
		}
		return &node{a: x, b: y, op: "/", per: per, unit: unit}, nil
	}
	base, inside, filtered := strings.Cut(typed, "[")
	var filters []clientele.Filter
	base = strings.TrimSpace(base)
	if filtered {
		inside, ok := strings.CutSuffix(inside, "]")
		if !ok {
			return nil, clientele.Errorf(clientele.Invalid, "%s: the bracket of %q does not end", place, typed).WithHint("write it like events[Product Viewed] or orders[coupon exists]")
		}
		var err error
		if filters, err = bracket(inside); err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "%s: %w", place, err).WithHint("%s", clientele.ErrorHint(err))
		}
	}
	if m := aggText.FindStringSubmatch(base); m != nil {
		return a.aggregate(place, typed, m[1], m[2], m[3], filters)
	}
	return named1(place, typed, base, filters)
}

// splitPer cuts a text at the first " per " that is outside brackets.
func splitPer(typed string) (first string, per float64, second string, ok bool) {
	depth := 0
	for i := range typed {
		switch typed[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ' ':
			rest, found := strings.CutPrefix(typed[i:], " per ")
			if depth != 0 || !found {
				continue
			}
			per = 1
			if n, after, cut := strings.Cut(rest, " "); cut {
				if v, err := strconv.ParseFloat(n, 64); err == nil && v > 0 && v-v == 0 {
					per, rest = v, after
				}
			}
			return typed[:i], per, rest, true
		}
	}
	return "", 0, "", false
}

// bracket are the filters of a measure: conditions joined by and, or names of events joined by |.
func bracket(inside string) (out []clientele.Filter, err error) {
	for part := range strings.SplitSeq(inside, " and ") {
		f, err := clientele.ParseFilter(part)
		if err != nil {
			if strings.ContainsAny(inside, "=<>~") || strings.TrimSpace(inside) == "" {
				return nil, err
			}
			var names []any
			for name := range strings.SplitSeq(inside, "|") {
				names = append(names, strings.TrimSpace(name))
			}
			return []clientele.Filter{{Field: "event", Op: "in", Value: names}}, nil
		}
		out = append(out, f)
	}
	return out, nil
}

// named1 is a measure by its name.
func named1(place, typed, name string, filters []clientele.Filter) (*node, error) {
	m, ok := measures[name]
	if !ok {
		return nil, clientele.Errorf(clientele.Invalid, "%s: there is no measure %q", place, name).
			WithHint("%s; others are written AGG(table.column), such as avg(conversations.csat)", choices(name, slices.Sorted(maps.Keys(measures))))
	}
	if m.op == "" {
		return &node{leaf: &leaf{id: typed, of: m.of, filters: filters, unit: m.unit}, unit: m.unit}, nil
	}
	x, err := named1(place, strings.Replace(typed, name, m.a, 1), m.a, filters)
	if err != nil {
		return nil, err
	}
	y, err := named1(place, strings.Replace(typed, name, m.b, 1), m.b, filters)
	if err != nil {
		return nil, err
	}
	return &node{a: x, b: y, op: m.op, per: m.per, unit: m.unit}, nil
}

// moneyColumns are amounts, which are converted where the table's rows have a currency.
const moneyColumns = " revenue discount shipping tax price list_price unit_cost amount fee cost "

// aggregate is AGG(table.column).
func (a *asking) aggregate(place, typed, agg, table, column string, filters []clientele.Filter) (*node, error) {
	if facts[table] == nil {
		return nil, clientele.Errorf(clientele.Invalid, "%s: there is no table %q to ask about", place, table).WithHint("%s", choices(table, factNames()))
	}
	l := &leaf{id: typed, column: column, filters: filters}
	value := "{column}"
	if facts[table].money != "" && strings.Contains(moneyColumns, " "+column+" ") || column == "cost" {
		value, l.unit = "{money: {column}}", "money"
		if table == "orders" && column == "revenue" {
			value = "{revenue}"
		}
	}
	r := reading{fact: table}
	switch p := percentileOf(agg); {
	case agg == "count" && column == "":
		r.sql = "count(*)"
	case agg == "people" && column == "":
		if !facts[table].person {
			return nil, clientele.Errorf(clientele.Invalid, "%s: %s has no people", place, table)
		}
		r.sql = "count(distinct f.profile_id)"
	case column == "":
		return nil, clientele.Errorf(clientele.Invalid, "%s: %s needs a column", place, agg).WithHint("write it like %s(%s.column); count and people need none", agg, table)
	case agg == "count" || agg == "unique":
		r.sql, l.unit = map[string]string{"count": "count({column})", "unique": "count(distinct {column})"}[agg], ""
	case agg == "sum" || agg == "avg" || agg == "min" || agg == "max":
		r.sql, l.numbers = agg+"("+value+")", true
	case p != "":
		r.sql, l.numbers = "percentile_cont("+p+") within group (order by "+value+")", true
	default:
		return nil, clientele.Errorf(clientele.Invalid, "%s: there is no aggregate %q", place, agg).WithHint("count, people, unique, sum, avg, min, max, median, or p90 for a percentile")
	}
	l.of = []reading{r}
	return &node{leaf: l, unit: l.unit}, nil
}

// percentileOf is the fraction of median, p90 or p99.5 written p995; "" for others.
func percentileOf(agg string) string {
	if agg == "median" {
		return "0.5"
	}
	digits, ok := strings.CutPrefix(agg, "p")
	if _, err := strconv.ParseUint(digits, 10, 32); !ok || err != nil || len(digits) > 4 {
		return ""
	}
	if len(digits) == 1 {
		digits = "0" + digits
	}
	return "0." + digits
}

// compiled is a leaf on the fact that was chosen for it.
type compiled struct {
	*leaf
	s    *source
	dims []expr
	sql  string
}

// compile puts a leaf on the first fact that has its filters and all dimensions. loose leaves out the dimensions and
// filters of the question that no fact of the leaf has: what things are counted per is a total then.
func (a *asking) compile(l *leaf, by []string, from, until clientele.Micros, loose bool) (*compiled, error) {
	var first error
	for _, r := range l.of {
		c, err := a.read(l, r, by, from, until, false)
		if err == nil {
			return c, nil
		}
		if _, ok := err.(*unreachable); !ok {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	if loose {
		return a.read(l, l.of[0], by, from, until, true)
	}
	return nil, plainError(first)
}

func (a *asking) read(l *leaf, r reading, by []string, from, until clientele.Micros, loose bool) (*compiled, error) {
	s, err := a.source(r.fact)
	if err != nil {
		return nil, err
	}
	for _, j := range r.joins {
		s.join(j)
	}
	s.where(r.where)
	s.restrict(from, until)
	c := &compiled{leaf: l, s: s}
	for _, name := range by {
		e, err := s.dimension("by", name)
		if _, gone := err.(*unreachable); gone && loose {
			e, err = expr{}, nil
		}
		if err != nil {
			return nil, err
		}
		c.dims = append(c.dims, e)
	}
	for i, f := range a.q.Where {
		if loose {
			if e, _, err := s.find(f.Field); err == nil && e.sql == "" {
				continue
			}
		}
		if err := s.filters("where", a.q.Where[i:i+1]); err != nil {
			return nil, at(err, i)
		}
	}
	if err := s.filters(l.id, l.filters); err != nil {
		return nil, err
	}
	if err := s.inAudiences(); err != nil {
		return nil, err
	}
	c.sql, err = s.value(l, r.sql)
	return c, err
}

// at puts the right number into the place of an error that was found in a part of the list.
func at(err error, i int) error {
	if i == 0 {
		return err
	}
	fix := func(e *clientele.Error) *clientele.Error {
		out := *e
		out.Message = strings.Replace(e.Message, "where[0]", "where["+strconv.Itoa(i)+"]", 1)
		return &out
	}
	switch e := err.(type) {
	case *unreachable:
		return &unreachable{fix(e.e)}
	case *clientele.Error:
		return fix(e)
	}
	return err
}

// value is the SQL of a reading with its amounts put in.
func (s *source) value(l *leaf, sql string) (string, error) {
	if l.column != "" {
		e, err := s.dimension(l.id, l.column)
		if err != nil {
			return "", err
		}
		x := e.sql
		if l.numbers && e.kind != number {
			if x = e.num; x == "" {
				return "", clientele.Errorf(clientele.Invalid, "%s: %s is no number", l.id, l.column).WithHint("count and unique take any column")
			}
		}
		sql = strings.ReplaceAll(sql, "{column}", x)
	}
	for {
		i := strings.IndexByte(sql, '{')
		if i < 0 {
			break
		}
		j := strings.IndexByte(sql[i:], '}') + i
		what, x, _ := strings.Cut(sql[i+1:j], ": ")
		switch what {
		case "revenue":
			x = s.money("f.revenue", "f.revenue_base")
		case "money":
			x = s.money(x, "")
		case "base":
			x = s.inCurrency(x, "", x)
		}
		sql = sql[:i] + x + sql[j+1:]
	}
	if strings.HasPrefix(sql, "count(") {
		return "cast(" + sql + " as bigint)", nil
	}
	return "cast(" + sql + " as double precision)", nil
}

const rates = "(select date, currency, (array_agg(rate order by source))[1] as rate from fx_rates where rate is not null group by date, currency)"

// money is an amount of the row in the question's currency, by the rate of the row's UTC day. base is the amount in
// the base currency where the row has it.
func (s *source) money(x, base string) string {
	cur := s.f.money
	if strings.HasPrefix(cur, "o.") {
		s.join(s.f.joins[0])
	}
	if cur == "" {
		return s.inCurrency(x, "", x)
	}
	if base == "" {
		s.join("left join " + rates + " fb on fb.currency = " + cur + " and fb.date = " + s.utcDay())
		base = "case when " + cur + " is null or " + cur + " = " + sqlq.Text(s.a.o.Currency) + " then " + x +
			" else cast(cast(" + x + " as double precision) * fb.rate as decimal(18,4)) end"
	}
	return s.inCurrency(base, cur, x)
}

// inCurrency is an amount of the base currency in the question's; x is it already where cur is that.
func (s *source) inCurrency(base, cur, x string) string {
	if s.a.currency == s.a.o.Currency {
		return base
	}
	target := sqlq.Text(s.a.currency)
	s.join("left join " + rates + " ft on ft.currency = " + target + " and ft.date = " + s.utcDay())
	there := "cast(cast(" + base + " as double precision) / nullif(ft.rate, 0) as decimal(18,4))"
	if cur == "" {
		return there
	}
	return "case when " + cur + " = " + target + " then " + x + " else " + there + " end"
}

func (s *source) utcDay() string {
	switch {
	case s.f.date:
		return s.f.ts
	case s.f.table == "order_lines":
		return "cast(coalesce(o.ts, f.ts) at time zone 'UTC' as date)"
	}
	return "cast(" + s.f.ts + " at time zone 'UTC' as date)"
}
