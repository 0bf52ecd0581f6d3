package segments

import (
	"math"
	"math/rand/v2"
)

// spread keeps about n points, evenly over their order.
func spread(points [][]float64, n int) [][]float64 {
	if len(points) <= n {
		return points
	}
	out := make([][]float64, n)
	for i := range out {
		out[i] = points[i*len(points)/n]
	}
	return out
}

func distance(a, b []float64) (sum float64) {
	for i, x := range a {
		d := x - b[i]
		sum += d * d
	}
	return sum
}

func nearest(centers [][]float64, p []float64) (at int, d float64) {
	d = math.Inf(1)
	for i, c := range centers {
		if x := distance(c, p); x < d {
			at, d = i, x
		}
	}
	return at, d
}

// means is k-means with starts by distance (Arthur and Vassilvitskii 2007), the best of several.
func means(points [][]float64, k, starts int, seed uint64) [][]float64 {
	var best [][]float64
	least := math.Inf(1)
	for s := range starts {
		r := rand.New(rand.NewPCG(seed, uint64(s)+1))
		centers := first(points, k, r)
		within := math.Inf(1)
		for range 100 {
			sums, counts, sum := make([][]float64, len(centers)), make([]float64, len(centers)), 0.0
			for i := range sums {
				sums[i] = make([]float64, len(points[0]))
			}
			for _, p := range points {
				at, d := nearest(centers, p)
				sum += d
				counts[at]++
				for j, x := range p {
					sums[at][j] += x
				}
			}
			for i := range centers {
				if counts[i] > 0 {
					for j := range sums[i] {
						sums[i][j] /= counts[i]
					}
					centers[i] = sums[i]
				}
			}
			if within-sum <= 1e-6*sum {
				within = sum
				break
			}
			within = sum
		}
		if within < least {
			best, least = centers, within
		}
	}
	return best
}

func first(points [][]float64, k int, r *rand.Rand) [][]float64 {
	centers := [][]float64{points[r.IntN(len(points))]}
	d := make([]float64, len(points))
	for len(centers) < k {
		sum := 0.0
		for i, p := range points {
			_, d[i] = nearest(centers, p)
			sum += d[i]
		}
		at, pick := len(points)-1, r.Float64()*sum
		for i, x := range d {
			if pick -= x; pick <= 0 {
				at = i
				break
			}
		}
		centers = append(centers, points[at])
	}
	return centers
}

// stability is the mean agreement of groups that were learned from two halves of the people each, on the same people.
func stability(points [][]float64, k int, seed uint64) float64 {
	on := spread(points, compareOn)
	sum := 0.0
	for h := range halves {
		r := rand.New(rand.NewPCG(seed, 1000+uint64(h)))
		var a, b [][]float64
		for _, i := range r.Perm(len(points)) {
			if len(a) <= len(b) {
				a = append(a, points[i])
			} else {
				b = append(b, points[i])
			}
		}
		x, y := means(spread(a, compareOn), k, 3, seed), means(spread(b, compareOn), k, 3, seed)
		sum += agreement(on, x, y)
	}
	return sum / halves
}

// agreement is the adjusted Rand index (Hubert and Arabie 1985).
func agreement(points, a, b [][]float64) float64 {
	table := make([][]float64, len(a))
	for i := range table {
		table[i] = make([]float64, len(b))
	}
	for _, p := range points {
		i, _ := nearest(a, p)
		j, _ := nearest(b, p)
		table[i][j]++
	}
	pairs := func(n float64) float64 { return n * (n - 1) / 2 }
	both, rows, columns := 0.0, 0.0, 0.0
	down := make([]float64, len(b))
	for i := range table {
		across := 0.0
		for j, n := range table[i] {
			both += pairs(n)
			across += n
			down[j] += n
		}
		rows += pairs(across)
	}
	for _, n := range down {
		columns += pairs(n)
	}
	chance := rows * columns / pairs(float64(len(points)))
	if most := (rows + columns) / 2; most > chance {
		return (both - chance) / (most - chance)
	}
	return 1
}
