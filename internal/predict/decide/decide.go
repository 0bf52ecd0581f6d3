// Package decide chooses among actions by what they are likely to bring, tries those of which little is known now and
// then, and says with what chance it chose as it did, so that what came of its choices tells what another policy would
// have brought.
package decide

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Tally is what came of offering an action: to people of a segment, or to all.
type Tally struct{ Taken, Not float64 }

// Candidate is an action that may be chosen for a person.
type Candidate struct {
	Action string
	Worth  float64 // of being taken, in money
	Cost   float64 // of offering it
	Prior  float64 // chance of being taken before anything is known
	// Predicted is the person's own chance by a model; nil: the chance is that of the segment.
	Predicted *float64
	All, Here Tally // with everybody, and in the person's segment
}

// How much a word counts, in offers: what was thought before any offer; what holds for everybody, in a segment; what a model says of one
// person.
const (
	priorOffers   = 20
	segmentOffers = 20
	modelOffers   = 50
)

// beta is the belief about a chance.
type beta struct{ a, b float64 }

func (b beta) mean() float64 { return b.a / (b.a + b.b) }

// belief is that of a candidate's chance: the segment's tally, drawn towards everybody's, which is drawn towards the prior. A model's word stands for
// the tallies.
func (c *Candidate) belief() beta {
	if c.Predicted != nil {
		p := min(max(*c.Predicted, 0.001), 0.999)
		return beta{modelOffers * p, modelOffers * (1 - p)}
	}
	prior := min(max(c.Prior, 0.001), 0.999)
	rate := (c.All.Taken + priorOffers*prior) / (c.All.Taken + c.All.Not + priorOffers)
	return beta{c.Here.Taken + segmentOffers*rate, c.Here.Not + segmentOffers*(1-rate)}
}

// Option is a candidate with what was made of it.
type Option struct {
	Action     string  `json:"action"`
	Chance     float64 `json:"chance"`     // of being taken, in the middle of the belief
	Expected   float64 `json:"expected"`   // chance x worth - cost
	Propensity float64 `json:"propensity"` // with which it was to be chosen
}

// Nothing is the action of offering nothing.
const Nothing = ""

// Settings of choosing.
type Settings struct {
	Explore float64 // share of choices that are drawn by lot from all candidates
	Draws   int     // of Thompson sampling, from which propensities are made
}

// Usual settings.
var Usual = Settings{Explore: 0.05, Draws: 300}

// Choose draws an action. Each draw takes a chance from every belief and lets the highest worth win, nothing when all would lose money; the share
// of draws that an option wins is its propensity, mixed with the share that is drawn by lot. The choice is drawn from exactly these propensities.
// The options come back with the likeliest first, the one of doing nothing among them; chosen is the index in them.
func Choose(candidates []Candidate, how Settings, random *rand.Rand) (options []Option, chosen int) {
	beliefs := make([]beta, len(candidates))
	wins := make([]float64, len(candidates)+1)
	for i := range candidates {
		beliefs[i] = candidates[i].belief()
	}
	for range how.Draws {
		best, at := 0.0, len(candidates)
		for i := range candidates {
			c := &candidates[i]
			if v := sample(beliefs[i], random)*c.Worth - c.Cost; v > best {
				best, at = v, i
			}
		}
		wins[at]++
	}
	for i, c := range candidates {
		m := beliefs[i].mean()
		p := (1-how.Explore)*wins[i]/float64(how.Draws) + how.Explore/float64(len(candidates))
		options = append(options, Option{c.Action, m, m*c.Worth - c.Cost, p})
	}
	nothing := Option{Action: Nothing, Propensity: (1 - how.Explore) * wins[len(candidates)] / float64(how.Draws)}
	if len(candidates) == 0 {
		nothing.Propensity = 1
	}
	options = append(options, nothing)
	slices.SortStableFunc(options, func(a, b Option) int {
		return cmp.Or(cmp.Compare(b.Propensity, a.Propensity), cmp.Compare(b.Expected, a.Expected))
	})
	at := random.Float64()
	for i, o := range options {
		if at -= o.Propensity; at < 0 {
			return options, i
		}
	}
	return options, 0
}

// sample draws from a beta distribution, by two gammas.
func sample(b beta, random *rand.Rand) float64 {
	x, y := gamma(b.a, random), gamma(b.b, random)
	if x+y == 0 {
		return b.mean()
	}
	return x / (x + y)
}

// gamma draws by Marsaglia and Tsang (2000).
func gamma(shape float64, random *rand.Rand) float64 {
	if shape < 1 {
		return gamma(shape+1, random) * math.Pow(random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := random.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		u := random.Float64()
		if u < 1-0.0331*x*x*x*x { // surely below what the logarithms say
			return d * v
		}
		if math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// Chance is that of being taken, in the middle of the belief.
func (c *Candidate) Chance() float64 { return c.belief().mean() }
