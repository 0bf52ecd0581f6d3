package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/config"
)

// outcomeSays tells what came of a decision, and waits until choices know it.
func (p *program) outcomeSays(id string, o clientele.Outcome) {
	p.Helper()
	if err := p.client.DecisionOutcome(context.Background(), id, o); err != nil {
		p.Fatal(err)
	}
}

func (p *program) learnedDecisions() {
	p.Helper()
	p.settle()
	if err := p.app.LearnDecisions(context.Background()); err != nil {
		p.Fatal(err)
	}
}

// TestDecide: an action is chosen among those that are for the person, what comes of it changes later choices, and all of it is in SQL, comes back
// in a rebuild, and goes with the person.
func TestDecide(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	for i := range 6 {
		who := fmt.Sprintf(`"userId":"u%d"`, i)
		p.batch(webKey, identify(fmt.Sprint("i", i), "2026-02-27T11:00:00Z", who, fmt.Sprintf(`{"vip":%t,"consent":{"marketing":%t}}`, i < 3, i != 1)))
	}
	p.rows("erp", `{"table":"inventory","id":"s1","fields":{"sku":"HAT","available":"0","as_of":"2026-02-20T00:00:00Z"}}`, `{"table":"inventory","id":"s2","fields":{"sku":"CAP","available":"3","as_of":"2026-02-20T00:00:00Z"}}`)
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "vip", Where: clientele.RawJSON(`{"trait":"vip","op":"eq","value":true}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("vip")
	for _, a := range []clientele.Action{
		{Name: "call", Audiences: []string{"vip"}, Purpose: "marketing", Value: 50, Cost: 1, Rate: .2, Say: "Shall we?", Segments: []string{"vip"}},
		{Name: "hat", SKUs: []string{"HAT"}, Value: 500},
		{Name: "cap", SKUs: []string{"HAT", "CAP"}, Value: 9, Rate: .5, Places: []string{"shop"}, Public: true, Offer: clientele.RawJSON(`{"price":9}`)},
		{Name: "loss", Value: 1, Cost: 20},
	} {
		if _, err := p.client.SetAction(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.client.SetAction(ctx, clientele.Action{Name: "a/b", Value: 1}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("a name with a slash: %v", err)
	}
	ask := func(who, place string) *clientele.Decision {
		t.Helper()
		d, err := p.client.Decide(ctx, clientele.DecideRequest{Namespace: "user_id", Value: who, Place: place, Agent: "bob", Explain: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	why := func(d *clientele.Decision, action string) string {
		for _, l := range d.LeftOut {
			if l.Action == action {
				return l.Reason
			}
		}
		return ""
	}
	d := ask("u1", "")
	if why(d, "call") != "consent to marketing: denied" || why(d, "hat") != "none of its products is in stock" || why(d, "cap") != "it is not for this place" || d.ID == "" {
		t.Errorf("%+v", d)
	}
	if d := ask("u5", "shop"); why(d, "call") != "in none of the audiences vip" || d.Action == nil && d.RunnerUp == nil {
		t.Errorf("%+v", d)
	}
	if _, err := p.client.Decide(ctx, clientele.DecideRequest{Namespace: "user_id", Value: "nobody"}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("nobody: %v", err)
	}
	calls, sum := 0, 0.0
	for range 40 {
		d := ask("u0", "shop")
		if d.Action == nil || d.Action.Propensity <= 0 || d.Action.Propensity > 1 || len(d.Reasons) < 2 {
			t.Fatalf("%+v", d)
		}
		sum += d.Action.Propensity
		if d.Action.Name == "loss" {
			continue
		}
		if d.Action.Name == "call" {
			calls++
			if d.Segment != "vip" || d.Action.Say != "Shall we?" || d.RunnerUp == nil {
				t.Errorf("%+v", d)
			}
			p.outcomeSays(d.ID, clientele.Outcome{Outcome: "refused", Reason: "price", Agent: "bob"})
			continue
		}
		revenue := 12.5
		p.outcomeSays(d.ID, clientele.Outcome{Outcome: "offered"})
		p.outcomeSays(d.ID, clientele.Outcome{Outcome: "taken", Revenue: &revenue})
	}
	if calls < 2 {
		t.Errorf("the action that is thought to be worth most was chosen %d times of 40", calls)
	}
	for range 20 { // however often it was chosen so far
		d, err := p.client.Decide(ctx, clientele.DecideRequest{Namespace: "user_id", Value: "u0", Place: "shop", Agent: "bob", Actions: []string{"call"}})
		if err != nil {
			t.Fatal(err)
		}
		if d.Action != nil {
			calls++
			p.outcomeSays(d.ID, clientele.Outcome{Outcome: "refused", Reason: "price", Agent: "bob"})
		}
	}
	p.learnedDecisions()
	later := 0
	var took []time.Duration
	for range 40 {
		start := time.Now()
		d := ask("u0", "shop")
		if took = append(took, time.Since(start)); d.Action != nil && d.Action.Name == "call" {
			later++
		}
	}
	slices.Sort(took)
	t.Logf("a decision over HTTP took %v in the middle, %v at the most", took[len(took)/2], took[len(took)-1])
	if later > 8 {
		t.Errorf("after %d refusals it was chosen %d times", calls, later)
	}
	p.settle()
	p.tells("select count(*) from decisions where outcome = 'refused' and reason = 'price' and agent = 'bob' and action = 'call' and segment = 'vip'", fmt.Sprint(calls))
	p.tells("select count(*) > 0, min(propensity) > 0, min(cast(revenue as double)), min(cast(outcome_at >= ts as int)) from decisions where outcome = 'taken'", "true|true|12.5|1")
	p.reported(calls)
	p.planned(ctx)
	p.restored(ctx, c)
}

// reported checks what the report says.
func (p *program) reported(calls int) {
	p.Helper()
	r, err := p.client.DecisionReport(context.Background(), 30)
	if err != nil {
		p.Fatal(err)
	}
	i := slices.IndexFunc(r.Actions, func(l clientele.DecisionLine) bool { return l.Name == "call" })
	k := slices.IndexFunc(r.Actions, func(l clientele.DecisionLine) bool { return l.Name == "cap" })
	if i < 0 || k < 0 || r.Actions[i].Refused != int64(calls) || r.Actions[i].Revenue != 0 || r.Actions[k].Contact != 12.5 || r.Actions[k].Taken != r.Actions[k].Offered {
		p.Errorf("%+v", r.Actions)
	}
	if len(r.Agents) != 1 || r.Agents[0].Name != "bob" || r.Agents[0].Decisions != r.Decisions {
		p.Errorf("%+v of %d", r.Agents, r.Decisions)
	}
	at := func(policy string) float64 {
		for _, e := range r.Policies {
			if e.Policy == policy {
				return e.DR
			}
		}
		p.Fatalf("%s is not in %+v", policy, r.Policies)
		return 0
	}
	if at("always cap") <= at("always call") || at("the best on the average") < at("always call") {
		p.Errorf("%+v", r.Policies)
	}
}

// planned checks a plan of spending.
func (p *program) planned(ctx context.Context) {
	p.Helper()
	plan, err := p.client.PlanSpend(ctx, clientele.SpendRequest{Audience: "vip", Contacts: 1})
	if err != nil {
		p.Fatal(err)
	}
	if plan.People != 3 || plan.Count == 0 || plan.Count > 3 || len(plan.Curve) == 0 || plan.Curve[len(plan.Curve)-1].Spent != plan.Spent {
		p.Errorf("%+v", plan)
	}
	for _, x := range plan.Chosen {
		if x.Action == "hat" || x.Action == "loss" {
			p.Errorf("spent on %s", x.Action)
		}
	}
}

// restored rebuilds, and erases a person.
func (p *program) restored(ctx context.Context, c config.Config) {
	p.Helper()
	was := p.digests()
	actions, err := p.client.Actions(ctx)
	if err != nil || len(actions) != 4 {
		p.Fatalf("%v, %v", actions, err)
	}
	old := p.sql("select decision_id from decisions where action = 'call' order by ts limit 1")[0]
	p.stop()
	rebuild(p.T, c)
	q := run(p.T, c)
	q.settle()
	same(p.T, was, q.digests())
	if again, err := q.client.Actions(ctx); err != nil || fmt.Sprint(again) != fmt.Sprint(actions) {
		p.Errorf("actions after a rebuild: %v, %v", again, err)
	}
	q.outcomeSays(old, clientele.Outcome{Outcome: "taken"}) // a decision of an earlier run
	q.settle()
	q.tells("select outcome, reason from decisions where decision_id = '"+old+"'", "taken|price")
	if err := q.client.DecisionOutcome(ctx, "d_none", clientele.Outcome{Outcome: "taken"}); clientele.ErrorCode(err) != clientele.NotFound {
		p.Errorf("a decision that nobody made: %v", err)
	}
	n := q.sql("select count(*) from decisions where profile_id in (select profile_id from identifiers where value = 'u0')")[0]
	if n == "0" {
		p.Error("no decision is the person's")
	}
	if _, err := q.client.Erase(ctx, clientele.EraseRequest{Namespace: "user_id", Value: "u0"}); err != nil {
		p.Fatal(err)
	}
	q.settle()
	q.tells("select count(*) from decisions where decision_id = '"+old+"'", "0")
	if err := q.client.DeleteAction(ctx, "cap"); err != nil {
		p.Error(err)
	}
	if err := q.client.DeleteAction(ctx, "cap"); clientele.ErrorCode(err) != clientele.NotFound {
		p.Errorf("an action that is no more: %v", err)
	}
}

// TestPersonalize: a browser gets offers and products for its own anonymous id, and nothing else.
func TestPersonalize(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Sources[0].AllowedOrigins = []string{"https://shop.example"}
	p := run(t, c)
	p.shoppers()
	for _, a := range []clientele.Action{{Name: "banner", Value: 10, Rate: .5, Public: true, Offer: clientele.RawJSON(`{"text":"hello"}`)}, {Name: "secret", Value: 1000, Rate: .9, Say: "do not tell"}} {
		if _, err := p.client.SetAction(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.client.TrainRecommendations(ctx); err != nil {
		t.Fatal(err)
	}
	send := func(path, origin, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, p.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b.String()
	}
	const ok = "https://shop.example"
	status, body := send("/v1/personalize", ok, `{"writeKey":"`+webKey+`","anonymousId":"visitor-1","items":["tent1","tent2"]}`)
	var a clientele.PersonalizeAnswer
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != 200 || a.Action != "banner" && a.Action != "" || len(a.Products) == 0 || !strings.HasPrefix(a.Products[0].Item, "tent") || strings.Contains(body, "secret") {
		t.Errorf("%d %s", status, body)
	}
	for _, x := range []struct {
		origin, body string
		want         int
	}{
		{ok, `{"writeKey":"guess","anonymousId":"v"}`, 401},
		{ok, `{"anonymousId":"v"}`, 401},
		{"https://evil.example", `{"writeKey":"` + webKey + `","anonymousId":"v"}`, 403},
		{"", `{"writeKey":"` + webKey + `","anonymousId":"v"}`, 403},
		{ok, `{"writeKey":"` + webKey + `","anonymousId":"v","email":"ann@example.com"}`, 400},
		{ok, `{"writeKey":"` + webKey + `"}`, 400},
	} {
		if status, body := send("/v1/personalize", x.origin, x.body); status != x.want {
			t.Errorf("%s from %q: %d %s", x.body, x.origin, status, body)
		}
	}
	told := func(who, outcome string) int {
		status, _ := send("/v1/personalize/outcome", ok, fmt.Sprintf(`{"writeKey":%q,"anonymousId":%q,"decision":%q,"outcome":%q}`, webKey, who, a.Decision, outcome))
		return status
	}
	if told("visitor-2", "taken") != 404 || told("visitor-1", "loved") != 400 || told("visitor-1", "taken") != 200 {
		t.Error("outcomes of browsers")
	}
	p.settle()
	p.tells("select outcome, place from decisions where decision_id = '"+a.Decision+"'", "taken|web")
}
