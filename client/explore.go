package client

import (
	"context"
	"net/http"

	"clientele"
)

// Explore answers a question. Whole numbers come as float64, as JSON has no others.
func (c *Client) Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error) {
	return send[clientele.Answer](ctx, c, http.MethodPost, "/api/v1/explore", q)
}

// Behind are the people behind a cell of a question's answer.
func (c *Client) Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	return send[clientele.Behind](ctx, c, http.MethodPost, "/api/v1/explore/people", req)
}

// ExploreFields are what questions can name.
func (c *Client) ExploreFields(ctx context.Context) (*clientele.ExploreFields, error) {
	return send[clientele.ExploreFields](ctx, c, http.MethodGet, "/api/v1/explore/fields", nil)
}

// ExploreAudience makes an audience of the people behind a cell of a question's answer.
func (c *Client) ExploreAudience(ctx context.Context, req clientele.SegmentRequest) (*clientele.AudienceInForce, error) {
	return send[clientele.AudienceInForce](ctx, c, http.MethodPost, "/api/v1/explore/audience", req)
}
