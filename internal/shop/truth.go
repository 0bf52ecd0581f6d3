package shop

import (
	"iter"

	"clientele"
	"clientele/internal/pairwise"
)

// Truth is which identifiers belong to which people. It is gathered beside the records, is never
// told to the product, and takes memory for every identifier. An identifier that several people
// use, as a shared tablet's, belongs to each of them.
type Truth struct {
	number map[clientele.Identifier]int
	ids    []clientele.Identifier
	parent []int // of identifiers that records name together
	belong map[belonging]bool
}

type belonging struct{ id, person int }

// NewTruth knows nothing yet.
func NewTruth() *Truth {
	return &Truth{number: map[clientele.Identifier]int{}, belong: map[belonging]bool{}}
}

// Watch takes note of a record's identifiers.
func (t *Truth) Watch(r *Record) {
	first := -1
	for _, i := range r.Identifiers {
		n, ok := t.number[i]
		if !ok {
			n = len(t.ids)
			t.number[i] = n
			t.ids = append(t.ids, i)
			t.parent = append(t.parent, n)
		}
		t.belong[belonging{n, r.Person}] = true
		if first < 0 {
			first = n
		} else {
			t.parent[t.root(n)] = t.root(first)
		}
	}
}

func (t *Truth) root(n int) int {
	for t.parent[n] != n {
		t.parent[n] = t.parent[t.parent[n]]
		n = t.parent[n]
	}
	return n
}

// Identifiers is how many there are.
func (t *Truth) Identifiers() int { return len(t.ids) }

// Score compares what was found, the profile of each identifier, with the truth. An identifier
// without a profile is alone.
func (t *Truth) Score(found map[clientele.Identifier]int64) pairwise.Score {
	return pairwise.Compare(t.things(func(n int) int64 {
		if profile, ok := found[t.ids[n]]; ok {
			return profile
		}
		return -1 - int64(n)
	}))
}

// Connected is the score of joining whatever a record names together, and what follows from that:
// no matching by equal identifiers alone can have a higher recall.
func (t *Truth) Connected() pairwise.Score {
	return pairwise.Compare(t.things(func(n int) int64 { return int64(t.root(n)) }))
}

func (t *Truth) things(cluster func(n int) int64) iter.Seq2[int, int64] {
	return func(yield func(int, int64) bool) {
		for b := range t.belong {
			if !yield(b.person, cluster(b.id)) {
				return
			}
		}
	}
}
