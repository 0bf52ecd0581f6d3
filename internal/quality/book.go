package quality

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"clientele"
	"clientele/internal/rowcache"
)

// Bodies of the commands, in the log for ever. Without a plan or rule the named one ends.
type (
	PlanBody struct {
		Name   string          `json:"name"`
		Plan   *clientele.Plan `json:"plan,omitempty"`
		Config bool            `json:"config,omitempty"` // it is the configuration that says so
	}
	TransformBody struct {
		Name   string                   `json:"name"`
		Rule   *clientele.TransformRule `json:"rule,omitempty"`
		Config bool                     `json:"config,omitempty"`
	}
	// KeyBody holds the key of hashed fields. It lies where the values themselves lie, in the log: it
	// keeps them from those who read profiles, tables and exports, not from whoever has the log.
	KeyBody struct {
		Key []byte `json:"key"`
	}
)

// minKey is the least a key has, in bytes.
const minKey = 16

// entry is a stored plan or rule. Field numbers are on disk.
type entry struct {
	Body     []byte             `cbor:"1,keyasint"` // JSON of the plan or rule
	By       string             `cbor:"2,keyasint"`
	At       clientele.Micros   `cbor:"3,keyasint"`
	Position clientele.Position `cbor:"4,keyasint"`
	Config   bool               `cbor:"5,keyasint,omitempty"`
}

func (e *entry) origin() clientele.RuleOrigin {
	return clientele.RuleOrigin{By: e.By, At: e.At, Position: e.Position, Config: e.Config}
}

// The kinds of rows.
const (
	rowPlan      = "plan"
	rowTransform = "transform"
)

var hashKey = clientele.QualityKey("key")

// Book is every plan and transform rule with where it came from. It is a value: Do makes another.
type Book struct {
	Plans      map[string]clientele.PlanInForce
	Transforms map[string]clientele.TransformInForce
	key        []byte
	rules      *Rules
}

// LoadBook reads the stored plans and rules.
func LoadBook(rows clientele.Rows) (*Book, error) {
	b := &Book{Plans: map[string]clientele.PlanInForce{}, Transforms: map[string]clientele.TransformInForce{}}
	err := each(rows, rowPlan, func(e *entry) error {
		p := clientele.PlanInForce{RuleOrigin: e.origin()}
		err := json.Unmarshal(e.Body, &p.Plan)
		b.Plans[p.Name] = p
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(rows, rowTransform, func(e *entry) error {
		t := clientele.TransformInForce{RuleOrigin: e.origin()}
		err := json.Unmarshal(e.Body, &t.TransformRule)
		b.Transforms[t.Name] = t
		return err
	})
	if err != nil {
		return nil, err
	}
	if b.key, err = rows.Get(hashKey); err != nil {
		return nil, err
	}
	b.rules, err = b.compile()
	return b, err
}

func each(rows clientele.Rows, what string, fn func(*entry) error) error {
	return rows.Scan(clientele.Prefix(clientele.QualityKey(what)), func(_ clientele.Key, v []byte) (bool, error) {
		e, err := rowcache.Decode[entry](v)
		if err != nil {
			return false, err
		}
		if err := fn(e); err != nil {
			return false, clientele.Errorf(clientele.Corrupt, "stored %s: %w", what, err)
		}
		return true, nil
	})
}

func (b *Book) compile() (*Rules, error) {
	var plans []clientele.Plan
	for _, name := range slices.Sorted(maps.Keys(b.Plans)) {
		plans = append(plans, b.Plans[name].Plan)
	}
	var transforms []clientele.TransformRule
	for _, t := range b.Transforms {
		transforms = append(transforms, t.TransformRule)
	}
	return newRules(plans, transforms, b.key)
}

// Rules are those of the book; nil when it is empty.
func (b *Book) Rules() *Rules { return b.rules }

// HasKey says whether fields can be hashed.
func (b *Book) HasKey() bool { return len(b.key) > 0 }

// Needs says whether the rule needs the key of hashed fields.
func (b *Book) Needs(t *clientele.TransformRule) bool { return hashes(*t) && !b.HasKey() }

// With is the book with a plan more, or another in its place; Invalid or Conflict when it cannot be.
func (b *Book) With(p clientele.Plan) (*Book, error) {
	out := b.copy()
	out.Plans[p.Name] = clientele.PlanInForce{Plan: p}
	return out.compiled()
}

// WithTransform is the book with a transform rule more, or another in its place.
func (b *Book) WithTransform(t clientele.TransformRule) (*Book, error) {
	out := b.copy()
	out.Transforms[t.Name] = clientele.TransformInForce{TransformRule: t}
	return out.compiled()
}

func (b *Book) copy() *Book {
	out := &Book{Plans: map[string]clientele.PlanInForce{}, Transforms: map[string]clientele.TransformInForce{}, key: b.key}
	maps.Copy(out.Plans, b.Plans)
	maps.Copy(out.Transforms, b.Transforms)
	return out
}

func (b *Book) compiled() (_ *Book, err error) {
	b.rules, err = b.compile()
	return b, err
}

// Commands says whether Do knows the command.
func Commands(name clientele.CommandName) bool {
	return name == clientele.CommandTrackingPlan || name == clientele.CommandTransform || name == clientele.CommandTransformKey
}

// Subject is the plan or rule that a command is about.
func Subject(c *clientele.Command) string {
	var in struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(c.Body, &in) != nil {
		return ""
	}
	return clip(in.Name)
}

// Do is the book after the command, and the row to store: without a value it goes. Invalid,
// Conflict or NotFound when the command cannot be done.
func (b *Book) Do(c *clientele.Command, at clientele.Micros, p clientele.Position) (*Book, clientele.RowChange, error) {
	row, out := clientele.RowChange{}, b.copy()
	origin := entry{By: c.By, At: at, Position: p}
	read := func(into any) error {
		if err := json.Unmarshal(c.Body, into); err != nil {
			return clientele.Errorf(clientele.Invalid, "command %s: its body is not what it takes", c.Name)
		}
		return nil
	}
	var body []byte
	switch c.Name {
	case clientele.CommandTrackingPlan:
		var in PlanBody
		if err := read(&in); err != nil {
			return nil, row, err
		}
		origin.Config = in.Config
		row.Key = clientele.QualityKey(rowPlan, in.Name)
		delete(out.Plans, in.Name)
		if in.Plan == nil {
			if _, ok := b.Plans[in.Name]; !ok {
				return nil, row, clientele.Errorf(clientele.NotFound, "there is no tracking plan of that name")
			}
			break
		}
		in.Plan.Name = in.Name
		out.Plans[in.Name] = clientele.PlanInForce{Plan: *in.Plan, RuleOrigin: origin.origin()}
		body = mustJSON(in.Plan)
	case clientele.CommandTransform:
		var in TransformBody
		if err := read(&in); err != nil {
			return nil, row, err
		}
		origin.Config = in.Config
		row.Key = clientele.QualityKey(rowTransform, in.Name)
		delete(out.Transforms, in.Name)
		if in.Rule == nil {
			if _, ok := b.Transforms[in.Name]; !ok {
				return nil, row, clientele.Errorf(clientele.NotFound, "there is no transform rule of that name")
			}
			break
		}
		in.Rule.Name = in.Name
		if b.Needs(in.Rule) {
			return nil, row, clientele.Errorf(clientele.Invalid, "transform rule %s hashes a field, and there is no key", clip(in.Name))
		}
		out.Transforms[in.Name] = clientele.TransformInForce{TransformRule: *in.Rule, RuleOrigin: origin.origin()}
		body = mustJSON(in.Rule)
	default:
		var in KeyBody
		if err := read(&in); err != nil {
			return nil, row, err
		}
		if len(in.Key) < minKey || b.HasKey() {
			return nil, row, clientele.Errorf(clientele.Conflict, "the key of hashed fields is there already, or too short")
		}
		out.key, row.Key, row.Value = in.Key, hashKey, in.Key
	}
	var err error
	if body != nil {
		origin.Body = body
		if row.Value, err = rowcache.Encode(origin); err != nil {
			return nil, row, err
		}
	}
	out, err = out.compiled()
	return out, row, err
}

// InOrder are the transform rules in the order in which they apply.
func (b *Book) InOrder() []clientele.TransformInForce {
	out := []clientele.TransformInForce{}
	for _, t := range b.Transforms {
		out = append(out, t)
	}
	slices.SortFunc(out, func(x, y clientele.TransformInForce) int {
		return cmp.Or(cmp.Compare(x.Order, y.Order), cmp.Compare(x.Name, y.Name))
	})
	return out
}
