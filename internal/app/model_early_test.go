package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele"
)

// starters imports n customers who came one after the other over 400 days: those whose first order was of tents mostly come back for more.
func (p *program) starters(n int) {
	p.Helper()
	begin := time.Date(2025, 1, 1, 10, 0, 0, 0, time.UTC)
	var rows []string
	for i := range n {
		first := begin.Add(time.Duration(float64(i) / float64(n) * 400 * 24 * float64(time.Hour)))
		category := "socks"
		if i%5 == 0 {
			category = "tents"
		}
		times := 1
		if i%5 == 0 && i%4 > 0 || i%37 == 0 {
			times = 6
		}
		for k := range times {
			if i*400/n+12*k >= 400 {
				break
			}
			ts := first.Add(time.Duration(k) * 12 * 24 * time.Hour).Format(time.RFC3339)
			ids := fmt.Sprintf(`"ids":[{"ns":"user_id","v":"u%d"}]`, i)
			rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d-%d",%s,"fields":{"order_id":"O%d-%d","ts":%q,"revenue":"%d"}}`, i, k, ids, i, k, ts, 40+i%13),
				fmt.Sprintf(`{"table":"order_lines","id":"l%d-%d",%s,"fields":{"order_id":"O%d-%d","line":"1","ts":%q,"sku":"S","category":%q,"quantity":"1","price":"30"}}`, i, k, ids, i, k, ts, category),
				fmt.Sprintf(`{"table":"order_lines","id":"m%d-%d",%s,"fields":{"order_id":"O%d-%d","line":"2","ts":%q,"sku":"T","category":"laces","quantity":"1","price":"5"}}`, i, k, ids, i, k, ts))
		}
	}
	for i := 0; i < len(rows); i += 2000 {
		p.rows("crm", rows[i:min(len(rows), i+2000)]...)
	}
	p.settle()
}

// New customers are scored by what is known of their first days: the report tells how many of the best are found, who has ordered for the first time is
// scored within seconds, and who is no longer new is not.
func TestModelOfNewCustomers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "stars", Kind: clientele.ModelEarly, Horizon: "90d", Top: 0.15}); err != nil {
		t.Fatal(err)
	}
	if m := p.trained("stars"); m.Trained.State != clientele.VersionRefused || !strings.Contains(m.Trained.Why, "too little data") {
		t.Fatalf("without orders: %+v", m.Trained)
	}
	p.starters(1500)
	m := p.trained("stars")
	if m.Promoted != m.Trained.Version || m.Trouble != "" || m.Trained.Metrics["first_day_found"] < .55 || m.Trained.Metrics["first_day_naive"] > .4 {
		t.Fatalf("%+v %s", m.Trained, m.Trouble)
	}
	p.paged("stars")
	report, err := p.client.ModelReport(ctx, "stars", 0)
	if err != nil || len(report.Measures) != 9 || report.Measures[0].Values["share_found"] != m.Trained.Metrics["first_day_found"] || !strings.Contains(report.Drivers[0].Name, "categories") {
		t.Fatalf("%+v %v", report, err)
	}
	// Those of the last 90 days, by the stage that they have reached; the best category leads.
	p.tells("select count(*) between 320 and 345, count(distinct stars_stage), min(stars_probability) >= 0, max(stars_percentile), count(*) filter (where stars_reasons is null) from profiles where stars_probability is not null", "true|3|true|100|0")
	p.tells(`with tents as (select distinct l.profile_id from order_lines l where category = 'tents')
		select avg(stars_probability) filter (where t.profile_id is not null) > 3 * avg(stars_probability) filter (where t.profile_id is null) from profiles p left join tents t using (profile_id) where stars_probability is not null`, "true")

	p.rows("crm", `{"table":"orders","id":"n","ids":[{"ns":"user_id","v":"new"}],"fields":{"order_id":"N","ts":"2026-02-05T08:00:00Z","revenue":"44"}}`,
		`{"table":"order_lines","id":"nl","ids":[{"ns":"user_id","v":"new"}],"fields":{"order_id":"N","line":"1","ts":"2026-02-05T08:00:00Z","sku":"S","category":"tents","quantity":"1","price":"30"}}`)
	eventually(t, "a first order is scored", func() bool { return p.prediction("new", "stars", "stage") == "first day" })
	eventually(t, "by what was bought", func() bool {
		r := p.prediction("new", "stars", "reasons")
		return strings.HasPrefix(r, "+ categories")
	})
	if _, err := p.client.ModelBaseline(ctx, "stars", 0, "", ""); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a baseline of a model that is not of value: %v", err)
	}
	if old := p.prediction("u5", "stars", "probability"); old != "" {
		t.Errorf("who is a customer for long has %s", old)
	}
}
