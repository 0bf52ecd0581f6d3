package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// Work is what people do about audiences together. by is the name of who asks.
type Work interface {
	// DraftAudience keeps an audience until somebody approves it; wrong ones are refused as by SetAudience.
	DraftAudience(ctx context.Context, by string, a clientele.Audience) (*clientele.AudienceInForce, error)
	// ApproveAudience is Conflict when the draft is another by now. 0 is the latest.
	ApproveAudience(ctx context.Context, by, name string, draft clientele.Position) (*clientele.AudienceInForce, error)
	// WithdrawDraft is Denied to others than the author and who may approve.
	WithdrawDraft(ctx context.Context, by, name string, approver bool) error
	SetAudienceOwner(ctx context.Context, by, name, owner string) (*clientele.AudienceInForce, error)
	AudienceComments(ctx context.Context, name string) ([]clientele.AudienceComment, error)
	CommentAudience(ctx context.Context, by, name, text string) (*clientele.AudienceComment, error)
	DeleteComment(ctx context.Context, by, name string, id clientele.Position, admin bool) error
}

// drafts says whether what the principal makes waits for somebody's word: where the configuration asks for it, and the
// role has no right to approve. Tokens with scopes are programs of those who gave them.
func (a *API) drafts(p token.Principal) bool {
	return a.o.Approval && p.Role != "" && !p.Role.May(role.Approve)
}

// unapproved refuses what has no draft.
func (a *API) unapproved(ctx context.Context) error {
	if !a.drafts(principalOf(ctx)) {
		return nil
	}
	return clientele.Errorf(clientele.Denied, "changes of live audiences need somebody's approval here").WithHint("ask somebody who may approve to do it")
}

func approver(p token.Principal) bool {
	return p.May(token.Admin) || p.Role != "" && p.Role.May(role.Approve)
}

func (a *API) workRoutes() {
	const tag = "audiences"
	type approveInput struct {
		Named
		Body struct {
			Draft clientele.Position `json:"draft,omitempty" doc:"position of the draft that was looked at: another one by now is a conflict. None: the latest."`
		}
	}
	route(a, operation{id: "approve-audience", method: http.MethodPost, path: "/api/v1/audiences/{name}/approve", scope: token.Admin, tag: tag, timeout: longTimeout,
		summary: "Bring a draft of an audience into force"},
		func(ctx context.Context, in *approveInput) (*output[*clientele.AudienceInForce], error) {
			return one(a.o.Work.ApproveAudience(ctx, principalOf(ctx).Name, in.Name, in.Body.Draft))
		})
	route(a, operation{id: "withdraw-draft", method: http.MethodDelete, path: "/api/v1/audiences/{name}/draft", scope: token.Write, tag: tag,
		summary: "Take a draft back, or refuse it"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			p := principalOf(ctx)
			return nil, a.o.Work.WithdrawDraft(ctx, p.Name, in.Name, approver(p))
		})
	type ownerInput struct {
		Named
		Body struct {
			Owner string `json:"owner" minLength:"1" maxLength:"64"`
		}
	}
	route(a, operation{id: "set-audience-owner", method: http.MethodPut, path: "/api/v1/audiences/{name}/owner", scope: token.Write, tag: tag,
		summary: "Say who answers for an audience"},
		func(ctx context.Context, in *ownerInput) (*output[*clientele.AudienceInForce], error) {
			return one(a.o.Work.SetAudienceOwner(ctx, principalOf(ctx).Name, in.Name, in.Body.Owner))
		})
	route(a, operation{id: "list-comments", method: http.MethodGet, path: "/api/v1/audiences/{name}/comments", scope: token.Read, tag: tag, quiet: true,
		summary: "What was said of an audience, the oldest first"},
		func(ctx context.Context, in *Named) (*pageOutput[clientele.AudienceComment], error) {
			return all(a.o.Work.AudienceComments(ctx, in.Name))
		})
	type commentInput struct {
		Named
		Body struct {
			Text string `json:"text" minLength:"1" maxLength:"2000"`
		}
	}
	route(a, operation{id: "comment-audience", method: http.MethodPost, path: "/api/v1/audiences/{name}/comments", scope: token.Write, tag: tag,
		summary: "Say something of an audience"},
		func(ctx context.Context, in *commentInput) (*output[*clientele.AudienceComment], error) {
			return one(a.o.Work.CommentAudience(ctx, principalOf(ctx).Name, in.Name, in.Body.Text))
		})
	type commentID struct {
		Named
		ID uint64 `path:"id"`
	}
	route(a, operation{id: "delete-comment", method: http.MethodDelete, path: "/api/v1/audiences/{name}/comments/{id}", scope: token.Write, tag: tag,
		summary: "Delete a comment: one's own, or as an admin anybody's"},
		func(ctx context.Context, in *commentID) (*struct{}, error) {
			p := principalOf(ctx)
			return nil, a.o.Work.DeleteComment(ctx, p.Name, in.Name, clientele.Position(in.ID), p.May(token.Admin))
		})
}
