package insight_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele"
)

// order puts an order down, with a line of each of the articles at ten of its currency.
func (s *shop) order(id string, profile any, ts, currency, revenue string, more map[string]any, skus ...string) {
	fields := map[string]any{"order_id": id, "profile_id": profile, "ts": at(ts), "currency": currency, "revenue": money(revenue), "status": "completed"}
	for k, v := range more {
		fields[k] = v
	}
	s.add("orders", fields)
	for i, sku := range skus {
		s.add("order_lines", map[string]any{"order_id": id, "line": string(rune('1' + i)), "profile_id": profile, "ts": at(ts), "sku": sku, "quantity": money("1"), "price": money("10")})
	}
}

// small is a shop that one can count by hand.
func small(t *testing.T) *shop {
	s := newShop(t)
	for i, country := range []any{"TH", "TH", "DE", nil} {
		traits := `{}`
		if country != nil {
			traits = `{"country":"` + country.(string) + `","age":` + string(rune('2'+i)) + `0}`
		}
		s.add("profiles", map[string]any{"profile_id": i + 1, "first_seen": at("2026-03-01T00:00:00Z"), "last_seen": at("2026-06-01T00:00:00Z"), "traits": traits})
	}
	for _, day := range []string{"2026-03-10", "2026-03-11", "2026-04-01"} {
		s.add("fx_rates", map[string]any{"date": days(day), "currency": "EUR", "rate": 1.25})
		s.add("fx_rates", map[string]any{"date": days(day), "currency": "THB", "rate": 0.03})
	}
	s.add("fx_rates", map[string]any{"date": days("2026-03-11"), "currency": "EUR", "rate": 9.0, "source": "z"}) // the first source holds
	s.order("1", 1, "2026-03-10T16:59:59Z", "USD", "20", map[string]any{"store": "Bangkok", "coupon": "X"}, "tent", "lamp")
	s.order("2", 1, "2026-03-10T17:00:00Z", "EUR", "20", nil, "tent", "tent")
	s.order("3", 2, "2026-03-11T05:00:00Z", "THB", "10", nil, "lamp")
	s.order("4", 3, "2026-04-01T05:00:00Z", "EUR", "10", nil, "tent")
	s.order("5", nil, "2026-04-01T05:00:00Z", "USD", "10", nil, "lamp")
	s.order("6", 3, "2026-04-01T06:00:00Z", "USD", "999", map[string]any{"status": "cancelled"}, "lamp")
	s.add("products", map[string]any{"product_id": "tent", "sku": "tent", "category": "tents", "unit_cost": money("4"), "brand": "b"})
	s.add("products", map[string]any{"product_id": "lamp", "sku": "lamp", "category": "lamps", "brand": "b"})
	s.add("inventory", map[string]any{"sku": "tent", "location": "a", "available": money("9"), "as_of": at("2026-03-01T00:00:00Z")})
	s.add("inventory", map[string]any{"sku": "tent", "location": "a", "available": money("0"), "as_of": at("2026-03-02T00:00:00Z")})
	s.add("inventory", map[string]any{"sku": "lamp", "location": "a", "available": money("3"), "as_of": at("2026-03-02T00:00:00Z")})
	s.add("inventory", map[string]any{"sku": "lamp", "location": "b", "available": money("3"), "as_of": at("2026-03-02T00:00:00Z")})
	s.add("returns", map[string]any{"source": "erp", "return_id": "r", "order_id": "2", "profile_id": 1, "ts": at("2026-04-01T00:00:00Z"), "sku": "tent", "quantity": money("1"), "amount": money("10"), "reason": "small"})
	s.add("conversations", map[string]any{"conversation_id": "c1", "profile_id": 1, "started_at": at("2026-03-12T00:00:00Z"), "topic": "return", "page": "/help", "cost": money("3"), "csat": 4.0})
	s.add("conversations", map[string]any{"conversation_id": "c2", "profile_id": 1, "started_at": at("2026-03-13T00:00:00Z"), "topic": "return", "page": "/help", "cost": money("2"), "csat": 1.0})
	s.add("conversations", map[string]any{"conversation_id": "c3", "profile_id": 4, "started_at": at("2026-04-13T00:00:00Z"), "topic": "size", "page": "/tents", "cost": money("1")})
	s.add("ad_spend", map[string]any{"date": days("2026-03-10"), "platform": "p", "campaign": "c", "country": "TH", "clicks": 5, "impressions": 100, "cost": money("4"), "currency": "EUR"})
	s.add("audience_members", map[string]any{"audience": "vip", "profile_id": 1, "entered_at": at("2026-03-01T00:00:00Z")})
	s.add("audience_members", map[string]any{"audience": "vip", "profile_id": 2, "entered_at": at("2026-03-01T00:00:00Z"), "exited_at": at("2026-03-02T00:00:00Z")})
	s.add("audience_members", map[string]any{"audience": "news", "profile_id": 1, "entered_at": at("2026-03-01T00:00:00Z")})
	s.add("lifecycle", map[string]any{"profile_id": 1, "stage": "intent", "entered_at": at("2026-03-01T00:00:00Z"), "left_at": at("2026-03-13T00:00:00Z")})
	s.add("lifecycle", map[string]any{"profile_id": 1, "stage": "purchase", "entered_at": at("2026-03-13T00:00:00Z")})
	s.add("loyalty_accounts", map[string]any{"loyalty_id": "l1", "profile_id": 1, "tier": "gold", "points": money("10")})
	s.add("loyalty_accounts", map[string]any{"loyalty_id": "l2", "profile_id": 1, "tier": "bronze", "points": money("1")})
	phone := `{"userAgent":"Mozilla/5.0 (Linux; Android 15) Mobile","page":{"path":"/tents"}}`
	for i, e := range []struct {
		profile any
		name    string
		props   string
		context string
	}{{1, "Product Viewed", `{"sku":"tent","price":10,"plan":{"n":5}}`, phone}, {2, "Product Viewed", `{"sku":"tent","price":20.5}`, `{"userAgent":"Mozilla/5.0 (Windows)"}`},
		{4, "Product Viewed", `{"sku":"lamp","price":"x"}`, `{}`}, {nil, "Page", `{}`, phone}} {
		s.add("events", map[string]any{"event_id": string(rune('a' + i)), "profile_id": e.profile, "ts": at("2026-03-01T00:00:00Z"), "name": e.name, "type": "track", "properties": e.props, "context": e.context})
	}
	s.load(clientele.Promotion{Table: "profiles", JSON: "country", Column: "country", Type: clientele.TypeText}, clientele.Promotion{Table: "profiles", JSON: "age", Column: "age", Type: clientele.TypeDouble},
		clientele.Promotion{Table: "events", JSON: "sku", Column: "sku", Type: clientele.TypeText}, clientele.Promotion{Table: "events", JSON: "price", Column: "price", Type: clientele.TypeDouble})
	return s
}

func metric(measures []string, by ...string) clientele.Question {
	return clientele.Question{Kind: "metric", Measures: measures, By: by}
}

// Figures that were counted by hand.
func TestMetric(t *testing.T) {
	s := small(t)
	one := func(m string) []string { return []string{m} }
	for name, c := range map[string]struct {
		q    clientele.Question
		want string
	}{
		"users and revenue": {metric([]string{"customers", "buyers", "revenue", "orders_per_buyer"}, "country"), `
			TH|2|2|45.3|1.5
			DE|1|1|12.5|1
			-|1|0|10|-
			`}, // the guest order has no country, the fourth person no order
		"new and returning buyers": {metric([]string{"new_buyers", "returning_buyers", "repeat_rate", "acquisition_cost"}), "3|1|33.33|1.67\n"},
		"new buyers by country":    {metric([]string{"new_buyers", "returning_buyers", "repeat_rate"}, "country"), "TH|2|1|50\nDE|1|0|0\n-|0|0|-\n"},
		"an audience as measure":   {metric([]string{"customers[audience=vip]", "orders[audience=vip] per orders", "orders[stage=intent]"}), "1|0.4|2\n"},
		"by store":                 {metric([]string{"orders", "average_order"}, "store"), "-|4|11.95\nBangkok|1|20\n"},
		"by category":              {metric([]string{"revenue", "orders", "buyers", "units"}, "category"), "tents|47.5|3|2|4\nlamps|20.3|3|2|3\n"},
		"margin":                   {metric([]string{"margin"}, "category"), "tents|31.5\nlamps|-\n"},
		"in euros":                 {clientele.Question{Kind: "metric", Measures: []string{"revenue"}, By: []string{"currency"}, Currency: "EUR"}, "EUR|30\nUSD|24\nTHB|0.24\n"},
		"day in Bangkok": {clientele.Question{Kind: "metric", Measures: []string{"orders"}, By: []string{"day"}, TimeZone: "Asia/Bangkok"},
			"2026-03-10|1\n2026-03-11|2\n2026-04-01|2\n"},
		"day in UTC": {metric(one("orders"), "day"), "2026-03-10|2\n2026-03-11|1\n2026-04-01|2\n"},
		"span of a day in Bangkok": {clientele.Question{Kind: "metric", Measures: []string{"orders"}, By: []string{"hour"}, TimeZone: "Asia/Bangkok", From: "2026-03-11", Until: "2026-03-12"},
			"2026-03-11 00:00:00|1\n2026-03-11 12:00:00|1\n"},
		"week and month":          {metric(one("orders"), "month", "week"), "2026-03-01|2026-03-09|3\n2026-04-01|2026-03-30|2\n"},
		"quarter, year":           {metric(one("orders"), "year", "quarter"), "2026-01-01|2026-01-01|3\n2026-01-01|2026-04-01|2\n"},
		"hours and weekdays":      {metric(one("orders"), "weekday", "hour_of_day"), "2|16|1\n2|17|1\n3|5|3\n"},
		"contacts per 100 orders": {metric([]string{"contacts per 100 orders", "service_cost", "csat"}, "topic"), "return|40|5|2.5\nsize|20|1|-\n"},
		"per month": {clientele.Question{Kind: "metric", Measures: []string{"contacts per 100 orders"}, By: []string{"month", "topic"}}, `
			2026-03-01|return|66.67
			2026-04-01|size|50
			`},
		"page they talk at":    {metric(one("contacts"), "page"), "/help|2\n/tents|1\n"},
		"stage at that time":   {metric(one("contacts"), "stage"), "intent|1\npurchase|1\n-|1\n"},
		"stage of now":         {metric(one("customers"), "stage"), "-|3\npurchase|1\n"},
		"tier":                 {metric(one("buyers"), "tier"), "-|2\ngold|1\n"},
		"audience":             {metric(one("orders"), "audience"), "-|3\nnews|2\nvip|2\n"},
		"in an audience":       {clientele.Question{Kind: "metric", Measures: one("revenue"), Audiences: []string{"vip"}}, "45\n"},
		"in no audience":       {clientele.Question{Kind: "metric", Measures: one("buyers"), NotAudiences: []string{"vip"}}, "2\n"},
		"device":               {metric(one("events"), "device"), "phone|2\ndesktop|1\n-|1\n"},
		"page of events":       {metric(one("events"), "page"), "/tents|2\n-|2\n"},
		"out of stock":         {clientele.Question{Kind: "metric", Measures: one("people(events)"), By: []string{"sku", "stock"}, Where: []clientele.Filter{{Field: "stock", Op: "in", Value: []any{"out", "in"}}}}, "tent|out|2\nlamp|in|1\n"},
		"events by name":       {metric([]string{"events[Product Viewed]", "events[Page|Product Viewed]", "active"}), "3|4|3\n"},
		"aggregates":           {metric([]string{"avg(events.price)", "median(events.price)", "max(events.price)", "unique(events.sku)", "count(events.price)", "p90(conversations.cost)", "sum(events.properties.plan.n)"}), "15.25|15.25|20.5|2|2|2.8|5\n"},
		"of people":            {metric([]string{"avg(profiles.age)", "customers[age>=30]"}, "country"), "DE|40|1\nTH|25|1\n-|-|0\n"},
		"filter in a measure":  {metric([]string{"orders[coupon exists]", "orders[coupon exists] per 100 orders"}), "1|20\n"},
		"returns":              {metric([]string{"returns", "returned", "return_rate", "net_revenue"}), "1|12.5|14.29|55.3\n"},
		"return rate by brand": {metric(one("return_rate"), "brand"), "b|14.29\n"},
		"spend":                {metric([]string{"ad_cost", "ad_clicks"}, "country", "day"), "TH|2026-03-10|5|5\n"},
		"compared": {clientele.Question{Kind: "metric", Measures: one("revenue"), By: []string{"country"}, From: "2026-04-01", Until: "2026-05-01", Compare: true}, `
			DE|12.5|-|-
			-|10|-|-
			TH|-|45.3|-
			`},
		"a filter on JSON":      {clientele.Question{Kind: "metric", Measures: one("events"), Where: []clientele.Filter{{Field: "properties.price", Op: "gte", Value: 10.5}}}, "1\n"},
		"not with nothing":      {clientele.Question{Kind: "metric", Measures: one("customers"), Where: []clientele.Filter{{Field: "country", Op: "ne", Value: "TH"}}}, "2\n"},
		"not in":                {clientele.Question{Kind: "metric", Measures: one("customers"), Where: []clientele.Filter{{Field: "country", Op: "not_in", Value: []any{"TH", "DE"}}}}, "1\n"},
		"parts of texts":        {clientele.Question{Kind: "metric", Measures: one("events"), Where: []clientele.Filter{{Field: "page", Op: "starts_with", Value: "/te"}, {Field: "event", Op: "contains", Value: "Viewed"}, {Field: "sku", Op: "ends_with", Value: "t"}, {Field: "referrer", Op: "not_contains", Value: "x"}}}, "1\n"},
		"between and a quote":   {clientele.Question{Kind: "metric", Measures: one("customers"), Where: []clientele.Filter{{Field: "age", Op: "between", Value: []any{20.0, "30"}}, {Field: "country", Op: "ne", Value: "x' or 1=1 --"}}}, "2\n"},
		"ordered":               {clientele.Question{Kind: "metric", Measures: []string{"customers", "average_order"}, By: []string{"country"}, Order: "average_order"}, "-|1|10\nDE|1|12.5\nTH|2|15.1\n"},
		"before and after":      {clientele.Question{Kind: "metric", Measures: one("orders"), Where: []clientele.Filter{{Field: "ts", Op: "after", Value: "2026-03-11"}}}, "3\n"},
		"lines have the orders": {metric(one("units"), "store", "channel"), "-|-|5\nBangkok|-|2\n"},
	} {
		s.same(name, lines(s.ask(c.q)), c.want)
	}
	q := metric([]string{"buyers", "revenue"}, "country")
	q.Limit, q.Total = 1, true
	r := s.ask(q)
	if !r.Cut || len(r.Rows) != 1 || r.Total[1] != int64(3) || r.Total[2] != 67.8 || r.Columns[2].Unit != "USD" {
		t.Errorf("%v, total %v, cut %v", r.Rows, r.Total, r.Cut)
	}
}

// A day has 23 or 25 hours where the clock changes, and the span of a day has its bounds.
func TestClockChanges(t *testing.T) {
	s := newShop(t)
	for i, ts := range []string{"2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z",
		"2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"} {
		s.order(string(rune('a'+i)), 1, ts, "USD", "1", nil)
	}
	s.load()
	s.now = at("2026-12-01T00:00:00Z")
	q := clientele.Question{Kind: "metric", Measures: []string{"orders"}, By: []string{"day"}, TimeZone: "Europe/Paris"}
	s.same("days", lines(s.ask(q)), `
		2026-03-28|1
		2026-03-29|4
		2026-03-30|1
		2026-10-24|1
		2026-10-25|4
		2026-10-26|1
		`)
	q.By, q.From, q.Until = []string{"hour"}, "2026-10-25", "2026-10-26"
	s.same("hours of the long day", lines(s.ask(q)), `
		2026-10-25 00:00:00|1
		2026-10-25 02:00:00|2
		2026-10-25 23:00:00|1
		`) // half past two comes twice
	r := s.ask(q)
	if r.From.String() != "2026-10-24T22:00:00.000000Z" || r.Until.String() != "2026-10-25T23:00:00.000000Z" {
		t.Errorf("from %s until %s", r.From, r.Until)
	}
	q.From, q.Until = "2026-03-29", "2026-03-30"
	if r = s.ask(q); r.From.String() != "2026-03-28T23:00:00.000000Z" || r.Until.String() != "2026-03-29T22:00:00.000000Z" {
		t.Errorf("from %s until %s", r.From, r.Until)
	}
	// At midnight of 2026-03-28 the clock in Beirut jumps to one: the day begins there.
	q.TimeZone, q.From, q.Until = "Asia/Beirut", "2026-03-29", "2026-03-30"
	if r = s.ask(q); r.From.String() != "2026-03-28T22:00:00.000000Z" {
		t.Errorf("from %s", r.From)
	}
}

// Amounts are converted by the rate of the row's UTC day, whatever the zone of the question; one without a rate is in no
// sum, and its order is counted.
func TestMissingRate(t *testing.T) {
	s := newShop(t)
	s.add("fx_rates", map[string]any{"date": days("2026-03-10"), "currency": "EUR", "rate": 2.0})
	s.add("fx_rates", map[string]any{"date": days("2026-03-11"), "currency": "EUR", "rate": 4.0})
	s.order("1", 1, "2026-03-10T18:00:00Z", "EUR", "10", nil) // the 11th in Bangkok, and the rate of the 10th
	s.order("2", 1, "2026-03-11T18:00:00Z", "EUR", "10", nil)
	s.order("3", 1, "2026-03-12T18:00:00Z", "EUR", "10", nil) // no rate
	s.order("4", 1, "2026-03-12T19:00:00Z", "USD", "5", nil)
	s.order("5", 1, "2026-03-10T19:00:00Z", "GBP", "7", nil) // no rate ever
	s.load()
	q := clientele.Question{Kind: "metric", Measures: []string{"orders", "revenue", "average_order"}, By: []string{"day"}, TimeZone: "Asia/Bangkok"}
	s.same("in the base currency", lines(s.ask(q)), `
		2026-03-11|2|20|10
		2026-03-12|1|40|40
		2026-03-13|2|5|2.5
		`)
	q.Currency = "EUR"
	s.same("in euros", lines(s.ask(q)), `
		2026-03-11|2|10|5
		2026-03-12|1|10|10
		2026-03-13|2|10|5
		`) // dollars of the 12th have no rate to euros
	q.By, q.Currency, q.TimeZone = []string{"currency"}, "", ""
	q.Measures = []string{"revenue"}
	s.same("by currency", lines(s.ask(q)), "EUR|60\nUSD|5\nGBP|-\n")
}

// Computed traits are columns of profiles: dimensions, measures and conditions like traits.
func TestComputedTraits(t *testing.T) {
	s := newShop(t)
	for i, v := range []any{2, 2, 5} {
		s.add("profiles", map[string]any{"profile_id": i + 1, "first_seen": at("2026-03-01T00:00:00Z"), "last_seen": at("2026-06-01T00:00:00Z"), "traits": `{}`, "computed": fmt.Sprintf(`{"visits":%d}`, v)})
		s.order(string(rune('1'+i)), i+1, "2026-03-10T10:00:00Z", "USD", "10", nil)
	}
	s.load(clientele.Promotion{Table: "profiles", JSON: "\x01visits", Column: "visits", Type: clientele.TypeBigint})
	s.same("dimension", lines(s.ask(metric([]string{"customers", "revenue"}, "visits"))), "2|2|20\n5|1|10\n")
	s.same("measure and condition", lines(s.ask(metric([]string{"avg(profiles.visits)", "buyers[visits>=3]"}))), "3|1\n")
}

// What is wrong is named with its place, and what to write instead.
func TestErrors(t *testing.T) {
	s := small(t)
	metricOf := func(m string, by ...string) clientele.Question { return metric([]string{m}, by...) }
	with := func(q clientele.Question, change func(*clientele.Question)) clientele.Question { change(&q); return q }
	for _, c := range []struct {
		q          clientele.Question
		text, hint string
	}{
		{clientele.Question{Kind: "x"}, "kind:", "funnel"},
		{clientele.Question{Kind: "metric"}, "measures:", "customers"},
		{metricOf("revenu"), `measures[0]: there is no measure "revenu"`, "did you mean revenue"},
		{metricOf("revenue", "contry"), `by: orders has no dimension "contry"`, "did you mean country"},
		{metricOf("ad_cost", "age"), `by: ad_spend has no dimension "age"`, "date"},
		{metricOf("sum(order.revenue)"), `there is no table "order"`, "did you mean orders"},
		{metricOf("sum(orders.store)"), "store is no number", "count and unique"},
		{metricOf("total(orders.tax)"), `no aggregate "total"`, "median"},
		{metricOf("sum(orders)"), "needs a column", "sum(orders.column)"},
		{metricOf("people(ad_spend)"), "no people", ""},
		{metricOf("events[Product Viewed"), "does not end", ""},
		{metricOf("orders[coupon == ]"), "", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Within = "7d" }), "within: a question of kind metric has none", "measures"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.TimeZone = "Mars/Olympus" }), "time_zone:", "Asia/Bangkok"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.TimeZone = "Local" }), "time_zone:", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Currency = "EUT" }), "currency:", "did you mean EUR"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.From = "yesterday" }), "from:", "2026-03-01"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.From = "2027-01-01" }), "from: the span ends", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Last, q.From = "3d", "2026-01-01" }), "last:", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Last = "3 days" }), "last:", "30d"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Compare = true }), "compare:", "from"},
		{with(metricOf("revenue", "day"), func(q *clientele.Question) { q.Compare, q.Last = true, "3d" }), "compare: no day", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Order = "revenues" }), "order:", "did you mean revenue"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Audiences = []string{"vipp"} }), "audiences:", "did you mean vip"},
		{with(metricOf("ad_cost"), func(q *clientele.Question) { q.Audiences = []string{"vip"} }), "ad_spend has no people", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) {
			q.Where = []clientele.Filter{{Field: "store", Value: "x"}, {Field: "stor", Value: "x"}}
		}), "where[1].field:", "did you mean store"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Where = []clientele.Filter{{Field: "store", Op: "equals"}} }), "where[0].op:", "eq"},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Where = []clientele.Filter{{Field: "revenue", Op: "gt", Value: "much"}} }), "where[0].value: the dimension holds numbers", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) { q.Where = []clientele.Filter{{Field: "store", Op: "in", Value: "x"}} }), "where[0].value: in needs a list", ""},
		{with(metricOf("revenue"), func(q *clientele.Question) {
			q.Where = []clientele.Filter{{Field: "revenue", Op: "contains", Value: "x"}}
		}), "contains compares texts", "between"},
		{clientele.Question{Kind: "funnel", Steps: []clientele.Step{{Event: "Product Viewed"}}}, "steps: a funnel has at least two", ""},
		{clientele.Question{Kind: "funnel", Steps: []clientele.Step{{Event: "Product Veiwed"}, {Table: "orders"}}}, `steps[0].event: there is no event "Product Veiwed"`, "did you mean Product Viewed"},
		{clientele.Question{Kind: "funnel", Steps: []clientele.Step{{Event: "Page"}, {Table: "order"}}}, `steps[1].table: "order"`, "did you mean orders"},
		{clientele.Question{Kind: "funnel", Steps: []clientele.Step{{Event: "Page"}, {}}}, "steps[1]: name an event or a table", ""},
		{clientele.Question{Kind: "funnel", Steps: []clientele.Step{{Event: "Page"}, {Table: "orders", Where: []clientele.Filter{{Field: "stor"}}}}}, "steps[1].where[0].field:", "did you mean store"},
		{clientele.Question{Kind: "funnel", Within: "soon", Steps: []clientele.Step{{Event: "Page"}, {Table: "orders"}}}, "within:", "30d"},
		{clientele.Question{Kind: "paths", Start: "a", End: "b"}, "end:", ""},
		{clientele.Question{Kind: "paths", Start: "Pag"}, "start: there is no event", "did you mean Page"},
		{clientele.Question{Kind: "paths", Label: "pge"}, "label:", "page"},
		{clientele.Question{Kind: "retention", Steps: []clientele.Step{{Event: "a"}, {Event: "b"}, {Event: "c"}}}, "steps:", ""},
		{clientele.Question{Kind: "rfm", Ties: "mail"}, "ties:", ""},
		{clientele.Question{Kind: "rfm", By: []string{"segmnt"}}, "by:", "did you mean segment"},
		{clientele.Question{Kind: "concentration", Measures: []string{"average_order"}}, "measures[0]:", "sum or a count"},
		{clientele.Question{Kind: "concentration", Points: []float64{0}}, "points:", ""},
		{clientele.Question{Kind: "affinity", Item: "skuu"}, "item:", "did you mean sku"},
		{clientele.Question{Kind: "affinity", Basket: "order", Steps: []clientele.Step{{Event: "Product Viewed"}}}, "basket:", "customer"},
	} {
		_, err := s.Ask(t.Context(), c.q)
		if c.text == "" && err == nil {
			continue
		}
		if clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), c.text) || !strings.Contains(clientele.ErrorHint(err), c.hint) {
			t.Errorf("%+v: %v (%s)", c.q, err, clientele.ErrorHint(err))
		}
	}
	q := metric([]string{"buyers", "ad_cost"}, "country")
	for text, cell := range map[string]clientele.Cell{"has no people": {"measure": "ad_cost"}, "no measure": {"measure": "x"}, "no dimension": {"store": "x"}, "neither": {"country": []any{}}} {
		if _, err := s.People(t.Context(), clientele.BehindRequest{Question: q, Cell: cell}); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: %v", cell, err)
		}
	}
}

// The people behind a cell are whom the next question is about; the text is held to the rules of users' SQL.
func TestWho(t *testing.T) {
	s := small(t)
	thai := s.behind(metric([]string{"buyers"}, "country"), clientele.Cell{"country": "TH"})
	if thai.Count != 2 || thai.Items[0] != 1 {
		t.Fatalf("%+v", thai)
	}
	q := metric([]string{"orders", "contacts"})
	q.Who = thai.SQL + " ;\n"
	s.same("their orders and talks", lines(s.ask(q)), "3|2\n")
	q = clientele.Question{Kind: "retention", Grain: "month", Who: thai.SQL}
	s.same("their retention", lines(s.ask(q)), "2026-03-01|0|2|100|true\n2026-03-01|1|0|0|true\n2026-03-01|2|0|0|true\n2026-03-01|3|0|0|true\n2026-03-01|4|0|0|false\n")
	for who, code := range map[string]clientele.Code{"select profile_id from base.orders": clientele.Denied, "delete from orders": clientele.Invalid, "select 1) or (1=1": clientele.Invalid, "select getenv('HOME')": clientele.Denied, "select profile_id from persons": clientele.Invalid} {
		q := metric([]string{"orders"})
		q.Who = who
		if _, err := s.Ask(t.Context(), q); clientele.ErrorCode(err) != code {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// Losses that were counted by hand, scaled to 30 days.
func TestLeaks(t *testing.T) {
	s := newShop(t)
	event := func(id string, who int, ts, name, props, context string) {
		s.add("events", map[string]any{"event_id": id, "profile_id": who, "ts": at(ts), "name": name, "type": "track", "properties": props, "context": context})
	}
	s.add("fx_rates", map[string]any{"date": days("2026-06-10"), "currency": "EUR", "rate": 2.0})
	event("1", 1, "2026-06-10T10:00:00Z", "Product Added", `{"sku":"tent","price":50,"quantity":2,"currency":"USD"}`, `{}`)
	event("2", 1, "2026-06-10T11:00:00Z", "Product Added", `{"sku":"tent","price":40,"currency":"EUR"}`, `{}`) // the last price holds
	event("3", 1, "2026-06-10T12:00:00Z", "Product Added", `{"sku":"lamp","price":7,"currency":"USD"}`, `{}`)
	event("4", 2, "2026-06-10T10:00:00Z", "Product Added", `{"sku":"tent","price":50,"currency":"USD"}`, `{}`)
	s.order("o1", 2, "2026-06-17T10:00:00Z", "USD", "50", nil) // in time
	event("5", 3, "2026-06-10T10:00:00Z", "Product Added", `{"sku":"lamp","price":5,"currency":"USD"}`, `{}`)
	s.order("o2", 3, "2026-06-17T10:00:01Z", "USD", "5", nil) // a second late
	s.order("o3", 3, "2026-06-18T10:00:00Z", "USD", "60", map[string]any{"status": "cancelled"})
	event("6", 1, "2026-06-12T10:00:00Z", "Product Viewed", `{"sku":"boot","price":90,"currency":"USD","available":false}`, `{"campaign":{"name":"c","medium":"CPC"}}`)
	event("7", 1, "2026-06-12T11:00:00Z", "Product Viewed", `{"sku":"boot","price":90,"currency":"USD","available":false}`, `{"campaign":{"name":"c","medium":"CPC"}}`)
	event("8", 2, "2026-06-12T10:00:00Z", "Product Viewed", `{"sku":"boot","price":90,"currency":"USD","available":true}`, `{"campaign":{"name":"c","medium":"cpc"}}`)
	s.add("ad_spend", map[string]any{"date": days("2026-06-12"), "platform": "p", "campaign": "c", "country": "TH", "clicks": 4, "cost": money("2"), "currency": "USD"})
	for i, ts := range []string{"2026-05-30T00:00:00Z", "2026-06-03T00:00:00Z", "2026-06-10T00:00:00Z", "2026-06-17T00:00:01Z"} {
		s.add("conversations", map[string]any{"conversation_id": string(rune('a' + i)), "profile_id": 1, "started_at": at(ts), "topic": "size", "cost": money("4")})
	}
	s.add("returns", map[string]any{"return_id": "r", "ts": at("2026-06-20T00:00:00Z"), "sku": "lamp", "amount": money("3")}) // of a guest
	var promoted []clientele.Promotion
	for name, typ := range map[string]clientele.ColumnType{"sku": clientele.TypeText, "price": clientele.TypeDouble, "quantity": clientele.TypeDouble, "currency": clientele.TypeText, "available": clientele.TypeBool} {
		promoted = append(promoted, clientele.Promotion{Table: "events", JSON: name, Column: name, Type: typ})
	}
	s.load(promoted...)
	q := clientele.Question{Kind: "leaks", From: "2026-06-01", Until: "2026-07-01"}
	r := s.ask(q)
	for i := range r.Rows {
		r.Rows[i] = r.Rows[i][:4]
		if b := s.behind(q, r.Cells[i]); b.Count != r.Rows[i][2] {
			t.Errorf("%v: %d people", r.Rows[i], b.Count)
		}
	}
	s.same("a month", lines(r), `
		carts|92|2|3
		cancelled|60|1|1
		out_of_stock|45|1|1
		repeat_contacts|8|1|2
		returns|3|0|1
		paid_visits|0.5|1|1
		`)
	q.From = "2026-05-02"
	if got := lines(s.ask(q)); !strings.HasPrefix(got, "carts|46|2|3|") {
		t.Errorf("half as much a month over two:\n%s", got)
	}
}

// An hour is that of the zone, whatever its clock did and however long ago.
func TestHoursEverywhere(t *testing.T) {
	s := newShop(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	var all []time.Time
	for i := range 400 {
		ts := time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.Int64N(31*365*24*3600)) * time.Second)
		all = append(all, ts)
		s.add("orders", map[string]any{"order_id": strconv.Itoa(i), "ts": ts, "status": "completed"})
	}
	s.load()
	for _, name := range []string{"UTC", "Europe/Paris", "America/New_York", "Asia/Bangkok", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{"", "2025-03-30", "2012-02-03"} {
			want := map[string]int64{}
			begin, _ := time.ParseInLocation(time.DateOnly, from, zone)
			for _, ts := range all {
				if ts.Before(s.now) && !ts.Before(begin) {
					want[ts.In(zone).Format("2006-01-02 15:00:00")]++
				}
			}
			got := map[string]int64{}
			for _, row := range s.ask(clientele.Question{Kind: "metric", Measures: []string{"orders"}, By: []string{"hour"}, TimeZone: name, From: from, Limit: 1000}).Rows {
				got[row[0].(string)] = row[1].(int64)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s from %s: %d hours, want %d", name, from, len(got), len(want))
			}
		}
	}
}
