// Package rolling learns what people will do within a time from moments that roll through the past: it describes everybody at
// several days, learns from the earlier ones, and is held against the last day whose outcome is known. No window of an
// outcome that is learned from reaches into the time that the model is tested on.
package rolling

import (
	"slices"
	"time"

	"clientele"
	"clientele/internal/predict/feature"
)

// Plan says when people are described.
type Plan struct {
	Within clientele.Micros   // length of the window of the outcome
	Active clientele.Micros   // who is described: whose last order lies at most that long back
	Any    bool               // whatever somebody did counts as being active, not only an order
	Train  []clientele.Micros // moments that are learned from, the earliest first
	Choose clientele.Micros   // chooses between models and calibrates
	Test   clientele.Micros   // is only measured
	Now    clientele.Micros   // what is predicted from
}

// most moments that are learned from: more hold the same people again and cost time.
const mostTrain = 8

// PlanOf lays moments between the first fact and the end of what is known. The test's window ends at the end, the
// window of the choice at the test, those of the training at the choice; the moments of the training are half a window
// apart, and the first of them has at least half a window, and a fifth of the time, behind it.
func PlanOf(first, end, within, active clientele.Micros) (Plan, error) {
	p := Plan{Within: within, Active: active, Test: end - within, Choose: end - 2*within, Now: end}
	earliest := first + max(within/2, (end-first)/5)
	step := max(within/2/feature.Day*feature.Day, feature.Day)
	for m := p.Choose - within; m >= earliest && len(p.Train) < mostTrain; m -= step {
		p.Train = append(p.Train, m)
	}
	slices.Reverse(p.Train)
	if len(p.Train) == 0 {
		days, needs := int((end-first)/feature.Day), int((7*within/2)/feature.Day)
		return p, clientele.Errorf(clientele.Invalid, "%d days of orders are too few to learn what comes within %d days: at least %d are needed", days, within/feature.Day, max(needs, 1)+1).
			WithHint("three windows that do not overlap train, choose and test; add history or make the window shorter, --within %dd", max(days*2/7-1, 1))
	}
	return p, nil
}

// moments of one person: those at which an order was known and the last of them not longer ago than Active.
func (p *Plan) moments(out []clientele.Micros, facts []feature.Fact, at ...clientele.Micros) []clientele.Micros {
	for _, m := range at {
		var last clientele.Micros
		there := false
		for i := range facts {
			if f := &facts[i]; p.active(f) && f.Before(m) {
				last, there = max(last, f.At), true
			}
		}
		if there && m-last <= p.Active {
			out = append(out, m)
		}
	}
	return out
}

func (p *Plan) active(f *feature.Fact) bool {
	return f.Kind == feature.Order || p.Any && f.Kind != feature.Return && f.Kind != feature.Sent
}

// Horizon is the shortest time, in whole weeks, within which four in five of the orders came that followed another
// one, at most a quarter of the time between the first and the last.
func Horizon(gaps []float64, span float64) (days int, capped bool) {
	if len(gaps) == 0 {
		return int(span / 4), true
	}
	sorted := slices.Sorted(slices.Values(gaps))
	days = max(7*(int(sorted[len(sorted)*4/5])/7+1), 14)
	if most := int(span / 4); days > most {
		return max(most, 1), true
	}
	return days, false
}

// Gaps adds the days between the orders of one person that were known before a moment.
func Gaps(out []float64, facts []feature.Fact, before clientele.Micros, zone *time.Location) []float64 {
	var days []int
	for i := range facts {
		if facts[i].Kind == feature.Order && facts[i].Before(before) {
			days = append(days, int(localDay(facts[i].At, zone)))
		}
	}
	slices.Sort(days)
	days = slices.Compact(days)
	for i := 1; i < len(days); i++ {
		out = append(out, float64(days[i]-days[i-1]))
	}
	return out
}
