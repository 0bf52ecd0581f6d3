package api

import (
	"context"
	"encoding/json"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Privacy is the person's rights. by is the name of the token that asks.
type Privacy interface {
	// RecordConsent notes decisions that a person made outside of all sources, and answers what
	// holds from now on.
	RecordConsent(ctx context.Context, by string, d clientele.ConsentDecision) ([]clientele.Consent, error)
	// Access is everything that is known of a person; AccessPage is the same as an HTML page.
	Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error)
	AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error)
	// Erase forgets a person, or says what it would delete. NotFound when nobody has the identifier.
	Erase(ctx context.Context, by string, req clientele.EraseRequest) (*clientele.EraseResult, error)
	// Erasures are the certificates of all erasures, the oldest first, as JSON objects.
	Erasures(ctx context.Context) ([]any, error)
	// Certificate is what is certified of one erasure. NotFound when there is none.
	Certificate(ctx context.Context, id string) ([]any, error)
}

// ConsentResult is what holds for the person now.
type ConsentResult struct {
	Consent []clientele.Consent `json:"consent"`
}

// accessOutput is JSON of a clientele.Access, or a page.
type accessOutput struct {
	Type string `header:"Content-Type"`
	Body []byte
}

// Certificates are entries of the register of erasures. Each has its number, the seal of the entry
// before it and its own (HMAC-SHA256 with the key of the data directory).
type Certificates struct {
	Items []any `json:"items"`
}

func (a *API) privacyRoutes() {
	route(a, operation{id: "record-consent", method: http.MethodPost, path: "/api/v1/profiles/consent", scope: token.Write,
		tag: "privacy", summary: "Record what a person decided, with its proof"},
		func(ctx context.Context, in *struct{ Body clientele.ConsentDecision }) (*output[*ConsentResult], error) {
			c, err := a.o.Privacy.RecordConsent(ctx, principalOf(ctx).Name, in.Body)
			if err != nil {
				return nil, err
			}
			return &output[*ConsentResult]{&ConsentResult{list(c)}}, nil
		})
	route(a, operation{id: "access-profile", method: http.MethodPost, path: "/api/v1/profiles/access", scope: token.Admin,
		tag: "privacy", summary: "Everything that is known of a person, with sources; html asks for a readable page", timeout: longTimeout},
		func(ctx context.Context, in *struct{ Body clientele.AccessRequest }) (*accessOutput, error) {
			id := clientele.Identifier{Namespace: in.Body.Namespace, Value: in.Body.Value}
			if in.Body.HTML {
				page, err := a.o.Privacy.AccessPage(ctx, id)
				return &accessOutput{Type: "text/html; charset=utf-8", Body: page}, err
			}
			d, err := a.o.Privacy.Access(ctx, id)
			if err != nil {
				return nil, err
			}
			b, err := json.Marshal(d)
			return &accessOutput{Type: "application/json", Body: b}, err
		})
	route(a, operation{id: "erase-profile", method: http.MethodPost, path: "/api/v1/profiles/erase", scope: token.Admin,
		tag: "privacy", summary: "Erase a person; dry_run counts only", timeout: longTimeout},
		func(ctx context.Context, in *struct{ Body clientele.EraseRequest }) (*output[*clientele.EraseResult], error) {
			r, err := a.o.Privacy.Erase(ctx, principalOf(ctx).Name, in.Body)
			if err != nil {
				return nil, err
			}
			r.Exports = list(r.Exports)
			return &output[*clientele.EraseResult]{r}, nil
		})
	route(a, operation{id: "list-erasures", method: http.MethodGet, path: "/api/v1/erasures", scope: token.Admin,
		tag: "privacy", summary: "The certificates of all erasures"},
		func(ctx context.Context, _ *struct{}) (*output[*Certificates], error) {
			c, err := a.o.Privacy.Erasures(ctx)
			return &output[*Certificates]{&Certificates{list(c)}}, err
		})
	route(a, operation{id: "get-erasure", method: http.MethodGet, path: "/api/v1/erasures/{id}", scope: token.Admin,
		tag: "privacy", summary: "The certificate of an erasure: what was deleted, and when the bytes were purged"},
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*output[*Certificates], error) {
			c, err := a.o.Privacy.Certificate(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return &output[*Certificates]{&Certificates{list(c)}}, nil
		})
}
