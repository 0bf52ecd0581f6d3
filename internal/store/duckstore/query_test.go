package duckstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/sqlq"
	"clientele/internal/store/duckstore"
)

func seeded(t testing.TB) *duckstore.Store {
	s := fresh(t)
	seed(t, s)
	return s
}

func seed(t testing.TB, s *duckstore.Store) {
	apply(t, s, 1, clientele.Change{Position: 1, Tables: []clientele.TableRows{
		rows("events", map[string]any{"source": "w", "event_id": "e1", "anchor_id": int64(1), "profile_id": int64(1), "ts": int64(1_700_000_000_123_456), "name": "Signed Up", "properties": `{"b":1,  "a":[1,2]}`},
			map[string]any{"source": "w", "event_id": "e2", "anchor_id": int64(2), "profile_id": int64(2), "ts": int64(1_700_000_001_000_000), "name": "Order Completed", "properties": `{"revenue":12.5}`}),
		rows("profiles", map[string]any{"profile_id": int64(1), "traits": `{"city":"Hanoi"}`}, map[string]any{"profile_id": int64(2), "traits": `{}`}),
		rows("orders", map[string]any{"source": "s", "order_id": "1", "revenue": int64(125_000), "currency": "EUR"}),
		rows("ad_spend", map[string]any{"source": "s", "date": int64(19_000), "platform": "p", "campaign": "c", "country": "TH", "cost": int64(5)}),
	}, Moved: []clientele.Moved{{Anchor: 2, Profile: 1}}})
}

func TestValues(t *testing.T) {
	s := seeded(t)
	for _, c := range []struct {
		sql, typ string
		want     any
	}{
		{"select ts from events where event_id = 'e1'", "timestamp with time zone", "2023-11-14T22:13:20.123456Z"},
		{"select properties from events where event_id = 'e1'", "json", `{"b":1,  "a":[1,2]}`},
		{"select properties->>'b' from events where event_id = 'e1'", "varchar", "1"},
		{"select date from ad_spend", "date", "2022-01-08"},
		{"select cost from ad_spend", "decimal(18,4)", "0.0005"},
		{"select sum(revenue) from orders", "decimal(38,4)", "12.5"},
		{"select -1.50", "decimal(3,2)", "-1.5"},
		{"select 9007199254740992", "bigint", int64(1 << 53)},
		{"select 9007199254740993", "bigint", "9007199254740993"},
		{"select -9007199254740993", "bigint", "-9007199254740993"},
		{"select sum(profile_id) from profiles", "hugeint", int64(3)},
		{"select 7/2", "integer", int64(3)},
		{"select 1.5::double", "double", 1.5},
		{"select 'nan'::double", "double", "NaN"},
		{"select true", "boolean", true},
		{"select null", "integer", nil},
		{"select [1, 2]", "integer[]", []any{int64(1), int64(2)}},
		{"select {'a': 1, 'b': date '2020-01-02'}", "", map[string]any{"a": int64(1), "b": "2020-01-02T00:00:00.000000Z"}},
		{"select map {'x': 1.5}", "map(varchar, decimal(2,1))", map[string]any{"x": "1.5"}},
		{"select interval 14 month", "interval", "14 months"},
		{"select cast('6b86b273-ff34-4ce1-9d6b-804eff5a3f57' as uuid)", "uuid", "6b86b273-ff34-4ce1-9d6b-804eff5a3f57"},
		{"select time '01:02:03'", "time", "01:02:03.000000"},
		{"select ts at time zone 'UTC' from events where event_id = 'e1'", "timestamp", "2023-11-14T22:13:20.123456"},
		{"select json_text(traits, 'city') from profiles where profile_id = 1", "varchar", "Hanoi"},
		{"select day_in(ts, 'Asia/Tokyo') from events where event_id = 'e1'", "date", "2023-11-15"},
		{"select x from (values (1), (null), (2)) v(x) order by x desc limit 1", "integer", nil},
		{"select profile_id from events where event_id = 'e2'", "bigint", int64(1)},
		{"select column_name from (describe events) limit 1", "varchar", "event_id"},
		{"describe events", "varchar", "event_id"},
		{"from profiles select profile_id order by all; ", "bigint", int64(1)},
		{"select 1 -- a remark", "integer", int64(1)},
		{"with recursive r as (select 1 n union all select n + 1 from r where n < 5) select max(n) from r", "integer", int64(5)},
	} {
		res, err := s.Query(context.Background(), c.sql, nil, duckstore.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got := res.Rows[0][0]; !reflect.DeepEqual(got, c.want) || c.typ != "" && res.Columns[0].Type != c.typ {
			t.Errorf("%s: %#v of type %s", c.sql, got, res.Columns[0].Type)
		}
	}
}

func TestParameters(t *testing.T) {
	s := seeded(t)
	if got := query(t, s, "select event_id from events where name = $1 and profile_id = $2 limit $3", "Signed Up", 1.0, 5.0); !reflect.DeepEqual(got, [][]any{{"e1"}}) {
		t.Errorf("got %v", got)
	}
	if got := query(t, s, "select profile_id from profiles where profile_id in (select unnest($1::bigint[]))", []any{2.0, 9.0}); !reflect.DeepEqual(got, [][]any{{int64(2)}}) {
		t.Errorf("got %v", got)
	}
	if got := query(t, s, "select $1::varchar, $2::double, $3::boolean, $4", nil, 1.5, true, "x"); !reflect.DeepEqual(got, [][]any{{nil, 1.5, true, "x"}}) {
		t.Errorf("got %v", got)
	}
	if _, err := s.Query(context.Background(), "select $2", []any{1.0}, duckstore.Limits{}); err == nil {
		t.Error("a missing parameter was accepted")
	}
	if _, err := s.Query(context.Background(), "select $1", []any{map[string]any{}}, duckstore.Limits{}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("an object as parameter: %v", err)
	}
}

func TestLimits(t *testing.T) {
	s := seeded(t)
	ctx := context.Background()
	res, err := s.Query(ctx, "select range, -range x from range(100000) order by range desc", nil, duckstore.Limits{Rows: 10})
	if err != nil || len(res.Rows) != 10 || !res.Cut || res.Rows[0][0] != int64(99999) || res.Rows[9][0] != int64(99990) {
		t.Fatalf("%v rows, cut %v, %v", res, res.Cut, err)
	}
	if res, err = s.Query(ctx, "select 1 from range(10)", nil, duckstore.Limits{Rows: 10}); err != nil || res.Cut || len(res.Rows) != 10 {
		t.Errorf("exactly the limit: cut %v, %v", res.Cut, err)
	}
	for name, c := range map[string]struct {
		sql string
		l   duckstore.Limits
	}{
		"bytes":  {"select md5(range::varchar) from range(1000)", duckstore.Limits{Bytes: 1000}},
		"time":   {"select count(*) from range(10000000) a, range(10000000) b", duckstore.Limits{Time: 200 * time.Millisecond}},
		"memory": {"select len(list(md5(range::varchar))) from range(12000000)", duckstore.Limits{}},
		"text":   {"select '" + strings.Repeat("x", 1<<20) + "'", duckstore.Limits{}},
		"depth":  {"select " + strings.Repeat("(", 20000) + "1" + strings.Repeat(")", 20000), duckstore.Limits{}},
		"sum":    {"select 1" + strings.Repeat("+1", 40000), duckstore.Limits{}},
		"list":   {"select 1" + strings.Repeat(",1", 40000), duckstore.Limits{}},
		"stars":  {"with a as (select 1 x, 2 y)" + doubling() + " select count(*) from z", duckstore.Limits{}},
	} {
		_, err := s.Query(ctx, c.sql, nil, c.l)
		if clientele.ErrorCode(err) != clientele.TooLarge || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := query(t, s, "select 1"); len(got) != 1 {
		t.Error("the store does not answer any more")
	}
	stop := errors.New("stop")
	if _, err := s.Stream(ctx, "from events", nil, duckstore.Limits{}, func([]clientele.QueryColumn) error { return nil }, func([]any) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error became %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Query(cancelled, "select 1", nil, duckstore.Limits{}); err == nil {
		t.Error("a cancelled query ran")
	}
}

// doubling is a chain of expressions, each with twice the columns of the one before.
func doubling() string {
	s, last := "", "a"
	for c := 'b'; c <= 'z'; c++ {
		s += ", " + string(c) + " as (select * from " + last + " p, " + last + " q)"
		last = string(c)
	}
	return s
}

// TestQueriesDoNotBlockApply: changes go in while a long query runs.
func TestQueriesDoNotBlockApply(t *testing.T) {
	s := seeded(t)
	ctx, cancel := context.WithCancel(context.Background())
	started, done := make(chan struct{}), make(chan error)
	go func() {
		_, err := s.Stream(ctx, "select range from range(1000000)", nil, duckstore.Limits{Rows: -1, Bytes: -1, Time: time.Hour},
			func([]clientele.QueryColumn) error { return nil },
			func([]any) error {
				close(started)
				<-ctx.Done() // holds its transaction open
				return ctx.Err()
			})
		done <- err
	}()
	<-started
	for n := range uint64(20) {
		apply(t, s, 2+n, clientele.Change{Tables: []clientele.TableRows{rows("profiles", map[string]any{"profile_id": int64(100 + n)})}})
	}
	if err := s.Maintain(context.Background()); err != nil {
		t.Error(err)
	}
	if got := query(t, s, "select count(*) from profiles"); got[0][0] != int64(22) {
		t.Errorf("%v profiles", got)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the long query was not cancelled")
	}
}

// escapes are texts that must not pass, with a word of the reason.
var escapes = map[string]string{
	"":                                                                  "empty",
	"select 1; select 2":                                                "2 statements",
	"select 1; drop table base.events":                                  "only a SELECT",
	"explain analyze delete from events":                                "only a SELECT",
	"explain select 1":                                                  "only a SELECT",
	"delete from base.events":                                           "only a SELECT",
	"copy (select 1) to '/tmp/x.csv'":                                   "only a SELECT",
	"copy events from '/etc/passwd'":                                    "only a SELECT",
	"attach '/tmp/x.db'":                                                "only a SELECT",
	"pragma database_list":                                              "",
	"set memory_limit = '1TB'":                                          "only a SELECT",
	"call checkpoint()":                                                 "only a SELECT",
	"select * from checkpoint()":                                        `"checkpoint"`,
	"from force_checkpoint()":                                           `"force_checkpoint"`,
	"select * from read_csv('/etc/passwd')":                             `"read_csv"`,
	"select * from read_text('/etc/passwd')":                            `"read_text"`,
	"select * from '/etc/passwd'":                                       `"/etc/passwd"`,
	"select * from \"/etc/passwd\"":                                     `"/etc/passwd"`,
	"select * from 'data.parquet'":                                      `"data.parquet"`,
	"select * from glob('/*')":                                          `"glob"`,
	"with a as (select * from glob('/*')) select * from a":              `"glob"`,
	"select (select count(*) from glob('/*'))":                          `"glob"`,
	"select * from events e, lateral (select * from glob('/*')) g":      `"glob"`,
	"select * from events where exists (from glob('/*'))":               `"glob"`,
	"select 1 order by (select 1 from glob('/*'))":                      `"glob"`,
	"select 1 limit (select count(*) from glob('/*'))":                  `"glob"`,
	"select sum((select 1 from glob('/*'))) over () from events":        `"glob"`,
	"values ((select 1 from glob('/*')))":                               `"glob"`,
	"select 1 union all select 1 from glob('/*')":                       `"glob"`,
	"select * from events join glob('/*') on true":                      `"glob"`,
	"select case when (select 1 from glob('/*')) = 1 then 1 end":        `"glob"`,
	"select list_transform([1], lambda x: (select 1 from glob('*')))":   `"glob"`,
	"select * replace ((select 1 from glob('/*')) as name) from events": `"glob"`,
	"select * from base.events":                                         `"base.events"`,
	"select * from base.moved":                                          `"base.moved"`,
	"select * from memory.main.events":                                  "not allowed",
	"select * from information_schema.tables":                           `"information_schema.tables"`,
	"select * from duckdb_settings()":                                   `"duckdb_settings"`,
	"select * from duckdb_settings":                                     `"duckdb_settings"`,
	"select * from duckdb_secrets()":                                    `"duckdb_secrets"`,
	"select * from pg_catalog.pg_class":                                 `"pg_catalog.pg_class"`,
	"select * from pragma_table_info('events')":                         `"pragma_table_info"`,
	"select * from query('delete from base.events')":                    `"query"`,
	"select * from query_table('events')":                               `"query_table"`,
	"select getenv('HOME')":                                             `"getenv"`,
	"select current_setting('memory_limit')":                            `"current_setting"`,
	"select \"current_setting\"('memory_limit')":                        `"current_setting"`,
	"select /* x */ CURRENT_SETTING ('x')":                              `"current_setting"`,
	"select system.main.getenv('HOME')":                                 "not allowed",
	"select pg_get_viewdef(1)":                                          `"pg_get_viewdef"`,
	"select json_execute_serialized_sql('x')":                           "json_execute_serialized_sql",
	"from json_execute_serialized_sql('x')":                             "json_execute_serialized_sql",
	"select nextval('s')":                                               `"nextval"`,
	"select repeat('x', 3000000000)":                                    `"repeat"`,
	"select lpad('x', 2000000000, 'y')":                                 "lpad",
	"select range(2000000000)":                                          `"range"`,
	"show tables":                                                       "SHOW",
	"show all tables":                                                   "SHOW",
	"describe base.events":                                              `"base.events"`,
	"summarize base.events":                                             `"base.events"`,
	"select * from (describe base.events)":                              `"base.events"`,
	"pivot events on name using count(*)":                               "only a SELECT",
	"with duckdb_tables as (select 1) select * from (with x as (select 1) select * from duckdb_views)": `"duckdb_views"`,
	"select * from (with duckdb_views as (select 1 a) select * from duckdb_views), duckdb_views":       `"duckdb_views"`,
	"with moved as (select * from main.moved) select * from moved":                                     `"main.moved"`,
	"select * from evnts":                    `"evnts"`,
	"select 1 from":                          "syntax",
	"select * from events at (version => 1)": "not allowed",
	"with x as (insert into base.moved values (1, 2) returning *) select * from x": "",
	"create macro m() as (select 1)":                                               "only a SELECT",
	"select 1 into outfile":                                                        "",
	"\xff":                                                                         "UTF-8",
	"select '\x00'":                                                                "UTF-8",
}

func TestGateRefuses(t *testing.T) {
	s := seeded(t)
	before := digests(t, s)
	for sql, word := range escapes {
		_, err := s.Query(context.Background(), sql, nil, duckstore.Limits{})
		if err == nil {
			t.Errorf("%s was answered", sql)
			continue
		}
		if code := clientele.ErrorCode(err); code != clientele.Denied && code != clientele.Invalid || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %s %v, without %q", sql, code, err, word)
		}
	}
	_, err := s.Query(context.Background(), "select * from evnts", nil, duckstore.Limits{})
	if clientele.ErrorHint(err) != "did you mean events?" {
		t.Errorf("hint is %q", clientele.ErrorHint(err))
	}
	if after := digests(t, s); !reflect.DeepEqual(before, after) {
		t.Errorf("data changed")
	}
}

// TestFunctionsExist: the list names nothing that the engine does not have.
func TestFunctionsExist(t *testing.T) {
	s := seeded(t)
	var missing []string
	for _, f := range sqlq.Functions() {
		call := f + "()"
		if strings.ContainsAny(f[:1], "+-*/%^&|~<>!@=") {
			continue
		}
		exists := false
		for _, form := range []string{"", " over ()", " within group (order by 1)"} {
			_, err := s.Query(context.Background(), "select "+call+form, nil, duckstore.Limits{})
			if err == nil || !strings.Contains(err.Error(), "does not exist") {
				exists = true
				break
			}
		}
		if !exists {
			missing = append(missing, f)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the engine has no %s", strings.Join(missing, " "))
	}
}

// TestErrorsHideValues: messages reach logs, so what they quote of the data is left out.
func TestErrorsHideValues(t *testing.T) {
	s := seeded(t)
	for _, sql := range []string{"select cast('ann@example.com' as integer)", "select 'ann@example.com'::date from events",
		"select strptime('ann@example.com', '%Y')", "select json_extract('ann@example.com', '$.a')"} {
		_, err := s.Query(context.Background(), sql, nil, duckstore.Limits{})
		if clientele.ErrorCode(err) != clientele.Invalid || strings.Contains(err.Error(), "ann") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// FuzzGate: whatever a text says, it changes no data, makes no file and leaves the store alive.
func FuzzGate(f *testing.F) {
	for sql := range escapes {
		f.Add(sql)
	}
	for _, sql := range []string{
		"select name, count(*) filter (where ts > now()) over (partition by profile_id order by ts) from events",
		"with a as (select * from events), b as (from a) select * from b union select * from a order by 1 limit 3",
		"select * from events e left join lateral (select unnest([1,2]) u) l on true",
		"select list_transform([1,2], lambda x: x + 1), {'a': 1}.a, map {'x': 1}['x'], columns('na.*') from events",
		"select count(*) from generate_series(1, 10) t(i) group by all having i > 1 qualify row_number() over () = 1",
		"describe events", "summarize orders", "select $1, $2", "select * from events using sample 1",
	} {
		f.Add(sql)
	}
	dir := f.TempDir()
	s := open(f, filepath.Join(dir, "columns.duckdb"))
	seed(f, s)
	before := digests(f, s)
	f.Fuzz(func(t *testing.T, sql string) {
		res, err := s.Query(context.Background(), sql, nil, duckstore.Limits{Time: 2 * time.Second})
		if err == nil && strings.Contains(strings.ToLower(sql), "passwd") {
			for _, r := range res.Rows {
				for _, v := range r {
					if text, ok := v.(string); ok && strings.Contains(text, "root:") && !strings.Contains(sql, "root:") {
						t.Fatal("a file was read")
					}
				}
			}
		}
		if err != nil {
			return // refused, so nothing ran
		}
		if after := digests(t, s); !reflect.DeepEqual(before, after) {
			t.Fatalf("data changed from %v to %v", before, after)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) > 3 {
			t.Fatalf("files appeared: %v, %v", files, err)
		}
	})
}
