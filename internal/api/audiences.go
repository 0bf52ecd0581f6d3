package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Audiences keeps audiences. by is the name of the token that asks. Invalid or Conflict says why an
// audience cannot come into force; NotFound that there is none of that name.
type Audiences interface {
	Audiences(ctx context.Context) ([]clientele.AudienceInForce, error)
	Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error)
	SetAudience(ctx context.Context, by string, a clientele.Audience) (*clientele.AudienceInForce, error)
	DeleteAudience(ctx context.Context, by, name string) error
	// AudienceMembers are those of the live version, by profile.
	AudienceMembers(ctx context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error)
	// PreviewAudience changes nothing.
	PreviewAudience(ctx context.Context, where clientele.RawJSON) (*clientele.AudiencePreview, error)
}

// AudienceQuestion asks who would be in an audience.
type AudienceQuestion struct {
	Where clientele.RawJSON `json:"where" doc:"The definition."`
}

func (a *API) audienceRoutes() {
	const tag = "audiences"
	route(a, operation{id: "list-audiences", method: http.MethodGet, path: "/api/v1/audiences", scope: token.Read, tag: tag, quiet: true, summary: "Audiences, and how they stand"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.AudienceInForce], error) {
			return all(a.o.Audiences.Audiences(ctx))
		})
	route(a, operation{id: "get-audience", method: http.MethodGet, path: "/api/v1/audiences/{name}", scope: token.Read, tag: tag, quiet: true, summary: "An audience, and how it stands"},
		func(ctx context.Context, in *Named) (*output[*clientele.AudienceInForce], error) {
			return one(a.o.Audiences.Audience(ctx, in.Name))
		})
	type audienceInput struct {
		Named
		Body clientele.Audience
	}
	route(a, operation{id: "set-audience", method: http.MethodPut, path: "/api/v1/audiences/{name}", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Bring an audience into force, or a new version of it, which is live when all profiles have been looked at"},
		func(ctx context.Context, in *audienceInput) (*output[*clientele.AudienceInForce], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Audiences.SetAudience(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-audience", method: http.MethodDelete, path: "/api/v1/audiences/{name}", scope: token.Write, tag: tag, summary: "End an audience: its members leave it"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Audiences.DeleteAudience(ctx, principalOf(ctx).Name, in.Name)
		})
	type membersInput struct {
		Named
		Paging
	}
	route(a, operation{id: "audience-members", method: http.MethodGet, path: "/api/v1/audiences/{name}/members", scope: token.Read, tag: tag, summary: "The members of an audience"},
		func(ctx context.Context, in *membersInput) (*pageOutput[clientele.Membership], error) {
			list, next, err := a.o.Audiences.AudienceMembers(ctx, in.Name, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return pageOf(list, next), nil
		})
	route(a, operation{id: "preview-audience", method: http.MethodPost, path: "/api/v1/audiences/preview", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "Who would be in an audience; changes nothing"},
		func(ctx context.Context, in *struct{ Body AudienceQuestion }) (*output[*clientele.AudiencePreview], error) {
			return one(a.o.Audiences.PreviewAudience(ctx, in.Body.Where))
		})
}
