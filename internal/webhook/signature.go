package webhook

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele"
)

// Scheme is how a call shows who sent it.
type Scheme string

// The schemes.
const (
	SHA256   Scheme = "hmac-sha256" // HMAC over the body in a header, as GitHub, Shopify and many others send it
	SHA1     Scheme = "hmac-sha1"   // likewise, of older senders
	Standard Scheme = "standard"    // Standard Webhooks (standardwebhooks.com), headers webhook-* or svix-*
	Stripe   Scheme = "stripe"      // t=TIME,v1=HEX in one header, HMAC-SHA256 over TIME.BODY
	Token    Scheme = "token"       // the secret itself, for senders that cannot sign
)

// Signature says how the calls of one source are signed.
type Signature struct {
	Scheme    Scheme
	Secrets   []string      // any of them is taken: two while the sender changes its secret
	Header    string        // of the HMAC schemes, of Stripe's (default Stripe-Signature) and of the token
	Encoding  string        // of the HMAC: hex (default) or base64
	Prefix    string        // before the HMAC or the token, such as sha256=
	Tolerance time.Duration // how far a signed time may be from now; 0 = 5 minutes
}

// DefaultTolerance is what Standard Webhooks recommends.
const DefaultTolerance = 5 * time.Minute

const (
	maxHeader     = 8 << 10 // of a signature that is read at all
	maxSignatures = 16      // in one header
)

// verifier checks calls.
type verifier struct {
	Signature
	keys [][]byte
}

func newVerifier(s Signature) (*verifier, error) {
	v := &verifier{Signature: s}
	if v.Tolerance == 0 {
		v.Tolerance = DefaultTolerance
	}
	if v.Encoding == "" {
		v.Encoding = "hex"
	}
	switch s.Scheme {
	case SHA256, SHA1:
		if s.Header == "" {
			return nil, clientele.Errorf(clientele.Invalid, "the header of the signature is not named")
		}
	case Stripe:
		if s.Header == "" {
			v.Header = "Stripe-Signature"
		}
	case Standard, Token:
	default:
		return nil, clientele.Errorf(clientele.Invalid, "the signature scheme is not known").WithHint("hmac-sha256, hmac-sha1, standard, stripe or token")
	}
	for _, secret := range s.Secrets {
		if secret == "" {
			continue
		}
		key := []byte(secret)
		if s.Scheme == Standard {
			var err error
			if key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err != nil || len(key) == 0 {
				return nil, clientele.Errorf(clientele.Invalid, "a secret of Standard Webhooks is base64, whsec_ before it").WithHint("copy it as the sender shows it")
			}
		}
		v.keys = append(v.keys, key)
	}
	if len(v.keys) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "there is no secret")
	}
	return v, nil
}

// verify is nil when the call was made by somebody who has a secret, and recently. The error says
// what is wrong in words that help the sender's operator and nobody else.
func (v *verifier) verify(header http.Header, query string, body []byte, now time.Time) error {
	switch v.Scheme {
	case Standard:
		return v.standard(header, body, now)
	case Stripe:
		return v.stripe(header.Get(v.Header), body, now)
	case Token:
		return v.token(header, query)
	}
	return v.plain(header.Get(v.Header), body)
}

func denied(format string, args ...any) *clientele.Error {
	return clientele.Errorf(clientele.Unknown, format, args...)
}

func forged() error {
	return denied("the signature does not fit the body").WithHint("compare the secret with the sender's, and whether something on the way changes the body")
}

// plain is an HMAC over the body alone.
func (v *verifier) plain(value string, body []byte) error {
	if value == "" || len(value) > maxHeader {
		return denied("the call has no signature in %s", v.Header)
	}
	value, ok := strings.CutPrefix(strings.TrimSpace(value), v.Prefix)
	if !ok {
		return denied("the signature does not begin with the prefix")
	}
	mac, err := decodeMAC(value, v.Encoding)
	if err != nil {
		return denied("the signature cannot be read: it is not %s", v.Encoding)
	}
	algorithm := sha256.New
	if v.Scheme == SHA1 {
		algorithm = sha1.New
	}
	if !v.signed(algorithm, mac, body) {
		return forged()
	}
	return nil
}

func decodeMAC(s, encoding string) ([]byte, error) {
	if encoding == "base64" {
		return base64.StdEncoding.DecodeString(s)
	}
	return hex.DecodeString(s)
}

// signed says whether the MAC is that of the parts under one of the keys. It takes as long for a
// nearly right MAC as for a wrong one.
func (v *verifier) signed(algorithm func() hash.Hash, mac []byte, parts ...[]byte) bool {
	found := false
	for _, key := range v.keys {
		m := hmac.New(algorithm, key)
		for _, p := range parts {
			m.Write(p)
		}
		found = hmac.Equal(m.Sum(nil), mac) || found
	}
	return found
}

// standard is Standard Webhooks: id.time.body, and a list of versioned signatures.
func (v *verifier) standard(header http.Header, body []byte, now time.Time) error {
	get := func(name string) string {
		if s := header.Get("webhook-" + name); s != "" {
			return s
		}
		return header.Get("svix-" + name) // what the standard grew out of
	}
	id, at, list := get("id"), get("timestamp"), get("signature")
	if id == "" || at == "" || list == "" || len(list) > maxHeader {
		return denied("the call lacks webhook-id, webhook-timestamp or webhook-signature")
	}
	if err := v.recent(at, now); err != nil {
		return err
	}
	found := false
	for i, one := range strings.Fields(list) {
		if i == maxSignatures {
			break
		}
		version, value, _ := strings.Cut(one, ",")
		if mac, err := base64.StdEncoding.DecodeString(value); err == nil && version == "v1" {
			found = v.signed(sha256.New, mac, []byte(id+"."+at+"."), body) || found
		}
	}
	if !found {
		return forged()
	}
	return nil
}

// stripe is t=TIME,v1=HEX, where v1 may come more than once.
func (v *verifier) stripe(value string, body []byte, now time.Time) error {
	if value == "" || len(value) > maxHeader {
		return denied("the call has no signature in %s", v.Header)
	}
	var at string
	var macs [][]byte
	for part := range strings.SplitSeq(value, ",") {
		name, val, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			at = val
		case "v1":
			if mac, err := hex.DecodeString(val); err == nil && len(macs) < maxSignatures {
				macs = append(macs, mac)
			}
		}
	}
	if err := v.recent(at, now); err != nil {
		return err
	}
	found := false
	for _, mac := range macs {
		found = v.signed(sha256.New, mac, []byte(at+"."), body) || found
	}
	if !found {
		return forged()
	}
	return nil
}

// recent refuses what was signed long ago: somebody may have kept it. Seconds since 1970.
func (v *verifier) recent(at string, now time.Time) error {
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return denied("the signed time cannot be read")
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > v.Tolerance {
		return denied("the signed time is too far from now").WithHint("check the clocks of both sides")
	}
	return nil
}

// token takes the secret from the named header, as a Bearer token, as the password of Basic
// authorization or as ?token=.
func (v *verifier) token(header http.Header, query string) error {
	var given string
	if v.Header != "" {
		given = strings.TrimPrefix(header.Get(v.Header), v.Prefix)
	} else if scheme, rest, _ := strings.Cut(header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		given = strings.TrimSpace(rest)
	} else if _, password, ok := (&http.Request{Header: header}).BasicAuth(); ok {
		given = password
	} else {
		values, _ := url.ParseQuery(query) // what can be read of it is enough
		given = values.Get("token")
	}
	if given == "" {
		return denied("the call has no token")
	}
	sum, found := sha256.Sum256([]byte(given)), 0
	for _, key := range v.keys {
		other := sha256.Sum256(key)
		found |= subtle.ConstantTimeCompare(sum[:], other[:])
	}
	if found == 0 {
		return denied("the token is not known")
	}
	return nil
}
