package audience

import (
	"fmt"
	"slices"
	"strings"

	"clientele"
)

// sequence is the set of who went through the steps. All events of the names are put in their
// order once; then, from the last step backward, an event is good when a good event of the next
// step comes behind it in time. The earliest good one decides: a later one is no closer and has
// no fewer of the unwanted events before it.
func (s Schema) sequence(q *Sequence, at At) string {
	from, to := q.Bounds(at.Now)
	var names, marks []string
	for i, st := range q.Steps {
		if n := eventNamed(st.Name, "e"); !slices.Contains(names, n) {
			names = append(names, n)
		}
		mark := eventNamed(st.Name, "e") + s.filtersSQL(st.Where, "e")
		if !st.Not {
			mark += fmt.Sprintf(" and e.ts between %s and %s", timeSQL(from), timeSQL(to))
		}
		marks = append(marks, fmt.Sprintf("coalesce(%s, false) as s%d", mark, i))
	}
	order := "partition by e.profile_id order by e.ts, e.source, e.event_id"
	// What lies before the window is before every step, an unwanted one too.
	rel := fmt.Sprintf("select e.profile_id, epoch_us(e.ts) t, row_number() over (%s) n, %s from events e where e.profile_id is not null and e.ts between %s and %s and (%s)",
		order, strings.Join(marks, ", "), timeSQL(from), timeSQL(at.Now), strings.Join(names, " or "))
	next := -1 // the positive step behind the one at hand
	for k := len(q.Steps) - 1; k >= 0; k-- {
		if q.Steps[k].Not {
			continue
		}
		rel = q.good(rel, k, next, at.Now)
		next = k
	}
	return fmt.Sprintf("select distinct profile_id from (%s) where g%d", rel, next)
}

// good adds the column g of step k: the event is one from which the rest of the sequence goes on.
func (q *Sequence) good(rel string, k, next int, now clientele.Micros) string {
	columns, tests := []string{"*"}, []string{fmt.Sprintf("s%d", k)}
	ahead := func(name, mark string, after Duration) {
		over := "partition by profile_id order by n rows between 1 following and unbounded following"
		if after > 0 {
			over = fmt.Sprintf("partition by profile_id order by t range between %d following and unbounded following", int64(after))
		}
		columns = append(columns, fmt.Sprintf("min(case when %s then n end) over (%s) as n%s, min(case when %s then t end) over (%s) as t%s", mark, over, name, mark, over, name))
	}
	last := len(q.Steps)
	if next >= 0 {
		last = next
		st := q.Steps[next]
		name := fmt.Sprintf("%d_%d", k, next)
		ahead(name, fmt.Sprintf("g%d", next), st.After)
		tests = append(tests, "n"+name+" is not null")
		if st.Bound {
			tests = append(tests, fmt.Sprintf("t%s <= t + %d", name, int64(st.Before)))
		}
	}
	for x := k + 1; x < last; x++ {
		st, name := q.Steps[x], fmt.Sprintf("%d_%d", k, x)
		ahead(name, fmt.Sprintf("s%d", x), st.After)
		unwanted := "n" + name + " is not null"
		if next >= 0 {
			unwanted = fmt.Sprintf("n%s < n%d_%d", name, k, next)
		}
		if st.Bound {
			unwanted += fmt.Sprintf(" and t%s <= t + %d", name, int64(st.Before))
			if next < 0 {
				tests = append(tests, fmt.Sprintf("t + %d < %d", int64(st.Before), int64(now)))
			}
		}
		tests = append(tests, "("+unwanted+") is not true")
	}
	return fmt.Sprintf("select *, %s as g%d from (select %s from (%s))", strings.Join(tests, " and "), k, strings.Join(columns, ", "), rel)
}
