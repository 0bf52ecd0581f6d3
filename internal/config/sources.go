package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Webhook says how another system's calls to /webhooks/{source} are recognised and read.
type Webhook struct {
	Scheme      WebhookScheme `yaml:"scheme"`       // empty: the source takes no webhooks
	Secrets     []string      `yaml:"secrets"`      // one, or while changing it two: any of them is taken
	Header      string        `yaml:"header"`       // that holds the signature, or the token
	Encoding    string        `yaml:"encoding"`     // of the signature: hex (default) or base64
	Prefix      string        `yaml:"prefix"`       // before it, such as sha256=
	Tolerance   Duration      `yaml:"tolerance"`    // how old a signed time may be; standard and stripe only
	Mapping     string        `yaml:"mapping"`      // a mapping file; none: each document is a track event
	Event       string        `yaml:"event"`        // without a mapping: the event's name where nothing else says it
	EventHeader string        `yaml:"event_header"` // and the header,
	EventField  string        `yaml:"event_field"`  // or the member of the document, that says it
	IDHeader    string        `yaml:"id_header"`    // what tells a delivery from its repetition: a header,
	IDField     string        `yaml:"id_field"`     // or a member
}

// WebhookScheme is how a call shows who sent it.
type WebhookScheme string

// The schemes.
const (
	WebhookSHA256   WebhookScheme = "hmac-sha256" // over the body, in a header
	WebhookSHA1     WebhookScheme = "hmac-sha1"   // likewise
	WebhookStandard WebhookScheme = "standard"    // Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature
	WebhookStripe   WebhookScheme = "stripe"      // t=...,v1=... in one header
	WebhookToken    WebhookScheme = "token"       // the secret itself, in a header, as Bearer token or as ?token=
)

// fillWebhook gives what was left out its default.
func fillWebhook(s *Source) {
	h := &s.Webhook
	if h.Scheme == "" {
		return
	}
	if s.Kind == "" {
		s.Kind = KindServer
	}
	if h.Encoding == "" {
		h.Encoding = "hex"
	}
	if h.Tolerance == 0 {
		h.Tolerance = Duration(5 * time.Minute)
	}
	if h.Header == "" && h.Scheme == WebhookStripe {
		h.Header = "Stripe-Signature"
	}
	if h.Event == "" {
		h.Event = "Webhook Received"
	}
}

// minSecret is the shortest secret that is taken, in bytes.
const minSecret = 8

func (v *validator) webhook(at string, s Source) {
	h := s.Webhook
	if h.Scheme == "" {
		if len(h.Secrets) > 0 || h.Header != "" || h.Mapping != "" {
			v.wrong(at+": webhook.scheme", "is empty", "hmac-sha256, hmac-sha1, standard, stripe or token")
		}
		return
	}
	schemes := []WebhookScheme{WebhookSHA256, WebhookSHA1, WebhookStandard, WebhookStripe, WebhookToken}
	if !slices.Contains(schemes, h.Scheme) {
		v.wrong(at+": webhook.scheme", "is not known", "hmac-sha256, hmac-sha1, standard, stripe or token")
	}
	if s.Kind != KindServer {
		v.wrong(at+": webhook", "is set for a "+string(s.Kind), "webhooks come from servers: write kind: server")
	}
	if n := len(h.Secrets); n < 1 || n > 2 {
		v.wrong(at+": webhook.secrets", "holds "+strconv.Itoa(n)+" secrets", "one, or two while the sender changes from the old to the new one")
	}
	for _, secret := range h.Secrets {
		if len(secret) < minSecret {
			v.wrong(at+": webhook.secrets", "holds one shorter than "+strconv.Itoa(minSecret)+" characters", "take the one that the sender shows, or a long random one")
		}
	}
	if (h.Scheme == WebhookSHA256 || h.Scheme == WebhookSHA1) && h.Header == "" {
		v.wrong(at+": webhook.header", "is empty", "name the header that holds the signature, for example X-Hub-Signature-256")
	}
	if !slices.Contains([]string{"hex", "base64"}, h.Encoding) {
		v.wrong(at+": webhook.encoding", "is not known", "hex or base64")
	}
	if h.Tolerance < 0 || h.Tolerance > Duration(24*time.Hour) {
		v.wrong(at+": webhook.tolerance", "is not between 0 and 24h", "5m is the default")
	}
	for _, name := range []string{h.Header, h.EventHeader, h.IDHeader} {
		if strings.ContainsAny(name, " \t\r\n:") {
			v.wrong(at+": webhook", "holds something that is no header's name", "for example X-GitHub-Event, without a colon")
		}
	}
	if h.Mapping != "" && (h.EventHeader != "" || h.EventField != "" || h.IDHeader != "" || h.IDField != "") {
		v.wrong(at+": webhook.mapping", "is set beside keys for documents without a mapping", "say in the mapping what the event is called and what its key is")
	}
}
