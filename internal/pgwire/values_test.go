package pgwire_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"clientele/internal/store/duckstore"
)

// TestTypes: every type of the contract and what people make of them, in both formats.
func TestTypes(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	c := e.connect(t, "")
	ctx := context.Background()
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		must(t, err)
		return at
	}
	for _, q := range []struct {
		sql  string
		oid  uint32
		text string // as psql shows it
		want any    // of the binary format
	}{
		{"select ts from events where event_id = 'e1'", pgtype.TimestamptzOID, "2023-11-14 22:13:20.123456+00", utc("2023-11-14T22:13:20.123456Z")},
		{"select ts from events where event_id = 'e2'", pgtype.TimestamptzOID, "2023-11-14 22:13:21+00", utc("2023-11-14T22:13:21Z")},
		{"select ts at time zone 'Asia/Tokyo' from events where event_id = 'e1'", pgtype.TimestampOID, "2023-11-15 07:13:20.123456", utc("2023-11-15T07:13:20.123456Z")},
		{"select timestamptz '1900-01-01 00:00:00+00'", pgtype.TimestamptzOID, "1900-01-01 00:00:00+00", utc("1900-01-01T00:00:00Z")},
		{"select date from ad_spend", pgtype.DateOID, "2022-01-08", utc("2022-01-08T00:00:00Z")},
		{"select cost from ad_spend", pgtype.NumericOID, "0.0005", "0.0005"},
		{"select revenue from orders", pgtype.NumericOID, "12.5000", "12.5000"},
		{"select -revenue from orders", pgtype.NumericOID, "-12.5000", "-12.5000"},
		{"select sum(revenue) from orders", pgtype.NumericOID, "12.5000", "12.5000"},
		{"select clicks from ad_spend", pgtype.Int8OID, "9007199254740993", int64(9007199254740993)},
		{"select sum(clicks) from ad_spend", pgtype.NumericOID, "9007199254740993", "9007199254740993"},
		{"select count(*) from events", pgtype.Int8OID, "2", int64(2)},
		{"select 7::smallint", pgtype.Int2OID, "7", int16(7)},
		{"select -7", pgtype.Int4OID, "-7", int32(-7)},
		{"select 1.5::double", pgtype.Float8OID, "1.5", 1.5},
		{"select 'nan'::double", pgtype.Float8OID, "NaN", math.NaN()},
		{"select '-inf'::double", pgtype.Float8OID, "-Infinity", math.Inf(-1)},
		{"select 1e300::double", pgtype.Float8OID, "1e+300", 1e300},
		{"select true", pgtype.BoolOID, "t", true},
		{"select name = 'x' from events limit 1", pgtype.BoolOID, "f", false},
		{"select name from events where event_id = 'e1'", pgtype.TextOID, "Signed Up", "Signed Up"},
		{"select ''", pgtype.TextOID, "", ""},
		{"select properties from events where event_id = 'e1'", pgtype.JSONOID, `{"b":1,  "a":[1,2]}`, map[string]any{"a": []any{1.0, 2.0}, "b": 1.0}},
		{"select properties->>'b' from events where event_id = 'e1'", pgtype.TextOID, "1", "1"},
		{"select json_texts(properties->'a') from events where event_id = 'e1'", pgtype.TextArrayOID, "{1,2}", []any{"1", "2"}},
		{`select ['a', null, 'b "c"', '', 'NULL', '{x}', 'é\']`, pgtype.TextArrayOID, `{a,NULL,"b \"c\"","","NULL","{x}","é\\"}`, []any{"a", nil, `b "c"`, "", "NULL", "{x}", `é\`}},
		{"select [1, null, 3]::bigint[]", pgtype.Int8ArrayOID, "{1,NULL,3}", []any{int64(1), nil, int64(3)}},
		{"select [1.5::double]", pgtype.Float8ArrayOID, "{1.5}", []any{1.5}},
		{"select [true, false]", pgtype.BoolArrayOID, "{t,f}", []any{true, false}},
		{"select list(ts order by ts) from events", pgtype.TimestamptzArrayOID, `{"2023-11-14 22:13:20.123456+00","2023-11-14 22:13:21+00"}`, []any{utc("2023-11-14T22:13:20.123456Z"), utc("2023-11-14T22:13:21Z")}},
		{"select [date '2020-01-02']", pgtype.DateArrayOID, "{2020-01-02}", []any{utc("2020-01-02T00:00:00Z")}},
		{"select []::varchar[]", pgtype.TextArrayOID, "{}", []any{}},
		{"select [[1], [2, 3]]", pgtype.JSONOID, "[[1],[2,3]]", []any{[]any{1.0}, []any{2.0, 3.0}}},
		{"select {'a': 1, 'b': ['x']}", pgtype.JSONOID, `{"a":1,"b":["x"]}`, map[string]any{"a": 1.0, "b": []any{"x"}}},
		{"select map {'x': 1.5}", pgtype.JSONOID, `{"x":"1.5"}`, map[string]any{"x": "1.5"}},
		{"select interval '14 months 3 days 01:02:03.5'", pgtype.IntervalOID, "14 mons 3 days 01:02:03.5", "14 mon 3 day 01:02:03.500000"},
		{"select time '01:02:03.25'", pgtype.TimeOID, "01:02:03.25", "01:02:03.250000"},
		{"select cast('6b86b273-ff34-4ce1-9d6b-804eff5a3f57' as uuid)", pgtype.UUIDOID, "6b86b273-ff34-4ce1-9d6b-804eff5a3f57", "6b86b273-ff34-4ce1-9d6b-804eff5a3f57"},
		{"select from_hex('00ff10')", pgtype.ByteaOID, `\x00ff10`, []byte{0, 0xff, 0x10}},
		{"select null::bigint", pgtype.Int8OID, "", nil},
		{"select 170141183460469231731687303715884105727::hugeint", pgtype.NumericOID, "170141183460469231731687303715884105727", "170141183460469231731687303715884105727"},
	} {
		r, err := c.PgConn().Exec(ctx, q.sql).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
			continue
		}
		if f := r[0].FieldDescriptions[0]; f.DataTypeOID != q.oid || string(r[0].Rows[0][0]) != q.text || (q.want == nil) != (r[0].Rows[0][0] == nil) {
			t.Errorf("%s: type %d, %q", q.sql, f.DataTypeOID, r[0].Rows[0][0])
		}
		rows, err := c.Query(ctx, q.sql, pgx.QueryResultFormats{pgx.BinaryFormatCode})
		must(t, err)
		rows.Next()
		values, err := rows.Values()
		rows.Close()
		if err != nil || rows.Err() != nil {
			t.Errorf("%s: binary: %v %v", q.sql, err, rows.Err())
			continue
		}
		if got := plain(values[0]); !reflect.DeepEqual(got, q.want) && fmt.Sprint(got) != fmt.Sprint(q.want) {
			t.Errorf("%s: binary: %#v, want %#v", q.sql, got, q.want)
		}
	}
	var modifier int32
	rows, err := c.Query(ctx, "select revenue from orders")
	must(t, err)
	modifier = rows.FieldDescriptions()[0].TypeModifier
	rows.Close()
	if modifier != 18<<16|4+4 {
		t.Errorf("modifier %d", modifier)
	}
}

// plain makes values of the driver comparable.
func plain(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.UTC()
	case [16]byte:
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	case interface{ Value() (any, error) }:
		x, err := v.Value()
		if err != nil {
			return err
		}
		return x
	case pgtype.Numeric:
		x, err := v.Value()
		if err != nil {
			return err
		}
		return x
	case pgtype.Interval:
		x, err := v.Value()
		if err != nil {
			return err
		}
		return x
	case pgtype.Time:
		x, err := v.Value()
		if err != nil {
			return err
		}
		return x
	}
	return v
}

// TestParameters: of every type, as drivers send them: with and without a type of their own, as text and binary.
func TestParameters(t *testing.T) {
	e := serve(t, duckstore.Limits{}, nil)
	c := e.connect(t, "")
	ctx := context.Background()
	at := time.Date(2023, 11, 14, 22, 13, 20, 123456000, time.UTC)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		for _, q := range []struct {
			sql  string
			args []any
			want int64
		}{
			{"select count(*) from events where ts = $1", []any{at}, 1},
			{"select count(*) from events where ts between $1 and $2 and name like $3", []any{at, at.Add(time.Second), "%Up"}, 1},
			{"select count(*) from orders where revenue = $1::numeric and profile_id = $2", []any{"12.5", int64(1)}, 1},
			{"select count(*) from events where profile_id in ($1, $2)", []any{int64(1), int64(2)}, 2},
			{"select count(*) from ad_spend where date = $1::date and clicks = $2::bigint", []any{time.Date(2022, 1, 8, 0, 0, 0, 0, time.UTC), int64(9007199254740993)}, 1},
			{"select count(*) from (select 1 from events limit $1 offset $2)", []any{int64(1), int64(1)}, 1},
			{"select $1::bigint", []any{int64(-5)}, -5},
			{"select count(*) from events where coalesce($1::text, name) = name", []any{nil}, 2},
			{"select count(*) where $1::boolean and $2::double > 1.4", []any{true, 1.5}, 1},
		} {
			if mode == pgx.QueryExecModeExec && q.args[0] == nil {
				continue
			}
			var got int64
			if err := c.QueryRow(ctx, q.sql, append([]any{mode}, q.args...)...).Scan(&got); err != nil || got != q.want {
				t.Errorf("%v: %s: %d, %v", mode, q.sql, got, err)
			}
		}
	}
	var n int64
	must(t, c.QueryRow(ctx, "select count(*) from events where name = any($1::text[]) and profile_id = any($2::bigint[])", []string{"Signed Up", "x"}, []int64{1}).Scan(&n))
	if n != 1 {
		t.Errorf("lists: %d", n)
	}
	// What a text does not say is text, and then the value may be anything.
	var s string
	must(t, c.QueryRow(ctx, "select $1", "x").Scan(&s))
	if s != "x" {
		t.Error(s)
	}
	if _, err := c.Exec(ctx, "select $2", "x"); err == nil {
		t.Error("a gap in the parameters")
	}
	if _, err := c.PgConn().ExecParams(ctx, "select $1::bigint", [][]byte{[]byte("x")}, []uint32{pgtype.Int8OID}, nil, nil).Close(); stateOf(err) != "22P02" {
		t.Errorf("not a number: %v", err)
	}
}
