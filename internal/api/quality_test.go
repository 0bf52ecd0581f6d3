package api_test

import (
	"context"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/token"
)

// rulebook answers for plans, rules and reports.
type rulebook struct{ p *product }

func (r rulebook) Plans(ctx context.Context) ([]clientele.PlanInForce, error) {
	return nil, r.p.did(ctx)
}

func (r rulebook) Plan(ctx context.Context, name string) (*clientele.PlanInForce, error) {
	return &clientele.PlanInForce{}, r.p.did(ctx, name)
}

func (r rulebook) SetPlan(ctx context.Context, by string, p clientele.Plan) (*clientele.PlanInForce, error) {
	r.p.by = by
	return &clientele.PlanInForce{Plan: p}, r.p.did(ctx, p.Name, string(p.Events["Order"].Schema))
}

func (r rulebook) DeletePlan(ctx context.Context, by, name string) error {
	r.p.by = by
	return r.p.did(ctx, name)
}

func (r rulebook) TestPlan(ctx context.Context, p clientele.Plan, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	return &clientele.RuleTest{}, r.p.did(ctx, p.Name, by.Recent)
}

func (r rulebook) ProposePlan(ctx context.Context, source, name string) (*clientele.Plan, error) {
	return &clientele.Plan{}, r.p.did(ctx, source, name)
}

func (r rulebook) Transforms(ctx context.Context) ([]clientele.TransformInForce, error) {
	return nil, r.p.did(ctx)
}

func (r rulebook) Transform(ctx context.Context, name string) (*clientele.TransformInForce, error) {
	return &clientele.TransformInForce{}, r.p.did(ctx, name)
}

func (r rulebook) SetTransform(ctx context.Context, by string, t clientele.TransformRule) (*clientele.TransformInForce, error) {
	r.p.by = by
	return &clientele.TransformInForce{TransformRule: t}, r.p.did(ctx, t.Name)
}

func (r rulebook) DeleteTransform(ctx context.Context, by, name string) error {
	r.p.by = by
	return r.p.did(ctx, name)
}

func (r rulebook) TestTransform(ctx context.Context, t clientele.TransformRule, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	return &clientele.RuleTest{Samples: []clientele.RuleExample{{Before: by.Events[0].Message}}}, r.p.did(ctx, t.Name, len(by.Events))
}

func (r rulebook) Violations(ctx context.Context, source, event string) ([]clientele.Violation, error) {
	return nil, r.p.did(ctx, source, event)
}

func (r rulebook) Properties(ctx context.Context, source, event string, changed bool) ([]clientele.PropertySeen, error) {
	return nil, r.p.did(ctx, source, event, changed)
}

func (r rulebook) Volumes(ctx context.Context, hours int) ([]clientele.EventVolume, error) {
	return nil, r.p.did(ctx, hours)
}

func (r rulebook) Freshness(ctx context.Context) ([]clientele.Freshness, error) {
	return nil, r.p.did(ctx)
}

func (r rulebook) Touchpoints(ctx context.Context) (*clientele.TouchpointMap, error) {
	return &clientele.TouchpointMap{}, r.p.did(ctx)
}

func (r rulebook) Minimisation(ctx context.Context, days int) (*clientele.Minimisation, error) {
	return &clientele.Minimisation{}, r.p.did(ctx, days)
}

func (r rulebook) Stop(ctx context.Context, by string, what clientele.StopRequest) (*clientele.TransformInForce, error) {
	r.p.by = by
	return &clientele.TransformInForce{}, r.p.did(ctx, what)
}

func (r rulebook) Acts(ctx context.Context, before clientele.Position, limit int) ([]clientele.QualityAct, error) {
	return []clientele.QualityAct{{Position: 8}, {Position: 5}}[:min(limit, 2)], r.p.did(ctx, before, limit)
}

// What is asked reaches the program as it was meant, and by whom.
func TestPlansOverHTTP(t *testing.T) {
	s := newSite(t)
	w := s.do("PUT", "/api/v1/plans/shop", s.tokens[token.Write], `{"name":"shop","events":{"Order":{"schema":{"type":"object","properties":{"a":{}}}}}}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"schema":{"type":"object","properties":{"a":{}}}`) || s.by != "the-write" || s.asked[1] != `{"type":"object","properties":{"a":{}}}` {
		t.Errorf("%d %s by %s, asked %v", w.Code, w.Body, s.by, s.asked)
	}
	for body, want := range map[string]string{
		`{"name":"other","events":{}}`:                                                  "names another",
		`{"name":"shop"}`:                                                               "events",
		`{"name":"shop","events":{},"on_violation":"shout"}`:                            "on_violation",
		`{"name":"shop","events":{},"surprise":1}`:                                      "surprise",
		`{"name":"shop","events":{"A":{"schema":` + strings.Repeat("[", 20_000) + `}}}`: "",
	} {
		w := s.do("PUT", "/api/v1/plans/shop", s.tokens[token.Write], body)
		if p := problem(t, w); w.Code != 400 || !strings.Contains(p.Detail, want) {
			t.Errorf("%.60s: %d %+v", body, w.Code, p)
		}
	}
	w = s.do("GET", "/api/v1/quality/acts?limit=2", s.tokens[token.Read], "")
	if !strings.Contains(w.Body.String(), `"next":"5"`) {
		t.Errorf("acts %s", w.Body)
	}
	w = s.do("GET", "/api/v1/quarantine?source=web&code=violation&text=price&from=2026-01-01T00:00:00Z&dropped=true", s.tokens[token.Read], "")
	if w.Code != 200 {
		t.Errorf("quarantine %d %s", w.Code, w.Body)
	}
	w = s.do("POST", "/api/v1/quarantine/replay", s.tokens[token.Write], `{"where":{"source":"web"}}`)
	if q, ok := s.asked[0].(clientele.QuarantineQuery); w.Code != 200 || !ok || q.Source != "web" {
		t.Errorf("replay %d %s, asked %v", w.Code, w.Body, s.asked)
	}
}
