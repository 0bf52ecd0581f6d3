// Package shrink turns counts of few into shares that can be trusted: somebody with one discounted order out of one is not
// "100 % discount", but near to what people are like, the nearer the fewer orders they have.
//
// A share is beta-binomial: people's own shares are Beta(A, B) over all people, and A and B are those of the largest
// likelihood, so that how much is shrunk comes from the data; a weak guess decides where there are only a few people.
package shrink

import "math"

// Count is K of N.
type Count struct{ K, N int }

// Prior is how shares are spread over people.
type Prior struct{ A, B float64 }

// Mean is the share of people, on the average.
func (p Prior) Mean() float64 { return p.A / (p.A + p.B) }

// Share is a person's share with its interval.
type Share struct{ Mean, Low, High float64 }

// Bounds of A+B: below, everybody is all or nothing; above, everybody is alike.
const (
	loosest  = 0.02
	tightest = 1e5
)

// Learn finds the prior of counts: the mean is that of people, the concentration that of the largest likelihood.
// Counts without N are passed over; without any the prior is Beta(1, 1).
func Learn(counts []Count) Prior {
	tally := map[Count]float64{}
	for _, c := range counts {
		tally[c]++
	}
	return learn(tally)
}

// learn finds the prior of people by their counts.
func learn(tally map[Count]float64) Prior {
	groups := make([]weighted, 0, len(tally))
	for c, w := range tally {
		if c.N > 0 && w > 0 {
			groups = append(groups, weighted{c, w})
		}
	}
	if len(groups) == 0 {
		return Prior{1, 1}
	}
	sortGroups(groups)
	k, n := 0.0, 0.0
	for _, g := range groups {
		k += g.w * float64(g.K)
		n += g.w * float64(g.N)
	}
	// Two steps, one parameter at a time, around each other: the likelihood is smooth and has one hill in each.
	mean := math.Min(1-1e-6, math.Max(1e-6, k/n))
	size := 2.0
	for range 12 {
		was, before := mean, size
		size = math.Exp(highest(math.Log(loosest), math.Log(tightest), func(x float64) float64 { return likelihood(groups, mean, math.Exp(x)) }))
		mean = logistic(highest(-14, 14, func(x float64) float64 { return likelihood(groups, logistic(x), size) }))
		if math.Abs(mean-was) < 1e-7*mean && math.Abs(size-before) < 1e-6*size {
			break
		}
	}
	return Prior{mean * size, (1 - mean) * size}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// highest is where a function of one hill is highest, by golden section.
func highest(from, to float64, f func(float64) float64) float64 {
	const ratio = 0.6180339887498949
	a, b := to-ratio*(to-from), from+ratio*(to-from)
	fa, fb := f(a), f(b)
	for to-from > 1e-7 {
		if fa > fb {
			to, b, fb = b, a, fa
			a = to - ratio*(to-from)
			fa = f(a)
		} else {
			from, a, fa = a, b, fb
			b = from + ratio*(to-from)
			fb = f(b)
		}
	}
	return (from + to) / 2
}

// Of a person: the mean and an interval that holds the share with the chance level.
func (p Prior) Of(c Count, level float64) Share {
	a, b := p.A+float64(c.K), p.B+float64(c.N-c.K)
	return Share{a / (a + b), quantile(a, b, (1-level)/2), quantile(a, b, (1+level)/2)}
}

// Above is the chance that a person's share is above s.
func (p Prior) Above(c Count, s float64) float64 {
	return 1 - BetaRegularised(p.A+float64(c.K), p.B+float64(c.N-c.K), s)
}

// quantile of Beta(a, b) by bisection.
func quantile(a, b, level float64) float64 {
	from, to := 0.0, 1.0
	for range 60 {
		if middle := (from + to) / 2; BetaRegularised(a, b, middle) < level {
			from = middle
		} else {
			to = middle
		}
	}
	return (from + to) / 2
}
