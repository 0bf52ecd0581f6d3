package uplift

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"clientele"
	"clientele/internal/predict/experiment"
	"clientele/internal/predict/learn"
)

// Effect is what a treatment did to a mean, without regard to whom.
type Effect struct {
	Treated    float64 `json:"treated"` // mean
	Untreated  float64 `json:"untreated"`
	Difference float64 `json:"difference"`
	Error      float64 `json:"standard_error"` // Welch: the arms have variances of their own
	P          float64 `json:"p"`
	Low        float64 `json:"low"` // 95 %
	High       float64 `json:"high"`
	N          int     `json:"n_treated"`
	M          int     `json:"n_untreated"`
}

// Compare compares the means of two arms.
func Compare(treated []bool, outcome []float64) Effect {
	untreated, helped := armsOf(treated, outcome)
	d := experiment.Difference(untreated, helped)
	return Effect{Treated: helped.Mean, Untreated: untreated.Mean, Difference: d.Value, Error: d.Error, P: d.P, Low: d.Low, High: d.High, N: int(helped.N), M: int(untreated.N)}
}

func armsOf(treated []bool, outcome []float64) (untreated, helped experiment.Arm) {
	var of [2][]float64
	for i, t := range treated {
		of[arm(t)] = append(of[arm(t)], outcome[i])
	}
	return experiment.Of(of[0]), experiment.Of(of[1])
}

func arm(treated bool) int {
	if treated {
		return 1
	}
	return 0
}

// Group is people of like uplift, and what the treatment did to them.
type Group struct {
	Said float64 `json:"said"` // mean of the scores
	Effect
}

// Groups cuts rows by their score into groups of equal size, the highest first, and says what came in each.
func Groups(score []float64, treated []bool, outcome []float64, groups int) []Group {
	order := rank(score).order
	out := make([]Group, 0, groups)
	for g := range groups {
		rows := order[g*len(order)/groups : (g+1)*len(order)/groups]
		said := 0.0
		t, y := make([]bool, len(rows)), make([]float64, len(rows))
		for k, i := range rows {
			said += score[i] / float64(len(rows))
			t[k], y[k] = treated[i], outcome[i]
		}
		out = append(out, Group{said, Compare(t, y)})
	}
	return out
}

// Policy is what treating the people with the highest scores brings.
type Policy struct {
	Share float64 `json:"share"` // of the people that are treated
	Mean  float64 `json:"mean"`  // of the outcome of all people, treated or not
	Error float64 `json:"standard_error"`
	Net   float64 `json:"net"` // mean x the worth of one outcome, less the cost of treating
}

// Policies values treating nobody, each further tenth by score, and everybody, on rows of an experiment: each row whose arm is what the policy would have
// chosen speaks for as many as had the other arm.
func Policies(score []float64, treated []bool, outcome []float64, worth, cost float64) []Policy {
	order := rank(score).order
	n, share := float64(len(score)), 0.0
	for _, t := range treated {
		share += float64(arm(t)) / n
	}
	out := make([]Policy, 0, 11)
	terms := make([]float64, len(score))
	for g := range 11 {
		cut := g * len(order) / 10
		sum := 0.0
		for k, i := range order {
			terms[i] = 0
			if wanted := k < cut; wanted == treated[i] {
				p := share
				if !wanted {
					p = 1 - share
				}
				terms[i] = outcome[i] / p
			}
			sum += terms[i]
		}
		p := Policy{Share: float64(g) / 10, Mean: sum / n}
		squares := 0.0
		for _, v := range terms {
			squares += (v - p.Mean) * (v - p.Mean)
		}
		p.Error = math.Sqrt(squares / max(n-1, 1) / n)
		p.Net = p.Mean*worth - p.Share*cost
		out = append(out, p)
	}
	return out
}

// Assignment says whether the arms look as if drawn by lot.
type Assignment struct {
	AUC     float64 `json:"auc"` // with which the features tell on rows not seen who was treated: 0.5 is a coin
	Z       float64 `json:"z"`   // its distance from 0.5 in standard errors
	Chosen  bool    `json:"chosen"`
	Suspect bool    `json:"suspect"`
}

// Assigned learns from some rows to tell who was treated, and looks whether it can on the others.
func Assigned(x *learn.Matrix, treated []bool, learned, seen []int, workers int) Assignment {
	m := learn.FitLogistic(x.Pick(learned), at(treated, learned), 1, workers)
	t := at(treated, seen)
	auc := learn.AUC(m.Margin(x.Pick(seen)), t)
	yes := float64(len(t)) * learn.Rate(t)
	no := float64(len(t)) - yes
	a := Assignment{AUC: auc, Z: (auc - 0.5) / math.Sqrt((yes+no+1)/(12*max(yes, 1)*max(no, 1)))}
	a.Suspect = a.Z > 3.3
	a.Chosen = a.Z > 4 && auc > 0.53
	return a
}

// Trial is what an experiment taught: a model, learned on some of its rows, and what it is worth on the others.
type Trial struct {
	Learner    Learner             `json:"learner"`
	Rows       int                 `json:"rows"`
	Train      int                 `json:"rows_train"`
	Test       int                 `json:"rows_test"`
	Effect     Effect              `json:"effect"`               // on all rows
	Relative   experiment.Estimate `json:"relative_effect"`      // as a share of the untreated arm's mean
	Always     experiment.Estimate `json:"effect_at_every_look"` // with an interval for those who look more than once
	Chance     float64             `json:"chance_of_effect"`     // that the treatment raises the outcome, when nothing is held likely before
	Worth      *Effect             `json:"effect_on_value,omitempty"`
	Assignment Assignment          `json:"assignment"`
	Verdict    Verdict             `json:"verdict"`
	Others     map[Learner]Verdict `json:"learners"`
	Groups     []Group             `json:"groups"`
	Policies   []Policy            `json:"policies"`
	Advice     string              `json:"advice"` // all, none, some
	Cut        float64             `json:"treat_above"`
	Model      *Model              `json:"-"`
	Line       Line                `json:"-"` // effects by score in the test
	Curve      []Gain              `json:"-"` // of the test
	Likely     Verdict             `json:"-"` // of ranking those first who have the outcome without the treatment
}

// Terms of a trial.
type Terms struct {
	Learner   Learner   // none: the one with the best Qini in cross-validation
	Penalties []float64 // of which the best in cross-validation is taken; none: 1
	Gain      float64   // worth of one outcome in money; 1 when not said
	Cost      float64   // of treating one person, in the same money
	Trust     bool      // the arms were drawn by lot, whatever they look like
	Resamples int       // 200
	Workers   int
}

// Try learns on 70 of a hundred rows, chosen by a hash of their number in the file, and judges on the others. value may be nil; with it (money of each
// person) the effect on it is told too.
func Try(x *learn.Matrix, number []int, treated, y []bool, value []float64, terms Terms) (*Trial, error) {
	if terms.Learner != "" && !Known(terms.Learner) {
		return nil, clientele.Errorf(clientele.Invalid, "unknown learner %q", terms.Learner).WithHint("t, s or x")
	}
	train, test := split(number)
	t := &Trial{Learner: terms.Learner, Rows: len(y), Train: len(train), Test: len(test), Others: map[Learner]Verdict{}}
	outcome := make([]float64, len(y))
	for i, yes := range y {
		outcome[i] = float64(arm(yes))
	}
	t.Effect = Compare(treated, outcome)
	untreated, helped := armsOf(treated, outcome)
	d := experiment.Difference(untreated, helped)
	t.Relative, t.Always, t.Chance = experiment.Relative(untreated, helped), d.AlwaysValid(untreated.N+helped.N, experiment.Usual), d.Believe(0, 0).Chance
	if value != nil {
		e := Compare(treated, value)
		t.Worth = &e
	}
	xTrain, xTest := x.Pick(train), x.Pick(test)
	ways := map[Learner]How{}
	for _, l := range Learners {
		ways[l] = How{l, 1, terms.Workers}
	}
	if len(terms.Penalties) > 0 || terms.Learner == "" {
		penalties, learners, numbers := terms.Penalties, Learners, make([]int, len(train))
		if len(penalties) == 0 {
			penalties = []float64{1}
		}
		if terms.Learner != "" {
			learners = []Learner{terms.Learner}
		}
		for k, i := range train {
			numbers[k] = number[i]
		}
		best, chosen := choose(xTrain, numbers, at(treated, train), at(y, train), learners, penalties, terms.Workers)
		for _, l := range Learners { // those that were not tried take the penalty of the one that was
			ways[l] = How{l, best[chosen].Penalty, terms.Workers}
		}
		maps.Copy(ways, best)
		t.Learner = chosen
	}
	treatedTest, yTest := at(treated, test), at(y, test)
	var score []float64
	for _, l := range Learners {
		m, err := Fit(xTrain, at(treated, train), at(y, train), ways[l])
		if err != nil {
			return nil, err
		}
		s := m.Uplift(xTest)
		t.Others[l] = Judge(s, treatedTest, yTest, cmp.Or(terms.Resamples, 200), 1)
		if l == t.Learner {
			t.Model, t.Verdict, score = m, t.Others[l], s
		}
		if l == T {
			t.Likely = Judge(m.Bare.Margin(xTest), treatedTest, yTest, cmp.Or(terms.Resamples, 200), 1)
		}
	}
	t.Assignment = Assigned(x, treated, train, test, terms.Workers)
	if t.Assignment.Chosen && !terms.Trust {
		return nil, clientele.Errorf(clientele.Invalid, "the treatment was not drawn by lot: from the columns one can tell with an AUC of %.3f who was treated (0.5 is a coin)", t.Assignment.AUC).
			WithHint("differences would be those of the choice, not of the treatment; leave columns out that came after the treatment, or learn from an experiment")
	}
	outcomeTest := make([]float64, len(test))
	for k, i := range test {
		outcomeTest[k] = outcome[i]
	}
	t.Groups = Groups(score, treatedTest, outcomeTest, 10)
	t.Policies = Policies(score, treatedTest, outcomeTest, terms.Gain, terms.Cost)
	t.Line, t.Curve = Fitted(score, treatedTest, outcomeTest), Curve(score, treatedTest, yTest)
	t.advise(terms)
	return t, nil
}

// advise says whom to treat: where choosing does not pay, all or nobody.
func (t *Trial) advise(terms Terms) {
	t.Cut = terms.Cost / terms.Gain
	switch {
	case t.Verdict.Benefit:
		t.Advice = "some"
	case t.Effect.Low > t.Cut:
		t.Advice = "all"
	default:
		t.Advice = "none"
	}
}

// Uplift scores rows.
func (t *Trial) Uplift(x *learn.Matrix) []float64 { return t.Model.Uplift(x) }

// Treat says whom the advice treats.
func (t *Trial) Treat(uplift float64) bool {
	return t.Advice == "all" || t.Advice == "some" && uplift > t.Cut
}

// Known says whether a name is one of a learner.
func Known(l Learner) bool { return slices.Contains(Learners, l) }
