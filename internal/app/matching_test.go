package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/app"
)

var (
	matchGiven   = strings.Fields("Ann Bea Carl Dora Emil Fritz Greta Hugo Ida Jan Karin Lars Mona Nils Olga Paul Rita Sven Tina Uwe Vera Willi Xenia Yann Zoe")
	matchSurname = strings.Fields("Abel Berger Conrad Dietz Engel Falk Gross Hahn Imhof Jung Kern Lang Moser Nagel Ott Pfaff Quast Roth Sauer Thoma Ulm Vogt Weiss Zorn Adler Baum Clasen Dorn Ebert Fuchs")
	matchCity    = strings.Fields("Bonn Kiel Ulm Trier Hof")
)

// matchPeople sends n people of a shop; of every fourth there is a member of a club as well, who shares no identifier, and of every
// eighth the member's name has a typing error and the rest is thin.
func matchPeople(p *program, n int) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var events []string
	for i := range n {
		given, surname := matchGiven[rnd.IntN(len(matchGiven))], matchSurname[rnd.IntN(len(matchSurname))]
		birth := fmt.Sprintf("%d-%02d-%02d", 1950+rnd.IntN(50), 1+rnd.IntN(12), 1+rnd.IntN(28))
		city, postcode := matchCity[rnd.IntN(len(matchCity))], 10000+rnd.IntN(300)
		says := func(surname, birth string) string {
			if birth == "" {
				return fmt.Sprintf(`{"firstName":%q,"lastName":%q,"address":{"city":%q}}`, given, surname, city)
			}
			return fmt.Sprintf(`{"firstName":%q,"lastName":%q,"birthday":%q,"address":{"city":%q,"postalCode":"%d"}}`, given, surname, birth, city, postcode)
		}
		events = append(events, identify(fmt.Sprint("s", i), "2026-02-01T10:00:00Z", fmt.Sprintf(`"userId":"shop-%d"`, i), says(surname, birth)))
		if i%4 == 0 {
			if i%8 == 0 {
				surname, birth = surname+"e", ""
			}
			events = append(events, identify(fmt.Sprint("c", i), "2026-02-02T10:00:00Z", fmt.Sprintf(`"anonymousId":"club-%d"`, i), says(surname, birth)))
		}
	}
	for i := 0; i < len(events); i += 100 {
		p.batch(webKey, events[i:min(len(events), i+100)]...)
	}
}

// A run of matching merges who is surely one person, has people decide what is not sure, waits when it changes much, is undone, and
// leaves ids as they were; a rebuild gives the same.
func TestMatching(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := settings(t)
	c.Matching.MaxChurn = 0.05
	p := run(t, c)
	const n = 300
	matchPeople(p, n)
	dry, err := p.client.StartMatching(ctx, clientele.MatchRunRequest{Dry: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", *dry)
	if dry.State != clientele.MatchDry || dry.Records != n+n/4 || dry.New < 30 || dry.Merged != dry.New-dry.Blocked || dry.Split != 0 || dry.After != dry.Before-dry.Merged || dry.Unchanged != dry.Before-2*dry.Merged {
		t.Errorf("the numbers do not agree: %+v", *dry)
	}
	if runs, err := p.client.MatchRuns(ctx); err != nil || len(runs) != 0 {
		t.Fatalf("a dry run is kept: %v, %v", runs, err)
	}
	held, err := p.client.StartMatching(ctx, clientele.MatchRunRequest{})
	if err != nil || held.State == clientele.MatchWaiting != (held.Churn > held.MaxChurn) || held.State != clientele.MatchWaiting {
		t.Fatalf("a run of much churn does not wait: %+v, %v", held, err)
	}
	first := fmt.Sprint(p.sql("select count(*) from profiles"))
	if first != fmt.Sprintf("[%d]", dry.Before) {
		t.Fatalf("a run that waits has changed something: %s profiles", first)
	}
	ids := p.sql("select value, profile_id from identifiers order by all")
	// A second run takes the place of the one that waits.
	again, err := p.client.StartMatching(ctx, clientele.MatchRunRequest{})
	if err != nil || again.Merged != held.Merged {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := p.client.EndMatchRun(ctx, held.ID, true); clientele.ErrorCode(err) != clientele.Conflict {
		t.Errorf("a run that was replaced is approved: %v", err)
	}
	done, err := p.client.EndMatchRun(ctx, again.ID, true)
	if err != nil || done.State != clientele.MatchApplied {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := fmt.Sprint(p.sql("select count(*) from profiles")); got != fmt.Sprintf("[%d]", done.After) {
		t.Errorf("%s profiles, not %d", got, done.After)
	}
	wrong := 0
	for i := 0; i < n; i += 4 {
		shop, club := p.profile("user_id", fmt.Sprint("shop-", i)), p.profile("anonymous_id", fmt.Sprint("club-", i))
		if shop.ID == club.ID && len(shop.Identifiers) != 2 {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%d profiles hold several people", wrong)
	}
	// Without new data nothing moves.
	still, err := p.client.StartMatching(ctx, clientele.MatchRunRequest{})
	if err != nil || still.State != clientele.MatchApplied || still.New+still.Retracted+still.Merged+still.Split != 0 || still.Churn != 0 || still.Matched != done.Matched {
		t.Errorf("a run without new data: %+v, %v", still, err)
	}
	p.reviews(ids)

	before := p.digests()
	reviews, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{State: clientele.MatchDifferent}, 50, "")
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	if err := app.Rebuild(ctx, c, options(), nil); err != nil {
		t.Fatal(err)
	}
	q := run(t, c)
	for name, d := range q.digests() {
		if before[name] != d {
			t.Errorf("after a rebuild the digest of %s differs", name)
		}
	}
	anew, _, err := q.client.MatchReviews(ctx, clientele.MatchReviewQuery{State: clientele.MatchDifferent}, 50, "")
	if err != nil || fmt.Sprint(anew) != fmt.Sprint(reviews) || len(anew) == 0 {
		t.Errorf("after a rebuild the verdicts are %v, %v, were %v", anew, err, reviews)
	}
	// Who is erased leaves the queue and what the next run learns from.
	who := anewIdentifier(q, anew[0])
	if _, err := q.client.Erase(ctx, clientele.EraseRequest{Namespace: who.Namespace, Value: who.Value}); err != nil {
		t.Fatal(err)
	}
	q.settle()
	left, _, err := q.client.MatchReviews(ctx, clientele.MatchReviewQuery{State: clientele.MatchDifferent}, 50, "")
	if err != nil || len(left) >= len(anew) {
		t.Errorf("%d verdicts are left of %d, %v", len(left), len(anew), err)
	}
}

func anewIdentifier(p *program, r clientele.MatchReview) clientele.Identifier {
	p.Helper()
	v, err := p.client.Profile(context.Background(), clientele.Identifier{Namespace: "id", Value: r.Profiles[0].String()}, false)
	if err != nil {
		p.Fatal(err)
	}
	return v.Identifiers[0].Identifier
}

// reviews decides pairs of the queue, takes verdicts back, and finds every identifier where it was before the run, or merged.
func (p *program) reviews(before []string) {
	p.Helper()
	ctx := context.Background()
	list, next, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{}, 2, "")
	if err != nil || len(list) != 2 || next == "" {
		p.Fatalf("the queue is %v, %q, %v", list, next, err)
	}
	more, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{}, 2, next)
	if err != nil || len(more) == 0 || more[0].ID == list[0].ID || more[0].ID == list[1].ID {
		p.Fatalf("the second page is %v, %v", more, err)
	}
	r := list[0]
	if len(r.Fields) < 4 || r.Profiles[0] == r.Profiles[1] || r.Probability < 0.5 || r.Probability >= 0.95 {
		p.Fatalf("a pair is %+v", r)
	}
	name := ""
	for _, f := range r.Fields {
		if f.A != "" && f.Level != "" {
			name = f.A
		}
	}
	if found, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{Text: name}, 50, ""); err != nil || len(found) == 0 {
		p.Errorf("a search for %q finds %v, %v", name, found, err)
	}
	decide := func(v clientele.MatchVerdict, want int, ids ...string) {
		p.Helper()
		if done, err := p.client.DecideMatches(ctx, clientele.MatchDecision{IDs: ids, Verdict: v}); err != nil || done.Changed != want || len(done.Refused) > 0 {
			p.Fatalf("%s: %v, %v", v, done, err)
		}
	}
	of := func() [2]clientele.ProfileID {
		for _, s := range []clientele.MatchVerdict{"open", "same", "different", "unsure"} {
			found, _, err := p.client.MatchReviews(ctx, clientele.MatchReviewQuery{State: s}, 100, "")
			if err != nil {
				p.Fatal(err)
			}
			for _, x := range found {
				if x.ID == r.ID {
					return x.Profiles
				}
			}
		}
		p.Fatal("the pair is gone")
		return [2]clientele.ProfileID{}
	}
	was := of()
	decide(clientele.MatchSame, 1, r.ID)
	if now := of(); now[0] != now[1] || now[0] != min(was[0], was[1]) {
		p.Errorf("same: %v, were %v", now, was)
	}
	decide(clientele.MatchSame, 0, r.ID)
	decide(clientele.MatchOpen, 1, r.ID)
	if now := of(); now != was {
		p.Errorf("taken back: %v, were %v", now, was)
	}
	decide(clientele.MatchDifferent, 2, r.ID, list[1].ID)
	decide(clientele.MatchUnsure, 1, more[0].ID)
	if now := of(); now != was {
		p.Errorf("different: %v, were %v", now, was)
	}
	next2, err := p.client.StartMatching(ctx, clientele.MatchRunRequest{})
	if err != nil || next2.Labels != 2 {
		p.Fatalf("the run after: %+v, %v", next2, err)
	}
	if now := of(); now != was {
		p.Errorf("a run joins what was decided: %v, were %v", now, was)
	}
	h, err := p.client.IdentityHealth(ctx)
	if err != nil || h.Matching.Matches != next2.Matched || h.Matching.Decided != 2 || h.Matching.Same != 0 || h.Matching.Open == 0 || h.Matching.UnderMerge != 0 ||
		h.Matching.UnderMergeHigh <= 0 || h.Matching.OverMerge <= 0 || h.Matching.OverMerge > 0.1 || h.PerPerson <= 1 || h.ConsentRate != 0 || h.EmailRate != 0 {
		p.Errorf("health is %+v, %v", h, err)
	}
	if _, err := p.client.DecideMatches(ctx, clientele.MatchDecision{IDs: []string{"e_00000000000000000000000000"}, Verdict: "same"}); clientele.ErrorCode(err) != clientele.NotFound {
		p.Errorf("a pair that is not there: %v", err)
	}
	kept := map[string]bool{}
	for _, row := range p.sql("select distinct profile_id from identifiers") {
		kept[row] = true
	}
	for _, row := range before { // stable: every id that is left is one of before
		id := row[strings.LastIndexAny(row, " |\t,")+1:]
		delete(kept, id)
	}
	if len(kept) > 0 {
		p.Errorf("profile ids that nobody had before: %v", kept)
	}
}
