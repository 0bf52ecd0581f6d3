package role

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
)

// Asks is the first personal field that a question names, or "". Who may not see a field may not ask by it either: how
// many people have this telephone number is an answer, too. v is a request's body; what a condition compares with, and
// what people call things, is not looked at.
func (p *Personal) Asks(v any) string { return p.asks("", reflect.ValueOf(v)) }

// AsksSQL says whether the request brings SQL of its own as the definition of an audience.
func AsksSQL(v any) bool { return (*Personal)(nil).asks("", reflect.ValueOf(v)) != "" }

// AsksFor is Asks of a definition or question in JSON.
func (p *Personal) AsksFor(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	var v any
	if json.Unmarshal(b, &v) != nil {
		return ""
	}
	return p.asks("", reflect.ValueOf(v))
}

// notAsked are members whose texts are no names of fields.
var notAsked = map[string]bool{"value": true, "values": true, "description": true, "event": true, "identifier": true, "kind": true, "op": true, "editor": true, "shared": true, "cell": true}

// inMeasure finds what a measure aggregates and what its filters compare: AGG(table.column), [field op value].
var inMeasure = regexp.MustCompile(`\(\s*([A-Za-z_][\w.]*)|([A-Za-z_][\w.]*)\s*(?:=|!|<|>|~|\s(?:in|not_in|exists|not_exists)\b)`)

func (p *Personal) asks(key string, v reflect.Value) string {
	if !v.IsValid() || notAsked[key] {
		return ""
	}
	if v.Type() == rawType || v.Type() == rawMessageType {
		return p.AsksFor(v.Bytes())
	}
	switch v.Kind() {
	case reflect.String:
		return p.asksText(key, v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return p.asks(key, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return ""
		}
		for i := range v.Len() {
			if found := p.asks(key, v.Index(i)); found != "" {
				return found
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			name := it.Key().String()
			if found := p.asks(name, it.Value()); found != "" {
				return found
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Tag.Get("query")
			}
			if found := p.asks(name, v.Field(i)); found != "" {
				return found
			}
		}
	}
	return ""
}

func (p *Personal) asksText(key, s string) string {
	switch {
	case s == "":
	case p == nil:
		if key == "query" {
			return key
		}
	case key == "who" || key == "query" || key == "sql":
		return key // SQL by which anything can be asked
	case key == "name": // of what is made, or of a step
	case key == "measures" || key == "measure" || key == "order":
		for _, found := range inMeasure.FindAllStringSubmatch(s, -1) {
			if name := found[1] + found[2]; p.Named(name) {
				return name
			}
		}
	case p.Named(strings.TrimPrefix(s, "-")):
		return s
	}
	return ""
}
