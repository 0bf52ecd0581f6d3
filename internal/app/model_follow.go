package app

import (
	"context"
	"slices"
	"time"

	"clientele"
	"clientele/internal/resolve"
	"clientele/internal/store/duckstore"
)

// This file follows what changes scores: whose rows have changed is scored anew by the promoted version.

// How often the follower looks for changed rows, how many people are scored together, and from how many on everybody is.
const (
	rescoreLook   = 500 * time.Millisecond
	rescoreAtOnce = 2000
	rescoreMost   = 20_000
)

// Orders count at once. What people do besides is much more, and a person who is about does it all the time: it is looked at again after a rest
// of four times as long as the last look and its scores took, nobody is scored by it again within a minute, and when more than rescoreMost wait,
// everybody is scored, once an hour at most.
const (
	heedRest    = 4.0
	heedRestMax = time.Minute
	heedAgain   = time.Minute
	heedAll     = time.Hour
)

// followed is up to where a model's rows are followed, since everybody was last scored.
type followed struct {
	scored  clientele.Micros
	version int
	upTo    clientele.Position // of rows that count at once
	heeded  clientele.Position // of the others
	rows    []duckstore.Followed
	waits   waiting
	pace    pace
}

// waiting are people who are to be scored, and when those of the last minute were.
type waiting struct {
	queue  []int64 // who came first stands first
	in     map[int64]bool
	scored map[int64]time.Time
}

func (w *waiting) add(profiles []int64) {
	if w.in == nil {
		w.in, w.scored = map[int64]bool{}, map[int64]time.Time{}
	}
	for _, p := range profiles {
		if !w.in[p] {
			w.in[p] = true
			w.queue = append(w.queue, p)
		}
	}
}

// due takes at most so many who were not scored lately, ascending.
func (w *waiting) due(now time.Time, most int) (out []int64) {
	for p, at := range w.scored {
		if now.Sub(at) >= heedAgain {
			delete(w.scored, p)
		}
	}
	w.queue = slices.DeleteFunc(w.queue, func(p int64) bool {
		if _, lately := w.scored[p]; lately || len(out) == most {
			return false
		}
		out = append(out, p)
		w.scored[p] = now
		delete(w.in, p)
		return true
	})
	slices.Sort(out)
	return out
}

// again puts back who could not be scored.
func (w *waiting) again(profiles []int64) {
	for _, p := range profiles {
		delete(w.scored, p)
	}
	w.add(profiles)
}

// rescore follows changed rows. A server that was stopped goes on with what has changed since everybody was last scored.
func (a *App) rescore(ctx context.Context) error {
	if !a.o.Serves {
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	places := map[string]*followed{}
	for seen := uint64(0); pause(ctx, rescoreLook) == nil; {
		at := a.applied.get()
		if at == seen {
			continue
		}
		all, err := resolve.LoadModels(a.rows)
		if err != nil {
			return err
		}
		seen = at
		for _, name := range resolve.SortedModels(all) {
			m := all[name]
			if m.Scored == nil || m.Scored.Version != m.Promoted {
				seen = 0 // it will be, without any other change
				continue
			}
			f := places[name]
			if f == nil || f.scored != m.Scored.At || f.version != m.Promoted {
				f = &followed{scored: m.Scored.At, version: m.Promoted, upTo: m.Scored.UpTo, heeded: m.Scored.UpTo}
				places[name] = f
			}
			waits, err := a.rescoreModel(ctx, m, f)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				a.trouble.add("rescore", "model "+name+": "+err.Error())
				seen = 0
				continue
			}
			if waits {
				seen = 0
			}
			a.trouble.clear("rescore")
		}
	}
	return nil
}

// rescoreModel scores whose rows have changed; waits says that somebody is left, or may be.
func (a *App) rescoreModel(ctx context.Context, m *resolve.ModelRow, f *followed) (waits bool, err error) {
	var tables []duckstore.Followed
	for _, t := range m.Model.Kind.Follows() {
		tables = append(tables, duckstore.Followed{Table: t})
	}
	changed, upTo, err := a.columns.ChangedSince(ctx, tables, f.upTo)
	if err != nil {
		return true, err
	}
	if len(changed) > rescoreMost {
		return true, a.askAgain(ctx, m.Model.Name, modelAgain)
	}
	if err := a.scoreSome(ctx, m, changed); err != nil {
		return true, err
	}
	f.upTo = upTo
	return a.heed(ctx, m, f)
}

// heed scores people by what they did besides ordering, at its pace.
func (a *App) heed(ctx context.Context, m *resolve.ModelRow, f *followed) (waits bool, err error) {
	began := time.Now()
	if began.Before(f.pace.until) {
		return true, nil
	}
	if f.rows == nil {
		v, artefact, err := a.promoted(m)
		if err != nil {
			return true, err
		}
		rows, err := families[m.Model.Kind].heed(&v.Settings, artefact)
		if err != nil {
			return true, err
		}
		f.rows = append([]duckstore.Followed{}, rows...)
	}
	if len(f.rows) == 0 {
		return false, nil
	}
	f.pace.share, f.pace.most = heedRest, heedRestMax
	defer f.pace.ended(began)
	changed, upTo, err := a.columns.ChangedSince(ctx, f.rows, f.heeded)
	if err != nil {
		return true, err
	}
	f.waits.add(changed)
	f.heeded = upTo
	if len(f.waits.queue) > rescoreMost {
		if err := a.askAgain(ctx, m.Model.Name, heedAll); err != nil {
			return true, err
		}
	}
	due := f.waits.due(began, rescoreAtOnce)
	if err := a.scoreSome(ctx, m, due); err != nil {
		f.waits.again(due)
		return true, err
	}
	return len(f.waits.queue) > 0, nil
}

// askAgain has everybody scored, unless something was begun by itself within the time.
func (a *App) askAgain(ctx context.Context, name string, within time.Duration) error {
	now := a.o.Now()
	if now.Sub(a.modeling.lastTry(name)) < within {
		return nil
	}
	a.modeling.tries(name, now)
	if err := a.ask(ctx, modelJob{name: name, by: "schedule"}); err != nil && clientele.ErrorCode(err) != clientele.Conflict {
		return err
	}
	return nil
}

// scoreSome scores some people by the promoted version, among the places of everybody.
func (a *App) scoreSome(ctx context.Context, m *resolve.ModelRow, who []int64) error {
	if len(who) == 0 {
		return nil
	}
	v, artefact, err := a.promoted(m)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(who, rescoreAtOnce) {
		asOf := clientele.Micros(a.domain.Load())
		scores, _, _, err := a.predict(ctx, v, artefact, some, m.Scored)
		if err != nil {
			return err
		}
		if err := a.tellScores(ctx, m.Model.Name, "clientele", v.Version, asOf, scores, true); err != nil {
			return err
		}
	}
	return nil
}
