package api

import (
	"context"
	"net/http"
	"slices"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// Sources are where events come from.
type Sources interface {
	Sources(ctx context.Context) ([]clientele.SourceInForce, error)
	// SetSource is Conflict when the configuration has the source, Invalid when it cannot be as it is wanted.
	SetSource(ctx context.Context, by string, s clientele.Source, newKey bool) (*clientele.SourceInForce, error)
	EndSource(ctx context.Context, by, name string) error
}

// SourceRequest is a source to make or to change.
type SourceRequest struct {
	clientele.Source
	NewKey bool `json:"new_key,omitempty" doc:"The key of now is not taken any more."`
}

func (a *API) sourceRoutes() {
	const tag = "sources"
	route(a, operation{id: "list-sources", method: http.MethodGet, path: "/api/v1/sources", scope: token.Read, tag: tag, quiet: true,
		summary: "Where events come from, with the write keys that are public, and all of them for admins, and the last error of each"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.SourceInForce], error) {
			sources, err := a.o.Sources.Sources(ctx)
			for i := range sources {
				if e := sources[i].LastError; e != nil && !slices.Contains(principalOf(ctx).Rights(), role.Records) {
					e.Reason = ""
				}
				if s := &sources[i]; s.Kind != "browser" && s.Kind != "mobile" && !principalOf(ctx).May(token.Admin) {
					s.WriteKey = ""
				}
			}
			return all(sources, err)
		})
	type setInput struct {
		Named
		Body SourceRequest
	}
	route(a, operation{id: "set-source", method: http.MethodPut, path: "/api/v1/sources/{name}", scope: token.Admin, tag: tag,
		summary: "Make a source, with a write key of its own, or change one that was made here"},
		func(ctx context.Context, in *setInput) (*output[*clientele.SourceInForce], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Sources.SetSource(ctx, principalOf(ctx).Name, in.Body.Source, in.Body.NewKey))
		})
	route(a, operation{id: "end-source", method: http.MethodDelete, path: "/api/v1/sources/{name}", scope: token.Admin, tag: tag,
		summary: "End a source that was made here: its key is not taken any more, what it has sent stays"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Sources.EndSource(ctx, principalOf(ctx).Name, in.Name)
		})
}
