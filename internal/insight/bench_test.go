package insight_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"clientele"
	"clientele/internal/insight"
	"clientele/internal/store/duckstore"

	_ "github.com/duckdb/duckdb-go/v2"
)

// benchQuestions are what the explorer is asked in the benchmark.
var benchQuestions = []struct {
	name string
	q    clientele.Question
}{
	{"customers by country", metric([]string{"customers"}, "country")},
	{"customers, buyers, revenue by country", metric([]string{"customers", "buyers", "revenue"}, "country")},
	{"revenue by month and store, Bangkok", clientele.Question{Kind: "metric", Measures: []string{"revenue"}, By: []string{"month", "store"}, TimeZone: "Asia/Bangkok"}},
	{"revenue, margin by category, EUR", clientele.Question{Kind: "metric", Measures: []string{"revenue", "margin"}, By: []string{"category"}, Currency: "EUR"}},
	{"people by product viewed, 30 days against 30", clientele.Question{Kind: "metric", Measures: []string{"people(events)[Product Viewed]"}, By: []string{"product_name"}, Last: "30d", Compare: true}},
	{"events by day, a year, Paris", clientele.Question{Kind: "metric", Measures: []string{"events"}, By: []string{"day"}, TimeZone: "Europe/Paris"}},
	{"active by country and week, 90 days", clientele.Question{Kind: "metric", Measures: []string{"active"}, By: []string{"country", "week"}, Last: "90d"}},
	{"funnel of 4 steps, 30 days", clientele.Question{Kind: "funnel", Within: "7d", Last: "30d", Steps: []clientele.Step{{Event: "Product Viewed"}, {Event: "Product Added"}, {Event: "Checkout Started"}, {Table: "orders"}}}},
	{"funnel of 3 steps, a year", clientele.Question{Kind: "funnel", Within: "7d", Steps: []clientele.Step{{Event: "Product Added"}, {Event: "Checkout Started"}, {Event: "Order Completed"}}}},
	{"retention by month, orders", clientele.Question{Kind: "retention"}},
	{"retention by week, events, 90 days", clientele.Question{Kind: "retention", Grain: "week", Last: "90d", Steps: []clientele.Step{{Event: "Product Viewed"}}}},
	{"paths of 4 steps, 7 days", clientele.Question{Kind: "paths", Last: "7d", Start: "Home"}},
	{"rfm", clientele.Question{Kind: "rfm"}},
	{"concentration", clientele.Question{Kind: "concentration"}},
	{"affinity of names in orders", clientele.Question{Kind: "affinity", Item: "name"}},
	{"people behind a country's buyers", metric([]string{"buyers"}, "country")},
}

// BenchmarkQuestions measures on a store of CLIENTELE_BENCH_PROFILES people (nothing without it), 20 events and one
// order of two lines each. The file goes to CLIENTELE_BENCH_DIR, and is used again when it is there.
func BenchmarkQuestions(b *testing.B) {
	people, err := strconv.Atoi(os.Getenv("CLIENTELE_BENCH_PROFILES"))
	if err != nil {
		b.Skip("CLIENTELE_BENCH_PROFILES says how many people there are")
	}
	dir := os.Getenv("CLIENTELE_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	o := duckstore.Options{Path: filepath.Join(dir, fmt.Sprintf("bench-%d.duckdb", people)), BaseCurrency: "USD"}
	if _, err := os.Stat(o.Path); err != nil {
		fill(b, o, people)
	}
	store, err := duckstore.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	e := insight.New(insight.Options{Query: plain{store}, Currency: "USD", Now: func() time.Time { return time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) }})
	for _, c := range benchQuestions {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if c.name == "people behind a country's buyers" {
					if _, err := e.People(b.Context(), clientele.BehindRequest{Question: c.q, Cell: clientele.Cell{"country": "TH"}}); err != nil {
						b.Fatal(err)
					}
				} else if _, err := e.Ask(b.Context(), c.q); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/question")
		})
	}
}

type plain struct{ *duckstore.Store }

func (p plain) Query(ctx context.Context, text string, params []any, rows int) (*clientele.QueryResult, error) {
	return p.Store.Query(ctx, text, params, duckstore.Limits{Rows: rows})
}

// fill makes the file: people unevenly busy, events in the order of time over a year.
func fill(b *testing.B, o duckstore.Options, people int) {
	store, err := duckstore.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	var promoted []clientele.Promotion
	for _, p := range [][2]string{{"profiles", "country"}, {"events", "sku"}} {
		promoted = append(promoted, clientele.Promotion{Table: p[0], JSON: p[1], Column: p[1], Type: clientele.TypeText})
	}
	err = store.Apply(b.Context(), 1, []clientele.Change{{Position: 1, Promoted: promoted}})
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("duckdb", o.Path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const year = "365.0 * 86400 * 1e6"
	start := "epoch_us(timestamptz '2025-07-01 00:00:00+00')"
	who := fmt.Sprintf("1 + cast(floor(%d * power(random(), 2)) as bigint)", people)
	sku := "'sku-' || cast(floor(1000 * power(random(), 2)) as integer)"
	for _, q := range []string{
		"set preserve_insertion_order = true", "set memory_limit = '3GB'", "set TimeZone = 'UTC'", "select setseed(0.5)",
		fmt.Sprintf(`insert into base.profiles (profile_id, first_seen, last_seen, traits, source, country, "$position") select i, to_timestamp(%s / 1e6), to_timestamp(%s / 1e6), '{}', 'web', ['TH','DE','US','FR','SE', null][1 + cast(floor(6 * random()) as integer)], 1 from range(1, %d) t(i)`, start, start, people+1),
		fmt.Sprintf(`insert into base.events (anchor_id, profile_id, event_id, ts, received_at, source, type, name, properties, context, sku, "$position")
			select p, p, md5(cast(i as varchar)), ts, ts, case when r < 0.8 then 'web' else 'app' end, 'track', case when n < 0.55 then 'Product Viewed' when n < 0.8 then 'Home' when n < 0.92 then 'Product Added' when n < 0.97 then 'Checkout Started' else 'Order Completed' end,
			 '{"a":1}', '{"page":{"path":"/x"}}', sku, 1
			from (select i, %s as p, to_timestamp((%s + i * (%s / %d)) / 1e6) as ts, random() as n, random() as r, %s as sku from range(%d) t(i))`, who, start, year, people*20, sku, people*20),
		fmt.Sprintf(`insert into base.orders (anchor_id, profile_id, order_id, ts, status, revenue, currency, store, source, "$position")
			select p, p, 'o' || i, to_timestamp((%s + i * (%s / %d)) / 1e6), 'completed', round(10 + 200 * power(random(), 3), 2), case when r < 0.3 then 'EUR' when r < 0.4 then 'THB' else 'USD' end, case when r > 0.9 then 'Berlin' end, 'web', 1
			from (select i, %s as p, random() as r from range(%d) t(i))`, start, year, people, who, people),
		fmt.Sprintf(`insert into base.order_lines (anchor_id, profile_id, order_id, line, ts, product_id, sku, name, quantity, price, discount, source, "$position")
			select anchor_id, profile_id, order_id, cast(n as varchar), ts, sku, sku, 'Article ' || substr(sku, 5, 2), 1, revenue / 2, 0, source, 1 from (select o.*, n, %s as sku from base.orders o, range(2) t(n))`, sku),
		`insert into base.products (product_id, sku, name, category, unit_cost, source, "$position") select 'sku-' || i, 'sku-' || i, 'Article ' || i, 'category ' || (i % 12), 5 + i % 40, 'erp', 1 from range(1000) t(i)`,
		`insert into base.fx_rates (date, currency, rate, source, "$position") select date '2025-07-01' + cast(i as integer), c, case c when 'EUR' then 1.1 else 0.03 end, 'erp', 1 from range(366) t(i), (values ('EUR'), ('THB')) v(c)`,
		"checkpoint",
	} {
		if _, err := db.ExecContext(b.Context(), q); err != nil {
			b.Fatalf("%v in %s", err, q)
		}
	}
}
