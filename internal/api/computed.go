package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Computed keeps computed traits. by is the name of the token that asks. Invalid or Conflict says why one cannot come
// into force or end; NotFound that there is none of that name.
type Computed interface {
	ComputedTraits(ctx context.Context) ([]clientele.ComputedInForce, error)
	ComputedTrait(ctx context.Context, name string) (*clientele.ComputedInForce, error)
	SetComputedTrait(ctx context.Context, by string, t clientele.ComputedTrait) (*clientele.ComputedInForce, error)
	DeleteComputedTrait(ctx context.Context, by, name string) error
	// PreviewComputedTrait changes nothing.
	PreviewComputedTrait(ctx context.Context, t clientele.ComputedTrait, id clientele.Identifier) (*clientele.ComputedPreview, error)
}

// ComputedTrial is a definition, and the profile to try it on.
type ComputedTrial struct {
	clientele.ComputedTrait
	Namespace clientele.Namespace `json:"namespace" minLength:"1"`
	Value     string              `json:"value" minLength:"1"`
}

func (a *API) computedRoutes() {
	const tag = "computed traits"
	route(a, operation{id: "list-computed-traits", method: http.MethodGet, path: "/api/v1/computed-traits", scope: token.Read, tag: tag, quiet: true,
		summary: "Computed traits, and how far they are filled"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.ComputedInForce], error) {
			return all(a.o.Computed.ComputedTraits(ctx))
		})
	route(a, operation{id: "get-computed-trait", method: http.MethodGet, path: "/api/v1/computed-traits/{name}", scope: token.Read, tag: tag, quiet: true,
		summary: "A computed trait"},
		func(ctx context.Context, in *Named) (*output[*clientele.ComputedInForce], error) {
			return one(a.o.Computed.ComputedTrait(ctx, in.Name))
		})
	type traitInput struct {
		Named
		Body clientele.ComputedTrait
	}
	route(a, operation{id: "set-computed-trait", method: http.MethodPut, path: "/api/v1/computed-traits/{name}", scope: token.Write, tag: tag,
		summary: "Have a computed trait filled; it comes into force then, in the place of one of that name"},
		func(ctx context.Context, in *traitInput) (*output[*clientele.ComputedInForce], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Computed.SetComputedTrait(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-computed-trait", method: http.MethodDelete, path: "/api/v1/computed-traits/{name}", scope: token.Write, tag: tag, summary: "End a computed trait"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Computed.DeleteComputedTrait(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "preview-computed-trait", method: http.MethodPost, path: "/api/v1/computed-traits/preview", scope: token.Read, tag: tag,
		summary: "What a definition would give for one profile; changes nothing"},
		func(ctx context.Context, in *struct{ Body ComputedTrial }) (*output[*clientele.ComputedPreview], error) {
			return one(a.o.Computed.PreviewComputedTrait(ctx, in.Body.ComputedTrait, clientele.Identifier{Namespace: in.Body.Namespace, Value: in.Body.Value}))
		})
}
