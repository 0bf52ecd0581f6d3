// Package uplift learns from an experiment whom a treatment helps: the difference that it makes
// for each person, with a test of whether choosing people by it is any use.
//
// Only randomised arms will do: where people were chosen for the treatment, the difference is
// the choice's, not the treatment's.
package uplift

import (
	"cmp"
	"math"
	"slices"

	"clientele"
	"clientele/internal/predict/learn"
)

// Learner is a way of learning differences (Künzel et al. 2019).
type Learner string

// The learners, each on L2 logistic regressions.
const (
	T Learner = "t" // a model for each arm
	S Learner = "s" // one model with the arm and its products with all features
	X Learner = "x" // models of each arm guess what the other arm would have done; linear regressions of the differences
)

// Learners are all of them.
var Learners = []Learner{T, S, X}

// How differences are learned.
type How struct {
	Learner Learner `json:"learner"`
	Penalty float64 `json:"penalty"` // of the squared length of the regressions' weights
	Workers int     `json:"-"`
}

// Model says the difference for each row. What it knows is JSON.
type Model struct {
	How     How
	Columns []string        // of the matrix it takes
	Treated *learn.Logistic `json:",omitempty"`
	Bare    *learn.Logistic `json:",omitempty"`
	One     *learn.Logistic `json:",omitempty"` // of crossed columns
	Mean    []float64       `json:",omitempty"` // from which crossed columns are measured
	Gained  [2]*linear      `json:",omitempty"` // differences among the untreated and among the treated
	Share   float64         `json:",omitempty"` // of the treated
}

// MinArm is how many rows with the outcome, and without, each arm needs.
const MinArm = 50

// mostCells bounds the rows x columns of one regression; of a larger table every so-many-th row is learned from.
const mostCells = 20_000_000

// Fit learns from one row a person: features, who was treated, whose outcome was yes.
func Fit(x *learn.Matrix, treated, y []bool, how How) (*Model, error) {
	if !Known(how.Learner) {
		return nil, clientele.Errorf(clientele.Invalid, "unknown learner %q", how.Learner).WithHint("t, s or x")
	}
	var n, yes [2]int
	for i, t := range treated {
		n[arm(t)]++
		yes[arm(t)] += arm(y[i])
	}
	for a, name := range []string{"untreated", "treated"} {
		if no := n[a] - yes[a]; yes[a] < MinArm || no < MinArm {
			return nil, clientele.Errorf(clientele.Invalid, "too little to learn from: of the %s %d have the outcome and %d have not; at least %d of each are needed", name, yes[a], no, MinArm).
				WithHint("more people, a longer time for the outcome, or a more common outcome")
		}
	}
	return fit(x, treated, y, how), nil
}

func fit(x *learn.Matrix, treated, y []bool, how How) *Model {
	m := &Model{How: how, Columns: x.Names}
	if how.Learner == S {
		if step := 1 + len(y)*(2*len(x.Columns)+1)/mostCells; step > 1 {
			rows := everyOf(len(y), step)
			x, treated, y = x.Pick(rows), at(treated, rows), at(y, rows)
		}
		m.Mean = make([]float64, len(x.Columns))
		for j, column := range x.Columns {
			m.Mean[j] = meanOf(column)
		}
		m.One = learn.FitLogistic(m.crossed(x, treated), y, how.Penalty, how.Workers)
		return m
	}
	var arms [2][]int
	for i, t := range treated {
		arms[arm(t)] = append(arms[arm(t)], i)
	}
	for a := range arms {
		if step := 1 + len(arms[a])*len(x.Columns)/mostCells; step > 1 {
			kept := everyOf(len(arms[a]), step)
			for k, i := range kept {
				kept[k] = arms[a][i]
			}
			arms[a] = kept
		}
	}
	var own [2]*learn.Matrix
	for a := range arms {
		own[a] = x.Pick(arms[a])
	}
	m.Bare = learn.FitLogistic(own[0], at(y, arms[0]), how.Penalty, how.Workers)
	m.Treated = learn.FitLogistic(own[1], at(y, arms[1]), how.Penalty, how.Workers)
	if how.Learner == X {
		m.cross(own, y, arms)
	}
	return m
}

// cross regresses, in each arm, what came less what the other arm's model says would have come.
func (m *Model) cross(own [2]*learn.Matrix, y []bool, arms [2][]int) {
	m.Share = float64(len(arms[1])) / float64(len(arms[0])+len(arms[1]))
	for a, other := range []*learn.Logistic{m.Treated, m.Bare} {
		difference := other.Margin(own[a])
		for k, i := range arms[a] {
			if difference[k] = learn.Sigmoid(difference[k]) - float64(arm(y[i])); a == 1 {
				difference[k] = -difference[k]
			}
		}
		m.Gained[a] = fitLinear(own[a], difference, m.How.Penalty)
	}
}

func everyOf(n, step int) (rows []int) {
	for i := 0; i < n; i += step {
		rows = append(rows, i)
	}
	return rows
}

func at(y []bool, rows []int) []bool {
	out := make([]bool, len(rows))
	for k, i := range rows {
		out[k] = y[i]
	}
	return out
}

func meanOf(column []float64) float64 {
	sum, n := 0.0, 0.0
	for _, v := range column {
		if !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / max(n, 1)
}

// side is by how much a row's arm is above the middle of both.
func side(treated bool) float64 { return float64(arm(treated)) - 0.5 }

// crossed has each feature, measured from its mean, its product with the arm, and the arm. A missing value counts as the mean.
func (m *Model) crossed(x *learn.Matrix, treated []bool) *learn.Matrix {
	out := &learn.Matrix{}
	for j, name := range x.Names {
		from, product := make([]float64, len(treated)), make([]float64, len(treated))
		for i, v := range x.Columns[j] {
			if !math.IsNaN(v) {
				from[i] = v - m.Mean[j]
				product[i] = from[i] * side(treated[i])
			}
		}
		out.Add(name, "", from)
		out.Add(name+" if treated", "", product)
	}
	arms := make([]float64, len(treated))
	for i, t := range treated {
		arms[i] = side(t)
	}
	out.Add("treated", "", arms)
	return out
}

// margins are the log-odds of each row with the treatment and without.
func (m *Model) margins(x *learn.Matrix) (with, without []float64) {
	if m.One == nil {
		return m.Treated.Margin(x), m.Bare.Margin(x)
	}
	o := m.One
	of := func(j int) (weight, mean float64) { // per unit
		if o.SD[j] == 0 {
			return 0, 0
		}
		return o.Weights[j] / o.SD[j], o.Mean[j]
	}
	last := len(o.Weights) - 1
	weight, mean := of(last)
	middle, apart := o.Intercept-weight*mean, weight
	for j := range x.Columns {
		for k := range 2 {
			weight, mean := of(2*j + k)
			middle -= weight * mean
		}
	}
	with, without = make([]float64, x.Rows()), make([]float64, x.Rows())
	for i := range with {
		with[i], without[i] = middle+apart/2, middle-apart/2
	}
	for j, column := range x.Columns {
		base, _ := of(2 * j)
		product, _ := of(2*j + 1)
		if base == 0 && product == 0 {
			continue
		}
		for i, v := range column {
			if math.IsNaN(v) {
				continue
			}
			v -= m.Mean[j]
			with[i] += v * (base + product/2)
			without[i] += v * (base - product/2)
		}
	}
	return with, without
}

// Uplift is the difference of the outcome's probability that the treatment makes for each row.
func (m *Model) Uplift(x *learn.Matrix) []float64 {
	x = x.Aligned(m.Columns)
	out := make([]float64, x.Rows())
	if m.How.Learner == X {
		among, of := m.Gained[0].at(x), m.Gained[1].at(x)
		for i := range out {
			out[i] = m.Share*among[i] + (1-m.Share)*of[i]
		}
		return out
	}
	with, without := m.margins(x)
	for i := range out {
		out[i] = learn.Sigmoid(with[i]) - learn.Sigmoid(without[i])
	}
	return out
}

// slopes are what each column adds to the difference by unit, and from which value on: of x in probability, of the others in log-odds. All of them are
// straight lines there.
func (m *Model) slopes() (by, from []float64) {
	by, from = make([]float64, len(m.Columns)), make([]float64, len(m.Columns))
	per := func(weight, sd float64) float64 {
		if sd == 0 {
			return 0
		}
		return weight / sd
	}
	for j := range by {
		switch m.How.Learner {
		case S:
			by[j], from[j] = per(m.One.Weights[2*j+1], m.One.SD[2*j+1]), m.Mean[j]
		case T:
			by[j] = per(m.Treated.Weights[j], m.Treated.SD[j]) - per(m.Bare.Weights[j], m.Bare.SD[j])
			from[j] = (m.Treated.Mean[j] + m.Bare.Mean[j]) / 2
		case X:
			among, of := m.Gained[0], m.Gained[1]
			by[j] = m.Share*per(among.Weights[j], among.SD[j]) + (1-m.Share)*per(of.Weights[j], of.SD[j])
			from[j] = (among.Mean[j] + of.Mean[j]) / 2
		}
	}
	return by, from
}

// Reasons says what moves the differences of rows: for each, the sources of its columns (see learn.Matrix) by how much they add, the largest first.
func (m *Model) Reasons(x *learn.Matrix) func(row int) []learn.Contribution {
	x = x.Aligned(m.Columns)
	by, from := m.slopes()
	var sources []string
	place := make([]int, len(x.Columns))
	for j, s := range x.Sources {
		k := slices.Index(sources, s)
		if k < 0 {
			k, sources = len(sources), append(sources, s)
		}
		place[j] = k
	}
	return func(row int) []learn.Contribution {
		out := make([]learn.Contribution, len(sources))
		for k, s := range sources {
			out[k].Column = s
		}
		for j, column := range x.Columns {
			if v := column[row]; !math.IsNaN(v) {
				out[place[j]].Adds += by[j] * (v - from[j])
			}
		}
		slices.SortStableFunc(out, func(a, b learn.Contribution) int { return cmp.Compare(math.Abs(b.Adds), math.Abs(a.Adds)) })
		return out
	}
}

// Drivers are the sources of columns that move the differences, what moves most first, over at most 2,000 rows.
func (m *Model) Drivers(x *learn.Matrix) []learn.Driver {
	x = x.Aligned(m.Columns)
	by, from := m.slopes()
	rows := everyOf(x.Rows(), 1+x.Rows()/2000)
	at := map[string]int{}
	var out []learn.Driver
	var sums [][]float64
	var most []float64 // of a source, the spread of the column that moves most
	for j, column := range x.Columns {
		k, known := at[x.Sources[j]]
		if !known {
			k = len(out)
			at[x.Sources[j]] = k
			out, sums, most = append(out, learn.Driver{Column: x.Sources[j]}), append(sums, make([]float64, len(rows))), append(most, 0)
		}
		own := 0.0
		for r, i := range rows {
			if v := column[i]; !math.IsNaN(v) {
				adds := by[j] * (v - from[j])
				sums[k][r] += adds
				own += math.Abs(adds)
			}
		}
		if own > most[k] {
			most[k] = own
			out[k].Direction = math.Copysign(1, by[j])
		}
	}
	for k := range out {
		for _, v := range sums[k] {
			out[k].Weight += math.Abs(v) / float64(max(len(rows), 1))
		}
	}
	out = slices.DeleteFunc(out, func(d learn.Driver) bool { return d.Weight == 0 })
	slices.SortStableFunc(out, func(a, b learn.Driver) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}
