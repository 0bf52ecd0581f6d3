package uplift

import (
	"math"
	"slices"

	"clientele/internal/predict/learn"
)

// Penalties are what is tried, ascending, where the strength of the regressions' penalty is to be chosen: many features of little use need a strong one.
var Penalties = []float64{1, 30, 300, 3000}

// folds of the rows that are learned from, each scored by what the others taught; and how many rows are enough to choose by.
const (
	folds     = 3
	mostTried = 60_000
)

// split tells the rows that are learned from (70 of a hundred, by a hash of their numbers) from those that judge.
func split(number []int) (train, test []int) {
	for i, n := range number {
		if learn.Hash01(n) < trained {
			train = append(train, i)
		} else {
			test = append(test, i)
		}
	}
	return train, test
}

const trained = 0.7

// choose finds the penalty of each of some learners, and which of them, where each row is scored by models of other rows: that learner with the best Qini, and
// of the penalties whose Qini is less than a twentieth below its best the one whose scores are nearest in size to what came.
func choose(x *learn.Matrix, number []int, treated, y []bool, learners []Learner, penalties []float64, workers int) (best map[Learner]How, chosen Learner) {
	best = map[Learner]How{}
	if step := 1 + len(number)/mostTried; step > 1 {
		rows := everyOf(len(number), step)
		x, treated, y = x.Pick(rows), at(treated, rows), at(y, rows)
		picked := make([]int, len(rows))
		for k, i := range rows {
			picked[k] = number[i]
		}
		number = picked
	}
	var parts [folds][2][]int // the rows of the others, and its own
	for i, n := range number {
		own := min(int(learn.Hash01(n)/trained*folds), folds-1)
		for k := range parts {
			parts[k][arm(k == own)] = append(parts[k][arm(k == own)], i)
		}
	}
	outcome := make([]float64, len(y))
	for i, yes := range y {
		outcome[i] = float64(arm(yes))
	}
	qinis, off := map[Learner][]float64{}, map[Learner][]float64{} // by penalty
	for _, penalty := range penalties {
		scores := map[Learner][]float64{}
		for _, l := range Learners {
			scores[l] = make([]float64, len(number))
		}
		for _, part := range parts {
			xs, ts, ys, own := x.Pick(part[0]), at(treated, part[0]), at(y, part[0]), x.Pick(part[1])
			var taught []*Model
			if slices.Contains(learners, S) {
				taught = append(taught, fit(xs, ts, ys, How{S, penalty, workers}))
			}
			if slices.Contains(learners, X) {
				differences := fit(xs, ts, ys, How{X, penalty, workers})
				arms := *differences // the models of the arms are those of t
				arms.How.Learner = T
				taught = append(taught, differences, &arms)
			} else if slices.Contains(learners, T) {
				taught = append(taught, fit(xs, ts, ys, How{T, penalty, workers}))
			}
			for _, m := range taught {
				for k, v := range m.Uplift(own) {
					scores[m.How.Learner][part[1][k]] = v
				}
			}
		}
		for _, l := range learners {
			qinis[l] = append(qinis[l], Qini(scores[l], treated, y))
			off[l] = append(off[l], math.Abs(math.Log(Fitted(scores[l], treated, outcome).Slope)))
		}
	}
	chosen = learners[0]
	for _, l := range learners {
		top := slices.Max(qinis[l])
		if top > slices.Max(qinis[chosen]) {
			chosen = l
		}
		nearest := slices.Index(qinis[l], top)
		for k, q := range qinis[l] {
			if q >= top-math.Abs(top)/20 && off[l][k] < off[l][nearest] {
				nearest = k
			}
		}
		best[l] = How{l, penalties[nearest], workers}
	}
	return best, chosen
}
