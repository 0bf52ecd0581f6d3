package sqlq

import (
	"maps"
	"slices"
	"strings"

	"clientele"
)

// table walks what stands in FROM.
func (g *gate) table(n map[string]any, sc *scope, depth int) (size, error) {
	if err := g.enter(depth); err != nil {
		return size{}, err
	}
	switch kind := text(n, "type"); kind {
	case "EMPTY":
		return size{}, nil
	case "BASE_TABLE":
		if n["at_clause"] != nil {
			return size{}, unknown("AT")
		}
		return g.named(n, sc)
	case "JOIN":
		left, lok := n["left"].(map[string]any)
		right, rok := n["right"].(map[string]any)
		if !lok || !rok {
			return size{}, unknown(kind)
		}
		l, err := g.table(left, sc, depth+1)
		if err != nil {
			return size{}, err
		}
		r, err := g.table(right, sc, depth+1)
		if err != nil {
			return size{}, err
		}
		out := size{l.columns + r.columns, l.tables + r.tables}
		for _, key := range []string{"condition", "duplicate_eliminated_columns"} {
			s, err := g.any(n[key], sc, depth+1)
			if err != nil {
				return size{}, err
			}
			out.tables += s.tables
		}
		return out, out.check()
	case "SUBQUERY":
		statement, _ := n["subquery"].(map[string]any)
		node, ok := statement["node"].(map[string]any)
		if !ok {
			return size{}, unknown(kind)
		}
		return g.query(node, sc, depth+1)
	case "TABLE_FUNCTION":
		return g.tableFunction(n, sc, depth)
	case "EXPRESSION_LIST":
		out, err := g.any(n["values"], sc, depth+1)
		if rows, ok := n["values"].([]any); ok && len(rows) > 0 {
			first, _ := rows[0].([]any)
			out.columns = len(first)
		}
		return out, err
	case "SHOW_REF":
		return g.describe(n, sc, depth)
	default:
		return size{}, unknown(kind)
	}
}

// named is a table by name: a common table expression in sight or a view of the contract.
func (g *gate) named(n map[string]any, sc *scope) (size, error) {
	name, schema, catalog := text(n, "table_name"), text(n, "schema_name"), text(n, "catalog_name")
	lower := strings.ToLower(name)
	if schema == "" && catalog == "" {
		if s, ok := sc.find(lower); ok {
			return size{s.columns, max(1, s.tables)}, nil
		}
	}
	if catalog == "" && (schema == "" || !g.bare && strings.EqualFold(schema, "main")) {
		if columns, ok := g.views[lower]; ok {
			return size{columns, 1}, nil
		}
	}
	full := name
	if schema != "" {
		full = schema + "." + name
	}
	if len(full) > 80 {
		full = full[:80] + "…"
	}
	if schema != "" && (g.bare || !strings.EqualFold(schema, "main")) || catalog != "" || strings.ContainsAny(name, "/\\.:*") || internal(lower) {
		return size{}, at(n, "42501", clientele.Errorf(clientele.Denied, "table %q is not allowed in queries", full).WithHint("%s", g.tablesHint(lower)))
	}
	return size{}, at(n, "42P01", clientele.Errorf(clientele.Invalid, "there is no table %q", full).WithHint("%s", g.tablesHint(lower)))
}

func internal(name string) bool {
	for _, p := range []string{"duckdb_", "pg_", "pragma_", "sqlite_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func (g *gate) tablesHint(name string) string {
	names := slices.Sorted(maps.Keys(g.views))
	if near := nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "the tables are " + strings.Join(names, ", ")
}

func (g *gate) tableFunction(n map[string]any, sc *scope, depth int) (size, error) {
	f, _ := n["function"].(map[string]any)
	name := strings.ToLower(text(f, "function_name"))
	switch {
	case text(f, "schema") != "" && text(f, "schema") != "main" || text(f, "catalog") != "":
		return size{}, deniedFunction(text(f, "schema")+"."+name, "")
	case name != "range" && name != "generate_series" && name != "unnest":
		return size{}, at(f, "42883", deniedFunction(name, "table functions are range, generate_series and unnest; data is in the tables"))
	}
	out, err := g.fields(f, sc, depth+1)
	out.columns, out.tables = 2, out.tables+1
	return out, err
}

// describe lets DESCRIBE and SUMMARIZE of an allowed query through, which is how people look
// at a table first. SHOW TABLES and the like would list internal tables.
func (g *gate) describe(n map[string]any, sc *scope, depth int) (size, error) {
	node, ok := n["query"].(map[string]any)
	if kind := text(n, "show_type"); !ok || text(n, "table_name") != "" || kind != "DESCRIBE" && kind != "SUMMARY" {
		return size{}, clientele.Errorf(clientele.Denied, "SHOW is not allowed in queries").
			WithHint("%s; describe <table> gives its columns", g.tablesHint("-"))
	}
	s, err := g.query(node, sc, depth+1)
	return size{12, s.tables}, err
}

// nearest is the candidate that a misspelt name most likely means, or "".
func nearest(name string, candidates []string) string {
	if len(name) > 64 {
		return ""
	}
	best, at := "", len(name)/3+1
	for _, c := range candidates {
		if d := distance(name, c); d < at || d == at && best == "" && at > 1 {
			best, at = c, d
		}
	}
	return best
}

// distance is the number of edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
