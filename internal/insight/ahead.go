package insight

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"clientele"
)

// seasons are the grains of time that can be carried on, and how many of them a season has.
var seasons = map[string]int{"day": 7, "week": 52, "month": 12}

// Forecasts are of the groups of most, and hold a period with this share.
const (
	mostForecast = 20
	holds        = 0.8
	mostAhead    = 366
)

// periodOf is the period of a grain that a day is in, and startOf the first day of one.
func periodOf(grain string, day time.Time) int {
	days := int(day.Unix() / 86400)
	switch grain {
	case "day":
		return days
	case "week":
		return (days + 3) / 7 // 1970-01-01 was a Thursday
	}
	return day.Year()*12 + int(day.Month()) - 1
}

func startOf(grain string, n int) time.Time {
	switch grain {
	case "day":
		return time.Unix(int64(n)*86400, 0).UTC()
	case "week":
		return time.Unix(int64(n*7-3)*86400, 0).UTC()
	}
	return time.Date(n/12, time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// series is a group over time: what each measure was in each period.
type series struct {
	dims []any // without the period
	was  map[int][]any
}

// timed is the place of the one period among the dimensions of a question that looks ahead.
func (a *asking) timed() (int, error) {
	at, others := -1, 0
	for i, d := range a.q.By {
		if seasons[d] > 0 && at < 0 {
			at = i
		} else if slices.ContainsFunc(times, func(t timeGrain) bool { return t.name == d }) {
			others++
		}
	}
	switch {
	case at < 0 || others > 0:
		return 0, clientele.Errorf(clientele.Invalid, "ahead: it carries on days, weeks or months").WithHint("name one of day, week and month in by, and no other time")
	case a.q.Ahead > mostAhead:
		return 0, clientele.Errorf(clientele.Invalid, "ahead: %d periods are too many", a.q.Ahead).WithHint("at most %d", mostAhead)
	case a.o.Forecast == nil:
		return 0, clientele.Errorf(clientele.Invalid, "ahead: nothing is forecast here")
	}
	return at, nil
}

// ahead carries measures of groups on. The period that goes on now, and a first one that may have begun before the data, are left out.
func (a *asking) ahead(nodes []*node, groups []*group) ([]clientele.Forecast, error) {
	at, err := a.timed()
	if err != nil {
		return nil, err
	}
	for i, n := range nodes {
		if n.leaf == nil || !strings.HasPrefix(n.leaf.of[0].sql, "count(") && !strings.HasPrefix(n.leaf.of[0].sql, "sum(") {
			return nil, clientele.Errorf(clientele.Invalid, "ahead: %s is no count and no sum", a.q.Measures[i]).WithHint("forecast what it is made of: orders, buyers, revenue")
		}
	}
	grain := a.q.By[at]
	var order []*series
	known := map[string]*series{}
	low, high := math.MaxInt, math.MinInt
	for _, g := range groups {
		text, _ := g.dims[at].(string)
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			continue // a row without a time
		}
		dims := slices.Delete(slices.Clone(g.dims), at, at+1)
		s := known[key(dims)]
		if s == nil {
			s = &series{dims, map[int][]any{}}
			known[key(dims)] = s
			order = append(order, s)
		}
		n := periodOf(grain, day)
		low, high = min(low, n), max(high, n)
		for _, m := range nodes {
			s.was[n] = append(s.was[n], g.of(m))
		}
	}
	if len(order) == 0 {
		return []clientele.Forecast{}, nil
	}
	first, last := a.whole(grain, low, high)
	slices.SortStableFunc(order, func(x, y *series) int {
		return cmp.Or(cmp.Compare(sum(y.values(0, first, last)), sum(x.values(0, first, last))), cmp.Compare(key(x.dims), key(y.dims)))
	})
	out := []clientele.Forecast{}
	for _, s := range order[:min(len(order), mostForecast)] {
		for i, n := range nodes {
			f, err := a.o.Forecast(s.values(i, first, last), seasons[grain], a.q.Ahead, holds)
			if err != nil {
				return nil, err
			}
			f.Measure, f.Unit, f.Cell = a.q.Measures[i], a.measureColumns("", n)[0].Unit, clientele.Cell{}
			for k, d := range slices.Delete(slices.Clone(a.q.By), at, at+1) {
				f.Cell[d] = s.dims[k]
			}
			f.From, f.Until = startOf(grain, first).Format(time.DateOnly), startOf(grain, last+1).Format(time.DateOnly)
			for k := range f.Periods {
				f.Periods[k].From = startOf(grain, last+1+k).Format(time.DateOnly)
			}
			out = append(out, *f)
		}
	}
	return out, nil
}

// whole are the first and last period that are whole: the first is so where the span begins with it. Where the data ends before the span does, the last period with any is taken for a part.
func (a *asking) whole(grain string, low, high int) (first, last int) {
	in := func(at clientele.Micros) int { // the day of the zone, as its date
		y, m, d := at.Time().In(a.zone).Date()
		return periodOf(grain, time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
	}
	first, last = low, in(a.until)-1
	if a.from == 0 || in(a.from) != low || in(a.from-1) == low {
		first++
	}
	if high < last {
		last = high - 1
	}
	return first, max(first, last)
}

// values are what a measure was from one period to another; nothing is 0.
func (s *series) values(measure, first, last int) []float64 {
	var out []float64
	for n := first; n <= last; n++ {
		v := 0.0
		if was := s.was[n]; was != nil {
			v, _ = float(was[measure])
		}
		out = append(out, max(v, 0))
	}
	return out
}

func sum(of []float64) (all float64) {
	for _, v := range of {
		all += v
	}
	return all
}
