package api

import (
	"context"
	"net/http"

	"clientele/internal/role"
	"clientele/internal/token"
)

// Users keeps who signs in with a password; token.Store does.
type Users interface {
	ListUsers(ctx context.Context) ([]token.User, error)
	AddUser(ctx context.Context, name string, r role.Role, password string) (*token.User, error)
	ChangeUser(ctx context.Context, name string, c token.UserChange) (*token.User, error)
	SetPassword(ctx context.Context, name, password string) error
	// ChangePassword is Denied when current is not the user's.
	ChangePassword(ctx context.Context, name, current, password string) error
	DeleteUser(ctx context.Context, name string) error
}

// NewUser is a user to make.
type NewUser struct {
	Name     string    `json:"name" minLength:"1" maxLength:"64"`
	Role     role.Role `json:"role" doc:"viewer, executive, service_agent, marketer, analyst or admin."`
	Password string    `json:"password" doc:"12 characters at least."`
}

// NewPassword is a password.
type NewPassword struct {
	Password string `json:"password"`
}

// OwnPassword changes one's own.
type OwnPassword struct {
	Current  string `json:"current"`
	Password string `json:"password"`
}

// Me is who asks, and what they may.
type Me struct {
	Name   string        `json:"name"`
	User   bool          `json:"user" doc:"A person who signed in with a password, not a token."`
	Role   role.Role     `json:"role,omitempty" doc:"None of tokens with scopes."`
	Scopes []token.Scope `json:"scopes"`
	Rights []role.Right  `json:"rights"`
	Sight  string        `json:"sight" enum:"nothing,masked,clear" doc:"What is shown of people's data."`
}

func (a *API) userRoutes() {
	const tag = "people and roles"
	route(a, operation{id: "who-am-i", method: http.MethodGet, path: "/api/v1/me", scope: token.Read, tag: tag, quiet: true,
		summary: "Who asks, and what they may do and see"},
		func(ctx context.Context, _ *struct{}) (*output[Me], error) {
			p := principalOf(ctx)
			return &output[Me]{Me{Name: p.Name, User: p.User, Role: p.Role, Scopes: list(p.Scopes), Rights: p.Rights(), Sight: p.Sight().String()}}, nil
		})
	route(a, operation{id: "change-password", method: http.MethodPost, path: "/api/v1/me/password", scope: token.Read, tag: tag,
		summary: "Change one's own password; all one's sessions end"},
		func(ctx context.Context, in *struct{ Body OwnPassword }) (*struct{}, error) {
			return nil, a.o.Users.ChangePassword(ctx, principalOf(ctx).Name, in.Body.Current, in.Body.Password)
		})
	route(a, operation{id: "list-users", method: http.MethodGet, path: "/api/v1/users", scope: token.Admin, tag: tag,
		summary: "Who can sign in, and as what"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[token.User], error) {
			return all(a.o.Users.ListUsers(ctx))
		})
	route(a, operation{id: "add-user", method: http.MethodPost, path: "/api/v1/users", scope: token.Admin, tag: tag,
		summary: "Let somebody sign in"},
		func(ctx context.Context, in *struct{ Body NewUser }) (*output[*token.User], error) {
			return told(a.o.Users.AddUser(ctx, in.Body.Name, in.Body.Role, in.Body.Password))
		})
	type changeInput struct {
		Named
		Body token.UserChange
	}
	route(a, operation{id: "change-user", method: http.MethodPut, path: "/api/v1/users/{name}", scope: token.Admin, tag: tag,
		summary: "Give somebody another role, or disable them"},
		func(ctx context.Context, in *changeInput) (*output[*token.User], error) {
			return told(a.o.Users.ChangeUser(ctx, in.Name, in.Body))
		})
	type passwordInput struct {
		Named
		Body NewPassword
	}
	route(a, operation{id: "set-password", method: http.MethodPut, path: "/api/v1/users/{name}/password", scope: token.Admin, tag: tag,
		summary: "Give somebody another password; their sessions end"},
		func(ctx context.Context, in *passwordInput) (*struct{}, error) {
			return nil, a.o.Users.SetPassword(ctx, in.Name, in.Body.Password)
		})
	route(a, operation{id: "delete-user", method: http.MethodDelete, path: "/api/v1/users/{name}", scope: token.Admin, tag: tag,
		summary: "Let somebody in no longer; their sessions end"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Users.DeleteUser(ctx, in.Name)
		})
}

func told(u *token.User, err error) (*output[*token.User], error) {
	if err != nil {
		return nil, err
	}
	return &output[*token.User]{u}, nil
}
