package client

import (
	"context"
	"net/http"
	"net/url"

	"clientele"
)

func sourcePath(name string) string { return "/api/v1/sources/" + url.PathEscape(name) }

// Sources are where events come from.
func (c *Client) Sources(ctx context.Context) ([]clientele.SourceInForce, error) {
	return items[clientele.SourceInForce](ctx, c, "/api/v1/sources", nil)
}

// SetSource makes a source, or changes one that was made; newKey gives it another write key.
func (c *Client) SetSource(ctx context.Context, s clientele.Source, newKey bool) (*clientele.SourceInForce, error) {
	return send[clientele.SourceInForce](ctx, c, http.MethodPut, sourcePath(s.Name), struct {
		clientele.Source
		NewKey bool `json:"new_key,omitempty"`
	}{s, newKey})
}

// EndSource ends a source that was made.
func (c *Client) EndSource(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: sourcePath(name)}, nil)
}
