package quality

import (
	"slices"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// Trial holds events against rules that are not in force, and counts what they would do.
type Trial struct {
	now, then *Rules
	plan      string // the plan on trial, "" when it is a transform rule
	rule      string
	samples   int
	broken    map[violationKey]*clientele.Violation
	test      clientele.RuleTest
}

// NewTrial tries the plan or the transform rule of that name in then; now are the rules in force.
func NewTrial(now, then *Book, plan, rule string, samples int) *Trial {
	return &Trial{now: now.Rules(), then: then.Rules(), plan: plan, rule: rule, samples: samples, broken: map[violationKey]*clientele.Violation{},
		test: clientele.RuleTest{Samples: []clientele.RuleExample{}}}
}

// Add tries one message as it came. id names its record, "" for none.
func (t *Trial) Add(id, source string, raw []byte) {
	t.test.Events++
	sample := clientele.RuleExample{ID: id, Source: source}
	was, will := raw, t.then.Transform(source, raw)
	if o := t.now.Transform(source, raw); o != nil && o.Filtered == "" {
		was = o.Raw
	}
	if will == nil {
		will = &Outcome{Raw: raw}
	}
	sample.Before, sample.After = document(was), document(will.Raw)
	var show bool
	if t.plan != "" {
		show = t.holds(&sample, will)
	} else {
		show = t.changes(&sample, will)
	}
	if show && len(t.test.Samples) < t.samples {
		t.test.Samples = append(t.test.Samples, sample)
	}
}

// document is a message to show; nil when it is none.
func document(raw []byte) clientele.RawJSON {
	v := jsontext.Value(slices.Clone(raw))
	if len(v) == 0 || !v.IsValid(jsontext.AllowDuplicateNames(true)) || v.Kind() != '{' {
		return nil
	}
	return clientele.RawJSON(v)
}

func (t *Trial) changes(sample *clientele.RuleExample, o *Outcome) bool {
	applied, failed := slices.Contains(o.Applied, t.rule), slices.Contains(o.Failed, t.rule)
	if failed {
		t.test.Failed++
		sample.Problem = "an expression could not be evaluated, or a value stands in the way"
	}
	if applied || failed {
		t.test.Matched++
		_, sample.Event = what(sample.Before)
	}
	switch {
	case o.Filtered == t.rule:
		t.test.Filtered++
	case applied:
		t.test.Changed++
	}
	return applied || failed
}

func (t *Trial) holds(sample *clientele.RuleExample, o *Outcome) bool {
	p := t.then.planOf(sample.Source)
	if p == nil || p.name != t.plan || o.Filtered != "" || sample.After == nil {
		return false
	}
	t.test.Matched++
	object, event := what(o.Raw)
	sample.Event = event
	f := t.then.Check(sample.Source, event, object)
	if f == nil {
		return false
	}
	t.test.Violated++
	sample.Violated = f.Err().Error()
	for _, b := range f.Broken {
		k := violationKey{sample.Source, event, b.Rule}
		v := t.broken[k]
		if v == nil {
			v = &clientele.Violation{Source: k.source, Event: k.event, Rule: k.rule, Plan: f.Plan, Action: f.Action, Reason: b.Reason, Examples: []string{}}
			t.broken[k] = v
		}
		if v.Count++; sample.ID != "" && len(v.Examples) < maxExamples {
			v.Examples = append(v.Examples, sample.ID)
		}
	}
	return true
}

// what is the object that plans look into, and the event's name.
func what(raw []byte) (object []byte, event string) {
	var m struct {
		head
		Properties jsontext.Value `json:"properties"`
		Traits     jsontext.Value `json:"traits"`
	}
	if jsonv2.Unmarshal(raw, &m, lenient) != nil {
		return nil, ""
	}
	typ := lower(m.Type)
	object = m.Properties
	if typ == "identify" || typ == "group" {
		object = m.Traits
	}
	if len(object) == 0 || object[0] != '{' {
		object = nil
	}
	return object, EventName(typ, plainText(m.Event))
}

// Result is what the trial has found.
func (t *Trial) Result() *clientele.RuleTest {
	for _, v := range t.broken {
		t.test.Rules = append(t.test.Rules, *v)
	}
	sortViolations(t.test.Rules)
	return &t.test
}
