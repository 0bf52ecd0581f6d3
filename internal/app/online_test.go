package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/config"
	"clientele/internal/linkage/people"
	"clientele/internal/pairwise"
)

// onlineSettings match people as they come, and have nothing wait.
func onlineSettings(t *testing.T) config.Config {
	c := settings(t)
	c.Matching.Online, c.Matching.Burst, c.Matching.MaxChurn = true, 1, 1
	return c
}

// strangers are records of a shop whose owners are known by the truth alone: each has an identifier of its own.
func strangers(n int) (events []string, truth []string) {
	people.Each(n, 21, func(r people.Row) bool {
		traits, _ := json.Marshal(map[string]string{"firstName": r[2], "lastName": r[3], "birthday": r[4], "zip": r[5], "mail": r[6], "tel": r[7]})
		events = append(events, identify(fmt.Sprint("r", len(events)), "2026-02-01T10:00:00Z", fmt.Sprintf(`"anonymousId":"r-%d"`, len(events)), string(traits)))
		truth = append(truth, r[1])
		return true
	})
	return events, truth
}

// looked waits until what was sent is matched.
func (p *program) looked() *clientele.OnlineMatching {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.app.LookedOnline(ctx); err != nil {
		p.Fatal(err)
	}
	h, err := p.client.IdentityHealth(ctx)
	if err != nil {
		p.Fatal(err)
	}
	return &h.Matching.Online
}

func (p *program) matchAll() *clientele.MatchRun {
	p.Helper()
	run, err := p.client.StartMatching(context.Background(), clientele.MatchRunRequest{})
	if err != nil {
		p.Fatal(err)
	}
	return run
}

// score compares who is who with the truth.
func (p *program) score(truth []string) pairwise.Score {
	p.Helper()
	of := map[string]string{}
	for _, row := range p.sql("select value, profile_id from identifiers where namespace = 'anonymous_id' order by all") {
		name, id, _ := strings.Cut(row, "|")
		of[name] = id
	}
	var all iter.Seq2[string, string] = func(yield func(string, string) bool) {
		for i, person := range truth {
			if !yield(person, of[fmt.Sprint("r-", i)]) {
				return
			}
		}
	}
	return pairwise.Compare(all)
}

// Half of a truth set is matched by a run and the other half one by one as they come. Precision is that of one run over all within 0.01,
// recall within 0.03.
func TestOnlineLikeRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	events, truth := strangers(1600)
	whole := run(t, onlineSettings(t))
	for i := 0; i < len(events); i += 100 {
		whole.batch(webKey, events[i:min(len(events), i+100)]...)
	}
	if o := whole.looked(); o.State != clientele.OnlineNoRun {
		t.Errorf("before any run matching as people come is %+v", *o)
	}
	whole.matchAll()
	want := whole.score(truth)
	whole.stop()

	c := onlineSettings(t)
	p := run(t, c)
	var first, later []string
	for i, e := range events {
		if i%2 == 0 {
			first = append(first, e)
		} else {
			later = append(later, e)
		}
	}
	for i := 0; i < len(first); i += 100 {
		p.batch(webKey, first[i:min(len(first), i+100)]...)
	}
	half := p.matchAll()
	before := p.score(truth)
	for i := 0; i < len(later); i += 10 {
		p.batch(webKey, later[i:min(len(later), i+10)]...)
	}
	o := p.looked()
	got := p.score(truth)
	t.Logf("one run over all: precision %.4f recall %.4f; a run over half: recall %.4f; the others as they came: precision %.4f recall %.4f; %+v",
		want.Precision(), want.Recall(), before.Recall(), got.Precision(), got.Recall(), *o)
	if got.Precision() < want.Precision()-0.01 || got.Recall() < want.Recall()-0.03 || before.Recall() > want.Recall()/2 {
		t.Error("matching people as they come is not like a run")
	}
	if o.State != clientele.OnlineOn || o.People != int64(len(events)) || o.Behind != 0 || o.Bytes == 0 {
		t.Errorf("it is %+v", *o)
	}
	runs, err := p.client.MatchRuns(ctx)
	if err != nil || runs[0].ID != half.ID || runs[0].Online < 100 || runs[0].OnlineClosed != 0 {
		t.Fatalf("the run is %+v, %v", runs[0], err)
	}
	p.evidenceOnline(half)
	p.taken(c, events, truth)
}

// evidenceOnline looks whether a match says what it was made of.
func (p *program) evidenceOnline(run *clientele.MatchRun) {
	p.Helper()
	found := false
	for _, value := range p.sql("select max(value) from identifiers where namespace = 'anonymous_id' group by profile_id having count(*) > 1 order by all limit 50") {
		v, err := p.client.Identity(context.Background(), clientele.Identifier{Namespace: clientele.AnonymousID, Value: value})
		if err != nil {
			p.Fatal(err)
		}
		for _, e := range v.Evidence {
			if e.Event == fmt.Sprintf("online-%d", run.ID) {
				found = true
				if e.Rule != "matched" || e.Match == nil || e.Match.Model != run.Model || len(e.Match.Reasons) < 2 || e.Match.Probability < 0.95 {
					p.Fatalf("evidence is %+v, %+v", e, e.Match)
				}
			}
		}
	}
	if !found {
		p.Error("no evidence is of people as they came")
	}
}

// taken takes a match back, erases somebody, starts anew and rebuilds.
func (p *program) taken(c config.Config, events, truth []string) {
	p.Helper()
	ctx := context.Background()
	// Two that are one by a match, and no more.
	var pair [2]string
	for _, row := range p.sql("select min(value), max(value) from identifiers where namespace = 'anonymous_id' group by profile_id having count(*) = 2 order by all") {
		pair[0], pair[1], _ = strings.Cut(row, "|")
		break
	}
	one := p.profile("anonymous_id", pair[0])
	if _, err := p.client.Unmerge(ctx, clientele.MergeRequest{Profile: one.ID.String(), Identifiers: []clientele.Identifier{{Namespace: clientele.AnonymousID, Value: pair[1]}}}); err != nil {
		p.Fatal(err)
	}
	apart := func(p *program, when string) {
		p.Helper()
		if a, b := p.profile("anonymous_id", pair[0]), p.profile("anonymous_id", pair[1]); a.ID == b.ID {
			p.Errorf("%s two that somebody took apart are one again", when)
		}
	}
	// What they say changes, and is compared again.
	for i, who := range pair {
		p.batch(webKey, identify(fmt.Sprint("again", i), "2026-02-20T10:00:00Z", fmt.Sprintf(`"anonymousId":%q`, who), `{"mail":"one.and.the.same@example.org"}`))
	}
	had := p.looked().People
	apart(p, "after news")
	if _, err := p.client.Erase(ctx, clientele.EraseRequest{Namespace: clientele.AnonymousID, Value: pair[1]}); err != nil {
		p.Fatal(err)
	}
	if o := p.looked(); o.People != had-1 {
		p.Errorf("of %d people %d are left in the index when one is erased", had, o.People)
	}
	p.batch(webKey, identify("new", "2026-02-21T10:00:00Z", `"anonymousId":"newcomer"`, `{"mail":"one.and.the.same@example.org","firstName":"Nobody","lastName":"Else"}`))
	if o := p.looked(); o.People != had {
		p.Errorf("%d people, not %d", o.People, had)
	}
	// An index made anew from a snapshot finds nothing that was not found before.
	before := p.sql("select value, profile_id from identifiers order by all")
	p.stop()
	q := run(p.T, c)
	if o := q.looked(); o.State != clientele.OnlineOn || o.People != had {
		p.Errorf("after a start it is %+v", *o)
	}
	if got := q.sql("select value, profile_id from identifiers order by all"); fmt.Sprint(got) != fmt.Sprint(before) {
		p.Error("after a start people are others")
	}
	digests := q.digests()
	c.Matching.Online = false
	r := q.rebuilt(c)
	for name, d := range r.digests() {
		if digests[name] != d {
			p.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
}

// Who came while nothing was matched is matched at the next start. Too many matches in an hour close until the next run, and wait.
func TestOnlineBurst(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := onlineSettings(t)
	c.Matching.Online, c.Matching.Burst = false, 0.001
	p := run(t, c)
	matchPeople(p, 300)
	p.matchAll()
	copies := func(prefix string, from, to int) {
		var events []string
		for i := from; i < to; i++ {
			// Each comes again as he is, with an identifier nobody has seen.
			who := p.profile("user_id", fmt.Sprint("shop-", i))
			traits, _ := json.Marshal(who.Traits)
			events = append(events, identify(fmt.Sprint(prefix, i), "2026-02-10T10:00:00Z", fmt.Sprintf(`"anonymousId":"%s-%d"`, prefix, i), string(traits)))
		}
		p.batch(webKey, events...)
		p.settle()
	}
	same := func(prefix string, from, to int) (n int) {
		for i := from; i < to; i++ {
			if p.profile("user_id", fmt.Sprint("shop-", i)).ID == p.profile("anonymous_id", fmt.Sprint(prefix, "-", i)).ID {
				n++
			}
		}
		return n
	}
	copies("off", 1, 4)
	if n := same("off", 1, 4); n != 0 {
		t.Fatalf("%d are matched while it is off", n)
	}
	p.stop()
	c.Matching.Online = true
	p = run(t, c)
	p.looked()
	if n := same("off", 1, 4); n != 3 {
		t.Errorf("of 3 who came before the start %d are matched", n)
	}
	copies("on", 10, 60)
	o := p.looked()
	merged := same("on", 10, 60)
	runs, err := p.client.MatchRuns(ctx)
	if err != nil || o.State != clientele.OnlineClosed || merged < 10 || merged > 20 || runs[0].OnlineClosed == 0 || runs[0].Online < int64(merged) {
		t.Fatalf("of 50 who came at once %d are matched; it is %+v, the run %+v, %v", merged, *o, runs[0], err)
	}
	if s := p.status(); !strings.Contains(fmt.Sprint(s.Problems), "online matching") {
		t.Errorf("nobody is told: %v", s.Problems)
	}
	waits, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{}, 200, "")
	if err != nil || len(waits) < 50-merged {
		t.Errorf("%d pairs wait for somebody, %v", len(waits), err)
	}
	p.stop()
	p = run(t, c)
	if o := p.looked(); o.State != clientele.OnlineClosed {
		t.Errorf("after a start it is %+v", *o)
	}
	p.matchAll()
	if o := p.looked(); o.State != clientele.OnlineOn || same("on", 10, 60) != 50 {
		t.Errorf("after the next run it is %+v, and %d of 50 are matched", *o, same("on", 10, 60))
	}
}

// An index that would be too large is not kept, and that is said.
func TestOnlineMemory(t *testing.T) {
	t.Parallel()
	c := onlineSettings(t)
	c.Matching.Memory = 100_000
	p := run(t, c)
	matchPeople(p, 300)
	p.matchAll()
	if o := p.looked(); o.State != clientele.OnlineFull || o.People != 0 {
		t.Errorf("it is %+v", *o)
	}
	if s := p.status(); !strings.Contains(fmt.Sprint(s.Problems), "matching.memory") {
		t.Errorf("nobody is told: %v", s.Problems)
	}
}

// A run whose approval was cut short is carried out at the next start.
func TestHalfApproved(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Matching.MaxChurn = 0.01
	p := run(t, c)
	matchPeople(p, 200)
	held := p.matchAll()
	if held.State != clientele.MatchWaiting {
		t.Fatalf("the run is %s", held.State)
	}
	if err := p.app.ApproveAlone(ctx, held.ID); err != nil {
		t.Fatal(err)
	}
	p.stop()
	p = run(t, c)
	eventually(t, "the rest of an approved run is carried out", func() bool {
		p.settle()
		return fmt.Sprint(p.sql("select count(*) from profiles")) == fmt.Sprintf("[%d]", held.After)
	})
}

// Of several pairs one of which cannot be merged, the others are.
func TestDecideRefusesOne(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Matching.MaxChurn = 1
	p := run(t, c)
	matchPeople(p, 200)
	p.matchAll()
	list, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{}, 3, "")
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	p.stop()
	var blocked clientele.Identifier
	q := run(t, c)
	blocked = anewIdentifier(q, list[1])
	q.stop()
	rule := c.Identity.Namespaces[blocked.Namespace]
	rule.Blocked = []string{blocked.Value}
	c.Identity.Namespaces[blocked.Namespace] = rule
	p = run(t, c)
	p.settle()
	done, err := p.client.DecideMatches(ctx, clientele.MatchDecision{IDs: []string{list[0].ID, list[1].ID, list[2].ID}, Verdict: clientele.MatchSame})
	if err != nil || done.Changed != 2 || len(done.Refused) != 1 || done.Refused[0].ID != list[1].ID || !strings.Contains(done.Refused[0].Reason, "blocked") {
		t.Fatalf("%+v, %v", done, err)
	}
	same, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{State: clientele.MatchSame}, 10, "")
	if err != nil || len(same) != 2 || same[0].Profiles[0] != same[0].Profiles[1] {
		t.Errorf("%v, %v", same, err)
	}
	if n := len(p.allQuarantined(10)); n != 0 {
		t.Errorf("%d commands are in quarantine", n)
	}
}
