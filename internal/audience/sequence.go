package audience

import (
	"slices"
	"sort"

	"clientele"
)

// marked is an event of a sequence's names with the steps that it can be.
type marked struct {
	clientele.Stamp
	steps uint16
}

// sequence finds whether there is a way through the steps.
func (e *evaluation) sequence(q *Sequence) (bool, clientele.Micros, error) {
	now := e.at.Now
	all, err := e.marked(q)
	if err != nil {
		return false, 0, err
	}
	recheck := Never
	for i := range all {
		m := &all[i]
		for k, st := range q.Steps {
			if st.Not || m.steps&(1<<k) == 0 {
				continue
			}
			if t := q.moment(m.At, now); t > now {
				recheck = min(recheck, t)
			}
			for _, n := range q.Steps[k+1:] {
				if !n.Not {
					break
				}
				if until := m.At + clientele.Micros(n.Before) + 1; n.Bound && until > now {
					recheck = min(recheck, until)
				}
			}
		}
	}
	return newWalk(q, all, now).exists(), recheck, nil
}

// marked are the events of the sequence's names up to now, in their order.
func (e *evaluation) marked(q *Sequence) ([]marked, error) {
	from, _ := q.span(e.at.Now)
	var all []marked
	done := map[string]bool{}
	for _, st := range q.Steps {
		if done[st.Name] {
			continue
		}
		done[st.Name] = true
		// Nothing before the first moment of the window is a step, nor follows one.
		err := e.facts.Events(st.Name, from, e.at.Now, func(o *Occurrence) error {
			m := marked{Stamp: o.Stamp}
			for k, s := range q.Steps {
				if s.Name == st.Name && passes(s.Where, o) {
					m.steps |= 1 << k
				}
			}
			if m.steps != 0 {
				all = append(all, m)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b marked) int { return a.Compare(b.Stamp) })
	return all, nil
}

// walk looks for a way through the steps, and remembers where there is none.
type walk struct {
	q        *Sequence
	all      []marked
	places   [][]int // of each step, those in all that can be it
	now      clientele.Micros
	from, to clientele.Micros
	known    map[[2]int]bool
}

func newWalk(q *Sequence, all []marked, now clientele.Micros) *walk {
	w := &walk{q: q, all: all, now: now, known: map[[2]int]bool{}, places: make([][]int, len(q.Steps))}
	w.from, w.to = q.Bounds(now)
	for k, st := range q.Steps {
		for i := range all {
			if m := &all[i]; m.steps&(1<<k) != 0 && (st.Not || m.At >= w.from && m.At <= w.to) {
				w.places[k] = append(w.places[k], i)
			}
		}
	}
	return w
}

// exists says whether there is a way.
func (w *walk) exists() bool {
	for _, i := range w.places[0] {
		if w.goesOn(i, 0) {
			return true
		}
	}
	return false
}

// behind are the events that can be step k, come behind event i, and at least the step's After later.
func (w *walk) behind(i, k int) []int {
	after := w.all[i].At + clientele.Micros(w.q.Steps[k].After)
	places := w.places[k]
	n := sort.Search(len(places), func(n int) bool { return places[n] > i && w.all[places[n]].At >= after })
	return places[n:]
}

// goesOn says whether the steps behind k can follow event i as step k.
func (w *walk) goesOn(i, k int) bool {
	key := [2]int{i, k}
	if yes, ok := w.known[key]; ok {
		return yes
	}
	next := k + 1
	for next < len(w.q.Steps) && w.q.Steps[next].Not {
		next++
	}
	yes := false
	if next == len(w.q.Steps) {
		yes = !w.unwanted(i, k, next, len(w.all)) && w.over(i, k)
	} else {
		st := w.q.Steps[next]
		for _, j := range w.behind(i, next) {
			if st.Bound && Duration(w.all[j].At-w.all[i].At) > st.Before || w.unwanted(i, k, next, j) {
				break // a later one is no better
			}
			if yes = w.goesOn(j, next); yes {
				break
			}
		}
	}
	w.known[key] = yes
	return yes
}

// unwanted says whether between the events i and j lies one of a not step between k and next.
func (w *walk) unwanted(i, k, next, j int) bool {
	for x := k + 1; x < next; x++ {
		st := w.q.Steps[x]
		if some := w.behind(i, x); len(some) > 0 && some[0] < j && (!st.Bound || Duration(w.all[some[0]].At-w.all[i].At) <= st.Before) {
			return true
		}
	}
	return false
}

// over says whether the time of the not steps at the end has passed.
func (w *walk) over(i, k int) bool {
	for _, st := range w.q.Steps[k+1:] {
		if st.Bound && w.all[i].At+clientele.Micros(st.Before) >= w.now {
			return false
		}
	}
	return true
}
