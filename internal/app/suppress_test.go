package app_test

import (
	"context"
	"fmt"
	"testing"

	"clientele"
	"clientele/internal/config"
)

// Suppress rules take people out of an audience, of a static one too: the preview and the audience say how many each
// takes, alone and in its turn, and who is left out is listed with the rule. What is told of a person lets him in.
func TestSuppress(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Audiences = []config.Audience{{Name: "from file", Where: map[string]any{"event": "View"}, Suppress: []any{map[string]any{"name": "poor", "when": map[string]any{"trait": "value", "op": "lt", "value": 10}}}}}
	p := run(t, c)
	for i := range 6 {
		who := fmt.Sprintf(`"userId":"u%d"`, i)
		p.batch(webKey, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", who, fmt.Sprintf(`{"value":%d,"consent":{"marketing":%t}}`, i*5, i%2 == 0)),
			track(fmt.Sprint("v", i), "View", "2026-02-27T12:00:00Z", who, `{}`))
	}
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	where := clientele.RawJSON(`{"event":"View"}`)
	rules := clientele.RawJSON(`[{"name":"no consent","when":{"not":{"consent":"marketing","granted":true}}},{"name":"poor","when":{"trait":"value","op":"lt","value":10}}]`)
	want := "[{no consent not consent to marketing 3 3} {poor value < 10 2 1}]"
	preview, err := p.client.PreviewAudience(ctx, clientele.WithSuppress(where, rules))
	if err != nil || preview.Count != 2 || preview.Meant != 6 || fmt.Sprint(preview.Suppressed) != want {
		t.Errorf("preview: %+v, %v", preview, err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "mail", Where: where, Suppress: rules}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("mail"); v.Members != 2 || p.membersOf("mail") != "u2 u4" || fmt.Sprint(v.Suppressed) != want || string(v.Suppress) != string(rules) || string(v.Where) != string(where) {
		t.Errorf("filled: %+v with %s", v, p.membersOf("mail"))
	}
	left, _, err := p.client.SuppressedProfiles(ctx, "mail", 100, "")
	if err != nil || len(left) != 4 || left[0].By != "poor" || left[1].By != "no consent" || len(left[1].Rules) != 2 {
		t.Errorf("left out: %+v, %v", left, err)
	}
	p.batch(webKey, identify("yes", "2026-02-28T11:00:00Z", `"userId":"u3"`, `{"consent":{"marketing":true}}`))
	eventually(t, "u3 may be written to", func() bool { return p.membersOf("mail") == "u2 u3 u4" })
	p.batch(webKey, identify("no", "2026-02-28T12:00:00Z", `"userId":"u2"`, `{"consent":{"marketing":false}}`))
	eventually(t, "u2 has refused", func() bool { return p.membersOf("mail") == "u3 u4" })
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if rows := p.sql("select exited_reason from audience_members where exited_at is not null"); fmt.Sprint(rows) != "[suppressed]" {
		t.Errorf("why u2 left: %v", rows)
	}
	if v := p.filled("from file"); v.Members != 4 || len(v.Suppressed) != 1 {
		t.Errorf("of the configuration: %+v", v)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "list", Kind: clientele.AudienceStatic, Suppress: rules}); err != nil {
		t.Fatal(err)
	}
	if r, err := p.client.UploadAudience(ctx, "list", clientele.AudienceUpload{Mode: clientele.ListReplace, Namespace: clientele.UserID}, []byte("u4\nu5\n")); err != nil || r.Matched != 2 || r.Members != 1 {
		t.Errorf("a static one: %+v, %v", r, err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "list", Kind: clientele.AudienceStatic}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("list"); v.Members != 2 || v.Suppressed != nil {
		t.Errorf("without rules: %+v", v)
	}
	before := p.digests()
	p = p.rebuilt(c)
	for name, d := range p.digests() {
		if before[name] != d {
			t.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
}

// Who returns more than a share of what he buys is left out, and comes back in when he keeps more.
func TestSuppressWhoReturnsMuch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.ComputedTraits = []string{"pack:commerce"}
	p := run(t, c)
	order := func(who string, n int, lines ...string) {
		for i, sku := range lines {
			p.rows("crm", fmt.Sprintf(`{"table":"order_lines","id":"l-%[1]s-%[2]d-%[3]d","ids":[{"ns":"user_id","v":%[1]q}],"fields":{"order_id":"%[1]s-%[2]d","line":"%[3]d","sku":%[4]q,"ts":"2026-02-20T10:00:00Z","quantity":"1","price":"10"}}`, who, n, i, sku))
		}
		p.rows("crm", fmt.Sprintf(`{"table":"orders","id":"o-%[1]s-%[2]d","ids":[{"ns":"user_id","v":%[1]q}],"fields":{"order_id":"%[1]s-%[2]d","ts":"2026-02-20T10:00:00Z","revenue":"10"}}`, who, n))
	}
	back := func(who string, n, line int) {
		p.rows("crm", fmt.Sprintf(`{"table":"returns","id":"r-%[1]s-%[2]d-%[3]d","ids":[{"ns":"user_id","v":%[1]q}],"fields":{"return_id":"%[1]s-%[2]d-%[3]d","order_id":"%[1]s-%[2]d","line":"%[3]d","ts":"2026-02-22T10:00:00Z","amount":"10"}}`, who, n, line))
	}
	order("keeps", 1, "a", "b")
	order("some", 1, "a", "b", "c", "d")
	order("much", 1, "a", "b")
	back("some", 1, 0)
	back("much", 1, 1)
	eventually(t, "the pack is filled", func() bool { return filled(p) })
	p.settle()
	rules := clientele.RawJSON(`[{"name":"returns much","when":{"trait":"computed.return_rate","op":"gt","value":0.4}}]`)
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "offer", Where: clientele.RawJSON(`{"trait":"computed.orders","op":"gte","value":1}`), Suppress: rules}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("offer"); p.membersOf("offer") != "keeps some" || len(v.Suppressed) != 1 || v.Suppressed[0].Alone != 1 || v.Suppressed[0].Removed != 1 {
		t.Errorf("members are %q, left out %+v", p.membersOf("offer"), v.Suppressed)
	}
	order("much", 2, "c", "d", "e")
	eventually(t, "who keeps more is let in", func() bool { return p.membersOf("offer") == "keeps some much" })
	back("keeps", 1, 0)
	eventually(t, "who returns more is left out", func() bool { return p.membersOf("offer") == "some much" })
}
