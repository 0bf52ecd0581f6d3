package trainer

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"clientele"
)

// Spent is what somebody bought of a category or product on a day.
type Spent struct {
	Profile int64
	Day     int32
	On      int32 // place of its name
	Amount  float64
}

// Baselines are what an older and the present baseline are made of.
type Baselines struct {
	Old, New []byte // artefacts of the kind ltv
	Then     int32  // the last day that the older one knows
	Orders   *Orders
	Spent    []Spent // by profile, then day
	Names    []string
}

// What counts as weighing otherwise: twice or half of what it was, of a share that is worth speaking of.
const (
	mixTimes  = 2
	mixLeast  = 0.02
	mostMixed = 20
	mostly    = 0.5 // share of somebody's spending
)

// The reasons of moves.
const (
	whyFaded    = "bought what no longer weighs"
	whySilent   = "has not ordered since"
	whyLess     = "orders less, or for less"
	whyOthers   = "is worth as much, others more"
	whyGained   = "buys what weighs more now"
	whyMore     = "ordered more"
	whyRest     = "is worth as much, others less"
	whyNew      = "ordered for the first time"
	tierNone    = "none"
	moveUp      = "up"
	moveDown    = "down"
	moveNew     = "new"
	weighsLost  = "lost"
	weighsMore  = "gained"
	topTenthsAt = 3 // tiers that are the best tenth
)

var tierOrder = []string{"top_1", "top_5", "top_10", "top_25", "rest"}

// valued is somebody by one baseline.
type valued struct {
	value float64
	tier  string
}

// side scores everybody in the orders up to a day.
func (b *Baselines) side(artefact []byte, last int32) (*clientele.BaselineSide, map[int64]valued, error) {
	o := &Orders{Last: last, Lines: slices.DeleteFunc(slices.Clone(b.Orders.Lines), func(l Line) bool { return l.Day > last })}
	if len(o.Lines) == 0 {
		return nil, nil, clientele.Errorf(clientele.Invalid, "nobody had ordered by %s", dayText(last)).WithHint("take a later day for the older baseline")
	}
	s, err := lifetime{}.score(artefact, o, nil)
	if err != nil {
		return nil, nil, err
	}
	side := &clientele.BaselineSide{Day: midnight(last), People: int64(len(s.Profiles)), Least: map[string]float64{}}
	of := make(map[int64]valued, len(s.Profiles))
	worth, tiers := s.Columns[0].Numbers, s.Columns[4].Texts
	for i, p := range s.Profiles {
		of[p] = valued{worth[i], tiers[i]}
		side.Value += worth[i]
		if least, ok := side.Least[tiers[i]]; !ok || worth[i] < least {
			side.Least[tiers[i]] = worth[i]
		}
	}
	side.Value = Rounded(side.Value)
	return side, of, nil
}

// weights are the shares of revenue in the days up to then and up to now, and the mark of each name: below 0 it lost weight, above 0 it gained.
func (b *Baselines) weights(days int32) (mix []clientele.MixShift, mark []int) {
	before, after := make([]float64, len(b.Names)), make([]float64, len(b.Names))
	allBefore, allAfter := 0.0, 0.0
	for _, s := range b.Spent {
		if s.Day > b.Then-days && s.Day <= b.Then {
			before[s.On] += s.Amount
			allBefore += s.Amount
		}
		if s.Day > b.Orders.Last-days && s.Day <= b.Orders.Last {
			after[s.On] += s.Amount
			allAfter += s.Amount
		}
	}
	mark = make([]int, len(b.Names))
	if allBefore <= 0 || allAfter <= 0 {
		return []clientele.MixShift{}, mark
	}
	mix = []clientele.MixShift{}
	for i, name := range b.Names {
		x := clientele.MixShift{Name: name, Before: Rounded(before[i] / allBefore), After: Rounded(after[i] / allAfter)}
		switch {
		case x.Before >= mixLeast && x.After*mixTimes < x.Before:
			mark[i], x.Weight = -1, weighsLost
		case x.After >= mixLeast && x.Before*mixTimes < x.After:
			mark[i], x.Weight = 1, weighsMore
		}
		mix = append(mix, x)
	}
	slices.SortStableFunc(mix, func(x, y clientele.MixShift) int {
		return cmp.Or(-cmp.Compare(math.Abs(x.After-x.Before), math.Abs(y.After-y.Before)), cmp.Compare(x.Name, y.Name))
	})
	mix = mix[:min(len(mix), mostMixed)]
	slices.SortStableFunc(mix, func(x, y clientele.MixShift) int { return cmp.Compare(x.After-x.Before, y.After-y.Before) })
	return mix, mark
}

// habit is what somebody spent: up to the older day and what share of it on what lost weight, and behind it and what share on what gained.
type habit struct {
	before, lost, since, gained float64
}

// faded says whether most was spent on what no longer weighs.
func (h *habit) faded() bool { return h.before > 0 && h.lost >= mostly*h.before }

// best says whether the tier is of the best tenth.
func best(tier string) bool { return slices.Contains(tierOrder[:topTenthsAt], tier) }

// Compare holds the two baselines against each other.
func (b *Baselines) Compare() (*clientele.ModelBaseline, error) {
	before, old, err := b.side(b.Old, b.Then)
	if err != nil {
		return nil, err
	}
	after, now, err := b.side(b.New, b.Orders.Last)
	if err != nil {
		return nil, err
	}
	days := min(max(b.Orders.Last-b.Then, 28), 90)
	out := &clientele.ModelBaseline{Old: *before, New: *after, Days: int(days), Moves: []clientele.TierMove{}, Why: []clientele.BaselineWhy{}}
	mix, mark := b.weights(days)
	out.Mix = mix
	if len(mix) == 0 {
		out.Notes = append(out.Notes, "Of what was bought nothing is known by lines of orders, so that nobody's move is laid to it.")
	}
	habits := map[int64]*habit{}
	for _, s := range b.Spent {
		h := habits[s.Profile]
		if h == nil {
			h = &habit{}
			habits[s.Profile] = h
		}
		if s.Day <= b.Then {
			h.before += s.Amount
			if mark[s.On] < 0 {
				h.lost += s.Amount
			}
		} else {
			h.since += s.Amount
			if mark[s.On] > 0 {
				h.gained += s.Amount
			}
		}
	}
	ordered := map[int64]bool{} // behind the older day
	for _, l := range b.Orders.Lines {
		if l.Day > b.Then && l.Amount >= 0 {
			ordered[l.Profile] = true
		}
	}
	b.movers(out, old, now, habits, ordered)
	b.say(out)
	return out, nil
}

// movers counts who was and is where, and why.
func (b *Baselines) movers(out *clientele.ModelBaseline, old, now map[int64]valued, habits map[int64]*habit, ordered map[int64]bool) {
	moves, whys := map[[2]string]*clientele.TierMove{}, map[[2]string]*clientele.BaselineWhy{}
	count := func(p int64, was, is valued) {
		k := [2]string{was.tier, is.tier}
		if moves[k] == nil {
			moves[k] = &clientele.TierMove{From: was.tier, To: is.tier}
		}
		m := moves[k]
		m.People, m.Before, m.After = m.People+1, m.Before+was.value, m.After+is.value
		h := habits[p]
		if h == nil {
			h = &habit{}
		}
		if best(was.tier) && h.faded() {
			if out.Faded++; !best(is.tier) {
				out.FadedOut++
			}
		}
		direction, why := reasonOf(was, is, h, ordered[p])
		if direction == "" {
			return
		}
		k = [2]string{direction, why}
		if whys[k] == nil {
			whys[k] = &clientele.BaselineWhy{Direction: direction, Why: why}
		}
		w := whys[k]
		w.People, w.Before, w.After = w.People+1, w.Before+was.value, w.After+is.value
	}
	people := make([]int64, 0, len(now))
	for p := range now {
		people = append(people, p)
	}
	for p := range old {
		if _, there := now[p]; !there { // all that they had was returned since
			people = append(people, p)
		}
	}
	slices.Sort(people) // sums do not depend on the order of a map
	for _, p := range people {
		was, is := valued{0, tierNone}, valued{0, tierNone}
		if v, there := old[p]; there {
			was = v
		}
		if v, there := now[p]; there {
			is = v
		}
		count(p, was, is)
	}
	place := func(tier string) int { return slices.Index(append(slices.Clone(tierOrder), tierNone), tier) }
	for _, m := range moves {
		m.Before, m.After = Rounded(m.Before), Rounded(m.After)
		out.Moves = append(out.Moves, *m)
	}
	slices.SortFunc(out.Moves, func(x, y clientele.TierMove) int {
		return cmp.Or(cmp.Compare(place(x.From), place(y.From)), cmp.Compare(place(x.To), place(y.To)))
	})
	for _, w := range whys {
		w.Before, w.After = Rounded(w.Before), Rounded(w.After)
		out.Why = append(out.Why, *w)
	}
	slices.SortFunc(out.Why, func(x, y clientele.BaselineWhy) int {
		return cmp.Or(-cmp.Compare(x.People, y.People), cmp.Compare(x.Direction+x.Why, y.Direction+y.Why))
	})
}

// reasonOf says which way somebody moved and why; nothing of who stayed.
func reasonOf(was, is valued, h *habit, ordered bool) (direction, why string) {
	from, to := slices.Index(tierOrder, was.tier), slices.Index(tierOrder, is.tier)
	switch {
	case was.tier == is.tier:
		return "", ""
	case was.tier == tierNone:
		return moveNew, whyNew
	case is.tier == tierNone:
		return moveDown, whyLess
	case to > from:
		switch {
		case is.value >= was.value:
			return moveDown, whyOthers
		case h.faded():
			return moveDown, whyFaded
		case !ordered:
			return moveDown, whySilent
		}
		return moveDown, whyLess
	case is.value <= was.value || !ordered:
		return moveUp, whyRest
	case h.since > 0 && h.gained >= mostly*h.since:
		return moveUp, whyGained
	}
	return moveUp, whyMore
}

// say writes the summary.
func (b *Baselines) say(out *clientele.ModelBaseline) {
	moved := map[string]int64{}
	for _, w := range out.Why {
		moved[w.Direction] += w.People
	}
	out.Summary = append(out.Summary, fmt.Sprintf("By what was known on %s, %d people were worth %.6g together; now %d are worth %.6g. %d moved up, %d down, %d are new.",
		dayText(b.Then), out.Old.People, out.Old.Value, out.New.People, out.New.Value, moved[moveUp], moved[moveDown], moved[moveNew]))
	for _, x := range out.Mix {
		if x.Weight != "" {
			out.Summary = append(out.Summary, fmt.Sprintf("%s has %s %s of the revenue, after %s.", x.Name, map[string]string{weighsLost: "only", weighsMore: "now"}[x.Weight], percent(x.After), percent(x.Before)))
		}
	}
	if out.Faded > 0 {
		out.Summary = append(out.Summary, fmt.Sprintf("%d of the best tenth of then had spent most on what no longer weighs: yesterday's big spenders. %d of them are no longer in it.", out.Faded, out.FadedOut))
	}
}
