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

func (m matches) Enrich(ctx context.Context, by string, req clientele.EnrichmentRequest) (*clientele.Enrichment, error) {
	m.p.by = by
	return &clientele.Enrichment{Source: req.Source, Rows: int64(len(req.Rows)), Held: map[bool]int64{true: 1}[req.Keep]}, m.p.did(ctx, req)
}

func (m matches) Enrichments(ctx context.Context) ([]clientele.Enrichment, error) {
	return []clientele.Enrichment{}, m.p.did(ctx)
}

func (m matches) EndEnrichment(ctx context.Context, by, source string) error {
	return m.p.did(ctx, by, source)
}

// What the routes of enrichment hand on and answer.
func TestEnrichmentRoutes(t *testing.T) {
	s := newSite(t)
	for body, want := range map[string]string{
		`{"revision":"r","namespace":"email","expires_at":"2030-01-01T00:00:00Z","rows":[{"key":"a@example.com","traits":{"income":3}}]}`:                        `"rows":1,"matched":0,"held":1`,
		`{"revision":"r","namespace":"email","expires_at":"2030-01-01T00:00:00Z","keep_unmatched":false,"rows":[{"key":"a@example.com","traits":{"income":3}}]}`: `"held":0`,
		`{"revision":"r","namespace":"email","expires_at":"2030-01-01T00:00:00Z","rows":[]}`:                                                                     `body.rows`,
		`{"namespace":"email","rows":[{"key":"a","traits":{}}]}`:                                                                                                 `revision`,
	} {
		if w := s.do(http.MethodPost, "/api/v1/enrichment/acme", s.tokens[token.Write], body); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := s.do(http.MethodGet, "/api/v1/enrichment", s.tokens[token.Read], ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"items":[]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
