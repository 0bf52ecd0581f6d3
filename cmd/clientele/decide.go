package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

// decideBackend is what the commands about actions and decisions work with.
type decideBackend interface {
	Actions(ctx context.Context) ([]clientele.Action, error)
	SetAction(ctx context.Context, a clientele.Action) (*clientele.Action, error)
	DeleteAction(ctx context.Context, name string) error
	Decide(ctx context.Context, req clientele.DecideRequest) (*clientele.Decision, error)
	DecisionOutcome(ctx context.Context, id string, o clientele.Outcome) error
	DecisionReport(ctx context.Context, days int) (*clientele.DecisionReport, error)
	PlanSpend(ctx context.Context, req clientele.SpendRequest) (*clientele.SpendPlan, error)
}

func (p *platform) Actions(ctx context.Context) ([]clientele.Action, error) {
	return p.app.Actions(ctx)
}

func (p *platform) SetAction(ctx context.Context, a clientele.Action) (*clientele.Action, error) {
	v, err := p.app.SetAction(ctx, operator, a)
	return v, p.acted("set-action", a.Name, err)
}

func (p *platform) DeleteAction(ctx context.Context, name string) error {
	return p.acted("delete-action", name, p.app.DeleteAction(ctx, operator, name))
}

func (p *platform) Decide(ctx context.Context, req clientele.DecideRequest) (*clientele.Decision, error) {
	if err := p.app.LearnDecisions(ctx); err != nil {
		return nil, err
	}
	v, err := p.app.Decide(ctx, req)
	return v, p.acted("decide", p.about(clientele.Identifier{Namespace: clientele.Namespace(req.Namespace), Value: req.Value}), err)
}

func (p *platform) DecisionOutcome(ctx context.Context, id string, o clientele.Outcome) error {
	return p.acted("decision-outcome", "", p.app.DecisionOutcome(ctx, id, o))
}

func (p *platform) DecisionReport(ctx context.Context, days int) (*clientele.DecisionReport, error) {
	if err := p.app.LearnDecisions(ctx); err != nil {
		return nil, err
	}
	return p.app.DecisionReport(ctx, days)
}

func (p *platform) PlanSpend(ctx context.Context, req clientele.SpendRequest) (*clientele.SpendPlan, error) {
	if err := p.app.LearnDecisions(ctx); err != nil {
		return nil, err
	}
	return p.app.PlanSpend(ctx, req)
}

func (c *cli) actionCommand() *cobra.Command {
	list := listCommand(c, "action", "List the actions that can be chosen", backend.Actions,
		[]string{"name", "value", "cost", "audiences", "places", "consent", "description", ""},
		func(a clientele.Action) []string {
			off := ""
			if a.Off {
				off = "off"
			}
			return []string{a.Name, fmt.Sprint(a.Value), fmt.Sprint(a.Cost), strings.Join(a.Audiences, ", "), strings.Join(a.Places, ", "),
				strings.Trim(a.Purpose+"/"+a.Channel, "/"), a.Description, off}
		})
	put := c.talks(c.command("put FILE | -", "Make or change an action", "action put offer.json", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		text, err := c.readFile(args[0])
		if err != nil {
			return err
		}
		var a clientele.Action
		if err := json.Unmarshal(text, &a); err != nil {
			return clientele.Errorf(clientele.Invalid, "action: %w", err).WithHint(`write {"name":"...","value":30,"cost":2}`)
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			v, err := b.SetAction(ctx, a)
			if err == nil {
				c.printf("action %s can be chosen\n", printable(v.Name))
			}
			return err
		})
	}))
	end := deleteCommand(c, "action", "action", "End an action; what came of it stays", "voucher", backend.DeleteAction)
	return c.group("action", "What can be done for people: offers, calls, services", list, put, end)
}

func (c *cli) decisionCommand() *cobra.Command {
	return c.group("decide", "What to do for a person, what came of it, and where money brings most", c.decideForCommand(), c.decideOutcomeCommand(), c.decideReportCommand(), c.decidePlanCommand())
}

func (c *cli) decideForCommand() *cobra.Command {
	var req clientele.DecideRequest
	var asJSON bool
	cmd := c.talks(c.command("for NAMESPACE:VALUE", "Choose an action for a person", "decide for email:ann@example.com --place call_centre --agent bob --explain", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			id, err := identifier(ctx, b, args[0])
			if err != nil {
				return err
			}
			req.Namespace, req.Value = string(id.Namespace), id.Value
			d, err := b.Decide(ctx, req)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.out, d)
			}
			c.printf("decision %s\n", d.ID)
			t := rows("", "action", "chance", "expected", "propensity", "say")
			for _, x := range []struct {
				name string
				*clientele.DecidedAction
			}{{"do", d.Action}, {"else", d.RunnerUp}} {
				if x.DecidedAction != nil {
					t.add(x.name, x.Name, fmt.Sprintf("%.1f %%", 100*x.Chance), fmt.Sprintf("%.2f", x.Expected), fmt.Sprintf("%.3f", x.Propensity), x.Say)
				}
			}
			if err := c.sheet(t); err != nil {
				return err
			}
			for _, r := range d.Reasons {
				c.printf("- %s\n", printable(r))
			}
			for _, l := range d.LeftOut {
				c.printf("not %s: %s\n", printable(l.Action), printable(l.Reason))
			}
			return nil
		})
	}))
	cmd.Flags().StringVar(&req.Place, "place", "", "where it is asked: call_centre, point_of_sale, web, ...")
	cmd.Flags().StringVar(&req.Agent, "agent", "", "who asks")
	cmd.Flags().StringSliceVar(&req.Actions, "only", nil, "choose among these `ACTIONS`")
	cmd.Flags().StringSliceVar(&req.Items, "items", nil, "`SKUS` that the person looks at now, the last one last")
	cmd.Flags().BoolVar(&req.Explain, "explain", false, "say of each other action why it is not for the person")
	return jsonFlag(cmd, &asJSON)
}

func (c *cli) decideOutcomeCommand() *cobra.Command {
	var o clientele.Outcome
	var revenue string
	cmd := c.talks(c.command("outcome DECISION offered|taken|refused", "Tell what came of a decision", "decide outcome d_ab12 refused --reason price --agent bob", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		o.Outcome = args[1]
		if o.Outcome != "offered" && o.Outcome != "taken" && o.Outcome != "refused" {
			return usagef("offered, taken or refused", "there is no outcome %q", args[1])
		}
		if revenue != "" {
			v, err := strconv.ParseFloat(revenue, 64)
			if err != nil {
				return usagef("a number, as 49.90", "--revenue %q", revenue)
			}
			o.Revenue = &v
		}
		return c.with(ctx, func(ctx context.Context, b backend) error { return b.DecisionOutcome(ctx, args[0], o) })
	}))
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, in words")
	cmd.Flags().StringVar(&o.Agent, "agent", "", "who offered it")
	cmd.Flags().StringVar(&revenue, "revenue", "", "that it brought; the action's value when absent and taken")
	return cmd
}

func (c *cli) decideReportCommand() *cobra.Command {
	var days int
	var asJSON bool
	cmd := c.talks(c.command("report", "What came of decisions, and what other policies would have brought", "decide report --days 30", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			r, err := b.DecisionReport(ctx, days)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.out, r)
			}
			t := numbers(rows("", "decisions", "contacts", "taken", "refused", "revenue", "revenue per contact"))
			for _, part := range []struct {
				name  string
				lines []clientele.DecisionLine
			}{{"action ", r.Actions}, {"agent ", r.Agents}} {
				for _, l := range part.lines {
					name := part.name + l.Name
					if l.Name == "" {
						name = "nothing"
					}
					t.add(name, thousands(l.Decisions), thousands(l.Offered), thousands(l.Taken), thousands(l.Refused), fmt.Sprintf("%.2f", l.Revenue), fmt.Sprintf("%.2f", l.Contact))
				}
			}
			if err := c.sheet(t); err != nil || len(r.Policies) == 0 {
				return err
			}
			c.printf("\nA decision would have brought, costs taken off:\n")
			t = numbers(rows("policy", "by weights", "error", "doubly robust", "error", "rests on"))
			for _, p := range r.Policies {
				t.add(p.Policy, fmt.Sprintf("%.3f", p.IPS), fmt.Sprintf("%.3f", p.Error), fmt.Sprintf("%.3f", p.DR), fmt.Sprintf("%.3f", p.DRErr), fmt.Sprintf("%.0f %%", p.Match))
			}
			return c.sheet(t)
		})
	}))
	cmd.Flags().IntVar(&days, "days", 90, "of the last `N` days")
	return jsonFlag(cmd, &asJSON)
}

func (c *cli) decidePlanCommand() *cobra.Command {
	var req clientele.SpendRequest
	var capacity map[string]string
	var asJSON bool
	cmd := c.talks(c.command("plan --audience NAME", "How to spend a budget on the people of an audience, the best money first", "decide plan --audience lapsed --budget 500 --capacity phone=40", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if req.Audience == "" {
			return usagef("clientele decide plan --audience lapsed --budget 500", "--audience is missing")
		}
		req.Capacity = map[string]float64{}
		for channel, text := range capacity {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || n < 0 {
				return usagef("as phone=40", "--capacity %s=%s", channel, text)
			}
			req.Capacity[channel] = n
		}
		return c.with(ctx, func(ctx context.Context, b backend) error {
			p, err := b.PlanSpend(ctx, req)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.out, p)
			}
			c.printf("%s people, %s offers for them: %s chosen, %.2f spent for a margin of %.2f\n", thousands(int64(p.People)), thousands(int64(p.Offers)), thousands(int64(p.Count)), p.Spent, p.Margin)
			c.printf("the last unit of money brought %.2f, one more would bring %.2f\n", p.Last, p.Next)
			for what, of := range map[string]map[string]float64{"unit of SKU": p.MoreStock, "contact by": p.MoreCapacity} {
				for k, v := range of {
					c.printf("one more %s %s would bring %.2f\n", what, printable(k), v)
				}
			}
			t := numbers(rows("profile", "action", "channel", "margin", "cost", "margin per unit"))
			for _, x := range p.Chosen[:min(len(p.Chosen), 20)] {
				t.add(x.Profile.String(), x.Action, x.Channel, fmt.Sprintf("%.2f", x.Margin), fmt.Sprintf("%.2f", x.Cost), fmt.Sprintf("%.2f", x.Ratio))
			}
			return c.sheet(t)
		})
	}))
	cmd.Flags().StringVar(&req.Audience, "audience", "", "`NAME` of the audience")
	cmd.Flags().StringSliceVar(&req.Actions, "only", nil, "these `ACTIONS` alone")
	cmd.Flags().Float64Var(&req.Budget, "budget", 0, "in money; 0: until a unit brings less than --threshold")
	cmd.Flags().Float64Var(&req.Threshold, "threshold", 1, "margin that a unit of money has to bring")
	cmd.Flags().StringToStringVar(&capacity, "capacity", nil, "contacts by `CHANNEL=N`")
	cmd.Flags().IntVar(&req.Contacts, "contacts", 1, "of one person at most")
	cmd.Flags().IntVar(&req.Limit, "limit", 1000, "how many of the chosen are listed in JSON")
	return jsonFlag(cmd, &asJSON)
}
