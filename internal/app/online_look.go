package app

import (
	"context"
	"slices"
	"time"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/resolve"
)

// look brings the index up to what the people of the anchors say by now, and matches those that say something new, or all.
// What it finds is in the graph when it returns.
func (m *matcher) look(ctx context.Context, anchors []clientele.Anchor, all bool) error {
	v, err := m.a.view()
	if err != nil {
		return err
	}
	defer v.Close()
	m.set, m.review = nil, nil
	done := map[clientele.ProfileID]bool{}
	for _, anchor := range anchors {
		there, err := v.graph.Exists(anchor)
		if err != nil {
			return err
		}
		if !there {
			m.index.Remove(uint64(anchor))
			continue
		}
		p, err := v.graph.Profile(anchor)
		if err != nil {
			return err
		}
		if !done[p] {
			done[p] = true
			if err := m.profile(v, p, all); err != nil {
				return err
			}
		}
	}
	return m.tell(ctx)
}

// profile renews the units of a profile and matches them one by one.
func (m *matcher) profile(v *view, p clientele.ProfileID, all bool) error {
	members, err := v.graph.Members(p)
	if err != nil || len(members) > mostIdentifiers {
		return err
	}
	var units []identity.Unit
	first := map[clientele.Anchor]bool{}
	err = v.graph.UnitsOf(p, func(u identity.Unit) error {
		units = append(units, u)
		first[u.First] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, anchor := range members {
		if !first[anchor] {
			m.index.Remove(uint64(anchor))
		}
	}
	for _, u := range units {
		if u.First == 0 {
			continue
		}
		says, err := v.says(u.Members)
		if err != nil {
			return err
		}
		if m.index.Put(uint64(u.First), says) {
			m.grown++
		} else if !all {
			continue
		}
		if err := m.match(v, u.First); err != nil {
			return err
		}
	}
	return nil
}

// match compares one person with those that are near: of each other profile the likeliest.
func (m *matcher) match(v *view, a clientele.Anchor) error {
	seen := map[clientele.ProfileID]bool{}
	for _, n := range m.index.Near(uint64(a), min(m.what.Review, m.what.Merge)) {
		b := clientele.Anchor(n.ID)
		if there, err := v.graph.Exists(b); err != nil {
			return err
		} else if !there {
			m.index.Remove(n.ID) // erased; the change that says so is still to be read
			continue
		}
		p, err := v.graph.Profile(a) // of now: it may be one with others by what was found
		if err != nil {
			return err
		}
		q, err := v.graph.Profile(b)
		if err != nil {
			return err
		}
		if p == q || seen[q] {
			continue
		}
		seen[q] = true
		known, err := v.graph.Evidenced(a, b)
		if err != nil {
			return err
		}
		if known { // refused by a rule, or taken back by somebody: nothing is to be said again
			continue
		}
		one := n.Equal
		if !one && n.Weight >= m.what.Merge {
			if one, err = m.one(v, p, q); err != nil {
				return err
			}
		}
		switch {
		case one && !m.closed():
			err = m.join(v, a, b)
		case one || n.Weight >= m.what.Review:
			err = m.ask(v, a, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// one says whether two profiles are one person by all that their units say.
func (m *matcher) one(v *view, p, q clientele.ProfileID) (bool, error) {
	as, err := firstsOf(v, p)
	if err != nil || as == nil {
		return false, err
	}
	bs, err := firstsOf(v, q)
	return err == nil && m.index.One(as, bs, m.what.Merge), err
}

// firstsOf names the units of a profile as the index does; none of one that is too large.
func firstsOf(v *view, p clientele.ProfileID) (out []uint64, err error) {
	members, err := v.graph.Members(p)
	if err != nil || len(members) > mostIdentifiers {
		return nil, err
	}
	err = v.graph.UnitsOf(p, func(u identity.Unit) error {
		out = append(out, uint64(u.First))
		return nil
	})
	return out, err
}

func (m *matcher) pair(a, b clientele.Anchor) clientele.MatchPair {
	return matchOf(a, b, m.index.Explain(uint64(a), uint64(b)), m.run.Model, m.what.Calibration)
}

// join takes a match down, and does to the view's graph what the resolver will do: who comes next meets it.
func (m *matcher) join(v *view, a, b clientele.Anchor) error {
	pair := m.pair(a, b)
	if err := v.graph.Match(pair, clientele.Stamp{}); err != nil {
		return err
	}
	m.set = append(m.set, pair)
	p, err := v.graph.Profile(a)
	if err != nil {
		return err
	}
	q, err := v.graph.Profile(b)
	if err == nil && p == q {
		m.count()
	}
	return err
}

// ask puts a pair into the review queue.
func (m *matcher) ask(v *view, a, b clientele.Anchor) error {
	if m.open >= m.a.cfg.Matching.MaxReviews {
		return nil
	}
	pair := m.pair(a, b)
	apart, err := v.graph.Apart(pair.A, pair.B)
	if err != nil || apart {
		return err
	}
	row, err := resolve.LoadMatchReview(v, [2]clientele.Anchor{pair.A, pair.B})
	if err != nil || row != nil {
		return err // it waits already, or somebody has decided it
	}
	same := func(o clientele.MatchPair) bool { return identity.ByPair(o, pair) == 0 }
	if !slices.ContainsFunc(m.review, same) {
		m.review = append(m.review, pair)
		m.open++
	}
	return nil
}

// closed says whether nobody is merged until the next run.
func (m *matcher) closed() bool { return m.closing || m.run.OnlineClosed != 0 }

// count notes a merge, and closes when they are too many: more in an hour than burst allows, or more since the run than it
// could have changed without approval.
func (m *matcher) count() {
	now := m.a.o.Now()
	m.merged = slices.DeleteFunc(m.merged, func(at time.Time) bool { return now.Sub(at) > burstTime })
	m.merged = append(m.merged, now)
	allowed := func(share float64) int64 { return max(leastAllowed, int64(share*float64(m.run.Records))) }
	if int64(len(m.merged)) >= allowed(float64(m.a.cfg.Matching.Burst)) || m.run.Online+int64(len(m.set)) >= allowed(m.run.MaxChurn) {
		m.closing = true
	}
}

// tell puts what was found into the log and waits until it is resolved.
func (m *matcher) tell(ctx context.Context) error {
	var parts []resolve.MatchBody
	for c := range slices.Chunk(m.set, matchPart) {
		parts = append(parts, resolve.MatchBody{Run: m.run.ID, Online: true, Set: c})
	}
	for c := range slices.Chunk(m.review, matchPart) {
		parts = append(parts, resolve.MatchBody{Run: m.run.ID, Online: true, Review: c})
	}
	m.set, m.review = nil, nil
	if len(parts) == 0 {
		return nil
	}
	if m.closing && m.run.OnlineClosed == 0 {
		parts[len(parts)-1].Close = true
		m.a.o.Log.Warn("people are no longer merged as they come, for too many were: what is found waits for review until the next run of matching", "run", m.run.ID)
	}
	var last clientele.Position
	for _, b := range parts {
		var err error
		if last, err = m.a.append(ctx, clientele.CommandMatch, identity.MatchSource, b); err != nil {
			return err
		}
	}
	if err := m.a.resolved.reach(ctx, uint64(last)); err != nil {
		return err
	}
	run, err := resolve.LoadMatchRun(m.a.rows, m.run.ID)
	if err == nil && run != nil {
		m.run = run
	}
	return err
}
