package privacy_test

import (
	"context"
	"testing"

	"clientele"
	"clientele/internal/privacy"
)

type one struct {
	c   *clientele.Consent
	err error
}

func (o one) Consent(context.Context, clientele.ProfileID, string, string) (*clientele.Consent, error) {
	return o.c, o.err
}

func TestGate(t *testing.T) {
	yes, no := &clientele.Consent{Granted: true, ExpiresAt: 100}, &clientele.Consent{ExpiresAt: 100}
	for _, x := range []struct {
		name   string
		c      *clientele.Consent
		optOut []string
		at     clientele.Micros
		want   bool
		reason privacy.Reason
	}{
		{"yes", yes, nil, 99, true, privacy.Granted},
		{"a yes ends at its hour", yes, nil, 100, false, privacy.Expired},
		{"a yes that has ended is none, whatever the default", yes, []string{"sale"}, 100, false, privacy.Expired},
		{"no", no, []string{"sale"}, 99, false, privacy.Refused},
		{"a no that has ended leaves the default", no, []string{"sale"}, 100, true, privacy.OptOut},
		{"a no that has ended is no yes", no, nil, 100, false, privacy.Expired},
		{"silence", nil, nil, 1, false, privacy.Undecided},
		{"silence, opt-out", nil, []string{"sale"}, 1, true, privacy.OptOut},
	} {
		g := privacy.Gate{Consents: one{c: x.c}, OptOut: x.optOut}
		v, err := g.Allowed(t.Context(), 1, "sale", "", x.at)
		if err != nil || v.Allowed != x.want || v.Reason != x.reason || v.Consent != x.c {
			t.Errorf("%s: %+v, %v", x.name, v, err)
		}
	}
	g := privacy.Gate{Consents: one{c: yes, err: clientele.Errorf(clientele.Unavailable, "no")}}
	if v, err := g.Allowed(t.Context(), 1, "sale", "", 1); err == nil || v.Allowed {
		t.Errorf("what cannot be found out is %+v, %v", v, err)
	}
}
