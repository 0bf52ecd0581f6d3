package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

func picking(q clientele.RecommendQuery) url.Values {
	v := url.Values{}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	for _, c := range q.Include {
		v.Add("include", c)
	}
	for _, c := range q.Exclude {
		v.Add("exclude", c)
	}
	if q.PerCategory > 0 {
		v.Set("per_category", strconv.Itoa(q.PerCategory))
	}
	if q.SoldOut {
		v.Set("sold_out", "true")
	}
	return v
}

// RecommendFor recommends to a person.
func (c *Client) RecommendFor(ctx context.Context, id clientele.Identifier, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	v := &clientele.Recommendations{}
	return result(v, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/recommendations/profiles/" + url.PathEscape(string(id.Namespace)) + "/" + url.PathEscape(id.Value), query: picking(q)}, v))
}

// RecommendWith recommends what goes with a product.
func (c *Client) RecommendWith(ctx context.Context, item string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	v := &clientele.Recommendations{}
	return result(v, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/recommendations/items/" + url.PathEscape(item), query: picking(q)}, v))
}

// RecommendSession recommends to a visitor by what was looked at.
func (c *Client) RecommendSession(ctx context.Context, items []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	return send[clientele.Recommendations](ctx, c, http.MethodPost, "/api/v1/recommendations/session", map[string]any{"items": items, "query": q})
}

// RecommendStatus is how the model is.
func (c *Client) RecommendStatus(ctx context.Context) (*clientele.RecommendStatus, error) {
	v := &clientele.RecommendStatus{}
	return result(v, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/recommendations"}, v))
}

// TrainRecommendations learns the model anew.
func (c *Client) TrainRecommendations(ctx context.Context) (*clientele.RecommendStatus, error) {
	return send[clientele.RecommendStatus](ctx, c, http.MethodPost, "/api/v1/recommendations/train", nil)
}
