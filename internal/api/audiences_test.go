package api_test

import (
	"context"

	"clientele"
	"clientele/internal/api"
)

// groups answers for audiences.
type groups struct{ p *product }

func (g groups) Audiences(ctx context.Context) ([]clientele.AudienceInForce, error) {
	return nil, g.p.did(ctx)
}

func (g groups) Audience(ctx context.Context, name string) (*clientele.AudienceInForce, error) {
	return &clientele.AudienceInForce{}, g.p.did(ctx, name)
}

func (g groups) SetAudience(ctx context.Context, by string, a clientele.Audience) (*clientele.AudienceInForce, error) {
	g.p.by = by
	return &clientele.AudienceInForce{Audience: a}, g.p.did(ctx, a.Name, string(a.Where))
}

func (g groups) DeleteAudience(ctx context.Context, by, name string) error {
	g.p.by = by
	return g.p.did(ctx, name)
}

func (g groups) AudienceMembers(ctx context.Context, name string, limit int, cursor string) ([]clientele.Membership, string, error) {
	return nil, "", g.p.did(ctx, name, limit, cursor)
}

func (g groups) AudienceMoves(ctx context.Context, name string, limit int) ([]clientele.AudienceMove, error) {
	return nil, g.p.did(ctx, name, limit)
}

func (g groups) PreviewProgress(string) clientele.PreviewProgress {
	return clientele.PreviewProgress{Running: true, Done: 1, Of: 3}
}

func (g groups) PreviewAudience(ctx context.Context, editor string, where clientele.RawJSON) (*clientele.AudiencePreview, error) {
	return &clientele.AudiencePreview{}, g.p.did(ctx, string(where))
}

func (g groups) AudienceOverlap(ctx context.Context, list []clientele.AudienceToCompare) (*clientele.AudienceOverlap, error) {
	return &clientele.AudienceOverlap{}, g.p.did(ctx, list[0].Name)
}

func (g groups) Percentiles(ctx context.Context) ([]clientele.PercentileThreshold, error) {
	return nil, g.p.did(ctx)
}

func (g groups) RefreshPercentiles(ctx context.Context, by string) ([]clientele.PercentileThreshold, error) {
	g.p.by = by
	return nil, g.p.did(ctx)
}

func (g groups) Values(ctx context.Context, q clientele.ValuesQuery) ([]clientele.ValueCount, error) {
	return nil, g.p.did(ctx, string(q.Of), q.Name, q.Prefix)
}

func (g groups) Lifecycle(context.Context) (*clientele.LifecycleInForce, error) {
	return &clientele.LifecycleInForce{Version: 1, Stages: clientele.DefaultLifecycle()}, nil
}

func (g groups) SetLifecycle(_ context.Context, _ string, stages []clientele.LifecycleStage) (*clientele.LifecycleInForce, error) {
	return &clientele.LifecycleInForce{Version: 2, Stages: stages}, nil
}

func (g groups) UploadAudience(ctx context.Context, by, name string, up clientele.AudienceUpload, text []byte) (*clientele.AudienceUploaded, error) {
	g.p.by = by
	return &clientele.AudienceUploaded{}, g.p.did(ctx, name, string(up.Mode), string(up.Namespace), up.Column, up.Keep, string(text))
}

func (g groups) RefreshAudience(ctx context.Context, by, name string) (*clientele.AudienceInForce, error) {
	g.p.by = by
	return &clientele.AudienceInForce{}, g.p.did(ctx, name)
}

func (g groups) SuppressedProfiles(ctx context.Context, name string, limit int, cursor string) ([]clientele.SuppressedProfile, string, error) {
	return nil, "", g.p.did(ctx, name, limit, cursor)
}

func (g groups) SavedAll(context.Context, api.Reader, clientele.SavedKind) ([]clientele.Saved, error) {
	return nil, nil
}

func (g groups) Saved(_ context.Context, _ api.Reader, kind clientele.SavedKind, name string) (*clientele.Saved, error) {
	return &clientele.Saved{Kind: kind, Name: name}, nil
}

func (g groups) Save(_ context.Context, _ api.Reader, s clientele.Saved) (*clientele.Saved, error) {
	return &s, nil
}

func (g groups) DeleteSaved(context.Context, api.Reader, clientele.SavedKind, string) error {
	return nil
}

func (g groups) AnswerSaved(context.Context, api.Reader, clientele.SavedKind, string) (*clientele.SavedAnswer, error) {
	return &clientele.SavedAnswer{}, nil
}
