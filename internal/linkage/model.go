package linkage

import (
	"math"
)

// Model holds what was learned of the fields: how often two records of one person, of two people and of
// two people of one household agree on each level. Weights are logarithms to base 2.
//
// The weight of a pair is Fellegi and Sunter's (1969): log2(lambda/(1-lambda)) + sum over fields of
// log2(m/u), where a field that one of both has not counts nothing. Agreement on a value that few have counts more
// (term frequencies): there u is the value's own frequency. Evidence that a household shares is not
// counted as if it were independent: see household.
type Model struct {
	Fields    []FieldModel `json:"fields"`
	Lambda    float64      `json:"lambda"`    // share of all pairs of records that are of one person
	Household float64      `json:"household"` // share of all pairs that are of two people of one household
	Partners  float64      `json:"partners"`  // further records that a record has of its person, on average
	Rounds    int          `json:"rounds"`    // of EM

	records   int
	given     int // fields of the names, -1 for none
	surname   int
	prior     float64
	houseOdds float64 // log2 of household to other pairs of two people
}

// FieldModel is one field's part of a model.
type FieldModel struct {
	Name    string       `json:"name"`
	Columns []string     `json:"columns"`
	Filled  float64      `json:"filled"` // share of the records that have a value
	Levels  []LevelModel `json:"levels"` // the worst agreement first

	kind   kind
	filled float64
	group  bool
	unsure bool
	weight []float64 // by level: log2(m/u)
	house  []float64 // by level: log2(h/u); 0 for fields that a household does not share
	tfw    []float64 // by level: weight of the term frequency
	topU   float64
	least  float64   // records that a value is taken to have at least
	alike  []float64 // by level: log2(m/u) where both names agree; nil for all but e-mail
}

// LevelModel is one level of agreement.
type LevelModel struct {
	Name      string  `json:"name"`
	M         float64 `json:"m"`                  // share among pairs of one person
	U         float64 `json:"u"`                  // share among pairs of two people
	Namesake  float64 `json:"namesake,omitempty"` // share among pairs of two people of one name, where that matters
	Household float64 `json:"household,omitempty"`
	Weight    float64 `json:"weight"` // log2(m/u)
}

// priorM is what is expected of m before any record is seen, worth priorPairs pairs.
var priorM = [...][]float64{
	kindGiven:      {.04, .03, .04, .03, .08, .05, .73},
	kindSurname:    {.05, .03, .03, .03, .09, .02, .75},
	kindDate:       {.04, .02, .02, .05, .02, .07, .78},
	kindEmail:      {.20, .05, .05, .05, .65},
	kindPhone:      {.25, .04, .03, .68},
	kindPostcode:   {.12, .04, .04, .05, .75},
	kindAddress:    {.15, .05, .05, .10, .65},
	kindIdentifier: {.01, .04, .05, .90},
	kindCategory:   {.10, .90},
	kindNumber:     {.25, .10, .65},
	kindText:       {.20, .10, .10, .60},
}

// priorHousehold is what is expected among pairs of two people of one household, or of one office. Fields that
// are not here such people share no more than any two.
var priorHousehold = [...][]float64{
	kindSurname:  {.15, .03, .04, .03, .05, .02, .68},
	kindEmail:    {.70, .08, .02, .03, .17},
	kindPhone:    {.55, .03, .02, .40},
	kindPostcode: {.08, .03, .03, .03, .83},
	kindAddress:  {.10, .05, .05, .10, .70},
	kindCategory: {.05, .95},
	kindText:     {.15, .05, .05, .75},
}

// usual is how many people share a value of the kind, as a share of a population: what is expected of rare values
// where there are too few records to tell.
var usual = [...]float64{kindGiven: 5e-3, kindSurname: 1e-3, kindDate: 5e-5, kindEmail: 1e-6, kindPhone: 1e-6, kindPostcode: 1e-3, kindAddress: 1e-5, kindIdentifier: 1e-7, kindCategory: 0.1, kindNumber: 1e-2, kindText: 1e-2}

// priorNamesake is what is expected of the e-mail addresses of two people of one name: addresses are made of
// names, so theirs are alike.
var priorNamesake = []float64{.90, .09, .002, .006, .002}

const priorPairs = 20

// expected is the prior of m: of a field that nobody named, what two people show, so that it counts only as far as
// the records teach.
func (f *FieldModel) expected(level int) float64 {
	if f.unsure {
		return f.Levels[level].U
	}
	return priorM[f.kind][level]
}

// expectedHome is the prior of the household's.
func (f *FieldModel) expectedHome(level int) float64 {
	if f.unsure {
		return f.Levels[level].U
	}
	return priorHousehold[f.kind][level]
}

// tfWeights: how much of the term frequency counts at a level, as a share: all for equal values, half where the values
// are nearly equal (Splink's advice), as both are then forms of one.
func tfWeights(k kind) []float64 {
	n := len(levelNames[k])
	out := make([]float64, n)
	out[n-1] = 1
	switch k {
	case kindGiven:
		out[3], out[4], out[5] = 0.4, 0.6, 0.5
	case kindSurname:
		out[3], out[4] = 0.4, 0.6
	case kindText:
		out[2] = 0.5
	}
	return out
}

// frequency is the share of records with the value that a record of another person is expected to meet: its
// own person's other records are taken off.
func (m *Model) frequency(f *FieldModel, count uint32) float64 {
	top := f.Levels[len(f.Levels)-1].M
	others := float64(count) - top*m.Partners
	return math.Max(others, f.least) / math.Max(f.filled, 1)
}

// terms are the parts of a pair's weight.
type terms struct {
	weight float64
	parts  [maxFields]float64
	house  float64 // what is taken off for the household
}

// namesakes says whether two records have one name, as far as they say.
func (m *Model) namesakes(levels []int8) bool {
	g, s := unknown, unknown
	if m.given >= 0 {
		g = levels[m.given]
	}
	if m.surname >= 0 {
		s = levels[m.surname]
	}
	const sounds = 3
	return (s >= sounds || s < 0) && (g >= levelPart || g < 0) && (s >= sounds || g >= sounds)
}

const log2 = math.Ln2

// score weighs the pair that was compared last.
func (m *Model) score(c *comparer, t *terms) float64 {
	sum, house := m.prior, m.houseOdds
	namesakes := m.namesakes(c.levels[:])
	for i := range m.Fields {
		l := c.levels[i]
		if l < 0 {
			if t != nil {
				t.parts[i] = 0
			}
			continue
		}
		f := &m.Fields[i]
		w := f.weight[l]
		if namesakes && f.alike != nil {
			w = f.alike[l]
		}
		h := f.house[l]
		if share := f.tfw[l]; share > 0 {
			count := c.fields[i].count
			adjust := share * math.Log2(f.topU/m.frequency(f, max(count[c.best[i][0]], count[c.best[i][1]])))
			w += adjust
			if f.group {
				h += adjust
			}
		}
		sum += w
		house += h
		if t != nil {
			t.parts[i] = w
		}
	}
	off := 0.0
	if house > -8 {
		off = math.Log1p(math.Exp2(math.Min(house, 1000))) / log2
	}
	if t != nil {
		t.house, t.weight = off, sum-off
	}
	return sum - off
}

// Probability is what a weight says: 2^w / (1 + 2^w).
func Probability(weight float64) float64 { return 1 / (1 + math.Exp2(-weight)) }

// Weight is the weight that a probability between 0 and 1 says: log2(p/(1-p)).
func Weight(probability float64) float64 { return math.Log2(probability / (1 - probability)) }
