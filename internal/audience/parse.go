package audience

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// Limits of a definition.
const (
	MaxBytes  = 256 << 10
	MaxDepth  = 16   // of and, or and not
	MaxLeaves = 200  // conditions that are neither
	MaxValues = 1000 // of in and not_in
	MaxSteps  = 10   // of a sequence
	MaxWhere  = 20   // filters of one event
	MaxText   = 1024 // bytes of a name or text
	maxNested = 64   // levels of JSON: depth counts conditions only
)

// Parse reads a definition. Invalid names the place as a JSON pointer, what is wrong there, and as
// a hint how to mend it.
func Parse(text []byte) (Condition, error) {
	if len(text) > MaxBytes {
		return nil, clientele.Errorf(clientele.TooLarge, "the definition is over %d KB", MaxBytes>>10).
			WithHint("a list of people or products is a static audience or a trait, not a definition")
	}
	if err := shallow(text); err != nil {
		return nil, err
	}
	var v any
	err := jsonv2.Unmarshal(text, &v, jsontext.AllowDuplicateNames(true))
	if err != nil {
		return nil, notJSON(err)
	}
	p := parser{}
	c := p.condition(place{}, v, 1)
	return c, p.err
}

// shallow refuses what is nested deeper than any definition, before anything follows it down.
func shallow(text []byte) error {
	level, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if level++; level > maxNested {
				return clientele.Errorf(clientele.TooLarge, "the definition is nested deeper than %d levels", maxNested).WithHint("and and or take as many conditions as you like")
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return nil
}

func notJSON(err error) error {
	at := ""
	var syntactic *jsontext.SyntacticError
	var semantic *jsonv2.SemanticError
	switch {
	case errors.As(err, &syntactic):
		at = fmt.Sprintf(" (byte %d)", syntactic.ByteOffset)
	case errors.As(err, &semantic):
		at = fmt.Sprintf(" (byte %d)", semantic.ByteOffset)
	}
	return clientele.Errorf(clientele.Invalid, "the definition is not JSON%s", at).
		WithHint(`a condition is an object: {"trait":"country","op":"eq","value":"TH"}`)
}

// place is where in the definition something is.
type place []string

func (p place) in(name string) place { return append(p[:len(p):len(p)], name) }
func (p place) at(i int) place       { return p.in(strconv.Itoa(i)) }

// String is the JSON pointer (RFC 6901); "/" for the whole.
func (p place) String() string {
	if len(p) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, name := range p {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(clip(name)))
	}
	return b.String()
}

func clip(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 {
			return ' '
		}
		return r
	}, s)
}

// parser remembers the first thing that is wrong.
type parser struct {
	err    error
	leaves int
}

func (p *parser) fail(at place, hint, format string, args ...any) {
	if p.err == nil {
		p.err = clientele.Errorf(clientele.Invalid, "%s: %s", at, fmt.Sprintf(format, args...)).WithHint("%s", hint)
	}
}

// forms are the conditions, by the member that tells them apart.
var forms = []string{"and", "or", "not", "trait", "event", "sequence", "message", "lifecycle", "catalog", "audience", "consent", "identifier", "listed", "suppress"}

const formsHint = "a condition has one of and, or, not, trait, event, sequence, message, lifecycle, catalog, audience, consent, identifier"

func (p *parser) condition(at place, v any, depth int) Condition {
	m, ok := v.(map[string]any)
	if !ok {
		p.fail(at, formsHint, "a condition is an object, not %s", describe(v))
		return nil
	}
	var form string
	for _, f := range forms {
		if _, ok := m[f]; ok {
			if form != "" && !(form == "event" && f == "event") {
				p.fail(at, "put the two into and", "%s and %s in one condition", form, f)
				return nil
			}
			form = f
		}
	}
	if form == "" {
		p.fail(at, formsHint, "no condition: %s", named(m, forms))
		return nil
	}
	if depth > MaxDepth {
		p.fail(at, "and and or take as many conditions as you like", "nested deeper than %d conditions", MaxDepth)
		return nil
	}
	switch form {
	case "and", "or":
		p.only(at, m, form)
		list := p.conditions(at.in(form), m[form], depth)
		if form == "and" {
			return And(list)
		}
		return Or(list)
	case "suppress":
		return p.suppressed(at, m, depth)
	case "not":
		p.only(at, m, form)
		return Not{p.condition(at.in("not"), m["not"], depth+1)}
	}
	if p.leaves++; p.leaves > MaxLeaves {
		p.fail(at, "name part of it as an audience of its own and refer to that", "over %d conditions", MaxLeaves)
		return nil
	}
	return p.leaf(at, m, form)
}

func (p *parser) conditions(at place, v any, depth int) (out []Condition) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		p.fail(at, `write {"and":[{…},{…}]}`, "a list of at least one condition is needed, not %s", describe(v))
		return nil
	}
	for i, e := range list {
		if p.err != nil {
			return nil
		}
		out = append(out, p.condition(at.at(i), e, depth+1))
	}
	return out
}

func (p *parser) leaf(at place, m map[string]any, form string) Condition {
	switch form {
	case "trait":
		return p.trait(at, m)
	case "event":
		return p.event(at, m)
	case "sequence":
		return p.sequence(at, m)
	case "message":
		return p.message(at, m)
	case "lifecycle":
		p.only(at, m, "lifecycle", "for")
		return &Lifecycle{Stage: p.name(at.in("lifecycle"), m["lifecycle"]), For: p.duration(at, m, "for")}
	case "catalog":
		p.only(at, m, "catalog", "available")
		c := &Catalog{List: p.name(at.in("catalog"), m["catalog"])}
		if c.List != "wanted_skus" {
			p.fail(at.in("catalog"), "write wanted_skus", "there is no list %q in the catalogue", clip(c.List))
		}
		c.Available = p.nested(at, m, "available", numeric)
		return c
	case "listed":
		p.only(at, m, "listed")
		return &Listed{p.name(at.in("listed"), m["listed"])}
	case "audience":
		p.only(at, m, "audience")
		return &Ref{p.name(at.in("audience"), m["audience"])}
	case "consent":
		p.only(at, m, "consent", "channel", "granted")
		c := &Consent{Purpose: p.name(at.in("consent"), m["consent"]), Granted: p.flag(at, m, "granted", true)}
		if v, ok := m["channel"]; ok {
			c.Channel = p.name(at.in("channel"), v)
		}
		return c
	}
	p.only(at, m, "identifier", "exists", "verified")
	c := &Identifier{Namespace: clientele.Namespace(p.name(at.in("identifier"), m["identifier"])), Exists: p.flag(at, m, "exists", true)}
	if _, ok := m["verified"]; ok {
		verified := p.flag(at, m, "verified", true)
		c.Verified = &verified
	}
	return c
}

// only refuses members that the form does not have.
func (p *parser) only(at place, m map[string]any, names ...string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, name) {
			hint := "it has " + strings.Join(names, ", ")
			if near := Nearest(name, names); len(near) > 0 {
				hint = "did you mean " + near[0] + "?"
			}
			p.fail(at.in(name), hint, "there is no %q here", clip(name))
		}
	}
}

// named says what an object has instead of what it should have.
func named(m map[string]any, wanted []string) string {
	names := slices.Sorted(maps.Keys(m))
	if len(names) == 0 {
		return "the object is empty"
	}
	for _, n := range names {
		if near := Nearest(n, wanted); len(near) > 0 {
			return fmt.Sprintf("%q may be meant as %s", clip(n), near[0])
		}
	}
	return fmt.Sprintf("%q says nothing", clip(names[0]))
}

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a text"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		if len(v) == 0 {
			return "an empty list"
		}
		return "a list"
	}
	return "an object"
}

// name reads a text that is not empty.
func (p *parser) name(at place, v any) string {
	s, ok := v.(string)
	switch {
	case !ok || s == "":
		p.fail(at, "write a name in quotes", "a name is needed, not %s", describe(v))
	case len(s) > MaxText:
		p.fail(at, "no name is that long", "the name is over %d bytes", MaxText)
	case strings.IndexByte(s, 0) >= 0:
		p.fail(at, "take it out", "the name holds a zero byte")
	}
	return s
}

func (p *parser) flag(at place, m map[string]any, name string, otherwise bool) bool {
	v, ok := m[name]
	if !ok {
		return otherwise
	}
	b, ok := v.(bool)
	if !ok {
		p.fail(at.in(name), "write true or false without quotes", "true or false is needed, not %s", describe(v))
	}
	return b
}

const durationHint = `write a whole number with s, m, h, d or w: "30d"; a month is "30d", a year "365d"`

// duration reads a member that may be absent.
func (p *parser) duration(at place, m map[string]any, name string) Duration {
	v, ok := m[name]
	if !ok {
		return 0
	}
	s, _ := v.(string)
	d, err := ParseDuration(s)
	if err != nil {
		p.fail(at.in(name), durationHint, "%s", err.Error())
	}
	return d
}

// MaxDuration is the longest: a hundred years.
const MaxDuration = 36500 * Day

// ParseDuration reads a duration: a whole number and s, m, h, d or w.
func ParseDuration(s string) (Duration, error) {
	units := map[byte]Duration{'s': Second, 'm': Minute, 'h': Hour, 'd': Day, 'w': 7 * Day}
	if len(s) < 2 || len(s) > 12 || units[s[len(s)-1]] == 0 {
		return 0, clientele.Errorf(clientele.Invalid, "%q is no duration", clip(s)).WithHint("%s", durationHint)
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 40)
	unit := units[s[len(s)-1]]
	if err != nil || s[0] == '+' {
		return 0, clientele.Errorf(clientele.Invalid, "%q is no duration", clip(s)).WithHint("%s", durationHint)
	}
	if n > uint64(MaxDuration/unit) {
		return 0, clientele.Errorf(clientele.Invalid, "%q is over a hundred years", clip(s)).WithHint("leave it out")
	}
	return Duration(n) * unit, nil
}

// String is the duration in the largest unit that says it: 30d, 36h.
func (d Duration) String() string {
	for _, u := range []struct {
		unit Duration
		name string
	}{{Day, "d"}, {Hour, "h"}, {Minute, "m"}} {
		if d != 0 && d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/Second), 10) + "s"
}

// UnmarshalJSON reads a definition inside another document.
func (d *Definition) UnmarshalJSON(b []byte) (err error) {
	d.Condition, err = Parse(b)
	return err
}

// MarshalJSON is the canonical form.
func (d Definition) MarshalJSON() ([]byte, error) {
	if d.Condition == nil {
		return []byte("null"), nil
	}
	return JSON(d.Condition), nil
}

// Definition is a condition as a member of a document.
type Definition struct{ Condition }

var _ json.Unmarshaler = (*Definition)(nil)
