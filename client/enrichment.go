package client

import (
	"context"
	"net/http"
	"net/url"

	"clientele"
)

// Enrich takes in a part of a file of a third party's attributes, and answers what the import has come to with it.
func (c *Client) Enrich(ctx context.Context, req clientele.EnrichmentRequest) (*clientele.Enrichment, error) {
	return send[clientele.Enrichment](ctx, c, http.MethodPost, "/api/v1/enrichment/"+req.Source, map[string]any{"revision": req.Revision, "namespace": req.Namespace,
		"expires_at": req.ExpiresAt, "keep_unmatched": req.Keep, "rows": req.Rows})
}

// EndEnrichment has all go that the source has said so far, before it expires.
func (c *Client) EndEnrichment(ctx context.Context, source string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/api/v1/enrichment/" + url.PathEscape(source)}, nil)
}

// Enrichments are the sources of enrichment and what their last imports came to.
func (c *Client) Enrichments(ctx context.Context) ([]clientele.Enrichment, error) {
	var p page[clientele.Enrichment]
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/enrichment"}, &p)
	return p.Items, err
}
