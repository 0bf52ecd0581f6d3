package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Person is the path of a profile. Both parts are percent-decoded: an encoded slash stays part
// of the value.
type Person struct {
	Namespace string `path:"namespace" maxLength:"64" doc:"email, user_id, ...; id is a profile id or a former one."`
	Value     string `path:"value" maxLength:"512"`
}

func (p Person) identifier() clientele.Identifier {
	return clientele.Identifier{Namespace: clientele.Namespace(p.Namespace), Value: p.Value}
}

// LookupRequest names a profile in a body, so that no access log on the way sees the value.
type LookupRequest struct {
	Namespace string `json:"namespace" minLength:"1" maxLength:"64"`
	Value     string `json:"value" minLength:"1" maxLength:"512"`
	Explain   bool   `json:"explain,omitempty" doc:"Say where each trait came from."`
}

// NamesRequest asks what profiles are called.
type NamesRequest struct {
	IDs []clientele.ProfileID `json:"ids" minItems:"1" maxItems:"200" doc:"Former ones, too."`
}

// namesOutput is a page that names whom it is about.
type namesOutput struct{ Body page[clientele.ProfileName] }

func (o *namesOutput) people() (ids []clientele.ProfileID) {
	for _, n := range o.Body.Items {
		ids = append(ids, n.Profile)
	}
	return ids
}

func (a *API) profileRoutes() {
	type profileInput struct {
		Person
		Explain bool `query:"explain" doc:"Say where each trait came from."`
	}
	route(a, operation{id: "get-profile", method: http.MethodGet, path: "/api/v1/profiles/{namespace}/{value}", scope: token.Read,
		tag: "profiles", summary: "The profile that has an identifier"},
		func(ctx context.Context, in *profileInput) (*output[*clientele.Profile], error) {
			return a.profile(ctx, in.identifier(), in.Explain)
		})
	route(a, operation{id: "lookup-profile", method: http.MethodPost, path: "/api/v1/profiles/lookup", scope: token.Read,
		tag: "profiles", summary: "The profile that has an identifier, with the identifier in the body"},
		func(ctx context.Context, in *struct{ Body LookupRequest }) (*output[*clientele.Profile], error) {
			return a.profile(ctx, clientele.Identifier{Namespace: clientele.Namespace(in.Body.Namespace), Value: in.Body.Value}, in.Body.Explain)
		})
	route(a, operation{id: "name-profiles", method: http.MethodPost, path: "/api/v1/profiles/names", scope: token.Read,
		tag: "profiles", summary: "What profiles are called: many at once, without those that there are not"},
		func(ctx context.Context, in *struct{ Body NamesRequest }) (*namesOutput, error) {
			names, err := a.o.Profiles.Names(ctx, in.Body.IDs)
			if err != nil {
				return nil, err
			}
			return &namesOutput{page[clientele.ProfileName]{Items: list(names)}}, nil
		})
	type searchInput struct {
		Paging
		Q string `query:"q" maxLength:"512" doc:"A name, an address, an id; empty lists all."`
	}
	route(a, operation{id: "search-profiles", method: http.MethodGet, path: "/api/v1/profiles", scope: token.Read,
		tag: "profiles", summary: "Profiles found by what people type"},
		func(ctx context.Context, in *searchInput) (*pageOutput[*clientele.Profile], error) {
			found, next, err := a.o.Profiles.Search(ctx, in.Q, in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				complete(p)
			}
			return pageOf(found, next), nil
		})
	route(a, operation{id: "get-profile-summary", method: http.MethodGet, path: "/api/v1/profiles/{namespace}/{value}/summary", scope: token.Read,
		tag: "profiles", summary: "What a person is worth, bought and asked last, and looks for: for who serves them"},
		func(ctx context.Context, in *Person) (*output[*clientele.Summary], error) {
			return one(a.o.Profiles.Summary(ctx, in.identifier()))
		})
	type eventsInput struct {
		Person
		Paging
	}
	route(a, operation{id: "list-profile-events", method: http.MethodGet, path: "/api/v1/profiles/{namespace}/{value}/events", scope: token.Read,
		tag: "profiles", summary: "The timeline of a profile, the newest event first"},
		func(ctx context.Context, in *eventsInput) (*pageOutput[clientele.Event], error) {
			events, next, err := a.o.Profiles.Events(ctx, in.identifier(), in.Limit, in.Cursor)
			if err != nil {
				return nil, err
			}
			return pageOf(events, next), nil
		})
}

func (a *API) profile(ctx context.Context, id clientele.Identifier, explain bool) (*output[*clientele.Profile], error) {
	p, err := a.o.Profiles.Profile(ctx, id, explain)
	if err != nil {
		return nil, err
	}
	complete(p)
	return &output[*clientele.Profile]{p}, nil
}

// complete makes what is empty an empty list or object, so that clients need not check for null.
func complete(p *clientele.Profile) {
	p.Identifiers = list(p.Identifiers)
	p.Audiences = list(p.Audiences)
	p.Consent = list(p.Consent)
	p.FormerIDs = list(p.FormerIDs)
	for _, m := range []*map[string]any{&p.Traits, &p.Computed, &p.Predictions} {
		if *m == nil {
			*m = map[string]any{}
		}
	}
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
