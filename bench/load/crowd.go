package load

import (
	"math"
	"math/rand/v2"
)

// Skew is how activity spreads over people.
type Skew string

// The skews. Recent: who was there last is there again, by a power law (see rank); it is what a shop
// sees. Uniform: everybody as often, the worst case for every cache.
const (
	Recent  Skew = "recent"
	Uniform Skew = "uniform"
)

// Crowd is who visits. Event n is the same for ever: it depends on these values, n and the time
// alone, so a run can be repeated, by any number of goroutines in any order.
type Crowd struct {
	Seed   uint64
	People int64   // who are there before; those made on the way have higher numbers
	First  int64   // the number of the first event of visits; those below are Introduce's
	New    float64 // share of visits by people never seen before
	Visit  int64   // events of one visit
	Skew   Skew
	Salt   uint64 // tells crowds apart that share people
}

// visitors are under way at the same time: neighbours in a batch are different people.
const visitors = 1000

// visit is the number of the visit that event n belongs to, and which of its events it is.
func (c *Crowd) visit(n int64) (visit, step int64) {
	n -= c.First
	block, at := n/(visitors*c.Visit), n%(visitors*c.Visit)
	return block*visitors + at%visitors, at / visitors
}

// Who is the person of event n of a visit, and whether it is one never seen before.
func (c *Crowd) Who(n int64) (p int64, isNew bool) {
	visit, _ := c.visit(n)
	return c.person(visit)
}

// person is who makes the visit.
func (c *Crowd) person(visit int64) (p int64, isNew bool) {
	r := mix(c.Seed^c.Salt, uint64(visit))
	if unit(r) < c.New || c.People == 0 {
		// Unique as the first event's number is: a new person's number is that of no one else.
		return c.First + c.People + visit, true
	}
	return c.pick(unit(mix(r, 1))), false
}

// pick is one of the people who are there, for u in 0..1.
func (c *Crowd) pick(u float64) int64 {
	if c.Skew == Uniform {
		return min(int64(u*float64(c.People)), c.People-1)
	}
	return c.People - 1 - rank(u, c.People, peopleOffset, peopleExponent)
}

// The power laws (Zipf and Mandelbrot): the weight of rank k is (k + offset) ^ -exponent. With these,
// of a million people the most recent 1 % make half of the visits and the most recent 10 % four fifths.
const (
	peopleOffset, peopleExponent   = 1000, 1.2
	productOffset, productExponent = 8, 1.15
)

// rank is a rank in 0..n-1 by the power law, by the inverse of its distribution in the continuous form.
func rank(u float64, n int64, offset, exponent float64) int64 {
	e := 1 - exponent
	low, high := math.Pow(offset, e), math.Pow(float64(n)+offset, e)
	k := int64(math.Pow(low+u*(high-low), 1/e) - offset)
	return min(max(k, 0), n-1)
}

// mix is a pseudo-random number of two (the finaliser of SplitMix64). For one seed it is a
// bijection of n.
func mix(seed, n uint64) uint64 {
	z := n*0x9e3779b97f4a7c15 + seed
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit is a number in [0, 1).
func unit(r uint64) float64 { return float64(r>>11) / (1 << 53) }

// Identifier is one that the person has from the first event on: the user id of those who are
// known, the anonymous id of the others.
func (c *Crowd) Identifier(p int64) (namespace, value string) {
	if known(p) {
		return "user_id", string(c.appendUser(nil, p))
	}
	return "anonymous_id", string(c.appendDevice(nil, p, 0))
}

// known: every second person has logged in once.
func known(p int64) bool { return p%2 == 0 }

// Reader picks people as the crowd visits them, for reads. It is for one goroutine.
func (c *Crowd) Reader(worker int) func() (namespace, value string) {
	rnd := rand.New(rand.NewPCG(c.Seed, uint64(worker)))
	return func() (string, string) { return c.Identifier(c.pick(rnd.Float64())) }
}
