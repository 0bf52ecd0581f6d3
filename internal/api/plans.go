package api

import (
	"context"
	"net/http"

	"clientele"
	"clientele/internal/token"
)

// Plans keeps tracking plans and transform rules. by is the name of the token that asks. Invalid or
// Conflict says why a plan or rule cannot come into force; NotFound that there is none of that name.
type Plans interface {
	Plans(ctx context.Context) ([]clientele.PlanInForce, error)
	Plan(ctx context.Context, name string) (*clientele.PlanInForce, error)
	SetPlan(ctx context.Context, by string, p clientele.Plan) (*clientele.PlanInForce, error)
	DeletePlan(ctx context.Context, by, name string) error
	// TestPlan and TestTransform change nothing.
	TestPlan(ctx context.Context, p clientele.Plan, by clientele.RuleTrial) (*clientele.RuleTest, error)
	// ProposePlan makes a plan of what the source has sent; it is not in force.
	ProposePlan(ctx context.Context, source, name string) (*clientele.Plan, error)

	Transforms(ctx context.Context) ([]clientele.TransformInForce, error)
	Transform(ctx context.Context, name string) (*clientele.TransformInForce, error)
	SetTransform(ctx context.Context, by string, t clientele.TransformRule) (*clientele.TransformInForce, error)
	DeleteTransform(ctx context.Context, by, name string) error
	TestTransform(ctx context.Context, t clientele.TransformRule, by clientele.RuleTrial) (*clientele.RuleTest, error)
}

// PlanTest is a plan, and the events to try it by.
type PlanTest struct {
	clientele.RuleTrial
	Plan clientele.Plan `json:"plan"`
}

// TransformTest is a transform rule, and the events to try it by.
type TransformTest struct {
	clientele.RuleTrial
	Rule clientele.TransformRule `json:"rule"`
}

// PlanProposal says of what to make a plan.
type PlanProposal struct {
	Source string `json:"source" minLength:"1"`
	Name   string `json:"name,omitempty" doc:"Of the plan; empty: the source's."`
}

// named is the input of routes about one plan or rule. It is exported for the library.
type Named struct {
	Name string `path:"name" maxLength:"64"`
}

func sameName(path, body string) error {
	if path != body {
		return clientele.Errorf(clientele.Invalid, "the path names another than the body").WithHint("write the same name in both")
	}
	return nil
}

func tested(t *clientele.RuleTest, err error) (*output[*clientele.RuleTest], error) {
	if err != nil {
		return nil, err
	}
	t.Samples = list(t.Samples)
	return &output[*clientele.RuleTest]{t}, nil
}

func one[T any](v *T, err error) (*output[*T], error) {
	if err != nil {
		return nil, err
	}
	return &output[*T]{v}, nil
}

func all[T any](items []T, err error) (*pageOutput[T], error) {
	if err != nil {
		return nil, err
	}
	return pageOf(items, ""), nil
}

func (a *API) planRoutes() {
	const tag = "plans"
	route(a, operation{id: "list-plans", method: http.MethodGet, path: "/api/v1/plans", scope: token.Read, tag: tag, quiet: true, summary: "Tracking plans in force"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.PlanInForce], error) {
			return all(a.o.Plans.Plans(ctx))
		})
	route(a, operation{id: "get-plan", method: http.MethodGet, path: "/api/v1/plans/{name}", scope: token.Read, tag: tag, quiet: true, summary: "A tracking plan"},
		func(ctx context.Context, in *Named) (*output[*clientele.PlanInForce], error) {
			return one(a.o.Plans.Plan(ctx, in.Name))
		})
	type planInput struct {
		Named
		Body clientele.Plan
	}
	route(a, operation{id: "set-plan", method: http.MethodPut, path: "/api/v1/plans/{name}", scope: token.Write, tag: tag,
		summary: "Bring a tracking plan into force, in the place of one of that name"},
		func(ctx context.Context, in *planInput) (*output[*clientele.PlanInForce], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Plans.SetPlan(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-plan", method: http.MethodDelete, path: "/api/v1/plans/{name}", scope: token.Write, tag: tag, summary: "End a tracking plan"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Plans.DeletePlan(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "test-plan", method: http.MethodPost, path: "/api/v1/plans/test", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "What a tracking plan would find; changes nothing"},
		func(ctx context.Context, in *struct{ Body PlanTest }) (*output[*clientele.RuleTest], error) {
			return tested(a.o.Plans.TestPlan(ctx, in.Body.Plan, in.Body.RuleTrial))
		})
	route(a, operation{id: "propose-plan", method: http.MethodPost, path: "/api/v1/plans/propose", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "A tracking plan made of what a source has sent; changes nothing"},
		func(ctx context.Context, in *struct{ Body PlanProposal }) (*output[*clientele.Plan], error) {
			return one(a.o.Plans.ProposePlan(ctx, in.Body.Source, in.Body.Name))
		})
	a.transformRoutes()
}

func (a *API) transformRoutes() {
	const tag = "transforms"
	route(a, operation{id: "list-transforms", method: http.MethodGet, path: "/api/v1/transforms", scope: token.Read, tag: tag, quiet: true,
		summary: "Transform rules in force, in the order in which they apply, and what they have done"},
		func(ctx context.Context, _ *struct{}) (*pageOutput[clientele.TransformInForce], error) {
			return all(a.o.Plans.Transforms(ctx))
		})
	route(a, operation{id: "get-transform", method: http.MethodGet, path: "/api/v1/transforms/{name}", scope: token.Read, tag: tag, quiet: true, summary: "A transform rule"},
		func(ctx context.Context, in *Named) (*output[*clientele.TransformInForce], error) {
			return one(a.o.Plans.Transform(ctx, in.Name))
		})
	type ruleInput struct {
		Named
		Body clientele.TransformRule
	}
	route(a, operation{id: "set-transform", method: http.MethodPut, path: "/api/v1/transforms/{name}", scope: token.Write, tag: tag,
		summary: "Bring a transform rule into force, in the place of one of that name"},
		func(ctx context.Context, in *ruleInput) (*output[*clientele.TransformInForce], error) {
			if err := sameName(in.Name, in.Body.Name); err != nil {
				return nil, err
			}
			return one(a.o.Plans.SetTransform(ctx, principalOf(ctx).Name, in.Body))
		})
	route(a, operation{id: "delete-transform", method: http.MethodDelete, path: "/api/v1/transforms/{name}", scope: token.Write, tag: tag, summary: "End a transform rule"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return nil, a.o.Plans.DeleteTransform(ctx, principalOf(ctx).Name, in.Name)
		})
	route(a, operation{id: "test-transform", method: http.MethodPost, path: "/api/v1/transforms/test", scope: token.Read, tag: tag, timeout: longTimeout,
		summary: "What a transform rule would change, before and after; changes nothing"},
		func(ctx context.Context, in *struct{ Body TransformTest }) (*output[*clientele.RuleTest], error) {
			return tested(a.o.Plans.TestTransform(ctx, in.Body.Rule, in.Body.RuleTrial))
		})
}
