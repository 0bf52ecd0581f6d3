package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"clientele"
)

// The people behind a number become an audience that goes on by itself, where a definition says the same; a question can
// be about the people of a definition.
func TestAudienceOfACell(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	for i := range 12 {
		who := fmt.Sprintf(`"userId":"u%d"`, i)
		p.batch(webKey, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", who, fmt.Sprintf(`{"homeCity":%q,"age":%d}`, []string{"Hue", "Hanoi"}[i%2], 20+i%3)),
			track(fmt.Sprint("v", i), "Product Viewed", "2026-02-28T11:00:00Z", who, fmt.Sprintf(`{"category":%q}`, []string{"tents", "boots", "stoves"}[i%3])),
			track(fmt.Sprint("o", i), "Order Completed", "2026-02-28T12:00:00Z", who, fmt.Sprintf(`{"order_id":"O%d","revenue":%d,"currency":"USD"}`, i, 10*i)))
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	metric := func(measure string, by ...string) clientele.Question {
		return clientele.Question{Kind: "metric", Measures: []string{measure}, By: by}
	}
	people := metric("customers", "home_city")
	people.People = clientele.RawJSON(`{"event":"Product Viewed","where":[{"property":"category","op":"eq","value":"tents"}]}`)
	r, err := p.client.Explore(ctx, people)
	if err != nil || fmt.Sprint(r.Rows) != "[[Hanoi 2] [Hue 2]]" {
		t.Errorf("by people: %v, %v", r, err)
	}
	until := metric("people(events)[event=Product Viewed and category=boots]", "home_city")
	until.Until = "2026-02-28T11:00:00Z" // not part of the span
	for i, c := range []struct {
		q     clientele.Question
		cell  clientele.Cell
		reads string
		n     int64
	}{
		{metric("customers", "home_city", "age"), clientele.Cell{"home_city": "Hue", "age": "20.0"}, "age = 20", 2},
		{people, clientele.Cell{"home_city": "Hue"}, `category = "tents"`, 2},
		{metric("people(events)[event=Product Viewed and category=boots]", "home_city"), clientele.Cell{"home_city": "Hanoi"}, `homeCity = "Hanoi"`, 2},
		{metric("events[Product Viewed|Order Completed]", "category"), clientele.Cell{"category": "stoves"}, "stoves", 4},
		{metric("revenue", "home_city"), clientele.Cell{"home_city": "Hue"}, "", 6},
		{metric("customers", "month"), clientele.Cell{"month": "2026-02-01"}, "", 12},
		{until, clientele.Cell{"home_city": "Hanoi"}, `to 2026-02-28T10:59:59.999999Z`, 0},
	} {
		a, err := p.client.ExploreAudience(ctx, clientele.SegmentRequest{Question: c.q, Cell: c.cell, Name: fmt.Sprint("a", i)})
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if v := p.filled(a.Name); c.reads == "" {
			if v.Kind != clientele.AudienceSQL || v.Members != c.n || !strings.HasPrefix(v.Description, "kept by a query: ") {
				t.Errorf("%d: %+v", i, v)
			}
		} else if v.Members != c.n || !strings.Contains(v.Reads, c.reads) {
			t.Errorf("%d: %d members of %s", i, v.Members, v.Reads)
		}
	}
	if _, err := p.client.ExploreAudience(ctx, clientele.SegmentRequest{Question: metric("customers", "home_city"), Cell: clientele.Cell{"home_city": "Hue"}, Name: "a0"}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("twice: %v", err)
	}
	bad := metric("customers")
	bad.People = clientele.RawJSON(`{"audience":"none"}`)
	if _, err := p.client.Explore(ctx, bad); clientele.ErrorCode(err) != clientele.Invalid || !strings.HasPrefix(err.Error(), "people: ") {
		t.Errorf("people of no audience: %v", err)
	}
}
