package uplift_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"clientele/internal/predict/learn"
	"clientele/internal/predict/uplift"
	"clientele/internal/race"
)

// arms is one e-mail of Hillstrom's experiment against none: 70 % to learn, 30 % to test, by a hash of the row number.
func arms(t *testing.T, mail string) (x [2]*learn.Matrix, treated, y [2][]bool) {
	t.Helper()
	f, err := os.Open("../../../../shared/data/commerce/hillstrom/hillstrom.csv.gz")
	if err != nil {
		t.Skip("the Hillstrom data is not beside the project")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"recency", "history", "mens", "womens", "newbie", "rural", "urban", "phone", "web"}
	var columns [2][9][]float64
	flag := func(is bool) float64 {
		if is {
			return 1
		}
		return 0
	}
	number := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	for i, r := range rows[1:] {
		if r[8] != mail && r[8] != "No E-Mail" {
			continue
		}
		p := 0
		if learn.Hash01(i) >= 0.7 {
			p = 1
		}
		for j, v := range []float64{number(r[0]), math.Log(number(r[2])), number(r[3]), number(r[4]), number(r[6]), flag(r[5] == "Rural"), flag(r[5] == "Urban"), flag(r[7] == "Phone"), flag(r[7] == "Web")} {
			columns[p][j] = append(columns[p][j], v)
		}
		treated[p] = append(treated[p], r[8] == mail)
		y[p] = append(y[p], r[9] == "1")
	}
	for p := range x {
		x[p] = &learn.Matrix{}
		for j, name := range names {
			x[p].Add(name, "", columns[p][j])
		}
	}
	return x, treated, y
}

func TestHillstrom(t *testing.T) {
	race.Skip(t)
	for _, c := range []struct {
		mail     string
		learner  uplift.Learner
		low, top float64
		benefit  bool
	}{
		{"Womens E-Mail", uplift.T, 0.0374, 0.0474, true},
		{"Womens E-Mail", uplift.S, 0.0374, 0.0474, true},
		{"Womens E-Mail", uplift.X, 0.038, 0.048, true},
		{"Mens E-Mail", uplift.T, -0.03, 0.03, false},
		{"Mens E-Mail", uplift.X, -0.03, 0.03, false},
	} {
		x, treated, y := arms(t, c.mail)
		m, err := uplift.Fit(x[0], treated[0], y[0], uplift.How{Learner: c.learner, Penalty: 1, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		v := uplift.Judge(m.Uplift(x[1]), treated[1], y[1], 100, 1)
		if v.Qini < c.low || v.Qini > c.top || v.Benefit != c.benefit {
			t.Errorf("%s, %s-learner, %d and %d rows: %+v", c.mail, c.learner, len(y[0]), len(y[1]), v)
		}
	}
}

// The toy cases of scikit-uplift's tests.
func TestQini(t *testing.T) {
	if q := uplift.Qini([]float64{0.1, 0.3}, []bool{true, false}, []bool{false, true}); q != 1 {
		t.Errorf("Qini %v, want 1", q)
	}
}

func TestTooLittle(t *testing.T) {
	x := &learn.Matrix{}
	x.Add("a", "", make([]float64, 4))
	if _, err := uplift.Fit(x, []bool{true, false, true, false}, make([]bool, 4), uplift.How{Learner: uplift.T, Penalty: 1, Workers: 1}); err == nil {
		t.Error("four rows were enough")
	}
}

// TestNothing is experiments without any effect: the interval may be above 0 in one of forty, and the effect significant in one of twenty; also where
// cross-validation chose whose Qini is best.
func TestNothing(t *testing.T) {
	found, chosen, significant := 0, 0, 0
	for k := range 60 {
		random := rand.New(rand.NewPCG(uint64(k), 7))
		x := &learn.Matrix{}
		n := 1500
		columns := [3][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
		treated, y, outcome, number := make([]bool, n), make([]bool, n), make([]float64, n), make([]int, n)
		for i := range n {
			for j := range columns {
				columns[j][i] = random.NormFloat64()
			}
			treated[i], number[i] = random.IntN(2) == 0, i
			if y[i] = random.Float64() < learn.Sigmoid(columns[0][i]); y[i] {
				outcome[i] = 1
			}
		}
		for j, c := range columns {
			x.Add(string(rune('a'+j)), "", c)
		}
		trial, err := uplift.Try(x, number, treated, y, outcome, uplift.Terms{Learner: uplift.T, Gain: 1, Resamples: 100, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if trial.Verdict.Benefit {
			found++
		}
		if trial, err = uplift.Try(x, number, treated, y, outcome, uplift.Terms{Penalties: uplift.Penalties, Gain: 1, Resamples: 100, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		if trial.Verdict.Benefit {
			chosen++
		}
		if trial.Effect.P < 0.05 {
			significant++
		}
	}
	if found > 5 || chosen > 5 || significant > 8 {
		t.Errorf("of 60 experiments without effect %d show a benefit of choosing, %d where the learner was chosen, %d an effect", found, chosen, significant)
	}
}

// TestPolicies: where the treatment helps one half and harms the other, treating the first half is best.
func TestPolicies(t *testing.T) {
	var score, outcome []float64
	var treated []bool
	for i := range 4000 {
		helped, arm := i%2 == 0, i/2%2 == 0
		score, treated = append(score, map[bool]float64{true: 1, false: -1}[helped]), append(treated, arm)
		outcome = append(outcome, map[bool]float64{true: 1, false: 0}[helped == arm])
	}
	p := uplift.Policies(score, treated, outcome, 10, 1)
	if math.Abs(p[5].Mean-1) > 1e-9 || math.Abs(p[0].Mean-.5) > 1e-9 || math.Abs(p[5].Net-9.5) > 1e-9 {
		t.Errorf("%+v", p)
	}
	g := uplift.Groups(score, treated, outcome, 2)
	if g[0].Difference != 1 || g[1].Difference != -1 || math.Abs(g[0].Said-1) > 1e-9 {
		t.Errorf("%+v", g)
	}
}

// TestFitted: the interval around the effect of a score holds what it is in 95 of 100 experiments, and the slope says how much of what was said came.
func TestFitted(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 3))
	held, slope := 0, 0.0
	const times = 400
	for range times {
		n := 800
		score, treated, outcome := make([]float64, n), make([]bool, n), make([]float64, n)
		for i := range score {
			score[i], treated[i] = 0.1+0.1*random.NormFloat64(), random.IntN(3) == 0
			p := 0.3
			if treated[i] {
				p += 0.05 + 0.5*min(max(score[i], -.13), .33)
			}
			if random.Float64() < p {
				outcome[i] = 1
			}
		}
		l := uplift.Fitted(score, treated, outcome)
		slope += l.Slope / times
		if _, low, high := l.Effect(0.25); low < 0.05+0.125 && 0.05+0.125 < high {
			held++
		}
		if v, _, _ := l.Effect(9); v != func() float64 { v, _, _ := l.Effect(l.High); return v }() {
			t.Error("a score that nobody had goes on with the line")
		}
	}
	if held < 365 || held > 395 || math.Abs(slope-.5) > .08 {
		t.Errorf("%d of %d intervals hold the effect, the mean slope is %.3f", held, times, slope)
	}
	// Equal scores, and scores of which the higher ones gained less, leave everybody the effect of all.
	for _, sign := range []float64{0, -1} {
		score, treated, outcome := make([]float64, 400), make([]bool, 400), make([]float64, 400)
		for i := range score {
			treated[i] = i%2 == 0
			score[i] = sign * float64(i%4/2)
			if treated[i] && i%4/2 == 1 || i%20 == 1 {
				outcome[i] = 1
			}
		}
		v, low, high := uplift.Fitted(score, treated, outcome).Effect(1)
		if want := uplift.Compare(treated, outcome).Difference; math.Abs(v-want) > 1e-9 || low >= v || high <= v {
			t.Errorf("%v: %v (%v to %v), of all %v", sign, v, low, high, want)
		}
	}
}

// TestModels: what was learned is the same when it comes back from JSON, with columns in another order too; reasons of x sum to what
// scores differ by; and choosing tells who is helped from who is not.
func TestModels(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	n := 4000
	columns := [3][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
	treated, y, outcome, number := make([]bool, n), make([]bool, n), make([]float64, n), make([]int, n)
	for i := range n {
		for j := range columns {
			columns[j][i] = random.NormFloat64()
		}
		if i%9 == 0 {
			columns[2][i] = math.NaN()
		}
		treated[i], number[i] = random.IntN(2) == 0, i
		z := columns[0][i] / 2
		if treated[i] {
			z += columns[1][i]
		}
		if y[i] = random.Float64() < learn.Sigmoid(z); y[i] {
			outcome[i] = 1
		}
	}
	x := &learn.Matrix{}
	x.Add("a", "", columns[0])
	x.Add("b", "", columns[1])
	x.Add("c", "b", columns[2])
	turned := &learn.Matrix{}
	turned.Add("c", "b", columns[2])
	turned.Add("b", "", columns[1])
	turned.Add("a", "", columns[0])
	for _, l := range uplift.Learners {
		trial, err := uplift.Try(x, number, treated, y, outcome, uplift.Terms{Learner: l, Penalties: uplift.Penalties, Gain: 1, Resamples: 100, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if !trial.Verdict.Benefit || trial.Learner != l || trial.Line.Slope < .7 || trial.Line.Slope > 1.4 || trial.Curve[10].Model < trial.Curve[20].Model+.03 {
			t.Errorf("%s: %+v %+v %+v", l, trial.Verdict, trial.Line, trial.Curve)
		}
		text, err := json.Marshal(trial.Model)
		var back uplift.Model
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || !slices.Equal(back.Uplift(turned), trial.Uplift(x)) {
			t.Errorf("%s: what came back from JSON is another model: %v", l, err)
		}
		why, score := trial.Model.Reasons(x), trial.Uplift(x)
		for _, i := range []int{1, 2, 3} {
			sum, other := 0.0, 0.0
			for _, c := range why(i) {
				sum += c.Adds
			}
			for _, c := range why(i + 3) {
				other += c.Adds
			}
			if l == uplift.X && math.Abs(sum-other-score[i]+score[i+3]) > 1e-9 {
				t.Errorf("reasons sum to %v and %v, the scores are %v and %v", sum, other, score[i], score[i+3])
			}
		}
		if d := trial.Model.Drivers(x); d[0].Column != "b" || d[0].Direction != 1 {
			t.Errorf("%s: %+v", l, d)
		}
	}
}
