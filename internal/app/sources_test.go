package app_test

import (
	"context"
	"testing"

	"clientele"
)

// TestSources: a source that is made over the API takes events at once, is known after a restart, gets another key, and
// ends; what it has sent stays, and is believed as before. Those of the configuration are left alone.
func TestSources(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	set := func(s clientele.Source, newKey bool) (*clientele.SourceInForce, error) {
		return p.client.SetSource(ctx, s, newKey)
	}
	kiosk, err := set(clientele.Source{Name: "kiosk", Kind: "browser", AllowedOrigins: []string{"https://shop.example"}}, false)
	if err != nil || kiosk.WriteKey == "" || kiosk.Config {
		t.Fatalf("%+v, %v", kiosk, err)
	}
	// A browser's word that an address is verified is not taken.
	claim := `{"type":"identify","userId":"kim","messageId":"m1","context":{"externalIds":[{"type":"email","id":"kim@example.com","verified":true}]}}`
	p.batch(kiosk.WriteKey, claim)
	verified := func() (found, is bool) {
		for _, i := range p.profile("user_id", "kim").Identifiers {
			if i.Namespace == clientele.Email {
				return true, i.Verified
			}
		}
		return false, false
	}
	if found, is := verified(); !found || is {
		t.Errorf("the kiosk's address: found %t, verified %t", found, is)
	}
	for name, s := range map[string]clientele.Source{"of the configuration": {Name: "web", Kind: "browser"}, "a kind that there is not": {Name: "x", Kind: "fax"}, "no name": {Name: "a b", Kind: "server"}, "verified by a browser": {Name: "x", Kind: "browser", Verified: true},
		"no origin": {Name: "x", Kind: "browser", AllowedOrigins: []string{"shop"}}} {
		if _, err := set(s, false); err == nil || clientele.ErrorCode(err) != clientele.Invalid && clientele.ErrorCode(err) != clientele.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rules, err := p.client.IdentityRules(ctx); err != nil || rules.Namespaces[clientele.Email].Limit != c.Identity.Namespaces[clientele.Email].Limit {
		t.Errorf("rules in force: %+v, %v", rules, err)
	}
	before := kiosk.WriteKey
	p.stop()
	p = run(t, c)
	if list, err := p.client.Sources(ctx); err != nil || len(list) != 4 || list[3].WriteKey != before || list[3].AllowedOrigins[0] != "https://shop.example" || !list[0].Config || list[0].WriteKey != webKey {
		t.Errorf("after a restart: %+v, %v", list, err)
	}
	if kiosk, err = set(clientele.Source{Name: "kiosk", Kind: "browser"}, true); err != nil || kiosk.WriteKey == before {
		t.Errorf("another key: %+v, %v", kiosk, err)
	}
	if status, _ := p.post("/v1/track", before, `{"event":"Look","anonymousId":"x"}`); status != 401 {
		t.Errorf("the old key: %d", status)
	}
	p.batch(kiosk.WriteKey, `{"type":"track","event":"Look","userId":"kim","messageId":"m2"}`)
	if err := p.client.EndSource(ctx, "kiosk"); err != nil {
		t.Fatal(err)
	}
	if status, _ := p.post("/v1/track", kiosk.WriteKey, `{"event":"Look","anonymousId":"x"}`); status != 401 {
		t.Errorf("after its end: %d", status)
	}
	if err := p.client.EndSource(ctx, "web"); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("one of the configuration ends: %v", err)
	}
	p = p.rebuilt(c)
	if found, is := verified(); !found || is {
		t.Errorf("after a rebuild, the kiosk's address: found %t, verified %t", found, is)
	}
	p.tells("select count(*) from events where source = 'kiosk'", "2")
}

// TestLastError: of each source the newest record that waits in quarantine, and why.
func TestLastError(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	p.batch(webKey, `{"type":"track","event":"Look","userId":"kim","messageId":"m1"}`, `{"type":"track","userId":"kim","messageId":"m2"}`, `{"type":"fax","userId":"kim","messageId":"m3"}`)
	p.settle()
	aside := p.allQuarantined(10)
	list, err := p.client.Sources(ctx)
	if err != nil || len(aside) != 2 {
		t.Fatalf("%+v, %v", aside, err)
	}
	for _, s := range list {
		switch e := s.LastError; {
		case s.Name != "web":
			if e != nil {
				t.Errorf("%s: %+v", s.Name, e)
			}
		case e == nil || e.ID != aside[0].ID || e.At != aside[0].ReceivedAt || e.Code != aside[0].Code || e.Reason != aside[0].Reason || e.Reason == "":
			t.Errorf("%+v, the newest is %+v", e, aside[0])
		}
	}
}
