package main

import (
	"context"

	"clientele"
)

// qualityBackend is what the commands about the quality of data work with.
type qualityBackend interface {
	Plans(ctx context.Context) ([]clientele.PlanInForce, error)
	Plan(ctx context.Context, name string) (*clientele.PlanInForce, error)
	SetPlan(ctx context.Context, p clientele.Plan) (*clientele.PlanInForce, error)
	DeletePlan(ctx context.Context, name string) error
	TestPlan(ctx context.Context, p clientele.Plan, by clientele.RuleTrial) (*clientele.RuleTest, error)
	ProposePlan(ctx context.Context, source, name string) (*clientele.Plan, error)
	Transforms(ctx context.Context) ([]clientele.TransformInForce, error)
	Transform(ctx context.Context, name string) (*clientele.TransformInForce, error)
	SetTransform(ctx context.Context, t clientele.TransformRule) (*clientele.TransformInForce, error)
	DeleteTransform(ctx context.Context, name string) error
	TestTransform(ctx context.Context, t clientele.TransformRule, by clientele.RuleTrial) (*clientele.RuleTest, error)
	Violations(ctx context.Context, source, event string) ([]clientele.Violation, error)
	Properties(ctx context.Context, source, event string, changed bool) ([]clientele.PropertySeen, error)
	Volumes(ctx context.Context, hours int) ([]clientele.EventVolume, error)
	Freshness(ctx context.Context) ([]clientele.Freshness, error)
	Touchpoints(ctx context.Context) (*clientele.TouchpointMap, error)
	Minimisation(ctx context.Context, days int) (*clientele.Minimisation, error)
	Stop(ctx context.Context, what clientele.StopRequest) (*clientele.TransformInForce, error)
	Acts(ctx context.Context, before clientele.Position, limit int) ([]clientele.QualityAct, error)
}

func (p *platform) Plans(ctx context.Context) ([]clientele.PlanInForce, error) {
	return p.app.Plans(ctx)
}

func (p *platform) Plan(ctx context.Context, name string) (*clientele.PlanInForce, error) {
	return p.app.Plan(ctx, name)
}

func (p *platform) SetPlan(ctx context.Context, plan clientele.Plan) (*clientele.PlanInForce, error) {
	v, err := p.app.SetPlan(ctx, operator, plan)
	return v, p.acted("set-plan", plan.Name, err)
}

func (p *platform) DeletePlan(ctx context.Context, name string) error {
	return p.acted("delete-plan", name, p.app.DeletePlan(ctx, operator, name))
}

func (p *platform) TestPlan(ctx context.Context, plan clientele.Plan, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	v, err := p.app.TestPlan(ctx, plan, by)
	return v, p.acted("test-plan", plan.Name, err)
}

func (p *platform) ProposePlan(ctx context.Context, source, name string) (*clientele.Plan, error) {
	v, err := p.app.ProposePlan(ctx, source, name)
	return v, p.acted("propose-plan", source, err)
}

func (p *platform) Transforms(ctx context.Context) ([]clientele.TransformInForce, error) {
	return p.app.Transforms(ctx)
}

func (p *platform) Transform(ctx context.Context, name string) (*clientele.TransformInForce, error) {
	return p.app.Transform(ctx, name)
}

func (p *platform) SetTransform(ctx context.Context, t clientele.TransformRule) (*clientele.TransformInForce, error) {
	v, err := p.app.SetTransform(ctx, operator, t)
	return v, p.acted("set-transform", t.Name, err)
}

func (p *platform) DeleteTransform(ctx context.Context, name string) error {
	return p.acted("delete-transform", name, p.app.DeleteTransform(ctx, operator, name))
}

func (p *platform) TestTransform(ctx context.Context, t clientele.TransformRule, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	v, err := p.app.TestTransform(ctx, t, by)
	return v, p.acted("test-transform", t.Name, err)
}

func (p *platform) Violations(ctx context.Context, source, event string) ([]clientele.Violation, error) {
	return p.app.Violations(ctx, source, event)
}

func (p *platform) Properties(ctx context.Context, source, event string, changed bool) ([]clientele.PropertySeen, error) {
	return p.app.Properties(ctx, source, event, changed)
}

func (p *platform) Volumes(ctx context.Context, hours int) ([]clientele.EventVolume, error) {
	return p.app.Volumes(ctx, hours)
}

func (p *platform) Freshness(ctx context.Context) ([]clientele.Freshness, error) {
	return p.app.Freshness(ctx)
}

func (p *platform) Touchpoints(ctx context.Context) (*clientele.TouchpointMap, error) {
	return p.app.Touchpoints(ctx)
}

func (p *platform) Minimisation(ctx context.Context, days int) (*clientele.Minimisation, error) {
	return p.app.Minimisation(ctx, days)
}

func (p *platform) Stop(ctx context.Context, what clientele.StopRequest) (*clientele.TransformInForce, error) {
	v, err := p.app.Stop(ctx, operator, what)
	return v, p.acted("stop-collecting", what.Source, err)
}

func (p *platform) Acts(ctx context.Context, before clientele.Position, limit int) ([]clientele.QualityAct, error) {
	return p.app.Acts(ctx, before, limit)
}
