package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"clientele"
)

// An audience of a percentile compares with what stood there at the last computation, which is shown, computed
// again on demand, and the same after a rebuild.
func TestPercentile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.ComputedTraits = []string{"pack:commerce"}
	p := run(t, c)
	order := func(i int, revenue int) {
		p.batch(webKey, track(fmt.Sprint("o", i), "Order Completed", "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%02d"`, i), fmt.Sprintf(`{"order_id":"O%d","revenue":%d}`, i, revenue)))
	}
	for i := range 11 {
		order(i, i*10)
	}
	eventually(t, "the pack is filled", func() bool { return filled(p) })
	p.settle()
	where := clientele.RawJSON(`{"trait":"computed.revenue","percentile":{"op":"gte","value":80}}`)
	preview, err := p.client.PreviewAudience(ctx, where)
	if err != nil || preview.Count != 3 || len(preview.Percentiles) != 1 || preview.Percentiles[0].Value == nil || *preview.Percentiles[0].Value != 80 || preview.Percentiles[0].Profiles != 11 {
		t.Fatalf("preview: %+v, %v", preview, err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "top", Where: where}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "top is live", func() bool { return p.membersOf("top") == "u08 u09 u10" })
	list, err := p.client.Percentiles(ctx)
	if err != nil || len(list) != 1 || list[0].Value == nil || *list[0].Value != 80 || list[0].At == 0 {
		t.Fatalf("thresholds: %+v, %v", list, err)
	}
	// A newcomer is held against the threshold of the last computation, in real time.
	order(11, 85)
	eventually(t, "u11 is in it", func() bool { return strings.Contains(p.membersOf("top"), "u11") })
	for i := 12; i < 20; i++ {
		order(i, 1000)
	}
	p.settle()
	eventually(t, "all twelve are above it", func() bool { return len(strings.Fields(p.membersOf("top"))) == 12 })
	if list, err = p.client.RefreshPercentiles(ctx); err != nil || *list[0].Value != 1000 {
		t.Fatalf("refreshed: %+v, %v", list, err)
	}
	eventually(t, "those below the new threshold have left", func() bool { return len(strings.Fields(p.membersOf("top"))) == 8 })
	v := p.filled("top")
	if len(v.Percentiles) != 1 || *v.Percentiles[0].Value != 1000 || v.Members != 8 {
		t.Errorf("the audience says %+v", v)
	}
	p.settle()
	rows, was := p.sql("select audience, profile_id, entered_at, exited_at from audience_members order by all"), p.digests()
	p.stop()
	rebuild(t, c)
	q := run(t, c)
	q.settle()
	if got := q.sql("select audience, profile_id, entered_at, exited_at from audience_members order by all"); fmt.Sprint(got) != fmt.Sprint(rows) {
		t.Errorf("after a rebuild the memberships are\n%v\nwere\n%v", got, rows)
	}
	same(t, was, q.digests())
}
