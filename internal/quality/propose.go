package quality

import (
	"cmp"
	"maps"
	"slices"

	"clientele"
)

// From when on something that was seen becomes a rule of a proposed plan.
const (
	requiredShare  = 0.98 // of an event's sights that have the property
	requiredEvents = 20
	enumValues     = 10 // at most
	enumSights     = 50 // at least, of the property
	enumEach       = 3  // at least, of each value
	enumBytes      = 64
	proposedEvents = 300
)

// Proposal makes a plan of events.
type Proposal struct {
	source string
	rules  *Rules
	events map[string]*proposed
}

type proposed struct {
	count      int
	properties map[string]*proposedProperty
}

type proposedProperty struct {
	kinds  [len(kinds)]int
	values map[string]int // texts; nil when there are too many
}

// NewProposal makes a plan of a source's events, as the rules in force leave them.
func NewProposal(book *Book, source string) *Proposal {
	return &Proposal{source: source, rules: book.Rules(), events: map[string]*proposed{}}
}

// Add takes one message as it came.
func (p *Proposal) Add(raw []byte) {
	if o := p.rules.Transform(p.source, raw); o != nil {
		raw = o.Raw
	}
	if document(raw) == nil {
		return
	}
	object, event := what(raw)
	if event == "" || len(event) > maxEventName {
		return
	}
	e := p.events[event]
	if e == nil {
		if len(p.events) >= proposedEvents {
			return
		}
		e = &proposed{properties: map[string]*proposedProperty{}}
		p.events[event] = e
	}
	e.count++
	members := Members(nil, object)
	for i := range members {
		e.add(&members[i])
	}
}

func (e *proposed) add(m *Member) {
	name := string(m.Name)
	q := e.properties[name]
	if q == nil {
		if len(e.properties) >= maxProperties || len(name) > maxPropName {
			return
		}
		q = &proposedProperty{values: map[string]int{}}
		e.properties[name] = q
	}
	kind := m.kind()
	q.kinds[kind]++
	if kinds[kind] == "string" && q.values != nil {
		if len(m.Value) > enumBytes || len(q.values) > enumValues {
			q.values = nil
			return
		}
		q.values[plainText(m.Value)]++
	}
}

// Plan is the plan. Violations are allowed at first: they are counted, and nothing waits.
func (p *Proposal) Plan(name string) (*clientele.Plan, error) {
	if len(p.events) == 0 {
		return nil, clientele.Errorf(clientele.NotFound, "the log holds no events of this source").WithHint("what was archived is not read: send some events first")
	}
	out := &clientele.Plan{Name: name, Sources: []string{p.source}, OnViolation: clientele.PlanAllow, Unplanned: clientele.PlanAllow, Events: map[string]clientele.PlanEvent{}}
	// The most frequent first, for a plan has a size.
	names := slices.SortedFunc(maps.Keys(p.events), func(a, b string) int {
		return cmp.Or(cmp.Compare(p.events[b].count, p.events[a].count), cmp.Compare(a, b))
	})
	size := 0
	for _, name := range names {
		schema := mustJSON(p.events[name].schema())
		if size += len(schema) + len(name) + 100; size > maxPlanBytes/2 || len(schema) > maxSchemaBytes {
			break
		}
		out.Events[name] = clientele.PlanEvent{Schema: schema}
	}
	if _, err := compilePlan(*out); err != nil {
		return nil, err
	}
	return out, nil
}

func (e *proposed) schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(e.properties)) {
		q := e.properties[name]
		properties[name] = q.schema()
		seen := 0
		for _, n := range q.kinds {
			seen += n
		}
		if e.count >= requiredEvents && float64(seen) >= requiredShare*float64(e.count) {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (q *proposedProperty) schema() map[string]any {
	var types []string
	for kind, n := range q.kinds {
		if n > 0 {
			types = append(types, kinds[kind])
		}
	}
	out := map[string]any{"type": types}
	if len(types) == 1 {
		out["type"] = types[0]
	}
	if values := q.enum(); len(types) == 1 && values != nil {
		out["enum"] = values
	}
	return out
}

// enum are the values when they are few and each is no chance; nil otherwise.
func (q *proposedProperty) enum() []string {
	total := 0
	for _, n := range q.values {
		if n < enumEach {
			return nil
		}
		total += n
	}
	if q.values == nil || len(q.values) > enumValues || total < enumSights {
		return nil
	}
	return slices.Sorted(maps.Keys(q.values))
}
