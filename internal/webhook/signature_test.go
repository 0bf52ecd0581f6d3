package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/webhook"
)

func mac(algorithm func() hash.Hash, key []byte, text string) []byte {
	m := hmac.New(algorithm, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexMAC(algorithm func() hash.Hash, key, text string) string {
	return hex.EncodeToString(mac(algorithm, []byte(key), text))
}

func base64MAC(key []byte, text string) string {
	return base64.StdEncoding.EncodeToString(mac(sha256.New, key, text))
}

// The published example of Standard Webhooks.
const (
	specSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	specID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	specTime      = 1614265330
	specBody      = `{"test": 2432232314}`
	specSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// GitHub's published example.
const (
	githubSecret    = "It's a Secret to Everybody"
	githubBody      = "Hello, World!"
	githubSignature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
)

type call struct {
	header map[string]string
	query  string
	body   string
}

func standardCall(secretKey []byte, id string, at int64, body string) call {
	return call{body: body, header: map[string]string{"webhook-id": id, "webhook-timestamp": fmt.Sprint(at),
		"webhook-signature": "v1," + base64MAC(secretKey, fmt.Sprintf("%s.%d.%s", id, at, body))}}
}

func with(c call, header, value string) call {
	out := call{body: c.body, query: c.query, header: map[string]string{}}
	for k, v := range c.header {
		out.header[k] = v
	}
	out.header[header] = value
	return out
}

func TestSignatures(t *testing.T) {
	const secret, old, body = "a-new-secret", "an-old-secret", `{"a":1}`
	both := []string{secret, old}
	now := int64(specTime)
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(specSecret, "whsec_"))
	other := []byte("another key of the other secret")
	standard := webhook.Signature{Scheme: webhook.Standard, Secrets: []string{specSecret, "whsec_" + base64.StdEncoding.EncodeToString(other)}}
	spec := call{body: specBody, header: map[string]string{"webhook-id": specID, "webhook-timestamp": fmt.Sprint(now), "webhook-signature": specSignature}}
	github := webhook.Signature{Scheme: webhook.SHA256, Secrets: []string{githubSecret}, Header: "X-Hub-Signature-256", Prefix: "sha256="}
	shopify := webhook.Signature{Scheme: webhook.SHA256, Secrets: both, Header: "X-Shopify-Hmac-Sha256", Encoding: "base64"}
	sha1s := webhook.Signature{Scheme: webhook.SHA1, Secrets: both, Header: "X-Sig"}
	stripe := webhook.Signature{Scheme: webhook.Stripe, Secrets: both}
	stripeHeader := func(key string, at int64) string {
		return fmt.Sprintf("t=%d,v1=%s,v0=%s", at, hexMAC(sha256.New, key, fmt.Sprintf("%d.%s", at, body)), strings.Repeat("0", 64))
	}
	token := webhook.Signature{Scheme: webhook.Token, Secrets: both}
	named := webhook.Signature{Scheme: webhook.Token, Secrets: both, Header: "X-Token", Prefix: "Key "}
	one := func(name, value string) call { return call{body: body, header: map[string]string{name: value}} }

	for _, c := range []struct {
		name string
		s    webhook.Signature
		c    call
		ok   bool
	}{
		{"standard: the published example", standard, spec, true},
		{"standard: another body", standard, call{body: specBody + " ", header: spec.header}, false},
		{"standard: another id", standard, with(spec, "webhook-id", "msg_other"), false},
		{"standard: another time", standard, with(spec, "webhook-timestamp", fmt.Sprint(now+1)), false},
		{"standard: second secret", standard, standardCall(other, "m", now, body), true},
		{"standard: an unknown secret", standard, standardCall([]byte("x"), "m", now, body), false},
		{"standard: several signatures", standard, with(spec, "webhook-signature", "v1a,AAAA v1,AAAA v1,!! "+specSignature), true},
		{"standard: only of another version", standard, with(spec, "webhook-signature", strings.Replace(specSignature, "v1,", "v2,", 1)), false},
		{"standard: as Svix sends it", standard, call{body: specBody, header: map[string]string{"svix-id": specID, "svix-timestamp": fmt.Sprint(now), "svix-signature": specSignature}}, true},
		{"standard: at the edge, old", standard, standardCall(key, "m", now-300, body), true},
		{"standard: too old", standard, standardCall(key, "m", now-301, body), false},
		{"standard: at the edge, ahead", standard, standardCall(key, "m", now+300, body), true},
		{"standard: too far ahead", standard, standardCall(key, "m", now+301, body), false},
		{"standard: a longer tolerance", webhook.Signature{Scheme: webhook.Standard, Secrets: []string{specSecret}, Tolerance: time.Hour}, standardCall(key, "m", now-3600, body), true},
		{"standard: no time", standard, with(spec, "webhook-timestamp", "soon"), false},
		{"standard: a time beyond all", standard, with(spec, "webhook-timestamp", "9223372036854775807"), false},
		{"standard: nothing", standard, call{body: body}, false},

		{"GitHub: the published example", github, call{body: githubBody, header: map[string]string{"X-Hub-Signature-256": githubSignature}}, true},
		{"GitHub: capitals", github, call{body: githubBody, header: map[string]string{"X-Hub-Signature-256": "sha256=" + strings.ToUpper(githubSignature[7:])}}, true},
		{"GitHub: without the prefix", github, call{body: githubBody, header: map[string]string{"X-Hub-Signature-256": githubSignature[7:]}}, false},
		{"GitHub: another body", github, call{body: "hello, World!", header: map[string]string{"X-Hub-Signature-256": githubSignature}}, false},
		{"GitHub: cut", github, call{body: githubBody, header: map[string]string{"X-Hub-Signature-256": githubSignature[:60]}}, false},
		{"GitHub: empty", github, call{body: githubBody, header: map[string]string{"X-Hub-Signature-256": "sha256="}}, false},

		{"base64", shopify, one("X-Shopify-Hmac-Sha256", base64MAC([]byte(secret), body)), true},
		{"base64: second secret", shopify, one("X-Shopify-Hmac-Sha256", base64MAC([]byte(old), body)), true},
		{"base64: hex in its place", shopify, one("X-Shopify-Hmac-Sha256", hexMAC(sha256.New, secret, body)), false},
		{"sha1", sha1s, one("X-Sig", hexMAC(sha1.New, old, body)), true},
		{"sha1: sha256 in its place", sha1s, one("X-Sig", hexMAC(sha256.New, old, body)), false},
		{"sha1: another header", sha1s, one("X-Other", hexMAC(sha1.New, old, body)), false},

		{"stripe", stripe, one("Stripe-Signature", stripeHeader(secret, now)), true},
		{"stripe: second secret", stripe, one("Stripe-Signature", stripeHeader(old, now-10)), true},
		{"stripe: two signatures", stripe, one("Stripe-Signature", "v1="+strings.Repeat("a", 64)+", "+stripeHeader(secret, now)), true},
		{"stripe: unknown secret", stripe, one("Stripe-Signature", stripeHeader("nobody", now)), false},
		{"stripe: too old", stripe, one("Stripe-Signature", stripeHeader(secret, now-301)), false},
		{"stripe: v0 alone", stripe, one("Stripe-Signature", strings.ReplaceAll(stripeHeader(secret, now), "v1=", "v0=")), false},
		{"stripe: no time", stripe, one("Stripe-Signature", strings.TrimPrefix(stripeHeader(secret, now), fmt.Sprintf("t=%d,", now))), false},

		{"token: bearer", token, one("Authorization", "Bearer "+secret), true},
		{"token: basic password", token, one("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("me:"+old))), true},
		{"token: query", token, call{body: body, query: "?token=" + secret}, true},
		{"token: wrong", token, call{body: body, query: "?token=" + secret + "x"}, false},
		{"token: none", token, call{body: body}, false},
		{"token: header", named, one("X-Token", "Key "+secret), true},
		{"token: header named, query given", named, call{body: body, query: "?token=" + secret}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &recorder{}
			h := handler(t, log, webhook.Source{Name: "s", Signature: c.s})
			w := post(h, "/webhooks/s"+c.c.query, c.c.body, c.c.header)
			if c.ok != (w.Code == http.StatusOK) || !c.ok && w.Code != http.StatusUnauthorized {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if n := len(log.records); c.ok != (n == 1) {
				t.Errorf("%d records", n)
			}
			var refused uint64
			for k, n := range h.Refusals() {
				if k.Source != "s" || k.Code != "unauthorized" {
					t.Errorf("counted as %+v", k)
				}
				refused += n
			}
			if c.ok != (refused == 0) {
				t.Errorf("%d refusals counted", refused)
			}
			for _, secret := range []string{secret, old, specSecret, githubSecret} {
				if strings.Contains(w.Body.String(), secret) {
					t.Error("the answer holds the secret")
				}
			}
		})
	}
}

func TestSignatureSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		s    webhook.Signature
	}{
		{"no scheme", webhook.Signature{Secrets: []string{"x"}}},
		{"no secret", webhook.Signature{Scheme: webhook.Token}},
		{"empty secret", webhook.Signature{Scheme: webhook.Token, Secrets: []string{""}}},
		{"no header", webhook.Signature{Scheme: webhook.SHA256, Secrets: []string{"x"}}},
		{"not base64", webhook.Signature{Scheme: webhook.Standard, Secrets: []string{"whsec_!"}}},
		{"nothing behind whsec_", webhook.Signature{Scheme: webhook.Standard, Secrets: []string{"whsec_"}}},
	} {
		if _, err := webhook.New(webhook.Options{Log: &recorder{}, Sources: []webhook.Source{{Name: "s", Signature: c.s}}}); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

// FuzzSignature: whatever the headers say, without the secret nothing is taken, and nothing breaks.
func FuzzSignature(f *testing.F) {
	f.Add(specSignature, "1614265330", specID, specBody)
	f.Add("t=1614265330,v1=00,v1=zz", "-1", "", "{}")
	f.Add("sha256=", "99999999999999999999", "a b", "")
	f.Fuzz(func(t *testing.T, signature, at, id, body string) {
		for _, s := range []webhook.Signature{
			{Scheme: webhook.Standard, Secrets: []string{"whsec_c2VjcmV0IHNlY3JldA=="}},
			{Scheme: webhook.Stripe, Secrets: []string{"never guessed"}, Header: "webhook-signature"},
			{Scheme: webhook.SHA256, Secrets: []string{"never guessed"}, Header: "webhook-signature", Prefix: "sha256="},
			{Scheme: webhook.SHA1, Secrets: []string{"never guessed"}, Header: "webhook-signature", Encoding: "base64"},
			{Scheme: webhook.Token, Secrets: []string{"never guessed"}, Header: "webhook-signature"},
		} {
			log := &recorder{}
			w := post(handler(t, log, webhook.Source{Name: "s", Signature: s}), "/webhooks/s", body,
				map[string]string{"webhook-signature": signature, "webhook-timestamp": at, "webhook-id": id})
			if len(log.records) > 0 || w.Code != http.StatusUnauthorized && w.Code != http.StatusRequestEntityTooLarge {
				t.Fatalf("%s: %d %s", s.Scheme, w.Code, w.Body)
			}
		}
	})
}
