package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Privacy is the person's rights. by is the name of the token that asks.
type Privacy interface {
	// RecordConsent notes decisions that a person made outside of all sources, and answers what
	// holds from now on.
	RecordConsent(ctx context.Context, by string, d clientele.ConsentDecision) ([]clientele.Consent, error)
}

// ConsentResult is what holds for the person now.
type ConsentResult struct {
	Consent []clientele.Consent `json:"consent"`
}

func (a *API) privacyRoutes() {
	route(a, operation{id: "record-consent", method: http.MethodPost, path: "/api/v1/profiles/consent", scope: token.Write,
		tag: "privacy", summary: "Record what a person decided, with its proof"},
		func(ctx context.Context, in *struct{ Body clientele.ConsentDecision }) (*output[*ConsentResult], error) {
			c, err := a.o.Privacy.RecordConsent(ctx, principalOf(ctx).Name, in.Body)
			if err != nil {
				return nil, err
			}
			return &output[*ConsentResult]{&ConsentResult{list(c)}}, nil
		})
}
