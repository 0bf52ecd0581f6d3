// Package learn trains, checks and explains models that answer yes or no for each row: L2
// logistic regression and histogram gradient boosted trees. It knows numbers only: where the
// rows come from, and what they mean, is for its callers.
//
// Equal input gives equal bits whatever the number of workers: trees sum in integers, the
// regression sums in pieces of a fixed size, in order.
package learn

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Matrix holds features by column; NaN is a missing value.
type Matrix struct {
	Names   []string    // one a column: "country=TH", "orders_90d"
	Sources []string    // the column of the input that each was made of: "country", "orders_90d"
	Columns [][]float64 // all of the same length
}

// Rows is the number of rows.
func (m *Matrix) Rows() int {
	if len(m.Columns) == 0 {
		return 0
	}
	return len(m.Columns[0])
}

// Add puts a column at the end. An empty source means that the column is its own source.
func (m *Matrix) Add(name, source string, values []float64) {
	if source == "" {
		source = name
	}
	m.Names = append(m.Names, name)
	m.Sources = append(m.Sources, source)
	m.Columns = append(m.Columns, values)
}

// Pick is the matrix of the given rows, in that order, copied.
func (m *Matrix) Pick(rows []int) *Matrix {
	out := &Matrix{Names: m.Names, Sources: m.Sources, Columns: make([][]float64, len(m.Columns))}
	for j, column := range m.Columns {
		picked := make([]float64, len(rows))
		for k, i := range rows {
			picked[k] = column[i]
		}
		out.Columns[j] = picked
	}
	return out
}

// Without is the matrix without the columns of some sources; values are shared.
func (m *Matrix) Without(sources []string) *Matrix {
	out := &Matrix{}
	for j, name := range m.Names {
		if !slices.Contains(sources, m.Sources[j]) {
			out.Add(name, m.Sources[j], m.Columns[j])
		}
	}
	return out
}

// Aligned has the named columns, in that order; values are shared. A column that is not there is missing in all rows.
func (m *Matrix) Aligned(names []string) *Matrix {
	if slices.Equal(m.Names, names) {
		return m
	}
	at := map[string]int{}
	for j, name := range m.Names {
		at[name] = j
	}
	out := &Matrix{}
	var none []float64
	for _, name := range names {
		if j, ok := at[name]; ok {
			out.Add(name, m.Sources[j], m.Columns[j])
			continue
		}
		if none == nil {
			none = make([]float64, m.Rows())
			for i := range none {
				none[i] = math.NaN()
			}
		}
		out.Add(name, "", none)
	}
	return out
}

// pickLabels is y at the given rows.
func pickLabels(y []bool, rows []int) []bool {
	out := make([]bool, len(rows))
	for k, i := range rows {
		out[k] = y[i]
	}
	return out
}

// parallel runs work for 0..n-1 on the given number of workers and waits. Each index must write
// to places of its own; then the result does not depend on the workers.
func parallel(n, workers int, work func(i int)) {
	workers = min(max(workers, 1), n)
	if workers <= 1 {
		for i := range n {
			work(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				work(int(i))
			}
		})
	}
	wg.Wait()
}

// piece is how many rows are summed together: fixed, so that sums do not depend on the workers.
const piece = 4096

func pieces(n int) int { return (n + piece - 1) / piece }

// pieceOf is the half-open range of rows of piece k.
func pieceOf(k, n int) (from, to int) { return k * piece, min((k+1)*piece, n) }

// Sigmoid turns log-odds into a probability.
func Sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

// softplus is ln(1+e^z) without overflow.
func softplus(z float64) float64 {
	if z > 0 {
		return z + math.Log1p(math.Exp(-z))
	}
	return math.Log1p(math.Exp(z))
}

// Hash01 spreads row numbers over [0,1): Knuth's multiplicative hash, for splits that are the
// same on every run and in every program.
func Hash01(i int) float64 { return float64(uint32(uint64(i)*2654435761)) / (1 << 32) }
