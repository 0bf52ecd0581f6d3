package value

import (
	"fmt"
	"math"

	"clientele"
)

// The names of models.
const (
	Pareto = "pareto"
	MBG    = "mbg"
	BG     = "bg"
	Plain  = "nbd"
	Auto   = "auto" // the one that was nearest in the backtest
)

// Names are those of the models that can be asked for.
var Names = []string{Pareto, MBG, BG, Plain, Auto}

// Spending says how the size of orders was learned.
type Spending struct {
	Customers     int                `json:"customers"` // with repeat orders of a positive value
	LogLikelihood float64            `json:"log_likelihood"`
	Errors        map[string]float64 `json:"standard_errors,omitempty"`
	Correlation   float64            `json:"correlation"` // between number and size of orders; the model holds it to be 0
	AtEdge        bool               `json:"at_edge,omitempty"`
}

// Fit is a model that was learned, with what is to be known before its scores are believed.
type Fit struct {
	Model         Model              // never nil
	Spend         *GammaGamma        // nil with too few repeat customers
	Spending      *Spending          // about Spend
	Customers     int                // that it was learned from
	Repeaters     int                // of them with more than one order
	Groups        int                // that differ in frequency, recency or age
	LogLikelihood float64            // of the model asked for
	PlainLikely   float64            // of NBD, where nobody drops out
	Errors        map[string]float64 // standard errors of the parameters; nil where there is no peak
	Dropout       bool               // drop-out can be seen: without, Alive says nothing about churn
	Asked         string             // the model asked for; Model is NBD instead when no drop-out is seen
	MeanOrder     float64            // mean value of repeat orders; of all orders when nobody repeats
	Warnings      []string           // sentences for people
}

// Limits of what is taken for a model that can be told.
const (
	fewestCustomers = 10
	fewestRepeaters = 5
	tinyParameter   = 1e-3
	hugeParameter   = 1e3
	leastLeaving    = 0.01   // share of customers
	leastGain       = 2.0    // log-likelihood that drop-out must gain over none
	firstLook       = 5_000  // customers of the first search from several starts
	secondLook      = 50_000 // of the second, from the best of the first
)

// Learn fits a model of that name (not Auto) to customers. mean is the mean value of all orders. It fails with
// code invalid when there are too few customers or repeat orders to learn anything from.
func Learn(name string, of []Summary, mean float64) (*Fit, error) {
	s := gather(of)
	f := &Fit{Asked: name, Customers: len(of), Groups: len(s.groups), MeanOrder: mean}
	for _, g := range s.groups {
		if g.x > 0 {
			f.Repeaters += int(g.w)
		}
	}
	if f.Customers < fewestCustomers || f.Repeaters < fewestRepeaters {
		return nil, clientele.Errorf(clientele.Invalid, "there are %d customers, %d of them with orders on more than one day: too few to learn from", f.Customers, f.Repeaters).
			WithHint("at least %d customers and %d with repeat orders are needed; a longer file, or an earlier first day, helps", fewestCustomers, fewestRepeaters)
	}
	plain, plainAt, plainLog := s.fitPlain()
	f.PlainLikely = plainLog
	if name == Plain {
		f.Model, f.LogLikelihood = plain, plainLog
		f.Errors = errorsOf([]string{"r", "alpha"}, plainAt, deviations(s.nbd(), plainAt, s.total))
	} else if err := f.learnDropout(s, plain); err != nil {
		return nil, err
	}
	f.learnSpending(of)
	return f, nil
}

func (f *Fit) learnSpending(of []Summary) {
	f.Spend, f.Spending = fitSpending(of)
	x, m := spends(of)
	value, n := 0.0, 0.0
	for i := range x {
		value += x[i] * m[i]
		n += x[i]
	}
	if n > 0 {
		f.MeanOrder = value / n
	}
	switch {
	case f.Spend == nil:
		f.warn("Only %d customers have repeat orders of a positive value: every order to come is valued at the mean, %.2f.", len(x), f.MeanOrder)
	case f.Spend.Q <= 1:
		f.warn("A few very large orders carry the revenue (q = %.3f, at or below 1, has no mean): customers without repeat orders are valued at the observed mean, %.2f.", f.Spend.Q, f.MeanOrder)
	}
	if f.Spend != nil && f.Spending.AtEdge {
		f.warn("The sizes of orders hardly differ between customers, or within them: the size model is at its edge, and near to a mean for all.")
	}
	if c := f.Spending.Correlation; math.Abs(c) > 0.3 {
		f.warn("Number and size of orders go together (correlation %.2f), which the model of sizes holds not to be: values are rough for the most frequent customers.", c)
	}
}

func (f *Fit) warn(format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...))
}

// fitPlain fits NBD.
func (s *sample) fitPlain() (m NBD, at []float64, logLikelihood float64) {
	best := math.Inf(1)
	scale := math.Max(s.mean, 1e-3)
	for _, start := range [][2]float64{{0.5, 0.5}, {1, 2}} {
		m := minimise(s.nbd(), []float64{math.Log(start[0]), math.Log(start[1] * scale)}, nil, 1e-8)
		if m.value < best {
			at, best = m.at, m.value
		}
	}
	return NBD{math.Exp(at[0]), math.Exp(at[1])}, at, -best * s.total
}

// learnDropout fits a model with drop-out, and falls back to plain when there is none to be seen.
func (f *Fit) learnDropout(s *sample, plain NBD) error {
	problem := func(s *sample) objective {
		switch f.Asked {
		case BG:
			return s.beta(0)
		case MBG:
			return s.beta(1)
		}
		return s.pareto()
	}
	scale := math.Log(math.Max(s.mean, 1e-3))
	r, alpha := math.Log(plain.R), math.Log(plain.Alpha)
	starts := [][]float64{{r, alpha, 0, 0.7}, {-0.7, scale - 1, -0.2, 1}, {0, scale, -1.5, 1.5}, {0.5, scale, 0.5, 2}}
	if f.Asked == Pareto {
		starts = [][]float64{{r, alpha, -0.5, scale - 1}, {-0.7, scale - 1.2, -0.5, scale - 1.2}, {0, scale, 0, scale}, {0.5, scale, -1.5, scale + 1}}
	}
	found := minimum{value: math.Inf(1)}
	for _, start := range starts {
		if m := minimise(problem(s.thin(firstLook)), start, nil, 1e-5); m.value < found.value {
			found = m
		}
	}
	if found.at == nil {
		return clientele.Errorf(clientele.Internal, "no start of the search gave a finite likelihood")
	}
	if len(s.groups) > secondLook {
		found = minimise(problem(s.thin(secondLook)), found.at, found.inverse, 1e-6)
	}
	goal := problem(s)
	found = minimise(goal, found.at, found.inverse, 1e-7)
	at, best := found.at, found.value
	f.LogLikelihood = -best * s.total
	p := make([]float64, 4)
	for i := range p {
		p[i] = math.Exp(at[i])
	}
	var names []string
	switch f.Asked {
	case BG:
		f.Model, names = BGNBD{p[0], p[1], p[2], p[3]}, []string{"r", "alpha", "a", "b"}
	case MBG:
		f.Model, names = MBGNBD{p[0], p[1], p[2], p[3]}, []string{"r", "alpha", "a", "b"}
	default:
		f.Model, names = ParetoNBD{p[0], p[1], p[2], p[3]}, []string{"r", "alpha", "s", "beta"}
	}
	f.Errors = errorsOf(names, at, deviations(goal, at, s.total))
	edge := ""
	switch {
	case p[2] < tinyParameter:
		edge = fmt.Sprintf("%s = %.2g is at 0", names[2], p[2])
	case p[3] > hugeParameter && leaving(f.Asked, p, s.mean) < leastLeaving:
		edge = fmt.Sprintf("%s = %.3g grows without bound", names[3], p[3])
	case f.LogLikelihood-f.PlainLikely < leastGain:
		edge = fmt.Sprintf("the likelihood gains only %.2f over a model without drop-out", f.LogLikelihood-f.PlainLikely)
	}
	f.Dropout = edge == ""
	if !f.Dropout {
		f.warn("No drop-out can be seen in this window (%s): orders are predicted by a model in which nobody leaves, and p_alive is left empty. Take a longer window, or a classifier of churn.", edge)
		f.Model, f.Errors = plain, nil
	}
	if f.Dropout && f.Asked == BG {
		f.warn("In this model everybody who ordered once is alive for certain: do not read p_alive as churn; pareto or mbg can be read so.")
	}
	if f.Dropout && f.Errors == nil {
		f.warn("The likelihood has no clear peak: there are no standard errors, and parameters may be far off although predictions are near.")
	}
	return nil
}

// leaving is about what share of customers leave in the mean age (Pareto), or behind an order. Where drop-out is the same for
// all, both of its parameters grow without bound and this stays: that is no sign that nobody leaves.
func leaving(name string, p []float64, age float64) float64 {
	if name == Pareto {
		return p[2] / p[3] * age
	}
	return p[2] / (p[2] + p[3])
}

// errorsOf are the standard errors of parameters, from those of their logarithms.
func errorsOf(names []string, at, deviation []float64) map[string]float64 {
	if deviation == nil {
		return nil
	}
	out := make(map[string]float64, len(names))
	for i, n := range names {
		out[n] = math.Exp(at[i]) * deviation[i]
	}
	return out
}

// Order is the expected value of a customer's next order.
func (f *Fit) Order(s Summary) float64 {
	if f.Spend != nil {
		if v := f.Spend.Expected(s); finite(v) && v > 0 {
			return v
		}
	}
	return f.MeanOrder
}

// Money says how orders become a value.
type Money struct {
	Margin   float64 // share of an order that is earned; 1 is revenue
	Discount float64 // a step's rate by which money to come is worth less; 0.01 is one in a hundred
	Step     float64 // length of a step in units of time, paid at its end; needed with Discount
}

// Score is what is expected of a customer in the time to come.
type Score struct {
	Alive  float64 // NaN when no drop-out can be seen
	Orders float64
	Value  float64 // currency of the orders
}

// Score predicts the time t.
func (f *Fit) Score(s Summary, t float64, money Money) Score {
	out := Score{Alive: math.NaN(), Orders: f.Model.Expected(s, t)}
	if f.Dropout {
		out.Alive = f.Model.Alive(s)
	}
	out.Value = f.discounted(s, t, out.Orders, money) * f.Order(s) * money.Margin
	return out
}

// discounted is the number of orders, each worth less the later it comes.
func (f *Fit) discounted(s Summary, t, orders float64, money Money) float64 {
	if money.Discount == 0 || money.Step <= 0 {
		return orders
	}
	sum, before := 0.0, 0.0
	for k := 1; before < orders; k++ {
		end := math.Min(t, float64(k)*money.Step)
		upTo := orders
		if end < t {
			upTo = f.Model.Expected(s, end)
		}
		sum += (upTo - before) / math.Pow(1+money.Discount, end/money.Step)
		before = upTo
		if end == t {
			break
		}
	}
	return sum
}

// ScoreAll scores customers on all processors.
func (f *Fit) ScoreAll(of []Summary, t float64, money Money) []Score {
	out := make([]Score, len(of))
	each(len(of), func(_, from, to int) {
		for i := from; i < to; i++ {
			out[i] = f.Score(of[i], t, money)
		}
	})
	return out
}
