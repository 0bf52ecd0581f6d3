package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"clientele"
)

// TestKillInBackfill: a server that is killed while a new version of an audience is filled has the old version live when it
// is back, with all its members, and goes on filling where it was.
func TestKillInBackfill(t *testing.T) {
	whole(t)
	const count, few = 100_000, 100
	in := newInstall(t, "", "")
	in.start()
	ctx := t.Context()
	records := make([]clientele.Record, count)
	for i := range records {
		raw, err := json.Marshal(clientele.RowRecord{Table: "profiles", ID: fmt.Sprint("p", i), Identifiers: []clientele.RecordIdentifier{{Namespace: clientele.UserID, Value: fmt.Sprint("u", i)}},
			Traits: map[string]any{"n": i}})
		must(t, err)
		records[i] = clientele.Record{Raw: raw}
	}
	_, err := in.api().Import(ctx, "people", clientele.KindRow, records)
	must(t, err)
	in.settle()
	audience := func(where string) {
		t.Helper()
		_, err := in.api().SetAudience(ctx, clientele.Audience{Name: "some", Where: clientele.RawJSON(where)})
		must(t, err)
	}
	stands := func() *clientele.AudienceInForce {
		t.Helper()
		v, err := in.api().Audience(ctx, "some")
		must(t, err)
		return v
	}
	until := func(what string, is func(*clientele.AudienceInForce) bool) *clientele.AudienceInForce {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); ; wait(ctx, 2*time.Millisecond) {
			if v := stands(); is(v) {
				return v
			}
			if time.Now().After(end) {
				t.Fatalf("not in two minutes: %s", what)
			}
		}
	}
	audience(fmt.Sprintf(`{"trait":"n","op":"lt","value":%d}`, few))
	until("the first version is live", func(v *clientele.AudienceInForce) bool { return v.Filling == nil })
	audience(fmt.Sprintf(`{"trait":"n","op":"gte","value":%d}`, few))
	killed, filled := 0, int64(0)
	for range 3 {
		v := until("some profiles more are filled", func(v *clientele.AudienceInForce) bool { return v.Filling == nil || v.Filling.Filled > filled })
		if v.Filling == nil {
			break
		}
		filled = v.Filling.Filled
		in.kill()
		in.spawn()
		in.ready()
		killed++
		switch v := stands(); {
		case v.Version == 1 && v.Members == few && v.Filling != nil && v.Filling.Filled >= filled:
		case v.Version == 2 && v.Filling == nil: // all was told before the kill
		default:
			t.Fatalf("killed with %d filled, it has version %d with %d members, and fills %+v", filled, v.Version, v.Members, v.Filling)
		}
	}
	v := until("the second version is live", func(v *clientele.AudienceInForce) bool { return v.Filling == nil })
	if killed == 0 || v.Version != 2 || v.Members != count-few {
		t.Errorf("after %d kills the audience has version %d with %d members", killed, v.Version, v.Members)
	}
	t.Logf("killed %d times, the last with %d of %d filled", killed, filled, count)
}
