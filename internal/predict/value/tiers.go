package value

import (
	"cmp"
	"math"
	"slices"
)

// Place is where a customer stands among all by expected value.
type Place struct {
	Tier       string  // top_1, top_5, top_10, top_25 or rest
	Percentile float64 // 0 to 100: the share of customers that are worth less or as much
}

// Tier is customers of like expected value.
type Tier struct {
	Name      string  `json:"tier"`
	Customers int     `json:"customers"`
	Least     float64 `json:"least_value"` // the lowest expected value in it
	Value     float64 `json:"value"`       // expected, all together
	Share     float64 `json:"share"`       // of all expected value
	Orders    float64 `json:"orders"`      // expected, all together
}

// tiers are the shares of customers that end each tier.
var tiers = []struct {
	name  string
	share float64
}{{"top_1", 0.01}, {"top_5", 0.05}, {"top_10", 0.10}, {"top_25", 0.25}, {"rest", 1}}

// ranking is customers by expected value, the most first; equal ones in the order of the input.
func ranking(of []Score) []int {
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(of[b].Value, of[a].Value) })
	return order
}

func tierOf(rank, n int) int {
	for i, t := range tiers {
		if rank < int(math.Ceil(t.share*float64(n))) {
			return i
		}
	}
	return len(tiers) - 1
}

// Places of all customers.
func Places(of []Score) []Place {
	out := make([]Place, len(of))
	for rank, i := range ranking(of) {
		out[i] = Place{tiers[tierOf(rank, len(of))].name, 100 * float64(len(of)-rank) / float64(len(of))}
	}
	return out
}

// Tiers adds customers up by tier.
func Tiers(of []Score) []Tier {
	out := make([]Tier, len(tiers))
	for i, t := range tiers {
		out[i].Name = t.name
	}
	whole := 0.0
	for rank, i := range ranking(of) {
		t := &out[tierOf(rank, len(of))]
		t.Customers++
		t.Value += of[i].Value
		t.Orders += of[i].Orders
		t.Least = of[i].Value
		whole += of[i].Value
	}
	for i := range out {
		if whole > 0 {
			out[i].Share = out[i].Value / whole
		}
	}
	return out
}

// Concentration is the share of all expected value that the best share of customers holds, at 0, 0.02 and so on to 1.
func Concentration(of []Score) (customers, share []float64) {
	const steps = 50
	order := ranking(of)
	sums := make([]float64, len(order)+1)
	for k, i := range order {
		sums[k+1] = sums[k] + of[i].Value
	}
	for k := range steps + 1 {
		at := float64(k) / steps
		customers = append(customers, at)
		s := 0.0
		if whole := sums[len(order)]; whole > 0 {
			s = sums[int(math.Round(at*float64(len(order))))] / whole
		}
		share = append(share, s)
	}
	return customers, share
}
