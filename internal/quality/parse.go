package quality

import (
	"encoding/json"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"clientele"
)

// ParsePlan reads a tracking plan from YAML or JSON. It is not compiled yet.
func ParsePlan(text []byte) (p clientele.Plan, err error) {
	err = parse("tracking plan", text, &p)
	return p, err
}

// ParseTransform reads a transform rule from YAML or JSON.
func ParseTransform(text []byte) (t clientele.TransformRule, err error) {
	err = parse("transform rule", text, &t)
	return t, err
}

// ReadYAML reads a small document of YAML or JSON into a value; what names it in errors.
func ReadYAML(what string, text []byte, into any) error { return parse(what, text, into) }

// parse goes by way of JSON, so that a file and the API take the same.
func parse(what string, text []byte, into any) (err error) {
	wrong := func(why string) error { return clientele.Errorf(clientele.Invalid, "%s: %s", what, why) }
	if len(text) > maxPlanBytes {
		return clientele.Errorf(clientele.Invalid, "%s is over %d KB", what, maxPlanBytes>>10)
	}
	defer func() { // the parser is a third party's and meets whatever a file holds
		if r := recover(); r != nil {
			err = wrong("not YAML")
		}
	}()
	b := text
	if !json.Valid(text) {
		if tooDeep(text) {
			return wrong("nested too deeply")
		}
		file, err := parser.ParseBytes(text, 0)
		if err != nil {
			return wrong(firstLine(err))
		}
		refs := &references{}
		for _, d := range file.Docs {
			ast.Walk(refs, d)
		}
		if refs.found || len(file.Docs) != 1 {
			return wrong("anchors, aliases and several documents are not read here")
		}
		var v any
		if err := yaml.Unmarshal(text, &v); err != nil {
			return wrong(firstLine(err))
		}
		if b, err = json.Marshal(v); err != nil {
			return wrong("a key is not text")
		}
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return wrong(clip(strings.TrimPrefix(err.Error(), "json: ")))
	}
	return nil
}

// tooDeep bounds what the parser meets: brackets, and blanks before a line.
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
		case '-', '?', ':', '!', '&', '*', ' ':
			if start {
				leading++
			}
		}
		start = start && strings.IndexByte("-?:!&* ", b) >= 0
		if brackets > 60 || leading > 300 {
			return true
		}
	}
	return false
}

// references finds what could make a small file large.
type references struct{ found bool }

func (r *references) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		r.found = true
	}
	return r
}
