package client

import (
	"context"
	"net/http"
	"strconv"

	"clientele"
)

// ApproveAudience brings the draft of an audience into force.
func (c *Client) ApproveAudience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	return send[clientele.AudienceInForce](ctx, c, http.MethodPost, audiencePath(name)+"/approve", map[string]any{})
}

// WithdrawDraft takes a draft back, or refuses it.
func (c *Client) WithdrawDraft(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: audiencePath(name) + "/draft"}, nil)
}

// SetAudienceOwner says who answers for an audience.
func (c *Client) SetAudienceOwner(ctx context.Context, name, owner string) (*clientele.AudienceInForce, error) {
	return send[clientele.AudienceInForce](ctx, c, http.MethodPut, audiencePath(name)+"/owner", map[string]string{"owner": owner})
}

// AudienceComments are what was said of an audience, the oldest first.
func (c *Client) AudienceComments(ctx context.Context, name string) ([]clientele.AudienceComment, error) {
	return items[clientele.AudienceComment](ctx, c, audiencePath(name)+"/comments", nil)
}

// CommentAudience says something of an audience.
func (c *Client) CommentAudience(ctx context.Context, name, text string) (*clientele.AudienceComment, error) {
	return send[clientele.AudienceComment](ctx, c, http.MethodPost, audiencePath(name)+"/comments", map[string]string{"text": text})
}

// DeleteComment deletes a comment of one's own.
func (c *Client) DeleteComment(ctx context.Context, name string, id clientele.Position) error {
	return c.call(ctx, request{method: http.MethodDelete, path: audiencePath(name) + "/comments/" + strconv.FormatUint(uint64(id), 10)}, nil)
}
