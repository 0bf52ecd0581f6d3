package app

import (
	"context"
	"slices"
	"strings"

	"clientele"
	"clientele/internal/resolve"
)

// withDraft is the audience with its draft. One that is a draft alone has no version.
func (a *App) withDraft(name string, v *clientele.AudienceInForce, err error) (*clientele.AudienceInForce, error) {
	if err != nil && clientele.ErrorCode(err) != clientele.NotFound {
		return nil, err
	}
	d, failed := resolve.LoadDraft(a.rows, name)
	if failed != nil {
		return nil, failed
	}
	if d == nil {
		return v, err
	}
	if v == nil {
		v = draftAlone(d)
	}
	v.Draft = d
	return v, nil
}

func draftAlone(d *clientele.AudienceDraft) *clientele.AudienceInForce {
	return &clientele.AudienceInForce{Audience: d.Audience, Reads: d.Reads, By: d.By, At: d.At, Owner: d.By, Draft: d}
}

// withDrafts adds the drafts to the list of audiences.
func (a *App) withDrafts(list []clientele.AudienceInForce) ([]clientele.AudienceInForce, error) {
	drafts, err := resolve.LoadDrafts(a.rows)
	for i := range drafts {
		d := &drafts[i]
		at := slices.IndexFunc(list, func(x clientele.AudienceInForce) bool { return x.Name == d.Audience.Name })
		if at < 0 {
			list = append(list, *draftAlone(d))
		} else {
			list[at].Draft = d
		}
	}
	slices.SortFunc(list, func(x, y clientele.AudienceInForce) int { return strings.Compare(x.Name, y.Name) })
	return list, err
}

// DraftAudience keeps an audience, or another definition of one, until somebody approves it. It is checked as one that is
// to come into force.
func (a *App) DraftAudience(ctx context.Context, by string, in clientele.Audience) (*clientele.AudienceInForce, error) {
	if err := a.ofTheFile(in.Name); err != nil {
		return nil, err
	}
	if _, err := resolve.CheckAudience(a.rows, in); err != nil {
		return nil, err
	}
	if err := a.checkQuery(ctx, in); err != nil {
		return nil, err
	}
	if _, err := a.command(ctx, clientele.CommandAudienceDraft, by, resolve.DraftBody{Audience: in}); err != nil {
		return nil, err
	}
	return a.Audience(ctx, in.Name)
}

// ApproveAudience brings a draft into force; the one of the position, where that is not 0.
func (a *App) ApproveAudience(ctx context.Context, by, name string, position clientele.Position) (*clientele.AudienceInForce, error) {
	d, err := a.draft(name)
	if err != nil {
		return nil, err
	}
	if position == 0 {
		position = d.Position
	}
	if _, err := a.command(ctx, clientele.CommandAudienceApprove, by, resolve.ApproveBody{Name: name, Position: position}); err != nil {
		return nil, err
	}
	if d.Audience.Kind == clientele.AudienceSQL { // an error stands in the answer: the audience is in force
		if _, err := a.RefreshAudience(ctx, by, name); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	return a.Audience(ctx, name)
}

func (a *App) draft(name string) (*clientele.AudienceDraft, error) {
	d, err := resolve.LoadDraft(a.rows, name)
	if err == nil && d == nil {
		err = clientele.Errorf(clientele.NotFound, "there is no draft of an audience of that name").WithHint("it was approved or withdrawn: look at the audience")
	}
	return d, err
}

// WithdrawDraft takes a draft back, or refuses it: by its author, or by whoever may approve.
func (a *App) WithdrawDraft(ctx context.Context, by, name string, approver bool) error {
	d, err := a.draft(name)
	if err != nil {
		return err
	}
	if d.By != by && !approver {
		return clientele.Errorf(clientele.Denied, "the draft is another's").WithHint("its author can withdraw it, and whoever may approve it")
	}
	_, err = a.command(ctx, clientele.CommandAudienceDraft, by, resolve.DraftBody{Audience: clientele.Audience{Name: name}, Withdraw: true})
	return err
}

// SetAudienceOwner says who answers for the audience.
func (a *App) SetAudienceOwner(ctx context.Context, by, name, owner string) (*clientele.AudienceInForce, error) {
	if _, err := resolve.LoadAudience(a.rows, name); err != nil {
		return nil, err
	}
	if owner == "" || len(owner) > 64 {
		return nil, clientele.Errorf(clientele.Invalid, "an owner has a name of up to 64 characters").WithHint("that of a user or a token")
	}
	if _, err := a.command(ctx, clientele.CommandAudienceOwner, by, resolve.OwnerBody{Name: name, Owner: owner}); err != nil {
		return nil, err
	}
	return a.Audience(ctx, name)
}

// AudienceComments are those on the audience, the oldest first.
func (a *App) AudienceComments(ctx context.Context, name string) ([]clientele.AudienceComment, error) {
	if _, err := a.Audience(ctx, name); err != nil {
		return nil, err
	}
	return resolve.LoadComments(a.rows, name)
}

// CommentAudience adds one.
func (a *App) CommentAudience(ctx context.Context, by, name, text string) (*clientele.AudienceComment, error) {
	if _, err := a.Audience(ctx, name); err != nil {
		return nil, err
	}
	b := resolve.CommentBody{Audience: name, Text: strings.TrimSpace(text)}
	if err := resolve.CheckComment(a.rows, b); err != nil {
		return nil, err
	}
	p, err := a.command(ctx, clientele.CommandAudienceComment, by, b)
	if err != nil {
		return nil, err
	}
	return a.comment(name, p)
}

func (a *App) comment(name string, id clientele.Position) (*clientele.AudienceComment, error) {
	all, err := resolve.LoadComments(a.rows, name)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, clientele.Errorf(clientele.NotFound, "there is no such comment")
}

// DeleteComment deletes one: one's own, or as an admin anybody's.
func (a *App) DeleteComment(ctx context.Context, by, name string, id clientele.Position, admin bool) error {
	c, err := a.comment(name, id)
	if err != nil {
		return err
	}
	if c.By != by && !admin {
		return clientele.Errorf(clientele.Denied, "the comment is another's").WithHint("its author and admins can delete it")
	}
	_, err = a.command(ctx, clientele.CommandAudienceComment, by, resolve.CommentBody{Audience: name, Delete: id})
	return err
}
