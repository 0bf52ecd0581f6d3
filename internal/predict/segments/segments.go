// Package segments finds groups of customers that are alike, by k-means over standardised columns. How many there are is decided
// by stability: groups that come back when half of the people are left out are real, others are cuts through a cloud.
// Groups are named by what they have more or less of than all, and keep their ids when they are learned again.
package segments

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"clientele"
)

// Column is how a column is put on the scale of the groups.
type Column struct {
	Name string  `json:"name"`
	Log  bool    `json:"log"`  // ln(1+x) first: a few values are very large
	Mean float64 `json:"mean"` // on that scale; what is missing takes it
	SD   float64 `json:"sd"`
}

// Segment is a group.
type Segment struct {
	ID     int       `json:"id"` // stays when groups are learned again
	Name   string    `json:"name"`
	People int       `json:"people"`
	Share  float64   `json:"share"`
	Center []float64 `json:"center"` // standard deviations from the mean of all, by column
	Means  []float64 `json:"means"`  // of the columns as they are in the file
}

// Stability is how well groups come back.
type Stability struct {
	K    int     `json:"k"`
	Rand float64 `json:"adjusted_rand"` // of pairs of halves of the people: 1 is the same groups, 0 is chance
}

// Model is groups that were learned.
type Model struct {
	Columns   []Column    `json:"columns"`
	Segments  []Segment   `json:"segments"` // the largest first
	Stability []Stability `json:"stability"`
	Stable    bool        `json:"stable"`
	NextID    int         `json:"next_id"`
	Seed      uint64      `json:"seed"`
}

// Limits.
const (
	fewestPeople = 50
	mostK        = 8
	learnFrom    = 20_000 // people; all are assigned
	compareOn    = 2_000
	halves       = 5    // pairs
	stable       = 0.80 // adjusted Rand index that is called stable
)

// Learn finds groups of rows, whose values may be NaN where there is none, and says in which each row is: an index into
// Segments. k 0 lets stability decide.
func Learn(rows [][]float64, names []string, k int, seed uint64) (*Model, []int, error) {
	if len(rows) < fewestPeople {
		return nil, nil, clientele.Errorf(clientele.Invalid, "%d customers are too few for groups", len(rows)).WithHint("at least %d are needed", fewestPeople)
	}
	if k < 0 || k == 1 || k > 50 {
		return nil, nil, clientele.Errorf(clientele.Invalid, "%d groups cannot be made", k).WithHint("2 to 50, or 0 to let stability decide")
	}
	m := &Model{Seed: seed}
	points := m.scale(rows, names)
	if len(m.Columns) == 0 {
		return nil, nil, clientele.Errorf(clientele.Invalid, "no column varies: there is nothing to group by")
	}
	pool := spread(points, learnFrom)
	if k == 0 {
		k = m.choose(pool)
	} else {
		m.Stability = []Stability{{k, stability(pool, k, seed)}}
		m.Stable = m.Stability[0].Rand >= stable
	}
	centers := means(pool, k, 8, seed)
	labels := make([]int, len(points))
	for i, p := range points {
		labels[i], _ = nearest(centers, p)
	}
	return m, m.describe(rows, names, centers, labels), nil
}

// choose takes the largest number of groups that is stable, and hardly less so than fewer groups are; the most stable where none is.
func (m *Model) choose(pool [][]float64) int {
	best, most := 2, -1.0
	for k := 2; k <= mostK; k++ {
		r := stability(pool, k, m.Seed)
		m.Stability = append(m.Stability, Stability{k, r})
		switch {
		case r >= stable && r >= most-0.05:
			best, m.Stable = k, true
		case !m.Stable && r > most:
			best = k
		}
		most = math.Max(most, r)
	}
	return best
}

// scale standardises the columns that vary; far values are held at 4 standard deviations, so that one of them makes no group of its own.
func (m *Model) scale(rows [][]float64, names []string) [][]float64 {
	points := make([][]float64, len(rows))
	for j, name := range names {
		var known []float64
		for _, r := range rows {
			if v := r[j]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				known = append(known, v)
			}
		}
		if len(known) == 0 {
			continue
		}
		slices.Sort(known)
		c := Column{Name: name}
		median, high := known[len(known)/2], known[len(known)*99/100]
		c.Log = known[0] >= 0 && high > 4*math.Max(median, 1e-9)
		n := float64(len(known))
		for _, v := range known {
			c.Mean += c.on(v) / n
		}
		for _, v := range known {
			d := c.on(v) - c.Mean
			c.SD += d * d / n
		}
		if c.SD = math.Sqrt(c.SD); !(c.SD > 1e-9*math.Max(1, math.Abs(c.Mean))) {
			continue
		}
		m.Columns = append(m.Columns, c)
		for i, r := range rows {
			z := 0.0
			if v := r[j]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				z = math.Max(-4, math.Min(4, (c.on(v)-c.Mean)/c.SD))
			}
			points[i] = append(points[i], z)
		}
	}
	return points
}

func (c Column) on(v float64) float64 {
	if c.Log {
		return math.Log1p(v)
	}
	return v
}

// Place is the segment that a row is in, of the columns by name; what is missing counts as the mean.
func (m *Model) Place(row map[string]float64) *Segment {
	p := make([]float64, len(m.Columns))
	for j, c := range m.Columns {
		if v, ok := row[c.Name]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			p[j] = math.Max(-4, math.Min(4, (c.on(v)-c.Mean)/c.SD))
		}
	}
	best, least := 0, math.Inf(1)
	for i := range m.Segments {
		if d := distance(m.Segments[i].Center, p); d < least {
			best, least = i, d
		}
	}
	return &m.Segments[best]
}

// describe fills the segments, the largest first, and answers the labels in that order.
func (m *Model) describe(rows [][]float64, names []string, centers [][]float64, labels []int) []int {
	k := len(centers)
	m.Segments = make([]Segment, k)
	for i := range m.Segments {
		m.Segments[i] = Segment{ID: i, Center: centers[i], Means: make([]float64, len(m.Columns))}
	}
	count := make([][]float64, k)
	for i := range count {
		count[i] = make([]float64, len(m.Columns))
	}
	for i, l := range labels {
		s := &m.Segments[l]
		s.People++
		for j, c := range m.Columns {
			if v := rows[i][slices.Index(names, c.Name)]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				s.Means[j] += v
				count[l][j]++
			}
		}
	}
	for i := range m.Segments {
		s := &m.Segments[i]
		s.Share = float64(s.People) / float64(len(labels))
		for j := range s.Means {
			s.Means[j] /= math.Max(1, count[i][j])
		}
		s.Name = m.name(s.Center)
	}
	slices.SortStableFunc(m.Segments, func(a, b Segment) int { return b.People - a.People })
	place := make([]int, k)
	for i := range m.Segments {
		place[m.Segments[i].ID] = i
		m.Segments[i].ID = i + 1
	}
	m.NextID = k + 1
	for i := range labels {
		labels[i] = place[labels[i]]
	}
	return labels
}

// name says what a group has most more, or less, of than all: at most three columns.
func (m *Model) name(center []float64) string {
	order := make([]int, len(center))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(math.Copysign(1, math.Abs(center[b])-math.Abs(center[a])))
	})
	var words []string
	for _, j := range order {
		z := center[j]
		if len(words) == 3 || math.Abs(z) < 0.3 {
			break
		}
		word := "more"
		switch {
		case z >= 1:
			word = "much more"
		case z <= -1:
			word = "much less"
		case z < 0:
			word = "less"
		}
		words = append(words, fmt.Sprintf("%s %s", word, m.Columns[j].Name))
	}
	if len(words) == 0 {
		return "like most"
	}
	return strings.Join(words, ", ")
}

// Keep gives the groups the ids of those of an earlier model that are nearest, pair by pair; groups without one get new ids. The
// columns must be the same.
func (m *Model) Keep(earlier *Model) error {
	name := func(c Column) string { return c.Name }
	if a, b := columnNames(m.Columns, name), columnNames(earlier.Columns, name); a != b {
		return clientele.Errorf(clientele.Invalid, "the earlier groups are of the columns %s, these of %s", b, a).WithHint("name the same columns again, or leave the earlier groups out")
	}
	m.NextID = earlier.NextID
	taken, given := map[int]bool{}, map[int]bool{}
	for range min(len(m.Segments), len(earlier.Segments)) {
		best, bi, bj := math.Inf(1), -1, -1
		for i := range m.Segments {
			for j := range earlier.Segments {
				if d := m.between(i, earlier, j); !given[i] && !taken[j] && d < best {
					best, bi, bj = d, i, j
				}
			}
		}
		if bi < 0 || best > float64(len(m.Columns)) {
			break
		}
		given[bi], taken[bj] = true, true
		m.Segments[bi].ID = earlier.Segments[bj].ID
	}
	for i := range m.Segments {
		if !given[i] {
			m.Segments[i].ID = m.NextID
			m.NextID++
		}
	}
	return nil
}

func columnNames(of []Column, name func(Column) string) string {
	var out []string
	for _, c := range of {
		out = append(out, name(c))
	}
	return strings.Join(out, ", ")
}

// between is the squared distance of centers on the scale of the earlier model.
func (m *Model) between(i int, earlier *Model, j int) float64 {
	sum := 0.0
	for n, c := range m.Columns {
		e := earlier.Columns[n]
		raw := m.Segments[i].Center[n]*c.SD + c.Mean
		if c.Log && !e.Log {
			raw = math.Expm1(raw)
		} else if e.Log && !c.Log {
			raw = math.Log1p(math.Max(0, raw))
		}
		d := (raw-e.Mean)/e.SD - earlier.Segments[j].Center[n]
		sum += d * d
	}
	return sum
}
