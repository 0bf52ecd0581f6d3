package shrink

import (
	"cmp"
	"slices"
	"sync"
)

// Chosen is what somebody chose on a day.
type Chosen struct {
	Choice int32 // below 0: something that is not told apart
	Day    int32
}

// Own is on how many of their days somebody made a choice.
type Own struct {
	Choice int32
	Days   int
}

// Days counts somebody's days, and those of each choice, by choice. A day counts once for each choice of it. It puts the slice into an order.
func Days(chosen []Chosen) (days int, own []Own) {
	slices.SortFunc(chosen, func(a, b Chosen) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Choice, b.Choice)) })
	for i, c := range chosen {
		if i == 0 || c.Day != chosen[i-1].Day {
			days++
		}
		if c.Choice < 0 || i > 0 && c == chosen[i-1] {
			continue
		}
		k := slices.IndexFunc(own, func(o Own) bool { return o.Choice == c.Choice })
		if k < 0 {
			k, own = len(own), append(own, Own{Choice: c.Choice})
		}
		own[k].Days++
	}
	slices.SortFunc(own, func(a, b Own) int { return cmp.Compare(a.Choice, b.Choice) })
	return days, own
}

// Tally counts people by their days and choices, to learn how the shares of each choice are spread over them.
type Tally struct {
	people map[int]float64     // by days
	with   []map[Count]float64 // of each choice, people who made it
}

// NewTally is of so many choices.
func NewTally(choices int) *Tally {
	t := &Tally{people: map[int]float64{}, with: make([]map[Count]float64, choices)}
	for i := range t.with {
		t.with[i] = map[Count]float64{}
	}
	return t
}

// Add counts somebody.
func (t *Tally) Add(days int, own []Own) {
	t.people[days]++
	for _, o := range own {
		t.with[o.Choice][Count{o.Days, days}]++
	}
}

// Learn finds the prior of each choice: those who never made it have none of their days.
func (t *Tally) Learn(workers int) []Prior {
	out := make([]Prior, len(t.with))
	next := make(chan int)
	var all sync.WaitGroup
	for range max(1, workers) {
		all.Go(func() {
			for i := range next {
				counts := make(map[Count]float64, len(t.with[i])+len(t.people))
				for n, w := range t.people {
					counts[Count{0, n}] = w
				}
				for c, w := range t.with[i] {
					counts[c] += w
					counts[Count{0, c.N}] -= w
				}
				out[i] = learn(counts)
			}
		})
	}
	for i := range t.with {
		next <- i
	}
	close(next)
	all.Wait()
	return out
}

// Preference is a choice of somebody.
type Preference struct {
	Choice int32
	Count
	Share
	Index float64 // the share against that of all people
}

// Taste tells what people prefer by what they chose. It is not for use by several goroutines.
type Taste struct {
	priors []Prior
	level  float64
	known  map[chosenBy]Preference
	silent map[int][]int32
}

type chosenBy struct {
	choice int32
	Count
}

// NewTaste tells by the priors of choices; intervals hold the share with the chance level.
func NewTaste(priors []Prior, level float64) *Taste {
	return &Taste{priors: priors, level: level, known: map[chosenBy]Preference{}, silent: map[int][]int32{}}
}

// Of is the preference of who made the choice on so many of their days.
func (t *Taste) Of(choice int32, c Count) Preference {
	key := chosenBy{choice, c}
	p, ok := t.known[key]
	if !ok {
		prior := t.priors[choice]
		p = Preference{Choice: choice, Count: c, Share: prior.Of(c, t.level)}
		p.Index = p.Mean / prior.Mean()
		t.known[key] = p
	}
	return p
}

// Likeliest are the n choices that are likeliest on somebody's next day, the likeliest first; one that they never made is among them where their
// few days say less than everybody's.
func (t *Taste) Likeliest(days int, own []Own, n int) []Preference {
	mean := func(choice int32, k int) float64 {
		p := t.priors[choice]
		return (p.A + float64(k)) / (p.A + p.B + float64(days))
	}
	best := make([]Own, 0, len(own)+n)
	best = append(best, own...)
	for _, choice := range t.without(days) {
		if len(best) == len(own)+n {
			break
		}
		if !slices.ContainsFunc(own, func(o Own) bool { return o.Choice == choice }) {
			best = append(best, Own{Choice: choice})
		}
	}
	slices.SortFunc(best, func(a, b Own) int {
		return cmp.Or(cmp.Compare(mean(b.Choice, b.Days), mean(a.Choice, a.Days)), cmp.Compare(a.Choice, b.Choice))
	})
	out := make([]Preference, 0, n)
	for _, o := range best[:min(n, len(best))] {
		out = append(out, t.Of(o.Choice, Count{o.Days, days}))
	}
	return out
}

// without are the choices by their share in who has made none of them on so many days, the largest first.
func (t *Taste) without(days int) []int32 {
	out, ok := t.silent[days]
	if !ok {
		out = make([]int32, len(t.priors))
		for i := range out {
			out[i] = int32(i)
		}
		share := func(i int32) float64 { p := t.priors[i]; return p.A / (p.A + p.B + float64(days)) }
		slices.SortFunc(out, func(a, b int32) int { return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(a, b)) })
		t.silent[days] = out
	}
	return out
}
