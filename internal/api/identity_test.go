package api_test

import (
	"context"

	"clientele"
)

func (p *product) Identity(ctx context.Context, id clientele.Identifier) (*clientele.IdentityView, error) {
	return &clientele.IdentityView{Profile: 77}, p.did(ctx, id)
}

func (p *product) Merge(ctx context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	p.by = by
	return &clientele.MergeResult{}, p.did(ctx, "merge", req)
}

func (p *product) Unmerge(ctx context.Context, by string, req clientele.MergeRequest) (*clientele.MergeResult, error) {
	p.by = by
	return &clientele.MergeResult{}, p.did(ctx, "unmerge", req)
}

func (p *product) Simulate(ctx context.Context, rules clientele.IdentityRules, sample int) (*clientele.Simulation, error) {
	return &clientele.Simulation{Merges: 3}, p.did(ctx, rules, sample)
}

func (p *product) IdentityRules(ctx context.Context) (*clientele.IdentityRules, error) {
	rules := clientele.DefaultIdentityRules()
	return &rules, p.did(ctx)
}

func (p *product) IdentityHealth(ctx context.Context) (*clientele.IdentityHealth, error) {
	return &clientele.IdentityHealth{Profiles: 5}, p.did(ctx)
}
