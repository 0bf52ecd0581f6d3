package resolve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/quality"
	"clientele/internal/resolve"
	"clientele/internal/store/storetest"
)

func (s *stream) plan(name string, p *clientele.Plan) {
	s.command(clientele.CommandTrackingPlan, quality.PlanBody{Name: name, Plan: p})
}

func (s *stream) rule(name string, t *clientele.TransformRule) {
	s.command(clientele.CommandTransform, quality.TransformBody{Name: name, Rule: t})
}

// stored is every row of a kind that does not depend on how the log was cut.
func (s *stream) stored(table byte) string {
	var b strings.Builder
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(table)), func(k clientele.Key, v []byte) (bool, error) {
		fmt.Fprintf(&b, "%x=%x\n", []byte(k), v)
		return true, nil
	}))
	return b.String()
}

func (s *stream) violations() string {
	list, err := quality.Violations(s.store, "", "")
	s.must(err)
	var out []string
	for _, v := range list {
		out = append(out, fmt.Sprintf("%s %s %s %d %s %v", v.Source, v.Event, v.Rule, v.Count, v.Action, v.Examples))
	}
	return strings.Join(out, "; ")
}

func (s *stream) put(table byte) (ids []string) {
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(table)), func(k clientele.Key, v []byte) (bool, error) {
		q, _, _, err := resolve.ReadQuarantine(k, v)
		ids = append(ids, q.ID+" "+q.Code)
		return true, err
	}))
	return ids
}

func ordered(price string, id int) string {
	return fmt.Sprintf(`{"type":"track","event":"Order","userId":"u","messageId":"o%d","properties":{"price":%s}}`, id, price)
}

var priced = map[string]clientele.PlanEvent{"Order": {Schema: clientele.RawJSON(`{"properties":{"price":{"type":"number"}},"required":["price"]}`)}}

// Each action does what it says, and what was put aside comes back when a rule or the plan is mended.
func TestPlanActions(t *testing.T) {
	s := newStream(t)
	bad, good := ordered(`"5"`, 1), ordered(`5`, 2)
	s.plan("p", &clientele.Plan{OnViolation: clientele.PlanAllow, Events: priced})
	s.web(bad, bad, good)
	if got := s.r.Totals(); got.Events != 2 || got.Violations != 1 || got.Duplicates != 1 {
		t.Errorf("allow: %+v", got)
	}
	s.plan("p", &clientele.Plan{OnViolation: clientele.PlanQuarantine, Events: priced, Unplanned: clientele.PlanDrop})
	s.web(ordered(`"5"`, 3), ordered(`6`, 4), `{"type":"page","userId":"u","messageId":"p1"}`)
	if got := s.r.Totals(); got.Events != 3 || got.Quarantined != 1 || got.Dropped != 1 || got.Violations != 3 {
		t.Errorf("quarantine: %+v", got)
	}
	if got := fmt.Sprint(s.put(clientele.RowQuarantine), s.put(clientele.RowDropped)); got != "[4-0 violation] [4-2 violation]" {
		t.Errorf("put aside: %s", got)
	}
	if got := s.violations(); got != "web Order /properties/price/type 2 quarantine [2-0 4-0]; web $page unplanned 1 drop [4-2]" {
		t.Errorf("violations %s", got)
	}
	s.command(clientele.CommandReplay, resolve.ReplayBody{IDs: []string{"4-0", "4-2"}}) // in vain
	if got := s.r.Totals(); got.Quarantined != 1 || got.Dropped != 1 || got.Replayed != 0 {
		t.Errorf("replayed in vain: %+v", got)
	}
	s.rule("mend", &clientele.TransformRule{Events: []string{"Order"}, Steps: []clientele.TransformStep{{Op: clientele.TransformSet, Path: "properties.price", Value: "float(properties.price)"}}})
	s.plan("p", nil)
	s.plan("q", &clientele.Plan{OnViolation: clientele.PlanQuarantine, Events: priced, Unplanned: clientele.PlanIgnore})
	s.command(clientele.CommandReplay, resolve.ReplayBody{IDs: []string{"4-0", "4-2"}})
	if got := s.r.Totals(); got.Quarantined != 0 || got.Dropped != 0 || got.Replayed != 2 || got.Events != 5 {
		t.Errorf("replayed: %+v", got)
	}
	events := strings.Join(s.tables()["events"], "\n")
	if !strings.Contains(events, `o3`) || !strings.Contains(events, `{"price":5}`) || len(s.put(clientele.RowQuarantine))+len(s.put(clientele.RowDropped)) != 0 {
		t.Errorf("events\n%s", events)
	}
	acts, err := resolve.Acts(s.store, 0, 100)
	s.must(err)
	var did []string
	for _, a := range acts {
		did = append(did, fmt.Sprint(a.Position, a.By, a.What, a.Subject, a.Ended, a.Accepted, a.Refused))
	}
	want := "9 op replay  false 2 0|8 op tracking_plan q false 0 0|7 op tracking_plan p true 0 0|6 op transform mend false 0 0|5 op replay  false 0 2|3 op tracking_plan p false 0 0|1 op tracking_plan p false 0 0"
	if got := strings.ReplaceAll(strings.Join(did, "|"), "false", "false"); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("acts\n%s\nwant\n%s", got, want)
	}
}

// What a rule filters leaves no trace but a count; what a command cannot do waits in quarantine.
func TestTransformActions(t *testing.T) {
	s := newStream(t)
	s.rule("none", &clientele.TransformRule{Events: []string{"Noise"}, Steps: []clientele.TransformStep{{Op: clientele.TransformFilter}}})
	s.web(`{"type":"track","event":"Noise","userId":"n","messageId":"1"}`, `{"type":"track","event":"Order","userId":"u","messageId":"2","timestamp":"soon"}`)
	if got := s.r.Totals(); got.Events != 0 || got.Filtered != 1 || got.Quarantined != 1 {
		t.Errorf("%+v", got)
	}
	if got := s.golden("user_id", "n"); got != "not_found" {
		t.Errorf("a filtered event has made %s", got)
	}
	// An event that could not even be read is mended by a rule.
	s.rule("time", &clientele.TransformRule{When: `timestamp == "soon"`, Steps: []clientele.TransformStep{{Op: clientele.TransformDrop, Path: "timestamp"}}})
	s.command(clientele.CommandReplay, resolve.ReplayBody{IDs: []string{"2-1"}})
	if got := s.r.Totals(); got.Events != 1 || got.Quarantined != 0 {
		t.Errorf("mended: %+v", got)
	}
	s.rule("hash", &clientele.TransformRule{Steps: []clientele.TransformStep{{Op: clientele.TransformHash, Path: "userId"}}}) // there is no key
	s.rule("Bad Name", &clientele.TransformRule{Steps: []clientele.TransformStep{{Op: clientele.TransformFilter}}})
	s.rule("nobody", nil)
	s.plan("nobody", nil)
	if got := len(s.put(clientele.RowQuarantine)); got != 4 {
		t.Errorf("%d commands in quarantine", got)
	}
	book, err := quality.LoadBook(s.store)
	s.must(err)
	s.must(book.Effects(s.store))
	if n := book.Transforms["none"]; n.Applied != 1 || n.Filtered != 1 || n.By != "op" || len(book.Transforms) != 2 {
		t.Errorf("rules %+v", book.Transforms)
	}
	if raw := s.frames[1].Records[0].Raw; !strings.Contains(string(raw), "Noise") {
		t.Error("the log has lost the event")
	}
}

// However the log is cut into batches, and whatever rules frames were read by ahead of time, the
// state is the same while plans and rules change midway.
func TestQualityIsCutAnyhow(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		whole := newStream(t)
		whole.command(clientele.CommandTransformKey, quality.KeyBody{Key: []byte("0123456789abcdef")})
		n := 0
		for range 40 {
			switch rnd.IntN(5) {
			case 0:
				p := clientele.Plan{OnViolation: []clientele.PlanAction{clientele.PlanAllow, clientele.PlanQuarantine, clientele.PlanDrop}[rnd.IntN(3)], Events: priced}
				if rnd.IntN(2) == 0 {
					p.Unplanned = clientele.PlanIgnore
				}
				whole.plan("p", &p)
			case 1:
				steps := [][]clientele.TransformStep{
					{{Op: clientele.TransformSet, Path: "properties.price", Value: "float(properties.price)"}},
					{{Op: clientele.TransformFilter}},
					{{Op: clientele.TransformHash, Path: "userId"}, {Op: clientele.TransformRename, Path: "properties.price", To: "properties.p"}},
				}[rnd.IntN(3)]
				whole.rule(fmt.Sprint("r", rnd.IntN(2)), &clientele.TransformRule{When: fmt.Sprintf("len(userId) == %d", 2+rnd.IntN(2)), Steps: steps})
			case 2:
				ids := append(whole.put(clientele.RowQuarantine), whole.put(clientele.RowDropped)...)
				for i := range ids {
					ids[i], _, _ = strings.Cut(ids[i], " ")
				}
				if len(ids) > 0 {
					whole.command(clientele.CommandReplay, resolve.ReplayBody{IDs: ids})
				}
			default:
				var records []clientele.Record
				for range 1 + rnd.IntN(20) {
					n++
					raw := fmt.Sprintf(`{"type":"track","event":%q,"userId":"u%d","messageId":"m%d","properties":{"price":%s,"x%d":1}}`, []string{"Order", "Other"}[rnd.IntN(2)], rnd.IntN(20), n-rnd.IntN(2),
						[]string{"1", `"2"`, "null"}[rnd.IntN(3)], rnd.IntN(3))
					records = append(records, event([]string{"web", "app"}[rnd.IntN(2)], received+int64(n)*day/20, raw))
				}
				whole.events(records...)
			}
		}
		again := &stream{t: t, store: storetest.NewMemory(), frames: whole.frames, rules: whole.rules}
		var err error
		again.r, err = resolve.New(resolve.Options{Store: again.store, Sources: source, Rules: again.rules, Fetch: func(p clientele.Position) (*clientele.Frame, error) { return &again.frames[p-1], nil }})
		again.must(err)
		stale := again.r.Rules()
		for int(again.r.Position()) < len(again.frames) {
			var batch []resolve.Decoded
			for p := int(again.r.Position()) + 1; p <= len(again.frames) && len(batch) < 1+rnd.IntN(12); p++ {
				rules := stale
				if rnd.IntN(2) == 0 {
					rules = again.r.Rules()
				}
				batch = append(batch, resolve.Decode(clientele.Position(p), &again.frames[p-1], rules, source))
			}
			again.must(again.r.Batch(batch))
			if rnd.IntN(4) == 0 {
				stale = again.r.Rules()
			}
			if rnd.IntN(6) == 0 { // as after a restart
				again.must(again.r.Reset())
			}
		}
		for _, table := range []byte{clientele.RowQuality, clientele.RowQuarantine, clientele.RowDropped, clientele.RowHead, clientele.RowTimeline, clientele.RowMeta} {
			if a, b := whole.stored(table), again.stored(table); a != b {
				t.Fatalf("seed %d: table %c differs:\n%s\n\n%s", seed, table, a, b)
			}
		}
		if whole.r.Totals().Violations == 0 || whole.r.Totals().Replayed == 0 {
			t.Logf("seed %d: %+v", seed, whole.r.Totals())
		}
	}
}

// A property that comes, goes or changes its type over weeks is told, and one that is as it was is not.
func TestDriftOverWeeks(t *testing.T) {
	s := newStream(t)
	n := 0
	today := int64(received/day) + 42
	send := func(d int64, properties string) {
		var records []clientele.Record
		for range 30 {
			n++
			records = append(records, event("web", d*day+int64(n), fmt.Sprintf(`{"type":"track","event":"Viewed","userId":"u","messageId":"m%d","properties":%s}`, n, properties)))
		}
		s.events(records...)
	}
	for d := today - 41; d <= today; d++ {
		properties := map[string]any{"sku": "a", "price": 5, "nullable": nil, "size": "M"}
		if d > today-3 {
			properties["fresh"] = true
			properties["price"] = "5"
			delete(properties, "size")
		}
		if d == today-20 {
			delete(properties, "size") // a hole is no news
		}
		if d < today-36 {
			properties["long_gone"] = 1
		}
		b, err := json.Marshal(properties)
		s.must(err)
		if d > today-8 {
			send(d, string(b[:len(b)-1])+fmt.Sprintf(`,"rare_%d":1}`, d%2)) // twice told apart
			continue
		}
		send(d, string(b))
	}
	got, err := quality.Properties(s.store, clientele.Micros(today*day+day/2), "web", "")
	s.must(err)
	status := map[string]string{}
	for _, p := range got {
		status[p.Property] = p.Status
		if p.Events != 7*30 {
			t.Errorf("%s: %d events", p.Property, p.Events)
		}
		switch p.Property {
		case "nullable":
			if p.Null != 1 || p.Missing != 0 {
				t.Errorf("nullable: %+v", p)
			}
		case "size":
			if want := 3.0 / 7; p.Missing < want-0.001 || p.Missing > want+0.001 {
				t.Errorf("size: %+v", p)
			}
		case "price":
			if p.Types["string"] != 90 || p.Types["number"] != 120 || p.WasTypes["number"] != 28*30 || !strings.Contains(p.Note, "string since") {
				t.Errorf("price: %+v", p)
			}
		case "fresh":
			if p.Seen != 90 || !strings.HasPrefix(p.Note, "first seen") {
				t.Errorf("fresh: %+v", p)
			}
		}
	}
	for property, want := range map[string]string{"sku": "steady", "price": "retyped", "nullable": "steady", "size": "steady", "fresh": "new", "long_gone": "steady", "rare_0": "steady"} {
		if property == "rare_0" {
			continue // first seen a week ago: which side depends on the hour
		}
		if status[property] != want {
			t.Errorf("%s is %s, want %s", property, status[property], want)
		}
	}
	// A week later the size has been gone for all of it, and what was news is not.
	for d := today + 1; d <= today+7; d++ {
		send(d, `{"sku":"a","price":"5","nullable":null,"fresh":true}`)
	}
	got, err = quality.Properties(s.store, clientele.Micros((today+7)*day+day/2), "", "Viewed")
	s.must(err)
	for _, p := range got {
		want := map[string]string{"sku": "steady", "price": "retyped", "nullable": "steady", "size": "vanished", "fresh": "steady", "long_gone": "steady"}[p.Property]
		if want != "" && p.Status != want {
			t.Errorf("a week later %s is %s, want %s: %s", p.Property, p.Status, want, p.Note)
		}
	}
}

// What is told apart is bounded, and what is beyond is counted together.
func TestTallyLimits(t *testing.T) {
	s := newStream(t)
	s.plan("p", &clientele.Plan{Unplanned: clientele.PlanAllow, Events: map[string]clientele.PlanEvent{}})
	var records []clientele.Record
	flush := func() { s.events(records...); records = nil }
	for i := range 2300 {
		records = append(records, event("web", received, fmt.Sprintf(`{"type":"track","event":"E%d","messageId":"m%d"}`, i, i)))
		if len(records) == 500 {
			flush()
		}
	}
	for i := range 3 {
		var b strings.Builder
		for j := range 150 {
			fmt.Fprintf(&b, `,"p%d":1`, i*100+j)
		}
		records = append(records, event("web", received, fmt.Sprintf(`{"type":"track","event":"E0","messageId":"x%d","properties":{"a":1%s}}`, i, b.String())))
	}
	flush()
	props, err := quality.Properties(s.store, received, "", "E0")
	s.must(err)
	if len(props) != 200 {
		t.Errorf("%d properties are told apart", len(props))
	}
	violations, err := quality.Violations(s.store, "", "")
	s.must(err)
	other := int64(0)
	for _, v := range violations {
		if v.Source == quality.Other {
			other += v.Count
		}
	}
	if len(violations) != 2001 || other != 300 {
		t.Errorf("%d violations are told apart, %d counted together", len(violations), other)
	}
	before := s.stored(clientele.RowQuality)
	s.must(s.r.Reset())
	s.web(`{"type":"track","event":"E2299","messageId":"again"}`)
	if s.stored(clientele.RowQuality) == before || strings.Count(s.stored(clientele.RowQuality), "\n") != strings.Count(before, "\n") {
		t.Error("after a restart the limit is another")
	}
}
