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
	// ConsentFigures are how many people agree to what, and agreed at the end of each of the last twelve months.
	ConsentFigures(ctx context.Context) (*clientele.ConsentFigures, error)
	// Access is everything that is known of a person; AccessPage is the same as an HTML page.
	Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error)
	AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error)
	// Erase forgets a person, or says what it would delete. NotFound when nobody has the identifier.
	Erase(ctx context.Context, by string, req clientele.EraseRequest) (*clientele.EraseResult, error)
	// Erasures are the certificates of all erasures, the oldest first, as JSON objects.
	Erasures(ctx context.Context) ([]any, error)
	// Certificate is what is certified of one erasure. NotFound when there is none.
	Certificate(ctx context.Context, id string) ([]any, error)
	// Waiting are the erasures whose bytes are not purged yet, by when they will be.
	Waiting(ctx context.Context) ([]WaitingErasure, error)
	// SubjectRequests are what persons have asked for: what waits first, by when it is due.
	SubjectRequests(ctx context.Context) ([]clientele.SubjectRequest, error)
	// EnterRequest is NotFound when nobody has the identifier.
	EnterRequest(ctx context.Context, by string, in clientele.NewSubjectRequest) (*clientele.SubjectRequest, error)
	// CloseRequest is Conflict when it was closed before. An erasure closes the requests for it by itself.
	CloseRequest(ctx context.Context, by string, id string, end clientele.SubjectRequestEnd) (*clientele.SubjectRequest, error)
	// Retention are the retention rules in force, by name. Invalid or Conflict says why one cannot come into
	// force or end; NotFound that there is none of that name.
	Retention(ctx context.Context) ([]clientele.RetentionInForce, error)
	SetRetention(ctx context.Context, by string, r clientele.RetentionRule) (*clientele.RetentionInForce, error)
	DeleteRetention(ctx context.Context, by, name string) error
	// PreviewRetention says what a rule would delete; it changes nothing.
	PreviewRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionPreview, error)
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
	Items   []any            `json:"items"`
	Waiting []WaitingErasure `json:"waiting,omitempty"` // whose bytes are in log, archive and files still; in the list of all
}

// WaitingErasure is an erasure that is not purged yet.
type WaitingErasure struct {
	ID      string           `json:"id"`
	PurgeBy clientele.Micros `json:"purge_by"` // when the bytes will be gone at the latest
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
	route(a, operation{id: "get-consent", method: http.MethodGet, path: "/api/v1/consent", scope: token.Read, tag: "privacy", quiet: true, timeout: longTimeout,
		summary: "How many people agree to what, and agreed at the end of each of the last twelve months"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.ConsentFigures], error) {
			return one(a.o.Privacy.ConsentFigures(ctx))
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
			if err != nil {
				return nil, err
			}
			w, err := a.o.Privacy.Waiting(ctx)
			return &output[*Certificates]{&Certificates{list(c), w}}, err
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
			return &output[*Certificates]{&Certificates{Items: list(c)}}, nil
		})
	a.requestRoutes()
	a.retentionRoutes()
}

func (a *API) requestRoutes() {
	const tag = "privacy"
	route(a, operation{id: "list-requests", method: http.MethodGet, path: "/api/v1/privacy/requests", scope: token.Admin, tag: tag, quiet: true,
		summary: "What persons have asked for: what waits first, by when it is due"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.SubjectRequest], error) {
			return all(a.o.Privacy.SubjectRequests(ctx))
		})
	route(a, operation{id: "enter-request", method: http.MethodPost, path: "/api/v1/privacy/requests", scope: token.Admin, tag: tag,
		summary: "Note that a person asks for access or erasure; the answer is due within privacy.answer_within of its receipt"},
		func(ctx context.Context, in *struct{ Body clientele.NewSubjectRequest }) (*output[*clientele.SubjectRequest], error) {
			return one(a.o.Privacy.EnterRequest(ctx, principalOf(ctx).Name, in.Body))
		})
	type closeInput struct {
		ID   string `path:"id" maxLength:"64"`
		Body clientele.SubjectRequestEnd
	}
	route(a, operation{id: "close-request", method: http.MethodPost, path: "/api/v1/privacy/requests/{id}/close", scope: token.Admin, tag: tag,
		summary: "Note how a person's request ended"},
		func(ctx context.Context, in *closeInput) (*output[*clientele.SubjectRequest], error) {
			return one(a.o.Privacy.CloseRequest(ctx, principalOf(ctx).Name, in.ID, in.Body))
		})
}

func (a *API) retentionRoutes() {
	const tag = "privacy"
	route(a, operation{id: "list-retention", method: http.MethodGet, path: "/api/v1/retention", scope: token.Read, tag: tag, quiet: true,
		summary: "Retention rules in force, and what they have deleted"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.RetentionInForce], error) {
			return all(a.o.Privacy.Retention(ctx))
		})
	type ruleInput struct {
		Named
		Body clientele.RetentionRule
	}
	route(a, operation{id: "set-retention", method: http.MethodPut, path: "/api/v1/retention/{name}", scope: token.Admin, tag: tag,
		summary: "Bring a retention rule into force, in the place of one of that name: it begins to delete within seconds"},
		func(ctx context.Context, in *ruleInput) (*output[*clientele.RetentionInForce], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Privacy.SetRetention(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-retention", method: http.MethodDelete, path: "/api/v1/retention/{name}", scope: token.Admin, tag: tag,
		summary: "End a retention rule; what it has deleted is gone"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Privacy.DeleteRetention(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "preview-retention", method: http.MethodPost, path: "/api/v1/retention/preview", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "What a retention rule would delete; changes nothing"},
		func(ctx context.Context, in *struct{ Body clientele.RetentionRule }) (*output[*clientele.RetentionPreview], error) {
			return one(a.o.Privacy.PreviewRetention(ctx, in.Body))
		})
}
