// Package uplift learns from an experiment whom a treatment helps: the difference that it makes
// for each person, with a test of whether choosing people by it is any use.
//
// Only randomised arms will do: where people were chosen for the treatment, the difference is
// the choice's, not the treatment's.
package uplift

import (
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

// Model says the difference for each row.
type Model struct {
	learner       Learner
	treated, bare *learn.Logistic
	one           *learn.Logistic
	gained        [2]*linear // differences among the untreated and among the treated
	share         float64    // of the treated
}

// MinArm is how many rows with the outcome, and without, each arm needs.
const MinArm = 50

// Fit learns from one row a person: features, who was treated, whose outcome was yes.
func Fit(x *learn.Matrix, treated, y []bool, learner Learner, workers int) (*Model, error) {
	var arms [2][]int
	var yes [2]int
	for i, t := range treated {
		a := 0
		if t {
			a = 1
		}
		arms[a] = append(arms[a], i)
		if y[i] {
			yes[a]++
		}
	}
	for a, name := range []string{"untreated", "treated"} {
		if no := len(arms[a]) - yes[a]; yes[a] < MinArm || no < MinArm {
			return nil, clientele.Errorf(clientele.Invalid, "too little to learn from: of the %s %d have the outcome and %d have not; at least %d of each are needed", name, yes[a], no, MinArm)
		}
	}
	m := &Model{learner: learner}
	switch learner {
	case S:
		m.one = learn.FitLogistic(crossed(x, treated), y, 1, workers)
		return m, nil
	case T, X:
	default:
		return nil, clientele.Errorf(clientele.Invalid, "unknown learner %q", learner).WithHint("t, s or x")
	}
	var models [2]*learn.Logistic
	for a := range arms {
		models[a] = learn.FitLogistic(x.Pick(arms[a]), at(y, arms[a]), 1, workers)
	}
	m.bare, m.treated = models[0], models[1]
	if learner == X {
		m.cross(x, y, arms)
	}
	return m, nil
}

// cross regresses, in each arm, what came less what the other arm's model says would have come.
func (m *Model) cross(x *learn.Matrix, y []bool, arms [2][]int) {
	m.share = float64(len(arms[1])) / float64(len(y))
	for a, other := range []*learn.Logistic{m.treated, m.bare} {
		own := x.Pick(arms[a])
		difference := other.Margin(own)
		for k, i := range arms[a] {
			came := 0.0
			if y[i] {
				came = 1
			}
			if difference[k] = learn.Sigmoid(difference[k]) - came; a == 1 {
				difference[k] = -difference[k]
			}
		}
		m.gained[a] = fitLinear(own, difference, 1)
	}
}

func at(y []bool, rows []int) []bool {
	out := make([]bool, len(rows))
	for k, i := range rows {
		out[k] = y[i]
	}
	return out
}

// crossed adds the arm and its product with every feature.
func crossed(x *learn.Matrix, treated []bool) *learn.Matrix {
	out := &learn.Matrix{}
	arm := make([]float64, len(treated))
	for i, t := range treated {
		if t {
			arm[i] = 1
		}
	}
	for j, name := range x.Names {
		product := make([]float64, len(arm))
		for i, v := range x.Columns[j] {
			if arm[i] == 1 {
				product[i] = v
			}
		}
		out.Add(name, "", x.Columns[j])
		out.Add(name+" if treated", "", product)
	}
	out.Add("treated", "", arm)
	return out
}

// Uplift is the difference of the outcome's probability that the treatment makes for each row.
func (m *Model) Uplift(x *learn.Matrix) []float64 {
	n := x.Rows()
	out := make([]float64, n)
	var with, without []float64
	if m.learner == X {
		among, of := m.gained[0].at(x), m.gained[1].at(x)
		for i := range out {
			out[i] = m.share*among[i] + (1-m.share)*of[i]
		}
		return out
	}
	if m.learner == S {
		all := make([]bool, n)
		without = m.one.Margin(crossed(x, all))
		for i := range all {
			all[i] = true
		}
		with = m.one.Margin(crossed(x, all))
	} else {
		with, without = m.treated.Margin(x), m.bare.Margin(x)
	}
	for i := range out {
		out[i] = learn.Sigmoid(with[i]) - learn.Sigmoid(without[i])
	}
	return out
}
