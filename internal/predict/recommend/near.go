package recommend

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// neighbour is a product that is bought together with another.
type neighbour struct {
	item     int32
	together int32 // groups with both
	score    float32
}

// shrinking is how many groups without the other each product is thought to have besides its own, so that a pair of rare
// products which met once or twice is no certainty.
const shrinking = 5

// neighbours finds for each product those that are most in the same groups (the products of a person, or of an order): the
// cosine of their groups, shrunk. Pairs that met once are left out.
func neighbours(groups [][]int32, products, keep, workers int) [][]neighbour {
	in := make([][]int32, products)
	for g, items := range groups {
		for _, i := range items {
			in[i] = append(in[i], int32(g))
		}
	}
	root := make([]float64, products)
	for i := range root {
		root[i] = math.Sqrt(float64(len(in[i]) + shrinking))
	}
	out := make([][]neighbour, products)
	scratch := sync.Pool{New: func() any { return &counter{of: make([]int32, products)} }}
	Each(products, workers, func(i int) {
		c := scratch.Get().(*counter)
		defer scratch.Put(c)
		for _, g := range in[i] {
			c.add(groups[g])
		}
		var list []neighbour
		for _, j := range c.seen {
			if n := c.of[j]; n > 1 && int(j) != i {
				list = append(list, neighbour{j, n, float32(float64(n) / (root[i] * root[j]))})
			}
			c.of[j] = 0
		}
		c.seen = c.seen[:0]
		slices.SortFunc(list, func(a, b neighbour) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.item, b.item)) })
		out[i] = slices.Clone(list[:min(len(list), keep)])
	})
	return out
}

// counter counts products.
type counter struct {
	of   []int32
	seen []int32
}

func (c *counter) add(items []int32) {
	for _, j := range items {
		if c.of[j] == 0 {
			c.seen = append(c.seen, j)
		}
		c.of[j]++
	}
}

// ease learns what each product of the head adds to the score of each other, from the products of people: row i of the result is what
// having product i adds.
func ease(people [][]int32, head int, lambda float64, workers int) []float32 {
	in := make([][]int32, head)
	for p, items := range people {
		for _, i := range items {
			if int(i) < head {
				in[i] = append(in[i], int32(p))
			}
		}
	}
	gram := newSymmetric(head)
	Each(head, workers, func(i int) {
		r := gram.row(i)[:i+1]
		for _, p := range in[i] {
			for _, j := range people[p] {
				if int(j) > i {
					break // products of a person are in order
				}
				r[j]++
			}
		}
		r[i] += lambda
	})
	gram.invert(workers)
	out := make([]float32, head*head)
	Each(head, workers, func(i int) {
		to := out[i*head : (i+1)*head]
		for j := range to {
			p := 0.0
			switch {
			case j < i:
				p = gram.row(i)[j]
			case j > i:
				p = gram.row(j)[i]
			default:
				continue
			}
			to[j] = float32(-p / gram.row(j)[j])
		}
	})
	return out
}
