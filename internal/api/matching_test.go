package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/token"
)

// matches is matching as a test answers it.
type matches struct{ p *product }

func (m matches) StartMatching(ctx context.Context, by string, req clientele.MatchRunRequest) (*clientele.MatchRun, error) {
	m.p.by = by
	return &clientele.MatchRun{State: clientele.MatchDry, Merged: 3}, m.p.did(ctx, req)
}

func (m matches) MatchRuns(ctx context.Context) ([]clientele.MatchRun, error) {
	return nil, m.p.did(ctx)
}

func (m matches) EndMatchRun(ctx context.Context, by string, id clientele.Position, approve bool) (*clientele.MatchRun, error) {
	m.p.by = by
	return &clientele.MatchRun{ID: id, State: clientele.MatchApplied}, m.p.did(ctx, id, approve)
}

func (m matches) MatchReviews(ctx context.Context, q clientele.MatchReviewQuery, limit int, cursor string) ([]clientele.MatchReview, string, error) {
	return []clientele.MatchReview{{ID: "e_1", State: q.State, Fields: []clientele.MatchField{}}}, "e_1", m.p.did(ctx, string(q.State), q.Text, limit, cursor)
}

func (m matches) DecideMatches(ctx context.Context, by string, d clientele.MatchDecision) (*clientele.MatchDecided, error) {
	m.p.by = by
	return &clientele.MatchDecided{Changed: len(d.IDs)}, m.p.did(ctx, d)
}

// What the routes of matching hand on and answer.
func TestMatchingRoutes(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/api/v1/identity/matching/runs", `{"dry":true}`, http.StatusOK, `"merged":3`},
		{"GET", "/api/v1/identity/matching/runs", "", http.StatusOK, `"items":[]`},
		{"POST", "/api/v1/identity/matching/runs/7/approve", "", http.StatusOK, `"id":7`},
		{"GET", "/api/v1/identity/matching/reviews", "", http.StatusOK, `"state":"open"`},
		{"GET", "/api/v1/identity/matching/reviews?state=all", "", http.StatusUnprocessableEntity, ""},
		{"POST", "/api/v1/identity/matching/reviews", `{"ids":["e_1","e_2"],"verdict":"same"}`, http.StatusOK, `"changed":2`},
		{"POST", "/api/v1/identity/matching/reviews", `{"ids":[],"verdict":"same"}`, http.StatusUnprocessableEntity, ""},
		{"POST", "/api/v1/identity/matching/reviews", `{"ids":["e_1"],"verdict":"maybe"}`, http.StatusUnprocessableEntity, ""},
	} {
		scope := token.Write
		if c.method == http.MethodGet {
			scope = token.Read
		}
		w := s.do(c.method, c.path, s.tokens[scope], c.body)
		if w.Code != c.status && !(c.status == http.StatusUnprocessableEntity && w.Code == http.StatusBadRequest) || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}
