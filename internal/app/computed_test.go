package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele"
)

func filled(p *program) bool {
	p.Helper()
	list, err := p.client.ComputedTraits(context.Background())
	if err != nil {
		p.Fatal(err)
	}
	for _, t := range list {
		if !t.Live || t.Filling || t.Progress < 1 {
			return false
		}
	}
	return len(list) > 0
}

// The commerce pack is filled from what there is, on profile and in typed columns, follows orders and time, and is
// the same after a rebuild.
func TestComputedTraits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o, ahead := optionsAhead()
	c := settings(t)
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(mine, []byte("- name: looks_30d\n  definition: {event: Looked, count: true, within: 30d}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.ComputedTraits = []string{"pack:commerce", mine}
	p := runWith(t, c, o)
	p.batch(webKey, track("l1", "Looked", "2026-02-20T10:00:00Z", `"anonymousId":"a"`, `{}`), track("l2", "Looked", "2026-01-05T10:00:00Z", `"userId":"ann"`, `{}`))
	p.rows("crm", `{"table":"orders","id":"o1","ids":[{"ns":"user_id","v":"ann"}],"fields":{"order_id":"O1","ts":"2026-02-01T10:00:00Z","revenue":"100.5","sales_channel":"store"}}`,
		`{"table":"orders","id":"o2","ids":[{"ns":"user_id","v":"ann"}],"fields":{"order_id":"O2","ts":"2026-02-11T10:00:00Z","revenue":"20","sales_channel":"web"}}`,
		`{"table":"order_lines","id":"l1","fields":{"order_id":"O1","line":"1","category":"tents","price":"100.5","list_price":"100.5","unit_cost":"60"}}`,
		`{"table":"order_lines","id":"l2","fields":{"order_id":"O2","line":"1","category":"boots","price":"20","list_price":"25"}}`,
		`{"table":"returns","id":"r1","fields":{"return_id":"R1","order_id":"O2","amount":"20"}}`)
	eventually(t, "the traits are filled", func() bool { return filled(p) })
	p.settle()
	got := p.profile("user_id", "ann").Computed
	for name, want := range map[string]string{"orders": "2", "revenue": "100.5", "average_order": "60.25", "margin": "40.5", "days_since_order": "18", "return_rate": "0.5",
		"full_price_share": "0.5", "looks_30d": "0"} {
		if s := fmt.Sprint(got[name]); s != want {
			t.Errorf("%s is %s, want %s (all: %v)", name, s, want, got)
		}
	}
	p.tells("select orders, revenue, days_since_order, return_rate, looks_30d from profiles where orders > 0", "2|100.5|18|0.5|0")
	// Who was anonymous is ann; a third order; time.
	p.batch(webKey, identify("i", "2026-02-21T10:00:00Z", `"userId":"ann","anonymousId":"a"`, `{}`))
	p.rows("crm", `{"table":"orders","id":"o3","ids":[{"ns":"user_id","v":"ann"}],"fields":{"order_id":"O3","ts":"2026-02-28T10:00:00Z","revenue":"1"}}`)
	p.settle()
	p.tells("select orders, revenue, days_since_order, looks_30d from profiles where orders > 0", "3|101.5|1|1")
	ahead.Add(int64(40 * 24 * time.Hour))
	eventually(t, "time has passed", func() bool {
		return strings.Join(p.sql("select days_since_order, looks_30d from profiles where orders > 0"), "") == "41|0"
	})
	preview, err := p.client.PreviewComputedTrait(ctx, clientele.ComputedTrait{Name: "x", Definition: clientele.RawJSON(`{"table":"orders","max":"revenue"}`)}, id("user_id", "ann"))
	if err != nil || string(preview.Value) != "100.5" {
		t.Errorf("preview %s, %v", preview.Value, err)
	}
	if _, err := p.client.SetComputedTrait(ctx, clientele.ComputedTrait{Name: "orders", Definition: clientele.RawJSON(`{"table":"orders","count":true}`)}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("the configuration's trait can be set: %v", err)
	}
	was := p.digests()
	p.stop()
	rows := rowDigest(t, c)
	rebuild(t, c)
	if got := rowDigest(t, c); got != rows {
		t.Error("a rebuild comes to other rows")
	}
	p = runWith(t, c, o)
	same(t, was, p.digests())
}

// packOfTheShop holds every trait of the commerce pack, of every profile, against SQL on the tables.
func (p *program) packOfTheShop() {
	p.Helper()
	eventually(p.T, "the pack is filled", func() bool { return filled(p) })
	p.settle()
	now := "timestamptz '" + clock().UTC().Format("2006-01-02 15:04:05") + "+00'"
	kept, year := "from orders where status is distinct from 'cancelled'", " and ts >= date_trunc('day', ("+now+" - interval 365 days) at time zone 'UTC') at time zone 'UTC'"
	net, total := "(coalesce(quantity, 1) * price - coalesce(discount, 0))", "(coalesce(quantity, 1) * list_price)"
	both := func(from string) string {
		return "select coalesce(a.profile_id, b.profile_id) as profile_id, coalesce(x, 0) - coalesce(y, 0) as v from (select profile_id, sum(revenue) as x " + kept + from +
			" group by 1 having sum(revenue) is not null) a full join (select profile_id, sum(amount) as y from returns where true" + from + " group by 1 having sum(amount) is not null) b on a.profile_id = b.profile_id"
	}
	for name, query := range map[string]string{
		"orders":           "select profile_id, count(*) as v " + kept + " group by 1",
		"orders_12m":       "select profile_id, count(*) as v " + kept + year + " group by 1",
		"revenue":          both(""),
		"revenue_12m":      both(year),
		"average_order":    "select profile_id, avg(revenue) as v " + kept + " group by 1",
		"margin":           "select profile_id, sum(" + net + " - coalesce(quantity, 1) * unit_cost) as v from order_lines group by 1",
		"days_since_order": "select profile_id, greatest(0, (epoch_us(" + now + ") - epoch_us(max(ts))) // 86400000000) as v " + kept + " group by 1",
		"return_rate":      "select profile_id, coalesce(any_value(n), 0) * 1.0 / count(*) as v from order_lines left join (select profile_id, count(*) as n from returns group by 1) r using (profile_id) group by 1",
		"full_price_share": "select profile_id, avg(case when " + net + " >= " + total + " then 1 else 0 end) as v from order_lines where price is not null and list_price is not null group by 1",
		"discount_share":   "select profile_id, sum(" + total + " - " + net + ") / nullif(sum(" + total + "), 0) as v from order_lines where price is not null and list_price is not null group by 1",
		"sales_channels":   "select profile_id, to_json(list_sort(list(distinct sales_channel) filter (sales_channel is not null))) as v from orders group by 1",
		"loyalty_points":   "select profile_id, sum(points) as v from loyalty_accounts group by 1",
	} {
		same := "abs(cast(c as double) - cast(v as double)) <= 1e-9 * greatest(1, abs(cast(v as double)))"
		if name == "sales_channels" {
			same = "cast(c as varchar) = cast(v as varchar)"
		}
		missing := "c is null and v is null"
		if strings.HasPrefix(name, "orders") {
			missing = "c = 0 and v is null"
		} else if name == "sales_channels" {
			missing = "c is null and (v is null or cast(v as varchar) = '[]')"
		}
		rows := p.sql("select profile_id, c, v from (select p.profile_id, p." + name + " as c, q.v from profiles p left join (" + query + ") q on p.profile_id = q.profile_id) x where not coalesce((" + same + ") or (" + missing + "), false)")
		if len(rows) > 0 {
			p.Errorf("%s differs for %d profiles: %v", name, len(rows), rows[:min(5, len(rows))])
		}
		if got := p.sql("select count(*) from profiles where " + name + " is not null"); fmt.Sprint(got) == "[0]" && name != "margin" { // the shop's lines say no cost
			p.Errorf("nobody has %s", name)
		}
	}
	for name, of := range map[string][2]string{"favourite_category": {"category", "order_lines"}, "favourite_channel": {"sales_channel", "orders"}} {
		rows := p.sql(fmt.Sprintf("with n as (select profile_id, %[2]s as v, count(*) as n from %[3]s where profile_id is not null and %[2]s is not null group by 1, 2) "+
			"select p.profile_id, p.%[1]s from profiles p left join (select profile_id, max(n) as most from n group by 1) m on m.profile_id = p.profile_id left join n on n.profile_id = p.profile_id and n.v = p.%[1]s where m.most is distinct from n.n", name, of[0], of[1]))
		if len(rows) > 0 {
			p.Errorf("%s is not the most frequent of %d profiles: %v", name, len(rows), rows[:min(5, len(rows))])
		}
	}
}
