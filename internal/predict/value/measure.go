package value

import (
	"cmp"
	"math"
	"slices"
)

// correlation is Pearson's; 0 when one does not vary.
func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my, xy, xx, yy float64
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		a, b := x[i]-mx, y[i]-my
		xy += a * b
		xx += a * a
		yy += b * b
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// ranks from 1, equal values share the mean of theirs.
func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(v[a], v[b]) })
	out := make([]float64, len(v))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && v[order[j]] == v[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// separation is the area under the ROC curve: the chance that a customer who did it has a higher score than one who did
// not. NaN when all did or none.
func separation(score []float64, did []bool) float64 {
	r := ranks(score)
	sum, n := 0.0, 0.0
	for i, d := range did {
		if d {
			sum += r[i]
			n++
		}
	}
	m := float64(len(did)) - n
	if n == 0 || m == 0 {
		return math.NaN()
	}
	return (sum - n*(n+1)/2) / (n * m)
}

// topShare is the share of all value that the highest share of customers by score brings; NaN without value.
func topShare(score, value []float64, share float64) float64 {
	order := make([]int, len(score))
	whole := 0.0
	for i := range order {
		order[i] = i
		whole += value[i]
	}
	if whole <= 0 {
		return math.NaN()
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	sum := 0.0
	for _, i := range order[:int(math.Ceil(share*float64(len(order))))] {
		sum += value[i]
	}
	return sum / whole
}
