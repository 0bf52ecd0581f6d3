package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Enriching takes in what third parties say of people.
type Enriching interface {
	// Enrich takes a part of a file in, and answers what the import has come to with it.
	Enrich(ctx context.Context, by string, req clientele.EnrichmentRequest) (*clientele.Enrichment, error)
	Enrichments(ctx context.Context) ([]clientele.Enrichment, error)
	// EndEnrichment has all go that the source has said so far. NotFound for a source that has said nothing.
	EndEnrichment(ctx context.Context, by, source string) error
}

// EnrichmentPart is a part of a file of attributes.
type EnrichmentPart struct {
	Revision  string                    `json:"revision" minLength:"1" maxLength:"64" doc:"Names the import; the same for all of its parts."`
	Namespace clientele.Namespace       `json:"namespace" minLength:"1" maxLength:"64" doc:"What the keys are: email, email_sha256, phone, user_id, ..."`
	ExpiresAt clientele.Micros          `json:"expires_at" doc:"When the attributes go again."`
	Keep      *bool                     `json:"keep_unmatched,omitempty" doc:"Keep what is said of people nobody knows yet until it expires; true if it is left out."`
	Rows      []clientele.EnrichmentRow `json:"rows" minItems:"1" maxItems:"20000"`
}

func (a *API) enrichmentRoutes() {
	const tag = "profiles"
	route(a, operation{id: "list-enrichment", method: http.MethodGet, path: "/api/v1/enrichment", scope: token.Read, tag: tag, quiet: true,
		summary: "Sources of enrichment, and what their last imports came to"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.Enrichment], error) {
			return all(a.o.Enriching.Enrichments(ctx))
		})
	type enrichInput struct {
		Source string `path:"source" maxLength:"40" doc:"The third party: lower-case letters, digits and _."`
		Body   EnrichmentPart
	}
	route(a, operation{id: "enrich", method: http.MethodPost, path: "/api/v1/enrichment/{source}", scope: token.Write, tag: tag, timeout: longTimeout, body: MaxListBytes,
		summary: "Attributes of people by hashed or plain identifiers, from a third party: traits with their source and expiry"},
		func(ctx context.Context, in *enrichInput) (*output[*clientele.Enrichment], error) {
			b := in.Body
			return one(a.o.Enriching.Enrich(ctx, principalOf(ctx).Name, clientele.EnrichmentRequest{Source: in.Source, Revision: b.Revision, Namespace: b.Namespace, ExpiresAt: b.ExpiresAt,
				Keep: b.Keep == nil || *b.Keep, Rows: b.Rows}))
		})
	type sourceInput struct {
		Source string `path:"source" maxLength:"40" doc:"The third party."`
	}
	route(a, operation{id: "end-enrichment", method: http.MethodDelete, path: "/api/v1/enrichment/{source}", scope: token.Write, tag: tag,
		summary: "Take away what a third party has said, before it expires; people leave the audiences that asked for it"},
		func(ctx context.Context, in *sourceInput) (*struct{}, error) {
			return nil, a.o.Enriching.EndEnrichment(ctx, principalOf(ctx).Name, in.Source)
		})
}
