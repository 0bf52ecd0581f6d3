package preview_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/store/duckstore"
)

var (
	benchProfiles = flag.Int("profiles", 100_000, "profiles of the benchmark's store")
	benchEvents   = flag.Int("events", 2_000_000, "events of it")
)

// Ids come three to a frame's position, as those of people whose anonymous id and address were minted beside them.
const benchID = "((n // 300) * 8192 + (n % 300) * 3)"

// large makes a store of profiles, events of a year and orders, put straight into its tables.
func large(b *testing.B) *duckstore.Store {
	b.Helper()
	path := filepath.Join(b.TempDir(), "columns.duckdb")
	o := duckstore.Options{Path: path, BaseCurrency: "EUR", Memory: 400e6}
	s, err := duckstore.Open(context.Background(), o)
	must(b, err)
	must(b, s.Close())
	db, err := sql.Open("duckdb", path)
	must(b, err)
	first := "timestamptz '2025-11-28 00:00:00+00'"
	for _, q := range []string{
		"set memory_limit = '1GB'", "set preserve_insertion_order = false",
		"alter table base.events add column price double", "alter table base.events add column category varchar", "alter table base.profiles add column country varchar", "alter table base.profiles add column score double",
		"insert into base.promoted values ('events', 'price', 'price', 3, 0), ('events', 'category', 'category', 1, 1), ('profiles', 'country', 'country', 1, 0), ('profiles', 'score', 'score', 3, 1)",
		fmt.Sprintf(`insert into base.profiles by name select %s as profile_id, %s as first_seen, 's' as source, '[]'::json as consent, c as country, (n %% 1000)::double as score,
			('{"country":"' || c || '","score":' || (n %% 1000) || ',"plan":"' || case when n %% 7 = 0 then 'pro' else 'free' end || '"}')::json as traits
			from (select range + 1 as n, list_value('TH', 'DE', 'VN', 'US', 'FR', 'GB', 'JP', 'SG', 'AU', 'IN')[1 + (hash(range) %% 10)::integer] as c from range(%d)) x`, benchID, first, *benchProfiles),
		fmt.Sprintf(`insert into base.events by name select 'web' as source, 'e' || i as event_id, %s as anchor_id, %s as profile_id, %s + to_microseconds(i * %d) as ts, 'track' as type,
			case when h %% 100 < 60 then 'Page Viewed' when h %% 100 < 85 then 'Product Viewed' when h %% 100 < 93 then 'Product Added' else 'Order Completed' end as name,
			(h %% 500)::double as price, 'c' || (h // 100 %% 40) as category, ('{"price":' || (h %% 500) || ',"category":"c' || (h // 100 %% 40) || '","sku":"s' || (h // 4000 %% 5000) || '"}')::json as properties
			from (select range as i, hash(range) as h, 1 + (hash(range + 17) %% %d)::bigint as n from range(%d)) x`, benchID, benchID, first, 365*86_400_000_000/int64(*benchEvents), *benchProfiles, *benchEvents),
		`insert into base.orders by name select 's' as source, event_id as order_id, anchor_id, profile_id, ts, price::decimal(18,4) as revenue, 'EUR' as currency from base.events where name = 'Order Completed'`,
		"checkpoint",
	} {
		if _, err := db.Exec(q); err != nil {
			b.Fatalf("%.80s: %v", q, err)
		}
	}
	must(b, db.Close())
	s, err = duckstore.Open(context.Background(), o)
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	return s
}

// question is a typical one, and how somebody would write it in SQL.
type question struct{ where, sql string }

func questions() []question {
	event := func(where string) string { return "profile_id in (select profile_id from events where " + where + ")" }
	since := func(days int) string {
		return fmt.Sprintf("ts >= timestamptz '2026-11-28 00:00:00+00' - interval %d hour", 24*days)
	}
	return []question{
		{`{"trait":"country","op":"eq","value":"TH"}`, "country = 'TH'"},
		{`{"trait":"country","op":"in","value":["TH","VN","SG"]}`, "country in ('TH', 'VN', 'SG')"},
		{`{"trait":"score","op":"gte","value":900}`, "score >= 900"},
		{`{"trait":"plan","op":"eq","value":"pro"}`, "(traits->>'plan') = 'pro'"},
		{`{"and":[{"trait":"country","op":"eq","value":"DE"},{"trait":"score","op":"lt","value":100}]}`, "country = 'DE' and score < 100"},
		{`{"event":"Order Completed"}`, event("name = 'Order Completed'")},
		{`{"event":"Order Completed","within":"30d"}`, event("name = 'Order Completed' and " + since(30))},
		{`{"event":"Order Completed","within":"90d","count":{"op":"gte","value":2}}`, event("name = 'Order Completed' and " + since(90) + " group by 1 having count(*) >= 2")},
		{`{"event":"Order Completed","count":{"op":"eq","value":0}}`, "not " + event("name = 'Order Completed'")},
		{`{"event":"Product Viewed","where":[{"property":"category","op":"eq","value":"c7"}],"within":"30d"}`, event("name = 'Product Viewed' and category = 'c7' and " + since(30))},
		{`{"event":"Product Viewed","where":[{"property":"price","op":"gt","value":400}],"within":"90d","count":{"op":"gte","value":2}}`, event("name = 'Product Viewed' and price > 400 and " + since(90) + " group by 1 having count(*) >= 2")},
		{`{"event":"Product Viewed","where":[{"property":"sku","op":"eq","value":"s77"}]}`, event("name = 'Product Viewed' and (properties->>'sku') = 's77'")},
		{`{"event":"Order Completed","sum":{"property":"price","op":"gte","value":500},"within":"365d"}`, event("name = 'Order Completed' and " + since(365) + " group by 1 having sum(price) >= 500")},
		{`{"event":"Order Completed","avg":{"property":"price","op":"gt","value":300}}`, event("name = 'Order Completed' group by 1 having avg(price) > 300")},
		{`{"event":"Product Viewed","unique":{"property":"category","op":"gte","value":3},"within":"30d"}`, event("name = 'Product Viewed' and " + since(30) + " group by 1 having count(distinct category) >= 3")},
		{`{"and":[{"event":"Product Added","within":"7d"},{"not":{"event":"Order Completed","within":"7d"}}]}`, event("name = 'Product Added' and "+since(7)) + " and not " + event("name = 'Order Completed' and "+since(7))},
		{`{"and":[{"trait":"country","op":"eq","value":"TH"},{"event":"Product Viewed","within":"14d"},{"event":"Order Completed","count":{"op":"gte","value":2}}]}`,
			"country = 'TH' and " + event("name = 'Product Viewed' and "+since(14)) + " and " + event("name = 'Order Completed' group by 1 having count(*) >= 2")},
		{`{"or":[{"trait":"plan","op":"eq","value":"pro"},{"event":"Order Completed","sum":{"property":"price","op":"gte","value":1000}}]}`,
			"((traits->>'plan') = 'pro' or " + event("name = 'Order Completed' group by 1 having sum(price) >= 1000") + ")"},
		{`{"and":[{"event":"Order Completed","older_than":"90d"},{"not":{"event":"Order Completed","within":"90d"}}]}`,
			event("name = 'Order Completed' and not "+since(90)) + " and not " + event("name = 'Order Completed' and "+since(90))},
		{`{"sequence":[{"event":"Product Added"},{"event":"Order Completed","before":"1d"}],"within":"30d"}`,
			"profile_id in (select a.profile_id from events a join events b using (profile_id) where a.name = 'Product Added' and b.name = 'Order Completed' and a." + since(30) + " and b." + since(30) + " and b.ts between a.ts and a.ts + interval 24 hour)"},
	}
}

// BenchmarkPreview prints what 20 typical questions take, asked for the first time and after one of
// their conditions was edited, beside the same question in SQL by hand, and an overlap of 20 audiences.
func BenchmarkPreview(b *testing.B) {
	s := large(b)
	ctx := context.Background()
	schema := audience.Schema{Properties: map[string]audience.Column{"price": {Name: "price", Type: clientele.TypeDouble}, "category": {Name: "category", Type: clientele.TypeText}},
		Traits: map[string]audience.Column{"country": {Name: "country", Type: clientele.TypeText}, "score": {Name: "score", Type: clientele.TypeDouble}}}
	now := audience.At{Now: clientele.MicrosOf(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))}
	e := engine(b, s, 0)
	begin := time.Now()
	if _, err := e.Preview(ctx, schema, parse(b, `{"trait":"nothing","op":"exists"}`), now); err != nil {
		b.Fatal(err)
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("%d profiles, %d events, %d MB; people and revenue of a commit: %.0f ms\n", *benchProfiles, *benchEvents, s.Size()>>20, ms(time.Since(begin)))
	var fresh, edited, byHand []float64
	var all []audience.Condition
	for i, q := range questions() {
		c := parse(b, q.where)
		all = append(all, c)
		r, err := e.Preview(ctx, schema, c, now)
		must(b, err)
		again, err := e.Preview(ctx, schema, audience.And{c, parse(b, fmt.Sprintf(`{"trait":"score","op":"gte","value":%d}`, i))}, now)
		must(b, err)
		begin := time.Now()
		var n int64
		must(b, s.Numbers(ctx, "select count(*) from profiles where "+q.sql, func(row []int64) error { n = row[0]; return nil }))
		hand := time.Since(begin)
		fresh, edited, byHand = append(fresh, ms(r.Took)), append(edited, ms(again.Took)), append(byHand, ms(hand))
		if n != r.Count {
			b.Errorf("%s: %d people, by hand %d", audience.String(c), r.Count, n)
		}
		fmt.Printf("%2d  %8.0f ms  edited %6.0f ms  by hand %8.0f ms  %8d  %.90s\n", i+1, ms(r.Took), ms(again.Took), ms(hand), r.Count, audience.String(c))
	}
	summary := func(list []float64) string {
		slices.Sort(list)
		return fmt.Sprintf("median %.0f ms, worst %.0f ms", (list[len(list)/2-1]+list[len(list)/2])/2, list[len(list)-1])
	}
	fmt.Printf("first: %s; edited: %s; by hand: %s\n", summary(fresh), summary(edited), summary(byHand))
	begin = time.Now()
	o, err := e.Overlaps(ctx, schema, all, now)
	must(b, err)
	fmt.Printf("overlap of %d audiences: %.1f ms, %d people in any\n", len(all), ms(time.Since(begin)), o.Any)
}
