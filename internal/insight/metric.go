package insight

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// group is a row of a metric: its dimensions and what each leaf gave for it.
type group struct {
	dims   []any
	values map[string]any
}

// wanted are the measures of a metric.
func (a *asking) wanted() ([]*node, error) {
	if len(a.q.Measures) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "measures: name at least one").WithHint("customers, orders, revenue, or GET /api/v1/explore/fields for all")
	}
	var nodes []*node
	for i, typed := range a.q.Measures {
		n, err := a.measure(fmt.Sprintf("measures[%d]", i), typed)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// denominators are leaves that things are counted per: they may lack a dimension.
func denominators(nodes []*node) map[string]bool {
	out := map[string]bool{}
	for _, n := range nodes {
		if n.leaf == nil {
			for _, l := range n.leaves()[1:] {
				out[l.id] = n.op == "/"
			}
		}
	}
	for _, n := range nodes {
		delete(out, n.main().id) // asked for in its own right too
	}
	return out
}

func answerMetric(a *asking) (*clientele.Answer, error) {
	nodes, err := a.wanted()
	if err != nil {
		return nil, err
	}
	var leaves []*leaf
	for _, n := range nodes {
		for _, l := range n.leaves() {
			if !slices.ContainsFunc(leaves, func(k *leaf) bool { return k.id == l.id }) {
				leaves = append(leaves, l)
			}
		}
	}
	loose := denominators(nodes)
	limit := a.limit()
	if a.q.Ahead > 0 { // all periods are needed, however few are shown
		if _, err := a.timed(); err != nil {
			return nil, err
		}
		a.q.Limit = MaxRows
	}
	groups, cut, err := a.groups(leaves, a.q.By, a.from, a.until, loose)
	if err != nil {
		return nil, err
	}
	if a.q.Ahead > 0 && cut {
		return nil, tooMany()
	}
	var before []*group
	if a.q.Compare {
		if before, err = a.before(leaves, loose); err != nil {
			return nil, err
		}
	}
	r := &clientele.Answer{Cut: cut}
	for _, d := range a.q.By {
		r.Columns = append(r.Columns, clientele.AnswerColumn{Name: d, Role: "dimension"})
	}
	for i, n := range nodes {
		r.Columns = append(r.Columns, a.measureColumns(a.q.Measures[i], n)...)
	}
	a.fill(r, nodes, groups, before)
	if err := a.order(r); err != nil {
		return nil, err
	}
	if a.q.Ahead > 0 {
		if r.Ahead, err = a.ahead(nodes, groups); err != nil {
			return nil, err
		}
	}
	if len(r.Rows) > limit {
		r.Rows, r.Cells, r.Cut = r.Rows[:limit], r.Cells[:limit], true
	}
	if a.q.Total {
		all, _, err := a.groups(leaves, nil, a.from, a.until, nil)
		if err != nil {
			return nil, err
		}
		r.Total = make([]any, len(r.Columns))
		for i, n := range nodes {
			r.Total[slices.IndexFunc(r.Columns, func(c clientele.AnswerColumn) bool { return c.Name == a.q.Measures[i] })] = all[0].of(n)
		}
	}
	return r, nil
}

func (a *asking) limit() int {
	if a.q.Limit == 0 {
		return defaultRows
	}
	return a.q.Limit
}

func (a *asking) measureColumns(name string, n *node) []clientele.AnswerColumn {
	unit := n.unit
	if unit == "money" {
		unit = a.currency
	}
	out := []clientele.AnswerColumn{{Name: name, Role: "measure", Unit: unit}}
	if a.q.Compare {
		out = append(out, clientele.AnswerColumn{Name: name + " before", Role: "measure", Unit: unit}, clientele.AnswerColumn{Name: name + " change", Role: "measure", Unit: "percent"})
	}
	return out
}

// before are the groups of the span of the same length before.
func (a *asking) before(leaves []*leaf, loose map[string]bool) ([]*group, error) {
	if a.from == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "compare: the span has no beginning").WithHint("say from, or last: 30d")
	}
	for _, d := range a.q.By {
		if slices.ContainsFunc(times, func(t timeGrain) bool { return t.name == d && t.kind != number }) {
			return nil, clientele.Errorf(clientele.Invalid, "compare: no %s of this span is one of the span before", d).WithHint("leave %s out of by, or compare", d)
		}
	}
	groups, cut, err := a.groups(leaves, a.q.By, a.from-(a.until-a.from), a.from, loose)
	if err == nil && cut {
		err = tooMany()
	}
	return groups, err
}

func tooMany() error {
	return clientele.Errorf(clientele.TooLarge, "the answer would need more than %d groups", MaxRows).WithHint("take a coarser dimension, a filter, or one measure at a time")
}

// fill makes rows of groups.
func (a *asking) fill(r *clientele.Answer, nodes []*node, groups, before []*group) {
	if a.q.Compare {
		groups = withBoth(groups, before)
	}
	old := map[string]*group{}
	for _, g := range before {
		old[key(g.dims)] = g
	}
	for _, g := range groups {
		row := slices.Clone(g.dims)
		cell := clientele.Cell{}
		for i, d := range a.q.By {
			cell[d] = g.dims[i]
		}
		for _, n := range nodes {
			v := g.of(n)
			row = append(row, v)
			if a.q.Compare {
				b := old[key(g.dims)].of(n)
				row = append(row, b, change(b, v))
			}
		}
		r.Rows, r.Cells = append(r.Rows, row), append(r.Cells, cell)
	}
}

// withBoth adds the groups that were there before alone.
func withBoth(groups, before []*group) []*group {
	known := map[string]bool{}
	for _, g := range groups {
		known[key(g.dims)] = true
	}
	for _, g := range before {
		if !known[key(g.dims)] {
			groups = append(groups, &group{dims: g.dims})
		}
	}
	return groups
}

// change is from b to v in percent; nil when it was nothing.
func change(b, v any) any {
	x, ok := float(b)
	y, ok2 := float(v)
	if !ok || !ok2 || x == 0 {
		return nil
	}
	return 100 * (y - x) / x
}

// of is the measure's value for the group. Counts of nothing are 0, sums of nothing are nothing.
func (g *group) of(n *node) any {
	if n.leaf != nil {
		if g != nil {
			if v, ok := g.values[n.leaf.id]; ok {
				return v
			}
		}
		if strings.HasPrefix(n.leaf.of[0].sql, "count(") {
			return int64(0)
		}
		return nil
	}
	x, ok := float(g.of(n.a))
	y, ok2 := float(g.of(n.b))
	switch {
	case n.op == "-" && (ok || ok2):
		return x - y
	case n.op == "-" || !ok || !ok2 || y == 0:
		return nil
	}
	return x / y * n.per
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func key(dims []any) string {
	var b strings.Builder
	for _, d := range dims {
		if s, ok := d.(string); ok {
			b.WriteString("=" + s)
		}
		b.WriteByte(0)
	}
	return b.String()
}

// groups takes the leaves, those of one fact and filter in one query, and puts them together by the dimensions.
func (a *asking) groups(leaves []*leaf, by []string, from, until clientele.Micros, loose map[string]bool) (out []*group, cut bool, err error) {
	var order []string
	queries := map[string][]*compiled{}
	for _, l := range leaves {
		c, err := a.compile(l, by, from, until, loose[l.id])
		if err != nil {
			return nil, false, err
		}
		text := c.s.table + "\x00" + strings.Join(c.s.wheres, "\x00")
		for _, d := range c.dims {
			text += "\x00" + d.sql
		}
		if queries[text] == nil {
			order = append(order, text)
		} else {
			for _, j := range c.s.joins { // joins make no more rows, so the queries can be one
				queries[text][0].s.join(j)
			}
		}
		queries[text] = append(queries[text], c)
	}
	known := map[string]*group{}
	var totals []totalOf
	for _, text := range order {
		rows := MaxRows
		sorted := ""
		if len(order) == 1 {
			sorted, rows = a.pushed(queries[text], by), max(a.limit(), 1)
			if sorted == "" {
				rows = MaxRows
			}
		}
		r, err := a.query(grouped(queries[text], sorted), rows)
		if err != nil {
			return nil, false, err
		}
		if r.Cut && (len(order) > 1 || sorted == "") {
			return nil, false, tooMany()
		}
		cut = cut || r.Cut
		if t := partial(queries[text]); t != nil {
			totals = append(totals, totalOf{queries[text], t, r.Rows})
			continue
		}
		for _, row := range r.Rows {
			dims := row[:len(by)]
			g := known[key(dims)]
			if g == nil {
				g = &group{dims: dims, values: map[string]any{}}
				known[key(dims)] = g
				out = append(out, g)
			}
			for i, c := range queries[text] {
				g.values[c.id] = row[len(by)+i]
			}
		}
	}
	for _, t := range totals {
		t.spread(out)
	}
	return out, cut, nil
}

// partial says which dimensions the query has, nil when it has all.
func partial(cs []*compiled) []int {
	var has []int
	for i, d := range cs[0].dims {
		if d.sql != "" {
			has = append(has, i)
		}
	}
	if len(has) == len(cs[0].dims) {
		return nil
	}
	return append(has, -1) // never nil
}

// totalOf is what a query gave that lacks a dimension: each value goes to all groups that agree in the others.
type totalOf struct {
	cs   []*compiled
	has  []int
	rows [][]any
}

func (t totalOf) spread(groups []*group) {
	has := t.has[:len(t.has)-1]
	pick := func(dims []any) string {
		var part []any
		for _, i := range has {
			part = append(part, dims[i])
		}
		return key(part)
	}
	found := map[string][]any{}
	for _, row := range t.rows {
		found[pick(row)] = row
	}
	for _, g := range groups {
		if row := found[pick(g.dims)]; row != nil {
			for i, c := range t.cs {
				g.values[c.id] = row[len(c.dims)+i]
			}
		}
	}
}

// grouped is the query of leaves that share a fact, filters and dimensions.
func grouped(cs []*compiled, sorted string) string {
	var out, by []string
	for _, d := range cs[0].dims {
		if d.sql == "" {
			out = append(out, "cast(null as varchar)")
			continue
		}
		out, by = append(out, d.shown()), append(by, d.sql)
	}
	for _, c := range cs {
		out = append(out, c.sql)
	}
	for i := range out {
		out[i] += " as c" + strconv.Itoa(i+1)
	}
	q := "select " + strings.Join(out, ", ") + "\n" + cs[0].s.from()
	if len(by) > 0 {
		q += "\ngroup by " + strings.Join(by, ", ")
	}
	return q + sorted
}

// pushed is the ORDER BY that lets the engine keep the first rows alone; "" when the order is made of more than one
// column of this query.
func (a *asking) pushed(cs []*compiled, by []string) string {
	if a.q.Compare || len(by) == 0 || slices.ContainsFunc(cs[0].dims, func(d expr) bool { return d.sql == "" }) {
		return ""
	}
	name, down := a.ordering()
	tie := make([]string, len(by))
	for i, d := range cs[0].dims {
		tie[i] = d.sql + " nulls last"
	}
	if i := slices.Index(by, name); i >= 0 {
		dir := map[bool]string{true: " desc", false: ""}[down]
		return "\norder by " + cs[0].dims[i].sql + dir + " nulls last, " + strings.Join(tie, ", ")
	}
	for i, c := range cs {
		if c.id == name {
			dir := map[bool]string{true: " desc", false: ""}[down]
			return "\norder by " + strconv.Itoa(len(by)+i+1) + dir + " nulls last, " + strings.Join(tie, ", ")
		}
	}
	return ""
}

// ordering is the column to order by, and whether the largest comes first.
func (a *asking) ordering() (name string, down bool) {
	if name, down = strings.CutPrefix(a.q.Order, "-"); name != "" {
		return name, down
	}
	for _, d := range a.q.By {
		if slices.ContainsFunc(times, func(t timeGrain) bool { return t.name == d }) {
			return d, false
		}
	}
	return a.q.Measures[0], true
}

// order sorts the rows: by the ordering, then by all dimensions, nothing last.
func (a *asking) order(r *clientele.Answer) error {
	name, down := a.ordering()
	at := slices.IndexFunc(r.Columns, func(c clientele.AnswerColumn) bool { return c.Name == name })
	if at < 0 {
		var names []string
		for _, c := range r.Columns {
			names = append(names, c.Name)
		}
		return clientele.Errorf(clientele.Invalid, "order: there is no column %q", name).WithHint("%s", choices(name, names))
	}
	type pair struct {
		row  []any
		cell clientele.Cell
	}
	pairs := make([]pair, len(r.Rows))
	for i := range r.Rows {
		pairs[i] = pair{r.Rows[i], r.Cells[i]}
	}
	slices.SortStableFunc(pairs, func(x, y pair) int {
		if c := compare(x.row[at], y.row[at], down); c != 0 {
			return c
		}
		for i := range a.q.By {
			if c := compare(x.row[i], y.row[i], false); c != 0 {
				return c
			}
		}
		return 0
	})
	for i, p := range pairs {
		r.Rows[i], r.Cells[i] = p.row, p.cell
	}
	return nil
}

// compare orders values: numbers as numbers, also those that dimensions show as texts; nothing comes last.
func compare(x, y any, down bool) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	c := 0
	f, ok := float(x)
	g, ok2 := float(y)
	if !ok && !ok2 {
		s, t := x.(string), y.(string)
		var e1, e2 error
		f, e1 = strconv.ParseFloat(s, 64)
		g, e2 = strconv.ParseFloat(t, 64)
		if ok = e1 == nil && e2 == nil; !ok {
			c = cmp.Compare(s, t)
		}
	}
	if c == 0 {
		c = cmp.Compare(f, g)
	}
	if down {
		return -c
	}
	return c
}

// peopleOfMetric are those whose rows are in the cell. The cell may name the measure; it is the first one else.
func peopleOfMetric(a *asking, cell clientele.Cell) (string, error) {
	nodes, err := a.wanted()
	if err != nil {
		return "", err
	}
	n := nodes[0]
	if name, ok := cell["measure"]; ok {
		i := slices.IndexFunc(a.q.Measures, func(m string) bool { return m == name })
		if i < 0 {
			return "", clientele.Errorf(clientele.Invalid, "cell: the question has no measure %q", name).WithHint("%s", list(a.q.Measures, "or"))
		}
		n = nodes[i]
	}
	for name := range cell {
		if name != "measure" && !slices.Contains(a.q.By, name) {
			return "", clientele.Errorf(clientele.Invalid, "cell: the question has no dimension %q", name).WithHint("%s", list(append(slices.Clone(a.q.By), "measure"), "and"))
		}
	}
	c, err := a.compile(n.main(), a.q.By, a.from, a.until, false)
	if err != nil {
		return "", err
	}
	if !c.s.f.person {
		return "", clientele.Errorf(clientele.Invalid, "cell: %s has no people", c.s.f.table).WithHint("ask for a measure of people, orders, events or conversations")
	}
	for i, name := range a.q.By {
		v, ok := cell[name]
		if !ok {
			continue // all values
		}
		cond, err := c.dims[i].is(name, v)
		if err != nil {
			return "", err
		}
		c.s.where(cond)
	}
	return c.s.distinctPeople(), nil
}

// distinctPeople gives every person of the rows once.
func (s *source) distinctPeople() string {
	s.where("f.profile_id is not null")
	return "select distinct f.profile_id as profile_id\n" + s.from()
}

// fixed are conditions that a cell's dimensions make.
func (s *source) fixed(by []string, cell clientele.Cell) error {
	for _, name := range by {
		v, ok := cell[name]
		if !ok {
			continue
		}
		e, err := s.dimension("by", name)
		if err != nil {
			return err
		}
		cond, err := e.is(name, v)
		if err != nil {
			return err
		}
		s.where(cond)
	}
	return nil
}

// whole reads a whole number of a cell.
func whole(cell clientele.Cell, name string) (int, error) {
	f, ok := cell[name].(float64)
	if i, is := cell[name].(int64); is {
		f, ok = float64(i), true
	}
	if i, is := cell[name].(int); is {
		f, ok = float64(i), true
	}
	if !ok || f != float64(int(f)) {
		return 0, clientele.Errorf(clientele.Invalid, "cell: %s is a whole number", name)
	}
	return int(f), nil
}

// quoted are texts as SQL writes a list.
func quoted(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = sqlq.Text(t)
	}
	return strings.Join(out, ", ")
}
