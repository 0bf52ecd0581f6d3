package app_test

import (
	"context"
	"fmt"
	"testing"

	"clientele"
	"clientele/client"
	"clientele/internal/app"
	"clientele/internal/token"
)

// Questions, dashboards and goals are kept by the log, answered now, and read by those they are shared with alone.
func TestSaved(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Currency.Base = "USD"
	p := run(t, c)
	for i := range 4 {
		who := fmt.Sprintf(`"userId":"u%d"`, i)
		p.batch(webKey, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", who, fmt.Sprintf(`{"vip":%t}`, i == 3)),
			track(fmt.Sprint("o", i), "Order Completed", "2026-02-28T12:00:00Z", who, fmt.Sprintf(`{"order_id":"O%d","revenue":%d,"currency":"USD"}`, i, 10*(i+1))))
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "vip", Where: clientele.RawJSON(`{"trait":"vip","op":"eq","value":true}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("vip")
	if err := p.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	save := func(c *client.Client, s clientele.Saved) error {
		_, err := c.Save(ctx, s)
		return err
	}
	metric := func(m string) *clientele.Question {
		return &clientele.Question{Kind: "metric", Measures: []string{m}}
	}
	for _, s := range []clientele.Saved{
		{Kind: clientele.SavedQuestion, Name: "sales", Question: metric("revenue"), Shared: []string{clientele.Everyone}},
		{Kind: clientele.SavedQuestion, Name: "people", Question: metric("customers")},
		{Kind: clientele.SavedDashboard, Name: "morning", Questions: []string{"sales", "people"}, Shared: []string{"ann"}},
		{Kind: clientele.SavedGoal, Name: "spring", Goal: &clientele.Goal{Measure: "revenue", Target: 200, Last: "30d", Audiences: []string{"vip"}}},
		{Kind: clientele.SavedGoal, Name: "basket", Goal: &clientele.Goal{Measure: "average_order", Target: 50, AtMost: true, Audience: "vip"}},
	} {
		if err := save(p.client, s); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
	for _, s := range []clientele.Saved{
		{Kind: clientele.SavedQuestion, Name: "wrong", Question: metric("revenues")},
		{Kind: clientele.SavedDashboard, Name: "wrong", Questions: []string{"none"}},
		{Kind: clientele.SavedGoal, Name: "wrong", Question: metric("revenue")},
		{Kind: clientele.SavedGoal, Name: "wrong", Goal: &clientele.Goal{Measure: "nothing", Target: 1}},
	} {
		if err := save(p.client, s); clientele.ErrorCode(err) != clientele.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
	progress := func(name string) string {
		a, err := p.client.AnswerSaved(ctx, clientele.SavedGoal, name)
		if err != nil {
			t.Fatal(err)
		}
		g := a.Progress
		s := fmt.Sprint(*g.Value, " of ", g.Target, " ", *g.Percent, " ", g.Reached, " ", g.Unit)
		for _, x := range g.Parts {
			s += fmt.Sprint(", ", x.Audience, " ", *x.Value)
		}
		return s
	}
	if got := progress("spring") + "; " + progress("basket"); got != "100 of 200 50 false USD, vip 40; 40 of 50 80 true USD" {
		t.Errorf("goals are at %s", got)
	}
	secret := func(name string, s token.Scope) *client.Client {
		secret, _, err := p.app.Tokens().CreateToken(ctx, name, []token.Scope{token.Read, s})
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.New(p.url, secret)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ann, bob := secret("ann", token.Write), secret("bob", token.Write)
	names := func(c *client.Client) (out string) {
		list, err := c.SavedAll(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			out += s.Name + " "
		}
		return out
	}
	if got := names(ann) + "| " + names(bob); got != "morning sales | sales " {
		t.Errorf("ann and bob read %s", got)
	}
	a, err := ann.AnswerSaved(ctx, clientele.SavedDashboard, "morning")
	if err != nil || len(a.Answers) != 2 || fmt.Sprint(a.Answers[0].Answer.Rows, a.Answers[1].Answer.Rows) != "[[100]] [[4]]" {
		t.Errorf("the dashboard is %+v, %v", a, err)
	}
	if _, err := bob.AnswerSaved(ctx, clientele.SavedDashboard, "morning"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("bob reads a dashboard that is not for him: %v", err)
	}
	if err := save(bob, clientele.Saved{Kind: clientele.SavedQuestion, Name: "sales", Question: metric("customers")}); clientele.ErrorCode(err) != clientele.Denied {
		t.Errorf("bob changes what another has made: %v", err)
	}
	p.stop()
	if err := app.Rebuild(ctx, c, options(), nil); err != nil {
		t.Fatal(err)
	}
	q := run(t, c)
	if err := q.app.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if err := q.client.DeleteSaved(ctx, clientele.SavedQuestion, "people"); err != nil {
		t.Fatal(err)
	}
	list, err := q.client.SavedAll(ctx, "")
	if err != nil || len(list) != 4 || list[0].Name != "morning" || list[0].Shared[0] != "ann" {
		t.Errorf("after a rebuild there are %+v, %v", list, err)
	}
	if a, err := q.client.AnswerSaved(ctx, clientele.SavedDashboard, "morning"); err != nil || a.Answers[0].Error != "" || a.Answers[1].Error == "" {
		t.Errorf("a dashboard without a question of it is %+v, %v", a, err)
	}
}
