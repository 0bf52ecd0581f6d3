package client

import (
	"context"
	"net/http"

	"clientele"
)

// RecordConsent notes what a person decided outside of all sources, and answers what holds now.
func (c *Client) RecordConsent(ctx context.Context, d clientele.ConsentDecision) ([]clientele.Consent, error) {
	var r struct {
		Consent []clientele.Consent `json:"consent"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/consent", body: d}, &r)
	return r.Consent, err
}
