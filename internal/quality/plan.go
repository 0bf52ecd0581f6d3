package quality

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"clientele"
)

// Unplanned is the rule that an event breaks which its source's plan does not name.
const Unplanned = "unplanned"

// maxBroken is how many rules one event is told to break.
const maxBroken = 10

// plan is a compiled tracking plan.
type plan struct {
	name        string
	onViolation clientele.PlanAction
	unplanned   clientele.PlanAction
	events      map[string]*jsonschema.Schema // nil: anything goes
}

func compilePlan(in clientele.Plan) (*plan, error) {
	if err := checkName("tracking plan", in.Name); err != nil {
		return nil, err
	}
	what := "tracking plan " + in.Name
	if err := checkScope(what, in.Sources, slices.Sorted(maps.Keys(in.Events))); err != nil {
		return nil, err
	}
	p := &plan{name: in.Name, onViolation: in.OnViolation, unplanned: in.Unplanned, events: make(map[string]*jsonschema.Schema, len(in.Events))}
	if p.onViolation == "" {
		p.onViolation = clientele.PlanAllow
	}
	if p.unplanned == "" {
		p.unplanned = clientele.PlanAllow
	}
	actions := []clientele.PlanAction{clientele.PlanAllow, clientele.PlanQuarantine, clientele.PlanDrop, clientele.PlanIgnore}
	if !slices.Contains(actions[:3], p.onViolation) || !slices.Contains(actions, p.unplanned) {
		return nil, clientele.Errorf(clientele.Invalid, "%s: on_violation is allow, quarantine or drop; unplanned may also be ignore", what)
	}
	if len(mustJSON(in)) > maxPlanBytes {
		return nil, clientele.Errorf(clientele.Invalid, "%s is over %d KB", what, maxPlanBytes>>10).WithHint("make a plan for each source")
	}
	for name, e := range in.Events {
		if len(e.Schema) == 0 || string(e.Schema) == "null" {
			p.events[name] = nil
			continue
		}
		schema, err := compileSchema(e.Schema)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "%s: event %q: %w", what, name, err).WithHint("%s", clientele.ErrorHint(err))
		}
		p.events[name] = schema
	}
	return p, nil
}

// Finding is how an event breaks the plan of its source.
type Finding struct {
	Plan, Event string
	Action      clientele.PlanAction
	Broken      []Broken
}

// Broken is a rule that an event breaks. Neither text holds a value of the event.
type Broken struct{ Rule, Reason string }

// Planned says whether events of the source are checked at all.
func (r *Rules) Planned(source string) bool { return r != nil && r.planOf(source) != nil }

// Check holds an event against the plan of its source: nil when it keeps to it. object is its
// properties, or traits, as JSON; empty for none.
func (r *Rules) Check(source, event string, object []byte) *Finding {
	if r == nil {
		return nil
	}
	p := r.planOf(source)
	if p == nil {
		return nil
	}
	schema, planned := p.events[event]
	if !planned {
		if p.unplanned == clientele.PlanIgnore {
			return nil
		}
		return &Finding{Plan: p.name, Event: event, Action: p.unplanned, Broken: []Broken{{Unplanned, "the plan does not name the event"}}}
	}
	if schema == nil {
		return nil
	}
	if len(object) == 0 {
		object = []byte("{}")
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(object))
	if err != nil {
		return nil // not JSON: the event is refused for that
	}
	err = schema.Validate(v)
	if err == nil {
		return nil
	}
	f := &Finding{Plan: p.name, Event: event, Action: p.onViolation}
	var broken *jsonschema.ValidationError
	if !errors.As(err, &broken) {
		f.Broken = []Broken{{"/", "the schema could not be applied"}}
		return f
	}
	f.add(broken)
	slices.SortFunc(f.Broken, func(a, b Broken) int { return strings.Compare(a.Rule, b.Rule) })
	f.Broken = slices.CompactFunc(f.Broken, func(a, b Broken) bool { return a.Rule == b.Rule })
	f.Broken = f.Broken[:min(len(f.Broken), maxBroken)]
	return f
}

// Err is the finding as an error.
func (f *Finding) Err() error {
	reasons := make([]string, len(f.Broken))
	for i, b := range f.Broken {
		reasons[i] = b.Rule + ": " + b.Reason
	}
	return clientele.Errorf(clientele.Violated, "tracking plan %s, event %s: %s", f.Plan, clip(f.Event), strings.Join(reasons, "; ")).
		WithHint("mend the sender, a transform rule or the plan, then replay it")
}

// add takes the rules at the ends of the error's tree. What stands under anyOf and its like are
// alternatives: there the keyword itself is what is broken.
func (f *Finding) add(e *jsonschema.ValidationError) {
	_, place, _ := strings.Cut(e.SchemaURL, "#")
	rule := strings.Join(append([]string{place}, e.ErrorKind.KeywordPath()...), "/")
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			f.Broken = append(f.Broken, Broken{rule + "/" + name, "is missing"})
		}
		return
	case *kind.Not:
		f.Broken = append(f.Broken, Broken{rule + "/not", "does not hold"})
		return
	case *kind.AnyOf, *kind.OneOf, *kind.Contains, *kind.PropertyNames:
		f.Broken = append(f.Broken, Broken{rule, "does not hold"})
		return
	case *kind.Type:
		f.Broken = append(f.Broken, Broken{rule, fmt.Sprintf("is %s, wants %s", k.Got, strings.Join(k.Want, " or "))})
		return
	case *kind.AdditionalProperties:
		f.Broken = append(f.Broken, Broken{rule, "has properties that the schema does not name"})
		return
	}
	if len(e.Causes) == 0 {
		f.Broken = append(f.Broken, Broken{rule, "does not hold"})
		return
	}
	for _, cause := range e.Causes {
		f.add(cause)
	}
}

func clip(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < 0x20 {
			return ' '
		}
		return r
	}, s), "?")
}

// Limits of a schema. Checking an event costs at most what its text and the schema's nodes, references put
// in, come to.
const (
	maxSchemaBytes = 64 << 10
	maxSchemaDepth = 32
	maxSchemaNodes = 5000
)

func compileSchema(text []byte) (*jsonschema.Schema, error) {
	if len(text) > maxSchemaBytes {
		return nil, clientele.Errorf(clientele.Invalid, "the schema is over %d KB", maxSchemaBytes>>10)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the schema is not JSON")
	}
	switch doc.(type) {
	case bool, map[string]any:
	default:
		return nil, clientele.Errorf(clientele.Invalid, "the schema is neither an object nor true or false")
	}
	w := &schemaWalk{root: doc, nodes: map[string]int{}, open: map[string]bool{}}
	if _, err := w.count(doc, 0); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	const place = "schema:plan"
	if err := c.AddResource(place, doc); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "the schema: %s", clip(err.Error()))
	}
	schema, err := c.Compile(place)
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "not a JSON Schema: %s", reason(err)).WithHint("json-schema.org describes the language; drafts 4, 6, 7, 2019-09 and 2020-12 are known")
	}
	return schema, nil
}

// reason is the library's sentence about a wrong schema, in one line.
func reason(err error) string {
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		err = invalid.Err
	}
	return clip(strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "schema:plan", "")), " "))
}

// noLoader refuses every document from elsewhere.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, clientele.Errorf(clientele.Invalid, "a schema may not refer to another document")
}

// schemaWalk bounds what a schema costs: it counts its nodes as if each reference stood where it
// points. A reference to where it stands would never end, and is refused.
type schemaWalk struct {
	root  any
	nodes map[string]int  // by reference
	open  map[string]bool // references that are being followed
}

func (w *schemaWalk) count(v any, depth int) (int, error) {
	if depth > maxSchemaDepth {
		return 0, clientele.Errorf(clientele.Invalid, "the schema is nested deeper than %d levels", maxSchemaDepth)
	}
	total := 1
	add := func(v any) error {
		n, err := w.count(v, depth+1)
		if total += n; err == nil && total > maxSchemaNodes {
			err = clientele.Errorf(clientele.Invalid, "the schema has over %d parts, each reference counted as what it points at", maxSchemaNodes)
		}
		return err
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := add(e); err != nil {
				return 0, err
			}
		}
	case map[string]any:
		for name, e := range v {
			if text, ok := e.(string); ok && strings.HasPrefix(name, "$") && strings.HasSuffix(strings.ToLower(name), "ref") {
				n, err := w.follow(name, text, depth)
				if err != nil {
					return 0, err
				}
				total += n
				continue
			}
			if err := add(e); err != nil {
				return 0, err
			}
		}
	}
	if total > maxSchemaNodes {
		return 0, clientele.Errorf(clientele.Invalid, "the schema has over %d parts, each reference counted as what it points at", maxSchemaNodes)
	}
	return total, nil
}

func (w *schemaWalk) follow(keyword, ref string, depth int) (int, error) {
	if keyword != "$ref" {
		return 0, clientele.Errorf(clientele.Invalid, "the schema uses %s, which is not read here", keyword).WithHint("use $ref")
	}
	if ref != "#" && !strings.HasPrefix(ref, "#/") {
		return 0, clientele.Errorf(clientele.Invalid, "the schema refers to another document or to an anchor").WithHint("only references like #/$defs/money are read: nothing is fetched")
	}
	if w.open[ref] || ref == "#" {
		return 0, clientele.Errorf(clientele.Invalid, "the schema refers to itself in a circle at %s", clip(ref)).WithHint("write the levels out")
	}
	if n, ok := w.nodes[ref]; ok {
		return n, nil
	}
	target, ok := pointer(w.root, strings.TrimPrefix(ref, "#"))
	if !ok {
		return 0, clientele.Errorf(clientele.Invalid, "the schema has nothing at %s", clip(ref))
	}
	w.open[ref] = true
	n, err := w.count(target, depth+1)
	delete(w.open, ref)
	w.nodes[ref] = n
	return n, err
}

// pointer finds what a JSON Pointer points at.
func pointer(v any, path string) (any, bool) {
	for _, part := range strings.Split(path, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[part]; !ok {
			return nil, false
		}
	}
	return v, true
}
