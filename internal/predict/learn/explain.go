package learn

import (
	"cmp"
	"math"
	"slices"
)

// Contribution is what one column of the input adds to a row's log-odds, before calibration,
// against the average row: columns made of one source are summed. For the regression it is
// weight x distance from the mean; for trees the sum over the row's paths (Saabas 2014). Both
// are exact: base + all contributions = margin.
type Contribution struct {
	Column string  `json:"column"`
	Adds   float64 `json:"adds"`
}

// Method names how contributions are found, for people.
func (m *Model) Method() string {
	if m.Algorithm == "logistic" {
		return "weight x distance from the mean, in log-odds"
	}
	return "change of the mean along the paths of the trees, in log-odds"
}

// Explain gives the contributions to row i, the largest first, and the average row's log-odds.
func (m *Model) Explain(x *Matrix, i int) (base float64, out []Contribution) {
	x = m.align(x)
	adds := make([]float64, len(x.Columns))
	base = m.contribute(x, i, adds)
	at := map[string]int{}
	for j, v := range adds {
		source := x.Sources[j]
		k, ok := at[source]
		if !ok {
			k = len(out)
			at[source] = k
			out = append(out, Contribution{Column: source})
		}
		out[k].Adds += v
	}
	slices.SortStableFunc(out, func(a, b Contribution) int { return cmp.Compare(math.Abs(b.Adds), math.Abs(a.Adds)) })
	return base, out
}

func (m *Model) contribute(x *Matrix, i int, adds []float64) float64 {
	if m.Algorithm == "logistic" {
		return m.Logistic.contribute(x, i, adds)
	}
	return m.Forest.contribute(x, i, adds)
}

// explained is how many rows the drivers are measured on.
const explained = 2000

// drivers are the columns by the mean size of their contributions, over at most 2,000 rows.
func (m *Model) drivers(x *Matrix) []Driver {
	rows, sources, adds := m.contributions(x)
	var out []Driver
	for k, source := range sources {
		d := Driver{Column: source}
		for _, v := range adds[k] {
			d.Weight += math.Abs(v) / float64(len(rows))
		}
		if j := leader(x, source); j >= 0 {
			values := make([]float64, len(rows))
			for r, i := range rows {
				values[r] = x.Columns[j][i]
			}
			d.Direction = correlation(values, adds[k])
		}
		if d.Weight > 0 {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b Driver) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// contributions of an even sample of rows, by source.
func (m *Model) contributions(x *Matrix) (rows []int, sources []string, adds [][]float64) {
	n := x.Rows()
	stride := max(1, n/explained)
	for i := 0; i < n; i += stride {
		rows = append(rows, i)
	}
	at := make([]int, len(x.Columns))
	for j, source := range x.Sources {
		k := slices.Index(sources, source)
		if k < 0 {
			k = len(sources)
			sources = append(sources, source)
			adds = append(adds, make([]float64, len(rows)))
		}
		at[j] = k
	}
	buffer := make([]float64, len(x.Columns))
	for r, i := range rows {
		clear(buffer)
		m.contribute(x, i, buffer)
		for j, v := range buffer {
			adds[at[j]][r] += v
		}
	}
	return rows, sources, adds
}

// leader is the column that stands for a source: the one of its name, or the only one; else -1.
func leader(x *Matrix, source string) int {
	found, more := -1, false
	for j, s := range x.Sources {
		if s != source {
			continue
		}
		if x.Names[j] == source {
			return j
		}
		found, more = j, found >= 0
	}
	if more {
		return -1
	}
	return found
}

// correlation of the pairs that are there; 0 where one side does not vary.
func correlation(a, b []float64) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for i := range a {
		if math.IsNaN(a[i]) {
			continue
		}
		n++
		sa, sb = sa+a[i], sb+b[i]
		saa, sbb, sab = saa+a[i]*a[i], sbb+b[i]*b[i], sab+a[i]*b[i]
	}
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if n < 2 || va <= 1e-12*saa || vb <= 1e-12*sbb {
		return 0
	}
	return min(max((sab-sa*sb/n)/math.Sqrt(va*vb), -1), 1)
}
