package learn

import (
	"cmp"
	"math"
	"slices"
)

// Score says how well a model did on rows that it had not seen.
type Score struct {
	Name      string  `json:"name"`
	AUC       float64 `json:"auc"`             // chance that a yes ranks above a no; 0.5 is a coin
	LogLoss   float64 `json:"log_loss"`        // mean, natural logarithm
	Brier     float64 `json:"brier"`           // mean squared error of the probability
	Lift10    float64 `json:"lift_10"`         // rate of yes in the best tenth over the rate in all
	Capture20 float64 `json:"captured_by_20"`  // share of all yes that the best fifth holds
	Rate      float64 `json:"rate,omitempty"`  // share of yes in these rows
	Mean      float64 `json:"mean,omitempty"`  // mean probability that was said
	Rows      int     `json:"rows,omitempty"`  //
	Trees     int     `json:"trees,omitempty"` // of a boosted model
}

// Rate is the share of yes.
func Rate(y []bool) float64 {
	if len(y) == 0 {
		return 0
	}
	return float64(count(y)) / float64(len(y))
}

func count(y []bool) (n int) {
	for _, v := range y {
		if v {
			n++
		}
	}
	return n
}

// AUC is the area under the ROC curve; ties count half. It is 0.5 where one class is missing.
func AUC(score []float64, y []bool) float64 {
	order := ascending(score)
	var ranks float64
	positives := 0
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && cmp.Compare(score[order[j]], score[order[i]]) == 0 { // NaN equals NaN
			j++
		}
		middle := float64(i+j+1) / 2
		for _, k := range order[i:j] {
			if y[k] {
				ranks += middle
				positives++
			}
		}
		i = j
	}
	negatives := len(y) - positives
	if positives == 0 || negatives == 0 {
		return 0.5
	}
	p := float64(positives)
	return (ranks - p*(p+1)/2) / (p * float64(negatives))
}

// ascending is the order of the rows by score; equal scores keep the order of the rows. NaN
// comes first.
func ascending(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	return order
}

// LogLoss is the mean negative log-likelihood of probabilities; they are kept 1e-15 from 0 and 1.
func LogLoss(p []float64, y []bool) float64 {
	var sum float64
	for i, q := range p {
		q = min(max(q, 1e-15), 1-1e-15)
		if y[i] {
			sum -= math.Log(q)
		} else {
			sum -= math.Log1p(-q)
		}
	}
	return sum / float64(max(len(p), 1))
}

// Brier is the mean squared distance between probability and outcome.
func Brier(p []float64, y []bool) float64 {
	var sum float64
	for i, q := range p {
		d := q
		if y[i] {
			d = q - 1
		}
		sum += d * d
	}
	return sum / float64(max(len(p), 1))
}

// Captured is the share of all yes among the given share of rows with the highest scores.
func Captured(score []float64, y []bool, share float64) float64 {
	total := count(y)
	if total == 0 {
		return 0
	}
	order := ascending(score)
	top := order[len(order)-int(math.Round(share*float64(len(order)))):]
	hits := 0
	for _, i := range top {
		if y[i] {
			hits++
		}
	}
	return float64(hits) / float64(total)
}

// Measure scores probabilities; ranking says the order where it is finer than p's, else nil.
func Measure(name string, p, ranking []float64, y []bool) Score {
	if ranking == nil {
		ranking = p
	}
	var mean float64
	for _, q := range p {
		mean += q
	}
	return Score{Name: name, AUC: AUC(ranking, y), LogLoss: LogLoss(p, y), Brier: Brier(p, y),
		Lift10: Captured(ranking, y, 0.1) / 0.1, Capture20: Captured(ranking, y, 0.2),
		Rate: Rate(y), Mean: mean / float64(max(len(p), 1)), Rows: len(p)}
}

// Bin is a group of rows with like probability: what was said and what came.
type Bin struct {
	Rows int     `json:"rows"`
	Said float64 `json:"said"` // mean probability
	Came float64 `json:"came"` // share of yes
}

// Reliability puts rows into bins of equal size by probability, lowest first.
func Reliability(p []float64, y []bool, bins int) []Bin {
	order := ascending(p)
	var out []Bin
	for k := range bins {
		from, to := k*len(order)/bins, (k+1)*len(order)/bins
		if from == to {
			continue
		}
		b := Bin{Rows: to - from}
		for _, i := range order[from:to] {
			b.Said += p[i]
			if y[i] {
				b.Came++
			}
		}
		b.Said /= float64(b.Rows)
		b.Came /= float64(b.Rows)
		out = append(out, b)
	}
	return out
}

// Percentiles ranks scores from 0 (lowest) to 100 (highest); equal scores get the same.
func Percentiles(score []float64) []float64 {
	order := ascending(score)
	out := make([]float64, len(score))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && cmp.Compare(score[order[j]], score[order[i]]) == 0 { // NaN equals NaN
			j++
		}
		for _, k := range order[i:j] {
			out[k] = 100 * (float64(i+j) / 2) / float64(len(order))
		}
		i = j
	}
	return out
}
