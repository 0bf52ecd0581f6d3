package rolling

import (
	"strconv"
	"time"

	"clientele"
	"clientele/internal/predict/feature"
	"clientele/internal/predict/learn"
	"clientele/internal/predict/value"
)

// compare adds guesses without a model to the report: how long ago the last order was, and for churn what a
// model of orders alone says. All are measured on the rows of the test.
func (s *Study) compare(people Source, table *feature.Table, rows []int, y []bool, parts learn.Parts) {
	report := &s.Model.Report
	column := func(name string) []float64 {
		for i, c := range table.Columns {
			if c.Name == name {
				return table.Values[i]
			}
		}
		return nil
	}
	guess := func(name string, values []float64, from []int) {
		pick := func(of []int) (v []float64, answers []bool) {
			for _, k := range of {
				v, answers = append(v, values[rows[k]]), append(answers, y[k])
			}
			return v, answers
		}
		train, trainY := pick(from)
		test, testY := pick(parts.Test)
		report.Naive = append(report.Naive, learn.Guess(name, train, trainY, test, testY))
	}
	recency := "days since the last order"
	if s.Plan.Any {
		recency = "days since anything but orders"
	}
	guess(recency+" alone", column(recency), parts.Train)
	if !s.how.Target.Absent || s.how.Target.Is != nil {
		return
	}
	orders, alive := s.buyers(people, table)
	if orders != nil {
		guess("orders to come by Pareto/NBD", orders, parts.Validation)
	}
	if alive != nil {
		guess("P(alive) of Pareto/NBD", alive, parts.Validation)
	}
}

// buyers are what a Pareto/NBD model of the orders before says of the rows of the last two moments: the orders to come,
// and the chance of being a customer still, nil where no drop-out is seen.
func (s *Study) buyers(people Source, table *feature.Table) (orders, alive []float64) {
	zone, err := time.LoadLocation(s.how.Zone)
	if err != nil {
		return nil, nil
	}
	h := &value.History{Returns: value.Ignore}
	n := 0
	for facts := range people() {
		name := strconv.Itoa(n)
		for i := range facts {
			if f := &facts[i]; f.Kind == feature.Order {
				h.Add(name, localDay(f.At, zone), max(f.Amount, 0))
			}
		}
		n++
	}
	h.Close()
	orders, alive = make([]float64, table.Rows()), make([]float64, table.Rows())
	for _, m := range []clientele.Micros{s.Plan.Choose, s.Plan.Test} {
		w := h.Until(localDay(m, zone)-1, 7)
		fit, err := value.Learn(value.Pareto, w.Summaries, w.MeanOrder)
		if err != nil {
			return nil, nil
		}
		if !fit.Dropout {
			alive = nil
		}
		of := make([]int, n) // by person, the summary from 1
		names := h.Customers()
		for i, c := range w.Customers {
			k, _ := strconv.Atoi(names[c])
			of[k] = i + 1
		}
		scores := fit.ScoreAll(w.Summaries, float64(s.Plan.Within)/float64(7*feature.Day), value.Money{Margin: 1})
		for i := range table.Person {
			if k := of[table.Person[i]]; table.Moment[i] == m && k > 0 {
				orders[i] = scores[k-1].Orders
				if alive != nil {
					alive[i] = scores[k-1].Alive
				}
			}
		}
	}
	return orders, alive
}

func localDay(at clientele.Micros, zone *time.Location) int32 {
	y, m, d := at.Time().In(zone).Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
