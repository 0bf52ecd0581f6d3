package app_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele"
	"clientele/internal/race"
)

// buyers imports orders of n people over 14 months: each orders at a rate of their own, and some stop.
func (p *program) buyers(n int) {
	p.Helper()
	rnd := rand.New(rand.NewPCG(5, 9))
	begin := time.Date(2025, 1, 1, 10, 0, 0, 0, time.UTC)
	var rows []string
	for i := range n {
		day, gone := rnd.Float64()*120, 40+rnd.ExpFloat64()*250
		rate, size := 5+rnd.ExpFloat64()*50, 20+rnd.ExpFloat64()*60
		first := day
		for k := 0; day < 420 && (k == 0 || day < first+gone); k++ {
			at := begin.Add(time.Duration(day*24) * time.Hour)
			discount := "0"
			if rnd.IntN(10) < i%10 {
				discount = "5"
			}
			rows = append(rows, fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"user_id","v":"u%d"}],"fields":{"order_id":"O%d-%d","ts":%q,"revenue":"%.2f","discount":%q}}`,
				i, k, i, i, k, at.Format(time.RFC3339), size*(0.5+rnd.Float64()), discount))
			day += 1 + rnd.ExpFloat64()*rate
		}
	}
	for i := 0; i < len(rows); i += 2000 {
		p.rows("crm", rows[i:min(len(rows), i+2000)]...)
	}
	p.settle()
}

// trained trains the model and waits until everybody is scored, or it is known why not.
func (p *program) trained(name string) *clientele.ModelInForce {
	p.Helper()
	if _, err := p.client.TrainModel(context.Background(), name); err != nil {
		p.Fatal(err)
	}
	m := p.idle(name)
	if m.Trained == nil {
		p.Fatalf("model %s is not trained: %s", name, m.Trouble)
	}
	return m
}

// idle waits until nothing is under way with the model.
func (p *program) idle(name string) (m *clientele.ModelInForce) {
	p.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		var err error
		if m, err = p.client.Model(context.Background(), name); err != nil {
			p.Fatal(err)
		}
		if m.Running == nil {
			return m
		}
		if time.Now().After(deadline) {
			p.Fatalf("model %s: %+v", name, m.Running)
		}
	}
}

// prediction is an output of a person, as text.
func (p *program) prediction(user, model, output string) string {
	p.Helper()
	m, _ := p.profile("user_id", user).Predictions[model].(map[string]any)
	if m == nil || m[output] == nil {
		return ""
	}
	return fmt.Sprint(m[output])
}

// What customers will be worth is learned from their orders, stands on profiles and in SQL, makes audiences, follows a
// purchase, a merge and an unmerge, is erased with a person, and is the same after a rebuild.
func TestModelOfValue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	p := run(t, c)
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"}); err != nil {
		t.Fatal(err)
	}
	if m := p.trained("ltv"); m.Trained.State != clientele.VersionRefused || !strings.Contains(m.Trained.Why, "too little data") || m.Promoted != 0 {
		t.Fatalf("without orders: %+v", m.Trained)
	}
	p.buyers(600)
	m := p.trained("ltv")
	if m.Promoted != 2 || m.Trouble != "" || m.Scored == nil || m.Scored.Profiles != 600 || m.Trained.Customers != 600 {
		t.Fatalf("trained: %+v, %+v, %s", m.Trained, m.Scored, m.Trouble)
	}
	report, err := p.client.ModelReport(ctx, "ltv", 0)
	if err != nil || !report.Tested.Better || report.Quality == "poor" || len(report.Lift) == 0 || len(report.Calibration) == 0 || len(report.Drivers) != 4 || len(report.Groups) != 5 {
		t.Fatalf("report: %+v, %v", report, err)
	}
	p.tells("select count(*), count(*) filter (where percentile_of > 95), count(distinct ltv_tier) from (select ltv_percentile as percentile_of, ltv_tier from profiles where ltv_expected_value is not null)", "600|30|5")
	p.tells("select count(*), count(distinct profile_id), min(version), max(version) from predictions where model = 'ltv'", "600|600|2|2")
	p.tells("select count(*) from profiles p join predictions q using (profile_id) where p.ltv_expected_value is distinct from q.score or cast(p.predictions->'ltv'->>'expected_value' as double) <> q.score", "0")

	audience := func(name, where string) {
		t.Helper()
		if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: name, Where: clientele.RawJSON(where)}); err != nil {
			t.Fatal(err)
		}
		p.filled(name)
	}
	audience("top", `{"trait":"predictions.ltv.expected_value","percentile":{"op":"gte","value":95}}`)
	if n := len(strings.Fields(p.membersOf("top"))); n != 30 {
		t.Errorf("%d are in the top 5 %%", n)
	}
	audience("asleep", `{"and":[{"trait":"predictions.ltv.p_alive","op":"lt","value":0.3},{"trait":"predictions.ltv.tier","op":"eq","value":"rest"}]}`)
	typo, err := p.client.PreviewAudience(ctx, clientele.RawJSON(`{"trait":"predictions.ltv.expected_valu","op":"gt","value":1}`))
	if err != nil || len(typo.Problems) != 1 || !strings.Contains(typo.Problems[0].Hint, "ltv.expected_value") {
		t.Errorf("a prediction that is not there: %+v %v", typo, err)
	}
	if err := p.client.DeleteModel(ctx, "ltv"); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a model that an audience asks for can be deleted: %v", err)
	}

	p.settle()
	// A purchase changes the score, and who is asleep.
	sleeper := p.sql("select i.value from identifiers i join audience_members a using (profile_id) where a.audience = 'asleep' and a.exited_at is null and i.namespace = 'user_id' order by 1 limit 1")[0]
	before := p.prediction(sleeper, "ltv", "expected_value")
	last := "2026-02-24T10:00:00Z"
	p.rows("crm", fmt.Sprintf(`{"table":"orders","id":"new","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"NEW","ts":%q,"revenue":"50"}}`, sleeper, last))
	eventually(t, "the purchase changes the score", func() bool { return p.prediction(sleeper, "ltv", "expected_value") != before })
	eventually(t, "the sleeper is awake", func() bool { return !slices.Contains(p.profile("user_id", sleeper).Audiences, "asleep") })
	p.settle()
	p.tells("select count(*) from predictions q join identifiers i using (profile_id) where i.value = '"+sleeper+"'", "2")
	p.tells("select exited_reason from audience_members a join identifiers i using (profile_id) where audience = 'asleep' and exited_at is not null and i.value = '"+sleeper+"'", clientele.ReasonPrediction)

	// What says nothing new of that order makes no score: who ordered afterwards is scored, the other has none but the two.
	p.rows("crm", fmt.Sprintf(`{"table":"orders","id":"again","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"NEW","agent":"bob"}}`, sleeper))
	six := p.prediction("u6", "ltv", "expected_value")
	p.rows("crm", `{"table":"orders","id":"six","ids":[{"ns":"user_id","v":"u6"}],"fields":{"order_id":"SIX","ts":"2026-02-24T10:00:00Z","revenue":"50"}}`)
	eventually(t, "the second purchase changes a score", func() bool { return p.prediction("u6", "ltv", "expected_value") != six })
	p.settle()
	p.tells("select agent, cast(revenue as int) from orders where order_id = 'NEW'", "bob|50")
	p.tells("select count(*) from predictions q join identifiers i using (profile_id) where i.value = '"+sleeper+"'", "2")

	// Of two who are one, the later score holds; apart, each has their own again.
	other := "u1"
	if sleeper == other {
		other = "u2"
	}
	own := p.prediction(other, "ltv", "expected_value")
	latest := p.prediction(sleeper, "ltv", "expected_value")
	if _, err := p.client.Merge(ctx, clientele.MergeRequest{Profile: "user_id:" + sleeper, Identifiers: []clientele.Identifier{id("user_id", other)}}); err != nil {
		t.Fatal(err)
	}
	if got := p.prediction(other, "ltv", "expected_value"); got != latest {
		t.Errorf("together they have %s, want %s", got, latest)
	}
	if _, err := p.client.Unmerge(ctx, clientele.MergeRequest{Profile: "user_id:" + sleeper, Identifiers: []clientele.Identifier{id("user_id", other)}}); err != nil {
		t.Fatal(err)
	}
	if a, b := p.prediction(other, "ltv", "expected_value"), p.prediction(sleeper, "ltv", "expected_value"); a != own || b != latest {
		t.Errorf("apart they have %s and %s, want %s and %s", a, b, own, latest)
	}

	// Another version, and back.
	if m = p.trained("ltv"); m.Promoted != 3 || m.Scored.Version != 3 {
		t.Fatalf("trained again: %+v", m)
	}
	if _, err := p.client.RollBackModel(ctx, "ltv"); err != nil {
		t.Fatal(err)
	}
	if m = p.idle("ltv"); m.Promoted != 2 || m.Scored.Version != 2 || p.prediction(other, "ltv", "version") != "2" {
		t.Fatalf("rolled back: %+v", m)
	}
	versions, err := p.client.ModelVersions(ctx, "ltv")
	if err != nil || len(versions) != 3 || versions[0].State != clientele.VersionRolledBack || versions[1].State != clientele.VersionPromoted || versions[2].State != clientele.VersionRefused {
		t.Fatalf("versions: %+v, %v", versions, err)
	}
	if _, err := p.client.RollBackModel(ctx, "ltv"); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("there is nothing to go back to: %v", err)
	}

	p.filled("top") // its threshold is another: what fills it anew is told before the program stops
	was := p.digests()
	p.stop()
	rows := rowDigest(t, c)
	rebuild(t, c)
	if got := rowDigest(t, c); got != rows {
		t.Error("a rebuild comes to other rows")
	}
	p = run(t, c)
	same(t, was, p.digests())

	// Of who is erased nothing is predicted, neither here nor in a log that is resolved anew.
	if _, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: "user_id", Value: other}); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.tells("select count(distinct profile_id), count(*) filter (where profile_id not in (select profile_id from profiles)) from predictions where profile_id is not null", "599|0")
	was = p.digests()
	p.stop()
	rebuild(t, c)
	p = run(t, c)
	same(t, was, p.digests())

	// What is told anew of orders of people whose value stays makes no score: their places among all, which are a little off when some are placed alone, are no news.
	told := p.sql("select count(*) from predictions")[0]
	var touched []string
	for i, x := range p.sql("select order_id, i.value from orders join identifiers i using (profile_id) where i.namespace = 'user_id' and i.value not in ('u6', '" + sleeper + "') and order_id like 'O%-0' order by 1 limit 100") {
		v := strings.Split(x, "|")
		touched = append(touched, fmt.Sprintf(`{"table":"orders","id":"touched%d","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":%q,"agent":"eve"}}`, i, v[1], v[0]))
	}
	p.rows("crm", touched...)
	six = p.prediction("u6", "ltv", "expected_value")
	p.rows("crm", `{"table":"orders","id":"seven","ids":[{"ns":"user_id","v":"u6"}],"fields":{"order_id":"SEVEN","ts":"2026-02-24T11:00:00Z","revenue":"500"}}`)
	eventually(t, "the third purchase changes a score", func() bool { return p.prediction("u6", "ltv", "expected_value") != six })
	p.settle()
	if n := len(touched); n != 100 {
		t.Fatalf("%d orders", n)
	}
	p.tells("select count(*) - "+told+", count(*) filter (where agent = 'eve') from (select 'x' as agent from predictions union all select agent from orders where agent = 'eve')", "101|100")

	// It ends when no audience asks for it, and nothing is left of what it said.
	for _, name := range []string{"top", "asleep"} {
		if err := p.client.DeleteAudience(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.client.DeleteModel(ctx, "ltv"); err != nil {
		t.Fatal(err)
	}
	p.tells("select count(*) from profiles where predictions is not null or ltv_expected_value is not null", "0")
	if got := p.profile("user_id", sleeper).Predictions; len(got) != 0 {
		t.Errorf("of a model that is no more: %v", got)
	}
}

// Shares of orders with a discount and groups of customers, of models that the configuration brings, which train by themselves.
func TestModelsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	c := settings(t)
	file := t.TempDir() + "/models.yaml"
	if err := os.WriteFile(file, []byte("- {name: discount, kind: discount, train_every: 30d}\n- {name: groups, kind: segments, groups: 3, promote: manual, train_every: 30d}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Models = []string{file}
	p := run(t, c)
	p.buyers(400)
	ctx := context.Background()
	for _, name := range []string{"discount", "groups"} { // the first time there may have been too little
		eventually(t, name+" is trained by itself", func() bool {
			m, err := p.client.Model(ctx, name)
			return err == nil && m.Trained != nil
		})
		p.idle(name)
		p.trained(name)
	}
	if m, err := p.client.Model(ctx, "groups"); err != nil || m.Promoted != 0 || m.Trained.State != clientele.VersionTrained {
		t.Fatalf("groups: %+v %v", m, err)
	}
	if _, err := p.client.PromoteModel(ctx, "groups", 0); err != nil {
		t.Fatal(err)
	}
	p.idle("groups")
	p.tells("select count(*), count(distinct groups_segment_id) from profiles where groups_segment is not null", "400|3")
	if m, err := p.client.Model(ctx, "discount"); err != nil || m.Promoted == 0 {
		t.Fatalf("discount: %+v %v", m, err)
	}
	p.tells("select count(*) from profiles where not (discount_low <= discount_share and discount_share <= discount_high)", "0")
	p.tells("select count(distinct discount_tier) from profiles", "3")
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "groups", Kind: clientele.ModelSegments}); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("the configuration's model can be set: %v", err)
	}
	// One that the configuration no longer has is no more.
	p.stop()
	c.Models = nil
	p = run(t, c)
	p.settle()
	p.tells("select count(*) from profiles where predictions is not null", "0")
}

// Who leaves and who orders again is learned from what people did before earlier moments, and told with reasons; the best who are
// likely gone, with consent, are an audience.
func TestModelsThatAnswer(t *testing.T) {
	t.Parallel()
	race.Skip(t)
	ctx := context.Background()
	p := run(t, settings(t))
	for _, m := range []clientele.Model{{Name: "churn", Kind: clientele.ModelChurn, Horizon: "60d"}, {Name: "again", Kind: clientele.ModelPropensity, Horizon: "30d"}, {Name: "signs", Kind: clientele.ModelPropensity, Horizon: "30d", Target: "Signed Up"}, {Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"}} {
		if _, err := p.client.SetModel(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if m := p.trained("churn"); m.Trained == nil || m.Trained.State != clientele.VersionRefused {
		t.Fatalf("without facts: %+v %s", m.Trained, m.Trouble)
	}
	p.buyers(600)
	p.trained("ltv")
	for _, name := range []string{"churn", "again"} {
		m := p.trained(name)
		if m.Trained.Quality == "poor" || m.Promoted != m.Trained.Version || m.Trouble != "" || m.Trained.Metrics["auc"] < 0.65 {
			t.Errorf("%s: %+v %s", name, m.Trained, m.Trouble)
		}
		report, err := p.client.ModelReport(ctx, name, 0)
		if err != nil || len(report.Drivers) == 0 || len(report.Calibration) == 0 || len(report.Lift) != 2 {
			t.Errorf("%s: %+v %v", name, report, err)
		}
	}
	if m := p.trained("signs"); m.Trained.State != clientele.VersionRefused || !strings.Contains(m.Trained.Why, "too little data") {
		t.Errorf("nobody has ever signed up: %+v", m.Trained)
	}
	p.tells("select count(*) > 300, min(churn_probability) >= 0, max(churn_probability) <= 1, count(*) filter (where churn_reasons is null or churn_reasons = '') from profiles where churn_probability is not null", "true|true|true|0")
	p.tells("select corr(churn_probability, ltv_p_alive) < -0.3 from profiles", "true")
	if _, err := p.client.SetAudience(ctx, clientele.Audience{Name: "leaving best", Where: clientele.RawJSON(`{"and":[{"trait":"predictions.ltv.expected_value","percentile":{"op":"gte","value":80}},{"trait":"predictions.churn.probability","op":"gt","value":0.1},{"not":{"consent":"marketing","granted":false}}]}`)}); err != nil {
		t.Fatal(err)
	}
	if v := p.filled("leaving best"); v.Members == 0 {
		t.Error("nobody of the best is leaving")
	}
	sleeper := p.sql("select i.value from profiles p join identifiers i using (profile_id) where i.namespace = 'user_id' and churn_probability is not null order by churn_probability desc, 1 limit 1")[0]
	before := p.prediction(sleeper, "churn", "probability")
	p.rows("crm", fmt.Sprintf(`{"table":"orders","id":"new","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"NEW","ts":"2026-02-24T10:00:00Z","revenue":"50"}}`, sleeper))
	eventually(t, "the purchase changes the chance", func() bool { return p.prediction(sleeper, "churn", "probability") != before })
}

// A training can be stopped, and says so.
func TestModelIsStopped(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := run(t, settings(t))
	if _, err := p.client.CancelModel(ctx, "ltv"); clientele.ErrorCode(err) != clientele.NotFound {
		t.Errorf("there is no model: %v", err)
	}
	if _, err := p.client.SetModel(ctx, clientele.Model{Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.CancelModel(ctx, "ltv"); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("nothing is under way: %v", err)
	}
	for _, wrong := range []clientele.Model{{Name: "Ltv", Kind: clientele.ModelLTV, Horizon: "90d"}, {Name: "l", Kind: "magic"}, {Name: "l", Kind: clientele.ModelLTV}, {Name: "l", Kind: clientele.ModelLTV, Horizon: "soon"},
		{Name: "l", Kind: clientele.ModelLTV, Horizon: "90d", Margin: math.Inf(1)}, {Name: "ltv", Kind: clientele.ModelSegments}} {
		if _, err := p.app.SetModel(ctx, "op", wrong); clientele.ErrorCode(err) != clientele.Invalid && clientele.ErrorCode(err) != clientele.Conflict {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
