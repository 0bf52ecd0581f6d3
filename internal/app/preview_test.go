package app_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"clientele"
)

// A preview tells count, share, revenue and what each condition does; an edit asks for one leaf; audiences
// are compared; values are proposed with their counts.
func TestPreviewOverlapValues(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	for i := range 12 {
		p.batch(webKey, track(fmt.Sprint("o", i), "Order Completed", "2026-02-27T11:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"order_id":"O%d","revenue":%d,"currency":"USD","kind":"%s"}`, i, i*10, []string{"Tent", "tarp", "rope"}[i%3])))
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	const big, tents = `{"event":"Order Completed","where":[{"property":"revenue","op":"gte","value":90}]}`, `{"event":"Order Completed","where":[{"property":"kind","op":"eq","value":"Tent"}]}`
	v, err := p.client.PreviewAudience(ctx, clientele.RawJSON(`{"and":[`+big+`,`+tents+`]}`))
	if err != nil || v.Count != 1 || v.Total != 12 || v.Share != 1.0/12 || v.Revenue != "90" || v.RevenueShare != 90.0/660 || len(v.Sample) != 1 || v.Leaves != 2 || v.Computed != 2 || v.Commit == 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	if len(v.Breakdown) != 2 || v.Breakdown[0].Count != 3 || v.Breakdown[0].Without != 4 || v.Breakdown[1].Count != 4 || v.Breakdown[1].Without != 3 {
		t.Errorf("breakdown %+v", v.Breakdown)
	}
	if v, err = p.client.PreviewAudience(ctx, clientele.RawJSON(`{"and":[`+big+`,{"not":`+tents+`}]}`)); err != nil || v.Count != 2 || v.Computed != 0 {
		t.Errorf("after an edit: %+v, %v", v, err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "tents", Where: clientele.RawJSON(tents)}); err != nil {
		t.Fatal(err)
	}
	p.filled("tents")
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	o, err := p.client.AudienceOverlap(ctx, []clientele.AudienceToCompare{{Name: "tents"}, {Where: clientele.RawJSON(big)}})
	if err != nil || !reflect.DeepEqual(o.Common, [][]int64{{4, 1}, {1, 3}}) || o.Any != 6 || o.All != 1 || o.Total != 12 || o.Audiences[0] != "tents" {
		t.Errorf("overlap: %+v, %v", o, err)
	}
	if _, err := p.client.AudienceOverlap(ctx, []clientele.AudienceToCompare{{Name: "nobody"}}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("an audience that is not there: %v", err)
	}
	o, err = p.client.AudienceOverlap(ctx, []clientele.AudienceToCompare{{Name: "nobody", Optional: true}, {Name: "tents", Optional: true}})
	if err != nil || !reflect.DeepEqual(o.Audiences, []string{"tents"}) || !reflect.DeepEqual(o.Counts, []int64{4}) {
		t.Errorf("one that may be gone: %+v, %v", o, err)
	}
	if _, err := p.client.AudienceOverlap(ctx, []clientele.AudienceToCompare{{Name: "nobody", Optional: true}}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("all are gone: %v", err)
	}
	if _, err := p.client.AudienceOverlap(ctx, []clientele.AudienceToCompare{{}}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("nothing to compare: %v", err)
	}
	for _, q := range []struct {
		query clientele.ValuesQuery
		want  []clientele.ValueCount
	}{
		{clientele.ValuesQuery{Of: clientele.ValuesOfEvent, Limit: 5}, []clientele.ValueCount{{Value: "Order Completed", Count: 12}}},
		{clientele.ValuesQuery{Of: clientele.ValuesOfProperty, Name: "Order Completed", Property: "kind", Prefix: "T", Limit: 5}, []clientele.ValueCount{{Value: "Tent", Count: 4}, {Value: "tarp", Count: 4}}},
		{clientele.ValuesQuery{Of: clientele.ValuesOfTrait, Name: "none'; --", Limit: 5}, nil},
	} {
		got, err := p.client.Values(ctx, q.query)
		if err != nil || len(got) != len(q.want) || len(got) > 0 && !reflect.DeepEqual(got, q.want) {
			t.Errorf("%+v: %+v, %v", q.query, got, err)
		}
	}
}
