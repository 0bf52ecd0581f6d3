package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
)

// experimented tells of n people, every other of whom ordered lately when they saw an arm of an experiment; the e-mail makes these order again, and nobody
// else. 100 more ordered lately and 100 long ago, and saw nothing.
func (p *program) experimented(n int) {
	p.Helper()
	rnd := rand.New(rand.NewPCG(8, 1))
	var rows, events []string
	order := func(user string, at time.Time) {
		k := len(rows)
		rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"O%d","ts":%q,"revenue":"%d"}}`, k, user, k, at.Format(time.RFC3339), 30+k%17))
	}
	saw := func(user, arm string, at time.Time) {
		events = append(events, track(fmt.Sprintf("x%d", len(events)), clientele.ExperimentViewed, at.Format(time.RFC3339), fmt.Sprintf(`"userId":%q`, user),
			fmt.Sprintf(`{"experiment_id":"e1","experiment_name":"spring","variation_id":"v%d","variation_name":%q}`, len(arm), arm)))
	}
	begin := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	day := func(d float64) time.Duration { return time.Duration(d * 24 * float64(time.Hour)) }
	for i := range n {
		user, at := fmt.Sprintf("u%d", i), begin.Add(day(float64(i%20)))
		arm, chance := "Control", 0.2
		if rnd.IntN(2) == 0 {
			arm = "E-mail"
		}
		if i%2 == 0 {
			order(user, at.Add(-day(3+10*rnd.Float64())))
			if arm == "E-mail" {
				chance = 0.65
			}
		} else {
			order(user, at.Add(-day(90+90*rnd.Float64())))
		}
		saw(user, arm, at)
		if rnd.Float64() < chance {
			order(user, at.Add(day(1+20*rnd.Float64())))
		}
	}
	saw("u7", "E-mail", begin.Add(day(30)))
	saw("u7", "Control", begin.Add(day(31)))
	saw("u9", "Control", begin.Add(-day(1)))
	saw("u9", "E-mail", begin)
	saw("late", "Control", begin.Add(day(50)))
	for i := range 100 {
		order(fmt.Sprintf("lately%d", i), begin.Add(day(46)))
		order(fmt.Sprintf("long%d", i), begin.Add(-day(100)))
	}
	for some := range slices.Chunk(rows, 2000) {
		p.rows("crm", some...)
	}
	for some := range slices.Chunk(events, 1000) {
		p.batch(serverKey, some...)
	}
	p.settle()
}

// Whom an e-mail helps is learned from who saw which arm of an experiment: the report tells what it did and whether choosing pays, everybody is scored, an
// audience of those whom it helps is followed, and an order changes who is in it.
func TestModelOfUplift(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	m := clientele.Model{Name: "mail", Kind: clientele.ModelUplift, Experiment: "e1", Control: "v7", Horizon: "30d"}
	if _, err := p.client.SetModel(ctx, m); err != nil {
		t.Fatal(err)
	}
	if got := p.trained("mail"); got.Trained.State != clientele.VersionRefused || !strings.Contains(got.Trained.Why, "nobody has seen the experiment e1") {
		t.Fatalf("without an experiment: %+v", got.Trained)
	}
	p.experimented(2600)
	got := p.trained("mail")
	if got.Promoted != got.Trained.Version || got.Trouble != "" || got.Trained.Metrics["qini_low"] <= 0 || got.Trained.Customers != 2598 {
		t.Fatalf("%+v %s", got.Trained, got.Trouble)
	}
	r, err := p.client.ModelReport(ctx, "mail", 0)
	if err != nil || r.Uplift == nil || !r.Uplift.Benefit || r.Uplift.Both != 2 || r.Uplift.Early != 1 || r.Uplift.Arms[0].Name != "E-mail" || !r.Uplift.Arms[0].Treated || len(r.Uplift.Groups) != 10 || r.Uplift.Groups[0].Low == nil {
		t.Fatalf("%+v %v", r, err)
	}
	p.tells("select count(*) = (select count(*) from profiles), min(mail_low <= mail_effect and mail_effect <= mail_high), max(mail_percentile), count(distinct mail_advice) > 1 from profiles where mail_effect is not null", "true|true|100|true")
	const members = `with lately as (select distinct profile_id, value like 'lately%' as lately from identifiers where value like 'lately%' or value like 'long%')
		select count(*) filter (where lately) >= 95, count(*) filter (where not lately) <= 5 from lately join audience_members a using (profile_id) where a.audience = 'helped' and a.exited_at is null`
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "helped", Where: clientele.RawJSON(`{"and":[{"trait":"predictions.mail.effect","op":"gt","value":0.1},{"trait":"predictions.mail.advice","op":"eq","value":"contact"}]}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("helped")
	p.settle()
	p.tells(members, "true|true")
	if p.prediction("long7", "mail", "advice") == "contact" || slices.Contains(p.profile("user_id", "long7").Audiences, "helped") {
		t.Errorf("who ordered long ago is helped: %s", p.prediction("long7", "mail", "effect"))
	}
	p.rows("crm", `{"table":"orders","id":"n","ids":[{"ns":"user_id","v":"long7"}],"fields":{"order_id":"N","ts":"2026-02-22T08:00:00Z","revenue":"44"}}`)
	eventually(t, "who has just ordered is helped", func() bool { return slices.Contains(p.profile("user_id", "long7").Audiences, "helped") })

	// The names of the arms do not fit: it says so, and what is promoted stays.
	m.Control = "v9"
	if _, err := p.client.SetModel(ctx, m); err != nil {
		t.Fatal(err)
	}
	if got = p.trained("mail"); got.Trained.State != clientele.VersionRefused || !strings.Contains(got.Trained.Why, "nobody has seen the arm v9") || got.Promoted == 0 {
		t.Errorf("an arm that is not there: %+v", got.Trained)
	}
}
