package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

func audiencePath(name string) string { return "/api/v1/audiences/" + url.PathEscape(name) }

// Audiences are all audiences, by name.
func (c *Client) Audiences(ctx context.Context) ([]clientele.AudienceInForce, error) {
	return items[clientele.AudienceInForce](ctx, c, "/api/v1/audiences", nil)
}

// Audience is the named one.
func (c *Client) Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	return send[clientele.AudienceInForce](ctx, c, http.MethodGet, audiencePath(name), nil)
}

// SetAudience brings an audience into force, or a new version of it.
func (c *Client) SetAudience(ctx context.Context, a clientele.Audience) (*clientele.AudienceInForce, error) {
	return send[clientele.AudienceInForce](ctx, c, http.MethodPut, audiencePath(a.Name), a)
}

// DeleteAudience ends an audience.
func (c *Client) DeleteAudience(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: audiencePath(name)}, nil)
}

// AudienceMembers are the members of the live version, a page of them.
func (c *Client) AudienceMembers(ctx context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error) {
	var p page[clientele.Membership]
	err := c.call(ctx, request{method: http.MethodGet, path: audiencePath(name) + "/members", query: url.Values{"limit": {strconv.Itoa(limit)}, "cursor": {cursor}}}, &p)
	return p.Items, p.Next, err
}

// PreviewAudience counts who would be in an audience. Nothing is changed.
func (c *Client) PreviewAudience(ctx context.Context, where clientele.RawJSON) (*clientele.AudiencePreview, error) {
	return send[clientele.AudiencePreview](ctx, c, http.MethodPost, "/api/v1/audiences/preview", map[string]clientele.RawJSON{"where": where})
}

// AudienceOverlap is how many members audiences have in common.
func (c *Client) AudienceOverlap(ctx context.Context, list []clientele.AudienceToCompare) (*clientele.AudienceOverlap, error) {
	return send[clientele.AudienceOverlap](ctx, c, http.MethodPost, "/api/v1/audiences/overlap", map[string][]clientele.AudienceToCompare{"audiences": list})
}

// Percentiles are the thresholds that audiences compare with, as of their last computation.
func (c *Client) Percentiles(ctx context.Context) ([]clientele.PercentileThreshold, error) {
	return items[clientele.PercentileThreshold](ctx, c, "/api/v1/percentiles", nil)
}

// RefreshPercentiles computes them now.
func (c *Client) RefreshPercentiles(ctx context.Context) ([]clientele.PercentileThreshold, error) {
	var p page[clientele.PercentileThreshold]
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/percentiles/refresh"}, &p)
	return p.Items, err
}

// Values are the most frequent values of a trait, of events or of a property that begin so.
func (c *Client) Values(ctx context.Context, q clientele.ValuesQuery) ([]clientele.ValueCount, error) {
	return items[clientele.ValueCount](ctx, c, "/api/v1/values", url.Values{"of": {string(q.Of)}, "name": {q.Name}, "property": {q.Property}, "prefix": {q.Prefix}, "limit": {strconv.Itoa(q.Limit)}})
}

// UploadAudience changes the list of a static audience by a file of identifiers.
func (c *Client) UploadAudience(ctx context.Context, name string, up clientele.AudienceUpload, text []byte) (*clientele.AudienceUploaded, error) {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write(text); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "pack: %w", err)
	}
	if err := zw.Close(); err != nil {
		return nil, clientele.Errorf(clientele.Internal, "pack: %w", err)
	}
	out := &clientele.AudienceUploaded{}
	return out, c.call(ctx, request{method: http.MethodPost, path: audiencePath(name) + "/list", raw: &packed, contentType: "text/plain", encoding: "gzip",
		query: url.Values{"mode": {string(up.Mode)}, "namespace": {string(up.Namespace)}, "column": {up.Column}, "keep_unmatched": {strconv.FormatBool(up.Keep)}}}, out)
}

// RefreshAudience asks the query of an SQL audience now.
func (c *Client) RefreshAudience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	return send[clientele.AudienceInForce](ctx, c, http.MethodPost, audiencePath(name)+"/refresh", nil)
}

// SuppressedProfiles are those whom an audience's suppress rules leave out, a page of them.
func (c *Client) SuppressedProfiles(ctx context.Context, name string, limit int, cursor string) ([]clientele.SuppressedProfile, string, error) {
	var p page[clientele.SuppressedProfile]
	err := c.call(ctx, request{method: http.MethodGet, path: audiencePath(name) + "/suppressed", query: url.Values{"limit": {strconv.Itoa(limit)}, "cursor": {cursor}}}, &p)
	return p.Items, p.Next, err
}
