package api_test

import (
	"context"

	"clientele"
)

func (p *product) ComputedTraits(ctx context.Context) ([]clientele.ComputedInForce, error) {
	return nil, p.did(ctx)
}
func (p *product) ComputedTrait(ctx context.Context, name string) (*clientele.ComputedInForce, error) {
	return &clientele.ComputedInForce{Type: clientele.TypeBigint}, p.did(ctx, name)
}
func (p *product) SetComputedTrait(ctx context.Context, by string, t clientele.ComputedTrait) (*clientele.ComputedInForce, error) {
	p.by = by
	return &clientele.ComputedInForce{ComputedTrait: t, Type: clientele.TypeBigint}, p.did(ctx, t.Name)
}
func (p *product) DeleteComputedTrait(ctx context.Context, by, name string) error {
	p.by = by
	return p.did(ctx, name)
}
func (p *product) PreviewComputedTrait(ctx context.Context, t clientele.ComputedTrait, id clientele.Identifier) (*clientele.ComputedPreview, error) {
	return &clientele.ComputedPreview{}, p.did(ctx, id)
}
