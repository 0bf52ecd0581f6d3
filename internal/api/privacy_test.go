package api_test

import (
	"context"

	"clientele"
	"clientele/internal/api"
)

func (p *product) RecordConsent(ctx context.Context, by string, d clientele.ConsentDecision) ([]clientele.Consent, error) {
	p.by = by
	return nil, p.did(ctx, d.Namespace, d.Value)
}
func (p *product) Access(ctx context.Context, id clientele.Identifier) (*clientele.Access, error) {
	return &clientele.Access{}, p.did(ctx, id)
}
func (p *product) AccessPage(ctx context.Context, id clientele.Identifier) ([]byte, error) {
	return []byte("<html>"), p.did(ctx, id)
}
func (p *product) Erase(ctx context.Context, by string, req clientele.EraseRequest) (*clientele.EraseResult, error) {
	p.by = by
	return &clientele.EraseResult{ID: "er_1", Profile: 9}, p.did(ctx, req.Namespace, req.Value)
}
func (p *product) ConsentFigures(ctx context.Context) (*clientele.ConsentFigures, error) {
	return &clientele.ConsentFigures{}, p.did(ctx)
}
func (p *product) Erasures(ctx context.Context) ([]any, error) { return nil, p.did(ctx) }
func (p *product) Certificate(ctx context.Context, id string) ([]any, error) {
	return nil, p.did(ctx, id)
}
func (p *product) Waiting(ctx context.Context) ([]api.WaitingErasure, error) { return nil, nil }
func (p *product) SubjectRequests(ctx context.Context) ([]clientele.SubjectRequest, error) {
	return nil, p.did(ctx)
}
func (p *product) EnterRequest(ctx context.Context, by string, in clientele.NewSubjectRequest) (*clientele.SubjectRequest, error) {
	p.by = by
	return &clientele.SubjectRequest{ID: "rq_7"}, p.did(ctx, in.Namespace, in.Value)
}
func (p *product) CloseRequest(ctx context.Context, by string, id string, end clientele.SubjectRequestEnd) (*clientele.SubjectRequest, error) {
	p.by = by
	return &clientele.SubjectRequest{ID: id}, p.did(ctx, id)
}
func (p *product) Retention(ctx context.Context) ([]clientele.RetentionInForce, error) {
	return nil, p.did(ctx)
}
func (p *product) SetRetention(ctx context.Context, by string, r clientele.RetentionRule) (*clientele.RetentionInForce, error) {
	p.by = by
	return &clientele.RetentionInForce{RetentionRule: r}, p.did(ctx, r)
}
func (p *product) DeleteRetention(ctx context.Context, by, name string) error {
	p.by = by
	return p.did(ctx, name)
}
func (p *product) PreviewRetention(ctx context.Context, r clientele.RetentionRule) (*clientele.RetentionPreview, error) {
	return &clientele.RetentionPreview{}, p.did(ctx, r)
}
