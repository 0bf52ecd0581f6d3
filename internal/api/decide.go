package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Decider chooses among actions for people, and plans spending. by is the name of the token that asks.
type Decider interface {
	Actions(ctx context.Context) ([]clientele.Action, error)
	SetAction(ctx context.Context, by string, a clientele.Action) (*clientele.Action, error)
	DeleteAction(ctx context.Context, by, name string) error
	// Decide is NotFound when nobody has the identifier. The decision is on disk when it returns.
	Decide(ctx context.Context, req clientele.DecideRequest) (*clientele.Decision, error)
	DecisionOutcome(ctx context.Context, id string, o clientele.Outcome) error
	DecisionReport(ctx context.Context, days int) (*clientele.DecisionReport, error)
	PlanSpend(ctx context.Context, req clientele.SpendRequest) (*clientele.SpendPlan, error)
}

func (a *API) decideRoutes() {
	const tag = "decide"
	route(a, operation{id: "list-actions", method: http.MethodGet, path: "/api/v1/actions", scope: token.Read, tag: tag, quiet: true, summary: "The actions that can be chosen"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.Action], error) {
			return all(a.o.Decide.Actions(ctx))
		})
	type actionInput struct {
		Named
		Body clientele.Action
	}
	route(a, operation{id: "set-action", method: http.MethodPut, path: "/api/v1/actions/{name}", scope: token.Write, tag: tag, summary: "Make or change an action"},
		func(ctx context.Context, in *actionInput) (*output[*clientele.Action], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Decide.SetAction(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-action", method: http.MethodDelete, path: "/api/v1/actions/{name}", scope: token.Write, tag: tag, summary: "End an action; what came of it stays"},
		func(ctx context.Context, in *struct{ Named }) (*struct{}, error) {
			return nil, a.o.Decide.DeleteAction(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "decide", method: http.MethodPost, path: "/api/v1/decide", scope: token.Read, tag: tag, summary: "What to do for a person now"},
		func(ctx context.Context, in *struct{ Body clientele.DecideRequest }) (*output[*clientele.Decision], error) {
			return one(a.o.Decide.Decide(ctx, in.Body))
		})
	type outcomeInput struct {
		ID   string `path:"id" maxLength:"64"`
		Body clientele.Outcome
	}
	route(a, operation{id: "decision-outcome", method: http.MethodPost, path: "/api/v1/decide/{id}/outcome", scope: token.Write, tag: tag, summary: "What came of a decision"},
		func(ctx context.Context, in *outcomeInput) (*struct{}, error) {
			return nil, a.o.Decide.DecisionOutcome(ctx, in.ID, in.Body)
		})
	type reportInput struct {
		Days int `query:"days" minimum:"1" maximum:"3650" default:"90"`
	}
	route(a, operation{id: "decision-report", method: http.MethodGet, path: "/api/v1/decide/report", scope: token.Read, tag: tag, quiet: true, timeout: longTimeout, summary: "What came of decisions, by action and agent, and what other policies would have brought"},
		func(ctx context.Context, in *reportInput) (*output[*clientele.DecisionReport], error) {
			return one(a.o.Decide.DecisionReport(ctx, in.Days))
		})
	route(a, operation{id: "plan-spend", method: http.MethodPost, path: "/api/v1/decide/plan", scope: token.Read, tag: tag, timeout: longTimeout, summary: "How to spend a budget on the people of an audience, the best money first"},
		func(ctx context.Context, in *struct{ Body clientele.SpendRequest }) (*output[*clientele.SpendPlan], error) {
			return one(a.o.Decide.PlanSpend(ctx, in.Body))
		})
}
