// Package pairwise says how well a grouping of things agrees with the true one: of the pairs of
// things that were put together, how many belong together (precision), and of those that belong
// together, how many were put together (recall). Every pair counts alike, so large groups weigh
// with the square of their size.
package pairwise

import "iter"

// Score is the comparison of two groupings of the same things.
type Score struct {
	Items    int   // things compared
	Entities int   // true groups
	Clusters int   // groups found
	Mixed    int   // clusters that hold things of several entities
	Split    int   // entities whose things are in several clusters
	True     int64 // pairs that belong together
	Found    int64 // pairs that were put together
	Right    int64 // pairs of both
}

// Precision is the share of the pairs put together that belong together; 1 when there is none.
func (s Score) Precision() float64 { return share(s.Right, s.Found) }

// Recall is the share of the pairs that belong together which were put together; 1 when there is none.
func (s Score) Recall() float64 { return share(s.Right, s.True) }

// F1 is the harmonic mean of both.
func (s Score) F1() float64 {
	p, r := s.Precision(), s.Recall()
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// Compare scores things, each given by the entity it belongs to and the cluster it was found in.
// It takes a map entry for each pair of entity and cluster that meet.
func Compare[E, C comparable](things iter.Seq2[E, C]) Score {
	type cell struct {
		entity  E
		cluster C
	}
	cells, entities, clusters := map[cell]int64{}, map[E]int64{}, map[C]int64{}
	var s Score
	for e, c := range things {
		s.Items++
		entities[e]++
		clusters[c]++
		cells[cell{e, c}]++
	}
	s.Entities, s.Clusters = len(entities), len(clusters)
	s.True, s.Found, s.Right = pairs(entities), pairs(clusters), pairs(cells)
	inEntity, inCluster := map[E]int{}, map[C]int{}
	for at := range cells {
		inEntity[at.entity]++
		inCluster[at.cluster]++
	}
	for _, n := range inEntity {
		if n > 1 {
			s.Split++
		}
	}
	for _, n := range inCluster {
		if n > 1 {
			s.Mixed++
		}
	}
	return s
}

func pairs[K comparable](groups map[K]int64) (sum int64) {
	for _, n := range groups {
		sum += n * (n - 1) / 2
	}
	return sum
}
