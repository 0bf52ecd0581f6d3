package decide_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"clientele/internal/predict/decide"
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// TestChoose: what is known to be worth most is mostly chosen, what is hardly known is tried now and then, what loses money is left, and
// propensities are those with which choices come.
func TestChoose(t *testing.T) {
	known := decide.Tally{Taken: 200, Not: 800}
	candidates := []decide.Candidate{
		{Action: "voucher", Worth: 30, Cost: 2, Prior: .05, All: known, Here: known},
		{Action: "call", Worth: 30, Cost: 9, Prior: .05, All: known, Here: known},
		{Action: "unknown", Worth: 60, Cost: 2, Prior: .05},
	}
	times := map[string]float64{}
	said := map[string]float64{}
	const n = 4000
	random := source(1)
	for range n {
		options, k := decide.Choose(candidates, decide.Usual, random)
		times[options[k].Action]++
		sum := 0.0
		for _, o := range options {
			said[o.Action] += o.Propensity / n
			sum += o.Propensity
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("propensities sum to %v", sum)
		}
	}
	for a, p := range said {
		if got := times[a] / n; math.Abs(got-p) > 4*math.Sqrt(p*(1-p)/n)+1e-3 {
			t.Errorf("%q was chosen in %.3f of the cases, said were %.3f", a, got, p)
		}
	}
	if said["voucher"] < .5 || said["unknown"] < .02 || said["call"] > .05 {
		t.Errorf("%v", said)
	}
	if options, k := decide.Choose(nil, decide.Usual, random); options[k].Action != decide.Nothing || options[k].Propensity != 1 {
		t.Errorf("%v", options)
	}
	sure := .9
	options, _ := decide.Choose([]decide.Candidate{{Action: "a", Worth: 10, Prior: .05}, {Action: "b", Worth: 10, Prior: .05, Predicted: &sure}}, decide.Usual, random)
	if options[0].Action != "b" || math.Abs(options[0].Chance-.9) > 1e-9 || math.Abs(options[0].Expected-9) > 1e-9 {
		t.Errorf("%v", options)
	}
}

// TestLearning: the policy comes to know the better of two actions by what comes of its choices.
func TestLearning(t *testing.T) {
	random := source(2)
	truth := map[string]float64{"a": .1, "b": .2}
	tally := map[string]*decide.Tally{"a": {}, "b": {}}
	last := map[string]int{}
	for i := range 3000 {
		var c []decide.Candidate
		for _, name := range []string{"a", "b"} {
			c = append(c, decide.Candidate{Action: name, Worth: 10, Prior: .1, All: *tally[name], Here: *tally[name]})
		}
		options, k := decide.Choose(c, decide.Usual, random)
		name := options[k].Action
		if random.Float64() < truth[name] {
			tally[name].Taken++
		} else {
			tally[name].Not++
		}
		if i >= 2000 {
			last[name]++
		}
	}
	if last["b"] < 900 {
		t.Errorf("of the last thousand %v", last)
	}
}

// TestEvaluate: from choices of one policy the value of others is told, by weights and doubly robust.
func TestEvaluate(t *testing.T) {
	random := source(3)
	rate := map[[2]string]float64{{"a", "old"}: .1, {"b", "old"}: .3, {"a", "new"}: .4, {"b", "new"}: .1}
	var logs []decide.Logged
	for i := range 20000 {
		l := decide.Logged{Segment: []string{"old", "new"}[i%2], Options: map[string]float64{"a": .7, "b": .3}}
		l.Action, l.Propensity = "a", .7
		if random.Float64() < .3 {
			l.Action, l.Propensity = "b", .3
		}
		if random.Float64() < rate[[2]string{l.Action, l.Segment}] {
			l.Reward = 10
		}
		logs = append(logs, l)
	}
	for _, c := range []struct {
		policy decide.Policy
		want   float64
	}{{decide.Always("a"), 2.5}, {decide.Always("b"), 2}, {decide.Uniform(), 2.25}, {decide.Greedy(logs), 3.5}} {
		e := decide.Evaluate(logs, c.policy)
		if math.Abs(e.IPS-c.want) > 4*e.Error || math.Abs(e.DR-c.want) > 4*e.DRErr || e.DRErr > 1.15*e.Error || e.Error > .1 || e.Match < 20 {
			t.Errorf("%s: %+v, true is %v", c.policy.Name, e, c.want)
		}
	}
}

// TestSpend: the best money first, never over a limit, and the price of each limit.
func TestSpend(t *testing.T) {
	offers := []decide.Offer{
		{Person: "ann", Action: "mail", Channel: "email", Margin: 3, Cost: 1},
		{Person: "ann", Action: "call", Channel: "phone", Margin: 20, Cost: 8},
		{Person: "bob", Action: "call", Channel: "phone", Margin: 40, Cost: 8},
		{Person: "cho", Action: "gift", Channel: "post", SKU: "G", Margin: 30, Cost: 10},
		{Person: "dee", Action: "gift", Channel: "post", SKU: "G", Margin: 28, Cost: 10},
		{Person: "eve", Action: "mail", Channel: "email", Margin: 0.5, Cost: 1}, // loses
	}
	names := func(p decide.Plan) (out string) {
		for _, c := range p.Chosen {
			out += c.Person + ":" + c.Action + " "
		}
		return out
	}
	all := decide.Spend(offers, decide.Limits{Threshold: 1})
	if names(all) != "bob:call cho:gift dee:gift ann:call " || all.Spent != 36 || all.Margin != 118 || all.Next != 0 {
		t.Errorf("without limits: %s %+v", names(all), all)
	}
	tight := decide.Spend(offers, decide.Limits{Threshold: 1, Budget: 20, Stock: map[string]float64{"G": 1}, Capacity: map[string]float64{"phone": 1}})
	if names(tight) != "bob:call ann:mail cho:gift " || tight.Spent != 19 || tight.Next != 0 {
		t.Errorf("with limits: %s %+v", names(tight), tight)
	}
	if poor := decide.Spend(offers, decide.Limits{Threshold: 1, Budget: 15}); poor.Spent > 15 || poor.Next != 3 {
		t.Errorf("with a small budget: %s %+v", names(poor), poor)
	}
	stock := decide.Spend(offers, decide.Limits{Threshold: 1, Stock: map[string]float64{"G": 1}, Capacity: map[string]float64{"phone": 1}})
	if stock.MoreStock["G"] != 18 || stock.MoreCapacity["phone"] != 10 {
		t.Errorf("one more of what ran out: %+v", stock)
	}
	for k := 1; k < len(all.Chosen); k++ {
		if all.Chosen[k].Spent <= all.Chosen[k-1].Spent || all.Chosen[k].Brings <= all.Chosen[k-1].Brings {
			t.Errorf("the curve: %+v", all.Chosen)
		}
	}
}

// TestSpendNearBest holds the greedy plan against the best of all plans of small cases.
func TestSpendNearBest(t *testing.T) {
	random := source(4)
	short, total := 0.0, 0.0
	for k := range 200 {
		var offers []decide.Offer
		for p := range 5 {
			for a := range 3 {
				offers = append(offers, decide.Offer{Person: fmt.Sprint(p), Action: fmt.Sprint(a), Margin: 1 + 20*random.Float64(), Cost: 1 + 5*random.Float64()})
			}
		}
		plan := decide.Spend(offers, decide.Limits{Budget: 10})
		if plan.Spent > 10+1e-9 {
			t.Fatalf("case %d: spent %v of 10", k, plan.Spent)
		}
		best := 0.0
		var try func(p int, spent, margin float64)
		try = func(p int, spent, margin float64) {
			if spent > 10 {
				return
			}
			best = max(best, margin)
			if p < 5 {
				try(p+1, spent, margin)
				for _, o := range offers[3*p : 3*p+3] {
					try(p+1, spent+o.Cost, margin+o.Margin)
				}
			}
		}
		try(0, 0, 0)
		short += best - plan.Margin
		total += best
	}
	if short > .06*total {
		t.Errorf("plans fall short of the best by %.1f %%", 100*short/total)
	}
}
