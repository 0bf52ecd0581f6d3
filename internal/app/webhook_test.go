package app_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/config"
)

// hook is what the system shop calls.
func (p *program) hook(body string) {
	p.Helper()
	resp, err := http.Post(p.url+"/webhooks/shop?token=open+sesame", "application/json", strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.Fatalf("the call is answered %d", resp.StatusCode)
	}
}

// A document that a webhook's mapping cannot use waits in quarantine, whole, and comes in by a replay
// once the mapping is mended; what cannot be mapped even then stays, with the reason of today.
// A rebuild of the log tells the same.
func TestWebhookReplay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mapping := filepath.Join(t.TempDir(), "orders.yaml")
	write := func(amount string) {
		t.Helper()
		text := "currency: EUR\nidentifiers: {email: email}\nts: at\nrecords:\n  - table: orders\n    key: [id]\n    fields: {order_id: id, revenue: " + amount + "}\n  - event: {const: Ordered}\n    key: [id]\n"
		if err := os.WriteFile(mapping, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("total.text")
	c := settings(t)
	c.Sources = append(c.Sources, config.Source{Name: "shop", Kind: config.KindServer,
		Webhook: config.Webhook{Scheme: config.WebhookToken, Secrets: []string{"open sesame"}, Mapping: mapping}})
	p := run(t, c)
	long := strings.Repeat("x", 100<<10)
	for _, body := range []string{
		`{"id":"1","email":"ann@example.com","at":"2026-02-01T00:00:00Z","total":{"text":"ten","number":10},"note":"` + long + `"}`,
		`{"id":"2","email":"bob@example.com","at":"2026-02-01T00:00:00Z","total":{"text":"20","number":"twenty"}}`,
		`{"id":"3","email":"eve@example.com","at":"2026-02-01T00:00:00Z","total":{"text":"x","number":"y"}}`,
		`no JSON`,
	} {
		p.hook(body)
	}
	p.settle()
	p.tells(`select order_id from orders order by 1`, "2")
	before := p.allQuarantined(10)
	if len(before) != 3 {
		t.Fatalf("in quarantine: %+v", before)
	}
	for _, q := range before {
		if q.Source != "shop" || q.Kind != "row" || q.Reason == "" {
			t.Errorf("%+v", q)
		}
	}
	if n, err := p.client.Replay(ctx, nil); err != nil || n != 0 {
		t.Errorf("replayed %d with the old mapping: %v", n, err)
	}
	p.stop()

	write("total.number")
	p = run(t, c)
	p.settle()
	ids := make([]string, len(before))
	for i, q := range before {
		ids[i] = q.ID
	}
	if n, err := p.client.Replay(ctx, append(ids, "999999-1")); err != nil || n != 1 {
		t.Errorf("replayed %d: %v", n, err)
	}
	p.settle()
	p.tells(`select order_id, revenue from orders order by 1`, "1|10", "2|20")
	p.tells(`select name, count(*) from events group by 1`, "Ordered|2")
	after := p.allQuarantined(10)
	if len(after) != 2 || after[0].ReplayedAt == 0 || !slices.ContainsFunc(after, func(q clientele.Quarantined) bool { return strings.Contains(q.Reason, "total.number") }) {
		t.Errorf("still in quarantine: %+v", after)
	}
	if s := p.status(); s.Counts["quarantined"] != 2 || s.Counts["replayed"] != 1 {
		t.Errorf("%v", s.Counts)
	}
	// Sent again by its sender, or replayed again, it changes nothing.
	p.hook(`{"id":"1","email":"ann@example.com","at":"2026-02-01T00:00:00Z","total":{"text":"ten","number":10},"note":"` + long + `"}`)
	if n, err := p.client.Replay(ctx, []string{before[len(before)-1].ID}); err != nil || n != 0 {
		t.Errorf("replayed %d again: %v", n, err)
	}
	p.settle()
	p.tells(`select count(*) from orders`, "2")
	p.tells(`select count(*) from events`, "2")
	counts, digests := p.status().Counts, p.digests()
	p.stop()
	rebuild(t, c)
	p = run(t, c)
	same(t, digests, p.digests())
	if got := p.status().Counts; got["quarantined"] != counts["quarantined"] || got["replayed"] != counts["replayed"] {
		t.Errorf("after a rebuild %v, before %v", got, counts)
	}
}

// What a browser says by Sec-GPC is in its events, where a query reads it.
func TestPrivacyControlInSQL(t *testing.T) {
	t.Parallel()
	p := run(t, settings(t))
	p.batch(webKey, `{"type":"track","event":"A","userId":"u","messageId":"1","context":{"gpc":true}}`, `{"type":"track","event":"B","userId":"u","messageId":"2"}`)
	p.tells(`select name from events where context->>'gpc' = 'true'`, "A")
}
