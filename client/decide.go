package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele"
)

func actionPath(name string) string { return "/api/v1/actions/" + url.PathEscape(name) }

// Actions are those that can be chosen.
func (c *Client) Actions(ctx context.Context) ([]clientele.Action, error) {
	return items[clientele.Action](ctx, c, "/api/v1/actions", nil)
}

// SetAction makes or changes an action.
func (c *Client) SetAction(ctx context.Context, a clientele.Action) (*clientele.Action, error) {
	return send[clientele.Action](ctx, c, http.MethodPut, actionPath(a.Name), a)
}

// DeleteAction ends it.
func (c *Client) DeleteAction(ctx context.Context, name string) error {
	return c.call(ctx, request{method: http.MethodDelete, path: actionPath(name)}, nil)
}

// Decide answers what to do for a person.
func (c *Client) Decide(ctx context.Context, req clientele.DecideRequest) (*clientele.Decision, error) {
	return send[clientele.Decision](ctx, c, http.MethodPost, "/api/v1/decide", req)
}

// DecisionOutcome tells what came of a decision.
func (c *Client) DecisionOutcome(ctx context.Context, id string, o clientele.Outcome) error {
	return c.call(ctx, request{method: http.MethodPost, path: "/api/v1/decide/" + url.PathEscape(id) + "/outcome", body: o}, nil)
}

// DecisionReport is what came of the decisions of the last days.
func (c *Client) DecisionReport(ctx context.Context, days int) (*clientele.DecisionReport, error) {
	v := &clientele.DecisionReport{}
	return result(v, c.call(ctx, request{method: http.MethodGet, path: "/api/v1/decide/report", query: url.Values{"days": {strconv.Itoa(days)}}}, v))
}

// PlanSpend is how to spend a budget on the people of an audience.
func (c *Client) PlanSpend(ctx context.Context, req clientele.SpendRequest) (*clientele.SpendPlan, error) {
	return send[clientele.SpendPlan](ctx, c, http.MethodPost, "/api/v1/decide/plan", req)
}
