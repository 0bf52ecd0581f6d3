package linkage

import "math"

const (
	clip        = 12.0 // bits beyond which a pair says no more for a cluster
	clipLow     = 8.0  // and against it
	mostPairs   = 4096 // between two clusters that are weighed; of larger ones
	mostMembers = 64   // these many records stand for all
)

// clusterer joins records into clusters, the weightiest pairs first: two clusters become one when the mean
// weight of the pairs between them, clipped so that one pair cannot outvote all, is at least the threshold (average linkage),
// and no hard conflict is between them. Conflicts are kept by cluster, so that asking costs the same whatever the sizes.
type clusterer struct {
	m         *Model
	c         *comparer
	threshold float64
	parent    []uint32
	next      []uint32 // ring of a cluster's records
	size      []uint32
	refused   map[uint64]uint64
	hard      conflicts
	conflicts int
}

// conflicts are what keeps records apart whatever they weigh.
type conflicts struct {
	values  [][]uint32  // by test, then cluster: a value that all its records have or say nothing of; 0 = none says
	sources []uint64    // by cluster: which sources its records are of, as bits; nil when that does not matter
	apart   [][2]uint32 // records
}

func newClusterer(r *records, m *Model, threshold float64, hard conflicts) *clusterer {
	k := &clusterer{m: m, c: newComparer(r), threshold: threshold, refused: map[uint64]uint64{}, hard: hard,
		parent: grab[uint32](r.space, r.n), next: grab[uint32](r.space, r.n), size: grab[uint32](r.space, r.n)}
	for i := range k.parent {
		k.parent[i], k.next[i], k.size[i] = uint32(i), uint32(i), 1
	}
	return k
}

func (k *clusterer) find(x uint32) uint32 {
	for k.parent[x] != x {
		k.parent[x] = k.parent[k.parent[x]]
		x = k.parent[x]
	}
	return x
}

// take looks at the next edge.
func (k *clusterer) take(e edge) {
	a, b := k.find(e.a), k.find(e.b)
	if a == b {
		return
	}
	sizes := uint64(k.size[a])<<32 | uint64(k.size[b])
	key := uint64(min(a, b))<<32 | uint64(max(a, b))
	if a > b {
		sizes = uint64(k.size[b])<<32 | uint64(k.size[a])
	}
	if k.refused[key] == sizes {
		return
	}
	if !k.joins(a, b, e) {
		k.refused[key] = sizes
		return
	}
	k.join(a, b)
}

func (k *clusterer) join(a, b uint32) {
	if k.size[a] < k.size[b] || k.size[a] == k.size[b] && b < a {
		a, b = b, a
	}
	k.parent[b] = a
	k.size[a] += k.size[b]
	k.next[a], k.next[b] = k.next[b], k.next[a]
	for _, v := range k.hard.values {
		v[a] = max(v[a], v[b])
	}
	if k.hard.sources != nil {
		k.hard.sources[a] |= k.hard.sources[b]
	}
}

// forbidden says whether a hard conflict is between two clusters.
func (k *clusterer) forbidden(a, b uint32) bool {
	for _, v := range k.hard.values {
		if v[a] != 0 && v[b] != 0 && v[a] != v[b] {
			return true
		}
	}
	if k.hard.sources != nil && k.hard.sources[a]&k.hard.sources[b] != 0 {
		return true
	}
	for _, p := range k.hard.apart {
		if x, y := k.find(p[0]), k.find(p[1]); x == a && y == b || x == b && y == a {
			return true
		}
	}
	return false
}

// members are a cluster's records, at most so many.
func (k *clusterer) members(root uint32, most int) []uint32 {
	out := make([]uint32, 1, min(most, int(k.size[root])))
	out[0] = root
	for x := k.next[root]; x != root && len(out) < most; x = k.next[x] {
		out = append(out, x)
	}
	return out
}

// joins says whether two clusters are one.
func (k *clusterer) joins(a, b uint32, e edge) bool {
	one := k.size[a] == 1 && k.size[b] == 1
	if one && float64(e.weight) < k.threshold {
		return false
	}
	if k.forbidden(a, b) {
		k.conflicts++
		return false
	}
	if one {
		return true
	}
	most := math.MaxInt32
	if uint64(k.size[a])*uint64(k.size[b]) > mostPairs {
		most = mostMembers
	}
	as, bs := k.members(a, most), k.members(b, most)
	sum := 0.0
	for _, x := range as {
		for _, y := range bs {
			k.c.compare(min(x, y), max(x, y))
			sum += math.Min(math.Max(k.m.score(k.c, nil), -clipLow), clip)
		}
	}
	return sum/float64(len(as)*len(bs)) >= k.threshold
}
