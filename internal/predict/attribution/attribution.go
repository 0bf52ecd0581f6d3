// Package attribution shares conversions out among the channels that people met before them. That describes paths; it does not say what a
// channel caused: only an experiment does. So it gives all usual answers side by side, and how far they lie apart.
package attribution

import (
	"cmp"
	"slices"

	"clientele"
)

// Path is channels in the order in which people met them, and what became of those who did.
type Path struct {
	Channels    []string
	Conversions float64 // times that the path ended in one
	Nulls       float64 // times that it ended in none
	Value       float64 // of the conversions
}

// Method is a way of sharing out.
type Method string

// The methods.
const (
	First   Method = "first"
	Last    Method = "last"
	Linear  Method = "linear"     // each step alike
	U       Method = "u_shaped"   // 40 % the first step, 40 % the last, 20 % those between
	Decay   Method = "time_decay" // each step twice the one before it
	Shapley Method = "shapley"    // each different channel of the path alike
	Markov  Method = "markov"     // by how many conversions are lost without the channel, where paths are chains of steps
)

// Methods are all of them.
var Methods = []Method{First, Last, Linear, U, Decay, Shapley, Markov}

// Credit is what is a channel's.
type Credit struct {
	Conversions float64 `json:"conversions"`
	Value       float64 `json:"value"`
}

// Channel is what each method gives a channel.
type Channel struct {
	Name    string            `json:"channel"`
	Removal float64           `json:"removal_effect"` // share of the chance of a conversion that is lost without it
	By      map[Method]Credit `json:"credit"`
}

// Result is what became of paths.
type Result struct {
	Conversions float64   `json:"conversions"`
	Value       float64   `json:"value"`
	Nulls       float64   `json:"without_conversion"`
	Rate        float64   `json:"conversion_rate"`
	Channels    []Channel `json:"channels"` // by linear credit, the most first
}

// MostChannels is how many channels are told apart.
const MostChannels = 200

// Share shares the conversions of paths out. Invalid when there is none.
func Share(paths []Path) (*Result, error) {
	r := &Result{}
	at := map[string]int{}
	var numbered [][]int
	for _, p := range paths {
		var steps []int
		for _, c := range p.Channels {
			i, ok := at[c]
			if !ok {
				i = len(r.Channels)
				at[c] = i
				r.Channels = append(r.Channels, Channel{Name: c, By: map[Method]Credit{}})
			}
			steps = append(steps, i)
		}
		numbered = append(numbered, steps)
		if len(steps) > 0 {
			r.Conversions, r.Value, r.Nulls = r.Conversions+p.Conversions, r.Value+p.Value, r.Nulls+p.Nulls
		}
	}
	switch {
	case !(r.Conversions > 0):
		return nil, clientele.Errorf(clientele.Invalid, "no path ends in a conversion").WithHint("name the column that counts them")
	case len(r.Channels) > MostChannels:
		return nil, clientele.Errorf(clientele.Invalid, "there are %d channels, over %d", len(r.Channels), MostChannels).WithHint("group campaigns into channels first")
	}
	r.Rate = r.Conversions / (r.Conversions + r.Nulls)
	for k, steps := range numbered {
		for method, weights := range rules(steps) {
			for i, w := range weights {
				r.credit(steps[i], method, w*paths[k].Conversions, w*paths[k].Value)
			}
		}
	}
	r.removal(paths, numbered)
	slices.SortStableFunc(r.Channels, func(a, b Channel) int { return cmp.Compare(b.By[Linear].Conversions, a.By[Linear].Conversions) })
	return r, nil
}

func (r *Result) credit(channel int, m Method, conversions, value float64) {
	c := r.Channels[channel].By[m]
	r.Channels[channel].By[m] = Credit{c.Conversions + conversions, c.Value + value}
}

// rules are the shares that each step of a path has by the methods that look at one path alone. Shapley's value of the game in which a set of channels is
// worth what the paths within it bring is an equal part of each path for each of its channels (Zhao and others 2018).
func rules(steps []int) map[Method][]float64 {
	n := len(steps)
	if n == 0 {
		return nil
	}
	out := map[Method][]float64{}
	for _, m := range []Method{First, Last, Linear, U, Decay, Shapley} {
		out[m] = make([]float64, n)
	}
	out[First][0], out[Last][n-1] = 1, 1
	decay, sum := 1.0, 0.0
	different := 0.0
	for i := n - 1; i >= 0; i-- {
		out[Linear][i] = 1 / float64(n)
		out[Decay][i] = decay
		sum += decay
		decay /= 2
		if slices.Index(steps, steps[i]) == i {
			out[Shapley][i] = 1
			different++
		}
	}
	for i := range n {
		out[Decay][i] /= sum
		out[Shapley][i] /= different
	}
	switch n {
	case 1:
		out[U][0] = 1
	case 2:
		out[U][0], out[U][1] = .5, .5
	default:
		for i := range n {
			out[U][i] = .2 / float64(n-2)
		}
		out[U][0], out[U][n-1] = .4, .4
	}
	return out
}

// removal credits channels by their removal effect in the absorbing chain whose states are channels (Anderl and others 2016): 1 less the share of the chance of a
// conversion that is left when nobody goes on from the channel. The chance is solved for exactly, not simulated.
func (r *Result) removal(paths []Path, numbered [][]int) {
	n := len(r.Channels)
	begin := make([]float64, n)
	step := make([][]float64, n)
	for i := range step {
		step[i] = make([]float64, n)
	}
	converts, leaves := make([]float64, n), make([]float64, n)
	for k, steps := range numbered {
		if len(steps) == 0 {
			continue
		}
		times := paths[k].Conversions + paths[k].Nulls
		begin[steps[0]] += times
		for i, from := range steps {
			leaves[from] += times
			if i+1 < len(steps) {
				step[from][steps[i+1]] += times
			}
		}
		converts[steps[len(steps)-1]] += paths[k].Conversions
	}
	all := chance(begin, step, converts, leaves, -1)
	sum := 0.0
	for i := range r.Channels {
		r.Channels[i].Removal = 1 - chance(begin, step, converts, leaves, i)/all
		sum += r.Channels[i].Removal
	}
	for i, c := range r.Channels {
		r.credit(i, Markov, r.Conversions*c.Removal/sum, r.Value*c.Removal/sum)
	}
}

// chance of a conversion when nobody goes on from the channel without; -1 for none.
func chance(begin []float64, step [][]float64, converts, leaves []float64, without int) float64 {
	n := len(begin)
	// x = chance from each channel: x - sum of step/leaves x = converts/leaves.
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, n+1)
		rows[i][i] = 1
		if i == without || leaves[i] == 0 {
			continue
		}
		for j := range n {
			rows[i][j] -= step[i][j] / leaves[i]
		}
		rows[i][n] = converts[i] / leaves[i]
	}
	x := solve(rows)
	sum, all := 0.0, 0.0
	for i := range n {
		sum, all = sum+begin[i]*x[i], all+begin[i]
	}
	return sum / all
}

// solve solves linear equations, whose right sides are the last column, by Gauss's elimination with pivots.
func solve(rows [][]float64) []float64 {
	n := len(rows)
	for k := range n {
		best := k
		for i := k + 1; i < n; i++ {
			if abs(rows[i][k]) > abs(rows[best][k]) {
				best = i
			}
		}
		rows[k], rows[best] = rows[best], rows[k]
		if rows[k][k] == 0 {
			continue // paths that nobody took
		}
		for i := k + 1; i < n; i++ {
			f := rows[i][k] / rows[k][k]
			for j := k; f != 0 && j <= n; j++ {
				rows[i][j] -= f * rows[k][j]
			}
		}
	}
	x := make([]float64, n)
	for k := n - 1; k >= 0; k-- {
		sum := rows[k][n]
		for j := k + 1; j < n; j++ {
			sum -= rows[k][j] * x[j]
		}
		if rows[k][k] != 0 {
			x[k] = sum / rows[k][k]
		}
	}
	return x
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}
