package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"clientele"
)

// TestKillInTraining: a server that is killed while a model reads, learns or scores has the promoted version live when it is back, with a report, and
// everybody scored by it; what was under way is begun anew by who asks, and a rebuild comes to the same.
func TestKillInTraining(t *testing.T) {
	whole(t)
	const people = 6000
	in := newInstall(t, "", "")
	in.start()
	ctx := t.Context()
	rnd := rand.New(rand.NewPCG(11, 7))
	begin := time.Date(2025, 1, 1, 10, 0, 0, 0, time.UTC)
	var records []clientele.Record
	for i := range people {
		day, pace := 120*rnd.Float64(), 5+50*rnd.ExpFloat64()
		for k, end := 0, day+40+250*rnd.ExpFloat64(); day < 420 && (k == 0 || day < end); k++ {
			raw, err := json.Marshal(clientele.RowRecord{Table: "orders", ID: fmt.Sprintf("o%d-%d", i, k), Identifiers: []clientele.RecordIdentifier{{Namespace: clientele.UserID, Value: fmt.Sprint("u", i)}},
				Fields: map[string]any{"order_id": fmt.Sprintf("O%d-%d", i, k), "ts": begin.Add(time.Duration(24*day) * time.Hour).Format(time.RFC3339), "revenue": fmt.Sprintf("%.2f", 20+60*rnd.ExpFloat64())}})
			must(t, err)
			records = append(records, clientele.Record{Raw: raw})
			day += 1 + pace*rnd.ExpFloat64()
		}
	}
	_, err := in.api().Import(ctx, "crm", clientele.KindRow, records)
	must(t, err)
	in.settle()
	model := func() *clientele.ModelInForce {
		t.Helper()
		m, err := in.api().Model(ctx, "ltv")
		must(t, err)
		return m
	}
	until := func(what string, is func(*clientele.ModelInForce) bool) *clientele.ModelInForce {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); ; wait(ctx, time.Millisecond) {
			if m := model(); is(m) {
				return m
			}
			if time.Now().After(end) {
				t.Fatalf("not in two minutes: %s; %+v", what, model())
			}
		}
	}
	_, err = in.api().SetModel(ctx, clientele.Model{Name: "ltv", Kind: clientele.ModelLTV, Horizon: "90d"})
	must(t, err)
	_, err = in.api().TrainModel(ctx, "ltv")
	must(t, err)
	m := until("the first version is trained", func(m *clientele.ModelInForce) bool { return m.Running == nil })
	if m.Promoted != 1 || m.Scored.Profiles != people {
		t.Fatalf("%+v", m)
	}
	met := map[string]int{}
	for _, phase := range []string{"reads", "trains", "scores", "trains", "scores"} {
		before := m.Promoted
		_, err := in.api().TrainModel(ctx, "ltv")
		must(t, err)
		m = until(phase, func(m *clientele.ModelInForce) bool { return m.Running == nil || m.Running.Doing == phase })
		if m.Running != nil {
			met[phase]++
		}
		in.kill()
		in.spawn()
		in.ready()
		if m = model(); m.Promoted < before || m.Promoted > before+1 {
			t.Fatalf("killed while it %s, version %d is promoted instead of %d", phase, m.Promoted, before)
		}
		report, err := in.api().ModelReport(ctx, "ltv", 0)
		if err != nil || report.Version != m.Promoted || report.State != clientele.VersionPromoted || len(report.Summary) < 3 {
			t.Fatalf("its report: %+v, %v", report, err)
		}
		// Whom nobody has scored by a version that took over just before is scored by the one before it, and soon by the new one.
		in.settle()
		live := fmt.Sprintf("select count(*) from profiles where ltv_expected_value is not null and cast(predictions->'ltv'->>'version' as int) in (%d, %d)", before, m.Promoted)
		if got := in.query(live); fmt.Sprint(got[0][0]) != fmt.Sprint(people) {
			t.Fatalf("killed while it %s, %v people have a score", phase, got)
		}
		m = until("everybody is scored by the promoted version", func(m *clientele.ModelInForce) bool { return m.Running == nil && m.Scored.Version == m.Promoted })
		in.settle()
		if got := in.query(fmt.Sprintf("select count(*) from profiles where cast(predictions->'ltv'->>'version' as int) = %d", m.Promoted)); fmt.Sprint(got[0][0]) != fmt.Sprint(people) {
			t.Fatalf("%v people are scored by version %d", got, m.Promoted)
		}
	}
	if met["trains"]+met["scores"] == 0 {
		t.Errorf("no training was met: %v", met)
	}
	t.Logf("killed while it %v; version %d is promoted at the end", met, m.Promoted)
	in.stop()
	before := digests(t, "--config", in.config)
	done(t, "rebuild", "--config", in.config)
	sameDigests(t, "rebuild", before, digests(t, "--config", in.config))
}
