package learn_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/predict/learn"
	"clientele/internal/race"
)

// bank is the UCI bank marketing set without `duration`, split 70/30 by a hash of the row number.
func bank(t *testing.T) (trainX, testX *learn.Matrix, trainY, testY []bool) {
	t.Helper()
	race.Skip(t)
	f, err := os.Open("../../../../shared/data/commerce/bank_marketing/bank-additional-full.csv.gz")
	if err != nil {
		t.Skip("the bank marketing data is not beside the project")
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var columns []learn.Text
	var y []bool
	for j, name := range rows[0] {
		c := learn.Text{Name: name}
		for _, row := range rows[1:] {
			c.Values = append(c.Values, row[j])
		}
		switch name {
		case "y":
			for _, v := range c.Values {
				y = append(y, v == "yes")
			}
		case "duration": // known only after the call
		default:
			columns = append(columns, c)
		}
	}
	x := learn.NewEncoder(columns).Encode(columns, len(y), 2)
	var train, test []int
	for i := range y {
		if learn.Hash01(i) < 0.7 {
			train = append(train, i)
			trainY = append(trainY, y[i])
		} else {
			test = append(test, i)
			testY = append(testY, y[i])
		}
	}
	return x.Pick(train), x.Pick(test), trainY, testY
}

func sigmoids(margin []float64) []float64 {
	out := slices.Clone(margin)
	for i := range out {
		out[i] = learn.Sigmoid(out[i])
	}
	return out
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.6f, want %.6f +- %g", what, got, want, tolerance)
	}
}

// The figures are those of scikit-learn's LogisticRegression (C=1, standardised) on the same rows.
func TestBankLogistic(t *testing.T) {
	trainX, testX, trainY, testY := bank(t)
	if len(trainY) != 28831 || len(trainX.Columns) != 62 {
		t.Fatalf("%d rows x %d columns, want 28831 x 62", len(trainY), len(trainX.Columns))
	}
	m := learn.FitLogistic(trainX, trainY, 1, 2)
	s := learn.Measure("logistic", sigmoids(m.Margin(testX)), nil, testY)
	near(t, "AUC", s.AUC, 0.7939, 1e-4)
	near(t, "log-loss", s.LogLoss, 0.27096, 1e-5)
	near(t, "Brier", s.Brier, 0.07629, 1e-5)
	near(t, "lift of the best tenth", s.Lift10, 4.437, 0.02)
	near(t, "captured by the best fifth", s.Capture20, 0.637, 0.001)
}

func TestBankTrees(t *testing.T) {
	trainX, testX, trainY, testY := bank(t)
	m := learn.FitForest(trainX, trainY, learn.Growth{Trees: 200, Leaves: 31, Rate: 0.05, MinLeaf: 20, Workers: 2})
	s := learn.Measure("trees", sigmoids(m.Margin(testX, 2)), nil, testY)
	if s.AUC < 0.802 {
		t.Errorf("AUC %.4f, want at least 0.802", s.AUC)
	}
	if s.LogLoss > 0.267 {
		t.Errorf("log-loss %.5f, want at most 0.267", s.LogLoss)
	}
	t.Logf("AUC %.4f, log-loss %.5f", s.AUC, s.LogLoss)
}

// planted makes rows whose log-odds are known: 1.5 a - b (where a > 0), gaps in b, noise in c.
func planted(n int, seed uint64) (x *learn.Matrix, y []bool, times []int64) {
	r := rand.New(rand.NewPCG(seed, 1))
	a, b, c := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		a[i], b[i], c[i] = r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
		z := 1.5*a[i] - 1
		if a[i] > 0 {
			z -= b[i]
		}
		y = append(y, r.Float64() < learn.Sigmoid(z))
		if r.Float64() < 0.1 {
			b[i] = math.NaN()
		}
		times = append(times, int64(i/10))
	}
	x = &learn.Matrix{}
	x.Add("a", "", a)
	x.Add("b", "", b)
	x.Add("c", "", c)
	return x, y, times
}

func TestFit(t *testing.T) {
	x, y, times := planted(6000, 3)
	m, err := learn.Fit(x, y, times, learn.Settings{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	r := m.Report
	if r.Split != "time" || r.Train != 3600 || r.Validation != 1200 || r.Test != 1200 {
		t.Errorf("split %s %d/%d/%d", r.Split, r.Train, r.Validation, r.Test)
	}
	if r.Result.AUC < 0.78 || r.Result.LogLoss >= r.Naive[0].LogLoss || r.Result.AUC < r.Naive[1].AUC {
		t.Errorf("test %+v against naive %+v", r.Result, r.Naive)
	}
	near(t, "mean probability", r.Result.Mean, r.Result.Rate, 0.05)
	if r.Drivers[0].Column != "a" || r.Drivers[0].Direction < 0.8 || r.Drivers[len(r.Drivers)-1].Column != "c" {
		t.Errorf("drivers %+v", r.Drivers)
	}
}

// Contributions and base are the margin, to rounding, for both kinds of model.
func TestExplainIsExact(t *testing.T) {
	x, y, times := planted(3000, 5)
	for _, algorithm := range []string{"logistic", "trees"} {
		m, err := learn.Fit(x, y, times, learn.Settings{Algorithm: algorithm})
		if err != nil {
			t.Fatal(err)
		}
		margin := m.Margin(x, 1)
		for i := range 50 {
			sum, contributions := m.Explain(x, i)
			for _, c := range contributions {
				sum += c.Adds
			}
			near(t, algorithm+" sum of contributions", sum, margin[i], 1e-9)
		}
	}
}

func TestSameBitsWhateverTheWorkers(t *testing.T) {
	x, y, times := planted(9000, 7)
	for _, algorithm := range []string{"logistic", "trees"} {
		var first []float64
		for _, workers := range []int{1, 2, 5} {
			m, err := learn.Fit(x, y, times, learn.Settings{Algorithm: algorithm, Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			p, _ := m.Probability(x, workers)
			if first == nil {
				first = p
			} else if !slices.Equal(first, p) {
				t.Errorf("%s: %d workers give other bits than one", algorithm, workers)
			}
		}
	}
}

// A column that knows the answer is left out, by its values or by its being there.
func TestLeakIsLeftOut(t *testing.T) {
	x, y, times := planted(3000, 11)
	answer, presence := make([]float64, len(y)), make([]float64, len(y))
	for i, v := range y {
		presence[i] = math.NaN()
		if v {
			answer[i], presence[i] = 7, float64(i)
		}
	}
	x.Add("refund_of_the_order", "", answer)
	x.Add("answered_at", "", presence)
	m, err := learn.Fit(x, y, times, learn.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Report.LeftOut) != 2 || len(m.Report.Warnings) != 2 || m.Report.Result.AUC > 0.9 {
		t.Errorf("left out %v, AUC %v", m.Report.LeftOut, m.Report.Result.AUC)
	}
	m, err = learn.Fit(x, y, times, learn.Settings{Keep: []string{"refund_of_the_order", "answered_at"}})
	if err != nil || m.Report.Result.AUC < 0.99 {
		t.Errorf("kept on demand: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	x, y, _ := planted(3000, 13)
	constant := &learn.Matrix{}
	for _, c := range []struct {
		name string
		x    *learn.Matrix
		y    []bool
		says string
	}{
		{"ten rows", x.Pick([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), y[:10], "at least 50 of each"},
		{"one class", x, make([]bool, 3000), "0 rows with the answer yes"},
		{"no columns", constant, y, "no column is left"},
	} {
		_, err := learn.Fit(c.x, c.y, nil, learn.Settings{})
		if err == nil || clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCalibration(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{600, 20000} { // Platt, isotonic
		margin, y := make([]float64, n), make([]bool, n)
		for i := range margin {
			margin[i] = 3 * r.NormFloat64() // three times too sure
			y[i] = r.Float64() < learn.Sigmoid(margin[i]/3-1)
		}
		c := learn.Calibrate(margin, y)
		last := 0.0
		for z := -6.0; z <= 6; z += 0.5 {
			p := c.Probability(z)
			near(t, c.Method, p, learn.Sigmoid(z/3-1), 0.08)
			if p < last {
				t.Errorf("%s falls at %v", c.Method, z)
			}
			last = p
		}
	}
}

func TestEncoder(t *testing.T) {
	columns := []learn.Text{
		{Name: "age", Values: []string{"20", "30", "", "50"}},
		{Name: "born", Values: []string{"2001-01-02", "1970-01-02", "1970-01-01", "2000-01-01"}},
		{Name: "city", Values: []string{"Hue", "Hanoi", "Hanoi", "NA"}},
		{Name: "same", Values: []string{"x", "x", "x", "x"}},
		{Name: "none", Values: []string{"", "", "", ""}},
		{Name: "id", Values: []string{"1", "2", "3", "4"}},
	}
	e := learn.NewEncoder(columns)
	x := e.Encode(columns, 4, 1)
	want := []string{"age", "age is missing", "born", "city=Hanoi", "city=Hue", "city is missing"}
	if !slices.Equal(x.Names, want) || len(e.LeftOut) != 3 {
		t.Fatalf("features %v, left out %v", x.Names, e.LeftOut)
	}
	if x.Columns[0][1] != 30 || !math.IsNaN(x.Columns[0][2]) || x.Columns[1][2] != 1 || x.Columns[2][1] != 1 || x.Columns[3][1] != 1 || x.Columns[5][3] != 1 {
		t.Errorf("values %v", x.Columns)
	}
	later := e.Encode([]learn.Text{{Name: "city", Values: []string{"Paris"}}}, 1, 1) // columns missing, a new category
	if !math.IsNaN(later.Columns[0][0]) || later.Columns[3][0] != 0 || later.Columns[4][0] != 0 {
		t.Errorf("later %v", later.Columns)
	}
}

// TestSaved: what is kept as JSON scores as it did, where being there at all is what tells, too.
func TestSaved(t *testing.T) {
	x, y, times := planted(4000, 23)
	there := make([]float64, len(y))
	for i := range there {
		if there[i] = float64(i % 5); !y[i] && i%3 > 0 {
			there[i] = math.NaN()
		}
	}
	x.Add("there", "", there)
	for _, algorithm := range []string{"logistic", "trees"} {
		m, err := learn.Fit(x, y, times, learn.Settings{Algorithm: algorithm, Keep: []string{"there"}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(m.Save())
		if err != nil {
			t.Fatal(err)
		}
		var s learn.Saved
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		want, _ := m.Probability(x, 1)
		got, _ := s.Model().Probability(x, 1)
		if !slices.Equal(got, want) {
			t.Errorf("%s scores otherwise once it was kept", algorithm)
		}
		if _, all := s.Model().Explain(x, 0); len(all) != len(m.Columns) {
			t.Errorf("%s: %d reasons", algorithm, len(all))
		}
	}
}

func TestMetrics(t *testing.T) {
	y := []bool{true, false, true, false}
	near(t, "AUC", learn.AUC([]float64{0.9, 0.8, 0.7, 0.1}, y), 0.75, 0)
	near(t, "AUC of ties", learn.AUC([]float64{1, 1, 1, 1}, y), 0.5, 0)
	near(t, "log-loss", learn.LogLoss([]float64{0.5, 0.5, 0.5, 0.5}, y), math.Ln2, 1e-15)
	near(t, "Brier", learn.Brier([]float64{1, 0, 0, 0}, y), 0.25, 0)
	near(t, "captured", learn.Captured([]float64{0.9, 0.8, 0.7, 0.1}, y, 0.5), 0.5, 0)
	if p := learn.Percentiles([]float64{5, 1, 5, 9}); !slices.Equal(p, []float64{50, 12.5, 50, 87.5}) {
		t.Errorf("percentiles %v", p)
	}
}

func TestDriftNamesItsCause(t *testing.T) {
	x, y, times := planted(4000, 17)
	m, err := learn.Fit(x, y, times, learn.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	cause := func(column string) string { return map[string]string{"a": "price", "b": "stock"}[column] }
	later, _, _ := planted(4000, 19)
	if d := m.Watch(later, cause); d.Moved {
		t.Errorf("the same world drifts: %+v", d)
	}
	for i := range later.Columns[0] {
		later.Columns[0][i] += 1
	}
	if d := m.Watch(later, cause); !d.Moved || d.Cause != "price" || d.Shifts[0].Column != "a" {
		t.Errorf("prices moved, found %+v", d)
	}
}
