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
	"clientele/internal/resolve"
)

func stagesOf(pairs ...string) (out []clientele.LifecycleStage) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, clientele.LifecycleStage{Name: pairs[i], Where: clientele.RawJSON(pairs[i+1])})
	}
	return out
}

// stages brings a lifecycle into force and live, before there is anybody.
func (s *stream) stages(list []clientele.LifecycleStage) {
	s.t.Helper()
	s.command(clientele.CommandLifecycle, resolve.LifecycleBody{Stages: list})
	s.fillStages(int64(s.r.Totals().Now), nil)
}

func (s *stream) stageless() bool {
	l, err := resolve.LoadLifecycle(s.store)
	s.must(err)
	return l.Version == 0
}

// fillStages tells of the stages that wait for it what SQL would find.
func (s *stream) fillStages(at int64, between func()) {
	s.t.Helper()
	waiting, err := resolve.LoadFilling(s.store)
	s.must(err)
	for _, w := range waiting {
		found := s.snapshot(string(w.Where))
		if between != nil {
			between()
		}
		if n := len(found.profiles); n > 0 {
			s.commandAt(at, clientele.CommandAudienceFill, found.part(w.Name, w.Filling.Version, 0, found.profiles[n-1]+1))
		}
		s.commandAt(at, clientele.CommandAudienceFill, resolve.AudienceFillBody{Name: w.Name, Version: w.Filling.Version, Live: true})
	}
}

// stageOf is the stage of a user, and since when.
func (s *stream) stageOf(who string) string {
	s.t.Helper()
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	a, err := g.Find(clientele.Identifier{Namespace: clientele.UserID, Value: who})
	s.must(err)
	p, err := g.Profile(a)
	s.must(err)
	at, err := resolve.LoadStage(s.store, p)
	s.must(err)
	if at == nil {
		return ""
	}
	return fmt.Sprintf("%s %d", at.Stage, at.Since)
}

func TestStagesFollowWhatPeopleDo(t *testing.T) {
	s := newStream(t)
	s.activate("big", `{"event":"Order","where":[{"property":"total","op":"gt","value":100}]}`)
	s.stages(stagesOf("awareness", "", "interest", `{"event":"View","within":"4d"}`, "purchase", `{"event":"Order"}`, "loved", `{"audience":"big"}`))
	s.activate("waiting", `{"lifecycle":"interest","for":"2d"}`)
	at := int64(10 * day)
	s.events(event("web", at, user("ann", "1", `"event":"page"`)), event("web", at, user("bob", "2", `"event":"View"`)))
	if got := s.stageOf("ann") + ", " + s.stageOf("bob"); got != fmt.Sprintf("awareness %d, interest %d", at, at) {
		t.Fatalf("stages are %s", got)
	}
	s.clock(at + 2*day)
	if got := s.inAudience("waiting"); got != "bob" {
		t.Errorf("after two days in the stage: %q", got)
	}
	s.clock(at + 4*day + 1)
	if got := s.stageOf("bob") + s.inAudience("waiting"); got != fmt.Sprintf("awareness %d", at+4*day+1) {
		t.Errorf("after the window: %s", got)
	}
	s.events(event("web", at+5*day, user("bob", "3", `"event":"Order","properties":{"total":200}`)))
	if got := s.stageOf("bob"); got != fmt.Sprintf("loved %d", at+5*day) {
		t.Errorf("a stage by an audience: %s", got)
	}
	// As one person they are in the stage of both; apart again each is in the own one.
	var anchors []clientele.Anchor
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	for _, who := range []string{"ann", "bob"} {
		a, err := g.Find(clientele.Identifier{Namespace: clientele.UserID, Value: who})
		s.must(err)
		anchors = append(anchors, a)
	}
	s.commandAt(at+6*day, clientele.CommandMerge, resolve.MergeBody{Anchors: anchors})
	if got := s.stageOf("ann"); !strings.HasPrefix(got, "loved") || got != s.stageOf("bob") {
		t.Errorf("merged: %s and %s", got, s.stageOf("bob"))
	}
	s.commandAt(at+7*day, clientele.CommandUnmerge, resolve.MergeBody{Anchors: anchors[1:]})
	if got := s.stageOf("ann") + s.stageOf("bob"); !strings.Contains(got, "awareness") || !strings.Contains(got, "loved") {
		t.Errorf("apart: %s", got)
	}
	s.oneOpenStay(2)
	if rows := s.tables()["audience_members"]; slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, "lifecycle/") }) {
		t.Errorf("stages are told as audiences: %v", rows)
	}
	s.commandAt(at+8*day, clientele.CommandErase, resolve.EraseBody{Anchors: anchors[1:]})
	if rows := s.audienceRows(); strings.Contains(rows, fmt.Sprintf("%x", []byte(clientele.MemberKey(clientele.ProfileID(anchors[1]))))) {
		t.Errorf("after the erasure a stage is left")
	}
}

// oneOpenStay says whether everybody is in one stage: the history of each is without gaps, and ends in one open stay.
func (s *stream) oneOpenStay(people int) {
	s.t.Helper()
	type stay struct{ from, left string }
	byProfile := map[string][]stay{}
	for _, row := range s.tables()["lifecycle"] {
		f := strings.Fields(strings.Trim(row, "[]"))
		byProfile[f[0]] = append(byProfile[f[0]], stay{f[len(f)-3], f[len(f)-2]})
	}
	open := 0
	for p, stays := range byProfile {
		slices.SortFunc(stays, func(a, b stay) int {
			return strings.Compare(fmt.Sprintf("%20s", a.from)+a.left, fmt.Sprintf("%20s", b.from)+b.left)
		})
		n := 0
		for _, x := range stays {
			if x.left == "<nil>" {
				n++
			}
		}
		if open += n; n > 1 {
			s.t.Errorf("profile %s is in %d stages: %v", p, n, stays)
		}
	}
	there := 0
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		there++
		at, err := resolve.LoadStage(s.store, clientele.ProfileID(k.Read().Uint()))
		if s.must(err); at == nil {
			s.t.Errorf("a profile is in no stage")
		}
		return true, nil
	}))
	if there != people && people >= 0 {
		s.t.Errorf("there are %d profiles", there)
	}
	if open != there {
		s.t.Errorf("%d stays are open, of %d profiles", open, there)
	}
}

// furthest is the stage by the definitions alone.
func (s *stream) furthest(list []clientele.LifecycleStage, g *identity.Graph, p clientele.ProfileID) string {
	f, err := resolve.LoadFacts(s.store, g, nil, p)
	s.must(err)
	for i := len(list) - 1; i > 0; i-- {
		c, err := audience.Parse(list[i].Where)
		s.must(err)
		in, _, err := audience.Evaluate(c, f, audience.At{Now: s.r.Totals().Now})
		if s.must(err); in {
			return list[i].Name
		}
	}
	return list[0].Name
}

func (s *stream) stagesAgree(seed uint64, list []clientele.LifecycleStage) {
	s.t.Helper()
	s.clock(int64(s.r.Totals().Now))
	g, err := identity.NewGraph(s.rules, s.store)
	s.must(err)
	s.must(s.store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowGroup)), func(k clientele.Key, _ []byte) (bool, error) {
		p := clientele.ProfileID(k.Read().Uint())
		at, err := resolve.LoadStage(s.store, p)
		if s.must(err); at == nil || at.Stage != s.furthest(list, g, p) {
			s.t.Fatalf("seed %d: %s is in %v, by its definition in %s", seed, p, at, s.furthest(list, g, p))
		}
		return true, nil
	}))
	s.oneOpenStay(-1)
}

// TestStagesBesideLife: another version of the lifecycle is filled while people go on and merge, with the program stopped
// in between; everybody stays in the stages before it until all of its stages are filled, and then is in those of it.
func TestStagesBesideLife(t *testing.T) {
	first := stagesOf("a", "", "b", liveDefinitions[0], "c", liveDefinitions[2])
	second := stagesOf("a", "", "c", liveDefinitions[3], "d", liveDefinitions[6], "e", liveDefinitions[12])
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		s := newStream(t)
		if seed%3 > 0 { // otherwise the history comes before the first lifecycle
			s.stages(first)
		}
		frames := randomLife(rnd, 60)
		live := func(n int) {
			for range min(n, len(frames)) {
				s.frames = append(s.frames, frames[0])
				frames = frames[1:]
				s.run(len(s.frames))
			}
		}
		live(25)
		if seed%3 > 0 {
			s.stagesAgree(seed, first)
		}
		now := func() int64 { return int64(s.r.Totals().Now) }
		s.commandAt(now(), clientele.CommandLifecycle, resolve.LifecycleBody{Stages: second})
		s.fillStages(now(), func() {
			live(rnd.IntN(4))
			s.must(s.r.Reset()) // as after a kill
			if seed%3 > 0 {
				s.stagesAgree(seed, first)
			}
		})
		s.stagesAgree(seed, second)
		live(len(frames))
		s.stagesAgree(seed, second)
		s.commandAt(now(), clientele.CommandLifecycle, resolve.LifecycleBody{})
		if rows := s.audienceRows(); strings.Count(rows, "\n") != 1 { // the lifecycle's own
			t.Fatalf("seed %d: of the ended lifecycle is left\n%s", seed, rows)
		}
	}
}

func TestStagesThatAreRefused(t *testing.T) {
	s := newStream(t)
	s.activate("vip", `{"trait":"vip","op":"eq","value":true}`)
	for want, list := range map[string][]clientele.LifecycleStage{
		"stages[0]: the first stage has no condition":            stagesOf("a", `{"event":"x"}`, "b", `{"event":"x"}`),
		"stages[1]: only the first stage has no condition":       stagesOf("a", "", "b", ""),
		"stages[1]: a stage cannot ask for a stage":              stagesOf("a", "", "b", `{"lifecycle":"a"}`),
		`stages[1]: there is no audience "no"`:                   stagesOf("a", "", "b", `{"audience":"no"}`),
		`stages[1]: there are two stages "a"`:                    stagesOf("a", "", "a", `{"event":"x"}`),
		`stages[1]: "b/c" is no name of a stage`:                 stagesOf("a", "", "b/c", `{"event":"x"}`),
		`stages[1]: there is no audience "lifecycle/1/interest"`: stagesOf("a", "", "b", `{"audience":"lifecycle/1/interest"}`),
		"1 lifecycle stages":                                     stagesOf("a", ""),
	} {
		if err := resolve.CheckLifecycle(s.store, list); err == nil || err.Error() != want || clientele.ErrorHint(err) == "" {
			t.Errorf("want %q, got %v (%s)", want, err, clientele.ErrorHint(err))
		}
	}
	s.stages(stagesOf("a", "", "b", `{"audience":"vip"}`))
	check := func(where, want string, code clientele.Code) {
		t.Helper()
		_, err := resolve.CheckAudience(s.store, clientele.Audience{Name: "vip", Where: clientele.RawJSON(where)})
		if clientele.ErrorCode(err) != code || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", where, err)
		}
	}
	check(`{"lifecycle":"c"}`, `no lifecycle stage "c"`, clientele.Invalid)
	check(`{"lifecycle":"b"}`, "circle", clientele.Conflict)
	s.activate("in b", `{"lifecycle":"b"}`)
	if err := resolve.CheckLifecycle(s.store, stagesOf("a", "", "c", `{"event":"x"}`)); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a stage that is asked for can go: %v", err)
	}
	if err := resolve.CheckLifecycle(s.store, nil); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("the lifecycle can end while it is asked for: %v", err)
	}
}
