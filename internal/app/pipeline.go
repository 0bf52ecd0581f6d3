package app

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"clientele"
	"clientele/internal/archive"
	"clientele/internal/eventlog"
	"clientele/internal/observe"
	"clientele/internal/resolve"
)

// The stages, in the order in which a record meets them. Collect is not one: it ends with the
// record on disk, in the handler of its request.
//
//	feed     reads frames from the archive and the log, in order, and decodes them
//	resolve  folds them into the row store, one change set for each micro-batch
//	follow   copies the changes into the column store
//	keep     archives and trims the log behind the resolver
//	upkeep   folds and compacts the column store
//	backup   copies everything while it goes on, when it is asked to
//	export   writes tables to where they are wanted, as asked for or when due
//	purge    takes the bytes of erased persons and expired records out of log, archive and files
//	fill     finds the members of new versions of audiences in the column store
//	refresh  asks the queries of SQL audiences when they are due
//	match    compares all people when it is due
//	online   compares people with others as they come
//	health   looks at the identity graph anew for who asks how it is
//	train    trains models and scores everybody by them, as asked for or when due
//	rescore  scores those whose orders have changed
//	recommend  learns which products to recommend, now and then
//	decide   folds what came of decisions into the next ones
//	tick     moves the domain's clock while nothing else does, and when something is due
//
// Each runs until the context ends or it can go no further; the first to fail ends them all.
func (a *App) stages() map[string]func(context.Context) error {
	decoded := make(chan []resolve.Decoded, maxAhead)
	return map[string]func(context.Context) error{
		"feed":      func(ctx context.Context) error { return a.feed(ctx, decoded) },
		"resolve":   func(ctx context.Context) error { return a.resolve(ctx, decoded) },
		"follow":    a.follow,
		"keep":      a.keep,
		"upkeep":    a.upkeep,
		"backup":    a.backupStage,
		"export":    a.export,
		"purge":     a.purgeDue,
		"tick":      a.tick,
		"fill":      a.fill,
		"refresh":   a.refreshes,
		"match":     a.matchDue,
		"online":    a.matchOnline,
		"health":    a.renewHealth,
		"train":     a.train,
		"rescore":   a.rescore,
		"recommend": a.learnRecommendations,
		"decide":    a.learnDecisions,
	}
}

// The size of a micro-batch, and how far decoding goes ahead of it. A batch is what is there when
// the last one ends, so it is large only behind a backlog, where it pays: rows of neighbouring
// keys are read together.
const (
	maxAhead        = 8       // bundles of frames
	aheadRecords    = 1000    // of a bundle; the frame that reaches it is the last
	aheadBytes      = 1 << 20 // likewise, of records as they came
	maxBatchRecords = 10_000
	maxBatchBytes   = 8 << 20 // of records as they came: a batch is one commit, which the column store takes whole or not at all
	decoders        = 2
)

// niceness is how far the stages give way to intake and to reads of profiles (see aside): columns
// and archive further than profiles, which people look at while they speak with a customer. At 4 a
// thread gets two fifths of the processor time of one that gives no way, at 10 a tenth: little enough
// that intake never has used up its share when a request comes.
var niceness = map[string]int{"feed": 4, "resolve": 4, "follow": 10, "rows": 10, "keep": 10, "upkeep": 16, "backup": 16, "export": 16, "purge": 16, "sql": 8, "fill": 16, "refresh": 16, "match": 16, "online": 16, "health": 16, "train": 16, "rescore": 16, "recommend": 16, "decide": 10}

// Run runs the stages until the context ends and all of them have stopped. What cannot go on,
// a full disk or a store that refuses, is tried again; nothing that was accepted is passed over.
func (a *App) Run(ctx context.Context) error {
	defer a.ready.Store(false)
	stages := a.stages()
	// Which rules are in force is known when all of the log has passed: now, or in a while.
	last := uint64(a.log.Last())
	if a.resolved.get() >= last {
		if err := a.tellRules(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		a.ready.Store(true)
		close(a.told)
	} else {
		a.ready.Store(true)
		stages["rules"] = func(ctx context.Context) error {
			if a.resolved.reach(ctx, last) != nil {
				return nil
			}
			defer close(a.told)
			return a.tellRules(ctx)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for name, stage := range stages {
		wg.Go(func() {
			aside(niceness[name])
			if err := stage(ctx); err != nil && ctx.Err() == nil {
				a.trouble.add(name, err.Error())
				a.o.Log.Error("stage stopped", "stage", name, "error", err.Error(), "hint", clientele.ErrorHint(err))
				cancel(err)
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// feed decodes frames ahead of the resolver, several at a time, and hands them on in order.
func (a *App) feed(ctx context.Context, out chan<- []resolve.Decoded) error {
	stage := a.observer.Stage("resolve")
	ordered := make(chan chan resolve.Decoded, decoders)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { bundle(ctx, ordered, out) })
	defer close(ordered)
	return a.frames(ctx, clientele.Position(a.resolved.get()), func(p clientele.Position, b []byte) error {
		c := make(chan resolve.Decoded, 1)
		select {
		case ordered <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
		wg.Go(func() {
			start := time.Now()
			f, err := eventlog.DecodeFrame(b)
			if err != nil { // stored with a checksum, so this is damage that NATS did not notice
				a.lost(p, p, err)
				f = &clientele.Frame{Kind: clientele.KindTick}
			}
			d := resolve.Decode(p, f, *a.inForce.Load(), a.source)
			stage.Took("decode", time.Since(start))
			a.observer.Frame(len(f.Records))
			c <- d
		})
		return nil
	})
}

// bundle hands frames on, small ones that wait as one: what is ahead of the resolver is bound by records and bytes, not
// by frames, so that it finds decoded what has come during a long round.
func bundle(ctx context.Context, in <-chan chan resolve.Decoded, out chan<- []resolve.Decoded) {
	var waits []resolve.Decoded
	records, bytes := 0, 0
	for in != nil || len(waits) > 0 {
		from, to := in, out
		if records >= aheadRecords || bytes >= aheadBytes {
			from = nil
		}
		if len(waits) == 0 {
			to = nil
		}
		select {
		case c, more := <-from:
			if !more {
				in = nil
				continue
			}
			d := <-c
			waits, records, bytes = append(waits, d), records+len(d.Records), bytes+rawSize(d)
		case to <- waits:
			waits, records, bytes = nil, 0, 0
		case <-ctx.Done():
			return
		}
	}
}

// frames calls fn for each frame behind after: from the archive as far as the log does not
// reach back, then from the log, for ever.
func (a *App) frames(ctx context.Context, after clientele.Position, fn func(clientele.Position, []byte) error) error {
	next, err := a.archived(ctx, after, fn)
	if err != nil {
		return err
	}
	r, err := a.log.Follow(ctx, next)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		p, b, err := r.Next(ctx)
		var gap *eventlog.Gap
		switch {
		case errors.As(err, &gap):
			a.lost(gap.From, gap.To, err)
		case ctx.Err() != nil:
			return nil
		case clientele.ErrorCode(err) == clientele.Unavailable:
			a.trouble.add("log", err.Error())
			if err := pause(ctx, retryAfter); err != nil {
				return nil
			}
		case err != nil:
			return err
		default:
			if err := fn(p, b); err != nil {
				return err
			}
		}
	}
}

// archived reads the part of the history that has left the log, and answers how far it came.
func (a *App) archived(ctx context.Context, after clientele.Position, fn func(clientele.Position, []byte) error) (clientele.Position, error) {
	if after >= a.archive.Last() || a.log.First() == after+1 {
		return after, nil
	}
	r := a.archive.Read(after)
	defer r.Close()
	for ctx.Err() == nil {
		p, b, err := r.Next()
		var missing *archive.Missing
		switch {
		case errors.As(err, &missing):
			a.lost(missing.From, missing.To, err)
		case errors.Is(err, io.EOF):
			return after, nil
		case err != nil:
			return after, err
		default:
			after = p
			if err := fn(p, b); err != nil {
				return after, err
			}
		}
	}
	return after, ctx.Err()
}

// lost reports positions whose frames are gone. It is never passed over in silence.
func (a *App) lost(from, to clientele.Position, err error) {
	a.o.Log.Error("log positions are lost", "from", from, "to", to, "error", err.Error(), "hint", clientele.ErrorHint(err))
	a.trouble.add("log", err.Error())
}

// retryAfter is how long a stage waits before it tries again what a full disk refused.
const retryAfter = time.Second

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resolve folds decoded frames into the row store.
func (a *App) resolve(ctx context.Context, in <-chan []resolve.Decoded) error {
	stage := a.observer.Stage("resolve")
	o := resolve.Options{Store: a.rows, Sources: a.source, Rules: a.rules, Log: a.o.Log, Watch: stage.Part, Plain: a.o.Plain,
		Told: a.resolvedChange, Aside: a.watch.Aside, Seal: a.seal, Erasures: a.erasures,
		Fetch: func(p clientele.Position) (*clientele.Frame, error) { return a.frame(ctx, p) }}
	r, err := resolve.New(o)
	for clientele.ErrorCode(err) == clientele.Unavailable { // it may have to write, and the disk is full
		a.trouble.add("resolve", err.Error())
		if pause(ctx, retryAfter) != nil {
			return nil
		}
		r, err = resolve.New(o)
	}
	if err != nil {
		return err
	}
	known := outcomesOf(r.Totals())
	a.timeOf(r)
	rest := pace{share: resolveRest, most: resolveRestMost, within: resolveWithin}
	for {
		rules := r.Rules()
		a.inForce.Store(&rules)
		batch, job, ok := a.gather(ctx, in, &rest)
		if !ok {
			return nil
		}
		if job != nil {
			job(r)
			continue
		}
		began := time.Now()
		for {
			rest := unresolved(batch, r.Position())
			stage.Begin(ctx)
			err := r.Batch(rest)
			stage.End(roundOf(rest, err))
			if err == nil {
				break
			}
			if clientele.ErrorCode(err) != clientele.Unavailable {
				return err
			}
			// The disk is full, or the store recovers: the log holds what waits.
			a.trouble.add("resolve", err.Error())
			if pause(ctx, retryAfter) != nil {
				return nil
			}
		}
		a.trouble.clear("resolve")
		_, commit, err := a.rows.Position()
		if err != nil {
			return err
		}
		now := outcomesOf(r.Totals())
		a.timeOf(r)
		a.observer.Resolved(now.Since(known))
		known = now
		a.commits.add(commit)
		a.committed.set(commit)
		a.resolved.set(uint64(r.Position()))
		rest.ended(began)
	}
}

// unresolved is the batch without what an earlier try has committed.
func unresolved(batch []resolve.Decoded, done clientele.Position) []resolve.Decoded {
	for len(batch) > 0 && batch[0].Position <= done {
		batch = batch[1:]
	}
	return batch
}

// gather takes what is there when the resolver has rested, up to a batch, or a job; it waits for the
// first.
func (a *App) gather(ctx context.Context, in <-chan []resolve.Decoded, rest *pace) ([]resolve.Decoded, func(*resolve.Resolver), bool) {
	var batch []resolve.Decoded
	n, size := 0, 0
	take := func(frames []resolve.Decoded) {
		batch = append(batch, frames...)
		for _, d := range frames {
			n, size = n+len(d.Records), size+rawSize(d)
		}
	}
	select {
	case d := <-in:
		take(d)
	case job := <-a.jobs:
		return nil, job, true
	case <-ctx.Done():
		return nil, nil, false
	}
	// Frames are taken while it rests, so that decoding goes on.
	rested := rest.timer()
	for n < maxBatchRecords && size < maxBatchBytes {
		select {
		case d := <-in:
			take(d)
			continue
		default:
		}
		if rested == nil || n >= worthARound {
			break
		}
		select {
		case d := <-in:
			take(d)
		case <-rested:
			rested = nil
		case <-a.resolved.urged():
			rested = nil
		case <-ctx.Done():
			return nil, nil, false
		}
	}
	return batch, nil, true
}

// rawSize is the bytes of the frame's records as they came.
func rawSize(d resolve.Decoded) (n int) {
	for i := range d.Records {
		n += len(d.Records[i].Raw)
	}
	return n
}

// How much the column store is handed at once.
const (
	maxFollow      = 64
	maxFollowBytes = 8 << 20
)

// How long resolver and follower rest (see pace). Above worthARound records, or rows, a round costs
// hardly less for each.
const (
	resolveRest     = 2
	resolveRestMost = 150 * time.Millisecond
	resolveWithin   = 300 * time.Millisecond // a round and the rest behind it
	followRest      = 3
	followRestMost  = 800 * time.Millisecond
	worthARound     = 5000
)

// follow copies changes into the column store and forgets those that are there.
func (a *App) follow(ctx context.Context) error {
	stage := a.observer.Stage("follow")
	rest := pace{share: followRest, most: followRestMost}
	most := maxFollow
	for {
		if !a.restFollow(ctx, &rest) {
			return nil
		}
		have, news := a.committed.next()
		applied := a.applied.get()
		if applied >= have {
			select {
			case <-news:
			case <-ctx.Done():
				return nil
			}
			continue
		}
		began := time.Now()
		stage.Begin(ctx)
		changes, err := a.changes(stage, applied, most)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return clientele.Errorf(clientele.Corrupt, "the outbox has nothing behind commit %d of %d", applied, have).WithHint("run: clientele rebuild")
		}
		round := observe.Round{Size: rowsOf(changes), From: applied + 1, To: applied + uint64(len(changes))}
		ended := stage.Part("apply")
		round.Err = a.columns.Apply(ctx, applied+1, changes)
		ended()
		if err := round.Err; err != nil {
			stage.End(round)
			if code := clientele.ErrorCode(err); ctx.Err() == nil && (code == clientele.Conflict || code == clientele.Corrupt) {
				return err
			}
			// A full disk, a database that reopens: the changes wait in the outbox. Large rows may need more
			// memory than the column store has: it is tried with half as many changes.
			most = max(1, len(changes)/2)
			a.trouble.add("follow", err.Error())
			if pause(ctx, retryAfter) != nil {
				return nil
			}
			continue
		}
		a.trouble.clear("follow")
		most = min(maxFollow, 2*most)
		a.applied.set(applied + uint64(len(changes)))
		a.recent.forget(applied + uint64(len(changes)))
		ended = stage.Part("trim")
		if a.outboxTrim.TryLock() {
			err = a.rows.TrimChanges(min(applied+uint64(len(changes)), a.online.held.Load()))
			a.outboxTrim.Unlock()
		}
		ended()
		stage.End(round)
		rest.ended(began)
		if err != nil && clientele.ErrorCode(err) != clientele.Unavailable {
			return err
		}
		if a.recent.size() < 4*worthARound { // one that is behind has no time for it
			if err := a.columns.Ease(ctx); err == nil {
				a.trouble.clear("checkpoint")
			} else if ctx.Err() == nil {
				a.trouble.add("checkpoint", err.Error()) // it is tried again
			}
		}
	}
}

// restFollow rests until the follower's next round. False when the context has ended.
func (a *App) restFollow(ctx context.Context, rest *pace) bool {
	rested := rest.timer()
	for rested != nil && a.recent.size() < worthARound {
		_, news := a.committed.next()
		select {
		case <-news:
		case <-rested:
			return true
		case <-a.applied.urged():
			return true
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// changes are those behind applied, as many as are handed over at once: most of them at most.
func (a *App) changes(stage *observe.Stage, applied uint64, most int) ([]clientele.Change, error) {
	defer stage.Part("read")()
	if held := a.recent.take(applied+1, most); len(held) > 0 {
		return held, nil
	}
	entries, err := a.rows.Changes(applied, a.recent.until(applied+1, most))
	if err != nil {
		return nil, err
	}
	return decodeChanges(entries)
}

func decodeChanges(entries []clientele.OutboxEntry) ([]clientele.Change, error) {
	var out []clientele.Change
	packed, plain := 0, 0
	for _, e := range entries {
		if packed += len(e.Bytes); packed > maxFollowBytes && len(out) > 0 {
			break
		}
		c, err := resolve.DecodeChange(e.Bytes)
		if err != nil {
			return nil, err
		}
		if plain += weight(c); plain > maxTaken && len(out) > 0 {
			break
		}
		out = append(out, *c)
	}
	return out, nil
}

// keep archives what leaves the log.
func (a *App) keep(ctx context.Context) error {
	if a.cfg.Log.KeepSize == 0 && a.cfg.Log.KeepAge == 0 {
		<-ctx.Done()
		return nil
	}
	k := &archive.Keeper{Log: a.log, Archive: a.archive, Resolved: func() clientele.Position { return clientele.Position(a.resolved.get()) },
		ReceivedAt: receivedAt, Turn: &a.logTrim, KeepBytes: int64(a.cfg.Log.KeepSize), KeepAge: time.Duration(a.cfg.Log.KeepAge), Now: a.o.Now, Logger: a.o.Log}
	return k.Run(ctx)
}

// receivedAt is when the frame's first record was received.
func receivedAt(b []byte) (clientele.Micros, error) {
	f, err := eventlog.DecodeFrame(b)
	if err != nil {
		return 0, err
	}
	return f.Records[0].ReceivedAt, nil
}

const upkeepEvery = time.Minute

// upkeep folds and compacts the column store. A round that fails is tried again in the next.
func (a *App) upkeep(ctx context.Context) error {
	stage := a.observer.Stage("upkeep")
	for pause(ctx, upkeepEvery) == nil {
		stage.Begin(ctx)
		err := a.columns.Maintain(ctx)
		stage.End(observe.Round{Err: err})
		if err != nil && ctx.Err() == nil {
			a.o.Log.Warn("upkeep", "error", err.Error())
		}
		if err := a.flushReads(); err != nil {
			a.o.Log.Warn("upkeep", "error", err.Error())
		}
	}
	return nil
}

// frame is a frame of the log or of its archive.
func (a *App) frame(ctx context.Context, p clientele.Position) (*clientele.Frame, error) {
	b, err := a.log.Frame(ctx, p)
	if err != nil {
		if b, err = a.archive.Frame(p); err != nil {
			return nil, err
		}
	}
	return eventlog.DecodeFrame(b)
}
