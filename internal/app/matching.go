package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele"
	"clientele/internal/api"
	"clientele/internal/identity"
	"clientele/internal/resolve"
)

var _ api.Matching = (*App)(nil)

// matchPart is how many items one command of a run holds, so that its frame stays well under a frame's limit.
const matchPart = 400

// StartMatching runs matching now and answers its numbers. Conflict when a run is under way.
func (a *App) StartMatching(ctx context.Context, by string, req clientele.MatchRunRequest) (*clientele.MatchRun, error) {
	if !a.matching.TryLock() {
		return nil, clientele.Errorf(clientele.Conflict, "a run of matching is under way").WithHint("its numbers are in the list of runs when it is done")
	}
	defer a.matching.Unlock()
	if err := a.resolved.reach(ctx, uint64(a.log.Last())); err != nil {
		return nil, err
	}
	p, err := a.planMatch(ctx)
	if err != nil {
		return nil, err
	}
	if req.Dry {
		p.run.State, p.run.By, p.run.At = clientele.MatchDry, by, clientele.MicrosOf(a.o.Now())
		return &p.run, nil
	}
	return a.carryOut(ctx, by, p)
}

// carryOut puts a plan into the log, held back when it changes more than it may.
func (a *App) carryOut(ctx context.Context, by string, p *matchPlan) (*clientele.MatchRun, error) {
	runs, err := resolve.LoadMatchRuns(a.rows, maxMatchRuns)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if r.State == clientele.MatchWaiting {
			if _, err := a.command(ctx, clientele.CommandMatchRun, by, resolve.MatchRunBody{Of: r.ID, State: clientele.MatchDiscarded}); err != nil {
				return nil, err
			}
		}
	}
	p.run.State = clientele.MatchApplied
	if p.run.Churn > p.run.MaxChurn {
		p.run.State = clientele.MatchWaiting
	}
	id, err := a.command(ctx, clientele.CommandMatchRun, by, resolve.MatchRunBody{Run: &p.run, Learned: p.learned})
	if err != nil {
		return nil, err
	}
	last := id
	for _, part := range p.parts(id) {
		if last, err = a.append(ctx, clientele.CommandMatch, by, part); err != nil {
			return nil, err
		}
	}
	if err := a.reached(ctx, last); err != nil {
		return nil, err
	}
	return a.matchRun(id)
}

// parts are the bodies of the plan's commands.
func (p *matchPlan) parts(run clientele.Position) (out []resolve.MatchBody) {
	hold := p.run.State == clientele.MatchWaiting
	for c := range slices.Chunk(p.retract, matchPart*10) {
		out = append(out, resolve.MatchBody{Run: run, Hold: hold, Retract: c})
	}
	for c := range slices.Chunk(p.set, matchPart) {
		out = append(out, resolve.MatchBody{Run: run, Hold: hold, Set: c})
	}
	for c := range slices.Chunk(p.withdraw, matchPart*10) {
		out = append(out, resolve.MatchBody{Run: run, Hold: hold, Withdraw: c})
	}
	for c := range slices.Chunk(p.review, matchPart) {
		out = append(out, resolve.MatchBody{Run: run, Hold: hold, Review: c})
	}
	return out
}

// reached waits until the position is resolved and in the column store.
func (a *App) reached(ctx context.Context, p clientele.Position) error {
	if err := a.resolved.reach(ctx, uint64(p)); err != nil {
		return clientele.Errorf(clientele.Unavailable, "it was accepted and is not done yet").WithHint("it will be done: look again later")
	}
	_, commit, err := a.rows.Position()
	if err != nil {
		return err
	}
	return a.applied.reach(ctx, commit)
}

// maxMatchRuns is how many runs are listed.
const maxMatchRuns = 100

// MatchRuns are the latest runs, the newest first.
func (a *App) MatchRuns(context.Context) ([]clientele.MatchRun, error) {
	return resolve.LoadMatchRuns(a.rows, maxMatchRuns)
}

func (a *App) matchRun(id clientele.Position) (*clientele.MatchRun, error) {
	run, err := resolve.LoadMatchRun(a.rows, id)
	if err == nil && run == nil {
		err = clientele.Errorf(clientele.NotFound, "there is no matching run %d", id)
	}
	return run, err
}

// EndMatchRun approves or discards a run that waits.
func (a *App) EndMatchRun(ctx context.Context, by string, id clientele.Position, approve bool) (*clientele.MatchRun, error) {
	a.matching.Lock()
	defer a.matching.Unlock()
	run, err := a.matchRun(id)
	if err != nil {
		return nil, err
	}
	if run.State != clientele.MatchWaiting {
		return nil, clientele.Errorf(clientele.Conflict, "matching run %d does not wait: it is %s", id, run.State)
	}
	body := resolve.MatchRunBody{Of: id, State: clientele.MatchDiscarded}
	if approve {
		body.State = clientele.MatchApplied
	}
	last, err := a.command(ctx, clientele.CommandMatchRun, by, body)
	if err != nil {
		return nil, err
	}
	if approve {
		if last, err = a.release(ctx, by, id, last); err != nil {
			return nil, err
		}
	}
	if err := a.reached(ctx, last); err != nil {
		return nil, err
	}
	return a.matchRun(id)
}

// release carries out what an approved run holds back, and answers the position of the last command.
func (a *App) release(ctx context.Context, by string, id, last clientele.Position) (clientele.Position, error) {
	parts, err := resolve.LoadHeldParts(a.rows, id)
	for _, part := range parts {
		if err == nil {
			last, err = a.append(ctx, clientele.CommandMatch, by, resolve.MatchBody{Run: id, Part: part})
		}
	}
	return last, err
}

// finishApproved carries out the rest of runs that were approved when the program ended.
func (a *App) finishApproved(ctx context.Context) error {
	a.matching.Lock()
	defer a.matching.Unlock()
	runs, err := resolve.HalfApproved(a.rows)
	for _, id := range runs {
		if err == nil {
			_, err = a.release(ctx, "clientele", id, 0)
		}
	}
	return err
}

// MatchReviews lists pairs of the review queue, in the order of their identifiers' age.
func (a *App) MatchReviews(_ context.Context, q clientele.MatchReviewQuery, limit int, cursor string) ([]clientele.MatchReview, string, error) {
	if q.State == "" {
		q.State = clientele.MatchOpen
	}
	var after [2]clientele.Anchor
	if cursor != "" {
		var err error
		if after, err = identity.ParseEvidenceID(cursor); err != nil {
			return nil, "", clientele.Errorf(clientele.Invalid, "cursor is not one of ours")
		}
	}
	v, err := a.view()
	if err != nil {
		return nil, "", err
	}
	defer v.Close()
	out, next, looked := []clientele.MatchReview{}, "", 0
	columns := map[clientele.Position]map[string][]string{}
	text := strings.ToLower(q.Text)
	err = resolve.LoadMatchReviews(v, after, func(e [2]clientele.Anchor, row *resolve.MatchReviewRow) (bool, error) {
		if looked++; len(out) == limit || looked > maxSearch {
			next = identity.EvidenceID(after[0], after[1])
			return false, nil
		}
		after = e
		if row.State != q.State {
			return true, nil
		}
		r, err := v.matchReview(e, row, columns)
		if err == nil && r.has(text) {
			out = append(out, r.MatchReview)
		}
		return true, err
	})
	return out, next, err
}

// reviewed is a pair with all that both say.
type reviewed struct {
	clientele.MatchReview
	texts []string
}

func (r reviewed) has(text string) bool {
	return text == "" || slices.ContainsFunc(r.texts, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

// matchReview puts the pair side by side, as the two are today.
func (v *view) matchReview(e [2]clientele.Anchor, row *resolve.MatchReviewRow, columns map[clientele.Position]map[string][]string) (out reviewed, err error) {
	out.MatchReview = clientele.MatchReview{ID: identity.EvidenceID(e[0], e[1]), State: row.State, Run: row.Run, Match: row.Match, By: row.By, DecidedAt: row.At, Fields: []clientele.MatchField{}}
	if _, ok := columns[row.Run]; !ok {
		run, err := resolve.LoadMatchRun(v, row.Run)
		if err != nil {
			return out, err
		}
		if run != nil {
			columns[row.Run] = run.Fields
		}
	}
	var says [2]map[string]string
	for i, a := range e {
		if out.Profiles[i], err = v.graph.Profile(a); err != nil {
			return out, err
		}
		members, err := v.graph.Members(out.Profiles[i])
		if err != nil {
			return out, err
		}
		if says[i], err = v.says(members); err != nil {
			return out, err
		}
		for _, s := range says[i] {
			out.texts = append(out.texts, s)
		}
		ids, err := v.graph.Identifiers(out.Profiles[i])
		if err != nil {
			return out, err
		}
		for _, id := range ids {
			out.texts = append(out.texts, id.Value)
		}
	}
	weighed := map[string]bool{}
	field := func(name, level string, weight float64) {
		f := clientele.MatchField{Field: name, Level: level, Weight: weight}
		for _, c := range columns[row.Run][name] {
			f.A, f.B = beside(f.A, says[0][c]), beside(f.B, says[1][c])
		}
		if f.A != "" || f.B != "" || level != "" {
			out.Fields = append(out.Fields, f)
		}
	}
	for _, r := range row.Match.Reasons {
		weighed[r.Field] = true
		field(r.Field, r.Level, r.Weight)
	}
	names := make(map[string]string, len(columns[row.Run]))
	for name := range columns[row.Run] {
		names[name] = ""
	}
	for _, name := range sortedKeys(names) {
		if !weighed[name] {
			field(name, "", 0)
		}
	}
	return out, nil
}

func beside(have, more string) string {
	more = strings.ReplaceAll(more, "\x1f", ", ")
	if have == "" || more == "" {
		return have + more
	}
	return have + ", " + more
}

// DecideMatches takes a verdict down. A pair that cannot have it is refused alone.
func (a *App) DecideMatches(ctx context.Context, by string, d clientele.MatchDecision) (*clientele.MatchDecided, error) {
	switch d.Verdict {
	case clientele.MatchSame, clientele.MatchDifferent, clientele.MatchUnsure, clientele.MatchOpen:
	default:
		return nil, clientele.Errorf(clientele.Invalid, "a verdict is same, different, unsure or open, not %q", string(d.Verdict))
	}
	if len(d.IDs) == 0 {
		return nil, clientele.Errorf(clientele.Invalid, "name pairs of the review queue")
	}
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	out := &clientele.MatchDecided{}
	var pairs [][2]clientele.Anchor
	for _, id := range d.IDs {
		e, err := identity.ParseEvidenceID(id)
		if err != nil {
			return nil, err
		}
		row, err := resolve.LoadMatchReview(v, e)
		if err != nil {
			return nil, err
		}
		if row == nil {
			return nil, clientele.Errorf(clientele.NotFound, "%s is not in the review queue", id).WithHint("clientele identity reviews lists it")
		}
		if row.State == d.Verdict || slices.Contains(pairs, e) {
			continue
		}
		reason, err := v.undecidable(e, d.Verdict)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			out.Refused = append(out.Refused, clientele.MatchRefused{ID: id, Reason: reason})
			continue
		}
		pairs = append(pairs, e)
	}
	for c := range slices.Chunk(pairs, matchPart) {
		if _, err := a.command(ctx, clientele.CommandMatchReview, by, resolve.MatchReviewBody{Pairs: c, Verdict: d.Verdict}); err != nil {
			return nil, err
		}
	}
	out.Changed = len(pairs)
	return out, nil
}

// undecidable says why the pair cannot have the verdict; "" when it can.
func (v *view) undecidable(e [2]clientele.Anchor, verdict clientele.MatchVerdict) (string, error) {
	if verdict != clientele.MatchSame {
		return "", nil
	}
	for _, anchor := range e {
		id, err := v.graph.Identifier(anchor)
		if err != nil {
			return "", err
		}
		if id.Blocked {
			return fmt.Sprintf("a %s of the pair is a blocked identifier: it identifies nobody", id.Namespace), nil
		}
	}
	return "", nil
}

// matchDue runs matching when its time has come.
func (a *App) matchDue(ctx context.Context) error {
	every := time.Duration(a.cfg.Matching.Every)
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	if err := a.finishApproved(ctx); err != nil && ctx.Err() == nil {
		a.trouble.add("matching", "matching: "+err.Error())
	}
	if every <= 0 {
		return nil
	}
	for pause(ctx, matchEvery) == nil {
		runs, err := resolve.LoadMatchRuns(a.rows, 1)
		if err != nil {
			return err
		}
		if len(runs) > 0 && clientele.MicrosOf(a.o.Now())-runs[0].At < clientele.Micros(every.Microseconds()) {
			continue
		}
		if _, err := a.StartMatching(ctx, "schedule", clientele.MatchRunRequest{}); err != nil && ctx.Err() == nil {
			a.trouble.add("matching", "matching: "+err.Error())
		}
	}
	return nil
}
