package insight

import (
	"fmt"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// RFM: of everyone with an order of more than nothing in the span, recency (the last order), frequency (orders) and
// money (revenue), each in fifths: all are put in order, who is better comes later, and the fifth with the best has
// 5. Among equals the one with the lower profile id comes first, or by Ties the one with the lower identifier.
//
// Segments are by recency and by the mean of frequency and money, rounded up (segmentOf). Both follow the usual
// practice of direct marketing; the fifths by rank are those of Hughes, "Strategic Database Marketing".

// segments by recency 1..5 and the mean 1..5.
var segments = [5][5]string{
	{"lost", "lost", "at_risk", "at_risk", "cannot_lose"},
	{"hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"},
	{"about_to_sleep", "about_to_sleep", "needs_attention", "loyal", "loyal"},
	{"promising", "promising", "potential_loyal", "loyal", "champions"},
	{"new", "promising", "potential_loyal", "champions", "champions"},
}

func segmentOf() string {
	var b strings.Builder
	b.WriteString("case")
	for r, row := range segments {
		for m, name := range row {
			fmt.Fprintf(&b, " when r = %d and (f + m + 1) / 2 = %d then '%s'", r+1, m+1, name)
		}
	}
	b.WriteString(" end")
	return b.String()
}

func answerRFM(a *asking) (*clientele.Answer, error) {
	s, dims, err := a.rfm()
	if err != nil {
		return nil, err
	}
	by := a.rfmBy()
	var out, group, order []string
	for i, d := range dims {
		out, group, order = append(out, fmt.Sprintf("%s as c%d", d.shown(), i+1)), append(group, d.sql), append(order, d.sql+" nulls last")
	}
	days := "extract(epoch from " + sqlq.Instant(a.until) + " - f.ts) / 86400"
	median := "percentile_cont(0.5) within group (order by %s)"
	out = append(out, "count(*) as people", "cast(sum(f.money) as double precision) as revenue", "100 * cast(sum(f.money) as double precision) / nullif(cast(max(f.total) as double precision), 0) as of_revenue",
		"cast("+fmt.Sprintf(median, days)+" as double precision) as days", "cast("+fmt.Sprintf(median, "f.orders")+" as double precision) as orders", "cast("+fmt.Sprintf(median, "f.money")+" as double precision) as money")
	q := "select " + strings.Join(out, ", ") + "\n" + s.from()
	if len(group) > 0 {
		q += "\ngroup by " + strings.Join(group, ", ") + "\norder by revenue desc, " + strings.Join(order, ", ")
	}
	limit := a.q.Limit
	if limit == 0 {
		limit = 1000
	}
	res, err := a.query(q, limit)
	if err != nil {
		return nil, err
	}
	r := &clientele.Answer{Cut: res.Cut}
	for _, d := range by {
		r.Columns = append(r.Columns, clientele.AnswerColumn{Name: d, Role: "dimension"})
	}
	for _, c := range [][2]string{{"people", ""}, {"revenue", a.currency}, {"of_revenue", "percent"}, {"median_days", "days"}, {"median_orders", ""}, {"median_revenue", a.currency}} {
		r.Columns = append(r.Columns, clientele.AnswerColumn{Name: c[0], Role: "measure", Unit: c[1]})
	}
	for _, row := range res.Rows {
		if n, _ := row[len(by)].(int64); n == 0 {
			continue // nobody at all
		}
		cell := clientele.Cell{}
		for i, d := range by {
			cell[d] = row[i]
		}
		r.Rows, r.Cells = append(r.Rows, row), append(r.Cells, cell)
	}
	return r, nil
}

func peopleOfRFM(a *asking, cell clientele.Cell) (string, error) {
	s, _, err := a.rfm()
	if err != nil {
		return "", err
	}
	names := []string{"segment", "score", "r", "f", "m"}
	for _, d := range a.q.By {
		if !slices.Contains(names, d) {
			names = append(names, d)
		}
	}
	for name := range cell {
		if !slices.Contains(names, name) {
			return "", clientele.Errorf(clientele.Invalid, "cell: the question has no dimension %q", name).WithHint("%s", list(names, "and"))
		}
	}
	if err := s.fixed(names, cell); err != nil {
		return "", plainError(err)
	}
	return s.distinctPeople(), nil
}

func (a *asking) rfmBy() []string {
	if a.q.By == nil {
		return []string{"segment"}
	}
	return a.q.By
}

// rfm is the source of scored people: r, f, m, score, segment, orders, money, total and ts (of the last order).
func (a *asking) rfm() (*source, []expr, error) {
	s, err := a.source("orders")
	if err != nil {
		return nil, nil, err
	}
	s.where(notCancelled)
	s.restrict(a.from, a.until)
	if err := s.all(); err != nil {
		return nil, nil, err
	}
	money := s.money("f.revenue", "f.revenue_base")
	s.where("f.revenue > 0")
	each := "select f.profile_id, max(f.ts) as ts, count(*) as orders, coalesce(sum(" + money + "), 0) as money\n" + s.from() + "\ngroup by f.profile_id"
	tie := "c.profile_id"
	if a.q.Ties != "" {
		if err := a.knownNamespace(); err != nil {
			return nil, nil, err
		}
		each = "select c.profile_id, c.ts, c.orders, c.money, i.value\nfrom (\n" + each + "\n) c\nleft join (select profile_id, (array_agg(value order by length(value), value))[1] as value from identifiers where namespace = " +
			sqlq.Text(a.q.Ties) + " and profile_id is not null group by profile_id) i on i.profile_id = c.profile_id"
		tie = "length(c.value), c.value, c.profile_id"
	}
	scored := "select c.profile_id, c.ts, c.orders, c.money, sum(c.money) over () as total"
	for _, x := range [][2]string{{"ts", "r"}, {"orders", "f"}, {"money", "m"}} {
		scored += fmt.Sprintf(", ntile(5) over (order by c.%s, %s) as %s", x[0], tie, x[1])
	}
	scored += "\nfrom (\n" + each + "\n) c"
	named := "select profile_id, ts, orders, money, total, r, f, m, 100 * r + 10 * f + m as score, " + segmentOf() + " as segment\nfrom (\n" + scored + "\n) sc"
	p := a.people(named, "r", "f", "m", "score", "segment")
	var dims []expr
	for _, d := range a.rfmBy() {
		e, err := p.dimension("by", d)
		if err != nil {
			return nil, nil, plainError(err)
		}
		dims = append(dims, e)
	}
	return p, dims, nil
}

func (a *asking) knownNamespace() error {
	r, err := a.o.Query.Query(a.ctx, "select distinct namespace from identifiers order by namespace", nil, MaxRows)
	if err != nil {
		return err
	}
	var known []string
	for _, row := range r.Rows {
		name, _ := row[0].(string)
		known = append(known, name)
	}
	if slices.Contains(known, a.q.Ties) {
		return nil
	}
	return clientele.Errorf(clientele.Invalid, "ties: there is no namespace %q of identifiers", a.q.Ties).WithHint("%s", choices(a.q.Ties, known))
}
