package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"clientele/internal/config"
)

const hooks = `
sources:
  - {name: web, write_key: WEB_KEY}
  - name: shop
    webhook:
      scheme: hmac-sha256
      header: X-Shopify-Hmac-Sha256
      encoding: base64
      secrets: [new-secret, old-secret]
      mapping: shop.yaml
  - name: pay
    kind: server
    webhook: {scheme: stripe, secrets: [whsec_12345678], tolerance: 10m, id_field: id, event_field: type}
collect: {public_url: "https://data.shop.example", sdk_dir: /opt/web-sdk, rate_limit: 1000}
`

func TestWebhooks(t *testing.T) {
	c, err := config.Parse("c.yaml", []byte(hooks))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	want := []config.Webhook{{},
		{Scheme: config.WebhookSHA256, Header: "X-Shopify-Hmac-Sha256", Encoding: "base64", Secrets: []string{"new-secret", "old-secret"},
			Tolerance: config.Duration(5 * time.Minute), Mapping: "shop.yaml", Event: "Webhook Received"},
		{Scheme: config.WebhookStripe, Header: "Stripe-Signature", Encoding: "hex", Secrets: []string{"whsec_12345678"},
			Tolerance: config.Duration(10 * time.Minute), Event: "Webhook Received", EventField: "type", IDField: "id"}}
	for i, s := range c.Sources {
		if !reflect.DeepEqual(s.Webhook, want[i]) {
			t.Errorf("%s: %+v", s.Name, s.Webhook)
		}
		if s.Name == "shop" && s.Kind != config.KindServer {
			t.Errorf("kind %s", s.Kind)
		}
	}
	if c.Collect != (config.Collect{PublicURL: "https://data.shop.example", SDKDir: "/opt/web-sdk", RateLimit: 1000}) {
		t.Errorf("%+v", c.Collect)
	}
	shown, err := c.Redacted().YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown, "secret\n") || strings.Contains(shown, "whsec_12345678") || strings.Contains(shown, "new-secret") {
		t.Errorf("secrets are shown:\n%s", shown)
	}
	if c.Sources[1].Webhook.Secrets[0] != "new-secret" {
		t.Error("hiding changed the original")
	}
	if n := strings.Count(shown, "webhook:"); n != 2 {
		t.Errorf("%d sources show a webhook:\n%s", n, shown)
	}
	full, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := config.Parse("again", []byte(full)); err != nil || !reflect.DeepEqual(again.Sources[1].Webhook, c.Sources[1].Webhook) || again.Collect != c.Collect {
		t.Errorf("read back: %v", err)
	}
}

func TestWebhookProblems(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"{name: s, kind: server, webhook: {scheme: md5, secrets: [12345678]}}", "webhook.scheme is not known"},
		{"{name: s, write_key: K, webhook: {secrets: [12345678]}}", "webhook.scheme is empty"},
		{"{name: s, write_key: K, kind: browser, webhook: {scheme: token, secrets: [12345678]}}", "webhook is set for a browser"},
		{"{name: s, webhook: {scheme: token}}", "holds 0 secrets"},
		{"{name: s, webhook: {scheme: token, secrets: [a2345678, b2345678, c2345678]}}", "holds 3 secrets"},
		{"{name: s, webhook: {scheme: token, secrets: [short]}}", "holds one shorter"},
		{"{name: s, webhook: {scheme: hmac-sha256, secrets: [a2345678]}}", "webhook.header is empty"},
		{"{name: s, webhook: {scheme: hmac-sha1, header: 'X-Sig:', secrets: [a2345678]}}", "no header's name"},
		{"{name: s, webhook: {scheme: hmac-sha1, header: X-Sig, encoding: base32, secrets: [a2345678]}}", "webhook.encoding is not known"},
		{"{name: s, webhook: {scheme: standard, tolerance: 48h, secrets: [a2345678]}}", "webhook.tolerance is not between"},
		{"{name: s, webhook: {scheme: standard, mapping: m.yaml, id_field: id, secrets: [a2345678]}}", "beside keys for documents"},
	} {
		parsed, err := config.Parse("c", []byte("sources: ["+c.yaml+"]"))
		if err != nil {
			t.Errorf("%s: %v", c.yaml, err)
			continue
		}
		if err := parsed.Validate(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "2345678") {
			t.Errorf("%s: %v, want %q", c.yaml, err, c.want)
		}
	}
	for _, c := range []struct{ yaml, want string }{
		{"{public_url: shop.example}", "collect.public_url"}, {"{public_url: 'https://x/'}", "collect.public_url"}, {"{public_url: 'ftp://x'}", "collect.public_url"},
		{"{rate_limit: -1}", "collect.rate_limit"},
	} {
		parsed, err := config.Parse("c", []byte("collect: "+c.yaml))
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.yaml, err)
		}
	}
}
