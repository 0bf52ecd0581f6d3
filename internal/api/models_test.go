package api_test

import (
	"context"

	"clientele"
)

// models is what the routes of models ask.
type models struct{ p *product }

func (m models) Models(ctx context.Context) ([]clientele.ModelInForce, error) {
	return nil, m.p.did(ctx)
}

func (m models) Model(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return &clientele.ModelInForce{}, m.p.did(ctx, name)
}

func (m models) SetModel(ctx context.Context, by string, x clientele.Model) (*clientele.ModelInForce, error) {
	return &clientele.ModelInForce{Model: x}, m.did(ctx, by, x)
}

func (m models) DeleteModel(ctx context.Context, by, name string) error { return m.did(ctx, by, name) }

func (m models) TrainModel(ctx context.Context, by, name string) (*clientele.ModelInForce, error) {
	return &clientele.ModelInForce{}, m.did(ctx, by, name)
}

func (m models) CancelModel(ctx context.Context, name string) (*clientele.ModelInForce, error) {
	return &clientele.ModelInForce{}, m.p.did(ctx, name)
}

func (m models) PromoteModel(ctx context.Context, by, name string, version int) (*clientele.ModelInForce, error) {
	return &clientele.ModelInForce{}, m.did(ctx, by, name, version)
}

func (m models) RollBackModel(ctx context.Context, by, name string) (*clientele.ModelInForce, error) {
	return &clientele.ModelInForce{}, m.did(ctx, by, name)
}

func (m models) ModelVersions(ctx context.Context, name string) ([]clientele.ModelVersion, error) {
	return nil, m.p.did(ctx, name)
}

func (m models) ModelReport(ctx context.Context, name string, version int) (*clientele.ModelReport, error) {
	return &clientele.ModelReport{}, m.p.did(ctx, name, version)
}

func (m models) ModelBaseline(ctx context.Context, name string, version int, since, by string) (*clientele.ModelBaseline, error) {
	return &clientele.ModelBaseline{}, m.p.did(ctx, name, version, since, by)
}

func (m models) did(ctx context.Context, by string, args ...any) error {
	m.p.by = by
	return m.p.did(ctx, args...)
}
