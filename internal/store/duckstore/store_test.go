package duckstore_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

var update = flag.Bool("update", false, "write the golden files anew")

func open(t testing.TB, path string) *duckstore.Store {
	t.Helper()
	s, err := duckstore.Open(context.Background(), duckstore.Options{Path: path, BaseCurrency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) *duckstore.Store {
	return open(t, filepath.Join(t.TempDir(), "columns.duckdb"))
}

func apply(t testing.TB, s *duckstore.Store, first uint64, changes ...clientele.Change) {
	t.Helper()
	if err := s.Apply(context.Background(), first, changes); err != nil {
		t.Fatal(err)
	}
}

// row makes a row of the table from named values; the rest is null.
func row(table string, values map[string]any) []any {
	tab := clientele.TableNamed(table)
	out := make([]any, len(tab.Columns))
	for name, v := range values {
		out[tab.Column(name)] = v
	}
	return out
}

func rows(table string, list ...map[string]any) clientele.TableRows {
	tr := clientele.TableRows{Table: table}
	for _, v := range list {
		tr.Upsert = append(tr.Upsert, row(table, v))
	}
	return tr
}

func query(t testing.TB, s *duckstore.Store, sql string, params ...any) [][]any {
	t.Helper()
	res, err := s.Query(context.Background(), sql, params, duckstore.Limits{})
	if err != nil {
		t.Fatalf("%s: %v (%s)", sql, err, clientele.ErrorHint(err))
	}
	return res.Rows
}

func digests(t testing.TB, s *duckstore.Store) map[string]string {
	t.Helper()
	d, err := s.Digests(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGoldenDDL fixes the tables and views that data directories and analysts rely on.
func TestGoldenDDL(t *testing.T) {
	got := duckstore.GoldenDDL(map[string][]clientele.Promotion{"events": {
		{Table: "events", JSON: `odd "key" of 'ours'`, Column: "odd_key", Type: clientele.TypeText},
		{Table: "events", JSON: "n", Column: "n", Type: clientele.TypeBigint},
		{Table: "events", JSON: "f", Column: "f", Type: clientele.TypeDouble},
		{Table: "events", JSON: "b", Column: "b", Type: clientele.TypeBool},
		{Table: "events", JSON: "t", Column: "t", Type: clientele.TypeTime},
		{Table: "events", JSON: "d", Column: "d", Type: clientele.TypeDate},
		{Table: "events", JSON: "m", Column: "m", Type: clientele.TypeDecimal},
		{Table: "events", JSON: "j", Column: "j", Type: clientele.TypeJSON},
		{Table: "events", JSON: "*", Column: "star", Type: clientele.TypeText},
	}}, "EUR")
	const path = "testdata/ddl.sql"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Fatalf("line %d is\n%s\nwas\n%s", i+1, g[i], w[i])
			}
		}
		t.Fatalf("%d lines, were %d", len(g), len(w))
	}
}

func TestApplyIsIdempotent(t *testing.T) {
	s := fresh(t)
	ctx := context.Background()
	order := func(id string, revenue int64) clientele.TableRows {
		return rows("orders", map[string]any{"source": "shop", "order_id": id, "anchor_id": int64(8193), "profile_id": int64(8193),
			"ts": int64(1_700_000_000_000_000), "revenue": revenue * 10_000, "currency": "EUR"})
	}
	changes := []clientele.Change{
		{Position: 10, Tables: []clientele.TableRows{order("a", 1), rows("events", map[string]any{"source": "w", "event_id": "e1", "ts": int64(1)})}},
		{Position: 11, Tables: []clientele.TableRows{order("a", 2), order("b", 5)}},
		{Position: 13, Tables: []clientele.TableRows{order("c", 7), {Table: "orders", Delete: [][]any{{"shop", "b"}}}}},
		{Position: 14, Tables: []clientele.TableRows{rows("events", map[string]any{"source": "w", "event_id": "e2", "ts": int64(2)})},
			Moved: []clientele.Moved{{Anchor: 8193, Profile: 77}}},
	}
	apply(t, s, 1, changes[:2]...)
	apply(t, s, 1, changes[:3]...) // overlaps
	apply(t, s, 4, changes[3])
	before := digests(t, s)
	for first := uint64(1); first <= 4; first++ {
		for last := first; last <= 4; last++ {
			apply(t, s, first, changes[first-1:last]...)
		}
	}
	if after := digests(t, s); !maps.Equal(before, after) {
		t.Errorf("sending again changed %v to %v", before, after)
	}
	if got := query(t, s, "select order_id, revenue, profile_id from orders order by 1"); !reflect.DeepEqual(got, [][]any{{"a", "2", int64(77)}, {"c", "7", int64(77)}}) {
		t.Errorf("orders are %v", got)
	}
	if n, pos, err := s.Position(ctx); n != 4 || pos != 14 || err != nil {
		t.Errorf("position is %d, %d, %v", n, pos, err)
	}
	if err := s.Apply(ctx, 6, changes[:1]); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a gap gave %v", err)
	}
	if err := s.Apply(ctx, 0, changes[:1]); err != nil {
		t.Errorf("number 0 was applied long ago: %v", err)
	}

	one := fresh(t) // all at once is the same as one by one
	apply(t, one, 1, changes...)
	if got := digests(t, one); !maps.Equal(before, got) {
		t.Errorf("at once gives %v, one by one %v", got, before)
	}
}

func TestApplyRefuses(t *testing.T) {
	s := fresh(t)
	good := clientele.Change{Position: 1, Tables: []clientele.TableRows{rows("profiles", map[string]any{"profile_id": int64(5)})}}
	for name, ch := range map[string]clientele.Change{
		"table":         {Tables: []clientele.TableRows{{Table: "nope"}}},
		"short row":     {Tables: []clientele.TableRows{{Table: "orders", Upsert: [][]any{{"x"}}}}},
		"short key":     {Tables: []clientele.TableRows{{Table: "orders", Delete: [][]any{{"x"}}}}},
		"type":          {Tables: []clientele.TableRows{rows("orders", map[string]any{"order_id": int64(4)})}},
		"early time":    {Tables: []clientele.TableRows{rows("orders", map[string]any{"ts": int64(clientele.MinTime) - 1})}},
		"late time":     {Tables: []clientele.TableRows{rows("orders", map[string]any{"ts": int64(1<<63 - 1)})}},
		"date":          {Tables: []clientele.TableRows{rows("ad_spend", map[string]any{"date": int64(1 << 40)})}},
		"amount":        {Tables: []clientele.TableRows{rows("orders", map[string]any{"revenue": int64(clientele.MaxDecimal) + 1})}},
		"uint64":        {Tables: []clientele.TableRows{rows("profiles", map[string]any{"profile_id": uint64(1 << 63)})}},
		"anchor 0":      {Moved: []clientele.Moved{{Anchor: 0, Profile: 3}}},
		"promotion":     {Promoted: []clientele.Promotion{{Table: "orders", JSON: "a", Column: "a", Type: clientele.TypeText}}},
		"own column":    {Promoted: []clientele.Promotion{{Table: "events", JSON: "a", Column: "Source", Type: clientele.TypeText}}},
		"promoted type": {Promoted: []clientele.Promotion{{Table: "events", JSON: "a", Column: "a", Type: 99}}},
	} {
		if err := s.Apply(context.Background(), 1, []clientele.Change{good, ch}); err == nil || clientele.ErrorCode(err) == clientele.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, _, _ := s.Position(context.Background()); n != 0 || len(query(t, s, "from profiles")) != 0 {
		t.Error("half of a refused call was applied")
	}
	for v, ok := range map[any]bool{int64(clientele.MaxTime): true, int64(clientele.MinTime): true} {
		apply(t, s, 1, clientele.Change{Tables: []clientele.TableRows{rows("orders", map[string]any{"ts": v, "revenue": int64(clientele.MaxDecimal)})}})
		if !ok {
			t.Error(v)
		}
	}
}

// A change that an earlier version of the program wrote has no values for columns that were added since.
func TestApplyShorterRows(t *testing.T) {
	s := fresh(t)
	whole := row("profiles", map[string]any{"profile_id": int64(5), "source": "web"})
	apply(t, s, 1, clientele.Change{Tables: []clientele.TableRows{{Table: "profiles", Upsert: [][]any{whole[:len(whole)-1]}}}})
	if got := query(t, s, "select source, predictions from profiles"); len(got) != 1 || got[0][0] != "web" || got[0][1] != nil {
		t.Errorf("%v", got)
	}
	short := clientele.Change{Tables: []clientele.TableRows{{Table: "profiles", Upsert: [][]any{whole[:len(whole)-2]}}}}
	if err := s.Apply(context.Background(), 2, []clientele.Change{short}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a row without a column that every version has: %v", err)
	}
}

func TestRevenueBase(t *testing.T) {
	s := fresh(t)
	const day = int64(86_400_000_000)
	o := func(id string, ts int64, revenue any, currency any) map[string]any {
		return map[string]any{"source": "s", "order_id": id, "ts": ts, "revenue": revenue, "currency": currency, "revenue_base": int64(1)}
	}
	rate := func(source string, days int64, currency string, rate any) map[string]any {
		return map[string]any{"source": source, "date": days, "currency": currency, "rate": rate}
	}
	apply(t, s, 1, clientele.Change{Tables: []clientele.TableRows{
		rows("fx_rates", rate("ecb", 100, "USD", 0.5), rate("bank", 100, "USD", 0.25), rate("a", 100, "USD", nil),
			rate("ecb", 101, "USD", 0.8), rate("ecb", -1, "THB", 0.027), rate("ecb", 100, "HUGE", 1e30)),
		rows("orders",
			o("base", 100*day, int64(123_400), "EUR"), o("none", 100*day, int64(10_000), nil),
			o("first source", 100*day, int64(100_000), "USD"), o("last moment", 101*day-1, int64(100_000), "USD"),
			o("next day", 101*day, int64(100_000), "USD"), o("no rate", 102*day, int64(100_000), "USD"), o("before 1970", -1, int64(1_000_000), "THB"),
			o("too large", 100*day, int64(100_000), "HUGE"), o("negative", 100*day, int64(-5_000), "USD"), o("null", 100*day, nil, "USD")),
	}})
	want := [][]any{{"base", "12.34"}, {"before 1970", "2.7"}, {"first source", "2.5"}, {"last moment", "2.5"}, {"negative", "-0.125"},
		{"next day", "8"}, {"no rate", nil}, {"none", "1"}, {"null", nil}, {"too large", nil}}
	if got := query(t, s, "select order_id, revenue_base from orders order by 1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := query(t, s, "select typeof(revenue_base), count(*) from orders group by 1"); !reflect.DeepEqual(got, [][]any{{"DECIMAL(18,4)", int64(10)}}) {
		t.Errorf("type %v", got)
	}
}

func TestPromotion(t *testing.T) {
	s := fresh(t)
	keys := []string{"a", "", "*", "$x", "/y", `q"uo`, `back\slash`, "it's", "a.b", "0", "#", "é\n", `\"`, "$.a", "[0]", "a*", "$", `"`, "?"}
	event := func(id, properties string) clientele.TableRows {
		return rows("events", map[string]any{"source": "w", "event_id": id, "ts": int64(1), "properties": properties})
	}
	all := "{"
	for i, k := range keys {
		if i > 0 {
			all += ","
		}
		all += fmt.Sprintf("%s:%d", jsonString(k), i+1)
	}
	all += "}"
	var escaped strings.Builder // the same object, as another program may write it
	for _, r := range all {
		if r == 'a' || r == 'é' {
			fmt.Fprintf(&escaped, `\u%04x`, r)
		} else {
			escaped.WriteRune(r)
		}
	}
	apply(t, s, 1, clientele.Change{Tables: []clientele.TableRows{event("old", all), event("older", escaped.String()), event("oldest", `{"b":1}`)}})
	var promoted []clientele.Promotion
	for i, k := range keys {
		promoted = append(promoted, clientele.Promotion{Table: "events", JSON: k, Column: fmt.Sprintf("p%d", i), Type: clientele.TypeBigint})
	}
	apply(t, s, 2, clientele.Change{Promoted: promoted, Tables: []clientele.TableRows{event("same", all)}})
	apply(t, s, 3, clientele.Change{Promoted: promoted[:2], Tables: []clientele.TableRows{event("new", all)}})
	for i, k := range keys {
		got := query(t, s, fmt.Sprintf("select p%d from events order by event_id", i)) // new, old, older, oldest, same
		if n := int64(i + 1); !reflect.DeepEqual(got, [][]any{{n}, {n}, {n}, {nil}, {n}}) {
			t.Errorf("key %q gives %v, want %d", k, got, n)
		}
	}
	err := s.Apply(context.Background(), 4, []clientele.Change{{Promoted: []clientele.Promotion{{Table: "events", JSON: "z", Column: "P0", Type: clientele.TypeText}}}})
	if clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a taken column gave %v", err)
	}
}

// TestPromotionSince: rows from before a property was first seen are not looked at, and all are where that is not known.
func TestPromotionSince(t *testing.T) {
	event := func(pos clientele.Position, id string) clientele.Change {
		return clientele.Change{Position: pos, Tables: []clientele.TableRows{rows("events", map[string]any{"source": "w", "event_id": id, "ts": int64(1), "properties": `{"n":1}`})}}
	}
	promotion := func(column string, since clientele.Position) clientele.Promotion {
		return clientele.Promotion{Table: "events", JSON: "n", Column: column, Type: clientele.TypeBigint, Since: since}
	}
	for _, c := range []struct {
		what     string
		promoted []clientele.Promotion
		want     string // a at position 3, b at 5, c at 6
	}{
		{"at once", []clientele.Promotion{promotion("n", 6)}, "[[<nil>] [<nil>] [1]]"},
		{"with the first row", []clientele.Promotion{promotion("n", 5)}, "[[<nil>] [1] [1]]"},
		{"the earliest of several", []clientele.Promotion{promotion("late", 6), promotion("n", 4), promotion("later", 6)}, "[[<nil>] [1] [1]]"},
		{"not known", []clientele.Promotion{promotion("n", 0)}, "[[1] [1] [1]]"},
		{"not known of another", []clientele.Promotion{promotion("n", 6), promotion("other", 0)}, "[[1] [1] [1]]"},
	} {
		s := fresh(t)
		last := event(6, "c")
		last.Promoted = c.promoted
		apply(t, s, 1, event(3, "a"), clientele.Change{Position: 3})
		apply(t, s, 3, event(5, "b"))
		apply(t, s, 4, last)
		if got := fmt.Sprint(query(t, s, "select n from events order by event_id")); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		again := clientele.Change{Position: 7, Promoted: []clientele.Promotion{promotion("n", 7)}}
		apply(t, s, 5, again) // the same column, whatever is said of its beginning
	}
}

// TestPromotionOfWhatIsComputed: rows from before get what is computed and predicted of them, too.
func TestPromotionOfWhatIsComputed(t *testing.T) {
	s := fresh(t)
	apply(t, s, 1, clientele.Change{Tables: []clientele.TableRows{rows("profiles",
		map[string]any{"profile_id": int64(1), "computed": `{"visits":3}`, "predictions": `{"churn":{"p":0.5}}`},
		map[string]any{"profile_id": int64(2), "computed": `{"others":3}`, "predictions": `{"other":{"p":0.5}}`})}})
	apply(t, s, 2, clientele.Change{Promoted: []clientele.Promotion{
		{Table: "profiles", JSON: clientele.ComputedJSON("visits"), Column: "c", Type: clientele.TypeBigint},
		{Table: "profiles", JSON: clientele.PredictionJSON("churn.p"), Column: "p", Type: clientele.TypeDouble}}})
	if got := fmt.Sprint(query(t, s, "select c, p from profiles order by profile_id")); got != "[[3 0.5] [<nil> <nil>]]" {
		t.Error(got)
	}
}

// TestPromotionSurvivesCrash: what a process that died leaves behind, the file and the WAL beside
// it, opens again after promotions of every type.
func TestPromotionSurvivesCrash(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "columns.duckdb")
	s := open(t, path)
	promoted := clientele.Change{}
	for i := clientele.TypeText; i <= clientele.TypeJSON; i++ {
		promoted.Promoted = append(promoted.Promoted, clientele.Promotion{Table: "events", JSON: "n", Column: fmt.Sprintf("n%d", i), Type: i})
	}
	apply(t, s, 1, crashChange(1), promoted, crashChange(3))
	want := digests(t, s)
	left := filepath.Join(dir, "left.duckdb")
	for from, to := range map[string]string{path: left, path + ".wal": left + ".wal"} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, left)
	if got := digests(t, again); !maps.Equal(got, want) {
		t.Errorf("digests were %v and are %v", want, got)
	}
	if got := fmt.Sprint(query(t, again, "SELECT n1, n2 FROM events ORDER BY event_id")); got != "[[1 1] [3 3]]" {
		t.Errorf("promoted values are %s", got)
	}
}

func jsonString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func TestPromotedTypes(t *testing.T) {
	values := []string{`1`, `1.5`, `"12"`, `"x"`, `true`, `"true"`, `null`, `"2024-02-03T04:05:06.789Z"`, `"2024-02-03T04:05:06+07:00"`, `"2024-02-03"`, `"infinity"`, `"nan"`,
		`"9999-01-01"`, `1e400`, `{"a":1}`, `9007199254740993`, `"0.00005"`, `99999999999999999999`}
	types := map[string]clientele.ColumnType{"text": clientele.TypeText, "bigint": clientele.TypeBigint, "double": clientele.TypeDouble,
		"bool": clientele.TypeBool, "time": clientele.TypeTime, "date": clientele.TypeDate, "decimal": clientele.TypeDecimal}
	want := map[string]map[string]any{
		`1`:                           {"text": "1", "bigint": int64(1), "double": 1.0, "bool": true, "decimal": "1"},
		`1.5`:                         {"text": "1.5", "double": 1.5, "decimal": "1.5"},
		`"12"`:                        {"text": "12", "bigint": int64(12), "double": 12.0, "decimal": "12"},
		`"x"`:                         {"text": "x"},
		`true`:                        {"text": "true", "bool": true},
		`"true"`:                      {"text": "true", "bool": true},
		`null`:                        {},
		`"2024-02-03T04:05:06.789Z"`:  {"text": "2024-02-03T04:05:06.789Z", "time": "2024-02-03T04:05:06.789000Z", "date": "2024-02-03"},
		`"2024-02-03T04:05:06+07:00"`: {"text": "2024-02-03T04:05:06+07:00", "time": "2024-02-02T21:05:06.000000Z", "date": "2024-02-03"},
		`"2024-02-03"`:                {"text": "2024-02-03", "time": "2024-02-03T00:00:00.000000Z", "date": "2024-02-03"},
		`"infinity"`:                  {"text": "infinity"},
		`"nan"`:                       {"text": "nan"},
		`"9999-01-01"`:                {"text": "9999-01-01"},
		`1e400`:                       {"text": "1e400"},
		`{"a":1}`:                     {"text": `{"a":1}`},
		`9007199254740993`:            {"text": "9007199254740993", "bigint": "9007199254740993", "double": 9007199254740992.0},
		`"0.00005"`:                   {"text": "0.00005", "double": 0.00005, "decimal": "0.0001"},
		`99999999999999999999`:        {"text": "99999999999999999999", "double": 1e20},
	}
	s := fresh(t)
	change := func(prefix string) (ch clientele.Change) {
		for i, v := range values {
			ch.Tables = append(ch.Tables, rows("profiles", map[string]any{"profile_id": int64(i + 1), "source": prefix, "traits": `{"k":` + v + `}`}))
		}
		return ch
	}
	apply(t, s, 1, change("old"))
	var promote clientele.Change
	for name, typ := range types {
		promote.Promoted = append(promote.Promoted, clientele.Promotion{Table: "profiles", JSON: "k", Column: "k_" + name, Type: typ})
	}
	apply(t, s, 2, promote)
	check := func(when string) {
		for name := range types {
			for i, r := range query(t, s, "select k_"+name+" from profiles order by profile_id") {
				if !reflect.DeepEqual(r[0], want[values[i]][name]) {
					t.Errorf("%s: %s as %s is %v, want %v", when, values[i], name, r[0], want[values[i]][name])
				}
			}
		}
	}
	check("old rows")
	before := digests(t, s)["profiles"]
	apply(t, s, 3, change("old")) // the same rows again, filled when appended
	check("new rows")
	if after := digests(t, s)["profiles"]; before != after {
		t.Errorf("backfilled %s, appended %s", before, after)
	}
}

func TestJSONSurvives(t *testing.T) {
	s := fresh(t)
	for i, c := range []struct{ in, key, want string }{
		{`{"a":"\ud83d\ude00"}`, "a", "😀"},
		{`{"a":"x\ud800y"}`, "a", "x\uFFFDy"},
		{`{"a":"\uDC00\uD800"}`, "a", "\uFFFD\uFFFD"},
		{`{"a":"\\ud800"}`, "a", `\ud800`},
		{`{"a":"quote \" and 'tick'"}`, "a", `quote " and 'tick'`},
		{"{\"a\":\"\xff\"}", "a", "\uFFFD"},
		{`{"a":123456789012345678901234567890}`, "a", "123456789012345678901234567890"},
	} {
		n := int64(i + 1)
		apply(t, s, uint64(n), clientele.Change{Tables: []clientele.TableRows{rows("profiles", map[string]any{"profile_id": n, "traits": c.in})}})
		if got := query(t, s, "select traits->>'a' from profiles where profile_id = $1", n); got[0][0] != c.want {
			t.Errorf("%s gives %q", c.in, got[0][0])
		}
	}
	apply(t, s, 8, clientele.Change{Tables: []clientele.TableRows{rows("profiles", map[string]any{"profile_id": int64(99), "traits": `{broken`})}})
	if got := query(t, s, "select traits from profiles where profile_id = 99"); got[0][0] != `"{broken"` {
		t.Errorf("what is not JSON is kept as %v", got[0][0])
	}
}
