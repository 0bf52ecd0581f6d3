package role

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"clientele"
)

// Mask is v as the sight shows it. v itself is left as it is: others may hold it. Whatever the type, it goes by what the
// parts are: identifiers, traits, documents of events, records, fields of a pair. E-mail addresses and telephone numbers
// are hidden in every text.
func (p *Personal) Mask(sight Sight, v any) any {
	if sight == Clear || v == nil {
		return v
	}
	m := masker{p, sight}
	return m.value(reflect.ValueOf(v)).Interface()
}

type masker struct {
	p     *Personal
	sight Sight
}

var (
	identifierType = reflect.TypeFor[clientele.Identifier]()
	profileIDType  = reflect.TypeFor[clientele.ProfileID]()
	rawType        = reflect.TypeFor[clientele.RawJSON]()
	rawMessageType = reflect.TypeFor[json.RawMessage]()
	objectType     = reflect.TypeFor[map[string]any]()
	timeType       = reflect.TypeFor[time.Time]()
)

// value is a copy of v, masked.
func (m masker) value(v reflect.Value) reflect.Value {
	if !v.IsValid() {
		return v
	}
	switch v.Type() {
	case identifierType:
		id := v.Interface().(clientele.Identifier)
		id.Value = MaskValue(id.Value)
		return reflect.ValueOf(id)
	case profileIDType:
		if m.sight == Nothing {
			return reflect.Zero(profileIDType)
		}
		return v
	case timeType:
		return v
	case objectType:
		return reflect.ValueOf(m.object("", v.Interface().(map[string]any)))
	case rawType, rawMessageType:
		return reflect.ValueOf(m.document("", v.Bytes())).Convert(v.Type())
	}
	switch v.Kind() {
	case reflect.String:
		return reflect.ValueOf(MaskText(v.String())).Convert(v.Type())
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(m.value(v.Elem()))
		return c
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return m.value(v.Elem())
	case reflect.Slice:
		return m.list(v)
	case reflect.Array:
		c := reflect.New(v.Type()).Elem()
		for i := range v.Len() {
			c.Index(i).Set(m.value(v.Index(i)))
		}
		return c
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			c.SetMapIndex(it.Key(), m.value(it.Value()))
		}
		return c
	case reflect.Struct:
		return m.structure(v)
	}
	return v
}

func (m masker) list(v reflect.Value) reflect.Value {
	if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
		return v
	}
	c := reflect.MakeSlice(v.Type(), 0, v.Len())
	for i := range v.Len() {
		if m.sight == Nothing && v.Type().Elem() == profileIDType {
			continue // an id that is left out leaves no gap
		}
		c = reflect.Append(c, m.value(v.Index(i)))
	}
	return c
}

// structure copies a struct and masks what it shows. Types that need more than their parts say so are named here.
func (m masker) structure(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	done := map[string]bool{}
	if row, ok := v.Interface().(interface{ RowOf() string }); ok {
		m.columns(row.RowOf(), c, done)
	}
	switch x := c.Addr().Interface().(type) {
	case *clientele.Profile:
		x.Traits = m.members("traits", x.Traits)
		x.Computed = m.members("computed", x.Computed)
		x.Predictions = m.members("predictions", x.Predictions)
		done["Traits"], done["Computed"], done["Predictions"] = true, true, true
	case *clientele.ProfileName:
		x.Traits = m.members("traits", x.Traits)
		done["Traits"] = true
	case *clientele.Event:
		if x.Type == "identify" {
			x.Properties = m.document("traits", x.Properties)
			done["Properties"] = true
		}
	case *clientele.Quarantined:
		x.Raw = m.record(x.Raw)
	case *clientele.LiveEvent:
		x.Raw = m.record(x.Raw)
		if x.Type == "identify" {
			x.Properties = m.document("traits", x.Properties)
			done["Properties"] = true
		}
	case *clientele.Enriched:
		x.Value = m.member("traits", x.Trait, x.Value)
		done["Value"] = true
	case *clientele.MatchField:
		x.A, x.B = MaskValue(x.A), MaskValue(x.B)
	case *clientele.Answer:
		m.answer(x)
	case *clientele.AudienceInForce:
		if m.p.AsksFor(x.Where) != "" || m.p.AsksFor(x.Suppress) != "" {
			x.Reads = hidden
		}
	}
	for i := range c.NumField() {
		if f := c.Field(i); f.CanSet() && !done[c.Type().Field(i).Name] {
			f.Set(m.value(f))
		}
	}
	return c
}

// columns masks what is personal of a row of a table, whose members are called as its columns are.
func (m masker) columns(table string, c reflect.Value, done map[string]bool) {
	for i := range c.NumField() {
		name, _, _ := strings.Cut(c.Type().Field(i).Tag.Get("json"), ",")
		f := c.Field(i)
		if !m.p.Field(table, name) {
			continue
		}
		done[c.Type().Field(i).Name] = true
		if f.Kind() == reflect.String {
			f.SetString(MaskValue(f.String()))
		} else {
			f.SetZero()
		}
	}
}

// members masks an object of Go values.
func (m masker) members(of string, in map[string]any) map[string]any {
	if in == nil {
		return nil
	}
	out := make(map[string]any, len(in))
	for k, v := range in {
		out[k] = m.member(of, k, v)
	}
	return out
}

func (m masker) member(of, key string, v any) any {
	if m.p.Field(of, key) {
		switch v := v.(type) {
		case nil, bool:
			return v
		case string:
			return MaskValue(v)
		}
		return hidden
	}
	switch v := v.(type) {
	case string:
		return MaskText(v)
	case map[string]any:
		return m.object(key, v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = m.member(key, "", v[i])
		}
		return out
	case clientele.RawJSON:
		return clientele.RawJSON(m.document(key, v))
	case json.RawMessage:
		return json.RawMessage(m.document(key, v))
	}
	return v
}

// object is that of a document. A condition that tests a personal field does not show what it compares with.
func (m masker) object(of string, in map[string]any) map[string]any {
	if in == nil {
		return nil
	}
	out := m.members(of, in)
	for _, key := range []string{"trait", "property", "field", "identifier"} {
		if name, ok := in[key].(string); ok && m.p.Named(name) {
			if _, has := out["value"]; has {
				out["value"] = hidden
			}
		}
	}
	return out
}

// document masks JSON. What is no JSON is not shown at all.
func (m masker) document(of string, b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return []byte(`"` + hidden + `"`)
	}
	if o, ok := v.(map[string]any); ok {
		v = m.object(of, o)
	} else {
		v = m.member(of, "", v)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return []byte(`"` + hidden + `"`)
	}
	return out
}

// record masks what came, which need not be whole.
func (m masker) record(raw string) string {
	if raw == "" || !json.Valid([]byte(raw)) {
		return strings.Repeat(hidden, min(len(raw), 1))
	}
	return string(m.document("", []byte(raw)))
}

// answer hides the values of dimensions that are personal, and in lists of traits and values those of personal traits.
func (m masker) answer(x *clientele.Answer) {
	personal := make([]bool, len(x.Columns))
	for i, c := range x.Columns {
		personal[i] = c.Role == "dimension" && m.p.Named(c.Name)
	}
	rows := make([][]any, len(x.Rows))
	for r, row := range x.Rows {
		rows[r] = make([]any, len(row))
		names := false
		for _, v := range row {
			s, ok := v.(string)
			names = names || ok && m.p.Named(s)
		}
		for i, v := range row {
			s, text := v.(string)
			if text && (i < len(personal) && personal[i] || names && !m.p.Named(s)) {
				v = hidden
			}
			rows[r][i] = v
		}
	}
	x.Rows = rows
	cells := make([]clientele.Cell, len(x.Cells))
	for i, cell := range x.Cells {
		for k := range cell {
			if m.p.Named(k) {
				cell = nil // nobody can be named by it
				break
			}
		}
		cells[i] = cell
	}
	x.Cells = cells
}
