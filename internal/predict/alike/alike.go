// Package alike finds people who are like those of a list, and says how well: a fifth of everybody is kept from the
// learning, and what counts is how many of the list's people among them are found, and how far up.
package alike

import (
	"cmp"
	"slices"

	"clientele"
	"clientele/internal/predict/learn"
)

// MinHeld is how many people of the list have to be among those that are kept from the learning.
const MinHeld = 10

// Found is what the best so many of a hundred hold.
type Found struct {
	Share float64 `json:"share"` // of the people kept from the learning, the most alike ones
	Found float64 `json:"found"` // of the list's people among them, those that are in that share
	Lift  float64 `json:"lift"`  // how much denser they are there than on the average
}

// Quality is how well people of the list are found who were kept from the learning.
type Quality struct {
	People int     `json:"people"` // kept
	Seeds  int     `json:"seeds"`  // of the list among them
	AUC    float64 `json:"auc"`    // chance that one of the list stands before another person
	Found  []Found `json:"found"`
	Model  string  `json:"model"`
}

// Model ranks people by how alike they are.
type Model struct {
	Quality   Quality
	Drivers   []learn.Driver
	Naive     []learn.Score // what needs no model, on a part of the people that are learned from
	model     *learn.Model
	reference []float64 // scores of the list's people who were kept from the learning, ascending
	workers   int
}

// Saved is what is needed of a model to rank and explain later, as JSON.
type Saved struct {
	learn.Saved
	Reference []float64 `json:"reference"`
}

// Save keeps it.
func (m *Model) Save() Saved { return Saved{m.model.Save(), m.reference} }

// Restore is the model that was saved, without its quality.
func (s Saved) Restore(workers int) *Model {
	return &Model{model: s.Saved.Model(), reference: s.Reference, workers: workers}
}

// Explain says what moves the score of row i, the strongest first.
func (m *Model) Explain(x *learn.Matrix, i int) []learn.Contribution {
	_, all := m.model.Explain(x, i)
	return all
}

// Learn learns from one row a person, and who is on the list.
func Learn(x *learn.Matrix, listed []bool, workers int) (*Model, error) {
	var rest, held []int
	for i := range listed {
		if learn.Hash01(i) < 0.8 {
			rest = append(rest, i)
		} else {
			held = append(held, i)
		}
	}
	kept := pick(listed, held)
	m := &Model{workers: workers, Quality: Quality{People: len(held)}}
	for _, is := range kept {
		if is {
			m.Quality.Seeds++
		}
	}
	if m.Quality.Seeds < MinHeld {
		return nil, clientele.Errorf(clientele.Invalid, "too few people on the list: %d are among the fifth that is kept from the learning, and %d are needed", m.Quality.Seeds, MinHeld).WithHint("a list of 100 people and more does")
	}
	var err error
	if m.model, err = learn.Fit(x.Pick(rest), pick(listed, rest), nil, learn.Settings{Algorithm: "auto", Workers: workers}); err != nil {
		return nil, err
	}
	m.Quality.Model, m.Drivers, m.Naive = m.model.Report.Chosen, m.model.Report.Drivers, m.model.Report.Naive
	score := m.model.Margin(x.Pick(held), workers)
	m.Quality.AUC = learn.AUC(score, kept)
	for _, share := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5} {
		found := learn.Captured(score, kept, share)
		m.Quality.Found = append(m.Quality.Found, Found{share, found, found / share})
	}
	for k, is := range kept {
		if is {
			m.reference = append(m.reference, score[k])
		}
	}
	slices.Sort(m.reference)
	return m, nil
}

func pick(of []bool, rows []int) []bool {
	out := make([]bool, len(rows))
	for k, i := range rows {
		out[k] = of[i]
	}
	return out
}

// Person is a row with how alike it is.
type Person struct {
	Row        int
	Score      float64 // for the order
	Similarity float64 // share of the list's people who are no more alike: 0.5 is as alike as the one in the middle
}

// Rank puts rows into order, the most alike first. They may be of people who are not customers yet.
func (m *Model) Rank(x *learn.Matrix) []Person {
	score := m.model.Margin(x, m.workers)
	out := make([]Person, len(score))
	for i, s := range score {
		at, _ := slices.BinarySearchFunc(m.reference, s, func(r, s float64) int {
			if r <= s {
				return -1
			}
			return 1
		})
		out[i] = Person{i, s, float64(at) / float64(len(m.reference))}
	}
	slices.SortStableFunc(out, func(a, b Person) int { return cmp.Compare(b.Score, a.Score) })
	return out
}

// Choose keeps who is not on the list, as many as size (0: all) and at least as alike as asked.
func Choose(ranked []Person, listed []bool, size int, similarity float64) []Person {
	var out []Person
	for _, p := range ranked {
		if p.Similarity < similarity || size > 0 && len(out) == size {
			break
		}
		if p.Row >= len(listed) || !listed[p.Row] {
			out = append(out, p)
		}
	}
	return out
}
