package app

import (
	"context"

	"clientele"
	"clientele/internal/collect"
)

var _ collect.Personal = (*App)(nil)

// webPlace is where browsers ask.
const webPlace = "web"

// Personalize decides for a visitor, among public actions, and picks products. What it answers says nothing of the person.
func (a *App) Personalize(ctx context.Context, req clientele.PersonalizeRequest) (*clientele.PersonalizeAnswer, error) {
	visitor := clientele.Identifier{Namespace: "anonymous_id", Value: req.AnonymousID}
	out := &clientele.PersonalizeAnswer{Products: []clientele.PersonalProduct{}}
	d, err := a.decide(ctx, visitor, clientele.DecideRequest{Namespace: "anonymous_id", Value: req.AnonymousID, Place: webPlace, Items: req.Items}, true)
	if err != nil {
		return nil, err
	}
	out.Decision = d.ID
	if x := d.Action; x != nil {
		out.Action, out.Offer = x.Name, x.Offer
		if x.Product != nil {
			out.Product = &clientele.PersonalProduct{Item: x.Product.Item, Name: x.Product.Name}
		}
	}
	if req.Limit == 0 {
		req.Limit = 4
	}
	r, err := a.RecommendSession(ctx, req.Items, clientele.RecommendQuery{Limit: req.Limit})
	if clientele.ErrorCode(err) == clientele.Unavailable {
		return out, nil // no products yet
	}
	if err != nil {
		return nil, err
	}
	for _, p := range r.New {
		out.Products = append(out.Products, clientele.PersonalProduct{Item: p.Item, Name: p.Name})
	}
	return out, nil
}

// PersonalizeOutcome takes down what a visitor did with an offer that was made to the same visitor.
func (a *App) PersonalizeOutcome(ctx context.Context, req clientele.PersonalizeOutcome) error {
	switch req.Outcome {
	case "offered", "taken", "refused":
	default:
		return clientele.Errorf(clientele.Invalid, "there is no outcome %q", req.Outcome[:min(len(req.Outcome), 32)]).WithHint("offered, taken or refused")
	}
	m, err := a.madeBefore(req.Decision)
	if err != nil {
		return err
	}
	if m.place != webPlace || m.person != (clientele.Identifier{Namespace: "anonymous_id", Value: req.AnonymousID}) {
		return clientele.Errorf(clientele.NotFound, "there is no decision of that id")
	}
	return a.outcome(ctx, req.Decision, m, clientele.Outcome{Outcome: req.Outcome})
}
