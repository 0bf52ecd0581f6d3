package value

import "math"

// Measure says how near a guess came to what customers did.
type Measure struct {
	Name        string  `json:"name"`
	Orders      float64 `json:"orders"`        // predicted, all customers
	MAE         float64 `json:"mae"`           // mean absolute error of a customer's orders
	RMSE        float64 `json:"rmse"`          // root of the mean squared error
	Pearson     float64 `json:"pearson"`       // of predicted and actual orders
	Spearman    float64 `json:"spearman"`      // the same of ranks
	Separation  float64 `json:"auc_active"`    // AUC of "orders at all" by predicted orders
	AliveAUC    float64 `json:"auc_alive"`     // the same by the chance of being alive; 0 when there is none
	Brier       float64 `json:"brier_alive"`   // squared error of that chance; 0 when there is none
	Value       float64 `json:"value"`         // predicted, currency
	ValueMAE    float64 `json:"value_mae"`     // mean absolute error of a customer's value
	ValueCorr   float64 `json:"value_pearson"` // of predicted and actual value
	TopTenShare float64 `json:"top_10_share"`  // of the actual value, by the tenth of customers that was ranked highest
}

// Class is customers of the same number of repeat orders before.
type Class struct {
	Frequency int     `json:"frequency"` // the last stands for all above it
	Customers int     `json:"customers"`
	Actual    float64 `json:"actual"`    // mean orders behind
	Predicted float64 `json:"predicted"` // mean orders predicted
}

// Backtest is a model that was learned at an earlier day and is held against what came behind it.
type Backtest struct {
	Until     int32     `json:"-"` // last day that was learned from
	To        int32     `json:"-"` // last day that was predicted
	Customers int       `json:"customers"`
	Orders    float64   `json:"actual_orders"`
	Value     float64   `json:"actual_value"`
	Active    float64   `json:"active_share"`
	Oracle    float64   `json:"top_10_share_best"` // of the value, by those who were the best tenth in truth
	Model     Measure   `json:"model"`
	Naive     []Measure `json:"naive"`
	Classes   []Class   `json:"by_frequency"`
	Better    bool      `json:"better_than_naive"` // nearer, in orders, than every naive guess
}

// most classes of the table by frequency.
const mostClasses = 7

// Test holds the fit against the orders behind the day it was learned at. The naive guesses are: everybody goes on at the
// pace so far, everybody does what the mean customer does, and nobody comes back.
func (f *Fit) Test(h *History, w Window, until, to int32, unit float64) *Backtest {
	n := len(w.Summaries)
	b := &Backtest{Until: until, To: to, Customers: n}
	t := float64(to-until) / unit
	orders, value, did := make([]float64, n), make([]float64, n), make([]bool, n)
	active := 0.0
	for i, c := range w.Customers {
		orders[i], value[i] = h.between(c, until, to)
		b.Orders += orders[i]
		b.Value += value[i]
		if did[i] = orders[i] > 0; did[i] {
			active++
		}
	}
	b.Active = active / float64(n)
	b.Oracle = topShare(value, value, 0.1)
	guess, money, alive := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, s := range f.ScoreAll(w.Summaries, t, Money{Margin: 1}) {
		guess[i], money[i], alive[i] = s.Orders, s.Value, s.Alive
	}
	b.Model = measure(f.Model.Name(), guess, money, orders, value, did)
	if f.Dropout {
		b.Model.AliveAUC = zeroed(separation(alive, did))
		for i := range alive {
			d := alive[i]
			if did[i] {
				d--
			}
			b.Model.Brier += d * d / float64(n)
		}
	}
	b.Classes = classes(w.Summaries, orders, guess)
	b.compare(h, w, orders, value, did, t)
	return b
}

func (b *Backtest) compare(h *History, w Window, orders, value []float64, did []bool, t float64) {
	n := len(orders)
	pace, spend, same, none := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	meanRate, meanSpend, time := 0.0, make([]float64, n), 0.0
	for i, s := range w.Summaries {
		meanRate += float64(s.Frequency)
		time += s.Age
		if s.Age > 0 {
			pace[i] = float64(s.Frequency) / s.Age * t
			spend[i] = float64(s.Frequency) * s.Monetary / s.Age * t
		}
	}
	whole := 0.0
	for _, v := range spend {
		whole += v / float64(n)
	}
	for i := range same {
		if time > 0 {
			same[i] = meanRate / time * t
		}
		meanSpend[i] = whole
	}
	past := make([]float64, n)
	for i, c := range w.Customers {
		past[i] = h.before(c, b.Until)
	}
	b.Naive = []Measure{
		measure("own pace goes on", pace, spend, orders, value, did),
		measure("everybody like the mean", same, meanSpend, orders, value, did),
		measure("nobody comes back", none, none, orders, value, did),
		measure("as much as spent so far", pace, past, orders, value, did),
	}
	b.Naive[3].Orders = b.Naive[0].Orders
	b.Better = true
	for _, m := range b.Naive[:2] {
		b.Better = b.Better && b.Model.RMSE < m.RMSE
	}
}

func measure(name string, guess, money, orders, value []float64, did []bool) Measure {
	m := Measure{Name: name}
	n := float64(len(guess))
	for i := range guess {
		m.Orders += guess[i]
		m.Value += money[i]
		d := guess[i] - orders[i]
		m.MAE += math.Abs(d) / n
		m.RMSE += d * d / n
		m.ValueMAE += math.Abs(money[i]-value[i]) / n
	}
	m.RMSE = math.Sqrt(m.RMSE)
	m.Pearson = correlation(guess, orders)
	m.Spearman = correlation(ranks(guess), ranks(orders))
	m.Separation = zeroed(separation(guess, did))
	m.ValueCorr = correlation(money, value)
	m.TopTenShare = zeroed(topShare(money, value, 0.1))
	return m
}

// zeroed keeps what JSON cannot say out of it.
func zeroed(x float64) float64 {
	if !finite(x) {
		return 0
	}
	return x
}

func classes(of []Summary, orders, guess []float64) []Class {
	out := make([]Class, mostClasses+1)
	for i, s := range of {
		c := &out[min(s.Frequency, mostClasses)]
		c.Customers++
		c.Actual += orders[i]
		c.Predicted += guess[i]
	}
	for i := range out {
		c := &out[i]
		c.Frequency = i
		if c.Customers > 0 {
			c.Actual /= float64(c.Customers)
			c.Predicted /= float64(c.Customers)
		}
	}
	return out
}
