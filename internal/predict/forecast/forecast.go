// Package forecast continues a series of counts or sums (customers, orders, revenue by week or month) with an interval,
// by whichever of a few simple methods was nearest when each was tried at earlier ends of the same series. Naive
// methods are among them and win where nothing better is seen. There is no randomness: equal series, equal forecasts.
package forecast

import (
	"cmp"
	"math"
	"slices"

	"clientele"
)

// Point is a period to come.
type Point struct {
	Expected float64 `json:"expected"`
	Low      float64 `json:"low"` // of the interval
	High     float64 `json:"high"`
}

// Trial is a method as it did at earlier ends of the series.
type Trial struct {
	Method string  `json:"method"`
	MAE    float64 `json:"mae"` // mean absolute error of a period
}

// Result is a forecast and how far to believe it.
type Result struct {
	Method   string  `json:"method"`
	Points   []Point `json:"points"`
	Trials   []Trial `json:"trials"`   // of all methods, the nearest first
	Naive    Trial   `json:"naive"`    // the season before; without a season before, the last period
	Skill    float64 `json:"skill"`    // 1 - MAE / MAE of naive; above 0 is better than naive
	Origins  int     `json:"origins"`  // earlier ends that it was tried at
	Coverage float64 `json:"coverage"` // share of held-out periods inside an interval made from earlier ends; NaN never, 0 when not known
	Covered  int     `json:"covered_of"`
}

// Limits.
const (
	fewest      = 6  // periods that are needed
	mostOrigins = 12 // earlier ends
)

// method continues y by h periods.
type method struct {
	name  string
	needs func(season int) int
	make  func(y []float64, season, h int) []float64
}

// methods in the order in which they win at equal error: the simplest first.
var methods = []method{
	{"last period", func(int) int { return 1 }, last},
	{"season before", func(season int) int { return season }, seasonal},
	{"mean of the last four", func(int) int { return 4 }, recent},
	{"season before, times growth", func(season int) int { return season + 8 }, grown},
	{"damped trend", func(int) int { return 8 }, func(y []float64, _, h int) []float64 { return damped(y, h) }},
	{"damped trend and season", func(season int) int { return 2*season + 2 }, adjusted},
}

// Make forecasts h periods. season is the periods of a season (12 for months, 52 for weeks, 7 for days), level the
// share of the interval, as 0.8. Values must be finite and at or above 0.
func Make(y []float64, season, h int, level float64) (*Result, error) {
	if len(y) < fewest {
		return nil, clientele.Errorf(clientele.Invalid, "%d whole periods are too few for a forecast", len(y)).WithHint("at least %d are needed; take shorter periods", fewest)
	}
	span := min(h, max(1, len(y)/4)) // periods that a trial looks ahead
	var origins []int
	for at := len(y) - span; at >= max(4, len(y)/2) && len(origins) < mostOrigins; at -= max(1, span/3) {
		origins = append(origins, at)
	}
	slices.Reverse(origins)
	out := &Result{Origins: len(origins)}
	need := origins[0]
	var best *method
	for i := range methods {
		m := &methods[i]
		if m.needs(season) > need {
			continue
		}
		sum, n := 0.0, 0.0
		for _, at := range origins {
			for k, v := range m.make(y[:at], season, span) {
				sum += math.Abs(v - y[at+k])
				n++
			}
		}
		out.Trials = append(out.Trials, Trial{m.name, sum / n})
		if best == nil || sum/n < trialOf(out.Trials, best.name).MAE-1e-12 {
			best = m
		}
	}
	out.Method = best.name
	out.Naive = trialOf(out.Trials, "season before")
	if out.Naive.Method == "" {
		out.Naive = trialOf(out.Trials, "last period")
	}
	if out.Naive.MAE > 0 {
		out.Skill = 1 - trialOf(out.Trials, best.name).MAE/out.Naive.MAE
	}
	slices.SortStableFunc(out.Trials, func(a, b Trial) int { return cmp.Compare(a.MAE, b.MAE) })
	width := out.widths(best, y, season, span, origins, level)
	for k, v := range best.make(y, season, h) {
		v = math.Max(0, v)
		w := width * math.Sqrt(math.Max(1, float64(k+1)/float64(span)))
		out.Points = append(out.Points, Point{v, math.Max(0, v-w), v + w})
	}
	return out, nil
}

func trialOf(of []Trial, name string) Trial {
	for _, t := range of {
		if t.Method == name {
			return t
		}
	}
	return Trial{}
}

// widths finds the half width of the interval from the errors of all trials, as far ahead as those look (behind that
// it grows by the root of the distance); and how many periods of the later half of the trials a width from the earlier half holds.
func (r *Result) widths(m *method, y []float64, season, span int, origins []int, level float64) float64 {
	var errs []float64
	per := make([][]float64, len(origins))
	for i, at := range origins {
		for k, v := range m.make(y[:at], season, span) {
			e := math.Abs(math.Max(0, v) - y[at+k])
			errs = append(errs, e)
			per[i] = append(per[i], e)
		}
	}
	if half := len(origins) / 2; half >= 2 {
		w := quantile(slices.Concat(per[:half]...), level)
		inside := 0
		for _, e := range slices.Concat(per[half:]...) {
			r.Covered++
			if e <= w {
				inside++
			}
		}
		r.Coverage = float64(inside) / float64(r.Covered)
	}
	return quantile(errs, level)
}

// quantile with the correction of small samples: the smallest value that at least level*(n+1) of n+1 are at or below.
func quantile(v []float64, level float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[min(len(s)-1, int(math.Ceil(level*float64(len(s)+1)))-1)]
}

func last(y []float64, _, h int) []float64 { return slices.Repeat(y[len(y)-1:], h) }

func seasonal(y []float64, season, h int) []float64 {
	out := make([]float64, h)
	for k := range out {
		out[k] = y[len(y)-season+k%season]
	}
	return out
}

func recent(y []float64, _, h int) []float64 {
	sum := 0.0
	for _, v := range y[len(y)-4:] {
		sum += v / 4
	}
	return slices.Repeat([]float64{sum}, h)
}

// grown is the season before, times how the last 8 periods stand to those a season before them.
func grown(y []float64, season, h int) []float64 {
	now, then := 0.0, 0.0
	for k := 1; k <= 8; k++ {
		now += y[len(y)-k]
		then += y[len(y)-k-season]
	}
	out := seasonal(y, season, h)
	if then > 0 {
		for k := range out {
			out[k] *= now / then
		}
	}
	return out
}

// damped is Holt's smoothing with a trend that fades (Gardner and McKenzie 1985); weights are those of the smallest squared error
// one period ahead on a grid.
func damped(y []float64, h int) []float64 {
	best, out := math.Inf(1), make([]float64, h)
	for _, alpha := range []float64{0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9} {
		for _, beta := range []float64{0.01, 0.05, 0.1, 0.3} {
			for _, phi := range []float64{0.8, 0.9, 0.98} {
				level, trend, sum := y[0], (y[min(3, len(y)-1)]-y[0])/3, 0.0
				for _, v := range y[1:] {
					ahead := level + phi*trend
					sum += (v - ahead) * (v - ahead)
					was := level
					level = ahead + alpha*(v-ahead)
					trend = beta*(level-was) + (1-beta)*phi*trend
				}
				if sum < best {
					best = sum
					ahead, fade := level, phi
					for k := range out {
						ahead += fade * trend
						fade *= phi
						out[k] = ahead
					}
				}
			}
		}
	}
	return out
}

// adjusted divides by the season's indices, continues that by a damped trend, and puts the season back.
func adjusted(y []float64, season, h int) []float64 {
	index, n := make([]float64, season), make([]float64, season)
	for i := season / 2; i+season-season/2 <= len(y); i++ {
		mean := 0.0
		for _, v := range y[i-season/2 : i-season/2+season] {
			mean += v / float64(season)
		}
		if mean > 0 {
			index[i%season] += y[i] / mean
			n[i%season]++
		}
	}
	whole := 0.0
	for i := range index {
		if n[i] > 0 {
			index[i] /= n[i]
		} else {
			index[i] = 1
		}
		index[i] = math.Max(0.05, index[i])
		whole += index[i] / float64(season)
	}
	flat := make([]float64, len(y))
	for i := range y {
		flat[i] = y[i] / index[i%season] * whole
	}
	out := damped(flat, h)
	for k := range out {
		out[k] *= index[(len(y)+k)%season] / whole
	}
	return out
}
