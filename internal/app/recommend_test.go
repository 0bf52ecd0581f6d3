package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"clientele"
)

// shoppers are 60 people: the even ones buy three of six tents, the odd ones three of six boots, in two orders.
func (p *program) shoppers() {
	p.Helper()
	var rows []string
	for i := range 60 {
		kind := []string{"tent", "boot"}[i%2]
		for k := range 3 {
			order := fmt.Sprintf("O%d-%d", i, k/2)
			rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"user_id","v":"s%d"}],"fields":{"order_id":%q,"ts":"2026-0%d-%02dT10:00:00Z"}}`, i, k, i, order, 1+k/2, 1+i%28),
				fmt.Sprintf(`{"table":"order_lines","id":"l%d-%d","fields":{"order_id":%q,"line":"%d","sku":"%s%d","name":"%s no. %d","category":%q,"quantity":"1","price":"9","ts":"2026-0%d-%02dT10:00:00Z"}}`, i, k, order, k, kind, (i/2+k*k)%6, kind, (i/2+k*k)%6, kind, 1+k/2, 1+i%28))
		}
	}
	p.rows("crm", rows...)
}

// TestRecommendations: by the orders of the platform, with stock as it is, and with purchases of a moment ago.
func TestRecommendations(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	who := id("user_id", "s0")
	p.batch(webKey, identify("i", "2026-02-27T11:00:00Z", `"userId":"s0"`, `{}`))
	if _, err := p.client.TrainRecommendations(ctx); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(err.Error(), "0 customers") {
		t.Errorf("without orders: %v", err)
	}
	if _, err := p.client.RecommendFor(ctx, who, clientele.RecommendQuery{}); clientele.ErrorCode(err) != clientele.Unavailable {
		t.Errorf("without a model: %v", err)
	}
	p.shoppers()
	s, err := p.client.TrainRecommendations(ctx)
	if err != nil || s.Customers != 60 || s.Products != 12 || s.Lines != 180 || len(s.Backtest) != 6 || s.Trained == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	ask := func(q clientele.RecommendQuery) (fresh, again string) {
		t.Helper()
		r, err := p.client.RecommendFor(ctx, who, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range r.New {
			fresh += x.Item + " "
		}
		for _, x := range r.Again {
			again += x.Item + " "
		}
		return fresh, again
	}
	fresh, again := ask(clientele.RecommendQuery{Limit: 3, Include: []string{"tent"}})
	for _, item := range []string{"tent0", "tent1", "tent4"} { // what s0 bought
		if strings.Contains(fresh, item) || !strings.Contains(again, item) {
			t.Errorf("%s: new %s, again %s", item, fresh, again)
		}
	}
	if len(strings.Fields(fresh)) != 3 || strings.Contains(fresh, "boot") {
		t.Errorf("new: %s", fresh)
	}
	first := strings.Fields(fresh)[0]
	p.rows("erp", fmt.Sprintf(`{"table":"inventory","id":"s","fields":{"sku":%q,"available":"0","as_of":"2026-02-20T00:00:00Z"}}`, first))
	if now, _ := ask(clientele.RecommendQuery{Include: []string{"tent"}}); strings.Contains(now, first) {
		t.Errorf("%s is sold out, and is offered: %s", first, now)
	}
	if now, _ := ask(clientele.RecommendQuery{Include: []string{"tent"}, SoldOut: true}); !strings.Contains(now, first) {
		t.Errorf("sold out things were asked for: %s", now)
	}
	p.rows("crm", `{"table":"orders","id":"new","ids":[{"ns":"user_id","v":"s0"}],"fields":{"order_id":"NEW","ts":"2026-02-27T10:00:00Z"}}`,
		fmt.Sprintf(`{"table":"order_lines","id":"newl","fields":{"order_id":"NEW","line":"1","sku":%q,"quantity":"1","ts":"2026-02-27T10:00:00Z"}}`, first))
	if now, back := ask(clientele.RecommendQuery{SoldOut: true}); strings.Contains(now, first) || !strings.Contains(back, first) {
		t.Errorf("%s was bought a moment ago: new %s, again %s", first, now, back)
	}
	with, err := p.client.RecommendWith(ctx, "boot1", clientele.RecommendQuery{Limit: 2})
	if err != nil || len(with.New) != 2 || !strings.HasPrefix(with.New[0].Item, "boot") || with.New[0].Name == "" {
		t.Errorf("%+v, %v", with, err)
	}
	if _, err := p.client.RecommendWith(ctx, "unheard", clientele.RecommendQuery{}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("a product that nobody bought: %v", err)
	}
	visit, err := p.client.RecommendSession(ctx, []string{"tent1", "boot1", "boot2"}, clientele.RecommendQuery{Limit: 1})
	if err != nil || !strings.HasPrefix(visit.New[0].Item, "boot") {
		t.Errorf("%+v, %v", visit, err)
	}
}
