package insight

import (
	"fmt"
	"slices"
	"strings"

	"clientele"
)

// A funnel: a person is at step k when a row of step k came after one of step k-1, and so on back to a row of step 1
// that is not longer ago than the window. Rows are in the order (ts, source, id), a row is one step alone, and of all
// ways through the rows the one that goes furthest counts.
//
// That is computed in one pass a step: t1 of a row of step 1 is its time; t2 of a row of step 2 is the latest t1 of
// the rows before it, where that is within the window; and so on. The latest beginning is always the best one, since
// it leaves the most time.
//
// Dimensions of people (traits, audiences, the time of the first step) divide people. Others (source, product,
// device) divide the rows: all steps have to have the same value, so a funnel by product is of one product.

func answerFunnel(a *asking) (*clientele.Answer, error) {
	s, dims, _, err := a.funnel()
	if err != nil {
		return nil, err
	}
	n := len(a.q.Steps)
	var by, out []string
	for i, d := range dims {
		out, by = append(out, fmt.Sprintf("%s as c%d", d.shown(), i+1)), append(by, d.sql)
	}
	out = append(out, "count(*) as n1")
	for k := 2; k <= n; k++ {
		out = append(out, fmt.Sprintf("count(f.s%[1]d) as n%[1]d, percentile_cont(0.5) within group (order by f.s%[1]d) as m%[1]d, percentile_cont(0.9) within group (order by f.s%[1]d) as p%[1]d", k))
	}
	q := "select " + strings.Join(out, ", ") + "\n" + s.from()
	if len(by) > 0 {
		q += "\ngroup by " + strings.Join(by, ", ") + "\norder by n1 desc"
		for _, d := range by {
			q += ", " + d + " nulls last"
		}
	}
	res, err := a.query(q, MaxRows/n)
	if err != nil {
		return nil, err
	}
	r := &clientele.Answer{Cut: res.Cut}
	for _, d := range a.q.By {
		r.Columns = append(r.Columns, clientele.AnswerColumn{Name: d, Role: "dimension"})
	}
	r.Columns = append(r.Columns, clientele.AnswerColumn{Name: "step", Role: "dimension"}, clientele.AnswerColumn{Name: "name", Role: "dimension"},
		clientele.AnswerColumn{Name: "people", Role: "measure"}, clientele.AnswerColumn{Name: "of_first", Role: "measure", Unit: "percent"},
		clientele.AnswerColumn{Name: "of_previous", Role: "measure", Unit: "percent"}, clientele.AnswerColumn{Name: "dropped", Role: "measure"},
		clientele.AnswerColumn{Name: "median_time", Role: "measure", Unit: "seconds"}, clientele.AnswerColumn{Name: "p90_time", Role: "measure", Unit: "seconds"})
	names := stepNames(a.q.Steps)
	reached := int64(0)
	for _, row := range res.Rows {
		dims, values := row[:len(a.q.By)], row[len(a.q.By):]
		first, _ := values[0].(int64)
		previous := first
		reached += first
		for k := 1; k <= n; k++ {
			people, median, p90 := first, any(nil), any(nil)
			if k > 1 {
				v := values[1+3*(k-2):]
				people, _ = v[0].(int64)
				median, p90 = v[1], v[2]
			}
			cell := clientele.Cell{"step": k}
			for i, d := range a.q.By {
				cell[d] = dims[i]
			}
			r.Rows = append(r.Rows, append(slices.Clone(dims), k, names[k-1], people, percent(people, first), percent(people, previous), previous-people, median, p90))
			r.Cells = append(r.Cells, cell)
			previous = people
		}
	}
	if reached == 0 {
		return r, a.knownEvents(eventPlaces(a.q.Steps))
	}
	return r, nil
}

// percent is nil of nothing.
func percent(part, whole int64) any {
	if whole == 0 {
		return nil
	}
	return 100 * float64(part) / float64(whole)
}

// peopleOfFunnel are those who reached the cell's step; with "outcome": "dropped" those who reached the one before
// and not this.
func peopleOfFunnel(a *asking, cell clientele.Cell) (string, error) {
	s, _, names, err := a.funnel()
	if err != nil {
		return "", err
	}
	k, err := whole(cell, "step")
	if err != nil {
		return "", err
	}
	if k < 1 || k > len(a.q.Steps) {
		return "", clientele.Errorf(clientele.Invalid, "cell: there is no step %d", k).WithHint("1 to %d", len(a.q.Steps))
	}
	is := func(k int) string { return fmt.Sprintf("f.s%d", k) }
	switch cell["outcome"] {
	case nil, "reached":
		s.where(is(k) + " is not null")
	case "dropped":
		if k == 1 {
			return "", clientele.Errorf(clientele.Invalid, "cell: nobody drops out before step 1")
		}
		s.where(is(k-1) + " is not null and " + is(k) + " is null")
	default:
		return "", clientele.Errorf(clientele.Invalid, "cell: outcome is reached or dropped")
	}
	for name := range cell {
		if name != "step" && name != "outcome" && !slices.Contains(a.q.By, name) {
			return "", clientele.Errorf(clientele.Invalid, "cell: the question has no dimension %q", name)
		}
	}
	for i, name := range a.q.By {
		v, ok := cell[name]
		if !ok {
			continue
		}
		e, err := s.dimension("by", names[i])
		if err != nil {
			return "", plainError(err)
		}
		cond, err := e.is(name, v)
		if err != nil {
			return "", err
		}
		s.where(cond)
	}
	return s.distinctPeople(), nil
}

// funnel is the source of people in the funnel, with ts (of the first beginning) and s1.. (seconds from the beginning
// of the way to the first time at a step; null when it was not reached). names are the dimensions as the source knows
// them.
func (a *asking) funnel() (s *source, dims []expr, names []string, err error) {
	n := len(a.q.Steps)
	if n < 2 {
		return nil, nil, nil, clientele.Errorf(clientele.Invalid, "steps: a funnel has at least two").WithHint(`"steps":[{"event":"Product Viewed"},{"table":"orders"}]`)
	}
	within, err := a.within()
	if err != nil {
		return nil, nil, nil, err
	}
	var same []string
	people := a.people("")
	for _, d := range a.q.By {
		e, _, err := people.find(d)
		if err != nil {
			return nil, nil, nil, err
		}
		if e.sql == "" {
			same = append(same, d)
			names = append(names, fmt.Sprintf("g%d", len(same)))
		} else {
			names = append(names, d)
		}
	}
	rows, err := a.occurrences(a.q.Steps, same)
	if err != nil {
		return nil, nil, nil, err
	}
	g := numbered("g", 1, len(same))
	// o is the place of a row among those of its person: from here on it is put in order by that alone.
	level := "select profile_id, ts" + g + numbered("k", 2, n) + ", case when k1 then ts end as t1, row_number() over (partition by profile_id" + g + " order by ts, source, id) as o\nfrom (\n" + rows + "\n) r"
	for k := 2; k <= n; k++ {
		over := fmt.Sprintf("select profile_id, ts, o%s%s%s, max(t%d) over (partition by profile_id%s order by o rows between unbounded preceding and 1 preceding) as m\nfrom (\n%s\n) l%d",
			g, numbered("k", k, n), numbered("t", 1, k-1), k-1, g, level, k-1)
		level = fmt.Sprintf("select profile_id, ts, o%s%s%s, case when k%d and m >= ts - %s then m end as t%d\nfrom (\n%s\n) m%d", g, numbered("k", k+1, n), numbered("t", 1, k-1), k, seconds(within), k, over, k)
	}
	list := "select profile_id" + g + ", min(t1) as ts, 0 as s1"
	for k := 2; k <= n; k++ {
		list += fmt.Sprintf(", (array_agg(cast(extract(epoch from ts - t%[1]d) as double precision) order by o) filter (where t%[1]d is not null))[1] as s%[1]d", k)
	}
	var columns []string
	for i := range same {
		columns = append(columns, fmt.Sprintf("g%d", i+1))
	}
	s = a.people(list+"\nfrom (\n"+level+"\n) way\ngroup by profile_id"+g+" having count(t1) > 0", columns...)
	for _, name := range names {
		e, err := s.dimension("by", name)
		if err != nil {
			return nil, nil, nil, plainError(err)
		}
		dims = append(dims, e)
	}
	return s, dims, names, nil
}
