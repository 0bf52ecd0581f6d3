package sqlq_test

import (
	"strings"
	"testing"

	"clientele"
	"clientele/internal/sqlq"
)

// The gate is tested on the engine's real trees in internal/store/duckstore. Here are the
// texts it never sees and the trees that no engine should make.

func TestCheckText(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		code clientele.Code
	}{
		"good":           {"select 1", ""},
		"empty":          {" \n\t", clientele.Invalid},
		"largest":        {"select 1" + strings.Repeat(" ", sqlq.MaxTextBytes-8), ""},
		"too long":       {"select 1" + strings.Repeat(" ", sqlq.MaxTextBytes-7), clientele.TooLarge},
		"not UTF-8":      {"select '\xff'", clientele.Invalid},
		"NUL":            {"select '\x00'", clientele.Invalid},
		"deep":           {strings.Repeat("(", 401), clientele.TooLarge},
		"mixed":          {strings.Repeat("([{", 140), clientele.TooLarge},
		"hidden by text": {strings.Repeat("(')'", 401), ""}, // the parser and the tree have limits of their own
		"wide":           {strings.Repeat("()", 5000), ""},
	} {
		if got := clientele.ErrorCode(sqlq.CheckText(c.sql)); got != c.code {
			t.Errorf("%s: %q, want %q", name, got, c.code)
		}
	}
}

func selectOf(from, item string) string {
	return `{"error":false,"statements":[{"node":{"type":"SELECT_NODE","modifiers":[],"cte_map":{"map":[]},"select_list":[` + item + `],"from_table":` + from + `}}]}`
}

const (
	one    = `{"class":"CONSTANT","type":"VALUE_CONSTANT","value":{"type":{"id":"INTEGER"},"is_null":false,"value":1}}`
	empty  = `{"type":"EMPTY"}`
	events = `{"type":"BASE_TABLE","schema_name":"","catalog_name":"","table_name":"EVENTS","sample":null}`
)

func TestCheck(t *testing.T) {
	views := sqlq.Views{"events": 12, "orders": 17}
	for name, c := range map[string]struct {
		tree string
		code clientele.Code
		word string
	}{
		"constant":           {selectOf(empty, one), "", ""},
		"view":               {selectOf(events, one), "", ""},
		"not JSON":           {"{", clientele.Internal, "syntax tree"},
		"no statement":       {`{"error":false,"statements":[]}`, clientele.Denied, "0 statements"},
		"two statements":     {`{"error":false,"statements":[{},{}]}`, clientele.Denied, "2 statements"},
		"no node":            {`{"error":false,"statements":[{}]}`, clientele.Denied, "SELECT"},
		"not a select":       {`{"error":true,"error_type":"not implemented"}`, clientele.Denied, "SELECT"},
		"syntax":             {`{"error":true,"error_type":"parser","error_message":"syntax error at x"}`, clientele.Invalid, "syntax error at x"},
		"new node":           {`{"error":false,"statements":[{"node":{"type":"DELETE_NODE"}}]}`, clientele.Denied, "delete node"},
		"new table":          {selectOf(`{"type":"FILE_REF"}`, one), clientele.Denied, "file ref"},
		"no table":           {selectOf(`null`, one), clientele.Denied, "from"},
		"new class":          {selectOf(empty, `{"class":"MAGIC"}`), clientele.Denied, "magic"},
		"class not text":     {selectOf(empty, `{"class":7}`), clientele.Denied, "not allowed"},
		"untyped object":     {selectOf(empty, `{"type":"NEW_THING"}`), clientele.Denied, "new thing"},
		"hidden subquery":    {selectOf(empty, `{"class":"CONSTANT","extra":{"deep":[{"class":"FUNCTION","function_name":"getenv"}]}}`), clientele.Denied, "getenv"},
		"other catalog":      {selectOf(`{"type":"BASE_TABLE","catalog_name":"system","table_name":"events"}`, one), clientele.Denied, "events"},
		"misspelt":           {selectOf(`{"type":"BASE_TABLE","table_name":"evnts"}`, one), clientele.Invalid, "evnts"},
		"function":           {selectOf(empty, `{"class":"FUNCTION","function_name":"LOWER","children":[`+one+`]}`), "", ""},
		"function of schema": {selectOf(empty, `{"class":"FUNCTION","function_name":"lower","schema":"evil"}`), clientele.Denied, "evil.lower"},
		"window":             {selectOf(empty, `{"class":"WINDOW","function_name":"getenv"}`), clientele.Denied, "getenv"},
		"deep": {selectOf(empty, strings.Repeat(`{"class":"CAST","child":`, 300)+one+strings.Repeat("}", 300)),
			clientele.TooLarge, "deeply"},
	} {
		err := sqlq.Check([]byte(c.tree), views)
		if clientele.ErrorCode(err) != c.code || err != nil && !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzCheck: no tree crashes the walk.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(selectOf(events, one)))
	f.Add([]byte(`{"statements":[{"node":{"type":"SET_OPERATION_NODE","left":null,"right":3,"children":[{}]}}]}`))
	f.Add([]byte(`{"statements":[{"node":{"type":"RECURSIVE_CTE_NODE","cte_map":{"map":[{"key":"a","value":null}]}}}]}`))
	f.Add([]byte(selectOf(`{"type":"JOIN","left":1}`, `{"class":"FUNCTION","function_name":"lpad","children":[1,{"class":"CONSTANT","value":[]}]}`)))
	f.Fuzz(func(t *testing.T, tree []byte) {
		_ = sqlq.Check(tree, sqlq.Views{"events": 3})
	})
}

func TestLint(t *testing.T) {
	for sql, word := range map[string]string{
		"select count(*) from events where (properties->>'a') = 'x'":          "",
		"select (properties->>'a'), (properties->'b'->>'c') as c from events": "",
		"select date_trunc('day', ts at time zone 'UTC') from events":         "",
		"select date_trunc('day', utc_time(ts)) from events":                  "",
		"select sum(a) / nullif(sum(b), 0), x / 2 from t":                     "",
		"with a as (select 1 x) select x from a":                              "",
		"select 'a ~ b; to_char(x)' from t -- date_trunc('day', ts)":          "",
		"select count(*) from events where properties->>'a' = 'x'":            "->>",
		"select properties->>'a' is null from events":                         "->>",
		"select date_trunc('week', ts) from events":                           "date_trunc",
		"select a / b from t":                                              "nullif",
		"select name ~ 'x' from t":                                         "re_match",
		"select name similar to 'x' from t":                                "re_match",
		"select to_char(ts, 'YYYY') from t":                                "to_char",
		"select * from t where a @> b":                                     "@>",
		"select a from t group by rollup (a)":                              "rollup",
		"select a from t group by all":                                     "group by all",
		"select a from t qualify row_number() over () = 1":                 "qualify",
		"select a from t for update":                                       "for update",
		"select unnest(a, b)":                                              "unnest",
		"with a as (select 1 x) select x from a union all select x from a": "more than once",
		"with a as (select 1 x), b as (select x from a) select b.x from b join a on a.x = b.x":         "a: a common table",
		"with a as (select 1 x), b as (select x from a) select x from b":                               "",
		"select approx_count_distinct(a) from t":                                                       "approx_count_distinct",
		"select p.profile_id from profiles p left join (select profile_id from events) e on p.x = e.x": "",
	} {
		found := strings.Join(sqlq.Lint(sql), "; ")
		if word == "" && found != "" || !strings.Contains(found, word) {
			t.Errorf("%s: %q", sql, found)
		}
	}
}
