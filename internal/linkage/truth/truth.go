// Package truth says how good a linkage is, where a column tells which records are of one person. The linkage has
// never seen that column: it is read here, afterwards.
package truth

import (
	"math"

	"clientele/internal/linkage"
	"clientele/internal/pairwise"
)

// Report compares the clusters with the truth. Records without a value in the column are left out, but in what was
// compared.
type Report struct {
	Records   int        `json:"records"` // with a true person
	Persons   int        `json:"persons"`
	Clusters  int        `json:"clusters"`
	TruePairs int64      `json:"true_pairs"`
	Found     int64      `json:"found_pairs"` // put together
	Right     int64      `json:"right_pairs"`
	Precision float64    `json:"precision"`
	Recall    float64    `json:"recall"`
	F1        float64    `json:"f1"`
	BCubed    BCubed     `json:"b_cubed"`
	Blocking  float64    `json:"blocking_recall"` // share of the true pairs that were compared, or are of identical records
	Curve     []Point    `json:"thresholds"`
	Worst     []Mistakes `json:"-"`
}

// BCubed averages over records instead of pairs, so that large groups do not weigh with their square (Bagga and Baldwin 1998).
type BCubed struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// Point is the confusion of pairs when those from a weight on are taken for one person each by itself, without clustering.
type Point struct {
	Weight        float64 `json:"weight"`
	Probability   float64 `json:"probability"`
	TruePositive  int64   `json:"true_positive"`
	FalsePositive int64   `json:"false_positive"`
	FalseNegative int64   `json:"false_negative"`
	TrueNegative  int64   `json:"true_negative"`
	Precision     float64 `json:"precision"`
	Recall        float64 `json:"recall"`
	F1            float64 `json:"f1"`
}

// Mistakes are pairs that are wrong, for looking at.
type Mistakes struct {
	A, B   int
	Weight float64
	Same   bool // one person, but not put together; else the other way round
}

// weights are where the curve has its points.
var weights = []float64{-10, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30}

const mostMistakes = 12 // of each kind

// Compare scores a result. truth are numbers of the true person by record, 0 for not known.
func Compare(res *linkage.Result, truth []uint32) (*Report, error) {
	score := pairwise.Compare(func(yield func(uint32, uint32) bool) {
		for i, c := range res.Clusters {
			if truth[i] != 0 && !yield(truth[i], c) {
				return
			}
		}
	})
	r := &Report{Records: score.Items, Persons: score.Entities, Clusters: score.Clusters, TruePairs: score.True, Found: score.Found, Right: score.Right,
		Precision: score.Precision(), Recall: score.Recall(), F1: score.F1()}
	r.bCubed(res, truth)
	g := newGroups(res, truth)
	compared := g.inside
	res.EachCandidate(func(a, b int) {
		right, _ := g.pairs(a, b)
		compared += right
	})
	r.Blocking = share(min(compared, r.TruePairs), r.TruePairs)
	return r, r.curve(res, truth, g)
}

func (r *Report) bCubed(res *linkage.Result, truth []uint32) {
	type cell struct{ person, cluster uint32 }
	both, persons, clusters := map[cell]int{}, map[uint32]int{}, map[uint32]int{}
	for i, c := range res.Clusters {
		if p := truth[i]; p != 0 {
			both[cell{p, c}]++
			persons[p]++
			clusters[c]++
		}
	}
	var precision, recall float64
	for i, c := range res.Clusters {
		if p := truth[i]; p != 0 {
			n := float64(both[cell{p, c}])
			precision += n / float64(clusters[c])
			recall += n / float64(persons[p])
		}
	}
	n := math.Max(1, float64(r.Records))
	r.BCubed.Precision, r.BCubed.Recall = precision/n, recall/n
	r.BCubed.F1 = harmonic(r.BCubed.Precision, r.BCubed.Recall)
}

// groups are identical records, one of which stands for all in pairs.
type groups struct {
	truth  []uint32
	of     map[int][]uint32
	inside int64 // true pairs of identical records
	edges  []edge
}

type edge struct {
	weight       float64
	right, wrong int64
}

func newGroups(res *linkage.Result, truth []uint32) *groups {
	g := &groups{truth: truth, of: map[int][]uint32{}}
	res.EachGroup(func(records []uint32, weight float64) {
		g.of[int(records[0])] = records
		persons, all := map[uint32]int64{}, int64(0)
		for _, x := range records {
			if truth[x] != 0 {
				persons[truth[x]]++
				all++
			}
		}
		right := int64(0)
		for _, n := range persons {
			right += n * (n - 1) / 2
		}
		g.inside += right
		g.edges = append(g.edges, edge{weight, right, all*(all-1)/2 - right})
	})
	return g
}

// pairs is for how many pairs of records a pair stands: of one person and of two.
func (g *groups) pairs(a, b int) (right, wrong int64) {
	as, bs := g.of[a], g.of[b]
	if as == nil && bs == nil {
		switch {
		case g.truth[a] == 0 || g.truth[b] == 0:
			return 0, 0
		case g.truth[a] == g.truth[b]:
			return 1, 0
		}
		return 0, 1
	}
	if as == nil {
		as = []uint32{uint32(a)}
	}
	if bs == nil {
		bs = []uint32{uint32(b)}
	}
	persons := map[uint32]int64{}
	var left, all int64
	for _, x := range as {
		if g.truth[x] != 0 {
			persons[g.truth[x]]++
			left++
		}
	}
	for _, y := range bs {
		if g.truth[y] != 0 {
			right += persons[g.truth[y]]
			all += left
		}
	}
	return right, all - right
}

// curve counts the pairs by weight.
func (r *Report) curve(res *linkage.Result, truth []uint32, g *groups) error {
	right, wrong := make([]int64, len(weights)), make([]int64, len(weights))
	note := func(w float64, tp, fp int64) {
		for i, at := range weights {
			if w >= at {
				right[i] += tp
				wrong[i] += fp
			}
		}
	}
	for _, e := range g.edges {
		note(e.weight, e.right, e.wrong)
	}
	var lost, mixed int
	err := res.EachEdge(func(a, b int, w float64) bool {
		tp, fp := g.pairs(a, b)
		note(w, tp, fp)
		together := res.Clusters[a] == res.Clusters[b]
		switch {
		case truth[a] == 0 || truth[b] == 0:
		case together && truth[a] != truth[b] && mixed < mostMistakes:
			mixed++
			r.Worst = append(r.Worst, Mistakes{a, b, w, false})
		case !together && truth[a] == truth[b] && lost < mostMistakes:
			lost++
			r.Worst = append(r.Worst, Mistakes{a, b, w, true})
		}
		return true
	})
	all := int64(r.Records) * int64(r.Records-1) / 2
	for i, w := range weights {
		p := Point{Weight: w, Probability: linkage.Probability(w), TruePositive: right[i], FalsePositive: wrong[i], FalseNegative: r.TruePairs - right[i],
			Precision: share(right[i], right[i]+wrong[i]), Recall: share(right[i], r.TruePairs)}
		p.TrueNegative = all - p.TruePositive - p.FalsePositive - p.FalseNegative
		p.F1 = harmonic(p.Precision, p.Recall)
		r.Curve = append(r.Curve, p)
	}
	return err
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

func harmonic(p, r float64) float64 {
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}
