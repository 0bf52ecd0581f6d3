package app_test

import (
	"context"
	"fmt"
	"testing"

	"clientele"
)

// Who wants what is in stock: of the cart, the wish list and what was viewed twice, in the usual size. A stock that
// changes moves those that want the SKU, and nobody else; a rebuild comes to the same.
func TestStockOfWhatIsWanted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	n := 0
	did := func(who, event, sku, size string) {
		n++
		p.batch(webKey, track(fmt.Sprint("w", n), event, fmt.Sprintf("2026-02-27T11:%02d:00Z", n), fmt.Sprintf(`"userId":%q`, who), fmt.Sprintf(`{"sku":%q,"category":"boots","size":%q}`, sku, size)))
	}
	stocked := func(sku, available, at string) {
		n++
		p.rows("erp", fmt.Sprintf(`{"table":"inventory","id":"s%d","fields":{"sku":%q,"available":%q,"as_of":"2026-02-%sT00:00:00Z"}}`, n, sku, available, at))
	}
	did("cart", "Product Added", "B-42", "42")
	did("gone", "Product Added", "B-42", "42")
	did("gone", "Product Removed", "B-42", "42")
	did("wish", "Product Added to Wishlist", "B-42", "42")
	did("looked", "Product Viewed", "B-42", "42")
	did("twice", "Product Viewed", "B-42", "42")
	did("twice", "Product Viewed", "B-42", "42")
	did("small", "Product Added", "B-42", "42")
	did("other", "Product Added", "T-1", "")
	p.rows("crm", `{"table":"orders","id":"o1","ids":[{"ns":"user_id","v":"small"}],"fields":{"order_id":"O1","ts":"2026-01-01T10:00:00Z"}}`,
		`{"table":"order_lines","id":"l1","fields":{"order_id":"O1","line":"1","category":"boots","size":"38","ts":"2026-01-01T10:00:00Z"}}`)
	stocked("B-42", "0", "20")
	stocked("T-1", "5", "20")
	p.settle()
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "can have it", Where: clientele.RawJSON(`{"catalog":"wanted_skus","available":{"op":"gt","value":0}}`)}); err != nil {
		t.Fatal(err)
	}
	if p.filled("can have it"); p.membersOf("can have it") != "other" {
		t.Fatalf("while it is out: %s", p.membersOf("can have it"))
	}
	is := func(what, want string) {
		t.Helper()
		eventually(t, what, func() bool { return p.membersOf("can have it") == want })
	}
	stocked("B-42", "3", "21")
	is("it is back", "cart wish twice other")
	if v, err := p.client.PreviewAudience(ctx, clientele.RawJSON(`{"catalog":"wanted_skus","available":{"op":"between","value":[2,4]}}`)); err != nil || v.Count != 3 {
		t.Errorf("preview: %+v, %v", v, err)
	}
	stocked("B-42", "0", "19") // an older figure says nothing
	did("looked", "Product Viewed", "B-42", "42")
	is("a second view makes it wanted", "cart wish looked twice other")
	did("cart", "Order Completed", "", "")
	is("the cart is ordered", "wish looked twice other")
	stocked("B-42", "0", "22")
	is("it is out again", "other")
	p.settle()
	rows := p.sql("select profile_id, entered_at, exited_at, entered_reason, exited_reason from audience_members order by all")
	was := p.digests()
	p.stop()
	rebuild(t, c)
	q := run(t, c)
	q.settle()
	if got := q.sql("select profile_id, entered_at, exited_at, entered_reason, exited_reason from audience_members order by all"); fmt.Sprint(got) != fmt.Sprint(rows) {
		t.Errorf("after a rebuild the memberships are\n%v\nwere\n%v", got, rows)
	}
	same(t, was, q.digests())
}
