package insight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"clientele"
	"clientele/internal/sqlq"
)

// Paths: what people did after (or before) something, one path a person. Rows are events with a label, in the order
// (ts, source, event_id); of equal labels in a row the first counts. The path begins at the person's first event
// with the start label (at the first event when there is none) and holds up to depth more within the window. With an
// end the same is read backwards from the first event with that label: step 0 is the end.

const (
	otherLabel = "(other)" // labels beyond those that a step shows
	endLabel   = "(end)"   // nothing more within the window
)

func (a *asking) depth() int {
	if a.q.Depth == 0 {
		return 4
	}
	return a.q.Depth
}

func answerPaths(a *asking) (*clientele.Answer, error) {
	steps, err := a.paths()
	if err != nil {
		return nil, err
	}
	depth := a.depth()
	var labels []string
	for i := 0; i <= depth; i++ {
		labels = append(labels, fmt.Sprintf("s%d", i))
	}
	q := "select " + strings.Join(labels, ", ") + ", count(*) as people\nfrom (\n" + pivot(steps, depth) + "\n) way\ngroup by " + strings.Join(labels, ", ") +
		"\norder by people desc, " + strings.Join(labels, ", ")
	res, err := a.query(q, a.limit())
	if err != nil {
		return nil, err
	}
	r := &clientele.Answer{Cut: res.Cut}
	for i := range depth + 1 {
		r.Columns = append(r.Columns, clientele.AnswerColumn{Name: fmt.Sprintf("step_%d", i), Role: "dimension"})
	}
	r.Columns = append(r.Columns, clientele.AnswerColumn{Name: "people", Role: "measure"})
	for _, row := range res.Rows {
		cell := clientele.Cell{}
		for i := range depth + 1 {
			cell[fmt.Sprintf("step_%d", i)] = row[i]
		}
		r.Rows, r.Cells = append(r.Rows, row), append(r.Cells, cell)
	}
	if len(r.Rows) == 0 {
		return r, a.knownLabels()
	}
	return r, a.flow(r, steps)
}

// pivot is one row a person: its labels as s0.. .
func pivot(steps string, depth int) string {
	list := "select profile_id"
	for i := 0; i <= depth; i++ {
		list += fmt.Sprintf(", max(case when pos = %[1]d then label end) as s%[1]d", i)
	}
	return list + "\nfrom (\n" + steps + "\n) st\ngroup by profile_id"
}

// flow fills nodes and links: of each step the labels with the most people, the rest as one.
func (a *asking) flow(r *clientele.Answer, steps string) error {
	depth := a.depth()
	q := "select pos, label, next, count(*) as people\nfrom (\nselect profile_id, pos, label, lead(label) over (partition by profile_id order by pos) as next\nfrom (\n" +
		steps + "\n) st\n) li\ngroup by pos, label, next\norder by people desc, pos, label, next"
	res, err := a.query(q, MaxRows)
	if err != nil {
		return err
	}
	if res.Cut {
		return clientele.Errorf(clientele.TooLarge, "the paths have more than %d different steps", MaxRows).WithHint("take a coarser label, or a smaller depth")
	}
	type place struct {
		pos   int64
		label string
	}
	people := map[place]int64{}
	for _, row := range res.Rows {
		people[place{row[0].(int64), row[1].(string)}] += row[3].(int64)
	}
	shown := a.q.Nodes
	if shown == 0 {
		shown = 8
	}
	kept := map[place]bool{}
	for pos := range depth + 1 {
		var labels []string
		for p := range people {
			if p.pos == int64(pos) {
				labels = append(labels, p.label)
			}
		}
		slices.SortFunc(labels, func(x, y string) int {
			if d := people[place{int64(pos), y}] - people[place{int64(pos), x}]; d != 0 {
				return int(d)
			}
			return strings.Compare(x, y)
		})
		rest := int64(0)
		for i, l := range labels {
			at := place{int64(pos), l}
			if i >= shown {
				rest += people[at]
				continue
			}
			kept[at] = true
			r.Nodes = append(r.Nodes, clientele.PathNode{Step: pos, Label: l, People: people[at], Cell: clientele.Cell{fmt.Sprintf("step_%d", pos): l}})
		}
		if rest > 0 {
			r.Nodes = append(r.Nodes, clientele.PathNode{Step: pos, Label: otherLabel, People: rest})
		}
	}
	links := map[linkKey]int64{}
	for _, row := range res.Rows {
		pos, from := row[0].(int64), row[1].(string)
		to, ok := row[2].(string)
		if pos == int64(depth) {
			continue
		}
		l := clientele.PathLink{Step: int(pos), From: from, To: endLabel}
		if ok {
			l.To = to
			if !kept[place{pos + 1, to}] {
				l.To = otherLabel
			}
		}
		if !kept[place{pos, from}] {
			l.From = otherLabel
		}
		links[linkKey{l.Step, l.From, l.To}] += row[3].(int64)
	}
	for k, n := range links {
		l := clientele.PathLink{Step: k.step, From: k.from, To: k.to, People: n}
		if l.From != otherLabel && l.To != otherLabel {
			to := any(l.To)
			if l.To == endLabel {
				to = nil
			}
			l.Cell = clientele.Cell{fmt.Sprintf("step_%d", l.Step): l.From, fmt.Sprintf("step_%d", l.Step+1): to}
		}
		r.Links = append(r.Links, l)
	}
	slices.SortFunc(r.Links, func(x, y clientele.PathLink) int {
		switch {
		case x.Step != y.Step:
			return x.Step - y.Step
		case x.People != y.People:
			return int(y.People - x.People)
		case x.From != y.From:
			return strings.Compare(x.From, y.From)
		}
		return strings.Compare(x.To, y.To)
	})
	return nil
}

func peopleOfPaths(a *asking, cell clientele.Cell) (string, error) {
	steps, err := a.paths()
	if err != nil {
		return "", err
	}
	var conds []string
	for name, v := range cell {
		n, err := strconv.Atoi(strings.TrimPrefix(name, "step_"))
		if err != nil || n < 0 || n > a.depth() || name != fmt.Sprintf("step_%d", n) {
			return "", clientele.Errorf(clientele.Invalid, "cell: there is no %q", name).WithHint("step_0 to step_%d", a.depth())
		}
		cond, err := expr{sql: fmt.Sprintf("s%d", n)}.is(name, v)
		if err != nil {
			return "", err
		}
		conds = append(conds, cond)
	}
	slices.Sort(conds)
	q := "select profile_id\nfrom (\n" + pivot(steps, a.depth()) + "\n) way"
	if len(conds) > 0 {
		q += "\nwhere " + strings.Join(conds, " and ")
	}
	return q, nil
}

func (a *asking) label() string {
	if a.q.Label == "" {
		return "event"
	}
	return a.q.Label
}

// paths is the query of the steps: profile_id, pos (0, 1, ...), label.
func (a *asking) paths() (string, error) {
	within, err := a.within()
	if err != nil {
		return "", err
	}
	if a.q.Start != "" && a.q.End != "" {
		return "", clientele.Errorf(clientele.Invalid, "end: paths have a start or an end").WithHint("leave one of them out; a funnel has both")
	}
	s, err := a.source("events")
	if err != nil {
		return "", err
	}
	e, err := s.dimension("label", a.label())
	if err != nil {
		return "", plainError(err)
	}
	s.where(e.sql + " is not null")
	s.restrict(a.from, a.until)
	if err := s.all(); err != nil {
		return "", err
	}
	way, mark, limit := "", a.q.Start, "ts <= begun + "+seconds(within)
	if a.q.End != "" {
		way, mark, limit = " desc", a.q.End, "ts >= begun - "+seconds(within)
	}
	order := "order by ts, source, event_id"
	rows := "select f.profile_id, f.ts, f.source, f.event_id, " + e.shown() + " as label\n" + s.from()
	runs := "select profile_id, ts, source, event_id, label, lag(label) over (partition by profile_id " + order + ") as prev\nfrom (\n" + rows + "\n) r"
	numbers := "select profile_id, ts, label, row_number() over (partition by profile_id " + order + ") as rn\nfrom (\n" + runs + "\n) c\nwhere prev is null or prev <> label"
	first := "min(%s) over (partition by profile_id)"
	if mark != "" {
		first = "min(case when label = " + sqlq.Text(mark) + " then %s end) over (partition by profile_id)"
	}
	begun := "select profile_id, ts, label, rn, " + fmt.Sprintf(first, "rn") + " as first_rn, " + fmt.Sprintf(first, "ts") + " as begun\nfrom (\n" + numbers + "\n) n"
	pos := "rn - first_rn"
	if way != "" {
		pos = "first_rn - rn"
	}
	return "select profile_id, " + pos + " as pos, label\nfrom (\n" + begun + "\n) b\nwhere " + pos + " between 0 and " + strconv.Itoa(a.depth()) + " and " + limit, nil
}

// knownLabels refuses a start or end that is no label of any event.
func (a *asking) knownLabels() error {
	if a.label() != "event" {
		return nil
	}
	places := map[string]string{}
	if a.q.Start != "" {
		places[a.q.Start] = "start"
	}
	if a.q.End != "" {
		places[a.q.End] = "end"
	}
	return a.knownEvents(places)
}

// linkKey is which link it is.
type linkKey struct {
	step     int
	from, to string
}
