package app

import (
	"context"

	"clientele"
	"clientele/internal/insight"
)

// explorer asks over the same way as users' SQL, with its limits.
func (a *App) explorer() *insight.Explorer {
	return insight.New(insight.Options{Query: a, Currency: a.cfg.Currency.Base, Now: a.o.Now, Stages: a.stageList})
}

// stageList are the lifecycle's stages that are live or will be.
func (a *App) stageList() ([]clientele.LifecycleStage, error) {
	l, err := a.Lifecycle(context.Background())
	if err != nil {
		return nil, err
	}
	return l.Stages, nil
}

// Explore answers a question.
func (a *App) Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error) {
	return a.explorer().Ask(ctx, q)
}

// Behind are the people behind a cell of an answer.
func (a *App) Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	return a.explorer().People(ctx, req)
}

// ExploreFields are what questions can name.
func (a *App) ExploreFields(ctx context.Context) (*clientele.ExploreFields, error) {
	return a.explorer().Fields(ctx)
}
