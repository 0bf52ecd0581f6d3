package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/token"
)

// offers is what the routes of actions, decisions and recommendations ask.
type offers struct{ p *product }

func (o offers) Actions(ctx context.Context) ([]clientele.Action, error) { return nil, o.p.did(ctx) }

func (o offers) SetAction(ctx context.Context, by string, a clientele.Action) (*clientele.Action, error) {
	o.p.by = by
	return &a, o.p.did(ctx, a)
}

func (o offers) DeleteAction(ctx context.Context, by, name string) error {
	o.p.by = by
	return o.p.did(ctx, name)
}

func (o offers) Decide(ctx context.Context, req clientele.DecideRequest) (*clientele.Decision, error) {
	return &clientele.Decision{ID: "d_7", Profile: 7}, o.p.did(ctx, req)
}

func (o offers) DecisionOutcome(ctx context.Context, id string, x clientele.Outcome) error {
	return o.p.did(ctx, id, x)
}

func (o offers) DecisionReport(ctx context.Context, days int) (*clientele.DecisionReport, error) {
	return &clientele.DecisionReport{Days: days}, o.p.did(ctx, days)
}

func (o offers) PlanSpend(ctx context.Context, req clientele.SpendRequest) (*clientele.SpendPlan, error) {
	return &clientele.SpendPlan{}, o.p.did(ctx, req)
}

func (o offers) RecommendFor(ctx context.Context, id clientele.Identifier, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	return &clientele.Recommendations{}, o.p.did(ctx, id, q)
}

func (o offers) RecommendWith(ctx context.Context, item string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	return &clientele.Recommendations{}, o.p.did(ctx, item, q)
}

func (o offers) RecommendSession(ctx context.Context, items []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	return &clientele.Recommendations{}, o.p.did(ctx, items, q)
}

func (o offers) RecommendStatus(ctx context.Context) (*clientele.RecommendStatus, error) {
	return &clientele.RecommendStatus{}, o.p.did(ctx)
}

func (o offers) TrainRecommendations(ctx context.Context) (*clientele.RecommendStatus, error) {
	return &clientele.RecommendStatus{}, o.p.did(ctx)
}

// TestDecideRoutes: what is wrong is refused before anybody decides.
func TestDecideRoutes(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ method, path, body, want string }{
		{"PUT", "/api/v1/actions/a", `{"name":"b","value":5}`, "name"},
		{"PUT", "/api/v1/actions/a", `{"name":"a","value":-5}`, "value"},
		{"PUT", "/api/v1/actions/a", `{"name":"a"}`, "value"},
		{"POST", "/api/v1/decide", `{"namespace":"email"}`, "value"},
		{"POST", "/api/v1/decide/d_1/outcome", `{"outcome":"liked"}`, "outcome"},
		{"GET", "/api/v1/decide/report?days=0", "", "days"},
		{"GET", "/api/v1/recommendations/items/a?limit=1000", "", "limit"},
	} {
		w := s.do(c.method, c.path, s.tokens[token.Admin], c.body)
		if w.Code != 400 && w.Code != 403 || !strings.Contains(w.Body.String(), c.want) && w.Code == 400 {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	w := s.do("GET", "/api/v1/recommendations/profiles/email/ann@example.com?include=a&include=b,c&per_category=2", s.tokens[token.Read], "")
	var r clientele.Recommendations
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != 200 {
		t.Errorf("%d %s %v", w.Code, w.Body, err)
	}
}
