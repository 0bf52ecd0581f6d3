package insight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// Retention: a person's cohort is the period of the first time ever that the first step happened; it is shown when
// that time is of the span. In period n they were retained when the second step happened in the nth period after it.
// Period 0 is the cohort itself. Dimensions are those of the first time: the source, the category, a trait.

func answerRetention(a *asking) (*clientele.Answer, error) {
	c, err := a.cohorts()
	if err != nil {
		return nil, err
	}
	d := len(a.q.By)
	g := numbered("g", 1, d)
	sizes, err := a.query("select cast(cohort as varchar) as cohort"+g+", count(*) as people\nfrom (\n"+c.first+"\n) c\ngroup by cohort"+g+" order by cohort"+g, MaxRows)
	if err != nil {
		return nil, err
	}
	later, err := a.query("select cast(cohort as varchar) as cohort"+g+", n, count(*) as people\nfrom (\n"+c.retained()+"\n) r\ngroup by cohort"+g+", n order by cohort"+g+", n", MaxRows)
	if err != nil {
		return nil, err
	}
	if sizes.Cut || later.Cut {
		return nil, tooMany()
	}
	r := &clientele.Answer{Columns: []clientele.AnswerColumn{{Name: "cohort", Role: "dimension"}}}
	for _, name := range a.q.By {
		r.Columns = append(r.Columns, clientele.AnswerColumn{Name: name, Role: "dimension"})
	}
	r.Columns = append(r.Columns, clientele.AnswerColumn{Name: "period", Role: "dimension"}, clientele.AnswerColumn{Name: "people", Role: "measure"},
		clientele.AnswerColumn{Name: "of_cohort", Role: "measure", Unit: "percent"}, clientele.AnswerColumn{Name: "complete", Role: "dimension"})
	found := map[string]int64{}
	for _, row := range later.Rows {
		n, _ := row[d+1].(int64)
		found[key(row[:d+1])+strconv.FormatInt(n, 10)], _ = row[d+2].(int64)
	}
	now := a.until.Time().In(a.zone)
	for _, row := range sizes.Rows {
		begin, _ := time.ParseInLocation(time.DateOnly, row[0].(string), a.zone)
		size, _ := row[d+1].(int64)
		for n := 0; !step(begin, c.grain, n).After(now); n++ {
			people := found[key(row[:d+1])+strconv.Itoa(n)]
			if n == 0 {
				people = size
			}
			cell := clientele.Cell{"cohort": row[0], "period": n}
			for i, name := range a.q.By {
				cell[name] = row[1+i]
			}
			r.Rows = append(r.Rows, append(slices.Clone(row[:d+1]), n, people, percent(people, size), !step(begin, c.grain, n+1).After(now)))
			r.Cells = append(r.Cells, cell)
		}
		if len(r.Rows) > 5*MaxRows {
			return nil, tooMany()
		}
	}
	if len(sizes.Rows) == 0 {
		return r, a.knownEvents(eventPlaces(a.q.Steps))
	}
	return r, nil
}

// step is the beginning of the nth period after a period.
func step(begin time.Time, grain string, n int) time.Time {
	switch grain {
	case "day":
		return begin.AddDate(0, 0, n)
	case "week":
		return begin.AddDate(0, 0, 7*n)
	case "quarter":
		return begin.AddDate(0, 3*n, 0)
	}
	return begin.AddDate(0, n, 0)
}

func peopleOfRetention(a *asking, cell clientele.Cell) (string, error) {
	c, err := a.cohorts()
	if err != nil {
		return "", err
	}
	n, err := whole(cell, "period")
	if err != nil {
		return "", err
	}
	var conds []string
	for name, v := range cell {
		column := "cohort"
		switch i := slices.Index(a.q.By, name); {
		case name == "period":
			continue
		case i >= 0:
			column = fmt.Sprintf("g%d", i+1)
		case name != "cohort":
			return "", clientele.Errorf(clientele.Invalid, "cell: the question has no dimension %q", name)
		}
		cond, err := expr{sql: column}.is(name, v)
		if err != nil {
			return "", err
		}
		conds = append(conds, cond)
	}
	slices.Sort(conds)
	if n > 0 {
		conds = append(conds, "n = "+strconv.Itoa(n))
		return "select profile_id\nfrom (\n" + c.retained() + "\n) r\nwhere " + strings.Join(conds, " and "), nil
	}
	q := "select profile_id\nfrom (\n" + c.first + "\n) c"
	if len(conds) > 0 {
		q += "\nwhere " + strings.Join(conds, " and ")
	}
	return q, nil
}

// cohort are the queries of a retention.
type cohort struct {
	grain string
	first string // profile_id, cohort, g1..: one row a person
	back  string // profile_id, period: one row a person and period
	by    int
}

// retained is who of which cohort was there in which period after it.
func (c *cohort) retained() string {
	y, m := "extract(year from %s)", "extract(month from %s)"
	number := map[string]string{
		"day":     "b.period - c.cohort",
		"week":    "(b.period - c.cohort) / 7",
		"month":   fmt.Sprintf("("+y+" - "+y+") * 12 + "+m+" - "+m, "b.period", "c.cohort", "b.period", "c.cohort"),
		"quarter": fmt.Sprintf("("+y+" - "+y+") * 4 + extract(quarter from %s) - extract(quarter from %s)", "b.period", "c.cohort", "b.period", "c.cohort"),
	}[c.grain]
	g := ""
	for i := range c.by {
		g += fmt.Sprintf(", c.g%d", i+1)
	}
	return "select c.profile_id, c.cohort" + g + ", cast(" + number + " as bigint) as n\nfrom (\n" + c.first + "\n) c\njoin (\n" + c.back + "\n) b on b.profile_id = c.profile_id and b.period > c.cohort"
}

func (a *asking) cohorts() (*cohort, error) {
	c := &cohort{grain: a.q.Grain, by: len(a.q.By)}
	if c.grain == "" {
		c.grain = "month"
	}
	grain := times[slices.IndexFunc(times, func(t timeGrain) bool { return t.name == c.grain })]
	steps := a.q.Steps
	switch len(steps) {
	case 0:
		steps = []clientele.Step{{Table: "orders"}, {Table: "orders"}}
	case 1:
		steps = append(slices.Clone(steps), steps[0])
	case 2:
	default:
		return nil, clientele.Errorf(clientele.Invalid, "steps: retention has two: what begins, and what counts as coming back").WithHint("leave the second out when it is the same")
	}
	first, err := a.one(0, steps[0], 0)
	if err != nil {
		return nil, err
	}
	// The earliest time is found first: putting all rows in order to take one of each person takes many times as long.
	earliest := "select f.profile_id, min(" + first.f.ts + ") as ts\n" + first.from() + "\ngroup by f.profile_id"
	list := "select f.profile_id, " + first.f.ts + " as ts"
	for i, name := range a.q.By {
		e, err := first.dimension("by", name)
		if err != nil {
			return nil, plainError(err)
		}
		list += fmt.Sprintf(", %s as g%d", e.shown(), i+1)
	}
	list += fmt.Sprintf(", row_number() over (partition by f.profile_id order by %s, f.source, %s) as nth", first.f.ts, first.f.id)
	first.join("join (\n" + earliest + "\n) mi on mi.profile_id = f.profile_id and mi.ts = " + first.f.ts)
	rows := "(\n" + list + "\n" + first.from() + "\n) x\nwhere nth = 1 and "
	if c.by == 0 {
		rows = "(\n" + earliest + "\n) x\nwhere "
	}
	begun := &source{a: a, f: &fact{ts: "ts"}}
	c.first = "select profile_id, " + fmt.Sprintf(grain.sql, begun.local()) + " as cohort" + numbered("g", 1, c.by) + "\nfrom " + rows + a.inSpan("ts")
	back, err := a.one(1, steps[1], a.from)
	if err != nil {
		return nil, err
	}
	c.back = "select distinct f.profile_id, " + fmt.Sprintf(grain.sql, back.local()) + " as period\n" + back.from()
	return c, nil
}

// one is the source of the rows that match one step.
func (a *asking) one(i int, st clientele.Step, from clientele.Micros) (*source, error) {
	place := fmt.Sprintf("steps[%d]", i)
	table, err := a.stepTable(place, st)
	if err != nil {
		return nil, err
	}
	s, err := a.source(table)
	if err != nil {
		return nil, err
	}
	if err := s.matches(place, st); err != nil {
		return nil, plainError(err)
	}
	s.restrict(from, a.until)
	return s, s.all()
}
