package api

import (
	"context"
	"net/http"
	"strings"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// Reader is who asks for something saved.
type Reader struct {
	Name  string
	Role  string // "" for a token of scopes
	Admin bool
}

// Saver keeps questions, dashboards and goals. NotFound when there is none of that name for the reader; Denied when
// another has made the one that is to be changed.
type Saver interface {
	SavedAll(ctx context.Context, who Reader, kind clientele.SavedKind) ([]clientele.Saved, error)
	Saved(ctx context.Context, who Reader, kind clientele.SavedKind, name string) (*clientele.Saved, error)
	Save(ctx context.Context, who Reader, s clientele.Saved) (*clientele.Saved, error)
	DeleteSaved(ctx context.Context, who Reader, kind clientele.SavedKind, name string) error
	AnswerSaved(ctx context.Context, who Reader, kind clientele.SavedKind, name string) (*clientele.SavedAnswer, error)
}

func readerOf(ctx context.Context) Reader {
	p := principalOf(ctx)
	return Reader{Name: p.Name, Role: string(p.Role), Admin: p.May(token.Admin)}
}

// SavedPath names something saved. It is exported for the library.
type SavedPath struct {
	Kind clientele.SavedKind `path:"kind" enum:"question,dashboard,goal"`
	Named
}

func (a *API) savedRoutes() {
	const tag = "explore"
	type listInput struct {
		Kind string `query:"kind" enum:"question,dashboard,goal"`
	}
	route(a, operation{id: "list-saved", method: http.MethodGet, path: "/api/v1/saved", scope: token.Read, tag: tag, quiet: true, summary: "Saved questions, dashboards and goals that the token may read"},
		func(ctx context.Context, in *listInput) (*pageOutput[clientele.Saved], error) {
			return all(a.o.Saved.SavedAll(ctx, readerOf(ctx), clientele.SavedKind(in.Kind)))
		})
	route(a, operation{id: "get-saved", method: http.MethodGet, path: "/api/v1/saved/{kind}/{name}", scope: token.Read, tag: tag, quiet: true, summary: "A saved question, dashboard or goal"},
		func(ctx context.Context, in *SavedPath) (*output[*clientele.Saved], error) {
			return one(a.o.Saved.Saved(ctx, readerOf(ctx), in.Kind, in.Name))
		})
	type savedInput struct {
		SavedPath
		Body clientele.Saved
	}
	route(a, operation{id: "set-saved", method: http.MethodPut, path: "/api/v1/saved/{kind}/{name}", scope: token.Write, tag: tag, timeout: longTimeout, summary: "Save a question, dashboard or goal"},
		func(ctx context.Context, in *savedInput) (*output[*clientele.Saved], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			if in.Body.Kind != in.Kind {
				return nil, clientele.Errorf(clientele.Invalid, "the address says %s, and the body %s", in.Kind, in.Body.Kind)
			}
			for _, with := range in.Body.Shared {
				if name, ok := strings.CutPrefix(with, clientele.RolePrefix); ok && !role.Role(name).Known() {
					return nil, clientele.Errorf(clientele.Invalid, "shared: there is no role %q", name).WithHint("role: and one of %v", role.All())
				}
			}
			return one(a.o.Saved.Save(ctx, readerOf(ctx), in.Body))
		})
	route(a, operation{id: "delete-saved", method: http.MethodDelete, path: "/api/v1/saved/{kind}/{name}", scope: token.Write, tag: tag, summary: "Delete a saved question, dashboard or goal"},
		func(ctx context.Context, in *SavedPath) (*struct{}, error) {
			return nil, a.o.Saved.DeleteSaved(ctx, readerOf(ctx), in.Kind, in.Name)
		})
	route(a, operation{id: "answer-saved", method: http.MethodGet, path: "/api/v1/saved/{kind}/{name}/answer", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "What a saved question or dashboard answers now, or how far a goal is"},
		func(ctx context.Context, in *SavedPath) (*output[*clientele.SavedAnswer], error) {
			return one(a.o.Saved.AnswerSaved(ctx, readerOf(ctx), in.Kind, in.Name))
		})
}
