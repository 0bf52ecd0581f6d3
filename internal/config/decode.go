package config

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"

	"clientele"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The decoder walks the YAML tree itself instead of letting the library fill the structs: so
// every message has the line and the key's whole path, an unknown key comes with the nearest
// known one, what the file leaves out keeps its default inside maps too, and anchors and
// aliases, which can make a small file large, are refused.

// place is where in the file something stands.
type place struct {
	file string
	line int
	path string
}

func (p place) errorf(format string, args ...any) *clientele.Error {
	where := p.file
	if p.line > 0 {
		where += ":" + strconv.Itoa(p.line)
	}
	separator := ": "
	if p.path != "" {
		where += ": " + p.path
		if strings.HasPrefix(format, "is ") || strings.HasPrefix(format, "has ") {
			separator = " "
		}
	}
	return clientele.Errorf(clientele.Invalid, "%s"+separator+format, append([]any{where}, args...)...)
}

func (p place) at(n ast.Node) place {
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.line = t.Position.Line
	}
	return p
}

func (p place) key(name string) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	p.path = name
	return p
}

// Both are far above what a configuration needs: they bound the recursion on hostile text.
const (
	maxDepth = 20
	maxFile  = 64 << 10
)

// decode reads the text over what c holds.
func decode(name string, text []byte, c *Config) (err error) {
	p := place{file: name}
	if len(text) > maxFile {
		return p.errorf("over %s", Size(maxFile))
	}
	if tooDeep(text) {
		return p.errorf("nested too deeply")
	}
	// The parser is a third party's and meets whatever a file holds.
	defer func() {
		if r := recover(); r != nil {
			err = p.errorf("not YAML")
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return syntaxError(p, err).WithHint("check the YAML around that place")
	}
	docs := file.Docs
	if len(docs) > 1 {
		return p.errorf("more than one YAML document").WithHint("keep one document: remove the --- lines")
	}
	for _, d := range docs {
		if d.Body != nil {
			if err := decodeNode(p, d.Body, reflect.ValueOf(c).Elem(), 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// tooDeep finds nesting that the parser would pay for with memory out of proportion: it runs before
// the parser, so it only counts brackets and the leading - and ? of a line.
func tooDeep(text []byte) bool {
	brackets, leading, start := 0, 0, true
	for _, b := range text {
		switch b {
		case '\n':
			leading, start = 0, true
			continue
		case '[', '{':
			brackets++
		case ']', '}':
			brackets = max(0, brackets-1)
		case '-', '?', ':', '!', '&', '*':
			if start {
				leading++
			}
		}
		start = start && b != '#' && b != '"' && b != '\''
		if brackets > 50 || leading > 200 {
			return true
		}
	}
	return false
}

// syntaxError is the library's sentence, "[line:column] what", without its drawing of the file.
func syntaxError(p place, err error) *clientele.Error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if where, what, ok := strings.Cut(strings.TrimPrefix(text, "["), "] "); ok {
		line, _, _ := strings.Cut(where, ":")
		if n, err := strconv.Atoi(line); err == nil {
			p.line, text = n, what
		}
	}
	return p.errorf("%s", text)
}

func decodeNode(p place, n ast.Node, v reflect.Value, depth int) error {
	p = p.at(n)
	if depth > maxDepth {
		return p.errorf("nested too deeply")
	}
	switch n := n.(type) {
	case *ast.CommentGroupNode:
		return nil
	case *ast.NullNode: // an empty value leaves the default
		return nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return p.errorf("anchors, aliases and tags are not read here").WithHint("write the value out")
	case ast.MapNode:
		if v.Kind() == reflect.Interface {
			m := map[string]any{}
			if err := decodeMap(p, n, reflect.ValueOf(&m).Elem(), depth); err != nil {
				return err
			}
			v.Set(reflect.ValueOf(m))
			return nil
		}
		return decodeMap(p, n, v, depth)
	case *ast.SequenceNode:
		if v.Kind() == reflect.Interface {
			var list []any
			if err := decodeList(p, n, reflect.ValueOf(&list).Elem(), depth); err != nil {
				return err
			}
			v.Set(reflect.ValueOf(list))
			return nil
		}
		return decodeList(p, n, v, depth)
	case ast.ScalarNode:
		if v.Kind() == reflect.Interface {
			v.Set(reflect.ValueOf(plainScalar(n)))
			return nil
		}
		return setScalar(p, scalarText(n), n, v)
	}
	return p.errorf("not understood")
}

func decodeMap(p place, n ast.MapNode, v reflect.Value, depth int) error {
	if isText(v) || v.Kind() != reflect.Struct && v.Kind() != reflect.Map {
		return p.errorf("has keys below it, but should be %s", shape(v.Type()))
	}
	if v.Kind() == reflect.Map && v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	seen := map[string]bool{}
	for it := n.MapRange(); it.Next(); {
		scalar, ok := it.Key().(ast.ScalarNode)
		if !ok {
			return p.at(it.Key()).errorf("a key is not plain text").WithHint("anchors, aliases and merge keys are not read here")
		}
		if _, merge := it.Key().(*ast.MergeKeyNode); merge {
			return p.at(it.Key()).errorf("merge keys are not read here").WithHint("write the keys out")
		}
		name := scalarText(scalar)
		kp := p.at(it.Key())
		if seen[name] {
			return kp.key(name).errorf("is there twice")
		}
		seen[name] = true
		if v.Kind() == reflect.Map {
			el := reflect.New(v.Type().Elem()).Elem()
			key := reflect.ValueOf(name).Convert(v.Type().Key())
			if old := v.MapIndex(key); old.IsValid() {
				el.Set(old)
			}
			if err := decodeNode(kp.key(name), it.Value(), el, depth+1); err != nil {
				return err
			}
			v.SetMapIndex(key, el)
			continue
		}
		f, ok := fieldNamed(v, name)
		if !ok {
			return unknownKey(kp, name, v.Type())
		}
		if err := decodeNode(kp.key(name), it.Value(), f, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func decodeList(p place, n *ast.SequenceNode, v reflect.Value, depth int) error {
	if v.Kind() != reflect.Slice {
		return p.errorf("is a list, but should be %s", shape(v.Type()))
	}
	list := reflect.MakeSlice(v.Type(), 0, len(n.Values))
	for i, item := range n.Values {
		el := reflect.New(v.Type().Elem()).Elem()
		ip := p
		ip.path += "[" + strconv.Itoa(i) + "]"
		if err := decodeNode(ip, item, el, depth+1); err != nil {
			return err
		}
		list = reflect.Append(list, el)
	}
	v.Set(list)
	return nil
}

// scalarText is the scalar as it stands in the file: YAML would make 1_000 or 0o17 of a key
// that is meant as text.
func scalarText(n ast.ScalarNode) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		if n.Value != nil {
			return n.Value.Value
		}
		return ""
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// plainScalar is a scalar where any value may stand: a number, true or false when it is written so, otherwise text.
func plainScalar(n ast.ScalarNode) any {
	switch n := n.(type) {
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode, *ast.FloatNode:
		if f, err := strconv.ParseFloat(scalarText(n), 64); err == nil {
			return f
		}
	}
	return scalarText(n)
}

func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

// setScalar sets v from text. n is the YAML node, nil when the text is from the environment.
func setScalar(p place, text string, n ast.Node, v reflect.Value) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return p.errorf("%q is %w", clip(text), err).WithHint("%s", clientele.ErrorHint(err))
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if _, quoted := n.(*ast.StringNode); err == nil && !quoted {
			v.SetBool(b)
			return nil
		}
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if _, quoted := n.(*ast.StringNode); err == nil && !quoted {
			v.SetInt(int64(i))
			return nil
		}
	}
	return p.errorf("%q is not %s", clip(text), shape(v.Type()))
}

func clip(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// shape says in words what a value of the type looks like in the file.
func shape(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Size]():
		return "a size like 512MB"
	case t == reflect.TypeFor[Duration]():
		return "a duration like 30s"
	case t == reflect.TypeFor[Ratio]():
		return "a share like 0.1"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "keys with values"
	}
	return "text"
}

// fieldNamed is the field whose yaml tag is the name.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if keyOf(v.Type().Field(i)) == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func unknownKey(p place, name string, t reflect.Type) error {
	var known []string
	for i := range t.NumField() {
		known = append(known, keyOf(t.Field(i)))
	}
	err := p.key(clip(name)).errorf("is not a known key")
	if best := Nearest(name, known); best != "" {
		return err.WithHint("did you mean %s?", best)
	}
	return err.WithHint("the keys here are %s", strings.Join(known, ", "))
}

// Nearest is the word of known that is likely meant by name, or "".
func Nearest(name string, known []string) string {
	best, least := "", len(name)/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(name), k, least); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be inserted, removed or replaced to make b of a (Levenshtein),
// or limit when it is at least that.
func distance(a, b string, limit int) int {
	if len(a) > 64 || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// applyEnv overrides every scalar whose variable is set and not empty.
func applyEnv(c *Config, env Lookup) error {
	if env == nil {
		return nil
	}
	return walkScalars("CLIENTELE", reflect.ValueOf(c).Elem(), func(name string, v reflect.Value) error {
		text, ok := env(name)
		if !ok || text == "" {
			return nil
		}
		return setScalar(place{file: "environment", path: name}, text, nil, v)
	})
}

// walkScalars calls fn with the variable name of each scalar outside lists and maps.
func walkScalars(prefix string, v reflect.Value, fn func(string, reflect.Value) error) error {
	for i := range v.NumField() {
		f := v.Field(i)
		name := prefix + "_" + strings.ToUpper(keyOf(v.Type().Field(i)))
		var err error
		switch {
		case f.Kind() == reflect.Struct:
			err = walkScalars(name, f, fn)
		case f.Kind() != reflect.Slice && f.Kind() != reflect.Map:
			err = fn(name, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Variables are the names of the environment that Load reads, in the order of the file.
func Variables() []string {
	c, names := Default(), []string(nil)
	_ = walkScalars("CLIENTELE", reflect.ValueOf(&c).Elem(), func(name string, _ reflect.Value) error {
		names = append(names, name)
		return nil
	})
	return names
}
