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

// fans imports n people over 300 days: each orders, and opens messages, on some days; mostly of the category u%4 tells, through a channel, and at an hour of
// their own, which in Bangkok is between 10 and 21.
func (p *program) fans(n int) {
	p.Helper()
	random := rand.New(rand.NewPCG(11, 12))
	begin := time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	categories, channels := []string{"tents", "boots", "rope", "maps"}, []string{"online", "store"}
	var rows []string
	for i, category := range categories {
		rows = append(rows, fmt.Sprintf(`{"table":"products","id":"p%d","fields":{"product_id":"P%d","sku":"S%d","name":"N%d","brand":"B%d","category":%q}}`, i, i, i, i, i%3, category))
	}
	for i := range n {
		ids := fmt.Sprintf(`"ids":[{"ns":"user_id","v":"u%d"}]`, i)
		for k, day := 0, random.IntN(40); day < 300; k, day = k+1, day+1+int(random.ExpFloat64()*45) {
			own, channel := i%4, channels[i%2]
			if random.IntN(3) == 0 {
				own = max(0, random.IntN(6)-2)
			}
			if random.IntN(4) == 0 {
				channel = "online"
			}
			at := begin.AddDate(0, 0, day)
			ts := at.Add(12 * time.Hour).Format(time.RFC3339)
			rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d-%d",%s,"fields":{"order_id":"O%d-%d","ts":%q,"revenue":"40","sales_channel":%q}}`, i, k, ids, i, k, ts, channel),
				fmt.Sprintf(`{"table":"order_lines","id":"l%d-%d",%s,"fields":{"order_id":"O%d-%d","line":"1","ts":%q,"sku":"S%d","name":"N%d","category":%q,"quantity":"1","price":"40"}}`, i, k, ids, i, k, ts, own, own, categories[own]))
			hour := 3 + i%12
			if random.IntN(3) == 0 {
				hour = random.IntN(24)
			}
			rows = append(rows, fmt.Sprintf(`{"table":"messages","id":"m%d-%d",%s,"fields":{"message_id":"M%d-%d","platform":"post","channel":"email","direction":"outbound","ts":%q,"status":"opened"}}`,
				i, k, ids, i, k, at.Add(time.Duration(hour)*time.Hour+20*time.Minute).Format(time.RFC3339)))
		}
	}
	for some := range slices.Chunk(rows, 2000) {
		p.rows("crm", some...)
	}
	p.settle()
}

// What people prefer of what they bought, and when they respond, is learned and held against the next day; it stands on profiles and in SQL, makes
// audiences, and follows what is bought and opened.
func TestModelsOfTaste(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	for _, m := range []clientele.Model{{Name: "likes", Kind: clientele.ModelAffinity, Of: "category"}, {Name: "brand", Kind: clientele.ModelAffinity, Of: "brand"}, {Name: "product", Kind: clientele.ModelAffinity, Of: "product"},
		{Name: "channel", Kind: clientele.ModelAffinity, Of: "channel"}, {Name: "hours", Kind: clientele.ModelSendTime, Zone: "Asia/Bangkok"}} {
		if _, err := p.client.SetModel(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"likes", "hours"} {
		if m := p.trained(name); m.Trained.State != clientele.VersionRefused || !strings.Contains(m.Trained.Why, "too little data") || m.Promoted != 0 {
			t.Fatalf("%s without anything: %+v", name, m.Trained)
		}
	}
	p.fans(400)
	for _, name := range []string{"likes", "brand", "product", "channel", "hours"} {
		m := p.trained(name)
		if m.Trouble != "" || m.Promoted != m.Trained.Version || m.Scored == nil || m.Scored.Profiles != 400 || m.Trained.Metrics["hit_rate"] <= m.Trained.Metrics["naive_hit_rate"] {
			t.Fatalf("%s: %+v %+v %s", name, m.Trained, m.Scored, m.Trouble)
		}
		p.tells(fmt.Sprintf("select count(*), count(*) filter (where %[1]s_low <= %[1]s_share and %[1]s_share <= %[1]s_high and %[1]s_percentile between 0 and 100 and %[1]s_index > 0) from profiles where %[1]s_share is not null", name), "400|400")
		r, err := p.client.ModelReport(ctx, name, 0)
		if err != nil || r.Tested == nil || !r.Tested.Better || len(r.Groups) < 2 || len(r.Calibration) == 0 || len(r.Measures) < 3 {
			t.Errorf("report of %s: %+v %v", name, r, err)
		}
	}
	// Preferred is what each mostly bought, and the hours are those of the zone.
	const own = "cast(substr(i.value, 2) as int)"
	p.tells("select count(*) filter (where likes_choice = ['tents', 'boots', 'rope', 'maps'][1 + "+own+" % 4]) > 340, count(*) filter (where product_choice = 'N' || "+own+" % 4) > 340, count(*) filter (where likes_choice = likes_second), "+
		"count(distinct brand_choice), count(distinct channel_choice), count(*) filter (where hours_hour = 10 + "+own+" % 12) > 300 from profiles join identifiers i using (profile_id) where namespace = 'user_id'", "true|true|0|3|2|true")
	p.tells("select count(*) from predictions where model = 'likes' and score is not null", "400")

	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "campers", Where: clientele.RawJSON(`{"and":[{"trait":"predictions.likes.choice","op":"eq","value":"tents"},{"trait":"predictions.likes.share","op":"gte","value":0.5}]}`)}); err != nil {
		t.Fatal(err)
	}
	members := p.filled("campers").Members
	p.tells("select count(*) from profiles where likes_choice = 'tents' and likes_share >= 0.5", fmt.Sprint(members))
	if members < 50 || members > 200 {
		t.Errorf("%d are campers", members)
	}

	p.settle()
	// Somebody of the campers buys rope from now on, and opens at another hour.
	camper := p.sql("select i.value from identifiers i join audience_members a using (profile_id) where audience = 'campers' and exited_at is null and namespace = 'user_id' order by 1 limit 1")[0]
	hour := p.prediction(camper, "hours", "hour")
	var rows []string
	for k := range 30 {
		ids, ts := fmt.Sprintf(`"ids":[{"ns":"user_id","v":%q}]`, camper), time.Date(2026, 1, 1+k, 18, 5, 0, 0, time.UTC).Format(time.RFC3339)
		rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"n%d",%s,"fields":{"order_id":"N%d","ts":%q,"revenue":"40","sales_channel":"store"}}`, k, ids, k, ts),
			fmt.Sprintf(`{"table":"order_lines","id":"nl%d",%s,"fields":{"order_id":"N%d","line":"1","ts":%q,"sku":"S2","category":"rope","quantity":"1","price":"40"}}`, k, ids, k, ts),
			fmt.Sprintf(`{"table":"messages","id":"nm%d",%s,"fields":{"message_id":"NM%d","platform":"post","channel":"email","direction":"outbound","ts":%q,"status":"clicked"}}`, k, ids, k, ts))
	}
	p.rows("crm", rows...)
	eventually(t, "what is bought changes the preference", func() bool { return p.prediction(camper, "likes", "choice") == "rope" })
	eventually(t, "who prefers something else leaves", func() bool { return !slices.Contains(p.profile("user_id", camper).Audiences, "campers") })
	eventually(t, "clicks change the hour", func() bool { return p.prediction(camper, "hours", "hour") == "1" })
	if hour == "1" {
		t.Error("it was the hour before")
	}

	// Another version, and back.
	m := p.trained("likes")
	if _, err := p.client.RollBackModel(ctx, "likes"); err != nil {
		t.Fatal(err)
	}
	if back := p.idle("likes"); back.Promoted != m.Promoted-1 || p.prediction("u2", "likes", "version") != fmt.Sprint(m.Promoted-1) {
		t.Errorf("rolled back: %+v of %+v", back, m)
	}
}

// What people do besides ordering changes whether they stay and buy, within seconds.
func TestScoresFollowWhatPeopleDo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	random := rand.New(rand.NewPCG(13, 14))
	begin := time.Date(2025, 10, 1, 9, 0, 0, 0, time.UTC)
	var rows, events []string
	for i := range 400 {
		who := fmt.Sprintf(`"userId":"u%d"`, i)
		for k, day := 0, random.IntN(20); day < 140; k, day = k+1, day+1+int(random.ExpFloat64()*float64(4+10*(i%6))) {
			at := begin.AddDate(0, 0, day)
			events = append(events, track(fmt.Sprintf("w%d-%d", i, k), "Wished", at.Format(time.RFC3339), who, `{}`))
			if random.IntN(3) > 0 {
				rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"user_id","v":"u%d"}],"fields":{"order_id":"O%d-%d","ts":%q,"revenue":"40"}}`, i, k, i, i, k, at.AddDate(0, 0, 1+random.IntN(5)).Format(time.RFC3339)))
			}
		}
	}
	for some := range slices.Chunk(events, 400) {
		p.batch(webKey, some...)
	}
	for some := range slices.Chunk(rows, 2000) {
		p.rows("crm", some...)
	}
	p.settle()
	for _, m := range []clientele.Model{{Name: "churn", Kind: clientele.ModelChurn, Horizon: "14d", Method: "logistic"}, {Name: "wish", Kind: clientele.ModelPropensity, Horizon: "14d", Target: "Wished", Method: "logistic"}} {
		if _, err := p.client.SetModel(ctx, m); err != nil {
			t.Fatal(err)
		}
		if got := p.trained(m.Name); got.Trained.State == clientele.VersionRefused || got.Trouble != "" {
			t.Fatalf("%s: %+v %s", m.Name, got.Trained, got.Trouble)
		} else if got.Promoted == 0 {
			if _, err := p.client.PromoteModel(ctx, m.Name, 0); err != nil {
				t.Fatal(err)
			}
			p.idle(m.Name)
		}
	}
	quiet := p.sql("select i.value from identifiers i join profiles p using (profile_id) where namespace = 'user_id' and churn_probability is not null and wish_probability is not null order by churn_probability desc, 1 limit 1")[0]
	churn, wish := p.prediction(quiet, "churn", "probability"), p.prediction(quiet, "wish", "probability")
	p.batch(webKey, track("new", "Wished", "2026-02-17T09:00:00Z", `"userId":"`+quiet+`"`, `{}`))
	eventually(t, "a wish changes the chance to leave", func() bool { return p.prediction(quiet, "churn", "probability") != churn })
	eventually(t, "and that of another wish", func() bool { return p.prediction(quiet, "wish", "probability") != wish })
	// What no version knows of changes nothing: an event of another name, then one that counts of somebody else.
	other := "u1"
	if quiet == other {
		other = "u2"
	}
	p.settle()
	told := p.sql("select count(*) from predictions where model = 'churn' and profile_id in (select profile_id from identifiers where value = '" + quiet + "')")[0]
	churn = p.prediction(other, "churn", "probability")
	p.batch(webKey, track("odd", "Yawned", "2026-02-17T09:10:00Z", `"userId":"`+quiet+`"`, `{}`))
	p.batch(webKey, track("other", "Wished", "2026-02-17T09:11:00Z", `"userId":"`+other+`"`, `{}`))
	eventually(t, "somebody else's wish", func() bool { return p.prediction(other, "churn", "probability") != churn })
	p.settle()
	p.tells("select count(*) from predictions where model = 'churn' and profile_id in (select profile_id from identifiers where value = '"+quiet+"')", told)
}
