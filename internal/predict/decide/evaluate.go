package decide

import (
	"cmp"
	"math"
	"slices"
)

// Logged is a decision that was made, with what came of it.
type Logged struct {
	Action     string
	Segment    string
	Reward     float64            // in money, costs taken off
	Propensity float64            // with which the action was chosen
	Options    map[string]float64 // propensities of all options of that moment
}

// Policy says with what chance it would have chosen each option of a decision.
type Policy struct {
	Name string
	Of   func(l *Logged) map[string]float64
}

// Always takes an action whenever it can be chosen, else what was chosen.
func Always(action string) Policy {
	return Policy{"always " + action, func(l *Logged) map[string]float64 {
		if _, can := l.Options[action]; can {
			return map[string]float64{action: 1}
		}
		return l.Options
	}}
}

// Uniform draws from all options by lot, apart from doing nothing.
func Uniform() Policy {
	return Policy{"by lot", func(l *Logged) map[string]float64 {
		n := 0
		for a := range l.Options {
			if a != Nothing {
				n++
			}
		}
		out := map[string]float64{}
		for a := range l.Options {
			if a != Nothing {
				out[a] = 1 / float64(n)
			}
		}
		return out
	}}
}

// Estimate is what a policy would have brought for each decision, in money.
type Estimate struct {
	Policy string  `json:"policy"`
	IPS    float64 `json:"ips"`    // by weights: unbiased, wide
	Error  float64 `json:"error"`  // of ips, a standard error
	DR     float64 `json:"dr"`     // doubly robust: a model of rewards, mended by weights
	DRErr  float64 `json:"dr_err"` // of dr
	Match  float64 `json:"match"`  // decisions of a hundred that the estimate rests on (effective sample)
	N      int     `json:"decisions"`
}

// rewards is the mean reward by action and segment, drawn towards that of the action.
type rewards struct {
	sum, n map[[2]string]float64
}

func learnRewards(logs []Logged, skip int) rewards {
	r := rewards{map[[2]string]float64{}, map[[2]string]float64{}}
	for i, l := range logs {
		if i%2 == skip {
			continue
		}
		for _, k := range [][2]string{{l.Action, l.Segment}, {l.Action, "\x00"}} {
			r.sum[k] += l.Reward
			r.n[k]++
		}
	}
	return r
}

func (r rewards) of(action, segment string) float64 {
	all := [2]string{action, "\x00"}
	if r.n[all] == 0 {
		return 0
	}
	mean := r.sum[all] / r.n[all]
	here := [2]string{action, segment}
	return (r.sum[here] + segmentOffers*mean) / (r.n[here] + segmentOffers)
}

// Evaluate estimates what a policy would have brought. The model of rewards is learned on the other half of the decisions than the one it is used on,
// so that it does not know the answers.
func Evaluate(logs []Logged, p Policy) Estimate {
	e := Estimate{Policy: p.Name, N: len(logs)}
	if len(logs) == 0 {
		return e
	}
	models := [2]rewards{learnRewards(logs, 0), learnRewards(logs, 1)}
	n := float64(len(logs))
	ips, dr := make([]float64, len(logs)), make([]float64, len(logs))
	sum, squares := 0.0, 0.0
	for i := range logs {
		l := &logs[i]
		target := p.Of(l)
		w := target[l.Action] / l.Propensity
		sum, squares = sum+w, squares+w*w
		ips[i] = w * l.Reward
		m := models[i%2]
		for _, a := range sortedKeys(target) {
			dr[i] += target[a] * m.of(a, l.Segment)
		}
		dr[i] += w * (l.Reward - m.of(l.Action, l.Segment))
		e.IPS += ips[i] / n
		e.DR += dr[i] / n
	}
	for i := range logs {
		e.Error += (ips[i] - e.IPS) * (ips[i] - e.IPS)
		e.DRErr += (dr[i] - e.DR) * (dr[i] - e.DR)
	}
	e.Error, e.DRErr = math.Sqrt(e.Error/max(n-1, 1)/n), math.Sqrt(e.DRErr/max(n-1, 1)/n)
	if squares > 0 {
		e.Match = 100 * sum * sum / squares / n
	}
	return e
}

// Greedy takes for each decision the option whose reward was highest on the average in its segment.
func Greedy(logs []Logged) Policy {
	m := learnRewards(logs, -1)
	return Policy{"the best on the average", func(l *Logged) map[string]float64 {
		best, value := Nothing, 0.0
		for _, a := range sortedKeys(l.Options) {
			if v := m.of(a, l.Segment); a != Nothing && v > value {
				best, value = a, v
			}
		}
		if _, can := l.Options[best]; !can {
			return l.Options
		}
		return map[string]float64{best: 1}
	}}
}

func sortedKeys(m map[string]float64) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
