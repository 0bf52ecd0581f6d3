package learn

import (
	"cmp"
	"math"
	"slices"

	"clientele"
)

// Settings of a training. The zero value chooses by itself.
type Settings struct {
	Algorithm string   // logistic, trees, or empty: the better one on the validation rows
	Keep      []string // columns that stay although they look like the answer
	Workers   int
	Trees     int // at the most; 0 = 300
	// Parts says which rows train, choose and test; nil splits by time or by a hash.
	Parts *Parts
}

// Parts are rows by what they are for.
type Parts struct {
	Train, Validation, Test []int
	By                      string // what splits them, for people
}

// MinClass is how many rows of each class a training needs.
const MinClass = 50

// leakAUC and suspectAUC: a column that alone ranks this well is left out, or named.
const leakAUC, suspectAUC = 0.99, 0.95

// Model is a trained model: a ranking and what its log-odds mean.
type Model struct {
	Algorithm   string // logistic or trees
	Logistic    *Logistic
	Forest      *Forest
	Calibration *Calibrator
	Columns     []string // of the matrix it takes
	Report      Report
	trained     profile
}

// Report says how a model was made and what it is worth.
type Report struct {
	Rows        int      `json:"rows"`
	Positives   int      `json:"positives"`
	Train       int      `json:"train_rows"`
	Validation  int      `json:"validation_rows"`
	Test        int      `json:"test_rows"`
	Split       string   `json:"split"` // time or hash
	Chosen      string   `json:"chosen"`
	Candidates  []Score  `json:"candidates"` // on the validation rows
	Result      Score    `json:"test"`       // the chosen one, calibrated, on the test rows
	Naive       []Score  `json:"naive"`      // guesses without a model, on the test rows
	Calibration string   `json:"calibration"`
	Reliability []Bin    `json:"reliability"`
	Drivers     []Driver `json:"drivers"`
	LeftOut     []Note   `json:"left_out,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
}

// Note says why a column was treated as it was.
type Note struct {
	Column string `json:"column"`
	Why    string `json:"why"`
}

// Driver is a column that moves the model's answers.
type Driver struct {
	Column string  `json:"column"`
	Weight float64 `json:"weight"` // mean size of its contribution, in log-odds
	// Direction is the correlation of value and contribution: +1 more means likelier, -1 less
	// likely, near 0 it depends. 0 for columns of several categories.
	Direction float64 `json:"direction"`
}

// Fit trains both kinds of model on the first part of the rows, chooses between them and
// calibrates on the second, and measures on the third (60, 20, 20 %). With times the parts
// follow one another; without, rows are spread by a hash of their number.
func Fit(x *Matrix, y []bool, times []int64, how Settings) (*Model, error) {
	yes := count(y)
	if yes < MinClass || len(y)-yes < MinClass {
		return nil, clientele.Errorf(clientele.Invalid, "too little to learn from: %d rows with the answer yes and %d with no; at least %d of each are needed",
			yes, len(y)-yes, MinClass).WithHint("add history, make the window of the outcome longer, or choose a more common event")
	}
	if len(y) > MaxRows {
		return nil, clientele.Errorf(clientele.TooLarge, "%d rows; at the most %d are taken", len(y), MaxRows)
	}
	train, valid, test, by := parts(len(y), times)
	if p := how.Parts; p != nil {
		train, valid, test, by = p.Train, p.Validation, p.Test, p.By
	}
	report := Report{Rows: len(y), Positives: yes, Train: len(train), Validation: len(valid), Test: len(test), Split: by}
	for _, part := range [][]int{train, valid, test} {
		if n := count(pickLabels(y, part)); n < 5 || len(part)-n < 5 {
			return nil, clientele.Errorf(clientele.Invalid, "too little to check a model by: a part of %d rows has %d with the answer yes; each part needs 5 of both", len(part), n).
				WithHint("training, choice and test take 60, 20 and 20 %% of the rows, by %s", by)
		}
	}
	x = withoutLeaks(x, y, how.Keep, &report)
	if len(x.Columns) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "no column is left to learn from").WithHint("constant columns, row numbers and columns that give the answer away are left out")
	}
	trainX, trainY := x.Pick(train), pickLabels(y, train)
	validX, validY := x.Pick(valid), pickLabels(y, valid)
	m := &Model{Columns: x.Names, trained: profileOf(trainX)}
	if err := m.choose(trainX, trainY, validX, validY, how, &report); err != nil {
		return nil, err
	}
	testX, testY := x.Pick(test), pickLabels(y, test)
	margin := m.Margin(testX, how.Workers)
	p := m.probabilities(margin)
	report.Chosen, report.Calibration = m.Algorithm, m.Calibration.Method
	report.Result = Measure(m.Algorithm, p, margin, testY)
	report.Reliability = Reliability(p, testY, 10)
	report.Naive = naive(trainX, trainY, testX, testY)
	report.Drivers = m.drivers(testX)
	if report.Result.AUC < 0.55 {
		report.Warnings = append(report.Warnings, "the model ranks hardly better than chance: do not target by it")
	}
	m.Report = report
	return m, nil
}

// parts splits rows into training, validation and test.
func parts(n int, times []int64) (train, valid, test []int, by string) {
	if times != nil && slices.Min(times) != slices.Max(times) {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(times[a], times[b]) })
		// Rows of one moment stay together: the later part never holds what the earlier was trained on.
		first, second := boundary(order, times, n*6/10), boundary(order, times, n*8/10)
		if first > 0 && second > first && second < n {
			return order[:first], order[first:second], order[second:], "time"
		}
	}
	for i := range n {
		switch h := Hash01(i); {
		case h < 0.6:
			train = append(train, i)
		case h < 0.8:
			valid = append(valid, i)
		default:
			test = append(test, i)
		}
	}
	return train, valid, test, "hash"
}

func boundary(order []int, times []int64, at int) int {
	for at < len(order) && at > 0 && times[order[at]] == times[order[at-1]] {
		at++
	}
	return at
}

// withoutLeaks leaves out columns that alone say almost everything: they are known only once the
// answer is.
func withoutLeaks(x *Matrix, y []bool, keep []string, report *Report) *Matrix {
	best := map[string]float64{}
	for j := range x.Columns {
		best[x.Sources[j]] = max(best[x.Sources[j]], strength(x.Columns[j], y))
	}
	var out []string
	done := map[string]bool{}
	for _, source := range x.Sources {
		if done[source] {
			continue
		}
		done[source] = true
		switch auc := best[source]; {
		case auc >= leakAUC && !slices.Contains(keep, source):
			out = append(out, source)
			report.LeftOut = append(report.LeftOut, Note{source, "it alone ranks the answers almost perfectly: it is likely known only afterwards"})
			report.Warnings = append(report.Warnings, "column "+source+" gives the answer away and was left out; keep it only when it is known before the event")
		case auc >= suspectAUC:
			report.Warnings = append(report.Warnings, "column "+source+" alone ranks the answers very well: check that it is known before the event")
		}
	}
	if out == nil {
		return x
	}
	return x.Without(out)
}

// strength is the AUC of one column alone, either way round, missing values lowest or highest.
func strength(column []float64, y []bool) float64 {
	low, high := AUC(column, y), 0.5
	for i, v := range column {
		if math.IsNaN(v) {
			filled := slices.Clone(column)
			for k := i; k < len(filled); k++ {
				if math.IsNaN(filled[k]) {
					filled[k] = math.Inf(1)
				}
			}
			high = AUC(filled, y)
			break
		}
	}
	return max(low, 1-low, high, 1-high)
}

// logisticCells bounds the rows x columns that the regression is trained on; a larger table
// gives every so-many-th row. Its error is below what the choice can see.
const logisticCells = 40_000_000

func (m *Model) choose(trainX *Matrix, trainY []bool, validX *Matrix, validY []bool, how Settings, report *Report) error {
	type candidate struct {
		name   string
		margin []float64
		trees  int
	}
	var all []candidate
	switch how.Algorithm {
	case "", "auto", "logistic", "trees":
	default:
		return clientele.Errorf(clientele.Invalid, "unknown algorithm %q", how.Algorithm).WithHint("logistic, trees or auto")
	}
	if how.Algorithm != "trees" {
		x, y := trainX, trainY
		if stride := (len(y)*len(x.Columns) + logisticCells - 1) / logisticCells; stride > 1 {
			var rows []int
			for i := 0; i < len(y); i += stride {
				rows = append(rows, i)
			}
			x, y = x.Pick(rows), pickLabels(y, rows)
		}
		m.Logistic = FitLogistic(x, y, 1, how.Workers)
		all = append(all, candidate{"logistic", m.Logistic.Margin(validX), 0})
	}
	if how.Algorithm != "logistic" {
		growth := Growth{Trees: how.Trees, Leaves: 31, Rate: 0.05, MinLeaf: 20, L2: 1, Workers: how.Workers, Checked: validX, CheckedY: validY, Patience: 20}
		if growth.Trees == 0 {
			growth.Trees = 300
		}
		if len(trainY) < 5000 { // little data carries little structure
			growth.Leaves = 7
		}
		m.Forest = FitForest(trainX, trainY, growth)
		all = append(all, candidate{"trees", m.Forest.Margin(validX, how.Workers), len(m.Forest.Trees)})
	}
	best := 0
	for k, c := range all {
		p := make([]float64, len(c.margin))
		for i, z := range c.margin {
			p[i] = Sigmoid(z)
		}
		s := Measure(c.name, p, c.margin, validY)
		s.Trees = c.trees
		report.Candidates = append(report.Candidates, s)
		if s.LogLoss < report.Candidates[best].LogLoss {
			best = k
		}
	}
	m.Algorithm = all[best].name
	m.Calibration = Calibrate(all[best].margin, validY)
	return nil
}

// naive measures what needs no model: the rate for everybody, and the best single column.
func naive(trainX *Matrix, trainY []bool, testX *Matrix, testY []bool) []Score {
	rate := make([]float64, len(testY))
	for i := range rate {
		rate[i] = Rate(trainY)
	}
	out := []Score{Measure("the same rate for everybody", rate, nil, testY)}
	best, at := 0.5, -1
	for j, column := range trainX.Columns {
		if a := AUC(column, trainY); max(a, 1-a) > best {
			best, at = max(a, 1-a), j
		}
	}
	if at >= 0 {
		out = append(out, Guess("the best column alone: "+trainX.Names[at], trainX.Columns[at], trainY, testX.Columns[at], testY))
	}
	return out
}

// Guess measures what one column alone says, by a regression on it.
func Guess(name string, train []float64, trainY []bool, test []float64, testY []bool) Score {
	one := func(column []float64) *Matrix {
		x := &Matrix{}
		x.Add(name, "", column)
		return x
	}
	margin := FitLogistic(one(train), trainY, 1, 1).Margin(one(test))
	p := make([]float64, len(margin))
	for i, z := range margin {
		p[i] = Sigmoid(z)
	}
	return Measure(name, p, nil, testY)
}

// Margin is the model's log-odds before calibration.
func (m *Model) Margin(x *Matrix, workers int) []float64 {
	x = m.align(x)
	if m.Algorithm == "logistic" {
		return m.Logistic.Margin(x)
	}
	return m.Forest.Margin(x, workers)
}

// align puts the columns of x into the model's order.
func (m *Model) align(x *Matrix) *Matrix { return x.Aligned(m.Columns) }

func (m *Model) probabilities(margin []float64) []float64 {
	p := make([]float64, len(margin))
	for i, z := range margin {
		p[i] = m.Calibration.Probability(z)
	}
	return p
}

// Probability is the calibrated probability of each row, and the margins that rank them.
func (m *Model) Probability(x *Matrix, workers int) (p, margin []float64) {
	margin = m.Margin(x, workers)
	return m.probabilities(margin), margin
}
