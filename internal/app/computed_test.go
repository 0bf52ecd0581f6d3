package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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
	var ahead atomic.Int64
	o := options()
	o.Now = func() time.Time { return clock().Add(time.Duration(ahead.Load())) }
	c := settings(t)
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(mine, []byte("- name: looks_30d\n  definition: {event: Looked, count: true, within: 30d}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.ComputedTraits = []string{"pack:commerce", mine}
	p := openWith(t, c, o)
	if err := p.ready(); err != nil {
		t.Fatal(err)
	}
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
	p = openWith(t, c, o)
	if err := p.ready(); err != nil {
		t.Fatal(err)
	}
	same(t, was, p.digests())
}
