package duckstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"clientele"
)

// TestExpired: what retention rules delete is the same however the changes are cut into calls, and no event
// that comes behind them; the count beforehand is what is deleted.
func TestExpired(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(3) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		type event struct {
			source, name, typ string
			ts                int64
		}
		model := map[string]event{}
		var changes []clientele.Change
		step := fresh(t)
		for i := range 30 {
			var c clientele.Change
			if rnd.IntN(3) == 0 {
				x := clientele.Expiry{Before: clientele.Micros(rnd.Int64N(1000))}
				if rnd.IntN(2) == 0 {
					x.Events = []string{"Look", "$page"}
				}
				if rnd.IntN(2) == 0 {
					x.Sources = []string{"web"}
				}
				c.Expired = append(c.Expired, x)
				gone := int64(0)
				for id, e := range model {
					name := e.name
					if e.typ != "track" {
						name = "$" + e.typ
					}
					if e.ts < int64(x.Before) && (x.Events == nil || slices.Contains(x.Events, name)) && (x.Sources == nil || e.source == "web") {
						delete(model, id)
						gone++
					}
				}
				if got, err := step.Expiring(ctx, x); err != nil || got.Count != gone || got.Total != int64(len(model))+gone {
					t.Errorf("seed %d: %d of %d would go, want %d: %v", seed, got.Count, got.Total, gone, err)
				}
			}
			for n := range rnd.IntN(5) {
				id := fmt.Sprintf("e%d-%d", i, n)
				e := event{[]string{"web", "app"}[rnd.IntN(2)], []string{"Look", "Buy"}[rnd.IntN(2)], []string{"track", "page"}[rnd.IntN(2)], rnd.Int64N(1000)}
				model[id] = e
				row := rows("events", map[string]any{"anchor_id": int64(0), "event_id": id, "ts": e.ts, "received_at": e.ts, "source": e.source, "type": e.typ, "name": e.name})
				row.Insert, row.Upsert = row.Upsert, nil
				c.Tables = append(c.Tables, row)
			}
			changes = append(changes, c)
			apply(t, step, uint64(i+1), c)
		}
		whole := fresh(t)
		apply(t, whole, 1, changes...)
		if a, b := digests(t, step)["events"], digests(t, whole)["events"]; a != b {
			t.Errorf("seed %d: in one call %s, one by one %s", seed, b, a)
		}
		if n := query(t, whole, "select count(*) from events"); n[0][0] != int64(len(model)) {
			t.Errorf("seed %d: %v events, want %d", seed, n[0][0], len(model))
		}
	}
}
