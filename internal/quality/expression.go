package quality

import (
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
	"github.com/go-json-experiment/json/jsontext"

	"clientele"
)

// The language of conditions and values is a part of expr's: operators, members, the choice a ? b : c and
// the functions below. It has no loops, no variables, no clock and nothing that repeats a text, so an
// expression costs at most its nodes times the event's size, and the same event gives the same value always.
const (
	maxExpression = 1000 // bytes
	maxNodes      = 100
)

var (
	functions = []string{"len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower",
		"split", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "min", "max", "first", "last", "get"}
	operators = []string{"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "&&", "or", "||", "not", "!", "in", "matches",
		"contains", "startsWith", "endsWith", "??"}
)

// environment is what an expression sees of a message.
type environment struct {
	Type        string         `expr:"type"`
	Event       string         `expr:"event"` // of page and screen: the name
	Source      string         `expr:"source"`
	UserID      any            `expr:"userId"`
	AnonymousID any            `expr:"anonymousId"`
	GroupID     any            `expr:"groupId"`
	Timestamp   any            `expr:"timestamp"`
	Properties  map[string]any `expr:"properties"`
	Traits      map[string]any `expr:"traits"`
	Context     map[string]any `expr:"context"`
}

// expression is compiled and safe for concurrent use.
type expression struct{ program *vm.Program }

func compileExpression(text string, condition bool) (*expression, error) {
	wrong := func(format string, args ...any) error {
		return clientele.Errorf(clientele.Invalid, "expression: "+format, args...).WithHint(`for example properties.currency == "EUR" and properties.price > 10; docs/quality.md lists what is there`)
	}
	if len(text) > maxExpression {
		return nil, wrong("over %d bytes", maxExpression)
	}
	limits := conf.CreateNew()
	limits.MaxNodes = maxNodes
	tree, err := parser.ParseWithConfig(text, limits)
	if err != nil {
		return nil, wrong("%s", firstLine(err))
	}
	guard := &guard{}
	ast.Walk(&tree.Node, guard)
	if guard.refused != "" {
		return nil, wrong("%s is not allowed", guard.refused)
	}
	options := []expr.Option{expr.Env(environment{}), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for _, f := range functions {
		options = append(options, expr.EnableBuiltin(f))
	}
	if condition {
		options = append(options, expr.AsBool())
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		return nil, wrong("%s", firstLine(err))
	}
	return &expression{program}, nil
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return clip(s)
}

// guard refuses what is not in the language.
type guard struct{ refused string }

func (g *guard) Visit(n *ast.Node) {
	refuse := func(what string) {
		if g.refused == "" {
			g.refused = what
		}
	}
	switch n := (*n).(type) {
	case *ast.IdentifierNode:
		if strings.HasPrefix(n.Value, "$") {
			refuse(n.Value)
		}
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConditionalNode, *ast.ArrayNode, *ast.ChainNode, *ast.SliceNode:
	case *ast.MemberNode:
		if n.Method {
			refuse("a method")
		}
	case *ast.UnaryNode:
		if !slices.Contains(operators, n.Operator) {
			refuse("operator " + n.Operator)
		}
	case *ast.BinaryNode:
		if !slices.Contains(operators, n.Operator) {
			refuse("operator " + n.Operator)
		}
		if _, constant := n.Right.(*ast.StringNode); n.Operator == "matches" && !constant {
			refuse("a pattern that is not written out")
		}
	case *ast.BuiltinNode:
		if !slices.Contains(functions, n.Name) {
			refuse("function " + n.Name)
		}
	case *ast.CallNode:
		// Functions that are not part of the language parse as calls of a name.
		if name, ok := n.Callee.(*ast.IdentifierNode); !ok || !slices.Contains(functions, name.Value) {
			refuse("a call of anything but the listed functions")
		}
	case *ast.PredicateNode, *ast.PointerNode:
		refuse("a loop")
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		refuse("a variable or a sequence")
	default:
		refuse("this construct")
	}
}

// value evaluates; not ok when it cannot be, or gives what JSON cannot hold.
func (e *expression) value(env *environment) (any, bool) {
	v, err := expr.Run(e.program, *env)
	if err != nil {
		return nil, false
	}
	return plain(v)
}

// holds evaluates a condition; not ok when it cannot be.
func (e *expression) holds(env *environment) (holds, ok bool) {
	v, err := expr.Run(e.program, *env)
	holds, ok = v.(bool)
	return holds, ok && err == nil
}

// Limits of a value that a rule sets. Objects move by rename: a copy of one could hold itself.
const (
	maxValueBytes = 8 << 10
	maxValueItems = 1000
)

// plain makes a scalar of JSON's kinds, or a list of them.
func plain(v any) (any, bool) {
	switch v := v.(type) {
	case nil, bool:
		return v, true
	case string:
		return v, len(v) <= maxValueBytes
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case jsontext.Value: // a number with all its digits
		return v, true
	case []any:
		return plainList(v)
	case []string:
		return plainList(v)
	}
	return nil, false
}

func plainList[T any](list []T) (any, bool) {
	out, size := make([]any, len(list)), 0
	for i, e := range list {
		v, ok := plain(any(e))
		if _, nested := v.([]any); nested || !ok {
			return nil, false
		}
		if s, ok := v.(string); ok {
			size += len(s)
		}
		out[i] = v
	}
	return out, len(list) <= maxValueItems && size <= maxValueBytes
}
