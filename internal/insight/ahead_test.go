package insight_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"clientele"
	"clientele/internal/insight"
)

// What is carried on: whole periods alone, nothing as 0, the groups of most first, whatever the limit of the rows.
func TestAhead(t *testing.T) {
	s := newShop(t)
	var got [][]float64
	seasons := map[int]bool{}
	s.Explorer = insight.New(insight.Options{Query: s, Currency: "USD", Now: func() time.Time { return s.now }, Forecast: func(y []float64, season, ahead int, level float64) (*clientele.Forecast, error) {
		got, seasons[season] = append(got, y), true
		if len(y) < 2 {
			return nil, clientele.Errorf(clientele.Invalid, "too few")
		}
		return &clientele.Forecast{Method: "m", Periods: make([]clientele.ForecastPeriod, ahead)}, nil
	}})
	for i, o := range []struct{ ts, amount, channel string }{{"2026-01-20T00:00:00Z", "999", "web"}, {"2026-02-10T00:00:00Z", "10", "web"}, {"2026-02-11T00:00:00Z", "5", "store"}, {"2026-04-30T23:00:00Z", "20", "web"},
		{"2026-05-31T20:00:00Z", "30", "web"}, {"2026-06-02T00:00:00Z", "70", "store"}, {"2026-07-01T00:00:00Z", "8", "web"}} {
		s.order(fmt.Sprint(i), 1, o.ts, "USD", o.amount, map[string]any{"sales_channel": o.channel})
	}
	s.load()
	s.now = at("2026-07-15T00:00:00Z")
	q := clientele.Question{Kind: "metric", Measures: []string{"revenue", "orders"}, By: []string{"month", "sales_channel"}, Ahead: 2, Limit: 1}
	r := s.ask(q)
	if want := [][]float64{{10, 0, 20, 30, 0}, {1, 0, 1, 1, 0}, {5, 0, 0, 0, 70}, {1, 0, 0, 0, 1}}; len(r.Rows) != 1 || len(r.Ahead) != 4 ||
		!reflect.DeepEqual(got, [][]float64{want[2], want[3], want[0], want[1]}) {
		t.Fatalf("%v, %d rows", got, len(r.Rows))
	}
	if f := r.Ahead[0]; !seasons[12] || !reflect.DeepEqual(f.Cell, clientele.Cell{"sales_channel": "store"}) || f.Measure != "revenue" || f.Unit != "USD" || f.From != "2026-02-01" || f.Until != "2026-07-01" ||
		f.Periods[0].From != "2026-07-01" || f.Periods[1].From != "2026-08-01" || r.Ahead[1].Unit != "" {
		t.Errorf("%+v", f)
	}
	// In Bangkok it is another month by then; a span that begins with a month keeps it; data that ends long before the span ends with a part.
	got = nil
	q.By, q.Measures, q.TimeZone, q.From = []string{"month"}, []string{"revenue"}, "Asia/Bangkok", "2026-05-01"
	s.ask(q)
	s.now = at("2026-09-15T00:00:00Z")
	s.ask(q)
	q.From, s.now = "2026-04-01", at("2026-07-15T00:00:00Z")
	q.TimeZone = ""
	s.ask(q)
	q.From = "2026-04-02"
	s.ask(q)
	if want := [][]float64{{20, 100}, {20, 100}, {20, 30, 70}, {30, 70}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	got = nil
	q.By, q.TimeZone, q.From, q.Until = []string{"week"}, "", "2026-05-25", "2026-06-08"
	if r = s.ask(q); !reflect.DeepEqual(got, [][]float64{{30, 70}}) || !seasons[52] || r.Ahead[0].Periods[0].From != "2026-06-08" {
		t.Errorf("%v %+v", got, r.Ahead)
	}
	for text, change := range map[string]func(*clientele.Question){
		"ahead: it carries on":          func(q *clientele.Question) { q.By = []string{"sales_channel"} },
		"ahead: it carries":             func(q *clientele.Question) { q.By = []string{"week", "month"} },
		"ahead: 367 periods":            func(q *clientele.Question) { q.Ahead = 367 },
		"ahead: average_order":          func(q *clientele.Question) { q.Measures = []string{"average_order"} },
		"ahead: max(orders.revenue)":    func(q *clientele.Question) { q.Measures = []string{"max(orders.revenue)"} },
		"too few":                       func(q *clientele.Question) { q.From = "2026-06-01" },
		"ahead: a question of kind rfm": func(q *clientele.Question) { *q = clientele.Question{Kind: "rfm", Ahead: 1} },
	} {
		bad := q
		change(&bad)
		if _, err := s.Ask(t.Context(), bad); clientele.ErrorCode(err) != clientele.Invalid || len(err.Error()) < len(text) || err.Error()[:len(text)] != text {
			t.Errorf("%s: %v", text, err)
		}
	}
}
