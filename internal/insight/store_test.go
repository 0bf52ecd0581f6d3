package insight_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/insight"
	"clientele/internal/sqlq"
	"clientele/internal/store/duckstore"
)

// shop is a column store with an explorer over it. Every query that the explorer makes passes the lint and the gate.
type shop struct {
	*testing.T
	*insight.Explorer
	store  *duckstore.Store
	tables map[string][][]any
	commit uint64
	now    time.Time
}

func newShop(t *testing.T) *shop {
	t.Helper()
	store, err := duckstore.Open(t.Context(), duckstore.Options{Path: filepath.Join(t.TempDir(), "c.duckdb"), BaseCurrency: "USD"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &shop{T: t, store: store, tables: map[string][][]any{}, now: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
	s.Explorer = insight.New(insight.Options{Query: s, Currency: "USD", Now: func() time.Time { return s.now }})
	return s
}

// Query is the explorer's: what it asks is held to the rules of hand-written SQL.
func (s *shop) Query(ctx context.Context, text string, params []any, rows int) (*clientele.QueryResult, error) {
	if found := sqlq.Lint(text); len(found) > 0 {
		s.Errorf("%s\nin %s", strings.Join(found, "; "), text)
	}
	begin := time.Now()
	r, err := s.store.Query(ctx, text, params, duckstore.Limits{Rows: rows})
	if d := time.Since(begin); d > 2*time.Second {
		s.Logf("%s: %s", d, text)
	}
	return r, err
}

// add puts a row down; load brings all to the store. Columns that are not named are null.
func (s *shop) add(table string, fields map[string]any) {
	t := clientele.TableNamed(table)
	row := make([]any, len(t.Columns))
	for name, v := range fields {
		i := t.Column(name)
		if i < 0 {
			s.Fatalf("%s has no column %s", table, name)
		}
		switch v := v.(type) {
		case int:
			row[i] = int64(v)
		case time.Time:
			row[i] = int64(clientele.MicrosOf(v))
		default:
			row[i] = v
		}
	}
	if i := t.Column("anchor_id"); i >= 0 && row[i] == nil {
		row[i] = int64(0)
		if p := row[t.Column("profile_id")]; p != nil {
			row[i] = p
		}
	}
	if i := t.Column("source"); i >= 0 && row[i] == nil {
		row[i] = "s"
	}
	s.tables[table] = append(s.tables[table], row)
}

func (s *shop) load(promoted ...clientele.Promotion) {
	s.Helper()
	s.commit++
	change := clientele.Change{Position: clientele.Position(s.commit), Promoted: promoted}
	for table, rows := range s.tables {
		change.Tables = append(change.Tables, clientele.TableRows{Table: table, Upsert: rows})
	}
	s.tables = map[string][][]any{}
	if err := s.store.Apply(s.Context(), s.commit, []clientele.Change{change}); err != nil {
		s.Fatal(err)
	}
}

func (s *shop) ask(q clientele.Question) *clientele.Answer {
	s.Helper()
	r, err := s.Ask(s.Context(), q)
	if err != nil {
		s.Fatalf("%+v: %v (%s)", q, err, clientele.ErrorHint(err))
	}
	if len(r.Rows) != len(r.Cells) {
		s.Fatalf("%d rows, %d cells", len(r.Rows), len(r.Cells))
	}
	return r
}

// behind are the people behind a cell, as a client would ask for them: the cell has been through JSON.
func (s *shop) behind(q clientele.Question, cell clientele.Cell) *clientele.Behind {
	s.Helper()
	b, err := json.Marshal(cell)
	var wire clientele.Cell
	if err == nil {
		err = json.Unmarshal(b, &wire)
	}
	if err != nil {
		s.Fatal(err)
	}
	r, err := s.People(s.Context(), clientele.BehindRequest{Question: q, Cell: wire, Limit: insight.MaxBehind})
	if err != nil {
		s.Fatalf("%+v of %+v: %v (%s)", cell, q, err, clientele.ErrorHint(err))
	}
	if int64(len(r.Items)) != r.Count && r.Next == "" {
		s.Fatalf("%d people, %d listed", r.Count, len(r.Items))
	}
	return r
}

// column is a column of the answer by name.
func (s *shop) column(r *clientele.Answer, name string) int {
	s.Helper()
	for i, c := range r.Columns {
		if c.Name == name {
			return i
		}
	}
	s.Fatalf("no column %s in %v", name, r.Columns)
	return 0
}

// table is the answer as lines.
func lines(r *clientele.Answer) string {
	var b strings.Builder
	for _, row := range r.Rows {
		for i, v := range row {
			if i > 0 {
				b.WriteByte('|')
			}
			switch v := v.(type) {
			case nil:
				b.WriteByte('-')
			case float64:
				b.WriteString(sqlq.Number(round(v)))
			default:
				j, _ := json.Marshal(v)
				b.WriteString(strings.Trim(string(j), `"`))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func round(f float64) float64 {
	if f < 0 {
		return -round(-f)
	}
	return float64(int64(f*100+0.5)) / 100
}

func (s *shop) same(what, got, want string) {
	s.Helper()
	want = strings.TrimLeft(want, "\n")
	var out strings.Builder
	for line := range strings.Lines(want) {
		out.WriteString(strings.TrimLeft(line, "\t "))
	}
	if got != out.String() {
		s.Errorf("%s:\n%swant\n%s", what, got, out.String())
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func money(text string) int64 {
	d, err := clientele.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return int64(d)
}

func days(text string) int64 { return int64(at(text+"T00:00:00Z").Unix() / 86400) }
