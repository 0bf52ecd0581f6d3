package uplift_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
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

// TestNothing is experiments without any effect: the interval may be above 0 in one of forty, and the effect significant in one of twenty.
func TestNothing(t *testing.T) {
	found, significant := 0, 0
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
		if trial.Effect.P < 0.05 {
			significant++
		}
	}
	if found > 5 || significant > 8 {
		t.Errorf("of 60 experiments without effect %d show a benefit of choosing, %d an effect", found, significant)
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
