package insight

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"clientele"
)

// Concentration: people in order of an amount, the largest first, and what share of the whole the first x percent of
// them hold. Those with nothing or less are left out. Of n people the first x percent are n times x / 100, rounded up.

func answerConcentration(a *asking) (*clientele.Answer, error) {
	ranked, unit, err := a.ranked()
	if err != nil {
		return nil, err
	}
	points, err := a.points()
	if err != nil {
		return nil, err
	}
	var conds []string
	for _, p := range points {
		conds = append(conds, "rn = "+upTo(p))
	}
	res, err := a.query("select rn, n, cast(acc as double precision) as held, cast(total as double precision) as total, cast(amount as double precision) as least\nfrom (\n"+ranked+"\n) k\nwhere "+strings.Join(conds, " or ")+"\norder by rn", MaxRows)
	if err != nil {
		return nil, err
	}
	r := &clientele.Answer{Columns: []clientele.AnswerColumn{{Name: "percent", Role: "dimension", Unit: "percent"}, {Name: "people", Role: "measure"}, {Name: "amount", Role: "measure", Unit: unit},
		{Name: "of_amount", Role: "measure", Unit: "percent"}, {Name: "least", Role: "measure", Unit: unit}}}
	for _, p := range points {
		for _, row := range res.Rows {
			rn, _ := row[0].(int64)
			n, _ := row[1].(int64)
			held, _ := row[2].(float64)
			total, _ := row[3].(float64)
			if rn == (n*int64(math.Round(p*1000))+99_999)/100_000 {
				r.Rows = append(r.Rows, []any{p, rn, held, 100 * held / total, row[4]})
				r.Cells = append(r.Cells, clientele.Cell{"percent": p})
			}
		}
	}
	return r, nil
}

// upTo is how many the first p percent are, in whole numbers.
func upTo(p float64) string {
	return fmt.Sprintf("(n * %d + 99999) / 100000", int64(math.Round(p*1000)))
}

func (a *asking) points() ([]float64, error) {
	if len(a.q.Points) == 0 {
		return []float64{1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, nil
	}
	points := slices.Clone(a.q.Points)
	slices.Sort(points)
	for _, p := range points {
		if !(p > 0 && p <= 100) || math.Abs(p*1000-math.Round(p*1000)) > 1e-6 {
			return nil, clientele.Errorf(clientele.Invalid, "points: a point is above 0 and up to 100 percent, with up to three decimals")
		}
	}
	return slices.Compact(points), nil
}

// ranked is one row a person: amount, rn (1 has the most), acc (what the first rn hold), n (people), total.
func (a *asking) ranked() (query, unit string, err error) {
	typed := "revenue"
	switch len(a.q.Measures) {
	case 0:
	case 1:
		typed = a.q.Measures[0]
	default:
		return "", "", clientele.Errorf(clientele.Invalid, "measures: a concentration is of one amount")
	}
	n, err := a.measure("measures[0]", typed)
	if err != nil {
		return "", "", err
	}
	if n.leaf == nil || !strings.HasPrefix(n.leaf.of[0].sql, "sum(") && n.leaf.of[0].sql != "count(*)" {
		return "", "", clientele.Errorf(clientele.Invalid, "measures[0]: %s cannot be shared out among people", typed).WithHint("take a sum or a count: revenue, margin, orders, sum(events.price)")
	}
	c, err := a.compile(n.leaf, nil, a.from, a.until, false)
	if err != nil {
		return "", "", err
	}
	if !c.s.f.person {
		return "", "", clientele.Errorf(clientele.Invalid, "measures[0]: %s has no people", c.s.f.table)
	}
	c.s.where("f.profile_id is not null")
	sum := strings.TrimPrefix(c.sql, "cast(") // exact as it is
	sum = sum[:strings.LastIndex(sum, " as ")]
	each := "select f.profile_id, " + sum + " as amount\n" + c.s.from() + "\ngroup by f.profile_id having " + sum + " > 0"
	unit = n.unit
	if unit == "money" {
		unit = a.currency
	}
	return "select profile_id, amount, row_number() over (order by amount desc, profile_id) as rn,\n sum(amount) over (order by amount desc, profile_id rows between unbounded preceding and current row) as acc,\n" +
		" count(*) over () as n, sum(amount) over () as total\nfrom (\n" + each + "\n) e", unit, nil
}

func peopleOfConcentration(a *asking, cell clientele.Cell) (string, error) {
	ranked, _, err := a.ranked()
	if err != nil {
		return "", err
	}
	p, ok := float(cell["percent"])
	if !ok || !(p > 0 && p <= 100) || len(cell) != 1 {
		return "", clientele.Errorf(clientele.Invalid, `cell: write {"percent":5}`)
	}
	return "select profile_id\nfrom (\n" + ranked + "\n) k\nwhere rn <= " + upTo(p), nil
}
