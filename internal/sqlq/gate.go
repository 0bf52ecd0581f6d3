package sqlq

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"clientele"
)

// Views are the tables that queries may read, with the number of their columns.
type Views map[string]int

// Limits of a query's tree. They bound what the engine's binder does, which nothing can
// interrupt: a chain of "select * from a, a" doubles the columns with every link.
const (
	maxDepth   = 250    // of the tree's objects; about 120 nested expressions
	maxNodes   = 150000 // objects in the tree; 100 KB of an IN list has some 100,000
	maxList    = 5000   // expressions of one list, except IN and VALUES
	maxColumns = 4000   // of any result, inner ones included
	maxTables  = 500    // table references after common table expressions are put in
)

// Check reads the JSON that DuckDB's json_serialize_sql made of a text and accepts exactly one
// SELECT that reads views, its own common table expressions and the table functions range,
// generate_series and unnest, and calls functions of the allowed list. Whatever the walk does
// not know is refused. Errors: Invalid for a wrong text, Denied for what is not allowed,
// TooLarge beyond a limit; they name the thing.
func Check(tree []byte, views Views) error { return CheckFor(tree, Rules{Views: views}) }

// Rules are what a text may read and call.
type Rules struct {
	Views     Views
	Functions map[string]bool // besides Functions()
	Bare      bool            // tables by their bare names alone: these stand for something else than the views
}

// CheckFor is Check by other rules.
func CheckFor(tree []byte, rules Rules) error {
	var doc struct {
		Error      bool             `json:"error"`
		Message    string           `json:"error_message"`
		Type       string           `json:"error_type"`
		Position   string           `json:"position"`
		Statements []map[string]any `json:"statements"`
	}
	dec := json.NewDecoder(bytes.NewReader(tree))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return clientele.Errorf(clientele.Internal, "syntax tree: %w", err)
	}
	if doc.Error {
		if doc.Type == "not implemented" {
			return onlySelect()
		}
		if strings.Contains(doc.Message, "memory exhausted") || strings.Contains(doc.Message, "expression depth") {
			return tooDeep()
		}
		return syntax(doc.Message, doc.Position)
	}
	if len(doc.Statements) != 1 {
		return clientele.Errorf(clientele.Denied, "the text holds %d statements: one SELECT is allowed", len(doc.Statements)).
			WithHint("send one statement at a time")
	}
	node, ok := doc.Statements[0]["node"].(map[string]any)
	if !ok {
		return onlySelect()
	}
	g := &gate{views: rules.Views, more: rules.Functions, bare: rules.Bare}
	if _, err := g.query(node, nil, 0); err != nil {
		return err
	}
	return nil
}

func syntax(message, position string) error {
	f := &Fault{State: "42601", Err: clientele.Errorf(clientele.Invalid, "SQL: %s", message)}
	if i, err := strconv.Atoi(position); err == nil && i >= 0 {
		f.offset = i + 1
	}
	return f
}

func onlySelect() error {
	return clientele.Errorf(clientele.Denied, "only a SELECT is allowed here").
		WithHint("data is changed by import, the collect API and commands, not by SQL")
}

// gate is one walk over one tree.
type gate struct {
	views Views
	more  map[string]bool
	bare  bool
	nodes int
}

// scope is the common table expressions that a place can see.
type scope struct {
	name string // lower case
	size size
	up   *scope
}

func (s *scope) find(name string) (size, bool) {
	for ; s != nil; s = s.up {
		if s.name == name {
			return s.size, true
		}
	}
	return size{}, false
}

// size estimates what the binder makes of a part: columns of its result, table references in
// its plan. Never too low.
type size struct{ columns, tables int }

func (s size) check() error {
	if s.columns > maxColumns || s.tables > maxTables {
		return clientele.Errorf(clientele.TooLarge, "the query would join more than %d tables or give more than %d columns", maxTables, maxColumns).
			WithHint("name the columns instead of *, and join less")
	}
	return nil
}

// query walks a query node: a SELECT, a set operation or the body of a recursive expression.
func (g *gate) query(n map[string]any, sc *scope, depth int) (size, error) {
	if err := g.enter(depth); err != nil {
		return size{}, err
	}
	sc, tables, err := g.ctes(n, sc, depth)
	if err != nil {
		return size{}, err
	}
	var out size
	switch kind := text(n, "type"); kind {
	case "SELECT_NODE":
		out, err = g.selectNode(n, sc, depth)
	case "SET_OPERATION_NODE":
		out, err = g.branches(n, sc, depth)
	case "RECURSIVE_CTE_NODE":
		// The recursive branch sees the rows so far under the expression's name, with the
		// columns of the first branch.
		left, lerr := g.child(n, "left", sc, depth)
		if lerr != nil {
			return size{}, lerr
		}
		sc = &scope{name: strings.ToLower(text(n, "cte_name")), size: size{left.columns, 1}, up: sc}
		out, err = g.branches(n, sc, depth)
	default:
		return size{}, unknown(kind)
	}
	if err != nil {
		return size{}, err
	}
	out.tables += tables
	for _, k := range []string{"modifiers", "key_targets"} {
		inner, err := g.any(n[k], sc, depth+1)
		if err != nil {
			return size{}, err
		}
		out.tables += inner.tables
	}
	return out, out.check()
}

// ctes walks the WITH of a query in order: each sees those before it.
func (g *gate) ctes(n map[string]any, sc *scope, depth int) (*scope, int, error) {
	m, _ := n["cte_map"].(map[string]any)
	list, _ := m["map"].([]any)
	tables := 0
	for _, e := range list {
		entry, _ := e.(map[string]any)
		value, _ := entry["value"].(map[string]any)
		statement, _ := value["query"].(map[string]any)
		node, ok := statement["node"].(map[string]any)
		name := strings.ToLower(text(entry, "key"))
		if !ok || name == "" {
			return nil, 0, unknown("WITH")
		}
		s, err := g.query(node, sc, depth+1)
		if err != nil {
			return nil, 0, err
		}
		if tables += s.tables; tables > maxTables {
			return nil, 0, size{tables: tables}.check()
		}
		sc = &scope{name: name, size: s, up: sc}
	}
	return sc, tables, nil
}

// branches walks left and right of a set operation: as wide as the wider one.
func (g *gate) branches(n map[string]any, sc *scope, depth int) (size, error) {
	var out size
	sides := []any{n["left"], n["right"]}
	if more, ok := n["children"].([]any); ok {
		sides = append(sides, more...)
	}
	for _, side := range sides {
		if side == nil {
			continue
		}
		node, ok := side.(map[string]any)
		if !ok {
			return size{}, unknown("set operation")
		}
		s, err := g.query(node, sc, depth+1)
		if err != nil {
			return size{}, err
		}
		out = size{max(out.columns, s.columns), out.tables + s.tables}
	}
	return out, nil
}

func (g *gate) child(n map[string]any, key string, sc *scope, depth int) (size, error) {
	node, ok := n[key].(map[string]any)
	if !ok {
		return size{}, unknown("recursive expression")
	}
	return g.query(node, sc, depth+1)
}

func (g *gate) selectNode(n map[string]any, sc *scope, depth int) (size, error) {
	from, ok := n["from_table"].(map[string]any)
	if !ok {
		return size{}, unknown("FROM")
	}
	out, err := g.table(from, sc, depth+1)
	if err != nil {
		return size{}, err
	}
	width := out.columns
	out.columns = 0
	items, _ := n["select_list"].([]any)
	for _, item := range items {
		if holdsStar(item) {
			out.columns += width
		}
		out.columns++
		if out.columns > maxColumns {
			return size{}, out.check()
		}
	}
	for key, v := range n {
		switch key {
		case "from_table", "cte_map", "modifiers":
			continue
		}
		s, err := g.any(v, sc, depth+1)
		if err != nil {
			return size{}, err
		}
		out.tables += s.tables
	}
	return out, nil
}

// holdsStar says whether an item of a select list expands to many columns: *, t.*, columns(..).
// The star of count(*) does not.
func holdsStar(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if holdsStar(e) {
				return true
			}
		}
	case map[string]any:
		if text(v, "class") == "STAR" {
			return true
		}
		if name := text(v, "function_name"); name == "count" || name == "count_star" {
			return false
		}
		for _, e := range v {
			if holdsStar(e) {
				return true
			}
		}
	}
	return false
}

// any walks whatever stands in a tree: lists, and objects by what they say they are. The size
// counts the tables of subqueries in it.
func (g *gate) any(v any, sc *scope, depth int) (size, error) {
	var out size
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s, err := g.any(e, sc, depth)
			if err != nil {
				return size{}, err
			}
			out.tables += s.tables
		}
		return out, nil
	case map[string]any:
		if err := g.enter(depth); err != nil {
			return size{}, err
		}
		if class, ok := v["class"]; ok {
			return g.expression(v, class, sc, depth)
		}
		if node, ok := v["node"].(map[string]any); ok {
			return g.query(node, sc, depth+1)
		}
		if kind, ok := v["type"].(string); ok && !harmless(kind) {
			return size{}, unknown(kind)
		}
		return g.fields(v, sc, depth)
	}
	return out, nil
}

func (g *gate) fields(m map[string]any, sc *scope, depth int) (size, error) {
	var out size
	for key, v := range m {
		if list, ok := v.([]any); ok && len(list) > maxList && key != "values" && text(m, "type") != "COMPARE_IN" &&
			text(m, "type") != "COMPARE_NOT_IN" && text(m, "function_name") != "list_value" {
			return size{}, clientele.Errorf(clientele.TooLarge, "a list in the query has more than %d expressions", maxList)
		}
		s, err := g.any(v, sc, depth+1)
		if err != nil {
			return size{}, err
		}
		out.tables += s.tables
	}
	return out, nil
}

// harmless are the objects with a type that are neither expression nor query nor table.
func harmless(kind string) bool {
	switch kind {
	case "ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER",
		"ORDER_DEFAULT", "ASCENDING", "DESCENDING", "ORDER_ASCENDING", "ORDER_DESCENDING":
		return true
	}
	return strings.HasSuffix(kind, "_TYPE_INFO")
}

func (g *gate) enter(depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	if g.nodes++; g.nodes > maxNodes {
		return clientele.Errorf(clientele.TooLarge, "the query is too large").
			WithHint("give long lists as a parameter: where profile_id in (select unnest($1::bigint[]))")
	}
	return nil
}

func unknown(what string) error {
	return clientele.Errorf(clientele.Denied, "%s is not allowed in queries", strings.ToLower(strings.ReplaceAll(what, "_", " ")))
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
