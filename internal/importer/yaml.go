package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"clientele"
)

// maxMappingBytes is far more than any mapping needs.
const maxMappingBytes = 64 << 10

// maxProblems is how many problems of a mapping one error names.
const maxProblems = 10

// node is a part of the mapping file: a scalar, a list or a mapping, with its line.
type node struct {
	line   int
	kind   nodeKind
	text   string // of a scalar
	quoted bool
	list   []*node
	pairs  []pair
}

type pair struct {
	key   string
	line  int
	value *node
}

type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeText
	nodeNumber
	nodeBool
	nodeList
	nodeMap
)

// problems collects what is wrong with a mapping.
type problems struct{ list []problem }

type problem struct {
	line       int
	text, hint string
}

func (p *problems) add(line int, format string, args ...any) *problem {
	p.list = append(p.list, problem{line: line, text: fmt.Sprintf(format, args...)})
	return &p.list[len(p.list)-1]
}

// near adds a problem about a name, with the name that was probably meant.
func (p *problems) near(line int, what, name string, known []string) {
	pr := p.add(line, "unknown %s %q", what, name)
	if n := nearest(name, known); n != "" {
		pr.hint = fmt.Sprintf("did you mean %s?", n)
	} else {
		pr.hint = "known are " + strings.Join(known, ", ")
	}
}

// err is one error of all problems, nil when there are none.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b problem) int { return a.line - b.line })
	var text []string
	hint := ""
	for i, pr := range p.list {
		if i == maxProblems {
			text = append(text, fmt.Sprintf("and %d more", len(p.list)-i))
			break
		}
		s := fmt.Sprintf("line %d: %s", pr.line, pr.text)
		if pr.hint != "" && i > 0 {
			s += " (" + pr.hint + ")"
		}
		text = append(text, s)
	}
	hint = p.list[0].hint
	e := clientele.Errorf(clientele.Invalid, "mapping %s", strings.Join(text, "; "))
	e.Hint = hint
	return e
}

// nearest is the known name that takes the fewest changes, "" when none is near.
func nearest(name string, known []string) string {
	best, at := max(1, len(name)/3)+1, ""
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < best {
			best, at = d, k
		}
	}
	return at
}

// distance is how many letters must be added, dropped, changed or swapped with the next.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}

// parseYAML reads one YAML document without anchors and aliases.
func parseYAML(text []byte, p *problems) (root *node) {
	if len(text) > maxMappingBytes {
		p.add(1, "the file is over %d KB", maxMappingBytes>>10)
		return nil
	}
	depth := 0
	for _, c := range text { // brackets are the only nesting that costs no line
		if c == '[' || c == '{' {
			depth++
		}
	}
	if depth > 2000 {
		p.add(1, "the file has over 2,000 brackets")
		return nil
	}
	defer func() { // a fault of the YAML library must not take the program with it
		if recover() != nil {
			p.add(1, "the file is not YAML")
			root = nil
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		line, what := yamlError(err)
		p.add(line, "not YAML: %s", what)
		return nil
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	switch {
	case len(docs) == 0:
		p.add(1, "the file is empty")
		return nil
	case len(docs) > 1:
		p.add(lineOf(docs[1]), "a mapping file is one YAML document")
		return nil
	}
	return convert(docs[0], p, 0)
}

// yamlError is the line and the sentence of the library's error.
func yamlError(err error) (int, string) {
	type positioned interface {
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if e, ok := err.(positioned); ok && e.GetToken() != nil && e.GetToken().Position != nil {
		return e.GetToken().Position.Line, e.GetMessage()
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return 1, first
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

// convert makes nodes of the library's tree.
func convert(n ast.Node, p *problems, depth int) *node {
	out := &node{line: lineOf(n)}
	if depth > 20 {
		p.add(out.line, "nested too deep")
		return out
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
	case *ast.StringNode:
		out.kind, out.text = nodeText, n.Value
		out.quoted = n.Token != nil && (n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType)
	case *ast.LiteralNode:
		out.kind, out.text, out.quoted = nodeText, n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode:
		out.kind, out.text = nodeNumber, n.GetToken().Value
	case *ast.BoolNode:
		out.kind, out.text = nodeBool, fmt.Sprint(n.Value)
	case *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = nodeText, n.GetToken().Value
	case *ast.SequenceNode:
		out.kind = nodeList
		for _, v := range n.Values {
			out.list = append(out.list, convert(v, p, depth+1))
		}
	case *ast.MappingNode:
		out.kind = nodeMap
		for _, v := range n.Values {
			out.pair(v, p, depth)
		}
	case *ast.MappingValueNode:
		out.kind = nodeMap
		out.pair(n, p, depth)
	case *ast.AnchorNode, *ast.AliasNode:
		p.add(out.line, "anchors and aliases are not read here").hint = "identifiers: and ts: at the top of the file hold for every record"
	default:
		p.add(out.line, "a %s does not belong here", strings.ToLower(n.Type().String()))
	}
	return out
}

func (n *node) pair(v *ast.MappingValueNode, p *problems, depth int) {
	k := convert(v.Key, p, depth+1)
	if k.kind == nodeList || k.kind == nodeMap {
		p.add(k.line, "a key is a word")
		return
	}
	if k.kind == nodeNull {
		k.text = v.Key.GetToken().Value
	}
	for _, old := range n.pairs {
		if old.key == k.text {
			p.add(k.line, "key %q comes twice", k.text)
			return
		}
	}
	n.pairs = append(n.pairs, pair{k.text, k.line, convert(v.Value, p, depth+1)})
}

// get is the value of a key, nil when it is not there.
func (n *node) get(key string) *node {
	for i := range n.pairs {
		if n.pairs[i].key == key {
			return n.pairs[i].value
		}
	}
	return nil
}

// only reports keys that are not among the known ones.
func (n *node) only(p *problems, known ...string) {
	for _, kv := range n.pairs {
		if !slices.Contains(known, kv.key) {
			p.near(kv.line, "key", kv.key, known)
		}
	}
}

func (n *node) scalar() bool { return n.kind == nodeText || n.kind == nodeNumber || n.kind == nodeBool }
