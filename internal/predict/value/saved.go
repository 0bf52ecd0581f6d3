package value

import "clientele"

// Saved is what is needed of a fit to score later, as JSON.
type Saved struct {
	Model      string             `json:"model"`
	Parameters map[string]float64 `json:"parameters"`
	Spend      *GammaGamma        `json:"spend,omitempty"`
	MeanOrder  float64            `json:"mean_order"`
	Dropout    bool               `json:"dropout"`
}

// Save keeps what Score needs.
func (f *Fit) Save() Saved {
	return Saved{Model: f.Model.Name(), Parameters: f.Model.Parameters(), Spend: f.Spend, MeanOrder: f.MeanOrder, Dropout: f.Dropout}
}

// Fit is the fit that was saved; of what was learned beside it nothing is known. It scores as the one that was saved.
func (s Saved) Fit() (*Fit, error) {
	f := &Fit{Spend: s.Spend, MeanOrder: s.MeanOrder, Dropout: s.Dropout, Asked: s.Model}
	p := s.Parameters
	switch s.Model {
	case Pareto:
		f.Model = ParetoNBD{p["r"], p["alpha"], p["s"], p["beta"]}
	case MBG:
		f.Model = MBGNBD{p["r"], p["alpha"], p["a"], p["b"]}
	case BG:
		f.Model = BGNBD{p["r"], p["alpha"], p["a"], p["b"]}
	case Plain:
		f.Model = NBD{p["r"], p["alpha"]}
	default:
		return nil, clientele.Errorf(clientele.Corrupt, "a saved fit of the model %q", s.Model)
	}
	for _, v := range f.Model.Parameters() {
		if !(v > 0) || !finite(v) {
			return nil, clientele.Errorf(clientele.Corrupt, "a saved fit of the model %s has no usable parameters", s.Model)
		}
	}
	return f, nil
}

// Correlation of the ranks of two columns, between -1 and 1.
func Correlation(a, b []float64) float64 { return zeroed(correlation(ranks(a), ranks(b))) }

// Captured is the share of the whole that the given share of customers holds who are ranked highest.
func Captured(score, whole []float64, share float64) float64 {
	return zeroed(topShare(score, whole, share))
}

// Came is what each customer of a window did behind one day up to another.
func (h *History) Came(w Window, after, upTo int32) (orders, spent []float64) {
	orders, spent = make([]float64, len(w.Customers)), make([]float64, len(w.Customers))
	for i, c := range w.Customers {
		orders[i], spent[i] = h.between(c, after, upTo)
	}
	return orders, spent
}

// Spent is what each customer of a window spent up to a day.
func (h *History) Spent(w Window, day int32) []float64 {
	out := make([]float64, len(w.Customers))
	for i, c := range w.Customers {
		out[i] = h.before(c, day)
	}
	return out
}
