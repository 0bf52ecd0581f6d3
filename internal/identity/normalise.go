package identity

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"clientele"
)

// Normalise is the one form of an identifier that all its spellings share, and whether it can
// identify at all: e-mail in lower case with the domain in its ASCII form, phone numbers as
// E.164. The raw value stays in the event.
func (r *Rules) Normalise(id clientele.Identifier) (clientele.Identifier, bool) {
	v := strings.TrimSpace(norm.NFC.String(id.Value))
	switch id.Namespace {
	case clientele.Email:
		var ok bool
		if v, ok = email(v); !ok {
			return id, false
		}
	case clientele.Phone:
		var ok bool
		if v, ok = r.phone(v); !ok {
			return id, false
		}
	}
	id.Value = v
	if id.Check() != nil || r.Blocked(id) {
		return id, false
	}
	return id, true
}

// email keeps the local part's dots and tags: who strips them merges different people on every
// provider but one.
func email(v string) (string, bool) {
	at := strings.LastIndexByte(v, '@')
	if at <= 0 || at == len(v)-1 || len(v) > 254 || strings.ContainsAny(v, " \t<>,;\"") || strings.Count(v, "@") != 1 {
		return "", false
	}
	domain, err := idna.Lookup.ToASCII(strings.ToLower(v[at+1:]))
	if err != nil || !strings.Contains(domain, ".") {
		return "", false
	}
	return strings.ToLower(v[:at]) + "@" + domain, true
}

func (r *Rules) phone(v string) (string, bool) {
	if len(v) > 40 {
		return "", false
	}
	if strings.HasPrefix(v, "00") {
		v = "+" + v[2:]
	}
	if r.Region == "" && !strings.HasPrefix(v, "+") {
		return "", false
	}
	n, err := phonenumbers.Parse(v, r.Region)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}
