package resolve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/identity"
	"clientele/internal/race"
	"clientele/internal/resolve"
)

// activate brings an audience into force and live, before there is anybody.
func (s *stream) activate(name, where string) {
	s.t.Helper()
	s.command(clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: name, Where: clientele.RawJSON(where)}})
	a, err := resolve.LoadAudience(s.store, name)
	s.must(err)
	if a.Filling == nil {
		s.t.Fatalf("%s is not being filled", name)
	}
	s.command(clientele.CommandAudienceFill, resolve.AudienceFillBody{Name: name, Version: a.Filling.Version, Live: true})
}

// clock lets the clock say when it is.
func (s *stream) clock(at int64) {
	s.frames = append(s.frames, clientele.Frame{Kind: clientele.KindTick, Records: []clientele.Record{{Source: "clock", ReceivedAt: clientele.Micros(at), Raw: []byte("{}")}}})
	s.run(len(s.frames))
}

// members are who is in the audience, by a name for each.
func (s *stream) inAudience(name string) string {
	s.t.Helper()
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	var out []string
	for _, who := range []string{"ann", "bob", "cid", "dan"} {
		a, err := g.Find(clientele.Identifier{Namespace: clientele.UserID, Value: who})
		if err != nil {
			continue
		}
		p, err := g.Profile(a)
		s.must(err)
		in, err := resolve.LoadMemberships(s.store, p)
		s.must(err)
		if _, is := in[name]; is {
			out = append(out, who)
		}
	}
	return strings.Join(out, " ")
}

// told are the rows of audience_members.
func (s *stream) toldOf(name string) (out []string) {
	for _, row := range s.tables()["audience_members"] {
		if strings.HasPrefix(row, "["+name+" ") {
			out = append(out, row)
		}
	}
	return out
}

func user(who, id, rest string) string {
	return fmt.Sprintf(`{"type":"track","userId":%q,"messageId":%q,%s}`, who, id, rest)
}

func TestMembersEnterAndLeave(t *testing.T) {
	s := newStream(t)
	s.activate("buyers", `{"event":"Order","where":[{"property":"total","op":"gt","value":10}],"within":"2d"}`)
	s.activate("quiet", `{"not":{"event":"Order"}}`)
	s.activate("known buyers", `{"and":[{"audience":"buyers"},{"trait":"city","op":"eq","value":"Hue"}]}`)
	at := int64(10 * day)
	s.events(event("web", at, user("ann", "1", `"event":"Order","properties":{"total":11}`)), event("web", at, user("bob", "2", `"event":"Order","properties":{"total":9}`)),
		event("web", at, user("cid", "3", `"event":"View"`)))
	if got := s.inAudience("buyers") + "|" + s.inAudience("quiet") + "|" + s.inAudience("known buyers"); got != "ann|cid|" {
		t.Fatalf("members are %s", got)
	}
	s.events(event("web", at+1, `{"type":"identify","userId":"ann","messageId":"4","traits":{"city":"Hue"}}`))
	if got := s.inAudience("known buyers"); got != "ann" {
		t.Errorf("after the trait: %q", got)
	}
	s.clock(at + 2*day)
	if got := s.inAudience("buyers"); got != "ann" {
		t.Errorf("at the last moment of the window: %q", got)
	}
	s.clock(at + 2*day + 1)
	if got := s.inAudience("buyers") + s.inAudience("known buyers"); got != "" {
		t.Errorf("behind the window: %q", got)
	}
	// Two people become one, and one two again.
	s.events(event("web", at+3*day, user("cid", "5", `"event":"Order","properties":{"total":20}`)))
	var anchors []clientele.Anchor
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	for _, who := range []string{"bob", "cid"} {
		a, err := g.Find(clientele.Identifier{Namespace: clientele.UserID, Value: who})
		s.must(err)
		anchors = append(anchors, a)
	}
	s.commandAt(at+3*day+1, clientele.CommandMerge, resolve.MergeBody{Anchors: anchors})
	if got := s.inAudience("buyers"); got != "bob cid" {
		t.Errorf("merged: %q", got)
	}
	s.commandAt(at+3*day+2, clientele.CommandUnmerge, resolve.MergeBody{Anchors: anchors[1:]})
	if got := s.inAudience("buyers"); got != "cid" {
		t.Errorf("apart: %q", got)
	}
	if got := len(s.toldOf("buyers")); got != 4 {
		t.Errorf("the history has %d rows: %v", got, s.toldOf("buyers"))
	}
	a, err := resolve.LoadAudience(s.store, "buyers")
	s.must(err)
	if a.Members != 1 || a.Version != 1 || a.Filling != nil {
		t.Errorf("the audience is %+v", a)
	}
	s.commandAt(at+3*day+3, clientele.CommandErase, resolve.EraseBody{Anchors: anchors[1:]})
	if a, err = resolve.LoadAudience(s.store, "buyers"); err != nil || a.Members != 0 {
		t.Errorf("after the erasure: %+v %v", a, err)
	}
}

// definitions of which the random histories below are about.
var liveDefinitions = []string{
	`{"event":"View","count":{"op":"gte","value":2},"within":"3d"}`,
	`{"event":"View","count":{"op":"lt","value":2},"within":"5d"}`,
	`{"event":"Order","sum":{"property":"total","op":"gte","value":12},"within":"10d"}`,
	`{"not":{"event":"Order","within":"4d"}}`,
	`{"event":"Order","where":[{"property":"sku","op":"eq","value":"a"}],"older_than":"2d"}`,
	`{"event":"View","where":[{"property":"sku","op":"in","value":["b",3]}],"by":"sku","count":{"op":"gte","value":2}}`,
	`{"sequence":[{"event":"View"},{"not":{"event":"Order"},"before":"24h"}],"within":"7d"}`,
	`{"sequence":[{"event":"View","where":[{"property":"sku","op":"eq","value":"a"}]},{"event":"Order","before":"2d"}]}`,
	`{"trait":"city","op":"eq","value":"Hue"}`,
	`{"trait":"city","op":"not_exists"}`,
	`{"or":[{"trait":"age","op":"gt","value":30},{"event":"View","last":{"property":"sku","op":"eq","value":"c"}}]}`,
	`{"consent":"marketing","channel":"email"}`,
	`{"consent":"marketing","granted":false}`,
	`{"of":{"event":"View","within":"6d"},"suppress":[{"name":"refused","when":{"not":{"consent":"marketing","channel":"email"}}},{"name":"often","when":{"message":{"channel":"email"},"count":{"op":"gte","value":1},"within":"3d"}},{"name":"bought","when":{"event":"Order","within":"2d"}}]}`,
	`{"of":{"and":[{"trait":"city","op":"eq","value":"Hue"},{"sequence":[{"event":"View"},{"not":{"event":"Order"},"before":"12h"}],"within":"9d"}]},"suppress":[{"name":"young","when":{"trait":"age","op":"lt","value":30}},{"name":"other","when":{"audience":"a00"}}]}`,
	`{"of":{"not":{"event":"Order","within":"5d"}},"suppress":[{"name":"unknown","when":{"identifier":"email","exists":false}}]}`,
	`{"identifier":"email","exists":true}`,
	`{"identifier":"email","exists":false}`,
	`{"identifier":"user_id","verified":true}`,
	`{"and":[{"audience":"a00"},{"not":{"audience":"a03"}}]}`,
	`{"and":[{"trait":"city","op":"eq","value":"Hue"},{"event":"View","within":"4d"}]}`,
	`{"and":[{"event":"Order"},{"trait":"age","op":"in","value":[21,25,29,"30"]},{"not":{"trait":"city","op":"eq","value":"Hanoi"}}]}`,
	`{"and":[{"sequence":[{"event":"View"},{"not":{"event":"Order"},"before":"12h"}],"within":"9d"},{"trait":"city","op":"exists"}]}`,
	`{"message":{"channel":"email"},"count":{"op":"gte","value":1},"within":"6d"}`,
	`{"lifecycle":"interest","for":"2d"}`,
	`{"or":[{"lifecycle":"lapsed"},{"event":"View","within":"1d"}]}`,
}

// liveStages are the lifecycle of those histories.
var liveStages = stagesOf("awareness", "", "interest", liveDefinitions[0], "wanted", `{"audience":"a06"}`, "purchase", `{"event":"Order"}`,
	"lapsed", `{"and":[{"event":"Order"},{"not":{"event":"Order","within":"4d"}}]}`)

// randomLife is a history of few people, with ticks and commands.
func randomLife(rnd *rand.Rand, frames int) (out []clientele.Frame) {
	now := int64(10 * day)
	n := 0
	for range frames {
		f := clientele.Frame{Kind: clientele.KindEvent}
		switch rnd.IntN(8) {
		case 0:
			now += rnd.Int64N(3 * day)
			out = append(out, clientele.Frame{Kind: clientele.KindTick, Records: []clientele.Record{{Source: "clock", ReceivedAt: clientele.Micros(now), Raw: []byte("{}")}}})
			continue
		case 1:
			f.Kind = clientele.KindRow
		}
		for range 1 + rnd.IntN(6) {
			n++
			now += rnd.Int64N(day / 4)
			f.Records = append(f.Records, clientele.Record{Source: pickOf(rnd, "web", "till"), ReceivedAt: clientele.Micros(now), Raw: randomDeed(rnd, f.Kind, now, n)})
		}
		out = append(out, f)
	}
	return append(out, clientele.Frame{Kind: clientele.KindTick, Records: []clientele.Record{{Source: "clock", ReceivedAt: clientele.Micros(now + day), Raw: []byte("{}")}}})
}

func pickOf(rnd *rand.Rand, from ...string) string { return from[rnd.IntN(len(from))] }

func randomDeed(rnd *rand.Rand, kind clientele.Kind, now int64, n int) []byte {
	ts := clientele.Micros(now - rnd.Int64N(3*day)*int64(rnd.IntN(2)))
	person := rnd.IntN(8)
	if kind == clientele.KindRow {
		b, _ := json.Marshal(clientele.RowRecord{Table: "messages", ID: fmt.Sprint(n), Identifiers: []clientele.RecordIdentifier{{Namespace: clientele.UserID, Value: fmt.Sprint("u", person)}},
			Fields: map[string]any{"message_id": fmt.Sprint("m", rnd.IntN(30)), "channel": pickOf(rnd, "email", "sms"), "status": "sent", "ts": ts.String()}})
		return b
	}
	who := fmt.Sprintf(`"anonymousId":"a%d"`, person+rnd.IntN(3))
	if rnd.IntN(3) == 0 {
		who += fmt.Sprintf(`,"userId":"u%d"`, person)
	}
	id := fmt.Sprintf(`"messageId":"e%d","timestamp":%q`, n, ts)
	switch rnd.IntN(5) {
	case 0:
		return fmt.Appendf(nil, `{"type":"identify",%s,%s,"traits":{"city":%q,"age":%d%s}}`, who, id, pickOf(rnd, "Hue", "Hanoi"), 20+rnd.IntN(20),
			pickOf(rnd, "", fmt.Sprintf(`,"email":"p%d@example.com"`, person), `,"consent":{"marketing":true}`, `,"consent":{"marketing":{"email":false}}`))
	case 1:
		return fmt.Appendf(nil, `{"type":"track","event":"Order",%s,%s,"properties":{"total":%d.5,"sku":%q}}`, who, id, rnd.IntN(9), pickOf(rnd, "a", "b", "c"))
	}
	return fmt.Appendf(nil, `{"type":"track","event":"View",%s,%s,"properties":{"sku":%s}}`, who, id, pickOf(rnd, `"a"`, `"b"`, `"c"`, "3"))
}

// replay resolves the frames in batches that cut says, and answers the stream.
func replay(t *testing.T, frames []clientele.Frame, cut func(left int) int) *stream {
	s := newStream(t)
	for i, where := range liveDefinitions {
		if strings.Contains(where, `"lifecycle"`) && s.stageless() {
			s.stages(liveStages)
		}
		s.activate(fmt.Sprintf("a%02d", i), where)
	}
	s.frames = append(s.frames, frames...)
	for at := int(s.r.Position()); at < len(s.frames); {
		at += cut(len(s.frames) - at)
		s.run(at)
	}
	return s
}

// TestMembershipsAreWhatEvaluationSays: after any history, whoever evaluates all profiles anew finds
// the members that the resolver has found along the way, by the few definitions that each record
// touches and the moments that were due.
func TestMembershipsAreWhatEvaluationSays(t *testing.T) {
	for seed := range race.Cases(20) {
		s := replay(t, randomLife(rand.New(rand.NewPCG(seed, 9)), 40), func(int) int { return 7 })
		g, err := identity.NewGraph(s.rules, s.store)
		s.must(err)
		counts := map[string]int64{}
		s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
			p := clientele.ProfileID(k.Read().Uint())
			in, err := resolve.LoadMemberships(s.store, p)
			s.must(err)
			f, err := resolve.LoadFacts(s.store, g, nil, p)
			s.must(err)
			for i, where := range liveDefinitions {
				name := fmt.Sprintf("a%02d", i)
				c, err := audience.Parse([]byte(where))
				s.must(err)
				want, _, err := audience.Evaluate(c, f, audience.At{Now: s.r.Totals().Now})
				s.must(err)
				if _, is := in[name]; is != want {
					t.Errorf("seed %d: of %s the profile %s is a member: %t, by evaluation %t", seed, where, p, is, want)
				}
				if want {
					counts[name]++
				}
				if _, by, _, err := audience.Decide(c, f, audience.At{Now: s.r.Totals().Now}); err != nil || by != s.masks(name, c)[p] {
					t.Errorf("seed %d: of %s the profile %s is left out by %b, by evaluation %b, %v", seed, where, p, s.masks(name, c)[p], by, err)
				}
			}
			return true, nil
		}))
		for i := range liveDefinitions {
			name := fmt.Sprintf("a%02d", i)
			a, err := resolve.LoadAudience(s.store, name)
			s.must(err)
			s.countsSuppressed(name)
			if a.Members != counts[name] {
				t.Errorf("seed %d: %s counts %d members, there are %d", seed, name, a.Members, counts[name])
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestMembershipsDoNotDependOnBatches: entries and exits, their times and reasons are the log's.
func TestMembershipsDoNotDependOnBatches(t *testing.T) {
	for seed := range race.Cases(8) {
		frames := randomLife(rand.New(rand.NewPCG(seed, 7)), 40)
		rnd := rand.New(rand.NewPCG(seed, 8))
		want := replay(t, frames, func(int) int { return 1 })
		for _, cut := range []func(int) int{func(left int) int { return left }, func(int) int { return 1 + rnd.IntN(6) }} {
			got := replay(t, frames, cut)
			if a, b := append(want.tables()["audience_members"], want.tables()["lifecycle"]...), append(got.tables()["audience_members"], got.tables()["lifecycle"]...); !slices.Equal(a, b) || len(a) == 0 {
				for i := range min(len(a), len(b)) {
					if a[i] != b[i] {
						t.Errorf("%s, otherwise cut %s", a[i], b[i])
					}
				}
				t.Fatalf("seed %d: %d rows of audience_members, otherwise cut %d", seed, len(a), len(b))
			}
			if a, b := want.audienceRows(), got.audienceRows(); a != b {
				t.Fatalf("seed %d: stored memberships differ", seed)
			}
		}
	}
}

// audienceRows is all rows about audiences, and what is due.
func (s *stream) audienceRows() string {
	var b strings.Builder
	for _, table := range []byte{clientele.RowAudience, clientele.RowDue} {
		s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(table)), func(k clientele.Key, v []byte) (bool, error) {
			fmt.Fprintf(&b, "%x=%x\n", []byte(k), v)
			return true, nil
		}))
	}
	return b.String()
}

// graph is the graph as the rows have it.
func (s *stream) graph() *identity.Graph {
	s.t.Helper()
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	return g
}

// masks are the suppress rules that leave people out of the live version.
func (s *stream) masks(name string, c audience.Condition) map[clientele.ProfileID]audience.Mask {
	s.t.Helper()
	out := map[clientele.ProfileID]audience.Mask{}
	rules, ok := c.(*audience.Suppressed)
	if !ok {
		return out
	}
	s.must(resolve.SuppressedOf(s.store, name, 0, func(p clientele.SuppressedProfile) bool {
		for i, r := range rules.Rules {
			if slices.Contains(p.Rules, r.Name) {
				out[p.Profile] |= 1 << i
			}
		}
		return true
	}))
	return out
}

// countsSuppressed holds the counts of suppress rules against the people.
func (s *stream) countsSuppressed(name string) {
	s.t.Helper()
	a, err := resolve.LoadAudience(s.store, name)
	s.must(err)
	alone, removed := map[string]int64{}, map[string]int64{}
	s.must(resolve.SuppressedOf(s.store, name, 0, func(p clientele.SuppressedProfile) bool {
		removed[p.By]++
		for _, r := range p.Rules {
			alone[r]++
		}
		return true
	}))
	for _, c := range a.Suppressed {
		if c.Alone != alone[c.Name] || c.Removed != removed[c.Name] {
			s.t.Errorf("%s: %s counts %d and %d, there are %d and %d", name, c.Name, c.Alone, c.Removed, alone[c.Name], removed[c.Name])
		}
	}
}

// TestEventsNamedAsRows: an event may have the name under which rows of tables stand, of which a head counts the events alone.
func TestEventsNamedAsRows(t *testing.T) {
	s := newStream(t)
	s.activate("twice", `{"event":"order","count":{"op":"gte","value":2}}`)
	s.activate("written to", `{"message":{"channel":"email"}}`) // has rows put on timelines before the batch ends
	at := int64(10 * day)
	s.events(event("web", at, user("ann", "1", `"event":"order"`)))
	s.must(s.r.Reset()) // nothing is in memory
	s.frames = append(s.frames,
		clientele.Frame{Kind: clientele.KindRow, Records: []clientele.Record{event("crm", at+1, `{"table":"orders","id":"o","ids":[{"ns":"user_id","v":"ann"}],"fields":{"order_id":"o1","ts":"1970-01-11T00:00:00Z"}}`)}},
		clientele.Frame{Kind: clientele.KindEvent, Records: []clientele.Record{event("web", at+2, user("ann", "2", `"event":"order"`))}})
	s.run(len(s.frames))
	if got := s.inAudience("twice"); got != "ann" {
		t.Errorf("members are %q", got)
	}
}

// TestWhatNobodyAskedForIsSeen: what happens while there is no audience counts for the next one, also of those whose timelines
// were looked at for an earlier one.
func TestWhatNobodyAskedForIsSeen(t *testing.T) {
	s := newStream(t)
	at := int64(10 * day)
	where := `{"event":"View","count":{"op":"gte","value":4}}`
	s.activate("regulars", where)
	s.events(event("web", at, user("ann", "1", `"event":"View"`)))
	s.events(event("web", at+1, user("ann", "2", `"event":"View"`)))
	s.command(clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: "regulars"}, Delete: true})
	s.events(event("web", at+2, user("ann", "3", `"event":"View"`)))
	s.activate("regulars again", where)
	s.events(event("web", at+3, user("ann", "4", `"event":"View"`)))
	if got := s.inAudience("regulars again"); got != "ann" {
		t.Errorf("members are %q", got)
	}
}
