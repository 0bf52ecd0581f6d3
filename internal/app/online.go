package app

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/linkage"
	"clientele/internal/resolve"
)

// online is how matching of people as they come is doing, for others to see.
type online struct {
	mu     sync.Mutex
	health clientele.OnlineMatching
	// held is the commit up to which the outbox may be forgotten; all of it while nothing is followed.
	held   atomic.Uint64
	looked progress // the last commit that it has looked at, with nothing left over
}

func (o *online) set(change func(h *clientele.OnlineMatching)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.health)
}

func (o *online) now() clientele.OnlineMatching {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := o.health
	if h.State == "" {
		h.State = clientele.OnlineOff
	}
	return h
}

// onlineMark is how far online matching has come, in a file of the state: every change up to Commit was looked at, and
// everybody whose first sight is up to Position.
type onlineMark struct {
	Run      clientele.Position `json:"run"` // by whose model
	Commit   uint64             `json:"commit"`
	Position clientele.Position `json:"position"`
}

const onlineFile = "matching.json"

// openOnline finds out how far online matching had come, so that the outbox keeps what it has not seen.
func (a *App) openOnline() {
	a.online.held.Store(math.MaxUint64)
	if !a.cfg.Matching.Online || !a.o.Serves {
		return
	}
	if mark := a.onlineMark(); mark.Commit > 0 && mark.Commit <= a.committed.get() {
		a.online.held.Store(mark.Commit)
	}
}

// onlineMark is zero where there is none.
func (a *App) onlineMark() (mark onlineMark) {
	b, err := os.ReadFile(filepath.Join(a.cfg.Data, a.place, onlineFile))
	if err != nil || json.Unmarshal(b, &mark) != nil {
		return onlineMark{}
	}
	return mark
}

// How online matching works.
const (
	onlineRest      = 3 // see pace
	onlineRestMost  = 500 * time.Millisecond
	onlineChanges   = 64                     // read at once
	onlinePeople    = 200                    // looked at in one view
	mostIdentifiers = 1000                   // of a profile; larger ones are left to runs
	leastAllowed    = 20                     // matches in an hour, and between two runs, that are never too many
	burstTime       = time.Hour              // in which matches are counted
	bytesPerson     = 400                    // of the index, at least
	weighEvery      = 20_000                 // people between two looks at the index's size
	markEvery       = 500 * time.Millisecond // between two writings of the mark
)

// matcher matches people as they come. It follows the outbox, as the column store does; what it finds enters by the log.
type matcher struct {
	a     *App
	run   *clientele.MatchRun // whose model it is; nil without an index
	what  matchLearned
	index *linkage.Index
	full  clientele.Position // the run whose people are too many
	at    uint64             // commit up to which it has looked
	mark  onlineMark
	wrote time.Time
	queue []clientele.Anchor // to be looked at whether anything has changed or not
	open  int                // pairs in the review queue, about
	grown int                // people since the index was measured

	merged      []time.Time // of the last hour
	closing     bool
	set, review []clientele.MatchPair
}

// matchOnline is the stage. A round that fails is tried again.
func (a *App) matchOnline(ctx context.Context) error {
	if !a.cfg.Matching.Online || !a.o.Serves || a.place != stateDir { // a rebuild only repeats what was found
		return nil
	}
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	m := &matcher{a: a, mark: a.onlineMark()}
	m.at = m.mark.Commit
	rest := pace{share: onlineRest, most: onlineRestMost}
	for ctx.Err() == nil {
		_, news := a.committed.next()
		began := time.Now()
		more, err := m.round(ctx)
		if err != nil {
			if ctx.Err() == nil {
				a.trouble.add("online matching", err.Error())
				a.o.Log.Warn("online matching", "error", err.Error())
			}
			m.index, m.run = nil, nil // from a snapshot again
			_ = pause(ctx, retryAfter)
			continue
		}
		m.note(!more)
		if more {
			continue
		}
		rest.ended(began)
		select {
		case <-news:
		case <-ctx.Done():
		}
		_ = pause(ctx, time.Until(rest.until))
	}
	m.wrote = time.Time{}
	m.note(false)
	return nil
}

// round looks at some of what is new; more says that there may be more.
func (m *matcher) round(ctx context.Context) (more bool, err error) {
	run, learned, err := resolve.LoadLearned(m.a.rows)
	if err != nil {
		return false, err
	}
	if run == nil || run.ID == m.full {
		m.index, m.run, m.at = nil, nil, m.a.committed.get()
		m.a.online.set(func(h *clientele.OnlineMatching) {
			h.State, h.People, h.Bytes, h.Behind = clientele.OnlineNoRun, 0, 0, 0
			if run != nil {
				h.State = clientele.OnlineFull
			}
		})
		m.a.online.held.Store(math.MaxUint64)
		m.a.online.looked.set(m.at)
		return false, nil
	}
	if m.index == nil || m.run.ID != run.ID {
		return true, m.build(ctx, run, learned)
	}
	m.run = run
	if len(m.queue) > 0 {
		some := m.queue[:min(onlinePeople, len(m.queue))]
		if err := m.look(ctx, some, true); err != nil {
			return false, err
		}
		m.queue = m.queue[len(some):]
		return true, nil
	}
	if m.at >= m.a.committed.get() {
		return false, nil
	}
	people, erased, n, err := m.touched(m.at, onlineChanges)
	if err != nil {
		return false, err
	}
	for _, anchor := range erased {
		m.index.Remove(uint64(anchor))
	}
	for len(people) > 0 {
		some := people[:min(onlinePeople, len(people))]
		people = people[len(some):]
		if err := m.look(ctx, some, false); err != nil {
			return false, err
		}
	}
	m.at += n
	return true, nil
}

// touched reads whom the changes behind a commit touch, each once.
func (m *matcher) touched(after uint64, most int) (people, erased []clientele.Anchor, n uint64, err error) {
	entries, err := m.a.rows.Changes(after, most)
	seen := map[clientele.Anchor]bool{}
	for _, e := range entries {
		t, err := resolve.DecodeTouched(e.Bytes)
		if err != nil {
			return nil, nil, 0, err
		}
		for _, anchor := range t.People {
			if !seen[anchor] {
				seen[anchor] = true
				people = append(people, anchor)
			}
		}
		erased = append(erased, t.Erased...)
	}
	return people, erased, uint64(len(entries)), err
}

// build makes the index of a snapshot, and notes whom the run has not compared and nobody has looked at since.
func (m *matcher) build(ctx context.Context, run *clientele.MatchRun, learned []byte) error {
	a := m.a
	m.index, m.run, m.queue, m.closing = nil, nil, nil, false
	a.online.set(func(h *clientele.OnlineMatching) { h.State = clientele.OnlineBuilding })
	if err := json.Unmarshal(learned, &m.what); err != nil {
		return clientele.Errorf(clientele.Corrupt, "what matching learned: %w", err)
	}
	_, commit, err := a.rows.Position() // of the view, or before it
	if err != nil {
		return err
	}
	v, err := a.view()
	if err != nil {
		return err
	}
	defer v.Close()
	since := m.what.At // whom the run itself has compared
	if m.mark.Run == run.ID {
		since = max(since, m.mark.Position)
	}
	met := func(u identity.Unit) {
		if u.Members[len(u.Members)-1].Position() > since {
			m.queue = append(m.queue, u.First)
		}
	}
	d, err := a.matchData(ctx, v, met, int(int64(a.cfg.Matching.Memory)/bytesPerson), 0)
	if clientele.ErrorCode(err) == clientele.TooLarge {
		return m.tooLarge(run)
	}
	if err != nil {
		return err
	}
	if err := m.missed(commit); err != nil {
		return err
	}
	ids := make([]uint64, len(d.units))
	for i, u := range d.units {
		ids[i] = uint64(u.First)
	}
	index, err := linkage.OpenIndex(m.what.Linkage, d.table, ids, max(1, a.cfg.Columns.Threads))
	if err != nil {
		return err
	}
	if index.Bytes() > int64(a.cfg.Matching.Memory) {
		return m.tooLarge(run)
	}
	if m.open, err = openReviews(v); err != nil {
		return err
	}
	m.index, m.run, m.at, m.grown = index, run, commit, weighEvery
	a.online.held.Store(m.at)
	return nil
}

// missed queues whom changes touch up to the commit that were not looked at, as far as the outbox has them.
func (m *matcher) missed(commit uint64) error {
	if m.at == 0 || m.at > commit {
		return nil
	}
	for at := m.at; at < commit; {
		people, _, n, err := m.touched(at, onlineChanges)
		if clientele.ErrorCode(err) == clientele.Corrupt { // trimmed: who is new is found by the snapshot, the next run compares the others
			return nil
		}
		if err != nil || n == 0 {
			return err
		}
		m.queue = append(m.queue, people...)
		at += n
	}
	return nil
}

// tooLarge gives up until the next run.
func (m *matcher) tooLarge(run *clientele.MatchRun) error {
	m.full, m.index, m.queue = run.ID, nil, nil
	m.a.o.Log.Warn("people are not matched as they come: the index would be over its memory", "limit", int64(m.a.cfg.Matching.Memory))
	return nil
}

func openReviews(v *view) (n int, err error) {
	err = resolve.LoadMatchReviews(v, [2]clientele.Anchor{}, func(_ [2]clientele.Anchor, row *resolve.MatchReviewRow) (bool, error) {
		if row.State == clientele.MatchOpen {
			n++
		}
		return true, nil
	})
	return n, err
}

// note tells how it is doing, and writes down how far it has come.
func (m *matcher) note(idle bool) {
	a := m.a
	a.trouble.clear("online matching")
	switch {
	case m.index == nil && m.full != 0:
		a.trouble.add("online matching", "people are not matched as they come: the index would take more than matching.memory")
		return
	case m.index == nil:
		return
	case m.closed():
		a.trouble.add("online matching", "people are no longer merged as they come, for too many were: what is found waits for review until the next run of matching")
	}
	if m.grown >= weighEvery {
		m.grown = 0
		size := m.index.Bytes()
		a.online.set(func(h *clientele.OnlineMatching) { h.Bytes = size })
		if size > int64(a.cfg.Matching.Memory) {
			_ = m.tooLarge(m.run)
			return
		}
	}
	a.online.set(func(h *clientele.OnlineMatching) {
		h.State, h.People, h.Behind = clientele.OnlineOn, int64(m.index.Len()), int64(a.committed.get()-min(m.at, a.committed.get()))
		if m.closed() {
			h.State = clientele.OnlineClosed
		}
	})
	if len(m.queue) > 0 {
		return // the mark does not tell of them
	}
	if m.mark.Run != m.run.ID {
		m.mark.Position = 0
	}
	if p, commit, err := a.rows.Position(); err == nil && idle && m.at >= commit {
		m.mark.Position = p
	}
	m.mark.Run, m.mark.Commit = m.run.ID, m.at
	a.online.held.Store(m.at)
	a.online.looked.set(m.at)
	if time.Since(m.wrote) < markEvery {
		return
	}
	m.wrote = time.Now()
	b, err := json.Marshal(m.mark)
	path := filepath.Join(a.cfg.Data, a.place, onlineFile)
	if err == nil {
		err = os.WriteFile(path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil { // it is read at the next start, where without it more is looked at again
		a.o.Log.Warn("online matching", "error", err.Error())
	}
}
