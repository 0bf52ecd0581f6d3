package privacy

import (
	"context"
	"slices"

	"clientele"
)

// Consents is where decisions are kept: the one of the profile that holds for the purpose on the
// channel, nil when there is none. NotFound when there is no such profile.
type Consents interface {
	Consent(ctx context.Context, p clientele.ProfileID, purpose, channel string) (*clientele.Consent, error)
}

// Reason says why something is allowed or not.
type Reason string

// The reasons.
const (
	Granted   Reason = "granted"    // the person said yes
	Refused   Reason = "denied"     // the person said no
	Expired   Reason = "expired"    // what the person said holds no longer
	Undecided Reason = "undecided"  // the person said nothing, and the purpose needs a yes
	OptOut    Reason = "not_denied" // the person said nothing, and the purpose is allowed until denied
)

// Verdict is the gate's answer, with the decision it comes from; nil when there is none.
type Verdict struct {
	Allowed bool               `json:"allowed"`
	Reason  Reason             `json:"reason"`
	Consent *clientele.Consent `json:"consent,omitempty"`
}

// Gate stands before everything that acts on a person: a message, an activation, a prediction.
// Whoever acts asks it with the purpose, the channel and the time of the record that makes it act.
type Gate struct {
	Consents Consents
	OptOut   []string // purposes that are allowed until the person denies them
}

// Allowed says whether the purpose is allowed for the profile on the channel ("" = on any) at that
// time. What cannot be found out is an error, and is not allowed.
func (g *Gate) Allowed(ctx context.Context, p clientele.ProfileID, purpose, channel string, at clientele.Micros) (Verdict, error) {
	c, err := g.Consents.Consent(ctx, p, purpose, channel)
	if err != nil {
		return Verdict{}, err
	}
	silent := Verdict{Reason: Undecided}
	if slices.Contains(g.OptOut, purpose) {
		silent = Verdict{Allowed: true, Reason: OptOut}
	}
	switch {
	case c == nil:
		return silent, nil
	case c.ExpiresAt != 0 && at >= c.ExpiresAt:
		// A yes that has run out is no yes. A no that has run out only ends the silence it asked for.
		silent.Consent = c
		if c.Granted || !silent.Allowed {
			silent.Allowed, silent.Reason = false, Expired
		}
		return silent, nil
	case c.Granted:
		return Verdict{Allowed: true, Reason: Granted, Consent: c}, nil
	}
	return Verdict{Reason: Refused, Consent: c}, nil
}
