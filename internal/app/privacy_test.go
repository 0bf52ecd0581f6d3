package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/config"
)

// What a person said on the phone holds at once, in the profile and in SQL; a browser's signal in
// the request's header holds too, and the gate knows both.
func TestConsentEndToEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Privacy.OptOutPurposes = []string{"sharing"}
	p := run(t, c)
	p.couple()
	got, err := p.client.RecordConsent(ctx, clientele.ConsentDecision{Namespace: "email", Value: "Bob@example.com",
		Consents: []clientele.ConsentRequest{{Purpose: "marketing", Channel: "sms", TextVersion: "call script 3"}}})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got[0].Channel != "" || !got[0].Granted || got[1].Channel != "sms" || got[1].Granted || got[1].Source != "operator" || got[1].TextVersion != "call script 3" {
		t.Errorf("holds now: %+v", got)
	}
	if rows := p.sql(`select identifier, purpose, channel, granted, source, text_version from consents where channel = 'sms'`); len(rows) != 1 || !strings.Contains(rows[0], "email:bob@example.com") {
		t.Errorf("consents: %v", rows)
	}
	req, err := http.NewRequest(http.MethodPost, p.url+"/v1/track", strings.NewReader(`{"userId":"bob","event":"Look","messageId":"gpc-1"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(webKey, "")
	req.Header.Set("Sec-GPC", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.settle()
	bob, ann := p.profile("user_id", "bob"), p.profile("user_id", "ann")
	for _, x := range []struct {
		who              clientele.ProfileID
		purpose, channel string
		want             bool
		reason           string
	}{
		{bob.ID, "marketing", "email", true, "granted"}, {bob.ID, "marketing", "sms", false, "denied"},
		{bob.ID, "sharing", "", false, "denied"}, {ann.ID, "sharing", "", true, "not_denied"}, {ann.ID, "marketing", "email", false, "undecided"},
	} {
		v, err := p.app.Gate().Allowed(ctx, x.who, x.purpose, x.channel, clientele.MaxTime)
		if err != nil || v.Allowed != x.want || string(v.Reason) != x.reason {
			b, _ := json.Marshal(v)
			t.Errorf("%s on %q: %s, %v", x.purpose, x.channel, b, err)
		}
	}
	for _, bad := range []clientele.ConsentDecision{
		{Namespace: "email", Value: "bob@example.com"},
		{Namespace: "email", Value: "bob@example.com", Consents: []clientele.ConsentRequest{{Granted: true}}},
		{Namespace: "email", Value: "bob@example.com", At: clientele.MaxTime, Consents: []clientele.ConsentRequest{{Purpose: "x"}}},
	} {
		if _, err := p.client.RecordConsent(ctx, bad); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := p.client.RecordConsent(ctx, clientele.ConsentDecision{Namespace: "email", Value: "no@example.com", Consents: []clientele.ConsentRequest{{Purpose: "x"}}}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("nobody: %v", err)
	}
}

// Who agrees is counted by what each person said last, and by month as it was at its end.
func TestConsentFigures(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	p.couple()
	decide := func(who, at, purpose string, granted bool) {
		t.Helper()
		ts, err := clientele.ParseInstant(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.client.RecordConsent(ctx, clientele.ConsentDecision{Namespace: "email", Value: who, At: ts, Consents: []clientele.ConsentRequest{{Purpose: purpose, Channel: "sms", Granted: granted}}}); err != nil {
			t.Fatal(err)
		}
	}
	decide("ann@example.com", "2025-12-31", "news", true)
	decide("bob@example.com", "2026-01-31T23:59:59Z", "news", true)
	decide("ann@example.com", "2026-01-02", "news", false)
	decide("bob@example.com", "2026-02-01", "calls", false)
	p.settle()
	f, err := p.app.ConsentFigures(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.Items); got != "[{marketing  1 0} {news sms 1 1} {calls sms 0 1}]" {
		t.Errorf("now: %s", got)
	}
	var news []clientele.ConsentMonth
	for _, m := range f.Months {
		if m.Purpose == "news" {
			news = append(news, m)
		}
	}
	if got := fmt.Sprint(news); !strings.HasPrefix(got, "[{2025-12 news sms 1} {2026-01 news sms 1} {2026-02 news sms 1}") {
		t.Errorf("by month: %s", got)
	}
}

// What a source's configuration takes out is taken out before the log.
func TestEdgeEndToEnd(t *testing.T) {
	t.Parallel()
	c := settings(t)
	c.Sources[0].Privacy = config.Edge{IP: "truncate", Hash: []string{"properties.card"}}
	p := run(t, c)
	event := `{"type":"track","messageId":"e1","event":"Paid","userId":"ann","properties":{"card":"4111 1111","sum":1},"context":{"ip":"203.0.113.77"}}`
	p.batch(webKey, event)
	p.batch(serverKey, strings.Replace(event, "e1", "e2", 1))
	p.settle()
	rows := strings.Join(p.sql(`select source, cast(properties as varchar), cast(context as varchar) from events order by source desc`), "\n")
	web, backend, _ := strings.Cut(rows, "\n")
	if strings.Contains(web, "4111") || strings.Contains(web, "113.77") || !strings.Contains(web, "203.0.113.0") || !strings.Contains(web, "h_") {
		t.Errorf("web: %s", web)
	}
	if !strings.Contains(backend, "4111 1111") || !strings.Contains(backend, "203.0.113.77") {
		t.Errorf("backend: %s", backend)
	}
}
