package learn

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text is a column as a file gives it.
type Text struct {
	Name   string
	Values []string
}

// MaxLevels is how many categories of a column get a feature of their own, the most common ones;
// the others share one.
const MaxLevels = 40

// Encoder turns columns of text into features, the same way for later rows as for the first.
type Encoder struct {
	columns []encoded
	LeftOut []Note // columns that make no feature
	Notes   []Note // columns that were read in a way worth saying
}

type encoded struct {
	name    string
	kind    string // number, date or category
	levels  []string
	missing bool // a feature says that the value is missing
}

var missingWords = map[string]bool{"": true, "na": true, "n/a": true, "nan": true, "null": true, "none": true, "nil": true, "?": true, "-": true, `\n`: true}

// Missing says whether a cell holds nothing.
func Missing(s string) bool { return missingWords[strings.ToLower(strings.TrimSpace(s))] }

// NewEncoder looks at columns: numbers and dates when nearly all values are, else categories. It
// leaves out what is constant, and texts that differ in nearly every row.
func NewEncoder(columns []Text) *Encoder {
	e := &Encoder{}
	for _, c := range columns {
		e.look(c)
	}
	return e
}

func (e *Encoder) leave(name, why string) { e.LeftOut = append(e.LeftOut, Note{name, why}) }

func (e *Encoder) look(c Text) {
	counts := map[string]int{}
	there := 0
	for _, v := range c.Values {
		if !Missing(v) {
			there++
			counts[strings.TrimSpace(v)]++
		}
	}
	gaps := there < len(c.Values)
	switch {
	case there == 0:
		e.leave(c.Name, "it is empty")
		return
	case len(counts) == 1 && !gaps:
		e.leave(c.Name, "all rows have the same value")
		return
	}
	for _, kind := range []string{"number", "date"} {
		read, all := 0, 0
		for v, n := range counts {
			all += n
			if !math.IsNaN(parse(kind, v)) {
				read += n
			}
		}
		if read*100 < all*97 {
			continue
		}
		if kind == "number" && len(counts) == len(c.Values) && looksLikeID(c.Name, counts) {
			e.leave(c.Name, "it numbers the rows")
			return
		}
		if read < all {
			e.Notes = append(e.Notes, Note{c.Name, strconv.Itoa(all-read) + " values are no " + kind + " and count as missing"})
		}
		e.columns = append(e.columns, encoded{name: c.Name, kind: kind, missing: gaps || read < all})
		return
	}
	if len(counts) > 50 && len(counts)*2 > there {
		e.leave(c.Name, "nearly every row has a text of its own")
		return
	}
	levels := make([]string, 0, len(counts))
	for v := range counts {
		levels = append(levels, v)
	}
	slices.SortFunc(levels, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	if len(levels) > MaxLevels {
		e.Notes = append(e.Notes, Note{c.Name, strconv.Itoa(len(levels)) + " categories; the " + strconv.Itoa(MaxLevels) + " most common have features of their own"})
		levels = levels[:MaxLevels]
	}
	e.columns = append(e.columns, encoded{name: c.Name, kind: "category", levels: levels, missing: gaps})
}

// looksLikeID: whole numbers, all different, under a name that says so.
func looksLikeID(name string, counts map[string]int) bool {
	n := strings.ToLower(name)
	if n != "id" && n != "row" && n != "index" && n != "" && !strings.HasSuffix(n, "_id") && !strings.HasSuffix(n, " id") && !strings.HasPrefix(n, "unnamed") {
		return false
	}
	for v := range counts {
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return false
		}
	}
	return true
}

var layouts = []string{time.RFC3339, "2006-01-02", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006/01/02", "02.01.2006"}

// parse reads a cell as a number, or as a date in days since 1970; NaN when it is none.
func parse(kind, s string) float64 {
	s = strings.TrimSpace(s)
	if kind == "number" {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(v, 0) || math.Abs(v) > 1e300 {
			return math.NaN()
		}
		return v
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.Unix()) / 86400
		}
	}
	return math.NaN()
}

// Moment reads a cell as a moment: a number, or a date in days since 1970; NaN when it is neither.
func Moment(s string) float64 {
	if m := parse("date", s); !math.IsNaN(m) {
		return m
	}
	return parse("number", s)
}

// Encode makes the features of rows; a column that is not there counts as missing.
func (e *Encoder) Encode(columns []Text, rows, workers int) *Matrix {
	byName := map[string][]string{}
	for _, c := range columns {
		byName[c.Name] = c.Values
	}
	made := make([]*Matrix, len(e.columns))
	parallel(len(e.columns), workers, func(k int) {
		c := e.columns[k]
		values, ok := byName[c.name]
		if !ok {
			values = make([]string, rows)
		}
		made[k] = c.encode(values)
	})
	out := &Matrix{}
	for _, m := range made {
		for j, name := range m.Names {
			out.Add(name, m.Sources[j], m.Columns[j])
		}
	}
	return out
}

func (c encoded) encode(values []string) *Matrix {
	m := &Matrix{}
	gaps := make([]float64, len(values))
	if c.kind == "category" {
		at := map[string]int{}
		made := make([][]float64, len(c.levels))
		for k, level := range c.levels {
			at[level] = k
			made[k] = make([]float64, len(values))
			m.Add(c.name+"="+level, c.name, made[k])
		}
		for i, v := range values {
			if Missing(v) {
				gaps[i] = 1
			} else if k, ok := at[strings.TrimSpace(v)]; ok {
				made[k][i] = 1
			}
		}
	} else {
		numbers := make([]float64, len(values))
		for i, v := range values {
			numbers[i] = math.NaN()
			if !Missing(v) {
				numbers[i] = parse(c.kind, v)
			}
			if math.IsNaN(numbers[i]) {
				gaps[i] = 1
			}
		}
		m.Add(c.name, c.name, numbers)
	}
	if c.missing {
		m.Add(c.name+" is missing", c.name, gaps)
	}
	return m
}
