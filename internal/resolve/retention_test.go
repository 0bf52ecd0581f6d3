package resolve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/race"
	"clientele/internal/resolve"
)

func (s *stream) tick(at int64) {
	s.frames = append(s.frames, clientele.Frame{Kind: clientele.KindTick, Records: []clientele.Record{{Source: "clock", ReceivedAt: clientele.Micros(at), Raw: []byte("{}")}}})
	s.run(len(s.frames))
}

// sweep ticks until no sweep is under way.
func (s *stream) sweep(at int64) {
	for {
		s.tick(at)
		if due := s.r.Due(); due == 0 || due > clientele.Micros(at) {
			return
		}
	}
}

func (s *stream) retain(at int64, name string, rule *clientele.RetentionRule) {
	s.commandAt(at, clientele.CommandRetention, resolve.RetentionBody{Name: name, Rule: rule})
}

// small is a stream whose sweeps take many ticks.
func smallSweeps(t *testing.T) *stream {
	s := newStream(t)
	s.open(nil)
	return s
}

func (s *stream) open(made []clientele.Erasure) {
	var err error
	s.r, err = resolve.New(resolve.Options{Store: s.store, Sources: source, Rules: s.rules, SweepRows: 7,
		Erasures: func() ([]clientele.Erasure, error) { return slices.Clone(made), nil },
		Fetch:    func(p clientele.Position) (*clientele.Frame, error) { return &s.frames[p-1], nil }})
	s.must(err)
}

// anew resolves the log anew, into another store.
func (s *stream) anew() *stream {
	n := newStream(s.t)
	n.frames = s.frames
	n.open(s.erasures())
	n.run(len(n.frames))
	return n
}

// purgeExpired rewrites the log without what retention rules have deleted, as the program does.
func (s *stream) purgeExpired() int64 {
	var expired, keptOut []clientele.RecordRef
	s.must(resolve.ScanExpired(s.store, func(r clientele.RecordRef) error { expired = append(expired, r); return nil }))
	s.must(resolve.ScanKeptOut(s.store, func(r clientele.RecordRef) error { keptOut = append(keptOut, r); return nil }))
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	keeps, err := resolve.LoadRetention(s.store)
	s.must(err)
	p := resolve.NewPurge(resolve.NewSeal(nil), s.erasures(), keptOut, s.r.Rules(), source, g.Known)
	p.Retain(keeps, expired)
	for i := range s.frames {
		f, err := p.Frame(clientele.Position(i+1), &s.frames[i])
		s.must(err)
		if f != nil {
			s.frames[i] = *f
		}
	}
	forget := p.Take()
	forget.KeptOut, forget.Expired, forget.Retained = keptOut, expired, true
	s.must(s.r.Forget(forget))
	return forget.Records
}

// told is an event that followers have, and the frame that told of it.
type told struct {
	event, source string
	at            clientele.Micros
	position      clientele.Position
	anchor        int64
}

// followed are the events that followers have, by source and id.
func (s *stream) followed() map[string]told {
	entries, err := s.store.Changes(0, 1<<20)
	s.must(err)
	t := clientele.TableNamed("events")
	out := map[string]told{}
	for _, e := range entries {
		c, err := resolve.DecodeChange(e.Bytes)
		s.must(err)
		for _, x := range c.Expired {
			for k, v := range out {
				if x.Matches(v.event, v.source, v.at) {
					delete(out, k)
				}
			}
		}
		for _, tr := range c.Tables {
			if tr.Table != "events" {
				continue
			}
			for _, row := range tr.Insert {
				v := told{source: row[t.Column("source")].(string), at: clientele.Micros(row[t.Column("ts")].(int64)), position: c.Position, anchor: row[0].(int64)}
				if v.event, _ = row[t.Column("name")].(string); row[t.Column("type")] != "track" {
					v.event = "$" + row[t.Column("type")].(string)
				}
				out[v.source+" "+row[t.Column("event_id")].(string)] = v
			}
		}
	}
	return out
}

func TestRetention(t *testing.T) {
	s := newStream(t)
	at := func(d float64) string { return clientele.Micros(d * day).String() }
	s.events(event("web", 100*day, `{"type":"track","userId":"ann","event":"Viewed","messageId":"old","timestamp":"`+at(50)+`","properties":{"page":"secret-1"}}`),
		event("web", 100*day, `{"type":"track","userId":"ann","event":"Viewed","messageId":"edge","timestamp":"`+at(70)+`"}`),
		event("web", 100*day, `{"type":"page","anonymousId":"a","messageId":"page","timestamp":"`+at(50)+`"}`),
		event("web", 100*day, `{"type":"track","event":"Viewed","messageId":"nobody","timestamp":"`+at(50)+`"}`),
		event("web", 100*day, `{"type":"identify","userId":"ann","messageId":"say","timestamp":"`+at(50)+`","traits":{"city":"Hue","consent":{"marketing":true}}}`),
		event("web", 100*day, `{"type":"track","userId":"ann","event":"Order Completed","messageId":"order","timestamp":"`+at(50)+`","properties":{"order_id":"O1","total":5}}`))
	golden := s.golden("user_id", "ann")
	s.retain(100*day, "views", &clientele.RetentionRule{Events: []string{"Viewed"}, OlderThan: "30d"})
	if n := len(s.followed()); n != 6 {
		t.Fatalf("a rule has deleted before a tick: %d are left", n)
	}
	s.sweep(100*day + 1)
	left := s.followed()
	for _, gone := range []string{"web old", "web nobody"} {
		if _, ok := left[gone]; ok {
			t.Errorf("%s is left", gone)
		}
	}
	if len(left) != 4 {
		t.Errorf("left are %v", left)
	}
	s.retain(100*day, "all", &clientele.RetentionRule{OlderThan: "40d"})
	s.sweep(100*day + 2)
	if left = s.followed(); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
	if got := s.golden("user_id", "ann"); got != golden {
		t.Errorf("ann was %s\nis %s", golden, got)
	}
	if n := len(s.tables()["orders"]); n != 1 {
		t.Errorf("%d orders", n)
	}
	// What comes too late is folded and not kept; what comes again changes nothing.
	before := s.r.Totals()
	s.events(event("web", 100*day+3, `{"type":"identify","userId":"bob","messageId":"late","timestamp":"`+at(20)+`","traits":{"city":"Hanoi"}}`),
		event("web", 100*day+3, `{"type":"track","userId":"ann","event":"Viewed","messageId":"old","timestamp":"`+at(50)+`"}`))
	after := s.r.Totals()
	if after.Duplicates != before.Duplicates+1 || after.Expired != before.Expired+1 || len(s.followed()) != 1 {
		t.Errorf("totals %+v", after)
	}
	if got := s.golden("user_id", "bob"); !strings.HasPrefix(got, `{"city":"Hanoi"} records=1`) {
		t.Errorf("bob is %s", got)
	}
	// A day later the edge has passed; without a tick nothing goes.
	s.events(event("web", 101*day+3, `{"type":"track","userId":"ann","event":"Viewed","messageId":"new"}`))
	if n := len(s.followed()); n != 2 {
		t.Errorf("%d are left", n)
	}
	s.sweep(101*day + 4)
	if left = s.followed(); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
	// Once the rules are gone, an old event is kept again.
	s.retain(101*day, "all", nil)
	s.retain(101*day, "views", nil)
	s.events(event("web", 101*day+5, `{"type":"track","userId":"ann","event":"Viewed","messageId":"old2","timestamp":"`+at(50)+`","properties":{"page":"secret-2"}}`))
	if n := len(s.followed()); n != 2 {
		t.Errorf("%d are left", n)
	}
	if n := s.purgeExpired(); n != 8 { // the repetition too
		t.Errorf("%d records were rewritten", n)
	}
	if where := s.holds("secret-1"); len(where) > 0 {
		t.Errorf("a page is still in %v", where)
	}
	if where := s.holds("secret-2"); len(where) == 0 {
		t.Error("a kept event is purged")
	}
	if d := differences(s.dump(), s.anew().dump()); len(d) > 0 {
		t.Errorf("resolved anew:\n%s", strings.Join(d, "\n"))
	}
	if n := s.purgeExpired(); n != 0 {
		t.Errorf("%d records were rewritten twice", n)
	}
}

func TestRetentionRefuses(t *testing.T) {
	s := newStream(t)
	for i, r := range []*clientele.RetentionRule{{OlderThan: "0d"}, {OlderThan: "5"}, {OlderThan: "-1d"}, {OlderThan: "99999d"}, {OlderThan: "1d", Delete: "profiles"},
		{OlderThan: "1d", Delete: clientele.RetainQuarantine, Events: []string{"x"}}, {OlderThan: "1d", Events: []string{""}}, nil} {
		s.retain(9*day, "r", r)
		if q := s.r.Totals().Quarantined; q != int64(i+1) {
			t.Errorf("%+v was taken", r)
		}
	}
	if s.r.Due() != 0 {
		t.Error("without a rule something is due")
	}
}

// sweepMade is a sweep as the model knows it.
type sweepMade struct {
	expiry clientele.Expiry
	end    clientele.Position // of the rule
}

// TestRetentionProperty: whatever the history, of people who merge and are taken apart, of late and repeated
// events and of rules that come and go, the rows are those of the same history without rules but for the events
// that a model of the rules deletes; purging the log takes what these held out of it and nothing of
// the others, and resolving the purged log anew comes to the same rows.
func TestRetentionProperty(t *testing.T) {
	for seed := range race.Cases(60) {
		rnd := rand.New(rand.NewPCG(seed, 13))
		s, plain := smallSweeps(t), newStream(t)
		user := func() string { return fmt.Sprintf("u%d", rnd.IntN(4)) }
		now, sent := int64(200*day), 0
		rules, quarantine := map[string]*clientele.RetentionRule{}, int64(0)
		var made []*sweepMade
		open := map[string][]*sweepMade{}
		both := func(kind clientele.Kind, records ...clientele.Record) {
			for _, x := range []*stream{s, plain} {
				x.frames = append(x.frames, clientele.Frame{Kind: kind, Records: slices.Clone(records)})
				x.run(len(x.frames))
			}
		}
		level := func() { // the same positions in both
			for len(plain.frames) < len(s.frames) {
				plain.tick(now)
			}
		}
		sweep := func() {
			for name, r := range rules {
				if r.Delete == clientele.RetainQuarantine {
					quarantine = max(quarantine, int64(resolve.BeforeOf(r, clientele.Micros(now))))
					continue
				}
				m := &sweepMade{expiry: resolve.ExpiryOf(r, clientele.Micros(now)), end: 1 << 40}
				made, open[name] = append(made, m), append(open[name], m)
			}
			s.sweep(now)
			level()
		}
		last := ""
		for range 60 {
			now += rnd.Int64N(day)
			ts := clientele.Micros(now - rnd.Int64N(20*day)).String()
			sent++
			id := fmt.Sprintf("m%d", sent)
			switch rnd.IntN(10) {
			case 0:
				name := fmt.Sprintf("r%d", rnd.IntN(3))
				r := &clientele.RetentionRule{OlderThan: fmt.Sprintf("%dd", 1+rnd.IntN(15))}
				switch rnd.IntN(5) {
				case 0:
					r.Events = []string{"Look", "$page"}
				case 1:
					r.Sources = []string{"app"}
				case 2:
					r.Delete, r.OlderThan = clientele.RetainQuarantine, "3d"
				case 3:
					r = nil
				}
				if r == nil && rules[name] == nil {
					continue
				}
				for _, m := range open[name] {
					m.end = clientele.Position(len(s.frames) + 1)
				}
				delete(open, name)
				if rules[name] = r; r == nil {
					delete(rules, name)
				}
				s.retain(now, name, r)
				level()
				sweep()
			case 1:
				both(clientele.KindEvent, event("web", now, fmt.Sprintf(`{"type":"identify","userId":%q,"anonymousId":"a%d","timestamp":%q,"messageId":%q,"traits":{"email":"%s@example.com","t%d":%d,"consent":{"marketing":%v}}}`,
					user(), rnd.IntN(6), ts, id, user(), rnd.IntN(4), rnd.IntN(9), rnd.IntN(2) == 0)))
			case 2:
				u := user()
				both(clientele.KindEvent, event("app", now, fmt.Sprintf(`{"type":"track","userId":%q,"event":"Order Completed","timestamp":%q,"messageId":%q,"properties":{"s":"<%s>","order_id":"O-%s-%d","total":%d.5,"payment_method":"card","products":[{"sku":"S%d","name":"N","price":%d}]}}`,
					u, ts, id, id, u, rnd.IntN(4), rnd.IntN(50), rnd.IntN(3), rnd.IntN(9))))
			case 3:
				both(clientele.KindEvent, event("web", now, fmt.Sprintf(`{"type":"track","userId":"u1","timestamp":%q,"messageId":%q,"properties":{"s":"<%s>"}}`, ts, id, id))) // no name
			case 4:
				if last != "" { // again, as libraries do
					both(clientele.KindEvent, event("web", now, last))
				}
			case 5:
				both(clientele.KindEvent, event("app", now, fmt.Sprintf(`{"type":"track","event":"Look","timestamp":%q,"messageId":%q,"properties":{"s":"<%s>"}}`, ts, id, id))) // nobody
				both(clientele.KindRow, event("crm", now, fmt.Sprintf(`{"table":"orders","id":"o%d","ids":[{"ns":"user_id","v":"u%d"}],"fields":{"order_id":"C%d","ts":%q}}`, sent, sent%4, sent, ts)))
			case 6:
				if m := s.members("user_id", user()); len(m) > 1 {
					name, body := clientele.CommandUnmerge, resolve.MergeBody{Anchors: m[1:2]}
					s.commandAt(now, name, body)
					plain.commandAt(now, name, body)
				}
			default:
				library := []string{"web", "clientele-import"}[rnd.IntN(2)] // imported ids are remembered for ever
				last = fmt.Sprintf(`{"type":"track","anonymousId":"a%d","event":"Look","timestamp":%q,"messageId":%q,"context":{"library":{"name":%q}},"properties":{"s":"<%s>","p%d":%d}}`,
					rnd.IntN(6), ts, id, library, id, rnd.IntN(6), rnd.IntN(3))
				both(clientele.KindEvent, event("web", now, last), event("app", now, fmt.Sprintf(`{"type":"page","userId":%q,"anonymousId":"a%d","timestamp":%q,"messageId":"%sv","properties":{"s":"<%sv>"}}`, user(), rnd.IntN(6), ts, id, id)))
			}
			if rnd.IntN(4) == 0 {
				if due := s.r.Due(); due != 0 && due <= clientele.Micros(now) {
					sweep()
				} else {
					s.tick(now)
					level()
				}
			}
		}
		want := plain.followed()
		for k, v := range want {
			for _, m := range made {
				if m.expiry.Matches(v.event, v.source, v.at) && v.position < m.end {
					delete(want, k)
				}
			}
		}
		got := s.followed()
		for k := range plain.followed() {
			if (want[k].position != 0) != (got[k].position != 0) {
				t.Fatalf("seed %d: %s: followers have it: %t, rules %v", seed, k, got[k].position != 0, rules)
			}
		}
		// The rows but for those events, and what was in quarantine and is old.
		rows := plain.dump()
		for k, v := range rows {
			switch k[0] {
			case clientele.RowTimeline:
				e, err := resolve.ReadTimelineEntry(clientele.Key(k), []byte(v))
				s.must(err)
				if _, ok := want[e.Source+" "+e.ID]; !ok && e.Position != 0 {
					delete(rows, k)
				}
			case clientele.RowQuarantine:
				q, _, _, err := resolve.ReadQuarantine(clientele.Key(k), []byte(v))
				s.must(err)
				if int64(q.ReceivedAt) < quarantine {
					delete(rows, k)
				}
			}
		}
		have := s.dump()
		for k := range have {
			if k[0] == clientele.RowErasure {
				delete(have, k)
			}
		}
		if d := differences(rows, have); len(d) > 0 {
			t.Fatalf("seed %d:\n%s", seed, strings.Join(d, "\n"))
		}
		if totals := s.r.Totals(); totals.Events != plain.r.Totals().Events || totals.Duplicates != plain.r.Totals().Duplicates {
			t.Fatalf("seed %d: %+v", seed, totals)
		}
		s.purgeExpired()
		whole := len(s.frames)
		if d := differences(have, s.anew().dump()); len(d) > 0 {
			t.Fatalf("seed %d, resolved anew:\n%s", seed, strings.Join(d, "\n"))
		}
		for i := range whole { // the same import again brings nothing back
			for _, r := range plain.frames[i].Records {
				if strings.Contains(string(r.Raw), "clientele-import") {
					s.events(event(r.Source, now+100*day, string(r.Raw)))
				}
			}
		}
		if again := s.followed(); len(again) != len(got) {
			t.Fatalf("seed %d: %d events were left, after the same import %d", seed, len(got), len(again))
		}
		s.frames = s.frames[:whole]
		kept := map[string]bool{}
		for k := range got {
			kept[k[strings.Index(k, " ")+1:]] = true
		}
		first := map[string]bool{} // a repetition behind the end of a rule is not the rule's
		for i := range s.frames {
			for _, r := range s.frames[i].Records {
				var e struct {
					ID         string `json:"messageId"`
					Event      string `json:"event"`
					Type       string `json:"type"`
					Properties struct {
						S string `json:"s"`
					} `json:"properties"`
				}
				err := json.Unmarshal(r.Raw, &e)
				if e.ID == "" {
					var t struct{ ID string }
					if json.Unmarshal(r.Raw, &t) == nil {
						e.ID = t.ID
					}
				}
				again := first[e.ID]
				first[e.ID] = true
				if err == nil && e.Properties.S != "" && !again && !kept[e.ID] && (e.Event != "" || e.Type != "track") {
					t.Fatalf("seed %d: the log has %s whole, of an event that is deleted", seed, r.Raw)
				}
				if r.Verdict == clientele.Expired && strings.Contains(string(r.Raw), "<m") {
					t.Fatalf("seed %d: what remains is %s", seed, r.Raw)
				}
			}
		}
	}
}
