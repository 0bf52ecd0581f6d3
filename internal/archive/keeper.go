package archive

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"clientele"
)

// Log is what the keeper needs of the log. Frame answers Corrupt for a position that is gone.
type Log interface {
	First() clientele.Position
	Last() clientele.Position
	Size() int64
	Frame(ctx context.Context, p clientele.Position) ([]byte, error)
	Purge(ctx context.Context, upTo clientele.Position) error
}

const (
	keepEvery = 10 * time.Second
	patience  = time.Minute
)

// Keeper moves the log's oldest frames into the archive, once the resolver has read them and
// the log has grown too large or they too old. It is a value to fill in; Log, Archive,
// Resolved and ReceivedAt must be set. For one goroutine.
type Keeper struct {
	Log        Log
	Archive    *Archive
	Resolved   func() clientele.Position                    // the resolver has read up to here
	ReceivedAt func(frame []byte) (clientele.Micros, error) // of its first record
	KeepBytes  int64                                        // above it the log is trimmed; 0 = no limit
	KeepAge    time.Duration                                // frames older than this are moved; 0 = no limit
	Every      time.Duration                                // between two looks of Run; 0 = 10 s
	Patience   time.Duration                                // a frame that cannot be read is only given up after it; 0 = 1 min, negative = at once
	Turn       *sync.Mutex                                  // held by who must not have the log trimmed: then a round is left out; nil = nobody
	Now        func() time.Time                             // nil = time.Now
	Logger     *slog.Logger                                 // nil = none

	// What the log's first frame says of its age, kept because to read it the log's server loads a
	// whole block of 8 MB, for which all who write wait.
	first   clientele.Position
	firstAt clientele.Micros

	stuck      clientele.Position
	stuckSince time.Time
}

func (k *Keeper) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}

func (k *Keeper) logger() *slog.Logger {
	if k.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Logger
}

// Run looks again and again until the context ends. What goes wrong is logged and tried again.
func (k *Keeper) Run(ctx context.Context) error {
	every := k.Every
	if every <= 0 {
		every = keepEvery
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		if err := k.Once(ctx); err != nil && ctx.Err() == nil {
			k.logger().Warn("archive keeper", "error", err.Error(), "hint", clientele.ErrorHint(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// Once moves what is due. The log forgets only what the archive says it has. When it moves
// something it goes an eighth below the limits, so that parts do not come out tiny.
func (k *Keeper) Once(ctx context.Context) error {
	if k.Turn != nil {
		if !k.Turn.TryLock() {
			return nil
		}
		defer k.Turn.Unlock()
	}
	// What an earlier run has archived but, stopped in between, not purged.
	if err := k.purge(ctx); err != nil {
		return err
	}
	first, limit := k.Log.First(), min(k.Resolved(), k.Log.Last())
	if first > limit {
		return nil
	}
	due, err := k.due(ctx, first)
	if err != nil || !due {
		return err
	}
	before := k.Archive.Last()
	var failed error
	last, err := k.Archive.Write(k.oldest(ctx, first, limit, &failed))
	if err == nil {
		err = failed
	}
	if last > before {
		k.logger().Info("archived", "from", uint64(before+1), "to", uint64(last))
		if perr := k.purge(ctx); err == nil {
			err = perr
		}
	}
	return err
}

// purge forgets what is archived and resolved.
func (k *Keeper) purge(ctx context.Context) error {
	upTo := min(k.Archive.Last(), k.Resolved(), k.Log.Last())
	if upTo < k.Log.First() {
		return nil
	}
	return k.Log.Purge(ctx, upTo)
}

// due says whether the log is over a limit.
func (k *Keeper) due(ctx context.Context, first clientele.Position) (bool, error) {
	if k.KeepBytes > 0 && k.Log.Size() > k.KeepBytes {
		return true, nil
	}
	if k.KeepAge <= 0 {
		return false, nil
	}
	if k.first != first {
		frame, err := k.Log.Frame(ctx, first)
		if clientele.ErrorCode(err) == clientele.Corrupt {
			return true, nil // gone or not, it is what stands in the way
		}
		if err != nil {
			return false, err
		}
		if k.firstAt, err = k.ReceivedAt(frame); err != nil {
			return false, err
		}
		k.first = first
	}
	return k.older(k.firstAt, k.KeepAge), nil
}

func (k *Keeper) older(at clientele.Micros, age time.Duration) bool {
	return k.now().Sub(at.Time()) > age
}

// oldest yields the frames to archive, until the log would be below its limits or the frames
// up to limit are through. The error that ended it is put into failed.
func (k *Keeper) oldest(ctx context.Context, first, limit clientele.Position, failed *error) func(func(clientele.Position, []byte) bool) {
	return func(yield func(clientele.Position, []byte) bool) {
		over := k.Log.Size() - k.KeepBytes/8*7
		if k.KeepBytes <= 0 {
			over = 0
		}
		if have := k.Archive.Last(); first > have+1 {
			// Neither log nor archive has them: the log was damaged or raised, or somebody
			// has deleted parts.
			k.logger().Error("archive: positions are missing", "from", uint64(have+1), "to", uint64(first-1))
			if !yield(first-1, nil) {
				return
			}
		} else {
			first = have + 1
		}
		for p := first; p <= limit; p++ {
			frame, err := k.Log.Frame(ctx, p)
			if clientele.ErrorCode(err) == clientele.Corrupt {
				if !k.giveUp(p) {
					return
				}
				if !yield(p, nil) {
					return
				}
				continue
			}
			if err != nil {
				*failed = err
				return
			}
			if over <= 0 {
				at, err := k.ReceivedAt(frame)
				if err != nil || k.KeepAge <= 0 || !k.older(at, k.KeepAge/8*7) {
					*failed = err
					return
				}
			}
			over -= int64(len(frame))
			if !yield(p, frame) {
				return
			}
		}
	}
}

// giveUp says whether a position that cannot be read counts as missing: only when it stays so
// for a while, for the log forgets it then, and what looks gone may be a fault that passes.
func (k *Keeper) giveUp(p clientele.Position) bool {
	wait := k.Patience
	if wait == 0 {
		wait = patience
	}
	if p == k.stuck+1 && k.stuck != 0 && k.now().Sub(k.stuckSince) > wait {
		k.stuck = p // the next of a range that was waited for
		return true
	}
	if p != k.stuck {
		k.stuck, k.stuckSince = p, k.now()
	}
	if k.now().Sub(k.stuckSince) <= wait && wait > 0 {
		k.logger().Warn("archive: a frame of the log cannot be read, waiting", "position", uint64(p))
		return false
	}
	k.logger().Error("archive: a frame of the log is given up", "position", uint64(p))
	return true
}
