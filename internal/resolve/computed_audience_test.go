package resolve_test

import (
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

// fillAll tells all versions that wait for it what SQL would find, until none waits.
func (s *stream) fillAll(at int64) {
	s.t.Helper()
	for {
		list, err := resolve.LoadAudiences(s.store)
		s.must(err)
		i := slices.IndexFunc(list, func(a clientele.AudienceInForce) bool { return a.Filling != nil })
		if i < 0 {
			return
		}
		a := list[i]
		b := s.snapshot(string(a.Where)).part(a.Name, a.Filling.Version, 0, 1<<52)
		s.commandAt(at, clientele.CommandAudienceFill, b)
		s.commandAt(at, clientele.CommandAudienceFill, resolve.AudienceFillBody{Name: a.Name, Version: a.Filling.Version, Live: true})
	}
}

// An audience of computed traits follows events, rows, time, and definitions that become others.
func TestAudienceOfComputedTraits(t *testing.T) {
	s := newStream(t)
	at := int64(100 * day)
	audienceOf := func(name, where string) error {
		_, err := resolve.CheckAudience(s.store, clientele.Audience{Name: name, Where: clientele.RawJSON(where)})
		if err == nil {
			s.commandAt(at, clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: name, Where: clientele.RawJSON(where)}})
		}
		return err
	}
	s.trait(at, "orders", `{"table":"orders","count":true}`)
	s.trait(at, "looks_2d", `{"event":"Look","count":true,"within":"2d"}`)
	s.sweep(at)
	if err := audienceOf("buyers", `{"trait":"computed.oders","op":"gte","value":1}`); clientele.ErrorCode(err) != clientele.Invalid || !strings.Contains(clientele.ErrorHint(err), "orders") {
		t.Errorf("a trait that is not there: %v (%s)", err, clientele.ErrorHint(err))
	}
	s.must(audienceOf("buyers", `{"trait":"computed.orders","op":"gte","value":1}`))
	s.must(audienceOf("lookers", `{"trait":"computed.looks_2d","op":"eq","value":2}`))
	s.must(audienceOf("none", `{"trait":"computed.orders","op":"eq","value":0}`))
	s.fillAll(at)
	want := func(name, members string) {
		t.Helper()
		if got := s.inAudience(name); got != members {
			t.Errorf("%s are %q, want %q", name, got, members)
		}
	}
	s.events(event("web", at, user("ann", "1", `"event":"Look"`)), event("web", at, user("ann", "2", `"event":"Look"`)), event("web", at, user("bob", "3", `"event":"Look"`)))
	want("lookers", "ann")
	want("none", "")
	s.rows(event("crm", at, fmt.Sprintf(`{"table":"orders","id":"o1","ids":[{"ns":"user_id","v":"bob"}],"fields":{"order_id":"O1","ts":%q,"revenue":"12.5"}}`, clientele.Micros(at))))
	want("buyers", "bob")
	s.sweep(at + 3*day + 1)
	want("lookers", "")
	if rows := s.toldOf("lookers"); len(rows) != 1 || !strings.Contains(rows[0], clientele.ReasonTime) {
		t.Errorf("the history has %v", rows)
	}
	s.trait(at+4*day, "looks_2d", `{"event":"Look","count":true}`)
	s.sweep(at + 4*day)
	s.fillAll(at + 4*day)
	want("lookers", "ann")
	s.commandAt(at+4*day, clientele.CommandComputedTrait, resolve.ComputedBody{Name: "orders"})
	if err := resolve.ComputedUnused(s.store, "orders"); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a trait that an audience asks for can end: %v", err)
	}
	s.sweep(at + 4*day)
	want("buyers", "bob")
}

// Whatever the history, memberships of audiences of computed traits are what evaluation of the profile as it
// stands gives, and the log resolved anew in one batch comes to the same rows.
func TestAudiencesOfComputedTraitsProperty(t *testing.T) {
	wheres := []string{`{"trait":"computed.n","op":"gte","value":3}`, `{"not":{"trait":"computed.w","op":"exists"}}`, `{"and":[{"trait":"computed.n","op":"eq","value":2},{"trait":"city","op":"eq","value":"Hue"}]}`,
		`{"trait":"computed.d","op":"between","value":[2,5]}`, `{"and":[{"audience":"a0"},{"trait":"computed.o","op":"lt","value":50}]}`}
	for seed := range race.Cases(25) {
		rnd := rand.New(rand.NewPCG(seed, 17))
		s := newStream(t)
		now, sent := int64(20*day), 0
		for name, definition := range map[string]string{"n": `{"event":"Look","count":true}`, "w": `{"event":"Look","sum":"p","within":"3d"}`, "d": `{"event":"Look","days_since":true}`, "o": `{"table":"orders","sum":"revenue"}`} {
			s.trait(now, name, definition)
		}
		s.sweep(now)
		for i, where := range wheres {
			s.commandAt(now, clientele.CommandAudience, resolve.AudienceBody{Audience: clientele.Audience{Name: fmt.Sprint("a", i), Where: clientele.RawJSON(where)}})
		}
		s.fillAll(now)
		users := []string{"ann", "bob", "cid", "dan"}
		for range 50 {
			now += rnd.Int64N(day / 2)
			sent++
			who := users[rnd.IntN(len(users))]
			ts := clientele.Micros(now - rnd.Int64N(6*day)).String()
			switch rnd.IntN(9) {
			case 0:
				s.events(event("web", now, fmt.Sprintf(`{"type":"identify","userId":%q,"anonymousId":"a%d","messageId":"m%d","traits":{"city":%q}}`, who, rnd.IntN(5), sent, []string{"Hue", "Hanoi"}[rnd.IntN(2)])))
			case 1:
				if m := s.members("user_id", who); len(m) > 1 {
					s.commandAt(now, clientele.CommandUnmerge, resolve.MergeBody{Anchors: m[1:2]})
				}
			case 2:
				n := rnd.IntN(5)
				s.rows(event("crm", now, fmt.Sprintf(`{"table":"orders","id":"o%d-%d","ids":[{"ns":"user_id","v":%q}],"fields":{"order_id":"C%d","ts":%q,"revenue":"%d"}}`, n, sent, who, n, ts, rnd.IntN(90))))
			case 3:
				s.sweep(now)
			case 4:
				if m := s.members("user_id", who); m != nil && rnd.IntN(5) == 0 {
					s.commandAt(now, clientele.CommandErase, resolve.EraseBody{Anchors: m})
				} else if rnd.IntN(4) == 0 {
					s.trait(now, "n", randomDefinitions[rnd.IntN(6)])
				}
			case 5:
				if rnd.IntN(4) == 0 {
					s.retain(now, "r", &clientele.RetentionRule{OlderThan: fmt.Sprintf("%dd", 2+rnd.IntN(8)), Events: []string{"Look"}})
				}
			default:
				id := fmt.Sprintf(`"anonymousId":"a%d"`, rnd.IntN(5))
				if rnd.IntN(2) == 0 {
					id = fmt.Sprintf(`"userId":%q`, who)
				}
				s.events(event("web", now, fmt.Sprintf(`{"type":"track","event":"Look",%s,"timestamp":%q,"messageId":"m%d","properties":{"p":%d}}`, id, ts, sent, rnd.IntN(9))))
			}
		}
		s.sweep(now)
		s.fillAll(now)
		s.sweep(now)
		g, err := identity.NewGraph(s.rules, s.store)
		s.must(err)
		for i, where := range wheres {
			c, err := audience.Parse([]byte(where))
			s.must(err)
			name := fmt.Sprint("a", i)
			s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
				p := clientele.ProfileID(k.Read().Uint())
				f, err := resolve.LoadFacts(s.store, g, nil, p)
				s.must(err)
				want, _, err := audience.Evaluate(c, f, audience.At{Now: clientele.Micros(now)})
				s.must(err)
				in, err := resolve.LoadMemberships(s.store, p)
				s.must(err)
				if _, is := in[name]; is != want {
					t.Fatalf("seed %d: profile %d is in %s: %t, by its facts %t", seed, p, where, is, want)
				}
				return true, nil
			}))
		}
		n := newStream(t)
		n.frames = s.frames
		n.run(len(n.frames))
		if d := differences(s.dump(), n.dump()); len(d) > 0 {
			t.Fatalf("seed %d, resolved anew in one batch:\n%s", seed, strings.Join(d, "\n"))
		}
	}
}
