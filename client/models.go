package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

func modelPath(name, below string) string { return "/api/v1/models/" + url.PathEscape(name) + below }

// Models are the models that predict, and what is under way with them.
func (c *Client) Models(ctx context.Context) ([]clientele.ModelInForce, error) {
	return items[clientele.ModelInForce](ctx, c, "/api/v1/models", nil)
}

// Model is the named model.
func (c *Client) Model(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return send[clientele.ModelInForce](ctx, c, http.MethodGet, modelPath(name, ""), nil)
}

// SetModel makes a model, or changes the settings of the one of its name.
func (c *Client) SetModel(ctx context.Context, m clientele.Model) (*clientele.ModelInForce, error) {
	return send[clientele.ModelInForce](ctx, c, http.MethodPut, modelPath(m.Name, ""), m)
}

// DeleteModel ends a model, and what it predicts with it.
func (c *Client) DeleteModel(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: modelPath(name, "")}, nil)
}

// TrainModel begins a training; Running in the model says how far it is.
func (c *Client) TrainModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return send[clientele.ModelInForce](ctx, c, http.MethodPost, modelPath(name, "/train"), nil)
}

// CancelModel stops what is under way.
func (c *Client) CancelModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return send[clientele.ModelInForce](ctx, c, http.MethodPost, modelPath(name, "/cancel"), nil)
}

// PromoteModel has everybody scored by a version, 0 for the latest.
func (c *Client) PromoteModel(ctx context.Context, name string, version int) (*clientele.ModelInForce, error) {
	return send[clientele.ModelInForce](ctx, c, http.MethodPost, modelPath(name, "/promote"), map[string]int{"version": version})
}

// RollBackModel has everybody scored by the version that was promoted before.
func (c *Client) RollBackModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return send[clientele.ModelInForce](ctx, c, http.MethodPost, modelPath(name, "/rollback"), nil)
}

// ModelVersions are the versions of a model, the latest first.
func (c *Client) ModelVersions(ctx context.Context, name string) ([]clientele.ModelVersion, error) {
	return items[clientele.ModelVersion](ctx, c, modelPath(name, "/versions"), nil)
}

// ModelReport says how far a version can be believed; 0 is the promoted one, or the latest when none is.
func (c *Client) ModelReport(ctx context.Context, name string, version int) (*clientele.ModelReport, error) {
	r := new(clientele.ModelReport)
	query := url.Values{"version": {strconv.Itoa(version)}}
	return result(r, c.call(ctx, request{method: http.MethodGet, path: modelPath(name, "/report"), query: query}, r))
}

// ModelBaseline holds an older baseline of value against the present one; version 0, since "" and by "" are those that the server takes.
func (c *Client) ModelBaseline(ctx context.Context, name string, version int, since, by string) (*clientele.ModelBaseline, error) {
	r := new(clientele.ModelBaseline)
	query := url.Values{"version": {strconv.Itoa(version)}}
	if since != "" {
		query.Set("since", since)
	}
	if by != "" {
		query.Set("by", by)
	}
	return result(r, c.call(ctx, request{method: http.MethodGet, path: modelPath(name, "/baseline"), query: query}, r))
}
