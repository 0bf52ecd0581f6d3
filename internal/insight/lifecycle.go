package insight

import (
	"fmt"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// Lifecycle: how people stand in the lifecycle's stages at the end of the span, and how they moved in it. A stay is a
// row of the table lifecycle. Of stays that began in the span: how many went on to a later stage (not to a lost one),
// back, or were lost, and how long they took; what goes on least is the bottleneck. All of it by the stages' order.

func answerLifecycle(a *asking) (*clientele.Answer, error) {
	stages, stays, err := a.stays()
	if err != nil {
		return nil, err
	}
	now := "f.ts < " + sqlq.Instant(a.until) + " and (f.left_at is null or f.left_at >= " + sqlq.Instant(a.until) + ")"
	begun := a.inSpan("f.ts")
	days := func(until string) string { return "extract(epoch from " + until + " - f.ts) / 86400" }
	q := "select f.stage, count(*) filter (where " + now + ") as people, count(*) filter (where " + begun + ") as entered,\n" +
		"  count(*) filter (where " + begun + " and f.way = 'forward') as forward, count(*) filter (where " + begun + " and f.way = 'back') as back, count(*) filter (where " + begun + " and f.way = 'lost') as lost,\n" +
		"  percentile_cont(0.5) within group (order by case when " + begun + " and f.way is not null then " + days("f.left_at") + " end) as stayed,\n" +
		"  percentile_cont(0.5) within group (order by case when " + now + " then " + days(sqlq.Instant(a.until)) + " end) as waiting\n" +
		stays.from() + "\ngroup by f.stage"
	res, err := a.query(q, MaxRows)
	if err != nil {
		return nil, err
	}
	r := &clientele.Answer{Columns: []clientele.AnswerColumn{{Name: "stage", Role: "dimension"}, {Name: "people", Role: "measure"}, {Name: "share", Role: "measure", Unit: "percent"},
		{Name: "entered", Role: "measure"}, {Name: "forward", Role: "measure"}, {Name: "forward_share", Role: "measure", Unit: "percent"}, {Name: "back", Role: "measure"}, {Name: "lost", Role: "measure"},
		{Name: "median_days", Role: "measure", Unit: "days"}, {Name: "median_days_waiting", Role: "measure", Unit: "days"}, {Name: "bottleneck", Role: "dimension"}}}
	found, all := map[string][]any{}, int64(0)
	for _, row := range res.Rows {
		name, _ := row[0].(string)
		found[name] = row
		all += counted(row[1])
	}
	for i, s := range stages {
		row := found[s.Name]
		if row == nil {
			row = []any{s.Name, int64(0), int64(0), int64(0), int64(0), int64(0), nil, nil}
		}
		forward := any(nil)
		if entered := counted(row[2]); entered > 0 && leads(stages, i) {
			forward = 100 * float64(counted(row[3])) / float64(entered)
		}
		share := any(nil)
		if all > 0 {
			share = 100 * float64(counted(row[1])) / float64(all)
		}
		r.Rows = append(r.Rows, []any{s.Name, row[1], share, row[2], row[3], forward, row[4], row[5], row[6], row[7], nil})
		r.Cells = append(r.Cells, clientele.Cell{"stage": s.Name})
		r.Nodes = append(r.Nodes, clientele.PathNode{Step: i, Label: s.Name, People: counted(row[1]), Cell: clientele.Cell{"stage": s.Name}})
	}
	if worst := bottleneck(r.Rows); worst >= 0 {
		r.Rows[worst][len(r.Columns)-1] = "bottleneck"
	}
	return r, a.moves(r, stays)
}

func counted(v any) int64 {
	n, _ := v.(int64)
	return n
}

// leads says whether there is a stage to go on to.
func leads(stages []clientele.LifecycleStage, i int) bool {
	if stages[i].Lost {
		return false
	}
	for _, s := range stages[i+1:] {
		if !s.Lost {
			return true
		}
	}
	return false
}

// bottleneck is the row that the smallest share goes on from, among equals that with the most people; -1 = none.
func bottleneck(rows [][]any) int {
	worst, least := -1, 0.0
	for i, row := range rows {
		share, ok := row[5].(float64)
		if ok && (worst < 0 || share < least || share == least && counted(row[1]) > counted(rows[worst][1])) {
			worst, least = i, share
		}
	}
	return worst
}

// moves fills the links: how many people went from one stage to another in the span.
func (a *asking) moves(r *clientele.Answer, stays *source) error {
	s := *stays
	s.wheres = append([]string{"f.next is not null", a.inSpan("f.left_at")}, stays.wheres...)
	res, err := a.query("select f.n, f.stage, f.next, count(distinct f.profile_id) as people\n"+s.from()+"\ngroup by f.n, f.stage, f.next\norder by f.n, people desc, f.next", MaxRows)
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		from, _ := row[1].(string)
		to, _ := row[2].(string)
		r.Links = append(r.Links, clientele.PathLink{Step: int(counted(row[0])), From: from, To: to, People: counted(row[3]), Cell: clientele.Cell{"stage": from, "to": to}})
	}
	return nil
}

// stays are all stays of the people that the question is about: profile_id, ts (when it began), left_at, stage, its
// number n, next (the stage behind it) and way (forward, back, lost; null while it lasts).
func (a *asking) stays() ([]clientele.LifecycleStage, *source, error) {
	stages, err := a.o.Stages()
	if err != nil {
		return nil, nil, err
	}
	if len(stages) == 0 {
		return nil, nil, clientele.Errorf(clientele.Invalid, "there are no lifecycle stages").WithHint("bring some into force first: clientele lifecycle set --default")
	}
	var list []string
	for i, s := range stages {
		list = append(list, fmt.Sprintf("(%d, %s, %t)", i, sqlq.Text(s.Name), s.Lost))
	}
	names := "(select column0 as n, column1 as stage, column2 as lost from (values " + strings.Join(list, ", ") + ") v(column0, column1, column2))"
	q := "select l.profile_id, l.entered_at as ts, l.left_at, l.stage, a.n, b.stage as next,\n" +
		"  case when b.stage is null then null when b.lost then 'lost' when b.n > a.n then 'forward' else 'back' end as way\n" +
		"from (select profile_id, stage, entered_at, left_at, lead(stage) over (partition by profile_id order by entered_at, left_at nulls last) as next from lifecycle) l\n" +
		"join " + names + " a on a.stage = l.stage\nleft join " + names + " b on b.stage = l.next"
	s := a.people(q)
	return stages, s, s.all()
}

func peopleOfLifecycle(a *asking, cell clientele.Cell) (string, error) {
	stages, s, err := a.stays()
	if err != nil {
		return "", err
	}
	var names []string
	for _, st := range stages {
		names = append(names, st.Name)
	}
	for name, v := range cell {
		column := map[string]string{"stage": "f.stage", "to": "f.next"}[name]
		if text, is := v.(string); column == "" || !is {
			return "", clientele.Errorf(clientele.Invalid, "cell: %s is neither a stage nor where people went from it", name).WithHint(`{"stage":%q} or {"stage":%q,"to":%q}`, names[0], names[0], names[1])
		} else {
			s.where(column + " = " + sqlq.Text(text))
		}
	}
	if cell["to"] == nil {
		s.where("f.ts < " + sqlq.Instant(a.until))
		s.where("(f.left_at is null or f.left_at >= " + sqlq.Instant(a.until) + ")")
	} else {
		s.where(a.inSpan("f.left_at"))
	}
	return "select distinct f.profile_id\n" + s.from(), nil
}
