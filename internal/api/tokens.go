package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// TokenRequest names a token to make.
type TokenRequest struct {
	Name   string        `json:"name" minLength:"1" maxLength:"64"`
	Scopes []token.Scope `json:"scopes,omitempty" doc:"read, write, collect, admin"`
	Role   role.Role     `json:"role,omitempty" doc:"Instead of scopes: may do and sees what the role does."`
}

// CreatedToken is a new token. Token is the secret: it is shown this once.
type CreatedToken struct {
	token.Info
	Token string `json:"token"`
}

func (a *API) tokenRoutes() {
	route(a, operation{id: "list-tokens", method: http.MethodGet, path: "/api/v1/tokens", scope: token.Admin,
		tag: "tokens", summary: "All tokens, revoked ones included, without their secrets"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[token.Info], error) {
			tokens, err := a.o.Tokens.ListTokens(ctx)
			if err != nil {
				return nil, err
			}
			return pageOf(tokens, ""), nil
		})
	route(a, operation{id: "create-token", method: http.MethodPost, path: "/api/v1/tokens", scope: token.Admin,
		tag: "tokens", summary: "Make a token; its secret is in this answer and nowhere else"},
		func(ctx context.Context, in *struct{ Body TokenRequest }) (*output[CreatedToken], error) {
			secret, info, err := a.createToken(ctx, &in.Body)
			if err != nil {
				return nil, err
			}
			return &output[CreatedToken]{CreatedToken{info, secret}}, nil
		})
	type nameInput struct {
		Name string `path:"name" maxLength:"64"`
	}
	route(a, operation{id: "revoke-token", method: http.MethodDelete, path: "/api/v1/tokens/{name}", scope: token.Admin,
		tag: "tokens", summary: "End a token, at once"},
		func(ctx context.Context, in *nameInput) (*struct{}, error) {
			return nil, a.o.Tokens.RevokeToken(ctx, in.Name)
		})
}

func (a *API) createToken(ctx context.Context, in *TokenRequest) (string, token.Info, error) {
	switch {
	case in.Role == "":
		return a.o.Tokens.CreateToken(ctx, in.Name, in.Scopes)
	case len(in.Scopes) > 0:
		return "", token.Info{}, clientele.Errorf(clientele.Invalid, "a token has scopes or a role, not both").WithHint("leave one out")
	}
	return a.o.Tokens.CreateRoleToken(ctx, in.Name, in.Role)
}
