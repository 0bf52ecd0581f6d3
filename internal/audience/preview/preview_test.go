package preview_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/audience/preview"
	"clientele/internal/store/duckstore"
)

const start = int64(1_700_000_000_000_000)

var at = audience.At{Now: clientele.Micros(start + 100*86_400_000_000)}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func rows(table string, list ...map[string]any) clientele.TableRows {
	def := clientele.TableNamed(table)
	out := clientele.TableRows{Table: table}
	for _, r := range list {
		row := make([]any, len(def.Columns))
		for k, v := range r {
			row[def.Column(k)] = v
		}
		out.Upsert = append(out.Upsert, row)
	}
	return out
}

// seeded is a store with people whose ids are near to each other, and far apart.
func seeded(t testing.TB, seed uint64) (*duckstore.Store, []int64) {
	t.Helper()
	s, err := duckstore.Open(context.Background(), duckstore.Options{Path: filepath.Join(t.TempDir(), "columns.duckdb"), BaseCurrency: "EUR"})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	r := rand.New(rand.NewPCG(seed, 1))
	var ids []int64
	var people, events, orders []map[string]any
	id := int64(0)
	for i := range 300 {
		if id++; r.IntN(20) == 0 {
			id += r.Int64N(1 << 40)
		}
		ids = append(ids, id)
		people = append(people, map[string]any{"profile_id": id, "traits": fmt.Sprintf(`{"country":"%s","score":%d}`, []string{"TH", "DE", "VN"}[r.IntN(3)], r.IntN(100)), "source": "s", "consent": "[]"})
		for n := range r.IntN(4) {
			events = append(events, map[string]any{"source": "w", "event_id": fmt.Sprint(i, "-", n), "anchor_id": id, "profile_id": id, "ts": start + r.Int64N(100*86_400_000_000),
				"name": []string{"Product Viewed", "Order Completed"}[r.IntN(2)], "type": "track", "properties": fmt.Sprintf(`{"price":%d}`, r.IntN(50))})
		}
		if r.IntN(3) == 0 {
			orders = append(orders, map[string]any{"source": "s", "order_id": fmt.Sprint(i), "anchor_id": id, "profile_id": id, "ts": start, "revenue": r.Int64N(1_000_000), "currency": "EUR"})
		}
	}
	orders = append(orders, map[string]any{"source": "s", "order_id": "guest", "anchor_id": int64(0), "ts": start, "revenue": int64(5), "currency": "EUR"})
	must(t, s.Apply(context.Background(), 1, []clientele.Change{{Position: 1, Tables: []clientele.TableRows{rows("profiles", people...), rows("events", events...), rows("orders", orders...)}}}))
	return s, ids
}

func engine(t testing.TB, s preview.Columns, memory int64) *preview.Engine {
	e := preview.New(s, memory)
	t.Cleanup(e.Close)
	return e
}

func parse(t testing.TB, text string) audience.Condition {
	t.Helper()
	c, err := audience.Parse([]byte(text))
	must(t, err)
	return c
}

const (
	thai   = `{"trait":"country","op":"eq","value":"TH"}`
	good   = `{"trait":"score","op":"gte","value":50}`
	buyer  = `{"event":"Order Completed","within":"60d"}`
	viewed = `{"event":"Product Viewed","where":[{"property":"price","op":"gt","value":10}],"count":{"op":"gte","value":2}}`
	never  = `{"event":"Order Completed","count":{"op":"eq","value":0}}`
)

var definitions = []string{thai, good, buyer, viewed, never, `{"not":` + thai + `}`, `{"and":[` + thai + `,` + good + `,{"not":` + buyer + `}]}`, `{"or":[` + viewed + `,` + never + `]}`,
	`{"and":[{"or":[` + thai + `,` + buyer + `]},{"not":{"and":[` + good + `,` + viewed + `]}}]}`, `{"not":{"not":` + never + `}}`, `{"sequence":[{"event":"Product Viewed"},{"event":"Order Completed"}]}`}

// members asks the store itself.
func members(t testing.TB, s *duckstore.Store, c audience.Condition) (ids []int64) {
	t.Helper()
	must(t, s.Numbers(context.Background(), audience.Schema{}.Members(c, at), func(row []int64) error { ids = append(ids, row[0]); return nil }))
	slices.Sort(ids)
	return ids
}

// TestPreview: the same members and the same money as in one query of all.
func TestPreview(t *testing.T) {
	for seed := range uint64(3) {
		s, ids := seeded(t, seed)
		e := engine(t, s, 0)
		for _, text := range definitions {
			c := parse(t, text)
			want := members(t, s, c)
			got, err := e.Preview(context.Background(), audience.Schema{}, c, at)
			must(t, err)
			if got.Count != int64(len(want)) || got.Total != int64(len(ids)) {
				t.Errorf("%s: %d of %d, want %d of %d", text, got.Count, got.Total, len(want), len(ids))
			}
			for i, id := range got.Sample {
				if int64(id) != want[i] {
					t.Errorf("%s: the %dth is %d, want %d", text, i, id, want[i])
				}
			}
			var money, all int64
			sum := "select coalesce(cast(sum(revenue_base) * 10000 as bigint), 0) from orders where profile_id is not null"
			must(t, s.Numbers(context.Background(), sum+" and profile_id in ("+audience.Schema{}.Members(c, at)+")", func(row []int64) error { money = row[0]; return nil }))
			must(t, s.Numbers(context.Background(), sum, func(row []int64) error { all = row[0]; return nil }))
			if int64(got.Revenue) != money || got.RevenueShare != float64(money)/float64(all) {
				t.Errorf("%s: revenue %d, want %d of %d", text, got.Revenue, money, all)
			}
		}
	}
}

// TestEdit: an edit asks for one leaf; a new commit for all.
func TestEdit(t *testing.T) {
	s, ids := seeded(t, 7)
	e := engine(t, s, 0)
	ask := func(text string, leaves, computed int) *preview.Result {
		t.Helper()
		r, err := e.Preview(context.Background(), audience.Schema{}, parse(t, text), at)
		must(t, err)
		if r.Leaves != leaves || r.Computed != computed {
			t.Errorf("%s: %d of %d leaves were asked for, want %d of %d", text, r.Computed, r.Leaves, computed, leaves)
		}
		return r
	}
	ask(`{"and":[`+thai+`,`+good+`,`+buyer+`]}`, 3, 3)
	ask(`{"and":[`+thai+`,`+good+`,`+buyer+`]}`, 3, 0)
	r := ask(`{"and":[`+thai+`,`+good+`,`+viewed+`]}`, 3, 1)
	ask(`{"or":[{"not":`+thai+`},`+buyer+`]}`, 2, 0)
	if len(r.Parts) != 3 || r.Parts[0].Count != int64(len(members(t, s, parse(t, thai)))) || r.Parts[0].Alone != int64(len(members(t, s, parse(t, `{"and":[`+good+`,`+viewed+`]}`)))) {
		t.Errorf("parts %+v", r.Parts)
	}
	before := ask(thai, 1, 0)
	must(t, s.Apply(context.Background(), 2, []clientele.Change{{Position: 2, Tables: []clientele.TableRows{rows("profiles", map[string]any{"profile_id": ids[len(ids)-1] + 5, "traits": `{"country":"TH"}`, "source": "s", "consent": "[]"})}}}))
	if after := ask(thai, 1, 1); after.Count != before.Count+1 || after.Total != before.Total+1 || after.Commit != 2 {
		t.Errorf("after a commit: %+v", after)
	}
	// With memory for one set only, the others are asked for again.
	small := engine(t, s, 1)
	for range 2 {
		r, err := small.Preview(context.Background(), audience.Schema{}, parse(t, `{"and":[`+thai+`,`+good+`]}`), at)
		must(t, err)
		if r.Computed == 0 {
			t.Error("a set was kept beyond the memory")
		}
	}
}

func TestOverlap(t *testing.T) {
	s, _ := seeded(t, 9)
	e := engine(t, s, 0)
	var list []audience.Condition
	for _, text := range definitions {
		list = append(list, parse(t, text))
	}
	o, err := e.Overlaps(context.Background(), audience.Schema{}, list, at)
	must(t, err)
	for i, a := range list {
		for j, b := range list {
			if want := len(members(t, s, audience.And{a, b})); o.Common[i][j] != int64(want) || i == j && o.Counts[i] != int64(want) {
				t.Errorf("%s with %s: %d, want %d", definitions[i], definitions[j], o.Common[i][j], want)
			}
		}
	}
	if o.Any != int64(len(members(t, s, audience.Or(list)))) || o.All != int64(len(members(t, s, audience.And(list)))) {
		t.Errorf("any %d, all %d", o.Any, o.All)
	}
	if _, err := e.Overlaps(context.Background(), audience.Schema{}, nil, at); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("of none: %v", err)
	}
}

// TestSuperseded: a newer preview of the same editor ends the one before, and no other.
func TestSuperseded(t *testing.T) {
	s, _ := seeded(t, 1)
	e := engine(t, s, 0)
	first, done1 := e.Edit(context.Background(), "ann")
	other, done2 := e.Edit(context.Background(), "bob")
	second, done3 := e.Edit(context.Background(), "ann")
	if first.Err() == nil || other.Err() != nil || second.Err() != nil {
		t.Error("the wrong one was ended")
	}
	if _, err := e.Preview(first, audience.Schema{}, parse(t, thai), at); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a preview that was superseded: %v", err)
	}
	done1()
	if third, done := e.Edit(context.Background(), "ann"); second.Err() == nil || third.Err() != nil {
		t.Error("the end of the first has let go of the second")
	} else {
		done()
	}
	done2()
	done3()
}

// watched tells of each query that is asked.
type watched struct {
	preview.Columns
	asked func()
}

func (w *watched) Snapshot(ctx context.Context, fn func(uint64, func(string, func([]int64) error) error) error) error {
	return w.Columns.Snapshot(ctx, func(commit uint64, numbers func(string, func([]int64) error) error) error {
		return fn(commit, func(query string, row func([]int64) error) error {
			w.asked()
			return numbers(query, row)
		})
	})
}

// TestProgress: who waits for a preview is told how many of its conditions are counted.
func TestProgress(t *testing.T) {
	s, _ := seeded(t, 3)
	w := &watched{Columns: s}
	e := engine(t, w, 0)
	seen := map[int]bool{}
	w.asked = func() {
		if done, of, running := e.Progress("ann"); running && of == 3 {
			seen[done] = true
		}
	}
	ctx, done := e.Edit(context.Background(), "ann")
	_, err := e.Preview(ctx, audience.Schema{}, parse(t, `{"and":[`+thai+`,`+good+`,`+buyer+`]}`), at)
	must(t, err)
	if !seen[0] || !seen[1] || !seen[2] || len(seen) > 4 {
		t.Errorf("conditions that were counted, as seen from each query: %v", seen)
	}
	if _, _, running := e.Progress("bob"); running {
		t.Error("bob asked nothing")
	}
	done()
	if _, _, running := e.Progress("ann"); running {
		t.Error("a preview that is answered goes on")
	}
}

// TestStanding: while one edits, the answer stays at one commit and asks for nothing twice; it is renewed behind the
// editor's back, and never older than is said. Who is no editor sees the newest commit.
func TestStanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ids := seeded(t, 11)
		e := engine(t, s, 0)
		commit := uint64(1)
		arrive := func() {
			t.Helper()
			commit++
			must(t, s.Apply(context.Background(), commit, []clientele.Change{{Position: clientele.Position(commit), Tables: []clientele.TableRows{
				rows("profiles", map[string]any{"profile_id": ids[len(ids)-1] + int64(commit), "traits": `{"country":"TH"}`, "source": "s", "consent": "[]"})}}}))
		}
		ask := func(editor, text string, commit uint64, computed int) {
			t.Helper()
			ctx, done := e.Edit(context.Background(), editor)
			defer done()
			now := at
			now.Now += clientele.Micros(time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Microseconds()) // a moment that goes on
			r, err := e.Preview(ctx, audience.Schema{}, parse(t, text), now)
			must(t, err)
			if r.Commit != commit || r.Computed != computed || r.Total != int64(len(ids))+int64(commit)-1 {
				t.Errorf("%s of %q: commit %d of %d profiles with %d leaves asked, want commit %d with %d", text, editor, r.Commit, r.Total, r.Computed, commit, computed)
			}
		}
		ask("ann", buyer, 1, 1)
		arrive()
		time.Sleep(time.Second)
		ask("ann", `{"and":[`+buyer+`,`+thai+`]}`, 1, 1)
		ask("bob", thai, 1, 0)
		ask("", thai, 2, 1)
		time.Sleep(2 * time.Second)
		ask("ann", thai, 1, 0) // and begins another behind her back
		synctest.Wait()
		ask("ann", thai, 2, 0) // known of that commit
		arrive()
		time.Sleep(preview.StandsFor + time.Second)
		ask("ann", thai, 3, 1)
		time.Sleep(2 * preview.StandsFor) // nobody asks: nothing is held

		// A question that ends early leaves what stands as it is.
		ask("ann", thai, 3, 0)
		ctx, cancel := context.WithCancel(context.Background())
		edited, done := e.Edit(ctx, "ann")
		cancel()
		if _, err := e.Preview(edited, audience.Schema{}, parse(t, good), at); err == nil {
			t.Error("a preview whose asker had gone was answered")
		}
		done()
		ask("ann", thai, 3, 0)

		e.Close()
		if ctx, done := e.Edit(context.Background(), "ann"); true {
			if _, err := e.Preview(ctx, audience.Schema{}, parse(t, thai), at); clientele.ErrorCode(err) != clientele.Unavailable {
				t.Errorf("behind its end: %v", err)
			}
			done()
		}
	})
}
