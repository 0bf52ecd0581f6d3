package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"clientele"
)

// An older baseline stands against the present one: by versions and by days, with what was bought.
func TestModelBaseline(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.ModelBaseline(ctx, "ltv", 0, "", ""); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("nothing is promoted: %v", err)
	}
	p.buyers(400)
	if m := p.trained("ltv"); m.Promoted != 1 {
		t.Fatalf("%+v", m)
	}
	r, err := p.client.ModelBaseline(ctx, "ltv", 0, "2025-10-31", "")
	if err != nil || r.Old.Version != 1 || r.New.Version != 1 || r.Old.People == 0 || r.Old.People > r.New.People || len(r.Mix) != 0 || len(r.Notes) != 1 {
		t.Fatalf("without lines: %+v, %v", r, err)
	}
	// What the orders were of: lamps up to October, then tents.
	var rows []string
	for _, x := range p.sql("select o.order_id, i.value, case when ts < timestamptz '2025-11-01 00:00:00+00' then 'lamps' else 'tents' end, o.revenue from orders o join identifiers i using (profile_id) where i.namespace = 'user_id' order by 1") {
		v := strings.Split(x, "|")
		rows = append(rows, fmt.Sprintf(`{"table":"order_lines","id":"l%s","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":%q,"line":"1","sku":"S","category":%q,"quantity":"1","price":%q}}`, v[0], v[1], v[0], v[2], v[3]))
	}
	for i := 0; i < len(rows); i += 2000 {
		p.rows("crm", rows[i:min(len(rows), i+2000)]...)
	}
	p.settle()
	if m := p.trained("ltv"); m.Trained.Version != 2 || m.Promoted != 2 {
		t.Fatalf("%+v", m)
	}
	if r, err = p.client.ModelBaseline(ctx, "ltv", 0, "2025-10-31", "category"); err != nil || r.Old.Version != 1 || r.New.Version != 2 || len(r.Mix) != 3 || len(r.Notes) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Mix[0].Name != "lamps" || r.Mix[0].Weight != "lost" || r.Mix[0].Before != 1 || r.Mix[2].Name != "tents" || r.Mix[2].Weight != "gained" || r.Faded == 0 || r.FadedOut == 0 || r.FadedOut > r.Faded {
		t.Errorf("%+v", r)
	}
	people := int64(0)
	for _, m := range r.Moves {
		people += m.People
	}
	if people < r.New.People {
		t.Errorf("%d people in the moves, %d now", people, r.New.People)
	}
	if r, err = p.client.ModelBaseline(ctx, "ltv", 2, "", "product"); err != nil || r.Old.Version != 2 || r.By != "product" || r.New.Day-r.Old.Day != 90*86_400_000_000 {
		t.Errorf("90 days ago: %+v, %v", r, err)
	}
	for _, c := range []struct {
		version   int
		since, by string
	}{{0, "2027-01-01", ""}, {0, "soon", ""}, {0, "2020-01-01", ""}, {9, "", ""}} {
		if _, err := p.client.ModelBaseline(ctx, "ltv", c.version, c.since, c.by); clientele.ErrorCode(err) != clientele.Invalid && clientele.ErrorCode(err) != clientele.NotFound {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
