package resolve_test

import (
	"encoding/json"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/resolve"
)

// received is when the events of these tests arrive.
const received = 1_769_000_000_000_000 // 2026-01-21

func (s *stream) web(raw ...string) {
	var records []clientele.Record
	for _, r := range raw {
		records = append(records, event("web", received, r))
	}
	s.events(records...)
}

// decision is what holds for the profile of the identifier.
func (s *stream) decision(ns clientele.Namespace, value, purpose, channel string) string {
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	a, err := g.Find(clientele.Identifier{Namespace: ns, Value: value})
	s.must(err)
	p, err := g.Profile(a)
	s.must(err)
	c, err := resolve.LoadConsent(s.store, g, p, purpose, channel)
	s.must(err)
	switch {
	case c == nil:
		return "none"
	case c.Granted:
		return "granted " + c.Source + " " + c.TextVersion
	}
	return "denied " + c.Source + " " + c.TextVersion
}

// Consent reaches a profile from every source, with its proof.
func TestConsentSources(t *testing.T) {
	s := newStream(t)
	s.web(`{"type":"track","event":"x","anonymousId":"a","messageId":"1","context":{"consent":{"tcf":"COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA","gpp":"not one","categoryPreferences":{"functional":true,"storage":false}}}}`,
		`{"type":"track","event":"x","anonymousId":"b","messageId":"2","context":{"gpc":true,"consent":{"gpp":"DBABBg~BVQqAAAAAgA.QA"}}}`,
		`{"type":"track","event":"x","anonymousId":"c","messageId":"3","context":{"gpc":"yes","consent":{"us_privacy":"1YNN"}}}`,
		`{"type":"identify","userId":"d","messageId":"4","traits":{"consent":{"marketing":{"email":true},"calls":false}}}`)
	for _, x := range []struct{ ns, value, purpose, channel, want string }{
		{"anonymous_id", "a", "functional", "", "granted web "},
		{"anonymous_id", "a", "targeted_advertising", "", "denied web tcf-policy-2 vendor-list-15"},
		{"anonymous_id", "a", "storage", "", "denied web "}, // the string says yes, the page says no: no
		{"anonymous_id", "b", "sale", "", "denied web gpc"},
		{"anonymous_id", "b", "targeted_advertising", "", "denied web gpc"},
		{"anonymous_id", "c", "sale", "", "granted web us-privacy-1"},
		{"anonymous_id", "c", "sharing", "", "none"},
		{"user_id", "d", "marketing", "email", "granted web "},
		{"user_id", "d", "marketing", "sms", "none"},
		{"user_id", "d", "calls", "phone", "denied web "},
	} {
		if got := s.decision(clientele.Namespace(x.ns), x.value, x.purpose, x.channel); got != x.want {
			t.Errorf("%s %s for %s %s: %s, want %s", x.ns, x.value, x.purpose, x.channel, got, x.want)
		}
	}
}

// An operator's decision is a command; its row has the proof.
func TestConsentCommand(t *testing.T) {
	s := newStream(t)
	s.web(`{"type":"identify","userId":"u","messageId":"1","traits":{"email":"ann@example.com"}}`)
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	a, err := g.Find(clientele.Identifier{Namespace: "email", Value: "ann@example.com"})
	s.must(err)
	s.command(clientele.CommandConsent, resolve.ConsentBody{Anchor: a, At: 8 * day, Consents: []clientele.ConsentRequest{
		{Purpose: "marketing", Channel: "sms", Granted: true, LegalBasis: "consent", Jurisdiction: "VN", TextVersion: "phone script 3", ExpiresAt: 90 * day}}})
	s.command(clientele.CommandConsent, json.RawMessage(`{"anchor":77,"consents":[{"purpose":"x","granted":true}]}`))
	if got := s.decision("user_id", "u", "marketing", "sms"); got != "granted operator phone script 3" {
		t.Errorf("decision %s", got)
	}
	rows := strings.Join(s.tables()["consents"], "\n")
	for _, part := range []string{"email:ann@example.com", "marketing", "sms", "true", "operator", "VN", "phone script 3", "command-2"} {
		if !strings.Contains(rows, part) {
			t.Errorf("consents lack %s:\n%s", part, rows)
		}
	}
	if strings.Count(rows, "\n") != 0 {
		t.Errorf("consents:\n%s", rows)
	}
}

// A link leaves the stricter of what both sides had decided, what is decided later holds, and
// taking the sides apart gives each its own back.
func TestConsentFollowsMerges(t *testing.T) {
	s := newStream(t)
	said := func(id, user, anonymous, at string, granted string) string {
		who := `"anonymousId":"` + anonymous + `"`
		if user != "" {
			who = `"userId":"` + user + `",` + who
		}
		if anonymous == "" {
			who = `"userId":"` + user + `"`
		}
		consent := ""
		if granted != "" {
			consent = `,"context":{"consent":{"categoryPreferences":{"marketing":` + granted + `}}}`
		}
		return `{"type":"track","event":"x","messageId":"` + id + `","timestamp":"2026-01-0` + at + `T00:00:00Z",` + who + consent + `}`
	}
	s.web(said("1", "", "a", "1", "true"), said("2", "u", "", "2", "false"))
	want := func(when, user, anonymous string) {
		t.Helper()
		if got := s.decision("user_id", "u", "marketing", "email"); !strings.HasPrefix(got, user) {
			t.Errorf("%s: user %s, want %s", when, got, user)
		}
		if got := s.decision("anonymous_id", "a", "marketing", "email"); !strings.HasPrefix(got, anonymous) {
			t.Errorf("%s: visitor %s, want %s", when, got, anonymous)
		}
	}
	want("apart", "denied", "granted")
	s.web(said("3", "u", "a", "5", ""))
	want("linked", "denied", "denied")
	s.web(said("4", "", "a", "4", "true")) // late news of before the link
	want("late news", "denied", "denied")
	s.web(said("5", "", "a", "6", "true"))
	want("decided after the link", "granted", "granted")
	s.web(said("6", "u", "", "7", "false"))
	want("decided again", "denied", "denied")
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	a, err := g.Find(clientele.Identifier{Namespace: "anonymous_id", Value: "a"})
	s.must(err)
	s.command(clientele.CommandUnmerge, resolve.MergeBody{Anchors: []clientele.Anchor{a}})
	want("unmerged", "denied", "granted")
}
