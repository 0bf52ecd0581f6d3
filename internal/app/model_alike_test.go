package app_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele"
)

// TestLookalike: of 900 people those of a club are campers of one country, mostly; who is like them is found by what people did, by traits and by what was
// bought, which is told with and without; nobody of the club has a rank, and an audience of a rank has its size.
func TestLookalike(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	alike := func(i int) bool { return i%3 == 0 }
	var rows []string
	for i := range 900 {
		country, views := "TH", 1+i/3%4
		if alike(i) != (i%11 == 0) {
			country = "VN"
		}
		if alike(i) && i/3%5 < 3 {
			views = 5
		}
		band := 1 + i%5
		if alike(i) && i%7 > 1 {
			band = 9
		}
		rows = append(rows, fmt.Sprintf(`{"table":"profiles","id":"p%d","ts":"2026-02-01T00:00:00Z","ids":[{"ns":"user_id","v":"u%d"}],"traits":{"country":%q,"club":%t,"first_name":"N%d","ext_income":%d}}`, i, i, country, alike(i) && i%2 == 0, i%4, band))
		var events []string
		for k := range views {
			events = append(events, track(fmt.Sprintf("e%d-%d", i, k), "Tent Viewed", fmt.Sprintf("2026-02-%02dT11:00:00Z", 1+(i+7*k)%27), fmt.Sprintf(`"userId":"u%d"`, i), `{}`))
		}
		if status, body := p.post("/v1/batch", webKey, `{"batch":[`+strings.Join(events, ",")+`]}`); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	p.rows("crm", rows...)
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "like", Kind: clientele.ModelLookalike, Audience: "club"}); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("an audience that is not there: %v", err)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "club", Where: clientele.RawJSON(`{"trait":"club","op":"eq","value":true}`)}); err != nil {
		t.Fatal(err)
	}
	club := p.filled("club").Members
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "like", Kind: clientele.ModelLookalike, Audience: "club"}); err != nil {
		t.Fatal(err)
	}
	m := p.trained("like")
	if m.Trouble != "" || m.Promoted != 1 || m.Scored == nil || m.Scored.Profiles != 900 || m.Trained.Customers != 900 || m.Trained.Quality != "good" {
		t.Fatalf("%+v, %+v, %s", m.Trained, m.Scored, m.Trouble)
	}
	r, err := p.client.ModelReport(ctx, "like", 0)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, x := range r.Measures {
		names = append(names, x.Name)
	}
	of := func(name string) float64 {
		i := slices.IndexFunc(r.Measures, func(m clientele.ModelMeasure) bool { return m.Name == name })
		if i < 0 {
			t.Fatalf("%s is not in %v", name, names)
		}
		return r.Measures[i].Values["auc"]
	}
	if with, without := m.Trained.Metrics["auc"], of("without enrichment"); with < .75 || without >= with || !r.Tested.Better || len(r.Lift) == 0 || r.Lift[len(r.Lift)-2].Model < 2*r.Lift[len(r.Lift)-2].Share {
		t.Errorf("AUC %.3f with enrichment, %.3f without: %+v", with, without, r)
	}
	for _, d := range r.Drivers {
		if strings.Contains(d.Name, "first_name") || strings.Contains(d.Name, "club") {
			t.Errorf("people are told apart by %s", d.Name)
		}
	}
	p.tells("select count(*), count(like_rank), count(distinct like_rank), max(like_rank), count(like_similarity) from profiles", fmt.Sprintf("900|%d|%[1]d|%[1]d|900", 900-club))
	p.tells("select count(*) from profiles p join audience_members a using (profile_id) where audience = 'club' and exited_at is null and like_rank is not null", "0")
	hit, err := strconv.Atoi(p.sql("select count(*) from profiles p join identifiers i using (profile_id) where like_rank <= 100 and namespace = 'user_id' and cast(substr(value, 2) as int) % 3 = 0")[0])
	if err != nil || hit < 80 {
		t.Errorf("of the 100 most alike %d are", hit)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "more", Where: clientele.RawJSON(`{"trait":"predictions.like.rank","op":"lte","value":120}`)}); err != nil {
		t.Fatal(err)
	}
	if got := p.filled("more").Members; got != 120 {
		t.Errorf("%d are the 120 most alike", got)
	}

	// Who orders is placed anew within seconds, with what is known meanwhile; who was not there before, too.
	var events []string
	for _, who := range []string{"u1", "fresh"} {
		for k := range 5 {
			events = append(events, track(fmt.Sprint(who, k), "Tent Viewed", fmt.Sprintf("2026-02-2%dT12:00:00Z", k), fmt.Sprintf(`"userId":%q`, who), `{}`))
		}
	}
	before, err := strconv.ParseFloat(p.prediction("u1", "like", "rank"), 64)
	if err != nil {
		t.Fatal(err)
	}
	p.batch(webKey, events...)
	p.rows("crm", `{"table":"profiles","id":"p1","ts":"2026-02-27T00:00:00Z","ids":[{"ns":"user_id","v":"u1"}],"traits":{"country":"VN","ext_income":9}}`,
		`{"table":"profiles","id":"fresh","ts":"2026-02-27T00:00:00Z","ids":[{"ns":"user_id","v":"fresh"}],"traits":{"country":"VN","ext_income":9}}`,
		`{"table":"orders","id":"o1","ids":[{"ns":"user_id","v":"u1"}],"fields":{"order_id":"O1","ts":"2026-02-27T12:00:00Z","revenue":"20"}}`,
		`{"table":"orders","id":"o2","ids":[{"ns":"user_id","v":"fresh"}],"fields":{"order_id":"O2","ts":"2026-02-27T12:00:00Z","revenue":"20"}}`)
	rank := func(who string) float64 {
		r, _ := strconv.ParseFloat(p.prediction(who, "like", "rank"), 64)
		return r
	}
	eventually(t, "who has ordered is placed anew", func() bool { r := rank("u1"); return r > 0 && r < before })
	eventually(t, "a new person is placed", func() bool { r := rank("fresh"); return r > 0 && r <= 300 })
}

// TestTermsOfATraining: what a column of a model means is settled in the training; when another channel becomes the most frequent one, scores stay.
func TestTermsOfATraining(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	begin := time.Date(2025, 1, 1, 10, 0, 0, 0, time.UTC)
	var rows []string
	order := func(who, channel string, day, k int) {
		rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"%s-%d","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"%[1]s-%[2]d","ts":%[4]q,"revenue":"20","sales_channel":%[5]q}}`, who, k, who, begin.AddDate(0, 0, day).Format(time.RFC3339), channel))
	}
	for i := range 500 { // people of the web come again, those of the shop do not
		channel, orders := "web", 9
		if i%3 == 0 {
			channel, orders = "shop", 1+i%2
		}
		for k := range orders {
			order(fmt.Sprint("u", i), channel, min(419, i%90+k*40+(i*7+k*3)%9), k)
		}
	}
	order("last", "web", 420, 0)
	p.rows("crm", rows...)
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "churn", Kind: clientele.ModelChurn, Horizon: "60d", Promote: "manual"}); err != nil {
		t.Fatal(err)
	}
	if m := p.trained("churn"); m.Trained.State != clientele.VersionTrained {
		t.Fatalf("%+v", m.Trained)
	}
	scores := func() string {
		t.Helper()
		if _, err := p.client.PromoteModel(ctx, "churn", 1); err != nil {
			t.Fatal(err)
		}
		p.idle("churn")
		p.settle()
		return strings.Join(p.sql("select value, churn_probability from profiles join identifiers using (profile_id) where namespace = 'user_id' and churn_probability is not null and value like 'u%' order by 1"), " ")
	}
	before := scores()
	rows = nil
	for i := range 4000 {
		order(fmt.Sprint("new", i), "shop", i%400, 0)
	}
	p.rows("crm", rows...)
	if after := scores(); before == "" || after != before {
		t.Errorf("scores are others although nothing of these people is: %.200s, before %.200s", after, before)
	}
}

// TestEntering: who enters an audience is learned from those who did by what they did, not from those whom its definition put into it; who is in it is not asked about.
func TestEntering(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "keen", Where: clientele.RawJSON(`{"event":"Order Completed","count":{"op":"gte","value":3}}`)}); err != nil {
		t.Fatal(err)
	}
	p.filled("keen")
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "enters", Kind: clientele.ModelPropensity, Horizon: "30d", Audience: "keen", Target: "order"}); clientele.ErrorCode(err) != clientele.Invalid {
		t.Errorf("both a target and an audience: %v", err)
	}
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "enters", Kind: clientele.ModelPropensity, Horizon: "30d", Audience: "keen"}); err != nil {
		t.Fatal(err)
	}
	p.batch(webKey, track("x", "Order Completed", "2026-02-27T11:00:00Z", `"userId":"u1"`, `{"order_id":"O1","revenue":10}`))
	if m := p.trained("enters"); m.Trained == nil || m.Trained.State != clientele.VersionRefused || !strings.Contains(m.Trained.Why, "too little data") {
		t.Errorf("nobody has entered: %+v %s", m.Trained, m.Trouble)
	}
}

// TestScoresFromOutside: scores that another system gave enter as events, are held against what came behind them beside naive guesses, and stand on profiles
// as any prediction does; the latest of a person holds.
func TestScoresFromOutside(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "acme", Kind: clientele.ModelOutside, Horizon: "30d", Target: "no order"}); err != nil {
		t.Fatal(err)
	}
	if m := p.trained("acme"); m.Trained.State != clientele.VersionRefused || !strings.Contains(m.Trained.Why, "there is no score") {
		t.Fatalf("without scores: %+v", m.Trained)
	}
	var rows, events []string
	for i := range 600 {
		leaves := i%3 == 0
		days := []string{"2025-10-10", "2025-11-05"}
		if !leaves {
			days = append(days, "2025-12-12")
		}
		for k, day := range days {
			rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"user_id","v":"u%d"}],"fields":{"order_id":"O%d-%d","ts":"%sT10:00:00Z","revenue":"20"}}`, i, k, i, i, k, day))
		}
		score := 0.2
		if leaves != (i%5 == 0) {
			score = 0.7
		}
		events = append(events, track(fmt.Sprintf("a%d", i), "acme scored", "2025-12-01T00:00:00Z", fmt.Sprintf(`"userId":"u%d"`, i), fmt.Sprintf(`{"score":%g}`, score+float64(i%7)/100)))
	}
	events = append(events, track("late", "acme scored", "2026-02-20T00:00:00Z", `"userId":"u1"`, `{"score":"0.99"}`), track("bad", "acme scored", "2026-02-20T00:00:00Z", `"userId":"u2"`, `{"score":"high"}`),
		track("end", "Viewed", "2026-02-20T00:00:00Z", `"userId":"u1"`, `{}`))
	p.rows("crm", rows...)
	for some := range slices.Chunk(events, 200) {
		p.batch(serverKey, some...)
	}
	m := p.trained("acme")
	if m.Trouble != "" || m.Promoted != 2 || m.Scored == nil || m.Scored.Profiles != 600 || m.Trained.Customers != 600 || m.Trained.Quality != "good" {
		t.Fatalf("%+v, %+v, %s", m.Trained, m.Scored, m.Trouble)
	}
	r, err := p.client.ModelReport(ctx, "acme", 0)
	if err != nil || r.Tested == nil || !r.Tested.Better || r.Tested.Customers != 600 || len(r.Calibration) != 10 || len(r.Measures) != 3 || !r.Measures[1].Naive {
		t.Fatalf("%+v %v", r, err)
	}
	p.tells("select count(*), min(acme_score), max(acme_score) from profiles where acme_score is not null", "600|0.2|0.99")
	if got := p.prediction("u1", "acme", "score"); got != "0.99" {
		t.Errorf("the latest score of u1 is %s", got)
	}
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "risky", Where: clientele.RawJSON(`{"trait":"predictions.acme.score","op":"gt","value":0.6}`)}); err != nil {
		t.Fatal(err)
	}
	want := p.sql("select count(*) from profiles where acme_score > 0.6")[0]
	if v := p.filled("risky"); fmt.Sprint(v.Members) != want {
		t.Errorf("%d are at risk, %s by hand", v.Members, want)
	}
	// A new score is in force within seconds, at its place among all.
	p.batch(serverKey, track("new", "acme scored", "2026-02-25T00:00:00Z", `"userId":"u4"`, `{"score":0.98}`))
	eventually(t, "a new score is taken", func() bool { return p.prediction("u4", "acme", "score") == "0.98" })
	if at, err := strconv.ParseFloat(p.prediction("u4", "acme", "percentile"), 64); err != nil || at < 95 {
		t.Errorf("it is at %v, %v", at, err)
	}
}
