package client

import (
	"context"
	"net/http"

	"clientele"
)

const lifecyclePath = "/api/v1/lifecycle"

// Lifecycle are the lifecycle's stages, and how they stand.
func (c *Client) Lifecycle(ctx context.Context) (*clientele.LifecycleInForce, error) {
	return send[clientele.LifecycleInForce](ctx, c, http.MethodGet, lifecyclePath, nil)
}

// SetLifecycle brings stages into force; none ends the lifecycle.
func (c *Client) SetLifecycle(ctx context.Context, stages []clientele.LifecycleStage) (*clientele.LifecycleInForce, error) {
	if len(stages) == 0 {
		if err := c.call(ctx, request{method: http.MethodDelete, path: lifecyclePath}, nil); err != nil {
			return nil, err
		}
		return c.Lifecycle(ctx)
	}
	return send[clientele.LifecycleInForce](ctx, c, http.MethodPut, lifecyclePath, map[string]any{"stages": stages})
}
