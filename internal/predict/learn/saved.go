package learn

// Saved is what is needed of a model to score, explain and watch later, as JSON.
type Saved struct {
	Algorithm   string      `json:"algorithm"`
	Logistic    *Logistic   `json:"logistic,omitempty"`
	Forest      *Forest     `json:"forest,omitempty"`
	Calibration *Calibrator `json:"calibration"`
	Columns     []string    `json:"columns"`
	Edges       [][]float64 `json:"edges"` // how the columns of the training were spread
	Shares      [][]float64 `json:"shares"`
}

// Save keeps what Probability, Explain and Watch need.
func (m *Model) Save() Saved {
	return Saved{m.Algorithm, m.Logistic, m.Forest, m.Calibration, m.Columns, m.trained.edges, m.trained.shares}
}

// Model is the model that was saved, without its report.
func (s Saved) Model() *Model {
	return &Model{Algorithm: s.Algorithm, Logistic: s.Logistic, Forest: s.Forest, Calibration: s.Calibration, Columns: s.Columns, trained: profile{s.Edges, s.Shares}}
}
