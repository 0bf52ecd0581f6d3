package value

import "math"

// Model is a model of when people order and when they stop. Times are in the unit of its parameters.
type Model interface {
	Name() string
	Parameters() map[string]float64
	// LogLikelihood of one customer; terms that do not depend on the parameters are left out, as in the papers.
	LogLikelihood(s Summary) float64
	// Alive is the chance that a customer has not dropped out.
	Alive(s Summary) float64
	// Expected is how many orders a customer makes in the time t to come.
	Expected(s Summary, t float64) float64
	// New is how many repeat orders somebody who has just become a customer makes in the time t.
	New(t float64) float64
}

// NBD has rates of gamma (R, Alpha), nobody drops out.
type NBD struct{ R, Alpha float64 }

// BGNBD has rates of gamma (R, Alpha) and drop-out behind each repeat order of beta (A, B).
type BGNBD struct{ R, Alpha, A, B float64 }

// MBGNBD is BGNBD with drop-out behind the first order too.
type MBGNBD struct{ R, Alpha, A, B float64 }

// ParetoNBD has rates of gamma (R, Alpha) and drop-out rates of gamma (S, Beta).
type ParetoNBD struct{ R, Alpha, S, Beta float64 }

func (m NBD) Name() string       { return "nbd" }
func (m BGNBD) Name() string     { return "bg" }
func (m MBGNBD) Name() string    { return "mbg" }
func (m ParetoNBD) Name() string { return "pareto" }

func (m NBD) Parameters() map[string]float64 {
	return map[string]float64{"r": m.R, "alpha": m.Alpha}
}

func (m BGNBD) Parameters() map[string]float64 {
	return map[string]float64{"r": m.R, "alpha": m.Alpha, "a": m.A, "b": m.B}
}

func (m MBGNBD) Parameters() map[string]float64 {
	return map[string]float64{"r": m.R, "alpha": m.Alpha, "a": m.A, "b": m.B}
}

func (m ParetoNBD) Parameters() map[string]float64 {
	return map[string]float64{"r": m.R, "alpha": m.Alpha, "s": m.S, "beta": m.Beta}
}

// orders is what all models begin with: ln of G(r+x)/G(r) alpha^r.
func orders(r, alpha float64, x int) float64 {
	return lgamma(r+float64(x)) - lgamma(r) + r*math.Log(alpha)
}

// LogLikelihood of one customer.
func (m NBD) LogLikelihood(s Summary) float64 {
	return orders(m.R, m.Alpha, s.Frequency) - (m.R+float64(s.Frequency))*math.Log(m.Alpha+s.Age)
}

// Alive is 1: nobody drops out.
func (m NBD) Alive(Summary) float64 { return 1 }

// Expected is the customer's own rate, shrunk to that of all, times t.
func (m NBD) Expected(s Summary, t float64) float64 {
	return (m.R + float64(s.Frequency)) / (m.Alpha + s.Age) * t
}

// New is the mean rate times t.
func (m NBD) New(t float64) float64 { return m.R / m.Alpha * t }

// beta is what BGNBD and MBGNBD share: extra is 1 when the first order can be the last, else 0.
type beta struct{ r, alpha, a, b, extra float64 }

func (m BGNBD) beta() beta  { return beta{m.R, m.Alpha, m.A, m.B, 0} }
func (m MBGNBD) beta() beta { return beta{m.R, m.Alpha, m.A, m.B, 1} }

// parts are the logarithms of the likelihoods that the customer is alive, and that they are not.
func (m beta) parts(s Summary) (alive, gone float64) {
	x := float64(s.Frequency)
	c := orders(m.r, m.alpha, s.Frequency)
	alive = c + logBeta(m.a, m.b+x+m.extra) - logBeta(m.a, m.b) - (m.r+x)*math.Log(m.alpha+s.Age)
	gone = math.Inf(-1)
	if x+m.extra > 0 {
		gone = c + logBeta(m.a+1, m.b+x-1+m.extra) - logBeta(m.a, m.b) - (m.r+x)*math.Log(m.alpha+s.Recency)
	}
	return alive, gone
}

func (m beta) alive(s Summary) float64 {
	alive, gone := m.parts(s)
	return math.Exp(alive - logSum(alive, gone))
}

// nearOne is how near to 1 the parameter a is that expectations of the beta models have a pole at: there the mean
// of both sides is taken.
const nearOne = 1e-5

func (m beta) expected(s Summary, t float64) float64 {
	if math.Abs(m.a-1) < nearOne {
		low, high := m, m
		low.a, high.a = 1-nearOne, 1+nearOne
		return (low.expected(s, t) + high.expected(s, t)) / 2
	}
	x := float64(s.Frequency)
	rx, n := m.r+x, m.a+m.b+x-1+m.extra
	h, sign := logHypergeometric(rx, m.b+x+m.extra, n, t/(m.alpha+s.Age+t))
	stay := sign * math.Exp(h+rx*math.Log((m.alpha+s.Age)/(m.alpha+s.Age+t)))
	return math.Max(0, n/(m.a-1)*(1-stay)) * m.alive(s)
}

// LogLikelihood of one customer.
func (m BGNBD) LogLikelihood(s Summary) float64 { return logSum(m.beta().parts(s)) }

// Alive is the chance of being a customer still; 1 for all who ordered once.
func (m BGNBD) Alive(s Summary) float64 { return m.beta().alive(s) }

// Expected is how many orders are to come in the time t.
func (m BGNBD) Expected(s Summary, t float64) float64 { return m.beta().expected(s, t) }

// New is how many repeat orders a new customer makes in the time t.
func (m BGNBD) New(t float64) float64 { return m.beta().expected(Summary{}, t) }

// LogLikelihood of one customer.
func (m MBGNBD) LogLikelihood(s Summary) float64 { return logSum(m.beta().parts(s)) }

// Alive is the chance of being a customer still.
func (m MBGNBD) Alive(s Summary) float64 { return m.beta().alive(s) }

// Expected is how many orders are to come in the time t.
func (m MBGNBD) Expected(s Summary, t float64) float64 { return m.beta().expected(s, t) }

// New is how many repeat orders a new customer makes in the time t.
func (m MBGNBD) New(t float64) float64 { return m.beta().expected(Summary{}, t) }

// parts are the logarithms of the likelihoods that the customer is alive, and that they are not.
func (m ParetoNBD) parts(s Summary) (alive, gone float64) {
	c := orders(m.R, m.Alpha, s.Frequency) + m.S*math.Log(m.Beta)
	rx := m.R + float64(s.Frequency)
	alive = c - rx*math.Log(m.Alpha+s.Age) - m.S*math.Log(m.Beta+s.Age)
	log, _ := m.lost(rx, s.Recency, s.Age)
	return alive, c + math.Log(m.S) + log
}

// LogLikelihood of one customer.
func (m ParetoNBD) LogLikelihood(s Summary) float64 { return logSum(m.parts(s)) }

// Alive is the chance of being a customer still.
func (m ParetoNBD) Alive(s Summary) float64 {
	alive, gone := m.parts(s)
	return math.Exp(alive - logSum(alive, gone))
}

// Expected is how many orders are to come in the time t.
func (m ParetoNBD) Expected(s Summary, t float64) float64 {
	return m.Alive(s) * (m.R + float64(s.Frequency)) / (m.Alpha + s.Age) * lasting(m.S, m.Beta+s.Age, t)
}

// New is how many repeat orders a new customer makes in the time t.
func (m ParetoNBD) New(t float64) float64 { return m.R / m.Alpha * lasting(m.S, m.Beta, t) }

// lasting is how much of the time t somebody stays who is there now: b/(s-1) (1 - (b/(b+t))^(s-1)), which is b ln(1+t/b) at
// s = 1.
func lasting(s, b, t float64) float64 {
	e := (s - 1) * math.Log1p(t/b)
	if math.Abs(e) < 1e-12 {
		return b * math.Log1p(t/b)
	}
	return -b / (s - 1) * math.Expm1(-e)
}

// means are the weighted means of 1/(alpha+u), ln(alpha+u), 1/(beta+u) and ln(beta+u) under the integral of lost.
type means struct{ inverseAlpha, logAlpha, inverseBeta, logBeta float64 }

// most e-folds that are looked at: e^-46 is 1e-20.
const folds = 46

// lost is the logarithm of the integral from tx to t of (alpha+u)^-rx (beta+u)^-(s+1): somebody who dropped out at u.
// It equals the difference of hypergeometric functions of the paper, without what cancels in it. With
// v = ln(min(alpha, beta)+u) the integrand has no singularity nearer than pi, so that few Gauss-Legendre points do.
func (m ParetoNBD) lost(rx, tx, t float64) (log float64, mean means) {
	// Behind this the first factor has fallen by e^-46.
	if cut := (m.Alpha+tx)*math.Exp(math.Min(600, folds/rx)) - m.Alpha; cut < t {
		t = cut
	}
	least := math.Min(m.Alpha, m.Beta)
	from := math.Log(least + tx)
	width := math.Log1p((t - tx) / (least + tx))
	if !(width > 0) {
		return math.Inf(-1), means{}
	}
	fall := rx*math.Log((m.Alpha+t)/(m.Alpha+tx)) + (m.S+1)*math.Log((m.Beta+t)/(m.Beta+tx))
	first := rx*math.Log(m.Alpha+tx) + (m.S+1)*math.Log(m.Beta+tx) - from
	r := ruleFor(fall, width)
	sum := 0.0
	for i, at := range r.at {
		v := from + at*width
		e := math.Exp(v)
		a, b := e, e
		la, lb := v, v
		if m.Alpha > m.Beta {
			a = e + (m.Alpha - m.Beta)
			la = math.Log(a)
		} else {
			b = e + (m.Beta - m.Alpha)
			lb = math.Log(b)
		}
		w := r.weight[i] * math.Exp(v-rx*la-(m.S+1)*lb+first)
		sum += w
		mean.inverseAlpha += w / a
		mean.logAlpha += w * la
		mean.inverseBeta += w / b
		mean.logBeta += w * lb
	}
	mean.inverseAlpha /= sum
	mean.logAlpha /= sum
	mean.inverseBeta /= sum
	mean.logBeta /= sum
	return math.Log(sum) + math.Log(width) - first, mean
}

// ruleFor has as many points as a fall of so many e-folds over that width needs for 1e-10.
func ruleFor(fall, width float64) rule {
	all := rules()
	switch d := fall + 2*width; {
	case d < 4:
		return all[0]
	case d < 11:
		return all[1]
	case d < 20:
		return all[2]
	case d < 45:
		return all[3]
	case d < 70:
		return all[4]
	}
	return all[5]
}
