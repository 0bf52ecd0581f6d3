package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

// items is a list that comes whole.
func items[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	var p page[T]
	err := c.call(ctx, request{method: http.MethodGet, path: path, query: query}, &p)
	return p.Items, err
}

// send is a call with a body that answers one thing.
func send[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	v := new(T)
	return result(v, c.call(ctx, request{method: method, path: path, body: body}, v))
}

func planPath(name string) string      { return "/api/v1/plans/" + url.PathEscape(name) }
func transformPath(name string) string { return "/api/v1/transforms/" + url.PathEscape(name) }

// Plans are the tracking plans in force.
func (c *Client) Plans(ctx context.Context) ([]clientele.PlanInForce, error) {
	return items[clientele.PlanInForce](ctx, c, "/api/v1/plans", nil)
}

// Plan is the named tracking plan.
func (c *Client) Plan(ctx context.Context, name string) (*clientele.PlanInForce, error) {
	return send[clientele.PlanInForce](ctx, c, http.MethodGet, planPath(name), nil)
}

// SetPlan brings a plan into force, in the place of one of its name.
func (c *Client) SetPlan(ctx context.Context, p clientele.Plan) (*clientele.PlanInForce, error) {
	return send[clientele.PlanInForce](ctx, c, http.MethodPut, planPath(p.Name), p)
}

// DeletePlan ends a plan.
func (c *Client) DeletePlan(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: planPath(name)}, nil)
}

// TestPlan says what a plan would find. Nothing is changed.
func (c *Client) TestPlan(ctx context.Context, p clientele.Plan, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	return send[clientele.RuleTest](ctx, c, http.MethodPost, "/api/v1/plans/test", struct {
		clientele.RuleTrial
		Plan clientele.Plan `json:"plan"`
	}{by, p})
}

// ProposePlan makes a plan of what the source has sent. It is not in force.
func (c *Client) ProposePlan(ctx context.Context, source, name string) (*clientele.Plan, error) {
	return send[clientele.Plan](ctx, c, http.MethodPost, "/api/v1/plans/propose", map[string]string{"source": source, "name": name})
}

// Transforms are the transform rules in force, in the order in which they apply.
func (c *Client) Transforms(ctx context.Context) ([]clientele.TransformInForce, error) {
	return items[clientele.TransformInForce](ctx, c, "/api/v1/transforms", nil)
}

// Transform is the named transform rule.
func (c *Client) Transform(ctx context.Context, name string) (*clientele.TransformInForce, error) {
	return send[clientele.TransformInForce](ctx, c, http.MethodGet, transformPath(name), nil)
}

// SetTransform brings a transform rule into force, in the place of one of its name.
func (c *Client) SetTransform(ctx context.Context, t clientele.TransformRule) (*clientele.TransformInForce, error) {
	return send[clientele.TransformInForce](ctx, c, http.MethodPut, transformPath(t.Name), t)
}

// DeleteTransform ends a transform rule.
func (c *Client) DeleteTransform(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: transformPath(name)}, nil)
}

// TestTransform says what a rule would change, before and after. Nothing is changed.
func (c *Client) TestTransform(ctx context.Context, t clientele.TransformRule, by clientele.RuleTrial) (*clientele.RuleTest, error) {
	return send[clientele.RuleTest](ctx, c, http.MethodPost, "/api/v1/transforms/test", struct {
		clientele.RuleTrial
		Rule clientele.TransformRule `json:"rule"`
	}{by, t})
}

func eventFilter(source, event string) url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"source": source, "event": event} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// Violations are how often events have broken plans, of one source and event where they are given.
func (c *Client) Violations(ctx context.Context, source, event string) ([]clientele.Violation, error) {
	return items[clientele.Violation](ctx, c, "/api/v1/quality/violations", eventFilter(source, event))
}

// Properties are what events hold; changed leaves out what is as it was.
func (c *Client) Properties(ctx context.Context, source, event string, changed bool) ([]clientele.PropertySeen, error) {
	path := "/api/v1/quality/properties"
	if changed {
		path = "/api/v1/quality/drift"
	}
	return items[clientele.PropertySeen](ctx, c, path, eventFilter(source, event))
}

// Volumes compares the last hours with the same hours of the last four weeks.
func (c *Client) Volumes(ctx context.Context, hours int) ([]clientele.EventVolume, error) {
	return items[clientele.EventVolume](ctx, c, "/api/v1/quality/volumes", url.Values{"hours": {strconv.Itoa(hours)}})
}

// Freshness says when each source was last heard of.
func (c *Client) Freshness(ctx context.Context) ([]clientele.Freshness, error) {
	return items[clientele.Freshness](ctx, c, "/api/v1/quality/freshness", nil)
}

// Touchpoints is where people were met.
func (c *Client) Touchpoints(ctx context.Context) (*clientele.TouchpointMap, error) {
	return send[clientele.TouchpointMap](ctx, c, http.MethodGet, "/api/v1/quality/touchpoints", nil)
}

// Minimisation is what came in the last days and nothing has read in them.
func (c *Client) Minimisation(ctx context.Context, days int) (*clientele.Minimisation, error) {
	var m clientele.Minimisation
	return result(&m, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/quality/minimisation", query: url.Values{"days": {strconv.Itoa(days)}}}, &m))
}

// Stop takes an event, or a property of it, out from now on.
func (c *Client) Stop(ctx context.Context, what clientele.StopRequest) (*clientele.TransformInForce, error) {
	return send[clientele.TransformInForce](ctx, c, http.MethodPost, "/api/v1/quality/minimisation/stop", what)
}

// Acts are what operators did for the quality of data, the newest first: from below before on, 0 = from the newest.
func (c *Client) Acts(ctx context.Context, before clientele.Position, limit int) ([]clientele.QualityAct, error) {
	q := paging(limit, "")
	if before > 0 {
		q.Set("cursor", strconv.FormatUint(uint64(before), 10))
	}
	return items[clientele.QualityAct](ctx, c, "/api/v1/quality/acts", q)
}

// FindQuarantined lists the records that the query asks for, the newest first. A page may be short
// and still have a next one.
func (c *Client) FindQuarantined(ctx context.Context, f clientele.QuarantineQuery, limit int, cursor string) (found []clientele.Quarantined, next string, err error) {
	q := paging(limit, cursor)
	for name, v := range map[string]string{"source": f.Source, "code": f.Code, "text": f.Text, "from": f.From.String(), "to": f.To.String()} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.Dropped {
		q.Set("dropped", "true")
	}
	var p page[clientele.Quarantined]
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/quarantine", query: q}, &p)
	return p.Items, p.Next, err
}

// ReplayFound tries again the records that the query asks for, and says how many were accepted.
func (c *Client) ReplayFound(ctx context.Context, f clientele.QuarantineQuery) (int, error) {
	var r struct {
		Replayed int `json:"replayed"`
	}
	err := c.call(ctx, request{method: http.MethodPost, path: "/api/v1/quarantine/replay", body: map[string]any{"where": f}}, &r)
	return r.Replayed, err
}
