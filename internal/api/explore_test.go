package api_test

import (
	"context"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/token"
)

func (p *product) Explore(ctx context.Context, q clientele.Question) (*clientele.Answer, error) {
	return &clientele.Answer{Kind: q.Kind, Columns: []clientele.AnswerColumn{{Name: "country", Role: "dimension"}}, Rows: [][]any{{"TH", int64(3)}}, Cells: []clientele.Cell{{"country": "TH"}}}, p.did(ctx, q.Kind)
}

func (p *product) Behind(ctx context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	return &clientele.Behind{Count: 1, Items: []clientele.ProfileID{77}, SQL: "select 1"}, p.did(ctx, req.Question.Kind, req.Cell, req.Limit)
}

func (p *product) ExploreFields(ctx context.Context) (*clientele.ExploreFields, error) {
	return &clientele.ExploreFields{}, p.did(ctx)
}

// What a question may hold is checked before anything is asked.
func TestExploreBody(t *testing.T) {
	s := newSite(t)
	for body, want := range map[string]string{
		`{"kind":"metric","measures":["revenue"],"by":["country"],"where":[{"field":"country","op":"in","value":["TH","DE"]}]}`: "",
		`{"kind":"metrics"}`:              "body.kind",
		`{"kind":"metric","mesures":[]}`:  "mesures",
		`{"kind":"metric","limit":20000}`: "body.limit",
	} {
		w := s.do("POST", "/api/v1/explore", s.tokens[token.Read], body)
		if want == "" && w.Code != 200 || want != "" && (w.Code != 400 || !strings.Contains(w.Body.String(), want)) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	w := s.do("POST", "/api/v1/explore/people", s.tokens[token.Read], `{"question":{"kind":"metric","measures":["revenue"]},"cell":{"country":null,"step":2},"limit":7}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"items":["p_0000000002d"]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func (p *product) ExploreAudience(ctx context.Context, by string, req clientele.SegmentRequest) (*clientele.AudienceInForce, error) {
	p.by = by
	return &clientele.AudienceInForce{}, p.did(ctx, req.Question.Kind, req.Name)
}
