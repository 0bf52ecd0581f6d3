package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"clientele"
	"clientele/internal/role"
)

// What who serves a person has at hand: known rows, two currencies, a cancelled order, returns told by another system, and
// what was looked at and not bought.
func TestSummary(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	ann, bob := `[{"ns":"email","v":"ann@example.com"}]`, `[{"ns":"email","v":"bob@example.com"}]`
	row := func(table, id, ids, fields string) string {
		return fmt.Sprintf(`{"table":%q,"id":%q,"ids":%s,"fields":%s}`, table, id, ids, fields)
	}
	p.rows("crm",
		row("fx_rates", "f1", "[]", `{"date":"2026-01-10","currency":"EUR","rate":1.25}`),
		row("orders", "1", ann, `{"order_id":"o1","ts":"2026-01-10T23:30:00Z","status":"completed","revenue":"80","currency":"EUR","store":"Hue"}`),
		row("orders", "2", ann, `{"order_id":"o2","ts":"2026-02-01T10:00:00Z","revenue":"50","currency":"USD","sales_channel":"web"}`),
		row("orders", "3", ann, `{"order_id":"o3","ts":"2026-02-20T10:00:00Z","status":"cancelled","revenue":"999","currency":"USD"}`),
		row("orders", "4", ann, `{"order_id":"o4","ts":"2026-01-11T10:00:00Z","revenue":"70","currency":"EUR"}`), // of a day without a rate
		row("orders", "5", bob, `{"order_id":"o5","ts":"2026-02-01T10:00:00Z","revenue":"7000","currency":"USD"}`),
		row("order_lines", "l1", ann, `{"order_id":"o2","line":"1","ts":"2026-02-01T10:00:00Z","sku":"BOOT-38","name":"Boot","category":"boots","size":"38","quantity":"1","price":"50"}`),
		row("order_lines", "l2", ann, `{"order_id":"o1","line":"1","ts":"2026-01-10T23:30:00Z","sku":"SHOE-38","name":"Shoe","category":"boots","size":"38","quantity":"1","price":"80"}`),
		row("products", "p1", "[]", `{"product_id":"TENT-2","sku":"TENT-2","name":"Tent","brand":"Zelt","size":"2"}`),
		row("products", "p2", "[]", `{"product_id":"TENT-3","sku":"TENT-3","name":"Tent","brand":"Zelt","size":"3"}`),
		row("products", "p3", "[]", `{"product_id":"OTHER-3","sku":"OTHER-3","name":"Tent","brand":"Fake","size":"3"}`),
		row("inventory", "i1", "[]", `{"sku":"TENT-2","location":"Hue","available":"0","as_of":"2026-02-01T00:00:00Z"}`),
		row("inventory", "i2", "[]", `{"sku":"TENT-3","location":"Hue","available":"4","as_of":"2026-02-01T00:00:00Z"}`),
		row("inventory", "i3", "[]", `{"sku":"OTHER-3","location":"Hue","available":"9","as_of":"2026-02-01T00:00:00Z"}`),
		row("conversations", "c1", ann, `{"conversation_id":"c1","started_at":"2026-02-03T10:00:00Z","channel":"chat","topic":"delivery","resolved":false}`),
		row("conversations", "c2", ann, `{"conversation_id":"c2","started_at":"2026-02-02T10:00:00Z","channel":"phone"}`),
		row("loyalty_accounts", "y1", ann, `{"loyalty_id":"L1","tier":"gold","points":"150"}`),
		row("loyalty_accounts", "y2", ann, `{"loyalty_id":"L2","points":"400"}`))
	p.rows("erp", row("returns", "r1", ann, `{"return_id":"r1","order_id":"o1","ts":"2026-01-10T12:00:00Z","amount":"8"}`))
	p.batch(serverKey, identify("m1", "2026-01-01T00:00:00Z", `"userId":"u1"`, `{"email":"ann@example.com"}`),
		track("m2", "Product Viewed", "2026-02-27T10:00:00Z", `"userId":"u1"`, `{"name":"Tent","sku":"TENT-2","size":"2"}`),
		track("m3", "Product Added", "2026-02-28T10:00:00Z", `"userId":"u1"`, `{"product_name":"Tent","sku":"TENT-2","size":"2"}`),
		track("m4", "Product Viewed", "2026-02-28T11:00:00Z", `"userId":"u1"`, `{"name":"Boot","sku":"BOOT-38"}`), // bought
		track("m5", "Product Viewed", "2025-11-01T11:00:00Z", `"userId":"u1"`, `{"name":"Hat","sku":"HAT"}`),      // long ago
		track("m6", "Product Viewed", "2026-02-28T12:00:00Z", `"userId":"u1"`, `{"product_id":77}`))
	s, err := p.client.Summary(ctx, id("email", "ann@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Profile != p.profile("user_id", "u1").ID || s.Currency != "USD" || s.Orders != 3 || s.Revenue != 150 || s.Returns != 1 || s.Returned != 10 || s.Net != 140 || s.Contacts != 2 ||
		s.FirstOrder.String() != "2026-01-10T23:30:00.000000Z" || s.LastOrder.String() != "2026-02-01T10:00:00.000000Z" {
		t.Errorf("%+v", s)
	}
	got, err := json.Marshal(map[string]any{"orders": s.LastOrders[:2], "talks": s.Conversations, "cards": s.Loyalty, "sizes": s.Sizes, "viewed": s.Viewed})
	const want = `{"cards":[{"loyalty_id":"L2","points":400},{"loyalty_id":"L1","tier":"gold","points":150}],` +
		`"orders":[{"order_id":"o3","ts":"2026-02-20T10:00:00.000000Z","status":"cancelled","revenue":999,"currency":"USD","items":[]},` +
		`{"order_id":"o2","ts":"2026-02-01T10:00:00.000000Z","revenue":50,"currency":"USD","sales_channel":"web","items":["Boot"]}],` +
		`"sizes":[{"category":"boots","size":"38","bought":2}],` +
		`"talks":[{"conversation_id":"c1","started_at":"2026-02-03T10:00:00.000000Z","channel":"chat","topic":"delivery","resolved":false},{"conversation_id":"c2","started_at":"2026-02-02T10:00:00.000000Z","channel":"phone","resolved":null}],` +
		`"viewed":[{"product_id":"TENT-2","name":"Tent","size":"2","times":2,"last":"2026-02-28T10:00:00.000000Z","in_stock":[{"sku":"TENT-3","size":"3","available":4}]},{"product_id":"77","name":"77","times":1,"last":"2026-02-28T12:00:00.000000Z"}]}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
	if _, err := p.client.Summary(ctx, id("email", "nobody@example.com")); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("nobody: %v", err)
	}
	p.summarized()
	p.executives()
}

// executives ask for figures of people whom they may not see: of those behind a cell of another answer.
func (p *program) executives() {
	p.Helper()
	secret := p.roleSecrets()[role.Executive]
	status, _, answer := p.ask("POST", "/api/v1/explore", secret, `{"kind":"metric","measures":["orders"],"behind":{"question":{"kind":"metric","measures":["contacts"],"by":["channel"]},"cell":{"channel":"chat"}}}`)
	var a clientele.Answer
	if err := json.Unmarshal([]byte(answer), &a); err != nil || status != 200 || fmt.Sprint(a.Rows) != "[[3]]" {
		p.Errorf("%d %s %v", status, answer, err)
	}
	for _, body := range []string{`{"kind":"metric","measures":["orders"],"who":"select 1","behind":{"question":{"kind":"rfm"},"cell":{}}}`,
		`{"kind":"metric","measures":["orders"],"behind":{"question":{"kind":"rfm","behind":{"question":{"kind":"rfm"},"cell":{}}},"cell":{}}}`,
		`{"kind":"metric","measures":["orders"],"behind":{"question":{"kind":"metric","measures":["contacts"]},"cell":{"channel":"chat"}}}`} {
		if status, _, answer := p.ask("POST", "/api/v1/explore", p.app.Tokens().Local(), body); status != 400 {
			p.Errorf("%s: %d %s", body, status, answer)
		}
	}
}

// summarized holds every person's summary against the explorer's answers.
func (p *program) summarized() {
	p.Helper()
	ctx := context.Background()
	a, err := p.client.Explore(ctx, clientele.Question{Kind: "metric", Measures: []string{"orders", "revenue", "returns", "returned", "contacts"}, By: []string{"profile_id"}, Limit: 10_000})
	if err != nil {
		p.Fatal(err)
	}
	people := 0
	for _, row := range a.Rows {
		var n int64
		if _, err := fmt.Sscan(fmt.Sprint(row[0]), &n); err != nil {
			continue // guests
		}
		s, err := p.app.Summary(ctx, id("id", clientele.ProfileID(n).String()))
		if err != nil {
			p.Fatal(err)
		}
		people++
		for i, got := range []float64{float64(s.Orders), s.Revenue, float64(s.Returns), s.Returned, float64(s.Contacts)} {
			want := 0.0
			if row[i+1] != nil {
				want = number(fmt.Sprint(row[i+1]))
			}
			if math.Abs(got-want) > 0.01 {
				p.Errorf("%s of %s: %v, the explorer says %v", a.Columns[i+1].Name, clientele.ProfileID(n), got, want)
			}
		}
	}
	if people < 1 {
		p.Errorf("nobody was looked at: %v", a.Rows)
	}
}
