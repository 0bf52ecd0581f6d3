package app

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/predict/decide"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// mostEvaluated is how many decisions an estimate looks at, the latest.
const mostEvaluated = 500_000

// DecisionReport says what came of the decisions of the last days, and what other policies would have brought.
func (a *App) DecisionReport(ctx context.Context, days int) (*clientele.DecisionReport, error) {
	if err := a.applied.reach(ctx, a.committed.get()); err != nil {
		return nil, err
	}
	since := a.o.Now().Add(-time.Duration(days) * 24 * time.Hour).UTC()
	r := &clientele.DecisionReport{Days: days, Policies: []clientele.PolicyEstimate{}, Learned: map[string]float64{}}
	var err error
	if r.Actions, err = a.decisionLines(ctx, "action", since); err != nil {
		return nil, err
	}
	if r.Agents, err = a.decisionLines(ctx, "agent", since); err != nil {
		return nil, err
	}
	for _, l := range r.Actions {
		r.Decisions += l.Decisions
	}
	logs, err := a.loggedDecisions(ctx, since)
	if err != nil {
		return nil, err
	}
	policies := []decide.Policy{{Name: "as it was chosen", Of: func(l *decide.Logged) map[string]float64 { return l.Options }}, decide.Uniform(), decide.Greedy(logs)}
	for _, l := range r.Actions {
		if l.Name != "" && len(policies) < 23 {
			policies = append(policies, decide.Always(l.Name))
		}
	}
	for _, p := range policies {
		if len(logs) == 0 {
			break
		}
		e := decide.Evaluate(logs, p)
		r.Policies = append(r.Policies, clientele.PolicyEstimate{Policy: e.Policy, IPS: e.IPS, Error: e.Error, DR: e.DR, DRErr: e.DRErr, Match: e.Match})
	}
	if t := a.decides.tallies.Load(); t != nil {
		for name, x := range t.all {
			r.Learned[name] = x.Taken / max(1, x.Taken+x.Not)
		}
	}
	return r, nil
}

// decisionLines counts by action or agent. The column is one of ours.
func (a *App) decisionLines(ctx context.Context, column string, since time.Time) ([]clientele.DecisionLine, error) {
	res, err := a.columns.Query(ctx, `select coalesce(`+column+`, ''), count(*), count(outcome), count(*) filter (where outcome = 'taken'), count(*) filter (where outcome = 'refused'),
		cast(coalesce(sum(case when outcome is not null then coalesce(revenue, case when outcome = 'taken' then value end) end), 0) as double),
		cast(coalesce(sum(case when outcome is not null then cost end), 0) as double)
		from decisions where ts >= $1 group by 1 order by 1`, []any{since}, duckstore.Limits{})
	if err != nil {
		return nil, err
	}
	out := []clientele.DecisionLine{}
	for _, row := range res.Rows {
		name, _ := row[0].(string)
		l := clientele.DecisionLine{Name: name, Decisions: int64(amountOf(row[1])), Offered: int64(amountOf(row[2])), Taken: int64(amountOf(row[3])), Refused: int64(amountOf(row[4])), Revenue: amountOf(row[5]), Cost: amountOf(row[6])}
		l.Contact = l.Revenue / float64(max(1, l.Offered))
		if column != "agent" || name != "" {
			out = append(out, l)
		}
	}
	return out, nil
}

// loggedDecisions are those with an outcome and propensities, and those that offered nothing.
func (a *App) loggedDecisions(ctx context.Context, since time.Time) ([]decide.Logged, error) {
	var logs []decide.Logged
	_, err := a.columns.Stream(ctx, `select coalesce(action, ''), coalesce(segment, ''), propensity, options, cast(coalesce(revenue, case when outcome = 'taken' then value end, 0) as double) - cast(coalesce(cost, 0) as double)
		from decisions where ts >= $1 and propensity > 0 and options is not null and (outcome is not null or action is null) order by ts desc, decision_id`, []any{since}, duckstore.Limits{Rows: mostEvaluated, Bytes: -1, Time: time.Minute},
		func([]clientele.QueryColumn) error { return nil }, func(row []any) error {
			l := decide.Logged{Propensity: amountOf(row[2])}
			l.Action, _ = row[0].(string)
			l.Segment, _ = row[1].(string)
			if l.Reward = amountOf(row[4]); l.Action == decide.Nothing {
				l.Reward = 0
			}
			text, _ := row[3].(string)
			if json.NewDecoder(strings.NewReader(text)).Decode(&l.Options) == nil && len(l.Options) > 0 {
				logs = append(logs, l)
			}
			return nil
		})
	return logs, err
}

// mostSpendPeople bounds how many people of an audience a plan looks at.
const mostSpendPeople = 200_000

// PlanSpend chooses whom of an audience to do what for: what brings most for each unit of money first. What an action brings is its
// person's chance x its value, as decisions think of it.
func (a *App) PlanSpend(ctx context.Context, req clientele.SpendRequest) (*clientele.SpendPlan, error) {
	actions, err := resolve.ListActions(a.rows)
	if err != nil {
		return nil, err
	}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	plan := &clientele.SpendPlan{Chosen: []clientele.SpendLine{}, Curve: []clientele.SpendPoint{}}
	stock := map[string]float64{}
	var offers []decide.Offer
	cursor := ""
	for plan.People < mostSpendPeople {
		members, next, err := a.AudienceMembers(ctx, req.Audience, 1000, cursor)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			plan.People++
			if offers, err = a.offersTo(ctx, v, m.Profile, actions, req.Actions, offers, stock); err != nil {
				return nil, err
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	plan.Offers = len(offers)
	if req.Threshold == 0 {
		req.Threshold = 1
	}
	p := decide.Spend(offers, decide.Limits{Budget: req.Budget, Threshold: req.Threshold, Stock: stock, Capacity: req.Capacity, Contacts: req.Contacts})
	plan.Count, plan.Spent, plan.Margin, plan.Last, plan.Next, plan.MoreStock, plan.MoreCapacity = len(p.Chosen), p.Spent, p.Margin, finite(p.Last), finite(p.Next), p.MoreStock, p.MoreCapacity
	limit := req.Limit
	if limit == 0 {
		limit = 1000
	}
	for i, c := range p.Chosen {
		if i < limit {
			id, err := clientele.ParseProfileID(c.Person)
			if err != nil {
				return nil, err
			}
			plan.Chosen = append(plan.Chosen, clientele.SpendLine{Profile: id, Action: c.Action, Channel: c.Channel, SKU: c.SKU, Margin: c.Margin, Cost: c.Cost, Ratio: finite(c.Ratio)})
		}
		if every := max(1, len(p.Chosen)/100); i%every == every-1 || i == len(p.Chosen)-1 {
			plan.Curve = append(plan.Curve, clientele.SpendPoint{Spent: c.Spent, Margin: c.Brings, Ratio: finite(c.Ratio)})
		}
	}
	return plan, nil
}

// finite is the number, cut to what JSON and people can read: what costs nothing brings without bound.
func finite(x float64) float64 { return math.Min(x, 1e9) }

// offersTo adds what may be done for a person.
func (a *App) offersTo(ctx context.Context, v *view, p clientele.ProfileID, actions []clientele.Action, only []string, offers []decide.Offer, stock map[string]float64) ([]decide.Offer, error) {
	c, err := a.consider(v, p, nil)
	if err != nil {
		return nil, err
	}
	for i := range actions {
		x := &actions[i]
		if len(only) > 0 && !slices.Contains(only, x.Name) {
			continue
		}
		place := ""
		if len(x.Places) > 0 {
			place = x.Places[0]
		}
		o, _, err := c.fit(ctx, x, place)
		if err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		if o.sku != "" {
			n, err := resolve.Available(v, o.sku)
			if err != nil {
				return nil, err
			}
			if n != nil {
				stock[o.sku] = *n
			}
		}
		chance := o.candidate.Chance()
		offers = append(offers, decide.Offer{Person: p.String(), Action: x.Name, Channel: x.Channel, SKU: o.sku, Margin: chance * x.Value, Cost: x.Cost})
	}
	return offers, nil
}
