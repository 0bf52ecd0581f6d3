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
