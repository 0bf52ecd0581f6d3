package api_test

import (
	"context"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/token"
)

func (p *product) Sources(ctx context.Context) ([]clientele.SourceInForce, error) {
	return []clientele.SourceInForce{{Source: clientele.Source{Name: "web", Kind: "browser"}, WriteKey: "PUBLIC"}, {Source: clientele.Source{Name: "till", Kind: "server"}, WriteKey: "SECRET"}}, p.did(ctx)
}

func (p *product) SetSource(ctx context.Context, by string, s clientele.Source, newKey bool) (*clientele.SourceInForce, error) {
	p.by = by
	return &clientele.SourceInForce{Source: s}, p.did(ctx, s, newKey)
}

func (p *product) EndSource(ctx context.Context, by, name string) error {
	p.by = by
	return p.did(ctx, name)
}

// TestWriteKeys: who may only read sees the keys that are public anyway.
func TestWriteKeys(t *testing.T) {
	s := newSite(t)
	if body := s.do("GET", "/api/v1/sources", s.tokens[token.Read], "").Body.String(); !strings.Contains(body, "PUBLIC") || strings.Contains(body, "SECRET") {
		t.Errorf("read sees %s", body)
	}
	if body := s.do("GET", "/api/v1/sources", s.tokens[token.Admin], "").Body.String(); !strings.Contains(body, "PUBLIC") || !strings.Contains(body, "SECRET") {
		t.Errorf("admin sees %s", body)
	}
	w := s.do("PUT", "/api/v1/sources/till", s.tokens[token.Admin], `{"name":"till","kind":"server","verified":true,"new_key":true}`)
	if got, ok := s.asked[0].(clientele.Source); w.Code != 200 || !ok || got.Kind != "server" || !got.Verified || s.asked[1] != true || s.by != "the-admin" {
		t.Errorf("%d %s, asked %+v by %s", w.Code, w.Body, s.asked, s.by)
	}
	if w := s.do("PUT", "/api/v1/sources/till", s.tokens[token.Admin], `{"name":"other","kind":"server"}`); w.Code != 400 {
		t.Errorf("another name in the body: %d", w.Code)
	}
}
