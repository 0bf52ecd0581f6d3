package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// Audiences keeps audiences. by is the name of the token that asks. Invalid or Conflict says why an
// audience cannot come into force; NotFound that there is none of that name.
type Audiences interface {
	Audiences(ctx context.Context) ([]clientele.AudienceInForce, error)
	Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error)
	SetAudience(ctx context.Context, by string, a clientele.Audience) (*clientele.AudienceInForce, error)
	DeleteAudience(ctx context.Context, by, name string) error
	// UploadAudience changes the list of a static audience by a file of identifiers; RefreshAudience asks the
	// query of an SQL audience. Conflict when the audience is of another kind.
	UploadAudience(ctx context.Context, by, name string, up clientele.AudienceUpload, text []byte) (*clientele.AudienceUploaded, error)
	RefreshAudience(ctx context.Context, by, name string) (*clientele.AudienceInForce, error)
	// AudienceMoves are who came in and left last, the newest first.
	AudienceMoves(ctx context.Context, name string, limit int) ([]clientele.AudienceMove, error)
	// SuppressedProfiles are those whom suppress rules leave out, by profile.
	SuppressedProfiles(ctx context.Context, name string, limit int, cursor string) ([]clientele.SuppressedProfile, string, error)
	// AudienceMembers are those of the live version, by profile.
	AudienceMembers(ctx context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error)
	// PreviewAudience changes nothing. Conflict when the same editor has asked for another meanwhile.
	PreviewAudience(ctx context.Context, editor string, where clientele.RawJSON) (*clientele.AudiencePreview, error)
	// PreviewProgress is how far the latest preview of the editor is.
	PreviewProgress(editor string) clientele.PreviewProgress
	AudienceOverlap(ctx context.Context, list []clientele.AudienceToCompare) (*clientele.AudienceOverlap, error)
	// Percentiles are the thresholds that audiences compare with; RefreshPercentiles computes them now.
	Percentiles(ctx context.Context) ([]clientele.PercentileThreshold, error)
	RefreshPercentiles(ctx context.Context, by string) ([]clientele.PercentileThreshold, error)
	Values(ctx context.Context, q clientele.ValuesQuery) ([]clientele.ValueCount, error)
}

// Limits of a file of identifiers.
const (
	MaxListBytes = 16 << 20 // as it is sent
	MaxListText  = 64 << 20 // when it is decompressed
)

type uploadInput struct {
	Named
	Mode      string `query:"mode" enum:"replace,append,remove" default:"replace"`
	Namespace string `query:"namespace" required:"true" maxLength:"64" doc:"Of the identifiers. SHA-256 hashes of them, in hexadecimal, are recognised for email and phone."`
	Column    string `query:"column" maxLength:"200" doc:"That holds them, when there are several."`
	Keep      bool   `query:"keep_unmatched" doc:"Keep keyed hashes of those that nobody has, so that who has one later joins."`
	Encoding  string `header:"Content-Encoding" doc:"gzip, or nothing."`
	RawBody   []byte `contentType:"text/plain" required:"true"`
}

// listRoutes are those of audiences that are lists.
func (a *API) listRoutes() {
	const tag = "audiences"
	route(a, operation{id: "upload-audience", method: http.MethodPost, path: "/api/v1/audiences/{name}/list", scope: token.Write, tag: tag, timeout: longTimeout, body: MaxListBytes,
		summary: "Change the list of a static audience by a file of identifiers: one a line, CSV or JSON lines"},
		func(ctx context.Context, in *uploadInput) (*output[*clientele.AudienceUploaded], error) {
			if err := a.unapproved(ctx); err != nil {
				return nil, err
			}
			text, err := unpacked(in.Encoding, in.RawBody, MaxListText)
			if err != nil {
				return nil, err
			}
			up := clientele.AudienceUpload{Mode: clientele.ListMode(in.Mode), Namespace: clientele.Namespace(in.Namespace), Column: in.Column, Keep: in.Keep}
			return one(a.o.Audiences.UploadAudience(ctx, principalOf(ctx).Name, in.Name, up, text))
		})
	type suppressedInput struct {
		Named
		Paging
	}
	route(a, operation{id: "audience-suppressed", method: http.MethodGet, path: "/api/v1/audiences/{name}/suppressed", scope: token.Read, tag: tag,
		summary: "Whom an audience's suppress rules leave out, and by which"},
		func(ctx context.Context, in *suppressedInput) (*pageOutput[clientele.SuppressedProfile], error) {
			list, next, err := a.o.Audiences.SuppressedProfiles(ctx, in.Name, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return pageOf(list, next), nil
		})
	route(a, operation{id: "refresh-audience", method: http.MethodPost, path: "/api/v1/audiences/{name}/refresh", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Ask the query of an SQL audience now"},
		func(ctx context.Context, in *Named) (*output[*clientele.AudienceInForce], error) {
			return one(a.o.Audiences.RefreshAudience(ctx, principalOf(ctx).Name, in.Name))
		})
}

func (a *API) memberRoutes() {
	const tag = "audiences"
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
	type movesInput struct {
		Named
		Limit int `query:"limit" default:"50" minimum:"1" maximum:"1000"`
	}
	route(a, operation{id: "audience-moves", method: http.MethodGet, path: "/api/v1/audiences/{name}/moves", scope: token.Read, tag: tag, summary: "Who came into an audience and left it last, the newest first"},
		func(ctx context.Context, in *movesInput) (*pageOutput[clientele.AudienceMove], error) {
			return all(a.o.Audiences.AudienceMoves(ctx, in.Name, in.Limit))
		})
}

// AudienceQuestion asks who would be in an audience.
type AudienceQuestion struct {
	Where    clientele.RawJSON `json:"where" doc:"The definition."`
	Suppress clientele.RawJSON `json:"suppress,omitempty" doc:"Rules that leave people out."`
	Editor   string            `json:"editor,omitempty" maxLength:"64" doc:"Whose definition it is while it is written: a preview for the same editor ends the one before, and the count stands still for up to five seconds while events arrive."`
}

func (a *API) audienceRoutes() {
	const tag = "audiences"
	a.listRoutes()
	a.memberRoutes()
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
			if p := principalOf(ctx); a.drafts(p) {
				return one(a.o.Work.DraftAudience(ctx, p.Name, in.Body))
			}
			return one(a.o.Audiences.SetAudience(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-audience", method: http.MethodDelete, path: "/api/v1/audiences/{name}", scope: token.Write, tag: tag, summary: "End an audience: its members leave it"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			if err := a.unapproved(ctx); err != nil {
				return nil, err
			}
			return nil, a.o.Audiences.DeleteAudience(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "preview-audience", method: http.MethodPost, path: "/api/v1/audiences/preview", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "Who would be in an audience; changes nothing"},
		func(ctx context.Context, in *struct{ Body AudienceQuestion }) (*output[*clientele.AudiencePreview], error) {
			return one(a.o.Audiences.PreviewAudience(ctx, editorOf(ctx, in.Body.Editor), clientele.WithSuppress(in.Body.Where, in.Body.Suppress)))
		})
	route(a, operation{id: "preview-progress", method: http.MethodGet, path: "/api/v1/previews/{editor}", scope: token.Read, tag: tag, quiet: true,
		summary: "How far a preview is that its editor waits for"},
		func(ctx context.Context, in *struct {
			Editor string `path:"editor" maxLength:"100" doc:"As in the preview's body."`
		}) (*output[*clientele.PreviewProgress], error) {
			p := a.o.Audiences.PreviewProgress(editorOf(ctx, in.Editor))
			return one(&p, nil)
		})
	type overlapInput struct {
		Body struct {
			Audiences []clientele.AudienceToCompare `json:"audiences" minItems:"1" maxItems:"50" doc:"Each by its name or by a definition."`
		}
	}
	route(a, operation{id: "audience-overlap", method: http.MethodPost, path: "/api/v1/audiences/overlap", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "How many members audiences have in common"},
		func(ctx context.Context, in *overlapInput) (*output[*clientele.AudienceOverlap], error) {
			return one(a.o.Audiences.AudienceOverlap(ctx, in.Body.Audiences))
		})
	route(a, operation{id: "list-percentiles", method: http.MethodGet, path: "/api/v1/percentiles", scope: token.Read, tag: tag, quiet: true,
		summary: "The values at percentiles that audiences compare with, as of their last computation"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.PercentileThreshold], error) {
			return all(a.o.Audiences.Percentiles(ctx))
		})
	route(a, operation{id: "refresh-percentiles", method: http.MethodPost, path: "/api/v1/percentiles/refresh", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Compute them now; audiences whose threshold is another then are filled anew"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.PercentileThreshold], error) {
			return all(a.o.Audiences.RefreshPercentiles(ctx, principalOf(ctx).Name))
		})
	type valuesInput struct {
		Of       string `query:"of" enum:"trait,event,property" required:"true"`
		Name     string `query:"name" maxLength:"200" doc:"Of the trait, or of the event whose property is meant."`
		Property string `query:"property" maxLength:"200"`
		Prefix   string `query:"prefix" maxLength:"200" doc:"What the values begin with, whatever the case of letters."`
		Limit    int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	}
	route(a, operation{id: "list-values", method: http.MethodGet, path: "/api/v1/values", scope: token.Read, tag: tag, timeout: a.o.QueryTimeout,
		summary: "The values that there are of a trait, of events or of a property, with how many have each, the most frequent first"},
		func(ctx context.Context, in *valuesInput) (*pageOutput[clientele.ValueCount], error) {
			if p := principalOf(ctx); p.Sight() != role.Clear && in.Of == string(clientele.ValuesOfTrait) && a.o.Personal.Named(in.Name) {
				return nil, mayNotName(p, in.Name)
			}
			return all(a.o.Audiences.Values(ctx, clientele.ValuesQuery{Of: clientele.ValuesOf(in.Of), Name: in.Name, Property: in.Property, Prefix: in.Prefix, Limit: in.Limit}))
		})
}

// editorOf keeps the editors of different tokens apart.
func editorOf(ctx context.Context, editor string) string {
	if editor == "" {
		return ""
	}
	return principalOf(ctx).Name + "/" + editor
}
