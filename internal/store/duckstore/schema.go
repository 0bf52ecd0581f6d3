package duckstore

import (
	"fmt"
	"strings"

	"clientele"
)

// format is the version of the file's layout. A change to what base tables mean raises it and
// adds a step to upgrade.
const format = formatSmall

// The formats differ in the size of row groups only. A file of the older one stays as it is until it is written anew
// (Rewrite, or a rebuild).
const (
	formatLarge = 1
	formatSmall = 2
)

// metaDDL are the store's own tables.
const metaDDL = `create table if not exists base.format (version integer not null);
create table if not exists base.position (commit_number bigint not null, log_position bigint not null);
create table if not exists base.moved (anchor_id bigint not null, profile_id bigint not null);
create table if not exists base.promoted (table_name varchar not null, column_name varchar not null, json_key varchar not null, type integer not null, ordinal integer not null);
`

func sqlType(t clientele.ColumnType) string {
	switch t {
	case clientele.TypeText:
		return "varchar"
	case clientele.TypeBigint:
		return "bigint"
	case clientele.TypeDouble:
		return "double"
	case clientele.TypeBool:
		return "boolean"
	case clientele.TypeTime:
		return "timestamptz"
	case clientele.TypeDate:
		return "date"
	case clientele.TypeDecimal:
		return "decimal(18,4)"
	case clientele.TypeJSON:
		return "json"
	}
	return ""
}

// changedColumn is the store's own column of every base table: the log position up to which the
// row is what it is. Rows of a file from before it have null. Every writer of base rows but
// applySeen sets it.
const changedColumn = `"$position"`

// tableDDL is the create statement of a table's base rows, promoted columns aside.
func tableDDL(t *clientele.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "create table if not exists base.%s (\n", quote(t.Name))
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "    %s %s", quote(c.Name), sqlType(c.Type))
	}
	fmt.Fprintf(&b, ",\n    %s bigint\n);\n", changedColumn)
	return b.String()
}

// viewColumn is a column of the contract's view and what gives it.
type viewColumn struct {
	name, expr string
	typ        clientele.ColumnType
}

// viewColumns are the visible columns in the contract's order, then the promoted ones. A row's
// profile is the overlay's where it has one.
func viewColumns(t *clientele.Table, promoted []clientele.Promotion, baseCurrency string) []viewColumn {
	var out []viewColumn
	for _, c := range t.Columns {
		expr := "b." + quote(c.Name)
		switch {
		case c.Hidden:
			continue
		case t.Person && c.Name == "profile_id":
			expr = "nullif(coalesce(m.profile_id, b.profile_id), 0)"
		case t.Name == "orders" && c.Name == "revenue_base":
			expr = fmt.Sprintf("case when b.currency is null or b.currency = %s then b.revenue "+
				"else try_cast(cast(b.revenue as double) * f.rate as decimal(18,4)) end", literal(baseCurrency))
		}
		out = append(out, viewColumn{c.Name, expr, c.Type})
	}
	for _, p := range promoted {
		out = append(out, viewColumn{p.Column, "b." + quote(p.Column), p.Type})
	}
	return out
}

// viewFrom is what viewColumns are taken from: the base rows as b.
func viewFrom(t *clientele.Table) string {
	from := "from base." + quote(t.Name) + " b"
	if t.Person {
		from += "\nleft join base.moved m on m.anchor_id = b.anchor_id"
	}
	if t.Name == "orders" {
		from += "\nleft join (\n    select date, currency, arg_min(rate, source) as rate\n    from base.fx_rates where rate is not null\n    group by date, currency\n" +
			") f on f.currency = b.currency and f.date = " + utcDay("b.ts")
	}
	return from
}

// viewDDL is the contract's view of a table.
func viewDDL(t *clientele.Table, promoted []clientele.Promotion, baseCurrency string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "create or replace view main.%s as\nselect\n", quote(t.Name))
	for i, c := range viewColumns(t, promoted, baseCurrency) {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("    " + c.expr)
		if c.expr != "b."+quote(c.name) {
			b.WriteString(" as " + c.name)
		}
	}
	fmt.Fprintf(&b, "\n%s;\n", viewFrom(t))
	return b.String()
}

// utcDay is the UTC day of a timestamptz. It divides instead of asking ICU, which is far slower.
func utcDay(ts string) string {
	return "date '1970-01-01' + cast(floor(epoch_us(" + ts + ") / 86400000000.0) as integer)"
}

// promotedExpr is the typed value of a property: the only definition of a promoted column,
// used for old rows and for new ones. What does not fit the type is null.
func promotedExpr(column string, p clientele.Promotion) string {
	in, names := placeOf(column, p)
	if len(names) == 1 && p.Type == clientele.TypeJSON {
		return fmt.Sprintf("cast(%s as json)", strings.Replace(jsonText(in, names[0]), "->>", "->", 1))
	}
	if len(names) == 1 {
		return typed(jsonText(in, names[0]), p)
	}
	path, _ := jsonPath(names)
	return typed(fmt.Sprintf("(%s->>%s)", in, literal(path)), p)
}

// promotedExprs are the typed values of many properties. A JSON text is parsed, and the parsed kept, for each member that is taken out of
// it, so all that a column has are taken out together: texts are what the query has to select besides.
func promotedExprs(column string, promoted []clientele.Promotion) (texts, exprs []string) {
	paths := map[string][]string{} // by the column of JSON
	var from []string
	for _, p := range promoted {
		in, names := placeOf(column, p)
		path, ok := jsonPath(names)
		if !ok || p.Type == clientele.TypeJSON {
			exprs = append(exprs, promotedExpr(column, p))
			continue
		}
		if len(paths[in]) == 0 {
			from = append(from, in)
		}
		paths[in] = append(paths[in], literal(path))
		exprs = append(exprs, typed(fmt.Sprintf("%s[%d]", quote("_extracted_"+in), len(paths[in])), p))
	}
	for _, c := range from {
		texts = append(texts, fmt.Sprintf("json_extract_string(%s, [%s]) as %s", c, strings.Join(paths[c], ", "), quote("_extracted_"+c)))
	}
	return texts, exprs
}

// mayHave holds for all rows whose text could have the property, and for few others: those that say its name, or escape anything.
func mayHave(column string, p clientele.Promotion) string {
	in, names := placeOf(column, p)
	text := "cast(" + quote(in) + " as varchar)"
	if strings.ContainsFunc(names[0], func(r rune) bool { return r < ' ' || r == '"' }) { // it is escaped
		return fmt.Sprintf(`contains(%s, '\')`, text)
	}
	return fmt.Sprintf(`(contains(%[1]s, %[2]s) or contains(%[1]s, '\'))`, text, literal(`"`+names[0]+`"`))
}

// placeOf is the column of JSON that a property is in, column unless it is computed or predicted, and the names of the members that
// lead to it.
func placeOf(column string, p clientele.Promotion) (in string, names []string) {
	if name, is := strings.CutPrefix(p.JSON, clientele.ComputedJSON("")); is {
		return "computed", []string{name}
	}
	if name, is := strings.CutPrefix(p.JSON, clientele.PredictionJSON("")); is {
		model, output, _ := strings.Cut(name, ".")
		return "predictions", []string{model, output}
	}
	return column, []string{p.JSON}
}

// typed is the property's text as its type.
func typed(x string, p clientele.Promotion) string {
	switch p.Type {
	case clientele.TypeBigint:
		// A cast alone would round 1.5.
		return fmt.Sprintf("case when try_cast(%[1]s as double) = floor(try_cast(%[1]s as double)) then try_cast(%[1]s as bigint) end", x)
	case clientele.TypeDouble:
		return fmt.Sprintf("case when isfinite(try_cast(%[1]s as double)) then try_cast(%[1]s as double) end", x)
	case clientele.TypeTime:
		return fmt.Sprintf("case when epoch_us(try_cast(%[1]s as timestamptz)) between %[2]d and %[3]d then try_cast(%[1]s as timestamptz) end",
			x, int64(clientele.MinTime), int64(clientele.MaxTime))
	case clientele.TypeDate:
		return fmt.Sprintf("case when try_cast(%[1]s as date) between date '1900-01-01' and date '2200-01-01' then try_cast(%[1]s as date) end", x)
	case clientele.TypeBool, clientele.TypeDecimal:
		return fmt.Sprintf("try_cast(%s as %s)", x, sqlType(p.Type))
	}
	return x
}

// jsonText is the member of a JSON object as text. A key may hold any character, so it goes in
// as a quoted path; the two that a path cannot say are looked up in a map.
func jsonText(column, key string) string {
	if strings.IndexByte(key, 0) >= 0 {
		return "cast(null as varchar)" // SQL text cannot hold it
	}
	if key == "" || key == "*" {
		return fmt.Sprintf(`(map_extract(json_transform(%s, '"MAP(VARCHAR, JSON)"'), %s)[1]->>'$')`, column, literal(key))
	}
	path, _ := jsonPath([]string{key})
	return fmt.Sprintf("(%s->>%s)", column, literal(path))
}

// pathEscapes writes a name as it stands in quotes in a path.
var pathEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// jsonPath is the path of a member of members; not ok for names that a path cannot say.
func jsonPath(names []string) (path string, ok bool) {
	path = "$"
	for _, name := range names {
		if name == "" || name == "*" || strings.IndexByte(name, 0) >= 0 {
			return "", false
		}
		path += `."` + pathEscapes.Replace(name) + `"`
	}
	return path, true
}

// jsonColumn is the column that holds the properties of a table that has promotions.
func jsonColumn(table string) (string, bool) {
	switch table {
	case "events":
		return "properties", true
	case "profiles":
		return "traits", true
	}
	return "", false
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// prelude are the macros that every engine has under the same name.
const prelude = `create or replace macro main.json_texts(j) as from_json(j, '["VARCHAR"]');
create or replace macro main.json_has(j, v) as coalesce(list_contains(from_json(j, '["VARCHAR"]'), v), false);
create or replace macro main.json_num(j, k) as try_cast((j->>k) as double);
create or replace macro main.json_bool(j, k) as try_cast((j->>k) as boolean);
create or replace macro main.json_text(j, k) as (j->>k);
create or replace macro main.json_merge(a, b) as json_merge_patch(a, b);
create or replace macro main.utc_time(ts) as make_timestamp(epoch_us(ts));
create or replace macro main.day_in(ts, tz) as cast(ts at time zone tz as date);
create or replace macro main.month_in(ts, tz) as cast(date_trunc('month', ts at time zone tz) as date);
create or replace macro main.div(a, b) as a // b;
create or replace macro main.re_match(s, r) as regexp_matches(s, r);
create or replace macro main.fmt_ym(d) as strftime(d, '%Y-%m');
create or replace macro main.sha256_hex(s) as sha256(s);
`
