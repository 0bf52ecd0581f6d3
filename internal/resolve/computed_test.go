package resolve_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/commerce"
	"clientele/internal/computed"
	"clientele/internal/identity"
	"clientele/internal/race"
	"clientele/internal/resolve"
	"clientele/internal/rowcache"
)

func (s *stream) trait(at int64, name, definition string) {
	s.commandAt(at, clientele.CommandComputedTrait, resolve.ComputedBody{Name: name, Definition: clientele.RawJSON(definition)})
}

// computed are the computed traits of the identifier's profile, from its states.
func (s *stream) computed(ns clientele.Namespace, value string) string {
	m := s.members(ns, value)
	states, err := resolve.LoadStates(s.store, m)
	s.must(err)
	book, err := resolve.LoadComputed(s.store)
	s.must(err)
	b, err := json.Marshal(book.Values(states, s.r.Totals().Tick))
	s.must(err)
	return string(b)
}

// tellsComputed are the computed traits that followers have, by profile.
func (s *stream) tellsComputed() map[int64]string {
	entries, err := s.store.Changes(0, 1<<20)
	s.must(err)
	t := clientele.TableNamed("profiles")
	out := map[int64]string{}
	for _, e := range entries {
		c, err := resolve.DecodeChange(e.Bytes)
		s.must(err)
		for _, tr := range c.Tables {
			if tr.Table != t.Name {
				continue
			}
			for _, row := range slices.Concat(tr.Insert, tr.Upsert) {
				text, _ := row[t.Column("computed")].(string)
				out[row[0].(int64)] = text
			}
			for _, k := range tr.Delete {
				n, _ := k[0].(int64)
				delete(out, n)
			}
		}
	}
	return out
}

func TestComputed(t *testing.T) {
	s := newStream(t)
	at := func(d float64) string { return clientele.Micros(d * day).String() }
	buy := func(id, user string, d float64, amount string, category string) clientele.Record {
		return event("web", 100*day, fmt.Sprintf(`{"type":"track","event":"Bought","userId":%q,"messageId":%q,"timestamp":%q,"properties":{"amount":%s,"category":%q}}`, user, id, at(d), amount, category))
	}
	s.events(buy("1", "ann", 50, "10.10", "tents"), buy("2", "ann", 90, "0.2", "boots"), buy("3", "ann", 91, `"5"`, "boots"), buy("4", "bob", 20, "7", "tents"), buy("5", "bob", 21, `"much"`, "tents"))
	for name, definition := range map[string]string{
		"bought":   `{"event":"Bought","count":true}`,
		"spent":    `{"event":"Bought","sum":"amount"}`,
		"month":    `{"event":"Bought","sum":"amount","within":"30d"}`,
		"dear":     `{"event":"Bought","where":[{"property":"amount","op":"gt","value":1}],"max":"amount"}`,
		"liked":    `{"event":"Bought","most_frequent":"category"}`,
		"kinds":    `{"event":"Bought","list":"category"}`,
		"first_is": `{"event":"Bought","first":"category"}`,
		"since":    `{"event":"Bought","days_since":true}`,
		"share":    `{"ratio":{"of":{"event":"Bought","where":[{"property":"category","op":"eq","value":"boots"}],"count":true},"by":{"event":"Bought","count":true}}}`,
		"orders":   `{"table":"orders","count":true}`,
		"net":      `{"difference":{"of":{"table":"orders","sum":"revenue"},"less":{"table":"returns","sum":"amount"}}}`,
	} {
		s.trait(100*day, name, definition)
	}
	if got := s.computed("user_id", "ann"); got != "{}" {
		t.Errorf("before it is filled ann has %s", got)
	}
	s.sweep(100*day + 1)
	ann := `{"bought":3,"dear":10.1,"first_is":"tents","kinds":["boots","tents"],"liked":"boots","month":5.2,"orders":0,"share":0.6666666666666666,"since":9,"spent":15.3}`
	if got := s.computed("user_id", "ann"); got != ann {
		t.Errorf("ann has %s\nwant %s", got, ann)
	}
	// A late event, one of bob's anonymous time, and an order with its return.
	s.events(event("web", 100*day+2, `{"type":"track","event":"Bought","anonymousId":"b","messageId":"6","timestamp":"`+at(99)+`","properties":{"amount":-1.5,"category":"maps"}}`))
	s.rows(event("crm", 100*day+3, `{"table":"orders","id":"o1","ids":[{"ns":"user_id","v":"bob"}],"fields":{"order_id":"O1","ts":"`+at(10)+`","revenue":"12.5"}}`),
		event("crm", 100*day+3, `{"table":"returns","id":"r1","fields":{"return_id":"R1","order_id":"O1","ts":"`+at(11)+`","amount":"2.25"}}`))
	bob := `{"bought":2,"dear":7,"first_is":"tents","kinds":["tents"],"liked":"tents","net":10.25,"orders":1,"share":0,"since":79,"spent":7}`
	if got := s.computed("user_id", "bob"); got != bob {
		t.Errorf("bob has %s\nwant %s", got, bob)
	}
	s.events(event("web", 100*day+4, `{"type":"identify","userId":"bob","anonymousId":"b","messageId":"7"}`))
	both := `{"bought":3,"dear":7,"first_is":"tents","kinds":["maps","tents"],"liked":"tents","month":-1.5,"net":10.25,"orders":1,"share":0,"since":1,"spent":5.5}`
	if got := s.computed("user_id", "bob"); got != both {
		t.Errorf("bob has %s\nwant %s", got, both)
	}
	for p, text := range s.tellsComputed() {
		if m := s.members("user_id", "bob"); p == int64(m[0]) && text != both {
			t.Errorf("followers have %s", text)
		}
	}
	// Time alone: the month passes, the days go on.
	if due := s.r.Due(); due != 101*day {
		t.Errorf("due is %v", due)
	}
	s.sweep(125 * day)
	for user, want := range map[string]string{"ann": `"month":5.2,`, "bob": `"since":26,`} {
		if got := s.computed("user_id", clientele.Identifier{Value: user}.Value); user == "ann" && strings.Contains(got, "month") || user == "bob" && !strings.Contains(got, want) {
			t.Errorf("%s has %s", user, got)
		}
	}
	told := s.tellsComputed()
	for _, user := range []string{"ann", "bob"} {
		if m := s.members("user_id", user); told[int64(m[0])] != s.computed("user_id", user) {
			t.Errorf("followers have %s of %s", told[int64(m[0])], user)
		}
	}
	// A new definition takes the place of the old one when it is filled.
	s.trait(125*day, "bought", `{"event":"Bought","where":[{"property":"category","op":"eq","value":"boots"}],"count":true}`)
	if got := s.computed("user_id", "ann"); !strings.Contains(got, `"bought":3`) {
		t.Errorf("while it is filled ann has %s", got)
	}
	s.sweep(125*day + 1)
	if got := s.computed("user_id", "ann"); !strings.Contains(got, `"bought":2`) {
		t.Errorf("filled, ann has %s", got)
	}
	s.trait(125*day, "bought", "")
	s.sweep(125*day + 2)
	if got := s.tellsComputed()[int64(s.members("user_id", "ann")[0])]; strings.Contains(got, "bought") {
		t.Errorf("followers still have %s", got)
	}
}

// scratch is what the anchor's timeline and rows give, computed from scratch.
func (s *stream) scratch(traits []*computed.Trait, a clientele.Anchor) *computed.State {
	out := &computed.State{Leaves: map[string]computed.Buckets{}}
	done := map[string]bool{}
	for _, tr := range traits {
		for _, l := range tr.Leaves {
			if done[l.Key] {
				continue
			}
			done[l.Key] = true
			add := func(o *audience.Occurrence) {
				if h, ok := l.Match(o); ok {
					out.Leaves[l.Key] = l.Add(out.Leaves[l.Key], h)
				}
			}
			if l.Table {
				s.must(commerce.NewLedger(s.store).OwnedBy(a, map[string]bool{l.Name: true}, func(id string, row commerce.Row) error {
					if row.Table.Name == l.Name {
						add(computed.Occurrence(row.Table, id, row))
					}
					return nil
				}))
				continue
			}
			s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowTimeline).Anchor(a)), func(k clientele.Key, v []byte) (bool, error) {
				e, err := resolve.ReadTimelineEntry(k, v)
				if e.Name == l.Name && e.Position != 0 {
					add(&audience.Occurrence{Stamp: clientele.Stamp{At: e.TS, Source: e.Source, ID: e.ID}, Properties: e.Properties, Context: e.Context})
				}
				return true, err
			}))
		}
	}
	return out
}

var randomDefinitions = []string{
	`{"event":"Look","count":true}`, `{"event":"Look","sum":"p","within":"3d"}`, `{"event":"Look","avg":"p","older_than":"2d"}`, `{"event":"Look","most_frequent":"p"}`,
	`{"event":"Look","list":"p","within":"36h"}`, `{"event":"Look","last":"p"}`, `{"event":"Look","days_since":true}`, `{"event":"Look","min":"p","from":"1970-01-12"}`,
	`{"event":"Look","where":[{"property":"p","op":"gt","value":3}],"unique":"q"}`, `{"event":"Home","count":true,"within":"5d","older_than":"1d"}`,
	`{"table":"orders","sum":"revenue"}`, `{"table":"order_lines","sum":"margin","within":"10d"}`, `{"table":"returns","count":true}`, `{"table":"orders","days_since":true}`,
	`{"ratio":{"of":{"table":"order_lines","where":[{"property":"full_price","op":"eq","value":true}],"count":true},"by":{"table":"order_lines","count":true}}}`,
	`{"difference":{"of":{"table":"orders","sum":"revenue"},"less":{"table":"returns","sum":"amount"}}}`,
}

// TestComputedProperty: whatever the history, of late and repeated events, merges and unmerges, erasures, retention
// and definitions that come and go, what is kept is what a computation from scratch gives, followers have what it
// amounts to, and the log resolved anew in one batch comes to the same rows.
func TestComputedProperty(t *testing.T) {
	for seed := range race.Cases(60) {
		rnd := rand.New(rand.NewPCG(seed, 21))
		s := newStream(t)
		now, sent := int64(20*day), 0
		user := func() string { return fmt.Sprintf("u%d", rnd.IntN(4)) }
		s.trait(now, "t0", randomDefinitions[rnd.IntN(len(randomDefinitions))])
		var all []clientele.Record
		for range 70 {
			now += rnd.Int64N(day / 2)
			ts := clientele.Micros(now - rnd.Int64N(10*day)).String()
			sent++
			switch rnd.IntN(12) {
			case 0:
				name, definition := fmt.Sprintf("t%d", rnd.IntN(5)), randomDefinitions[rnd.IntN(len(randomDefinitions))]
				if rnd.IntN(4) == 0 {
					definition = ""
				}
				s.trait(now, name, definition)
			case 1:
				s.events(event("web", now, fmt.Sprintf(`{"type":"identify","userId":%q,"anonymousId":"a%d","messageId":"m%d"}`, user(), rnd.IntN(6), sent)))
			case 2:
				if m := s.members("user_id", user()); len(m) > 1 {
					s.commandAt(now, clientele.CommandUnmerge, resolve.MergeBody{Anchors: m[1:2]})
				}
			case 3:
				if len(all) > 0 { // again, soon or days later, and perhaps with other properties
					r := all[rnd.IntN(len(all))]
					r.ReceivedAt = clientele.Micros(now)
					if rnd.IntN(2) == 0 {
						r.Raw = []byte(strings.Replace(string(r.Raw), `"p":`, `"p":1`, 1))
					}
					s.events(r)
				}
			case 4, 5:
				n := rnd.IntN(6)
				s.rows(event("crm", now, fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"C%d","ts":%q,"revenue":"%d"}}`, n, sent, user(), n, ts, rnd.IntN(90))),
					event("crm", now, fmt.Sprintf(`{"table":"order_lines","id":"l%d-%d","fields":{"order_id":"C%d","line":"%d","ts":%q,"price":"%d.5","list_price":"4.5","unit_cost":"2","quantity":"2"}}`, n, sent, n, rnd.IntN(3), ts, rnd.IntN(9))))
				if rnd.IntN(2) == 0 {
					s.rows(event("crm", now, fmt.Sprintf(`{"table":"returns","id":"r%d","fields":{"return_id":"R%d","order_id":"C%d","ts":%q,"amount":"%d"}}`, sent, sent, rnd.IntN(6), ts, rnd.IntN(9))))
				}
			case 6:
				if rnd.IntN(3) == 0 {
					s.retain(now, "r", &clientele.RetentionRule{OlderThan: fmt.Sprintf("%dd", 1+rnd.IntN(8)), Events: []string{"Look"}})
				}
			case 7:
				s.tick(now)
			case 8:
				if m := s.members("user_id", user()); m != nil && rnd.IntN(6) == 0 {
					s.commandAt(now, clientele.CommandErase, resolve.EraseBody{Anchors: m})
				}
			default:
				who := fmt.Sprintf(`"anonymousId":"a%d"`, rnd.IntN(6))
				if rnd.IntN(2) == 0 {
					who = fmt.Sprintf(`"userId":%q`, user())
				}
				r := event("web", now, fmt.Sprintf(`{"type":"track","event":%q,%s,"timestamp":%q,"messageId":"m%d","properties":{"p":%d,"q":"v%d"}}`,
					[]string{"Look", "Home"}[rnd.IntN(2)], who, ts, sent, rnd.IntN(9), rnd.IntN(4)))
				all = append(all, r)
				s.events(r)
			}
		}
		s.sweep(now)
		book, err := resolve.LoadComputed(s.store)
		s.must(err)
		if under, _, _ := book.Backfilling(); under {
			t.Fatalf("seed %d: it is still being filled", seed)
		}
		g, err := identity.NewGraph(s.rules, s.store)
		s.must(err)
		leaves := map[string]*computed.Leaf{}
		for _, tr := range book.Live() {
			for _, l := range tr.Leaves {
				leaves[l.Key] = l
			}
		}
		told := s.tellsComputed()
		s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowAnchor)), func(k clientele.Key, _ []byte) (bool, error) {
			a := k.Read().Anchor()
			want := s.scratch(book.Live(), a)
			tick := s.r.Totals().Tick
			kept := want.Tidy(leaves, tick)
			got, err := rowcache.Load[computed.State](s.store, clientele.ComputedKey(a))
			s.must(err)
			if (got != nil) != kept {
				t.Fatalf("seed %d: anchor %d is kept %t, want %t", seed, a, got != nil, kept)
			}
			if got != nil {
				want.Due = want.NextOf(leaves, tick)
				if b, err := rowcache.Encode(want); err != nil || !reflect.DeepEqual(got, must(rowcache.Decode[computed.State](b))) {
					t.Fatalf("seed %d: anchor %d has\n%+v, from scratch\n%+v", seed, a, text(got), text(want))
				}
				due, err := s.store.Get(clientele.ComputedDueKey(got.Due, a))
				if s.must(err); (due != nil) != (got.Due != 0) {
					t.Fatalf("seed %d: due at %v is noted: %t", seed, got.Due, due != nil)
				}
			}
			p, err := g.Profile(a)
			s.must(err)
			m, err := g.Members(p)
			s.must(err)
			states, err := resolve.LoadStates(s.store, m)
			s.must(err)
			values, err := json.Marshal(book.Values(states, tick))
			s.must(err)
			if have := told[int64(p)]; have != string(values) && !(have == "" && (len(book.Traits) == 0 || string(values) == "{}")) {
				t.Fatalf("seed %d: followers have %s of profile %d, want %s", seed, have, p, values)
			}
			return true, nil
		}))
		n := newStream(t)
		n.frames = s.frames
		n.run(len(n.frames))
		if d := differences(s.dump(), n.dump()); len(d) > 0 {
			t.Fatalf("seed %d, resolved anew in one batch:\n%s", seed, strings.Join(d, "\n"))
		}
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
