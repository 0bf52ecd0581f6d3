package client

import (
	"context"
	"net/http"
	"net/url"

	"clientele"
)

func savedPath(kind clientele.SavedKind, name string) string {
	return "/api/v1/saved/" + url.PathEscape(string(kind)) + "/" + url.PathEscape(name)
}

// SavedAll are the saved questions, dashboards and goals that the token may read; of one kind where it is given.
func (c *Client) SavedAll(ctx context.Context, kind clientele.SavedKind) ([]clientele.Saved, error) {
	query := url.Values{}
	if kind != "" {
		query.Set("kind", string(kind))
	}
	return items[clientele.Saved](ctx, c, "/api/v1/saved", query)
}

// Saved is the one of that kind and name.
func (c *Client) Saved(ctx context.Context, kind clientele.SavedKind, name string) (*clientele.Saved, error) {
	return send[clientele.Saved](ctx, c, http.MethodGet, savedPath(kind, name), nil)
}

// Save keeps a question, dashboard or goal.
func (c *Client) Save(ctx context.Context, s clientele.Saved) (*clientele.Saved, error) {
	return send[clientele.Saved](ctx, c, http.MethodPut, savedPath(s.Kind, s.Name), s)
}

// DeleteSaved deletes it.
func (c *Client) DeleteSaved(ctx context.Context, kind clientele.SavedKind, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: savedPath(kind, name)}, nil)
}

// AnswerSaved answers it now.
func (c *Client) AnswerSaved(ctx context.Context, kind clientele.SavedKind, name string) (*clientele.SavedAnswer, error) {
	return send[clientele.SavedAnswer](ctx, c, http.MethodGet, savedPath(kind, name)+"/answer", nil)
}
