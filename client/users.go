package client

import (
	"context"
	"net/http"
	"net/url"

	"clientele"
)

// User is a person who signs in to the console.
type User struct {
	Name          string           `json:"name"`
	Role          string           `json:"role"`
	Created       clientele.Micros `json:"created"`
	PasswordSince clientele.Micros `json:"password_since"`
	Disabled      clientele.Micros `json:"disabled"`  // 0: may sign in
	SignedIn      clientele.Micros `json:"signed_in"` // last, since the server was started
}

// Users are all of them, by name.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	var p page[User]
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/users"}, &p)
	return p.Items, err
}

// AddUser lets somebody sign in.
func (c *Client) AddUser(ctx context.Context, name, role, password string) error {
	return c.call(ctx, request{method: http.MethodPost, path: "/api/v1/users", body: map[string]any{"name": name, "role": role, "password": password}}, nil)
}

// SetUserRole gives somebody another role, from the next request on.
func (c *Client) SetUserRole(ctx context.Context, name, role string) error {
	return c.call(ctx, request{method: http.MethodPut, path: userPath(name), body: map[string]any{"role": role}}, nil)
}

// DisableUser ends the sessions of a user, who cannot sign in until enabled again.
func (c *Client) DisableUser(ctx context.Context, name string, disabled bool) error {
	return c.call(ctx, request{method: http.MethodPut, path: userPath(name), body: map[string]any{"disabled": disabled}}, nil)
}

// SetUserPassword gives somebody another password and ends their sessions.
func (c *Client) SetUserPassword(ctx context.Context, name, password string) error {
	return c.call(ctx, request{method: http.MethodPut, path: userPath(name) + "/password", body: map[string]any{"password": password}}, nil)
}

// DeleteUser lets somebody in no longer.
func (c *Client) DeleteUser(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: userPath(name)}, nil)
}

func userPath(name string) string { return "/api/v1/users/" + url.PathEscape(name) }
