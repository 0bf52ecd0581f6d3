package uplift

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// ranking is rows in the order of a score, the highest first.
type ranking struct {
	score []float64
	order []int
}

func rank(score []float64) ranking {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	return ranking{score, order}
}

// area under the curve of additional outcomes (Radcliffe 2007): of the first k people, outcomes of the treated less
// those of the others brought to as many people. Equal scores are one step. chance is the area of a random order.
func (r ranking) area(treated, y []bool, weight []int) (area, chance float64) {
	var n, height, yesT, yesC, nT, nC float64
	for k, i := range r.order {
		w := 1.0
		if weight != nil {
			w = float64(weight[i])
		}
		came := 0.0
		if y[i] {
			came = w
		}
		if treated[i] {
			nT, yesT = nT+w, yesT+came
		} else {
			nC, yesC = nC+w, yesC+came
		}
		if k+1 < len(r.order) && r.score[r.order[k+1]] == r.score[i] {
			continue
		}
		next := yesT
		if nC > 0 {
			next -= yesC * nT / nC
		}
		area += (nT + nC - n) * (height + next) / 2
		n, height = nT+nC, next
	}
	return area, n * height / 2
}

// perfect ranks who has the outcome because of the treatment first, who has it without last.
func perfect(treated, y []bool) ranking {
	score := make([]float64, len(y))
	for i := range score {
		if y[i] {
			score[i] = -1
			if treated[i] {
				score[i] = 1
			}
		}
	}
	return rank(score)
}

// Qini is the area between the curve of a score's order and that of chance, over the same area of the perfect order:
// 1 is perfect, 0 is chance (the measure of scikit-uplift's qini_auc_score).
func Qini(score []float64, treated, y []bool) float64 {
	return qini(rank(score), perfect(treated, y), treated, y, nil)
}

func qini(by, ideal ranking, treated, y []bool, weight []int) float64 {
	area, chance := by.area(treated, y, weight)
	best, _ := ideal.area(treated, y, weight)
	if best == chance {
		return 0
	}
	return (area - chance) / (best - chance)
}

// Verdict says whether choosing people by a score pays.
type Verdict struct {
	Qini    float64 `json:"qini"`
	Low     float64 `json:"low"` // 95 % of the resamples lie between low and high
	High    float64 `json:"high"`
	Benefit bool    `json:"benefit"` // the interval is above 0; else no benefit was found
}

// Judge measures a score on rows that it was not learned from, with an interval of resamples of the rows. The same
// seed gives the same interval.
func Judge(score []float64, treated, y []bool, resamples int, seed uint64) Verdict {
	by, ideal := rank(score), perfect(treated, y)
	v := Verdict{Qini: qini(by, ideal, treated, y, nil)}
	random := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, resamples)
	weight := make([]int, len(y))
	for k := range values {
		clear(weight)
		for range y {
			weight[random.IntN(len(y))]++
		}
		values[k] = qini(by, ideal, treated, y, weight)
	}
	slices.Sort(values)
	v.Low, v.High = values[resamples*25/1000], values[min(resamples*975/1000, resamples-1)]
	v.Benefit = v.Low > 0
	return v
}

// Gain is what treating the share of people with the highest scores adds.
type Gain struct {
	Share  float64
	Model  float64 // additional outcomes by person of all
	Chance float64 // of as many people by lot
}

// Curve is the Qini curve at each twentieth: outcomes of the treated less those of the others brought to as many, by all the treated.
func Curve(score []float64, treated, y []bool) []Gain {
	const steps = 20
	order := rank(score).order
	var n, yes [2]float64
	out := []Gain{{}}
	for k, i := range order {
		n[arm(treated[i])]++
		yes[arm(treated[i])] += float64(arm(y[i]))
		if step := len(out); k+1 >= step*len(order)/steps {
			out = append(out, Gain{Share: float64(step) / steps, Model: yes[1] - yes[0]*n[1]/max(n[0], 1)})
		}
	}
	for k := range out {
		out[k].Model /= max(n[1], 1)
	}
	all := out[len(out)-1].Model
	for k := range out[1:] {
		out[k+1].Chance = all * out[k+1].Share
	}
	return out
}
