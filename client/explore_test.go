package client_test

import (
	"context"
	"reflect"
	"testing"

	"clientele"
)

func (p *product) Explore(_ context.Context, q clientele.Question) (*clientele.Answer, error) {
	return &clientele.Answer{Kind: q.Kind, Rows: [][]any{{"TH", 3}}, Cells: []clientele.Cell{{"country": "TH"}}, From: 5, Total: []any{nil, 4}}, p.did(q)
}

func (p *product) Behind(_ context.Context, req clientele.BehindRequest) (*clientele.Behind, error) {
	return &clientele.Behind{Count: 1, Items: []clientele.ProfileID{77}, SQL: "select 1", Next: "n"}, p.did(req)
}

func (p *product) ExploreFields(context.Context) (*clientele.ExploreFields, error) {
	return &clientele.ExploreFields{Measures: []clientele.ExploreField{{Name: "revenue"}}}, p.did()
}

// A question arrives as it was asked, the answer as it was given.
func TestExplore(t *testing.T) {
	p, c, _, _ := start(t)
	q := clientele.Question{Kind: "metric", Measures: []string{"revenue"}, By: []string{"country"}, Where: []clientele.Filter{{Field: "country", Op: "in", Value: []any{"TH", 2.5, true}}},
		Last: "30d", TimeZone: "Asia/Bangkok", Compare: true, Steps: []clientele.Step{{Event: "E", Where: []clientele.Filter{{Field: "x"}}}}, Points: []float64{1, 2.5}}
	r, err := c.Explore(t.Context(), q)
	if err != nil || !reflect.DeepEqual(p.asked, []any{q}) || r.Kind != "metric" || !reflect.DeepEqual(r.Rows, [][]any{{"TH", 3.0}}) || r.From != 5 || r.Cells[0]["country"] != "TH" {
		t.Errorf("%+v, %v; asked %+v", r, err, p.asked)
	}
	req := clientele.BehindRequest{Question: q, Cell: clientele.Cell{"country": nil, "step": 2.0}, Limit: 3, Cursor: "p_0000000002d"}
	b, err := c.Behind(t.Context(), req)
	if err != nil || !reflect.DeepEqual(p.asked, []any{req}) || b.Count != 1 || b.Items[0] != 77 || b.Next != "n" {
		t.Errorf("%+v, %v; asked %+v", b, err, p.asked)
	}
	if f, err := c.ExploreFields(t.Context()); err != nil || f.Measures[0].Name != "revenue" {
		t.Errorf("%+v, %v", f, err)
	}
}
