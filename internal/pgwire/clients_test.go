package pgwire_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"clientele/internal/store/duckstore"
)

// TestPsql: the real psql, as people use it.
func TestPsql(t *testing.T) {
	program, err := exec.LookPath("psql")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("psql is not installed: install postgresql-client")
		}
		t.Skip("psql is not installed")
	}
	e := serve(t, duckstore.Limits{}, nil)
	psql := func(input string, args ...string) string {
		cmd := exec.Command(program, append([]string{"-X", "-v", "ON_ERROR_STOP=0", e.url(e.read, "")}, args...)...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil && len(args) == 0 {
			t.Errorf("%s: %v", input, err)
		}
		return string(out)
	}
	for input, want := range map[string][]string{
		`\dt`:                         {"public | orders ", "public | profiles ", "(22 rows)"},
		`\d profiles`:                 {`Table "public.profiles"`, "profile_id  | bigint", "first_seen  | timestamp with time zone", "traits      | json", "city        | text"},
		`\d orders`:                   {"revenue         | numeric(18,4)"},
		`\d+ events`:                  {"properties   | json"},
		`\d nowhere`:                  {`Did not find any relation named "nowhere"`},
		`\d`:                          {"public | events "},
		`\dt public.o*`:               {"order_lines", "orders", "(2 rows)"},
		`\dn`:                         {"public"},
		`\l`:                          {"clientele", "UTF8"},
		`\du`:                         {"clientele"},
		`\dv`:                         {"Did not find any relations"},
		`\di`:                         {"Did not find any relations"},
		`\df`:                         {"(0 rows)"},
		`\dT`:                         {"(0 rows)"},
		`\dp orders`:                  {"orders"},
		`\conninfo`:                   {`database "clientele"`},
		`select count(*) from events`: {" count \n", "     2\n"},
		`table orders`:                {"order_id", "12.5000"},
		"select 1\n\\gset\n":          {""},
		"\\set FETCH_COUNT 2\nselect range from range(5);": {"(5 rows)", "     4\n"},
		"select $1 + 1 as n \\bind 2 \\g":                  {""}, // newer programs only
		"begin; select nope; rollback;":                    {"BEGIN", `ERROR:  Binder Error: Referenced column "nope"`, "LINE 1: ", "ROLLBACK"},
		"select 'ü', nope\nfrom orders;":                   {"LINE 1: select 'ü', nope\n                    ^"},
		"drop table orders;":                               {"ERROR:  DROP is not possible"},
		"\\copy orders to '/dev/null'":                     {"ERROR:  COPY is not possible"},
		"\\timing on\nselect version();":                   {"PostgreSQL 15.0 (Clientele", "Time: "},
		"\\x\nselect order_id, ts from orders;":            {"order_id | 1", "ts       | 2023-11-14 22:13:20+00"},
		"select order_id from ord":                         {`"ord"`, "HINT:"},
	} {
		if strings.HasPrefix(input, "select $1") {
			continue
		}
		out := psql(input + "\n")
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is missing in\n%s", input, w, out)
			}
		}
	}
	if out := psql("", "-c", "select 1", "-d", e.url("wrong", "")); !strings.Contains(out, "is not a token") {
		t.Error(out)
	}
	if out := psql("", "--csv", "-c", "select name, ts from events order by ts"); out != "name,ts\nSigned Up,2023-11-14 22:13:20.123456+00\nOrder Completed,2023-11-14 22:13:21+00\n" {
		t.Error(out)
	}
}

// TestMetadata: questions of the shape that drivers and tools ask when they connect.
func TestMetadata(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	c := e.connect(t, "")
	ctx := context.Background()
	for name, q := range map[string]struct {
		sql  string
		args []any
		rows int
		want string // of the first row
	}{
		"tables of JDBC": {`select current_database() as "TABLE_CAT", n.nspname as "TABLE_SCHEM", c.relname as "TABLE_NAME",
			case n.nspname ~ '^pg_' or n.nspname = 'information_schema' when true then 'SYSTEM TABLE' when false then case c.relkind when 'r' then 'TABLE' when 'v' then 'VIEW' else null end else null end as "TABLE_TYPE", d.description as "REMARKS"
			from pg_catalog.pg_namespace n, pg_catalog.pg_class c left join pg_catalog.pg_description d on (c.oid = d.objoid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass)
			where c.relnamespace = n.oid and n.nspname like 'publi_' and c.relname like $1 and (false or (c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema')) order by 4, 2, 3`, []any{"order%"}, 2, "[clientele public order_lines TABLE <nil>]"},
		"columns of JDBC": {`select * from (select n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull or (t.typtype = 'd' and t.typnotnull) as attnotnull, a.atttypmod, a.attlen, row_number() over (partition by a.attrelid order by a.attnum) as attnum,
			nullif(a.attidentity, '') as attidentity, pg_catalog.pg_get_expr(def.adbin, def.adrelid) as adsrc, dsc.description, t.typbasetype, t.typtype
			from pg_catalog.pg_namespace n join pg_catalog.pg_class c on (c.relnamespace = n.oid) join pg_catalog.pg_attribute a on (a.attrelid = c.oid) join pg_catalog.pg_type t on (a.atttypid = t.oid)
			left join pg_catalog.pg_attrdef def on (a.attrelid = def.adrelid and a.attnum = def.adnum) left join pg_catalog.pg_description dsc on (c.oid = dsc.objoid and a.attnum = dsc.objsubid)
			where c.relkind in ('r','p','v','f','m') and a.attnum > 0 and not a.attisdropped and n.nspname like $1 and c.relname like $2) c where true order by nspname, relname, attnum`,
			[]any{"public", "orders"}, 16, "[public orders order_id 25 false -1 -1 1 <nil> <nil> <nil> 0 b]"},
		"keys of JDBC": {`select r.k, (r.keys).x from (select (information_schema._pg_expandarray(i.indkey)).n as k, information_schema._pg_expandarray(i.indkey) as keys, a.attnum as n
			from pg_catalog.pg_class ct join pg_catalog.pg_attribute a on (ct.oid = a.attrelid) join pg_catalog.pg_index i on (a.attrelid = i.indrelid) where i.indisprimary and pg_catalog.pg_table_is_visible(ct.oid)) r where r.n = (r.keys).x`, nil, 0, ""},
		"a type of JDBC": {`select typinput = 'pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid from pg_catalog.pg_type left join (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns
			join (select s.r, (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r)) as r using (nspname)) as sp on sp.nspoid = typnamespace where pg_type.oid = $1 order by sp.r, pg_type.oid desc`,
			[]any{int64(1009)}, 1, "[true b _text 1009]"},
		"columns of Metabase": {`select c.column_name as name, case when c.udt_schema in ('public', 'pg_catalog') then format('%s', c.udt_name) else format('"%s"."%s"', c.udt_schema, c.udt_name) end as "database-type", c.ordinal_position - 1 as pos,
			pk.column_name is not null as "pk?", col_description(cast(cast(format('%I.%I', cast(c.table_schema as text), cast(c.table_name as text)) as regclass) as oid), c.ordinal_position) as comment,
			((column_default is null) or (lower(column_default) = 'null')) and (is_nullable = 'NO') as required
			from information_schema.columns as c left join (select tc.table_schema, tc.table_name, kc.column_name from information_schema.table_constraints as tc inner join information_schema.key_column_usage as kc
			on tc.constraint_name = kc.constraint_name and tc.table_schema = kc.table_schema where tc.constraint_type = 'PRIMARY KEY') as pk on c.table_schema = pk.table_schema and c.table_name = pk.table_name and c.column_name = pk.column_name
			where c.table_schema !~ '^information_schema|catalog_history|pg_' and c.table_schema in ('public') and c.table_name in ('fx_rates') order by pos`, nil, 4, "[date date 0 false <nil> false]"},
		"schemas": {`select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' and has_schema_privilege(nspname, 'USAGE')`, nil, 1, "[public]"},
		"tables of Grafana": {`select case when quote_ident(table_schema) in (select case when trim(s[i]) = '"$user"' then user else trim(s[i]) end from generate_series(1, 1) as g(i), (select string_to_array('public', ',')) as t(s)) then quote_ident(table_name)
			else quote_ident(table_schema) || '.' || quote_ident(table_name) end as "table" from information_schema.tables where quote_ident(table_schema) not in ('information_schema', 'pg_catalog') order by 1`, nil, 22, "[ad_spend]"},
		"columns of Grafana": {`select quote_ident(column_name) as "column", data_type as "type" from information_schema.columns where quote_ident(table_name) = 'ad_spend' order by ordinal_position`, nil, 9, "[date date]"},
		"version of Grafana": {`select current_setting('server_version_num')::int / 100 as version`, nil, 1, "[1500]"},
		"types of Npgsql": {`select ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid from (select typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, elemtyp.oid as elemtypoid
			from (select typ.oid, typnamespace, typname, typrelid, typnotnull, typelem, case when proc.proname = 'array_recv' then 'a' else typ.typtype end as typtype from pg_type as typ left join pg_proc as proc on proc.proname = typ.typreceive) as typ
			left join pg_type as elemtyp on elemtyp.oid = typ.typelem) as t join pg_namespace as ns on (ns.oid = typnamespace) where typtype in ('b', 'r', 'm', 'e', 'd') and typname = 'text'`, nil, 1, "[pg_catalog 25 text b false <nil>]"},
		"SQLAlchemy":       {`select pg_catalog.pg_class.relname from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace where pg_catalog.pg_class.relname = $1::varchar and pg_catalog.pg_class.relkind = any (array['r', 'p', 'f', 'v', 'm']) and pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid)`, []any{"orders"}, 1, "[orders]"},
		"user":             {"select current_user, session_user, current_catalog, current_schema, pg_backend_pid() > 0", nil, 1, "[bi bi clientele public true]"},
		"by name":          {"select attname from pg_attribute where attrelid = 'public.fx_rates'::regclass order by attnum", nil, 4, "[date]"},
		"setting":          {"select set_config('search_path', 'x', false), current_setting('server_version_num')", nil, 1, "[x 150000]"},
		"type by format":   {"select format_type(1700, ((10 << 16) | 2) + 4), format_type(1009, -1), format_type(1184, null)", nil, 1, "[numeric(10,2) text[] timestamp with time zone]"},
		"without a schema": {"select count(*) > 10 from pg_settings", nil, 1, "[true]"},
		"a strange case":   {`SELECT "oid" FROM "pg_catalog"."pg_type" WHERE TYPNAME ~* 'JSONB' AND typcategory = 'U'`, nil, 1, "[3802]"},
	} {
		rows, err := c.Query(ctx, q.sql, q.args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
		if err != nil || len(all) != q.rows {
			t.Errorf("%s: %d rows, %v", name, len(all), err)
			continue
		}
		if q.rows > 0 {
			if got := strings.TrimSpace(sprint(all[0])); got != q.want {
				t.Errorf("%s: %s, want %s", name, got, q.want)
			}
		}
	}
	// It is a catalogue and nothing else.
	for _, sql := range []string{"select * from rel, pg_class", "select * from pg_catalog.pg_class, duckdb_settings()", "select pg_read_file('/etc/passwd')", "select getenv('HOME'), version()", "select pg_sleep(10)",
		"select version() from read_csv('/etc/passwd')", "select version(); attach 'x'", "select set_config('memory_limit', '1TB', false) from duckdb_functions()"} {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err == nil {
			t.Errorf("%s was answered", sql)
		}
	}
}
