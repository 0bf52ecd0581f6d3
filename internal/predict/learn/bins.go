package learn

import (
	"math"
	"slices"
	"sort"
)

// maxBins is how many bins a column's values fall into; bin 0 is for those that are missing.
const maxBins = 255

// groupWidth is how many columns lie together, row by row: what one pass over the rows adds up.
const groupWidth = 8

// binned is a matrix as bin numbers.
type binned struct {
	rows, columns int
	edges         [][]float64           // by column: bin b (from 1) holds values below edges[b-1], the last the rest
	groups        [][][groupWidth]uint8 // by group of columns, then by row
}

// bin puts values into bins: one for each distinct value where there are few, else by quantile
// of (at the most 200,000, evenly spaced) rows.
func bin(x *Matrix, workers int) *binned {
	b := &binned{rows: x.Rows(), columns: len(x.Columns)}
	b.edges = make([][]float64, b.columns)
	b.groups = make([][][groupWidth]uint8, (b.columns+groupWidth-1)/groupWidth)
	for g := range b.groups {
		b.groups[g] = make([][groupWidth]uint8, b.rows)
	}
	parallel(len(b.groups), workers, func(g int) {
		for k := range min(groupWidth, b.columns-g*groupWidth) {
			j := g*groupWidth + k
			b.edges[j] = edgesOf(x.Columns[j])
			for i, v := range x.Columns[j] {
				b.groups[g][i][k] = binOf(b.edges[j], v)
			}
		}
	})
	return b
}

func binOf(edges []float64, v float64) uint8 {
	if math.IsNaN(v) {
		return 0
	}
	return uint8(1 + sort.Search(len(edges), func(k int) bool { return edges[k] > v }))
}

func edgesOf(column []float64) []float64 {
	const sample = 200_000
	stride := max(1, len(column)/sample)
	values := make([]float64, 0, len(column)/stride+1)
	for i := 0; i < len(column); i += stride {
		if !math.IsNaN(column[i]) {
			values = append(values, column[i])
		}
	}
	slices.Sort(values)
	distinct := slices.Compact(slices.Clone(values))
	var edges []float64
	if len(distinct) < maxBins {
		for i := 1; i < len(distinct); i++ {
			edges = append(edges, distinct[i-1]+(distinct[i]-distinct[i-1])/2)
		}
		return edges
	}
	for k := 1; k < maxBins-1; k++ {
		at := k * len(values) / (maxBins - 1)
		if q := values[at]; q > values[0] && (len(edges) == 0 || q > edges[len(edges)-1]) {
			edges = append(edges, q)
		}
	}
	return edges
}
