package quality

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// rule is a compiled transform rule.
type rule struct {
	clientele.TransformRule
	events []string // sorted; empty: all
	when   *expression
	steps  []step
}

type step struct {
	op    clientele.TransformOp
	path  path
	to    path
	value *expression
}

// compileRule checks and compiles.
func compileRule(in clientele.TransformRule) (*rule, error) {
	if err := checkName("transform rule", in.Name); err != nil {
		return nil, err
	}
	what := "transform rule " + in.Name
	if err := checkScope(what, in.Sources, in.Events); err != nil {
		return nil, err
	}
	if len(in.Steps) == 0 || len(in.Steps) > maxSteps {
		return nil, clientele.Errorf(clientele.Invalid, "%s has %d steps: 1 to %d are allowed", what, len(in.Steps), maxSteps)
	}
	r := &rule{TransformRule: in, events: slices.Sorted(slices.Values(in.Events))}
	var err error
	if in.When != "" {
		if r.when, err = compileExpression(in.When, true); err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "%s: when: %w", what, err).WithHint("%s", clientele.ErrorHint(err))
		}
	}
	for i, s := range in.Steps {
		c, err := compileStep(s)
		if err != nil {
			return nil, clientele.Errorf(clientele.Invalid, "%s: step %d: %w", what, i+1, err).WithHint("%s", clientele.ErrorHint(err))
		}
		r.steps = append(r.steps, c)
	}
	return r, nil
}

func compileStep(in clientele.TransformStep) (s step, err error) {
	s.op = in.Op
	wants := func(p, to, value bool) error {
		if (in.Path != "") != p || (in.To != "") != to || (in.Value != "") != value {
			return clientele.Errorf(clientele.Invalid, "%s has other keys than it takes", in.Op).WithHint("rename: path, to; set: path, value; drop and hash: path; filter: none")
		}
		return nil
	}
	switch in.Op {
	case clientele.TransformRename:
		err = wants(true, true, false)
	case clientele.TransformSet:
		err = wants(true, false, true)
	case clientele.TransformDrop, clientele.TransformHash:
		err = wants(true, false, false)
	case clientele.TransformFilter:
		return s, wants(false, false, false)
	default:
		return s, clientele.Errorf(clientele.Invalid, "op %q is not known", clip(string(in.Op))).WithHint("rename, set, drop, hash or filter")
	}
	if err != nil {
		return s, err
	}
	if s.path, err = parsePath(in.Path); err != nil {
		return s, err
	}
	if in.To != "" {
		if s.to, err = parsePath(in.To); err != nil {
			return s, err
		}
		if !s.path.same(s.to) {
			return s, clientele.Errorf(clientele.Invalid, "rename leads out of a list").WithHint("path and to go through the same lists: products[].Price to products[].price")
		}
	}
	if in.Value != "" {
		s.value, err = compileExpression(in.Value, false)
	}
	return s, err
}

// hashes says whether a rule needs the key.
func hashes(in clientele.TransformRule) bool {
	return slices.ContainsFunc(in.Steps, func(s clientele.TransformStep) bool { return s.Op == clientele.TransformHash })
}

// Outcome is what the transform rules have made of a message.
type Outcome struct {
	Raw      []byte   // the message; nil when it is filtered
	Filtered string   // by which rule
	Applied  []string // rules that changed or filtered it
	Failed   []string // rules of which an expression could not be evaluated
}

// head is what must be known of a message to find its rules.
type head struct {
	Type  string         `json:"type"`
	Event jsontext.Value `json:"event"`
}

// The last of two equal names holds, as where events are read.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true))

// Transform applies the rules for the source to a message: nil when none touches it. What is no
// message stays as it is, whoever reads it says what is wrong.
func (r *Rules) Transform(source string, raw []byte) *Outcome {
	if r == nil || len(r.rules) == 0 {
		return nil
	}
	list := r.rulesOf(source)
	if len(list) == 0 {
		return nil
	}
	var h head
	if jsonv2.Unmarshal(raw, &h, lenient) != nil {
		return nil
	}
	m := &message{rules: r, typ: lower(h.Type), name: EventName(lower(h.Type), plainText(h.Event)), env: environment{Source: source}}
	for _, i := range list {
		if !r.rules[i].about(m.name) {
			continue
		}
		if m.doc == nil {
			if m.doc = readMessage(raw); m.doc == nil {
				return nil
			}
		}
		m.apply(r.rules[i])
		if m.out.Filtered != "" {
			break
		}
	}
	return m.end(raw)
}

func (r *rule) about(event string) bool {
	if len(r.events) == 0 {
		return true
	}
	_, ok := slices.BinarySearch(r.events, event)
	return ok
}

// message is one message on its way through the rules.
type message struct {
	rules     *Rules
	typ, name string
	doc       map[string]any
	env       environment
	fresh     bool // env shows doc
	out       Outcome
}

func (m *message) apply(r *rule) {
	failed, applied := false, false
	if r.when != nil {
		holds, ok := r.when.holds(m.seen())
		if !ok {
			m.out.Failed = append(m.out.Failed, r.Name)
		}
		if !holds || !ok {
			return
		}
	}
	for i := range r.steps {
		s := &r.steps[i]
		if s.op == clientele.TransformFilter {
			m.out.Filtered, applied = r.Name, true
			break
		}
		changed, ok := m.step(s)
		applied, failed = applied || changed, failed || !ok
		if changed {
			m.fresh = false
			m.name = EventName(m.typ, text(m.doc["event"]))
		}
	}
	if applied {
		m.out.Applied = append(m.out.Applied, r.Name)
	}
	if failed {
		m.out.Failed = append(m.out.Failed, r.Name)
	}
}

// step does one step: whether it changed something, and whether it could be done.
func (m *message) step(s *step) (changed, ok bool) {
	ok = true
	var value any
	if s.op == clientele.TransformSet {
		if value, ok = s.value.value(m.seen()); !ok {
			return false, false
		}
	}
	s.path.in(m.doc, func(at map[string]any) {
		switch s.op {
		case clientele.TransformSet:
			if put(at, s.path.parts, value) {
				changed = true
			} else {
				ok = false
			}
		case clientele.TransformDrop:
			changed = remove(at, s.path.parts) || changed
		case clientele.TransformHash:
			if v, there := get(at, s.path.parts); there && v != nil {
				put(at, s.path.parts, m.hash(v))
				changed = true
			}
		case clientele.TransformRename:
			v, there := get(at, s.path.parts)
			if !there {
				return
			}
			remove(at, s.path.parts)
			if put(at, s.to.parts, v) {
				changed = true
			} else {
				put(at, s.path.parts, v) // where it should go stands something else
				ok = false
			}
		}
	})
	return changed, ok
}

// hash is the keyed SHA-256 of a value's text, in hexadecimal. Of lists and objects it is that of their JSON.
func (m *message) hash(v any) string {
	h := hmac.New(sha256.New, m.rules.key)
	if s, ok := v.(string); ok {
		h.Write([]byte(s))
	} else {
		b, _ := jsonv2.Marshal(v, jsonv2.Deterministic(true)) // of a value that was JSON
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// seen is what expressions see of the message now.
func (m *message) seen() *environment {
	if m.fresh {
		return &m.env
	}
	object := func(name string) map[string]any {
		o, _ := m.doc[name].(map[string]any)
		return o
	}
	event := m.doc["event"]
	if m.typ == "page" || m.typ == "screen" {
		event = m.doc["name"]
	}
	m.env = environment{Type: m.typ, Event: text(event), Source: m.env.Source, UserID: m.doc["userId"], AnonymousID: m.doc["anonymousId"],
		GroupID: m.doc["groupId"], Timestamp: m.doc["timestamp"], Properties: object("properties"), Traits: object("traits"), Context: object("context")}
	m.fresh = true
	return &m.env
}

// end is the outcome; nil when no rule has done anything.
func (m *message) end(raw []byte) *Outcome {
	if len(m.out.Applied)+len(m.out.Failed) == 0 {
		return nil
	}
	switch {
	case m.out.Filtered != "":
	case len(m.out.Applied) == 0:
		m.out.Raw = raw
	default:
		b, err := jsonv2.Marshal(m.doc, jsonv2.Deterministic(true))
		if err != nil {
			b = raw // a document that was read can be written
		}
		m.out.Raw = b
	}
	return &m.out
}

// readMessage decodes a message; nil when it is none. Numbers that a float64 holds exactly are one,
// so that expressions can reckon; others keep their digits.
func readMessage(raw []byte) map[string]any {
	var doc map[string]any
	if jsonv2.Unmarshal(raw, &doc, lenient, jsonv2.WithUnmarshalers(numbers)) != nil {
		return nil
	}
	return doc
}

const exact = 1 << 53

var numbers = jsonv2.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	n, err := dec.ReadValue()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if digits := len(bytes.Trim(n, "-0.")); err != nil || digits > 15 && !(f == math.Trunc(f) && math.Abs(f) <= exact && !bytes.ContainsAny(n, ".eE")) {
		*v = jsontext.Value(bytes.Clone(n))
		return nil
	}
	*v = f
	return nil
})

// text is a text or a number as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case jsontext.Value:
		return v.String()
	}
	return ""
}

func plainText(v jsontext.Value) string {
	var x any
	if len(v) == 0 || jsonv2.Unmarshal(v, &x, lenient, jsonv2.WithUnmarshalers(numbers)) != nil {
		return ""
	}
	return text(x)
}

func lower(s string) string {
	if s == "track" {
		return s
	}
	return string(bytes.ToLower([]byte(s)))
}
