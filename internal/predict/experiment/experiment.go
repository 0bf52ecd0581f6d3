// Package experiment compares the arms of an experiment: by how much, how surely, and with intervals that hold however often somebody
// looks. It knows no people, only how many there are in an arm and what their outcomes sum to.
package experiment

import (
	"math"

	"clientele/internal/predict/shrink"
)

// Arm is what is known of the people who were treated alike.
type Arm struct {
	N        float64 // people
	Mean     float64 // of their outcome, zeros included
	Variance float64 // of their outcome
}

// Means is an arm of n people by the sum of their outcomes and of the squares of these.
func Means(n, sum, squares float64) Arm {
	a := Arm{N: n, Mean: sum / max(n, 1)}
	if n > 1 {
		a.Variance = (squares - sum*sum/n) / (n - 1)
	}
	return a
}

// Proportion is an arm of n people of whom so many said yes.
func Proportion(yes, n float64) Arm {
	p := yes / max(n, 1)
	return Arm{N: n, Mean: p, Variance: p * (1 - p)}
}

// Of is an arm by the outcome of each of its people.
func Of(outcome []float64) Arm {
	a := Arm{N: float64(len(outcome))}
	for _, x := range outcome {
		a.Mean += x
	}
	a.Mean /= max(a.N, 1)
	for _, x := range outcome {
		a.Variance += (x - a.Mean) * (x - a.Mean)
	}
	a.Variance /= max(a.N-1, 1)
	return a
}

// alpha is how often an interval may miss where nothing was done.
const alpha = 0.05

// Estimate is a number with how surely it is known.
type Estimate struct {
	Value float64 `json:"value"`
	Error float64 `json:"standard_error"`
	Low   float64 `json:"low"` // 95 %
	High  float64 `json:"high"`
	P     float64 `json:"p"` // of no difference, both sides
}

// Difference is by how much the mean of the treated is above that of the untreated: Welch's test, each arm with a variance of its own.
func Difference(untreated, treated Arm) Estimate {
	return welch(treated.Mean-untreated.Mean, treated.Variance/treated.N+untreated.Variance/untreated.N, untreated, treated)
}

// Relative is that difference as a share of the untreated arm's mean; its variance is by the delta method.
func Relative(untreated, treated Arm) Estimate {
	m := untreated.Mean
	if m == 0 {
		return unknown(math.NaN())
	}
	variance := treated.Variance/(m*m*treated.N) + untreated.Variance*treated.Mean*treated.Mean/(m*m*m*m*untreated.N)
	return welch((treated.Mean-m)/m, variance, untreated, treated)
}

// unknown is what can be said of arms of one person.
func unknown(value float64) Estimate {
	return Estimate{Value: value, Error: math.Inf(1), Low: math.Inf(-1), High: math.Inf(1), P: 1}
}

func welch(value, variance float64, a, b Arm) Estimate {
	if a.N < 2 || b.N < 2 {
		return unknown(value)
	}
	e := Estimate{Value: value, Error: math.Sqrt(variance), Low: value, High: value, P: 1}
	if e.Error == 0 {
		return e
	}
	x, y := a.Variance/a.N, b.Variance/b.N
	freedom := (x + y) * (x + y) / (x*x/(a.N-1) + y*y/(b.N-1))
	half := e.Error * studentQuantile(freedom)
	e.Low, e.High = value-half, value+half
	e.P = studentTail(math.Abs(value)/e.Error, freedom)
	return e
}

// manyDegrees is from how many degrees of freedom on intervals are those of the normal distribution.
const manyDegrees = 10_000

// studentTail is the chance of a value of Student's distribution at least as far from 0 as t (Abramowitz and Stegun 26.7.1).
func studentTail(t, freedom float64) float64 {
	return shrink.BetaRegularised(freedom/2, 0.5, freedom/(freedom+t*t))
}

// studentQuantile is the t whose tail is alpha, by Newton's method; it comes from below, where the tail is convex.
func studentQuantile(freedom float64) float64 {
	if freedom >= manyDegrees {
		return z95
	}
	above, _ := math.Lgamma((freedom + 1) / 2)
	below, _ := math.Lgamma(freedom / 2)
	t := z95
	for range 100 {
		density := math.Exp(above-below-(freedom+1)/2*math.Log1p(t*t/freedom)) / math.Sqrt(freedom*math.Pi)
		step := (studentTail(t, freedom) - alpha) / (2 * density)
		if t += step; math.Abs(step) < 1e-12*t {
			break
		}
	}
	return t
}

// Usual is for how many people an interval that holds at every look is made narrowest, where nothing else is known.
const Usual = 5000

// AlwaysValid is the estimate with an interval and a p that hold at all looks together, so that one may look every day and stop when one
// has seen enough: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021, equations 9 and 155). people is how many
// both arms have, tuning for how many of them the interval is narrowest. It is wider than that of one look: the price of looking.
func (e Estimate) AlwaysValid(people, tuning float64) Estimate {
	if !(e.Error > 0) || math.IsInf(e.Error, 0) {
		return e
	}
	r := (-2*math.Log(alpha) + math.Log(-2*math.Log(alpha)+1)) / tuning
	half := e.Error * math.Sqrt(people) * math.Sqrt(2*(people*r+1)/(people*people*r)*math.Log(math.Sqrt(people*r+1)/alpha))
	e.Low, e.High = e.Value-half, e.Value+half
	s := e.Value * e.Value * people / (e.Error * e.Error)
	e.P = min(1, math.Sqrt(people*r+1)*math.Exp(-r*s/(2*(people*r+1))))
	return e
}

// Belief is what is held likely of a difference: a normal distribution.
type Belief struct {
	Mean   float64 `json:"mean"`
	Error  float64 `json:"standard_error"`
	Low    float64 `json:"low"` // 95 %
	High   float64 `json:"high"`
	Chance float64 `json:"chance"` // that the treated do better
	Risk   float64 `json:"risk"`   // what is lost on the average by treating, should it be the wrong choice
	Missed float64 `json:"missed"` // and by not treating
}

// Believe joins the estimate with what was held likely before: a mean and its variance, 0 for nothing.
func (e Estimate) Believe(mean, variance float64) Belief {
	b := Belief{Mean: e.Value, Error: e.Error}
	if variance > 0 {
		weight, prior := 1/(e.Error*e.Error), 1/variance
		b.Mean, b.Error = (e.Value*weight+mean*prior)/(weight+prior), math.Sqrt(1/(weight+prior))
	}
	b.Low, b.High = b.Mean-z95*b.Error, b.Mean+z95*b.Error
	z := b.Mean / b.Error
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	b.Chance = math.Erfc(-z/math.Sqrt2) / 2
	b.Missed = b.Error*density + b.Mean*b.Chance
	b.Risk = b.Missed - b.Mean
	return b
}

// z95 is the quantile that 95 % of a normal distribution lie within, both sides.
const z95 = 1.959963984540054

// Split says by chi-square how likely the arms would be of sizes as far from the shares that were meant, if those were drawn by lot. Under 0.001
// something decides who is counted in which arm, and nothing else can be read off the experiment.
func Split(sizes, shares []float64) (chi2, p float64) {
	n, all := 0.0, 0.0
	for i := range sizes {
		n, all = n+sizes[i], all+shares[i]
	}
	for i := range sizes {
		want := n * shares[i] / all
		chi2 += (sizes[i] - want) * (sizes[i] - want) / want
	}
	return chi2, gammaTail(float64(len(sizes)-1)/2, chi2/2)
}

// gammaTail is the regularised upper incomplete gamma function for a of whole or half numbers, by its recurrence (Abramowitz and
// Stegun 6.5.21 and 26.4.6).
func gammaTail(a, x float64) float64 {
	at, tail := 1.0, math.Exp(-x)
	if a != math.Floor(a) {
		at, tail = 0.5, math.Erfc(math.Sqrt(x))
	}
	for ; at < a; at++ {
		l, _ := math.Lgamma(at + 1)
		tail += math.Exp(at*math.Log(x) - x - l)
	}
	return tail
}
