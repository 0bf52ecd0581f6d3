package computed

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"clientele"
	"clientele/internal/audience"
)

// Op is what a leaf makes of what it counts.
type Op string

// The ops. All but count and days_since are of a property.
const (
	Count        Op = "count"
	Sum          Op = "sum"
	Avg          Op = "avg"
	Min          Op = "min"
	Max          Op = "max"
	First        Op = "first"
	Last         Op = "last"
	MostFrequent Op = "most_frequent" // of equally frequent ones the one seen last
	Unique       Op = "unique"        // how many different values
	List         Op = "list"          // the different values, sorted
	DaysSince    Op = "days_since"    // whole days of 24 hours since the last one
)

var ops = []Op{Count, Sum, Avg, Min, Max, First, Last, MostFrequent, Unique, List, DaysSince}

// Leaf is an aggregate over events or rows.
type Leaf struct {
	audience.Counted      // Name is the event's or the table's
	Table            bool // of a table, not of events
	Op               Op   //
	Window           audience.Window
	Key              string // equal for leaves that keep the same state
}

// Form is how a trait is made of its leaves.
type Form string

// The forms.
const (
	Plain      Form = ""
	Ratio      Form = "ratio"      // of divided by by; missing when by is zero or missing
	Difference Form = "difference" // of less less; a missing one is zero
)

// Trait is a computed trait.
type Trait struct {
	Name   string
	Form   Form
	Leaves []*Leaf // one, or two of a ratio and a difference
	Text   []byte  // the definition as it was given, compact JSON
}

// Tables are the tables that leaves can be of, with the column of their time.
var Tables = map[string]string{"orders": "ts", "order_lines": "ts", "returns": "ts", "conversations": "started_at", "messages": "ts", "loyalty_accounts": ""}

// Derived are properties of order lines beside their columns: amounts of the line, and whether it was bought at its list price.
var Derived = []string{"net", "margin", "list_total", "saved", "full_price", "discounted"}

const maxDefinition = 16 << 10

// Parse reads a definition: the JSON object of a leaf, {"ratio":{"of":LEAF,"by":LEAF}} or
// {"difference":{"of":LEAF,"less":LEAF}}. Invalid says what is wrong and where.
func Parse(name string, text []byte) (*Trait, error) {
	wrong := func(format string, args ...any) error {
		return clientele.Errorf(clientele.Invalid, "computed trait %s: "+format, append([]any{name}, args...)...)
	}
	if !named(name) {
		return nil, clientele.Errorf(clientele.Invalid, "a computed trait's name is 1 to 60 of a-z, 0-9 and _, the first a letter")
	}
	if len(text) > maxDefinition {
		return nil, wrong("its definition is over %d KB", maxDefinition>>10)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, wrong("its definition is no JSON")
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, wrong("its definition is no JSON object")
	}
	t := &Trait{Name: name, Text: compact.Bytes()}
	parts := []struct {
		form  Form
		names [2]string
	}{{Ratio, [2]string{"of", "by"}}, {Difference, [2]string{"of", "less"}}}
	for _, p := range parts {
		raw, ok := m[string(p.form)]
		if !ok {
			continue
		}
		var sides map[string]json.RawMessage
		if len(m) > 1 || json.Unmarshal(raw, &sides) != nil || len(sides) != 2 {
			return nil, wrong("%s holds %s and %s, and nothing stands beside it", p.form, p.names[0], p.names[1])
		}
		t.Form = p.form
		for _, side := range p.names {
			l, err := parseLeaf(sides[side])
			if err == nil && !slices.Contains([]Op{Count, Sum, Avg, Min, Max, Unique, DaysSince}, l.Op) {
				err = clientele.Errorf(clientele.Invalid, "%s is no number", l.Op)
			}
			if err != nil {
				return nil, wrong("/%s/%s: %s", p.form, side, err.Error()).(*clientele.Error).WithHint("%s", clientele.ErrorHint(err))
			}
			t.Leaves = append(t.Leaves, l)
		}
		return t, nil
	}
	l, err := parseLeaf(compact.Bytes())
	if err != nil {
		return nil, wrong("%s", err.Error()).(*clientele.Error).WithHint("%s", clientele.ErrorHint(err))
	}
	t.Leaves = []*Leaf{l}
	return t, nil
}

func named(s string) bool {
	if s == "" || len(s) > 60 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// parseLeaf has package audience read name, filters and window: a leaf is its event leaf with another aggregate.
func parseLeaf(text []byte) (*Leaf, error) {
	invalid := func(format string, args ...any) error { return clientele.Errorf(clientele.Invalid, format, args...) }
	var m map[string]json.RawMessage
	if len(text) == 0 || json.Unmarshal(text, &m) != nil || m == nil {
		return nil, invalid("a leaf is missing or no JSON object")
	}
	l := &Leaf{}
	property := ""
	for _, op := range ops {
		raw, ok := m[string(op)]
		if !ok {
			continue
		}
		delete(m, string(op))
		if l.Op != "" {
			return nil, invalid("%s beside %s", op, l.Op).(*clientele.Error).WithHint("a leaf has one; ratio and difference take two leaves")
		}
		l.Op = op
		if op == Count || op == DaysSince {
			if string(raw) != "true" {
				return nil, invalid("%s takes true", op)
			}
		} else if json.Unmarshal(raw, &property) != nil || property == "" {
			return nil, invalid("%s takes the name of a property", op)
		}
	}
	if l.Op == "" {
		return nil, invalid("it does not say what to make of it").(*clientele.Error).WithHint("one of count, sum, avg, min, max, first, last, most_frequent, unique, list, days_since")
	}
	if raw, ok := m["table"]; ok {
		if _, both := m["event"]; both {
			return nil, invalid("event beside table")
		}
		delete(m, "table")
		l.Table, m["event"] = true, raw
	}
	if _, by := m["by"]; by {
		return nil, invalid("by is for audiences").(*clientele.Error).WithHint("most_frequent, unique and list are by a property")
	}
	m["count"] = json.RawMessage(`{"op":"gte","value":1}`)
	b, err := json.Marshal(m)
	if err != nil {
		return nil, invalid("a leaf is no JSON")
	}
	c, err := audience.Parse(b)
	if err != nil {
		return nil, err
	}
	e, ok := c.(*audience.Event)
	if !ok {
		return nil, invalid("a leaf is of an event or of a table")
	}
	l.Counted, l.Window = audience.Counted{Name: e.Name, Where: e.Where, Property: property}, e.Window
	if err := l.checkTable(); err != nil {
		return nil, err
	}
	// The state depends on no more than this: leaves that are equal in it share it.
	w := l.Window
	id, err := json.Marshal([]any{l.Table, l.Counted.Key(), l.Op, w.Within, w.OlderThan, w.From, w.To})
	if err != nil {
		return nil, invalid("a leaf is no JSON")
	}
	h := xxh3.Hash128(id).Bytes()
	l.Key = hex.EncodeToString(h[:8])
	return l, nil
}

func (l *Leaf) checkTable() error {
	if !l.Table {
		return nil
	}
	if _, ok := Tables[l.Name]; !ok {
		return clientele.Errorf(clientele.Invalid, "there are no computed traits of a table %q", l.Name).
			WithHint("%s", strings.Join(slices.Sorted(maps.Keys(Tables)), ", "))
	}
	if Tables[l.Name] == "" && (l.Window != audience.Window{} || l.Op == DaysSince || l.Op == First || l.Op == Last) {
		return clientele.Errorf(clientele.Invalid, "rows of %s have no time", l.Name).WithHint("leave within, older_than, from, to, days_since, first and last out")
	}
	known := func(name string) bool {
		name, _, _ = strings.Cut(name, ".")
		return clientele.TableNamed(l.Name).Column(name) >= 0 || l.Name == "order_lines" && slices.Contains(Derived, name)
	}
	names := []string{l.Property}
	for _, f := range l.Where {
		names = append(names, f.Property+f.Each)
	}
	for _, name := range names {
		if name != "" && !known(name) {
			return clientele.Errorf(clientele.Invalid, "%s has no column %q", l.Name, name)
		}
	}
	return nil
}

// Type is the type of the trait's column.
func (t *Trait) Type() clientele.ColumnType {
	if t.Form == Ratio {
		return clientele.TypeDouble
	}
	out := t.Leaves[0].columnType()
	for _, l := range t.Leaves[1:] {
		if l.columnType() != out {
			out = clientele.TypeDouble
		}
	}
	return out
}

func (l *Leaf) columnType() clientele.ColumnType {
	of := clientele.ColumnType(0)
	if l.Table {
		if i := clientele.TableNamed(l.Name).Column(l.Property); i >= 0 {
			of = clientele.TableNamed(l.Name).Columns[i].Type
		} else if slices.Contains(Derived[:4], l.Property) {
			of = clientele.TypeDecimal
		}
	}
	switch l.Op {
	case Count, Unique, DaysSince:
		return clientele.TypeBigint
	case Sum, Min, Max:
		if of == clientele.TypeDecimal {
			return of
		}
		return clientele.TypeDouble
	case Avg:
		return clientele.TypeDouble
	case List:
		return clientele.TypeJSON
	}
	switch of {
	case clientele.TypeDecimal, clientele.TypeDouble, clientele.TypeBool, clientele.TypeTime:
		return of
	}
	return clientele.TypeText
}
