package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Lifecycle keeps the lifecycle's stages. Invalid or Conflict says why stages cannot come into force.
type Lifecycle interface {
	Lifecycle(ctx context.Context) (*clientele.LifecycleInForce, error)
	// SetLifecycle brings the stages into force; none ends the lifecycle.
	SetLifecycle(ctx context.Context, by string, stages []clientele.LifecycleStage) (*clientele.LifecycleInForce, error)
}

func (a *API) lifecycleRoutes() {
	const tag = "audiences"
	route(a, operation{id: "get-lifecycle", method: http.MethodGet, path: "/api/v1/lifecycle", scope: token.Read, tag: tag, quiet: true, summary: "The lifecycle's stages, and how they stand"},
		func(ctx context.Context, _ *struct{}) (*output[*clientele.LifecycleInForce], error) {
			return one(a.o.Lifecycle.Lifecycle(ctx))
		})
	type stagesInput struct {
		Body struct {
			Stages  []clientele.LifecycleStage `json:"stages,omitempty" maxItems:"20" doc:"In their order: a profile is in the furthest whose condition holds."`
			Default bool                       `json:"default,omitempty" doc:"Instead: awareness, interest, intent, purchase, retention, lapsed, by the events of Segment's specification of e-commerce."`
		}
	}
	route(a, operation{id: "set-lifecycle", method: http.MethodPut, path: "/api/v1/lifecycle", scope: token.Write, tag: tag, timeout: longTimeout,
		summary: "Bring lifecycle stages into force, which are live when all profiles have been looked at"},
		func(ctx context.Context, in *stagesInput) (*output[*clientele.LifecycleInForce], error) {
			stages := in.Body.Stages
			switch {
			case in.Body.Default && len(stages) > 0:
				return nil, clientele.Errorf(clientele.Invalid, "default, and stages beside it").WithHint("leave one of them out")
			case in.Body.Default:
				stages = clientele.DefaultLifecycle()
			case len(stages) == 0:
				return nil, clientele.Errorf(clientele.Invalid, "no stages").WithHint("write stages or default; DELETE ends the lifecycle")
			}
			return one(a.o.Lifecycle.SetLifecycle(ctx, principalOf(ctx).Name, stages))
		})
	route(a, operation{id: "end-lifecycle", method: http.MethodDelete, path: "/api/v1/lifecycle", scope: token.Write, tag: tag, summary: "End the lifecycle: everybody leaves the stages"},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			_, err := a.o.Lifecycle.SetLifecycle(ctx, principalOf(ctx).Name, nil)
			return nil, err
		})
}
