package resolve

import (
	"encoding/json"
	"fmt"
	"slices"

	"clientele"
	"clientele/internal/identity"
	"clientele/internal/profile"
	"clientele/internal/rowcache"
)

// Bodies of the commands of matching, in the log for ever. They name people by anchors and hold no value of theirs.
type (
	// MatchRunBody is of match_run: a run with its numbers, or with Of what becomes of one that waited.
	MatchRunBody struct {
		Run     *clientele.MatchRun `json:"run,omitempty"`
		Learned json.RawMessage     `json:"learned,omitempty"` // by the run: how to weigh further people
		Of      clientele.Position  `json:"of,omitempty"`
		State   string              `json:"state,omitempty"` // applied or discarded
	}
	// MatchBody is of match: a part of what a run found, or with Part one that was held back until now, or what was found Online by
	// what the run learned.
	MatchBody struct {
		Run      clientele.Position    `json:"run"`
		Online   bool                  `json:"online,omitempty"`
		Close    bool                  `json:"close,omitempty"` // no more is matched online until the next run
		Hold     bool                  `json:"hold,omitempty"`  // keep it until somebody approves the run
		Part     clientele.Position    `json:"part,omitempty"`
		Set      []clientele.MatchPair `json:"set,omitempty"`
		Retract  [][2]clientele.Anchor `json:"retract,omitempty"`
		Review   []clientele.MatchPair `json:"review,omitempty"`
		Withdraw [][2]clientele.Anchor `json:"withdraw,omitempty"` // pairs that need nobody's verdict any more
	}
	// MatchReviewBody is of match_review.
	MatchReviewBody struct {
		Pairs   [][2]clientele.Anchor  `json:"pairs"`
		Verdict clientele.MatchVerdict `json:"verdict"`
	}
)

// MatchReviewRow is a pair of the review queue as it is stored. Field numbers are on disk.
type MatchReviewRow struct {
	Match clientele.Match        `cbor:"1,keyasint"`
	Run   clientele.Position     `cbor:"2,keyasint"`
	State clientele.MatchVerdict `cbor:"3,keyasint"`
	By    string                 `cbor:"4,keyasint,omitempty"`
	At    clientele.Micros       `cbor:"5,keyasint,omitempty"`
}

// matching does a command of matching.
func (r *Resolver) matching(body func(any) error, c *clientele.Command, p clientele.Position, now clientele.Micros) error {
	switch c.Name {
	case clientele.CommandMatchRun:
		var b MatchRunBody
		if err := body(&b); err != nil {
			return err
		}
		return r.matchRun(b, c.By, p, now)
	case clientele.CommandMatch:
		var b MatchBody
		if err := body(&b); err != nil {
			return err
		}
		return r.match(b, p, now)
	}
	var b MatchReviewBody
	if err := body(&b); err != nil {
		return err
	}
	return r.matchReview(b, c.By, p, now)
}

func (r *Resolver) matchRun(b MatchRunBody, by string, p clientele.Position, now clientele.Micros) error {
	if b.Run != nil {
		run := *b.Run
		run.ID, run.By, run.At = p, by, now
		if len(b.Learned) > 0 {
			r.put(clientele.MatchLearnedKey(p), b.Learned)
		}
		if err := r.unlearn(&run); err != nil {
			return err
		}
		return r.putMatchRun(&run)
	}
	run, err := LoadMatchRun(r.o.Store, b.Of)
	switch {
	case err != nil:
		return err
	case run == nil:
		return clientele.Errorf(clientele.NotFound, "there is no matching run %d", b.Of)
	case run.State != clientele.MatchWaiting:
		return clientele.Errorf(clientele.Conflict, "matching run %d does not wait", b.Of)
	case b.State != clientele.MatchApplied && b.State != clientele.MatchDiscarded:
		return invalid("a run becomes applied or discarded")
	}
	run.State = b.State
	if b.State == clientele.MatchDiscarded {
		r.batch.drops = append(r.batch.drops, clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'h'}).Uint(uint64(b.Of))))
	}
	if err := r.unlearn(run); err != nil {
		return err
	}
	return r.putMatchRun(run)
}

// unlearn forgets what runs have learned that nobody asks any more: a discarded one, and those before an applied one.
func (r *Resolver) unlearn(run *clientele.MatchRun) error {
	switch run.State {
	case clientele.MatchDiscarded:
		r.put(clientele.MatchLearnedKey(run.ID), nil)
	case clientele.MatchApplied:
		all := clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'m'}))
		all.End = clientele.MatchLearnedKey(run.ID)
		return r.o.Store.Scan(all, func(k clientele.Key, _ []byte) (bool, error) {
			r.put(slices.Clone(k), nil)
			return true, nil
		})
	}
	return nil
}

func (r *Resolver) putMatchRun(run *clientele.MatchRun) error {
	v, err := rowcache.Encode(run)
	r.put(clientele.MatchRunKey(run.ID), v)
	return err
}

func (r *Resolver) match(b MatchBody, p clientele.Position, now clientele.Micros) error {
	if b.Hold {
		b.Hold = false
		v, err := json.Marshal(b)
		r.put(clientele.MatchHeldKey(b.Run, p), v)
		return err
	}
	if b.Part != 0 {
		k := clientele.MatchHeldKey(b.Run, b.Part)
		v, err := r.o.Store.Get(k)
		if err != nil || v == nil {
			return err
		}
		r.put(k, nil)
		if err := json.Unmarshal(v, &b); err != nil {
			return clientele.Errorf(clientele.Corrupt, "a held part of a matching run: %w", err)
		}
	}
	// What no longer holds goes first, so that what takes its place finds room.
	for _, e := range b.Retract {
		if there, err := r.both(e); err != nil {
			return err
		} else if there {
			if err := r.graph.Unmatch(e[0], e[1]); err != nil {
				return err
			}
		}
	}
	at := clientele.Stamp{At: now, Source: identity.MatchSource, ID: fmt.Sprintf("run-%d", b.Run)}
	if b.Online {
		at.ID = fmt.Sprintf("online-%d", b.Run)
		if err := r.online(b, now); err != nil {
			return err
		}
	}
	for _, m := range b.Set {
		if there, err := r.both([2]clientele.Anchor{m.A, m.B}); err != nil {
			return err
		} else if there {
			if err := r.graph.Match(m, at); err != nil {
				return err
			}
		}
	}
	return r.queue(b)
}

// online notes with the run what was matched by it since.
func (r *Resolver) online(b MatchBody, now clientele.Micros) error {
	run, err := LoadMatchRun(r.o.Store, b.Run)
	if err != nil || run == nil {
		return err
	}
	run.Online += int64(len(b.Set))
	if b.Close && run.OnlineClosed == 0 {
		run.OnlineClosed = now
	}
	return r.putMatchRun(run)
}

// queue puts pairs into the review queue, and takes those out that nobody has decided. A verdict stays.
func (r *Resolver) queue(b MatchBody) error {
	for _, e := range b.Withdraw {
		row, err := rowcache.Load[MatchReviewRow](r.o.Store, clientele.MatchReviewKey(e[0], e[1]))
		if err != nil {
			return err
		}
		if row != nil && row.State == clientele.MatchOpen {
			r.put(clientele.MatchReviewKey(e[0], e[1]), nil)
			r.put(clientele.MatchReviewOfKey(e[1], e[0]), nil)
		}
	}
	for _, m := range b.Review {
		e := [2]clientele.Anchor{m.A, m.B}
		there, err := r.both(e)
		if err != nil {
			return err
		}
		row, err := rowcache.Load[MatchReviewRow](r.o.Store, clientele.MatchReviewKey(m.A, m.B))
		if err != nil {
			return err
		}
		if !there || row != nil && row.State != clientele.MatchOpen {
			continue
		}
		if err := r.putReview(e, &MatchReviewRow{Match: m.Match, Run: b.Run, State: clientele.MatchOpen}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Resolver) putReview(e [2]clientele.Anchor, row *MatchReviewRow) error {
	v, err := rowcache.Encode(row)
	r.put(clientele.MatchReviewKey(e[0], e[1]), v)
	r.put(clientele.MatchReviewOfKey(e[1], e[0]), []byte{})
	return err
}

// both says whether both anchors are there: people may be erased between a run and now.
func (r *Resolver) both(e [2]clientele.Anchor) (bool, error) {
	a, err := r.graph.Exists(e[0])
	if err != nil || !a {
		return false, err
	}
	return r.graph.Exists(e[1])
}

// matchReview takes a verdict down and does what it says. One that is given again changes nothing.
func (r *Resolver) matchReview(b MatchReviewBody, by string, p clientele.Position, now clientele.Micros) error {
	done := map[[2]clientele.Anchor]bool{}
	for _, e := range b.Pairs {
		row, err := rowcache.Load[MatchReviewRow](r.o.Store, clientele.MatchReviewKey(e[0], e[1]))
		if err != nil {
			return err
		}
		if row == nil || row.State == b.Verdict || done[e] {
			continue // erased or withdrawn meanwhile
		}
		done[e] = true
		if row.State == clientele.MatchSame || row.State == clientele.MatchDifferent {
			if err := r.graph.Undo(e[0], e[1]); err != nil {
				return err
			}
		}
		switch b.Verdict {
		case clientele.MatchSame:
			err = r.graph.Merge([]clientele.Anchor{e[0], e[1]}, by, p, now)
			if clientele.ErrorCode(err) == clientele.Invalid {
				continue // one identifies nobody by now; the pair waits on, and the others are decided
			}
		case clientele.MatchDifferent:
			err = r.graph.Forbid(e[0], e[1], by, p, now)
		case clientele.MatchUnsure, clientele.MatchOpen:
		default:
			err = invalid("a verdict is same, different, unsure or open")
		}
		if err != nil {
			return err
		}
		row.State, row.By, row.At = b.Verdict, by, now
		if b.Verdict == clientele.MatchOpen {
			row.By, row.At = "", 0
		}
		if err := r.putReview(e, row); err != nil {
			return err
		}
	}
	return nil
}

// eraseMatches takes the anchor's pairs out of the review queue, and so out of what the next run learns from.
func (r *Resolver) eraseMatches(a clientele.Anchor) error {
	for _, dir := range []byte{'r', 'x'} {
		prefix := clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{dir}).Anchor(a))
		err := r.o.Store.Scan(prefix, func(k clientele.Key, _ []byte) (bool, error) {
			e, err := readMatchPair(k)
			if err != nil {
				return false, err
			}
			if dir == 'x' {
				e[0], e[1] = e[1], e[0]
			}
			r.put(clientele.MatchReviewKey(e[0], e[1]), nil)
			r.put(clientele.MatchReviewOfKey(e[1], e[0]), nil)
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseHeld takes the anchors out of what waits for approval.
func (r *Resolver) eraseHeld(gone []clientele.Anchor) error {
	has := func(a, b clientele.Anchor) bool {
		_, x := slices.BinarySearch(gone, a)
		_, y := slices.BinarySearch(gone, b)
		return x || y
	}
	ofPair := func(m clientele.MatchPair) bool { return has(m.A, m.B) }
	of := func(e [2]clientele.Anchor) bool { return has(e[0], e[1]) }
	return r.o.Store.Scan(clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'h'})), func(k clientele.Key, v []byte) (bool, error) {
		var b MatchBody
		if err := json.Unmarshal(v, &b); err != nil {
			return false, clientele.Errorf(clientele.Corrupt, "a held part of a matching run: %w", err)
		}
		if !slices.ContainsFunc(b.Set, ofPair) && !slices.ContainsFunc(b.Review, ofPair) && !slices.ContainsFunc(b.Retract, of) && !slices.ContainsFunc(b.Withdraw, of) {
			return true, nil
		}
		b.Set, b.Review = slices.DeleteFunc(b.Set, ofPair), slices.DeleteFunc(b.Review, ofPair)
		b.Retract, b.Withdraw = slices.DeleteFunc(b.Retract, of), slices.DeleteFunc(b.Withdraw, of)
		next, err := json.Marshal(b)
		r.put(slices.Clone(k), next)
		return true, err
	})
}

func readMatchPair(k clientele.Key) ([2]clientele.Anchor, error) {
	if len(k) < 2 {
		return [2]clientele.Anchor{}, clientele.Errorf(clientele.Corrupt, "row key is cut short")
	}
	rest := k[1:].Read() // behind the kind
	return [2]clientele.Anchor{rest.Anchor(), rest.Anchor()}, rest.Err()
}

// LoadMatchReviews gives the pairs of the review queue from the one behind after on, in the order of their anchors.
func LoadMatchReviews(rows clientele.Rows, after [2]clientele.Anchor, do func(e [2]clientele.Anchor, row *MatchReviewRow) (bool, error)) error {
	rng := clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'r'}))
	if after != ([2]clientele.Anchor{}) {
		rng.Start = clientele.MatchReviewKey(after[0], after[1]+1)
	}
	return rows.Scan(rng, func(k clientele.Key, v []byte) (bool, error) {
		e, err := readMatchPair(k)
		if err != nil {
			return false, err
		}
		row, err := rowcache.Decode[MatchReviewRow](v)
		if err != nil {
			return false, err
		}
		return do(e, row)
	})
}

// LoadMatchReview is one pair; nil when it is not in the queue.
func LoadMatchReview(rows clientele.Rows, e [2]clientele.Anchor) (*MatchReviewRow, error) {
	return rowcache.Load[MatchReviewRow](rows, clientele.MatchReviewKey(e[0], e[1]))
}

// LoadMatchRuns are the latest runs, the newest first.
func LoadMatchRuns(rows clientele.Rows, limit int) ([]clientele.MatchRun, error) {
	out := []clientele.MatchRun{}
	rng := clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'n'}))
	rng.Reverse = true
	err := rows.Scan(rng, func(_ clientele.Key, v []byte) (bool, error) {
		run, err := rowcache.Decode[clientele.MatchRun](v)
		if err == nil {
			out = append(out, *run)
		}
		return len(out) < limit, err
	})
	return out, err
}

// LoadHeldParts are the positions of the parts that a run holds back.
func LoadHeldParts(rows clientele.Rows, run clientele.Position) (out []clientele.Position, err error) {
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'h'}).Uint(uint64(run))), func(k clientele.Key, _ []byte) (bool, error) {
		rest := k[1:].Read()
		rest.Uint()
		out = append(out, clientele.Position(rest.Uint()))
		return true, rest.Err()
	})
	return out, err
}

// LoadTraits are the traits of the anchors as if they were one profile.
func LoadTraits(rows clientele.Rows, rules profile.Rules, anchors []clientele.Anchor) (map[string]json.RawMessage, error) {
	heads := make([]*profile.Head, len(anchors))
	for i, a := range anchors {
		var err error
		if heads[i], err = loadHead(rows, a); err != nil {
			return nil, err
		}
	}
	return profile.Merge(rules, heads).Traits, nil
}

// LoadLearned is the latest applied run that has learned how to weigh further people, and what; nil when there is none.
func LoadLearned(rows clientele.Rows) (run *clientele.MatchRun, learned []byte, err error) {
	rng := clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'m'}))
	rng.Reverse = true
	err = rows.Scan(rng, func(k clientele.Key, v []byte) (bool, error) {
		rest := k[1:].Read()
		of, err := LoadMatchRun(rows, clientele.Position(rest.Uint()))
		if err != nil || of == nil || of.State != clientele.MatchApplied {
			return err == nil, err
		}
		run, learned = of, slices.Clone(v)
		return false, rest.Err()
	})
	return run, learned, err
}

// HalfApproved are the runs that were approved and still hold parts back: the program ended in between.
func HalfApproved(rows clientele.Rows) (out []clientele.Position, err error) {
	err = rows.Scan(clientele.Prefix(clientele.NewKey(clientele.RowMatch).Bytes([]byte{'h'})), func(k clientele.Key, _ []byte) (bool, error) {
		rest := k[1:].Read()
		id := clientele.Position(rest.Uint())
		if len(out) > 0 && out[len(out)-1] == id {
			return true, rest.Err()
		}
		run, err := LoadMatchRun(rows, id)
		if err == nil && run != nil && run.State == clientele.MatchApplied {
			out = append(out, id)
		}
		return err == nil, err
	})
	return out, err
}

// LoadMatchRun is one run; nil when there is none.
func LoadMatchRun(rows clientele.Rows, id clientele.Position) (*clientele.MatchRun, error) {
	return rowcache.Load[clientele.MatchRun](rows, clientele.MatchRunKey(id))
}
