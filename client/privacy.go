package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"clientele"
)

// RecordConsent notes what a person decided outside of all sources, and answers what holds now.
func (c *Client) RecordConsent(ctx context.Context, d clientele.ConsentDecision) ([]clientele.Consent, error) {
	var r struct {
		Consent []clientele.Consent `json:"consent"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/consent", body: d}, &r)
	return r.Consent, err
}

// Erase forgets a person, or, of a dry run, counts what would be deleted.
func (c *Client) Erase(ctx context.Context, req clientele.EraseRequest) (*clientele.EraseResult, error) {
	var r clientele.EraseResult
	return result(&r, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/erase", body: req}, &r))
}

// Certificate is what is certified of an erasure, entry by entry, as JSON.
func (c *Client) Certificate(ctx context.Context, id string) ([]clientele.RawJSON, error) {
	var r struct {
		Items []clientele.RawJSON `json:"items"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/erasures/" + url.PathEscape(id)}, &r)
	return r.Items, err
}

// Access is everything that is known of a person, with sources.
func (c *Client) Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error) {
	var a clientele.Access
	return result(&a, c.call(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/access", body: clientele.AccessRequest{Namespace: id.Namespace, Value: id.Value}}, &a))
}

// AccessPage is the same as one HTML page that needs no other file.
func (c *Client) AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error) {
	resp, err := c.do(ctx, request{method: http.MethodPost, path: "/api/v1/profiles/access", body: clientele.AccessRequest{Namespace: id.Namespace, Value: id.Value, HTML: true}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, clientele.Errorf(clientele.Unavailable, "access: %w", err)
	}
	return b, nil
}

// SubjectRequests are what persons have asked for: what waits first, by when it is due.
func (c *Client) SubjectRequests(ctx context.Context) ([]clientele.SubjectRequest, error) {
	return items[clientele.SubjectRequest](ctx, c, "/api/v1/privacy/requests", nil)
}

// EnterRequest notes that a person asks for access or erasure.
func (c *Client) EnterRequest(ctx context.Context, in clientele.NewSubjectRequest) (*clientele.SubjectRequest, error) {
	return send[clientele.SubjectRequest](ctx, c, http.MethodPost, "/api/v1/privacy/requests", in)
}

// CloseRequest notes how a request ended.
func (c *Client) CloseRequest(ctx context.Context, id string, end clientele.SubjectRequestEnd) (*clientele.SubjectRequest, error) {
	return send[clientele.SubjectRequest](ctx, c, http.MethodPost, "/api/v1/privacy/requests/"+url.PathEscape(id)+"/close", end)
}

// Retention are the retention rules in force, and what they have deleted.
func (c *Client) Retention(ctx context.Context) ([]clientele.RetentionInForce, error) {
	return items[clientele.RetentionInForce](ctx, c, "/api/v1/retention", nil)
}

// SetRetention brings a retention rule into force, in the place of one of its name: it begins to delete within seconds.
func (c *Client) SetRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionInForce, error) {
	return send[clientele.RetentionInForce](ctx, c, http.MethodPut, "/api/v1/retention/"+url.PathEscape(r.Name), r)
}

// DeleteRetention ends a retention rule. What it has deleted is gone.
func (c *Client) DeleteRetention(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/api/v1/retention/" + url.PathEscape(name)}, nil)
}

// PreviewRetention says what a retention rule would delete. Nothing is changed.
func (c *Client) PreviewRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionPreview, error) {
	return send[clientele.RetentionPreview](ctx, c, http.MethodPost, "/api/v1/retention/preview", r)
}
