package decide

import (
	"cmp"
	"container/heap"
	"maps"
	"math"
	"slices"
)

// Offer is one way of spending on a person: an action on a channel, what it would bring beyond what comes anyway, and what it costs.
type Offer struct {
	Person, Action, Channel, SKU string
	Margin                       float64 // incremental, in money, before the cost
	Cost                         float64
}

// Limits bound spending.
type Limits struct {
	Budget    float64            // 0: none
	Threshold float64            // margin that a unit of money has to bring at least; 1 is break-even
	Stock     map[string]float64 // by SKU; one that is not here has no limit
	Capacity  map[string]float64 // contacts by channel; one that is not here has no limit
	Contacts  int                // of one person at most; 0: 1
}

// Chosen is an offer that is made, with what the plan has spent and brought when it is made.
type Chosen struct {
	Offer
	Ratio  float64 // margin for each unit of money of this step
	Spent  float64
	Brings float64
}

// Plan is what to spend on.
type Plan struct {
	Chosen []Chosen
	Spent  float64
	Margin float64
	Last   float64 // what the last unit of money brought
	Next   float64 // what one more unit of the budget would bring: 0 when no offer is left that is worth it
	// More is what one more of a SKU or of a channel's contacts would bring, less what it costs: of those that ran out.
	MoreStock, MoreCapacity map[string]float64
}

// step is a change of what a person gets: from one offer to a better and dearer one.
type step struct {
	person     int
	from, to   int // in the person's offers; from -1 is nothing
	ratio      float64
	gain, cost float64
}

type steps []step

func (s steps) Len() int { return len(s) }
func (s steps) Less(i, j int) bool {
	a, b := s[i], s[j]
	return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(a.person, b.person), cmp.Compare(a.to, b.to)) < 0
}
func (s steps) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)   { *s = append(*s, x.(step)) }
func (s *steps) Pop() any     { n := len(*s); x := (*s)[n-1]; *s = (*s)[:n-1]; return x }

// spending is one run.
type spending struct {
	people  [][]Offer
	have    [][]int // of each person, the offers taken
	limits  Limits
	stock   map[string]float64
	room    map[string]float64
	plan    Plan
	place   map[[2]int]int // of a person's offer in the plan
	blocked []Offer        // that were not to be had for want of stock or capacity
	next    float64
}

// Spend chooses offers by what each further unit of money brings, the most first, until the budget is spent or a unit brings less than the
// threshold. A person gets at most one action for each contact that is allowed; a better offer may take the place of a cheaper one.
func Spend(offers []Offer, limits Limits) Plan {
	s := run(offers, limits)
	p := s.plan
	p.Next = s.next
	p.MoreStock, p.MoreCapacity = map[string]float64{}, map[string]float64{}
	more := func(of map[string]float64, key string) map[string]float64 {
		out := maps.Clone(of)
		out[key]++
		return out
	}
	try := func(gains map[string]float64, of map[string]float64, key string, l Limits) {
		if _, limited := of[key]; !limited || key == "" || len(gains) >= mostPrices {
			return
		}
		if _, done := gains[key]; !done {
			with := run(offers, l).plan
			gains[key] = math.Round(1e6*max(0, with.Margin-with.Spent-p.Margin+p.Spent)) / 1e6
		}
	}
	for _, o := range s.blocked {
		if left, limited := s.stock[o.SKU]; limited && left < 1 {
			l := limits
			l.Stock = more(limits.Stock, o.SKU)
			try(p.MoreStock, limits.Stock, o.SKU, l)
		}
		if left, limited := s.room[o.Channel]; limited && left < 1 {
			l := limits
			l.Capacity = more(limits.Capacity, o.Channel)
			try(p.MoreCapacity, limits.Capacity, o.Channel, l)
		}
	}
	return p
}

// mostPrices is how many SKUs, and channels, one more of is valued: each is a run of its own.
const mostPrices = 10

func run(offers []Offer, limits Limits) *spending {
	limits.Contacts = max(limits.Contacts, 1)
	s := &spending{limits: limits, stock: map[string]float64{}, room: map[string]float64{}, place: map[[2]int]int{}}
	for k, v := range limits.Stock {
		s.stock[k] = v
	}
	for k, v := range limits.Capacity {
		s.room[k] = v
	}
	at := map[string]int{}
	for _, o := range offers {
		if o.Margin <= 0 || o.Cost < 0 {
			continue
		}
		i, ok := at[o.Person]
		if !ok {
			i = len(s.people)
			at[o.Person] = i
			s.people = append(s.people, nil)
		}
		s.people[i] = append(s.people[i], o)
	}
	s.have = make([][]int, len(s.people))
	queue := &steps{}
	for i := range s.people {
		slices.SortFunc(s.people[i], func(a, b Offer) int {
			return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(b.Margin, a.Margin), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Channel, b.Channel))
		})
		s.offer(queue, i)
	}
	for queue.Len() > 0 {
		x := heap.Pop(queue).(step)
		if x.ratio < max(limits.Threshold, 0) {
			break
		}
		o := s.people[x.person][x.to]
		if s.short(o) {
			s.offer(queue, x.person) // the next best that there is
			continue
		}
		if s.beyond(x.cost) {
			s.offer(queue, x.person) // something smaller may still fit
			continue
		}
		s.take(x)
		s.offer(queue, x.person)
	}
	s.plan.Chosen = slices.DeleteFunc(s.plan.Chosen, func(c Chosen) bool { return c.Person == "" })
	return s
}

// beyond says that a cost does not fit into what is left of the budget.
func (s *spending) beyond(cost float64) bool {
	return s.limits.Budget > 0 && s.plan.Spent+cost > s.limits.Budget+1e-9
}

func (s *spending) short(o Offer) bool {
	if left, limited := s.stock[o.SKU]; o.SKU != "" && limited && left < 1 {
		return true
	}
	left, limited := s.room[o.Channel]
	return o.Channel != "" && limited && left < 1
}

// offer puts a person's best next step into the queue: among offers that can be had, the one that brings most for each unit of money more than
// what the person has.
func (s *spending) offer(queue *steps, person int) {
	best := step{person: person, ratio: -1}
	consider := func(from int, base Offer) {
		for j, o := range s.people[person] {
			if slices.Contains(s.have[person], j) {
				continue
			}
			if s.short(o) {
				if n := len(s.blocked); o.Margin > max(s.limits.Threshold, 0)*o.Cost && (n == 0 || s.blocked[n-1] != o) {
					s.blocked = append(s.blocked, o)
				}
				continue
			}
			if from < 0 && slices.ContainsFunc(s.have[person], func(k int) bool { return s.people[person][k].Action == o.Action }) {
				continue // the same action on another channel is no second offer
			}
			gain, cost := o.Margin-base.Margin, o.Cost-base.Cost
			if gain <= 0 {
				continue
			}
			ratio := gain / max(cost, 1e-9)
			if s.beyond(cost) {
				if ratio >= s.limits.Threshold {
					s.next = max(s.next, ratio)
				}
				continue
			}
			if ratio > best.ratio {
				best = step{person, from, j, ratio, gain, cost}
			}
		}
	}
	if len(s.have[person]) < s.limits.Contacts {
		consider(-1, Offer{})
	}
	for _, k := range s.have[person] {
		consider(k, s.people[person][k])
	}
	if best.ratio > 0 {
		heap.Push(queue, best)
	}
}

func (s *spending) take(x step) {
	o := s.people[x.person][x.to]
	if x.from >= 0 {
		old := s.people[x.person][x.from]
		s.have[x.person] = slices.DeleteFunc(s.have[x.person], func(k int) bool { return k == x.from })
		s.count(old, 1)
		s.plan.Chosen[s.place[[2]int{x.person, x.from}]].Person = "" // taken out in the end
	}
	s.have[x.person] = append(s.have[x.person], x.to)
	s.count(o, -1)
	s.plan.Spent += x.cost
	s.plan.Margin += x.gain
	s.plan.Last = x.ratio
	s.place[[2]int{x.person, x.to}] = len(s.plan.Chosen)
	s.plan.Chosen = append(s.plan.Chosen, Chosen{o, x.ratio, s.plan.Spent, s.plan.Margin})
}

func (s *spending) count(o Offer, n float64) {
	if _, limited := s.stock[o.SKU]; limited && o.SKU != "" {
		s.stock[o.SKU] += n
	}
	if _, limited := s.room[o.Channel]; limited && o.Channel != "" {
		s.room[o.Channel] += n
	}
}
