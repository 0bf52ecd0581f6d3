package pgwire

import (
	"fmt"
	"slices"
	"strings"
)

// Clients know the contract's tables as those of PostgreSQL's usual schema, which the engine calls main.
const (
	schema   = "public"
	database = "clientele"
)

// ofData makes a client's text one of the engine's. It keeps the length of all that it changes, so that
// what is said about a place in the text is true of the client's.
func ofData(sql string, tokens []lexeme, tables map[string]bool) string {
	out := []byte(sql)
	put := func(t lexeme, text string) {
		copy(out[t.start:t.end], fmt.Sprintf("%-*s", t.end-t.start, text))
	}
	for i := 0; i+2 < len(tokens); i++ {
		if !tokens[i].name(schema) || !tokens[i+1].is(".") || !tables[strings.ToLower(tokens[i+2].text)] && !(i > 0 && (tokens[i-1].is("from") || tokens[i-1].is("join"))) {
			continue
		}
		put(tokens[i], "main")
		if i >= 2 && tokens[i-1].is(".") && tokens[i-2].name(database) {
			put(tokens[i-2], "")
			put(tokens[i-1], "")
		}
	}
	return string(out)
}

// asksCatalog says whether a text is about PostgreSQL's own catalogue or about the session.
func asksCatalog(tokens []lexeme) bool {
	for i, t := range tokens {
		if t.kind != word && t.kind != quoted || i > 0 && tokens[i-1].is(".") {
			continue
		}
		call := i+1 < len(tokens) && tokens[i+1].is("(")
		member := i+1 < len(tokens) && tokens[i+1].is(".")
		switch {
		case member && (t.text == "pg_catalog" || t.text == "information_schema"):
			return true
		case member:
		case call && (catalogOnly[t.text] || strings.HasPrefix(t.text, "pg_")):
			return true
		case !call && strings.HasPrefix(t.text, "pg_") && i > 0 && (tokens[i-1].is("from") || tokens[i-1].is("join") || tokens[i-1].is(",")):
			return true
		case !call && t.kind == word && sessionWords[t.text]:
			return true
		}
	}
	// Pools look whether a connection lives by this; it must not wait for other people's queries.
	return len(tokens) == 2 && tokens[0].is("select") && tokens[1].kind == number
}

// sessionWords are functions that are called without brackets.
var sessionWords = set("current_user session_user current_role current_catalog current_schema")

// catalogOnly are the functions of the catalogue that data has no use for.
var catalogOnly = set("version current_schema current_schemas current_database current_user session_user current_setting set_config format_type obj_description col_description shobj_description " +
	"has_table_privilege has_schema_privilege has_database_privilege has_any_column_privilege has_column_privilege to_regclass quote_ident quote_literal inet_server_addr inet_server_port txid_current")

// prefix stands before the names of the catalogue's functions in its database.
const prefix = "pgc_"

// ofCatalog makes a client's text about the catalogue one that the catalogue's database understands:
// names without pg_catalog, functions by their name there, patterns that match anywhere in a text.
func ofCatalog(sql string, tokens []lexeme, functions map[string]bool, user string, pid uint32) string {
	var edits, later []edit
	replace := func(from, to lexeme, text string) { edits = append(edits, edit{from.start, to.end, text}) }
	next := func(i int) lexeme {
		if i < len(tokens) {
			return tokens[i]
		}
		return lexeme{kind: punct}
	}
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.is("operator") && next(i+1).is("("): // operator(pg_catalog.~)
			j := i + 2
			if next(j).name("pg_catalog") {
				j += 2
			}
			pattern := next(j)
			if next(j + 1).is(")") {
				tokens[j+1] = lexeme{punct, t.start, tokens[j+1].end, pattern.text}
				i = j
				continue
			}
		case t.is("collate") && (next(i+1).name("default") || next(i+1).name("pg_catalog") && next(i+3).name("default") || next(i+1).name("C")):
			last := i + 1
			if next(i + 1).name("pg_catalog") {
				last = i + 3
			}
			replace(t, tokens[last], " ")
			i = last
			continue
		case t.name("pg_catalog") && next(i+1).is("."):
			replace(t, tokens[i+1], "")
			i++
			continue
		case t.name("information_schema") && next(i+1).is(".") && (next(i+2).kind == word || next(i+2).kind == quoted):
			name := "information_schema_" + next(i+2).text
			if next(i + 3).is("(") {
				name = prefix + next(i+2).text
			}
			replace(t, tokens[i+2], name)
			i += 2
			continue
		case t.kind == punct && (t.text == "~" || t.text == "!~" || t.text == "~*" || t.text == "!~*"):
			flags := "(?s)"
			if strings.HasSuffix(t.text, "*") {
				flags = "(?is)"
			}
			replace(t, t, strings.TrimSuffix(t.text, "*"))
			if p := next(i + 1); p.kind == literal && p.end-p.start >= 2 && sql[p.start] == '\'' && sql[p.end-1] == '\'' {
				replace(p, p, "'"+flags+".*(?:"+sql[p.start+1:p.end-1]+").*'")
				i++
			} else if p.kind == param { // of a driver
				replace(p, p, "('"+flags+".*(?:' || cast($"+p.text+" as varchar) || ').*')")
				i++
			}
			continue
		case (t.kind == literal || t.kind == param) && next(i+1).is("::"):
			j := i + 2
			if next(j).name("pg_catalog") {
				j += 2
			}
			if f := casts[next(j).text]; f != "" {
				replace(t, tokens[j], f+"("+sql[t.start:t.end]+")")
				i = j
				continue
			}
		}
		if i > 0 && tokens[i-1].is(".") && !(i > 1 && tokens[i-2].name("pg_catalog")) || t.kind != word {
			continue
		}
		switch {
		case t.text == "current_user" || t.text == "session_user" || t.text == "current_role":
			replace(t, t, prefix+t.text+"("+quote(user)+")")
		case sessionWords[t.text] && !next(i+1).is("("):
			replace(t, t, prefix+t.text+"()")
		case t.text == "pg_backend_pid" && next(i+1).is("(") && next(i+2).is(")"):
			replace(t, tokens[i+2], fmt.Sprintf("%spg_backend_pid(%d)", prefix, pid))
			i += 2
		case t.text == "generate_series" && next(i+1).is("("):
			// Alone, the alias is the value; to the engine it is the row.
			if at := alias(tokens, i+1); at > 0 {
				name := tokens[at]
				later = append(later, edit{name.end, name.end, "(" + sql[name.start:name.end] + ")"})
			}
		case next(i+1).is("(") && functions[prefix+t.text]:
			replace(t, t, prefix+t.text)
		}
	}
	edits = append(edits, later...)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	return apply(sql, edits)
}

// alias is where the lone alias of a call stands whose brackets open at i; 0 when there is none.
func alias(tokens []lexeme, i int) int {
	depth := 0
	for ; i < len(tokens); i++ {
		if tokens[i].is("(") {
			depth++
		}
		if tokens[i].is(")") {
			if depth--; depth == 0 {
				break
			}
		}
	}
	if i++; i < len(tokens) && tokens[i].is("as") {
		i++
	}
	if i >= len(tokens) || tokens[i].kind != word && tokens[i].kind != quoted || tokens[i].kind == word && clauses[tokens[i].text] || i+1 < len(tokens) && tokens[i+1].is("(") {
		return 0
	}
	return i
}

var clauses = set("where join left right inner cross full on group order having limit offset union except intersect natural lateral and or window fetch for")

// casts are the types whose input is a name that is looked up.
var casts = map[string]string{"regclass": prefix + "to_regclass", "regproc": prefix + "to_regproc", "regtype": prefix + "to_regtype", "regnamespace": prefix + "to_regnamespace"}

// columnName is the name that PostgreSQL would give a column that has none: the engine's is the
// expression. A name that the text gives in quotes stays.
func columnName(name, sql string) string {
	if strings.Contains(sql, `"`+name+`"`) {
		return name
	}
	f, rest, call := strings.Cut(strings.TrimPrefix(strings.ReplaceAll(name, `"`, ""), "main."), "(")
	f = strings.TrimPrefix(strings.ToLower(f), prefix)
	switch {
	case !call || f == "" || f == "cast" || !strings.HasSuffix(rest, ")") || strings.ContainsAny(f, " .+-*/'"):
		return name
	case f == "count_star":
		return "count"
	}
	return f
}

// hints are the types of parameters that the text says itself: $1::bigint, limit $2.
func hints(tokens []lexeme) map[int]string {
	out := map[int]string{}
	for i, t := range tokens {
		if t.kind != param {
			continue
		}
		n := atoi(t.text)
		if i > 0 && (tokens[i-1].is("limit") || tokens[i-1].is("offset")) {
			out[n] = "bigint"
		}
		if i+2 < len(tokens) && tokens[i+1].is("::") {
			typ := castNames[tokens[i+2].text]
			if typ != "" && i+4 < len(tokens) && tokens[i+3].is("[") && tokens[i+4].is("]") {
				typ += "[]"
			}
			out[n] = typ
		}
	}
	return out
}

var castNames = map[string]string{
	"bigint": "bigint", "int8": "bigint", "integer": "bigint", "int": "bigint", "int4": "bigint", "smallint": "bigint", "int2": "bigint",
	"text": "varchar", "varchar": "varchar", "double": "double", "float8": "double", "float": "double", "real": "double", "float4": "double",
	"numeric": "decimal", "decimal": "decimal", "boolean": "boolean", "bool": "boolean", "date": "date",
	"timestamptz": "timestamp with time zone", "timestamp": "timestamp", "json": "varchar",
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		if n = n*10 + int(c-'0'); n > 1<<16 {
			return 0
		}
	}
	return n
}
