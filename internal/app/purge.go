package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"clientele"
	"clientele/internal/eventlog"
	"clientele/internal/privacy"
	"clientele/internal/resolve"
)

// purgeEvery is how often the stage looks whether a purge is due.
const purgeEvery = time.Minute

// purgeDue takes the bytes of erased persons, and of what retention rules have deleted, out of log, archive and
// files in time. One purge serves all that wait, so it begins when the oldest has used half of its time.
func (a *App) purgeDue(ctx context.Context) error {
	select {
	case <-a.told:
	case <-ctx.Done():
		return nil
	}
	for {
		err := a.repeatPending(ctx)
		due := false
		if err == nil {
			due, err = a.due()
		}
		if err == nil && due {
			err = a.purge(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.trouble.add("purge", "what was erased or has expired is not purged yet: "+err.Error())
			a.o.Log.Warn("purge", "error", err.Error(), "hint", clientele.ErrorHint(err))
		} else {
			a.trouble.clear("purge")
		}
		if pause(ctx, purgeEvery) != nil {
			return nil
		}
	}
}

// due says whether a purge must begin now: for an erasure, or for records of erased persons that
// came in again since the last purge.
func (a *App) due() (bool, error) {
	since := clientele.Micros(0)
	for _, e := range a.register.Entries() {
		if e.What == privacy.WhatPurged {
			since = e.At
		}
	}
	if waiting := a.register.Unpurged(); len(waiting) > 0 {
		since = slices.MinFunc(waiting, func(x, y privacy.Entry) int { return cmp.Compare(x.At, y.At) }).At
	} else if out, err := a.keptOut(); err != nil {
		return false, err
	} else if len(out) == 0 {
		since = math.MaxInt64
	}
	keeps, err := resolve.LoadRetention(a.rows)
	if err != nil {
		return false, err
	}
	if keeps.Unpurged != 0 && !keeps.Sweeping() {
		since = min(since, keeps.Unpurged)
	}
	if since == math.MaxInt64 {
		return false, nil
	}
	half := clientele.Micros(time.Duration(a.cfg.Erase.PurgeWithin).Microseconds() / 2)
	return clientele.MicrosOf(a.o.Now()) >= since+half, nil
}

// purge takes what is left of erased persons, and of what retention rules have deleted, out of archive, log, row store and column store, in this
// order, and then says so in the book. Every step may be repeated: an interrupted purge is done
// again from the beginning, and what it had done is found done.
func (a *App) purge(ctx context.Context) error {
	a.purging.Lock()
	defer a.purging.Unlock()
	// Not beside a backup, which copies what is exchanged here.
	a.logTrim.Lock()
	defer a.logTrim.Unlock()
	waiting := a.register.Unpurged()
	keptOut, err := a.keptOut()
	if err != nil {
		return err
	}
	keeps, err := resolve.LoadRetention(a.rows)
	if err != nil {
		return err
	}
	if keeps.Unpurged == 0 || keeps.Sweeping() {
		keeps = nil // nothing has expired, or it is not known yet what has
	}
	if len(waiting)+len(keptOut) == 0 && keeps == nil {
		return nil
	}
	var expired []clientele.RecordRef
	err = resolve.ScanExpired(a.rows, func(r clientele.RecordRef) error { expired = append(expired, r); return nil })
	if err != nil {
		return err
	}
	_, commit, err := a.rows.Position()
	if err != nil {
		return err
	}
	if err := a.applied.reach(ctx, commit); err != nil {
		return clientele.Errorf(clientele.Unavailable, "purge: %w", err)
	}
	done, err := a.purgeLog(ctx, keptOut, keeps, expired)
	if err != nil {
		return err
	}
	last := resolve.Forget{KeptOut: keptOut, Retained: keeps != nil}
	if keeps != nil {
		last.Expired = expired
	}
	if err := a.forget(ctx, last); err != nil {
		return err
	}
	if err := a.rows.Renew(ctx); err != nil {
		return err
	}
	if err := a.columns.Rewrite(ctx); err != nil {
		return err
	}
	now := clientele.MicrosOf(a.o.Now())
	for _, e := range waiting {
		if err := a.register.Add(privacy.Entry{What: privacy.WhatPurged, ID: e.ID, At: now, Purged: done}); err != nil {
			return err
		}
	}
	a.o.Log.Info("purged", "erasures", len(waiting), "records", done["records"])
	return nil
}

func (a *App) keptOut() (out []clientele.RecordRef, err error) {
	err = resolve.ScanKeptOut(a.rows, func(r clientele.RecordRef) error {
		out = append(out, r)
		return nil
	})
	return out, err
}

// purgeLog rewrites the archive, and moves the part of the log that has such records into it. All
// erasures take part, also those that were purged before: a record that somebody has sent again since
// is found then.
func (a *App) purgeLog(ctx context.Context, keptOut []clientele.RecordRef, keeps *resolve.Retention, expired []clientele.RecordRef) (map[string]int64, error) {
	v, err := a.view()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	all, err := a.erasures()
	if err != nil {
		return nil, err
	}
	records := int64(0)
	p := resolve.NewPurge(a.seal, all, keptOut, *a.inForce.Load(), a.source, v.graph.Known)
	if keeps != nil {
		p.Retain(keeps, expired)
	}
	rewrite := func(at clientele.Position, b []byte) ([]byte, error) {
		f, err := eventlog.DecodeFrame(b)
		if err != nil {
			return nil, nil // damaged: nobody can read it, and it is reported elsewhere
		}
		if f, err = p.Frame(at, f); err != nil || f == nil {
			return nil, err
		}
		if pack := a.pack(); pack != nil {
			return eventlog.EncodeFrameWith(f, pack)
		}
		return eventlog.EncodeFrame(f)
	}
	// What the rows remember of the records goes before the records that tell it.
	ready := func() error {
		f := p.Take()
		records += f.Records
		return a.forget(ctx, f)
	}
	archived, err := a.archive.Rewrite(ctx, rewrite, ready)
	if err != nil {
		return nil, err
	}
	moved, err := a.moveRewritten(ctx, rewrite, ready)
	return map[string]int64{"archive_frames": int64(archived), "log_frames": int64(moved), "records": records}, err
}

func (a *App) forget(ctx context.Context, f resolve.Forget) error {
	return a.withResolver(ctx, func(r *resolve.Resolver) error { return r.Forget(f) })
}

// moveRewritten finds the frames of the log that change, archives all up to the last of them, the
// changed ones as they are to be, overwrites those in the log, and has the log forget that part.
func (a *App) moveRewritten(ctx context.Context, rewrite func(clientele.Position, []byte) ([]byte, error), ready func() error) (int, error) {
	changed, last := map[clientele.Position][]byte{}, clientele.Position(0)
	upTo := clientele.Position(a.resolved.get())
	for p := a.log.First(); p <= upTo; p++ {
		b, err := a.log.Frame(ctx, p)
		switch clientele.ErrorCode(err) {
		case "":
		case clientele.Corrupt, clientele.NotFound:
			continue
		default:
			return 0, err
		}
		archived := p <= a.archive.Last()
		if b, err = rewrite(p, b); err != nil {
			return 0, err
		}
		if b != nil {
			if last = p; archived {
				b = nil // the archive has it already, rewritten
			}
			changed[p] = b
		}
	}
	if last == 0 {
		return 0, nil
	}
	if last > a.archive.Last() {
		var failed error
		if _, err := a.archive.Write(a.through(ctx, last, changed, &failed)); err != nil || failed != nil {
			return 0, errors.Join(err, failed)
		}
	}
	if err := ready(); err != nil {
		return 0, err
	}
	for p := range changed {
		if err := a.log.Shred(ctx, p); err != nil {
			return 0, err
		}
	}
	return len(changed), a.log.Purge(ctx, min(last, a.archive.Last()))
}

// through yields the log's frames behind the archive up to last, the changed ones in their new form.
func (a *App) through(ctx context.Context, last clientele.Position, changed map[clientele.Position][]byte, failed *error) iter.Seq2[clientele.Position, []byte] {
	return func(yield func(clientele.Position, []byte) bool) {
		next := a.archive.Last() + 1
		if first := a.log.First(); first > next { // neither has them: say so, as the keeper does
			if !yield(first-1, nil) {
				return
			}
			next = first
		}
		for p := next; p <= last; p++ {
			b := changed[p]
			if b == nil {
				var err error
				b, err = a.log.Frame(ctx, p)
				if clientele.ErrorCode(err) == clientele.Corrupt {
					b = nil
				} else if err != nil {
					*failed = fmt.Errorf("purge: %w", err)
					return
				}
			}
			if !yield(p, b) {
				return
			}
		}
	}
}

// withResolver calls fn between two micro-batches, where the resolver is nobody else's.
func (a *App) withResolver(ctx context.Context, fn func(*resolve.Resolver) error) error {
	done := make(chan error, 1)
	select {
	case a.jobs <- func(r *resolve.Resolver) { done <- fn(r) }:
	case <-ctx.Done():
		return clientele.Errorf(clientele.Unavailable, "the resolver is busy").WithHint("try again later")
	}
	return <-done
}
