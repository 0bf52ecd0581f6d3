package app

import (
	"context"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/privacy"
	"clientele/internal/resolve"
)

// Guards: the parts fit the interfaces that their users declare.
var (
	_ api.Privacy      = (*App)(nil)
	_ privacy.Consents = (*App)(nil)
)

// maxDecisions is how many decisions one call records.
const maxDecisions = 100

// RecordConsent notes decisions that an operator takes down for a person. Their proof is the
// command in the log: who took it down, when, under which text.
func (a *App) RecordConsent(ctx context.Context, by string, d clientele.ConsentDecision) ([]clientele.Consent, error) {
	if len(d.Consents) == 0 || len(d.Consents) > maxDecisions {
		return nil, clientele.Errorf(clientele.Invalid, "consents holds 1 to %d decisions", maxDecisions)
	}
	for i := range d.Consents {
		if err := d.Consents[i].Check(); err != nil {
			return nil, err
		}
	}
	now := clientele.MicrosOf(a.o.Now())
	switch {
	case d.At == 0:
		d.At = now
	case d.At < clientele.MinTime || d.At > now:
		return nil, clientele.Errorf(clientele.Invalid, "at is when the person decided: not before 1900 and not in the future")
	}
	id := clientele.Identifier{Namespace: d.Namespace, Value: d.Value}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	anchor, err := v.graph.Find(id)
	v.Close()
	if err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandConsent, by, resolve.ConsentBody{Anchor: anchor, At: d.At, Consents: d.Consents}); err != nil {
		return nil, err
	}
	p, err := a.Profile(ctx, id, false)
	if err != nil {
		return nil, err
	}
	return p.Consent, nil
}

// Consent is the decision of the profile that holds for the purpose on the channel; nil for none.
func (a *App) Consent(_ context.Context, p clientele.ProfileID, purpose, channel string) (*clientele.Consent, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	if p, err = v.find(clientele.Identifier{Namespace: "id", Value: p.String()}); err != nil {
		return nil, err
	}
	return resolve.LoadConsent(v, v.graph, p, purpose, channel)
}

// Gate says whether something may be done with a person's data; see package privacy.
func (a *App) Gate() *privacy.Gate {
	return &privacy.Gate{Consents: a, OptOut: a.cfg.Privacy.OptOutPurposes}
}
