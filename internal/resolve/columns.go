package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"clientele"
	"clientele/internal/quality"
	"clientele/internal/rowcache"
)

// A property of events gets a typed column once promoteAfter events had it, so that the junk of
// one wrong call does not; a trait at its first sight. What decides is the log, never a clock
// or a batch, so a rebuild gives the same columns.
const (
	promoteAfter = 10
	maxTracked   = 3000 // property names that are counted towards promotion
	maxColumn    = 63   // bytes of a column name, as PostgreSQL allows
)

// columns knows which properties and traits have a typed column. Field numbers are on disk.
type columns struct {
	Tables map[string]*tableColumns `cbor:"1,keyasint"`
	at     clientele.Position       // of what is being looked at
	dirty  bool
	fresh  []clientele.Promotion
}

type tableColumns struct {
	Promoted map[string]string     `cbor:"1,keyasint"` // JSON name -> column
	Names    map[string]bool       `cbor:"2,keyasint"` // columns in use
	Counting map[string]*candidate `cbor:"3,keyasint"`
	Whole    bool                  `cbor:"4,keyasint,omitempty"` // Counting knows where each name was seen first
}

// candidate is a name that is counted. Type is 0 while all that it was said with is no scalar.
type candidate struct {
	Count int                  `cbor:"1,keyasint"`
	Type  clientele.ColumnType `cbor:"2,keyasint"`
	Since clientele.Position   `cbor:"3,keyasint,omitempty"` // of the first sight
}

var columnsKey = clientele.MetaKey("columns")

func loadColumns(rows clientele.Rows) (*columns, error) {
	c, err := rowcache.Load[columns](rows, columnsKey)
	if err != nil {
		return nil, err
	}
	if c == nil {
		c = &columns{}
	}
	if c.Tables == nil {
		c.Tables = map[string]*tableColumns{}
	}
	return c, nil
}

// Promoted are the columns of a table that were promoted, by the JSON name.
func Promoted(rows clientele.Rows, table string) (map[string]string, error) {
	c, err := loadColumns(rows)
	if err != nil {
		return nil, err
	}
	return c.table(table).Promoted, nil
}

func (c *columns) table(name string) *tableColumns {
	t := c.Tables[name]
	if t == nil {
		t = &tableColumns{Whole: true}
		c.Tables[name] = t
	}
	if t.Promoted == nil {
		t.Promoted = map[string]string{}
	}
	if t.Counting == nil {
		t.Counting = map[string]*candidate{}
	}
	if t.Names == nil {
		t.Names = map[string]bool{}
		for _, col := range clientele.TableNamed(name).Columns {
			t.Names[col.Name] = true
		}
	}
	return t
}

// saw counts the members of an event's properties.
func (c *columns) saw(table string, members []quality.Member) {
	if len(members) == 0 {
		return
	}
	t := c.table(table)
	if len(t.Promoted) >= clientele.MaxPromoted {
		return
	}
	for _, m := range t.others(members) {
		c.sawName(table, t, m.name, columnType(m.value))
	}
}

// sawNames counts the members of an object of which only names and types are left.
func (c *columns) sawNames(table string, names []typedName) {
	if len(names) == 0 {
		return
	}
	t := c.table(table)
	if len(t.Promoted) >= clientele.MaxPromoted {
		return
	}
	promoted := maps.Clone(t.Promoted) // as saw does: by what was promoted before this event
	for _, n := range names {
		if _, ok := promoted[n.Name]; !ok {
			c.sawName(table, t, n.Name, n.Type)
		}
	}
}

// sawName counts one member. Two of equal name are counted twice; objects and lists are not counted, but a name may be
// said with them first.
func (c *columns) sawName(table string, t *tableColumns, name string, typ clientele.ColumnType) {
	if typ == 0 {
		return
	}
	have := t.Counting[name]
	if have == nil {
		if len(t.Counting) >= maxTracked {
			c.dirty = c.dirty || t.Whole
			t.Whole = false
			return
		}
		have = &candidate{Since: c.at}
		t.Counting[name] = have
		c.dirty = true
	}
	if typ == clientele.TypeJSON {
		return
	}
	c.dirty = true
	have.Count++
	switch have.Type {
	case typ:
	case 0:
		have.Type = typ
	default:
		have.Type = clientele.TypeText // said in several types: only text holds them all
	}
	if have.Count >= promoteAfter {
		delete(t.Counting, name)
		since := have.Since
		if !t.Whole {
			since = 0
		}
		c.promote(table, t, name, have.Type, since)
	}
}

// names are the members of an object with the types of their values, by name; those that have a value.
func names(object jsontext.Value) (out []typedName) {
	for _, m := range (&tableColumns{}).others(quality.Members(nil, object)) {
		if t := columnType(m.value); t != 0 {
			out = append(out, typedName{m.name, t})
		}
	}
	return out
}

func sortNames(names []typedName) {
	slices.SortFunc(names, func(a, b typedName) int { return strings.Compare(a.Name, b.Name) })
}

// property is a member of an object.
type property struct {
	name  string
	value jsontext.Value
}

// others are the members that are not promoted, by name: two that are promoted by one event are
// so in the same order always.
func (t *tableColumns) others(members []quality.Member) (out []property) {
	for i := range members {
		if _, promoted := t.Promoted[string(members[i].Name)]; !promoted {
			out = append(out, property{string(members[i].Name), members[i].Value})
		}
	}
	slices.SortStableFunc(out, func(a, b property) int { return strings.Compare(a.name, b.name) })
	return out
}

// sawTrait promotes a trait, which no profile had before.
func (c *columns) sawTrait(name string, v []byte) { c.sawTraitType(name, columnType(v)) }

func (c *columns) sawTraitType(name string, typ clientele.ColumnType) {
	t := c.table("profiles")
	if _, ok := t.Promoted[name]; ok || typ == 0 || len(t.Promoted) >= clientele.MaxPromoted {
		return
	}
	c.promote("profiles", t, name, typ, c.at)
}

// promoteComputed promotes a computed trait.
func (c *columns) promoteComputed(name string, typ clientele.ColumnType) {
	t := c.table("profiles")
	if key := clientele.ComputedJSON(name); t.Promoted[key] == "" {
		c.promote("profiles", t, key, typ, 0)
	}
}

// promotePrediction promotes an output of a model, MODEL.OUTPUT.
func (c *columns) promotePrediction(name string, typ clientele.ColumnType) {
	t := c.table("profiles")
	if key := clientele.PredictionJSON(name); t.Promoted[key] == "" {
		c.promote("profiles", t, key, typ, 0)
	}
}

func (c *columns) promote(table string, t *tableColumns, name string, typ clientele.ColumnType, since clientele.Position) {
	if len(t.Promoted) >= clientele.MaxPromoted {
		return
	}
	base := snake(strings.TrimLeft(name, clientele.ComputedJSON("")+clientele.PredictionJSON("")))
	column := base
	for n := 2; t.Names[column]; n++ {
		column = fmt.Sprintf("%s_%d", base, n)
	}
	t.Names[column], t.Promoted[name] = true, column
	c.dirty = true
	c.fresh = append(c.fresh, clientele.Promotion{Table: table, JSON: name, Column: column, Type: typ, Since: since})
}

// columnType is the column type that holds the value; 0 for null.
func columnType(v jsontext.Value) clientele.ColumnType {
	switch v.Kind() {
	case '"':
		if len(v) > 18 && len(v) < 40 && v[5] == '-' && v[8] == '-' {
			if _, err := instant("", v); err == nil {
				return clientele.TypeTime
			}
		}
		return clientele.TypeText
	case '0':
		return clientele.TypeDouble
	case 't', 'f':
		return clientele.TypeBool
	case '{', '[':
		return clientele.TypeJSON
	}
	return 0
}

// snake is the name as a column: lower-case letters, digits and underscores.
func snake(name string) string {
	var b strings.Builder
	var last rune
	for _, c := range name {
		switch {
		case unicode.IsUpper(c):
			if b.Len() > 0 && last != '_' && !unicode.IsUpper(last) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(c))
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			b.WriteRune(c)
		case last != '_' && b.Len() > 0:
			c = '_'
			b.WriteByte('_')
		default:
			continue
		}
		last = c
	}
	s := strings.Trim(b.String(), "_")
	for len(s) > maxColumn-5 {
		s = s[:len(s)-1]
	}
	if s = strings.ToValidUTF8(s, ""); s == "" || unicode.IsDigit(rune(s[0])) {
		s = "c_" + s
	}
	return s
}
