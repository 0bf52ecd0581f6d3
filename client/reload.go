package client

import (
	"context"
	"net/http"

	"clientele"
)

// Reload lets the server read its configuration again. Invalid, and nothing changed, when it is wrong.
func (c *Client) Reload(ctx context.Context) (*clientele.ReloadResult, error) {
	var r clientele.ReloadResult
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/reload"}, &r)
	return &r, err
}
