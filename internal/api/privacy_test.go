package api_test

import (
	"context"

	"clientele"
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
func (p *product) Erasures(ctx context.Context) ([]any, error) { return nil, p.did(ctx) }
func (p *product) Certificate(ctx context.Context, id string) ([]any, error) {
	return nil, p.did(ctx, id)
}
