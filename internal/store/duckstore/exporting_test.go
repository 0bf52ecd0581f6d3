package duckstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/store/duckstore"
)

// exported reads a selection whole, checking that pages are in order and bounded.
func exported(t testing.TB, s *duckstore.Store, sel clientele.Selection) (clientele.ExportHead, []clientele.ExportPage) {
	t.Helper()
	var head clientele.ExportHead
	var pages []clientele.ExportPage
	err := s.Export(context.Background(), sel, func(h clientele.ExportHead) error { head = h; return nil },
		func(p clientele.ExportPage) error { pages = append(pages, p); return nil })
	if err != nil {
		t.Fatalf("%+v: %v", sel, err)
	}
	var n int64
	for _, p := range pages {
		n += int64(len(p.Rows))
	}
	if n != head.Rows {
		t.Fatalf("%+v: %d rows came, %d were announced", sel, n, head.Rows)
	}
	return head, pages
}

// idsOf are the values of the column in all pages.
func idsOf(head clientele.ExportHead, pages []clientele.ExportPage, column string) []string {
	i := slices.IndexFunc(head.Columns, func(c clientele.ExportColumn) bool { return c.Name == column })
	var out []string
	for _, p := range pages {
		for _, r := range p.Rows {
			out = append(out, fmt.Sprint(r[i]))
		}
	}
	return out
}

// TestExportPages: whatever the keys are, null, equal or far apart, every row comes once, and an
// export that goes on behind any page gives the rest.
func TestExportPages(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s := fresh(t)
	s.CutExports(7, 40)
	orDefault := func(v any) any {
		if rnd.IntN(6) == 0 {
			return nil
		}
		return v
	}
	var ch clientele.Change
	for _, table := range []string{"events", "profiles", "consents", "order_lines", "ad_spend"} {
		tr := clientele.TableRows{Table: table}
		for i := range 150 {
			v := map[string]any{"source": orDefault([]string{"web", "app", "it's"}[rnd.IntN(3)])}
			id := fmt.Sprintf("%s-%d", table, i)
			switch table {
			case "events":
				at := int64(1_700_000_000_000_000) + int64(rnd.IntN(40))*int64(rnd.IntN(3))*1_000_000_000
				v["received_at"], v["event_id"] = orDefault(at), id
			case "profiles":
				v["profile_id"] = int64(i*8192 + 1)
			case "consents":
				v["event_id"], v["purpose"], v["channel"], v["text_version"] = orDefault(fmt.Sprint(rnd.IntN(30))), orDefault(fmt.Sprint(i)), orDefault("email"), id
			case "order_lines":
				v["order_id"], v["line"], v["name"] = fmt.Sprint(rnd.IntN(20)), fmt.Sprint(i), id
			case "ad_spend":
				v["date"], v["platform"], v["campaign"], v["country"] = orDefault(int64(20000+rnd.IntN(10))), "ads", id, orDefault("TH")
			}
			tr.Insert = append(tr.Insert, row(table, v))
		}
		ch.Tables = append(ch.Tables, tr)
	}
	ch.Position = 12
	apply(t, s, 1, ch)
	column := map[string]string{"events": "event_id", "profiles": "profile_id", "consents": "text_version", "order_lines": "name", "ad_spend": "campaign"}
	for table := range column {
		var ids []string // of two with one key in one call the last is there
		for _, r := range query(t, s, "select "+column[table]+" from "+table) {
			ids = append(ids, fmt.Sprint(r[0]))
		}
		slices.Sort(ids)
		head, pages := exported(t, s, clientele.Selection{Table: table})
		if head.Commit != 1 || head.Position != 12 {
			t.Errorf("%s: as of %d, %d", table, head.Commit, head.Position)
		}
		got := idsOf(head, pages, column[table])
		all := slices.Clone(got)
		if slices.Sort(all); !slices.Equal(all, ids) {
			t.Fatalf("%s: %d rows, not the %d there are", table, len(all), len(ids))
		}
		if len(pages) < 8 {
			t.Errorf("%s: %d pages", table, len(pages))
		}
		behind := 0
		for _, p := range pages {
			behind += len(p.Rows)
			rest := idsOf(head, second(exported(t, s, clientele.Selection{Table: table, After: p.Last})), column[table])
			if !slices.Equal(rest, got[behind:]) {
				t.Fatalf("%s: behind %q come %d rows, not %d", table, p.Last, len(rest), len(got)-behind)
			}
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestExportFilters compares what a selection takes with what SQL says.
func TestExportFilters(t *testing.T) {
	s := fresh(t)
	s.CutExports(3, 1000)
	var ch clientele.Change
	ch.Promoted = []clientele.Promotion{{Table: "events", JSON: "price", Column: "price", Type: clientele.TypeDecimal}}
	ev, sp := clientele.TableRows{Table: "events"}, clientele.TableRows{Table: "ad_spend"}
	const day = 86_400_000_000
	for i := range 40 {
		ev.Insert = append(ev.Insert, row("events", map[string]any{"source": []string{"web", "app"}[i%2], "event_id": fmt.Sprint(i), "anchor_id": int64(i + 1), "profile_id": int64(i + 1),
			"ts": int64(1_700_000_000_000_000 + i*day), "received_at": int64(1_700_000_000_000_000 + (40-i)*day), "properties": fmt.Sprintf(`{"price":%d.25}`, i)}))
		sp.Insert = append(sp.Insert, row("ad_spend", map[string]any{"source": "ads", "date": int64(19_000 + i), "platform": "x", "campaign": "c", "country": "TH", "cost": int64(i * 10_000)}))
	}
	ch.Tables = []clientele.TableRows{ev, sp}
	apply(t, s, 1, ch)
	since, until := clientele.Micros(1_700_000_000_000_000+5*day), clientele.Micros(1_700_000_000_000_000+9*day)
	head, pages := exported(t, s, clientele.Selection{Table: "events", Source: "app", Since: since, Until: until, Columns: []string{"price", "event_id", "profile_id"}})
	wantHead := []clientele.ExportColumn{{Name: "price", Type: clientele.TypeDecimal}, {Name: "event_id", Type: clientele.TypeText}, {Name: "profile_id", Type: clientele.TypeBigint}}
	if !reflect.DeepEqual(head.Columns, wantHead) {
		t.Errorf("columns %+v", head.Columns)
	}
	if len(pages) != 1 || !reflect.DeepEqual(pages[0].Rows, [][]any{{int64(72500), "7", int64(8)}, {int64(52500), "5", int64(6)}}) {
		t.Errorf("pages %+v", pages)
	}
	head, pages = exported(t, s, clientele.Selection{Table: "ad_spend", Since: clientele.Micros(19_010 * day), Until: clientele.Micros(19_012 * day)})
	if got := idsOf(head, pages, "date"); !slices.Equal(got, []string{"19010", "19011"}) {
		t.Errorf("days %v", got)
	}
	for _, sel := range []clientele.Selection{{Table: "nothing"}, {Table: "base.moved"}, {Table: "products", Since: 1}, {Table: "events", Columns: []string{"anchor_id"}}, {Table: "events", Columns: []string{"nope"}},
		{Table: "events", Columns: []string{"ts", "ts"}}, {Table: "events", Since: 5, Until: 5}, {Table: "events", After: []string{"x"}}, {Table: "events", After: []string{"x", "y", "z"}}} {
		if err := s.Export(context.Background(), sel, func(clientele.ExportHead) error { return nil }, func(clientele.ExportPage) error { return nil }); clientele.ErrorCode(err) != clientele.Invalid && clientele.ErrorCode(err) != clientele.NotFound {
			t.Errorf("%+v: %v", sel, err)
		}
	}
}

// TestExportBehind: what has changed since an export comes in the next, what has not does not,
// and what a merge has changed comes whether it was folded or not.
func TestExportBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	s := open(t, path)
	order := func(id string, anchor int64) map[string]any {
		return map[string]any{"source": "shop", "order_id": id, "anchor_id": anchor, "profile_id": anchor}
	}
	behind := func(p clientele.Position) string {
		head, pages := exported(t, s, clientele.Selection{Table: "orders", Behind: p})
		return strings.Join(idsOf(head, pages, "order_id"), " ")
	}
	apply(t, s, 1, clientele.Change{Position: 10, Tables: []clientele.TableRows{rows("orders", order("a", 1), order("b", 2), order("c", 3))}})
	if got := behind(0); got != "a b c" {
		t.Fatalf("all: %q", got)
	}
	if got := behind(10); got != "" {
		t.Fatalf("nothing has changed, and yet %q", got)
	}
	apply(t, s, 2, clientele.Change{Position: 11, Tables: []clientele.TableRows{rows("orders", order("d", 4), order("b", 2))}})
	if got := behind(10); got != "b d" {
		t.Fatalf("behind 10: %q", got)
	}
	apply(t, s, 3, clientele.Change{Position: 12, Moved: []clientele.Moved{{Anchor: 3, Profile: 1}}})
	if got := behind(11); got != "c" {
		t.Fatalf("moved: %q", got)
	}
	if err := s.Fold(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := behind(11); got != "c" {
		t.Fatalf("moved and folded: %q", got)
	}
	if got := behind(12); got != "" {
		t.Fatalf("known: %q", got)
	}
}

// TestExportOldFile: a file from before rows knew when they had changed is opened; its rows are old, new
// ones are told apart.
func TestExportOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "columns.duckdb")
	s, err := duckstore.Open(context.Background(), duckstore.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	order := func(id string) clientele.TableRows {
		return rows("orders", map[string]any{"source": "shop", "order_id": id, "anchor_id": int64(1), "profile_id": int64(1)})
	}
	apply(t, s, 1, clientele.Change{Position: 10, Tables: []clientele.TableRows{order("a")}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range clientele.Schema {
		if _, err := db.Exec(`alter table base."` + table.Name + `" drop column "$position"`); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	apply(t, s, 2, clientele.Change{Position: 11, Tables: []clientele.TableRows{order("b")}})
	for behind, want := range map[clientele.Position]string{0: "a b", 5: "b", 10: "b", 11: ""} {
		head, pages := exported(t, s, clientele.Selection{Table: "orders", Behind: behind})
		if got := strings.Join(idsOf(head, pages, "order_id"), " "); got != want {
			t.Errorf("behind %d: %q, not %q", behind, got, want)
		}
	}
}

// TestExportSnapshot: what is applied while an export runs is not in it.
func TestExportSnapshot(t *testing.T) {
	s := fresh(t)
	s.CutExports(5, 10)
	profile := func(i int, seen int64) []any {
		return row("profiles", map[string]any{"profile_id": int64(i), "last_seen": seen})
	}
	ch := clientele.Change{Position: 1, Tables: []clientele.TableRows{{Table: "profiles"}}}
	for i := range 50 {
		ch.Tables[0].Upsert = append(ch.Tables[0].Upsert, profile(i+1, 1_700_000_000_000_000))
	}
	apply(t, s, 1, ch)
	next, n := uint64(2), 0
	err := s.Export(context.Background(), clientele.Selection{Table: "profiles"}, func(clientele.ExportHead) error { return nil }, func(p clientele.ExportPage) error {
		for _, r := range p.Rows {
			if n++; r[2] != int64(1_700_000_000_000_000) {
				t.Errorf("row %v is of a later commit", r)
			}
		}
		ch := clientele.Change{Position: clientele.Position(next), Tables: []clientele.TableRows{{Table: "profiles", Upsert: [][]any{profile(n+10, 1_800_000_000_000_000), profile(1000+n, 1_800_000_000_000_000)}}}}
		apply(t, s, next, ch)
		next++
		return nil
	})
	if err != nil || n != 50 {
		t.Fatalf("%d rows: %v", n, err)
	}
	halt := errors.New("halt")
	if err := s.Export(context.Background(), clientele.Selection{Table: "profiles"}, func(clientele.ExportHead) error { return halt }, nil); err != halt {
		t.Errorf("an error of head became %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = s.Export(ctx, clientele.Selection{Table: "profiles"}, func(clientele.ExportHead) error { return nil }, func(clientele.ExportPage) error { cancel(); return nil })
	if clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("cancelled: %v", err)
	}
	query(t, s, "select 1") // the connection is fit for use again
}
