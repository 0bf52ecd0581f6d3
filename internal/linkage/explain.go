package linkage

import (
	"math"
	"strings"
)

// Explanation is why two records are, or are not, taken for one person: a waterfall from what two records drawn
// by chance weigh to what these do.
type Explanation struct {
	A           int     `json:"a"`
	B           int     `json:"b"`
	Prior       float64 `json:"prior"` // log2 of the odds before anything is compared
	Terms       []Term  `json:"terms"`
	Household   float64 `json:"household"` // taken off for what two people of one household share
	Weight      float64 `json:"weight"`    // prior + terms - household
	Probability float64 `json:"probability"`
	Candidate   bool    `json:"candidate"` // they share a key, so they were compared
	Same        bool    `json:"same"`      // they are in one cluster
}

// Term is what one field adds.
type Term struct {
	Field  string  `json:"field"`
	A      string  `json:"a"` // normal forms
	B      string  `json:"b"`
	Level  string  `json:"level"` // "" when one of both has no value
	Weight float64 `json:"weight"`
}

// Explain weighs two records, numbered from 0, and says of what the weight is made.
func (res *Result) Explain(a, b int) Explanation {
	return res.explain(newComparer(res.records), a, b)
}

// Explainer is Explain for many pairs, of one goroutine.
func (res *Result) Explainer() func(a, b int) Explanation {
	c := newComparer(res.records)
	return func(a, b int) Explanation { return res.explain(c, a, b) }
}

func (res *Result) explain(c *comparer, a, b int) Explanation {
	x, y := uint32(a), uint32(b)
	e := waterfall(c, res.Model, x, y)
	e.A, e.B = a, b
	e.Candidate = res.blocks.shared(res.first(x), res.first(y)) != 0 || res.first(x) == res.first(y)
	e.Same = res.Clusters[a] == res.Clusters[b]
	return e
}

// waterfall weighs two records and says of what the weight is made.
func waterfall(c *comparer, m *Model, x, y uint32) Explanation {
	c.compare(min(x, y), max(x, y))
	var t terms
	m.score(c, &t)
	e := Explanation{Prior: m.prior, Household: t.house, Weight: t.weight, Probability: Probability(t.weight)}
	for i, f := range c.fields {
		term := Term{Field: f.name, Weight: t.parts[i]}
		v, w := f.ids[x], f.ids[y]
		if l := c.levels[i]; l >= 0 {
			term.Level = f.levels()[l]
			if f.more != nil {
				v, w = c.best[i][0], c.best[i][1]
			}
		}
		term.A, term.B = f.shown(v), f.shown(w)
		e.Terms = append(e.Terms, term)
	}
	return e
}

// shown is a normal form as people read it.
func (f *field) shown(id uint32) string {
	s := f.dict.column.values[id]
	if f.kind == kindAddress {
		s = strings.TrimSpace(strings.Replace(s, "|", " ", 1))
	}
	return s
}

// first is the record that stands for those identical to x.
func (res *Result) first(x uint32) uint32 {
	if y, ok := res.firsts[x]; ok {
		return y
	}
	return x
}

// EachEdge gives the weighed pairs, the heaviest first, until do returns false. Of identical records only the first is in pairs:
// Groups has the others.
func (res *Result) EachEdge(do func(a, b int, weight float64) bool) error {
	return res.edges.each(func(e edge) bool { return do(int(e.a), int(e.b), float64(e.weight)) })
}

// EachCandidate gives every pair that was compared, as EachEdge does, in no order and from one goroutine.
func (res *Result) EachCandidate(do func(a, b int)) {
	res.blocks.each(1, res.apart, func(_ int, x, y uint32) { do(int(x), int(y)) })
}

// EachGroup gives the records that are equal in all that is compared, and the weight of two of them.
func (res *Result) EachGroup(do func(records []uint32, weight float64)) {
	c := newComparer(res.records)
	for _, group := range res.same {
		c.compare(group[0], group[1])
		do(group, res.Model.score(c, nil))
	}
}

// Sizes is how many clusters there are by their number of records.
func (res *Result) Sizes() map[int]int {
	records := make([]int, res.Count)
	for _, c := range res.Clusters {
		records[c]++
	}
	out := map[int]int{}
	for _, n := range records {
		out[n]++
	}
	return out
}

// Rate is the items of a stage by second.
func (s Stage) Rate() float64 { return float64(s.Items) / math.Max(s.Took.Seconds(), 1e-9) }
