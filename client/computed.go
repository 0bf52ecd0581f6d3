package client

import (
	"context"
	"net/http"
	"net/url"

	"clientele"
)

// ComputedTraits are the computed traits, and how far they are filled.
func (c *Client) ComputedTraits(ctx context.Context) ([]clientele.ComputedInForce, error) {
	return items[clientele.ComputedInForce](ctx, c, "/api/v1/computed-traits", nil)
}

// SetComputedTrait has a computed trait filled, which comes into force then, in the place of one of its name.
func (c *Client) SetComputedTrait(ctx context.Context, t clientele.ComputedTrait) (*clientele.ComputedInForce, error) {
	return send[clientele.ComputedInForce](ctx, c, http.MethodPut, "/api/v1/computed-traits/"+url.PathEscape(t.Name), t)
}

// DeleteComputedTrait ends a computed trait.
func (c *Client) DeleteComputedTrait(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/api/v1/computed-traits/" + url.PathEscape(name)}, nil)
}

// PreviewComputedTrait says what a definition would give for one profile. Nothing is changed.
func (c *Client) PreviewComputedTrait(ctx context.Context, t clientele.ComputedTrait, id clientele.Identifier) (*clientele.ComputedPreview, error) {
	return send[clientele.ComputedPreview](ctx, c, http.MethodPost, "/api/v1/computed-traits/preview", struct {
		clientele.ComputedTrait
		Namespace clientele.Namespace `json:"namespace"`
		Value     string              `json:"value"`
	}{t, id.Namespace, id.Value})
}
