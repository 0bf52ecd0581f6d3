package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"clientele"
	"clientele/client"
)

// Each call goes where the API has it, with what it was given.
func TestQualityCalls(t *testing.T) {
	ctx := context.Background()
	var method, uri string
	var body map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, uri, body = r.Method, r.URL.RequestURI(), nil
		_ = json.NewDecoder(r.Body).Decode(&body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"items":[],"replayed":3}`))
	}))
	defer server.Close()
	c, err := client.New(server.URL, "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		want string
		call func() error
		body string
	}{
		{"GET /api/v1/plans", func() error { _, err := c.Plans(ctx); return err }, ""},
		{"GET /api/v1/plans/a%20b", func() error { _, err := c.Plan(ctx, "a b"); return err }, ""},
		{"PUT /api/v1/plans/shop", func() error { _, err := c.SetPlan(ctx, clientele.Plan{Name: "shop"}); return err }, "name"},
		{"DELETE /api/v1/plans/shop", func() error { return c.DeletePlan(ctx, "shop") }, ""},
		{"POST /api/v1/plans/test", func() error { _, err := c.TestPlan(ctx, clientele.Plan{}, clientele.RuleTrial{Recent: 5}); return err }, "recent"},
		{"POST /api/v1/plans/propose", func() error { _, err := c.ProposePlan(ctx, "web", ""); return err }, "source"},
		{"GET /api/v1/transforms", func() error { _, err := c.Transforms(ctx); return err }, ""},
		{"GET /api/v1/transforms/r", func() error { _, err := c.Transform(ctx, "r"); return err }, ""},
		{"PUT /api/v1/transforms/r", func() error { _, err := c.SetTransform(ctx, clientele.TransformRule{Name: "r"}); return err }, "steps"},
		{"DELETE /api/v1/transforms/r", func() error { return c.DeleteTransform(ctx, "r") }, ""},
		{"POST /api/v1/transforms/test", func() error {
			_, err := c.TestTransform(ctx, clientele.TransformRule{}, clientele.RuleTrial{})
			return err
		}, "rule"},
		{"GET /api/v1/computed-traits", func() error { _, err := c.ComputedTraits(ctx); return err }, ""},
		{"PUT /api/v1/computed-traits/r", func() error { _, err := c.SetComputedTrait(ctx, clientele.ComputedTrait{Name: "r"}); return err }, "definition"},
		{"DELETE /api/v1/computed-traits/r", func() error { return c.DeleteComputedTrait(ctx, "r") }, ""},
		{"POST /api/v1/computed-traits/preview", func() error {
			_, err := c.PreviewComputedTrait(ctx, clientele.ComputedTrait{}, clientele.Identifier{Namespace: "email", Value: "x"})
			return err
		}, "namespace"},
		{"GET /api/v1/retention", func() error { _, err := c.Retention(ctx); return err }, ""},
		{"PUT /api/v1/retention/r", func() error { _, err := c.SetRetention(ctx, clientele.RetentionRule{Name: "r"}); return err }, "older_than"},
		{"DELETE /api/v1/retention/r", func() error { return c.DeleteRetention(ctx, "r") }, ""},
		{"POST /api/v1/retention/preview", func() error { _, err := c.PreviewRetention(ctx, clientele.RetentionRule{}); return err }, "older_than"},
		{"GET /api/v1/quality/violations?event=E&source=web", func() error { _, err := c.Violations(ctx, "web", "E"); return err }, ""},
		{"GET /api/v1/quality/properties", func() error { _, err := c.Properties(ctx, "", "", false); return err }, ""},
		{"GET /api/v1/quality/drift?source=web", func() error { _, err := c.Properties(ctx, "web", "", true); return err }, ""},
		{"GET /api/v1/quality/volumes?hours=2", func() error { _, err := c.Volumes(ctx, 2); return err }, ""},
		{"GET /api/v1/quality/freshness", func() error { _, err := c.Freshness(ctx); return err }, ""},
		{"GET /api/v1/quality/touchpoints", func() error { _, err := c.Touchpoints(ctx); return err }, ""},
		{"GET /api/v1/quality/minimisation?days=30", func() error { _, err := c.Minimisation(ctx, 30); return err }, ""},
		{"POST /api/v1/quality/minimisation/stop", func() error { _, err := c.Stop(ctx, clientele.StopRequest{Event: "E"}); return err }, "event"},
		{"GET /api/v1/quality/acts?cursor=7&limit=2", func() error { _, err := c.Acts(ctx, 7, 2); return err }, ""},
		{"GET /api/v1/quarantine?dropped=true&from=2026-01-01T00%3A00%3A00.000000Z&limit=3&text=price", func() error {
			_, _, err := c.FindQuarantined(ctx, clientele.QuarantineQuery{Text: "price", Dropped: true, From: 1767225600_000_000}, 3, "")
			return err
		}, ""},
		{"POST /api/v1/quarantine/replay", func() error {
			if n, err := c.ReplayFound(ctx, clientele.QuarantineQuery{Source: "web"}); err != nil || n != 3 {
				t.Errorf("replayed %d, %v", n, err)
			}
			return nil
		}, "where"},
	} {
		if err := x.call(); err != nil || method+" "+uri != x.want {
			t.Errorf("%s %s, want %s: %v", method, uri, x.want, err)
		}
		if _, ok := body[x.body]; x.body != "" && !ok {
			t.Errorf("%s: the body is %v", x.want, body)
		}
	}
}
