// Package quality keeps data fit for use: transform rules change events on their way in,
// tracking plans say what they must look like, and tallies tell how often they did not, and which
// properties came, changed and went.
//
// Rules come into force by commands in the log and hold from there on, so the same log gives the same
// events. What judges one event needs no state and is safe for concurrent use; what counts belongs
// to the resolver alone.
package quality

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"clientele"
)

// Limits of rules.
const (
	maxName        = 64
	maxPlans       = 100
	maxPlanBytes   = 256 << 10 // of a plan in JSON: a command must fit a frame of the log
	maxPlanEvents  = 500
	maxTransforms  = 200
	maxSteps       = 20
	maxRuleSources = 100
	maxRuleEvents  = 500
	maxEventName   = 256
)

// EventName is what plans, rules and tallies call an event: the name of a track event, the type of any other.
func EventName(typ, name string) string {
	if typ == "track" {
		return name
	}
	return "$" + typ
}

// Rules are the plans and transform rules in force, compiled. A nil Rules has none. Safe for
// concurrent use.
type Rules struct {
	plans     map[string]*plan // by source
	plan      *plan            // of every other source
	rules     []*rule          // in the order in which they apply
	transform map[string][]int // by source: places in rules
	everyone  []int            // of every source that no rule names
	key       []byte
}

// newRules compiles. Invalid or Conflict says what is wrong.
func newRules(plans []clientele.Plan, transforms []clientele.TransformRule, key []byte) (*Rules, error) {
	if len(plans) > maxPlans {
		return nil, clientele.Errorf(clientele.Invalid, "over %d tracking plans", maxPlans)
	}
	if len(transforms) > maxTransforms {
		return nil, clientele.Errorf(clientele.Invalid, "over %d transform rules", maxTransforms).WithHint("a rule may have several steps")
	}
	if len(plans)+len(transforms) == 0 {
		return nil, nil
	}
	r := &Rules{plans: map[string]*plan{}, transform: map[string][]int{}, key: key}
	for _, p := range plans {
		if err := r.addPlan(p); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(transforms, func(a, b clientele.TransformRule) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
	})
	for _, t := range transforms {
		c, err := compileRule(t)
		if err != nil {
			return nil, err
		}
		r.rules = append(r.rules, c)
	}
	for i, c := range r.rules {
		for _, s := range c.Sources {
			r.transform[s] = nil
		}
		if len(c.Sources) == 0 {
			r.everyone = append(r.everyone, i)
		}
	}
	for source := range r.transform {
		for i, c := range r.rules {
			if len(c.Sources) == 0 || slices.Contains(c.Sources, source) {
				r.transform[source] = append(r.transform[source], i)
			}
		}
	}
	return r, nil
}

func (r *Rules) addPlan(in clientele.Plan) error {
	p, err := compilePlan(in)
	if err != nil {
		return err
	}
	conflict := func(other *plan, what string) error {
		return clientele.Errorf(clientele.Conflict, "tracking plan %s: plan %s speaks of %s already", p.name, other.name, what).WithHint("name the sources of each plan, or put the events into one plan")
	}
	if len(in.Sources) == 0 {
		if r.plan != nil {
			return conflict(r.plan, "every source without a plan of its own")
		}
		r.plan = p
	}
	for _, s := range in.Sources {
		if other := r.plans[s]; other != nil {
			return conflict(other, "source "+s)
		}
		r.plans[s] = p
	}
	return nil
}

// rulesOf are the places of the transform rules for a source.
func (r *Rules) rulesOf(source string) []int {
	if list, ok := r.transform[source]; ok {
		return list
	}
	return r.everyone
}

func (r *Rules) planOf(source string) *plan {
	if p, ok := r.plans[source]; ok {
		return p
	}
	return r.plan
}

// checkName bounds the names of plans and rules: they stand in addresses, keys and metrics.
func checkName(what, name string) error {
	if name == "" || len(name) > maxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return clientele.Errorf(clientele.Invalid, "the name of a %s has 1 to %d characters a-z, 0-9, - and _", what, maxName)
	}
	return nil
}

func checkScope(what string, sources, events []string) error {
	if len(sources) > maxRuleSources || len(events) > maxRuleEvents {
		return clientele.Errorf(clientele.Invalid, "%s: at most %d sources and %d events", what, maxRuleSources, maxRuleEvents)
	}
	for _, s := range sources {
		if s == "" || len(s) > clientele.MaxNamespaceBytes {
			return clientele.Errorf(clientele.Invalid, "%s: a source's name has 1 to %d bytes", what, clientele.MaxNamespaceBytes)
		}
	}
	for _, e := range events {
		if err := checkEvent(what, e); err != nil {
			return err
		}
	}
	return nil
}

func checkEvent(what, name string) error {
	if strings.TrimSpace(name) == "" || len(name) > maxEventName {
		return clientele.Errorf(clientele.Invalid, "%s: an event's name has 1 to %d bytes", what, maxEventName)
	}
	if rest, ok := strings.CutPrefix(name, "$"); ok && slices.Contains([]string{"track"}, rest) {
		return clientele.Errorf(clientele.Invalid, "%s: track events go by their own names", what)
	}
	return nil
}

// mustJSON is for values that are made of JSON.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return b
}
